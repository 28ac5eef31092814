//! The folder as a data set of one image.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hooke_core::image::SourceError;
use hooke_core::meta::PlaneIndex;
use hooke_core::{
    Axes, Axis, Channel, Dataset, ImageMeta, ImageSource, Level, Origin, Pixels, Problem,
    ReadStatus, Region, Sourced, region,
};

use super::places::{Places, STACKED};
use crate::chunked::planes;
use crate::natural::natural_order;
use crate::open::Probe;
use crate::strided::no_region;
use crate::{Error, OpenOptions, Result};

/// Suffixes of the files that are taken for planes.
const SUFFIXES: [&str; 7] = [".tif", ".tiff", ".png", ".jp2", ".j2k", ".j2c", ".jph"];
/// Files that are kept open.
const OPEN: usize = 64;
/// Files that a message names.
const NAMED: usize = 5;

/// An opened folder of pictures: one image.
pub struct FolderDataset {
    images: [Arc<dyn ImageSource>; 1],
    problems: Vec<Problem>,
}

struct FolderImage {
    /// The folder, or the expression that names the files.
    path: PathBuf,
    /// What the names count from.
    folder: PathBuf,
    names: Vec<String>,
    places: Places,
    /// Lengths of the part of one file over `t, c, z, y, x`.
    part: [u64; 5],
    how: OpenOptions,
    meta: ImageMeta,
    levels: [Level; 1],
    open: Mutex<HashMap<usize, Arc<dyn ImageSource>>>,
}

/// Whether a folder holds files that are taken for planes.
pub fn recognises(probe: &Probe) -> bool {
    let Some(list) = probe.is_folder.then(|| std::fs::read_dir(&probe.path).ok()).flatten() else {
        return false;
    };
    list.flatten().any(|entry| entry.file_name().to_str().is_some_and(is_plane))
}

fn is_plane(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !name.starts_with('.') && SUFFIXES.iter().any(|s| lower.ends_with(s))
}

/// Opens a folder of TIFF, PNG and JPEG 2000 files as one stack.
///
/// Files come in natural order along z, or along [`OpenOptions::along`]; names as Hooke writes them
/// (`cells_t0_c1_z17.tif`) say the place themselves. Only the first file is opened; the others are
/// compared with it when they are read.
///
/// # Errors
/// [`Error::Unsupported`] when a file holds several images, or is a stack along the axis that files
/// are stacked along by default; else what the first file answers.
pub fn open(path: &Path, how: &OpenOptions) -> Result<FolderDataset> {
    let names = list(path)?;
    let stems: Vec<&str> =
        names.iter().map(|n| n.rsplit_once('.').map_or(n.as_str(), |(s, _)| s)).collect();
    let named = if how.along.is_none() { Places::by_name(&stems) } else { None };
    stack(path, path, &names, how, |found| {
        let single = |p: &Places| p.along.iter().all(|a| found.shape[a.index()] == 1);
        if let Some(places) = named.filter(single) {
            return Ok(places);
        }
        let along = how.along.unwrap_or(Axis::Z);
        let deep = found.shape[along.index()];
        if how.along.is_none() && deep > 1 {
            let what = format!("a folder of files that are stacks of {deep} planes themselves");
            let hint = "say what the files are with --along t, --along c or --along z";
            return Err(Error::unsupported(path, what, hint));
        }
        if !STACKED.contains(&along) {
            let what = format!("files that follow each other along {along}");
            return Err(Error::unsupported(path, what, "write --along t, c or z"));
        }
        Ok(Places::in_order(names.len(), along))
    })
}

