//! The columns of the tables of blobs, matches, tuples and colocalization.

use std::sync::{Arc, LazyLock};

use hooke_core::{Blob, BlobPair, Review, Truth};

use super::columns::{Access, Column, Row};

/// A group of blobs of different channels at one place: a row of `tuples.parquet`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TupleRow {
    /// Unique within its table, from 1.
    pub tuple_id: u64,
    /// Its blobs.
    pub blob_ids: Vec<u64>,
    /// Bit `c` is set where a blob is of channel `c`.
    pub channel_mask: u64,
    /// Mean of the centres in voxels, over `z, y, x`.
    pub position: [f64; 3],
    /// The same in µm.
    pub position_um: [f64; 3],
    /// Largest distance between two of its blobs in µm.
    pub max_distance_um: f64,
}

/// The signal of one channel at one blob: a row of `coloc.parquet`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ColocRow {
    /// The blob.
    pub blob_id: u64,
    /// The blob's own channel.
    pub blob_channel: u16,
    /// The channel that is looked at.
    pub channel: u16,
    /// Mean intensity at the blob; absent outside the image.
    pub mean: Option<f64>,
    /// The threshold of the channel; absent for the rule `contrast`.
    pub threshold: Option<f64>,
    /// Mean above its surroundings.
    pub contrast: Option<f32>,
    /// The contrast in units of its noise.
    pub score: Option<f32>,
    /// Probability of such a contrast without signal; absent for the rule `neighborhood`.
    pub p_value: Option<f64>,
    /// Whether the channel has signal here.
    pub coloc: bool,
}

macro_rules! column {
    ($name:literal, $kind:ident, $($field:tt)+) => {
        Column {
            name: $name,
            access: Access::$kind(|r| r.$($field)+, |r, v| { r.$($field)+ = v; true }),
        }
    };
}

/// A number that must be finite.
macro_rules! finite {
    ($name:literal, $kind:ident, $($field:tt)+) => {
        Column {
            name: $name,
            access: Access::$kind(|r| r.$($field)+, |r, v| { r.$($field)+ = v; v.is_finite() }),
        }
    };
}

macro_rules! covariance {
    ($name:literal, $index:literal) => {
        Column {
            name: $name,
            access: Access::OptF32(
                |b| b.covariance_um2.map(|c| c[$index]),
                |b, v| {
                    if let Some(v) = v {
                        b.covariance_um2.get_or_insert([f32::NAN; 6])[$index] = v;
                    }
                    true
                },
            ),
        }
    };
}

static BLOBS: [Column<Blob>; 26] = [
    column!("id", U64, id),
    column!("t", U32, t),
    column!("channel", U16, channel),
    finite!("z", F64, position[0]),
    finite!("y", F64, position[1]),
    finite!("x", F64, position[2]),
    finite!("z_um", F64, position_um[0]),
    finite!("y_um", F64, position_um[1]),
    finite!("x_um", F64, position_um[2]),
    column!("radius_um", F32, radius_um),
    column!("response", F32, response),
    column!("score", F32, score),
    column!("amplitude", OptF32, amplitude),
    column!("background", OptF32, background),
    covariance!("cov_zz_um2", 0),
    covariance!("cov_yy_um2", 1),
    covariance!("cov_xx_um2", 2),
    covariance!("cov_zy_um2", 3),
    covariance!("cov_zx_um2", 4),
    covariance!("cov_yx_um2", 5),
    column!("fit_chi2", OptF32, fit_chi2),
    column!("probability", OptF32, probability),
    Column {
        name: "confirmed",
        access: Access::I8(
            |b| b.confirmed.code(),
            |b, v| Review::from_code(v.into()).map(|r| b.confirmed = r).is_some(),
        ),
    },
    Column {
        name: "truth",
        access: Access::I8(
            |b| b.truth.code(),
            |b, v| Truth::from_code(v.into()).map(|t| b.truth = t).is_some(),
        ),
    },
    column!("region", I64, region),
    Column {
        name: "source",
        access: Access::Text(
            |b| &b.source,
            |b, v, before| {
                // Equal names of neighbours are one text.
                let shared = before.filter(|before| *before.source == *v);
                b.source = shared.map_or_else(|| v.into(), |before| before.source.clone());
                true
            },
        ),
    },
];

