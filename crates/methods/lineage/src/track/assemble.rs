//! Makes a lineage of links.

use std::collections::BTreeMap;

use super::{Link, Spot};
use crate::error::LineageError;
use crate::pole_tracking::{Poles, division_poles, track_poles};
use crate::tree::{CellFeatures, CellId, Lineage};

/// Towards which side the older pole of a cell of unknown history is taken to lie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OldPoleSide {
    /// Smaller y; a channel closed at its upper end.
    #[default]
    Top,
    /// Larger y.
    Bottom,
    /// Smaller x.
    Left,
    /// Larger x.
    Right,
}

impl OldPoleSide {
    /// Names the poles of a root; at a tie they are swapped, as DeLTA does.
    fn name(self, found: Poles) -> Poles {
        let is_right = match self {
            Self::Top => found.old[0] < found.new[0],
            Self::Bottom => found.old[0] > found.new[0],
            Self::Left => found.old[1] < found.new[1],
            Self::Right => found.old[1] > found.new[1],
        };
        if is_right { found } else { Poles { old: found.new, new: found.old } }
    }
}

/// A lineage and the cells of each frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Assembled {
    /// The trees, their poles named.
    pub lineage: Lineage,
    /// Per frame, the id of every cell of its list.
    pub ids: Vec<Vec<CellId>>,
    /// Per frame, the cost of the link into every cell of its list.
    pub link_costs: Vec<Vec<Option<f32>>>,
    /// Cells in frames in which they were not seen, between frames in which they were; their features lie between
    /// those of these frames, and no label image shows them. Frames count as in `ids`.
    pub unseen: Vec<(CellId, usize)>,
}

/// Makes the lineage of cells and their links.
///
/// Ids are given frame by frame: to daughters in the order of their mothers' places in the earlier frame, then to cells
/// that no link leads to.
///
/// # Arguments
/// * `frames` — per frame, the features of its cells in raster order, with poles in any order.
/// * `links` — at most one from, and one to, each cell.
/// * `first_frame` — the number of the first frame.
/// * `side` — where the old pole of a cell without a mother lies.
///
/// # Errors
/// [`LineageError::Parameter`] when a link names a cell that is not there, runs backwards, or a cell has two.
pub fn assemble(
    frames: &[Vec<CellFeatures>],
    links: &[Link],
    first_frame: usize,
    side: OldPoleSide,
) -> Result<Assembled, LineageError> {
    let by_target = check_links(frames, links)?;
    let mut work = Assembly {
        frames,
        first_frame,
        out: Assembled {
            lineage: Lineage::new(),
            ids: frames.iter().map(|f| vec![0; f.len()]).collect(),
            link_costs: frames.iter().map(|f| vec![None; f.len()]).collect(),
            unseen: Vec::new(),
        },
    };
    for frame in 0..frames.len() {
        for link in by_target.range((frame, Spot::default())..(frame + 1, Spot::default())) {
            work.follow(link.1)?;
        }
        work.add_roots(frame, side)?;
    }
    Ok(work.out)
}

/// Links by the frame in which they end and the cell at which they begin.
fn check_links<'a>(
    frames: &[Vec<CellFeatures>],
    links: &'a [Link],
) -> Result<BTreeMap<(usize, Spot), &'a Link>, LineageError> {
    let wrong = |reason| LineageError::Parameter { name: "links", reason };
    let is_there = |spot: Spot| frames.get(spot.frame).is_some_and(|f| spot.index < f.len());
    let mut by_target = BTreeMap::new();
    let mut origins = std::collections::BTreeSet::new();
    let mut ends = std::collections::BTreeSet::new();
    for link in links {
        for spot in std::iter::once(link.from).chain(link.ends()) {
            if !is_there(spot) {
                return Err(wrong(format!(
                    "there is no cell {} in frame {}",
                    spot.index, spot.frame
                )));
            }
        }
        if link.ends().any(|end| end.frame <= link.from.frame || end.frame != link.to.frame) {
            return Err(wrong(format!(
                "a link from frame {} ends in {}",
                link.from.frame, link.to.frame
            )));
        }
        if !origins.insert(link.from) || !link.ends().all(|end| ends.insert(end)) {
            return Err(wrong(format!(
                "a cell of frame {} or {} has two",
                link.from.frame, link.to.frame
            )));
        }
        by_target.insert((link.to.frame, link.from), link);
    }
    Ok(by_target)
}

