//! N5: files of tensorstore and zarr, round trips alone and beside a BigDataViewer XML, damage.

use std::path::{Path, PathBuf};

use hooke_core::{Dtype, ImageMeta, ImageSink, Level, Pixels, ReadStatus, Region, Sourced, region};
use hooke_io::bdv::{BdvN5Sink, BdvZarrSink, WorldUnit};
use hooke_io::n5::{Compression, N5Settings, N5Sink};
use hooke_io::{ChunkCache, OpenOptions, open};

use crate::harness::*;

/// Containers that `make.py` beside them makes.
fn made(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/n5").join(name)
}

const MADE: &str = "e29643c099c78ab033c1c79c7847def9899bb302479cd952e710abe2c990c0bd";

#[test]
fn every_compression_of_tensorstore_and_zarr_is_read() {
    let dataset = open(&made("tensorstore.n5"), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.format(), "n5");
    let names: Vec<_> = dataset.images().iter().map(|i| i.meta().name.as_str()).collect();
    assert_eq!(names, ["blosc", "bzip2", "gzip", "raw", "zlib", "zstd"]);
    for image in dataset.images() {
        let meta = image.meta();
        assert_eq!((meta.axes.to_string().as_str(), meta.shape), ("zyx", [1, 1, 5, 6, 9]));
        assert_eq!(sha256(&read_whole(image.as_ref())), MADE, "{}", meta.name);
        check_regions(image.as_ref(), 10);
    }
    let dataset = open(&made("zarr.n5"), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.format_version().as_deref(), Some("2.0.0"));
    assert_eq!(sha256(&read_whole(dataset.images()[0].as_ref())), MADE);
    // One array of a container, turned by the user.
    let how = OpenOptions {
        dataset: Some("gzip".to_owned()),
        axes: Some("xyz".to_owned()),
        ..OpenOptions::default()
    };
    let turned = open(&made("tensorstore.n5"), &how).unwrap();
    let image = turned.images()[0].as_ref();
    assert_eq!(image.meta().shape, [1, 1, 9, 6, 5]);
    check_regions(image, 20);
    let at = |p| read(image, 0, &Region::new(p, [1; 5])).as_slice::<u16>().unwrap()[0];
    assert_eq!(at([0, 0, 8, 5, 4]), 4 * 4000 + 5 * 300 + 8 * 7 + 1);
    assert_eq!(at([0, 0, 1, 0, 0]), 8);
}

/// Writes all levels, each a part of the pattern.
fn write(sink: &dyn ImageSink, pixels: &Pixels) -> Vec<Pixels> {
    let mut written = Vec::new();
    for (n, level) in sink.levels().iter().enumerate() {
        let part = pixels.crop(&Region::whole(level.shape));
        let unit = sink.write_unit(n);
        for block in region::grid(level.shape, unit.map(|u| 2 * u)) {
            sink.write(n, &block, &part.crop(&block)).unwrap();
        }
        written.push(part);
    }
    sink.finish().unwrap();
    written
}

fn settings(compression: Compression) -> N5Settings {
    N5Settings { chunk: [2, 4, 5], factors: vec![[1, 1, 1], [1, 2, 2]], compression }
}

#[test]
fn every_type_and_shape_round_trips() {
    let folder = tempfile::tempdir().unwrap();
    let all = [Compression::Raw, Compression::Gzip(6), Compression::Zstd(3)];
    for (number, dtype) in Dtype::ALL.into_iter().enumerate() {
        for (axes, shape) in SHAPES {
            let path = folder.path().join(format!("{dtype}_{axes}.n5"));
            let mut meta = described("a", axes, shape, dtype);
            meta.name = format!("{dtype}_{axes}");
            let sink = N5Sink::create(&path, &meta, &settings(all[number % 3])).unwrap();
            let written = write(&sink, &pattern(dtype, shape, 4));
            let cache = Some(ChunkCache::new(1 << 20).into());
            let dataset = open(&path, &OpenOptions { cache, ..OpenOptions::default() }).unwrap();
            let image = dataset.images()[0].as_ref();
            assert_described(image.meta(), &meta);
            assert_eq!(image.meta().channels, meta.channels);
            let of = |l: &Level| (l.shape, l.factors, l.chunk);
            let (found, wanted) = (image.levels().iter().map(of), sink.levels().iter().map(of));
            assert!(found.eq(wanted));
            for (n, pixels) in written.iter().enumerate() {
                let whole = read(image, n, &Region::whole(pixels.shape()));
                assert!(whole == *pixels, "{dtype} {axes} {n}");
            }
            check_regions(image, 5);
        }
    }
}

