//! The answers of ExM-Toolbox and hand-made truth, through the real command.

use std::path::PathBuf;

use hooke_testdata::read_npz;
use serde_json::Value;

use super::{csv, npy, number};
use crate::hooke::Bench;

fn shared() -> Option<PathBuf> {
    let found = hooke_testdata::shared(env!("CARGO_MANIFEST_DIR"))
        .map(|s| s.join("conformance/tileset"))
        .filter(|p| p.exists());
    if found.is_none() {
        println!("SKIPPED: no shared folder with conformance/tileset");
    }
    found
}

fn expected(folder: &std::path::Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap()
}

/// A bench in which the shared files lie, and a table of positions in voxels from x, y, z rows.
fn bench(files: &[&str]) -> Option<(Bench, Value)> {
    let folder = shared()?;
    let bench = Bench::new();
    for file in files {
        std::fs::copy(folder.join(file), bench.path(file)).unwrap();
    }
    Some((bench, expected(&folder)))
}

fn table(bench: &Bench, name: &str, unit: &str, rows: &[[f64; 3]]) {
    let mut text = format!("tile,z_{unit},y_{unit},x_{unit}\n");
    for (tile, [z, y, x]) in rows.iter().enumerate() {
        text += &format!("{tile},{z},{y},{x}\n");
    }
    bench.write(name, text);
}

fn rows(bench: &Bench, archive: &str, name: &str, xyz: bool) -> Vec<[f64; 3]> {
    let array = &read_npz(&bench.path(archive)).unwrap()[name];
    let turn = |[a, b, c]: [f64; 3]| if xyz { [c, b, a] } else { [a, b, c] };
    array.values.as_chunks::<3>().0.iter().map(|r| turn(*r)).collect()
}

#[test]
fn offsets_of_an_xml_are_exact_and_keyed_by_setup() {
    let files =
        ["offsets_simple.xml", "offsets_chain.xml", "offsets_shuffled.xml", "offsets_rotated.xml"];
    let Some((bench, expected)) = bench(&files) else { return };
    for name in ["simple", "chain", "shuffled", "rotated"] {
        let ran = bench.ok(&format!("tileset positions offsets_{name}.xml -o {name}.csv"));
        let turned = ran.err.contains("rotation-ignored") && ran.err.contains("3.000 degrees");
        assert_eq!(turned, name == "rotated", "{}", ran.err);
        let found = csv(&bench.path(&format!("{name}.csv")));
        let wanted = &expected[format!("get_offsets_{name}")];
        for (view, setup) in wanted["exact_setup_x_y_z_px"].as_array().unwrap().iter().enumerate() {
            let row = found.iter().find(|r| number(r, "setup") == setup[0].as_f64().unwrap());
            let row = row.unwrap_or_else(|| panic!("setup {setup} in {found:?}"));
            for (i, column) in ["x_px", "y_px", "z_px"].iter().enumerate() {
                let difference = number(row, column) - setup[i + 1].as_f64().unwrap();
                assert!(difference.abs() < 1e-9, "{name} {column} {row:?}");
            }
            for i in 0..12 {
                let entry = number(row, &format!("a{}{}", i / 4, i % 4));
                let wanted = wanted["affine"][view][i].as_f64().unwrap();
                assert!((entry - wanted).abs() < 1e-9, "{name} a{i} {row:?}");
            }
        }
    }
    let err = bench.fails(1, "tileset positions offsets_simple.xml -o simple.csv");
    assert!(err.contains("--overwrite"), "{err}");
}

#[test]
fn positions_of_a_set_the_toolbox_wrote_are_read() {
    let Some((bench, expected)) = bench(&["peer_write.xml"]) else { return };
    bench.ok("tileset positions peer_write.xml -o p.csv -q");
    let found = csv(&bench.path("p.csv"));
    let wanted = expected["write_into_h5bdv"]["offsets_px_xyz"].as_array().unwrap();
    assert_eq!(found.len(), wanted.len());
    for (row, wanted) in found.iter().zip(wanted) {
        for (i, column) in ["x_px", "y_px", "z_px"].iter().enumerate() {
            assert!((number(row, column) - wanted[i].as_f64().unwrap()).abs() < 1e-6, "{row:?}");
        }
        assert_eq!(row["z_um"], "", "a pixel is no length");
    }
    bench.ok("tileset positions peer_write.xml -o um.csv --voxel-size 1,0.25,0.25 -q");
    assert!((number(&csv(&bench.path("um.csv"))[1], "x_um") - 19.4 * 0.25).abs() < 1e-6);
}

