//! A file and its image with all levels.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::meta::PlaneIndex;
use hooke_core::{
    Axes, Axis, Dataset, ImageMeta, ImageSource, Level, Pixels, Problem, ReadStatus, Region,
    Sourced,
};

use super::metadata::Metadata;
use crate::chunk_cache::{ChunkCache, ChunkKey};
use crate::hdf5::{Array, Attribute, Handles, Reading};
use crate::stored_axes::StoredAxes;
use crate::strided::no_region;
use crate::{Error, OpenOptions, Result};

/// More frames times channels are damage.
const MOST_STACKS: u64 = 1 << 20;
/// So many planes may be absent; more are a lie about their number.
const MOST_MISSING: u64 = 10_000_000;

/// An opened Imaris file: one image.
pub struct ImarisDataset {
    images: [Arc<dyn ImageSource>; 1],
    problems: Vec<Problem>,
}

/// Where a stack belongs, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    level: u64,
    t: u64,
    c: u64,
}

impl Place {
    /// Of `DataSet/ResolutionLevel 0/TimePoint 0/Channel 0/Data`.
    pub fn of(path: &str) -> Option<Place> {
        let mut parts = path.trim_start_matches('/').strip_prefix("DataSet/")?.split('/');
        let mut number = |name: &str| parts.next()?.strip_prefix(name)?.parse().ok();
        let (level, t, c) =
            (number("ResolutionLevel ")?, number("TimePoint ")?, number("Channel ")?);
        (parts.next() == Some("Data") && parts.next().is_none()).then_some(Place { level, t, c })
    }

    fn group(self) -> String {
        format!("DataSet/ResolutionLevel {}/TimePoint {}/Channel {}", self.level, self.t, self.c)
    }
}

struct ImarisImage {
    path: PathBuf,
    handles: Arc<Handles>,
    meta: ImageMeta,
    levels: Vec<Level>,
    /// The first stack of each level; the others are like it.
    arrays: Vec<Array>,
    stacks: BTreeSet<Place>,
    rescue: bool,
    cache: Option<Arc<ChunkCache>>,
    /// Names in the cache, channel by channel of each frame.
    sources: Vec<u64>,
}

/// Opens an Imaris file: one image with all its levels.
///
/// Only metadata is read. Stacks are stored in whole chunks and are cut to the size that is noted
/// beside them. The borders of the volume give voxel size and place.
///
/// # Errors
/// [`Error::NotThere`] when there is no stack of numbers; [`Error::Corrupt`] and
/// [`Error::MetadataInvalid`] when sizes contradict each other.
pub fn open(path: &Path, how: &OpenOptions) -> Result<ImarisDataset> {
    let handles = Arc::new(Handles::open(path)?);
    let names = handles.run("the catalogue", |file| Ok(file.dataset_names()))?;
    let stacks: BTreeSet<Place> = names.iter().filter_map(|n| Place::of(n)).collect();
    let end = |of: fn(&Place) -> u64| {
        stacks.iter().filter(|p| p.level == 0).map(of).max().and_then(|n| n.checked_add(1))
    };
    let (Some(frames), Some(channels)) = (end(|p| p.t), end(|p| p.c)) else {
        let what = "stack `DataSet/ResolutionLevel 0/TimePoint 0/Channel 0/Data`".to_owned();
        return Err(Error::NotThere { path: path.to_owned(), what });
    };
    if frames.checked_mul(channels).is_none_or(|n| n > MOST_STACKS) {
        let what = format!("{frames} time points of {channels} channels");
        return Err(Error::metadata(path, what));
    }
    let mut problems = Vec::new();
    let metadata = Metadata::read(&handles, channels, frames);
    let (arrays, sizes) = levels(&handles, &stacks, &metadata, &mut problems)?;
    let shape = [frames, channels, sizes[0][0], sizes[0][1], sizes[0][2]];
    let present = stacks.iter().filter(|p| p.level == 0).count() as u64;
    if (frames * channels - present).saturating_mul(shape[2]) > MOST_MISSING {
        let what = format!("{frames} time points of {channels} channels in {present} stacks");
        return Err(Error::metadata(path, what));
    }
    let meta = describe(path, shape, &arrays[0], metadata, &stacks, &mut problems);
    let level = |(array, size): (&Array, &[u64; 3])| {
        let chunk = array.chunk.as_deref().unwrap_or(&array.lengths);
        Level {
            shape: [frames, channels, size[0], size[1], size[2]],
            factors: std::array::from_fn(|d| factor(sizes[0][d], size[d])),
            chunk: [1, 1, chunk[0], chunk[1], chunk[2]],
            shard: None,
            codec: array.codec.clone(),
        }
    };
    let image = ImarisImage {
        path: path.to_owned(),
        levels: arrays.iter().zip(&sizes).map(level).collect(),
        handles,
        meta,
        arrays,
        stacks,
        rescue: how.rescue,
        cache: how.cache.clone(),
        sources: (0..frames * channels).map(|_| ChunkCache::new_source()).collect(),
    };
    Ok(ImarisDataset { images: [Arc::new(image)], problems })
}

