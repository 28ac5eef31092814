//! CZI: files of ZEISS's own library, a mosaic, and a made one with blue, green, red and a lost plane.

use hooke_core::{Dtype, Region};
use hooke_io::{OpenOptions, open};

use crate::harness::*;

const FILES: [&str; 2] = ["synthetic_pylibczirw.czi", "synthetic_zstd1.czi"];

#[test]
fn files_of_zeiss_agree() {
    let Some(folder) = conformance().map(|f| f.join("../../data/formats")) else { return };
    for name in FILES {
        check_conformance(&folder, name, 1e-9);
        check_damage(&folder.join(name), &[]);
    }
    // The packed one is small.
    keep_seed("czi", &std::fs::read(folder.join(FILES[1])).unwrap());
}

#[test]
fn a_mosaic_is_one_image_per_tile_at_its_place() {
    let Some(folder) = conformance() else { return };
    let path = folder.join("../../data/stitch/mosaic_czi/mosaic_test.czi");
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    let images: Vec<_> = dataset.images().iter().map(|i| i.meta().clone()).collect();
    assert_eq!(images.len(), 2);
    let pixel = images[0].voxel_size_um[2].value.unwrap();
    for (meta, start) in images.iter().zip([0.0, 832.0]) {
        assert_eq!((meta.axes.to_string().as_str(), meta.dtype), ("yx", Dtype::Uint16));
        assert_eq!([meta.shape[3], meta.shape[4]], [624, 924]);
        assert_close(meta.origin_um[2].value, Some(start * pixel), 1e-9);
        assert!(meta.name.contains("tile"), "{}", meta.name);
    }
    // The overlap shows the same specimen, but for what the stage was wrong.
    let strip = |image: usize, y: i64, x: i64| {
        let region = Region::new([0, 0, 0, y as u64, x as u64], [1, 1, 1, 500, 40]);
        let samples = read(dataset.images()[image].as_ref(), 0, &region).into_vec::<u16>();
        samples.unwrap().into_iter().map(f64::from).collect::<Vec<f64>>()
    };
    let fixed = strip(1, 60, 26);
    let shifts = (-24..=24).flat_map(|dy| (-24..=24).map(move |dx| (dy, dx)));
    let best = shifts
        .map(|(dy, dx)| correlation(&strip(0, 60 + dy, 832 + 26 + dx), &fixed))
        .fold(f64::MIN, f64::max);
    assert!(best > 0.8, "{best}");
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(p, q)| f(p - ma, q - mb)).sum()
    };
    sum(&|p, q| p * q) / (sum(&|p, _| p * p) * sum(&|_, q| q * q)).sqrt()
}

fn segment(out: &mut Vec<u8>, name: &str, data: &[u8]) -> u64 {
    let place = out.len() as u64;
    let mut head = name.as_bytes().to_vec();
    head.resize(16, 0);
    head.extend([(data.len() as u64).to_le_bytes(), (data.len() as u64).to_le_bytes()].concat());
    out.extend(head);
    out.extend(data);
    place
}

/// The entry of a sub-block of 3 x 4 pixels of type blue, green, red.
fn entry(place: u64, z: i32, x: i32) -> Vec<u8> {
    let mut bytes = b"DV".to_vec();
    bytes.extend(3i32.to_le_bytes());
    bytes.extend(place.to_le_bytes());
    bytes.extend([0; 14]);
    bytes.extend(3i32.to_le_bytes());
    for (name, start, size) in [(b"X", x, 4i32), (b"Y", 5, 3), (b"Z", z, 1)] {
        bytes.extend([name[0], 0, 0, 0]);
        bytes.extend(start.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(0f32.to_le_bytes());
        bytes.extend(size.to_le_bytes());
    }
    bytes
}

/// Two parts side by side at z = 0, one at z = 2, none at z = 1.
const PARTS: [(i32, i32); 3] = [(0, 10), (0, 14), (2, 10)];

fn made() -> Vec<u8> {
    let mut out = Vec::new();
    segment(&mut out, "ZISRAWFILE", &[0; 512]);
    let mut entries = Vec::new();
    for (number, (z, x)) in PARTS.into_iter().enumerate() {
        let samples: Vec<u8> = (0..36).map(|i| number as u8 * 50 + i).collect();
        let place = out.len() as u64;
        let mut data = [0i32.to_le_bytes(), 0i32.to_le_bytes()].concat();
        data.extend((samples.len() as u64).to_le_bytes());
        data.extend(entry(place, z, x));
        data.resize(256, 0);
        data.extend(samples);
        entries.push(entry(segment(&mut out, "ZISRAWSUBBLOCK", &data), z, x));
    }
    let mut directory = (entries.len() as i32).to_le_bytes().to_vec();
    directory.resize(128, 0);
    directory.extend(entries.concat());
    let place = segment(&mut out, "ZISRAWDIRECTORY", &directory);
    out[32 + 52..][..8].copy_from_slice(&place.to_le_bytes());
    out
}

#[test]
fn colours_parts_and_lost_planes_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.czi");
    std::fs::write(&path, made()).unwrap();
    keep_seed("czi", &made());
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    let image = dataset.images()[0].as_ref();
    assert_eq!(image.meta().shape, [1, 3, 3, 3, 8]);
    assert_eq!(image.meta().missing.iter().map(|p| p.z).collect::<Vec<_>>(), [1, 1, 1]);
    let pixels = read_whole(image);
    for ((_, c, z, y, x), found) in pixels.view::<u8>().unwrap().indexed_iter() {
        let part = PARTS.iter().position(|p| *p == (z as i32, if x < 4 { 10 } else { 14 }));
        let sample = (y * 4 + x % 4) * 3 + (2 - c);
        assert_eq!(*found, part.map_or(0, |n| n as u8 * 50 + sample as u8), "{c} {z} {y} {x}");
    }
    check_regions(image, 20);
    check_damage(&path, &[]);
}

#[test]
fn packings_that_are_not_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.czi");
    let mut bytes = made();
    let directory = bytes.windows(15).rposition(|w| w == b"ZISRAWDIRECTORY").unwrap();
    bytes[directory + 32 + 128 + 18] = 4;
    std::fs::write(&path, bytes).unwrap();
    let error = open(&path, &OpenOptions::default()).err().unwrap();
    assert!(error.to_string().contains("JPEG XR"), "{error}");
    assert!(error.hint().unwrap().contains("zstd"));
}
