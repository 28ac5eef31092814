//! Regions cut at the boundaries of chunks, so that the parts are read in parallel.

use hooke_core::Region;
use hooke_core::pixels::Typed;
use ndarray::{ArrayViewMut5, Axis as Dimension};

use crate::error::Result;

/// Where to cut a region that spans several boxes of a grid: the axis with most, in the middle.
pub(super) fn split(region: &Region, step: [u64; 5]) -> Option<(usize, u64)> {
    let first = |d: usize| region.start[d] / step[d];
    let last = |d: usize| (region.start[d] + region.shape[d] - 1) / step[d];
    let d = (0..5).rev().max_by_key(|d| last(*d) - first(*d))?;
    let spans = last(d) - first(d);
    (spans > 0).then(|| (d, (first(d) + spans.div_ceil(2)) * step[d] - region.start[d]))
}

/// Works on both halves of a region, in parallel; the error of the first half wins.
pub(super) fn in_two<T: Typed>(
    region: &Region,
    d: usize,
    at: u64,
    out: ArrayViewMut5<'_, T>,
    work: impl Fn(&Region, ArrayViewMut5<'_, T>) -> Result<()> + Sync,
) -> Result<()> {
    let (mut a, mut b) = (*region, *region);
    a.shape[d] = at;
    b.start[d] += at;
    b.shape[d] -= at;
    let (left, right) = out.split_at(Dimension(d), at as usize);
    let (left, right) = rayon::join(|| work(&a, left), || work(&b, right));
    left.and(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_cut_at_chunk_boundaries_only() {
        let region = Region::new([0, 0, 0, 3, 5], [1, 1, 1, 2, 30]);
        assert_eq!(split(&region, [1, 1, 1, 8, 8]), Some((4, 11)));
        let inside = Region::new([0, 0, 0, 8, 8], [1, 1, 1, 8, 8]);
        assert_eq!(split(&inside, [1, 1, 1, 8, 8]), None);
    }
}
