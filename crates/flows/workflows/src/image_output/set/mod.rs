//! A set of tiles that is written block by block.
//!
//! | suffix | what is written |
//! |---|---|
//! | `.zarr`, none | an OME-Zarr collection: a group per tile, `0`, `1`, ... |
//! | `.xml` | BigDataViewer: one HDF5 file beside the XML, a view per tile |
//! | `.csv` | a table of tiles and a folder of OME-TIFFs |
//!
//! As for one image, HDF5 and TIFF take the blocks through private OME-Zarrs in the work folder.

mod kind;
mod map;
mod sinks;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use hooke_core::image::SourceError;
use hooke_core::plan::{Block, BlockSizing, Blocks, OutputSpec, Stage, size_blocks};
use hooke_core::region::grid;
use hooke_core::{Budget, Dtype, ImageMeta, Level, Region};
use hooke_io::ome_zarr::{self, WriteOptions};

use super::error::OutputError;
use super::store::Store;
use super::{Reused, pyramid_bytes};
use crate::engine::{BlockContext, Planned, RunBlock, Summary, WorkDir};
use kind::{Kind, same_factors};
pub(crate) use map::{MapStage, TileMap, counted, samples, space};
pub use sinks::TileSinks;

/// A set of tiles that is written block by block.
pub struct SetOutput {
    path: PathBuf,
    kind: Kind,
    metas: Vec<ImageMeta>,
    /// Positions in voxels, for tables of sets without a voxel size.
    positions_px: Vec<Option<[f64; 3]>>,
    store: Store,
    zarr: Vec<WriteOptions>,
    levels: Vec<Vec<Level>>,
}

/// The stage that computes the blocks of level 0.
pub struct FirstSetStage<'a> {
    /// Its name.
    pub name: &'a str,
    /// Stages that must be complete before.
    pub after: &'a [&'a str],
    /// Peak bytes of a block of a tile that writes this shape.
    pub bytes: &'a dyn Fn(usize, [u64; 5]) -> u64,
}

impl SetOutput {
    /// Decides format, levels, chunks and shards. One entry of `metas` per tile.
    ///
    /// # Errors
    /// When the suffix is no set's, the format cannot hold a tile, an option is no value, or
    /// positions would be lost.
    pub fn new(
        path: &Path,
        metas: Vec<ImageMeta>,
        positions_px: Vec<Option<[f64; 3]>>,
        store: &Store,
    ) -> Result<SetOutput, OutputError> {
        let kind = Kind::of(path)?;
        let format = kind.format();
        let mut metas = metas;
        let lost = metas.iter().zip(&positions_px).any(|(m, p)| p.is_some() && !has_place(m));
        match kind {
            Kind::Zarr if lost => {
                return Err(OutputError::Option {
                    what: "positions in voxels cannot be written without a voxel size".to_owned(),
                    hint: "give --voxel-size z,y,x in micrometres, or write .xml or .csv"
                        .to_owned(),
                });
            }
            // Its world is then in voxels.
            Kind::Bdv if lost => {
                for (meta, px) in metas.iter_mut().zip(&positions_px) {
                    if let Some(px) = px {
                        meta.origin_um = px.map(hooke_core::Sourced::file);
                    }
                }
            }
            _ => {}
        }
        let mut zarr: Vec<WriteOptions> =
            metas.iter().map(|m| store.to_zarr(m, format)).collect::<Result<_, _>>()?;
        if kind == Kind::Bdv {
            same_factors(path, &metas, &mut zarr)?;
        }
        let mut levels = Vec::with_capacity(metas.len());
        for (meta, how) in metas.iter().zip(&zarr) {
            format.check(path, meta, store)?;
            levels.push(ome_zarr::plan_levels(path, meta, how)?);
        }
        let (path, store) = (path.to_owned(), store.clone());
        Ok(SetOutput { path, kind, metas, positions_px, store, zarr, levels })
    }

    /// The same with another sample type, on the same grid of blocks.
    ///
    /// # Errors
    /// As [`SetOutput::new`].
    pub fn with_dtype(&self, dtype: Dtype) -> Result<SetOutput, OutputError> {
        let mut metas = self.metas.clone();
        for meta in &mut metas {
            *meta = ImageMeta {
                dtype,
                stored_dtype: dtype.name().to_owned(),
                significant_bits: 8 * dtype.size() as u32,
                ..meta.clone()
            };
            self.kind.format().check(&self.path, meta, &self.store)?;
        }
        Ok(SetOutput {
            path: self.path.clone(),
            kind: self.kind,
            metas,
            positions_px: self.positions_px.clone(),
            store: self.store.clone(),
            zarr: self.zarr.clone(),
            levels: self.levels.clone(),
        })
    }

