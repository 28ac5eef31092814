//! TIFF files of the real tools, read to their listed pixels and metadata.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use hooke_core::{Dataset, ImageSource, Origin, Pixels, Region};
use hooke_io::{OpenOptions, tiff};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn how() -> OpenOptions {
    OpenOptions::default()
}

fn shared() -> Option<PathBuf> {
    let found = hooke_testdata::shared(env!("CARGO_MANIFEST_DIR"));
    if found.is_none() {
        println!("SKIPPED: the shared data is not here (set HOOKE_SHARED)");
    }
    found
}

/// The whole of level 0 as little-endian bytes.
pub fn whole(image: &dyn ImageSource) -> (Pixels, Vec<u8>) {
    let mut pixels = Pixels::zeros(image.meta().dtype, [0; 5]);
    let status = image.read(0, &Region::whole(image.meta().shape), &mut pixels).unwrap();
    assert_eq!(status, hooke_core::ReadStatus::Complete);
    let mut bytes = Vec::new();
    pixels.extend_le_bytes(&mut bytes);
    (pixels, bytes)
}

pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn close(found: Option<f64>, wanted: &Value, what: &str) {
    match (found, wanted.as_f64()) {
        (None, None) => {}
        (Some(f), Some(w)) if (f - w).abs() <= 1e-6 * w.abs() => {}
        (f, w) => panic!("{what}: {f:?}, listed {w:?}"),
    }
}

fn check_image(name: &str, image: &dyn ImageSource, wanted: &Value) {
    let meta = image.meta();
    assert_eq!(meta.axes.to_string(), wanted["axes"], "{name}");
    assert_eq!(serde_json::json!(meta.axes.pick(&meta.shape)), wanted["shape"], "{name}");
    assert_eq!(meta.dtype.name(), wanted["dtype"], "{name}");
    let (pixels, bytes) = whole(image);
    assert_eq!(hash(&bytes), wanted["sha256"].as_str().unwrap(), "{name}");
    let sum: f64 = hooke_core::dispatch!(meta.dtype, T => {
        pixels.as_slice::<T>().unwrap().iter().map(|v| hooke_core::Sample::to_f64(*v)).sum()
    });
    close(Some(sum), &wanted["sum"], &format!("{name}: sum"));
    if let Some(from) = wanted["axes_from"].as_str() {
        assert_eq!(serde_json::json!(meta.axes_from), from, "{name}");
    }
    for (i, axis) in ["z", "y", "x"].into_iter().enumerate() {
        if let Some(sizes) = wanted.get("voxel_size_um") {
            let what = format!("{name}: voxel size {axis}");
            close(meta.voxel_size_um[i].value, &sizes[axis], &what);
            let known = meta.voxel_size_um[i].value.is_some();
            assert_eq!(known, meta.voxel_size_um[i].from == Origin::File, "{what}");
        }
        if let Some(origin) = wanted.get("origin_um") {
            close(meta.origin_um[i].value, &origin[axis], &format!("{name}: origin {axis}"));
        }
    }
    close(meta.frame_interval_s, &wanted["frame_interval_s"], &format!("{name}: interval"));
    let listed = |key: &str, of: fn(&hooke_core::Channel) -> &Option<String>| {
        if let Some(list) = wanted.get(key) {
            let found: Vec<_> = meta.channels.iter().map(of).collect();
            assert_eq!(serde_json::json!(found), *list, "{name}");
        }
    };
    listed("channels", |c| &c.name);
    listed("colors", |c| &c.color);
    if wanted.get("levels").is_some() {
        let found: Vec<_> = image.levels().iter().map(|l| meta.axes.pick(&l.shape)).collect();
        assert_eq!(serde_json::json!(found), wanted["levels"], "{name}");
    }
}

#[test]
fn every_tiff_of_the_real_tools_reads_to_its_listed_pixels_and_metadata() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("conformance/formats");
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let mut files = 0;
    for (name, wanted) in expected.iter().filter(|(n, _)| n.ends_with(".tif")) {
        let dataset =
            tiff::open(&folder.join(name), &how()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(dataset.format(), wanted["format"], "{name}");
        let images = wanted["images"].as_array().unwrap();
        assert_eq!(dataset.images().len(), images.len(), "{name}");
        for (image, wanted) in dataset.images().iter().zip(images) {
            check_image(name, image.as_ref(), wanted);
        }
        files += 1;
    }
    assert!(files >= 18, "only {files} files are listed");
}

#[test]
fn levels_of_a_pyramid_are_read_each_from_its_own_directory() {
    let Some(shared) = shared() else { return };
    let dataset =
        tiff::open(&shared.join("conformance/formats/ome_pyramid.ome.tif"), &how()).unwrap();
    let image = &dataset.images()[0];
    let (base, _) = whole(image.as_ref());
    let base = base.as_slice::<u16>().unwrap();
    for (l, level) in image.levels().iter().enumerate().skip(1) {
        let f = 1 << l;
        assert_eq!(level.factors, [1.0, f64::from(f), f64::from(f)]);
        let mut pixels = Pixels::zeros(image.meta().dtype, [0; 5]);
        image.read(l, &Region::whole(level.shape), &mut pixels).unwrap();
        // tifffile was given every second (fourth) pixel.
        assert_eq!(pixels.as_slice::<u16>().unwrap()[1], base[f as usize], "level {l}");
    }
}

#[test]
fn stage_tags_of_metaxpress_give_sizes_and_positions() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("data/stitch/imagexpress");
    let mut origins = Vec::new();
    for z in ["ZStep_1", "ZStep_2"] {
        let entries = std::fs::read_dir(folder.join(z)).unwrap();
        let mut paths: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let dataset = tiff::open(&path, &how()).unwrap();
            let meta = dataset.images()[0].meta();
            assert_eq!((meta.axes.to_string().as_str(), meta.shape), ("yx", [1, 1, 1, 512, 512]));
            let [z_um, y_um, x_um] = meta.voxel_size_um.map(|s| s.value);
            assert_eq!((z_um, y_um, x_um), (None, Some(1.3668), Some(1.3668)));
            origins.push(meta.origin_um.map(|o| o.value.unwrap()));
            let (_, bytes) = whole(dataset.images()[0].as_ref());
            assert_eq!(bytes.len(), 512 * 512 * 2);
        }
    }
    assert_eq!(origins.len(), 8);
    // Two channels of site 1, two of site 2, then the next plane.
    let step = origins[2][2] - origins[0][2];
    assert!((step - 699.9).abs() < 0.2, "sites are {step} um apart");
    assert_eq!(origins[0][1], 41385.4);
    assert!(origins[4][0] != origins[0][0]);
}
