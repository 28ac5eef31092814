//! Masks as run lengths: in C order, the first run counts zeros (and may be 0), then ones, and so on.

/// Builds run lengths from pieces of a mask in C order.
#[derive(Debug, Default)]
pub(super) struct RunLengths {
    runs: Vec<u32>,
    is_inside: bool,
    length: u64,
}

impl RunLengths {
    /// Appends `length` equal values.
    pub fn push(&mut self, is_inside: bool, length: u64) {
        if is_inside != self.is_inside && length > 0 {
            self.close();
            self.is_inside = is_inside;
        }
        self.length += length;
    }

    fn close(&mut self) {
        // A run beyond the number type is cut by empty runs of the other value.
        while self.length > u64::from(u32::MAX) {
            self.runs.extend([u32::MAX, 0]);
            self.length -= u64::from(u32::MAX);
        }
        self.runs.push(self.length as u32);
        self.length = 0;
    }

    pub fn finish(mut self) -> Vec<u32> {
        self.close();
        self.runs
    }
}

/// Run lengths of a mask.
pub fn encode_runs(mask: &[bool]) -> Vec<u32> {
    let mut runs = RunLengths::default();
    mask.chunk_by(|a, b| a == b).for_each(|run| runs.push(run[0], run.len() as u64));
    runs.finish()
}

/// The runs of ones as `(first, length)`, in voxels from the start of the mask.
pub fn runs_of_ones(runs: &[u32]) -> impl Iterator<Item = (u64, u64)> + '_ {
    let mut end = 0;
    let spans = runs.iter().enumerate().map(move |(i, length)| {
        let start = end;
        end += u64::from(*length);
        (i % 2 == 1, start, u64::from(*length))
    });
    spans
        .filter(|(is_one, _, length)| *is_one && *length > 0)
        .map(|(_, start, length)| (start, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_run_counts_zeros() {
        assert_eq!(encode_runs(&[true, true, false, true]), [0, 2, 1, 1]);
        assert_eq!(encode_runs(&[false, true]), [1, 1]);
        assert_eq!(encode_runs(&[]), [0]);
        let ones: Vec<(u64, u64)> = runs_of_ones(&[0, 2, 1, 1]).collect();
        assert_eq!(ones, [(0, 2), (3, 1)]);
    }

    #[test]
    fn a_run_longer_than_its_type_is_cut() {
        let mut runs = RunLengths::default();
        runs.push(false, u64::from(u32::MAX) + 5);
        runs.push(true, 2);
        assert_eq!(runs.finish(), [u32::MAX, 0, 5, 2]);
    }
}
