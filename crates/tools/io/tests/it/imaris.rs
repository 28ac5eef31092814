//! Imaris files, written as Imaris lays them out: attributes of single characters, padded stacks.

use std::path::{Path, PathBuf};

use hooke_core::{Dtype, Pixels, Region};
use hooke_io::{ChunkCache, OpenOptions, open};
use rust_hdf5::{DatatypeMessage, H5File, H5Group, H5Type};

use crate::harness::*;

/// A text of one character.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Character(u8);

impl H5Type for Character {
    fn hdf5_type() -> DatatypeMessage {
        DatatypeMessage::FixedString { size: 1, padding: 0, charset: 0 }
    }
    fn element_size() -> usize {
        1
    }
}

fn texts(group: &H5Group, texts: &[(&str, &str)]) {
    for (name, text) in texts {
        let characters: Vec<Character> = text.bytes().map(Character).collect();
        group.set_attr_array_numeric(name, &characters).unwrap();
    }
}

/// What differs between the files of the tests.
struct Made {
    unit: &'static str,
    times: [&'static str; 3],
    /// A time point and channel that is left out.
    lost: Option<(usize, usize)>,
    /// Sizes of level 1 as they are noted.
    reduced: [&'static str; 3],
}

impl Default for Made {
    fn default() -> Made {
        Made {
            unit: "um",
            times: [
                "2020-02-29 23:59:59.000",
                "2020-03-01 00:00:01.500",
                "2020-03-01 00:00:04.000",
            ],
            lost: None,
            reduced: ["5", "6", "8"],
        }
    }
}

/// Voxels of the two levels over z, y, x, and of their stacks as they are stored.
const SIZES: [[usize; 3]; 2] = [[5, 11, 15], [5, 6, 8]];
const STORED: [[usize; 3]; 2] = [[8, 16, 16], [8, 8, 8]];

fn sample(level: usize, t: usize, c: usize, at: [usize; 3]) -> u16 {
    let [z, y, x] = at;
    (10_000 * level + 3000 * t + 1500 * c + 200 * z + 15 * y + x) as u16
}

fn write(folder: &Path, made: &Made) -> PathBuf {
    let path = folder.join("made.ims");
    let file = H5File::options().no_locking().create(&path).unwrap();
    let root = file.root_group();
    texts(&root, &[("ImarisDataSet", "ImarisDataSet"), ("ImarisVersion", "5.5.0")]);
    file.set_attr_numeric("NumberOfDataSets", &1u32).unwrap();
    let info = root.create_group("DataSetInfo").unwrap();
    let image = info.create_group("Image").unwrap();
    texts(&image, &[("X", "15"), ("Y", "11"), ("Z", "5"), ("Unit", made.unit)]);
    texts(
        &image,
        &[("ExtMin0", "100"), ("ExtMax0", "107.5"), ("ExtMin1", "-2.2"), ("ExtMax1", "0")],
    );
    texts(&image, &[("ExtMin2", "10"), ("ExtMax2", "20")]);
    for (c, (name, color)) in
        [("DAPI", "0.000 0.000 1.000"), ("GFP", "0 1 0")].into_iter().enumerate()
    {
        let channel = info.create_group(&format!("Channel {c}")).unwrap();
        texts(&channel, &[("Name", name), ("Color", color), ("LSMEmissionWavelength", "461.000")]);
    }
    let time = info.create_group("TimeInfo").unwrap();
    for (t, text) in made.times.iter().enumerate() {
        texts(&time, &[(&format!("TimePoint{}", t + 1), text)]);
    }
    let data = root.create_group("DataSet").unwrap();
    for level in 0..2 {
        let group = data.create_group(&format!("ResolutionLevel {level}")).unwrap();
        for t in 0..3 {
            let group = group.create_group(&format!("TimePoint {t}")).unwrap();
            for c in 0..2 {
                if made.lost != Some((t, c)) {
                    let group = group.create_group(&format!("Channel {c}")).unwrap();
                    stack(&group, made, level, t, c);
                }
            }
        }
    }
    file.close().unwrap();
    path
}

fn stack(group: &H5Group, made: &Made, level: usize, t: usize, c: usize) {
    let sizes = if level == 0 { ["5", "11", "15"] } else { made.reduced };
    let names = ["ImageSizeZ", "ImageSizeY", "ImageSizeX"];
    let noted: Vec<(&str, &str)> = names.into_iter().zip(sizes).collect();
    texts(group, &noted);
    let [nz, ny, nx] = STORED[level];
    let mut samples = Vec::new();
    for z in 0..nz {
        for y in 0..ny {
            for x in 0..nx {
                let inside = [z, y, x].iter().zip(SIZES[level]).all(|(i, n)| *i < n);
                // What pads a stack is not the image's.
                samples.push(if inside { sample(level, t, c, [z, y, x]) } else { u16::MAX });
            }
        }
    }
    let dataset = group.new_dataset::<u16>().shape([nz, ny, nx]).chunk(&[4, 8, 8]).deflate(2);
    let dataset = dataset.create("Data").unwrap();
    for [z, y, x] in chunks(level) {
        let mut chunk = Vec::new();
        for dz in 0..4 {
            for dy in 0..8 {
                let at = ((z + dz) * ny + y + dy) * nx + x;
                chunk.extend(samples[at..at + 8].iter().flat_map(|v| v.to_le_bytes()));
            }
        }
        dataset.write_chunk_at(&[z / 4, y / 8, x / 8], &chunk).unwrap();
    }
    group
        .new_dataset::<u64>()
        .shape([256usize])
        .create("Histogram")
        .unwrap()
        .write_raw(&[0u64; 256])
        .unwrap();
}

fn chunks(level: usize) -> Vec<[usize; 3]> {
    let [nz, ny, nx] = STORED[level];
    let steps = |n: usize, step: usize| (0..n).step_by(step);
    steps(nz, 4)
        .flat_map(|z| steps(ny, 8).flat_map(move |y| steps(nx, 8).map(move |x| [z, y, x])))
        .collect()
}

#[test]
fn stacks_are_cut_to_their_size_on_every_level() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &Made::default());
    let cache = std::sync::Arc::new(ChunkCache::new(1 << 20));
    for cache in [None, Some(cache)] {
        let opened = open(&path, &OpenOptions { cache, ..OpenOptions::default() }).unwrap();
        assert_eq!((opened.format(), opened.images().len()), ("imaris", 1));
        assert!(opened.problems().is_empty(), "{:?}", opened.problems());
        let image = opened.images()[0].as_ref();
        let meta = image.meta();
        assert_eq!((meta.name.as_str(), meta.axes.to_string().as_str()), ("made", "tczyx"));
        assert_eq!((meta.shape, meta.dtype), ([3, 2, 5, 11, 15], Dtype::Uint16));
        let factors: Vec<_> = image.levels().iter().map(|l| (l.shape, l.factors)).collect();
        assert_eq!(factors[1], ([3, 2, 5, 6, 8], [1.0, 2.0, 2.0]));
        for (level, l) in image.levels().iter().enumerate() {
            let pixels = read(image, level, &Region::whole(l.shape));
            for ((t, c, z, y, x), found) in pixels.view::<u16>().unwrap().indexed_iter() {
                assert_eq!(*found, sample(level, t, c, [z, y, x]), "{level} {t} {c} {z} {y} {x}");
            }
        }
        check_regions(image, 40);
    }
    check_damage(&path, &[]);
}

