//! The same bytes for any chunk, thread count and memory, after kill and resume, and by parts.

use std::time::Duration;

use super::with_labels;
use crate::hooke::{Bench, tree};

const DEDUP: &str = "tileset dedup labels/tiles.csv --chunk 8,32,32 --shard 8,32,32 --levels 2 -q";

#[test]
fn threads_and_blocks_change_no_id() {
    let bench = with_labels("");
    for (name, more) in [("a", "--threads 1"), ("b", "--threads 3")] {
        bench.ok(&format!("{DEDUP} -o {name}.zarr {more}"));
    }
    assert_eq!(tree(&bench.path("a.zarr")), tree(&bench.path("b.zarr")));
    let table = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert_eq!(table("a.zarr.ids.parquet"), table("b.zarr.ids.parquet"));
    assert_eq!(table("a.zarr.overlaps.parquet"), table("b.zarr.overlaps.parquet"));
    bench.ok("tileset dedup labels/tiles.csv -o c.zarr --chunk 16,48,20 --shard 16,96,40 --memory 256MiB -q");
    for image in 0..4 {
        let hash = |set: &str| bench.hash(&format!("{set} --image {image}"));
        assert_eq!(hash("a.zarr"), hash("c.zarr"), "{image}");
    }
    assert_eq!(table("a.zarr.ids.parquet"), table("c.zarr.ids.parquet"));
    for (name, more) in [("a", "--threads 1"), ("b", "--threads 3 --memory 256MiB")] {
        bench.ok(&format!("tileset centroids a.zarr -o {name}.parquet {more} -q"));
        bench.ok(&format!("tileset calibrate labels/tiles.csv -o {name}.json {more} -q"));
        bench.ok(&format!("tileset surface labels/tile_0_0_0.tif -o {name}.npz {more} -q"));
        bench.ok(&format!("tileset volume a.zarr -o {name}v.zarr --labels {more} -q"));
    }
    assert_eq!(table("a.parquet"), table("b.parquet"));
    assert_eq!(table("a.json"), table("b.json"));
    assert_eq!(table("a.npz"), table("b.npz"));
    assert_eq!(tree(&bench.path("av.zarr")), tree(&bench.path("bv.zarr")));
}

fn killed_and_resumed(bench: &Bench, line: &str, outputs: [&str; 2]) {
    bench.ok(&format!("{line} -o {}", outputs[0]));
    let mut interrupted = 0;
    for wait_ms in [10, 30, 60, 110, 180, 260] {
        let mut child =
            bench.command(&format!("{line} -o {} --resume", outputs[1])).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait_ms));
        if child.try_wait().unwrap().is_none() {
            interrupted += 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    bench.ok(&format!("{line} -o {} --resume", outputs[1]));
    assert!(interrupted > 0, "every run ended before it was killed");
    assert!(!bench.has(&format!("{}.partial", outputs[1])));
}

#[test]
fn a_killed_dedup_goes_on_to_the_same_bytes() {
    let bench = with_labels("");
    killed_and_resumed(&bench, DEDUP, ["whole.zarr", "killed.zarr"]);
    assert_eq!(tree(&bench.path("whole.zarr")), tree(&bench.path("killed.zarr")));
    for table in ["ids.parquet", "overlaps.parquet"] {
        let read = |set: &str| std::fs::read(bench.path(&format!("{set}.{table}"))).unwrap();
        assert_eq!(read("whole.zarr"), read("killed.zarr"), "{table}");
    }
}

#[test]
fn a_killed_scale_goes_on_to_the_same_pixels() {
    let bench = with_labels("");
    let line = "tileset scale labels/tiles.csv --auto --chunk 8,32,32 -q";
    killed_and_resumed(&bench, line, ["whole.xml", "killed.xml"]);
    for image in 0..4 {
        let hash = |set: &str| bench.hash(&format!("{set} --image {image}"));
        assert_eq!(hash("whole.xml"), hash("killed.xml"));
    }
}