    /// The sample type.
    pub fn dtype(&self) -> Dtype {
        self.metas.first().map_or(Dtype::Uint8, |m| m.dtype)
    }

    /// What the format cannot hold of any tile, as a warning.
    pub fn lost(&self) -> Option<(String, String)> {
        self.kind.format().lost_of(&self.metas)
    }

    /// Number of tiles.
    pub fn len(&self) -> usize {
        self.metas.len()
    }

    /// Whether there is no tile.
    pub fn is_empty(&self) -> bool {
        self.metas.is_empty()
    }

    fn level_bytes(&self, tile: usize, level: usize) -> u64 {
        let voxels = Region::whole(self.levels[tile][level].shape).voxels();
        voxels.saturating_mul(self.dtype().size() as u64)
    }

    /// Files and folders beside the output that belong to it.
    fn companions(&self) -> Vec<PathBuf> {
        match self.kind {
            Kind::Zarr => Vec::new(),
            Kind::Bdv => vec![self.path.with_extension("h5")],
            Kind::Tiffs => vec![self.path.with_extension("")],
        }
    }

    /// The number that the frames of each tile begin with, when all frames of all tiles are counted.
    fn starts(&self) -> Vec<u64> {
        let mut next = 0;
        let start = |meta: &ImageMeta| {
            let start = next;
            next += meta.shape[0];
            start
        };
        self.metas.iter().map(start).collect()
    }

    /// Blocks of one level of all tiles; the first axis counts the frames of all tiles.
    fn blocks(
        &self,
        level: usize,
        bytes: &dyn Fn(usize, [u64; 5]) -> u64,
        budget: &Budget,
    ) -> Result<Blocks, SourceError> {
        let mut blocks = Vec::new();
        for ((tile, levels), start) in self.levels.iter().enumerate().zip(self.starts()) {
            let Some(of) = levels.get(level) else { continue };
            let of_tile = |write: [u64; 5]| bytes(tile, write);
            let sizing = BlockSizing {
                shape: of.shape,
                unit: of.shard.unwrap_or(of.chunk),
                halo: [0; 5],
                bytes: &of_tile,
                axes: self.metas[tile].axes,
                unit_name: if of.shard.is_some() { "shard" } else { "chunk" },
                unit_option: None,
            };
            let (sized, bytes) = size_blocks(&sizing, budget)?;
            for mut region in grid(of.shape, sized.write) {
                region.start[0] += start;
                let id = blocks.len() as u64;
                blocks.push(Block { id, write: region, read: region, bytes });
            }
        }
        Ok(Blocks::Listed(blocks))
    }

    /// The stages of a plan that write this set.
    ///
    /// # Errors
    /// When not even one block fits into the memory.
    pub fn stages(
        &self,
        first: &FirstSetStage<'_>,
        budget: &Budget,
    ) -> Result<Planned, SourceError> {
        let blocks = self.blocks(0, first.bytes, budget)?;
        let mut stages = vec![Stage::new(first.name, "blocks", first.after, blocks)];
        let mut before = first.name.to_owned();
        let most = self.levels.iter().map(Vec::len).max().unwrap_or(1);
        for level in 1..most {
            let bytes = |tile: usize, write: [u64; 5]| {
                let levels = &self.levels[tile];
                pyramid_bytes(levels, level, write, self.dtype(), budget.threads)
            };
            let name = format!("pyramid-{level}");
            let blocks = self.blocks(level, &bytes, budget)?;
            stages.push(Stage::new(&name, "blocks", &[&before], blocks));
            before = name;
        }
        let count = |tile: usize| (0..self.levels[tile].len()).map(move |l| (tile, l));
        let total: u64 = (0..self.len()).flat_map(count).map(|(t, l)| self.level_bytes(t, l)).sum();
        let bytes = 3 * self.piece_bytes(budget);
        let mut work_bytes = 0;
        match self.kind {
            Kind::Zarr => {}
            Kind::Bdv => stages.push(Stage::one("write", &[&before], bytes)),
            Kind::Tiffs => {
                let tiles = Blocks::items(self.len() as u64, bytes);
                stages.push(Stage::new("write", "tiles", &[&before], tiles));
            }
        }
        if self.kind != Kind::Zarr {
            work_bytes = total;
        }
        let spec =
            |path: PathBuf, dtype, bytes| OutputSpec { dtype, ..OutputSpec::file(path, bytes) };
        let mut outputs = vec![spec(self.path.clone(), Some(self.dtype()), total)];
        outputs.extend(self.companions().into_iter().map(|p| spec(p, None, 0)));
        Ok(Planned { stages, outputs, work_bytes })
    }

