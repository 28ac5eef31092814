//! Tables of rows as CSV, plain or gzip: our columns, floats as the shortest text that reads back equal.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};

use super::columns::{Access, Column, Row};
use super::parquet::check_rows;
use crate::Error;
use crate::atomic::AtomicFile;
use crate::tables::TableError;

/// What stands between the ids of a list.
const IDS: &str = " ";

/// Writes a table as CSV, compressed when the name ends in `.gz`. Absent values and numbers that are
/// not finite are empty cells; ids of a list stand with spaces between them.
///
/// # Errors
/// [`TableError::File`] when the file cannot be written.
pub fn write_csv_rows<R: Row>(path: &Path, rows: &[R]) -> Result<(), TableError> {
    write_records(path, &R::columns().iter().map(|c| c.name).collect::<Vec<_>>(), |out| {
        let mut cells: Vec<String> = Vec::new();
        for row in rows {
            cells.clear();
            cells.extend(R::columns().iter().map(|column| cell(column, row)));
            out(&cells)?;
        }
        Ok(())
    })
}

/// Writes a head and records, compressed when the name ends in `.gz`, whole or not at all.
pub(super) fn write_records(
    path: &Path,
    head: &[&str],
    write: impl FnOnce(&mut dyn FnMut(&[String]) -> csv::Result<()>) -> csv::Result<()>,
) -> Result<(), TableError> {
    let mut file = AtomicFile::create(path)?;
    let all = |to: &mut dyn Write| -> csv::Result<()> {
        let mut text = csv::Writer::from_writer(to);
        text.write_record(head)?;
        write(&mut |cells| text.write_record(cells))?;
        Ok(text.flush()?)
    };
    let written = match is_gzip(path) {
        false => all(&mut file),
        true => {
            // No name and no time: equal rows give equal bytes.
            let mut packed = GzBuilder::new().write(&mut file, Compression::default());
            all(&mut packed).and_then(|()| Ok(packed.finish().map(drop)?))
        }
    };
    written.map_err(|e| match e.into_kind() {
        csv::ErrorKind::Io(e) => TableError::File(Error::io(path, "write", e)),
        other => TableError::Unreadable { path: path.to_owned(), what: format!("{other:?}") },
    })?;
    file.commit_unstamped()?;
    Ok(())
}

fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"))
}

/// A finite number as text, nothing for any other.
pub(super) fn number(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}

fn cell<R>(column: &Column<R>, row: &R) -> String {
    let single = |v: f32| if v.is_finite() { v.to_string() } else { String::new() };
    match &column.access {
        Access::U64(get, _) => get(row).to_string(),
        Access::U32(get, _) => get(row).to_string(),
        Access::U16(get, _) => get(row).to_string(),
        Access::I64(get, _) => get(row).to_string(),
        Access::I8(get, _) => get(row).to_string(),
        Access::F64(get, _) => number(get(row)),
        Access::F32(get, _) => single(get(row)),
        Access::OptF64(get, _) => get(row).map(number).unwrap_or_default(),
        Access::OptF32(get, _) => get(row).map(single).unwrap_or_default(),
        Access::Bool(get, _) => get(row).to_string(),
        Access::Text(get, _) => get(row).to_owned(),
        Access::Ids(get, _) => get(row).iter().map(u64::to_string).collect::<Vec<_>>().join(IDS),
    }
}

/// A CSV file as a stream of records, compressed or not.
pub(super) struct Records {
    reader: csv::Reader<Box<dyn Read>>,
    /// Names of the columns.
    pub head: Vec<String>,
}

