//! `hooke blobs match`: planted pairs, several tables, objects, chance.

use std::fmt::Write as _;

use hooke_core::{Axes, Blob, BlobPair};
use hooke_io::blobs::{BlobImage, TableMeta, TupleRow, read_rows, write_rows};
use serde_json::Value;

use super::BLOBS;
use crate::hooke::Bench;

/// Blobs at `(id, t, channel, z, y, x)` in voxels of 3, 1, 1 µm of an image of 20 planes of 100 x 100.
pub fn table(bench: &Bench, name: &str, rows: &[(u64, u32, u16, f64, f64, f64)]) {
    let image = image([20, 100, 100]);
    let blobs: Vec<Blob> = rows
        .iter()
        .map(|(id, t, channel, z, y, x)| {
            let place = [*z, *y, *x];
            let source = "test".into();
            Blob { id: *id, t: *t, ..Blob::at(*channel, place, image.to_um(place), 4.5, &source) }
        })
        .collect();
    write_rows(&bench.path(name), &blobs, &TableMeta { image: Some(image), parameters: None })
        .unwrap();
}

fn image(shape: [u64; 3]) -> BlobImage {
    BlobImage { shape: shape.to_vec(), axes: Axes::ZYX, ..BlobImage::of_voxels([3.0, 1.0, 1.0]) }
}

fn pairs(bench: &Bench, name: &str) -> Vec<[u64; 2]> {
    let (rows, _) = read_rows::<BlobPair>(&bench.path(name)).unwrap();
    rows.iter().map(|p| p.blob_ids).collect()
}

/// The gate comes before the assignment: the pair 9-8 is not lost to partners beyond the gate.
const LINE: [(u64, u32, u16, f64, f64, f64); 5] = [
    (1, 0, 0, 5.0, 5.0, 0.0),
    (2, 0, 0, 5.0, 5.0, 9.0),
    (3, 0, 1, 5.0, 5.0, 8.0),
    (4, 0, 1, 5.0, 5.0, 18.0),
    (5, 1, 1, 5.0, 5.0, 0.0),
];

#[test]
fn the_planted_pairs_of_the_stack_are_found() {
    let shared = hooke_testdata::shared(env!("CARGO_MANIFEST_DIR"));
    let Some(folder) = shared.map(|s| s.join("conformance/blobs")).filter(|f| f.is_dir()) else {
        println!("SKIPPED: no shared test data here");
        return;
    };
    let text = std::fs::read_to_string(folder.join("stack.json")).unwrap();
    let stack: Value = serde_json::from_str(&text).unwrap();
    let image = image([40, 160, 160]);
    let blobs: Vec<Blob> = stack["blobs"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let number = |d: usize| row[d].as_f64().unwrap();
            let place = [number(0), number(1), number(2)];
            let source = "test".into();
            let blob = Blob::at(number(6) as u16, place, image.to_um(place), 3.0, &source);
            Blob { id: i as u64 + 1, ..blob }
        })
        .collect();
    let bench = Bench::new();
    let meta = TableMeta { image: Some(image), parameters: None };
    write_rows(&bench.path("stack.parquet"), &blobs, &meta).unwrap();
    let line = "blobs match stack.parquet -o m.parquet --tol 6,5,5 --tuples t.parquet";
    let told = bench.json(line)["result"].clone();
    let (found, meta) = read_rows::<BlobPair>(&bench.path("m.parquet")).unwrap();
    for (key, wanted) in stack["exact"].as_object().unwrap() {
        assert_eq!(told["pairs"][key]["matches"], wanted["count"], "{key}");
        let of_key =
            found.iter().filter(|p| format!("{}-{}", p.channels[0], p.channels[1]) == *key);
        let cost: f64 = of_key.map(|p| p.gate_distance).sum();
        assert!((cost - wanted["cost"].as_f64().unwrap()).abs() < 1e-9, "{key}");
    }
    assert_eq!(meta.image.unwrap().voxel_size_um, [3.0, 1.0, 1.0]);
    assert_eq!(meta.parameters.unwrap()["tol_um"], serde_json::json!([6.0, 5.0, 5.0]));
    // Every blob is in exactly one object.
    let (objects, _) = read_rows::<TupleRow>(&bench.path("t.parquet")).unwrap();
    let mut ids: Vec<u64> = objects.iter().flat_map(|t| t.blob_ids.clone()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=blobs.len() as u64).collect::<Vec<_>>());
    assert_eq!(told["tuples"], objects.len());
    // Neither threads nor the order of rows show.
    let mut turned = blobs;
    turned.reverse();
    let (_, meta) = read_rows::<Blob>(&bench.path("stack.parquet")).unwrap();
    write_rows(&bench.path("turned.parquet"), &turned, &meta).unwrap();
    bench.ok("blobs match turned.parquet -o again.parquet --tol 6,5,5 --threads 1 -q");
    let bytes = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert!(bytes("m.parquet") == bytes("again.parquet"));
}

