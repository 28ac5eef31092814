//! OME-XML: what an OME-TIFF says about its images (schema 2016-06 and its forerunners).

use hooke_core::{Channel, Problem, Sourced};
use roxmltree::{Document, Node, ParsingOptions};

use super::units::{length_um, time_s};

/// Elements beyond this number are not metadata any more.
const MOST_NODES: u32 = 50_000_000;
/// Channels beyond this number are a damaged size.
const MOST_CHANNELS: u64 = 65_535;

/// The whole document.
#[derive(Debug)]
pub struct OmeDocument {
    /// The schema's version, e.g. `2016-06`.
    pub version: Option<String>,
    /// The document's own identity.
    pub uuid: Option<String>,
    /// The file that holds the metadata, where this one only points to it.
    pub metadata_file: Option<String>,
    /// The images in order.
    pub images: Vec<OmeImage>,
}

/// One `Image` with its `Pixels`.
#[derive(Debug)]
pub struct OmeImage {
    /// Its name.
    pub name: Option<String>,
    /// Positions among `t, c, z`, slowest first, from DimensionOrder.
    pub order: [usize; 3],
    /// Lengths over `t, c, z`; c counts samples too.
    pub sizes: [u64; 3],
    /// Rows and columns.
    pub plane: [u64; 2],
    /// `Type`.
    pub pixel_type: String,
    /// Bits that carry signal.
    pub significant_bits: Option<u32>,
    /// Voxel size in µm.
    pub voxel_size_um: [Sourced<f64>; 3],
    /// Position of the first plane in µm.
    pub origin_um: [Sourced<f64>; 3],
    /// Seconds between frames.
    pub frame_interval_s: Option<f64>,
    /// Seconds of each frame, where every frame's first plane has its time.
    pub frame_times_s: Option<Vec<f64>>,
    /// `Channel` elements, each with its samples per pixel.
    pub channels: Vec<(Channel, u64)>,
    /// Where planes are.
    pub blocks: Vec<TiffData>,
    /// Units that are not known.
    pub problems: Vec<Problem>,
}

/// One `TiffData`: a run of planes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TiffData {
    /// Page of the first plane.
    pub ifd: Option<u64>,
    /// First plane over `t, c, z`.
    pub first: [u64; 3],
    /// Number of planes.
    pub count: Option<u64>,
    /// Name of the file that holds them.
    pub file: Option<String>,
    /// Identity of that file.
    pub uuid: Option<String>,
}

/// Whether a description looks like OME-XML.
pub fn is_ome(text: &str) -> bool {
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    let head: String = text.chars().take(4096).collect();
    head.starts_with('<') && (head.contains("<OME") || head.contains(":OME"))
}

/// Reads a document.
///
/// # Errors
/// A clause for the message: what is not well formed, missing or absurd.
pub fn parse(text: &str) -> Result<OmeDocument, String> {
    let text = text.trim_start_matches('\u{FEFF}').trim().trim_end_matches('\0');
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|e| e.to_string())?;
    let root = document.root_element();
    if root.tag_name().name() != "OME" {
        return Err(format!("the root element is {}, not OME", root.tag_name().name()));
    }
    let images = named(root, "Image").map(parse_image).collect::<Result<Vec<_>, _>>()?;
    let version =
        root.tag_name().namespace().and_then(|n| n.trim_end_matches('/').rsplit('/').next());
    let pointer = named(root, "BinaryOnly").next();
    Ok(OmeDocument {
        version: version.map(str::to_owned),
        uuid: root.attribute("UUID").map(str::to_owned),
        metadata_file: pointer.and_then(|n| n.attribute("MetadataFile")).map(str::to_owned),
        images,
    })
}

/// Child elements of a name, whatever the prefix.
fn named<'a>(node: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(move |n| n.is_element() && n.tag_name().name() == name)
}

fn count(node: Node<'_, '_>, name: &str) -> Result<u64, String> {
    let text = node.attribute(name).ok_or_else(|| format!("Pixels without {name}"))?;
    match text.trim().parse::<u64>() {
        Ok(n) if (1..=i32::MAX as u64).contains(&n) => Ok(n),
        _ => Err(format!("{name} is {text:?}")),
    }
}

fn real(node: Node<'_, '_>, name: &str) -> Option<f64> {
    node.attribute(name)?.trim().parse().ok().filter(|v: &f64| v.is_finite())
}

