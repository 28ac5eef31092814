//! Rows of events against astroCAST's and scikit-image's.

use hooke_events::characterize::{COLUMNS, Cell, EventRow, Recording, characterize};
use serde_json::Value;

use crate::conformance_kit::{arrays, json, numbers, volume};

/// Lines in tenths of pixels, so that they can be compared exactly.
fn tenths(points: impl Iterator<Item = f64>) -> Vec<i64> {
    points.map(|v| (10.0 * v).round() as i64).collect()
}

fn compare_contours(found: &[Vec<f32>], expected: &Value) {
    let expected = expected.as_array().unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let expected = expected.as_array().unwrap().iter().flat_map(numbers);
        assert_eq!(tenths(found.iter().map(|v| f64::from(*v))), tenths(expected));
        assert_eq!(found[..3], found[found.len() - 3..], "closed");
    }
}

/// Compares every column that both have; returns how many those were.
fn compare(row: &EventRow, expected: &Value, skip: fn(u32, &str) -> bool) -> usize {
    let mut compared = 0;
    for column in COLUMNS.iter().filter(|c| c.name != "error" && !skip(row.id, c.name)) {
        let Some(value) = expected.get(column.name) else { continue };
        compared += 1;
        let close = |found: f64, expected: f64, relative: f64| {
            let by = (found - expected).abs();
            assert!(
                by <= relative * expected.abs().max(1e-3),
                "{} {}: {found} {expected}",
                row.id,
                column.name
            );
        };
        match (column.get)(row) {
            Cell::U32(v) => assert_eq!(f64::from(v), value.as_f64().unwrap(), "{}", column.name),
            Cell::U64(v) => assert_eq!(v as f64, value.as_f64().unwrap(), "{}", column.name),
            Cell::F64(None) => assert!(value.is_null(), "{} {}: {value}", row.id, column.name),
            Cell::F64(Some(v)) => {
                let is_of_values = column.name.contains("max") || column.name.contains("noise");
                close(v, value.as_f64().unwrap(), if is_of_values { 1e-4 } else { 1e-6 });
            }
            Cell::U32s(v) => {
                let v: Vec<f64> = v.iter().map(|v| f64::from(*v)).collect();
                assert_eq!(v, numbers(value), "{} {}", row.id, column.name);
            }
            Cell::F32s(v) => {
                let expected = numbers(value);
                assert_eq!(v.len(), expected.len());
                v.iter().zip(expected).for_each(|(v, e)| close((*v).into(), e, 1e-4));
            }
            Cell::Lines(lines) => compare_contours(lines, value),
            Cell::U8(_) | Cell::Text(_) => unreachable!("{}", column.name),
        }
    }
    compared
}

#[test]
fn detected_events_have_the_peers_rows() {
    let Some(expected) = json("characterize_rows.json") else { return };
    let map = volume(&arrays("detector_run.npz").unwrap()["event_map"], |v| v as u32);
    let movie = volume(&arrays("detector_parts.npz").unwrap()["movie"], |v| v as f32);
    let shape = [map.dim().0, map.dim().1, map.dim().2];
    let recording = Recording::of_shape(shape);
    let rows = characterize(map.view(), movie.view(), None, recording, None).unwrap();
    let expected = expected.as_array().unwrap();
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(expected) {
        assert_eq!(compare(row, expected, |_, _| false), 49);
    }
}

#[test]
fn handmade_events_have_the_peers_rows() {
    let Some(expected) = json("handmade_rows.json") else { return };
    let arrays = arrays("handmade.npz").unwrap();
    let map = volume(&arrays["event_map"], |v| v as u32);
    let movie = volume(&arrays["movie"], |v| v as f32);
    let shape = [map.dim().0, map.dim().1, map.dim().2];
    let recording = Recording::of_shape(shape);
    let rows = characterize(map.view(), movie.view(), None, recording, None).unwrap();
    // The peer has no solidity of flat events.
    let is_peers_gap = |id, name: &str| [2, 5, 8].contains(&id) && name == "v_mask_solidity";
    for (row, expected) in rows.iter().zip(expected.as_array().unwrap()) {
        assert!(compare(row, expected, is_peers_gap) >= 40);
        if [2, 5, 8].contains(&row.id) {
            assert_ne!(row.error & EventRow::HULL_DEGENERATE, 0);
            assert!(row.v_mask_solidity > 0.9 && row.v_mask_solidity <= 1.0);
            assert_eq!(row.v_mask_axis_minor_length, 0.0);
        }
    }
    assert_eq!(rows.len(), 9);
}
