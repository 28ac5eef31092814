//! Scores against the truth, by hand-made sets.

use hooke_blobs::matching::{MatchParams, match_stack};
use hooke_blobs::score::score_blobs;
use hooke_core::{Blob, Review, Truth};

use crate::kit::*;

fn line(x: &[f64]) -> Vec<[f64; 3]> {
    x.iter().map(|x| [0.0, 0.0, *x]).collect()
}

fn truth() -> Vec<Blob> {
    [blobs_at(0, 1, &line(&[0.0, 30.0, 60.0])), blobs_at(1, 11, &line(&[0.5, 60.0]))].concat()
}

#[test]
fn counts_errors_and_flags_are_as_counted_by_hand() {
    let found =
        [blobs_at(0, 101, &line(&[1.0, 33.0, 90.0, 63.9])), blobs_at(1, 201, &line(&[1.5]))]
            .concat();
    let score = score_blobs(&found, &truth(), 4.0, None).unwrap();
    let first = &score.channels[&0];
    assert_eq!((first.hits.truth, first.hits.found, first.hits.tp), (3, 4, 3));
    assert_eq!((first.hits.precision, first.hits.recall), (Some(0.75), Some(1.0)));
    assert!(close(first.hits.f1.unwrap(), 6.0 / 7.0, 1e-12));
    let squares: f64 = (1.0 + 9.0 + 3.9 * 3.9) / 3.0;
    assert!(close(first.rmse_um.unwrap(), squares.sqrt(), 1e-12));
    assert!(close(first.bias_um.unwrap()[2], 7.9 / 3.0, 1e-12));
    use Review::{Confirmed, Rejected};
    assert_eq!(score.confirmed, [Confirmed, Confirmed, Rejected, Confirmed, Confirmed]);
    use Truth::{Found, Missed};
    assert_eq!(score.truth, [Found, Found, Found, Found, Missed]);
    assert!(score.pairs.is_empty());
}

#[test]
fn a_pair_is_right_when_both_ends_belong_to_one_true_pair() {
    let params = MatchParams { tolerance_um: [4.0; 3], ..MatchParams::new([1.0; 3]) };
    let truth_pairs = match_stack(&truth(), &params).unwrap().pairs;
    assert_eq!(truth_pairs.len(), 2);
    // Found: the first pair; a wrong one (30 - 33 has no true partner); 60 in one channel only.
    let found =
        [blobs_at(0, 101, &line(&[1.0, 31.0, 61.0])), blobs_at(1, 201, &line(&[1.0, 33.0]))]
            .concat();
    let pairs = match_stack(&found, &params).unwrap().pairs;
    assert_eq!(pairs.len(), 2);
    let score = score_blobs(&found, &truth(), 4.0, Some((&pairs, &truth_pairs))).unwrap();
    let pair = &score.pairs[&[0, 1]];
    assert_eq!((pair.hits.truth, pair.hits.found, pair.hits.tp), (2, 2, 1));
    assert_eq!((pair.fraction_truth, pair.fraction_found), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
    let json = serde_json::to_value(&score).unwrap();
    assert_eq!(json["pairs"]["0-1"]["f1"], 0.5);
    assert_eq!(json["channels"]["1"]["truth"], 2);
    assert!(json.get("confirmed").is_none());
}

#[test]
fn nothing_found_and_nothing_there_are_null() {
    let score = score_blobs(&[], &truth(), 4.0, None).unwrap();
    let first = &score.channels[&0];
    assert_eq!(
        (first.hits.precision, first.hits.recall, first.hits.f1),
        (None, Some(0.0), Some(0.0))
    );
    assert_eq!((first.rmse_um, first.bias_um), (None, None));
    assert!(score_blobs(&[], &[], 4.0, None).unwrap().channels.is_empty());
    assert!(score_blobs(&[], &[], 0.0, None).is_err());
    let mut later = truth();
    later.iter_mut().for_each(|b| b.t = 1);
    assert_eq!(score_blobs(&later, &truth(), 4.0, None).unwrap().channels[&0].hits.tp, 0);
}
