use hooke_filters::integral::IntegralTable;
use hooke_filters::project::{
    maximum_projection_into, mean_projection_into, minimum_projection_into,
};
use proptest::prelude::*;

use crate::{noise, same_for_any_thread_count};

#[test]
fn bits_do_not_depend_on_threads() {
    let shape = [5, 60, 300];
    let src = noise(shape.iter().product(), 13);
    same_for_any_thread_count(|| {
        let mut mean = vec![0.0; 5 * 300];
        mean_projection_into(&src, shape, 1, &mut mean);
        (mean, IntegralTable::new(&src, shape).sum([1, 2, 3], [4, 50, 299]))
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn projections_agree_with_each_line(
        shape in prop::array::uniform3(1_usize..9),
        axis in 0_usize..3,
        seed: u64,
    ) {
        let src = noise(shape.iter().product(), seed);
        let levels: Vec<u16> = src.iter().map(|v| ((v + 1.0) * 1000.0) as u16).collect();
        let stride: usize = shape[axis + 1..].iter().product();
        let len = src.len() / shape[axis];
        let (mut highest, mut lowest, mut mean) = (vec![0; len], vec![0.0; len], vec![0.0; len]);
        maximum_projection_into(&levels, shape, axis, &mut highest);
        minimum_projection_into(&src, shape, axis, &mut lowest);
        mean_projection_into(&levels, shape, axis, &mut mean);
        for i in 0..len {
            let start = i / stride * stride * shape[axis] + i % stride;
            let line: Vec<usize> = (0..shape[axis]).map(|k| start + k * stride).collect();
            prop_assert_eq!(Some(highest[i]), line.iter().map(|&k| levels[k]).max());
            prop_assert_eq!(lowest[i], line.iter().map(|&k| src[k]).fold(f32::MAX, f32::min));
            let sum: f64 = line.iter().map(|&k| f64::from(levels[k])).sum();
            prop_assert!((f64::from(mean[i]) - sum / line.len() as f64).abs() < 1e-3);
        }
    }

    #[test]
    fn box_sums_agree_with_adding_up(
        shape in prop::array::uniform3(1_usize..9),
        corners in prop::array::uniform6(0.0_f64..1.0),
        seed: u64,
    ) {
        let src = noise(shape.iter().product(), seed);
        let corner = |a: usize, f: f64| (f * (shape[a] + 1) as f64) as usize;
        let low: [usize; 3] = std::array::from_fn(|a| corner(a, corners[a].min(corners[a + 3])));
        let high: [usize; 3] = std::array::from_fn(|a| corner(a, corners[a].max(corners[a + 3])));
        let (mut sum, mut squares) = (0.0, 0.0);
        for z in low[0]..high[0] {
            for y in low[1]..high[1] {
                for x in low[2]..high[2] {
                    let value = f64::from(src[(z * shape[1] + y) * shape[2] + x]);
                    sum += value;
                    squares += value * value;
                }
            }
        }
        prop_assert!((IntegralTable::new(&src, shape).sum(low, high) - sum).abs() < 1e-10);
        prop_assert!((IntegralTable::of_squares(&src, shape).sum(low, high) - squares).abs() < 1e-10);
    }
}
