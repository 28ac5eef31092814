//! Linking in colonies on simulated truth and on small cases made by hand.

use hooke_lineage::score::score_links;
use hooke_lineage::sim::{ColonyParams, TrueCell};
use hooke_lineage::track::flow::{ColonyCell, FlowParams, SuspectKind, link_colony};
use hooke_lineage::track::{Link, Spot};

use crate::link_kit::{cells_of, colony, masks, sample, score_divisions};

fn movie(seed: u64, frames: u32) -> Vec<Vec<TrueCell>> {
    colony(&ColonyParams {
        seed,
        frames,
        founders: 12,
        size: 320,
        drift: 0.0,
        fluo: 0,
        ..ColonyParams::default()
    })
}

#[test]
fn cells_of_a_shaken_colony_are_linked() {
    let sampled = sample(&movie(5, 40), 1, |c| f64::from(c.cell));
    let cells = cells_of(&masks(&sampled.frames, 5, 3.0, 0.0));
    let found = link_colony(&cells, &FlowParams::default()).unwrap();
    let score = score_links(&sampled.truth, &found.links.iter().collect());
    let (edges, divisions) = (score.edges.f1().unwrap(), score.divisions.f1().unwrap());
    assert!(score.divisions.tp > 40, "{score:?}");
    assert!(edges >= 0.99 && divisions >= 0.97, "{score:?}");
}

#[test]
fn divisions_are_found_though_some_masks_are_wrong() {
    let sampled = sample(&movie(6, 40), 1, |c| f64::from(c.cell));
    let masks = masks(&sampled.frames, 6, 3.0, 0.02);
    let found = link_colony(&cells_of(&masks), &FlowParams::default()).unwrap();
    let counts = score_divisions(&sampled.frames, &masks, &found.links);
    assert!(counts.f1().unwrap() >= 0.95, "{counts:?}");
    assert!(!found.suspects.is_empty());
}

/// A straight cell along x.
fn rod(y: f64, x: f64, length: f64) -> ColonyCell {
    let half = 0.5 * length;
    ColonyCell { center: [y, x], tips: [[y, x - half], [y, x + half]], area: 8.0 * length }
}

/// Cells far enough apart to stay where they are, `t` frames old.
fn resting(t: usize) -> Vec<ColonyCell> {
    let grown = |length: f64| length * (0.03 * t as f64).exp();
    let places = [(0.0, 0.0), (12.0, 5.0), (24.0, -4.0), (36.0, 8.0), (48.0, 0.0)];
    places
        .iter()
        .zip([20.0, 23.0, 26.0, 21.0, 28.0])
        .map(|((y, x), l)| rod(*y, *x, grown(l)))
        .collect()
}

fn ends(links: &[Link], frame: usize) -> Vec<(usize, usize, usize, Option<usize>)> {
    let here = links.iter().filter(|l| l.from.frame == frame);
    here.map(|l| (l.from.index, l.to.frame, l.to.index, l.sister.map(|s| s.index))).collect()
}

#[test]
fn a_division_becomes_one_and_a_fragment_does_not() {
    let mut frames: Vec<_> = (0..6).map(resting).collect();
    let cut = |cell: ColonyCell| {
        let half = 0.5 * cell.length();
        [-0.5, 0.5].map(|s| rod(cell.center[0], cell.center[1] + s * half, half))
    };
    // The last cell divides in frame 3 for good.
    for frame in &mut frames[3..] {
        let sisters = frame.pop().map(cut).unwrap();
        frame.extend(sisters);
    }
    // The second has two masks in frame 2 only.
    let fragments = cut(frames[2].remove(1));
    frames[2].extend(fragments);
    let found = link_colony(&frames, &FlowParams::default()).unwrap();
    assert_eq!(ends(&found.links, 2).iter().filter(|l| l.3.is_some()).count(), 1);
    assert!(found.links.iter().filter(|l| l.sister.is_some()).all(|l| l.to.frame == 3));
    assert_eq!(found.suspects.len(), 1);
    assert_eq!(found.suspects[0].kind, SuspectKind::OneCellInTwo);
    assert_eq!((found.suspects[0].frame, found.suspects[0].cells.as_slice()), (2, &[4, 5][..]));
    // One of the fragments carries the cell on.
    let through: Vec<Spot> =
        found.links.iter().filter(|l| l.from == Spot::new(1, 1)).flat_map(Link::ends).collect();
    assert_eq!(through.len(), 1);
    assert!(found.links.iter().any(|l| l.from == through[0] && l.to == Spot::new(3, 1)));
}

