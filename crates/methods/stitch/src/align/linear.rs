//! Small dense linear algebra: 3 x 3 matrices and symmetric systems of a few unknowns.

/// A row-major 3 x 3 matrix.
pub(crate) type Mat3 = [[f64; 3]; 3];

pub(crate) const ZERO: Mat3 = [[0.0; 3]; 3];

pub(crate) fn times(m: &Mat3, v: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|i| (0..3).map(|j| m[i][j] * v[j]).sum())
}

pub(crate) fn product(a: &Mat3, b: &Mat3) -> Mat3 {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

pub(crate) fn transposed(a: &Mat3) -> Mat3 {
    std::array::from_fn(|i| std::array::from_fn(|j| a[j][i]))
}

/// Adds `w` times `b`.
pub(crate) fn add(a: &mut Mat3, b: &Mat3, w: f64) {
    for i in 0..3 {
        for j in 0..3 {
            a[i][j] += w * b[i][j];
        }
    }
}

/// The inverse over the axes marked free, 0 elsewhere; `None` for a singular matrix.
pub(crate) fn inverse(m: &Mat3, free: [bool; 3]) -> Option<Mat3> {
    // Fixed axes become rows of the identity, which decouples them.
    let m: Mat3 =
        std::array::from_fn(|i| {
            std::array::from_fn(|j| {
                if free[i] && free[j] { m[i][j] } else { f64::from(u8::from(i == j)) }
            })
        });
    let minor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3).map(|c| m[0][c] * minor(0, c)).sum();
    let size: f64 = (0..3).map(|i| m[i].iter().map(|v| v * v).sum::<f64>().sqrt()).product();
    if !determinant.is_finite() || determinant.abs() <= 1e-12 * size {
        return None;
    }
    Some(std::array::from_fn(|i| {
        std::array::from_fn(|j| if free[i] && free[j] { minor(j, i) / determinant } else { 0.0 })
    }))
}

/// Solves the symmetric positive semi-definite system `m x = v` by Cholesky's method; unknowns
/// without information become 0.
pub(crate) fn solve<const N: usize>(m: &[[f64; N]; N], v: [f64; N]) -> [f64; N] {
    let mut l = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..=i {
            let sum = m[i][j] - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>();
            l[i][j] = match i == j {
                true if sum > 1e-10 * m[i][i].max(1e-300) => sum.sqrt(),
                false if l[j][j] > 0.0 => sum / l[j][j],
                _ => 0.0,
            };
        }
    }
    let mut y = [0.0; N];
    for i in 0..N {
        let sum = v[i] - (0..i).map(|k| l[i][k] * y[k]).sum::<f64>();
        y[i] = if l[i][i] > 0.0 { sum / l[i][i] } else { 0.0 };
    }
    let mut x = [0.0; N];
    for i in (0..N).rev() {
        let sum = y[i] - (i + 1..N).map(|k| l[k][i] * x[k]).sum::<f64>();
        x[i] = if l[i][i] > 0.0 { sum / l[i][i] } else { 0.0 };
    }
    x
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_inverse_undoes_its_matrix_and_fixed_axes_stay_out() {
        let m = [[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.4, 0.2, 2.0]];
        let id = product(&m, &inverse(&m, [true; 3]).unwrap());
        assert!((0..9).all(|i| (id[i / 3][i % 3] - f64::from(u8::from(i % 4 == 0))).abs() < 1e-12));
        let part = inverse(&m, [false, true, true]).unwrap();
        assert_eq!(part[0], [0.0; 3]);
        assert!((part[1][1] - 2.0 / (6.0 - 0.04)).abs() < 1e-12);
        assert!(inverse(&[[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [true; 3]).is_none());
    }

    #[test]
    fn unknowns_without_information_are_zero() {
        let m = [[2.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 2.0]];
        let x = solve(&m, [3.0, 0.0, 3.0]);
        assert!((x[0] - 1.0).abs() < 1e-12 && x[1] == 0.0 && (x[2] - 1.0).abs() < 1e-12);
    }
}
