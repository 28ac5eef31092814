//! Calcium movies: registered, their baseline taken out, their events found and measured.
//!
//! Arrays in, arrays out: no paths are opened here. A movie is `(t, y, x)`, a frame `(y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`delta`](mod@delta) | the baseline of every pixel, dF and dF/F |
//! | [`detect`](mod@detect) | events found in the noise |
//! | [`peaks`] | peaks of a trace, as SciPy finds them |
//! | [`score`] | results against the truth |
//! | [`sim`] | simulated movies with exact truth |
//! | [`split`] | events that have run together, taken apart |

pub mod delta;
pub mod detect;
mod error;
pub mod peaks;
pub mod score;
pub mod sim;
pub mod split;

pub use error::EventsError;
