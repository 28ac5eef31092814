//! Which of many boxes share a voxel with another, found fast.

use rstar::{AABB, RTree, RTreeObject};

use crate::region::LayoutRegion;

/// An R-tree of numbered boxes.
#[derive(Debug, Clone)]
pub(crate) struct BoxIndex {
    tree: RTree<NumberedBox>,
}

#[derive(Debug, Clone)]
struct NumberedBox {
    region: LayoutRegion,
    number: usize,
}

impl RTreeObject for NumberedBox {
    type Envelope = AABB<[i64; 3]>;
    fn envelope(&self) -> Self::Envelope {
        envelope(&self.region)
    }
}

/// R-trees count touching boxes as overlapping, so the last voxel stands for the end.
fn envelope(region: &LayoutRegion) -> AABB<[i64; 3]> {
    AABB::from_corners(region.start, region.end().map(|e| e - 1))
}

impl BoxIndex {
    /// Numbers the boxes from 0; empty ones are never found.
    pub fn new(regions: impl Iterator<Item = LayoutRegion>) -> BoxIndex {
        let boxes = regions.enumerate().map(|(number, region)| NumberedBox { region, number });
        let boxes = boxes.filter(|b| !b.region.is_empty()).collect();
        BoxIndex { tree: RTree::bulk_load(boxes) }
    }

    /// Numbers of the boxes that share a voxel with `region`, ascending.
    pub fn touching(&self, region: &LayoutRegion) -> Vec<usize> {
        if region.is_empty() {
            return Vec::new();
        }
        let found = self.tree.locate_in_envelope_intersecting(envelope(region));
        let mut numbers: Vec<usize> = found.map(|b| b.number).collect();
        numbers.sort_unstable();
        numbers
    }
}
