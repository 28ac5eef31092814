//! `hooke tileset to-global`: points of tiles in the whole sample, and back.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch, UInt32Array};
use arrow_schema::DataType;
use hooke_core::image::SourceError;
use hooke_core::plan::InputStamp;
use hooke_core::{Axes, Budget, Dtype, ImageMeta, ImageSink, Pixels, Region};
use hooke_io::npy::NpySink;
use hooke_io::tables::{TableError, read_table, write_table};
use hooke_tileset::TilesetError;
use hooke_tileset::points::{to_global, to_local};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::columns::Columns;
use super::error::SetError;
use super::options::{SetOptions, absolute};
use super::position_file::{in_file, npy_rows};
use super::positions::table_format;
use super::set::TileSet;
use crate::engine::{BlockContext, BlockError, stamp_input};
use crate::step::{Done, Step};

/// Everything that decides the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ToGlobalOptions {
    /// The tiles.
    #[serde(flatten)]
    pub set: SetOptions,
    /// The points: a table, or an array.
    pub points: PathBuf,
    /// Whether coordinates are in µm; else in voxels.
    pub um: bool,
    /// Whether points of the sample are sought in the tiles.
    pub inverse: bool,
    /// Whether the smallest position is kept.
    pub keep_origin: bool,
    /// The table or array to write.
    pub output: PathBuf,
}

/// `hooke tileset to-global`.
pub struct ToGlobal {
    options: ToGlobalOptions,
    set: TileSet,
    positions: Vec<[f64; 3]>,
    /// A voxel in the unit of the points.
    voxel: [f64; 3],
}

fn is_array(path: &std::path::Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy"))
}

impl Step for ToGlobal {
    const COMMAND: &'static str = "tileset to-global";
    type Parameters = ToGlobalOptions;
    type Error = SetError;

    fn open(options: ToGlobalOptions) -> Result<ToGlobal, SetError> {
        let options = ToGlobalOptions {
            set: options.set.absolute(),
            points: absolute(&options.points),
            output: absolute(&options.output),
            ..options
        };
        match (is_array(&options.points), is_array(&options.output)) {
            (true, true) if !options.inverse => {}
            (false, false) => table_format(&options.output).map(drop)?,
            (true, _) if options.inverse => {
                let what = "--inverse reads a table of points";
                return Err(SetError::usage(what, "give .csv or .parquet with z_um,y_um,x_um"));
            }
            _ => {
                let what = "a table gives a table, and an .npy an .npy";
                return Err(SetError::usage(what, "give both of one kind"));
            }
        }
        let set = TileSet::open(&options.set)?.ignoring_rotation(options.set.ignore_rotation);
        set.placement(hooke_tileset::placement::Place::Nearest)?;
        let positions = match options.um {
            true => set.tiles.iter().map(|t| t.position_um).collect::<Option<Vec<_>>>(),
            false => set.tiles.iter().map(|t| t.position_px).collect::<Option<Vec<_>>>(),
        };
        let voxel = if options.um { set.known_voxel()? } else { [1.0; 3] };
        let positions = positions.unwrap_or_default();
        Ok(ToGlobal { options, set, positions, voxel })
    }

    fn parameters(&self) -> &ToGlobalOptions {
        &self.options
    }

    fn inputs(&self) -> Result<Vec<InputStamp>, SetError> {
        let mut stamps = self.set.stamps()?;
        stamps.push(stamp_input(&self.options.points, None)?);
        Ok(stamps)
    }

    fn outputs(&self) -> Vec<(PathBuf, &'static str)> {
        let format = table_format(&self.options.output).unwrap_or("npy");
        vec![(self.options.output.clone(), format)]
    }

    fn bytes(&self, _: &Budget) -> u64 {
        let size = std::fs::metadata(&self.options.points).map_or(0, |m| m.len());
        (1 << 20) + 24 * size
    }

    fn run(&self, places: &[PathBuf], _: &mut BlockContext<'_>) -> Result<Done, BlockError> {
        let rows = match (is_array(&self.options.points), self.options.inverse) {
            (true, _) => self.array(&places[0])?,
            (false, false) => self.forwards(&places[0])?,
            (false, true) => self.backwards(&places[0])?,
        };
        Ok(Done { result: json!({"rows": rows}), warnings: self.set.warnings.clone() })
    }
}

impl ToGlobal {
    fn names(&self) -> [&'static str; 3] {
        if self.options.um { ["z_um", "y_um", "x_um"] } else { ["z", "y", "x"] }
    }

    /// The points of a table.
    fn points(&self, table: &RecordBatch) -> Result<Vec<[f64; 3]>, SetError> {
        let [z, y, x] = self.names();
        let columns = [self.column(table, z)?, self.column(table, y)?, self.column(table, x)?];
        let point = |row: usize| [columns[0][row], columns[1][row], columns[2][row]];
        let points: Vec<[f64; 3]> = (0..table.num_rows()).map(point).collect();
        match points.iter().position(|p| !p.iter().all(|v| v.is_finite())) {
            None => Ok(points),
            Some(row) => {
                let why = format!("the point {:?} is not finite", points[row]);
                Err(in_file(&self.options.points, TilesetError::Row { row, why }))
            }
        }
    }

