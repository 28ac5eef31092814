//! Images that are hardly images.

use hooke_blobs::detect::{Block, DetectError, DetectParams, Detector, Scratch, detect_volume};
use hooke_blobs::noise::{NoiseSample, fit_noise};
use hooke_blobs::voxel_box::VoxelBox;
use ndarray::{Array3, s};

use crate::detect_kit::{detect, distance, planted, sized, volume};

#[test]
fn nothing_in_gives_nothing_out() {
    let voxel = [3.0, 1.0, 1.0];
    for shape in [[0, 10, 10], [1, 1, 1], [4, 0, 7], [5, 40, 40]] {
        for value in [0.0, 100.0, -7.5, f32::NAN, f32::INFINITY] {
            let image = Array3::from_elem(shape, value);
            for quantum in [0.0, 1.0] {
                let run = |block| {
                    detect_volume(image.view(), &volume(shape, voxel), &sized(), quantum, block)
                };
                let found = run(None).unwrap();
                assert!(found.blobs.is_empty(), "{shape:?} of {value}");
                let expected = if value.is_finite() { 0 } else { image.len() as u64 };
                assert_eq!(found.not_finite, expected);
                assert!(run(Some([0, 3, 100])).unwrap().blobs.is_empty());
            }
        }
    }
}

#[test]
fn gaps_are_bridged_and_hold_no_blob() {
    let volume = volume([20, 60, 60], [3.0, 1.0, 1.0]);
    let places = [[8.0, 20.0, 20.0], [12.0, 40.0, 44.0]];
    let mut voxels = planted(&volume, &places, 5);
    voxels[[8, 19, 21]] = f32::NAN;
    voxels[[8, 20, 20]] = f32::INFINITY;
    voxels.slice_mut(s![.., .., 55..]).fill(f32::NAN);
    voxels.slice_mut(s![..3, ..9, ..]).fill(f32::NEG_INFINITY);
    let found = detect(&voxels, &volume, &sized());
    let bad = voxels.iter().filter(|v| !v.is_finite()).count() as u64;
    assert_eq!(found.not_finite, bad);
    assert!(found.blobs.iter().any(|b| distance(b.position, places[1]) < 0.3));
    // The first one peaks at a voxel that is not finite, or beside it.
    assert!(found.blobs.len() <= 2, "{:?}", found.blobs);
    for blob in &found.blobs {
        assert!(places.iter().any(|p| distance(blob.position, *p) < 1.0), "{:?}", blob.position);
    }
}

#[test]
fn a_saturated_blob_is_one_at_its_centre() {
    let volume = volume([20, 60, 60], [3.0, 1.0, 1.0]);
    let place = [9.4, 30.2, 28.7];
    let voxels = planted(&volume, &[place], 6).mapv(|v| v.min(330.0));
    let found = detect(&voxels, &volume, &sized()).blobs;
    assert_eq!(found.len(), 1);
    assert!(distance(found[0].position, place) < 0.4, "{:?}", found[0].position);
    // Without noise, and flat.
    let mut flat = Array3::from_elem(volume.shape, 10.0);
    flat.slice_mut(s![9..12, 28..33, 28..33]).fill(4095.0);
    let found = detect(&flat, &volume, &sized()).blobs;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(distance(found[0].position, [10.0, 30.0, 30.0]) < 0.1, "{:?}", found[0].position);
}

#[test]
fn a_filled_surrounding_does_not_hide_the_noise() {
    let volume = volume([20, 100, 100], [3.0, 1.0, 1.0]);
    let place = [10.0, 30.0, 30.0];
    let mut voxels = planted(&volume, &[place], 7);
    voxels.slice_mut(s![.., .., 70..]).fill(200.0);
    let found = detect(&voxels, &volume, &sized());
    assert!((found.noise.noise.variance(200.0) - 200.0).abs() < 40.0, "{:?}", found.noise);
    assert_eq!(found.blobs.len(), 1);
}

#[test]
fn what_cannot_be_is_refused() {
    let noise = fit_noise(&[], 1.0, None);
    let make = |params: &DetectParams, voxel| Detector::new(params, volume([9; 3], voxel), noise);
    for voxel in [[0.0, 1.0, 1.0], [1.0, -1.0, 1.0], [1.0, 1.0, f64::NAN]] {
        assert!(matches!(make(&sized(), voxel), Err(DetectError::VoxelSize { .. })));
    }
    assert!(matches!(make(&sized(), [20.0; 3]), Err(DetectError::TooSmall { .. })));
    let partly = make(&sized(), [20.0, 1.0, 1.0]).unwrap();
    assert_eq!(partly.unfiltered_axes(), [true, false, false]);
    let bad = DetectParams { overlap: 2.0, ..sized() };
    assert!(matches!(make(&bad, [1.0; 3]), Err(DetectError::Parameter { name: "overlap", .. })));
    let image = Array3::zeros((3, 4, 5));
    let other = detect_volume(image.view(), &volume([3, 4, 6], [1.0; 3]), &sized(), 1.0, None);
    assert!(matches!(other, Err(DetectError::Shape { .. })));
}

#[test]
fn a_block_without_its_halo_is_refused() {
    let noise = NoiseSample { ..fit_noise(&[], 1.0, None) };
    let detector = Detector::new(&sized(), volume([60, 200, 200], [1.0; 3]), noise).unwrap();
    let core = VoxelBox { start: [0, 80, 80], end: [20, 100, 100] };
    let needed = detector.needed(core);
    let voxels = Array3::zeros(needed.shape());
    let whole = Block { voxels: voxels.view(), start: needed.start, core };
    assert!(detector.detect_block(whole, &mut Scratch::default()).unwrap().candidates.is_empty());
    let short = Block { voxels: voxels.slice(s![.., .., 1..]), ..whole };
    let error = detector.detect_block(short, &mut Scratch::default()).unwrap_err();
    assert!(error.to_string().contains("its core needs"), "{error}");
    assert!(detector.block_bytes([20, 20, 20]) >= 28 * needed.voxels() as u64);
}
