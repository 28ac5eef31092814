//! Events: waves that cross a footprint, and drift.

use std::f64::consts::TAU;
use std::ops::Range;

use hooke_core::seed::rng_at;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::MovieSimParams;

/// Part of its height below which an event's light is cut.
const CUT: f64 = 0.002;

/// Radii at which the edge of a footprint begins and ends.
const EDGE: [f64; 2] = [0.6, 1.3];

/// Largest drift of a footprint, pixels per frame.
const DRIFT: f64 = 0.2;

/// One row of the table of true events. Boxes are half-open, in frames and pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimEvent {
    /// Its label, from 1.
    pub id: u32,
    /// First frame and the one after the last.
    pub t: [usize; 2],
    /// First row and the one after the last.
    pub y: [usize; 2],
    /// First column and the one after the last.
    pub x: [usize; 2],
    /// Voxels of the movie that it lights enough for a label; 0 if it is never seen.
    pub voxels: u64,
    /// When it begins, frames.
    pub onset: f64,
    /// Where its wave begins, `(y, x)`.
    pub origin: [f64; 2],
    /// The middle of its footprint at onset, `(y, x)`.
    pub centre: [f64; 2],
    /// Mean radius of its footprint, pixels.
    pub radius: f64,
    /// Height over the mean resting light.
    pub amplitude: f64,
    /// Speed of its wave, pixels per frame.
    pub speed: f64,
    /// Drift of its footprint `(y, x)`, pixels per frame.
    pub drift: [f64; 2],
    /// Time constant of its decay, frames.
    pub decay: f64,
}

/// An event as it is drawn.
#[derive(Debug, Clone)]
pub(super) struct Event {
    onset: f64,
    origin: [f64; 2],
    centre: [f64; 2],
    radius: f64,
    /// Photons.
    height: f64,
    amplitude: f64,
    speed: f64,
    drift: [f64; 2],
    rise: f64,
    decay: f64,
    /// Highest value of the time course before it is normalised.
    crest: f64,
    /// Cosine and sine amplitudes of the outline's second and third harmonic.
    outline: [[f64; 2]; 2],
}

/// Draws all events, sorted by onset.
pub(super) fn draw(params: &MovieSimParams) -> Vec<Event> {
    let event = |i| Event::draw(params, i);
    let mut events: Vec<Event> = (0..params.events as i64).map(event).collect();
    events.sort_by(|a, b| a.onset.total_cmp(&b.onset));
    events
}

impl Event {
    fn draw(params: &MovieSimParams, i: i64) -> Self {
        let mut rng = rng_at(params.seed, "movie-events", &[i]);
        let log_uniform =
            |rng: &mut dyn Rng, [low, high]: [f64; 2]| low * (high / low).powf(rng.random::<f64>());
        // A few frames before the end, so that there is something to see.
        let onset = rng.random::<f64>() * (params.frames as f64 - 5.0).max(0.0);
        let centre = params.size.map(|n| rng.random::<f64>() * n as f64);
        let [small, large] = params.radius;
        let radius = small + (large - small) * rng.random::<f64>();
        let amplitude = log_uniform(&mut rng, params.amplitude);
        let speed = log_uniform(&mut rng, params.speed);
        let decay = log_uniform(&mut rng, params.decay);
        let rise = 0.5 + rng.random::<f64>();
        let mut polar = |largest: f64| {
            let (length, angle) = (largest * rng.random::<f64>(), TAU * rng.random::<f64>());
            [length * angle.sin(), length * angle.cos()]
        };
        let from_centre = polar(0.7 * radius);
        let origin = [centre[0] + from_centre[0], centre[1] + from_centre[1]];
        let drift = polar(DRIFT);
        let outline = [polar(0.2), polar(0.12)];
        // The derivative of (1 - exp(-u / rise)) exp(-u / decay) is 0 here.
        let top = rise * (1.0 + decay / rise).ln();
        Self {
            onset,
            origin,
            centre,
            radius,
            height: amplitude * params.photons,
            amplitude,
            speed,
            drift,
            rise,
            decay,
            crest: course(top, rise, decay),
            outline,
        }
    }

    pub(super) fn onset(&self) -> f64 {
        self.onset
    }

    pub(super) fn height(&self) -> f64 {
        self.height
    }

    /// Radius that all its light lies within at any time.
    fn extent(&self) -> f64 {
        EDGE[1] * self.radius * 1.32
    }

