//! Round objects that do not overlap, and what a tile sees of them.

use std::collections::HashMap;

use hooke_core::seed::rng_at;
use ndarray::Array3;
use rand::{Rng, RngExt};

/// Places tried per object before the sample counts as full.
const TRIES: usize = 50;

/// Balls that do not overlap.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    balls: Vec<Ball>,
}

#[derive(Debug, Clone, Copy)]
struct Ball {
    centre: [f64; 3],
    radius: f64,
}

impl Objects {
    /// Throws balls until `n` found room; fewer when the sample is full.
    pub fn draw(n: usize, radius: [f64; 2], extent: [usize; 3], seed: u64) -> Objects {
        let mut rng = rng_at(seed, "objects", &[]);
        let mut balls: Vec<Ball> = Vec::new();
        let mut cells: HashMap<[i64; 3], Vec<usize>> = HashMap::new();
        let cell = |p: &[f64; 3]| p.map(|v| (v / (2.0 * radius[1])).floor() as i64);
        for _ in 0..n * TRIES {
            if balls.len() == n {
                break;
            }
            let centre = extent.map(|length| rng.random::<f64>() * length as f64 - 0.5);
            let ball = Ball { centre, radius: rng.random_range(radius[0]..=radius[1]) };
            let home = cell(&centre);
            let near = (0..27).filter_map(|i| {
                let at = [home[0] + i / 9 - 1, home[1] + i / 3 % 3 - 1, home[2] + i % 3 - 1];
                cells.get(&at)
            });
            if near.flatten().all(|i| ball.is_clear_of(&balls[*i])) {
                cells.entry(home).or_default().push(balls.len());
                balls.push(ball);
            }
        }
        Objects { balls }
    }

    /// The balls that may have a voxel in a box, ascending; `margin` is added to their radius.
    pub fn in_box(&self, start: [i64; 3], shape: [usize; 3], margin: f64) -> Vec<usize> {
        let touches = |ball: &Ball| {
            (0..3).all(|d| {
                let reach = ball.radius + margin;
                let (first, end) = (start[d] as f64, start[d] as f64 + shape[d] as f64);
                ball.centre[d] + reach >= first && ball.centre[d] - reach <= end - 1.0
            })
        };
        (0..self.balls.len()).filter(|i| touches(&self.balls[*i])).collect()
    }

    /// Draws `(ball, outline, label)` into a box; where two outlines meet, the one of the larger
    /// depth stands.
    pub fn render(
        &self,
        seen: impl Iterator<Item = (usize, Outline, u64)>,
        start: [i64; 3],
        shape: [usize; 3],
    ) -> Array3<u64> {
        let mut labels = Array3::zeros(shape);
        let mut depth = Array3::from_elem(shape, 1.0f64);
        for (number, outline, label) in seen {
            let ball = &self.balls[number];
            let reach = ball.radius + outline.jitter;
            let range = |d: usize| {
                let centre = ball.centre[d] - start[d] as f64;
                let first = (centre - reach).ceil().max(0.0) as usize;
                let end = ((centre + reach).floor() + 1.0).clamp(0.0, shape[d] as f64) as usize;
                first..end
            };
            for z in range(0) {
                for y in range(1) {
                    for x in range(2) {
                        let at = [z, y, x];
                        let offset = std::array::from_fn(|d| {
                            (at[d] as i64 + start[d]) as f64 - ball.centre[d]
                        });
                        let relative = outline.relative(offset, ball.radius);
                        if relative < depth[at] {
                            (labels[at], depth[at]) = (label, relative);
                        }
                    }
                }
            }
        }
        labels
    }
}

impl Ball {
    fn is_clear_of(&self, other: &Ball) -> bool {
        let squared: f64 = (0..3).map(|d| (self.centre[d] - other.centre[d]).powi(2)).sum();
        squared >= (self.radius + other.radius).powi(2)
    }
}

/// How one tile sees the border of one object.
#[derive(Debug, Clone)]
pub(crate) struct Outline {
    /// Largest distance from the true border.
    pub jitter: f64,
    /// Directions and phases of waves around the object.
    waves: [([f64; 3], f64); 3],
}

impl Outline {
    /// The outline of an object in a tile; without jitter it is the object's own.
    pub fn new(jitter: f64, seed: u64, tile: usize, object: usize) -> Outline {
        let mut rng = rng_at(seed, "outline", &[tile as i64, object as i64]);
        let wave = |rng: &mut dyn Rng| {
            let direction = std::array::from_fn(|_| rng.random_range(-3.0..=3.0));
            (direction, rng.random::<f64>() * std::f64::consts::TAU)
        };
        Outline { jitter, waves: std::array::from_fn(|_| wave(&mut rng)) }
    }

    /// Distance from the centre over the radius in that direction: below 1 inside.
    fn relative(&self, offset: [f64; 3], radius: f64) -> f64 {
        let distance = offset.iter().map(|v| v * v).sum::<f64>().sqrt();
        if self.jitter == 0.0 || distance == 0.0 {
            return distance / radius;
        }
        let wave = |(direction, phase): &([f64; 3], f64)| {
            let along: f64 = (0..3).map(|d| direction[d] * offset[d] / distance).sum();
            (along + phase).cos()
        };
        let moved = self.jitter * self.waves.iter().map(wave).sum::<f64>() / 3.0;
        distance / (radius + moved).max(f64::MIN_POSITIVE)
    }
}
