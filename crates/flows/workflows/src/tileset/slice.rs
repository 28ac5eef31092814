//! `hooke tileset slice`: a look at one plane of the mosaic.

use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::plan::InputStamp;
use hooke_core::{Budget, Dtype, dispatch};
use hooke_io::ChunkCache;
use hooke_tileset::placement::{Place, Placement};
use hooke_tileset::slice::{SliceOverlap, automatic_factor, plane_at, slice, tiles_in_plane};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::SetError;
use super::options::{SetOptions, absolute, range};
use super::pixels::{SetReader, Taking, block_error};
use super::plane::{self, Rgb};
use super::set::TileSet;
use crate::engine::{BlockContext, BlockError};
use crate::report::picture::png_bytes;
use crate::step::{Done, Step};

/// Everything that decides the picture.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SliceOptions {
    /// The tiles.
    #[serde(flatten)]
    pub set: SetOptions,
    /// Plane of the mosaic.
    pub z: Option<i64>,
    /// Depth in µm.
    pub z_um: Option<f64>,
    /// How overlapping tiles become one value.
    pub overlap: SliceOverlap,
    /// `auto` or a factor.
    pub downsample: String,
    /// `LO,HI`, `auto` or `none`.
    pub range: Option<String>,
    /// Whether borders and numbers of the tiles are drawn.
    pub outline: bool,
    /// The picture.
    pub output: PathBuf,
}

/// `hooke tileset slice`.
pub struct Slice {
    options: SliceOptions,
    set: TileSet,
    placement: Placement,
    dtype: Dtype,
    z: i64,
    factor: u64,
    range: Range,
}

/// What becomes black and white.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Range {
    Given(f64, f64),
    Auto,
    AsIs,
}

