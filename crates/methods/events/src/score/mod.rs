//! How far an answer is from the truth.

mod registration;

pub use registration::{RegistrationScore, registration, registration_fields};
