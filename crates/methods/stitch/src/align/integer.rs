//! The best integer displacement near a coarse peak, at full resolution.

use super::blocks::{FIRST_BLOCKS, core, rank_blocks};
use super::coarse::CoarsePair;
use super::geometry::{PairGeometry, Span};
use super::patches::centre;
use super::smooth::{RADIUS, Smoothed, smooth_at};
use super::source::{Voxels, read_padded};
use super::surface::parabola_top;
use crate::tile_pixels::TileError;

/// Voxels of the middle of a block that are compared; enough to rank neighbouring shifts.
const PART_VOXELS: i64 = 16_384;

/// A block is left out when more than this part (one in so many) of its voxels is unknown; fewer
/// are set to its mean, which is good enough to rank shifts.
const MOST_UNKNOWN: usize = 5;

/// An integer displacement with its score and the sub-voxel place of the parabola's top.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IntegerMatch {
    pub displacement: [i64; 3],
    pub offset: [f64; 3],
    pub ncc: f64,
}

/// One block of both tiles, smoothed: `a` reaches `reach` voxels farther on all sides.
struct Part {
    a: Smoothed,
    b: Smoothed,
    sum_b: f64,
    squares_b: f64,
}

/// Climbs from a coarse displacement to the best integer one within `reach` voxels per axis, by the
/// NCC over up to 8 information-rich blocks. `None` where no block has only known voxels.
///
/// # Errors
/// When a tile cannot be read.
pub(crate) fn best_integer(
    sides: [&dyn Voxels; 2],
    geometry: &PairGeometry,
    coarse: &CoarsePair,
    start: [f64; 3],
    reach: [i64; 3],
) -> Result<Option<IntegerMatch>, TileError> {
    let (first, last) = (geometry.first(), geometry.last());
    let start: [i64; 3] =
        std::array::from_fn(|d| (start[d].round() as i64).clamp(first[d], last[d]));
    let reach: [i64; 3] = std::array::from_fn(|d| if geometry.is_free(d) { reach[d] } else { 0 });
    let blocks = rank_blocks(geometry, coarse, start);
    let mut parts = Vec::new();
    for block in blocks.iter().take(FIRST_BLOCKS) {
        parts.extend(read_part(sides, &middle(block), start, reach)?);
    }
    if parts.is_empty() || core(geometry, start).is_empty() {
        return Ok(None);
    }
    let allowed = |step: [i64; 3]| {
        (0..3).all(|d| {
            let displacement = start[d] + step[d];
            step[d].abs() <= reach[d] && (first[d]..=last[d]).contains(&displacement)
        })
    };
    // Scores are kept: neighbourhoods of successive places share most of their shifts.
    let mut known = std::collections::BTreeMap::new();
    let mut score =
        |step: [i64; 3]| *known.entry(step).or_insert_with(|| ncc_at(&parts, step, reach));
    let mut best = ([0i64; 3], score([0; 3]));
    loop {
        let here = best.0;
        for n in 0..27 {
            let step = std::array::from_fn(|d| here[d] + [n / 9 - 1, n / 3 % 3 - 1, n % 3 - 1][d]);
            if allowed(step) {
                let ncc = score(step);
                if ncc > best.1 + 1e-9 {
                    best = (step, ncc);
                }
            }
        }
        if best.0 == here {
            break;
        }
    }
    let offset = std::array::from_fn(|d| {
        let mut next = [best.0; 2];
        next[0][d] -= 1;
        next[1][d] += 1;
        if reach[d] == 0 || !next.iter().all(|s| s[d].abs() <= reach[d]) {
            return 0.0;
        }
        parabola_top(score(next[0]), best.1, score(next[1]))
    });
    let displacement = std::array::from_fn(|d| start[d] + best.0[d]);
    Ok(Some(IntegerMatch { displacement, offset, ncc: best.1 }))
}

/// The middle of a block, of a bounded number of voxels.
fn middle(block: &Span) -> Span {
    let mut part = *block;
    loop {
        let shape = part.shape().map(|n| n as i64);
        if shape.iter().product::<i64>() <= PART_VOXELS {
            return part;
        }
        let longest = (0..3).max_by_key(|d| shape[*d]).expect("there are three axes");
        part.start[longest] += shape[longest] / 8 + 1;
        part.end[longest] -= shape[longest] / 8;
    }
}

