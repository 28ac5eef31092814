//! Files that MagellanMapper wrote.

use std::collections::BTreeMap;
use std::path::Path;

use hooke_core::Blob;
use hooke_io::blobs::peers::{self, BlobFormat, magmap_meta};
use hooke_io::blobs::store::{BlobStore, Import, StoreError, StoredMatch};
use hooke_io::blobs::{BlobFile, BlobSet, Roi, TableMeta, VoxelBox};
use serde_json::Value;

use super::conformance;
use crate::harness::assert_close;

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn set(file: BlobFile) -> BlobSet {
    file.sets.into_iter().next().unwrap()
}

/// A set of blobs in a store of its own.
fn store(set: &BlobSet) -> (tempfile::TempDir, BlobStore) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite");
    let meta = TableMeta { image: set.image.clone(), parameters: None };
    let import = Import {
        experiment: set.experiment.as_deref().unwrap_or("a"),
        date: None,
        roi: set.roi,
        meta: &meta,
        blobs: &set.blobs,
        pairs: &set.pairs,
        rule: "magmap",
    };
    BlobStore::create::<_, StoreError>(&path, |store| store.import(&[import])).unwrap();
    let store = BlobStore::open_to_read(&path).unwrap();
    (folder, store)
}

fn triple(value: &Value) -> Option<[f64; 3]> {
    let list = value.as_array()?;
    Some(std::array::from_fn(|d| list[d].as_f64().unwrap()))
}

/// Compares what boxes hold with what MagellanMapper's `select_matches` gave for them.
fn check_boxes(store: &BlobStore, boxes: &Value, same_ids: bool) {
    for one in boxes.as_array().unwrap() {
        let within = match (triple(&one["offset_zyx"]), triple(&one["shape_zyx"])) {
            (Some(offset), Some(shape)) => Some(VoxelBox { offset, shape }),
            _ => None,
        };
        let found = store.select_matches(None, within, Some("expt_a")).unwrap();
        // A pair of channels without a match has no entry in ours.
        let wanted: BTreeMap<&String, &Value> = one["result"]
            .as_object()
            .map(|o| o.iter().filter(|(_, v)| v["count"] != 0).collect())
            .unwrap_or_default();
        let found = found.unwrap_or_default();
        let names: Vec<String> = found.keys().map(|(a, b)| format!("{a}-{b}")).collect();
        assert_eq!(names.iter().collect::<Vec<_>>(), wanted.keys().copied().collect::<Vec<_>>());
        for (rows, wanted) in found.values().zip(wanted.values()) {
            assert_eq!(rows.len() as u64, wanted["count"].as_u64().unwrap());
            let sum = rows.iter().map(|r| r.distance_scaled).sum();
            assert_close(Some(sum), wanted["distance_sum"].as_f64(), 1e-12);
            if same_ids {
                let ids: Vec<u64> = rows.iter().map(|r| r.id).collect();
                assert_eq!(serde_json::json!(ids), wanted["match_ids"]);
            }
        }
    }
}

