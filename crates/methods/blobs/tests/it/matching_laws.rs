//! What exact matching must hold to, beside brute force.

use hooke_blobs::BlobsError;
use hooke_blobs::matching::*;
use hooke_core::Blob;
use hooke_core::region::grid;
use hooke_core::seed::rng_at;
use rand::RngExt;
use rand::seq::SliceRandom;

use crate::kit::*;

const OBJECTIVES: [Objective; 2] = [Objective::Cardinality, Objective::Distance];

/// The best `(pairs, sum of gate distances)` or largest `sum of 1 - gate distance` of all ways to pair `a`.
fn brute(gates: &[Vec<Option<f64>>], free: u32, objective: Objective) -> (f64, usize, f64) {
    let Some((row, rest)) = gates.split_first() else { return (0.0, 0, 0.0) };
    let mut best = brute(rest, free, objective);
    for (b, gate) in row.iter().enumerate() {
        let (Some(gate), true) = (gate, free >> b & 1 == 1) else { continue };
        let (_, n, sum) = brute(rest, free & !(1 << b), objective);
        let (n, sum) = (n + 1, sum + gate);
        let worth = match objective {
            Objective::Cardinality => 100.0 * n as f64 - sum,
            Objective::Distance => n as f64 - sum,
        };
        if worth > best.0 {
            best = (worth, n, sum);
        }
    }
    best
}

#[test]
fn ten_thousand_small_instances_are_optimal() {
    let mut rng = rng_at(7, "small instances", &[]);
    for case in 0..10_000 {
        let sizes =
            [rng.random_range(0..=8), rng.random_range(0..=if case % 10 == 0 { 8 } else { 5 })];
        // Whole numbers on a small lattice: many ties and duplicates.
        let on_lattice = case % 2 == 0;
        let mut side = |n: usize| -> Vec<[f64; 3]> {
            let mut number = |most: u32| match on_lattice {
                true => f64::from(rng.random_range(0..most)),
                false => f64::from(most) * rng.random::<f64>(),
            };
            (0..n).map(|_| [number(2), number(4), number(6)]).collect()
        };
        let (a, b) = (side(sizes[0]), side(sizes[1]));
        let gate = Gate::new([1.5, 2.5, 3.0]).unwrap();
        let gates: Vec<Vec<Option<f64>>> =
            a.iter().map(|a| b.iter().map(|b| gate.distance(*a, *b)).collect()).collect();
        for objective in OBJECTIVES {
            let found = match_points(&a, &b, &gate, objective).unwrap();
            let sum: f64 = found.pairs.iter().map(|p| p.gate_distance).sum();
            let (_, n, wanted) = brute(&gates, u32::MAX, objective);
            let found_worth = found.pairs.len() as f64 - sum;
            match objective {
                Objective::Cardinality => {
                    assert_eq!(found.pairs.len(), n, "case {case}");
                    assert!((sum - wanted).abs() < 1e-9, "case {case}: {sum} {wanted}");
                }
                Objective::Distance => {
                    assert!((found_worth - (n as f64 - wanted)).abs() < 1e-9, "case {case}")
                }
            }
            let within = |p: &Partners| gates[p.ids[0] as usize][p.ids[1] as usize];
            assert!(found.pairs.iter().all(|p| within(p) == Some(p.gate_distance)));
            for side in 0..2 {
                let mut ids: Vec<u64> = found.pairs.iter().map(|p| p.ids[side]).collect();
                ids.sort();
                ids.dedup();
                assert_eq!(ids.len(), found.pairs.len(), "a blob has one partner");
            }
        }
    }
}

fn line(x: impl IntoIterator<Item = f64>) -> Vec<[f64; 3]> {
    x.into_iter().map(|x| [0.0, 0.0, x]).collect()
}

#[test]
fn distance_gives_up_a_pair_for_a_closer_one() {
    // a0 - b0 at .9, a1 - b0 at .1, a1 - b1 at .95 of the gate: two pairs are worth .15, one .9.
    let (a, b) = (line([0.0, 10.0]), line([9.0, 19.5]));
    let gate = Gate::new([10.0; 3]).unwrap();
    let ids = |objective| -> Vec<[u64; 2]> {
        let found = match_points(&a, &b, &gate, objective).unwrap();
        found.pairs.iter().map(|p| p.ids).collect()
    };
    assert_eq!(ids(Objective::Cardinality), [[0, 0], [1, 1]]);
    assert_eq!(ids(Objective::Distance), [[1, 0]]);
}

