//! OME-Zarr written by us: round trips, alignment, pyramids, determinism, interruption.

use std::path::{Path, PathBuf};

use hooke_core::downsample::downsample;
use hooke_core::{
    Axes, Channel, Downsample, Dtype, ImageMeta, ImageSink, Pixels, Region, Sourced, region,
};
use hooke_io::ome_zarr::{
    self, Compression, Levels, Ngff, OmeZarrSink, WriteOptions, create, create_label,
    open_for_write,
};
use hooke_io::{OpenOptions, atomic, open, pyramid};
use sha2::{Digest, Sha256};

use crate::harness::{
    SHAPES, assert_described, check_regions, described, pattern, read, read_whole, sha256,
    write_blocks,
};
use crate::zarr_conformance::list_files;

/// A folder in memory where there is one: every file is flushed, and disks are slow at that.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn small(ngff: Ngff) -> WriteOptions {
    let shard = (ngff == Ngff::V05).then_some([4, 8, 8]);
    WriteOptions { ngff, chunk: Some([2, 4, 4]), shard, ..WriteOptions::default() }
}

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

#[test]
fn what_nobody_knows_stays_unknown() {
    let folder = scratch();
    let path = folder.path().join("a.zarr");
    let meta = ImageMeta::new("a", Axes::TCZYX, [2, 1, 3, 600, 5], Dtype::Uint8);
    let sink = create(&path, &meta, &WriteOptions::default()).unwrap();
    assert!(sink.levels().len() > 1);
    sink.finish().unwrap();
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    let found = dataset.images()[0].meta();
    assert_eq!(found.voxel_size_um, [Sourced::unknown(); 3]);
    assert_eq!(found.origin_um, [Sourced::unknown(); 3]);
    assert_eq!((found.frame_interval_s, found.channels.len()), (None, 0));
    assert_eq!(dataset.problems()[0].code, "unit-unknown");
    // A colour that is not known is white, since the format demands one; names stay as they are.
    let path = folder.path().join("b.zarr");
    let mut meta = ImageMeta::new("b", Axes::TCZYX, [1, 2, 1, 4, 4], Dtype::Uint8);
    meta.channels =
        vec![Channel { name: Some("n".into()), ..Channel::default() }, Channel::default()];
    create(&path, &meta, &WriteOptions::default()).unwrap().finish().unwrap();
    let found = open(&path, &OpenOptions::default()).unwrap().images()[0].meta().channels.clone();
    assert_eq!(found[0].name.as_deref(), Some("n"));
    assert_eq!(found[1].name, None);
    assert_eq!(found[1].color.as_deref(), Some("#FFFFFF"));
}

#[test]
fn levels_lie_where_their_windows_are() {
    let folder = scratch();
    for (method, shift) in [(Downsample::Mean, 0.5), (Downsample::Nearest, 0.0)] {
        let path = folder.path().join(format!("{}.zarr", method.name()));
        let mut meta = ImageMeta::new("a", Axes::ZYX, [1, 1, 4, 16, 16], Dtype::Uint16);
        meta.voxel_size_um = [Sourced::file(2.0), Sourced::file(0.5), Sourced::file(0.5)];
        meta.origin_um = [Sourced::file(10.0), Sourced::file(-1.0), Sourced::file(3.0)];
        let how = WriteOptions {
            levels: Levels::Count(3),
            factors: vec![[1, 2, 2], [2, 2, 2]],
            downsample: Some(method),
            ..WriteOptions::default()
        };
        create(&path, &meta, &how).unwrap().finish().unwrap();
        let text = std::fs::read(path.join("zarr.json")).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let levels = &value["attributes"]["ome"]["multiscales"][0]["datasets"];
        let at = |n: usize| levels[n]["coordinateTransformations"].clone();
        assert_eq!(at(1)[0]["scale"], serde_json::json!([2.0, 1.0, 1.0]));
        assert_eq!(at(2)[0]["scale"], serde_json::json!([4.0, 2.0, 2.0]));
        let y = -1.0 + 3.0 * shift * 0.5;
        let x = 3.0 + 3.0 * shift * 0.5;
        let z = 10.0 + shift * 2.0;
        assert_eq!(at(2)[1]["translation"], serde_json::json!([z, y, x]));
        let image = open(&path, &OpenOptions::default()).unwrap().images()[0].clone();
        assert_eq!(image.levels()[2].factors, [2.0, 4.0, 4.0]);
    }
}

