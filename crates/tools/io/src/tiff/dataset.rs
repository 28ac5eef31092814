//! Opening a TIFF file: which flavour it is, its images and what a user should know about them.

use std::path::Path;
use std::sync::Arc;

use hooke_core::meta::PlaneIndex;
use hooke_core::{
    Axes, Axis, Channel, Dataset, ImageMeta, ImageSource, Level, Origin, Problem, Severity,
};

use super::file::TiffFile;
use super::ifd::Ifd;
use super::image::TiffImage;
use super::layout::{Codec, Layout, Stored, factor};
use super::page::Page;
use super::planes::{Plane, Planes, page_offset};
use super::{imagej, micromanager, ome, ome_xml, series, stack, tag};
use crate::positional::{FileBytes, ReadAt};
use crate::{Error, OpenOptions, Result};

/// An opened TIFF file.
pub struct TiffDataset {
    format: &'static str,
    version: Option<String>,
    images: Vec<Arc<dyn ImageSource>>,
    problems: Vec<Problem>,
}

impl Dataset for TiffDataset {
    fn format(&self) -> &'static str {
        self.format
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

/// Opens a TIFF, BigTIFF, OME-TIFF or ImageJ file.
///
/// Reads metadata only, and no more directories than are needed to know the images: of OME-TIFF and
/// ImageJ files the first, of others the chain.
///
/// # Errors
/// [`Error::Unrecognised`] when it is no TIFF; [`Error::Truncated`], [`Error::Corrupt`],
/// [`Error::MetadataInvalid`] and [`Error::Unsupported`] saying what and where.
pub fn open(path: &Path, how: &OpenOptions) -> Result<TiffDataset> {
    let handle = std::fs::File::open(path).and_then(FileBytes::new);
    let bytes = handle.map_err(|e| Error::io(path, "open", e))?;
    open_any(Box::new(bytes), path, how)
}

/// Opens the bytes of a file; `path` names them in messages, siblings are looked for beside it.
///
/// # Errors
/// As [`open`].
pub fn open_bytes(bytes: Vec<u8>, path: &Path, how: &OpenOptions) -> Result<TiffDataset> {
    open_any(Box::new(bytes), path, how)
}

fn open_any(bytes: Box<dyn ReadAt>, path: &Path, how: &OpenOptions) -> Result<TiffDataset> {
    let file = Arc::new(TiffFile::new(bytes, path, how.cache.clone())?);
    let first = file.ifd(page_offset(&file, 0)?)?;
    let text = file.text(&first, tag::IMAGE_DESCRIPTION)?.unwrap_or_default();
    let found = read_flavour(&file, &first, &text, how)?;
    let mut problems = found.problems;
    let mut images: Vec<Arc<dyn ImageSource>> = Vec::new();
    let several = found.drafts.len() > 1;
    for (index, draft) in found.drafts.into_iter().enumerate() {
        let (image, mut own) = draft.finish(how)?;
        if several {
            own.iter_mut().for_each(|p| p.message = format!("image {index}: {}", p.message));
        }
        problems.extend(own);
        images.push(Arc::new(image));
    }
    Ok(TiffDataset { format: found.format, version: found.version, images, problems })
}

/// The images of a file, not yet complete.
pub struct Found {
    /// The format's name.
    pub format: &'static str,
    /// The format's version.
    pub version: Option<String>,
    /// The images.
    pub drafts: Vec<Draft>,
    /// Problems of the whole file.
    pub problems: Vec<Problem>,
}

fn read_flavour(file: &Arc<TiffFile>, first: &Ifd, text: &str, how: &OpenOptions) -> Result<Found> {
    if ome_xml::is_ome(text) {
        return ome::read(file, text, how);
    }
    if let Some(map) = micromanager::read(file)? {
        return stack::of_index_map(file, map);
    }
    if let Some(description) = imagej::parse(text) {
        return stack::of_imagej(file, first, text, &description, how);
    }
    if first.entry(tag::UIC2).is_some() && first.entry(tag::UIC1).is_some() {
        return stack::of_stk(file, first, text, how);
    }
    series::read(file, how)
}

/// An image of which the planes are known.
pub struct Draft {
    /// What is known; dtype and levels are filled in by [`Draft::finish`].
    pub meta: ImageMeta,
    /// Where the planes are.
    pub planes: Planes,
    /// Planes of smaller levels that are pages of their own.
    pub reduced: Vec<Planes>,
    /// A plane that is there; all others must be like it.
    pub first: Plane,
    /// What a user should know.
    pub problems: Vec<Problem>,
}

impl Draft {
    /// A draft whose axes are those longer than 1; `sizes` are over `t, c, z`, c counting pages.
    pub fn new(first: Plane, planes: Planes, sizes: [u64; 3], from: Origin) -> Draft {
        let layout = &first.page.layout;
        let shape = [
            sizes[0],
            sizes[1].saturating_mul(layout.samples),
            sizes[2],
            layout.height,
            layout.width,
        ];
        let present: Vec<Axis> =
            Axis::ALL.into_iter().filter(|a| a.index() > 2 || shape[a.index()] > 1).collect();
        let stem = first.file.path().file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let stem = [".ome.tiff", ".ome.tif", ".tiff", ".tif"]
            .iter()
            .find_map(|s| stem.strip_suffix(s))
            .unwrap_or(stem);
        let mut meta = ImageMeta::new(stem, Axes::of(&present), shape, layout.dtype);
        meta.axes_from = from;
        meta.stored_dtype = layout.stored_name();
        meta.significant_bits = layout.bits() as u32;
        Draft { meta, planes, reduced: Vec::new(), first, problems: Vec::new() }
    }

