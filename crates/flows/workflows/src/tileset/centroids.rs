//! `hooke tileset centroids`: where every label of the mosaic lies.

use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::pixels::Typed;
use hooke_core::plan::InputStamp;
use hooke_core::{Budget, Dtype, LayoutRegion, Progress, Sample};
use hooke_io::ChunkCache;
use hooke_io::tables::write_table;
use hooke_tileset::centroids::{
    Centroid, CentroidScratch, Intensity, LabelMoments, add_block, label_paste, to_um,
};
use hooke_tileset::paste::{Blend, PasteParams, Zeros};
use hooke_tileset::placement::Place;
use hooke_tileset::{Placement, TilesetError};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::boxes::{BOX_VOXELS, aligned, step};
use super::columns::Columns;
use super::dedup::with_labels;
use super::error::SetError;
use super::options::{SetOptions, absolute};
use super::pixels::{SetReader, Taking, block_error};
use super::positions::table_format;
use super::set::TileSet;
use crate::engine::{BlockContext, BlockError};
use crate::step::{Done, Step};

/// Everything that decides the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CentroidsOptions {
    /// The labels: a set, or one volume.
    #[serde(flatten)]
    pub set: SetOptions,
    /// A set of intensities, or one image of the mosaic.
    pub intensity: Option<String>,
    /// What a 0 is.
    pub zeros: Zeros,
    /// Which tile a voxel is taken from.
    pub overlap: Blend,
    /// The table.
    pub output: PathBuf,
}

/// `hooke tileset centroids`.
pub struct Centroids {
    options: CentroidsOptions,
    set: TileSet,
    placement: Placement,
    from: Dtype,
    params: PasteParams,
    intensity: Option<Weights>,
}

/// Where intensities come from.
struct Weights {
    set: TileSet,
    /// One image of the whole mosaic.
    mosaic: bool,
}

impl Step for Centroids {
    const COMMAND: &'static str = "tileset centroids";
    type Parameters = CentroidsOptions;
    type Error = SetError;

    fn open(options: CentroidsOptions) -> Result<Centroids, SetError> {
        let path = |p: &String| absolute(std::path::Path::new(p)).to_string_lossy().into_owned();
        let options = CentroidsOptions {
            set: options.set.absolute(),
            intensity: options.intensity.as_ref().map(path),
            output: absolute(&options.output),
            ..options
        };
        table_format(&options.output)?;
        let set = TileSet::open(&options.set)?.ignoring_rotation(options.set.ignore_rotation);
        let from = set.label_dtype()?;
        // One volume needs no place: it is the mosaic.
        let placement = match set.tiles.as_slice() {
            [one] if !set.has_positions() => Placement::from_starts(&[[0; 3]], &[one.shape])?,
            _ => set.placement(Place::Nearest)?,
        };
        let params = PasteParams { blend: options.overlap, zeros: options.zeros, order: None };
        with_labels!(from, T => label_paste::<T>(&placement, &params).map(drop))?;
        let intensity = match &options.intensity {
            Some(path) => Some(weights(&options, path, &set, &placement)?),
            None => None,
        };
        Ok(Centroids { options, set, placement, from, params, intensity })
    }

    fn parameters(&self) -> &CentroidsOptions {
        &self.options
    }

    fn inputs(&self) -> Result<Vec<InputStamp>, SetError> {
        let mut stamps = self.set.stamps()?;
        if let Some(intensity) = &self.intensity {
            stamps.extend(intensity.set.stamps()?);
        }
        Ok(stamps)
    }

    fn outputs(&self) -> Vec<(PathBuf, &'static str)> {
        vec![(self.options.output.clone(), table_format(&self.options.output).unwrap_or("csv"))]
    }

    fn bytes(&self, budget: &Budget) -> u64 {
        // Boxes of labels and weights per thread; sums of labels, whose number is not known yet.
        let weights = if self.intensity.is_some() { 24 } else { 0 };
        let voxel = 3 * self.from.size() as u64 + 8 + weights;
        budget.threads as u64 * BOX_VOXELS * voxel + (32 << 20)
    }

    fn run(&self, places: &[PathBuf], cx: &mut BlockContext<'_>) -> Result<Done, BlockError> {
        let cache = Arc::new(ChunkCache::new(cx.budget.cache()));
        let rows = with_labels!(self.from, T => self.measure::<T>(cache, cx.progress))?;
        write_table(&places[0], &self.table(&rows)?)?;
        let mut warnings = self.set.warnings.clone();
        if self.set.voxel_um.is_none() {
            let what = "the voxel size is not known, so columns in um are empty; give --voxel-size";
            warnings.push(("voxel-size-missing".to_owned(), what.to_owned()));
        }
        Ok(Done { result: json!({"labels": rows.len()}), warnings })
    }
}

/// Opens the image of intensities and finds out whether it is a set or the mosaic.
fn weights(
    options: &CentroidsOptions,
    path: &str,
    labels: &TileSet,
    placement: &Placement,
) -> Result<Weights, SetError> {
    let plain = SetOptions { positions: None, ..options.set.of(vec![path.to_owned()]) };
    let whole = TileSet::open(&SetOptions { tiles: None, ..plain.clone() })?;
    if whole.tiles.len() == 1 && whole.tiles[0].shape == placement.volume_shape() {
        return Ok(Weights { set: whole, mosaic: true });
    }
    let set = match options.set.tiles {
        Some(_) => TileSet::open(&plain)?,
        None => whole,
    };
    if set.tiles.len() != labels.tiles.len() {
        let (n, m) = (labels.tiles.len(), set.tiles.len());
        let what = format!("{n} tiles of labels but {m} of intensities");
        return Err(SetError::unfit(what, "give one image per tile, or one of the whole mosaic"));
    }
    for (tile, (labels, of)) in labels.tiles.iter().zip(&set.tiles).enumerate() {
        if of.shape != labels.shape {
            let what = format!("the intensity of tile {tile}");
            let (expected, found) = (labels.shape.to_vec(), of.shape.to_vec());
            return Err(TilesetError::ShapeMismatch { what, expected, found }.into());
        }
    }
    Ok(Weights { set, mosaic: false })
}

