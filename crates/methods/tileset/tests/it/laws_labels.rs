//! Laws of unique labels and centroids, on generated tiles.

use hooke_tileset::centroids::centroids;
use hooke_tileset::dedup::{DedupParams, Reason, dedup};
use hooke_tileset::paste::{Blend, PasteParams, Zeros, paste};
use hooke_tileset::sim::LabelSimParams;
use ndarray::Array3;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::dedup_truth::{relabelled, simulated};
use crate::kit::{placed, sets, views};

fn sims() -> impl Strategy<Value = LabelSimParams> {
    (0..1000u64, 0..2u32, 0..2u32, 1..4usize, 1..4usize, 3..14usize).prop_map(
        |(seed, jitter, position_error, ny, nx, overlap)| LabelSimParams {
            grid: [1, ny, nx],
            tile: [10, 30, 40],
            overlap: [0, overlap, overlap],
            objects: 40,
            border_jitter: f64::from(jitter),
            position_error,
            seed,
            ..LabelSimParams::default()
        },
    )
}

/// Labels drawn voxel by voxel from a few: many ties and conflicts.
fn crowded() -> impl Strategy<Value = (Vec<[i64; 3]>, Vec<Array3<u64>>)> {
    let tile = (vec(0u64..5, 24), 0..4i64, 0..3i64);
    vec(tile, 1..5).prop_map(|tiles| {
        let cut =
            |t: &(Vec<u64>, i64, i64)| Array3::from_shape_vec((1, 4, 6), t.0.clone()).unwrap();
        (tiles.iter().map(|t| [0, t.2, t.1]).collect(), tiles.iter().map(cut).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn twice_is_once(params in sims()) {
        let (sim, tiles) = simulated(&params);
        let placement = sim.placement().unwrap();
        let first = dedup(&placement, &views(&tiles), &DedupParams::default()).unwrap();
        let renamed = relabelled(&first, &tiles);
        let again = dedup(&placement, &views(&renamed), &DedupParams::default()).unwrap();
        prop_assert!(again.ids.iter().all(|r| r.old_id == r.new_id));
        prop_assert_eq!(first.n_objects(), again.n_objects());
    }

    #[test]
    fn permuting_tiles_permutes_the_sets_only(params in sims(), turn in 1..8usize) {
        let (sim, tiles) = simulated(&params);
        let n = tiles.len();
        let order: Vec<usize> = (0..n).map(|i| (i + turn) % n).rev().collect();
        let starts: Vec<[i64; 3]> = order.iter().map(|i| sim.starts()[*i]).collect();
        let turned: Vec<Array3<u64>> = order.iter().map(|i| tiles[*i].clone()).collect();
        let first = dedup(&sim.placement().unwrap(), &views(&tiles), &DedupParams::default()).unwrap();
        let second = dedup(&placed(&starts, &turned), &views(&turned), &DedupParams::default()).unwrap();
        // Two candidates that tie may be taken in the other order; then only their number is sure.
        let mut keys: Vec<(u64, u64)> = first.overlaps.iter()
            .filter(|r| r.reason == Reason::Conflict)
            .map(|r| (r.pair.n_overlap, r.pair.union()))
            .collect();
        keys.retain(|k| first.overlaps.iter().filter(|r| (r.pair.n_overlap, r.pair.union()) == *k).count() > 1);
        prop_assume!(keys.is_empty());
        let mut back: Vec<Vec<(usize, u64)>> = sets(&second).into_iter().map(|set| {
            let mut set: Vec<_> = set.into_iter().map(|(t, l)| (order[t], l)).collect();
            set.sort();
            set
        }).collect();
        back.sort();
        prop_assert_eq!(sets(&first), back);
    }

    #[test]
    fn ids_and_overlaps_hold_together((starts, tiles) in crowded(), many_to_one: bool, min_iou in 0.0..0.6f64) {
        let params = DedupParams { many_to_one, min_iou, first_id: 5, ..DedupParams::default() };
        let found = dedup(&placed(&starts, &tiles), &views(&tiles), &params).unwrap();
        let id = |tile: usize, label: u64| {
            found.of_tile(tile).iter().find(|r| r.old_id == label).unwrap().new_id
        };
        for row in &found.overlaps {
            let same = id(row.tile_a, row.pair.label_a) == id(row.tile_b, row.pair.label_b);
            prop_assert!(!row.accepted() || same);
            prop_assert!(row.reason != Reason::Conflict || !same && !many_to_one);
            prop_assert!(row.pair.n_overlap <= row.pair.n_a.min(row.pair.n_b));
        }
        if !many_to_one {
            for tile in 0..tiles.len() {
                let mut ids: Vec<u64> = found.of_tile(tile).iter().map(|r| r.new_id).collect();
                ids.sort();
                ids.dedup();
                prop_assert_eq!(ids.len(), found.of_tile(tile).len());
            }
        }
        // New ids have no gap, and their first appearances ascend.
        let mut next = 5;
        for row in &found.ids {
            prop_assert!(row.new_id <= next);
            next += u64::from(row.new_id == next);
            let tiles = found.ids.iter().filter(|r| r.new_id == row.new_id);
            let mut tiles: Vec<usize> = tiles.map(|r| r.tile).collect();
            tiles.dedup();
            prop_assert_eq!(tiles.len() as u32, row.n_tiles);
        }
        prop_assert_eq!(found.n_objects(), next - 5);
    }

    #[test]
    fn centroids_are_those_of_the_pasted_labels((starts, tiles) in crowded(), opaque: bool, first: bool) {
        let placement = placed(&starts, &tiles);
        let params = PasteParams {
            blend: if first { Blend::First } else { Blend::Last },
            zeros: if opaque { Zeros::Opaque } else { Zeros::Transparent },
            order: None,
        };
        let mosaic = paste(&placement, &views(&tiles), &params).unwrap();
        let found = centroids(&placement, &views(&tiles), &params).unwrap();
        let mut labels: Vec<u64> = mosaic.iter().copied().filter(|l| *l > 0).collect();
        labels.sort();
        labels.dedup();
        prop_assert_eq!(found.iter().map(|c| c.label).collect::<Vec<_>>(), labels);
        for centroid in found {
            let at: Vec<_> = mosaic.indexed_iter().filter(|(_, l)| **l == centroid.label).map(|(p, _)| p).collect();
            prop_assert_eq!(centroid.n_voxels as usize, at.len());
            let mean = |f: fn(&(usize, usize, usize)) -> usize| at.iter().map(f).sum::<usize>() as f64 / at.len() as f64;
            prop_assert_eq!(centroid.centre, [mean(|p| p.0), mean(|p| p.1), mean(|p| p.2)]);
        }
    }
}
