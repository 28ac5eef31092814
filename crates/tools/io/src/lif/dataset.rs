//! A file and its images, one per mosaic tile.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::meta::PlaneIndex;
use hooke_core::{Axes, Axis, Dataset, ImageMeta, ImageSource, Level, Problem, Region, Sourced};
use serde_json::json;

use super::container::{Block, Container};
use super::description::{Described, Description, TILE};
use super::image::LifImage;
use super::layout::{Layout, Refused, invalid, runs};
use crate::positional::{FileBytes, ReadAt};
use crate::strided::{RawSample, StridedFile};
use crate::{Error, OpenOptions, Result, units};

/// An opened LIF file.
pub struct LifDataset {
    images: Vec<Arc<dyn ImageSource>>,
    problems: Vec<Problem>,
    version: Option<String>,
}

/// Opens a LIF file: one image per element that holds one, and one per tile of a mosaic.
///
/// Only metadata is read. Names are those of the collections around an image and its own, joined by
/// `/`. A tile lies where the file notes it, turned as the file says the stage lies to the image.
/// Steps along the emission spectrum are channels; rotations, loops and excitation steps make images
/// of their own. A file that ends too early is reported as `truncated`; what is left is read.
///
/// # Errors
/// [`Error::Unsupported`] for LIFEXT and LOF; [`Error::Truncated`] when even the XML is cut;
/// [`Error::Corrupt`] and [`Error::MetadataInvalid`] when nothing of the file makes an image.
pub fn open(path: &Path, how: &OpenOptions) -> Result<LifDataset> {
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let bytes =
        file.try_clone().and_then(FileBytes::new).map_err(|e| Error::io(path, "inspect", e))?;
    let container = Container::read(path, &bytes)?;
    let description = Description::parse(&container.xml)
        .map_err(|why| Error::metadata(path, format!("the XML: {why}")))?;
    let mut opening = Opening {
        path: path.to_owned(),
        file: Arc::new(file),
        available: bytes.size(),
        rescue: how.rescue,
        images: Vec::new(),
        problems: Vec::new(),
    };
    if let Some(expected) = container.cut {
        let found = bytes.size();
        let text = format!("the file needs {expected} bytes or more and has {found}");
        opening.problems.push(Problem::warning("truncated", text));
    }
    for described in &description.images {
        if let Err((code, why)) = opening.add(described, &container) {
            let text = format!("`{}` is left out: {why}", described.name);
            opening.problems.push(Problem::warning(code, text));
        }
    }
    let Opening { mut images, problems, .. } = opening;
    let Some(first) = images.first_mut() else {
        return Err(match (problems.into_iter().next(), container.cut) {
            (_, Some(expected)) => {
                let (what, found) = ("its images".to_owned(), bytes.size());
                Error::Truncated { path: path.to_owned(), what, expected, found }
            }
            (Some(problem), None) => Error::metadata(path, problem.message),
            (None, None) => Error::NotThere { path: path.to_owned(), what: "image".to_owned() },
        });
    };
    first.meta.vendor = Some(json!({ "xml": container.xml }));
    let images = images.into_iter().map(|i| Arc::new(i) as Arc<dyn ImageSource>).collect();
    Ok(LifDataset { images, problems, version: description.version })
}

struct Opening {
    path: PathBuf,
    file: Arc<File>,
    available: u64,
    rescue: bool,
    images: Vec<LifImage>,
    problems: Vec<Problem>,
}

impl Opening {
    fn add(&mut self, described: &Described, container: &Container) -> Result<(), Refused> {
        let block = match container.blocks.get(&described.block) {
            Some(block) if block.size > 0 => *block,
            Some(_) => return Err(("missing-planes", "its block has no pixels".to_owned())),
            None if container.cut.is_some() => {
                return Err(("truncated", "its pixels are behind the end of the file".to_owned()));
            }
            None => return Err(invalid(format!("there is no block `{}`", described.block))),
        };
        let layout = Layout::of(described, block)?;
        let count: u64 = layout.others.iter().map(|d| d.count).product();
        let base = self.describe(described, &layout);
        for number in 0..count {
            let mut meta = base.clone();
            let tile = self.place(described, &layout, number, &mut meta);
            meta.name = name_of(described, &layout, number, tile);
            let image = self.image(&layout, block, number, meta);
            self.images.push(image);
        }
        Ok(())
    }

