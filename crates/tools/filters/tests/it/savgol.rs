use hooke_filters::savgol::{SavgolEnds, SavgolError, savgol_coefficients, savgol_filter};
use proptest::prelude::*;

fn close(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len());
    let worst = found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= tolerance, "{found:?}\n{wanted:?}");
}

/// Savitzky & Golay (1964), tables I and II.
#[test]
fn weights_are_those_of_the_published_tables() {
    let table = |weights: &[i32], norm: f64| -> Vec<f64> {
        weights.iter().map(|&w| f64::from(w) / norm).collect()
    };
    let of = |window: usize, order, derivative| {
        savgol_coefficients(window, order, derivative, (window - 1) as f64 / 2.0).unwrap()
    };
    close(&of(5, 2, 0), &table(&[-3, 12, 17, 12, -3], 35.0), 1e-15);
    close(&of(7, 3, 0), &table(&[-2, 3, 6, 7, 6, 3, -2], 21.0), 1e-15);
    close(&of(9, 4, 0), &table(&[15, -55, 30, 135, 179, 135, 30, -55, 15], 429.0), 1e-15);
    close(&of(5, 3, 1), &table(&[1, -8, 0, 8, -1], 12.0), 1e-15);
    close(&of(5, 2, 2), &table(&[2, -1, -2, -1, 2], 7.0), 1e-15);
    close(&of(4, 1, 0), &[0.25; 4], 1e-15);
    close(&of(4, 1, 1), &[-0.3, -0.1, 0.1, 0.3], 1e-15);
    close(&of(3, 1, 2), &[0.0; 3], 0.0);
}

/// scipy.signal.savgol_filter(x, window, order, deriv, mode=...).
#[test]
fn filtered_values_are_those_of_scipy() {
    let x = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0, 1.0, 3.0, 9.0, 6.0];
    let of = |window, order, derivative, ends| {
        savgol_filter(&x, window, order, derivative, ends).unwrap()
    };
    let (interpolate, wrap) = (SavgolEnds::Interpolate, SavgolEnds::Wrap);
    close(&of(4, 1, 1, interpolate), &[1.9, 1.9, 0.9, 1.2, -1.9, -1.2, 0.8, 2.1, 2.1, 2.1], 1e-14);
    close(&of(4, 1, 1, wrap), &[-0.9, 1.9, 0.9, 1.2, -1.9, -1.2, 0.8, 2.1, -0.9, -2.0], 1e-14);
    close(
        &of(4, 2, 0, interpolate),
        &[1.65, 2.05, 5.0625, 6.75, 6.1875, 4.0, 1.25, 6.3125, 7.05, 6.65],
        1e-14,
    );
    close(
        &of(4, 2, 0, wrap),
        &[2.3125, 2.8125, 5.0625, 6.75, 6.1875, 4.0, 1.25, 6.3125, 8.1875, 3.125],
        1e-14,
    );
    close(
        &of(6, 3, 2, interpolate),
        &[
            -0.18253968253968453,
            -0.23809523809523905,
            -0.2936507936507936,
            -1.2857142857142825,
            -1.142857142857139,
            1.6071428571428585,
            0.8214285714285725,
            0.34920634920635374,
            -0.5952380952380829,
            -1.5396825396825196,
        ],
        1e-13,
    );
    close(
        &of(6, 3, 2, wrap),
        &[
            2.035714285714286,
            0.7857142857142864,
            -0.3214285714285691,
            -1.2857142857142825,
            -1.142857142857139,
            1.6071428571428585,
            0.8214285714285725,
            -0.5357142857142835,
            -1.392857142857139,
            -0.5714285714285682,
        ],
        1e-13,
    );
    close(
        &of(5, 2, 0, interpolate),
        &[
            1.0285714285714265,
            3.0857142857142836,
            4.5714285714285685,
            5.34285714285714,
            7.314285714285711,
            4.514285714285711,
            2.714285714285711,
            3.771428571428568,
            5.08571428571428,
            7.828571428571422,
        ],
        1e-13,
    );
    close(
        &of(5, 2, 1, wrap),
        &[
            -1.6000000000000008,
            0.5000000000000011,
            1.2000000000000006,
            0.9000000000000019,
            -0.299999999999999,
            -1.3999999999999988,
            0.4000000000000014,
            0.5999999999999995,
            0.3000000000000016,
            -0.5999999999999975,
        ],
        1e-13,
    );
}

proptest! {
    #[test]
    fn polynomials_up_to_the_order_come_back(
        window in 1_usize..24,
        order in 0_usize..7,
        derivative in 0_usize..4,
        coefficients in prop::collection::vec(-1.0_f64..1.0, 7),
        more in 0_usize..30,
    ) {
        prop_assume!(order < window);
        let len = window + more;
        let scale = 1.0 / len as f64;
        let at = |t: f64, derivative: usize| -> f64 {
            (derivative..=order)
                .map(|k| {
                    let falling: f64 = (k - derivative + 1..=k).map(|v| v as f64).product();
                    let power = t.powi((k - derivative) as i32);
                    coefficients[k] * falling * power * scale.powi(derivative as i32)
                })
                .sum()
        };
        let values: Vec<f64> = (0..len).map(|i| at(i as f64 * scale, 0)).collect();
        let ends = SavgolEnds::Interpolate;
        let found = savgol_filter(&values, window, order, derivative, ends).unwrap();
        let half = window / 2;
        for (i, found) in found.iter().enumerate() {
            let middle = i >= half && i + half < len;
            let shift = if window % 2 == 0 && middle { 0.5 } else { 0.0 };
            let wanted = at((i as f64 + shift) * scale, derivative);
            prop_assert!((found - wanted).abs() < 1e-9, "{i}: {found} {wanted}");
        }
    }

    #[test]
    fn a_cycle_may_start_anywhere(
        values in prop::collection::vec(-5.0_f64..5.0, 1..20),
        window in 1_usize..30,
        shift in 0_usize..20,
    ) {
        let shift = shift % values.len();
        let order = 2.min(window - 1);
        let mut turned = values.clone();
        turned.rotate_left(shift);
        let mut wanted = savgol_filter(&values, window, order, 1, SavgolEnds::Wrap).unwrap();
        wanted.rotate_left(shift);
        let found = savgol_filter(&turned, window, order, 1, SavgolEnds::Wrap).unwrap();
        prop_assert_eq!(found, wanted);
    }
}

#[test]
fn what_cannot_be_fitted_is_an_error() {
    let ends = SavgolEnds::Interpolate;
    let order = SavgolError::OrderExceedsWindow { window: 3, order: 3 };
    assert_eq!(savgol_coefficients(3, 3, 0, 1.0), Err(order.clone()));
    assert_eq!(savgol_filter(&[1.0; 9], 3, 3, 0, ends), Err(order));
    let none = SavgolError::OrderExceedsWindow { window: 0, order: 0 };
    assert_eq!(savgol_filter(&[1.0], 0, 0, 0, ends), Err(none));
    let long = SavgolError::WindowExceedsValues { window: 5, len: 4 };
    assert_eq!(savgol_filter(&[1.0; 4], 5, 2, 0, ends), Err(long));
    assert_eq!(savgol_filter(&[], 5, 2, 0, SavgolEnds::Wrap), Ok(vec![]));
    let found = savgol_filter(&[1.0, f64::NAN, 1.0, 1.0, 1.0], 3, 0, 0, ends).unwrap();
    assert_eq!(
        found.iter().map(|v| v.is_nan()).collect::<Vec<_>>(),
        [true, true, true, false, false]
    );
}
