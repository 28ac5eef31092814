//! Trees of clusters, as SciPy builds them.
//!
//! Nearest-neighbour chains (Müllner 2011, arXiv:1109.2378) for average, complete and Ward's linkage,
//! Prim's minimum spanning tree for single linkage. Equal distances are taken in SciPy's order, which
//! no crate does: the chain starts at the first cluster left and goes to the first nearest one, unless
//! the one it came from is as near; merges are sorted stably.

use super::Distances;

/// How far two clusters are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Linkage {
    /// Mean distance of their members.
    #[default]
    Average,
    /// Largest distance of their members.
    Complete,
    /// Smallest distance of their members.
    Single,
    /// Growth of the sum of squares (Ward 1963); for Euclidean distances.
    Ward,
}

/// Two clusters that become one: a row of SciPy's linkage matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Merge {
    /// The clusters, the lower number first; items are 0 to n - 1, the i-th merge makes cluster n + i.
    pub clusters: [usize; 2],
    /// Their distance.
    pub distance: f64,
    /// Items in the new cluster.
    pub size: usize,
}

/// Merges all items step by step, by rising distance. Memory and time are quadratic in their number.
pub fn linkage(distances: &Distances, method: Linkage) -> Vec<Merge> {
    let mut merges = match method {
        Linkage::Single => spanning_tree(distances),
        _ => chain(distances, method),
    };
    merges.sort_by(|a, b| a.1.total_cmp(&b.1));
    label(distances.len(), &merges)
}

/// Edges between members, with the distance at which they join.
type Edges = Vec<([usize; 2], f64)>;

fn chain(distances: &Distances, method: Linkage) -> Edges {
    let n = distances.len();
    let mut d = distances.condensed().to_vec();
    let at = |a: usize, b: usize| {
        let (a, b) = (a.min(b), a.max(b));
        a * (2 * n - a - 1) / 2 + b - a - 1
    };
    let mut sizes = vec![1_usize; n];
    let mut chain: Vec<usize> = Vec::new();
    let mut edges = Vec::with_capacity(n.saturating_sub(1));
    for _ in 1..n {
        if chain.is_empty() {
            chain.extend(sizes.iter().position(|size| *size > 0));
        }
        let (mut a, mut b, nearest) = loop {
            let [.., x] = chain[..] else { return edges };
            let before = chain.len().checked_sub(2).map(|k| chain[k]);
            let (mut nearest, mut y) = before.map_or((f64::INFINITY, x), |y| (d[at(x, y)], y));
            for i in (0..n).filter(|i| sizes[*i] > 0 && *i != x) {
                if d[at(x, i)] < nearest {
                    (nearest, y) = (d[at(x, i)], i);
                }
            }
            if before == Some(y) {
                break (x, y, nearest);
            }
            chain.push(y);
        };
        chain.truncate(chain.len() - 2);
        if a > b {
            (a, b) = (b, a);
        }
        edges.push(([a, b], nearest));
        let [na, nb] = [sizes[a], sizes[b]].map(|s| s as f64);
        sizes[b] += sizes[a];
        sizes[a] = 0;
        for i in (0..n).filter(|i| sizes[*i] > 0 && *i != b) {
            let (to_a, to_b) = (d[at(i, a)], d[at(i, b)]);
            d[at(i, b)] = match method {
                Linkage::Complete => to_a.max(to_b),
                Linkage::Ward => {
                    let ni = sizes[i] as f64;
                    let share = 1.0 / (na + nb + ni);
                    let squares = (ni + na) * share * to_a * to_a + (ni + nb) * share * to_b * to_b
                        - ni * share * nearest * nearest;
                    squares.max(0.0).sqrt()
                }
                _ => (na * to_a + nb * to_b) / (na + nb),
            };
        }
    }
    edges
}

fn spanning_tree(distances: &Distances) -> Edges {
    let n = distances.len();
    let mut is_in = vec![false; n];
    let mut reach = vec![f64::INFINITY; n];
    let mut edges = Vec::with_capacity(n.saturating_sub(1));
    let mut x = 0;
    for _ in 1..n {
        is_in[x] = true;
        let (mut y, mut nearest) = (x, f64::INFINITY);
        for j in (0..n).filter(|j| !is_in[*j]) {
            reach[j] = reach[j].min(distances.get(x, j));
            if reach[j] < nearest {
                (y, nearest) = (j, reach[j]);
            }
        }
        edges.push(([x, y], nearest));
        x = y;
    }
    edges
}

/// Names the clusters that sorted edges join.
fn label(n: usize, edges: &Edges) -> Vec<Merge> {
    let mut parents: Vec<usize> = (0..2 * n).collect();
    let mut sizes = vec![1; 2 * n];
    let root = |parents: &mut Vec<usize>, mut i: usize| {
        while parents[i] != i {
            parents[i] = parents[parents[i]];
            i = parents[i];
        }
        i
    };
    let merge = |(k, ([a, b], distance)): (usize, &([usize; 2], f64))| {
        let (a, b) = (root(&mut parents, *a), root(&mut parents, *b));
        let new = n + k;
        (parents[a], parents[b]) = (new, new);
        sizes[new] = sizes[a] + sizes[b];
        Merge { clusters: [a.min(b), a.max(b)], distance: *distance, size: sizes[new] }
    };
    edges.iter().enumerate().map(merge).collect()
}

/// The items from left to right, as a drawn tree has them: each merge's first cluster on the left.
pub fn leaf_order(merges: &[Merge]) -> Vec<usize> {
    let n = merges.len() + 1;
    let mut stack = vec![2 * n - 2];
    let mut order = Vec::with_capacity(n);
    while let Some(cluster) = stack.pop() {
        match cluster.checked_sub(n).and_then(|k| merges.get(k)) {
            Some(merge) => stack.extend(merge.clusters.iter().rev()),
            None => order.push(cluster),
        }
    }
    order
}
