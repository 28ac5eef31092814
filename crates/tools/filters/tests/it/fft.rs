use std::f64::consts::TAU;

use hooke_filters::fft::{Complex32, RealFft, next_fast_size};
use proptest::prelude::*;

use crate::{largest_difference, noise, same_for_any_thread_count};

fn spectrum_of(src: &[f32], shape: &[usize]) -> Vec<Complex32> {
    let fft = RealFft::new(shape);
    let mut spectrum = vec![Complex32::default(); fft.spectrum_len()];
    fft.forward(src, &mut spectrum);
    spectrum
}

fn three(shape: &[usize]) -> [usize; 3] {
    let mut three = [1; 3];
    three[3 - shape.len()..].copy_from_slice(shape);
    three
}

/// The sum that defines the transform, one output at a time in `f64`.
fn defining_sum(src: &[f32], shape: &[usize]) -> Vec<(f64, f64)> {
    let [d, h, w] = three(shape);
    let mut out = Vec::new();
    for (kz, ky, kx) in
        (0..d).flat_map(|z| (0..h).flat_map(move |y| (0..w / 2 + 1).map(move |x| (z, y, x))))
    {
        let mut sum = (0.0, 0.0);
        for (i, &value) in src.iter().enumerate() {
            let (z, y, x) = (i / (h * w), i / w % h, i % w);
            let turns = (kz * z % d) as f64 / d as f64
                + (ky * y % h) as f64 / h as f64
                + (kx * x % w) as f64 / w as f64;
            sum.0 += f64::from(value) * (TAU * turns).cos();
            sum.1 -= f64::from(value) * (TAU * turns).sin();
        }
        out.push(sum);
    }
    out
}

#[test]
fn agrees_with_the_defining_sum_on_awkward_shapes() {
    let shapes: [&[usize]; 18] = [
        &[1],
        &[2],
        &[7],
        &[12],
        &[5, 1],
        &[1, 6],
        &[4, 7],
        &[13, 10],
        &[6, 17],
        &[1, 1, 1],
        &[3, 1, 1],
        &[3, 5, 1],
        &[2, 3, 4],
        &[5, 3, 7],
        &[1, 9, 4],
        &[7, 1, 6],
        &[4, 6, 33],
        &[30, 2, 25],
    ];
    for shape in shapes {
        let src = noise(shape.iter().product(), 1);
        let spectrum = spectrum_of(&src, shape);
        let expected = defining_sum(&src, shape);
        assert_eq!(spectrum.len(), expected.len(), "{shape:?}");
        let tolerance = 1e-6 * (src.len() as f64).sqrt() * 3.0;
        for (i, (a, b)) in spectrum.iter().zip(&expected).enumerate() {
            let error = (f64::from(a.re) - b.0).hypot(f64::from(a.im) - b.1);
            assert!(error < tolerance, "{shape:?}, entry {i}: {a} and {b:?}");
        }
    }
}

/// Transforms along one axis after the other in `f64`: quick enough for larger shapes.
fn axis_by_axis(src: &[f32], shape: [usize; 3]) -> Vec<(f64, f64)> {
    let mut values: Vec<(f64, f64)> = src.iter().map(|&v| (f64::from(v), 0.0)).collect();
    for axis in 0..3 {
        let (n, stride) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
        let roots: Vec<(f64, f64)> =
            (0..n).map(|k| (-TAU * k as f64 / n as f64).sin_cos()).map(|(s, c)| (c, s)).collect();
        values = (0..values.len())
            .map(|i| {
                let k = i / stride % n;
                let first = i - k * stride;
                (0..n).fold((0.0, 0.0), |sum, t| {
                    let (v, w) = (values[first + t * stride], roots[k * t % n]);
                    (sum.0 + v.0 * w.0 - v.1 * w.1, sum.1 + v.0 * w.1 + v.1 * w.0)
                })
            })
            .collect();
    }
    let half = shape[2] / 2 + 1;
    values.chunks(shape[2]).flat_map(|line| line[..half].to_vec()).collect()
}

#[test]
fn agrees_with_the_definition_on_many_lines_and_columns() {
    // All radices, full and partial groups of lanes, several tasks, and lengths with other factors.
    let shapes = [
        [1, 40, 300],
        [1, 64, 270],
        [1, 45, 512],
        [3, 18, 360],
        [20, 9, 64],
        [1, 77, 40],
        [1, 30, 74],
        [8, 16, 16],
    ];
    for shape in shapes {
        let src = noise(shape.iter().product(), 15);
        let spectrum = spectrum_of(&src, &shape);
        let tolerance = 1e-6 * (src.len() as f64).sqrt();
        for (i, (a, b)) in spectrum.iter().zip(axis_by_axis(&src, shape)).enumerate() {
            let error = (f64::from(a.re) - b.0).hypot(f64::from(a.im) - b.1);
            assert!(error < tolerance, "{shape:?}, entry {i}: {a} and {b:?}");
        }
        let mut back = vec![0.0; src.len()];
        RealFft::new(&shape).inverse(&mut spectrum.clone(), &mut back);
        assert!(largest_difference(&src, &back) < 2e-6, "{shape:?}");
    }
}