impl Records {
    /// Opens a file; whether it is compressed is seen from its first bytes.
    pub fn open(path: &Path) -> Result<Records, TableError> {
        let mut file = BufReader::new(File::open(path).map_err(|e| Error::io(path, "open", e))?);
        let begin =
            std::io::BufRead::fill_buf(&mut file).map_err(|e| Error::io(path, "read", e))?;
        let packed = begin.starts_with(b"\x1f\x8b");
        let bom = begin.starts_with(b"\xEF\xBB\xBF");
        if bom {
            std::io::BufRead::consume(&mut file, 3);
        }
        let text: Box<dyn Read> = match packed {
            true => Box::new(MultiGzDecoder::new(file)),
            false => Box::new(file),
        };
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text);
        let head = reader.headers().map_err(|e| unreadable(path, &e))?;
        let head = head.iter().map(str::to_owned).collect();
        Ok(Records { reader, head })
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.head.iter().position(|c| c == name)
    }

    /// The place of a column that must be there.
    pub fn required(&self, path: &Path, name: &str) -> Result<usize, TableError> {
        self.column(name).ok_or_else(|| TableError::NoColumn {
            path: path.to_owned(),
            column: name.to_owned(),
            found: self.head.clone(),
        })
    }

    /// Calls `with` on each record and its number, from 1.
    pub fn each(
        &mut self,
        path: &Path,
        mut with: impl FnMut(usize, &csv::StringRecord) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        let mut record = csv::StringRecord::new();
        let mut row = 0;
        while self.reader.read_record(&mut record).map_err(|e| unreadable(path, &e))? {
            row += 1;
            with(row, &record)?;
        }
        Ok(())
    }
}

fn unreadable(path: &Path, error: &csv::Error) -> TableError {
    TableError::Unreadable { path: path.to_owned(), what: error.to_string() }
}

/// A cell that does not hold what its column holds.
pub(super) fn bad_cell(
    path: &Path,
    row: usize,
    column: &str,
    found: &str,
    wanted: &'static str,
) -> TableError {
    let found = if found.is_empty() { "nothing".to_owned() } else { format!("`{found}`") };
    TableError::BadCell { path: path.to_owned(), row, column: column.to_owned(), found, wanted }
}

/// Reads a table of rows `R` from CSV; further columns are ignored, and columns that may be null may
/// be missing.
///
/// # Errors
/// As [`super::read_rows`].
pub fn read_csv_rows<R: Row>(path: &Path) -> Result<Vec<R>, TableError> {
    let mut records = Records::open(path)?;
    let mut places = Vec::new();
    for column in R::columns() {
        match (records.column(column.name), column.is_nullable()) {
            (Some(place), _) => places.push((column, place)),
            (None, true) => {}
            (None, false) => drop(records.required(path, column.name)?),
        }
    }
    let mut rows: Vec<R> = Vec::new();
    records.each(path, |number, record| {
        let mut row = R::blank();
        for (column, place) in &places {
            let text = record.get(*place).unwrap_or_default();
            if !put(column, &mut row, text, rows.last()) {
                return Err(bad_cell(path, number, column.name, text, column.wanted()));
            }
        }
        rows.push(row);
        Ok(())
    })?;
    check_rows(path, 0, &rows)?;
    Ok(rows)
}

fn put<R>(column: &Column<R>, row: &mut R, text: &str, before: Option<&R>) -> bool {
    fn parsed<R, T: std::str::FromStr>(
        row: &mut R,
        text: &str,
        set: fn(&mut R, T) -> bool,
    ) -> bool {
        text.parse().is_ok_and(|value| set(row, value))
    }
    match &column.access {
        Access::U64(_, set) => parsed(row, text, *set),
        Access::U32(_, set) => parsed(row, text, *set),
        Access::U16(_, set) => parsed(row, text, *set),
        Access::I64(_, set) => parsed(row, text, *set),
        Access::I8(_, set) => parsed(row, text, *set),
        Access::Bool(_, set) => parsed(&mut *row, &text.to_ascii_lowercase(), *set),
        Access::F64(_, set) if text.is_empty() => set(row, f64::NAN),
        Access::F64(_, set) => parsed(row, text, *set),
        Access::F32(_, set) if text.is_empty() => set(row, f32::NAN),
        Access::F32(_, set) => parsed(row, text, *set),
        Access::OptF64(_, set) if text.is_empty() => set(row, None),
        Access::OptF64(_, set) => text.parse().is_ok_and(|v| set(row, Some(v))),
        Access::OptF32(_, set) if text.is_empty() => set(row, None),
        Access::OptF32(_, set) => text.parse().is_ok_and(|v| set(row, Some(v))),
        Access::Text(_, set) => set(row, text, before),
        Access::Ids(_, set) => {
            let ids: Result<Vec<u64>, _> = text.split_whitespace().map(str::parse).collect();
            ids.is_ok_and(|ids| set(row, ids))
        }
    }
}
