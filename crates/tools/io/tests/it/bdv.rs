//! BigDataViewer files: conformance, round trips, damage, tiles.

use std::path::Path;

use hooke_core::meta::View;
use hooke_core::{Axes, Dtype, ImageMeta, ImageSink, Pixels, ReadStatus, Region, Sourced};
use hooke_io::bdv::{
    BdvFile, BdvSettings, BdvSink, PlacedTile, WorldUnit, emit, export_tiles, parse, read_tiles,
    replace_view,
};
use hooke_io::{OpenOptions, open};

use crate::harness::*;

#[test]
fn files_of_npy2bdv_agree() {
    let Some(folder) = conformance() else { return };
    for name in ["bdv_2tiles.xml", "bdv_missing.xml"] {
        check_conformance(&folder, name, 1e-9);
    }
    // Opened by its HDF5 file, the XML beside it is found.
    let by_xml = open(&folder.join("bdv_2tiles.xml"), &OpenOptions::default()).unwrap();
    let by_h5 = open(&folder.join("bdv_2tiles.h5"), &OpenOptions::default()).unwrap();
    assert_eq!(by_h5.images()[1].meta(), by_xml.images()[1].meta());
    let image = &by_xml.images()[0];
    assert_eq!(image.levels().len(), 2);
    assert_eq!(image.meta().stored_dtype, "int16");
    // Setups as listed in the reference.
    let missing = open(&folder.join("bdv_missing.xml"), &OpenOptions::default()).unwrap();
    let views: Vec<_> = missing
        .images()
        .iter()
        .map(|i| i.meta().view.unwrap())
        .map(|v| serde_json::json!([v.setup, v.channel, v.tile]))
        .collect();
    assert_eq!(serde_json::json!(views), expected(&folder, "bdv_missing.xml")["setups"]);
}

#[test]
fn missing_views_are_zero_and_named_by_each_read() {
    let Some(folder) = conformance() else { return };
    let opened = open(&folder.join("bdv_missing.xml"), &OpenOptions::default()).unwrap();
    let image = &opened.images()[2];
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let shape = image.meta().shape;
    let status = image.read(0, &Region::whole(shape), &mut out).unwrap();
    assert!(matches!(status, ReadStatus::MissingFilled(m) if m.len() == 1 && m[0].t == 1));
    let first = Region::new([0; 5], [1, shape[1], shape[2], shape[3], shape[4]]);
    assert_eq!(image.read(0, &first, &mut out).unwrap(), ReadStatus::Complete);
    // Not listed in the XML, the same view is an error, and missing when damage is tolerated.
    let copy = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(folder.join("bdv_missing.xml")).unwrap();
    let text = text.replace("<MissingView timepoint=\"1\" setup=\"2\" />", "");
    let path = copy.path().join("a.xml");
    std::fs::write(&path, text).unwrap();
    std::fs::copy(folder.join("bdv_missing.h5"), copy.path().join("bdv_missing.h5")).unwrap();
    let error = open(&path, &OpenOptions::default()).err().unwrap().to_string();
    assert!(error.contains("setup 2 at timepoint 1 is not stored"), "{error}");
    let how = OpenOptions { rescue: true, ..OpenOptions::default() };
    assert_eq!(open(&path, &how).unwrap().images()[2].meta().missing.len(), 1);
    // Without any XML, pixels are there and sizes are unknown.
    std::fs::remove_file(&path).unwrap();
    let bare = open(&copy.path().join("bdv_missing.h5"), &OpenOptions::default()).unwrap();
    assert_eq!((bare.format(), bare.images().len()), ("bdv-hdf5", 4));
    assert_eq!(bare.images()[0].meta().voxel_size_um, [Sourced::unknown(); 3]);
    assert!(read_whole(bare.images()[2].as_ref()) == read_whole(image.as_ref()));
}

/// What a BigDataViewer file keeps of one channel of an image.
fn kept(meta: &ImageMeta, channel: usize) -> ImageMeta {
    let mut kept = meta.clone();
    kept.shape[1] = 1;
    kept.axes = Axes::parse(if meta.shape[0] > 1 { "tzyx" } else { "zyx" }).unwrap();
    kept.channels = meta.channels.get(channel).cloned().into_iter().collect();
    kept
}

