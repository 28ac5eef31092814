//! An image that is written block by block, in any format.
//!
//! OME-Zarr and NPY take blocks in any order: the first stage writes them directly, and each
//! level of the pyramid is a stage of its own. Formats whose parts depend on each other (TIFF,
//! HDF5) take the same stages through a private OME-Zarr in the work folder, and one last stage
//! `write` streams it out.

mod error;
mod format;
mod lost;
mod set;
mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::plan::{Block, BlockSizing, OutputSpec, Stage, Writes, size_blocks};
use hooke_core::provenance::OutputRecord;
use hooke_core::region::{grid, grid_counts};
use hooke_core::{Budget, Downsample, Dtype, ImageMeta, Level, Pixels, Region};
use hooke_io::npy::NpySink;
use hooke_io::ome_zarr::{self, WriteOptions};

use crate::engine::two_step::piece;
use crate::engine::{BlockContext, BlockError, Planned, RunBlock, Summary, WorkDir};
pub use error::OutputError;
pub use format::{FORMATS, OutputFormat};
pub use set::{FirstSetStage, SetOutput, TileSinks};
pub(crate) use set::{MapStage, TileMap, counted, samples, space};
pub use store::Store;

/// An image that is written block by block.
pub struct ImageOutput {
    path: PathBuf,
    format: OutputFormat,
    meta: ImageMeta,
    store: Store,
    zarr: WriteOptions,
    levels: Vec<Level>,
}

/// The stage that computes the blocks of level 0.
pub struct FirstStage<'a> {
    /// Its name.
    pub name: &'a str,
    /// Stages that must be complete before.
    pub after: &'a [&'a str],
    /// What a block reads beyond what it writes.
    pub halo: [u64; 5],
    /// Peak bytes of a block that writes this shape.
    pub bytes: &'a dyn Fn([u64; 5]) -> u64,
}

impl ImageOutput {
    /// Decides format, levels, chunks and shards.
    ///
    /// # Errors
    /// When the format is unknown, cannot hold the image, or an option is no value.
    pub fn new(path: &Path, meta: ImageMeta, store: &Store) -> Result<ImageOutput, OutputError> {
        let format = match OutputFormat::choose(path, store.format.as_deref(), meta.dtype)? {
            OutputFormat::Bdv if store.bdv == "n5" => OutputFormat::BdvN5,
            OutputFormat::Bdv if store.bdv == "zarr" => OutputFormat::BdvZarr,
            format => format,
        };
        format.check(path, &meta, store)?;
        let zarr = store.to_zarr(&meta, format)?;
        let levels = ome_zarr::plan_levels(path, &meta, &zarr)?;
        Ok(ImageOutput { path: path.to_owned(), format, meta, store: store.clone(), zarr, levels })
    }

    /// What is known about the image.
    pub fn meta(&self) -> &ImageMeta {
        &self.meta
    }

    /// What the format cannot hold, as a warning.
    pub fn lost(&self) -> Option<(String, String)> {
        self.format.lost_of(std::slice::from_ref(&self.meta))
    }

    fn unit(&self, level: usize) -> [u64; 5] {
        let level = &self.levels[level];
        level.shard.unwrap_or(level.chunk)
    }

    fn level_bytes(&self, level: usize) -> u64 {
        Region::whole(self.levels[level].shape)
            .voxels()
            .saturating_mul(self.meta.dtype.size() as u64)
    }

    fn writes(&self, level: usize) -> Writes {
        Writes {
            output: self.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            shape: self.levels[level].shape,
            unit: self.unit(level),
            bytes: self.level_bytes(level),
        }
    }

    fn sized(
        &self,
        level: usize,
        halo: [u64; 5],
        bytes: &dyn Fn([u64; 5]) -> u64,
        budget: &Budget,
    ) -> Result<hooke_core::plan::Blocks, SourceError> {
        let sharded = self.levels[level].shard.is_some();
        let sizing = BlockSizing {
            shape: self.levels[level].shape,
            unit: self.unit(level),
            halo,
            bytes,
            axes: self.meta.axes,
            unit_name: if sharded { "shard" } else { "chunk" },
            unit_option: Some(if sharded { "--shard" } else { "--chunk" }),
        };
        let (grid, bytes) = size_blocks(&sizing, budget)?;
        Ok(hooke_core::plan::Blocks::Grid { grid, bytes })
    }