#[test]
fn pasted_tiles_are_the_toolbox_mosaic() {
    let Some((bench, _)) = bench(&["paste.npz"]) else { return };
    table(&bench, "p.csv", "px", &rows(&bench, "paste.npz", "offsets_xyz_px", true));
    let set = "paste.npz --tiles 0:4 --positions p.csv --place down";
    for (name, more) in
        [("blend_u16", ""), ("blend_inverts_yx", "--flip y,x"), ("blend_ind_int", "--zeros opaque")]
    {
        bench.ok(&format!("tileset volume {set} {more} -o {name}.npy -q"));
        // The peer's mosaic is never smaller; its rest is empty.
        bench.ok(&format!(
            "convert paste.npz --dataset {name} --z :8 --y :37 --x :44 -o {name}_peer.npy -q"
        ));
        assert_eq!(
            bench.hash(&format!("{name}.npy")),
            bench.hash(&format!("{name}_peer.npy")),
            "{name}"
        );
    }
}

#[test]
fn scales_and_percentiles_are_numpys() {
    let Some((bench, expected)) = bench(&["paste.npz", "scale.npz"]) else { return };
    bench.ok("tileset calibrate paste.npz --tiles 0:4 -o pooled.json -q");
    let high = bench.read_json("pooled.json")["high"].as_f64().unwrap();
    assert_eq!(high, expected["pooled_percentiles"]["99"].as_f64().unwrap());
    bench.ok("tileset calibrate paste.npz --tiles 0:4 -o some.json --ignore-zeros -q");
    let some = bench.read_json("some.json");
    for (key, percent) in [("low", "1"), ("high", "99")] {
        assert_eq!(some[key], expected["pooled_percentiles_nonzero"][percent], "{key}");
    }
    bench.ok("tileset calibrate paste.npz --tiles 0:4 -o peer.json --high 99.9 --method mean-of-tiles -q");
    let peer = bench.read_json("peer.json");
    let wanted = expected["find_intensity_scale"].as_array().unwrap();
    assert!((peer["low"].as_f64().unwrap() - wanted[0].as_f64().unwrap()).abs() < 1e-9);
    assert!((peer["high"].as_f64().unwrap() - wanted[1].as_f64().unwrap()).abs() < 1e-9);
    let arrays = read_npz(&bench.path("scale.npz")).unwrap();
    for (rounding, name) in [("down", "scaled_down_peer"), ("nearest", "scaled_nearest")] {
        bench.ok(&format!("tileset scale paste.npz --tiles 0:4 --calibration peer.json --rounding {rounding} -o {name}.zarr -q"));
        for tile in 0..4 {
            bench.ok(&format!("convert {name}.zarr --image {tile} -o t.npy -q --overwrite"));
            let found = npy(&bench.path("t.npy"), |[b]| f64::from(b));
            let n = found.len();
            assert!(found == arrays[name].values[tile * n..(tile + 1) * n], "{name} {tile}");
        }
    }
}

#[test]
fn planes_are_means_of_the_tiles_there() {
    let Some((bench, _)) = bench(&["slice.npz"]) else { return };
    let arrays = read_npz(&bench.path("slice.npz")).unwrap();
    bench.ok("convert slice.npz --dataset tiles --axes czyx --c 0 -o t0.npy -q");
    bench.ok("convert slice.npz --dataset tiles --axes czyx --c 1 -o t1.npy -q");
    bench.ok("convert slice.npz --dataset tiles --axes czyx --c 2 -o t2.npy -q");
    for (offsets, wanted) in
        [("offsets_xyz_px", "z3_mean"), ("offsets_z_xyz_px", "z3_with_z_offsets_truth")]
    {
        table(&bench, "p.csv", "px", &rows(&bench, "slice.npz", offsets, true));
        bench.ok(
            "tileset slice t0.npy t1.npy t2.npy --positions p.csv --z 3 -o s.npy -q --overwrite",
        );
        let found = npy(&bench.path("s.npy"), f32::from_le_bytes);
        let wanted = &arrays[wanted].values;
        assert_eq!(found.len(), wanted.len());
        let worst =
            found.iter().zip(wanted).map(|(a, b)| (f64::from(*a) - b).abs() / b.abs().max(1.0));
        assert!(worst.fold(0.0, f64::max) < 1e-6, "{offsets}");
    }
}

