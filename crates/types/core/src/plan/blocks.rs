//! Blocks, grids of blocks, and the stages that hold them.

use serde::{Deserialize, Serialize};

use super::PlanError;
use crate::axes::{Axes, Axis};
use crate::region::{Region, grid_box, grid_counts};

/// A piece of a stage: what it writes, what it reads for that, and what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BlockFile", into = "BlockFile")]
pub struct Block {
    /// Number within its stage, from 0.
    pub id: u64,
    /// What it alone writes. Empty for a stage of one block.
    pub write: Region,
    /// What it reads: `write` with the halo, clipped to the image.
    pub read: Region,
    /// Peak memory while it runs, in bytes.
    pub bytes: u64,
}

/// A regular grid of blocks over an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// The image.
    pub shape: [u64; 5],
    /// Lengths of a block; the last one along an axis is clipped.
    pub write: [u64; 5],
    /// What a block reads on each side beyond what it writes, clipped to the image.
    pub halo: [u64; 5],
}

impl Grid {
    /// Number of blocks.
    pub fn len(&self) -> u64 {
        grid_counts(self.shape, self.write).iter().product()
    }

    /// Whether there is no block.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The blocks of a stage. Ids are `0..len()`; those of a grid are in C order.
#[derive(Debug, Clone, PartialEq)]
pub enum Blocks {
    /// A regular grid; its blocks are computed, never listed.
    Grid {
        /// The grid.
        grid: Grid,
        /// Peak memory of each block, in bytes.
        bytes: u64,
    },
    /// Irregular blocks, in the order of their ids.
    Listed(Vec<Block>),
    /// One step over everything: a merge, a solve, statistics.
    One {
        /// Its peak memory, in bytes.
        bytes: u64,
    },
}

impl Blocks {
    /// Items without a place in an image (pairs, files), one block each.
    pub fn items(count: u64, bytes: u64) -> Blocks {
        let grid = Grid { shape: [1, 1, 1, 1, count], write: [1; 5], halo: [0; 5] };
        Blocks::Grid { grid, bytes }
    }

    /// Number of blocks.
    pub fn len(&self) -> u64 {
        match self {
            Blocks::Grid { grid, .. } => grid.len(),
            Blocks::Listed(blocks) => blocks.len() as u64,
            Blocks::One { .. } => 1,
        }
    }

    /// Whether there is no block.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The block of that number.
    pub fn get(&self, id: u64) -> Option<Block> {
        if id >= self.len() {
            return None;
        }
        Some(match self {
            Blocks::Grid { grid, bytes } => {
                let write = grid_box(grid.shape, grid.write, id);
                Block { id, write, read: write.grown(grid.halo, grid.shape), bytes: *bytes }
            }
            Blocks::Listed(blocks) => blocks[id as usize],
            Blocks::One { bytes } => {
                let nowhere = Region::new([0; 5], [0; 5]);
                Block { id, write: nowhere, read: nowhere, bytes: *bytes }
            }
        })
    }

    /// The blocks in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = Block> + '_ {
        (0..self.len()).map(|id| self.get(id).expect("the id is below the length"))
    }

    /// Peak memory of the largest block, in bytes.
    pub fn largest_bytes(&self) -> u64 {
        match self {
            Blocks::Grid { bytes, .. } | Blocks::One { bytes } => *bytes,
            Blocks::Listed(blocks) => blocks.iter().map(|b| b.bytes).max().unwrap_or(0),
        }
    }
}

/// The output that a stage writes directly, and what it must not divide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writes {
    /// What messages call it.
    pub output: String,
    /// Shape of the level that is written.
    pub shape: [u64; 5],
    /// The unit of independent writes: shard, chunk, strip.
    pub unit: [u64; 5],
    /// Bytes of the level, unpacked.
    pub bytes: u64,
}

