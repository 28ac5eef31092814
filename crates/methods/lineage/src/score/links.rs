//! Links between cells that are known to be the same on both sides.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::track::{Link, Spot};

/// Which cell became which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkSet {
    ends: BTreeMap<Spot, BTreeSet<Spot>>,
}

impl LinkSet {
    /// Adds that one cell became another, or one of the cells it became.
    pub fn insert(&mut self, from: Spot, to: Spot) {
        self.ends.entry(from).or_default().insert(to);
    }

    fn edges(&self) -> BTreeSet<(Spot, Spot)> {
        self.ends.iter().flat_map(|(from, ends)| ends.iter().map(|to| (*from, *to))).collect()
    }

    fn divisions(&self) -> BTreeSet<(Spot, &BTreeSet<Spot>)> {
        self.ends
            .iter()
            .filter(|(_, ends)| ends.len() > 1)
            .map(|(from, ends)| (*from, ends))
            .collect()
    }
}

impl<'a> FromIterator<&'a Link> for LinkSet {
    fn from_iter<I: IntoIterator<Item = &'a Link>>(links: I) -> Self {
        let mut set = Self::default();
        for link in links {
            link.ends().for_each(|end| set.insert(link.from, end));
        }
        set
    }
}

/// Counts of what is right and wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Found and true.
    pub tp: usize,
    /// Found, but not true.
    pub fp: usize,
    /// True, but not found.
    pub r#fn: usize,
}

impl Counts {
    fn of<T: Ord>(truth: &BTreeSet<T>, found: &BTreeSet<T>) -> Self {
        let tp = truth.intersection(found).count();
        Self { tp, fp: found.len() - tp, r#fn: truth.len() - tp }
    }

    /// Part of what was found that is true; none where nothing was found.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp)
    }

    /// Part of what is true that was found; none where nothing is true.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.tp, self.tp + self.r#fn)
    }

    /// Harmonic mean of the two; none where there is nothing at all.
    pub fn f1(&self) -> Option<f64> {
        ratio(2 * self.tp, 2 * self.tp + self.fp + self.r#fn)
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.tp += other.tp;
        self.fp += other.fp;
        self.r#fn += other.r#fn;
    }
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Links, and among them divisions: those are right when the mother and all her daughters are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LinkScore {
    /// Single links, two of a division.
    pub edges: Counts,
    /// Divisions.
    pub divisions: Counts,
}

impl std::ops::AddAssign for LinkScore {
    fn add_assign(&mut self, other: Self) {
        self.edges += other.edges;
        self.divisions += other.divisions;
    }
}

/// Compares links with true ones, where cells need no matching: on true masks.
pub fn score_links(truth: &LinkSet, found: &LinkSet) -> LinkScore {
    LinkScore {
        edges: Counts::of(&truth.edges(), &found.edges()),
        divisions: Counts::of(&truth.divisions(), &found.divisions()),
    }
}
