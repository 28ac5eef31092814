//! Differences between lineages, and between arrays.

use hooke_lineage::compare::{Tolerance, compare_lineages, compare_values};
use hooke_lineage::tree::Lineage;
use ndarray::arr1;

use crate::kit::tagged;

fn pair() -> Lineage {
    let mut lineage = Lineage::new();
    lineage.create(0, tagged(10.0, false), None).unwrap();
    lineage.extend(1, tagged(11.0, false)).unwrap();
    lineage.create(1, tagged(12.0, false), Some(1)).unwrap();
    lineage
}

#[test]
fn equal_lineages_have_no_difference_and_small_ones_are_forgiven() {
    let a = pair();
    assert_eq!(compare_lineages("roi 0", &a, &a, Tolerance::default()), None);
    let mut b = a.clone();
    b.features_mut(1, 0).unwrap().length *= 1.0 + 1e-6;
    assert_eq!(compare_lineages("roi 0", &a, &b, Tolerance::default()), None);
    let strict = Tolerance { absolute: 0.0, relative: 0.0 };
    assert!(compare_lineages("roi 0", &a, &b, strict).is_some());
}

#[test]
fn what_differs_is_shown_as_a_tree() {
    let (a, mut b) = (pair(), pair());
    b.features_mut(1, 1).unwrap().length = 99.0;
    b.features_mut(1, 1).unwrap().fluo.push(1.0);
    b.adopt(2, None).unwrap();
    b.create(5, tagged(1.0, false), None).unwrap();
    b.extend(2, tagged(13.0, false)).unwrap();
    let tree = compare_lineages("roi 0", &a, &b, Tolerance::default()).unwrap();
    let wanted = "\
roi 0
  cell 1
    frame 1
      length: 11 | 99
      fluo channels: 0 | 1
      daughter: 2 | none
  cell 2
    mother: 1 | none
    frames: 1..=1 | 1..=2
  cell 3: missing | there
";
    assert_eq!(tree.to_string(), wanted);
    let json = serde_json::to_value(&tree).unwrap();
    assert_eq!(json["parts"][2]["values"][1], "there");
}

#[test]
fn arrays_are_compared_by_shape_and_value() {
    let (a, b) = (arr1(&[1.0_f32, f32::NAN, 3.0]), arr1(&[1.0_f32, f32::NAN, 3.5]));
    let tolerance = Tolerance { absolute: 2e-4, relative: 0.0 };
    let same = compare_values("x", a.view().into_dyn(), a.view().into_dyn(), tolerance);
    assert_eq!(same, None);
    let other = compare_values("x", a.view().into_dyn(), b.view().into_dyn(), tolerance).unwrap();
    assert_eq!(other.to_string(), "x: 1 of 3 values, by up to 5.000e-1; first at [2]: 3 | 3.5");
    let shorter = arr1(&[1.0_f32]);
    let other = compare_values("x", a.view().into_dyn(), shorter.view().into_dyn(), tolerance);
    assert_eq!(other.unwrap().to_string(), "x: shape: [3] | [1]");
}
