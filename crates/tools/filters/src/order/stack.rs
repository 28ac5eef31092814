use multiversion::multiversion;
use rayon::prelude::*;

/// Pixels that are sorted side by side.
const PIXELS: usize = 64;

/// Finds the median of each pixel over the planes of a stack; of an even count, the mean of the two
/// in the middle.
///
/// * `stack`: `depth` planes of `out.len()` pixels each.
///
/// A pixel that is NaN in any plane becomes NaN. Sorts with Batcher's network, many pixels at a time:
/// `O(depth log² depth)` per pixel. Parallel, same bits for any thread count.
///
/// # Panics
/// If `depth` is 0 or `stack` is not `depth * out.len()` long.
///
/// # Reference
/// Knuth, The Art of Computer Programming 3, section 5.2.2, algorithm M.
pub fn median_along_z_into(stack: &[f32], depth: usize, out: &mut [f32]) {
    assert!(depth > 0, "a stack without planes has no median");
    let plane = out.len();
    assert_eq!(stack.len(), depth * plane, "length of the stack");
    out.par_chunks_mut(PIXELS).enumerate().for_each_init(
        || vec![[0.0; PIXELS]; depth],
        |columns, (block, out)| {
            let start = block * PIXELS;
            for (z, row) in columns.iter_mut().enumerate() {
                row[..out.len()].copy_from_slice(&stack[z * plane + start..][..out.len()]);
            }
            let medians = medians(columns);
            out.copy_from_slice(&medians[..out.len()]);
        },
    );
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn medians(columns: &mut [[f32; PIXELS]]) -> [f32; PIXELS] {
    let n = columns.len();
    let mut nan = [false; PIXELS];
    for row in columns.iter() {
        for i in 0..PIXELS {
            nan[i] |= row[i].is_nan();
        }
    }
    let top = n.next_power_of_two() / 2;
    let mut p = top;
    while p > 0 {
        let (mut q, mut r, mut d) = (top, 0, p);
        loop {
            for i in (0..n - d).filter(|i| i & p == r) {
                let (low, high) = columns.split_at_mut(i + d);
                exchange(&mut low[i], &mut high[0]);
            }
            if q == p {
                break;
            }
            (d, r, q) = (q - p, p, q / 2);
        }
        p /= 2;
    }
    let (below, above) = (&columns[(n - 1) / 2], &columns[n / 2]);
    let mut out = [0.0; PIXELS];
    for i in 0..PIXELS {
        let middle = if n % 2 == 1 { below[i] } else { 0.5 * below[i] + 0.5 * above[i] };
        out[i] = if nan[i] { f32::NAN } else { middle };
    }
    out
}

#[inline(always)]
fn exchange(a: &mut [f32; PIXELS], b: &mut [f32; PIXELS]) {
    for i in 0..PIXELS {
        let (x, y) = (a[i], b[i]);
        a[i] = if x < y { x } else { y };
        b[i] = if x < y { y } else { x };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_planes_of_two_pixels() {
        let mut out = [0.0; 2];
        median_along_z_into(&[1.0, 9.0, 5.0, 7.0, 3.0, 8.0], 3, &mut out);
        assert_eq!(out, [3.0, 8.0]);
        median_along_z_into(&[1.0, 9.0, 4.0, 7.0], 2, &mut out);
        assert_eq!(out, [2.5, 8.0]);
        median_along_z_into(&[1.0, f32::NAN], 1, &mut out);
        assert!(out[0] == 1.0 && out[1].is_nan());
    }
}