    /// A column of numbers; absent ones are NaN.
    fn column(&self, table: &RecordBatch, name: &str) -> Result<Vec<f64>, SetError> {
        let path = &self.options.points;
        let array = table.column_by_name(name).ok_or_else(|| TableError::NoColumn {
            path: path.clone(),
            column: name.to_owned(),
            found: table.schema().fields().iter().map(|f| f.name().clone()).collect(),
        })?;
        numbers(array.as_ref()).ok_or_else(|| {
            let what = format!("column `{name}` holds {}; wanted numbers", array.data_type());
            TableError::Unreadable { path: path.clone(), what }.into()
        })
    }

    fn tiles(&self, values: &[f64]) -> Result<Vec<i64>, SetError> {
        let tile = |(row, v): (usize, &f64)| match v.fract() == 0.0 && v.abs() < 1e15 {
            true => Ok(*v as i64),
            false => {
                let why = format!("tile {v} is no whole number");
                Err(in_file(&self.options.points, TilesetError::Row { row, why }))
            }
        };
        values.iter().enumerate().map(tile).collect()
    }

    fn global(&self, tiles: Vec<i64>, points: Vec<[f64; 3]>) -> Result<Vec<[f64; 3]>, SetError> {
        let rows: Vec<(i64, [f64; 3])> = tiles.into_iter().zip(points).collect();
        to_global(&rows, &self.positions, self.options.keep_origin)
            .map_err(|e| in_file(&self.options.points, e))
    }

    fn forwards(&self, output: &std::path::Path) -> Result<usize, SourceError> {
        let table = read_table(&self.options.points)?;
        let tiles = self.tiles(&self.column(&table, "tile")?)?;
        let found = self.global(tiles, self.points(&table)?)?;
        let mut columns = Columns::default();
        let schema = table.schema();
        for (field, array) in schema.fields().iter().zip(table.columns()) {
            columns.add(field.name(), Arc::clone(array));
        }
        let names = self.names().map(|n| format!("global_{n}"));
        let found: Vec<Option<[f64; 3]>> = found.into_iter().map(Some).collect();
        columns.zyx([&names[0], &names[1], &names[2]], &found);
        write_table(output, &columns.batch()?)?;
        Ok(found.len())
    }

    fn backwards(&self, output: &std::path::Path) -> Result<usize, SourceError> {
        let table = read_table(&self.options.points)?;
        let points = self.points(&table)?;
        let shapes = self.set.shapes();
        let keep = self.options.keep_origin;
        let found = to_local(&points, &self.positions, &shapes, self.voxel, keep)?;
        let mut columns = Columns::default();
        columns.u64("point", found.iter().map(|p| p.point as u64));
        let tiles = found.iter().map(|p| p.place.map(|(tile, _)| tile as u32));
        columns.add("tile", Arc::new(UInt32Array::from_iter(tiles)));
        let local: Vec<Option<[f64; 3]>> =
            found.iter().map(|p| p.place.map(|(_, at)| at)).collect();
        columns.zyx(self.names(), &local);
        write_table(output, &columns.batch()?)?;
        Ok(found.len())
    }

    /// Rows of tile, x, y, z to rows of x, y, z.
    fn array(&self, output: &std::path::Path) -> Result<usize, SourceError> {
        let rows = npy_rows::<4>(&self.options.points)?;
        let tiles = self.tiles(&rows.iter().map(|r| r[0]).collect::<Vec<_>>())?;
        let points = rows.iter().map(|[_, x, y, z]| [*z, *y, *x]).collect();
        let found = self.global(tiles, points)?;
        let values: Vec<f64> = found.iter().flat_map(|[z, y, x]| [*x, *y, *z]).collect();
        let shape = [1, 1, 1, found.len() as u64, 3];
        let meta = ImageMeta::new("points", Axes::YX, shape, Dtype::Float64);
        let sink = NpySink::create(output, &meta)?;
        sink.write(0, &Region::whole(shape), &Pixels::from_vec(shape, values))?;
        sink.finish()?;
        Ok(found.len())
    }
}

/// The numbers of a column; absent ones are NaN, and `None` when it holds none.
pub(crate) fn numbers(array: &dyn Array) -> Option<Vec<f64>> {
    macro_rules! plain {
        ($type:ty) => {
            array.as_primitive::<$type>().iter().map(|v| v.map_or(f64::NAN, |v| v as f64)).collect()
        };
    }
    Some(match array.data_type() {
        DataType::Float64 => plain!(Float64Type),
        DataType::Float32 => plain!(Float32Type),
        DataType::Int8 => plain!(Int8Type),
        DataType::Int16 => plain!(Int16Type),
        DataType::Int32 => plain!(Int32Type),
        DataType::Int64 => plain!(Int64Type),
        DataType::UInt8 => plain!(UInt8Type),
        DataType::UInt16 => plain!(UInt16Type),
        DataType::UInt32 => plain!(UInt32Type),
        DataType::UInt64 => plain!(UInt64Type),
        _ => return None,
    })
}
