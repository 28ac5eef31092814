//! Peaks of a trace: local maxima, their prominences and widths, exactly as SciPy's `find_peaks`.
//!
//! A peak is a run of equal samples with lower ones on both sides, placed at its middle (rounded
//! down). Its prominence is its height over the higher of the two lowest points that are reached
//! going left and right without climbing above it, not farther than half of `wlen` away. Its width is
//! measured `rel_height` times its prominence below its top, with linear interpolation.
//!
//! Virtanen et al. 2020, SciPy 1.0 (doi:10.1038/s41592-019-0686-2), `scipy.signal.find_peaks`,
//! `peak_prominences`, `peak_widths`. NaN is neither above nor below anything: it is never a peak, and
//! ends the search for bases.

use crate::EventsError;

/// Least and largest value that is let through, both inclusive; `None` is open.
pub type Interval = (Option<f64>, Option<f64>);

/// No limit.
pub const ANY: Interval = (None, None);

/// What a peak must satisfy.
#[derive(Debug, Clone, PartialEq)]
pub struct PeakParams {
    /// Value at the peak.
    pub height: Interval,
    /// Vertical distance to the samples beside it: the smaller one at least, the larger one at most.
    pub threshold: Interval,
    /// Least distance of two peaks in samples, at least 1; the lower ones go first.
    pub distance: Option<f64>,
    /// Its prominence.
    pub prominence: Interval,
    /// Its width in samples.
    pub width: Interval,
    /// Samples that prominences are searched in, above 1, rounded up to an odd number.
    pub wlen: Option<f64>,
    /// Part of the prominence, from the top, at which widths are measured.
    pub rel_height: f64,
    /// Samples on its plateau.
    pub plateau_size: Interval,
}

impl Default for PeakParams {
    /// SciPy's: every local maximum, widths at half prominence.
    fn default() -> Self {
        Self {
            height: ANY,
            threshold: ANY,
            distance: None,
            prominence: ANY,
            width: ANY,
            wlen: None,
            rel_height: 0.5,
            plateau_size: ANY,
        }
    }
}

impl PeakParams {
    /// Checks the numbers that have limits.
    ///
    /// # Errors
    /// [`EventsError::Parameter`] if `wlen` is not above 1, `distance` below 1, or `rel_height` negative.
    pub fn validate(&self) -> Result<(), EventsError> {
        let wrong = |name, reason: String| Err(EventsError::Parameter { name, reason });
        if let Some(wlen) = self.wlen.filter(|w| !(*w > 1.0 && w.is_finite())) {
            return wrong("wlen", format!("{wlen} frames; more than 1 are wanted"));
        }
        if let Some(distance) = self.distance.filter(|d| !(*d >= 1.0 && d.is_finite())) {
            return wrong("distance", format!("{distance}; at least 1 is wanted"));
        }
        if !(self.rel_height >= 0.0 && self.rel_height.is_finite()) {
            return wrong("rel-height", format!("{}; at least 0 is wanted", self.rel_height));
        }
        Ok(())
    }
}

/// One peak and everything that SciPy tells about it. Positions are samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// The sample in the middle of its plateau.
    pub position: usize,
    /// First and last sample of its plateau.
    pub plateau: [usize; 2],
    /// Value at the peak.
    pub height: f64,
    /// Height over the samples left and right of it.
    pub thresholds: [f64; 2],
    /// Prominence.
    pub prominence: f64,
    /// Where its bases lie, left and right.
    pub bases: [usize; 2],
    /// Its width.
    pub width: f64,
    /// The value at which the width is measured.
    pub width_height: f64,
    /// Where the trace crosses that value, left and right: SciPy's `left_ips`, `right_ips`.
    pub ips: [f64; 2],
}

