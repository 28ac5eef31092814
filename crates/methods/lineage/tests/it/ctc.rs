//! Tracks of the Cell Tracking Challenge and back.

use hooke_lineage::ctc::{
    CtcTrack, export_tracks, import_tracks, tracks_from_text, tracks_to_text,
};
use hooke_lineage::track::OldPoleSide;
use hooke_lineage::tree::{CellFeatures, Lineage};

use crate::link_kit::channels;

fn features(y: f32) -> CellFeatures {
    CellFeatures::at([y, 0.0], [y + 10.0, 0.0])
}

fn rows(tracks: &[CtcTrack]) -> Vec<(u32, usize, usize, u32)> {
    tracks.iter().map(|t| (t.label, t.first, t.last, t.parent.unwrap_or(0))).collect()
}

/// Frames 3 to 9; cell 1 bears 2 in frame 5, and 2 bears 3 in that frame, too.
fn family() -> Lineage {
    let mut lineage = Lineage::new();
    lineage.create(3, features(0.0), None).unwrap();
    (4..10).for_each(|_| lineage.extend(1, features(0.0)).unwrap());
    lineage.create(5, features(20.0), Some(1)).unwrap();
    lineage.extend(2, features(20.0)).unwrap();
    lineage.create(5, features(40.0), Some(2)).unwrap();
    lineage
}

#[test]
fn a_mother_ends_at_a_division_and_a_gap_cuts_a_track() {
    let lineage = family();
    let all = export_tracks(&[&lineage], 3, |_, _, _| true).unwrap();
    assert_eq!(rows(&all.tracks), [(1, 0, 1, 0), (2, 2, 6, 1), (3, 2, 3, 1), (4, 2, 2, 1)]);
    assert_eq!(
        (all.label(0, 1, 4), all.label(0, 1, 5), all.label(0, 3, 5)),
        (Some(1), Some(2), Some(4))
    );
    assert_eq!((all.label(0, 9, 5), all.label(0, 2, 4), all.label(1, 1, 5)), (None, None, None));

    let gap = export_tracks(&[&lineage], 0, |_, cell, frame| (cell, frame) != (1, 7)).unwrap();
    assert_eq!(
        rows(&gap.tracks),
        [(1, 3, 4, 0), (2, 5, 6, 1), (3, 5, 6, 1), (4, 5, 5, 1), (5, 8, 9, 2)]
    );
    // A daughter seen late, and a mother missed before the division.
    let late = |_, cell, frame| (cell, frame) != (2, 5) && (cell, frame) != (1, 4);
    let late = export_tracks(&[&lineage], 3, late).unwrap();
    assert_eq!(rows(&late.tracks), [(1, 0, 0, 0), (2, 2, 6, 1), (3, 2, 2, 1), (4, 3, 3, 1)]);
    assert!(export_tracks(&[&lineage], 4, |_, _, _| true).is_err());
}

#[test]
fn labels_of_regions_do_not_collide() {
    let (a, b) = (family(), family());
    let both = export_tracks(&[&a, &b], 3, |_, _, _| true).unwrap();
    assert_eq!(both.tracks.len(), 8);
    assert_eq!((both.label(0, 1, 3), both.label(1, 1, 3)), (Some(1), Some(2)));
    assert_eq!(both.tracks[2].parent, Some(1));
    assert_eq!(both.tracks[7].parent, Some(2));
}

#[test]
fn tracks_are_written_and_read_as_text() {
    let lineage = family();
    let tracks = export_tracks(&[&lineage], 3, |_, _, _| true).unwrap().tracks;
    let text = tracks_to_text(&tracks);
    assert_eq!(text, "1 0 1 0\n2 2 6 1\n3 2 3 1\n4 2 2 1\n");
    assert_eq!(tracks_from_text(&text).unwrap(), tracks);
    assert_eq!(tracks_from_text("\n").unwrap(), []);
    for bad in ["1 0 1", "1 0 1 0 0", "0 0 1 0", "1 2 1 0", "a b c d", "1 0 -1 0"] {
        assert!(tracks_from_text(bad).unwrap_err().to_string().contains("line 1"), "{bad}");
    }
}