/// A step of a plan: blocks that may run in any order and at the same time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StageFile", into = "StageFile")]
pub struct Stage {
    /// Its name, also that of its folder of markers: letters, digits, `-`, `_`.
    pub name: String,
    /// What a block is called in messages, in the plural: `blocks`, `tiles`, `pairs`.
    pub unit: String,
    /// Stages that must be complete before.
    pub after: Vec<String>,
    /// Its blocks.
    pub blocks: Blocks,
    /// The output that its blocks write without asking each other, if they do.
    pub writes: Option<Writes>,
}

impl Stage {
    /// A stage that writes no shared container.
    pub fn new(name: &str, unit: &str, after: &[&str], blocks: Blocks) -> Stage {
        Stage {
            name: name.to_owned(),
            unit: unit.to_owned(),
            after: after.iter().map(|a| (*a).to_owned()).collect(),
            blocks,
            writes: None,
        }
    }

    /// A stage of one block.
    pub fn one(name: &str, after: &[&str], bytes: u64) -> Stage {
        Stage::new(name, "steps", after, Blocks::One { bytes })
    }

    /// The same stage, its blocks writing that output.
    pub fn writing(self, writes: Writes) -> Stage {
        Stage { writes: Some(writes), ..self }
    }

    /// Bytes of the output that the stage writes directly, unpacked; 0 when it writes none.
    pub fn bytes(&self) -> u64 {
        self.writes.as_ref().map_or(0, |w| w.bytes)
    }

    /// Checks ids, halos, and that every write unit belongs to exactly one block.
    ///
    /// # Errors
    /// [`PlanError::BadBlockId`], [`PlanError::Misaligned`] or [`PlanError::NoPartition`].
    pub fn check(&self) -> Result<(), PlanError> {
        if let Blocks::Listed(blocks) = &self.blocks {
            for (expected, block) in (0u64..).zip(blocks) {
                if block.id != expected {
                    let (stage, found) = (self.name.clone(), block.id);
                    return Err(PlanError::BadBlockId { stage, expected, found });
                }
            }
        }
        match (&self.writes, &self.blocks) {
            (Some(writes), Blocks::Grid { grid, .. }) => self.check_grid(writes, grid),
            (Some(writes), Blocks::Listed(blocks)) => self.check_listed(writes, blocks),
            (_, Blocks::One { .. }) | (None, _) => Ok(()),
        }
    }

    fn check_grid(&self, writes: &Writes, grid: &Grid) -> Result<(), PlanError> {
        if grid.shape != writes.shape {
            let what = format!("the grid spans {:?}, it has {:?}", grid.shape, writes.shape);
            return Err(self.no_partition(writes, what));
        }
        for axis in Axis::ALL {
            let d = axis.index();
            let one_block = grid.write[d] >= grid.shape[d];
            if !one_block && !grid.write[d].is_multiple_of(writes.unit[d].max(1)) {
                return Err(misaligned(writes, grid.write, axis));
            }
        }
        Ok(())
    }

    fn check_listed(&self, writes: &Writes, blocks: &[Block]) -> Result<(), PlanError> {
        for block in blocks {
            if !block.write.fits(writes.shape) {
                let what = format!("block {} reaches beyond it", block.id);
                return Err(self.no_partition(writes, what));
            }
            let (start, end) = (block.write.start, block.write.end());
            for axis in Axis::ALL {
                let d = axis.index();
                let unit = writes.unit[d].max(1);
                let ends = end[d].is_multiple_of(unit) || end[d] == writes.shape[d];
                if !start[d].is_multiple_of(unit) || !ends {
                    return Err(misaligned(writes, block.write.shape, axis));
                }
            }
        }
        if let Some((a, b)) = overlapping(blocks) {
            return Err(self.no_partition(writes, format!("blocks {a} and {b} overlap")));
        }
        let covered: u64 = blocks.iter().map(|b| b.write.voxels()).sum();
        let total = Region::whole(writes.shape).voxels();
        if covered != total {
            let what = format!("they cover {covered} of {total} voxels");
            return Err(self.no_partition(writes, what));
        }
        Ok(())
    }

    fn no_partition(&self, writes: &Writes, what: String) -> PlanError {
        PlanError::NoPartition { stage: self.name.clone(), output: writes.output.clone(), what }
    }
}

