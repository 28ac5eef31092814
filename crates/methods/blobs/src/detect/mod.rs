//! Blobs found, block by block.
//!
//! 1. [`crate::noise`] says which few cells to read, and makes of them the noise of the sensor.
//! 2. A [`Detector`] is made from parameters, image and noise: filters, threshold, halo.
//! 3. [`Detector::detect_block`] turns each block with its halo into [`Found`]: candidates whose peak
//!    lies in the core, and counts of what else the filters saw.
//! 4. [`Detector::finish`] scores all candidates of one channel and frame against their surroundings,
//!    drops the double ones, and gives blobs; [`number`] puts all blobs of an image in order.
//!
//! Everything a block gives depends on the image alone, to the bit: filters have finite reach, grids
//! are absolute, fits are relative to the voxel of the peak.

mod block;
mod finish;
mod params;
mod volume;

use crate::background::CoarseGrid;
use crate::fit::window::{Optics, WINDOW};
use crate::noise::{NoiseSample, Stabiliser};
use crate::scales::Scales;
use crate::voxel_box::VoxelBox;

pub use crate::background::CellCounts;
pub use crate::fit::gaussian::GaussianFit;
pub use block::{Block, Candidate, Found, Scratch};
pub use finish::number;
pub use params::{DetectError, DetectParams, Fit, Method};
pub use volume::{Detected, detect_volume};

/// Voxels around a peak that its parabola may ask for.
const AROUND_PEAK: usize = crate::fit::MOVES + 1;

/// The volume blobs are looked for in. Triples are `(z, y, x)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Volume {
    /// Voxels per axis.
    pub shape: [usize; 3],
    /// Size of a voxel, µm.
    pub voxel_um: [f64; 3],
    /// Place of the first voxel's centre, µm.
    pub origin_um: [f64; 3],
}

/// Everything that detection in one channel needs to know before it sees voxels.
#[derive(Debug, Clone)]
pub struct Detector {
    params: DetectParams,
    volume: Volume,
    scales: Scales,
    coarse: CoarseGrid,
    stabiliser: Stabiliser,
    /// Intensity that stands for voxels that are not finite and far from any that is.
    level: f32,
    optics: Optics,
    threshold: f64,
}

impl Detector {
    /// Prepares detection.
    ///
    /// * `noise`: what [`crate::noise::fit_noise`] made of the sampled cells of this channel and frame.
    ///
    /// # Errors
    /// [`DetectError::Parameter`], [`DetectError::VoxelSize`]; [`DetectError::TooSmall`] if the
    /// smallest sigma is under half a voxel along every axis.
    pub fn new(
        params: &DetectParams,
        volume: Volume,
        noise: NoiseSample,
    ) -> Result<Self, DetectError> {
        params.validate()?;
        if !volume.voxel_um.iter().all(|v| *v > 0.0 && v.is_finite()) {
            return Err(DetectError::VoxelSize { found: volume.voxel_um });
        }
        let scales = Scales::new(params, volume.shape, volume.voxel_um);
        if scales.is_blind() {
            let sigma_um = scales.scales.first().map_or(0.0, |s| s.sigma_um);
            return Err(DetectError::TooSmall { sigma_um, voxel_um: volume.voxel_um });
        }
        let threshold = params.snr.unwrap_or_else(|| scales.threshold(params.false_per_mm3));
        Ok(Self {
            coarse: CoarseGrid::new(volume.shape.map(|n| n.max(1)), &scales),
            stabiliser: Stabiliser::new(noise.noise, noise.level),
            level: noise.level as f32,
            optics: Optics {
                shape: volume.shape,
                voxel_um: volume.voxel_um,
                psf_um: params.psf_um,
                noise: noise.noise,
            },
            params: params.clone(),
            volume,
            scales,
            threshold,
        })
    }

    /// Voxels that a block must hold around its core, as far as the image goes.
    pub fn halo(&self) -> [usize; 3] {
        let (reach, others, gaps) = (self.scales.reach(), self.company(), self.gap_radius());
        std::array::from_fn(|a| {
            if self.scales.long[a] { reach[a] + others[a] + AROUND_PEAK + gaps[a] } else { 0 }
        })
    }

    /// Score that a blob must exceed.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Sigmas of the scales, µm.
    pub fn sigmas_um(&self) -> Vec<f64> {
        self.scales.scales.iter().map(|s| s.sigma_um).collect()
    }

    /// Axes longer than 1 that are not filtered, since the smallest sigma is under half a voxel there.
    pub fn unfiltered_axes(&self) -> [bool; 3] {
        std::array::from_fn(|a| self.scales.long[a] && !self.scales.filtered[a])
    }

    /// About how many bytes [`Detector::detect_block`] takes for a core of this shape, the block
    /// itself (4 bytes a voxel) included.
    pub fn block_bytes(&self, core: [usize; 3]) -> u64 {
        // The block, stabilised voxels, two Gaussians, three responses.
        const BYTES_PER_VOXEL: u64 = 4 * 7;
        let halo = self.halo();
        let voxels: u64 = (0..3)
            .map(|a| (core[a] + 2 * halo[a]).min(self.volume.shape[a].max(1)) as u64)
            .product();
        voxels.saturating_mul(BYTES_PER_VOXEL)
    }

    /// The voxels that [`Detector::detect_block`] wants for a core.
    pub fn needed(&self, core: VoxelBox) -> VoxelBox {
        core.grown(self.halo(), self.volume.shape)
    }

    /// How far around a core its blobs' neighbours may lie whose windows overlap theirs.
    fn company(&self) -> [usize; 3] {
        self.scales.largest_width().map(|w| (2.0 * WINDOW * w).ceil() as usize + 1)
    }

    /// Half of the window over which voxels that are not finite are replaced.
    fn gap_radius(&self) -> [usize; 3] {
        let widest = self.scales.largest_width();
        std::array::from_fn(|a| if self.scales.long[a] { widest[a].ceil() as usize } else { 0 })
    }

    fn dimensions(&self) -> usize {
        self.scales.long.iter().filter(|l| **l).count()
    }

    /// Radius of a blob of this sigma.
    fn radius_um(&self, sigma_um: f64) -> f64 {
        (self.dimensions().max(1) as f64).sqrt() * sigma_um
    }
}
