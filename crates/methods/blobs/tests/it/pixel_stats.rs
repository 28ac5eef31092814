//! Statistics of voxels: shared answers, closed forms, and what must not show.

use hooke_blobs::pixel_stats::*;
use hooke_core::seed::rng_at;
use hooke_core::{Dtype, Sample};
use hooke_testdata::read_npz;
use ndarray::Array3;
use proptest::prelude::*;
use rand::RngExt;
use serde_json::Value;

use crate::kit::*;

fn stats<T: Sample>(a: &[T], b: &[T], threshold: Threshold) -> PixelStats {
    pixel_stats(a, b, None, &threshold, Sampling::default()).unwrap()
}

fn cast<T: Sample>(values: &[f64]) -> Vec<T> {
    values.iter().map(|v| T::from_f64(*v)).collect()
}

#[test]
fn the_shared_answers_are_met() {
    let Some(cases) = answers("pixel_stats.json") else { return };
    let arrays = read_npz(&conformance().unwrap().join("pixel_stats.npz")).unwrap();
    for case in cases.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let [a, b] = ["a", "b"].map(|side| &arrays[&format!("{name}_{side}")].values);
        let threshold =
            Threshold::Values(["threshold1", "threshold2"].map(|key| case[key].as_f64().unwrap()));
        let found = match case["dtype"].as_str().unwrap() {
            "uint8" => stats::<u8>(&cast(a), &cast(b), threshold),
            "uint16" => stats::<u16>(&cast(a), &cast(b), threshold),
            _ => stats::<f32>(&cast(a), &cast(b), threshold),
        };
        let found = serde_json::to_value(found).unwrap();
        let mut compared = 0;
        for (key, wanted) in case.as_object().unwrap() {
            let Some(found) = found.get(key) else { continue };
            compared += 1;
            let is_close = match (found, wanted) {
                (Value::Null, Value::Null) => true,
                (found, wanted) => {
                    let (found, wanted) = (found.as_f64(), wanted.as_f64());
                    found
                        .zip(wanted)
                        .is_some_and(|(f, w)| (f - w).abs() <= 1e-9 * w.abs().max(1e-3))
                }
            };
            assert!(is_close, "{name} {key}: {found} {wanted}");
        }
        assert_eq!(compared, 23, "{name}");
    }
}

/// Pairs of a bivariate normal distribution.
fn normal(seed: u64, n: usize, rho: f64) -> (Vec<f32>, Vec<f32>) {
    let mut rng = rng_at(seed, "bivariate normal", &[]);
    let pair = |_| {
        // Box & Muller.
        let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * rng.random::<f64>()).sin_cos();
        let (x, y) = (radius * sin, radius * cos);
        ((100.0 + 10.0 * x) as f32, (50.0 + 3.0 * (rho * x + (1.0 - rho * rho).sqrt() * y)) as f32)
    };
    (0..n).map(pair).unzip()
}

#[test]
fn normal_images_have_the_correlations_of_theory() {
    for (seed, rho) in [(1, 0.7f64), (2, -0.4), (3, 0.0)] {
        let n = 40_000;
        let (a, b) = normal(seed, n, rho);
        let found = stats(&a, &b, Threshold::default());
        let near = |found: Option<f64>, wanted: f64| {
            // Standard errors are at most 1 / sqrt(n).
            assert!(
                (found.unwrap() - wanted).abs() < 4.0 / (n as f64).sqrt(),
                "{found:?} {wanted}"
            );
        };
        use std::f64::consts::PI;
        near(found.pearson, rho);
        near(found.spearman, 6.0 / PI * (rho / 2.0).asin());
        near(found.kendall, 2.0 / PI * rho.asin());
        near(found.icq, rho.asin() / PI);
    }
}

#[test]
fn rounding_to_integers_hardly_shows_and_types_agree_exactly() {
    let (a, b) = normal(4, 5000, 0.6);
    let whole = |v: &[f32]| -> Vec<f64> { v.iter().map(|v| f64::from(v.round())).collect() };
    let (a, b) = (whole(&a), whole(&b));
    let threshold = Threshold::Values([100.0, 50.0]);
    let by_u8 = stats::<u8>(&cast(&a), &cast(&b), threshold);
    assert_eq!(by_u8, stats::<u16>(&cast(&a), &cast(&b), threshold));
    assert_eq!(by_u8, stats::<i16>(&cast(&a), &cast(&b), threshold));
    assert_eq!(by_u8, stats::<f32>(&cast(&a), &cast(&b), threshold));
    assert_eq!(by_u8, stats::<i64>(&cast(&a), &cast(&b), threshold));
}

