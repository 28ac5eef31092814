//! All pairs of a layout.

use hooke_core::Progress;
use rayon::prelude::*;

use super::error::AlignError;
use super::pair::{PairOutcome, align_pair};
use super::params::AlignParams;
use super::prepare::prepare;
use super::source::Correction;
use crate::layout::Layout;
use crate::pairs::pair_tasks;
use crate::tile_pixels::TilePixels;

/// Measures every pair of a layout and stores the result in `layout.pairs` and `layout.warnings`.
///
/// Former pairs are replaced. Tiles that cannot be read make their pairs `unread` and are warned
/// about; the others are measured all the same. Parallel over pairs; the result does not depend on
/// the number of threads.
///
/// # Errors
/// For bad parameters, nominal positions or corrections, and when cancelled; the layout is then
/// unchanged.
pub fn align_layout(
    layout: &mut Layout,
    pixels: &dyn TilePixels<f32>,
    params: &AlignParams,
    correction: &Correction,
    progress: &dyn Progress,
) -> Result<(), AlignError> {
    let statistics = prepare(layout, pixels, params, correction, progress)?;
    let tasks = pair_tasks(layout, params)?;
    progress.start("align", tasks.len() as u64, "pairs");
    let one = |task| -> Result<PairOutcome, AlignError> {
        if progress.is_cancelled() {
            return Err(AlignError::Cancelled);
        }
        let outcome = align_pair(layout, task, pixels, params, correction, &statistics)?;
        progress.advance(1, 0);
        Ok(outcome)
    };
    let outcomes: Result<Vec<PairOutcome>, AlignError> = tasks.par_iter().map(one).collect();
    layout.pairs.clear();
    for PairOutcome { pair, warnings } in outcomes? {
        layout.pairs.push(pair);
        layout.warnings.extend(warnings);
    }
    Ok(())
}
