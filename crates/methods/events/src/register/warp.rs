//! Frames moved to where they belong, once and from the raw pixels.

use hooke_core::Sample;
use hooke_filters::fft::{Complex32, RealFft, next_fast_size};
use hooke_filters::resample::{spline_coefficients_into, spline_sample_into};
use ndarray::{Array2, ArrayView2};

use super::interpolate::Sampler;
use super::params::{BorderFill, Interpolation, RegisterParams};
use super::table::Displacement;
use crate::EventsError;

/// Shifts from here on are mistakes, pixels.
const LARGEST: f64 = 1e6;

/// Moves a frame: `registered(y, x) = frame(y + dy, x + dx)`.
///
/// Pixels that come from outside of the frame are filled as `params.border` says; with edge, they are
/// what the nearest place inside holds. Integers are rounded to even and clipped. A displacement of 0 copies the
/// frame bit for bit. Values pass through `f32`: integers above 2^24 and doubles are rounded.
/// NaN spreads to the pixels within reach of the interpolation, up to 12.
///
/// # Errors
/// [`EventsError::Shape`] if a field's shape differs from the frame's, [`EventsError::Parameter`] for a
/// field with the interpolation `fourier` and a shift that is no number of pixels.
pub fn warp<T: Sample>(
    frame: ArrayView2<'_, T>,
    displacement: &Displacement,
    params: &RegisterParams,
) -> Result<Array2<T>, EventsError> {
    if let Displacement::Whole([0.0, 0.0]) = displacement {
        return Ok(frame.to_owned());
    }
    let image = frame.map(|v| v.to_f32()).as_standard_layout().into_owned();
    let moved = warp_f32(image.view(), displacement, params.border, params.interpolation)?;
    Ok(moved.mapv(|v| T::from_f64(f64::from(v))))
}

pub(crate) fn warp_f32(
    frame: ArrayView2<'_, f32>,
    displacement: &Displacement,
    border: BorderFill,
    interpolation: Interpolation,
) -> Result<Array2<f32>, EventsError> {
    let shape = [frame.nrows(), frame.ncols()];
    if let Displacement::Whole(shift) = displacement
        && !shift.iter().all(|s| s.abs() < LARGEST)
    {
        let reason = format!("{shift:?} is no shift of a frame");
        return Err(EventsError::Parameter { name: "shift", reason });
    }
    if frame.is_empty() {
        return Ok(frame.to_owned());
    }
    let image = frame.as_standard_layout();
    let src = image.as_slice().expect("in standard layout");
    match displacement {
        Displacement::Whole(shift) => Ok(match interpolation {
            Interpolation::Fourier => whole_fourier(src, shape, *shift, border),
            Interpolation::Bspline3 => whole_spline(src, shape, *shift, border),
            _ => {
                let sampler = Sampler::new(src, shape, interpolation);
                let mut out = Array2::zeros(shape);
                fill(&mut out, border, &sampler, |y, x| [y as f64 + shift[0], x as f64 + shift[1]]);
                out
            }
        }),
        Displacement::Field(field) => {
            if let Some(of) = field.iter().find(|f| [f.nrows(), f.ncols()] != shape) {
                return Err(EventsError::Shape {
                    what: "field of displacements",
                    expected: shape.to_vec(),
                    found: of.shape().to_vec(),
                });
            }
            if interpolation == Interpolation::Fourier {
                let reason = "fourier moves whole frames; displacements differ here".to_owned();
                return Err(EventsError::Parameter { name: "interpolation", reason });
            }
            let sampler = Sampler::new(src, shape, interpolation);
            let mut out = Array2::zeros(shape);
            let [dy, dx] = field;
            fill(&mut out, border, &sampler, |y, x| {
                [y as f64 + f64::from(dy[[y, x]]), x as f64 + f64::from(dx[[y, x]])]
            });
            Ok(out)
        }
    }
}

fn fill(
    out: &mut Array2<f32>,
    border: BorderFill,
    sampler: &Sampler<'_>,
    place: impl Fn(usize, usize) -> [f64; 2],
) {
    for (y, mut row) in out.outer_iter_mut().enumerate() {
        for (x, out) in row.iter_mut().enumerate() {
            *out = at_border(border, sampler, place(y, x));
        }
    }
}

/// The value at a place, inside of the frame or not.
fn at_border(border: BorderFill, sampler: &Sampler<'_>, place: [f64; 2]) -> f32 {
    let last = sampler.last();
    if (0..2).all(|d| place[d] >= 0.0 && place[d] <= last[d]) {
        return sampler.at(place);
    }
    match border {
        BorderFill::Nan => f32::NAN,
        BorderFill::Zero => 0.0,
        BorderFill::Edge => sampler.at([0, 1].map(|d| place[d].clamp(0.0, last[d]))),
    }
}

