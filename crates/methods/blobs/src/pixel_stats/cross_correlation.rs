//! Correlation of two channels shifted along x.

use hooke_core::Sample;

use super::moments::ExactMoments;
use crate::error::BlobsError;

/// The shift at which two channels correlate best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BestShift {
    /// Voxels; `a` at `x` goes with `b` at `x + shift`.
    pub shift: i64,
    /// Pearson's correlation there.
    pub pearson: f64,
}

/// Pearson's correlation of the overlapping parts for every shift along x, taken in row by row.
///
/// Van Steensel et al. (1996), doi:10.1242/jcs.109.4.787.
#[derive(Debug, Clone)]
pub struct CrossCorrelation {
    largest: i64,
    /// Voxels and sums of every shift, from `-largest`.
    shifts: Vec<(u64, ExactMoments)>,
}

impl CrossCorrelation {
    /// Nothing yet, for shifts of `-largest` to `largest` voxels.
    ///
    /// # Errors
    /// For shifts of more than 65,535 voxels.
    pub fn new(largest: u32) -> Result<Self, BlobsError> {
        if largest > u32::from(u16::MAX) {
            return Err(BlobsError::parameter("largest shift", largest, "at most 65535 voxels"));
        }
        let shifts = vec![Default::default(); 2 * largest as usize + 1];
        Ok(Self { largest: largest.into(), shifts })
    }

    /// Takes in one whole row of voxels along x; both ends of a pair must be within the mask.
    ///
    /// # Errors
    /// When the lengths differ.
    pub fn add_row<A: Sample, B: Sample>(
        &mut self,
        a: &[A],
        b: &[B],
        mask: Option<&[bool]>,
    ) -> Result<(), BlobsError> {
        let lengths = [
            ("voxels of the second channel", b.len()),
            ("voxels of the mask", mask.map_or(a.len(), <[bool]>::len)),
        ];
        for (what, found) in lengths {
            if found != a.len() {
                return Err(BlobsError::Length { what, expected: a.len(), found });
            }
        }
        let is_usable = |at: usize, value: f64| mask.is_none_or(|m| m[at]) && value.is_finite();
        let a: Vec<f64> = a.iter().map(|v| v.to_f64()).collect();
        let b: Vec<f64> = b.iter().map(|v| v.to_f64()).collect();
        for (shift, (n, moments)) in (-self.largest..).zip(&mut self.shifts) {
            let step = shift.unsigned_abs() as usize;
            let Some(length) = a.len().checked_sub(step) else { continue };
            let (from_a, from_b) = if shift < 0 { (step, 0) } else { (0, step) };
            let mut sums = [0.0; 5];
            for i in 0..length {
                let (va, vb) = (a[from_a + i], b[from_b + i]);
                if is_usable(from_a + i, va) && is_usable(from_b + i, vb) {
                    let terms = [va, vb, va * va, vb * vb, va * vb];
                    sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
                    *n += 1;
                }
            }
            moments.add_sums(sums);
        }
        Ok(())
    }

    /// Takes in what another one, of the same largest shift, has seen.
    ///
    /// # Errors
    /// When the largest shifts differ.
    pub fn merge(&mut self, other: &Self) -> Result<(), BlobsError> {
        if self.shifts.len() != other.shifts.len() {
            let (expected, found) = (self.shifts.len(), other.shifts.len());
            return Err(BlobsError::Length { what: "shifts", expected, found });
        }
        for ((n, moments), (more, others)) in self.shifts.iter_mut().zip(&other.shifts) {
            *n += more;
            moments.merge(others);
        }
        Ok(())
    }

    /// The correlation at every shift, from `-largest`; `None` where it is undefined.
    pub fn correlations(&self) -> Vec<Option<f64>> {
        self.shifts.iter().map(|(n, moments)| moments.moments(*n).pearson()).collect()
    }

    /// The best of them; of equal ones the smallest shift, then the negative one.
    pub fn best(&self) -> Option<BestShift> {
        let shifts = (-self.largest..).zip(self.correlations());
        let defined = shifts.filter_map(|(shift, r)| Some(BestShift { shift, pearson: r? }));
        let near = |s: &BestShift| (s.shift.abs(), s.shift);
        defined.min_by(|x, y| y.pearson.total_cmp(&x.pearson).then(near(x).cmp(&near(y))))
    }
}
