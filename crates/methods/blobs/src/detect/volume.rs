//! A volume that is in memory as a whole.

use hooke_core::Blob;
use ndarray::{ArrayView3, s};
use rayon::prelude::*;

use super::{Block, DetectError, DetectParams, Detector, Found, Scratch, Volume, number};
use crate::noise::{NoiseSample, fit_noise, measure_cell, sample_boxes};
use crate::voxel_box::{VoxelBox, grid};

/// Blobs of a volume and what they were found with.
#[derive(Debug, Clone, PartialEq)]
pub struct Detected {
    /// By `(z, y, x)`, numbered from 1, all of channel 0.
    pub blobs: Vec<Blob>,
    /// Noise of the sensor.
    pub noise: NoiseSample,
    /// Score that every blob exceeds.
    pub threshold: f64,
    /// Voxels that were not finite.
    pub not_finite: u64,
}

/// Detects the blobs of one channel, block by block as a large volume would be.
///
/// * `voxels`: intensities over `z, y, x`, in memory; converted to `f32` by the caller.
/// * `quantum`: step of the intensities: 1 if they were integers, 0 if not.
/// * `block`: lengths of a block's core; by default one block. Changes no bit of the result.
///
/// Parallel over blocks in the current rayon pool. An empty or constant volume has no blobs.
///
/// # Errors
/// As [`Detector::new`].
///
/// # Examples
/// ```
/// use hooke_blobs::detect::{DetectParams, Volume, detect_volume};
/// use ndarray::Array3;
/// let image = Array3::from_shape_fn((1, 40, 40), |(_, y, x)| {
///     let d2 = (y as f32 - 12.3).powi(2) + (x as f32 - 25.6).powi(2);
///     (7 * x + 13 * y) as f32 % 5.0 + 80.0 * (-d2 / 18.0).exp()
/// });
/// let volume = Volume { shape: [1, 40, 40], voxel_um: [1.0; 3], origin_um: [0.0; 3] };
/// let found = detect_volume(image.view(), &volume, &DetectParams::default(), 1.0, None)?;
/// assert_eq!(found.blobs.len(), 1);
/// let [z, y, x] = found.blobs[0].position;
/// assert!(z == 0.0 && (y - 12.3).abs() < 0.1 && (x - 25.6).abs() < 0.1);
/// # Ok::<(), hooke_blobs::detect::DetectError>(())
/// ```
pub fn detect_volume(
    voxels: ArrayView3<'_, f32>,
    volume: &Volume,
    params: &DetectParams,
    quantum: f64,
    block: Option<[usize; 3]>,
) -> Result<Detected, DetectError> {
    let shape: [usize; 3] = voxels.dim().into();
    if shape != volume.shape {
        return Err(DetectError::Shape { channel: 0, expected: volume.shape, found: shape });
    }
    let view = |b: VoxelBox| {
        voxels.slice_move(s![b.start[0]..b.end[0], b.start[1]..b.end[1], b.start[2]..b.end[2]])
    };
    let cells: Vec<_> = sample_boxes(shape, 0)
        .into_par_iter()
        .filter_map(|cell| measure_cell(view(cell)))
        .collect();
    let noise = fit_noise(&cells, quantum, params.noise);
    let detector = Detector::new(params, *volume, noise)?;
    let cores: Vec<VoxelBox> = grid(shape, block.unwrap_or(shape)).collect();
    let found: Vec<Found> = cores
        .into_par_iter()
        .map_init(Scratch::default, |scratch, core| {
            let needed = detector.needed(core);
            let block = Block { voxels: view(needed), start: needed.start, core };
            detector.detect_block(block, scratch)
        })
        .collect::<Result<_, _>>()?;
    let mut blobs = detector.finish(0, 0, &found);
    number(&mut blobs);
    let not_finite = found.iter().map(|f| f.not_finite).sum();
    Ok(Detected { blobs, noise, threshold: detector.threshold(), not_finite })
}
