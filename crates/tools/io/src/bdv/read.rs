//! Views as images.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::meta::PlaneIndex;
use hooke_core::{
    Axes, Axis, Channel, Dataset, Dtype, ImageMeta, ImageSource, Level, Problem, Sourced,
};

use super::hdf5::{StoredSetup, cells};
use super::view::{BdvImage, StoredViews};
use super::{Loader, Setup, SpimData, ViewKey, parse};
use crate::hdf5::Handles;
use crate::{Error, OpenOptions, Result};

/// Largest XML that is read; one of 100,000 views has some 60 MB.
const LARGEST_XML: u64 = 512 << 20;

/// An opened BigDataViewer file: one image per setup, over all timepoints, by setup id.
pub struct BdvDataset {
    pub(super) images: Vec<Arc<dyn ImageSource>>,
    pub(super) problems: Vec<Problem>,
    pub(super) format: &'static str,
}

/// Reads a BigDataViewer XML from disk.
pub(super) fn read_xml(path: &Path) -> Result<SpimData> {
    let bytes = std::fs::metadata(path).map_err(|e| Error::io(path, "open", e))?.len();
    if bytes > LARGEST_XML {
        return Err(Error::corrupt(path, format!("an XML of {bytes} bytes")));
    }
    let text = std::fs::read(path).map_err(|e| Error::io(path, "read", e))?;
    parse(path, &String::from_utf8_lossy(&text))
}

/// Opens a BigDataViewer XML with the HDF5 file, N5 container or OME-Zarr images it names.
///
/// Samples stored as int16 without a `dataType` attribute are uint16. Absent views that the XML
/// lists are 0 and reported by each read.
///
/// # Errors
/// See [`parse`]; [`Error::Unsupported`] for other pixel formats than `bdv.hdf5`, `bdv.n5` and
/// `bdv.multimg.zarr`;
/// [`Error::MetadataInvalid`] when a view is neither in the HDF5 file nor listed as missing
/// (with `rescue` it counts as missing); whatever opening the HDF5 file answers.
pub fn open_xml(path: &Path, how: &OpenOptions) -> Result<BdvDataset> {
    let data = read_xml(path)?;
    if let Loader::N5 { path: folder, relative } = &data.loader {
        return super::n5::open(path, &data, &resolve(path, &data, folder, *relative), how);
    }
    if let Loader::Zarr { path: folder, relative, groups } = &data.loader {
        let folder = resolve(path, &data, folder, *relative);
        return super::zarr::open(path, &data, &folder, groups, how);
    }
    let file = pixels_path(path, &data)?;
    let handles = Handles::open(&file)?;
    build(path, &data, handles, how, false)
}

/// Where the file or folder of pixels of an XML is.
pub(super) fn pixels_path(path: &Path, data: &SpimData) -> Result<PathBuf> {
    match &data.loader {
        Loader::Hdf5 { path: file, relative }
        | Loader::N5 { path: file, relative }
        | Loader::Zarr { path: file, relative, .. } => Ok(resolve(path, data, file, *relative)),
        Loader::Files(_) => Err(Error::unsupported(
            path,
            "pixels in single image files",
            "stitch from this XML, or resave it as HDF5 in BigStitcher",
        )),
        Loader::Other(format) => Err(Error::unsupported(
            path,
            format!("pixels in the format `{format}`"),
            "resave it as HDF5 in BigDataViewer",
        )),
    }
}

/// A path written in an XML, seen from here. Windows writes `\`.
pub(super) fn resolve(xml: &Path, data: &SpimData, written: &str, relative: bool) -> PathBuf {
    let written = written.replace('\\', "/");
    if !relative {
        return PathBuf::from(written.strip_prefix("file:").unwrap_or(&written));
    }
    let folder = xml.parent().unwrap_or(Path::new(""));
    let base = data.base_path.replace('\\', "/");
    let base = if base == "." { folder.to_owned() } else { folder.join(base) };
    base.join(written)
}

