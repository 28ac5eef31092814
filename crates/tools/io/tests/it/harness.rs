//! What the tests of every format share: patterns, hashes, regions and damage.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hooke_core::{
    Axes, Channel, Dtype, ImageMeta, ImageSink, ImageSource, Pixels, Region, Sourced, dispatch,
    region,
};
use hooke_io::{OpenOptions, open};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The axes of the round-trip matrix, with odd lengths.
pub const SHAPES: [(&str, [u64; 5]); 5] = [
    ("yx", [1, 1, 1, 13, 17]),
    ("zyx", [1, 1, 5, 11, 9]),
    ("czyx", [1, 3, 4, 7, 10]),
    ("tyx", [4, 1, 1, 9, 6]),
    ("tczyx", [2, 2, 3, 6, 7]),
];

/// Numbers that look random and depend on the seed only.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

/// Samples over the whole range of a type, the limits included (floats: finite).
pub fn pattern(dtype: Dtype, shape: [u64; 5], seed: u64) -> Pixels {
    let mut dice = Dice::new(seed);
    let voxels = Region::whole(shape).voxels() as usize;
    let mut bytes = Vec::with_capacity(voxels * dtype.size());
    while bytes.len() < voxels * dtype.size() {
        match dtype {
            Dtype::Float32 => bytes.extend(((dice.next() as i32) as f32 / 1e3).to_le_bytes()),
            Dtype::Float64 => bytes.extend(((dice.next() as i64) as f64 / 1e3).to_le_bytes()),
            _ => bytes.extend(&dice.next().to_le_bytes()[..dtype.size()]),
        }
    }
    if !dtype.is_float() {
        let size = dtype.size();
        bytes[..size].fill(0xFF);
        bytes[size..2 * size].fill(0);
        bytes[2 * size - 1] = 0x80;
    }
    Pixels::from_le_bytes(dtype, shape, &bytes).unwrap()
}

/// An image with everything a container should keep.
pub fn described(name: &str, axes: &str, shape: [u64; 5], dtype: Dtype) -> ImageMeta {
    let mut meta = ImageMeta::new(name, Axes::parse(axes).unwrap(), shape, dtype);
    let z = if axes.contains('z') { Sourced::file(1.5) } else { Sourced::unknown() };
    meta.voxel_size_um = [z, Sourced::file(0.325), Sourced::file(1.0 / 3.0)];
    let z = if axes.contains('z') { Sourced::file(-7.25) } else { Sourced::unknown() };
    meta.origin_um = [z, Sourced::file(0.1), Sourced::file(1234.5)];
    if axes.contains('t') {
        meta.frame_interval_s = Some(0.1);
    }
    if axes.contains('c') {
        let channel = |c: u64| Channel {
            name: Some(format!("µ{c}")),
            color: Some(format!("#{:06X}", 0x00FF00 >> c)),
            ..Channel::default()
        };
        meta.channels = (0..shape[1]).map(channel).collect();
    }
    meta
}

/// Asserts that sizes, places, times and channels came back, to 1e-9 relative.
pub fn assert_described(found: &ImageMeta, wanted: &ImageMeta) {
    assert_eq!(found.axes, wanted.axes);
    assert_eq!(found.shape, wanted.shape);
    assert_eq!(found.dtype, wanted.dtype);
    let pairs = [(found.voxel_size_um, wanted.voxel_size_um), (found.origin_um, wanted.origin_um)];
    for (found, wanted) in pairs {
        for d in 0..3 {
            assert_close(found[d].value, wanted[d].value, 1e-9);
        }
    }
    assert_close(found.frame_interval_s, wanted.frame_interval_s, 1e-9);
    let names = |m: &ImageMeta| m.channels.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(found), names(wanted));
}

pub fn assert_close(found: Option<f64>, wanted: Option<f64>, relative: f64) {
    match (found, wanted) {
        (Some(f), Some(w)) => assert!((f - w).abs() <= relative * w.abs(), "{f} is not {w}"),
        (f, w) => assert_eq!(f, w),
    }
}

