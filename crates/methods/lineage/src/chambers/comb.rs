//! Where channels lie side by side.

use super::FEWEST;
use super::profiles::running_mean;

/// Channels are not closer than this, pixels.
const CLOSEST: usize = 8;
/// A correlation below this is no period.
const LEAST_CORRELATION: f64 = 0.2;
/// A first peak nearly as high as the highest is the period, the others are multiples.
const NEARLY: f64 = 0.6;
/// Channels are alike, their walls about 0.9 on this scale; what only repeats by chance beside one strong edge, 0.03.
const LEAST_REGULARITY: f64 = 0.2;
/// Channels are looked for this far from the teeth of the comb, pixels.
const PLAY: isize = 2;
/// A tooth with less of the walls' edges than this share of the usual has no channel.
const LEAST_WALLS: f64 = 0.25;

/// Channels side by side.
#[derive(Debug, Clone)]
pub(super) struct Channels {
    /// Middles, columns.
    pub(super) centres: Vec<f64>,
    /// From wall to wall, the walls' blur included.
    pub(super) width: f64,
    /// From middle to middle, 0 for a single one.
    pub(super) spacing: f64,
    /// 0 to 1: how regular. The usual strength of a channel's walls over the greatest.
    pub(super) regularity: f64,
}

/// Finds channels by their period.
///
/// * `changes`: how much each column changes along the channels.
/// * `edges`: the mean signed change across them.
pub(super) fn find_comb(changes: &[f64], edges: &[f64]) -> Option<Channels> {
    let cells = less_level(changes);
    let lag = period(&cells, &less_level(edges))?;
    let spacing = folding_spacing(edges, lag);
    let rough_offset = best_offset(&cells, spacing);
    let (offset, width) = between_walls(edges, spacing, rough_offset);

    let teeth: Vec<f64> = teeth(offset, spacing, changes.len())
        .filter(|c| c - width / 2.0 >= -1.0 && c + width / 2.0 <= changes.len() as f64)
        .collect();
    let pattern = folded(edges, spacing, offset);
    let centres: Vec<f64> = teeth.iter().map(|c| settle(edges, &pattern, *c)).collect();
    let walls: Vec<f64> = centres.iter().map(|c| wall_strength(edges, *c, width)).collect();
    let mut sorted = walls.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = *sorted.get(sorted.len() / 2)?;
    let regularity = usual / sorted[sorted.len() - 1].max(f64::MIN_POSITIVE);
    if regularity < LEAST_REGULARITY {
        return None;
    }
    let centres: Vec<f64> = centres
        .into_iter()
        .zip(walls)
        .filter(|(_, wall)| *wall >= LEAST_WALLS * usual)
        .map(|(centre, _)| centre)
        .collect();
    Some(Channels { centres, width, spacing, regularity })
}

/// Less its running mean, in units of its standard deviation.
fn less_level(values: &[f64]) -> Vec<f64> {
    let level = running_mean(values, values.len() / 4);
    let signal: Vec<f64> = values.iter().zip(&level).map(|(v, l)| v - l).collect();
    let power = signal.iter().map(|v| v * v).sum::<f64>() / signal.len().max(1) as f64;
    signal.iter().map(|v| v / power.sqrt().max(f64::MIN_POSITIVE)).collect()
}

fn correlation(signal: &[f64], lag: usize) -> f64 {
    let n = signal.len() - lag;
    let sum: f64 = signal.iter().zip(&signal[lag..]).map(|(a, b)| a * b).sum();
    let power: f64 = signal.iter().map(|v| v * v).sum::<f64>() / signal.len() as f64;
    sum / (n as f64 * power).max(f64::MIN_POSITIVE)
}

