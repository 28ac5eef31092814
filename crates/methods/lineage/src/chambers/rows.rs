//! How far channels reach, and which end is open.

use std::ops::Range;

use super::comb::Channels;
use super::profiles::{Gradients, running_mean};

/// A row belongs to the channels when its walls are at least this share of the usual.
const LEAST_WALLS: f64 = 0.5;
/// Walls are the same in all rows, noise and cells are not: rows times the coherent share of power, at least.
const LEAST_COHERENT_ROWS: f64 = 15.0;
/// Smoothing of the profile along channels, pixels to both sides.
const SMOOTH: usize = 4;
/// Rows without walls that may lie between rows with, pixels.
const GAP: usize = 12;
/// How far from the end of the walls an end of a channel is looked for, pixels.
const END_REACH: usize = 14;
/// How far the end of what lies between channels is looked for, to tell the open end, pixels: walls fade before it.
const OPEN_REACH: usize = 42;
/// Added beyond the closed end, pixels.
const END_MARGIN: i64 = 3;

/// The rows of the channels.
pub(super) struct Reach {
    pub(super) rows: Range<usize>,
    pub(super) opens_down: bool,
    /// How much stronger the walls are in these rows than in others, 0 to 1.
    pub(super) contrast: f64,
    /// How much of all that changes across the channels is the same in all rows, 0 to 1.
    pub(super) coherence: f64,
    /// Row of the strongest change of channels, and of walls, at the upper and the lower end.
    channel_ends: [usize; 2],
    wall_ends: [usize; 2],
}

impl Reach {
    /// First row and the row after the last of the boxes.
    pub(super) fn ends(&self, opens_down: bool, height: usize) -> (i64, i64) {
        let closed = |k: usize| self.channel_ends[k] as i64;
        let open = |k: usize| self.wall_ends[k] as i64;
        let (top, bottom) = if opens_down {
            (closed(0) - END_MARGIN, open(1))
        } else {
            (open(0), closed(1) + END_MARGIN)
        };
        (top.max(0), (bottom + 1).min(height as i64))
    }
}

/// Finds the rows in which the walls of the channels run as they do in most of `rows`.
pub(super) fn find_reach(
    gradients: &Gradients,
    channels: &Channels,
    rows: Range<usize>,
) -> Option<Reach> {
    let (height, width) = gradients.across.dim();
    let half = channels.width / 2.0 + 2.0;
    let near =
        |x: usize, reach: f64| channels.centres.iter().any(|c| (x as f64 - c).abs() <= reach);
    let is_channel: Vec<bool> = (0..width).map(|x| near(x, half)).collect();

    let mut band = rows;
    let mut found = None;
    for _ in 0..3 {
        let mut walls = gradients.edges_across(band.clone());
        walls.iter_mut().zip(&is_channel).filter(|(_, is)| !**is).for_each(|(v, _)| *v = 0.0);
        let power: f64 = walls.iter().map(|v| v * v).sum();
        if power <= 0.0 {
            return None;
        }
        let like = |y: usize| {
            let row = gradients.across.row(y);
            row.iter().zip(&walls).map(|(v, w)| f64::from(*v) * w).sum::<f64>() / power
        };
        let profile = running_mean(&(0..height).map(like).collect::<Vec<_>>(), SMOOTH);
        band = longest_run(&profile)?;
        let mean = |part: &mut dyn Iterator<Item = &f64>| {
            let (sum, n) = part.fold((0.0, 0), |(s, n), v| (s + v.abs(), n + 1));
            sum / f64::from(n.max(1))
        };
        let inside = mean(&mut profile[band.clone()].iter());
        let outside = mean(&mut profile[..band.start].iter().chain(&profile[band.end..]));
        found = Some(((inside - outside) / inside.max(f64::MIN_POSITIVE)).max(0.0));
    }
    let columns = |wanted: bool| -> Vec<f64> {
        let inner = |x: usize| if wanted { near(x, channels.width / 4.0) } else { !near(x, half) };
        let taken: Vec<usize> = (0..width).filter(|x| inner(*x)).collect();
        let n = taken.len().max(1) as f64;
        let row =
            |y: usize| taken.iter().map(|x| f64::from(gradients.along[[y, *x]])).sum::<f64>() / n;
        (0..height).map(row).collect()
    };
    let (channel, wall) = (columns(true), columns(false));
    let strongest = |profile: &[f64], end: usize, reach: usize| {
        let range = end.saturating_sub(reach)..(end + reach + 1).min(height);
        range.fold(end.min(height - 1), |best, y| {
            if profile[y].abs() > profile[best].abs() { y } else { best }
        })
    };
    let ends = [band.start, band.end];
    let wall_ends = ends.map(|end| strongest(&wall, end, END_REACH));
    let channel_ends = ends.map(|end| strongest(&channel, end, END_REACH));
    let mean_edges = gradients.edges_across(band.clone());
    let (mut same, mut all) = (0.0, 0.0);
    for x in (0..width).filter(|x| is_channel[*x]) {
        same += mean_edges[x] * mean_edges[x] * band.len() as f64;
        all += band.clone().map(|y| f64::from(gradients.across[[y, x]]).powi(2)).sum::<f64>();
    }
    let coherence = same / all.max(f64::MIN_POSITIVE);
    // The mean over n rows of noise has 1/n of its power, a few times that after smoothing.
    if coherence * (band.len() as f64) < LEAST_COHERENT_ROWS {
        return None;
    }
    let [upper, lower] = ends.map(|end| wall[strongest(&wall, end, OPEN_REACH)].abs());
    let opens_down = lower > upper;
    Some(Reach { rows: band, opens_down, contrast: found?, coherence, channel_ends, wall_ends })
}

/// The longest run of rows with walls, small gaps closed.
fn longest_run(profile: &[f64]) -> Option<Range<usize>> {
    let mut sorted = profile.to_vec();
    sorted.sort_by(f64::total_cmp);
    // The upper tenth of all rows: channels take up more of a picture than that.
    let usual = sorted[sorted.len() - 1 - sorted.len() / 10];
    if usual <= 0.0 {
        return None;
    }
    let mut best = 0..0;
    let mut run = 0..0;
    for (y, v) in profile.iter().enumerate() {
        if *v < LEAST_WALLS * usual {
            continue;
        }
        run = if run.end + GAP >= y && !run.is_empty() { run.start..y + 1 } else { y..y + 1 };
        if run.len() > best.len() {
            best = run.clone();
        }
    }
    (best.len() >= 16).then_some(best)
}
