//! How the specimen moves.

use std::f64::consts::TAU;

use hooke_core::seed::rng_at;
use ndarray::Array2;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::{Motion, MovieSimParams};

/// Waves that bend the specimen, per axis.
const WAVES: usize = 4;

/// Shortest wave, pixels: bilinear interpolation of the field errs by less than 0.001 px then.
const SHORTEST_WAVE: f64 = 160.0;

/// Rounds in which the place that a pixel sees is found.
const ROUNDS: usize = 8;

/// Shifts of all frames, and the waves of the field.
#[derive(Debug, Clone)]
pub(super) struct Path {
    size: [usize; 2],
    rigid: Vec<[f64; 2]>,
    /// Per axis of the displacement; empty without bending.
    waves: [Vec<Wave>; 2],
    reach: f64,
}

/// `sin(time) cos(y) cos(x)`, its mean over the frame taken out.
#[derive(Debug, Clone)]
struct Wave {
    amplitude: f64,
    /// Turns per frame and phase.
    time: [f64; 2],
    /// Turns per pixel and phase, along y and x.
    space: [[f64; 2]; 2],
    /// Mean of the spatial part over the pixels of a frame.
    mean: f64,
}

impl Wave {
    fn at_time(&self, t: f64) -> f64 {
        self.amplitude * (TAU * (self.time[0] * t + self.time[1])).sin()
    }

    fn along(&self, axis: usize, p: f64) -> f64 {
        let [turns, phase] = self.space[axis];
        (TAU * (turns * p + phase)).cos()
    }
}

impl Path {
    pub(super) fn draw(params: &MovieSimParams) -> Self {
        let moves = params.motion != Motion::None;
        let rigid = if moves { wander(params) } else { vec![[0.0; 2]; params.frames] };
        let bends = params.motion == Motion::Piecewise;
        let waves = [0, 1].map(|axis| if bends { waves(params, axis) } else { Vec::new() });
        let rigid_reach = if moves { params.max_rigid } else { 0.0 };
        let reach = rigid_reach + if bends { params.max_nonrigid } else { 0.0 };
        Self { size: params.size, rigid, waves, reach }
    }

    /// Largest displacement, pixels.
    pub(super) fn reach(&self) -> f64 {
        self.reach
    }

    /// Shift of a frame as a whole; the last one goes on.
    pub(super) fn rigid(&self, t: usize) -> [f64; 2] {
        self.rigid.get(t).or(self.rigid.last()).copied().unwrap_or_default()
    }

    pub(super) fn displacement(&self, t: usize, point: [f64; 2]) -> [f64; 2] {
        let rigid = self.rigid(t);
        std::array::from_fn(|d| {
            let wave = |w: &Wave| {
                let space = w.along(0, point[0]) * w.along(1, point[1]) - w.mean;
                w.at_time(t as f64) * space
            };
            rigid[d] + self.waves[d].iter().map(wave).sum::<f64>()
        })
    }

    /// Displacements at whole pixels, from so many pixels before the frame to as many after it.
    pub(super) fn grid(&self, t: usize) -> (Array2<[f64; 2]>, usize) {
        let margin = self.reach.ceil() as usize + 2;
        let [height, width] = self.size.map(|n| n + 2 * margin);
        let mut grid = Array2::from_elem((height, width), self.rigid(t));
        for (d, waves) in self.waves.iter().enumerate() {
            for wave in waves {
                let now = wave.at_time(t as f64);
                let line = |axis: usize, len: usize| -> Vec<f64> {
                    (0..len).map(|i| wave.along(axis, i as f64 - margin as f64)).collect()
                };
                let (ys, xs) = (line(0, height), line(1, width));
                for (mut row, y) in grid.outer_iter_mut().zip(&ys) {
                    for (value, x) in row.iter_mut().zip(&xs) {
                        value[d] += now * (y * x - wave.mean);
                    }
                }
            }
        }
        (grid, margin)
    }

