//! Folders of pictures: order, names, stacks, odd files, round trips.

use std::path::Path;

use hooke_core::{Axis, Dtype, ImageSink, Pixels, ReadStatus, Region};
use hooke_io::image_folder::FolderSink;
use hooke_io::png::PngSink;
use hooke_io::tiff::{Kind, TiffSink, WriteOptions};
use hooke_io::{OpenOptions, open};

use crate::harness::*;

fn picture(path: &Path, seed: u64, shape: [u64; 5], dtype: Dtype) -> Pixels {
    let pixels = pattern(dtype, shape, seed);
    let meta = described("a", "yx", shape, dtype);
    let sink: Box<dyn ImageSink> = match path.extension().unwrap().to_str().unwrap() {
        "png" => Box::new(PngSink::create(path, &meta).unwrap()),
        _ => Box::new(TiffSink::create(path, &meta, &WriteOptions::of(Kind::Tiff)).unwrap()),
    };
    sink.write(0, &Region::whole(shape), &pixels).unwrap();
    sink.finish().unwrap();
    pixels
}

const PLANE: [u64; 5] = [1, 1, 1, 9, 7];

#[test]
fn pictures_follow_each_other_in_natural_order_along_any_axis() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["a2.tif", "a10.png", "a1.png"];
    let planes: Vec<Pixels> = names
        .iter()
        .enumerate()
        .map(|(i, n)| picture(&folder.path().join(n), i as u64, PLANE, Dtype::Uint16))
        .collect();
    std::fs::write(folder.path().join("notes.txt"), "no picture").unwrap();
    std::fs::write(folder.path().join(".a0.tif"), "no picture").unwrap();
    for (along, axes) in [(None, "zyx"), (Some(Axis::T), "tyx"), (Some(Axis::C), "cyx")] {
        let dataset =
            open(folder.path(), &OpenOptions { along, ..OpenOptions::default() }).unwrap();
        assert_eq!(dataset.format(), "image-folder");
        let image = dataset.images()[0].as_ref();
        assert_eq!(image.meta().axes.to_string(), axes);
        let d = along.unwrap_or(Axis::Z).index();
        for (place, plane) in [2, 0, 1].into_iter().enumerate() {
            let mut start = [0; 5];
            start[d] = place as u64;
            assert!(read(image, 0, &Region::new(start, PLANE)) == planes[plane], "{axes} {place}");
        }
        check_regions(image, 20);
        let channels: Vec<_> =
            image.meta().channels.iter().filter_map(|c| c.name.as_deref()).collect();
        let wanted: &[&str] = if along == Some(Axis::C) { &["a1", "a2", "a10"] } else { &[] };
        assert_eq!(channels, wanted);
    }
}

#[test]
fn a_written_folder_reads_back_with_all_its_axes() {
    for (axes, shape) in SHAPES {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells");
        let pixels = pattern(Dtype::Int16, shape, 2);
        let meta = described("cells", axes, shape, Dtype::Int16);
        let sink = FolderSink::create(&path, &meta, &WriteOptions::of(Kind::Tiff)).unwrap();
        write_blocks(&sink, &pixels, [1, 1, 2, 1, 1]);
        let files = std::fs::read_dir(&path).unwrap().count() as u64;
        assert_eq!(files, shape[..3].iter().product::<u64>());
        let dataset = open(&path, &OpenOptions::default()).unwrap();
        let image = dataset.images()[0].as_ref();
        let wanted = if axes == "yx" { "zyx" } else { axes };
        assert_eq!(image.meta().axes.to_string(), wanted);
        assert!(read_whole(image) == pixels, "{axes}");
        let sizes = |m: &hooke_core::ImageMeta| [1, 2].map(|d| m.voxel_size_um[d].value);
        for (found, wanted) in sizes(image.meta()).into_iter().zip(sizes(&meta)) {
            assert_close(found, wanted, 1e-6);
        }
    }
}

#[test]
fn a_lost_plane_is_listed_and_zero() {
    let folder = tempfile::tempdir().unwrap();
    for z in [0, 1, 3] {
        picture(&folder.path().join(format!("s_t0_z{z}.tif")), z, PLANE, Dtype::Uint8);
        picture(&folder.path().join(format!("s_t1_z{z}.tif")), z, PLANE, Dtype::Uint8);
    }
    std::fs::remove_file(folder.path().join("s_t1_z1.tif")).unwrap();
    let dataset = open(folder.path(), &OpenOptions::default()).unwrap();
    let image = dataset.images()[0].as_ref();
    assert_eq!(image.meta().shape, [2, 1, 4, 9, 7], "plane 2 is lost from both stacks");
    assert_eq!(dataset.problems()[0].code, "missing-planes");
    assert_eq!(image.meta().missing.len(), 3);
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let lost = Region::new([1, 0, 1, 2, 2], [1, 1, 1, 4, 4]);
    let status = image.read(0, &lost, &mut out).unwrap();
    let wanted = image.meta().missing.iter().filter(|p| p.t == 1 && p.z == 1).copied().collect();
    assert_eq!(status, ReadStatus::MissingFilled(wanted));
    assert!(out.as_slice::<u8>().unwrap().iter().all(|v| *v == 0));
}