/// The period that what is in the channels and their walls share.
///
/// Walls count more: empty channels have them, too, and of cells alone every other channel may be the period.
fn period(cells: &[f64], walls: &[f64]) -> Option<usize> {
    let longest = cells.len() * 2 / 5;
    let both = |lag: usize| (correlation(cells, lag) + 2.0 * correlation(walls, lag)) / 3.0;
    let values: Vec<f64> = (0..=longest + 1).map(both).collect();
    let is_peak = |lag: &usize| values[*lag] >= values[lag - 1] && values[*lag] > values[lag + 1];
    let peaks: Vec<usize> = (CLOSEST..=longest).filter(is_peak).collect();
    let highest = peaks.iter().map(|lag| values[*lag]).fold(0.0, f64::max);
    if highest < LEAST_CORRELATION {
        return None;
    }
    peaks.into_iter().find(|lag| values[*lag] >= NEARLY * highest)
}

fn teeth(offset: f64, spacing: f64, len: usize) -> impl Iterator<Item = f64> {
    (0..).map(move |k| offset + k as f64 * spacing).take_while(move |c| *c < len as f64)
}

fn sample(values: &[f64], at: f64) -> f64 {
    let below = at.floor();
    let value = |i: f64| if i < 0.0 { 0.0 } else { values.get(i as usize).copied().unwrap_or(0.0) };
    value(below) + (at - below) * (value(below + 1.0) - value(below))
}

/// The spacing near `lag` at which the folded edges are strongest, finer than a pixel: errors add up over channels.
fn folding_spacing(edges: &[f64], lag: usize) -> f64 {
    let mut best = (f64::NEG_INFINITY, lag as f64);
    for step in -40..=40 {
        let spacing = lag as f64 + 0.05 * f64::from(step);
        let power: f64 = folded(edges, spacing, spacing / 2.0).iter().map(|v| v * v).sum();
        if power > best.0 {
            best = (power, spacing);
        }
    }
    best.1
}

/// The offset of the comb with most on its teeth.
fn best_offset(signal: &[f64], spacing: f64) -> f64 {
    let smooth = running_mean(signal, (spacing / 8.0).max(1.0) as usize);
    let mut best = (f64::NEG_INFINITY, 0.0);
    for half in 0..(2.0 * spacing) as usize {
        let offset = half as f64 / 2.0;
        let (sum, count) = teeth(offset, spacing, signal.len())
            .fold((0.0, 0), |(sum, n), c| (sum + sample(&smooth, c), n + 1));
        let mean = sum / f64::from(count.max(1));
        if mean > best.0 {
            best = (mean, offset);
        }
    }
    best.1
}

/// One period, the mean over all of them; the tooth is in the middle.
fn folded(values: &[f64], spacing: f64, offset: f64) -> Vec<f64> {
    let half = (spacing / 2.0) as isize;
    let at = |d: isize| {
        let places: Vec<f64> = teeth(offset, spacing, values.len())
            .map(|c| c + d as f64)
            .filter(|p| *p >= 0.0 && *p <= (values.len() - 1) as f64)
            .collect();
        places.iter().map(|p| sample(values, *p)).sum::<f64>() / places.len().max(1) as f64
    };
    (-half..=half).map(at).collect()
}

/// The comb moved to the middle between walls, and the width from wall to wall.
///
/// The two walls of a channel are each other's mirror image, light to dark on one side and dark to light on the other:
/// so are the edges about the middle, whatever the cells between do.
fn between_walls(edges: &[f64], spacing: f64, rough_offset: f64) -> (f64, f64) {
    let half = (spacing / 2.0) as usize;
    let walls = |offset: f64| folded(edges, spacing, offset);
    let mirrored = |offset: f64| -> f64 {
        let walls = walls(offset);
        let middle = walls.len() / 2;
        (1..=half).map(|d| -walls[middle - d] * walls[middle + d]).sum()
    };
    let steps = (spacing / 4.0 * 2.0) as i32;
    let mut best = (f64::NEG_INFINITY, rough_offset);
    for step in -steps..=steps {
        let offset = (rough_offset + 0.5 * f64::from(step)).rem_euclid(spacing);
        let score = mirrored(offset);
        if score > best.0 {
            best = (score, offset);
        }
    }
    let walls = walls(best.1);
    let middle = walls.len() / 2;
    let strength = |d: usize| (walls[middle - d].abs() + walls[middle + d].abs()) / 2.0;
    let outermost = outermost_wall(strength, half);
    (best.1, (2.0 * outermost as f64 + 1.0).min(0.85 * spacing))
}