/// Colours of outlines, told apart by colour-blind readers.
const COLORS: [[u8; 3]; 6] =
    [[0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [213, 94, 0], [86, 180, 233]];

impl Step for Slice {
    const COMMAND: &'static str = "tileset slice";
    type Parameters = SliceOptions;
    type Error = SetError;

    fn open(options: SliceOptions) -> Result<Slice, SetError> {
        let output = absolute(&options.output);
        let options = SliceOptions { set: options.set.absolute(), output, ..options };
        let is_png = is_png(&options)?;
        let set = TileSet::open(&options.set)?.ignoring_rotation(options.set.ignore_rotation);
        let placement = set.placement(Place::Nearest)?;
        let dtype = set.one_dtype("look at the tiles of one type at a time, with --tiles")?;
        let z = match (options.z, options.z_um) {
            (Some(_), Some(_)) => {
                return Err(SetError::usage("both --z and --z-um", "give one of them"));
            }
            (Some(z), None) => z,
            (None, Some(um)) => {
                let origin = set.origin_um().unwrap_or_default();
                plane_at(um, origin[0], set.known_voxel()?[0])
            }
            (None, None) => placement.volume_shape()[0] as i64 / 2,
        };
        let last = placement.volume_shape()[0] - 1;
        if z < 0 || z as u64 > last {
            return Err(hooke_tileset::TilesetError::Plane { z, last }.into());
        }
        let [_, height, width] = placement.volume_shape();
        let factor = match options.downsample.as_str() {
            "auto" => automatic_factor(height, width),
            n => n.parse().ok().filter(|n| (1..=1 << 30).contains(n)).ok_or_else(|| {
                let what = format!("--downsample `{n}` is no factor");
                SetError::usage(what, "write auto or a whole number from 1")
            })?,
        };
        let range = match options.range.as_deref() {
            None if is_png => Range::Auto,
            None | Some("none") => Range::AsIs,
            Some("auto") => Range::Auto,
            Some(text) => {
                let (low, high) = range("range", text)?;
                Range::Given(low, high)
            }
        };
        if options.outline && !is_png {
            return Err(SetError::usage(
                "--outline draws into pictures, not into numbers",
                "write .png, or leave --outline out",
            ));
        }
        Ok(Slice { options, set, placement, dtype, z, factor, range })
    }

    fn parameters(&self) -> &SliceOptions {
        &self.options
    }

    fn inputs(&self) -> Result<Vec<InputStamp>, SetError> {
        self.set.stamps()
    }

    fn outputs(&self) -> Vec<(PathBuf, &'static str)> {
        let format = match is_png(&self.options) {
            Ok(true) => "png",
            _ if self.options.output.extension().is_some_and(|e| e == "npy") => "npy",
            _ => "imagej-tiff",
        };
        vec![(self.options.output.clone(), format)]
    }

    fn bytes(&self, budget: &Budget) -> u64 {
        let [_, height, width] = self.placement.volume_shape();
        let pixels = height.div_ceil(self.factor) * width.div_ceil(self.factor);
        // A band of rows per thread, and the picture.
        budget.threads as u64 * (24 * self.factor * width + (8 << 20)) + 8 * pixels
    }

    fn run(&self, places: &[PathBuf], cx: &mut BlockContext<'_>) -> Result<Done, BlockError> {
        let reader = SetReader::new(&self.set, Arc::new(ChunkCache::new(cx.budget.cache())));
        let tiles = reader.tiles(Taking::Exact).watched(cx.progress);
        let (z, overlap, factor) = (self.z, self.options.overlap, self.factor);
        let plane = dispatch!(self.dtype, T => {
            slice::<T>(&self.placement, &tiles, z, overlap, factor)
        });
        let plane = plane.map_err(block_error)?;
        let range = match self.range {
            Range::Given(low, high) => Some((low, high)),
            Range::Auto => Some(plane::usual_range(&plane)),
            Range::AsIs => None,
        };
        match is_png(&self.options)? {
            true => self.write_png(&places[0], &plane, range.unwrap_or((0.0, 255.0)))?,
            false => self.write_numbers(&places[0], plane, range)?,
        }
        let shown: Vec<usize> = tiles_in_plane(&self.placement, z).iter().map(|t| t.0).collect();
        let range = range.map(|(low, high)| [low, high]);
        let result = json!({"z": z, "downsample": factor, "tiles": shown, "range": range});
        Ok(Done { result, warnings: self.set.warnings.clone() })
    }
}

fn is_png(options: &SliceOptions) -> Result<bool, SetError> {
    let suffix = options.output.extension().and_then(|e| e.to_str()).unwrap_or_default();
    match suffix.to_ascii_lowercase().as_str() {
        "png" => Ok(true),
        "tif" | "tiff" | "npy" => Ok(false),
        _ => Err(SetError::usage(
            format!("{}: no slice has this suffix", options.output.display()),
            "write .png, .tif or .npy",
        )),
    }
}

impl Slice {
    fn write_png(
        &self,
        path: &std::path::Path,
        plane: &Array2<f32>,
        range: (f64, f64),
    ) -> Result<(), BlockError> {
        let mut picture = Rgb::grey(plane, range);
        if self.options.outline {
            outline(&mut picture, &self.placement, self.z, self.factor);
        }
        let bytes = png_bytes(&picture.bytes, picture.width, picture.height)
            .map_err(|e| BlockError::classify(e.into()))?;
        hooke_io::atomic::write_file(path, &[&bytes])?;
        Ok(())
    }

    fn write_numbers(
        &self,
        path: &std::path::Path,
        mut plane: Array2<f32>,
        range: Option<(f64, f64)>,
    ) -> Result<(), BlockError> {
        if let Some((low, high)) = range {
            let scaled = |v: f32| ((f64::from(v) - low) * 255.0 / (high - low)).clamp(0.0, 255.0);
            plane.mapv_inplace(|v| scaled(v) as f32);
        }
        let voxel = self.set.voxel_um.map(|v| [v[1], v[2]].map(|s| s * self.factor as f64));
        let meta = plane::meta("slice", plane.dim(), Dtype::Float32, voxel);
        Ok(plane::write_f32(path, &plane, &meta)?)
    }
}

/// Draws borders and numbers of the tiles of a plane.
pub(super) fn outline(picture: &mut Rgb, placement: &Placement, z: i64, factor: u64) {
    let n = factor as i64;
    for (tile, [y, x, height, width]) in tiles_in_plane(placement, z) {
        let color = COLORS[tile % COLORS.len()];
        let (top, left) = (y / n, x / n);
        let (bottom, right) = ((y + height - 1) / n, (x + width - 1) / n);
        picture.border([top, left, bottom - top + 1, right - left + 1], color);
        picture.number((top + 3, left + 3), tile, color);
    }
}