fn read_part(
    sides: [&dyn Voxels; 2],
    block: &Span,
    start: [i64; 3],
    reach: [i64; 3],
) -> Result<Option<Part>, TileError> {
    let whole = sides.map(|s| s.shape());
    let radius: [i64; 3] =
        std::array::from_fn(
            |d| {
                if whole[0][d] == 1 && whole[1][d] == 1 { 0 } else { RADIUS as i64 }
            },
        );
    let (mut buffer, mut raw, mut scratch) = (Vec::new(), Vec::new(), Vec::new());
    let mut smoothed = [Smoothed::default(), Smoothed::default()];
    let spans = [
        block.moved(start).grown(std::array::from_fn(|d| radius[d] + reach[d])),
        block.grown(radius),
    ];
    for side in 0..2 {
        read_padded(sides[side], &spans[side], &mut buffer, &mut raw)?;
        if centre(&mut raw).len() * MOST_UNKNOWN > raw.len() {
            return Ok(None);
        }
        smooth_at(&raw, spans[side].shape(), [0; 3], [0.0; 3], &mut scratch, &mut smoothed[side]);
    }
    let [a, b] = smoothed;
    let (mut sum_b, mut squares_b) = (0.0, 0.0);
    for z in 0..b.shape[0] {
        for y in 0..b.shape[1] {
            let row = &b.values[(z * b.shape[1] + y) * b.pitch..][..b.shape[2]];
            sum_b += row.iter().map(|v| f64::from(*v)).sum::<f64>();
            squares_b += row.iter().map(|v| f64::from(v * v)).sum::<f64>();
        }
    }
    Ok(Some(Part { a, b, sum_b, squares_b }))
}

/// NCC over all parts, each about its own means, at one step from the start.
fn ncc_at(parts: &[Part], step: [i64; 3], reach: [i64; 3]) -> f64 {
    let (mut covariance, mut var_a, mut var_b) = (0.0, 0.0, 0.0);
    for Part { a, b, sum_b, squares_b } in parts {
        let from: [usize; 3] = std::array::from_fn(|d| (reach[d] + step[d]) as usize);
        let mut sums = [0.0f64; 3];
        for z in 0..b.shape[0] {
            for y in 0..b.shape[1] {
                let row_a = ((z + from[0]) * a.shape[1] + y + from[1]) * a.pitch + from[2];
                let row_b = (z * b.shape[1] + y) * b.pitch;
                let width = b.shape[2];
                let row =
                    row_sums(&a.values[row_a..row_a + width], &b.values[row_b..row_b + width]);
                (0..3).for_each(|i| sums[i] += f64::from(row[i]));
            }
        }
        let n = b.shape.iter().product::<usize>() as f64;
        let [sum_a, squares_a, product] = sums;
        covariance += product - sum_a * sum_b / n;
        var_a += squares_a - sum_a * sum_a / n;
        var_b += squares_b - sum_b * sum_b / n;
    }
    if var_a > 0.0 && var_b > 0.0 { covariance / (var_a * var_b).sqrt() } else { -1.0 }
}

/// Sums of `a`, `a^2` and `a b` over one row.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn row_sums(a: &[f32], b: &[f32]) -> [f32; 3] {
    const LANES: usize = 16;
    let mut sums = [[0.0f32; LANES]; 3];
    let (head_a, tail_a) = a.as_chunks::<LANES>();
    let (head_b, tail_b) = b.as_chunks::<LANES>();
    for (a, b) in head_a.iter().zip(head_b) {
        for i in 0..LANES {
            sums[0][i] += a[i];
            sums[1][i] += a[i] * a[i];
            sums[2][i] += a[i] * b[i];
        }
    }
    for (i, (a, b)) in tail_a.iter().zip(tail_b).enumerate() {
        sums[0][i] += a;
        sums[1][i] += a * a;
        sums[2][i] += a * b;
    }
    sums.map(|lanes| lanes.iter().sum())
}
