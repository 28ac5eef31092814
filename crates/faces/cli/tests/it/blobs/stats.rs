//! `hooke blobs stats`: against values by hand, streamed, masked, labelled.

use serde_json::Value;

use super::matching::npy;
use crate::hooke::Bench;

/// Two channels of one plane of 2 x 4 voxels.
const A: [u8; 8] = [0, 0, 10, 20, 0, 30, 40, 50];
const B: [u8; 8] = [0, 5, 0, 40, 7, 20, 0, 80];

fn small() -> Bench {
    let bench = Bench::new();
    let mut two = npy("|u1", "(2, 1, 2, 4)");
    two.extend(A);
    two.extend(B);
    bench.write("two.npy", two);
    bench
}

fn number(row: &Value, key: &str) -> f64 {
    row[key].as_f64().unwrap_or_else(|| panic!("{key} of {row}"))
}

fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let (ma, mb) = (mean(a), mean(b));
    let sum =
        |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

#[test]
fn statistics_are_those_counted_by_hand() {
    let bench = small();
    bench.ok("blobs stats two.npy -o s.json --ccf 1 -q");
    let rows = bench.read_json("s.json");
    let row = &rows[0];
    assert_eq!((row["n"].as_u64(), rows.as_array().unwrap().len()), (Some(8), 1));
    assert!(row["label"].is_null() && row["costes_p"].is_null());
    let (a, b) = (A.map(f64::from), B.map(f64::from));
    assert!((number(row, "pearson") - pearson(&a, &b)).abs() < 1e-12);
    // The other channel's threshold selects: 20 + 30 + 50 of 150, and 40 + 20 + 80 of 152.
    assert!((number(row, "m1") - 100.0 / 150.0).abs() < 1e-12);
    assert!((number(row, "m2") - 140.0 / 152.0).abs() < 1e-12);
    assert_eq!((number(row, "overlap1"), number(row, "overlap2")), (0.6, 0.6));
    assert!((number(row, "k1") - (800.0 + 600.0 + 4000.0) / 5500.0).abs() < 1e-12);
    assert_eq!(row["ccf_max_shift"], 0);
    assert!((number(row, "ccf_max") - number(row, "pearson")).abs() < 1e-12);
    // Thresholds of each channel, a background, and the maximum.
    bench.ok("blobs stats two.npy -o t.json --threshold 15,30 -q");
    let row = &bench.read_json("t.json")[0];
    assert!((number(row, "m1") - 70.0 / 150.0).abs() < 1e-12);
    assert!((number(row, "tm1") - 70.0 / 140.0).abs() < 1e-12);
    bench.ok("blobs stats two.npy -o f.json --threshold fraction:0.5 -q");
    let row = &bench.read_json("f.json")[0];
    assert_eq!((number(row, "threshold1"), number(row, "threshold2")), (25.0, 40.0));
    bench.ok("blobs stats two.npy -o g.json --background 10,0 -q");
    let row = &bench.read_json("g.json")[0];
    assert!((number(row, "m1") - (10.0 + 20.0 + 40.0) / (10.0 + 20.0 + 30.0 + 40.0)).abs() < 1e-12);
}

#[test]
fn masks_choose_voxels_and_labels_have_rows_of_their_own() {
    let bench = small();
    bench.write("mask.npy", [npy("|u1", "(1, 2, 4)"), vec![1, 1, 1, 1, 0, 0, 0, 0]].concat());
    bench.write("labels.npy", [npy("|u1", "(1, 2, 4)"), vec![0, 0, 7, 7, 3, 3, 3, 3]].concat());
    bench.ok("blobs stats two.npy -o m.json --mask mask.npy -q");
    let row = &bench.read_json("m.json")[0];
    assert_eq!(row["n"], 4);
    assert!((number(row, "m1") - 20.0 / 30.0).abs() < 1e-12);
    bench.ok("blobs stats two.npy -o l.parquet --labels labels.npy -q");
    bench.ok("blobs stats two.npy -o l.json --labels labels.npy -q");
    let rows = bench.read_json("l.json");
    let labels: Vec<(Option<i64>, u64)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["label"].as_i64(), r["n"].as_u64().unwrap()))
        .collect();
    assert_eq!(labels, [(None, 8), (Some(3), 4), (Some(7), 2)]);
    assert!((number(&rows[1], "m1") - 80.0 / 120.0).abs() < 1e-12);
    let table = hooke_io::tables::read_table(&bench.path("l.parquet")).unwrap();
    assert_eq!((table.num_rows(), table.num_columns()), (3, 29));
    assert_eq!(table.column_by_name("label").unwrap().null_count(), 1);
    assert_eq!(table.column_by_name("costes_p").unwrap().null_count(), 3);
    let keys: Vec<String> = rows[0].as_object().unwrap().keys().cloned().collect();
    let mut columns: Vec<String> =
        table.schema().fields().iter().map(|f| f.name().clone()).collect();
    columns.sort();
    let mut sorted = keys;
    sorted.sort();
    assert_eq!(columns, sorted);
}

