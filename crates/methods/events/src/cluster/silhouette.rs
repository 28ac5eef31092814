//! How well items lie in their clusters.

use std::collections::BTreeMap;

use super::Distances;
use crate::EventsError;

/// Silhouettes of items (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7).
#[derive(Debug, Clone, PartialEq)]
pub struct Silhouette {
    /// From -1 to 1; 0 in a cluster of one, `None` for noise.
    pub items: Vec<Option<f64>>,
    /// Their mean; `None` when there are not two clusters.
    pub mean: Option<f64>,
}

/// Compares each item's mean distance to its own cluster with that to the nearest other one. Negative
/// labels are noise.
///
/// # Errors
/// When there is not one label per item.
pub fn silhouette(distances: &Distances, labels: &[i64]) -> Result<Silhouette, EventsError> {
    if labels.len() != distances.len() {
        let (expected, found) = (vec![distances.len()], vec![labels.len()]);
        return Err(EventsError::Shape { what: "labels", expected, found });
    }
    let mut sizes: BTreeMap<i64, f64> = BTreeMap::new();
    labels.iter().filter(|l| **l >= 0).for_each(|l| *sizes.entry(*l).or_default() += 1.0);
    if sizes.len() < 2 {
        return Ok(Silhouette { items: vec![None; labels.len()], mean: None });
    }
    let item = |(i, own): (usize, &i64)| {
        let size = sizes.get(own)?;
        let mut sums: BTreeMap<i64, f64> = BTreeMap::new();
        for (j, label) in labels.iter().enumerate().filter(|(_, l)| **l >= 0) {
            *sums.entry(*label).or_default() += distances.get(i, j);
        }
        let inside = sums.get(own)? / (size - 1.0);
        let others = sums.iter().filter(|(l, _)| *l != own);
        let outside =
            others.filter_map(|(l, sum)| Some(sum / sizes.get(l)?)).fold(f64::INFINITY, f64::min);
        let largest = inside.max(outside);
        Some(if *size == 1.0 || largest == 0.0 { 0.0 } else { (outside - inside) / largest })
    };
    let items: Vec<Option<f64>> = labels.iter().enumerate().map(item).collect();
    let known: Vec<f64> = items.iter().copied().flatten().collect();
    Ok(Silhouette { mean: Some(known.iter().sum::<f64>() / known.len() as f64), items })
}
