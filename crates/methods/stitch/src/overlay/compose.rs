//! Planes in colour, added to one picture.

use hooke_filters::order::quantile;
use ndarray::{Array2, Array3};

use super::OverlayError;

/// Most pixels of a picture.
const MOST_PIXELS: u64 = 1 << 28;

/// A plane to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct ColoredPlane {
    /// Picture coordinate of its first pixel, row and column; may be negative.
    pub origin: [i64; 2],
    /// Its values; NaN draws nothing.
    pub values: Array2<f32>,
    /// Red, green and blue at full scale, 0 to 1.
    pub color: [f32; 3],
    /// The value that is drawn at full scale; values of 0 and less are black.
    pub full_scale: f32,
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    /// Coordinate of its first pixel among the planes' origins.
    pub origin: [i64; 2],
    /// `(height, width, 3)`: red, green, blue.
    pub rgb: Array3<u8>,
}

/// The value at a percentile (0 to 100) of what is not NaN; 0 where there is nothing.
pub fn full_scale(values: &Array2<f32>, percentile: f64) -> f32 {
    let mut finite: Vec<f32> = values.iter().copied().filter(|v| v.is_finite()).collect();
    quantile(&mut finite, percentile / 100.0).unwrap_or(0.0)
}

/// Adds planes to one picture that holds them all; colours add and are clipped.
///
/// # Errors
/// [`OverlayError::TooLarge`] beyond 2^28 pixels.
pub fn compose(planes: &[ColoredPlane]) -> Result<Overlay, OverlayError> {
    let bound = |d: usize, end: bool| {
        let side =
            |p: &ColoredPlane| p.origin[d] + if end { p.values.shape()[d] as i64 } else { 0 };
        let sides = planes.iter().map(side);
        if end { sides.max() } else { sides.min() }.unwrap_or(0)
    };
    let origin = [bound(0, false), bound(1, false)];
    let [height, width] = [0, 1].map(|d| (bound(d, true) - origin[d]) as u64);
    if height.saturating_mul(width) > MOST_PIXELS {
        return Err(OverlayError::TooLarge { height, width });
    }
    let mut light = Array3::<f32>::zeros([height as usize, width as usize, 3]);
    for plane in planes {
        let [top, left] = [0, 1].map(|d| (plane.origin[d] - origin[d]) as usize);
        for ((row, column), value) in plane.values.indexed_iter() {
            let part = (value / plane.full_scale).clamp(0.0, 1.0);
            // NaN, also of 0 / 0 in an empty plane, is not drawn.
            if part > 0.0 {
                for (c, color) in plane.color.iter().enumerate() {
                    light[[top + row, left + column, c]] += part * color;
                }
            }
        }
    }
    let rgb = light.mapv(|v| (v.min(1.0) * 255.0).round() as u8);
    Ok(Overlay { origin, rgb })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_add_and_are_clipped() {
        let plane = |origin, value, color| ColoredPlane {
            origin,
            values: Array2::from_elem([2, 2], value),
            color,
            full_scale: 10.0,
        };
        let planes = [plane([-1, 0], 5.0, [1.0, 0.0, 1.0]), plane([0, 1], 20.0, [0.0, 1.0, 0.2])];
        let picture = compose(&planes).expect("small");
        assert_eq!((picture.origin, picture.rgb.dim()), ([-1, 0], (3, 3, 3)));
        let at = |y, x| [0, 1, 2].map(|c| picture.rgb[[y, x, c]]);
        assert_eq!(at(0, 0), [128, 0, 128]);
        assert_eq!(at(1, 1), [128, 255, 179]);
        assert_eq!(at(2, 2), [0, 255, 51]);
        assert_eq!(at(0, 2), [0, 0, 0]);
    }

    #[test]
    fn masked_and_dark_planes_draw_nothing() {
        let values = Array2::from_shape_vec([1, 3], vec![f32::NAN, -4.0, 0.0]).expect("three");
        let scale = full_scale(&values, 98.0);
        let plane =
            ColoredPlane { origin: [0, 0], values, color: [1.0; 3], full_scale: scale.max(0.0) };
        assert!(compose(&[plane]).expect("small").rgb.iter().all(|v| *v == 0));
        assert_eq!(compose(&[]).expect("empty").rgb.dim(), (0, 0, 3));
        assert_eq!(full_scale(&Array2::from_elem([1, 1], f32::NAN), 50.0), 0.0);
    }
}
