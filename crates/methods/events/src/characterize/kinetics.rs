//! How fast a trace rises and decays.

/// Times on a trace, in frames, from where it crosses fractions of its height.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Kinetics {
    /// Index of the largest value, the first of equal ones.
    pub peak: usize,
    /// From the last crossing of 10 % before the peak to the last one of 90 %.
    pub rise: Option<f64>,
    /// From the first crossing of 90 % after the peak to the first one of 37 %.
    pub decay: Option<f64>,
    /// Between the crossings of 50 % next to the peak.
    pub fwhm: Option<f64>,
}

/// Measures a trace. Heights count from its minimum, as `v_max_height` does, so that an offset changes
/// nothing.
///
/// Crossings are interpolated linearly between frames; what the trace does not reach is `None`.
pub(super) fn kinetics(trace: &[f64]) -> Kinetics {
    let mut peak = 0;
    for (i, v) in trace.iter().enumerate() {
        if *v > trace[peak] {
            peak = i;
        }
    }
    let lowest = trace.iter().copied().fold(f64::INFINITY, f64::min);
    let height = trace.get(peak).map_or(0.0, |top| top - lowest);
    if height.is_nan() || height <= 0.0 {
        return Kinetics { peak, ..Kinetics::default() };
    }
    let level = |fraction: f64| lowest + fraction * height;
    let before = |fraction| crossing(trace[..=peak].iter().rev(), level(fraction));
    let after = |fraction| crossing(trace[peak..].iter(), level(fraction));
    let sum = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
    let difference = |a: Option<f64>, b: Option<f64>| Some(a? - b?);
    Kinetics {
        peak,
        rise: difference(before(0.1), before(0.9)),
        decay: difference(after(0.37), after(0.9)),
        fwhm: sum(before(0.5), after(0.5)),
    }
}

/// How many samples after the first one values fall to `level`.
fn crossing<'a>(mut values: impl Iterator<Item = &'a f64>, level: f64) -> Option<f64> {
    let mut last = *values.next()?;
    for (i, v) in values.enumerate() {
        if *v <= level {
            return Some(i as f64 + (last - level) / (last - v));
        }
        last = *v;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triangle_has_the_times_of_its_slopes() {
        let up = (0..10).map(f64::from);
        let down = (0..=5).map(|i| 10.0 - 2.0 * f64::from(i));
        let trace: Vec<f64> = up.chain(down).map(|v| v + 3.0).collect();
        let found = kinetics(&trace);
        let near = |a: Option<f64>, b: f64| a.is_some_and(|a| (a - b).abs() < 1e-12);
        assert_eq!(found.peak, 10);
        assert!(
            near(found.rise, 8.0) && near(found.decay, 2.65) && near(found.fwhm, 7.5),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_not_reached_is_not_known() {
        let cut = kinetics(&[8.0, 10.0, 0.0]);
        assert!(cut.rise.is_none() && cut.fwhm.is_none() && cut.decay.is_some());
        assert_eq!(kinetics(&[2.0, 2.0]), Kinetics::default());
        assert_eq!(kinetics(&[]), Kinetics::default());
    }
}
