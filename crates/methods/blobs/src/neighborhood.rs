//! Which channels carry signal at a blob, by the mean intensity around it: MagellanMapper's rule.
//!
//! A blob's neighbourhood is the ball of radius 2 voxels around the voxel it lies in, clipped at
//! the faces, less what later blobs of its channel take. A blob is positive in a channel when its
//! mean there is at least the channel's threshold. Neighbourhoods follow from the table of blobs
//! alone ([`Neighborhoods::new`]); images are read once, block by block ([`Neighborhoods::measure`]);
//! thresholds and flags, which are global, come last ([`Neighborhoods::decide`]).

use std::collections::HashMap;

use hooke_core::Sample;
use hooke_core::counts::Counts;
use ndarray::{Array2, ArrayView4};

use crate::error::BlobsError;

/// Voxels around a blob's voxel that its neighbourhood may reach.
pub const RADIUS: u64 = 2;
/// Blobs further apart on an axis share no voxel; cells of this size put them at most one apart.
const REACH: i64 = 2 * RADIUS as i64;

/// A blob as this rule sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// In voxels over `z, y, x`.
    pub position: [f64; 3],
    /// From 0.
    pub channel: u16,
}

/// The level that a mean must reach.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Level {
    /// The least mean of the channel's own blobs, which are then all positive in it.
    #[default]
    Min,
    /// A percentile, 0 to 100, of the voxels in neighbourhoods of the channel's blobs.
    Percentile(f64),
}

/// What one block shows of the blobs in its core.
#[derive(Debug, Clone, Default)]
pub struct NeighborhoodPart {
    /// Row and mean per channel.
    means: Vec<(usize, Vec<f64>)>,
    /// Of every channel, how often each value (as bits) lies in a neighbourhood of its blobs.
    values: Vec<Counts<u64>>,
    emptied: usize,
}

/// Means, thresholds and flags of all blobs.
#[derive(Debug, Clone, PartialEq)]
pub struct NeighborhoodResult {
    /// Mean intensity, blobs by channels; NaN for blobs outside the image.
    pub means: Array2<f64>,
    /// Of every channel; `None` without blobs.
    pub thresholds: Vec<Option<f64>>,
    /// 1 where a blob is positive, blobs by channels; all 0 outside the image.
    pub flags: Array2<u8>,
    /// Blobs whose whole ball belongs to later ones; they were given all of it, where
    /// MagellanMapper makes their mean, and under `min` the channel's threshold, NaN.
    pub emptied: usize,
}

/// The neighbourhoods of a table of blobs.
#[derive(Debug)]
pub struct Neighborhoods {
    shape: [u64; 3],
    channels: usize,
    level: Level,
    spots: Vec<Spot>,
    /// Voxel of each blob, `None` outside the image.
    voxels: Vec<Option<[i64; 3]>>,
    /// Blobs inside the image by channel and cell, ascending.
    cells: HashMap<(u16, [i64; 3]), Vec<usize>>,
}

impl Neighborhoods {
    /// Neighbourhoods in an image of `shape` voxels over `z, y, x`.
    ///
    /// # Errors
    /// When the percentile is not within 0 to 100, or a blob's channel is not in the image.
    pub fn new(
        spots: Vec<Spot>,
        shape: [u64; 3],
        channels: usize,
        level: Level,
    ) -> Result<Self, BlobsError> {
        if let Level::Percentile(p) = level
            && !(0.0..=100.0).contains(&p)
        {
            return Err(BlobsError::parameter(
                "threshold",
                p,
                "min, or a percentile from 0 to 100",
            ));
        }
        if let Some(spot) = spots.iter().find(|s| usize::from(s.channel) >= channels) {
            return Err(BlobsError::parameter(
                "channel of a blob",
                spot.channel,
                "a channel of the image",
            ));
        }
        let voxel = |spot: &Spot| {
            let is_inside =
                (0..3).all(|d| spot.position[d] >= 0.0 && spot.position[d] < shape[d] as f64);
            is_inside.then(|| spot.position.map(|p| p as i64))
        };
        let voxels: Vec<Option<[i64; 3]>> = spots.iter().map(voxel).collect();
        let mut cells = HashMap::<(u16, [i64; 3]), Vec<usize>>::new();
        for (row, (spot, voxel)) in spots.iter().zip(&voxels).enumerate() {
            if let Some(voxel) = voxel {
                cells.entry((spot.channel, voxel.map(|v| v / REACH))).or_default().push(row);
            }
        }
        Ok(Self { shape, channels, level, spots, voxels, cells })
    }