#[test]
fn metadata_is_what_the_specification_says() {
    let folder = scratch();
    let meta = described("a", "tczyx", [2, 2, 3, 6, 7], Dtype::Uint16);
    let path = folder.path().join("a.zarr");
    create(&path, &meta, &small(Ngff::V05)).unwrap().finish().unwrap();
    let text = std::fs::read(path.join("zarr.json")).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let ome = value["attributes"]["ome"].clone();
    let strict: ome_zarr_metadata::v0_5::OmeFields = serde_json::from_value(ome).unwrap();
    assert_eq!(strict.multiscales.unwrap()[0].axes.len(), 5);
    let path = folder.path().join("b.zarr");
    create(&path, &meta, &small(Ngff::V04)).unwrap().finish().unwrap();
    let text = std::fs::read(path.join(".zattrs")).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let strict: ome_zarr_metadata::v0_4::OmeNgffGroupAttributes =
        serde_json::from_value(value).unwrap();
    assert_eq!(strict.multiscales.unwrap()[0].datasets.len(), 1);
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

/// All files below a folder with the hash of their content.
fn files(path: &Path) -> Vec<(PathBuf, String)> {
    let mut list = Vec::new();
    list_files(path, &mut list);
    list.into_iter()
        .map(|f| {
            let hash = Sha256::digest(std::fs::read(&f).unwrap());
            (f.strip_prefix(path).unwrap().to_owned(), format!("{hash:x?}"))
        })
        .collect()
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
fn sizes_that_are_none_are_refused() {
    let folder = scratch();
    for (n, bad) in [0.0, -1.0, f64::NAN, f64::INFINITY].into_iter().enumerate() {
        let mut meta = meta_of(Dtype::Uint8);
        meta.voxel_size_um[1] = Sourced::user(bad);
        let path = folder.path().join(n.to_string());
        assert_eq!(create(&path, &meta, &small(Ngff::V05)).unwrap_err().code(), "metadata-invalid");
        assert!(!path.exists());
    }
}

#[test]
fn labels_are_listed_in_their_container_when_finished() {
    let folder = scratch();
    for ngff in [Ngff::V04, Ngff::V05] {
        let path = folder.path().join(ngff.version());
        let meta = described("a", "zyx", [1, 1, 4, 8, 16], Dtype::Uint8);
        let sink = create(&path, &meta, &small(ngff)).unwrap();
        sink.finish().unwrap();
        let ids = ImageMeta { dtype: Dtype::Uint32, ..meta.clone() };
        for name in ["cells", "nuclei"] {
            let sink = create_label(&path, name, &ids, &small(ngff)).unwrap();
            assert_eq!(sink.downsample(), Downsample::Mode);
            let before = open(&path, &OpenOptions::default()).unwrap().images().len();
            write_blocks(&sink, &pattern(Dtype::Uint32, ids.shape, 2), [1; 5]);
            let after = open(&path, &OpenOptions::default()).unwrap();
            assert_eq!(after.images().len(), before + 1);
            let last = after.images().last().unwrap();
            assert!(last.meta().labels && last.meta().name == name);
            assert!(after.problems().is_empty(), "{:?}", after.problems());
        }
        assert!(create_label(&path, "a/b", &ids, &small(ngff)).is_err());
        assert!(create_label(&path, "x", &meta_of(Dtype::Float32), &small(ngff)).is_err());
    }
}

fn meta_of(dtype: Dtype) -> ImageMeta {
    described("a", "zyx", [1, 1, 4, 8, 16], dtype)
}

#[test]
fn a_collection_of_images_is_one_container() {
    let folder = scratch();
    for ngff in [Ngff::V04, Ngff::V05] {
        let path = folder.path().join(ngff.version());
        for n in 0..3u64 {
            let meta = described(&format!("p{n}"), "yx", [1, 1, 1, 4, 5 + n], Dtype::Uint8);
            create(&path.join(n.to_string()), &meta, &small(ngff)).unwrap().finish().unwrap();
        }
        ome_zarr::finish_collection(&path, ngff).unwrap();
        let dataset = open(&path, &OpenOptions::default()).unwrap();
        let names: Vec<_> = dataset.images().iter().map(|i| i.meta().name.clone()).collect();
        assert_eq!(names, ["p0", "p1", "p2"]);
    }
}

#[test]
fn a_stopped_writer_leaves_whole_shards_and_another_goes_on() {
    let folder = scratch();
    let shape = [1, 1, 8, 16, 16];
    let meta = described("a", "zyx", shape, Dtype::Uint16);
    let pixels = pattern(Dtype::Uint16, shape, 4);
    let at_once = folder.path().join("whole.zarr");
    write_blocks(&create(&at_once, &meta, &small(Ngff::V05)).unwrap(), &pixels, [1; 5]);
    let path = folder.path().join("a.zarr");
    let sink = create(&path, &meta, &small(Ngff::V05)).unwrap();
    let blocks: Vec<_> = region::grid(shape, sink.write_unit(0)).collect();
    for block in &blocks[..3] {
        sink.write(0, block, &pixels.crop(block)).unwrap();
    }
    drop(sink);
    std::fs::write(path.join("0/c/0/0/0.tmp-77-3"), b"torn").unwrap();
    assert_eq!(open(&path, &OpenOptions::default()).err().unwrap().code(), "incomplete");
    assert_eq!(create(&path, &meta, &small(Ngff::V05)).unwrap_err().code(), "exists");
    let sink: OmeZarrSink = open_for_write(&path).unwrap();
    for block in &blocks[2..] {
        sink.write(0, block, &pixels.crop(block)).unwrap();
    }
    sink.finish().unwrap();
    assert_eq!(files(&path), files(&at_once));
    assert_eq!(open_for_write(&path).unwrap_err().code(), "not-there");
}

/// Writes without end; killed by the test above it. Runs only as a child process.
#[test]
#[ignore = "a child process of `killed_in_the_middle_only_temporaries_and_whole_chunks_remain`"]
fn child_that_writes_until_it_is_killed() {
    let path = PathBuf::from(std::env::var_os("HOOKE_KILL_TEST").unwrap());
    let shape = [1, 1, 64, 128, 128];
    let meta = described("a", "zyx", shape, Dtype::Uint16);
    let how = WriteOptions {
        chunk: Some([8, 32, 32]),
        shard: Some([16, 64, 64]),
        ..WriteOptions::default()
    };
    let pixels = pattern(Dtype::Uint16, shape, 6);
    let sink = create(&path, &meta, &how).unwrap();
    for round in 0.. {
        for block in region::grid(shape, sink.write_unit(0)) {
            sink.write(0, &block, &pixels.crop(&block)).unwrap();
        }
        std::fs::write(path.join("round"), format!("{round}")).unwrap();
    }
}

#[test]
fn killed_in_the_middle_only_temporaries_and_whole_chunks_remain() {
    let folder = scratch();
    let path = folder.path().join("a.zarr");
    let name = "zarr_write::child_that_writes_until_it_is_killed";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored"])
        .env("HOOKE_KILL_TEST", &path)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !path.join("round").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(37));
    child.kill().unwrap();
    child.wait().unwrap();
    atomic::remove_leftovers(&path).unwrap();
    let pixels = pattern(Dtype::Uint16, [1, 1, 64, 128, 128], 6);
    let sink = open_for_write(&path).unwrap();
    let mut back = Pixels::zeros(Dtype::Uint16, [1; 5]);
    sink.read_back(0, &Region::whole(pixels.shape()), &mut back).unwrap();
    assert!(back == pixels);
    let mut list = Vec::new();
    list_files(&path, &mut list);
    assert!(list.iter().all(|f| !atomic::is_temporary(f)));
}
