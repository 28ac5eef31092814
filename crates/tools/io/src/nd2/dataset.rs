//! A file and its images, one per stage position.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use hooke_core::meta::PlaneIndex;
use hooke_core::{Axes, Axis, Dataset, ImageMeta, ImageSource, Level, Origin, Problem, Sourced};
use serde_json::{Value, json};

use super::OLD_MAGIC;
use super::chunk_map::{ChunkMap, read};
use super::experiment::{FrameIndex, Loop, LoopKind, Position, loops};
use super::image::{Nd2File, Nd2Image};
use super::node::Node;
use super::picture::{Attributes, StageTurn, channels, pixel_um, stage};
use super::{clx, xml};
use crate::packed::PackedCache;
use crate::positional::{FileBytes, ReadAt};
use crate::{Error, OpenOptions, Result};

/// So many frames may be absent; more are a lie about their number.
const MOST_MISSING: u64 = 10_000_000;

/// An opened ND2 file.
pub struct Nd2Dataset {
    images: Vec<Arc<dyn ImageSource>>,
    problems: Vec<Problem>,
    version: Option<String>,
}

/// Opens an ND2 file, version 2 or 3: one image per stage position.
///
/// Only metadata is read. A file without its map of chunks (an acquisition that did not end
/// properly) is searched for frames and reported as `index-missing`. The origin of an image is where
/// the stage stood, turned to the image's axes by the camera's matrix, or with x reversed and the
/// warning `stage-sign-assumed` where there is no such matrix; along z it is the depth of the first
/// plane.
///
/// # Errors
/// [`Error::Unsupported`] for lossy compression and for the JPEG 2000 generation of the format;
/// [`Error::Corrupt`] and [`Error::MetadataInvalid`] when the metadata contradicts itself.
pub fn open(path: &Path, how: &OpenOptions) -> Result<Nd2Dataset> {
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let bytes = FileBytes::new(file).map_err(|e| Error::io(path, "inspect", e))?;
    refuse_old(path, &bytes)?;
    let map = ChunkMap::read(path, &bytes)?;
    let metadata = Metadata::read(path, &bytes, &map)?;
    metadata.attributes.check_size(path, bytes.size(), !map.frames.is_empty())?;
    let mut problems = Vec::new();
    if map.searched {
        let text = "the file has no map of its chunks: the acquisition did not end properly; its frames were searched for";
        problems.push(Problem::warning("index-missing", text));
    }
    let mut loops = metadata.experiment.as_ref().map(loops).unwrap_or_default();
    let stored = map.frames.len() as u64;
    let declared = metadata.attributes.frames.filter(|n| *n > 0).unwrap_or(stored);
    fit_to_frames(&mut loops, declared, &mut problems);
    let index = FrameIndex::new(&loops).filter(|i| i.frames() <= stored + MOST_MISSING);
    let index = index.ok_or_else(|| {
        Error::metadata(
            path,
            format!("more frames are declared than the {stored} of the file allow"),
        )
    })?;
    count_frames(&map, &index, &mut problems);
    let file = Arc::new(Nd2File {
        path: path.to_owned(),
        bytes,
        map,
        attributes: metadata.attributes.clone(),
        index,
        rescue: how.rescue,
        unpacked: PackedCache::new(how.cache.clone()),
    });
    let images = images(&file, &metadata, &loops, &mut problems);
    Ok(Nd2Dataset { images, problems, version: metadata.version })
}

fn refuse_old(path: &Path, file: &FileBytes) -> Result<()> {
    let mut head = [0; 8];
    if file.size() >= 8 {
        read(path, file, &mut head, 0)?;
    }
    if head == *OLD_MAGIC {
        let hint = "open it in NIS-Elements or Fiji and save it as TIFF";
        return Err(Error::unsupported(path, "ND2 of the JPEG 2000 generation", hint));
    }
    Ok(())
}

struct Metadata {
    version: Option<String>,
    attributes: Attributes,
    experiment: Option<Node>,
    picture: Option<Node>,
    calibration: Option<Node>,
    text: Option<Node>,
    /// Of each frame, in ms; empty where unknown.
    times_ms: Vec<f64>,
}

