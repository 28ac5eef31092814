//! Voxels outside a mask set to 0.

use hooke_core::Sample;

use crate::error::TilesetError;

/// Sets every voxel to 0 where the mask is 0. Serial; any type of mask; NaN counts as set.
///
/// # Arguments
/// * `tile` — for messages.
/// * `shape`, `mask_shape` — of the image and of the mask, over `z, y, x`.
///
/// # Errors
/// [`TilesetError::ShapeMismatch`] when the shapes, or the buffers, differ.
pub fn apply_mask<T: Sample, M: Sample>(
    tile: usize,
    image: &mut [T],
    shape: [u64; 3],
    mask: &[M],
    mask_shape: [u64; 3],
) -> Result<(), TilesetError> {
    if shape != mask_shape || image.len() != mask.len() {
        let what = format!("the mask of tile {tile}");
        let (expected, found) = (shape.to_vec(), mask_shape.to_vec());
        return Err(TilesetError::ShapeMismatch { what, expected, found });
    }
    let zero = M::default();
    for (value, mask) in image.iter_mut().zip(mask) {
        *value = if *mask == zero { T::default() } else { *value };
    }
    Ok(())
}
