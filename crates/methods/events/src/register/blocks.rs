//! The displacement of each block of a frame, on top of the frame's shift.
//!
//! A block is cut where the frame's shift says, to the pixel; the rest of the shift is a phase ramp, so
//! that no pixel is interpolated. Correlations are averaged over neighbouring frames, and over
//! neighbouring blocks where one alone has no clear peak (after Pachitariu et al. 2017,
//! doi:10.1101/061507), before peaks are looked for.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayView3};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::correlate::{Correlator, TemplateSpectrum, Work};
use super::grid::BlockGrid;
use super::params::RegisterParams;
use super::peak::{MARGIN, Surface};
use super::prepare::{BandMemory, check_finite, filtered};
use super::rigid::check_shape;
use super::settle::RigidShifts;
use super::template::Template;
use super::unblur::Unblur;
use crate::EventsError;

/// Frames on either side of a frame that its blocks are averaged with: four standard deviations.
pub const HALO: usize = 4;

/// Standard deviation of the average over time, frames.
const SIGMA_T: f64 = 1.0;

/// Ratio of peaks below which a block is averaged with its neighbours.
pub(crate) const LEAST_RATIO: f32 = 1.2;

/// How often at most.
const LEVELS: usize = 2;

/// Weight of a block's neighbours along an axis in one average, the block itself having 1.
const NEIGHBOUR: f32 = 0.5;

/// Shifts searched beyond the largest deviation, pixels.
const BEYOND: f64 = 2.0;

/// Tiles of the two sets of pixels along a block.
const TILES: f64 = 6.0;

/// Least part of a block that must lie inside of the frame.
const LEAST_INSIDE: f64 = 0.5;

/// What the frames around one say of one of its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BlockEstimate {
    /// Displacement `(dy, dx)` on top of the frame's shift, pixels.
    pub shift: [f64; 2],
    /// Normalized correlation at the peak.
    pub peak: f32,
    /// Peak over the second one more than 3 pixels away; 1 if there is no peak.
    pub peak_ratio: f32,
    /// Displacements by each of two disjoint sets of pixels.
    pub sets: Option<[[f64; 2]; 2]>,
    /// Correlation of the second set's pixels when moved as the whole frame.
    pub r_rigid: f32,
    /// The same when moved by the first set's displacement.
    pub r_moved: f32,
}

/// Finds displacements of blocks against a template.
#[derive(Debug)]
pub struct BlockEstimator {
    band: Option<[f64; 2]>,
    grid: BlockGrid,
    unblur: Unblur,
    correlator: Correlator,
    templates: Vec<TemplateSpectrum>,
    search: [usize; 2],
}

/// Correlations of all blocks of one frame: of all pixels, and of the two sets.
type FrameSurfaces = [Vec<f32>; 3];

#[derive(Default)]
struct Memory {
    work: Work,
    filtered: Vec<f32>,
    scratch: BandMemory,
    block: Vec<f32>,
}

impl BlockEstimator {
    /// Prepares the comparison with a template; `None` if blocks are not wanted, or frames are not
    /// larger than one.
    ///
    /// # Errors
    /// [`EventsError::Parameter`] for parameters out of range.
    pub fn new(template: &Template, params: &RegisterParams) -> Result<Option<Self>, EventsError> {
        params.validate()?;
        Ok(Self::of_image(template.image(), params))
    }

    pub(crate) fn of_image(image: ArrayView2<'_, f32>, params: &RegisterParams) -> Option<Self> {
        let shape = [image.nrows(), image.ncols()];
        let grid = BlockGrid::new(shape, params)?;
        let search = (params.max_deviation + BEYOND).ceil() as usize;
        let reach = (search + MARGIN).min(grid.block / 2 - 1);
        let search = [search.min(reach); 2];
        let tile = grid.block as f64 / TILES;
        let correlator = Correlator::new([grid.block; 2], [reach; 2], tile);
        let (mut whole, mut scratch) = (Vec::new(), BandMemory::default());
        let mut block = Vec::new();
        filtered(image, params.band, &mut whole, &mut scratch);
        let templates = grid
            .corners()
            .map(|[y, x]| {
                cut(&whole, shape, [y as isize, x as isize], grid.block, &mut block);
                correlator.template(&block)
            })
            .collect();
        let unblur = Unblur::new(&grid, &whole, shape);
        Some(Self { band: params.band, grid, unblur, correlator, templates, search })
    }

