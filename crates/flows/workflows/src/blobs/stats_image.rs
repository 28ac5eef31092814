//! One frame of an image, its mask and its labels, slab by slab.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::region::grid;
use hooke_core::{Dtype, ImageSource, Pixels, Region, Sample, dispatch};
use hooke_io::{ChunkCache, OpenOptions};

use super::error::BlobsError;
use super::image::open_one;
use crate::engine::{BlockContext, BlockError};

/// Voxels of a slab, at least one row.
const SLAB_VOXELS: u64 = 1 << 20;

/// An image of one frame of interest.
pub(super) struct Frame {
    pub path: PathBuf,
    image: Arc<dyn ImageSource>,
    t: u64,
}

fn how(axes: Option<&str>) -> OpenOptions {
    let cache = Arc::new(ChunkCache::new(hooke_core::budget::SMALLEST_CACHE));
    OpenOptions { axes: axes.map(str::to_owned), cache: Some(cache), ..OpenOptions::default() }
}

impl Frame {
    /// Opens an image; `time` is needed where there are several frames.
    ///
    /// # Errors
    /// When it cannot be read, or has no such frame.
    pub fn open(path: &Path, axes: Option<&str>, time: Option<u64>) -> Result<Frame, BlobsError> {
        let image = open_one(path, &how(axes))?;
        let frames = image.meta().shape[0];
        let t = match time {
            Some(t) if t < frames => t,
            None if frames == 1 => 0,
            Some(t) => {
                let what = format!("--time {t}: {} has {frames} frames", path.display());
                return Err(BlobsError::usage(what, "frames count from 0"));
            }
            None => {
                let what = format!("{}: {frames} frames", path.display());
                return Err(BlobsError::usage(what, "choose one, from 0: --time N"));
            }
        };
        Ok(Frame { path: path.to_owned(), image, t })
    }

    /// Opens an image of one channel and of the shape of this one, with one frame or as many.
    ///
    /// # Errors
    /// When it cannot be read, or has another shape.
    pub fn beside(&self, option: &'static str, path: &Path) -> Result<Frame, BlobsError> {
        let image = open_one(path, &how(None))?;
        let (found, of) = (image.meta().shape, self.image.meta().shape);
        if found[1] != 1 || found[2..] != of[2..] || !(found[0] == 1 || found[0] == of[0]) {
            let what = format!(
                "--{option} {}: {:?} voxels over t, c, z, y, x; the image has {of:?}",
                path.display(),
                found
            );
            return Err(BlobsError::unfit(what, "one channel of the shape of the image is wanted"));
        }
        let t = if found[0] == 1 { 0 } else { self.t };
        Ok(Frame { path: path.to_owned(), image, t })
    }

    pub fn dtype(&self) -> Dtype {
        self.image.meta().dtype
    }

    pub fn channels(&self) -> u64 {
        self.image.meta().shape[1]
    }

    /// Lengths over `z, y, x`.
    pub fn lengths(&self) -> [u64; 3] {
        let [_, _, z, y, x] = self.image.meta().shape;
        [z, y, x]
    }

    pub fn voxels(&self) -> u64 {
        self.lengths().iter().product()
    }

    /// Boxes of whole rows over `z, y, x`, in order.
    pub fn slabs(&self) -> impl Iterator<Item = Region> + use<> {
        let [z, y, x] = self.lengths();
        let rows = (SLAB_VOXELS / x.max(1)).clamp(1, y.max(1));
        let planes = (SLAB_VOXELS / (x * y).max(1)).clamp(1, z.max(1));
        grid([1, 1, z, y, x], [1, 1, planes, rows, x.max(1)])
    }

    /// Reads a box of one channel.
    pub fn read(&self, channel: u64, slab: &Region, out: &mut Pixels) -> Result<(), BlockError> {
        let mut region = *slab;
        (region.start[0], region.start[1]) = (self.t, channel);
        self.image.read(0, &region, out)?;
        Ok(())
    }

    /// Reads where an image is not 0.
    pub fn read_mask(&self, slab: &Region, inside: &mut Vec<bool>) -> Result<(), BlockError> {
        let mut pixels = Pixels::zeros(self.dtype(), [1; 5]);
        self.read(0, slab, &mut pixels)?;
        inside.clear();
        dispatch!(self.dtype(), T => {
            let values = pixels.as_slice::<T>().unwrap_or_default();
            inside.extend(values.iter().map(|v| !v.is_nan() && v.to_f64() != 0.0));
        });
        Ok(())
    }

    /// Reads labels.
    pub fn read_labels(&self, slab: &Region, labels: &mut Vec<i64>) -> Result<(), BlockError> {
        let mut pixels = Pixels::zeros(self.dtype(), [1; 5]);
        self.read(0, slab, &mut pixels)?;
        labels.clear();
        let too_large = || {
            let what = format!("{}: a label of more than 63 bits", self.path.display());
            BlobsError::unfit(what, "labels are whole numbers up to 9223372036854775807")
        };
        dispatch!(self.dtype(), T => {
            for value in pixels.as_slice::<T>().unwrap_or_default() {
                let label = value.to_i128().and_then(|v| i64::try_from(v).ok());
                labels.push(label.ok_or_else(too_large)?);
            }
        });
        Ok(())
    }
}

/// Calls `with` on every slab, in order, unless the run is to stop.
pub(super) fn each_slab(
    frame: &Frame,
    cx: &BlockContext<'_>,
    mut with: impl FnMut(&Region) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    for slab in frame.slabs() {
        if cx.progress.is_cancelled() {
            return Err(BlockError::Cancelled);
        }
        with(&slab)?;
        cx.progress.advance(0, slab.voxels());
    }
    Ok(())
}
