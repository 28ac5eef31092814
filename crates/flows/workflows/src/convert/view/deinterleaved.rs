//! Planes of several channels, stored in turn.

use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::{Axes, Axis, Channel, ImageMeta, Pixels, Region};

use super::View;
use crate::convert::ConvertError;

/// Plane `i` of the slowest axis is plane `i / n` of channel `i % n`.
pub(super) struct Deinterleaved {
    source: Arc<dyn View>,
    axis: Axis,
    meta: ImageMeta,
}

impl Deinterleaved {
    /// # Arguments
    /// * `text` — a number of channels, or their names.
    ///
    /// # Errors
    /// When the image has channels already, no axis to divide, or planes are left over.
    pub fn new(
        source: Arc<dyn View>,
        text: &str,
        drop_remainder: bool,
    ) -> Result<Deinterleaved, ConvertError> {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        let (count, names) = match (names.as_slice(), text.trim().parse::<u64>()) {
            (_, Ok(n)) => (n, Vec::new()),
            ([_], Err(_)) => (0, Vec::new()),
            (_, Err(_)) => (names.len() as u64, names),
        };
        if count < 2 {
            return Err(ConvertError::parameters(
                format!("--deinterleave `{text}` names fewer than two channels"),
                "write their number, like 2, or their names, like GCaMP,red",
            ));
        }
        let mut meta = source.meta().clone();
        if meta.shape[1] > 1 {
            return Err(ConvertError::parameters(
                format!("--deinterleave: the image has {} channels already", meta.shape[1]),
                "say with --axes what its dimensions are, if these are none",
            ));
        }
        let axis = if meta.axes.has(Axis::T) && meta.shape[0] > 1 { Axis::T } else { Axis::Z };
        let d = axis.index();
        let left = meta.shape[d] % count;
        if meta.shape[d] < count || (left != 0 && !drop_remainder) {
            return Err(ConvertError::parameters(
                format!(
                    "--deinterleave: {} planes along {axis} are no multiple of {count} channels",
                    meta.shape[d]
                ),
                "give --drop-remainder to leave the last ones out, or check the number of channels",
            ));
        }
        meta.shape[d] /= count;
        meta.shape[1] = count;
        let axes: Vec<Axis> =
            Axis::ALL.into_iter().filter(|a| *a == Axis::C || meta.axes.has(*a)).collect();
        meta.axes = Axes::of(&axes);
        let named = |name: &&str| Channel { name: Some((*name).to_owned()), ..Channel::default() };
        meta.channels = names.iter().map(named).collect();
        if axis == Axis::T {
            let every = count as usize;
            meta.frame_interval_s = meta.frame_interval_s.map(|s| s * count as f64);
            let frames = meta.shape[0] as usize;
            let kept = |t: &Vec<f64>| t.iter().step_by(every).take(frames).copied().collect();
            meta.frame_times_s = meta.frame_times_s.as_ref().map(kept);
        }
        meta.missing.clear();
        Ok(Deinterleaved { source, axis, meta })
    }
}

impl View for Deinterleaved {
    fn meta(&self) -> &ImageMeta {
        &self.meta
    }

    fn read(&self, region: &Region, out: &mut Pixels) -> Result<u64, SourceError> {
        let d = self.axis.index();
        let channels = self.meta.shape[1];
        out.reset(self.meta.dtype, region.shape);
        let mut plane = Pixels::zeros(self.meta.dtype, [0; 5]);
        let mut clipped = 0;
        for c in 0..region.shape[1] {
            for i in 0..region.shape[d] {
                let mut from = *region;
                from.start[d] = (region.start[d] + i) * channels + region.start[1] + c;
                from.start[1] = 0;
                (from.shape[d], from.shape[1]) = (1, 1);
                clipped += self.source.read(&from, &mut plane)?;
                let mut to = [0; 5];
                (to[1], to[d]) = (c, i);
                out.copy_box(to, &plane, &Region::whole(from.shape));
            }
        }
        Ok(clipped)
    }

    fn reads_once(&self) -> bool {
        self.source.reads_once()
    }

    fn scratch_bytes(&self, mut shape: [u64; 5]) -> u64 {
        (shape[1], shape[self.axis.index()]) = (1, 1);
        let plane = shape.iter().product::<u64>() * self.meta.dtype.size() as u64;
        plane + self.source.scratch_bytes(shape)
    }
}