#[test]
fn long_chains_are_quick_and_exact() {
    let n = 10_000;
    let gate = Gate::new([5.0; 3]).unwrap();
    // Every blob has a candidate on both sides, the one above nearer: pairing 1-2, 3-4, ...
    // is possible for all, and the other way only with the ends alone.
    for (step_up, step_down) in [(4.0, 4.5), (4.5, 4.0), (4.2, 4.2)] {
        let mut at = 0.0;
        let mut sides = [Vec::new(), Vec::new()];
        for i in 0..n {
            sides[i % 2].push([0.0, 0.0, at]);
            at += if i % 2 == 0 { step_up } else { step_down };
        }
        for objective in OBJECTIVES {
            let found = match_points(&sides[0], &sides[1], &gate, objective).unwrap();
            assert_eq!((found.edges, found.largest_component), (n - 1, n));
            let straight =
                (0..n / 2).all(|i| found.pairs.get(i).is_some_and(|p| p.ids == [i as u64; 2]));
            // The shifted pairing saves more than the pair it gives up costs, where closeness counts.
            let shifted = objective == Objective::Distance && step_down < step_up;
            assert_eq!(straight, !shifted, "{step_up} {step_down} {objective:?}");
            let wanted = n / 2 - usize::from(shifted);
            assert_eq!(found.pairs.len(), wanted);
        }
    }
}

#[test]
fn one_large_component_matches_both_sides_alike() {
    // Far more candidates than blobs: one component; both ways round the optimum is the same.
    let (a, b) =
        (scattered(1, 1500, [30.0, 100.0, 100.0]), scattered(2, 1200, [30.0, 100.0, 100.0]));
    let gate = Gate::new([8.0, 10.0, 10.0]).unwrap();
    for objective in OBJECTIVES {
        let found = match_points(&a, &b, &gate, objective).unwrap();
        let back = match_points(&b, &a, &gate, objective).unwrap();
        assert_eq!(found.pairs.len(), back.pairs.len());
        let sum = |f: &Assignment| f.pairs.iter().map(|p| p.gate_distance).sum::<f64>();
        assert!((sum(&found) - sum(&back)).abs() < 1e-9);
        assert!(found.largest_component > 2600);
    }
}

/// Three channels in one volume, with duplicates and integer positions, in two frames.
fn crowd(seed: u64) -> Vec<Blob> {
    let mut all = Vec::new();
    for channel in 0..3u16 {
        let mut points = scattered(seed * 10 + u64::from(channel), 300, [20.0, 60.0, 60.0]);
        points.iter_mut().for_each(|p| *p = p.map(f64::round));
        let mut blobs = blobs_at(channel, 1 + 1000 * u64::from(channel), &points);
        blobs.iter_mut().skip(150).for_each(|b| b.t = 1);
        all.extend(blobs);
    }
    all
}

fn params() -> MatchParams {
    MatchParams { tolerance_um: [3.0, 5.0, 5.0], ..MatchParams::new([1.0; 3]) }
}

#[test]
fn the_order_of_rows_does_not_show() {
    let mut blobs = crowd(3);
    let found = match_stack(&blobs, &params()).unwrap();
    for seed in 0..3 {
        blobs.shuffle(&mut rng_at(seed, "row order", &[]));
        assert_eq!(match_stack(&blobs, &params()).unwrap(), found);
    }
    let sorted = found.pairs.windows(2);
    let key = |p: &hooke_core::BlobPair| (p.channels, p.blob_ids[0]);
    assert!(sorted.into_iter().all(|w| key(&w[0]) < key(&w[1])));
    let numbers: Vec<u64> = found.pairs.iter().map(|p| p.match_id).collect();
    assert_eq!(numbers, (1..=found.pairs.len() as u64).collect::<Vec<_>>());
    assert!(found.pairs.iter().any(|p| p.t == 1));
}

#[test]
fn neither_do_threads() {
    let blobs = crowd(4);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| match_stack(&blobs, &params()).unwrap())
    };
    assert_eq!(run(1), run(4));
}

#[test]
fn edges_of_blocks_are_those_of_the_whole() {
    let shape = [1, 1, 20, 60, 60];
    let site = |b: &Blob| Site { id: b.id, position_um: b.position_um, is_inner: true };
    let channel = |c: u16| -> Vec<Site> {
        crowd(5).iter().filter(|b| b.channel == c && b.t == 0).map(site).collect()
    };
    let (first, second) = (channel(0), channel(1));
    let gate = Gate::new([3.0, 5.0, 5.0]).unwrap();
    let whole =
        assign(gate_edges(&first, &second, &gate, MAX_EDGES).unwrap(), Objective::Cardinality)
            .unwrap();
    for step in [[1, 1, 7, 13, 60], [1, 1, 20, 20, 20], [1, 1, 5, 61, 1]] {
        let mut edges = Vec::new();
        for block in grid(shape, step) {
            let within = |s: &Site, margin: [f64; 3]| {
                (0..3).all(|d| {
                    let (low, n) = (block.start[d + 2] as f64, block.shape[d + 2] as f64);
                    // The last block also owns what lies on the far face.
                    let end = block.end()[d + 2] == shape[d + 2];
                    let high = if end { f64::INFINITY } else { low + n };
                    s.position_um[d] >= low - margin[d] && s.position_um[d] < high + margin[d]
                })
            };
            let owned: Vec<Site> = first.iter().filter(|s| within(s, [0.0; 3])).copied().collect();
            let near: Vec<Site> =
                second.iter().filter(|s| within(s, gate.semi_axes_um())).copied().collect();
            edges.extend(gate_edges(&owned, &near, &gate, MAX_EDGES).unwrap());
        }
        assert_eq!(assign(edges, Objective::Cardinality).unwrap(), whole, "{step:?}");
    }
}

