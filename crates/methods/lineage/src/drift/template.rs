//! A band of the first frame, found in others by normalised cross-correlation.

use hooke_filters::fft::{Complex32, RealFft, next_fast_size};
use ndarray::{Array2, ArrayView2};

use crate::LineageError;
use crate::imgops::{CropBox, to_integer_values};

/// What is cut off at the borders, so that content can move.
const CUT: f64 = 0.025;
/// Fewer rows than this are no band to find anything by.
const FEWEST_ROWS: i64 = 8;

/// The part of a picture of `shape` `(y, x)` by which drift is measured: all of it but a border of 2.5 %, if `whole`;
/// else the band above the lowest of the upper ends of the `boxes`.
///
/// Where the boxes leave no such band, the larger one above or below all of them; where there is none, the whole.
pub fn drift_box(boxes: &[CropBox], shape: [usize; 2], whole: bool) -> CropBox {
    let [height, width] = shape.map(|n| n as i64);
    let cut = |n: i64| (n as f64 * CUT).round_ties_even() as i64;
    let (x_cut, y_cut) = (cut(width), cut(height));
    let all = CropBox { xtl: x_cut, ytl: y_cut, xbr: width - x_cut, ybr: height - y_cut };
    let lowest_top = boxes.iter().map(|b| b.ytl).max();
    let (Some(lowest_top), false) = (lowest_top, whole) else { return all };
    let above = CropBox { ybr: lowest_top - y_cut, ..all };
    if above.ybr - above.ytl >= 1 {
        return above;
    }
    let end = boxes.iter().map(|b| b.ybr).max().unwrap_or(height);
    let below = CropBox { ytl: end + y_cut, ..all };
    if below.ybr - below.ytl >= FEWEST_ROWS { below } else { all }
}

/// Finds the content of a box of the first frame in other frames.
pub struct TemplateDrift {
    fft: RealFft,
    /// Spectrum of the template less its mean.
    template: Vec<Complex32>,
    place: CropBox,
    shape: [usize; 2],
}

impl TemplateDrift {
    /// Takes the template from a frame `(y, x)` of values 0 to 1.
    ///
    /// # Errors
    /// When the box does not lie within the frame, or values are not from 0 to 1.
    pub fn new(first: ArrayView2<'_, f32>, place: CropBox) -> Result<Self, LineageError> {
        let shape: [usize; 2] = first.dim().into();
        let [height, width] = shape.map(|n| n as i64);
        let is_inside =
            place.xtl >= 0 && place.ytl >= 0 && place.xbr <= width && place.ybr <= height;
        if !is_inside || place.size() == 0 {
            let reason = format!("{place:?} is empty or not within {height} × {width} pixels");
            return Err(LineageError::Parameter { name: "drift box", reason });
        }
        let crop = place.crop(to_integer_values::<u8>(first)?.view()).mapv(f32::from);
        let crop = less_mean(crop);
        let fft = RealFft::new(&shape.map(next_fast_size));
        let mut template = vec![Complex32::default(); fft.spectrum_len()];
        let values: Vec<f32> = crop.iter().copied().collect();
        fft.forward_padded(&values, &place.shape(), &mut template);
        Ok(Self { fft, template, place, shape })
    }

    /// Finds how far the content has moved, `(x, y)` in whole pixels: where the correlation coefficient of template and
    /// picture is greatest, the first place of equal ones. `None` where template or picture are flat.
    ///
    /// # Errors
    /// When the frame has another shape than the first, or values are not from 0 to 1.
    pub fn measure(&self, frame: ArrayView2<'_, f32>) -> Result<Option<[i64; 2]>, LineageError> {
        let shape: [usize; 2] = frame.dim().into();
        if shape != self.shape {
            let (expected, found) = (self.shape.to_vec(), shape.to_vec());
            return Err(LineageError::Shape { what: "frame", expected, found });
        }
        let bytes = to_integer_values::<u8>(frame)?;
        let sums = Sums::of(&bytes);
        // The template has no mean, so that taking one off the frame changes nothing but the rounding.
        let values: Vec<f32> = less_mean(bytes.mapv(f32::from)).iter().copied().collect();
        let mut spectrum = vec![Complex32::default(); self.fft.spectrum_len()];
        self.fft.forward_padded(&values, &shape, &mut spectrum);
        spectrum.iter_mut().zip(&self.template).for_each(|(f, t)| *f *= t.conj());
        let mut correlation = vec![0.0; self.fft.real_len()];
        self.fft.inverse(&mut spectrum, &mut correlation);

        let [high, wide] = self.place.shape();
        let columns = self.fft.shape()[1];
        let mut best: Option<(f64, [usize; 2])> = None;
        for y in 0..=shape[0] - high {
            for x in 0..=shape[1] - wide {
                let variance = sums.variance([y, x], [high, wide]);
                if variance <= 0.0 {
                    continue;
                }
                let score = f64::from(correlation[y * columns + x]) / variance.sqrt();
                if best.is_none_or(|(most, _)| score > most) {
                    best = Some((score, [y, x]));
                }
            }
        }
        let found = best.filter(|(score, _)| *score > 0.0);
        Ok(found.map(|(_, [y, x])| [x as i64 - self.place.xtl, y as i64 - self.place.ytl]))
    }
}

fn less_mean(image: Array2<f32>) -> Array2<f32> {
    let mean = image.iter().map(|v| f64::from(*v)).sum::<f64>() / image.len().max(1) as f64;
    image - mean as f32
}

/// Exact sums of values and of their squares over boxes.
struct Sums {
    values: Array2<u64>,
    squares: Array2<u64>,
}

impl Sums {
    fn of(image: &Array2<u8>) -> Self {
        let (height, width) = image.dim();
        let mut values = Array2::zeros((height + 1, width + 1));
        let mut squares = Array2::zeros((height + 1, width + 1));
        for y in 0..height {
            let (mut value, mut square) = (0, 0);
            for x in 0..width {
                let v = u64::from(image[[y, x]]);
                value += v;
                square += v * v;
                values[[y + 1, x + 1]] = values[[y, x + 1]] + value;
                squares[[y + 1, x + 1]] = squares[[y, x + 1]] + square;
            }
        }
        Self { values, squares }
    }

    /// Σ(v − mean)² over a box, times the number of its pixels.
    fn variance(&self, [y, x]: [usize; 2], [height, width]: [usize; 2]) -> f64 {
        let sum = |table: &Array2<u64>| {
            i128::from(table[[y + height, x + width]]) + i128::from(table[[y, x]])
                - i128::from(table[[y, x + width]])
                - i128::from(table[[y + height, x]])
        };
        let value = sum(&self.values);
        (sum(&self.squares) * (height * width) as i128 - value * value) as f64
    }
}
