//! Image files that are kept open, a bounded number of them: a set may have ten thousand.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hooke_core::ImageSource;
use hooke_io::{ChunkCache, OpenOptions};

/// Files kept open at once.
const OPEN_FILES: usize = 64;

/// What is opened: a file, and how it is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FileKey {
    /// The file or container.
    pub path: PathBuf,
    /// Member of a container.
    pub dataset: Option<String>,
    /// What the stored dimensions are, where the user says so.
    pub axes: Option<String>,
}

impl FileKey {
    /// A file as it is.
    pub fn new(path: &Path, dataset: Option<&str>) -> FileKey {
        FileKey { path: path.to_owned(), dataset: dataset.map(str::to_owned), axes: None }
    }

    /// How the file is to be opened.
    pub fn how(&self, cache: &Arc<ChunkCache>) -> OpenOptions {
        OpenOptions {
            axes: self.axes.clone(),
            dataset: self.dataset.clone(),
            cache: Some(Arc::clone(cache)),
            ..OpenOptions::default()
        }
    }
}

/// Files opened when first asked for; the oldest are closed again.
pub(crate) struct OpenFiles {
    files: Mutex<Files>,
    cache: Arc<ChunkCache>,
}

type Images = Arc<[Arc<dyn ImageSource>]>;

#[derive(Default)]
struct Files {
    images: HashMap<FileKey, Images>,
    order: VecDeque<FileKey>,
}

impl OpenFiles {
    /// Nothing is open yet; decoded chunks go to `cache`.
    pub fn new(cache: Arc<ChunkCache>) -> OpenFiles {
        OpenFiles { files: Mutex::default(), cache }
    }

    /// One image of a file.
    ///
    /// # Errors
    /// When the file cannot be opened or has no such image.
    pub fn image(
        &self,
        key: &FileKey,
        series: usize,
    ) -> Result<Arc<dyn ImageSource>, hooke_io::Error> {
        let images = self.images(key)?;
        images.get(series).cloned().ok_or_else(|| hooke_io::Error::NotThere {
            path: key.path.clone(),
            what: format!("image {series}; it has {}", images.len()),
        })
    }

    /// All images of a file.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn images(&self, key: &FileKey) -> Result<Images, hooke_io::Error> {
        if let Some(images) = self.lock().images.get(key) {
            return Ok(Arc::clone(images));
        }
        let opened = hooke_io::open(&key.path, &key.how(&self.cache))?;
        let images: Images = opened.images().into();
        let mut files = self.lock();
        if files.images.insert(key.clone(), Arc::clone(&images)).is_none() {
            files.order.push_back(key.clone());
        }
        while files.order.len() > OPEN_FILES {
            if let Some(oldest) = files.order.pop_front() {
                files.images.remove(&oldest);
            }
        }
        Ok(images)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
