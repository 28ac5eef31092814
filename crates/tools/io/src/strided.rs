//! Regions of raw arrays in files: any stored order, either byte order, bounded memory.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::pixels::Typed;
use hooke_core::{Dtype, Pixels, Region, Sample, dispatch, region};

use crate::{Error, Result};

/// Most bytes read at once.
const SPAN: u64 = 1 << 20;
/// A gap of this many bytes costs less to read over than a second call costs.
const GAP: u64 = 16 << 10;

/// How samples lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawSample {
    /// The samples of a [`Dtype`].
    Native(Dtype),
    /// IEEE 754 half precision, read as f32.
    Half,
    /// One byte, 0 or 1, read as u8; any other value counts as 1.
    Bool,
}

impl RawSample {
    /// Bytes per stored sample.
    pub fn size(self) -> u64 {
        match self {
            RawSample::Native(dtype) => dtype.size() as u64,
            RawSample::Half => 2,
            RawSample::Bool => 1,
        }
    }

    /// The type the samples are read as; never loses a value.
    pub fn dtype(self) -> Dtype {
        match self {
            RawSample::Native(dtype) => dtype,
            RawSample::Half => Dtype::Float32,
            RawSample::Bool => Dtype::Uint8,
        }
    }

    /// numpy's name of the stored type.
    pub fn name(self) -> &'static str {
        match self {
            RawSample::Native(dtype) => dtype.name(),
            RawSample::Half => "float16",
            RawSample::Bool => "bool",
        }
    }
}

/// An array of raw samples in a file.
#[derive(Debug)]
pub struct StridedFile {
    /// The open file; read at positions, so that threads do not disturb each other.
    pub file: Arc<File>,
    /// Its path, for messages.
    pub path: PathBuf,
    /// Byte of the first sample.
    pub offset: u64,
    /// How samples are stored.
    pub sample: RawSample,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
    /// Lengths over `t, c, z, y, x`.
    pub shape: [u64; 5],
    /// Samples from one index to the next over `t, c, z, y, x`.
    pub strides: [u64; 5],
}

/// Strides in samples of a dense array whose dimensions have the given lengths, slowest first.
///
/// `None` when the array has more samples than fit in a u64.
pub fn dense_strides(lengths: &[u64]) -> Option<Vec<u64>> {
    let mut strides = vec![1u64; lengths.len()];
    for d in (0..lengths.len().saturating_sub(1)).rev() {
        strides[d] = strides[d + 1].checked_mul(lengths[d + 1])?;
    }
    match lengths.first() {
        Some(first) => strides[0].checked_mul(*first).map(|_| strides),
        None => Some(strides),
    }
}

impl StridedFile {
    /// Reads a region; `out` is reset to its shape.
    ///
    /// # Errors
    /// [`Error::NotThere`] when the region does not fit; [`Error::Io`] when the file cannot be read.
    pub fn read(&self, region: &Region, out: &mut Pixels) -> Result<()> {
        if !region.fits(self.shape) {
            return Err(no_region(&self.path, region, self.shape));
        }
        out.reset(self.sample.dtype(), region.shape);
        if region.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for part in region::grid(region.shape, self.part_shape(region.shape)) {
            let start: [u64; 5] = std::array::from_fn(|d| region.start[d] + part.start[d]);
            let size = self.sample.size();
            bytes.resize((self.span(part.shape) * size) as usize, 0);
            let at = self.offset + dot(start, self.strides) * size;
            self.file.read_exact_at(&mut bytes, at).map_err(|e| {
                Error::io(&self.path, format!("read {} bytes at {at}", bytes.len()), e)
            })?;
            self.scatter(&bytes, &part, out);
        }
        Ok(())
    }

    /// Samples from the first to the last of a box, in the file.
    fn span(&self, shape: [u64; 5]) -> u64 {
        1 + dot(shape.map(|n| n - 1), self.strides)
    }

    /// The largest box that one call should read: short gaps are read over, long ones are not.
    fn part_shape(&self, shape: [u64; 5]) -> [u64; 5] {
        let mut order = [0, 1, 2, 3, 4];
        order.sort_by_key(|d| self.strides[*d]);
        let size = self.sample.size();
        let mut part = [1; 5];
        for d in order.into_iter().filter(|d| shape[*d] > 1) {
            let span = self.span(part);
            let gap = self.strides[d].saturating_sub(span) * size;
            if gap > GAP.max(span * size) {
                break;
            }
            let more = (SPAN / size).saturating_sub(span) / self.strides[d].max(1);
            part[d] = shape[d].min(1 + more);
            if part[d] < shape[d] {
                break;
            }
        }
        part
    }

