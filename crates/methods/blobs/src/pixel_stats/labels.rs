//! Two channels, label by label.

use std::collections::BTreeMap;

use hooke_core::{Dtype, Sample};

use super::accumulate::{PairAccumulator, Sampling};
use crate::error::BlobsError;

/// The voxels of two channels within each label, taken in block by block.
#[derive(Debug, Clone)]
pub struct LabelledPairs {
    empty: PairAccumulator,
    labels: BTreeMap<i64, PairAccumulator>,
}

impl LabelledPairs {
    /// Nothing yet.
    ///
    /// # Errors
    /// As [`PairAccumulator::new`].
    pub fn new(dtypes: [Dtype; 2], sampling: Sampling) -> Result<Self, BlobsError> {
        let empty = PairAccumulator::new(dtypes, sampling)?;
        Ok(Self { empty, labels: BTreeMap::new() })
    }

    /// Takes in some voxels; label 0 is no label.
    ///
    /// # Errors
    /// As [`PairAccumulator::add`].
    pub fn add<A: Sample, B: Sample>(
        &mut self,
        a: &[A],
        b: &[B],
        labels: &[i64],
        mask: Option<&[bool]>,
    ) -> Result<(), BlobsError> {
        let lengths = [
            ("voxels of the second channel", b.len()),
            ("voxels of the labels", labels.len()),
            ("voxels of the mask", mask.map_or(a.len(), <[bool]>::len)),
        ];
        for (what, found) in lengths {
            if found != a.len() {
                return Err(BlobsError::Length { what, expected: a.len(), found });
            }
        }
        let mut from = 0;
        for run in labels.chunk_by(|x, y| x == y) {
            let voxels = from..from + run.len();
            from = voxels.end;
            if run[0] != 0 {
                let pairs = self.labels.entry(run[0]).or_insert_with(|| self.empty.clone());
                let mask = mask.map(|mask| &mask[voxels.clone()]);
                pairs.add(&a[voxels.clone()], &b[voxels], mask)?;
            }
        }
        Ok(())
    }

    /// Takes in what another one, made alike, has seen.
    ///
    /// # Errors
    /// As [`PairAccumulator::merge`].
    pub fn merge(&mut self, other: Self) -> Result<(), BlobsError> {
        for (label, pairs) in other.labels {
            self.labels.entry(label).or_insert_with(|| self.empty.clone()).merge(pairs)?;
        }
        Ok(())
    }

    /// Bytes of all labels, as [`PairAccumulator::bytes`].
    pub fn bytes(&self) -> u64 {
        self.labels.values().map(|pairs| pairs.bytes() + size_of::<PairAccumulator>() as u64).sum()
    }

    /// Every label that came up, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &PairAccumulator)> {
        self.labels.iter().map(|(label, pairs)| (*label, pairs))
    }
}
