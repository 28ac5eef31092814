//! Lengths per axis: `8`, `z=3,y=8,x=8`, `64,512,512`, each with `um`, `%` or no suffix.

use std::fmt;
use std::str::FromStr;

use super::{BadValue, named_axes};

const WANTED: &str = "length per axis";
const EXAMPLE: &str = "8, z=3,y=8,x=8 or 12%; a number may carry um or %";

/// What a length is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Voxels.
    Voxels,
    /// Micrometres.
    Micrometres,
    /// Percent of the tile's size.
    Percent,
}

/// One length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Length {
    /// The number.
    pub value: f64,
    /// What it is measured in.
    pub unit: Unit,
}

impl Length {
    /// The length in voxels, for a tile of `size` voxels of `voxel_um` micrometres.
    pub fn voxels(&self, size: u64, voxel_um: f64) -> f64 {
        match self.unit {
            Unit::Voxels => self.value,
            Unit::Micrometres => self.value / voxel_um,
            Unit::Percent => self.value / 100.0 * size as f64,
        }
    }
}

impl FromStr for Length {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Length, BadValue> {
        let trimmed = text.trim();
        let (number, unit) = match trimmed {
            t if t.ends_with("um") => (&t[..t.len() - 2], Unit::Micrometres),
            t if t.ends_with("µm") => (t.trim_end_matches("µm"), Unit::Micrometres),
            t if t.ends_with('%') => (&t[..t.len() - 1], Unit::Percent),
            t => (t, Unit::Voxels),
        };
        match number.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Length { value, unit }),
            _ => Err(BadValue::new(text, WANTED, EXAMPLE)),
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = match self.unit {
            Unit::Voxels => "",
            Unit::Micrometres => "um",
            Unit::Percent => "%",
        };
        write!(f, "{}{suffix}", self.value)
    }
}

/// Lengths over `z, y, x`; axes that were not named are `None`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lengths(pub [Option<Length>; 3]);

impl Lengths {
    /// Voxels per axis, 0 where the axis was not named.
    pub fn voxels(&self, shape: [u64; 3], voxel_um: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|d| self.0[d].map_or(0.0, |l| l.voxels(shape[d], voxel_um[d])))
    }

    /// The plain numbers, for options whose unit is fixed; `None` where an axis was not named.
    ///
    /// # Errors
    /// When a number carries a suffix.
    pub fn plain(&self) -> Result<[Option<f64>; 3], BadValue> {
        for length in self.0.iter().flatten() {
            if length.unit != Unit::Voxels {
                let example = "the number alone, its unit is fixed";
                return Err(BadValue::new(&length.to_string(), "number", example));
            }
        }
        Ok(self.0.map(|l| l.map(|l| l.value)))
    }

    /// Whole numbers per axis, `missing` where an axis was not named.
    ///
    /// # Errors
    /// When a number is negative, not whole or carries a suffix.
    pub fn whole(&self, missing: u64) -> Result<[u64; 3], BadValue> {
        let mut out = [missing; 3];
        for (value, out) in self.plain()?.into_iter().zip(&mut out) {
            match value {
                Some(v) if v < 0.0 || v.fract() != 0.0 || v > 1e15 => {
                    return Err(BadValue::new(&v.to_string(), "whole number", "3 or 3,512,512"));
                }
                Some(v) => *out = v as u64,
                None => {}
            }
        }
        Ok(out)
    }
}

impl FromStr for Lengths {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Lengths, BadValue> {
        let bad = || BadValue::new(text, WANTED, EXAMPLE);
        if let Some(named) = named_axes(text) {
            let mut lengths = [None; 3];
            for (value, length) in named.map_err(|()| bad())?.into_iter().zip(&mut lengths) {
                *length = value.map(Length::from_str).transpose()?;
            }
            return Ok(Lengths(lengths));
        }
        let all: Result<Vec<Length>, BadValue> = text.split(',').map(Length::from_str).collect();
        match all.map_err(|_| bad())?.as_slice() {
            [one] => Ok(Lengths([Some(*one); 3])),
            [y, x] => Ok(Lengths([None, Some(*y), Some(*x)])),
            [z, y, x] => Ok(Lengths([Some(*z), Some(*y), Some(*x)])),
            _ => Err(bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voxels(text: &str) -> [f64; 3] {
        let lengths: Lengths = text.parse().expect("a length per axis");
        lengths.voxels([10, 100, 200], [2.0, 0.5, 0.5])
    }

    #[test]
    fn one_number_serves_all_axes_and_unnamed_axes_get_zero() {
        assert_eq!(voxels("8"), [8.0; 3]);
        assert_eq!(voxels("z=3,x=8"), [3.0, 0.0, 8.0]);
        assert_eq!(voxels("3,512"), [0.0, 3.0, 512.0]);
        assert_eq!(voxels("1,2,-3"), [1.0, 2.0, -3.0]);
    }

    #[test]
    fn suffixes_are_micrometres_and_percent_of_the_tile() {
        assert_eq!(voxels("10%"), [1.0, 10.0, 20.0]);
        assert_eq!(voxels("z=4um,y=4 um"), [2.0, 8.0, 0.0]);
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for text in ["", "a", "1,2,3,4", "z=1,z=2", "w=1", "z", "nan"] {
            assert!(text.parse::<Lengths>().is_err(), "{text}");
        }
        let error = "8 pixels".parse::<Lengths>().expect_err("no unit called pixels");
        assert!(error.hint().contains("z=3,y=8,x=8"));
    }
}
