//! Calcium movies: registered, their baseline taken out, their events found and measured.
//!
//! Arrays in, arrays out: no paths are opened here. A movie is `(t, y, x)`, a frame `(y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`characterize`](mod@characterize) | what is measured on each event |
//! | [`chunks`] | chunk shapes of movies |
//! | [`cluster`] | events that are alike, put into clusters |
//! | [`coincidence`](mod@coincidence) | events that follow a stimulus, against chance |
//! | [`delta`](mod@delta) | the baseline of every pixel, dF and dF/F |
//! | [`detect`](mod@detect) | events found in the noise |
//! | [`peaks`] | peaks of a trace, as SciPy finds them |
//! | [`register`] | motion taken out |
//! | [`score`] | results against the truth |
//! | [`sim`] | simulated movies with exact truth |
//! | [`split`] | events that have run together, taken apart |
//! | [`subframes`] | samples of a movie for a denoising network |
//! | [`table`] | tables of events: filtered, normalised, grouped |

pub mod characterize;
pub mod chunks;
pub mod cluster;
pub mod coincidence;
pub mod delta;
pub mod detect;
mod error;
pub mod peaks;
pub mod register;
pub mod score;
pub mod sim;
pub mod split;
pub mod subframes;
pub mod table;

pub use error::EventsError;
