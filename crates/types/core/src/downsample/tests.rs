use proptest::prelude::*;

use super::*;
use crate::{Dtype, Sample};

fn line(values: &[u16]) -> Pixels {
    Pixels::from_vec([1, 1, 1, 1, values.len() as u64], values.to_vec())
}

fn step(values: &[u16], fx: u64, method: Downsample) -> Vec<u16> {
    downsample(&line(values), [1, 1, fx], method).into_vec().expect("u16")
}

#[test]
fn means_round_ties_to_even_and_partial_windows_count_what_is_there() {
    assert_eq!(step(&[0, 1, 1, 2, 2, 3, 9], 2, Downsample::Mean), [0, 2, 2, 9]);
    assert_eq!(step(&[1, 2, 2, 7, 8], 3, Downsample::Mean), [2, 8]);
    let i = Pixels::from_vec([1, 1, 1, 1, 4], vec![-1i8, -2, -3, -2]);
    let mean = downsample(&i, [1, 1, 2], Downsample::Mean);
    assert_eq!(mean.as_slice::<i8>(), Some(&[-2i8, -2][..]));
}

#[test]
fn the_mode_prefers_labels_to_background_on_ties() {
    assert_eq!(step(&[0, 0, 5, 5], 4, Downsample::Mode), [5]);
    assert_eq!(step(&[7, 7, 5, 5], 4, Downsample::Mode), [5]);
    assert_eq!(step(&[0, 0, 0, 5], 4, Downsample::Mode), [0]);
    assert_eq!(step(&[9, 9, 1, 0], 4, Downsample::Mode), [9]);
}

#[test]
fn median_max_and_nearest_by_hand() {
    assert_eq!(step(&[9, 1, 4, 3], 4, Downsample::Median), [4]); // (3 + 4) / 2 = 3.5
    assert_eq!(step(&[9, 1, 4], 3, Downsample::Median), [4]);
    assert_eq!(step(&[9, 1, 4, 3, 6], 2, Downsample::Max), [9, 4, 6]);
    assert_eq!(step(&[9, 1, 4, 3, 6], 2, Downsample::Nearest), [9, 4, 6]);
}

#[test]
fn nan_is_ignored_unless_all_is_nan() {
    let nan = f32::NAN;
    let p = Pixels::from_vec([1, 1, 1, 1, 6], vec![nan, 3.0, nan, nan, 1.0, 2.0]);
    for (method, last) in
        [(Downsample::Mean, 1.5), (Downsample::Median, 1.5), (Downsample::Max, 2.0)]
    {
        let out = downsample(&p, [1, 1, 2], method).into_vec::<f32>().expect("f32");
        assert!(out[0] == 3.0 && out[1].is_nan() && out[2] == last, "{method:?} {out:?}");
    }
}

#[test]
fn sixty_four_bit_means_are_exact() {
    let p = Pixels::from_vec([1, 1, 1, 1, 4], vec![u64::MAX, u64::MAX - 2, u64::MAX, u64::MAX - 1]);
    let out = downsample(&p, [1, 1, 2], Downsample::Mean);
    // MAX - 1/2 is a tie between an odd and an even number.
    assert_eq!(out.as_slice::<u64>(), Some(&[u64::MAX - 1, u64::MAX - 1][..]));
    let median = downsample(&p, [1, 1, 4], Downsample::Median);
    assert_eq!(median.as_slice::<u64>(), Some(&[u64::MAX - 1][..]));
}

fn naive<T: Reduce>(p: &Pixels, f: [u64; 3], method: Downsample) -> Vec<i64> {
    let view = p.view::<T>().expect("of this type");
    let shape = p.shape();
    let out = shape_after(shape, f);
    let mut all = Vec::new();
    for r in crate::region::grid(out, [1; 5]) {
        let [t, c, z, y, x] = r.start;
        let mut w = Vec::new();
        for dz in 0..f[0] {
            for dy in 0..f[1] {
                for dx in 0..f[2] {
                    let at = [t, c, z * f[0] + dz, y * f[1] + dy, x * f[2] + dx];
                    w.extend(view.get(at.map(|i| i as usize)).map(|v| v.to_f64() as i64));
                }
            }
        }
        let first = w[0];
        w.sort_unstable();
        let n = w.len();
        let mean = |s: f64, n: f64| (s / n).round_ties_even() as i64;
        all.push(match method {
            Downsample::Mean => mean(w.iter().sum::<i64>() as f64, n as f64),
            Downsample::Median => mean((w[(n - 1) / 2] + w[n / 2]) as f64, 2.0),
            Downsample::Nearest => first,
            Downsample::Max => w[n - 1],
            Downsample::Mode => {
                let count = |v: &i64| w.iter().filter(|u| *u == v).count();
                *w.iter().max_by_key(|v| (count(v), **v != 0, -**v)).expect("not empty")
            }
        });
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_method_equals_its_definition(
        shape in [1u64..3, 1u64..3, 1u64..6, 1u64..6, 1u64..9],
        f in [1u64..4, 1u64..4, 1u64..5],
        seed in any::<u64>(),
        small in any::<bool>(),
    ) {
        let mut state = seed | 1;
        let n = shape.iter().product::<u64>() as usize;
        let values: Vec<i16> = (0..n).map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let v = (state >> 40) as i16;
            if small { v.rem_euclid(4) } else { v }
        }).collect();
        for dtype in Dtype::ALL {
            crate::dispatch!(dtype, T => {
                // Casts keep the low bits: the whole range of 8 and 16 bit types.
                let p = Pixels::from_vec(shape, values.iter().map(|v| *v as T).collect());
                for method in Downsample::ALL.into_iter().filter(|_| !dtype.is_float()) {
                    let got = downsample(&p, f, method).into_vec::<T>().expect("of this type");
                    let got: Vec<i64> = got.into_iter().map(|v| v.to_f64() as i64).collect();
                    // Numbers beyond 2^53 are not exact in the f64 of this definition.
                    if dtype != Dtype::Uint64 || small {
                        prop_assert_eq!(got, naive::<T>(&p, f, method), "{} {:?}", dtype, method);
                    }
                }
            });
        }
    }

    #[test]
    fn a_block_gives_the_same_as_the_whole(
        seed in any::<u32>(), cut in 0u64..3, f in [1u64..3, 1u64..4, 1u64..4],
    ) {
        let shape = [1, 1, 5, 7, 11];
        let values: Vec<f32> = (0..5 * 7 * 11u32)
            .map(|i| (i.wrapping_mul(2654435761).wrapping_add(seed) >> 8) as f32 * 1e-3)
            .collect();
        let p = Pixels::from_vec(shape, values);
        let whole = downsample(&p, f, Downsample::Mean);
        let start = [0, 0, 0, cut.min(whole.shape()[3] - 1) * f[1], 0];
        let mut size = shape;
        size[3] -= start[3];
        let block = downsample(&p.crop(&crate::Region::new(start, size)), f, Downsample::Mean);
        let start = [0, 0, 0, start[3] / f[1], 0];
        prop_assert_eq!(block.clone(), whole.crop(&crate::Region::new(start, block.shape())));
    }
}
