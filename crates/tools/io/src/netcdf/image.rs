//! A variable as an image.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use hooke_core::{
    Axis, Channel, Dataset, Dtype, ImageMeta, ImageSource, Origin, Problem, Sample, Sourced,
    dispatch,
};
use serde_json::{Map, Value, json};

use super::coordinates::Line;
use super::{Attribute, Dimension, File, Values, Variable, group_of};
use crate::hdf5::{Array, image_of};
use crate::stored_axes::StoredAxes;
use crate::units;
use crate::{Error, OpenOptions, Result};

/// Longest run of coordinates that is read.
const MOST_COORDINATES: u64 = 1 << 22;
/// Intervals between frames vary; a noted one that differs by more is of other frames.
const INTERVAL_VARIES: f64 = 0.25;

/// An opened netCDF-4 file: an image per variable of numbers over two dimensions or more.
pub struct NetcdfDataset {
    images: Vec<Arc<dyn ImageSource>>,
    problems: Vec<Problem>,
}

/// Opens a netCDF-4 file; images come in the natural order of their paths.
///
/// The axes are those whose names the dimensions have (`t` or `time`, `c` or `channel`, `z`, `y`,
/// `x`), else those of CF's attribute `axis` on the coordinates. Evenly spaced coordinates give
/// voxel size and place, or the interval between frames; a text for each channel gives its name.
/// Samples are read as they are stored: `_FillValue`, `scale_factor` and `add_offset` are kept as
/// metadata and not applied. Variables that are coordinates, or limits of them, are no images.
///
/// # Errors
/// [`Error::Unrecognised`], [`Error::Truncated`] or [`Error::Corrupt`] for damaged files;
/// [`Error::NotThere`] when the variable that was asked for, or any image, is not there.
pub fn open(path: &Path, how: &OpenOptions) -> Result<NetcdfDataset> {
    let file = File::open(path)?;
    let wanted = how.dataset.as_deref().map(|d| d.trim_matches('/').to_owned());
    let auxiliary = auxiliary(&file);
    let is_image = |v: &&Variable| match &wanted {
        Some(wanted) => v.path == *wanted,
        None => !v.is_coordinate && !auxiliary.contains(&v.path),
    };
    let mut opened = NetcdfDataset { images: Vec::new(), problems: Vec::new() };
    for variable in file.variables().iter().filter(is_image) {
        if !(2..=5).contains(&variable.dimensions.len()) || variable.is_empty() {
            continue;
        }
        match Array::describe(file.handles(), &variable.path) {
            Ok(Some(array)) => opened.add(&file, variable, array, how)?,
            Ok(None) => {}
            Err(error) if wanted.is_some() => return Err(error),
            Err(error) => {
                opened.problems.push(Problem::warning("metadata-invalid", error.to_string()));
            }
        }
    }
    if opened.images.is_empty() {
        let what = match wanted {
            Some(wanted) => format!("variable `/{wanted}` of numbers with 2 to 5 dimensions"),
            None => "variable of numbers with 2 to 5 dimensions".to_owned(),
        };
        return Err(Error::NotThere { path: path.to_owned(), what });
    }
    Ok(opened)
}

/// Variables that say where others lie: those their `coordinates` and `bounds` name.
fn auxiliary(file: &File) -> HashSet<String> {
    let mut named = HashSet::new();
    for variable in file.variables() {
        for attribute in ["coordinates", "bounds"] {
            let Some(Attribute::Texts(texts)) = file.attribute(variable, attribute) else {
                continue;
            };
            let group = group_of(&variable.path);
            for name in texts.iter().flat_map(|t| t.split_whitespace()) {
                named.insert(name.to_owned());
                named.insert(format!("{group}/{name}"));
            }
        }
    }
    named
}

