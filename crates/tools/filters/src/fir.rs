//! Separable convolution of volumes with symmetric kernels.

use std::ops::Range;

use multiversion::multiversion;
use rayon::prelude::*;

use crate::Border;

/// Pixels that are summed in registers before they are stored.
const CHUNK: usize = 64;

/// Largest tile along y. Rows above and below are summed again by the next tile.
const TILE_HEIGHT: usize = 256;

/// Rows that are read and written together: pieces of neighbouring rows are long enough for the
/// processor to fetch ahead.
const GROUP: usize = 4;

/// Values under a kernel across rows, and values that a tile keeps between the passes: what fits into
/// the first- and second-level cache of a core.
const WINDOW_VALUES: usize = 10 << 10;
const TILE_VALUES: usize = 1 << 18;

/// Convolves a volume along each axis with a symmetric kernel.
///
/// * `src`, `out`: `(z, y, x)` of `shape`; an image has one plane.
/// * `kernels`: per axis, the right half of the kernel: the weight at the centre, then at distance
///   1, 2, ... `None`, or an axis of length 1, leaves that axis as it is (a kernel with sum 1 does
///   not change it, and other kernels have no use there).
/// * `border`: what is beyond the edges, along every axis.
///
/// NaN spreads to every pixel within reach of the kernel. Parallel in the current rayon pool, with
/// the same bits for any number of threads and on any processor. Working memory is about 2 MiB per
/// thread, more for kernels of 50 pixels and above, whatever the size of the volume.
///
/// # Panics
/// If a length does not fit `shape` or a kernel is empty.
pub fn convolve_symmetric_into(
    src: &[f32],
    shape: [usize; 3],
    kernels: [Option<&[f32]>; 3],
    border: Border,
    out: &mut [f32],
) {
    assert_eq!(src.len(), shape.iter().product::<usize>(), "length of the source");
    assert_eq!(out.len(), src.len(), "length of the output");
    if src.is_empty() {
        return;
    }
    let mut axes = [Axis { half: &[1.0], len: 1 }; 3];
    for ((axis, kernel), len) in axes.iter_mut().zip(kernels).zip(shape) {
        assert!(kernel.is_none_or(|k| !k.is_empty()), "a kernel has no weight");
        axis.len = len;
        axis.half = kernel.filter(|_| len > 1).unwrap_or(&[1.0]);
    }
    let convolution = Convolution { src, axes, border };
    let mut tiles = tiles(out, shape, axes);
    tiles
        .par_iter_mut()
        .for_each_init(Memory::default, |memory, tile| convolution.fill(tile, memory));
}

/// A part of the output, row by row.
struct Tile<'a> {
    z: Range<usize>,
    y: Range<usize>,
    x: Range<usize>,
    rows: Vec<&'a mut [f32]>,
}

/// Cuts the output into tiles of so many planes that the rows under the y kernel stay in the cache, but
/// not so few that most of the source is read for its neighbours.
fn tiles<'a>(out: &'a mut [f32], shape: [usize; 3], axes: [Axis<'_>; 3]) -> Vec<Tile<'a>> {
    let [depth, height, width] = shape;
    let window = 2 * axes[1].radius() + 1;
    // Narrow tiles sum more columns twice: as wide as the kernel at least.
    let tile_width =
        (WINDOW_VALUES / window).max(2 * axes[2].radius()).next_multiple_of(64).clamp(128, 512);
    let planes = TILE_VALUES / (window * width.min(tile_width));
    let planes = planes.max(axes[0].radius()).clamp(1, depth);
    let (heights, widths) = (height.div_ceil(TILE_HEIGHT), width.div_ceil(tile_width));
    let cut = |i: usize, side: usize, len: usize| i * side..len.min((i + 1) * side);
    let mut tiles: Vec<_> = (0..depth.div_ceil(planes) * heights * widths)
        .map(|i| Tile {
            z: cut(i / (heights * widths), planes, depth),
            y: cut(i / widths % heights, TILE_HEIGHT, height),
            x: cut(i % widths, tile_width, width),
            rows: Vec::new(),
        })
        .collect();
    for (i, row) in out.chunks_mut(width).enumerate() {
        let (z, y) = (i / height, i % height);
        let first = (z / planes * heights + y / TILE_HEIGHT) * widths;
        for (tile, piece) in tiles[first..].iter_mut().zip(row.chunks_mut(tile_width)) {
            tile.rows.push(piece);
        }
    }
    tiles
}

#[derive(Clone, Copy)]
struct Axis<'a> {
    half: &'a [f32],
    len: usize,
}

