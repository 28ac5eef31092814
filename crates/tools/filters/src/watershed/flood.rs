use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::neighbours::Neighbours;
use crate::Connectivity;

/// Values of a landscape: `f32` and `f64`.
pub trait Elevation: Copy + Send + Sync {
    /// Integers in the order of the values.
    type Rank: Copy + Ord;

    /// Returns the rank of a value. NaN with a positive sign is the highest; zeros are equal.
    fn rank(self) -> Self::Rank;
}

impl Elevation for f32 {
    type Rank = u32;

    fn rank(self) -> u32 {
        // Adding 0 makes the negative zero a positive one.
        let bits = (self + 0.0).to_bits();
        if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
    }
}

impl Elevation for f64 {
    type Rank = u64;

    fn rank(self) -> u64 {
        let bits = (self + 0.0).to_bits();
        if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
    }
}

/// Floods a landscape from markers, so that each voxel gets the label of the marker whose water reaches it.
///
/// * `landscape`, `markers`, `mask`, `out`: `(z, y, x)` of `shape`. Markers are labels, 0 for none; voxels that
///   `mask` has false are neither flooded nor passed, and markers there are ignored.
///
/// Voxels next to water are taken lowest first, those below its level as if they were at it, and of equal ones
/// in the order in which water came next to them (neighbours of one voxel nearest first, then in raster order;
/// markers in raster order). This is the rule of `skimage.segmentation.watershed`, which leaves the order of equally
/// high markers open. There are no lines between basins. What no marker reaches stays 0. NaN is flooded last.
///
/// `O(n log n)`; not parallel. Beside `out` it holds 12 bytes (`f64`: 16) per voxel of the front.
///
/// # Panics
/// If a length does not fit `shape` or there are 2³² voxels or more.
///
/// # Reference
/// Meyer (1994), doi:10.1016/0165-1684(94)90060-4; Beucher & Meyer (1993).
///
/// # Examples
/// ```
/// use hooke_filters::{Connectivity, watershed::watershed_into};
/// let (landscape, markers) = ([0.0_f32, 1.0, 5.0, 2.0, 0.0], [1, 0, 0, 0, 2]);
/// let mut labels = [0; 5];
/// watershed_into(&landscape, [1, 1, 5], &markers, None, Connectivity::Faces, &mut labels);
/// assert_eq!(labels, [1, 1, 1, 2, 2]);
/// ```
pub fn watershed_into<T: Elevation>(
    landscape: &[T],
    shape: [usize; 3],
    markers: &[u32],
    mask: Option<&[bool]>,
    connectivity: Connectivity,
    out: &mut [u32],
) {
    let len: usize = shape.iter().product();
    assert_eq!(landscape.len(), len, "length of the landscape");
    assert_eq!(markers.len(), len, "length of the markers");
    assert_eq!(out.len(), len, "length of the labels");
    assert!(mask.is_none_or(|mask| mask.len() == len), "length of the mask");
    assert!(u32::try_from(len).is_ok(), "{len} voxels are too many");
    let is_open = |i: usize| mask.is_none_or(|mask| mask[i]);
    let neighbours = Neighbours::new(shape, connectivity);
    // What lies above the water, lowest and oldest first, and what lies no higher, oldest first.
    let mut dry = BinaryHeap::new();
    let mut wet = VecDeque::new();
    let mut age = 0_u32;
    for (i, (out, &marker)) in out.iter_mut().zip(markers).enumerate() {
        *out = if is_open(i) { marker } else { 0 };
        if *out != 0 {
            dry.push(Reverse((landscape[i].rank(), age, i as u32)));
            age += 1;
        }
    }
    let mut level = None;
    loop {
        // What became wet by the rise of the water is older than what it met since.
        let rises = |rank| wet.is_empty() || Some(rank) == level;
        let voxel = match dry.peek() {
            Some(&Reverse((rank, _, voxel))) if rises(rank) => {
                dry.pop();
                level = Some(rank);
                voxel
            }
            _ => match wet.pop_front() {
                Some(voxel) => voxel,
                None => return,
            },
        } as usize;
        // A voxel is labelled when water comes next to it, so each is met once.
        let label = out[voxel];
        neighbours.for_each(voxel, |i| {
            if out[i] == 0 && is_open(i) {
                out[i] = label;
                let rank = landscape[i].rank();
                if Some(rank) > level {
                    dry.push(Reverse((rank, age, i as u32)));
                    age += 1;
                } else {
                    wet.push_back(i as u32);
                }
            }
        });
    }
}
