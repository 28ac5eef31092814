//! Real Fourier transforms of arrays with one to three axes.
//!
//! The one-dimensional transforms are `rustfft`'s and `realfft`'s. This driver decides how memory is
//! walked: lines of the last axis are contiguous already; for the other axes a few neighbouring
//! columns at a time are copied into contiguous lines, transformed and copied back.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock, Mutex};

use rayon::prelude::*;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};

pub use rustfft::num_complex::Complex32;

/// Columns that are transformed together: two cache lines of `Complex32`, so each line that is
/// fetched from memory is used in full.
const BLOCK: usize = 16;

/// Columns of one parallel task, a multiple of [`BLOCK`].
const TASK_COLUMNS: usize = 128;

/// Lines of the last axis of one parallel task.
const TASK_LINES: usize = 16;

struct Planners {
    real: RealFftPlanner<f32>,
    complex: FftPlanner<f32>,
}

/// Plans are costly to make and are shared by every transform of the process; the planners keep
/// one per length and direction.
static PLANNERS: LazyLock<Mutex<Planners>> = LazyLock::new(|| {
    Mutex::new(Planners {
        real: RealFftPlanner::new(),
        complex: FftPlanner::new(),
    })
});

thread_local! {
    static SCRATCH: RefCell<(Vec<f32>, Vec<Complex32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// Lends this thread's scratch memory. `work` must not enter rayon: a stolen task could ask again.
fn with_scratch<R>(
    reals: usize,
    complexes: usize,
    work: impl FnOnce(&mut [f32], &mut [Complex32]) -> R,
) -> R {
    SCRATCH.with_borrow_mut(|(real, complex)| {
        if real.len() < reals {
            real.resize(reals, 0.0);
        }
        if complex.len() < complexes {
            complex.resize(complexes, Complex32::default());
        }
        work(&mut real[..reals], &mut complex[..complexes])
    })
}

/// Transforms along one of the two outer axes.
struct Columns {
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
}

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
    lines: Arc<dyn RealToComplex<f32>>,
    lines_back: Arc<dyn ComplexToReal<f32>>,
    planes: Columns,
    rows: Columns,
}

impl std::fmt::Debug for RealFft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RealFft")
            .field("shape", &self.shape())
            .finish()
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
        let mut planners = PLANNERS.lock().unwrap_or_else(|broken| broken.into_inner());
        let [depth, height, width] = shape;
        Self {
            shape,
            axes,
            half: width / 2 + 1,
            lines: planners.real.plan_fft_forward(width),
            lines_back: planners.real.plan_fft_inverse(width),
            planes: Columns {
                forward: planners.complex.plan_fft_forward(depth),
                inverse: planners.complex.plan_fft_inverse(depth),
            },
            rows: Columns {
                forward: planners.complex.plan_fft_forward(height),
                inverse: planners.complex.plan_fft_inverse(height),
            },
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
        assert_eq!(
            spectrum.len(),
            self.spectrum_len(),
            "length of the spectrum"
        );
        if src.is_empty() {
            spectrum.fill(Complex32::default());
            return;
        }
        let plane_len = self.shape[1] * self.half;
        spectrum
            .par_chunks_mut(plane_len)
            .zip(src.par_chunks(height * width))
            .for_each(|(plane, src)| {
                self.lines_forward(src, width, plane);
                transform_columns(plane, self.shape[1], height, &self.rows.forward);
            });
        transform_columns(spectrum, self.shape[0], depth, &self.planes.forward);
    }

    /// Transforms the lines of one plane along the last axis, each padded with zeros.
    fn lines_forward(&self, src: &[f32], width: usize, plane: &mut [Complex32]) {
        let line_len = self.shape[2];
        plane
            .par_chunks_mut(self.half * TASK_LINES)
            .zip(src.par_chunks(width * TASK_LINES))
            .for_each(|(out, src)| {
                with_scratch(line_len, self.lines.get_scratch_len(), |line, scratch| {
                    for (out, src) in out.chunks_mut(self.half).zip(src.chunks(width)) {
                        line[..width].copy_from_slice(src);
                        line[width..].fill(0.0);
                        self.lines
                            .process_with_scratch(line, out, scratch)
                            .expect("buffers were cut to the plan's lengths");
                    }
                });
            });
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
        let all = self.shape.map(|n| Kept { before: 0, len: n });
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
        let mut kept = [Kept { before: 0, len: 1 }; 3];
        for (kept, &reach) in kept[3 - self.axes..].iter_mut().zip(reach) {
            *kept = Kept {
                before: reach,
                len: 2 * reach + 1,
            };
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

    fn inverse_kept(&self, spectrum: &mut [Complex32], kept: [Kept; 3], out: &mut [f32]) {
        assert_eq!(
            spectrum.len(),
            self.spectrum_len(),
            "length of the spectrum"
        );
        let [depth, height, _] = self.shape;
        transform_columns(spectrum, depth, depth, &self.planes.inverse);
        let mut planes: Vec<_> = spectrum.chunks_mut(height * self.half).map(Some).collect();
        let planes: Vec<_> = (0..kept[0].len)
            .map(|i| {
                planes[kept[0].index(i, depth)]
                    .take()
                    .expect("each plane is kept once")
            })
            .collect();
        out.par_chunks_mut(kept[1].len * kept[2].len)
            .zip(planes)
            .for_each(|(out, plane)| {
                transform_columns(plane, height, height, &self.rows.inverse);
                self.lines_inverse(plane, &kept, out);
            });
    }

    /// Transforms the kept lines of one plane back to reals.
    fn lines_inverse(&self, plane: &[Complex32], kept: &[Kept; 3], out: &mut [f32]) {
        let (height, width, half) = (self.shape[1], self.shape[2], self.half);
        let scale = 1.0 / self.real_len() as f32;
        let width_out = kept[2].len;
        out.par_chunks_mut(width_out * TASK_LINES)
            .enumerate()
            .for_each(|(task, out)| {
                let complexes = half + self.lines_back.get_scratch_len();
                with_scratch(width, complexes, |reals, complexes| {
                    let (line, scratch) = complexes.split_at_mut(half);
                    for (i, out) in out.chunks_mut(width_out).enumerate() {
                        let y = kept[1].index(task * TASK_LINES + i, height);
                        for (to, from) in line.iter_mut().zip(&plane[y * half..(y + 1) * half]) {
                            *to = from * scale;
                        }
                        // Rounding leaves a trace here that `realfft` would refuse.
                        line[0].im = 0.0;
                        if width.is_multiple_of(2) {
                            line[half - 1].im = 0.0;
                        }
                        let before = kept[2].before;
                        let whole = width_out == width && before == 0;
                        let target = if whole { &mut *out } else { &mut *reals };
                        self.lines_back
                            .process_with_scratch(line, target, scratch)
                            .expect("buffers were cut to the plan's lengths");
                        if !whole {
                            out[..before].copy_from_slice(&reals[width - before..]);
                            out[before..].copy_from_slice(&reals[..width_out - before]);
                        }
                    }
                });
            });
    }
}

/// Indices of one axis that an inverse transform writes: `before` from the end, then the first.
#[derive(Clone, Copy)]
struct Kept {
    before: usize,
    len: usize,
}

impl Kept {
    fn index(self, i: usize, axis_len: usize) -> usize {
        if i < self.before {
            axis_len - self.before + i
        } else {
            i - self.before
        }
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

/// Transforms every column of `data`, an array of `len` rows, in place.
///
/// Rows from `live` on are taken as zero, whatever they hold.
fn transform_columns(data: &mut [Complex32], len: usize, live: usize, fft: &Arc<dyn Fft<f32>>) {
    if len == 1 {
        return;
    }
    let width = data.len() / len;
    let mut tasks: Vec<Vec<&mut [Complex32]>> = Vec::new();
    tasks.resize_with(width.div_ceil(TASK_COLUMNS), || Vec::with_capacity(len));
    for row in data.chunks_mut(width) {
        for (task, part) in tasks.iter_mut().zip(row.chunks_mut(TASK_COLUMNS)) {
            task.push(part);
        }
    }
    tasks
        .par_iter_mut()
        .for_each(|rows| transform_task_columns(rows, live, &**fft));
}

fn transform_task_columns(rows: &mut [&mut [Complex32]], live: usize, fft: &dyn Fft<f32>) {
    let len = rows.len();
    let width = rows[0].len();
    let stride = line_stride(len);
    let complexes = BLOCK * stride + fft.get_inplace_scratch_len();
    with_scratch(0, complexes, |_, complexes| {
        let (lines, scratch) = complexes.split_at_mut(BLOCK * stride);
        for start in (0..width).step_by(BLOCK) {
            let count = BLOCK.min(width - start);
            gather(&rows[..live], start, count, lines, stride);
            for line in lines.chunks_exact_mut(stride).take(count) {
                line[live..len].fill(Complex32::default());
                fft.process_with_scratch(&mut line[..len], scratch);
            }
            scatter(rows, start, count, lines, stride);
        }
    });
}

/// Length of one gathered line in memory. A distance that is a multiple of a power of two would put
/// the same element of all lines into the same set of the cache.
fn line_stride(len: usize) -> usize {
    len.next_multiple_of(8) + 8
}

fn gather(
    rows: &[&mut [Complex32]],
    start: usize,
    count: usize,
    lines: &mut [Complex32],
    stride: usize,
) {
    for (t, row) in rows.iter().enumerate() {
        let row = &row[start..start + count];
        for (line, &value) in lines[t..].iter_mut().step_by(stride).zip(row) {
            *line = value;
        }
    }
}

fn scatter(
    rows: &mut [&mut [Complex32]],
    start: usize,
    count: usize,
    lines: &[Complex32],
    stride: usize,
) {
    for (t, row) in rows.iter_mut().enumerate() {
        let row = &mut row[start..start + count];
        for (value, &line) in row.iter_mut().zip(lines[t..].iter().step_by(stride)) {
            *value = line;
        }
    }
}
