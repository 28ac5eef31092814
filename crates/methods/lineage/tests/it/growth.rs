//! Growth rates against DeLTA's, and against what follows of their definition.

use hooke_lineage::growth::{compute_growthrates, growth_rates};
use hooke_lineage::tree::{CellFeatures, GrowthFeature, Lineage};
use serde_json::Value;

use crate::kit::{answers, lineage_of, tagged};

#[test]
fn growth_rates_are_deltas() {
    let Some(cases) = answers("growth.json") else { return };
    let mut compared = 0;
    for case in cases.as_array().unwrap() {
        let cells = &case["cells"];
        let lineage = lineage_of(cells, |_, _| CellFeatures::at([0.0; 2], [0.0; 2]));
        for (window, answer) in case["growth"].as_object().unwrap() {
            for feature in ["length", "area"] {
                let size = |cell: u32, frame: usize| {
                    let first = lineage.cell(cell).unwrap().first_frame;
                    cells[cell.to_string()][feature][frame - first].as_f64().unwrap()
                };
                let rates = growth_rates(&lineage, window.parse().unwrap(), size).unwrap();
                for (cell, wanted) in answer.as_object().unwrap() {
                    let wanted = wanted[feature].as_array().unwrap();
                    let found = &rates[&cell.parse().unwrap()];
                    assert_eq!(found.len(), wanted.len());
                    for (found, wanted) in found.iter().zip(wanted) {
                        let wanted = wanted.as_f64().unwrap_or(f64::NAN);
                        let agree =
                            (found - wanted).abs() <= 1e-9 || (found.is_nan() && wanted.is_nan());
                        assert!(agree, "window {window}, cell {cell}: {found}, wanted {wanted}");
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 1000);
}

/// A mother and her daughter, both of size `e^(0.04 t)` times a constant, and a division in between.
fn steady() -> Lineage {
    let size = |t: i32, part: f32| tagged(part * 10.0 * (0.04 * t as f32).exp(), false);
    let mut lineage = Lineage::new();
    let mother = lineage.create(0, size(0, 1.0), None).unwrap();
    (1..10).for_each(|t| lineage.extend(mother, size(t, 1.0)).unwrap());
    lineage.extend(mother, size(10, 0.6)).unwrap();
    let daughter = lineage.create(10, size(10, 0.4), Some(mother)).unwrap();
    for t in 11..20 {
        lineage.extend(mother, size(t, 0.6)).unwrap();
        lineage.extend(daughter, size(t, 0.4)).unwrap();
    }
    lineage
}

#[test]
fn steady_growth_is_found_through_a_division_and_over_missing_sizes() {
    let mut lineage = steady();
    lineage.features_mut(1, 4).unwrap().length = 0.0;
    lineage.features_mut(2, 14).unwrap().length = f32::NAN;
    compute_growthrates(&mut lineage, GrowthFeature::Length, 7).unwrap();
    for (id, cell) in lineage.iter() {
        for features in &cell.features {
            assert!((features.growthrate_length - 0.04).abs() < 1e-4, "{id} {features:?}");
            assert!(features.growthrate_area.is_nan());
        }
    }
}

#[test]
fn a_lone_frame_has_no_rate_and_a_short_window_is_refused() {
    let mut lineage = Lineage::new();
    lineage.create(3, tagged(5.0, false), None).unwrap();
    compute_growthrates(&mut lineage, GrowthFeature::Length, 9).unwrap();
    assert!(lineage.features(1, 3).unwrap().growthrate_length.is_nan());
    assert!(compute_growthrates(&mut lineage, GrowthFeature::Length, 2).is_err());
}

#[test]
fn former_growth_rates_come_back() {
    let mut lineage = steady();
    compute_growthrates(&mut lineage, GrowthFeature::Length, 9).unwrap();
    let before = lineage.clone();
    let steps = compute_growthrates(&mut lineage, GrowthFeature::Length, 3).unwrap();
    assert_ne!(lineage, before);
    let text = serde_json::to_string(&steps).unwrap();
    let steps: Vec<_> = serde_json::from_str(&text).unwrap();
    lineage.undo(&steps).unwrap();
    assert_eq!(lineage, before);
    assert!(serde_json::from_str::<Value>(&text).is_ok());
}
