//! ImageJ hyperstacks: the description's lines, and the block of labels and lookup tables.

use std::collections::HashMap;

use hooke_core::Channel;

use super::file::TiffFile;
use super::ifd::{Ifd, Numbers};
use super::tag;
use super::units::{length_um, time_s};
use crate::Result;

/// What an ImageJ description says.
#[derive(Debug, Default, PartialEq)]
pub struct Description {
    /// The version of ImageJ that wrote it.
    pub version: String,
    /// Number of planes.
    pub images: u64,
    /// Lengths over `t, c, z`.
    pub sizes: [u64; 3],
    /// The lengths do not multiply to the number of planes; z was taken for all.
    pub inconsistent: bool,
    /// Micrometres per unit over `z, y, x`; `None` where the unit is no length.
    pub unit_um: [Option<f64>; 3],
    /// A unit was named that is not known.
    pub unknown_unit: Option<String>,
    /// Distance of planes in units.
    pub spacing: Option<f64>,
    /// Pixel that lies at position 0, over `z, y, x`.
    pub origin_px: [Option<f64>; 3],
    /// Seconds between frames.
    pub frame_interval_s: Option<f64>,
}

/// Reads a description that begins with `ImageJ=`; `None` for any other.
pub fn parse(text: &str) -> Option<Description> {
    let version = text.strip_prefix("ImageJ=")?.lines().next()?.trim().to_owned();
    let lines: HashMap<&str, &str> =
        text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.trim(), v.trim())).collect();
    let count = |key| lines.get(key).and_then(|v| v.parse::<u64>().ok()).filter(|n| *n > 0);
    let real = |key| lines.get(key).and_then(|v| v.parse::<f64>().ok()).filter(|v| v.is_finite());
    let images = count("images").unwrap_or(1);
    let (frames, channels, slices) = (count("frames"), count("channels"), count("slices"));
    let named = frames.is_some() || channels.is_some() || slices.is_some();
    let mut sizes = [frames, channels, slices].map(|n| n.unwrap_or(1));
    if !named {
        sizes[2] = images;
    }
    let product = sizes.iter().try_fold(1u64, |n, s| n.checked_mul(*s));
    let inconsistent = product != Some(images);
    if inconsistent {
        sizes = [1, 1, images];
    }
    let unit = lines.get("unit").copied();
    let of_axis = |key| lines.get(key).copied().or(unit).and_then(length_um);
    let not_a_length = |u: &&str| length_um(u).is_none() && !matches!(*u, "pixel" | "pixels" | "");
    let tick = lines.get("tunit").map_or(Some(1.0), |u| time_s(u));
    Some(Description {
        version,
        images,
        sizes,
        inconsistent,
        unit_um: [of_axis("zunit"), of_axis("yunit"), of_axis("xunit")],
        unknown_unit: unit.filter(not_a_length).map(str::to_owned),
        spacing: real("spacing").map(f64::abs).filter(|v| *v > 0.0),
        origin_px: ["zorigin", "yorigin", "xorigin"].map(real),
        frame_interval_s: real("finterval").filter(|v| *v > 0.0).and_then(|v| Some(v * tick?)),
    })
}

/// The labels and colours in ImageJ's own tag.
#[derive(Debug, Default)]
pub struct Extra {
    /// One label per plane, in stored order; may be fewer.
    pub labels: Vec<String>,
    /// The brightest colour of each channel's lookup table, `#RRGGBB`.
    pub colors: Vec<String>,
    /// Free text.
    pub info: Option<String>,
}

/// Reads ImageJ's own tag; empty where it is absent or not understood.
///
/// # Errors
/// When the tag lies outside the file.
pub fn read_extra(file: &TiffFile, ifd: &Ifd) -> Result<Extra> {
    let counts = ifd.entry(tag::IMAGEJ_METADATA_COUNTS);
    let (Some(counts), Some(bytes)) = (counts, file.raw(ifd, tag::IMAGEJ_METADATA)?) else {
        return Ok(Extra::default());
    };
    let counts = file.uints(counts, 0, counts.count)?;
    Ok(parse_extra(file.numbers(), &counts, &bytes).unwrap_or_default())
}

