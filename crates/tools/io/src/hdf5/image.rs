//! A dataset as an image with its metadata.

use std::path::Path;
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::{
    Axis, Channel, Dataset, ImageMeta, ImageSource, Level, Origin, Pixels, Problem, ReadStatus,
    Region, Sourced,
};

use super::array::{Array, Reading};
use super::attributes::Attribute;
use super::handles::Handles;
use crate::chunk_cache::{ChunkCache, ChunkKey};
use crate::natural::natural_order;
use crate::stored_axes::StoredAxes;
use crate::{Error, OpenOptions, Result};

/// An opened HDF5 file: an image per numeric dataset of two dimensions or more.
pub struct Hdf5Dataset {
    images: Vec<Arc<dyn ImageSource>>,
    problems: Vec<Problem>,
}

struct Hdf5Image {
    handles: Arc<Handles>,
    array: Array,
    axes: StoredAxes,
    meta: ImageMeta,
    levels: [Level; 1],
    cache: Option<Arc<ChunkCache>>,
    key: ChunkKey,
}

/// Opens an HDF5 file; images come in the natural order of their paths.
///
/// Voxel size from the attribute `element_size_um` (z, y, x), axes from `axes` (letters) or
/// `axistags` (vigra's JSON) or `DIMENSION_LABELS`, places, times and channels from those Hooke
/// writes: `origin_um`, `frame_interval_s`, `channel_names`, `channel_colors`. Only metadata is
/// read; pixels are read chunk by chunk, through the cache where one is given.
///
/// # Errors
/// [`Error::Unrecognised`], [`Error::Truncated`] or [`Error::Corrupt`] for damaged files;
/// [`Error::NotThere`] when the dataset that was asked for, or any image, is not there. A dataset
/// with a filter that cannot be undone is listed and errs when it is read.
pub fn open(path: &Path, how: &OpenOptions) -> Result<Hdf5Dataset> {
    let handles = Arc::new(Handles::open(path)?);
    let mut names = handles.run("the catalogue", |file| Ok(file.dataset_names()))?;
    names.sort_by(|a, b| natural_order(a, b));
    let mut opened = Hdf5Dataset { images: Vec::new(), problems: Vec::new() };
    if let Some(wanted) = &how.dataset {
        let wanted = wanted.trim_matches('/');
        names.retain(|n| n.trim_matches('/') == wanted);
        if names.is_empty() {
            let what = format!("dataset `/{wanted}`");
            return Err(Error::NotThere { path: path.to_owned(), what });
        }
    }
    for name in &names {
        let array = match Array::describe(&handles, name) {
            Ok(Some(array)) if (2..=5).contains(&array.lengths.len()) => array,
            // The only dataset, or the one asked for, must be readable.
            Err(error) if names.len() == 1 => return Err(error),
            Err(error) => {
                opened.problems.push(Problem::warning("metadata-invalid", error.to_string()));
                continue;
            }
            _ => continue,
        };
        if !array.lengths.contains(&0) {
            opened.add(&handles, array, how)?;
        }
    }
    if opened.images.is_empty() {
        let what = "dataset of numbers with 2 to 5 dimensions".to_owned();
        return Err(Error::NotThere { path: path.to_owned(), what });
    }
    Ok(opened)
}

/// A dataset as an image, its chunks in the cache where one is given.
pub(crate) fn image_of(
    handles: &Arc<Handles>,
    array: Array,
    axes: StoredAxes,
    meta: ImageMeta,
    cache: Option<Arc<ChunkCache>>,
) -> Arc<dyn ImageSource> {
    let shape = meta.shape;
    let chunk = match &array.chunk {
        Some(chunk) => axes.spread(chunk, 1),
        None => [1, 1, 1, shape[3], shape[4]],
    };
    let codec = array.codec.clone();
    let level = Level { shape, factors: [1.0; 3], chunk, shard: None, codec };
    Arc::new(Hdf5Image {
        handles: Arc::clone(handles),
        array,
        axes,
        meta,
        levels: [level],
        cache,
        key: ChunkKey { source: ChunkCache::new_source(), level: 0, chunk: 0 },
    })
}

impl Hdf5Dataset {
    fn add(&mut self, handles: &Arc<Handles>, array: Array, how: &OpenOptions) -> Result<()> {
        let path = handles.path();
        let dimensions = array.lengths.len();
        let named = self.named_axes(handles, &array);
        // The user's axes are meant for the datasets they fit.
        let user = how
            .axes
            .as_deref()
            .filter(|a| how.dataset.is_some() || a.chars().count() == dimensions);
        let (axes, from) = StoredAxes::resolve(path, dimensions, user, named.as_deref())?;
        let meta = describe(handles, &array, &axes, from);
        if from == Origin::Assumed {
            let text =
                format!("`/{}` does not name its dimensions; {} is assumed", array.name, meta.axes);
            self.problems.push(Problem::warning("axes-assumed", text));
        }
        if meta.stored_dtype != meta.dtype.name() {
            let text = format!("{} is read as {}, exactly", meta.stored_dtype, meta.dtype);
            self.problems.push(Problem::warning("dtype-widened", text));
        }
        let cache = how.cache.clone();
        self.images.push(image_of(handles, array, axes, meta, cache));
        Ok(())
    }

