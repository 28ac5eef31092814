//! K-means with careful seeding.

use hooke_core::seed::rng_at;
use rand::RngExt;

use super::renumber;
use crate::EventsError;

/// How to look for clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KMeansParams {
    /// Clusters.
    pub k: usize,
    /// Seed of the random starts.
    pub seed: u64,
    /// Starts, of which the best is kept.
    pub starts: u32,
    /// Rounds of a start at most.
    pub max_rounds: u32,
}

impl Default for KMeansParams {
    fn default() -> Self {
        Self { k: 8, seed: 1, starts: 10, max_rounds: 300 }
    }
}

/// What k-means found.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    /// Cluster of each point.
    pub labels: Vec<i64>,
    /// Mean of each cluster, by label.
    pub centres: Vec<Vec<f64>>,
    /// Sum of squared distances to the centres.
    pub inertia: f64,
}

/// Puts points into `k` clusters (Lloyd's rounds from k-means++ starts, Arthur & Vassilvitskii 2007).
///
/// Where points coincide there may be fewer clusters. The same seed gives the same clusters.
///
/// # Errors
/// When `k` is 0 or above the number of points, `starts` is 0, points differ in dimension, or a value
/// is not finite.
pub fn kmeans(points: &[Vec<f64>], params: &KMeansParams) -> Result<KMeans, EventsError> {
    let wrong = |name, reason| Err(EventsError::Parameter { name, reason });
    if params.k == 0 || params.k > points.len() {
        return wrong("k", format!("{} clusters of {} points", params.k, points.len()));
    }
    if params.starts == 0 {
        return wrong("starts", "at least one is needed".to_owned());
    }
    let dimension = points[0].len();
    if let Some(other) = points.iter().find(|p| p.len() != dimension) {
        let (expected, found) = (vec![dimension], vec![other.len()]);
        return Err(EventsError::Shape { what: "point", expected, found });
    }
    if points.iter().flatten().any(|v| !v.is_finite()) {
        return wrong("values", "they must be finite".to_owned());
    }
    let starts = (0..params.starts).map(|start| one_start(points, params, start));
    let best = starts.min_by(|a, b| a.1.total_cmp(&b.1));
    let (labels, inertia) = best.unwrap_or_default();
    let labels = renumber(&labels);
    let clusters = labels.iter().max().map_or(0, |l| l + 1);
    let centres = (0..clusters).filter_map(|label| centre(points, &labels, label)).collect();
    Ok(KMeans { labels, centres, inertia })
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// The mean of a cluster's points, if there are any.
fn centre(points: &[Vec<f64>], labels: &[i64], label: i64) -> Option<Vec<f64>> {
    let mut sum = vec![0.0; points.first()?.len()];
    let mut count = 0.0;
    for (point, _) in points.iter().zip(labels).filter(|(_, l)| **l == label) {
        sum.iter_mut().zip(point).for_each(|(s, v)| *s += v);
        count += 1.0;
    }
    (count > 0.0).then(|| sum.into_iter().map(|s| s / count).collect())
}

/// The nearest centre, the first of equally near ones, and the squared distance.
fn nearest(point: &[f64], centres: &[Vec<f64>]) -> (i64, f64) {
    let mut best = (0, f64::INFINITY);
    for (k, centre) in centres.iter().enumerate() {
        let distance = squared(point, centre);
        if distance < best.1 {
            best = (k as i64, distance);
        }
    }
    best
}

fn one_start(points: &[Vec<f64>], params: &KMeansParams, start: u32) -> (Vec<i64>, f64) {
    let mut centres = spread_out(points, params, start);
    let mut labels: Vec<i64> = Vec::new();
    for _ in 0..params.max_rounds {
        let new: Vec<i64> = points.iter().map(|p| nearest(p, &centres).0).collect();
        if new == labels {
            break;
        }
        labels = new;
        for (k, old) in centres.iter_mut().enumerate() {
            // A cluster that lost its points keeps its centre.
            if let Some(moved) = centre(points, &labels, k as i64) {
                *old = moved;
            }
        }
    }
    let places: Vec<(i64, f64)> = points.iter().map(|p| nearest(p, &centres)).collect();
    (places.iter().map(|p| p.0).collect(), places.iter().map(|p| p.1).sum())
}

/// Starting centres: each drawn among the points by its squared distance from those before.
fn spread_out(points: &[Vec<f64>], params: &KMeansParams, start: u32) -> Vec<Vec<f64>> {
    let mut rng = rng_at(params.seed, "kmeans", &[start.into()]);
    let mut centres = vec![points[rng.random_range(0..points.len())].clone()];
    let mut reach: Vec<f64> = points.iter().map(|p| squared(p, &centres[0])).collect();
    while centres.len() < params.k {
        let total: f64 = reach.iter().sum();
        let mut left = rng.random::<f64>() * total;
        let drawn = reach.iter().position(|r| {
            left -= r;
            left < 0.0
        });
        // Rounding may leave nothing to draw: then the farthest; nothing is far when all points are
        // taken.
        let farthest = || (0..points.len()).max_by(|a, b| reach[*a].total_cmp(&reach[*b]));
        let Some(new) = drawn.or_else(farthest).filter(|i| reach[*i] > 0.0) else { break };
        centres.push(points[new].clone());
        reach.iter_mut().zip(points).for_each(|(r, p)| *r = r.min(squared(p, &points[new])));
    }
    centres
}
