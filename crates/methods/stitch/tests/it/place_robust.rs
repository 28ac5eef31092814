//! The robust placement on simulated links with known truth.

use std::collections::{BTreeMap, HashSet};

use hooke_core::Axis;
use hooke_stitch::layout::{
    Candidate, Layout, LayoutError, LayoutWarning, MinQuality, Pair, PairStatus, PlacedBy, Tile,
    TileStatus,
};
use hooke_stitch::place::{FixedTile, PlaceError, PlaceMethod, PlaceOrigin, PlaceParams, place};
use hooke_stitch::score::{TileScore, Truth, score_tiles};
use proptest::prelude::*;

use crate::link_sim::{LinkSim, name};

fn placed(mut layout: Layout, params: &PlaceParams) -> Layout {
    place(&mut layout, params).unwrap();
    layout.validate().unwrap();
    layout
}

fn robust(layout: &Layout) -> Layout {
    placed(layout.clone(), &PlaceParams::default())
}

fn position(layout: &Layout, id: usize) -> [f64; 3] {
    layout.tile(id).unwrap().position_px.unwrap().0
}

fn farthest(layout: &Layout) -> f64 {
    let moved = |t: &Tile| {
        let (p, n) = (t.position_px.unwrap(), t.nominal_px);
        (0..3).map(|d| (p[d] - n[d]).abs()).fold(0.0, f64::max)
    };
    layout.tiles.iter().map(moved).fold(0.0, f64::max)
}

/// The score over the tiles that true links connect to most others.
fn score_of_connected(layout: &Layout, truth: &Truth) -> TileScore {
    let wrong: HashSet<[String; 2]> = truth.wrong_pairs.iter().flatten().cloned().collect();
    let mut rest = layout.clone();
    rest.pairs.retain(|p| !wrong.contains(&[name(p.pre), name(p.post)]));
    rest.pairs.iter_mut().for_each(|p| p.status = PairStatus::Kept);
    let largest = rest.components(None).into_iter().max_by_key(Vec::len).unwrap();
    let mut rest = layout.clone();
    rest.tiles.retain(|t| largest.contains(&t.id));
    rest.pairs.retain(|p| largest.contains(&p.pre) && largest.contains(&p.post));
    score_tiles(&rest, truth).unwrap()
}

#[test]
fn wrong_links_are_flagged_and_do_no_harm() {
    let (mut wrong, mut flagged, mut both) = (0, 0, 0);
    for seed in 100..112 {
        let (layout, truth) = LinkSim { wrong_share: 0.1, seed, ..LinkSim::default() }.make();
        let layout = robust(&layout);
        let flags = score_tiles(&layout, &truth).unwrap().flagging.unwrap();
        let error = score_of_connected(&layout, &truth).positions;
        assert!(error.rms_px <= 0.15, "seed {seed}: {error:?}");
        let (precision, recall) = (flags.precision().unwrap(), flags.recall().unwrap());
        assert!(precision >= 0.9 && recall >= 0.9, "seed {seed}: {flags:?}");
        (wrong, flagged, both) = (wrong + flags.wrong, flagged + flags.flagged, both + flags.both);
    }
    assert!(wrong > 150, "{wrong} wrong links were drawn");
    assert!(both as f64 >= 0.98 * flagged.max(wrong) as f64, "{both} of {flagged} and {wrong}");
}

#[test]
fn pairs_of_pure_noise_are_not_kept_and_tiles_stay_near_the_stage() {
    for (grid, sd) in [([1, 3, 3], 0.1), ([1, 2, 2], 0.1), ([1, 3, 3], 0.5), ([1, 6, 6], 0.2)] {
        let mut clean = 0;
        for seed in 0..40 {
            let sim = LinkSim {
                grid,
                noise: true,
                wrong_px: 10.0,
                sd: [sd, sd],
                seed,
                ..LinkSim::default()
            };
            let layout = robust(&sim.make().0);
            clean += usize::from(layout.pairs.iter().all(|p| p.status == PairStatus::Rejected));
            assert!(farthest(&layout) < 40.0, "{grid:?}, seed {seed}: {}", farthest(&layout));
        }
        assert!(clean >= 36, "{grid:?}, sd {sd}: none kept in {clean} of 40");
    }
}

