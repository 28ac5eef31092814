use std::collections::HashMap;

use super::runs::Components;
use crate::Connectivity;

/// Sets the connected components of a mask that have fewer than `min_size` voxels to background.
///
/// * `mask`: `(z, y, x)` of `shape`. Foreground is what differs from `T::default()`.
///
/// As `remove_small_objects` of scikit-image on a boolean image. Parallel.
///
/// # Panics
/// If `mask` does not fit `shape`.
pub fn remove_small_objects<T>(
    mask: &mut [T],
    shape: [usize; 3],
    connectivity: Connectivity,
    min_size: usize,
) where
    T: Copy + PartialEq + Default + Send + Sync,
{
    let is_foreground = |v: T| v != T::default();
    let objects = Components::find::<_, _, true>(mask, shape, connectivity, is_foreground);
    let sizes = objects.sizes();
    objects.paint(mask, |run, id| {
        if sizes[id as usize] < min_size {
            run.fill(T::default());
        }
    });
}

/// Sets the labels that have fewer than `min_size` voxels to 0, connected or not.
///
/// As `remove_small_objects` of scikit-image on a label image.
pub fn remove_small_labels(labels: &mut [u32], min_size: usize) {
    let mut sizes: HashMap<u32, usize> = HashMap::new();
    for run in labels.chunk_by(|a, b| a == b) {
        *sizes.entry(run[0]).or_default() += run.len();
    }
    for run in labels.chunk_by_mut(|a, b| a == b) {
        if sizes[&run[0]] < min_size {
            run.fill(0);
        }
    }
}

/// Fills the connected components of the background that have fewer than `area` voxels.
///
/// * `mask`: `(z, y, x)` of `shape`. `connectivity`: of the background.
///
/// As `remove_small_holes` of scikit-image: background at the border counts as a hole too. Parallel.
///
/// # Panics
/// If `mask` does not fit `shape`.
pub fn remove_small_holes(
    mask: &mut [bool],
    shape: [usize; 3],
    connectivity: Connectivity,
    area: usize,
) {
    let holes = Components::find::<_, _, true>(mask, shape, connectivity, |v| !v);
    let sizes = holes.sizes();
    holes.paint(mask, |run, id| {
        if sizes[id as usize] < area {
            run.fill(true);
        }
    });
}

/// Fills the background that is not connected with the border.
///
/// * `mask`: `(z, y, x)` of `shape`; ends of axes of length 1 are no border, so an image is filled as
///   one. `connectivity`: of the background. [`Connectivity::Faces`] is what `binary_fill_holes` of SciPy
///   does: a hole is closed also by foreground that hangs together only diagonally.
///
/// Parallel.
///
/// # Panics
/// If `mask` does not fit `shape`.
pub fn fill_holes(mask: &mut [bool], shape: [usize; 3], connectivity: Connectivity) {
    let holes = Components::find::<_, _, true>(mask, shape, connectivity, |v| !v);
    let outside = holes.touch_border();
    holes.paint(mask, |run, id| {
        if !outside[id as usize] {
            run.fill(true);
        }
    });
}
