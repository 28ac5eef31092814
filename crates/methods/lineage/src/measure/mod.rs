//! What is measured of a cell: poles, length, width, area, perimeter, fluorescence, borders touched.
//!
//! Two definitions. `Hooke` counts pixels: the area is their number, length and width are those of a bent rod through
//! them, without bias. `Delta` is what DeLTA 3 writes: polygons through pixel centres, which lack half of every border
//! pixel, and paths from pixel to pixel, which end half a pixel short and are up to 8 % too long for tilted cells.

mod axis;
mod cell;
mod path;
mod rod;
mod solve;

pub use cell::{Definition, MeasuredCell, measure_cells, roi_features};
pub use path::{Path, cell_width_length, pathfinding};
pub use rod::{Rod, fit_rod};
