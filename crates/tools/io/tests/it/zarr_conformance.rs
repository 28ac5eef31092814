//! Zarr folders of the real tools, read to their listed pixels and metadata, whole and damaged.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::{Dataset, ImageSource, Origin, Pixels, ReadStatus, Region};
use hooke_io::{ChunkCache, OpenOptions, open};
use serde_json::{Value, json};

use crate::harness::{
    Dice, assert_close, check_regions, conformance, expected, peak_resident, read_whole, sha256,
    try_everything,
};

pub const ALL: [&str; 11] = [
    "zarr2_zstd",
    "zarr2_blosc_slash",
    "zarr2_F_be",
    "zarr3_gzip",
    "zarr3_sharded",
    "zarr3_blosc_crc",
    "zarr3_missing_chunks",
    "ome04_5d",
    "ome05_nm",
    "ome05_nounit",
    "ome05_units",
];

/// Unpacks `NAME.zarr.zip` into a fresh folder; the container is `NAME.zarr` in it.
pub fn unpacked(name: &str) -> Option<(tempfile::TempDir, PathBuf)> {
    let bytes = std::fs::read(conformance()?.join(format!("{name}.zarr.zip"))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    zip::ZipArchive::new(Cursor::new(bytes)).unwrap().extract(folder.path()).unwrap();
    let path = folder.path().join(format!("{name}.zarr"));
    Some((folder, path))
}

fn opened(path: &Path) -> Box<dyn Dataset> {
    open(path, &OpenOptions::default()).unwrap()
}

fn codes(dataset: &dyn Dataset) -> Vec<&str> {
    dataset.problems().iter().map(|p| p.code.as_str()).collect()
}

fn check(image: &Arc<dyn ImageSource>, wanted: &Value, name: &str) {
    let meta = image.meta();
    assert_eq!(meta.axes.to_string(), wanted["axes"], "{name}");
    assert_eq!(json!(meta.axes.pick(&meta.shape)), wanted["shape"], "{name}");
    assert_eq!(meta.dtype.name(), wanted["dtype"], "{name}");
    assert_eq!(meta.labels, wanted["labels"] == true, "{name}");
    if let Some(wanted) = wanted["name"].as_str() {
        assert_eq!(meta.name, wanted);
    }
    for (key, found) in [("voxel_size_um", meta.voxel_size_um), ("origin_um", meta.origin_um)] {
        for (d, axis) in ["z", "y", "x"].iter().enumerate().filter(|_| wanted[key].is_object()) {
            assert_close(found[d].value, wanted[key][axis].as_f64(), 1e-9);
            assert_eq!(found[d].value.is_some(), found[d].from == Origin::File);
        }
    }
    assert_close(meta.frame_interval_s, wanted["frame_interval_s"].as_f64(), 1e-9);
    if wanted["channels"].is_array() {
        let list = |f: fn(&hooke_core::Channel) -> Option<String>| -> Value {
            json!(meta.channels.iter().map(f).collect::<Vec<_>>())
        };
        assert_eq!(list(|c| c.name.clone()), wanted["channels"], "{name}");
        assert_eq!(list(|c| c.color.clone()), wanted["colors"], "{name}");
    }
    if wanted["levels"].is_array() {
        let levels: Vec<_> = image.levels().iter().map(|l| meta.axes.pick(&l.shape)).collect();
        assert_eq!(json!(levels), wanted["levels"], "{name}");
    }
    let pixels = read_whole(image.as_ref());
    assert_eq!(sha256(&pixels), wanted["sha256"].as_str().unwrap(), "{name}");
}

#[test]
fn every_listed_folder_reads_to_its_pixels_and_metadata() {
    for name in ALL {
        let Some((_folder, path)) = unpacked(name) else { return };
        let wanted = expected(&conformance().unwrap(), &format!("{name}.zarr.zip"));
        let dataset = opened(&path);
        assert_eq!(dataset.format(), wanted["format"], "{name}");
        let images = wanted["images"].as_array().unwrap();
        assert_eq!(dataset.images().len(), images.len(), "{name}");
        for (image, wanted) in dataset.images().iter().zip(images) {
            check(image, wanted, name);
            check_regions(image.as_ref(), 12);
        }
    }
}

#[test]
fn a_cache_changes_nothing_and_is_used() {
    for name in ["zarr3_sharded", "zarr2_F_be"] {
        let Some((_folder, path)) = unpacked(name) else { return };
        let plain = read_whole(opened(&path).images()[0].as_ref());
        let cache = Arc::new(ChunkCache::new(1 << 20));
        let how = OpenOptions { cache: Some(Arc::clone(&cache)), ..OpenOptions::default() };
        let dataset = open(&path, &how).unwrap();
        let image = &dataset.images()[0];
        check_regions(image.as_ref(), 30);
        assert_eq!(read_whole(image.as_ref()), plain);
        assert!(cache.hits_and_misses().0 > 10, "{name}");
    }
}

#[test]
fn levels_chunks_and_codecs_are_described() {
    let Some((_folder, path)) = unpacked("ome05_nm") else { return };
    let dataset = opened(&path);
    assert_eq!(dataset.format_version().as_deref(), Some("0.5"));
    let level = &dataset.images()[0].levels()[0];
    assert_eq!((level.chunk, level.shard), ([1, 1, 4, 32, 32], Some([1, 1, 8, 64, 64])));
    assert_eq!(level.codec, "zstd");
    let labels = &dataset.images()[1];
    assert_eq!(labels.levels()[2].factors, [1.0, 4.0, 4.0]);
    let Some((_folder, path)) = unpacked("ome04_5d") else { return };
    let dataset = opened(&path);
    assert_eq!(dataset.format_version().as_deref(), Some("0.4"));
    assert_eq!(dataset.images()[0].levels()[1].codec, "blosc-lz4");
    assert_eq!(dataset.images()[0].levels()[1].factors, [1.0, 2.0, 2.0]);
    let Some((_folder, path)) = unpacked("zarr3_blosc_crc") else { return };
    assert_eq!(opened(&path).images()[0].levels()[0].codec, "blosc-zstd");
}

#[test]
fn a_scale_without_unit_is_a_problem_and_no_size() {
    let Some((_folder, path)) = unpacked("ome05_nounit") else { return };
    let dataset = opened(&path);
    assert_eq!(codes(dataset.as_ref()), ["unit-unknown"]);
    assert!(dataset.problems()[0].message.contains("z 2 (no unit)"), "{:?}", dataset.problems());
    let Some((_folder, path)) = unpacked("ome05_units") else { return };
    assert!(opened(&path).problems().is_empty());
    let Some((_folder, path)) = unpacked("zarr2_zstd") else { return };
    assert_eq!(codes(opened(&path).as_ref()), ["axes-assumed"]);
}

#[test]
fn given_axes_permute_what_is_stored() {
    let Some((_folder, path)) = unpacked("zarr3_sharded") else { return };
    let zyx = read_whole(opened(&path).images()[0].as_ref());
    let how = OpenOptions { axes: Some("xcy".to_owned()), ..OpenOptions::default() };
    let dataset = open(&path, &how).unwrap();
    let image = &dataset.images()[0];
    assert_eq!(image.meta().axes.to_string(), "cyx");
    assert_eq!(image.meta().axes_from, Origin::User);
    assert_eq!(image.meta().shape, [1, 50, 1, 70, 11]);
    let cyx = read_whole(image.as_ref());
    let (a, b) = (zyx.view::<u16>().unwrap(), cyx.view::<u16>().unwrap());
    for ((_, _, z, y, x), v) in a.indexed_iter() {
        assert_eq!(b[[0, y, 0, x, z]], *v);
    }
    check_regions(image.as_ref(), 12);
    for wrong in ["xy", "xxy", "abc"] {
        let how = OpenOptions { axes: Some(wrong.to_owned()), ..OpenOptions::default() };
        let error = open(&path, &how).err().unwrap();
        assert_eq!(error.code(), "metadata-invalid", "{wrong}");
    }
}

#[test]
fn one_member_can_be_asked_for() {
    let Some((_folder, path)) = unpacked("ome05_nm") else { return };
    let how = |d: &str| OpenOptions { dataset: Some(d.to_owned()), ..OpenOptions::default() };
    let labels = open(&path, &how("labels/cells")).unwrap();
    assert!(labels.images()[0].meta().labels && labels.images().len() == 1);
    let array = open(&path, &how("labels/cells/s2")).unwrap();
    assert_eq!(array.format(), "zarr");
    assert_eq!(array.images()[0].meta().shape, [1, 1, 10, 12, 16]);
    assert_eq!(array.images()[0].meta().axes_from, Origin::File);
    for wrong in ["nothing", "../ome05_nm.zarr"] {
        assert_eq!(open(&path, &how(wrong)).err().unwrap().code(), "not-there");
    }
}

#[test]
fn a_collection_gives_its_images_in_natural_order() {
    let Some((_a, one)) = unpacked("ome05_units") else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("all.zarr");
    std::fs::create_dir(&root).unwrap();
    let group = json!({"zarr_format": 3, "node_type": "group",
        "attributes": {"ome": {"version": "0.5", "bioformats2raw.layout": 3}}});
    std::fs::write(root.join("zarr.json"), group.to_string()).unwrap();
    for series in ["10", "0", "2"] {
        copy_folder(&one, &root.join(series));
    }
    let dataset = opened(&root);
    assert_eq!(dataset.format(), "ome-zarr");
    let names: Vec<_> =
        dataset.images().iter().map(|i| i.meta().dataset.clone().unwrap()).collect();
    assert_eq!(names, ["0", "2", "10"]);
}

#[test]
fn a_chunk_that_does_not_decode_names_its_key_or_is_filled() {
    for (name, key, words) in [
        ("zarr2_zstd", "0.1.0", "chunk 0.1.0 does not decode"),
        ("ome04_5d", "0/1/0/0/0/1", "chunk 0/1/0/0/0/1 does not decode"),
        ("zarr3_gzip", "c/0/1/0", "chunk c/0/1/0 does not decode"),
        ("zarr3_blosc_crc", "c/0/1/0", "chunk c/0/1/0 does not decode: checksum"),
        ("zarr3_sharded", "c/1/0/0", "of shard c/1/0/0 does not decode"),
    ] {
        let Some((_folder, path)) = unpacked(name) else { return };
        let file = path.join(key);
        let mut bytes = std::fs::read(&file).unwrap();
        // The head: compressed samples themselves carry no checksum in most of these.
        bytes[..12].iter_mut().for_each(|b| *b ^= 0x5A);
        std::fs::write(&file, &bytes).unwrap();
        let dataset = opened(&path);
        let image = &dataset.images()[0];
        let mut out = Pixels::zeros(image.meta().dtype, [0; 5]);
        let whole = Region::whole(image.meta().shape);
        let error = image.read(0, &whole, &mut out).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        let how = OpenOptions { rescue: true, ..OpenOptions::default() };
        let image = &open(&path, &how).unwrap().images()[0].clone();
        let ReadStatus::MissingFilled(planes) = image.read(0, &whole, &mut out).unwrap() else {
            panic!("{name}: nothing is listed");
        };
        assert!(!planes.is_empty() && planes.len() < 24, "{name}: {planes:?}");
    }
}

#[test]
fn contradictory_metadata_is_refused_or_rescued() {
    let Some((_folder, path)) = unpacked("ome05_units") else { return };
    let file = path.join("zarr.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let change = |f: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        f(&mut value["attributes"]["ome"]["multiscales"][0]);
        std::fs::write(&file, value.to_string()).unwrap();
    };
    let edits: [&dyn Fn(&mut Value); 4] = [
        &|m| m["datasets"][1]["path"] = json!("s7"),
        &|m| m["datasets"][0]["coordinateTransformations"][0]["scale"][0] = json!(-2.0),
        &|m| m["axes"] = json!([{"name": "y"}, {"name": "x"}]),
        &|m| m["datasets"] = json!([]),
    ];
    for edit in edits {
        change(edit);
        assert_eq!(open(&path, &OpenOptions::default()).err().unwrap().code(), "metadata-invalid");
        let how = OpenOptions { rescue: true, ..OpenOptions::default() };
        let dataset = open(&path, &how).unwrap();
        assert_eq!(dataset.images()[0].meta().shape, [1, 1, 3, 32, 40]);
        assert!(codes(dataset.as_ref()).contains(&"metadata-invalid"));
    }
}

#[test]
fn a_chunk_cannot_claim_more_than_it_holds() {
    let Some((_folder, path)) = unpacked("zarr2_zstd") else { return };
    let file = path.join(".zarray");
    let text = std::fs::read_to_string(&file).unwrap();
    for chunks in [[4096, 4096, 64], [4, 32, 31], [1 << 20, 1 << 20, 1 << 20]] {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        value["chunks"] = json!(chunks);
        std::fs::write(&file, value.to_string()).unwrap();
        assert!(!try_everything(&path), "{chunks:?}");
    }
    // A frame of zeros that expands a thousandfold beyond its chunk.
    std::fs::write(&file, &text).unwrap();
    let bomb = zstd::bulk::compress(&vec![0u8; 64 << 20], 3).unwrap();
    std::fs::write(path.join("0.0.0"), bomb).unwrap();
    assert!(!try_everything(&path));
    assert!(peak_resident() < 512 << 20);
}

#[test]
fn damaged_folders_never_panic() {
    for name in ALL {
        let Some((_folder, path)) = unpacked(name) else { return };
        let mut files = Vec::new();
        list_files(&path, &mut files);
        let mut dice = Dice::new(name.len() as u64);
        let mut good = 0;
        for round in 0..60 {
            // Metadata is hit as often as chunks.
            let text: Vec<_> = files.iter().filter(|f| is_metadata(f)).collect();
            let file = match round % 2 {
                0 => text[dice.below(text.len() as u64) as usize],
                _ => &files[dice.below(files.len() as u64) as usize],
            };
            let content = std::fs::read(file).unwrap();
            let mut bytes = content.clone();
            if round % 3 == 0 {
                bytes.truncate(dice.below(bytes.len() as u64) as usize);
            } else {
                let at = dice.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << dice.below(8);
            }
            std::fs::write(file, &bytes).unwrap();
            good += u32::from(try_everything(&path));
            std::fs::write(file, content).unwrap();
        }
        assert!(try_everything(&path), "{name} itself reads");
        assert!(good < 60, "{name}: no damage was noticed");
    }
    assert!(peak_resident() < 512 << 20);
}

fn is_metadata(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    name == "zarr.json" || name.starts_with(".z")
}

pub fn list_files(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            list_files(&entry, into);
        } else {
            into.push(entry);
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}
