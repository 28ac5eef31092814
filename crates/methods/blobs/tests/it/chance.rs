//! Pairs by chance.

use hooke_blobs::chance::*;
use hooke_blobs::matching::Objective;
use hooke_core::Blob;
use rand::RngExt;

use crate::kit::*;

const EXTENT: [f64; 3] = [60.0, 120.0, 120.0];
const FIELD: Field<'static> = Field::Box { start_um: [0.0; 3], extent_um: EXTENT };

fn params(draws: u64) -> ChanceParams {
    ChanceParams { tolerance_um: [4.0; 3], objective: Objective::Cardinality, draws, seed: 5 }
}

fn two(seed: u64, n: [usize; 2]) -> Vec<Blob> {
    let first = blobs_at(0, 1, &scattered(2 * seed, n[0], EXTENT));
    let second = blobs_at(2, 10_000, &scattered(2 * seed + 1, n[1], EXTENT));
    [first, second].concat()
}

#[test]
fn independent_blobs_meet_the_expectation_and_p_is_uniform() {
    let (mut values, mut difference) = (Vec::new(), 0.0);
    for seed in 0..60 {
        let found = chance(&two(seed, [150, 200]), [0, 2], &FIELD, &params(39)).unwrap();
        values.push(found.p_value.unwrap());
        difference += found.null_mean.unwrap() / found.expected - 1.0;
    }
    // Faces cut some gates, and blobs compete: a few percent fewer than the formula has.
    let difference = difference / 60.0;
    assert!((-0.15..0.0).contains(&difference), "{difference}");
    let below = |p: f64| values.iter().filter(|v| **v <= p).count();
    // Binomial with n = 60; ties only make the values larger.
    assert!((0..=9).contains(&below(0.05)), "{}", below(0.05));
    assert!((14..=42).contains(&below(0.5)), "{}", below(0.5));
    assert!((39..=59).contains(&below(0.9)), "{}", below(0.9));
}

#[test]
fn the_mask_gives_the_same_where_it_is_the_box() {
    let draw = |rng: &mut rand_chacha::ChaCha8Rng| EXTENT.map(|e| e * rng.random::<f64>());
    let mask = Field::Mask { volume_um3: EXTENT.iter().product(), draw: &draw };
    let blobs = two(77, [150, 200]);
    let boxed = chance(&blobs, [0, 2], &FIELD, &params(99)).unwrap();
    let masked = chance(&blobs, [0, 2], &mask, &params(99)).unwrap();
    assert!(close(boxed.expected, masked.expected, 1e-12));
    assert_eq!(boxed.observed, masked.observed);
    assert!((boxed.null_mean.unwrap() - masked.null_mean.unwrap()).abs() < 1.5);
}

#[test]
fn true_pairs_are_beyond_chance_and_rows_may_come_in_any_order() {
    let points = scattered(3, 100, EXTENT);
    let mut blobs = [blobs_at(0, 1, &points), blobs_at(2, 1000, &points[..60])].concat();
    let found = chance(&blobs, [0, 2], &FIELD, &params(99)).unwrap();
    assert_eq!((found.observed, found.p_value), (60, Some(0.01)));
    assert!(close(found.excess, 60.0 - found.expected, 1e-12));
    let volume: f64 = EXTENT.iter().product();
    let ball = 4.0 / 3.0 * std::f64::consts::PI * 64.0;
    assert!(close(found.expected, 100.0 * (1.0 - (-60.0 / volume * ball).exp()), 1e-12));
    let fraction = found.fraction1.unwrap();
    assert!((fraction.value - 0.6).abs() < 1e-12 && fraction.low < 0.6 && fraction.high > 0.6);
    assert_eq!(found.fraction2.unwrap().high, 1.0);
    blobs.reverse();
    assert_eq!(chance(&blobs, [0, 2], &FIELD, &params(99)).unwrap(), found);
    let none = chance(&blobs, [0, 1], &FIELD, &params(0)).unwrap();
    assert_eq!((none.observed, none.p_value, none.fraction2), (0, None, None));
}

#[test]
fn a_plane_counts_by_area() {
    let plane = Field::Box { start_um: [0.0; 3], extent_um: [0.0, 100.0, 100.0] };
    let flat = |seed| -> Vec<[f64; 3]> { scattered(seed, 100, [0.0, 100.0, 100.0]) };
    let blobs = [blobs_at(0, 1, &flat(1)), blobs_at(1, 1000, &flat(2))].concat();
    let found = chance(&blobs, [0, 1], &plane, &params(20)).unwrap();
    let disc = std::f64::consts::PI * 16.0;
    assert!(close(found.expected, 100.0 * (1.0 - (-0.01 * disc).exp()), 1e-12));
    assert!((found.null_mean.unwrap() / found.expected - 1.0).abs() < 0.4);
    assert!(
        chance(
            &blobs,
            [0, 1],
            &Field::Box { start_um: [0.0; 3], extent_um: [f64::NAN; 3] },
            &params(0)
        )
        .is_err()
    );
}
