//! Intensities brought to one scale.

use hooke_core::{Dtype, Sample};
use serde::{Deserialize, Serialize};

use crate::error::TilesetError;

/// How a scaled value becomes a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rounding {
    /// To the nearest, a half to the even one.
    #[default]
    Nearest,
    /// Downwards, as ExM-Toolbox does.
    Down,
}

/// A range of intensities that becomes the whole range of a type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    rounding: Rounding,
}

impl Scale {
    /// The range `low` to `high`, in intensities of the input.
    ///
    /// # Errors
    /// [`TilesetError::EmptyRange`] unless `low < high`, both finite.
    pub fn new(low: f64, high: f64, rounding: Rounding) -> Result<Scale, TilesetError> {
        match low < high && low.is_finite() && high.is_finite() {
            true => Ok(Scale { low, high, rounding }),
            false => Err(TilesetError::EmptyRange { low, high }),
        }
    }

    /// Scales a block: `clip((v - low) * M / (high - low), 0, M)` in f64. Serial.
    ///
    /// `M` is 255 for `u8`, 65535 for `u16`; for `f32` it is 255 and nothing is rounded.
    ///
    /// # Returns
    /// How many samples were NaN; they become 0.
    ///
    /// # Errors
    /// [`TilesetError::Parameter`] for another output type; [`TilesetError::BufferLength`] when the
    /// lengths differ.
    ///
    /// # Examples
    /// ```
    /// use hooke_tileset::scale::{Rounding, Scale};
    /// let scale = Scale::new(100.0, 200.0, Rounding::Nearest)?;
    /// let mut out = [0u8; 4];
    /// assert_eq!(scale.apply(&[50.0, 150.0, 999.0, f64::NAN], &mut out)?, 1);
    /// assert_eq!(out, [0, 128, 255, 0]);
    /// # Ok::<(), hooke_tileset::TilesetError>(())
    /// ```
    pub fn apply<T: Sample, O: Sample>(
        &self,
        values: &[T],
        out: &mut [O],
    ) -> Result<u64, TilesetError> {
        let largest = match O::DTYPE {
            Dtype::Uint8 | Dtype::Float32 => 255.0,
            Dtype::Uint16 => 65535.0,
            other => {
                let (found, wanted) = (other.to_string(), "uint8, uint16 or float32");
                return Err(TilesetError::Parameter { name: "dtype", found, wanted });
            }
        };
        if values.len() != out.len() {
            let (expected, found) = (values.len() as u64, out.len());
            return Err(TilesetError::BufferLength { expected, found });
        }
        let to_integer = O::DTYPE != Dtype::Float32;
        let round_down = to_integer && self.rounding == Rounding::Down;
        let width = self.high - self.low;
        let mut nan = 0;
        for (out, value) in out.iter_mut().zip(values) {
            let scaled = ((value.to_f64() - self.low) * largest / width).clamp(0.0, largest);
            nan += u64::from(value.is_nan());
            let scaled = if round_down { scaled.floor() } else { scaled };
            *out = if value.is_nan() { O::default() } else { O::from_f64(scaled) };
        }
        Ok(nan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_roundings_differ_as_documented() {
        let values = [0u16, 1, 3, 10];
        let mut bytes = [9u8; 4];
        let down = Scale::new(0.0, 10.0, Rounding::Down).expect("a range");
        down.apply(&values, &mut bytes).expect("u8");
        assert_eq!(bytes, [0, 25, 76, 255]);
        let nearest = Scale::new(0.0, 10.0, Rounding::Nearest).expect("a range");
        nearest.apply(&values, &mut bytes).expect("u8");
        assert_eq!(bytes, [0, 26, 76, 255]);
        let mut floats = [0f32; 4];
        down.apply(&values, &mut floats).expect("f32");
        assert_eq!(floats, [0.0, 25.5, 76.5, 255.0]);
        let mut wide = [0u16; 4];
        nearest.apply(&values, &mut wide).expect("u16");
        assert_eq!(wide, [0, 6554, 19660, 65535]);
        assert!(nearest.apply(&values, &mut [0i16; 4]).is_err());
        assert!(Scale::new(5.0, 5.0, Rounding::Nearest).is_err());
        assert!(Scale::new(f64::NAN, 5.0, Rounding::Nearest).is_err());
    }
}
