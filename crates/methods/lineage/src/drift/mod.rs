//! How far the content of a picture has moved since the first frame.
//!
//! Two ways, each for one frame at a time: [`TemplateDrift`] finds a band of the first frame in the others, to whole
//! pixels (DeLTA's); [`PhaseDrift`] measures sub-pixel shifts from the first and from the previous frame, which
//! [`reconcile`] makes agree once all frames were seen.
//!
//! Shifts are `(x, y)`: content at p in the first frame lies at p + shift.

mod phase;
mod reconcile;
mod structure;
mod template;

pub use phase::{FrameShift, PhaseDrift, Shift};
pub use reconcile::reconcile;
pub use structure::phase_box;
pub use template::{TemplateDrift, drift_box};
