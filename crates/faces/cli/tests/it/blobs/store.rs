//! Stores: three and four channels, importing again, reviews, kills.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{IMPORT, counts, query, with_channels};
use crate::hooke::Bench;

fn wanted(channels: u64, count: u64) -> Vec<String> {
    let mut all = Vec::new();
    for a in 0..channels {
        for b in a + 1..channels {
            all.push(format!("{a}-{b}:{}", count - a - b));
        }
    }
    all
}

#[test]
fn matches_of_every_pair_of_three_and_four_channels_survive_importing_again() {
    for channels in [3, 4] {
        let bench = with_channels(channels, 50);
        let ran = bench.ok(IMPORT);
        assert!(ran.out.starts_with(&format!("blobs: {} blobs, ", channels * 50)), "{}", ran.out);
        assert_eq!(counts(&bench, "store.sqlite"), wanted(channels, 50));
        // A person reviews; then the same files come again.
        let db = Connection::open(bench.path("store.sqlite")).unwrap();
        db.execute_batch("UPDATE blobs SET confirmed = 1 WHERE uid % 3 = 0").unwrap();
        drop(db);
        let rows =
            "SELECT group_concat(id || ' ' || uid || ' ' || confirmed || ' ' || x) FROM blobs";
        let before: Vec<String> = query(&bench, "store.sqlite", rows);
        let told = bench.json(IMPORT);
        let entry = &told["result"]["experiments"][0];
        assert_eq!((&entry["new_blobs"], &entry["new_matches"]), (&0.into(), &0.into()));
        assert_eq!(entry["matches"], counts_sum(channels));
        assert_eq!(query::<String>(&bench, "store.sqlite", rows), before);
        assert_eq!(counts(&bench, "store.sqlite"), wanted(channels, 50));
        let names: Vec<String> = query(&bench, "store.sqlite", "SELECT name FROM experiments");
        assert_eq!(names, ["blobs"]);
    }
}

fn counts_sum(channels: u64) -> u64 {
    (0..channels).flat_map(|a| (a + 1..channels).map(move |b| 50 - a - b)).sum()
}

#[test]
fn a_store_goes_out_as_magellanmappers_files_and_comes_back() {
    let bench = with_channels(4, 40);
    bench.ok(IMPORT);
    bench.ok("blobs export store.sqlite -o out.db -q");
    bench.ok("blobs import out.db --voxel-size 3,1,1 -o again.sqlite -q");
    assert_eq!(counts(&bench, "again.sqlite"), wanted(4, 40));
    bench.ok("blobs export store.sqlite -o out.npz -q");
    bench.ok("blobs import out.npz -o again.parquet -q");
    bench.ok("blobs export again.parquet -o again.csv -q");
    bench.ok("blobs export store.sqlite -o first.csv -q");
    let places = |name: &str| -> Vec<String> {
        let text = std::fs::read_to_string(bench.path(name)).unwrap();
        text.lines().map(|l| l.split(',').take(9).collect::<Vec<_>>().join(",")).collect()
    };
    // The ids of the table it came from, which is in the order of tables by channel, z, y, x.
    let (mut first, again) = (places("first.csv"), places("again.csv"));
    assert_eq!(first.len(), 161);
    let without_id = |l: &String| l.split_once(',').unwrap().1.to_owned();
    first = first.iter().map(without_id).collect();
    assert_eq!(again.iter().map(without_id).collect::<Vec<_>>(), first);
    bench.ok("blobs export store.sqlite --table matches -o matches.parquet -q");
    bench.ok("blobs export blobs.csv --matches matches.parquet --table matches -o matches2.csv -q");
    let ends = |name: &str| -> Vec<String> {
        let text = std::fs::read_to_string(bench.path(name)).unwrap();
        let ends = |l: &str| l.split(',').skip(3).take(4).collect::<Vec<_>>().join(",");
        let mut all: Vec<String> = text.lines().skip(1).map(ends).collect();
        all.sort();
        all
    };
    assert_eq!(ends("matches2.csv"), ends("matches.csv"));
    assert!(bench.has("matches.parquet.hooke.json"));
}

