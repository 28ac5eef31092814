//! Voxels of two channels, counted block by block.

use hooke_core::counts::Counts;
use hooke_core::{Dtype, Sample};

use super::joint::JointHistogram;
use super::moments::ExactMoments;
use crate::error::BlobsError;

/// Bins per channel when values are binned; a bin of each channel together make one word.
const BINS: f64 = 65536.0;

/// How voxels are taken in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Subtracted from each channel, with a floor of 0 where it is not 0.
    pub background: [f64; 2],
    /// Least and largest value of each channel, as [`ValueRange`] finds them. Only more
    /// real-valued voxels than `kept` need it: they are put into 65,536 equal bins.
    pub range: Option<[[f64; 2]; 2]>,
    /// Voxels of real-valued images (or integers of more than 16 bits) that are kept one by one;
    /// 16 bytes each.
    pub kept: usize,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { background: [0.0; 2], range: None, kept: 1 << 22 }
    }
}

impl Sampling {
    fn subtracted(&self, channel: usize, value: f64) -> f64 {
        match self.background[channel] {
            0.0 => value,
            background => (value - background).max(0.0),
        }
    }
}

/// The least and largest finite value of an image, found block by block.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ValueRange(Option<[f64; 2]>);

impl ValueRange {
    /// Takes in some voxels; NaN and infinities are left out.
    pub fn add<T: Sample>(&mut self, values: &[T]) {
        let finite = values.iter().map(|v| v.to_f64()).filter(|v| v.is_finite());
        for v in finite {
            let [low, high] = self.0.unwrap_or([v, v]);
            self.0 = Some([low.min(v), high.max(v)]);
        }
    }

    /// Takes in what another one has seen.
    pub fn merge(&mut self, other: &Self) {
        if let Some(range) = other.0 {
            self.add(&range);
        }
    }

    /// Least and largest value, `None` before any.
    pub fn get(&self) -> Option<[f64; 2]> {
        self.0
    }
}

#[derive(Debug, Clone)]
enum Store {
    /// Integers of up to 16 bits: counts by both values, each less the least of its type.
    Integers { counts: Counts<u32>, least: [f64; 2] },
    /// Other values, one by one.
    Kept(Vec<[f64; 2]>),
    /// Too many others: counts by both bins, and exact sums.
    Binned { counts: Counts<u32>, moments: Box<ExactMoments> },
}

/// The voxels of two channels, taken in block by block.
///
/// Memory is bounded by the number of different pairs of values, not of voxels. NaN and infinite
/// values are left out. For any split into blocks, and any order of them, the outcome has the same
/// bits.
#[derive(Debug, Clone)]
pub struct PairAccumulator {
    dtypes: [Dtype; 2],
    sampling: Sampling,
    store: Store,
    n: u64,
    skipped: u64,
}

impl PairAccumulator {
    /// Nothing yet, of two channels of these sample types.
    ///
    /// # Errors
    /// When a background or range is no number.
    pub fn new(dtypes: [Dtype; 2], sampling: Sampling) -> Result<Self, BlobsError> {
        if !sampling.background.iter().all(|v| v.is_finite()) {
            return Err(BlobsError::parameter("background", sampling.background, "two numbers"));
        }
        let is_range = |[low, high]: &[f64; 2]| low.is_finite() && high.is_finite() && low <= high;
        if sampling.range.is_some_and(|range| !range.iter().all(is_range)) {
            return Err(BlobsError::parameter("range", sampling.range, "least and largest value"));
        }
        let least = dtypes.map(|dtype| match dtype {
            Dtype::Uint8 | Dtype::Uint16 => Some(0.0),
            Dtype::Int8 => Some(f64::from(i8::MIN)),
            Dtype::Int16 => Some(f64::from(i16::MIN)),
            _ => None,
        });
        let store = match least {
            [Some(a), Some(b)] => Store::Integers { counts: Counts::default(), least: [a, b] },
            _ => Store::Kept(Vec::new()),
        };
        Ok(Self { dtypes, sampling, store, n: 0, skipped: 0 })
    }

