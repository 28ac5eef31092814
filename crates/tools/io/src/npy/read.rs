//! Regions of an array.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::{
    Dataset, ImageMeta, ImageSource, Level, Origin, Pixels, Problem, ReadStatus, Region, Sourced,
};

use super::{Header, sidecar};
use crate::blobs::peers::magmap_meta;
use crate::image_entry::ImageEntry;
use crate::stored_axes::StoredAxes;
use crate::strided::{RawSample, StridedFile, dense_strides};
use crate::{Error, OpenOptions, Result};

/// An opened NPY file: one image.
pub struct NpyDataset {
    images: [Arc<dyn ImageSource>; 1],
    problems: Vec<Problem>,
}

pub(super) struct NpyImage {
    raw: StridedFile,
    pub(super) meta: ImageMeta,
    levels: [Level; 1],
}

/// Opens an NPY file.
///
/// Only the header is read. `bool` is read as u8 and `float16` as f32, and both are reported. A
/// sidecar (see [`sidecar`]) adds names, sizes, places and channels where its shape and type agree.
///
/// # Errors
/// See [`Header::read`]; [`Error::Truncated`] when the file is shorter than its header says;
/// [`Error::MetadataInvalid`] when the axes do not fit or there is no voxel.
pub fn open(path: &Path, how: &OpenOptions) -> Result<NpyDataset> {
    let axes = how.axes.as_deref();
    let mut file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let header = Header::read(path, &mut file)?;
    let found = file.metadata().map_err(|e| Error::io(path, "inspect", e))?.len();
    check_size(path, &header, found)?;

    let mut problems = Vec::new();
    let beside = read_sidecar(path, &header, axes.is_some(), &mut problems);
    let names = beside.as_ref().map(|entry| entry.axes.to_string());
    let names = names.or_else(|| magmap_axes(path, header.shape.len()));
    let (stored, from) = StoredAxes::resolve(path, header.shape.len(), axes, names.as_deref())?;

    let name = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let mut image = NpyImage::new(path, file, &header, 0, name, &stored, from, &mut problems);
    match beside {
        Some(entry) => entry.describe(&mut image.meta),
        None => describe_by_notes(path, &mut image.meta, &mut problems),
    }
    Ok(NpyDataset { images: [Arc::new(image)], problems })
}

/// The axes of MagellanMapper's images, `NAME_image5d.npy`: channels stand last.
fn magmap_axes(path: &Path, dimensions: usize) -> Option<String> {
    let is_magmap = path.file_name()?.to_str()?.ends_with("_image5d.npy");
    let axes = match dimensions {
        4 => "tzyx",
        5 => "tzyxc",
        _ => return None,
    };
    is_magmap.then(|| axes.to_owned())
}

/// Takes the voxel size from MagellanMapper's notes beside an image.
fn describe_by_notes(path: &Path, meta: &mut ImageMeta, problems: &mut Vec<Problem>) {
    let Some(notes) = magmap_meta::beside(path) else { return };
    match magmap_meta::read_meta(&notes) {
        Ok(notes) => {
            if let Some(size) = notes.resolutions.first() {
                meta.voxel_size_um = size.map(Sourced::file);
            }
        }
        Err(error) => problems.push(Problem::warning("notes-unread", error.to_string())),
    }
}

impl NpyImage {
    /// An array that begins at byte `begin` of a file; what a user should know goes to `problems`.
    pub(super) fn new(
        path: &Path,
        file: File,
        header: &Header,
        begin: u64,
        name: String,
        stored: &StoredAxes,
        from: Origin,
        problems: &mut Vec<Problem>,
    ) -> NpyImage {
        let strides = stored_strides(header).expect("the size was checked");
        let shape = stored.spread(&header.shape, 1);
        let mut meta = ImageMeta::new(name, stored.axes(), shape, header.sample.dtype());
        meta.axes_from = from;
        meta.stored_dtype = header.sample.name().to_owned();
        match header.sample {
            RawSample::Bool => meta.significant_bits = 1,
            RawSample::Half => meta.significant_bits = 16,
            RawSample::Native(_) => {}
        }
        if meta.stored_dtype != meta.dtype.name() {
            let text = format!("{} is read as {}, exactly", meta.stored_dtype, meta.dtype);
            problems.push(Problem::warning("dtype-widened", text));
        }
        if from == Origin::Assumed {
            let text = format!("the file does not name its dimensions; {} is assumed", meta.axes);
            problems.push(Problem::warning("axes-assumed", text));
        }
        let level = Level {
            shape,
            factors: [1.0; 3],
            chunk: [1, 1, 1, shape[3], shape[4]],
            shard: None,
            codec: "none".to_owned(),
        };
        let raw = StridedFile {
            file: Arc::new(file),
            path: path.to_owned(),
            offset: begin + header.data_offset,
            sample: header.sample,
            big_endian: header.big_endian,
            shape,
            strides: stored.spread(&strides, 0),
        };
        NpyImage { raw, meta, levels: [level] }
    }
}

/// Refuses arrays without voxels and files shorter than their header says.
pub(super) fn check_size(path: &Path, header: &Header, found: u64) -> Result<()> {
    if header.shape.contains(&0) {
        return Err(Error::metadata(path, format!("shape {:?} has no voxel", header.shape)));
    }
    let samples = header.shape.iter().try_fold(1u64, |n, s| n.checked_mul(*s));
    let expected = samples
        .and_then(|n| n.checked_mul(header.sample.size()))
        .and_then(|bytes| bytes.checked_add(header.data_offset));
    match expected {
        Some(expected) if expected <= found => Ok(()),
        _ => Err(Error::Truncated {
            path: path.to_owned(),
            what: format!("an array of {:?} {}", header.shape, header.sample.name()),
            expected: expected.unwrap_or(u64::MAX),
            found,
        }),
    }
}

/// Samples from one index to the next of each stored dimension.
fn stored_strides(header: &Header) -> Option<Vec<u64>> {
    if !header.fortran_order {
        return dense_strides(&header.shape);
    }
    let reversed: Vec<u64> = header.shape.iter().rev().copied().collect();
    dense_strides(&reversed).map(|s| s.into_iter().rev().collect())
}

/// What the sidecar says, if there is one and it is about this array.
fn read_sidecar(
    path: &Path,
    header: &Header,
    axes_given: bool,
    problems: &mut Vec<Problem>,
) -> Option<ImageEntry> {
    let beside = sidecar(path);
    let text = std::fs::read(&beside).ok()?;
    let name = beside.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut ignored = |why: String| {
        problems.push(Problem::warning("metadata-invalid", format!("{name} is ignored: {why}")));
    };
    let entry: ImageEntry = match serde_json::from_slice(&text) {
        Ok(entry) => entry,
        Err(error) => {
            ignored(error.to_string());
            return None;
        }
    };
    if !entry.agrees(header.sample.dtype(), &header.shape) {
        ignored(format!("it describes {:?} {}", entry.shape, entry.dtype));
        return None;
    }
    // Other axes than the sidecar's make its sizes those of other axes.
    (!axes_given).then_some(entry)
}

impl Dataset for NpyDataset {
    fn format(&self) -> &'static str {
        "npy"
    }
    fn images(&self) -> &[Arc<dyn ImageSource>] {
        &self.images
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl ImageSource for NpyImage {
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
            let what = format!("level {level}; an NPY file has one");
            return Err(Error::NotThere { path: self.raw.path.clone(), what }.into());
        }
        self.raw.read(region, out)?;
        Ok(ReadStatus::Complete)
    }
}