#[test]
fn every_type_and_shape_round_trips() {
    let folder = tempfile::tempdir().unwrap();
    for dtype in Dtype::ALL {
        for (axes, shape) in SHAPES {
            for unit in [WorldUnit::Micrometre, WorldUnit::Pixel] {
                let path = folder.path().join(format!("{dtype}_{axes}.xml"));
                let pixels = pattern(dtype, shape, 3);
                let meta = described("tile", axes, shape, dtype);
                let settings = BdvSettings { unit, chunk: [2, 4, 6], ..BdvSettings::default() };
                let sink = BdvSink::create(&path, &meta, &settings).unwrap();
                write_blocks(&sink, &pixels, [1, 1, 2, 5, 1]);
                let dataset = open(&path, &OpenOptions::default()).unwrap();
                assert_eq!(dataset.images().len() as u64, shape[1]);
                for (c, image) in dataset.images().iter().enumerate() {
                    let wanted = kept(&meta, c);
                    assert_described(image.meta(), &wanted);
                    if !wanted.channels.is_empty() {
                        assert_eq!(image.meta().channels, wanted.channels);
                    }
                    let mut channel = Region::whole(shape);
                    (channel.start[1], channel.shape[1]) = (c as u64, 1);
                    assert!(read_whole(image.as_ref()) == pixels.crop(&channel), "{dtype} {axes}");
                    check_regions(image.as_ref(), 3);
                }
            }
        }
    }
}

#[test]
fn levels_and_tiles_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.xml");
    let settings = BdvSettings {
        chunk: [4, 8, 8],
        factors: vec![[1, 1, 1], [1, 2, 2], [2, 4, 4]],
        ..BdvSettings::default()
    };
    let mut metas = Vec::new();
    for tile in 0..2 {
        let mut meta =
            described(&format!("t{tile}"), "zyx", [1, 1, 5, 21, 30 + tile], Dtype::Uint16);
        meta.view = Some(View { tile: 7 + tile, ..View::default() });
        metas.push(meta);
    }
    let file = BdvFile::create(&path, &metas, &settings).unwrap();
    for (i, meta) in metas.iter().enumerate() {
        let sink = file.image(i);
        assert_eq!(sink.levels()[2].shape[2..], [3, 6, 8]);
        for (level, l) in sink.levels().iter().enumerate() {
            let pixels = pattern(meta.dtype, l.shape, (10 * i + level) as u64);
            sink.write(level, &Region::whole(l.shape), &pixels).unwrap();
        }
        sink.finish().unwrap();
        assert!(!path.exists());
    }
    file.finish().unwrap();
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    for (i, image) in dataset.images().iter().enumerate() {
        assert_eq!(image.meta().view.unwrap().tile, 7 + i as u64);
        assert_eq!(image.levels()[1].factors, [1.0, 2.0, 2.0]);
        for (level, l) in image.levels().iter().enumerate() {
            let pixels = pattern(Dtype::Uint16, l.shape, (10 * i + level) as u64);
            assert!(read(image.as_ref(), level, &Region::whole(l.shape)) == pixels);
        }
    }
    drop(file);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn setups_beyond_ninety_nine_have_three_digits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.xml");
    let shape = [1, 1, 1, 2, 2];
    let metas: Vec<_> =
        (0..102).map(|i| described(&i.to_string(), "yx", shape, Dtype::Uint8)).collect();
    let file = BdvFile::create(&path, &metas, &BdvSettings::default()).unwrap();
    for i in 0..102 {
        let pixels = Pixels::from_vec(shape, vec![i as u8; 4]);
        file.image(i).write(0, &Region::whole(shape), &pixels).unwrap();
    }
    file.finish().unwrap();
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(dataset.images().len(), 102);
    assert_eq!(read_whole(dataset.images()[101].as_ref()).as_slice::<u8>(), Some(&[101; 4][..]));
    let bare = hooke_io::hdf5::open(
        &path.with_extension("h5"),
        &OpenOptions { dataset: Some("t00000/s101/0/cells".to_owned()), ..OpenOptions::default() },
    );
    assert!(bare.is_ok());
}

#[test]
fn damaged_files_are_errors() {
    let Some(folder) = conformance() else { return };
    let xml = folder.join("bdv_missing.xml");
    let h5 = folder.join("bdv_missing.h5");
    check_damage(&h5, std::slice::from_ref(&xml));
    check_damage(&xml, std::slice::from_ref(&h5));
}

#[test]
fn an_xml_is_written_as_it_was_read() {
    let Some(folder) = conformance() else { return };
    for name in ["bdv_2tiles.xml", "bdv_missing.xml"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let data = parse(Path::new(name), &text).unwrap();
        assert_eq!(parse(Path::new(name), &emit(&data)).unwrap(), data);
    }
}

