//! Where every tile lies in the output, found fast.

use rayon::prelude::*;

use super::adjust_max::AdjustMax;
use super::params::{Blend, FuseError, FuseParams, Interpolation};
use super::taps::Taps;
use crate::box_index::BoxIndex;
use crate::gain::TileGain;
use crate::region::LayoutRegion;

/// Positions this close to an integer are that integer, voxels.
pub const SNAP: f64 = 1e-3;
const FARTHEST: f64 = (1u64 << 40) as f64;

/// A tile to fuse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FuseTile {
    /// Its id, as [`TilePixels`](crate::TilePixels) knows it.
    pub id: usize,
    /// Layout coordinate of its first voxel over `(z, y, x)`.
    pub position: [f64; 3],
    /// Lengths over `(z, y, x)`.
    pub shape: [usize; 3],
}

/// A tile with everything that does not depend on the block.
#[derive(Debug, Clone)]
pub(crate) struct PlacedTile {
    pub id: usize,
    /// Position after snapping (and rounding for `nearest`).
    pub position: [f64; 3],
    pub shape: [usize; 3],
    /// First covered voxel: `ceil(position)`.
    pub first: [i64; 3],
    /// The voxels it covers; may be empty when a fractional axis has one voxel.
    pub cover: LayoutRegion,
    pub taps: [Taps; 3],
    pub gain: Option<TileGain>,
    /// Whether its voxels enter as they are: integer position, no gain, no shading.
    pub raw: bool,
}

/// Where every tile lies in the output and how it is blended; made once, used by every block.
#[derive(Debug, Clone)]
pub struct FusePlan {
    pub(crate) params: FuseParams,
    pub(crate) ramp: [f64; 3],
    /// Ascending by id.
    pub(crate) tiles: Vec<PlacedTile>,
    pub(crate) adjust: Option<AdjustMax>,
    index: BoxIndex,
    output: LayoutRegion,
}

impl FusePlan {
    /// Plans the fusion of `tiles`, in any order.
    ///
    /// # Errors
    /// [`FuseError`] when there is no tile, an id comes twice, a shape or position is impossible,
    /// or a parameter is.
    pub fn new(tiles: &[FuseTile], mut params: FuseParams) -> Result<FusePlan, FuseError> {
        params.validate()?;
        if let Some(shading) = &mut params.shading {
            for image in [&mut shading.flat, &mut shading.dark].into_iter().flatten() {
                *image = image.as_standard_layout().into_owned();
            }
        }
        let mut sorted: Vec<FuseTile> = tiles.to_vec();
        sorted.sort_by_key(|t| t.id);
        if let Some(pair) = sorted.windows(2).find(|p| p[0].id == p[1].id) {
            return Err(FuseError::DuplicateId { id: pair[0].id });
        }
        let placed: Vec<PlacedTile> =
            sorted.iter().map(|t| place(t, &params)).collect::<Result<_, _>>()?;
        let output = output_box(&placed).ok_or(FuseError::NoTiles)?;
        let index = BoxIndex::new(placed.iter().map(|t| t.cover));
        let mut plan =
            FusePlan { params, ramp: [0.0; 3], tiles: placed, adjust: None, index, output };
        plan.ramp = match plan.params.ramp {
            Some(ramp) => ramp,
            None if plan.params.blend == Blend::Cosine => plan.largest_overlaps(),
            None => [0.0; 3],
        };
        Ok(plan)
    }

    /// The output box: `ceil(min position)` to `floor(max(position + shape - 1))`, both included.
    pub fn output(&self) -> LayoutRegion {
        self.output
    }

    /// The parameters.
    pub fn params(&self) -> &FuseParams {
        &self.params
    }

    /// Ids of the tiles that cover a voxel of `region`, ascending.
    pub fn tiles_in(&self, region: &LayoutRegion) -> Vec<usize> {
        self.placed_in(region).into_iter().map(|i| self.tiles[i].id).collect()
    }

