//! Bacterial time-lapses: chambers, cells, poles, tracks, family trees and growth.
//!
//! Arrays in, arrays out: no paths are opened here. An image is `(y, x)`, a contour a list of `(x, y)`, a pole `(y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`chambers`] | the channels of a mother machine |
//! | [`compare`] | what differs between two lineages |
//! | [`contour`] | border following, polygon geometry, curvature, poles, filled polygons |
//! | [`ctc`] | tracks of the Cell Tracking Challenge |
//! | [`delta_rule`] | who is whose by scores of pairs |
//! | [`deskew`](mod@deskew) | the rotation that levels a picture |
//! | [`drift`] | how far frames have moved |
//! | [`growth`] | relative growth rates along lines of descent |
//! | [`imgops`] | boxes, grey values, resizing, rotation and shift, labels, windows |
//! | [`measure`] | length, width, area, perimeter, poles, fluorescence of cells |
//! | [`pole_tracking`] | old and new poles through time and divisions |
//! | [`score`] | how well cells were found and followed |
//! | [`segment`] | cells of channels and colonies without a network |
//! | [`sim`] | simulated mother machines and colonies with exact truth |
//! | [`track`] | linking of cells, lineages of links |
//! | [`tree`] | family trees, their edits, their drawing |

pub mod chambers;
pub mod compare;
pub mod contour;
pub mod ctc;
pub mod delta_rule;
pub mod deskew;
pub mod drift;
mod error;
pub mod growth;
pub mod imgops;
pub mod measure;
pub mod pole_tracking;
pub mod score;
pub mod segment;
pub mod sim;
pub mod track;
pub mod tree;

pub use error::LineageError;