#[test]
fn borders_channels_and_times_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &Made::default());
    let opened = open(&path, &OpenOptions::default()).unwrap();
    let meta = opened.images()[0].meta();
    for (d, (size, origin)) in [(2.0, 11.0), (0.2, -2.1), (0.5, 100.25)].into_iter().enumerate() {
        assert_close(meta.voxel_size_um[d].value, Some(size), 1e-12);
        assert_close(meta.origin_um[d].value, Some(origin), 1e-12);
    }
    assert_eq!(meta.frame_times_s.as_deref(), Some(&[0.0, 2.5, 5.0][..]));
    assert_eq!(meta.frame_interval_s, Some(2.5));
    assert_eq!(meta.channels[0].name.as_deref(), Some("DAPI"));
    assert_eq!(meta.channels[1].color.as_deref(), Some("#00FF00"));
    assert_eq!(meta.channels[1].emission_nm, Some(461.0));
    assert_eq!(meta.vendor.as_ref().unwrap()["Image"]["ExtMax0"], "107.5");
}

#[test]
fn what_is_not_known_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let open_made =
        |made: &Made| open(&write(folder.path(), made), &OpenOptions::default()).unwrap();
    let strange = Made { unit: "parsec", ..Made::default() };
    let opened = open_made(&strange);
    let codes: Vec<_> = opened.problems().iter().map(|p| p.code.as_str()).collect();
    assert_eq!(codes, ["unit-unknown", "voxel-size-missing"]);
    assert_eq!(opened.images()[0].meta().voxel_size_um[0].value, None);

    let uneven = Made {
        times: ["2020-01-01 00:00:00", "2020-01-01 00:00:01", "2020-01-01 00:00:05"],
        ..Made::default()
    };
    let meta = open_made(&uneven).images()[0].meta().clone();
    assert_eq!((meta.frame_interval_s, meta.frame_times_s), (None, Some(vec![0.0, 1.0, 5.0])));
    let falling =
        Made { times: ["2020-01-01 00:00:09", "2020-01-01 00:00:01", "x"], ..Made::default() };
    assert_eq!(open_made(&falling).images()[0].meta().frame_times_s, None);

    // A level that notes more than it stores is left out.
    let lying = Made { reduced: ["5", "600", "8"], ..Made::default() };
    let opened = open_made(&lying);
    assert_eq!(opened.images()[0].levels().len(), 1);
    assert_eq!(opened.problems()[0].code, "levels-inconsistent");

    let lost = Made { lost: Some((1, 1)), ..Made::default() };
    let opened = open_made(&lost);
    assert_eq!(opened.problems()[0].code, "missing-planes");
    let image = opened.images()[0].as_ref();
    assert_eq!(image.meta().missing.len(), 5);
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let region = Region::new([1, 0, 2, 0, 0], [1, 2, 2, 11, 15]);
    let status = image.read(0, &region, &mut out).unwrap();
    let hooke_core::ReadStatus::MissingFilled(missing) = status else {
        panic!("a stack is missing")
    };
    assert_eq!(missing.iter().map(|p| (p.t, p.c, p.z)).collect::<Vec<_>>(), [(1, 1, 2), (1, 1, 3)]);
    let lost = Region::new([0, 1, 0, 0, 0], [1, 1, 2, 11, 15]);
    assert!(out.crop(&lost) == Pixels::zeros(Dtype::Uint16, lost.shape));
    let single = Region::new([1, 1, 0, 0, 0], [1, 1, 5, 11, 15]);
    assert!(matches!(
        image.read(0, &single, &mut out).unwrap(),
        hooke_core::ReadStatus::MissingFilled(_)
    ));
}

#[test]
fn one_stack_can_be_asked_for_as_it_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &Made::default());
    let dataset = Some("DataSet/ResolutionLevel 0/TimePoint 2/Channel 1/Data".to_owned());
    let opened = open(&path, &OpenOptions { dataset, ..OpenOptions::default() }).unwrap();
    assert_eq!((opened.format(), opened.images()[0].meta().shape), ("hdf5", [1, 1, 8, 16, 16]));
}
