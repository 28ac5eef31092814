//! Which file holds which planes.

use std::collections::{BTreeMap, BTreeSet};

use hooke_core::Axis;

/// The axes that files can be stacked along, slowest first.
pub(super) const STACKED: [Axis; 3] = [Axis::T, Axis::C, Axis::Z];

/// The file of every place on a grid over `t, c, z`.
#[derive(Debug, PartialEq)]
pub(super) struct Places {
    /// Axes that the files make up.
    pub along: Vec<Axis>,
    /// Lengths of the grid.
    pub counts: [u64; 3],
    /// File by C-order place; `None` where there is none.
    pub files: Vec<Option<usize>>,
}

impl Places {
    /// All files one after the other along one axis.
    pub fn in_order(files: usize, along: Axis) -> Places {
        let mut counts = [1; 3];
        counts[along.index()] = files as u64;
        Places { along: vec![along], counts, files: (0..files).map(Some).collect() }
    }

    /// By names that end as Hooke writes them, like `cells_t0_c1_z17`: any of the three axes, all
    /// names with the same ones and the same beginning. `None` for any other names.
    pub fn by_name(stems: &[&str]) -> Option<Places> {
        let parsed: Vec<_> = stems.iter().map(|s| tags(s)).collect();
        let (beginning, first) = parsed.first()?;
        let along: Vec<Axis> = first.keys().copied().collect();
        let same = parsed.iter().all(|(b, t)| b == beginning && t.keys().eq(along.iter()));
        if along.is_empty() || !same {
            return None;
        }
        let seen = |axis: &Axis| {
            parsed.iter().filter_map(|(_, t)| t.get(axis).copied()).collect::<BTreeSet<u64>>()
        };
        let values: Vec<Vec<u64>> =
            STACKED.iter().map(|axis| seen(axis).into_iter().collect()).collect();
        let counts: [u64; 3] = std::array::from_fn(|d| values[d].len().max(1) as u64);
        let places = counts.iter().try_fold(1usize, |n, c| n.checked_mul(*c as usize))?;
        // Names that have little to do with each other make no stack.
        if places > 4 * stems.len() {
            return None;
        }
        let mut files = vec![None; places];
        for (file, (_, tags)) in parsed.iter().enumerate() {
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
        Some(Places { along, counts, files })
    }

    /// The C-order place of a grid index over `t, c, z`.
    pub fn place(&self, index: [u64; 3]) -> usize {
        (0..3).fold(0, |place, d| place * self.counts[d] as usize + index[d] as usize)
    }
}

/// The beginning of a name and the numbers of the tags it ends with.
fn tags(stem: &str) -> (&str, BTreeMap<Axis, u64>) {
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
        assert_eq!(Places::by_name(&["a", "b"]), None);
        assert_eq!(Places::by_name(&["a_z0", "b_z1"]), None);
        assert_eq!(Places::by_name(&["a_z1", "a_z01"]), None);
        assert_eq!(Places::by_name(&["a_z1", "a_t1"]), None);
    }
}