/// An image of several slabs, of numbers that are kept or binned, is the same one on any number of threads,
/// and as integers as without a mask that leaves nothing out.
#[test]
fn large_images_are_streamed_and_real_ones_are_binned() {
    let bench = Bench::new();
    let (voxels, shape) = (24 * 256 * 256usize, "(2, 24, 256, 256)");
    let value = |i: usize| (i.wrapping_mul(2_654_435_761) >> 7) as u32 % 200;
    let a = |i: usize| value(i) as u8;
    let b = |i: usize| (value(i) / 2 + value(i + 77) / 2) as u8;
    let mut bytes = npy("|u1", shape);
    bytes.extend((0..voxels).map(a).chain((0..voxels).map(b)));
    bench.write("two.npy", bytes);
    let mut floats = npy("<f4", shape);
    let real = (0..voxels).map(a).chain((0..voxels).map(b));
    floats.extend(real.flat_map(|v| f32::from(v).to_le_bytes()));
    bench.write("real.npy", floats);
    bench.ok("blobs stats two.npy -o one.json --memory 512MiB --threads 1 -q");
    bench.ok("blobs stats two.npy -o two.json --memory 2GiB -q");
    assert_eq!(bench.read_json("one.json"), bench.read_json("two.json"));
    let told = bench.json("blobs stats real.npy -o real.json --memory 512MiB");
    assert!(told["warnings"].to_string().contains("65536 equal bins"), "{told}");
    let (whole, real) = (bench.read_json("one.json"), bench.read_json("real.json"));
    for key in ["pearson", "spearman", "moc", "slope", "icq"] {
        let (x, y) = (number(&whole[0], key), number(&real[0], key));
        assert!((x - y).abs() < 1e-6, "{key}: {x} {y}");
    }
    let told = bench.run("blobs stats two.npy -o c.json --costes-draws 5 --memory 300MiB");
    assert!(
        told.code != 0 && told.err.contains("--costes-draws holds both channels"),
        "{}",
        told.err
    );
    bench.ok("blobs stats two.npy -o c.json --costes-draws 19 --memory 2GiB -q --overwrite");
    assert_eq!(number(&bench.read_json("c.json")[0], "costes_p"), 0.05);
}

#[test]
fn messages() {
    let bench = small();
    bench.write("one.npy", [npy("|u1", "(1, 2, 4)"), A.to_vec()].concat());
    bench.write("film.npy", [npy("|u1", "(2, 2, 1, 1, 4)"), A.to_vec(), B.to_vec()].concat());
    bench.write("other.npy", [npy("|u1", "(1, 4, 2)"), A.to_vec()].concat());
    let real: Vec<u8> = A.iter().flat_map(|v| f32::from(*v).to_le_bytes()).collect();
    bench.write("real.npy", [npy("<f4", "(1, 2, 4)"), real].concat());
    let lines = [
        "missing.npy",
        "one.npy",
        "two.npy --channels 0",
        "two.npy --channels 0,2",
        "two.npy --channels 1,1",
        "film.npy",
        "film.npy --time 2",
        "two.npy --mask other.npy",
        "two.npy --labels real.npy",
        "two.npy --threshold high",
        "two.npy --threshold 1,2,3",
        "two.npy --threshold fraction:2",
        "two.npy --background a",
        "two.npy --costes-block 0.5",
        "two.npy --ccf 70000",
    ];
    insta::assert_snapshot!(super::told(&bench, "stats", "-o s.parquet", &lines));
    assert!(bench.fails(2, "blobs stats two.npy -o s.txt").contains("write .parquet or .json"));
    bench.ok("blobs stats film.npy --time 1 -o s.json -q");
    let printed = bench.ok("blobs stats --print-config").out;
    assert!(printed.contains("\ncostes_block = \"3,3,3\"\n"), "{printed}");
}
