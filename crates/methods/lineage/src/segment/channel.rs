//! Cells in a dead-end channel: one row of them, cut where septa are.

use ndarray::{Array2, ArrayView2};

use super::cuts::{Chain, CutHypothesis, CutScale, cut_chains};
use super::look::{CellLook, LEAST_SMOOTHING, SMOOTHING};
use super::profile::{Profile, follow};
use super::{ChannelAxis, SegmentParams, prepared, smoothed};
use crate::LineageError;

/// Between a cell's level (0) and that of its bright sides (1), where its outline is.
const OUTLINE: f32 = 0.78;

/// Part of the position's contrast that a cell has at least.
pub(super) const FAINTEST: f32 = 0.4;

/// A cell reaches no further from the axis, in widths.
const WIDEST: f64 = 0.85;

/// The cells of a channel in one frame, and how else they could be cut.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelCells {
    shape: [usize; 2],
    axis: ChannelAxis,
    min_area: usize,
    /// The columns of the row of cells, for each row.
    rows: Vec<Option<Interval>>,
    /// Ways to cut it, the best one first.
    pub hypotheses: Vec<CutHypothesis>,
}

/// The part of a row that lies in a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Interval {
    /// Outlines, between pixel centres.
    pub(super) left: f32,
    pub(super) right: f32,
}

impl Interval {
    pub(super) fn width(&self) -> f32 {
        self.right - self.left
    }

    /// Columns whose centres are inside.
    fn columns(&self, columns: usize) -> std::ops::Range<usize> {
        let first = self.left.ceil().max(0.0) as usize;
        let end = (self.right.floor() + 1.0).max(0.0) as usize;
        first.min(columns)..end.min(columns)
    }
}

impl ChannelCells {
    fn none(shape: [usize; 2], params: &SegmentParams) -> Self {
        let hypotheses = vec![CutHypothesis { cells: Vec::new(), score: 0.0 }];
        let SegmentParams { axis, min_area, .. } = *params;
        Self { shape, axis, min_area, rows: Vec::new(), hypotheses }
    }

    /// The cells of a hypothesis as labels 1, 2, ... from the image's first row (or column) on; 0 is no cell.
    ///
    /// Cells below the least area are left out. No cells if there is no such hypothesis.
    pub fn labels(&self, hypothesis: usize) -> Array2<u32> {
        let mut labels: Array2<u32> = Array2::zeros(self.shape);
        let mut upright = match self.axis {
            ChannelAxis::Y => labels.view_mut(),
            ChannelAxis::X => labels.view_mut().reversed_axes(),
        };
        let columns = upright.ncols();
        let mut label = 0;
        for [first, end] in self.hypotheses.get(hypothesis).iter().flat_map(|h| &h.cells) {
            let rows = || (*first..*end).filter_map(|y| self.rows.get(y)?.map(|row| (y, row)));
            let area: usize = rows().map(|(_, row)| row.columns(columns).len()).sum();
            if area < self.min_area.max(1) {
                continue;
            }
            label += 1;
            for (y, row) in rows() {
                row.columns(columns).for_each(|x| upright[[y, x]] = label);
            }
        }
        labels
    }
}

/// Finds the cells of a channel.
///
/// The axis is the path along the channel that is darkest between bright sides; in each row a cell ends where
/// the light is half-way between its inside and its bright side; along the axis, it ends where the axis is as
/// bright as that, and may be cut at septa: brighter, narrower places. Which of these are cuts is decided by
/// dynamic programming with a prior of lengths; the best few ways are kept.
///
/// * `image`: `(y, x)`, a channel cut out of a frame, on the scale the look was learned on. NaN is background.
/// * `look`: from [`learn_channel_look`](super::learn_channel_look).
///
/// A flat image has no cells.
///
/// # Errors
/// As [`SegmentParams::validate`]; [`LineageError::Parameter`] if the look's width is not above 1.
pub fn segment_channel(
    image: ArrayView2<'_, f32>,
    look: CellLook,
    params: &SegmentParams,
) -> Result<ChannelCells, LineageError> {
    params.validate()?;
    look.validate()?;
    let shape = [image.nrows(), image.ncols()];
    let upright = match params.axis {
        ChannelAxis::Y => image,
        ChannelAxis::X => image.reversed_axes(),
    };
    let none = || ChannelCells::none(shape, params);
    let Some(image) = prepared(upright, params.cells) else { return Ok(none()) };
    let image = smoothed(&image, (SMOOTHING * look.width).max(LEAST_SMOOTHING));
    let Some(profile) = follow(&image, look.width) else { return Ok(none()) };
    let inside = profile.inside((FAINTEST * look.depth as f32).max(f32::MIN_POSITIVE));
    let rows = intervals(&image, &profile, &inside, look.width);
    let chains = chains(&rows, &profile, &inside, look.width);
    let scale = CutScale { width: look.width, septum: look.septum };
    let hypotheses = cut_chains(&chains, scale, params.hypotheses);
    Ok(ChannelCells { rows, hypotheses, ..none() })
}

