//! Components of a movie that is handed over in slabs of time.
//!
//! Each slab is labelled alone and leaves what its components are and how its first and last frame are
//! cut into runs; these are joined slab after slab; then each slab's labels are replaced by those of the
//! whole. Labels are `1..=n` in raster order of a component's first voxel, whatever the slabs.

use std::borrow::Cow;

use hooke_core::DisjointSets;
use hooke_filters::Connectivity;
use hooke_filters::components::label_components_into;
use ndarray::{Array3, ArrayView3, ArrayViewMut3};
use serde::{Deserialize, Serialize};

use crate::EventsError;

/// A component, or a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Voxels.
    pub size: u64,
    /// Whether it reaches the first or last frame, row or column of the movie (along axes longer than 1).
    pub touches_border: bool,
    /// Greatest value among its voxels; minus infinity if no values were given.
    pub peak: f32,
}

impl Part {
    const EMPTY: Self = Self { size: 0, touches_border: false, peak: f32::NEG_INFINITY };

    fn and(self, other: Self) -> Self {
        Self {
            size: self.size + other.size,
            touches_border: self.touches_border | other.touches_border,
            peak: self.peak.max(other.peak),
        }
    }
}

/// Columns `start..end` of a row of a frame that belong to part `part` of a slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    row: u32,
    start: u32,
    end: u32,
    part: u32,
}

/// What a slab leaves for its neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlabParts {
    /// Entry `i` is of label `i + 1`.
    parts: Vec<Part>,
    first: Vec<Run>,
    last: Vec<Run>,
}

/// Which voxels of a slab are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voxels {
    /// Those of the mask.
    Marked,
    /// The others.
    Unmarked,
}

/// Labels one slab.
///
/// * `mask`: `(t, y, x)` of the slab. `first_frame`, `frames`: where it begins, and how many the movie has.
/// * `values`: of the same shape, for [`Part::peak`].
///
/// # Errors
/// [`EventsError::TooManyLabels`] if a slab has more than 2³² - 2.
pub fn label_slab(
    mask: ArrayView3<'_, bool>,
    voxels: Voxels,
    connectivity: Connectivity,
    (first_frame, frames): (usize, usize),
    values: Option<ArrayView3<'_, f32>>,
) -> Result<(Array3<u32>, SlabParts), EventsError> {
    let (depth, height, width) = mask.dim();
    let is_one = |v: &bool| *v == (voxels == Voxels::Marked);
    let source: Cow<'_, [bool]> = match mask.as_slice().filter(|_| voxels == Voxels::Marked) {
        Some(mask) => mask.into(),
        None => mask.iter().map(is_one).collect(),
    };
    let mut labels = Array3::zeros((depth, height, width));
    let shape = [depth, height, width];
    // Runs are at most as many as every other voxel; in slabs that fit into memory they are fewer than this.
    if source.len() / 2 >= u32::MAX as usize - 1 {
        return Err(EventsError::TooManyLabels);
    }
    let out = labels.as_slice_mut().unwrap_or_default();
    let count = label_components_into(&source, shape, connectivity, out);
    let mut parts = vec![Part::EMPTY; count];
    let is_end = |at: usize, len: usize| len > 1 && (at == 0 || at + 1 == len);
    let values = values.as_ref().map(|v| v.as_standard_layout());
    let values = values.as_ref().and_then(|v| v.as_slice());
    let mut faces = [Vec::new(), Vec::new()];
    for (r, row) in out.chunks_exact(width.max(1)).enumerate() {
        let (t, y) = (r / height, r % height);
        let is_border = is_end(first_frame + t, frames) || is_end(y, height);
        let mut start = 0;
        for run in row.chunk_by(|a, b| a == b) {
            let end = start + run.len();
            if run[0] > 0 {
                let part = &mut parts[run[0] as usize - 1];
                part.size += run.len() as u64;
                part.touches_border |= is_border || width > 1 && (start == 0 || end == width);
                if let Some(values) = values {
                    let values = &values[r * width + start..r * width + end];
                    part.peak = values.iter().fold(part.peak, |most, v| most.max(*v));
                }
                let [row, first, last] = [y, start, end].map(|v| v as u32);
                let run = Run { row, start: first, end: last, part: run[0] - 1 };
                if t == 0 {
                    faces[0].push(run);
                }
                if t + 1 == depth {
                    faces[1].push(run);
                }
            }
            start = end;
        }
    }
    let [first, last] = faces;
    Ok((labels, SlabParts { parts, first, last }))
}

/// Sizes and peaks of the `count` labels of a map in memory.
pub(super) fn parts_of(
    map: ArrayView3<'_, u32>,
    values: ArrayView3<'_, f32>,
    count: usize,
) -> Vec<Part> {
    let mut parts = vec![Part::EMPTY; count];
    for (label, value) in map.iter().zip(values) {
        if let Some(part) = (*label as usize).checked_sub(1).and_then(|i| parts.get_mut(i)) {
            part.size += 1;
            part.peak = part.peak.max(*value);
        }
    }
    parts
}