struct Assembly<'a> {
    frames: &'a [Vec<CellFeatures>],
    first_frame: usize,
    out: Assembled,
}

impl Assembly<'_> {
    fn id(&self, spot: Spot) -> CellId {
        self.out.ids[spot.frame][spot.index]
    }

    fn found(&self, spot: Spot) -> CellFeatures {
        self.frames[spot.frame][spot.index].clone()
    }

    fn follow(&mut self, link: &Link) -> Result<(), LineageError> {
        let id = self.id(link.from);
        let (old, new) = self.out.lineage.poles(id, self.first_frame + link.from.frame)?;
        let previous = Poles { old, new };
        let (stays, leaves) = match link.sister {
            None => {
                let features = self.found(link.to);
                let poles = track_poles(poles_of(&features), previous);
                ((link.to, with_poles(features, poles)), None)
            }
            Some(sister) => {
                let (first, second) = (self.found(link.to), self.found(sister));
                let division = division_poles(poles_of(&first), poles_of(&second), previous);
                let (mother, daughter) = if division.first_is_mother {
                    ((link.to, first), (sister, second))
                } else {
                    ((sister, second), (link.to, first))
                };
                let daughter = (daughter.0, with_poles(daughter.1, division.daughter));
                ((mother.0, with_poles(mother.1, division.mother)), Some(daughter))
            }
        };
        self.bridge(id, link, &stays.1)?;
        self.out.lineage.extend(id, stays.1)?;
        self.place(stays.0, id, link.cost);
        if let Some((spot, features)) = leaves {
            let frame = self.first_frame + spot.frame;
            let daughter = self.out.lineage.create(frame, features, Some(id))?;
            self.place(spot, daughter, link.cost);
        }
        Ok(())
    }

    fn place(&mut self, spot: Spot, id: CellId, cost: f32) {
        self.out.ids[spot.frame][spot.index] = id;
        self.out.link_costs[spot.frame][spot.index] = Some(cost);
    }

    /// Fills the frames that a link leaps over. Before a division the mother stays as she was.
    fn bridge(
        &mut self,
        id: CellId,
        link: &Link,
        after: &CellFeatures,
    ) -> Result<(), LineageError> {
        let before = self.out.lineage.features(id, self.first_frame + link.from.frame)?.clone();
        let span = (link.to.frame - link.from.frame) as f32;
        for frame in link.from.frame + 1..link.to.frame {
            let part = (frame - link.from.frame) as f32 / span;
            let part = if link.sister.is_some() { 0.0 } else { part };
            self.out.lineage.extend(id, between(&before, after, part))?;
            self.out.unseen.push((id, frame));
        }
        Ok(())
    }

    fn add_roots(&mut self, frame: usize, side: OldPoleSide) -> Result<(), LineageError> {
        for index in 0..self.frames[frame].len() {
            if self.out.ids[frame][index] == 0 {
                let features = self.found(Spot { frame, index });
                let poles = side.name(poles_of(&features));
                let features = with_poles(features, poles);
                let id = self.out.lineage.create(self.first_frame + frame, features, None)?;
                self.out.ids[frame][index] = id;
            }
        }
        Ok(())
    }
}

fn poles_of(features: &CellFeatures) -> Poles {
    Poles { old: features.old_pole, new: features.new_pole }
}

fn with_poles(mut features: CellFeatures, poles: Poles) -> CellFeatures {
    features.old_pole = poles.old;
    features.new_pole = poles.new;
    features
}

fn between(a: &CellFeatures, b: &CellFeatures, part: f32) -> CellFeatures {
    let mix = |a: f32, b: f32| a + part * (b - a);
    let mix_pole = |a: [f32; 2], b: [f32; 2]| [mix(a[0], b[0]), mix(a[1], b[1])];
    CellFeatures {
        length: mix(a.length, b.length),
        width: mix(a.width, b.width),
        area: mix(a.area, b.area),
        perimeter: mix(a.perimeter, b.perimeter),
        fluo: a.fluo.iter().zip(&b.fluo).map(|(a, b)| mix(*a, *b)).collect(),
        ..CellFeatures::at(mix_pole(a.old_pole, b.old_pole), mix_pole(a.new_pole, b.new_pole))
    }
}
