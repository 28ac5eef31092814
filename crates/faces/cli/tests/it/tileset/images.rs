//! Scaling, planes, mosaics, masks and BigDataViewer sets of image tiles.

use super::{csv, npy, number, stats};
use crate::hooke::Bench;

#[test]
fn a_scale_is_measured_and_applied() {
    let bench = Bench::with_tiles("easy");
    bench.ok("tileset calibrate tiles/tiles.csv -o scale.json -q");
    let scale = bench.read_json("scale.json");
    assert_eq!(scale["n_voxels"], 4 * 16 * 128 * 128);
    assert_eq!(scale["tiles"].as_array().unwrap().len(), 4);
    let (low, high) = (scale["low"].as_f64().unwrap(), scale["high"].as_f64().unwrap());
    assert!(low < high, "{scale}");
    bench.ok("tileset scale tiles/tiles.csv --calibration scale.json -o a.zarr -q");
    bench.ok("tileset scale tiles/tiles.csv --auto -o b.csv -q");
    bench.ok(&format!("tileset scale tiles/tiles.csv --range {low},{high} -o c.xml -q"));
    let hash = |set: &str, image: &str| bench.hash(&format!("{set} --image {image}"));
    for image in ["0", "3"] {
        let wanted = hash("a.zarr", image);
        assert_eq!(hash("c.xml", image), wanted, "{image}");
        let tile = format!("b/tile_000{image}.ome.tif");
        assert_eq!(bench.hash(&tile), wanted, "{image}");
    }
    assert_eq!(bench.json("tileset info a.zarr")["tiles"][2]["dtype"], "uint8");
    // Places and voxel sizes go with the tiles, in all three.
    let told = |set: &str| {
        let info = bench.json(&format!("tileset info {set}"));
        let starts: Vec<_> =
            info["tiles"].as_array().unwrap().iter().map(|t| t["start"].clone()).collect();
        (starts, info["voxel_size_um"].clone(), info["overlaps"].clone())
    };
    let wanted = told("tiles/tiles.csv");
    for set in ["a.zarr", "b.csv", "c.xml"] {
        assert_eq!(told(set), wanted, "{set}");
    }
    // By hand, for one voxel.
    bench.ok("convert tiles/tile_0_0_0.tif -o raw.npy -q");
    bench.ok("convert a.zarr --image 0 -o scaled.npy -q");
    let raw = npy(&bench.path("raw.npy"), u16::from_le_bytes);
    let scaled = npy(&bench.path("scaled.npy"), |[b]| b);
    for at in [0, 12_345, 200_000] {
        let v = (f64::from(raw[at]) - low) * 255.0 / (high - low);
        assert_eq!(f64::from(scaled[at]), v.clamp(0.0, 255.0).round_ties_even(), "{at}");
    }
}

#[test]
fn a_slice_is_that_plane_of_the_volume() {
    let bench = Bench::with_tiles("easy");
    bench.ok("tileset volume tiles/tiles.csv -o v.npy --overlap mean --dtype f32 -q");
    bench.ok("convert v.npy --z 5 -o plane.npy -q");
    bench.ok("tileset slice tiles/tiles.csv --z 5 -o slice.npy -q");
    bench.ok("tileset slice tiles/tiles.csv --z 5 -o slice.tif -q");
    bench.ok("tileset slice tiles/tiles.csv --z-um 10.2 -o by_depth.npy -q");
    let plane = npy(&bench.path("plane.npy"), f32::from_le_bytes);
    let slice = npy(&bench.path("slice.npy"), f32::from_le_bytes);
    assert_eq!(plane.len(), slice.len());
    assert!(plane == slice, "the same numbers");
    assert_eq!(npy(&bench.path("by_depth.npy"), f32::from_le_bytes), slice);
    assert_eq!(stats(&bench, "slice.tif")["sum"], stats(&bench, "slice.npy")["sum"]);
    bench.ok("tileset slice tiles/tiles.csv --z 5 -o half.npy --downsample 2 -q");
    assert_eq!(npy(&bench.path("half.npy"), f32::from_le_bytes).len(), slice.len() / 4);
    bench.ok("tileset slice tiles/tiles.csv -o plain.png -q");
    bench.ok("tileset slice tiles/tiles.csv -o outlined.png --outline -q");
    let (plain, outlined) = (
        std::fs::read(bench.path("plain.png")).unwrap(),
        std::fs::read(bench.path("outlined.png")).unwrap(),
    );
    assert!(plain.starts_with(b"\x89PNG") && plain != outlined);
}