fn parse_image(image: Node<'_, '_>) -> Result<OmeImage, String> {
    let pixels = named(image, "Pixels").next().ok_or("Image without Pixels")?;
    let sizes = [count(pixels, "SizeT")?, count(pixels, "SizeC")?, count(pixels, "SizeZ")?];
    if sizes[1] > MOST_CHANNELS {
        return Err(format!("SizeC is {}", sizes[1]));
    }
    let mut problems = Vec::new();
    let step = real(pixels, "TimeIncrement").filter(|v| *v > 0.0);
    let frame_interval_s = step
        .and_then(|v| Some(v * scale(pixels, "TimeIncrementUnit", "s", time_s, &mut problems)?));
    let sizes_um = ["PhysicalSizeZ", "PhysicalSizeY", "PhysicalSizeX"].map(|name| {
        let value = real(pixels, name).filter(|v| *v > 0.0);
        let unit = scale(pixels, &format!("{name}Unit"), "µm", length_um, &mut problems);
        value.zip(unit).map_or(Sourced::unknown(), |(v, u)| Sourced::file(v * u))
    });
    let (origin_um, frame_times_s) = parse_planes(pixels, sizes[0], &mut problems);
    let blocks = named(pixels, "TiffData").map(parse_block).collect::<Result<_, _>>()?;
    Ok(OmeImage {
        name: image.attribute("Name").filter(|n| !n.is_empty()).map(str::to_owned),
        order: parse_order(pixels.attribute("DimensionOrder").unwrap_or("XYZCT"))?,
        sizes,
        plane: [count(pixels, "SizeY")?, count(pixels, "SizeX")?],
        pixel_type: pixels
            .attribute("Type")
            .or(pixels.attribute("PixelType"))
            .unwrap_or_default()
            .to_owned(),
        significant_bits: pixels.attribute("SignificantBits").and_then(|b| b.parse().ok()),
        voxel_size_um: sizes_um,
        origin_um,
        frame_interval_s,
        frame_times_s,
        channels: named(pixels, "Channel").map(parse_channel).collect(),
        blocks,
        problems,
    })
}

/// The factor of the unit in an attribute; the schema's default where it is absent.
fn scale(
    node: Node<'_, '_>,
    attribute: &str,
    default: &str,
    known: fn(&str) -> Option<f64>,
    problems: &mut Vec<Problem>,
) -> Option<f64> {
    let unit = node.attribute(attribute).unwrap_or(default);
    let factor = known(unit);
    if factor.is_none() {
        let message = format!("{attribute} is {unit:?}, which has no known size");
        if !problems.iter().any(|p| p.message == message) {
            problems.push(Problem::warning("unit-unknown", message));
        }
    }
    factor
}

/// `XYZCT` names the fastest axis first; ours are slowest first.
fn parse_order(text: &str) -> Result<[usize; 3], String> {
    let order: Vec<usize> =
        text.chars().rev().filter_map(|l| "TCZ".find(l.to_ascii_uppercase())).collect();
    let sorted = {
        let mut s = order.clone();
        s.sort_unstable();
        s
    };
    match (order.try_into(), sorted.as_slice()) {
        (Ok(order), [0, 1, 2]) => Ok(order),
        _ => Err(format!("DimensionOrder is {text:?}")),
    }
}

fn parse_channel(node: Node<'_, '_>) -> (Channel, u64) {
    let nm = |name: &str| match node.attribute(format!("{name}Unit").as_str()) {
        None | Some("nm") => real(node, name),
        Some(unit) => Some(real(node, name)? * length_um(unit)? * 1e3),
    };
    let color = node.attribute("Color").and_then(|c| c.trim().parse::<i64>().ok());
    let channel = Channel {
        name: node.attribute("Name").filter(|n| !n.is_empty()).map(str::to_owned),
        // Red, green, blue, alpha from the most significant byte.
        color: color.map(|c| format!("#{:06X}", (c as u32) >> 8)),
        excitation_nm: nm("ExcitationWavelength"),
        emission_nm: nm("EmissionWavelength"),
    };
    (channel, real(node, "SamplesPerPixel").filter(|n| *n >= 1.0).unwrap_or(1.0) as u64)
}

fn parse_block(node: Node<'_, '_>) -> Result<TiffData, String> {
    let uint = |name: &str| -> Result<Option<u64>, String> {
        let parse =
            |t: &str| t.trim().parse::<u32>().map_err(|_| format!("TiffData {name} is {t:?}"));
        Ok(node.attribute(name).map(parse).transpose()?.map(u64::from))
    };
    let first = |name| Ok::<_, String>(uint(name)?.unwrap_or(0));
    let owner = named(node, "UUID").next();
    Ok(TiffData {
        ifd: uint("IFD")?,
        first: [first("FirstT")?, first("FirstC")?, first("FirstZ")?],
        count: uint("PlaneCount")?.filter(|n| *n > 0),
        file: owner.and_then(|n| n.attribute("FileName")).map(str::to_owned),
        uuid: owner.and_then(|n| n.text()).map(|t| t.trim().to_owned()),
    })
}