    /// Finds the levels and completes the problems.
    fn finish(mut self, how: &OpenOptions) -> Result<(TiffImage, Vec<Problem>)> {
        let layout = self.first.page.layout.clone();
        if self.meta.channels.is_empty() && layout.samples >= 3 && is_rgb(&layout) {
            self.meta.channels = rgb_channels(self.meta.shape[1]);
        }
        let mut levels = vec![level(&layout, self.meta.shape, self.meta.shape)];
        self.add_levels(&layout, &mut levels)?;
        self.note_problems(&layout);
        let image = TiffImage {
            meta: self.meta,
            levels,
            planes: self.planes,
            reduced: self.reduced,
            samples: layout.samples,
            rescue: how.rescue,
        };
        Ok((image, self.problems))
    }

    fn add_levels(&mut self, base: &Layout, levels: &mut Vec<Level>) -> Result<()> {
        let file = &self.first.file;
        let mut pages: Vec<Arc<Page>> = Vec::new();
        for planes in &self.reduced {
            pages.extend(planes.locate([0; 3])?.map(|p| p.page));
        }
        let own = pages.len();
        for offset in &self.first.page.sub_ifds {
            match file.page(*offset) {
                Ok(page) if own == 0 => pages.push(page),
                Ok(_) => {}
                Err(error) => {
                    let message = format!("a smaller level cannot be read: {error}");
                    self.problems.push(Problem::warning("levels-inconsistent", message));
                    break;
                }
            }
        }
        for page in pages {
            let (small, last) = (&page.layout, levels.last().expect("level 0 is there"));
            let fits = (small.samples, small.dtype) == (base.samples, base.dtype)
                && small.width <= last.shape[4]
                && small.height <= last.shape[3]
                && (small.width, small.height) != (last.shape[4], last.shape[3]);
            if !fits {
                let message = format!("level {} holds {}", levels.len(), small.describe());
                self.problems.push(Problem::warning("levels-inconsistent", message));
                self.reduced.truncate(levels.len() - 1);
                break;
            }
            let mut shape = self.meta.shape;
            (shape[3], shape[4]) = (small.height, small.width);
            levels.push(level(small, self.meta.shape, shape));
        }
        Ok(())
    }

    fn note_problems(&mut self, layout: &Layout) {
        let meta = &self.meta;
        let mut note = |code, message: String| self.problems.push(Problem::warning(code, message));
        if meta.axes_from == Origin::Assumed {
            note("axes-assumed", format!("the file does not name its axes; read as {}", meta.axes));
        }
        let unknown: String = Axis::SPACE
            .into_iter()
            .zip(&meta.voxel_size_um)
            .filter(|(axis, size)| meta.axes.has(*axis) && size.value.is_none())
            .map(|(axis, _)| axis.letter())
            .collect();
        if !unknown.is_empty() {
            note("voxel-size-missing", format!("the file has no voxel size along {unknown}"));
        }
        if layout.stored != Stored::Native {
            let (stored, read) = (layout.stored_name(), layout.dtype);
            note("dtype-widened", format!("samples are stored as {stored}, read as {read}"));
        }
        if layout.planar {
            let n = layout.samples;
            note("planar-config", format!("{n} separate colour planes are read as channels"));
        }
        if layout.codec == Codec::Jpeg {
            note("lossy", "pixels were compressed with losses (JPEG)".to_owned());
        }
        if !meta.missing.is_empty() {
            let (n, PlaneIndex { t, c, z }) = (meta.missing.len(), meta.missing[0]);
            let message = format!("{n} planes are absent, the first t={t} c={c} z={z}");
            self.problems.push(Problem {
                severity: Severity::Error,
                code: "missing-planes".to_owned(),
                message,
            });
        }
    }
}

fn is_rgb(layout: &Layout) -> bool {
    layout.photometric == 2 || layout.photometric == 6
}

fn rgb_channels(count: u64) -> Vec<Channel> {
    let color = |i: u64| ["#FF0000", "#00FF00", "#0000FF"].get(i as usize).map(|c| (*c).to_owned());
    (0..count.min(65_535)).map(|i| Channel { color: color(i), ..Channel::default() }).collect()
}

fn level(layout: &Layout, full: [u64; 5], shape: [u64; 5]) -> Level {
    let samples = layout.interleaved();
    Level {
        shape,
        factors: [1.0, factor(full[3], shape[3]), factor(full[4], shape[4])],
        chunk: [1, samples, 1, layout.chunk[0], layout.chunk[1]],
        shard: None,
        codec: layout.codec.name().to_owned(),
    }
}
