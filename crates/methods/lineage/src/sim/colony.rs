//! Cells on a pad: they grow, push each other outwards, and bend a little where they are pressed.
//!
//! Each cell is three points (both ends of its axis and the middle). Positions are relaxed until cells no
//! longer overlap: position-based dynamics (Müller et al. 2007, doi:10.1016/j.jvcir.2007.01.005), in a fixed
//! order, without inertia.

use super::body::{Body, distance, dot};
use super::cell::{Cell, Strain};
use super::params::ColonyParams;
use super::random::normal;

/// Steps per frame grow cells by this part at most.
const GROWTH_PER_STEP: f64 = 0.01;

/// Rounds of relaxation after each step, and the overlap in pixels that ends it early.
const ROUNDS: usize = 80;
const OVERLAP: f64 = 0.02;

/// Part of its bend that a cell gives up per round.
const STRAIGHTENING: f64 = 0.02;

/// Contacts are looked for among cells that are nearer than this many pixels after a step.
const NEAR: f64 = 3.0;

type Point = [f64; 2];
/// Ends and middle of the part of the axis between the caps.
type Spine = [Point; 3];

/// The cells of a pad.
#[derive(Debug, Clone)]
pub(super) struct Colony {
    params: ColonyParams,
    strain: Strain,
    pub(super) cells: Vec<Cell>,
    ids: u32,
}

impl Colony {
    pub(super) fn new(params: &ColonyParams) -> Self {
        let strain = Strain {
            seed: params.seed,
            position: params.position,
            roi: 0,
            growth: params.growth,
            fluo: params.fluo,
            fluo_cv: params.optics.fluo_cv,
            cells: params.cells.clone(),
        };
        let mut cells: Vec<Cell> =
            (1..=params.founders).map(|id| Cell::founder(id, &strain)).collect();
        let middle = 0.5 * (params.size as f64 - 1.0);
        // Founders lie on a sunflower's spiral: apart from each other, whatever their number.
        for (i, cell) in cells.iter_mut().enumerate() {
            let mut rng = strain.rng("lineage-place", cell.id, 0);
            let radius = 1.2 * params.cells.division_length * ((i as f64 + 0.3).sqrt() - 0.4);
            let at = cell.body.turned(2.399_963 * i as f64 + 0.5 * normal(&mut rng));
            cell.body.center = at.map(|v| middle + radius * v);
            cell.body.axis = cell.body.turned(2.0 * normal(&mut rng));
            // A founder's old pole is the upper one: nothing is known of her past.
            cell.is_a_old = cell.body.axis[0] >= 0.0;
        }
        let mut colony = Self { params: params.clone(), strain, ids: params.founders, cells };
        colony.relax();
        colony
    }

    pub(super) fn params(&self) -> &ColonyParams {
        &self.params
    }

    /// Lets a frame pass.
    pub(super) fn advance(&mut self, frame: u32) {
        self.cells.iter_mut().for_each(Cell::begin_frame);
        let steps = (self.params.growth / GROWTH_PER_STEP).ceil().max(1.0) as u32;
        for _ in 0..steps {
            if self.cells.len() >= self.params.max_cells as usize {
                self.cells.iter_mut().for_each(|c| c.growth = 0.0);
            }
            self.grow(1.0 / f64::from(steps), frame);
            self.relax();
        }
        self.cells.sort_by_key(|c| c.id);
    }

    fn grow(&mut self, frames: f64, frame: u32) {
        let before = std::mem::take(&mut self.cells);
        let living = before.len();
        for (i, mut cell) in before.into_iter().enumerate() {
            cell.grow(frames);
            let number = self.cells.len() + living - i;
            if !cell.is_due() || number >= self.params.max_cells as usize {
                self.cells.push(cell);
                continue;
            }
            self.ids += 1;
            let mut daughters = cell.divide(self.ids, frame, &self.strain);
            for daughter in &mut daughters {
                let mut rng = self.strain.rng("lineage-kick", daughter.id, frame);
                let kick = self.params.kick * normal(&mut rng).clamp(-3.0, 3.0);
                daughter.body.axis = daughter.body.turned(kick);
            }
            self.cells.extend(daughters);
        }
    }

    /// Moves and bends cells until none overlap, as far as the rounds reach.
    fn relax(&mut self) {
        let gap = self.params.cells.gap;
        let mut spines: Vec<Spine> = self.cells.iter().map(|c| spine(&c.body)).collect();
        let bodies: Vec<Body> = self.cells.iter().map(|c| c.body).collect();
        let pairs = near_pairs(&bodies, gap + NEAR);
        for _ in 0..ROUNDS {
            let mut worst: f64 = 0.0;
            for &(i, j) in &pairs {
                let reach = bodies[i].radius + bodies[j].radius + gap;
                let [mut a, mut b] = [spines[i], spines[j]];
                worst = worst.max(push_apart(&mut a, &mut b, reach));
                [spines[i], spines[j]] = [a, b];
            }
            for (spine, body) in spines.iter_mut().zip(&bodies) {
                keep_shape(spine, arm(body), self.params.bend);
            }
            if worst < OVERLAP {
                break;
            }
        }
        for (cell, spine) in self.cells.iter_mut().zip(&spines) {
            set_from_spine(&mut cell.body, spine, self.params.bend);
        }
    }
}

