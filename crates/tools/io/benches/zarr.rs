//! Chunk decoding and encoding per codec, shard writing, and pyramid steps per sample type.
//!
//! `cargo bench -p hooke-io --bench zarr`. Files lie in memory (`/dev/shm`) where there is one, so that
//! codecs are measured, not disks. Every group has a plain copy of the same bytes beside it.
#![allow(clippy::unwrap_used)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hooke_core::downsample::{downsample_into, shape_after};
use hooke_core::{
    Axes, Downsample, Dtype, ImageMeta, ImageSink, Pixels, Region, Sample, dispatch, region,
};
use hooke_io::ome_zarr::{Compression, Levels, WriteOptions, create};
use hooke_io::{OpenOptions, open};
use rayon::prelude::*;
use std::hint::black_box;

const CODECS: [&str; 5] = ["none", "zstd", "gzip", "blosc-lz4", "blosc-zstd"];
const SHAPE: [u64; 5] = [1, 1, 64, 256, 256];

/// Smooth structure with camera noise: compresses about as fluorescence does.
fn fluorescence(dtype: Dtype, shape: [u64; 5]) -> Pixels {
    let mut pixels = Pixels::zeros(dtype, shape);
    let mut state = 1u64;
    dispatch!(dtype, T => {
        let samples = pixels.as_mut_slice::<T>().unwrap();
        for (i, v) in samples.iter_mut().enumerate() {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let noise = (0..4).map(|b| (state >> (40 + 5 * b)) & 31).sum::<u64>() as f64;
            let (x, y) = (i as u64 % shape[4], i as u64 / shape[4] % shape[3]);
            let wave = 40.0 * (x as f64 / 37.0).sin() * (y as f64 / 53.0).cos();
            *v = T::from_f64((60.0 + wave + noise / 2.0).max(0.0));
        }
    });
    pixels
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn meta(dtype: Dtype) -> ImageMeta {
    ImageMeta::new("bench", Axes::ZYX, SHAPE, dtype)
}

fn how(codec: &str) -> WriteOptions {
    let compression = Compression::parse(codec);
    WriteOptions { compression, levels: Levels::Count(1), ..WriteOptions::default() }
}

fn codecs(c: &mut Criterion) {
    let pixels = fluorescence(Dtype::Uint16, SHAPE);
    let whole = Region::whole(SHAPE);
    let mut out = pixels.clone();
    let mut group = c.benchmark_group("write shard u16");
    group.throughput(Throughput::Bytes(pixels.bytes())).sample_size(10);
    group.bench_function("copy", |b| b.iter(|| out.copy_box([0; 5], black_box(&pixels), &whole)));
    // What the codec itself takes, on all threads: the writer's goal is 70 % of this.
    let chunks: Vec<Vec<u8>> = region::grid(SHAPE, [1, 1, 32, 128, 128])
        .map(|r| {
            let mut bytes = Vec::new();
            pixels.crop(&r).extend_le_bytes(&mut bytes);
            bytes
        })
        .collect();
    group.bench_function("zstd, codec alone", |b| {
        b.iter(|| {
            chunks.par_iter().map(|c| zstd::bulk::compress(c, 3).unwrap().len()).sum::<usize>()
        });
    });
    for codec in CODECS {
        let folder = folder();
        let sink =
            create(&folder.path().join("a.zarr"), &meta(Dtype::Uint16), &how(codec)).unwrap();
        group.bench_function(codec, |b| b.iter(|| sink.write(0, &whole, &pixels).unwrap()));
    }
    group.finish();
    let mut group = c.benchmark_group("read shard u16");
    group.throughput(Throughput::Bytes(pixels.bytes())).sample_size(10);
    group.bench_function("copy", |b| b.iter(|| out.copy_box([0; 5], black_box(&pixels), &whole)));
    for codec in CODECS {
        let folder = folder();
        let path = folder.path().join("a.zarr");
        let sink = create(&path, &meta(Dtype::Uint16), &how(codec)).unwrap();
        sink.write(0, &whole, &pixels).unwrap();
        sink.finish().unwrap();
        let image = open(&path, &OpenOptions::default()).unwrap().images()[0].clone();
        group.bench_function(codec, |b| b.iter(|| image.read(0, &whole, &mut out).unwrap()));
        assert!(out == pixels);
    }
    group.finish();
}

fn pyramid_step(c: &mut Criterion) {
    let mut group = c.benchmark_group("pyramid step 2x2x2 per input byte");
    group.sample_size(10);
    for dtype in [Dtype::Uint8, Dtype::Uint16, Dtype::Uint32, Dtype::Float32, Dtype::Int64] {
        let pixels = fluorescence(dtype, SHAPE);
        let whole = Region::whole(SHAPE);
        let mut copy = pixels.clone();
        group.throughput(Throughput::Bytes(pixels.bytes()));
        group.bench_function(BenchmarkId::new("copy", dtype), |b| {
            b.iter(|| copy.copy_box([0; 5], black_box(&pixels), &whole));
        });
        let mut out = Pixels::zeros(dtype, shape_after(SHAPE, [2; 3]));
        for method in Downsample::ALL {
            group.bench_function(BenchmarkId::new(method.name(), dtype), |b| {
                b.iter(|| {
                    dispatch!(dtype, T => downsample_into(
                        black_box(&pixels).view::<T>().unwrap(), [2; 3], method, out.view_mut::<T>().unwrap(),
                    ));
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, codecs, pyramid_step);
criterion_main!(benches);
