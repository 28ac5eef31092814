//! Workflows of Hooke: they plan, read, call methods, write, resume and report.
//!
//! | module | holds |
//! |---|---|
//! | [`engine`] | runs plans block by block |

pub mod engine;
