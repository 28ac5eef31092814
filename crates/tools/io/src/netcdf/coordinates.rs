//! Voxel size, place and times from the values along a dimension.

/// How the values along a dimension follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    /// The first value.
    pub first: f64,
    /// From one value to the next, mostly; `None` for a single value of which nobody says it.
    pub step: Option<f64>,
    /// Whether all steps are equal, to 1e-6 or to what the stored type can tell.
    pub even: bool,
}

impl Line {
    /// Of some values; `None` for none, and for those that are no finite numbers.
    ///
    /// `told` is the step that the file notes beside the values: it holds for a single value, and
    /// where it is the values' own step but for rounding. `precision` is the relative precision
    /// of the stored type, 0 for integers.
    pub fn of(values: &[f64], told: Option<f64>, precision: f64) -> Option<Line> {
        let (first, last) = (*values.first()?, *values.last()?);
        if !values.iter().all(|v| v.is_finite()) {
            return None;
        }
        let told = told.filter(|s| s.is_finite() && *s != 0.0);
        if values.len() == 1 {
            return Some(Line { first, step: told, even: true });
        }
        let mean = (last - first) / (values.len() - 1) as f64;
        let largest = values.iter().fold(0.0, |n: f64, v| n.max(v.abs()));
        let tolerance = 1e-6 * mean.abs() + 4.0 * precision * largest;
        let wanted = |i: usize| first + i as f64 * mean;
        let even = mean != 0.0
            && values.iter().enumerate().all(|(i, v)| (v - wanted(i)).abs() <= tolerance);
        let step = told.filter(|s| (s - mean).abs() <= tolerance).unwrap_or(mean);
        Some(Line { first, step: Some(step), even })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_values_give_the_step_and_others_do_not() {
        let line = Line::of(&[5.0, 7.0, 9.0], None, 1e-16);
        assert_eq!(line, Some(Line { first: 5.0, step: Some(2.0), even: true }));
        let line = Line::of(&[0.0, 1.0, 2.00001], None, 1e-16);
        assert_eq!(line.map(|l| l.even), Some(false));
        let line = Line::of(&[3.0, 3.0], None, 1e-16);
        assert_eq!(line.map(|l| l.even), Some(false));
        assert_eq!(Line::of(&[0.0, f64::NAN], None, 0.0), None);
        assert_eq!(Line::of(&[], None, 0.0), None);
    }

    #[test]
    fn the_stored_type_decides_how_even_values_can_be() {
        let values: Vec<f64> = (0..50).map(|i| f64::from(1000.0 + 0.1 * i as f32)).collect();
        assert_eq!(Line::of(&values, None, f64::EPSILON).map(|l| l.even), Some(false));
        let line = Line::of(&values, Some(0.1), f64::from(f32::EPSILON));
        assert_eq!(line, Some(Line { first: 1000.0, step: Some(0.1), even: true }));
    }

    #[test]
    fn a_noted_step_holds_where_the_values_agree() {
        let line = |values: &[f64], told| Line::of(values, Some(told), 0.0).and_then(|l| l.step);
        assert_eq!(line(&[4.0], 0.5), Some(0.5));
        assert_eq!(line(&[4.0, 4.5], 0.5 + 1e-9), Some(0.5 + 1e-9));
        // Every second value was taken.
        assert_eq!(line(&[4.0, 5.0], 0.5), Some(1.0));
    }
}
