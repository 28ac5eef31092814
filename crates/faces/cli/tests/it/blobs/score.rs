//! `hooke score blobs`: counts and pairs of a small table, and what `--update` writes.

use hooke_core::{Blob, Review, Truth};
use hooke_io::blobs::read_rows;

use super::matching::table;
use crate::hooke::Bench;

/// Of channel 0: found 1 µm beside a true blob, found exactly, found where there is none. Of channel 1: one
/// of two true blobs, 1 µm off.
fn planted() -> Bench {
    let bench = Bench::new();
    table(
        &bench,
        "truth.parquet",
        &[
            (1, 0, 0, 5.0, 10.0, 10.0),
            (2, 0, 0, 5.0, 10.0, 50.0),
            (3, 0, 1, 5.0, 11.0, 10.0),
            (4, 0, 1, 5.0, 11.0, 50.0),
        ],
    );
    table(
        &bench,
        "found.parquet",
        &[
            (1, 0, 0, 5.0, 10.0, 11.0),
            (2, 0, 0, 5.0, 10.0, 50.0),
            (3, 0, 0, 5.0, 90.0, 90.0),
            (9, 0, 1, 5.0, 12.0, 10.0),
        ],
    );
    bench
}

#[test]
fn counts_errors_and_pairs_are_as_counted_by_hand() {
    let bench = planted();
    bench.ok("blobs match truth.parquet -o tm.parquet -q");
    bench.ok("blobs match found.parquet -o fm.parquet -q");
    let line = "score blobs found.parquet truth.parquet --matches fm.parquet --truth-matches tm.parquet \
                --gate-um 4 -o score.json --update verified.parquet";
    let told = bench.ok(line).out;
    assert!(told.contains("gate um") && told.contains("precision"), "{told}");
    let score = bench.read_json("score.json");
    let first = &score["channels"]["0"];
    assert_eq!((&first["truth"], &first["found"], &first["tp"]), (&2.into(), &3.into(), &2.into()));
    assert_eq!((&first["recall"], &first["f1"]), (&1.0.into(), &0.8.into()));
    assert!((first["rmse_um"].as_f64().unwrap() - 0.5f64.sqrt()).abs() < 1e-12);
    assert_eq!(first["bias_um"], serde_json::json!([0.0, 0.0, 0.5]));
    let second = &score["channels"]["1"];
    assert_eq!((&second["recall"], &second["precision"]), (&0.5.into(), &1.0.into()));
    let pairs = &score["pairs"]["0-1"];
    assert_eq!((&pairs["truth"], &pairs["found"], &pairs["tp"]), (&2.into(), &1.into(), &1.into()));
    assert_eq!(pairs["fraction_truth"], 1.0);
    let (rows, meta) = read_rows::<Blob>(&bench.path("verified.parquet")).unwrap();
    let said: Vec<(u64, Review, Truth)> =
        rows.iter().map(|b| (b.id, b.confirmed, b.truth)).collect();
    use Review::{Confirmed, Rejected, Unseen};
    assert_eq!(
        said,
        [
            (1, Confirmed, Truth::No),
            (2, Confirmed, Truth::No),
            (3, Rejected, Truth::No),
            (9, Confirmed, Truth::No),
            (10, Unseen, Truth::Found),
            (11, Unseen, Truth::Found),
            (12, Unseen, Truth::Found),
            (13, Unseen, Truth::Missed),
        ]
    );
    assert_eq!(meta.image.unwrap().voxel_size_um, [3.0, 1.0, 1.0]);
    // A narrow gate leaves the exact one only; without pairs there is no score of pairs.
    let narrow = bench.json("score blobs found.parquet truth.parquet --gate-um 1");
    assert_eq!(narrow["result"]["channels"]["0"]["tp"], 1);
    assert_eq!(narrow["result"]["pairs"], serde_json::json!({}));
}

#[test]
fn wrong_words_and_files_are_told_and_nothing_is_replaced() {
    let bench = planted();
    bench.write("score.json", "mine");
    let told = bench.fails(1, "score blobs found.parquet truth.parquet -o score.json");
    assert!(told.contains("score.json") && told.contains("--overwrite"), "{told}");
    bench.ok("score blobs found.parquet truth.parquet -o score.json --overwrite");
    assert!(bench.read_json("score.json")["channels"].is_object());
    let told = bench.fails(2, "score blobs found.parquet truth.parquet --gate-um 0");
    assert!(told.contains("tolerance is [0.0, 0.0, 0.0]"), "{told}");
    assert!(
        bench
            .fails(2, "score blobs found.parquet truth.parquet --update a.csv")
            .contains(".parquet")
    );
    assert!(bench.fails(1, "score blobs found.parquet none.parquet").contains("none.parquet"));
    bench.ok("blobs match found.parquet -o fm.parquet -q");
    let told = bench.fails(
        1,
        "score blobs found.parquet truth.parquet --matches fm.parquet --truth-matches fm.parquet",
    );
    assert!(told.contains("names blob 9"), "{told}");
    let told = bench.fails(2, "score blobs found.parquet truth.parquet --matches fm.parquet");
    assert!(told.contains("--truth-matches"), "{told}");
    let printed = bench.ok("score blobs --print-config").out;
    assert!(printed.contains("\ngate_um = 4\n"), "{printed}");
}
