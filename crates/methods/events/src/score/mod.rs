//! Results against the truth.
//!
//! | module | holds |
//! |---|---|
//! | [`events`] | event maps |
//! | [`registration`](fn@registration) | shifts and fields of displacements |

pub mod events;
mod registration;

pub use registration::{RegistrationScore, registration, registration_fields};
