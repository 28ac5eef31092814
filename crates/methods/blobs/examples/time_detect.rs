//! Times detection on one thread; prints JSON.
//!
//! `time_detect [ROUNDS]`: the standard simulation at three scales, whole and in blocks, a sparse one and
//! an isotropic one. Mvox/s are of input and of processor time; the best of some rounds. Memory is the peak of the process.

use hooke_blobs::detect::{DetectParams, Fit, detect_volume};
use hooke_blobs::sim::{BlobSim, BlobSimParams};
use hooke_blobs::voxel_box::VoxelBox;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(3), |n| n.parse())?;
    let standard = BlobSimParams { count: 170, channels: 1, ..BlobSimParams::default() };
    let sparse = BlobSimParams { count: 8, ..standard.clone() };
    let isotropic =
        BlobSimParams { shape: [128, 160, 160], voxel_um: [1.0; 3], count: 60, ..standard.clone() };
    let sized = DetectParams {
        sigma_um: Some([2.2, 3.4]),
        scales: Some(3),
        psf_um: standard.psf_um,
        ..DetectParams::default()
    };
    let octave = DetectParams { psf_um: standard.psf_um, ..DetectParams::default() };
    let peaks = DetectParams { fit: Fit::Quadratic, ..sized.clone() };
    let cases = [
        ("standard", &standard, &sized, None),
        ("standard_quadratic", &standard, &peaks, None),
        ("standard_octave", &standard, &octave, None),
        ("standard_blocks_48x128x128", &standard, &sized, Some([48, 128, 128])),
        ("sparse", &sparse, &sized, None),
        ("isotropic", &isotropic, &sized, None),
    ];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut report = Map::new();
    for (name, sim, detect, block) in cases {
        let sim = BlobSim::new(sim.clone())?;
        let shape = sim.params().shape;
        let voxels = sim.voxels(0, VoxelBox::whole(shape)).mapv(f32::from);
        let mut best = f64::INFINITY;
        let mut blobs = 0;
        for _ in 0..rounds {
            let start = cpu_seconds();
            let run = || detect_volume(voxels.view(), &sim.volume(), detect, 1.0, block);
            blobs = pool.install(run)?.blobs.len();
            best = best.min(cpu_seconds() - start);
        }
        let speed = voxels.len() as f64 / 1e6 / best;
        let memory = json!({"mvox_per_s": speed, "blobs": blobs, "peak_mb": peak_mb()});
        report.insert(name.into(), memory);
    }
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// Time of the processor that this process has used: others on the machine do not count.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

/// Most memory that this process ever held, where the system tells.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? / 1024.0)
}
