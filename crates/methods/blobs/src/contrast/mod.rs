//! Which blobs stand out from their surroundings in which channel, blob in that channel or not.
//!
//! Contrast is the mean of the blob less the median of a shell around it. Of blobs of one channel
//! seen in another those count as colocalized that stand out, at a chosen rate of false ones.

mod decide;
mod tail;

use hooke_core::Blob;
use ndarray::ArrayView3;
use rayon::prelude::*;

pub use decide::{bleed_through, decide};

use crate::detect::{Block, Volume};
use crate::noise::SensorNoise;
use crate::point_grid::PointGrid;

/// A shell of fewer voxels is taken whole, whatever its balance.
const FEWEST: usize = 24;

/// Half axes in sigmas: the blob, and the inner and outer rim of its shell.
const BLOB: f64 = 1.5;
const SHELL: [f64; 2] = [2.5, 4.0];

/// Variance of a median of normal values over that of their mean.
const MEDIAN_VARIANCE: f64 = std::f64::consts::FRAC_PI_2;

/// One blob in one channel: a row of the table of colocalization.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContrastRow {
    /// Id of the blob.
    pub blob_id: u64,
    /// Channel the blob was found in.
    pub blob_channel: u16,
    /// Channel it is looked at in.
    pub channel: u16,
    /// What was measured; `None` for blobs outside the image or without a finite voxel around.
    pub measured: Option<Contrast>,
    /// Whether it stands out; set by [`decide`].
    pub coloc: bool,
}

/// How one blob stands out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// Mean intensity within 1.5 sigma.
    pub mean: f64,
    /// That mean less the median of the shell from 2.5 to 4 sigma.
    pub contrast: f64,
    /// Contrast in units of its noise.
    pub score: f64,
    /// Chance of such a score or a higher one by noise alone.
    pub p_value: f64,
}

/// The blobs of one frame, prepared to be looked at in any channel.
#[derive(Debug)]
pub struct ContrastMeter<'a> {
    blobs: &'a [Blob],
    volume: Volume,
    dimensions: usize,
    /// Places in µm from the first voxel.
    grid: PointGrid,
    largest_sigma: f64,
}

impl<'a> ContrastMeter<'a> {
    /// Prepares the blobs of one frame; their channels may differ.
    pub fn new(blobs: &'a [Blob], volume: Volume) -> Self {
        let dimensions = volume.shape.iter().filter(|n| **n > 1).count().max(1);
        let mut meter =
            Self { blobs, volume, dimensions, grid: PointGrid::new(1.0), largest_sigma: 0.0 };
        let sigmas = blobs.iter().map(|b| meter.sigma_um(b)).filter(|s| s.is_finite());
        meter.largest_sigma = sigmas.fold(0.0, f64::max);
        meter.grid = PointGrid::new(SHELL[1] * meter.largest_sigma);
        for (i, blob) in blobs.iter().enumerate() {
            meter.grid.insert(meter.place_um(blob), i);
        }
        meter
    }

    /// Voxels that a block must hold around its core, as far as the image goes.
    pub fn halo(&self) -> [usize; 3] {
        let reach = |a: usize| SHELL[1] * self.largest_sigma / self.volume.voxel_um[a];
        std::array::from_fn(|a| reach(a).ceil() as usize + 1)
    }

    /// Looks at all blobs whose voxel lies in the core of a block of `channel`, in the blobs' order.
    ///
    /// The block holds the core and [`ContrastMeter::halo`] around it; the rows do not depend on how
    /// the volume is cut. Parallel in the current rayon pool.
    pub fn measure(&self, block: Block<'_>, channel: u16, noise: &SensorNoise) -> Vec<ContrastRow> {
        let is_here = |blob: &&Blob| self.voxel(blob).is_some_and(|v| block.core.contains(v));
        self.blobs
            .par_iter()
            .filter(is_here)
            .map(|blob| ContrastRow {
                measured: self.look(blob, block.voxels, block.start, channel, noise),
                ..row(blob, channel)
            })
            .collect()
    }

    /// Rows of the blobs whose voxel lies in no block, since it is outside the image.
    pub fn outside(&self, channel: u16) -> Vec<ContrastRow> {
        let outside = self.blobs.iter().filter(|b| self.voxel(b).is_none());
        outside.map(|b| row(b, channel)).collect()
    }

