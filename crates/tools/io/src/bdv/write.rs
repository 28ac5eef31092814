//! Images to XML and HDF5.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{Dtype, ImageMeta, ImageSink, Level, Pixels, Region, region};
use rust_hdf5::{H5File, H5Group, Hdf5Error};

use super::{Affine, Loader, NamedAffine, Setup, SpimData, UnknownAxes, ViewKey, VoxelSize, emit};
use crate::hdf5::{ArrayTarget, Encoding, Journal, JournalArray, write_chunks, write_file};
use crate::{Error, Result};

/// What one unit of the world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WorldUnit {
    /// A micrometre.
    #[default]
    Micrometre,
    /// A voxel along x, BigStitcher's habit.
    Pixel,
}

/// How a BigDataViewer file is written.
#[derive(Debug, Clone, PartialEq)]
pub struct BdvSettings {
    /// What one unit of the world is.
    pub unit: WorldUnit,
    /// Lengths of a chunk over `(z, y, x)`, clipped to each level.
    pub chunk: [u64; 3],
    /// Factors of level 0 over `(z, y, x)`, one entry per level; the first is 1, 1, 1.
    pub factors: Vec<[u64; 3]>,
    /// gzip level, 1 to 9.
    pub gzip: u32,
}

impl Default for BdvSettings {
    fn default() -> BdvSettings {
        BdvSettings {
            unit: WorldUnit::Micrometre,
            chunk: [32, 64, 64],
            factors: vec![[1, 1, 1]],
            gzip: 4,
        }
    }
}

/// A BigDataViewer file being written: an XML, and an HDF5 file of its name beside it.
///
/// Every channel of every image is one setup; an image is one tile. Blocks go to a temporary file;
/// [`BdvFile::finish`] puts the HDF5 file together, readable by HDF5 1.8, then writes the XML.
pub struct BdvFile {
    inner: Arc<Inner>,
}

struct Inner {
    target: PathBuf,
    settings: BdvSettings,
    metas: Vec<ImageMeta>,
    levels: Vec<Vec<Level>>,
    journal: Journal,
}

/// One image of a [`BdvFile`].
pub struct BdvSink {
    inner: Arc<Inner>,
    image: usize,
    /// Whether the file is finished with this image.
    alone: bool,
}

impl BdvFile {
    /// Begins a file of several images; `target` is the XML.
    ///
    /// # Errors
    /// [`Error::MetadataInvalid`] for factors that do not begin with 1 or shrink again, and for
    /// images that differ in their number of frames; [`Error::Io`] when the folder cannot be
    /// written.
    pub fn create(target: &Path, metas: &[ImageMeta], settings: &BdvSettings) -> Result<BdvFile> {
        let bad = |what: &str| Err(Error::metadata(target, what));
        if settings.factors.first() != Some(&[1, 1, 1])
            || settings.factors.windows(2).any(|w| (0..3).any(|d| w[1][d] < w[0][d]))
        {
            return bad("the factors of the levels do not grow from 1, 1, 1");
        }
        if metas.is_empty() || metas.iter().any(|m| m.shape.contains(&0)) {
            return bad("there is no image, or one without voxels");
        }
        if metas.iter().any(|m| m.shape[0] != metas[0].shape[0]) {
            return bad("the images differ in their number of frames");
        }
        let mut arrays = Vec::new();
        let mut levels = Vec::new();
        for meta in metas {
            let of_image = image_levels(meta, settings);
            for level in &of_image {
                let sample = meta.dtype.size();
                let encoding = Encoding { level: settings.gzip.clamp(1, 9), sample };
                let (shape, chunk, dtype) = (level.shape, level.chunk, meta.dtype);
                arrays.push(JournalArray { shape, chunk, dtype, encoding });
            }
            levels.push(of_image);
        }
        let journal = Journal::create(target, arrays)?;
        let inner = Inner {
            target: target.to_owned(),
            settings: settings.clone(),
            metas: metas.to_vec(),
            levels,
            journal,
        };
        Ok(BdvFile { inner: Arc::new(inner) })
    }

    /// The sink of one image; its `finish` does nothing.
    pub fn image(&self, image: usize) -> BdvSink {
        BdvSink { inner: Arc::clone(&self.inner), image, alone: false }
    }

    /// Puts the HDF5 file together and writes the XML.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Unsupported`] when the files cannot be written.
    pub fn finish(&self) -> Result<()> {
        self.inner.finish()
    }
}