#[test]
fn the_other_channel_selects_and_channels_may_be_swapped() {
    // Two of the three pixels of a lie on b; a is 60 there of 100, b is 7 of 16 on a.
    let (a, b) = ([40u16, 20, 40, 0, 0, 0], [0u16, 3, 4, 2, 7, 0]);
    let found = stats(&a, &b, Threshold::default());
    assert_eq!((found.m1, found.m2), (Some(0.6), Some(7.0 / 16.0)));
    let found = stats(&a, &b, Threshold::Values([30.0, 2.0]));
    assert_eq!((found.m1, found.m2), (Some(0.6), Some(0.25)));
    assert_eq!((found.tm1, found.tm2), (Some(0.5), Some(4.0 / 14.0)));
    assert_eq!((found.overlap1, found.overlap2), (Some(0.5), Some(1.0 / 3.0)));
    let (a, b) = normal(5, 4000, 0.5);
    let (one, two) = (
        stats(&a, &b, Threshold::Values([95.0, 52.0])),
        stats(&b, &a, Threshold::Values([52.0, 95.0])),
    );
    let pairs = [
        (one.m1, two.m2),
        (one.m2, two.m1),
        (one.tm1, two.tm2),
        (one.overlap2, two.overlap1),
        (one.rwc1, two.rwc2),
        (one.k1, two.k2),
        (one.threshold1, two.threshold2),
        (one.kendall, two.kendall),
        (one.spearman, two.spearman),
        (one.pearson, two.pearson),
        (one.icq, two.icq),
        (one.slope, two.slope.map(|m| 1.0 / m)),
    ];
    for (i, (one, two)) in pairs.into_iter().enumerate() {
        assert!(close(one.unwrap(), two.unwrap(), 1e-9), "{i}: {one:?} {two:?}");
    }
    assert!((one.m1.unwrap() - one.m2.unwrap()).abs() > 0.01, "the set is asymmetric");
}

/// Costes' thresholds by looking at every voxel for every level; `None` where a decision hangs on rounding.
fn scan(a: &[f64], b: &[f64], line: (f64, f64)) -> Option<f64> {
    let mut levels = a.to_vec();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    for t in levels.iter().rev() {
        let below: Vec<(f64, f64)> = a
            .iter()
            .zip(b)
            .filter(|(a, b)| **a < *t || **b < line.0 * t + line.1)
            .map(|(a, b)| (*a, *b))
            .collect();
        let n = below.len() as f64;
        let mean = |f: fn(&(f64, f64)) -> f64| below.iter().map(f).sum::<f64>() / n;
        let (ma, mb) = (mean(|p| p.0), mean(|p| p.1));
        let covariance: f64 = below.iter().map(|(a, b)| (a - ma) * (b - mb)).sum::<f64>() / n;
        if below.len() < 3 || covariance <= 1e-9 {
            return (below.len() < 3 || covariance < -1e-9).then_some(*t);
        }
    }
    levels.first().copied()
}

