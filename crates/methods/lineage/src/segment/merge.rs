//! Which fragments are one cell.

use std::collections::BTreeMap;

use super::colony::{Mask, OUTSIDE};
use super::look::CellLook;

/// Fragments whose saddle is lower than both tops by this are two cells, and by this even if a rod would come out.
const SEPTUM: f32 = 0.6;

/// What must be added to a saddle's depth if what comes out is no rod.
const NO_ROD: f32 = 0.4;

/// A rod is no wider than this, in widths, and fills this much of its convex hull.
const WIDEST: f64 = 1.25;
const CONVEX: f64 = 0.85;

/// A cell is this dark at least, in parts of the position's contrast, and this wide, in widths.
const DARK: f32 = 0.5;
const NARROWEST: f64 = 0.4;

/// A part of the mask, with what is needed to judge its shape.
#[derive(Debug, Clone, Default)]
struct Region {
    top: f32,
    darkest: f32,
    area: f64,
    /// Sums of y, x, yy, xx, yx.
    moments: [f64; 5],
    /// Corners of its convex hull, `(y, x)`.
    hull: Vec<[i64; 2]>,
}

impl Region {
    fn joined(&self, other: &Self) -> Self {
        let corners = self.hull.iter().chain(&other.hull).copied().collect();
        Self {
            top: self.top.max(other.top),
            darkest: self.darkest.min(other.darkest),
            area: self.area + other.area,
            moments: std::array::from_fn(|i| self.moments[i] + other.moments[i]),
            hull: convex_hull(corners),
        }
    }

    /// Width of a rectangle of the same second moments.
    fn width(&self) -> f64 {
        let n = self.area.max(1.0);
        let [y, x, yy, xx, yx] = self.moments.map(|m| m / n);
        let (yy, xx, yx) = (yy - y * y, xx - x * x, yx - y * x);
        let half = (0.25 * (yy - xx) * (yy - xx) + yx * yx).sqrt();
        // A pixel is a square, not a point: its own twelfth.
        let least = (0.5 * (yy + xx) - half).max(0.0) + 1.0 / 12.0;
        (12.0 * least).sqrt()
    }

    /// Part of its convex hull that it fills.
    fn convexity(&self) -> f64 {
        let n = self.hull.len();
        let twice: i64 = (0..n)
            .map(|i| {
                let ([ay, ax], [by, bx]) = (self.hull[i], self.hull[(i + 1) % n]);
                ax * by - bx * ay
            })
            .sum();
        self.area / (0.5 * twice.unsigned_abs() as f64).max(1.0)
    }
}

