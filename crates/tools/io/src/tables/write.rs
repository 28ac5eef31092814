//! Record batches to CSV or Parquet, whole or not at all.

use std::fs::File;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int32Type, Int64Type, UInt8Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::{TableError, TableFormat, format_of};
use crate::Error;
use crate::atomic::AtomicFile;

/// Writes a table as CSV or Parquet, by the suffix; it appears under its name when it is complete.
///
/// Parquet is compressed with zstd, columns of floats without a dictionary. In CSV an absent value
/// is an empty cell, floats are the shortest text that reads back equal.
///
/// # Errors
/// [`TableError::UnknownSuffix`]; [`TableError::Unreadable`] for a column that the format cannot
/// hold; [`TableError::File`] when the file cannot be written.
pub fn write_table(path: &Path, batch: &RecordBatch) -> Result<(), TableError> {
    let format = format_of(path)?;
    let mut file = AtomicFile::create(path)?;
    match format {
        TableFormat::Csv => write_csv(path, &mut file, batch)?,
        TableFormat::Parquet => write_parquet(path, &mut file, batch)?,
        TableFormat::Json => return Err(TableError::UnknownSuffix { path: path.to_owned() }),
    }
    file.commit()?;
    Ok(())
}

fn write_parquet(
    path: &Path,
    file: &mut AtomicFile,
    batch: &RecordBatch,
) -> Result<(), TableError> {
    let level = ZstdLevel::try_new(3).expect("a legal level");
    let mut properties = WriterProperties::builder().set_compression(Compression::ZSTD(level));
    for field in batch.schema().fields() {
        if field.data_type().is_floating() {
            let column = ColumnPath::new(vec![field.name().clone()]);
            properties = properties.set_column_dictionary_enabled(column, false);
        }
    }
    let failed = |e: parquet::errors::ParquetError| TableError::Unreadable {
        path: path.to_owned(),
        what: e.to_string(),
    };
    let mut writer =
        ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).map_err(failed)?;
    writer.write(batch).map_err(failed)?;
    writer.close().map_err(failed)?;
    Ok(())
}

fn write_csv(path: &Path, file: &mut AtomicFile, batch: &RecordBatch) -> Result<(), TableError> {
    let schema = batch.schema();
    for field in schema.fields() {
        if !is_plain(field.data_type()) {
            let what = format!("column `{}` of type {} in CSV", field.name(), field.data_type());
            return Err(TableError::Unreadable { path: path.to_owned(), what });
        }
    }
    let mut text = csv::Writer::from_writer(Vec::new());
    let failed =
        |e: csv::Error| TableError::Unreadable { path: path.to_owned(), what: e.to_string() };
    text.write_record(schema.fields().iter().map(|f| f.name())).map_err(failed)?;
    for row in 0..batch.num_rows() {
        text.write_record(batch.columns().iter().map(|c| csv_cell(c, row))).map_err(failed)?;
    }
    let text = text.into_inner().expect("a vector takes everything");
    file.write_all(&text).map_err(|e| Error::io(path, "write", e))?;
    Ok(())
}

fn is_plain(kind: &DataType) -> bool {
    use DataType as D;
    matches!(
        kind,
        D::Utf8
            | D::Boolean
            | D::Float32
            | D::Float64
            | D::Int32
            | D::Int64
            | D::UInt8
            | D::UInt32
            | D::UInt64
    )
}

fn csv_cell(array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return String::new();
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Float32 => array.as_primitive::<Float32Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).to_string(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).to_string(),
        other => unreachable!("{other} was refused before the first row"),
    }
}

/// Reads a Parquet file as record batches.
///
/// # Errors
/// [`TableError::File`] when it cannot be opened, [`TableError::Unreadable`] when it is damaged.
pub fn read_parquet(path: &Path) -> Result<Vec<RecordBatch>, TableError> {
    let unreadable = |what: String| TableError::Unreadable { path: path.to_owned(), what };
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    // The reader trusts some of the lengths that a file states and panics at damaged ones.
    let read = catch_unwind(AssertUnwindSafe(|| {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(|e| e.to_string())?;
        reader.collect::<Result<_, _>>().map_err(|e| e.to_string())
    }));
    read.unwrap_or_else(|_| Err("the file is damaged".to_owned())).map_err(unreadable)
}
