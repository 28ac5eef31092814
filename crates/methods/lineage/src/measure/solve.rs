//! Least squares of polynomials.

/// Fits x and y of `(u, [x, y], weight)` by polynomials in u of `degree` (at most 3); coefficients, lowest first.
///
/// The degree is lowered where the samples do not determine it.
pub(super) fn fit_powers(
    samples: impl Iterator<Item = (f64, [f64; 2], f64)>,
    degree: usize,
) -> [[f64; 4]; 2] {
    let mut moments = [0.0; 7];
    let mut right = [[0.0; 4]; 2];
    for (u, [x, y], weight) in samples {
        let mut power = weight;
        for (k, moment) in moments.iter_mut().enumerate() {
            *moment += power;
            if let ([right_x, right_y], 0..4) = (&mut right, k) {
                right_x[k] += power * x;
                right_y[k] += power * y;
            }
            power *= u;
        }
    }
    for size in (1..=degree.min(3) + 1).rev() {
        if let Some(coefficients) = solve(&moments, &right, size) {
            return coefficients;
        }
    }
    [[0.0; 4]; 2]
}

/// Solves the Hankel system of the first `size` powers by Cholesky's method.
fn solve(moments: &[f64; 7], right: &[[f64; 4]; 2], size: usize) -> Option<[[f64; 4]; 2]> {
    let mut lower = [[0.0; 4]; 4];
    for i in 0..size {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = moments[i + j] - sum;
            lower[i][j] = if i != j {
                rest / lower[j][j]
            } else if rest > 1e-10 * moments[i + j] {
                rest.sqrt()
            } else {
                return None;
            };
        }
    }
    Some(right.map(|mut b| {
        for i in 0..size {
            let sum: f64 = (0..i).map(|k| lower[i][k] * b[k]).sum();
            b[i] = (b[i] - sum) / lower[i][i];
        }
        for i in (0..size).rev() {
            let sum: f64 = (i + 1..size).map(|k| lower[k][i] * b[k]).sum();
            b[i] = (b[i] - sum) / lower[i][i];
        }
        b[size..].fill(0.0);
        b
    }))
}