    /// Puts the samples of one read where they belong.
    fn scatter(&self, bytes: &[u8], part: &Region, out: &mut Pixels) {
        match self.sample {
            RawSample::Native(dtype) => dispatch!(dtype, T => {
                if self.big_endian {
                    self.scatter_as::<T>(bytes, part, out, T::read_be);
                } else {
                    self.scatter_as::<T>(bytes, part, out, T::read_le);
                }
            }),
            RawSample::Half if self.big_endian => {
                self.scatter_as::<f32>(bytes, part, out, |b, o| {
                    read_half(b, o, u16::from_be_bytes)
                });
            }
            RawSample::Half => {
                self.scatter_as::<f32>(bytes, part, out, |b, o| {
                    read_half(b, o, u16::from_le_bytes)
                });
            }
            RawSample::Bool => self.scatter_as::<u8>(bytes, part, out, |b, o| {
                o.iter_mut().zip(b).for_each(|(o, b)| *o = u8::from(*b != 0));
            }),
        }
    }

    fn scatter_as<T: Typed>(
        &self,
        bytes: &[u8],
        part: &Region,
        out: &mut Pixels,
        decode: impl Fn(&[u8], &mut [T]),
    ) {
        let size = self.sample.size() as usize;
        let row_stride = self.strides[4] as usize * size;
        let out_strides = dense_strides(&out.shape()).expect("the block is in memory");
        let out_strides: [u64; 5] = out_strides.try_into().expect("five axes");
        let samples = out.as_mut_slice::<T>().expect("reset to this type");
        let [nt, nc, nz, ny, nx] = part.shape;
        for t in 0..nt {
            for c in 0..nc {
                for z in 0..nz {
                    for y in 0..ny {
                        let p = [t, c, z, y, 0];
                        let from = dot(p, self.strides) as usize * size;
                        let to = dot(part.start, out_strides) + dot(p, out_strides);
                        let row = &mut samples[to as usize..][..nx as usize];
                        if row_stride == size {
                            decode(&bytes[from..from + row.len() * size], row);
                            continue;
                        }
                        for (x, sample) in row.iter_mut().enumerate() {
                            let at = from + x * row_stride;
                            decode(&bytes[at..at + size], std::slice::from_mut(sample));
                        }
                    }
                }
            }
        }
    }
}

/// The error for a region outside the image.
pub fn no_region(path: &Path, region: &Region, shape: [u64; 5]) -> Error {
    let what = format!(
        "region {:?} + {:?} in an image of {shape:?} (t, c, z, y, x)",
        region.start, region.shape
    );
    Error::NotThere { path: path.to_owned(), what }
}

fn dot(a: [u64; 5], b: [u64; 5]) -> u64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn read_half(bytes: &[u8], out: &mut [f32], order: fn([u8; 2]) -> u16) {
    for (value, bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
        *value = half_to_f32(order(*bytes));
    }
}

/// A half-precision number as f32, exactly; NaN keeps its payload.
pub fn half_to_f32(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let exponent = u32::from(half >> 10) & 0x1F;
    let mantissa = u32::from(half) & 0x3FF;
    let magnitude = match exponent {
        // Subnormal halves are normal singles: mantissa times 2^-24.
        0 => (mantissa as f32 * f32::from_bits(0x3380_0000)).to_bits(),
        31 => 0x7F80_0000 | mantissa << 13,
        _ => (exponent + 112) << 23 | mantissa << 13,
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_widen_exactly() {
        assert_eq!(half_to_f32(0x3C00), 1.0);
        assert_eq!(half_to_f32(0xC000), -2.0);
        assert_eq!(half_to_f32(0x7BFF), 65504.0);
        assert_eq!(half_to_f32(0x0001), 2f32.powi(-24));
        assert_eq!(half_to_f32(0x83FF), -1023.0 * 2f32.powi(-24));
        assert_eq!(half_to_f32(0x7C00), f32::INFINITY);
        assert!(half_to_f32(0x7E00).is_nan());
        assert_eq!(half_to_f32(0x8000).to_bits(), (-0.0f32).to_bits());
    }

    #[test]
    fn one_call_reads_over_short_gaps_only() {
        let file = |strides| StridedFile {
            file: Arc::new(File::open("/dev/null").expect("exists")),
            path: PathBuf::new(),
            offset: 0,
            sample: RawSample::Native(Dtype::Uint16),
            big_endian: false,
            shape: [1, 1, 100, 1000, 1000],
            strides,
        };
        let c_order = file([0, 0, 1_000_000, 1000, 1]);
        // Part rows: gaps of 1.8 kB are read over, planes are not.
        assert_eq!(c_order.part_shape([1, 1, 50, 50, 100]), [1, 1, 1, 50, 100]);
        // Whole rows: as many as 1 MiB holds.
        assert_eq!(c_order.part_shape([1, 1, 50, 1000, 1000]), [1, 1, 1, 524, 1000]);
        let fortran = file([0, 0, 1, 100, 100_000]);
        assert_eq!(fortran.part_shape([1, 1, 100, 1000, 3]), [1, 1, 100, 1000, 3]);
    }
}
