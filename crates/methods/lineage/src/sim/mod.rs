//! Simulated movies of bacteria with exact truth: a mother machine and a colony on a pad.
//!
//! Cells are spherocylinders that grow exponentially, divide after adding a length (adder), stand in
//! channels or push each other apart on a pad, and are seen in phase contrast and fluorescence through a
//! point-spread function and a camera with noise. Frames are made one after the other; equal seeds give
//! equal bits on every machine, with any number of threads.

mod body;
mod cell;
mod channels;
mod colony;
mod optics;
mod params;
mod random;
mod truth;
mod view;

pub use params::{CellParams, ColonyParams, MotherMachineParams, OpticsParams, SimOpenEnd};
pub use truth::{TrueCell, TrueTrack};

use hooke_core::seed::rng_at;
use ndarray::Array2;
use rand::RngExt;

use crate::LineageError;
use body::Body;
use cell::Cell;
use channels::Channels;
use colony::Colony;
use optics::{Field, Speck};
use random::normal;
use truth::Tracks;
use view::View;

/// Part of its drift that a stage loses per frame, and how far it goes at most, pixels.
const DRIFT_RETURNS: f64 = 0.05;
const FARTHEST: f64 = 16.0;

/// A movie: an iterator over its frames.
///
/// Memory: the living cells, the tracks so far, and a few images while a frame is made.
#[derive(Debug, Clone)]
pub struct Movie {
    scene: Scene,
    shape: [usize; 2],
    rotation: f64,
    view: View,
    specks: Vec<Speck>,
    tracks: Tracks,
    next: u32,
}

#[derive(Debug, Clone)]
enum Scene {
    Channels(Channels),
    Colony(Colony),
}

/// One frame with its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct SimFrame {
    /// Number, from 0.
    pub frame: u32,
    /// `(y, x)`: phase contrast, then the fluorescence channels.
    pub images: Vec<Array2<u16>>,
    /// `(y, x)`: the number of the track of the cell whose outline holds the pixel's centre, else 0.
    pub labels: Array2<u32>,
    /// The cells with at least one pixel, by place and number.
    pub cells: Vec<TrueCell>,
    /// How far the content has moved from the first frame, `(x, y)` pixels in the levelled picture.
    pub drift: [f64; 2],
}

impl Movie {
    /// Cells in channels.
    ///
    /// # Errors
    /// As [`MotherMachineParams::validate`].
    pub fn mother_machine(params: &MotherMachineParams) -> Result<Self, LineageError> {
        params.validate()?;
        let shape = Channels::shape(params);
        let scene = Scene::Channels(Channels::new(params));
        Ok(Self::new(scene, shape, params.rotation, params.debris))
    }

    /// Cells on a pad.
    ///
    /// # Errors
    /// As [`ColonyParams::validate`].
    pub fn colony(params: &ColonyParams) -> Result<Self, LineageError> {
        params.validate()?;
        let scene = Scene::Colony(Colony::new(params));
        Ok(Self::new(scene, [params.size; 2], params.rotation, params.debris))
    }

    fn new(scene: Scene, shape: [usize; 2], rotation: f64, debris: u32) -> Self {
        let view = View::new(shape, rotation);
        let mut movie = Self {
            scene,
            shape,
            rotation,
            view,
            specks: vec![],
            tracks: Tracks::default(),
            next: 0,
        };
        let common = movie.scene.common();
        let mut rng = rng_at(common.seed, "lineage-debris", &[common.position.into()]);
        let mut speck = |_| Speck {
            at: shape.map(|n| rng.random::<f64>() * n as f64),
            sigma: 0.8 + 1.4 * rng.random::<f64>(),
            light: 0.25 * (2.0 * rng.random::<f64>() - 1.0),
        };
        movie.specks = (0..debris).map(&mut speck).collect();
        movie
    }

    /// Height and width of the images.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Degrees, counter-clockwise on the screen, by which images are to be turned to be level.
    pub fn rotation_deg(&self) -> f64 {
        self.rotation
    }

