//! Gaussian smoothing evaluated at fractional positions.
//!
//! Smoothing and interpolating are one convolution: the kernel is the Gaussian itself, sampled at
//! the wanted fraction. So both tiles are smoothed alike at every fraction, which an interpolating
//! spline does not do, and no sub-voxel bias follows from the interpolation. For sigma 1 the ripple
//! of the sampled kernel is `2 exp(-2 pi^2) = 5e-9`.

use multiversion::multiversion;

/// Standard deviation of the pre-smoothing, voxels.
pub(crate) const SIGMA: f64 = 1.0;
/// Voxels that smoothing needs on each side.
pub(crate) const RADIUS: usize = 4;
const TAPS: usize = 2 * RADIUS + 1;

/// Values computed together.
const CHUNK: usize = 32;

/// Weights of the voxels at -4..=4 for the value at `fraction`, which is within -0.5..=0.5.
fn taps(fraction: f64) -> [f32; TAPS] {
    let weight = |j: usize| {
        let distance = j as f64 - RADIUS as f64 - fraction;
        (-0.5 * (distance / SIGMA).powi(2)).exp()
    };
    let sum: f64 = (0..TAPS).map(weight).sum();
    std::array::from_fn(|j| (weight(j) / sum) as f32)
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn convolve(src: &[f32], stride: usize, taps: &[f32; TAPS], out: &mut [f32]) {
    let needed = out.len() + (TAPS - 1) * stride;
    let src = &src[..needed];
    let whole = out.len() / CHUNK * CHUNK;
    let (head, tail) = out.split_at_mut(whole);
    for (i, out) in head.as_chunks_mut::<CHUNK>().0.iter_mut().enumerate() {
        let mut sums = [0.0f32; CHUNK];
        for (k, tap) in taps.iter().enumerate() {
            let row = &src[i * CHUNK + k * stride..][..CHUNK];
            for j in 0..CHUNK {
                sums[j] += tap * row[j];
            }
        }
        *out = sums;
    }
    for (i, out) in tail.iter_mut().enumerate() {
        let mut sum = 0.0f32;
        for (k, tap) in taps.iter().enumerate() {
            sum += tap * src[whole + i + k * stride];
        }
        *out = sum;
    }
}

/// A smoothed part of a volume. Rows are `pitch` apart; what lies behind a row's end has no meaning.
#[derive(Debug, Default, Clone)]
pub(crate) struct Smoothed {
    pub values: Vec<f32>,
    pub shape: [usize; 3],
    pub pitch: usize,
}

/// Unread values behind the last row, so that kernels may load whole lanes.
const SLACK: usize = 32;

/// Smooths `src` of `shape` at `offset` from the voxels' own positions.
///
/// The first result lies at voxel `4 + round(offset)` of an axis (0 for an axis of length 1, which
/// is left as it is) plus the fraction; the result is `margin_of(..)` shorter. `lead` further voxels
/// are left out at both ends, to make room for whole offsets up to `lead`.
pub(crate) fn smooth_at(
    src: &[f32],
    shape: [usize; 3],
    lead: [usize; 3],
    offset: [f64; 3],
    scratch: &mut Vec<f32>,
    out: &mut Smoothed,
) {
    let whole: [i64; 3] = offset.map(|o| o.round() as i64);
    let used: [usize; 3] =
        std::array::from_fn(|d| if shape[d] == 1 { 1 } else { shape[d] - 2 * (RADIUS + lead[d]) });
    let start: [usize; 3] =
        std::array::from_fn(
            |d| {
                if shape[d] == 1 { 0 } else { (lead[d] as i64 + whole[d]) as usize }
            },
        );
    let taps: [Option<[f32; TAPS]>; 3] =
        std::array::from_fn(|d| (shape[d] > 1).then(|| taps(offset[d] - whole[d] as f64)));
    let (width, plane) = (shape[2], shape[1] * shape[2]);
    out.shape = used;
    out.pitch = width;
    // Along z: only the planes that are wanted, all their rows.
    let depth = used[0];
    let first = start[0] * plane;
    scratch.resize(depth * plane, 0.0);
    match &taps[0] {
        Some(taps) => convolve(&src[first..], plane, taps, &mut scratch[..depth * plane]),
        None => scratch.copy_from_slice(&src[first..first + depth * plane]),
    }
    // Along y, into the result; along x, in place: each value needs only itself and later ones.
    let len = depth * used[1] * width;
    out.values.clear();
    out.values.resize(len + SLACK, 0.0);
    for z in 0..depth {
        let rows = &scratch[z * plane + start[1] * width..(z + 1) * plane];
        let to = &mut out.values[z * used[1] * width..(z + 1) * used[1] * width];
        match &taps[1] {
            Some(taps) => convolve(rows, width, taps, to),
            None => to.copy_from_slice(&rows[..to.len()]),
        }
    }
    if let Some(taps) = &taps[2] {
        scratch.clear();
        scratch.extend_from_slice(&out.values[start[2]..]);
        scratch.resize(len + SLACK + TAPS, 0.0);
        convolve(scratch, 1, taps, &mut out.values[..len]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gaussian_is_found_at_its_fractional_place() {
        let shape = [21, 23, 25];
        let centre = [10.2, 11.6, 12.1];
        let at = |p: [f64; 3], s2: f64| {
            (0..3).map(|d| (-0.5 * (p[d] - centre[d]).powi(2) / s2).exp()).product::<f64>()
        };
        let mut src = Vec::new();
        for z in 0..21 {
            for y in 0..23 {
                for x in 0..25 {
                    src.push(at([f64::from(z), f64::from(y), f64::from(x)], 4.0) as f32);
                }
            }
        }
        let (mut out, lead, offset) = (Smoothed::default(), [1, 1, 2], [0.3, -0.7, 1.45]);
        smooth_at(&src, shape, lead, offset, &mut Vec::new(), &mut out);
        assert_eq!(out.shape, [11, 13, 13]);
        let scale = (4.0f64 / 5.0).powf(1.5);
        for z in 0..11 {
            for y in 0..13 {
                for x in 0..13 {
                    let p = [z, y, x].map(|v| v as f64);
                    let p = std::array::from_fn(|d| p[d] + (4 + lead[d]) as f64 + offset[d]);
                    let expected = scale * at(p, 5.0);
                    let found = f64::from(out.values[(z * 13 + y) * out.pitch + x]);
                    assert!((found - expected).abs() < 2e-4, "{found} for {expected} at {p:?}");
                }
            }
        }
    }

    #[test]
    fn an_axis_of_one_plane_is_left_alone() {
        let src: Vec<f32> = vec![3.0; 12 * 13];
        let mut out = Smoothed::default();
        smooth_at(&src, [1, 12, 13], [0, 0, 0], [0.0, 0.2, -0.4], &mut Vec::new(), &mut out);
        assert_eq!(out.shape, [1, 4, 5]);
        assert!((0..4).all(|y| (0..5).all(|x| (out.values[y * 13 + x] - 3.0).abs() < 1e-5)));
    }
}