#[test]
fn simulated_trees_come_back_from_their_tracks() {
    let (channels, _) = channels(&hooke_lineage::sim::MotherMachineParams {
        frames: 80,
        channels: 1,
        empty_channels: 0,
        fluo: 0,
        seed: 4,
        ..Default::default()
    });
    let point = |p: [f64; 2]| p.map(|v| v as f32);
    let movie = &channels[0];
    let mut labels: Vec<Vec<(u32, CellFeatures)>> = Vec::new();
    for frame in movie {
        let cell = |c: &hooke_lineage::sim::TrueCell| {
            (c.label, CellFeatures::at(point(c.new_pole), point(c.old_pole)))
        };
        labels.push(frame.iter().map(cell).collect());
    }
    // The simulator's own tracks, from its labels and mothers. Where one of two sisters was washed out at once, the
    // other one's track is the mother's.
    let mut tracks: Vec<CtcTrack> = Vec::new();
    let mut last_label = std::collections::BTreeMap::new();
    let mut track_of = std::collections::BTreeMap::new();
    for (t, frame) in movie.iter().enumerate() {
        let before = last_label.clone();
        let parent_of = |cell: &hooke_lineage::sim::TrueCell| {
            before.get(&cell.cell).or_else(|| before.get(&cell.mother?)).copied()
        };
        for cell in frame {
            let is_new = !track_of.contains_key(&cell.label);
            let parent: Option<u32> = parent_of(cell).filter(|_| is_new);
            let siblings =
                frame.iter().filter(|c| parent.is_some() && parent_of(c) == parent).count();
            let label = match parent {
                Some(parent) if siblings == 1 => parent,
                _ => *track_of.get(&cell.label).unwrap_or(&cell.label),
            };
            track_of.insert(cell.label, label);
            match tracks.iter_mut().find(|track| track.label == label) {
                Some(track) => track.last = t,
                None => tracks.push(CtcTrack { label, first: t, last: t, parent }),
            }
        }
        last_label.extend(frame.iter().map(|c| (c.cell, track_of[&c.label])));
    }
    for (label, _) in labels.iter_mut().flatten() {
        *label = track_of[label];
    }
    let found = import_tracks(&tracks, &labels, 0, OldPoleSide::Top).unwrap();
    // The same tracks but for their numbers, and the same poles.
    let again = export_tracks(&[&found.lineage], 0, |_, _, _| true).unwrap();
    assert_eq!(again.tracks.len(), tracks.len());
    assert!(tracks.iter().filter(|t| t.parent.is_some()).count() > 10);
    for (t, frame) in movie.iter().enumerate() {
        for (index, cell) in frame.iter().enumerate() {
            let id = found.ids[t][index];
            let label = again.label(0, id, t).unwrap();
            let (a, b) = (
                again.tracks[label as usize - 1],
                tracks.iter().find(|track| track.label == track_of[&cell.label]).unwrap(),
            );
            assert_eq!((a.first, a.last), (b.first, b.last));
            assert_eq!(a.parent.is_some(), b.parent.is_some());
            if cell.generation > 0 {
                let (old, _) = found.lineage.poles(id, t).unwrap();
                assert_eq!(old, point(cell.old_pole), "frame {t} cell {}", cell.cell);
            }
        }
    }
}

#[test]
fn tracks_that_do_not_fit_their_images_are_refused() {
    let track = |label, first, last, parent| CtcTrack { label, first, last, parent };
    let seen = |labels: &[u32]| -> Vec<(u32, CellFeatures)> {
        labels.iter().map(|l| (*l, features(*l as f32 * 20.0))).collect()
    };
    let import = |tracks: &[CtcTrack], frames: &[Vec<(u32, CellFeatures)>]| {
        import_tracks(tracks, frames, 0, OldPoleSide::Top)
    };
    let one = track(1, 0, 1, None);
    assert!(import(&[one, one], &[seen(&[1])]).is_err());
    assert!(import(&[one], &[seen(&[1]), seen(&[1]), seen(&[1])]).is_err());
    assert!(import(&[one], &[seen(&[2])]).is_err());
    assert!(import(&[one], &[seen(&[1, 1])]).is_err());
    assert!(import(&[one, track(2, 1, 1, Some(1))], &[seen(&[1]), seen(&[1, 2])]).is_err());
    // A parent that is nowhere is none; a gap is leapt over; a later child is born of the first.
    let tracks = [track(1, 0, 0, Some(9)), track(2, 2, 3, Some(1)), track(3, 3, 3, Some(1))];
    let frames = [seen(&[1]), seen(&[]), seen(&[2]), seen(&[2, 3])];
    let found = import(&tracks, &frames).unwrap();
    assert_eq!((found.lineage.len(), found.unseen.as_slice()), (2, &[(1, 1)][..]));
    assert_eq!(found.lineage.cell(2).unwrap().mother, Some(1));
}
