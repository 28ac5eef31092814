//! A pyramid or a plain array as an [`ImageSource`].

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hooke_core::image::SourceError;
use hooke_core::{
    Axes, Axis, ImageMeta, ImageSource, Level, Origin, Pixels, Problem, ReadStatus, Region, Sourced,
};
use serde_json::{Map, Value};

use super::array::ZarrArray;
use super::level::{Reading, StoredLevel};
use super::ngff::{self, Multiscale, NgffAxis};
use crate::chunk_cache::ChunkCache;
use crate::error::{Error, Result};
use crate::open::OpenOptions;

/// An image of a Zarr container.
#[derive(Debug)]
pub(super) struct ZarrImage {
    meta: ImageMeta,
    levels: Vec<Level>,
    stored: Vec<StoredLevel>,
    source: u64,
    cache: Option<Arc<ChunkCache>>,
    rescue: bool,
}

/// The letters of `--axes`, one per stored dimension.
struct AxesGiven(Option<Vec<Axis>>);

impl ZarrImage {
    /// A single array without NGFF metadata; what a user should know goes to `problems`.
    ///
    /// # Errors
    /// When the array cannot be read as an image.
    pub fn plain(
        array: ZarrArray,
        name: &str,
        how: &OpenOptions,
        problems: &mut Vec<Problem>,
    ) -> Result<ZarrImage> {
        let given = AxesGiven::parse(&array.root, how)?;
        let (axes, from) = match (given.fitting(&array)?, named(&array)) {
            (Some(axes), _) => (axes, Origin::User),
            (None, Some(axes)) => (axes, Origin::File),
            (None, None) => (assumed(&array, problems)?, Origin::Assumed),
        };
        let node = array.node.clone();
        let level = StoredLevel::new(array, &axes);
        let mut image = ZarrImage::new(vec![level], &axes, from, name, how, problems);
        image.meta.dataset = (!node.is_empty()).then_some(node);
        Ok(image)
    }

    /// A pyramid in the group `node`.
    ///
    /// # Errors
    /// [`Error::MetadataInvalid`] when metadata and arrays contradict each other.
    pub fn pyramid(
        root: &Path,
        node: &str,
        multiscale: &Multiscale,
        attributes: &Map<String, Value>,
        name: &str,
        how: &OpenOptions,
        problems: &mut Vec<Problem>,
    ) -> Result<ZarrImage> {
        let child =
            |path: &str| if node.is_empty() { path.to_owned() } else { format!("{node}/{path}") };
        let first = ZarrArray::open(root, &child(&multiscale.datasets[0].path))?;
        let given = AxesGiven::parse(root, how)?.fitting(&first)?;
        let (axes, from) = match (given, &multiscale.axes) {
            (Some(axes), _) => (axes, Origin::User),
            (None, Some(list)) => (list.iter().map(|a| a.axis).collect(), Origin::File),
            (None, None) => (assumed(&first, problems)?, Origin::Assumed),
        };
        if axes.len() != first.shape.len() {
            let what = format!("{} axes for {} dimensions", axes.len(), first.shape.len());
            return Err(Error::metadata(root, what));
        }
        let dtype = first.stored();
        let mut stored = vec![StoredLevel::new(first, &axes)];
        for dataset in &multiscale.datasets[1..] {
            let array = ZarrArray::open(root, &child(&dataset.path))?;
            if array.shape.len() != axes.len() || array.stored() != dtype {
                let what = format!("level `{}` has another type or other dimensions", dataset.path);
                return Err(Error::metadata(root, what));
            }
            stored.push(StoredLevel::new(array, &axes));
        }
        let name = multiscale.name.as_deref().filter(|n| !n.is_empty()).unwrap_or(name);
        let mut image = ZarrImage::new(stored, &axes, from, name, how, problems);
        image.meta.dataset = (!node.is_empty()).then(|| node.to_owned());
        image.meta.labels = ngff::ome(attributes).contains_key("image-label");
        let channels = ngff::channels(attributes);
        if channels.len() as u64 == image.meta.shape[Axis::C.index()] {
            image.meta.channels = channels;
        }
        image.meta.vendor = Some(Value::Object(attributes.clone()));
        image.place(multiscale, &axes, problems);
        Ok(image)
    }

