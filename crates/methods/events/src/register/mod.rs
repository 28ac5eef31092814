//! Motion taken out of movies.
//!
//! Frames are band-passed, their mean is subtracted and their edges are tapered; then they are correlated
//! with a template by real Fourier transforms, without whitening. A quadric through the peak gives the shift between
//! pixels. Blocks of the frame, moved with it, are searched for the little that they move on their own; a
//! bicubic spline through the blocks' centres is the field of displacements. The raw frame is interpolated
//! once. Before anything is moved, two disjoint sets of pixels must agree that there is motion.
//!
//! The stages, each of which can run block by block over time with the same result:
//!
//! 1. [`Template::build`] reads the frames of [`RegisterParams::template_sample`];
//! 2. [`RigidEstimator::estimate`] looks at each frame alone; [`settle_rigid`] then at all its answers;
//! 3. [`BlockEstimator::estimate`], if frames move and blocks are wanted, needs [`HALO`] frames more on
//!    either side; [`settle_blocks`] makes the [`ShiftTable`], or [`RigidShifts::without_blocks`] does;
//! 4. [`warp`] moves a frame, [`FrameQuality`] compares it with the template before and after.
//!
//! [`register`] does it all for a movie in memory. Shifts have the sign of
//! `registered(y, x) = raw(y + dy, x + dx)`; only their differences between frames can be known, so that
//! the template lies where the median of its frames lies.
//!
//! Pnevmatikakis & Giovannucci 2017, doi:10.1016/j.jneumeth.2017.07.031; Pachitariu et al. 2017,
//! doi:10.1101/061507; Guizar-Sicairos et al. 2008, doi:10.1364/OL.33.000156.

mod blocks;
pub mod compat_jnormcorre;
mod correlate;
mod gate;
mod grid;
mod interpolate;
mod movie;
mod params;
mod peak;
mod prepare;
mod quality;
mod rigid;
mod settle;
mod settle_blocks;
mod spline_field;
mod table;
mod template;
mod unblur;
mod warp;

pub use blocks::{BlockEstimate, BlockEstimator, HALO};
pub use gate::{Gate, MeanR, Variances};
pub use movie::{Registered, estimate, register};
pub use params::{BorderFill, Interpolation, Mode, RegisterParams, SMALLEST_BLOCK, SMALLEST_FRAME};
pub use peak::Peak;
pub use quality::{FrameQuality, crispness};
pub use rigid::{RigidEstimate, RigidEstimator};
pub use settle::{RigidShifts, settle_rigid};
pub use settle_blocks::{Settled, settle_blocks};
pub use table::{
    CLIPPED, Displacement, GATED, INTERPOLATED, LOW_QUALITY, Shift, ShiftRow, ShiftTable, Valid,
};
pub use template::{Template, TemplateStats};
pub use warp::warp;
