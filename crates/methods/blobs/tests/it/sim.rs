//! The simulator keeps its word.

use hooke_blobs::sim::{BlobSim, BlobSimParams};
use hooke_blobs::voxel_box::{VoxelBox, grid};
use hooke_core::Truth;
use ndarray::s;

use crate::detect_kit::distance;

fn small() -> BlobSimParams {
    BlobSimParams { shape: [20, 70, 150], count: 25, channels: 3, ..BlobSimParams::default() }
}

#[test]
fn any_box_is_a_cut_of_the_whole() {
    let sim = BlobSim::new(small()).unwrap();
    let shape = sim.params().shape;
    for channel in [0, 2] {
        let whole = sim.voxels(channel, VoxelBox::whole(shape));
        for part in grid(shape, [7, 33, 41]) {
            let cut = whole.slice(s![
                part.start[0]..part.end[0],
                part.start[1]..part.end[1],
                part.start[2]..part.end[2]
            ]);
            assert_eq!(sim.voxels(channel, part), cut);
        }
    }
    let beyond = VoxelBox { start: [15, 60, 149], end: [99, 99, 999] };
    assert_eq!(sim.voxels(0, beyond).dim(), (5, 10, 1));
    let other = BlobSim::new(BlobSimParams { seed: 1, ..small() }).unwrap();
    let whole = VoxelBox::whole(shape);
    assert_ne!(other.voxels(0, whole), sim.voxels(0, whole));
    assert_ne!(sim.voxels(1, whole), sim.voxels(0, whole));
}

#[test]
fn truth_keeps_its_distances_and_its_order() {
    let params = BlobSimParams { shape: [60, 200, 200], count: 60, channels: 3, ..small() };
    let (blobs, pairs) = BlobSim::new(params.clone()).unwrap().truth();
    assert_eq!(blobs.len(), 180);
    assert!(blobs.iter().zip(1..).all(|(b, id)| b.id == id && b.truth == Truth::Missed));
    assert!(
        blobs
            .windows(2)
            .all(|b| (b[0].channel, b[0].position[0]) < (b[1].channel, b[1].position[0]))
    );
    // 0.3 * 60 / 2 for each of three pairs of channels.
    assert_eq!(pairs.len(), 27);
    assert!(pairs.iter().zip(1..).all(|(p, id)| p.match_id == id));
    let partner = |id: u64, other: u64| {
        pairs.iter().any(|p| p.blob_ids == [id, other] || p.blob_ids == [other, id])
    };
    for (i, a) in blobs.iter().enumerate() {
        assert!((0..3).all(|d| (-0.5..params.shape[d] as f64 - 0.5).contains(&a.position[d])));
        assert!(a.amplitude.is_some_and(|h| (120.0..=900.0).contains(&h)));
        for b in &blobs[i + 1..] {
            let apart = distance(a.position_um, b.position_um);
            if a.channel == b.channel {
                assert!(apart >= 8.0);
            } else if !partner(a.id, b.id) {
                assert!(apart >= 14.0);
            }
        }
    }
    for pair in &pairs {
        let [a, b] = pair.blob_ids.map(|id| &blobs[id as usize - 1]);
        assert_eq!([a.channel, b.channel], pair.channels);
        assert!((distance(a.position_um, b.position_um) - pair.distance_um).abs() < 1e-9);
        assert!(pair.distance_um < 6.0 && pair.channels[0] < pair.channels[1]);
    }
}

#[test]
fn light_noise_and_bleed_are_as_asked() {
    let params = BlobSimParams {
        shape: [20, 100, 100],
        count: 1,
        channels: 2,
        pair_fraction: 0.0,
        gradient: 0.0,
        bleed: 0.5,
        amplitude: [800.0, 800.0],
        ..BlobSimParams::default()
    };
    let sim = BlobSim::new(params).unwrap();
    let (blobs, pairs) = sim.truth();
    assert!(pairs.is_empty() && blobs.len() == 2);
    let whole = VoxelBox::whole([20, 100, 100]);
    let channels = [sim.voxels(0, whole), sim.voxels(1, whole)];
    let at = |channel: usize, blob: usize| {
        let [z, y, x] = blobs[blob].position.map(|p| p.round().max(0.0) as usize);
        f64::from(channels[channel][[z.min(19), y.min(99), x.min(99)]])
    };
    // 300 is darkness and background; the blob's own voxel may lie half a voxel off its centre.
    assert!(at(0, 0) > 850.0 && at(1, 1) > 850.0);
    assert!((at(1, 0) - 300.0) / (at(0, 0) - 300.0) > 0.4);
    assert!((at(0, 1) - 300.0).abs() < 80.0);
    let dark = BlobSim::new(BlobSimParams {
        shape: [20, 100, 100],
        count: 0,
        gradient: 0.0,
        ..BlobSimParams::default()
    });
    let values = dark.unwrap().voxels(0, whole).mapv(f64::from);
    let mean = values.mean().unwrap();
    let variance = values.mapv(|v| (v - mean).powi(2)).mean().unwrap();
    // 200 photons and a read noise of 6, rounded.
    assert!((mean - 300.0).abs() < 0.2, "{mean}");
    assert!((variance - 236.0).abs() < 3.0, "{variance}");
}

#[test]
fn a_full_volume_takes_no_more_and_nonsense_is_refused() {
    let full = BlobSimParams { shape: [4, 30, 30], count: 5000, ..BlobSimParams::default() };
    let (blobs, _) = BlobSim::new(full).unwrap().truth();
    assert!(!blobs.is_empty() && blobs.len() < 100);
    let plane = BlobSimParams { shape: [1, 60, 60], count: 5, ..BlobSimParams::default() };
    let sim = BlobSim::new(plane).unwrap();
    assert!(sim.truth().0.iter().all(|b| b.position[0] == 0.0));
    let voxels = sim.voxels(0, VoxelBox::whole([1, 60, 60]));
    assert!(voxels.iter().max().is_some_and(|v| *v > 380));
    let refused = |change: fn(&mut BlobSimParams)| {
        let mut params = small();
        change(&mut params);
        BlobSim::new(params).is_err()
    };
    assert!(refused(|p| p.shape[1] = 0) && refused(|p| p.channels = 0));
    assert!(refused(|p| p.amplitude = [5.0, 1.0]) && refused(|p| p.sigma_um = 0.0));
    assert!(refused(|p| p.voxel_um[0] = f64::NAN) && refused(|p| p.pair_fraction = 1.1));
    assert!(refused(|p| p.psf_um[2] = -1.0) && refused(|p| p.read_noise = f64::INFINITY));
}
