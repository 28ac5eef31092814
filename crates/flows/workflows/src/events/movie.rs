//! A movie: an image read as frames over time, `(t, y, x)`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::plan::InputStamp;
use hooke_core::{Axes, Dtype, ImageMeta, ImageSource, Pixels, Region, Sample, Sourced, dispatch};
use hooke_io::{ChunkCache, OpenOptions};
use ndarray::Array3;
use serde::{Deserialize, Serialize};

use super::error::EventsError;
use crate::engine::stamp_input;
use crate::one_image::one_image;
use crate::options::{Span, absolute, read_option};

/// Which movie, and what of it, as typed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MovieOptions {
    /// The file.
    pub movie: PathBuf,
    /// Index of the image, for files that hold several.
    pub index: Option<usize>,
    /// Member of a container.
    pub dataset: Option<String>,
    /// What the stored dimensions are, in stored order.
    pub axes: Option<String>,
    /// Channel, by number or name; needed when there are several.
    pub channel: Option<String>,
    /// Plane, for movies of volumes.
    pub z: Option<u64>,
    /// Frames `A:B`, half-open; all when missing.
    pub frames: Option<String>,
    /// Seconds between frames; overrides the file.
    pub frame_interval: Option<f64>,
    /// Pixel size in µm over `y, x`; overrides the file.
    pub voxel_size: Option<String>,
}

/// Seconds between the frames of a movie, where they are known.
///
/// # Errors
/// When the movie cannot be opened.
pub fn interval_of(options: &MovieOptions) -> Result<Option<f64>, EventsError> {
    Ok(Movie::open(options, &Arc::new(ChunkCache::new(0)))?.interval_s())
}

/// An opened movie.
pub(crate) struct Movie {
    source: Arc<dyn ImageSource>,
    pub options: MovieOptions,
    frames: Range<u64>,
    channel: u64,
    z: u64,
    /// Planes of a stack are its frames.
    planes_are_frames: bool,
    interval_s: Option<f64>,
    pixel_um: [Option<f64>; 2],
    /// What a user should know, `(code, message)`.
    pub notices: Vec<(String, String)>,
}

impl Movie {
    /// Opens it; chunks are kept in `cache`.
    ///
    /// An image of several planes and one frame is a movie of its planes.
    ///
    /// # Errors
    /// When it cannot be opened, holds several images, channels or volumes of which none is chosen, or does
    /// not have the frames.
    pub fn open(options: &MovieOptions, cache: &Arc<ChunkCache>) -> Result<Movie, EventsError> {
        let options = MovieOptions { movie: absolute(&options.movie), ..options.clone() };
        let how = OpenOptions {
            axes: options.axes.clone(),
            dataset: options.dataset.clone(),
            cache: Some(Arc::clone(cache)),
            ..OpenOptions::default()
        };
        let source = one_image(&options.movie, &how, options.index)
            .map_err(|e| e.sorted(EventsError::Io, EventsError::usage))?;
        let meta = source.meta();
        let [t, _, planes, ..] = meta.shape;
        let planes_are_frames = t == 1 && planes > 1 && options.z.is_none();
        let z = plane(&options, t, planes)?;
        let channel = channel(meta, &options)?;
        let frames = frames(if planes_are_frames { planes } else { t }, options.frames.as_deref())?;
        let mut notices = Vec::new();
        if planes_are_frames && options.axes.is_none() {
            let what =
                format!("{planes} planes and one frame: the planes are taken as frames over time");
            notices.push(("axes-assumed".to_owned(), what));
        }
        let interval_s = interval(&options, meta)?;
        let pixel_um = pixel_size(&options, meta)?;
        Ok(Movie {
            source,
            frames,
            channel,
            z,
            planes_are_frames,
            interval_s,
            pixel_um,
            notices,
            options,
        })
    }

    /// Lengths over `t, y, x`.
    pub fn shape(&self) -> [usize; 3] {
        let [.., y, x] = self.source.meta().shape;
        [(self.frames.end - self.frames.start) as usize, y as usize, x as usize]
    }

    /// The type of its samples.
    pub fn dtype(&self) -> Dtype {
        self.source.meta().dtype
    }

    /// Seconds between frames, if known.
    pub fn interval_s(&self) -> Option<f64> {
        self.interval_s
    }