    /// All but the name and the place.
    fn describe(&mut self, described: &Described, layout: &Layout<'_>) -> ImageMeta {
        let shape = layout.shape;
        let long = |axis: &Axis| axis.index() >= 3 || shape[axis.index()] > 1;
        let axes: Vec<Axis> =
            [Axis::T, Axis::C, Axis::Z, Axis::Y, Axis::X].into_iter().filter(long).collect();
        let mut meta = ImageMeta::new("", Axes::of(&axes), shape, layout.dtype);
        meta.significant_bits = layout.bits;
        meta.channels = layout.channels();
        for (d, (dimension, name)) in layout.space.iter().zip(["z", "y", "x"]).enumerate() {
            let Some(dimension) = dimension.filter(|n| n.count > 1) else { continue };
            let Some(um) = dimension.micrometres() else {
                let text = format!(
                    "`{}`: {name} is given in `{}`, no known unit of length",
                    described.name, dimension.unit
                );
                self.problems.push(Problem::warning("unit-unknown", text));
                continue;
            };
            let Some(step) = dimension.spacing() else { continue };
            if step < 0.0 && d == 0 {
                let text = format!(
                    "`{}`: z falls from plane to plane; its step is given without the sign",
                    described.name
                );
                self.problems.push(Problem::warning("metadata-invalid", text));
            }
            meta.voxel_size_um[d] = Sourced::file(step.abs() * um);
        }
        if layout.space[2].is_some() && meta.voxel_size_um[2].value.is_none() {
            let text = format!("`{}` has no pixel size; give it with --voxel-size", described.name);
            self.problems.push(Problem::warning("voxel-size-missing", text));
        }
        times(described, layout, &mut meta);
        meta
    }

    /// Fills in where an image lies; its tile's number, if it is one of several.
    fn place(
        &mut self,
        described: &Described,
        layout: &Layout<'_>,
        number: u64,
        meta: &mut ImageMeta,
    ) -> Option<u64> {
        let origin = |d: usize| {
            let dimension = layout.space[d]?;
            Some(dimension.origin * dimension.micrometres()?)
        };
        let tiles = layout.others.iter().find(|d| d.id == TILE);
        let tile = tiles.map(|_| layout.index(number, TILE));
        let noted = described.tiles.len() as u64 == tiles.map_or(1, |d| d.count);
        let at = described.tiles.get(tile.unwrap_or(0) as usize).filter(|_| noted);
        let deep = meta.shape[2] > 1;
        for d in 0..3 {
            let of_tile = at.and_then(|t| t.zyx_um[d]).filter(|_| d > 0 || !deep);
            // Without its tile's place nobody knows where an image of a mosaic lies.
            let own = if d > 0 && tile.is_some() { None } else { origin(d) };
            meta.origin_um[d] = of_tile.or(own).map_or_else(Sourced::unknown, Sourced::file);
        }
        if number == 0 && tile.is_some() && !noted {
            let text = format!(
                "`{}` has {} tiles and notes the places of {}",
                described.name,
                tiles.map_or(1, |d| d.count),
                described.tiles.len()
            );
            self.problems.push(Problem::warning("metadata-invalid", text));
        }
        if number == 0 && noted && described.turned {
            let text = format!(
                "`{}`: the stage's axes are turned or reversed as the file says it",
                described.name
            );
            self.problems.push(Problem::warning("stage-sign-assumed", text));
        }
        tile
    }

