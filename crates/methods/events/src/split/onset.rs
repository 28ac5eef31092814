//! Parts by when each pixel rose.
//!
//! The frames of a pixel are cut into spells: where it leaves the event, and at the lowest point between two
//! peaks of enough prominence. A spell's onset is where it first is half-way from its first value to its
//! greatest. Spells of neighbouring pixels are linked if they share a frame and their onsets differ by
//! little; over these links the map of onsets (which may lie over itself where a pixel rose twice) is flooded
//! from its minima. A minimum counts if it lies deep and far enough from the one it would join; two
//! basins that rise together and have the same trace are one.

use hooke_core::DisjointSets;
use ndarray::{Array3, ArrayView3};

use super::SplitParams;
use crate::peaks::{Wanted, each_peak};

/// Correlation of traces above which basins that rise together are one, and how many frames apart they and
/// the ridge between them may be then.
const SAME_TRACE: f64 = 0.9;
const SAME_TIME: f32 = 2.0;

/// Frames `first..end` of a pixel.
struct Spell {
    pixel: usize,
    first: usize,
    end: usize,
    onset: f32,
}

/// The spells of an event.
struct Spells {
    width: usize,
    spells: Vec<Spell>,
    /// Where the spells of each pixel begin, and the end of the last.
    starts: Vec<usize>,
    max_step: f32,
}

/// Takes an event apart; parts have any numbers above 0.
pub(super) fn parts(
    mask: ArrayView3<'_, bool>,
    values: ArrayView3<'_, f32>,
    params: &SplitParams,
) -> Array3<u32> {
    let mut spells = Spells::find(mask, values, params);
    spells.smooth();
    let mut basins = flood(&spells, params);
    join_alike(&spells, &mut basins, values);
    let mut parts = Array3::zeros(mask.raw_dim());
    for (i, spell) in spells.spells.iter().enumerate() {
        let (y, x) = (spell.pixel / spells.width, spell.pixel % spells.width);
        let part = basins.find(i) as u32 + 1;
        for t in spell.first..spell.end {
            parts[[t, y, x]] = part;
        }
    }
    parts
}

impl Spells {
    fn find(mask: ArrayView3<'_, bool>, values: ArrayView3<'_, f32>, params: &SplitParams) -> Self {
        let (_, height, width) = mask.dim();
        let mut spells = Vec::new();
        let mut starts = vec![0];
        for pixel in 0..height * width {
            let (y, x) = (pixel / width, pixel % width);
            let is_in = mask.slice(ndarray::s![.., y, x]);
            let trace: Vec<f32> = values.slice(ndarray::s![.., y, x]).to_vec();
            let mut t = 0;
            while let Some(gap) = is_in.iter().skip(t).position(|m| *m) {
                let first = t + gap;
                let len = is_in.iter().skip(first).position(|m| !m);
                t = len.map_or(trace.len(), |len| first + len);
                for cut in cuts(&trace, first..t, params.least_rise()).windows(2) {
                    let onset = onset(&trace[cut[0]..cut[1]]) + cut[0] as f32;
                    spells.push(Spell { pixel, first: cut[0], end: cut[1], onset });
                }
            }
            starts.push(spells.len());
        }
        Self { width, spells, starts, max_step: params.max_step as f32 }
    }

