//! Measures how well simulated blobs are found; prints JSON.
//!
//! `accuracy_blobs [SEEDS]`: the standard simulation (48x256x256 voxels of 3x1x1 µm, 170 blobs a
//! channel), a nearly isotropic one, a hard one, isolated blobs against the Cramér-Rao bound, and noise.

use hooke_blobs::detect::{DetectError, DetectParams, detect_volume};
use hooke_blobs::sim::{BlobSim, BlobSimParams};
use hooke_blobs::unmix::{Bleed, unmix};
use hooke_blobs::voxel_box::VoxelBox;
use hooke_core::Blob;
use ndarray::Array3;
use serde_json::{Map, Value, json};

const GATE_UM: f64 = 4.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seeds: u64 = std::env::args().nth(1).map_or(Ok(4), |n| n.parse())?;
    let standard = BlobSimParams { count: 170, ..BlobSimParams::default() };
    let fine =
        BlobSimParams { shape: [96, 224, 224], voxel_um: [1.5, 1.0, 1.0], ..standard.clone() };
    let hard = BlobSimParams {
        amplitude: [40.0, 120.0],
        min_distance_um: 6.0,
        gradient: 1.2,
        ..standard.clone()
    };
    let isolated = BlobSimParams {
        min_distance_um: 40.0,
        unpaired_distance_um: 0.0,
        pair_fraction: 0.0,
        count: 80,
        bleed: 0.0,
        sigma_cv: 0.0,
        ..standard.clone()
    };
    let sized = DetectParams {
        sigma_um: Some([2.2, 3.4]),
        scales: Some(3),
        psf_um: standard.psf_um,
        ..DetectParams::default()
    };
    let mut report = Map::new();
    for (name, sim) in
        [("standard", standard), ("fine", fine), ("hard", hard), ("isolated", isolated.clone())]
    {
        report.insert(name.into(), accuracy(&sim, &sized, seeds)?);
    }
    let quadratic = DetectParams { fit: hooke_blobs::detect::Fit::Quadratic, ..sized.clone() };
    report.insert("isolated_quadratic".into(), accuracy(&isolated, &quadratic, seeds)?);
    report.insert("noise".into(), noise(seeds)?);
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// Truth and found blobs that are nearest to each other, and within the gate.
fn matched<'a>(truth: &'a [Blob], found: &'a [Blob]) -> Vec<[&'a Blob; 2]> {
    let distance = |a: &Blob, b: &Blob| {
        (0..3).map(|d| (a.position_um[d] - b.position_um[d]).powi(2)).sum::<f64>().sqrt()
    };
    let nearest = |from: &Blob, among: &'a [Blob]| {
        among.iter().min_by(|a, b| distance(from, a).total_cmp(&distance(from, b)))
    };
    truth
        .iter()
        .filter_map(|t| {
            let f = nearest(t, found)?;
            (distance(t, f) < GATE_UM && nearest(f, truth)?.id == t.id).then_some([t, f])
        })
        .collect()
}

fn accuracy(sim: &BlobSimParams, detect: &DetectParams, seeds: u64) -> Result<Value, DetectError> {
    let [mut right, mut truths, mut founds, mut fitted] = [0usize; 4];
    let mut errors: Vec<[f64; 3]> = Vec::new();
    let mut pulls: Vec<[f64; 3]> = Vec::new();
    let mut chi2 = Vec::new();
    let mut bound = [0.0; 3];
    for seed in 0..seeds {
        let sim = BlobSim::new(BlobSimParams { seed, ..sim.clone() })?;
        let (truth, _) = sim.truth();
        let whole = VoxelBox::whole(sim.params().shape);
        let channels: Vec<Array3<f32>> =
            (0..sim.params().channels).map(|c| sim.voxels(c, whole).mapv(f32::from)).collect();
        let views: Vec<_> = channels.iter().map(|c| c.view()).collect();
        let bleeds = [Bleed { source: 0, target: 1, factor: sim.params().bleed }];
        for channel in 0..sim.params().channels {
            let voxels = unmix(&views, usize::from(channel), &bleeds)?;
            let found = detect_volume(voxels.view(), &sim.volume(), detect, 1.0, None)?;
            let truth: Vec<Blob> = truth.iter().filter(|b| b.channel == channel).cloned().collect();
            let pairs = matched(&truth, &found.blobs);
            right += pairs.len();
            truths += truth.len();
            founds += found.blobs.len();
            for [t, f] in &pairs {
                let error: [f64; 3] = std::array::from_fn(|d| f.position_um[d] - t.position_um[d]);
                errors.push(error);
                if let Some(c) = f.covariance_um2 {
                    fitted += 1;
                    pulls.push(std::array::from_fn(|d| error[d] / f64::from(c[d]).sqrt()));
                    let crlb = cramer_rao(sim.params(), t);
                    (0..3).for_each(|d| bound[d] += crlb[d]);
                }
                chi2.extend(f.fit_chi2);
            }
        }
    }
    let n = errors.len() as f64;
    let mean = |f: &dyn Fn(&[f64; 3]) -> f64| errors.iter().map(f).sum::<f64>() / n;
    let rms: [f64; 3] = std::array::from_fn(|d| mean(&|e| e[d] * e[d]).sqrt());
    let bound = bound.map(|b| (b / fitted as f64).sqrt());
    let within = |d: usize| {
        pulls.iter().filter(|p| p[d].abs() <= 1.0).count() as f64 / pulls.len().max(1) as f64
    };
    let mut sizes: Vec<f64> =
        errors.iter().map(|e| e.iter().map(|v| v * v).sum::<f64>().sqrt()).collect();
    sizes.sort_by(f64::total_cmp);
    chi2.sort_by(f32::total_cmp);
    Ok(json!({
        "f1": 2.0 * right as f64 / (truths + founds) as f64,
        "recall": right as f64 / truths as f64,
        "precision": right as f64 / founds as f64,
        "truth": truths, "found": founds, "fitted": fitted,
        "rms_um": (rms.iter().map(|r| r * r).sum::<f64>()).sqrt(),
        "rms_axis_um": rms,
        "median_um": sizes.get(sizes.len() / 2), "largest_um": sizes.last(),
        "bias_um": [mean(&|e| e[0]), mean(&|e| e[1]), mean(&|e| e[2])],
        "rms_over_cramer_rao": [rms[0] / bound[0], rms[1] / bound[1], rms[2] / bound[2]],
        "within_1_sigma": [within(0), within(1), within(2)],
        "median_chi2": chi2.get(chi2.len() / 2),
    }))
}

