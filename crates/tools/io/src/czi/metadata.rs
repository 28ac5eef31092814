//! What the XML of a file says.

use hooke_core::Channel;
use roxmltree::{Document, Node, ParsingOptions};

/// Voxel size, time and channels; everything unknown stays so.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Metadata {
    /// Over `z, y, x`.
    pub voxel_um: [Option<f64>; 3],
    pub interval_s: Option<f64>,
    pub channels: Vec<Channel>,
    pub significant_bits: Option<u32>,
}

impl Metadata {
    /// Reads the XML; the error says why it is none.
    pub fn parse(xml: &str) -> Result<Metadata, String> {
        let options = ParsingOptions { nodes_limit: 4 << 20, ..ParsingOptions::default() };
        let document = Document::parse_with_options(xml.trim_end_matches('\0'), options)
            .map_err(|e| e.to_string())?;
        let Some(root) = child(document.root_element(), "Metadata") else {
            return Ok(Metadata::default());
        };
        let image = at(root, &["Information", "Image"]);
        let of_image = |path: &[&str]| image.and_then(|i| at(i, path));
        Ok(Metadata {
            voxel_um: ["Z", "Y", "X"].map(|axis| distance_um(root, axis)),
            interval_s: of_image(&["Dimensions", "T", "Positions", "Interval", "Increment"])
                .and_then(number)
                .filter(|s| *s > 0.0),
            channels: channels(of_image(&["Dimensions", "Channels"]), root),
            significant_bits: of_image(&["ComponentBitCount"])
                .and_then(number)
                .filter(|n| (1.0..=64.0).contains(n))
                .map(|n| n as u32),
        })
    }
}

/// Metres are stored.
fn distance_um(root: Node<'_, '_>, axis: &str) -> Option<f64> {
    let items = at(root, &["Scaling", "Items"])?;
    let item =
        items.children().find(|n| n.has_tag_name("Distance") && n.attribute("Id") == Some(axis))?;
    let metres = number(child(item, "Value")?)?;
    // Whole nanometres and the like come back as typed, not as 0.6499999999999999.
    let um = (metres * 1e6 * 1e9).round() / 1e9;
    (um > 0.0).then_some(um)
}

fn channels(list: Option<Node<'_, '_>>, root: Node<'_, '_>) -> Vec<Channel> {
    let shown = at(root, &["DisplaySetting", "Channels"]);
    let of_display = |id: Option<&str>| {
        shown?
            .children()
            .find(|n| n.has_tag_name("Channel") && n.attribute("Id") == id && id.is_some())
    };
    let elements =
        list.into_iter().flat_map(|l| l.children()).filter(|n| n.has_tag_name("Channel"));
    elements
        .map(|channel| {
            let display = of_display(channel.attribute("Id"));
            let wavelength =
                |name: &str| child(channel, name).and_then(number).filter(|v| *v > 0.0);
            let color =
                [Some(channel), display].into_iter().flatten().find_map(|n| child(n, "Color"));
            Channel {
                name: channel.attribute("Name").filter(|n| !n.is_empty()).map(str::to_owned),
                color: color.and_then(|n| n.text()).and_then(rgb),
                excitation_nm: wavelength("ExcitationWavelength"),
                emission_nm: wavelength("EmissionWavelength"),
            }
        })
        .collect()
}

/// `#AARRGGBB` or `#RRGGBB` as `#RRGGBB`.
fn rgb(text: &str) -> Option<String> {
    let digits = text.trim().strip_prefix('#')?;
    let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    match digits.len() {
        8 if hex => Some(format!("#{}", digits[2..].to_ascii_uppercase())),
        6 if hex => Some(format!("#{}", digits.to_ascii_uppercase())),
        _ => None,
    }
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|n| n.has_tag_name(name))
}

fn at<'a, 'i>(node: Node<'a, 'i>, path: &[&str]) -> Option<Node<'a, 'i>> {
    path.iter().try_fold(node, |node, name| child(node, name))
}

fn number(node: Node<'_, '_>) -> Option<f64> {
    node.text()?.trim().parse().ok().filter(|v: &f64| v.is_finite())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sizes_channels_and_time_are_found() {
        let xml = r##"<ImageDocument><Metadata>
            <Information><Image><ComponentBitCount>12</ComponentBitCount><Dimensions>
              <Channels>
                <Channel Id="Channel:0" Name="DAPI"><EmissionWavelength>465</EmissionWavelength></Channel>
                <Channel Id="Channel:1" Name="EGFP"><Color>#FF00ff5B</Color></Channel>
              </Channels>
              <T><Positions><Interval><Increment>2.5</Increment></Interval></Positions></T>
            </Dimensions></Image></Information>
            <Scaling><Items>
              <Distance Id="X"><Value>6.5E-07</Value></Distance><Distance Id="Y"><Value>6.5E-07</Value></Distance>
              <Distance Id="Z"><Value>0</Value></Distance>
            </Items></Scaling>
            <DisplaySetting><Channels><Channel Id="Channel:0"><Color>#FF0000FF</Color></Channel></Channels></DisplaySetting>
          </Metadata></ImageDocument>"##;
        let found = Metadata::parse(xml).unwrap();
        assert_eq!(found.voxel_um, [None, Some(0.65), Some(0.65)]);
        assert_eq!((found.interval_s, found.significant_bits), (Some(2.5), Some(12)));
        let colors: Vec<_> = found.channels.iter().map(|c| c.color.clone().unwrap()).collect();
        assert_eq!(colors, ["#0000FF", "#00FF5B"]);
        assert_eq!(found.channels[0].emission_nm, Some(465.0));
        assert!(Metadata::parse("<a").is_err());
        assert_eq!(Metadata::parse("<a/>").unwrap(), Metadata::default());
    }
}
