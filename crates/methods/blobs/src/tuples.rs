//! Objects seen in any number of channels.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use hooke_core::{Blob, BlobPair};

use crate::error::BlobsError;
use crate::matching::{Rows, distance};

/// Blobs of different channels that are one object: a row of `tuples.parquet`.
#[derive(Debug, Clone, PartialEq)]
pub struct BlobTuple {
    /// From 1, in the order of the smallest ids.
    pub tuple_id: u64,
    /// By channel.
    pub blob_ids: Vec<u64>,
    /// Bit `c` is set when there is a blob of channel `c`.
    pub channel_mask: u64,
    /// Mean of the centres in voxels, over `z, y, x`.
    pub position: [f64; 3],
    /// The same in µm.
    pub position_um: [f64; 3],
    /// The largest distance of two of the blobs, 0 for a single one.
    pub max_distance_um: f64,
}

/// Puts every blob into exactly one object.
///
/// The blobs of an object are matched each with each. Where blobs could belong to several such
/// objects, those of more channels come first, of these the one with the least sum of gate
/// distances, then the one of the lowest ids; what an object loses that way, the rest of it may
/// still be one.
///
/// # Errors
/// When two blobs have one id, a pair names an unknown one, or a channel is above 63.
pub fn tuples(blobs: &[Blob], pairs: &[BlobPair]) -> Result<Vec<BlobTuple>, BlobsError> {
    let rows = Rows::of(blobs)?;
    if let Some(blob) = blobs.iter().find(|b| b.channel > 63) {
        return Err(BlobsError::ChannelTooLarge { id: blob.id, channel: blob.channel });
    }
    let mut graph = Matches { gates: BTreeMap::new(), partners: vec![Vec::new(); blobs.len()] };
    for pair in pairs {
        let [a, b] = [rows.row(pair.blob_ids[0])?, rows.row(pair.blob_ids[1])?];
        if a != b && graph.gates.insert(key(a, b), pair.gate_distance).is_none() {
            graph.partners[a].push(b);
            graph.partners[b].push(a);
        }
    }
    let mut members = graph.disjoint_cliques(blobs);
    let order = |row: &usize| (blobs[*row].channel, blobs[*row].id);
    members.iter_mut().for_each(|rows| rows.sort_by_key(order));
    members.sort_by_key(|rows| rows.iter().map(|row| blobs[*row].id).min());
    let tuple = |(i, rows): (usize, &Vec<usize>)| {
        summarize(i as u64 + 1, &rows.iter().map(|row| &blobs[*row]).collect::<Vec<_>>())
    };
    Ok(members.iter().enumerate().map(tuple).collect())
}

fn key(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

fn summarize(tuple_id: u64, blobs: &[&Blob]) -> BlobTuple {
    let mean = |place: fn(&Blob) -> [f64; 3]| {
        let sum = |d| blobs.iter().map(|b| place(b)[d]).sum::<f64>();
        std::array::from_fn(|d| sum(d) / blobs.len() as f64)
    };
    let others = |i: usize| blobs[i + 1..].iter();
    let spread = blobs
        .iter()
        .enumerate()
        .flat_map(|(i, a)| others(i).map(|b| distance(a.position_um, b.position_um)));
    BlobTuple {
        tuple_id,
        blob_ids: blobs.iter().map(|b| b.id).collect(),
        channel_mask: blobs.iter().fold(0, |mask, b| mask | 1 << b.channel),
        position: mean(|b| b.position),
        position_um: mean(|b| b.position_um),
        max_distance_um: spread.fold(0.0, f64::max),
    }
}

/// Rows that are matched each with each, and how good an object they make.
#[derive(Debug, PartialEq)]
struct Clique {
    /// Ascending.
    ids: Vec<u64>,
    rows: Vec<usize>,
    gate_sum: f64,
}

impl Eq for Clique {}

impl Ord for Clique {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = Reverse(self.ids.len()).cmp(&Reverse(other.ids.len()));
        size.then(self.gate_sum.total_cmp(&other.gate_sum)).then(self.ids.cmp(&other.ids))
    }
}

impl PartialOrd for Clique {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Blobs as nodes, matches as edges.
struct Matches {
    gates: BTreeMap<(usize, usize), f64>,
    partners: Vec<Vec<usize>>,
}

impl Matches {
    /// Takes the best clique again and again, until every row is in one.
    fn disjoint_cliques(&self, blobs: &[Blob]) -> Vec<Vec<usize>> {
        let mut queue = BinaryHeap::new();
        let all = (0..self.partners.len()).filter(|row| !self.partners[*row].is_empty());
        for row in all {
            let later = |other: &&usize| blobs[**other].id > blobs[row].id;
            let (open, closed): (Vec<&usize>, Vec<&usize>) =
                self.partners[row].iter().partition(later);
            let set = |rows: Vec<&usize>| rows.into_iter().copied().collect::<BTreeSet<_>>();
            self.maximal_cliques(&mut vec![row], set(open), set(closed), &mut |rows| {
                queue.push(Reverse(self.clique(rows.to_vec(), blobs)));
            });
        }
        let mut is_taken = vec![false; self.partners.len()];
        let mut found = Vec::new();
        while let Some(Reverse(clique)) = queue.pop() {
            let free: Vec<usize> = clique.rows.iter().copied().filter(|r| !is_taken[*r]).collect();
            if free.len() == clique.rows.len() {
                free.iter().for_each(|row| is_taken[*row] = true);
                found.push(free);
            } else if free.len() > 1 {
                // Its rest competes again: any clique among free blobs is such a rest.
                queue.push(Reverse(self.clique(free, blobs)));
            }
        }
        found.extend((0..is_taken.len()).filter(|row| !is_taken[*row]).map(|row| vec![row]));
        found
    }

    fn clique(&self, mut rows: Vec<usize>, blobs: &[Blob]) -> Clique {
        rows.sort_by_key(|row| blobs[*row].id);
        let ids = rows.iter().map(|row| blobs[*row].id).collect();
        let mut gate_sum = 0.0;
        for (i, a) in rows.iter().enumerate() {
            for b in &rows[i + 1..] {
                gate_sum += self.gates.get(&key(*a, *b)).copied().unwrap_or(0.0);
            }
        }
        Clique { ids, rows, gate_sum }
    }

    /// Calls `found` with every maximal clique that holds `clique`, more rows of `open` and none
    /// of `closed` (Bron & Kerbosch 1973, with a pivot).
    fn maximal_cliques(
        &self,
        clique: &mut Vec<usize>,
        mut open: BTreeSet<usize>,
        mut closed: BTreeSet<usize>,
        found: &mut impl FnMut(&[usize]),
    ) {
        if open.is_empty() && closed.is_empty() {
            return found(clique);
        }
        let common = |row: &usize| self.partners[*row].iter().filter(|p| open.contains(p)).count();
        let Some(pivot) = open.iter().chain(&closed).max_by_key(|row| common(row)).copied() else {
            return;
        };
        let branches: Vec<usize> =
            open.iter().filter(|row| !self.partners[pivot].contains(row)).copied().collect();
        for row in branches {
            let near = |set: &BTreeSet<usize>| {
                self.partners[row].iter().filter(|p| set.contains(p)).copied().collect()
            };
            let (inside, outside) = (near(&open), near(&closed));
            clique.push(row);
            self.maximal_cliques(clique, inside, outside, &mut *found);
            clique.pop();
            open.remove(&row);
            closed.insert(row);
        }
    }
}
