//! Calcium movies: registered, their baseline taken out, their events found and measured.
//!
//! Arrays in, arrays out: no paths are opened here. A movie is `(t, y, x)`, a frame `(y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`register`] | motion taken out |
//! | [`score`] | how far shifts are from the truth |
//! | [`sim`] | simulated movies with exact truth |

mod error;
pub mod register;
pub mod score;
pub mod sim;

pub use error::EventsError;
