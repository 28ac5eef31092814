//! Flat-field and dark images.

use std::path::Path;
use std::sync::Arc;

use hooke_core::{Pixels, Region};
use hooke_io::{ChunkCache, OpenOptions};
use ndarray::Array2;

use super::error::StitchError;

/// Reads a two-dimensional image as f32 over `(y, x)`.
///
/// # Errors
/// When it cannot be read or is not two-dimensional.
pub fn read_plane(path: &Path) -> Result<Array2<f32>, StitchError> {
    let how = OpenOptions { cache: Some(Arc::new(ChunkCache::new(0))), ..OpenOptions::default() };
    let opened = hooke_io::open(path, &how)?;
    let not_flat = |what: String| hooke_io::Error::unsupported(path, what, "give one plane");
    let image = opened.images().first().ok_or_else(|| not_flat("no image in it".to_owned()))?;
    let shape = image.meta().shape;
    if shape[..3].iter().any(|n| *n != 1) {
        return Err(not_flat(format!("an image of shape {shape:?} as a camera's plane")).into());
    }
    let mut pixels = Pixels::zeros(image.meta().dtype, [0; 5]);
    image
        .read(0, &Region::whole(shape), &mut pixels)
        .map_err(|e| hooke_io::Error::corrupt(path, e.to_string()))?;
    let mut values = Vec::new();
    pixels.to_f32_into(&mut values);
    let plane = Array2::from_shape_vec((shape[3] as usize, shape[4] as usize), values);
    plane.map_err(|e| hooke_io::Error::corrupt(path, e.to_string()).into())
}
