//! The voxels of a block, row by row, cut where the set of covering tiles changes.

use crate::region::LayoutRegion;

/// Voxels of one row that the same tiles cover.
#[derive(Debug, PartialEq)]
pub(crate) struct Run<'a> {
    pub z: i64,
    pub y: i64,
    /// First voxel along x.
    pub start: i64,
    /// One past the last voxel along x.
    pub end: i64,
    /// Numbers of the covering boxes, ascending.
    pub tiles: &'a [usize],
    /// Number of the `cuts` box that holds the run.
    pub cut: Option<usize>,
}

/// Calls `visit` for every run of `region`, in C order.
///
/// `covers` are the boxes of the tiles; `cuts` are disjoint boxes at whose faces runs end as well.
/// Both lie inside `region`.
pub(crate) fn visit_runs(
    region: &LayoutRegion,
    covers: &[LayoutRegion],
    cuts: &[LayoutRegion],
    mut visit: impl FnMut(Run<'_>),
) {
    let end = region.end();
    let mut row = Row::default();
    for z in region.start[0]..end[0] {
        let in_plane = |b: &LayoutRegion| (b.start[0]..b.end()[0]).contains(&z);
        let tiles: Vec<usize> = (0..covers.len()).filter(|i| in_plane(&covers[*i])).collect();
        let boxes: Vec<usize> = (0..cuts.len()).filter(|i| in_plane(&cuts[*i])).collect();
        for y in region.start[1]..end[1] {
            let in_row = |b: &LayoutRegion| (b.start[1]..b.end()[1]).contains(&y);
            let tiles = tiles.iter().copied().filter(|i| in_row(&covers[*i]));
            let boxes = boxes.iter().copied().filter(|i| in_row(&cuts[*i]));
            row.update(region, covers, cuts, tiles, boxes);
            for piece in &row.pieces {
                visit(Run {
                    z,
                    y,
                    start: piece.start,
                    end: piece.end,
                    tiles: &row.members[piece.members.clone()],
                    cut: piece.cut,
                });
            }
        }
    }
}

#[derive(Default)]
struct Row {
    tiles: Vec<usize>,
    boxes: Vec<usize>,
    next: Vec<usize>,
    faces: Vec<i64>,
    pieces: Vec<Piece>,
    members: Vec<usize>,
}

struct Piece {
    start: i64,
    end: i64,
    members: std::ops::Range<usize>,
    cut: Option<usize>,
}

impl Row {
    /// Cuts the row anew when other tiles or boxes cross it than the row before.
    fn update(
        &mut self,
        region: &LayoutRegion,
        covers: &[LayoutRegion],
        cuts: &[LayoutRegion],
        tiles: impl Iterator<Item = usize>,
        boxes: impl Iterator<Item = usize>,
    ) {
        let tiles_changed = replace(&mut self.tiles, &mut self.next, tiles);
        let boxes_changed = replace(&mut self.boxes, &mut self.next, boxes);
        if !(tiles_changed || boxes_changed || self.pieces.is_empty()) {
            return;
        }
        self.faces.clear();
        self.faces.extend([region.start[2], region.end()[2]]);
        let crossing = self.tiles.iter().map(|i| &covers[*i]);
        for b in crossing.chain(self.boxes.iter().map(|i| &cuts[*i])) {
            self.faces.extend([b.start[2], b.end()[2]]);
        }
        self.faces.sort_unstable();
        self.faces.dedup();
        self.pieces.clear();
        self.members.clear();
        for face in self.faces.windows(2) {
            let holds = |b: &LayoutRegion| b.start[2] <= face[0] && face[1] <= b.end()[2];
            let from = self.members.len();
            self.members.extend(self.tiles.iter().copied().filter(|i| holds(&covers[*i])));
            self.pieces.push(Piece {
                start: face[0],
                end: face[1],
                members: from..self.members.len(),
                cut: self.boxes.iter().copied().find(|i| holds(&cuts[*i])),
            });
        }
    }
}

/// Puts the items into `held`; says whether they differ from what it held.
fn replace(
    held: &mut Vec<usize>,
    next: &mut Vec<usize>,
    items: impl Iterator<Item = usize>,
) -> bool {
    next.clear();
    next.extend(items);
    let changed = next != held;
    std::mem::swap(held, next);
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_where_a_tile_or_a_cut_ends() {
        let region = LayoutRegion::new([0, 0, 0], [1, 2, 10]);
        let covers =
            [LayoutRegion::new([0, 0, 0], [1, 2, 6]), LayoutRegion::new([0, 1, 4], [1, 1, 4])];
        let cuts = [LayoutRegion::new([0, 0, 0], [1, 1, 3])];
        let mut seen = Vec::new();
        visit_runs(&region, &covers, &cuts, |r| {
            seen.push((r.y, r.start, r.end, r.tiles.to_vec(), r.cut));
        });
        assert_eq!(
            seen,
            [
                (0, 0, 3, vec![0], Some(0)),
                (0, 3, 6, vec![0], None),
                (0, 6, 10, vec![], None),
                (1, 0, 4, vec![0], None),
                (1, 4, 6, vec![0, 1], None),
                (1, 6, 8, vec![1], None),
                (1, 8, 10, vec![], None),
            ]
        );
    }
}