impl Axis<'_> {
    fn radius(&self) -> usize {
        self.half.len() - 1
    }

    /// The part of the axis that pixels in `range` are computed from. It holds the mirror images too.
    fn under(&self, range: &Range<usize>) -> Range<usize> {
        range.start.saturating_sub(self.radius())..self.len.min(range.end + self.radius())
    }

    /// Indices of the pixels under the kernel centred on `centre`.
    fn positions(&self, centre: usize, border: Border) -> impl Iterator<Item = usize> + use<> {
        let (radius, len) = (self.radius(), self.len);
        (0..=2 * radius).map(move |k| border.index((centre + k) as isize - radius as isize, len))
    }
}

/// Working memory of one thread.
#[derive(Default)]
struct Memory {
    /// Rows of the source at a few y, of all planes that the tile needs. Where they come from they are
    /// often a power of two apart and would push each other out of the cache.
    column: Vec<f32>,
    /// One row summed along z, extended by the border.
    padded: Vec<f32>,
    /// Rows summed along z and x: those under the y kernel, for each plane of the tile.
    ring: Vec<f32>,
    /// Where the row under each weight lies.
    offsets: Vec<usize>,
}

/// Cuts `len` values out of `memory`, from the start of a cache line on: vectors that straddle two lines
/// load at half the speed.
fn aligned(memory: &mut Vec<f32>, len: usize) -> &mut [f32] {
    const LINE: usize = 64;
    memory.resize(len + LINE / size_of::<f32>(), 0.0);
    let start = memory.as_ptr().align_offset(LINE);
    &mut memory[start..][..len]
}

struct Convolution<'a> {
    src: &'a [f32],
    axes: [Axis<'a>; 3],
    border: Border,
}