    /// µm from pixel to pixel over `y, x`, where known.
    pub fn pixel_um(&self) -> [Option<f64>; 2] {
        self.pixel_um
    }

    /// A movie of the same frames, of another type.
    pub fn meta(&self, name: &str, dtype: Dtype) -> ImageMeta {
        let [t, y, x] = self.shape().map(|n| n as u64);
        let axes = Axes::parse("tyx").unwrap_or(Axes::TCZYX);
        let mut meta = ImageMeta::new(name, axes, [t, 1, 1, y, x], dtype);
        let own = self.source.meta();
        meta.frame_interval_s = self.interval_s;
        let times = own.frame_times_s.as_ref().filter(|_| !self.planes_are_frames);
        meta.frame_times_s = times
            .and_then(|times| times.get(self.frames.start as usize..self.frames.end as usize))
            .map(<[f64]>::to_vec);
        for (d, size) in self.pixel_um.iter().enumerate() {
            meta.voxel_size_um[d + 1] = size.map_or_else(Sourced::unknown, Sourced::file);
            meta.origin_um[d + 1] = own.origin_um[d + 1];
        }
        meta.channels = own.channels.get(self.channel as usize).cloned().into_iter().collect();
        meta
    }

    /// Frames of a part of the field of view, as they are stored.
    ///
    /// # Errors
    /// When the file cannot be read there.
    pub fn pixels(&self, part: &[Range<usize>; 3]) -> Result<Pixels, SourceError> {
        let [t, y, x] = part.clone().map(|r| (r.start as u64, (r.end - r.start) as u64));
        let first = self.frames.start + t.0;
        let region = match self.planes_are_frames {
            true => Region::new([0, self.channel, first, y.0, x.0], [1, 1, t.1, y.1, x.1]),
            false => Region::new([first, self.channel, self.z, y.0, x.0], [t.1, 1, 1, y.1, x.1]),
        };
        let mut pixels = Pixels::zeros(self.dtype(), [0; 5]);
        self.source.read(0, &region, &mut pixels)?;
        Ok(pixels)
    }

    /// Frames of a part of the field of view as real numbers.
    ///
    /// # Errors
    /// When the file cannot be read there, or a sample is no number.
    pub fn read(&self, part: [Range<usize>; 3]) -> Result<Array3<f32>, SourceError> {
        let mut values = Vec::new();
        self.pixels(&part)?.to_f32_into(&mut values);
        let shape = part.clone().map(|r| r.end - r.start);
        let bad = |v: &f32| !v.is_finite();
        if self.dtype().is_float()
            && let Some(at) = values.iter().position(bad)
        {
            let count = values.iter().filter(|v| bad(v)).count();
            let [_, y, x] = shape;
            let place = [at / (y * x), at / x % y, at % x];
            let [t, y, x]: [usize; 3] = std::array::from_fn(|d| part[d].start + place[d]);
            return Err(EventsError::NotFinite {
                path: self.options.movie.clone(),
                place: [self.frames.start as usize + t, y, x],
                count,
            }
            .into());
        }
        Ok(Array3::from_shape_vec(shape, values)?)
    }

    /// Frames of a part of the field of view as labels.
    ///
    /// # Errors
    /// When the file cannot be read there, or a label is below 0 or above 2^32 - 2.
    pub fn labels(&self, part: &[Range<usize>; 3]) -> Result<Array3<u32>, SourceError> {
        let pixels = self.pixels(part)?;
        let wrong = || {
            let what = format!("{}: labels are 0 to 4294967294", self.options.movie.display());
            EventsError::unfit(what, "number them anew")
        };
        let id = |v: i128| u32::try_from(v).ok().filter(|id| *id < u32::MAX).ok_or_else(wrong);
        let ids: Vec<u32> = dispatch!(pixels.dtype(), T => {
            let samples = pixels.as_slice::<T>().unwrap_or_default();
            samples.iter().map(|v| id(v.to_i128().unwrap_or(-1))).collect::<Result<_, _>>()?
        });
        Ok(Array3::from_shape_vec(part.clone().map(|r| r.end - r.start), ids)?)
    }

    /// Bytes that reading takes for each sample: as stored, and as `f32`.
    pub fn bytes_per_sample(&self) -> u64 {
        self.dtype().size() as u64 + 4
    }