    /// Rows and columns of blocks.
    pub fn counts(&self) -> [usize; 2] {
        self.grid.counts()
    }

    /// Centres of the blocks along y and x.
    pub fn centres(&self) -> [Vec<f64>; 2] {
        self.grid.centres()
    }

    /// What takes back that blocks see means of the field.
    pub(crate) fn unblur(&self) -> &Unblur {
        &self.unblur
    }

    /// Estimates the displacements of the blocks of some frames.
    ///
    /// * `frames`: `(t, y, x)`, the frames of `core` and [`HALO`] more on either side, as far as the
    ///   movie goes.
    /// * `first`: number of the first of `frames`.
    /// * `core`: numbers of the frames that are estimated.
    /// * `rigid`: shifts of all frames of the movie.
    ///
    /// Parallel in the current rayon pool; the same for any division of a movie. Memory is about that of
    /// the frames once more.
    ///
    /// # Errors
    /// [`EventsError::Shape`] for frames of another shape than the template's or of another number,
    /// [`EventsError::Parameter`] for a core beyond the movie, [`EventsError::NotFinite`] for pixels that
    /// are no numbers.
    pub fn estimate(
        &self,
        frames: ArrayView3<'_, f32>,
        first: usize,
        core: Range<usize>,
        rigid: &RigidShifts,
    ) -> Result<Vec<Vec<BlockEstimate>>, EventsError> {
        let total = rigid.frames.len();
        if core.start > core.end || core.end > total {
            let reason = format!("frames {core:?} of a movie of {total} cannot be estimated");
            return Err(EventsError::Parameter { name: "core", reason });
        }
        let around = core.start.saturating_sub(HALO)..total.min(core.end + HALO);
        let (count, y, x) = frames.dim();
        if first != around.start || count != around.len() {
            return Err(EventsError::Shape {
                what: "frames around the core",
                expected: vec![around.start, around.len(), y, x],
                found: vec![first, count, y, x],
            });
        }
        check_shape(frames, self.shape())?;
        check_finite(frames.outer_iter(), first)?;
        let surfaces: Vec<Option<FrameSurfaces>> = (0..count)
            .into_par_iter()
            .map_init(Memory::default, |memory, i| {
                let t = first + i;
                let frame = frames.index_axis(ndarray::Axis(0), i);
                (!rigid.is_poor[t]).then(|| self.surfaces(frame, rigid.frames[t].shift, memory))
            })
            .collect();
        Ok(core
            .into_par_iter()
            .map(|t| self.settle(self.averaged(&surfaces, t - first), 0))
            .collect())
    }

    /// Displacements of the blocks of one frame on its own, averaged over neighbours.
    pub(crate) fn alone(&self, frame: ArrayView2<'_, f32>, shift: [f64; 2]) -> Vec<BlockEstimate> {
        self.settle(self.surfaces(frame, shift, &mut Memory::default()), 1)
    }

    fn shape(&self) -> [usize; 2] {
        let side = |d: usize| self.grid.starts[d].last().map_or(0, |s| s + self.grid.block);
        [side(0), side(1)]
    }

    fn surfaces(
        &self,
        frame: ArrayView2<'_, f32>,
        shift: [f64; 2],
        memory: &mut Memory,
    ) -> FrameSurfaces {
        let Memory { work, filtered: image, scratch, block } = memory;
        filtered(frame, self.band, image, scratch);
        let nearest = shift.map(|s| s.round());
        let fraction = self.correlator.fraction([0, 1].map(|d| shift[d] - nearest[d]));
        let len = self.correlator.surface_len();
        let [mut whole, mut first, mut second] = self.no_surfaces();
        let shape = self.shape();
        for ((((corner, template), whole), first), second) in self
            .grid
            .corners()
            .zip(&self.templates)
            .zip(whole.chunks_mut(len))
            .zip(first.chunks_mut(len))
            .zip(second.chunks_mut(len))
        {
            let corner = [0, 1].map(|d| corner[d] as isize + nearest[d] as isize);
            let inside = cut(image, shape, corner, self.grid.block, block);
            if inside >= LEAST_INSIDE {
                let sets = Some((first, second));
                self.correlator.correlate(block, template, Some(&fraction), work, whole, sets);
            }
        }
        [whole, first, second]
    }

    fn no_surfaces(&self) -> FrameSurfaces {
        [0, 1, 2].map(|_| vec![0.0; self.grid.len() * self.correlator.surface_len()])
    }