impl NetcdfDataset {
    fn add(
        &mut self,
        file: &File,
        variable: &Variable,
        array: Array,
        how: &OpenOptions,
    ) -> Result<()> {
        let path = file.handles().path();
        let dimensions = &variable.dimensions;
        let named: Option<String> = dimensions.iter().map(|d| letter(file, d)).collect();
        let named = named.filter(|letters| StoredAxes::parse(letters).is_some());
        // The user's axes are meant for the variables they fit.
        let fits = |a: &&str| how.dataset.is_some() || a.chars().count() == dimensions.len();
        let user = how.axes.as_deref().filter(fits);
        let (axes, from) = StoredAxes::resolve(path, dimensions.len(), user, named.as_deref())?;
        if from == Origin::Assumed {
            let names: Vec<&str> = dimensions.iter().map(|d| d.name().unwrap_or("?")).collect();
            self.warn(
                "axes-assumed",
                format!(
                    "`/{}` has the dimensions {}, which are no axes; {} is assumed",
                    variable.path,
                    names.join(", "),
                    axes.axes()
                ),
            );
        }
        let shape = axes.spread(&array.lengths, 1);
        let mut meta = ImageMeta::new(variable.path.clone(), axes.axes(), shape, array.dtype());
        meta.dataset = Some(format!("/{}", variable.path));
        meta.axes_from = from;
        meta.stored_dtype = array.stored_dtype();
        meta.significant_bits = array.significant_bits;
        if meta.stored_dtype != meta.dtype.name() {
            let text = format!("{} is read as {}, exactly", meta.stored_dtype, meta.dtype);
            self.warn("dtype-widened", text);
        }
        for (axis, dimension) in axes.order().iter().zip(dimensions) {
            match axis {
                Axis::T => self.along_time(file, dimension, &mut meta),
                Axis::C => along_channels(file, dimension, &mut meta),
                _ => self.along_space(file, dimension, *axis, &mut meta),
            }
        }
        channel_attributes(file, variable, &mut meta);
        meta.vendor = Some(vendor(file, variable));
        self.images.push(image_of(file.handles(), array, axes, meta, how.cache.clone()));
        Ok(())
    }

    fn warn(&mut self, code: &str, text: String) {
        self.problems.push(Problem::warning(code, text));
    }

    fn along_space(
        &mut self,
        file: &File,
        dimension: &Dimension,
        axis: Axis,
        meta: &mut ImageMeta,
    ) {
        let Some((coordinate, values)) = numbers_along(file, dimension) else { return };
        let unit = unit_of(file, coordinate);
        let Some(um) = unit.as_deref().and_then(units::micrometres) else {
            self.warn("unit-unknown", no_unit(coordinate, unit.as_deref(), "length"));
            return;
        };
        let Some(line) = self.line(file, coordinate, &values) else { return };
        let d = axis.index() - 2;
        if file.attribute(coordinate, "origin") != Some("unknown".into()) {
            meta.origin_um[d] = Sourced::file(line.first * um);
        }
        let Some(step) = line.step else { return };
        if !line.even {
            let text = format!(
                "the coordinates `/{}` are not evenly spaced; the voxel size is unknown",
                coordinate.path
            );
            return self.warn("metadata-invalid", text);
        }
        if step < 0.0 {
            let text = format!(
                "the coordinates `/{}` fall; the voxel size is taken without its sign",
                coordinate.path
            );
            self.warn("metadata-invalid", text);
        }
        meta.voxel_size_um[d] = Sourced::file(step.abs() * um);
    }

    fn along_time(&mut self, file: &File, dimension: &Dimension, meta: &mut ImageMeta) {
        let Some((coordinate, values)) = numbers_along(file, dimension) else { return };
        let unit = unit_of(file, coordinate);
        // `seconds since 2024-01-01` counts seconds.
        let counted = unit.as_deref().map(|u| u.split(" since ").next().unwrap_or_default());
        let Some(seconds) = counted.and_then(units::seconds) else {
            return self.warn("unit-unknown", no_unit(coordinate, unit.as_deref(), "time"));
        };
        let Some(line) = self.line(file, coordinate, &values) else { return };
        // The interval that was asked for may stand beside the times that were kept.
        let near = |told: &f64| {
            line.step.is_some_and(|step| (told - step).abs() <= INTERVAL_VARIES * step.abs())
        };
        let told = told_step(file, coordinate).filter(near);
        let kept = line.step.filter(|_| line.even);
        meta.frame_interval_s = told.or(kept).map(|step| step * seconds);
        if line.first != 0.0 || told.or(kept) != kept || (kept.is_none() && values.len() > 1) {
            meta.frame_times_s = Some(values.iter().map(|v| v * seconds).collect());
        }
    }

    fn line(&mut self, file: &File, coordinate: &Variable, values: &[f64]) -> Option<Line> {
        let precision = match coordinate.dtype {
            Some(Dtype::Float32) => f64::from(f32::EPSILON),
            Some(Dtype::Float64) => f64::EPSILON,
            _ => 0.0,
        };
        let line = Line::of(values, told_step(file, coordinate), precision);
        if line.is_none() {
            let text = format!("the coordinates `/{}` are not all numbers", coordinate.path);
            self.warn("metadata-invalid", text);
        }
        line
    }
}

/// The axis of a dimension, by its name, else by the attribute `axis` of its coordinates.
fn letter(file: &File, dimension: &Dimension) -> Option<char> {
    match dimension.name()?.to_ascii_lowercase().as_str() {
        "t" | "time" => return Some('t'),
        "c" | "channel" | "channels" => return Some('c'),
        "z" => return Some('z'),
        "y" => return Some('y'),
        "x" => return Some('x'),
        _ => {}
    }
    let text = file.attribute(file.coordinate(dimension)?, "axis")?.texts()?;
    let letter = text.first()?.trim().to_ascii_lowercase();
    ["t", "z", "y", "x"].contains(&letter.as_str()).then(|| letter.chars().next())?
}