    /// Takes in some voxels, of which `mask` says which count.
    ///
    /// # Errors
    /// When the lengths differ, the sample types are not those given to [`PairAccumulator::new`], or voxels would have to be binned and no range was given.
    pub fn add<A: Sample, B: Sample>(
        &mut self,
        a: &[A],
        b: &[B],
        mask: Option<&[bool]>,
    ) -> Result<(), BlobsError> {
        let check = |what, found| match found == a.len() {
            true => Ok(()),
            false => Err(BlobsError::Length { what, expected: a.len(), found }),
        };
        if [A::DTYPE, B::DTYPE] != self.dtypes {
            let found = [A::DTYPE, B::DTYPE];
            return Err(BlobsError::parameter("sample types", found, "those it was made for"));
        }
        check("voxels of the second channel", b.len())?;
        match mask {
            None => self.extend(a.iter().zip(b)),
            Some(mask) => {
                check("voxels of the mask", mask.len())?;
                let inside = a.iter().zip(b).zip(mask).filter(|(_, is_inside)| **is_inside);
                self.extend(inside.map(|(pair, _)| pair))
            }
        }
    }

    fn extend<'a, A: Sample, B: Sample>(
        &mut self,
        pairs: impl Iterator<Item = (&'a A, &'a B)>,
    ) -> Result<(), BlobsError> {
        if let Store::Integers { counts, least } = &mut self.store {
            self.n += count_integers(counts, *least, pairs);
            return Ok(());
        }
        for (a, b) in pairs {
            let pair = [a.to_f64(), b.to_f64()];
            if !(pair[0].is_finite() && pair[1].is_finite()) {
                self.skipped += 1;
                continue;
            }
            self.n += 1;
            self.push([
                self.sampling.subtracted(0, pair[0]),
                self.sampling.subtracted(1, pair[1]),
            ])?;
        }
        Ok(())
    }

    fn push(&mut self, pair: [f64; 2]) -> Result<(), BlobsError> {
        if matches!(&self.store, Store::Kept(kept) if kept.len() >= self.sampling.kept) {
            self.bin()?;
        }
        match &mut self.store {
            Store::Kept(kept) => kept.push(pair),
            Store::Binned { counts, moments } => {
                let bins = bins(&self.sampling)?;
                moments.add(pair);
                *counts.entry(bins[0].of(pair[0]) << 16 | bins[1].of(pair[1])).or_default() += 1;
            }
            Store::Integers { .. } => {}
        }
        Ok(())
    }

    /// Puts what was kept into bins.
    fn bin(&mut self) -> Result<(), BlobsError> {
        let Store::Kept(kept) = &mut self.store else { return Ok(()) };
        bins(&self.sampling)?;
        let kept = std::mem::take(kept);
        self.store = Store::Binned { counts: Counts::default(), moments: Box::default() };
        kept.into_iter().try_for_each(|pair| self.push(pair))
    }

    /// Takes in what another one, made alike, has seen.
    ///
    /// # Errors
    /// When the other was made for other types or another sampling, or as [`PairAccumulator::add`].
    pub fn merge(&mut self, mut other: Self) -> Result<(), BlobsError> {
        if self.dtypes != other.dtypes || self.sampling != other.sampling {
            let found = (other.dtypes, other.sampling);
            return Err(BlobsError::parameter("accumulator", found, "one that was made alike"));
        }
        self.n += other.n;
        self.skipped += other.skipped;
        if matches!(self.store, Store::Binned { .. }) {
            other.bin()?;
        } else if matches!(other.store, Store::Binned { .. }) {
            self.bin()?;
        }
        match other.store {
            Store::Kept(kept) => kept.into_iter().try_for_each(|pair| self.push(pair))?,
            Store::Integers { counts: more, .. } => self.add_counts(more),
            Store::Binned { counts: more, moments: others } => {
                self.add_counts(more);
                if let Store::Binned { moments, .. } = &mut self.store {
                    moments.merge(&others);
                }
            }
        }
        Ok(())
    }

    fn add_counts(&mut self, more: Counts<u32>) {
        if let Store::Integers { counts, .. } | Store::Binned { counts, .. } = &mut self.store {
            more.into_iter().for_each(|(key, n)| *counts.entry(key).or_default() += n);
        }
    }

    /// Voxels taken in.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Bytes held, and those that [`PairAccumulator::joint`] and its statistics take beside them, about.
    pub fn bytes(&self) -> u64 {
        let held = match &self.store {
            // A place in the table, an entry of the sorted list, a cell.
            Store::Integers { counts, .. } | Store::Binned { counts, .. } => {
                17 * counts.capacity() + 48 * counts.len()
            }
            // A pair, a cell, and two levels with their counts.
            Store::Kept(kept) => 16 * kept.capacity() + 64 * kept.len(),
        };
        held as u64
    }

    /// Voxels left out since a value is NaN or infinite.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Whether values were put into bins, so that ranks and thresholds are those of bins.
    pub fn is_binned(&self) -> bool {
        matches!(self.store, Store::Binned { .. })
    }

    /// The joint histogram of what was taken in.
    pub fn joint(&self) -> JointHistogram {
        match &self.store {
            Store::Integers { counts, least } => {
                let value = |channel: usize, code: u16| {
                    self.sampling.subtracted(channel, f64::from(code) + least[channel])
                };
                JointHistogram::from_codes(counts, value, None)
            }
            Store::Kept(kept) => JointHistogram::from_values(kept),
            Store::Binned { counts, moments } => {
                let centre = |channel: usize, code: u16| match bins(&self.sampling) {
                    Ok(bins) => bins[channel].centre(code),
                    Err(_) => 0.0,
                };
                JointHistogram::from_codes(counts, centre, Some(moments))
            }
        }
    }
}

