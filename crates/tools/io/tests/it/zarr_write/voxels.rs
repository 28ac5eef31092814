//! The voxels: round trips, pyramids, the same files for any blocks and threads.

use std::path::Path;

use hooke_core::downsample::downsample;
use hooke_core::{Axes, Downsample, Dtype, ImageMeta, ImageSink, Pixels, Region, region};
use hooke_io::ome_zarr::{Compression, Levels, Ngff, WriteOptions, create};
use hooke_io::{OpenOptions, open, pyramid};

use super::{files, scratch, small};
use crate::harness::{
    SHAPES, assert_described, check_regions, described, pattern, read, read_whole, sha256,
    write_blocks,
};

#[test]
fn every_type_and_shape_survives_a_round_trip() {
    let folder = scratch();
    for ngff in [Ngff::V04, Ngff::V05] {
        for (axes, shape) in SHAPES {
            for dtype in Dtype::ALL {
                let name = format!("{axes}-{dtype}-{}", ngff.version());
                let path = folder.path().join(format!("{name}.ome.zarr"));
                let mut meta = described(&name, axes, shape, dtype);
                if axes.contains('c') {
                    meta.channels[0].emission_nm = Some(461.5);
                }
                let pixels = pattern(dtype, shape, 3);
                // Few files: each is flushed to disk.
                let shard = (ngff == Ngff::V05).then_some([6, 16, 16]);
                let how = WriteOptions { chunk: Some([3, 8, 8]), shard, ..small(ngff) };
                let sink = create(&path, &meta, &how).unwrap();
                write_blocks(&sink, &pixels, [1; 5]);
                let dataset = open(&path, &OpenOptions::default()).unwrap();
                assert_eq!(dataset.format(), "ome-zarr");
                assert_eq!(dataset.format_version().as_deref(), Some(ngff.version()));
                assert!(dataset.problems().is_empty(), "{name}: {:?}", dataset.problems());
                let image = &dataset.images()[0];
                assert_described(image.meta(), &meta);
                assert_eq!(image.meta().name, name);
                assert_eq!(image.meta().channels, meta.channels);
                assert!(read_whole(image.as_ref()) == pixels, "{name}");
                check_regions(image.as_ref(), 4);
            }
        }
    }
}

#[test]
fn every_compression_survives_a_round_trip() {
    let folder = scratch();
    let meta = described("a", "zyx", [1, 1, 9, 20, 30], Dtype::Float32);
    let pixels = pattern(Dtype::Float32, meta.shape, 5);
    for ngff in [Ngff::V04, Ngff::V05] {
        for name in ["none", "zstd", "zstd:-3", "gzip:1", "blosc-lz4", "blosc-zstd:9"] {
            let path = folder.path().join(format!("{name}-{}.zarr", ngff.version()));
            let how = WriteOptions { compression: Compression::parse(name), ..small(ngff) };
            let sink = create(&path, &meta, &how).unwrap();
            write_blocks(&sink, &pixels, [1; 5]);
            let image = open(&path, &OpenOptions::default()).unwrap().images()[0].clone();
            assert!(read_whole(image.as_ref()) == pixels, "{name}");
            assert_eq!(image.levels()[0].codec, name.split(':').next().unwrap());
        }
    }
}

fn with_pyramid(
    path: &Path,
    meta: &ImageMeta,
    pixels: &Pixels,
    how: &WriteOptions,
    step: [u64; 5],
) {
    let sink = create(path, meta, how).unwrap();
    for block in region::grid(pixels.shape(), step) {
        sink.write(0, &block, &pixels.crop(&block)).unwrap();
    }
    for level in 1..sink.levels().len() {
        pyramid::write_level(&sink, level, sink.downsample(), sink.dtype()).unwrap();
    }
    sink.finish().unwrap();
}

