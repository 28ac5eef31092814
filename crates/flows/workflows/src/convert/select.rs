//! Part of an image: spans per axis, with steps.

use hooke_core::image::SourceError;
use hooke_core::{Axis, ImageMeta, ImageSource, Level, Pixels, Region};

use super::ConvertError;
use crate::options::{Span, read_option};

/// The options of the axes.
const NAMES: [&str; 5] = ["t", "c", "z", "y", "x"];

/// Slabs of a measuring pass are about this large.
pub(super) const SLAB_BYTES: u64 = 16 << 20;

/// The voxels of a level that are converted.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    /// First index and step per axis; channels may be listed instead.
    first: [u64; 5],
    step: [u64; 5],
    channels: Option<Vec<u64>>,
    shape: [u64; 5],
    slab: [u64; 5],
}

impl Selection {
    pub fn new(
        spans: &[Option<String>; 5],
        meta: &ImageMeta,
        level: &Level,
    ) -> Result<Selection, ConvertError> {
        let mut selection = Selection {
            first: [0; 5],
            step: [1; 5],
            channels: None,
            shape: level.shape,
            slab: [1; 5],
        };
        for axis in Axis::ALL {
            let d = axis.index();
            let Some(text) = &spans[d] else { continue };
            if axis == Axis::C
                && let Some(list) = named_channels(text, meta)?
            {
                selection.shape[d] = list.len() as u64;
                selection.channels = Some(list);
                continue;
            }
            let span: Span = read_option(NAMES[d], text)?;
            let (low, high, step) = span.of_length(level.shape[d]);
            if low >= high {
                return Err(ConvertError::parameters(
                    format!(
                        "--{axis} {text} holds nothing; the image has {} along {axis}",
                        level.shape[d]
                    ),
                    "the end is not included; negative numbers count from the end",
                ));
            }
            selection.first[d] = low;
            selection.step[d] = step;
            selection.shape[d] = (high - low).div_ceil(step);
        }
        let mut bytes = meta.dtype.size() as u64;
        for d in (0..5).rev() {
            let fit = (SLAB_BYTES / bytes.max(1)).clamp(1, selection.shape[d]);
            selection.slab[d] = fit;
            bytes *= fit;
            if fit < selection.shape[d] {
                break;
            }
        }
        Ok(selection)
    }

    /// Lengths of the selection.
    pub fn shape(&self) -> [u64; 5] {
        self.shape
    }

    /// First index and step along an axis.
    pub fn first_and_step(&self, axis: Axis) -> (u64, u64) {
        (self.first[axis.index()], self.step[axis.index()])
    }

    /// The source channels, in order.
    pub fn channels(&self) -> Vec<u64> {
        let (first, step) = self.first_and_step(Axis::C);
        match &self.channels {
            Some(list) => list.clone(),
            None => (0..self.shape[1]).map(|i| first + i * step).collect(),
        }
    }

    /// Number of slabs of a measuring pass.
    pub fn slabs(&self) -> u64 {
        hooke_core::region::grid_counts(self.shape, self.slab).iter().product()
    }

    /// One slab of a measuring pass.
    pub fn slab(&self, id: u64) -> Region {
        hooke_core::region::grid_box(self.shape, self.slab, id)
    }

    /// Voxels that must be read at once for a block of the output.
    pub fn dense_voxels(&self, write: [u64; 5]) -> u64 {
        let one_plane =
            write[3].saturating_mul(self.step[3]) * write[4].saturating_mul(self.step[4]);
        if self.is_dense() { 0 } else { one_plane }
    }

    fn is_dense(&self) -> bool {
        self.channels.is_none() && self.step == [1; 5]
    }

    /// Reads a box of the selection.
    pub fn read(
        &self,
        source: &dyn ImageSource,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<(), SourceError> {
        if self.is_dense() {
            let start = std::array::from_fn(|d| self.first[d] + region.start[d]);
            source.read(level, &Region::new(start, region.shape), out)?;
            return Ok(());
        }
        out.reset(source.meta().dtype, region.shape);
        let channels = self.channels();
        let mut plane = Pixels::zeros(source.meta().dtype, [0; 5]);
        let dense = |d: usize| (region.shape[d] - 1) * self.step[d] + 1;
        for t in 0..region.shape[0] {
            for c in 0..region.shape[1] {
                for z in 0..region.shape[2] {
                    let at =
                        |d: usize, i: u64| self.first[d] + (region.start[d] + i) * self.step[d];
                    let channel = channels[(region.start[1] + c) as usize];
                    let start = [at(0, t), channel, at(2, z), at(3, 0), at(4, 0)];
                    source.read(
                        level,
                        &Region::new(start, [1, 1, 1, dense(3), dense(4)]),
                        &mut plane,
                    )?;
                    self.take(&plane, [t, c, z, 0, 0], region.shape, out);
                }
            }
        }
        Ok(())
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

/// `DAPI,GFP` or `0,2`: channels by name or number; `None` when the text is a span.
fn named_channels(text: &str, meta: &ImageMeta) -> Result<Option<Vec<u64>>, ConvertError> {
    if text.contains(':') {
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
