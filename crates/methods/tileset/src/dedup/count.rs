//! How often each label, and each pair of labels, occurs.

use hooke_core::Sample;
use hooke_core::counts::Counts;

use super::runs::{pair_runs, runs};
use crate::error::TilesetError;

/// The label as a number.
pub(crate) fn to_label<T: Sample>(value: T, tile: usize) -> Result<u64, TilesetError> {
    let found = value.to_i128().ok_or(TilesetError::LabelType { tile, found: T::DTYPE })?;
    u64::try_from(found).map_err(|_| TilesetError::NegativeLabel { tile, found })
}

/// Refuses floating-point labels, integral ones too.
pub(crate) fn check_label_type<T: Sample>(tile: usize) -> Result<(), TilesetError> {
    match T::DTYPE.is_float() {
        true => Err(TilesetError::LabelType { tile, found: T::DTYPE }),
        false => Ok(()),
    }
}

/// Voxels of each pair of labels, `(label in a, label in b)`; pairs of two backgrounds are left out.
#[derive(Debug, Clone, Default)]
pub struct JointHistogram {
    counts: Counts<(u64, u64)>,
}

/// One pair of labels in the box that two tiles share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelPair {
    /// Label in the first tile, not 0.
    pub label_a: u64,
    /// Label in the second tile, not 0.
    pub label_b: u64,
    /// Voxels that carry both.
    pub n_overlap: u64,
    /// Voxels of `label_a` inside the box, also where the other tile has background.
    pub n_a: u64,
    /// Voxels of `label_b` inside the box.
    pub n_b: u64,
}

impl LabelPair {
    /// Intersection over union within the box, 0 to 1.
    pub fn iou(&self) -> f64 {
        self.n_overlap as f64 / self.union() as f64
    }

    /// Voxels that carry either label.
    pub fn union(&self) -> u64 {
        self.n_a + self.n_b - self.n_overlap
    }
}

impl JointHistogram {
    /// Counts the pairs of two equally long rows of labels. Serial.
    ///
    /// `tiles` are the tiles the rows come from, for messages.
    ///
    /// # Errors
    /// [`TilesetError::LabelType`] for floats, [`TilesetError::NegativeLabel`].
    ///
    /// # Panics
    /// When the lengths differ.
    ///
    /// # Cost
    /// One look-up per run of equal pairs.
    ///
    /// # Examples
    /// ```
    /// use hooke_tileset::dedup::JointHistogram;
    /// let mut joint = JointHistogram::default();
    /// joint.add([0, 1], &[0u16, 7, 7, 7], &[0u16, 0, 2, 2])?;
    /// let pair = joint.pairs()[0];
    /// assert_eq!((pair.label_a, pair.label_b, pair.n_overlap), (7, 2, 2));
    /// assert_eq!((pair.n_a, pair.n_b), (3, 2));
    /// # Ok::<(), hooke_tileset::TilesetError>(())
    /// ```
    pub fn add<T: Sample>(
        &mut self,
        tiles: [usize; 2],
        a: &[T],
        b: &[T],
    ) -> Result<(), TilesetError> {
        check_label_type::<T>(tiles[0])?;
        assert_eq!(a.len(), b.len(), "both rows are of one box");
        let zero = T::default();
        pair_runs(a, b, |label_a, label_b, n| {
            if label_a != zero || label_b != zero {
                let key = (to_label(label_a, tiles[0])?, to_label(label_b, tiles[1])?);
                *self.counts.entry(key).or_default() += n as u64;
            }
            Ok(())
        })
    }

    /// Adds the counts of another part of the same box.
    pub fn merge(&mut self, other: JointHistogram) {
        if self.counts.len() < other.counts.len() {
            let fewer = std::mem::replace(self, other);
            return self.merge(fewer);
        }
        for (key, n) in other.counts {
            *self.counts.entry(key).or_default() += n;
        }
    }

    /// Every pair of two labels that are not background, ordered by `label_a`, `label_b`.
    pub fn pairs(&self) -> Vec<LabelPair> {
        let (mut of_a, mut of_b) = (Counts::<u64>::default(), Counts::<u64>::default());
        for (&(a, b), n) in &self.counts {
            *of_a.entry(a).or_default() += n;
            *of_b.entry(b).or_default() += n;
        }
        let both = self.counts.iter().filter(|((a, b), _)| *a != 0 && *b != 0);
        let mut pairs: Vec<LabelPair> = both
            .map(|(&(label_a, label_b), &n_overlap)| LabelPair {
                label_a,
                label_b,
                n_overlap,
                n_a: of_a[&label_a],
                n_b: of_b[&label_b],
            })
            .collect();
        pairs.sort_unstable_by_key(|p| (p.label_a, p.label_b));
        pairs
    }
}

/// Voxels of each label of a tile.
#[derive(Debug, Clone, Default)]
pub struct LabelCounts {
    counts: Counts<u64>,
}

impl LabelCounts {
    /// Counts the labels of a part of a tile. Serial.
    ///
    /// # Errors
    /// [`TilesetError::LabelType`] for floats, [`TilesetError::NegativeLabel`].
    pub fn add<T: Sample>(&mut self, tile: usize, labels: &[T]) -> Result<(), TilesetError> {
        check_label_type::<T>(tile)?;
        let zero = T::default();
        runs(labels, |value, n| {
            if value != zero {
                *self.counts.entry(to_label(value, tile)?).or_default() += n as u64;
            }
            Ok(())
        })
    }

    /// Adds the counts of another part of the same tile.
    pub fn merge(&mut self, other: LabelCounts) {
        for (label, n) in other.counts {
            *self.counts.entry(label).or_default() += n;
        }
    }

    /// The labels that are not background, ascending, with their voxels.
    pub fn sorted(&self) -> Vec<(u64, u64)> {
        let mut counts: Vec<(u64, u64)> = self.counts.iter().map(|(l, n)| (*l, *n)).collect();
        counts.sort_unstable();
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_every_length_are_counted_in_full() {
        let values: Vec<u32> = (1..60).flat_map(|n| vec![n; n as usize]).collect();
        let mut counts = LabelCounts::default();
        counts.add(0, &values).expect("labels");
        assert!(counts.sorted().into_iter().eq((1..60).map(|n| (n, n))));
        let mut joint = JointHistogram::default();
        joint.add([0, 1], &values, &vec![9; values.len()]).expect("labels");
        assert!(joint.pairs().iter().all(|p| p.n_overlap == p.label_a && p.n_b == 59 * 30));
    }

    #[test]
    fn labels_must_be_whole_and_not_negative() {
        let error = LabelCounts::default().add(3, &[1.0f32]).expect_err("refused");
        assert_eq!(error.to_string(), "tile 3: labels must be integers >= 0; found float32");
        let error = JointHistogram::default().add([4, 6], &[0i16], &[-2]).expect_err("refused");
        assert_eq!(error.to_string(), "tile 6: labels must be integers >= 0; found -2");
        let mut counts = LabelCounts::default();
        counts.add(0, &[u64::MAX, u64::MAX, 1 << 40]).expect("labels");
        assert_eq!(counts.sorted(), [(1 << 40, 1), (u64::MAX, 2)]);
    }
}