#[test]
fn padded_transform_equals_that_of_the_padded_array() {
    for (small, large) in
        [([3, 5, 7], [6, 11, 16]), ([1, 4, 4], [3, 4, 9]), ([5, 40, 3], [8, 70, 36])]
    {
        let src = noise(small.iter().product(), 2);
        let mut padded = vec![0.0; large.iter().product()];
        for (i, line) in src.chunks(small[2]).enumerate() {
            let (z, y) = (i / small[1], i % small[1]);
            let at = (z * large[1] + y) * large[2];
            padded[at..at + small[2]].copy_from_slice(line);
        }
        let fft = RealFft::new(&large);
        // Whatever the buffer held before must not matter.
        let mut spectrum = vec![Complex32::new(f32::NAN, 1.0); fft.spectrum_len()];
        fft.forward_padded(&src, &small, &mut spectrum);
        assert_eq!(spectrum, spectrum_of(&padded, &large));
    }
}

#[test]
fn centred_inverse_is_the_wrapped_window_of_the_whole() {
    for (shape, reach) in
        [([7, 10, 36], [3, 2, 5]), ([1, 40, 9], [0, 19, 4]), ([4, 6, 8], [0, 0, 0])]
    {
        let fft = RealFft::new(&shape);
        let spectrum = spectrum_of(&noise(shape.iter().product(), 3), &shape);
        let mut whole = vec![0.0; fft.real_len()];
        fft.inverse(&mut spectrum.clone(), &mut whole);
        let sides = reach.map(|r| 2 * r + 1);
        let mut window = vec![0.0; sides.iter().product()];
        fft.inverse_centred(&mut spectrum.clone(), &reach, &mut window);
        for (i, value) in window.iter().enumerate() {
            let at = [i / (sides[1] * sides[2]), i / sides[2] % sides[1], i % sides[2]];
            let from: [usize; 3] =
                std::array::from_fn(|a| (at[a] + shape[a] - reach[a]) % shape[a]);
            assert_eq!(*value, whole[(from[0] * shape[1] + from[1]) * shape[2] + from[2]]);
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    for shape in [[1, 130, 60], [9, 33, 150]] {
        let src = noise(shape.iter().product(), 4);
        same_for_any_thread_count(|| {
            let spectrum = spectrum_of(&src, &shape);
            let mut back = vec![0.0; src.len()];
            RealFft::new(&shape).inverse(&mut spectrum.clone(), &mut back);
            (spectrum, back)
        });
    }
}

#[test]
fn a_column_of_length_two_to_the_nine_is_exact_on_an_impulse() {
    // Impulse at row 1: entry (ky, kx) is exp(-2 pi i ky / 512) for every kx.
    let mut src = vec![0.0; 512 * 20];
    src[20] = 1.0;
    let spectrum = spectrum_of(&src, &[512, 20]);
    for (i, value) in spectrum.iter().enumerate() {
        let angle = TAU * (i / 11) as f64 / 512.0;
        let error = (f64::from(value.re) - angle.cos()).hypot(f64::from(value.im) + angle.sin());
        assert!(error < 5e-7, "row {}: {value}", i / 11);
    }
}

fn has_no_prime_factor_above_5(mut n: usize) -> bool {
    for prime in [2, 3, 5] {
        while n.is_multiple_of(prime) {
            n /= prime;
        }
    }
    n == 1
}

#[test]
fn fast_sizes_are_the_next_products_of_2_3_and_5() {
    let mut expected = 6000; // 2^4 3 5^3
    for least in (1..=6000).rev() {
        if has_no_prime_factor_above_5(least) {
            expected = least;
        }
        assert_eq!(next_fast_size(least), expected, "{least}");
    }
    assert_eq!(next_fast_size(0), 1);
    assert_eq!(next_fast_size((1 << 62) + 1) % 5, 0, "there are lengths between powers of two");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_fast_size_is_close_and_its_own_next(least in 1_usize..1 << 40) {
        let size = next_fast_size(least);
        prop_assert!(has_no_prime_factor_above_5(size) && size >= least);
        let percent = if least < 1000 { 16 } else { 7 };
        prop_assert!(100 * (size - least) <= percent * least);
        prop_assert_eq!(next_fast_size(size), size);
        let even = 2 * next_fast_size(least.div_ceil(2));
        prop_assert!(even >= size && (even == size || size % 2 == 1));
    }

    #[test]
    fn inverse_undoes_forward_and_energy_is_kept(
        shape in proptest::collection::vec(1_usize..40, 1..4),
        seed: u64,
    ) {
        let src = noise(shape.iter().product(), seed);
        let fft = RealFft::new(&shape);
        let mut spectrum = spectrum_of(&src, &shape);

        // Parseval: entries between the first and the middle column stand for two.
        let width = shape[shape.len() - 1];
        let half = width / 2 + 1;
        let energy: f64 = spectrum
            .iter()
            .enumerate()
            .map(|(i, v)| {
                let own_mirror = i % half == 0 || 2 * (i % half) == width;
                f64::from(v.norm_sqr()) * if own_mirror { 1.0 } else { 2.0 }
            })
            .sum();
        let expected: f64 = src.iter().map(|v| f64::from(v * v)).sum::<f64>() * src.len() as f64;
        prop_assert!((energy - expected).abs() <= 1e-5 * expected, "{energy} and {expected}");

        let mut back = vec![0.0; src.len()];
        fft.inverse(&mut spectrum, &mut back);
        prop_assert!(largest_difference(&src, &back) < 2e-6);
    }
}
