//! Linking in channels on simulated truth and on small cases made by hand.

use hooke_lineage::score::{LinkScore, LinkSet, score_links};
use hooke_lineage::sim::{MotherMachineParams, TrueCell};
use hooke_lineage::track::dp::{CellSet, ChannelCell, ChannelLinks, DpParams, link_channel};
use hooke_lineage::track::{Link, Spot};

use crate::link_kit::{along, certain, channels, sample};

fn movie(seed: u64, frames: u32) -> (Vec<Vec<Vec<TrueCell>>>, f64) {
    channels(&MotherMachineParams {
        seed,
        frames,
        channels: 3,
        empty_channels: 0,
        drift: 0.0,
        fluo: 0,
        ..MotherMachineParams::default()
    })
}

fn linked(frames: &[Vec<CellSet>]) -> ChannelLinks {
    link_channel(frames, &DpParams::default()).unwrap()
}

#[test]
fn true_cells_are_linked_however_many_frames_are_dropped() {
    let (channels, closed) = movie(7, 160);
    for (every, edge_goal, division_goal) in
        [(1, 0.995, 0.98), (2, 0.995, 0.98), (4, 0.995, 0.98), (6, 0.98, 0.95), (8, 0.95, 0.85)]
    {
        let mut score = LinkScore::default();
        for channel in &channels {
            let sampled = sample(channel, every, |c| c.center[0]);
            let found = linked(&certain(&sampled.frames, closed));
            score += score_links(&sampled.truth, &found.links.iter().collect());
        }
        let (edges, divisions) = (score.edges.f1().unwrap(), score.divisions.f1().unwrap());
        assert!(score.divisions.tp > 20);
        assert!(edges >= edge_goal && divisions >= division_goal, "{every}: {edges} {divisions}");
    }
}

/// Cells stacked without room between them.
fn stacked(lengths: &[f64]) -> Vec<ChannelCell> {
    let mut end = 0.0;
    let cell = |length: &f64| {
        end += length;
        ChannelCell { length: *length, position: end - 0.5 * length }
    };
    lengths.iter().map(cell).collect()
}

/// Frames of three cells that grow by 5 %, the second one dividing between frames 3 and 4.
fn by_hand() -> Vec<Vec<ChannelCell>> {
    let lengths = |t: i32| {
        let grown = |length: f64| length * (0.05 * f64::from(t)).exp();
        let mut lengths = vec![grown(20.0), grown(27.0), grown(22.0)];
        if t > 3 {
            lengths.splice(1..2, [grown(13.0), grown(14.0)]);
        }
        lengths
    };
    (0..8).map(|t| stacked(&lengths(t))).collect()
}

fn ends(found: &ChannelLinks, frame: usize) -> Vec<(usize, usize, usize, Option<usize>)> {
    let here = found.links.iter().filter(|l| l.from.frame == frame);
    here.map(|l| (l.from.index, l.to.frame, l.to.index, l.sister.map(|s| s.index))).collect()
}

#[test]
fn growth_and_division_of_three_cells_are_found() {
    let frames: Vec<Vec<CellSet>> =
        by_hand().into_iter().map(|cells| vec![CellSet::certain(cells)]).collect();
    let found = linked(&frames);
    assert_eq!(ends(&found, 0), [(0, 1, 0, None), (1, 1, 1, None), (2, 1, 2, None)]);
    assert_eq!(ends(&found, 3), [(0, 4, 0, None), (1, 4, 1, Some(2)), (2, 4, 3, None)]);
    assert!(found.ln_growth.iter().all(|g| (g - 0.05).abs() < 0.005), "{:?}", found.ln_growth);
    assert!(found.pieces.iter().flatten().all(|p| p.is_whole()));
}

#[test]
fn a_frame_without_cells_is_leapt_over() {
    let mut frames: Vec<Vec<CellSet>> =
        by_hand().into_iter().map(|cells| vec![CellSet::certain(cells)]).collect();
    frames[2] = Vec::new();
    frames[5] = vec![CellSet::default()];
    let found = linked(&frames);
    assert_eq!(ends(&found, 1), [(0, 3, 0, None), (1, 3, 1, None), (2, 3, 2, None)]);
    assert_eq!(ends(&found, 4).len(), 4);
    assert_eq!((found.chosen[2], found.chosen[5], found.chosen[4]), (None, None, Some(0)));
    let strict = DpParams { max_gap: 0, ..DpParams::default() };
    assert!(ends(&link_channel(&frames, &strict).unwrap(), 1).is_empty());
}

