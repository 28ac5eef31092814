//! The template: what frames are compared with.
//!
//! Frames spread evenly over the movie start from the mean of the twenty that resemble each other most, and
//! are moved on it by phase ramps round by round. The template is then the mean of the raw frames,
//! moved; where blocks are wanted it is made once more with their displacements.

use hooke_filters::fft::Complex32;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::blocks::BlockEstimator;
use super::correlate::{Correlator, Work};
use super::gate::median;
use super::params::{BorderFill, Interpolation, Mode, RegisterParams};
use super::peak::Surface;
use super::prepare::{BandMemory, check_finite, filtered, is_flat};
use super::quality::crispness;
use super::rigid::{check_frame, whole_frames};
use super::settle_blocks::deviations;
use super::spline_field::FieldSpline;
use super::table::Displacement;
use super::warp::warp_f32;
use crate::EventsError;

/// Frames that the first template is the mean of.
const ALIKE: usize = 20;

/// Frames held at a time while their sum is made.
const TOGETHER: usize = 16;

/// Most frames of the refinement by blocks.
const REFINED: usize = 100;

/// Side to which frames are binned before they are compared with each other, pixels.
const THUMBNAIL: usize = 128;

/// Most pixels of a bin's side: coarser ones would lose the structures that the band-pass leaves.
const COARSEST: usize = 4;

/// Correlation with the template, over the median, below which a frame has no part in it.
const LEAST_R: f64 = 0.25;

/// A template, raw as the mean of frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    image: Array2<f32>,
    stats: TemplateStats,
}

/// How a template came about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TemplateStats {
    /// Frames it is the mean of.
    pub frames: usize,
    /// Rounds that improved it.
    pub rounds: usize,
    /// Mean correlation of the frames with it, filtered.
    pub r_mean: f64,
    /// Crispness of the mean of frames as they are.
    pub crispness_none: f64,
    /// Crispness of the mean of frames moved as wholes.
    pub crispness_rigid: f64,
    /// Crispness of the mean of frames moved block by block, if that was tried.
    pub crispness_piecewise: Option<f64>,
}

impl TemplateStats {
    /// Crispness of the mean of registered frames, by the motion that is taken out.
    pub fn crispness_after(&self, mode: Mode) -> f64 {
        match mode {
            Mode::None => self.crispness_none,
            Mode::Rigid => self.crispness_rigid,
            Mode::Auto | Mode::Piecewise => {
                self.crispness_piecewise.unwrap_or(self.crispness_rigid)
            }
        }
    }
}

/// A frame of the sample, filtered, windowed and transformed.
struct Sampled {
    number: usize,
    spectrum: Vec<Complex32>,
    norm: f64,
    thumbnail: Vec<f32>,
}

