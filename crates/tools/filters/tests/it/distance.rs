use hooke_filters::distance::{distance_into, label_distance_into};
use proptest::prelude::*;

use crate::{noise, same_for_any_thread_count};

/// Looks at every voxel of another class, and at the nearest voxels beyond the ends.
fn slow(
    src: &[u8],
    shape: [usize; 3],
    sampling: [f64; 3],
    border: bool,
    differ: impl Fn(u8, u8) -> bool,
) -> Vec<f64> {
    let [_, h, w] = shape;
    let at = |i: usize| [i / (h * w), i / w % h, i % w];
    let distance = |i: usize| {
        if src[i] == 0 {
            return 0.0;
        }
        let to = |k: usize| {
            let (a, b) = (at(i), at(k));
            (0..3).map(|n| ((a[n].abs_diff(b[n])) as f64 * sampling[n]).powi(2)).sum::<f64>()
        };
        let mut least = (0..src.len())
            .filter(|&k| differ(src[i], src[k]))
            .map(to)
            .fold(f64::INFINITY, f64::min);
        for axis in (0..3).filter(|&a| border && shape[a] > 1) {
            let to_end = (at(i)[axis] + 1).min(shape[axis] - at(i)[axis]);
            least = least.min((to_end as f64 * sampling[axis]).powi(2));
        }
        least.sqrt()
    };
    (0..src.len()).map(distance).collect()
}

fn classes(shape: [usize; 3], seed: u64, threshold: f32) -> Vec<u8> {
    let value = |v: f32| if v > threshold { (v.abs() * 3.0) as u8 + 1 } else { 0 };
    noise(shape.iter().product(), seed).into_iter().map(value).collect()
}

fn agree(found: &[f32], wanted: &[f64]) -> bool {
    let close = |a: f64, b: f64| a == b || (a - b).abs() <= 2e-7 * b;
    found.iter().zip(wanted).all(|(&a, &b)| close(f64::from(a), b))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn distances_are_those_to_the_nearest_of_all_voxels(
        shape in prop_oneof![
            prop::array::uniform3(1_usize..9),
            (Just(1_usize), 1_usize..24, 1_usize..24).prop_map(|(z, y, x)| [z, y, x]),
        ],
        sampling in prop_oneof![Just([1.0; 3]), prop::array::uniform3(0.05_f64..20.0)],
        border in prop::bool::ANY,
        threshold in -1.0_f32..0.5,
        seed: u64,
    ) {
        let src = classes(shape, seed, threshold);
        let mut out = vec![7.0; src.len()];
        distance_into(&src, shape, sampling, border, &mut out);
        let wanted = slow(&src, shape, sampling, border, |_, b| b == 0);
        prop_assert!(agree(&out, &wanted), "{:?}\n{:?}", out, wanted);
        label_distance_into(&src, shape, sampling, border, &mut out);
        let wanted = slow(&src, shape, sampling, border, |a, b| a != b);
        prop_assert!(agree(&out, &wanted), "{:?}\n{:?}", out, wanted);
    }
}

#[test]
fn whole_numbers_are_exact() {
    // One background voxel in a corner: squares up to 60² + 50² + 40².
    let shape = [41, 51, 61];
    let mut src = vec![true; shape.iter().product()];
    src[0] = false;
    let mut out = vec![0.0; src.len()];
    distance_into(&src, shape, [1.0; 3], false, &mut out);
    for (i, &found) in out.iter().enumerate() {
        let [z, y, x] = [i / (51 * 61), i / 61 % 51, i % 61];
        assert_eq!(found, ((z * z + y * y + x * x) as f32).sqrt());
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let shape = [5, 70, 90];
    let src = classes(shape, 3, -0.9);
    same_for_any_thread_count(|| {
        let mut out = vec![0.0; src.len()];
        label_distance_into(&src, shape, [2.5, 0.7, 0.7], true, &mut out);
        out
    });
}

#[test]
fn nothing_and_no_background() {
    distance_into::<u8>(&[], [0, 4, 4], [1.0; 3], true, &mut []);
    let mut out = [0.0; 4];
    distance_into(&[1_u8; 4], [1, 2, 2], [1.0; 3], false, &mut out);
    assert_eq!(out, [f32::INFINITY; 4]);
    distance_into(&[1_u8; 4], [1, 2, 2], [1.0; 3], true, &mut out);
    assert_eq!(out, [1.0; 4]);
    // One voxel has no border along any axis.
    distance_into(&[1_u8], [1, 1, 1], [1.0; 3], true, &mut out[..1]);
    assert_eq!(out[0], f32::INFINITY);
    distance_into(&[0_u8; 4], [1, 4, 1], [1.0; 3], false, &mut out);
    assert_eq!(out, [0.0; 4]);
}
