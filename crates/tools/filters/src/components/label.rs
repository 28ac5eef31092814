use super::runs::Components;
use crate::Connectivity;

/// Labels the connected components of a mask and returns how many there are.
///
/// * `src`, `out`: `(z, y, x)` of `shape`. Foreground is what differs from `T::default()`, NaN included.
///
/// Labels are `1..=count` in raster order of a component's first voxel, as of `scipy.ndimage.label`;
/// the background is 0. Parallel, same labels for any thread count. Beside `out` it holds about 28 bytes
/// per run of foreground along x.
///
/// # Panics
/// If a length does not fit `shape`, or a row or the number of runs exceeds 2³² - 2.
///
/// # Examples
/// ```
/// use hooke_filters::{Connectivity, components::label_components_into};
/// let mask = [true, false, true, false, true, false];
/// let mut labels = [0; 6];
/// assert_eq!(label_components_into(&mask, [1, 2, 3], Connectivity::Faces, &mut labels), 3);
/// assert_eq!(labels, [1, 0, 2, 0, 3, 0]);
/// assert_eq!(label_components_into(&mask, [1, 2, 3], Connectivity::Edges, &mut labels), 1);
/// ```
pub fn label_components_into<T>(
    src: &[T],
    shape: [usize; 3],
    connectivity: Connectivity,
    out: &mut [u32],
) -> usize
where
    T: Copy + PartialEq + Default + Sync,
{
    assert_eq!(out.len(), src.len(), "length of the labels");
    let is_foreground = |v: T| v != T::default();
    paint(&Components::find::<_, _, true>(src, shape, connectivity, is_foreground), out)
}

/// Labels the connected components of equal value and returns how many there are.
///
/// As [`label_components_into`], but neighbours belong together only if their values are equal, so a
/// label in two parts gets two new labels and labels that touch stay apart. A NaN is a component of its own.
///
/// # Panics
/// As [`label_components_into`].
pub fn label_equal_components_into<T>(
    src: &[T],
    shape: [usize; 3],
    connectivity: Connectivity,
    out: &mut [u32],
) -> usize
where
    T: Copy + PartialEq + Default + Sync,
{
    assert_eq!(out.len(), src.len(), "length of the labels");
    paint(&Components::find::<_, _, false>(src, shape, connectivity, |v: T| v), out)
}

fn paint(components: &Components, out: &mut [u32]) -> usize {
    out.fill(0);
    components.paint(out, |run, id| run.fill(id));
    components.count()
}

/// Counts the voxels of each label: entry `i` of `count + 1` is the size of label `i`, 0 the background.
///
/// # Panics
/// If a label exceeds `count`.
pub fn component_sizes(labels: &[u32], count: usize) -> Vec<usize> {
    let mut sizes = vec![0; count + 1];
    for run in labels.chunk_by(|a, b| a == b) {
        let label = run[0] as usize;
        assert!(label <= count, "label {label} exceeds {count}");
        sizes[label] += run.len();
    }
    sizes
}