impl Template {
    /// Makes a template of a movie.
    ///
    /// * `shape`: of the movie, `(t, y, x)`.
    /// * `read`: gives a frame by its number; those of [`RegisterParams::template_sample`] are asked for, up to
    ///   three times each, from several threads.
    ///
    /// Memory is that of the sample as `f32`, and of a few frames per thread.
    ///
    /// # Errors
    /// What `read` gives, and for an empty movie, parameters out of range, frames below 16 pixels along an
    /// axis, frames of another shape, and pixels that are no numbers, [`EventsError`].
    pub fn build<E: From<EventsError> + Send>(
        shape: [usize; 3],
        read: impl Fn(usize) -> Result<Array2<f32>, E> + Sync,
        params: &RegisterParams,
    ) -> Result<Self, E> {
        params.validate()?;
        let [frames, height, width] = shape;
        let frame_shape = [height, width];
        check_frame(frame_shape)?;
        if frames == 0 {
            let reason = "the movie has no frame".to_owned();
            return Err(EventsError::Parameter { name: "frames", reason }.into());
        }
        let read = |t: usize| -> Result<Array2<f32>, E> {
            let frame = read(t)?;
            if frame.dim() != (height, width) {
                let found = frame.shape().to_vec();
                let expected = frame_shape.to_vec();
                return Err(
                    EventsError::Shape { what: "frame of the movie", expected, found }.into()
                );
            }
            check_finite(std::iter::once(frame.view()), t)?;
            Ok(frame)
        };
        let correlator = whole_frames(frame_shape, params);
        let (sample, still) =
            sample_of(&params.template_sample(frames), &read, &correlator, params)?;
        if sample.is_empty() || params.mode == Mode::None {
            return Ok(Self::of_still(still, sample.len()));
        }
        let aligned = align(&sample, &correlator, params.iterations);
        let image = mean_of(frame_shape, aligned.shifts.len(), |i| {
            let (t, shift) = aligned.shifts[i];
            moved(read(t)?.view(), &Displacement::Whole(shift)).map_err(E::from)
        })?;
        let crispness_rigid = crispness(image.view());
        let mut stats = TemplateStats {
            frames: aligned.shifts.len(),
            rounds: aligned.rounds,
            r_mean: aligned.r_mean,
            crispness_none: crispness(still.view()),
            crispness_rigid,
            crispness_piecewise: None,
        };
        let refined = refine(image.view(), &aligned.shifts, &read, params)?;
        let crispness_piecewise = refined.as_ref().map(|r| crispness(r.view()));
        stats.crispness_piecewise = crispness_piecewise;
        let image =
            refined.filter(|_| crispness_piecewise > Some(crispness_rigid)).unwrap_or(image);
        Ok(Self { image, stats })
    }

    /// A mean of frames among which nothing moves, or nothing is seen.
    fn of_still(image: Array2<f32>, frames: usize) -> Self {
        let crisp = crispness(image.view());
        let stats = TemplateStats {
            frames,
            crispness_none: crisp,
            crispness_rigid: crisp,
            ..TemplateStats::default()
        };
        Self { image, stats }
    }

    /// Takes an image as the template, such as one made before.
    ///
    /// * `image`: `(y, x)`, in the grey levels of the movie; not filtered.
    ///
    /// # Errors
    /// [`EventsError::Parameter`] below 16 pixels along an axis, [`EventsError::NotFinite`].
    pub fn from_image(image: ArrayView2<'_, f32>) -> Result<Self, EventsError> {
        check_frame([image.nrows(), image.ncols()])?;
        check_finite(std::iter::once(image), 0)?;
        Ok(Self::of_still(image.to_owned(), 0))
    }

    /// The template, `(y, x)`, in grey levels of the movie.
    pub fn image(&self) -> ArrayView2<'_, f32> {
        self.image.view()
    }

    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        [self.image.nrows(), self.image.ncols()]
    }

    /// How it came about.
    pub fn stats(&self) -> &TemplateStats {
        &self.stats
    }
}

/// Filters the frames of the sample, leaves out those without structure, and averages them as they are.
fn sample_of<E: From<EventsError> + Send>(
    numbers: &[usize],
    read: &(impl Fn(usize) -> Result<Array2<f32>, E> + Sync),
    correlator: &Correlator,
    params: &RegisterParams,
) -> Result<(Vec<Sampled>, Array2<f32>), E> {
    let shape = correlator.shape();
    let mut sum = Array2::<f64>::zeros(shape);
    let mut sample = Vec::with_capacity(numbers.len());
    for numbers in numbers.chunks(TOGETHER) {
        let part: Vec<(Array2<f32>, Option<Sampled>)> = numbers
            .par_iter()
            .map(|&number| {
                let frame = read(number)?;
                let (mut image, mut scratch) = (Vec::new(), BandMemory::default());
                filtered(frame.view(), params.band, &mut image, &mut scratch);
                let (spectrum, norm) = correlator.spectrum(&image, &mut Work::default());
                let thumbnail = thumbnail(&image, shape);
                let is_seen = !is_flat(frame.view(), norm);
                let sampled = is_seen.then_some(Sampled { number, spectrum, norm, thumbnail });
                Ok((frame, sampled))
            })
            .collect::<Result<_, E>>()?;
        for (frame, sampled) in part {
            sum.zip_mut_with(&frame, |s, v| *s += f64::from(*v));
            sample.extend(sampled);
        }
    }
    let count = numbers.len().max(1) as f64;
    Ok((sample, sum.mapv(|s| (s / count) as f32)))
}

