//! Who is where, and whose daughter.

use std::collections::BTreeMap;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::body::Body;
use super::cell::Cell;
use super::optics::pixels_near;

/// A cell in a frame, from the continuous model. Points are `(y, x)` in the image, lengths in pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrueCell {
    /// Number of the frame.
    pub frame: u32,
    /// Channel of a mother machine; 0 in a colony.
    pub roi: u16,
    /// Number of the track in the label image: a new one after each division.
    pub label: u32,
    /// Number in its place, from 1; the daughter with the old pole keeps her mother's.
    pub cell: u32,
    /// The cell it was born from.
    pub mother: Option<u32>,
    /// The cell that was born from it in this frame.
    pub daughter: Option<u32>,
    /// Divisions since the first frame.
    pub generation: u16,
    /// Divisions since the old pole was made, as far as they were seen; none before the first.
    pub old_pole_age: Option<u16>,
    /// Middle of the axis.
    pub center: [f64; 2],
    /// Tip that is older.
    pub old_pole: [f64; 2],
    /// Tip that the last division made.
    pub new_pole: [f64; 2],
    /// Along the axis, tip to tip.
    pub length: f64,
    /// Of the straight part.
    pub width: f64,
    /// Of the outline, also of parts outside the image.
    pub area: f64,
    /// Of the outline.
    pub perimeter: f64,
    /// Change of length and of area per frame, over length and area.
    pub growth_rates: [f64; 2],
    /// Mean expected grey level over the cell's pixels, per fluorescence channel.
    pub fluo: Vec<f64>,
    /// Touches the image's edge at small x, large x, small y, large y.
    pub edges: [bool; 4],
}

/// A stay between two divisions, as in the cell tracking challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrueTrack {
    /// Number in the label images, from 1.
    pub label: u32,
    /// First frame.
    pub first: u32,
    /// Last frame.
    pub last: u32,
    /// The track that ended in the frame before the first.
    pub parent: Option<u32>,
}

/// For each pixel the number, from 1, of the body that holds its centre; the deeper one where two do.
pub(super) fn draw(shape: [usize; 2], bodies: &[Body]) -> Array2<u32> {
    let mut indices = Array2::zeros(shape);
    for (body, index) in bodies.iter().zip(1u32..) {
        let [rows, columns] = pixels_near(shape, body.center, body.reach());
        for y in rows {
            for x in columns.clone() {
                let at = [y as f64, x as f64];
                let depth = body.depth(at);
                let there: u32 = indices[[y, x]];
                let rival = there.checked_sub(1).and_then(|i| bodies.get(i as usize));
                if depth > 0.0 && rival.is_none_or(|r| depth > r.depth(at)) {
                    indices[[y, x]] = index;
                }
            }
        }
    }
    indices
}

/// Labels from indices of bodies.
///
/// * `cells`: index of the body, from 0, and the row.
pub(super) fn labels(
    indices: &Array2<u32>,
    bodies: usize,
    cells: &[(usize, TrueCell)],
) -> Array2<u32> {
    let mut label = vec![0; bodies + 1];
    for (body, cell) in cells {
        label[body + 1] = cell.label;
    }
    indices.mapv(|i| label[i as usize])
}

/// All tracks so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Tracks {
    all: Vec<TrueTrack>,
    /// The last track of each place and cell.
    latest: BTreeMap<(u16, u32), u32>,
}

/// Pixels of a body in an image.
#[derive(Debug, Clone, Default)]
struct Seen {
    pixels: u64,
    light: Vec<f64>,
    edges: [bool; 4],
}

impl Tracks {
    pub(super) fn all(&self) -> &[TrueTrack] {
        &self.all
    }

    fn track(&self, label: Option<u32>) -> Option<TrueTrack> {
        label.and_then(|l| self.all.get(l as usize - 1)).copied()
    }

    /// The label of a cell that is seen in this frame.
    fn label(
        &mut self,
        frame: u32,
        roi: u16,
        cell: &Cell,
        before: &BTreeMap<(u16, u32), u32>,
    ) -> u32 {
        let latest = before.get(&(roi, cell.id)).copied();
        let is_seen_before = |t: &TrueTrack| t.last + 1 == frame;
        if let Some(track) = self.track(latest).filter(|t| is_seen_before(t) && !cell.is_new) {
            self.all[track.label as usize - 1].last = frame;
            return track.label;
        }
        let mother = cell.mother.filter(|_| cell.is_new && latest.is_none());
        let mother = mother.and_then(|m| before.get(&(roi, m)).copied());
        let parent = self.track(latest.or(mother));
        // Who was out of the image and comes back goes on with a new track; a mother must have been seen.
        let parent = parent.filter(|p| latest.is_some() && !cell.is_new || is_seen_before(p));
        let label = self.all.len() as u32 + 1;
        let parent = parent.map(|p| p.label);
        self.all.push(TrueTrack { label, first: frame, last: frame, parent });
        self.latest.insert((roi, cell.id), label);
        label
    }

    /// The rows of a frame, each with the index of its body.
    pub(super) fn rows(
        &mut self,
        frame: u32,
        living: &[(u16, &Cell)],
        bodies: &[Body],
        indices: &Array2<u32>,
        fluo: &[Array2<f32>],
    ) -> Vec<(usize, TrueCell)> {
        let seen = seen(indices, bodies.len(), fluo);
        // Daughters must find the track of their mother, not the one she begins now.
        let before = self.latest.clone();
        let mut rows = Vec::new();
        for (i, ((roi, cell), body)) in living.iter().zip(bodies).enumerate() {
            let seen = &seen[i];
            if seen.pixels == 0 {
                continue;
            }
            let label = self.label(frame, *roi, cell, &before);
            let mut tips = body.tips();
            if !cell.is_a_old {
                tips.swap(0, 1);
            }
            let row = TrueCell {
                frame,
                roi: *roi,
                label,
                cell: cell.id,
                mother: cell.mother,
                daughter: cell.daughter,
                generation: cell.generation,
                old_pole_age: cell.old_pole_age,
                center: body.center,
                old_pole: tips[0],
                new_pole: tips[1],
                length: body.length,
                width: 2.0 * body.radius,
                area: body.area(),
                perimeter: body.perimeter(),
                growth_rates: cell.growth_rates(),
                fluo: seen.light.iter().map(|l| l / seen.pixels as f64).collect(),
                edges: seen.edges,
            };
            rows.push((i, row));
        }
        rows
    }
}

fn seen(indices: &Array2<u32>, bodies: usize, fluo: &[Array2<f32>]) -> Vec<Seen> {
    let mut seen = vec![Seen { light: vec![0.0; fluo.len()], ..Seen::default() }; bodies];
    let (height, width) = indices.dim();
    for ((y, x), index) in indices.indexed_iter() {
        let Some(seen) = index.checked_sub(1).and_then(|i| seen.get_mut(i as usize)) else {
            continue;
        };
        seen.pixels += 1;
        let touches = [x == 0, x + 1 == width, y == 0, y + 1 == height];
        seen.edges = std::array::from_fn(|i| seen.edges[i] || touches[i]);
        for (sum, light) in seen.light.iter_mut().zip(fluo) {
            *sum += f64::from(light[[y, x]]);
        }
    }
    seen
}
