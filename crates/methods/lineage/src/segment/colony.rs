//! Cells that lie anyhow: a mask of what is dark, cut into fragments, and fragments joined into cells.

use hooke_filters::Connectivity;
use hooke_filters::distance::distance_into;
use hooke_filters::order::{running_maximum_into, running_minimum_into};
use hooke_filters::watershed::{h_maxima_into, watershed_into};
use ndarray::{Array2, ArrayView2};

use super::bars::bars;
use super::look::{CellLook, LEAST_SMOOTHING, SMOOTHING};
use super::merge::join_fragments;
use super::{SegmentParams, prepared, smoothed};
use crate::LineageError;

/// Widths around a pixel in which its surroundings' levels are looked for.
const AROUND: f64 = 1.0;

/// Contrast around a pixel that there is at least near a cell, in parts of the position's.
const FAINTEST: f32 = 0.45;

/// Between the darkest (0) and the brightest (1) around, where the mask ends; and between the darkest and the
/// background, where it ends at last: a halo does not make its surroundings dark.
const MASK: f32 = 0.5;
const MASK_BELOW_BACKGROUND: f32 = 0.65;

/// Sigma at which bright lines between cells are looked for, in widths, and their least answer, in parts of the
/// position's contrast.
const LINE_SIGMA: f64 = 0.15;
const LINE: f32 = 0.08;

/// The outline lies this far outside the mask at most, in widths, and not where it is brighter than this.
pub(super) const OUTSIDE: f64 = 0.11;
const OUTLINE: f32 = 0.85;

/// Weight of the distance from the mask's edge, in widths, beside darkness, which is 1 inside of cells.
const ROUNDNESS: f32 = 1.2;

/// Height of the hills that are fragments.
const FRAGMENT: f64 = 0.1;

/// An image with what is dark in it.
pub(super) struct Mask {
    pub(super) shape: [usize; 3],
    /// Grey levels, smoothed.
    pub(super) level: Vec<f32>,
    /// How dark: 0 the brightest, 1 the darkest around.
    pub(super) darkness: Vec<f32>,
    pub(super) is_dark: Vec<bool>,
    /// Distance to where it is not, or to a bright line between cells.
    pub(super) distance: Vec<f32>,
    pub(super) background: f32,
}

impl Mask {
    /// * `image`: dark cells, in standard layout.
    pub(super) fn new(image: &Array2<f32>, width: f64, depth: f64) -> Self {
        let shape = [1, image.nrows(), image.ncols()];
        let level = smoothed(image, (SMOOTHING * width).max(LEAST_SMOOTHING));
        let level: Vec<f32> = level.iter().copied().collect();
        let background = hooke_filters::order::median(&mut level.clone()).unwrap_or(0.0);
        let darkest = around(&level, shape, width, running_minimum_into);
        let brightest = around(&level, shape, width, running_maximum_into);
        let faintest = (f64::from(FAINTEST) * depth) as f32;
        let n = level.len();
        let (mut darkness, mut is_dark) = (vec![0.0; n], vec![false; n]);
        for i in 0..n {
            let (low, range) = (darkest[i], brightest[i] - darkest[i]);
            if range < faintest.max(f32::MIN_POSITIVE) {
                continue;
            }
            darkness[i] = ((brightest[i] - level[i]) / range).clamp(0.0, 1.0);
            let edge = low + (MASK * range).min(MASK_BELOW_BACKGROUND * (background - low));
            is_dark[i] = level[i] < edge;
        }
        let mut distance = vec![0.0; n];
        let is_line = bright_lines(image, width, depth);
        let is_inner: Vec<bool> = is_dark.iter().zip(is_line).map(|(d, l)| *d && !l).collect();
        distance_into(&is_inner, shape, [1.0; 3], false, &mut distance);
        Self { shape, level, darkness, is_dark, distance, background }
    }

    /// Hills of darkness and distance, no number where it is not dark.
    fn hills(&self, width: f64) -> Vec<f32> {
        let hill = |i: usize| {
            let round = ROUNDNESS * self.distance[i] / width as f32;
            if self.is_dark[i] { self.darkness[i] + round } else { f32::NAN }
        };
        (0..self.level.len()).map(hill).collect()
    }

    /// Pixels that belong to cells beyond the mask: close by, and not bright.
    fn outskirts(&self, labels: &[u32], width: f64) -> Vec<bool> {
        let is_free: Vec<bool> = labels.iter().map(|l| *l == 0).collect();
        let mut distance = vec![0.0; labels.len()];
        distance_into(&is_free, self.shape, [1.0; 3], false, &mut distance);
        // A pixel's centre is half a pixel from the edge of the mask's pixel next to it.
        let reach = (OUTSIDE * width + 0.5) as f32;
        let is_near = |i: usize| distance[i] <= reach && self.darkness[i] > 1.0 - OUTLINE;
        (0..labels.len()).map(|i| labels[i] > 0 || is_near(i)).collect()
    }
}