/// How many voxels became one: powers of two where the sizes allow it.
fn factor(whole: u64, reduced: u64) -> f64 {
    let ratio = whole as f64 / reduced as f64;
    let power = 2f64.powf(ratio.log2().round());
    let fits = [(whole as f64 / power).floor(), (whole as f64 / power).ceil()];
    if fits.contains(&(reduced as f64)) { power } else { ratio }
}

/// The first stack of each level and the voxels it has over `z, y, x`; levels end where one is not
/// as it should be.
fn levels(
    handles: &Handles,
    stacks: &BTreeSet<Place>,
    metadata: &Metadata,
    problems: &mut Vec<Problem>,
) -> Result<(Vec<Array>, Vec<[u64; 3]>)> {
    let mut firsts: BTreeMap<u64, Place> = BTreeMap::new();
    for place in stacks {
        firsts.entry(place.level).or_insert(*place);
    }
    let (mut arrays, mut sizes): (Vec<Array>, Vec<[u64; 3]>) = (Vec::new(), Vec::new());
    for (level, place) in (0u64..).map_while(|l| firsts.get(&l).map(|p| (l, *p))) {
        match level_of(handles, place, metadata, arrays.first()) {
            Ok((array, size)) => {
                arrays.push(array);
                sizes.push(size);
            }
            Err(error) if level == 0 => return Err(error),
            Err(error) => {
                let text = format!("level {level} and those above are left out: {error}");
                problems.push(Problem::warning("levels-inconsistent", text));
                break;
            }
        }
    }
    Ok((arrays, sizes))
}

fn level_of(
    handles: &Handles,
    place: Place,
    metadata: &Metadata,
    whole: Option<&Array>,
) -> Result<(Array, [u64; 3])> {
    let path = handles.path();
    let group = place.group();
    let array = Array::describe(handles, &format!("{group}/Data"))?
        .filter(|a| a.lengths.len() == 3 && a.chunk.as_ref().is_none_or(|c| c.len() == 3))
        .filter(|a| whole.is_none_or(|w| w.sample == a.sample));
    let array = array.ok_or_else(|| {
        Error::metadata(path, format!("`/{group}/Data` is not a stack of the image's numbers"))
    })?;
    let texts = Attribute::texts_of_group(handles, &group);
    let noted = |name: &str| {
        let text = texts.iter().find(|(n, _)| n == name).map(|(_, text)| text.trim());
        text.and_then(|t| t.parse::<u64>().ok())
    };
    let own = ["ImageSizeZ", "ImageSizeY", "ImageSizeX"].map(noted);
    let mut size = [0; 3];
    for d in 0..3 {
        let of_image = metadata.size[d].filter(|_| place.level == 0);
        size[d] = own[d].or(of_image).unwrap_or(array.lengths[d]);
        if size[d] == 0 || size[d] > array.lengths[d] {
            let what = format!(
                "`/{group}` has {} of the {} planes, rows or columns it notes",
                array.lengths[d], size[d]
            );
            return Err(Error::metadata(path, what));
        }
    }
    Ok((array, size))
}

