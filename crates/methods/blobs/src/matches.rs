//! Tables of matches with both blobs spelled out, as MagellanMapper's `BlobMatch` holds them.

use std::collections::BTreeMap;

use hooke_core::{Blob, BlobPair};
use ndarray::{Array2, ArrayView2};

use crate::error::BlobsError;
use crate::matching::Rows;

/// Names of the columns, in order: match, region, first blob's id and row, second's, distance.
pub const COLUMNS: [&str; 7] =
    ["MatchID", "RoiID", "Blob1ID", "Blob1", "Blob2ID", "Blob2", "Distance"];
/// What a row of a blob holds: position in voxels, radius, codes of review and truth, channel.
pub const BLOB_COLUMNS: [&str; 7] = ["z", "y", "x", "radius", "confirmed", "truth", "channel"];

/// Ids of one match; each may be unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MatchIds {
    /// The match itself.
    pub match_id: Option<i64>,
    /// The region of interest it was found in.
    pub roi_id: Option<i64>,
    /// The two blobs.
    pub blob_ids: [Option<i64>; 2],
}

/// Matches of two channels: rows of `(blob 1, blob 2, distance)`, and ids where they are known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MatchTable {
    ids: Vec<MatchIds>,
    blobs: [Array2<f64>; 2],
    distance: Vec<f64>,
}

impl MatchTable {
    /// A table of matches.
    ///
    /// # Arguments
    /// * `blobs` — first and second blobs, a row each: `z, y, x` in voxels, then whatever columns.
    /// * `distance` — of each match, in scaled voxels.
    /// * `ids` — of each match; all unknown when `None`.
    ///
    /// # Errors
    /// [`BlobsError::Length`] when the numbers of rows differ, or a blob has less than 3 columns.
    pub fn new(
        blobs: [Array2<f64>; 2],
        distance: Vec<f64>,
        ids: Option<Vec<MatchIds>>,
    ) -> Result<Self, BlobsError> {
        let n = distance.len();
        let ids = ids.unwrap_or_else(|| vec![MatchIds::default(); n]);
        check("first blobs", n, blobs[0].nrows())?;
        check("second blobs", n, blobs[1].nrows())?;
        check("ids", n, ids.len())?;
        let table = Self { ids, blobs, distance };
        table.check_columns()?;
        Ok(table)
    }

    /// A table of pairs of one pair of channels, in their order; their blobs are looked up by id.
    ///
    /// # Errors
    /// When a blob is missing, or two blobs have one id.
    pub fn from_pairs(pairs: &[BlobPair], blobs: &[Blob]) -> Result<Self, BlobsError> {
        let pairs: Vec<&BlobPair> = pairs.iter().collect();
        Self::from_rows(&pairs, &Rows::of(blobs)?)
    }

    /// The pairs of every pair of channels, each in a table of its own.
    ///
    /// # Errors
    /// As [`MatchTable::from_pairs`].
    pub fn by_channels(
        pairs: &[BlobPair],
        blobs: &[Blob],
    ) -> Result<BTreeMap<[u16; 2], Self>, BlobsError> {
        let rows = Rows::of(blobs)?;
        let mut groups = BTreeMap::<[u16; 2], Vec<&BlobPair>>::new();
        for pair in pairs {
            groups.entry(pair.channels).or_default().push(pair);
        }
        let table = |(channels, pairs): ([u16; 2], Vec<&BlobPair>)| {
            Ok((channels, Self::from_rows(&pairs, &rows)?))
        };
        groups.into_iter().map(table).collect()
    }

    fn from_rows(pairs: &[&BlobPair], rows: &Rows<'_>) -> Result<Self, BlobsError> {
        let id = |id: u64| i64::try_from(id).ok();
        let ids = |pair: &&BlobPair| MatchIds {
            match_id: id(pair.match_id),
            roi_id: id(pair.roi_id),
            blob_ids: pair.blob_ids.map(id),
        };
        let side = |side: usize| -> Result<Array2<f64>, BlobsError> {
            let mut out = Array2::zeros((pairs.len(), BLOB_COLUMNS.len()));
            for (mut row, pair) in out.rows_mut().into_iter().zip(pairs) {
                row.assign(&ndarray::arr1(&blob_row(rows.blob(pair.blob_ids[side])?)));
            }
            Ok(out)
        };
        let distance = pairs.iter().map(|pair| pair.distance_scaled).collect();
        Self::new([side(0)?, side(1)?], distance, Some(pairs.iter().map(ids).collect()))
    }

    /// Number of matches.
    pub fn len(&self) -> usize {
        self.distance.len()
    }

    /// Whether there is no match.
    pub fn is_empty(&self) -> bool {
        self.distance.is_empty()
    }

    /// Ids of every match.
    pub fn ids(&self) -> &[MatchIds] {
        &self.ids
    }

    /// Distance of every match in scaled voxels.
    pub fn distance(&self) -> &[f64] {
        &self.distance
    }

    /// The first blobs for 1, the second for any other number; `None` without a match.
    pub fn get_blobs(&self, n: usize) -> Option<ArrayView2<'_, f64>> {
        (!self.is_empty()).then(|| self.blobs[usize::from(n != 1)].view())
    }

    /// First and second blobs; `None` without a match.
    pub fn get_blobs_all(&self) -> Option<[ArrayView2<'_, f64>; 2]> {
        Some([self.get_blobs(1)?, self.get_blobs(2)?])
    }

    /// Replaces the first blobs by what `change` makes of them, then the second; nothing happens
    /// without a match.
    ///
    /// # Errors
    /// [`BlobsError::Length`] when rows were lost or added, or less than 3 columns are left; the
    /// table is then as it was.
    pub fn update_blobs(
        &mut self,
        mut change: impl FnMut(ArrayView2<'_, f64>) -> Array2<f64>,
    ) -> Result<(), BlobsError> {
        let Some([first, second]) = self.get_blobs_all() else { return Ok(()) };
        let blobs = [change(first), change(second)];
        *self = Self::new(blobs, self.distance.clone(), Some(self.ids.clone()))?;
        Ok(())
    }

    /// Means of the two centres of every match, in voxels over `z, y, x`; of shape (0, 3) without a match.
    pub fn mean_coords(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.len(), 3), |(row, d)| {
            (self.blobs[0][[row, d]] + self.blobs[1][[row, d]]) / 2.0
        })
    }

    fn check_columns(&self) -> Result<(), BlobsError> {
        let few = self.blobs.iter().map(Array2::ncols).find(|n| *n < 3);
        match few {
            Some(found) if !self.is_empty() => {
                Err(BlobsError::Length { what: "columns of a blob", expected: 3, found })
            }
            _ => Ok(()),
        }
    }
}

fn check(what: &'static str, expected: usize, found: usize) -> Result<(), BlobsError> {
    if expected == found { Ok(()) } else { Err(BlobsError::Length { what, expected, found }) }
}

/// A blob that was just matched: not yet reviewed, and not said to be truth.
fn blob_row(blob: &Blob) -> [f64; 7] {
    let [z, y, x] = blob.position;
    [z, y, x, f64::from(blob.radius_um), -1.0, -1.0, f64::from(blob.channel)]
}
