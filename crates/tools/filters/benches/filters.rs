//! Speed of the filters; `cargo bench -p hooke-filters`.
#![allow(missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hooke_filters::fft::{Complex32, RealFft};
use hooke_filters::gaussian::gaussian_into;
use hooke_filters::resample::{
    SplineSamples, bin_mean_into, binned_shape, shift_cubic_into, shift_linear_into,
    spline_coefficients_into, spline_samples_into,
};

const SHAPE: [usize; 3] = [32, 256, 256];

fn ramp(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * 7919 % 1021) as f32).collect()
}

fn fourier(c: &mut Criterion) {
    let mut group = c.benchmark_group("fft");
    let shapes: [&[usize]; 4] = [&[512, 512], &[500, 500], &[64, 256, 256], &[60, 250, 250]];
    for shape in shapes {
        let fft = RealFft::new(shape);
        let src = ramp(fft.real_len());
        let mut spectrum = vec![Complex32::default(); fft.spectrum_len()];
        let mut out = src.clone();
        group.throughput(Throughput::Elements(src.len() as u64));
        group.bench_function(format!("forward {shape:?}"), |b| {
            b.iter(|| fft.forward(&src, &mut spectrum))
        });
        group.bench_function(format!("inverse {shape:?}"), |b| {
            b.iter(|| fft.inverse(&mut spectrum, &mut out))
        });
    }
}

fn smoothing(c: &mut Criterion) {
    let mut group = c.benchmark_group("gaussian");
    let src = ramp(SHAPE.iter().product());
    let mut out = src.clone();
    group.throughput(Throughput::Elements(src.len() as u64));
    for sigma in [1.0, 2.0, 8.0] {
        group.bench_function(format!("sigma {sigma}"), |b| {
            b.iter(|| gaussian_into(&src, SHAPE, [sigma; 3], &mut out));
        });
    }
}

fn resampling(c: &mut Criterion) {
    let mut group = c.benchmark_group("resample");
    let src = ramp(SHAPE.iter().product());
    let mut out = src.clone();
    group.throughput(Throughput::Elements(src.len() as u64));
    let factors = [2, 2, 2];
    let len = binned_shape(SHAPE, factors).iter().product();
    group.bench_function("bin 2x2x2", |b| {
        b.iter(|| bin_mean_into(&src, SHAPE, factors, &mut out[..len]))
    });
    let origin = [0.25, 0.5, 0.75];
    group.bench_function("linear", |b| {
        b.iter(|| shift_linear_into(&src, SHAPE, origin, &mut out, SHAPE))
    });
    group.bench_function("cubic", |b| {
        b.iter(|| shift_cubic_into(&src, SHAPE, origin, &mut out, SHAPE))
    });
    group.bench_function("spline coefficients", |b| {
        b.iter(|| spline_coefficients_into(&src, SHAPE, &mut out));
    });
    let (mut dz, mut dy, mut dx) = (src.clone(), src.clone(), src.clone());
    group.bench_function("spline values and gradients", |b| {
        b.iter(|| {
            let samples = SplineSamples { value: &mut out, dz: &mut dz, dy: &mut dy, dx: &mut dx };
            spline_samples_into(&src, SHAPE, origin, samples, SHAPE);
        });
    });
}

criterion_group!(benches, fourier, smoothing, resampling);
criterion_main!(benches);
