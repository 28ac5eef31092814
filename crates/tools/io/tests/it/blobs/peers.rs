//! Files of other programs: what is written comes back, and is what those programs expect.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::{Blob, BlobPair, Review};
use hooke_io::blobs::peers::{self, BlobFormat, Export, magmap_meta};
use hooke_io::blobs::{BlobFile, BlobImage, BlobSet, ColocFlags, TableMeta};
use hooke_io::tables::TableError;
use rusqlite::Connection;

use super::{blobs, image, meta, pairs};

/// Writes into a folder; the folder, the file and what was told.
fn write(
    name: &str,
    format: BlobFormat,
    blobs: &[Blob],
    pairs: &[BlobPair],
    matches: bool,
) -> (tempfile::TempDir, PathBuf, Vec<(String, String)>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let (meta, experiment, date) = (meta(), "expt_ä", "2026-01-02 03:04:05.000006");
    let export = Export { blobs, pairs, matches, meta: &meta, colocs: None, experiment, date };
    let told = peers::write(&path, format, &export).unwrap();
    (folder, path, told)
}

fn one(file: BlobFile) -> BlobSet {
    assert_eq!(file.sets.len(), 1);
    file.sets.into_iter().next().unwrap()
}

fn again(path: &Path, format: BlobFormat) -> BlobSet {
    if path.extension().is_none_or(|e| e != "csv") || format != BlobFormat::Csv {
        assert_eq!(BlobFormat::of_file(path).unwrap(), format);
    }
    one(peers::read(path, format, Some(image().voxel_size_um)).unwrap())
}

/// Asserts that places, and what else `same` compares, came back; whatever the order.
fn assert_same(found: &[Blob], wanted: &[Blob], within: f64, same: impl Fn(&Blob, &Blob)) {
    assert_eq!(found.len(), wanted.len());
    for (f, w) in found.iter().zip(wanted) {
        let far = |d: usize| (f.position[d] - w.position[d]).abs();
        assert!((0..3).all(|d| far(d) <= within), "{:?} is not {:?}", f.position, w.position);
        same(f, w);
    }
}

/// In the order that formats without channels give.
fn unsorted_by_channel(mut all: Vec<Blob>) -> Vec<Blob> {
    all.sort_by(|a, b| a.position.partial_cmp(&b.position).unwrap());
    all
}

fn near(a: f32, b: f32) {
    assert!((a - b).abs() <= 1e-5 * b.abs(), "{a} is not {b}");
}

#[test]
fn magellanmappers_archive_comes_back() {
    let mut all = blobs(200, 3);
    all[5].source = "manual".into();
    all[5].radius_um = 0.0001;
    let (_folder, path, _) = write("a_blobs.npz", BlobFormat::MagmapNpz, &all, &[], false);
    let found = one(peers::read(&path, BlobFormat::MagmapNpz, None).unwrap());
    assert_eq!(found.experiment.as_deref(), Some("expt_ä"));
    assert_eq!(found.image.unwrap().voxel_size_um, image().voxel_size_um);
    assert!(found.colocs.is_none());
    assert_same(&found.blobs, &all, 0.0, |f, w| {
        assert_eq!(
            (f.id, f.channel, f.confirmed, f.truth),
            (w.id, w.channel, w.confirmed, w.truth)
        );
        assert_eq!((f.region, &*f.source == "manual"), (w.region, &*w.source == "manual"));
        near(f.radius_um, if &*w.source == "manual" { 0.00005 } else { w.radius_um });
    });
    let again = write("a_blobs.npz", BlobFormat::MagmapNpz, &all, &[], false);
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&again.1).unwrap());
}

#[test]
fn flags_of_colocalization_come_back() {
    let all = blobs(3, 2);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let values = vec![Some(true), Some(false), None, Some(true), Some(true), Some(true)];
    let flags = ColocFlags { channels: 2, values };
    let meta = meta();
    let (experiment, date) = ("a", "");
    let export = Export {
        blobs: &all,
        pairs: &[],
        matches: false,
        meta: &meta,
        colocs: Some(&flags),
        experiment,
        date,
    };
    peers::write(&path, BlobFormat::MagmapNpz, &export).unwrap();
    let file = peers::read(&path, BlobFormat::MagmapNpz, None).unwrap();
    assert!(file.warnings.is_empty());
    assert_eq!(one(file).colocs, Some(flags));
}

