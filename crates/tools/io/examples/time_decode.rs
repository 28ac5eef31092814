//! Times opening a file and reading all its pixels, and prints one JSON line per file:
//! `{"file": .., "mib": .., "cpu_ms": ..}`, the least of several repetitions.
//!
//! Usage: `time_decode FILE...`. `benches/peers/convert_vs_python.py` runs it beside the Python readers.

use std::path::Path;
use std::time::Instant;

use hooke_core::image::SourceError;
use hooke_core::{Dtype, Pixels, Region};
use hooke_io::OpenOptions;

fn decode(path: &Path) -> Result<u64, SourceError> {
    let opened = hooke_io::open(path, &OpenOptions::default())?;
    let mut pixels = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let mut bytes = 0;
    for image in opened.images() {
        image.read(0, &Region::whole(image.meta().shape), &mut pixels)?;
        bytes += pixels.bytes();
    }
    Ok(bytes)
}

/// Processor time of all threads of this process in ms.
fn cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 * 1e-6
}

fn main() -> Result<(), SourceError> {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    for file in std::env::args().skip(1) {
        let (begin, mut least, mut bytes) = (Instant::now(), f64::MAX, 0);
        for repetition in 0.. {
            if repetition > 3 && begin.elapsed().as_secs_f64() > 1.0 {
                break;
            }
            let start = cpu_ms();
            bytes = decode(Path::new(&file))?;
            least = least.min(cpu_ms() - start);
        }
        let mib = bytes as f64 / f64::from(1 << 20);
        println!("{{\"file\": {file:?}, \"mib\": {mib:.3}, \"cpu_ms\": {least:.4}}}");
    }
    Ok(())
}
