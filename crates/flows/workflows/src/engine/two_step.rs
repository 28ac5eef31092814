//! Outputs whose parts cannot be written independently (`.tif`, `.h5`): blocks go to a private
//! container in the work folder first, then one step streams that out.
//!
//! A plan has its stages of blocks [write](hooke_core::plan::Stage::writing) the private
//! container, and a [`Stage::one`](hooke_core::plan::Stage::one) after them whose block calls
//! [`stream`]. Outputs below [`ONE_STEP_BELOW`] may be made by that one step alone.

use hooke_core::image::{ImageSink, ImageSource};
use hooke_core::pixels::Pixels;
use hooke_core::region::{Region, grid, grid_counts};

use super::workflow::{BlockContext, BlockError, Summary};

/// Outputs smaller than this need no private container.
pub const ONE_STEP_BELOW: u64 = 256 << 20;

/// Copies every level of an image in C order and completes the sink.
///
/// Pieces are whole write units of the sink, as many as fit into `bytes` (at least one): rows
/// first, then planes, so that a container that is written front to back is. Holds one piece.
///
/// # Errors
/// When the source lacks a level of the sink or one has another shape, when reading or writing
/// fails, or when cancelled.
pub fn stream(
    source: &dyn ImageSource,
    sink: &dyn ImageSink,
    bytes: u64,
    cx: &mut BlockContext<'_>,
) -> Result<Summary, BlockError> {
    let sample = source.meta().dtype.size() as u64;
    let mut summary = Summary::new();
    for (level, to) in sink.levels().iter().enumerate() {
        match source.levels().get(level).map(|l| l.shape) {
            Some(shape) if shape == to.shape => {}
            found => {
                let wanted = to.shape;
                let text = format!("level {level}: {wanted:?} is wanted, the source has {found:?}");
                return Err(text.into());
            }
        }
        let step = piece(to.shape, sink.write_unit(level), bytes / sample.max(1));
        let pieces = grid_counts(to.shape, step).iter().product();
        cx.progress.start(&format!("write level {level}"), pieces, "pieces");
        for region in grid(to.shape, step) {
            if cx.progress.is_cancelled() {
                return Err(BlockError::Cancelled);
            }
            let block: &mut Option<Pixels> = cx.scratch.get();
            let block = block.get_or_insert_with(|| {
                Pixels::zeros(source.meta().dtype, Region::new([0; 5], [0; 5]).shape)
            });
            source.read(level, &region, block)?;
            sink.write(level, &region, block)?;
            summary = summary.read(block.bytes());
            cx.progress.advance(1, block.bytes());
        }
    }
    sink.finish()?;
    Ok(summary)
}

/// Whole units of at most that many voxels, or one unit: the fastest axes are filled first.
pub(crate) fn piece(shape: [u64; 5], unit: [u64; 5], voxels: u64) -> [u64; 5] {
    let mut step: [u64; 5] = std::array::from_fn(|d| unit[d].max(1).min(shape[d].max(1)));
    for d in (0..5).rev() {
        let others: u64 = (0..5).filter(|o| *o != d).map(|o| step[o]).product();
        let units = (voxels / others.max(1)) / unit[d].max(1);
        step[d] = (units.max(1) * unit[d].max(1)).min(shape[d]).max(1);
        // A slower axis may only grow when this one is whole: else the order is broken.
        if step[d] < shape[d] {
            break;
        }
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_fill_rows_before_planes() {
        let shape = [1, 2, 10, 100, 100];
        let unit = [1, 1, 1, 16, 16];
        assert_eq!(piece(shape, unit, 1), [1, 1, 1, 16, 16]);
        assert_eq!(piece(shape, unit, 16 * 50), [1, 1, 1, 16, 48]);
        assert_eq!(piece(shape, unit, 100 * 40), [1, 1, 1, 32, 100]);
        assert_eq!(piece(shape, unit, 100 * 100 * 3), [1, 1, 3, 100, 100]);
        assert_eq!(piece(shape, unit, u64::MAX), shape);
    }
}
