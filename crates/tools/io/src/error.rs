//! The one error of this crate: the file, what was found, what was wanted, and a way on.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// The result of reading or writing.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a file could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system said no.
    #[error("{}: cannot {doing}: {}", path.display(), plain(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, e.g. `open`, `read 4096 bytes at 512`.
        doing: String,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The content is of no known format.
    #[error("{}: not a format Hooke reads: {found}", path.display())]
    Unrecognised {
        /// The file or folder.
        path: PathBuf,
        /// What the content looks like, e.g. `0 bytes`, `begins with 25 50 44 46`.
        found: String,
    },
    /// The file ends too early.
    #[error("{}: truncated: {what} needs {expected} bytes, the file has {found}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Page, chunk or header that is cut.
        what: String,
        /// Bytes the file should have.
        expected: u64,
        /// Bytes it has.
        found: u64,
    },
    /// The content contradicts itself or does not decode.
    #[error("{}: corrupt: {what}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Key, offset or tag, and what is wrong there.
        what: String,
    },
    /// The metadata is not what the format prescribes.
    #[error("{}: invalid metadata: {what}", path.display())]
    MetadataInvalid {
        /// The file.
        path: PathBuf,
        /// Which item, what was found and what was wanted.
        what: String,
    },
    /// A legal file that Hooke does not read or cannot write.
    #[error("{}: not supported: {what}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The feature, with its name or number.
        what: String,
        /// What a user can do instead; may be empty.
        hint: String,
    },
    /// A region, level, image or dataset that the file does not have.
    #[error("{}: no {what}", path.display())]
    NotThere {
        /// The file.
        path: PathBuf,
        /// What was asked for and what there is.
        what: String,
    },
    /// A block that does not consist of whole write units.
    #[error(
        "block {block} is not a multiple of the write unit {unit} of {} along {axis}: \
         two workers would overwrite each other", path.display()
    )]
    Misaligned {
        /// The output.
        path: PathBuf,
        /// Its lengths along the image's axes, or where it starts (`at 0,48`) if that is wrong.
        block: String,
        /// Lengths of the write unit.
        unit: String,
        /// The first axis along which it does not fit.
        axis: char,
    },
    /// An output that exists already.
    #[error("{}: exists already", path.display())]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// An output of a run that has not finished.
    #[error("{}: incomplete: {what}", path.display())]
    Incomplete {
        /// The output.
        path: PathBuf,
        /// How far it got.
        what: String,
    },
}

impl Error {
    /// The file or folder the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Error::Io { path, .. }
            | Error::Unrecognised { path, .. }
            | Error::Truncated { path, .. }
            | Error::Corrupt { path, .. }
            | Error::MetadataInvalid { path, .. }
            | Error::Unsupported { path, .. }
            | Error::NotThere { path, .. }
            | Error::Misaligned { path, .. }
            | Error::Exists { path }
            | Error::Incomplete { path, .. } => path,
        }
    }

    /// A stable word for `--json`.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Io { .. } => "io",
            Error::Unrecognised { .. } => "unrecognised",
            Error::Truncated { .. } => "truncated",
            Error::Corrupt { .. } => "corrupt",
            Error::MetadataInvalid { .. } => "metadata-invalid",
            Error::Unsupported { .. } => "unsupported",
            Error::NotThere { .. } => "not-there",
            Error::Misaligned { .. } => "misaligned",
            Error::Exists { .. } => "exists",
            Error::Incomplete { .. } => "incomplete",
        }
    }

    /// What the reader of the message can do, if there is anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Unsupported { hint, .. } if !hint.is_empty() => Some(hint.clone()),
            Error::Exists { .. } => Some("give --overwrite to replace it".to_owned()),
            Error::Truncated { .. } | Error::Corrupt { .. } => Some(
                "copy the file anew from where it was recorded; `hooke convert --rescue` keeps what \
                 can be read"
                    .to_owned(),
            ),
            Error::Incomplete { .. } => {
                Some("go on with --resume, or start anew with --overwrite".to_owned())
            }
            Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some("check the spelling of the path".to_owned())
            }
            _ => None,
        }
    }

    /// Whether trying again may help: a network disk that hiccups, not a damaged file.
    pub fn is_transient(&self) -> bool {
        use std::io::ErrorKind as Kind;
        let Error::Io { source, .. } = self else { return false };
        const EIO: i32 = 5;
        const ESTALE: i32 = 116;
        matches!(
            source.kind(),
            Kind::TimedOut | Kind::WouldBlock | Kind::Interrupted | Kind::ConnectionReset
        ) || matches!(source.raw_os_error(), Some(EIO | ESTALE))
    }

    /// Whether the file is damaged, as opposed to a disk that fails.
    pub fn is_damage(&self) -> bool {
        matches!(self, Error::Corrupt { .. } | Error::Truncated { .. })
    }

    /// Whether the whole run must stop: no space, no quota, a read-only disk.
    pub fn is_fatal(&self) -> bool {
        use std::io::ErrorKind as Kind;
        let Error::Io { source, .. } = self else { return false };
        matches!(
            source.kind(),
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge | Kind::ReadOnlyFilesystem
        )
    }

    /// An operating-system error with what was tried.
    pub fn io(path: impl Into<PathBuf>, doing: impl Into<String>, source: std::io::Error) -> Error {
        Error::Io { path: path.into(), doing: doing.into(), source }
    }

    /// Content that contradicts itself.
    pub fn corrupt(path: impl Into<PathBuf>, what: impl Into<String>) -> Error {
        Error::Corrupt { path: path.into(), what: what.into() }
    }

    /// Metadata that is not what the format prescribes.
    pub fn metadata(path: impl Into<PathBuf>, what: impl Into<String>) -> Error {
        Error::MetadataInvalid { path: path.into(), what: what.into() }
    }

    /// A legal feature that is not supported.
    pub fn unsupported(
        path: impl Into<PathBuf>,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Error {
        Error::Unsupported { path: path.into(), what: what.into(), hint: hint.into() }
    }
}

/// The operating system's words without its error number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_reads_as_a_sentence() {
        let source = std::io::Error::from_raw_os_error(2);
        let error = Error::io("a.tif", "open", source);
        assert_eq!(error.to_string(), "a.tif: cannot open: no such file or directory");
        assert!(!error.is_transient() && !error.is_fatal());
    }

    #[test]
    fn a_full_disk_is_fatal_and_a_stale_handle_is_transient() {
        assert!(Error::io("a", "write", std::io::Error::from_raw_os_error(28)).is_fatal());
        assert!(Error::io("a", "read", std::io::Error::from_raw_os_error(116)).is_transient());
    }
}
