//! Tables of shifts on disk.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, UInt8Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, Float32Array, Float64Array, Int32Array, PrimitiveArray,
    RecordBatch, UInt8Array, UInt32Array,
};
use hooke_core::image::SourceError;
use hooke_events::register::{ShiftRow, ShiftTable};
use hooke_io::tables::{TableError, read_table, write_table};

use super::error::EventsError;

/// Writes all rows.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write_shifts(path: &Path, table: &ShiftTable) -> Result<(), SourceError> {
    let rows: Vec<ShiftRow> = table.rows().collect();
    let single = |of: &dyn Fn(&ShiftRow) -> Option<f32>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<Float32Array>())
    };
    let double = |of: &dyn Fn(&ShiftRow) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(rows.iter().map(of)))
    };
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("frame", Arc::new(UInt32Array::from_iter_values(rows.iter().map(|r| r.frame))), false),
        ("block", Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.block))), false),
        ("block_y_px", single(&|r| r.block_y_px), true),
        ("block_x_px", single(&|r| r.block_x_px), true),
        ("dy_px", double(&|r| r.dy_px), false),
        ("dx_px", double(&|r| r.dx_px), false),
        ("peak", single(&|r| Some(r.peak)), true),
        ("peak_ratio", single(&|r| Some(r.peak_ratio)), true),
        ("r_before", single(&|r| r.r_before), true),
        ("r_after", single(&|r| r.r_after), true),
        ("flag", Arc::new(UInt8Array::from_iter_values(rows.iter().map(|r| r.flag))), false),
    ];
    Ok(write_table(path, &RecordBatch::try_from_iter_with_nullable(columns)?)?)
}

/// Reads all rows.
///
/// # Errors
/// When the file cannot be read, or lacks a column.
pub(crate) fn read_shifts(path: &Path) -> Result<Vec<ShiftRow>, EventsError> {
    let batch = read_table(path)?;
    let frame = column::<UInt32Type>(path, &batch, "frame")?;
    let block = column::<Int32Type>(path, &batch, "block")?;
    let [dy, dx] = [
        column::<Float64Type>(path, &batch, "dy_px")?,
        column::<Float64Type>(path, &batch, "dx_px")?,
    ];
    let optional = |name| column::<Float32Type>(path, &batch, name).ok();
    let names = ["block_y_px", "block_x_px", "peak", "peak_ratio", "r_before", "r_after"];
    let measured = names.map(optional);
    let flag = column::<UInt8Type>(path, &batch, "flag").ok();
    let of =
        |n: usize, i: usize| measured[n].as_ref().filter(|a| !a.is_null(i)).map(|a| a.value(i));
    let rows = (0..batch.num_rows()).map(|i| ShiftRow {
        frame: frame.value(i),
        block: block.value(i),
        block_y_px: of(0, i),
        block_x_px: of(1, i),
        dy_px: dy.value(i),
        dx_px: dx.value(i),
        peak: of(2, i).unwrap_or(0.0),
        peak_ratio: of(3, i).unwrap_or(0.0),
        r_before: of(4, i),
        r_after: of(5, i),
        flag: flag.as_ref().map_or(0, |a| a.value(i)),
    });
    Ok(rows.collect())
}

fn column<T: ArrowPrimitiveType>(
    path: &Path,
    batch: &RecordBatch,
    name: &str,
) -> Result<PrimitiveArray<T>, EventsError> {
    let found = batch.column_by_name(name).ok_or_else(|| TableError::NoColumn {
        path: path.to_owned(),
        column: name.to_owned(),
        found: batch.schema().fields().iter().map(|f| f.name().clone()).collect(),
    })?;
    let typed = found.as_primitive_opt::<T>().ok_or_else(|| TableError::WrongType {
        path: path.to_owned(),
        column: name.to_owned(),
        expected: T::DATA_TYPE.to_string(),
        found: found.data_type().to_string(),
    })?;
    Ok(typed.clone())
}