    /// How long it can be seen.
    pub(super) fn duration(&self) -> f64 {
        let fades = self.decay * -(CUT * self.crest).ln();
        // The footprint may run away from the wave by its drift.
        let farthest = self.extent() + 0.7 * self.radius;
        fades + (farthest + DRIFT * fades) / (self.speed - DRIFT).max(0.25 * self.speed)
    }

    fn centre_at(&self, t: f64) -> [f64; 2] {
        std::array::from_fn(|d| self.centre[d] + self.drift[d] * (t - self.onset))
    }

    /// Photons at a point of the specimen.
    pub(super) fn light(&self, t: f64, point: [f64; 2]) -> f64 {
        let centre = self.centre_at(t);
        let seen = self.footprint([point[0] - centre[0], point[1] - centre[1]]);
        if seen == 0.0 {
            return 0.0;
        }
        let way = (point[0] - self.origin[0]).hypot(point[1] - self.origin[1]);
        let since = t - self.onset - way / self.speed;
        if since <= 0.0 {
            return 0.0;
        }
        let now = course(since, self.rise, self.decay) / self.crest;
        if now < CUT { 0.0 } else { self.height * seen * now }
    }

    /// Part of the height at a place from the centre: 1 inside, falling smoothly over the edge.
    fn footprint(&self, [y, x]: [f64; 2]) -> f64 {
        let r = y.hypot(x);
        if r == 0.0 {
            return 1.0;
        }
        let (c, s) = (x / r, y / r);
        let harmonics =
            [[2.0 * s * c, c * c - s * s], [s * (4.0 * c * c - 1.0), c * (4.0 * c * c - 3.0)]];
        let bulge: f64 = (0..2)
            .map(|m| self.outline[m][0] * harmonics[m][0] + self.outline[m][1] * harmonics[m][1])
            .sum();
        let rho = r / (self.radius * (1.0 + bulge));
        let u = ((EDGE[1] - rho) / (EDGE[1] - EDGE[0])).clamp(0.0, 1.0);
        u * u * (3.0 - 2.0 * u)
    }

    /// Rows and columns of the frame that its light lies within, so many pixels wider.
    pub(super) fn window(
        &self,
        t: f64,
        size: [usize; 2],
        slack: f64,
    ) -> (Range<usize>, Range<usize>) {
        let centre = self.centre_at(t);
        let reach = self.extent() + slack;
        let range = |d: usize| {
            let len = size[d] as f64;
            let first = (centre[d] - reach).floor().clamp(0.0, len) as usize;
            first..((centre[d] + reach).ceil() + 1.0).clamp(0.0, len) as usize
        };
        (range(0), range(1))
    }

    /// Calls `each` with every pixel `(y, x)` that gets more than `least` photons.
    pub(super) fn each_pixel(
        &self,
        t: f64,
        size: [usize; 2],
        least: f64,
        mut each: impl FnMut((usize, usize), f64),
    ) {
        let (rows, columns) = self.window(t, size, 0.0);
        for y in rows {
            for x in columns.clone() {
                let light = self.light(t, [y as f64, x as f64]);
                if light > least {
                    each((y, x), light);
                }
            }
        }
    }

    /// Its row of the table.
    pub(super) fn row(&self, id: u32, params: &MovieSimParams) -> SimEvent {
        let mut voxels = 0;
        let mut low = [usize::MAX; 3];
        let mut high = [0; 3];
        let least = params.label_level * self.height;
        let end = (self.onset + self.duration()).ceil() as usize + 1;
        for t in self.onset.ceil() as usize..end.min(params.frames) {
            self.each_pixel(t as f64, params.size, 0.0, |(y, x), light| {
                if light >= least {
                    voxels += 1;
                    for (d, p) in [t, y, x].into_iter().enumerate() {
                        low[d] = low[d].min(p);
                        high[d] = high[d].max(p + 1);
                    }
                }
            });
        }
        let side = |d: usize| if voxels > 0 { [low[d], high[d]] } else { [0, 0] };
        SimEvent {
            id,
            t: side(0),
            y: side(1),
            x: side(2),
            voxels,
            onset: self.onset,
            origin: self.origin,
            centre: self.centre,
            radius: self.radius,
            amplitude: self.amplitude,
            speed: self.speed,
            drift: self.drift,
            decay: self.decay,
        }
    }
}

/// The time course: a rise towards 1, and a decay.
fn course(since: f64, rise: f64, decay: f64) -> f64 {
    (1.0 - (-since / rise).exp()) * (-since / decay).exp()
}