    /// The stages of a plan that write this image.
    ///
    /// # Errors
    /// When not even one block fits into the memory.
    pub fn stages(&self, first: &FirstStage<'_>, budget: &Budget) -> Result<Planned, SourceError> {
        let blocks = self.sized(0, first.halo, first.bytes, budget)?;
        let mut stages =
            vec![Stage::new(first.name, "blocks", first.after, blocks).writing(self.writes(0))];
        let mut before = first.name.to_owned();
        for level in 1..self.levels.len() {
            let bytes = |write: [u64; 5]| self.pyramid_bytes(level, write, budget.threads);
            let blocks = self.sized(level, [0; 5], &bytes, budget)?;
            let name = format!("pyramid-{level}");
            stages
                .push(Stage::new(&name, "blocks", &[&before], blocks).writing(self.writes(level)));
            before = name;
        }
        let total: u64 = (0..self.levels.len()).map(|l| self.level_bytes(l)).sum();
        let mut work_bytes = 0;
        if !self.format.takes_any_order() {
            stages.push(Stage::one("write", &[&before], 3 * self.piece_bytes(budget)));
            work_bytes = total;
        }
        let axes = self.meta.axes;
        let output = OutputSpec {
            path: self.path.clone(),
            axes,
            shape: axes.pick(&self.meta.shape),
            dtype: Some(self.meta.dtype),
            write_unit: axes.pick(&self.unit(0)),
            bytes: total,
        };
        let beside =
            self.format.companions(&self.path).into_iter().map(|path| OutputSpec::file(path, 0));
        let outputs = std::iter::once(output).chain(beside).collect();
        Ok(Planned { stages, outputs, work_bytes })
    }

    /// How much is streamed out at once: planes as deep as a chunk, so that none is decoded twice,
    /// unless the memory is too small for that.
    fn piece_bytes(&self, budget: &Budget) -> u64 {
        let level = &self.levels[0];
        let [_, _, z, y, x] = level.shape;
        let planes = level.chunk[2].min(z) * y * x * self.meta.dtype.size() as u64;
        planes.min(budget.for_blocks() / 4).max(1 << 20)
    }

    fn pyramid_bytes(&self, level: usize, write: [u64; 5], threads: usize) -> u64 {
        pyramid_bytes(&self.levels, level, write, self.meta.dtype, threads)
    }

    /// Where blocks are written: the product itself, or a private OME-Zarr.
    fn block_path(&self, work: &WorkDir) -> PathBuf {
        if self.format.takes_any_order() {
            work.product()
        } else {
            work.root().join("work").join("store").join("blocks.ome.zarr")
        }
    }

    /// The path of the blocks as markers name it.
    pub fn container(&self, work: &WorkDir) -> String {
        work.relative(&self.block_path(work))
    }

