//! The cells of a label picture: their ids in raster order, boxes, pixel counts, contours.

use std::collections::HashMap;

use ndarray::ArrayView2;

use super::{Point, Scratch};

/// Where a label lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The label.
    pub id: u32,
    /// First row and column.
    pub start: [usize; 2],
    /// Rows and columns.
    pub shape: [usize; 2],
    /// Pixels.
    pub area: usize,
}

/// Finds all labels but 0 of a `(y, x)` picture, in raster order of their first pixels, in one pass.
pub fn find_regions(labels: ArrayView2<'_, u32>) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    let mut index: HashMap<u32, usize> = HashMap::new();
    let (mut last_id, mut last) = (0, 0);
    for ((y, x), &id) in labels.indexed_iter() {
        if id == 0 {
            continue;
        }
        if id != last_id {
            last = *index.entry(id).or_insert_with(|| {
                regions.push(Region { id, start: [y, x], shape: [1, 1], area: 0 });
                regions.len() - 1
            });
            last_id = id;
        }
        let region = &mut regions[last];
        region.area += 1;
        // Rows come in order, so that only columns can lie before what is known.
        region.shape[0] = y - region.start[0] + 1;
        let right = (region.start[1] + region.shape[1]).max(x + 1);
        region.start[1] = region.start[1].min(x);
        region.shape[1] = right - region.start[1];
    }
    regions
}

/// Returns the labels but 0 of a `(y, x)` picture, in raster order of their first pixels.
pub fn cells_in_frame(labels: ArrayView2<'_, u32>) -> Vec<u32> {
    find_regions(labels).iter().map(|region| region.id).collect()
}

/// Finds a contour for every label, in raster order of the labels' first pixels.
///
/// Of a label in several pieces it is the first of [`find_contours`](super::find_contours): that of the last piece.
pub fn cell_contours(labels: ArrayView2<'_, u32>) -> Vec<(u32, Vec<Point>)> {
    let contour = |region: &Region| {
        let [top, left] = region.start;
        let mut scratch = Scratch::new(region.shape[0], region.shape[1], |y, x| {
            labels[[top + y, left + x]] == region.id
        });
        let mut contour = scratch.outer_contours().pop().unwrap_or_default();
        for point in &mut contour {
            *point = [point[0] + left as i32, point[1] + top as i32];
        }
        (region.id, contour)
    };
    find_regions(labels).iter().map(contour).collect()
}
