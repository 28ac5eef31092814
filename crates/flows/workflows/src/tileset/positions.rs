//! `hooke tileset positions` and `update-offsets`: where the tiles lie, as tables and for others.

use std::path::{Path, PathBuf};

use hooke_core::image::SourceError;
use hooke_core::plan::InputStamp;
use hooke_core::{Budget, Origin};
use hooke_io::bdv::{BdvTile, PlacedTile, placed_xml};
use hooke_io::tables::write_table;
use hooke_stitch::layout::{LayoutVoxelSize, TileSource};
use hooke_stitch::{Layout, Tile};
use hooke_tileset::positions::{minimum, relative, scale};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::columns::Columns;
use super::error::SetError;
use super::options::{SetOptions, absolute, triple, voxel_size};
use super::position_file;
use super::set::TileSet;
use crate::engine::{BlockContext, BlockError, stamp_input};
use crate::step::{Done, Step};
use crate::stitch::files::folder_of;
use crate::stitch::input::Position;
use crate::stitch::tiles::relative as relative_path;

/// Everything that decides the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PositionsOptions {
    /// The file that holds the positions.
    #[serde(flatten)]
    pub set: SetOptions,
    /// Whether the minimum per axis is subtracted.
    pub relative: bool,
    /// The table.
    pub output: PathBuf,
}

/// `hooke tileset positions`.
pub struct Positions {
    options: PositionsOptions,
    names: Vec<String>,
    um: Vec<Option<[f64; 3]>>,
    px: Vec<Option<[f64; 3]>>,
    views: Vec<BdvTile>,
    warnings: Vec<(String, String)>,
}

impl Positions {
    fn of_bdv(options: PositionsOptions, path: &Path) -> Result<Positions, SetError> {
        let (all, problems) = hooke_io::bdv::read_tiles(path, true)?;
        let chosen = options.set.chosen(all.len())?;
        let views: Vec<BdvTile> = chosen.into_iter().map(|i| all[i].clone()).collect();
        let given = options.set.voxel_size.as_deref().map(voxel_size).transpose()?;
        let um = |tile: &BdvTile| {
            let known = tile.voxel_size_um.map(|v| v.map(Some)).unwrap_or_default();
            let size: Vec<f64> =
                (0..3).filter_map(|d| given.and_then(|g| g[d]).or(known[d])).collect();
            let size: [f64; 3] = size.try_into().ok()?;
            Some(std::array::from_fn(|d| tile.position_px[d] * size[d]))
        };
        Ok(Positions {
            names: views.iter().map(|v| v.name.clone()).collect(),
            um: views.iter().map(um).collect(),
            px: views.iter().map(|v| Some(v.position_px)).collect(),
            warnings: problems.into_iter().map(|p| (p.code, p.message)).collect(),
            views,
            options,
        })
    }
}

fn suffix_of(path: &Path) -> String {
    path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase()
}

/// The name of a table's format; only CSV and Parquet hold one of ours.
pub(super) fn table_format(path: &Path) -> Result<&'static str, SetError> {
    match suffix_of(path).as_str() {
        "csv" => Ok("csv"),
        "parquet" => Ok("parquet"),
        other => Err(SetError::usage(
            format!("{}: no table has the suffix `.{other}`", path.display()),
            "write .csv or .parquet",
        )),
    }
}

impl Step for Positions {
    const COMMAND: &'static str = "tileset positions";
    type Parameters = PositionsOptions;
    type Error = SetError;

    fn open(options: PositionsOptions) -> Result<Positions, SetError> {
        let output = absolute(&options.output);
        table_format(&output)?;
        let options = PositionsOptions { set: options.set.absolute(), output, ..options };
        let is_xml = |p: &str| suffix_of(Path::new(p)) == "xml";
        // These need the tiles themselves; positions alone are in the XML.
        let more = options.set.positions.is_some()
            || options.set.stage_axes.is_some()
            || options.set.downscale.is_some();
        let only = options.set.input.len() == 1 && !more;
        let one = options.set.input.first().cloned().filter(|_| only);
        let mut found = match one {
            Some(xml) if is_xml(&xml) => Positions::of_bdv(options, Path::new(&xml))?,
            _ => {
                let set = TileSet::open(&options.set)?;
                if !set.has_positions() {
                    set.placement(hooke_tileset::placement::Place::Nearest)?;
                }
                Positions {
                    names: set.tiles.iter().map(|t| t.name.clone()).collect(),
                    um: set.tiles.iter().map(|t| t.position_um).collect(),
                    px: set.tiles.iter().map(|t| t.position_px).collect(),
                    views: Vec::new(),
                    warnings: set.warnings,
                    options,
                }
            }
        };
        if found.options.relative {
            for column in [&mut found.um, &mut found.px] {
                if let Some(mut all) = column.iter().copied().collect::<Option<Vec<[f64; 3]>>>() {
                    relative(&mut all);
                    *column = all.into_iter().map(Some).collect();
                }
            }
        }
        Ok(found)
    }

    fn parameters(&self) -> &PositionsOptions {
        &self.options
    }