    fn image(
        &mut self,
        layout: &Layout<'_>,
        block: Block,
        number: u64,
        meta: ImageMeta,
    ) -> LifImage {
        let size = layout.dtype.size() as u64;
        let begin = block.start
            + layout.others.iter().map(|d| layout.index(number, d.id) * d.step).sum::<u64>();
        let part = |(first, count, offset, step): (u64, u64, u64, u64)| {
            let mut shape = layout.shape;
            shape[1] = count;
            let [t, _, z, y, x] = layout.steps;
            let raw = StridedFile {
                file: Arc::clone(&self.file),
                path: self.path.clone(),
                offset: begin + offset,
                sample: RawSample::Native(layout.dtype),
                big_endian: false,
                shape,
                strides: [t, step, z, y, x].map(|s| s / size),
            };
            (first, raw)
        };
        let level = Level {
            shape: layout.shape,
            factors: [1.0; 3],
            chunk: [1, 1, 1, layout.shape[3], layout.shape[4]],
            shard: None,
            codec: "none".to_owned(),
        };
        let mut image = LifImage {
            path: self.path.clone(),
            levels: [level],
            parts: runs(&layout.offsets).into_iter().map(part).collect(),
            available: self.available,
            rescue: self.rescue,
            meta,
        };
        image.meta.missing = cut_planes(&image);
        image
    }
}

/// Planes that lie behind the end of the file, wholly or in part.
fn cut_planes(image: &LifImage) -> Vec<PlaneIndex> {
    let shape = image.meta.shape;
    let mut missing = Vec::new();
    for (first, part) in &image.parts {
        if image.end(part, &Region::whole(part.shape)) <= image.available {
            continue;
        }
        for plane in hooke_core::region::grid([shape[0], part.shape[1], shape[2], 1, 1], [1; 5]) {
            let whole = Region::new(plane.start, [1, 1, 1, shape[3], shape[4]]);
            if image.end(part, &whole) > image.available {
                let [t, c, z, _, _] = plane.start;
                missing.push(PlaneIndex { t, c: first + c, z });
            }
        }
    }
    missing.sort_unstable();
    missing
}

fn name_of(described: &Described, layout: &Layout<'_>, number: u64, tile: Option<u64>) -> String {
    let mut name = described.name.clone();
    for dimension in layout.others.iter().filter(|d| d.id != TILE) {
        let word = match dimension.id {
            6 => "rotation",
            9 => "excitation",
            11 => "loop",
            _ => "step",
        };
        name += &format!(" {word} {}", layout.index(number, dimension.id));
    }
    if let Some(tile) = tile {
        name += &format!(" tile {tile}");
    }
    name
}

/// Interval and times of the frames.
fn times(described: &Described, layout: &Layout<'_>, meta: &mut ImageMeta) {
    let Some(dimension) = layout.time.filter(|d| d.count > 1) else { return };
    let seconds = units::seconds(&dimension.unit);
    let planned = dimension.spacing().zip(seconds).map(|(step, unit)| step * unit);
    meta.frame_interval_s = planned.filter(|s| *s > 0.0);
    let (noted, frames) = (described.times_s.len() as u64, dimension.count);
    let slowest = layout.steps.iter().chain(&layout.offsets).all(|s| *s <= dimension.step);
    // One time per plane; those of the first planes are the frames'.
    if noted == 0 || noted % frames != 0 || !slowest || !layout.others.is_empty() {
        return;
    }
    let planes = (noted / frames) as usize;
    let times: Vec<f64> = described.times_s.iter().step_by(planes).copied().collect();
    if times.windows(2).all(|w| w[0] < w[1]) {
        let whole = times.last().copied().unwrap_or_default() - times[0];
        meta.frame_interval_s = meta.frame_interval_s.or(Some(whole / (frames - 1) as f64));
        meta.frame_times_s = Some(times);
    }
}

impl Dataset for LifDataset {
    fn format(&self) -> &'static str {
        "lif"
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