#[test]
fn the_same_voxels_give_the_same_files_and_levels_whatever_blocks_and_threads() {
    let folder = scratch();
    let shape = [2, 1, 21, 45, 70];
    let meta = described("a", "tzyx", shape, Dtype::Uint16);
    let mut pixels = pattern(Dtype::Uint16, shape, 9);
    // Some chunks are empty.
    let empty = Pixels::zeros(Dtype::Uint16, [1, 1, 8, 16, 32]);
    pixels.copy_box([1, 0, 8, 16, 32], &empty, &Region::whole(empty.shape()));
    let how = WriteOptions {
        chunk: Some([4, 8, 16]),
        shard: Some([8, 16, 32]),
        levels: Levels::Count(3),
        factors: vec![[2, 2, 2]],
        ..WriteOptions::default()
    };
    let mut first = None;
    for (n, (threads, step)) in
        [(1, [1, 1, 8, 16, 32]), (2, [2, 1, 16, 48, 96]), (5, [1, 1, 24, 16, 64])]
            .into_iter()
            .enumerate()
    {
        let path = folder.path().join(n.to_string());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| with_pyramid(&path, &meta, &pixels, &how, step));
        let found = files(&path);
        assert_eq!(first.get_or_insert_with(|| found.clone()), &found);
    }
    let dataset = open(&folder.path().join("0"), &OpenOptions::default()).unwrap();
    let image = &dataset.images()[0];
    check_regions(image.as_ref(), 20);
    let mut level = read_whole(image.as_ref());
    assert!(level == pixels);
    for n in 1..3 {
        let shape = image.levels()[n].shape;
        level = downsample(&level, [2, 2, 2], Downsample::Mean);
        assert!(read(image.as_ref(), n, &Region::whole(shape)) == level, "level {n}");
    }
    // Other chunks and shards: other files, the same voxels on every level.
    for (chunk, shard) in [([3, 45, 7], Some([9, 45, 70])), ([32, 128, 128], None)] {
        let how = WriteOptions { chunk: Some(chunk), shard, ..how.clone() };
        let path = folder.path().join(format!("{chunk:?}"));
        let sink = create(&path, &meta, &how).unwrap();
        let unit = sink.write_unit(0);
        drop(sink);
        std::fs::remove_dir_all(&path).unwrap();
        with_pyramid(&path, &meta, &pixels, &how, unit);
        let other = open(&path, &OpenOptions::default()).unwrap().images()[0].clone();
        for n in 0..3 {
            let whole = Region::whole(image.levels()[n].shape);
            let (a, b) = (read(image.as_ref(), n, &whole), read(other.as_ref(), n, &whole));
            assert_eq!(sha256(&a), sha256(&b), "level {n}");
        }
    }
}

#[test]
fn empty_shards_leave_no_file_and_replace_old_ones() {
    let folder = scratch();
    let path = folder.path().join("a.zarr");
    let meta = described("a", "zyx", [1, 1, 4, 8, 16], Dtype::Uint16);
    let sink = create(&path, &meta, &small(Ngff::V05)).unwrap();
    let unit = Region::whole([1, 1, 4, 8, 8]);
    let full = pattern(Dtype::Uint16, unit.shape, 1);
    let keys = sink.write(0, &unit, &full).unwrap();
    assert_eq!((keys.len(), keys[0].key.as_str()), (1, "0/c/0/0/0"));
    let content = std::fs::read(path.join(&keys[0].key)).unwrap();
    assert_eq!(keys[0].bytes, content.len() as u64);
    let mut back = Pixels::zeros(Dtype::Uint8, [1; 5]);
    sink.read_back(0, &unit, &mut back).unwrap();
    assert!(back == full);
    let zeros = Pixels::zeros(Dtype::Uint16, unit.shape);
    assert!(sink.write(0, &unit, &zeros).unwrap().is_empty());
    assert!(!path.join("0/c/0/0/0").exists());
    sink.read_back(0, &unit, &mut back).unwrap();
    assert!(back == zeros);
    // -0.0 is not the fill value.
    let path = folder.path().join("b.zarr");
    let sink =
        create(&path, &ImageMeta { dtype: Dtype::Float32, ..meta }, &small(Ngff::V05)).unwrap();
    let negative = Pixels::from_vec(unit.shape, vec![-0.0f32; 256]);
    assert_eq!(sink.write(0, &unit, &negative).unwrap().len(), 1);
}

#[test]
fn a_block_that_is_not_whole_units_is_refused() {
    let folder = scratch();
    let path = folder.path().join("out.zarr");
    let meta = ImageMeta::new("a", Axes::YX, [1, 1, 1, 100, 100], Dtype::Uint8);
    let how = WriteOptions {
        chunk: Some([1, 32, 32]),
        shard: Some([1, 64, 64]),
        ..WriteOptions::default()
    };
    let sink = create(&path, &meta, &how).unwrap();
    let attempt = |start: [u64; 2], shape: [u64; 2]| {
        let region = Region::new([0, 0, 0, start[0], start[1]], [1, 1, 1, shape[0], shape[1]]);
        sink.write(0, &region, &Pixels::zeros(Dtype::Uint8, region.shape))
            .map_err(|e| e.to_string().replace(path.to_str().unwrap(), "out.zarr"))
    };
    assert_eq!(
        attempt([0, 0], [48, 48]).unwrap_err(),
        "block 48,48 is not a multiple of the write unit 64,64 of out.zarr along y: \
         two workers would overwrite each other"
    );
    let error = attempt([0, 32], [64, 64]).unwrap_err();
    assert!(error.starts_with("block at 0,32 is not a multiple"), "{error}");
    assert!(error.contains("along x"), "{error}");
    assert!(attempt([64, 64], [36, 36]).is_ok());
    assert!(attempt([64, 64], [36, 37]).unwrap_err().contains("no region"));
    let wrong = Pixels::zeros(Dtype::Uint16, [1, 1, 1, 64, 64]);
    assert!(sink.write(0, &Region::whole([1, 1, 1, 64, 64]), &wrong).is_err());
    assert!(sink.write(1, &Region::whole([1, 1, 1, 64, 64]), &wrong).is_err());
}
