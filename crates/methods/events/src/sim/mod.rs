//! Simulated calcium movies with exact truth.
//!
//! A textured scene (cells, processes, puncta) bleaches; events flash up, spread as waves and drift
//! on it; the specimen moves; a camera counts photons. Every frame is a pure function of the
//! parameters and its number, so that a movie of any length is made in the memory of one frame, and
//! equal seeds give equal pixels in whatever order frames are asked for.
//!
//! Truth is in the coordinates of the specimen, that is of a perfectly registered movie. Shifts have
//! the sign of `registered(y, x) = raw(y + dy, x + dx)`.
//!
//! Light in photons at a point `p` of the specimen: `bleach(t) (base(p) + sum of events(t, p))`; a
//! pixel is `offset + gain Poisson(light) + read noise`, rounded and held in 16 bits.

mod camera;
mod event;
mod motion;
mod scene;

use ndarray::{Array2, Array3};
use serde::{Deserialize, Serialize};

use crate::EventsError;
use camera::PoissonTable;
use event::Event;
pub use event::SimEvent;
use motion::Path;
use scene::Scene;

/// How the specimen moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Motion {
    /// Not at all.
    None,
    /// As a whole.
    Rigid,
    /// As a whole, and bent by a field that is smooth in space and time.
    Piecewise,
}

/// What to simulate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MovieSimParams {
    /// Number of frames.
    pub frames: usize,
    /// Rows and columns of a frame.
    pub size: [usize; 2],
    /// Number of events.
    pub events: usize,
    /// How the specimen moves.
    pub motion: Motion,
    /// Largest shift of the whole per axis, pixels.
    pub max_rigid: f64,
    /// Largest displacement per axis on top of it, pixels.
    pub max_nonrigid: f64,
    /// Mean light of the resting specimen in the first frame, photons per pixel.
    pub photons: f64,
    /// Grey levels per photon.
    pub gain: f64,
    /// Grey level of darkness.
    pub offset: f64,
    /// Standard deviation of the read-out, grey levels.
    pub read_noise: f64,
    /// Part of the light that is lost by the last frame.
    pub bleach: f64,
    /// Smallest and largest height of an event over [`photons`](Self::photons); log-uniform.
    pub amplitude: [f64; 2],
    /// Smallest and largest radius of an event's footprint, pixels.
    pub radius: [f64; 2],
    /// Smallest and largest speed of an event's wave, pixels per frame; log-uniform.
    pub speed: [f64; 2],
    /// Smallest and largest time constant of an event's decay, frames; log-uniform.
    pub decay: [f64; 2],
    /// A voxel belongs to an event that gives it at least this part of the event's height.
    pub label_level: f64,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for MovieSimParams {
    fn default() -> Self {
        Self {
            frames: 1000,
            size: [256, 256],
            events: 60,
            motion: Motion::None,
            max_rigid: 7.2,
            max_nonrigid: 2.0,
            photons: 40.0,
            gain: 8.0,
            offset: 100.0,
            read_noise: 4.0,
            bleach: 0.25,
            amplitude: [0.3, 1.5],
            radius: [5.0, 14.0],
            speed: [0.7, 4.0],
            decay: [4.0, 12.0],
            label_level: 0.1,
            seed: 1,
        }
    }
}

impl MovieSimParams {
    /// Checks every value.
    ///
    /// # Errors
    /// [`EventsError::Parameter`].
    pub fn validate(&self) -> Result<(), EventsError> {
        let range = |[low, high]: [f64; 2]| low > 0.0 && low <= high && high < 1e6;
        let checks = [
            ("frames", self.frames > 0, "at least 1 is wanted"),
            ("size", !self.size.contains(&0), "lengths above 0 are wanted"),
            ("max-rigid", (0.0..=500.0).contains(&self.max_rigid), "0 to 500 pixels are wanted"),
            (
                "max-nonrigid",
                (0.0..=20.0).contains(&self.max_nonrigid),
                "0 to 20 pixels are wanted",
            ),
            ("photons", (0.0..1e9).contains(&self.photons), "a number >= 0 is wanted"),
            ("gain", self.gain > 0.0 && self.gain < 1e9, "a number above 0 is wanted"),
            ("offset", self.offset.abs() < 1e9, "a number is wanted"),
            ("read-noise", (0.0..1e9).contains(&self.read_noise), "a number >= 0 is wanted"),
            ("bleach", (0.0..1.0).contains(&self.bleach), "a part from 0 to below 1 is wanted"),
            ("amplitude", range(self.amplitude), "two numbers above 0 are wanted, ascending"),
            ("radius", range(self.radius), "two numbers above 0 are wanted, ascending"),
            ("speed", range(self.speed), "two numbers above 0 are wanted, ascending"),
            ("decay", range(self.decay), "two numbers above 0 are wanted, ascending"),
            (
                "label-level",
                self.label_level > 0.0 && self.label_level < 1.0,
                "a part between 0 and 1 is wanted",
            ),
        ];
        match checks.into_iter().find(|(_, is_sound, _)| !is_sound) {
            Some((name, _, wanted)) => {
                Err(EventsError::Parameter { name, reason: wanted.to_owned() })
            }
            None => Ok(()),
        }
    }
}

/// A movie: what happens in it is drawn now, its frames are made on demand.
#[derive(Debug, Clone)]
pub struct MovieSim {
    params: MovieSimParams,
    scene: Scene,
    /// Resting light at the pixels of a still frame.
    rest: Array2<f64>,
    path: Path,
    /// By rising onset; event `i` has the id `i + 1`.
    events: Vec<Event>,
    /// Longest time that an event is seen, frames.
    longest: f64,
    poisson: PoissonTable,
}