#[test]
fn intervals_of_positions_cover_as_often_as_they_say() {
    for (grid, seeds) in [([1, 3, 3], 40), ([1, 10, 10], 6), ([3, 4, 4], 8)] {
        let (mut intervals, mut covered) = (0, 0);
        for seed in 0..seeds {
            let (layout, truth) = LinkSim { grid, seed, ..LinkSim::default() }.make();
            let coverage = score_tiles(&robust(&layout), &truth).unwrap().tile_coverage;
            (intervals, covered) = (intervals + coverage.intervals, covered + coverage.covered);
        }
        let share = covered as f64 / intervals as f64;
        assert!((0.90..=0.98).contains(&share), "{grid:?}: {share:.3} of {intervals}");
    }
}

#[test]
fn links_that_overstate_their_certainty_are_neither_believed_nor_thrown_away() {
    let (mut layout, truth) = LinkSim { seed: 5, ..LinkSim::default() }.make();
    for pair in &mut layout.pairs {
        let c = pair.covariance_px2.as_mut().unwrap();
        (0..3).for_each(|d| c.0[d][d] /= 16.0);
    }
    let layout = robust(&layout);
    assert_eq!(layout.placement.as_ref().unwrap().rejected, 0);
    let share = score_tiles(&layout, &truth).unwrap().tile_coverage.share().unwrap();
    assert!((0.85..=0.99).contains(&share), "{share}");
}

#[test]
fn order_of_pairs_changes_nothing_and_order_of_tiles_only_the_order() {
    let sim = LinkSim { grid: [1, 5, 5], wrong_share: 0.1, seed: 3, ..LinkSim::default() };
    let (layout, _) = sim.make();
    let first = robust(&layout);
    let mut reversed = layout.clone();
    reversed.pairs.reverse();
    let reversed = robust(&reversed);
    assert_eq!(first.tiles, reversed.tiles);
    // New ids in another order; the smaller id still comes first in a pair.
    let new_id = |id: usize| (id * 7 + 3) % 25;
    let mut permuted = layout.clone();
    permuted.tiles.iter_mut().for_each(|t| t.id = new_id(t.id));
    permuted.tiles.sort_by_key(|t| t.id);
    for pair in &mut permuted.pairs {
        (pair.pre, pair.post) = (new_id(pair.pre), new_id(pair.post));
        if pair.pre > pair.post {
            (pair.pre, pair.post) = (pair.post, pair.pre);
            pair.displacement_px.0 = pair.displacement_px.0.map(|v| -v);
        }
    }
    permuted.refresh_shifts();
    let permuted = robust(&permuted);
    let origin = (position(&first, 0), position(&permuted, new_id(0)));
    for id in 0..25 {
        let (a, b) = (position(&first, id), position(&permuted, new_id(id)));
        for d in 0..3 {
            let difference = (a[d] - origin.0[d]) - (b[d] - origin.1[d]);
            assert!(difference.abs() < 1e-6, "tile {id}: {difference}");
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let (layout, _) = LinkSim { wrong_share: 0.1, ..LinkSim::default() }.make();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| robust(&layout))
    };
    assert_eq!(on(1).to_json(), on(4).to_json());
}

#[test]
fn a_constant_on_all_positions_moves_the_answer_by_it() {
    let (layout, _) = LinkSim { grid: [1, 4, 4], ..LinkSim::default() }.make();
    let first = robust(&layout);
    let mut moved = layout.clone();
    for tile in &mut moved.tiles {
        (0..3).for_each(|d| tile.nominal_px.0[d] += [-5e4, 7e4, -300.0][d]);
    }
    let moved = robust(&moved);
    for id in 0..16 {
        let (a, b) = (position(&first, id), position(&moved, id));
        assert!((0..3).all(|d| (b[d] - a[d] - [-5e4, 7e4, -300.0][d]).abs() < 1e-6));
    }
}