    /// Measures the blobs whose voxel lies in the core of a block.
    ///
    /// Every blob of the image must lie in the core of exactly one block.
    ///
    /// # Arguments
    /// * `core` — first voxel and lengths of the core, over `z, y, x`.
    /// * `start` — first voxel of `image`, which holds the core and [`RADIUS`] voxels around it,
    ///   as far as the whole image goes.
    /// * `image` — over `c, z, y, x`, all channels.
    ///
    /// # Errors
    /// When the image has another number of channels or lacks voxels.
    pub fn measure<T: Sample>(
        &self,
        core: ([u64; 3], [u64; 3]),
        start: [u64; 3],
        image: &ArrayView4<'_, T>,
    ) -> Result<NeighborhoodPart, BlobsError> {
        let (channels, nz, ny, nx) = image.dim();
        if channels != self.channels {
            let (expected, found) = (self.channels, channels);
            return Err(BlobsError::Length { what: "channels of the image", expected, found });
        }
        let values = vec![Counts::default(); self.channels];
        let mut part = NeighborhoodPart { means: Vec::new(), values, emptied: 0 };
        for (row, voxel) in self.rows_in(core) {
            let own = self.owned_ball(row, voxel);
            let whole = if own.is_empty() { self.ball(voxel) } else { Vec::new() };
            part.emptied += usize::from(own.is_empty());
            let mut means = Vec::with_capacity(channels);
            for channel in 0..channels {
                let mut sum = 0.0;
                let mut counts = (usize::from(self.spots[row].channel) == channel
                    && self.level != Level::Min)
                    .then(|| &mut part.values[channel]);
                for [z, y, x] in own.iter().chain(&whole) {
                    let at = [z - start[0] as i64, y - start[1] as i64, x - start[2] as i64];
                    let index = at.map(|i| usize::try_from(i).unwrap_or(usize::MAX));
                    let Some(value) = image.get((channel, index[0], index[1], index[2])) else {
                        let (shape, halo) = ([nz, ny, nx], RADIUS);
                        return Err(BlobsError::MissingHalo { start, shape, halo });
                    };
                    sum += value.to_f64();
                    if let (Some(counts), false) = (&mut counts, own.is_empty()) {
                        *counts.entry(value.to_f64().to_bits()).or_default() += 1;
                    }
                }
                means.push(sum / (own.len() + whole.len()) as f64);
            }
            part.means.push((row, means));
        }
        Ok(part)
    }

    /// Thresholds and flags from the parts of all blocks, in any order.
    ///
    /// # Errors
    /// [`BlobsError::Length`] when a blob was measured in no block or in two.
    pub fn decide(
        &self,
        parts: impl IntoIterator<Item = NeighborhoodPart>,
    ) -> Result<NeighborhoodResult, BlobsError> {
        let mut means = Array2::from_elem((self.spots.len(), self.channels), f64::NAN);
        let mut values = vec![Counts::<u64>::default(); self.channels];
        let mut is_measured = vec![false; self.spots.len()];
        let (mut measured, mut emptied) = (0, 0);
        for part in parts {
            emptied += part.emptied;
            for (row, of_row) in part.means {
                is_measured[row] = true;
                measured += 1;
                means.row_mut(row).assign(&ndarray::aview1(&of_row));
            }
            for (all, counts) in values.iter_mut().zip(part.values) {
                counts.into_iter().for_each(|(bits, n)| *all.entry(bits).or_default() += n);
            }
        }
        let inside = self.voxels.iter().flatten().count();
        let distinct = is_measured.iter().filter(|is| **is).count();
        if measured != inside || distinct != inside {
            let what = "blobs measured over all blocks";
            return Err(BlobsError::Length { what, expected: inside, found: measured });
        }
        let thresholds: Vec<Option<f64>> =
            values.iter().enumerate().map(|(c, v)| self.threshold(c, v, &means)).collect();
        let flags = Array2::from_shape_fn(means.dim(), |(row, channel)| {
            u8::from(thresholds[channel].is_some_and(|t| means[[row, channel]] >= t))
        });
        Ok(NeighborhoodResult { means, thresholds, flags, emptied })
    }

