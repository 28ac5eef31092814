//! Where the blobs are.

use hooke_core::seed::rng_at;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use super::BlobSimParams;
use crate::point_grid::PointGrid;

/// Places that are tried for a blob before it is given up.
const TRIES: usize = 1000;

/// Sigmas are never below this part of their mean.
const SMALLEST_SIGMA: f64 = 0.3;

/// A blob.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) channel: u16,
    /// Voxels, over `z, y, x`.
    pub(super) position: [f64; 3],
    pub(super) sigma_um: f64,
    pub(super) amplitude: f64,
}

impl Place {
    /// The place in µm.
    pub(super) fn um(&self, params: &BlobSimParams) -> [f64; 3] {
        um(params, self.position)
    }

    /// Widths with the point-spread function, in voxels.
    pub(super) fn widths(&self, params: &BlobSimParams) -> [f64; 3] {
        std::array::from_fn(|a| self.sigma_um.hypot(params.psf_um[a]) / params.voxel_um[a])
    }
}

fn um(params: &BlobSimParams, position: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|a| position[a] * params.voxel_um[a])
}

/// Draws all blobs, and which of them are pairs: first the pairs of every two channels, then the rest.
pub(super) fn draw(params: &BlobSimParams) -> (Vec<Place>, Vec<[usize; 2]>) {
    let mut drawing = Drawing {
        params,
        rng: rng_at(params.seed, "blobs-places", &[]),
        places: Vec::new(),
        grid: PointGrid::new(params.min_distance_um.max(params.unpaired_distance_um)),
    };
    let mut partners = Vec::new();
    let channels = params.channels;
    let others = f64::from(channels.max(2) - 1);
    let per_pair = (params.pair_fraction * params.count as f64 / others).round() as usize;
    for a in 0..channels {
        for b in a + 1..channels {
            for _ in 0..per_pair {
                partners.extend(drawing.pair(a, b));
            }
        }
    }
    for channel in 0..channels {
        let taken = drawing.places.iter().filter(|p| p.channel == channel).count();
        for _ in taken..params.count {
            if !drawing.single(channel) {
                break;
            }
        }
    }
    (drawing.places, partners)
}

struct Drawing<'a, R> {
    params: &'a BlobSimParams,
    rng: R,
    places: Vec<Place>,
    grid: PointGrid,
}

impl<R: Rng> Drawing<'_, R> {
    /// A place anywhere in the volume, up to its faces; in the middle of axes of length 1.
    fn anywhere(&mut self) -> [f64; 3] {
        self.params.shape.map(|n| match n {
            1 => 0.0,
            _ => self.rng.random::<f64>() * n as f64 - 0.5,
        })
    }

    fn has_room(&self, channel: u16, position: [f64; 3]) -> bool {
        let (same, other) = (self.params.min_distance_um, self.params.unpaired_distance_um);
        let at = um(self.params, position);
        self.grid.near(at, same.max(other)).map(|i| &self.places[i]).all(|place| {
            let there = place.um(self.params);
            let distance2: f64 = (0..3).map(|a| (at[a] - there[a]).powi(2)).sum();
            let least = if place.channel == channel { same } else { other };
            distance2 >= least * least
        })
    }

    fn single(&mut self, channel: u16) -> bool {
        for _ in 0..TRIES {
            let position = self.anywhere();
            if self.has_room(channel, position) {
                self.put(channel, position);
                return true;
            }
        }
        false
    }

    fn pair(&mut self, a: u16, b: u16) -> Option<[usize; 2]> {
        let shape = self.params.shape;
        for _ in 0..TRIES {
            let first = self.anywhere();
            let second: [f64; 3] = std::array::from_fn(|d| {
                let shift: f64 = StandardNormal.sample(&mut self.rng);
                let shift = shift * self.params.jitter_um / self.params.voxel_um[d];
                first[d] + if shape[d] > 1 { shift } else { 0.0 }
            });
            let is_inside = (0..3).all(|d| (-0.5..shape[d] as f64 - 0.5).contains(&second[d]));
            if is_inside && self.has_room(a, first) && self.has_room(b, second) {
                return Some([self.put(a, first), self.put(b, second)]);
            }
        }
        None
    }

    fn put(&mut self, channel: u16, position: [f64; 3]) -> usize {
        let params = self.params;
        let spread: f64 = StandardNormal.sample(&mut self.rng);
        let factor = (1.0 + params.sigma_cv * spread).max(SMALLEST_SIGMA);
        let [low, high] = params.amplitude;
        let amplitude = low * (high / low).powf(self.rng.random::<f64>());
        let place = Place { channel, position, sigma_um: params.sigma_um * factor, amplitude };
        self.grid.insert(place.um(params), self.places.len());
        self.places.push(place);
        self.places.len() - 1
    }
}
