//! NPZ archives as they are written: round trips, order, what numpy sees.

use hooke_core::{Dtype, ImageSink, Origin, Region, region};
use hooke_io::npy::NpzSink;
use hooke_io::{OpenOptions, open};

use crate::harness::*;

#[test]
fn every_type_and_shape_round_trips_plain_and_deflated() {
    let folder = tempfile::tempdir().unwrap();
    for dtype in Dtype::ALL {
        for (axes, shape) in SHAPES {
            for deflate in [None, Some(6)] {
                let path = folder.path().join(format!("{dtype}_{axes}.npz"));
                let pixels = pattern(dtype, shape, 5);
                let mut meta = described("image", axes, shape, dtype);
                let sink = NpzSink::create(&path, &meta, deflate).unwrap();
                assert!(!path.exists());
                for block in region::grid(shape, [1, 1, 1, 4, shape[4]]) {
                    sink.write(0, &block, &pixels.crop(&block)).unwrap();
                }
                sink.finish().unwrap();
                let dataset = open(&path, &OpenOptions::default()).unwrap();
                assert_eq!((dataset.format(), dataset.images().len()), ("npz", 1));
                let image = dataset.images()[0].as_ref();
                // Places, times and channels are not kept.
                meta.origin_um = [hooke_core::Sourced::unknown(); 3];
                meta.frame_interval_s = None;
                meta.channels.clear();
                assert_described(image.meta(), &meta);
                assert_eq!(image.meta().axes_from, Origin::File);
                assert!(read_whole(image) == pixels, "{dtype} {axes}");
                std::fs::remove_file(&path).unwrap();
            }
        }
    }
}

#[test]
fn numpys_names_and_types_stand_in_the_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let shape = [1, 1, 2, 3, 4];
    let meta = described("a", "zyx", shape, Dtype::Uint16);
    let sink = NpzSink::create(&path, &meta, None).unwrap();
    sink.write(0, &Region::whole(shape), &pattern(Dtype::Uint16, shape, 1)).unwrap();
    sink.finish().unwrap();
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
    let mut header = |name: &str| {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut archive.by_name(name).unwrap(), &mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[10..100]).into_owned()
    };
    assert!(
        header("image.npy")
            .starts_with("{'descr': '<u2', 'fortran_order': False, 'shape': (2, 3, 4)")
    );
    assert!(header("axes.npy").starts_with("{'descr': '<U3', 'fortran_order': False, 'shape': ()"));
    assert!(
        header("voxel_size_um.npy")
            .starts_with("{'descr': '<f8', 'fortran_order': False, 'shape': (3,)")
    );
    check_damage(&path, &[]);
}

#[test]
fn what_is_out_of_order_or_missing_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let shape = [1, 1, 2, 3, 4];
    let meta = described("a", "zyx", shape, Dtype::Uint16);
    let pixels = pattern(Dtype::Uint16, shape, 1);
    let sink = NpzSink::create(&path, &meta, None).unwrap();
    let second = Region::new([0, 0, 1, 0, 0], [1, 1, 1, 3, 4]);
    assert!(sink.write(0, &second, &pixels.crop(&second)).is_err());
    let column = Region::new([0; 5], [1, 1, 1, 3, 2]);
    assert!(sink.write(0, &column, &pixels.crop(&column)).is_err());
    let first = Region::new([0; 5], [1, 1, 1, 3, 4]);
    sink.write(0, &first, &pixels.crop(&first)).unwrap();
    assert!(sink.finish().unwrap_err().to_string().contains("12 of 24 samples"));
    drop(sink);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
