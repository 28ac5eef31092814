//! TIFF files that are written: every type, shape and kind, read back to the same pixels and sizes.

use std::path::{Path, PathBuf};

use hooke_core::{Dataset, Dtype, ImageMeta, ImageSink, Pixels, Region, Sourced};
use hooke_io::tiff::{self, Compression, Kind, TiffSink, WriteOptions};
use hooke_io::{OpenOptions, open};
use proptest::prelude::*;

use crate::harness::{
    SHAPES, assert_described, check_regions, described, pattern, read, read_whole, write_blocks,
};

const COMPRESSIONS: [Compression; 5] = [
    Compression::None,
    Compression::Lzw,
    Compression::Deflate(6),
    Compression::Zstd(3),
    Compression::PackBits,
];

fn write(path: &Path, meta: &ImageMeta, pixels: &Pixels, options: &WriteOptions) {
    let sink = TiffSink::create(path, meta, options).unwrap();
    write_blocks(&sink, pixels, [1, 2, 2, 5, 16]);
}

fn reopened(path: &Path) -> Box<dyn Dataset> {
    open(path, &OpenOptions::default()).unwrap()
}

fn legal(kind: Kind, dtype: Dtype) -> bool {
    match kind {
        Kind::Tiff => true,
        Kind::Ome => !matches!(dtype, Dtype::Int64 | Dtype::Uint64),
        Kind::ImageJ => matches!(dtype, Dtype::Uint8 | Dtype::Uint16 | Dtype::Float32),
    }
}

