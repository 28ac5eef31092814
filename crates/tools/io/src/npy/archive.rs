//! The arrays of an NPZ file.

use std::fs::{File, OpenOptions as FileOptions};
use std::io::{BufReader, Read, copy};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hooke_core::image::SourceError;
use hooke_core::{
    Dataset, Dtype, ImageMeta, ImageSource, Level, Origin, Pixels, Problem, ReadStatus, Region,
    Sourced,
};
use zip::{CompressionMethod, ZipArchive};

use super::header::{Header, read_text};
use super::read::{NpyImage, check_size};
use crate::open::Probe;
use crate::stored_axes::StoredAxes;
use crate::strided::RawSample;
use crate::{Error, OpenOptions, Result};

/// An opened NPZ file: an image per array of two dimensions or more, in the order of the archive.
pub struct NpzDataset {
    images: Vec<Arc<dyn ImageSource>>,
    problems: Vec<Problem>,
}

/// The array that `axes` and `voxel_size_um` of the same archive describe.
pub(super) const IMAGE: &str = "image";
/// Bytes of the longest of these two that is read.
const LONGEST_TEXT: u64 = 4096;

/// Whether a file is a ZIP archive of numpy's arrays.
pub fn recognises_npz(probe: &Probe) -> bool {
    let name = |head: &[u8]| -> Option<bool> {
        let length = u16::from_le_bytes(head.get(26..28)?.try_into().ok()?) as usize;
        Some(head.get(30..30 + length)?.ends_with(b".npy"))
    };
    probe.begins_with(b"PK\x03\x04") && name(&probe.head).unwrap_or(false)
}

/// Opens an NPZ file. Only headers are read; a compressed array is unpacked to a temporary file
/// without a name when it is first read.
///
/// # Errors
/// [`Error::Corrupt`] for a damaged archive; [`Error::NotThere`] when the array that was asked for,
/// or any image, is not there; see also [`super::open`].
pub fn open_npz(path: &Path, how: &OpenOptions) -> Result<NpzDataset> {
    let archive = open_archive(path)?;
    let mut opened = NpzDataset { images: Vec::new(), problems: Vec::new() };
    for index in 0..archive.len() {
        opened.add(path, index, how)?;
    }
    if opened.images.is_empty() {
        let what = match &how.dataset {
            Some(name) => format!("array `{name}`"),
            None => "array of numbers with 2 to 5 dimensions".to_owned(),
        };
        return Err(Error::NotThere { path: path.to_owned(), what });
    }
    Ok(opened)
}

fn open_archive(path: &Path) -> Result<ZipArchive<BufReader<File>>> {
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    ZipArchive::new(BufReader::new(file)).map_err(|e| bad(path, &e))
}

fn bad(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::corrupt(path, format!("NPZ archive: {error}"))
}

impl NpzDataset {
    fn add(&mut self, path: &Path, index: usize, how: &OpenOptions) -> Result<()> {
        let mut archive = open_archive(path)?;
        let mut member = archive.by_index(index).map_err(|e| bad(path, &e))?;
        let name = member.name().map_err(|e| bad(path, &e))?.into_owned();
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else { return Ok(()) };
        if how.dataset.as_deref().is_some_and(|wanted| wanted != name) {
            return Ok(());
        }
        let header = match Header::read(path, &mut member) {
            Ok(header) => header,
            // Texts, such as the names of axes, are no images.
            Err(Error::Unsupported { .. }) if how.dataset.is_none() => return Ok(()),
            Err(error) => return Err(error),
        };
        let dimensions = header.shape.len();
        if how.dataset.is_none() && !(2..=5).contains(&dimensions) {
            return Ok(());
        }
        check_size(path, &header, member.size())?;
        let user = how
            .axes
            .as_deref()
            .filter(|a| how.dataset.is_some() || a.chars().count() == dimensions);
        drop(member);
        let beside = match (name.as_str(), how.axes.is_some()) {
            (IMAGE, false) => Beside::read(&mut archive, dimensions),
            _ => Beside::default(),
        };
        let (stored, from) = StoredAxes::resolve(path, dimensions, user, beside.axes.as_deref())?;
        let member = archive.by_index(index).map_err(|e| bad(path, &e))?;
        let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
        let begin = member.data_start().unwrap_or(0);
        let mut image = NpyImage::new(
            path,
            file,
            &header,
            begin,
            name.clone(),
            &stored,
            from,
            &mut self.problems,
        );
        image.meta.dataset = Some(name);
        image.meta.voxel_size_um = beside.voxel_size_um;
        if member.compression() == CompressionMethod::Stored {
            let found = std::fs::metadata(path).map_err(|e| Error::io(path, "inspect", e))?.len();
            check_size(path, &header, found.saturating_sub(begin))?;
            self.images.push(Arc::new(image));
            return Ok(());
        }
        self.images.push(Arc::new(PackedImage {
            path: path.to_owned(),
            index,
            header,
            axes: (stored, from),
            meta: image.meta.clone(),
            levels: image.levels().to_vec(),
            unpacked: Mutex::default(),
        }));
        Ok(())
    }
}

