//! A file and its images, one per scene and mosaic tile.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use hooke_core::{Axes, Axis, Dataset, ImageMeta, ImageSource, Level, Problem, Sourced};
use serde_json::json;

use super::codec::{Packing, PixelType};
use super::image::{CziFile, CziImage, Part};
use super::metadata::Metadata;
use super::segments::{FileHeader, SubBlock};
use crate::packed::PackedCache;
use crate::positional::{FileBytes, ReadAt};
use crate::{Error, OpenOptions, Result};

/// Longer edges and more planes than this are a lie.
const LONGEST: u64 = 1 << 31;
/// Zstd makes of constant pixels about this much less.
const MOST_PACKED: u64 = 1 << 15;

/// An opened CZI file.
pub struct CziDataset {
    images: Vec<Arc<dyn ImageSource>>,
    problems: Vec<Problem>,
    version: String,
}

/// Opens a CZI file: one image per scene and mosaic tile, at the place where the tile lies.
///
/// Only metadata is read. Every other dimension that tells images apart (view, phase, illumination,
/// rotation, block) makes images of its own too. Blue, green and red become the channels red, green,
/// blue. Stored pyramids are not used: level 0 alone is read.
///
/// # Errors
/// [`Error::Unsupported`] for JPEG, JPEG XR and other packings and for files of several parts;
/// [`Error::Corrupt`] and [`Error::MetadataInvalid`] when the directory contradicts itself.
pub fn open(path: &Path, how: &OpenOptions) -> Result<CziDataset> {
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let bytes = FileBytes::new(file).map_err(|e| Error::io(path, "inspect", e))?;
    let header = FileHeader::read(path, &bytes)?;
    let mut problems = Vec::new();
    let xml = header.xml(path, &bytes)?;
    let metadata = xml.as_deref().map(Metadata::parse).unwrap_or_else(|| Ok(Metadata::default()));
    let metadata = metadata.unwrap_or_else(|why| {
        problems.push(Problem::warning("metadata-invalid", format!("the XML metadata: {why}")));
        Metadata::default()
    });
    if metadata.voxel_um[1].is_none() {
        let text = "the file has no pixel size; give it with --voxel-size";
        problems.push(Problem::warning("voxel-size-missing", text));
    }
    let mut groups: BTreeMap<Vec<(char, i64)>, Vec<SubBlock>> = BTreeMap::new();
    for block in header.directory(path, &bytes)?.into_iter().filter(SubBlock::is_full) {
        groups.entry(identity(&block)).or_default().push(block);
    }
    if groups.is_empty() {
        return Err(Error::metadata(path, "the directory names no pixels"));
    }
    let file = Arc::new(CziFile {
        path: path.to_owned(),
        bytes,
        rescue: how.rescue,
        unpacked: PackedCache::new(how.cache.clone()),
    });
    let several = groups.len() > 1;
    let mut images: Vec<Arc<dyn ImageSource>> = Vec::new();
    for (identity, blocks) in groups {
        let mut image = image(&file, blocks, &metadata)?;
        image.meta.name = name(path, &identity, several);
        if images.is_empty() {
            image.meta.vendor = xml.as_ref().map(|xml| json!({ "xml": xml }));
        }
        if !image.meta.missing.is_empty() {
            let text = format!(
                "{}: {} planes are not in the file",
                image.meta.name,
                image.meta.missing.len()
            );
            problems.push(Problem::warning("missing-planes", text));
        }
        images.push(Arc::new(image));
    }
    let [major, minor] = header.version;
    Ok(CziDataset { images, problems, version: format!("{major}.{minor}") })
}

/// What tells the image of a sub-block from others.
fn identity(block: &SubBlock) -> Vec<(char, i64)> {
    let others = block.dimensions.iter().filter(|d| !"XYZCT".contains(d.name));
    let mut identity: Vec<(char, i64)> = others.map(|d| (d.name, d.start)).collect();
    // Scenes first, tiles last.
    identity.sort_unstable_by_key(|(name, _)| (*name != 'S', *name == 'M', *name));
    identity
}

fn name(path: &Path, identity: &[(char, i64)], several: bool) -> String {
    let mut name = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    for (dimension, number) in identity.iter().filter(|_| several) {
        let word = match dimension {
            'S' => "scene",
            'M' => "tile",
            'V' => "view",
            'H' => "phase",
            'I' => "illumination",
            'R' => "rotation",
            _ => "block",
        };
        name += &format!(" {word} {number}");
    }
    name
}

/// First index and length along one dimension; 0 and 1 where no sub-block has it.
fn extent(path: &Path, blocks: &[SubBlock], name: char) -> Result<(i64, u64)> {
    let found = || blocks.iter().filter_map(|b| b.get(name));
    let first = found().map(|d| d.start).min().unwrap_or(0);
    let end = found().map(|d| d.start + d.size as i64).max().unwrap_or(1);
    let length = (end - first) as u64;
    if length > LONGEST {
        return Err(Error::metadata(path, format!("{length} voxels along {name}")));
    }
    Ok((first, length))
}