#[test]
fn labels_of_six_tiles_are_the_worlds_objects() {
    let Some((bench, expected)) = bench(&["labels.npz", "chain.npz", "centroids.npz"]) else {
        return;
    };
    table(&bench, "p.csv", "px", &rows(&bench, "labels.npz", "starts_zyx", false));
    bench.ok("tileset dedup labels.npz --tiles 0:6 --positions p.csv -o u.csv --table ids.csv --overlaps o.csv -q");
    let ids = csv(&bench.path("ids.csv"));
    let truth = &expected["labels"]["truth_world_label"];
    let mut objects = std::collections::BTreeMap::new();
    for row in &ids {
        let object = truth[&row["tile"]][&row["old_id"]].as_u64().unwrap();
        let id = objects.entry(object).or_insert_with(|| row["new_id"].clone());
        assert_eq!(*id, row["new_id"], "object {object}");
    }
    assert_eq!(objects.len() as u64, expected["labels"]["n_objects_seen"].as_u64().unwrap());
    assert_eq!(
        ids.len() as u64,
        expected["labels"]["all_blobs_without_background"].as_u64().unwrap()
    );
    let wanted = expected["labels"]["overlap_rows_a_ida_b_idb_noverlap_na_nb"].as_array().unwrap();
    let found = csv(&bench.path("o.csv"));
    assert_eq!(found.len(), wanted.len());
    let columns = ["tile_a", "label_a", "tile_b", "label_b", "n_overlap", "n_a", "n_b"];
    for wanted in wanted {
        let same = |r: &std::collections::BTreeMap<String, String>| {
            let mut pairs = columns.iter().enumerate();
            pairs.all(|(i, c)| number(r, c) == wanted[i].as_f64().unwrap())
        };
        assert!(found.iter().any(same), "{wanted}");
    }
    table(&bench, "chain.csv", "px", &rows(&bench, "chain.npz", "starts_zyx", false));
    bench.ok("tileset dedup chain.npz --tiles 0:3 --positions chain.csv -o c.csv --table chain_ids.csv -q");
    let mut sets = std::collections::BTreeMap::<String, Vec<[u64; 2]>>::new();
    for row in csv(&bench.path("chain_ids.csv")) {
        let label = [number(&row, "tile") as u64, number(&row, "old_id") as u64];
        sets.entry(row["new_id"].clone()).or_default().push(label);
    }
    let mut sets: Vec<Vec<[u64; 2]>> = sets.into_values().collect();
    sets.sort();
    assert_eq!(serde_json::json!(sets), expected["chain"]["sets_default"]);
}

#[test]
fn centroids_and_points_are_the_toolbox_ones() {
    let Some((bench, _)) = bench(&["centroids.npz", "to_global.npz"]) else { return };
    table(&bench, "p.csv", "px", &rows(&bench, "centroids.npz", "starts_zyx", false));
    bench.ok("tileset centroids centroids.npz --tiles 0:6 --positions p.csv --voxel-size 1,1,1 -o c.csv -q");
    let found = csv(&bench.path("c.csv"));
    let wanted = rows(&bench, "centroids.npz", "centroids_xyz_px_peer", true);
    assert_eq!(found.len(), wanted.len());
    for (row, wanted) in found.iter().zip(&wanted) {
        for (d, axis) in ["z", "y", "x"].iter().enumerate() {
            assert!((number(row, axis) - wanted[d]).abs() < 1e-9, "{row:?} {wanted:?}");
        }
    }
    // One volume of the same labels gives the same.
    bench.ok("tileset centroids centroids.npz --tiles 8 --voxel-size 1,1,1 -o v.csv -q");
    let of_volume = csv(&bench.path("v.csv"));
    assert!(
        found
            .iter()
            .zip(&of_volume)
            .all(|(a, b)| a["z"] == b["z"] && a["n_voxels"] == b["n_voxels"])
    );
    table(&bench, "um.csv", "um", &rows(&bench, "to_global.npz", "offsets_xyz_um", true));
    bench.ok("convert to_global.npz --dataset local_ixyz_um -o local.npy -q");
    bench.ok("convert centroids.npz --dataset tile0 -o t.npy -q");
    bench.ok("tileset to-global local.npy --tileset t.npy centroids.npz --tiles 0:4 --positions um.csv --voxel-size 1,1,1 -o global.npy -q");
    let found = npy(&bench.path("global.npy"), f64::from_le_bytes);
    let wanted = &read_npz(&bench.path("to_global.npz")).unwrap()["global_xyz_um"].values;
    assert_eq!(found.len(), wanted.len());
    assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
}

