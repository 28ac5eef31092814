//! Chooses sets that share no member, with the largest sum of gains.
//!
//! Each link, division or repair takes the exits and entries of the cells it joins, and gains what it costs less than
//! letting those cells vanish and appear. Flow is then conserved by no exit or entry being taken twice: the integer
//! program of Magnusson et al. (2014) and of Ultrack (Bragantini et al. 2024) as a packing of sets.
//!
//! A set that gains at least as much as the best rivals of all its members together belongs to a best choice (exchange
//! whatever it collides with for it). Taking these, again and again, leaves small knots, which are searched
//! by branch and bound; a knot too large for that is improved by exchanges.

use std::collections::{BTreeSet, HashMap};

/// Sets of slots and what choosing each gains.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    pub slots: Vec<u32>,
    pub gain: f64,
}

/// Nodes that the search of one knot may visit.
const MAX_NODES: usize = 50_000;
/// Larger knots are not searched: the search is as deep as a knot has sets.
const MAX_KNOT: usize = 400;

/// Indices of the chosen sets, ascending. Sets without gain are never chosen.
pub(super) fn pack(choices: &[Choice], slots: usize) -> Vec<usize> {
    let mut knot = Knot::new(choices, slots);
    knot.take_dominant();
    let mut chosen = std::mem::take(&mut knot.chosen);
    for part in knot.parts() {
        chosen.extend(search(choices, &part));
    }
    chosen.sort_unstable();
    chosen
}

struct Knot<'a> {
    choices: &'a [Choice],
    /// Per slot, the sets that hold it.
    of_slot: Vec<Vec<usize>>,
    is_open: Vec<bool>,
    chosen: Vec<usize>,
}

impl<'a> Knot<'a> {
    fn new(choices: &'a [Choice], slots: usize) -> Self {
        let mut of_slot = vec![Vec::new(); slots];
        let is_open: Vec<bool> = choices.iter().map(|c| c.gain > 0.0).collect();
        for (e, choice) in choices.iter().enumerate().filter(|(e, _)| is_open[*e]) {
            choice.slots.iter().for_each(|s| of_slot[*s as usize].push(e));
        }
        Self { choices, of_slot, is_open, chosen: Vec::new() }
    }

    fn rivals(&self, e: usize) -> impl Iterator<Item = usize> {
        let slots = self.choices[e].slots.iter();
        let rivals = slots.flat_map(|s| &self.of_slot[*s as usize]).copied();
        rivals.filter(move |r| *r != e && self.is_open[*r])
    }

    fn is_dominant(&self, e: usize) -> bool {
        let best_rival = |slot: &u32| {
            let rivals =
                self.of_slot[*slot as usize].iter().filter(|r| **r != e && self.is_open[**r]);
            rivals.map(|r| self.choices[*r].gain).fold(0.0, f64::max)
        };
        self.choices[e].gain >= self.choices[e].slots.iter().map(best_rival).sum()
    }

    fn take_dominant(&mut self) {
        // Largest gains first: they free the others soonest.
        let mut queue: Vec<usize> = (0..self.choices.len()).filter(|e| self.is_open[*e]).collect();
        queue
            .sort_by(|a, b| self.choices[*b].gain.total_cmp(&self.choices[*a].gain).then(a.cmp(b)));
        while !queue.is_empty() {
            let mut touched = BTreeSet::new();
            for e in queue {
                if !self.is_open[e] || !self.is_dominant(e) {
                    continue;
                }
                self.chosen.push(e);
                self.is_open[e] = false;
                for rival in self.rivals(e).collect::<BTreeSet<_>>() {
                    self.is_open[rival] = false;
                    touched.extend(self.rivals(rival));
                }
            }
            queue = touched.into_iter().filter(|e| self.is_open[*e]).collect();
        }
    }

    /// Open sets that hang together through shared slots.
    fn parts(&self) -> Vec<Vec<usize>> {
        let mut is_seen = vec![false; self.choices.len()];
        let mut parts = Vec::new();
        for start in (0..self.choices.len()).filter(|e| self.is_open[*e]) {
            if std::mem::replace(&mut is_seen[start], true) {
                continue;
            }
            let (mut part, mut next) = (vec![start], 0);
            while let Some(&e) = part.get(next) {
                next += 1;
                for rival in self.rivals(e) {
                    if !std::mem::replace(&mut is_seen[rival], true) {
                        part.push(rival);
                    }
                }
            }
            part.sort_unstable();
            parts.push(part);
        }
        parts
    }
}

