//! Micro-Manager's index map: where the page of every channel, slice, frame and position is.

use std::collections::BTreeMap;

use hooke_core::{Channel, Sourced};
use serde_json::Value;

use super::file::TiffFile;
use super::planes::Strides;
use crate::Result;

const INDEX_MAP_POINTER: u64 = 54_773_648;
const INDEX_MAP: u64 = 3_453_623;
const SUMMARY: u64 = 2_355_492;

/// One position (or the only one).
#[derive(Debug)]
pub struct Position {
    /// Lengths over `t, c, z`.
    pub sizes: [u64; 3],
    /// Order of `offsets`.
    pub strides: Strides,
    /// Where each page's directory begins; 0 where it is absent.
    pub offsets: Vec<u64>,
}

/// The index map with what the summary says.
#[derive(Debug)]
pub struct IndexMap {
    /// The positions in order.
    pub positions: Vec<Position>,
    /// Voxel size in µm.
    pub voxel_size_um: [Sourced<f64>; 3],
    /// Seconds between frames.
    pub frame_interval_s: Option<f64>,
    /// Names and colours.
    pub channels: Vec<Channel>,
    /// The summary as it stands.
    pub summary: Value,
}

/// Reads the index map; `None` where the file has none or it is damaged, since pages can then still
/// be found along the chain.
///
/// # Errors
/// When the file cannot be read.
pub fn read(file: &TiffFile) -> Result<Option<IndexMap>> {
    let n = file.numbers();
    let mut head = [0; 40];
    if n.big || file.size() < 40 {
        return Ok(None);
    }
    file.read_at("the Micro-Manager header", 0, &mut head)?;
    let word = |i: usize| n.uint(&head[i..i + 4]);
    if word(8) != INDEX_MAP_POINTER || word(32) != SUMMARY {
        return Ok(None);
    }
    let Some(entries) = read_entries(file, word(12))? else { return Ok(None) };
    let positions = group(&entries);
    let mut text = Vec::new();
    let summary = match file.check_range("the summary", 40, word(36)) {
        Ok(()) => {
            file.read_into("the summary", 40, word(36), &mut text)?;
            serde_json::from_slice(&text).unwrap_or(Value::Null)
        }
        Err(_) => Value::Null,
    };
    let size = |key: &str| match summary[key].as_f64() {
        Some(v) if v > 0.0 && v.is_finite() => Sourced::file(v),
        _ => Sourced::unknown(),
    };
    let (pixel, step) = (size("PixelSize_um"), size("z-step_um"));
    let channels = channels(&summary);
    let interval = summary["Interval_ms"].as_f64().filter(|v| *v > 0.0).map(|v| v / 1e3);
    Ok(positions.map(|positions| IndexMap {
        positions,
        voxel_size_um: [step, pixel, pixel],
        frame_interval_s: interval,
        channels,
        summary,
    }))
}

/// Entries of channel, slice, frame, position, offset.
fn read_entries(file: &TiffFile, at: u64) -> Result<Option<Vec<[u64; 5]>>> {
    let n = file.numbers();
    let mut head = [0; 8];
    if file.check_range("the index map", at, 8).is_err() {
        return Ok(None);
    }
    file.read_at("the index map", at, &mut head)?;
    let size = n.uint(&head[4..]) * 20;
    let damaged = n.uint(&head[..4]) != INDEX_MAP || size == 0;
    if damaged || file.check_range("the index map", at + 8, size).is_err() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_into("the index map", at + 8, size, &mut bytes)?;
    let entries = bytes.chunks_exact(20);
    Ok(Some(entries.map(|e| std::array::from_fn(|i| n.uint(&e[4 * i..4 * i + 4]))).collect()))
}

/// Sorts entries into positions; `None` where the indices claim far more planes than there are.
fn group(entries: &[[u64; 5]]) -> Option<Vec<Position>> {
    let mut by_position: BTreeMap<u64, Vec<&[u64; 5]>> = BTreeMap::new();
    for entry in entries {
        by_position.entry(entry[3]).or_default().push(entry);
    }
    let place = |entries: Vec<&[u64; 5]>| {
        let longest = |i: usize| entries.iter().map(|e| e[i] + 1).max().unwrap_or(1);
        let sizes = [longest(2), longest(0), longest(1)];
        let total = sizes.iter().try_fold(1u64, |n, s| n.checked_mul(*s))?;
        if total > 64 * entries.len() as u64 {
            return None;
        }
        let strides = Strides::of_order([0, 1, 2], sizes);
        let mut offsets = vec![0; total as usize];
        for e in entries {
            offsets[strides.number([e[2], e[0], e[1]]) as usize] = e[4];
        }
        Some(Position { sizes, strides, offsets })
    };
    by_position.into_values().map(place).collect()
}

fn channels(summary: &Value) -> Vec<Channel> {
    let names = summary["ChNames"].as_array().cloned().unwrap_or_default();
    let colors = summary["ChColors"].as_array().cloned().unwrap_or_default();
    let color = |i: usize| {
        let rgb = colors.get(i)?.as_i64()? as u32 & 0x00FF_FFFF;
        Some(format!("#{rgb:06X}"))
    };
    let channel = |(i, name): (usize, &Value)| Channel {
        name: name.as_str().map(str::to_owned),
        color: color(i),
        ..Channel::default()
    };
    names.iter().enumerate().map(channel).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn entries_are_placed_by_their_indices() {
        // channel, slice, frame, position, offset
        let entries = [[0, 0, 0, 0, 100], [1, 0, 0, 0, 200], [1, 1, 0, 0, 300], [0, 0, 0, 1, 400]];
        let positions = group(&entries).unwrap();
        assert_eq!(positions.len(), 2);
        assert_eq!(positions[0].sizes, [1, 2, 2]);
        assert_eq!(positions[0].offsets, [100, 0, 200, 300]);
        assert!(group(&[[0, u64::from(u32::MAX), 0, 0, 1]]).is_none());
    }
}
