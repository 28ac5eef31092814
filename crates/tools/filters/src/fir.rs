//! Separable convolution of volumes with symmetric kernels.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::Border;

/// Pixels that are summed in registers before they are stored.
const CHUNK: usize = 64;

/// Rows of one parallel task.
const TASK_ROWS: usize = 16;

/// Convolves a volume along each axis with a symmetric kernel.
///
/// * `src`, `out`: `(z, y, x)` of `shape`; an image has one plane.
/// * `kernels`: per axis, the right half of the kernel: the weight at the centre, then at distance
///   1, 2, ... `None`, or an axis of length 1, leaves that axis as it is (a kernel with sum 1 does
///   not change it, and other kernels have no use there).
/// * `border`: what is beyond the edges, along every axis.
/// * `scratch`: working memory, kept by the caller from call to call; grows to about `src`'s length
///   if both z and y are filtered, and is not used otherwise.
///
/// NaN spreads to every pixel within reach of the kernel. Parallel in the current rayon pool, with
/// the same bits for any number of threads and on any processor.
///
/// # Panics
/// If a length does not fit `shape` or a kernel is empty.
pub fn convolve_symmetric_into(
    src: &[f32],
    shape: [usize; 3],
    kernels: [Option<&[f32]>; 3],
    border: Border,
    out: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    let [depth, height, width] = shape;
    assert_eq!(src.len(), depth * height * width, "length of the source");
    assert_eq!(out.len(), src.len(), "length of the output");
    if src.is_empty() {
        return;
    }
    let mut kernels = kernels;
    for (kernel, len) in kernels.iter_mut().zip(shape) {
        assert!(kernel.is_none_or(|k| !k.is_empty()), "a kernel has no weight");
        *kernel = kernel.filter(|_| len > 1);
    }
    let [along_z, along_y, along_x] = kernels;
    let row = |z: usize, y: usize| &src[(z * height + y) * width..][..width];
    match (along_z, along_y) {
        (Some(along_z), Some(along_y)) => {
            // Each task filters all planes of one y, so `src` is read from memory once. The odd
            // number of rows keeps rows of neighbouring y out of the same set of the cache.
            let slab = (depth | 1) * width;
            if scratch.len() < height * slab {
                scratch.resize(height * slab, 0.0);
            }
            let middle = &mut scratch[..height * slab];
            middle.par_chunks_mut(slab).enumerate().for_each_init(
                || (Vec::new(), Vec::new()),
                |(rows, padded), (y, slab)| {
                    for (z, out) in slab.chunks_mut(width).take(depth).enumerate() {
                        rows.clear();
                        rows.extend(positions(z, along_z, border, depth).map(|z| row(z, y)));
                        across_then_along(rows, along_z, along_x, border, padded, out);
                    }
                },
            );
            let middle = &*middle;
            out.par_chunks_mut(width * TASK_ROWS).enumerate().for_each_init(
                Vec::new,
                |rows, (task, out)| {
                    for (i, out) in out.chunks_mut(width).enumerate() {
                        let (z, y) =
                            ((task * TASK_ROWS + i) / height, (task * TASK_ROWS + i) % height);
                        rows.clear();
                        rows.extend(
                            positions(y, along_y, border, height)
                                .map(|y| &middle[y * slab + z * width..][..width]),
                        );
                        weigh_rows(out, rows, along_y);
                    }
                },
            );
        }
        _ => out.par_chunks_mut(width * TASK_ROWS).enumerate().for_each_init(
            || (Vec::new(), Vec::new()),
            |(rows, padded), (task, out)| {
                for (i, out) in out.chunks_mut(width).enumerate() {
                    let (z, y) = ((task * TASK_ROWS + i) / height, (task * TASK_ROWS + i) % height);
                    rows.clear();
                    let across = if let Some(kernel) = along_z {
                        rows.extend(positions(z, kernel, border, depth).map(|z| row(z, y)));
                        kernel
                    } else if let Some(kernel) = along_y {
                        rows.extend(positions(y, kernel, border, height).map(|y| row(z, y)));
                        kernel
                    } else {
                        rows.push(row(z, y));
                        &[1.0]
                    };
                    across_then_along(rows, across, along_x, border, padded, out);
                }
            },
        ),
    }
}

/// Indices of the pixels under a kernel centred on `centre`.
fn positions(
    centre: usize,
    kernel: &[f32],
    border: Border,
    len: usize,
) -> impl Iterator<Item = usize> {
    let radius = kernel.len() - 1;
    (0..=2 * radius).map(move |k| border.index((centre + k) as isize - radius as isize, len))
}

/// Sums rows by the kernel `across`, then filters the sum along the row.
fn across_then_along(
    rows: &[&[f32]],
    across: &[f32],
    along: Option<&[f32]>,
    border: Border,
    padded: &mut Vec<f32>,
    out: &mut [f32],
) {
    let Some(along) = along else {
        weigh_rows(out, rows, across);
        return;
    };
    let (width, radius) = (out.len(), along.len() - 1);
    padded.resize(width + 2 * radius, 0.0);
    weigh_rows(&mut padded[radius..radius + width], rows, across);
    for k in 0..radius {
        padded[k] = padded[radius + border.index(k as isize - radius as isize, width)];
        padded[radius + width + k] = padded[radius + border.index((width + k) as isize, width)];
    }
    weigh_along(out, padded, along);
}