fn parse_extra(numbers: Numbers, counts: &[u64], bytes: &[u8]) -> Option<Extra> {
    let (head, mut sizes) = (usize::try_from(*counts.first()?).ok()?, counts[1..].iter());
    let (head, mut rest) = bytes.split_at_checked(head)?;
    let words: Vec<u64> = head.chunks_exact(4).map(|w| numbers.uint(w)).collect();
    let name = |word: u64| (word as u32).to_be_bytes();
    if words.first().map(|w| name(*w)) != Some(*b"IJIJ") {
        return None;
    }
    let mut extra = Extra::default();
    for kind in words[1..].chunks_exact(2) {
        for _ in 0..kind[1] {
            let size = usize::try_from(*sizes.next()?).ok()?;
            let (item, tail) = rest.split_at_checked(size)?;
            rest = tail;
            match &name(kind[0]) {
                b"labl" => extra.labels.push(utf16(numbers, item)),
                b"info" => extra.info = Some(utf16(numbers, item)),
                b"luts" => extra.colors.extend(brightest(item)),
                _ => {}
            }
        }
    }
    Some(extra)
}

fn utf16(numbers: Numbers, bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|b| numbers.uint(b) as u16).collect();
    String::from_utf16_lossy(&units)
}

/// The last colour of a lookup table: 256 reds, 256 greens, 256 blues.
fn brightest(table: &[u8]) -> Option<String> {
    let at = |i: usize| table.get(i);
    Some(format!("#{:02X}{:02X}{:02X}", at(255)?, at(511)?, at(767)?))
}

/// Channels from labels and tables: a name where all planes of a channel carry the same label, and
/// no other channel does; a colour where every channel has a table and they are not all grey.
pub fn channels(extra: &Extra, sizes: [u64; 3]) -> Vec<Channel> {
    let [nt, nc, nz] = sizes;
    let planes = nt.saturating_mul(nc).saturating_mul(nz);
    let mut channels = vec![Channel::default(); usize::try_from(nc.min(65_535)).unwrap_or(0)];
    if extra.labels.len() as u64 == planes {
        let of = |c: usize| extra.labels.iter().skip(c).step_by(nc as usize);
        let first: Vec<&String> = extra.labels.iter().take(nc as usize).collect();
        let steady = (0..first.len()).all(|c| of(c).all(|l| l == first[c] && !l.is_empty()));
        let distinct = (1..first.len()).all(|c| !first[..c].contains(&first[c]));
        if steady && distinct {
            for (channel, label) in channels.iter_mut().zip(first) {
                channel.name = Some(label.clone());
            }
        }
    }
    let grey = extra.colors.iter().all(|c| c == "#FFFFFF");
    if extra.colors.len() == channels.len() && !grey {
        for (channel, color) in channels.iter_mut().zip(&extra.colors) {
            channel.color = Some(color.clone());
        }
    }
    let known = channels.iter().any(|c| c.name.is_some() || c.color.is_some());
    if known { channels } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines_give_sizes_units_and_interval() {
        let d = parse("ImageJ=1.54f\nimages=24\nchannels=2\nslices=4\nframes=3\nhyperstack=true\nunit=\\u00B5m\nspacing=-1.5\nfinterval=250\ntunit=ms\n").unwrap();
        assert_eq!((d.images, d.sizes, d.inconsistent), (24, [3, 2, 4], false));
        assert_eq!((d.unit_um, d.spacing), ([Some(1.0); 3], Some(1.5)));
        assert_eq!(d.frame_interval_s, Some(0.25));
    }

    #[test]
    fn sizes_that_do_not_multiply_give_a_plain_stack() {
        let d = parse("ImageJ=1.54f\nimages=7\nchannels=2\nslices=4\n").unwrap();
        assert_eq!((d.sizes, d.inconsistent), ([1, 1, 7], true));
        assert!(parse("Image=1").is_none());
    }

    #[test]
    fn a_pixel_is_no_unit() {
        let d = parse("ImageJ=1.54f\nunit=pixel\nspacing=2\n").unwrap();
        assert_eq!((d.unit_um, d.unknown_unit), ([None; 3], None));
        let d = parse("ImageJ=1.54f\nunit=furlong\n").unwrap();
        assert_eq!(d.unknown_unit.as_deref(), Some("furlong"));
    }
}
