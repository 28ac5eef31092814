//! Statistics and the identity of an image's pixels, streamed plane by plane.

use std::path::Path;

use hooke_core::{Dtype, ImageSource, Pixels, Progress, Region, Sample, dispatch};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Rows are read in slabs of about this many bytes.
const SLAB_BYTES: u64 = 16 << 20;

/// What the pixels of level 0 add up to.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelSummary {
    /// Number of samples.
    pub n: u64,
    /// Number of NaN samples; they count for nothing else.
    pub nan: u64,
    /// Smallest sample.
    pub min: Number,
    /// Largest sample.
    pub max: Number,
    /// Sum; exact for integers.
    pub sum: Number,
    /// Mean.
    pub mean: f64,
    /// Population standard deviation.
    pub std: f64,
    /// SHA-256 of the little-endian bytes in C order, when asked for.
    pub sha256: Option<String>,
}

/// An exact integer or a float.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Of an image of integers.
    Integer(i128),
    /// Of an image of floats.
    Float(f64),
}

impl Number {
    fn to_json(self) -> Value {
        match self {
            // serde_json holds 64-bit integers; larger sums keep their digits as a raw number.
            Number::Integer(i) => match (i64::try_from(i), u64::try_from(i)) {
                (Ok(i), _) => json!(i),
                (_, Ok(u)) => json!(u),
                _ => json!(i as f64),
            },
            Number::Float(f) => json!(f),
        }
    }
}

impl PixelSummary {
    /// The `stats` object of `hooke info --json`.
    pub fn to_json(&self) -> Value {
        json!({
            "n": self.n, "nan": self.nan, "min": self.min.to_json(), "max": self.max.to_json(),
            "mean": self.mean, "std": self.std, "sum": self.sum.to_json()
        })
    }
}

/// Reads level 0 once, in slabs, in C order.
///
/// # Errors
/// When the image cannot be read.
pub fn summarise(
    path: &Path,
    image: &dyn ImageSource,
    hash: bool,
    progress: &dyn Progress,
) -> Result<PixelSummary, hooke_io::Error> {
    let meta = image.meta();
    let mut pixels = Pixels::zeros(meta.dtype, [1, 1, 1, 1, 1]);
    let mut bytes = Vec::new();
    let mut sha = hash.then(Sha256::new);
    let mut sums = Sums::default();
    let slabs = slabs(meta.shape, meta.dtype);
    progress.start("read", slabs.len() as u64, "slabs");
    for slab in &slabs {
        image.read(0, slab, &mut pixels).map_err(|e| match e.downcast::<hooke_io::Error>() {
            Ok(error) => *error,
            Err(other) => hooke_io::Error::corrupt(path, other.to_string()),
        })?;
        dispatch!(meta.dtype, T => sums.add::<T>(pixels.as_slice().expect("read with its dtype")));
        if let Some(sha) = &mut sha {
            bytes.clear();
            pixels.extend_le_bytes(&mut bytes);
            sha.update(&bytes);
        }
        progress.advance(1, pixels.bytes());
    }
    Ok(sums.finish(meta.dtype, sha.map(|s| hex(&s.finalize()))))
}

/// Two digits per byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Slabs of an image in C order, each of whole rows and about [`SLAB_BYTES`].
fn slabs(shape: [u64; 5], dtype: Dtype) -> Vec<Region> {
    let mut step = [1, 1, 1, 1, shape[4]];
    let mut bytes = shape[4] * dtype.size() as u64;
    for d in (0..4).rev() {
        let fit = (SLAB_BYTES / bytes.max(1)).clamp(1, shape[d].max(1));
        step[d] = fit;
        bytes *= fit;
        if fit < shape[d] {
            break;
        }
    }
    hooke_core::region::grid(shape, step).collect()
}

#[derive(Default)]
struct Sums {
    n: u64,
    nan: u64,
    min: f64,
    max: f64,
    integer: Option<(i128, i128, i128)>,
    sum: f64,
    /// Mean and summed squared deviations of all slabs so far (Chan et al. 1979).
    mean: f64,
    squares: f64,
}

