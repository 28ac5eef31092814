//! A set streamed out of its private store, and completed.

use std::path::PathBuf;

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::provenance::OutputRecord;
use hooke_core::region::{grid, grid_counts};
use hooke_core::{Budget, Level, Pixels, Sample, dispatch};
use hooke_io::bdv::BdvFile;
use hooke_io::ome_zarr;
use hooke_io::tables::{TilePosition, TileRow, write_tiles};

use super::{Kind, SetOutput};
use crate::engine::two_step::piece;
use crate::engine::{BlockContext, BlockError, Summary, WorkDir};
use crate::image_output::format::bdv_settings;

impl SetOutput {
    /// Streams the levels of one tile from its private store into a writer, in C order.
    fn stream(
        &self,
        work: &WorkDir,
        tile: usize,
        writer: &dyn ImageSink,
        skip_zeros: bool,
        cx: &mut BlockContext<'_>,
    ) -> Result<(), BlockError> {
        let store = ome_zarr::open_for_write(&self.block_path(work, tile))?;
        let voxels = self.piece_bytes(cx.budget) / self.dtype().size() as u64;
        let mut pixels = Pixels::zeros(self.dtype(), [0; 5]);
        for (level, of) in self.levels[tile].iter().enumerate().take(writer.levels().len()) {
            let step = piece(of.shape, writer.write_unit(level), voxels);
            for region in grid(of.shape, step) {
                if cx.progress.is_cancelled() {
                    return Err(BlockError::Cancelled);
                }
                store.read_back(level, &region, &mut pixels)?;
                if !(skip_zeros && is_zero(&pixels)) {
                    writer.write(level, &region, &pixels)?;
                }
                cx.progress.advance(1, pixels.bytes());
            }
        }
        Ok(())
    }

    fn pieces(&self, tile: usize, writer: &dyn ImageSink, budget: &Budget) -> u64 {
        let voxels = self.piece_bytes(budget) / self.dtype().size() as u64;
        let levels = self.levels[tile].iter().enumerate().take(writer.levels().len());
        let count = |(l, of): (usize, &Level)| {
            let step = piece(of.shape, writer.write_unit(l), voxels);
            grid_counts(of.shape, step).iter().product::<u64>()
        };
        levels.map(count).sum()
    }

    pub(super) fn write_bdv(
        &self,
        work: &WorkDir,
        cx: &mut BlockContext<'_>,
    ) -> Result<Summary, BlockError> {
        let file = BdvFile::create(
            &work.product(),
            &self.metas,
            &bdv_settings(&self.levels[0], &self.store)?,
        )?;
        let pieces = |tile| self.pieces(tile, &file.image(tile), cx.budget);
        cx.progress.start("write", (0..self.len()).map(pieces).sum(), "parts");
        for tile in 0..self.len() {
            // A chunk that is not there reads as 0.
            self.stream(work, tile, &file.image(tile), true, cx)?;
        }
        file.finish()?;
        Ok(Summary::new())
    }

    /// The folder of a set's TIFFs, and the name of one in it.
    fn tiff(&self, tile: usize) -> (String, String) {
        let folder = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        (folder, format!("tile_{tile:04}.ome.tif"))
    }

    pub(super) fn write_tiff(
        &self,
        work: &WorkDir,
        tile: usize,
        cx: &mut BlockContext<'_>,
    ) -> Result<Summary, BlockError> {
        let (folder, name) = self.tiff(tile);
        let folder = work.data().join(folder);
        std::fs::create_dir_all(&folder).map_err(|e| hooke_io::Error::io(&folder, "create", e))?;
        let (meta, levels) = (&self.metas[tile], &self.levels[tile]);
        let format = self.kind.format();
        let writer = format.create(&folder.join(name), meta, levels, &self.store)?;
        cx.progress.start("write", self.pieces(tile, writer.as_ref(), cx.budget), "parts");
        self.stream(work, tile, writer.as_ref(), false, cx)?;
        writer.finish()?;
        Ok(Summary::new())
    }

    /// Completes the set below [`WorkDir::data`].
    ///
    /// # Errors
    /// When metadata cannot be written.
    pub fn finish(&self, work: &WorkDir) -> Result<Vec<OutputRecord>, SourceError> {
        match self.kind {
            Kind::Zarr => {
                for tile in 0..self.len() {
                    // A run that was killed between finishing and publishing finishes again.
                    match ome_zarr::open_for_write(&self.block_path(work, tile)) {
                        Ok(sink) => sink.finish()?,
                        Err(hooke_io::Error::NotThere { .. }) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                ome_zarr::finish_collection(&work.product(), self.zarr[0].ngff)?;
            }
            Kind::Bdv => {}
            Kind::Tiffs => self.write_table(work)?,
        }
        let format = match self.kind {
            Kind::Tiffs => "csv",
            kind => kind.format().name(),
        };
        let record =
            |path: PathBuf, format: &str, dtype| crate::engine_output(&path, format, vec![], dtype);
        let mut records = vec![record(self.path.clone(), format, Some(self.dtype()))];
        let beside = self.companions().into_iter();
        records.extend(beside.map(|p| record(p, self.kind.format().name(), None)));
        Ok(records)
    }

    fn write_table(&self, work: &WorkDir) -> Result<(), SourceError> {
        let row = |tile: usize| {
            let (folder, name) = self.tiff(tile);
            let meta = &self.metas[tile];
            let um = meta.origin_um.map(|o| o.value);
            let position = match (um, self.positions_px[tile]) {
                ([Some(z), Some(y), Some(x)], _) => Some(TilePosition::Um([z, y, x])),
                (_, Some(px)) => Some(TilePosition::Px(px)),
                _ => None,
            };
            TileRow {
                path: work.data().join(folder).join(name),
                dataset: None,
                series: 0,
                channel: None,
                name: Some(meta.name.clone()),
                grid: None,
                position,
            }
        };
        let rows: Vec<TileRow> = (0..self.len()).map(row).collect();
        Ok(write_tiles(&work.product(), &rows)?)
    }
}

fn is_zero(pixels: &Pixels) -> bool {
    dispatch!(pixels.dtype(), T => {
        let zero = T::default();
        pixels.as_slice::<T>().unwrap_or_default().iter().all(|v| *v == zero && v.to_f64().is_sign_positive())
    })
}
