//! What must not change blobs, and what must change them in a known way.

use hooke_blobs::detect::{Block, DetectParams, Detector, Found, Scratch, detect_volume, number};
use hooke_blobs::noise::{NoiseSample, SensorNoise};
use hooke_blobs::voxel_box::{VoxelBox, grid};
use hooke_core::Blob;
use ndarray::{Array3, ArrayView3, s};
use proptest::prelude::*;

use crate::detect_kit::{detect, distance, planted, simulated, sized, small, volume};

fn in_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn blocks_and_threads_change_no_bit() {
    let (sim, mut voxels, _) = small(1);
    // A gap on a seam.
    voxels.slice_mut(s![9..13, 30..36, 40..50]).fill(f32::NAN);
    let run = |block, threads| {
        in_threads(threads, || {
            detect_volume(voxels.view(), &sim.volume(), &sized(), 1.0, block).unwrap()
        })
    };
    let whole = run(None, 1);
    assert!(whole.blobs.len() > 20 && whole.not_finite == 4 * 6 * 10);
    for (block, threads) in [([24, 48, 48], 1), ([7, 96, 33], 2), ([11, 20, 64], 4)] {
        assert_eq!(run(Some(block), threads), whole, "{block:?} on {threads} threads");
    }
}

#[test]
fn blobs_on_every_seam_are_found_once() {
    let volume = volume([24, 96, 96], [3.0, 1.0, 1.0]);
    let block = [8, 32, 32];
    // Around every corner that eight blocks share, a little to either side of it.
    let mut places = Vec::new();
    for (i, z) in [8.0, 16.0].into_iter().enumerate() {
        for (j, y) in [32.0, 64.0].into_iter().enumerate() {
            for (k, x) in [32.0, 64.0].into_iter().enumerate() {
                let side = |n: usize| [-0.5, 0.0, -0.9, -0.1][(i + j + k + n) % 4];
                places.push([z + side(0), y + side(1), x + side(2)]);
            }
        }
    }
    // On seams between two and four blocks.
    places.extend([[8.0, 16.0, 10.0], [4.0, 31.5, 10.0], [20.0, 63.5, 47.5], [15.5, 48.0, 84.0]]);
    let voxels = planted(&volume, &places, 3);
    let whole = detect(&voxels, &volume, &sized());
    let blocks = detect_volume(voxels.view(), &volume, &sized(), 1.0, Some(block)).unwrap();
    assert_eq!(whole, blocks);
    assert_eq!(blocks.blobs.len(), places.len());
    for place in &places {
        let near = blocks.blobs.iter().filter(|b| distance(b.position, *place) < 0.5).count();
        assert_eq!(near, 1, "{place:?}");
    }
}

#[test]
fn parts_survive_being_written_and_read_in_any_order() {
    let (sim, voxels, _) = small(2);
    let noise =
        NoiseSample { noise: SensorNoise { alpha: 1.0, beta: -64.0, floor: 0.1 }, level: 300.0 };
    let detector = Detector::new(&sized(), sim.volume(), noise).unwrap();
    let found = |core: VoxelBox| {
        let block = Block { voxels: voxels.view(), start: [0; 3], core };
        detector.detect_block(block, &mut Scratch::default()).unwrap()
    };
    let whole = detector.finish(3, 2, [&found(VoxelBox::whole([24, 96, 96]))]);
    let mut parts: Vec<Found> = grid([24, 96, 96], [24, 50, 50])
        .map(|core| serde_json::to_string(&found(core)).unwrap())
        .map(|text| serde_json::from_str(&text).unwrap())
        .collect();
    parts.reverse();
    assert_eq!(detector.finish(3, 2, &parts), whole);
    assert!(whole.iter().all(|b| (b.t, b.channel) == (3, 2)));
    let mut both: Vec<Blob> = detector.finish(3, 2, &parts);
    both.extend(detector.finish(3, 0, &parts));
    number(&mut both);
    assert!(both.windows(2).all(|b| (b[0].channel, b[0].id) < (b[1].channel, b[1].id)));
}

