//! Which voxels of two tiles can meet, and at which displacements.
//!
//! A displacement `D` maps voxel `u` of `post` onto voxel `u + D` of `pre`.

use super::params::{AlignParams, Search};
use crate::layout::Tile;
use crate::pairs::PairTask;

/// A half-open box in a tile's own voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: [i64; 3],
    pub end: [i64; 3],
}

impl Span {
    pub fn shape(&self) -> [usize; 3] {
        std::array::from_fn(|d| (self.end[d] - self.start[d]).max(0) as usize)
    }

    pub fn voxels(&self) -> u64 {
        self.shape().iter().map(|n| *n as u64).product()
    }

    pub fn is_empty(&self) -> bool {
        (0..3).any(|d| self.end[d] <= self.start[d])
    }

    pub fn intersect(&self, other: &Span) -> Span {
        Span {
            start: std::array::from_fn(|d| self.start[d].max(other.start[d])),
            end: std::array::from_fn(|d| self.end[d].min(other.end[d])),
        }
    }

    pub fn moved(&self, by: [i64; 3]) -> Span {
        Span {
            start: std::array::from_fn(|d| self.start[d] + by[d]),
            end: std::array::from_fn(|d| self.end[d] + by[d]),
        }
    }

    /// Grown (or shrunk, for negative margins) on both sides of each axis.
    pub fn grown(&self, margin: [i64; 3]) -> Span {
        Span {
            start: std::array::from_fn(|d| self.start[d] - margin[d]),
            end: std::array::from_fn(|d| self.end[d] + margin[d]),
        }
    }
}

/// What is fixed about a pair before its voxels are read.
#[derive(Debug, Clone)]
pub(crate) struct PairGeometry {
    /// Shapes of `pre` and `post`.
    pub shapes: [[i64; 3]; 2],
    /// Nominal displacement.
    pub nominal: [f64; 3],
    /// Smallest and largest allowed displacement, both included.
    pub low: [f64; 3],
    pub high: [f64; 3],
    /// The parts of `pre` and `post` that can meet within the window.
    pub slabs: [Span; 2],
    /// Lengths of the nominal overlap; negative for a gap.
    pub overlap: [i64; 3],
    /// Sizes of a voxel relative to the smallest, for filters of equal physical size.
    pub voxel: [f64; 3],
}

impl PairGeometry {
    /// The geometry of a pair, or `None` when the tiles cannot meet within the window.
    pub fn new(
        pre: &Tile,
        post: &Tile,
        task: &PairTask,
        params: &AlignParams,
        voxel: [f64; 3],
    ) -> Option<PairGeometry> {
        let shapes = [pre.shape, post.shape].map(|s| s.map(|n| n as i64));
        let (p1, p2) = (pre.nominal_px.0, post.nominal_px.0);
        let nominal: [f64; 3] = std::array::from_fn(|d| p2[d] - p1[d]);
        let mut low: [f64; 3] = std::array::from_fn(|d| nominal[d] + params.max_shift[d][0] as f64);
        let mut high: [f64; 3] =
            std::array::from_fn(|d| nominal[d] + params.max_shift[d][1] as f64);
        if let (Search::Tiling { overlap_range: [least, most] }, Some(axis)) =
            (params.search, task.axis_index())
        {
            let sizes = [shapes[0][axis], shapes[1][axis]];
            let most = most.min(sizes[0]).min(sizes[1]);
            if most < 1 {
                return None;
            }
            let least = least.min(most).max(1);
            // `post` lies behind `pre` along the axis, or before it.
            if nominal[axis] >= 0.0 {
                (low[axis], high[axis]) = ((sizes[0] - most) as f64, (sizes[0] - least) as f64);
            } else {
                (low[axis], high[axis]) = ((least - sizes[1]) as f64, (most - sizes[1]) as f64);
            }
        }
        for d in 0..3 {
            // Two planes have no other displacement than 0.
            if shapes[0][d] == 1 && shapes[1][d] == 1 {
                (low[d], high[d]) = (nominal[d], nominal[d]);
            }
        }
        let overlap = std::array::from_fn(|d| {
            let n = nominal[d].round() as i64;
            (n + shapes[1][d]).min(shapes[0][d]) - n.max(0)
        });
        let mut geometry = PairGeometry {
            shapes,
            nominal,
            low,
            high,
            slabs: [Span { start: [0; 3], end: [0; 3] }; 2],
            overlap,
            voxel,
        };
        geometry.slabs = geometry.find_slabs(params, p1, p2)?;
        Some(geometry)
    }

