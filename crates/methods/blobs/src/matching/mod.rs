//! Which blobs of two channels are one object: exact matching within a gate.
//!
//! Candidates are the pairs within an ellipsoid ([`Gate`]); they fall into components that are
//! solved each on its own, exactly ([`assign`]). Gating comes first: of a = {0, 9} and b = {8, 18}
//! µm on a line and a gate of 5 µm, an assignment without a gate pairs 0-8 and 9-18, both too far,
//! and loses the pair 9-8.
//!
//! [`match_stack`] does all of it for tables of blobs. For a volume searched block by block, the
//! edges of the blocks ([`gate_edges`]) are put together and go to [`assign`].

mod assign;
mod gate;
mod shortest_path;
mod stack;
mod window;

pub use assign::{Assignment, Objective, Partners, assign};
pub use gate::{Edge, Gate, MAX_EDGES, Site, gate_edges};
pub use stack::{Crowding, MatchParams, Matched, match_block, match_stack};
pub(crate) use stack::{Rows, distance};
pub use window::MatchWindow;

use crate::error::BlobsError;

/// Matches two sets of points; ids of the result are row numbers, from 0.
///
/// # Errors
/// As [`gate_edges`], with the limit [`MAX_EDGES`].
///
/// # Examples
/// ```
/// use hooke_blobs::matching::{Gate, Objective, match_points};
/// let line = |x: [f64; 2]| x.map(|x| [0.0, 0.0, x]);
/// let gate = Gate::new([5.0; 3])?;
/// let found = match_points(&line([0.0, 9.0]), &line([8.0, 18.0]), &gate, Objective::Cardinality)?;
/// assert_eq!((found.pairs.len(), found.pairs[0].ids), (1, [1, 0]));
/// # Ok::<(), hooke_blobs::BlobsError>(())
/// ```
pub fn match_points(
    a_um: &[[f64; 3]],
    b_um: &[[f64; 3]],
    gate: &Gate,
    objective: Objective,
) -> Result<Assignment, BlobsError> {
    let sites = |points: &[[f64; 3]]| -> Vec<Site> {
        let site =
            |(i, p): (usize, &[f64; 3])| Site { id: i as u64, position_um: *p, is_inner: true };
        points.iter().enumerate().map(site).collect()
    };
    assign(gate_edges(&sites(a_um), &sites(b_um), gate, MAX_EDGES)?, objective)
}
