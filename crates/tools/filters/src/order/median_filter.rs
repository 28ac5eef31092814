use multiversion::multiversion;
use rayon::prelude::*;

use crate::Border;

/// Pixels whose medians are found side by side.
const LANES: usize = 32;

/// Output rows of one parallel task.
const TASK_ROWS: usize = 16;

/// Pixel types of the median filters: `u8`, `u16` and `f32`.
pub trait MedianPixel: Copy + PartialOrd + Default + Send + Sync + sealed::Medians {}

impl MedianPixel for u8 {}
impl MedianPixel for u16 {}
impl MedianPixel for f32 {}

mod sealed {
    pub trait Medians: Sized {
        /// Writes the median of as many rows as the window has pixels.
        fn medians(rows: &[&[Self]], out: &mut [Self]);
    }
}

/// Replaces each pixel by the median of the 3 x 3 pixels around it, plane by plane.
///
/// * `src`, `out`: `(z, y, x)` of `shape`.
///
/// The image is mirrored at its edges with the edge pixel repeated (SciPy's `reflect`). A window with
/// a NaN gives one of its values, which one is not specified. Parallel, same bits for any thread count.
///
/// # Panics
/// If a length does not fit `shape`.
pub fn median_filter_3x3_into<T: MedianPixel>(src: &[T], shape: [usize; 3], out: &mut [T]) {
    median_filter(src, shape, [0, 1, 1], out);
}

/// Replaces each pixel by the median of the 5 x 5 pixels around it, plane by plane.
///
/// As [`median_filter_3x3_into`].
///
/// # Panics
/// If a length does not fit `shape`.
pub fn median_filter_5x5_into<T: MedianPixel>(src: &[T], shape: [usize; 3], out: &mut [T]) {
    median_filter(src, shape, [0, 2, 2], out);
}

/// Replaces each voxel by the median of the 3 x 3 x 3 voxels around it.
///
/// As [`median_filter_3x3_into`].
///
/// # Panics
/// If a length does not fit `shape`.
pub fn median_filter_3x3x3_into<T: MedianPixel>(src: &[T], shape: [usize; 3], out: &mut [T]) {
    median_filter(src, shape, [1, 1, 1], out);
}

fn median_filter<T: MedianPixel>(src: &[T], shape: [usize; 3], radius: [usize; 3], out: &mut [T]) {
    let [depth, height, width] = shape;
    assert_eq!(src.len(), depth * height * width, "length of the source");
    assert_eq!(out.len(), src.len(), "length of the output");
    if src.is_empty() {
        return;
    }
    let window = radius.map(|r| 2 * r + 1);
    // Rows narrower than the vectors are filtered with some columns of no meaning at the end.
    let wide = width.max(LANES);
    let row_len = wide + 2 * radius[2];
    let tasks = height.div_ceil(TASK_ROWS);
    let parts: Vec<_> = out
        .chunks_mut(height * width)
        .flat_map(|plane| plane.chunks_mut(width * TASK_ROWS))
        .collect();
    parts.into_par_iter().enumerate().for_each_init(
        || {
            (
                vec![T::default(); window[0] * (TASK_ROWS + 2 * radius[1]) * row_len],
                vec![T::default(); wide],
            )
        },
        |(padded, line), (task, out)| {
            let (z, top) = (task / tasks, task % tasks * TASK_ROWS);
            let rows = out.len() / width + 2 * radius[1];
            let border = |i: usize, r: usize, n| Border::Reflect.index(i as isize - r as isize, n);
            for (i, padded) in padded.chunks_mut(row_len).take(window[0] * rows).enumerate() {
                let from_z = border(z + i / rows, radius[0], depth);
                let from_y = border(top + i % rows, radius[1], height);
                let src = &src[(from_z * height + from_y) * width..][..width];
                padded[radius[2]..][..width].copy_from_slice(src);
                for k in 0..radius[2] {
                    padded[k] = src[border(k, radius[2], width)];
                    padded[radius[2] + width + k] =
                        src[border(radius[2] + width + k, radius[2], width)];
                }
            }
            for (y, out) in out.chunks_mut(width).enumerate() {
                let mut under: [&[T]; 27] = [&[]; 27];
                let count = window.iter().product();
                for (k, under) in under[..count].iter_mut().enumerate() {
                    let dz = k / (window[1] * window[2]);
                    let dy = k / window[2] % window[1];
                    *under = &padded[(dz * rows + y + dy) * row_len + k % window[2]..][..wide];
                }
                if width == wide {
                    T::medians(&under[..count], out);
                } else {
                    T::medians(&under[..count], line);
                    out.copy_from_slice(&line[..width]);
                }
            }
        },
    );
}