/// What an archive says of the array `image`.
struct Beside {
    axes: Option<String>,
    voxel_size_um: [Sourced<f64>; 3],
}

impl Default for Beside {
    fn default() -> Beside {
        Beside { axes: None, voxel_size_um: [Sourced::unknown(); 3] }
    }
}

impl Beside {
    /// Reads `axes` and `voxel_size_um`; what is not there or means something else is not known.
    fn read(archive: &mut ZipArchive<BufReader<File>>, dimensions: usize) -> Beside {
        let mut member = |name: &str| {
            let mut bytes = Vec::new();
            let member = archive.by_name(name).ok()?;
            member.take(LONGEST_TEXT).read_to_end(&mut bytes).ok()?;
            Some(bytes)
        };
        let axes = member("axes.npy").and_then(|bytes| read_text(&bytes));
        let fits = |a: &StoredAxes| a.order().len() == dimensions;
        let axes = axes.filter(|a| StoredAxes::parse(a).as_ref().is_some_and(fits));
        let sizes = member("voxel_size_um.npy").and_then(|bytes| numbers(&bytes));
        let known = |v: f64| match v.is_finite() && v > 0.0 {
            true => Sourced::file(v),
            false => Sourced::unknown(),
        };
        let voxel_size_um = sizes.map_or([Sourced::unknown(); 3], |sizes| sizes.map(known));
        Beside { axes, voxel_size_um }
    }
}

/// Three numbers of an NPY file.
fn numbers(bytes: &[u8]) -> Option<[f64; 3]> {
    let header = Header::read(Path::new(""), &mut &*bytes).ok()?;
    let double = header.sample == RawSample::Native(Dtype::Float64) && !header.big_endian;
    let data = bytes.get(header.data_offset as usize..)?.as_chunks().0;
    let [z, y, x] = data.get(..3).filter(|_| double && header.shape == [3])? else { return None };
    Some([*z, *y, *x].map(f64::from_le_bytes))
}

/// A compressed array, unpacked when it is first read.
struct PackedImage {
    path: PathBuf,
    index: usize,
    header: Header,
    axes: (StoredAxes, Origin),
    meta: ImageMeta,
    levels: Vec<Level>,
    unpacked: Mutex<Option<Arc<NpyImage>>>,
}

impl PackedImage {
    fn unpack(&self) -> Result<Arc<NpyImage>> {
        let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(image) = &*unpacked {
            return Ok(Arc::clone(image));
        }
        let mut archive = open_archive(&self.path)?;
        let member = archive.by_index(self.index).map_err(|e| bad(&self.path, &e))?;
        let mut file = nameless_file().map_err(|e| Error::io(&self.path, "unpack", e))?;
        // Not more than the header says, whatever the archive holds.
        let most = self.header.data_offset.saturating_add(self.meta_bytes());
        let bytes = copy(&mut member.take(most), &mut file).map_err(|e| match e.kind() {
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => {
                bad(&self.path, &e)
            }
            _ => Error::io(&self.path, "unpack", e),
        })?;
        check_size(&self.path, &self.header, bytes)?;
        let (stored, from) = &self.axes;
        let name = self.meta.name.clone();
        let (header, mut told) = (&self.header, Vec::new());
        let image = NpyImage::new(&self.path, file, header, 0, name, stored, *from, &mut told);
        let image = Arc::new(image);
        *unpacked = Some(Arc::clone(&image));
        Ok(image)
    }

    /// Bytes of the samples as stored.
    fn meta_bytes(&self) -> u64 {
        self.header.shape.iter().fold(self.header.sample.size(), |n, s| n.saturating_mul(*s))
    }
}

/// A file in the folder of temporary files that vanishes when it is closed.
fn nameless_file() -> std::io::Result<File> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("hooke-{}-{number}.npy", std::process::id()));
    let file = FileOptions::new().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

impl Dataset for NpzDataset {
    fn format(&self) -> &'static str {
        "npz"
    }
    fn images(&self) -> &[Arc<dyn ImageSource>] {
        &self.images
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl ImageSource for PackedImage {
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
        self.unpack()?.read(level, region, out)
    }
}
