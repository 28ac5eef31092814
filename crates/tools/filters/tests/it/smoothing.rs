use hooke_filters::gaussian::{gaussian, gaussian_half_kernel};
use ndarray::Array3;
use proptest::prelude::*;

use crate::{largest_difference, noise, same_for_any_thread_count};

fn image(shape: [usize; 3], seed: u64) -> Array3<f32> {
    Array3::from_shape_vec(shape, noise(shape.iter().product(), seed)).unwrap()
}

/// One axis at a time in `f64`, by the definition.
fn slow_gaussian(image: &Array3<f32>, sigma: [f64; 3]) -> Array3<f64> {
    let mut image = image.mapv(f64::from);
    for axis in 0..3 {
        let radius = (4.0 * sigma[axis] + 0.5) as i64;
        let weight = |k: i64| {
            if k == 0 { 1.0 } else { (-0.5 * (k as f64 / sigma[axis]).powi(2)).exp() }
        };
        let sum: f64 = (-radius..=radius).map(weight).sum();
        let n = image.shape()[axis] as i64;
        image = Array3::from_shape_fn(image.dim(), |(z, y, x)| {
            (-radius..=radius)
                .map(|k| {
                    let mut at = [z, y, x];
                    let p = (at[axis] as i64 + k).rem_euclid(2 * n);
                    at[axis] = p.min(2 * n - 1 - p) as usize;
                    weight(k) / sum * image[at]
                })
                .sum()
        });
    }
    image
}

#[test]
fn agrees_with_the_definition_whatever_the_axes() {
    let sigmas = [
        [2.0, 2.0, 2.0],
        [0.0, 1.5, 0.7],
        [1.0, 0.0, 2.0],
        [1.0, 1.0, 0.0],
        [0.0, 0.0, 3.0],
        [0.0; 3],
    ];
    for shape in [[6, 9, 70], [1, 20, 30], [3, 1, 130], [40, 5, 1]] {
        for sigma in sigmas {
            let image = image(shape, 5);
            let slow = slow_gaussian(&image, sigma).mapv(|v| v as f32);
            let fast = gaussian(image.view(), sigma);
            let difference = largest_difference(fast.as_slice().unwrap(), slow.as_slice().unwrap());
            assert!(difference < 1e-6, "{shape:?} {sigma:?}: {difference}");
        }
    }
}

#[test]
fn tiles_leave_no_seams() {
    // More than one tile along each axis.
    for (shape, sigma) in [([2, 300, 530], [0.5, 1.0, 0.5]), ([70, 5, 520], [2.0, 2.0, 1.0])] {
        let image = image(shape, 14);
        let slow = slow_gaussian(&image, sigma).mapv(|v| v as f32);
        let fast = gaussian(image.view(), sigma);
        let difference = largest_difference(fast.as_slice().unwrap(), slow.as_slice().unwrap());
        assert!(difference < 1e-6, "{shape:?} {sigma:?}: {difference}");
    }
}

#[test]
fn a_transposed_view_is_smoothed_as_its_copy() {
    let image = image([4, 5, 6], 6);
    let turned = image.t();
    assert_eq!(
        gaussian(turned, [1.0, 0.5, 2.0]),
        gaussian(turned.to_owned().view(), [1.0, 0.5, 2.0])
    );
}

#[test]
fn bits_do_not_depend_on_threads() {
    for (shape, sigma) in [([9, 70, 90], [1.0, 2.0, 3.0]), ([1, 150, 90], [0.0, 2.0, 1.0])] {
        let image = image(shape, 7);
        same_for_any_thread_count(|| gaussian(image.view(), sigma));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_constant_stays_and_a_mirrored_image_gives_the_mirrored_result(
        shape in (1_usize..8, 1_usize..20, 1_usize..150),
        sigma in prop::array::uniform3(0.0_f64..4.0),
        level in -1e4_f32..1e4,
        seed: u64,
    ) {
        let shape = [shape.0, shape.1, shape.2];
        let flat = gaussian(Array3::from_elem(shape, level).view(), sigma);
        prop_assert!(flat.iter().all(|v| (v - level).abs() <= 1e-6 * level.abs()));

        let image = image(shape, seed);
        let smooth = gaussian(image.view(), sigma);
        let mirrored = gaussian(image.slice(ndarray::s![..;-1, ..;-1, ..;-1]), sigma);
        let back = mirrored.slice(ndarray::s![..;-1, ..;-1, ..;-1]);
        prop_assert_eq!(smooth.view(), back);
    }

    #[test]
    fn axes_in_turn_equal_axes_together(sigma in prop::array::uniform3(0.3_f64..2.5), seed: u64) {
        let image = image([5, 12, 80], seed);
        let together = gaussian(image.view(), sigma);
        let mut in_turn = image;
        for axis in [2, 1, 0] {
            let mut one = [0.0; 3];
            one[axis] = sigma[axis];
            in_turn = gaussian(in_turn.view(), one);
        }
        let difference = largest_difference(together.as_slice().unwrap(), in_turn.as_slice().unwrap());
        prop_assert!(difference < 1e-6, "{}", difference);
    }

    #[test]
    fn kernels_sum_to_one(sigma in 0.0_f64..20.0) {
        let half = gaussian_half_kernel(sigma);
        let sum = f64::from(half[0]) + 2.0 * half[1..].iter().map(|&w| f64::from(w)).sum::<f64>();
        prop_assert!((sum - 1.0).abs() < 1e-6);
        prop_assert!(half.windows(2).all(|w| w[0] >= w[1]));
    }
}
