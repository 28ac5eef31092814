//! ND2: real files, and made ones for what no real file at hand has.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use hooke_core::Origin;
use hooke_io::{Error, OpenOptions, nd2, open};

use crate::harness::*;

const FILES: [&str; 3] =
    ["example-multichannel.nd2", "example-timelapse.nd2", "example-zstack.nd2"];

fn data() -> Option<std::path::PathBuf> {
    conformance().map(|folder| folder.join("../../data/formats")).filter(|f| f.is_dir())
}

#[test]
fn real_files_agree_with_the_nd2_package() {
    let Some(folder) = data() else { return };
    for name in FILES {
        check_conformance(&folder, name, 1e-9);
        let wanted = &expected(&folder, name)["images"][0];
        let dataset = nd2::open(&folder.join(name), &OpenOptions::default()).unwrap();
        let meta = hooke_core::Dataset::images(&dataset)[0].meta().clone();
        let raw = &meta.vendor.as_ref().unwrap()["stage_um"];
        for axis in ["x", "y", "z"] {
            assert_close(raw[axis].as_f64(), wanted["stage_um_raw"][axis].as_f64(), 1e-9);
        }
        if let Some(names) = wanted["channels"].as_array() {
            let found: Vec<_> = meta.channels.iter().map(|c| c.name.clone().unwrap()).collect();
            assert_eq!(serde_json::json!(found), serde_json::json!(names));
        }
        // All three cameras lie a quarter turn to the stage.
        let [_, y, x] = meta.origin_um;
        assert_eq!((x.from, y.from), (Origin::File, Origin::File));
        assert_eq!(x.value, wanted["stage_um_raw"]["y"].as_f64());
        assert_eq!(y.value.map(|v| -v), wanted["stage_um_raw"]["x"].as_f64());
    }
}

#[test]
fn damaged_files_are_errors() {
    let Some(folder) = data() else { return };
    for name in FILES {
        check_damage(&folder.join(name), &[]);
    }
}

