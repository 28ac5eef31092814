//! All figures of the cells of one label picture.

use hooke_filters::distance::distance_into;
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::{cell_width_length, fit_rod};
use crate::LineageError;
use crate::contour::{
    Point, Region, Scratch, cell_area, cell_perimeter, find_poles, find_regions, image_edges,
};
use crate::tree::{CellFeatures, Edges};

/// Fluorescence is written in grey levels of a camera of 16 bits.
const GREY_LEVELS: f64 = 65535.0;

/// What length, width, area, perimeter and poles mean; see [the module](super).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Definition {
    /// Bent rods and pixel counts, without bias.
    #[default]
    Hooke,
    /// DeLTA's.
    Delta,
}

/// One cell of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredCell {
    /// Its label.
    pub id: u32,
    /// Mean `(y, x)` of its pixels.
    pub centroid: [f32; 2],
    /// Everything else. Which pole is the new one is not known yet: it is the first.
    pub features: CellFeatures,
}

/// Measures every cell of a `(y, x)` label picture, in raster order of the cells' first pixels.
///
/// * `fluo`: channels of the same shape, 0 to 1; the means are given in 1/65535.
///
/// # Errors
/// When a channel has another shape.
pub fn measure_cells(
    labels: ArrayView2<'_, u32>,
    fluo: &[ArrayView2<'_, f32>],
    definition: Definition,
) -> Result<Vec<MeasuredCell>, LineageError> {
    check_shapes(labels, fluo)?;
    let measured = |region: &Region| {
        let crop = Crop::of(labels, *region, &[]);
        match definition {
            Definition::Hooke => Ok(crop.measure_rod(fluo)),
            Definition::Delta => {
                let contour = crop.contour();
                crop.measure_delta(labels.dim(), fluo, &contour, find_poles(&contour))
            }
        }
    };
    find_regions(labels).iter().map(measured).collect()
}

/// Measures every cell of a `(y, x)` label picture as DeLTA does, with poles found elsewhere.
///
/// * `poles`: `(y, x)` pairs in raster order of the cells' first pixels; the first is taken for the new pole. Those
///   beyond the picture are moved to its border.
///
/// # Errors
/// When a channel has another shape, or there are not as many pairs of poles as cells.
pub fn roi_features(
    labels: ArrayView2<'_, u32>,
    poles: &[[[i32; 2]; 2]],
    fluo: &[ArrayView2<'_, f32>],
) -> Result<Vec<MeasuredCell>, LineageError> {
    check_shapes(labels, fluo)?;
    let regions = find_regions(labels);
    if regions.len() != poles.len() {
        let reason = format!("are {} pairs, for {} cells", poles.len(), regions.len());
        return Err(LineageError::Parameter { name: "poles", reason });
    }
    let (height, width) = labels.dim();
    let inside = |[y, x]: [i32; 2]| [y.clamp(0, height as i32 - 1), x.clamp(0, width as i32 - 1)];
    let measured = |(region, poles): (&Region, &[[i32; 2]; 2])| {
        let poles = poles.map(inside);
        let crop = Crop::of(labels, *region, &poles);
        crop.measure_delta((height, width), fluo, &crop.contour(), poles)
    };
    regions.iter().zip(poles).map(measured).collect()
}

fn check_shapes(
    labels: ArrayView2<'_, u32>,
    fluo: &[ArrayView2<'_, f32>],
) -> Result<(), LineageError> {
    match fluo.iter().find(|channel| channel.dim() != labels.dim()) {
        Some(channel) => Err(LineageError::Shape {
            what: "fluorescence channel",
            expected: labels.shape().to_vec(),
            found: channel.shape().to_vec(),
        }),
        None => Ok(()),
    }
}

/// One cell cut out, with a rim of one pixel of background.
struct Crop {
    id: u32,
    /// Row and column of the first pixel within the rim.
    start: [usize; 2],
    mask: Array2<bool>,
    area: usize,
    /// Borders of the picture that the cell touches.
    edges: [bool; 4],
}

impl Crop {
    /// Cuts out a box that holds the cell and the points `(y, x)`.
    fn of(labels: ArrayView2<'_, u32>, region: Region, points: &[[i32; 2]]) -> Self {
        let (height, width) = labels.dim();
        let bounds = |axis: usize| {
            let (from, to) = (region.start[axis], region.start[axis] + region.shape[axis] - 1);
            let points = points.iter().map(|p| p[axis] as usize);
            points.fold((from, to), |(low, high), p| (low.min(p), high.max(p)))
        };
        let ((top, bottom), (left, right)) = (bounds(0), bounds(1));
        let mut mask = Array2::from_elem((bottom - top + 3, right - left + 3), false);
        for y in top..=bottom {
            for x in left..=right {
                mask[[y - top + 1, x - left + 1]] = labels[[y, x]] == region.id;
            }
        }
        let [first_row, first_column] = region.start;
        let edges = [
            first_column == 0,
            first_column + region.shape[1] == width,
            first_row == 0,
            first_row + region.shape[0] == height,
        ];
        Self { id: region.id, start: [top, left], mask, area: region.area, edges }
    }

    /// The first contour as `find_contours` lists them, in coordinates of the picture.
    fn contour(&self) -> Vec<Point> {
        let (height, width) = self.mask.dim();
        let mut scratch = Scratch::new(height - 2, width - 2, |y, x| self.mask[[y + 1, x + 1]]);
        let mut contour = scratch.outer_contours().pop().unwrap_or_default();
        let [top, left] = self.start.map(|n| n as i32);
        contour.iter_mut().for_each(|[x, y]| (*x, *y) = (*x + left, *y + top));
        contour
    }

    /// Pixels `(y, x)` of the picture.
    fn pixels(&self) -> impl Iterator<Item = [usize; 2]> + '_ {
        let inside = self.mask.indexed_iter().filter(|(_, inside)| **inside);
        inside.map(|((y, x), _)| [self.start[0] + y - 1, self.start[1] + x - 1])
    }

    fn centroid(&self) -> [f32; 2] {
        let sum = self.pixels().fold([0; 2], |[sy, sx], [y, x]| [sy + y, sx + x]);
        sum.map(|v| (v as f64 / self.area.max(1) as f64) as f32)
    }

    fn fluo(&self, channels: &[ArrayView2<'_, f32>]) -> Vec<f32> {
        let mean = |channel: &ArrayView2<'_, f32>| {
            let sum: f64 = self.pixels().map(|p| f64::from(channel[p])).sum();
            (sum / self.area.max(1) as f64 * GREY_LEVELS) as f32
        };
        channels.iter().map(mean).collect()
    }

    fn measure_rod(&self, fluo: &[ArrayView2<'_, f32>]) -> MeasuredCell {
        let pixels: Vec<[f64; 2]> = self.pixels().map(|[y, x]| [x as f64, y as f64]).collect();
        let rod = fit_rod(&pixels, &self.contour());
        let [new_pole, old_pole] = rod.tips.map(|tip| tip.map(|v| v as f32));
        let features = CellFeatures {
            length: rod.length as f32,
            width: rod.width as f32,
            area: self.area as f32,
            perimeter: self.outline_length() as f32,
            fluo: self.fluo(fluo),
            edges: Edges::from_flags(self.edges),
            ..CellFeatures::at(old_pole, new_pole)
        };
        MeasuredCell { id: self.id, centroid: self.centroid(), features }
    }

    fn measure_delta(
        &self,
        (height, width): (usize, usize),
        fluo: &[ArrayView2<'_, f32>],
        contour: &[Point],
        poles: [[i32; 2]; 2],
    ) -> Result<MeasuredCell, LineageError> {
        let (rows, columns) = self.mask.dim();
        let mask: Vec<bool> = self.mask.iter().copied().collect();
        let mut distance = Array2::zeros((rows, columns));
        if let Some(out) = distance.as_slice_mut() {
            distance_into(&mask, [1, rows, columns], [1.0; 3], false, out);
        }
        let in_crop =
            |[y, x]: [i32; 2]| [y as usize + 1 - self.start[0], x as usize + 1 - self.start[1]];
        let [cell_width, length] = cell_width_length(poles.map(in_crop), distance.view())?;
        let [new_pole, old_pole] = poles.map(|pole| pole.map(|v| v as f32));
        let features = CellFeatures {
            length: length as f32,
            width: cell_width as f32,
            area: cell_area(contour) as f32,
            perimeter: cell_perimeter(contour) as f32,
            fluo: self.fluo(fluo),
            edges: image_edges(contour, [height, width]),
            ..CellFeatures::at(old_pole, new_pole)
        };
        Ok(MeasuredCell { id: self.id, centroid: self.centroid(), features })
    }

    /// The length of the outlines half-way between pixels inside and outside (marching squares; Lorensen & Cline 1987),
    /// those of holes included.
    fn outline_length(&self) -> f64 {
        let (height, width) = self.mask.dim();
        let (mut straight, mut slanted) = (0_u32, 0_u32);
        for y in 1..height {
            for x in 1..width {
                let square = [[y - 1, x - 1], [y - 1, x], [y, x], [y, x - 1]].map(|p| self.mask[p]);
                match square.iter().filter(|inside| **inside).count() {
                    1 | 3 => slanted += 1,
                    2 if square[0] == square[2] => slanted += 2,
                    2 => straight += 1,
                    _ => {}
                }
            }
        }
        f64::from(straight) + f64::from(slanted) * std::f64::consts::FRAC_1_SQRT_2
    }
}