/// The best choice within one knot.
fn search(choices: &[Choice], part: &[usize]) -> Vec<usize> {
    // By falling gain per slot: a good choice is met early.
    let mut order = part.to_vec();
    let worth = |e: usize| choices[e].gain / choices[e].slots.len() as f64;
    order.sort_by(|a, b| worth(*b).total_cmp(&worth(*a)).then(a.cmp(b)));
    let names: BTreeSet<u32> = part.iter().flat_map(|e| &choices[*e].slots).copied().collect();
    let index: HashMap<u32, usize> = names.into_iter().zip(0..).collect();
    let members: Vec<Vec<usize>> =
        order.iter().map(|e| choices[*e].slots.iter().map(|s| index[s]).collect()).collect();
    let gains: Vec<f64> = order.iter().map(|e| choices[*e].gain).collect();
    let mut search = Search {
        members: &members,
        gains: &gains,
        is_taken: vec![false; index.len()],
        path: Vec::new(),
        best: improved(&members, &gains, index.len()),
        best_gain: 0.0,
        nodes: 0,
    };
    search.best_gain = search.best.iter().map(|k| gains[*k]).sum();
    if part.len() <= MAX_KNOT {
        search.visit(0, 0.0);
    }
    search.best.iter().map(|k| order[*k]).collect()
}

/// Greedy choice in the order given, then exchanges of what a set collides with for the set, while that gains.
fn improved(members: &[Vec<usize>], gains: &[f64], slots: usize) -> Vec<usize> {
    let mut owner: Vec<Option<usize>> = vec![None; slots];
    let mut is_in = vec![false; members.len()];
    let mut changed = true;
    let mut rounds = 0;
    while changed && rounds < 1000 {
        changed = false;
        rounds += 1;
        for k in 0..members.len() {
            if is_in[k] {
                continue;
            }
            let rivals: BTreeSet<usize> = members[k].iter().filter_map(|s| owner[*s]).collect();
            let lost: f64 = rivals.iter().map(|r| gains[*r]).sum();
            if gains[k] > lost + 1e-12 {
                for rival in rivals {
                    is_in[rival] = false;
                    members[rival].iter().for_each(|s| owner[*s] = None);
                }
                is_in[k] = true;
                members[k].iter().for_each(|s| owner[*s] = Some(k));
                changed = true;
            }
        }
    }
    (0..members.len()).filter(|k| is_in[*k]).collect()
}

struct Search<'a> {
    members: &'a [Vec<usize>],
    gains: &'a [f64],
    is_taken: Vec<bool>,
    path: Vec<usize>,
    best: Vec<usize>,
    best_gain: f64,
    nodes: usize,
}

impl Search<'_> {
    fn visit(&mut self, from: usize, gain: f64) {
        self.nodes += 1;
        if gain > self.best_gain + 1e-12 {
            (self.best, self.best_gain) = (self.path.clone(), gain);
        }
        if self.nodes > MAX_NODES || gain + self.bound(from) <= self.best_gain + 1e-12 {
            return;
        }
        let is_free = |k: &usize| self.members[*k].iter().all(|s| !self.is_taken[*s]);
        let Some(k) = (from..self.members.len()).find(is_free) else { return };
        let members = self.members;
        members[k].iter().for_each(|s| self.is_taken[*s] = true);
        self.path.push(k);
        self.visit(k + 1, gain + self.gains[k]);
        self.path.pop();
        members[k].iter().for_each(|s| self.is_taken[*s] = false);
        self.visit(k + 1, gain);
    }

    /// No choice of the sets from `from` on gains more: every slot gives at most the best share of a set that holds it.
    fn bound(&self, from: usize) -> f64 {
        let mut share = vec![0.0_f64; self.is_taken.len()];
        for k in from..self.members.len() {
            if self.members[k].iter().all(|s| !self.is_taken[*s]) {
                let part = self.gains[k] / self.members[k].len() as f64;
                self.members[k].iter().for_each(|s| share[*s] = share[*s].max(part));
            }
        }
        share.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn brute_force(choices: &[Choice], from: usize, taken: u32) -> f64 {
        let Some(choice) = choices.get(from) else { return 0.0 };
        let without = brute_force(choices, from + 1, taken);
        let mask = choice.slots.iter().fold(0, |mask, s| mask | 1 << s);
        if taken & mask != 0 {
            return without;
        }
        without.max(choice.gain + brute_force(choices, from + 1, taken | mask))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_choice_gains_more(
            raw in proptest::collection::vec(
                (proptest::collection::btree_set(0u32..10, 1..5), -1.0f64..10.0), 0..14,
            ),
        ) {
            let choices: Vec<Choice> = raw
                .into_iter()
                .map(|(slots, gain)| Choice { slots: slots.into_iter().collect(), gain })
                .collect();
            let chosen = pack(&choices, 10);
            let mut taken = BTreeSet::new();
            prop_assert!(chosen.iter().all(|e| choices[*e].slots.iter().all(|s| taken.insert(*s))));
            let gain: f64 = chosen.iter().map(|e| choices[*e].gain).sum();
            prop_assert!((gain - brute_force(&choices, 0, 0)).abs() < 1e-9);
        }
    }
}