fn describe(
    path: &Path,
    shape: [u64; 5],
    array: &Array,
    metadata: Metadata,
    stacks: &BTreeSet<Place>,
    problems: &mut Vec<Problem>,
) -> ImageMeta {
    let long = |axis: &Axis| axis.index() >= 3 || shape[axis.index()] > 1;
    let axes: Vec<Axis> =
        [Axis::T, Axis::C, Axis::Z, Axis::Y, Axis::X].into_iter().filter(long).collect();
    let stem = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let mut meta = ImageMeta::new(stem, Axes::of(&axes), shape, array.dtype());
    meta.stored_dtype = array.stored_dtype();
    meta.significant_bits = array.significant_bits;
    match metadata.micrometres() {
        Some(um) => {
            for d in 0..3 {
                let Some([low, high]) = metadata.extent[d] else { continue };
                let size = (high - low) / shape[d + 2] as f64;
                if size > 0.0 {
                    meta.voxel_size_um[d] = Sourced::file(size * um);
                    // The borders of the volume are those of its outer voxels.
                    meta.origin_um[d] = Sourced::file((low + size / 2.0) * um);
                }
            }
        }
        None => {
            let unit = metadata.unit.as_deref().unwrap_or_default();
            let text =
                format!("the volume's borders are given in `{unit}`, no known unit of length");
            problems.push(Problem::warning("unit-unknown", text));
        }
    }
    if meta.voxel_size_um[2].value.is_none() {
        let text = "the file has no pixel size; give it with --voxel-size";
        problems.push(Problem::warning("voxel-size-missing", text));
    }
    if shape[0] > 1 && metadata.times_s.len() as u64 == shape[0] {
        let mean = metadata.times_s[metadata.times_s.len() - 1] / (shape[0] - 1) as f64;
        // Times are written in milliseconds.
        let even = metadata.times_s.windows(2).all(|w| (w[1] - w[0] - mean).abs() <= 0.0015);
        meta.frame_interval_s = even.then_some(mean);
        meta.frame_times_s = Some(metadata.times_s);
    }
    if metadata.channels.iter().any(|c| *c != hooke_core::Channel::default()) {
        meta.channels = metadata.channels;
    }
    meta.vendor = Some(metadata.vendor.into());
    let places = (0..shape[0]).flat_map(|t| (0..shape[1]).map(move |c| Place { level: 0, t, c }));
    let absent: Vec<Place> = places.filter(|p| !stacks.contains(p)).collect();
    if !absent.is_empty() {
        let text = format!("{} stacks are not in the file", absent.len());
        problems.push(Problem::warning("missing-planes", text));
    }
    let planes = |p: Place| (0..shape[2]).map(move |z| PlaneIndex { t: p.t, c: p.c, z });
    meta.missing = absent.into_iter().flat_map(planes).collect();
    meta
}

impl Dataset for ImarisDataset {
    fn format(&self) -> &'static str {
        "imaris"
    }
    fn images(&self) -> &[Arc<dyn ImageSource>] {
        &self.images
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl ImageSource for ImarisImage {
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
        if !self.levels.get(level).is_some_and(|l| region.fits(l.shape)) {
            return Err(no_region(&self.path, region, self.meta.shape).into());
        }
        let [t, c, ..] = region.start;
        if region.shape[..2] == [1, 1] && self.stacks.contains(&Place { level: level as u64, t, c })
        {
            match self.read_stack(level, [t, c], region, out) {
                Ok(()) => return Ok(ReadStatus::Complete),
                // Filled below.
                Err(error) if self.may_miss(level, t, c, &error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        out.reset(self.meta.dtype, region.shape);
        let mut missing = Vec::new();
        let mut stack = Pixels::zeros(self.meta.dtype, [0; 5]);
        for part in hooke_core::region::grid([region.shape[0], region.shape[1], 1, 1, 1], [1; 5]) {
            let [t, c] = [region.start[0] + part.start[0], region.start[1] + part.start[1]];
            match self.read_stack(level, [t, c], region, &mut stack) {
                Ok(()) => {}
                Err(error) if self.may_miss(level, t, c, &error) => {
                    let [_, _, nz, ny, nx] = region.shape;
                    stack = Pixels::zeros(self.meta.dtype, [1, 1, nz, ny, nx]);
                    let z = region.start[2];
                    missing.extend((z..z + nz).map(|z| PlaneIndex { t, c, z }));
                }
                Err(error) => return Err(error.into()),
            }
            out.copy_box(part.start, &stack, &Region::whole(stack.shape()));
        }
        Ok(ReadStatus::of(missing))
    }
}

impl ImarisImage {
    /// Whether a stack that could not be read is filled: one that is absent, or damaged and to be
    /// rescued.
    fn may_miss(&self, level: usize, t: u64, c: u64, error: &Error) -> bool {
        let there = self.stacks.contains(&Place { level: level as u64, t, c });
        !there || self.rescue && error.is_damage()
    }

    /// Reads the voxels of a region that belong to one frame and channel.
    fn read_stack(
        &self,
        level: usize,
        [t, c]: [u64; 2],
        region: &Region,
        out: &mut Pixels,
    ) -> Result<()> {
        let place = Place { level: level as u64, t, c };
        let name = format!("{}/Data", place.group());
        if !self.stacks.contains(&place) {
            let what = format!("dataset `/{name}`");
            return Err(Error::NotThere { path: self.path.clone(), what });
        }
        let array = Array { name, ..self.arrays[level].clone() };
        let ([_, _, z, y, x], [_, _, nz, ny, nx]) = (region.start, region.shape);
        let source = self.sources[(t * self.meta.shape[1] + c) as usize];
        let key = ChunkKey { source, level: level as u32, chunk: 0 };
        let reading = Reading {
            handles: &self.handles,
            axes: &StoredAxes::parse("zyx").expect("three letters"),
            cache: self.cache.as_deref().map(|cache| (cache, key)),
        };
        array.read(&reading, &Region::new([0, 0, z, y, x], [1, 1, nz, ny, nx]), out)
    }
}
