//! Tracks as the Cell Tracking Challenge writes them: a mother ends when she divides.
//!
//! In a [`Lineage`] a mother lives on; here each stay between two divisions is a track of its own, and so is each
//! stretch of frames in which a cell was seen without a gap.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::error::LineageError;
use crate::track::{Assembled, Link, OldPoleSide, Spot, assemble};
use crate::tree::{CellFeatures, CellId, Lineage};

/// A line `L B E P`. Frames count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CtcTrack {
    /// Label in the images, from 1.
    pub label: u32,
    /// First frame.
    pub first: usize,
    /// Last frame.
    pub last: usize,
    /// The track that it continues or was born from.
    pub parent: Option<u32>,
}

/// Tracks of the regions of a position, and the labels of their cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CtcExport {
    /// By label.
    pub tracks: Vec<CtcTrack>,
    /// Per region and cell, the first exported frame of each of its labels.
    labels: BTreeMap<(usize, CellId), Vec<(usize, u32)>>,
    first_frame: usize,
}

impl CtcExport {
    /// The label of a cell in a frame, numbered as in its lineage, in which it is seen.
    pub fn label(&self, roi: usize, cell: CellId, frame: usize) -> Option<u32> {
        let index = frame.checked_sub(self.first_frame)?;
        let labels = self.labels.get(&(roi, cell))?;
        labels.iter().rev().find(|(first, _)| *first <= index).map(|(_, label)| *label)
    }
}

/// A stretch of a cell's life that becomes a track.
struct Stretch {
    roi: usize,
    cell: CellId,
    first: usize,
    last: usize,
}

/// Makes tracks of lineages.
///
/// Labels count from 1 by first frame, then region, then cell.
///
/// # Arguments
/// * `rois` — the lineages of a position.
/// * `first_frame` — the frame that becomes frame 0.
/// * `is_seen` — whether a cell of a region is in the labels of a frame.
///
/// # Errors
/// [`LineageError::Parameter`] when a cell begins before `first_frame`.
pub fn export_tracks(
    rois: &[&Lineage],
    first_frame: usize,
    is_seen: impl Fn(usize, CellId, usize) -> bool,
) -> Result<CtcExport, LineageError> {
    let mut stretches = Vec::new();
    for (roi, lineage) in rois.iter().enumerate() {
        if lineage.frames().start < first_frame && !lineage.is_empty() {
            let reason = format!("{first_frame} lies after frame {}", lineage.frames().start);
            return Err(LineageError::Parameter { name: "first_frame", reason });
        }
        for (id, _) in lineage.iter() {
            stretches.extend(stretches_of(lineage, roi, id, &is_seen));
        }
    }
    stretches.sort_by_key(|s| (s.first, s.roi, s.cell));
    let mut labels: BTreeMap<(usize, CellId), Vec<(usize, u32)>> = BTreeMap::new();
    for (stretch, label) in stretches.iter().zip(1..) {
        labels.entry((stretch.roi, stretch.cell)).or_default().push((stretch.first, label));
    }
    let before = |roi: usize, cell: CellId, frame: usize| {
        let of_cell = labels.get(&(roi, cell))?;
        of_cell.iter().rev().find(|(first, _)| *first < frame).map(|(_, label)| *label)
    };
    let mut tracks = Vec::with_capacity(stretches.len());
    for (stretch, label) in stretches.iter().zip(1..) {
        let lineage = rois[stretch.roi];
        // A cell without an earlier label asks her mother, who may herself have been born in this frame.
        let (mut cell, mut parent, mut until) = (Some(stretch.cell), None, stretch.first);
        while let (Some(id), None) = (cell, parent) {
            parent = before(stretch.roi, id, until);
            let found = lineage.cell(id)?;
            (cell, until) = (found.mother, until.min(found.first_frame));
        }
        let (first, last) = (stretch.first - first_frame, stretch.last - first_frame);
        tracks.push(CtcTrack { label, first, last, parent });
    }
    for of_cell in labels.values_mut() {
        of_cell.iter_mut().for_each(|(first, _)| *first -= first_frame);
    }
    Ok(CtcExport { tracks, labels, first_frame })
}

fn stretches_of(
    lineage: &Lineage,
    roi: usize,
    id: CellId,
    is_seen: &impl Fn(usize, CellId, usize) -> bool,
) -> Vec<Stretch> {
    let Ok(cell) = lineage.cell(id) else { return Vec::new() };
    let births: BTreeSet<usize> = cell.births().map(|(frame, _)| frame).collect();
    let mut found: Vec<Stretch> = Vec::new();
    for frame in (cell.first_frame..=cell.last_frame()).filter(|f| is_seen(roi, id, *f)) {
        match found.last_mut().filter(|s| s.last + 1 == frame && !births.contains(&frame)) {
            Some(stretch) => stretch.last = frame,
            None => found.push(Stretch { roi, cell: id, first: frame, last: frame }),
        }
    }
    found
}

