//! Times the filters on fixed shapes and prints one JSON line per case:
//! `{"name": .., "wall_ms": .., "cpu_ms": ..}`, the least of several repetitions.
//!
//! Usage: `time_filters THREADS [PART_OF_NAME]`. `benches/peers/filters_vs_scipy.py` runs it beside SciPy.

use std::time::Instant;

use hooke_filters::Connectivity;
use hooke_filters::assignment::assign_least;
use hooke_filters::components::label_components_into;
use hooke_filters::distance::distance_into;
use hooke_filters::fft::{Complex32, RealFft};
use hooke_filters::gaussian::gaussian_into;
use hooke_filters::order::{
    median_along_z_into, median_filter_3x3_into, median_filter_3x3x3_into, median_filter_5x5_into,
    running_minimum_into,
};
use hooke_filters::resample::{
    SplineSamples, bin_mean_into, binned_shape, shift_cubic_into, shift_linear_into,
    spline_coefficients_into, spline_samples_into,
};
use hooke_filters::watershed::{h_maxima_into, watershed_into};

/// Processor time of all threads of this process in ms.
fn cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 * 1e-6
}

struct Timer {
    part: String,
}

impl Timer {
    fn wants(&self, name: &str) -> bool {
        name.contains(&self.part)
    }

    fn case(&self, name: &str, mut work: impl FnMut()) {
        if !self.wants(name) {
            return;
        }
        work();
        let (mut wall, mut cpu) = (f64::MAX, f64::MAX);
        let begin = Instant::now();
        let mut repetitions = 0;
        while repetitions < 3 || (begin.elapsed().as_secs_f64() < 1.0 && repetitions < 50) {
            let cpu_before = cpu_ms();
            let start = Instant::now();
            work();
            wall = wall.min(start.elapsed().as_secs_f64() * 1e3);
            cpu = cpu.min(cpu_ms() - cpu_before);
            repetitions += 1;
        }
        println!("{{\"name\": \"{name}\", \"wall_ms\": {wall:.4}, \"cpu_ms\": {cpu:.4}}}");
    }
}

/// Uniform values in 0..1 (xorshift), the same in each run.
fn noise(len: usize) -> Vec<f32> {
    let mut state = 88_172_645_463_325_252_u64;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 24) as f32
        })
        .collect()
}

fn time_fft(timer: &Timer) {
    let shapes: [&[usize]; 13] = [
        &[256, 256],
        &[512, 512],
        &[2048, 2048],
        &[768, 1152],
        &[64, 512, 512],
        &[128, 128, 128],
        &[48, 432, 576],
        &[500, 500],
        &[60, 500, 500],
        &[2160, 2560],
        &[100, 240, 320],
        &[1000, 1000],
        &[1000, 1022],
    ];
    for shape in shapes {
        if !timer.wants(&format!("irfftn {shape:?}")) {
            continue;
        }
        let fft = RealFft::new(shape);
        let src = noise(fft.real_len());
        let mut spectrum = vec![Complex32::default(); fft.spectrum_len()];
        timer.case(&format!("rfftn {shape:?}"), || fft.forward(&src, &mut spectrum));
        let kept = spectrum.clone();
        let mut out = src.clone();
        timer.case(&format!("irfftn {shape:?}"), || {
            spectrum.copy_from_slice(&kept);
            fft.inverse(&mut spectrum, &mut out);
        });
    }
}

fn time_volumes(timer: &Timer) {
    let shape = [128, 512, 512];
    let names = [1.0, 2.0, 10.0].map(|sigma| (sigma, format!("gaussian {sigma} {shape:?}")));
    let bin = format!("bin_mean 2 {shape:?}");
    let image = "gaussian 2 [2048, 2048]";
    let all = names.iter().map(|(_, name)| name.as_str()).chain([bin.as_str(), image]);
    if !all.into_iter().any(|name| timer.wants(name)) {
        return;
    }
    let src = noise(shape.iter().product());
    let mut out = src.clone();
    for (sigma, name) in &names {
        timer.case(name, || gaussian_into(&src, shape, [*sigma; 3], &mut out));
    }
    let len = 2048 * 2048;
    timer.case(image, || {
        gaussian_into(&src[..len], [1, 2048, 2048], [2.0; 3], &mut out[..len]);
    });
    let factors = [2, 2, 2];
    let len = binned_shape(shape, factors).iter().product();
    timer.case(&bin, || bin_mean_into(&src, shape, factors, &mut out[..len]));
}

