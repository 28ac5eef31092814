//! The store: what survives, what is refused, what is found.

use std::path::{Path, PathBuf};

use hooke_core::{Blob, BlobPair, Review, Truth};
use hooke_io::blobs::store::{BlobStore, Import, Imported, StoreError, is_store};
use hooke_io::blobs::{BlobFilter, BlobImage, Roi, TableMeta, VoxelBox};
use rusqlite::Connection;

use super::{blobs, image, meta, pairs};

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
    meta: TableMeta,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        Place { _folder: folder, path, meta: meta() }
    }

    fn add(&self, name: &str, blobs: &[Blob], pairs: &[BlobPair]) -> Result<Imported, StoreError> {
        let import = self.import(name, blobs, pairs);
        let add = |store: &mut BlobStore| store.import(&[import]);
        let done = match self.path.exists() {
            true => add(&mut BlobStore::open(&self.path)?)?,
            false => BlobStore::create::<_, StoreError>(&self.path, add)?,
        };
        Ok(done[0])
    }

    fn import<'a>(&'a self, name: &'a str, blobs: &'a [Blob], pairs: &'a [BlobPair]) -> Import<'a> {
        let (date, roi, rule) = (Some("2026-01-01 00:00:00"), Roi::WHOLE, "test");
        Import { experiment: name, date, roi, meta: &self.meta, blobs, pairs, rule }
    }

    fn read(&self) -> BlobStore {
        BlobStore::open_to_read(&self.path).unwrap()
    }

    fn all(&self) -> (Vec<Blob>, Vec<BlobPair>) {
        let found = self.read().select_blobs(None, None, &BlobFilter::default()).unwrap();
        assert!(found.own_ids);
        (found.blobs, found.pairs)
    }

    fn sql(&self, sql: &str) {
        let db = Connection::open(&self.path).unwrap();
        db.pragma_update(None, "foreign_keys", true).unwrap();
        db.execute_batch(sql).unwrap();
    }

    fn count(&self, table: &str) -> i64 {
        let db = Connection::open(&self.path).unwrap();
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0)).unwrap()
    }
}

/// What the store does not keep, taken from blobs.
fn without_fit(mut all: Vec<Blob>) -> Vec<Blob> {
    for blob in &mut all {
        blob.amplitude = None;
        blob.background = None;
        blob.covariance_um2 = None;
        blob.fit_chi2 = None;
    }
    all
}

#[test]
fn blobs_and_matches_of_four_channels_come_back_and_importing_twice_changes_nothing() {
    let place = Place::new();
    let (all, matches) = (blobs(400, 4), pairs(&blobs(400, 4)));
    let first = place.add("a", &all, &matches).unwrap();
    let wanted =
        Imported { new_blobs: 400, new_matches: matches.len() as u64, ..Imported::default() };
    assert_eq!(first, wanted);
    let (found, found_pairs) = place.all();
    assert_eq!(found, without_fit(all.clone()));
    let key = |p: &BlobPair| (p.channels, p.blob_ids, p.distance_um, p.distance_scaled, p.position);
    let mut sorted: Vec<_> = matches.iter().map(key).collect();
    sorted.sort_by_key(|k| (k.0, k.1));
    assert_eq!(found_pairs.iter().map(key).collect::<Vec<_>>(), sorted);
    let content = |store: &BlobStore| {
        (store.experiments().unwrap(), store.select_matches(None, None, None).unwrap())
    };
    let before = content(&place.read());
    assert_eq!(before.0[0].meta, meta());
    let again = place.add("a", &all, &matches).unwrap();
    assert_eq!((again.new_blobs, again.known_blobs, again.new_matches), (0, 400, 0));
    assert_eq!(content(&place.read()), before);
    assert_eq!((place.all().0, place.count("rois")), (found, 1));
}

#[test]
fn reviews_matches_and_other_channels_survive_new_numbers() {
    let place = Place::new();
    let (mut all, matches) = (blobs(60, 3), pairs(&blobs(60, 3)));
    all.iter_mut().for_each(|b| b.confirmed = Review::Unseen);
    place.add("a", &all, &matches).unwrap();
    place.sql("UPDATE blobs SET confirmed = 1 WHERE uid = 7; UPDATE blobs SET confirmed = 0 WHERE uid = 8");
    // The same blobs, found anew: other numbers, a table of one channel only, one blob reviewed again.
    let mut anew: Vec<Blob> = all.iter().filter(|b| b.channel == all[6].channel).cloned().collect();
    for blob in &mut anew {
        blob.score += 1.0;
        blob.position[2] += 4e-4;
    }
    anew.iter_mut().filter(|b| b.id == 8).for_each(|b| b.confirmed = Review::Unsure);
    let done = place.add("a", &anew, &[]).unwrap();
    assert_eq!((done.new_blobs, done.known_blobs), (0, anew.len() as u64));
    let (found, found_pairs) = place.all();
    let by_id = |id: u64| found.iter().find(|b| b.id == id).unwrap();
    assert_eq!(by_id(7).confirmed, Review::Confirmed);
    assert_eq!(by_id(7).score, all[6].score + 1.0);
    let changed = anew.iter().any(|b| b.id == 8);
    assert_eq!(by_id(8).confirmed, if changed { Review::Unsure } else { Review::Rejected });
    assert_eq!((found.len(), found_pairs.len()), (60, matches.len()));
}

