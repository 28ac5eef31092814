//! Exact order statistics of values that come in blocks, in a few passes.

use hooke_core::{Dtype, Sample};

use super::key::{key, key_bits, value_of};
use crate::error::TilesetError;

/// Bits of a key that one pass finds.
const DIGIT_BITS: u32 = 16;

/// Finds percentiles of values that are streamed again and again: 16 bits of the answer per pass.
///
/// 8- and 16-bit types need one pass, 32-bit ones two, 64-bit ones four. Each pass is a histogram,
/// so its parts merge in any order. Memory: 512 KiB per rank sought, at most two per percentile.
#[derive(Debug, Clone)]
pub struct PercentileSelect {
    dtype: Dtype,
    percents: Vec<f64>,
    ignore_zeros: bool,
    n: u64,
    n_nan: u64,
    /// Bits of the keys that are known.
    known: u32,
    /// The ranks sought; filled after the first pass.
    ranks: Vec<Rank>,
}

/// One order statistic on its way.
#[derive(Debug, Clone, Copy)]
struct Rank {
    /// Its place among all values.
    overall: u64,
    /// Its place among the values that share its known bits.
    within: u64,
    /// The bits known so far.
    prefix: u64,
}

/// The counts of one pass, or of a part of it.
#[derive(Debug, Clone)]
pub struct PassCounts {
    shift: u32,
    levels: usize,
    ignore_zeros: bool,
    prefixes: Vec<u64>,
    counts: Vec<u64>,
    n_nan: u64,
}

impl PercentileSelect {
    /// Seeks percentiles, each 0 to 100, of values of one type.
    ///
    /// NaN is left out and counted; with `ignore_zeros` zeros are left out too.
    ///
    /// # Errors
    /// [`TilesetError::Parameter`] for a percentile out of its range.
    pub fn new(
        dtype: Dtype,
        percents: &[f64],
        ignore_zeros: bool,
    ) -> Result<PercentileSelect, TilesetError> {
        if let Some(bad) = percents.iter().find(|q| !(0.0..=100.0).contains(*q)) {
            let wanted = "a number from 0 to 100";
            return Err(TilesetError::Parameter {
                name: "percentile",
                found: bad.to_string(),
                wanted,
            });
        }
        let percents = percents.to_vec();
        Ok(PercentileSelect {
            dtype,
            percents,
            ignore_zeros,
            n: 0,
            n_nan: 0,
            known: 0,
            ranks: Vec::new(),
        })
    }

    /// Whether the answer is known and no more pass is needed.
    pub fn is_done(&self) -> bool {
        self.known == key_bits(self.dtype)
    }

    /// Values counted: without NaN, and without zeros where they are ignored.
    pub fn n_values(&self) -> u64 {
        self.n
    }

    /// Whether zeros are left out.
    pub fn ignores_zeros(&self) -> bool {
        self.ignore_zeros
    }

    /// NaN that were left out.
    pub fn n_nan(&self) -> u64 {
        self.n_nan
    }

    /// Empty counts for the next pass, or for a part of it.
    pub fn counts(&self) -> PassCounts {
        let digit = DIGIT_BITS.min(key_bits(self.dtype) - self.known);
        let mut prefixes: Vec<u64> = self.ranks.iter().map(|r| r.prefix).collect();
        if self.known == 0 {
            prefixes = vec![0];
        }
        prefixes.sort_unstable();
        prefixes.dedup();
        PassCounts {
            shift: key_bits(self.dtype) - self.known - digit,
            levels: 1 << digit,
            ignore_zeros: self.ignore_zeros,
            counts: vec![0; prefixes.len() << digit],
            prefixes,
            n_nan: 0,
        }
    }

    /// Takes the counts of a whole pass.
    ///
    /// # Panics
    /// When the answer is known already, or the counts are of another pass.
    pub fn advance(&mut self, counts: &PassCounts) {
        let digit = counts.levels.trailing_zeros();
        assert_eq!(counts.shift + digit + self.known, key_bits(self.dtype), "counts of this pass");
        if self.known == 0 {
            self.n = counts.counts.iter().sum();
            self.n_nan = counts.n_nan;
            self.ranks = self.first_ranks();
        }
        for rank in &mut self.ranks {
            let Ok(row) = counts.prefixes.binary_search(&rank.prefix) else { continue };
            let row = &counts.counts[row * counts.levels..(row + 1) * counts.levels];
            let mut before = 0;
            let found = row.iter().position(|n| {
                before += n;
                before > rank.within
            });
            // The rank is below the number of values of this prefix, so some level holds it.
            let level = found.unwrap_or(counts.levels - 1);
            rank.within -= (before - row[level]).min(rank.within);
            rank.prefix = rank.prefix << digit | level as u64;
        }
        self.known += digit;
    }

