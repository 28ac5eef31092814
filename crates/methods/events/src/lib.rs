//! Calcium movies: registered, their baseline taken out, their events found and measured.
//!
//! Arrays in, arrays out: no paths are opened here. A movie is `(t, y, x)`, a frame `(y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`characterize`](mod@characterize) | what is measured on each event |
//! | [`cluster`] | events that are alike, put into clusters |
//! | [`coincidence`](mod@coincidence) | events that follow a stimulus, against chance |
//! | [`table`] | tables of events: filtered, normalised, grouped |

pub mod characterize;
pub mod cluster;
pub mod coincidence;
mod error;
pub mod table;

pub use error::EventsError;
