//! Which pixels of a frame stand out from the frame.

use super::Spatial;

/// Bins of the histogram.
const BINS: usize = 256;

/// Marks the pixels of a frame above the triangle threshold of a window of frames.
///
/// * `window`: the frames around it, the first and last one repeated beyond the ends of the movie.
///
/// Nothing is marked unless the mean of the marked pixels over the size of the mean of the others exceeds
/// `min_ratio`.
pub(super) fn mark_frame(window: &[&[f32]], frame: &[f32], params: &Spatial, out: &mut [bool]) {
    out.fill(false);
    let Some(threshold) = triangle_threshold(window) else { return };
    let (mut above, mut sum_above, mut sum) = (0_usize, 0.0, 0.0);
    for v in frame {
        let is_above = *v > threshold;
        above += usize::from(is_above);
        sum += f64::from(*v);
        sum_above += if is_above { f64::from(*v) } else { 0.0 };
    }
    let mean = sum_above / above as f64;
    let others = ((sum - sum_above) / (frame.len() - above) as f64).abs();
    // Of no pixels on either side the ratio is no number, and nothing is marked.
    if mean / others > params.min_ratio {
        out.iter_mut().zip(frame).for_each(|(out, v)| *out = *v > threshold);
    }
}

/// The threshold of Zack, Rogers & Latt (1977, doi:10.1177/25.7.70454) as scikit-image finds it: of the
/// histogram between the least and the greatest value, the bin farthest below the line from its peak to
/// the farther end. The bin's centre; `None` if all values are equal.
fn triangle_threshold(window: &[&[f32]]) -> Option<f32> {
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for frame in window {
        for v in *frame {
            low = if *v < low { *v } else { low };
            high = if *v > high { *v } else { high };
        }
    }
    if high <= low || !(high - low).is_finite() {
        return None;
    }
    let counts = histogram(window, low, high);
    let peak = counts.iter().enumerate().rev().max_by_key(|(_, n)| **n)?.0;
    let first = counts.iter().position(|n| *n > 0)?;
    let last = counts.iter().rposition(|n| *n > 0)?;
    let is_tail_high = peak - first < last - peak;
    // The histogram with its long tail on the left.
    let (end, peak) = if is_tail_high { (BINS - 1 - last, BINS - 1 - peak) } else { (first, peak) };
    let count = |i: usize| f64::from(counts[if is_tail_high { BINS - 1 - i } else { i }]);
    let (height, width) = (count(peak), (peak - end) as f64);
    let norm = height.hypot(width);
    let distance = |i: usize| height / norm * i as f64 - width / norm * count(end + i);
    let mut best = (0, f64::NEG_INFINITY);
    for i in 0..peak - end {
        let d = distance(i);
        if d > best.1 {
            best = (i, d);
        }
    }
    let level = end + best.0;
    let level = if is_tail_high { BINS - 1 - level } else { level };
    let (low, high) = (f64::from(low), f64::from(high));
    let edge = |i: usize| (low + i as f64 * (high - low) / BINS as f64) as f32;
    Some(0.5 * (edge(level) + edge(level + 1)))
}

fn histogram(window: &[&[f32]], low: f32, high: f32) -> [u32; BINS] {
    let scale = BINS as f32 / (high - low);
    // Neighbours are often equal: four histograms keep a count from waiting for the one before.
    let mut counts = [[0_u32; BINS]; 4];
    let bin = |v: f32| (((v - low) * scale) as usize).min(BINS - 1);
    for frame in window {
        let (fours, rest) = frame.as_chunks::<4>();
        for four in fours {
            for (counts, v) in counts.iter_mut().zip(four) {
                counts[bin(*v)] += 1;
            }
        }
        for v in rest {
            counts[0][bin(*v)] += 1;
        }
    }
    std::array::from_fn(|i| counts.iter().map(|c| c[i]).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_scikit_images() {
        let value =
            |i: usize| ((i * i) % 97) as f32 / 97.0 + if i.is_multiple_of(50) { 10.0 } else { 0.0 };
        let values: Vec<f32> = (0..1000).map(value).collect();
        let upside_down: Vec<f32> = values.iter().map(|v| -v).collect();
        // skimage.filters.threshold_triangle of these values in single precision.
        for (values, wanted) in [(&values, 0.407_055_4_f32), (&upside_down, -0.407_055_4)] {
            let found = triangle_threshold(&[values]);
            assert!(found.is_some_and(|t| (t - wanted).abs() < 1e-6), "{found:?}");
        }
        assert_eq!(triangle_threshold(&[&[3.0; 9]]), None);
        assert_eq!(triangle_threshold(&[]), None);
    }
}
