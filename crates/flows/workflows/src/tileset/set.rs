//! An opened tile set: what each tile is and where it lies. No voxel is read here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hooke_core::plan::InputStamp;
use hooke_core::{Axes, Dtype, ImageMeta, Origin, Sourced};
use hooke_tileset::placement::{Place, Placement, TileGeometry};
use hooke_tileset::positions::StageAxes;

use super::error::SetError;
use super::find::{Listed, list, ways_to_positions};
use super::open::{image_of, implied_axes, open_files, to_tile, voxel_size};
use super::options::SetOptions;
use super::position_file;
use crate::engine::stamp_input;
use crate::open_files::FileKey;
use crate::stitch::input::{FoundTile, Position};

/// One tile as it is read: after `--downscale`, `--channel`, `--t`.
#[derive(Debug, Clone)]
pub struct SetTile {
    /// Name for people.
    pub name: String,
    /// Where its voxels are.
    pub(crate) file: FileKey,
    /// Index of the image in the file.
    pub series: usize,
    /// Channel of the image.
    pub channel: u64,
    /// Sample type.
    pub dtype: Dtype,
    /// Lengths in the file, over `z, y, x`.
    pub full_shape: [u64; 3],
    /// Lengths as read.
    pub shape: [u64; 3],
    /// Lengths of a chunk as stored, for reading without decoding twice.
    pub chunk: [u64; 3],
    /// Position of the first voxel in µm.
    pub position_um: Option<[f64; 3]>,
    /// Position of the first voxel in voxels as read.
    pub position_px: Option<[f64; 3]>,
}

impl SetTile {
    /// The file of the tile.
    pub fn path(&self) -> &Path {
        &self.file.path
    }
}

/// An opened tile set.
#[derive(Debug, Clone)]
pub struct TileSet {
    /// The tiles, numbered from 0.
    pub tiles: Vec<SetTile>,
    /// Voxel size in µm as read, when it is known on all axes.
    pub voxel_um: Option<[f64; 3]>,
    /// Who says so.
    pub voxel_from: Origin,
    /// Whether the size along z only stands in, since planes have none.
    flat: bool,
    /// Steps in voxels of the files.
    pub step: [u64; 3],
    /// Axes that are reversed.
    pub flip: [bool; 3],
    /// The frame.
    pub t: u64,
    /// `(code, message)`.
    pub warnings: Vec<(String, String)>,
    /// Files that say where the tiles are and lie.
    lists: Vec<PathBuf>,
    rotated: Option<String>,
}

impl TileSet {
    /// Opens the tiles that the options name. Reads metadata only.
    ///
    /// # Errors
    /// When nothing is named, a file cannot be read (it is named), tiles differ in voxel size, the
    /// channel or frame is not there, or the positions do not belong to the tiles.
    pub fn open(options: &SetOptions) -> Result<TileSet, SetError> {
        let mut listed = list(options)?;
        if listed.tiles.is_empty() {
            return Err(hooke_tileset::TilesetError::NoTiles.into());
        }
        let axes = options.axes.clone().or_else(|| implied_axes(options, &listed));
        let opened = open_files(&listed.tiles, axes.as_deref())?;
        let step = options.step()?;
        let image = |tile: &FoundTile| image_of(tile, &opened, axes.as_deref());
        let metas: Vec<&(ImageMeta, [u64; 3])> =
            listed.tiles.iter().map(image).collect::<Result<_, _>>()?;
        let voxel = voxel_size(options, &listed, &metas)?;
        let mut tiles = Vec::with_capacity(metas.len());
        for (tile, (meta, chunk)) in listed.tiles.iter().zip(metas.iter().copied()) {
            tiles.push(to_tile(tile, meta, *chunk, step, axes.as_deref(), options)?);
        }
        let mut lists: Vec<PathBuf> = listed.list.iter().cloned().collect();
        lists.extend(options.positions.clone());
        let mut warnings = std::mem::take(&mut listed.warnings);
        warnings.extend(opened.values().flat_map(|o| o.warnings.iter().cloned()));
        let mut set = TileSet {
            tiles,
            voxel_um: voxel.um.map(|v| std::array::from_fn(|d| v[d] * step[d] as f64)),
            voxel_from: voxel.from,
            flat: voxel.flat,
            step,
            flip: options.reversed()?,
            t: options.t,
            warnings,
            lists,
            rotated: listed.rotated.clone(),
        };
        set.place(options, &listed, &metas_of(&metas), voxel.um)?;
        let chosen = options.chosen(set.tiles.len())?;
        set.tiles = chosen.into_iter().map(|i| set.tiles[i].clone()).collect();
        Ok(set)
    }