#[test]
fn edges_are_all_pairs_within_the_gate_however_far_apart_others_lie() {
    let mut a = scattered(8, 200, [10.0, 10.0, 10.0]);
    let b = scattered(9, 200, [10.0, 10.0, 10.0]);
    a.push([1e12, -1e12, 5.0]);
    a.push([-0.0, -4e6, 3e9]);
    let site = |(i, p): (usize, &[f64; 3])| Site { id: i as u64, position_um: *p, is_inner: true };
    let (first, second): (Vec<Site>, Vec<Site>) =
        (a.iter().enumerate().map(site).collect(), b.iter().enumerate().map(site).collect());
    for tolerance in [[1.0, 2.0, 0.5], [1e-9, 3.0, 3.0], [50.0; 3]] {
        let gate = Gate::new(tolerance).unwrap();
        let near = |a: &Site| {
            second.iter().filter(|b| gate.distance(a.position_um, b.position_um).is_some()).count()
        };
        let wanted: usize = first.iter().map(near).sum();
        assert_eq!(gate_edges(&first, &second, &gate, MAX_EDGES).unwrap().len(), wanted);
    }
}

#[test]
fn rivals_and_components_are_counted() {
    // 1 and 2 compete for 11; 3 - 12 stand alone; 4 has nobody.
    let mut blobs = blobs_at(0, 1, &line([0.0, 3.0, 50.0, 90.0]));
    blobs.extend(blobs_at(2, 11, &line([1.0, 51.0])));
    let found = match_stack(&blobs, &params()).unwrap();
    let row = |i: usize| (found.pairs[i].blob_ids, found.pairs[i].component, found.pairs[i].rivals);
    assert_eq!((row(0), row(1)), (([1, 11], 1, 1), ([3, 12], 3, 0)));
    let crowding = found.crowding[0];
    assert_eq!((crowding.edges, crowding.largest_component, crowding.blobs), (3, 3, [4, 2]));
    assert_eq!(crowding.mean_degree, 1.0);
    assert_eq!(found.pairs[0].position, [0.0, 0.0, 0.5]);
    assert_eq!(found.pairs[0].distance_um, 1.0);
    assert_eq!((found.pairs[0].gate_distance, found.pairs[0].distance_scaled), (0.2, 1.0));
}

#[test]
fn bad_input_is_refused_and_nothing_is_nothing() {
    let twice = [blobs_at(0, 1, &line([0.0])), blobs_at(1, 1, &line([0.0]))].concat();
    assert!(matches!(match_stack(&twice, &params()), Err(BlobsError::DuplicateId { id: 1 })));
    for bad in [f64::NAN, f64::INFINITY, 1e300] {
        let blobs = [blobs_at(0, 1, &line([bad])), blobs_at(1, 2, &line([0.0]))].concat();
        assert!(matches!(match_stack(&blobs, &params()), Err(BlobsError::Position { id: 1, .. })));
    }
    for tolerance in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Gate::new([1.0, tolerance, 1.0]).is_err());
    }
    let [near, far] = [2, 3].map(|max_edges| {
        let three = [blobs_at(0, 1, &line([0.0, 1.0, 2.0])), blobs_at(1, 9, &line([1.0]))].concat();
        match_stack(&three, &MatchParams { max_edges, ..params() })
    });
    assert!(matches!(near, Err(BlobsError::TooManyPairs { limit: 2 })));
    assert_eq!(far.unwrap().crowding[0].edges, 3);
    assert!(match_stack(&[], &params()).unwrap().pairs.is_empty());
    let alone = match_stack(&blobs_at(1, 1, &line([0.0])), &params()).unwrap();
    assert!(alone.pairs.is_empty() && alone.crowding.is_empty());
    let only_two = MatchParams { channels: Some(vec![2, 0, 9]), ..params() };
    let channels: Vec<[u16; 2]> =
        match_stack(&crowd(1), &only_two).unwrap().crowding.iter().map(|c| c.channels).collect();
    assert_eq!(channels, [[0, 2]]);
}

#[test]
fn inner_padding_is_clipped_so_that_an_inner_box_remains() {
    let window = MatchWindow::new([0.0; 3], [1.0, 4.0, 10.0], [9.0, 9.0, 2.0]).unwrap();
    assert!(window.is_inner([0.0, 1.0, 2.0]) && window.is_inner([0.5, 2.9, 7.9]));
    assert!(!window.is_inner([0.0, 0.9, 2.0]) && !window.is_inner([0.0, 3.0, 2.0]));
    assert!(window.holds([0.0; 3]) && !window.holds([1.0, 0.0, 0.0]));
    assert!(MatchWindow::new([f64::NAN; 3], [1.0; 3], [0.0; 3]).is_err());
    assert!(MatchWindow::new([0.0; 3], [-1.0; 3], [0.0; 3]).is_err());
}