    /// The average over time of the surfaces around `frames[i]`.
    fn averaged(&self, frames: &[Option<FrameSurfaces>], i: usize) -> FrameSurfaces {
        let mut sums = self.no_surfaces();
        let mut weights = 0.0;
        for k in i.saturating_sub(HALO)..frames.len().min(i + HALO + 1) {
            let Some(frame) = &frames[k] else { continue };
            let weight = (-0.5 * (k.abs_diff(i) as f64 / SIGMA_T).powi(2)).exp() as f32;
            weights += weight;
            for (sum, frame) in sums.iter_mut().zip(frame) {
                sum.iter_mut().zip(frame).for_each(|(s, f)| *s += weight * f);
            }
        }
        if weights > 0.0 {
            sums.iter_mut().flatten().for_each(|s| *s /= weights);
        }
        sums
    }

    /// Finds the peaks, averaging over neighbours at least `least` times.
    fn settle(&self, surfaces: FrameSurfaces, least: usize) -> Vec<BlockEstimate> {
        let mut found: Vec<Option<BlockEstimate>> = vec![None; self.grid.len()];
        let mut level = surfaces;
        for i in 0..=LEVELS {
            if i > 0 {
                level = self.neighbourly(&level);
            }
            if i < least {
                continue;
            }
            for (b, found) in found.iter_mut().enumerate() {
                if found.is_none_or(|f| f.peak_ratio < LEAST_RATIO) {
                    *found = Some(self.block(&level, b));
                }
            }
            if found.iter().all(|f| f.is_some_and(|f| f.peak_ratio >= LEAST_RATIO)) {
                break;
            }
        }
        found.into_iter().flatten().collect()
    }

    /// Surfaces averaged with those of the blocks around.
    fn neighbourly(&self, from: &FrameSurfaces) -> FrameSurfaces {
        let [rows, columns] = self.grid.counts();
        let len = self.correlator.surface_len();
        let along = |src: &[f32], count: usize, step: usize| {
            let mut out = vec![0.0; src.len()];
            for (b, out) in out.chunks_mut(len).enumerate() {
                let place = b / step % count;
                let before = (place > 0).then(|| b - step);
                let after = (place + 1 < count).then(|| b + step);
                let parts = [(Some(b), 1.0), (before, NEIGHBOUR), (after, NEIGHBOUR)];
                let parts = parts.iter().filter_map(|(b, w)| b.map(|b| (b, *w)));
                let sum: f32 = parts.clone().map(|p| p.1).sum();
                for (b, weight) in parts {
                    for (out, src) in out.iter_mut().zip(&src[b * len..]) {
                        *out += weight / sum * src;
                    }
                }
            }
            out
        };
        from.each_ref().map(|src| along(&along(src, columns, 1), rows, columns))
    }

    fn block(&self, surfaces: &FrameSurfaces, b: usize) -> BlockEstimate {
        let len = self.correlator.surface_len();
        let reach = self.correlator.reach();
        let [whole, first, second] =
            surfaces.each_ref().map(|s| Surface { values: &s[b * len..][..len], reach });
        let (peaks, peak_ratio) = whole.peaks(self.search);
        let agreement = self.templates[b].agreement([first, second], self.search);
        BlockEstimate {
            shift: peaks.first().map_or([0.0; 2], |p| p.shift),
            peak: peaks.first().map_or(0.0, |p| p.value),
            peak_ratio,
            sets: agreement.sets,
            r_rigid: agreement.r_still,
            r_moved: agreement.r_moved,
        }
    }
}

/// Cuts a block out of an image, 0 beyond its edges; returns the part that lies inside.
fn cut(
    image: &[f32],
    shape: [usize; 2],
    corner: [isize; 2],
    side: usize,
    out: &mut Vec<f32>,
) -> f64 {
    out.clear();
    out.resize(side * side, 0.0);
    let inside = [0, 1].map(|d| {
        let first = corner[d].clamp(0, shape[d] as isize);
        let end = (corner[d] + side as isize).clamp(first, shape[d] as isize);
        first as usize..end as usize
    });
    if inside.iter().any(|i| i.is_empty()) {
        return 0.0;
    }
    let [rows, columns] = inside;
    for y in rows.clone() {
        let to = (y as isize - corner[0]) as usize * side
            + (columns.start as isize - corner[1]) as usize;
        let from = &image[y * shape[1]..][columns.clone()];
        out[to..][..from.len()].copy_from_slice(from);
    }
    (rows.len() * columns.len()) as f64 / (side * side) as f64
}
