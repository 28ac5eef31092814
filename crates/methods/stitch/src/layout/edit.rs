//! Edits of a layout: remove, crop, sort, move, relocate.

use super::error::LayoutError;
use super::model::{Layout, Tile, TileSource};
use super::vector::Vector3;
use crate::region::LayoutRegion;

/// By what tiles are sorted; both are lexicographic over `z, y, x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// Current position.
    Position,
    /// Place on the grid; tiles without one come first.
    Grid,
}

impl Layout {
    /// Removes tiles and their pairs; the ids of the rest do not change.
    ///
    /// # Errors
    /// [`LayoutError::UnknownTile`]; then nothing is removed.
    pub fn remove(&mut self, ids: &[usize]) -> Result<(), LayoutError> {
        let index = self.index();
        if let Some(&tile) = ids.iter().find(|id| index.get(**id).is_none()) {
            return Err(LayoutError::UnknownTile { tile, tiles: self.tiles.len() });
        }
        self.retain(|tile| !ids.contains(&tile.id));
        Ok(())
    }

    /// The tiles that share a voxel with a region (positions rounded half to even) and the pairs
    /// between them; positions are unchanged.
    pub fn crop(&self, region: &LayoutRegion) -> Layout {
        let mut cropped = self.clone();
        cropped.retain(|tile| tile.region().intersect(region).is_some());
        cropped
    }

    /// Keeps some tiles, the pairs between them, and what names no other tile.
    fn retain(&mut self, keep: impl FnMut(&Tile) -> bool) {
        self.tiles.retain(keep);
        let index = self.index();
        let known = |id: usize| index.get(id).is_some();
        self.pairs.retain(|p| known(p.pre) && known(p.post));
        for island in &mut self.islands {
            island.tiles.retain(|id| known(*id));
            island.fixed_tile = island.fixed_tile.filter(|id| known(*id));
        }
        self.islands.retain(|i| !i.tiles.is_empty());
        self.warnings.retain(|w| {
            w.tile.is_none_or(known) && w.pair.is_none_or(|p| p.iter().all(|id| known(*id)))
        });
    }

    /// Sorts the list of tiles; ids do not change, equal keys keep their order.
    pub fn sort_by(&mut self, key: SortKey) {
        match key {
            SortKey::Grid => self.tiles.sort_by_key(|t| t.grid),
            SortKey::Position => self.tiles.sort_by(|a, b| {
                let (a, b) = (a.current_px(), b.current_px());
                let by_axis = |d: usize| a[d].total_cmp(&b[d]);
                by_axis(0).then(by_axis(1)).then(by_axis(2))
            }),
        }
    }

    /// Sets the positions of some tiles by id; the others keep theirs.
    ///
    /// With `update_pairs` the displacements of all pairs become the difference of the new
    /// positions.
    ///
    /// # Errors
    /// [`LayoutError::UnknownTile`], [`LayoutError::Position`] for NaN; then nothing is changed.
    pub fn set_positions(
        &mut self,
        positions: &[(usize, [f64; 3])],
        update_pairs: bool,
    ) -> Result<(), LayoutError> {
        let index = self.index();
        for &(tile, found) in positions {
            if index.get(tile).is_none() {
                return Err(LayoutError::UnknownTile { tile, tiles: self.tiles.len() });
            }
            if !Vector3(found).is_complete() {
                return Err(LayoutError::Position { tile, what: "position_px", found });
            }
        }
        for &(id, position) in positions {
            let at = index.get(id).expect("every id was found above");
            self.tiles[at].position_px = Some(Vector3(position));
        }
        self.refresh_position_um();
        if update_pairs { self.pairs_from_positions() } else { Ok(()) }
    }

    /// Points every tile to another source: another channel, or data that moved. Positions and
    /// pairs stay. Whether the new files exist and have the same shape is the caller's to check.
    ///
    /// # Errors
    /// The first error of `change`; then nothing is changed.
    pub fn relocate<E>(
        &mut self,
        mut change: impl FnMut(&Tile) -> Result<TileSource, E>,
    ) -> Result<(), E> {
        let sources: Vec<TileSource> =
            self.tiles.iter().map(&mut change).collect::<Result<_, E>>()?;
        for (tile, source) in self.tiles.iter_mut().zip(sources) {
            tile.source = source;
        }
        Ok(())
    }
}