impl MovieSim {
    /// Draws scene, motion and events.
    ///
    /// # Errors
    /// As [`MovieSimParams::validate`].
    pub fn new(params: MovieSimParams) -> Result<Self, EventsError> {
        params.validate()?;
        let path = Path::draw(&params);
        let scene = Scene::draw(&params);
        let events = event::draw(&params);
        let longest = events.iter().map(Event::duration).fold(0.0, f64::max);
        let [height, width] = params.size;
        let rest = Array2::from_shape_fn((height, width), |(y, x)| scene.at([y as f64, x as f64]));
        Ok(Self { scene, rest, path, events, longest, poisson: PoissonTable::new(), params })
    }

    /// What is simulated.
    pub fn params(&self) -> &MovieSimParams {
        &self.params
    }

    /// Frame `t` as the camera gives it, `(y, x)`.
    pub fn frame(&self, t: usize) -> Array2<u16> {
        let light = self.light(t);
        self.poisson.expose(&self.params, t, &light)
    }

    /// The mean of [`frame`](Self::frame) over all noise: moved, but neither counted nor rounded.
    pub fn clean_frame(&self, t: usize) -> Array2<f32> {
        let grey = |photons: f64| (self.params.offset + self.params.gain * photons) as f32;
        self.light(t).mapv(grey)
    }

    /// True background of frame `t` in grey levels, as the specimen lies: what is seen without events.
    pub fn background(&self, t: usize) -> Array2<f32> {
        let scale = self.params.gain * self.bleach(t);
        self.rest.mapv(|photons| (self.params.offset + scale * photons) as f32)
    }

    /// True dF of frame `t` in grey levels, as the specimen lies: the light of events.
    pub fn df(&self, t: usize) -> Array2<f32> {
        let scale = self.params.gain * self.bleach(t);
        let mut sum = Array2::<f64>::zeros(self.params.size);
        for (_, event) in self.active(t) {
            event.each_pixel(t as f64, self.params.size, 0.0, |at, light| sum[at] += light);
        }
        sum.mapv(|photons| (scale * photons) as f32)
    }

    /// Id of the event that each voxel of frame `t` belongs to, 0 for none, as the specimen lies.
    ///
    /// Of several events the one that gives most light has the voxel, the lower id if they are equal.
    pub fn labels(&self, t: usize) -> Array2<u32> {
        let mut labels = Array2::zeros(self.params.size);
        let mut most = Array2::<f64>::zeros(self.params.size);
        for (i, event) in self.active(t) {
            let least = self.params.label_level * event.height();
            event.each_pixel(t as f64, self.params.size, 0.0, |at, light| {
                if light >= least && light > most[at] {
                    most[at] = light;
                    labels[at] = i as u32 + 1;
                }
            });
        }
        labels
    }

    /// True shift `(dy, dx)` of frame `t` as a whole: the mean of [`field`](Self::field).
    pub fn shift(&self, t: usize) -> [f64; 2] {
        self.path.rigid(t)
    }

    /// True displacement `(dy, dx)` of frame `t` at a point `(y, x)` of the specimen.
    pub fn displacement(&self, t: usize, point: [f64; 2]) -> [f64; 2] {
        self.path.displacement(t, point)
    }

    /// True displacements of frame `t`, `(y, x, 2)`, the last axis being `(dy, dx)`.
    pub fn field(&self, t: usize) -> Array3<f32> {
        let [height, width] = self.params.size;
        let (grid, first) = self.path.grid(t);
        Array3::from_shape_fn((height, width, 2), |(y, x, d)| {
            grid[[y + first, x + first]][d] as f32
        })
    }

    /// The table of events, ids from 1 in the order of onset.
    ///
    /// Boxes and counts are of an event's own light; where a brighter one covers it, the labels are
    /// the other's.
    pub fn events(&self) -> Vec<SimEvent> {
        let row = |(i, event): (usize, &Event)| event.row(i as u32 + 1, &self.params);
        self.events.iter().enumerate().map(row).collect()
    }

    /// Events that may be seen in frame `t`, with their numbers.
    fn active(&self, t: usize) -> impl Iterator<Item = (usize, &Event)> {
        let t = t as f64;
        let first = self.events.partition_point(|e| e.onset() < t - self.longest);
        let end = self.events.partition_point(|e| e.onset() <= t);
        (first..end).map(|i| (i, &self.events[i]))
    }

    /// Part of the light that is left in frame `t`.
    fn bleach(&self, t: usize) -> f64 {
        let last = (self.params.frames as f64 - 1.0).max(1.0);
        (1.0 - self.params.bleach).powf(t as f64 / last)
    }

    /// Photons of frame `t` as the camera sees it.
    fn light(&self, t: usize) -> Array2<f64> {
        let places = self.path.places(t);
        let mut light = match self.params.motion {
            Motion::None => self.rest.clone(),
            _ => places.map(|p| self.scene.at(*p)),
        };
        let slack = self.path.reach();
        for (_, event) in self.active(t) {
            // Pixels of the camera near the event; what each of them sees is elsewhere.
            let (rows, columns) = event.window(t as f64, self.params.size, slack);
            for y in rows {
                for x in columns.clone() {
                    light[[y, x]] += event.light(t as f64, places[[y, x]]);
                }
            }
        }
        let bleach = self.bleach(t);
        light.mapv(|photons| photons * bleach)
    }
}