impl Convolution<'_> {
    fn fill(&self, tile: &mut Tile<'_>, memory: &mut Memory) {
        let [_, along_y, _] = self.axes;
        let (planes, height, window) = (tile.z.len(), tile.y.len(), 2 * along_y.radius() + 1);
        let slots = along_y.len.min(window - 1 + GROUP);
        // A little more than a power of two, for the same reason as `column`.
        let stride = tile.x.len().next_multiple_of(16) + 16;
        let slot = |y: usize| y % slots * planes * stride;
        let Memory { column, padded, ring, offsets } = memory;
        let ring = aligned(ring, slots * planes * stride);
        let mut ready = along_y.under(&tile.y).start;
        for first in tile.y.clone().step_by(GROUP) {
            let group = first..tile.y.end.min(first + GROUP);
            let end = along_y.under(&group).end;
            while ready < end {
                let rows = ready..end.min(ready + GROUP);
                let column = self.gather(tile, rows.clone(), column);
                for (y, column) in rows.clone().zip(column.chunks(column.len() / rows.len())) {
                    self.sum_z_and_x(tile, column, padded, offsets, &mut ring[slot(y)..], stride);
                }
                ready = rows.end;
            }
            offsets.clear();
            for y in group.clone() {
                offsets.extend(along_y.positions(y, self.border).map(slot));
            }
            for z in 0..planes {
                let rows = &mut tile.rows[z * height + group.start - tile.y.start..];
                for (out, offsets) in rows.iter_mut().zip(offsets.chunks(window)) {
                    weigh_rows(out, &ring[z * stride..], offsets, along_y.half);
                }
            }
        }
    }

    /// Copies the pixels that some rows of the tile are computed from: row by row, plane by plane.
    fn gather<'m>(
        &self,
        tile: &Tile<'_>,
        rows: Range<usize>,
        column: &'m mut Vec<f32>,
    ) -> &'m [f32] {
        let [along_z, along_y, along_x] = self.axes;
        let (planes, columns) = (along_z.under(&tile.z), along_x.under(&tile.x));
        let step = column_step(&columns);
        let column = aligned(column, rows.len() * planes.len() * step);
        for (i, z) in planes.clone().enumerate() {
            for (j, y) in rows.clone().enumerate() {
                let from = (z * along_y.len + y) * along_x.len;
                column[(j * planes.len() + i) * step..][..columns.len()]
                    .copy_from_slice(&self.src[from + columns.start..from + columns.end]);
            }
        }
        column
    }

    /// Sums the rows of a gathered column along z and x for each plane of the tile, into rows of `out`
    /// that are `stride` apart.
    fn sum_z_and_x(
        &self,
        tile: &Tile<'_>,
        column: &[f32],
        padded: &mut Vec<f32>,
        offsets: &mut Vec<usize>,
        out: &mut [f32],
        stride: usize,
    ) {
        let [along_z, _, along_x] = self.axes;
        let (planes, columns) = (along_z.under(&tile.z), along_x.under(&tile.x));
        let step = column_step(&columns);
        let side = along_x.radius();
        for (i, z) in tile.z.clone().enumerate() {
            offsets.clear();
            offsets.extend(along_z.positions(z, self.border).map(|z| (z - planes.start) * step));
            let out = &mut out[i * stride..][..tile.x.len()];
            if side == 0 {
                weigh_rows(out, column, offsets, along_z.half);
                continue;
            }
            padded.resize(tile.x.len() + 2 * side, 0.0);
            let at = columns.start + side - tile.x.start;
            let inside = at..at + columns.len();
            weigh_rows(&mut padded[inside.clone()], column, offsets, along_z.half);
            for k in (0..inside.start).chain(inside.end..padded.len()) {
                let x = (tile.x.start + k) as isize - side as isize;
                padded[k] = padded[at + self.border.index(x, along_x.len) - columns.start];
            }
            weigh_along(out, padded, along_x.half);
        }
    }
}

/// Distance of gathered rows.
fn column_step(columns: &Range<usize>) -> usize {
    columns.len().next_multiple_of(16) + 16
}

/// Sums the `2 r + 1` rows of `ring` at `offsets` with symmetric weights; `half[0]` weighs the middle
/// row.
fn weigh_rows(out: &mut [f32], ring: &[f32], offsets: &[usize], half: &[f32]) {
    if let ([offset], [1.0]) = (offsets, half) {
        out.copy_from_slice(&ring[*offset..][..out.len()]);
    } else {
        weigh_rows_simd(out, ring, offsets, half);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn weigh_rows_simd(out: &mut [f32], ring: &[f32], offsets: &[usize], half: &[f32]) {
    let (len, radius) = (out.len(), half.len() - 1);
    let (before, from) = offsets.split_at(radius);
    let pairs = || before.iter().rev().zip(&from[1..]).zip(&half[1..]);
    if len < CHUNK {
        for x in 0..len {
            let mut sum = half[0] * ring[from[0] + x];
            for ((a, b), weight) in pairs() {
                sum += weight * (ring[a + x] + ring[b + x]);
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
        let middle = &ring[from[0] + x..][..CHUNK];
        for i in 0..CHUNK {
            sums[i] = half[0] * middle[i];
        }
        for ((a, b), weight) in pairs() {
            let (a, b) = (&ring[a + x..][..CHUNK], &ring[b + x..][..CHUNK]);
            for i in 0..CHUNK {
                sums[i] += weight * (a[i] + b[i]);
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
        convolve_symmetric_into(src, shape, kernels, border, &mut out);
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
