//! Simulated truth: errors after placing, and whether the intervals hold it.

use hooke_stitch::align::{AlignParams, Measure, ProjectionMode};
use hooke_stitch::layout::PairStatus;
use hooke_stitch::sim::TileKind;

use super::align_sets::{Set, flat, scaled, small, window};

fn within(set: &Set, params: &AlignParams, rms_wanted: f64, max_wanted: f64) {
    let aligned = set.align(params);
    assert!(aligned.pairs.iter().all(|p| p.status == PairStatus::Measured));
    let (rms, max) = set.errors(&aligned);
    assert!(rms <= rms_wanted && max <= max_wanted, "rms {rms}, max {max}");
}

#[test]
fn integer_positions_are_found() {
    within(&Set::new(scaled(TileKind::Easy, 101)), &window(20), 0.01, 0.03);
}

#[test]
fn fractional_positions_are_found() {
    within(&Set::new(scaled(TileKind::Subpixel, 102)), &window(20), 0.02, 0.05);
}

#[test]
fn weak_noisy_shaded_tiles_are_found() {
    within(&Set::new(scaled(TileKind::Hard, 103)), &window(20), 0.15, 0.35);
}

#[test]
fn images_are_found_and_have_no_z() {
    let set = Set::new(flat(TileKind::Subpixel, 104));
    within(&set, &window(20), 0.03, 0.08);
    let aligned = set.align(&window(20));
    let sd: Vec<[f64; 3]> = aligned.pairs.iter().map(|p| p.sd_px.unwrap().0).collect();
    assert!(sd.iter().all(|s| s[0] == 0.0 && s[1] > 0.0 && s[2] > 0.0));
    assert!(aligned.pairs.iter().all(|p| p.displacement_px[0] == 0.0));
}

#[test]
fn phase_correlation_finds_the_same_displacements() {
    let params = AlignParams { measure: Measure::Phase, ..window(12) };
    within(&Set::new(small(TileKind::Subpixel, 105)), &params, 0.02, 0.05);
}

#[test]
fn without_subpixel_displacements_are_whole_and_right() {
    let set = Set::new(small(TileKind::Easy, 106));
    let aligned = set.align(&AlignParams { subpixel: false, ..window(12) });
    for pair in &aligned.pairs {
        assert_eq!(set.link_error(pair), [0.0; 3]);
        assert!((pair.sd_px.unwrap()[1] - 1.0 / 12f64.sqrt()).abs() < 1e-12);
    }
}

#[test]
fn intervals_of_95_percent_hold_the_truth_in_90_to_98_percent() {
    let (mut held, mut all) = (0usize, 0usize);
    for (kind, seed) in [(TileKind::Subpixel, 107), (TileKind::Hard, 108), (TileKind::Easy, 109)] {
        for params in [scaled(kind, seed), flat(kind, seed)] {
            let set = Set::new(params);
            for pair in &set.align(&window(20)).pairs {
                let (error, sd) = (set.link_error(pair), pair.sd_px.unwrap());
                for d in (0..3).filter(|d| sd[*d] > 0.0) {
                    all += 1;
                    held += usize::from(error[d].abs() <= 1.96 * sd[d]);
                }
            }
        }
    }
    let coverage = held as f64 / all as f64;
    assert!((0.90..=0.98).contains(&coverage), "{held} of {all}: {coverage}");
}

#[test]
fn a_projected_axis_stays_unmeasured_and_the_others_are_found() {
    let set = Set::new(small(TileKind::Subpixel, 110));
    let params = AlignParams { projection: ProjectionMode::Pair, ..window(12) };
    for pair in &set.align(&params).pairs {
        assert_eq!(pair.status, PairStatus::Measured);
        let axis = ["z", "y", "x"].iter().position(|a| Some(*a) == pair.axis.as_deref()).unwrap();
        let error = set.link_error(pair);
        for d in 0..3 {
            if d == axis {
                assert!(pair.displacement_px[d].is_nan() && pair.sd_px.unwrap()[d].is_nan());
            } else {
                assert!(error[d].abs() < 1.0, "{error:?}");
            }
        }
    }
}

#[test]
fn three_projections_measure_all_axes() {
    let set = Set::new(small(TileKind::Subpixel, 111));
    let params = AlignParams { projection: ProjectionMode::All, ..window(12) };
    for pair in &set.align(&params).pairs {
        let error = set.link_error(pair);
        assert!(error.iter().all(|e| e.abs() < 1.0), "{error:?}");
    }
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let set = Set::new(small(TileKind::Hard, 112));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let layout = pool.install(|| set.align(&window(12)));
        serde_json::to_string(&layout).unwrap()
    };
    assert_eq!(run(1), run(4));
}
