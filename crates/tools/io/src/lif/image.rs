//! Regions of an image: samples lie at fixed distances along every axis.

use std::path::PathBuf;

use hooke_core::image::SourceError;
use hooke_core::meta::PlaneIndex;
use hooke_core::{ImageMeta, ImageSource, Level, Pixels, ReadStatus, Region};

use crate::strided::{StridedFile, no_region};
use crate::{Error, Result};

/// One image, or one tile of it.
pub(super) struct LifImage {
    pub path: PathBuf,
    pub meta: ImageMeta,
    pub levels: [Level; 1],
    /// Channels that lie at one distance from each other, the first of each by its number.
    pub parts: Vec<(u64, StridedFile)>,
    /// Bytes the file has.
    pub available: u64,
    /// Whether planes behind its end are zeros instead of errors.
    pub rescue: bool,
}

impl ImageSource for LifImage {
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
        if level != 0 || !region.fits(self.meta.shape) {
            return Err(no_region(&self.path, region, self.meta.shape).into());
        }
        if let [(_, whole)] = self.parts.as_slice()
            && self.end(whole, region) <= self.available
        {
            whole.read(region, out)?;
            return Ok(ReadStatus::Complete);
        }
        out.reset(self.meta.dtype, region.shape);
        let mut missing = Vec::new();
        if !region.is_empty() {
            for (first, part) in &self.parts {
                self.read_part(*first, part, region, out, &mut missing)?;
            }
        }
        Ok(ReadStatus::of(missing))
    }
}

impl LifImage {
    /// Reads the channels of a part; planes that are cut are filled or an error.
    fn read_part(
        &self,
        first: u64,
        part: &StridedFile,
        region: &Region,
        out: &mut Pixels,
        missing: &mut Vec<PlaneIndex>,
    ) -> Result<()> {
        let mut own = Region::whole(self.meta.shape);
        (own.start[1], own.shape[1]) = (first, part.shape[1]);
        let Some(wanted) = own.intersect(region) else { return Ok(()) };
        let mut stored = wanted;
        stored.start[1] -= first;
        let mut pixels = Pixels::zeros(self.meta.dtype, [0; 5]);
        let at = wanted.relative_to(region.start).start;
        let expected = self.end(part, &stored);
        if expected <= self.available {
            part.read(&stored, &mut pixels)?;
            out.copy_box(at, &pixels, &Region::whole(stored.shape));
            return Ok(());
        }
        if !self.rescue {
            let what = format!("the image `{}`", self.meta.name);
            let found = self.available;
            return Err(Error::Truncated { path: self.path.clone(), what, expected, found });
        }
        let [nt, nc, nz, ny, nx] = stored.shape;
        for plane in hooke_core::region::grid([nt, nc, nz, 1, 1], [1; 5]) {
            let [t, c, z, _, _] = plane.start;
            let [st, sc, sz, sy, sx] = stored.start;
            let one = Region::new([st + t, sc + c, sz + z, sy, sx], [1, 1, 1, ny, nx]);
            let to = [at[0] + t, at[1] + c, at[2] + z, at[3], at[4]];
            if self.end(part, &one) <= self.available {
                part.read(&one, &mut pixels)?;
            } else {
                pixels = Pixels::zeros(self.meta.dtype, one.shape);
                missing.push(PlaneIndex { t: st + t, c: first + sc + c, z: sz + z });
            }
            out.copy_box(to, &pixels, &Region::whole(one.shape));
        }
        Ok(())
    }

    /// The byte behind the last sample of a region.
    pub fn end(&self, part: &StridedFile, region: &Region) -> u64 {
        if region.is_empty() {
            return 0;
        }
        let last = region.end();
        let samples: u64 = (0..5).map(|d| (last[d] - 1) * part.strides[d]).sum();
        part.offset + (samples + 1) * part.sample.size()
    }
}
