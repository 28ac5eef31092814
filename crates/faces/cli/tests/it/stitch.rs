//! Tiles to a volume through the command, against the simulated truth.

use crate::hooke::Bench;

fn number(json: &serde_json::Value, key: &str) -> f64 {
    json["result"]["positions"][key].as_f64().unwrap_or_else(|| panic!("{key} in {json}"))
}

#[test]
fn a_run_leaves_volume_layout_report_and_provenance() {
    let bench = Bench::new();
    bench.ok("simulate tiles -o tiles --kind subpixel --grid 2,2 --tile 32,256,256 --overlap 15% --jitter 6 --seed 7 -q");
    let ran = bench.ok("stitch run tiles/tiles.csv -o volume.ome.zarr --max-shift 12");
    assert!(ran.err.contains("wrote volume.ome.zarr"), "{}", ran.err);
    for name in [
        "volume.ome.zarr",
        "volume.ome.zarr.layout.json",
        "volume.ome.zarr.report.html",
        "volume.ome.zarr.hooke.json",
        "volume.ome.zarr.run.toml",
    ] {
        assert!(bench.has(name), "{name} is missing");
    }
    assert!(!bench.has("volume.ome.zarr.partial"));
    let score = bench.json("score tiles volume.ome.zarr.layout.json tiles/truth.json");
    assert!(number(&score, "rms_px") < 0.03, "{score}");
    let report = std::fs::read_to_string(bench.path("volume.ome.zarr.report.html")).unwrap();
    assert!(report.contains("<svg") && report.contains("data:image/png"));
    assert!(
        !report.contains("http://") || report.contains("w3.org"),
        "a report asks nothing of the network"
    );
    let provenance = bench.read_json("volume.ome.zarr.hooke.json");
    assert_eq!(provenance["status"], "done");
    assert_eq!(provenance["parameters"]["blend"], "linear");
}

