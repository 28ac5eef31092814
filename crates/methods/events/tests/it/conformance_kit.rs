//! The shared answers of other programs.

use std::collections::BTreeMap;

use hooke_testdata::{NpzArray, read_npz, shared};
use ndarray::Array3;
use serde_json::Value;

/// The arrays of a file of `conformance/events`.
pub fn arrays(name: &str) -> Option<BTreeMap<String, NpzArray>> {
    let Some(shared) = shared(env!("CARGO_MANIFEST_DIR")) else {
        println!("SKIPPED: no shared test data here");
        return None;
    };
    Some(read_npz(&shared.join("conformance/events").join(name)).unwrap())
}

/// A JSON file of `conformance/events`.
pub fn json(name: &str) -> Option<Value> {
    let Some(shared) = shared(env!("CARGO_MANIFEST_DIR")) else {
        println!("SKIPPED: no shared test data here");
        return None;
    };
    let text = std::fs::read_to_string(shared.join("conformance/events").join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// An archive's array as a movie.
pub fn volume<T>(array: &NpzArray, cast: fn(f64) -> T) -> Array3<T> {
    let shape = [array.shape[0], array.shape[1], array.shape[2]];
    Array3::from_shape_vec(shape, array.values.iter().map(|v| cast(*v)).collect()).unwrap()
}

/// A list of numbers, NaN for null.
pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}