impl Row for Blob {
    fn columns() -> &'static [Column<Blob>] {
        &BLOBS
    }

    fn blank() -> Blob {
        static SOURCE: LazyLock<Arc<str>> = LazyLock::new(|| "".into());
        Blob::at(0, [0.0; 3], [0.0; 3], 0.0, &SOURCE)
    }

    fn fault(&self) -> Option<&'static str> {
        let incomplete = self.covariance_um2.is_some_and(|c| c.iter().any(|v| v.is_nan()));
        incomplete.then_some("all six numbers of cov_.._um2, or none")
    }
}

static MATCHES: [Column<BlobPair>; 18] = [
    column!("match_id", U64, match_id),
    column!("roi_id", U64, roi_id),
    column!("t", U32, t),
    column!("channel1", U16, channels[0]),
    column!("channel2", U16, channels[1]),
    column!("blob1_id", U64, blob_ids[0]),
    column!("blob2_id", U64, blob_ids[1]),
    column!("distance_um", F64, distance_um),
    column!("distance_scaled", F64, distance_scaled),
    column!("gate_distance", F64, gate_distance),
    column!("z", F64, position[0]),
    column!("y", F64, position[1]),
    column!("x", F64, position[2]),
    column!("z_um", F64, position_um[0]),
    column!("y_um", F64, position_um[1]),
    column!("x_um", F64, position_um[2]),
    column!("component", U64, component),
    column!("rivals", U32, rivals),
];

impl Row for BlobPair {
    fn columns() -> &'static [Column<BlobPair>] {
        &MATCHES
    }

    fn blank() -> BlobPair {
        BlobPair {
            match_id: 0,
            roi_id: 0,
            t: 0,
            channels: [0; 2],
            blob_ids: [0; 2],
            distance_um: 0.0,
            distance_scaled: 0.0,
            gate_distance: 0.0,
            position: [0.0; 3],
            position_um: [0.0; 3],
            component: 0,
            rivals: 0,
        }
    }

    fn fault(&self) -> Option<&'static str> {
        (self.channels[0] >= self.channels[1]).then_some("channel1 below channel2")
    }
}

static TUPLES: [Column<TupleRow>; 11] = [
    column!("tuple_id", U64, tuple_id),
    Column {
        name: "blob_ids",
        access: Access::Ids(
            |r| &r.blob_ids,
            |r, v| {
                r.blob_ids = v;
                !r.blob_ids.is_empty()
            },
        ),
    },
    column!("channel_mask", U64, channel_mask),
    Column {
        name: "n",
        // Written for readers of the table; what counts is the list.
        access: Access::U32(|r| r.blob_ids.len() as u32, |_, _| true),
    },
    column!("z", F64, position[0]),
    column!("y", F64, position[1]),
    column!("x", F64, position[2]),
    column!("z_um", F64, position_um[0]),
    column!("y_um", F64, position_um[1]),
    column!("x_um", F64, position_um[2]),
    column!("max_distance_um", F64, max_distance_um),
];

impl Row for TupleRow {
    fn columns() -> &'static [Column<TupleRow>] {
        &TUPLES
    }

    fn blank() -> TupleRow {
        TupleRow::default()
    }
}

static COLOC: [Column<ColocRow>; 9] = [
    column!("blob_id", U64, blob_id),
    column!("blob_channel", U16, blob_channel),
    column!("channel", U16, channel),
    column!("mean", OptF64, mean),
    column!("threshold", OptF64, threshold),
    column!("contrast", OptF32, contrast),
    column!("score", OptF32, score),
    column!("p_value", OptF64, p_value),
    column!("coloc", Bool, coloc),
];

impl Row for ColocRow {
    fn columns() -> &'static [Column<ColocRow>] {
        &COLOC
    }

    fn blank() -> ColocRow {
        ColocRow::default()
    }
}