/// Finds the medians of `N` rows by forgetting.
///
/// Of `M = N / 2 + 2` values neither the least nor the greatest can be the median of all; they are
/// dropped and one more is taken in, until three are left.
///
/// # Reference
/// Paeth, Graphics Gems (1990), "Median finding on a 3 x 3 grid".
#[inline(always)]
fn forget<T: Copy + PartialOrd + Default, const N: usize, const M: usize>(
    rows: &[&[T]],
    out: &mut [T],
) {
    let least = |a: T, b: T| if a < b { a } else { b };
    let most = |a: T, b: T| if a < b { b } else { a };
    let len = out.len();
    let mut start = 0;
    while start < len {
        let x = start.min(len - LANES);
        let mut held = [[T::default(); LANES]; M];
        for (held, row) in held.iter_mut().zip(rows) {
            held.copy_from_slice(&row[x..x + LANES]);
        }
        let exchange = |held: &mut [[T; LANES]; M], i: usize, j: usize| {
            for k in 0..LANES {
                let (a, b) = (held[i][k], held[j][k]);
                held[i][k] = least(a, b);
                held[j][k] = most(a, b);
            }
        };
        for step in 0..M - 2 {
            // Values 0 .. count are held; the least goes to 0, the greatest to the end.
            let count = M - step;
            for i in 0..count / 2 {
                exchange(&mut held, i, count - 1 - i);
            }
            for i in 1..count.div_ceil(2) {
                exchange(&mut held, 0, i);
            }
            for i in count / 2..count - 1 {
                exchange(&mut held, i, count - 1);
            }
            if count > 3 {
                held[0].copy_from_slice(&rows[M + step][x..x + LANES]);
            }
        }
        out[x..x + LANES].copy_from_slice(&held[1]);
        start += LANES;
    }
}

/// One function per type and window: each is compiled for several instruction sets.
macro_rules! medians {
    ($($type:ty: $nine:ident $twenty_five:ident $twenty_seven:ident;)*) => {$(
        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
        fn $nine(rows: &[&[$type]], out: &mut [$type]) {
            forget::<$type, 9, 6>(rows, out);
        }

        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
        fn $twenty_five(rows: &[&[$type]], out: &mut [$type]) {
            forget::<$type, 25, 14>(rows, out);
        }

        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
        fn $twenty_seven(rows: &[&[$type]], out: &mut [$type]) {
            forget::<$type, 27, 15>(rows, out);
        }

        impl sealed::Medians for $type {
            fn medians(rows: &[&[Self]], out: &mut [Self]) {
                match rows.len() {
                    9 => $nine(rows, out),
                    25 => $twenty_five(rows, out),
                    _ => $twenty_seven(rows, out),
                }
            }
        }
    )*};
}

medians! {
    u8: nine_u8 twenty_five_u8 twenty_seven_u8;
    u16: nine_u16 twenty_five_u16 twenty_seven_u16;
    f32: nine_f32 twenty_five_f32 twenty_seven_f32;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bright_pixel_is_removed_and_an_edge_kept() {
        let mut src = [0_u16; 5 * 6];
        for y in 0..5 {
            src[y * 6 + 4..][..2].fill(10);
        }
        let mut spoiled = src;
        spoiled[2 * 6 + 1] = 999;
        let mut out = [7; 30];
        median_filter_3x3_into(&spoiled, [1, 5, 6], &mut out);
        assert_eq!(out, src);
        median_filter_5x5_into(&spoiled, [1, 5, 6], &mut out);
        assert_eq!(out, src);
        median_filter_3x3x3_into(&spoiled, [1, 5, 6], &mut out);
        assert_eq!(out, src);
    }
}