    fn inputs(&self) -> Result<Vec<InputStamp>, SetError> {
        let files = self.options.set.input.iter().map(PathBuf::from);
        let files = files.chain(self.options.set.positions.clone());
        files.map(|p| Ok(stamp_input(&p, None)?)).collect()
    }

    fn outputs(&self) -> Vec<(PathBuf, &'static str)> {
        let format = table_format(&self.options.output).unwrap_or("csv");
        vec![(self.options.output.clone(), format)]
    }

    fn bytes(&self, _: &Budget) -> u64 {
        (1 << 20) + 1024 * self.names.len() as u64
    }

    fn run(&self, places: &[PathBuf], _: &mut BlockContext<'_>) -> Result<Done, BlockError> {
        let mut table = Columns::default();
        table.u32("tile", 0..self.names.len() as u32);
        table.text("name", self.names.iter().map(String::as_str));
        table.zyx(["z_um", "y_um", "x_um"], &self.um);
        table.zyx(["z_px", "y_px", "x_px"], &self.px);
        if !self.views.is_empty() {
            table.u32("setup", self.views.iter().map(|v| v.setup as u32));
            table.u32("timepoint", self.views.iter().map(|v| v.timepoint as u32));
            for i in 0..12 {
                let name = format!("a{}{}", i / 4, i % 4);
                table.f64(&name, self.views.iter().map(|v| Some(v.affine.0[i])));
            }
        }
        write_table(&places[0], &table.batch()?)?;
        let result = json!({"tiles": self.names.len()});
        Ok(Done { result, warnings: self.warnings.clone() })
    }
}

/// Everything that decides the new positions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UpdateOffsetsOptions {
    /// The tiles.
    #[serde(flatten)]
    pub set: SetOptions,
    /// The file of the new positions.
    pub from: PathBuf,
    /// Factors per axis.
    pub scale: Option<String>,
    /// Whether the minimum per axis is subtracted.
    pub relative: bool,
    /// The tiles with their new positions.
    pub output: PathBuf,
}

/// `hooke tileset update-offsets`.
pub struct UpdateOffsets {
    options: UpdateOffsetsOptions,
    set: TileSet,
    um: Option<Vec<[f64; 3]>>,
    px: Option<Vec<[f64; 3]>>,
    warnings: Vec<(String, String)>,
}

const OUTPUTS: &str = "write .csv, .parquet, .json (a layout) or .xml (BigDataViewer)";

impl Step for UpdateOffsets {
    const COMMAND: &'static str = "tileset update-offsets";
    type Parameters = UpdateOffsetsOptions;
    type Error = SetError;

    fn open(options: UpdateOffsetsOptions) -> Result<UpdateOffsets, SetError> {
        let options = UpdateOffsetsOptions {
            set: options.set.absolute(),
            from: absolute(&options.from),
            output: absolute(&options.output),
            ..options
        };
        let output = &options.output;
        if !["csv", "parquet", "json", "xml"].contains(&suffix_of(output).as_str()) {
            let what = format!("{}: no tile set has this suffix", output.display());
            return Err(SetError::usage(what, OUTPUTS));
        }
        let set = TileSet::open(&options.set)?;
        let same =
            |p: &Path| p.canonicalize().ok().is_some_and(|p| output.canonicalize().ok() == Some(p));
        let stamps = set.stamps()?;
        let typed = options.set.input.iter().map(Path::new).chain([options.from.as_path()]);
        if typed.chain(stamps.iter().map(|s| s.path.as_path())).any(same) {
            let what = format!("{}: the output is an input", output.display());
            return Err(SetError::usage(what, "write another file; positions are never replaced"));
        }
        let factors = match &options.scale {
            Some(text) => triple("scale", text, 1.0)?,
            None => [1.0; 3],
        };
        let found = position_file::read(&options.from, set.tiles.len(), options.set.stage()?)?;
        let full = set.voxel_um.map(|v| std::array::from_fn(|d| v[d] / set.step[d] as f64));
        let mut positions: Vec<[f64; 3]> = found.positions.iter().map(plain).collect();
        scale(&mut positions, factors);
        if options.relative {
            relative(&mut positions);
        }
        let is_um = matches!(found.positions.first(), Some(Position::Micrometres(_)));
        let by = |f: &dyn Fn(f64, f64) -> f64| -> Option<Vec<[f64; 3]>> {
            let full: [f64; 3] = full?;
            let one = |p: &[f64; 3]| std::array::from_fn(|d| f(p[d], full[d]));
            Some(positions.iter().map(one).collect())
        };
        let (um, px) = match is_um {
            true => (Some(positions.clone()), by(&|p, v| p / v)),
            false => (by(&|p, v| p * v), Some(positions.clone())),
        };
        Ok(UpdateOffsets { options, set, um, px, warnings: found.warnings })
    }

    fn parameters(&self) -> &UpdateOffsetsOptions {
        &self.options
    }

    fn inputs(&self) -> Result<Vec<InputStamp>, SetError> {
        let mut stamps = self.set.stamps()?;
        stamps.push(stamp_input(&self.options.from, None)?);
        Ok(stamps)
    }

