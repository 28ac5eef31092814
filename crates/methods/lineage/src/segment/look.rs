//! How wide cells are, and how much they stand out: learned once per position.

use hooke_filters::gaussian::gaussian_half_weights;
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::channel::{FAINTEST, chains, intervals};
use super::cuts::peaks;
use super::profile::follow;
use super::{ChannelAxis, SegmentParams, prepared, smoothed};
use crate::LineageError;

/// What cells of a position look like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CellLook {
    /// Width, pixels.
    pub width: f64,
    /// How much darker (or brighter) than its surroundings a cell is, in the image's grey levels.
    pub depth: f64,
    /// How much brighter and narrower a septum between two cells is than the cells, in parts of the depth and
    /// of the width. Used in channels only.
    pub septum: f64,
}

impl CellLook {
    /// Checks both values.
    ///
    /// # Errors
    /// [`LineageError::Parameter`] for a width below 1 pixel, a depth below 0, a septum below 0.01.
    pub fn validate(&self) -> Result<(), LineageError> {
        let checks =
            [("width", self.width, 1.0), ("depth", self.depth, 0.0), ("septum", self.septum, 0.01)];
        for (name, value, least) in checks {
            if !(value.is_finite() && value >= least) {
                let reason = format!("{value} is not a number of at least {least}");
                return Err(LineageError::Parameter { name, reason });
            }
        }
        Ok(())
    }
}

/// Smoothing before anything else, in cell widths, and at least this many pixels.
pub(super) const SMOOTHING: f64 = 0.09;
pub(super) const LEAST_SMOOTHING: f64 = 0.6;

/// Widths that are tried, pixels: from the first on, each larger by the factor.
pub(super) const FIRST_SIGMA: f64 = 1.25;
pub(super) const SIGMA_FACTOR: f64 = 1.19;
pub(super) const SIGMAS: usize = 16;

/// Less evidence is none of a septum; how many are to be seen; what is taken for theirs if there are fewer.
const LEAST_SEPTUM: f32 = 0.3;
const FEW_SEPTA: usize = 5;
pub(super) const SEPTUM: f64 = 0.8;

/// Rows with less than this part of the deepest rows' contrast say nothing about widths.
const CLEAR: f32 = 0.6;

/// Learns the look of cells from channels, cut out of one or more frames.
///
/// * `channels`: `(y, x)`, all on the same scale of grey levels (not each normalised on its own). Empty ones
///   do no harm if others have cells.
///
/// A first width is where the scale-normalised second derivative across the channel is strongest (Lindeberg
/// 1998, doi:10.1023/A:1008045108935; a bar answers most at a sigma of half its width); then the width is
/// measured at half depth, twice. Nothing if there is no dark line.
pub fn learn_channel_look(
    channels: &[ArrayView2<'_, f32>],
    params: &SegmentParams,
) -> Option<CellLook> {
    let upright = |c: &ArrayView2<'_, f32>| match params.axis {
        ChannelAxis::Y => prepared(c.view(), params.cells),
        ChannelAxis::X => prepared(c.t(), params.cells),
    };
    let channels: Vec<Array2<f32>> = channels.iter().filter_map(upright).collect();
    let mut look = CellLook { width: first_width(&channels)?, depth: 0.0, septum: SEPTUM };
    for _ in 0..3 {
        look = measured(&channels, look.width)?;
    }
    Some(look)
}

/// The width whose bars answer most, over the rows of all channels.
fn first_width(channels: &[Array2<f32>]) -> Option<f64> {
    let mut best = (0.0, None);
    for k in 0..SIGMAS {
        let sigma = FIRST_SIGMA * SIGMA_FACTOR.powi(k as i32);
        let answers: f64 = channels
            .iter()
            .flat_map(|c| c.outer_iter())
            .map(|row| strongest_bar(&row.to_vec(), sigma))
            .sum();
        if answers > best.0 {
            best = (answers, Some(2.0 * sigma));
        }
    }
    best.1
}

/// The greatest `sigma^2` times second derivative of a Gaussian-smoothed line, where the kernel fits.
fn strongest_bar(row: &[f32], sigma: f64) -> f64 {
    let gaussian = gaussian_half_weights(sigma);
    // Two and a half sigmas hold the second derivative's three lobes.
    let radius = ((2.5 * sigma).ceil() as usize).min(gaussian.len() - 1);
    let curvature = |k: usize| {
        let z = k as f64 / sigma;
        (z * z - 1.0) * gaussian[k]
    };
    let mut weights: Vec<f64> = (0..=radius).map(curvature).collect();
    // Cut off, it would answer to flat lines.
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.iter_mut().for_each(|w| *w -= sum / (2 * radius + 1) as f64);
    let answer = |x: usize| {
        let pair = |k: usize| f64::from(row[x - k]) + f64::from(row[x + k]);
        weights[0] * f64::from(row[x]) + (1..=radius).map(|k| weights[k] * pair(k)).sum::<f64>()
    };
    (radius..row.len().saturating_sub(radius)).map(answer).fold(0.0, f64::max)
}

/// Width at half depth and depth in the rows that are clear, starting from a guess of the width.
fn measured(channels: &[Array2<f32>], width: f64) -> Option<CellLook> {
    let sigma = (SMOOTHING * width).max(LEAST_SMOOTHING);
    let profiles: Vec<_> = channels
        .iter()
        .map(|c| smoothed(c, sigma))
        .filter_map(|c| follow(&c, width).map(|p| (c, p)))
        .collect();
    let mut depths: Vec<f32> = profiles.iter().flat_map(|(_, p)| p.depths()).collect();
    let deepest = hooke_filters::order::quantile(&mut depths, 0.9).filter(|d| *d > 0.0)?;
    let (mut widths, mut clear, mut septa) = (Vec::new(), Vec::new(), Vec::new());
    for (image, profile) in &profiles {
        let inside = profile.inside(FAINTEST * deepest);
        let rows = intervals(image, profile, &inside, width);
        let chains = chains(&rows, profile, &inside, width);
        septa.extend(chains.iter().flat_map(|c| peaks(c, width)).map(|(_, e)| e));
        for (row, depth) in rows.iter().zip(profile.depths()) {
            if let Some(row) = row.filter(|_| depth > CLEAR * deepest) {
                widths.push(row.width());
                clear.push(depth);
            }
        }
    }
    let width = hooke_filters::order::median(&mut widths)?;
    let depth = hooke_filters::order::median(&mut clear)?;
    septa.retain(|e| *e > LEAST_SEPTUM);
    // The median of a few means little: most of them would be cells that begin to divide.
    let septum = hooke_filters::order::median(&mut septa).filter(|_| septa.len() >= FEW_SEPTA);
    Some(CellLook {
        width: f64::from(width).max(2.0),
        depth: depth.into(),
        septum: septum.map_or(SEPTUM, f64::from),
    })
}