/// Makes a lineage of tracks.
///
/// A track with one child lives on as that child, over a gap if need be; of two children, born in one frame or while
/// the other lives, one is the mother: the one with her old pole. A third child begins a tree of its own.
///
/// # Arguments
/// * `frames` — per frame the labels of its cells in raster order, with what is known of them.
///
/// # Returns
/// The lineage; `ids` are those of the labels in `frames`.
///
/// # Errors
/// [`LineageError::Parameter`] when a label comes twice, or in a frame outside its track.
pub fn import_tracks(
    tracks: &[CtcTrack],
    frames: &[Vec<(u32, CellFeatures)>],
    first_frame: usize,
    side: OldPoleSide,
) -> Result<Assembled, LineageError> {
    let wrong = |reason| LineageError::Parameter { name: "tracks", reason };
    let mut by_label = BTreeMap::new();
    for track in tracks {
        if by_label.insert(track.label, track).is_some() {
            return Err(wrong(format!("label {} comes twice", track.label)));
        }
    }
    // Where each label was seen.
    let mut spots: BTreeMap<u32, Vec<Spot>> = BTreeMap::new();
    for (frame, cells) in frames.iter().enumerate() {
        for (index, (label, _)) in cells.iter().enumerate() {
            let is_inside = |t: &&&CtcTrack| (t.first..=t.last).contains(&frame);
            if by_label.get(label).filter(is_inside).is_none() {
                return Err(wrong(format!(
                    "frame {frame} shows label {label}, which has no track there"
                )));
            }
            let seen = spots.entry(*label).or_default();
            if seen.last().is_some_and(|s| s.frame == frame) {
                return Err(wrong(format!("label {label} comes twice in frame {frame}")));
            }
            seen.push(Spot { frame, index });
        }
    }
    let mut links: BTreeMap<Spot, Link> = BTreeMap::new();
    let step = |from: Spot, to: Spot| Link { from, to, sister: None, cost: 0.0 };
    for seen in spots.values() {
        links.extend(seen.windows(2).map(|pair| (pair[0], step(pair[0], pair[1]))));
    }
    let mut children: BTreeMap<u32, Vec<(usize, u32)>> = BTreeMap::new();
    for track in tracks.iter().filter(|t| spots.contains_key(&t.label)) {
        if let Some(parent) = track.parent {
            children.entry(parent).or_default().push((track.first, track.label));
        }
    }
    for (parent, mut children) in children {
        children.sort_unstable();
        let end = spots.get(&parent).and_then(|seen| seen.last());
        let (Some(&end), Some((_, heir))) = (end, children.first()) else { continue };
        let heir = &spots[heir];
        if heir[0].frame <= end.frame {
            return Err(wrong(format!("a child of {parent} begins before {parent} ends")));
        }
        links.insert(end, step(end, heir[0]));
        for (_, label) in &children[1..] {
            // The mother's link into the frame of this birth.
            let born = spots[label][0];
            let path = || std::iter::once(end).chain(heir.iter().copied());
            let link = path()
                .zip(heir)
                .find(|(_, to)| to.frame == born.frame)
                .and_then(|(from, _)| links.get_mut(&from));
            if let Some(link) = link.filter(|link| link.sister.is_none()) {
                link.sister = Some(born);
            }
        }
    }
    let features: Vec<Vec<CellFeatures>> =
        frames.iter().map(|f| f.iter().map(|(_, features)| features.clone()).collect()).collect();
    let links: Vec<Link> = links.into_values().collect();
    assemble(&features, &links, first_frame, side)
}

/// Writes tracks as `res_track.txt` holds them: one line `L B E P` each, `P` 0 without a parent.
pub fn tracks_to_text(tracks: &[CtcTrack]) -> String {
    let mut text = String::new();
    for CtcTrack { label, first, last, parent } in tracks {
        writeln!(text, "{label} {first} {last} {}", parent.unwrap_or(0))
            .expect("text can be written to");
    }
    text
}

/// Reads lines `L B E P`.
///
/// # Errors
/// [`LineageError::Parameter`] names the first line that is not four numbers, has label 0, or ends before it begins.
pub fn tracks_from_text(text: &str) -> Result<Vec<CtcTrack>, LineageError> {
    let read = |(i, line): (usize, &str)| {
        let numbers: Option<Vec<u32>> =
            line.split_whitespace().map(|word| word.parse().ok()).collect();
        let track = match numbers.as_deref() {
            Some(&[label, first, last, parent]) if label > 0 && first <= last => CtcTrack {
                label,
                first: first as usize,
                last: last as usize,
                parent: (parent > 0).then_some(parent),
            },
            _ => {
                let reason = format!(
                    "line {}: '{line}' is no track; wanted are label, first and last frame, parent",
                    i + 1
                );
                return Err(LineageError::Parameter { name: "tracks", reason });
            }
        };
        Ok(track)
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(read).collect()
}
