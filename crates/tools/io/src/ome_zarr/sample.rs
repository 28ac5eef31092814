//! Stored sample types, those that are widened on reading included, and samples as bytes.

use hooke_core::{Dtype, Pixels, dispatch};

/// The sample type of a stored array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// A type Hooke has.
    Plain(Dtype),
    /// One byte, 0 or 1; read as uint8.
    Bool,
    /// Half precision; read as float32, exactly.
    Float16,
}

impl Stored {
    /// Reads the name of Zarr 3.
    pub fn parse(name: &str) -> Option<Stored> {
        match name {
            "bool" => Some(Stored::Bool),
            "float16" => Some(Stored::Float16),
            _ => Dtype::parse(name).filter(|d| d.name() == name).map(Stored::Plain),
        }
    }

    /// The type samples have once read.
    pub fn dtype(self) -> Dtype {
        match self {
            Stored::Plain(dtype) => dtype,
            Stored::Bool => Dtype::Uint8,
            Stored::Float16 => Dtype::Float32,
        }
    }

    /// The name as stored.
    pub fn name(self) -> &'static str {
        match self {
            Stored::Plain(dtype) => dtype.name(),
            Stored::Bool => "bool",
            Stored::Float16 => "float16",
        }
    }

    /// Bytes of a stored sample.
    pub fn size(self) -> usize {
        match self {
            Stored::Plain(dtype) => dtype.size(),
            Stored::Bool => 1,
            Stored::Float16 => 2,
        }
    }

    /// Whether samples are read as they are stored.
    pub fn is_plain(self) -> bool {
        matches!(self, Stored::Plain(_))
    }

    /// Widens stored samples, in native byte order, to the type they are read as.
    ///
    /// # Panics
    /// When `out` does not hold as many samples of [`Stored::dtype`].
    pub fn widen(self, bytes: &[u8], out: &mut Pixels) {
        match self {
            Stored::Plain(_) => bytes_mut(out).copy_from_slice(bytes),
            Stored::Bool => {
                let out = out.as_mut_slice::<u8>().expect("bool is read as uint8");
                assert_eq!(out.len(), bytes.len(), "one byte per sample");
                out.iter_mut().zip(bytes).for_each(|(o, b)| *o = u8::from(*b != 0));
            }
            Stored::Float16 => {
                let out = out.as_mut_slice::<f32>().expect("float16 is read as float32");
                assert_eq!(2 * out.len(), bytes.len(), "two bytes per sample");
                for (o, b) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *o = half::f16::from_ne_bytes(*b).to_f32();
                }
            }
        }
    }
}

/// The samples as bytes in native order.
pub(super) fn bytes_mut(pixels: &mut Pixels) -> &mut [u8] {
    dispatch!(pixels.dtype(), T => {
        bytemuck::cast_slice_mut(pixels.as_mut_slice::<T>().expect("dispatched on the dtype"))
    })
}

/// The samples as bytes in native order.
pub(super) fn bytes_of(pixels: &Pixels) -> &[u8] {
    dispatch!(pixels.dtype(), T => {
        bytemuck::cast_slice(pixels.as_slice::<T>().expect("dispatched on the dtype"))
    })
}