/// Counts pairs of integers; runs of one pair, as in empty background, are added at once.
fn count_integers<'a, A: Sample, B: Sample>(
    counts: &mut Counts<u32>,
    least: [f64; 2],
    pairs: impl Iterator<Item = (&'a A, &'a B)>,
) -> u64 {
    let [least_a, least_b] = least.map(|v| v as i32);
    let code = |a: &A, b: &B| {
        let a = (a.to_f64() as i32 - least_a) as u32;
        a << 16 | (b.to_f64() as i32 - least_b) as u32 & 0xffff
    };
    let (mut key, mut run, mut n) = (0, 0, 0);
    for (a, b) in pairs {
        let next = code(a, b);
        if next != key {
            if run > 0 {
                *counts.entry(key).or_default() += run;
            }
            (key, run) = (next, 0);
        }
        run += 1;
        n += 1;
    }
    if run > 0 {
        *counts.entry(key).or_default() += run;
    }
    n
}

/// Equal bins between the least and the largest value of a channel.
#[derive(Clone, Copy)]
struct Bins {
    low: f64,
    width: f64,
}

impl Bins {
    /// The bin of a value; values beyond the range fall into the first or the last.
    fn of(&self, value: f64) -> u32 {
        ((value - self.low) / self.width).clamp(0.0, BINS - 1.0) as u32
    }

    fn centre(&self, bin: u16) -> f64 {
        self.low + (f64::from(bin) + 0.5) * self.width
    }
}

fn bins(sampling: &Sampling) -> Result<[Bins; 2], BlobsError> {
    let range = sampling.range.ok_or(BlobsError::RangeNeeded { limit: sampling.kept })?;
    Ok(std::array::from_fn(|channel| {
        let [low, high] = range[channel].map(|v| sampling.subtracted(channel, v));
        let width = (high - low) / BINS;
        // A constant channel has one bin, around its value.
        if width > 0.0 { Bins { low, width } } else { Bins { low: low - 0.5, width: 1.0 } }
    }))
}
