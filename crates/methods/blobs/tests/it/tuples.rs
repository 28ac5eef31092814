//! Objects of many channels.

use hooke_blobs::matching::{MatchParams, match_stack};
use hooke_blobs::tuples::tuples;
use hooke_core::{Blob, BlobPair};

use crate::kit::*;

fn pair(a: &Blob, b: &Blob, gate_distance: f64) -> BlobPair {
    BlobPair {
        match_id: 1,
        roi_id: 0,
        t: 0,
        channels: [a.channel, b.channel],
        blob_ids: [a.id, b.id],
        distance_um: 0.0,
        distance_scaled: 0.0,
        gate_distance,
        position: [0.0; 3],
        position_um: [0.0; 3],
        component: 1,
        rivals: 0,
    }
}

fn ids(blobs: &[Blob], pairs: &[BlobPair]) -> Vec<Vec<u64>> {
    tuples(blobs, pairs).unwrap().into_iter().map(|t| t.blob_ids).collect()
}

fn one_of_each(channels: u16) -> Vec<Blob> {
    (0..channels).flat_map(|c| blobs_at(c, u64::from(c) + 1, &[[0.0, 0.0, f64::from(c)]])).collect()
}

#[test]
fn a_triangle_is_one_object_and_a_path_is_not() {
    let b = one_of_each(4);
    let triangle = [pair(&b[0], &b[1], 0.1), pair(&b[1], &b[2], 0.2), pair(&b[0], &b[2], 0.3)];
    assert_eq!(ids(&b, &triangle), [vec![1, 2, 3], vec![4]]);
    let found = &tuples(&b, &triangle).unwrap()[0];
    assert_eq!(
        (found.channel_mask, found.max_distance_um, found.position_um),
        (0b111, 2.0, [0.0, 0.0, 1.0])
    );
    let path = [pair(&b[0], &b[1], 0.4), pair(&b[1], &b[2], 0.2), pair(&b[2], &b[3], 0.3)];
    assert_eq!(ids(&b, &path), [vec![1], vec![2, 3], vec![4]]);
}

#[test]
fn equal_sums_go_to_the_lowest_ids_and_rests_stay_together() {
    let b = one_of_each(3);
    let tie = [pair(&b[0], &b[1], 0.2), pair(&b[1], &b[2], 0.2)];
    assert_eq!(ids(&b, &tie), [vec![1, 2], vec![3]]);
    // Two triangles share blob 3; the nearer one takes it, and 4-5 stay a pair.
    let b = one_of_each(5);
    let mut two = vec![pair(&b[0], &b[1], 0.1), pair(&b[0], &b[2], 0.1), pair(&b[1], &b[2], 0.1)];
    two.extend([pair(&b[2], &b[3], 0.2), pair(&b[2], &b[4], 0.2), pair(&b[3], &b[4], 0.2)]);
    assert_eq!(ids(&b, &two), [vec![1, 2, 3], vec![4, 5]]);
}

#[test]
fn many_channels_at_one_place_are_one_object_at_once() {
    let b = one_of_each(40);
    let all = (0..40).flat_map(|i| (i + 1..40).map(move |j| (i, j)));
    let pairs: Vec<BlobPair> = all.map(|(i, j)| pair(&b[i], &b[j], 0.5)).collect();
    assert_eq!(ids(&b, &pairs), [(1..=40).collect::<Vec<u64>>()]);
}

#[test]
fn every_blob_is_in_exactly_one_object_whose_blobs_are_matched() {
    let mut blobs = Vec::new();
    for channel in 0..4u16 {
        let points = scattered(40 + u64::from(channel), 200, [10.0, 50.0, 50.0]);
        blobs.extend(blobs_at(channel, 1 + blobs.len() as u64, &points));
    }
    let params = MatchParams { tolerance_um: [6.0; 3], ..MatchParams::new([1.0; 3]) };
    let pairs = match_stack(&blobs, &params).unwrap().pairs;
    let found = tuples(&blobs, &pairs).unwrap();
    let mut all: Vec<u64> = found.iter().flat_map(|t| t.blob_ids.clone()).collect();
    all.sort();
    assert_eq!(all, (1..=blobs.len() as u64).collect::<Vec<_>>());
    assert!(found.iter().any(|t| t.blob_ids.len() > 2));
    for tuple in &found {
        assert_eq!(tuple.channel_mask.count_ones() as usize, tuple.blob_ids.len());
        for (i, a) in tuple.blob_ids.iter().enumerate() {
            let matched = |b: &u64| pairs.iter().any(|p| p.blob_ids == [*a, *b]);
            assert!(tuple.blob_ids[i + 1..].iter().all(matched));
        }
    }
}

#[test]
fn channels_above_63_and_unknown_blobs_are_refused() {
    let high = blobs_at(64, 1, &[[0.0; 3]]);
    assert!(tuples(&high, &[]).is_err());
    let b = one_of_each(2);
    assert!(tuples(&b[..1], &[pair(&b[0], &b[1], 0.1)]).is_err());
}
