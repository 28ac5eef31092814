//! The XML that MetaMorph and MetaXpress write into the description (`MetaSeries` files).

use std::collections::HashMap;

use super::units::length_um;

/// What a MetaSeries description says about one plane.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetaSeries {
    /// Pixel size in µm over `y, x`.
    pub pixel_um: [Option<f64>; 2],
    /// Position of the stage in µm over `z, y, x`, as written.
    pub stage_um: [Option<f64>; 3],
    /// The image's name, usually that of the filter.
    pub name: Option<String>,
    /// Emission wavelength.
    pub emission_nm: Option<f64>,
    /// Every property, for `info --full`.
    pub properties: Vec<(String, String)>,
}

/// Reads a description that begins with `<MetaData>`; `None` for any other, and for damaged XML.
pub fn parse(text: &str) -> Option<MetaSeries> {
    if !text.trim_start().starts_with("<MetaData>") {
        return None;
    }
    let document = roxmltree::Document::parse(text.trim()).ok()?;
    let properties: Vec<(String, String)> = document
        .descendants()
        .filter(|n| n.has_tag_name("prop") || n.has_tag_name("custom-prop"))
        .filter_map(|n| Some((n.attribute("id")?.to_owned(), n.attribute("value")?.to_owned())))
        .collect();
    let map: HashMap<&str, &str> =
        properties.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let real = |key| map.get(key)?.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    let calibrated = map.get("spatial-calibration-state").is_none_or(|s| *s == "on");
    let unit = map.get("spatial-calibration-units").and_then(|u| length_um(u));
    let size = |key| {
        let value = real(key).filter(|v| *v > 0.0 && calibrated)?;
        Some(value * unit?)
    };
    Some(MetaSeries {
        pixel_um: [size("spatial-calibration-y"), size("spatial-calibration-x")],
        stage_um: [real("z-position"), real("stage-position-y"), real("stage-position-x")],
        name: map.get("image-name").filter(|n| !n.is_empty()).map(|n| (*n).to_owned()),
        emission_nm: real("wavelength").filter(|v| *v > 0.0),
        properties,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn stage_and_calibration_are_read() {
        let m = parse(
            "<MetaData>\n<PlaneInfo>\n\
             <prop id=\"spatial-calibration-state\" type=\"bool\" value=\"on\"/>\n\
             <prop id=\"spatial-calibration-x\" type=\"float\" value=\"1.3668\"/>\n\
             <prop id=\"spatial-calibration-y\" type=\"float\" value=\"1.25\"/>\n\
             <prop id=\"spatial-calibration-units\" type=\"string\" value=\"um\"/>\n\
             <prop id=\"stage-position-x\" type=\"float\" value=\"-5.5\"/>\n\
             <prop id=\"z-position\" type=\"float\" value=\"9318.32\"/>\n\
             </PlaneInfo>\n</MetaData>",
        )
        .unwrap();
        assert_eq!(m.pixel_um, [Some(1.25), Some(1.3668)]);
        assert_eq!(m.stage_um, [Some(9318.32), None, Some(-5.5)]);
        assert!(parse("<MetaData><prop></MetaData>").is_none());
    }
}
