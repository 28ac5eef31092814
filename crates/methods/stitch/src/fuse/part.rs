//! The part of one tile that one block needs.

use hooke_core::Sample;
use ndarray::Array2;

use super::params::{Blend, Shading};
use super::plan::{FusePlan, PlacedTile};
use super::rows::{self, RowBuffers};
use super::weights;
use crate::region::LayoutRegion;

/// The voxels of one tile that one block needs, and the tile's weights along each axis.
pub(crate) struct Part<'a, T> {
    tile: &'a PlacedTile,
    /// The voxels of the block that the tile covers.
    pub cover: LayoutRegion,
    voxels: &'a [T],
    /// Tile coordinate of the first of `voxels`.
    start: [usize; 3],
    shape: [usize; 3],
    /// Blend weight per axis over `cover`; empty when the blend has none.
    weights: [Vec<f64>; 3],
}

/// Consecutive voxels of one row, in layout coordinates.
#[derive(Clone, Copy)]
pub(crate) struct Stretch {
    pub z: i64,
    pub y: i64,
    pub x: i64,
    pub len: usize,
}

impl<'a, T: Sample> Part<'a, T> {
    /// The part of tile number `number` in `region`, whose voxels were read as
    /// [`FusePlan::read_box`] says; `None` when they share no voxel.
    pub fn new(
        plan: &'a FusePlan,
        number: usize,
        region: &LayoutRegion,
        voxels: &'a [T],
    ) -> Option<Part<'a, T>> {
        let tile = &plan.tiles[number];
        let cover = tile.cover.intersect(region)?;
        let (start, shape) = plan.read_box(number, region)?;
        let weights = axis_weights(plan, tile, &cover);
        Some(Part { tile, cover, voxels, start, shape, weights })
    }

    /// Whether the tile's voxels enter as they are.
    pub fn is_raw(&self) -> bool {
        self.tile.raw
    }

    /// The tile's own samples of a stretch; only for raw tiles.
    pub fn samples(&self, at: Stretch) -> &[T] {
        let k = self.local(at);
        let from = self.offset(k[0] as usize, k[1] as usize, k[2] as usize);
        &self.voxels[from..from + at.len]
    }

    /// Writes the corrected, interpolated values of a stretch to `rows.values`.
    pub fn interpolate(&self, shading: Option<&Shading>, at: Stretch, rows: &mut RowBuffers) {
        let k = self.local(at);
        let [tz, ty, tx] = &self.tile.taps;
        let long = at.len + tx.weights().len() - 1;
        let low = k[2] + tx.first;
        let from = low.max(0) as usize;
        let to = (low + long as i64).min(self.tile.shape[2] as i64) as usize;
        let before = (from as i64 - low) as usize;
        let inside = before..before + (to - from);
        let sum = &mut rows.taps[..long];
        sum.fill(0.0);
        for (z, wz) in nodes(k[0] + tz.first, tz.weights(), self.tile.shape[0]) {
            for (y, wy) in nodes(k[1] + ty.first, ty.weights(), self.tile.shape[1]) {
                let offset = self.offset(z, y, from);
                let row = &self.voxels[offset..offset + (to - from)];
                let sum = &mut sum[inside.clone()];
                match shading {
                    None => rows::add_tap(row, wz * wy, sum),
                    Some(s) => {
                        let from = y * self.tile.shape[2] + from;
                        let dark = camera_row(&s.dark, from, row.len());
                        let flat = camera_row(&s.flat, from, row.len());
                        rows::add_shaded_tap(row, dark, flat, wz * wy, sum);
                    }
                }
            }
        }
        // The edge voxel is repeated beyond the tile.
        let (first, last) = (sum[inside.start], sum[inside.end - 1]);
        sum[..inside.start].fill(first);
        sum[inside.end..].fill(last);
        let values = &mut rows.values[..at.len];
        rows::combine(sum, tx.weights(), values);
        if let Some(g) = self.tile.gain {
            rows::apply_gain(g.gain, g.offset, values);
        }
    }

    /// Writes the blend weights of a stretch.
    pub fn weigh(&self, blend: Blend, at: Stretch, out: &mut [f64]) {
        let start = self.cover.start;
        let along = |d: usize, g: i64| (g - start[d]) as usize;
        match blend {
            Blend::Linear | Blend::LinearAdjustMax | Blend::Closest => {
                let [wz, wy, wx] = &self.weights;
                let limit = wz[along(0, at.z)].min(wy[along(1, at.y)]);
                rows::linear_weights(limit, &wx[along(2, at.x)..][..at.len], out);
            }
            Blend::Cosine => {
                let [wz, wy, wx] = &self.weights;
                let factor = wz[along(0, at.z)] * wy[along(1, at.y)];
                rows::cosine_weights(factor, &wx[along(2, at.x)..][..at.len], out);
            }
            Blend::Max | Blend::Min | Blend::Mean | Blend::First | Blend::Last => out.fill(1.0),
        }
    }

    /// `floor(g - position)` at the first voxel of a stretch.
    fn local(&self, at: Stretch) -> [i64; 3] {
        let first = self.tile.first;
        [at.z - first[0], at.y - first[1], at.x - first[2]]
    }

    /// Index into `voxels` of a voxel given in tile coordinates.
    fn offset(&self, z: usize, y: usize, x: usize) -> usize {
        let [sz, sy, sx] = self.start;
        ((z - sz) * self.shape[1] + (y - sy)) * self.shape[2] + (x - sx)
    }
}

/// Part of a row of a flat or dark image.
fn camera_row(image: &Option<Array2<f32>>, from: usize, len: usize) -> Option<&[f32]> {
    let pixels = image.as_ref()?.as_slice().expect("the plan holds its images in C order");
    Some(&pixels[from..from + len])
}

/// The voxels `low..` that taps read, the edge voxel repeated, with their weights.
fn nodes(low: i64, weights: &[f64], size: usize) -> impl Iterator<Item = (usize, f64)> {
    let last = size as i64 - 1;
    weights.iter().enumerate().map(move |(i, w)| ((low + i as i64).clamp(0, last) as usize, *w))
}

/// Weights along every axis over the voxels of `cover`; functions of the layout coordinate only.
fn axis_weights(plan: &FusePlan, tile: &PlacedTile, cover: &LayoutRegion) -> [Vec<f64>; 3] {
    let blend = plan.params.blend;
    let along = |d: usize, weight: &dyn Fn(f64) -> f64| {
        let end = cover.end()[d];
        (cover.start[d]..end).map(|g| weight(g as f64 - tile.position[d])).collect()
    };
    match blend {
        Blend::Linear | Blend::LinearAdjustMax | Blend::Closest => {
            // A tile of one voxel has no border to be far from.
            if tile.shape == [1, 1, 1] {
                return [vec![1.0], vec![1.0], vec![1.0]];
            }
            std::array::from_fn(|d| along(d, &|u| weights::linear(u, tile.shape[d])))
        }
        Blend::Cosine => {
            std::array::from_fn(|d| along(d, &|u| weights::cosine(u, tile.shape[d], plan.ramp[d])))
        }
        Blend::Max | Blend::Min | Blend::Mean | Blend::First | Blend::Last => Default::default(),
    }
}
