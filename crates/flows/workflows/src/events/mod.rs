//! `hooke events`: a calcium movie to its events.
//!
//! | module | does |
//! |---|---|
//! | `movie` | an image read as frames over time |

mod error;

pub use error::EventsError;