fn image(file: &Arc<CziFile>, blocks: Vec<SubBlock>, metadata: &Metadata) -> Result<CziImage> {
    let path = &file.path;
    let extents = ['T', 'C', 'Z', 'Y', 'X'].map(|name| extent(path, &blocks, name));
    let [t, c, z, y, x] = extents;
    let extents = [t?, c?, z?, y?, x?];
    let pixel = PixelType::read(path, blocks[0].pixel_type)?;
    let packing = Packing::read(path, blocks[0].compression)?;
    let mut shape = extents.map(|(_, length)| length);
    let planes = shape[0].checked_mul(shape[1]).and_then(|n| n.checked_mul(shape[2]));
    // Nobody writes a sub-block for one plane in a thousand.
    if planes.is_none_or(|n| n > 1024 * blocks.len() as u64 + 1024) {
        let what = format!("{} sub-blocks for shape {shape:?}", blocks.len());
        return Err(Error::metadata(path, what));
    }
    let mut parts: BTreeMap<[u64; 3], Vec<Part>> = BTreeMap::new();
    for block in &blocks {
        let same = PixelType::read(path, block.pixel_type)? == pixel;
        let at =
            |i: usize, name: char| (block.get(name).map_or(0, |d| d.start) - extents[i].0) as u64;
        let long = |name: char| block.get(name).map_or(1, |d| d.size);
        if !same || ["T", "C", "Z"].iter().any(|n| long(n.as_bytes()[0].into()) != 1) {
            let what = "sub-blocks of several planes or of several pixel types in one image";
            return Err(Error::unsupported(path, what, "save it anew from ZEN"));
        }
        let part = Part {
            place: block.place,
            head: block.head_bytes(),
            packing: Packing::read(path, block.compression)?,
            start: [at(3, 'Y'), at(4, 'X')],
            shape: [long('Y'), long('X')],
        };
        let bytes = part.shape[0].saturating_mul(part.shape[1]).saturating_mul(pixel.bytes());
        let most = if part.packing == Packing::None { 1 } else { MOST_PACKED };
        if bytes > file.bytes.size().saturating_mul(most) {
            let what =
                format!("a sub-block claims {bytes} bytes of pixels, more than the file can hold");
            return Err(Error::corrupt(path, what));
        }
        parts.entry([at(0, 'T'), at(1, 'C'), at(2, 'Z')]).or_default().push(part);
    }
    shape[1] *= pixel.samples;
    let meta = describe(shape, pixel, &extents, metadata, &parts);
    let chunk = blocks[0].get('Y').map_or(1, |d| d.size);
    let level = Level {
        shape,
        factors: [1.0; 3],
        chunk: [1, pixel.samples, 1, chunk, blocks[0].get('X').map_or(1, |d| d.size)],
        shard: None,
        codec: packing.name().to_owned(),
    };
    Ok(CziImage { file: Arc::clone(file), meta, pixel, parts, levels: [level] })
}

fn describe(
    shape: [u64; 5],
    pixel: PixelType,
    extents: &[(i64, u64); 5],
    metadata: &Metadata,
    parts: &BTreeMap<[u64; 3], Vec<Part>>,
) -> ImageMeta {
    let all = [Axis::T, Axis::C, Axis::Z, Axis::Y, Axis::X];
    let axes: Vec<Axis> =
        all.into_iter().filter(|a| a.index() >= 3 || shape[a.index()] > 1).collect();
    let mut meta = ImageMeta::new("", Axes::of(&axes), shape, pixel.dtype);
    for d in 0..3 {
        let Some(um) = metadata.voxel_um[d] else { continue };
        if d > 0 || shape[2] > 1 {
            meta.voxel_size_um[d] = Sourced::file(um);
        }
        meta.origin_um[d] = Sourced::file(extents[d + 2].0 as f64 * um);
    }
    meta.frame_interval_s = metadata.interval_s.filter(|_| shape[0] > 1);
    if let Some(bits) = metadata.significant_bits.filter(|n| *n <= 8 * pixel.dtype.size() as u32) {
        meta.significant_bits = bits;
    }
    if pixel.samples == 1 && metadata.channels.len() as u64 == shape[1] {
        meta.channels.clone_from(&metadata.channels);
    }
    let planes = (0..shape[0]).flat_map(|t| (0..shape[1]).map(move |c| (t, c)));
    meta.missing = planes
        .flat_map(|(t, c)| (0..shape[2]).map(move |z| hooke_core::meta::PlaneIndex { t, c, z }))
        .filter(|p| !parts.contains_key(&[p.t, p.c / pixel.samples, p.z]))
        .collect();
    meta
}

impl Dataset for CziDataset {
    fn format(&self) -> &'static str {
        "czi"
    }
    fn format_version(&self) -> Option<String> {
        Some(self.version.clone())
    }
    fn images(&self) -> &[Arc<dyn ImageSource>] {
        &self.images
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}
