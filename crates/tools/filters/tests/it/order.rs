use hooke_filters::Border;
use hooke_filters::order::{
    MedianPixel, histogram_u16, median, median_along_z_into, median_filter_3x3_into,
    median_filter_3x3x3_into, median_filter_5x5_into, quantile, running_maximum_into,
    running_minimum_into,
};
use proptest::prelude::*;

use crate::{noise, same_for_any_thread_count};

type Filter<T> = fn(&[T], [usize; 3], &mut [T]);

fn slow_median_filter<T: MedianPixel>(src: &[T], shape: [usize; 3], radius: [isize; 3]) -> Vec<T> {
    let [d, h, w] = shape;
    (0..src.len())
        .map(|i| {
            let at = [i / (h * w), i / w % h, i % w];
            let mut window = Vec::new();
            for z in -radius[0]..=radius[0] {
                for y in -radius[1]..=radius[1] {
                    for x in -radius[2]..=radius[2] {
                        let inside =
                            |a: usize, k: isize, n| Border::Reflect.index(at[a] as isize + k, n);
                        let (z, y, x) = (inside(0, z, d), inside(1, y, h), inside(2, x, w));
                        window.push(src[(z * h + y) * w + x]);
                    }
                }
            }
            window.sort_by(|a, b| a.partial_cmp(b).unwrap());
            window[window.len() / 2]
        })
        .collect()
}

fn check_median_filters<T: MedianPixel + std::fmt::Debug>(convert: impl Fn(f32) -> T) {
    for shape in [[1, 1, 1], [3, 4, 5], [2, 35, 31], [1, 3, 100], [4, 1, 33]] {
        let src: Vec<T> = noise(shape.iter().product(), 11).into_iter().map(&convert).collect();
        let filters: [(Filter<T>, [isize; 3]); 3] = [
            (median_filter_3x3_into, [0, 1, 1]),
            (median_filter_5x5_into, [0, 2, 2]),
            (median_filter_3x3x3_into, [1, 1, 1]),
        ];
        for (filter, radius) in filters {
            let mut out = vec![T::default(); src.len()];
            filter(&src, shape, &mut out);
            assert_eq!(out, slow_median_filter(&src, shape, radius), "{shape:?} {radius:?}");
        }
    }
}

#[test]
fn median_filters_agree_with_sorting_each_window() {
    check_median_filters(|v| v);
    check_median_filters(|v| ((v + 1.0) * 30_000.0) as u16);
    // Few levels: many ties.
    check_median_filters(|v| ((v + 1.0) * 3.0) as u8);
}

#[test]
fn bits_do_not_depend_on_threads() {
    let shape = [3, 70, 90];
    let src = noise(shape.iter().product(), 12);
    same_for_any_thread_count(|| {
        let mut filtered = vec![0.0; src.len()];
        median_filter_3x3x3_into(&src, shape, &mut filtered);
        let mut lowest = vec![0.0; src.len()];
        running_minimum_into(&src, shape, 1, 7, &mut lowest);
        let mut middle = vec![0.0; 70 * 90];
        median_along_z_into(&src, 3, &mut middle);
        (filtered, lowest, middle)
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn stack_medians_are_the_medians_of_each_column(depth in 1_usize..40, plane in 1_usize..150, seed: u64) {
        let stack = noise(depth * plane, seed);
        let mut out = vec![0.0; plane];
        median_along_z_into(&stack, depth, &mut out);
        for (i, found) in out.iter().enumerate() {
            let mut column: Vec<f32> = (0..depth).map(|z| stack[z * plane + i]).collect();
            let wanted = median(&mut column).unwrap();
            prop_assert!((found - wanted).abs() <= f32::EPSILON, "{found} {wanted}");
        }
    }

    #[test]
    fn quantiles_interpolate_the_sorted_list(len in 1_usize..60, q in 0.0_f64..=1.0, seed: u64) {
        let mut values = noise(len, seed);
        let found = quantile(&mut values, q).unwrap();
        values.sort_by(f32::total_cmp);
        let position = q * (len - 1) as f64;
        let (low, high) = (values[position.floor() as usize], values[position.ceil() as usize]);
        let wanted = f64::from(low) + f64::from(high - low) * position.fract();
        prop_assert!((f64::from(found) - wanted).abs() < 1e-6);
        prop_assert!(low <= found && found <= high);
    }

    #[test]
    fn histogram_percentiles_are_those_of_the_sorted_list(
        values in proptest::collection::vec(0_u16..50, 1..200),
        q in 0.0_f64..=1.0,
    ) {
        let histogram = histogram_u16(&values);
        prop_assert_eq!(histogram.total(), values.len() as u64);
        let mut sorted = values;
        sorted.sort_unstable();
        let rank = ((q * sorted.len() as f64).ceil() as usize).max(1);
        prop_assert_eq!(histogram.percentile(q), Some(usize::from(sorted[rank - 1])));
    }

    #[test]
    fn running_extremes_agree_with_each_window(
        shape in prop::array::uniform3(1_usize..14),
        axis in 0_usize..3,
        window in 1_usize..20,
        wide in prop::bool::ANY,
        seed: u64,
    ) {
        let mut shape = shape;
        if wide {
            shape[2] *= 12;
        }
        let src = noise(shape.iter().product(), seed);
        let (mut lowest, mut highest) = (vec![0.0; src.len()], vec![0.0; src.len()]);
        running_minimum_into(&src, shape, axis, window, &mut lowest);
        running_maximum_into(&src, shape, axis, window, &mut highest);
        let stride: usize = shape[axis + 1..].iter().product();
        for i in 0..src.len() {
            let at = i / stride % shape[axis];
            let first = at.saturating_sub(window / 2);
            let end = (at + window - window / 2).min(shape[axis]);
            let line = (first..end).map(|k| src[i - at * stride + k * stride]);
            prop_assert_eq!(lowest[i], line.clone().fold(f32::INFINITY, f32::min));
            prop_assert_eq!(highest[i], line.fold(f32::NEG_INFINITY, f32::max));
        }
    }
}