fn time_small_volumes(timer: &Timer) {
    let shape = [64, 256, 256];
    let src = noise(shape.iter().product());
    let mut out = src.clone();
    let out = &mut out;
    timer.case(&format!("spline_coefficients {shape:?}"), || {
        spline_coefficients_into(&src, shape, out);
    });
    let origin = [0.25, 0.5, 0.75];
    timer.case(&format!("shift_linear {shape:?}"), || {
        shift_linear_into(&src, shape, origin, out, shape)
    });
    timer.case(&format!("shift_cubic {shape:?}"), || {
        shift_cubic_into(&src, shape, origin, out, shape)
    });
    let (mut dz, mut dy, mut dx) = (src.clone(), src.clone(), src.clone());
    timer.case(&format!("spline_samples {shape:?}"), || {
        let samples = SplineSamples { value: &mut *out, dz: &mut dz, dy: &mut dy, dx: &mut dx };
        spline_samples_into(&src, shape, origin, samples, shape);
    });
    timer.case(&format!("running_minimum 31 {shape:?}"), || {
        running_minimum_into(&src, shape, 1, 31, out)
    });
    let levels: Vec<u16> = src.iter().map(|v| (v * 65535.0) as u16).collect();
    let mut filtered = levels.clone();
    timer.case(&format!("median 3x3 u16 {shape:?}"), || {
        median_filter_3x3_into(&levels, shape, &mut filtered)
    });
    timer.case(&format!("median 5x5 u16 {shape:?}"), || {
        median_filter_5x5_into(&levels, shape, &mut filtered)
    });
    timer.case(&format!("median 3x3x3 u16 {shape:?}"), || {
        median_filter_3x3x3_into(&levels, shape, &mut filtered)
    });
    let mut middle = vec![0.0; 256 * 256];
    timer.case(&format!("median_along_z {shape:?}"), || median_along_z_into(&src, 64, &mut middle));
}

/// Masks of blobs and holes, about half of the voxels, and of single random voxels.
fn time_masks(timer: &Timer) {
    for shape in [[128, 256, 256], [1, 2048, 2048]] {
        let name = if shape[0] == 1 { format!("{:?}", &shape[1..]) } else { format!("{shape:?}") };
        let names = ["components", "components of noise", "distance", "watershed"]
            .map(|kind| format!("{kind} {name}"));
        if !names.iter().any(|name| timer.wants(name)) {
            continue;
        }
        let random = noise(shape.iter().product());
        let mut smooth = random.clone();
        gaussian_into(&random, shape, [2.0; 3], &mut smooth);
        let mask: Vec<bool> = smooth.iter().map(|&v| v > 0.5).collect();
        let dots: Vec<bool> = random.iter().map(|&v| v > 0.7).collect();
        let mut labels = vec![0; mask.len()];
        let all = Connectivity::Corners;
        timer.case(&names[0], || {
            label_components_into(&mask, shape, all, &mut labels);
        });
        timer.case(&names[1], || {
            label_components_into(&dots, shape, all, &mut labels);
        });
        timer.case(&names[2], || distance_into(&mask, shape, [1.0; 3], false, &mut smooth));
        distance_into(&mask, shape, [1.0; 3], false, &mut smooth);
        let mut peaks = dots;
        h_maxima_into(&smooth, shape, 0.5, all, &mut peaks);
        let mut markers = labels.clone();
        label_components_into(&peaks, shape, all, &mut markers);
        smooth.iter_mut().for_each(|v| *v = -*v);
        timer.case(&names[3], || {
            let faces = Connectivity::Faces;
            watershed_into(&smooth, shape, &markers, Some(&mask), faces, &mut labels);
        });
    }
}

fn time_assignments(timer: &Timer) {
    for (rows, columns) in [(30, 40), (300, 1200), (1000, 1000)] {
        let uniform: Vec<f64> = noise(rows * columns).into_iter().map(f64::from).collect();
        timer.case(&format!("assignment [{rows}, {columns}]"), || {
            assign_least(&uniform, rows, columns).expect("nothing is forbidden");
        });
        let at = noise(2 * (rows + columns));
        let distance = |i: usize, k: usize| {
            f64::from(at[2 * i] - at[2 * k]).hypot(f64::from(at[2 * i + 1] - at[2 * k + 1]))
        };
        let near: Vec<f64> =
            (0..rows * columns).map(|i| distance(i / columns, rows + i % columns)).collect();
        timer.case(&format!("assignment of points [{rows}, {columns}]"), || {
            assign_least(&near, rows, columns).expect("nothing is forbidden");
        });
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let threads = arguments.next().and_then(|t| t.parse().ok()).unwrap_or(1);
    let part = arguments.next().unwrap_or_default();
    let timer = Timer { part };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads can be started").install(|| {
        time_fft(&timer);
        time_volumes(&timer);
        time_small_volumes(&timer);
        time_masks(&timer);
        time_assignments(&timer);
    });
}