    fn first_ranks(&self) -> Vec<Rank> {
        let last = self.n.saturating_sub(1);
        let mut places: Vec<u64> = self
            .percents
            .iter()
            .filter(|_| self.n > 0)
            .flat_map(|q| {
                let below = self.place(*q).floor() as u64;
                [below.min(last), (below + 1).min(last)]
            })
            .collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|n| Rank { overall: n, within: n, prefix: 0 }).collect()
    }

    fn place(&self, percent: f64) -> f64 {
        (self.n.saturating_sub(1)) as f64 * (percent / 100.0)
    }

    /// The percentiles in the order asked for, numpy's linear definition; `None` without a value.
    ///
    /// # Panics
    /// Before [`PercentileSelect::is_done`].
    pub fn values(&self) -> Option<Vec<f64>> {
        assert!(self.is_done(), "every pass has been taken");
        let value = |place: u64| {
            let at = self.ranks.binary_search_by_key(&place, |r| r.overall).ok()?;
            Some(value_of(self.ranks[at].prefix, self.dtype))
        };
        let percentile = |q: &f64| {
            let place = self.place(*q);
            let below = place.floor() as u64;
            let above = (below + 1).min(self.n.checked_sub(1)?);
            Some(lerp(value(below)?, value(above)?, place - place.floor()))
        };
        self.percents.iter().map(percentile).collect()
    }
}

/// Between `a` and `b` at `t`, with numpy's way of rounding.
pub(crate) fn lerp(a: f64, b: f64, t: f64) -> f64 {
    if a == b {
        // Infinities too, whose difference is NaN.
        return a;
    }
    if t >= 0.5 { b - (b - a) * (1.0 - t) } else { a + (b - a) * t }
}

impl PassCounts {
    /// Counts a part of the values. Serial.
    ///
    /// `T` must be the type that [`PercentileSelect::new`] was given.
    pub fn add<T: Sample>(&mut self, values: &[T]) {
        match (T::DTYPE.is_float(), self.ignore_zeros) {
            (true, true) => self.add_some::<T, true, true>(values),
            (true, false) => self.add_some::<T, true, false>(values),
            (false, true) => self.add_some::<T, false, true>(values),
            (false, false) => self.add_some::<T, false, false>(values),
        }
    }

    fn add_some<T: Sample, const FLOAT: bool, const SKIP: bool>(&mut self, values: &[T]) {
        let zero = T::default();
        let mask = self.levels as u64 - 1;
        let (shift, digit) = (self.shift, self.levels.trailing_zeros());
        let first_pass = shift + digit == key_bits(T::DTYPE);
        for value in values {
            if FLOAT && value.is_nan() {
                self.n_nan += 1;
                continue;
            }
            if SKIP && *value == zero {
                continue;
            }
            let key = key(*value) >> shift;
            let level = (key & mask) as usize;
            if first_pass {
                self.counts[level] += 1;
            } else if let Ok(row) = self.prefixes.binary_search(&(key >> digit)) {
                self.counts[(row << digit) + level] += 1;
            }
        }
    }

    /// Adds the counts of another part of the same pass.
    ///
    /// # Panics
    /// When the parts are of different passes.
    pub fn merge(&mut self, other: &PassCounts) {
        assert_eq!(self.prefixes, other.prefixes, "parts of one pass");
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
        self.n_nan += other.n_nan;
    }

    /// Counts per value of an 8- or 16-bit type, ascending: its whole histogram.
    pub(crate) fn histogram(&self, dtype: Dtype) -> impl Iterator<Item = (f64, u64)> + '_ {
        let counts = self.counts.iter().enumerate().filter(|(_, n)| **n > 0);
        counts.map(move |(key, n)| (value_of(key as u64, dtype), *n))
    }
}
