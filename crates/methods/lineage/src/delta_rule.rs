//! DeLTA's rule: every new cell goes to the old cell that scores it highest (Lugagne et al. 2020).

use ndarray::{Array2, ArrayView2, ArrayView3};

use crate::error::LineageError;
use crate::track::{Link, Spot};

/// A pixel counts for an old cell when the network gives it at least this chance.
const PIXEL_CHANCE: f64 = 0.05;
/// Below this part of its area a new cell is no continuation.
const MIN_SCORE: f32 = 0.2;

/// Scores of all pairs from a network's answers: the part of a new cell's pixels that the answer for an old cell marks.
///
/// # Arguments
/// * `labels` — `(y, x)`, the new cells.
/// * `ids` — the labels to score, in the order of the columns.
/// * `logits` — `(n, h, w)`, one answer per old cell.
/// * `corners` — per old cell the `(x, y)` in `labels` of the answer's first pixel; may lie outside.
///
/// # Returns
/// `(n, ids)`, between 0 and 1; a label without pixels scores 0.
///
/// # Errors
/// [`LineageError::Shape`] when there is not one corner per answer.
pub fn tracking_scores(
    labels: ArrayView2<'_, u32>,
    ids: &[u32],
    logits: ArrayView3<'_, f32>,
    corners: &[(i64, i64)],
) -> Result<Array2<f64>, LineageError> {
    let (n, height, width) = logits.dim();
    if corners.len() != n {
        let (expected, found) = (vec![n], vec![corners.len()]);
        return Err(LineageError::Shape { what: "corners", expected, found });
    }
    let (columns, areas) = columns_and_areas(labels, ids);
    let threshold = (PIXEL_CHANCE / (1.0 - PIXEL_CHANCE)).ln();
    let mut scores = Array2::zeros((n, ids.len()));
    for (row, &(x0, y0)) in corners.iter().enumerate() {
        for y in 0..height {
            for x in 0..width {
                let at =
                    |offset: i64, i: usize| usize::try_from(offset.checked_add(i as i64)?).ok();
                if f64::from(logits[[row, y, x]]) <= threshold {
                    continue;
                }
                let (Some(y), Some(x)) = (at(y0, y), at(x0, x)) else { continue };
                let column = labels.get([y, x]).and_then(|label| columns.get(label));
                if let Some(&column) = column {
                    scores[[row, column]] += 1.0;
                }
            }
        }
    }
    divide_columns(&mut scores, &areas);
    Ok(scores)
}

/// Scores of all pairs without a network: the part of a new cell that lies on an old one.
///
/// # Arguments
/// * `previous`, `labels` — `(y, x)`, old and new cells.
/// * `previous_ids`, `ids` — the labels of rows and columns.
///
/// # Errors
/// [`LineageError::Shape`] when the images differ in shape.
pub fn overlap_scores(
    previous: ArrayView2<'_, u32>,
    previous_ids: &[u32],
    labels: ArrayView2<'_, u32>,
    ids: &[u32],
) -> Result<Array2<f64>, LineageError> {
    if previous.dim() != labels.dim() {
        let (expected, found) = (labels.shape().to_vec(), previous.shape().to_vec());
        return Err(LineageError::Shape { what: "labels of the previous frame", expected, found });
    }
    let (columns, areas) = columns_and_areas(labels, ids);
    let (rows, _) = columns_and_areas(previous, previous_ids);
    let mut scores = Array2::zeros((previous_ids.len(), ids.len()));
    for (old, new) in previous.iter().zip(labels) {
        if let (Some(&row), Some(&column)) = (rows.get(old), columns.get(new)) {
            scores[[row, column]] += 1.0;
        }
    }
    divide_columns(&mut scores, &areas);
    Ok(scores)
}

fn columns_and_areas(
    labels: ArrayView2<'_, u32>,
    ids: &[u32],
) -> (std::collections::BTreeMap<u32, usize>, Vec<f64>) {
    let columns: std::collections::BTreeMap<u32, usize> =
        ids.iter().enumerate().map(|(column, id)| (*id, column)).collect();
    let mut areas = vec![0.0; ids.len()];
    for label in labels {
        if let Some(&column) = columns.get(label) {
            areas[column] += 1.0;
        }
    }
    (columns, areas)
}

fn divide_columns(scores: &mut Array2<f64>, areas: &[f64]) {
    for (mut column, area) in scores.columns_mut().into_iter().zip(areas) {
        column.mapv_inplace(|count| if *area > 0.0 { count / area } else { 0.0 });
    }
}

/// Attributes new cells to old ones: at most two to an old cell, and none to two.
///
/// Each new cell in turn takes the old cell of the highest score, not below 0.2, for which it is among the two best.
/// Equal scores go by the lower index; NaN is no score.
///
/// # Arguments
/// * `scores` — `(old, new)`.
pub fn attributions(scores: ArrayView2<'_, f32>) -> Array2<bool> {
    let falling = |values: Vec<f32>| {
        let mut order: Vec<usize> = (0..values.len()).filter(|i| !values[*i].is_nan()).collect();
        order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
        order
    };
    let best_two: Vec<Vec<usize>> = scores
        .rows()
        .into_iter()
        .map(|row| falling(row.to_vec()).into_iter().take(2).collect())
        .collect();
    let mut taken = Array2::from_elem(scores.dim(), false);
    for (new, column) in scores.columns().into_iter().enumerate() {
        let accepted = falling(column.to_vec())
            .into_iter()
            .take_while(|old| column[*old] >= MIN_SCORE)
            .find(|old| best_two[*old].contains(&new));
        if let Some(old) = accepted {
            taken[[old, new]] = true;
        }
    }
    taken
}

/// The links into a frame that scores give, in the order of the old cells.
///
/// # Arguments
/// * `frame` — the frame of the new cells; the old ones are those of the frame before.
/// * `scores` — `(old, new)`; rows and columns are places in the lists of cells of the two frames.
pub fn delta_links(frame: usize, scores: ArrayView2<'_, f32>) -> Vec<Link> {
    let Some(before) = frame.checked_sub(1) else { return Vec::new() };
    let taken = attributions(scores);
    let link = |(old, row): (usize, ndarray::ArrayView1<'_, bool>)| {
        let mut new = row.iter().enumerate().filter(|(_, taken)| **taken).map(|(new, _)| new);
        let (to, sister) = (new.next()?, new.next());
        let doubt = |new: usize| -scores[[old, new]].clamp(f32::MIN_POSITIVE, 1.0).ln();
        Some(Link {
            from: Spot { frame: before, index: old },
            to: Spot { frame, index: to },
            sister: sister.map(|index| Spot { frame, index }),
            cost: sister.map_or(doubt(to), |sister| doubt(to).max(doubt(sister))),
        })
    };
    taken.rows().into_iter().enumerate().filter_map(link).collect()
}