    /// The voxel a blob lies in.
    fn voxel(&self, blob: &Blob) -> Option<[usize; 3]> {
        let nearest = blob.position.map(|p| (p + 0.5).floor());
        let is_inside = |a: usize| nearest[a] >= 0.0 && nearest[a] < self.volume.shape[a] as f64;
        (0..3).all(is_inside).then(|| nearest.map(|p| p as usize))
    }

    fn sigma_um(&self, blob: &Blob) -> f64 {
        f64::from(blob.radius_um) / (self.dimensions as f64).sqrt()
    }

    fn place_um(&self, blob: &Blob) -> [f64; 3] {
        std::array::from_fn(|a| blob.position[a] * self.volume.voxel_um[a])
    }

    fn look(
        &self,
        blob: &Blob,
        voxels: ArrayView3<'_, f32>,
        start: [usize; 3],
        channel: u16,
        noise: &SensorNoise,
    ) -> Option<Contrast> {
        let (centre, sigma) = (self.place_um(blob), self.sigma_um(blob));
        // Squared distance in sigmas; a blob thinner than its voxel still has that voxel.
        let own = self.voxel(blob)?;
        let distance2 = |centre: [f64; 3], sigma: f64, at: [usize; 3]| -> f64 {
            let along = |a: usize| (at[a] as f64 * self.volume.voxel_um[a] - centre[a]) / sigma;
            (0..3).map(|a| along(a).powi(2)).sum()
        };
        let reach = SHELL[1] * sigma + BLOB * self.largest_sigma;
        let others: Vec<([f64; 3], f64)> = self
            .grid
            .near(centre, reach)
            .filter_map(|i| self.blobs.get(i))
            .filter(|b| b.channel == channel && b.id != blob.id && b.t == blob.t)
            .map(|b| (self.place_um(b), self.sigma_um(b)))
            .collect();
        let range = |a: usize| {
            let half = SHELL[1] * sigma / self.volume.voxel_um[a];
            let (from, to) = (blob.position[a] - half, blob.position[a] + half);
            let end = start[a] + voxels.shape()[a];
            (from.ceil().max(0.0) as usize).clamp(start[a], end)
                ..(to.floor() as usize + 1).clamp(start[a], end)
        };
        // Near a face only the part of the surroundings counts that the image holds on both sides: else a
        // background that rises towards the face would look like signal.
        let is_balanced = |at: [usize; 3]| {
            (0..3)
                .all(|a| (2 * own[a]).checked_sub(at[a]).is_some_and(|m| m < self.volume.shape[a]))
        };
        let (mut sum, mut count) = (0.0, 0.0);
        let (mut shell, mut lopsided) = (Vec::new(), Vec::new());
        for z in range(0) {
            for y in range(1) {
                for x in range(2) {
                    let at = [z, y, x];
                    let local: [usize; 3] = std::array::from_fn(|a| at[a] - start[a]);
                    let value = voxels[local];
                    let d2 = distance2(centre, sigma, at);
                    if !value.is_finite() {
                        continue;
                    }
                    if d2 <= BLOB * BLOB || at == own {
                        (sum, count) = (sum + f64::from(value), count + 1.0);
                    } else if d2 >= SHELL[0].powi(2)
                        && d2 <= SHELL[1].powi(2)
                        && others.iter().all(|(c, s)| distance2(*c, *s, at) > BLOB * BLOB)
                    {
                        if is_balanced(at) { &mut shell } else { &mut lopsided }.push(value);
                    }
                }
            }
        }
        if shell.len() < FEWEST {
            shell.append(&mut lopsided);
        }
        let around = f64::from(hooke_filters::order::median(&mut shell)?);
        if count == 0.0 {
            return None;
        }
        let mean = sum / count;
        let variance = noise.variance(mean) / count
            + MEDIAN_VARIANCE * noise.variance(around) / shell.len() as f64;
        let score = (mean - around) / variance.sqrt();
        let p_value = tail::upper_tail(score);
        Some(Contrast { mean, contrast: mean - around, score, p_value })
    }
}

fn row(blob: &Blob, channel: u16) -> ContrastRow {
    let (blob_id, blob_channel) = (blob.id, blob.channel);
    ContrastRow { blob_id, blob_channel, channel, measured: None, coloc: false }
}
