//! Erosion, dilation, opening and closing of masks.
//!
//! Voxels outside of the volume do not constrain: they neither erode nor dilate, as in OpenCV. (SciPy
//! erodes from outside unless told otherwise.)

use rayon::prelude::*;

use crate::Connectivity;
use crate::column_blocks::column_blocks;

/// Columns of one parallel task.
const COLUMNS: usize = 512;

/// The voxels around a voxel that decide over it; the voxel itself is always one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Footprint {
    /// All within `radius` voxels along each axis `(z, y, x)`: `2 radius + 1` of them.
    Rectangle([usize; 3]),
    /// The direct neighbours. `Faces` is the cross of an image's 4 neighbours, `Corners` its 3 x 3 square.
    Neighbours(Connectivity),
}

/// Dilates a mask: a voxel is set if any of its footprint is.
///
/// * `src`, `out`: `(z, y, x)` of `shape`.
///
/// The time does not depend on the radius of a rectangle. Parallel, same result for any thread count.
///
/// # Panics
/// If a length does not fit `shape`.
///
/// # Examples
/// ```
/// use hooke_filters::morphology::{Footprint, dilate_into, erode_into};
/// let (mut wide, mut narrow) = ([false; 5], [false; 5]);
/// let radius_one = Footprint::Rectangle([0, 0, 1]);
/// dilate_into(&[false, true, false, false, false], [1, 1, 5], radius_one, &mut wide);
/// assert_eq!(wide, [true, true, true, false, false]);
/// erode_into(&wide, [1, 1, 5], radius_one, &mut narrow);
/// assert_eq!(narrow, [true, true, false, false, false]);
/// ```
pub fn dilate_into(src: &[bool], shape: [usize; 3], footprint: Footprint, out: &mut [bool]) {
    spread(src, shape, footprint, true, out);
}

/// Erodes a mask: a voxel stays set if all of its footprint within the volume is. As [`dilate_into`].
///
/// # Panics
/// As [`dilate_into`].
pub fn erode_into(src: &[bool], shape: [usize; 3], footprint: Footprint, out: &mut [bool]) {
    spread(src, shape, footprint, false, out);
}

/// Opens a mask, eroding and then dilating it: removes what the footprint does not fit into.
/// As [`dilate_into`].
///
/// # Panics
/// As [`dilate_into`].
pub fn open_into(src: &[bool], shape: [usize; 3], footprint: Footprint, out: &mut [bool]) {
    let mut eroded = vec![false; src.len()];
    spread(src, shape, footprint, false, &mut eroded);
    spread(&eroded, shape, footprint, true, out);
}

/// Closes a mask, dilating and then eroding it: fills what the footprint does not fit into.
/// As [`dilate_into`].
///
/// # Panics
/// As [`dilate_into`].
pub fn close_into(src: &[bool], shape: [usize; 3], footprint: Footprint, out: &mut [bool]) {
    let mut dilated = vec![false; src.len()];
    spread(src, shape, footprint, true, &mut dilated);
    spread(&dilated, shape, footprint, false, out);
}

/// Gives voxels `value` that have one of it in their footprint: `true` dilates, `false` erodes.
fn spread(src: &[bool], shape: [usize; 3], footprint: Footprint, value: bool, out: &mut [bool]) {
    assert_eq!(src.len(), shape.iter().product::<usize>(), "length of the source");
    assert_eq!(out.len(), src.len(), "length of the output");
    if src.is_empty() {
        return;
    }
    match footprint {
        Footprint::Neighbours(connectivity) => {
            spread_to_neighbours(src, shape, connectivity, value, out);
        }
        Footprint::Rectangle(radius) => {
            let axes: Vec<usize> = (0..3).rev().filter(|&a| radius[a] > 0).collect();
            let pass = |axis: usize, src: &[bool], out: &mut [bool]| match axis {
                2 => spread_along_rows(src, shape[2], radius[2], value, out),
                _ => spread_along_columns(src, shape, axis, radius[axis], value, out),
            };
            match axes[..] {
                [] => out.copy_from_slice(src),
                [a] => pass(a, src, out),
                [a, b] => {
                    let mut middle = vec![false; src.len()];
                    pass(a, src, &mut middle);
                    pass(b, &middle, out);
                }
                [a, b, c, ..] => {
                    let mut middle = vec![false; src.len()];
                    pass(a, src, out);
                    pass(b, out, &mut middle);
                    pass(c, &middle, out);
                }
            }
        }
    }
}

fn spread_along_rows(src: &[bool], width: usize, radius: usize, value: bool, out: &mut [bool]) {
    out.par_chunks_mut(width).zip(src.par_chunks(width)).with_min_len(16).for_each(|(out, src)| {
        out.fill(!value);
        let mut end = 0;
        for run in src.chunk_by(|a, b| a == b) {
            let start = end;
            end += run.len();
            if run[0] == value {
                out[start.saturating_sub(radius)..end.saturating_add(radius).min(width)]
                    .fill(value);
            }
        }
    });
}

fn spread_along_columns(
    src: &[bool],
    shape: [usize; 3],
    axis: usize,
    radius: usize,
    value: bool,
    out: &mut [bool],
) {
    let stride: usize = shape[axis + 1..].iter().product();
    column_blocks(out, shape, axis, COLUMNS).par_iter_mut().for_each(|(start, rows)| {
        let (len, width) = (rows.len(), rows[0].len());
        let row = |i: usize| &src[*start + i * stride..][..width];
        // How many voxels of each column have the value within the window that slides along.
        let mut counts = vec![0_u32; width];
        let count = |row: &[bool], step: u32, counts: &mut [u32]| {
            for (count, &v) in counts.iter_mut().zip(row) {
                *count = count.wrapping_add(u32::from(v == value).wrapping_mul(step));
            }
        };
        for i in 0..radius.min(len) {
            count(row(i), 1, &mut counts);
        }
        for (i, out) in rows.iter_mut().enumerate() {
            if radius < len - i {
                count(row(i + radius), 1, &mut counts);
            }
            if i > radius {
                count(row(i - radius - 1), 1_u32.wrapping_neg(), &mut counts);
            }
            for (out, &count) in out.iter_mut().zip(&counts) {
                *out = (count > 0) == value;
            }
        }
    });
}

fn spread_to_neighbours(
    src: &[bool],
    shape: [usize; 3],
    connectivity: Connectivity,
    value: bool,
    out: &mut [bool],
) {
    let [depth, height, width] = shape;
    out.par_chunks_mut(width).enumerate().with_min_len(16).for_each(|(row, out)| {
        let (z, y) = (row / height, row % height);
        out.fill(!value);
        for (dz, dy) in (0..9).map(|i| (i / 3 - 1, i % 3 - 1_isize)) {
            let steps = dz.unsigned_abs() + dy.unsigned_abs();
            let z = z.checked_add_signed(dz).filter(|&z| z < depth);
            let y = y.checked_add_signed(dy).filter(|&y| y < height);
            let (Some(z), Some(y), true) = (z, y, steps <= connectivity.axes()) else { continue };
            let src = &src[(z * height + y) * width..][..width];
            spread_over(src, value, out);
            if steps < connectivity.axes() {
                spread_over(&src[1..], value, out);
                spread_over(src, value, &mut out[1..]);
            }
        }
    });
}

fn spread_over(src: &[bool], value: bool, out: &mut [bool]) {
    if value {
        out.iter_mut().zip(src).for_each(|(out, &v)| *out |= v);
    } else {
        out.iter_mut().zip(src).for_each(|(out, &v)| *out &= v);
    }
}
