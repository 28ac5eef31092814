//! One image minus another.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::pixels::Typed;
use hooke_core::{ImageMeta, ImageSource, Pixels, Region, Sample, dispatch};

use super::View;
use crate::convert::ConvertError;

/// What can be subtracted.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::convert) enum Subtrahend {
    /// A channel of the image itself.
    Channel(u64),
    /// A statistic of each pixel over the frames.
    Statistic(Statistic),
    /// An image in a file.
    File(PathBuf),
}

/// A statistic of each pixel over the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Statistic {
    /// The mean of the values that are not NaN.
    Mean,
    /// The middle value; of an even number the mean of the two middle ones.
    Median,
    /// The smallest value.
    Min,
}

impl Statistic {
    pub fn parse(text: &str) -> Option<Statistic> {
        match text {
            "mean" => Some(Statistic::Mean),
            "median" => Some(Statistic::Median),
            "min" => Some(Statistic::Min),
            _ => None,
        }
    }

    /// The statistic of some values, which are sorted as far as it needs; NaN of none.
    pub fn of(self, values: &mut [f64]) -> f64 {
        if values.is_empty() {
            return f64::NAN;
        }
        match self {
            Statistic::Mean => values.iter().sum::<f64>() / values.len() as f64,
            Statistic::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
            Statistic::Median => {
                let is_even = values.len().is_multiple_of(2);
                let (below, upper, _) =
                    values.select_nth_unstable_by(values.len() / 2, f64::total_cmp);
                let lower = below.iter().copied().max_by(f64::total_cmp).filter(|_| is_even);
                lower.map_or(*upper, |lower| (lower + *upper) / 2.0)
            }
        }
    }
}

impl Subtrahend {
    /// The name of a statistic, the name or number of a channel, or a path.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str, meta: &ImageMeta) -> Result<Subtrahend, ConvertError> {
        if let Some(statistic) = Statistic::parse(text) {
            return Ok(Subtrahend::Statistic(statistic));
        }
        let named = meta.channels.iter().position(|c| c.name.as_deref() == Some(text));
        let number = || text.parse::<u64>().ok().filter(|c| *c < meta.shape[1]);
        if let Some(channel) = named.map(|c| c as u64).or_else(number) {
            return Ok(Subtrahend::Channel(channel));
        }
        if Path::new(text).exists() {
            let path = Path::new(text);
            return Ok(Subtrahend::File(
                std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            ));
        }
        Err(ConvertError::parameters(
            format!("--subtract `{text}` is neither a channel of the image nor a file"),
            "write the name or number of a channel, mean, median, min, or the path of an image",
        ))
    }
}

/// An image minus another, clipped at the ends of its type.
pub(super) struct Subtracted {
    source: Arc<dyn View>,
    what: What,
}

enum What {
    Channel(u64),
    Image(Arc<dyn ImageSource>),
    /// One frame; `None` until it is there, before any voxel is asked for.
    Frame(Option<Arc<dyn ImageSink>>),
}

impl Subtracted {
    pub fn channel(source: Arc<dyn View>, channel: u64) -> Subtracted {
        Subtracted { source, what: What::Channel(channel) }
    }

    /// One frame, that of a statistic, subtracted from all.
    pub fn frame(source: Arc<dyn View>, frame: Option<Arc<dyn ImageSink>>) -> Subtracted {
        Subtracted { source, what: What::Frame(frame) }
    }

    /// # Errors
    /// When the image is neither as long as the source along an axis nor 1.
    pub fn image(
        source: Arc<dyn View>,
        image: Arc<dyn ImageSource>,
        path: &Path,
    ) -> Result<Subtracted, ConvertError> {
        let (own, other) = (source.meta().shape, image.meta().shape);
        let fits = (0..5).all(|d| other[d] == own[d] || (d < 3 && other[d] == 1));
        if !fits {
            return Err(ConvertError::parameters(
                format!(
                    "--subtract {}: its shape {other:?} over t, c, z, y, x does not fit {own:?}",
                    path.display()
                ),
                "it must be as large along y and x, and as long or 1 along t, c and z",
            ));
        }
        Ok(Subtracted { source, what: What::Image(image) })
    }