#[test]
fn every_format_of_a_volume_holds_the_same_pixels() {
    let bench = Bench::with_tiles("easy");
    bench.ok("tileset volume tiles/tiles.csv -o a.ome.zarr -q");
    let wanted = bench.hash("a.ome.zarr");
    for name in ["a.tif", "a.h5", "a.npy", "b.xml"] {
        bench.ok(&format!("tileset volume tiles/tiles.csv -o {name} -q"));
        assert_eq!(bench.hash(name), wanted, "{name}");
    }
    bench.ok("tileset volume tiles/tiles.csv -o first.npy --overlap first -q");
    bench.ok("tileset volume tiles/tiles.csv -o turned.npy --order 3,2,1,0 -q");
    assert_eq!(bench.hash("first.npy"), bench.hash("turned.npy"), "no voxel is 0 here");
    assert_ne!(bench.hash("first.npy"), wanted);
    // A cropped, reversed and thinned read is that part of the tile.
    bench.ok("tileset volume tiles/tiles.csv --tiles 2 --downscale 2,3,4 -o thin.npy -q");
    bench.ok("convert tiles/tile_0_1_0.tif --z ::2 --y ::3 --x ::4 -o by_hand.npy -q");
    assert_eq!(bench.hash("thin.npy"), bench.hash("by_hand.npy"));
}

#[test]
fn masks_are_sets_or_one_image() {
    let bench = Bench::with_tiles("easy");
    bench.ok("tileset scale tiles/tiles.csv --range 0,60000 -o dark.zarr -q");
    bench.ok("tileset mask tiles/tiles.csv --mask tiles/tiles.csv -o same.zarr -q");
    assert_eq!(bench.hash("same.zarr --image 1"), bench.hash("tiles/tile_0_0_1.tif"));
    bench.ok("tileset mask tiles/tiles.csv --mask dark.zarr -o part.zarr --tiles 1,2 -q");
    bench.ok("convert dark.zarr --image 1 -o mask.npy -q");
    bench.ok("convert tiles/tile_0_0_1.tif -o image.npy -q");
    bench.ok("convert part.zarr --image 0 -o masked.npy -q");
    let mask = npy(&bench.path("mask.npy"), |[b]| b);
    let image = npy(&bench.path("image.npy"), u16::from_le_bytes);
    let masked = npy(&bench.path("masked.npy"), u16::from_le_bytes);
    let expected: Vec<u16> =
        image.iter().zip(&mask).map(|(v, m)| if *m == 0 { 0 } else { *v }).collect();
    assert!(mask.contains(&0) && masked == expected);
    bench.ok("tileset mask tiles/tiles.csv --mask tiles/tile_0_0_0.tif -o one.zarr -q");
}