    fn outputs(&self) -> Vec<(PathBuf, &'static str)> {
        let format = match suffix_of(&self.options.output).as_str() {
            "csv" => "csv",
            "parquet" => "parquet",
            "json" => "hooke-layout",
            _ => "bdv-xml",
        };
        vec![(self.options.output.clone(), format)]
    }

    fn bytes(&self, _: &Budget) -> u64 {
        (1 << 20) + 4096 * self.set.tiles.len() as u64
    }

    fn run(&self, places: &[PathBuf], _: &mut BlockContext<'_>) -> Result<Done, BlockError> {
        match suffix_of(&self.options.output).as_str() {
            "json" => {
                let text = self.layout()?.to_json();
                hooke_io::atomic::write_file(&places[0], &[text.as_bytes()])?;
            }
            "xml" => {
                let text = placed_xml(&self.options.output, &self.placed()?, self.full_voxel())?;
                hooke_io::atomic::write_file(&places[0], &[text.as_bytes()])?;
            }
            _ => write_table(&places[0], &self.table()?)?,
        }
        let origin = self.um.as_deref().or(self.px.as_deref()).map(minimum);
        let unit = if self.um.is_some() { "um" } else { "px" };
        let result = json!({"tiles": self.set.tiles.len(), "unit": unit, "smallest": origin});
        Ok(Done { result, warnings: self.warnings.clone() })
    }
}

fn plain(position: &Position) -> [f64; 3] {
    match position {
        Position::Voxels(p) | Position::Micrometres(p) => *p,
    }
}

impl UpdateOffsets {
    /// Voxel size of the files.
    fn full_voxel(&self) -> Option<[f64; 3]> {
        self.set.voxel_um.map(|v| std::array::from_fn(|d| v[d] / self.set.step[d] as f64))
    }

    fn voxels(&self) -> Result<&[[f64; 3]], SetError> {
        match &self.px {
            Some(px) => Ok(px),
            None => self.set.known_voxel().map(|_| &[][..]),
        }
    }

    fn folder(&self) -> PathBuf {
        folder_of(&self.options.output)
    }

    /// A table that is a tile set and a position file too.
    fn table(&self) -> Result<arrow_array::RecordBatch, SourceError> {
        let folder = self.folder();
        let paths: Vec<String> =
            self.set.tiles.iter().map(|t| relative_path(&folder, t.path())).collect();
        let tiles = || self.set.tiles.iter();
        let mut table = Columns::default();
        table.u32("tile", 0..paths.len() as u32);
        table.text("path", paths.iter().map(String::as_str));
        table.optional_text("dataset", tiles().map(|t| t.file.dataset.as_deref()));
        table.u64("series", tiles().map(|t| t.series as u64));
        table.u64("channel", tiles().map(|t| t.channel));
        table.text("name", tiles().map(|t| t.name.as_str()));
        let (names, positions) = match (&self.um, &self.px) {
            (Some(um), _) => (["z_um", "y_um", "x_um"], um),
            (None, Some(px)) => (["z_px", "y_px", "x_px"], px),
            (None, None) => unreachable!("positions are in one of the units"),
        };
        let positions: Vec<Option<[f64; 3]>> = positions.iter().copied().map(Some).collect();
        table.zyx(names, &positions);
        table.batch()
    }

    fn layout(&self) -> Result<Layout, SetError> {
        let folder = self.folder();
        let positions = self.voxels()?;
        let mut layout = Layout::new(Vec::new());
        layout.dtype = self.set.dtype();
        layout.voxel_size_um = Some(match self.full_voxel() {
            Some([z, y, x]) => LayoutVoxelSize { z, y, x, origin: self.set.voxel_from },
            None => LayoutVoxelSize { z: 1.0, y: 1.0, x: 1.0, origin: Origin::Assumed },
        });
        let tile = |(id, (tile, position)): (usize, (&super::SetTile, &[f64; 3]))| {
            let mut made = Tile::new(id, tile.name.clone(), tile.full_shape, *position);
            made.position_px = Some((*position).into());
            made.source = TileSource {
                path: relative_path(&folder, tile.path()),
                dataset: tile.file.dataset.clone(),
                series: tile.series,
                channel: Some(tile.channel as usize),
                ..TileSource::default()
            };
            made
        };
        layout.tiles = self.set.tiles.iter().zip(positions).enumerate().map(tile).collect();
        layout.fill_um().map_err(crate::stitch::StitchError::Layout)?;
        Ok(layout)
    }

    fn placed(&self) -> Result<Vec<PlacedTile>, SetError> {
        let tile = |(tile, position): (&super::SetTile, &[f64; 3])| PlacedTile {
            name: tile.name.clone(),
            path: tile.path().to_owned(),
            series: tile.series,
            channel: tile.channel as usize,
            shape: tile.full_shape,
            position_px: *position,
        };
        Ok(self.set.tiles.iter().zip(self.voxels()?).map(tile).collect())
    }
}
