//! One block: filters, peaks, fits.

use ndarray::{Array3, ArrayView3, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{DetectError, Detector, Fit};
use crate::background::CellCounts;
use crate::fit::gaussian::{GROUP, GaussianFit, fit_gaussian};
use crate::fit::plane::{Plane, plane_around};
use crate::fit::vertex;
use crate::fit::window::{Start, WINDOW};
use crate::maxima::{Peak, peaks};
use crate::point_grid::PointGrid;
use crate::scale_space::{ScaleSpace, mend, response_at};
use crate::scales::Folded;
use crate::suppress::{Sphere, shared_part};
use crate::voxel_box::VoxelBox;

/// A part of a volume.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// Intensities over `z, y, x`; the core and [`Detector::halo`] around it, or more.
    pub voxels: ArrayView3<'a, f32>,
    /// Place of the first voxel in the volume.
    pub start: [usize; 3],
    /// Box of the volume whose blobs are wanted.
    pub core: VoxelBox,
}

/// Working memory of [`Detector::detect_block`]; grows to what the largest block takes.
#[derive(Debug, Default)]
pub struct Scratch {
    stable: Vec<f32>,
    gaussians: [Vec<f32>; 2],
    responses: Vec<Vec<f32>>,
}

/// A blob of which one block is sure, but not how it compares with its surroundings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Voxel of the peak.
    pub peak: [usize; 3],
    /// Number of the scale it peaks in.
    pub scale: u8,
    /// Centre relative to that voxel, by the parabola.
    pub offset: [f64; 3],
    /// Response in intensities.
    pub response: f32,
    /// Response in units of the sensor's noise.
    pub snr: f32,
    /// The fitted Gaussian, where one was asked for and could be fitted.
    pub gaussian: Option<GaussianFit>,
}

/// What one block gives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Candidates whose peak lies in the core, by `(z, y, x, scale)`.
    pub candidates: Vec<Candidate>,
    /// What the filters saw in the core.
    pub cells: Vec<CellCounts>,
    /// Voxels of the core that are not finite.
    pub not_finite: u64,
}

/// A peak with its vertex.
#[derive(Debug, Clone, Copy)]
struct Placed {
    peak: Peak,
    offset: [f64; 3],
}

/// Near a face the noise of a response may be smaller than far from it, hardly below this part.
const LOWEST_GAIN: f64 = 0.7;

/// Copies a view in C order, row by row where rows are contiguous.
fn copy_into(view: ArrayView3<'_, f32>, out: &mut Vec<f32>) {
    out.clear();
    out.reserve(view.len());
    for row in view.rows() {
        match row.as_slice() {
            Some(row) => out.extend_from_slice(row),
            None => out.extend(row.iter()),
        }
    }
}

/// A blob among others, relative to the voxel of its peak.
struct Surroundings {
    /// The blob and its nearest neighbours, which are fitted together.
    group: Vec<Start>,
    /// All neighbours.
    others: Vec<Start>,
}

impl Detector {
    /// Finds the candidates of one block. Parallel in the current rayon pool.
    ///
    /// Which candidates are found, and every bit of them, does not depend on how the volume is cut.
    /// Voxels that are not finite are replaced by the median around them; none is a peak.
    ///
    /// * `scratch`: working memory to keep from block to block, one for each thread that works on blocks.
    ///
    /// # Errors
    /// [`DetectError::Halo`] if the block lacks voxels.
    pub fn detect_block(
        &self,
        block: Block<'_>,
        scratch: &mut Scratch,
    ) -> Result<Found, DetectError> {
        let shape = self.volume.shape;
        let dim: [usize; 3] = block.voxels.dim().into();
        let held =
            VoxelBox { start: block.start, end: std::array::from_fn(|a| block.start[a] + dim[a]) };
        let needed = self.needed(block.core);
        if !held.holds(&needed) || !VoxelBox::whole(shape).holds(&block.core) {
            let bounds = |b: VoxelBox| [b.start, b.end];
            return Err(DetectError::Halo { found: bounds(held), needed: bounds(needed) });
        }
        if block.core.voxels() == 0 {
            return Ok(Found::default());
        }
        let range = |a: usize| needed.start[a] - held.start[a]..needed.end[a] - held.start[a];
        let raw = block.voxels.slice_move(s![range(0), range(1), range(2)]);
        let mut stable = std::mem::take(&mut scratch.stable);
        copy_into(raw, &mut stable);
        let bad = self.mend(&mut stable, needed, block.core);
        // A copy only where something was replaced.
        let mended =
            bad.as_ref().and_then(|_| Array3::from_shape_vec(needed.shape(), stable.clone()).ok());
        let intensities = mended.as_ref().map_or(raw, |mended| mended.view());
        stable.par_chunks_mut(1 << 14).for_each(|part| self.stabiliser.apply(part));
        let bad = bad.unwrap_or_default();
        let mut found = Found { not_finite: bad.len() as u64, ..Found::default() };
        let placed = self.placed_peaks(&stable, needed, block.core, &mut found.cells, scratch);
        scratch.stable = stable;
        found.candidates = self.candidates(&placed, raw, intensities, needed, block.core, &bad);
        Ok(found)
    }

