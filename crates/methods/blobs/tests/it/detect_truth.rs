//! Detection against the exact truth of simulations.

use hooke_blobs::detect::{DetectParams, Fit, Method, detect_volume};
use hooke_blobs::sim::BlobSimParams;

use crate::detect_kit::{detect, distance, matched, planted, simulated, sized, volume};

#[test]
fn the_standard_volume_is_found_at_two_anisotropies_and_seeds() {
    let standard = BlobSimParams { count: 170, ..BlobSimParams::default() };
    let fine = BlobSimParams {
        shape: [72, 192, 192],
        voxel_um: [1.5, 1.0, 1.0],
        count: 60,
        ..standard.clone()
    };
    for (params, seed) in [(&standard, 3), (&fine, 4)] {
        let (sim, voxels, truth) = simulated(BlobSimParams { seed, ..params.clone() });
        let found = detect(&voxels, &sim.volume(), &sized()).blobs;
        let pairs = matched(&truth, &found, 4.0);
        let f1 = 2.0 * pairs.len() as f64 / (truth.len() + found.len()) as f64;
        assert!(f1 >= 0.99, "F1 {f1}");
        let n = pairs.len() as f64;
        let error =
            |p: &[&hooke_core::Blob; 2], a: usize| p[1].position_um[a] - p[0].position_um[a];
        let mean =
            |f: &dyn Fn(&[&hooke_core::Blob; 2]) -> f64| pairs.iter().map(f).sum::<f64>() / n;
        let rms = mean(&|p| distance(p[0].position_um, p[1].position_um).powi(2)).sqrt();
        assert!(rms < 0.3, "rms {rms}");
        for a in 0..3 {
            let bias = mean(&|p| error(p, a));
            assert!(bias.abs() < 0.03, "axis {a}: bias {bias}");
        }
        let within = |p: &[&hooke_core::Blob; 2]| {
            let covariance = p[1].covariance_um2.unwrap_or_default();
            let is_within = |a: &usize| error(p, *a).powi(2) <= f64::from(covariance[*a]);
            (0..3).filter(is_within).count() as f64 / 3.0
        };
        let within = mean(&within);
        assert!((0.6..0.75).contains(&within), "{within} within one sigma");
        let size = mean(&|p| f64::from(p[1].radius_um / p[0].radius_um));
        let height = mean(&|p| f64::from(p[1].amplitude.unwrap() / p[0].amplitude.unwrap()));
        assert!((size - 1.0).abs() < 0.02 && (height - 1.0).abs() < 0.03, "{size} {height}");
    }
}

#[test]
fn noise_gives_the_false_blobs_that_were_allowed() {
    let params = DetectParams { false_per_mm3: 5000.0, psf_um: [1.5, 0.4, 0.4], ..sized() };
    let (mut found, mut mm3) = (0, 0.0);
    for seed in 0..2 {
        let (sim, voxels, _) = simulated(BlobSimParams { count: 0, seed, ..Default::default() });
        found += detect(&voxels, &sim.volume(), &params).blobs.len();
        mm3 += voxels.len() as f64 * 3e-9;
    }
    let ratio = f64::from(found as u32) / (mm3 * params.false_per_mm3);
    assert!((0.3..2.0).contains(&ratio), "{found} blobs, {ratio} of what was allowed");
}

#[test]
fn blobs_half_a_voxel_from_every_face_edge_and_corner_are_found() {
    let volume = volume([21, 61, 61], [3.0, 1.0, 1.0]);
    let along =
        |a: usize, i: usize| [0.0, (volume.shape[a] / 2) as f64, volume.shape[a] as f64 - 1.0][i];
    let places: Vec<[f64; 3]> = (0..27)
        .filter(|i| *i != 13)
        .map(|i| [along(0, i / 9), along(1, i / 3 % 3), along(2, i % 3)])
        .collect();
    let voxels = planted(&volume, &places, 1);
    let found = detect(&voxels, &volume, &sized()).blobs;
    assert_eq!(found.len(), places.len());
    for place in &places {
        let um: [f64; 3] = std::array::from_fn(|a| place[a] * volume.voxel_um[a]);
        let nearest =
            found.iter().map(|b| distance(b.position_um, um)).fold(f64::INFINITY, f64::min);
        assert!(nearest < 1.5, "{place:?}: {nearest}");
    }
}

