//! The bound a link's quality must pass.

use serde::{Deserialize, Serialize};

use super::model::Pair;

/// A bound on the quality of a link; all inequalities are strict.
///
/// On disk a number, or `[min, max]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MinQuality {
    /// Above this value.
    Above(f64),
    /// Above the first and below the second value.
    Between(f64, f64),
}

impl MinQuality {
    /// Whether a quality passes; NaN never does.
    pub fn admits(&self, quality: f64) -> bool {
        match *self {
            MinQuality::Above(min) => quality > min,
            MinQuality::Between(min, max) => quality > min && quality < max,
        }
    }
}

impl Pair {
    /// Whether the pair was measured and its quality passes the bound; without a bound every
    /// quality that is not null passes.
    pub fn passes(&self, min_quality: Option<MinQuality>) -> bool {
        self.quality.is_some_and(|q| min_quality.is_none_or(|m| m.admits(q)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_strict_on_both_sides() {
        assert!(!MinQuality::Above(0.5).admits(0.5));
        assert!(MinQuality::Above(0.5).admits(0.5000001));
        let range = MinQuality::Between(-45.0, -10.0);
        assert_eq!(
            [-45.0, -44.9, -10.1, -10.0].map(|q| range.admits(q)),
            [false, true, true, false]
        );
        assert!(!range.admits(f64::NAN));
    }
}
