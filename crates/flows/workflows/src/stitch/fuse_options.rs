//! The options of `stitch fuse` as typed, and what the method takes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hooke_core::{Axes, Axis, Channel, Dtype, ImageMeta, Origin, Sourced};
use hooke_stitch::fuse::{FuseParams, FusePlan, FuseTile, Shading};
use hooke_stitch::gain::TileGain;
use hooke_stitch::{Layout, LayoutRegion};
use serde::{Deserialize, Serialize};

use super::align_options::from_word;
use super::error::StitchError;
use super::fuse_channels::FusedChannel;
use super::plane::read_plane;
use crate::image_output::Store;
use crate::options::{Lengths, Spans, read_option};

/// The chunk of an OME-Zarr when none is asked for, `z, y, x`.
const USUAL_CHUNK: [u64; 3] = [64, 256, 256];

/// How tiles become a volume, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FuseOptions {
    /// How overlapping tiles become one value.
    pub blend: String,
    /// How fractional positions are evaluated.
    pub interpolation: String,
    /// Width of the cosine ramp.
    pub ramp: Option<String>,
    /// Stage positions instead of placed ones.
    pub nominal: bool,
    /// Part of the output.
    pub region: Option<String>,
    /// Channels: index, name, list or `all`.
    pub channel: Option<String>,
    /// `MATCH=REPLACE`: other files for the same layout.
    pub source: Vec<String>,
    /// `none` or `pairs`.
    pub gain: String,
    /// Flat field.
    pub flat: Option<PathBuf>,
    /// Dark image.
    pub dark: Option<PathBuf>,
    /// Format of the output.
    pub format: Option<String>,
    /// Sample type of the output.
    pub dtype: Option<String>,
    /// Grey level where there is no tile.
    pub fill: f64,
    /// Chunk z, y, x.
    pub chunk: Option<String>,
    /// Shard z, y, x.
    pub shard: Option<String>,
    /// Pyramid levels.
    pub levels: String,
    /// Codec and level.
    pub compression: Option<String>,
    /// Changed tiles are errors.
    pub strict: bool,
}

impl FuseOptions {
    /// How the volume is stored.
    pub(super) fn store(&self) -> Store {
        Store {
            format: self.format.clone(),
            chunk: self.chunk.clone(),
            usual_chunk: USUAL_CHUNK,
            shard: self.shard.clone(),
            levels: self.levels.clone(),
            compression: self.compression.clone(),
            ..Store::default()
        }
    }
}

/// How the tiles of a layout are fused.
///
/// # Errors
/// When an option is no value, or does not fit another.
pub(super) fn fuse_plan(
    layout: &Layout,
    options: &FuseOptions,
    gains: BTreeMap<usize, TileGain>,
) -> Result<FusePlan, StitchError> {
    let ramp = match &options.ramp {
        Some(_) if options.blend != "cosine" => {
            let what = format!("--ramp has no meaning with --blend {}", options.blend);
            return Err(StitchError::usage(what, "give --blend cosine, or leave --ramp out"));
        }
        Some(text) => {
            let shape = layout.tiles.first().map_or([1; 3], |t| t.shape);
            let voxel = layout.voxel_size_um.map_or([1.0; 3], |v| v.zyx());
            Some(read_option::<Lengths>("ramp", text)?.voxels(shape, voxel))
        }
        None => None,
    };
    let params = FuseParams {
        blend: from_word(&options.blend)?,
        interpolation: from_word(&options.interpolation)?,
        fill: options.fill,
        ramp,
        shading: shading(options)?,
        gains,
    };
    let tiles: Vec<FuseTile> = layout
        .tiles
        .iter()
        .map(|t| FuseTile {
            id: t.id,
            position: if options.nominal { t.nominal_px.0 } else { t.current_px() },
            shape: t.shape.map(|n| n as usize),
        })
        .collect();
    FusePlan::new(&tiles, params).map_err(|e| StitchError::Parameters(e.to_string()))
}

fn shading(options: &FuseOptions) -> Result<Option<Shading>, StitchError> {
    if options.flat.is_none() && options.dark.is_none() {
        return Ok(None);
    }
    let plane = |path: &Option<PathBuf>| path.as_deref().map(read_plane).transpose();
    Ok(Some(Shading { flat: plane(&options.flat)?, dark: plane(&options.dark)? }))
}

/// The part of the layout that is written.
///
/// # Errors
/// When `--region` is no box or holds no voxel.
pub(super) fn region_of(
    fuse: &FusePlan,
    options: &FuseOptions,
) -> Result<LayoutRegion, StitchError> {
    let whole = fuse.output();
    let Some(text) = &options.region else { return Ok(whole) };
    let spans: Spans = read_option("region", text)?;
    // `--region` counts output voxels, from 0.
    let bounds = spans.bounds(whole.shape.map(|n| (0, n)));
    let lower = std::array::from_fn(|d| bounds[d].0.clamp(0, whole.shape[d]));
    let upper = std::array::from_fn(|d| bounds[d].1.clamp(0, whole.shape[d]));
    match LayoutRegion::from_bounds(lower, upper).filter(|r| !r.is_empty()) {
        Some(part) => Ok(part.to_layout(whole.start)),
        None => Err(StitchError::Parameters(format!(
            "--region `{text}` holds no voxel of the output, whose z, y, x are {}",
            whole.shape.map(|n| format!("0 to {n}")).join(", ")
        ))),
    }
}

/// What is known about the volume.
///
/// # Errors
/// When `--dtype` is no type.
pub(super) fn output_meta(
    layout: &Layout,
    channels: &[FusedChannel],
    region: &LayoutRegion,
    options: &FuseOptions,
    dtype: Dtype,
    output: &Path,
) -> Result<ImageMeta, StitchError> {
    let dtype = match &options.dtype {
        None => dtype,
        Some(name) => Dtype::parse(name).ok_or_else(|| {
            let known = "uint8 uint16 uint32 uint64 int8 int16 int32 int64 float32 float64";
            StitchError::usage(
                format!("--dtype `{name}` is no sample type"),
                format!("write one of {known}"),
            )
        })?,
    };
    let mut axes = vec![Axis::Y, Axis::X];
    if layout.tiles.iter().any(|t| t.shape[0] > 1) || region.shape[0] > 1 {
        axes.push(Axis::Z);
    }
    if channels.len() > 1 {
        axes.push(Axis::C);
    }
    let [z, y, x] = region.shape.map(|n| n as u64);
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    let name = name.split('.').next().unwrap_or_default().to_owned();
    let mut meta =
        ImageMeta::new(name, Axes::of(&axes), [1, channels.len() as u64, z, y, x], dtype);
    if let Some(size) = layout.voxel_size_um {
        let known = size.origin != Origin::Assumed;
        if known {
            meta.voxel_size_um = size.zyx().map(|v| Sourced { value: Some(v), from: size.origin });
            meta.origin_um = std::array::from_fn(|d| Sourced {
                value: Some(region.start[d] as f64 * size.zyx()[d]),
                from: size.origin,
            });
        }
    }
    let named = channels.iter().any(|c| c.name.parse::<usize>().is_err());
    if named {
        meta.channels = channels
            .iter()
            .map(|c| Channel { name: Some(c.name.clone()), ..Channel::default() })
            .collect();
    }
    Ok(meta)
}
