//! Outlines of cells as ordered border pixels, and what is read off them.
//!
//! A contour is the list of `(x, y)` pixels of an object's outer 8-connected border, one per step, found by border
//! following (Suzuki & Abe 1985, doi:10.1016/0734-189X(85)90016-7): it starts at the object's first pixel in raster
//! order and goes down first; a part one pixel wide is walked both ways.

mod curvature;
mod fill;
mod follow;
mod geometry;
mod regions;

pub use curvature::{contour_curvature, find_poles};
pub use fill::fill_polygon;
pub(crate) use follow::Scratch;
pub use follow::find_contours;
pub(crate) use geometry::polygon_area;
pub use geometry::{cell_area, cell_perimeter, centroid, image_edges};
pub use regions::{Region, cell_contours, cells_in_frame, find_regions};

/// A pixel `(x, y)`.
pub type Point = [i32; 2];