    /// Fills the positions: of `--positions`, of the input, of the files.
    fn place(
        &mut self,
        options: &SetOptions,
        listed: &Listed,
        metas: &[&ImageMeta],
        full_voxel: Option<[f64; 3]>,
    ) -> Result<(), SetError> {
        let n = self.tiles.len();
        let stage = options.stage()?;
        let mut of_tile: Vec<usize> = (0..n).collect();
        let found = match &options.positions {
            Some(path) => Some(match position_file::read(path, n, stage) {
                Ok(found) => found,
                Err(error) => {
                    // A file may also be about the chosen tiles alone, counted anew.
                    of_tile = options.chosen(n)?;
                    let of_chosen = position_file::read(path, of_tile.len(), stage);
                    of_chosen.map_err(|_| error)?
                }
            }),
            None => of_input(listed, metas, stage),
        };
        let Some(found) = found else { return Ok(()) };
        for (i, position) in of_tile.into_iter().zip(found.positions) {
            let tile = &mut self.tiles[i];
            let (um, px) = match position {
                Position::Micrometres(um) => (Some(um), full_voxel.map(|v| over(um, v))),
                Position::Voxels(px) => (full_voxel.map(|v| times(px, v)), Some(px)),
            };
            tile.position_um = um;
            tile.position_px = px.map(|px| over(px, self.step.map(|s| s as f64)));
        }
        self.warnings.extend(found.warnings);
        Ok(())
    }

    /// Whether every tile has a position.
    pub fn has_positions(&self) -> bool {
        !self.tiles.is_empty()
            && self.tiles.iter().all(|t| t.position_px.is_some() || t.position_um.is_some())
    }

    /// The places of all tiles in the mosaic.
    ///
    /// # Errors
    /// When there are no positions, they are in µm and the voxel size is not known, the tiles are
    /// rotated, or the mosaic would be absurdly large.
    pub fn placement(&self, place: Place) -> Result<Placement, SetError> {
        if let Some(rotated) = &self.rotated {
            let hint = "give --ignore-rotation to use the shifts alone";
            return Err(SetError::unfit(rotated.clone(), hint));
        }
        Ok(Placement::new(&self.geometry()?, place)?)
    }

    /// The same, rotated or not: rotations are dropped.
    ///
    /// # Errors
    /// As [`TileSet::placement`], but for the rotation.
    pub fn placement_of_shifts(&self, place: Place) -> Result<Placement, SetError> {
        Ok(Placement::new(&self.geometry()?, place)?)
    }

    /// What is rotated, where something is.
    pub fn rotated(&self) -> Option<&str> {
        self.rotated.as_deref()
    }

    /// Allows pasting although a view is rotated.
    #[must_use]
    pub fn ignoring_rotation(mut self, ignore: bool) -> TileSet {
        if ignore {
            self.rotated = None;
        }
        self
    }

    fn geometry(&self) -> Result<Vec<TileGeometry>, SetError> {
        if !self.has_positions() {
            let paths: Vec<&Path> = self.tiles.iter().map(SetTile::path).collect();
            let what = "the tiles have no positions";
            return Err(SetError::unfit(what, ways_to_positions(&paths)));
        }
        let geometry =
            |t: &SetTile| Some(TileGeometry { position_px: t.position_px?, shape: t.shape });
        let all: Option<Vec<TileGeometry>> = self.tiles.iter().map(geometry).collect();
        all.ok_or_else(|| no_voxel_size("positions in micrometres cannot be turned to voxels"))
    }

    /// The voxel size.
    ///
    /// # Errors
    /// When it is not known.
    pub fn known_voxel(&self) -> Result<[f64; 3], SetError> {
        self.voxel_um.ok_or_else(|| no_voxel_size("results in micrometres cannot be given"))
    }

    /// The smallest position per axis in µm: where the mosaic begins.
    pub fn origin_um(&self) -> Option<[f64; 3]> {
        let all: Option<Vec<[f64; 3]>> = self.tiles.iter().map(|t| t.position_um).collect();
        all.filter(|a| !a.is_empty()).map(|a| hooke_tileset::positions::minimum(&a))
    }

    /// Lengths of the tiles as read.
    pub fn shapes(&self) -> Vec<[u64; 3]> {
        self.tiles.iter().map(|t| t.shape).collect()
    }

    /// The one sample type of all tiles; `None` when they differ.
    pub fn dtype(&self) -> Option<Dtype> {
        let first = self.tiles.first()?.dtype;
        self.tiles.iter().all(|t| t.dtype == first).then_some(first)
    }

    /// The one sample type of all tiles.
    ///
    /// # Errors
    /// When they differ: which ones, and `hint`.
    pub fn one_dtype(&self, hint: &str) -> Result<Dtype, SetError> {
        self.dtype().ok_or_else(|| {
            let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for (i, tile) in self.tiles.iter().enumerate() {
                kinds.entry(tile.dtype.name()).or_default().push(i.to_string());
            }
            let said = |(kind, tiles): (&&str, &Vec<String>)| {
                let more = if tiles.len() > 8 { ", .." } else { "" };
                let some = tiles[..tiles.len().min(8)].join(", ");
                format!("{kind} (tile {some}{more})")
            };
            let list: Vec<String> = kinds.iter().map(said).collect();
            SetError::unfit(format!("the tiles differ in type: {}", list.join("; ")), hint)
        })
    }