#[test]
fn what_n5_has_no_place_for_is_kept_in_attributes_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.n5");
    let shape = [3, 1, 2, 4, 5];
    let mut meta = described("a", "tzyx", shape, Dtype::Uint16);
    meta.voxel_size_um[0] = Sourced::unknown();
    meta.frame_times_s = Some(vec![0.0, 0.11, 0.19]);
    (meta.significant_bits, meta.labels) = (12, true);
    let sink = N5Sink::create(&path, &meta, &settings(Compression::Raw)).unwrap();
    write(&sink, &pattern(Dtype::Uint16, shape, 1));
    let opened = open(&path, &OpenOptions::default()).unwrap();
    let found = opened.images()[0].meta();
    assert_described(found, &meta);
    assert_eq!(found.voxel_size_um, meta.voxel_size_um);
    assert_eq!(found.frame_times_s, meta.frame_times_s);
    assert_eq!((found.significant_bits, found.labels), (12, true));
}

/// Writes two types beside an XML and compares what is read back.
fn check_xml(
    folder: &Path,
    format: &str,
    create: impl Fn(&Path, &ImageMeta, WorldUnit) -> Box<dyn ImageSink>,
) {
    for (dtype, unit) in [(Dtype::Uint16, WorldUnit::Micrometre), (Dtype::Uint8, WorldUnit::Pixel)]
    {
        let path = folder.join(format!("{dtype}.xml"));
        let shape = [2, 2, 3, 6, 7];
        let meta = described("a", "tczyx", shape, dtype);
        let written = write(create(&path, &meta, unit).as_ref(), &pattern(dtype, shape, 6));
        let dataset = open(&path, &OpenOptions::default()).unwrap();
        assert_eq!((dataset.format(), dataset.images().len()), (format, 2));
        for (c, image) in dataset.images().iter().enumerate() {
            let found = image.meta();
            assert_eq!((found.axes.to_string().as_str(), found.dtype), ("tzyx", dtype));
            for d in 0..3 {
                assert_close(found.voxel_size_um[d].value, meta.voxel_size_um[d].value, 1e-9);
                assert_close(found.origin_um[d].value, meta.origin_um[d].value, 1e-9);
            }
            assert_eq!(found.frame_interval_s, meta.frame_interval_s);
            assert_eq!(found.channels[0].name, meta.channels[c].name);
            for (n, pixels) in written.iter().enumerate() {
                let [t, _, z, y, x] = pixels.shape();
                let of_channel = pixels.crop(&Region::new([0, c as u64, 0, 0, 0], [t, 1, z, y, x]));
                assert!(read(image.as_ref(), n, &Region::whole([t, 1, z, y, x])) == of_channel);
            }
            check_regions(image.as_ref(), 10);
        }
    }
}

#[test]
fn a_bigdataviewer_xml_with_n5_round_trips_with_missing_views() {
    let folder = tempfile::tempdir().unwrap();
    check_xml(folder.path(), "bdv-n5", |path, meta, unit| {
        let settings = settings(Compression::Gzip(3));
        Box::new(BdvN5Sink::create(path, meta, &settings, unit).unwrap())
    });
    check_missing(&folder.path().join("uint16.xml"), &folder.path().join("uint16.n5/setup1"));
}

