//! Filters and blobs against the shared answers.

use std::collections::BTreeMap;

use hooke_blobs::detect::{DetectParams, detect_volume};
use hooke_blobs::unmix::{Bleed, unmix};
use hooke_filters::gaussian::{difference_of_gaussians, gaussian, laplacian_of_gaussian_into};
use hooke_testdata::{NpzArray, read_npz, shared};
use ndarray::{Array3, ArrayView3};

use crate::detect_kit::{distance, sized, volume};

fn arrays(name: &str) -> Option<BTreeMap<String, NpzArray>> {
    let Some(shared) = shared(env!("CARGO_MANIFEST_DIR")) else {
        println!("SKIPPED: no shared test data here");
        return None;
    };
    Some(read_npz(&shared.join("conformance/blobs").join(name)).unwrap())
}

fn three<T: Copy>(values: &[T]) -> [T; 3] {
    [values[0], values[1], values[2]]
}

#[test]
fn filters_are_scipys() {
    let Some(arrays) = arrays("filters.npz") else { return };
    let image = &arrays["image"];
    let shape = three(&image.shape);
    let image: Array3<f32> =
        Array3::from_shape_vec(shape, image.values.iter().map(|v| *v as f32).collect()).unwrap();
    let range = image.iter().fold(0.0_f32, |m, v| m.max(*v))
        - image.iter().fold(f32::INFINITY, |m, v| m.min(*v));
    let mut compared = 0;
    let mut compare = |found: ArrayView3<'_, f32>, name: &str| {
        let Some(NpzArray { values: expected, .. }) = arrays.get(name) else { return };
        compared += 1;
        let largest =
            found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(largest < 1e-4 * f64::from(range), "{name}: off by {largest} of {range}");
    };
    let ratio = 2.0_f64.powf(1.0 / 3.0);
    // The last set lacks two of its filters.
    for k in 0..4 {
        let sigma = three(&arrays[&format!("sigma_{k}")].values);
        compare(gaussian(image.view(), sigma).view(), &format!("gaussian_{k}"));
        let dog = difference_of_gaussians(image.view(), sigma, sigma.map(|s| ratio * s));
        let dog = dog.mapv(|v| v / (ratio - 1.0) as f32);
        compare(dog.view(), &format!("dog_{k}"));
        let mut log = vec![0.0; image.len()];
        let src = image.as_slice().unwrap();
        laplacian_of_gaussian_into(src, shape, sigma, &mut log, &mut Vec::new());
        let log = Array3::from_shape_vec(shape, log).unwrap();
        compare(log.view(), &format!("laplace_of_gaussian_{k}"));
    }
    assert_eq!(compared, 10);
}

#[test]
fn the_shared_blobs_are_found() {
    let Some(arrays) = arrays("detect.npz") else { return };
    let image = &arrays["image"];
    let shape = three(&image.shape[1..]);
    let voxel = three(&arrays["voxel_um"].values);
    let voxels: Vec<f32> = image.values.iter().map(|v| *v as f32).collect();
    let channels: Vec<ArrayView3<'_, f32>> = voxels
        .chunks(shape.iter().product())
        .map(|c| ArrayView3::from_shape(shape, c).unwrap())
        .collect();
    let bleeds = [
        Bleed { source: 0, target: 1, factor: 0.03 },
        Bleed { source: 1, target: 0, factor: 0.03 },
    ];
    for channel in 0..2 {
        // id, channel, z, y, x, sigma_um, amplitude, pair_id
        let truth: Vec<[f64; 3]> = arrays["truth"]
            .values
            .chunks(8)
            .filter(|row| row[1] == channel as f64)
            .map(|row| std::array::from_fn(|a| row[2 + a] * voxel[a]))
            .collect();
        let channel = unmix(&channels, channel, &bleeds).unwrap();
        let params = DetectParams { min_response: 15.0, ..sized() };
        let found =
            detect_volume(channel.view(), &volume(shape, voxel), &params, 1.0, None).unwrap().blobs;
        let nearest = |t: &[f64; 3]| {
            found.iter().map(|f| distance(*t, f.position_um)).fold(f64::INFINITY, f64::min)
        };
        let errors: Vec<f64> = truth.iter().map(nearest).collect();
        assert_eq!(found.len(), truth.len(), "{errors:?}");
        assert!(errors.iter().all(|e| *e < 1.0), "{errors:?}");
        let rms = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
        assert!(rms < 0.3, "{rms}");
    }
}
