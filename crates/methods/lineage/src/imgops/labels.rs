//! Masks to labels, labels that touch, distances inside of labels.

use hooke_filters::Connectivity;
use hooke_filters::components::remove_small_objects;
use hooke_filters::distance::label_distance_into;
use hooke_filters::morphology::{Footprint, open_into};
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
pub fn label_seg(
    mask: ArrayView2<'_, u8>,
    ids: Option<&[u32]>,
) -> Result<Array2<u32>, LineageError> {
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

/// Computes for every pixel of a label the exact distance to the nearest pixel that is not of this label.
///
/// The pixels around the picture count as outside; background has 0.
pub fn distance_transform_labels(labels: ArrayView2<'_, u32>) -> Array2<f32> {
    // A rim of background: an axis of one pixel has outside neighbours, too.
    let (height, width) = labels.dim();
    let mut padded = vec![0; (height + 2) * (width + 2)];
    for (row, out) in labels.outer_iter().zip(padded.chunks_exact_mut(width + 2).skip(1)) {
        out[1..=width].iter_mut().zip(row).for_each(|(out, label)| *out = *label);
    }
    let mut distance = Array2::zeros((height + 2, width + 2));
    if let Some(out) = distance.as_slice_mut() {
        label_distance_into(&padded, [1, height + 2, width + 2], [1.0; 3], false, out);
    }
    distance.slice_move(ndarray::s![1..=height, 1..=width])
}

/// Makes a mask of a network's logits: above 0, opened with a square of 5 × 5 pixels, small objects dropped.
///
/// * `min_size`: 8-connected objects with fewer pixels are dropped.
/// * `crop`: no opening, for crops whose cells are as narrow as the square.
pub fn postprocess(logits: ArrayView2<'_, f32>, min_size: usize, crop: bool) -> Array2<u8> {
    let (height, width) = logits.dim();
    let shape = [1, height, width];
    let mut mask: Vec<bool> = logits.iter().map(|v| *v > 0.0).collect();
    if !crop {
        let mut opened = vec![false; mask.len()];
        open_into(&mask, shape, Footprint::Rectangle([0, 2, 2]), &mut opened);
        mask = opened;
    }
    remove_small_objects(&mut mask, shape, Connectivity::Corners, min_size);
    Array2::from_shape_fn((height, width), |(y, x)| u8::from(mask[y * width + x]))
}