#[test]
fn the_histogram_finds_costes_thresholds_as_a_plain_scan_does() {
    let mut compared = 0;
    for seed in 0..60 {
        let mut rng = rng_at(seed, "costes images", &[]);
        let n = 300;
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for i in 0..n {
            let common = if i % 3 == 0 { f64::from(rng.random_range(0..60)) } else { 0.0 };
            a.push(5.0 + common + f64::from(rng.random_range(0..12)));
            b.push((0.5 * common).round() + f64::from(rng.random_range(0..9)));
        }
        let floats: Vec<f64> = a.iter().map(|v| v + 0.25 * rng.random::<f64>()).collect();
        let by_integers = stats::<u16>(&cast(&a), &cast(&b), Threshold::Costes);
        let by_reals = stats::<f64>(&floats, &b, Threshold::Costes);
        for (values, found) in [(&a, by_integers), (&floats, by_reals)] {
            let Some(slope) = found.slope else { continue };
            let mean = |v: &[f64]| v.iter().sum::<f64>() / n as f64;
            let line = (slope, mean(&b) - slope * mean(values));
            let Some(t) = scan(values, &b, line) else { continue };
            compared += 1;
            assert_eq!(found.costes_t1, Some(t), "{seed}");
            assert!(close(found.costes_t2.unwrap(), line.0 * t + line.1, 1e-9));
            assert_eq!((found.threshold1, found.tm1), (found.costes_t1, found.costes_tm1));
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn real_values_beyond_the_limit_are_binned_and_nearly_the_same() {
    let (a, b) = normal(6, 30_000, 0.6);
    let mut ranges = [ValueRange::default(), ValueRange::default()];
    ranges[0].add(&a[..1000]);
    let mut rest = ValueRange::default();
    rest.add(&a[1000..]);
    ranges[0].merge(&rest);
    ranges[1].add(&b);
    let range = ranges.map(|r| r.get().unwrap());
    let sampling = Sampling { kept: 1000, range: Some(range), ..Sampling::default() };
    let exact = stats(&a, &b, Threshold::Otsu);
    let mut pairs = PairAccumulator::new([Dtype::Float32; 2], sampling).unwrap();
    pairs.add(&a, &b, None).unwrap();
    assert!(pairs.is_binned());
    let binned = pairs.joint().stats(&Threshold::Otsu).unwrap();
    let bin = range.map(|[low, high]| (high - low) / 65536.0);
    assert!((binned.costes_t1.unwrap() - exact.costes_t1.unwrap()).abs() <= bin[0]);
    assert!((binned.threshold2.unwrap() - exact.threshold2.unwrap()).abs() <= bin[1]);
    for (a, b, tolerance) in [
        (binned.pearson, exact.pearson, 1e-10),
        (binned.slope, exact.slope, 1e-10),
        (binned.moc, exact.moc, 1e-12),
        (binned.spearman, exact.spearman, 1e-5),
        (binned.kendall, exact.kendall, 1e-4),
        (binned.tm1, exact.tm1, 1e-3),
    ] {
        assert!(close(a.unwrap(), b.unwrap(), tolerance), "{a:?} {b:?}");
    }
    let unbounded = Sampling { kept: 1000, ..Sampling::default() };
    assert!(pixel_stats(&a, &b, None, &Threshold::Otsu, unbounded).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_split_and_no_order_of_blocks_shows(
        seed in 0..1000u64,
        cuts in prop::collection::vec(0..600usize, 0..5),
        kept in prop::sample::select(vec![100, 599, 600, 10_000]),
        is_reverse: bool,
    ) {
        let (mut a, b) = normal(seed, 600, 0.5);
        a[17] = f32::NAN;
        let mask: Vec<bool> = (0..600).map(|i| i % 7 != 3).collect();
        let range = Some([[60.0, 140.0], [30.0, 70.0]]);
        let sampling = Sampling { kept, range, background: [90.0, 0.0] };
        let mut cuts = cuts;
        cuts.extend([0, 600]);
        cuts.sort();
        fn parts<T: Sample>(a: &[T], b: &[T], mask: &[bool], cuts: &[usize], sampling: Sampling, is_reverse: bool) -> PixelStats {
            let mut parts: Vec<PairAccumulator> = cuts.windows(2).map(|w| {
                let mut part = PairAccumulator::new([T::DTYPE; 2], sampling).unwrap();
                part.add(&a[w[0]..w[1]], &b[w[0]..w[1]], Some(&mask[w[0]..w[1]])).unwrap();
                part
            }).collect();
            if is_reverse {
                parts.reverse();
            }
            let mut all = parts.remove(0);
            parts.into_iter().for_each(|part| all.merge(part).unwrap());
            assert_eq!(all.n() + all.skipped(), mask.iter().filter(|is| **is).count() as u64);
            all.joint().stats(&Threshold::Values([5.0, 48.0])).unwrap()
        }
        let found = parts(&a, &b, &mask, &cuts, sampling, is_reverse);
        prop_assert_eq!(found, parts(&a, &b, &mask, &[0, 600], sampling, false));
        let whole = |v: &[f32]| -> Vec<u16> { v.iter().map(|v| u16::from_f64(f64::from(*v))).collect() };
        let (a, b) = (whole(&a), whole(&b));
        let found = parts(&a, &b, &mask, &cuts, sampling, is_reverse);
        prop_assert_eq!(found, parts(&a, &b, &mask, &[0, 600], sampling, false));
    }
}

#[test]
fn background_is_subtracted_with_a_floor() {
    let (a, b) = ([3u8, 10, 12, 5, 0, 30], [1u8, 9, 4, 8, 2, 20]);
    let sampling = Sampling { background: [5.0, 2.5], ..Sampling::default() };
    let found = pixel_stats(&a, &b, None, &Threshold::default(), sampling).unwrap();
    let less =
        |v: &[u8], t: f64| -> Vec<f64> { v.iter().map(|v| (f64::from(*v) - t).max(0.0)).collect() };
    let wanted = stats(&less(&a, 5.0), &less(&b, 2.5), Threshold::default());
    assert_eq!(found, wanted);
    assert_eq!(found.overlap1, Some(1.0));
}

#[test]
fn labels_have_rows_of_their_own() {
    let (a, b) = normal(8, 3000, 0.3);
    let label = |i: usize| [0i64, 7, -2, 7][i / 5 % 4];
    let labels: Vec<i64> = (0..3000).map(label).collect();
    let dtypes = [Dtype::Float32; 2];
    let mut left = LabelledPairs::new(dtypes, Sampling::default()).unwrap();
    let mut right = left.clone();
    left.add(&a[..1111], &b[..1111], &labels[..1111], None).unwrap();
    right.add(&a[1111..], &b[1111..], &labels[1111..], None).unwrap();
    right.merge(left).unwrap();
    let rows: Vec<(i64, PixelStats)> =
        right.iter().map(|(l, p)| (l, p.joint().stats(&Threshold::Otsu).unwrap())).collect();
    assert_eq!(rows.iter().map(|r| r.0).collect::<Vec<_>>(), [-2, 7]);
    for (label, found) in rows {
        let mask: Vec<bool> = labels.iter().map(|l| *l == label).collect();
        let wanted =
            pixel_stats(&a, &b, Some(&mask), &Threshold::Otsu, Sampling::default()).unwrap();
        assert_eq!(found, wanted);
    }
    assert!(right.add(&a, &b, &labels[1..], None).is_err());
}

#[test]
fn what_is_undefined_is_none() {
    let constant = stats(&[7u16; 50], &[3u16; 50], Threshold::Otsu);
    let undefined = [constant.pearson, constant.slope, constant.spearman, constant.kendall];
    assert_eq!(undefined, [None; 4]);
    assert_eq!((constant.threshold1, constant.m1, constant.costes_t1), (None, None, None));
    assert_eq!((constant.n, constant.moc), (50, Some(1.0)));
    let constant = stats(&[0.1f32; 50], &[0.3f32; 50], Threshold::default());
    assert_eq!((constant.pearson, constant.spearman, constant.icq), (None, None, Some(-0.5)));
    let nothing = stats::<u8>(&[], &[], Threshold::FractionOfMax(0.5));
    assert_eq!(nothing, PixelStats::default());
    let zero = stats(&[0u8; 9], &[0, 1, 2, 3, 4, 5, 6, 7, 8], Threshold::default());
    assert_eq!((zero.m1, zero.m2, zero.k1, zero.moc), (None, Some(0.0), None, None));
    let json = serde_json::to_string(&zero).unwrap();
    assert!(json.contains("\"k1\":null") && !json.contains("NaN"), "{json}");
    let only_nan = stats(&[f64::NAN, 1.0, f64::INFINITY], &[1.0, f64::NAN, 2.0], Threshold::Costes);
    assert_eq!(only_nan, PixelStats::default());
}

#[test]
fn thresholds_are_found_and_nonsense_is_refused() {
    let a: Vec<u8> = (0..100).map(|i| if i < 70 { i % 5 } else { 50 + i % 5 }).collect();
    let found = stats(&a, &a, Threshold::Otsu);
    assert_eq!((found.threshold1, found.overlap1), (Some(4.0), Some(1.0)));
    let found = stats(&a, &a, Threshold::FractionOfMax(0.5));
    assert_eq!(found.threshold2, Some(27.0));
    let refused = |threshold| pixel_stats(&a, &a, None, &threshold, Sampling::default()).is_err();
    assert!(refused(Threshold::FractionOfMax(1.5)) && refused(Threshold::Values([f64::NAN, 0.0])));
    assert!(pixel_stats(&a, &a[1..], None, &Threshold::Otsu, Sampling::default()).is_err());
    assert!(pixel_stats(&a, &a, Some(&[true]), &Threshold::Otsu, Sampling::default()).is_err());
    let mut pairs = PairAccumulator::new([Dtype::Uint8; 2], Sampling::default()).unwrap();
    assert!(pairs.add(&[1.0f32], &[1.0f32], None).is_err());
    let other = PairAccumulator::new([Dtype::Uint16; 2], Sampling::default()).unwrap();
    assert!(pairs.merge(other).is_err());
}

fn noise(seed: u64, shape: [usize; 3]) -> Array3<u16> {
    let mut rng = rng_at(seed, "noise", &[]);
    Array3::from_shape_fn(shape, |_| rng.random_range(0..1000))
}

#[test]
fn shuffled_blocks_judge_independent_and_equal_images() {
    let shape = [7, 20, 20];
    let p = |a: &Array3<u16>, b: &Array3<u16>, seed| {
        costes_p_value(a.view(), b.view(), None, [3, 3, 3], 19, seed).unwrap().unwrap()
    };
    let values: Vec<f64> =
        (0..60).map(|i| p(&noise(2 * i, shape), &noise(2 * i + 1, shape), i)).collect();
    let below = |t: f64| values.iter().filter(|v| **v <= t).count();
    assert!((17..=43).contains(&below(0.5)), "{}", below(0.5));
    assert!((0..=10).contains(&below(0.05)), "{}", below(0.05));
    let a = noise(1, shape);
    assert_eq!(p(&a, &a, 1), 0.05);
    // Where every block is cut, or outside the mask, nothing moves: each draw equals the image.
    let whole = |mask: &Array3<bool>, block| {
        costes_p_value(a.view(), a.view(), Some(mask.view()), block, 19, 0).unwrap()
    };
    let mut mask = Array3::from_elem(shape, true);
    assert_eq!(whole(&mask, [8, 3, 3]), Some(1.0));
    assert_eq!(whole(&mask, [3, 3, 3]), Some(0.05));
    mask.indexed_iter_mut().for_each(|((_, y, _), m)| *m = y % 3 != 0);
    assert_eq!(whole(&mask, [3, 3, 3]), Some(1.0));
    mask.fill(false);
    assert_eq!(whole(&mask, [3, 3, 3]), None);
    assert_eq!(costes_p_value(a.view(), a.view(), None, [3; 3], 0, 0).unwrap(), None);
    let flat = Array3::<u16>::zeros(shape);
    assert_eq!(costes_p_value(a.view(), flat.view(), None, [3; 3], 9, 0).unwrap(), None);
    assert!(
        costes_p_value(a.view(), a.slice(ndarray::s![1.., .., ..]), None, [3; 3], 9, 0).is_err()
    );
    assert!(costes_p_value(a.view(), a.view(), None, [0, 3, 3], 9, 0).is_err());
}

#[test]
fn the_best_shift_is_found_and_correlations_are_those_of_the_overlap() {
    let rows: Vec<Vec<u16>> =
        noise(3, [1, 12, 40]).rows().into_iter().map(|r| r.to_vec()).collect();
    let shifted = |row: &[u16], by: usize| -> Vec<u16> {
        (0..40).map(|x| if x >= by { row[x - by] / 2 + 100 } else { 5 }).collect()
    };
    let others: Vec<Vec<u16>> = rows.iter().map(|r| shifted(r, 3)).collect();
    let mut found = CrossCorrelation::new(6).unwrap();
    let mut rest = found.clone();
    for (i, (a, b)) in rows.iter().zip(&others).enumerate() {
        let part = if i % 2 == 0 { &mut found } else { &mut rest };
        part.add_row(a, b, None).unwrap();
    }
    found.merge(&rest).unwrap();
    let best = found.best().unwrap();
    assert_eq!(best.shift, 3);
    assert!(best.pearson > 0.9999);
    for (shift, r) in (-6i64..=6).zip(found.correlations()) {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for (x, y) in rows.iter().zip(&others) {
            for (i, value) in x.iter().enumerate() {
                if let Some(other) = usize::try_from(i as i64 + shift).ok().and_then(|j| y.get(j)) {
                    a.push(*value);
                    b.push(*other);
                }
            }
        }
        let wanted = stats(&a, &b, Threshold::default()).pearson.unwrap();
        assert!(close(r.unwrap(), wanted, 1e-9), "{shift}");
    }
    let mut short = CrossCorrelation::new(5).unwrap();
    short.add_row(&[1u8, 2], &[2u8, 1], None).unwrap();
    assert_eq!(short.best().unwrap().shift, 0);
    assert!(CrossCorrelation::new(2).unwrap().best().is_none());
    assert!(CrossCorrelation::new(1 << 20).is_err());
    assert!(short.add_row(&[1u8], &[1u8, 2], None).is_err());
    assert!(short.merge(&CrossCorrelation::new(2).unwrap()).is_err());
}
