//! Simulated volumes of blobs with exact truth.
//!
//! Gaussian blobs, widened by a point-spread function, on a sloping background, counted by a camera
//! with photon and read noise. Any box can be made on its own; equal seeds give equal voxels on every
//! machine, however the volume is cut.

mod camera;
mod places;

use std::sync::Arc;

use hooke_core::{Blob, BlobPair, Truth};
use ndarray::Array3;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::detect::{DetectError, Volume, number};
use crate::point_grid::PointGrid;
use crate::voxel_box::VoxelBox;
use places::Place;

/// Widths at which a blob ends.
const CUT: f64 = 5.0;

/// Gate in µm that the distances of true pairs are given in: the default of matching.
const GATE_UM: f64 = 5.0;

/// What to simulate. Triples are `(z, y, x)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlobSimParams {
    /// Voxels per axis.
    pub shape: [usize; 3],
    /// Size of a voxel, µm.
    pub voxel_um: [f64; 3],
    /// Number of channels.
    pub channels: u16,
    /// Blobs per channel, if so many find room.
    pub count: usize,
    /// Part of a channel's blobs that have a partner in another one, shared evenly among the others.
    pub pair_fraction: f64,
    /// Standard deviation of a partner's place along each axis, µm.
    pub jitter_um: f64,
    /// Mean sigma of the blobs, µm.
    pub sigma_um: f64,
    /// Standard deviation of the sigmas over their mean.
    pub sigma_cv: f64,
    /// Sigma of the point-spread function, µm.
    pub psf_um: [f64; 3],
    /// Smallest and largest height of a blob above the background, photons; log-uniform.
    pub amplitude: [f64; 2],
    /// Mean of the background, photons.
    pub background: f64,
    /// By what part of its mean the background rises from one end of x to the other.
    pub gradient: f64,
    /// Standard deviation of the read-out, grey levels; one grey level is one photon.
    pub read_noise: f64,
    /// Grey level of darkness.
    pub offset: f64,
    /// Part of a channel's blobs that shows in the next channel.
    pub bleed: f64,
    /// Least distance of blobs of one channel, µm.
    pub min_distance_um: f64,
    /// Least distance of blobs of two channels that are no pair, µm.
    pub unpaired_distance_um: f64,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for BlobSimParams {
    fn default() -> Self {
        Self {
            shape: [48, 256, 256],
            voxel_um: [3.0, 1.0, 1.0],
            channels: 2,
            count: 500,
            pair_fraction: 0.3,
            jitter_um: 1.0,
            sigma_um: 2.8,
            sigma_cv: 0.12,
            psf_um: [1.5, 0.4, 0.4],
            amplitude: [120.0, 900.0],
            background: 200.0,
            gradient: 0.8,
            read_noise: 6.0,
            offset: 100.0,
            bleed: 0.03,
            min_distance_um: 8.0,
            unpaired_distance_um: 14.0,
            seed: 0,
        }
    }
}

impl BlobSimParams {
    /// Checks every value.
    ///
    /// # Errors
    /// [`DetectError::Parameter`], [`DetectError::VoxelSize`].
    pub fn validate(&self) -> Result<(), DetectError> {
        if !self.voxel_um.iter().all(|v| *v > 0.0 && v.is_finite()) {
            return Err(DetectError::VoxelSize { found: self.voxel_um });
        }
        let [low, high] = self.amplitude;
        let lengths = [
            ("psf", self.psf_um.iter().copied().fold(0.0, f64::max)),
            ("psf", self.psf_um.iter().copied().fold(0.0, f64::min)),
            ("jitter", self.jitter_um),
            ("sigma-cv", self.sigma_cv),
            ("background", self.background),
            ("gradient", self.gradient),
            ("read-noise", self.read_noise),
            ("offset", self.offset),
            ("bleed", self.bleed),
            ("min-distance", self.min_distance_um),
            ("unpaired-distance", self.unpaired_distance_um),
        ];
        let checks = [
            ("shape", format!("{:?}", self.shape), !self.shape.contains(&0), "lengths above 0"),
            ("channels", self.channels.to_string(), self.channels > 0, "at least 1"),
            (
                "pair-fraction",
                self.pair_fraction.to_string(),
                (0.0..=1.0).contains(&self.pair_fraction),
                "0 to 1",
            ),
            (
                "sigma",
                self.sigma_um.to_string(),
                self.sigma_um > 0.0 && self.sigma_um.is_finite(),
                "a length above 0",
            ),
            (
                "amplitude",
                format!("{low}, {high}"),
                low > 0.0 && low <= high && high < 1e6,
                "two numbers above 0, ascending",
            ),
        ];
        let lengths = lengths.map(|(name, v)| {
            (name, v.to_string(), (0.0..1e6).contains(&v), "a number >= 0 and below a million")
        });
        match checks.into_iter().chain(lengths).find(|(_, _, is_sound, _)| !is_sound) {
            Some((name, found, _, wanted)) => Err(DetectError::Parameter { name, found, wanted }),
            None => Ok(()),
        }
    }
}