    fn threshold(&self, channel: usize, values: &Counts<u64>, means: &Array2<f64>) -> Option<f64> {
        let Level::Percentile(percentile) = self.level else {
            let own = |row: &usize| {
                usize::from(self.spots[*row].channel) == channel && self.voxels[*row].is_some()
            };
            let own = (0..self.spots.len()).filter(own).map(|row| means[[row, channel]]);
            return own.filter(|mean| !mean.is_nan()).reduce(f64::min);
        };
        let mut sorted: Vec<(f64, u64)> =
            values.iter().map(|(bits, n)| (f64::from_bits(*bits), *n)).collect();
        sorted.retain(|(value, _)| !value.is_nan());
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let n: u64 = sorted.iter().map(|(_, n)| n).sum();
        let at = percentile / 100.0 * n.checked_sub(1)? as f64;
        let value = |rank: u64| {
            let mut below = 0;
            let holds = |(_, n): &&(f64, u64)| {
                below += n;
                rank < below
            };
            sorted.iter().find(holds).map(|(value, _)| *value)
        };
        let (low, high) = (value(at.floor() as u64)?, value(at.ceil() as u64)?);
        // From the nearer end, as numpy interpolates: flags agree to the last bit.
        let t = at - at.floor();
        Some(if t < 0.5 { low + (high - low) * t } else { high - (high - low) * (1.0 - t) })
    }

    /// Rows whose voxel lies in a box.
    fn rows_in(&self, (start, shape): ([u64; 3], [u64; 3])) -> Vec<(usize, [i64; 3])> {
        let from = start.map(|v| v as i64);
        let to: [i64; 3] = std::array::from_fn(|d| from[d].saturating_add(shape[d] as i64));
        let is_owned = |v: &[i64; 3]| (0..3).all(|d| (from[d]..to[d]).contains(&v[d]));
        let of_row = |row: usize| Some((row, self.voxels[row].filter(is_owned)?));
        let first = from.map(|v| v / REACH);
        let count: [i64; 3] = std::array::from_fn(|d| (to[d].max(1) - 1) / REACH - first[d] + 1);
        let cells = count.iter().fold(1i64, |n, c| n.saturating_mul(*c));
        if cells.saturating_mul(self.channels as i64) > self.spots.len() as i64 {
            return (0..self.spots.len()).filter_map(of_row).collect();
        }
        let cell = |i: i64| {
            let step = [i / (count[1] * count[2]), i / count[2] % count[1], i % count[2]];
            std::array::from_fn::<i64, 3, _>(|d| first[d] + step[d])
        };
        let keys = (0..cells).flat_map(|i| (0..self.channels).map(move |c| (c as u16, cell(i))));
        keys.filter_map(|key| self.cells.get(&key)).flatten().filter_map(|r| of_row(*r)).collect()
    }

    /// Voxels of the image within the ball.
    fn ball(&self, centre: [i64; 3]) -> Vec<[i64; 3]> {
        let mut voxels = Vec::with_capacity(33);
        let r = RADIUS as i64;
        for dz in -r..=r {
            for dy in -r..=r {
                for dx in -r..=r {
                    let voxel = [centre[0] + dz, centre[1] + dy, centre[2] + dx];
                    let is_inside =
                        (0..3).all(|d| voxel[d] >= 0 && voxel[d] < self.shape[d] as i64);
                    if dz * dz + dy * dy + dx * dx <= r * r && is_inside {
                        voxels.push(voxel);
                    }
                }
            }
        }
        voxels
    }

    /// The ball less what later blobs of the channel take.
    fn owned_ball(&self, row: usize, centre: [i64; 3]) -> Vec<[i64; 3]> {
        let mut voxels = self.ball(centre);
        let cell = centre.map(|v| v / REACH);
        for step in 0..27 {
            let step = [step / 9 - 1, step / 3 % 3 - 1, step % 3 - 1];
            let near = std::array::from_fn(|d| cell[d] + step[d]);
            let Some(rows) = self.cells.get(&(self.spots[row].channel, near)) else { continue };
            for other in rows.iter().rev().take_while(|other| **other > row) {
                let Some(other) = self.voxels[*other] else { continue };
                let is_far = |v: &[i64; 3]| {
                    let squared: i64 = (0..3).map(|d| (v[d] - other[d]) * (v[d] - other[d])).sum();
                    squared > (RADIUS * RADIUS) as i64
                };
                voxels.retain(is_far);
            }
        }
        voxels
    }
}
