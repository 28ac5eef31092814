//! Which file holds which planes.

use std::collections::{BTreeMap, BTreeSet};

use hooke_core::Axis;

/// The axes that files can be stacked along, slowest first.
pub(super) const STACKED: [Axis; 3] = [Axis::T, Axis::C, Axis::Z];

/// What a file's name says of its place.
pub(super) type Numbers = BTreeMap<Axis, u64>;

/// The file of every place on a grid over `t, c, z`.
#[derive(Debug, PartialEq)]
pub(super) struct Places {
    /// Axes that the files make up.
    pub along: Vec<Axis>,
    /// Lengths of the grid.
    pub counts: [u64; 3],
    /// File by C-order place; `None` where there is none.
    pub files: Vec<Option<usize>>,
    /// What the channels are called, where the files' names say it.
    pub channel_names: Option<Vec<String>>,
}

impl Places {
    /// All files one after the other along one axis.
    pub fn in_order(files: usize, along: Axis) -> Places {
        let mut counts = [1; 3];
        counts[along.index()] = files as u64;
        let files = (0..files).map(Some).collect();
        Places { along: vec![along], counts, files, channel_names: None }
    }

    /// By names that end as Hooke writes them, like `cells_t0_c1_z17`: any of the three axes, all
    /// names with the same ones and the same beginning. `None` for any other names.
    pub fn by_name(stems: &[&str]) -> Option<Places> {
        let parsed: Vec<_> = stems.iter().map(|s| tags(s)).collect();
        let (beginning, _) = parsed.first()?;
        let same = parsed.iter().all(|(b, _)| b == beginning);
        let numbers: Vec<Numbers> = parsed.iter().map(|(_, numbers)| numbers.clone()).collect();
        same.then(|| Places::by_numbers(&numbers)).flatten()
    }

    /// By the numbers of each file, all along the same axes. `None` when they are not, when two files
    /// have one place, or when the places are mostly empty.
    pub fn by_numbers(numbers: &[Numbers]) -> Option<Places> {
        let along: Vec<Axis> = numbers.first()?.keys().copied().collect();
        if along.is_empty() || !numbers.iter().all(|n| n.keys().eq(along.iter())) {
            return None;
        }
        let seen = |axis: &Axis| {
            numbers.iter().filter_map(|n| n.get(axis).copied()).collect::<BTreeSet<u64>>()
        };
        let values: Vec<Vec<u64>> =
            STACKED.iter().map(|axis| numbers_of(*axis, seen(axis))).collect();
        let counts: [u64; 3] = std::array::from_fn(|d| values[d].len().max(1) as u64);
        let places = counts.iter().try_fold(1usize, |n, c| n.checked_mul(*c as usize))?;
        // Names that have little to do with each other make no stack.
        if places > 4 * numbers.len() {
            return None;
        }
        let mut files = vec![None; places];
        for (file, tags) in numbers.iter().enumerate() {
            let index = |d: usize| match tags.get(&STACKED[d]) {
                Some(value) => values[d].binary_search(value).ok(),
                None => Some(0),
            };
            let place =
                (0..3).try_fold(0, |place, d| Some(place * counts[d] as usize + index(d)?))?;
            // Two names for one place, like z7 and z07.
            if files[place].replace(file).is_some() {
                return None;
            }
        }
        Some(Places { along, counts, files, channel_names: None })
    }

    /// The C-order place of a grid index over `t, c, z`.
    pub fn place(&self, index: [u64; 3]) -> usize {
        (0..3).fold(0, |place, d| place * self.counts[d] as usize + index[d] as usize)
    }
}

/// All numbers of an axis: numbers that begin at 0 or 1 and of which at least half are there count planes,
/// so that those in between are lost; others, like 10, 20, 30, and those of channels name them.
fn numbers_of(axis: Axis, seen: BTreeSet<u64>) -> Vec<u64> {
    let (Some(first), Some(last)) = (seen.first().copied(), seen.last().copied()) else {
        return Vec::new();
    };
    if axis != Axis::C && first <= 1 && (last - first) / 2 < seen.len() as u64 {
        return (first..=last).collect();
    }
    seen.into_iter().collect()
}

/// The beginning of a name and the numbers of the tags it ends with.
fn tags(stem: &str) -> (&str, Numbers) {
    let (mut rest, mut tags) = (stem, BTreeMap::new());
    while let Some((before, tag)) = rest.rsplit_once('_') {
        let axis = tag.chars().next().and_then(Axis::from_letter);
        let number = tag.get(1..).filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
        let found = axis.filter(|a| STACKED.contains(a) && !tags.contains_key(a));
        match found.zip(number.and_then(|n| n.parse().ok())) {
            Some((axis, number)) => tags.insert(axis, number),
            None => break,
        };
        rest = before;
    }
    (rest, tags)
}

/// The name of a plane's file, without its suffix: numbers as long as the longest of their axis.
pub(super) fn name(stem: &str, index: [(Axis, u64, u64); 3], has: impl Fn(Axis) -> bool) -> String {
    let mut name = stem.to_owned();
    for (axis, at, count) in index {
        if has(axis) {
            let digits = count.saturating_sub(1).max(1).ilog10() as usize + 1;
            name.push_str(&format!("_{axis}{at:0digits$}"));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_as_written_find_their_places_and_others_do_not() {
        let has = |axis| axis != Axis::C;
        let at = |t, z| name("a_b", [(Axis::T, t, 2), (Axis::C, 0, 1), (Axis::Z, z, 11)], has);
        assert_eq!(at(1, 3), "a_b_t1_z03");
        let names: Vec<String> = (0..22).map(|i| at(i / 11, i % 11)).collect();
        let stems: Vec<&str> = names.iter().map(String::as_str).collect();
        let places = Places::by_name(&stems).unwrap();
        assert_eq!((places.along.as_slice(), places.counts), (&[Axis::T, Axis::Z][..], [2, 1, 11]));
        assert_eq!(places.files[places.place([1, 0, 3])], Some(14));
        // One is lost.
        let fewer = Places::by_name(&stems[..21]).unwrap();
        assert_eq!((fewer.counts, fewer.files[21]), ([2, 1, 11], None));
        let single = Places::by_name(&["a_z1", "a_z2", "a_z4", "a_z5"]).unwrap();
        assert_eq!((single.counts, single.files[2]), ([1, 1, 5], None));
        let depths = Places::by_name(&["a_z10", "a_z20", "a_z30"]).unwrap();
        assert_eq!(depths.counts, [1, 1, 3]);
        assert_eq!(Places::by_name(&["a_c0", "a_c2"]).unwrap().counts, [1, 2, 1]);
        assert_eq!(Places::by_name(&["a", "b"]), None);
        assert_eq!(Places::by_name(&["a_z0", "b_z1"]), None);
        assert_eq!(Places::by_name(&["a_z1", "a_z01"]), None);
        assert_eq!(Places::by_name(&["a_z1", "a_t1"]), None);
    }
}
