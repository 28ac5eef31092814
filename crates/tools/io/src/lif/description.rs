//! An image's dimensions, channels, tiles and times, from the XML.

use hooke_core::{Channel, Dtype};
use roxmltree::{Document, Node, ParsingOptions};

use crate::units;

/// Real files nest a handful of collections.
const DEEPEST: usize = 256;
/// Numbers of dimensions.
pub(super) const X: u32 = 1;
pub(super) const Y: u32 = 2;
pub(super) const Z: u32 = 3;
pub(super) const T: u32 = 4;
pub(super) const EMISSION: u32 = 5;
pub(super) const TILE: u32 = 10;

/// What the XML says of the whole file.
#[derive(Debug, Default)]
pub(super) struct Description {
    pub version: Option<String>,
    pub images: Vec<Described>,
}

/// What the XML says of one image.
#[derive(Debug, Clone, Default)]
pub(super) struct Described {
    /// The names of the collections it is in, and its own, joined by `/`.
    pub name: String,
    /// Name of its block.
    pub block: String,
    /// In the order they are named.
    pub dimensions: Vec<Dimension>,
    pub channels: Vec<ChannelDescription>,
    /// Of each tile, in the order they are stored.
    pub tiles: Vec<Tile>,
    /// Whether the tiles' x and y are those of the image turned.
    pub turned: bool,
    /// Of each plane, in seconds since any time.
    pub times_s: Vec<f64>,
}

/// A dimension of the samples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dimension {
    /// 1 X, 2 Y, 3 Z, 4 T, 5 emission, 6 rotation, 9 excitation, 10 tile, 11 loop.
    pub id: u32,
    pub count: u64,
    /// Bytes from one index to the next.
    pub step: u64,
    /// Of the first and from the first to the last index, in `unit`.
    pub origin: f64,
    pub length: f64,
    pub unit: String,
}

impl Dimension {
    /// From one index to the next, in the unit, with its sign.
    pub fn spacing(&self) -> Option<f64> {
        let spacing = self.length / (self.count.checked_sub(1)? as f64);
        (spacing.is_finite() && spacing != 0.0).then_some(spacing)
    }

    /// Micrometres in the dimension's unit; none for no unit of length.
    pub fn micrometres(&self) -> Option<f64> {
        units::micrometres(&self.unit)
    }
}

/// A stored channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ChannelDescription {
    pub channel: Channel,
    /// Bits that carry signal.
    pub bits: u32,
    pub is_float: bool,
    /// Byte of the channel's first sample in the block.
    pub offset: u64,
    /// 1 red, 2 green, 3 blue of a colour camera, 0 for others.
    pub tag: u32,
}

impl ChannelDescription {
    /// The type of its samples.
    pub fn dtype(&self) -> Option<Dtype> {
        Some(match (self.is_float, self.bits) {
            (false, 1..=8) => Dtype::Uint8,
            (false, 9..=16) => Dtype::Uint16,
            (false, 17..=32) => Dtype::Uint32,
            (true, 17..=32) => Dtype::Float32,
            (true, 33..=64) => Dtype::Float64,
            _ => return None,
        })
    }
}

/// Where a tile of a mosaic lies, in micrometres.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Tile {
    pub zyx_um: [Option<f64>; 3],
}

impl Description {
    /// Reads the XML; the error says why it is none.
    pub fn parse(xml: &str) -> Result<Description, String> {
        let options = ParsingOptions { nodes_limit: 16 << 20, ..ParsingOptions::default() };
        let document = Document::parse_with_options(xml.trim_end_matches('\0'), options)
            .map_err(|e| e.to_string())?;
        let root = document.root_element();
        let found = root.descendants().filter(|n| n.has_tag_name("Element")).filter_map(described);
        Ok(Description {
            version: root.attribute("Version").map(str::to_owned),
            images: found.collect(),
        })
    }
}

/// The image of an element, if it is one.
fn described(element: Node<'_, '_>) -> Option<Described> {
    let image = child(child(element, "Data")?, "Image")?;
    let inner = child(image, "ImageDescription")?;
    let block = child(element, "Memory").and_then(|m| m.attribute("MemoryBlockID"));
    let (tiles, turned) = tiles(image);
    Some(Described {
        name: name_of(element),
        block: block.unwrap_or_default().to_owned(),
        dimensions: listed(inner, "Dimensions").filter_map(dimension).collect(),
        channels: listed(inner, "Channels").filter_map(channel).collect(),
        tiles,
        turned,
        times_s: times(image),
    })
}

/// The element's name behind those of the collections around it; the outermost is the file's own.
fn name_of(element: Node<'_, '_>) -> String {
    let around = element.ancestors().filter(|n| n.has_tag_name("Element")).take(DEEPEST);
    let mut names: Vec<&str> = around.map(|n| n.attribute("Name").unwrap_or_default()).collect();
    if names.len() > 1 {
        names.pop();
    }
    names.reverse();
    names.join("/")
}

