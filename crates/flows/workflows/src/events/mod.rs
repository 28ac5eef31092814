//! `hooke events`: a calcium movie to its events.
//!
//! | module | does |
//! |---|---|
//! | [`delta`] | the baseline of every pixel taken out |
//! | [`detect`] with `detect_steps`, `measure`, `event_table`, `detect_page` | events found and measured |
//! | `movie` | an image read as frames over time |
//! | [`register`] with `template`, `warp`, `shift_table` | motion taken out |
//! | `sidecar` | small files beside a movie |
//! | `work_array` | arrays that steps of a run leave for each other |

pub mod delta;
pub mod detect;
mod detect_page;
mod detect_steps;
mod error;
mod event_table;
mod measure;
pub(crate) mod movie;
pub mod register;
pub(crate) mod shift_table;
mod sidecar;
mod template;
mod warp;
mod work_array;

pub use delta::{DeltaOptions, DeltaWorkflow};
pub use detect::{DetectOptions, DetectWorkflow};
pub use error::EventsError;
pub use hooke_events::delta::{Baseline, DeltaParams, Quantity};
pub use hooke_events::detect::{Combine, DetectParams, Extent, Smooth, Spatial, Temporal, Units};
pub use hooke_events::register::{BorderFill, Interpolation, Mode, RegisterParams};
pub use movie::{MovieOptions, interval_of};
pub use register::{RegisterOptions, RegisterWorkflow};
