//! Random edits against a slow model: per frame, who lives with which features and who bears whom.

use std::collections::{BTreeMap, BTreeSet};

use hooke_lineage::tree::{CellId, EditOp, Inverse, Lineage, relabel};
use proptest::prelude::*;

use crate::kit::tagged;

/// `(cell, frame)` to its tag and whether its poles are swapped; `(daughter)` to her mother.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    frames: BTreeMap<(CellId, usize), (i64, bool)>,
    mothers: BTreeMap<CellId, CellId>,
}

impl Model {
    fn of(lineage: &Lineage) -> Self {
        let mut model = Self::default();
        for (id, cell) in lineage.iter() {
            for (i, f) in cell.features.iter().enumerate() {
                let known = (f.length as i64, f.old_pole[1] == 1.0);
                model.frames.insert((id, cell.first_frame + i), known);
            }
            model.mothers.extend(cell.mother.map(|mother| (id, mother)));
        }
        model
    }

    fn first(&self, cell: CellId) -> Option<usize> {
        self.frames.keys().filter(|(id, _)| *id == cell).map(|(_, frame)| *frame).min()
    }

    fn last(&self, cell: CellId) -> Option<usize> {
        self.frames.keys().filter(|(id, _)| *id == cell).map(|(_, frame)| *frame).max()
    }

    fn daughter(&self, mother: CellId, frame: usize) -> Option<CellId> {
        let mut born =
            self.mothers.iter().filter(|(d, m)| **m == mother && self.first(**d) == Some(frame));
        born.next().map(|(daughter, _)| *daughter)
    }

    fn ancestors(&self, cell: CellId) -> BTreeSet<CellId> {
        let mut found = BTreeSet::from([cell]);
        let mut at = cell;
        while let Some(mother) = self.mothers.get(&at) {
            found.insert(*mother);
            at = *mother;
        }
        found
    }

    /// The model after an operation, or the name of its error.
    fn after(&self, op: EditOp) -> Result<Self, &'static str> {
        let mut new = self.clone();
        let exists = |cell| self.first(cell).ok_or("CellDoesNotExist");
        let alive = |cell: CellId, frame: usize| {
            exists(cell)?;
            self.frames.contains_key(&(cell, frame)).then_some(()).ok_or("CellNotOnFrame")
        };
        let free = |cell: CellId, frame: usize| {
            alive(cell, frame)?;
            self.daughter(cell, frame).map_or(Ok(()), |_| Err("CellAlreadyHasDaughter"))
        };
        match op {
            EditOp::Adopt(cell, mother) => {
                let first = exists(cell)?;
                new.mothers.remove(&cell);
                if let Some(mother) = mother {
                    free(mother, first)?;
                    if self.ancestors(mother).contains(&cell) {
                        return Err("LineageCycle");
                    }
                    new.mothers.insert(cell, mother);
                }
            }
            EditOp::Merge(cell, into) => {
                let (first, last) =
                    (exists(cell)?, exists(into).map(|_| self.last(into).unwrap())?);
                match first.cmp(&(last + 1)) {
                    std::cmp::Ordering::Greater => return Err("NonConsecutiveCells"),
                    std::cmp::Ordering::Less => return Err("OverlappingCells"),
                    std::cmp::Ordering::Equal => {}
                }
                new.mothers.remove(&cell);
                new.rename(&|id, _| if id == cell { into } else { id });
                new.mothers.values_mut().filter(|m| **m == cell).for_each(|m| *m = into);
            }
            EditOp::Split(cell, frame) => {
                free(cell, frame)?;
                if self.first(cell) == Some(frame) {
                    return Err("CellWouldBeEmpty");
                }
                let id = self.frames.keys().map(|(id, _)| *id).max().unwrap() + 1;
                new.rename(&|c, f| if c == cell && f >= frame { id } else { c });
                for (daughter, mother) in &mut new.mothers {
                    if *mother == cell && self.first(*daughter) > Some(frame) {
                        *mother = id;
                    }
                }
            }
            EditOp::Pivot(cell) => {
                let first = exists(cell)?;
                let mother = *self.mothers.get(&cell).ok_or("CellDoesNotHaveMother")?;
                free(cell, first)?;
                let exchanged = |c: CellId| match c {
                    c if c == cell => mother,
                    c if c == mother => cell,
                    c => c,
                };
                new.rename(&|c, f| if f >= first { exchanged(c) } else { c });
                for (daughter, m) in &mut new.mothers {
                    if *daughter != cell && self.first(*daughter) > Some(first) {
                        *m = exchanged(*m);
                    }
                }
            }
            EditOp::SwapPoles(cell, frame) => {
                let from = frame.map_or_else(|| exists(cell), Ok)?;
                alive(cell, from)?;
                let next = (from + 1..).take_while(|f| Some(*f) <= self.last(cell));
                let next = next.filter_map(|f| self.daughter(cell, f).map(|d| (f, d))).next();
                let end = next.map_or(usize::MAX, |(frame, _)| frame);
                for ((id, frame), (_, flip)) in &mut new.frames {
                    *flip ^= *id == cell && (from..end).contains(frame);
                }
                if let Some((_, daughter)) = next {
                    return new.after(EditOp::Pivot(daughter));
                }
            }
        }
        Ok(new)
    }

    fn rename(&mut self, of: &dyn Fn(CellId, usize) -> CellId) {
        let frames = std::mem::take(&mut self.frames);
        self.frames = frames.into_iter().map(|((c, f), known)| ((of(c, f), f), known)).collect();
    }
}

