//! One setup over all timepoints as an image, wherever the pixels of its views are.

use std::path::PathBuf;

use hooke_core::image::SourceError;
use hooke_core::meta::PlaneIndex;
use hooke_core::{Dtype, ImageMeta, ImageSource, Level, Pixels, ReadStatus, Region};

use crate::strided::no_region;
use crate::{Error, Result};

/// The pixels of the views of one setup.
pub(super) trait Views: Send + Sync {
    /// Reads a region (over `z, y, x`; `t` and `c` are 0) of a level of the view at the timepoint of
    /// this number.
    ///
    /// # Errors
    /// When the file cannot be read or decoded there.
    fn read(&self, level: usize, t: u64, region: &Region, out: &mut Pixels) -> Result<ReadStatus>;
}

/// What a container holds of a setup.
pub(super) struct StoredViews {
    /// Levels of one view.
    pub levels: Vec<Level>,
    /// The type pixels are read as.
    pub dtype: Dtype,
    /// The type they are stored as.
    pub stored_dtype: String,
    pub views: Box<dyn Views>,
}

/// A setup over all timepoints as one image.
pub(super) struct BdvImage {
    /// The file that errors name.
    pub path: PathBuf,
    pub setup: u64,
    /// Whether the view of each timepoint is stored.
    pub present: Vec<bool>,
    /// `None` when no view is stored.
    pub views: Option<Box<dyn Views>>,
    pub meta: ImageMeta,
    pub levels: Vec<Level>,
}

impl ImageSource for BdvImage {
    fn meta(&self) -> &ImageMeta {
        &self.meta
    }
    fn levels(&self) -> &[Level] {
        &self.levels
    }
    fn read(
        &self,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<ReadStatus, SourceError> {
        let Some(stored) = self.levels.get(level) else {
            let what = format!("level {level}; setup {} has {}", self.setup, self.levels.len());
            return Err(Error::NotThere { path: self.path.clone(), what }.into());
        };
        if !region.fits(stored.shape) {
            return Err(no_region(&self.path, region, stored.shape).into());
        }
        let mut in_view = *region;
        (in_view.start[0], in_view.shape[0]) = (0, 1);
        let view_of = |t: u64| self.views.as_ref().filter(|_| self.present[t as usize]);
        let at = |t: u64| move |p: PlaneIndex| PlaneIndex { t, ..p };
        if let (1, Some(views)) = (region.shape[0], view_of(region.start[0])) {
            let t = region.start[0];
            return Ok(match views.read(level, t, &in_view, out)? {
                ReadStatus::Complete => ReadStatus::Complete,
                ReadStatus::MissingFilled(planes) => {
                    ReadStatus::of(planes.into_iter().map(at(t)).collect())
                }
            });
        }
        let mut missing = Vec::new();
        out.reset(self.meta.dtype, region.shape);
        out.fill(0.0);
        let mut view = Pixels::zeros(self.meta.dtype, [0; 5]);
        for t in region.start[0]..region.end()[0] {
            let Some(views) = view_of(t) else {
                missing.push(PlaneIndex { t, c: 0, z: 0 });
                continue;
            };
            if let ReadStatus::MissingFilled(planes) = views.read(level, t, &in_view, &mut view)? {
                missing.extend(planes.into_iter().map(at(t)));
            }
            let to = [t - region.start[0], 0, 0, 0, 0];
            out.copy_box(to, &view, &Region::whole(in_view.shape));
        }
        Ok(ReadStatus::of(missing))
    }
}
