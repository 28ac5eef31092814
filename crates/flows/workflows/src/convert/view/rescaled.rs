//! An image on a coarser or finer grid over `z, y, x`.

use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::pixels::Typed;
use hooke_core::region::grid;
use hooke_core::{Axis, ImageMeta, Pixels, Region, Sample, dispatch};

use super::View;
use super::opened::enlarge;
use crate::convert::ConvertError;

/// Voxels of this image are means of whole windows of another, or lie between its voxels.
pub(super) struct Rescaled {
    source: Arc<dyn View>,
    axes: [Resampling; 3],
    labels: bool,
    meta: ImageMeta,
}

/// What happens along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Resampling {
    Keep,
    /// The mean of so many voxels, of fewer at the end.
    Window(u64),
    /// Voxel `i` lies at `(i + 1/2) ratio - 1/2`, between two voxels.
    Between {
        ratio: f64,
    },
}

impl Rescaled {
    /// # Arguments
    /// * `text` — one factor for every space axis, or lengths `YxX` or `ZxYxX` in voxels.
    ///
    /// # Errors
    /// When the text is neither, or nothing would be left.
    pub fn new(source: Arc<dyn View>, text: &str, labels: bool) -> Result<Rescaled, ConvertError> {
        let mut meta = source.meta().clone();
        let labels = labels || meta.labels;
        let old = [meta.shape[2], meta.shape[3], meta.shape[4]];
        let (new, axes) = plan(text, old)?;
        for d in 0..3 {
            meta.shape[d + 2] = new[d];
            let ratio = match axes[d] {
                Resampling::Keep => continue,
                Resampling::Window(n) => n as f64,
                Resampling::Between { ratio } => ratio,
            };
            if let Some(size) = meta.voxel_size_um[d].value {
                enlarge(&mut meta, d, size, ratio);
            }
        }
        Ok(Rescaled { source, axes, labels, meta })
    }

    /// First voxel and number of voxels of the source that a span of this image needs.
    fn needs(&self, d: usize, start: u64, len: u64) -> (u64, u64) {
        let whole = self.source.meta().shape[d + 2];
        let (low, high) = match self.axes[d] {
            Resampling::Keep => (start, start + len),
            Resampling::Window(n) => (start * n, ((start + len) * n).min(whole)),
            Resampling::Between { ratio } => {
                let (low, _) = between(start, ratio, whole);
                let (high, _) = between(start + len - 1, ratio, whole);
                (low, (high + 2).min(whole))
            }
        };
        (low, high - low)
    }
}

/// The lengths that are wanted and how each axis gets there.
fn plan(text: &str, old: [u64; 3]) -> Result<([u64; 3], [Resampling; 3]), ConvertError> {
    let bad = || {
        ConvertError::parameters(
            format!("--rescale `{text}`"),
            "write a factor, like 0.5, or lengths in voxels, YxX or ZxYxX, like 512x512",
        )
    };
    let mut new = old;
    let mut axes = [Resampling::Keep; 3];
    if let Ok(factor) = text.parse::<f64>() {
        if !(factor.is_finite() && factor > 0.0) {
            return Err(bad());
        }
        for d in 0..3 {
            let (ratio, whole) = (1.0 / factor, (1.0 / factor).round());
            if old[d] == 1 || factor == 1.0 {
                continue;
            }
            if whole >= 2.0 && (ratio - whole).abs() <= 1e-9 * whole {
                new[d] = old[d].div_ceil(whole as u64);
                axes[d] = Resampling::Window(whole as u64);
            } else {
                new[d] = ((old[d] as f64 * factor).round_ties_even() as u64).max(1);
                axes[d] = Resampling::Between { ratio };
            }
        }
        return Ok((new, axes));
    }
    let lengths: Vec<u64> = text
        .split('x')
        .map(|n| n.trim().parse().ok().filter(|n| *n > 0))
        .collect::<Option<_>>()
        .ok_or_else(bad)?;
    match *lengths.as_slice() {
        [y, x] => new = [old[0], y, x],
        [z, y, x] => new = [z, y, x],
        _ => return Err(bad()),
    }
    for d in 0..3 {
        axes[d] = match (old[d], new[d]) {
            (old, new) if old == new => Resampling::Keep,
            (old, new) if old % new == 0 => Resampling::Window(old / new),
            (old, new) => Resampling::Between { ratio: old as f64 / new as f64 },
        };
    }
    Ok((new, axes))
}

