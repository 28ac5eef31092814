//! Where an event begins, and how fast it spreads.

/// Pixels that enter the Theil-Sen slope; it looks at all their pairs.
const MAX_PIXELS: usize = 200;

/// Least difference of the first and the last onset, in frames, that says something of speed.
const MIN_SPREAD: f64 = 2.0;

/// The onset of one pixel, found while its values come in.
///
/// Onset is the first frame at which the pixel reaches half of the largest value it has within the
/// event. That frame is a record (all before it are below), so only records above half of the present
/// maximum must be kept.
#[derive(Debug, Clone, Default)]
pub(super) struct OnsetFinder {
    /// `(frame, value, value one frame before)`, values ascending.
    records: Vec<(u32, f32, f32)>,
    last: Option<(u32, f32)>,
}

impl OnsetFinder {
    /// Takes the value at a frame at which the pixel belongs to the event. NaN is passed over.
    pub fn push(&mut self, frame: u32, value: f32) {
        let before = self.last.filter(|(f, _)| f + 1 == frame).map_or(f32::NAN, |(_, v)| v);
        if value.is_nan() {
            return;
        }
        self.last = Some((frame, value));
        if value > 0.0 && self.records.last().is_none_or(|(_, top, _)| value > *top) {
            self.records.retain(|(_, v, _)| *v >= value / 2.0);
            self.records.push((frame, value, before));
        }
    }

    /// The onset, between frames where the frame before belongs to the event; NaN where no value is
    /// positive.
    pub fn finish(&self) -> f32 {
        let (Some((_, top, _)), Some((frame, value, before))) =
            (self.records.last(), self.records.first())
        else {
            return f32::NAN;
        };
        let half = top / 2.0;
        if *before < half {
            *frame as f32 - (value - half) / (value - before)
        } else {
            *frame as f32
        }
    }
}

/// How an event spreads over its footprint.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Spread {
    /// Theil-Sen slope of the distance from the origin on onset.
    pub speed: Option<f64>,
    /// Where onsets grow: angle from the axis of rows towards that of columns.
    pub direction: Option<f64>,
    /// Correlation of distance and onset.
    pub r: Option<f64>,
}

/// Measures the spread from pixels `(row, column, onset)`; NaN onsets are passed over.
///
/// The origin is the centroid of the earliest 5 % of pixels and of those that begin with the last of
/// them. The slope is the median of those of all pairs of different onset (Theil 1950, Sen 1968), of
/// 200 pixels evenly among the sorted ones where there are more.
pub(super) fn spread(pixels: &[(f64, f64, f64)]) -> Spread {
    let mut pixels: Vec<(f64, f64, f64)> =
        pixels.iter().copied().filter(|p| !p.2.is_nan()).collect();
    pixels.sort_by(|a, b| a.2.total_cmp(&b.2));
    let (Some(first), Some(last)) = (pixels.first(), pixels.last()) else {
        return Spread::default();
    };
    if last.2 - first.2 < MIN_SPREAD {
        return Spread::default();
    }
    let limit = pixels[pixels.len().div_ceil(20) - 1].2;
    let earliest: Vec<_> = pixels.iter().take_while(|p| p.2 <= limit).collect();
    let mean = |f: fn(&(f64, f64, f64)) -> f64| {
        earliest.iter().map(|p| f(p)).sum::<f64>() / earliest.len() as f64
    };
    let origin = (mean(|p| p.0), mean(|p| p.1));
    let distance = |p: &(f64, f64, f64)| (p.0 - origin.0).hypot(p.1 - origin.1);
    let mut points: Vec<(f64, f64)> = pixels.iter().map(|p| (p.2, distance(p))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let along = |f: fn(&(f64, f64, f64)) -> f64| covariance(pixels.iter().map(|p| (p.2, f(p))))[1];
    let (down, right) = (along(|p| p.0), along(|p| p.1));
    let [of_onset, both, of_distance] = covariance(points.iter().copied());
    // Below rounding the pull of all pixels cancels: the event grows to all sides.
    let is_directed = down.hypot(right) > 1e-9 * of_onset.sqrt();
    Spread {
        speed: theil_sen(&points),
        direction: is_directed.then(|| right.atan2(down)),
        r: (of_distance > 0.0).then(|| both / (of_onset * of_distance).sqrt()),
    }
}

/// Sums of squares and products about the mean, divided by the number: `[aa, ab, bb]`.
fn covariance(points: impl Iterator<Item = (f64, f64)> + Clone) -> [f64; 3] {
    let n = points.clone().count().max(1) as f64;
    let mean = |f: fn((f64, f64)) -> f64| points.clone().map(f).sum::<f64>() / n;
    let (ma, mb) = (mean(|p| p.0), mean(|p| p.1));
    points.fold([0.0; 3], |[aa, ab, bb], (a, b)| {
        let (a, b) = (a - ma, b - mb);
        [aa + a * a / n, ab + a * b / n, bb + b * b / n]
    })
}

fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let step = (points.len() as f64 / MAX_PIXELS as f64).max(1.0);
    let count = points.len().min(MAX_PIXELS);
    let chosen: Vec<(f64, f64)> =
        (0..count).map(|i| points[((i as f64 + 0.5) * step) as usize]).collect();
    let slope = |a: &(f64, f64), b: &(f64, f64)| (b.0 > a.0).then(|| (b.1 - a.1) / (b.0 - a.0));
    let pairs = chosen.iter().enumerate();
    let mut slopes: Vec<f64> =
        pairs.flat_map(|(i, a)| chosen[i + 1..].iter().filter_map(move |b| slope(a, b))).collect();
    let middle = slopes.len() / 2;
    if slopes.is_empty() {
        return None;
    }
    let (below, upper, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = below.iter().copied().max_by(f64::total_cmp);
    Some(if slopes.len().is_multiple_of(2) {
        (upper + lower.unwrap_or(upper)) / 2.0
    } else {
        upper
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_onset_is_where_half_of_the_maximum_is_first_reached() {
        let find = |values: &[f32]| {
            let mut finder = OnsetFinder::default();
            values.iter().enumerate().for_each(|(i, v)| finder.push(i as u32, *v));
            finder.finish()
        };
        assert_eq!(find(&[0.0, 4.0, 2.0, 8.0, 1.0]), 1.0);
        assert_eq!(find(&[0.0, 2.0, 1.0, 4.0, 8.0]), 3.0);
        assert_eq!(find(&[0.0, 8.0]), 0.5);
        assert_eq!(find(&[9.0, 1.0, 10.0]), 0.0);
        assert!(find(&[-1.0, 0.0]).is_nan());
    }

    #[test]
    fn a_wave_has_its_speed_and_direction() {
        // Along columns, two pixels per frame.
        let pixels: Vec<(f64, f64, f64)> = (0..200)
            .map(|i| (f64::from(i / 40), f64::from(i % 40), f64::from(i % 40) / 2.0))
            .collect();
        let found = spread(&pixels);
        let near = |a: Option<f64>, b: f64, by: f64| a.is_some_and(|a| (a - b).abs() < by);
        assert!(near(found.speed, 2.0, 0.05), "{found:?}");
        assert!(near(found.direction, std::f64::consts::FRAC_PI_2, 1e-9));
        assert!(near(found.r, 1.0, 0.01));
        assert_eq!(spread(&[(0.0, 0.0, 1.0), (0.0, 1.0, 2.5)]), Spread::default());
    }
}
