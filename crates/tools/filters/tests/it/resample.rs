use hooke_filters::Border;
use hooke_filters::resample::{
    SplineSamples, bin_mean_into, binned_shape, shift_cubic_into, shift_linear_into,
    spline_coefficients_into, spline_sample_into, spline_samples_into,
};
use proptest::prelude::*;

use crate::{largest_difference, noise, same_for_any_thread_count};

fn pixel(src: &[f32], shape: [usize; 3], at: [isize; 3], border: Border) -> f64 {
    let [z, y, x] = std::array::from_fn(|a| border.index(at[a], shape[a]));
    f64::from(src[(z * shape[1] + y) * shape[2] + x])
}

/// Sum over all pixels near a position of the product of `kernel` at their distances, in `f64`.
fn slow_sample(
    src: &[f32],
    shape: [usize; 3],
    at: [f64; 3],
    border: Border,
    kernel: impl Fn(f64) -> f64,
) -> f64 {
    let near = at.map(|p| p.floor() as isize - 2);
    let mut sum = 0.0;
    for i in 0..216 {
        let p = [near[0] + i / 36, near[1] + i / 6 % 6, near[2] + i % 6];
        let weight: f64 = (0..3).map(|a| kernel(at[a] - p[a] as f64)).product();
        sum += weight * pixel(src, shape, p, border);
    }
    sum
}

fn triangle(d: f64) -> f64 {
    (1.0 - d.abs()).max(0.0)
}

fn keys(d: f64) -> f64 {
    let d = d.abs();
    match d {
        _ if d < 1.0 => 1.5 * d.powi(3) - 2.5 * d.powi(2) + 1.0,
        _ if d < 2.0 => -0.5 * d.powi(3) + 2.5 * d.powi(2) - 4.0 * d + 2.0,
        _ => 0.0,
    }
}

fn b_spline(d: f64) -> f64 {
    let d = d.abs();
    match d {
        _ if d < 1.0 => 2.0 / 3.0 - d.powi(2) + d.powi(3) / 2.0,
        _ if d < 2.0 => (2.0 - d).powi(3) / 6.0,
        _ => 0.0,
    }
}

fn positions(origin: [f64; 3], shape: [usize; 3]) -> impl Iterator<Item = [f64; 3]> {
    let [_, h, w] = shape;
    (0..shape.iter().product()).map(move |i: usize| {
        let p = [i / (h * w), i / w % h, i % w];
        std::array::from_fn(|a| origin[a] + p[a] as f64)
    })
}

fn coefficients(src: &[f32], shape: [usize; 3]) -> Vec<f32> {
    let mut out = vec![0.0; src.len()];
    spline_coefficients_into(src, shape, &mut out);
    out
}

struct Samples {
    value: Vec<f32>,
    gradient: [Vec<f32>; 3],
}

fn samples(spline: &[f32], shape: [usize; 3], origin: [f64; 3], out_shape: [usize; 3]) -> Samples {
    let new = || vec![0.0; out_shape.iter().product()];
    let (mut value, mut dz, mut dy, mut dx) = (new(), new(), new(), new());
    let out = SplineSamples { value: &mut value, dz: &mut dz, dy: &mut dy, dx: &mut dx };
    spline_samples_into(spline, shape, origin, out, out_shape);
    Samples { value, gradient: [dz, dy, dx] }
}

const SHAPES: [([usize; 3], [usize; 3]); 4] = [
    ([5, 6, 7], [5, 6, 7]),
    ([1, 9, 40], [1, 5, 33]),
    ([4, 3, 2], [3, 70, 4]),
    ([2, 1, 5], [6, 2, 9]),
];

#[test]
fn regions_agree_with_the_kernels_definition() {
    let origins = [
        [0.0, 0.0, 0.0],
        [0.25, -0.75, 1.5],
        [-3.0, 2.125, -4.5],
        [1.0, 0.0, 7.75],
        [-40.5, 20.0, 90.25],
    ];
    for (shape, out_shape) in SHAPES {
        let src = noise(shape.iter().product(), 8);
        for origin in origins {
            let mut out = vec![0.0; out_shape.iter().product()];
            let compare = |out: &[f32], border, kernel: fn(f64) -> f64, name: &str| {
                for (found, at) in out.iter().zip(positions(origin, out_shape)) {
                    let wanted = slow_sample(&src, shape, at, border, kernel);
                    assert!(
                        (f64::from(*found) - wanted).abs() < 2e-6,
                        "{name} {shape:?} at {at:?}: {found}, {wanted}"
                    );
                }
            };
            shift_linear_into(&src, shape, origin, &mut out, out_shape);
            compare(&out, Border::Nearest, triangle, "linear");
            shift_cubic_into(&src, shape, origin, &mut out, out_shape);
            compare(&out, Border::Nearest, keys, "cubic");
            spline_sample_into(&src, shape, origin, &mut out, out_shape);
            compare(&out, Border::Mirror, b_spline, "spline");
        }
    }
}

