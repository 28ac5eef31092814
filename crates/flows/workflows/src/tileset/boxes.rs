//! Boxes in which tiles are read: whole chunks, so that none is decoded twice.

use hooke_core::LayoutRegion;

/// Voxels of a box, about: large enough to be worth a call, small enough for the cache.
pub(super) const BOX_VOXELS: u64 = 1 << 21;

/// Lengths of a box of whole chunks of about [`BOX_VOXELS`]: rows first, then planes.
pub(super) fn step(shape: [u64; 3], chunk: [u64; 3]) -> [i64; 3] {
    let mut step: [u64; 3] = std::array::from_fn(|d| chunk[d].clamp(1, shape[d].max(1)));
    // A chunk may be a whole tile.
    for d in [0, 1, 2] {
        while step[d] > 1 && step.iter().product::<u64>() > BOX_VOXELS {
            step[d] = step[d].div_ceil(2);
        }
    }
    for d in [2, 1, 0] {
        while step[d] < shape[d] && 2 * step.iter().product::<u64>() <= BOX_VOXELS {
            step[d] *= 2;
        }
    }
    step.map(|n| n as i64)
}

/// Cuts a box at multiples of `step`.
pub(super) fn aligned(region: &LayoutRegion, step: [i64; 3]) -> Vec<LayoutRegion> {
    let cuts = |d: usize| -> Vec<(i64, i64)> {
        let (start, end) = (region.start[d], region.end()[d]);
        let first = start.div_euclid(step[d]) * step[d];
        let edges = (first..end).step_by(step[d] as usize);
        edges.map(|at| (at.max(start), (at + step[d]).min(end))).collect()
    };
    let [z, y, x] = [cuts(0), cuts(1), cuts(2)];
    let mut boxes = Vec::with_capacity(z.len() * y.len() * x.len());
    for z in &z {
        for y in &y {
            for x in &x {
                let shape = [z.1 - z.0, y.1 - y.0, x.1 - x.0];
                boxes.push(LayoutRegion::new([z.0, y.0, x.0], shape));
            }
        }
    }
    boxes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_whole_chunks_and_cover_the_region_once() {
        assert_eq!(step([64, 1024, 1024], [32, 128, 128]), [32, 128, 512]);
        assert_eq!(step([64, 1024, 1024], [1, 8, 1024]), [2, 1024, 1024]);
        assert_eq!(step([3, 5, 7], [32, 64, 64]), [3, 5, 7]);
        assert_eq!(step([64, 1024, 1024], [64, 1024, 1024]), [2, 1024, 1024]);
        let region = LayoutRegion::new([5, 0, 130], [40, 70, 20]);
        let boxes = aligned(&region, [32, 64, 64]);
        assert_eq!(boxes.len(), 2 * 2);
        assert_eq!(boxes.iter().map(LayoutRegion::voxels).sum::<u64>(), region.voxels());
        assert_eq!(boxes[0], LayoutRegion::new([5, 0, 130], [27, 64, 20]));
        let flat = LayoutRegion::new([0, 0, 120], [1, 1, 20]);
        assert_eq!(aligned(&flat, [1, 1, 64]).len(), 2);
    }
}