#[test]
fn frames_are_matched_each_on_its_own_and_boxes_keep_what_they_should() {
    let bench = Bench::new();
    table(&bench, "b.parquet", &LINE);
    bench.ok("blobs match b.parquet -o m.parquet -q");
    assert_eq!(pairs(&bench, "m.parquet"), [[2, 3]]);
    let row = &read_rows::<BlobPair>(&bench.path("m.parquet")).unwrap().0[0];
    assert_eq!((row.distance_um, row.gate_distance, row.distance_scaled), (1.0, 0.2, 1.0));
    assert_eq!((row.position, row.position_um), ([5.0, 5.0, 8.5], [15.0, 5.0, 8.5]));
    assert!(bench.has("m.parquet.hooke.json"));
    let boxed = "blobs match b.parquet -o box.parquet --overwrite -q --offset 0,0,0 --shape";
    bench.ok(&format!("{boxed} 20,100,9"));
    assert!(pairs(&bench, "box.parquet").is_empty());
    bench.ok(&format!("{boxed} 20,100,12 --inner-padding 0,0,2"));
    assert_eq!(pairs(&bench, "box.parquet"), [[2, 3]]);
    bench.ok(&format!("{boxed} 20,100,12 --inner-padding 0,0,4"));
    assert!(pairs(&bench, "box.parquet").is_empty());
    bench.ok("blobs match b.parquet -o wide.parquet --tol 9,9,9.5 -q");
    assert_eq!(pairs(&bench, "wide.parquet"), [[1, 3], [2, 4]]);
    bench.ok("blobs match b.parquet -o d.parquet --tol 9,9,9.5 --objective distance -q");
    assert_eq!(pairs(&bench, "d.parquet"), [[2, 3]]);
}

#[test]
fn several_tables_need_distinct_ids_or_new_ones() {
    let bench = Bench::new();
    table(&bench, "a.parquet", &[(1, 0, 0, 5.0, 5.0, 9.0), (2, 0, 0, 5.0, 5.0, 50.0)]);
    table(&bench, "b.parquet", &[(1, 0, 1, 5.0, 5.0, 8.0)]);
    table(&bench, "c.parquet", &[(7, 0, 1, 5.0, 5.0, 8.0)]);
    bench.ok("blobs match a.parquet c.parquet -o m.parquet -q");
    assert_eq!(pairs(&bench, "m.parquet"), [[1, 7]]);
    let told = bench.fails(1, "blobs match a.parquet b.parquet -o n.parquet");
    assert!(
        told.contains("the 2 tables: id 1 stands for") && told.contains("--renumber"),
        "{told}"
    );
    bench.ok("blobs match a.parquet b.parquet -o n.parquet --renumber -q");
    assert_eq!(pairs(&bench, "n.parquet"), [[1, 3]]);
    let (blobs, meta) = read_rows::<Blob>(&bench.path("n.blobs.parquet")).unwrap();
    let places: Vec<(u64, u16, f64)> =
        blobs.iter().map(|b| (b.id, b.channel, b.position[2])).collect();
    assert_eq!(places, [(1, 0, 9.0), (2, 0, 50.0), (3, 1, 8.0)]);
    assert_eq!(meta.image.unwrap().shape, [20, 100, 100]);
    bench.ok("blobs import n.blobs.parquet --matches n.parquet -o s.sqlite -q");
    // What exists is not replaced, whichever of the outputs it is.
    std::fs::remove_file(bench.path("n.parquet")).unwrap();
    let told = bench.fails(1, "blobs match a.parquet b.parquet -o n.parquet --renumber");
    assert!(told.contains("n.blobs.parquet"), "{told}");
}

