//! Shared answers that are arrays.

use std::collections::BTreeMap;

use hooke_testdata::{NpzArray, read_npz};
use ndarray::{Array2, Array3, ArrayView2};
use serde_json::Value;

use crate::kit::conformance;

pub type Arrays = BTreeMap<String, NpzArray>;

pub fn arrays(name: &str) -> Option<Arrays> {
    Some(read_npz(&conformance()?.join(name)).unwrap())
}

/// A picture of any type of number.
pub fn picture<T>(array: &NpzArray, convert: impl Fn(f64) -> T) -> Array2<T> {
    let values = array.values.iter().map(|v| convert(*v)).collect();
    Array2::from_shape_vec((array.shape[0], array.shape[1]), values).unwrap()
}

pub fn stack<T>(array: &NpzArray, convert: impl Fn(f64) -> T) -> Array3<T> {
    let values = array.values.iter().map(|v| convert(*v)).collect();
    Array3::from_shape_vec((array.shape[0], array.shape[1], array.shape[2]), values).unwrap()
}

pub fn mask(array: &NpzArray) -> Array2<u8> {
    picture(array, |v| v as u8)
}

pub fn labels(array: &NpzArray) -> Array2<u32> {
    picture(array, |v| v as u32)
}

/// Rows of two whole numbers.
pub fn pairs(array: &NpzArray) -> Vec<[i32; 2]> {
    array.values.chunks(2).map(|p| [p[0] as i32, p[1] as i32]).collect()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// A pair of whole numbers.
pub fn pair(value: &Value) -> [i32; 2] {
    let numbers = numbers(value);
    [numbers[0] as i32, numbers[1] as i32]
}

pub fn assert_near(
    found: ArrayView2<'_, f32>,
    wanted: ArrayView2<'_, f32>,
    within: f32,
    what: &str,
) {
    assert_eq!(found.dim(), wanted.dim(), "{what}");
    for ((place, f), w) in found.indexed_iter().zip(wanted.iter()) {
        assert!((f - w).abs() <= within, "{what} at {place:?}: {f}, wanted {w}");
    }
}
