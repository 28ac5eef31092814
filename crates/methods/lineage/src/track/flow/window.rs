//! What may have happened in a window of frames, and the choice among it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rayon::prelude::*;

use super::candidates::{Between, Candidate, Fork};
use super::motion::Motion;
use super::packing::{Choice, pack};
use super::shape::ColonyCell;
use super::{FlowParams, Suspect, SuspectKind};
use crate::track::{Link, Spot};

/// A cell whose best link costs more than this may have been missed.
const DOUBTFUL: f64 = 4.0;
/// Masks are only called wrong where the cells before and after fit each other this well.
const SURE: f64 = 6.0;
/// Daughters that are one cell's fragments, or two cells' masks after a joined one, fit her this well.
const FRAGMENTS: f64 = 8.0;
/// Masks of two cells joined have the area of both within this, as a logarithm.
const SAME_MASS: f64 = 0.4;
/// Cells with a tip this near to the border may come and go, pixels.
const BORDER: f64 = 5.0;

/// The movie and what is known of it beforehand.
pub(super) struct Colony<'a> {
    pub frames: &'a [Vec<ColonyCell>],
    pub params: &'a FlowParams,
    pub ln_division_length: f64,
}

/// Candidates between two frames.
struct Options {
    links: Vec<Candidate>,
    forks: Vec<Fork>,
}

/// What is decided.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub links: Vec<Link>,
    pub suspects: Vec<Suspect>,
    exits: BTreeSet<Spot>,
    entries: BTreeSet<Spot>,
}

/// Something that may have happened.
struct Event {
    exits: Vec<Spot>,
    entries: Vec<Spot>,
    cost: f64,
    links: Vec<Link>,
    suspect: Option<Suspect>,
}

impl Event {
    fn link(link: Link) -> Self {
        Self {
            exits: vec![link.from],
            entries: link.ends().collect(),
            cost: f64::from(link.cost),
            links: vec![link],
            suspect: None,
        }
    }

    fn first_frame(&self) -> usize {
        self.exits.iter().map(|s| s.frame).min().unwrap_or(0)
    }
}