#[test]
fn a_channel_without_blobs_gives_no_matches_and_a_warning() {
    let bench = Bench::new();
    table(&bench, "b.parquet", &[(1, 0, 0, 5.0, 5.0, 9.0)]);
    let told = bench.json("blobs match b.parquet -o m.parquet --channels 0,3");
    assert_eq!(told["result"]["matches"], 0);
    assert!(told["warnings"].to_string().contains("all blobs are of channel 0"), "{told}");
    assert!(pairs(&bench, "m.parquet").is_empty());
    table(&bench, "none.parquet", &[]);
    let told = bench.json("blobs match none.parquet -o n.parquet --chance 9 --tuples t.parquet");
    assert_eq!((&told["status"], &told["result"]["tuples"]), (&"done".into(), &0.into()));
}

/// 12 pairs that lie together, and 200 blobs of each channel that do not.
fn planted(bench: &Bench) {
    let mut rows = Vec::new();
    for i in 0..212u64 {
        let (y, x) = (f64::from(2 + 9 * (i as u32 % 11)), f64::from(2 + 9 * (i as u32 / 11 % 11)));
        let z = if i / 121 == 0 { 1.0 } else { 16.0 };
        let away = if i < 12 { 0.5 } else { 4.5 };
        rows.push((i + 1, 0, 0, z, y, x));
        rows.push((i + 301, 0, 1, z, y + away, x));
    }
    table(bench, "b.parquet", &rows);
}

#[test]
fn chance_is_told_for_shifts_and_for_masks() {
    let bench = Bench::new();
    planted(&bench);
    let line = "blobs match b.parquet -o m.parquet --tol 3,2,2 --chance 99 --seed 5";
    bench.ok(&format!("{line} -q"));
    let chance = bench.read_json("chance.json");
    let pair = &chance["pairs"]["0-1"];
    assert_eq!((&pair["observed"], &chance["draws"]), (&12.into(), &99.into()));
    // n1 (1 - exp(-n2 v / V)) with v the gate and V the image, both in um3.
    let (gate, volume) = (4.0 / 3.0 * std::f64::consts::PI * 12.0, 60.0 * 100.0 * 100.0);
    let expected = 212.0 * (1.0 - (-212.0 * gate / volume).exp());
    assert!((pair["expected"].as_f64().unwrap() - expected).abs() < 1e-9, "{chance}");
    assert!((pair["fraction1"]["value"].as_f64().unwrap() - 12.0 / 212.0).abs() < 1e-12);
    // The same again has the same bits.
    let before = std::fs::read(bench.path("chance.json")).unwrap();
    bench.ok(&format!("{line} -q --overwrite --threads 1"));
    assert_eq!(std::fs::read(bench.path("chance.json")).unwrap(), before);
    // A mask at half the resolution along y and x, all of the image but its second half along x.
    let mut mask = npy("|u1", "(20, 50, 50)");
    mask.extend((0..20 * 50 * 50).map(|i| u8::from(i % 50 < 25)));
    bench.write("mask.npy", mask);
    bench.ok(
        "blobs match b.parquet -o k.parquet --tol 3,2,2 --chance 99 --mask mask.npy -q --overwrite",
    );
    let masked = &bench.read_json("chance.json")["pairs"]["0-1"];
    assert_eq!(masked["p_value"], 0.01);
    assert!(masked["expected"].as_f64().unwrap() > 0.0);
    bench.write("empty.npy", [npy("|u1", "(1, 1, 1)"), vec![0]].concat());
    let told = bench
        .fails(1, "blobs match b.parquet -o e.parquet --chance 9 --mask empty.npy --overwrite");
    assert!(told.contains("0 throughout"), "{told}");
}