/// Finds the peaks of a trace that satisfy all conditions, by rising position.
///
/// # Errors
/// As [`PeakParams::validate`].
pub fn find_peaks(trace: &[f64], params: &PeakParams) -> Result<Vec<Peak>, EventsError> {
    params.validate()?;
    let mut peaks: Vec<Peak> = local_maxima(trace)
        .filter(|m| within((m[1] - m[0] + 1) as f64, params.plateau_size))
        .map(|plateau| bare_peak(trace, plateau))
        .filter(|p| within(p.height, params.height))
        .filter(|p| {
            let [a, b] = p.thresholds;
            within(a.min(b), (params.threshold.0, None))
                && within(a.max(b), (None, params.threshold.1))
        })
        .collect();
    if let Some(distance) = params.distance {
        keep_apart(&mut peaks, distance.ceil() as usize);
    }
    let half = half_window(params.wlen);
    peaks.retain_mut(|peak| {
        let at = peak.position;
        let found = prominence(trace, at, half);
        peak.prominence = found.value;
        peak.bases = found.bases;
        if !within(found.value, params.prominence) {
            return false;
        }
        let level = peak.height - found.value * params.rel_height;
        peak.width_height = level;
        peak.ips = crossings(trace, at, found.bases, level);
        peak.width = peak.ips[1] - peak.ips[0];
        within(peak.width, params.width)
    });
    Ok(peaks)
}

/// Prominence of a sample, and the bases it is measured from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prominence {
    /// Height over the higher base; 0 if the sample is no peak.
    pub value: f64,
    /// Samples where the trace is lowest on either side; the nearest of equally low ones.
    pub bases: [usize; 2],
}

/// Prominences of samples of a trace: SciPy's `peak_prominences`.
///
/// # Errors
/// [`EventsError::Parameter`] if `wlen` is not above 1 or a peak lies outside the trace.
pub fn prominences(
    trace: &[f64],
    peaks: &[usize],
    wlen: Option<f64>,
) -> Result<Vec<Prominence>, EventsError> {
    PeakParams { wlen, ..PeakParams::default() }.validate()?;
    check_inside(trace, peaks)?;
    let half = half_window(wlen);
    Ok(peaks.iter().map(|p| prominence(trace, *p, half)).collect())
}

/// Width of a peak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Width {
    /// Samples from crossing to crossing.
    pub value: f64,
    /// The value at which it is measured.
    pub height: f64,
    /// Where the trace crosses that value, left and right.
    pub ips: [f64; 2],
}

/// Widths of samples of a trace: SciPy's `peak_widths`.
///
/// # Errors
/// [`EventsError::Parameter`] if `rel_height` is negative, `wlen` is not above 1 or a peak lies
/// outside the trace.
pub fn widths(
    trace: &[f64],
    peaks: &[usize],
    rel_height: f64,
    wlen: Option<f64>,
) -> Result<Vec<Width>, EventsError> {
    PeakParams { wlen, rel_height, ..PeakParams::default() }.validate()?;
    check_inside(trace, peaks)?;
    let half = half_window(wlen);
    let width = |at: &usize| {
        let found = prominence(trace, *at, half);
        let height = trace[*at] - found.value * rel_height;
        let ips = crossings(trace, *at, found.bases, height);
        Width { value: ips[1] - ips[0], height, ips }
    };
    Ok(peaks.iter().map(width).collect())
}

/// What detection asks of a peak, as plain numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) prominence: f64,
    pub(crate) width: f64,
    pub(crate) rel_height: f64,
    /// Samples to each side of a peak.
    pub(crate) half_window: usize,
    pub(crate) plateau_size: f64,
}

/// Calls `each` with the place and the crossings of every peak of a trace whose lowest value is `lowest`.
///
/// The same peaks as [`find_peaks`] with the least prominence, width and plateau of `wanted`, without
/// memory of its own, and quick where nothing rises far enough.
pub(crate) fn each_peak(
    trace: &[f32],
    lowest: f32,
    wanted: Wanted,
    mut each: impl FnMut(usize, [f64; 2]),
) {
    for plateau in local_maxima(trace) {
        let at = (plateau[0] + plateau[1]) / 2;
        let height = f64::from(trace[at]);
        let flat = (plateau[1] - plateau[0] + 1) as f64;
        if height - f64::from(lowest) < wanted.prominence || flat < wanted.plateau_size {
            continue;
        }
        let found = prominence(trace, at, wanted.half_window);
        if found.value < wanted.prominence {
            continue;
        }
        let level = height - found.value * wanted.rel_height;
        let ips = crossings(trace, at, found.bases, level);
        if ips[1] - ips[0] >= wanted.width {
            each(at, ips);
        }
    }
}