#[test]
fn missed_cells_and_frames_are_bridged() {
    let mut frames: Vec<_> = (0..6).map(resting).collect();
    frames[2].remove(4);
    frames[4].clear();
    let found = link_colony(&frames, &FlowParams::default()).unwrap();
    assert!(ends(&found.links, 1).contains(&(4, 3, 4, None)));
    assert_eq!(ends(&found.links, 3), (0..5).map(|i| (i, 5, i, None)).collect::<Vec<_>>());
    let strict = FlowParams { max_gap: 0, ..FlowParams::default() };
    let found = link_colony(&frames, &strict).unwrap();
    assert_eq!(ends(&found.links, 1).len(), 4);
    assert!(ends(&found.links, 3).is_empty());
}

#[test]
fn order_of_cells_windows_and_threads_do_not_matter() {
    let movie = movie(8, 24);
    let cells = cells_of(&masks(&movie, 8, 3.0, 0.0));
    let link = |threads: usize, params: FlowParams, cells: &[Vec<ColonyCell>]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| link_colony(cells, &params).unwrap().links)
    };
    let standard = link(1, FlowParams::default(), &cells);
    assert_eq!(link(4, FlowParams::default(), &cells), standard);
    let short = FlowParams { window: 8, overlap: 4, ..FlowParams::default() };
    assert_eq!(link(1, short, &cells), standard);
    let turned: Vec<Vec<ColonyCell>> =
        cells.iter().map(|f| f.iter().rev().copied().collect()).collect();
    let back = |spot: Spot| Spot::new(spot.frame, cells[spot.frame].len() - 1 - spot.index);
    let mut found: Vec<_> = link(1, FlowParams::default(), &turned)
        .iter()
        .map(|l| {
            let mut ends: Vec<Spot> = l.ends().map(back).collect();
            ends.sort();
            (back(l.from), ends)
        })
        .collect();
    found.sort();
    let wanted: Vec<_> = standard
        .iter()
        .map(|l| {
            let mut ends: Vec<Spot> = l.ends().collect();
            ends.sort();
            (l.from, ends)
        })
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn bad_numbers_are_refused_and_nothing_is_fine() {
    let default = FlowParams::default();
    assert!(link_colony(&[], &default).unwrap().links.is_empty());
    assert!(link_colony(&[vec![], vec![]], &default).unwrap().links.is_empty());
    let alone = vec![vec![rod(0.0, 0.0, 20.0)]; 2];
    assert_eq!(ends(&link_colony(&alone, &default).unwrap().links, 0), [(0, 1, 0, None)]);
    let point = ColonyCell { center: [1.0; 2], tips: [[1.0; 2]; 2], area: 1.0 };
    link_colony(&[vec![point], vec![point]], &default).unwrap();
    for bad in [ColonyCell { area: 0.0, ..point }, ColonyCell { center: [f64::NAN, 0.0], ..point }]
    {
        assert!(link_colony(&[vec![bad]], &default).is_err());
    }
    assert!(link_colony(&[], &FlowParams { window: 6, ..default }).is_err());
    assert!(link_colony(&[], &FlowParams { max_gap: 4, ..default }).is_err());
    assert!(link_colony(&[], &FlowParams { end_cost: f64::NAN, ..default }).is_err());
}
