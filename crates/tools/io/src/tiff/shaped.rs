//! The JSON that tifffile and Hooke write into the description: shape, axes, and Hooke's sizes.

use hooke_core::{Axis, Channel};
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::planes::Strides;

/// A description `{"shape": ...}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shaped {
    /// Lengths of all dimensions, slowest first, rows, columns and samples included.
    pub shape: Vec<u64>,
    /// One letter per dimension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axes: Option<String>,
    /// Only the first page has a directory; the others follow its pixels.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// What the tags of TIFF cannot hold; written by Hooke.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hooke: Option<Sizes>,
}

/// What the tags of TIFF cannot hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sizes {
    /// Voxel size over `z, y, x`.
    pub voxel_size_um: [Option<f64>; 3],
    /// Position of voxel (0, 0, 0) over `z, y, x`.
    pub origin_um: [Option<f64>; 3],
    /// Seconds between frames.
    pub frame_interval_s: Option<f64>,
    /// Names and colours.
    pub channels: Vec<Channel>,
    /// Bits that carry signal, where fewer than stored.
    pub significant_bits: Option<u32>,
    /// Samples are identities.
    pub labels: bool,
}

/// The stack that a shape makes of pages.
#[derive(Debug, Clone, Copy)]
pub struct Stack {
    /// Lengths over `t, c, z`; c counts pages.
    pub sizes: [u64; 3],
    /// Order of the pages.
    pub strides: Strides,
    /// Number of pages.
    pub pages: u64,
    /// All axes longer than 1 were named.
    pub named: bool,
}

/// Reads a description; `None` where it is not such JSON.
pub fn parse(text: &str) -> Option<Shaped> {
    let text = text.trim();
    if !(text.starts_with('{') && text.contains("\"shape\"")) {
        return None;
    }
    serde_json::from_str(text).ok()
}

impl Shaped {
    /// How the pages are stacked; `None` where the shape does not end in a page's own dimensions or
    /// names axes that are not ours.
    pub fn stack(&self, page: &Layout) -> Option<Stack> {
        let own: Vec<u64> = match (page.samples, page.planar) {
            (1, _) => vec![page.height, page.width],
            (n, true) => vec![n, page.height, page.width],
            (n, false) => vec![page.height, page.width, n],
        };
        let mut shape = self.shape.as_slice();
        let mut letters: Vec<char> = self.axes.as_deref().unwrap_or("").chars().collect();
        if page.samples == 1 && shape.last() == Some(&1) && page.width != 1 {
            // A trailing sample axis of length 1.
            shape = &shape[..shape.len() - 1];
            letters.truncate(shape.len());
        }
        let leading = shape.strip_suffix(own.as_slice())?;
        letters.truncate(leading.len());
        let pages = leading.iter().try_fold(1u64, |n, s| n.checked_mul(*s)).filter(|n| *n > 0)?;
        let axes: Vec<Option<Axis>> = if letters.len() == leading.len() && !letters.is_empty() {
            letters.iter().map(|l| stack_axis(*l)).collect()
        } else {
            assumed(leading.len(), page.samples > 1)?.iter().map(|a| Some(*a)).collect()
        };
        let (mut sizes, mut strides) = ([1; 3], [0; 3]);
        let mut step = 1;
        for (axis, length) in axes.iter().zip(leading).rev() {
            if *length > 1 {
                let d = (*axis)?.index();
                if sizes[d] > 1 {
                    return None;
                }
                (sizes[d], strides[d]) = (*length, step);
            }
            step *= length;
        }
        let named = !letters.is_empty() || pages == 1;
        Some(Stack { sizes, strides: Strides(strides), pages, named })
    }
}

/// tifffile's letters of axes that pages are stacked along.
fn stack_axis(letter: char) -> Option<Axis> {
    match letter.to_ascii_uppercase() {
        'T' => Some(Axis::T),
        'C' | 'S' => Some(Axis::C),
        'Z' => Some(Axis::Z),
        _ => None,
    }
}

/// The rule of `Axes::assumed`, without the axis that samples already are.
fn assumed(leading: usize, has_samples: bool) -> Option<&'static [Axis]> {
    Some(match (leading, has_samples) {
        (0, _) => &[],
        (1, _) => &[Axis::Z],
        (2, false) => &[Axis::C, Axis::Z],
        (2, true) => &[Axis::T, Axis::Z],
        (3, _) => &[Axis::T, Axis::C, Axis::Z],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tiff::ifd::Numbers;
    use crate::tiff::layout::{Codec, Predictor, Stored};

    fn page(samples: u64, planar: bool) -> Layout {
        Layout {
            width: 7,
            height: 5,
            samples,
            planar,
            chunk: [5, 7],
            tiled: false,
            dtype: hooke_core::Dtype::Uint8,
            stored: Stored::Native,
            codec: Codec::None,
            predictor: Predictor::None,
            photometric: 1,
            reversed_bits: false,
            numbers: Numbers { big: false, big_endian: false },
        }
    }

    #[test]
    fn named_axes_are_sorted_by_their_strides() {
        let s = parse(r#"{"shape": [3, 4, 2, 5, 7], "axes": "TZCYX"}"#).unwrap();
        let stack = s.stack(&page(1, false)).unwrap();
        assert_eq!((stack.sizes, stack.strides.0, stack.pages), ([3, 2, 4], [8, 1, 2], 24));
        assert!(stack.named);
    }

    #[test]
    fn axes_without_names_follow_the_rule() {
        let stack = |text: &str, samples, planar| {
            let stack = parse(text).unwrap().stack(&page(samples, planar))?;
            Some((stack.sizes, stack.named))
        };
        assert_eq!(stack(r#"{"shape": [9, 5, 7]}"#, 1, false), Some(([1, 1, 9], false)));
        assert_eq!(stack(r#"{"shape": [2, 9, 5, 7]}"#, 1, false), Some(([1, 2, 9], false)));
        assert_eq!(stack(r#"{"shape": [9, 5, 7, 3]}"#, 3, false), Some(([1, 1, 9], false)));
        assert_eq!(stack(r#"{"shape": [3, 5, 7]}"#, 3, true), Some(([1, 1, 1], true)));
        assert_eq!(stack(r#"{"shape": [9, 6, 7]}"#, 1, false), None);
        assert_eq!(stack(r#"{"shape": [0, 5, 7]}"#, 1, false), None);
    }
}