/// Sums `2 r + 1` rows with symmetric weights; `half[0]` weighs the middle row.
fn weigh_rows(out: &mut [f32], rows: &[&[f32]], half: &[f32]) {
    if let ([row], [1.0]) = (rows, half) {
        out.copy_from_slice(row);
    } else {
        weigh_rows_simd(out, rows, half);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn weigh_rows_simd(out: &mut [f32], rows: &[&[f32]], half: &[f32]) {
    let (len, radius) = (out.len(), half.len() - 1);
    let middle = &rows[radius][..len];
    if len < CHUNK {
        for x in 0..len {
            let mut sum = half[0] * middle[x];
            for k in 1..=radius {
                sum += half[k] * (rows[radius - k][x] + rows[radius + k][x]);
            }
            out[x] = sum;
        }
        return;
    }
    let mut start = 0;
    while start < len {
        // The last chunk overlaps the one before: the same sums again, no slow remainder.
        let x = start.min(len - CHUNK);
        let mut sums = [0.0_f32; CHUNK];
        let m = &middle[x..x + CHUNK];
        for i in 0..CHUNK {
            sums[i] = half[0] * m[i];
        }
        for k in 1..=radius {
            let (a, b) = (&rows[radius - k][x..x + CHUNK], &rows[radius + k][x..x + CHUNK]);
            for i in 0..CHUNK {
                sums[i] += half[k] * (a[i] + b[i]);
            }
        }
        out[x..x + CHUNK].copy_from_slice(&sums);
        start += CHUNK;
    }
}

/// Filters a row that is padded by `half.len() - 1` pixels on both sides.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn weigh_along(out: &mut [f32], padded: &[f32], half: &[f32]) {
    let (len, radius) = (out.len(), half.len() - 1);
    if len < CHUNK {
        for x in 0..len {
            let mut sum = half[0] * padded[x + radius];
            for k in 1..=radius {
                sum += half[k] * (padded[x + radius - k] + padded[x + radius + k]);
            }
            out[x] = sum;
        }
        return;
    }
    let mut start = 0;
    while start < len {
        let x = start.min(len - CHUNK);
        let mut sums = [0.0_f32; CHUNK];
        let m = &padded[x + radius..x + radius + CHUNK];
        for i in 0..CHUNK {
            sums[i] = half[0] * m[i];
        }
        for k in 1..=radius {
            let a = &padded[x + radius - k..x + radius - k + CHUNK];
            let b = &padded[x + radius + k..x + radius + k + CHUNK];
            for i in 0..CHUNK {
                sums[i] += half[k] * (a[i] + b[i]);
            }
        }
        out[x..x + CHUNK].copy_from_slice(&sums);
        start += CHUNK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convolved(
        src: &[f32],
        shape: [usize; 3],
        kernels: [Option<&[f32]>; 3],
        border: Border,
    ) -> Vec<f32> {
        let mut out = vec![0.0; src.len()];
        convolve_symmetric_into(src, shape, kernels, border, &mut out, &mut Vec::new());
        out
    }

    #[test]
    fn a_row_is_weighed_with_each_border() {
        let kernel: &[f32] = &[2.0, 1.0];
        let row = [1.0, 2.0, 4.0];
        let along_x = |border| convolved(&row, [1, 1, 3], [None, None, Some(kernel)], border);
        assert_eq!(along_x(Border::Nearest), [5.0, 9.0, 14.0]);
        assert_eq!(along_x(Border::Reflect), [5.0, 9.0, 14.0]);
        assert_eq!(along_x(Border::Mirror), [6.0, 9.0, 12.0]);
    }

    #[test]
    fn every_set_of_axes_gives_the_product_of_its_kernels() {
        // One bright voxel, far from the edges, shows the kernel itself.
        let shape = [5, 6, 70];
        let mut src = vec![0.0; 5 * 6 * 70];
        src[(2 * 6 + 3) * 70 + 30] = 1.0;
        let half = [0.5_f32, 0.25];
        for axes in 0..8 {
            let kernels: [Option<&[f32]>; 3] =
                std::array::from_fn(|a| (axes >> a & 1 == 1).then_some(half.as_slice()));
            let out = convolved(&src, shape, kernels, Border::Reflect);
            for (i, &value) in out.iter().enumerate() {
                let at = [i / 420, i / 70 % 6, i % 70];
                let expected: f32 = (0..3)
                    .map(|a| match (at[a].abs_diff([2, 3, 30][a]), kernels[a]) {
                        (0, None) => 1.0,
                        (k @ (0 | 1), Some(half)) => half[k],
                        _ => 0.0,
                    })
                    .product();
                assert_eq!(value, expected, "axes {axes:03b}, voxel {at:?}");
            }
        }
    }
}