impl Metadata {
    fn read(path: &Path, file: &FileBytes, map: &ChunkMap) -> Result<Metadata> {
        let tree = |names: [&str; 2]| -> Result<Option<Node>> {
            let Some(data) = map.metadata(path, file, &names)? else { return Ok(None) };
            let wrong = |what: String| Error::metadata(path, format!("{}: {what}", names[0]));
            let xml = data.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<');
            let node = if xml {
                let text = String::from_utf8_lossy(&data);
                xml::parse(text.trim_end_matches('\0')).map_err(wrong)?
            } else {
                clx::parse(&data).map_err(wrong)?
            };
            // All values stand in one list of the kind's name.
            Ok(Some(match node {
                Node::List(mut list) if list.len() == 1 => list.remove(0).1,
                other => other,
            }))
        };
        let attributes = tree(["ImageAttributesLV", "ImageAttributes"])?;
        let attributes = attributes.ok_or_else(|| Error::corrupt(path, "no image attributes"))?;
        let times = map.metadata(path, file, &["CustomData|AcqTimesCache"])?.unwrap_or_default();
        Ok(Metadata {
            version: version(path, file)?,
            attributes: Attributes::read(path, &attributes)?,
            experiment: tree(["ImageMetadataLV", "ImageMetadata"])?,
            picture: tree(["ImageMetadataSeqLV|0", "ImageMetadataSeq|0"])?,
            calibration: tree(["ImageCalibrationLV|0", "ImageCalibration|0"])?,
            text: tree(["ImageTextInfoLV", "ImageTextInfo"])?,
            times_ms: times.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        })
    }

    fn to_json(&self) -> Value {
        let tree = |node: &Option<Node>| node.as_ref().map(Node::to_json);
        json!({
            "experiment": tree(&self.experiment),
            "picture": tree(&self.picture),
            "calibration": tree(&self.calibration),
            "text": tree(&self.text),
        })
    }
}

/// `Ver3.0` behind the signature reads as `3.0`.
fn version(path: &Path, file: &FileBytes) -> Result<Option<String>> {
    const PLACE: u64 = 48;
    let mut text = [0; 8];
    if file.size() < PLACE + 8 {
        return Ok(None);
    }
    read(path, file, &mut text, PLACE)?;
    let text = text.strip_prefix(b"Ver").unwrap_or_default();
    let end = text.iter().position(|b| !(b.is_ascii_digit() || *b == b'.')).unwrap_or(text.len());
    Ok((end > 0).then(|| String::from_utf8_lossy(&text[..end]).into_owned()))
}

/// Makes the loops agree with the number of frames that were acquired: a time-lapse that was ended
/// early has fewer than were planned.
fn fit_to_frames(loops: &mut Vec<Loop>, declared: u64, problems: &mut Vec<Problem>) {
    let planned = loops.iter().try_fold(1u64, |n, l| n.checked_mul(l.count));
    if planned == Some(declared) {
        return;
    }
    if loops.is_empty() {
        if declared > 1 {
            let text =
                format!("the file does not say what its {declared} frames are; time is assumed");
            problems.push(Problem::warning("axes-assumed", text));
        }
        loops.push(Loop { kind: LoopKind::Time { interval_s: None }, count: declared.max(1) });
        return;
    }
    let inner = loops[1..].iter().try_fold(1u64, |n, l| n.checked_mul(l.count));
    let outer = &mut loops[0];
    if let (LoopKind::Time { .. }, Some(inner)) = (&outer.kind, inner)
        && planned.is_none_or(|p| p > declared)
        && declared > 0
    {
        let text =
            format!("{} time points were planned, {declared} frames were acquired", outer.count);
        problems.push(Problem::warning("missing-planes", text));
        outer.count = declared.div_ceil(inner);
    }
}

fn count_frames(map: &ChunkMap, index: &FrameIndex, problems: &mut Vec<Problem>) {
    let declared = index.frames();
    let stored = map.frames.range(..declared).count() as u64;
    let extra = map.frames.len() as u64 - stored;
    if stored < declared {
        let text = format!("{} of {declared} frames are not in the file", declared - stored);
        problems.push(Problem::warning("missing-planes", text));
    }
    if extra > 0 {
        let text = format!("{extra} frames beyond the {declared} declared ones are ignored");
        problems.push(Problem::warning("extra-frames", text));
    }
}