#[test]
fn every_plan_can_be_run_block_by_block() {
    let bench = with_labels("");
    bench.ok("tileset calibrate labels/tiles.csv -o scale.json -q");
    bench.write("points.csv", "tile,z_um,y_um,x_um\n0,1,2,3\n3,1,2,3\n");
    for (line, output) in [
        ("dedup labels/tiles.csv --chunk 8,32,32 --shard 8,32,32 --levels 2", "d.zarr"),
        ("scale labels/tiles.csv --auto --dtype u16", "s.csv"),
        ("scale labels/tiles.csv --calibration scale.json", "t.zarr"),
        ("volume labels/tiles.csv --labels --overlap first --place down", "v.tif"),
        ("mask labels/tiles.csv --mask labels/tile_0_0_1.tif", "m.zarr"),
        ("export-bdv labels/tiles.csv --dtype u8 --cast clip", "e.xml"),
        ("blank-bdv --count 2 --tile-size 8,40,40 --seed 3", "b.xml"),
        ("centroids labels/tiles.csv --overlap first", "c.csv"),
        ("calibrate labels/tiles.csv --ignore-zeros --method mean-of-tiles", "c.json"),
        ("positions labels/tiles.csv --relative", "p.csv"),
        ("update-offsets labels/tiles.csv --from p_whole.csv", "u.json"),
        ("slice labels/tiles.csv --z 3 --overlap last", "s.npy"),
        ("surface labels/tile_0_0_0.tif --from top --reach 1", "s.npz"),
        ("to-global points.csv --tileset labels/tiles.csv", "g.csv"),
    ] {
        let (stem, suffix) = output.split_once('.').unwrap();
        let (whole, parts) = (format!("{stem}_whole.{suffix}"), format!("{stem}_parts.{suffix}"));
        bench.ok(&format!("tileset {line} -o {whole} -q"));
        bench.ok(&format!("tileset {line} -o {parts} --plan-only -q"));
        let status = bench.json(&format!("block status {parts}.partial"));
        for stage in status["result"]["stages"].as_array().unwrap() {
            let name = stage["name"].as_str().unwrap();
            for share in ["0/2", "1/2"] {
                bench.ok(&format!("block run {parts}.partial --stage {name} --share {share} -q"));
            }
        }
        bench.ok(&format!("block finish {parts}.partial -q"));
        let (whole, parts) = (bench.path(&whole), bench.path(&parts));
        match whole.is_dir() {
            true => assert_eq!(tree(&whole), tree(&parts), "{line}"),
            false if suffix == "xml" || suffix == "csv" && stem == "s" => {}
            false => {
                assert_eq!(std::fs::read(&whole).unwrap(), std::fs::read(&parts).unwrap(), "{line}")
            }
        }
    }
    for image in 0..2 {
        let hash = |name: &str| bench.hash(&format!("{name} --image {image}"));
        assert_eq!(hash("e_whole.xml"), hash("e_parts.xml"));
        assert_eq!(hash("b_whole.xml"), hash("b_parts.xml"));
    }
}

#[test]
fn settings_of_a_run_repeat_it() {
    let bench = with_labels("");
    bench.ok("tileset dedup labels/tiles.csv -o a.zarr --min-iou 0.5 --chunk 8,32,32 -q");
    let before = tree(&bench.path("a.zarr"));
    bench.ok("tileset dedup --config a.zarr.run.toml --overwrite -q");
    assert_eq!(before, tree(&bench.path("a.zarr")));
    for verb in
        ["dedup", "scale", "volume", "slice", "centroids", "export-bdv", "surface", "to-global"]
    {
        let first = bench.ok(&format!("tileset {verb} --print-config")).out;
        bench.write("run.toml", &first);
        let again = bench.ok(&format!("tileset {verb} --config run.toml --print-config")).out;
        assert_eq!(first, again, "{verb}");
    }
    let plan = bench.json("tileset volume labels/tiles.csv -o v.zarr --labels --dry-run");
    assert_eq!(plan["result"]["parameters"], serde_json::json!({"labels": true}));
    assert!(!bench.has("v.zarr"));
}
