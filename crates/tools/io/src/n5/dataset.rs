//! A container: arrays and pyramids as images.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::{
    Axis, Channel, Dataset, ImageMeta, ImageSource, Level, Origin, Pixels, Problem, ReadStatus,
    Region, Sourced,
};
use serde_json::{Map, Value};

use super::array::N5Array;
use super::attributes::{self, FILE};
use crate::chunked::{Chunks, ReadFrom};
use crate::kept::Kept;
use crate::natural::natural_order;
use crate::open::Probe;
use crate::stored_axes::StoredAxes;
use crate::units::micrometres as unit_um;
use crate::{Error, OpenOptions, Result};

/// How many groups deep arrays are looked for.
const DEEPEST: usize = 8;
/// Levels of a pyramid beyond this are not looked for.
const MOST_LEVELS: usize = 64;

/// An opened N5 container: one image per pyramid and per array that is no level of one.
pub struct N5Dataset {
    images: Vec<Arc<dyn ImageSource>>,
    problems: Vec<Problem>,
    version: Option<String>,
}

struct N5Image {
    path: PathBuf,
    arrays: Vec<N5Array>,
    axes: StoredAxes,
    meta: ImageMeta,
    levels: Vec<Level>,
    chunks: Chunks,
}

/// Whether a folder is an N5 container or an array of one.
pub fn recognises(probe: &Probe) -> bool {
    // Some writers leave the metadata of the root out.
    probe.holds(FILE) || (probe.is_folder && probe.has_suffix(".n5"))
}

/// Opens an N5 container, one of its groups, or one array; only metadata are read.
///
/// A group of arrays `s0`, `s1`, ... is one image with levels. Sizes come from `pixelResolution` or
/// `resolution` with `units`; axes from `axes`; both of the array or its group. Blocks that are not
/// stored are 0.
///
/// # Errors
/// [`Error::MetadataInvalid`] for contradictions; [`Error::NotThere`] when no array is there.
pub fn open(path: &Path, how: &OpenOptions) -> Result<N5Dataset> {
    let root = attributes::read(path)?.unwrap_or_default();
    let version = root.get("n5").and_then(Value::as_str).map(str::to_owned);
    let mut opened = N5Dataset { images: Vec::new(), problems: Vec::new(), version };
    let start = how.dataset.as_deref().unwrap_or_default().trim_matches('/');
    if start.split('/').any(|part| part == "..") {
        let what = format!("dataset `{start}`");
        return Err(Error::NotThere { path: path.to_owned(), what });
    }
    opened.collect(path, start, how, 0)?;
    if opened.images.is_empty() {
        let what = match start {
            "" => "array of two to five dimensions".to_owned(),
            name => format!("array `{name}`"),
        };
        return Err(Error::NotThere { path: path.to_owned(), what });
    }
    Ok(opened)
}

