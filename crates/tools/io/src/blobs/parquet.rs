//! Tables of rows in Parquet: read and written part by part, equal rows giving equal bytes.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use serde_json::Value;

use super::columns::{Row, arrays, schema};
use super::image::BlobImage;
use crate::Error;
use crate::atomic::AtomicFile;
use crate::tables::TableError;

/// Rows turned into columns at once.
const PART: usize = 1 << 16;
/// Rows of a group: what a writer holds encoded, and a reader can skip.
const GROUP: usize = 1 << 20;
const IMAGE: &str = "hooke.image";
const PARAMETERS: &str = "hooke.parameters";
const VERSION: &str = "hooke.version";

/// What a table says of itself, beside its rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableMeta {
    /// The image the rows were found in.
    pub image: Option<BlobImage>,
    /// Parameters that can change rows.
    pub parameters: Option<Value>,
}

/// Writes a table; it appears under its name when it is complete.
///
/// Columns, order and types are those of [`Row::columns`]; the key-value metadata hold `hooke.image`,
/// `hooke.parameters` and `hooke.version`. Rows are encoded part by part, so that no second copy of
/// them is ever in memory, and equal rows give equal bytes.
///
/// # Errors
/// [`TableError::File`] when the file cannot be written.
pub fn write_rows<R: Row>(path: &Path, rows: &[R], meta: &TableMeta) -> Result<(), TableError> {
    let mut file = AtomicFile::create(path)?;
    let failed = |e: ParquetError| write_error(path, e);
    let schema = schema::<R>();
    let mut writer = ArrowWriter::try_new(&mut file, schema.clone(), Some(properties::<R>(meta)))
        .map_err(failed)?;
    for part in rows.chunks(PART) {
        let batch = RecordBatch::try_new(schema.clone(), arrays(part))
            .map_err(|e| unreadable(path, e.to_string()))?;
        writer.write(&batch).map_err(failed)?;
    }
    writer.close().map_err(failed)?;
    file.commit_unstamped()?;
    Ok(())
}

fn properties<R: Row>(meta: &TableMeta) -> WriterProperties {
    let level = ZstdLevel::try_new(3).expect("a legal level");
    let text = |value: &Value| value.to_string();
    let image = meta.image.as_ref().and_then(|i| serde_json::to_string(i).ok());
    let known = [
        (IMAGE, image),
        (PARAMETERS, meta.parameters.as_ref().map(text)),
        (VERSION, Some(env!("CARGO_PKG_VERSION").to_owned())),
    ];
    let pairs = known
        .into_iter()
        .filter_map(|(key, value)| value.map(|value| KeyValue::new(key.to_owned(), Some(value))));
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(GROUP))
        .set_key_value_metadata(Some(pairs.collect()));
    for column in R::columns().iter().filter(|c| c.data_type().is_floating()) {
        let path = ColumnPath::new(vec![column.name.to_owned()]);
        properties = properties.set_column_dictionary_enabled(path, false);
    }
    properties.build()
}

/// Reads a table of rows `R`, and what it says of itself. Further columns are ignored.
///
/// # Errors
/// [`TableError::NoColumn`] and [`TableError::WrongType`] before any row is read;
/// [`TableError::BadCell`] with the row for values that a column cannot hold, nulls included;
/// [`TableError::Unreadable`] for a damaged file, [`TableError::File`] when it cannot be opened.
pub fn read_rows<R: Row>(path: &Path) -> Result<(Vec<R>, TableMeta), TableError> {
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    // The reader trusts some of the lengths that a file states and panics at damaged ones.
    catch_unwind(AssertUnwindSafe(|| read(path, file)))
        .unwrap_or_else(|_| Err(unreadable(path, "the file is damaged".to_owned())))
}