/// The coordinates along a dimension, where they are numbers.
fn numbers_along<'f>(file: &'f File, dimension: &Dimension) -> Option<(&'f Variable, Vec<f64>)> {
    let coordinate = file.coordinate(dimension)?;
    if coordinate.len() > MOST_COORDINATES || coordinate.len() != dimension.length {
        return None;
    }
    let Values::Numbers(numbers) = file.values(coordinate).ok()? else { return None };
    let values = dispatch!(numbers.dtype(), T => {
        numbers.as_slice::<T>()?.iter().map(|v| v.to_f64()).collect()
    });
    Some((coordinate, values))
}

fn unit_of(file: &File, coordinate: &Variable) -> Option<String> {
    file.attribute(coordinate, "units")?.texts()?.into_iter().next()
}

fn told_step(file: &File, coordinate: &Variable) -> Option<f64> {
    match file.attribute(coordinate, "spacing")? {
        Attribute::Numbers(numbers) => numbers.first().copied(),
        Attribute::Texts(_) => None,
    }
}

fn no_unit(coordinate: &Variable, unit: Option<&str>, kind: &str) -> String {
    let path = &coordinate.path;
    match unit {
        Some(unit) => format!("the coordinates `/{path}` are in `{unit}`, no known unit of {kind}"),
        None => format!("the coordinates `/{path}` have no unit"),
    }
}

fn along_channels(file: &File, dimension: &Dimension, meta: &mut ImageMeta) {
    let Some(coordinate) = file.coordinate(dimension) else { return };
    if coordinate.dtype.is_some() || coordinate.len() != dimension.length {
        return;
    }
    if let Ok(Values::Texts(names)) = file.values(coordinate) {
        let name =
            |n: String| Channel { name: Some(n).filter(|n| !n.is_empty()), ..Channel::default() };
        meta.channels = names.into_iter().map(name).collect();
    }
}

/// Colours and wavelengths as [`super::create`] writes them.
fn channel_attributes(file: &File, variable: &Variable, meta: &mut ImageMeta) {
    let count = meta.shape[Axis::C.index()] as usize;
    let colors = file.attribute(variable, "channel_colors").and_then(Attribute::texts);
    let numbers = |name| {
        let values: Vec<f64> = file.attribute(variable, name)?.numbers()?;
        (values.len() == count).then_some(values)
    };
    let (excitation, emission) = (numbers("excitation_nm"), numbers("emission_nm"));
    let colors = colors.filter(|c| c.len() == count);
    let names = file.attribute(variable, "channel_names").and_then(Attribute::texts);
    let names = names.filter(|n| n.len() == count);
    if names.is_some() || colors.is_some() || excitation.is_some() || emission.is_some() {
        meta.channels.resize(count, Channel::default());
    }
    let pick = |values: &Option<Vec<f64>>, c: usize| {
        values.as_ref().and_then(|v| v.get(c).copied()).filter(|v| v.is_finite())
    };
    for (c, channel) in meta.channels.iter_mut().enumerate() {
        if let Some(name) = names.as_ref().map(|n| n[c].clone()).filter(|n| !n.is_empty()) {
            channel.name = Some(name);
        }
        channel.color = colors.as_ref().map(|t| t[c].clone()).filter(|t| !t.is_empty());
        channel.excitation_nm = pick(&excitation, c);
        channel.emission_nm = pick(&emission, c);
    }
    let whole = 8 * meta.dtype.size() as u32;
    if let Some([bits]) =
        file.attribute(variable, "significant_bits").and_then(Attribute::numbers).as_deref()
        && (1.0..=f64::from(whole)).contains(bits)
    {
        meta.significant_bits = *bits as u32;
    }
}

/// All attributes of the variable, of its coordinates and of the file.
fn vendor(file: &File, variable: &Variable) -> Value {
    let all = |v: &Variable| -> Map<String, Value> {
        file.attributes(v).into_iter().map(|(name, value)| (name, value.to_json())).collect()
    };
    let coordinates: Map<String, Value> = variable
        .dimensions
        .iter()
        .filter_map(|d| file.coordinate(d))
        .map(|c| (c.path.clone(), Value::Object(all(c))))
        .collect();
    let texts: Map<String, Value> =
        file.texts().into_iter().map(|(name, text)| (name, text.into())).collect();
    json!({ "attributes": all(variable), "coordinates": coordinates, "file": texts })
}

impl Dataset for NetcdfDataset {
    fn format(&self) -> &'static str {
        "netcdf"
    }
    fn images(&self) -> &[Arc<dyn ImageSource>] {
        &self.images
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}