impl N5Dataset {
    /// Takes every image at and below a group.
    fn collect(&mut self, root: &Path, node: &str, how: &OpenOptions, depth: usize) -> Result<()> {
        let folder = if node.is_empty() { root.to_owned() } else { root.join(node) };
        if let Some(array) = N5Array::open(&folder)? {
            return self.add(root, node, vec![array], how);
        }
        let mut levels = Vec::new();
        while levels.len() < MOST_LEVELS
            && let Some(array) = N5Array::open(&folder.join(format!("s{}", levels.len())))?
        {
            levels.push(array);
        }
        if !levels.is_empty() {
            return self.add(root, node, levels, how);
        }
        if depth == DEEPEST {
            return Ok(());
        }
        for name in children(&folder)? {
            let at = if node.is_empty() { name } else { format!("{node}/{name}") };
            // The search goes on past what cannot be read.
            if let Err(error) = self.collect(root, &at, how, depth + 1) {
                self.problems.push(Problem::warning("metadata-invalid", error.to_string()));
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        root: &Path,
        node: &str,
        mut arrays: Vec<N5Array>,
        how: &OpenOptions,
    ) -> Result<()> {
        let first = &arrays[0].attributes;
        let (dimensions, dtype) = (first.lengths.len(), first.dtype);
        let same =
            |a: &N5Array| a.attributes.lengths.len() == dimensions && a.attributes.dtype == dtype;
        if arrays.iter().any(|a| !same(a)) {
            let what = format!("the levels of `{node}` differ in type or dimensions");
            return Err(Error::metadata(root, what));
        }
        // The array's own metadata come before its group's.
        let group = arrays[0].folder.parent().filter(|p| p.starts_with(root));
        let mut known = group.map(attributes::read).transpose()?.flatten().unwrap_or_default();
        known.extend(attributes::read(&arrays[0].folder)?.unwrap_or_default());
        let letters = axes_of(&known, dimensions);
        let given = how
            .axes
            .as_deref()
            .filter(|a| how.dataset.is_some() || a.chars().count() == dimensions);
        let (axes, from) = StoredAxes::resolve(root, dimensions, given, letters.as_deref())?;
        let name = match node.rsplit('/').next().filter(|n| !n.is_empty()) {
            Some(name) => name.to_owned(),
            None => root.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned()),
        };
        let levels = levels_of(&arrays, &axes)?;
        arrays.truncate(levels.len());
        let mut meta = ImageMeta::new(name, axes.axes(), levels[0].shape, dtype);
        meta.axes_from = from;
        meta.dataset = (!node.is_empty()).then(|| node.to_owned());
        if from == Origin::Assumed {
            let what = format!("the file does not name its dimensions; {} is assumed", meta.axes);
            self.problems.push(Problem::warning("axes-assumed", what));
        }
        // Other axes than the file's make its sizes those of other axes.
        if from != Origin::User {
            self.describe(&known, &axes, &mut meta);
        }
        meta.vendor = Some(Value::Object(known));
        let chunks = Chunks::new(how.cache.clone(), how.rescue);
        let path = root.to_owned();
        self.images.push(Arc::new(N5Image { path, arrays, axes, meta, levels, chunks }));
        Ok(())
    }

    /// Sizes, places, times and channels.
    fn describe(&mut self, known: &Map<String, Value>, axes: &StoredAxes, meta: &mut ImageMeta) {
        let (sizes, units) = match known.get("pixelResolution") {
            Some(Value::Object(both)) => (both.get("dimensions"), both.get("unit")),
            Some(list) => (Some(list), known.get("units")),
            None => (known.get("resolution"), known.get("units")),
        };
        let sizes = numbers(sizes);
        for (d, axis) in axes.order().iter().enumerate() {
            // Lists of the file begin with x; shorter ones leave time and channels out.
            let at = axes.order().len() - 1 - d;
            let (Some(s), Some(size)) = (axis.space_index(), sizes.get(at)) else { continue };
            let unit = match units {
                Some(Value::Array(list)) => list.get(at).and_then(Value::as_str),
                Some(Value::String(unit)) => Some(unit.as_str()),
                _ => None,
            };
            match unit.and_then(unit_um) {
                Some(um) if size.is_finite() && *size > 0.0 => {
                    meta.voxel_size_um[s] = Sourced::file(size * um);
                }
                Some(_) => {}
                None => {
                    let what =
                        format!("{}: {axis} {size} {}", meta.name, unit.unwrap_or("(no unit)"));
                    self.problems.push(Problem::warning("unit-unknown", what));
                }
            }
        }
        Kept::apply(known, meta);
        meta.frame_interval_s = known.get("frame_interval_s").and_then(Value::as_f64);
        let channels = known.get("channels").cloned().and_then(|c| serde_json::from_value(c).ok());
        let channels: Vec<Channel> = channels.unwrap_or_default();
        if channels.len() as u64 == meta.shape[Axis::C.index()] {
            meta.channels = channels;
        }
    }
}

fn numbers(list: Option<&Value>) -> Vec<f64> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

/// The letters of the stored dimensions, slowest first; `axes` lists x first.
fn axes_of(known: &Map<String, Value>, dimensions: usize) -> Option<String> {
    let list = known.get("axes")?.as_array()?;
    let letters: String = list
        .iter()
        .rev()
        .map(|name| name.as_str().and_then(|n| n.chars().next()).map(|c| c.to_ascii_lowercase()))
        .collect::<Option<_>>()?;
    let fits = |a: &StoredAxes| a.order().len() == dimensions;
    StoredAxes::parse(&letters).as_ref().is_some_and(fits).then_some(letters)
}

/// The levels of a pyramid: each with the factors its metadata say, else those of the lengths.
fn levels_of(arrays: &[N5Array], axes: &StoredAxes) -> Result<Vec<Level>> {
    let base: [u64; 5] = axes.spread(&arrays[0].attributes.lengths, 1);
    let mut levels = Vec::new();
    for array in arrays {
        let shape: [u64; 5] = axes.spread(&array.attributes.lengths, 1);
        let map = attributes::read(&array.folder)?.unwrap_or_default();
        let said = numbers(map.get("downsamplingFactors"));
        let factors = std::array::from_fn(|s| {
            let of_axis = |d: usize| said.get(axes.order().len() - 1 - d).copied();
            let stored = axes.order().iter().position(|a| a.index() == s + 2).and_then(of_axis);
            let ratio = (base[s + 2] as f64 / shape[s + 2] as f64).round().max(1.0);
            stored.filter(|f| f.is_finite() && *f >= 1.0).unwrap_or(ratio)
        });
        levels.push(array.level(axes, factors));
    }
    Ok(levels)
}

/// Folders below a group, in natural order.
fn children(folder: &Path) -> Result<Vec<String>> {
    let fail = |e| Error::io(folder, "list", e);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().into_string().unwrap_or_default();
        if !name.is_empty() && !name.starts_with('.') && entry.path().is_dir() {
            names.push(name);
        }
    }
    names.sort_by(|a, b| natural_order(a, b));
    Ok(names)
}

impl Dataset for N5Dataset {
    fn format(&self) -> &'static str {
        "n5"
    }
    fn format_version(&self) -> Option<String> {
        self.version.clone()
    }
    fn images(&self) -> &[Arc<dyn ImageSource>] {
        &self.images
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl ImageSource for N5Image {
    fn meta(&self) -> &ImageMeta {
        &self.meta
    }
    fn levels(&self) -> &[Level] {
        &self.levels
    }
    fn read(
        &self,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<ReadStatus, SourceError> {
        let (path, dtype) = (self.path.as_path(), self.meta.dtype);
        let from = ReadFrom { path, dtype, levels: &self.levels, level };
        let decode = |place: &Region| self.arrays[level].read_block(&self.axes, place);
        Ok(self.chunks.read(&from, region, out, decode)?)
    }
}