#[test]
fn odd_files_are_named_together_and_stacks_ask_for_an_axis() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a1.tif", "a2.tif", "a4.tif"] {
        picture(&folder.path().join(name), 1, PLANE, Dtype::Uint8);
    }
    picture(&folder.path().join("a3.tif"), 1, [1, 1, 1, 8, 7], Dtype::Uint8);
    picture(&folder.path().join("a5.tif"), 1, PLANE, Dtype::Uint16);
    // Opening costs one file; the others are compared when they are read.
    let dataset = open(folder.path(), &OpenOptions::default()).unwrap();
    let image = dataset.images()[0].as_ref();
    assert_eq!(image.meta().shape, [1, 1, 5, 9, 7]);
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let error =
        image.read(0, &Region::whole(image.meta().shape), &mut out).unwrap_err().to_string();
    for part in ["a1.tif is uint8", "a3.tif is uint8 1 x 1 x 1 x 8 x 7", "a5.tif is uint16"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!error.contains("a4.tif"), "{error}");

    let stacks = tempfile::tempdir().unwrap();
    let shape = [1, 1, 3, 9, 7];
    for (i, name) in ["s1.tif", "s2.tif"].iter().enumerate() {
        let pixels = pattern(Dtype::Uint8, shape, i as u64);
        let meta = described("s", "zyx", shape, Dtype::Uint8);
        let path = stacks.path().join(name);
        let sink = TiffSink::create(&path, &meta, &WriteOptions::of(Kind::Ome)).unwrap();
        write_blocks(&sink, &pixels, shape);
    }
    let error = open(stacks.path(), &OpenOptions::default()).err().unwrap();
    assert!(error.hint().unwrap().contains("--along t"), "{error}");
    for (along, wanted) in [(Axis::T, [2, 1, 3, 9, 7]), (Axis::Z, [1, 1, 6, 9, 7])] {
        let how = OpenOptions { along: Some(along), ..OpenOptions::default() };
        let dataset = open(stacks.path(), &how).unwrap();
        let image = dataset.images()[0].as_ref();
        assert_eq!(image.meta().shape, wanted);
        let second = if along == Axis::T { [1, 0, 0, 0, 0] } else { [0, 0, 3, 0, 0] };
        let found = read(image, 0, &Region::new(second, shape));
        assert!(found == pattern(Dtype::Uint8, shape, 1));
        check_regions(image, 10);
    }
}

#[test]
fn files_that_an_expression_names_are_one_image() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut planes = Vec::new();
    for t in [1, 2, 4] {
        for (c, channel) in ["DAPI", "GFP"].into_iter().enumerate() {
            let name = at(&format!("s1_{channel}_t{t:03}.tif"));
            planes.push((t - 1, c as u64, picture(&name, 2 * t + c as u64, PLANE, Dtype::Uint16)));
        }
    }
    picture(&at("s2_DAPI_t001.tif"), 9, PLANE, Dtype::Uint16);
    let dataset = open(&at("s1_<C,S>_t<T,3>.tif"), &OpenOptions::default()).unwrap();
    let image = dataset.images()[0].as_ref();
    assert_eq!(
        (image.meta().axes.to_string().as_str(), image.meta().shape),
        ("tcyx", [4, 2, 1, 9, 7])
    );
    let channels: Vec<_> = image.meta().channels.iter().filter_map(|c| c.name.as_deref()).collect();
    assert_eq!(channels, ["DAPI", "GFP"]);
    for (t, c, plane) in &planes {
        assert!(read(image, 0, &Region::new([*t, *c, 0, 0, 0], PLANE)) == *plane, "{t} {c}");
    }
    // Frame 3 is lost; of no frame after the last anybody knows.
    assert_eq!(image.meta().missing.len(), 2);
    assert_eq!(dataset.problems().last().unwrap().code, "missing-planes");

    let fails = |name: &str, how: &OpenOptions| open(&at(name), how).err().unwrap().to_string();
    let plain = OpenOptions::default();
    assert!(fails("s<S>_<C,S>_t<T,3>.tif", &plain).contains("the tag `S`"));
    assert!(fails("s1_DAPI_t<T", &plain).contains("not supported"));
    assert!(fails("s3_<T>.tif", &plain).contains("nearest names"));
    let along = OpenOptions { along: Some(Axis::Z), ..OpenOptions::default() };
    assert!(fails("s1_DAPI_t<T,3>.tif", &along).contains("--along"));
}