/// A filtered frame in bins, of mean 0 and norm 1.
fn thumbnail(image: &[f32], [height, width]: [usize; 2]) -> Vec<f32> {
    let bin = height.max(width).div_ceil(THUMBNAIL).min(COARSEST);
    let (rows, columns) = (height / bin, width / bin);
    let mut small = vec![0.0_f32; rows * columns];
    for y in 0..rows * bin {
        let row = &image[y * width..][..columns * bin];
        for (out, part) in small[y / bin * columns..].iter_mut().zip(row.chunks(bin)) {
            *out += part.iter().sum::<f32>();
        }
    }
    let mean = small.iter().map(|v| f64::from(*v)).sum::<f64>() / small.len().max(1) as f64;
    let norm = small.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>().sqrt();
    let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
    small.iter_mut().for_each(|v| *v = ((f64::from(*v) - mean) * scale) as f32);
    small
}

/// The frames that resemble each other most where they are, ascending: the one with the highest mean
/// correlation to those most like it, and these.
fn most_alike(sample: &[Sampled]) -> Vec<usize> {
    let n = sample.len();
    let count = ALIKE.min(n);
    let dot = |a: &[f32], b: &[f32]| -> f32 {
        let mut sums = [0.0_f32; 16];
        for (a, b) in a.chunks_exact(16).zip(b.chunks_exact(16)) {
            for k in 0..16 {
                sums[k] += a[k] * b[k];
            }
        }
        sums.iter().sum()
    };
    let nearest: Vec<(f32, Vec<usize>)> = (0..n)
        .into_par_iter()
        .map(|i| {
            let mut others: Vec<(f32, usize)> = (0..n)
                .filter(|j| *j != i)
                .map(|j| (dot(&sample[i].thumbnail, &sample[j].thumbnail), j))
                .collect();
            others.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            others.truncate(count - 1);
            let sum = others.iter().map(|o| o.0).sum();
            (sum, others.into_iter().map(|o| o.1).chain([i]).collect())
        })
        .collect();
    let best = nearest.into_iter().reduce(|best, next| if next.0 > best.0 { next } else { best });
    let mut alike = best.map_or(Vec::new(), |b| b.1);
    alike.sort_unstable();
    alike
}

struct Aligned {
    /// Number and shift of the frames that resemble the template; the median shift is 0.
    shifts: Vec<(usize, [f64; 2])>,
    rounds: usize,
    r_mean: f64,
}

/// Finds shifts and template in turns.
fn align(sample: &[Sampled], correlator: &Correlator, rounds: usize) -> Aligned {
    let still: Vec<(usize, [f64; 2])> =
        most_alike(sample).into_iter().map(|i| (i, [0.0; 2])).collect();
    let mut spectrum = mean_spectrum(sample, &still, correlator);
    let mut best = Aligned { shifts: Vec::new(), rounds: 0, r_mean: f64::NEG_INFINITY };
    let mut kept = still;
    for round in 1..=rounds {
        let found = shifts_on(sample, &spectrum, correlator);
        let middle = median(found.iter().map(|f| f.1).collect());
        let like: Vec<(usize, [f64; 2])> = (0..found.len())
            .filter(|&i| found[i].1 >= LEAST_R * middle && found[i].1 > 0.0)
            .map(|i| (i, found[i].0))
            .collect();
        let r_mean = found.iter().map(|f| f.1).sum::<f64>() / found.len().max(1) as f64;
        if r_mean < best.r_mean || like.is_empty() {
            break;
        }
        best = Aligned { shifts: Vec::new(), rounds: round, r_mean };
        kept = like;
        spectrum = mean_spectrum(sample, &kept, correlator);
    }
    let middle = [0, 1].map(|d| median(kept.iter().map(|k| k.1[d]).collect()));
    let centred = |s: [f64; 2]| std::array::from_fn(|d| s[d] - middle[d]);
    best.shifts = kept.into_iter().map(|(i, s)| (sample[i].number, centred(s))).collect();
    best.r_mean = best.r_mean.max(0.0);
    best
}