/// The files as one image; `place` says where each of them belongs, given what the first one is.
pub(super) fn stack(
    path: &Path,
    folder: &Path,
    names: &[String],
    how: &OpenOptions,
    place: impl FnOnce(&ImageMeta) -> Result<Places>,
) -> Result<FolderDataset> {
    let inner = OpenOptions { along: None, ..how.clone() };
    let mut problems = Vec::new();
    let first = open_plane(&folder.join(&names[0]), &inner, &mut problems)?;
    let found = first.meta();
    let places = place(found)?;
    let part = found.shape;
    let mut shape = part;
    for (count, axis) in places.counts.iter().zip(STACKED) {
        shape[axis.index()] *= count;
    }
    let kept: Vec<Axis> = found.axes.iter().chain(places.along.iter().copied()).collect();
    let name = path.file_name().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let mut meta = ImageMeta { name, axes: Axes::of(&kept), shape, ..found.clone() };
    describe(&mut meta, &places, names);
    if !meta.missing.is_empty() {
        let n = places.files.iter().filter(|f| f.is_none()).count();
        let what = format!("{n} of {} files are not there; their planes are 0", places.files.len());
        problems.push(Problem::warning("missing-planes", what));
    }
    let level = Level { shape, ..first.levels()[0].clone() };
    let image = FolderImage {
        path: path.to_owned(),
        folder: folder.to_owned(),
        names: names.to_vec(),
        places,
        part,
        how: inner,
        meta,
        levels: [level],
        open: Mutex::new(HashMap::from([(0, first)])),
    };
    Ok(FolderDataset { images: [Arc::new(image)], problems })
}

/// What only the whole stack can know, or no longer knows.
fn describe(meta: &mut ImageMeta, places: &Places, names: &[String]) {
    meta.dataset = None;
    meta.vendor = None;
    meta.frame_times_s = None;
    meta.missing = Vec::new();
    for axis in &places.along {
        match axis {
            Axis::C => {
                meta.channels = channels(meta.shape[1], places, names);
            }
            Axis::Z => {
                meta.voxel_size_um[0] = Sourced::unknown();
                meta.origin_um[0] = Sourced::unknown();
            }
            _ => meta.frame_interval_s = None,
        }
    }
    if meta.axes_from == Origin::Assumed {
        meta.axes_from = Origin::File;
    }
    let counts = places.counts;
    let deep: [u64; 3] = std::array::from_fn(|d| meta.shape[d] / counts[d]);
    for index in region::grid([counts[0], counts[1], counts[2], 1, 1], [1; 5]) {
        let [t, c, z, ..] = index.start;
        if places.files[places.place([t, c, z])].is_none() {
            let start = [t * deep[0], c * deep[1], z * deep[2], 0, 0];
            let lost = Region::new(start, [deep[0], deep[1], deep[2], 1, 1]);
            meta.missing.extend(planes(&lost));
        }
    }
}

/// Channels by the values of a tag, or called as their files where a file is a channel.
fn channels(count: u64, places: &Places, names: &[String]) -> Vec<Channel> {
    let stem =
        |name: &String| Path::new(name).file_stem().map(|s| s.to_string_lossy().into_owned());
    let called = match &places.channel_names {
        Some(names) => names.iter().cloned().map(Some).collect(),
        None if places.along.len() == 1 => names.iter().map(stem).collect(),
        None => Vec::new(),
    };
    if called.len() as u64 != count {
        return Vec::new();
    }
    called.into_iter().map(|name| Channel { name, ..Channel::default() }).collect()
}

/// Names of the planes, in natural order.
fn list(folder: &Path) -> Result<Vec<String>> {
    let fail = |e| Error::io(folder, "list", e);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name().into_string().unwrap_or_default();
        if is_plane(&name) {
            names.push(name);
        }
    }
    names.sort_by(|a, b| natural_order(a, b));
    if names.is_empty() {
        let what = format!("files that end in {}", SUFFIXES.join(", "));
        return Err(Error::NotThere { path: folder.to_owned(), what });
    }
    Ok(names)
}

/// The only image of a file.
fn open_plane(
    path: &Path,
    how: &OpenOptions,
    problems: &mut Vec<Problem>,
) -> Result<Arc<dyn ImageSource>> {
    let opened = crate::open(path, how)?;
    if let [image] = opened.images() {
        problems.extend(opened.problems().iter().cloned());
        return Ok(Arc::clone(image));
    }
    let what = format!("{} images in one file of a folder of pictures", opened.images().len());
    Err(Error::unsupported(path, what, "open the file itself, with --image N"))
}