    /// Shape of what is subtracted from a box of this shape.
    fn other_shape(&self, shape: [u64; 5]) -> [u64; 5] {
        match &self.what {
            What::Channel(_) => [shape[0], 1, shape[2], shape[3], shape[4]],
            What::Image(image) => std::array::from_fn(|d| shape[d].min(image.meta().shape[d])),
            What::Frame(_) => [1, shape[1], shape[2], shape[3], shape[4]],
        }
    }

    fn read_other(&self, region: &Region, out: &mut Pixels) -> Result<(), SourceError> {
        let shape = self.other_shape(region.shape);
        match &self.what {
            What::Channel(channel) => {
                let mut start = region.start;
                start[1] = *channel;
                self.source.read(&Region::new(start, shape), out)?;
            }
            What::Image(image) => {
                let whole = image.meta().shape;
                let start =
                    std::array::from_fn(|d| if whole[d] == 1 { 0 } else { region.start[d] });
                image.read(0, &Region::new(start, shape), out)?;
            }
            What::Frame(frame) => {
                let frame = frame.as_ref().ok_or("the frame is read before it is made")?;
                let mut start = region.start;
                start[0] = 0;
                frame.read_back(0, &Region::new(start, shape), out)?;
            }
        }
        Ok(())
    }
}

impl View for Subtracted {
    fn meta(&self) -> &ImageMeta {
        self.source.meta()
    }

    fn read(&self, region: &Region, out: &mut Pixels) -> Result<u64, SourceError> {
        let clipped = self.source.read(region, out)?;
        let mut other = Pixels::zeros(self.meta().dtype, [0; 5]);
        self.read_other(region, &mut other)?;
        let less = dispatch!(out.dtype(), T => dispatch!(other.dtype(), U => {
            subtract::<T, U>(out, &other)
        }));
        Ok(clipped + less)
    }

    fn reads_once(&self) -> bool {
        self.source.reads_once()
    }

    fn scratch_bytes(&self, shape: [u64; 5]) -> u64 {
        let other: u64 = self.other_shape(shape).iter().product();
        self.source.scratch_bytes(shape) + 8 * other
    }
}

/// `a -= b`, where axes of `b` of length 1 count for all; gives the number of values that were clipped.
fn subtract<T: Sample + Typed, U: Sample + Typed>(a: &mut Pixels, b: &Pixels) -> u64 {
    let shape = a.shape().map(|n| n as usize);
    let (Some(mut a), Some(b)) = (a.view_mut::<T>(), b.view::<U>()) else { return 0 };
    let Some(b) = b.broadcast(shape) else { return 0 };
    let mut clipped = 0;
    ndarray::Zip::from(&mut a).and(&b).for_each(|a, b| {
        let (difference, fits) = difference::<T, U>(*a, *b);
        clipped += u64::from(!fits);
        *a = difference;
    });
    clipped
}

/// `a - b` as the nearest value of the type of `a`, and whether it lies inside the type.
fn difference<T: Sample, U: Sample>(a: T, b: U) -> (T, bool) {
    let exact = a.to_f64() - b.to_f64();
    let value = T::from_f64(exact);
    (value, T::DTYPE.is_float() || value.to_f64() == exact.round_ties_even())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_rounded_and_clipped_at_the_ends() {
        assert_eq!(difference(5u8, 3u8), (2, true));
        assert_eq!(difference(3u8, 5u8), (0, false));
        assert_eq!(difference(-100i8, 100u8), (-128, false));
        assert_eq!(difference(5u16, 2.5f64), (2, true));
        assert_eq!(difference(6u16, 2.5f64), (4, true));
        assert_eq!(difference(1.5f32, 2u8), (-0.5, true));
    }

    #[test]
    fn what_has_length_one_is_subtracted_everywhere() {
        let mut a = Pixels::from_vec([2, 1, 1, 1, 3], vec![10u16, 20, 30, 1, 2, 3]);
        let b = Pixels::from_vec([1, 1, 1, 1, 3], vec![1.0f64, 2.0, 3.6]);
        assert_eq!(subtract::<u16, f64>(&mut a, &b), 1);
        assert_eq!(a.as_slice::<u16>(), Some(&[9, 18, 26, 0, 0, 0][..]));
    }
}
