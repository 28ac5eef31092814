//! The image of a file that a command works on.

use std::path::Path;
use std::sync::Arc;

use hooke_core::ImageSource;
use hooke_io::OpenOptions;

/// Why a file does not give one image.
#[derive(Debug)]
pub(crate) enum NoImage {
    /// It cannot be opened.
    Io(hooke_io::Error),
    /// It holds several, or not the one that was asked for.
    Choice {
        /// What is wrong.
        what: String,
        /// A way on.
        hint: &'static str,
    },
}

impl NoImage {
    /// As the error of a workflow.
    pub fn sorted<E>(
        self,
        io: impl Fn(hooke_io::Error) -> E,
        choice: impl Fn(String, &'static str) -> E,
    ) -> E {
        match self {
            NoImage::Io(error) => io(error),
            NoImage::Choice { what, hint } => choice(what, hint),
        }
    }
}

/// One image of a file: the one of that index, else its only one; labels beside an image do not count.
///
/// # Errors
/// When the file cannot be opened, has no such image, or holds several.
pub(crate) fn one_image(
    path: &Path,
    how: &OpenOptions,
    index: Option<usize>,
) -> Result<Arc<dyn ImageSource>, NoImage> {
    let opened = hooke_io::open(path, how).map_err(NoImage::Io)?;
    let all = opened.images();
    let plain: Vec<usize> = (0..all.len()).filter(|i| !all[*i].meta().labels).collect();
    let (path, n) = (path.display(), all.len());
    match (index, plain.as_slice()) {
        (Some(index), _) => all.get(index).cloned().ok_or_else(|| NoImage::Choice {
            what: format!("{path}: no image {index}; it has {n}, counted from 0"),
            hint: "hooke info lists them",
        }),
        (None, [one]) => Ok(Arc::clone(&all[*one])),
        (None, []) if n == 1 => Ok(Arc::clone(&all[0])),
        (None, _) => Err(NoImage::Choice {
            what: format!("{path} holds {n} images"),
            hint: "choose one with --image N; hooke info lists them",
        }),
    }
}