/// Thin bright lines, as between two cells that touch.
fn bright_lines(image: &Array2<f32>, width: f64, depth: f64) -> Vec<bool> {
    let sigma = (LINE_SIGMA * width).max(LEAST_SMOOTHING);
    let mut negated = smoothed(image, sigma);
    negated.mapv_inplace(|v| -v);
    let least = LINE * depth as f32;
    bars(&negated, sigma).into_iter().map(|b| b > least).collect()
}

/// An extreme of the levels around each pixel, without steps.
fn around(
    level: &[f32],
    shape: [usize; 3],
    width: f64,
    extreme: fn(&[f32], [usize; 3], usize, usize, &mut [f32]),
) -> Vec<f32> {
    let window = 2 * (AROUND * width).round() as usize + 1;
    let (mut along, mut across) = (vec![0.0; level.len()], vec![0.0; level.len()]);
    extreme(level, shape, 1, window, &mut along);
    extreme(&along, shape, 2, window, &mut across);
    let sigma = 0.5 * AROUND * width;
    hooke_filters::gaussian::gaussian_into(&across, shape, [0.0, sigma, sigma], &mut along);
    along
}

/// Finds the cells of a colony.
///
/// Dark is what is below the middle between the darkest and the brightest place within a width. Darkness and
/// distance from the mask's edge make hills: those of some height are fragments (h-maxima, watershed). Fragments
/// are joined, the shallowest saddle first, unless the saddle is as deep as a septum or what would come out is no
/// rod. At last cells grow to their outlines, which lie a little outside of where the light is half.
///
/// * `image`: `(y, x)`, on the scale the look was learned on. NaN is background.
/// * `look`: from [`learn_colony_look`](super::learn_colony_look).
///
/// Labels are 1, 2, ... in raster order of each cell's first pixel, 0 is no cell. A flat image has none.
///
/// # Errors
/// As [`SegmentParams::validate`] and [`CellLook::validate`].
pub fn segment_colony(
    image: ArrayView2<'_, f32>,
    look: CellLook,
    params: &SegmentParams,
) -> Result<Array2<u32>, LineageError> {
    params.validate()?;
    look.validate()?;
    let mut out = Array2::zeros(image.raw_dim());
    let Some(image) = prepared(image, params.cells) else { return Ok(out) };
    let mask = Mask::new(&image, look.width, look.depth);
    let hills = mask.hills(look.width);
    let fragments = fragments(&hills, mask.shape);
    let cells = join_fragments(&mask, &hills, &fragments, look);
    let mut grown = vec![0; cells.len()];
    let is_open = mask.outskirts(&cells, look.width);
    watershed_into(
        &mask.level,
        mask.shape,
        &cells,
        Some(&is_open),
        Connectivity::Edges,
        &mut grown,
    );
    let labels = numbered(&grown, params.min_area);
    out.iter_mut().zip(labels).for_each(|(out, label)| *out = label);
    Ok(out)
}

/// Labels of the hills above a height; 0 outside of the mask.
fn fragments(hills: &[f32], shape: [usize; 3]) -> Vec<u32> {
    let mut tops = vec![false; hills.len()];
    h_maxima_into(hills, shape, FRAGMENT, Connectivity::Edges, &mut tops);
    let mut markers = vec![0; hills.len()];
    hooke_filters::components::label_components_into(
        &tops,
        shape,
        Connectivity::Edges,
        &mut markers,
    );
    let valleys: Vec<f32> = hills.iter().map(|h| -h).collect();
    let is_dark: Vec<bool> = hills.iter().map(|h| !h.is_nan()).collect();
    let mut out = vec![0; hills.len()];
    watershed_into(&valleys, shape, &markers, Some(&is_dark), Connectivity::Edges, &mut out);
    out
}

/// Labels anew in raster order, without those of fewer pixels than `min_area`.
fn numbered(labels: &[u32], min_area: usize) -> Vec<u32> {
    let count = labels.iter().copied().max().unwrap_or(0) as usize;
    let mut sizes = vec![0; count + 1];
    labels.iter().for_each(|l| sizes[*l as usize] += 1);
    let mut names = vec![0; count + 1];
    let mut next = 0;
    let mut name = |l: u32| {
        let l = l as usize;
        if l > 0 && sizes[l] >= min_area && names[l] == 0 {
            next += 1;
            names[l] = next;
        }
        names[l]
    };
    labels.iter().map(|l| name(*l)).collect()
}
