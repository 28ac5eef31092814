//! From one sample type to another, never silently.

use hooke_core::pixels::Typed;
use hooke_core::{Dtype, ImageMeta, Pixels, Region, Sample, dispatch};

use super::ConvertError;

/// How values become values of the target type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cast {
    /// The types are equal.
    Identity,
    /// A value that does not survive is an error.
    Exact,
    /// Saturate and count.
    Clip,
    /// Map `low..high` to the full range of integers, to 0..1 for floats.
    Scale { range: Range },
}

/// The values that become the ends of the new type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Range {
    Fixed(f64, f64),
    /// The smallest and the largest finite value of the image.
    Extremes,
    /// Percentiles of the image, exact.
    Percentiles(f64, f64),
}

impl Cast {
    pub fn new(cast: &str, range: &str, from: Dtype, to: Dtype) -> Result<Cast, ConvertError> {
        if cast == "scale" {
            return Ok(Cast::Scale { range: Range::parse(range)? });
        }
        Ok(match (from == to, cast) {
            (true, _) => Cast::Identity,
            (false, "clip") => Cast::Clip,
            (false, _) => Cast::Exact,
        })
    }

    /// Whether nothing is done.
    pub fn is_identity(&self) -> bool {
        *self == Cast::Identity
    }

    /// What of the image must be measured first.
    pub fn measures(&self) -> Option<Range> {
        match self {
            Cast::Scale { range: range @ (Range::Extremes | Range::Percentiles(..)) } => {
                Some(*range)
            }
            _ => None,
        }
    }

    /// The same cast with what was measured.
    pub fn with_range(self, measured: Option<(f64, f64)>) -> Cast {
        match measured.filter(|_| self.measures().is_some()) {
            Some((low, high)) => Cast::Scale { range: Range::Fixed(low, high) },
            None => self,
        }
    }

    /// Converts a block of the output at `region`; gives the number of clipped values.
    pub fn apply(
        &self,
        from: &Pixels,
        meta: &ImageMeta,
        region: &Region,
        to: &mut Pixels,
    ) -> Result<u64, ConvertError> {
        to.reset(meta.dtype, from.shape());
        dispatch!(from.dtype(), T => dispatch!(meta.dtype, U => {
            let (Some(input), Some(output)) = (from.as_slice::<T>(), to.as_mut_slice::<U>()) else {
                return Ok(0);
            };
            self.convert(input, output).map_err(|at| does_not_fit(input[at].to_f64(), at, meta, region))
        }))
    }

