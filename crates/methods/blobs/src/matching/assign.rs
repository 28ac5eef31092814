//! Which of the pairs within the gate are partners.

use hooke_core::DisjointSets;
use rayon::prelude::*;

use super::gate::{Edge, MAX_EDGES};
use super::shortest_path::{Graph, Solver, cost};
use crate::error::BlobsError;

/// Components solved one after another by one thread.
const CHUNK: usize = 1024;

/// What the best set of pairs is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// The most pairs, and of these sets the one with the least sum of gate distances.
    #[default]
    Cardinality,
    /// The largest sum of `1 - gate distance`: a pair may be given up for closer ones.
    Distance,
}

impl Objective {
    /// What it costs that a blob goes without a partner.
    fn penalty(self) -> i128 {
        match self {
            // Above any sum of distances: 2^60 times the 2^32 edges there can be.
            Objective::Cardinality => 1 << 93,
            Objective::Distance => cost(1.0),
        }
    }
}

/// Two blobs that are partners.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Partners {
    /// Ids of the two, first side first.
    pub ids: [u64; 2],
    /// Distance in units of the gate.
    pub gate_distance: f64,
    /// The smallest id of the component.
    pub component: u64,
    /// Other candidates within the gate of either.
    pub rivals: u32,
}

/// The partners found, and how crowded the candidates are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assignment {
    /// By id of the first side.
    pub pairs: Vec<Partners>,
    /// Pairs within the gate.
    pub edges: usize,
    /// Blobs of the largest component, both sides together.
    pub largest_component: usize,
}

/// Chooses partners among the pairs within the gate, exactly.
///
/// The same for any order of the edges; an edge given twice counts once. Components are solved
/// each on its own, in parallel; rows and columns are ordered by id, which decides between sets
/// of pairs that are equally good.
///
/// # Errors
/// [`BlobsError::TooManyPairs`] for more edges than [`MAX_EDGES`].
pub fn assign(mut edges: Vec<Edge>, objective: Objective) -> Result<Assignment, BlobsError> {
    edges.par_sort_unstable_by_key(|e| e.ids);
    edges.dedup_by_key(|e| e.ids);
    if edges.len() > MAX_EDGES {
        return Err(BlobsError::TooManyPairs { limit: MAX_EDGES });
    }
    let (components, nodes) = Components::of(&edges);
    let n = components.starts.len() - 1;
    let ranges: Vec<_> = (0..n).step_by(CHUNK).map(|from| from..(from + CHUNK).min(n)).collect();
    let solved: Vec<Vec<Partners>> = ranges
        .into_par_iter()
        .map(|range| {
            let (mut work, mut pairs) = (Work::default(), Vec::new());
            for i in range {
                work.solve(components.edges_of(i), &edges, &nodes, objective, &mut pairs);
            }
            pairs
        })
        .collect();
    let mut pairs = solved.concat();
    pairs.par_sort_unstable_by_key(|p| p.ids);
    Ok(Assignment { pairs, edges: edges.len(), largest_component: components.largest })
}

/// The blobs of both sides that have a candidate, numbered by id, first side first.
struct Nodes {
    ids: Vec<u64>,
    degree: Vec<u32>,
    /// Numbers of the two ends of every edge.
    ends: Vec<[u32; 2]>,
}

impl Nodes {
    fn of(edges: &[Edge]) -> Self {
        let mut ids: Vec<u64> = edges.iter().map(|e| e.ids[0]).collect();
        ids.dedup();
        let n_first = ids.len();
        let mut second: Vec<u64> = edges.iter().map(|e| e.ids[1]).collect();
        second.par_sort_unstable();
        second.dedup();
        ids.extend(second);
        let (first, second) = ids.split_at(n_first);
        let place = |ids: &[u64], id: u64| ids.partition_point(|other| *other < id);
        let number =
            |e: &Edge| [place(first, e.ids[0]) as u32, (n_first + place(second, e.ids[1])) as u32];
        let ends: Vec<[u32; 2]> = edges.par_iter().map(number).collect();
        let mut degree = vec![0; ids.len()];
        ends.iter().flatten().for_each(|node| degree[*node as usize] += 1);
        Self { ids, degree, ends }
    }
}

/// Edges by component; components are ordered by their smallest id of the first side.
struct Components {
    starts: Vec<usize>,
    /// Numbers of edges, ascending within a component.
    edges: Vec<u32>,
    largest: usize,
}