/// A volume: its truth now, its voxels on demand.
#[derive(Debug, Clone)]
pub struct BlobSim {
    params: BlobSimParams,
    places: Vec<Place>,
    /// Pairs of numbers of places.
    partners: Vec<[usize; 2]>,
    grid: PointGrid,
    /// How far the light of any blob reaches, µm.
    reach_um: f64,
}

impl BlobSim {
    /// Draws all blobs.
    ///
    /// # Errors
    /// As [`BlobSimParams::validate`].
    pub fn new(params: BlobSimParams) -> Result<Self, DetectError> {
        params.validate()?;
        let (places, partners) = places::draw(&params);
        let largest = places.iter().map(|p| p.sigma_um).fold(0.0, f64::max);
        let psf = params.psf_um.iter().copied().fold(0.0, f64::max);
        let reach_um = CUT * largest.hypot(psf);
        let mut grid = PointGrid::new(2.0 * reach_um);
        for (i, place) in places.iter().enumerate() {
            grid.insert(place.um(&params), i);
        }
        Ok(Self { params, places, partners, grid, reach_um })
    }

    /// What is simulated.
    pub fn params(&self) -> &BlobSimParams {
        &self.params
    }

    /// The volume as detection wants to know it.
    pub fn volume(&self) -> Volume {
        let Self { params, .. } = self;
        Volume { shape: params.shape, voxel_um: params.voxel_um, origin_um: [0.0; 3] }
    }

    /// The true blobs, in the order of tables and numbered from 1, and the true pairs.
    pub fn truth(&self) -> (Vec<Blob>, Vec<BlobPair>) {
        let source: Arc<str> = "simulated".into();
        let params = &self.params;
        let dimensions = params.shape.iter().filter(|n| **n > 1).count().max(1);
        let blob = |(i, place): (usize, &Place)| {
            let radius = (dimensions as f64).sqrt() * place.sigma_um;
            let at = place.position;
            let level = params.offset + camera::background(params, at[2]);
            let blob = Blob::at(place.channel, at, place.um(params), radius as f32, &source);
            Blob {
                // The number of the place, until there are ids.
                region: i as i64,
                amplitude: Some(place.amplitude as f32),
                background: Some(level as f32),
                truth: Truth::Missed,
                ..blob
            }
        };
        let mut blobs: Vec<Blob> = self.places.iter().enumerate().map(blob).collect();
        number(&mut blobs);
        let mut rows = vec![0; blobs.len()];
        for (row, blob) in blobs.iter_mut().enumerate() {
            rows[std::mem::replace(&mut blob.region, -1) as usize] = row;
        }
        let partners = self.partners.iter().map(|p| p.map(|i| &blobs[rows[i]]));
        let mut pairs: Vec<BlobPair> = partners.map(|p| self.pair(p)).collect();
        pairs.sort_by_key(|p| (p.channels, p.blob_ids));
        pairs.iter_mut().zip(1..).for_each(|(pair, id)| pair.match_id = id);
        (blobs, pairs)
    }

