//! The parts of jnormcorre 0.0.7's rigid registration, for comparison only.
//!
//! Registering with them repeats its faults: a template that is never made anew under the high-pass, and
//! shifts on a grid of 0.1 pixels pulled towards 0 by the frame's edges. Shifts have the sign of this crate, the
//! negative of its `shifts_rig`.

use std::f64::consts::TAU;

use hooke_filters::Border;
use hooke_filters::fft::{Complex32, RealFft};
use ndarray::{Array2, ArrayView2};

use super::warp::phase;
use crate::EventsError;

/// Parts of a pixel on the grid of shifts.
const UPSAMPLING: f64 = 10.0;

/// Points of the fine grid along each axis.
const FINE: usize = 15;

/// The high-pass kernel for structures of size `sigma`: a disc of a Gaussian less its mean, with
/// `2 floor(3 sigma / 2) + 1` pixels per axis, 0 outside of the disc.
///
/// # Errors
/// [`EventsError::Parameter`] for a sigma of 0 or above 1000.
pub fn kernel(sigma: usize) -> Result<Array2<f64>, EventsError> {
    if !(1..=1000).contains(&sigma) {
        let reason = "1 to 1000 pixels are wanted".to_owned();
        return Err(EventsError::Parameter { name: "sigma", reason });
    }
    let radius = 3 * sigma / 2;
    let scale = -0.5 / (sigma * sigma) as f64;
    // In this order rounding decides as theirs does which pixels on the rim count.
    let weight = |k: usize| (scale * (k.abs_diff(radius).pow(2)) as f64).exp();
    let sum = 2.0 * (0..radius).map(weight).sum::<f64>() + weight(radius);
    let line: Vec<f64> = (0..=2 * radius).map(|k| weight(k) / sum).collect();
    let least = line[0] * line[radius];
    let outer = Array2::from_shape_fn((line.len(), line.len()), |(y, x)| line[y] * line[x]);
    let kept = outer.iter().filter(|v| **v >= least);
    let (count, total) = kept.fold((0.0, 0.0), |(n, s), v| (n + 1.0, s + v));
    let mean = total / count;
    Ok(outer.mapv(|v| if v >= least { v - mean } else { 0.0 }))
}

/// Filters an image with [`kernel`], its edge mirrored with the edge pixel repeated.
///
/// # Errors
/// As [`kernel`].
pub fn high_pass(image: ArrayView2<'_, f32>, sigma: usize) -> Result<Array2<f32>, EventsError> {
    let kernel = kernel(sigma)?;
    let radius = (kernel.nrows() / 2) as isize;
    let (height, width) = image.dim();
    Ok(Array2::from_shape_fn((height, width), |(y, x)| {
        let sum: f64 = kernel
            .indexed_iter()
            .filter(|(_, w)| **w != 0.0)
            .map(|((i, j), w)| {
                let v = Border::Reflect.index(y as isize + i as isize - radius, height);
                let u = Border::Reflect.index(x as isize + j as isize - radius, width);
                w * f64::from(image[[v, u]])
            })
            .sum();
        sum as f32
    }))
}

/// The shift of a frame on a template: the peak of their plain circular correlation, then of its
/// trigonometric interpolation on a grid of 0.1 pixels, 15 x 15 points around it.
///
/// * `max_shift`: largest whole shift along y and x, cut to less than half the frame.
///
/// # Errors
/// [`EventsError::Shape`] if the two differ in shape, [`EventsError::Parameter`] if they are empty.
///
/// # Reference
/// Guizar-Sicairos et al. 2008, doi:10.1364/OL.33.000156.
pub fn rigid_shift(
    frame: ArrayView2<'_, f32>,
    template: ArrayView2<'_, f32>,
    max_shift: [usize; 2],
) -> Result<[f64; 2], EventsError> {
    let shape = [frame.nrows(), frame.ncols()];
    check(frame, [template.nrows(), template.ncols()])?;
    let fft = RealFft::new(&shape);
    let transform = |image: ArrayView2<'_, f32>| {
        let image: Vec<f32> = image.iter().copied().collect();
        let mut spectrum = vec![Complex32::ZERO; fft.spectrum_len()];
        fft.forward(&image, &mut spectrum);
        spectrum
    };
    let product: Vec<Complex32> =
        transform(frame).iter().zip(transform(template)).map(|(f, t)| f * t.conj()).collect();
    let reach = [0, 1].map(|d| max_shift[d].min((shape[d] - 1) / 2));
    let mut surface = vec![0.0; (2 * reach[0] + 1) * (2 * reach[1] + 1)];
    fft.inverse_centred(&mut product.clone(), &reach, &mut surface);
    let columns = 2 * reach[1] + 1;
    let highest = highest(surface.iter().map(|v| f64::from(v.abs())));
    let whole = [
        (highest / columns) as f64 - reach[0] as f64,
        (highest % columns) as f64 - reach[1] as f64,
    ];
    Ok(finer(&product, shape, whole))
}

