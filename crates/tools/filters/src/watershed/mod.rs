//! Watersheds from markers, and maxima to make markers of.
//!
//! | module | holds |
//! | --- | --- |
//! | `flood` | marker-controlled watershed by priority flood |
//! | `maxima` | local maxima, and those that stand out by a height |
//! | `neighbours` | indices of the neighbours of a voxel |

mod flood;
mod maxima;
mod neighbours;

pub use flood::{Elevation, watershed_into};
pub use maxima::{h_maxima_into, local_maxima_into};
