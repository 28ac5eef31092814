//! Where blobs could have been: the image, a box of it, or a mask.

use std::f64::consts::PI;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_blobs::chance::Field;
use hooke_core::region::grid;
use hooke_core::{ImageSource, Pixels, Sample, dispatch};
use hooke_io::blobs::VoxelBox;
use hooke_io::{ChunkCache, OpenOptions};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::error::BlobsError;
use super::tables::Tables;
use crate::engine::{BlockContext, BlockError};

/// Bytes of a mask that are read at once.
const SLAB_BYTES: u64 = 16 << 20;

/// The box that blobs are shifted in, in µm: the part of the image within `window`.
///
/// # Errors
/// When neither the image's lengths nor a box are known, or the box lies outside.
pub(super) fn box_field(
    tables: &Tables,
    window: Option<&VoxelBox>,
) -> Result<Field<'static>, BlobsError> {
    let image = tables.extent().map(|n| n.map(|n| [-0.5, n as f64 - 0.5]));
    let span = |w: &VoxelBox, d: usize| [w.offset[d], w.offset[d] + w.shape[d]];
    let (mut start_um, mut extent_um) = ([0.0; 3], [0.0; 3]);
    for d in 0..3 {
        let [low, high] = match (image, window) {
            (None, None) => {
                let what = "--chance: the lengths of the image are not known";
                return Err(BlobsError::usage(what, "give a box: --offset Z,Y,X --shape NZ,NY,NX"));
            }
            (Some(image), None) => image[d],
            (None, Some(window)) => span(window, d),
            (Some(image), Some(window)) => {
                let (image, window) = (image[d], span(window, d));
                [image[0].max(window[0]), image[1].min(window[1])]
            }
        };
        if high <= low {
            let what = "--chance: the box lies outside the image";
            return Err(BlobsError::usage(what, "give another one: --offset, --shape"));
        }
        let voxel = tables.image.voxel_size_um[d];
        start_um[d] = low * voxel + tables.image.origin_um[d];
        // Blobs of a plane stay in it.
        let is_plane = tables.extent().map_or(high - low <= 1.0, |n| n[d] == 1);
        extent_um[d] = if is_plane { 0.0 } else { (high - low) * voxel };
    }
    Ok(Field::Box { start_um, extent_um })
}

/// An image that is not 0 where blobs could have been; it covers the image the blobs lie in.
pub(super) struct Mask {
    path: PathBuf,
    image: Arc<dyn ImageSource>,
    /// Lengths in voxels of the mask.
    shape: [u64; 3],
    /// Lengths of its voxels, and the centre of its first one.
    voxel_um: [f64; 3],
    origin_um: [f64; 3],
}

