//! Tiles on a grid: nominal positions from overlaps, neighbours, the tile at the centre.

use std::collections::{BTreeMap, HashMap};

use hooke_core::Axis;
use serde_json::Map;

use super::error::LayoutError;
use super::model::{Grid, Layout, Tile, TileSource};
use super::vector::Vector3;

/// A tile of a grid whose stage position is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct GridTile {
    /// Name for people.
    pub name: String,
    /// Where the voxels lie.
    pub source: TileSource,
    /// Its place; indices may start anywhere and have gaps.
    pub grid: Grid,
    /// Lengths over `(z, y, x)`.
    pub shape: [u64; 3],
}

/// Two neighbours of a grid along one axis, by id; `pre` is the smaller id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GridLink {
    /// The smaller id.
    pub pre: usize,
    /// The larger id.
    pub post: usize,
    /// The axis along which they are neighbours.
    pub axis: Axis,
}

impl Grid {
    /// A place from its indices over `z, y, x`.
    pub fn new(zyx: [i64; 3]) -> Grid {
        Grid { z: zyx[0], y: zyx[1], x: zyx[2] }
    }

    /// The indices over `z, y, x`.
    pub fn zyx(&self) -> [i64; 3] {
        [self.z, self.y, self.x]
    }
}

impl Layout {
    /// What `format` says in every layout.
    pub const FORMAT: &str = "hooke.layout";

    /// A layout of these tiles, without pairs.
    pub fn new(tiles: Vec<Tile>) -> Layout {
        Layout {
            format: Layout::FORMAT.to_string(),
            version: 1,
            axes: ["z", "y", "x"].map(str::to_string).to_vec(),
            dtype: None,
            voxel_size_um: None,
            align_channel: 0,
            channels: Vec::new(),
            tiles,
            pairs: Vec::new(),
            islands: Vec::new(),
            placement: None,
            warnings: Vec::new(),
            provenance: None,
            extra: Map::new(),
        }
    }

    /// Lays out tiles of a grid by their nominal overlaps; ids follow the order of `tiles`.
    ///
    /// The first index of each axis lies at 0; the step from one index to the next is the length
    /// of the tiles there (the longest, where they differ) minus the overlap. Tiles may be missing.
    /// `overlaps` over `z, y, x` repeats cyclically, so one value serves all axes; a negative
    /// overlap is a gap.
    ///
    /// # Errors
    /// [`LayoutError::NoOverlap`] for an empty list, [`LayoutError::Overlap`] where neighbours
    /// would not advance, and what [`Layout::validate`] finds.
    pub fn tiled(tiles: Vec<GridTile>, overlaps: &[i64]) -> Result<Layout, LayoutError> {
        let at_origin = |(id, tile): (usize, GridTile)| Tile {
            grid: Some(tile.grid),
            source: tile.source,
            ..Tile::new(id, tile.name, tile.shape, [0.0; 3])
        };
        let mut layout = Layout::new(tiles.into_iter().enumerate().map(at_origin).collect());
        layout.adjust_overlaps(overlaps)?;
        layout.validate()?;
        Ok(layout)
    }

    /// Sets the nominal positions of a grid anew from overlaps, as [`Layout::tiled`] does.
    ///
    /// The first index of each axis keeps its smallest nominal position. Shifts of pairs follow,
    /// their displacements stay.
    ///
    /// # Errors
    /// [`LayoutError::NoGrid`], [`LayoutError::NoOverlap`], [`LayoutError::Overlap`].
    pub fn adjust_overlaps(&mut self, overlaps: &[i64]) -> Result<(), LayoutError> {
        if overlaps.is_empty() {
            return Err(LayoutError::NoOverlap);
        }
        if let Some(tile) = self.tiles.iter().find(|t| t.grid.is_none()) {
            return Err(LayoutError::NoGrid { tile: tile.id });
        }
        for (d, axis) in Axis::SPACE.into_iter().enumerate() {
            let starts = self.starts_along(d, axis, overlaps[d % overlaps.len()])?;
            for tile in &mut self.tiles {
                let index = tile.grid.expect("every tile has a grid index, checked above").zyx()[d];
                tile.nominal_px.0[d] = starts[&index];
            }
        }
        if let Some(size) = self.voxel_size_um.map(|v| v.zyx()) {
            for tile in &mut self.tiles {
                let nominal = tile.nominal_px;
                tile.nominal_um = Some(Vector3(std::array::from_fn(|d| nominal[d] * size[d])));
            }
        }
        self.refresh_shifts();
        Ok(())
    }

