//! Grey values: of cameras to 0..1 and back, and to a mask.

use ndarray::{Array2, ArrayView2};

use crate::LineageError;

/// An unsigned integer of a camera, whose largest value is full scale.
pub trait FullScale: Copy {
    /// Its largest value.
    const FULL: f64;
    /// The value as a number.
    fn to_f64(self) -> f64;
    /// The number with its fraction cut off.
    fn from_f64(value: f64) -> Self;
}

macro_rules! full_scale {
    ($($type:ty),*) => {$(
        impl FullScale for $type {
            const FULL: f64 = <$type>::MAX as f64;
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn from_f64(value: f64) -> Self {
                value as $type
            }
        }
    )*};
}
full_scale!(u8, u16, u32);

/// Divides by the largest value of the type: 0 to 1.
pub fn rescale<T: FullScale>(image: ArrayView2<'_, T>) -> Array2<f32> {
    image.mapv(|v| (v.to_f64() / T::FULL) as f32)
}

/// Multiplies by the largest value of the type, and cuts fractions off.
///
/// # Errors
/// When a value is below 0, above 1 or no number.
pub fn to_integer_values<T: FullScale>(
    image: ArrayView2<'_, f32>,
) -> Result<Array2<T>, LineageError> {
    if let Some(bad) = image.iter().find(|v| !(0.0..=1.0).contains(*v)) {
        let reason = format!("holds {bad}, wanted values from 0 to 1");
        return Err(LineageError::Parameter { name: "image", reason });
    }
    // In the precision of the picture, as numpy multiplies; a u32 has no exact full scale there.
    Ok(image.mapv(|v| T::from_f64(f64::from(v * T::FULL as f32))))
}

/// Makes a mask, 1 where a value exceeds `threshold`: unless given, the middle between smallest and largest.
///
/// Values that are no numbers are background, and do not count for the middle.
pub fn binarize(image: ArrayView2<'_, f32>, threshold: Option<f32>) -> Array2<u8> {
    let threshold = threshold.unwrap_or_else(|| {
        let low = image.iter().copied().fold(f32::INFINITY, f32::min);
        let high = image.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        (low + high) / 2.0
    });
    image.mapv(|v| u8::from(v > threshold))
}