/// Writes an image in whole write units, in a scrambled order.
pub fn write_blocks(sink: &dyn ImageSink, pixels: &Pixels, step: [u64; 5]) {
    let unit = sink.write_unit(0);
    let step = std::array::from_fn(|d| step[d].next_multiple_of(unit[d]));
    let mut blocks: Vec<Region> = region::grid(pixels.shape(), step).collect();
    let mut dice = Dice::new(7);
    for i in (1..blocks.len()).rev() {
        blocks.swap(i, dice.below(i as u64 + 1) as usize);
    }
    for block in blocks {
        sink.write(0, &block, &pixels.crop(&block)).unwrap();
    }
    sink.finish().unwrap();
}

pub fn read(source: &dyn ImageSource, level: usize, region: &Region) -> Pixels {
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    source.read(level, region, &mut out).unwrap();
    out
}

pub fn read_whole(source: &dyn ImageSource) -> Pixels {
    read(source, 0, &Region::whole(source.meta().shape))
}

pub fn sha256(pixels: &Pixels) -> String {
    let mut bytes = Vec::new();
    pixels.extend_le_bytes(&mut bytes);
    Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Asserts that seeded random regions equal the slices of the whole.
pub fn check_regions(source: &dyn ImageSource, count: usize) {
    let whole = read_whole(source);
    let shape = source.meta().shape;
    let mut dice = Dice::new(11);
    for _ in 0..count {
        let start: [u64; 5] = std::array::from_fn(|d| dice.below(shape[d]));
        let region =
            Region::new(start, std::array::from_fn(|d| 1 + dice.below(shape[d] - start[d])));
        assert!(read(source, 0, &region) == whole.crop(&region), "{region:?}");
    }
    let outside = Region::new([0, 0, 0, 0, 1], shape);
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    assert!(source.read(0, &outside, &mut out).is_err());
    assert!(source.read(99, &Region::whole([1; 5]), &mut out).is_err());
}

pub fn conformance() -> Option<PathBuf> {
    let shared = hooke_testdata::shared(env!("CARGO_MANIFEST_DIR"));
    if shared.is_none() {
        println!("SKIPPED: no shared test data");
    }
    shared.map(|s| s.join("conformance/formats"))
}

/// What `expected.json` says of a file.
pub fn expected(folder: &Path, name: &str) -> Value {
    let text = std::fs::read(folder.join("expected.json")).unwrap();
    let all: Value = serde_json::from_slice(&text).unwrap();
    all[name].clone()
}

/// Compares a file with what `expected.json` says of it.
pub fn check_conformance(folder: &Path, name: &str, relative: f64) {
    let expected = expected(folder, name);
    let dataset = open(&folder.join(name), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.format(), expected["format"].as_str().unwrap());
    let images = expected["images"].as_array().unwrap();
    assert_eq!(dataset.images().len(), images.len(), "{name}");
    for (image, wanted) in dataset.images().iter().zip(images) {
        check_image(image, wanted, relative, name);
        check_regions(image.as_ref(), 12);
    }
}

fn check_image(image: &Arc<dyn ImageSource>, wanted: &Value, relative: f64, name: &str) {
    let meta = image.meta();
    let text = |key: &str| wanted[key].as_str();
    assert_eq!(Some(meta.axes.to_string().as_str()), text("axes"), "{name}");
    assert_eq!(serde_json::json!(meta.axes.pick(&meta.shape)), wanted["shape"], "{name}");
    assert_eq!(Some(meta.dtype.name()), text("dtype"));
    if let Some(stored) = text("stored_dtype") {
        assert_eq!(meta.stored_dtype, stored);
    }
    if text("dataset").is_some() {
        assert_eq!(meta.dataset.as_deref(), text("dataset"));
    }
    for (key, found) in [("voxel_size_um", meta.voxel_size_um), ("origin_um", meta.origin_um)] {
        if let Some(per_axis) = wanted[key].as_object() {
            for (axis, value) in per_axis {
                let d = ["z", "y", "x"].iter().position(|a| a == axis).unwrap();
                assert_close(found[d].value, value.as_f64(), relative);
            }
        }
    }
    if let Some(affine) = wanted["affine"].as_array() {
        for (found, wanted) in meta.affine.unwrap().iter().zip(affine) {
            assert_close(Some(*found), wanted.as_f64(), relative);
        }
    }
    if wanted["view"].is_object() {
        assert_eq!(serde_json::to_value(meta.view).unwrap(), wanted["view"]);
    }
    if let Some(missing) = wanted["missing_t"].as_array() {
        let found: Vec<u64> = meta.missing.iter().map(|p| p.t).collect();
        assert_eq!(serde_json::json!(found), Value::Array(missing.clone()), "{name}");
    }
    let pixels = read_whole(image.as_ref());
    assert_eq!(Some(sha256(&pixels).as_str()), text("sha256"), "{name} {:?}", meta.dataset);
    let (mut sum, mut min, mut max) = (0.0, f64::INFINITY, f64::NEG_INFINITY);
    dispatch!(pixels.dtype(), T => {
        for v in pixels.as_slice::<T>().unwrap() {
            let v = hooke_core::Sample::to_f64(*v);
            sum += v;
            (min, max) = (f64::min(min, v), f64::max(max, v));
        }
    });
    assert_close(Some(sum), wanted["sum"].as_f64(), 1e-9);
    assert_eq!((Some(min), Some(max)), (wanted["min"].as_f64(), wanted["max"].as_f64()));
}

/// Opens a damaged file and reads all its pixels; a value or an error, never a panic.
pub fn try_everything(path: &Path) -> bool {
    let Ok(dataset) = open(path, &OpenOptions::default()) else { return false };
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let mut good = true;
    for image in dataset.images() {
        for (level, l) in image.levels().iter().enumerate() {
            // Damaged lengths may be huge and legal: pixels are asked for in blocks.
            let block = std::array::from_fn(|d| l.shape[d].min(if d < 2 { 4 } else { 64 }));
            good &= image.read(level, &Region::whole(block), &mut out).is_ok();
        }
    }
    good
}

/// Cuts a file and flips its bytes; every outcome must be a value or an error, soon and in
/// bounded memory. `beside` are other files the format needs, copied along.
pub fn check_damage(path: &Path, beside: &[PathBuf]) {
    let folder = tempfile::tempdir().unwrap();
    for other in beside {
        std::fs::copy(other, folder.path().join(other.file_name().unwrap())).unwrap();
    }
    let content = std::fs::read(path).unwrap();
    let damaged = folder.path().join(path.file_name().unwrap());
    // What is opened: the file itself, or the XML beside it.
    let entry = beside
        .iter()
        .find(|p| p.extension().is_some_and(|e| e == "xml"))
        .map_or(damaged.clone(), |p| folder.path().join(p.file_name().unwrap()));
    let attempt = |bytes: &[u8], how: String| {
        std::fs::write(&damaged, bytes).unwrap();
        let begin = Instant::now();
        let outcome = std::panic::catch_unwind(|| try_everything(&entry));
        assert!(outcome.is_ok(), "{how} of {} panics", path.display());
        assert!(begin.elapsed() < Duration::from_secs(10), "{how} of {}", path.display());
        outcome.unwrap()
    };
    for percent in [1, 10, 50, 90, 99] {
        let cut = content.len() * percent / 100;
        attempt(&content[..cut], format!("cut to {percent} %"));
    }
    for seed in 0..100 {
        let mut dice = Dice::new(seed);
        let mut bytes = content.clone();
        // Half of the flips hit the head, where the structure is.
        let reach = if seed % 2 == 0 { bytes.len() } else { bytes.len().min(2048) };
        let at = dice.below(reach as u64) as usize;
        bytes[at] ^= 1 << dice.below(8);
        attempt(&bytes, format!("flip of seed {seed} at byte {at}"));
    }
    assert!(attempt(&content, "no damage".to_owned()), "{} itself reads", path.display());
    let peak = peak_resident();
    assert!(peak < 512 << 20, "peak resident {peak} bytes");
}

/// Keeps a made file as a seed of the fuzz target of its format, where `HOOKE_FUZZ_SEEDS` names the
/// folder of all seeds.
pub fn keep_seed(format: &str, content: &[u8]) {
    let Some(folder) = std::env::var_os("HOOKE_FUZZ_SEEDS") else { return };
    let folder = PathBuf::from(folder).join(format);
    let name: String = Sha256::digest(content)[..4].iter().map(|b| format!("{b:02x}")).collect();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), content).unwrap();
}

/// Peak resident bytes of this process.
pub fn peak_resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
