//! Positions from every kind of file, and back.

use super::{csv, number};
use crate::hooke::Bench;

fn starts(bench: &Bench, line: &str) -> serde_json::Value {
    let info = bench.json(&format!("tileset info {line}"));
    info["tiles"].as_array().unwrap().iter().map(|t| t["start"].clone()).collect()
}

#[test]
fn info_tells_places_overlaps_and_problems() {
    let bench = Bench::with_tiles("easy");
    let info = bench.json("tileset info tiles/tiles.csv");
    assert_eq!(info["voxel_size_um"], serde_json::json!({"z": 2.0, "y": 0.65, "x": 0.65}));
    assert_eq!(info["voxel_size_from"], "file");
    assert_eq!(info["volume_shape"], serde_json::json!([16, 224, 224]));
    assert_eq!(info["islands"], serde_json::json!([[0, 1, 2, 3]]));
    assert_eq!(info["overlaps"].as_array().unwrap().len(), 6);
    assert_eq!(info["overlaps"][0]["n_voxels"], 16 * 128 * 32);
    assert_eq!(info["overlaps"][0]["fraction"], 0.25);
    assert_eq!(info["problems"], serde_json::json!([]));
    assert!(
        bench.ok("tileset info tiles/tiles.csv").out.starts_with("4 tiles, voxels of 2 x 0.65")
    );
    // A plane has no depth that anyone measured.
    bench.ok("convert tiles/tile_0_0_0.tif -o plane.png --z 3 -q");
    bench.ok("convert plane.png -o plane.ome.tif --voxel-size y=0.65,x=0.65 -q");
    let info = bench.json("tileset info plane.ome.tif");
    assert_eq!(info["voxel_size_um"], serde_json::json!({"z": null, "y": 0.65, "x": 0.65}));
    assert!(
        bench.ok("tileset info plane.ome.tif").out.starts_with("1 tile, pixels of 0.65 x 0.65")
    );
    // A list that names channels is not overruled silently, and a damaged tile of a folder not skipped.
    bench.write("named.csv", "path,channel,z_px,y_px,x_px\ntiles/tile_0_0_0.tif,0,0,0,0\n");
    bench.ok("tileset info named.csv");
    let err = bench.fails(2, "tileset info named.csv --channel 1");
    assert!(err.contains("--channel 1") && err.contains("names channels of its own"), "{err}");
    bench.ok("tileset info tiles");
    let whole = std::fs::read(bench.path("tiles/tile_0_0_1.tif")).unwrap();
    bench.write("tiles/tile_0_0_1.tif", &whole[..whole.len() / 2]);
    let err = bench.fails(1, "tileset info tiles");
    assert!(err.contains("tile_0_0_1.tif"), "{err}");
    bench.write("tiles/tile_0_0_1.tif", whole);
    // Files without positions are described all the same.
    let info = bench.json("tileset info tiles/tile_0_0_0.tif tiles/tile_0_0_1.tif");
    assert_eq!(info["tiles"][1]["start"], serde_json::Value::Null);
    assert_eq!(info["problems"][0]["code"], "positions-missing");
    bench.write("apart.csv", "tile,z_px,y_px,x_px\n0,0,0,0\n1,0,0,128\n2,0,300,0\n3,0,300,64\n");
    let info = bench.json("tileset info tiles/tiles.csv --positions apart.csv");
    let codes: Vec<_> =
        info["problems"].as_array().unwrap().iter().map(|p| p["code"].clone()).collect();
    assert_eq!(codes, ["islands", "tiles-abut"]);
}