#[test]
fn magellanmappers_database_comes_back_with_matches_of_every_pair() {
    let mut all = blobs(300, 4);
    // On whole voxels nothing is lost.
    for blob in &mut all {
        blob.position = blob.position.map(f64::round);
        blob.position_um = image().to_um(blob.position);
    }
    all.dedup_by(|a, b| a.position == b.position && a.channel == b.channel);
    let matches = pairs(&all);
    let (_folder, path, told) = write("a.db", BlobFormat::MagmapDb, &all, &matches, false);
    assert!(told.is_empty(), "{told:?}");
    let found = again(&path, BlobFormat::MagmapDb);
    assert_eq!(found.experiment.as_deref(), Some("expt_ä"));
    assert_same(&found.blobs, &all, 0.0, |f, w| {
        assert_eq!((f.channel, f.confirmed, f.truth), (w.channel, w.confirmed, w.truth));
        near(f.radius_um, w.radius_um);
    });
    let key = |p: &BlobPair, of: &[Blob]| {
        let place = |id: u64| of.iter().find(|b| b.id == id).unwrap().position.map(|v| v as i64);
        (p.channels, p.blob_ids.map(place), p.distance_scaled.to_bits())
    };
    let sorted = |pairs: &[BlobPair], of: &[Blob]| {
        let mut keys: Vec<_> = pairs.iter().map(|p| key(p, of)).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(sorted(&found.pairs, &found.blobs), sorted(&matches, &all));
    let db = Connection::open(&path).unwrap();
    let about: (i64, String) = db
        .query_row("SELECT version, date FROM about", [], |r| Ok((r.get(0)?, r.get(1)?)))
        .unwrap();
    assert_eq!(about, (4, "2026-01-02 03:04:05.000006".to_owned()));
    let version: i64 = db.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
    assert_eq!(version, 0);
}

#[test]
fn blobs_that_round_to_one_voxel_keep_their_matches() {
    let mut all = blobs(2, 1);
    all[0].position = [5.0, 5.0, 5.0];
    all[1].position = [5.0, 5.0, 5.25];
    all[1].truth = all[0].truth;
    let far = Blob { id: 3, channel: 1, ..all[0].clone() };
    all.push(far);
    let mut matches = Vec::new();
    for (n, id) in [(1, 1), (2, 2)] {
        let base = pairs(&blobs(50, 2)).remove(0);
        matches.push(BlobPair { match_id: n, blob_ids: [id, 3], channels: [0, 1], ..base });
    }
    let (_folder, path, told) = write("a.db", BlobFormat::MagmapDb, &all, &matches, false);
    assert_eq!(told[0].0, "blobs-moved");
    let found = again(&path, BlobFormat::MagmapDb);
    assert_eq!((found.blobs.len(), found.pairs.len()), (3, 2));
    assert_eq!(found.blobs[1].position, [5.0, 5.0, 6.0]);
}

/// Versions 1 to 3 have fewer tables and columns.
#[test]
fn older_databases_are_read_and_newer_ones_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE experiments (id INTEGER PRIMARY KEY, name TEXT, date DATE);
         CREATE TABLE rois (id INTEGER PRIMARY KEY, experiment_id INTEGER, series INTEGER,
             offset_x INTEGER, offset_y INTEGER, offset_z INTEGER, size_x INTEGER, size_y INTEGER, size_z INTEGER);
         CREATE TABLE blobs (id INTEGER PRIMARY KEY, roi_id INTEGER, x INTEGER, y INTEGER, z INTEGER,
             radius REAL, confirmed INTEGER);
         INSERT INTO experiments VALUES (1, 'a', NULL), (2, 'b', '2020-01-01');
         INSERT INTO rois VALUES (1, 1, 0, 5, 6, 7, 50, 60, 70), (2, 2, 3, 0, 0, 0, 0, 0, 0);
         INSERT INTO blobs VALUES (1, 1, 10, 20, 30, 4.0, 1), (2, 2, 1, 2, 3, 0.0001, -1);",
    )
    .unwrap();
    drop(db);
    let read = |path: &Path| peers::read(path, BlobFormat::MagmapDb, Some([2.0, 1.0, 1.0]));
    let sets = read(&path).unwrap().sets;
    assert_eq!((sets[0].roi.offset, sets[0].roi.shape), ([7, 6, 5], [70, 60, 50]));
    let blob = &sets[0].blobs[0];
    assert_eq!((blob.position, blob.position_um), ([30.0, 20.0, 10.0], [60.0, 20.0, 10.0]));
    assert_eq!((blob.confirmed, blob.channel, blob.radius_um), (Review::Confirmed, 0, 4.0));
    assert_eq!((&*sets[1].blobs[0].source, sets[1].roi.series), ("manual", 3));
    assert_eq!(sets[1].date.as_deref(), Some("2020-01-01"));
    let missing = peers::read(&path, BlobFormat::MagmapDb, None).unwrap_err();
    assert!(matches!(missing, TableError::NoVoxelSize { .. }));
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE about (version INTEGER); INSERT INTO about VALUES (5)")
        .unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("version 5"));
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE blobs (id INTEGER)").unwrap();
    let told = read(&other).unwrap_err().to_string();
    assert!(told.contains("a database without the table `experiments`"), "{told}");
}