#[test]
fn a_blank_set_is_filled_view_by_view() {
    let bench = Bench::with_tiles("easy");
    bench.ok("tileset blank-bdv tiles/tiles.csv -o blank.xml --noise 200 --seed 3 --threads 1 -q");
    let noise = stats(&bench, "blank.xml");
    assert!(noise["max"].as_f64().unwrap() < 200.0 && noise["mean"].as_f64().unwrap() > 90.0);
    bench.ok("tileset blank-bdv tiles/tiles.csv -o again.xml --noise 200 --seed 3 --threads 2 -q");
    assert_eq!(bench.hash("blank.xml --image 2"), bench.hash("again.xml --image 2"));
    assert_ne!(bench.hash("blank.xml --image 1"), bench.hash("blank.xml --image 2"));
    bench.ok("tileset blank-bdv tiles/tiles.csv -o zero.xml --noise 0 -q");
    assert_eq!(stats(&bench, "zero.xml")["max"], 0.0);
    assert!(std::fs::metadata(bench.path("zero.h5")).unwrap().len() < 20_000);
    let xml = std::fs::read(bench.path("blank.xml")).unwrap();
    let before: Vec<String> =
        (0..4).map(|i| bench.hash(&format!("blank.xml --image {i}"))).collect();
    bench.ok("tileset set-tile blank.xml --tile 1 tiles/tile_0_1_1.tif -q");
    for (i, before) in before.iter().enumerate() {
        let now = bench.hash(&format!("blank.xml --image {i}"));
        let wanted = if i == 1 { bench.hash("tiles/tile_0_1_1.tif") } else { before.clone() };
        assert_eq!(now, wanted, "view {i}");
    }
    assert_eq!(std::fs::read(bench.path("blank.xml")).unwrap(), xml, "the XML stays");
    let err = bench.fails(1, "tileset set-tile blank.xml --tile 1 tiles/tiles.csv -q");
    assert!(err.contains("4 images where one is wanted"), "{err}");
    let err = bench.fails(2, "tileset set-tile blank.xml --tile 9 tiles/tile_0_0_0.tif -q");
    assert!(err.contains("no tile 9"), "{err}");
    let err = bench
        .fails(1, "tileset set-tile blank.xml --tile 0 tiles/tile_0_0_0.tif --downscale 1,2,2 -q");
    assert!(err.contains("[16, 128, 128]") && err.contains("[16, 64, 64]"), "{err}");
    for pixels in ["n5", "zarr"] {
        bench.ok(&format!("convert tiles/tile_0_0_0.tif -o {pixels}.xml --bdv {pixels} -q"));
        let line = format!("tileset set-tile {pixels}.xml --tile 0 tiles/tile_0_0_0.tif -q");
        let err = bench.fails(1, &line);
        assert!(err.contains("N5 or OME-Zarr") && err.contains("export-bdv"), "{err}");
    }
}

#[test]
fn exported_views_lie_where_the_tiles_do() {
    let bench = Bench::with_tiles("subpixel");
    bench.write(
        "p.csv",
        "tile,z_um,y_um,x_um\n0,0,-3.25,7\n1,1.5,0.65,75.4\n2,-2,63.1,0\n3,0,64,70\n",
    );
    for unit in ["um", "px"] {
        bench.ok(&format!(
            "tileset export-bdv tiles/tiles.csv --positions p.csv -o {unit}.xml --bdv-units {unit} -q"
        ));
        bench.ok(&format!("tileset positions {unit}.xml -o {unit}.csv -q"));
        let (wanted, found) = (csv(&bench.path("p.csv")), csv(&bench.path(&format!("{unit}.csv"))));
        for (wanted, found) in wanted.iter().zip(&found) {
            for axis in ["z_um", "y_um", "x_um"] {
                let difference = number(wanted, axis) - number(found, axis);
                assert!(difference.abs() < 1e-9, "{unit} {axis} {found:?}");
            }
        }
        assert_eq!(
            bench.hash(&format!("{unit}.xml --image 3")),
            bench.hash("tiles/tile_0_1_1.tif")
        );
    }
    bench.ok(
        "tileset export-bdv tiles/tiles.csv -o small.xml --dtype u8 --cast scale --range 0,4000 -q",
    );
    assert_eq!(bench.json("tileset info small.xml")["tiles"][0]["dtype"], "uint8");
    let err = bench.fails(1, "tileset export-bdv tiles/tiles.csv -o exact.xml --dtype u8 -q");
    assert!(err.contains("does not fit uint8") && err.contains("--cast clip"), "{err}");
    assert!(!bench.has("exact.xml") && !bench.has("exact.h5"));
}