/// Length of the axis between the caps, at least a little.
fn arm(body: &Body) -> f64 {
    (body.length - 2.0 * body.radius).max(0.1)
}

fn spine(body: &Body) -> Spine {
    let half = 0.5 * arm(body);
    [body.point(-half, 0.0), body.center, body.point(half, 0.0)]
}

/// Pairs `i < j` of bodies that may touch, ascending.
fn near_pairs(bodies: &[Body], room: f64) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (i, a) in bodies.iter().enumerate() {
        for (j, b) in bodies.iter().enumerate().skip(i + 1) {
            if distance(a.center, b.center) < a.reach() + b.reach() + room {
                pairs.push((i, j));
            }
        }
    }
    pairs
}

fn between(a: Point, b: Point, t: f64) -> Point {
    [0, 1].map(|i| a[i] + t * (b[i] - a[i]))
}

/// Places on two segments that are nearest to each other, as parts of their lengths (Ericson 2004, 5.1.9).
fn nearest(a: [Point; 2], b: [Point; 2]) -> (f64, f64) {
    let d1 = [0, 1].map(|i| a[1][i] - a[0][i]);
    let d2 = [0, 1].map(|i| b[1][i] - b[0][i]);
    let r = [0, 1].map(|i| a[0][i] - b[0][i]);
    let (aa, bb, ab) = (dot(d1, d1), dot(d2, d2), dot(d1, d2));
    let (c, f) = (dot(d1, r), dot(d2, r));
    let determinant = aa * bb - ab * ab;
    let mut s = 0.0;
    if determinant > 1e-9 {
        s = ((ab * f - c * bb) / determinant).clamp(0.0, 1.0);
    }
    let t = (ab * s + f) / bb;
    if t < 0.0 {
        ((-c / aa).clamp(0.0, 1.0), 0.0)
    } else if t > 1.0 {
        (((ab - c) / aa).clamp(0.0, 1.0), 1.0)
    } else {
        (s, t)
    }
}

/// Moves two spines apart where they are nearer than `reach`; returns the deepest overlap.
fn push_apart(a: &mut Spine, b: &mut Spine, reach: f64) -> f64 {
    let mut worst: f64 = 0.0;
    for i in 0..2 {
        for j in 0..2 {
            let (s, t) = nearest([a[i], a[i + 1]], [b[j], b[j + 1]]);
            let (p, q) = (between(a[i], a[i + 1], s), between(b[j], b[j + 1], t));
            let apart = distance(p, q);
            let overlap = reach - apart;
            if overlap <= 0.0 {
                continue;
            }
            worst = worst.max(overlap);
            let (from, to, length) = if apart > 1e-6 {
                (p, q, apart)
            } else {
                // Crossing axes have no direction between them: away from each other's middle.
                (a[1], b[1], distance(a[1], b[1]).max(1e-6))
            };
            let away = [0, 1].map(|k| (to[k] - from[k]) / length);
            let weights = (1.0 - s) * (1.0 - s) + s * s + (1.0 - t) * (1.0 - t) + t * t;
            let step = overlap / weights;
            for k in 0..2 {
                a[i][k] -= step * (1.0 - s) * away[k];
                a[i + 1][k] -= step * s * away[k];
                b[j][k] += step * (1.0 - t) * away[k];
                b[j + 1][k] += step * t * away[k];
            }
        }
    }
    worst
}

/// Brings a spine back to its length, and bends it no further than it may.
fn keep_shape(spine: &mut Spine, arm: f64, bend: f64) {
    let [a, m, b] = *spine;
    let chord = distance(a, b).max(1e-6);
    let along = [0, 1].map(|k| (b[k] - a[k]) / chord);
    let across = [along[1], -along[0]];
    let center = [0, 1].map(|k| (a[k] + m[k] + b[k]) / 3.0);
    let middle = [0, 1].map(|k| 0.5 * (a[k] + b[k]));
    let sagitta = dot([m[0] - middle[0], m[1] - middle[1]], across) * (1.0 - STRAIGHTENING);
    let most = bend * arm / 8.0;
    let sagitta = sagitta.clamp(-most, most);
    let half = (0.25 * arm * arm - sagitta * sagitta).max(0.0).sqrt();
    // The middle of the three points stays where it is.
    let at = |s: f64, n: f64| [0, 1].map(|k| center[k] + s * along[k] + n * across[k]);
    *spine = [at(-half, -sagitta / 3.0), at(0.0, 2.0 * sagitta / 3.0), at(half, -sagitta / 3.0)];
}

fn set_from_spine(body: &mut Body, spine: &Spine, bend: f64) {
    let [a, m, b] = *spine;
    let chord = distance(a, b).max(1e-6);
    body.axis = [0, 1].map(|k| (b[k] - a[k]) / chord);
    body.center = m;
    let middle = [0, 1].map(|k| 0.5 * (a[k] + b[k]));
    let arm = arm(body);
    let bent = dot([middle[0] - m[0], middle[1] - m[1]], body.side());
    let most = bend / arm;
    body.curvature = (8.0 * bent / (arm * arm)).clamp(-most, most);
}
