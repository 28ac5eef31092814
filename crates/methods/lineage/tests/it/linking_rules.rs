//! Poles through time, and DeLTA's rule of attribution, against DeLTA's answers.

use hooke_lineage::delta_rule::{attributions, delta_links, overlap_scores, tracking_scores};
use hooke_lineage::pole_tracking::{Poles, division_poles, track_poles};
use hooke_testdata::{NpzArray, read_npz};
use ndarray::{Array2, Array3, array};
use serde_json::Value;

use crate::kit::{answers, conformance};

fn pole(value: &Value) -> [f32; 2] {
    [0, 1].map(|d| value[d].as_f64().unwrap() as f32)
}

#[test]
fn poles_are_named_as_delta_names_them() {
    let Some(cases) = answers("poles.json") else { return };
    for case in cases.as_array().unwrap() {
        let track = &case["track"];
        let previous = Poles { old: pole(&track["prev_old"]), new: pole(&track["prev_new"]) };
        let found = Poles { old: pole(&track["old"]), new: pole(&track["new"]) };
        let wanted = Poles { old: pole(&track["out_old"]), new: pole(&track["out_new"]) };
        assert_eq!(track_poles(found, previous), wanted);

        let Some(parted) = case.get("division") else { continue };
        let sister = |i: u8| Poles {
            old: pole(&parted[format!("old{i}")]),
            new: pole(&parted[format!("new{i}")]),
        };
        let previous = Poles { old: pole(&parted["prev_old"]), new: pole(&parted["prev_new"]) };
        let division = division_poles(sister(1), sister(2), previous);
        let named = |key: &str| Poles { new: pole(&parted[key][0]), old: pole(&parted[key][1]) };
        assert_eq!(division.mother, named("mother"));
        assert_eq!(division.daughter, named("daughter"));
        assert_eq!(division.first_is_mother, parted["first_is_mother"] == Value::Bool(true));
    }
}

fn matrix<T>(array: &NpzArray, cast: impl Fn(f64) -> T) -> Array2<T> {
    let values = array.values.iter().map(|v| cast(*v)).collect();
    Array2::from_shape_vec((array.shape[0], array.shape[1]), values).unwrap()
}

#[test]
fn scores_and_attributions_are_deltas() {
    let Some(folder) = conformance() else { return };
    let arrays = read_npz(&folder.join("attributions.npz")).unwrap();
    let labels = matrix(&arrays["labels"], |v| v as u32);
    let logits = &arrays["logits"];
    let shape = (logits.shape[0], logits.shape[1], logits.shape[2]);
    let logits =
        Array3::from_shape_vec(shape, logits.values.iter().map(|v| *v as f32).collect()).unwrap();
    let corners: Vec<(i64, i64)> = arrays["boxes_xtl_ytl"]
        .values
        .chunks(2)
        .map(|corner| (corner[0] as i64, corner[1] as i64))
        .collect();
    let ids: Vec<u32> = (1..=14).collect();
    let scores = tracking_scores(labels.view(), &ids, logits.view(), &corners).unwrap();
    let wanted = matrix(&arrays["scores"], |v| v);
    assert!(scores.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-6));
    assert!(tracking_scores(labels.view(), &ids, logits.view(), &corners[1..]).is_err());
    for case in 0..7 {
        let scores = matrix(&arrays[&format!("att{case}_scores")], |v| v as f32);
        let wanted = matrix(&arrays[&format!("att{case}")], |v| v != 0.0);
        assert_eq!(attributions(scores.view()), wanted, "case {case}");
    }
}

#[test]
fn overlaps_become_links_in_the_order_of_old_cells() {
    let previous = array![[7, 7, 7, 7, 0, 9], [7, 7, 7, 7, 0, 9]];
    let labels = array![[1, 1, 2, 2, 0, 3], [1, 1, 2, 2, 3, 3]];
    let scores = overlap_scores(previous.view(), &[9, 7], labels.view(), &[1, 2, 3]).unwrap();
    assert_eq!(scores, array![[0.0, 0.0, 2.0 / 3.0], [1.0, 1.0, 0.0]]);
    let links = delta_links(4, scores.mapv(|v| v as f32).view());
    let ends: Vec<_> = links
        .iter()
        .map(|l| (l.from.frame, l.from.index, l.to.frame, l.to.index, l.sister.map(|s| s.index)))
        .collect();
    assert_eq!(ends, [(3, 0, 4, 2, None), (3, 1, 4, 0, Some(1))]);
    assert_eq!(links[1].cost, 0.0);
    assert!(delta_links(0, scores.mapv(|v| v as f32).view()).is_empty());
    let nothing = Array2::<f32>::from_elem((2, 2), f32::NAN);
    assert!(delta_links(1, nothing.view()).is_empty());
}