fn images(
    file: &Arc<Nd2File>,
    metadata: &Metadata,
    loops: &[Loop],
    problems: &mut Vec<Problem>,
) -> Vec<Arc<dyn ImageSource>> {
    let picture = metadata.picture.as_ref();
    let pixel = pixel_um(picture, metadata.calibration.as_ref());
    if pixel.is_none() {
        let text = "the file has no pixel size; give it with --voxel-size";
        problems.push(Problem::warning("voxel-size-missing", text));
    }
    let turn = StageTurn::read(picture);
    let points: &[Position] = loops
        .iter()
        .find_map(|l| match &l.kind {
            LoopKind::Position(points) => Some(points.as_slice()),
            _ => None,
        })
        .unwrap_or_default();
    let stood = picture.and_then(stage);
    if turn.assumed && (stood.is_some() || !points.is_empty()) {
        let text = "no camera matrix says how the stage lies to the image; x is taken as reversed";
        problems.push(Problem::warning("stage-sign-assumed", text));
    }
    let image = |position: u64| -> Arc<dyn ImageSource> {
        let mut meta = describe(file, metadata, loops, position);
        for axis in 3..5 {
            meta.voxel_size_um[axis - 2] = pixel.map_or_else(Sourced::unknown, Sourced::file);
        }
        let point = points.get(position as usize).copied();
        // The noted depth is that of the first position; a position's own comes first.
        let at = point.or(stood.map(|[x, y, z]| Position { x, y, z })).map(|mut p| {
            if p.z == 0.0 {
                p.z = stood.map_or(0.0, |s| s[2]);
            }
            p
        });
        if let Some(at) = at {
            let [x, y] = turn.image(at.x, at.y);
            let from = if turn.assumed { Sourced::assumed } else { Sourced::file };
            meta.origin_um = [Sourced::file(first_plane(loops, at.z)), from(y), from(x)];
            let raw = json!({"x": at.x, "y": at.y, "z": first_plane(loops, at.z)});
            let mut vendor = if position == 0 { metadata.to_json() } else { json!({}) };
            vendor["stage_um"] = raw;
            meta.vendor = Some(vendor);
        }
        let a = &file.attributes;
        let level = Level {
            shape: meta.shape,
            factors: [1.0; 3],
            chunk: [1, a.components, 1, a.height, a.width],
            shard: None,
            codec: if a.packed { "zlib" } else { "none" }.to_owned(),
        };
        Arc::new(Nd2Image { file: Arc::clone(file), position, meta, levels: [level] })
    };
    (0..file.index.lengths[1]).map(image).collect()
}

/// Depth of the first plane: the stage's was noted at the plane it started from.
fn first_plane(loops: &[Loop], noted: f64) -> f64 {
    let stack = loops.iter().find_map(|l| match l.kind {
        LoopKind::Depth { step_um: Some(step), home } => Some(noted - home * step),
        _ => None,
    });
    stack.unwrap_or(noted)
}

/// All but the pixel size and the place.
fn describe(file: &Nd2File, metadata: &Metadata, loops: &[Loop], position: u64) -> ImageMeta {
    let (a, [times, positions, depth]) = (&file.attributes, file.index.lengths);
    let shape = [times, a.components, depth, a.height, a.width];
    let longer = |axis: Axis| axis.index() >= 3 || shape[axis.index()] > 1;
    let axes: Vec<Axis> =
        [Axis::T, Axis::C, Axis::Z, Axis::Y, Axis::X].into_iter().filter(|a| longer(*a)).collect();
    let stem = file.path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let name = if positions > 1 { format!("{stem} position {position}") } else { stem };
    let mut meta = ImageMeta::new(name, Axes::of(&axes), shape, a.dtype);
    meta.axes_from = if metadata.experiment.is_some() || file.index.frames() == 1 {
        Origin::File
    } else {
        Origin::Assumed
    };
    meta.significant_bits = a.significant_bits;
    if let Some(picture) = &metadata.picture {
        meta.channels = channels(picture, a.components);
    }
    for one in loops {
        match one.kind {
            LoopKind::Depth { step_um: Some(step), .. } if depth > 1 => {
                meta.voxel_size_um[0] = Sourced::file(step);
            }
            LoopKind::Time { interval_s } if times > 1 && meta.frame_interval_s.is_none() => {
                meta.frame_interval_s = interval_s;
            }
            _ => {}
        }
    }
    let frame = |t: u64| file.index.frame([t, position, 0]) as usize;
    let noted: Option<Vec<f64>> =
        (0..times).map(|t| metadata.times_ms.get(frame(t)).map(|ms| ms / 1000.0)).collect();
    let rising = |s: &Vec<f64>| s.windows(2).all(|w| w[0] < w[1]);
    meta.frame_times_s = noted.filter(|s| times > 1 && rising(s));
    let planes = (0..times).flat_map(|t| (0..depth).map(move |z| (t, z)));
    let absent = planes
        .filter(|(t, z)| !file.map.frames.contains_key(&file.index.frame([*t, position, *z])));
    meta.missing =
        absent.flat_map(|(t, z)| (0..a.components).map(move |c| PlaneIndex { t, c, z })).collect();
    meta
}

impl Dataset for Nd2Dataset {
    fn format(&self) -> &'static str {
        "nd2"
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