impl Colony<'_> {
    /// Decides what began in `frames` before `cut`.
    pub(super) fn decide(&self, frames: Range<usize>, cut: usize, decided: &mut Decided) {
        let is_open = |event: &Event| {
            event.exits.iter().all(|s| !decided.exits.contains(s))
                && event.entries.iter().all(|s| !decided.entries.contains(s))
        };
        let mut events = self.events(frames);
        events.retain(is_open);
        let slots: BTreeSet<(Spot, bool)> = events
            .iter()
            .flat_map(|e| {
                let exits = e.exits.iter().map(|s| (*s, false));
                exits.chain(e.entries.iter().map(|s| (*s, true)))
            })
            .collect();
        let number: BTreeMap<(Spot, bool), u32> = slots.into_iter().zip(0..).collect();
        let choice = |e: &Event| {
            let exits = e.exits.iter().map(|s| number[&(*s, false)]);
            let ends = e.exits.iter().chain(&e.entries).map(|s| self.end_cost(*s)).sum::<f64>();
            Choice {
                slots: exits.chain(e.entries.iter().map(|s| number[&(*s, true)])).collect(),
                gain: ends - e.cost,
            }
        };
        let choices: Vec<Choice> = events.iter().map(choice).collect();
        for e in pack(&choices, number.len()) {
            let event = &events[e];
            if event.first_frame() < cut {
                decided.exits.extend(&event.exits);
                decided.entries.extend(&event.entries);
                decided.links.extend(&event.links);
                decided.suspects.extend(event.suspect.clone());
            }
        }
    }

    fn cell(&self, spot: Spot) -> &ColonyCell {
        &self.frames[spot.frame][spot.index]
    }

    /// Cost of a cell vanishing or appearing.
    fn end_cost(&self, spot: Spot) -> f64 {
        let is_outside = |tip: [f64; 2]| {
            let near = |shape: [usize; 2]| {
                (0..2).any(|d| tip[d] < BORDER || tip[d] > shape[d] as f64 - 1.0 - BORDER)
            };
            self.params.shape.is_some_and(near)
        };
        let at_border = self.cell(spot).tips.into_iter().any(is_outside);
        if at_border { self.params.border_cost } else { self.params.end_cost }
    }

    fn options(&self, from: usize, to: usize) -> Options {
        let (old, new) = (&self.frames[from], &self.frames[to]);
        let motion = Motion::estimate(old, new, self.params.max_shift);
        let between = Between { old, new, motion, ln_division_length: self.ln_division_length };
        let most = 2.0 * self.params.end_cost;
        Options { links: between.links(most), forks: between.forks(most) }
    }

    fn events(&self, frames: Range<usize>) -> Vec<Event> {
        let far = self.params.max_gap + 1;
        let pairs: Vec<(usize, usize)> = frames
            .clone()
            .flat_map(|a| (a + 1..=(a + far).min(frames.end - 1)).map(move |b| (a, b)))
            .collect();
        let options: BTreeMap<(usize, usize), Options> =
            pairs.par_iter().map(|(a, b)| ((*a, *b), self.options(*a, *b))).collect();
        let doubts = self.doubts(frames.clone(), &options);
        let mut events = Vec::new();
        for ((a, b), options) in &options {
            let missed = (b - a - 1) as f64 * self.params.gap_cost;
            let is_possible = |old: usize, new: &[usize]| {
                let end = |index: &usize| doubts.entries.contains(&Spot::new(*b, *index));
                missed == 0.0 || (doubts.exits.contains(&Spot::new(*a, old)) && new.iter().all(end))
            };
            let event = |old: usize, to: usize, sister: Option<usize>, cost: f64| {
                Event::link(Link {
                    from: Spot::new(*a, old),
                    to: Spot::new(*b, to),
                    sister: sister.map(|s| Spot::new(*b, s)),
                    cost: (cost + missed) as f32,
                })
            };
            let links = options.links.iter().filter(|c| is_possible(c.old, &[c.new]));
            events.extend(links.map(|c| event(c.old, c.new, None, c.cost)));
            let forks = options.forks.iter().filter(|f| is_possible(f.old, &f.new));
            events.extend(forks.map(|f| event(f.old, f.new[0], Some(f.new[1]), f.cost)));
        }
        if self.params.max_gap > 0 {
            for t in frames.start + 1..frames.end.saturating_sub(1) {
                self.add_mask_errors(t, &options, &mut events);
                self.add_late_forks(t, &options, &doubts, &mut events);
                self.add_stray_masks(t, &doubts, &mut events);
            }
        }
        events
    }

    /// Cells that have no good link to the next frame, or from the one before.
    fn doubts(&self, frames: Range<usize>, options: &BTreeMap<(usize, usize), Options>) -> Decided {
        let mut doubts = Decided::default();
        for t in frames {
            let all = || (0..self.frames[t].len()).map(|index| Spot::new(t, index));
            doubts.exits.extend(all());
            doubts.entries.extend(all());
        }
        for ((a, b), options) in options.iter().filter(|((a, b), _)| b - a == 1) {
            for c in options.links.iter().filter(|c| c.cost < DOUBTFUL) {
                doubts.exits.remove(&Spot::new(*a, c.old));
                doubts.entries.remove(&Spot::new(*b, c.new));
            }
            for f in options.forks.iter().filter(|f| f.cost < DOUBTFUL) {
                doubts.exits.remove(&Spot::new(*a, f.old));
                f.new.iter().for_each(|new| {
                    doubts.entries.remove(&Spot::new(*b, *new));
                });
            }
        }
        doubts
    }

    /// One cell in two masks, or two in one, in frame `t` only.
    fn add_mask_errors(
        &self,
        t: usize,
        options: &BTreeMap<(usize, usize), Options>,
        events: &mut Vec<Event>,
    ) {
        let of = |a: usize, b: usize| options.get(&(a, b));
        let (Some(into), Some(out), Some(over)) = (of(t - 1, t), of(t, t + 1), of(t - 1, t + 1))
        else {
            return;
        };
        for fork in into.forks.iter().filter(|f| f.shape_cost < FRAGMENTS) {
            for link in over.links.iter().filter(|c| c.old == fork.old && c.cost < SURE) {
                events.push(self.fragments(t, fork, link));
            }
        }
        for fork in out.forks.iter().filter(|f| f.shape_cost < FRAGMENTS) {
            let to = |new: usize| over.links.iter().filter(move |c| c.new == new && c.cost < SURE);
            for a in to(fork.new[0]) {
                for b in to(fork.new[1]).filter(|b| b.old != a.old) {
                    events.extend(self.joined(t, fork.old, *a, *b));
                }
            }
        }
    }

    /// Divisions whose second daughter has no mask of her own in frame `t`: she is seen a frame late.
    fn add_late_forks(
        &self,
        t: usize,
        options: &BTreeMap<(usize, usize), Options>,
        doubts: &Decided,
        events: &mut Vec<Event>,
    ) {
        let of = |a: usize, b: usize| options.get(&(a, b));
        let (Some(out), Some(over)) = (of(t, t + 1), of(t - 1, t + 1)) else { return };
        let is_doubtful =
            |f: &&Fork| f.shape_cost < FRAGMENTS && doubts.exits.contains(&Spot::new(t - 1, f.old));
        for fork in over.forks.iter().filter(is_doubtful) {
            for (stays, sister) in [(fork.new[0], fork.new[1]), (fork.new[1], fork.new[0])] {
                let into = out.links.iter().filter(|c| c.new == stays && c.cost < SURE);
                for link in into.filter(|c| doubts.entries.contains(&Spot::new(t, c.old))) {
                    let (before, seen) = (Spot::new(t - 1, fork.old), Spot::new(t, link.old));
                    let [stays, sister] = [stays, sister].map(|index| Spot::new(t + 1, index));
                    let cost = fork.cost + link.cost + self.params.mask_error_cost;
                    let step = |from, to, sister| Link { from, to, sister, cost: cost as f32 };
                    events.push(Event {
                        exits: vec![before, seen],
                        entries: vec![seen, stays, sister],
                        cost,
                        links: vec![step(before, seen, None), step(seen, stays, Some(sister))],
                        suspect: None,
                    });
                }
            }
        }
    }

    /// Masks without a good past or future that may be nobody's.
    fn add_stray_masks(&self, t: usize, doubts: &Decided, events: &mut Vec<Event>) {
        for index in 0..self.frames[t].len() {
            let spot = Spot::new(t, index);
            if doubts.exits.contains(&spot) || doubts.entries.contains(&spot) {
                events.push(Event {
                    exits: vec![spot],
                    entries: vec![spot],
                    cost: self.params.mask_error_cost,
                    links: Vec::new(),
                    suspect: Some(Suspect {
                        frame: t,
                        cells: vec![index],
                        kind: SuspectKind::Stray,
                    }),
                });
            }
        }
    }

    fn fragments(&self, t: usize, fork: &Fork, link: &Candidate) -> Event {
        let [a, b] = fork.new.map(|index| Spot::new(t, index));
        let larger = if self.cell(a).area >= self.cell(b).area { a } else { b };
        let (before, after) = (Spot::new(t - 1, fork.old), Spot::new(t + 1, link.new));
        let cost = link.cost + self.params.mask_error_cost;
        let step = |from, to| Link { from, to, sister: None, cost: cost as f32 };
        Event {
            exits: vec![before, a, b],
            entries: vec![a, b, after],
            cost,
            links: vec![step(before, larger), step(larger, after)],
            suspect: Some(Suspect {
                frame: t,
                cells: vec![a.index, b.index],
                kind: SuspectKind::OneCellInTwo,
            }),
        }
    }

    fn joined(&self, t: usize, mask: usize, a: Candidate, b: Candidate) -> Option<Event> {
        let mask = Spot::new(t, mask);
        let [before_a, before_b] = [a, b].map(|c| Spot::new(t - 1, c.old));
        let mass = self.cell(before_a).area + self.cell(before_b).area;
        if (self.cell(mask).area / mass).ln().abs() > SAME_MASS {
            return None;
        }
        let [after_a, after_b] = [a, b].map(|c| Spot::new(t + 1, c.new));
        let cost = a.cost + b.cost + self.params.mask_error_cost;
        // The larger cell keeps the mask; the other was not seen.
        let keeps_a = self.cell(before_a).area >= self.cell(before_b).area;
        let (keeps, leaps) = if keeps_a {
            ((before_a, after_a), (before_b, after_b))
        } else {
            ((before_b, after_b), (before_a, after_a))
        };
        let step = |from, to| Link { from, to, sister: None, cost: cost as f32 };
        Some(Event {
            exits: vec![before_a, before_b, mask],
            entries: vec![mask, after_a, after_b],
            cost,
            links: vec![step(keeps.0, mask), step(mask, keeps.1), step(leaps.0, leaps.1)],
            suspect: Some(Suspect {
                frame: t,
                cells: vec![mask.index],
                kind: SuspectKind::TwoCellsInOne,
            }),
        })
    }
}