/// The highest point of the correlation on the fine grid around `whole`.
fn finer(product: &[Complex32], shape: [usize; 2], whole: [f64; 2]) -> [f64; 2] {
    let half = shape[1] / 2 + 1;
    let grid = |d: usize, i: usize| whole[d] + (i as f64 - (FINE / 2) as f64) / UPSAMPLING;
    let turn = |place: f64, k: usize, n: usize| {
        let k = if 2 * k < n { k as f64 } else { k as f64 - n as f64 };
        let angle = TAU * place * k / n as f64;
        (angle.cos(), angle.sin())
    };
    // The other half of the spectrum is the conjugate: all but the outermost columns count twice.
    let weight = |kx: usize| if kx == 0 || 2 * kx == shape[1] { 1.0 } else { 2.0 };
    let mut values = Vec::with_capacity(FINE * FINE);
    for i in 0..FINE {
        let mut sums = vec![(0.0, 0.0); half];
        for (ky, row) in product.chunks(half).enumerate() {
            let (c, s) = turn(grid(0, i), ky, shape[0]);
            for (sum, v) in sums.iter_mut().zip(row) {
                let (re, im) = (f64::from(v.re), f64::from(v.im));
                *sum = (sum.0 + re * c - im * s, sum.1 + re * s + im * c);
            }
        }
        for j in 0..FINE {
            let value: f64 = sums
                .iter()
                .enumerate()
                .map(|(kx, (re, im))| {
                    let (c, s) = turn(grid(1, j), kx, shape[1]);
                    weight(kx) * (re * c - im * s)
                })
                .sum();
            values.push(value.abs());
        }
    }
    let best = highest(values.into_iter());
    [grid(0, best / FINE), grid(1, best % FINE)]
}

/// Index of the first of the highest values.
fn highest(values: impl Iterator<Item = f64>) -> usize {
    values
        .enumerate()
        .fold((0, f64::NEG_INFINITY), |best, (i, v)| if v > best.1 { (i, v) } else { best })
        .0
}

/// Moves a frame by a phase ramp, circularly, then copies the nearest untouched row and column over
/// those that came around: the first `ceil(-d)` and the last `floor(d)` of a shift `d`.
///
/// # Errors
/// [`EventsError::Parameter`] for an empty frame, or a shift of half the frame or more.
pub fn apply_shift(
    frame: ArrayView2<'_, f32>,
    shift: [f64; 2],
) -> Result<Array2<f32>, EventsError> {
    let shape = [frame.nrows(), frame.ncols()];
    check(frame, shape)?;
    if !(0..2).all(|d| shift[d].abs() < shape[d] as f64 / 2.0) {
        let reason = format!("{shift:?} pixels; less than half the frame is wanted");
        return Err(EventsError::Parameter { name: "shift", reason });
    }
    let fft = RealFft::new(&shape);
    let mut image: Vec<f32> = frame.iter().copied().collect();
    let mut spectrum = vec![Complex32::ZERO; fft.spectrum_len()];
    fft.forward(&image, &mut spectrum);
    let half = shape[1] / 2 + 1;
    for (i, value) in spectrum.iter_mut().enumerate() {
        *value *= phase(i / half, shape[0], shift[0]) * phase(i % half, shape[1], shift[1]);
    }
    fft.inverse(&mut spectrum, &mut image);
    let kept = |d: usize| {
        let first = (-shift[d]).max(0.0).ceil() as usize;
        let last = shape[d] - 1 - shift[d].max(0.0).floor() as usize;
        (first.min(last), last)
    };
    let (rows, columns) = (kept(0), kept(1));
    Ok(Array2::from_shape_fn(shape, |(y, x)| {
        image[y.clamp(rows.0, rows.1) * shape[1] + x.clamp(columns.0, columns.1)]
    }))
}

fn check(frame: ArrayView2<'_, f32>, shape: [usize; 2]) -> Result<(), EventsError> {
    let found = frame.shape().to_vec();
    if frame.is_empty() {
        let reason = "it has no pixel".to_owned();
        return Err(EventsError::Parameter { name: "frame", reason });
    }
    if found != shape {
        return Err(EventsError::Shape { what: "frame", expected: shape.to_vec(), found });
    }
    Ok(())
}
