//! Linking of cells that grow in a plane and touch.
//!
//! Consecutive frames are registered first: the jump of the picture, an affine map, and what neighbours share. Between
//! frames each old cell may have become a new one (within 1.5 cell lengths) or two new ones that lie where
//! its halves are expected and have its mass. A link costs the mean distance of the two axes, tip to tip, over its
//! usual value, and the logarithm of growth over its spread; a division the same of the halves, and how uneven they are;
//! both the likelihood that a cell of that length divides. Cells may vanish or appear at a price, be missed for a frame, or have
//! a wrong mask in one frame. The cheapest consistent explanation is found in windows of frames: see `packing`.
//!
//! After Jaqaman et al. (2008), Magnusson et al. (2014) and Bragantini et al. (2024), without their solvers.

mod candidates;
mod motion;
mod packing;
mod params;
mod shape;
mod window;

pub use params::FlowParams;
pub use shape::ColonyCell;

use super::Link;
use crate::error::LineageError;
use window::{Colony, Decided};

/// Part of all cells that are shorter than those that divide, about.
const SHORTER: f64 = 0.9;

/// What is wrong with masks of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuspectKind {
    /// Two masks are one cell.
    OneCellInTwo,
    /// One mask is two cells.
    TwoCellsInOne,
    /// A mask fits no cell before or after.
    Stray,
}

/// Masks that look wrong beside the frames before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The frame.
    pub frame: usize,
    /// The masks, by their places in it.
    pub cells: Vec<usize>,
    /// What is wrong.
    pub kind: SuspectKind,
}

/// How the cells of a colony hang together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColonyLinks {
    /// Links, by the frame and place of the cell they come from.
    pub links: Vec<Link>,
    /// Masks worth a look, by frame.
    pub suspects: Vec<Suspect>,
}

/// Links the cells of a colony.
///
/// # Arguments
/// * `frames` — per frame its cells, in any order; empty where a frame is missing.
///
/// # Errors
/// [`LineageError::Parameter`] for parameters out of range, areas that are not above 0 and points that are not finite.
///
/// # Cost
/// Per pair of frames `O(cells²)` comparisons of middles; memory for the candidates of one window. The result does not
/// depend on the number of threads.
pub fn link_colony(
    frames: &[Vec<ColonyCell>],
    params: &FlowParams,
) -> Result<ColonyLinks, LineageError> {
    params.validate()?;
    check(frames)?;
    let mut lengths: Vec<f64> = frames.iter().flatten().map(ColonyCell::length).collect();
    lengths.sort_by(f64::total_cmp);
    let long = lengths.get((lengths.len() as f64 * SHORTER) as usize).copied().unwrap_or(1.0);
    let colony = Colony { frames, params, ln_division_length: long.max(1e-6).ln() };
    let mut decided = Decided::default();
    let mut start = 0;
    loop {
        let end = (start + params.window).min(frames.len());
        let cut = if end == frames.len() { end } else { end - params.overlap };
        colony.decide(start..end, cut, &mut decided);
        if end == frames.len() {
            break;
        }
        start = cut;
    }
    let Decided { mut links, mut suspects, .. } = decided;
    links.sort_by_key(|link| (link.from, link.to));
    suspects.sort_by(|a, b| (a.frame, &a.cells).cmp(&(b.frame, &b.cells)));
    Ok(ColonyLinks { links, suspects })
}

fn check(frames: &[Vec<ColonyCell>]) -> Result<(), LineageError> {
    for (t, cell) in frames.iter().enumerate().flat_map(|(t, f)| f.iter().map(move |c| (t, c))) {
        let [first, last] = cell.tips;
        let numbers = [cell.center, first, last, [cell.area; 2]];
        if cell.area <= 0.0 || !numbers.iter().flatten().all(|v| v.is_finite()) {
            let reason = format!("frame {t}: an area is not above 0, or a point is not finite");
            return Err(LineageError::Parameter { name: "frames", reason });
        }
    }
    Ok(())
}
