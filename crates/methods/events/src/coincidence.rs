//! Events that begin around given times, against chance.

use crate::EventsError;

/// How many events begin around each time, and how many would by chance.
#[derive(Debug, Clone, PartialEq)]
pub struct Coincidence {
    /// Events in the window of each time.
    pub counts: Vec<u64>,
    /// Their sum; an event in two windows counts twice.
    pub total: u64,
    /// Mean of the sum over all shifts.
    pub null_mean: f64,
    /// Standard deviation of the sum over all shifts, divided by their number.
    pub null_sd: f64,
    /// Share of shifts, the present one among them, with at least as many events.
    pub p_value: f64,
}

/// Counts events that begin from `before` frames before a time to `after` frames after it, both included.
///
/// The null shifts all onsets together around the movie, frame by frame: it keeps how events follow
/// each other and breaks only their tie to the times. All shifts are taken, so that there is no chance
/// in the answer.
///
/// # Arguments
/// * `onsets`: first frames of events.
/// * `times`: frames of stimuli; windows end where the movie does.
/// * `num_frames`: frames of the movie.
///
/// # Errors
/// When the movie is empty, or an onset or a time is beyond it.
pub fn coincidence(
    onsets: &[usize],
    times: &[usize],
    before: usize,
    after: usize,
    num_frames: usize,
) -> Result<Coincidence, EventsError> {
    let beyond = |frames: &[usize]| frames.iter().copied().find(|f| *f >= num_frames);
    for (name, frames) in [("onsets", onsets), ("times", times)] {
        if let Some(frame) = beyond(frames) {
            let reason = format!("frame {frame} is not in a movie of {num_frames}");
            return Err(EventsError::Parameter { name, reason });
        }
    }
    if num_frames == 0 {
        let reason = "the movie has no frame".to_owned();
        return Err(EventsError::Parameter { name: "num_frames", reason });
    }
    let mut histogram = vec![0_u64; num_frames];
    onsets.iter().for_each(|f| histogram[*f] += 1);
    let window =
        |time: usize| time.saturating_sub(before)..=time.saturating_add(after).min(num_frames - 1);
    let counts: Vec<u64> = times.iter().map(|t| histogram[window(*t)].iter().sum()).collect();
    let total = counts.iter().sum();
    // How many windows each frame lies in.
    let mut weights = vec![0_u64; num_frames];
    times.iter().for_each(|t| weights[window(*t)].iter_mut().for_each(|w| *w += 1));
    let active: Vec<(usize, u64)> =
        histogram.into_iter().enumerate().filter(|(_, n)| *n > 0).collect();
    let shifted = |shift: usize| -> u64 {
        active.iter().map(|(f, n)| n * weights[(f + shift) % num_frames]).sum()
    };
    let sums: Vec<u64> = (0..num_frames).map(shifted).collect();
    let n = num_frames as f64;
    let null_mean = sums.iter().sum::<u64>() as f64 / n;
    let variance = sums.iter().map(|s| (*s as f64 - null_mean).powi(2)).sum::<f64>() / n;
    let p_value = sums.iter().filter(|s| **s >= total).count() as f64 / n;
    Ok(Coincidence { counts, total, null_mean, null_sd: variance.sqrt(), p_value })
}