/// A random family: in every frame each cell may divide, end, and others may come.
fn family() -> impl Strategy<Value = Lineage> {
    proptest::collection::vec(proptest::collection::vec(0u8..10, 12), 1..14).prop_map(|frames| {
        let mut lineage = Lineage::new();
        let mut alive: Vec<CellId> = Vec::new();
        let mut tag = 0;
        let mut next = || {
            tag += 1;
            tagged(tag as f32, false)
        };
        for (frame, fates) in frames.iter().enumerate() {
            let mut still = Vec::new();
            for (cell, fate) in alive.iter().zip(&fates[2..]) {
                if *fate == 0 {
                    continue;
                }
                lineage.extend(*cell, next()).unwrap();
                still.push(*cell);
                if *fate < 4 {
                    let daughter = lineage.create(frame, next(), Some(*cell)).unwrap();
                    still.push(daughter);
                    if *fate == 1 {
                        still.push(lineage.create(frame, next(), Some(daughter)).unwrap());
                    }
                }
            }
            if fates[0] < 3 || frame == 0 {
                still.push(lineage.create(frame, next(), None).unwrap());
            }
            alive = still;
        }
        lineage
    })
}

fn op() -> impl Strategy<Value = EditOp> {
    let (cell, frame) = (1u32..14, 0usize..14);
    prop_oneof![
        (cell.clone(), proptest::option::of(cell.clone())).prop_map(|(a, b)| EditOp::Adopt(a, b)),
        (cell.clone(), cell.clone()).prop_map(|(a, b)| EditOp::Merge(a, b)),
        (cell.clone(), frame.clone()).prop_map(|(a, b)| EditOp::Split(a, b)),
        cell.clone().prop_map(EditOp::Pivot),
        (cell, proptest::option::of(frame)).prop_map(|(a, b)| EditOp::SwapPoles(a, b)),
    ]
}

/// Who is where: per frame the ids, as a label image of one pixel per tag would show them.
fn labels_of(lineage: &Lineage, tags: usize) -> Vec<Vec<CellId>> {
    let mut labels = vec![vec![0; tags + 1]; 16];
    for (id, cell) in lineage.iter() {
        for (i, f) in cell.features.iter().enumerate() {
            labels[cell.first_frame + i][f.length as usize] = id;
        }
    }
    labels
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn edits_do_what_the_slow_model_does_and_can_be_undone(
        start in family(), ops in proptest::collection::vec(op(), 1..40),
    ) {
        let tags = start.iter().map(|(_, c)| c.features.len()).sum();
        let mut lineage = start.clone();
        let mut labels = labels_of(&lineage, tags);
        let mut log: Vec<(Lineage, Vec<Inverse>)> = Vec::new();
        for op in ops {
            let before = lineage.clone();
            let wanted = Model::of(&lineage).after(op);
            match (lineage.apply(op), wanted) {
                (Ok((edit, changes)), Ok(wanted)) => {
                    prop_assert_eq!(Model::of(&lineage), wanted);
                    for (frame, labels) in labels.iter_mut().enumerate() {
                        relabel(&changes, frame, labels.iter_mut());
                    }
                    prop_assert_eq!(&labels, &labels_of(&lineage, tags));
                    let text = serde_json::to_string(&edit).unwrap();
                    let read: hooke_lineage::tree::Edit = serde_json::from_str(&text).unwrap();
                    prop_assert_eq!(&read, &edit);
                    log.push((before, read.inverse));
                }
                (Err(error), Err(name)) => {
                    prop_assert!(error.to_string().starts_with(name), "{} {}", error, name);
                    prop_assert_eq!(&lineage, &before);
                }
                (found, wanted) => prop_assert!(false, "{op}: {found:?}, wanted {wanted:?}"),
            }
            prop_assert_eq!(lineage.validate(), Ok(()));
        }
        for (before, inverse) in log.into_iter().rev() {
            let changes = lineage.undo(&inverse).unwrap();
            prop_assert_eq!(&lineage, &before);
            for (frame, labels) in labels.iter_mut().enumerate() {
                relabel(&changes, frame, labels.iter_mut());
            }
        }
        prop_assert_eq!(&lineage, &start);
        prop_assert_eq!(labels, labels_of(&start, tags));
    }

    #[test]
    fn trees_keep_every_cell_and_frame_in_their_other_forms(lineage in family()) {
        let rows = lineage.tree_rows(Default::default());
        prop_assert_eq!(rows.len(), lineage.len());
        let text = lineage.newick();
        let frames: usize = text
            .split([':', ',', ')', ';', '('])
            .skip_while(|part| part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .chunks(2)
            .map(|pair| pair[1].parse::<usize>().unwrap())
            .sum();
        let wanted: usize = lineage.iter().map(|(_, c)| c.features.len()).sum();
        prop_assert_eq!(frames, wanted);
        // No vertical line crosses the line of a third cell.
        for row in &rows {
            let Some((frame, from)) = row.birth else { continue };
            for other in &rows {
                let is_between = (from.min(row.row) + 1..from.max(row.row)).contains(&other.row);
                let crosses = is_between && (other.first_frame..=other.last_frame).contains(&frame);
                // A daughter born in the same frame begins on the line, she does not cross it.
                prop_assert!(!crosses || other.first_frame == frame, "{:?} {:?}", row, other);
            }
        }
    }
}
