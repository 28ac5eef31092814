//! Clusters of events: distances of traces or features, trees, partitions, and how well two partitions
//! agree.
//!
//! Labels are numbered from 0 by falling size, ties by the first member; -1 is noise.

mod agreement;
mod count_trees;
mod density;
mod distances;
mod flat;
mod kmeans;
mod linkage;
mod silhouette;

pub use agreement::{Agreement, agreement};
pub use count_trees::{CountTrees, CountTreesParams, Metric, Tree, ZScore, count_trees};
pub use density::{DensityParams, hdbscan};
pub use distances::{Distances, dtw, euclidean, pearson, resample, z_scored};
pub use flat::{cut_at, cut_into};
pub use kmeans::{KMeans, KMeansParams, kmeans};
pub use linkage::{Linkage, Merge, leaf_order, linkage};
pub use silhouette::{Silhouette, silhouette};

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Numbers labels from 0 by falling size, ties by the first member. Negative ones become -1.
pub fn renumber(labels: &[i64]) -> Vec<i64> {
    let mut sizes: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    for (i, label) in labels.iter().enumerate().filter(|(_, label)| **label >= 0) {
        sizes.entry(*label).or_insert((0, i)).0 += 1;
    }
    let mut order: Vec<i64> = sizes.keys().copied().collect();
    order.sort_by_key(|label| sizes.get(label).map(|(size, first)| (Reverse(*size), *first)));
    let new: BTreeMap<i64, i64> = order.into_iter().zip(0..).collect();
    labels.iter().map(|label| new.get(label).copied().unwrap_or(-1)).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_largest_comes_first_then_the_first() {
        assert_eq!(super::renumber(&[7, 7, -2, 5, 9, 9, 9, 1, 1]), [1, 1, -1, 3, 0, 0, 0, 2, 2]);
    }
}
