//! HDF5 files: conformance, round trips, regions, damage.

use std::sync::Arc;

use hooke_core::{Dtype, ImageSink, Pixels, Region};
use hooke_io::hdf5::{Hdf5Settings, Hdf5Sink};
use hooke_io::{ChunkCache, OpenOptions, open};

use crate::harness::*;

const FILES: [&str; 3] = ["filters.h5", "latest.h5", "natural_order.h5"];

#[test]
fn files_of_h5py_agree() {
    let Some(folder) = conformance() else { return };
    for name in FILES {
        check_conformance(&folder, name, 1e-9);
    }
}

#[test]
fn an_unknown_filter_is_named() {
    let Some(folder) = conformance() else { return };
    let dataset = open(&folder.join("blosc2.h5"), &OpenOptions::default()).unwrap();
    let image = &dataset.images()[0];
    assert_eq!(image.levels()[0].codec, "32026 (Blosc2)");
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let error = image.read(0, &Region::whole(image.meta().shape), &mut out).unwrap_err();
    assert!(error.to_string().ends_with("not supported: dataset `/blosc2`: filter 32026 (Blosc2)"));
}

#[test]
fn one_dataset_can_be_asked_for() {
    let Some(folder) = conformance() else { return };
    let how =
        |dataset: &str| OpenOptions { dataset: Some(dataset.to_owned()), ..OpenOptions::default() };
    let path = folder.join("natural_order.h5");
    let opened = open(&path, &how("/tile10")).unwrap();
    assert_eq!(opened.images().len(), 1);
    assert_eq!(opened.images()[0].meta().dataset.as_deref(), Some("/tile10"));
    let error = open(&path, &how("tile3")).err().unwrap();
    assert!(error.to_string().ends_with("no dataset `/tile3`"));
}

#[test]
fn axes_of_the_user_and_a_cache_change_no_pixel() {
    let Some(folder) = conformance() else { return };
    let path = folder.join("filters.h5");
    let cache = Arc::new(ChunkCache::new(1 << 20));
    for (axes, cache) in [("xyz", None), ("zyx", Some(&cache)), ("xyz", Some(&cache))] {
        let how = OpenOptions {
            axes: Some(axes.to_owned()),
            dataset: Some("b_gzip".to_owned()),
            cache: cache.cloned(),
            ..OpenOptions::default()
        };
        let turned = open(&path, &how).unwrap();
        check_regions(turned.images()[0].as_ref(), 30);
        let plain = open(&path, &OpenOptions::default()).unwrap();
        let plain = &plain.images()[1];
        for p in [[0, 0, 0], [11, 31, 47], [5, 16, 33]] {
            let q = if axes == "xyz" { [p[2], p[1], p[0]] } else { p };
            let at = |[z, y, x]: [u64; 3]| Region::new([0, 0, z, y, x], [1; 5]);
            assert!(
                read(turned.images()[0].as_ref(), 0, &at(q)) == read(plain.as_ref(), 0, &at(p))
            );
        }
    }
    assert!(cache.bytes() > 0);
}

#[test]
fn every_type_and_shape_round_trips_in_any_order_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for dtype in Dtype::ALL {
        for (axes, shape) in SHAPES {
            let pixels = pattern(dtype, shape, 3);
            let meta = described("a/b", axes, shape, dtype);
            let settings = Hdf5Settings {
                dataset: "/a/b".to_owned(),
                chunk: [1, 2, 2, 4, 6],
                ..Hdf5Settings::default()
            };
            let write = |name: &str, step| {
                let path = folder.path().join(name);
                let sink = Hdf5Sink::create(&path, &meta, &settings).unwrap();
                write_blocks(&sink, &pixels, step);
                path
            };
            let path = write("a.h5", [1, 1, 2, 5, 1]);
            let other = write("b.h5", [2, 2, 5, 8, 6]);
            assert!(std::fs::read(&path).unwrap() == std::fs::read(&other).unwrap());
            let dataset = open(&path, &OpenOptions::default()).unwrap();
            let image = &dataset.images()[0];
            assert_described(image.meta(), &meta);
            assert_eq!(image.meta().channels, meta.channels);
            assert_eq!(image.meta().dataset.as_deref(), Some("/a/b"));
            assert!(read_whole(image.as_ref()) == pixels, "{dtype} {axes}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        }
    }
}

#[test]
fn what_was_written_reads_back_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let shape = [1, 1, 5, 30, 20];
    let pixels = pattern(Dtype::Int16, shape, 5);
    let meta = described("image", "zyx", shape, Dtype::Int16);
    let settings = Hdf5Settings { chunk: [1, 1, 2, 16, 16], ..Hdf5Settings::default() };
    let sink = Hdf5Sink::create(&path, &meta, &settings).unwrap();
    let first = Region::new([0; 5], [1, 1, 4, 30, 20]);
    sink.write(0, &first, &pixels.crop(&first)).unwrap();
    let inner = Region::new([0, 0, 1, 10, 3], [1, 1, 4, 12, 15]);
    let mut back = Pixels::zeros(Dtype::Uint8, [0; 5]);
    sink.read_back(0, &inner, &mut back).unwrap();
    let mut wanted = pixels.crop(&inner);
    // The last plane was not written.
    wanted.copy_box(
        [0, 0, 3, 0, 0],
        &Pixels::zeros(Dtype::Int16, [1, 1, 1, 12, 15]),
        &Region::whole([1, 1, 1, 12, 15]),
    );
    assert!(back == wanted);
    let torn = Region::new([0, 0, 0, 1, 0], [1, 1, 2, 15, 16]);
    assert!(sink.write(0, &torn, &pixels.crop(&torn)).is_err());
    assert!(!path.exists());
    drop(sink);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn damaged_files_are_errors() {
    let Some(folder) = conformance() else { return };
    for name in FILES {
        check_damage(&folder.join(name), &[]);
    }
}
