//! Trees cut into clusters.

use super::{Merge, renumber};

/// The clusters of items that join at or below `distance`, as SciPy's `fcluster(criterion="distance")`.
pub fn cut_at(merges: &[Merge], distance: f64) -> Vec<i64> {
    let kept = merges.partition_point(|m| m.distance <= distance);
    after(merges, kept)
}

/// At most `count` clusters, by the fewest distances, as SciPy's `fcluster(criterion="maxclust")`.
///
/// Merges of equal distance go together, so that there may be fewer. A count of 0 counts as 1.
pub fn cut_into(merges: &[Merge], count: usize) -> Vec<i64> {
    let needed = (merges.len() + 1).saturating_sub(count.max(1));
    match needed.checked_sub(1).and_then(|last| merges.get(last)) {
        Some(last) => cut_at(merges, last.distance),
        None => after(merges, 0),
    }
}

/// Labels of items after the first merges.
fn after(merges: &[Merge], kept: usize) -> Vec<i64> {
    let n = merges.len() + 1;
    // Later merges hold earlier ones, so names come from the last to the first.
    let mut names: Vec<i64> = (0..(n + kept) as i64).collect();
    for (k, merge) in merges[..kept].iter().enumerate().rev() {
        for cluster in merge.clusters {
            names[cluster] = names[n + k];
        }
    }
    renumber(&names[..n])
}
