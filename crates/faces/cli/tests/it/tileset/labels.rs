//! Labels of many tiles made one: against simulated truth, and what must hold of any set.

use serde_json::Value;

use super::{csv, number, stats, with_labels};
use crate::hooke::Bench;

fn score(bench: &Bench, ids: &str) -> Value {
    bench.json(&format!("score labels {ids} labels/truth.parquet"))["result"].clone()
}

fn assert_perfect(found: &Value) {
    assert_eq!(found["adjusted_rand"], 1.0, "{found}");
    assert_eq!(found["lost_voxels"], 0, "{found}");
    assert_eq!(found["missing_labels"], 0, "{found}");
    assert_eq!(found["unknown_labels"], 0, "{found}");
    assert_eq!(found["objects"], found["ids"], "{found}");
    assert_eq!(found["merged"], found["crossing"], "{found}");
    assert_eq!(found["false_merges"], 0, "{found}");
}

#[test]
fn ids_are_the_true_objects_and_no_voxel_is_lost() {
    let bench = with_labels("");
    let told = bench.json("tileset dedup labels/tiles.csv -o unique.zarr -q");
    assert_eq!(told["status"], "done", "{told}");
    assert_eq!(told["outputs"].as_array().unwrap().len(), 3, "{told}");
    let found = score(&bench, "unique.zarr.ids.parquet");
    assert_perfect(&found);
    assert!(found["crossing"].as_u64().unwrap() > 20, "{found}");
    assert_eq!(found["objects"], told["result"]["objects"]);
    // The mosaic of the result has as many labels as there are objects.
    bench.ok("tileset centroids unique.zarr -o objects.csv -q");
    let objects = csv(&bench.path("objects.csv"));
    assert_eq!(objects.len() as u64, found["objects"].as_u64().unwrap());
    bench.ok("tileset volume unique.zarr -o volume.npy --labels -q");
    bench.ok("tileset volume labels/tiles.csv -o any.npy -q");
    let voxels: f64 = objects.iter().map(|o| number(o, "n_voxels")).sum();
    let volume = super::npy(&bench.path("volume.npy"), u32::from_le_bytes);
    let any = super::npy(&bench.path("any.npy"), u16::from_le_bytes);
    assert_eq!(volume.iter().filter(|v| **v != 0).count() as f64, voxels);
    assert!(volume.iter().zip(&any).all(|(a, b)| (*a == 0) == (*b == 0)));
    let mut labels = volume.clone();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len() - 1, objects.len());
}

#[test]
fn columns_and_provenance_are_as_documented() {
    let bench = with_labels("");
    bench.ok("tileset dedup labels/tiles.csv -o unique.csv --table ids.csv --overlaps o.csv -q");
    let head = |name: &str| {
        let text = std::fs::read_to_string(bench.path(name)).unwrap();
        text.lines().next().unwrap().to_owned()
    };
    assert_eq!(head("ids.csv"), "tile,old_id,new_id,n_voxels,n_tiles");
    assert_eq!(
        head("o.csv"),
        "tile_a,label_a,tile_b,label_b,n_overlap,n_a,n_b,iou,accepted,reason"
    );
    let ids = csv(&bench.path("ids.csv"));
    let key =
        |r: &std::collections::BTreeMap<String, String>| (number(r, "tile"), number(r, "old_id"));
    assert!(ids.windows(2).all(|w| key(&w[0]) < key(&w[1])), "sorted, each label once");
    for row in csv(&bench.path("o.csv")) {
        assert_eq!(row["accepted"] == "true", row["reason"] == "merged", "{row:?}");
        assert!(number(&row, "tile_a") < number(&row, "tile_b"), "{row:?}");
    }
    for name in
        ["unique.csv", "unique/tile_0003.ome.tif", "unique.csv.hooke.json", "unique.csv.run.toml"]
    {
        assert!(bench.has(name), "{name}");
    }
    let provenance = bench.read_json("unique.csv.hooke.json");
    assert_eq!(provenance["status"], "done");
    assert_eq!(provenance["parameters"]["params"]["min_iou"], 0.25);
    assert_eq!(provenance["inputs"].as_array().unwrap().len(), 5);
    assert_perfect(&score(&bench, "ids.csv"));
    bench.ok("tileset centroids unique.csv -o c.csv -q");
    assert_eq!(
        head("c.csv"),
        "label,z_um,y_um,x_um,z,y,x,n_voxels,volume_um3,z0,y0,x0,z1,y1,x1,n_tiles"
    );
    bench.ok("tileset centroids unique.csv -o w.csv --intensity labels/tiles.csv -q");
    assert!(head("w.csv").ends_with(
        "n_tiles,mean_intensity,z_weighted_um,y_weighted_um,x_weighted_um,z_weighted,y_weighted,x_weighted"
    ));
}

