//! Triples `(z, y, x)` and 3x3 matrices whose unknown entries are NaN in memory, `null` on disk.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A triple `(z, y, x)`; an unmeasured component is NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vector3(pub [f64; 3]);

/// A row-major 3x3 matrix over `(z, y, x)`; unknown entries are NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Matrix3(pub [[f64; 3]; 3]);

impl Vector3 {
    /// Nothing measured.
    pub const UNKNOWN: Vector3 = Vector3([f64::NAN; 3]);

    /// Whether every component is measured.
    pub fn is_complete(&self) -> bool {
        self.0.iter().all(|v| v.is_finite())
    }
}

impl std::ops::Index<usize> for Vector3 {
    type Output = f64;
    fn index(&self, d: usize) -> &f64 {
        &self.0[d]
    }
}

impl From<[f64; 3]> for Vector3 {
    fn from(v: [f64; 3]) -> Vector3 {
        Vector3(v)
    }
}

fn known(v: f64) -> Option<f64> {
    v.is_finite().then_some(v)
}

impl Serialize for Vector3 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.map(known).serialize(s)
    }
}

impl<'de> Deserialize<'de> for Vector3 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let values = <[Option<f64>; 3]>::deserialize(d)?;
        Ok(Vector3(values.map(|v| v.unwrap_or(f64::NAN))))
    }
}

impl Serialize for Matrix3 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.map(|row| row.map(known)).serialize(s)
    }
}

impl<'de> Deserialize<'de> for Matrix3 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let rows = <[[Option<f64>; 3]; 3]>::deserialize(d)?;
        Ok(Matrix3(rows.map(|row| row.map(|v| v.unwrap_or(f64::NAN)))))
    }
}