impl Mask {
    /// Opens a mask; its voxels may be larger or smaller than the image's.
    ///
    /// # Errors
    /// When it cannot be read, or is not one volume.
    pub fn open(path: &Path, tables: &Tables) -> Result<Mask, BlobsError> {
        let cache = Arc::new(ChunkCache::new(hooke_core::budget::SMALLEST_CACHE));
        let how = OpenOptions { cache: Some(cache), ..OpenOptions::default() };
        let dataset = hooke_io::open(path, &how)?;
        let found: Vec<[u64; 5]> = dataset.images().iter().map(|i| i.meta().shape).collect();
        let (Some(image), [[1, 1, z, y, x]]) = (dataset.images().first(), found.as_slice()) else {
            let what = format!("{}: a mask is one image of one channel and frame", path.display());
            return Err(BlobsError::unfit(what, "give another one with --mask"));
        };
        let shape = [*z, *y, *x];
        let own = &tables.image;
        // Without the lengths of the image, its voxels are those of the mask.
        let of = tables.extent().unwrap_or(shape);
        let voxel_um: [f64; 3] =
            std::array::from_fn(|d| own.voxel_size_um[d] * of[d] as f64 / shape[d].max(1) as f64);
        let origin_um =
            std::array::from_fn(|d| own.origin_um[d] + (voxel_um[d] - own.voxel_size_um[d]) / 2.0);
        Ok(Mask { path: path.to_owned(), image: Arc::clone(image), shape, voxel_um, origin_um })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads where the mask is not 0.
    ///
    /// # Errors
    /// When it cannot be read, is 0 throughout, or has more runs than the memory holds.
    pub fn places(&self, bytes: u64, cx: &BlockContext<'_>) -> Result<Places<'_>, BlockError> {
        let meta = self.image.meta();
        let (mut pixels, mut runs) = (Pixels::zeros(meta.dtype, [1; 5]), Vec::new());
        let [_, _, nz, ny, nx] = meta.shape;
        let rows = (SLAB_BYTES / (nx * meta.dtype.size() as u64).max(1)).clamp(1, ny.max(1));
        let mut voxels = 0;
        for slab in grid([1, 1, nz, ny, nx], [1, 1, 1, rows, nx.max(1)]) {
            if cx.progress.is_cancelled() {
                return Err(BlockError::Cancelled);
            }
            self.image.read(0, &slab, &mut pixels)?;
            let first = (slab.start[2] * ny + slab.start[3]) * nx;
            dispatch!(meta.dtype, T => {
                let values = pixels.as_slice::<T>().unwrap_or_default();
                voxels = add_runs(&mut runs, values, first, nx, voxels);
            });
            if runs.len() as u64 * size_of::<Run>() as u64 > bytes {
                let what = format!("{}: too many parts for the memory", self.path.display());
                return Err(BlobsError::unfit(what, "raise --memory").into());
            }
        }
        if voxels == 0 {
            let what = format!("{}: 0 throughout", self.path.display());
            return Err(BlobsError::unfit(what, "a mask is not 0 where blobs can be").into());
        }
        Ok(Places { mask: self, runs, voxels })
    }
}

/// Neighbouring voxels along x within the mask.
struct Run {
    /// Voxels in the runs before.
    before: u64,
    /// The first voxel, counted over the whole mask.
    first: u64,
}

/// Adds the runs of some rows, of which the first voxel has the number `first`; gives the voxels so far.
fn add_runs<T: Sample>(
    runs: &mut Vec<Run>,
    values: &[T],
    first: u64,
    row: u64,
    mut voxels: u64,
) -> u64 {
    for (y, values) in values.chunks(row.max(1) as usize).enumerate() {
        let mut inside = false;
        for (x, value) in values.iter().enumerate() {
            let now = !value.is_nan() && value.to_f64() != 0.0;
            if now && !inside {
                runs.push(Run { before: voxels, first: first + y as u64 * row + x as u64 });
            }
            inside = now;
            voxels += u64::from(now);
        }
    }
    voxels
}

/// The voxels within a mask.
pub(super) struct Places<'a> {
    mask: &'a Mask,
    runs: Vec<Run>,
    voxels: u64,
}

impl Places<'_> {
    /// The volume in µm³. Along axes of one plane, blobs do not differ: such a mask gets the volume of
    /// which a gate fills as large a part as the section of the gate does of the mask.
    pub fn volume_um3(&self, tolerance_um: [f64; 3]) -> f64 {
        let is_long = |d: &usize| self.mask.shape[*d] > 1;
        let n = (0..3).filter(is_long).count();
        let length = |d: usize| match is_long(&d) {
            true => self.mask.voxel_um[d],
            false => tolerance_um[d],
        };
        let ball = 4.0 / 3.0 * PI;
        let section = [1.0, 2.0, PI, ball][n];
        self.voxels as f64 * (0..3).map(length).product::<f64>() * ball / section
    }

    /// A place in µm, evenly over the mask, the insides of its voxels included.
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> [f64; 3] {
        let wanted = rng.random_range(0..self.voxels);
        let at = self.runs.partition_point(|run| run.before <= wanted).saturating_sub(1);
        let number = self.runs.get(at).map_or(0, |run| run.first + wanted - run.before);
        let [_, ny, nx] = self.mask.shape;
        let index = [number / (ny * nx), number / nx % ny, number % nx];
        std::array::from_fn(|d| {
            // In a mask of one plane, blobs stay in it.
            let inside = if self.mask.shape[d] == 1 { 0.0 } else { rng.random::<f64>() - 0.5 };
            self.mask.origin_um[d] + (index[d] as f64 + inside) * self.mask.voxel_um[d]
        })
    }

    /// Whether a place in µm lies within the mask.
    pub fn holds(&self, place_um: [f64; 3]) -> bool {
        let mut number = 0;
        for d in 0..3 {
            let at = (place_um[d] - self.mask.origin_um[d]) / self.mask.voxel_um[d] + 0.5;
            if !(at >= 0.0 && at < self.mask.shape[d] as f64) {
                return false;
            }
            number = number * self.mask.shape[d] + at as u64;
        }
        let Some(at) = self.runs.partition_point(|run| run.first <= number).checked_sub(1) else {
            return false;
        };
        let end = self.runs.get(at + 1).map_or(self.voxels, |next| next.before);
        self.runs.get(at).is_some_and(|run| number - run.first < end - run.before)
    }
}