#[test]
fn magellanmappers_matches_as_csv_come_back() {
    let (all, matches) = (blobs(60, 3), pairs(&blobs(60, 3)));
    let (_folder, path, _) = write("a.csv", BlobFormat::MagmapCsv, &all, &matches, true);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next().unwrap(), "MatchID,RoiID,Blob1ID,Blob1,Blob2ID,Blob2,Distance");
    assert!(lines.next().unwrap().starts_with("1,0,1,\"["), "{text}");
    let found = again(&path, BlobFormat::MagmapCsv);
    assert_eq!(found.pairs.len(), matches.len());
    let place = |of: &[Blob], id: u64| of.iter().find(|b| b.id == id).unwrap().position;
    let mut distances: Vec<f64> = found.pairs.iter().map(|p| p.distance_scaled).collect();
    let mut wanted: Vec<f64> = matches.iter().map(|p| p.distance_scaled).collect();
    distances.sort_by(f64::total_cmp);
    wanted.sort_by(f64::total_cmp);
    assert_eq!(distances, wanted);
    let ends = |of: &[Blob], pairs: &[BlobPair]| {
        let mut ends: Vec<String> =
            pairs.iter().map(|p| format!("{:?}", p.blob_ids.map(|id| place(of, id)))).collect();
        ends.sort();
        ends
    };
    assert_eq!(ends(&found.blobs, &found.pairs), ends(&all, &matches));
    // As numpy prints rows.
    std::fs::write(&path, "Blob1,Blob2,Distance\n[1. 2. 3. 4. -1. -1. 1.],[1 2 4 4 -1 -1 0],1.5\n")
        .unwrap();
    let found = again(&path, BlobFormat::MagmapCsv);
    assert_eq!((found.pairs[0].channels, found.blobs[0].position), ([0, 1], [1.0, 2.0, 4.0]));
    std::fs::write(
        &path,
        "Blob1,Blob2,Distance\n[1. 2. nan 4. -1. -1. 1.],[1 2 4 4 -1 -1 0],1.5\n",
    )
    .unwrap();
    let told = peers::read(&path, BlobFormat::MagmapCsv, Some([1.0; 3])).unwrap_err().to_string();
    assert!(told.contains("row 1, column `Blob1`"), "{told}");
}