#[test]
fn an_xml_is_a_list_of_tiles_and_rotation_is_an_error() {
    let Some(folder) = conformance() else { return };
    let (tiles, problems) = read_tiles(&folder.join("bdv_2tiles.xml"), false).unwrap();
    assert!(problems.is_empty());
    assert_eq!(tiles[1].position_px, [0.25, -3.25, 40.5]);
    assert_eq!(tiles[1].shape, Some([10, 32, 48]));
    assert_eq!(tiles[1].voxel_size_um, Some([1.0, 0.25, 0.25]));
    // Two channels of a tile are one tile.
    let (tiles, _) = read_tiles(&folder.join("bdv_missing.xml"), false).unwrap();
    assert_eq!(tiles.len(), 2);
    assert_eq!(tiles[1].sources.values().map(|s| s.series).collect::<Vec<_>>(), [1, 3]);
    let text = std::fs::read_to_string(folder.join("bdv_2tiles.xml")).unwrap();
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("rotated.xml");
    std::fs::write(&path, text.replace("<affine>1 0.0 0.0", "<affine>1 0.1 0.0")).unwrap();
    let error = read_tiles(&path, false).unwrap_err().to_string();
    assert!(error.contains("setup 0 is rotated or sheared (by "), "{error}");
    let (tiles, problems) = read_tiles(&path, true).unwrap();
    assert_eq!((tiles.len(), problems.len()), (2, 2));
}

#[test]
fn placed_tiles_come_back_from_their_xml() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("placed.xml");
    let tile = |name: &str, x: f64| PlacedTile {
        name: name.to_owned(),
        path: folder.path().join("tiles").join(format!("{name} <&>.tif")),
        series: 1,
        channel: 2,
        shape: [3, 4, 5],
        position_px: [0.0, -1.0 / 3.0, x],
    };
    let placed = [tile("a", 0.1), tile("b", 1e5 / 7.0)];
    for size in [Some([2.0, 0.65, 0.65]), None] {
        export_tiles(&target, &placed, size).unwrap();
        let (tiles, _) = read_tiles(&target, false).unwrap();
        for (found, wanted) in tiles.iter().zip(&placed) {
            assert_eq!((&found.name, found.shape), (&wanted.name, Some(wanted.shape)));
            assert_eq!(found.voxel_size_um, size);
            for d in 0..3 {
                assert_close(Some(found.position_px[d]), Some(wanted.position_px[d]), 1e-12);
            }
            let source = &found.sources[&0];
            assert_eq!((&source.path, source.series, source.channel), (&wanted.path, 1, Some(2)));
        }
    }
}

#[test]
fn placed_tiles_of_a_bdv_file_keep_their_pixels_and_channels() {
    let Some(shared) = conformance() else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in ["bdv_missing.xml", "bdv_missing.h5"] {
        std::fs::copy(shared.join(name), folder.path().join(name)).unwrap();
    }
    let source = folder.path().join("bdv_missing.xml");
    let target = folder.path().join("placed.xml");
    let tile = |series: usize, x: f64| PlacedTile {
        name: String::new(),
        path: source.clone(),
        series,
        channel: 0,
        shape: [6, 20, 24],
        position_px: [0.0, 0.0, x],
    };
    export_tiles(&target, &[tile(0, 1.5), tile(1, 20.25)], Some([0.5; 3])).unwrap();
    let dataset = open(&target, &OpenOptions::default()).unwrap();
    let x: Vec<_> = dataset.images().iter().map(|i| i.meta().origin_um[2].value.unwrap()).collect();
    assert_eq!(x, [0.75, 10.125, 0.75, 10.125]);
    let before = open(&source, &OpenOptions::default()).unwrap();
    assert!(read_whole(dataset.images()[3].as_ref()) == read_whole(before.images()[3].as_ref()));
}

/// All levels of all images.
fn pixels_of(path: &Path) -> Vec<Vec<Pixels>> {
    let opened = open(path, &OpenOptions::default()).unwrap();
    let level = |image: &dyn hooke_core::ImageSource, l: usize| {
        let mut pixels = Pixels::zeros(image.meta().dtype, [0; 5]);
        image.read(l, &Region::whole(image.levels()[l].shape), &mut pixels).unwrap();
        pixels
    };
    let images = opened.images().iter();
    images.map(|i| (0..i.levels().len()).map(|l| level(i.as_ref(), l)).collect()).collect()
}