impl Components {
    fn of(edges: &[Edge]) -> (Self, Nodes) {
        let nodes = Nodes::of(edges);
        let mut sets = DisjointSets::new(nodes.ids.len());
        for [a, b] in &nodes.ends {
            sets.join(*a as usize, *b as usize);
        }
        let mut number = vec![u32::MAX; nodes.ids.len()];
        let mut counts = Vec::new();
        let mut of_edge = Vec::with_capacity(edges.len());
        for [a, _] in &nodes.ends {
            let root = sets.find(*a as usize);
            if number[root] == u32::MAX {
                number[root] = counts.len() as u32;
                counts.push(0usize);
            }
            counts[number[root] as usize] += 1;
            of_edge.push(number[root]);
        }
        let mut members = vec![0; counts.len()];
        for node in 0..nodes.ids.len() {
            members[number[sets.find(node)] as usize] += 1;
        }
        let mut starts = vec![0; counts.len() + 1];
        for (i, count) in counts.iter().enumerate() {
            starts[i + 1] = starts[i] + count;
        }
        let mut next = starts.clone();
        let mut sorted = vec![0; edges.len()];
        for (edge, component) in of_edge.iter().enumerate() {
            let at = &mut next[*component as usize];
            sorted[*at] = edge as u32;
            *at += 1;
        }
        let largest = members.into_iter().max().unwrap_or(0);
        (Self { starts, edges: sorted, largest }, nodes)
    }

    fn edges_of(&self, component: usize) -> &[u32] {
        &self.edges[self.starts[component]..self.starts[component + 1]]
    }
}

/// Memory for one component after another.
#[derive(Default)]
struct Work {
    order: Vec<u32>,
    sides: [Vec<u32>; 2],
    graph: Graph,
    solver: Solver,
}

impl Work {
    /// Appends the partners of one component, whose edges are sorted by both ends.
    fn solve(
        &mut self,
        members: &[u32],
        edges: &[Edge],
        nodes: &Nodes,
        objective: Objective,
        pairs: &mut Vec<Partners>,
    ) {
        for side in 0..2 {
            self.sides[side].clear();
            self.sides[side].extend(members.iter().map(|e| nodes.ends[*e as usize][side]));
            self.sides[side].sort_unstable();
            self.sides[side].dedup();
        }
        let smallest = |side: &Vec<u32>| side.first().map(|n| nodes.ids[*n as usize]);
        let component = self.sides.iter().filter_map(smallest).min().unwrap_or(0);
        let partners = |edge: u32| {
            let (ends, edge) = (nodes.ends[edge as usize], &edges[edge as usize]);
            let rivals = ends.iter().map(|n| nodes.degree[*n as usize] - 1).sum();
            Partners { ids: edge.ids, gate_distance: edge.gate_distance, component, rivals }
        };
        if self.sides.iter().any(|side| side.len() == 1) {
            // One blob and its candidates: the nearest, and of equals the one of the lowest id.
            let near = |e: &&u32| edges[**e as usize].gate_distance;
            pairs.extend(
                members.iter().min_by(|a, b| near(a).total_cmp(&near(b))).map(|e| partners(*e)),
            );
            return;
        }
        self.fill_graph(members, edges, nodes);
        let taken = self.solver.solve(&self.graph, objective.penalty());
        let chosen = taken.iter().filter_map(|edge| self.order.get(*edge as usize));
        pairs.extend(chosen.map(|edge| partners(*edge)));
    }

    /// Makes the smaller side the rows, so that few rows go without a partner.
    fn fill_graph(&mut self, members: &[u32], edges: &[Edge], nodes: &Nodes) {
        let row_side = usize::from(self.sides[1].len() < self.sides[0].len());
        let ends = |edge: u32| nodes.ends[edge as usize];
        self.order.clear();
        self.order.extend_from_slice(members);
        if row_side == 1 {
            self.order.sort_unstable_by_key(|e| [ends(*e)[1], ends(*e)[0]]);
        }
        let columns = &self.sides[1 - row_side];
        self.graph.clear();
        self.graph.columns = columns.len();
        let mut row = u32::MAX;
        for (at, edge) in self.order.iter().enumerate() {
            if ends(*edge)[row_side] != row {
                row = ends(*edge)[row_side];
                self.graph.starts.push(at as u32);
            }
            let end = ends(*edge)[1 - row_side];
            let column = columns.partition_point(|c| *c < end) as u32;
            self.graph.edges.push((column, cost(edges[*edge as usize].gate_distance)));
        }
        self.graph.starts.push(self.order.len() as u32);
    }
}
