//! Values of a label image or mask at points of another image of the same field of view.

use std::path::Path;
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::{ImageSource, Pixels, Region};
use hooke_io::{ChunkCache, OpenOptions};

use super::error::BlobsError;
use super::image::open_one;

/// An image whose voxels are looked up one by one.
pub(super) struct LabelImage {
    source: Arc<dyn ImageSource>,
}

impl LabelImage {
    /// Opens it; chunks are kept in `cache`.
    ///
    /// # Errors
    /// When it cannot be read, or has several channels or frames.
    pub fn open(path: &Path, cache: &Arc<ChunkCache>) -> Result<LabelImage, BlobsError> {
        let how = OpenOptions { cache: Some(Arc::clone(cache)), ..OpenOptions::default() };
        let source = open_one(path, &how)?;
        let [t, c, ..] = source.meta().shape;
        match t * c {
            1 => Ok(LabelImage { source }),
            _ => {
                let what = format!("{}: {t} frames of {c} channels", path.display());
                Err(BlobsError::unfit(what, "give an image of one channel and one frame"))
            }
        }
    }

    /// The value at the place of a point in an image of `shape` voxels over the same field of view; that
    /// at the nearest face outside.
    ///
    /// # Errors
    /// When the file cannot be read there.
    pub fn at(&self, position: [f64; 3], shape: [usize; 3]) -> Result<i64, SourceError> {
        let own = self.source.meta().shape;
        let mut start = [0; 5];
        for d in 0..3 {
            // A fit may place a blob just outside a face.
            let share = ((position[d] + 0.5) / shape[d] as f64).clamp(0.0, 1.0);
            start[d + 2] = ((share * own[d + 2] as f64) as u64).min(own[d + 2] - 1);
        }
        let mut voxel = Pixels::zeros(self.source.meta().dtype, [0; 5]);
        self.source.read(0, &Region::new(start, [1; 5]), &mut voxel)?;
        let value = match voxel.as_slice::<u64>() {
            Some(exact) => i64::try_from(exact[0])
                .map_err(|_| format!("region {} is beyond 63 bits", exact[0]))?,
            None => hooke_core::dispatch!(voxel.dtype(), T => {
                // Away from 0: a mask of 0.5 is no 0.
                let whole = |v: f64| if v > 0.0 { v.ceil() } else { v.floor() };
                voxel.as_slice::<T>().map_or(0, |v| whole(hooke_core::Sample::to_f64(v[0])) as i64)
            }),
        };
        Ok(value)
    }
}
