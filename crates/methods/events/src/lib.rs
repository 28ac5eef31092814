//! Calcium movies: registered, their baseline taken out, their events found and measured.
//!
//! Arrays in, arrays out: no paths are opened here. A movie is `(t, y, x)`, a frame `(y, x)`.
//!
//! | module | holds |
//! |---|---|

mod error;

pub use error::EventsError;