/// The part of each row that is in a cell.
///
/// * `inside`: from [`Profile::inside`].
pub(super) fn intervals(
    image: &Array2<f32>,
    profile: &Profile,
    inside: &[Option<f32>],
    width: f64,
) -> Vec<Option<Interval>> {
    let reach = (WIDEST * width).ceil() as usize;
    let interval = |(y, row): (usize, ndarray::ArrayView1<'_, f32>)| {
        let (x, inside, sides) = (profile.axis[y], inside[y]?, profile.sides[y]);
        let [left, right] = sides.map(|side| inside + OUTLINE * (side - inside));
        if profile.core[y] >= left.min(right) {
            return None;
        }
        let outwards = |step: isize| {
            (0..=reach as isize)
                .map_while(move |k| row.get(x.checked_add_signed(step * k)?).copied())
        };
        let left = x as f32 - outline(&outwards(-1).collect::<Vec<f32>>(), left, width);
        let right = x as f32 + outline(&outwards(1).collect::<Vec<f32>>(), right, width);
        Some(Interval { left, right })
    };
    image.outer_iter().enumerate().map(interval).collect()
}

/// How far the outline is from the axis.
///
/// * `levels`: from the axis outwards. `level`: of the outline.
///
/// Where the bright side is a thin line, between the cell and a wall or another cell, the point-spread function
/// has widened it and the level is met too early: as Gaussians do, its width is taken to be
/// the root of the sum of squares of the gap's and of that of a line without width.
fn outline(levels: &[f32], level: f32, width: f64) -> f32 {
    let crossing = |k: usize| {
        let step = levels[k] - levels[k - 1];
        k as f32 - (levels[k] - level) / step
    };
    let Some(k) = (1..levels.len()).find(|k| levels[*k] >= level) else {
        // Darker than the outline should be: the brightest place there is.
        let best = (0..levels.len()).fold(0, |a, b| if levels[b] > levels[a] { b } else { a });
        return best as f32;
    };
    let inner = crossing(k);
    let Some(k) = (k + 1..levels.len()).find(|k| levels[*k] < level) else { return inner };
    let seen = crossing(k) - inner;
    let line = LINE * width as f32;
    let gap = (seen * seen - line * line).max(0.0).sqrt().max(LEAST_GAP * width as f32);
    inner + 0.5 * (seen - gap).max(0.0)
}

/// Width at which a line without width is seen, and least gap between cells and walls, in cell widths.
const LINE: f32 = 0.22;
const LEAST_GAP: f32 = 0.05;

/// Shorter objects are none, in widths.
const SHORTEST: f64 = 0.6;

/// Stretches of rows without a gap.
pub(super) fn chains(
    rows: &[Option<Interval>],
    profile: &Profile,
    inside: &[Option<f32>],
    width: f64,
) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    let mut is_open = false;
    for (y, row) in rows.iter().enumerate() {
        let (Some(row), Some(inside)) = (row, inside[y]) else {
            is_open = false;
            continue;
        };
        if !is_open {
            chains.push(Chain { start: y, ..Chain::default() });
            is_open = true;
        }
        let sides = profile.sides[y];
        let depth = sides[0].min(sides[1]) - inside;
        if let Some(chain) = chains.last_mut() {
            chain.widths.push(row.width());
            chain.levels.push((profile.core[y] - inside) / depth);
        }
    }
    chains.retain(|c| c.widths.len() as f64 > SHORTEST * width);
    chains
}