impl Centroids {
    fn measure<T: Sample + Typed>(
        &self,
        cache: Arc<ChunkCache>,
        progress: &dyn Progress,
    ) -> Result<Vec<Centroid>, BlockError> {
        let Some(intensity) = &self.intensity else {
            return self.sum::<T, u8>(None, cache, progress);
        };
        let reader = SetReader::new(&intensity.set, Arc::clone(&cache));
        let tiles = reader.tiles(Taking::Nearest);
        // Narrow types are exact in f32, the others in f64 up to 53 bits.
        let narrow =
            intensity.set.tiles.iter().all(|t| t.dtype.size() <= 2 || t.dtype == Dtype::Float32);
        match (narrow, intensity.mosaic) {
            (true, true) => self.sum::<T, f32>(Some(&Intensity::Mosaic(&tiles)), cache, progress),
            (true, false) => self.sum::<T, f32>(Some(&Intensity::Tiles(&tiles)), cache, progress),
            (false, true) => self.sum::<T, f64>(Some(&Intensity::Mosaic(&tiles)), cache, progress),
            (false, false) => self.sum::<T, f64>(Some(&Intensity::Tiles(&tiles)), cache, progress),
        }
    }

    fn sum<T: Sample + Typed, I: Sample>(
        &self,
        intensity: Option<&Intensity<'_, I>>,
        cache: Arc<ChunkCache>,
        progress: &dyn Progress,
    ) -> Result<Vec<Centroid>, BlockError> {
        let reader = SetReader::new(&self.set, cache);
        let labels = reader.tiles(Taking::Exact).watched(progress);
        let paste = label_paste::<T>(&self.placement, &self.params)?;
        let voxels: u64 = self.set.shapes().iter().map(|s| s.iter().product::<u64>()).sum();
        progress.start("measure", voxels, "voxels");
        let found = self
            .boxes()
            .into_par_iter()
            .try_fold(
                || (LabelMoments::default(), CentroidScratch::<T, I>::default()),
                |(mut moments, mut scratch), region| {
                    add_block(
                        &paste,
                        &self.placement,
                        &region,
                        &labels,
                        intensity,
                        &mut scratch,
                        &mut moments,
                    )?;
                    Ok((moments, scratch))
                },
            )
            .map(|part: Result<_, TilesetError>| part.map(|(moments, _)| moments))
            .try_reduce(LabelMoments::default, |mut a, b| {
                a.merge(b);
                Ok(a)
            });
        Ok(found.map_err(block_error)?.rows())
    }

    /// Boxes of the mosaic that hold a tile.
    fn boxes(&self) -> Vec<LayoutRegion> {
        let chunk = self.set.tiles.first().map_or([1; 3], |t| t.chunk);
        let step = step(self.placement.volume_shape(), chunk);
        let mut boxes = aligned(&self.placement.mosaic(), step);
        let tiles = self.placement.tiles();
        boxes.retain(|b| tiles.iter().any(|t| t.intersect(b).is_some()));
        boxes
    }

    fn table(&self, rows: &[Centroid]) -> Result<arrow_array::RecordBatch, BlockError> {
        let voxel = self.set.voxel_um;
        let origin = self.set.origin_um().unwrap_or_default();
        let um = |centre: [f64; 3]| voxel.map(|v| to_um(centre, v, origin));
        let places: Vec<Option<[f64; 3]>> = rows.iter().map(|r| um(r.centre)).collect();
        let centres: Vec<Option<[f64; 3]>> = rows.iter().map(|r| Some(r.centre)).collect();
        let mut table = Columns::default();
        table.u64("label", rows.iter().map(|r| r.label));
        table.zyx(["z_um", "y_um", "x_um"], &places).zyx(["z", "y", "x"], &centres);
        table.u64("n_voxels", rows.iter().map(|r| r.n_voxels));
        let one = voxel.map(|v| v.iter().product::<f64>());
        table.f64("volume_um3", rows.iter().map(|r| one.map(|v| v * r.n_voxels as f64)));
        for (d, axis) in ["z", "y", "x"].into_iter().enumerate() {
            table.u32(&format!("{axis}0"), rows.iter().map(|r| r.start[d]));
        }
        for (d, axis) in ["z", "y", "x"].into_iter().enumerate() {
            table.u32(&format!("{axis}1"), rows.iter().map(|r| r.end[d]));
        }
        table.u32("n_tiles", rows.iter().map(|r| r.n_tiles));
        if self.intensity.is_some() {
            let weighted = || rows.iter().map(|r| r.weighted);
            let finite = |p: [f64; 3]| p.iter().all(|v| v.is_finite()).then_some(p);
            let centres: Vec<Option<[f64; 3]>> = weighted().map(|w| finite(w?.centre)).collect();
            let places: Vec<Option<[f64; 3]>> = centres.iter().map(|c| um((*c)?)).collect();
            table.f64("mean_intensity", weighted().map(|w| w.map(|w| w.mean_intensity)));
            table.zyx(["z_weighted_um", "y_weighted_um", "x_weighted_um"], &places);
            table.zyx(["z_weighted", "y_weighted", "x_weighted"], &centres);
        }
        Ok(table.batch()?)
    }
}
