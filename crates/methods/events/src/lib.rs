//! Calcium movies: registered, their baseline taken out, their events found and measured.
//!
//! Arrays in, arrays out: no paths are opened here. A movie is `(t, y, x)`, a frame `(y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`characterize`](mod@characterize) | what is measured on each event |
//! | [`table`] | tables of events: filtered, normalised, grouped |

pub mod characterize;
mod error;
pub mod table;

pub use error::EventsError;
