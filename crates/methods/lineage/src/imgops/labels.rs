//! Masks to labels, labels that touch, distances inside of labels.

use ndarray::{Array2, ArrayView2};

use crate::LineageError;
use crate::contour::{fill_polygon, find_contours, polygon_area};

/// Marks the pixels of a label that have a pixel of another label among their 8 neighbours.
pub fn detect_touching_cells(labels: ArrayView2<'_, u32>) -> Array2<bool> {
    let (height, width) = labels.dim();
    Array2::from_shape_fn((height, width), |(y, x)| {
        let label = labels[[y, x]];
        let rows = y.saturating_sub(1)..height.min(y + 2);
        label != 0
            && rows.into_iter().any(|ny| {
                let columns = x.saturating_sub(1)..width.min(x + 2);
                columns.into_iter().any(|nx| ![0, label].contains(&labels[[ny, nx]]))
            })
    })
}

/// Labels the objects of a mask, their holes filled.
///
/// Objects are sorted by their lowest pixel on the screen, those of one row as
/// [`find_contours`](crate::contour::find_contours) lists them, and drawn in that order with 1, 2, … or `ids`.
///
/// # Errors
/// When there are more or fewer `ids` than objects.
pub fn label_seg(mask: ArrayView2<'_, u8>, ids: Option<&[u32]>) -> Result<Array2<u32>, LineageError> {
    let mut contours = find_contours(mask);
    if let Some(ids) = ids.filter(|ids| ids.len() != contours.len()) {
        let reason = format!("are {}, for {} objects", ids.len(), contours.len());
        return Err(LineageError::Parameter { name: "ids", reason });
    }
    contours.sort_by_key(|contour| contour.iter().map(|p| p[1]).max());
    let (height, width) = mask.dim();
    let mut labels = Array2::zeros((height, width));
    for (i, contour) in contours.iter().enumerate() {
        let id = ids.and_then(|ids| ids.get(i).copied()).unwrap_or(i as u32 + 1);
        fill_polygon(contour, [height, width], |y, x| labels[[y, x]] = id);
    }
    Ok(labels)
}

/// Clears the objects of a mask, with their holes, whose contour's area lies outside of `min_area..=max_area` (px²).
pub fn filter_areas(mask: ArrayView2<'_, u8>, min_area: f64, max_area: Option<f64>) -> Array2<u8> {
    let mut kept = mask.to_owned();
    let (height, width) = mask.dim();
    for contour in find_contours(mask) {
        let area = polygon_area(&contour);
        if area < min_area || max_area.is_some_and(|max| area > max) {
            fill_polygon(&contour, [height, width], |y, x| kept[[y, x]] = 0);
        }
    }
    kept
}