fn temporary(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

#[test]
fn columns_of_wide_rows_are_read_alone() {
    let (_folder, path) = temporary("wide.tif");
    let shape = [1, 2, 1, 5, 12_000];
    let meta = described("wide", "cyx", shape, Dtype::Uint16);
    let pixels = pattern(Dtype::Uint16, shape, 4);
    let options =
        WriteOptions { compression: Some(Compression::None), ..WriteOptions::of(Kind::Tiff) };
    write(&path, &meta, &pixels, &options);
    let dataset = reopened(&path);
    assert!(read_whole(dataset.images()[0].as_ref()) == pixels);
    check_regions(dataset.images()[0].as_ref(), 12);
    let few = Region::new([0, 0, 0, 1, 7_000], [1, 2, 1, 3, 9]);
    assert!(read(dataset.images()[0].as_ref(), 0, &few) == pixels.crop(&few));
}

#[test]
fn every_type_shape_and_kind_comes_back_with_its_sizes() {
    let (_folder, path) = temporary("a.tif");
    for (kind, format) in
        [(Kind::Tiff, "tiff"), (Kind::ImageJ, "imagej-tiff"), (Kind::Ome, "ome-tiff")]
    {
        for (axes, shape) in SHAPES {
            for dtype in Dtype::ALL {
                let meta = described("a", axes, shape, dtype);
                let options = WriteOptions::of(kind);
                if !legal(kind, dtype) {
                    let error = TiffSink::create(&path, &meta, &options).err().unwrap();
                    assert_eq!(error.code(), "unsupported");
                    assert!(error.hint().unwrap().contains("--to"), "{error}");
                    continue;
                }
                let pixels = pattern(dtype, shape, 3);
                write(&path, &meta, &pixels, &options);
                let dataset = reopened(&path);
                assert_eq!(dataset.format(), format);
                assert!(dataset.problems().iter().all(|p| p.code == "voxel-size-missing"));
                let image = &dataset.images()[0];
                assert_described(image.meta(), &meta);
                let colors = |m: &ImageMeta| -> Vec<_> {
                    m.channels.iter().map(|c| c.color.clone()).collect()
                };
                assert_eq!(colors(image.meta()), colors(&meta));
                assert!(read_whole(image.as_ref()) == pixels, "{format} {axes} {dtype}");
            }
        }
    }
}

#[test]
fn every_compression_and_tile_gives_the_same_pixels_and_regions() {
    let (_folder, path) = temporary("a.tif");
    let shape = [2, 1, 2, 70, 45];
    for dtype in [Dtype::Uint8, Dtype::Int16, Dtype::Float32, Dtype::Uint64] {
        let meta = described("a", "tzyx", shape, dtype);
        let mut pixels = pattern(dtype, shape, 5);
        // Smooth and constant parts, so that every codec finds something to shorten.
        let flat = Pixels::zeros(dtype, [1, 1, 2, 40, 45]);
        pixels.copy_box([0; 5], &flat, &Region::whole(flat.shape()));
        for compression in COMPRESSIONS {
            for tile in [None, Some([16, 32])] {
                let options = WriteOptions {
                    compression: Some(compression),
                    tile,
                    ..WriteOptions::of(Kind::Tiff)
                };
                write(&path, &meta, &pixels, &options);
                let dataset = reopened(&path);
                let image = &dataset.images()[0];
                assert!(read_whole(image.as_ref()) == pixels, "{dtype} {compression:?} {tile:?}");
                check_regions(image.as_ref(), 6);
            }
        }
    }
}

#[test]
fn a_pyramid_is_written_level_by_level_and_read_back_on_the_way() {
    let (_folder, path) = temporary("a.ome.tif");
    let shape = [1, 2, 3, 600, 530];
    let levels = vec![[300, 265], [150, 133]];
    let meta = described("a", "czyx", shape, Dtype::Uint16);
    let options = WriteOptions { levels: levels.clone(), ..WriteOptions::of(Kind::Ome) };
    let sink = TiffSink::create(&path, &meta, &options).unwrap();
    assert_eq!(sink.write_unit(0), [1, 1, 1, 512, 512]);
    assert_eq!(sink.write_unit(2), [1, 1, 1, 160, 144]);
    let mut written = Vec::new();
    assert_eq!(sink.levels()[2].factors, [1.0, 4.0, 4.0]);
    for (l, level) in sink.levels().iter().enumerate() {
        let pixels = pattern(Dtype::Uint16, level.shape, l as u64);
        for block in hooke_core::region::grid(level.shape, [1, 1, 2, 512, 512]) {
            sink.write(l, &block, &pixels.crop(&block)).unwrap();
        }
        let part = Region::new([0, 1, 1, 17, 9], [1, 1, 2, 100, 120]);
        let mut back = Pixels::zeros(Dtype::Uint8, [0; 5]);
        sink.read_back(l, &part, &mut back).unwrap();
        assert!(back == pixels.crop(&part));
        written.push(pixels);
    }
    sink.finish().unwrap();
    let dataset = reopened(&path);
    let image = &dataset.images()[0];
    assert_eq!(image.levels().len(), 3);
    assert_eq!(image.levels()[1].factors, [1.0, 2.0, 2.0]);
    assert_eq!(image.levels()[2].factors, [1.0, 4.0, 4.0]);
    for (l, pixels) in written.iter().enumerate() {
        assert!(read(image.as_ref(), l, &Region::whole(pixels.shape())) == *pixels, "level {l}");
    }
}

#[test]
fn several_images_share_one_file() {
    let (_folder, path) = temporary("a.ome.tif");
    let metas = [
        described("first µ", "zyx", [1, 1, 3, 20, 30], Dtype::Uint16),
        described("second", "yx", [1, 1, 1, 40, 10], Dtype::Float32),
    ];
    for kind in [Kind::Ome, Kind::Tiff] {
        let sinks = TiffSink::create_several(&path, &metas, &WriteOptions::of(kind)).unwrap();
        let pixels: Vec<_> = metas.iter().map(|m| pattern(m.dtype, m.shape, 1)).collect();
        for (sink, pixels) in sinks.iter().zip(&pixels) {
            write_blocks(sink, pixels, [1, 1, 1, 512, 512]);
        }
        let dataset = reopened(&path);
        assert_eq!(dataset.images().len(), 2);
        for ((image, meta), pixels) in dataset.images().iter().zip(&metas).zip(&pixels) {
            assert_described(image.meta(), meta);
            assert!(read_whole(image.as_ref()) == *pixels);
        }
        if kind == Kind::Ome {
            assert_eq!(dataset.images()[0].meta().name, "first µ");
        }
    }
}

#[test]
fn an_unfinished_file_never_appears_and_unaligned_blocks_are_refused() {
    let (folder, path) = temporary("a.ome.tif");
    let meta = described("a", "yx", [1, 1, 1, 600, 600], Dtype::Uint8);
    let sink = TiffSink::create(&path, &meta, &WriteOptions::of(Kind::Ome)).unwrap();
    let part = Region::new([0, 0, 0, 0, 100], [1, 1, 1, 512, 500]);
    let error = sink.write(0, &part, &pattern(Dtype::Uint8, part.shape, 1)).unwrap_err();
    assert!(error.to_string().contains("whole chunks"), "{error}");
    let part = Region::new([0; 5], [1, 1, 1, 512, 512]);
    sink.write(0, &part, &pattern(Dtype::Uint8, part.shape, 1)).unwrap();
    let error = sink.finish().unwrap_err();
    assert!(error.to_string().contains("3 of 4 chunks"), "{error}");
    drop(sink);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_large_image_is_big_tiff_and_costs_no_memory_until_it_is_written() {
    let (_folder, path) = temporary("a.tif");
    let shape = [1, 1, 1100, 2048, 2048];
    let meta = described("a", "zyx", shape, Dtype::Uint8);
    let sink = TiffSink::create(&path, &meta, &WriteOptions::of(Kind::Tiff)).unwrap();
    // The last plane lies beyond 4 GiB; the others stay holes in the file.
    let last = Region::new([0, 0, 1099, 0, 0], [1, 1, 1, 2048, 2048]);
    let pixels = pattern(Dtype::Uint8, last.shape, 9);
    sink.write(0, &last, &pixels).unwrap();
    sink.finish().unwrap();
    let mut head = [0; 4];
    std::io::Read::read_exact(&mut std::fs::File::open(&path).unwrap(), &mut head).unwrap();
    assert_eq!(&head, b"II+\0");
    assert!(read(reopened(&path).images()[0].as_ref(), 0, &last) == pixels);
}

#[test]
fn a_large_imagej_file_has_one_directory_before_its_block() {
    let (_folder, path) = temporary("a.tif");
    let shape = [3, 2, 200, 2048, 2048];
    let meta = described("a", "tczyx", shape, Dtype::Uint8);
    let sink = TiffSink::create(&path, &meta, &WriteOptions::of(Kind::ImageJ)).unwrap();
    let last = Region::new([2, 0, 199, 1000, 0], [1, 2, 1, 1048, 2048]);
    let pixels = pattern(Dtype::Uint8, last.shape, 9);
    sink.write(0, &last, &pixels).unwrap();
    sink.finish().unwrap();
    let dataset = reopened(&path);
    assert_eq!(dataset.format(), "imagej-tiff");
    assert_described(dataset.images()[0].meta(), &meta);
    assert!(read(dataset.images()[0].as_ref(), 0, &last) == pixels);
}

#[test]
fn ome_xml_of_the_source_is_carried_along() {
    let (_folder, path) = temporary("a.ome.tif");
    let mut meta = described("a", "yx", [1, 1, 1, 4, 4], Dtype::Uint8);
    let source = "<OME xmlns=\"x\"><Instrument ID=\"I:0\"/><!-- kept --></OME>";
    meta.vendor = Some(serde_json::json!({ "ome_xml": source }));
    write(&path, &meta, &pattern(Dtype::Uint8, meta.shape, 1), &WriteOptions::of(Kind::Ome));
    let dataset = reopened(&path);
    let text = dataset.images()[0].meta().vendor.clone().unwrap();
    let document = text["ome_xml"].as_str().unwrap();
    assert!(document.contains("&lt;Instrument ID=&quot;I:0&quot;/&gt;&lt;!-- kept --&gt;"));
}

#[test]
fn items_that_a_kind_cannot_hold_are_named() {
    let mut meta = described("a", "tyx", [3, 1, 1, 4, 4], Dtype::Uint16);
    assert!(tiff::lost_items(&meta, Kind::ImageJ).is_empty());
    meta.frame_times_s = Some(vec![0.0, 1.0, 2.5]);
    meta.voxel_size_um = [Sourced::unknown(); 3];
    meta.significant_bits = 12;
    let lost = tiff::lost_items(&meta, Kind::ImageJ);
    assert_eq!(lost, ["frame times", "origin", "significant bits"]);
    assert!(tiff::lost_items(&meta, Kind::Ome).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_shape_any_tile_any_kind_any_region(
        shape in (1u64..3, 1u64..4, 1u64..4, 1u64..50, 1u64..50),
        tile in (1u64..4, 1u64..4),
        kind in prop_oneof![Just(Kind::Tiff), Just(Kind::Ome), Just(Kind::ImageJ)],
        compression in 0..COMPRESSIONS.len(),
        dtype in prop_oneof![Just(Dtype::Uint8), Just(Dtype::Uint16), Just(Dtype::Float32)],
        seed in any::<u64>(),
    ) {
        let (_folder, path) = temporary("a.tif");
        let shape = [shape.0, shape.1, shape.2, shape.3, shape.4];
        let meta = described("a", "tczyx", shape, dtype);
        let raw = kind == Kind::ImageJ;
        let options = WriteOptions {
            kind,
            compression: (!raw).then(|| COMPRESSIONS[compression]),
            tile: (!raw).then_some([16 * tile.0, 16 * tile.1]),
            levels: Vec::new(),
        };
        let pixels = pattern(dtype, shape, seed);
        write(&path, &meta, &pixels, &options);
        let dataset = reopened(&path);
        prop_assert!(read_whole(dataset.images()[0].as_ref()) == pixels);
        check_regions(dataset.images()[0].as_ref(), 4);
    }
}