    /// Replaces what is not finite; the places of such voxels in the core, if there are any at all.
    fn mend(
        &self,
        voxels: &mut [f32],
        needed: VoxelBox,
        core: VoxelBox,
    ) -> Option<Vec<[usize; 3]>> {
        // Whole pieces at a time: a loop that may end anywhere is a slow one.
        let is_finite = |part: &[f32]| part.iter().fold(true, |all, v| all & v.is_finite());
        if voxels.chunks(1 << 12).all(is_finite) {
            return None;
        }
        let local = |p: [usize; 3]| std::array::from_fn(|a| p[a] - needed.start[a]);
        let within = VoxelBox { start: local(core.start), end: local(core.end) };
        let mut bad = mend(voxels, needed.shape(), self.gap_radius(), self.level, within);
        bad.iter_mut().for_each(|p| *p = std::array::from_fn(|a| p[a] + needed.start[a]));
        Some(bad)
    }

    /// All peaks of the core and its company, placed by a parabola; counts the responses on the way.
    fn placed_peaks(
        &self,
        stable: &[f32],
        needed: VoxelBox,
        core: VoxelBox,
        cells: &mut Vec<CellCounts>,
        scratch: &mut Scratch,
    ) -> Vec<Placed> {
        let shape = self.volume.shape;
        let within = core.grown(self.company(), shape);
        let scales = &self.scales.scales;
        let mut space = ScaleSpace::new(stable, needed.shape(), &mut scratch.gaussians);
        // Responses of the scale below, this one, and the one above.
        let mut window: [Option<Vec<f32>>; 3] = Default::default();
        let mut placed = Vec::new();
        for k in 0..=scales.len() {
            let above = scales.get(k).map(|scale| {
                let mut response = scratch.responses.pop().unwrap_or_default();
                space.respond(scale, &mut response);
                response
            });
            window.rotate_left(1);
            scratch.responses.extend(std::mem::replace(&mut window[2], above));
            let (Some(scale), Some(response)) =
                (k.checked_sub(1).and_then(|k| scales.get(k)), &window[1])
            else {
                continue;
            };
            let number = (k - 1) as u8;
            cells.extend(self.coarse.count(response, needed, core, number, scale.gain));
            let threshold = (LOWEST_GAIN * self.threshold * scale.gain) as f32;
            let responses = window.each_ref().map(|r| r.as_deref());
            // Planes on their own, in order.
            let planes: Vec<Vec<Peak>> = (within.start[0]..within.end[0])
                .into_par_iter()
                .map(|z| {
                    let mut plane = within;
                    (plane.start[0], plane.end[0]) = (z, z + 1);
                    peaks(responses, needed, plane, number, threshold)
                })
                .collect();
            let is_clear = |peak: &Peak| {
                let gain = scale.fold(peak.at, shape).map_or(scale.gain, |f| f.gain);
                f64::from(peak.value) > self.threshold * gain
            };
            placed.extend(planes.into_iter().flatten().filter(is_clear).map(|peak| {
                let offset = match self.params.fit {
                    Fit::None => [0.0; 3],
                    _ => vertex(response, needed, shape, peak.at),
                };
                Placed { peak, offset }
            }));
        }
        scratch.responses.extend(window.into_iter().flatten());
        placed.sort_by_key(|p| (p.peak.at, p.peak.scale));
        placed
    }

    fn candidates(
        &self,
        placed: &[Placed],
        raw: ArrayView3<'_, f32>,
        intensities: ArrayView3<'_, f32>,
        needed: VoxelBox,
        core: VoxelBox,
        bad: &[[usize; 3]],
    ) -> Vec<Candidate> {
        let shape = self.volume.shape;
        let border = self.params.exclude_border;
        let is_wanted = |at: [usize; 3]| {
            core.contains(at)
                && bad.binary_search(&at).is_err()
                && (0..3).all(|a| at[a] >= border[a] && at[a] + border[a] < shape[a])
        };
        let spheres: Vec<Sphere> = placed.iter().map(|p| self.sphere(p)).collect();
        let largest = spheres.iter().map(|s| s.radius).fold(0.0, f64::max);
        let mut grid = PointGrid::new(2.0 * largest);
        spheres.iter().enumerate().for_each(|(i, s)| grid.insert(s.centre, i));
        let candidate = |(i, one): (usize, &Placed)| {
            let Peak { at, scale, value } = one.peak;
            let filter = self.scales.scales.get(usize::from(scale))?;
            if !is_wanted(at) {
                return None;
            }
            let response = response_at(intensities, needed.start, shape, at, filter);
            if response < self.params.min_response {
                return None;
            }
            let around = self.surroundings(i, placed, &spheres, &grid);
            let folded = filter.fold(at, shape);
            let wants_plane = folded.is_some() || self.params.fit == Fit::Gaussian;
            let plane = match wants_plane {
                true => self.plane(&around, raw, needed.start, at),
                false => Plane::default(),
            };
            let snr = match folded {
                Some(folded) => self.snr_at_face(value, &folded, &plane),
                None => f64::from(value) / filter.gain,
            };
            let gaussian = match self.params.fit {
                Fit::Gaussian => {
                    let fit = |starts: &[Start]| {
                        fit_gaussian(raw, needed.start, at, starts, plane.slope, &self.optics)
                    };
                    let alone =
                        || if around.group.len() > 1 { fit(&around.group[..1]) } else { None };
                    fit(&around.group).or_else(alone)
                }
                Fit::Quadratic | Fit::None => None,
            };
            Some(Candidate {
                peak: at,
                scale,
                offset: one.offset,
                response: response as f32,
                snr: snr as f32,
                gaussian,
            })
        };
        placed.par_iter().enumerate().filter_map(candidate).collect()
    }

