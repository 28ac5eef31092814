//! NPY files: conformance, round trips, regions, damage.

use hooke_core::{Dtype, ImageSink, Origin, Pixels, Region};
use hooke_io::npy::{NpySink, sidecar, write_npz};
use hooke_io::{OpenOptions, open};

use crate::harness::*;

const FILES: [&str; 5] = ["fortran_f64.npy", "be_i32.npy", "u64_5d.npy", "bool.npy", "f16.npy"];

#[test]
fn files_of_numpy_agree() {
    let Some(folder) = conformance() else { return };
    for name in FILES {
        check_conformance(&folder, name, 1e-9);
    }
}

#[test]
fn archives_of_numpy_agree_packed_and_plain() {
    let Some(folder) = conformance() else { return };
    check_conformance(&folder, "two.npz", 1e-9);
    // The same arrays deflated, as `savez_compressed` writes them.
    let packed = tempfile::tempdir().unwrap();
    let path = packed.path().join("packed.npz");
    repack(&folder.join("two.npz"), &path);
    let plain = open(&folder.join("two.npz"), &OpenOptions::default()).unwrap();
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(dataset.format(), "npz");
    for (a, b) in dataset.images().iter().zip(plain.images()) {
        assert_eq!(a.meta(), b.meta());
        assert!(read_whole(a.as_ref()) == read_whole(b.as_ref()));
        check_regions(a.as_ref(), 10);
    }
    let how = OpenOptions { dataset: Some("second".to_owned()), ..OpenOptions::default() };
    assert_eq!(open(&path, &how).unwrap().images().len(), 1);
    let how = OpenOptions { dataset: Some("third".to_owned()), ..OpenOptions::default() };
    assert!(open(&path, &how).is_err());
    check_damage(&folder.join("two.npz"), &[]);
    check_damage(&path, &[]);
}

fn repack(from: &std::path::Path, to: &std::path::Path) {
    let mut source = zip::ZipArchive::new(std::fs::File::open(from).unwrap()).unwrap();
    let mut target = zip::ZipWriter::new(std::fs::File::create(to).unwrap());
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    for index in 0..source.len() {
        let mut member = source.by_index(index).unwrap();
        target.start_file(member.name().unwrap().into_owned(), options).unwrap();
        std::io::copy(&mut member, &mut target).unwrap();
    }
    target.finish().unwrap();
}

#[test]
fn damaged_files_are_errors() {
    let Some(folder) = conformance() else { return };
    for name in FILES {
        check_damage(&folder.join(name), &[]);
    }
}

#[test]
fn every_type_and_shape_round_trips() {
    let folder = tempfile::tempdir().unwrap();
    for dtype in Dtype::ALL {
        for (axes, shape) in SHAPES {
            let path = folder.path().join(format!("{dtype}_{axes}.npy"));
            let pixels = pattern(dtype, shape, 3);
            let mut meta = described("a", axes, shape, dtype);
            meta.name = format!("{dtype}_{axes}");
            let sink = NpySink::create(&path, &meta).unwrap();
            assert!(!path.exists());
            write_blocks(&sink, &pixels, [1, 1, 2, 5, 1]);
            let dataset = open(&path, &OpenOptions::default()).unwrap();
            let image = &dataset.images()[0];
            assert_described(image.meta(), &meta);
            assert_eq!(image.meta().channels, meta.channels);
            assert_eq!(image.meta().axes_from, Origin::File);
            assert!(read_whole(image.as_ref()) == pixels, "{dtype} {axes}");
        }
    }
}

