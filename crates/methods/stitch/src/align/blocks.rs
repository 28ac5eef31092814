//! Which parts of an overlap are looked at in full resolution.

use super::coarse::CoarsePair;
use super::geometry::{PairGeometry, Span};

/// Blocks that are looked at first.
pub(crate) const FIRST_BLOCKS: usize = 8;
/// Voxels of one block, at most.
const BLOCK_VOXELS: f64 = 65_536.0;
/// Length of a block along an axis, at most.
const BLOCK_LENGTH: i64 = 64;
/// All blocks of a pair together have at most so many voxels.
const MOST_VOXELS: u64 = 1_500_000;
/// Distance to the overlap's border within which smoothing would meet repeated voxels, and the
/// fraction of a thin overlap that is given up for it.
const MARGIN: i64 = 5;
const THIN: i64 = 8;

/// The part of the overlap whose voxels and surroundings both tiles have, in `post`'s voxels.
pub(crate) fn core(geometry: &PairGeometry, displacement: [i64; 3]) -> Span {
    let overlap = geometry.overlap_at(displacement);
    let length = overlap.shape();
    overlap.grown(std::array::from_fn(|d| {
        if length[d] <= 2 { 0 } else { -(length[d] as i64 / THIN).clamp(1, MARGIN) }
    }))
}

/// Cuts the overlap into blocks, those with most structure first.
///
/// Structure is the smaller of both slabs' energies in the coarse volumes: what only one tile shows
/// is an artefact. Ties keep C order.
pub(crate) fn rank_blocks(
    geometry: &PairGeometry,
    coarse: &CoarsePair,
    displacement: [i64; 3],
) -> Vec<Span> {
    let core = core(geometry, displacement);
    if core.is_empty() {
        return Vec::new();
    }
    let length: [i64; 3] = core.shape().map(|n| n as i64);
    let mut parts: [i64; 3] = length.map(|n| (n + BLOCK_LENGTH - 1) / BLOCK_LENGTH);
    let edge = |p: &[i64; 3], d: usize| length[d] as f64 / p[d] as f64;
    // Cut along y and x only, as long as that is enough: patterns of the camera repeat along z.
    while (0..3).map(|d| edge(&parts, d)).product::<f64>() > BLOCK_VOXELS {
        let longest = if edge(&parts, 1) >= edge(&parts, 2) { 1 } else { 2 };
        let cut = if edge(&parts, longest) < 16.0 { 0 } else { longest };
        parts[cut] += 1;
    }
    let mut blocks = Vec::new();
    for z in 0..parts[0] {
        for y in 0..parts[1] {
            for x in 0..parts[2] {
                let place = [z, y, x];
                let at = |d: usize, i: i64| core.start[d] + length[d] * i / parts[d];
                let block = Span {
                    start: std::array::from_fn(|d| at(d, place[d])),
                    end: std::array::from_fn(|d| at(d, place[d] + 1)),
                };
                blocks.push((structure(geometry, coarse, &block, displacement), block));
            }
        }
    }
    blocks.sort_by(|p, q| q.0.total_cmp(&p.0));
    blocks.into_iter().map(|(_, block)| block).collect()
}

/// How many of the ranked blocks may be looked at in all.
pub(crate) fn most_blocks(blocks: &[Span]) -> usize {
    let mut left = MOST_VOXELS;
    let fits = |b: &&Span| {
        let fits = b.voxels() <= left;
        left = left.saturating_sub(b.voxels());
        fits
    };
    blocks.iter().take_while(fits).count().max(FIRST_BLOCKS.min(blocks.len()))
}

/// Mean energy of a block in the coarse volumes, the smaller of the two.
fn structure(
    geometry: &PairGeometry,
    coarse: &CoarsePair,
    block: &Span,
    displacement: [i64; 3],
) -> f64 {
    let spans = [block.moved(displacement), *block];
    let energies = [0, 1].map(|side| {
        let volume = &coarse.volumes[side];
        let slab = &geometry.slabs[side];
        let bins: [std::ops::Range<usize>; 3] = std::array::from_fn(|d| {
            let f = coarse.factors[d] as i64;
            let first = (spans[side].start[d] - slab.start[d]).max(0) / f;
            let last = (spans[side].end[d] - slab.start[d] + f - 1) / f;
            first as usize..(last.max(0) as usize).min(volume.shape[d])
        });
        let (mut energy, mut count) = (0.0f64, 0usize);
        for z in bins[0].clone() {
            for y in bins[1].clone() {
                let row = (z * volume.shape[1] + y) * volume.shape[2];
                let row = &volume.values[row..row + volume.shape[2]];
                let part = &row[bins[2].start.min(row.len())..bins[2].end];
                energy += part.iter().map(|v| f64::from(v * v)).sum::<f64>();
                count += part.len();
            }
        }
        energy / count.max(1) as f64
    });
    energies[0].min(energies[1])
}
