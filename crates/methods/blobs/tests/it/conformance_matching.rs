//! The shared answers for matching.

use std::collections::BTreeMap;

use hooke_blobs::matches::{MatchIds, MatchTable};
use hooke_blobs::matching::*;
use hooke_core::BlobPair;
use ndarray::{Array2, ArrayView2};
use serde_json::Value;

use crate::kit::*;

/// Reversed: axes x, y, z to z, y, x.
fn reversed(value: &Value) -> [f64; 3] {
    let [x, y, z] = triple(value);
    [z, y, x]
}

fn cost(pairs: &[BlobPair]) -> f64 {
    pairs.iter().map(|p| p.gate_distance).sum()
}

#[test]
fn assignments_are_the_exact_optimum() {
    let Some(cases) = answers("assign.json") else { return };
    for case in cases.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (a, b) = (points(&case["a"]), points(&case["b"]));
        let gate = Gate::new(triple(&case["tol"])).unwrap();
        let found = match_points(&a, &b, &gate, Objective::Cardinality).unwrap();
        assert_eq!(found.pairs.len() as u64, case["exact_count"].as_u64().unwrap(), "{name}");
        let sum: f64 = found.pairs.iter().map(|p| p.gate_distance).sum();
        assert!((sum - case["exact_cost"].as_f64().unwrap()).abs() < 1e-9, "{name}");
        if case["agrees"].as_bool().unwrap() {
            assert_eq!(case["peer_pairs"].as_array().unwrap().len(), found.pairs.len(), "{name}");
        }
    }
}

#[test]
fn windows_have_the_exact_optimum_and_never_fewer_pairs_than_the_peer() {
    let Some(cases) = answers("match_roi.json") else { return };
    for case in cases.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let blobs = blobs(&rows(&case["blobs"]), [1.0; 3]);
        let tolerance = triple(&case["tol_zyx"]);
        let padding = Some(&case["inner_padding_xyz"]).filter(|p| !p.is_null()).map(reversed);
        let channels = case["channels"].as_array();
        let channels: Option<Vec<u16>> =
            channels.map(|c| c.iter().map(|c| c.as_u64().unwrap() as u16).collect());
        let (offset, shape) = (reversed(&case["offset_xyz"]), reversed(&case["size_xyz"]));
        let tables =
            match_block(&blobs, offset, shape, tolerance, padding, channels.as_deref()).unwrap();
        let keys: Vec<String> = tables.keys().map(|[a, b]| format!("{a}-{b}")).collect();
        let exact = case["exact"].as_object().unwrap();
        assert_eq!(keys, exact.keys().cloned().collect::<Vec<_>>(), "{name}");
        let longest = tolerance.into_iter().fold(0.0, f64::max);
        for (table, (key, wanted)) in tables.values().zip(exact) {
            assert_eq!(table.len() as u64, wanted["count"].as_u64().unwrap(), "{name} {key}");
            let sum: f64 = table.distance().iter().map(|d| d / longest).sum();
            assert!((sum - wanted["cost"].as_f64().unwrap()).abs() < 1e-9, "{name} {key}");
            let peer = case["peer"][key].as_array().unwrap();
            assert!(table.len() >= peer.len(), "{name} {key}");
            if case["same_count"].as_bool().unwrap() {
                compare_with_peer(table, peer, name);
            }
        }
    }
}

/// Rows of the peer and ours, by blob 1, where the peer's pairs are as many.
fn compare_with_peer(table: &MatchTable, peer: &[Value], name: &str) {
    let Some([first, second]) = table.get_blobs_all() else { return };
    let by_first: BTreeMap<Vec<u64>, usize> =
        (0..table.len()).map(|i| (first.row(i).iter().map(|v| v.to_bits()).collect(), i)).collect();
    let ours: f64 = table.distance().iter().sum();
    let theirs: f64 = peer.iter().map(|row| row["distance"].as_f64().unwrap()).sum();
    assert!(ours <= theirs + 1e-9, "{name}: {ours} {theirs}");
    if (ours - theirs).abs() > 1e-9 {
        return;
    }
    for row in peer {
        let key: Vec<u64> = numbers(&row["blob1"]).iter().map(|v| v.to_bits()).collect();
        let at = by_first[&key];
        assert_eq!(second.row(at).to_vec(), numbers(&row["blob2"]), "{name}");
        assert!(close(table.distance()[at], row["distance"].as_f64().unwrap(), 1e-12), "{name}");
    }
}

