use multiversion::multiversion;
use ndarray::{Array3, ArrayView3};
use rayon::prelude::*;

/// Returns the shape after binning: whole blocks only.
pub fn binned_shape(shape: [usize; 3], factors: [usize; 3]) -> [usize; 3] {
    std::array::from_fn(|axis| shape[axis] / factors[axis])
}

/// Averages blocks of `factors` pixels along z, y, x. Allocating form of [`bin_mean_into`].
pub fn bin_mean(image: ArrayView3<'_, f32>, factors: [usize; 3]) -> Array3<f32> {
    let shape: [usize; 3] = image.dim().into();
    let image = image.as_standard_layout();
    let mut out = Array3::zeros(binned_shape(shape, factors));
    bin_mean_into(
        image.as_slice().expect("in standard layout"),
        shape,
        factors,
        out.as_slice_mut().expect("in standard layout"),
    );
    out
}

/// Averages blocks of `factors` pixels along z, y, x into the caller's memory.
///
/// Pixel `i` of the result is centred on `i f + (f - 1) / 2` of the source. Pixels at the far end
/// that do not fill a block are left out. Sums in `f32` in a fixed order: relative error about 1e-7
/// times the root of the block's size. A block with a NaN is NaN. Parallel over rows of the result.
///
/// # Panics
/// If a factor is 0, or a length does not fit `shape` and [`binned_shape`].
pub fn bin_mean_into(src: &[f32], shape: [usize; 3], factors: [usize; 3], out: &mut [f32]) {
    let [depth, height, width] = shape;
    let [_, out_height, out_width] = binned_shape(shape, factors);
    assert_eq!(src.len(), depth * height * width, "length of the source");
    assert_eq!(
        out.len(),
        binned_shape(shape, factors).iter().product::<usize>(),
        "length of the output"
    );
    if out.is_empty() {
        return;
    }
    let scale = 1.0 / factors.iter().product::<usize>() as f32;
    out.par_chunks_mut(out_width).enumerate().for_each_init(
        || vec![0.0; out_width * factors[2]],
        |sums, (line, out)| {
            let (z, y) = (line / out_height * factors[0], line % out_height * factors[1]);
            sums.fill(0.0);
            for z in z..z + factors[0] {
                for y in y..y + factors[1] {
                    add_row(sums, &src[(z * height + y) * width..]);
                }
            }
            mean_of_groups(sums, factors[2], scale, out);
        },
    );
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn add_row(sums: &mut [f32], row: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn mean_of_groups(sums: &[f32], factor: usize, scale: f32, out: &mut [f32]) {
    match factor {
        1 => groups::<1>(sums, scale, out),
        2 => groups::<2>(sums, scale, out),
        4 => groups::<4>(sums, scale, out),
        _ => {
            for (out, group) in out.iter_mut().zip(sums.chunks_exact(factor)) {
                *out = group.iter().sum::<f32>() * scale;
            }
        }
    }
}

/// As the general case; the constant lets the compiler use vectors.
#[inline(always)]
fn groups<const FACTOR: usize>(sums: &[f32], scale: f32, out: &mut [f32]) {
    for (out, group) in out.iter_mut().zip(sums.as_chunks::<FACTOR>().0) {
        *out = group.iter().sum::<f32>() * scale;
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, array};

    use super::*;

    #[test]
    fn blocks_are_averaged_and_the_remainder_left_out() {
        let image = array![[[1.0, 3.0, 5.0, 7.0, 100.0], [1.0, 3.0, 5.0, 9.0, 100.0]]];
        assert_eq!(bin_mean(image.view(), [1, 2, 2]), array![[[2.0, 6.5]]]);
        assert_eq!(bin_mean(image.view(), [1, 1, 3]), array![[[3.0], [3.0]]]);
        assert_eq!(bin_mean(image.view(), [1, 1, 1]), image);
        assert_eq!(bin_mean(image.view(), [2, 1, 1]).len(), 0);
    }

    #[test]
    fn a_ramp_keeps_its_centres() {
        let image = Array3::from_shape_fn((4, 6, 8), |(z, y, x)| (100 * z + 10 * y + x) as f32);
        let binned = bin_mean(image.view(), [2, 3, 4]);
        // Pixel (1, 1, 1) is centred on (2.5, 4, 5.5).
        assert_eq!(binned[(1, 1, 1)], 250.0 + 40.0 + 5.5);
    }
}