    /// Smallest integer displacement per axis.
    pub fn first(&self) -> [i64; 3] {
        std::array::from_fn(|d| self.integers(d).0)
    }

    /// Largest integer displacement per axis.
    pub fn last(&self) -> [i64; 3] {
        std::array::from_fn(|d| self.integers(d).1)
    }

    /// The integer displacements of one axis. A window without an integer (a fractional nominal
    /// position and no room) stands for the nearest one.
    fn integers(&self, d: usize) -> (i64, i64) {
        let (first, last) = (self.low[d].ceil() as i64, self.high[d].floor() as i64);
        if first <= last {
            (first, last)
        } else {
            let nearest = self.low[d].midpoint(self.high[d]).round() as i64;
            (nearest, nearest)
        }
    }

    fn find_slabs(&self, params: &AlignParams, p1: [f64; 3], p2: [f64; 3]) -> Option<[Span; 2]> {
        let (first, last) = (self.first(), self.last());
        let [s1, s2] = self.shapes;
        let mut pre = Span {
            start: std::array::from_fn(|d| first[d].max(0)),
            end: std::array::from_fn(|d| (last[d] + s2[d]).min(s1[d])),
        };
        let mut post = Span {
            start: std::array::from_fn(|d| (-last[d]).max(0)),
            end: std::array::from_fn(|d| (s1[d] - first[d]).min(s2[d])),
        };
        for d in 0..3 {
            if let Some([lo, hi]) = params.range[d] {
                for (span, p) in [(&mut pre, p1[d]), (&mut post, p2[d])] {
                    span.start[d] = span.start[d].max((lo as f64 - p).ceil() as i64);
                    span.end[d] = span.end[d].min((hi as f64 - p).floor() as i64 + 1);
                }
            }
        }
        (!pre.is_empty() && !post.is_empty()).then_some([pre, post])
    }

    /// The voxels of `post` that meet `pre` at an integer displacement.
    pub fn overlap_at(&self, displacement: [i64; 3]) -> Span {
        self.slabs[1].intersect(&self.slabs[0].moved(displacement.map(|v| -v)))
    }

    /// The volume of overlap against which candidates are judged: the nominal one, or the largest
    /// within the window when there is no nominal overlap.
    pub fn reference_volume(&self) -> f64 {
        let nominal = self.nominal.map(|n| n.round() as i64);
        let at_nominal = self.overlap_at(nominal);
        if !at_nominal.is_empty() {
            return at_nominal.voxels() as f64;
        }
        let (first, last) = (self.first(), self.last());
        (0..3).map(|d| self.longest_overlap(d, first[d], last[d]) as f64).product()
    }

    fn longest_overlap(&self, d: usize, first: i64, last: i64) -> i64 {
        let [a, b] = &self.slabs;
        // The length as a function of the displacement is a trapezoid: its top starts where one
        // slab lies inside the other.
        let tops = [a.start[d] - b.start[d], a.end[d] - b.end[d]];
        let length = |s: i64| b.end[d].min(a.end[d] - s) - b.start[d].max(a.start[d] - s);
        let inside = tops.map(|t| t.clamp(first, last)).map(length);
        inside[0].max(inside[1]).max(0)
    }

    /// Whether a displacement lies within the window.
    pub fn allows(&self, displacement: [f64; 3]) -> bool {
        // A tolerance of rounding, so that a window's own end is inside.
        (0..3).all(|d| {
            displacement[d] >= self.low[d].min(self.first()[d] as f64) - 1e-9
                && displacement[d] <= self.high[d].max(self.last()[d] as f64) + 1e-9
        })
    }

    /// Whether the component along `d` can be measured: two planes have only one displacement.
    pub fn is_free(&self, d: usize) -> bool {
        self.shapes[0][d] > 1 || self.shapes[1][d] > 1
    }
}
