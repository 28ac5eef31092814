//! Writing and reading HDF5 with shuffle and gzip 4, and raw NPY regions.
//!
//! `cargo bench -p hooke-io --bench hdf5`. Files lie in memory (`/dev/shm`) where there is one. The
//! same volume is left as `hooke-bench.npy` there, so that `tests/python/time_hdf5.py` can time h5py
//! on it.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hooke_core::{Axes, Dtype, ImageMeta, ImageSink, Pixels, Region};
use hooke_io::hdf5::{Hdf5Settings, Hdf5Sink};
use hooke_io::npy::NpySink;
use hooke_io::{OpenOptions, open};

const SHAPE: [u64; 5] = [1, 1, 64, 512, 512];

/// Smooth structure with camera noise: compresses about as fluorescence does.
fn fluorescence() -> Pixels {
    let mut state = 1u64;
    let value = |i: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let noise = (0..4).map(|b| (state >> (40 + 5 * b)) & 31).sum::<u64>() as f64;
        let (x, y) = (i % SHAPE[4], i / SHAPE[4] % SHAPE[3]);
        let wave = 40.0 * (x as f64 / 37.0).sin() * (y as f64 / 53.0).cos();
        (60.0 + wave + noise / 2.0) as u16
    };
    Pixels::from_vec(SHAPE, (0..Region::whole(SHAPE).voxels()).map(value).collect())
}

fn write(path: &Path, meta: &ImageMeta, pixels: &Pixels) {
    let sink = Hdf5Sink::create(path, meta, &Hdf5Settings::default()).unwrap();
    sink.write(0, &Region::whole(SHAPE), pixels).unwrap();
    sink.finish().unwrap();
}

fn volume(c: &mut Criterion) {
    let memory = Path::new("/dev/shm");
    let folder = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap();
    let meta = ImageMeta::new("bench", Axes::ZYX, SHAPE, Dtype::Uint16);
    let pixels = fluorescence();
    let whole = Region::whole(SHAPE);
    let plain = folder.path().with_file_name("hooke-bench.npy");
    let sink = NpySink::create(&plain, &meta).unwrap();
    sink.write(0, &whole, &pixels).unwrap();
    sink.finish().unwrap();

    let path = folder.path().join("a.h5");
    let mut out = pixels.clone();
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let mut group = c.benchmark_group("u16 volume");
    group.throughput(Throughput::Bytes(pixels.bytes())).sample_size(10);
    group.bench_function("copy", |b| b.iter(|| out.copy_box([0; 5], black_box(&pixels), &whole)));
    for threads in [1, 2] {
        let pool = pool(threads);
        group.bench_function(format!("write hdf5, {threads} threads"), |b| {
            b.iter(|| pool.install(|| write(&path, &meta, &pixels)));
        });
    }
    let image = open(&path, &OpenOptions::default()).unwrap().images()[0].clone();
    let one = pool(1);
    group.bench_function("read hdf5, 1 thread", |b| {
        b.iter(|| one.install(|| image.read(0, &whole, &mut out).unwrap()));
    });
    assert!(out == pixels);
    let image = open(&plain, &OpenOptions::default()).unwrap().images()[0].clone();
    group.bench_function("read npy", |b| b.iter(|| image.read(0, &whole, &mut out).unwrap()));
    assert!(out == pixels);
    group.finish();
}

criterion_group!(benches, volume);
criterion_main!(benches);