#[test]
fn the_stack_has_all_pairs_that_the_peer_loses() {
    let Some(stack) = answers("stack.json") else { return };
    let voxel = triple(&stack["voxel_um"]);
    let blobs = blobs(&rows(&stack["blobs"]), voxel);
    let params = MatchParams { tolerance_um: triple(&stack["tol_um"]), ..MatchParams::new(voxel) };
    let found = match_stack(&blobs, &params).unwrap();
    for (key, wanted) in stack["exact"].as_object().unwrap() {
        let of_key = |p: &&BlobPair| format!("{}-{}", p.channels[0], p.channels[1]) == *key;
        let pairs: Vec<BlobPair> = found.pairs.iter().filter(of_key).cloned().collect();
        assert_eq!(pairs.len() as u64, wanted["count"].as_u64().unwrap(), "{key}");
        assert!((cost(&pairs) - wanted["cost"].as_f64().unwrap()).abs() < 1e-9, "{key}");
    }
    let scaled = |p: &BlobPair| close(p.distance_scaled, 5.0 * p.gate_distance, 1e-12);
    assert!(found.pairs.iter().all(scaled));
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

fn same(found: ArrayView2<'_, f64>, wanted: &Value) {
    let wanted = matrix(&rows(wanted));
    assert_eq!(found.dim(), wanted.dim());
    assert!(found.iter().zip(&wanted).all(|(a, b)| close(*a, *b, 1e-12)));
}

#[test]
fn tables_of_matches_behave_as_the_peer_does() {
    let Some(peer) = answers("blobmatch.json") else { return };
    let matches = peer["matches"].as_array().unwrap();
    let side = |n: usize| matrix(&matches.iter().map(|m| numbers(&m[n])).collect::<Vec<_>>());
    let distance = matches.iter().map(|m| m[2].as_f64().unwrap()).collect::<Vec<_>>();
    let id = |key: &str, i: usize| peer[key][i].as_i64();
    let ids = (0..matches.len()).map(|i| MatchIds {
        match_id: id("match_id", i),
        roi_id: id("roi_id", i),
        blob_ids: [id("blob1_id", i), id("blob2_id", i)],
    });
    let ids: Vec<MatchIds> = ids.collect();
    assert_eq!(ids[1].blob_ids, [Some(12), Some(22)]);
    let blobs = [side(0), side(1)];
    let mut table = MatchTable::new(blobs.clone(), distance.clone(), Some(ids.clone())).unwrap();
    same(table.mean_coords().view(), &peer["mean_coords"]);
    assert_eq!(table.get_blobs(2), table.get_blobs(7));
    table.update_blobs(|rows| rows.mapv(|v| 2.0 * v)).unwrap();
    same(table.get_blobs(1).unwrap(), &peer["after_update_times_2"]["blobs1"]);
    same(table.get_blobs(2).unwrap(), &peer["after_update_times_2"]["blobs2"]);
    same(table.mean_coords().view(), &peer["after_update_times_2"]["mean_coords"]);
    assert!(table.update_blobs(|rows| rows.slice(ndarray::s![1.., ..]).to_owned()).is_err());
    assert_eq!((table.len(), table.ids()), (5, &ids[..]));
    let unknown = MatchTable::new(blobs.clone(), distance.clone(), None).unwrap();
    assert!(unknown.ids().iter().all(|ids| *ids == MatchIds::default()));
    assert!(MatchTable::new(blobs, distance, Some(ids[1..].to_vec())).is_err());
    let names = peer["columns"].as_array().unwrap().iter().map(|v| v.as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), hooke_blobs::matches::COLUMNS);
    let mut empty = MatchTable::default();
    assert!(empty.get_blobs(1).is_none() && empty.get_blobs_all().is_none());
    empty.update_blobs(|_| panic!("there is nothing to change")).unwrap();
    assert_eq!(empty.mean_coords().dim(), (0, 3));
}