    fn sphere(&self, placed: &Placed) -> Sphere {
        let scale = &self.scales.scales[usize::from(placed.peak.scale)];
        let voxel = self.volume.voxel_um;
        Sphere {
            centre: std::array::from_fn(|a| {
                (placed.peak.at[a] as f64 + placed.offset[a]) * voxel[a]
            }),
            radius: self.radius_um(scale.sigma_um),
            score: (f64::from(placed.peak.value) / scale.gain) as f32,
        }
    }

    /// The score of a peak near a face. A background that rises towards the face is a ridge there
    /// with its mirror image; what the filter makes of the ridge is taken off.
    fn snr_at_face(&self, value: f32, folded: &Folded, plane: &Plane) -> f64 {
        let ridge = plane.level.map_or(0.0, |level| {
            let rise: f64 = (0..3).map(|a| folded.tilt[a] * plane.slope[a]).sum();
            rise / self.optics.noise.variance(level).sqrt()
        });
        (f64::from(value) - ridge.max(0.0)) / folded.gain
    }

    fn plane(
        &self,
        around: &Surroundings,
        raw: ArrayView3<'_, f32>,
        start: [usize; 3],
        at: [usize; 3],
    ) -> Plane {
        match around.group.first() {
            Some(blob) => plane_around(raw, start, at, blob, &around.others, &self.optics),
            None => Plane::default(),
        }
    }

    /// What lies around blob `i`.
    fn surroundings(
        &self,
        i: usize,
        placed: &[Placed],
        spheres: &[Sphere],
        grid: &PointGrid,
    ) -> Surroundings {
        let peak = placed[i].peak.at;
        // A Gaussian blob responds most at a scale below its own sigma (Lindeberg 1998).
        let widen = (self.dimensions().max(1) as f64 / 2.0).sqrt();
        let begin = |j: &usize| Start {
            centre: std::array::from_fn(|a| {
                placed[*j].peak.at[a] as f64 - peak[a] as f64 + placed[*j].offset[a]
            }),
            sigma_um: widen * self.scales.scales[usize::from(placed[*j].peak.scale)].sigma_um,
        };
        let mut others = self.neighbours(i, placed, spheres, grid);
        let near: Vec<Start> = others.iter().map(begin).collect();
        others.truncate(GROUP - 1);
        others.insert(0, i);
        Surroundings { group: others.iter().map(begin).collect(), others: near }
    }

    /// The blobs whose windows overlap that of blob `i`, each blob but once, the nearest first.
    fn neighbours(
        &self,
        i: usize,
        placed: &[Placed],
        spheres: &[Sphere],
        grid: &PointGrid,
    ) -> Vec<usize> {
        let width = |j: usize| self.scales.scales[usize::from(placed[j].peak.scale)].width;
        let voxel = self.volume.voxel_um;
        let widest = self.scales.largest_width();
        let reach = (0..3).map(|a| 2.0 * WINDOW * widest[a] * voxel[a]).fold(0.0, f64::max);
        // In units of the two windows: below 1 they overlap.
        let distance = |j: usize| -> f64 {
            let along = |a: usize| {
                let apart = (spheres[i].centre[a] - spheres[j].centre[a]) / voxel[a];
                (apart / (WINDOW * (width(i)[a] + width(j)[a]))).powi(2)
            };
            (0..3).filter(|a| self.scales.long[*a]).map(along).sum()
        };
        let mut others: Vec<usize> =
            grid.near(spheres[i].centre, reach).filter(|j| *j != i && distance(*j) < 1.0).collect();
        // Numbers are in the order of peaks, so equal scores and distances have an order too.
        others.sort_by(|a, b| spheres[*b].score.total_cmp(&spheres[*a].score).then(a.cmp(b)));
        let mut taken = vec![i];
        for j in others {
            let is_other = |k: &usize| {
                shared_part(&spheres[*k], &spheres[j], self.dimensions()) <= self.params.overlap
            };
            if taken.iter().all(is_other) {
                taken.push(j);
            }
        }
        let mut others = taken.split_off(1);
        others.sort_by(|a, b| distance(*a).total_cmp(&distance(*b)).then(a.cmp(b)));
        others
    }
}
