//! Why an image cannot be written as asked.

use thiserror::Error;

/// Why an image cannot be written as asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The format cannot hold the image, or the file cannot be written.
    #[error(transparent)]
    Io(#[from] hooke_io::Error),
    /// An option of storing that is no value, or does not fit another.
    #[error("{what}")]
    Option {
        /// What is wrong.
        what: String,
        /// A way on.
        hint: String,
    },
}

impl OutputError {
    /// `--option` whose text is no value.
    pub(super) fn option(option: &str, text: &str, write: &str) -> OutputError {
        OutputError::Option {
            what: format!("--{option} `{text}` is no value"),
            hint: format!("write {write}"),
        }
    }
}
