//! LIF: made files with every kind of dimension, layout of bytes and header, and damaged ones.

use std::path::PathBuf;

use hooke_core::{Dtype, ImageSource, Pixels, Region};
use hooke_io::{OpenOptions, open};

use crate::harness::*;

/// One element of a file.
#[derive(Clone)]
struct Element {
    name: &'static str,
    /// DimID, length, bytes from one index to the next, origin, length, unit.
    dimensions: Vec<(u32, u64, u64, &'static str, &'static str, &'static str)>,
    /// Bits, bytes before, name of the lookup table, tag.
    channels: Vec<(u32, u64, &'static str, u32)>,
    is_float: bool,
    /// More XML within the image.
    more: String,
    bytes: Vec<u8>,
}

impl Element {
    fn new(name: &'static str, bytes: u64) -> Element {
        let bytes = (0..bytes).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        Element {
            name,
            dimensions: Vec::new(),
            channels: vec![(8, 0, "Green", 0)],
            is_float: false,
            more: String::new(),
            bytes,
        }
    }

    fn xml(&self, block: usize) -> String {
        let channels: String = self
            .channels
            .iter()
            .map(|(bits, offset, lut, tag)| {
                format!(
                    r#"<ChannelDescription DataType="{}" ChannelTag="{tag}" Resolution="{bits}" NameOfMeasuredQuantity="" Min="0" Max="255" Unit="" LUTName="{lut}" IsLUTInverted="0" BytesInc="{offset}" BitInc="0"/>"#,
                    u8::from(self.is_float)
                )
            })
            .collect();
        let dimensions: String = self
            .dimensions
            .iter()
            .map(|(id, count, step, origin, length, unit)| {
                format!(
                    r#"<DimensionDescription DimID="{id}" NumberOfElements="{count}" Origin="{origin}" Length="{length}" Unit="{unit}" BitInc="0" BytesInc="{step}"/>"#
                )
            })
            .collect();
        format!(
            r#"<Element Name="{}"><Data><Image TextDescription="">{}<ImageDescription><Channels>{channels}</Channels><Dimensions>{dimensions}</Dimensions></ImageDescription></Image></Data><Memory Size="{}" MemoryBlockID="MemBlock_{block}"/></Element>"#,
            self.name,
            self.more,
            self.bytes.len()
        )
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn number(n: usize) -> [u8; 4] {
    (n as u32).to_le_bytes()
}

/// A file of a collection `C` with these elements, in a file element that has an empty block.
fn made(version: u32, elements: &[Element]) -> Vec<u8> {
    let inner: String = elements.iter().enumerate().map(|(i, e)| e.xml(i)).collect();
    let xml = format!(
        r#"<LMSDataContainerHeader Version="{version}"><Element Name="made.lif"><Data><Experiment Path="made.lif"/></Data><Memory Size="0" MemoryBlockID="MemBlock_99"/><Children><Element Name="C"><Data><Collection/></Data><Memory Size="0" MemoryBlockID="MemBlock_98"/><Children>{inner}</Children></Element></Children></Element></LMSDataContainerHeader>"#
    );
    let units = xml.encode_utf16().count();
    let mut out = [&number(0x70)[..], &number(5 + 2 * units), &[0x2A], &number(units)].concat();
    out.extend(utf16(&xml));
    let empty = Element::new("", 0);
    let blocks = elements.iter().enumerate().chain([(98, &empty), (99, &empty)]);
    for (i, element) in blocks {
        let id = format!("MemBlock_{i}");
        let size = (element.bytes.len() as u64).to_le_bytes();
        let size = if version == 1 { &size[..4] } else { &size[..] };
        out.extend(number(0x70));
        out.extend(number(6 + size.len() + 2 * id.len()));
        out.extend([&[0x2A], size, &[0x2A], &number(id.len())].concat());
        out.extend(utf16(&id));
        out.extend(&element.bytes);
    }
    out
}

struct Made {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn file(content: &[u8]) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.lif");
    std::fs::write(&path, content).unwrap();
    keep_seed("lif", content);
    Made { _folder: folder, path }
}

/// Asserts that each voxel is that of the element at the byte its place gives.
fn check_bytes(
    image: &dyn ImageSource,
    element: &Element,
    begin: u64,
    spectrum: u64,
    order: &[usize],
) {
    let step = |id: u32| element.dimensions.iter().find(|d| d.0 == id).map_or(0, |d| d.2);
    let pixels = read_whole(image);
    let shape = pixels.shape();
    let mut bytes = Vec::new();
    pixels.extend_le_bytes(&mut bytes);
    let size = pixels.dtype().size();
    for (i, found) in bytes.chunks(size).enumerate() {
        let mut rest = i as u64;
        let mut at = [0; 5];
        for d in (0..5).rev() {
            at[d] = rest % shape[d];
            rest /= shape[d];
        }
        let [t, c, z, y, x] = at;
        let channel = element.channels[order[(c / spectrum) as usize]].1;
        let place = begin
            + channel
            + c % spectrum * step(5)
            + t * step(4)
            + z * step(3)
            + y * step(2)
            + x * step(1);
        assert_eq!(found, &element.bytes[place as usize..][..size], "{at:?}");
    }
}

/// Two channels in time and depth, 12 of 16 bits, rows padded to multiples of 4 bytes.
fn stack() -> Element {
    let (row, plane) = (12, 12 * 4);
    Element {
        channels: vec![(12, 0, "Green", 0), (12, plane, "Magenta", 0)],
        dimensions: vec![
            (1, 5, 2, "0", "2.0e-6", "m"),
            (2, 4, row, "0", "1.5e-6", "m"),
            (3, 3, 2 * plane, "1.0e-5", "-4.0e-6", "m"),
            (4, 2, 6 * plane, "0", "2.5", "s"),
        ],
        more: r#"<TimeStampList NumberOfTimeStamps="4">1d5a2b3c4d5e6f0 1d5a2b3c4d5e7f0 1d5a2b3c64b77e0 1d5a2b3c64b77f0</TimeStampList>"#.to_owned(),
        ..Element::new("stack", 12 * plane)
    }
}

#[test]
fn stacks_of_both_versions_are_read_as_they_lie() {
    for version in [1, 2] {
        let made = file(&made(version, &[stack()]));
        let dataset = open(&made.path, &OpenOptions::default()).unwrap();
        assert_eq!(
            (dataset.format(), dataset.format_version()),
            ("lif", Some(version.to_string()))
        );
        let image = dataset.images()[0].as_ref();
        let meta = image.meta();
        assert_eq!((meta.name.as_str(), meta.axes.to_string().as_str()), ("C/stack", "tczyx"));
        assert_eq!(
            (meta.shape, meta.dtype, meta.significant_bits),
            ([2, 2, 3, 4, 5], Dtype::Uint16, 12)
        );
        for (d, wanted) in [2.0, 0.5, 0.5].into_iter().enumerate() {
            assert_close(meta.voxel_size_um[d].value, Some(wanted), 1e-12);
        }
        assert_close(meta.origin_um[0].value, Some(10.0), 1e-12);
        assert_close(meta.frame_interval_s, Some(2.5), 1e-12);
        let times = meta.frame_times_s.as_ref().unwrap();
        assert_close(Some(times[1]), Some(f64::from(0x064b_77e0 - 0x04d5_e6f0) * 1e-7), 1e-12);
        let channels: Vec<_> =
            meta.channels.iter().map(|c| (c.name.as_deref(), c.color.as_deref())).collect();
        assert_eq!(
            channels,
            [(Some("Green"), Some("#00FF00")), (Some("Magenta"), Some("#FF00FF"))]
        );
        // The negative step is said.
        assert_eq!(
            dataset.problems().iter().map(|p| p.code.as_str()).collect::<Vec<_>>(),
            ["metadata-invalid"]
        );
        check_bytes(image, &stack(), 0, 1, &[0, 1]);
        check_regions(image, 30);
        check_damage(&made.path, &[]);
    }
}

#[test]
fn any_order_of_bytes_gives_the_same_axes() {
    // Planes of z within rows, time within depth, channels outermost and last one first.
    let lengths = [(1, 3), (2, 4), (3, 2), (4, 3)];
    for (k, order) in
        [[3, 1, 4, 2], [1, 4, 2, 3], [4, 3, 2, 1], [2, 1, 3, 4]].into_iter().enumerate()
    {
        let is_float = k % 2 == 1;
        let size = if is_float { 4 } else { 1 };
        let mut step = size;
        let mut dimensions = Vec::new();
        for id in order {
            let count = lengths[id as usize - 1].1;
            dimensions.push((id, count, step, "0", "0", "m"));
            step *= count;
        }
        let bits = 8 * size as u32;
        let channels = vec![(bits, 2 * step, "", 0), (bits, 0, "Red", 0), (bits, step, "x", 0)];
        let element = Element { dimensions, channels, is_float, ..Element::new("any", 3 * step) };
        let made = file(&made(2, std::slice::from_ref(&element)));
        let dataset = open(&made.path, &OpenOptions::default()).unwrap();
        let image = dataset.images()[0].as_ref();
        assert_eq!(image.meta().shape, [3, 3, 2, 4, 3]);
        assert_eq!(image.meta().dtype, if is_float { Dtype::Float32 } else { Dtype::Uint8 });
        assert_eq!(image.meta().channels[0].name, None);
        assert_eq!(image.meta().voxel_size_um[2].value, None);
        check_bytes(image, &element, 0, 1, &[0, 1, 2]);
        check_regions(image, 20);
    }
}

#[test]
fn interleaved_colours_come_as_red_green_blue() {
    // Blue first, 3 bytes a pixel, rows of 15 bytes padded to 16.
    let element = Element {
        channels: vec![(8, 0, "Blue", 3), (8, 1, "Green", 2), (8, 2, "Red", 1)],
        dimensions: vec![(1, 5, 3, "0", "4e-6", "m"), (2, 3, 16, "0", "2e-6", "m")],
        ..Element::new("rgb", 48)
    };
    let made = file(&made(2, std::slice::from_ref(&element)));
    let dataset = open(&made.path, &OpenOptions::default()).unwrap();
    let image = dataset.images()[0].as_ref();
    let names: Vec<_> = image.meta().channels.iter().map(|c| c.name.as_deref()).collect();
    assert_eq!(names, [Some("Red"), Some("Green"), Some("Blue")]);
    check_bytes(image, &element, 0, 1, &[2, 1, 0]);
    check_regions(image, 20);
}

#[test]
fn emission_steps_are_channels_with_wavelengths() {
    let element = Element {
        dimensions: vec![
            (1, 4, 1, "0", "3e-6", "m"),
            (3, 5, 4, "0", "8e-6", "m"),
            (5, 3, 20, "5.0e-7", "2.0e-8", "m"),
        ],
        channels: vec![(8, 0, "Gray", 0), (8, 60, "Red", 0)],
        ..Element::new("spectrum", 120)
    };
    let made = file(&made(2, std::slice::from_ref(&element)));
    let dataset = open(&made.path, &OpenOptions::default()).unwrap();
    let image = dataset.images()[0].as_ref();
    // Scanned along x and z alone.
    assert_eq!(
        (image.meta().axes.to_string().as_str(), image.meta().shape),
        ("czyx", [1, 6, 5, 1, 4])
    );
    let nm: Vec<_> = image.meta().channels.iter().map(|c| c.emission_nm.unwrap().round()).collect();
    assert_eq!(nm, [500.0, 510.0, 520.0, 500.0, 510.0, 520.0]);
    check_bytes(image, &element, 0, 3, &[0, 1]);
}

fn mosaic(flags: &str, tiles: usize) -> Element {
    let tile = |i: usize| {
        format!(r#"<Tile FieldX="{i}" FieldY="0" PosX="0.00{i}" PosY="0.02" PosZ="5e-6"/>"#)
    };
    let tiles: String = (1..=tiles).map(tile).collect();
    Element {
        dimensions: vec![
            (1, 4, 1, "0", "3e-6", "m"),
            (2, 3, 4, "0", "2e-6", "m"),
            (10, 3, 12, "0", "0", ""),
        ],
        more: format!(
            r#"<Attachment Name="TileScanInfo" Application="LAS AF" {flags}>{tiles}</Attachment>"#
        ),
        ..Element::new("mosaic", 36)
    }
}

#[test]
fn each_tile_of_a_mosaic_is_an_image_at_its_place() {
    let places = |flags: &str, tiles: usize| {
        let element = mosaic(flags, tiles);
        let made = file(&made(2, std::slice::from_ref(&element)));
        let dataset = open(&made.path, &OpenOptions::default()).unwrap();
        assert_eq!(dataset.images().len(), 3);
        for (i, image) in dataset.images().iter().enumerate() {
            assert_eq!(image.meta().name, format!("C/mosaic tile {i}"));
            check_bytes(image.as_ref(), &element, 12 * i as u64, 1, &[0]);
        }
        let codes: Vec<String> = dataset.problems().iter().map(|p| p.code.clone()).collect();
        (dataset.images()[1].meta().origin_um.map(|o| o.value.map(f64::round)), codes)
    };
    assert_eq!(places("", 3), ([Some(5.0), Some(20_000.0), Some(2000.0)], vec![]));
    let turned =
        ([Some(5.0), Some(-2000.0), Some(-20_000.0)], vec!["stage-sign-assumed".to_owned()]);
    assert_eq!(places(r#"FlipX="1" FlipY="1" SwapXY="1""#, 3), turned);
    assert_eq!(places("", 2).0, [None; 3]);
    assert_eq!(places("", 2).1, ["metadata-invalid"]);
}

#[test]
fn times_of_old_files_are_in_two_halves() {
    let stamp = |low: u32| format!(r#"<TimeStamp HighInteger="30000000" LowInteger="{low}"/>"#);
    let element = Element {
        dimensions: vec![(1, 2, 1, "0", "1e-6", "m"), (4, 3, 2, "0", "0", "s")],
        more: format!(
            "<TimeStampList>{}{}{}</TimeStampList>",
            stamp(0),
            stamp(10_000_000),
            stamp(30_000_000)
        ),
        ..Element::new("xt", 6)
    };
    let made = file(&made(1, &[element]));
    let dataset = open(&made.path, &OpenOptions::default()).unwrap();
    let meta = dataset.images()[0].meta();
    assert_eq!(
        (meta.frame_interval_s, meta.frame_times_s.as_deref()),
        (Some(1.5), Some(&[0.0, 1.0, 3.0][..]))
    );
}

#[test]
fn a_cut_file_keeps_what_is_left() {
    let mut content = made(2, &[stack(), Element { name: "second", ..stack() }]);
    // Both channels of the first plane are whole.
    let first = content.windows(stack().bytes.len()).position(|w| w == stack().bytes).unwrap();
    content.truncate(first + 100);
    let made = file(&content);
    let dataset = open(&made.path, &OpenOptions::default()).unwrap();
    assert_eq!(dataset.images().len(), 1);
    assert!(
        dataset.problems().iter().all(|p| p.code == "truncated" || p.code == "metadata-invalid")
    );
    assert!(dataset.problems().iter().any(|p| p.message.contains("`C/second` is left out")));
    let image = dataset.images()[0].as_ref();
    let kept = Region::new([0; 5], [1, 2, 1, 4, 5]);
    let whole = Region::whole(image.meta().shape);
    assert_eq!(read(image, 0, &kept).shape(), kept.shape);
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let error = image.read(0, &whole, &mut out).unwrap_err();
    assert!(error.to_string().contains("truncated: the image `C/stack` needs"), "{error}");

    let rescue = OpenOptions { rescue: true, ..OpenOptions::default() };
    let rescued = open(&made.path, &rescue).unwrap();
    let image = rescued.images()[0].as_ref();
    let status = image.read(0, &whole, &mut out).unwrap();
    let hooke_core::ReadStatus::MissingFilled(missing) = status else {
        panic!("planes are missing")
    };
    // 2 x 2 x 3 planes of which two are whole.
    assert_eq!((missing.len(), &missing), (10, &image.meta().missing));
    assert!(out.crop(&kept) == read(image, 0, &kept));
    let lost = Region::new([1, 0, 0, 0, 0], [1, 2, 3, 4, 5]);
    assert!(out.crop(&lost) == Pixels::zeros(Dtype::Uint16, lost.shape));
}

#[test]
fn images_without_pixels_or_sense_are_left_out() {
    let empty = Element { bytes: Vec::new(), ..stack() };
    let lying = Element { bytes: vec![0; 100], name: "lying", ..stack() };
    let within = Element { channels: vec![(16, 1, "Red", 0)], name: "within", ..stack() };
    let twice = Element {
        dimensions: vec![(1, 2, 1, "0", "1", "m"), (1, 2, 2, "0", "1", "m")],
        name: "twice",
        ..stack()
    };
    let huge = Element {
        dimensions: vec![(1, 1 << 30, 1, "0", "1", "m"), (2, 1 << 30, 1, "0", "1", "m")],
        name: "huge",
        ..Element::new("huge", 64)
    };
    let good = Element { name: "good", ..stack() };
    let bad = [empty, lying, within, twice, huge];
    let all: Vec<Element> = bad.iter().cloned().chain([good]).collect();
    let made_file = file(&made(2, &all));
    let dataset = open(&made_file.path, &OpenOptions::default()).unwrap();
    assert_eq!(
        dataset.images().iter().map(|i| i.meta().name.as_str()).collect::<Vec<_>>(),
        ["C/good"]
    );
    let left: Vec<_> =
        dataset.problems().iter().filter(|p| p.message.contains("left out")).collect();
    assert_eq!(left.len(), 5);
    assert_eq!(left[0].code, "missing-planes");
    for one in bad {
        let made = file(&made(2, &[one]));
        let error = open(&made.path, &OpenOptions::default()).err().unwrap();
        assert_eq!(error.code(), "metadata-invalid");
    }
}

#[test]
fn relatives_of_the_format_are_refused_by_name() {
    let refused = |text: &str| {
        let units = text.encode_utf16().count();
        let head = [&number(0x70)[..], &number(5 + 2 * units), &[0x2A], &number(units)].concat();
        let made = file(&[head, utf16(text)].concat());
        open(&made.path, &OpenOptions::default()).err().unwrap()
    };
    let error = refused("LMS_Object_File");
    assert!(error.to_string().contains("LOF") && error.hint().unwrap().contains(".lif"), "{error}");
    assert!(
        refused("<LMSDataContainerEnhancedHeader Version=\"2\"/>").to_string().contains("LIFEXT")
    );
    assert_eq!(refused("<a>").code(), "metadata-invalid");
    assert_eq!(refused("<LMSDataContainerHeader Version=\"2\"/>").code(), "not-there");
    let cut = file(&made(2, &[stack()])[..200]);
    assert_eq!(open(&cut.path, &OpenOptions::default()).err().unwrap().code(), "truncated");
}