/// Where, at most `half` from the middle, the strongest wall fades out.
fn outermost_wall(strength: impl Fn(usize) -> f64, half: usize) -> usize {
    /// Fainter than this share of the strongest is beside the wall.
    const LOUD: f64 = 0.35;
    let mut outermost = 1;
    for d in 1..=half {
        if strength(d) > strength(outermost) {
            outermost = d;
        }
    }
    let limit = LOUD * strength(outermost);
    while outermost < half && strength(outermost + 1) > limit {
        outermost += 1;
    }
    outermost
}

/// Moves a centre by up to two pixels to where the signal is most like the pattern.
fn settle(signal: &[f64], pattern: &[f64], centre: f64) -> f64 {
    let half = (pattern.len() / 2) as f64;
    let likeness = |d: isize| {
        let start = centre + d as f64 - half;
        let sum: f64 =
            pattern.iter().enumerate().map(|(i, p)| p * sample(signal, start + i as f64)).sum();
        sum
    };
    let mut best = 0;
    for d in [-1, 1, -PLAY, PLAY] {
        if likeness(d) > likeness(best) {
            best = d;
        }
    }
    centre + best as f64
}

/// How strong the edges around a centre are, over the width of a channel and a little more.
fn wall_strength(edges: &[f64], centre: f64, width: f64) -> f64 {
    let half = width / 2.0 + 2.0;
    let from = (centre - half).max(0.0) as usize;
    let to = ((centre + half) as usize).min(edges.len() - 1);
    edges.get(from..=to).unwrap_or_default().iter().fold(0.0, |most, v| v.abs().max(most))
}

/// Finds one or two channels, which stand out from the columns beside them.
pub(super) fn find_stripes(changes: &[f64], edges: &[f64]) -> Option<Channels> {
    let smooth = running_mean(changes, 2);
    let mut sorted = smooth.clone();
    sorted.sort_by(f64::total_cmp);
    let (quiet, high) = (sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
    // Noise alone is much the same in all columns.
    if high < 2.0 * quiet {
        return None;
    }
    let limit = quiet + 0.3 * (high - quiet);
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (x, v) in smooth.iter().enumerate() {
        if *v <= limit {
            continue;
        }
        match runs.last_mut() {
            // Both walls of an empty channel, with nothing between.
            Some((_, end)) if x - *end <= CLOSEST => *end = x,
            _ => runs.push((x, x)),
        }
    }
    runs.retain(|(from, to)| (4..changes.len() / 2).contains(&(to - from)));
    if runs.len() >= FEWEST {
        return None;
    }
    let widest = runs.iter().map(|(from, to)| to - from + 1).max()?;
    let centres: Vec<f64> = runs.iter().map(|(from, to)| (from + to) as f64 / 2.0).collect();
    let spacing = match centres.as_slice() {
        [first, .., last] => (last - first) / (centres.len() - 1) as f64,
        _ => 0.0,
    };
    // Cells are narrower than the channel.
    let both = |c: &f64, d: f64| sample(edges, c - d).abs() + sample(edges, c + d).abs();
    let strength = |d: usize| centres.iter().map(|c| both(c, d as f64)).sum();
    let width = 2.0 * outermost_wall(strength, widest) as f64 + 1.0;
    let walls: Vec<f64> = centres.iter().map(|c| wall_strength(edges, *c, width)).collect();
    let low = walls.iter().copied().fold(f64::INFINITY, f64::min);
    let high = walls.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    // One or two that are alike are less evidence than many.
    Some(Channels { centres, width, spacing, regularity: 0.5 * low / high })
}
