//! How well frames and template agree.

use ndarray::{ArrayView2, s};

use super::params::RegisterParams;
use super::prepare::{BandMemory, filtered};
use super::table::Valid;
use super::template::Template;

/// Compares frames with the template, before and after they are registered.
#[derive(Debug)]
pub struct FrameQuality {
    band: Option<[f64; 2]>,
    valid: Valid,
    width: usize,
    /// The filtered template within the valid rectangle, of mean 0 and norm 1.
    template: Vec<f64>,
}

impl FrameQuality {
    /// * `valid`: where every registered frame has pixels of its own; cut to the template's size.
    pub fn new(template: &Template, valid: Valid, params: &RegisterParams) -> Self {
        let [height, width] = template.shape();
        let valid = Valid {
            y0: valid.y0.min(height),
            y1: valid.y1.min(height),
            x0: valid.x0.min(width),
            x1: valid.x1.min(width),
        };
        let mut quality = Self { band: params.band, valid, width, template: Vec::new() };
        quality.template = quality.standardized(template.image());
        quality
    }

    /// Pearson's correlation of a frame, filtered, with the template, within the valid rectangle.
    ///
    /// 0 for a frame without structure or of another width, or an empty rectangle. NaN near a pixel that is
    /// NaN is taken for the frame's mean.
    pub fn r(&self, frame: ArrayView2<'_, f32>) -> f32 {
        if frame.ncols() != self.width || frame.nrows() < self.valid.y1 {
            return 0.0;
        }
        let values = self.standardized(frame);
        values.iter().zip(&self.template).map(|(a, b)| a * b).sum::<f64>() as f32
    }

    /// The pixels within the rectangle, of mean 0 and norm 1; zeros if they are all equal.
    fn standardized(&self, frame: ArrayView2<'_, f32>) -> Vec<f64> {
        let (mut image, mut scratch) = (Vec::new(), BandMemory::default());
        filtered(frame, self.band, &mut image, &mut scratch);
        let Valid { y0, y1, x0, x1 } = self.valid;
        let rows = (y0..y1).map(|y| &image[y * self.width..][x0.min(x1)..x1]);
        let mut values: Vec<f64> = rows.flatten().map(|v| f64::from(*v)).collect();
        let finite = || values.iter().filter(|v| v.is_finite());
        let mean = finite().sum::<f64>() / finite().count().max(1) as f64;
        let norm = finite().map(|v| (v - mean).powi(2)).sum::<f64>().sqrt();
        let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
        for value in &mut values {
            *value = if value.is_finite() { (*value - mean) * scale } else { 0.0 };
        }
        values
    }
}

/// Crispness of an image: the root mean square of its gradient, per pixel, without the outer tenth.
///
/// After Pnevmatikakis & Giovannucci 2017, doi:10.1016/j.jneumeth.2017.07.031, which sums instead.
pub fn crispness(image: ArrayView2<'_, f32>) -> f64 {
    let (height, width) = image.dim();
    let (my, mx) = (height / 10, width / 10);
    if height < 2 * my + 3 || width < 2 * mx + 3 {
        return 0.0;
    }
    let inner = image.slice(s![my..height - my, mx..width - mx]);
    let (rows, columns) = inner.dim();
    let mut sum = 0.0;
    for y in 1..rows - 1 {
        for x in 1..columns - 1 {
            let dy = f64::from(inner[[y + 1, x]] - inner[[y - 1, x]]) / 2.0;
            let dx = f64::from(inner[[y, x + 1]] - inner[[y, x - 1]]) / 2.0;
            sum += dy * dy + dx * dx;
        }
    }
    (sum / ((rows - 2) * (columns - 2)) as f64).sqrt()
}