    /// Nominal start of every grid index along axis `d`.
    fn starts_along(
        &self,
        d: usize,
        axis: Axis,
        overlap: i64,
    ) -> Result<BTreeMap<i64, f64>, LayoutError> {
        let mut sizes: BTreeMap<i64, u64> = BTreeMap::new();
        for tile in &self.tiles {
            let index = tile.grid.map_or(0, |g| g.zyx()[d]);
            let size = sizes.entry(index).or_default();
            *size = (*size).max(tile.shape[d]);
        }
        let longest = sizes.values().copied().max().unwrap_or(1);
        let nominal = self.tiles.iter().map(|t| t.nominal_px[d]);
        let first = nominal.reduce(f64::min).unwrap_or(0.0);
        let mut starts = BTreeMap::new();
        let mut previous: Option<(i64, u64, f64)> = None;
        for (&index, &size) in &sizes {
            let start = match previous {
                None => first,
                Some((before, length, at)) => {
                    // A missing row advances by the longest tile, since its own is not known.
                    let missing = (index - before - 1) as f64;
                    let step = |size: u64| size as i64 - overlap;
                    if step(length) <= 0 || step(longest) <= 0 {
                        let axis = axis.letter();
                        return Err(LayoutError::Overlap { axis, overlap, size: length });
                    }
                    at + step(length) as f64 + missing * step(longest) as f64
                }
            };
            starts.insert(index, start);
            previous = Some((index, size, start));
        }
        Ok(starts)
    }

    /// The tile at a place of the grid.
    pub fn tile_at(&self, grid: Grid) -> Option<&Tile> {
        self.tiles.iter().find(|t| t.grid == Some(grid))
    }

    /// The tile nearest to the middle of the grid; `None` when no tile has a grid index.
    ///
    /// The middle is the median index per axis. Axis by axis (`z`, `y`, `x`) only the tiles
    /// nearest to it stay; of several, the first in the list. A missing tile is never chosen.
    pub fn central_tile(&self) -> Option<&Tile> {
        let placed = || self.tiles.iter().filter_map(|t| Some((t, t.grid?.zyx())));
        let mut best: Vec<_> = placed().collect();
        for d in 0..3 {
            let mut indices: Vec<i64> = placed().map(|(_, g)| g[d]).collect();
            indices.sort_unstable();
            // Twice the median, so that a half stays an integer.
            let middle = indices.get(indices.len() / 2)? + indices[(indices.len() - 1) / 2];
            let distance = |g: &[i64; 3]| (2 * g[d] - middle).abs();
            let nearest = best.iter().map(|(_, g)| distance(g)).min()?;
            best.retain(|(_, g)| distance(g) == nearest);
        }
        best.first().map(|(tile, _)| *tile)
    }

    /// The neighbours of a grid that share a face, along `z`, then `y`, then `x`, each in the
    /// order of the tiles. Tiles without a grid index have none.
    pub fn grid_links(&self) -> Vec<GridLink> {
        let at: HashMap<Grid, usize> =
            self.tiles.iter().filter_map(|t| Some((t.grid?, t.id))).collect();
        let mut links = Vec::new();
        for (d, axis) in Axis::SPACE.into_iter().enumerate() {
            for tile in &self.tiles {
                let Some(mut next) = tile.grid.map(|g| g.zyx()) else { continue };
                next[d] += 1;
                if let Some(&other) = at.get(&Grid::new(next)) {
                    let (pre, post) = (tile.id.min(other), tile.id.max(other));
                    links.push(GridLink { pre, post, axis });
                }
            }
        }
        links
    }
}

impl Tile {
    /// A tile at a stage position, without anything else known.
    pub fn new(id: usize, name: String, shape: [u64; 3], nominal_px: [f64; 3]) -> Tile {
        Tile {
            id,
            name,
            source: TileSource::default(),
            grid: None,
            shape,
            nominal_px: Vector3(nominal_px),
            nominal_um: None,
            position_px: None,
            position_um: None,
            sd_px: None,
            island: None,
            status: None,
            reason: None,
            extra: Map::new(),
        }
    }
}
