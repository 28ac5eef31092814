//! One image as `hooke info --json` prints it, and as it stands beside a `.npy`.

use hooke_core::meta::{PlaneIndex, View};
use hooke_core::{Axes, Axis, Channel, Dtype, ImageMeta, Level, Origin, Sourced};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One value per space axis.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Zyx<T> {
    pub z: T,
    pub y: T,
    pub x: T,
}

impl<T: Copy> Zyx<T> {
    /// From the order `z, y, x`.
    pub fn from_array([z, y, x]: [T; 3]) -> Zyx<T> {
        Zyx { z, y, x }
    }

    /// In the order `z, y, x`.
    pub fn to_array(self) -> [T; 3] {
        [self.z, self.y, self.x]
    }
}

/// One entry of `images` of `hooke info --json`; every key is always present, unknown is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ImageEntry {
    pub index: usize,
    pub name: String,
    pub dataset: Option<String>,
    pub axes: Axes,
    pub axes_from: Origin,
    pub shape: Vec<u64>,
    pub dtype: Dtype,
    pub stored_dtype: String,
    pub significant_bits: u32,
    pub labels: bool,
    pub voxel_size_um: Zyx<Option<f64>>,
    pub voxel_size_from: Zyx<Origin>,
    pub origin_um: Zyx<Option<f64>>,
    pub origin_from: Origin,
    pub affine: Option<[f64; 12]>,
    pub frame_interval_s: Option<f64>,
    pub frame_times_s: Option<Vec<f64>>,
    pub channels: Vec<Channel>,
    pub view: Option<View>,
    pub missing: Vec<PlaneIndex>,
    pub levels: Vec<LevelEntry>,
    /// `{n, nan, min, max, mean, std, sum}` of level 0, where it was asked for.
    pub stats: Option<Value>,
    /// SHA-256 of level 0, where it was asked for.
    pub sha256: Option<String>,
    /// The vendor's metadata, where it was asked for.
    pub metadata: Option<Value>,
}

/// One level of an [`ImageEntry`]; lengths over the image's axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LevelEntry {
    pub level: usize,
    pub shape: Vec<u64>,
    pub factors: Zyx<f64>,
    pub chunk: Vec<u64>,
    pub shard: Option<Vec<u64>>,
    pub codec: String,
}

impl ImageEntry {
    /// Describes an image; `stats`, `sha256` and `metadata` are left null.
    pub fn new(index: usize, meta: &ImageMeta, levels: &[Level]) -> ImageEntry {
        let axes = meta.axes;
        let entry = |(level, l): (usize, &Level)| LevelEntry {
            level,
            shape: axes.pick(&l.shape),
            factors: Zyx::from_array(l.factors),
            chunk: axes.pick(&l.chunk),
            shard: l.shard.as_ref().map(|s| axes.pick(s)),
            codec: l.codec.clone(),
        };
        ImageEntry {
            index,
            name: meta.name.clone(),
            dataset: meta.dataset.clone(),
            axes,
            axes_from: meta.axes_from,
            shape: axes.pick(&meta.shape),
            dtype: meta.dtype,
            stored_dtype: meta.stored_dtype.clone(),
            significant_bits: meta.significant_bits,
            labels: meta.labels,
            voxel_size_um: Zyx::from_array(meta.voxel_size_um.map(|s| s.value)),
            voxel_size_from: Zyx::from_array(meta.voxel_size_um.map(|s| s.from)),
            origin_um: Zyx::from_array(meta.origin_um.map(|s| s.value)),
            origin_from: weakest(&meta.origin_um),
            affine: meta.affine,
            frame_interval_s: meta.frame_interval_s,
            frame_times_s: meta.frame_times_s.clone(),
            channels: meta.channels.clone(),
            view: meta.view,
            missing: meta.missing.clone(),
            levels: levels.iter().enumerate().map(entry).collect(),
            stats: None,
            sha256: None,
            metadata: None,
        }
    }

    /// Whether the entry can describe an array of this type and these lengths, all stored.
    pub fn agrees(&self, dtype: Dtype, shape: &[u64]) -> bool {
        self.dtype == dtype && self.shape == shape && self.axes.len() == shape.len()
    }

    /// Copies what the entry knows of names, sizes, places, times and channels.
    ///
    /// Axes, shape and types stay as they are.
    pub fn describe(&self, meta: &mut ImageMeta) {
        let read = |value: Option<f64>| match value {
            Some(v) if v.is_finite() => Sourced::file(v),
            _ => Sourced::unknown(),
        };
        meta.name.clone_from(&self.name);
        meta.labels = self.labels;
        meta.significant_bits = self.significant_bits.min(8 * meta.dtype.size() as u32);
        meta.voxel_size_um = self.voxel_size_um.to_array().map(|v| read(v.filter(|v| *v > 0.0)));
        meta.origin_um = self.origin_um.to_array().map(read);
        meta.affine = self.affine;
        meta.frame_interval_s = self.frame_interval_s.filter(|s| s.is_finite());
        meta.frame_times_s = self
            .frame_times_s
            .clone()
            .filter(|times| times.len() as u64 == meta.shape[Axis::T.index()]);
        let channels = meta.shape[Axis::C.index()];
        if self.channels.len() as u64 == channels {
            meta.channels.clone_from(&self.channels);
        }
        meta.view = self.view;
    }
}

/// Where the least certain of the values came from.
fn weakest(values: &[Sourced<f64>; 3]) -> Origin {
    let rank = |from: Origin| match from {
        Origin::File => 0,
        Origin::User => 1,
        Origin::Assumed => 2,
        Origin::Unknown => 3,
    };
    values.iter().map(|v| v.from).max_by_key(|from| rank(*from)).unwrap_or(Origin::Unknown)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_entry_survives_json_and_gives_its_knowledge_back() {
        let mut meta = ImageMeta::new("a", Axes::ZYX, [1, 1, 2, 3, 4], Dtype::Uint16);
        meta.voxel_size_um = [Sourced::unknown(), Sourced::user(0.1), Sourced::file(0.3)];
        meta.origin_um = [Sourced::file(-1.5); 3];
        meta.channels = vec![Channel { name: Some("GFP".to_owned()), ..Channel::default() }];
        let entry = ImageEntry::new(0, &meta, &[]);
        let text = serde_json::to_string(&entry).unwrap();
        assert!(text.contains(r#""voxel_size_um":{"z":null,"y":0.1,"x":0.3}"#), "{text}");
        let back: ImageEntry = serde_json::from_str(&text).unwrap();
        assert_eq!(back, entry);
        let mut bare = ImageMeta::new("b", Axes::ZYX, meta.shape, Dtype::Uint16);
        back.describe(&mut bare);
        assert_eq!(bare.voxel_size_um[0], Sourced::unknown());
        assert_eq!(bare.voxel_size_um[1], Sourced::file(0.1));
        assert_eq!(bare.channels, meta.channels);
        assert!(back.agrees(Dtype::Uint16, &[2, 3, 4]) && !back.agrees(Dtype::Uint16, &[2, 4, 3]));
    }
}
