//! Results against the truth.
//!
//! | module | holds |
//! |---|---|
//! | [`events`] | event maps |

pub mod events;
