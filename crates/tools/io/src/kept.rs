//! What a container's own metadata cannot say of an image, in attributes of ours.

use hooke_core::{ImageMeta, Sourced};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Attributes of an image beside those of its format; an item that the format holds is left out.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kept {
    /// Voxel size in µm over `z, y, x`.
    #[serde(skip_serializing_if = "nothing_known")]
    pub voxel_size_um: [Option<f64>; 3],
    /// Centre of voxel (0, 0, 0) in µm over `z, y, x`.
    #[serde(skip_serializing_if = "nothing_known")]
    pub origin_um: [Option<f64>; 3],
    /// Time of each frame in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_times_s: Option<Vec<f64>>,
    /// Bits that carry signal, where they are fewer than the type's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub significant_bits: Option<u32>,
    /// Whether samples are identities.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub labels: bool,
}

fn nothing_known(values: &[Option<f64>; 3]) -> bool {
    values.iter().all(Option::is_none)
}

impl Kept {
    /// Times and bits, which hardly a format holds.
    pub fn times_and_bits(meta: &ImageMeta) -> Kept {
        let whole = 8 * meta.dtype.size() as u32;
        Kept {
            frame_times_s: meta.frame_times_s.clone(),
            significant_bits: (meta.significant_bits < whole).then_some(meta.significant_bits),
            ..Kept::default()
        }
    }

    /// The attributes; empty when there is nothing to keep.
    pub fn attributes(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        }
    }

    /// Takes what makes sense for this image from attributes of ours; the rest is left alone.
    pub fn apply(attributes: &Map<String, Value>, meta: &mut ImageMeta) {
        let item = |name: &str| attributes.get(name).cloned().unwrap_or_default();
        let numbers =
            |name: &str| serde_json::from_value::<[Option<f64>; 3]>(item(name)).unwrap_or_default();
        for (d, size) in numbers("voxel_size_um").into_iter().enumerate() {
            if let Some(size) = size.filter(|s| s.is_finite() && *s > 0.0) {
                meta.voxel_size_um[d] = Sourced::file(size);
            }
        }
        for (d, place) in numbers("origin_um").into_iter().enumerate() {
            if let Some(place) = place.filter(|p| p.is_finite()) {
                meta.origin_um[d] = Sourced::file(place);
            }
        }
        let times: Option<Vec<f64>> = serde_json::from_value(item("frame_times_s")).ok();
        if let Some(times) = times.filter(|t| t.len() as u64 == meta.shape[0]) {
            meta.frame_times_s = Some(times);
        }
        let bits = item("significant_bits").as_u64().and_then(|b| u32::try_from(b).ok());
        if let Some(bits) = bits.filter(|b| (1..=8 * meta.dtype.size() as u32).contains(b)) {
            meta.significant_bits = bits;
        }
        meta.labels |= item("labels") == Value::Bool(true);
    }
}

#[cfg(test)]
mod tests {
    use hooke_core::{Axes, Dtype};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_nonsense_does_not() {
        let mut meta = ImageMeta::new("a", Axes::TCZYX, [2, 1, 1, 4, 4], Dtype::Uint16);
        assert!(Kept::times_and_bits(&meta).attributes().is_empty());
        (meta.significant_bits, meta.frame_times_s) = (12, Some(vec![0.0, 0.5]));
        let kept = Kept {
            voxel_size_um: [None, Some(0.2), None],
            labels: true,
            ..Kept::times_and_bits(&meta)
        };
        let mut read = ImageMeta::new("a", meta.axes, meta.shape, meta.dtype);
        Kept::apply(&kept.attributes(), &mut read);
        assert_eq!((read.significant_bits, &read.frame_times_s), (12, &meta.frame_times_s));
        assert_eq!(read.voxel_size_um.map(|s| s.value), [None, Some(0.2), None]);
        assert!(read.labels);
        let plain = ImageMeta::new("a", meta.axes, meta.shape, meta.dtype);
        let mut read = plain.clone();
        let wrong = json!({"voxel_size_um": [0, -1, "x"], "origin_um": 3, "significant_bits": 17,
            "frame_times_s": [1.0], "labels": "yes"});
        Kept::apply(wrong.as_object().unwrap_or(&Map::new()), &mut read);
        assert_eq!(read, plain);
    }
}
