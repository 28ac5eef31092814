//! `hooke events`: a calcium movie to its events.
//!
//! | module | does |
//! |---|---|
//! | [`delta`] | the baseline of every pixel taken out |
//! | `movie` | an image read as frames over time |
//! | `sidecar` | small files beside a movie |
//! | `work_array` | arrays that steps of a run leave for each other |

pub mod delta;
mod error;
mod movie;
mod sidecar;
mod work_array;

pub use delta::{DeltaOptions, DeltaWorkflow};
pub use error::EventsError;
pub use hooke_events::delta::{Baseline, DeltaParams, Quantity};
pub use movie::MovieOptions;