#[test]
fn a_truth_blob_stands_beside_a_detected_one_and_two_at_one_place_are_told() {
    let place = Place::new();
    let detected = Blob { id: 1, ..blobs(1, 1).remove(0) };
    let detected = Blob { truth: Truth::No, ..detected };
    let truth = Blob { id: 2, truth: Truth::Missed, ..detected.clone() };
    let twin = Blob { id: 3, score: 99.0, ..detected.clone() };
    let done = place.add("a", &[detected, truth.clone(), twin], &[]).unwrap();
    assert_eq!((done.new_blobs, done.same_place), (2, 1));
    // Compared: the truth blob was found. It is the same blob.
    let found = Blob { truth: Truth::Found, ..truth };
    assert_eq!(place.add("a", &[found], &[]).unwrap().new_blobs, 0);
    let (all, _) = place.all();
    assert_eq!(all.iter().map(|b| b.truth).collect::<Vec<_>>(), [Truth::No, Truth::Found]);
    assert_eq!(all[0].score, 99.0);
}

#[test]
fn matches_of_other_blobs_are_refused_and_nothing_is_written() {
    let place = Place::new();
    let (all, matches) = (blobs(50, 2), pairs(&blobs(50, 2)));
    let mut lost = matches.clone();
    lost[3].blob_ids[1] = 777;
    let told = place.add("a", &all, &lost).unwrap_err().to_string();
    assert!(told.contains("there is no blob 777 in experiment `a`"), "{told}");
    assert!(!place.path.exists(), "an import that fails makes no store");
    place.add("a", &all, &matches).unwrap();
    let mut turned = matches.clone();
    turned[0].channels = [5, 6];
    assert!(matches!(place.add("a", &all, &turned), Err(StoreError::OtherBlobs { .. })));
    // Matches alone find the blobs by the ids they came with.
    let known = place.add("a", &[], &matches).unwrap();
    assert_eq!((known.new_matches, known.known_matches), (0, matches.len() as u64));
    let moved: Vec<Blob> =
        all.iter().cloned().map(|b| Blob { position: b.position.map(|v| v + 1.0), ..b }).collect();
    place.add("a", &moved, &[]).unwrap();
    assert!(matches!(place.add("a", &[], &matches), Err(StoreError::SharedId { .. })));
    let found = place.read().select_blobs(Some("a"), None, &BlobFilter::default()).unwrap();
    assert!(!found.own_ids && found.blobs.len() == 100);
    let mut other = Place { path: place.path.clone(), ..Place::new() };
    other.meta.image = Some(BlobImage::of_voxels([1.0; 3]));
    assert!(matches!(other.add("a", &all, &[]), Err(StoreError::OtherVoxels { .. })));
    assert_eq!(place.read().experiments().unwrap()[0].meta.image, Some(image()));
}

#[test]
fn experiments_and_regions_are_kept_apart_and_reading_makes_none() {
    let place = Place::new();
    let all = blobs(40, 2);
    place.add("a", &all, &pairs(&all)).unwrap();
    place.add("b", &all[..10], &[]).unwrap();
    let roi = Roi { series: 0, offset: [1, 2, 3], shape: [10, 10, 10] };
    let matches = pairs(&all);
    let import = Import { roi, ..place.import("a", &all, &matches) };
    BlobStore::open(&place.path).unwrap().import(&[import]).unwrap();
    let store = place.read();
    let names: Vec<(String, u64)> =
        store.experiments().unwrap().into_iter().map(|e| (e.name, e.blobs)).collect();
    assert_eq!(names, [("a".to_owned(), 80), ("b".to_owned(), 10)]);
    let select = |name, roi| store.select_blobs(name, roi, &BlobFilter::default());
    assert_eq!(select(Some("a"), Some(roi)).unwrap().blobs.len(), 40);
    // Matches of the whole image only.
    let matches = store.select_matches(None, None, Some("a")).unwrap().unwrap();
    assert_eq!(matches.values().map(Vec::len).sum::<usize>(), pairs(&all).len());
    let told = select(None, None).unwrap_err().to_string();
    assert!(told.contains("several experiments: a, b"), "{told}");
    let told = store.select_matches(None, None, Some("c")).unwrap_err().to_string();
    assert!(told.contains("no experiment `c`; there are a, b"), "{told}");
    assert!(store.select_matches(None, None, Some("b")).unwrap().is_none());
    drop(store);
    assert_eq!((place.count("experiments"), place.count("rois")), (2, 3));
    let beside: Vec<_> =
        std::fs::read_dir(place.path.parent().unwrap()).unwrap().flatten().collect();
    assert_eq!(beside.len(), 1, "reading leaves nothing beside the store: {beside:?}");
}

