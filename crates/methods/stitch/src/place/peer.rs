//! ClearMap2's two ways of placing: plain least squares, and paths with the fewest links.

use super::error::PlaceError;
use super::normal_equations::LinkGraph;
use crate::layout::{breadth_first, connected_sets};

/// A displacement between the tiles at places `a` and `b`: `position(b) - position(a)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Displacement {
    /// Place of the first tile.
    pub a: usize,
    /// Place of the second tile.
    pub b: usize,
    /// Over `(z, y, x)`, voxels; NaN where not measured.
    pub px: [f64; 3],
}

/// The tile of a connected set that keeps its position: `chosen` when it is a member, else member
/// number `floor((n - 1) / 2)`.
pub(super) fn fixed_of(set: &[usize], chosen: Option<usize>) -> usize {
    chosen.filter(|c| set.contains(c)).unwrap_or(set[(set.len() - 1) / 2])
}

/// Positions by unweighted least squares over all links.
///
/// Per axis and connected set the fixed tile keeps its current position: `fixed` when it is a
/// member, else member number `floor((n - 1) / 2)`. A tile without a link keeps its position. A
/// component that is not measured takes no part on its axis.
///
/// # Errors
/// [`PlaceError::Solve`] when memory runs out.
pub fn least_squares(
    current: &[[f64; 3]],
    links: &[Displacement],
    fixed: Option<usize>,
) -> Result<Vec<[f64; 3]>, PlaceError> {
    let mut positions = current.to_vec();
    for d in 0..3 {
        let measured: Vec<&Displacement> = links.iter().filter(|l| l.px[d].is_finite()).collect();
        if measured.is_empty() {
            continue;
        }
        let ends: Vec<(usize, usize)> = measured.iter().map(|l| (l.a, l.b)).collect();
        // A prior on one tile of a set holds it exactly: the set can follow at no cost.
        let mut hold = vec![0.0; current.len()];
        for set in connected_sets(current.len(), ends.iter().copied()) {
            hold[fixed_of(&set, fixed)] = 1.0;
        }
        let graph = LinkGraph::new(current.len(), ends)?;
        let weights = vec![1.0; measured.len()];
        // Solving for the change keeps numbers small.
        let wanted = measured.iter().map(|l| l.px[d] - (current[l.b][d] - current[l.a][d]));
        let mut change = graph.right_hand_side(&weights, wanted);
        graph.factor(&weights, &hold)?.solve(&mut change);
        positions.iter_mut().zip(change).for_each(|(p, c)| p[d] += c);
    }
    Ok(positions)
}

/// Positions by following displacements from `starts`, which keep theirs, along paths with the
/// fewest links; links are tried in the order given.
///
/// A component that is not measured is taken from the current positions. Tiles that no start
/// reaches keep their position.
pub fn tree(current: &[[f64; 3]], links: &[Displacement], starts: &[usize]) -> Vec<[f64; 3]> {
    let ends: Vec<(usize, usize)> = links.iter().map(|l| (l.a, l.b)).collect();
    let mut positions = current.to_vec();
    for step in breadth_first(current.len(), &ends, starts) {
        let link = &links[step.link];
        let sign = if link.a == step.from { 1.0 } else { -1.0 };
        positions[step.to] = std::array::from_fn(|d| {
            let nominal = current[step.to][d] - current[step.from][d];
            let known = if link.px[d].is_finite() { sign * link.px[d] } else { nominal };
            positions[step.from][d] + known
        });
    }
    positions
}

/// Rounds as ClearMap2 does: positions relative to the first tile of each connected set, half to
/// even, then moved so that the fixed tile keeps its current position.
pub(super) fn round_sets(
    positions: &mut [[f64; 3]],
    current: &[[f64; 3]],
    sets: &[Vec<usize>],
    fixed: Option<usize>,
) {
    for set in sets {
        let (first, held) = (positions[set[0]], fixed_of(set, fixed));
        for d in 0..3 {
            let relative = |p: [f64; 3]| (p[d] - first[d]).round_ties_even();
            let back = current[held][d] - relative(positions[held]);
            set.iter().for_each(|t| positions[*t][d] = relative(positions[*t]) + back);
        }
    }
}