    fn new(
        stored: Vec<StoredLevel>,
        axes: &[Axis],
        from: Origin,
        name: &str,
        how: &OpenOptions,
        problems: &mut Vec<Problem>,
    ) -> ZarrImage {
        let array = &stored[0].array;
        let sample = array.stored();
        let mut meta = ImageMeta::new(name, Axes::of(axes), stored[0].shape, sample.dtype());
        meta.axes_from = from;
        sample.name().clone_into(&mut meta.stored_dtype);
        if !sample.is_plain() {
            meta.significant_bits = if sample.size() == 1 { 1 } else { 16 };
            let what = format!("{}: {} is read as {}", name, sample.name(), sample.dtype());
            problems.push(Problem::warning("dtype-widened", what));
        }
        let base = stored[0].shape;
        let levels = stored
            .iter()
            .map(|l| l.describe(std::array::from_fn(|d| ratio(base[d + 2], l.shape[d + 2]))))
            .collect();
        let (cache, source) = (how.cache.clone(), ChunkCache::new_source());
        ZarrImage { meta, levels, stored, source, cache, rescue: how.rescue }
    }

    /// Takes sizes, positions and factors from the transformations.
    fn place(&mut self, multiscale: &Multiscale, axes: &[Axis], problems: &mut Vec<Problem>) {
        let units: Vec<Option<f64>> = match &multiscale.axes {
            Some(list) => list.iter().map(NgffAxis::unit_size).collect(),
            None => vec![None; axes.len()],
        };
        let base = &multiscale.datasets[0];
        let mut raw = Vec::new();
        for (d, axis) in axes.iter().enumerate() {
            let scale = base.scale.as_ref().map(|s| s[d]);
            match (axis.space_index(), units[d], scale) {
                (Some(s), Some(unit), Some(scale)) => {
                    self.meta.voxel_size_um[s] = Sourced::file(scale * unit);
                    if let Some(translation) = &base.translation {
                        self.meta.origin_um[s] = Sourced::file(translation[d] * unit);
                    }
                }
                (Some(_), None, Some(scale)) => {
                    let unit = multiscale.axes.as_ref().map_or("", |a| a[d].unit.as_str());
                    raw.push(format!(
                        "{axis} {scale} {}",
                        if unit.is_empty() { "(no unit)" } else { unit }
                    ));
                }
                (None, Some(unit), Some(scale)) if *axis == Axis::T => {
                    self.meta.frame_interval_s = Some(scale * unit);
                }
                _ => {}
            }
        }
        let name = &self.meta.name;
        if !raw.is_empty() {
            let what = format!("{name}: scale without a known unit of length: {}", raw.join(", "));
            problems.push(Problem::warning("unit-unknown", what));
        }
        self.factors_from_scales(multiscale, axes, problems);
    }

    /// A level's factor is its scale over that of level 0, if it agrees with the shapes.
    fn factors_from_scales(
        &mut self,
        multiscale: &Multiscale,
        axes: &[Axis],
        problems: &mut Vec<Problem>,
    ) {
        let Some(base) = &multiscale.datasets[0].scale else { return };
        for (n, dataset) in multiscale.datasets.iter().enumerate().skip(1) {
            let Some(scale) = &dataset.scale else { continue };
            for (d, axis) in axes.iter().enumerate() {
                let Some(s) = axis.space_index() else { continue };
                let factor = scale[d] / base[d];
                let (full, here) = (self.levels[0].shape[s + 2], self.levels[n].shape[s + 2]);
                // Writers round lengths down, up, or to nearest.
                let fits = (full as f64 / factor - here as f64).abs() < 1.0 + 1e-9 * full as f64;
                if fits && factor.is_finite() {
                    self.levels[n].factors[s] = factor;
                } else {
                    let what = format!(
                        "{}: level {n} has {here} of {full} voxels along {axis}, its scale says a factor of {factor}",
                        self.meta.name
                    );
                    problems.push(Problem::warning("levels-inconsistent", what));
                }
            }
        }
    }