fn replace(path: &Path, view: [u64; 2], meta: &ImageMeta, new: &Pixels) -> Result<(), String> {
    let source = |region: &Region, out: &mut Pixels| {
        *out = new.crop(region);
        Ok(())
    };
    replace_view(path, view, meta, &source, &()).map_err(|e| e.to_string())
}

#[test]
fn a_view_is_replaced_with_its_levels_and_nothing_else_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.xml");
    let shape = [1, 1, 9, 70, 66];
    for dtype in [Dtype::Uint16, Dtype::Uint8, Dtype::Float32] {
        let metas: Vec<ImageMeta> =
            (0..3).map(|i| ImageMeta::new(format!("{i}"), Axes::ZYX, shape, dtype)).collect();
        let settings = BdvSettings {
            factors: vec![[1, 1, 1], [1, 2, 2]],
            chunk: [4, 32, 32],
            ..BdvSettings::default()
        };
        let old: Vec<Pixels> = (1..4).map(|i| filled(dtype, shape, i)).collect();
        let new = filled(dtype, shape, 77);
        let written = |tiles: &[&Pixels], path: &Path| {
            let file = BdvFile::create(path, &metas, &settings).unwrap();
            for (i, pixels) in tiles.iter().enumerate() {
                let sink = file.image(i);
                sink.write(0, &Region::whole(shape), pixels).unwrap();
                hooke_io::pyramid::write_level(&sink, 1, hooke_core::Downsample::Mean, dtype)
                    .unwrap();
            }
            file.finish().unwrap();
        };
        written(&[&old[0], &old[1], &old[2]], &path);
        let xml = std::fs::read(&path).unwrap();
        replace(&path, [0, 1], &metas[1], &new).unwrap();
        let wanted = folder.path().join("wanted.xml");
        written(&[&old[0], &new, &old[2]], &wanted);
        assert!(pixels_of(&path) == pixels_of(&wanted), "{dtype}");
        assert_eq!(std::fs::read(&path).unwrap(), xml);
        let before = std::fs::read(folder.path().join("set.h5")).unwrap();
        let error = replace(&path, [0, 3], &metas[1], &new).unwrap_err();
        assert!(error.contains("no view of setup 3 at timepoint 0"), "{error}");
        let small = ImageMeta::new("", Axes::ZYX, [1, 1, 9, 70, 60], dtype);
        let error = replace(&path, [0, 1], &small, &new).unwrap_err();
        assert!(error.contains("the view is [9, 70, 66]"), "{error}");
        let other = ImageMeta::new("", Axes::ZYX, shape, Dtype::Int32);
        let error = replace(&path, [0, 1], &other, &new).unwrap_err();
        assert!(error.contains("the image int32"), "{error}");
        assert_eq!(std::fs::read(folder.path().join("set.h5")).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4, "nothing is left beside");
    }
}

#[test]
fn a_view_of_a_foreign_file_is_replaced_or_refused() {
    let Some(shared) = conformance() else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in ["bdv_2tiles.xml", "bdv_2tiles.h5"] {
        std::fs::copy(shared.join(name), folder.path().join(name)).unwrap();
    }
    let path = folder.path().join("bdv_2tiles.xml");
    let before = pixels_of(&path);
    let meta = open(&path, &OpenOptions::default()).unwrap().images()[1].meta().clone();
    let new = filled(meta.dtype, meta.shape, 5);
    match replace(&path, [0, 1], &meta, &new) {
        Ok(()) => {
            let after = pixels_of(&path);
            assert!(after[1][0] == new, "the new pixels");
            for (level, (a, b)) in after[0].iter().zip(&before[0]).enumerate() {
                assert!(a == b, "level {level} of the other view changed");
            }
        }
        Err(error) => {
            assert!(error.contains("not supported"), "{error}");
            assert!(pixels_of(&path) == before);
        }
    }
}

/// Values that differ from voxel to voxel.
fn filled(dtype: Dtype, shape: [u64; 5], seed: u64) -> Pixels {
    let mut pixels = Pixels::zeros(dtype, shape);
    hooke_core::dispatch!(dtype, T => {
        use hooke_core::Sample;
        let values = pixels.as_mut_slice::<T>().unwrap();
        for (i, v) in values.iter_mut().enumerate() {
            *v = T::from_f64(((i as u64 * 31 + seed * 17) % 251) as f64);
        }
    });
    pixels
}