impl Sums {
    fn add<T: Sample>(&mut self, slab: &[T]) {
        let mut n = 0u64;
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut sum = 0.0;
        for v in slab.iter().filter(|v| !v.is_nan()) {
            let v = v.to_f64();
            n += 1;
            sum += v;
            low = low.min(v);
            high = high.max(v);
        }
        self.nan += slab.len() as u64 - n;
        if n == 0 {
            self.n += slab.len() as u64;
            return;
        }
        let mean = sum / n as f64;
        let squares: f64 =
            slab.iter().filter(|v| !v.is_nan()).map(|v| (v.to_f64() - mean).powi(2)).sum();
        let before = (self.n - (self.nan - (slab.len() as u64 - n))) as f64;
        let total = before + n as f64;
        let delta = mean - self.mean;
        self.squares += squares + delta * delta * before * n as f64 / total;
        self.mean += delta * n as f64 / total;
        self.sum += sum;
        self.min = if before == 0.0 { low } else { self.min.min(low) };
        self.max = if before == 0.0 { high } else { self.max.max(high) };
        self.n += slab.len() as u64;
        if let Some(exact) = exact_integers(slab) {
            self.integer = Some(match self.integer {
                None => exact,
                Some((s, a, b)) => (s + exact.0, a.min(exact.1), b.max(exact.2)),
            });
        }
    }

    fn finish(&self, dtype: Dtype, sha256: Option<String>) -> PixelSummary {
        let valid = self.n - self.nan;
        let (min, max, sum) = match (dtype.is_float(), self.integer) {
            (false, Some((sum, min, max))) => {
                (Number::Integer(min), Number::Integer(max), Number::Integer(sum))
            }
            _ => (Number::Float(self.min), Number::Float(self.max), Number::Float(self.sum)),
        };
        let std = if valid == 0 { f64::NAN } else { (self.squares / valid as f64).sqrt() };
        let mean = if valid == 0 { f64::NAN } else { self.mean };
        PixelSummary { n: self.n, nan: self.nan, min, max, sum, mean, std, sha256 }
    }
}

/// Sum, minimum and maximum of integer samples, exactly; `None` for floats.
fn exact_integers<T: Sample>(slab: &[T]) -> Option<(i128, i128, i128)> {
    slab.iter().try_fold((0, i128::MAX, i128::MIN), |(sum, min, max), v| {
        let v = v.to_i128()?;
        Some((sum + v, v.min(min), v.max(max)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_two_slabs_equal_those_of_one() {
        let values: Vec<u16> = (0..1000).map(|i| (i * 37 % 501) as u16).collect();
        let mut one = Sums::default();
        one.add(&values);
        let mut two = Sums::default();
        two.add(&values[..300]);
        two.add(&values[300..]);
        let (a, b) = (one.finish(Dtype::Uint16, None), two.finish(Dtype::Uint16, None));
        assert_eq!((a.sum, a.min, a.max), (b.sum, b.min, b.max));
        assert!((a.mean - b.mean).abs() < 1e-9 && (a.std - b.std).abs() < 1e-9);
        assert_eq!(a.sum, Number::Integer(values.iter().map(|v| i128::from(*v)).sum()));
    }

    #[test]
    fn sums_of_64_bit_integers_are_exact_and_nan_is_counted_apart() {
        let mut sums = Sums::default();
        sums.add(&[u64::MAX, 1]);
        assert_eq!(sums.finish(Dtype::Uint64, None).sum, Number::Integer(i128::from(u64::MAX) + 1));
        let mut sums = Sums::default();
        sums.add(&[f32::NAN, 2.0, 4.0]);
        let s = sums.finish(Dtype::Float32, None);
        assert_eq!((s.n, s.nan, s.mean, s.std), (3, 1, 3.0, 1.0));
    }

    #[test]
    fn slabs_cover_an_image_in_order() {
        let shape = [2, 1, 3, 5000, 5000];
        let all = slabs(shape, Dtype::Uint16);
        assert_eq!(all.iter().map(Region::voxels).sum::<u64>(), Region::whole(shape).voxels());
        assert!(all.iter().all(|s| s.voxels() * 2 <= SLAB_BYTES && s.shape[4] == 5000));
        assert!(all.windows(2).all(|w| w[0].start < w[1].start));
    }
}