    /// The image as seen by whoever reads it.
    pub fn meta_mut(&mut self) -> &mut ImageMeta {
        &mut self.meta
    }
}

impl ImageSource for ZarrImage {
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
    ) -> std::result::Result<ReadStatus, SourceError> {
        let stored = self.stored.get(level).ok_or_else(|| {
            let path = self.stored[0].array.root.clone();
            Error::NotThere {
                path,
                what: format!("level {level}; there are {}", self.stored.len()),
            }
        })?;
        let filled = Mutex::new(BTreeSet::new());
        let how = Reading {
            cache: self.cache.as_deref(),
            source: self.source,
            level: level as u32,
            rescued: self.rescue.then_some(&filled),
        };
        stored.read(region, how, out)?;
        let filled = filled.into_inner().unwrap_or_else(PoisonError::into_inner);
        if filled.is_empty() {
            Ok(ReadStatus::Complete)
        } else {
            Ok(ReadStatus::MissingFilled(filled.into_iter().collect()))
        }
    }
}

impl AxesGiven {
    fn parse(root: &Path, how: &OpenOptions) -> Result<AxesGiven> {
        let Some(text) = &how.axes else { return Ok(AxesGiven(None)) };
        let letters: Option<Vec<_>> = text.chars().map(Axis::from_letter).collect();
        let unique = |l: &[Axis]| l.iter().enumerate().all(|(i, a)| !l[..i].contains(a));
        match letters.filter(|l| unique(l)) {
            Some(letters) => Ok(AxesGiven(Some(letters))),
            None => Err(Error::metadata(
                root,
                format!("axes `{text}` are not letters of `tczyx`, each at most once"),
            )),
        }
    }

    fn fitting(&self, array: &ZarrArray) -> Result<Option<Vec<Axis>>> {
        match &self.0 {
            Some(letters) if letters.len() != array.shape.len() => Err(Error::metadata(
                &array.root,
                format!("{} axes were given for {} dimensions", letters.len(), array.shape.len()),
            )),
            given => Ok(given.clone()),
        }
    }
}

/// The axes that dimension names spell, if they do.
fn named(array: &ZarrArray) -> Option<Vec<Axis>> {
    let names = array.dimension_names.as_ref().filter(|n| n.len() == array.shape.len())?;
    let letter = |name: &String| match name.as_str() {
        "time" => Some(Axis::T),
        "channel" => Some(Axis::C),
        name => name.chars().next().filter(|_| name.len() == 1).and_then(Axis::from_letter),
    };
    let axes: Vec<_> = names.iter().map(letter).collect::<Option<_>>()?;
    axes.iter().enumerate().all(|(i, a)| !axes[..i].contains(a)).then_some(axes)
}

fn assumed(array: &ZarrArray, problems: &mut Vec<Problem>) -> Result<Vec<Axis>> {
    let dimensions = array.shape.len();
    let axes = Axes::assumed(dimensions).ok_or_else(|| {
        let what = format!("an array of {dimensions} dimensions");
        Error::unsupported(&array.root, what, "images have 2 to 5 dimensions")
    })?;
    let name = if array.node.is_empty() { "the array" } else { &array.node };
    let what = format!("{name}: axes have no names; taken as {axes}");
    problems.push(Problem::warning("axes-assumed", what));
    Ok(axes.iter().collect())
}

fn ratio(full: u64, part: u64) -> f64 {
    if part == 0 { 1.0 } else { (full as f64 / part as f64).round().max(1.0) }
}
