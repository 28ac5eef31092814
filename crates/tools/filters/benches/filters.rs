//! Speed of the filters; `cargo bench -p hooke-filters`.
#![allow(missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hooke_filters::Connectivity;
use hooke_filters::assignment::assign_least;
use hooke_filters::components::label_components_into;
use hooke_filters::distance::distance_into;
use hooke_filters::fft::{Complex32, RealFft};
use hooke_filters::gaussian::gaussian_into;
use hooke_filters::resample::{
    SplineSamples, bin_mean_into, binned_shape, shift_cubic_into, shift_linear_into,
    spline_coefficients_into, spline_samples_into,
};
use hooke_filters::watershed::{h_maxima_into, watershed_into};

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

/// Smooth blobs and holes: a mask of about half of the voxels.
fn blobs(shape: [usize; 3]) -> Vec<bool> {
    let noise = ramp(shape.iter().product());
    let mut smooth = noise.clone();
    gaussian_into(&noise, shape, [2.0; 3], &mut smooth);
    smooth.iter().map(|&v| v > 510.0).collect()
}

fn masks(c: &mut Criterion) {
    let mut group = c.benchmark_group("masks");
    for shape in [SHAPE, [1, 1024, 1024]] {
        let mask = blobs(shape);
        let mut labels = vec![0; mask.len()];
        let mut distance = vec![0.0; mask.len()];
        group.throughput(Throughput::Elements(mask.len() as u64));
        group.bench_function(format!("components {shape:?}"), |b| {
            b.iter(|| label_components_into(&mask, shape, Connectivity::Corners, &mut labels));
        });
        group.bench_function(format!("distance {shape:?}"), |b| {
            b.iter(|| distance_into(&mask, shape, [2.0, 1.0, 1.0], false, &mut distance));
        });
        let mut peaks = mask.clone();
        group.bench_function(format!("h maxima {shape:?}"), |b| {
            b.iter(|| h_maxima_into(&distance, shape, 0.5, Connectivity::Corners, &mut peaks));
        });
        let mut markers = labels.clone();
        label_components_into(&peaks, shape, Connectivity::Corners, &mut markers);
        let landscape: Vec<f32> = distance.iter().map(|d| -d).collect();
        group.bench_function(format!("watershed {shape:?}"), |b| {
            b.iter(|| {
                let (mask, faces) = (Some(&mask[..]), Connectivity::Faces);
                watershed_into(&landscape, shape, &markers, mask, faces, &mut labels);
            });
        });
    }
}

fn assignment(c: &mut Criterion) {
    let mut group = c.benchmark_group("assignment");
    for (rows, columns) in [(30, 40), (500, 500)] {
        let costs: Vec<f64> = ramp(rows * columns).into_iter().map(|v| f64::from(v * v)).collect();
        group.bench_function(format!("{rows} x {columns}"), |b| {
            b.iter(|| assign_least(&costs, rows, columns));
        });
    }
}

criterion_group!(benches, fourier, smoothing, resampling, masks, assignment);
criterion_main!(benches);
