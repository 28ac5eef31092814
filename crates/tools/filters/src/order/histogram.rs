use rayon::prelude::*;

/// Counts of whole-numbered values: entry `v` is how often the value `v` occurs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    counts: Vec<u64>,
}

/// Pixels of one parallel task.
const TASK: usize = 1 << 20;

/// Counts 8-bit values. Parallel.
pub fn histogram_u8(values: &[u8]) -> Histogram {
    count(values, 1 << 8)
}

/// Counts 16-bit values. Parallel.
pub fn histogram_u16(values: &[u16]) -> Histogram {
    count(values, 1 << 16)
}

fn count<T: Copy + Into<usize> + Sync>(values: &[T], levels: usize) -> Histogram {
    let counts = values
        .par_chunks(TASK)
        .map(|values| {
            // Two tables: a run of equal values would otherwise wait for its own last store.
            let mut counts = vec![[0_u32; 2]; levels];
            for pair in values.chunks(2) {
                for (i, &value) in pair.iter().enumerate() {
                    counts[value.into()][i] += 1;
                }
            }
            counts.iter().map(|[a, b]| u64::from(a + b)).collect()
        })
        .reduce(
            || vec![0; levels],
            |mut a: Vec<u64>, b: Vec<u64>| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        );
    Histogram { counts }
}

impl Histogram {
    /// Returns the counts, one per value from 0.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Returns the number of values counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Finds the smallest value that at least the fraction `q` of all values do not exceed.
    ///
    /// `q` from 0 (the minimum) to 1 (the maximum). `None` if nothing was counted. Always a value
    /// that occurs: no interpolation.
    ///
    /// # Panics
    /// If `q` is not within 0..=1.
    pub fn percentile(&self, q: f64) -> Option<usize> {
        assert!((0.0..=1.0).contains(&q), "fraction is {q}, wanted 0 to 1");
        let wanted = ((q * self.total() as f64).ceil() as u64).max(1);
        let mut seen = 0;
        self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })
    }

    /// Finds the most frequent value, the smallest of several. `None` if nothing was counted.
    pub fn mode(&self) -> Option<usize> {
        let most = self.counts.iter().copied().max().filter(|&most| most > 0)?;
        self.counts.iter().position(|&count| count == most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_mode_of_five_values() {
        let histogram = histogram_u8(&[7, 3, 3, 200, 9]);
        assert_eq!(histogram.total(), 5);
        assert_eq!(histogram.percentile(0.0), Some(3));
        assert_eq!(histogram.percentile(0.4), Some(3));
        assert_eq!(histogram.percentile(0.5), Some(7));
        assert_eq!(histogram.percentile(1.0), Some(200));
        assert_eq!(histogram.mode(), Some(3));
    }

    #[test]
    fn ties_go_to_the_smallest_and_nothing_has_no_answer() {
        assert_eq!(histogram_u16(&[65535, 0, 4, 4, 65535]).mode(), Some(4));
        assert_eq!(histogram_u16(&[]).mode(), None);
        assert_eq!(histogram_u16(&[]).percentile(0.5), None);
    }
}