#[test]
fn a_crop_shifts_the_inner_blobs_exactly() {
    let (sim, voxels, _) = simulated(hooke_blobs::sim::BlobSimParams {
        shape: [60, 180, 180],
        count: 150,
        ..Default::default()
    });
    let noise =
        NoiseSample { noise: SensorNoise { alpha: 1.0, beta: -64.0, floor: 0.1 }, level: 300.0 };
    let run = |view: ArrayView3<'_, f32>| {
        let shape: [usize; 3] = view.dim().into();
        let detector = Detector::new(&sized(), volume(shape, [3.0, 1.0, 1.0]), noise).unwrap();
        let core = VoxelBox::whole(shape);
        let found = detector
            .detect_block(Block { voxels: view, start: [0; 3], core }, &mut Scratch::default())
            .unwrap();
        (detector.finish(0, 0, [&found]), detector.halo())
    };
    let (whole, halo) = run(voxels.view());
    let (cropped, _) = run(voxels.slice(s![1.., 3.., 5..]));
    let mut compared = 0;
    for blob in &whole {
        let shape = sim.params().shape;
        let inner = |a: usize| {
            blob.position[a] > (halo[a] + 5) as f64
                && blob.position[a] < (shape[a] - halo[a]) as f64
        };
        if !(0..3).all(inner) {
            continue;
        }
        let shifted: [f64; 3] = std::array::from_fn(|a| blob.position[a] - [1.0, 3.0, 5.0][a]);
        let same = cropped.iter().find(|b| distance(b.position, shifted) < 1e-12).unwrap();
        assert_eq!((same.amplitude, same.radius_um), (blob.amplitude, blob.radius_um));
        assert_eq!((same.response, same.covariance_um2), (blob.response, blob.covariance_um2));
        compared += 1;
    }
    assert!(compared >= 5, "{compared}");
}

/// Whether two sets of blobs are at the same places, in voxels.
fn assert_same_places(a: &[Blob], b: &[Blob], map: impl Fn([f64; 3]) -> [f64; 3]) {
    assert_eq!(a.len(), b.len());
    for blob in a {
        let wanted = map(blob.position);
        let nearest = b.iter().map(|b| distance(b.position, wanted)).fold(f64::INFINITY, f64::min);
        assert!(nearest < 1e-3, "{wanted:?}: {nearest}");
    }
}

#[test]
fn turned_axes_turn_the_blobs() {
    let (sim, voxels, _) = small(4);
    let whole = detect(&voxels, &sim.volume(), &sized()).blobs;
    let turned = voxels.view().permuted_axes([2, 0, 1]).as_standard_layout().to_owned();
    let turn = |v: [f64; 3]| [v[2], v[0], v[1]];
    let params =
        DetectParams { psf_um: turn(sized().psf_um), noise: Some([1.0, -64.0]), ..sized() };
    let straight = DetectParams { noise: Some([1.0, -64.0]), ..sized() };
    let shape: [usize; 3] = turned.dim().into();
    let found = detect(&turned, &volume(shape, turn(sim.params().voxel_um)), &params).blobs;
    assert_same_places(&detect(&voxels, &sim.volume(), &straight).blobs, &found, turn);
    assert!(!whole.is_empty());
}

#[test]
fn gain_and_offset_change_no_place() {
    let (sim, voxels, _) = small(5);
    let plain = detect(&voxels, &sim.volume(), &sized()).blobs;
    let louder = voxels.mapv(|v| 4.0 * v + 500.0);
    let found = detect_volume(louder.view(), &sim.volume(), &sized(), 4.0, None).unwrap().blobs;
    assert_same_places(&plain, &found, |p| p);
    for (a, b) in plain.iter().zip(&found) {
        assert!((b.response / a.response - 4.0).abs() < 1e-3);
        assert!((b.score / a.score - 1.0).abs() < 1e-3);
        assert!((b.amplitude.unwrap() / a.amplitude.unwrap() - 4.0).abs() < 1e-2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_small_volume_is_the_sum_of_its_blocks(
        shape in [1usize..9, 1usize..14, 1usize..40],
        block in [1usize..9, 1usize..14, 1usize..40],
        seed in any::<u64>(),
        gaps in 0u64..20,
    ) {
        let mut state = seed | 1;
        let voxels = Array3::from_shape_simple_fn(shape, || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match state >> 33 {
                v if v % 100 < gaps => [f32::NAN, f32::INFINITY][(v % 2) as usize],
                v => (v % 256) as f32,
            }
        });
        let params = DetectParams { sigma_um: Some([0.8, 1.6]), snr: Some(2.0), ..Default::default() };
        let volume = volume(shape, [1.0; 3]);
        let whole = detect_volume(voxels.view(), &volume, &params, 1.0, None).unwrap();
        let parts = detect_volume(voxels.view(), &volume, &params, 1.0, Some(block)).unwrap();
        prop_assert_eq!(&whole, &parts);
        for blob in &whole.blobs {
            let inside = |a: usize| blob.position[a] >= -3.6 && blob.position[a] <= shape[a] as f64 + 2.6;
            prop_assert!((0..3).all(inside));
            prop_assert!(blob.score.is_finite() && f64::from(blob.score) > whole.threshold);
        }
    }
}
