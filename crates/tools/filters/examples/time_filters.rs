//! Times the filters on fixed shapes and prints one JSON line per case:
//! `{"name": .., "wall_ms": .., "cpu_ms": ..}`, the least of several repetitions.
//!
//! Usage: `time_filters THREADS [PART_OF_NAME]`. `benches/peers/filters_vs_scipy.py` runs it beside SciPy.

use std::time::Instant;

use hooke_filters::fft::{Complex32, RealFft};

/// Processor time of all threads of this process in ms, from the scheduler's account.
fn cpu_ms() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let nanoseconds = |path: std::path::PathBuf| -> Option<f64> {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    };
    tasks
        .flatten()
        .filter_map(|task| nanoseconds(task.path()))
        .sum::<f64>()
        * 1e-6
}

struct Timer {
    part: String,
}

impl Timer {
    fn case(&self, name: &str, mut work: impl FnMut()) {
        if !name.contains(&self.part) {
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
    let shapes: [&[usize]; 12] = [
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
        &[1000, 1022],
    ];
    for shape in shapes {
        let fft = RealFft::new(shape);
        let src = noise(fft.real_len());
        let mut spectrum = vec![Complex32::default(); fft.spectrum_len()];
        timer.case(&format!("rfftn {shape:?}"), || {
            fft.forward(&src, &mut spectrum)
        });
        let kept = spectrum.clone();
        let mut out = src.clone();
        timer.case(&format!("irfftn {shape:?}"), || {
            spectrum.copy_from_slice(&kept);
            fft.inverse(&mut spectrum, &mut out);
        });
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let threads = arguments.next().and_then(|t| t.parse().ok()).unwrap_or(1);
    let part = arguments.next().unwrap_or_default();
    let timer = Timer { part };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .expect("first pool of the process");
    time_fft(&timer);
}
