//! Growth and division of a cell, its name and its poles.
//!
//! Cells grow exponentially and divide after adding a length that does not depend on their size at birth
//! (Taheri-Araghi et al. 2015, doi:10.1016/j.cub.2014.12.009).

use hooke_core::seed::rng_at;
use rand_chacha::ChaCha8Rng;

use super::body::Body;
use super::params::CellParams;
use super::random::{factor, normal};

/// Part of the added length after which the septum forms.
const SEPTUM_BEGINS: f64 = 0.8;

/// Part of its fluorescence that a daughter takes over from her mother.
const FLUO_INHERITED: f64 = 0.7;

/// No cell divides below so many widths.
const SHORTEST_MOTHER: f64 = 2.5;

/// What all cells of a place share.
#[derive(Debug, Clone)]
pub(super) struct Strain {
    pub(super) seed: u64,
    pub(super) position: u32,
    pub(super) roi: u16,
    pub(super) growth: f64,
    pub(super) fluo: u16,
    pub(super) fluo_cv: f64,
    pub(super) cells: CellParams,
}

impl Strain {
    /// The numbers of one cell, for one use of them.
    pub(super) fn rng(&self, stage: &str, cell: u32, frame: u32) -> ChaCha8Rng {
        let place = [self.position.into(), self.roi.into(), cell.into(), frame.into()];
        rng_at(self.seed, stage, &place)
    }
}

/// A living cell.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) body: Body,
    /// Unique in its place, from 1. The daughter with the old pole keeps her mother's.
    pub(super) id: u32,
    pub(super) mother: Option<u32>,
    /// Who was born from this cell since the last frame.
    pub(super) daughter: Option<u32>,
    /// Divided since the last frame: a new stay in the sense of the cell tracking challenge.
    pub(super) is_new: bool,
    pub(super) generation: u16,
    /// The old pole is end A.
    pub(super) is_a_old: bool,
    pub(super) old_pole_age: Option<u16>,
    /// Length per frame over length.
    pub(super) growth: f64,
    /// Fluorescence over the mean of the strain, per channel.
    pub(super) brightness: Vec<f64>,
    birth_length: f64,
    /// The length that will be added until division.
    to_add: f64,
    radius_goal: f64,
}

impl Cell {
    /// A cell at a random time of its life; it has no place yet, and its axis points along y.
    pub(super) fn founder(id: u32, strain: &Strain) -> Self {
        use rand::RngExt;
        let mut rng = strain.rng("lineage-founder", id, 0);
        let cells = &strain.cells;
        let birth_length = 0.5 * cells.division_length * factor(&mut rng, cells.adder_cv);
        let radius = 0.5 * cells.width * factor(&mut rng, cells.width_cv);
        let body = Body {
            center: [0.0; 2],
            axis: [1.0, 0.0],
            curvature: 0.0,
            length: birth_length.max(0.5 * SHORTEST_MOTHER * cells.width),
            radius,
            septum: 0.5,
            constriction: 0.0,
        };
        let mut cell = Self {
            body,
            id,
            mother: None,
            daughter: None,
            is_new: true,
            generation: 0,
            is_a_old: true,
            old_pole_age: None,
            growth: 0.0,
            brightness: (0..strain.fluo).map(|_| factor(&mut rng, strain.fluo_cv)).collect(),
            birth_length: body.length,
            to_add: 0.0,
            radius_goal: radius,
        };
        cell.draw(strain, 0);
        cell.body.length += rng.random::<f64>() * cell.to_add;
        cell.pinch();
        cell
    }

    /// Draws what is new in each life.
    fn draw(&mut self, strain: &Strain, frame: u32) {
        let mut rng = strain.rng("lineage-life", self.id, frame);
        let cells = &strain.cells;
        self.growth = strain.growth * factor(&mut rng, cells.growth_cv);
        self.to_add = 0.5 * cells.division_length * factor(&mut rng, cells.adder_cv);
        self.radius_goal = 0.5 * cells.width * factor(&mut rng, cells.width_cv);
        self.body.septum = (0.5 + cells.split_sd * normal(&mut rng)).clamp(0.4, 0.6);
        for brightness in &mut self.brightness {
            let own = factor(&mut rng, strain.fluo_cv);
            *brightness = FLUO_INHERITED * *brightness + (1.0 - FLUO_INHERITED) * own;
        }
    }

    /// Forgets what happened before the last frame.
    pub(super) fn begin_frame(&mut self) {
        (self.daughter, self.is_new) = (None, false);
    }

    /// Grows for a part of a frame.
    pub(super) fn grow(&mut self, frames: f64) {
        let grown = libm::exp(self.growth * frames);
        self.body.length *= grown;
        // Widths forget those of the mother within half a doubling or so.
        self.body.radius += (self.radius_goal - self.body.radius) * (1.0 - 1.0 / (grown * grown));
        self.pinch();
    }

    fn pinch(&mut self) {
        let added = (self.body.length - self.birth_length) / self.to_add;
        self.body.constriction = ((added - SEPTUM_BEGINS) / (1.0 - SEPTUM_BEGINS)).clamp(0.0, 1.0);
    }

    /// Change of length and of area per frame, over length and area.
    pub(super) fn growth_rates(&self) -> [f64; 2] {
        const STEP: f64 = 1e-4;
        let mut later = self.clone();
        later.grow(STEP);
        [self.growth, (later.body.area() / self.body.area() - 1.0) / STEP]
    }

    /// Has added its length, and has not divided since the last frame.
    pub(super) fn is_due(&self) -> bool {
        let length = self.body.length;
        !self.is_new
            && length >= self.birth_length + self.to_add
            && length >= SHORTEST_MOTHER * 2.0 * self.body.radius
    }

    /// Divides at the septum, in place: returns the cells at end A and at end B.
    ///
    /// The lengths of the two add up to that of the one, and they lie where it lay.
    pub(super) fn divide(mut self, new_id: u32, frame: u32, strain: &Strain) -> [Cell; 2] {
        let whole = self.body;
        self.generation = self.generation.saturating_add(1);
        self.is_new = true;
        let part = |from: f64, to: f64| {
            let s = (0.5 * (from + to) - 0.5) * whole.length;
            Body {
                center: whole.point(s, 0.0),
                axis: whole.direction(s),
                length: (to - from) * whole.length,
                constriction: 0.0,
                ..whole
            }
        };
        let mut keeps = Cell {
            body: part(0.0, whole.septum),
            daughter: Some(new_id),
            old_pole_age: Some(self.old_pole_age.unwrap_or(0).saturating_add(1)),
            ..self.clone()
        };
        let mut leaves = Cell {
            body: part(whole.septum, 1.0),
            id: new_id,
            mother: Some(self.id),
            daughter: None,
            // Her old pole was made when her mother was born.
            old_pole_age: Some(1),
            ..self
        };
        if !keeps.is_a_old {
            std::mem::swap(&mut keeps.body, &mut leaves.body);
        }
        // Her old pole is her mother's new one, at the other end.
        leaves.is_a_old = !keeps.is_a_old;
        for cell in [&mut keeps, &mut leaves] {
            cell.birth_length = cell.body.length;
            cell.draw(strain, frame);
            cell.pinch();
        }
        if keeps.is_a_old { [keeps, leaves] } else { [leaves, keeps] }
    }
}
