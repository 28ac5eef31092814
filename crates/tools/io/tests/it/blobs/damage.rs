//! Cut and flipped files: a value or an error, soon, never a panic.

use std::path::Path;
use std::time::{Duration, Instant};

use hooke_core::{Blob, BlobPair};
use hooke_io::blobs::peers::{self, BlobFormat, Export};
use hooke_io::blobs::store::{BlobStore, Import, StoreError};
use hooke_io::blobs::{BlobFilter, Roi, TupleRow, read_rows, write_rows};

use super::{blobs, meta, pairs};
use crate::harness::{Dice, keep_seed};

/// Damages a file in many ways; `read` tells whether it was read.
fn check(path: &Path, flips: u64, read: impl Fn(&Path) -> bool + std::panic::RefUnwindSafe) {
    let content = std::fs::read(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join(path.file_name().unwrap());
    let attempt = |bytes: &[u8], how: String| {
        std::fs::write(&damaged, bytes).unwrap();
        let begin = Instant::now();
        let outcome = std::panic::catch_unwind(|| read(&damaged));
        assert!(begin.elapsed() < Duration::from_secs(5), "{how} of {}", path.display());
        outcome.unwrap_or_else(|_| panic!("{how} of {} panics", path.display()))
    };
    for percent in [0, 1, 10, 30, 50, 90, 99] {
        let cut = content.len() * percent / 100;
        let read = attempt(&content[..cut], format!("cut to {percent} %"));
        assert!(!read || path.extension().is_some_and(|e| e == "csv"), "cut to {percent} % reads");
    }
    for seed in 0..flips {
        let mut dice = Dice::new(seed);
        let mut bytes = content.clone();
        for _ in 0..1 + dice.below(3) {
            let reach = if seed % 2 == 0 { bytes.len() } else { bytes.len().min(1024) };
            let at = dice.below(reach as u64) as usize;
            bytes[at] ^= 1 << dice.below(8);
        }
        attempt(&bytes, format!("flips of seed {seed}"));
    }
    assert!(attempt(&content, "no damage".to_owned()), "{} itself reads", path.display());
}

#[test]
fn damaged_files_of_other_programs_are_values_or_errors() {
    let folder = tempfile::tempdir().unwrap();
    let (all, matches, meta) = (blobs(40, 2), pairs(&blobs(40, 2)), meta());
    let files = [
        ("a_blobs.npz", BlobFormat::MagmapNpz, 300),
        ("a.db", BlobFormat::MagmapDb, 200),
        ("a.xml", BlobFormat::CellfinderXml, 300),
        ("a.npy", BlobFormat::ClearmapNpy, 300),
        ("m.csv", BlobFormat::MagmapCsv, 100),
        ("n.csv", BlobFormat::NapariCsv, 100),
        ("b.csv", BlobFormat::Csv, 100),
    ];
    for (name, format, flips) in files {
        let path = folder.path().join(name);
        let matches_too = format.is_of_matches();
        let export = Export {
            blobs: &all,
            pairs: &matches,
            matches: matches_too,
            meta: &meta,
            colocs: None,
            experiment: "a",
            date: "2026-01-01",
        };
        peers::write(&path, format, &export).unwrap();
        // The fuzz target `blobs` chooses the format by the first byte.
        let number = match format {
            BlobFormat::MagmapNpz => Some(0),
            BlobFormat::CellfinderXml => Some(1),
            BlobFormat::ClearmapNpy => Some(2),
            BlobFormat::MagmapCsv => Some(3),
            _ => None,
        };
        if let Some(number) = number {
            keep_seed("blobs", &[&[number], std::fs::read(&path).unwrap().as_slice()].concat());
        }
        check(&path, flips, |p| peers::read(p, format, Some([1.0; 3])).is_ok());
    }
    let path = folder.path().join("annotations");
    let export = Export {
        blobs: &all,
        pairs: &[],
        matches: false,
        meta: &meta,
        colocs: None,
        experiment: "a",
        date: "",
    };
    peers::write(&path, BlobFormat::Neuroglancer, &export).unwrap();
    for part in ["info", "spatial0/0_0_0"] {
        let content = std::fs::read(path.join(part)).unwrap();
        for seed in 0..200 {
            let mut dice = Dice::new(seed);
            let mut bytes = content.clone();
            let at = dice.below(bytes.len() as u64) as usize;
            match seed % 2 {
                0 => bytes.truncate(at),
                _ => bytes[at] ^= 1 << dice.below(8),
            }
            std::fs::write(path.join(part), bytes).unwrap();
            let read = || peers::read(&path, BlobFormat::Neuroglancer, None).is_ok();
            assert!(std::panic::catch_unwind(read).is_ok(), "{part}, seed {seed}");
        }
        std::fs::write(path.join(part), content).unwrap();
    }
}

#[test]
fn damaged_tables_are_values_or_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let all = blobs(40, 2);
    write_rows(&path, &all, &meta()).unwrap();
    check(&path, 300, |p| read_rows::<Blob>(p).is_ok());
    write_rows(&path, &pairs(&all), &meta()).unwrap();
    check(&path, 150, |p| read_rows::<BlobPair>(p).is_ok());
    let tuple = TupleRow { tuple_id: 1, blob_ids: vec![1, 2], ..TupleRow::default() };
    write_rows(&path, &[tuple], &meta()).unwrap();
    check(&path, 150, |p| read_rows::<TupleRow>(p).is_ok());
}

#[test]
fn damaged_stores_are_values_or_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite");
    let (all, matches, meta) = (blobs(40, 2), pairs(&blobs(40, 2)), meta());
    let import = Import {
        experiment: "a",
        date: None,
        roi: Roi::WHOLE,
        meta: &meta,
        blobs: &all,
        pairs: &matches,
        rule: "",
    };
    BlobStore::create::<_, StoreError>(&path, |store| store.import(&[import])).unwrap();
    check(&path, 200, |p| {
        let Ok(store) = BlobStore::open_to_read(p) else { return false };
        let found = store.select_blobs(None, None, &BlobFilter::default());
        let matches = store.select_matches(None, None, None);
        found.is_ok_and(|f| f.blobs.len() == 40) && matches.is_ok()
    });
}