#[test]
fn databases_hold_what_magellanmapper_finds_in_them() {
    let Some(folder) = conformance() else { return };
    let expected = json(&folder.join("database.json"));
    for (name, same_ids) in [("two_channels", true), ("four_channels_peer_loses", false)] {
        let path = folder.join(format!("{name}.db"));
        let before = std::fs::read(&path).unwrap();
        let file = peers::read(&path, BlobFormat::MagmapDb, Some([1.0; 3])).unwrap();
        assert!(file.warnings.is_empty());
        let set = set(file);
        let rows = &expected[name]["rows_in_peer_db"];
        assert_eq!(rows["blobs"], set.blobs.len());
        assert_eq!(rows["blob_matches"], set.pairs.len());
        assert_eq!((set.experiment.as_deref(), set.roi), (Some("expt_a"), Roi::WHOLE));
        let (_folder, store) = store(&set);
        check_boxes(&store, &expected[name]["select_matches"], same_ids);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

/// The four channels of which the peer loses matches: ours keeps what was inserted.
#[test]
fn every_inserted_match_of_four_channels_is_kept() {
    let Some(folder) = conformance() else { return };
    let expected = &json(&folder.join("database.json"))["four_channels_peer_loses"];
    let mut set = BlobSet { experiment: Some("expt_a".to_owned()), ..BlobSet::default() };
    let source = "magmap".into();
    let add = |set: &mut BlobSet, channel: u16, place: [f64; 3]| -> u64 {
        let there = set.blobs.iter().find(|b| b.channel == channel && b.position == place);
        if let Some(blob) = there {
            return blob.id;
        }
        let id = set.blobs.len() as u64 + 1;
        set.blobs.push(Blob { id, ..Blob::at(channel, place, place, 3.0, &source) });
        id
    };
    for (channels, rows) in expected["inserted"].as_object().unwrap() {
        let (a, b) = channels.split_once('-').unwrap();
        let channels = [a.parse::<u16>().unwrap(), b.parse().unwrap()];
        for row in rows.as_array().unwrap() {
            let ends = [0, 1].map(|i| add(&mut set, channels[i], triple(&row[i]).unwrap()));
            set.pairs.push(hooke_core::BlobPair {
                match_id: set.pairs.len() as u64 + 1,
                roi_id: 0,
                t: 0,
                channels,
                blob_ids: ends,
                distance_um: 0.0,
                distance_scaled: row[2].as_f64().unwrap(),
                gate_distance: 0.0,
                position: [0.0; 3],
                position_um: [0.0; 3],
                component: 0,
                rivals: 0,
            });
        }
    }
    let (_folder, store) = store(&set);
    let found = store.select_matches(None, None, None).unwrap().unwrap();
    let counts: BTreeMap<String, usize> =
        found.iter().map(|((a, b), rows)| (format!("{a}-{b}"), rows.len())).collect();
    assert_eq!(serde_json::json!(counts), expected["inserted_counts"]);
    let one = store.select_matches(Some(&[0, 3]), None, None).unwrap().unwrap();
    assert_eq!(one.keys().collect::<Vec<_>>(), [&(0, 3)]);
    let lower = |m: &StoredMatch| m.blob1.channel < m.blob2.channel;
    assert!(found.values().flatten().all(lower));
}

#[test]
fn the_matches_of_a_whole_run_are_imported_as_they_are() {
    let Some(folder) = conformance() else { return };
    let expected = &json(&folder.join("magmap_files.json"))["magmap_matches"];
    let path = folder.join("magmap_matches.db");
    let set = set(peers::read(&path, BlobFormat::MagmapDb, Some([3.0, 1.0, 1.0])).unwrap());
    assert_eq!((set.blobs.len(), set.experiment.as_deref()), (82, Some("midT")));
    let (_folder, store) = store(&set);
    let found = store.select_matches(None, None, None).unwrap().unwrap().remove(&(0, 1)).unwrap();
    let wanted = expected["matches"].as_array().unwrap();
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        // id, roi_id, blob1, blob2, dist, z1, y1, x1, channel1, z2, y2, x2, channel2
        let number = |i: usize| wanted[i].as_f64().unwrap();
        assert_eq!((found.id as f64, found.distance_scaled), (number(0), number(4)));
        assert_eq!(found.blob1.position, [number(5), number(6), number(7)]);
        assert_eq!(found.blob2.position, [number(9), number(10), number(11)]);
        let um = (0..3).map(|d| (found.blob1.position_um[d] - found.blob2.position_um[d]).powi(2));
        assert_close(Some(found.distance_um), Some(um.sum::<f64>().sqrt()), 1e-12);
    }
}

#[test]
fn archives_of_a_whole_run_are_read() {
    let Some(folder) = conformance() else { return };
    let expected = json(&folder.join("magmap_files.json"));
    for name in ["magmap_detect_blobs", "magmap_detect_coloc_blobs"] {
        let path = folder.join(format!("{name}.npz"));
        let file = peers::read(&path, BlobFormat::MagmapNpz, None).unwrap();
        let (warnings, set) = (file.warnings.clone(), set(file));
        let wanted = &expected[name];
        assert_eq!(wanted["n"], set.blobs.len());
        assert_eq!(set.experiment.as_deref(), wanted["basename"].as_str());
        let size = set.image.as_ref().unwrap().voxel_size_um;
        assert_eq!(serde_json::json!([size]), wanted["resolutions"]);
        for (channel, n) in wanted["per_channel"].as_object().unwrap() {
            let channel: u16 = channel.parse().unwrap();
            assert_eq!(
                set.blobs.iter().filter(|b| b.channel == channel).count() as u64,
                n.as_u64().unwrap()
            );
        }
        let n = set.blobs.len() as f64;
        for d in 0..3 {
            let mean = set.blobs.iter().map(|b| b.position[d]).sum::<f64>() / n;
            assert_close(Some(mean), wanted["mean_zyx"][d].as_f64(), 1e-12);
        }
        let mut radii: Vec<String> =
            set.blobs.iter().map(|b| format!("{:.5}", b.radius_um)).collect();
        radii.sort();
        radii.dedup();
        let told = wanted["radii"].as_array().unwrap();
        let told: Vec<String> =
            told.iter().map(|r| format!("{:.5}", r.as_f64().unwrap())).collect();
        assert_eq!(radii, told);
        match wanted["colocs"].is_null() {
            true => assert!(set.colocs.is_none() && warnings.is_empty()),
            false => {
                assert_eq!(warnings[0].0, "colocs-shifted");
                let flags = set.colocs.unwrap();
                let column = |c: usize| flags.values.iter().skip(c).step_by(flags.channels);
                let sum = column(0).filter(|f| **f == Some(true)).count();
                assert_eq!(wanted["colocs"]["column_sums"][1], sum);
                assert!(column(1).all(Option::is_none));
            }
        }
    }
    let notes = magmap_meta::read_meta(&folder.join("magmap_detect_meta.yml")).unwrap();
    assert_eq!(notes.resolutions, [[3.0, 1.0, 1.0]]);
    assert_eq!(notes.sizes, [[1, 48, 256, 256, 2]]);
}
