//! How well cells were found and followed.

mod links;

pub use links::{Counts, LinkScore, LinkSet, score_links};
