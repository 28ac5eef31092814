//! A five-dimensional block of samples whose type is known at run time.

use ndarray::{ArrayView5, ArrayViewMut5};

use crate::dtype::{Dtype, Sample};
use crate::region::Region;

/// A C-contiguous block over `t, c, z, y, x`, of any sample type.
///
/// The buffer is reused when a block is reset to the same or a smaller size, since the first touch
/// of fresh memory costs ten times a copy.
#[derive(Debug, Clone, PartialEq)]
pub struct Pixels {
    shape: [u64; 5],
    samples: Samples,
}

macro_rules! samples {
    ($($variant:ident $type:ty),*) => {
        #[derive(Debug, Clone, PartialEq)]
        enum Samples { $($variant(Vec<$type>)),* }

        $(impl Typed for $type {
            fn vec(pixels: &Pixels) -> Option<&Vec<$type>> {
                match &pixels.samples { Samples::$variant(v) => Some(v), _ => None }
            }
            fn vec_mut(pixels: &mut Pixels) -> Option<&mut Vec<$type>> {
                match &mut pixels.samples { Samples::$variant(v) => Some(v), _ => None }
            }
            fn wrap(shape: [u64; 5], samples: Vec<$type>) -> Pixels {
                Pixels { shape, samples: Samples::$variant(samples) }
            }
        })*

        impl Pixels {
            /// The sample type.
            pub fn dtype(&self) -> Dtype {
                match &self.samples { $(Samples::$variant(_) => Dtype::$variant),* }
            }
        }
    };
}

/// Typed access to the samples of a block; implemented for every [`Sample`].
pub trait Typed: Sample {
    #[doc(hidden)]
    fn vec(pixels: &Pixels) -> Option<&Vec<Self>>;
    #[doc(hidden)]
    fn vec_mut(pixels: &mut Pixels) -> Option<&mut Vec<Self>>;
    #[doc(hidden)]
    fn wrap(shape: [u64; 5], samples: Vec<Self>) -> Pixels;
}

samples!(
    Uint8 u8, Uint16 u16, Uint32 u32, Uint64 u64, Int8 i8, Int16 i16, Int32 i32, Int64 i64,
    Float32 f32, Float64 f64
);

impl Pixels {
    /// A block of zeros.
    pub fn zeros(dtype: Dtype, shape: [u64; 5]) -> Pixels {
        let voxels = Region::whole(shape).voxels() as usize;
        crate::dispatch!(dtype, T => T::wrap(shape, vec![T::default(); voxels]))
    }

    /// A block around an existing C-ordered buffer.
    ///
    /// # Panics
    /// When the length of `samples` is not the product of `shape`.
    pub fn from_vec<T: Typed>(shape: [u64; 5], samples: Vec<T>) -> Pixels {
        assert_eq!(samples.len() as u64, Region::whole(shape).voxels(), "samples fill the shape");
        T::wrap(shape, samples)
    }

    /// Lengths over `t, c, z, y, x`.
    pub fn shape(&self) -> [u64; 5] {
        self.shape
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        Region::whole(self.shape).voxels() as usize
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the samples.
    pub fn bytes(&self) -> u64 {
        (self.len() * self.dtype().size()) as u64
    }

    /// Makes this a block of the given type and shape, keeping the buffer where it fits.
    ///
    /// Samples hold unspecified (old) values afterwards; write them all.
    pub fn reset(&mut self, dtype: Dtype, shape: [u64; 5]) {
        if self.dtype() != dtype {
            *self = Pixels::zeros(dtype, shape);
            return;
        }
        let voxels = Region::whole(shape).voxels() as usize;
        crate::dispatch!(dtype, T => {
            let samples = T::vec_mut(self).expect("the dtype was compared above");
            samples.resize(voxels, T::default());
        });
        self.shape = shape;
    }

    /// The samples in C order, or `None` when the block has another type.
    pub fn as_slice<T: Typed>(&self) -> Option<&[T]> {
        T::vec(self).map(Vec::as_slice)
    }

    /// The samples in C order, or `None` when the block has another type.
    pub fn as_mut_slice<T: Typed>(&mut self) -> Option<&mut [T]> {
        T::vec_mut(self).map(Vec::as_mut_slice)
    }

    /// Takes the buffer out, or `None` when the block has another type.
    pub fn into_vec<T: Typed>(mut self) -> Option<Vec<T>> {
        T::vec_mut(&mut self).map(std::mem::take)
    }

    /// A five-dimensional view, or `None` when the block has another type.
    pub fn view<T: Typed>(&self) -> Option<ArrayView5<'_, T>> {
        let shape = self.shape.map(|n| n as usize);
        self.as_slice::<T>()
            .map(|s| ArrayView5::from_shape(shape, s).expect("samples fill the shape"))
    }