    /// Creates what blocks are written into.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(&self, work: &WorkDir) -> Result<(), SourceError> {
        std::fs::create_dir_all(work.data())
            .map_err(|e| hooke_io::Error::io(work.data(), "create", e))?;
        if !self.format.takes_any_order() {
            work.private("store")?;
        }
        match self.format {
            OutputFormat::Npy => NpySink::create(&self.block_path(work), &self.meta).map(drop)?,
            _ => ome_zarr::create(&self.block_path(work), &self.meta, &self.zarr).map(drop)?,
        }
        Ok(())
    }

    /// Opens what blocks are written into.
    ///
    /// # Errors
    /// When it was not created.
    pub fn open_sink(&self, work: &WorkDir) -> Result<Arc<dyn ImageSink>, SourceError> {
        Ok(match self.format {
            OutputFormat::Npy => Arc::new(NpySink::resume(&self.block_path(work), &self.meta)?),
            _ => Arc::new(ome_zarr::open_for_write(&self.block_path(work))?),
        })
    }

    /// Opens one of the stages `pyramid-N` and `write`.
    ///
    /// # Errors
    /// When there is no such stage, or what it reads was not created.
    pub fn open_stage<'a>(
        &'a self,
        stage: &str,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        if stage == "write" {
            return Ok(Box::new(move |_: &Block, cx: &mut BlockContext<'_>| {
                self.write_out(work, cx)
            }));
        }
        let level: usize = stage
            .strip_prefix("pyramid-")
            .and_then(|n| n.parse().ok())
            .filter(|n| (1..self.levels.len()).contains(n))
            .ok_or_else(|| format!("no stage `{stage}`"))?;
        let sink = ome_zarr::open_for_write(&self.block_path(work))?;
        let container = self.container(work);
        let method = self.downsample();
        Ok(Box::new(move |block: &Block, cx: &mut BlockContext<'_>| {
            let scratch = cx.scratch.get::<Reused>();
            let keys = hooke_io::pyramid::write_block(
                &sink,
                level,
                &block.write,
                method,
                self.meta.dtype,
                &mut scratch.0,
            )?;
            Ok(Summary::new().wrote(&container, keys))
        }))
    }

    fn downsample(&self) -> Downsample {
        self.zarr.downsample.unwrap_or(if self.meta.labels {
            Downsample::Mode
        } else {
            Downsample::Mean
        })
    }

    /// Streams the private OME-Zarr into the product, level by level, in C order.
    fn write_out(&self, work: &WorkDir, cx: &mut BlockContext<'_>) -> Result<Summary, BlockError> {
        let store = ome_zarr::open_for_write(&self.block_path(work))?;
        let writer = self.format.create(&work.product(), &self.meta, &self.levels, &self.store)?;
        let written = writer.levels().len().min(self.levels.len());
        let voxels = self.piece_bytes(cx.budget) / self.meta.dtype.size() as u64;
        let steps: Vec<[u64; 5]> = (0..written)
            .map(|l| piece(self.levels[l].shape, writer.write_unit(l), voxels))
            .collect();
        let count = |(l, step): (usize, &[u64; 5])| {
            grid_counts(self.levels[l].shape, *step).iter().product::<u64>()
        };
        cx.progress.start("write", steps.iter().enumerate().map(count).sum(), "parts");
        let mut pixels = Pixels::zeros(self.meta.dtype, [0; 5]);
        for (level, step) in steps.into_iter().enumerate() {
            for region in grid(self.levels[level].shape, step) {
                if cx.progress.is_cancelled() {
                    return Err(BlockError::Cancelled);
                }
                store.read_back(level, &region, &mut pixels)?;
                writer.write(level, &region, &pixels)?;
                cx.progress.advance(1, pixels.bytes());
            }
        }
        writer.finish()?;
        Ok(Summary::new())
    }

    /// Completes the image below [`WorkDir::data`].
    ///
    /// # Errors
    /// When the metadata cannot be written.
    pub fn finish(&self, work: &WorkDir) -> Result<Vec<OutputRecord>, SourceError> {
        if self.format.takes_any_order() && !self.is_finished(work) {
            self.open_sink(work)?.finish()?;
        }
        let record = |path: PathBuf, format: &str| OutputRecord {
            path,
            format: format.to_owned(),
            shape: self.meta.axes.pick(&self.meta.shape),
            dtype: Some(self.meta.dtype),
            size_bytes: 0,
        };
        let mut records = vec![record(self.path.clone(), self.format.name())];
        for beside in self.format.companions(&self.path) {
            records.push(record(beside, self.format.name()));
        }
        Ok(records)
    }

    /// A run that was killed between finishing and publishing finishes again.
    fn is_finished(&self, work: &WorkDir) -> bool {
        match self.format {
            OutputFormat::OmeZarr => ome_zarr::open_for_write(&self.block_path(work)).is_err(),
            _ => self.block_path(work).exists(),
        }
    }
}

/// Whether an image can be written so.
///
/// # Errors
/// When the format is unknown, cannot hold the image, or an option is no value.
pub(crate) fn check_writable(
    path: &Path,
    meta: &ImageMeta,
    store: &Store,
) -> Result<(), OutputError> {
    ImageOutput::new(path, meta.clone(), store).map(drop)
}

/// Begins an image that one step writes from its first voxel to its last.
///
/// # Errors
/// As [`check_writable`], and when the file cannot be made.
pub(crate) fn one_writer(
    path: &Path,
    meta: &ImageMeta,
    store: &Store,
) -> Result<Box<dyn ImageSink>, SourceError> {
    let output = ImageOutput::new(path, meta.clone(), store)?;
    Ok(match output.format {
        OutputFormat::OmeZarr => Box::new(ome_zarr::create(path, meta, &output.zarr)?),
        OutputFormat::Npy => Box::new(NpySink::create(path, meta)?),
        format => format.create(path, meta, &output.levels, store)?,
    })
}

/// Parts of a level that a sink takes, in C order, of about so many voxels.
pub(crate) fn pieces(sink: &dyn ImageSink, shape: [u64; 5], voxels: u64) -> Vec<Region> {
    grid(shape, piece(shape, sink.write_unit(0), voxels)).collect()
}

/// Peak bytes of a block of a level that is made from the level before.
fn pyramid_bytes(
    levels: &[Level],
    level: usize,
    write: [u64; 5],
    dtype: Dtype,
    threads: usize,
) -> u64 {
    let (above, below) = (&levels[level - 1], &levels[level]);
    let window: f64 =
        (0..3).map(|d| (below.factors[d] / above.factors[d]).round().max(1.0)).product();
    let size = dtype.size() as u64;
    let chunk = Region::whole(below.chunk).voxels() * size;
    let block = Region::whole(write).voxels() * size;
    // The block, its encoded form, and a few chunks of the level before per thread.
    2 * block + threads as u64 * chunk * (window as u64 + 1)
}

/// A buffer that one block of a pyramid leaves for the next.
struct Reused(Pixels);

impl Default for Reused {
    fn default() -> Reused {
        Reused(Pixels::zeros(Dtype::Uint8, [0; 5]))
    }
}