/// The voxel below the place of voxel `i`, and how far above it the place lies, 0 to 1.
fn between(i: u64, ratio: f64, whole: u64) -> (u64, f64) {
    let place = ((i as f64 + 0.5) * ratio - 0.5).clamp(0.0, (whole - 1) as f64);
    let low = place.floor();
    (low as u64, place - low)
}

impl View for Rescaled {
    fn meta(&self) -> &ImageMeta {
        &self.meta
    }

    fn read(&self, region: &Region, out: &mut Pixels) -> Result<u64, SourceError> {
        if self.axes == [Resampling::Keep; 3] {
            return self.source.read(region, out);
        }
        let step = self.piece(region.shape);
        if step == region.shape {
            return self.read_piece(region, out);
        }
        out.reset(self.meta.dtype, region.shape);
        let (mut piece, mut clipped) = (Pixels::zeros(self.meta.dtype, [0; 5]), 0);
        for part in grid(region.shape, step) {
            let start = std::array::from_fn(|d| region.start[d] + part.start[d]);
            clipped += self.read_piece(&Region::new(start, part.shape), &mut piece)?;
            out.copy_box(part.start, &piece, &Region::whole(part.shape));
        }
        Ok(clipped)
    }

    fn reads_once(&self) -> bool {
        let whole = |axis: &Resampling| !matches!(axis, Resampling::Between { .. });
        self.axes.iter().all(whole) && self.source.reads_once()
    }

    fn scratch_bytes(&self, shape: [u64; 5]) -> u64 {
        let piece = self.piece(shape);
        self.piece_bytes(piece) + self.source.scratch_bytes(self.source_shape(piece))
    }
}

/// A piece takes about this much memory, or is one plane.
const PIECE_BYTES: u64 = 64 << 20;

impl Rescaled {
    /// Lengths of what is computed at once of a box: fewer planes where their sources are large.
    fn piece(&self, shape: [u64; 5]) -> [u64; 5] {
        let mut piece = shape;
        for d in 0..3 {
            while piece[d] > 1 && self.piece_bytes(piece) > PIECE_BYTES {
                piece[d] = piece[d].div_ceil(2);
            }
        }
        piece
    }

    /// The source and its values as f64, before and after an axis, and the result.
    fn piece_bytes(&self, piece: [u64; 5]) -> u64 {
        let voxels = |shape: [u64; 5]| shape.iter().product::<u64>();
        let (source, result) = (voxels(self.source_shape(piece)), voxels(piece));
        let size = self.meta.dtype.size() as u64;
        (source + result) * size + 16 * source.max(result)
    }

    /// Lengths of the source of a box, at most.
    fn source_shape(&self, mut shape: [u64; 5]) -> [u64; 5] {
        for d in 0..3 {
            if self.axes[d] != Resampling::Keep {
                let needed = self.needs(d, 0, shape[d + 2]).1 + 1;
                shape[d + 2] = needed.min(self.source.meta().shape[d + 2]);
            }
        }
        shape
    }

    fn read_piece(&self, region: &Region, out: &mut Pixels) -> Result<u64, SourceError> {
        let mut from = *region;
        for d in 0..3 {
            (from.start[d + 2], from.shape[d + 2]) =
                self.needs(d, region.start[d + 2], region.shape[d + 2]);
        }
        let mut source = Pixels::zeros(self.meta.dtype, [0; 5]);
        let clipped = self.source.read(&from, &mut source)?;
        out.reset(self.meta.dtype, region.shape);
        dispatch!(self.meta.dtype, T => self.fill::<T>(&source, &from, region, out));
        Ok(clipped)
    }

    fn fill<T: Sample + Typed>(
        &self,
        source: &Pixels,
        from: &Region,
        region: &Region,
        out: &mut Pixels,
    ) {
        let (Some(values), Some(out)) = (source.as_slice::<T>(), out.as_mut_slice::<T>()) else {
            return;
        };
        if self.labels {
            return self.nearest(values, from, region, out);
        }
        let mut values: Vec<f64> = values.iter().map(|v| v.to_f64()).collect();
        let mut shape = from.shape;
        for axis in Axis::SPACE {
            let d = axis.index();
            let span = (from.start[d], region.start[d], region.shape[d]);
            values = self.along(d, &values, &mut shape, span);
        }
        let count = |d: usize, i: u64| self.window_len(d, region.start[d + 2] + i) as f64;
        let mut voxels = out.iter_mut().zip(values);
        for _ in 0..region.shape[0] * region.shape[1] {
            for z in 0..region.shape[2] {
                for y in 0..region.shape[3] {
                    let plane = count(0, z) * count(1, y);
                    for (x, (out, sum)) in (0..region.shape[4]).zip(&mut voxels) {
                        *out = T::from_f64(sum / (plane * count(2, x)));
                    }
                }
            }
        }
    }

