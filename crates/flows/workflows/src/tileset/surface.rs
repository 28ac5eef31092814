//! `hooke tileset surface`: the contact surface of a volume, for physical sections.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::plan::InputStamp;
use hooke_core::{Axes, Budget, Dtype, Pixels, dispatch};
use hooke_io::ChunkCache;
use hooke_tileset::surface::{From, Surface, Threshold, contact_surface};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::SetError;
use super::options::{SetOptions, absolute};
use super::pixels::{SetReader, Taking, block_error};
use super::plane;
use super::set::TileSet;
use crate::engine::{BlockContext, BlockError, stamp_input};
use crate::step::{Done, Step};
use crate::stitch::plane::read_plane;

/// Everything that decides the surface.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SurfaceOptions {
    /// One volume.
    #[serde(flatten)]
    pub set: SetOptions,
    /// From which side.
    pub from: From,
    /// A number, or an image over `(y, x)`; per column when missing.
    pub threshold: Option<String>,
    /// Percentile of a column.
    pub percentile: f64,
    /// Factor on it.
    pub fraction: f64,
    /// Voxels by which what is bright grows in a plane.
    pub reach: usize,
    /// `.npz` or `.zarr`.
    pub output: PathBuf,
}

/// `hooke tileset surface`.
pub struct ContactSurface {
    options: SurfaceOptions,
    set: TileSet,
    threshold: Threshold,
}

impl Step for ContactSurface {
    const COMMAND: &'static str = "tileset surface";
    type Parameters = SurfaceOptions;
    type Error = SetError;

    fn open(options: SurfaceOptions) -> Result<ContactSurface, SetError> {
        let is_number = |t: &String| t.parse::<f64>().is_ok();
        let threshold = options.threshold.clone().map(|t| match is_number(&t) {
            true => t,
            false => absolute(Path::new(&t)).to_string_lossy().into_owned(),
        });
        let output = absolute(&options.output);
        let options = SurfaceOptions { set: options.set.absolute(), threshold, output, ..options };
        is_npz(&options.output)?;
        let set = TileSet::open(&options.set)?;
        let [one] = set.tiles.as_slice() else {
            let what = format!("{} images where one volume is wanted", set.tiles.len());
            return Err(SetError::unfit(what, "choose one with --tiles N"));
        };
        let threshold = match &options.threshold {
            None => Threshold::Column { percent: options.percentile, fraction: options.fraction },
            Some(text) => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Threshold::Value(value),
                Ok(_) => {
                    let what = format!("--threshold `{text}` is no grey level");
                    return Err(SetError::usage(what, "give a number or an image"));
                }
                Err(_) => Threshold::Image(read_plane(Path::new(text))?.mapv(f64::from)),
            },
        };
        if let Threshold::Image(image) = &threshold {
            let (height, width) = image.dim();
            if [height as u64, width as u64] != one.shape[1..] {
                return Err(hooke_tileset::TilesetError::ShapeMismatch {
                    what: "the threshold image".to_owned(),
                    expected: one.shape[1..].to_vec(),
                    found: vec![height as u64, width as u64],
                }
                .into());
            }
        }
        Ok(ContactSurface { options, set, threshold })
    }

    fn parameters(&self) -> &SurfaceOptions {
        &self.options
    }

    fn inputs(&self) -> Result<Vec<InputStamp>, SetError> {
        let mut stamps = self.set.stamps()?;
        if let (Threshold::Image(_), Some(path)) = (&self.threshold, &self.options.threshold) {
            stamps.push(stamp_input(Path::new(path), None)?);
        }
        Ok(stamps)
    }

    fn outputs(&self) -> Vec<(PathBuf, &'static str)> {
        let npz = is_npz(&self.options.output).unwrap_or(true);
        vec![(self.options.output.clone(), if npz { "npz" } else { "ome-zarr" })]
    }

    fn bytes(&self, budget: &Budget) -> u64 {
        let [depth, height, width] = self.set.tiles[0].shape;
        let size = self.set.tiles[0].dtype.size() as u64;
        let slab = (32 << 20).max(depth * width * size);
        budget.threads as u64 * slab + 64 * height * width
    }

    fn run(&self, places: &[PathBuf], cx: &mut BlockContext<'_>) -> Result<Done, BlockError> {
        let tile = &self.set.tiles[0];
        let reader = SetReader::new(&self.set, Arc::new(ChunkCache::new(cx.budget.cache())));
        let tiles = reader.tiles(Taking::Exact).watched(cx.progress);
        let passes = if matches!(self.threshold, Threshold::Column { .. }) { 2 } else { 1 };
        cx.progress.start("walk", passes * tile.shape.iter().product::<u64>(), "voxels");
        let (from, reach) = (self.options.from, self.options.reach);
        let found = dispatch!(tile.dtype, T => {
            contact_surface::<T>(&tiles, tile.shape, from, &self.threshold, reach)
        });
        let found = found.map_err(block_error)?;
        self.write(&places[0], &found)?;
        let touched = found.index.iter().filter(|i| **i >= 0).count();
        let result = json!({"columns": found.index.len(), "touched": touched});
        Ok(Done { result, warnings: self.set.warnings.clone() })
    }
}

/// Whether the output is an archive of arrays; else an OME-Zarr.
fn is_npz(path: &Path) -> Result<bool, SetError> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("npz") => Ok(true),
        Some("zarr") => Ok(false),
        _ => Err(SetError::usage(
            format!("{}: no surface has this suffix", path.display()),
            "write .npz or .zarr",
        )),
    }
}

impl ContactSurface {
    fn write(&self, path: &Path, found: &Surface) -> Result<(), BlockError> {
        let (height, width) = found.index.dim();
        let shape = [1, 1, 1, height as u64, width as u64];
        let index = Pixels::from_vec(shape, found.index.iter().copied().collect::<Vec<i32>>());
        let intensity =
            Pixels::from_vec(shape, found.intensity.iter().copied().collect::<Vec<f32>>());
        let threshold: Vec<f32> = found.threshold.iter().map(|v| *v as f32).collect();
        let threshold = Pixels::from_vec(shape, threshold);
        let arrays = [("index", &index), ("intensity", &intensity), ("threshold", &threshold)];
        if is_npz(path)? {
            return Ok(hooke_io::npy::write_npz(path, Axes::YX, &arrays)?);
        }
        if path.exists() {
            // Left by an attempt that was interrupted.
            std::fs::remove_dir_all(path).map_err(|e| hooke_io::Error::io(path, "remove", e))?;
        }
        let voxel = self.set.voxel_um.map(|v| [v[1], v[2]]);
        for (name, pixels) in arrays {
            let dtype: Dtype = pixels.dtype();
            let meta = plane::meta(name, (height, width), dtype, voxel);
            plane::write_zarr(&path.join(name), pixels, &meta)?;
        }
        Ok(hooke_io::ome_zarr::finish_group(path)?)
    }
}
