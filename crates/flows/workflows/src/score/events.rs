//! `hooke score events` and `hooke score registration`: a movie's results against the truth.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::{Pixels, Region};
use hooke_events::register::ShiftRow;
use hooke_events::score::events::Overlaps;
use hooke_events::score::{registration, registration_fields};
use hooke_io::{ChunkCache, OpenOptions};
use ndarray::Array4;
use serde_json::Value;

use crate::events::movie::Movie;
use crate::events::shift_table::read_shifts;
use crate::events::{EventsError, MovieOptions};
use crate::one_image::one_image;

/// Frames that are compared at once.
const SLAB: usize = 64;

/// An event map against a true one: text and JSON. Matches count from an intersection over union of `iou` on.
///
/// # Errors
/// When a map cannot be read, or they differ in shape.
pub fn score_events(found: &Path, truth: &Path, iou: f64) -> Result<(String, Value), EventsError> {
    let cache = Arc::new(ChunkCache::new(256 << 20));
    let open = |path: &Path| {
        Movie::open(&MovieOptions { movie: event_map(path), ..MovieOptions::default() }, &cache)
    };
    let (of_found, of_truth) = (open(found)?, open(truth)?);
    let (shape, wanted) = (of_found.shape(), of_truth.shape());
    if shape != wanted {
        let what = format!(
            "{} is {shape:?} over t, y, x, {} is {wanted:?}",
            found.display(),
            truth.display()
        );
        return Err(EventsError::unfit(what, "compare maps of the same movie"));
    }
    let mut overlaps = Overlaps::default();
    for first in (0..shape[0]).step_by(SLAB) {
        let part = [first..(first + SLAB).min(shape[0]), 0..shape[1], 0..shape[2]];
        let read = |movie: &Movie| movie.labels(&part).map_err(|e| failed(movie, e));
        overlaps.push(read(&of_found)?.view(), read(&of_truth)?.view())?;
    }
    let json = serde_json::to_value(overlaps.score(iou)?).unwrap_or_default();
    Ok((super::to_text(&json), json))
}

/// The event map of a folder of `events detect`, or the path itself.
fn event_map(path: &Path) -> PathBuf {
    let maps = ["zarr", "tif", "h5", "npy"].map(|suffix| path.join(format!("event_map.{suffix}")));
    maps.into_iter().find(|p| p.exists()).unwrap_or_else(|| path.to_owned())
}

fn failed(movie: &Movie, error: SourceError) -> EventsError {
    let path = &movie.options.movie;
    match error.downcast::<hooke_io::Error>() {
        Ok(error) => EventsError::Io(*error),
        Err(error) => match error.downcast::<EventsError>() {
            Ok(error) => *error,
            Err(error) => EventsError::unfit(format!("{}: {error}", path.display()), ""),
        },
    }
}

/// A table of shifts against the true one, and fields of displacements `(frame, y, x, 2)` where they are given:
/// text and JSON.
///
/// # Errors
/// When a file cannot be read, or they are of unequal length or shape.
pub fn score_registration(
    found: &Path,
    truth: &Path,
    fields: Option<[&Path; 2]>,
) -> Result<(String, Value), EventsError> {
    let shifts = |path: &Path| -> Result<Vec<[f64; 2]>, EventsError> {
        let rows = read_shifts(path)?;
        let whole = |r: &&ShiftRow| r.block < 0;
        Ok(rows.iter().filter(whole).map(|r| [r.dy_px, r.dx_px]).collect())
    };
    let score = registration(&shifts(found)?, &shifts(truth)?)?;
    let mut json = serde_json::to_value(score).unwrap_or_default();
    if let Some([found, truth]) = fields {
        let dense = registration_fields(field(found)?.view(), field(truth)?.view())?;
        if let Some(json) = json.as_object_mut() {
            json.insert("field".to_owned(), serde_json::to_value(dense).unwrap_or_default());
        }
    }
    Ok((super::to_text(&json), json))
}

fn field(path: &Path) -> Result<Array4<f32>, EventsError> {
    let how = OpenOptions { axes: Some("tzyx".to_owned()), ..OpenOptions::default() };
    let source =
        one_image(path, &how, None).map_err(|e| e.sorted(EventsError::Io, EventsError::usage))?;
    let [t, _, z, y, x] = source.meta().shape;
    let mut pixels = Pixels::zeros(source.meta().dtype, [0; 5]);
    let whole = Region::whole(source.meta().shape);
    let wrong = |what: String| EventsError::unfit(format!("{}: {what}", path.display()), "");
    source.read(0, &whole, &mut pixels).map_err(|e| wrong(e.to_string()))?;
    let mut values = Vec::new();
    pixels.to_f32_into(&mut values);
    let shape = [t, z, y, x].map(|n| n as usize);
    Array4::from_shape_vec(shape, values).map_err(|e| wrong(e.to_string()))
}
