//! Real Fourier transforms of arrays with one to three axes.
//!
//! Lines of the last axis are contiguous and transformed by `realfft`. Along the other axes, sixteen
//! neighbouring columns are transformed at once, one per vector lane, if the length is a product of 2,
//! 3 and 5; else `rustfft` transforms them one by one.

mod columns;
mod lanes;
mod length;
mod lines;
mod real_lanes;
mod scratch;

use std::sync::Arc;

use rayon::prelude::*;

use columns::Columns;
use lanes::{Direction, LANES};
use lines::{Lines, Window};

pub use length::next_fast_size;
pub use rustfft::num_complex::Complex32;

/// Transforms real arrays of one shape to half-complex spectra and back.
///
/// The spectrum of a real array is Hermitian, so only its first `n / 2 + 1` entries along the last
/// axis are kept (the layout of `numpy.fft.rfftn`). Frequencies are in transform order: zero first,
/// negative ones at the end. Cheap to make after the first time for each axis length.
///
/// Parallel in the current rayon pool; the same bits for any number of threads. NaN anywhere in the
/// input makes the whole result NaN.
///
/// # Examples
/// ```
/// use hooke_filters::fft::{Complex32, RealFft};
/// let fft = RealFft::new(&[4]);
/// let mut spectrum = vec![Complex32::default(); fft.spectrum_len()];
/// fft.forward(&[1.0, 2.0, 3.0, 4.0], &mut spectrum);
/// assert_eq!(spectrum[0], Complex32::new(10.0, 0.0));
/// assert_eq!(spectrum[1], Complex32::new(-2.0, 2.0));
/// assert_eq!(spectrum[2], Complex32::new(-2.0, 0.0));
/// let mut back = [0.0; 4];
/// fft.inverse(&mut spectrum, &mut back);
/// assert_eq!(back, [1.0, 2.0, 3.0, 4.0]);
/// ```
pub struct RealFft {
    /// Always three axes: missing outer ones have length 1.
    shape: [usize; 3],
    axes: usize,
    half: usize,
    lines: Lines,
    planes: Arc<Columns>,
    rows: Arc<Columns>,
}

impl std::fmt::Debug for RealFft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RealFft").field("shape", &self.shape()).finish()
    }
}

impl RealFft {
    /// Prepares transforms of arrays of `shape`, one to three axes, slowest first.
    ///
    /// # Panics
    /// If `shape` has no axis, more than three, or an axis of length 0.
    pub fn new(shape: &[usize]) -> Self {
        let axes = shape.len();
        let shape = three_axes(shape);
        assert!(!shape.contains(&0), "an axis of shape {shape:?} is empty");
        let [depth, height, width] = shape;
        Self {
            shape,
            axes,
            half: width / 2 + 1,
            lines: Lines::new(width, height),
            planes: Columns::of_length(depth),
            rows: Columns::of_length(height),
        }
    }

    /// Returns the shape of the real array, as given to [`RealFft::new`].
    pub fn shape(&self) -> &[usize] {
        &self.shape[3 - self.axes..]
    }

    /// Returns the number of reals, the product of the shape.
    pub fn real_len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns the number of complex values of the spectrum: as the reals, with the last axis `n`
    /// shortened to `n / 2 + 1`.
    pub fn spectrum_len(&self) -> usize {
        self.shape[0] * self.shape[1] * self.half
    }

    /// Computes the spectrum of `src`, not scaled.
    ///
    /// # Panics
    /// If `src` is not `real_len()` or `spectrum` not `spectrum_len()` long.
    pub fn forward(&self, src: &[f32], spectrum: &mut [Complex32]) {
        let shape = self.shape;
        self.forward_padded(src, &shape[3 - self.axes..], spectrum);
    }

    /// Computes the spectrum of `src` followed by zeros along each axis up to this transform's shape.
    ///
    /// The same as copying `src` into the first corner of a zeroed array and calling
    /// [`RealFft::forward`], without the copy and without transforming lines of zeros.
    ///
    /// # Panics
    /// If `src_shape` has another number of axes than this transform or is longer along one, or if
    /// a buffer's length does not fit.
    pub fn forward_padded(&self, src: &[f32], src_shape: &[usize], spectrum: &mut [Complex32]) {
        assert_eq!(src_shape.len(), self.axes, "axes of the source");
        let [depth, height, width] = three_axes(src_shape);
        assert!(
            depth <= self.shape[0] && height <= self.shape[1] && width <= self.shape[2],
            "source {src_shape:?} does not fit into {:?}",
            self.shape()
        );
        assert_eq!(src.len(), depth * height * width, "length of the source");
        assert_eq!(spectrum.len(), self.spectrum_len(), "length of the spectrum");
        if src.is_empty() {
            spectrum.fill(Complex32::default());
            return;
        }
        let plane_len = self.shape[1] * self.half;
        spectrum.par_chunks_mut(plane_len).zip(src.par_chunks(height * width)).for_each(
            |(plane, src)| {
                self.lines_forward(src, width, plane);
                self.rows.transform(plane, height, Direction::Forward);
            },
        );
        self.planes.transform(spectrum, depth, Direction::Forward);
    }

