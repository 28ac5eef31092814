//! What linking in channels can be told.

use crate::error::LineageError;

/// Parameters of [`link_channel`](super::link_channel). Costs are negative logarithms of likelihoods.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DpParams {
    /// Frames that a cell may be missed for.
    pub max_gap: usize,
    /// Where cells leave: the distance of the open end from the closed one, pixels. Unset: the farthest place at which
    /// the middle of a cell is seen.
    pub open_end: Option<f64>,
    /// Whether single masks may be cut or joined where that explains the frames around better.
    pub repair: bool,
    /// Largest relative growth per frame that is looked for, as a logarithm.
    pub max_ln_growth: f64,
    /// Spread of the logarithm of a cell's growth, until the movie tells it.
    pub growth_spread: f64,
    /// Spread of the logarithm of the ratio of two sisters, until the movie tells it.
    pub split_spread: f64,
    /// Cost of a cell that vanishes from between others.
    pub lost_cost: f64,
    /// Cost of a cell that appears between others.
    pub new_cost: f64,
    /// Cost of a cut or a join.
    pub repair_cost: f64,
}

impl Default for DpParams {
    fn default() -> Self {
        Self {
            max_gap: 1,
            open_end: None,
            repair: false,
            max_ln_growth: 0.45,
            growth_spread: 0.12,
            split_spread: 0.2,
            lost_cost: 8.0,
            new_cost: 8.0,
            repair_cost: 5.0,
        }
    }
}

impl DpParams {
    /// Checks ranges.
    ///
    /// # Errors
    /// [`LineageError::Parameter`] names the first value that is not finite and above 0.
    pub fn validate(&self) -> Result<(), LineageError> {
        let positive = [
            ("max_ln_growth", self.max_ln_growth),
            ("growth_spread", self.growth_spread),
            ("split_spread", self.split_spread),
            ("lost_cost", self.lost_cost),
            ("new_cost", self.new_cost),
            ("repair_cost", self.repair_cost),
            ("open_end", self.open_end.unwrap_or(1.0)),
        ];
        for (name, value) in positive {
            if !(value > 0.0 && value.is_finite()) {
                let reason = format!("{value} is no number above 0");
                return Err(LineageError::Parameter { name, reason });
            }
        }
        Ok(())
    }
}