impl BdvSink {
    /// Begins a file of one image, written by this sink's `finish`; `target` is the XML.
    ///
    /// # Errors
    /// See [`BdvFile::create`].
    pub fn create(target: &Path, meta: &ImageMeta, settings: &BdvSettings) -> Result<BdvSink> {
        let file = BdvFile::create(target, std::slice::from_ref(meta), settings)?;
        Ok(BdvSink { inner: file.inner, image: 0, alone: true })
    }
}

fn image_levels(meta: &ImageMeta, settings: &BdvSettings) -> Vec<Level> {
    let level = |factors: &[u64; 3]| {
        let mut shape = meta.shape;
        for d in 0..3 {
            shape[2 + d] = shape[2 + d].div_ceil(factors[d].max(1));
        }
        let [z, y, x] = settings.chunk;
        let wanted = [1, 1, z, y, x];
        Level {
            shape,
            factors: factors.map(|f| f as f64),
            chunk: std::array::from_fn(|d| wanted[d].clamp(1, shape[d])),
            shard: None,
            codec: "gzip".to_owned(),
        }
    };
    settings.factors.iter().map(level).collect()
}

impl Inner {
    fn finish(&self) -> Result<()> {
        let pixels = self.target.with_extension("h5");
        write_file(&pixels, false, |file| self.put_together(file))?;
        let text = emit(&self.describe(&pixels));
        crate::atomic::write_file(&self.target, &[text.as_bytes()])?;
        Ok(())
    }

    /// Images and channels by setup id.
    fn setups(&self) -> Vec<(usize, u64)> {
        let channels = |(i, m): (usize, &ImageMeta)| (0..m.shape[1]).map(move |c| (i, c));
        self.metas.iter().enumerate().flat_map(channels).collect()
    }

    fn put_together(&self, file: &H5File) -> Result<(), Hdf5Error> {
        let root = file.root_group();
        for (setup, (image, _)) in self.setups().into_iter().enumerate() {
            let group = root.create_group(&format!("s{setup:02}"))?;
            self.write_setup(&group, image)?;
        }
        for t in 0..self.metas[0].shape[0] {
            let time = root.create_group(&format!("t{t:05}"))?;
            for (setup, (image, channel)) in self.setups().into_iter().enumerate() {
                let view = time.create_group(&format!("s{setup:02}"))?;
                for level in 0..self.levels[image].len() {
                    let group = view.create_group(&level.to_string())?;
                    self.write_view(&group, image, level, [t, channel])?;
                }
            }
        }
        Ok(())
    }

    fn write_setup(&self, group: &H5Group, image: usize) -> Result<(), Hdf5Error> {
        let levels = &self.levels[image];
        let turned = |[z, y, x]: [f64; 3]| [x, y, z];
        let factors: Vec<f64> = levels.iter().flat_map(|l| turned(l.factors)).collect();
        let chunks: Vec<i32> =
            levels.iter().flat_map(|l| [4, 3, 2].map(|d| l.chunk[d] as i32)).collect();
        let shape = [levels.len(), 3];
        group.new_dataset::<f64>().shape(shape).create("resolutions")?.write_raw(&factors)?;
        group.new_dataset::<i32>().shape(shape).create("subdivisions")?.write_raw(&chunks)?;
        let dtype = self.metas[image].dtype;
        if dtype != Dtype::Uint16 {
            group.set_attr_string("dataType", dtype.name())?;
        }
        Ok(())
    }

    fn write_view(
        &self,
        group: &H5Group,
        image: usize,
        level: usize,
        [t, channel]: [u64; 2],
    ) -> Result<(), Hdf5Error> {
        let stored = &self.levels[image][level];
        // Old readers know only int16; the bits are those of uint16.
        let dtype = match self.metas[image].dtype {
            Dtype::Uint16 => Dtype::Int16,
            other => other,
        };
        let target = ArrayTarget {
            group,
            name: "cells",
            shape: &stored.shape[2..],
            chunk: &stored.chunk[2..],
            gzip: self.settings.gzip.clamp(1, 9),
        };
        let dataset = target.create(dtype)?;
        let counts = region::grid_counts(stored.shape, stored.chunk);
        let per_view: u64 = counts[2..].iter().product();
        let first = (t * counts[1] + channel) * per_view;
        let array: usize = self.levels[..image].iter().map(Vec::len).sum::<usize>() + level;
        write_chunks(&self.journal, array, first..first + per_view, &dataset, &|index| {
            index[2..].to_vec()
        })
    }

