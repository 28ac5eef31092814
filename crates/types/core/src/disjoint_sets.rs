//! Union-find: which things hang together.

/// Disjoint sets of numbers from 0 on, by union of sizes and path halving.
#[derive(Debug, Clone)]
pub struct DisjointSets {
    parent: Vec<usize>,
    size: Vec<usize>,
}

impl DisjointSets {
    /// `n` sets of one.
    pub fn new(n: usize) -> DisjointSets {
        DisjointSets { parent: (0..n).collect(), size: vec![1; n] }
    }

    /// Adds a set of one and returns its number, the least not used before.
    pub fn add(&mut self) -> usize {
        let i = self.parent.len();
        self.parent.push(i);
        self.size.push(1);
        i
    }

    /// The number that stands for the set of `i`.
    pub fn find(&mut self, mut i: usize) -> usize {
        while self.parent[i] != i {
            self.parent[i] = self.parent[self.parent[i]];
            i = self.parent[i];
        }
        i
    }

    /// Joins two sets; returns the root that stays and the one that goes, `None` if they are one.
    pub fn join(&mut self, a: usize, b: usize) -> Option<(usize, usize)> {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return None;
        }
        let (stays, goes) = if self.size[a] >= self.size[b] { (a, b) } else { (b, a) };
        self.parent[goes] = stays;
        self.size[stays] += self.size[goes];
        Some((stays, goes))
    }
}