    fn pair(&self, ends: [&Blob; 2]) -> BlobPair {
        let mean = |of: fn(&Blob) -> [f64; 3]| {
            let [a, b] = ends.map(of);
            std::array::from_fn(|d| 0.5 * (a[d] + b[d]))
        };
        let [a, b] = ends.map(|e| e.position_um);
        let distance_um = (0..3).map(|d| (a[d] - b[d]).powi(2)).sum::<f64>().sqrt();
        let finest = self.params.voxel_um.iter().copied().fold(f64::INFINITY, f64::min);
        let ids = ends.map(|e| e.id);
        BlobPair {
            match_id: 0,
            roi_id: 0,
            t: 0,
            channels: ends.map(|e| e.channel),
            blob_ids: ids,
            distance_um,
            distance_scaled: distance_um / finest,
            gate_distance: distance_um / GATE_UM,
            position: mean(|b| b.position),
            position_um: mean(|b| b.position_um),
            component: ids[0].min(ids[1]),
            rivals: 0,
        }
    }

    /// The voxels of one box of a channel. Parallel over planes in the current rayon pool.
    ///
    /// Parts of the box outside the volume are cut off.
    pub fn voxels(&self, channel: u16, part: VoxelBox) -> Array3<u16> {
        let shape = self.params.shape;
        let part = VoxelBox {
            start: std::array::from_fn(|a| part.start[a].min(shape[a])),
            end: std::array::from_fn(|a| part.end[a].min(shape[a])),
        };
        let near = self.near(part);
        let mut out = Array3::zeros(part.shape());
        let planes: Vec<_> = out.outer_iter_mut().enumerate().collect();
        planes.into_par_iter().for_each(|(i, mut plane)| {
            let z = part.start[0] + i;
            let light = self.plane(channel, z, part, &near);
            camera::expose(&self.params, channel, z, part, &light, &mut plane);
        });
        out
    }

    /// Numbers of the places whose light may reach a box, ascending.
    fn near(&self, part: VoxelBox) -> Vec<usize> {
        let voxel = self.params.voxel_um;
        let middle = std::array::from_fn(|a| 0.5 * (part.start[a] + part.end[a]) as f64 * voxel[a]);
        let half = (0..3).map(|a| 0.5 * part.shape()[a] as f64 * voxel[a]).fold(0.0, f64::max);
        // Light ends at a width along each axis, and noise is drawn for rows a little longer than the box.
        let slack = self.reach_um + camera::RUN as f64 * voxel[2];
        let mut near: Vec<usize> = self.grid.near(middle, half + slack).collect();
        near.sort_unstable();
        near
    }

    /// Photons of the blobs in one plane, over the rows that [`camera::expose`] asks for.
    fn plane(&self, channel: u16, z: usize, part: VoxelBox, near: &[usize]) -> Vec<f64> {
        let params = &self.params;
        let columns = camera::columns(params, part);
        let width = columns.len();
        let mut light = vec![0.0; part.shape()[1] * width];
        for place in near.iter().map(|i| &self.places[*i]) {
            let bleeds = place.channel.checked_add(1) == Some(channel);
            let part_seen = match place.channel == channel {
                true => 1.0,
                false if bleeds => params.bleed,
                false => continue,
            };
            let sigma = place.widths(params);
            // Weight of one voxel, and 0 beyond the cut.
            let weight = |a: usize, p: usize| {
                let d = (p as f64 - place.position[a]) / sigma[a];
                if d.abs() > CUT { 0.0 } else { (-0.5 * d * d).exp() }
            };
            let along_z = if params.shape[0] > 1 { weight(0, z) } else { 1.0 };
            if along_z == 0.0 || part_seen == 0.0 {
                continue;
            }
            let range = |a: usize, from: usize, to: usize| {
                let half = CUT * sigma[a];
                let first = (place.position[a] - half).floor().max(0.0) as usize;
                let last = (place.position[a] + half).ceil().max(-1.0) as i64 + 1;
                first.clamp(from, to)..(last.max(0) as usize).clamp(from, to)
            };
            let xs = range(2, columns.start, columns.end);
            let along_x: Vec<f64> = xs.clone().map(|x| weight(2, x)).collect();
            for y in range(1, part.start[1], part.end[1]) {
                let height = part_seen * place.amplitude * along_z * weight(1, y);
                let row = (y - part.start[1]) * width + xs.start - columns.start;
                let row = &mut light[row..row + along_x.len()];
                row.iter_mut().zip(&along_x).for_each(|(light, x)| *light += height * x);
            }
        }
        light
    }
}
