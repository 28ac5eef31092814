//! TIFF: opening 10,000 pages, and encoding and decoding chunks with every codec.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hooke_core::{Axes, Dataset, Dtype, ImageMeta, ImageSink, Pixels, Region};
use hooke_io::OpenOptions;
use hooke_io::tiff::{self, Compression, Kind, TiffSink, WriteOptions};

const PAGE: [u64; 5] = [1, 1, 1, 1024, 1024];

/// Smooth structure with four bits of noise: what a camera gives.
fn camera(shape: [u64; 5]) -> Pixels {
    let voxels = Region::whole(shape).voxels();
    let value = |i: u64| {
        let (x, y) = ((i % shape[4]) as f64, (i / shape[4] % shape[3]) as f64);
        let wave = (x / 37.0).sin() * (y / 23.0).cos() * 900.0 + 1200.0;
        wave as u16 + (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60) as u16
    };
    Pixels::from_vec(shape, (0..voxels).map(value).collect::<Vec<u16>>())
}

fn written(pixels: &Pixels, axes: &str, options: &WriteOptions) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.tif");
    let axes = Axes::parse(axes).expect("axes in order");
    let meta = ImageMeta::new("a", axes, pixels.shape(), Dtype::Uint16);
    let sink = TiffSink::create(&path, &meta, options).expect("the folder is writable");
    sink.write(0, &Region::whole(pixels.shape()), pixels).expect("the block is whole");
    sink.finish().expect("every chunk was written");
    std::fs::read(&path).expect("just written")
}

fn open(bytes: Vec<u8>) -> tiff::TiffDataset {
    let path = std::path::Path::new("a.tif");
    tiff::open_bytes(bytes, path, &OpenOptions::default()).expect("just written")
}

fn opening(c: &mut Criterion) {
    let mut group = c.benchmark_group("open 10000 pages");
    let pixels = Pixels::zeros(Dtype::Uint16, [1, 1, 10_000, 8, 8]);
    for (name, kind) in [("tiff", Kind::Tiff), ("imagej", Kind::ImageJ), ("ome", Kind::Ome)] {
        let bytes = written(&pixels, "zyx", &WriteOptions::of(kind));
        group.bench_function(name, |b| {
            b.iter_batched(|| bytes.clone(), open, BatchSize::PerIteration)
        });
    }
    group.finish();
}

fn codecs(c: &mut Criterion) {
    let pixels = camera(PAGE);
    let all = [
        ("none", Compression::None),
        ("lzw", Compression::Lzw),
        ("deflate", Compression::Deflate(6)),
        ("zstd", Compression::Zstd(3)),
        ("packbits", Compression::PackBits),
    ];
    for (name, compression) in all {
        let options = WriteOptions {
            compression: Some(compression),
            tile: Some([512, 512]),
            ..WriteOptions::of(Kind::Tiff)
        };
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(pixels.bytes())).sample_size(10);
        group.bench_function("write", |b| b.iter(|| written(&pixels, "yx", &options)));
        let dataset = open(written(&pixels, "yx", &options));
        let mut out = Pixels::zeros(Dtype::Uint16, PAGE);
        group.bench_function("read", |b| {
            b.iter(|| {
                let image = &dataset.images()[0];
                image.read(0, &Region::whole(PAGE), &mut out).expect("just written")
            });
        });
        group.finish();
    }
}

criterion_group!(benches, opening, codecs);
criterion_main!(benches);