#[test]
fn planes_lines_and_the_laplacian_find_them_too() {
    for (shape, place) in [([1, 60, 60], [0.0, 20.3, 41.8]), ([1, 1, 90], [0.0, 0.0, 33.3])] {
        let volume = volume(shape, [3.0, 1.0, 1.0]);
        let voxels = planted(&volume, &[place], 2);
        for method in [Method::Dog, Method::Log] {
            let found = detect(&voxels, &volume, &DetectParams { method, ..sized() }).blobs;
            assert_eq!(found.len(), 1, "{shape:?} {method:?}");
            assert!(distance(found[0].position, place) < 0.5);
            let radius = 2.8 * (shape.iter().filter(|n| **n > 1).count() as f32).sqrt();
            // A line has ten voxels to tell the size from.
            assert!((found[0].radius_um / radius - 1.0).abs() < 0.3, "{}", found[0].radius_um);
        }
    }
    let (sim, voxels, truth) = crate::detect_kit::small(7);
    let params = DetectParams { method: Method::Log, ..sized() };
    let found = detect(&voxels, &sim.volume(), &params).blobs;
    assert!(matched(&truth, &found, 4.0).len() + 1 >= truth.len() && found.len() <= truth.len());
}

#[test]
fn each_placement_says_what_it_knows() {
    let (sim, voxels, truth) = crate::detect_kit::small(8);
    let with = |fit| detect(&voxels, &sim.volume(), &DetectParams { fit, ..sized() }).blobs;
    let (whole, quadratic, gaussian) = (with(Fit::None), with(Fit::Quadratic), with(Fit::Gaussian));
    assert!(whole.iter().all(|b| b.position.iter().all(|p| p.fract() == 0.0)));
    assert!(whole.iter().chain(&quadratic).all(|b| b.amplitude.is_none() && b.fit_chi2.is_none()));
    assert!(gaussian.iter().filter(|b| b.covariance_um2.is_some()).count() + 1 >= gaussian.len());
    let error = |found| {
        let mut all: Vec<f64> = matched(&truth, found, 4.0)
            .iter()
            .map(|[t, f]| distance(t.position_um, f.position_um))
            .collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let [whole, quadratic, gaussian] = [error(&whole), error(&quadratic), error(&gaussian)];
    assert!(gaussian < quadratic && quadratic < whole, "{gaussian} {quadratic} {whole}");
}

#[test]
fn borders_thresholds_and_responses_select() {
    let (sim, voxels, _) = crate::detect_kit::small(9);
    let with = |params: DetectParams| detect(&voxels, &sim.volume(), &params).blobs;
    let all = with(sized());
    let inner = with(DetectParams { exclude_border: [2, 10, 10], ..sized() });
    assert!(!inner.is_empty() && inner.len() < all.len());
    assert!(inner.iter().all(|b| b.position[1] > 9.0 && b.position[1] < 86.0));
    let middle = {
        let mut scores: Vec<f32> = all.iter().map(|b| b.score).collect();
        scores.sort_by(f32::total_cmp);
        scores[scores.len() / 2]
    };
    let strong = with(DetectParams { snr: Some(f64::from(middle)), ..sized() });
    assert!(strong.len() < all.len() && strong.iter().all(|b| b.score > middle));
    let bright = with(DetectParams { min_response: 200.0, ..sized() });
    let expected = all.iter().filter(|b| b.response >= 200.0).count();
    assert!(bright.len() == expected && expected > 0 && expected < all.len());
    assert!(all.iter().zip(1..).all(|(b, id)| b.id == id && &*b.source == "hooke"));
}

#[test]
fn the_origin_moves_micrometres_only() {
    let (sim, voxels, _) = crate::detect_kit::small(10);
    let mut moved = sim.volume();
    moved.origin_um = [100.0, -20.0, 5.0];
    let here = detect(&voxels, &sim.volume(), &sized()).blobs;
    let there = detect_volume(voxels.view(), &moved, &sized(), 1.0, None).unwrap().blobs;
    assert_eq!(here.len(), there.len());
    for (a, b) in here.iter().zip(&there) {
        assert_eq!(a.position, b.position);
        let shift: [f64; 3] = std::array::from_fn(|d| b.position_um[d] - a.position_um[d]);
        assert!(distance(shift, moved.origin_um) < 1e-9);
    }
}