#[test]
fn a_cell_missed_in_a_frame_is_found_again() {
    let mut cells = by_hand();
    cells[2].remove(1);
    let frames: Vec<_> = cells.into_iter().map(|cells| vec![CellSet::certain(cells)]).collect();
    let found = linked(&frames);
    assert_eq!(ends(&found, 1), [(0, 2, 0, None), (2, 2, 1, None), (1, 3, 1, None)]);
    let strict = DpParams { max_gap: 0, ..DpParams::default() };
    assert_eq!(ends(&link_channel(&frames, &strict).unwrap(), 1).len(), 2);
}

#[test]
fn the_likely_reading_of_a_frame_gives_way_to_one_that_fits_its_neighbours() {
    let mut frames: Vec<Vec<CellSet>> =
        by_hand().into_iter().map(|cells| vec![CellSet::certain(cells)]).collect();
    let right = frames[2][0].cells.clone();
    let mut wrong = right.clone();
    let half = 0.5 * right[1].length;
    let at = right[1].position;
    wrong.splice(1..2, [-0.5, 0.5].map(|s| ChannelCell { length: half, position: at + s * half }));
    frames[2] = vec![CellSet::certain(wrong.clone()), CellSet { cells: right, cost: 2.0 }];
    let found = linked(&frames);
    assert_eq!(found.chosen[2], Some(1));
    assert_eq!(ends(&found, 1).len(), 3);

    // The same without being told of the other reading.
    frames[2] = vec![CellSet::certain(wrong)];
    let repair = DpParams { repair: true, ..DpParams::default() };
    let found = link_channel(&frames, &repair).unwrap();
    assert_eq!(found.pieces[2].len(), 3);
    assert_eq!((found.pieces[2][1].first, found.pieces[2][1].last), (1, 2));
    assert_eq!(ends(&found, 1), [(0, 2, 0, None), (1, 2, 1, None), (2, 2, 2, None)]);
}

#[test]
fn two_cells_in_one_mask_are_cut_where_they_parted() {
    let mut cells = by_hand();
    let (a, b) = (cells[2][0], cells[2][1]);
    let whole = ChannelCell { length: a.length + b.length, position: 0.5 * (a.length + b.length) };
    cells[2].splice(0..2, [whole]);
    let frames: Vec<_> = cells.into_iter().map(|cells| vec![CellSet::certain(cells)]).collect();
    let repair = DpParams { repair: true, ..DpParams::default() };
    let found = link_channel(&frames, &repair).unwrap();
    let pieces = &found.pieces[2];
    assert_eq!(pieces.len(), 3);
    assert!((pieces[0].part.1 - 20.0 / 47.0).abs() < 1e-6, "{pieces:?}");
    assert_eq!((pieces[1].first, pieces[1].part.0), (0, pieces[0].part.1));
    assert_eq!(ends(&found, 2), [(0, 3, 0, None), (1, 3, 1, None), (2, 3, 2, None)]);
}

#[test]
fn bad_numbers_are_refused_and_nothing_is_fine() {
    let none = linked(&[]);
    assert!(none.links.is_empty());
    assert!(linked(&[vec![], vec![CellSet::default()]]).links.is_empty());
    let one = linked(&[vec![CellSet::certain(stacked(&[20.0]))]]);
    assert_eq!((one.links.len(), one.pieces[0].len()), (0, 1));
    for cell in [(0.0, 1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
        let cell = ChannelCell { length: cell.0, position: cell.1 };
        let frames = [vec![CellSet::certain(vec![cell])]];
        assert!(link_channel(&frames, &DpParams::default()).is_err());
    }
    assert!(link_channel(&[], &DpParams { lost_cost: 0.0, ..DpParams::default() }).is_err());
}

#[test]
fn no_cell_has_two_fates_or_two_origins() {
    let (channels, closed) = movie(3, 40);
    let frames: Vec<_> = channels[0].iter().map(|f| along(f, closed)).collect();
    let sets: Vec<_> = frames.iter().map(|f| vec![CellSet::certain(f.clone())]).collect();
    let found = linked(&sets);
    // Each cell has at most one link from it and one to it.
    let mut from: Vec<Spot> = found.links.iter().map(|l| l.from).collect();
    let mut to: Vec<Spot> = found.links.iter().flat_map(Link::ends).collect();
    for spots in [&mut from, &mut to] {
        let count = spots.len();
        spots.sort();
        spots.dedup();
        assert_eq!(spots.len(), count);
    }
    let set: LinkSet = found.links.iter().collect();
    assert_eq!(score_links(&set, &set).edges.f1(), Some(1.0));
}
