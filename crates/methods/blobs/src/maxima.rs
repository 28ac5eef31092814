//! Peaks over space and scale.

use multiversion::multiversion;

use crate::voxel_box::VoxelBox;

/// A voxel whose response is larger than that of its 80 neighbours over `z, y, x` and scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Peak {
    /// Voxel of the image.
    pub(crate) at: [usize; 3],
    /// Number of the scale.
    pub(crate) scale: u8,
    /// Response there.
    pub(crate) value: f32,
}

/// Voxels that are tested together for one above the threshold.
const CHUNK: usize = 32;

/// Finds the peaks of one scale within a box.
///
/// * `responses`: of the scale below, this one and the one above, where there are such; contiguous
///   volumes of the box `held` of the image.
/// * `within`: where peaks are wanted. Its neighbours are in `held` too, unless they are outside of
///   the image; those do not count, so a voxel of a face can be a peak.
///
/// Of equal neighbours the one with the lower `(z, y, x, scale)` wins: a plateau has one peak.
pub(crate) fn peaks(
    responses: [Option<&[f32]>; 3],
    held: VoxelBox,
    within: VoxelBox,
    scale: u8,
    threshold: f32,
) -> Vec<Peak> {
    let mut found = Vec::new();
    let Some(middle) = responses[1] else { return found };
    let shape = held.shape();
    let (from, to) = (within.start[2] - held.start[2], within.end[2] - held.start[2]);
    for z in within.start[0]..within.end[0] {
        for y in within.start[1]..within.end[1] {
            let first = ((z - held.start[0]) * shape[1] + y - held.start[1]) * shape[2];
            let row = &middle[first + from..first + to];
            if !any_above(row, threshold) {
                continue;
            }
            for (i, chunk) in row.chunks(CHUNK).enumerate() {
                if !any_above(chunk, threshold) {
                    continue;
                }
                for (j, value) in chunk.iter().enumerate().filter(|(_, v)| **v > threshold) {
                    // Most voxels above the threshold are on a slope.
                    let x = i * CHUNK + j;
                    let is_lower = |other: Option<&f32>| other.is_some_and(|o| o > value);
                    if is_lower(row.get(x + 1))
                        || is_lower(x.checked_sub(1).and_then(|x| row.get(x)))
                    {
                        continue;
                    }
                    let at = [z, y, within.start[2] + x];
                    if beats_neighbours(responses, held, at, *value) {
                        found.push(Peak { at, scale, value: *value });
                    }
                }
            }
        }
    }
    found
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn any_above(values: &[f32], threshold: f32) -> bool {
    values.iter().fold(false, |any, v| any | (*v > threshold))
}

fn beats_neighbours(
    responses: [Option<&[f32]>; 3],
    held: VoxelBox,
    at: [usize; 3],
    value: f32,
) -> bool {
    let shape = held.shape();
    let local: [usize; 3] = std::array::from_fn(|a| at[a] - held.start[a]);
    let range = |a: usize| local[a].saturating_sub(1)..(local[a] + 2).min(shape[a]);
    for z in range(0) {
        for y in range(1) {
            let row = (z * shape[1] + y) * shape[2];
            for x in range(2) {
                for (k, response) in responses.iter().enumerate() {
                    let Some(response) = response else { continue };
                    let other = response[row + x];
                    let is_before = ([z, y, x], k) < (local, 1);
                    if other > value || (other == value && is_before) {
                        return false;
                    }
                }
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(volume: &[f32], shape: [usize; 3]) -> Vec<[usize; 3]> {
        let whole = VoxelBox::whole(shape);
        peaks([None, Some(volume), None], whole, whole, 0, 0.5).iter().map(|p| p.at).collect()
    }

    #[test]
    fn faces_count_and_plateaus_have_one_peak() {
        let mut volume = vec![0.0; 3 * 4 * 40];
        let at = |z: usize, y: usize, x: usize| (z * 4 + y) * 40 + x;
        volume[at(0, 0, 0)] = 2.0;
        for y in 1..3 {
            for x in 30..37 {
                volume[at(2, y, x)] = 1.0;
            }
        }
        assert_eq!(places(&volume, [3, 4, 40]), [[0, 0, 0], [2, 1, 30]]);
        assert!(places(&[1.0; 8], [2, 2, 2]) == [[0, 0, 0]]);
        assert!(places(&[0.2; 8], [2, 2, 2]).is_empty());
    }

    #[test]
    fn a_stronger_scale_takes_the_peak() {
        let (weak, strong) = ([0.0, 1.0, 0.0], [0.0, 1.5, 0.0]);
        let held = VoxelBox::whole([1, 1, 3]);
        let at = |responses| peaks(responses, held, held, 1, 0.5).len();
        assert_eq!(at([Some(&weak[..]), Some(&strong), Some(&weak)]), 1);
        assert_eq!(at([Some(&strong[..]), Some(&weak), None]), 0);
        // Of equal scales the lower one has it.
        assert_eq!(at([None, Some(&weak[..]), Some(&weak)]), 1);
        assert_eq!(at([Some(&weak[..]), Some(&weak), None]), 0);
    }

    #[test]
    fn parts_give_the_peaks_of_the_whole() {
        let volume: Vec<f32> = (0..6 * 7 * 50).map(|i| ((i * 7919) % 101) as f32).collect();
        let (shape, held) = ([6, 7, 50], VoxelBox::whole([6, 7, 50]));
        let all = peaks([None, Some(&volume), None], held, held, 0, 0.5);
        let mut parts: Vec<Peak> = crate::voxel_box::grid(shape, [2, 3, 17])
            .flat_map(|core| peaks([None, Some(&volume), None], held, core, 0, 0.5))
            .collect();
        parts.sort_by_key(|p| p.at);
        assert_eq!(parts, all);
    }
}
