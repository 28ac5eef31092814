//! Events as columns of a table.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder, UInt32Builder};
use arrow_array::{
    ArrayRef, Float64Array, RecordBatch, StringArray, UInt8Array, UInt32Array, UInt64Array,
};
use arrow_schema::{Field, Schema};
use hooke_core::image::SourceError;
use hooke_events::characterize::{COLUMNS, Cell, Column, EventRow};

/// One row per event: all columns, each with unit, axis and formula in its metadata.
pub(super) fn events(rows: &[EventRow]) -> Result<RecordBatch, SourceError> {
    let blank = EventRow::default();
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) =
        COLUMNS.iter().map(|column| column_of(column, rows, &blank)).unzip();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

fn column_of(column: &Column, rows: &[EventRow], blank: &EventRow) -> (Field, ArrayRef) {
    let cells = || rows.iter().map(|row| (column.get)(row));
    // The kind of a column is the same for all rows, and for none.
    let array: ArrayRef = match (column.get)(blank) {
        Cell::U8(_) => Arc::new(
            cells().map(|c| if let Cell::U8(v) = c { v } else { 0 }).collect::<UInt8Array>(),
        ),
        Cell::U32(_) => Arc::new(
            cells().map(|c| if let Cell::U32(v) = c { v } else { 0 }).collect::<UInt32Array>(),
        ),
        Cell::U64(_) => Arc::new(
            cells().map(|c| if let Cell::U64(v) = c { v } else { 0 }).collect::<UInt64Array>(),
        ),
        Cell::F64(_) => Arc::new(
            cells().map(|c| if let Cell::F64(v) = c { v } else { None }).collect::<Float64Array>(),
        ),
        Cell::Text(_) => {
            let texts = cells().map(|c| if let Cell::Text(v) = c { v } else { None });
            Arc::new(texts.collect::<StringArray>())
        }
        Cell::U32s(_) => {
            let mut list = ListBuilder::new(UInt32Builder::new());
            for cell in cells() {
                if let Cell::U32s(values) = cell {
                    list.values().append_slice(values);
                }
                list.append(true);
            }
            Arc::new(list.finish())
        }
        Cell::F32s(_) => {
            let mut list = ListBuilder::new(Float32Builder::new());
            for cell in cells() {
                if let Cell::F32s(values) = cell {
                    list.values().append_slice(values);
                }
                list.append(true);
            }
            Arc::new(list.finish())
        }
        Cell::Lines(_) => {
            let mut list = ListBuilder::new(ListBuilder::new(Float32Builder::new()));
            for cell in cells() {
                if let Cell::Lines(lines) = cell {
                    for line in lines {
                        list.values().values().append_slice(line);
                        list.values().append(true);
                    }
                }
                list.append(true);
            }
            Arc::new(list.finish())
        }
    };
    let notes = [("unit", column.unit), ("axis", column.axis), ("formula", column.formula)];
    let notes = notes.into_iter().filter(|(_, text)| !text.is_empty());
    let notes: HashMap<String, String> = notes.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let field = Field::new(column.name, array.data_type().clone(), true).with_metadata(notes);
    (field, array)
}

/// The events of every frame.
pub(super) fn time_map(alive: &[Vec<u32>]) -> Result<RecordBatch, SourceError> {
    let mut list = ListBuilder::new(UInt32Builder::new());
    for ids in alive {
        list.values().append_slice(ids);
        list.append(true);
    }
    let frames: ArrayRef = Arc::new(UInt32Array::from_iter_values(0..alive.len() as u32));
    let columns: [(&str, ArrayRef); 2] = [("frame", frames), ("ids", Arc::new(list.finish()))];
    Ok(RecordBatch::try_from_iter(columns)?)
}
