//! Statistics of pairs of channels as a table.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, UInt16Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use hooke_blobs::pixel_stats::PixelStats;
use hooke_io::tables::write_table;
use serde::Serialize;

use super::error::BlobsError;
use crate::engine::BlockError;

/// The statistics of two channels, in the whole image or within one label.
#[derive(Debug, Clone, Serialize)]
pub(super) struct StatsRow {
    /// `None` is the whole image.
    pub label: Option<i64>,
    pub channel1: u16,
    pub channel2: u16,
    #[serde(flatten)]
    pub stats: PixelStats,
}

/// A column of numbers that may be undefined.
type Column = (&'static str, fn(&PixelStats) -> Option<f64>);

/// After `label`, the channels and `n`, in their order.
const COLUMNS: [Column; 23] = [
    ("pearson", |s| s.pearson),
    ("slope", |s| s.slope),
    ("spearman", |s| s.spearman),
    ("kendall", |s| s.kendall),
    ("moc", |s| s.moc),
    ("k1", |s| s.k1),
    ("k2", |s| s.k2),
    ("m1", |s| s.m1),
    ("m2", |s| s.m2),
    ("tm1", |s| s.tm1),
    ("tm2", |s| s.tm2),
    ("threshold1", |s| s.threshold1),
    ("threshold2", |s| s.threshold2),
    ("overlap1", |s| s.overlap1),
    ("overlap2", |s| s.overlap2),
    ("rwc1", |s| s.rwc1),
    ("rwc2", |s| s.rwc2),
    ("icq", |s| s.icq),
    ("costes_t1", |s| s.costes_t1),
    ("costes_t2", |s| s.costes_t2),
    ("costes_tm1", |s| s.costes_tm1),
    ("costes_tm2", |s| s.costes_tm2),
    ("costes_p", |s| s.costes_p),
];

/// The format that a suffix names.
///
/// # Errors
/// When it names none.
pub(super) fn format_of(path: &Path) -> Result<&'static str, BlobsError> {
    let suffix = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    ["parquet", "json"].into_iter().find(|f| *f == suffix).ok_or_else(|| {
        let what = format!("{}: no table of statistics has this suffix", path.display());
        BlobsError::usage(what, "write .parquet or .json")
    })
}

/// Writes rows in the format of the suffix; undefined values are null.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(path: &Path, rows: &[StatsRow]) -> Result<(), BlockError> {
    if format_of(path)? == "json" {
        let text = serde_json::to_vec_pretty(rows).map_err(std::io::Error::from)?;
        hooke_io::atomic::write_file(path, &[&text, b"\n"])?;
        return Ok(());
    }
    Ok(write_table(path, &batch(rows)?)?)
}

fn batch(rows: &[StatsRow]) -> Result<RecordBatch, BlockError> {
    let labels: Int64Array = rows.iter().map(|r| r.label).collect();
    let channel = |get: fn(&StatsRow) -> u16| -> ArrayRef {
        Arc::new(UInt16Array::from_iter_values(rows.iter().map(get)))
    };
    let mut fields = vec![
        Field::new("label", DataType::Int64, true),
        Field::new("channel1", DataType::UInt16, false),
        Field::new("channel2", DataType::UInt16, false),
        Field::new("n", DataType::UInt64, false),
    ];
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(labels),
        channel(|r| r.channel1),
        channel(|r| r.channel2),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|r| r.stats.n))),
    ];
    for (name, get) in COLUMNS {
        fields.push(Field::new(name, DataType::Float64, true));
        let values = rows.iter().map(|r| get(&r.stats).filter(|v| v.is_finite()));
        arrays.push(Arc::new(values.collect::<Float64Array>()));
    }
    fields.push(Field::new("ccf_max_shift", DataType::Int64, true));
    let shifts: Int64Array = rows.iter().map(|r| r.stats.ccf_max_shift).collect();
    arrays.push(Arc::new(shifts));
    fields.push(Field::new("ccf_max", DataType::Float64, true));
    arrays.push(Arc::new(rows.iter().map(|r| r.stats.ccf_max).collect::<Float64Array>()));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}