    /// What the file was when it was read.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn stamp(&self) -> Result<InputStamp, SourceError> {
        Ok(stamp_input(&self.options.movie, None)?)
    }
}

fn plane(options: &MovieOptions, frames: u64, planes: u64) -> Result<u64, EventsError> {
    match options.z {
        Some(z) if z < planes => Ok(z),
        Some(z) => Err(EventsError::usage(
            format!("--z {z}: the image has {planes} planes, counted from 0"),
            "hooke info shows its axes",
        )),
        None if planes > 1 && frames > 1 => Err(EventsError::usage(
            format!("{}: {frames} frames of {planes} planes", options.movie.display()),
            "events are looked for in one plane: --z N",
        )),
        None => Ok(0),
    }
}

fn channel(meta: &ImageMeta, options: &MovieOptions) -> Result<u64, EventsError> {
    let count = meta.shape[1];
    let name = |c: u64| meta.channels.get(c as usize).and_then(|c| c.name.clone());
    let known = || {
        let all = (0..count).map(|c| name(c).map_or(c.to_string(), |n| format!("{c} {n}")));
        all.collect::<Vec<_>>().join(", ")
    };
    match options.channel.as_deref() {
        None if count == 1 => Ok(0),
        None => Err(EventsError::usage(
            format!("{}: {count} channels", options.movie.display()),
            format!("choose one with --channel; there are {}", known()),
        )),
        Some(word) => {
            let number = word.parse::<u64>().ok().filter(|c| *c < count);
            let found = number.or_else(|| (0..count).find(|c| name(*c).as_deref() == Some(word)));
            found.ok_or_else(|| {
                let what = format!("--channel: the image has no channel `{word}`");
                EventsError::usage(what, format!("it has {}", known()))
            })
        }
    }
}

fn frames(count: u64, text: Option<&str>) -> Result<Range<u64>, EventsError> {
    let Some(text) = text else { return Ok(0..count) };
    let span = read_option::<Span>("frames", text)?;
    let wrong = |why: &str| {
        let what = format!("--frames `{text}`: {why}; the movie has {count}, counted from 0");
        EventsError::usage(what, "write A:B, the end not included, like 100:400")
    };
    if span.step.is_some() {
        return Err(wrong("a movie has all frames of a range"));
    }
    if span.low.is_some_and(|n| n >= count as i64) || span.high.is_some_and(|n| n > count as i64) {
        return Err(wrong("it reaches beyond the end"));
    }
    match span.of_length(count) {
        (low, high, _) if low < high => Ok(low..high),
        _ => Err(wrong("it holds no frame")),
    }
}

fn interval(options: &MovieOptions, meta: &ImageMeta) -> Result<Option<f64>, EventsError> {
    match options.frame_interval {
        Some(s) if s.is_finite() && s > 0.0 => Ok(Some(s)),
        Some(s) => Err(EventsError::usage(
            format!("--frame-interval {s} is no time between frames"),
            "write seconds, like 0.1",
        )),
        None => Ok(meta.frame_interval_s.filter(|s| s.is_finite() && *s > 0.0)),
    }
}

fn pixel_size(options: &MovieOptions, meta: &ImageMeta) -> Result<[Option<f64>; 2], EventsError> {
    let Some(text) = &options.voxel_size else {
        return Ok([1, 2].map(|d| meta.voxel_size_um[d].value));
    };
    let read: Option<Vec<f64>> = text.split(',').map(|t| t.trim().parse().ok()).collect();
    let sizes = read.filter(|all| all.iter().all(|s: &f64| s.is_finite() && *s > 0.0));
    match sizes.as_deref() {
        Some([one]) => Ok([Some(*one); 2]),
        Some([.., y, x]) => Ok([Some(*y), Some(*x)]),
        _ => Err(EventsError::usage(
            format!("--voxel-size `{text}` is no size of a pixel"),
            "write micrometres over y,x, like 0.4,0.4",
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn frames_are_a_half_open_part_of_the_movie() {
        assert_eq!(frames(9, None).unwrap(), 0..9);
        assert_eq!(frames(9, Some("2:5")).unwrap(), 2..5);
        assert_eq!(frames(9, Some("-3:")).unwrap(), 6..9);
        for text in ["5:5", "6:2", "9:", "2:10", "a:b", "0:9:2", ""] {
            assert!(frames(9, Some(text)).is_err(), "{text}");
        }
    }
}
