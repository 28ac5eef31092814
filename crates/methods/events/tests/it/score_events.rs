//! Scores of event maps.

use hooke_events::score::events::{Overlaps, score_events};
use ndarray::{Array3, s};

/// A map of one frame and row.
fn map(labels: &[u32]) -> Array3<u32> {
    Array3::from_shape_vec((1, 1, labels.len()), labels.to_vec()).unwrap()
}

#[test]
fn matches_have_the_greatest_sum() {
    // Found 1 covers true 1 (2 of 4 in common) and true 2 (2 of 5); found 2 has 2 of 3 with true 1.
    let truth = map(&[1, 1, 1, 2, 2, 2, 0, 0, 3]);
    let found = map(&[2, 2, 1, 1, 1, 0, 4, 4, 0]);
    let score = score_events(found.view(), truth.view(), 0.3).unwrap();
    assert_eq!((score.n_pred, score.n_true, score.tp), (3, 3, 2));
    assert!((score.mean_iou - (2.0 / 3.0 + 2.0 / 4.0) / 2.0).abs() < 1e-12);
    assert!((score.f1 - 4.0 / 6.0).abs() < 1e-12);
    assert!((score.dice - 10.0 / 14.0).abs() < 1e-12);
    assert_eq!((score.fragments_per_true, score.merged), (1.0, 0));
    let strict = score_events(found.view(), truth.view(), 0.6).unwrap();
    assert_eq!((strict.tp, strict.recall), (1, 1.0 / 3.0));
}

#[test]
fn fragments_and_merged_events_are_counted() {
    let truth = map(&[1, 1, 1, 1, 1, 1, 2, 2, 3, 3]);
    let found = map(&[5, 5, 5, 6, 6, 6, 7, 7, 7, 7]);
    let score = score_events(found.view(), truth.view(), 0.5).unwrap();
    assert_eq!((score.fragments_per_true, score.merged), (1.5, 1));
    assert_eq!((score.tp, score.precision), (2, 2.0 / 3.0));
}

#[test]
fn slabs_give_the_whole_and_empty_maps_have_scores() {
    let label =
        |n: usize| move |(t, y, x): (usize, usize, usize)| ((t * 7 + y * 3 + x) / n % 5) as u32;
    let (found, truth) =
        (Array3::from_shape_fn((9, 4, 6), label(2)), Array3::from_shape_fn((9, 4, 6), label(3)));
    let mut overlaps = Overlaps::default();
    for slab in [0..4, 4..5, 5..9] {
        let part = s![slab, .., ..];
        overlaps.push(found.slice(part), truth.slice(part)).unwrap();
    }
    let whole = score_events(found.view(), truth.view(), 0.3).unwrap();
    assert_eq!(overlaps.score(0.3).unwrap(), whole);

    let (none, some) = (map(&[0, 0]), map(&[0, 3]));
    let score = |a: &Array3<u32>, b: &Array3<u32>| {
        let s = score_events(a.view(), b.view(), 0.3).unwrap();
        [s.precision, s.recall, s.f1, s.dice]
    };
    assert_eq!(score(&none, &none), [1.0; 4]);
    assert_eq!(score(&some, &none), [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(score(&none, &some), [0.0; 4]);
    assert_eq!(score(&some, &some), [1.0; 4]);
    assert!(score_events(none.view(), map(&[0]).view(), 0.3).is_err());
    assert!(score_events(none.view(), none.view(), 0.0).is_err());
}