#[test]
fn a_table_of_positions_is_a_position_file() {
    let bench = Bench::with_tiles("easy");
    bench.ok("tileset positions tiles/tiles.csv -o p.csv -q");
    bench.ok("tileset positions tiles/tiles.csv -o p.parquet --relative -q");
    let wanted = starts(&bench, "tiles/tiles.csv");
    let files =
        "tiles/tile_0_0_0.tif tiles/tile_0_0_1.tif tiles/tile_0_1_0.tif tiles/tile_0_1_1.tif";
    for positions in ["p.csv", "p.parquet"] {
        assert_eq!(starts(&bench, &format!("{files} --positions {positions}")), wanted);
        assert_eq!(starts(&bench, &format!("tiles --positions {positions}")), wanted, "a folder");
    }
    // One file for the tiles chosen, or for all.
    assert_eq!(starts(&bench, "tiles --positions p.csv --tiles 2:4")[1], wanted[1]);
    bench.write("two.csv", "tile,z_px,y_px,x_px\n1,0,0,9\n0,0,0,0\n");
    assert_eq!(
        starts(&bench, "tiles --positions two.csv --tiles 2:4"),
        serde_json::json!([[0, 0, 0], [0, 0, 9]])
    );
}

#[test]
fn stages_steps_and_halves_are_counted_as_documented() {
    let bench = Bench::with_tiles("easy");
    bench.write("p.csv", "tile,z_px,y_px,x_px\n0,0,0.5,10\n1,0,0,0\n2,0,90.5,2.4\n3,1.5,80,20\n");
    let of = |more: &str| starts(&bench, &format!("tiles/tiles.csv --positions p.csv {more}"));
    assert_eq!(of(""), serde_json::json!([[0, 1, 10], [0, 0, 0], [0, 91, 2], [2, 80, 20]]));
    assert_eq!(
        of("--stage-axes -x,y,z"),
        serde_json::json!([[0, 1, 10], [0, 0, 20], [0, 91, 18], [2, 80, 0]])
    );
    assert_eq!(
        of("--downscale 1,2,5"),
        serde_json::json!([[0, 0, 2], [0, 0, 0], [0, 45, 0], [2, 40, 4]])
    );
    let info = bench.json("tileset info tiles/tiles.csv --downscale 1,2,5");
    assert_eq!(info["tiles"][0]["shape"], serde_json::json!([16, 64, 26]));
    assert_eq!(info["voxel_size_um"]["x"], 3.25);
}

#[test]
fn positions_come_back_from_another_program() {
    let bench = Bench::with_tiles("easy");
    bench.ok("tileset export-bdv tiles/tiles.csv -o tiles.xml -q");
    let original = std::fs::read(bench.path("tiles.xml")).unwrap();
    bench.write("moved.csv", "tile,z_um,y_um,x_um\n0,0,0,0\n1,0,1.3,60\n2,2,61,0.65\n3,0,62,63\n");
    for output in ["a.csv", "a.parquet", "a.json", "a.xml"] {
        bench.ok(&format!("tileset update-offsets tiles.xml --from moved.csv -o {output} -q"));
        let info = bench.json(&format!("tileset info {output}"));
        for (tile, wanted) in csv(&bench.path("moved.csv")).iter().enumerate() {
            let found = &info["tiles"][tile]["position_um"];
            for (d, axis) in ["z_um", "y_um", "x_um"].iter().enumerate() {
                let difference = found[d].as_f64().unwrap() - number(wanted, axis);
                assert!(difference.abs() < 1e-9, "{output} tile {tile} {axis}: {found}");
            }
        }
    }
    bench.ok("tileset volume a.xml -o from_xml.npy -q");
    bench.ok("tileset volume a.csv -o from_table.npy -q");
    assert_eq!(bench.hash("from_xml.npy"), bench.hash("from_table.npy"));
    bench.ok("tileset update-offsets tiles.xml --from moved.csv -o twice.csv --scale 1,2,2 -q");
    assert_eq!(number(&csv(&bench.path("twice.csv"))[3], "x_um"), 126.0);
    let err = bench
        .fails(2, "tileset update-offsets tiles.xml --from moved.csv -o tiles.xml --overwrite -q");
    assert!(err.contains("the output is an input"), "{err}");
    assert_eq!(std::fs::read(bench.path("tiles.xml")).unwrap(), original);
}
