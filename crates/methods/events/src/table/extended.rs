//! Traces of events over more frames than their own.

use std::ops::Range;

use ndarray::ArrayView3;

use super::{Events, Values};
use crate::EventsError;

/// How far traces go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// So many frames before and behind.
    Frames(usize, usize),
    /// Over the whole movie.
    All,
}

/// Reads traces of extended events from a movie that comes in slabs of frames.
///
/// Within its own frames an event has its mask, before and behind that of its first and last frame;
/// with `use_footprint` the footprint at every frame. Values are means in doubles; NaN is left out; a
/// frame without a value has 0.
#[derive(Debug)]
pub struct TraceReader {
    events: Events,
    readers: Vec<Reader>,
    image: Option<[usize; 2]>,
    frames: usize,
}

#[derive(Debug)]
struct Reader {
    /// Frames to read.
    span: Range<usize>,
    own: Range<usize>,
    /// Pixels of each own frame, or of the footprint alone.
    pixels: Vec<Vec<[usize; 2]>>,
    trace: Vec<f64>,
}

impl Reader {
    fn read(&mut self, t: usize, frame: ndarray::ArrayView2<'_, f32>) {
        let last = self.pixels.len().saturating_sub(1);
        let local = t.clamp(self.own.start, self.own.end.max(1) - 1) - self.own.start;
        let pixels = self.pixels.get(local.min(last)).map_or(&[][..], Vec::as_slice);
        let (mut sum, mut count) = (0.0, 0_u64);
        for value in pixels.iter().filter_map(|p| frame.get(*p)).filter(|v| !v.is_nan()) {
            sum += f64::from(*value);
            count += 1;
        }
        self.trace.push(sum / count.max(1) as f64);
    }
}

impl TraceReader {
    /// Makes ready to read the events of a table.
    ///
    /// # Errors
    /// When the columns of the box or `mask` are not there, or an event leaves the movie.
    pub fn new(
        events: &Events,
        extension: Extension,
        use_footprint: bool,
    ) -> Result<Self, EventsError> {
        let frames = events.num_frames();
        let mut readers = Vec::with_capacity(events.len());
        for mask in events.masks()? {
            let own = mask.start[0]..mask.start[0] + mask.shape[0];
            if own.end > frames || own.is_empty() {
                let reason = format!("frames {own:?} are not in a movie of {frames}");
                return Err(EventsError::Parameter { name: "events", reason });
            }
            let mut pixels = vec![Vec::new(); if use_footprint { 1 } else { own.len() }];
            for [t, x, y] in mask.voxels() {
                let frame = if use_footprint { 0 } else { t - own.start };
                pixels[frame].push([x, y]);
            }
            for frame in &mut pixels {
                frame.sort_unstable();
                frame.dedup();
            }
            let span = match extension {
                Extension::All => 0..frames,
                Extension::Frames(before, behind) => {
                    own.start.saturating_sub(before)..own.end.saturating_add(behind).min(frames)
                }
            };
            readers.push(Reader { span, own, pixels, trace: Vec::new() });
        }
        Ok(Self { events: events.clone(), readers, image: None, frames: 0 })
    }

    /// Takes the next frames `(t, y, x)`.
    ///
    /// # Errors
    /// When they differ in size from those before.
    pub fn push(&mut self, movie: ArrayView3<'_, f32>) -> Result<(), EventsError> {
        let (frames, height, width) = movie.dim();
        let image = *self.image.get_or_insert([height, width]);
        if image != [height, width] {
            let (expected, found) = (image.to_vec(), vec![height, width]);
            return Err(EventsError::Shape { what: "movie", expected, found });
        }
        for reader in &mut self.readers {
            let first = reader.span.start.max(self.frames);
            for t in first..reader.span.end.min(self.frames + frames) {
                reader.read(t, movie.index_axis(ndarray::Axis(0), t - self.frames));
            }
        }
        self.frames += frames;
        Ok(())
    }

    /// The table with extended traces: `z0`, `z1`, `dz` of the new frames, the old ones in `z0_orig`,
    /// `z1_orig`, `dz_orig`.
    ///
    /// # Errors
    /// When frames are missing.
    pub fn finish(self) -> Result<Events, EventsError> {
        let Self { mut events, readers, frames, .. } = self;
        if frames != events.num_frames() {
            let (expected, found) = (vec![events.num_frames()], vec![frames]);
            return Err(EventsError::Shape { what: "movie", expected, found });
        }
        let integers = |value: &dyn Fn(&Reader) -> usize| {
            Values::Integers(readers.iter().map(|r| i64::try_from(value(r)).ok()).collect())
        };
        let columns = [
            ("z0", integers(&|r| r.span.start)),
            ("z1", integers(&|r| r.span.end)),
            ("dz", integers(&|r| r.span.len())),
            ("z0_orig", integers(&|r| r.own.start)),
            ("z1_orig", integers(&|r| r.own.end)),
            ("dz_orig", integers(&|r| r.own.len())),
        ];
        for (name, values) in columns {
            events.set_column(name, values)?;
        }
        events
            .set_column("trace", Values::Traces(readers.into_iter().map(|r| r.trace).collect()))?;
        Ok(events)
    }
}