/// The least variance of a centre in µm² that any unbiased estimate has which does not know height,
/// sigma and the level of the background: the inverse of the Fisher matrix over five widths.
fn cramer_rao(sim: &BlobSimParams, truth: &Blob) -> [f64; 3] {
    let sigma = f64::from(truth.radius_um) / 3.0_f64.sqrt();
    let width: [f64; 3] = std::array::from_fn(|a| sigma.hypot(sim.psf_um[a]) / sim.voxel_um[a]);
    let amplitude = truth.amplitude.map_or(0.0, f64::from);
    let level = truth.background.map_or(0.0, f64::from) - sim.offset;
    let range = |a: usize| {
        let half = 5.0 * width[a];
        let first = (truth.position[a] - half).ceil().max(0.0) as usize;
        first..((truth.position[a] + half) as usize + 1).min(sim.shape[a])
    };
    let mut fisher = [[0.0; 6]; 6];
    for z in range(0) {
        for y in range(1) {
            for x in range(2) {
                let at = [z, y, x];
                let d: [f64; 3] = std::array::from_fn(|a| at[a] as f64 - truth.position[a]);
                let q: f64 = (0..3).map(|a| (d[a] / width[a]).powi(2)).sum();
                let g = (-0.5 * q).exp();
                let by_centre =
                    |a: usize| amplitude * g * d[a] / width[a].powi(2) / sim.voxel_um[a];
                let growth: f64 = (0..3)
                    .map(|a| d[a].powi(2) / (width[a].powi(4) * sim.voxel_um[a].powi(2)))
                    .sum();
                let row = [
                    by_centre(0),
                    by_centre(1),
                    by_centre(2),
                    g,
                    amplitude * g * sigma * growth,
                    1.0,
                ];
                let variance = level + amplitude * g + sim.read_noise.powi(2);
                for i in 0..6 {
                    for j in 0..6 {
                        fisher[i][j] += row[i] * row[j] / variance;
                    }
                }
            }
        }
    }
    inverse_diagonal(fisher)
}

/// The first three entries of the diagonal of the inverse, by Gauss and Jordan.
fn inverse_diagonal(matrix: [[f64; 6]; 6]) -> [f64; 3] {
    let mut work = [[0.0; 12]; 6];
    for i in 0..6 {
        work[i][..6].copy_from_slice(&matrix[i]);
        work[i][6 + i] = 1.0;
    }
    for i in 0..6 {
        let pivot = work[i][i];
        work[i].iter_mut().for_each(|v| *v /= pivot);
        let row = work[i];
        for (_, other) in work.iter_mut().enumerate().filter(|(j, _)| *j != i) {
            let factor = other[i];
            other.iter_mut().zip(row).for_each(|(o, r)| *o -= factor * r);
        }
    }
    std::array::from_fn(|i| work[i][6 + i])
}

/// False blobs in volumes of nothing but noise, over the number that was allowed.
fn noise(seeds: u64) -> Result<Value, DetectError> {
    let mut report = Map::new();
    for (name, scales) in [("four_scales", None), ("one_scale", Some(1))] {
        // So many are allowed that their number is known well.
        let detect = DetectParams {
            scales,
            psf_um: [1.5, 0.4, 0.4],
            false_per_mm3: 2000.0,
            ..DetectParams::default()
        };
        let (mut found, mut volume) = (0, 0.0);
        for seed in 0..seeds {
            let sim = BlobSim::new(BlobSimParams {
                seed,
                count: 0,
                channels: 1,
                ..BlobSimParams::default()
            })?;
            let shape = sim.params().shape;
            let voxels = sim.voxels(0, VoxelBox::whole(shape)).mapv(f32::from);
            let detect = &detect;
            found += detect_volume(voxels.view(), &sim.volume(), detect, 1.0, None)?.blobs.len();
            volume += shape.iter().product::<usize>() as f64 * 3e-9;
        }
        report.insert(name.into(), json!(found as f64 / volume / detect.false_per_mm3));
    }
    Ok(report.into())
}