#[test]
fn cellfinders_markers_come_back_as_whole_voxels() {
    let all = unsorted_by_channel(blobs(100, 1));
    for (name, format) in
        [("a.xml", BlobFormat::CellfinderXml), ("a.csv", BlobFormat::CellfinderCsv)]
    {
        let (_folder, path, _) = write(name, format, &all, &[], false);
        let found = again(&path, format).blobs;
        let rounded = |b: &Blob| {
            (b.position.map(|v| v.round_ties_even() as i64), b.confirmed == Review::Confirmed)
        };
        let mut wanted: Vec<_> = all.iter().map(rounded).collect();
        let mut got: Vec<_> = found.iter().map(rounded).collect();
        wanted.sort_unstable();
        got.sort_unstable();
        assert_eq!(got, wanted, "{name}");
        assert_eq!(&*found[0].source, "cellfinder");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.xml");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        peers::read(&path, BlobFormat::CellfinderXml, Some([1.0; 3])).map(|f| one(f).blobs)
    };
    let file = |inside: &str| {
        format!("<?xml version='1.0'?><CellCounter_Marker_File>{inside}</CellCounter_Marker_File>")
    };
    let marker = "<Marker_Data><Marker_Type><Type>2</Type><Marker><MarkerX> 7 </MarkerX><MarkerY>8.5</MarkerY>\
                  <MarkerZ>9</MarkerZ></Marker></Marker_Type></Marker_Data>";
    assert_eq!(read(&file(marker)).unwrap()[0].position, [9.0, 8.5, 7.0]);
    let told = |text: &str| read(text).unwrap_err().to_string();
    assert!(told("<a><b/></a>").contains("no element CellCounter_Marker_File"));
    assert!(told(&file(&marker.replace(">9<", "><"))).contains("`MarkerZ` is ``"));
    assert!(told(&file("<Marker></Marker>")).contains("marker 1 has no place"));
    assert!(read(&file(marker)[..150]).is_err());
    assert!(told(&"<a>".repeat(100_000)).contains("nested too deeply"));
}

#[test]
fn clearmaps_cells_come_back() {
    let all = unsorted_by_channel(blobs(100, 1));
    let (_folder, path, _) = write("cells.npy", BlobFormat::ClearmapNpy, &all, &[], false);
    let found = again(&path, BlobFormat::ClearmapNpy);
    assert_same(&found.blobs, &all, 0.0, |f, w| {
        near(f.radius_um, w.radius_um);
        assert_eq!(f.background, w.background);
        assert_eq!(f.amplitude, Some(w.amplitude.unwrap_or(w.response)));
    });
    let head = std::fs::read(&path).unwrap();
    let head = String::from_utf8_lossy(&head[..200]).into_owned();
    assert!(head.contains("[('x', '<f8'), ('y', '<f8'), ('z', '<f8'), ('size', '<f8')"), "{head}");
}

#[test]
fn points_as_csv_come_back_with_what_the_format_holds() {
    let all = blobs(80, 3);
    let all: Vec<Blob> = all.into_iter().map(|b| Blob { t: 0, ..b }).collect();
    let (_folder, path, _) = write("n.csv", BlobFormat::NapariCsv, &all, &[], false);
    assert_same(&again(&path, BlobFormat::NapariCsv).blobs, &all, 0.0, |f, w| {
        assert_eq!(
            (f.channel, f.radius_um, f.response, f.score),
            (w.channel, w.radius_um, w.response, w.score)
        );
        assert_eq!((f.confirmed, f.truth, f.region), (w.confirmed, w.truth, w.region));
    });
    let (_folder, path, _) = write("r.csv", BlobFormat::RsfishCsv, &all, &[], false);
    assert_same(&again(&path, BlobFormat::RsfishCsv).blobs, &all, 0.0, |f, w| {
        assert_eq!((f.channel, f.t), (w.channel, w.t));
        assert_eq!(f.amplitude, Some(w.amplitude.unwrap_or(w.response)));
    });
    let (_folder, path, _) = write("t.csv", BlobFormat::TrackmateCsv, &all, &[], false);
    let file = peers::read(&path, BlobFormat::TrackmateCsv, Some(image().voxel_size_um)).unwrap();
    for (f, w) in one(file).blobs.iter().zip(&all) {
        assert_eq!(
            (f.position_um, f.channel, f.radius_um, f.score),
            (w.position_um, w.channel, w.radius_um, w.score)
        );
    }
    let plain = unsorted_by_channel(all);
    let (_folder, path, _) = write("m.csv.gz", BlobFormat::MagmapBlobsCsv, &plain, &[], false);
    assert!(std::fs::read(&path).unwrap().starts_with(b"\x1f\x8b"));
    assert_same(&again(&path, BlobFormat::MagmapBlobsCsv).blobs, &plain, 0.0, |f, w| {
        near(f.radius_um, w.radius_um);
    });
}