    /// The place of the specimen that each pixel of frame `t` sees: `p` with `p + d(p) = pixel`.
    pub(super) fn places(&self, t: usize) -> Array2<[f64; 2]> {
        let [height, width] = self.size;
        let rigid = self.rigid(t);
        let start = |(y, x): (usize, usize)| [y as f64 - rigid[0], x as f64 - rigid[1]];
        if self.waves.iter().all(Vec::is_empty) {
            return Array2::from_shape_fn((height, width), start);
        }
        let (grid, margin) = self.grid(t);
        Array2::from_shape_fn((height, width), |at| {
            let pixel = [at.0 as f64, at.1 as f64];
            let mut p = start(at);
            for _ in 0..ROUNDS {
                let d = bilinear(&grid, [p[0] + margin as f64, p[1] + margin as f64]);
                p = [pixel[0] - d[0], pixel[1] - d[1]];
            }
            p
        })
    }
}

fn bilinear(grid: &Array2<[f64; 2]>, point: [f64; 2]) -> [f64; 2] {
    let (height, width) = grid.dim();
    let cell = |p: f64, len: usize| {
        let p = p.clamp(0.0, len as f64 - 1.0 - 1e-9);
        (p as usize, p.fract())
    };
    let (y, fy) = cell(point[0], height);
    let (x, fx) = cell(point[1], width);
    std::array::from_fn(|d| {
        let row = |y: usize| (1.0 - fx) * grid[[y, x]][d] + fx * grid[[y, x + 1]][d];
        (1.0 - fy) * row(y) + fy * row(y + 1)
    })
}

/// Slow drift, jitter that fades, now and then a jerk; held softly within the largest shift.
fn wander(params: &MovieSimParams) -> Vec<[f64; 2]> {
    let mut rng = rng_at(params.seed, "movie-motion", &[]);
    let drift: [[f64; 2]; 2] = std::array::from_fn(|_| [rng.random(), rng.random()]);
    let mut jitter = [0.0_f64; 2];
    let mut path = Vec::with_capacity(params.frames);
    for t in 0..params.frames {
        let is_jerk = rng.random::<f64>() < 0.01;
        for jitter in &mut jitter {
            let step: f64 = StandardNormal.sample(&mut rng);
            *jitter = 0.9 * *jitter + step * if is_jerk { 3.0 } else { 0.5 };
        }
        let shift = |d: usize| {
            let [period, phase] = drift[d];
            let slow = 3.0 * (TAU * (t as f64 / (250.0 + 500.0 * period) + phase)).sin();
            let limit = params.max_rigid;
            if limit > 0.0 { limit * ((slow + jitter[d]) / limit).tanh() } else { 0.0 }
        };
        path.push([shift(0), shift(1)]);
    }
    path
}

fn waves(params: &MovieSimParams, axis: usize) -> Vec<Wave> {
    let mut rng = rng_at(params.seed, "movie-waves", &[axis as i64]);
    let mut waves: Vec<Wave> = (0..WAVES)
        .map(|_| {
            let period = 20.0 * 10f64.powf(rng.random::<f64>());
            let space = params.size.map(|n| {
                let longest = (2.0 * n as f64).max(SHORTEST_WAVE);
                let shortest = (0.8 * n as f64).max(SHORTEST_WAVE);
                let length = shortest * (longest / shortest).powf(rng.random::<f64>());
                [1.0 / length, rng.random::<f64>()]
            });
            Wave { amplitude: 0.0, time: [1.0 / period, rng.random()], space, mean: 0.0 }
        })
        .collect();
    // The sum of all waves at their worst is the largest displacement: a wave without its mean
    // reaches up to 1 + |mean|.
    let mut total = 0.0;
    for wave in &mut waves {
        let mean = |axis: usize| {
            let n = params.size[axis];
            (0..n).map(|i| wave.along(axis, i as f64)).sum::<f64>() / n as f64
        };
        wave.mean = mean(0) * mean(1);
        total += 1.0 + wave.mean.abs();
    }
    for wave in &mut waves {
        wave.amplitude = params.max_nonrigid / total;
    }
    waves
}