#[test]
fn a_bigdataviewer_xml_with_ome_zarr_round_trips_in_both_dialects() {
    let folder = tempfile::tempdir().unwrap();
    check_xml(folder.path(), "bdv-zarr", |path, meta, unit| {
        let factors = [[1, 1, 1], [1, 2, 2]];
        Box::new(BdvZarrSink::create(path, meta, &factors, [2, 4, 5], unit, None).unwrap())
    });
    // The older way: a group per view with its path inside, time called otherwise, no indices.
    let path = folder.path().join("uint16.xml");
    let text = std::fs::read_to_string(&path).unwrap();
    let new = r#"<zgroup setup="0" tp="0" path="image.ome.zarr" indicies="0 0"/>"#;
    let old = r#"<zgroup setup="0" timepoint="0"><path>image.ome.zarr</path></zgroup>"#;
    assert!(text.contains(new), "{text}");
    let wanted = read_whole(open(&path, &OpenOptions::default()).unwrap().images()[0].as_ref());
    std::fs::write(&path, text.replace(new, old)).unwrap();
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    assert!(read_whole(dataset.images()[0].as_ref()) == wanted);
    // A view that no group holds, and one that its image does not have.
    for (from, to, wrong) in [
        (old, "", "setup 0 at timepoint 0 is not stored"),
        ("indicies=\"1 0\"", "indicies=\"7 0\"", "no channel 7 at time 0"),
    ] {
        let text = std::fs::read_to_string(&path).unwrap();
        let other = folder.path().join("other.xml");
        std::fs::write(&other, text.replace(from, to)).unwrap();
        let error = open(&other, &OpenOptions::default()).err().unwrap().to_string();
        assert!(error.contains(wrong), "{error}");
    }
}

/// A view that is lost is an error, one that the XML lists as missing is 0.
fn check_missing(path: &Path, setup: &Path) {
    std::fs::remove_dir_all(setup.join("timepoint0")).unwrap();
    let error = open(path, &OpenOptions::default()).err().unwrap().to_string();
    assert!(error.contains("setup 1 at timepoint 0 is not stored"), "{error}");
    let text = std::fs::read_to_string(path).unwrap();
    let listed = "<MissingViews><MissingView timepoint=\"0\" setup=\"1\"/></MissingViews>";
    std::fs::write(path, text.replace("<MissingViews/>", listed)).unwrap();
    let dataset = open(path, &OpenOptions::default()).unwrap();
    let image = dataset.images()[1].as_ref();
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let status = image.read(0, &Region::whole(image.meta().shape), &mut out).unwrap();
    assert!(matches!(status, ReadStatus::MissingFilled(p) if p.len() == 1 && p[0].t == 0));
    let first = out.crop(&Region::new([0; 5], [1, 1, 3, 6, 7]));
    assert!(first.as_slice::<u16>().unwrap().iter().all(|v| *v == 0));
}

#[test]
fn damaged_blocks_and_metadata_are_errors_and_blocks_can_be_rescued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.n5");
    let shape = [1, 1, 4, 8, 10];
    let meta = described("a", "zyx", shape, Dtype::Uint16);
    let one_level = N5Settings { factors: vec![[1, 1, 1]], ..settings(Compression::Gzip(6)) };
    let sink = N5Sink::create(&path, &meta, &one_level).unwrap();
    write(&sink, &pattern(Dtype::Uint16, shape, 4));
    let try_all = |file: &Path, content: &[u8]| {
        std::fs::write(file, content).unwrap();
        try_everything(&path)
    };
    for name in ["s0/1/0/0", "s0/attributes.json", "attributes.json"] {
        let file = path.join(name);
        let content = std::fs::read(&file).unwrap();
        for seed in 0..100 {
            let mut dice = Dice::new(seed);
            let mut bytes = content.clone();
            let at = dice.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << dice.below(8);
            try_all(&file, &bytes);
            try_all(&file, &content[..at]);
        }
        assert!(try_all(&file, &content), "{name}");
    }
    std::fs::write(path.join("s0/1/0/0"), b"no block").unwrap();
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let whole = Region::whole(shape);
    let error = dataset.images()[0].read(0, &whole, &mut out).unwrap_err().to_string();
    assert!(error.contains("block 1/0/0 does not decode"), "{error}");
    let how = OpenOptions { rescue: true, ..OpenOptions::default() };
    let status = open(&path, &how).unwrap().images()[0].read(0, &whole, &mut out).unwrap();
    assert!(matches!(status, ReadStatus::MissingFilled(p) if p.len() == 2), "two planes of it");
}