#[test]
fn surfaces_and_masks_are_the_toolbox_ones() {
    let Some((bench, _)) = bench(&["surface.npz", "mask.npz"]) else { return };
    let wanted = read_npz(&bench.path("surface.npz")).unwrap();
    for (side, name, more) in [
        ("bottom", "auto", ""),
        ("bottom", "t60", "--threshold 60"),
        ("top", "auto", ""),
        ("top", "t60", "--threshold 60"),
    ] {
        bench.ok(&format!("tileset surface surface.npz --axes xyz --tiles 0 --from {side} {more} -o s.npz --overwrite -q"));
        let found = read_npz(&bench.path("s.npz")).unwrap();
        assert_eq!(found["index"].values, wanted[&format!("{side}_{name}_index_yx")].values);
        let close =
            |a: &f64, b: &f64| a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-6 * b.abs().max(1.0);
        for (ours, theirs) in [("intensity", "value"), ("threshold", "threshold")] {
            let theirs = &wanted[&format!("{side}_{name}_{theirs}_yx")].values;
            let same = found[ours].values.iter().zip(theirs).all(|(a, b)| close(a, b));
            assert!(same, "{side} {name} {ours}");
        }
    }
    bench.ok("convert mask.npz --dataset mask -o mask.npy -q");
    bench.ok("tileset mask mask.npz --tiles 0 --mask mask.npy -o m.zarr -q");
    bench.ok("convert mask.npz --dataset result -o result.npy -q");
    assert_eq!(bench.hash("m.zarr"), bench.hash("result.npy"));
}

/// Runs as soon as there is a reader of JPEG 2000.
#[test]
fn jpeg_2000_tiles_of_the_toolbox_are_turned_and_placed() {
    let files = ["jp2_tile0.jp2", "jp2_tile1.jp2", "jp2_tile2.jp2", "jp2_offsets.npy"];
    let Some((bench, expected)) = bench(&files) else { return };
    if bench.run("info jp2_tile0.jp2 --json").code != 0 {
        println!("SKIPPED: no reader of JPEG 2000 yet");
        return;
    }
    let set = "jp2_tile0.jp2 jp2_tile1.jp2 jp2_tile2.jp2 --positions jp2_offsets.npy --voxel-size 1,0.25,0.25";
    let info = bench.json(&format!("tileset info {set}"));
    let wanted = &expected["jp2"];
    for (tile, offset) in wanted["offsets_um_xyz"].as_array().unwrap().iter().enumerate() {
        let found = &info["tiles"][tile];
        assert_eq!(found["shape"], wanted["tile_shape_zyx"], "{found}");
        for (ours, theirs) in [(0, 2), (1, 1), (2, 0)] {
            let difference =
                found["position_um"][ours].as_f64().unwrap() - offset[theirs].as_f64().unwrap();
            assert!(difference.abs() < 1e-9, "{found} {offset}");
        }
        bench.ok(&format!(
            "tileset mask {set} --tiles {tile} --mask jp2_tile{tile}.jp2 --axes xyz -o t{tile}.zarr -q"
        ));
        let sum = super::stats(&bench, &format!("t{tile}.zarr"))["sum"].as_f64().unwrap();
        assert_eq!(sum, wanted["sums"][tile].as_f64().unwrap(), "tile {tile}");
    }
    bench.ok("convert t0.zarr -o t0.npy -q");
    let values = npy(&bench.path("t0.npy"), u16::from_le_bytes);
    let (row, plane) = (20, 16 * 20);
    let first: Vec<u16> = [0, 1, row, plane].map(|i| values[i]).to_vec();
    assert_eq!(serde_json::json!(first), wanted["tile0_zyx_first"]);
}