/// The head of an array file.
pub fn npy(dtype: &str, shape: &str) -> Vec<u8> {
    let mut head = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}");
    while (head.len() + 11) % 64 != 0 {
        head.push(' ');
    }
    head.push('\n');
    let length = (head.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, head.as_bytes()].concat()
}

#[test]
fn a_gate_wider_than_the_spacing_is_told_and_still_exact() {
    let bench = Bench::new();
    let blob = |i: u64| (i + 1, 0, (i % 2) as u16, 5.0, f64::from(i as u32 / 2), 5.0);
    table(&bench, "b.parquet", &(0..60).map(blob).collect::<Vec<_>>());
    let told = bench.json("blobs match b.parquet -o m.parquet --tol 20");
    let warnings = told["warnings"].to_string();
    assert!(
        warnings.contains("candidates per blob") && warnings.contains("60 blobs hang"),
        "{told}"
    );
    assert_eq!(pairs(&bench, "m.parquet").len(), 30);
    let (rows, _) = read_rows::<BlobPair>(&bench.path("m.parquet")).unwrap();
    assert!(rows.iter().all(|p| p.distance_um == 0.0));
}

#[test]
fn messages() {
    let bench = Bench::new();
    table(&bench, "b.parquet", &LINE);
    let rows: String = (1..3).fold(BLOBS.to_owned(), |mut text, i| {
        let _ = writeln!(text, "{i},0,{i},1,2,3,3,2,3,4.5,80,9,-1,-1,-1,hooke");
        text
    });
    bench.write("plain.csv", rows);
    bench.write("short.csv", "id,t,channel,z,z_um,source\n1,0,0,0,0,a\n");
    bench.write(
        "twice.csv",
        format!("{BLOBS}1,0,0,1,2,3,3,2,3,4,1,9,1,-1,-1,a\n1,0,1,1,2,3,3,2,3,4,1,9,1,-1,-1,a\n"),
    );
    bench.ok("blobs import plain.csv --voxel-size 1 -o ones.parquet -q");
    bench.ok("blobs import plain.csv --voxel-size 1 -o s.sqlite -q");
    let lines = [
        "missing.parquet",
        "plain.csv",
        "short.csv --voxel-size 1",
        "twice.csv --voxel-size 1",
        "s.sqlite",
        "b.parquet ones.parquet",
        "b.parquet --tol 0",
        "b.parquet --tol a",
        "b.parquet --channels 0",
        "b.parquet --channels x",
        "b.parquet --offset 0,0,0",
        "b.parquet --inner-padding 1",
        "b.parquet --offset 0,0,0 --shape 5,5,5 --inner-padding -1",
        "b.parquet --offset 0,0,0 --shape 5,5,5 --inner-padding 1 --chance 9",
        "b.parquet --mask mask.npy",
        "b.parquet --mask missing.npy --chance 9",
        "b.parquet --chance 9 --offset 900,0,0 --shape 5,5,5",
        "ones.parquet --chance 9",
        "b.parquet --tuples t.csv",
        "b.parquet --tuples m.parquet",
        "b.parquet --objective best",
    ];
    insta::assert_snapshot!(super::told(&bench, "match", "-o m.parquet", &lines));
    bench.ok("blobs match plain.csv --voxel-size 1 -o m.parquet -q");
    let printed = bench.ok("blobs match --print-config").out;
    assert!(
        printed.contains("\ntol = 5\n") && printed.contains("\nobjective = \"cardinality\"\n"),
        "{printed}"
    );
}