/// Corners of the convex hull in order (Andrew's monotone chain), without those on its edges.
fn convex_hull(mut points: Vec<[i64; 2]>) -> Vec<[i64; 2]> {
    points.sort_unstable();
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let turns_left = |a: [i64; 2], b: [i64; 2], c: [i64; 2]| {
        (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0
    };
    let half = |points: &mut dyn Iterator<Item = [i64; 2]>| {
        let mut chain: Vec<[i64; 2]> = Vec::new();
        for p in points {
            while let [.., a, b] = chain[..] {
                if turns_left(a, b, p) {
                    break;
                }
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut hull = half(&mut points.iter().copied());
    hull.extend(half(&mut points.iter().rev().copied()));
    hull
}

/// The regions of all fragments; index 0 is nothing.
fn regions(mask: &Mask, hills: &[f32], fragments: &[u32]) -> Vec<Region> {
    let columns = mask.shape[2];
    let count = fragments.iter().copied().max().unwrap_or(0) as usize;
    let mut regions = vec![Region { darkest: f32::INFINITY, ..Region::default() }; count + 1];
    let mut corners: Vec<Vec<[i64; 2]>> = vec![Vec::new(); count + 1];
    for (i, label) in fragments.iter().enumerate().filter(|(_, l)| **l > 0) {
        let region = &mut regions[*label as usize];
        let [y, x] = [i / columns, i % columns];
        region.top = region.top.max(hills[i]);
        region.darkest = region.darkest.min(mask.level[i]);
        region.area += 1.0;
        let [fy, fx] = [y as f64, x as f64];
        let sums = [fy, fx, fy * fy, fx * fx, fy * fx];
        region.moments.iter_mut().zip(sums).for_each(|(m, s)| *m += s);
        // Only ends of rows can be corners.
        let is_end = |k: Option<usize>| k.is_none_or(|k| fragments.get(k) != Some(label));
        if x == 0 || x + 1 == columns || is_end(i.checked_sub(1)) || is_end(Some(i + 1)) {
            let [y, x] = [y as i64, x as i64];
            corners[*label as usize].extend([[y, x], [y, x + 1], [y + 1, x], [y + 1, x + 1]]);
        }
    }
    for (region, corners) in regions.iter_mut().zip(corners) {
        region.hull = convex_hull(corners);
    }
    regions
}

/// The highest pass between each two neighbours.
fn saddles(mask: &Mask, hills: &[f32], fragments: &[u32]) -> BTreeMap<(u32, u32), f32> {
    let [_, rows, columns] = mask.shape;
    let mut saddles = BTreeMap::new();
    for y in 0..rows {
        for x in 0..columns {
            let i = y * columns + x;
            let neighbours = [
                (x + 1 < columns, i + 1),
                (y + 1 < rows, i + columns),
                (y + 1 < rows && x + 1 < columns, i + columns + 1),
                (y + 1 < rows && x > 0, (i + columns).wrapping_sub(1)),
            ];
            for (_, k) in neighbours.into_iter().filter(|(is_inside, _)| *is_inside) {
                let (a, b) = (fragments[i], fragments[k]);
                if a == 0 || b == 0 || a == b {
                    continue;
                }
                let pass = hills[i].min(hills[k]);
                let highest = saddles.entry((a.min(b), a.max(b))).or_insert(pass);
                *highest = pass.max(*highest);
            }
        }
    }
    saddles
}

/// Joins fragments, the shallowest saddle first, and drops what is no cell. Returns labels.
pub(super) fn join_fragments(
    mask: &Mask,
    hills: &[f32],
    fragments: &[u32],
    look: CellLook,
) -> Vec<u32> {
    let mut regions = regions(mask, hills, fragments);
    // The mask ends inside of the outline.
    let width = look.width * (1.0 - 2.0 * OUTSIDE);
    let cost = |regions: &[Region], pair: (u32, u32), saddle: f32| {
        let [a, b] = [pair.0, pair.1].map(|l| &regions[l as usize]);
        let joined = a.joined(b);
        let is_rod = joined.width() <= WIDEST * width && joined.convexity() >= CONVEX;
        a.top.min(b.top) - saddle + if is_rod { 0.0 } else { NO_ROD }
    };
    let mut edges: BTreeMap<(u32, u32), (f32, f32)> = saddles(mask, hills, fragments)
        .into_iter()
        .map(|(pair, saddle)| (pair, (cost(&regions, pair, saddle), saddle)))
        .collect();
    let mut names: Vec<u32> = (0..regions.len() as u32).collect();
    while let Some((&(a, b), _)) =
        edges.iter().filter(|(_, (c, _))| *c < SEPTUM).min_by(|x, y| x.1.0.total_cmp(&y.1.0))
    {
        regions[a as usize] = regions[a as usize].joined(&regions[b as usize]);
        names.iter_mut().filter(|n| **n == b).for_each(|n| *n = a);
        let touched: Vec<((u32, u32), f32)> = edges
            .iter()
            .filter(|((c, d), _)| [a, b].contains(c) || [a, b].contains(d))
            .map(|(pair, (_, saddle))| (*pair, *saddle))
            .collect();
        let mut around: BTreeMap<(u32, u32), f32> = BTreeMap::new();
        for (pair, saddle) in touched {
            edges.remove(&pair);
            let [c, d] = [pair.0, pair.1].map(|l| if l == b { a } else { l });
            if c != d {
                let highest = around.entry((c.min(d), c.max(d))).or_insert(saddle);
                *highest = saddle.max(*highest);
            }
        }
        for (pair, saddle) in around {
            edges.insert(pair, (cost(&regions, pair, saddle), saddle));
        }
    }
    let is_cell = |region: &Region| {
        mask.background - region.darkest >= DARK * look.depth as f32
            && region.width() >= NARROWEST * width
    };
    let keeps: Vec<bool> = regions.iter().map(is_cell).collect();
    let label = |l: &u32| {
        let name = names[*l as usize];
        if *l > 0 && keeps[name as usize] { name } else { 0 }
    };
    fragments.iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hulls_are_convex_and_shapes_are_measured() {
        let square: Vec<[i64; 2]> = (0..5).flat_map(|y| (0..5).map(move |x| [y, x])).collect();
        let mut hull = convex_hull(square);
        hull.sort_unstable();
        assert_eq!(hull, [[0, 0], [0, 4], [4, 0], [4, 4]]);
        assert_eq!(convex_hull(vec![[1, 1], [1, 1]]), [[1, 1]]);
        let mut region = Region {
            hull: convex_hull(vec![[0, 0], [0, 20], [6, 0], [6, 20]]),
            ..Region::default()
        };
        for (y, x) in (0..6).flat_map(|y| (0..20).map(move |x| (f64::from(y), f64::from(x)))) {
            region.area += 1.0;
            let sums = [y, x, y * y, x * x, y * x];
            region.moments.iter_mut().zip(sums).for_each(|(m, s)| *m += s);
        }
        assert!((region.width() - 6.0).abs() < 1e-9);
        assert!((region.convexity() - 1.0).abs() < 1e-9);
    }
}