#[test]
fn steps_one_by_one_give_what_run_gives() {
    let bench = Bench::with_tiles("easy");
    bench.ok("stitch run tiles/tiles.csv -o run.ome.zarr --max-shift 3,8,8 -q");
    bench.ok("stitch align tiles/tiles.csv -o layout.json --max-shift 3,8,8 -q");
    bench.ok("stitch place layout.json -o placed.json -q");
    bench.ok("stitch fuse placed.json -o steps.ome.zarr -q");
    assert_eq!(bench.hash("run.ome.zarr"), bench.hash("steps.ome.zarr"));
    let positions = |name: &str| -> Vec<serde_json::Value> {
        bench.read_json(name)["tiles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["position_px"].clone())
            .collect()
    };
    assert_eq!(positions("placed.json"), positions("run.ome.zarr.layout.json"));
}

#[test]
fn settings_of_a_run_repeat_it() {
    let bench = Bench::with_tiles("easy");
    bench.ok("stitch align tiles/tiles.csv -o layout.json --max-shift 3,8,8 -q");
    bench.ok("stitch place layout.json -o placed.json -q");
    bench.ok("stitch fuse placed.json -o volume.ome.zarr --blend cosine --chunk 16,32,32 -q");
    let before = crate::hooke::tree(&bench.path("volume.ome.zarr"));
    bench.ok("stitch fuse --config volume.ome.zarr.run.toml --overwrite -q");
    assert_eq!(before, crate::hooke::tree(&bench.path("volume.ome.zarr")));
}

#[test]
fn every_input_gives_the_same_positions() {
    let bench = Bench::with_tiles("easy");
    let from_table = "stitch run tiles/tiles.csv -o a.ome.zarr --max-shift 3,8,8 --levels none -q";
    let from_names = "stitch run 'tiles/tile_<Z,1>_<Y,1>_<X,1>.tif' --overlap 32 -o b.ome.zarr --max-shift 3,8,8 --levels none -q";
    let braces = "stitch run 'tiles/tile_{z:1}_{y:1}_{x}.tif' --overlap 25% -o c.ome.zarr --max-shift 3,8,8 --levels none -q";
    for line in [from_table, from_names, braces] {
        bench.ok(line);
    }
    assert_eq!(bench.hash("a.ome.zarr"), bench.hash("b.ome.zarr"));
    assert_eq!(bench.hash("a.ome.zarr"), bench.hash("c.ome.zarr"));
    let detected =
        bench.ok("stitch detect tile_0_0_0.tif tile_0_0_1.tif tile_0_1_0.tif tile_0_1_1.tif").out;
    assert!(detected.starts_with("tile_0_<") && detected.ends_with(".tif\n"), "{detected}");
}

#[test]
fn every_output_format_holds_the_same_pixels() {
    let bench = Bench::with_tiles("easy");
    bench.ok("stitch align tiles/tiles.csv -o layout.json --max-shift 3,8,8 -q");
    bench.ok("stitch place layout.json -o placed.json -q");
    bench.ok("stitch fuse placed.json -o a.ome.zarr -q");
    let wanted = bench.hash("a.ome.zarr");
    for name in ["a.tif", "a.ome.tif", "a.h5", "a.npy", "b.xml"] {
        bench.ok(&format!("stitch fuse placed.json -o {name} -q"));
        assert_eq!(bench.hash(name), wanted, "{name}");
    }
}

#[test]
fn a_region_is_a_part_of_the_whole() {
    let bench = Bench::with_tiles("subpixel");
    bench.ok("stitch run tiles/tiles.csv -o a.ome.zarr --max-shift 3,8,8 -q");
    bench.ok("stitch fuse a.ome.zarr.layout.json -o part.npy --region z=2:9,y=70:130,x=33:171 -q");
    bench.ok("convert a.ome.zarr -o crop.npy --z 2:9 --y 70:130 --x 33:171 -q");
    assert_eq!(bench.hash("part.npy"), bench.hash("crop.npy"));
}

#[test]
fn layouts_are_shown_cut_and_edited() {
    let bench = Bench::with_tiles("easy");
    bench.ok("stitch align tiles/tiles.csv -o layout.json --max-shift 3,8,8 -q");
    bench.ok("stitch place layout.json -o placed.json -q");
    assert!(bench.ok("stitch layout show placed.json").out.starts_with("4 tiles, 4 pairs"));
    assert_eq!(
        bench.json("stitch layout components placed.json"),
        serde_json::json!([[0, 1, 2, 3]])
    );
    let regions = bench.json("stitch layout regions placed.json");
    assert_eq!(regions["position"].as_array().unwrap().len(), 3);
    bench.ok("stitch layout crop placed.json --region y=:20,x=:20 -o crop.json -q");
    assert_eq!(bench.read_json("crop.json")["tiles"].as_array().unwrap().len(), 1);
    bench.ok("stitch layout remove placed.json --tile 3 -o three.json -q");
    assert_eq!(bench.read_json("three.json")["pairs"].as_array().unwrap().len(), 2);
    bench.ok("stitch layout slice placed.json --axis z --at 8 -o plane.json -q");
    bench.ok("stitch fuse plane.json -o plane.tif -q");
    let info = bench.json("info plane.tif");
    assert_eq!(info["files"][0]["images"][0]["axes"], "yx");
    for format in ["bdv-xml", "terastitcher", "csv"] {
        bench.ok(&format!(
            "stitch layout export placed.json --format {format} -o export.{} -q --overwrite",
            if format == "csv" { "csv" } else { "xml" }
        ));
    }
    let err = bench.fails(1, "stitch layout remove placed.json --tile 3 -o three.json -q");
    assert!(err.contains("exists already") && err.contains("--overwrite"), "{err}");
}

#[test]
fn another_channel_is_fused_with_the_same_layout() {
    let bench = Bench::with_tiles("easy");
    std::fs::create_dir(bench.path("red")).unwrap();
    for entry in std::fs::read_dir(bench.path("tiles")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if let Some(stem) = name.strip_suffix(".tif") {
            std::fs::copy(entry.path(), bench.path(&format!("red/{stem}.tif"))).unwrap();
        }
    }
    bench.ok("stitch run tiles/tiles.csv -o a.ome.zarr --max-shift 3,8,8 -q");
    bench.ok("stitch layout relocate a.ome.zarr.layout.json --match 'tiles/tile_<Z,1>_<Y,1>_<X,1>.tif' --replace 'red/tile_<Z,1>_<Y,1>_<X,1>.tif' -o red.json -q");
    bench.ok("stitch fuse red.json -o red.ome.zarr -q");
    assert_eq!(bench.hash("a.ome.zarr"), bench.hash("red.ome.zarr"));
    let err = bench.fails(1, "stitch layout relocate a.ome.zarr.layout.json --match 'tiles/tile_<Z,1>_<Y,1>_<X,1>.tif' --replace 'blue/tile_<Z,1>_<Y,1>_<X,1>.tif' -o blue.json -q");
    assert!(err.contains("blue/tile_0_0_0.tif") && !bench.has("blue.json"), "{err}");
}

#[test]
fn placing_resumes_previews_and_takes_settings_like_any_run() {
    let bench = Bench::with_tiles("easy");
    bench.ok("stitch align tiles/tiles.csv -o layout.json --max-shift 3,8,8 -q");
    let plan = bench.json("stitch place layout.json -o placed.json --round --dry-run");
    assert_eq!(plan["result"]["parameters"], serde_json::json!({"round": true}));
    assert!(!bench.has("placed.json"));
    bench.ok("stitch place layout.json -o placed.json --round -q");
    for name in ["placed.json.run.toml", "placed.json.hooke.json"] {
        assert!(bench.has(name), "{name}");
    }
    let again = bench.ok("stitch place layout.json -o placed.json --round --resume");
    assert!(again.err.contains("already complete"), "{}", again.err);
    let first = std::fs::read(bench.path("placed.json")).unwrap();
    bench.ok("stitch place --config placed.json.run.toml --overwrite -q");
    assert_eq!(std::fs::read(bench.path("placed.json")).unwrap(), first);
}

#[test]
fn a_dry_run_tells_inputs_volume_and_refusals() {
    let bench = Bench::with_tiles("easy");
    let line = "stitch run tiles/tiles.csv -o v.ome.zarr --max-shift 3,8,8";
    let ran = bench.ok(&format!("{line} --dry-run"));
    assert!(ran.out.contains("4 files") && ran.out.contains("then      v.ome.zarr"), "{}", ran.out);
    assert_eq!(bench.names(), ["tiles"]);
    bench.ok(&format!("{line} --log run.log -q"));
    let log = std::fs::read_to_string(bench.path("run.log")).unwrap();
    assert!(log.contains("pairs: 4 pairs") && log.contains(" s  "), "{log}");
    let ran = bench.run("stitch fuse v.ome.zarr.layout.json -o v.ome.zarr --dry-run --json");
    assert_eq!(ran.code, 1, "{}", ran.out);
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told["error"]["kind"], "output");
    assert_eq!(told["result"]["inputs"][1]["shape"], serde_json::json!([16, 128, 128]));
    assert_eq!(told["result"]["stages"][0]["in_flight"], 1);
}

