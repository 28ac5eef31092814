//! Runs of equal labels, found 64 voxels at a time.
//!
//! Labels change seldom and nobody can guess where, so a loop that looks for the end of each run
//! pays for a wrong guess per run. Here all changes of 64 voxels become the bits of one word.

use std::ops::Range;

/// Voxels whose changes fit one word.
const WORD: usize = 64;

/// Visits the runs of equal values, in order, with their length.
#[inline]
pub(crate) fn runs<T: Copy + PartialEq, E>(
    values: &[T],
    mut visit: impl FnMut(T, usize) -> Result<(), E>,
) -> Result<(), E> {
    let changes = |part: Range<usize>| change_bits(&values[part.start - 1..], &values[part]);
    split(values.len(), changes, |run| visit(values[run.start], run.len()))
}

/// Visits the runs of equal pairs of two equally long rows, in order, with their length.
#[inline]
pub(crate) fn pair_runs<T: Copy + PartialEq, E>(
    a: &[T],
    b: &[T],
    mut visit: impl FnMut(T, T, usize) -> Result<(), E>,
) -> Result<(), E> {
    let changes = |part: Range<usize>| {
        change_bits(&a[part.start - 1..], &a[part.clone()])
            | change_bits(&b[part.start - 1..], &b[part])
    };
    split(a.len(), changes, |run| visit(a[run.start], b[run.start], run.len()))
}

/// Cuts `0..n` where `changes` of at most 64 places has a bit.
#[inline]
fn split<E>(
    n: usize,
    changes: impl Fn(Range<usize>) -> u64,
    mut visit: impl FnMut(Range<usize>) -> Result<(), E>,
) -> Result<(), E> {
    let mut start = 0;
    for at in (1..n).step_by(WORD) {
        let mut bits = changes(at..(at + WORD).min(n));
        while bits != 0 {
            let next = at + bits.trailing_zeros() as usize;
            visit(start..next)?;
            start = next;
            bits &= bits - 1;
        }
    }
    if start < n { visit(start..n) } else { Ok(()) }
}

/// Bit `i` says whether `values[i]`, of at most 64, differs from `previous[i]`.
#[inline]
fn change_bits<T: PartialEq>(previous: &[T], values: &[T]) -> u64 {
    let mut differs = [0u8; WORD];
    for ((differs, before), value) in differs.iter_mut().zip(previous).zip(values) {
        *differs = u8::from(before != value);
    }
    // Each multiplication moves the lowest bits of eight bytes into the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let pack = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes).wrapping_mul(GATHER) >> 56;
    let bytes = differs.as_chunks::<8>().0.iter().enumerate();
    bytes.fold(0, |bits, (i, bytes)| bits | pack(bytes) << (8 * i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_every_length_are_found_in_order() {
        let lengths: Vec<usize> = (1..150).chain([1, 1, 64, 65, 1]).collect();
        let values: Vec<u16> =
            lengths.iter().enumerate().flat_map(|(i, n)| vec![i as u16; *n]).collect();
        for cut in [values.len(), 1, 63, 64, 65, 66, 129] {
            let mut rebuilt = Vec::new();
            let found = runs(&values[..cut], |value, n| {
                rebuilt.extend(vec![value; n]);
                if n > 0 { Ok(()) } else { Err(()) }
            });
            assert_eq!((found, &rebuilt[..]), (Ok(()), &values[..cut]));
        }
        assert_eq!(runs(&[0u8; 0], |_, _| Err(())), Ok(()));
    }

    #[test]
    fn a_pair_changes_where_either_does() {
        let a = [1u8, 1, 1, 2, 2, 2];
        let b = [5u8, 5, 6, 6, 6, 5];
        let mut found = Vec::new();
        let all: Result<(), ()> = pair_runs(&a, &b, |a, b, n| {
            found.push((a, b, n));
            Ok(())
        });
        assert_eq!(all, Ok(()));
        assert_eq!(found, [(1, 5, 2), (1, 6, 1), (2, 6, 2), (2, 5, 1)]);
    }
}