#[test]
fn points_of_the_programs_themselves_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let format = BlobFormat::of_file(&path).unwrap();
        peers::read(&path, format, Some([2.0, 0.5, 0.5])).map(|f| one(f).blobs)
    };
    let trackmate = "LABEL,ID,QUALITY,POSITION_X,POSITION_Y,POSITION_Z,FRAME,RADIUS\n\
        Label,Spot ID,Quality,X,Y,Z,Frame,Radius\n,,,(micron),(micron),(micron),,(micron)\n\
        ID7,7,12.5,3,4,5,2,1.5\n";
    let blob = read(trackmate).unwrap().remove(0);
    assert_eq!((blob.position, blob.position_um), ([2.5, 8.0, 6.0], [5.0, 4.0, 3.0]));
    assert_eq!((blob.t, blob.radius_um, blob.score), (2, 1.5, 12.5));
    let four = read("index,axis-0,axis-1,axis-2,axis-3\n0,5.0,1.5,2,3\n").unwrap().remove(0);
    assert_eq!((four.t, four.position), (5, [1.5, 2.0, 3.0]));
    let rsfish = read("x,y,z,t,c,intensity\n1,2,3,1,2,99.5\n").unwrap().remove(0);
    assert_eq!((rsfish.t, rsfish.channel, rsfish.position), (0, 1, [3.0, 2.0, 1.0]));
    let told = read("x,y,z,t,c,intensity\n1,2,3,0,2,99.5\n").unwrap_err().to_string();
    assert!(told.contains("row 1, column `t`"), "{told}");
    std::fs::write(&path, "a,b\n1,2\n").unwrap();
    assert!(matches!(BlobFormat::of_file(&path), Err(TableError::UnknownBlobs { .. })));
}

#[test]
fn neuroglancers_annotations_are_complete_and_points_come_back() {
    let (all, matches) = (blobs(70, 2), pairs(&blobs(70, 2)));
    let (_folder, path, _) = write("points", BlobFormat::Neuroglancer, &all, &[], false);
    let found = again(&path, BlobFormat::Neuroglancer);
    assert_eq!(found.image.as_ref().unwrap().voxel_size_um, image().voxel_size_um);
    assert_eq!(found.image.as_ref().unwrap().origin_um, image().origin_um);
    assert_same(&found.blobs, &all, 1e-5, |f, w| {
        assert_eq!((f.channel, f.radius_um, f.score), (w.channel, w.radius_um, w.score));
        assert_eq!((f.response, f.confirmed), (w.response, w.confirmed));
    });
    // Every annotation is where the index of the shard says.
    let shard = std::fs::read(path.join("by_id/0.shard")).unwrap();
    let word = |at: usize| u64::from_le_bytes(shard[at..at + 8].try_into().unwrap()) as usize;
    let (begin, end) = (16 + word(0), 16 + word(8));
    assert_eq!((end, (end - begin) / 24), (shard.len(), 70));
    let cell = std::fs::read(path.join("spatial0/0_0_0")).unwrap();
    assert_eq!(shard[16..begin], cell[8..8 + 70 * 32]);
    let info: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path.join("info")).unwrap()).unwrap();
    // The centre of voxel 0 is half a voxel from the corner that Neuroglancer counts from.
    let first = f32::from_le_bytes(cell[8..12].try_into().unwrap());
    assert!((f64::from(first) - all[0].position[2] - 0.5).abs() < 1e-4);
    assert!(info["lower_bound"][0].as_f64().unwrap() <= f64::from(first));
    let (_folder, path, _) = write("lines", BlobFormat::Neuroglancer, &all, &matches, true);
    let cell = std::fs::read(path.join("spatial0/0_0_0")).unwrap();
    assert_eq!(cell.len(), 8 + matches.len() * (24 + 12 + 8));
    assert!(peers::read(&path, BlobFormat::Neuroglancer, None).is_err());
}