fn read<R: Row>(path: &Path, file: File) -> Result<(Vec<R>, TableMeta), TableError> {
    let failed = |e: ParquetError| unreadable(path, e.to_string());
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    let fields = builder.schema().fields().clone();
    let mut chosen = Vec::new();
    for column in R::columns() {
        let Some(index) = fields.iter().position(|f| f.name() == column.name) else {
            return Err(TableError::NoColumn {
                path: path.to_owned(),
                column: column.name.to_owned(),
                found: fields.iter().map(|f| f.name().clone()).collect(),
            });
        };
        let found = fields[index].data_type();
        if !column.accepts(found) {
            return Err(TableError::WrongType {
                path: path.to_owned(),
                column: column.name.to_owned(),
                expected: column.data_type().to_string(),
                found: found.to_string(),
            });
        }
        chosen.push(index);
    }
    let stated = builder.metadata().file_metadata().key_value_metadata();
    let meta = read_meta(path, stated.map_or(&[], Vec::as_slice))?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), chosen);
    let reader = builder.with_projection(mask).with_batch_size(PART).build().map_err(failed)?;
    Ok((collect(path, reader)?, meta))
}

fn collect<R: Row>(path: &Path, reader: ParquetRecordBatchReader) -> Result<Vec<R>, TableError> {
    let mut rows: Vec<R> = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|e| unreadable(path, e.to_string()))?;
        let first = rows.len();
        rows.resize(first + batch.num_rows(), R::blank());
        for column in R::columns() {
            let array = batch
                .column_by_name(column.name)
                .ok_or_else(|| unreadable(path, format!("column `{}` is lost", column.name)))?;
            column.put(array, &mut rows, first).map_err(|row| TableError::BadCell {
                path: path.to_owned(),
                row: first + row + 1,
                column: column.name.to_owned(),
                found: shown(&batch, column.name, row),
                wanted: column.wanted(),
            })?;
        }
        check_rows(path, first, &rows[first..])?;
    }
    Ok(rows)
}

/// Refuses rows whose values contradict each other.
pub(super) fn check_rows<R: Row>(path: &Path, first: usize, rows: &[R]) -> Result<(), TableError> {
    match rows.iter().enumerate().find_map(|(i, row)| row.fault().map(|wanted| (i, wanted))) {
        None => Ok(()),
        Some((row, wanted)) => {
            Err(TableError::BadRow { path: path.to_owned(), row: first + row + 1, wanted })
        }
    }
}

fn shown(batch: &RecordBatch, column: &str, row: usize) -> String {
    let array = batch.column_by_name(column);
    let one = array.filter(|a| row < a.len()).map(|a| a.slice(row, 1));
    match one {
        Some(one) if one.null_count() == 0 => {
            let text = format!("{one:?}");
            let inside = text.split('[').nth(1).and_then(|t| t.split(']').next());
            inside.unwrap_or_default().trim().trim_end_matches(',').to_owned()
        }
        _ => "nothing".to_owned(),
    }
}

fn read_meta(path: &Path, pairs: &[KeyValue]) -> Result<TableMeta, TableError> {
    let text = |key: &str| pairs.iter().find(|p| p.key == key).and_then(|p| p.value.as_deref());
    let bad = |key: &str, why: String| Error::metadata(path, format!("`{key}`: {why}"));
    let image: Option<BlobImage> = text(IMAGE)
        .map(|t| serde_json::from_str(t).map_err(|e| bad(IMAGE, e.to_string())))
        .transpose()?;
    if let Some(image) = &image
        && !image.is_usable()
    {
        let what = format!("a voxel of {:?} um", image.voxel_size_um);
        return Err(bad(IMAGE, what).into());
    }
    let parameters = text(PARAMETERS)
        .map(|t| serde_json::from_str(t).map_err(|e| bad(PARAMETERS, e.to_string())))
        .transpose()?;
    Ok(TableMeta { image, parameters })
}

fn unreadable(path: &Path, what: String) -> TableError {
    TableError::Unreadable { path: path.to_owned(), what }
}

/// A failure of the disk below the encoder as what it is.
fn write_error(path: &Path, error: ParquetError) -> TableError {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => Error::io(path, "write", *source).into(),
            Err(other) => unreadable(path, other.to_string()),
        },
        other => unreadable(path, other.to_string()),
    }
}