#[test]
fn a_second_run_merges_nothing_new() {
    let bench = with_labels("");
    bench.ok("tileset dedup labels/tiles.csv -o once.zarr --table once.csv -q");
    bench.ok("tileset dedup once.zarr -o twice.zarr --table twice.csv -q");
    let first = csv(&bench.path("once.csv"));
    let second = csv(&bench.path("twice.csv"));
    // Ids of the first run are labels of the second: one to one, and as many tiles each.
    let new_of = |label: &str| second.iter().find(|r| r["old_id"] == label).unwrap();
    for row in &first {
        assert_eq!(new_of(&row["new_id"])["n_tiles"], row["n_tiles"]);
    }
    let distinct = |rows: &[std::collections::BTreeMap<String, String>]| {
        rows.iter().map(|r| r["new_id"].clone()).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(distinct(&first), distinct(&second));
}

#[test]
fn the_order_of_the_tiles_changes_names_only() {
    let bench = with_labels("--seed 5");
    bench.ok("tileset dedup labels/tiles.csv -o a.zarr --tables-only -q");
    let table = std::fs::read_to_string(bench.path("labels/tiles.csv")).unwrap();
    let mut lines: Vec<&str> = table.lines().collect();
    lines[1..].reverse();
    bench.write("labels/turned.csv", lines.join("\n"));
    bench.ok("tileset dedup labels/turned.csv -o b.zarr --table b.csv --tables-only -q");
    bench.ok("tileset dedup labels/tiles.csv -o c.zarr --table c.csv --tables-only -q");
    let sets = |name: &str, turned: bool| {
        let mut sets = std::collections::BTreeMap::<String, Vec<(i64, String)>>::new();
        for row in csv(&bench.path(name)) {
            let tile = number(&row, "tile") as i64;
            let tile = if turned { 3 - tile } else { tile };
            sets.entry(row["new_id"].clone()).or_default().push((tile, row["old_id"].clone()));
        }
        let mut sets: Vec<_> = sets.into_values().collect();
        sets.iter_mut().for_each(|s| s.sort());
        sets.sort();
        sets
    };
    assert_eq!(sets("b.csv", true), sets("c.csv", false));
    assert!(!bench.has("a.zarr") && bench.has("a.zarr.ids.parquet"));
}

#[test]
fn ids_above_32_bits_come_and_go() {
    let bench = with_labels("--largest-id 1099511627776");
    bench.ok("tileset dedup labels/tiles.csv -o a.zarr -q");
    assert_perfect(&score(&bench, "a.zarr.ids.parquet"));
    let dtype = |name: &str| {
        bench.json(&format!("tileset info {name}"))["tiles"][0]["dtype"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(dtype("labels/tiles.csv"), "uint64");
    assert_eq!(dtype("a.zarr"), "uint32", "new ids are small again");
    bench.ok("tileset dedup labels/tiles.csv -o b.zarr --first-id 4294967290 -q");
    assert_eq!(dtype("b.zarr"), "uint64", "until they have to be large");
    assert_eq!(stats(&bench, "b.zarr")["max"].as_f64().unwrap().trunc() as u64 >> 32, 1);
    let err = bench
        .fails(1, "tileset dedup labels/tiles.csv -o c.zarr --first-id 4294967290 --dtype u32 -q");
    assert!(err.contains("does not fit uint32") && err.contains("--dtype u64"), "{err}");
    assert!(!bench.has("c.zarr"));
}

#[test]
fn blurred_borders_and_stage_errors_still_merge() {
    let bench = Bench::new();
    bench.ok("simulate tiles -o labels --labels --grid 3,3 --tile 32,128,128 --overlap 24 \
              --objects 1200 --border-jitter 1 --position-error 1 -q");
    // Slivers as thin as the error of the stage count as crossing; exclusivity alone merges them.
    for (min_iou, least) in [(0.25, 0.92), (0.0, 0.98)] {
        let name = format!("iou{min_iou}.zarr");
        bench.ok(&format!(
            "tileset dedup labels/tiles.csv -o {name} --min-iou {min_iou} --tables-only -q"
        ));
        let found = score(&bench, &format!("{name}.ids.parquet"));
        assert!(found["crossing"].as_u64().unwrap() >= 40, "{found}");
        assert!(found["merged_fraction"].as_f64().unwrap() >= least, "{found}");
        assert!(found["false_merge_fraction"].as_f64().unwrap() <= 0.005, "{found}");
    }
}

#[test]
fn points_go_to_the_sample_and_come_back() {
    let bench = with_labels("");
    let points = "tile,z_um,y_um,x_um,name\n3,4,10.5,20.25,a\n0,0,0,0,b\n2,30,61,1.5,c\n";
    bench.write("points.csv", points);
    bench.ok("tileset to-global points.csv --tileset labels/tiles.csv -o global.csv -q");
    let global = csv(&bench.path("global.csv"));
    assert_eq!(global[0]["name"], "a", "other columns stay");
    assert_eq!(number(&global[0], "global_y_um"), 62.5);
    assert_eq!(number(&global[0], "global_x_um"), 72.25);
    let text = std::fs::read_to_string(bench.path("global.csv")).unwrap();
    let renamed: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(i, line)| {
            let cells: Vec<&str> = line.split(',').collect();
            if i == 0 { "z_um,y_um,x_um".to_owned() } else { cells[5..8].join(",") }
        })
        .collect();
    bench.write("back.csv", renamed.join("\n") + "\n900,0,0\n");
    bench.ok("tileset to-global back.csv --tileset labels/tiles.csv -o local.parquet --inverse -q");
    bench.ok("tileset to-global back.csv --tileset labels/tiles.csv -o local.csv --inverse -q");
    let local = csv(&bench.path("local.csv"));
    for (point, row) in csv(&bench.path("points.csv")).iter().enumerate() {
        let same = |r: &&std::collections::BTreeMap<String, String>| {
            number(r, "point") as usize == point && r["tile"] == row["tile"]
        };
        let found = local.iter().find(same).unwrap_or_else(|| panic!("{row:?} in {local:?}"));
        for axis in ["z_um", "y_um", "x_um"] {
            assert!((number(found, axis) - number(row, axis)).abs() < 1e-9, "{axis} {found:?}");
        }
    }
    let nowhere = local.iter().find(|r| r["point"] == "3").unwrap();
    assert_eq!((nowhere["tile"].as_str(), nowhere["z_um"].as_str()), ("", ""));
}

#[test]
fn a_report_shows_the_plane_the_map_and_what_was_merged() {
    let bench = with_labels("");
    bench.ok("tileset dedup labels/tiles.csv -o unique.zarr --report -q");
    let page = std::fs::read_to_string(bench.path("unique.zarr.report.html")).unwrap();
    for part in ["data:image/png", "<svg", "Seams", "IoU in the overlap", "pairs were merged"] {
        assert!(page.contains(part), "{part}");
    }
    let made = bench.path("unique.zarr.report.html");
    bench.ok("report unique.zarr --overwrite -q");
    assert_eq!(std::fs::read_to_string(made).unwrap(), page, "remade from its files");
    bench.ok("tileset volume labels/tiles.csv -o mosaic.ome.zarr --report -q");
    let page = std::fs::read_to_string(bench.path("mosaic.ome.zarr.report.html")).unwrap();
    assert!(page.contains("% of the smaller tile") && page.contains("data:image/png"));
    assert!(!page.contains("http://") || page.contains("w3.org"));
}

#[test]
fn simulated_tiles_take_the_options_of_their_kind() {
    let bench = with_labels("");
    let err = bench.fails(2, "simulate tiles -o more --objects 5");
    assert!(err.contains("--objects has no effect without --labels"), "{err}");
    let err = bench.fails(2, "simulate tiles -o more --labels --jitter 3");
    assert!(err.contains("--jitter has no effect with --labels"), "{err}");
    let before = bench.hash("labels/tile_0_0_1.tif");
    bench.ok("simulate tiles --config labels/run.toml --overwrite -q");
    assert_eq!(bench.hash("labels/tile_0_0_1.tif"), before);
}