/// Values of version 3.
#[derive(Clone)]
enum V {
    U(u32),
    F(f64),
    Raw(Vec<u8>),
    L(Vec<(&'static str, V)>),
}

fn clx(list: &[(&str, V)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in list {
        let begin = out.len();
        let units: Vec<u16> = name.encode_utf16().chain([0]).collect();
        let kind = match value {
            V::U(_) => 3,
            V::F(_) => 6,
            V::Raw(_) => 9,
            V::L(_) => 11,
        };
        out.extend([kind, units.len() as u8]);
        units.iter().for_each(|u| out.extend(u.to_le_bytes()));
        match value {
            V::U(v) => out.extend(v.to_le_bytes()),
            V::F(v) => out.extend(v.to_le_bytes()),
            V::Raw(v) => {
                out.extend((v.len() as u64).to_le_bytes());
                out.extend(v);
            }
            V::L(inner) => {
                let list: Vec<(&str, V)> = inner.iter().map(|(n, v)| (*n, v.clone())).collect();
                let inner = clx(&list);
                out.extend((list.len() as u32).to_le_bytes());
                let length = out.len() + 8 + inner.len() - begin;
                out.extend((length as u64).to_le_bytes());
                out.extend(inner);
                out.extend(vec![0; 8 * list.len()]);
            }
        }
    }
    out
}

/// What a made file holds: frames of 6 x 5 pixels, two components, rows padded to 32 bytes.
struct Made {
    loops: Vec<(u32, Vec<(&'static str, V)>)>,
    frames: BTreeMap<u32, Vec<u16>>,
    declared: u32,
    packed: bool,
    xml: bool,
    with_map: bool,
}

const ROW: usize = 32;
const WIDTH: usize = 6;
const HEIGHT: usize = 5;
const COMPONENTS: usize = 2;

/// A value that tells frame, component, row and column.
fn value(frame: u32, c: usize, y: usize, x: usize) -> u16 {
    (frame * 1000) as u16 + (c * 100 + y * 10 + x) as u16
}

impl Made {
    fn new(loops: Vec<(u32, Vec<(&'static str, V)>)>, count: u32) -> Made {
        let frame = |f| {
            let pixel = |i: usize| (i % COMPONENTS, i / COMPONENTS);
            let samples = (0..HEIGHT).flat_map(|y| {
                (0..WIDTH * COMPONENTS).map(move |i| {
                    let (c, x) = pixel(i);
                    value(f, c, y, x)
                })
            });
            samples.collect()
        };
        let frames = (0..count).map(|f| (f, frame(f))).collect();
        Made { loops, frames, declared: count, packed: false, xml: false, with_map: true }
    }

    fn attributes(&self) -> Vec<u8> {
        let list = [
            ("uiWidth", WIDTH as u32),
            ("uiHeight", HEIGHT as u32),
            ("uiComp", COMPONENTS as u32),
            ("uiBpcInMemory", 16),
            ("uiBpcSignificant", 12),
            ("uiWidthBytes", ROW as u32),
            ("uiSequenceCount", self.declared),
            ("eCompression", if self.packed { 0 } else { 2 }),
        ];
        if self.xml {
            let mut text =
                "<?xml version=\"1.0\"?><variant><no_name runtype=\"CLxListVariant\">".to_owned();
            for (name, v) in list {
                text += &format!("<{name} runtype=\"lx_uint32\" value=\"{v}\"/>");
            }
            return (text + "</no_name></variant>").into_bytes();
        }
        clx(&[("SLxImageAttributes", V::L(list.map(|(n, v)| (n, V::U(v))).into()))])
    }

    fn experiment(&self) -> Vec<u8> {
        let mut inner: Option<Vec<(&'static str, V)>> = None;
        for (kind, pars) in self.loops.iter().rev() {
            let mut list = vec![("eType", V::U(*kind)), ("uLoopPars", V::L(pars.clone()))];
            list.extend(inner.take().map(|n| ("ppNextLevelEx", V::L(vec![("", V::L(n))]))));
            inner = Some(list);
        }
        clx(&[("SLxExperiment", V::L(inner.unwrap_or_default()))])
    }

    fn frame(&self, samples: &[u16]) -> Vec<u8> {
        let rows: Vec<Vec<u8>> = samples
            .chunks(WIDTH * COMPONENTS)
            .map(|row| row.iter().flat_map(|v| v.to_le_bytes()).collect())
            .collect();
        let mut data = 0f64.to_le_bytes().to_vec();
        if self.packed {
            let mut packer = flate2::write::ZlibEncoder::new(data, flate2::Compression::fast());
            packer.write_all(&rows.concat()).unwrap();
            return packer.finish().unwrap();
        }
        for row in rows {
            data.extend(&row);
            data.extend(vec![0xEE; ROW - row.len()]);
        }
        data
    }

    /// The file, its chunks at multiples of `aligned` bytes; 4096 in real ones.
    fn bytes(&self, aligned: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut map = Vec::new();
        let mut chunk = |name: &str, data: &[u8]| {
            out.resize(out.len().next_multiple_of(aligned), 0);
            let place = out.len() as u64;
            out.extend(nd2::MAGIC);
            out.extend((name.len() as u32 + 4).to_le_bytes());
            out.extend((data.len() as u64).to_le_bytes());
            out.extend(name.as_bytes());
            out.extend([0; 4]);
            out.extend(data);
            place
        };
        let mut signature = b"Ver3.0".to_vec();
        signature.resize(64, 0);
        chunk("ND2 FILE SIGNATURE CHUNK NAME01!", &signature);
        let suffix = if self.xml { "" } else { "LV" };
        let mut entries = Vec::new();
        let mut add = |name: String, data: &[u8]| {
            let place = chunk(&name, data);
            entries.push((name, place, data.len() as u64));
        };
        add(format!("ImageAttributes{suffix}!"), &self.attributes());
        if !self.loops.is_empty() {
            add("ImageMetadataLV!".to_owned(), &self.experiment());
        }
        let picture = [
            ("dCalibration", V::F(0.5)),
            ("dXPos", V::F(7.0)),
            ("dYPos", V::F(8.0)),
            ("dZPos", V::F(90.0)),
        ];
        add(
            "ImageMetadataSeqLV|0!".to_owned(),
            &clx(&[("SLxPictureMetadata", V::L(picture.into()))]),
        );
        for (number, samples) in &self.frames {
            add(format!("ImageDataSeq|{number}!"), &self.frame(samples));
        }
        for (name, place, size) in entries {
            map.extend(name.as_bytes());
            map.extend(place.to_le_bytes());
            map.extend(size.to_le_bytes());
        }
        map.extend(b"ND2 CHUNK MAP SIGNATURE 0000001!");
        if self.with_map {
            let place = chunk("ND2 FILEMAP SIGNATURE NAME 0001!", &map);
            out.extend(b"ND2 CHUNK MAP SIGNATURE 0000001!");
            out.extend(place.to_le_bytes());
        }
        out
    }
}

fn count(n: u32) -> (&'static str, V) {
    ("uiCount", V::U(n))
}

fn points(valid: &[(f64, f64)]) -> Vec<(&'static str, V)> {
    let point = |(x, y): &(f64, f64)| ("", V::L(vec![("dPosX", V::F(*x)), ("dPosY", V::F(*y))]));
    vec![count(valid.len() as u32), ("Points", V::L(valid.iter().map(point).collect()))]
}

fn made(made: &Made) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.nd2");
    std::fs::write(&path, made.bytes(4096)).unwrap();
    // Only the search for lost frames needs real distances.
    keep_seed("nd2", &made.bytes(if made.with_map { 8 } else { 4096 }));
    (folder, path)
}

fn check_values(
    path: &Path,
    how: &OpenOptions,
    frame: impl Fn(u64, u64, u64) -> u32,
    absent: &[u32],
) {
    let dataset = open(path, how).unwrap();
    for (p, image) in dataset.images().iter().enumerate() {
        let pixels = read_whole(image.as_ref());
        let view = pixels.view::<u16>().unwrap();
        for ((t, c, z, y, x), found) in view.indexed_iter() {
            let number = frame(t as u64, p as u64, z as u64);
            let wanted = if absent.contains(&number) { 0 } else { value(number, c, y, x) };
            assert_eq!(*found, wanted, "frame {number} at {:?}", (t, c, z, y, x));
        }
        if absent.is_empty() {
            check_regions(image.as_ref(), 10);
        }
    }
}

#[test]
fn positions_times_and_planes_in_any_nesting_become_images() {
    let time = (1, vec![count(3), ("dPeriod", V::F(2000.0))]);
    let place = (2, points(&[(10.0, 20.0), (30.0, 40.0)]));
    let depth = (
        4,
        vec![
            count(2),
            ("dZStep", V::F(1.5)),
            ("dZLow", V::F(-1.5)),
            ("dZHigh", V::F(0.0)),
            ("dZHome", V::F(0.0)),
        ],
    );
    let (folder, path) = made(&Made::new(vec![time.clone(), place.clone(), depth.clone()], 12));
    check_values(&path, &OpenOptions::default(), |t, p, z| (t * 4 + p * 2 + z) as u32, &[]);
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    let meta = dataset.images()[1].meta();
    assert_eq!((meta.axes.to_string().as_str(), meta.shape), ("tczyx", [3, 2, 2, 5, 6]));
    assert_eq!(meta.voxel_size_um.map(|v| v.value), [Some(1.5), Some(0.5), Some(0.5)]);
    // x is reversed without a camera matrix, and said to be; home is the second plane.
    assert_eq!(meta.origin_um.map(|v| v.value), [Some(88.5), Some(40.0), Some(-30.0)]);
    assert_eq!((meta.origin_um[2].from, meta.frame_interval_s), (Origin::Assumed, Some(2.0)));
    assert_eq!(meta.significant_bits, 12);
    assert!(dataset.problems().iter().any(|p| p.code == "stage-sign-assumed"));
    drop(folder);

    let (_folder, path) = made(&Made::new(vec![depth, place, time], 12));
    check_values(&path, &OpenOptions::default(), |t, p, z| (z * 6 + p * 3 + t) as u32, &[]);
}

#[test]
fn packed_frames_and_xml_metadata_read_alike() {
    let mut file = Made::new(vec![(4, vec![count(3), ("dZStep", V::F(1.0))])], 3);
    file.packed = true;
    file.xml = true;
    let (_folder, path) = made(&file);
    check_values(&path, &OpenOptions::default(), |_, _, z| z as u32, &[]);
    let cache = std::sync::Arc::new(hooke_io::ChunkCache::new(1 << 20));
    let how = OpenOptions { cache: Some(cache.clone()), ..OpenOptions::default() };
    check_values(&path, &how, |_, _, z| z as u32, &[]);
    let (hits, misses) = cache.hits_and_misses();
    assert!(misses == 3 && hits > 3, "{hits} hits, {misses} misses");
    check_damage(&path, &[]);
}

#[test]
fn a_crashed_acquisition_is_searched_for_its_frames() {
    let mut file = Made::new(vec![(1, vec![count(4)])], 4);
    file.with_map = false;
    file.frames.remove(&2);
    let (_folder, path) = made(&file);
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    let codes: Vec<_> = dataset.problems().iter().map(|p| p.code.as_str()).collect();
    assert!(codes.contains(&"index-missing") && codes.contains(&"missing-planes"), "{codes:?}");
    assert_eq!(dataset.images()[0].meta().missing.iter().map(|p| p.t).collect::<Vec<_>>(), [2, 2]);
    let whole = hooke_core::Region::whole(dataset.images()[0].meta().shape);
    let mut out = hooke_core::Pixels::zeros(hooke_core::Dtype::Uint16, whole.shape);
    let error = dataset.images()[0].read(0, &whole, &mut out).unwrap_err().to_string();
    assert!(error.contains("frame 2 is lost"), "{error}");
    let how = OpenOptions { rescue: true, ..OpenOptions::default() };
    check_values(&path, &how, |t, _, _| t as u32, &[2]);
}

#[test]
fn fewer_and_more_frames_than_declared_are_said_and_survived() {
    // Ended early: ten planned, three acquired.
    let (folder, path) = made(&Made::new(vec![(1, vec![count(10)])], 3));
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(dataset.images()[0].meta().shape[0], 3);
    assert!(dataset.problems().iter().any(|p| p.code == "missing-planes"));
    drop(folder);
    let mut file = Made::new(vec![(1, vec![count(2)])], 3);
    file.declared = 2;
    let (folder, path) = made(&file);
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(dataset.images()[0].meta().shape[0], 2);
    assert!(dataset.problems().iter().any(|p| p.code == "extra-frames"));
    drop(folder);
    let mut file = Made::new(vec![(1, vec![count(u32::MAX)])], 2);
    file.declared = u32::MAX;
    let (_folder, path) = made(&file);
    assert!(matches!(open(&path, &OpenOptions::default()), Err(Error::MetadataInvalid { .. })));
}

#[test]
fn frames_larger_than_the_file_are_refused_before_memory_is_taken() {
    let (_folder, path) = made(&Made::new(vec![(1, vec![count(2)])], 2));
    let mut bytes = std::fs::read(&path).unwrap();
    // uiHeight becomes 2^23, its rows 32 bytes each.
    let name: Vec<u8> = "uiHeight\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = bytes.windows(name.len()).position(|w| w == name).unwrap() + name.len();
    bytes[at..at + 4].copy_from_slice(&(1u32 << 23).to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let error = open(&path, &OpenOptions::default()).err().unwrap().to_string();
    assert!(error.contains("frames of 268435448 bytes"), "{error}");
    // A chunk that claims more than the file has.
    let (_folder, path) = made(&Made::new(vec![(1, vec![count(2)])], 2));
    let mut bytes = std::fs::read(&path).unwrap();
    let name = b"ImageDataSeq|1!";
    let at = bytes.windows(name.len()).position(|w| w == name).unwrap();
    bytes[at - 8..at].copy_from_slice(&(1u64 << 60).to_le_bytes());
    bytes.truncate(at + 40);
    std::fs::write(&path, &bytes).unwrap();
    assert!(!try_everything(&path));
}

#[test]
fn only_positions_that_were_visited_are_images() {
    let mut place = points(&[(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)]);
    place.push(("pItemValid", V::Raw(vec![1, 0, 1])));
    let (_folder, path) = made(&Made::new(vec![(2, place)], 2));
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    let x: Vec<_> = dataset.images().iter().map(|i| i.meta().origin_um[2].value).collect();
    assert_eq!(x, [Some(-1.0), Some(-5.0)]);
    check_values(&path, &OpenOptions::default(), |_, p, _| p as u32, &[]);
}

#[test]
fn the_old_generation_and_lossy_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.nd2");
    std::fs::write(&path, b"\0\0\0\x0CjP  \r\n\x87\n").unwrap();
    let error = open(&path, &OpenOptions::default()).err().unwrap();
    assert!(error.to_string().contains("JPEG 2000 generation"), "{error}");
    assert!(error.hint().unwrap().contains("NIS-Elements"));
}