    /// How much is streamed out at once: planes as deep as a chunk, unless the memory is too small.
    fn piece_bytes(&self, budget: &Budget) -> u64 {
        let planes = |levels: &Vec<Level>| {
            let [_, _, z, y, x] = levels[0].shape;
            levels[0].chunk[2].min(z) * y * x * self.dtype().size() as u64
        };
        let largest = self.levels.iter().map(planes).max().unwrap_or(0);
        largest.min(budget.for_blocks() / 4).max(1 << 20)
    }

    /// Where the blocks of a tile are written.
    fn block_path(&self, work: &WorkDir, tile: usize) -> PathBuf {
        match self.kind {
            Kind::Zarr => work.product().join(tile.to_string()),
            _ => work.root().join("work").join("store").join(format!("{tile}.ome.zarr")),
        }
    }

    /// The path of a tile's blocks as markers name it.
    pub fn container(&self, work: &WorkDir, tile: usize) -> String {
        work.relative(&self.block_path(work, tile))
    }

    /// Creates what blocks are written into.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(&self, work: &WorkDir) -> Result<(), SourceError> {
        std::fs::create_dir_all(work.data())
            .map_err(|e| hooke_io::Error::io(work.data(), "create", e))?;
        if self.kind != Kind::Zarr {
            work.private("store")?;
        }
        for (tile, (meta, how)) in self.metas.iter().zip(&self.zarr).enumerate() {
            ome_zarr::create(&self.block_path(work, tile), meta, how)?;
        }
        Ok(())
    }

    /// Creates it anew, in place of what an interrupted attempt left.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create_anew(&self, work: &WorkDir) -> Result<(), SourceError> {
        for tile in 0..self.len() {
            let path = self.block_path(work, tile);
            if path.exists() {
                std::fs::remove_dir_all(&path)
                    .map_err(|e| hooke_io::Error::io(&path, "remove", e))?;
            }
        }
        self.create(work)
    }

    /// What blocks are written into.
    pub fn sinks(&self, work: &WorkDir) -> TileSinks {
        let paths = (0..self.len()).map(|tile| self.block_path(work, tile));
        let containers = (0..self.len()).map(|tile| self.container(work, tile));
        TileSinks {
            tiles: paths.zip(containers).collect(),
            starts: self.starts(),
            open: Mutex::default(),
        }
    }

    /// Opens one of the stages `pyramid-N` and `write`.
    ///
    /// # Errors
    /// When there is no such stage.
    pub fn open_stage<'a>(
        &'a self,
        stage: &str,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        if stage == "write" {
            return Ok(Box::new(move |block: &Block, cx: &mut BlockContext<'_>| match self.kind {
                Kind::Bdv => self.write_bdv(work, cx),
                _ => self.write_tiff(work, block.id as usize, cx),
            }));
        }
        let level: usize = stage
            .strip_prefix("pyramid-")
            .and_then(|n| n.parse().ok())
            .filter(|n| *n >= 1)
            .ok_or_else(|| format!("no stage `{stage}`"))?;
        let sinks = self.sinks(work);
        Ok(Box::new(move |block: &Block, cx: &mut BlockContext<'_>| {
            let (tile, region) = sinks.tile_of(block);
            let sink = sinks.tile(tile)?;
            let scratch = &mut cx.scratch.get::<Reused>().0;
            let (method, dtype) = (sink.downsample(), self.dtype());
            let keys = hooke_io::pyramid::write_block(
                sink.as_ref(),
                level,
                &region,
                method,
                dtype,
                scratch,
            )?;
            Ok(Summary::new().wrote(sinks.container(tile), keys))
        }))
    }
}

fn has_place(meta: &ImageMeta) -> bool {
    meta.origin_um.iter().all(|o| o.value.is_some())
}