    /// The voxels each tile covers, by ascending id.
    pub fn covers(&self) -> impl Iterator<Item = (usize, LayoutRegion)> + '_ {
        self.tiles.iter().map(|t| (t.id, t.cover))
    }

    /// Bytes that fusing `region` needs beside its output, for samples of `sample_bytes`.
    pub fn scratch_bytes(&self, region: &LayoutRegion, sample_bytes: usize) -> u64 {
        let mut bytes = super::rows::ROW_BYTES;
        for i in self.placed_in(region) {
            let (_, shape) = self.read_box(i, region).expect("the tile touches the region");
            let voxels: u64 = shape.iter().map(|s| *s as u64).product();
            let tables: u64 = region.shape.iter().map(|s| *s as u64 * 8).sum();
            bytes += voxels * sample_bytes as u64 + tables + 512;
        }
        bytes
    }

    /// The largest [`FusePlan::scratch_bytes`] of any block of a grid that starts at the output's
    /// first voxel. Parallel; about a microsecond per block.
    pub fn largest_scratch_bytes(&self, block: [u64; 3], sample_bytes: usize) -> u64 {
        let step = block.map(|n| n.clamp(1, 1 << 40) as i64);
        let output = self.output;
        let count: [i64; 3] = std::array::from_fn(|d| (output.shape[d] + step[d] - 1) / step[d]);
        let need = |at: [i64; 3]| {
            let start = std::array::from_fn(|d| output.start[d] + at[d] * step[d]);
            let region = output.intersect(&LayoutRegion::new(start, step));
            region.map_or(0, |region| self.scratch_bytes(&region, sample_bytes))
        };
        let row = |zy: i64| {
            let (z, y) = (zy / count[1], zy % count[1]);
            (0..count[2]).map(|x| need([z, y, x])).max().unwrap_or(0)
        };
        (0..count[0] * count[1]).into_par_iter().map(row).max().unwrap_or(0)
    }

    /// Indices into `tiles` of those that cover a voxel of `region`, ascending.
    pub(crate) fn placed_in(&self, region: &LayoutRegion) -> Vec<usize> {
        self.index.touching(region)
    }

    /// The box of a tile, start and shape, that the voxels of `region` read; `None` if none.
    pub(crate) fn read_box(
        &self,
        tile: usize,
        region: &LayoutRegion,
    ) -> Option<([usize; 3], [usize; 3])> {
        let t = &self.tiles[tile];
        let part = t.cover.intersect(region)?.to_local(t.first);
        let end = part.end();
        let reach: [(usize, usize); 3] =
            std::array::from_fn(|d| t.taps[d].reach(part.start[d], end[d] - 1, t.shape[d]));
        Some((reach.map(|r| r.0), reach.map(|r| r.1 + 1 - r.0)))
    }

    /// Per axis the largest overlap of two tiles for which it is the tiling axis: the one along
    /// which they share the smallest part of their length. 0 where no tiles lie side by side.
    fn largest_overlaps(&self) -> [f64; 3] {
        let mut largest = [0.0f64; 3];
        for (i, a) in self.tiles.iter().enumerate() {
            for j in self.placed_in(&a.cover).into_iter().filter(|j| *j > i) {
                if let Some((axis, overlap)) = tiling_axis(a, &self.tiles[j]) {
                    largest[axis] = largest[axis].max(overlap);
                }
            }
        }
        largest
    }
}

/// The axis along which two tiles share the smallest part of their length, and how much.
fn tiling_axis(a: &PlacedTile, b: &PlacedTile) -> Option<(usize, f64)> {
    let shared = (0..3).map(|d| {
        let upper = |t: &PlacedTile| t.position[d] + t.shape[d] as f64;
        let overlap = upper(a).min(upper(b)) - a.position[d].max(b.position[d]);
        (d, overlap, overlap / a.shape[d].min(b.shape[d]) as f64)
    });
    shared
        .reduce(|best, next| if next.2 < best.2 { next } else { best })
        .filter(|(_, _, part)| *part < 1.0)
        .map(|(axis, overlap, _)| (axis, overlap))
}

fn place(tile: &FuseTile, params: &FuseParams) -> Result<PlacedTile, FuseError> {
    let FuseTile { id, position, shape } = *tile;
    if !shape.iter().all(|s| (1..=1usize << 31).contains(s)) {
        return Err(FuseError::Shape { id, shape });
    }
    if !position.iter().all(|p| p.abs() <= FARTHEST) {
        return Err(FuseError::Position { id, position });
    }
    check_shading(tile, params)?;
    let position = position.map(|p| match (p.round_ties_even(), params.interpolation) {
        (near, Interpolation::Nearest) => near,
        (near, _) if (p - near).abs() <= SNAP => near,
        _ => p,
    });
    let first = position.map(|p| p.ceil() as i64);
    let last: [i64; 3] =
        std::array::from_fn(|d| (position[d] + (shape[d] - 1) as f64).floor() as i64);
    let cover = LayoutRegion::new(first, std::array::from_fn(|d| (last[d] + 1 - first[d]).max(0)));
    let taps = position.map(|p| Taps::new(p.ceil() - p, params.interpolation));
    let gain = params.gains.get(&id).copied().filter(|g| *g != TileGain::default());
    let raw = taps.iter().all(|t| t.weights().len() == 1)
        && gain.is_none()
        && params.shading.as_ref().is_none_or(|s| s.flat.is_none() && s.dark.is_none());
    Ok(PlacedTile { id, position, shape, first, cover, taps, gain, raw })
}

fn check_shading(tile: &FuseTile, params: &FuseParams) -> Result<(), FuseError> {
    let Some(shading) = &params.shading else { return Ok(()) };
    let expected = [tile.shape[1], tile.shape[2]];
    for (image, pixels) in [("flat", &shading.flat), ("dark", &shading.dark)] {
        if let Some(pixels) = pixels
            && pixels.shape() != expected
        {
            let found = [pixels.shape()[0], pixels.shape()[1]];
            return Err(FuseError::ShadingShape { image, tile: tile.id, expected, found });
        }
    }
    Ok(())
}

fn output_box(tiles: &[PlacedTile]) -> Option<LayoutRegion> {
    let start = |d: usize| tiles.iter().map(|t| t.first[d]).min();
    let end = |d: usize| {
        let last = |t: &PlacedTile| (t.position[d] + (t.shape[d] - 1) as f64).floor() as i64;
        tiles.iter().map(last).max()
    };
    let start = [start(0)?, start(1)?, start(2)?];
    let end = [end(0)?, end(1)?, end(2)?];
    Some(LayoutRegion::new(start, std::array::from_fn(|d| (end[d] + 1 - start[d]).max(0))))
}