    /// The axes a file names, as letters; names that do not fit are reported and ignored.
    fn named_axes(&mut self, handles: &Handles, array: &Array) -> Option<String> {
        let read = |name: &str| Attribute::read(handles, &array.name, name)?.texts();
        let letters = match read("axes").or_else(|| read("axistags")) {
            Some(texts) => letters_of(&texts.concat())?,
            None => {
                let labels = read("DIMENSION_LABELS")?;
                if labels.iter().all(String::is_empty) {
                    return None;
                }
                labels.iter().map(|l| letter_of(l)).collect::<Option<String>>()?
            }
        };
        let fits =
            StoredAxes::parse(&letters).is_some_and(|a| a.order().len() == array.lengths.len());
        if !fits {
            let dimensions = array.lengths.len();
            let text =
                format!("`/{}` names the axes `{letters}` for {dimensions} dimensions", array.name);
            self.problems.push(Problem::warning("metadata-invalid", text));
        }
        fits.then_some(letters)
    }
}

/// Axes as letters, from letters or from vigra's `{"axes": [{"key": "z"}, ...]}`.
fn letters_of(text: &str) -> Option<String> {
    if !text.trim_start().starts_with('{') {
        return Some(text.trim().to_ascii_lowercase());
    }
    let tags: serde_json::Value = serde_json::from_str(text).ok()?;
    tags.get("axes")?.as_array()?.iter().map(|tag| tag.get("key")?.as_str()).collect()
}

/// The letter of a dimension's label: itself, or the word it begins.
fn letter_of(label: &str) -> Option<char> {
    let label = label.trim().to_ascii_lowercase();
    match label.as_str() {
        "time" | "t" => Some('t'),
        "channel" | "c" => Some('c'),
        "z" | "y" | "x" => label.chars().next(),
        _ => None,
    }
}

fn describe(handles: &Handles, array: &Array, axes: &StoredAxes, from: Origin) -> ImageMeta {
    let shape = axes.spread(&array.lengths, 1);
    let mut meta = ImageMeta::new(array.name.clone(), axes.axes(), shape, array.dtype());
    meta.dataset = Some(format!("/{}", array.name));
    meta.axes_from = from;
    meta.stored_dtype = array.stored_dtype();
    meta.significant_bits = array.significant_bits;
    let read = |name: &str| Attribute::read(handles, &array.name, name);
    let numbers = |name: &str| read(name)?.numbers();
    let zyx = |name: &str, legal: fn(f64) -> bool| {
        let found = match numbers(name).as_deref() {
            Some([z, y, x]) => [Some(*z), Some(*y), Some(*x)],
            // Files of two dimensions.
            Some([y, x]) => [None, Some(*y), Some(*x)],
            _ => [None; 3],
        };
        found.map(|v| v.filter(|v| legal(*v)).map_or_else(Sourced::unknown, Sourced::file))
    };
    meta.voxel_size_um = zyx("element_size_um", |v| v.is_finite() && v > 0.0);
    meta.origin_um = zyx("origin_um", f64::is_finite);
    meta.frame_interval_s = match numbers("frame_interval_s").as_deref() {
        Some([interval]) if interval.is_finite() => Some(*interval),
        _ => None,
    };
    let channels = shape[Axis::C.index()] as usize;
    let texts = |name: &str| read(name).and_then(Attribute::texts).filter(|t| t.len() == channels);
    let (names, colors) = (texts("channel_names"), texts("channel_colors"));
    if names.is_some() || colors.is_some() {
        let pick = |texts: &Option<Vec<String>>, c: usize| {
            texts.as_ref().map(|t| t[c].clone()).filter(|t| !t.is_empty())
        };
        let channel =
            |c| Channel { name: pick(&names, c), color: pick(&colors, c), ..Channel::default() };
        meta.channels = (0..channels).map(channel).collect();
    }
    meta
}

impl Dataset for Hdf5Dataset {
    fn format(&self) -> &'static str {
        "hdf5"
    }
    fn images(&self) -> &[Arc<dyn ImageSource>] {
        &self.images
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl ImageSource for Hdf5Image {
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
        if level != 0 {
            let what = format!("level {level}; a dataset has one");
            return Err(Error::NotThere { path: self.handles.path().to_owned(), what }.into());
        }
        let reading = Reading {
            handles: &self.handles,
            axes: &self.axes,
            cache: self.cache.as_deref().map(|cache| (cache, self.key)),
        };
        self.array.read(&reading, region, out)?;
        Ok(ReadStatus::Complete)
    }
}