    /// Refuses labels that are no integers, and gives the type they are worked on in: the tiles'
    /// own, or `uint64` where these are signed or differ.
    ///
    /// # Errors
    /// Naming the first tile of floats.
    pub fn label_dtype(&self) -> Result<Dtype, SetError> {
        if let Some(tile) = self.tiles.iter().position(|t| t.dtype.is_float()) {
            let found = self.tiles[tile].dtype;
            return Err(hooke_tileset::TilesetError::LabelType { tile, found }.into());
        }
        Ok(self.dtype().filter(|d| !d.is_signed()).unwrap_or(Dtype::Uint64))
    }

    /// Stamps of all files that decide what is read.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn stamps(&self) -> Result<Vec<InputStamp>, SetError> {
        let mut paths: Vec<PathBuf> = Vec::new();
        let files = self.tiles.iter().map(|t| t.file.path.clone());
        for path in self.lists.iter().cloned().chain(files) {
            // The pixels of a BigDataViewer set lie beside its XML.
            let beside = path.with_extension("h5");
            let is_xml = path.extension().is_some_and(|e| e == "xml");
            let pixels = (is_xml && beside.is_file()).then_some(beside);
            for path in std::iter::once(path).chain(pixels) {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        paths.iter().map(|p| Ok(stamp_input(p, None)?)).collect()
    }

    /// The voxel size as far as anyone said it, over `z, y, x` in µm.
    pub fn voxel_size(&self) -> [Sourced<f64>; 3] {
        let mut size = [Sourced::unknown(); 3];
        if let Some(voxel) = self.voxel_um {
            size = voxel.map(|value| Sourced { value: Some(value), from: self.voxel_from });
        }
        if self.flat {
            size[0] = Sourced::unknown();
        }
        size
    }

    /// What is known about a tile that is written: its name, lengths, voxel size and place.
    pub fn meta(&self, tile: usize, dtype: Dtype) -> ImageMeta {
        let from = &self.tiles[tile];
        let flat = self.tiles.iter().all(|t| t.shape[0] == 1);
        let axes = if flat { Axes::YX } else { Axes::ZYX };
        let [z, y, x] = from.shape;
        let mut meta = ImageMeta::new(from.name.clone(), axes, [1, 1, z, y, x], dtype);
        meta.voxel_size_um = self.voxel_size();
        if let Some(position) = from.position_um {
            meta.origin_um = position.map(Sourced::file);
        }
        meta
    }
}

fn no_voxel_size(what: &str) -> SetError {
    SetError::unfit(
        format!("the voxel size is not known: {what}"),
        "give --voxel-size z,y,x in micrometres",
    )
}

fn over(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|d| a[d] / b[d])
}

fn times(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|d| a[d] * b[d])
}

fn metas_of<'a>(metas: &[&'a (ImageMeta, [u64; 3])]) -> Vec<&'a ImageMeta> {
    metas.iter().map(|(meta, _)| meta).collect()
}

/// Positions that the input itself gives.
fn of_input(
    listed: &Listed,
    metas: &[&ImageMeta],
    stage: Option<StageAxes>,
) -> Option<position_file::Found> {
    let given: Option<Vec<Position>> = listed.tiles.iter().map(|t| t.position).collect();
    let of_files = || -> Option<Vec<Position>> {
        metas.iter().map(|m| Some(Position::Micrometres(stage_or_origin(m, stage)?))).collect()
    };
    let positions = match given {
        Some(given) => given.into_iter().map(|p| turned(p, stage)).collect(),
        None => of_files()?,
    };
    Some(position_file::Found { positions, warnings: Vec::new() })
}

/// Where the file says the image lies; with `--stage-axes` from what its stage said.
pub(super) fn stage_or_origin(meta: &ImageMeta, stage: Option<StageAxes>) -> Option<[f64; 3]> {
    let [z, y, x] = meta.origin_um.map(|v| v.value);
    let origin = [z.unwrap_or(0.0), y?, x?];
    let Some(stage) = stage else { return Some(origin) };
    let raw = meta.vendor.as_ref().and_then(|v| {
        let stage = v.get("stage_um")?;
        let value = |axis: &str| stage.get(axis)?.as_f64();
        Some([value("x")?, value("y")?, value("z")?])
    });
    Some(stage.to_image(raw.unwrap_or([origin[2], origin[1], origin[0]])))
}

/// A position along the stage's axes as one along the image's.
pub(super) fn turned(position: Position, stage: Option<StageAxes>) -> Position {
    let Some(stage) = stage else { return position };
    let turn = |[z, y, x]: [f64; 3]| stage.to_image([x, y, z]);
    match position {
        Position::Voxels(p) => Position::Voxels(turn(p)),
        Position::Micrometres(p) => Position::Micrometres(turn(p)),
    }
}
