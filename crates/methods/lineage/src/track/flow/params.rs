//! What linking in colonies can be told.

use crate::error::LineageError;

/// Parameters of [`link_colony`](super::link_colony). Costs are negative logarithms of likelihoods.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlowParams {
    /// Frames that a cell may be missed for.
    pub max_gap: usize,
    /// Height and width of the image; cells come and go freely at its borders. Unset: nowhere.
    pub shape: Option<[usize; 2]>,
    /// How far the whole picture may jump between frames, pixels.
    pub max_shift: f64,
    /// Cost of a cell that appears, or that vanishes, away from the borders.
    pub end_cost: f64,
    /// The same at a border.
    pub border_cost: f64,
    /// Cost of each frame that a cell is missed for.
    pub gap_cost: f64,
    /// Cost of masks that are wrong in one frame: one cell in two, or two in one.
    pub mask_error_cost: f64,
    /// Frames that are solved together.
    pub window: usize,
    /// Frames that a window shares with the next.
    pub overlap: usize,
}

impl Default for FlowParams {
    fn default() -> Self {
        Self {
            max_gap: 1,
            shape: None,
            max_shift: 20.0,
            end_cost: 8.0,
            border_cost: 2.5,
            gap_cost: 4.0,
            mask_error_cost: 3.0,
            window: 20,
            overlap: 5,
        }
    }
}

impl FlowParams {
    /// Checks ranges.
    ///
    /// # Errors
    /// [`LineageError::Parameter`] names the first value that does not fit.
    pub fn validate(&self) -> Result<(), LineageError> {
        let positive = [
            ("max_shift", self.max_shift),
            ("end_cost", self.end_cost),
            ("border_cost", self.border_cost),
            ("gap_cost", self.gap_cost),
            ("mask_error_cost", self.mask_error_cost),
        ];
        for (name, value) in positive {
            if !(value > 0.0 && value.is_finite()) {
                let reason = format!("{value} is no number above 0");
                return Err(LineageError::Parameter { name, reason });
            }
        }
        // A window must hold what leaps over gaps on both sides of the frames it decides.
        if self.overlap <= self.max_gap + 1 || self.window < 2 * self.overlap {
            let reason = format!(
                "windows of {} frames that share {} cannot bridge {}; wanted are an overlap above {} and windows \
                 twice as long",
                self.window,
                self.overlap,
                self.max_gap,
                self.max_gap + 1
            );
            return Err(LineageError::Parameter { name: "window", reason });
        }
        Ok(())
    }
}
