//! How far the content of a picture has moved since the first frame.
//!
//! Two ways, each for one frame at a time: [`TemplateDrift`] finds a band of the first frame in the others, to whole
//! pixels (DeLTA's); [`PhaseDrift`] measures sub-pixel shifts from the first and from the previous frame, which
//! [`reconcile`] makes agree once all frames were seen.
//!
//! Shifts are `(x, y)`: content at p in the first frame lies at p + shift.

mod phase;
mod reconcile;
mod structure;
mod template;
mod walls;

use ndarray::ArrayView2;

use crate::LineageError;
use crate::imgops::CropBox;
use phase::BandDrift;
pub use phase::{FrameShift, Shift};
pub use reconcile::reconcile;
pub use template::{TemplateDrift, drift_box};
use walls::WallDrift;

/// Measures sub-pixel shifts, frame after frame, against the first and the previous one. It keeps their spectra only.
///
/// Phase correlation (Kuglin & Hines 1975) of a box that moves along with the content, refined by the transform at finer
/// steps (Guizar-Sicairos et al. 2008, doi:10.1364/OL.33.000156).
pub struct PhaseDrift {
    way: Way,
}

enum Way {
    Band(Box<BandDrift>),
    Walls(Box<WallDrift>),
}

impl PhaseDrift {
    /// Prepares for the frames of a movie by its first, `(y, x)`, of any range of values.
    ///
    /// The box is that of [`drift_box`], if something is to be seen in it. A band beside channels is often empty; then
    /// shifts are of the channels' walls, and of what lies between them, so that cells that grow have no say.
    ///
    /// * `boxes`: the channels, along y.
    /// * `whole`: by the whole picture.
    ///
    /// # Errors
    /// When the picture is narrower than 4 pixels.
    pub fn new(
        first: ArrayView2<'_, f32>,
        boxes: &[CropBox],
        whole: bool,
    ) -> Result<Self, LineageError> {
        let shape: [usize; 2] = first.dim().into();
        let band = drift_box(boxes, shape, whole);
        let walls = || WallDrift::new(boxes, shape);
        let way = match (whole || structure::has_structure(first, band)).then_some(band) {
            Some(band) => Way::Band(Box::new(BandDrift::new(band)?)),
            None => match walls() {
                Some(walls) => Way::Walls(Box::new(walls)),
                None => Way::Band(Box::new(BandDrift::new(drift_box(boxes, shape, true))?)),
            },
        };
        Ok(Self { way })
    }

    /// Prepares for frames of which a box is compared.
    ///
    /// # Errors
    /// When the box is narrower than 4 pixels.
    pub fn of_box(place: CropBox) -> Result<Self, LineageError> {
        Ok(Self { way: Way::Band(Box::new(BandDrift::new(place)?)) })
    }

    /// Measures the next frame `(y, x)`, the first one included; of any range of values.
    ///
    /// # Errors
    /// When the frame is smaller than the box, or of another shape than the first.
    pub fn measure(&mut self, frame: ArrayView2<'_, f32>) -> Result<FrameShift, LineageError> {
        match &mut self.way {
            Way::Band(band) => band.measure(frame),
            Way::Walls(walls) => walls.measure(frame),
        }
    }
}
