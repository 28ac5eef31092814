//! How well labels of many tiles were made one.

use std::collections::HashMap;

/// The adjusted Rand index of two partitions of the same things: 1 when they are equal, about 0
/// when one is drawn at random.
///
/// Two partitions of which both put everything in one set, or every thing in its own, are equal: 1.
///
/// # Panics
/// When the lengths differ.
///
/// # Reference
/// Hubert & Arabie (1985), doi:10.1007/BF01908075.
///
/// # Examples
/// ```
/// use hooke_tileset::score::adjusted_rand;
/// assert_eq!(adjusted_rand(&[1, 1, 2, 2], &[7, 7, 5, 5]), 1.0);
/// assert!(adjusted_rand(&[1, 1, 2, 2], &[7, 5, 7, 5]) < 0.0);
/// ```
pub fn adjusted_rand(a: &[u64], b: &[u64]) -> f64 {
    assert_eq!(a.len(), b.len(), "two partitions of the same things");
    let pairs_in = |n: &u64| (*n as f64) * (*n as f64 - 1.0) / 2.0;
    let (mut of_a, mut of_b, mut of_both) = (HashMap::new(), HashMap::new(), HashMap::new());
    for (a, b) in a.iter().zip(b) {
        *of_a.entry(a).or_insert(0u64) += 1;
        *of_b.entry(b).or_insert(0u64) += 1;
        *of_both.entry((a, b)).or_insert(0u64) += 1;
    }
    let together: f64 = of_both.values().map(pairs_in).sum();
    let in_a: f64 = of_a.values().map(pairs_in).sum();
    let in_b: f64 = of_b.values().map(pairs_in).sum();
    let all = pairs_in(&(a.len() as u64));
    let expected = if all > 0.0 { in_a * in_b / all } else { 0.0 };
    let largest = (in_a + in_b) / 2.0;
    if largest == expected { 1.0 } else { (together - expected) / (largest - expected) }
}

/// How the links between labels of one object compare with the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkScore {
    /// Objects that two tiles both see in the voxels they share.
    pub crossing: u64,
    /// Of these, those whose labels all got one id.
    pub merged: u64,
    /// Ids that more than one object got.
    pub false_merges: u64,
    /// Ids given out.
    pub ids: u64,
}

/// Scores new ids against the truth.
///
/// # Arguments
/// * `labels` — `(true object, new id)` of every label of every tile.
/// * `crossing` — the objects that tiles see in voxels they share.
pub fn score_links(labels: &[(u64, u64)], crossing: &[u64]) -> LinkScore {
    let (mut ids_of, mut objects_of) =
        (HashMap::<u64, Vec<u64>>::new(), HashMap::<u64, Vec<u64>>::new());
    for (object, id) in labels {
        ids_of.entry(*object).or_default().push(*id);
        objects_of.entry(*id).or_default().push(*object);
    }
    let is_one = |values: &[u64]| values.windows(2).all(|v| v[0] == v[1]);
    let merged = |object: &&u64| ids_of.get(object).is_some_and(|ids| is_one(ids));
    LinkScore {
        crossing: crossing.len() as u64,
        merged: crossing.iter().filter(merged).count() as u64,
        false_merges: objects_of.values().filter(|objects| !is_one(objects)).count() as u64,
        ids: objects_of.len() as u64,
    }
}
