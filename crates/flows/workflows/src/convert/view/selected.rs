//! Part of an image: spans per axis, with steps.

use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::{Axis, ImageMeta, Pixels, Region};

use super::View;
use super::opened::shift;
use crate::convert::ConvertError;
use crate::options::{Span, read_option};

/// The options of the axes.
const NAMES: [&str; 5] = ["t", "c", "z", "y", "x"];

/// The voxels that spans leave of an image.
pub(super) struct Selected {
    source: Arc<dyn View>,
    /// First index and step per axis; channels may be listed instead.
    first: [u64; 5],
    step: [u64; 5],
    channels: Option<Vec<u64>>,
    meta: ImageMeta,
}

impl Selected {
    /// # Errors
    /// When a span is none, or holds nothing.
    pub fn new(
        source: Arc<dyn View>,
        spans: &[Option<String>; 5],
    ) -> Result<Selected, ConvertError> {
        let meta = source.meta().clone();
        let mut selected = Selected { source, first: [0; 5], step: [1; 5], channels: None, meta };
        let whole = selected.meta.shape;
        for axis in Axis::ALL {
            let d = axis.index();
            let Some(text) = &spans[d] else { continue };
            if axis == Axis::C
                && let Some(list) = named_channels(text, &selected.meta)?
            {
                selected.meta.shape[d] = list.len() as u64;
                selected.channels = Some(list);
                continue;
            }
            let span: Span = read_option(NAMES[d], text)?;
            let (low, high, step) = span.of_length(whole[d]);
            if low >= high {
                return Err(ConvertError::parameters(
                    format!(
                        "--{axis} {text} holds nothing; the image has {} along {axis}",
                        whole[d]
                    ),
                    "the end is not included; negative numbers count from the end",
                ));
            }
            selected.first[d] = low;
            selected.step[d] = step;
            selected.meta.shape[d] = (high - low).div_ceil(step);
        }
        selected.cut();
        Ok(selected)
    }

    /// Steps enlarge voxels, and a crop moves the first one; what is known per frame or channel is chosen.
    fn cut(&mut self) {
        for axis in Axis::SPACE {
            let d = axis.index();
            if let Some(size) = self.meta.voxel_size_um[d - 2].value {
                self.meta.voxel_size_um[d - 2].value = Some(size * self.step[d] as f64);
                shift(&mut self.meta, d - 2, self.first[d] as f64 * size);
            }
        }
        let (first, step) = (self.first[0], self.step[0]);
        self.meta.frame_interval_s = self.meta.frame_interval_s.map(|s| s * step as f64);
        if let Some(times) = &mut self.meta.frame_times_s {
            let kept = times.iter().skip(first as usize).step_by(step as usize);
            *times = kept.take(self.meta.shape[0] as usize).copied().collect();
        }
        let channels = self.channels();
        let known = channels.iter().filter_map(|c| self.meta.channels.get(*c as usize).cloned());
        self.meta.channels = known.collect();
    }

    /// The source channels, in order.
    fn channels(&self) -> Vec<u64> {
        match &self.channels {
            Some(list) => list.clone(),
            None => (0..self.meta.shape[1]).map(|i| self.first[1] + i * self.step[1]).collect(),
        }
    }

    fn is_dense(&self) -> bool {
        self.channels.is_none() && self.step == [1; 5]
    }

    /// Copies every step-th voxel of a dense plane.
    fn take(&self, plane: &Pixels, to: [u64; 5], shape: [u64; 5], out: &mut Pixels) {
        for y in 0..shape[3] {
            let row = [to[0], to[1], to[2], y, 0];
            if self.step[4] == 1 {
                let from = Region::new([0, 0, 0, y * self.step[3], 0], [1, 1, 1, 1, shape[4]]);
                out.copy_box(row, plane, &from);
                continue;
            }
            for x in 0..shape[4] {
                let from = Region::new([0, 0, 0, y * self.step[3], x * self.step[4]], [1; 5]);
                out.copy_box([row[0], row[1], row[2], y, x], plane, &from);
            }
        }
    }
}

impl View for Selected {
    fn meta(&self) -> &ImageMeta {
        &self.meta
    }

    fn read(&self, region: &Region, out: &mut Pixels) -> Result<u64, SourceError> {
        if self.is_dense() {
            let start = std::array::from_fn(|d| self.first[d] + region.start[d]);
            return self.source.read(&Region::new(start, region.shape), out);
        }
        out.reset(self.meta.dtype, region.shape);
        let channels = self.channels();
        let mut plane = Pixels::zeros(self.meta.dtype, [0; 5]);
        let mut clipped = 0;
        let dense = |d: usize| (region.shape[d] - 1) * self.step[d] + 1;
        let at = |d: usize, i: u64| self.first[d] + (region.start[d] + i) * self.step[d];
        for t in 0..region.shape[0] {
            for c in 0..region.shape[1] {
                for z in 0..region.shape[2] {
                    let channel = channels[(region.start[1] + c) as usize];
                    let start = [at(0, t), channel, at(2, z), at(3, 0), at(4, 0)];
                    let whole = Region::new(start, [1, 1, 1, dense(3), dense(4)]);
                    clipped += self.source.read(&whole, &mut plane)?;
                    self.take(&plane, [t, c, z, 0, 0], region.shape, out);
                }
            }
        }
        Ok(clipped)
    }

    fn reads_once(&self) -> bool {
        self.step[3..] == [1; 2] && self.source.reads_once()
    }

    fn scratch_bytes(&self, shape: [u64; 5]) -> u64 {
        if self.is_dense() {
            return self.source.scratch_bytes(shape);
        }
        let dense = |d: usize| shape[d].saturating_mul(self.step[d]);
        let plane = [1, 1, 1, dense(3), dense(4)];
        let bytes = plane.iter().fold(self.meta.dtype.size() as u64, |n, s| n.saturating_mul(*s));
        bytes.saturating_add(self.source.scratch_bytes(plane))
    }
}

/// `DAPI,GFP` or `0,2`: channels by name or number; `None` when the text is a span.
fn named_channels(text: &str, meta: &ImageMeta) -> Result<Option<Vec<u64>>, ConvertError> {
    let named = |t: &str| meta.channels.iter().any(|c| c.name.as_deref() == Some(t));
    if text.contains(':') || (text.trim().starts_with('-') && !named(text)) {
        return Ok(None);
    }
    let names: Vec<&str> = meta.channels.iter().filter_map(|c| c.name.as_deref()).collect();
    let find = |name: &str| {
        let by_name = meta.channels.iter().position(|c| c.name.as_deref() == Some(name));
        let by_number = || name.parse::<usize>().ok().filter(|i| *i < meta.shape[1] as usize);
        by_name.or_else(by_number).map(|i| i as u64).ok_or_else(|| {
            let known = match names.is_empty() {
                true => format!("{} channels without names", meta.shape[1]),
                false => names.join(", "),
            };
            ConvertError::parameters(format!("no channel `{name}`; the image has {known}"), "")
        })
    };
    text.split(',').map(|name| find(name.trim())).collect::<Result<Vec<_>, _>>().map(Some)
}