#[test]
fn formats_in_voxels_need_a_voxel_size() {
    let folder = tempfile::tempdir().unwrap();
    let all = blobs(3, 1);
    let meta = TableMeta::default();
    let (experiment, date) = ("a", "");
    let export = Export {
        blobs: &all,
        pairs: &[],
        matches: false,
        meta: &meta,
        colocs: None,
        experiment,
        date,
    };
    for format in BlobFormat::ALL.into_iter().filter(|f| f.needs_voxel_size()) {
        let told = peers::write(&folder.path().join("a"), format, &export).unwrap_err();
        assert!(matches!(told, TableError::NoVoxelSize { .. }), "{told}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let source: Arc<str> = "manual".into();
    let blob = Blob::at(0, [0.0; 3], [0.0; 3], 0.0, &source);
    let meta = TableMeta { image: Some(BlobImage::of_voxels([1.0; 3])), parameters: None };
    let export = Export { blobs: std::slice::from_ref(&blob), meta: &meta, ..export };
    peers::write(&folder.path().join("a.npz"), BlobFormat::MagmapNpz, &export).unwrap();
}

#[test]
fn notes_of_magellanmapper_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a_meta.yml");
    let text = "names:\n- mid\nresolutions:\n- - 3.0\n  - 1\n  - 0.5\nsizes:\n- - 1\n  - 48\n  - 25\n  - 26\n  - 2\n";
    std::fs::write(&path, text).unwrap();
    let notes = magmap_meta::read_meta(&path).unwrap();
    assert_eq!(notes.resolutions, [[3.0, 1.0, 0.5]]);
    assert_eq!((notes.names, notes.sizes), (vec!["mid".to_owned()], vec![vec![1, 48, 25, 26, 2]]));
    assert_eq!(magmap_meta::beside(&folder.path().join("a_image5d.npy")), Some(path.clone()));
    for bad in ["resolutions:\n- - 0\n  - 1\n  - 1\n", "- [", "a: &b [*b]\n", &"[".repeat(3000)] {
        std::fs::write(&path, bad).unwrap();
        assert!(magmap_meta::read_meta(&path).is_err(), "{bad}");
    }
}

#[test]
fn images_of_magellanmapper_have_their_axes_and_voxels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a_image5d.npy");
    let header = hooke_io::npy::Header::write(hooke_core::Dtype::Uint8, &[1, 3, 4, 5, 2]);
    let bytes = [header, (0..120u8).collect()].concat();
    std::fs::write(&path, &bytes).unwrap();
    std::fs::write(folder.path().join("a_meta.yml"), "resolutions:\n- - 3.0\n  - 1\n  - 0.5\n")
        .unwrap();
    let open = || hooke_io::open(&path, &hooke_io::OpenOptions::default()).unwrap();
    let dataset = open();
    let meta = dataset.images()[0].meta();
    assert_eq!((meta.axes.to_string().as_str(), meta.shape), ("tczyx", [1, 2, 3, 4, 5]));
    assert_eq!(meta.voxel_size_um.map(|v| v.value), [Some(3.0), Some(1.0), Some(0.5)]);
    std::fs::write(folder.path().join("a_meta.yml"), "resolutions: many\n- no").unwrap();
    assert!(open().problems().iter().any(|p| p.code == "notes-unread"));
}
