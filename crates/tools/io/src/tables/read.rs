//! CSV or Parquet to one record batch.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_select::concat::concat_batches;

use super::{TableError, TableFormat, format_of, read_parquet};
use crate::Error;

/// Reads a table whole: CSV or Parquet, by the suffix.
///
/// A column of CSV whose cells all are whole numbers is `Int64`, of numbers `Float64`, else text;
/// empty cells are absent.
///
/// # Errors
/// [`TableError::UnknownSuffix`]; [`TableError::Unreadable`] for damaged files;
/// [`TableError::Empty`] for a table without a row.
pub fn read_table(path: &Path) -> Result<RecordBatch, TableError> {
    let batch = match format_of(path)? {
        TableFormat::Csv => csv(path)?,
        TableFormat::Parquet => parquet(path)?,
        TableFormat::Json => return Err(TableError::UnknownSuffix { path: path.to_owned() }),
    };
    match batch.num_rows() {
        0 => Err(TableError::Empty { path: path.to_owned() }),
        _ => Ok(batch),
    }
}

fn parquet(path: &Path) -> Result<RecordBatch, TableError> {
    let batches = read_parquet(path)?;
    let Some(first) = batches.first() else {
        return Err(TableError::Empty { path: path.to_owned() });
    };
    concat_batches(&first.schema(), &batches)
        .map_err(|e| TableError::Unreadable { path: path.to_owned(), what: e.to_string() })
}

fn csv(path: &Path) -> Result<RecordBatch, TableError> {
    let text = std::fs::read(path).map_err(|e| Error::io(path, "read", e))?;
    // Excel begins UTF-8 with a byte order mark, which is not part of the first column's name.
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
    let unreadable = |what: String| TableError::Unreadable { path: path.to_owned(), what };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let names: Vec<String> = reader
        .headers()
        .map_err(|e| unreadable(e.to_string()))?
        .iter()
        .map(str::to_owned)
        .collect();
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
    for record in reader.records() {
        let record = record.map_err(|e| unreadable(e.to_string()))?;
        for (column, cell) in columns.iter_mut().zip(record.iter()) {
            column.push((!cell.is_empty()).then(|| cell.to_owned()));
        }
    }
    let arrays = names.iter().zip(columns).map(|(n, cells)| (n.clone(), typed(cells), true));
    RecordBatch::try_from_iter_with_nullable(arrays).map_err(|e| unreadable(e.to_string()))
}

fn typed(cells: Vec<Option<String>>) -> ArrayRef {
    let all = |is: &dyn Fn(&str) -> bool| cells.iter().flatten().all(|c| is(c));
    if all(&|c| c.parse::<i64>().is_ok()) {
        let numbers = cells.iter().map(|c| c.as_deref().and_then(|c| c.parse::<i64>().ok()));
        return Arc::new(numbers.collect::<Int64Array>());
    }
    if all(&|c| c.parse::<f64>().is_ok()) {
        let numbers = cells.iter().map(|c| c.as_deref().and_then(|c| c.parse::<f64>().ok()));
        return Arc::new(numbers.collect::<Float64Array>());
    }
    Arc::new(StringArray::from_iter(cells))
}
