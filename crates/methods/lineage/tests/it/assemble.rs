//! Lineages of links.

use hooke_lineage::track::{Link, OldPoleSide, Spot, assemble};
use hooke_lineage::tree::CellFeatures;

/// A cell from `top` to `bottom`.
fn rod(top: f32, bottom: f32) -> CellFeatures {
    CellFeatures { length: bottom - top, ..CellFeatures::at([bottom, 5.0], [top, 5.0]) }
}

fn link(from: (usize, usize), to: (usize, usize), sister: Option<usize>, cost: f32) -> Link {
    let sister = sister.map(|index| Spot::new(to.0, index));
    Link { from: Spot::new(from.0, from.1), to: Spot::new(to.0, to.1), sister, cost }
}

#[test]
fn ids_follow_mothers_then_new_cells_and_poles_follow_divisions() {
    let frames = [
        vec![rod(0.0, 20.0), rod(22.0, 50.0)],
        // Both divide; raster order of the new cells is not that of their mothers.
        vec![rod(40.0, 52.0), rod(24.0, 38.0), rod(0.0, 11.0), rod(12.0, 22.0), rod(60.0, 70.0)],
    ];
    let links = [link((0, 1), (1, 0), Some(1), 2.0), link((0, 0), (1, 2), Some(3), 1.0)];
    let found = assemble(&frames, &links, 7, OldPoleSide::Top).unwrap();
    // The mothers are those at the upper, older poles.
    assert_eq!(found.ids, [vec![1, 2], vec![4, 2, 1, 3, 5]]);
    let cost = Some;
    assert_eq!(found.link_costs[1], [cost(2.0), cost(2.0), cost(1.0), cost(1.0), None]);
    assert_eq!(found.lineage.daughter(2, 8), Ok(Some(4)));
    assert_eq!(found.lineage.poles(4, 8), Ok(([52.0, 5.0], [40.0, 5.0])));
    assert_eq!(found.lineage.poles(2, 8), Ok(([24.0, 5.0], [38.0, 5.0])));
    assert_eq!(found.lineage.cell(5).unwrap().first_frame, 8);
    found.lineage.validate().unwrap();
}

#[test]
fn the_old_pole_of_a_root_lies_where_it_is_said_to() {
    let frames = [vec![CellFeatures::at([3.0, 8.0], [9.0, 1.0])]];
    for (side, old) in [
        (OldPoleSide::Top, [3.0, 8.0]),
        (OldPoleSide::Bottom, [9.0, 1.0]),
        (OldPoleSide::Left, [9.0, 1.0]),
        (OldPoleSide::Right, [3.0, 8.0]),
    ] {
        assert_eq!(assemble(&frames, &[], 0, side).unwrap().lineage.poles(1, 0).unwrap().0, old);
    }
}

#[test]
fn frames_in_which_a_cell_was_missed_are_filled() {
    let frames = [vec![rod(0.0, 10.0)], vec![], vec![], vec![rod(3.0, 16.0)]];
    let found = assemble(&frames, &[link((0, 0), (3, 0), None, 0.5)], 0, OldPoleSide::Top).unwrap();
    assert_eq!(found.unseen, [(1, 1), (1, 2)]);
    let lengths: Vec<f32> = (0..4).map(|t| found.lineage.features(1, t).unwrap().length).collect();
    assert_eq!(lengths, [10.0, 11.0, 12.0, 13.0]);
    assert_eq!(found.lineage.poles(1, 2), Ok(([2.0, 5.0], [14.0, 5.0])));
}

#[test]
fn links_that_cannot_be_are_refused() {
    let frames = [vec![rod(0.0, 10.0)], vec![rod(0.0, 10.0), rod(12.0, 20.0)]];
    let refused = |links: &[Link]| assemble(&frames, links, 0, OldPoleSide::Top).is_err();
    assert!(!refused(&[]));
    assert!(refused(&[link((0, 1), (1, 0), None, 0.0)]));
    assert!(refused(&[link((0, 0), (2, 0), None, 0.0)]));
    assert!(refused(&[link((1, 0), (0, 0), None, 0.0)]));
    assert!(refused(&[link((0, 0), (1, 0), Some(0), 0.0)]));
    assert!(refused(&[link((0, 0), (1, 0), None, 0.0), link((0, 0), (1, 1), None, 0.0)]));
}