    /// Voxels of the source in window `i`.
    fn window_len(&self, d: usize, i: u64) -> u64 {
        match self.axes[d] {
            Resampling::Window(n) => n.min(self.source.meta().shape[d + 2] - i * n),
            Resampling::Keep | Resampling::Between { .. } => 1,
        }
    }

    /// Resamples along axis `d`, windows as sums, which are exact for integers; `span` is the first voxel
    /// read, the first wanted and how many.
    fn along(
        &self,
        d: usize,
        values: &[f64],
        shape: &mut [u64; 5],
        (read, start, len): (u64, u64, u64),
    ) -> Vec<f64> {
        let how = self.axes[d - 2];
        if how == Resampling::Keep {
            return values.to_vec();
        }
        let whole = self.source.meta().shape[d];
        let inner: usize = shape[d + 1..].iter().product::<u64>() as usize;
        let lines = shape[d] as usize;
        shape[d] = len;
        let mut out = Vec::with_capacity(shape.iter().product::<u64>() as usize);
        for block in values.chunks_exact(lines * inner) {
            let line = |i: u64| &block[(i - read) as usize * inner..][..inner];
            for i in start..start + len {
                match how {
                    Resampling::Window(n) => {
                        let window = i * n..((i + 1) * n).min(whole);
                        let sum = |x: usize| window.clone().map(|k| line(k)[x]).sum::<f64>();
                        out.extend((0..inner).map(sum));
                    }
                    Resampling::Between { ratio } => {
                        let (low, above) = between(i, ratio, whole);
                        let (a, b) = (line(low), line((low + 1).min(whole - 1)));
                        out.extend(a.iter().zip(b).map(|(a, b)| a + above * (b - a)));
                    }
                    Resampling::Keep => {}
                }
            }
        }
        out
    }

    /// Labels: the voxel at whose place the new one lies.
    fn nearest<T: Copy>(&self, values: &[T], from: &Region, region: &Region, out: &mut [T]) {
        let index: [Vec<usize>; 3] = std::array::from_fn(|d| {
            let whole = self.source.meta().shape[d + 2];
            let ratio = match self.axes[d] {
                Resampling::Keep => 1.0,
                Resampling::Window(n) => n as f64,
                Resampling::Between { ratio } => ratio,
            };
            let span = region.start[d + 2]..region.end()[d + 2];
            let place = |i: u64| (((i as f64 + 0.5) * ratio).floor() as u64).min(whole - 1);
            span.map(|i| (place(i) - from.start[d + 2]) as usize).collect()
        });
        let [depth, height, width] = [2, 3, 4].map(|d| from.shape[d] as usize);
        let mut out = out.iter_mut();
        for volume in values.chunks_exact(depth * height * width) {
            for z in &index[0] {
                for y in &index[1] {
                    let row = &volume[(z * height + y) * width..][..width];
                    for (x, out) in index[2].iter().zip(&mut out) {
                        *out = row[*x];
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn factors_and_lengths_are_told_apart() {
        use Resampling::{Between, Keep, Window};
        assert_eq!(plan("0.5", [1, 9, 8]).unwrap(), ([1, 5, 4], [Keep, Window(2), Window(2)]));
        assert_eq!(plan("3x8", [4, 9, 8]).unwrap(), ([4, 3, 8], [Keep, Window(3), Keep]));
        let (new, axes) = plan("2x6x16", [4, 9, 8]).unwrap();
        assert_eq!(new, [2, 6, 16]);
        assert_eq!(axes, [Window(2), Between { ratio: 1.5 }, Between { ratio: 0.5 }]);
        assert_eq!(plan("2", [1, 3, 3]).unwrap().0, [1, 6, 6]);
        for text in ["0", "-1", "x", "3", "1x2x3x4", "0x5", "nan"] {
            assert!(plan(text, [4, 9, 8]).is_ok() == (text == "3"), "{text}");
        }
    }

    #[test]
    fn places_stay_inside_the_image() {
        assert_eq!(between(0, 0.5, 3), (0, 0.0));
        assert_eq!(between(1, 0.5, 3), (0, 0.25));
        assert_eq!(between(5, 0.5, 3), (2, 0.0));
    }
}