/// The mean of frames moved by their shifts, as a transform.
fn mean_spectrum(
    sample: &[Sampled],
    shifts: &[(usize, [f64; 2])],
    correlator: &Correlator,
) -> Vec<Complex32> {
    let mut sum = vec![Complex32::ZERO; correlator.fft().spectrum_len()];
    for part in shifts.chunks(TOGETHER) {
        let ramps: Vec<_> = part.par_iter().map(|(_, s)| correlator.ramp(*s)).collect();
        for ((i, _), ramp) in part.iter().zip(ramps) {
            for ((sum, f), r) in sum.iter_mut().zip(&sample[*i].spectrum).zip(ramp) {
                *sum += f * r;
            }
        }
    }
    let scale = 1.0 / shifts.len().max(1) as f32;
    sum.iter_mut().for_each(|s| *s *= scale);
    sum
}

/// Shift and correlation of each frame on a template.
fn shifts_on(
    sample: &[Sampled],
    spectrum: &[Complex32],
    correlator: &Correlator,
) -> Vec<([f64; 2], f64)> {
    let template = correlator.template_of_spectrum(spectrum);
    let reach = correlator.reach();
    sample
        .par_iter()
        .map_init(
            || (Work::default(), vec![0.0; correlator.surface_len()]),
            |(work, out), frame| {
                correlator.correlate_spectrum(&frame.spectrum, frame.norm, &template, work, out);
                let peak = Surface { values: out, reach }.highest(reach);
                peak.map_or(([0.0; 2], 0.0), |p| (p.shift, f64::from(p.value)))
            },
        )
        .collect()
}

/// The mean of images that are made one by one.
fn mean_of<E: Send>(
    shape: [usize; 2],
    count: usize,
    image: impl Fn(usize) -> Result<Array2<f32>, E> + Sync,
) -> Result<Array2<f32>, E> {
    let mut sum = Array2::<f64>::zeros(shape);
    let numbers: Vec<usize> = (0..count).collect();
    for part in numbers.chunks(TOGETHER) {
        let images: Vec<_> = part.par_iter().map(|i| image(*i)).collect::<Result<_, E>>()?;
        for image in images {
            sum.zip_mut_with(&image, |s, v| *s += f64::from(*v));
        }
    }
    Ok(sum.mapv(|s| (s / count.max(1) as f64) as f32))
}

fn moved(
    frame: ArrayView2<'_, f32>,
    displacement: &Displacement,
) -> Result<Array2<f32>, EventsError> {
    warp_f32(frame, displacement, BorderFill::Edge, Interpolation::Bspline3)
}

/// The template once more, of frames moved block by block on the first one; `None` without blocks.
fn refine<E: From<EventsError> + Send>(
    image: ArrayView2<'_, f32>,
    shifts: &[(usize, [f64; 2])],
    read: &(impl Fn(usize) -> Result<Array2<f32>, E> + Sync),
    params: &RegisterParams,
) -> Result<Option<Array2<f32>>, E> {
    let Some(estimator) = BlockEstimator::of_image(image, params) else { return Ok(None) };
    let shape = [image.nrows(), image.ncols()];
    let spline = FieldSpline::over_frame(&estimator.centres(), shape);
    let count = shifts.len().min(REFINED);
    let refined = mean_of(shape, count, |i| {
        let (t, shift) = shifts[(2 * i + 1) * shifts.len() / (2 * count)];
        let frame = read(t)?;
        let alone = estimator.alone(frame.view(), shift);
        let rest = deviations(&alone, &estimator, params);
        let field = [0, 1].map(|d| {
            let values: Vec<f32> = rest.iter().map(|r| (shift[d] + r[d]) as f32).collect();
            spline.field(&values)
        });
        moved(frame.view(), &Displacement::Field(field)).map_err(E::from)
    })?;
    Ok(Some(refined))
}