/// The position of plane 0 and the time of every frame's plane (c 0, z 0).
///
/// A position without a unit is taken as µm and marked as assumed: the schema's default is an
/// unspecified frame, but the programs that leave the unit out mean µm.
fn parse_planes(
    pixels: Node<'_, '_>,
    frames: u64,
    problems: &mut Vec<Problem>,
) -> ([Sourced<f64>; 3], Option<Vec<f64>>) {
    let mut origin = [Sourced::unknown(); 3];
    let mut times: Vec<(u64, f64)> = Vec::new();
    for plane in named(pixels, "Plane") {
        let the = |name| plane.attribute(name).and_then(|v| v.trim().parse::<u64>().ok());
        if (the("TheC").unwrap_or(0), the("TheZ").unwrap_or(0)) != (0, 0) {
            continue;
        }
        let t = the("TheT").unwrap_or(0);
        if let Some(delta) = real(plane, "DeltaT")
            && let Some(unit) = scale(plane, "DeltaTUnit", "s", time_s, problems)
        {
            times.push((t, delta * unit));
        }
        if t > 0 {
            continue;
        }
        for (slot, name) in origin.iter_mut().zip(["PositionZ", "PositionY", "PositionX"]) {
            let Some(value) = real(plane, name) else { continue };
            let unit = format!("{name}Unit");
            *slot = match plane.attribute(unit.as_str()) {
                None => Sourced::assumed(value),
                Some(_) => match scale(plane, &unit, "µm", length_um, problems) {
                    Some(factor) => Sourced::file(value * factor),
                    None => Sourced::unknown(),
                },
            };
        }
    }
    times.sort_by_key(|(t, _)| *t);
    times.dedup_by_key(|(t, _)| *t);
    let complete = times.len() as u64 == frames && times.iter().map(|(t, _)| *t).eq(0..frames);
    (origin, complete.then(|| times.into_iter().map(|(_, s)| s).collect()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HEAD: &str = r#"<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image Name="a"><Pixels DimensionOrder="XYCZT" Type="uint8" SizeX="4" SizeY="3" SizeZ="2" SizeC="2" SizeT="2" "#;

    #[test]
    fn orders_colours_units_and_blocks_are_read() {
        let text = format!(
            "{HEAD} PhysicalSizeX=\"220\" PhysicalSizeXUnit=\"nm\" PhysicalSizeY=\"1\" \
             PhysicalSizeYUnit=\"pixel\" TimeIncrement=\"250\" TimeIncrementUnit=\"ms\">\
             <Channel Name=\"DAPI\" Color=\"65535\" EmissionWavelength=\"450\"/>\
             <Channel Color=\"-16776961\"/>\
             <TiffData FirstC=\"1\" FirstT=\"1\" IFD=\"3\"><UUID FileName=\"b.tif\">urn:x</UUID></TiffData>\
             <Plane TheC=\"0\" TheZ=\"0\" TheT=\"0\" PositionX=\"1.5\" PositionY=\"2\" PositionYUnit=\"mm\" DeltaT=\"0\"/>\
             <Plane TheC=\"0\" TheZ=\"0\" TheT=\"1\" DeltaT=\"90\" DeltaTUnit=\"ms\"/>\
             </Pixels></Image></OME>"
        );
        assert!(is_ome(&text));
        let document = parse(&text).unwrap();
        assert_eq!(document.version.as_deref(), Some("2016-06"));
        let image = &document.images[0];
        assert_eq!((image.order, image.sizes, image.plane), ([0, 2, 1], [2, 2, 2], [3, 4]));
        assert_eq!(image.voxel_size_um[2], Sourced::file(0.22));
        assert_eq!(image.voxel_size_um[1], Sourced::unknown());
        assert_eq!(image.problems[0].code, "unit-unknown");
        assert_eq!(image.frame_interval_s, Some(0.25));
        assert_eq!(image.frame_times_s, Some(vec![0.0, 0.09]));
        assert_eq!(image.origin_um[2], Sourced::assumed(1.5));
        assert_eq!(image.origin_um[1], Sourced::file(2000.0));
        let colors: Vec<_> = image.channels.iter().map(|(c, _)| c.color.clone().unwrap()).collect();
        assert_eq!(colors, ["#0000FF", "#FF0000"]);
        assert_eq!(image.channels[0].0.emission_nm, Some(450.0));
        let block = &image.blocks[0];
        assert_eq!((block.ifd, block.first, block.count), (Some(3), [1, 1, 0], None));
        assert_eq!(block.file.as_deref(), Some("b.tif"));
    }

    #[test]
    fn absurd_sizes_orders_and_broken_xml_are_named() {
        let bad = |from: &str, to: &str| {
            parse(&format!("{HEAD}></Pixels></Image></OME>").replace(from, to)).unwrap_err()
        };
        assert!(bad("SizeZ=\"2\"", "SizeZ=\"-2\"").contains("SizeZ is \"-2\""));
        assert!(bad("XYCZT", "XYCCT").contains("DimensionOrder"));
        assert!(!bad("</OME>", "").is_empty());
        assert!(parse("<OMG/>").unwrap_err().contains("OMG"));
    }
}