    /// `Err` holds the index of the first value that does not fit.
    fn convert<T: Sample + Typed, U: Sample + Typed>(
        &self,
        input: &[T],
        output: &mut [U],
    ) -> Result<u64, usize> {
        let mut clipped = 0;
        for (i, (v, out)) in input.iter().zip(output).enumerate() {
            match self {
                Cast::Scale { range } => {
                    let Range::Fixed(low, high) = *range else { return Ok(0) };
                    let unit =
                        ((v.to_f64() - low) / (high - low).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
                    *out = U::from_f64(unit * largest::<U>());
                }
                _ => {
                    let (value, exact) = nearest::<T, U>(*v);
                    if !exact && *self == Cast::Exact {
                        return Err(i);
                    }
                    clipped += u64::from(!exact);
                    *out = value;
                }
            }
        }
        Ok(clipped)
    }
}

/// The nearest value of the target type, and whether it is the same value.
fn nearest<T: Sample, U: Sample>(v: T) -> (U, bool) {
    let value = U::from_f64(v.to_f64());
    let same = match (v.to_i128(), value.to_i128()) {
        // Integers beyond 2^53 are compared as integers: f64 would round them.
        (Some(a), Some(b)) => a == b,
        (None, None) if v.is_nan() => value.is_nan(),
        (Some(a), None) => value.to_f64() == a as f64 && (a as f64) as i128 == a,
        _ => value.to_f64() == v.to_f64(),
    };
    if same {
        return (value, true);
    }
    // 64-bit integers lose their last bits in f64 although the target could hold them.
    (value, false)
}

fn largest<U: Sample>() -> f64 {
    if U::DTYPE.is_float() { 1.0 } else { U::from_f64(f64::INFINITY).to_f64() }
}

fn does_not_fit(value: f64, at: usize, meta: &ImageMeta, region: &Region) -> ConvertError {
    let mut rest = at as u64;
    let mut position = [0; 5];
    for d in (0..5).rev() {
        position[d] = region.start[d] + rest % region.shape[d];
        rest /= region.shape[d];
    }
    ConvertError::DoesNotFit {
        value,
        axes: meta.axes.to_string(),
        position: meta.axes.pick(&position),
        dtype: meta.dtype,
    }
}

impl Range {
    fn parse(text: &str) -> Result<Range, ConvertError> {
        if text == "minmax" || text.is_empty() {
            return Ok(Range::Extremes);
        }
        let bad = || {
            let hint =
                "write lo,hi, percentiles like p1,p99.9, or minmax; the first is the smaller";
            ConvertError::parameters(format!("--range `{text}`"), hint)
        };
        let (low, high) = text.split_once(',').ok_or_else(bad)?;
        let (low, high) = (low.trim(), high.trim());
        let number = |t: &str| t.parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(bad);
        match (low.strip_prefix('p'), high.strip_prefix('p')) {
            (Some(low), Some(high)) => {
                let (low, high) = (number(low)?, number(high)?);
                let fits = 0.0 <= low && low < high && high <= 100.0;
                fits.then_some(Range::Percentiles(low, high)).ok_or_else(bad)
            }
            (None, None) => {
                let (low, high) = (number(low)?, number(high)?);
                (low < high).then_some(Range::Fixed(low, high)).ok_or_else(bad)
            }
            _ => Err(bad()),
        }
    }
}

/// Smallest and largest finite value; infinities when there is none.
pub(super) fn extremes(pixels: &Pixels) -> (f64, f64) {
    dispatch!(pixels.dtype(), T => {
        let values = pixels.as_slice::<T>().unwrap_or_default().iter().map(|v| v.to_f64());
        values
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
    })
}

/// What is said of clipped values; `None` counts some, nobody knows how many.
pub(crate) fn clip_warning(count: Option<u64>, dtype: Dtype) -> Option<(String, String)> {
    let count = count.map_or("some".to_owned(), |n| n.to_string());
    let message = format!("{count} values did not fit {dtype} and were clipped");
    (count != "0").then(|| ("clipped".to_owned(), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(cast: Cast, values: Vec<f32>) -> Result<(Vec<u8>, u64), usize> {
        let mut out = vec![0u8; values.len()];
        let clipped = cast.convert(&values, &mut out)?;
        Ok((out, clipped))
    }

    #[test]
    fn exact_names_the_first_value_that_is_lost() {
        assert_eq!(run(Cast::Exact, vec![1.0, 255.0]), Ok((vec![1, 255], 0)));
        assert_eq!(run(Cast::Exact, vec![1.0, 2.5, 300.0]), Err(1));
    }

    #[test]
    fn clip_saturates_and_counts_and_scale_fills_the_range() {
        assert_eq!(run(Cast::Clip, vec![-3.0, 7.0, 300.0]), Ok((vec![0, 7, 255], 2)));
        let scale = Cast::Scale { range: Range::Fixed(0.0, 2.0) };
        assert_eq!(run(scale, vec![0.0, 1.0, 2.0, 9.0]), Ok((vec![0, 128, 255, 255], 0)));
    }

    #[test]
    fn large_integers_are_compared_as_integers() {
        assert!(!nearest::<u64, f64>(u64::MAX).1);
        assert!(nearest::<u64, f64>(1 << 60).1);
        assert!(nearest::<i16, u32>(5).1 && !nearest::<i16, u32>(-5).1);
    }
}