fn dimension(node: Node<'_, '_>) -> Option<Dimension> {
    let number = |name| node.attribute(name)?.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    Some(Dimension {
        id: whole(node, "DimID")?.try_into().ok()?,
        count: whole(node, "NumberOfElements")?,
        step: whole(node, "BytesInc")?,
        origin: number("Origin").unwrap_or(0.0),
        length: number("Length").unwrap_or(0.0),
        unit: node.attribute("Unit").unwrap_or_default().to_owned(),
    })
}

fn channel(node: Node<'_, '_>) -> Option<ChannelDescription> {
    let properties: Vec<Node<'_, '_>> =
        node.children().filter(|n| n.has_tag_name("ChannelProperty")).collect();
    let property = |key: &str| {
        let of = properties.iter().find(|p| text(**p, "Key") == Some(key))?;
        text(*of, "Value").filter(|v| !v.is_empty())
    };
    let lut = node.attribute("LUTName").map(str::trim).filter(|l| !l.is_empty());
    let name = property("DyeName").or(lut).map(str::to_owned);
    Some(ChannelDescription {
        channel: Channel { name, color: lut.and_then(color), ..Channel::default() },
        bits: whole(node, "Resolution")?.try_into().ok()?,
        is_float: node.attribute("DataType").map(str::trim) == Some("1"),
        offset: whole(node, "BytesInc").unwrap_or(0),
        tag: whole(node, "ChannelTag").and_then(|n| n.try_into().ok()).unwrap_or(0),
    })
}

/// The colour of a lookup table that is named for one.
fn color(lut: &str) -> Option<String> {
    let hex = match lut.to_ascii_lowercase().as_str() {
        "red" => "#FF0000",
        "green" => "#00FF00",
        "blue" => "#0000FF",
        "cyan" => "#00FFFF",
        "magenta" => "#FF00FF",
        "yellow" => "#FFFF00",
        "gray" | "grey" => "#FFFFFF",
        _ => return None,
    };
    Some(hex.to_owned())
}

/// Places of the tiles, in the image's axes, and whether these are not the stage's.
fn tiles(image: Node<'_, '_>) -> (Vec<Tile>, bool) {
    let mut attachments = image.children().filter(|n| n.has_tag_name("Attachment"));
    let Some(scan) = attachments.find(|n| n.attribute("Name") == Some("TileScanInfo")) else {
        return (Vec::new(), false);
    };
    let is = |name| scan.attribute(name).is_some_and(|v| v.trim() == "1");
    let (flip_x, flip_y, swap) = (is("FlipX"), is("FlipY"), is("SwapXY"));
    // Metres are stored.
    let place = |node: Node<'_, '_>, name| {
        let metres: f64 = node.attribute(name)?.trim().parse().ok()?;
        metres.is_finite().then_some(metres * 1e6)
    };
    let tile = |node: Node<'_, '_>| {
        let (mut x, mut y) = (place(node, "PosX"), place(node, "PosY"));
        if swap {
            (x, y) = (y, x);
        }
        let turn = |v: Option<f64>, flip: bool| v.map(|v| if flip { -v } else { v });
        Tile { zyx_um: [place(node, "PosZ"), turn(y, flip_y), turn(x, flip_x)] }
    };
    let tiles = scan.children().filter(|n| n.has_tag_name("Tile")).map(tile).collect();
    (tiles, flip_x || flip_y || swap)
}

/// Times of the planes: hexadecimal numbers in a row, or two halves each in old files, that count
/// 100 ns.
fn times(image: Node<'_, '_>) -> Vec<f64> {
    const TICK_S: f64 = 1e-7;
    let Some(list) = child(image, "TimeStampList") else { return Vec::new() };
    let old = list.children().filter(|n| n.has_tag_name("TimeStamp")).map(|n| {
        let half = |name| n.attribute(name)?.trim().parse::<u32>().ok().map(u64::from);
        Some(half("HighInteger")? << 32 | half("LowInteger")?)
    });
    let old: Vec<Option<u64>> = old.collect();
    let ticks: Option<Vec<u64>> = if old.is_empty() {
        let words = list.text().unwrap_or_default().split_whitespace();
        words.map(|w| u64::from_str_radix(w, 16).ok()).collect()
    } else {
        old.into_iter().collect()
    };
    let ticks = ticks.unwrap_or_default();
    let Some(first) = ticks.first().copied() else { return Vec::new() };
    // The difference is exact; the numbers themselves are too large for that.
    ticks.into_iter().map(|t| t.wrapping_sub(first) as i64 as f64 * TICK_S).collect()
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|n| n.has_tag_name(name))
}

/// The elements within a child of this name.
fn listed<'a, 'i>(node: Node<'a, 'i>, name: &str) -> impl Iterator<Item = Node<'a, 'i>> {
    child(node, name).into_iter().flat_map(|list| list.children()).filter(Node::is_element)
}

fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim)
}

fn whole(node: Node<'_, '_>, name: &str) -> Option<u64> {
    node.attribute(name)?.trim().parse().ok()
}