/// Whether an HDF5 file with these datasets is laid out for BigDataViewer.
pub fn is_bdv_hdf5(datasets: &[String]) -> bool {
    datasets.iter().any(|n| setup_of(n).is_some())
}

/// The setup of a path `s00/resolutions`.
fn setup_of(name: &str) -> Option<u64> {
    number_after('s', name.strip_suffix("/resolutions")?)
}

/// The number of a name `s00`, `t00000`.
fn number_after(letter: char, name: &str) -> Option<u64> {
    let digits = name.strip_prefix(letter)?;
    (digits.len() >= 2 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

/// Opens a BigDataViewer HDF5 file: with the XML of its name beside it, else without positions.
///
/// # Errors
/// See [`open_xml`].
pub fn open_hdf5(path: &Path, how: &OpenOptions) -> Result<BdvDataset> {
    let beside = path.with_extension("xml");
    if beside.is_file()
        && let Ok(data) = read_xml(&beside)
        && pixels_path(&beside, &data).is_ok_and(|file| file.file_name() == path.file_name())
    {
        return open_xml(&beside, how);
    }
    let handles = Handles::open(path)?;
    let names = handles.run("the catalogue", |file| Ok(file.dataset_names()))?;
    let mut data = SpimData::default();
    let mut times = BTreeSet::new();
    for name in &names {
        if let Some(setup) = setup_of(name) {
            data.setups.insert(setup, Setup::default());
        }
        times.extend(name.split_once('/').and_then(|(t, _)| number_after('t', t)));
    }
    data.timepoints = times.into_iter().collect();
    build(path, &data, handles, how, true)
}

fn build(
    path: &Path,
    data: &SpimData,
    handles: Handles,
    how: &OpenOptions,
    without_xml: bool,
) -> Result<BdvDataset> {
    let names = handles.run("the catalogue", |file| Ok(file.dataset_names()))?;
    let names: HashSet<String> = names.into_iter().collect();
    let handles = Arc::new(handles);
    let mut opened = BdvDataset { images: Vec::new(), problems: Vec::new(), format: "bdv-hdf5" };
    if without_xml {
        let text = "the HDF5 file has no XML beside it, so sizes and positions are unknown";
        opened.problems.push(Problem::warning("voxel-size-missing", text));
    }
    for id in data.setups.keys() {
        let mut present = Vec::new();
        for timepoint in &data.timepoints {
            let view = ViewKey { timepoint: *timepoint, setup: *id };
            let stored = names.contains(&cells(*timepoint, *id, 0));
            let listed = data.missing.contains(&view);
            if !stored && !listed {
                opened.absent(path, view, how.rescue || without_xml)?;
            }
            present.push(stored && !listed);
        }
        let stored = StoredSetup::read(&handles, &names, *id, &data.timepoints)?;
        let views =
            stored.map(|s| s.into_views(&handles, *id, &data.timepoints, how.cache.clone()));
        opened.add(path, handles.path(), data, *id, views, present)?;
    }
    if opened.images.is_empty() {
        return Err(Error::metadata(path, "no view setup"));
    }
    Ok(opened)
}

impl BdvDataset {
    /// Says that a view is not there, which is an error unless it is tolerated.
    pub(super) fn absent(&mut self, path: &Path, view: ViewKey, tolerated: bool) -> Result<()> {
        let text = format!(
            "setup {} at timepoint {} is not stored and not listed as missing",
            view.setup, view.timepoint
        );
        if !tolerated {
            return Err(Error::metadata(path, text));
        }
        self.problems.push(Problem::warning("missing-planes", text));
        Ok(())
    }

    /// Takes a setup as an image; errors of reading name `file`.
    pub(super) fn add(
        &mut self,
        path: &Path,
        file: &Path,
        data: &SpimData,
        id: u64,
        stored: Option<StoredViews>,
        present: Vec<bool>,
    ) -> Result<()> {
        let setup = &data.setups[&id];
        let times = data.timepoints.len() as u64;
        let axes =
            if times > 1 { Axes::of(&[Axis::T, Axis::Z, Axis::Y, Axis::X]) } else { Axes::ZYX };
        let (mut levels, dtype, stored_dtype, views) = match stored {
            Some(s) => (s.levels, s.dtype, s.stored_dtype, Some(s.views)),
            None => {
                // All its views are missing; what is known is what the XML says.
                let [x, y, z] = setup.size.filter(|s| !s.contains(&0)).ok_or_else(|| {
                    Error::metadata(path, format!("setup {id} has neither a view nor a size"))
                })?;
                let codec = "none".to_owned();
                let chunk = [1, 1, z.min(32), y.min(64), x.min(64)];
                let shape = [1, 1, z, y, x];
                let level = Level { shape, factors: [1.0; 3], chunk, shard: None, codec };
                (vec![level], Dtype::Uint16, "int16".to_owned(), None)
            }
        };
        levels.iter_mut().for_each(|l| l.shape[0] = times);
        let shape = levels[0].shape;
        if setup.size.is_some_and(|[x, y, z]| [z, y, x] != shape[2..]) {
            let text = format!(
                "setup {id} is {:?} (z, y, x) where it is stored, not as the XML says",
                &shape[2..]
            );
            self.problems.push(Problem::warning("metadata-invalid", text));
        }
        let name = if setup.name.is_empty() { format!("setup {id}") } else { setup.name.clone() };
        let mut meta = ImageMeta::new(name, axes, shape, dtype);
        meta.stored_dtype = stored_dtype;
        meta.view = Some(data.view(id));
        meta.missing = (0..times)
            .filter(|t| !present[*t as usize])
            .map(|t| PlaneIndex { t, c: 0, z: 0 })
            .collect();
        self.describe(data, id, &mut meta);
        let path = file.to_owned();
        self.images.push(Arc::new(BdvImage { path, setup: id, present, views, meta, levels }));
        Ok(())
    }

    /// Sizes, places, times and channel of a setup.
    fn describe(&mut self, data: &SpimData, id: u64, meta: &mut ImageMeta) {
        let setup = &data.setups[&id];
        let unknown = data.unknown.get(&id).cloned().unwrap_or_default();
        let known = |letters: &str, d: usize| !letters.contains(['z', 'y', 'x'][d]);
        let size = setup.voxel_size_um();
        if let (None, Some(voxel)) = (size, &setup.voxel_size)
            && !voxel.unit.trim().to_lowercase().starts_with("pixel")
        {
            let text = format!("setup {id} gives its voxel size in `{}`", voxel.unit);
            self.problems.push(Problem::warning("unit-unknown", text));
        }
        let model = data.first_model(id);
        meta.affine = model.map(|m| m.0);
        if model.is_some_and(|m| m.has_rotation()) {
            let text = format!(
                "setup {id} is rotated or sheared; its position is that of its first voxel only"
            );
            self.problems.push(Problem::warning("rotation-ignored", text));
        }
        if let Some(size) = size {
            for d in (0..3).filter(|d| known(&unknown.voxel, *d)) {
                meta.voxel_size_um[d] = Sourced::file(size[d]);
            }
            let offset = model.map(|m| m.offset_px());
            for d in (0..3).filter(|d| known(&unknown.origin, *d)) {
                if let Some(um) = offset.map(|o| o[d] * size[d]).filter(|um| um.is_finite()) {
                    meta.origin_um[d] = Sourced::file(um);
                }
            }
        }
        meta.frame_interval_s = data.frame_interval_s.filter(|s| s.is_finite());
        let channel = data.view(id).channel;
        let name = data.names.get("channel").and_then(|names| names.get(&channel)).cloned();
        let color = data.colors.get(&channel).filter(|c| !c.is_empty()).cloned();
        // Writers that know no name write the number.
        let name = name.filter(|n| !n.is_empty() && *n != channel.to_string());
        if name.is_some() || color.is_some() {
            meta.channels = vec![Channel { name, color, ..Channel::default() }];
        }
    }
}

impl Dataset for BdvDataset {
    fn format(&self) -> &'static str {
        self.format
    }
    fn images(&self) -> &[Arc<dyn ImageSource>] {
        &self.images
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}