/// Joins slabs, one after the other.
#[derive(Debug, Clone)]
pub struct Merge {
    connectivity: Connectivity,
    parts: Vec<Part>,
    /// Where the parts of each slab begin.
    starts: Vec<usize>,
    joins: Vec<(usize, usize)>,
    last: Vec<Run>,
}

impl Merge {
    /// Begins before the first slab.
    pub fn new(connectivity: Connectivity) -> Self {
        Self {
            connectivity,
            parts: Vec::new(),
            starts: Vec::new(),
            joins: Vec::new(),
            last: Vec::new(),
        }
    }

    /// Takes the next slab in.
    pub fn push(&mut self, slab: &SlabParts) {
        let start = self.parts.len();
        let before = self.starts.last().copied().unwrap_or(0);
        // Of neighbours one frame apart, those that differ along further axes.
        let reaches: &[(i64, u32)] = match self.connectivity {
            Connectivity::Faces => &[(0, 0)],
            Connectivity::Edges => &[(-1, 0), (0, 1), (1, 0)],
            Connectivity::Corners => &[(-1, 1), (0, 1), (1, 1)],
        };
        for (step, reach) in reaches {
            meet(&self.last, &slab.first, *step, *reach, |a, b| {
                self.joins.push((before + a as usize, start + b as usize));
            });
        }
        self.starts.push(start);
        self.parts.extend_from_slice(&slab.parts);
        self.last.clone_from(&slab.last);
    }

    /// Numbers the components that `keep` wants, in raster order of their first voxels.
    ///
    /// # Errors
    /// [`EventsError::TooManyLabels`] if they are more than 2³² - 2.
    pub fn finish(self, keep: impl Fn(&Part) -> bool) -> Result<Merged, EventsError> {
        let mut sets = DisjointSets::new(self.parts.len());
        for (a, b) in &self.joins {
            sets.join(*a, *b);
        }
        let roots: Vec<usize> = (0..self.parts.len()).map(|i| sets.find(i)).collect();
        let mut whole = vec![Part::EMPTY; self.parts.len()];
        for (part, root) in self.parts.iter().zip(&roots) {
            whole[*root] = whole[*root].and(*part);
        }
        // Parts are in raster order within a slab and slabs in order of time: so the first part of a
        // component holds its first voxel.
        let mut id_of_root = vec![None; whole.len()];
        let mut components = Vec::new();
        let mut ids = Vec::with_capacity(roots.len());
        for root in roots {
            let id = match id_of_root[root] {
                Some(id) => id,
                None if !keep(&whole[root]) => 0,
                None => {
                    components.push(whole[root]);
                    components.len()
                }
            };
            if id >= u32::MAX as usize {
                return Err(EventsError::TooManyLabels);
            }
            id_of_root[root] = Some(id);
            ids.push(id as u32);
        }
        Ok(Merged { ids, starts: self.starts, components })
    }
}

/// The components of the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// Id of each part of all slabs, 0 for what is not kept.
    ids: Vec<u32>,
    starts: Vec<usize>,
    /// Entry `i` is of id `i + 1`.
    pub components: Vec<Part>,
}

impl Merged {
    /// Whether anything of slab number `slab` is kept.
    pub fn has_any(&self, slab: usize) -> bool {
        let start = self.starts.get(slab).copied().unwrap_or(self.ids.len());
        let end = self.starts.get(slab + 1).copied().unwrap_or(self.ids.len());
        self.ids[start..end].iter().any(|id| *id > 0)
    }

    /// Replaces the labels of slab number `slab` by ids of the whole.
    pub fn relabel(&self, slab: usize, mut labels: ArrayViewMut3<'_, u32>) {
        let Some(start) = self.starts.get(slab) else { return };
        let ids = &self.ids[*start..];
        labels.iter_mut().filter(|l| **l > 0).for_each(|label| {
            *label = ids.get(*label as usize - 1).copied().unwrap_or(0);
        });
    }
}

/// Calls `join` with the parts of runs of two frames that are neighbours: `step` rows apart, and at most
/// `reach` columns.
fn meet(a: &[Run], b: &[Run], step: i64, reach: u32, mut join: impl FnMut(u32, u32)) {
    let mut first = 0;
    for run in b {
        let row = i64::from(run.row) + step;
        let ends_before = |other: &Run| {
            let other_row = i64::from(other.row);
            other_row < row || other_row == row && other.end + reach <= run.start
        };
        while a.get(first).is_some_and(ends_before) {
            first += 1;
        }
        let begins_within =
            |other: &&Run| i64::from(other.row) == row && other.start < run.end + reach;
        for other in a[first..].iter().take_while(begins_within) {
            join(other.part, run.part);
        }
    }
}