/// A potential per tile: what is added to the position of each.
fn potentials() -> impl Strategy<Value = Vec<[f64; 3]>> {
    prop::collection::vec(prop::array::uniform3(-9.0..9.0f64), 16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_potential_on_all_links_moves_every_tile_by_it(potential in potentials()) {
        let (layout, _) = LinkSim { grid: [1, 4, 4], ..LinkSim::default() }.make();
        let mut shifted = layout.clone();
        for pair in &mut shifted.pairs {
            let (a, b) = (potential[pair.pre], potential[pair.post]);
            (0..3).for_each(|d| pair.displacement_px.0[d] += b[d] - a[d]);
        }
        shifted.refresh_shifts();
        // The stage's pull keeps the robust solve from being exact.
        for (method, tolerance) in
            [(PlaceMethod::Robust, 0.01), (PlaceMethod::Optimization, 1e-9), (PlaceMethod::Tree, 1e-9)]
        {
            let params = PlaceParams { method, ..PlaceParams::default() };
            let (a, b) = (placed(layout.clone(), &params), placed(shifted.clone(), &params));
            for id in 0..16 {
                for d in 0..3 {
                    let moved = (position(&b, id)[d] - position(&b, 0)[d])
                        - (position(&a, id)[d] - position(&a, 0)[d]);
                    let want = potential[id][d] - potential[0][d];
                    prop_assert!((moved - want).abs() < tolerance, "{method:?} {moved} {want}");
                }
            }
        }
    }
}

/// Takes away the links between two sets of tiles.
fn cut(layout: &mut Layout, inside: impl Fn(usize) -> bool) {
    layout.pairs.retain(|p| inside(p.pre) == inside(p.post));
}

#[test]
fn islands_lie_where_the_stage_model_puts_them() {
    // The stage's x steps are 1 % too short; the right half lost its links to the left half.
    let (mut layout, mut truth) =
        LinkSim { grid: [1, 6, 10], jitter: [3.0; 3], ..LinkSim::default() }.make();
    for tile in &mut truth.tiles {
        let x = layout.tiles.iter().find(|t| t.name == tile.name).unwrap().nominal_px[2];
        tile.position[2] += 0.01 * x;
    }
    for pair in &mut layout.pairs {
        pair.displacement_px.0[2] += if pair.axis.as_deref() == Some("x") { 4.5 } else { 0.0 };
    }
    cut(&mut layout, |id| id % 10 < 6);
    let layout = robust(&layout);
    assert_eq!(layout.islands.len(), 2);
    assert_eq!(layout.islands[0].tiles.len(), 36);
    assert_eq!(layout.islands[0].placed_by, PlacedBy::Links);
    assert_eq!(layout.islands[1].placed_by, PlacedBy::Stage);
    assert!(layout.islands[0].fixed_tile.is_some() && layout.islands[1].fixed_tile.is_none());
    assert!(layout.warnings.iter().any(|w| w.code == "islands"));
    let score = score_tiles(&layout, &truth).unwrap();
    assert!(score.islands.iter().all(|i| i.positions.rms_px < 0.15), "{:?}", score.islands);
    assert!(score.positions.max_px < 4.0, "{:?}", score.positions);
    let slope = layout.placement.as_ref().unwrap().stage_model.unwrap().matrix.0[2][2];
    assert!((slope - 1.01).abs() < 0.003, "{slope}");
    // The far island admits that its place is known to some voxels only.
    let sd = |id: usize| layout.tile(id).unwrap().sd_px.unwrap()[2];
    assert!(sd(2) < 0.2 && sd(8) > 0.3, "{} {}", sd(2), sd(8));
}

#[test]
fn an_empty_row_and_a_noise_tile_stay_near_their_stage_positions() {
    let (mut layout, truth) = LinkSim { grid: [1, 5, 5], seed: 8, ..LinkSim::default() }.make();
    for (k, pair) in layout.pairs.iter_mut().enumerate() {
        if [pair.pre, pair.post].iter().any(|t| t / 5 == 2) {
            pair.status = PairStatus::NoSignal;
            pair.quality = None;
            pair.displacement_px = hooke_stitch::layout::Vector3::UNKNOWN;
        } else if [pair.pre, pair.post].contains(&0) {
            // A tile of noise: any displacement, no confidence.
            pair.displacement_px.0 = [9.0, 440.0 - 20.0 * k as f64, 13.0];
            (pair.p_false, pair.ncc, pair.quality) = (Some(0.4), Some(0.05), Some(0.05));
        }
    }
    layout.refresh_shifts();
    let layout = robust(&layout);
    for id in [0, 10, 11, 12, 13, 14] {
        let tile = layout.tile(id).unwrap();
        assert_eq!(tile.status, Some(TileStatus::Stage), "{tile:?}");
        let reason = if id == 0 { "links_rejected" } else { "no_link" };
        assert_eq!(tile.reason.as_deref(), Some(reason));
        assert!(tile.sd_px.unwrap().0.iter().all(|s| *s > 1.0));
        assert!(layout.warnings.iter().any(|w| w.code == "low_confidence" && w.tile == Some(id)));
    }
    assert!(score_tiles(&layout, &truth).unwrap().positions.max_px < 25.0);
    let sizes: Vec<usize> = layout.islands.iter().map(|i| i.tiles.len()).collect();
    assert_eq!(sizes, [10, 9, 1, 1, 1, 1, 1, 1]);
    let no_signal = layout.pairs.iter().filter(|p| p.status == PairStatus::NoSignal);
    assert_eq!(no_signal.count(), 14);
}

#[test]
fn three_tiles_in_a_row_are_placed_and_those_beside_them_stay_in_line() {
    let mut layout = LinkSim { grid: [1, 2, 3], ..LinkSim::default() }.make().0;
    layout.pairs.retain(|p| p.post < 3);
    let layout = robust(&layout);
    assert!(layout.pairs.iter().all(|p| p.status == PairStatus::Kept));
    assert!(farthest(&layout) < 30.0, "{}", farthest(&layout));
}

#[test]
fn without_links_positions_are_those_of_the_stage() {
    let (mut layout, _) = LinkSim { grid: [1, 2, 2], ..LinkSim::default() }.make();
    layout.pairs.clear();
    let mut single = layout.clone();
    single.tiles.truncate(1);
    let mut none = layout.clone();
    none.tiles.clear();
    for layout in [layout, single, none] {
        for method in [PlaceMethod::Robust, PlaceMethod::Optimization, PlaceMethod::Tree] {
            let placed = placed(layout.clone(), &PlaceParams { method, ..PlaceParams::default() });
            assert_eq!(placed.warnings.len(), 1);
            assert_eq!(placed.warnings[0].code, "no_links");
            for tile in &placed.tiles {
                assert_eq!(tile.position_px, Some(tile.nominal_px));
                assert_eq!(tile.status, Some(TileStatus::Stage));
            }
        }
    }
}

#[test]
fn a_wrong_first_candidate_gives_way_to_a_right_one() {
    let sim = LinkSim { grid: [1, 5, 5], wrong_share: 0.15, seed: 12, ..LinkSim::default() };
    let (mut layout, truth) = sim.make();
    let right: BTreeMap<(usize, usize), [f64; 3]> = {
        let clean = LinkSim { wrong_share: 0.0, ..sim }.make().0;
        clean.pairs.iter().map(|p| ((p.pre, p.post), p.displacement_px.0)).collect()
    };
    let wrong: HashSet<[String; 2]> = truth.wrong_pairs.iter().flatten().cloned().collect();
    assert!(wrong.len() >= 3);
    for (k, pair) in layout.pairs.iter_mut().enumerate() {
        // The false ones differ from pair to pair, else they would agree with each other.
        let (more, less) = (5.0 + (k * 37 % 13) as f64, 6.0 + (k * 29 % 11) as f64);
        let at = right[&(pair.pre, pair.post)];
        let beside =
            |d: f64| Candidate { displacement_px: at.map(|v| v + d).into(), ncc: Some(0.3) };
        let first = Candidate { displacement_px: pair.displacement_px, ncc: pair.ncc };
        pair.candidates = vec![first, beside(more), beside(0.0), beside(-less)];
    }
    let fixed = robust(&layout);
    assert!(fixed.pairs.iter().all(|p| p.status == PairStatus::Kept));
    for pair in &fixed.pairs {
        let is_wrong = wrong.contains(&[name(pair.pre), name(pair.post)]);
        assert_eq!(pair.quality == Some(0.3), is_wrong);
        assert_eq!(pair.displacement_px.0, right[&(pair.pre, pair.post)]);
        assert!(pair.residual_px.unwrap().0.iter().all(|r| r.abs() < 0.5));
    }
    let params = PlaceParams { ignore_candidates: true, ..PlaceParams::default() };
    let rejected = placed(layout, &params).placement.unwrap().rejected;
    assert_eq!(rejected, wrong.len());
}

#[test]
fn components_that_were_not_measured_come_from_other_links_or_the_stage() {
    // As with projections: the tiling axis of each pair stays unmeasured.
    let (mut layout, truth) = LinkSim { grid: [1, 4, 4], seed: 4, ..LinkSim::default() }.make();
    for pair in &mut layout.pairs {
        let d = if pair.axis.as_deref() == Some("y") { 1 } else { 2 };
        pair.displacement_px.0[d] = f64::NAN;
    }
    layout.refresh_shifts();
    let layout = robust(&layout);
    let error = score_tiles(&layout, &truth).unwrap().positions;
    assert!(error.axis_rms_px[0] < 0.15, "{error:?}");
    assert!(error.axis_max_px.iter().all(|e| *e < 20.0), "{error:?}");
    assert_eq!(layout.islands.len(), 1);
    assert!(layout.pairs[0].residual_px.unwrap().0.iter().any(|r| r.is_nan()));
}

#[test]
fn options_do_what_they_say() {
    let (layout, _) = LinkSim { grid: [1, 3, 3], seed: 6, ..LinkSim::default() }.make();
    let with = |params: PlaceParams| placed(layout.clone(), &params);
    let free = robust(&layout);
    assert_eq!(position(&free, 4), layout.tile(4).unwrap().nominal_px.0, "the fixed tile");
    assert_eq!(free.tile(4).unwrap().status, Some(TileStatus::Fixed));

    let fixed = with(PlaceParams { fixed_tile: FixedTile::Id(8), ..PlaceParams::default() });
    assert_eq!(position(&fixed, 8), layout.tile(8).unwrap().nominal_px.0);
    assert_eq!(fixed.islands[0].fixed_tile, Some(8));

    let zero = with(PlaceParams { origin: PlaceOrigin::Zero, ..PlaceParams::default() });
    assert_eq!(zero.lower(), Some([0.0; 3]));

    let round = with(PlaceParams { round: true, ..PlaceParams::default() });
    assert!(round.tiles.iter().all(|t| t.position_px.unwrap().0.iter().all(|v| v.fract() == 0.0)));
    assert!(round.placement.unwrap().rounded);

    let one = with(PlaceParams { axis: Some(Axis::Y), ..PlaceParams::default() });
    for id in 0..9 {
        let (p, n) = (position(&one, id), layout.tile(id).unwrap().nominal_px);
        assert_eq!((p[0], p[2]), (n[0], n[2]));
        assert!((p[1] - position(&free, id)[1]).abs() < 0.05);
        assert!(one.tile(id).unwrap().sd_px.unwrap()[0].is_nan());
    }

    let dropped = with(PlaceParams { drop_tiles: vec![0], ..PlaceParams::default() });
    assert_eq!(dropped.tile(0).unwrap().reason.as_deref(), Some("dropped"));
    assert_eq!(dropped.pair_between(0, 1).unwrap().reason.as_deref(), Some("dropped"));
    let dropped = with(PlaceParams { drop_pairs: vec![[1, 0]], ..PlaceParams::default() });
    assert_eq!(dropped.pair_between(0, 1).unwrap().status, PairStatus::Rejected);
    assert_eq!(dropped.islands.len(), 1);

    let best = layout.pairs.iter().map(|p| p.quality.unwrap()).fold(0.0, f64::max);
    let strict = MinQuality::Above(best);
    let none = with(PlaceParams { min_quality: Some(strict), ..PlaceParams::default() });
    assert!(none.pairs.iter().all(|p| p.reason.as_deref() == Some("low_quality")));
    assert_eq!(none.placement.unwrap().min_quality, Some(strict));
}

#[test]
fn placing_again_gives_the_same_and_forgets_old_verdicts() {
    let (layout, _) = LinkSim { grid: [1, 4, 4], wrong_share: 0.1, ..LinkSim::default() }.make();
    let once = robust(&layout);
    let dropped =
        placed(once.clone(), &PlaceParams { drop_tiles: vec![5], ..PlaceParams::default() });
    assert!(robust(&dropped) == once, "verdicts or positions of the first placement remain");
}

#[test]
fn a_link_at_the_edge_of_its_window_counts_half() {
    let (mut layout, _) = LinkSim { grid: [1, 2, 2], ..LinkSim::default() }.make();
    layout.warnings.push(LayoutWarning {
        code: "window_edge".into(),
        tile: None,
        pair: Some([0, 1]),
        message: String::new(),
    });
    let layout = robust(&layout);
    let weight = |a, b| layout.pair_between(a, b).unwrap().weight.unwrap();
    assert!(weight(0, 1) <= 0.5 && weight(2, 3) > 0.5);
    assert!(layout.warnings.iter().any(|w| w.code == "window_edge"), "others' warnings stay");
}

#[test]
fn tiles_of_one_plane_keep_their_depth() {
    let (mut layout, truth) =
        LinkSim { grid: [1, 4, 4], jitter: [0.0, 8.0, 8.0], ..LinkSim::default() }.make();
    layout.tiles.iter_mut().for_each(|t| t.shape[0] = 1);
    for pair in &mut layout.pairs {
        pair.displacement_px.0[0] = 0.0;
        (pair.sd_px.as_mut().unwrap().0[0], pair.covariance_px2.as_mut().unwrap().0[0][0]) =
            (0.0, 0.0);
    }
    let layout = robust(&layout);
    assert!(
        layout.tiles.iter().all(|t| t.position_px.unwrap()[0] == 0.0 && t.sd_px.unwrap()[0] == 0.0)
    );
    assert!(score_tiles(&layout, &truth).unwrap().positions.rms_px < 0.1);
}

#[test]
fn bad_options_are_errors_and_leave_the_layout_alone() {
    let (mut layout, _) = LinkSim { grid: [1, 2, 2], ..LinkSim::default() }.make();
    let before = layout.clone();
    let mut fails = |params: PlaceParams| place(&mut layout, &params).unwrap_err();
    let of = PlaceParams::default;
    let unknown = fails(PlaceParams { drop_tiles: vec![9], ..of() });
    assert!(matches!(unknown, PlaceError::Layout(LayoutError::UnknownTile { tile: 9, .. })));
    let unknown = fails(PlaceParams { drop_pairs: vec![[3, 0]], ..of() });
    assert!(matches!(unknown, PlaceError::Layout(LayoutError::UnknownPair { pre: 0, post: 3 })));
    assert!(
        fails(PlaceParams { fixed_tile: FixedTile::Id(7), ..of() }).to_string().contains("tile 7")
    );
    let sigma = fails(PlaceParams { stage_sigma: Some([1.0, -1.0, 1.0]), ..of() });
    assert!(sigma.to_string().contains("[1.0, -1.0, 1.0]"), "{sigma}");
    let range = Some(MinQuality::Between(0.5, 0.5));
    assert!(matches!(
        fails(PlaceParams { min_quality: range, ..of() }),
        PlaceError::MinQuality { .. }
    ));
    assert!(fails(PlaceParams { axis: Some(Axis::T), ..of() }).to_string().contains("not t"));
    assert_eq!(layout, before);
}

#[test]
fn a_wide_stage_prior_and_a_given_one_agree_where_links_are_good() {
    let (layout, truth) = LinkSim { grid: [1, 4, 4], ..LinkSim::default() }.make();
    let given = PlaceParams { stage_sigma: Some([50.0, 50.0, 0.0]), ..PlaceParams::default() };
    let error = score_tiles(&placed(layout, &given), &truth).unwrap().positions;
    assert!(error.rms_px < 0.12, "{error:?}");
}

#[test]
fn a_measured_pair_without_quality_is_never_used() {
    let (mut layout, _) = LinkSim { grid: [1, 2, 2], ..LinkSim::default() }.make();
    layout.pairs[0] = Pair::new(layout.pairs[0].pre, layout.pairs[0].post, [0.0; 3], None);
    let layout = robust(&layout);
    assert_eq!(layout.pairs[0].status, PairStatus::Rejected);
    assert_eq!(layout.islands.len(), 1);
}
