//! Labels replaced by look-up.

use hooke_core::Sample;
use hooke_core::counts::IntegerMap;

use crate::dedup::{IdRow, check_label_type, runs, to_label};
use crate::error::TilesetError;

/// Voxels looked at together; a run of background is written at once.
const CHUNK: usize = 32;
/// A table indexed by label may have this many entries for nothing.
const SPARE_ENTRIES: u64 = 1 << 16;

/// New ids of the labels of one tile; 0 stays 0.
///
/// `O` is the type of the new labels, `u32` or `u64`.
#[derive(Debug, Clone)]
pub struct LabelMap<O> {
    tile: usize,
    table: Table<O>,
}

#[derive(Debug, Clone)]
enum Table<O> {
    /// Indexed by label; 0 where there is none, and at the end. For labels mostly consecutive.
    Dense(Vec<O>),
    /// For labels far apart.
    Sparse(IntegerMap<u64, O>),
}

impl<O: Sample + TryFrom<u64>> LabelMap<O> {
    /// Builds the look-up of one tile from its rows of the table of ids.
    ///
    /// # Errors
    /// [`TilesetError::IdTooLarge`] when a new id does not fit `O`.
    pub fn new(tile: usize, rows: &[IdRow]) -> Result<LabelMap<O>, TilesetError> {
        LabelMap::from_pairs(tile, rows.iter().map(|r| (r.old_id, r.new_id)))
    }

    /// Builds a look-up from `(old, new)`; `tile` is for messages.
    ///
    /// # Errors
    /// [`TilesetError::IdTooLarge`] when a new id does not fit `O`.
    pub fn from_pairs(
        tile: usize,
        pairs: impl Iterator<Item = (u64, u64)> + Clone,
    ) -> Result<LabelMap<O>, TilesetError> {
        let pairs = pairs.filter(|(old, _)| *old != 0);
        let (n, largest) = pairs.clone().fold((0u64, 0), |(n, l), (old, _)| (n + 1, l.max(old)));
        let narrow =
            |id: u64| O::try_from(id).map_err(|_| TilesetError::IdTooLarge { id, dtype: O::DTYPE });
        let table = if largest <= 8 * n + SPARE_ENTRIES {
            let mut table = vec![O::default(); largest as usize + 2];
            for (old, new) in pairs {
                table[old as usize] = narrow(new)?;
            }
            Table::Dense(table)
        } else {
            let pairs = pairs.map(|(old, new)| Ok((old, narrow(new)?)));
            Table::Sparse(pairs.collect::<Result<_, TilesetError>>()?)
        };
        Ok(LabelMap { tile, table })
    }

    /// Writes the new ids of a block of labels. Serial; any number of dimensions.
    ///
    /// # Errors
    /// [`TilesetError::UnknownLabel`] with the first label that has no new id,
    /// [`TilesetError::LabelType`], [`TilesetError::NegativeLabel`], and
    /// [`TilesetError::BufferLength`] when the lengths differ.
    pub fn apply<T: Sample>(&self, labels: &[T], out: &mut [O]) -> Result<(), TilesetError> {
        check_label_type::<T>(self.tile)?;
        if labels.len() != out.len() {
            let (expected, found) = (labels.len() as u64, out.len());
            return Err(TilesetError::BufferLength { expected, found });
        }
        match &self.table {
            Table::Dense(table) => self.apply_dense(table, labels, out),
            Table::Sparse(table) => self.apply_sparse(table, labels, out),
        }
    }

    fn apply_dense<T: Sample>(
        &self,
        table: &[O],
        labels: &[T],
        out: &mut [O],
    ) -> Result<(), TilesetError> {
        let zero = T::default();
        let last = table.len() - 1;
        for (labels, out) in labels.chunks(CHUNK).zip(out.chunks_mut(CHUNK)) {
            if labels.iter().fold(true, |empty, v| empty & (*v == zero)) {
                out.fill(O::default());
                continue;
            }
            for (label, out) in labels.iter().zip(out.iter_mut()) {
                // A negative label becomes an index beyond every table; the last entry is 0.
                let index = label.to_i128().unwrap_or(-1) as u64 as usize;
                *out = table[index.min(last)];
            }
            let pairs = labels.iter().zip(out.iter());
            let missing = pairs.fold(false, |m, (l, o)| m | ((*o == O::default()) & (*l != zero)));
            if missing {
                return Err(self.first_unknown(labels, out));
            }
        }
        Ok(())
    }

    fn first_unknown<T: Sample>(&self, labels: &[T], out: &[O]) -> TilesetError {
        let unknown =
            labels.iter().zip(out).find(|(l, o)| **o == O::default() && **l != T::default());
        let label = unknown.map_or(T::default(), |(label, _)| *label);
        match to_label(label, self.tile) {
            Ok(label) => TilesetError::UnknownLabel { tile: self.tile, label },
            Err(error) => error,
        }
    }

    fn apply_sparse<T: Sample>(
        &self,
        table: &IntegerMap<u64, O>,
        labels: &[T],
        out: &mut [O],
    ) -> Result<(), TilesetError> {
        let mut rest = out;
        runs(labels, |label, n| {
            let (out, after) = std::mem::take(&mut rest).split_at_mut(n);
            rest = after;
            let label = to_label(label, self.tile)?;
            let unknown = TilesetError::UnknownLabel { tile: self.tile, label };
            out.fill(if label == 0 { O::default() } else { *table.get(&label).ok_or(unknown)? });
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tables_give_the_same_ids() {
        let labels: Vec<u64> = (0..500).map(|i| (i / 7) % 5).collect();
        let pairs = [(1, 10), (2, 20), (3, 30), (4, 70_000)];
        let dense = LabelMap::<u32>::from_pairs(0, pairs.into_iter()).expect("ids fit");
        let far = pairs.into_iter().chain([(1 << 50, 9)]);
        let sparse = LabelMap::<u32>::from_pairs(0, far).expect("ids fit");
        assert!(matches!(sparse.table, Table::Sparse(_)));
        let (mut a, mut b) = (vec![1u32; 500], vec![2u32; 500]);
        dense.apply(&labels, &mut a).expect("all labels are known");
        sparse.apply(&labels, &mut b).expect("all labels are known");
        assert_eq!(a, b);
        assert_eq!(a[6..8], [0, 10]);
        assert_eq!(a[28], 70_000);
    }

    #[test]
    fn an_unknown_label_and_an_id_too_large_are_named() {
        let map = LabelMap::<u32>::from_pairs(7, [(1, 1)].into_iter()).expect("ids fit");
        let error = map.apply(&[0u16, 1, 5], &mut [0; 3]).expect_err("refused");
        assert!(matches!(error, TilesetError::UnknownLabel { tile: 7, label: 5 }));
        let error = map.apply(&[0i32, -5], &mut [0; 2]).expect_err("refused");
        assert!(matches!(error, TilesetError::NegativeLabel { found: -5, .. }));
        let error =
            LabelMap::<u32>::from_pairs(0, [(1, 1 << 40)].into_iter()).expect_err("refused");
        assert!(matches!(error, TilesetError::IdTooLarge { id: 1_099_511_627_776, .. }));
        let wide = LabelMap::<u64>::from_pairs(0, [(1, 1 << 40)].into_iter()).expect("ids fit");
        let mut out = [0];
        wide.apply(&[1u8], &mut out).expect("known");
        assert_eq!(out, [1 << 40]);
    }
}