#[test]
fn blocks_of_any_region_may_come_from_several_writers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let shape = [1, 1, 3, 40, 50];
    let pixels = pattern(Dtype::Uint16, shape, 5);
    let meta = described("a", "zyx", shape, Dtype::Uint16);
    let first = NpySink::create(&path, &meta).unwrap();
    let second = NpySink::resume(&path, &meta).unwrap();
    let left = Region::new([0; 5], [1, 1, 3, 40, 20]);
    let right = Region::new([0, 0, 0, 0, 20], [1, 1, 3, 40, 30]);
    first.write(0, &left, &pixels.crop(&left)).unwrap();
    second.write(0, &right, &pixels.crop(&right)).unwrap();
    let mut back = Pixels::zeros(Dtype::Uint8, [0; 5]);
    first.read_back(0, &Region::whole(shape), &mut back).unwrap();
    assert!(back == pixels);
    second.finish().unwrap();
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    check_regions(dataset.images()[0].as_ref(), 40);
    assert!(read_whole(dataset.images()[0].as_ref()) == pixels);
    let other = described("a", "zyx", [1, 1, 3, 41, 50], Dtype::Uint16);
    assert!(NpySink::resume(&path, &other).is_err());
}

#[test]
fn axes_of_the_user_permute() {
    let Some(folder) = conformance() else { return };
    for name in ["be_i32.npy", "fortran_f64.npy"] {
        let path = folder.join(name);
        let plain = open(&path, &OpenOptions::default()).unwrap();
        let how = OpenOptions { axes: Some("xyz".to_owned()), ..OpenOptions::default() };
        let turned = open(&path, &how).unwrap();
        let meta = turned.images()[0].meta();
        assert_eq!((meta.axes.to_string().as_str(), meta.shape), ("zyx", [1, 1, 11, 9, 5]));
        check_regions(turned.images()[0].as_ref(), 30);
        for p in [[0, 0, 0], [4, 8, 10], [2, 0, 7]] {
            let at = |[z, y, x]: [u64; 3]| Region::new([0, 0, z, y, x], [1; 5]);
            let a = read(plain.images()[0].as_ref(), 0, &at(p));
            let b = read(turned.images()[0].as_ref(), 0, &at([p[2], p[1], p[0]]));
            assert!(a == b);
        }
    }
}

#[test]
fn a_sidecar_of_another_array_is_reported_and_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let shape = [1, 1, 1, 4, 5];
    let meta = described("a", "yx", shape, Dtype::Uint8);
    let sink = NpySink::create(&path, &meta).unwrap();
    write_blocks(&sink, &pattern(Dtype::Uint8, shape, 1), [1; 5]);
    for text in ["{", &std::fs::read_to_string(sidecar(&path)).unwrap().replace("uint8", "int8")] {
        std::fs::write(sidecar(&path), text).unwrap();
        let dataset = open(&path, &OpenOptions::default()).unwrap();
        let codes: Vec<_> = dataset.problems().iter().map(|p| p.code.as_str()).collect();
        assert_eq!(codes, ["metadata-invalid", "axes-assumed"]);
        assert_eq!(dataset.images()[0].meta().voxel_size_um[1].value, None);
    }
}

#[test]
fn an_archive_that_is_written_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let index = Pixels::from_vec([1, 1, 1, 2, 3], vec![-1i32, 0, 5, 7, i32::MAX, i32::MIN]);
    let level = Pixels::from_vec([1, 1, 1, 2, 3], vec![f32::NAN, 0.5, -0.0, 1e30, 2.0, 3.0]);
    write_npz(&path, hooke_core::Axes::YX, &[("index", &index), ("level", &level)]).unwrap();
    let first = std::fs::read(&path).unwrap();
    let opened = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(opened.images().len(), 2);
    for (image, wanted) in opened.images().iter().zip([&index, &level]) {
        let mut found = Pixels::zeros(Dtype::Uint8, [0; 5]);
        image.read(0, &Region::whole(image.meta().shape), &mut found).unwrap();
        let (mut a, mut b) = (Vec::new(), Vec::new());
        found.extend_le_bytes(&mut a);
        wanted.extend_le_bytes(&mut b);
        assert_eq!((found.shape(), found.dtype(), a), (wanted.shape(), wanted.dtype(), b));
    }
    write_npz(&path, hooke_core::Axes::YX, &[("index", &index), ("level", &level)]).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), first, "the same bytes");
}