#[test]
fn a_filter_does_what_it_says() {
    let place = Place::new();
    let all = blobs(300, 3);
    place.add("a", &all, &pairs(&all)).unwrap();
    let within = VoxelBox { offset: [10.0, 20.0, 30.0], shape: [30.0, 100.0, 150.0] };
    let filter = BlobFilter {
        channels: Some(vec![0, 2]),
        within: Some(within),
        confirmed: true,
        min_score: Some(20.0),
    };
    let found = place.read().select_blobs(None, None, &filter).unwrap();
    let wanted: Vec<u64> = all.iter().filter(|b| filter.keeps(b)).map(|b| b.id).collect();
    assert!(!wanted.is_empty() && wanted.len() < 100);
    assert_eq!(found.blobs.iter().map(|b| b.id).collect::<Vec<_>>(), wanted);
    let keys = |p: &BlobPair| p.blob_ids.iter().all(|id| wanted.contains(id));
    assert_eq!(found.pairs.len(), pairs(&all).iter().filter(|p| keys(p)).count());
}

#[test]
fn deleting_what_others_need_is_refused_by_the_store_itself() {
    let place = Place::new();
    let all = blobs(40, 2);
    place.add("a", &all, &pairs(&all)).unwrap();
    let db = Connection::open(&place.path).unwrap();
    db.pragma_update(None, "foreign_keys", true).unwrap();
    assert!(db.execute("DELETE FROM blobs", []).is_err());
    assert!(db.execute("DELETE FROM rois", []).is_err());
    assert!(db.execute("DELETE FROM experiments", []).is_err());
    let mode: String = db.query_row("PRAGMA journal_mode", [], |r| r.get(0)).unwrap();
    let version: i64 = db.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
    assert_eq!((mode.as_str(), version), ("wal", 1));
}

fn copy_all(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// What a kill leaves is the files as they are at that moment: here after many uncommitted rows.
#[test]
fn a_kill_in_the_middle_leaves_the_store_as_it_was() {
    let place = Place::new();
    let all = blobs(50, 2);
    place.add("a", &all, &pairs(&all)).unwrap();
    // As text, in which a gate that is not known is equal to itself.
    let before = format!("{:?}", place.all());
    let killed = tempfile::tempdir().unwrap();
    let mut db = Connection::open(&place.path).unwrap();
    db.pragma_update(None, "cache_size", 4).unwrap();
    let change = db.transaction().unwrap();
    for shift in 0..2000 {
        let sql = "INSERT INTO blobs SELECT NULL, roi_id, uid, t, channel, z, y, x, z_um, y_um, x_um, \
                   radius_um, response, score, probability, 1, truth, region, source, \
                   kz + 1000000 * (?1 + 1), ky, kx, is_truth FROM blobs WHERE uid = 1 AND kz < 1000000";
        change.execute(sql, [shift]).unwrap();
    }
    let log = std::fs::metadata(place.path.with_extension("sqlite-wal")).unwrap().len();
    assert!(log > 10_000, "rows are on disk before they count: {log} bytes");
    copy_all(place.path.parent().unwrap(), killed.path());
    let left = Place { path: killed.path().join("store.sqlite"), ..Place::new() };
    assert_eq!(format!("{:?}", left.all()), before);
    assert_eq!(left.add("a", &all, &[]).unwrap().known_blobs, 50);
    drop(change);
    drop(db);
    assert_eq!(format!("{:?}", place.all()), before);
}

#[test]
fn foreign_and_damaged_files_are_refused_and_stay_as_they_are() {
    let place = Place::new();
    place.add("a", &blobs(50, 2), &[]).unwrap();
    let whole = std::fs::read(&place.path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let try_file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let told = BlobStore::open(&path).unwrap_err().to_string();
        let created = BlobStore::create::<_, StoreError>(&path, |_| Ok(())).unwrap_err();
        assert!(created.to_string().contains("exists already"), "{created}");
        assert!(!is_store(&path));
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name} was changed");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something beside {name}");
        told
    };
    assert!(try_file("empty", b"").contains("0 bytes"));
    assert!(try_file("text", b"z,y,x\n1,2,3\n").contains("not a database of SQLite"));
    for part in [10, 1000, 4096, whole.len() / 2, whole.len() - 1000] {
        let told = try_file("cut", &whole[..part]);
        assert!(
            ["corrupt", "not a", "truncated"].iter().any(|w| told.contains(w)),
            "{part}: {told}"
        );
    }
    let other = folder.path().join("other.db");
    Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE blobs (id INTEGER); PRAGMA user_version = 1")
        .unwrap();
    let bytes = std::fs::read(&other).unwrap();
    std::fs::remove_file(&other).unwrap();
    assert!(try_file("other", &bytes).contains("not a store of Hooke"));
    place.sql("PRAGMA user_version = 2");
    let newer = std::fs::read(&place.path).unwrap();
    assert!(try_file("newer", &newer).contains("a store of version 2"));
    assert!(BlobStore::open(&folder.path().join("none")).is_err());
}
