//! The image that a movie is registered on: read from a file, or made of frames.

use std::path::Path;

use hooke_core::image::SourceError;
use hooke_core::{Pixels, Region};
use hooke_io::OpenOptions;
use ndarray::Array2;

use super::error::EventsError;
use crate::one_image::one_image;

/// Why a frame of the sample is not there.
pub(super) enum FrameError {
    Source(SourceError),
    Method(hooke_events::EventsError),
}

impl From<hooke_events::EventsError> for FrameError {
    fn from(error: hooke_events::EventsError) -> FrameError {
        FrameError::Method(error)
    }
}

impl FrameError {
    pub fn into_source(self) -> SourceError {
        match self {
            FrameError::Source(error) => error,
            FrameError::Method(error) => error.into(),
        }
    }
}

/// An image of one plane.
pub(super) fn template_image(path: &Path) -> Result<Array2<f32>, EventsError> {
    let source = one_image(path, &OpenOptions::default(), None)
        .map_err(|e| e.sorted(EventsError::Io, EventsError::usage))?;
    let [t, c, z, y, x] = source.meta().shape;
    if t * c * z != 1 {
        let what = format!("{}: a template is one plane", path.display());
        return Err(EventsError::unfit(what, "take one with hooke convert --t N"));
    }
    let mut pixels = Pixels::zeros(source.meta().dtype, [0; 5]);
    let whole = Region::whole([1, 1, 1, y, x]);
    let failed = |e: SourceError| EventsError::unfit(format!("{}: {e}", path.display()), "");
    source.read(0, &whole, &mut pixels).map_err(failed)?;
    let mut values = Vec::new();
    pixels.to_f32_into(&mut values);
    Ok(Array2::from_shape_vec((y as usize, x as usize), values).unwrap_or_default())
}
