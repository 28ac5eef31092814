//! One level of an image in a file.

use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::{ImageMeta, ImageSource, Pixels, Region, Sourced};

use super::View;
use crate::convert::ConvertError;

/// A level of an image, as if it were the image.
pub(super) struct Opened {
    source: Arc<dyn ImageSource>,
    level: usize,
    meta: ImageMeta,
}

impl Opened {
    pub fn new(source: Arc<dyn ImageSource>, level: usize) -> Result<Opened, ConvertError> {
        let Some(stored) = source.levels().get(level) else {
            return Err(ConvertError::parameters(
                format!("no level {level}; the image has {}", source.levels().len()),
                "levels count from 0",
            ));
        };
        let mut meta = source.meta().clone();
        meta.shape = stored.shape;
        for d in 0..3 {
            let factor = stored.factors[d];
            if let Some(size) = meta.voxel_size_um[d].value.filter(|_| factor != 1.0) {
                enlarge(&mut meta, d, size, factor);
            }
        }
        Ok(Opened { source, level, meta })
    }
}

impl View for Opened {
    fn meta(&self) -> &ImageMeta {
        &self.meta
    }

    fn read(&self, region: &Region, out: &mut Pixels) -> Result<u64, SourceError> {
        self.source.read(self.level, region, out)?;
        Ok(0)
    }

    fn reads_once(&self) -> bool {
        true
    }

    fn scratch_bytes(&self, _: [u64; 5]) -> u64 {
        0
    }
}

/// Voxels `factor` times as large as `size` along space axis `d`: the centre of the first one moves.
pub(super) fn enlarge(meta: &mut ImageMeta, d: usize, size: f64, factor: f64) {
    meta.voxel_size_um[d].value = Some(size * factor);
    shift(meta, d, (factor - 1.0) / 2.0 * size);
}

/// Moves the first voxel by `um` along space axis `d`; an unknown position counts as 0 from then on.
pub(super) fn shift(meta: &mut ImageMeta, d: usize, um: f64) {
    if um == 0.0 {
        return;
    }
    let from = match meta.origin_um[d].value {
        Some(_) => meta.origin_um[d].from,
        None => meta.voxel_size_um[d].from,
    };
    let origin = meta.origin_um[d].value.unwrap_or(0.0);
    meta.origin_um[d] = Sourced { value: Some(origin + um), from };
}