    /// Calls `each` with the spells of neighbouring pixels that a spell is linked with.
    fn each_link(&self, i: usize, with_corners: bool, mut each: impl FnMut(usize)) {
        let spell = &self.spells[i];
        let (y, x) = ((spell.pixel / self.width) as isize, (spell.pixel % self.width) as isize);
        let height = ((self.starts.len() - 1) / self.width) as isize;
        for (dy, dx) in [(-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
            .into_iter()
            .take(if with_corners { 8 } else { 4 })
        {
            let (y, x) = (y + dy, x + dx);
            if y < 0 || x < 0 || y >= height || x >= self.width as isize {
                continue;
            }
            let pixel = y as usize * self.width + x as usize;
            for j in self.starts[pixel]..self.starts[pixel + 1] {
                let other = &self.spells[j];
                let shares_frame = other.first < spell.end && spell.first < other.end;
                if shares_frame && (other.onset - spell.onset).abs() <= self.max_step {
                    each(j);
                }
            }
        }
    }

    /// Replaces onsets by the median of those around.
    fn smooth(&mut self) {
        let mut near = Vec::new();
        let medians: Vec<f32> = (0..self.spells.len())
            .map(|i| {
                near.clear();
                near.push(self.spells[i].onset);
                self.each_link(i, true, |j| near.push(self.spells[j].onset));
                let middle = near.len() / 2;
                *near.select_nth_unstable_by(middle, f32::total_cmp).1
            })
            .collect();
        for (spell, onset) in self.spells.iter_mut().zip(medians) {
            spell.onset = onset;
        }
    }

    fn distance(&self, a: usize, b: usize) -> f64 {
        let place = |i: usize| {
            let pixel = self.spells[i].pixel;
            ((pixel / self.width) as f64, (pixel % self.width) as f64)
        };
        let (a, b) = (place(a), place(b));
        (a.0 - b.0).hypot(a.1 - b.1)
    }
}

/// First frame of each spell of a run of frames, and the end of the last.
fn cuts(trace: &[f32], run: std::ops::Range<usize>, prominence: f64) -> Vec<usize> {
    let part = &trace[run.clone()];
    let wanted = Wanted {
        prominence,
        width: 0.0,
        rel_height: 0.5,
        half_window: usize::MAX,
        plateau_size: 0.0,
    };
    let lowest = part.iter().copied().fold(f32::INFINITY, f32::min);
    let mut cuts = vec![run.start];
    let mut last: Option<usize> = None;
    each_peak(part, lowest, wanted, |top, _| {
        if let Some(last) = last {
            let between = last..top;
            let low = between.min_by(|a, b| part[*a].total_cmp(&part[*b])).unwrap_or(top);
            cuts.push(run.start + low.max(1));
        }
        last = Some(top);
    });
    cuts.push(run.end);
    cuts.dedup();
    cuts
}

/// Frame, with its fraction, at which a spell is half-way from its first value to its greatest.
fn onset(spell: &[f32]) -> f32 {
    let first = spell.first().copied().unwrap_or(0.0);
    let most = spell.iter().copied().fold(first, f32::max);
    let half = 0.5 * (first + most);
    match spell.iter().position(|v| *v >= half) {
        Some(t) if t > 0 => {
            let (a, b) = (spell[t - 1], spell[t]);
            t as f32 - 1.0 + if b > a { (half - a) / (b - a) } else { 1.0 }
        }
        _ => 0.0,
    }
}

/// Floods the map of onsets from its minima; spells of one set are a basin.
fn flood(spells: &Spells, params: &SplitParams) -> DisjointSets {
    let n = spells.spells.len();
    let onset = |i: usize| spells.spells[i].onset;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| onset(*a).total_cmp(&onset(*b)));
    let mut basins = DisjointSets::new(n);
    // The earliest spell of each basin, by root.
    let mut earliest: Vec<usize> = (0..n).collect();
    let mut is_wet = vec![false; n];
    let join = |basins: &mut DisjointSets, earliest: &mut [usize], a: usize, b: usize| {
        let [a, b] = [a, b].map(|i| earliest[basins.find(i)]);
        let first = if onset(b) < onset(a) { b } else { a };
        if let Some((stays, _)) = basins.join(a, b) {
            earliest[stays] = first;
        }
    };
    let mut links = Vec::new();
    for i in order {
        links.clear();
        spells.each_link(i, false, |j| {
            if is_wet[j] {
                links.push(j);
            }
        });
        is_wet[i] = true;
        // The one it continues most smoothly.
        let Some(best) = links.iter().copied().min_by(|a, b| {
            let step = |j: usize| (onset(i) - onset(j)).abs();
            step(*a).total_cmp(&step(*b)).then(a.cmp(b))
        }) else {
            continue;
        };
        join(&mut basins, &mut earliest, i, best);
        // Here basins meet: the later one is of its own only if it is deep and far enough.
        for j in links.iter().copied() {
            let [a, b] = [best, j].map(|k| earliest[basins.find(k)]);
            if a == b {
                continue;
            }
            let later = onset(a).max(onset(b));
            let is_shallow = f64::from(onset(i) - later) < params.min_delay;
            if is_shallow || spells.distance(a, b) < params.min_distance {
                join(&mut basins, &mut earliest, a, b);
            }
        }
    }
    basins
}

/// Joins basins side by side that rise together and have the same trace.
fn join_alike(spells: &Spells, basins: &mut DisjointSets, values: ArrayView3<'_, f32>) {
    use std::collections::BTreeMap;
    let mut ridges: BTreeMap<(usize, usize), Vec<f32>> = BTreeMap::new();
    for i in 0..spells.spells.len() {
        let a = basins.find(i);
        spells.each_link(i, false, |j| {
            let b = basins.find(j);
            if a < b {
                let onset = spells.spells[i].onset.max(spells.spells[j].onset);
                ridges.entry((a, b)).or_default().push(onset);
            }
        });
    }
    if ridges.is_empty() {
        return;
    }
    let mut of_basin: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for i in 0..spells.spells.len() {
        of_basin.entry(basins.find(i)).or_default().push(i);
    }
    let middle = |mut onsets: Vec<f32>| {
        let half = onsets.len() / 2;
        *onsets.select_nth_unstable_by(half, f32::total_cmp).1
    };
    let frames = values.dim().0;
    let traces: BTreeMap<usize, (f32, Vec<f64>)> = of_basin
        .iter()
        .map(|(basin, members)| {
            let mut trace = vec![0.0; frames];
            for i in members {
                let pixel = spells.spells[*i].pixel;
                let lane =
                    values.slice(ndarray::s![.., pixel / spells.width, pixel % spells.width]);
                trace.iter_mut().zip(lane).for_each(|(sum, v)| *sum += f64::from(*v));
            }
            let onset = middle(members.iter().map(|i| spells.spells[*i].onset).collect());
            (*basin, (onset, trace))
        })
        .collect();
    for ((a, b), ridge) in ridges {
        let ((onset_a, trace_a), (onset_b, trace_b)) = (&traces[&a], &traces[&b]);
        let ridge = middle(ridge);
        let together = (ridge - onset_a).abs().max((ridge - onset_b).abs()) <= SAME_TIME;
        if together && correlation(trace_a, trace_b) > SAME_TRACE {
            basins.join(a, b);
        }
    }
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        ab += (a - mean_a) * (b - mean_b);
        aa += (a - mean_a).powi(2);
        bb += (b - mean_b).powi(2);
    }
    if aa > 0.0 && bb > 0.0 { ab / (aa * bb).sqrt() } else { 0.0 }
}
