//! Parts too small to stand alone.

use std::collections::BTreeMap;

use ndarray::{Array3, Axis};

/// Joins every part of fewer than `least` voxels with the part it shares most faces with, the smallest first.
///
/// Of equally good neighbours the one with the lower number; a part without neighbours stays.
pub(super) fn join_small(parts: &mut Array3<u32>, least: usize) {
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    for label in parts.iter().filter(|l| **l > 0) {
        *sizes.entry(*label).or_default() += 1;
    }
    if sizes.len() < 2 || sizes.values().all(|n| *n >= least) {
        return;
    }
    let mut contacts = contacts(parts);
    let mut new_name: BTreeMap<u32, u32> = BTreeMap::new();
    let mut lonely = Vec::new();
    while let Some((small, size)) = sizes
        .iter()
        .filter(|(label, size)| **size < least && !lonely.contains(*label))
        .map(|(label, size)| (*label, *size))
        .min_by_key(|(label, size)| (*size, *label))
    {
        let neighbours = contacts.remove(&small).unwrap_or_default();
        let best = neighbours.iter().max_by_key(|(label, n)| (**n, std::cmp::Reverse(**label)));
        let Some(best) = best.map(|(label, _)| *label) else {
            lonely.push(small);
            continue;
        };
        sizes.remove(&small);
        *sizes.entry(best).or_default() += size;
        for (other, faces) in neighbours {
            if let Some(of_other) = contacts.get_mut(&other) {
                of_other.remove(&small);
                if other != best {
                    *of_other.entry(best).or_default() += faces;
                    *contacts.entry(best).or_default().entry(other).or_default() += faces;
                }
            }
        }
        new_name.insert(small, best);
    }
    let name = |mut label: u32| {
        while let Some(next) = new_name.get(&label) {
            label = *next;
        }
        label
    };
    parts.iter_mut().filter(|l| **l > 0).for_each(|label| *label = name(*label));
}

/// Faces that every two parts share.
fn contacts(parts: &Array3<u32>) -> BTreeMap<u32, BTreeMap<u32, usize>> {
    let mut faces: BTreeMap<u32, BTreeMap<u32, usize>> = BTreeMap::new();
    for axis in 0..3 {
        for lane in parts.lanes(Axis(axis)) {
            for (a, b) in lane.iter().zip(lane.iter().skip(1)) {
                if a != b && *a > 0 && *b > 0 {
                    *faces.entry(*a).or_default().entry(*b).or_default() += 1;
                    *faces.entry(*b).or_default().entry(*a).or_default() += 1;
                }
            }
        }
    }
    faces
}