#[test]
fn names_that_differ_anyhow_are_taken_with_a_star() {
    let bench = Bench::with_tiles("easy");
    std::fs::create_dir(bench.path("odd")).unwrap();
    for (name, odd) in [("0_0", "ab1"), ("0_1", "c7d"), ("1_0", "9ef"), ("1_1", "xyz")] {
        let (from, to) = (format!("tiles/tile_0_{name}.tif"), format!("odd/t_{name}_{odd}.tif"));
        std::fs::copy(bench.path(&from), bench.path(&to)).unwrap();
    }
    bench.ok("stitch align 'odd/t_<Y,1>_<X,1>_<U,S,3>.tif' --select U=* --overlap 32 -o layout.json --max-shift 3,8,8 -q");
    assert_eq!(bench.read_json("layout.json")["tiles"].as_array().unwrap().len(), 4);
    let told = bench.run("stitch detect tiles/tile_0_0_1.tif tiles/tile_0_1_0.tif");
    assert!(told.err.contains("'tiles/tile_0_<Y,1>_<X,1>.tif'"), "{}", told.err);
}

#[test]
fn a_layout_made_from_an_expression_knows_its_tags() {
    let bench = Bench::with_tiles("easy");
    for name in ["0_0", "0_1", "1_0", "1_1"] {
        let (from, to) = (format!("tiles/tile_0_{name}.tif"), format!("tiles/tile_1_{name}.tif"));
        std::fs::copy(bench.path(&from), bench.path(&to)).unwrap();
    }
    bench.ok("stitch align 'tiles/tile_<C,1>_<Y,1>_<X,1>.tif' --overlap 32 -o layout.json --max-shift 3,8,8 -q");
    bench.ok("stitch layout relocate layout.json --set C=1 -o other.json -q");
    let path = &bench.read_json("other.json")["tiles"][0]["source"]["path"];
    assert_eq!(path, "tiles/tile_1_0_0.tif");
}

#[test]
fn channels_taken_for_tiles_are_warned_of() {
    let bench = Bench::with_tiles("easy");
    bench.write(
        "t.csv",
        "path,y_px,x_px\ntiles/tile_0_0_0.tif,0,0\ntiles/tile_0_0_1.tif,0,96\ntiles/tile_0_1_0.tif,0,1\n",
    );
    bench.ok("stitch align t.csv -o layout.json --max-shift 3,8,8 -q");
    let warnings = bench.read_json("layout.json")["warnings"].clone();
    let twins = warnings.as_array().unwrap().iter().find(|w| w["code"] == "same_place").unwrap();
    assert_eq!(twins["pair"], serde_json::json!([0, 2]));
}