    fn describe(&self, pixels: &Path) -> SpimData {
        let name = pixels.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut data = SpimData {
            base_path: ".".to_owned(),
            loader: Loader::Hdf5 { path: name, relative: true },
            timepoints: (0..self.metas[0].shape[0]).collect(),
            frame_interval_s: self.metas[0].frame_interval_s,
            ..SpimData::default()
        };
        for kind in ["illumination", "channel", "tile", "angle"] {
            data.names.insert(kind.to_owned(), BTreeMap::new());
        }
        for (setup, (image, channel)) in self.setups().into_iter().enumerate() {
            self.describe_setup(&mut data, setup as u64, image, channel);
        }
        data
    }

    fn describe_setup(&self, data: &mut SpimData, setup: u64, image: usize, channel: u64) {
        let meta = &self.metas[image];
        let view = meta.view.unwrap_or_default();
        let tile = if meta.view.is_some() { view.tile } else { image as u64 };
        let known = meta.channels.get(channel as usize);
        let channel = if meta.shape[1] == 1 { view.channel } else { channel };
        let label = known.and_then(|c| c.name.clone()).unwrap_or_else(|| channel.to_string());
        let attributes = [
            ("illumination", view.illumination, view.illumination.to_string()),
            ("channel", channel, label),
            ("tile", tile, tile.to_string()),
            ("angle", view.angle, view.angle.to_string()),
        ];
        let mut described = Setup { name: meta.name.clone(), ..Setup::default() };
        for (kind, id, name) in attributes {
            described.attributes.insert(kind.to_owned(), id);
            data.names.entry(kind.to_owned()).or_default().insert(id, name);
        }
        if let Some(color) = known.and_then(|c| c.color.clone()) {
            data.colors.insert(channel, color);
        }
        let [_, _, z, y, x] = meta.shape;
        described.size = Some([x, y, z]);
        let size = meta.voxel_size_um.map(|s| s.value);
        let origin = meta.origin_um.map(|s| s.value);
        let missing = |values: [Option<f64>; 3]| -> String {
            ["z", "y", "x"]
                .into_iter()
                .zip(values)
                .filter(|(_, v)| v.is_none())
                .map(|(a, _)| a)
                .collect()
        };
        let unknown = UnknownAxes { voxel: missing(size), origin: missing(origin) };
        let transforms = transforms(&mut described, size, origin, self.settings.unit);
        if unknown != UnknownAxes::default() {
            data.unknown.insert(setup, unknown);
        }
        for timepoint in &data.timepoints {
            let view = ViewKey { timepoint: *timepoint, setup };
            data.registrations.insert(view, transforms.clone());
        }
        data.setups.insert(setup, described);
    }
}

/// The two transforms of a setup, and its voxel size.
fn transforms(
    setup: &mut Setup,
    size: [Option<f64>; 3],
    origin: [Option<f64>; 3],
    unit: WorldUnit,
) -> Vec<NamedAffine> {
    // Nothing known: voxels are the unit. Part known: the XML cannot leave the rest out.
    let measured = size.iter().any(Option::is_some);
    let [z, y, x] = size.map(|s| s.unwrap_or(1.0));
    let unit_name = if measured { "µm" } else { "pixel" };
    setup.voxel_size = Some(VoxelSize { unit: unit_name.to_owned(), size: [x, y, z] });
    let world = match unit {
        WorldUnit::Micrometre => 1.0,
        WorldUnit::Pixel => x,
    };
    let [oz, oy, ox] = origin.map(|o| o.unwrap_or(0.0) / world);
    let named = |name: &str, affine| NamedAffine { name: name.to_owned(), affine };
    vec![
        named("translation", Affine::translation([ox, oy, oz])),
        named("calibration", Affine::scaling([x / world, y / world, z / world])),
    ]
}

impl BdvSink {
    fn array(&self, level: usize) -> Result<usize> {
        let levels = &self.inner.levels;
        if level >= levels[self.image].len() {
            let what = format!("level {level}; there are {}", levels[self.image].len());
            return Err(Error::NotThere { path: self.inner.target.clone(), what });
        }
        Ok(levels[..self.image].iter().map(Vec::len).sum::<usize>() + level)
    }
}

impl ImageSink for BdvSink {
    fn write_unit(&self, level: usize) -> [u64; 5] {
        self.inner.levels[self.image][level].chunk
    }

    fn levels(&self) -> &[Level] {
        &self.inner.levels[self.image]
    }

    /// Encodes a block's chunks. There are no keys: the file is put together at the end.
    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        self.inner.journal.write(self.array(level)?, region, block)?;
        Ok(Vec::new())
    }

    fn read_back(
        &self,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<(), SourceError> {
        Ok(self.inner.journal.read(self.array(level)?, region, out)?)
    }

    fn finish(&self) -> Result<(), SourceError> {
        if self.alone {
            self.inner.finish()?;
        }
        Ok(())
    }
}
