//! Clusters as dense regions, however many there are.

use hdbscan::{DistanceMetric, Hdbscan, HdbscanHyperParams};

use super::{Distances, renumber};
use crate::EventsError;

/// What a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DensityParams {
    /// Members of the smallest cluster, from 2.
    pub min_cluster_size: usize,
    /// Neighbours, itself among them, that tell how dense it is around an item.
    pub min_samples: usize,
}

impl Default for DensityParams {
    fn default() -> Self {
        Self { min_cluster_size: 5, min_samples: 2 }
    }
}

/// Finds clusters by HDBSCAN (Campello, Moulavi & Sander 2013, doi:10.1007/978-3-642-37456-2_14),
/// excess of mass; -1 is noise.
///
/// Fewer items than the smallest cluster are all noise. Items that are one big cluster are noise too,
/// as there is no other density to tell it from. Memory and time are quadratic in their number.
///
/// # Errors
/// When a parameter is below its bound.
pub fn hdbscan(distances: &Distances, params: &DensityParams) -> Result<Vec<i64>, EventsError> {
    let bounds =
        [("min_cluster_size", params.min_cluster_size, 2), ("min_samples", params.min_samples, 1)];
    if let Some((name, value, bound)) = bounds.into_iter().find(|(_, value, bound)| value < bound) {
        let reason = format!("{value} is below {bound}");
        return Err(EventsError::Parameter { name, reason });
    }
    let n = distances.len();
    if n < params.min_cluster_size || n < params.min_samples {
        return Ok(vec![-1; n]);
    }
    let settings = HdbscanHyperParams::builder()
        .min_cluster_size(params.min_cluster_size)
        .min_samples(params.min_samples)
        .dist_metric(DistanceMetric::Precalculated)
        .build();
    let square = distances.square();
    let labels = Hdbscan::new(&square, settings).cluster();
    let labels = labels
        .map_err(|error| EventsError::Parameter { name: "distances", reason: error.to_string() })?;
    Ok(renumber(&labels.into_iter().map(i64::from).collect::<Vec<_>>()))
}
