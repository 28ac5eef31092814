//! Sizes, extent, channels and times, from attributes.

use std::collections::HashMap;

use hooke_core::Channel;
use serde_json::{Map, Value};

use crate::hdf5::{Attribute, Handles};
use crate::units;

/// What a file says of its image.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Metadata {
    /// Voxels of level 0 over `z, y, x`.
    pub size: [Option<u64>; 3],
    /// Borders of the volume over `z, y, x`, in `unit`.
    pub extent: [Option<[f64; 2]>; 3],
    pub unit: Option<String>,
    pub channels: Vec<Channel>,
    /// Of each frame, in seconds since the first.
    pub times_s: Vec<f64>,
    /// All of it as it is written.
    pub vendor: Map<String, Value>,
}

impl Metadata {
    /// Reads the groups of `DataSetInfo`.
    pub fn read(handles: &Handles, channels: u64, frames: u64) -> Metadata {
        let names = handles
            .run("DataSetInfo", |file| file.root_group().group("DataSetInfo")?.group_names());
        let mut groups: HashMap<String, HashMap<String, String>> = HashMap::new();
        let mut vendor = Map::new();
        for name in names.unwrap_or_default() {
            let texts = Attribute::texts_of_group(handles, &format!("DataSetInfo/{name}"));
            let json: Map<String, Value> =
                texts.iter().map(|(name, text)| (name.clone(), text.as_str().into())).collect();
            vendor.insert(name.clone(), json.into());
            groups.insert(name, texts.into_iter().collect());
        }
        let empty = HashMap::new();
        let group = |name: &str| groups.get(name).unwrap_or(&empty);
        let image = group("Image");
        let number = |name: String| image.get(&name)?.trim().parse::<f64>().ok();
        let border = |d: usize| {
            let of = |side: &str| number(format!("Ext{side}{}", 2 - d)).filter(|v| v.is_finite());
            Some([of("Min")?, of("Max")?])
        };
        Metadata {
            size: ["Z", "Y", "X"].map(|name| image.get(name)?.trim().parse().ok()),
            extent: std::array::from_fn(border),
            unit: image.get("Unit").map(|u| u.trim().to_owned()),
            channels: (0..channels).map(|c| channel(group(&format!("Channel {c}")))).collect(),
            times_s: times(group("TimeInfo"), frames),
            vendor,
        }
    }

    /// Micrometres in the unit of the extent.
    pub fn micrometres(&self) -> Option<f64> {
        units::micrometres(self.unit.as_deref()?)
    }
}

fn channel(texts: &HashMap<String, String>) -> Channel {
    let text = |name: &str| texts.get(name).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let nm = |name: &str| text(name)?.parse::<f64>().ok().filter(|v| *v > 0.0 && v.is_finite());
    Channel {
        // What Imaris writes where nobody named it.
        name: text("Name").filter(|n| n != "(name not specified)"),
        color: text("Color").and_then(|c| hex(&c)),
        excitation_nm: nm("LSMExcitationWavelength"),
        emission_nm: nm("LSMEmissionWavelength"),
    }
}

/// `1.000 0.500 0.000` as `#FF8000`.
fn hex(color: &str) -> Option<String> {
    let parts: Option<Vec<f64>> = color.split_whitespace().map(|p| p.parse().ok()).collect();
    let parts = parts.filter(|p| p.len() == 3 && p.iter().all(|v| (0.0..=1.0).contains(v)))?;
    Some(
        parts
            .iter()
            .fold("#".to_owned(), |hex, v| hex + &format!("{:02X}", (v * 255.0).round() as u8)),
    )
}

/// Seconds from the first time point to each, where all are noted and rise.
fn times(texts: &HashMap<String, String>, frames: u64) -> Vec<f64> {
    let noted = (texts.len() as u64 >= frames).then(|| {
        (1..=frames).map(|t| milliseconds(texts.get(&format!("TimePoint{t}"))?)).collect()
    });
    let noted: Vec<i64> = noted.flatten().unwrap_or_default();
    if noted.windows(2).any(|w| w[0] >= w[1]) {
        return Vec::new();
    }
    let first = noted.first().copied().unwrap_or(0);
    noted.into_iter().map(|ms| (ms - first) as f64 / 1000.0).collect()
}

/// Milliseconds since the year 0 of `2012-07-19 14:42:40.123`.
fn milliseconds(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once([' ', 'T'])?;
    let whole = |parts: Vec<&str>| -> Option<[i64; 3]> {
        let numbers: Option<Vec<i64>> = parts.into_iter().map(|p| p.parse().ok()).collect();
        numbers?.try_into().ok()
    };
    let [year, month, day] = whole(date.split('-').collect())?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = whole(time.split(':').collect())?;
    let legal = (0..10_000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && [hour, minute, second].iter().all(|v| (0..=60).contains(v))
        && fraction.bytes().all(|b| b.is_ascii_digit());
    let fraction: f64 = format!("0.{fraction}").parse().ok().filter(|_| legal)?;
    // The year begins in March, so that leap days come last.
    let (y, m) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let days =
        365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day;
    Some(
        (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000
            + (fraction * 1000.0).round() as i64,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn dates_differ_by_the_time_between_them() {
        let seconds = |a: &str, b: &str| {
            (milliseconds(b).unwrap() - milliseconds(a).unwrap()) as f64 / 1000.0
        };
        assert_eq!(seconds("2012-07-19 14:42:40.123", "2012-07-19 14:42:41.625"), 1.502);
        assert_eq!(seconds("2023-12-31 23:59:59", "2024-01-01 00:00:00.000"), 1.0);
        assert_eq!(seconds("2024-02-28 00:00:00", "2024-03-01 00:00:00"), 2.0 * 86_400.0);
        assert_eq!(seconds("2100-02-28 00:00:00", "2100-03-01 00:00:00"), 86_400.0);
        for text in ["", "yesterday", "2012-13-01 00:00:00", "2012-01-01", "2012-01-01 00:00:0x"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    #[test]
    fn colours_are_three_parts_of_one() {
        assert_eq!(hex("1.000 0.500 0.000").as_deref(), Some("#FF8000"));
        assert_eq!((hex("1 2 3"), hex("1 1"), hex("a b c")), (None, None, None));
    }
}
