//! What people read when tiles, positions or options are wrong: snapshots of code and message.

use std::fmt::Write as _;

use super::with_labels;
use crate::hooke::Bench;

/// Runs the lines; each must fail, print no data, and leave the folder as it was.
fn told(bench: &Bench, lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let before = bench.names();
        let ran = bench.run(&format!("tileset {line}"));
        assert!(ran.code != 0, "hooke tileset {line} succeeded\n{}{}", ran.out, ran.err);
        assert_eq!(ran.out, "", "hooke tileset {line} printed data");
        assert!(ran.err.contains("error: "), "hooke tileset {line}\n{}", ran.err);
        for word in ["Some(", "None", "Os {", "os error", "RUST_BACKTRACE", "stitch layout"] {
            assert!(!ran.err.contains(word), "hooke tileset {line} shows `{word}`\n{}", ran.err);
        }
        assert_eq!(bench.names(), before, "hooke tileset {line} left something behind");
        let _ = writeln!(text, "$ hooke tileset {line}\n{}exit {}\n", ran.err, ran.code);
    }
    text
}

#[test]
fn positions() {
    let bench = with_labels("");
    bench.write("three.csv", "tile,z_um,y_um,x_um\n0,0,0,0\n1,0,0,9\n2,0,9,0\n");
    bench.write("twice.csv", "tile,z_um,y_um,x_um\n0,0,0,0\n1,0,0,9\n1,0,9,0\n3,0,9,9\n");
    bench.write("nan.csv", "tile,z_um,y_um,x_um\n0,0,0,0\n1,0,nan,9\n2,0,9,0\n3,0,9,9\n");
    bench.write(
        "mixed.csv",
        "tile,z_um,y_um,x_um,z_px,y_px,x_px\n0,0,0,0,,,\n1,,,,0,0,9\n2,0,9,0,,,\n3,0,9,9,,,\n",
    );
    bench.write("names.csv", "name,z_um,y_um,x_um\na,0,0,0\n");
    bench.write("far.csv", "tile,z_um,y_um,x_um\n0,0,0,0\n1,0,0,9\n2,0,9,0\n3,0,9000000,9000000\n");
    bench.write("word.csv", "tile,z_um,y_um,x_um\n0,0,0,0\n1,0,left,9\n2,0,9,0\n3,0,9,9\n");
    bench.write("plain.npy", "not numpy");
    bench.ok("convert labels/tile_0_0_0.tif -o a.npy -q");
    bench.ok("convert labels/tile_0_0_1.tif -o b.npy -q");
    for name in ["a", "b"] {
        std::fs::remove_file(bench.path(&format!("{name}.npy.json"))).unwrap();
    }
    let text = told(
        &bench,
        &[
            "volume labels -o v.zarr",
            "dedup a.npy b.npy -o d.zarr",
            "volume labels/tiles.csv --positions three.csv -o v.zarr",
            "volume labels/tiles.csv --positions twice.csv -o v.zarr",
            "volume labels/tiles.csv --positions nan.csv -o v.zarr",
            "volume labels/tiles.csv --positions mixed.csv -o v.zarr",
            "volume labels/tiles.csv --positions names.csv -o v.zarr",
            "volume labels/tiles.csv --positions word.csv -o v.zarr",
            "volume labels/tiles.csv --positions far.csv -o v.zarr",
            "volume labels/tiles.csv --positions plain.npy -o v.zarr",
            "volume labels/tiles.csv --positions a.npy -o v.zarr",
            "volume labels/tiles.csv --positions missing.csv -o v.zarr",
            "volume a.npy b.npy --positions three.csv --tiles 0:2 -o v.zarr",
            "positions labels -o p.csv",
            "positions labels/tiles.csv -o p.txt",
            "to-global three.csv --tileset labels/tile_0_0_0.tif -o g.csv",
            "update-offsets labels/tiles.csv --from three.csv -o u.csv",
            "update-offsets labels/tiles.csv --from three.csv -o u.txt",
            "export-bdv a.npy b.npy -o e.xml",
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn tiles() {
    let bench = with_labels("");
    let tile = std::fs::read(bench.path("labels/tile_0_0_1.tif")).unwrap();
    std::fs::create_dir(bench.path("cut")).unwrap();
    bench.write("cut/a.tif", &tile[..tile.len() / 2]);
    bench.ok("convert labels/tile_0_0_0.tif -o floats.tif --dtype float32 -q");
    bench.ok("convert labels/tile_0_0_0.tif -o signed.npy --dtype int32 -q");
    let mut signed = std::fs::read(bench.path("signed.npy")).unwrap();
    let end = signed.len();
    signed[end - 4..].copy_from_slice(&(-7i32).to_le_bytes());
    bench.write("signed.npy", signed);
    bench.ok("convert labels/tile_0_0_0.tif -o other.tif --voxel-size 1,1,1 -q");
    bench.write("p.csv", "tile,z_px,y_px,x_px\n0,0,0,0\n1,0,0,80\n");
    bench.write("lost.csv", "path,z_px,y_px,x_px\nlabels/tile_0_0_0.tif,0,0,0\ngone.tif,0,0,80\n");
    let text = told(
        &bench,
        &[
            "info missing.xml",
            "info lost.csv",
            "volume cut/a.tif labels/tile_0_0_0.tif --positions p.csv -o v.zarr",
            "dedup labels/tile_0_0_1.tif floats.tif --positions p.csv -o d.zarr",
            "volume labels/tile_0_0_1.tif floats.tif --positions p.csv -o v.zarr",
            "calibrate labels/tile_0_0_1.tif floats.tif -o c.json",
            "info labels/tile_0_0_1.tif other.tif",
            "info labels/tiles.csv labels/tile_0_0_0.tif",
            "mask labels/tiles.csv --mask labels/tiles.csv --downscale 1,2,2 --tiles 0,9 -o m.zarr",
            "mask labels/tile_0_0_0.tif --mask p.npy -o m.zarr",
            "centroids labels/tiles.csv -o c.csv --intensity labels/tile_0_0_0.tif",
            "surface labels/tiles.csv -o s.npz",
            "surface labels/tile_0_0_0.tif -o s.npz --threshold labels/tile_0_0_0.tif",
            "set-tile labels/tiles.csv --tile 0 labels/tile_0_0_0.tif",
        ],
    );
    insta::assert_snapshot!(text);
    let line = "dedup signed.npy labels/tile_0_0_1.tif --positions p.csv -o d.zarr --threads 1";
    let ran = bench.run(&format!("tileset {line}"));
    assert!(
        ran.code != 0 && ran.err.contains("tile 0: labels must be integers >= 0; found -7"),
        "{}",
        ran.err
    );
    assert!(!bench.has("d.zarr") && !bench.has("d.zarr.ids.parquet"));
}

#[test]
fn options() {
    let bench = with_labels("");
    let text = told(
        &bench,
        &[
            "dedpu labels/tiles.csv -o d.zarr",
            "dedup labels/tiles.csv -o d.tif",
            "dedup labels/tiles.csv -o d.zarr --min-iou 2",
            "dedup labels/tiles.csv -o d.zarr --first-id 0",
            "dedup labels/tiles.csv -o d.zarr --dtype u16",
            "dedup labels/tiles.csv -o d.zarr --table ids.txt",
            "dedup labels/tiles.csv -o d.zarr --tiles 4",
            "dedup labels/tiles.csv -o d.zarr --tiles 0,0",
            "scale labels/tiles.csv -o s.zarr",
            "scale labels/tiles.csv -o s.zarr --range 9,3",
            "scale labels/tiles.csv -o s.zarr --range 0,9 --auto",
            "scale labels/tiles.csv -o s.zarr --calibration labels/truth.json",
            "scale labels/tiles.csv -o s.zarr --auto --low 60 --high 40",
            "scale labels/tiles.csv -o s.zarr --range 0,9 --dtype i32",
            "calibrate labels/tiles.csv -o c.json --low 101",
            "slice labels/tiles.csv -o s.png --z 16",
            "slice labels/tiles.csv -o s.png --downsample 0",
            "slice labels/tiles.csv -o s.npy --outline",
            "slice labels/tiles.csv -o s.gif",
            "volume labels/tiles.csv -o v.zarr --order 0,1,2",
            "volume labels/tiles.csv -o v.zarr --overlap mean --labels",
            "volume labels/tiles.csv -o v.zarr --stage-axes x,x,z",
            "volume labels/tiles.csv -o v.zarr --downscale 0,1,1",
            "volume labels/tiles.csv -o v.zarr --flip w",
            "volume labels/tiles.csv -o v.zarr --channel 3",
            "volume labels/tiles.csv -o v.zarr --t 2",
            "volume labels/tiles.csv -o v.zarr --voxel-size 0,1,1",
            "centroids labels/tiles.csv -o c.csv --overlap mean",
            "centroids labels/tiles.csv -o c.xls",
            "export-bdv labels/tiles.csv -o e.zarr",
            "export-bdv labels/tiles.csv -o e.xml --dtype u8 --cast scale",
            "blank-bdv -o b.xml --count 3",
            "blank-bdv -o b.xml --count 3 --tile-size 0,4,4",
            "blank-bdv -o b.xml --count 3 --tile-size 4,4,4 --noise nan",
            "surface labels/tile_0_0_0.tif -o s.tif",
            "to-global labels/tiles.csv --tileset labels/tiles.csv -o g.npy",
        ],
    );
    insta::assert_snapshot!(text);
}
