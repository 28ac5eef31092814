//! The store: blobs and matches of many experiments in one SQLite file, where reviews survive.
//!
//! | module | does |
//! |---|---|
//! | `schema` | the tables, and what else a file must be to be a store |
//! | `insert` | upserts: a row keeps its id, its matches and its review |
//! | `select` | experiments, blobs and matches; reading never writes |
//! | `error` | what can go wrong |
//!
//! A blob is the same blob as one that is there when region, frame, channel, place to a thousandth of a
//! voxel and being ground truth or not agree. Nothing is ever deleted.

mod error;
mod insert;
mod schema;
mod select;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::sqlite::failed;
use crate::atomic::AtomicFile;
use crate::{Error, Result};
pub use error::StoreError;
pub use insert::{Import, Imported};
pub use schema::is_store;
pub use select::{Experiment, StoredBlobs, StoredMatch};

/// An open store.
#[derive(Debug)]
pub struct BlobStore {
    path: PathBuf,
    db: Connection,
}

impl BlobStore {
    /// Opens a store that is there, to add to it.
    ///
    /// # Errors
    /// [`Error::Io`] when it is not there or in use; [`Error::Unrecognised`] for other files,
    /// [`Error::Corrupt`] for damaged ones, [`Error::Unsupported`] for stores of a newer Hooke: they are
    /// not changed.
    pub fn open(path: &Path) -> Result<BlobStore> {
        schema::check(path)?;
        let store = BlobStore::connect(path)?;
        store.prepare()?;
        Ok(store)
    }

    /// Opens a store that is there, to read it only.
    ///
    /// # Errors
    /// As [`BlobStore::open`].
    pub fn open_to_read(path: &Path) -> Result<BlobStore> {
        schema::check(path)?;
        let store = match BlobStore::connect(path) {
            Ok(store) if store.db.pragma_update(None, "query_only", true).is_ok() => store,
            // A folder that cannot be written, where SQLite cannot coordinate with others either.
            _ => BlobStore { path: path.to_owned(), db: super::sqlite::open_to_read(path)? },
        };
        match store.db.query_row("SELECT count(*) FROM experiments", [], |_| Ok(())) {
            Ok(()) => Ok(store),
            Err(_) => {
                Ok(BlobStore { path: path.to_owned(), db: super::sqlite::open_to_read(path)? })
            }
        }
    }

    /// Makes a store; it appears under its name with what `fill` puts into it, or not at all.
    ///
    /// # Errors
    /// [`Error::Exists`] when something is there already; those of `fill`.
    pub fn create<T, E: From<Error>>(
        path: &Path,
        fill: impl FnOnce(&mut BlobStore) -> Result<T, E>,
    ) -> Result<T, E> {
        if path.exists() {
            return Err(Error::Exists { path: path.to_owned() }.into());
        }
        let file = AtomicFile::create(path)?;
        let mut store = BlobStore::connect(file.temporary())?;
        store.path = path.to_owned();
        store.sql("create", |db| {
            db.pragma_update(None, "journal_mode", "WAL")?;
            db.execute_batch(schema::SCHEMA)?;
            db.pragma_update(None, "user_version", schema::VERSION)
        })?;
        store.prepare()?;
        let filled = fill(&mut store)?;
        // Closing takes the log into the file and removes it; only then is the file whole.
        store.db.close().map_err(|(_, e)| failed(path, "close", e))?;
        file.commit_unstamped()?;
        Ok(filled)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connect(path: &Path) -> Result<BlobStore> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).map_err(|e| failed(path, "open", e))?;
        Ok(BlobStore { path: path.to_owned(), db })
    }

    fn prepare(&self) -> Result<()> {
        self.sql("open", |db| {
            db.pragma_update(None, "foreign_keys", true)?;
            db.pragma_update(None, "journal_mode", "WAL")
        })
    }

    fn sql<T>(
        &self,
        doing: &str,
        with: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        with(&self.db).map_err(|e| failed(&self.path, doing, e))
    }
}
