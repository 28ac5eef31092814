//! The steps of a pyramid: which axes are halved, and the shape that is left.

/// The lengths over `t, c, z, y, x` after one step with factors over `z, y, x`: rounded up.
///
/// # Panics
/// When a factor is 0.
pub fn shape_after(shape: [u64; 5], factors: [u64; 3]) -> [u64; 5] {
    let [fz, fy, fx] = factors;
    let [t, c, z, y, x] = shape;
    [t, c, z.div_ceil(fz), y.div_ceil(fy), x.div_ceil(fx)]
}

/// The factors over `z, y, x` of each step of the usual pyramid, from level 0 downwards.
///
/// A step halves every axis longer than 1 whose current voxel size is below twice the smallest
/// current one among such axes, so that voxels become as isotropic as halving can make them. An
/// unknown z is never halved; an unknown y or x counts as the smallest. The steps end when no axis
/// that can be halved is longer than 256.
///
/// ```
/// use hooke_core::downsample::pyramid_factors;
/// let steps = pyramid_factors([100, 1000, 1000], [Some(2.0), Some(0.5), Some(0.5)]);
/// assert_eq!(steps, [[1, 2, 2], [1, 2, 2]]);
/// ```
pub fn pyramid_factors(shape: [u64; 3], voxel_size_um: [Option<f64>; 3]) -> Vec<[u64; 3]> {
    const SMALL_ENOUGH: u64 = 256;
    let halvable = [known(voxel_size_um[0]).is_some(), true, true];
    let mut shape = shape;
    halving_steps(shape, voxel_size_um)
        .take_while(|step| {
            let large = (0..3).any(|d| halvable[d] && shape[d] > SMALL_ENOUGH);
            shape = std::array::from_fn(|d| shape[d].div_ceil(step[d]));
            large
        })
        .collect()
}

/// The steps of [`pyramid_factors`], going on until no axis can be halved.
pub fn halving_steps(
    shape: [u64; 3],
    voxel_size_um: [Option<f64>; 3],
) -> impl Iterator<Item = [u64; 3]> {
    let sizes = voxel_size_um.map(known);
    let smallest_known = sizes.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let assumed = if smallest_known.is_finite() { smallest_known } else { 1.0 };
    let halvable = [sizes[0].is_some(), true, true];
    let mut sizes = sizes.map(|v| v.unwrap_or(assumed));
    let mut shape = shape;
    std::iter::from_fn(move || {
        let open = |d: usize| halvable[d] && shape[d] > 1;
        let smallest = (0..3).filter(|d| open(*d)).map(|d| sizes[d]).fold(f64::INFINITY, f64::min);
        let step: [u64; 3] =
            std::array::from_fn(|d| if open(d) && sizes[d] < 2.0 * smallest { 2 } else { 1 });
        for d in 0..3 {
            shape[d] = shape[d].div_ceil(step[d]);
            sizes[d] *= step[d] as f64;
        }
        (step != [1; 3]).then_some(step)
    })
}

fn known(size: Option<f64>) -> Option<f64> {
    size.filter(|v| v.is_finite() && *v > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anisotropic_stacks_halve_the_plane_first() {
        let v = |z, y, x| [Some(z), Some(y), Some(x)];
        assert_eq!(pyramid_factors([300, 512, 512], v(1.0, 1.0, 1.0)), [[2, 2, 2]]);
        assert_eq!(
            pyramid_factors([300, 1024, 1024], v(4.0, 1.0, 1.0)),
            [[1, 2, 2], [1, 2, 2], [2, 2, 2]]
        );
        assert_eq!(pyramid_factors([300, 300, 300], [None; 3]), [[1, 2, 2]]);
        assert_eq!(pyramid_factors([1, 256, 256], [None; 3]), Vec::<[u64; 3]>::new());
        // A thin plane with small z voxels still ends.
        assert_eq!(pyramid_factors([1, 512, 9], v(0.1, 0.5, 0.5)), [[1, 2, 2]]);
    }
}