#[test]
fn values_with_gradients_are_the_values_alone_and_derivatives_their_differences() {
    const STEP: f64 = 1.0 / 128.0;
    for (shape, out_shape) in SHAPES {
        let spline = coefficients(&noise(shape.iter().product(), 9), shape);
        for origin in [[0.5, 0.25, 0.375], [-1.25, 0.5, 2.75]] {
            let found = samples(&spline, shape, origin, out_shape);
            let mut alone = found.value.clone();
            spline_sample_into(&spline, shape, origin, &mut alone, out_shape);
            assert_eq!(found.value, alone);
            for axis in 0..3 {
                for (derivative, at) in
                    found.gradient[axis].iter().zip(positions(origin, out_shape))
                {
                    let sample = |step: f64| {
                        let mut at = at;
                        at[axis] += step;
                        slow_sample(&spline, shape, at, Border::Mirror, b_spline)
                    };
                    let difference = (sample(STEP) - sample(-STEP)) / (2.0 * STEP);
                    let error = (f64::from(*derivative) - difference).abs();
                    // A central difference of a cubic is off by the third derivative h^2 / 6.
                    assert!(
                        error < 1e-3,
                        "{shape:?} axis {axis} at {at:?}: {derivative}, {difference}"
                    );
                }
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let (shape, out_shape) = ([6, 140, 50], [5, 135, 47]);
    let src = noise(shape.iter().product(), 10);
    same_for_any_thread_count(|| {
        let spline = coefficients(&src, shape);
        let found = samples(&spline, shape, [0.25, 1.5, -0.75], out_shape);
        let mut cubic = found.value.clone();
        shift_cubic_into(&src, shape, [0.5, 0.25, 0.125], &mut cubic, out_shape);
        (found.value, found.gradient, cubic)
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whole_shifts_copy_pixels(
        shape in prop::array::uniform3(1_usize..9),
        offset in prop::array::uniform3(-5_i32..6),
        seed: u64,
    ) {
        let src = noise(shape.iter().product(), seed);
        let origin = offset.map(f64::from);
        let expected = |border| -> Vec<f32> {
            positions(origin, shape)
                .map(|at| pixel(&src, shape, at.map(|p| p as isize), border) as f32)
                .collect()
        };
        let mut out = vec![0.0; src.len()];
        shift_linear_into(&src, shape, origin, &mut out, shape);
        prop_assert_eq!(&out, &expected(Border::Nearest));
        shift_cubic_into(&src, shape, origin, &mut out, shape);
        prop_assert_eq!(&out, &expected(Border::Nearest));
        let spline = coefficients(&src, shape);
        spline_sample_into(&spline, shape, origin, &mut out, shape);
        prop_assert!(largest_difference(&out, &expected(Border::Mirror)) < 4e-6);
    }

    #[test]
    fn bins_are_means_of_their_blocks(
        shape in prop::array::uniform3(1_usize..12),
        factors in prop::array::uniform3(1_usize..6),
        seed: u64,
    ) {
        let src = noise(shape.iter().product(), seed);
        let binned = binned_shape(shape, factors);
        let mut out = vec![f32::NAN; binned.iter().product()];
        bin_mean_into(&src, shape, factors, &mut out);
        for (found, first) in out.iter().zip(positions([0.0; 3], binned)) {
            let [z, y, x]: [usize; 3] = std::array::from_fn(|a| first[a] as usize * factors[a]);
            let mut sum = 0.0;
            for z in z..z + factors[0] {
                for y in y..y + factors[1] {
                    let row = &src[(z * shape[1] + y) * shape[2]..][..shape[2]];
                    sum += row[x..x + factors[2]].iter().map(|&v| f64::from(v)).sum::<f64>();
                }
            }
            let mean = sum / factors.iter().product::<usize>() as f64;
            prop_assert!((f64::from(*found) - mean).abs() < 1e-6);
        }
    }
}
