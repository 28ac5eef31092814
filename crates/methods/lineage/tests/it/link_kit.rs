//! Simulated movies as cells and true links; `examples/accuracy_track.rs` uses it too.

use std::collections::BTreeMap;

use hooke_core::seed::rng_at;
use hooke_lineage::score::{Counts, LinkSet};
use hooke_lineage::sim::{ColonyParams, MotherMachineParams, Movie, TrueCell};
use hooke_lineage::track::dp::{CellSet, ChannelCell};
use hooke_lineage::track::flow::ColonyCell;
use hooke_lineage::track::{Link, Spot};
use rand::RngExt;

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

/// True cells of a colony, `[frame][cell]`.
pub fn colony(params: &ColonyParams) -> Vec<Vec<TrueCell>> {
    Movie::colony(params).unwrap().map(|frame| frame.cells).collect()
}

/// A mask and the cells that it shows; a fragment shows a cell that another mask shows, too.
#[derive(Debug, Clone)]
pub struct Mask {
    pub cell: ColonyCell,
    pub shows: Vec<u32>,
}

fn mask(cell: &TrueCell) -> Mask {
    let shape =
        ColonyCell { center: cell.center, tips: [cell.old_pole, cell.new_pole], area: cell.area };
    Mask { cell: shape, shows: vec![cell.cell] }
}

/// Masks of a movie in which every frame jumps by up to `shift` pixels, and `wrong` of all masks are cut or
/// joined with that whose middle is nearest.
pub fn masks(movie: &[Vec<TrueCell>], seed: u64, shift: f64, wrong: f64) -> Vec<Vec<Mask>> {
    let mut rng = rng_at(seed, "link-kit-masks", &[]);
    let mut frames = Vec::new();
    for cells in movie {
        let by = [0, 1].map(|_| shift * (2.0 * rng.random::<f64>() - 1.0));
        // Taken from the end: without wrong masks their order stays.
        let mut left: Vec<Mask> = cells.iter().rev().map(mask).collect();
        for mask in &mut left {
            for point in std::iter::once(&mut mask.cell.center).chain(&mut mask.cell.tips) {
                (0..2).for_each(|d| point[d] += by[d]);
            }
        }
        let mut frame = Vec::new();
        while let Some(mask) = left.pop() {
            match (rng.random::<f64>() / wrong * 2.0) as u64 {
                0 => frame.extend(halves(&mask)),
                1 if !left.is_empty() => {
                    let away = |m: &Mask| {
                        (0..2)
                            .map(|d| (m.cell.center[d] - mask.cell.center[d]).powi(2))
                            .sum::<f64>()
                    };
                    let nearest = (0..left.len())
                        .min_by(|a, b| away(&left[*a]).total_cmp(&away(&left[*b])))
                        .unwrap();
                    frame.push(joined(&mask, &left.swap_remove(nearest)));
                }
                _ => frame.push(mask),
            }
        }
        frames.push(frame);
    }
    frames
}

fn halves(mask: &Mask) -> [Mask; 2] {
    mask.cell.tips.map(|tip| {
        let middle = mask.cell.center;
        let center = [0, 1].map(|d| 0.5 * (tip[d] + middle[d]));
        let cell = ColonyCell { center, tips: [middle, tip], area: 0.5 * mask.cell.area };
        Mask { cell, shows: mask.shows.clone() }
    })
}

/// The farthest tips of both, the middle by area.
fn joined(a: &Mask, b: &Mask) -> Mask {
    let area = a.cell.area + b.cell.area;
    let center =
        [0, 1].map(|d| (a.cell.center[d] * a.cell.area + b.cell.center[d] * b.cell.area) / area);
    let tips: Vec<[f64; 2]> = a.cell.tips.into_iter().chain(b.cell.tips).collect();
    let mut best = (0.0, [tips[0], tips[1]]);
    for p in &tips {
        for q in &tips {
            let away = (p[0] - q[0]).hypot(p[1] - q[1]);
            if away > best.0 {
                best = (away, [*p, *q]);
            }
        }
    }
    let mut shows = if a.cell.area >= b.cell.area { a.shows.clone() } else { b.shows.clone() };
    shows.extend(if a.cell.area >= b.cell.area { &b.shows } else { &a.shows });
    Mask { cell: ColonyCell { center, tips: best.1, area }, shows }
}

pub fn cells_of(frames: &[Vec<Mask>]) -> Vec<Vec<ColonyCell>> {
    frames.iter().map(|f| f.iter().map(|m| m.cell).collect()).collect()
}

/// Divisions found within a frame of the true ones, where masks may be wrong: masks must show the mother before, and
/// her and her daughter once both divisions have happened.
pub fn score_divisions(movie: &[Vec<TrueCell>], masks: &[Vec<Mask>], links: &[Link]) -> Counts {
    let mut truth: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for (t, cells) in movie.iter().enumerate() {
        let born = cells.iter().filter_map(|c| Some((c.cell, c.daughter?)));
        truth.extend(born.filter(|_| t > 0).map(|pair| (pair, t)));
    }
    let shown = |spot: Spot| &masks[spot.frame][spot.index].shows;
    let mut counts = Counts::default();
    for link in links {
        let Some(sister) = link.sister else { continue };
        let is_this = |((mother, daughter), born): (&(u32, u32), &usize)| {
            let (a, b) = (shown(link.to), shown(sister));
            let is_pair = |a: &[u32], b: &[u32]| a.contains(mother) && b.contains(daughter);
            // A frame late the mother may go by the mask of her daughter, where her own is missing.
            let late = link.to.frame > *born && shown(link.from).contains(daughter);
            (late || shown(link.from).contains(mother))
                && born.abs_diff(link.to.frame) <= 1
                // A frame early the daughters are two masks of the mother.
                && (is_pair(a, b) || is_pair(b, a) || *born > link.to.frame && a == b)
        };
        let right = truth.iter().find(|(pair, born)| is_this((pair, born))).map(|(pair, _)| *pair);
        match right {
            Some(pair) => {
                truth.remove(&pair);
                counts.tp += 1;
            }
            None => counts.fp += 1,
        }
    }
    counts.r#fn = truth.len();
    counts
}
