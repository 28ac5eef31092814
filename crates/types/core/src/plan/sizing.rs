//! How large blocks are made within a memory budget.

use super::PlanError;
use super::blocks::{Grid, lengths};
use crate::axes::Axes;
use crate::budget::{Budget, FIXED_BYTES, SMALLEST_CACHE};
use crate::region::grid_counts;

/// Blocks are not made larger than about this.
pub const LARGEST_BLOCK: u64 = 256 << 20;
/// Blocks per thread that must remain, so that little is lost by a kill and threads end together.
const BLOCKS_PER_THREAD: u64 = 8;

/// What decides the size of blocks.
pub struct BlockSizing<'a> {
    /// The level that is written.
    pub shape: [u64; 5],
    /// The unit of independent writes: blocks are whole multiples of it.
    pub unit: [u64; 5],
    /// What the method reads on each side beyond what it writes.
    pub halo: [u64; 5],
    /// Peak bytes of a block that writes this shape: read with halo, scratch, write and encoded.
    pub bytes: &'a dyn Fn([u64; 5]) -> u64,
    /// Axes of the output, for messages.
    pub axes: Axes,
    /// What the unit is called: `shard`, `chunk`, `tile`.
    pub unit_name: &'a str,
    /// The option that sets the unit along z, y, x, where there is one: `--shard`.
    pub unit_option: Option<&'a str>,
}

/// Chooses a grid of blocks, and the bytes of each.
///
/// Starts at one write unit and doubles the shortest axis while a block stays below 256 MiB, as
/// many blocks as threads fit into the budget, and at least 8 blocks per thread remain. Results
/// never depend on it.
///
/// # Errors
/// [`PlanError::TooLittleMemory`] when not even one block of one write unit fits.
pub fn size_blocks(what: &BlockSizing<'_>, budget: &Budget) -> Result<(Grid, u64), PlanError> {
    let clip = |write: [u64; 5]| -> [u64; 5] {
        std::array::from_fn(|d| write[d].min(what.shape[d]).max(1))
    };
    let bytes = |write| (what.bytes)(clip(write));
    let mut write: [u64; 5] = what.unit.map(|u| u.max(1));
    if budget.in_flight(bytes(write)) == 0 {
        return Err(too_little(what, budget));
    }
    let threads = budget.threads.max(1) as u64;
    let allowed = |write: [u64; 5]| {
        let blocks: u64 = grid_counts(what.shape, write).iter().product();
        let bytes = bytes(write);
        bytes <= LARGEST_BLOCK
            && budget.in_flight(bytes) as u64 >= threads
            && blocks >= BLOCKS_PER_THREAD * threads
    };
    loop {
        let mut axes: Vec<usize> = (0..5).filter(|d| write[*d] < what.shape[*d]).collect();
        // Space before channel and time; among these the shortest, so that halos stay small.
        axes.sort_by_key(|d| (*d < 2, write[*d], *d));
        let larger = axes.into_iter().find_map(|d| {
            let mut next = write;
            next[d] = next[d].saturating_mul(2);
            allowed(next).then_some(next)
        });
        match larger {
            Some(next) => write = next,
            None => break,
        }
    }
    Ok((Grid { shape: what.shape, write, halo: what.halo }, bytes(write)))
}

fn too_little(what: &BlockSizing<'_>, budget: &Budget) -> PlanError {
    let unit = what.unit.map(|u| u.max(1));
    let clip = |write: [u64; 5]| -> [u64; 5] {
        std::array::from_fn(|d| write[d].min(what.shape[d]).max(1))
    };
    let needed = (what.bytes)(clip(unit));
    let mut smaller = unit;
    while budget.in_flight((what.bytes)(clip(smaller))) == 0 {
        let longest = (2..5).rev().max_by_key(|d| smaller[*d]).expect("three axes of space");
        if smaller[longest] <= 1 {
            break;
        }
        smaller[longest] = smaller[longest].div_ceil(2);
    }
    let fits = budget.in_flight((what.bytes)(clip(smaller))) > 0;
    PlanError::TooLittleMemory {
        needed,
        block: lengths(what.axes, unit),
        unit_name: what.unit_name.to_owned(),
        memory: memory_for(needed),
        option: what.unit_option.map(str::to_owned),
        smaller: fits.then(|| smaller[2..].to_vec()),
    }
}

/// A budget in which one block of that size fits, rounded up to what one would type.
pub fn memory_for(block: u64) -> u64 {
    let with_quarter = block.saturating_add(FIXED_BYTES).saturating_mul(4).div_ceil(3);
    let exact = with_quarter.max(block.saturating_add(FIXED_BYTES + SMALLEST_CACHE));
    let step = if exact > 1 << 30 { 512 << 20 } else { 64 << 20 };
    exact.div_ceil(step).saturating_mul(step)
}

/// A size as `--memory` takes it: `1.5GiB`, `384MiB`.
pub(super) fn option_bytes(bytes: u64) -> String {
    let gib = bytes as f64 / (1u64 << 30) as f64;
    if gib >= 1.0 { format!("{gib}GiB") } else { format!("{}MiB", bytes.div_ceil(1 << 20)) }
}