    /// A five-dimensional mutable view, or `None` when the block has another type.
    pub fn view_mut<T: Typed>(&mut self) -> Option<ArrayViewMut5<'_, T>> {
        let shape = self.shape.map(|n| n as usize);
        self.as_mut_slice::<T>()
            .map(|s| ArrayViewMut5::from_shape(shape, s).expect("samples fill the shape"))
    }

    /// Sets every sample to the nearest value of its type.
    pub fn fill(&mut self, value: f64) {
        crate::dispatch!(self.dtype(), T => {
            self.as_mut_slice::<T>().expect("dispatched on the dtype").fill(T::from_f64(value));
        });
    }

    /// Copies the box `from` of `source` to the position `to` of this block.
    ///
    /// # Panics
    /// When the types differ or a box does not fit.
    pub fn copy_box(&mut self, to: [u64; 5], source: &Pixels, from: &Region) {
        assert_eq!(self.dtype(), source.dtype(), "both blocks have one dtype");
        assert!(from.fits(source.shape), "the box lies inside the source");
        assert!(Region::new(to, from.shape).fits(self.shape), "the box lies inside the target");
        let target_shape = self.shape;
        crate::dispatch!(self.dtype(), T => {
            let input = source.as_slice::<T>().expect("dtypes are equal");
            let output = self.as_mut_slice::<T>().expect("dispatched on the dtype");
            copy_box(output, target_shape, to, input, source.shape, from);
        });
    }

    /// A new block holding one box of this one.
    ///
    /// # Panics
    /// When the box does not fit.
    pub fn crop(&self, region: &Region) -> Pixels {
        let mut out = Pixels::zeros(self.dtype(), region.shape);
        out.copy_box([0; 5], self, region);
        out
    }

    /// Appends the little-endian bytes in C order.
    pub fn extend_le_bytes(&self, out: &mut Vec<u8>) {
        crate::dispatch!(self.dtype(), T => {
            T::extend_le(self.as_slice::<T>().expect("dispatched on the dtype"), out);
        });
    }

    /// A block from little-endian bytes in C order, or `None` when their number is wrong.
    pub fn from_le_bytes(dtype: Dtype, shape: [u64; 5], bytes: &[u8]) -> Option<Pixels> {
        if bytes.len() as u64 != Region::whole(shape).voxels().checked_mul(dtype.size() as u64)? {
            return None;
        }
        let mut pixels = Pixels::zeros(dtype, shape);
        crate::dispatch!(dtype, T => {
            T::read_le(bytes, pixels.as_mut_slice::<T>().expect("made with this dtype"));
        });
        Some(pixels)
    }

    /// The samples as f32 in C order, written into `out` (reused).
    pub fn to_f32_into(&self, out: &mut Vec<f32>) {
        out.clear();
        crate::dispatch!(self.dtype(), T => {
            out.extend(self.as_slice::<T>().expect("dispatched on the dtype").iter().map(|v| v.to_f32()));
        });
    }
}

fn copy_box<T: Copy>(
    output: &mut [T],
    output_shape: [u64; 5],
    to: [u64; 5],
    input: &[T],
    input_shape: [u64; 5],
    from: &Region,
) {
    if from.is_empty() {
        return;
    }
    let index = |shape: [u64; 5], p: [u64; 5]| (0..5).fold(0, |i, d| i * shape[d] + p[d]) as usize;
    let row = from.shape[4] as usize;
    let [nt, nc, nz, ny, _] = from.shape;
    for t in 0..nt {
        for c in 0..nc {
            for z in 0..nz {
                for y in 0..ny {
                    let add = |p: [u64; 5]| [p[0] + t, p[1] + c, p[2] + z, p[3] + y, p[4]];
                    let i = index(input_shape, add(from.start));
                    let o = index(output_shape, add(to));
                    output[o..o + row].copy_from_slice(&input[i..i + row]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_block_keeps_its_buffer() {
        let mut pixels = Pixels::zeros(Dtype::Uint16, [1, 1, 2, 8, 8]);
        let before = pixels.as_slice::<u16>().expect("u16").as_ptr();
        pixels.reset(Dtype::Uint16, [1, 1, 1, 8, 4]);
        assert_eq!(pixels.as_slice::<u16>().expect("u16").as_ptr(), before);
        assert_eq!(pixels.len(), 32);
        assert!(pixels.as_slice::<u8>().is_none());
    }

    #[test]
    fn a_crop_holds_the_box() {
        let pixels = Pixels::from_vec([1, 1, 2, 3, 4], (0u16..24).collect());
        let crop = pixels.crop(&Region::new([0, 0, 1, 1, 2], [1, 1, 1, 2, 2]));
        assert_eq!(crop.as_slice::<u16>(), Some(&[18u16, 19, 22, 23][..]));
    }

    #[test]
    fn bytes_of_the_wrong_number_are_refused() {
        assert!(Pixels::from_le_bytes(Dtype::Uint16, [1, 1, 1, 1, 2], &[0; 3]).is_none());
        let p =
            Pixels::from_le_bytes(Dtype::Uint16, [1, 1, 1, 1, 2], &[1, 0, 0, 1]).expect("4 bytes");
        assert_eq!(p.as_slice::<u16>(), Some(&[1u16, 256][..]));
    }
}