/// The pixels along an axis whose places `p + shift` lie inside of `0..n`.
fn inside(n: usize, shift: f64) -> std::ops::Range<usize> {
    let first = (-shift).max(0.0).ceil().min(n as f64) as usize;
    let end = ((n as f64 - 1.0 - shift).floor() + 1.0).clamp(first as f64, n as f64) as usize;
    first..end
}

fn whole_spline(
    src: &[f32],
    shape: [usize; 2],
    shift: [f64; 2],
    border: BorderFill,
) -> Array2<f32> {
    let [height, width] = shape;
    let mut coefficients = vec![0.0; src.len()];
    spline_coefficients_into(src, [1, height, width], &mut coefficients);
    let mut out = Array2::zeros(shape);
    let values = out.as_slice_mut().expect("in standard layout");
    let origin = [0.0, shift[0], shift[1]];
    spline_sample_into(&coefficients, [1, height, width], origin, values, [1, height, width]);
    let [rows, columns] = [0, 1].map(|d| inside(shape[d], shift[d]));
    let sampler = Sampler::of_coefficients(coefficients, shape);
    each_outside(shape, rows, columns, |y, x| {
        let place = [y as f64 + shift[0], x as f64 + shift[1]];
        out[[y, x]] = at_border(border, &sampler, place);
    });
    out
}

/// Calls `work` for each pixel that is not in both ranges.
fn each_outside(
    [height, width]: [usize; 2],
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
    mut work: impl FnMut(usize, usize),
) {
    for y in 0..height {
        let skipped = if rows.contains(&y) { columns.clone() } else { 0..0 };
        (0..skipped.start).for_each(|x| work(y, x));
        (skipped.end.max(skipped.start)..width).for_each(|x| work(y, x));
    }
}

/// Moves a frame by a phase ramp on its even extension, which has no steps at the edges.
fn whole_fourier(
    src: &[f32],
    shape: [usize; 2],
    shift: [f64; 2],
    border: BorderFill,
) -> Array2<f32> {
    let [height, width] = shape;
    let padded = shape.map(|n| 2 * next_fast_size(n));
    let mirrored = |i: usize, n: usize, padded: usize| {
        // The extension holds the last pixel until it mirrors back.
        let i = if i < padded / 2 { i } else { padded - 1 - i };
        i.min(n - 1)
    };
    let image: Vec<f32> = (0..padded[0])
        .flat_map(|y| {
            let row = mirrored(y, height, padded[0]) * width;
            (0..padded[1]).map(move |x| src[row + mirrored(x, width, padded[1])])
        })
        .collect();
    let fft = RealFft::new(&padded);
    let mut spectrum = vec![Complex32::ZERO; fft.spectrum_len()];
    fft.forward(&image, &mut spectrum);
    let half = padded[1] / 2 + 1;
    for (i, value) in spectrum.iter_mut().enumerate() {
        *value *= phase(i / half, padded[0], shift[0]) * phase(i % half, padded[1], shift[1]);
    }
    let mut moved = image;
    fft.inverse(&mut spectrum, &mut moved);
    let [rows, columns] = [0, 1].map(|d| inside(shape[d], shift[d]));
    Array2::from_shape_fn(shape, |(y, x)| {
        let is_inside = rows.contains(&y) && columns.contains(&x);
        match border {
            BorderFill::Nan if !is_inside => f32::NAN,
            BorderFill::Zero if !is_inside => 0.0,
            BorderFill::Edge if !is_inside => {
                // The nearest pixel that comes from inside; of none, the frame's own edge.
                let nearest = |p: usize, range: &std::ops::Range<usize>, n: usize, shift: f64| {
                    if range.is_empty() {
                        return if shift < 0.0 { 0 } else { n - 1 };
                    }
                    p.clamp(range.start, range.end - 1)
                };
                let v = nearest(y, &rows, height, shift[0]);
                let u = nearest(x, &columns, width, shift[1]);
                if rows.is_empty() || columns.is_empty() {
                    src[v * width + u]
                } else {
                    moved[v * padded[1] + u]
                }
            }
            _ => moved[y * padded[1] + x],
        }
    })
}

/// What moves element `k` of a transform of length `n` so that `f(x)` becomes `f(x + shift)`.
pub(crate) fn phase(k: usize, n: usize, shift: f64) -> Complex32 {
    let frequency = if 2 * k <= n { k as f64 } else { k as f64 - n as f64 };
    let angle = std::f64::consts::TAU * shift * frequency / n as f64;
    // The highest frequency of an even length has no direction.
    let sine = if 2 * k == n { 0.0 } else { angle.sin() };
    Complex32::new(angle.cos() as f32, sine as f32)
}