    /// Boxes `[xtl, ytl, xbr, ybr]` of the channels, half-open, in the levelled first frame; the whole frame
    /// of a colony. The n-th is that of the cells with `roi` n.
    pub fn boxes(&self) -> Vec<[i64; 4]> {
        match &self.scene {
            Scene::Channels(channels) => channels.boxes(),
            Scene::Colony(_) => vec![[0, 0, self.shape[1] as i64, self.shape[0] as i64]],
        }
    }

    /// The tracks of all frames made so far, by label.
    pub fn tracks(&self) -> &[TrueTrack] {
        self.tracks.all()
    }

    fn advance(&mut self) {
        let frame = self.next;
        match &mut self.scene {
            Scene::Channels(channels) => channels.advance(frame),
            Scene::Colony(colony) => colony.advance(frame),
        }
        let Common { seed, position, drift, .. } = self.scene.common();
        let mut rng = rng_at(seed, "lineage-drift", &[position.into(), frame.into()]);
        for moved in &mut self.view.drift {
            *moved = (*moved * (1.0 - DRIFT_RETURNS) + drift * normal(&mut rng))
                .clamp(-FARTHEST, FARTHEST);
        }
        for at in self.specks.iter_mut().flat_map(|s| &mut s.at) {
            *at += 0.2 * normal(&mut rng);
        }
    }

    fn expose(&mut self) -> SimFrame {
        let Self { scene, view, shape, specks, tracks, next: frame, .. } = self;
        let (shape, frame) = (*shape, *frame);
        let living = scene.living();
        let bodies: Vec<Body> = living.iter().map(|(_, c)| view.body(&c.body)).collect();
        let indices = truth::draw(shape, &bodies);
        let field = Field {
            shape,
            bodies: &bodies,
            brightness: living.iter().map(|(_, c)| c.brightness.as_slice()).collect(),
            specks,
            background: scene.background(view, shape),
        };
        let Common { seed, position, optics, .. } = scene.common();
        let levels = optics::expose(optics, &field);
        let image = |(channel, levels)| {
            let place = [position.into(), frame.into(), channel];
            optics::photograph(optics, seed, place, levels)
        };
        let images = (0..).zip(&levels).map(image).collect();
        let cells = tracks.rows(frame, &living, &bodies, &indices, &levels[1..]);
        let labels = truth::labels(&indices, living.len(), &cells);
        let cells = cells.into_iter().map(|(_, cell)| cell).collect();
        SimFrame { frame, images, labels, cells, drift: view.drift }
    }
}

impl Scene {
    fn common(&self) -> Common<'_> {
        match self {
            Scene::Channels(c) => {
                let p = c.params();
                Common::new(p.seed, p.position, p.frames, p.drift, &p.optics)
            }
            Scene::Colony(c) => {
                let p = c.params();
                Common::new(p.seed, p.position, p.frames, p.drift, &p.optics)
            }
        }
    }

    /// The cells with the number of their place, by both.
    fn living(&self) -> Vec<(u16, &Cell)> {
        match self {
            Scene::Channels(channels) => channels.cells(),
            Scene::Colony(colony) => colony.cells.iter().map(|c| (0, c)).collect(),
        }
    }

    /// Light without cells, seen through a view.
    fn background(&self, view: &View, shape: [usize; 2]) -> Array2<f32> {
        let Scene::Channels(channels) = self else {
            return Array2::ones(shape);
        };
        Array2::from_shape_fn(shape, |(y, x)| {
            let [y, x] = view.level([y as f64, x as f64]);
            channels.background(y, x) as f32
        })
    }
}

impl Iterator for Movie {
    type Item = SimFrame;

    fn next(&mut self) -> Option<SimFrame> {
        if self.next >= self.scene.common().frames {
            return None;
        }
        if self.next > 0 {
            self.advance();
        }
        let frame = self.expose();
        self.next += 1;
        Some(frame)
    }
}

/// What both kinds of movies have.
struct Common<'a> {
    seed: u64,
    position: u32,
    frames: u32,
    drift: f64,
    optics: &'a OpticsParams,
}

impl<'a> Common<'a> {
    fn new(seed: u64, position: u32, frames: u32, drift: f64, optics: &'a OpticsParams) -> Self {
        Self { seed, position, frames, drift, optics }
    }
}
