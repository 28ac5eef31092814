//! Simulated movies as cells and true links; `examples/accuracy_track.rs` uses it too.

use std::collections::BTreeMap;

use hooke_lineage::score::LinkSet;
use hooke_lineage::sim::{MotherMachineParams, Movie, TrueCell};
use hooke_lineage::track::Spot;
use hooke_lineage::track::dp::{CellSet, ChannelCell};

/// Cells of every `every`-th frame of a movie, and who became whom.
pub struct Sampled {
    pub frames: Vec<Vec<TrueCell>>,
    pub truth: LinkSet,
}

/// Takes every `every`-th frame of the cells of one place.
pub fn sample(movie: &[Vec<TrueCell>], every: usize, order: impl Fn(&TrueCell) -> f64) -> Sampled {
    let mut frames: Vec<Vec<TrueCell>> = movie.iter().step_by(every).cloned().collect();
    for frame in &mut frames {
        frame.sort_by(|a, b| order(a).total_cmp(&order(b)));
    }
    let mothers: BTreeMap<u32, Option<u32>> =
        movie.iter().flatten().map(|c| (c.cell, c.mother)).collect();
    let mut truth = LinkSet::default();
    for t in 1..frames.len() {
        let spots: BTreeMap<u32, Spot> =
            frames[t - 1].iter().enumerate().map(|(i, c)| (c.cell, Spot::new(t - 1, i))).collect();
        for (index, cell) in frames[t].iter().enumerate() {
            let mut id = Some(cell.cell);
            while let Some(at) = id {
                if let Some(from) = spots.get(&at) {
                    truth.insert(*from, Spot::new(t, index));
                    break;
                }
                id = mothers.get(&at).copied().flatten();
            }
        }
    }
    Sampled { frames, truth }
}

/// True cells of all channels of a mother machine, `[channel][frame][cell]`, and the place of the closed end.
pub fn channels(params: &MotherMachineParams) -> (Vec<Vec<Vec<TrueCell>>>, f64) {
    let movie = Movie::mother_machine(params).unwrap();
    let closed = movie.boxes()[0][1] as f64 + 3.0;
    let mut channels = vec![Vec::new(); params.channels as usize];
    for frame in movie {
        for (roi, channel) in channels.iter_mut().enumerate() {
            let here = frame.cells.iter().filter(|c| usize::from(c.roi) == roi);
            channel.push(here.cloned().collect());
        }
    }
    (channels, closed)
}

/// Cells along a channel that is closed at its upper end.
pub fn along(frame: &[TrueCell], closed: f64) -> Vec<ChannelCell> {
    let cell = |c: &TrueCell| ChannelCell { length: c.length, position: c.center[0] - closed };
    frame.iter().map(cell).collect()
}

/// One certain reading per frame; none where there is no cell.
pub fn certain(frames: &[Vec<TrueCell>], closed: f64) -> Vec<Vec<CellSet>> {
    let sets = |f: &Vec<TrueCell>| vec![CellSet::certain(along(f, closed))];
    frames.iter().map(sets).collect()
}