#[test]
fn experiments_and_regions_are_chosen() {
    let bench = with_channels(3, 30);
    bench.ok("blobs import blobs.csv -o s.sqlite --voxel-size 3,1,1 --experiment one -q");
    bench.ok("blobs import blobs.csv -o s.sqlite --voxel-size 3,1,1 --experiment two --roi 0,0,0:9,9,9 -q");
    let names: Vec<String> = query(&bench, "s.sqlite", "SELECT name FROM experiments ORDER BY id");
    assert_eq!(names, ["one", "two"]);
    let sizes: Vec<i64> = query(&bench, "s.sqlite", "SELECT nz FROM rois ORDER BY id");
    assert_eq!(sizes, [0, 9]);
    let told = bench.fails(2, "blobs export s.sqlite -o a.csv");
    assert!(
        told.contains("several experiments: one, two") && told.contains("--experiment NAME"),
        "{told}"
    );
    bench.ok("blobs export s.sqlite --experiment two --channels 0,2 --offset 5,0,0 --shape 4,100,100 -o a.csv -q");
    let text = std::fs::read_to_string(bench.path("a.csv")).unwrap();
    assert_eq!(text.lines().count(), 1 + 2 * 4);
    bench.ok("blobs export s.sqlite --experiment two --min-score 19 -o b.csv -q");
    assert_eq!(std::fs::read_to_string(bench.path("b.csv")).unwrap().lines().count(), 1 + 3 * 2);
    bench.ok("blobs export s.sqlite --experiment one --confirmed -o c.csv -q");
    assert_eq!(std::fs::read_to_string(bench.path("c.csv")).unwrap().lines().count(), 1);
}

#[test]
fn a_dry_run_and_a_failing_import_leave_nothing() {
    let bench = with_channels(3, 30);
    let before = bench.names();
    let told = bench.ok(&format!("{IMPORT} --dry-run"));
    assert!(told.out.contains("blobs: 90 blobs, "), "{}", told.out);
    assert_eq!(bench.names(), before);
    bench
        .write("wrong.csv", format!("{}1,0,0,0,1,1,999,1,1,0.5,0,0,0,0,0,0,1,0\n", super::MATCHES));
    let told = bench
        .fails(1, "blobs import blobs.csv --matches wrong.csv -o store.sqlite --voxel-size 3,1,1");
    assert!(told.contains("there is no blob 999"), "{told}");
    assert_eq!(bench.names().len(), before.len() + 1);
}

/// Killed while rows are being written, the store is as it was, and the import can be repeated.
#[test]
fn a_kill_during_an_import_leaves_the_store_as_it_was() {
    let bench = with_channels(3, 40_000);
    bench.write("few.csv", format!("{}1,0,0,1,2,3,3,2,3,4,1,9,1,-1,-1,hooke\n", super::BLOBS));
    let store = "store.sqlite";
    bench.ok("blobs import few.csv --voxel-size 3,1,1 --experiment blobs -o store.sqlite -q");
    let mut child = bench.command(IMPORT).spawn().unwrap();
    let log = bench.path("store.sqlite-wal");
    let begin = Instant::now();
    let mut finished = false;
    while std::fs::metadata(&log).map_or(0, |m| m.len()) < 1 << 20 {
        finished = child.try_wait().unwrap().is_some();
        assert!(
            !finished && begin.elapsed() < Duration::from_secs(60),
            "never in the middle of it"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!finished);
    assert_eq!(query::<i64>(&bench, store, "SELECT count(*) FROM blobs"), [1]);
    assert_eq!(query::<i64>(&bench, store, "SELECT confirmed FROM blobs"), [1]);
    assert_eq!(query::<String>(&bench, store, "PRAGMA integrity_check"), ["ok"]);
    bench.ok(&format!("{IMPORT} -q"));
    assert_eq!(counts(&bench, store), wanted(3, 40_000));
}

#[test]
fn stores_are_never_replaced() {
    let bench = with_channels(3, 30);
    bench.ok(IMPORT);
    let told = bench.fails(2, &format!("{IMPORT} --overwrite"));
    assert!(told.contains("a store is added to, and never replaced"), "{told}");
    std::fs::copy(bench.path("store.sqlite"), bench.path("store.parquet")).unwrap();
    let told =
        bench.fails(2, "blobs import blobs.csv -o store.parquet --voxel-size 3,1,1 --overwrite");
    assert!(told.contains("a store, which is never replaced"), "{told}");
    let other = Bench::new();
    other.write("other.db", "not a database at all, but long enough to be looked at");
    other.write("blobs.csv", std::fs::read(bench.path("blobs.csv")).unwrap());
    let told = other.fails(1, "blobs import blobs.csv -o other.db --voxel-size 3,1,1");
    assert!(told.contains("not a database of SQLite"), "{told}");
    assert_eq!(other.names(), ["blobs.csv", "other.db"]);
}
