//! Overlapping labels, unique ids and centroids against ExM-Toolbox and hand-made truth.

use std::collections::BTreeSet;

use hooke_tileset::centroids::centroids;
use hooke_tileset::dedup::{DedupParams, LabelCounts, dedup};
use hooke_tileset::paste::PasteParams;
use hooke_tileset::score::adjusted_rand;
use ndarray::Array3;
use serde_json::Value;

use crate::kit::{arrays, close, expected, placed, rows, sets, starts, tiles, views, volume};

fn numbers(rows: &Value) -> Vec<Vec<u64>> {
    let row = |row: &Value| row.as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect();
    rows.as_array().unwrap().iter().map(row).collect()
}

#[test]
fn rows_of_overlapping_labels_match_and_every_object_gets_one_id() {
    let (Some(arrays), Some(expected)) = (arrays("labels.npz"), expected()) else { return };
    let tiles: Vec<Array3<u16>> = tiles(&arrays);
    let placement = placed(&starts(&arrays["starts_zyx"]), &tiles);
    let found = dedup(&placement, &views(&tiles), &DedupParams::default()).unwrap();
    let rows: Vec<Vec<u64>> = found
        .overlaps
        .iter()
        .map(|r| {
            let (a, b, p) = (r.tile_a as u64, r.tile_b as u64, r.pair);
            vec![a, p.label_a, b, p.label_b, p.n_overlap, p.n_a, p.n_b]
        })
        .collect();
    let labels = &expected["labels"];
    let mut wanted = numbers(&labels["overlap_rows_a_ida_b_idb_noverlap_na_nb"]);
    wanted.sort();
    assert_eq!(rows, wanted);

    let truth: Vec<u64> = found
        .ids
        .iter()
        .map(|r| {
            let tile = &labels["truth_world_label"][r.tile.to_string()];
            tile[r.old_id.to_string()].as_u64().unwrap()
        })
        .collect();
    let ids: Vec<u64> = found.ids.iter().map(|r| r.new_id).collect();
    assert_eq!(adjusted_rand(&truth, &ids), 1.0);
    assert_eq!(Some(found.n_objects()), labels["n_objects_seen"].as_u64());
    assert_eq!(found.largest_id(), found.n_objects());
}

#[test]
fn a_chain_of_three_tiles_is_one_object_and_a_contact_of_one_voxel_is_none() {
    let (Some(arrays), Some(expected)) = (arrays("chain.npz"), expected()) else { return };
    let tiles: Vec<Array3<u16>> = ["a", "b", "c"].map(|n| volume(&arrays[n])).into();
    let placement = placed(&starts(&arrays["starts_zyx"]), &tiles);
    let found = dedup(&placement, &views(&tiles), &DedupParams::default()).unwrap();
    let wanted: Vec<Vec<(usize, u64)>> = expected["chain"]["sets_default"]
        .as_array()
        .unwrap()
        .iter()
        .map(|set| numbers(set).iter().map(|m| (m[0] as usize, m[1])).collect())
        .collect();
    assert_eq!(sets(&found), wanted);
}

#[test]
fn every_label_but_the_background_is_listed() {
    let (Some(arrays), Some(expected)) = (arrays("labels.npz"), expected()) else { return };
    let mut found = BTreeSet::new();
    for (tile, labels) in tiles::<u16>(&arrays).iter().enumerate() {
        let mut counts = LabelCounts::default();
        counts.add(tile, labels.as_slice().unwrap()).unwrap();
        let sorted = counts.sorted();
        let voxels: u64 = sorted.iter().map(|(_, n)| n).sum();
        assert_eq!(voxels, labels.iter().filter(|l| **l > 0).count() as u64);
        found.extend(sorted.into_iter().map(|(label, _)| vec![tile as u64, label]));
    }
    let peer = numbers(&expected["get_all_blobs_peer"]);
    let wanted: BTreeSet<Vec<u64>> = peer.into_iter().filter(|row| row[1] != 0).collect();
    assert_eq!(found, wanted);
}

#[test]
fn centroids_are_those_of_the_mosaic() {
    let Some(arrays) = arrays("centroids.npz") else { return };
    let tiles: Vec<Array3<u16>> = tiles(&arrays);
    let placement = placed(&starts(&arrays["starts_zyx"]), &tiles);
    let found = centroids(&placement, &views(&tiles), &PasteParams::default()).unwrap();
    let labels: Vec<f64> = found.iter().map(|c| c.label as f64).collect();
    assert_eq!(labels, arrays["labels"].values);
    let peer = rows(&arrays["centroids_xyz_px_peer"]);
    for ((found, [x, y, z]), n) in found.iter().zip(&peer).zip(&arrays["n_voxels"].values) {
        assert_eq!(found.n_voxels as f64, *n);
        let wanted = [*z, *y, *x];
        assert!((0..3).all(|d| close(found.centre[d], wanted[d], 1e-9)), "{found:?}");
    }
    // Boxes and numbers of tiles by hand from the mosaic and the tiles.
    let mosaic: Array3<u16> = volume(&arrays["volume"]);
    for centroid in &found {
        let at: Vec<_> = mosaic
            .indexed_iter()
            .filter(|(_, label)| u64::from(**label) == centroid.label)
            .map(|(at, _)| at)
            .collect();
        let first = |f: fn(&(usize, usize, usize)) -> usize| at.iter().map(f).min().unwrap() as u32;
        let last = |f: fn(&(usize, usize, usize)) -> usize| at.iter().map(f).max().unwrap() as u32;
        assert_eq!(centroid.start, [first(|p| p.0), first(|p| p.1), first(|p| p.2)]);
        assert_eq!(centroid.end, [last(|p| p.0), last(|p| p.1), last(|p| p.2)].map(|n| n + 1));
        let holds = |t: &&Array3<u16>| t.iter().any(|l| u64::from(*l) == centroid.label);
        assert_eq!(centroid.n_tiles as usize, tiles.iter().filter(holds).count());
    }
}
