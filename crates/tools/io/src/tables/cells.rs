//! Any table as rows of named cells.

use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use serde_json::{Map, Value};

use super::{TableError, TableFormat, format_of, read_parquet};
use crate::Error;

/// A table in memory: names of columns, and cells by row.
pub(super) struct Cells {
    pub path: PathBuf,
    pub columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Empty,
    Text(String),
    Number(f64),
    Integer(i64),
    /// Something that no column of ours holds, as text for the message.
    Other(String),
}

impl Cells {
    pub fn read(path: &Path) -> Result<Cells, TableError> {
        let (columns, rows) = match format_of(path)? {
            TableFormat::Csv => read_csv(path)?,
            TableFormat::Parquet => parquet_cells(path)?,
            TableFormat::Json => read_json(path)?,
        };
        if rows.is_empty() {
            return Err(TableError::Empty { path: path.to_owned() });
        }
        Ok(Cells { path: path.to_owned(), columns, rows })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    fn get(&self, row: usize, column: &str) -> &Cell {
        match self.columns.iter().position(|c| c == column) {
            Some(index) => self.rows[row].get(index).unwrap_or(&Cell::Empty),
            None => &Cell::Empty,
        }
    }

    pub fn bad(&self, row: usize, column: &str, wanted: &'static str) -> TableError {
        let found = match self.get(row, column) {
            Cell::Empty => "nothing".to_owned(),
            Cell::Text(text) | Cell::Other(text) => format!("`{text}`"),
            Cell::Number(number) => number.to_string(),
            Cell::Integer(number) => number.to_string(),
        };
        let (path, column) = (self.path.clone(), column.to_owned());
        TableError::BadCell { path, row: row + 1, column, found, wanted }
    }

    pub fn text(&self, row: usize, column: &str) -> Result<Option<String>, TableError> {
        match self.get(row, column) {
            Cell::Empty => Ok(None),
            Cell::Text(text) => Ok(Some(text.clone())),
            Cell::Integer(number) => Ok(Some(number.to_string())),
            _ => Err(self.bad(row, column, "text")),
        }
    }

    pub fn required_text(&self, row: usize, column: &str) -> Result<String, TableError> {
        self.text(row, column)?.ok_or_else(|| self.bad(row, column, "text"))
    }

    pub fn number(&self, row: usize, column: &str) -> Result<Option<f64>, TableError> {
        let value = match self.get(row, column) {
            Cell::Empty => return Ok(None),
            Cell::Number(number) => Some(*number),
            Cell::Integer(number) => Some(*number as f64),
            Cell::Text(text) => text.parse().ok(),
            Cell::Other(_) => None,
        };
        let finite = value.filter(|v| v.is_finite());
        finite.map(Some).ok_or_else(|| self.bad(row, column, "a number"))
    }

    pub fn integer(&self, row: usize, column: &str) -> Result<Option<i64>, TableError> {
        let value = match self.get(row, column) {
            Cell::Empty => return Ok(None),
            Cell::Integer(number) => Some(*number),
            // Spreadsheets and pandas write whole numbers of a column with gaps as 3.0.
            Cell::Number(number) => whole(*number),
            Cell::Text(text) => text.parse().ok().or_else(|| text.parse().ok().and_then(whole)),
            Cell::Other(_) => None,
        };
        value.map(Some).ok_or_else(|| self.bad(row, column, "a whole number"))
    }

    pub fn index(&self, row: usize, column: &str) -> Result<Option<usize>, TableError> {
        match self.integer(row, column)? {
            None => Ok(None),
            Some(value) => usize::try_from(value)
                .map(Some)
                .map_err(|_| self.bad(row, column, "a whole number from 0")),
        }
    }
}

fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 2f64.powi(53)).then_some(number as i64)
}

type Table = (Vec<String>, Vec<Vec<Cell>>);

fn read_csv(path: &Path) -> Result<Table, TableError> {
    let text = std::fs::read(path).map_err(|e| Error::io(path, "read", e))?;
    // Excel begins UTF-8 with a byte order mark, which is not part of the first column's name.
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
    let unreadable =
        |e: csv::Error| TableError::Unreadable { path: path.to_owned(), what: e.to_string() };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let columns = reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let cell = |text: &str| match text {
            "" => Cell::Empty,
            text => Cell::Text(text.to_owned()),
        };
        rows.push(record.map_err(unreadable)?.iter().map(cell).collect());
    }
    Ok((columns, rows))
}

fn read_json(path: &Path) -> Result<Table, TableError> {
    let text = std::fs::read(path).map_err(|e| Error::io(path, "read", e))?;
    let unreadable = |what: String| TableError::Unreadable { path: path.to_owned(), what };
    let objects: Vec<Map<String, Value>> = serde_json::from_slice(&text)
        .map_err(|e| unreadable(format!("a list of objects is wanted: {e}")))?;
    let mut columns: Vec<String> = Vec::new();
    for key in objects.iter().flat_map(Map::keys) {
        if !columns.contains(key) {
            columns.push(key.clone());
        }
    }
    let cell = |value: Option<&Value>| match value {
        None | Some(Value::Null) => Cell::Empty,
        Some(Value::String(text)) => Cell::Text(text.clone()),
        Some(Value::Number(number)) => match number.as_i64() {
            Some(integer) => Cell::Integer(integer),
            None => Cell::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
        Some(other) => Cell::Other(other.to_string()),
    };
    let row = |object: &Map<String, Value>| columns.iter().map(|c| cell(object.get(c))).collect();
    let rows = objects.iter().map(row).collect();
    Ok((columns, rows))
}

fn parquet_cells(path: &Path) -> Result<Table, TableError> {
    let batches = read_parquet(path)?;
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    for batch in &batches {
        columns = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
        for row in 0..batch.num_rows() {
            rows.push(batch.columns().iter().map(|array| arrow_cell(array, row)).collect());
        }
    }
    Ok((columns, rows))
}

fn arrow_cell(array: &ArrayRef, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Empty;
    }
    macro_rules! integer {
        ($type:ty) => {
            Cell::Integer(array.as_primitive::<$type>().value(row).into())
        };
    }
    match array.data_type() {
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Cell::Text(array.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Cell::Text(array.as_string_view().value(row).to_owned()),
        DataType::Float64 => Cell::Number(array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => Cell::Number(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Int8 => integer!(Int8Type),
        DataType::Int16 => integer!(Int16Type),
        DataType::Int32 => integer!(Int32Type),
        DataType::Int64 => integer!(Int64Type),
        DataType::UInt8 => integer!(UInt8Type),
        DataType::UInt16 => integer!(UInt16Type),
        DataType::UInt32 => integer!(UInt32Type),
        DataType::UInt64 => {
            let value = array.as_primitive::<UInt64Type>().value(row);
            i64::try_from(value).map_or_else(|_| Cell::Other(value.to_string()), Cell::Integer)
        }
        // pandas writes repeated text as a dictionary.
        DataType::Dictionary(_, _) => match array.as_any_dictionary_opt() {
            Some(dictionary) => arrow_cell(dictionary.values(), dictionary.normalized_keys()[row]),
            None => Cell::Other("a dictionary".to_owned()),
        },
        other => Cell::Other(format!("a value of type {other}")),
    }
}