/// Samples to each side that prominences are searched in.
pub(crate) fn half_window(wlen: Option<f64>) -> usize {
    wlen.map_or(usize::MAX, |w| w.ceil() as usize / 2)
}

fn check_inside(trace: &[f64], peaks: &[usize]) -> Result<(), EventsError> {
    match peaks.iter().find(|p| **p >= trace.len()) {
        Some(peak) => Err(EventsError::Parameter {
            name: "peaks",
            reason: format!("sample {peak} lies beyond the {} of the trace", trace.len()),
        }),
        None => Ok(()),
    }
}

fn within(value: f64, (least, most): Interval) -> bool {
    least.is_none_or(|l| value >= l) && most.is_none_or(|m| value <= m)
}

fn bare_peak(trace: &[f64], plateau: [usize; 2]) -> Peak {
    let position = (plateau[0] + plateau[1]) / 2;
    let height = trace[position];
    Peak {
        position,
        plateau,
        height,
        // A local maximum has a sample on either side.
        thresholds: [height - trace[position - 1], height - trace[position + 1]],
        prominence: 0.0,
        bases: [position; 2],
        width: 0.0,
        width_height: height,
        ips: [position as f64; 2],
    }
}

/// First and last sample of every plateau with lower samples on both sides.
fn local_maxima<T: Copy + PartialOrd>(trace: &[T]) -> impl Iterator<Item = [usize; 2]> {
    let mut i = 1;
    std::iter::from_fn(move || {
        let last = trace.len().checked_sub(1)?;
        while i < last {
            let first = i;
            i += 1;
            if trace[first - 1] < trace[first] {
                while i < last && trace[i] == trace[first] {
                    i += 1;
                }
                if trace[i] < trace[first] {
                    return Some([first, i - 1]);
                }
            }
        }
        None
    })
}

fn prominence<T: Copy + PartialOrd + Into<f64>>(
    trace: &[T],
    at: usize,
    half_window: usize,
) -> Prominence {
    let top = trace[at];
    let lowest = |samples: &mut dyn Iterator<Item = usize>| {
        let mut base = at;
        for i in samples.take_while(|i| trace[*i] <= top) {
            if trace[i] < trace[base] {
                base = i;
            }
        }
        base
    };
    let first = at.saturating_sub(half_window);
    let last = at.saturating_add(half_window).min(trace.len() - 1);
    let bases = [lowest(&mut (first..=at).rev()), lowest(&mut (at..=last))];
    let [left, right] = bases.map(|b| trace[b].into());
    Prominence { value: top.into() - f64::max(left, right), bases }
}

/// Where the trace crosses `level` left and right of a peak, within its bases.
fn crossings<T: Copy + Into<f64>>(
    trace: &[T],
    at: usize,
    bases: [usize; 2],
    level: f64,
) -> [f64; 2] {
    let value = |i: usize| -> f64 { trace[i].into() };
    let mut i = at;
    while bases[0] < i && level < value(i) {
        i -= 1;
    }
    let mut left = i as f64;
    if value(i) < level {
        left += (level - value(i)) / (value(i + 1) - value(i));
    }
    i = at;
    while i < bases[1] && level < value(i) {
        i += 1;
    }
    let mut right = i as f64;
    if value(i) < level {
        right -= (level - value(i)) / (value(i - 1) - value(i));
    }
    [left, right]
}

/// Drops peaks nearer than `distance` to a higher one; of equal ones the last stays.
fn keep_apart(peaks: &mut Vec<Peak>, distance: usize) {
    let mut order: Vec<usize> = (0..peaks.len()).collect();
    order.sort_by(|a, b| peaks[*a].height.total_cmp(&peaks[*b].height));
    let mut is_kept = vec![true; peaks.len()];
    for at in order.into_iter().rev() {
        if !is_kept[at] {
            continue;
        }
        let near = |i: &usize| peaks[at].position.abs_diff(peaks[*i].position) < distance;
        for i in (0..at).rev().take_while(near).chain((at + 1..peaks.len()).take_while(near)) {
            is_kept[i] = false;
        }
    }
    let mut kept = is_kept.iter();
    peaks.retain(|_| kept.next() == Some(&true));
}