impl FolderImage {
    /// The image of a file, opened now or before.
    fn file(&self, number: usize) -> Result<Arc<dyn ImageSource>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(image) = open.get(&number) {
            return Ok(Arc::clone(image));
        }
        drop(open);
        let path = self.folder.join(&self.names[number]);
        let image = open_plane(&path, &self.how, &mut Vec::new())?;
        if !self.fits(image.as_ref()) {
            return Err(self.odd_ones());
        }
        open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Files are read one after the other: which one goes does not matter.
        if open.len() >= OPEN {
            open.clear();
        }
        open.insert(number, Arc::clone(&image));
        Ok(image)
    }

    fn fits(&self, image: &dyn ImageSource) -> bool {
        image.meta().shape == self.part && image.meta().dtype == self.meta.dtype
    }

    /// One error that names all files that differ from the first one.
    fn odd_ones(&self) -> Error {
        let mut odd = Vec::new();
        for name in &self.names {
            match open_plane(&self.folder.join(name), &self.how, &mut Vec::new()) {
                Ok(image) if self.fits(image.as_ref()) => {}
                Ok(image) => odd.push(format!("{name} is {}", show(image.meta()))),
                Err(error) => odd.push(error.to_string()),
            }
        }
        let more = match odd.len().saturating_sub(NAMED) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let first = ImageMeta { shape: self.part, ..self.meta.clone() };
        odd.truncate(NAMED);
        let (name, first, odd) = (&self.names[0], show(&first), odd.join("; "));
        let what = format!("files of different shapes: {name} is {first}, but {odd}{more}");
        Error::unsupported(&self.path, what, "take the odd ones out of the folder")
    }

    /// Reads what one file has of a region; the planes that are not as stored.
    fn read_file(
        &self,
        index: [u64; 3],
        wanted: &Region,
        out: &mut Pixels,
    ) -> Result<Vec<PlaneIndex>, SourceError> {
        let start: [u64; 5] =
            std::array::from_fn(|d| if d < 3 { index[d] * self.part[d] } else { 0 });
        let Some(common) = wanted.intersect(&Region::new(start, self.part)) else {
            return Ok(Vec::new());
        };
        let mut pixels = Pixels::zeros(self.meta.dtype, [0; 5]);
        let status = match self.places.files[self.places.place(index)] {
            Some(number) => self.file(number)?.read(0, &common.relative_to(start), &mut pixels)?,
            None => {
                pixels = Pixels::zeros(self.meta.dtype, common.shape);
                ReadStatus::MissingFilled(Vec::new())
            }
        };
        let to = common.relative_to(wanted.start).start;
        out.copy_box(to, &pixels, &Region::whole(common.shape));
        Ok(match status {
            ReadStatus::Complete => Vec::new(),
            ReadStatus::MissingFilled(_) => planes(&common).collect(),
        })
    }
}

fn show(meta: &ImageMeta) -> String {
    let lengths: Vec<String> = meta.shape.iter().map(u64::to_string).collect();
    format!("{} {} (t, c, z, y, x)", meta.dtype, lengths.join(" x "))
}

impl Dataset for FolderDataset {
    fn format(&self) -> &'static str {
        "image-folder"
    }
    fn images(&self) -> &[Arc<dyn ImageSource>] {
        &self.images
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl ImageSource for FolderImage {
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
        if level != 0 || !region.fits(self.meta.shape) {
            return Err(no_region(&self.path, region, self.meta.shape).into());
        }
        out.reset(self.meta.dtype, region.shape);
        if region.is_empty() {
            return Ok(ReadStatus::Complete);
        }
        let first: [u64; 5] = std::array::from_fn(|d| region.start[d] / self.part[d]);
        let last: [u64; 5] =
            std::array::from_fn(|d| (region.start[d] + region.shape[d] - 1) / self.part[d]);
        let span = std::array::from_fn(|d| last[d] - first[d] + 1);
        let mut missing = Vec::new();
        for at in region::grid(span, [1; 5]) {
            let index = std::array::from_fn(|d| first[d] + at.start[d]);
            missing.extend(self.read_file(index, region, out)?);
        }
        Ok(ReadStatus::of(missing))
    }
}
