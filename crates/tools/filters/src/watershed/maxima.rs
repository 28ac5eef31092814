use hooke_core::disjoint_sets::DisjointSets;

use super::neighbours::Neighbours;
use crate::Connectivity;

/// Finds the local maxima: connected voxels of one value whose other neighbours are all lower.
///
/// * `src`, `out`: `(z, y, x)` of `shape`.
///
/// Maxima at the border count. A volume of one value is a maximum as a whole. NaN is no maximum and lower than
/// everything. Linear time; not parallel.
///
/// # Panics
/// If a length does not fit `shape`.
pub fn local_maxima_into<T: Copy + PartialOrd>(
    src: &[T],
    shape: [usize; 3],
    connectivity: Connectivity,
    out: &mut [bool],
) {
    assert_eq!(src.len(), shape.iter().product::<usize>(), "length of the source");
    assert_eq!(out.len(), src.len(), "length of the output");
    let neighbours = Neighbours::new(shape, connectivity);
    out.fill(false);
    let mut seen = vec![false; src.len()];
    let mut plateau = Vec::new();
    for first in 0..src.len() {
        let value = src[first];
        // Only NaN does not equal itself.
        if seen[first] || value.partial_cmp(&value).is_none() {
            continue;
        }
        seen[first] = true;
        plateau.clear();
        plateau.push(first);
        let mut is_maximum = true;
        let mut next = 0;
        while next < plateau.len() {
            neighbours.for_each(plateau[next], |i| {
                if src[i] > value {
                    is_maximum = false;
                } else if src[i] == value && !seen[i] {
                    seen[i] = true;
                    plateau.push(i);
                }
            });
            next += 1;
        }
        if is_maximum {
            plateau.iter().for_each(|&i| out[i] = true);
        }
    }
}

/// Finds the maxima from which every way to something higher leads down by at least `height`.
///
/// * `src`, `out`: `(z, y, x)` of `shape`.
///
/// With `height` towards 0 these are the local maxima. Peaks of one height that are joined above `height`
/// below them are all kept, as by `skimage.morphology.h_maxima`; the highest voxels are always kept. NaN is no
/// maximum and no way leads over it.
///
/// Voxels are taken from the highest on and joined into hills; where two hills meet, the depth of the
/// lower one's top is known (its dynamics). `O(n log n)`; not parallel; 28 bytes per voxel.
///
/// # Panics
/// If a length does not fit `shape`, `height` is not positive, or there are 2³² - 1 voxels or more.
///
/// # Reference
/// Grimaud (1992), doi:10.1117/12.60650.
///
/// # Examples
/// ```
/// use hooke_filters::{Connectivity, watershed::h_maxima_into};
/// let mut peaks = [false; 5];
/// h_maxima_into(&[3.0_f32, 1.0, 2.0, 0.0, 9.0], [1, 1, 5], 1.5, Connectivity::Faces, &mut peaks);
/// assert_eq!(peaks, [true, false, false, false, true]);
/// ```
pub fn h_maxima_into<T: Copy + PartialOrd + Into<f64>>(
    src: &[T],
    shape: [usize; 3],
    height: f64,
    connectivity: Connectivity,
    out: &mut [bool],
) {
    assert_eq!(src.len(), shape.iter().product::<usize>(), "length of the source");
    assert_eq!(out.len(), src.len(), "length of the output");
    assert!(height > 0.0, "height {height} is not positive");
    assert!(src.len() < u32::MAX as usize, "{} voxels are too many", src.len());
    let neighbours = Neighbours::new(shape, connectivity);
    let mut order: Vec<u32> =
        (0..src.len() as u32).filter(|&i| !src[i as usize].into().is_nan()).collect();
    // Equal voxels in any order: hills that meet there have tops of depth 0, or are one top.
    order.sort_unstable_by(|&a, &b| {
        let (a, b): (f64, f64) = (src[a as usize].into(), src[b as usize].into());
        b.total_cmp(&a)
    });
    let mut hills = DisjointSets::new(src.len());
    // A voxel of the top of the hill that each root stands for, NONE before the voxel is taken.
    const NONE: u32 = u32::MAX;
    let mut top_of = vec![NONE; src.len()];
    // Tops of one height that met are one; each voxel of a top stands for its own part of it.
    let mut tops = DisjointSets::new(src.len());
    let mut is_low = vec![false; src.len()];
    for &voxel in &order {
        let voxel = voxel as usize;
        let value: f64 = src[voxel].into();
        top_of[voxel] = voxel as u32;
        neighbours.for_each(voxel, |i| {
            if top_of[i] == NONE {
                return;
            }
            let (mine, other) = (hills.find(voxel), hills.find(i));
            let (a, b) = (top_of[mine] as usize, top_of[other] as usize);
            let Some((root, _)) = hills.join(mine, other) else { return };
            let (p, q): (f64, f64) = (src[a].into(), src[b].into());
            let stands_out = p.min(q) - value >= height;
            if p == q {
                tops.join(a, b);
            } else if !stands_out {
                is_low[tops.find(if p < q { a } else { b })] = true;
            }
            top_of[root] = if p < q { b } else { a } as u32;
        });
    }
    out.fill(false);
    for &voxel in &order {
        out[voxel as usize] = !is_low[tops.find(voxel as usize)];
    }
}