    /// Transforms the lines of one plane along the last axis, each padded with zeros.
    fn lines_forward(&self, src: &[f32], width: usize, plane: &mut [Complex32]) {
        plane.par_chunks_mut(self.half * LANES).zip(src.par_chunks(width * LANES)).for_each(
            |(out, src)| self.lines.forward(src, width, &mut out[..src.len() / width * self.half]),
        );
    }

    /// Computes the real array of a half-complex spectrum, divided by `real_len()`.
    ///
    /// So `inverse` undoes [`RealFft::forward`]. `spectrum` is used as working memory and holds
    /// nothing of use afterwards. Entries that a Hermitian spectrum has real (the zero frequency and,
    /// of an even axis, the last) are taken as real.
    ///
    /// # Panics
    /// If `spectrum` is not `spectrum_len()` or `out` not `real_len()` long.
    pub fn inverse(&self, spectrum: &mut [Complex32], out: &mut [f32]) {
        assert_eq!(out.len(), self.real_len(), "length of the output");
        let all = self.shape.map(|n| Window { before: 0, len: n });
        self.inverse_kept(spectrum, all, out);
    }

    /// Computes only the part of [`RealFft::inverse`] within `reach` of the first element.
    ///
    /// For correlations, where index `k` is the shift `k` and negative shifts are at the end:
    /// `out` has `2 reach + 1` elements along each axis and its element `reach + k` is the value at
    /// shift `k`, `-reach <= k <= reach`. Lines outside are not transformed.
    ///
    /// # Panics
    /// If `2 reach + 1` exceeds the shape along an axis, or a length does not fit.
    pub fn inverse_centred(&self, spectrum: &mut [Complex32], reach: &[usize], out: &mut [f32]) {
        assert_eq!(reach.len(), self.axes, "axes of the reach");
        let mut kept = [Window { before: 0, len: 1 }; 3];
        for (kept, &reach) in kept[3 - self.axes..].iter_mut().zip(reach) {
            *kept = Window { before: reach, len: 2 * reach + 1 };
        }
        assert!(
            kept.iter().zip(self.shape).all(|(k, n)| k.len <= n),
            "reach {reach:?} exceeds half of {:?}",
            self.shape()
        );
        let len: usize = kept.iter().map(|k| k.len).product();
        assert_eq!(out.len(), len, "length of the output");
        self.inverse_kept(spectrum, kept, out);
    }

    fn inverse_kept(&self, spectrum: &mut [Complex32], kept: [Window; 3], out: &mut [f32]) {
        assert_eq!(spectrum.len(), self.spectrum_len(), "length of the spectrum");
        let [depth, height, _] = self.shape;
        self.planes.transform(spectrum, depth, Direction::Inverse);
        let mut planes: Vec<_> = spectrum.chunks_mut(height * self.half).map(Some).collect();
        let planes: Vec<_> = (0..kept[0].len)
            .map(|i| planes[kept[0].index(i, depth)].take().expect("each plane is kept once"))
            .collect();
        out.par_chunks_mut(kept[1].len * kept[2].len).zip(planes).for_each(|(out, plane)| {
            self.rows.transform(plane, height, Direction::Inverse);
            self.lines_inverse(plane, &kept, out);
        });
    }

    /// Transforms the kept lines of one plane back to reals.
    fn lines_inverse(&self, plane: &[Complex32], kept: &[Window; 3], out: &mut [f32]) {
        let (height, half) = (self.shape[1], self.half);
        let scale = 1.0 / self.real_len() as f32;
        let width = kept[2].len;
        out.par_chunks_mut(width * LANES).enumerate().for_each(|(task, out)| {
            let lines: [&[Complex32]; LANES] = std::array::from_fn(|i| {
                let kept_y = task * LANES + i;
                if i * width >= out.len() {
                    return &plane[..0];
                }
                &plane[kept[1].index(kept_y, height) * half..][..half]
            });
            self.lines.inverse(&lines[..out.len() / width], scale, kept[2], out);
        });
    }
}

fn three_axes(shape: &[usize]) -> [usize; 3] {
    match *shape {
        [x] => [1, 1, x],
        [y, x] => [1, y, x],
        [z, y, x] => [z, y, x],
        _ => panic!("a transform has one to three axes, not {}", shape.len()),
    }
}