fn misaligned(writes: &Writes, block: [u64; 5], axis: Axis) -> PlanError {
    // Leading axes of length 1 only clutter the sentence.
    let first = (0..5).find(|d| writes.shape[*d] > 1).unwrap_or(3).min(axis.index());
    PlanError::Misaligned {
        block: block[first..].to_vec(),
        unit: writes.unit[first..].to_vec(),
        output: writes.output.clone(),
        axis: axis.letter(),
    }
}

/// Two blocks that share a voxel: a sweep over the first axis along which they differ most.
fn overlapping(blocks: &[Block]) -> Option<(u64, u64)> {
    let starts = |d: usize| {
        let mut s: Vec<u64> = blocks.iter().map(|b| b.write.start[d]).collect();
        s.sort_unstable();
        s.dedup();
        s.len()
    };
    let sweep = (0..5).max_by_key(|d| starts(*d))?;
    let mut order: Vec<&Block> = blocks.iter().filter(|b| !b.write.is_empty()).collect();
    order.sort_by_key(|b| (b.write.start[sweep], b.id));
    let mut open: Vec<&Block> = Vec::new();
    for block in order {
        open.retain(|o| o.write.end()[sweep] > block.write.start[sweep]);
        if let Some(other) = open.iter().find(|o| o.write.intersect(&block.write).is_some()) {
            return Some((other.id.min(block.id), other.id.max(block.id)));
        }
        open.push(block);
    }
    None
}

/// A block of a list in `plan.json`: regions are `[start, shape]`.
#[derive(Serialize, Deserialize)]
struct BlockFile {
    id: u64,
    write: [[u64; 5]; 2],
    read: [[u64; 5]; 2],
    bytes: u64,
}

impl From<Block> for BlockFile {
    fn from(b: Block) -> BlockFile {
        let pair = |r: Region| [r.start, r.shape];
        BlockFile { id: b.id, write: pair(b.write), read: pair(b.read), bytes: b.bytes }
    }
}

impl From<BlockFile> for Block {
    fn from(f: BlockFile) -> Block {
        let region = |[start, shape]: [[u64; 5]; 2]| Region { start, shape };
        Block { id: f.id, write: region(f.write), read: region(f.read), bytes: f.bytes }
    }
}

/// A stage of `plan.json`: `grid` or `blocks`, or neither for a stage of one block.
#[derive(Serialize, Deserialize)]
struct StageFile {
    name: String,
    unit: String,
    after: Vec<String>,
    count: u64,
    bytes_per_block: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grid: Option<Grid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocks: Option<Vec<Block>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    writes: Option<Writes>,
}

impl From<Stage> for StageFile {
    fn from(stage: Stage) -> StageFile {
        let (count, bytes_per_block) = (stage.blocks.len(), stage.blocks.largest_bytes());
        let (grid, blocks) = match stage.blocks {
            Blocks::Grid { grid, .. } => (Some(grid), None),
            Blocks::Listed(blocks) => (None, Some(blocks)),
            Blocks::One { .. } => (None, None),
        };
        let (name, unit, after, writes) = (stage.name, stage.unit, stage.after, stage.writes);
        StageFile { name, unit, after, count, bytes_per_block, grid, blocks, writes }
    }
}

impl From<StageFile> for Stage {
    fn from(file: StageFile) -> Stage {
        let bytes = file.bytes_per_block;
        let blocks = match (file.grid, file.blocks) {
            (Some(grid), _) => Blocks::Grid { grid, bytes },
            (None, Some(blocks)) => Blocks::Listed(blocks),
            (None, None) => Blocks::One { bytes },
        };
        let (name, unit, after, writes) = (file.name, file.unit, file.after, file.writes);
        Stage { name, unit, after, blocks, writes }
    }
}

/// The lengths of a block over the axes of an output, for messages.
pub(super) fn lengths(axes: Axes, block: [u64; 5]) -> Vec<u64> {
    if axes.is_empty() { block.to_vec() } else { axes.pick(&block) }
}
