//! An image to XML and OME-Zarr.

use std::path::{Path, PathBuf};

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{Downsample, ImageMeta, ImageSink, Level, Pixels, Region};

use super::describe::{WorldUnit, describe};
use super::{Loader, ViewKey, ZarrGroup, emit};
use crate::ome_zarr::{self, Levels, Ngff, OmeZarrSink, WriteOptions};
use crate::{Error, Result, atomic};

/// The image in the folder beside the XML.
const IMAGE: &str = "image.ome.zarr";

/// A BigDataViewer file being written: an XML, and a folder of its name beside it with one OME-Zarr
/// image (0.4, all five axes) that holds every timepoint and channel; every channel is one setup.
pub struct BdvZarrSink {
    target: PathBuf,
    container: PathBuf,
    meta: ImageMeta,
    image: OmeZarrSink,
    unit: WorldUnit,
}

impl BdvZarrSink {
    /// Makes the folder and its image; `target` is the XML, `factors` are those of level 0 over
    /// `(z, y, x)`, one entry per level, and `downsample` is how the levels were made (usually means).
    ///
    /// # Errors
    /// As [`ome_zarr::create`].
    pub fn create(
        target: &Path,
        meta: &ImageMeta,
        factors: &[[u64; 3]],
        chunk: [u64; 3],
        unit: WorldUnit,
        downsample: Option<Downsample>,
    ) -> Result<BdvZarrSink> {
        let container = target.with_extension("zarr");
        let steps = factors.windows(2).map(|w| std::array::from_fn(|d| w[1][d] / w[0][d].max(1)));
        let options = WriteOptions {
            ngff: Ngff::V04,
            chunk: Some(chunk),
            levels: Levels::Count(factors.len().max(1)),
            factors: steps.collect(),
            pad_5d: true,
            downsample,
            ..WriteOptions::default()
        };
        // A run that was killed while it wrote begins anew.
        match std::fs::remove_dir_all(container.join(IMAGE)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(&container, "clear", e));
            }
            _ => {}
        }
        std::fs::create_dir_all(&container).map_err(|e| Error::io(&container, "create", e))?;
        let image = ome_zarr::create(&container.join(IMAGE), meta, &options)?;
        Ok(BdvZarrSink { target: target.to_owned(), container, meta: meta.clone(), image, unit })
    }

    fn write_xml(&self) -> Result<()> {
        let group = b"{\"zarr_format\": 2}\n";
        atomic::write_file(&self.container.join(".zgroup"), &[group])?;
        let view = |c: u64, t: u64| ZarrGroup {
            view: ViewKey { timepoint: t, setup: c },
            path: IMAGE.to_owned(),
            indices: [c, t],
        };
        let [times, channels, ..] = self.meta.shape;
        let groups = (0..channels).flat_map(|c| (0..times).map(move |t| view(c, t))).collect();
        let path = self.container.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let loader = Loader::Zarr { path, relative: true, groups };
        let text = emit(&describe(std::slice::from_ref(&self.meta), self.unit, loader));
        atomic::write_file(&self.target, &[text.as_bytes()]).map(drop)
    }
}

impl ImageSink for BdvZarrSink {
    fn write_unit(&self, level: usize) -> [u64; 5] {
        self.image.write_unit(level)
    }

    fn levels(&self) -> &[Level] {
        self.image.levels()
    }

    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        self.image.write(level, region, block)
    }

    fn read_back(
        &self,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<(), SourceError> {
        self.image.read_back(level, region, out)
    }

    fn finish(&self) -> Result<(), SourceError> {
        self.image.finish()?;
        Ok(self.write_xml()?)
    }
}
