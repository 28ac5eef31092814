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
use super::describe::OURS;
use super::level::{Reading, StoredLevel};
use super::ngff::{self, Multiscale, NgffAxis};
use crate::chunk_cache::ChunkCache;
use crate::error::{Error, Result};
use crate::kept::Kept;
use crate::open::OpenOptions;
use crate::stored_axes::StoredAxes;

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
        let names = named(&array);
        let (axes, from) = axes_of(&array, names.as_deref(), how, problems)?;
        let node = array.node.clone();
        let level = StoredLevel::new(array, axes.order());
        let mut image = ZarrImage::new(vec![level], axes.axes(), from, name, how, problems);
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
        let letters: Option<String> =
            multiscale.axes.as_ref().map(|l| l.iter().map(|a| a.axis.letter()).collect());
        let (axes, from) = axes_of(&first, letters.as_deref(), how, problems)?;
        let order = axes.order();
        let dtype = first.stored();
        let mut stored = vec![StoredLevel::new(first, order)];
        for dataset in &multiscale.datasets[1..] {
            let array = ZarrArray::open(root, &child(&dataset.path))?;
            if array.shape.len() != order.len() || array.stored() != dtype {
                let what = format!("level `{}` has another type or other dimensions", dataset.path);
                return Err(Error::metadata(root, what));
            }
            stored.push(StoredLevel::new(array, order));
        }
        let name = multiscale.name.as_deref().filter(|n| !n.is_empty()).unwrap_or(name);
        let mut image = ZarrImage::new(stored, axes.axes(), from, name, how, problems);
        image.meta.dataset = (!node.is_empty()).then(|| node.to_owned());
        image.meta.labels = ngff::ome(attributes).contains_key("image-label");
        let channels = ngff::channels(attributes);
        if channels.len() as u64 == image.meta.shape[Axis::C.index()] {
            image.meta.channels = channels;
        }
        image.meta.vendor = Some(Value::Object(attributes.clone()));
        image.place(multiscale, order, problems);
        if let Some(ours) = attributes.get(OURS).and_then(Value::as_object) {
            Kept::apply(ours, &mut image.meta);
        }
        Ok(image)
    }

    fn new(
        stored: Vec<StoredLevel>,
        axes: Axes,
        from: Origin,
        name: &str,
        how: &OpenOptions,
        problems: &mut Vec<Problem>,
    ) -> ZarrImage {
        let array = &stored[0].array;
        let sample = array.stored();
        let mut meta = ImageMeta::new(name, axes, stored[0].shape, sample.dtype());
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

/// The letters that dimension names spell, if they do.
fn named(array: &ZarrArray) -> Option<String> {
    let letter = |name: &String| match name.as_str() {
        "time" => Some('t'),
        "channel" => Some('c'),
        name => name.chars().next().filter(|_| name.len() == 1),
    };
    let names = array.dimension_names.as_ref().filter(|n| n.len() == array.shape.len())?;
    let letters: String = names.iter().map(letter).collect::<Option<_>>()?;
    StoredAxes::parse(&letters).map(|_| letters)
}

/// The axes of an array and where they come from; assumed ones are a problem to be told.
fn axes_of(
    array: &ZarrArray,
    file: Option<&str>,
    how: &OpenOptions,
    problems: &mut Vec<Problem>,
) -> Result<(StoredAxes, Origin)> {
    let (axes, from) =
        StoredAxes::resolve(&array.root, array.shape.len(), how.axes.as_deref(), file)?;
    if from == Origin::Assumed {
        let name = if array.node.is_empty() { "the array" } else { &array.node };
        let what = format!("{name}: axes have no names; taken as {}", axes.axes());
        problems.push(Problem::warning("axes-assumed", what));
    }
    Ok((axes, from))
}

fn ratio(full: u64, part: u64) -> f64 {
    if part == 0 { 1.0 } else { (full as f64 / part as f64).round().max(1.0) }
}
