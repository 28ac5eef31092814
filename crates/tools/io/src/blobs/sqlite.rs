//! SQLite files: opened without leaving a trace, errors with what was tried.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{Error, Result};

/// Opens a database only to read it.
///
/// Where no other program has it open, nothing is made beside it.
///
/// # Errors
/// [`Error::Io`] when it is not there, [`Error::Corrupt`] when it is not a database or cut.
pub(super) fn open_to_read(path: &Path) -> Result<Connection> {
    let inspected = std::fs::metadata(path).map_err(|e| Error::io(path, "open", e))?;
    if inspected.len() == 0 {
        return Err(Error::Unrecognised { path: path.to_owned(), found: "0 bytes".to_owned() });
    }
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // Without a log beside it the file is all there is, and SQLite need not coordinate with anyone.
    let alone = std::fs::metadata(&log).map_or(true, |m| m.len() == 0);
    let uri = uri(path, alone);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(uri, flags).map_err(|e| failed(path, "open", e))?;
    let number = |sql: &str| {
        db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| failed(path, "read", e))
    };
    // SQLite takes a last page that is cut for a whole one.
    let expected = (number("PRAGMA page_count")? * number("PRAGMA page_size")?).unsigned_abs();
    if alone && inspected.len() < expected {
        let (path, what, found) = (path.to_owned(), "the database".to_owned(), inspected.len());
        return Err(Error::Truncated { path, what, expected, found });
    }
    Ok(db)
}

/// A path as SQLite's URI, whatever bytes it has.
fn uri(path: &Path, immutable: bool) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut uri = "file:".to_owned();
    for byte in absolute.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                uri.push(char::from(*byte));
            }
            other => uri += &format!("%{other:02X}"),
        }
    }
    if immutable {
        uri += "?immutable=1";
    }
    uri
}

/// SQLite's error as one of ours.
pub(super) fn failed(path: &Path, doing: &str, error: rusqlite::Error) -> Error {
    use std::io::ErrorKind as Kind;
    let kind = match &error {
        rusqlite::Error::SqliteFailure(code, _) => match code.code {
            ErrorCode::DiskFull => Kind::StorageFull,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Kind::WouldBlock,
            ErrorCode::ReadOnly => Kind::ReadOnlyFilesystem,
            ErrorCode::PermissionDenied => Kind::PermissionDenied,
            ErrorCode::NotADatabase => {
                let found = "not a database of SQLite".to_owned();
                return Error::Unrecognised { path: path.to_owned(), found };
            }
            ErrorCode::DatabaseCorrupt => {
                return Error::corrupt(path, format!("SQLite: {error}"));
            }
            _ => Kind::Other,
        },
        // A cell that does not hold what its column should.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::SqlInputError { .. } => {
            return Error::corrupt(path, format!("SQLite: {error}"));
        }
        _ => Kind::Other,
    };
    Error::io(path, doing, std::io::Error::new(kind, error))
}

/// The number that a program keeps in a database to tell its versions apart.
pub(super) fn user_version(path: &Path, db: &Connection) -> Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|e| failed(path, "read", e))
}

/// The columns of a table; none when there is no such table.
pub(super) fn columns(path: &Path, db: &Connection, table: &str) -> Result<Vec<String>> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = db.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
        statement.query_map([table], |row| row.get(0))?.collect()
    };
    read().map_err(|e| failed(path, "read", e))
}
