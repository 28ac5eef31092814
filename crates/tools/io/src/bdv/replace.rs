//! One view of a BigDataViewer file replaced.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use hooke_core::image::SourceError;
use hooke_core::region::{grid, grid_counts};
use hooke_core::{Axes, Downsample, ImageMeta, ImageSink, Pixels, Progress, Region};
use rust_hdf5::{H5File, Hdf5Error};

use super::hdf5::{StoredSetup, cells};
use super::read::{pixels_path, read_xml};
use super::{BdvFile, BdvSettings, Loader};
use crate::atomic::AtomicFile;
use crate::hdf5::Handles;
use crate::{Error, Result, pyramid};

/// Replaces the pixels of one view, all its levels; the XML stays as it is.
///
/// `source` gives boxes of the new image, over `t, c, z, y, x` with one frame and one channel, in
/// the type `meta` says. The new pixels go into a copy of the HDF5 file beside it, are read back and
/// compared, and the copy takes the file's name last: a kill leaves the old file.
///
/// # Errors
/// [`Error::NotThere`] for a view that is not in the file; [`Error::MetadataInvalid`] for another
/// shape or sample type; [`Error::Unsupported`] for pixels that are not in chunks;
/// [`Error::Io`]; [`Error::Corrupt`] when the copy does not read back; what `source` answers.
pub fn replace_view(
    xml: &Path,
    [timepoint, setup]: [u64; 2],
    meta: &ImageMeta,
    source: &dyn Fn(&Region, &mut Pixels) -> std::result::Result<(), SourceError>,
    progress: &dyn Progress,
) -> std::result::Result<(), SourceError> {
    let data = read_xml(xml)?;
    if matches!(data.loader, Loader::N5 { .. } | Loader::Zarr { .. }) {
        let hint = "export the set anew with hooke tileset export-bdv";
        return Err(Error::unsupported(xml, "replacing pixels in N5 or OME-Zarr", hint).into());
    }
    // The file itself, not a link to it.
    let file = std::fs::canonicalize(pixels_path(xml, &data)?)
        .map_err(|e| Error::io(xml, "find the pixels of", e))?;
    let stored = stored_view(&file, [timepoint, setup])?;
    let [z, y, x] = [meta.shape[2], meta.shape[3], meta.shape[4]];
    let lengths = &stored.levels[0].array.lengths;
    if *lengths != [z, y, x] {
        let what = format!("the view is {lengths:?} (z, y, x), the image {:?}", [z, y, x]);
        return Err(Error::metadata(xml, what).into());
    }
    if stored.dtype != meta.dtype {
        let what = format!("the view holds {}, the image {}", stored.dtype, meta.dtype);
        return Err(Error::metadata(xml, what).into());
    }
    let mut copy = AtomicFile::create(&file)?;
    let io = |doing: &'static str| {
        let file = file.clone();
        move |e| Error::io(file, doing, e)
    };
    let mut from = std::fs::File::open(&file).map_err(io("open"))?;
    std::io::copy(&mut from, copy.file_mut()).map_err(io("copy"))?;
    for (level, of) in stored.levels.iter().enumerate() {
        let chunk = of.array.chunk.as_ref().ok_or_else(|| {
            let hint = "export the set anew with hooke tileset export-bdv";
            Error::unsupported(xml, "replacing pixels that are not stored in chunks", hint)
        })?;
        let name = cells(timepoint, setup, level);
        let target = Target { path: &file, name: &name, lengths: &of.array.lengths, chunk };
        target.check()?;
    }
    let levels = Levels::make(copy.temporary(), meta, &stored, source, progress)?;
    for level in 0..stored.levels.len() {
        let name = cells(timepoint, setup, level);
        let array = &stored.levels[level].array;
        let chunk = array.chunk.clone().unwrap_or_default();
        let target =
            Target { path: copy.temporary(), name: &name, lengths: &array.lengths, chunk: &chunk };
        levels.write(level, &target)?;
        levels.compare(level, &target)?;
    }
    copy.commit_unstamped()?;
    if let Some(folder) = file.parent().filter(|f| !f.as_os_str().is_empty()) {
        crate::atomic::sync_folder(folder)?;
    }
    Ok(())
}

fn stored_view(file: &Path, [timepoint, setup]: [u64; 2]) -> Result<StoredSetup> {
    let handles = Handles::open(file)?;
    let names = handles.run("the catalogue", |file| Ok(file.dataset_names()))?;
    let names: HashSet<String> = names.into_iter().collect();
    let is_there = names.contains(&cells(timepoint, setup, 0));
    let stored = match is_there {
        true => StoredSetup::read(&handles, &names, setup, &[timepoint])?,
        false => None,
    };
    stored.ok_or_else(|| Error::NotThere {
        path: file.to_owned(),
        what: format!("view of setup {setup} at timepoint {timepoint}"),
    })
}

/// A dataset of an HDF5 file.
struct Target<'a> {
    path: &'a Path,
    name: &'a str,
    lengths: &'a [u64],
    chunk: &'a [u64],
}

impl Target<'_> {
    fn check(&self) -> Result<()> {
        match self.lengths.len() == 3 && self.chunk.len() == 3 && !self.chunk.contains(&0) {
            true => Ok(()),
            false => Err(Error::metadata(self.path, format!("`/{}` has no three axes", self.name))),
        }
    }

    fn regions(&self) -> impl Iterator<Item = ([usize; 3], Region)> + use<> {
        let full = |n: &[u64]| [1, 1, n[0], n[1], n[2]];
        let (shape, chunk) = (full(self.lengths), full(self.chunk));
        let counts = grid_counts(shape, chunk);
        grid(shape, chunk).enumerate().map(move |(n, region)| {
            let n = n as u64;
            let at = [n / (counts[3] * counts[4]), n / counts[4] % counts[3], n % counts[4]];
            (at.map(|i| i as usize), region)
        })
    }
}

/// The new levels, in a temporary file of their own.
struct Levels {
    file: BdvFile,
    meta: ImageMeta,
}

impl Levels {
    fn make(
        beside: &Path,
        meta: &ImageMeta,
        stored: &StoredSetup,
        source: &dyn Fn(&Region, &mut Pixels) -> std::result::Result<(), SourceError>,
        progress: &dyn Progress,
    ) -> std::result::Result<Levels, SourceError> {
        let factors = stored.levels.iter().map(|l| l.factors.map(|f| f.round().max(1.0) as u64));
        let first = stored.levels[0].array.chunk.as_deref().unwrap_or(&[1, 1, 1]);
        let settings = BdvSettings {
            factors: factors.collect(),
            chunk: [first[0], first[1], first[2]],
            gzip: 1,
            ..BdvSettings::default()
        };
        let [_, _, z, y, x] = meta.shape;
        let plain = ImageMeta::new("", Axes::ZYX, [1, 1, z, y, x], meta.dtype);
        let file = BdvFile::create(beside, std::slice::from_ref(&plain), &settings)?;
        let sink = file.image(0);
        let planes = sink.write_unit(0)[2];
        let slabs = [1, 1, planes, y, x];
        progress.start("read", grid_counts(plain.shape, slabs).iter().product(), "parts");
        let mut pixels = Pixels::zeros(meta.dtype, [0; 5]);
        for region in grid(plain.shape, slabs) {
            source(&region, &mut pixels)?;
            sink.write(0, &region, &pixels)?;
            progress.advance(1, pixels.bytes());
        }
        for level in 1..sink.levels().len() {
            let wanted = &stored.levels[level].array.lengths;
            if sink.levels()[level].shape[2..] != **wanted {
                let what = format!("level {level} is {wanted:?}, not level 0 over its factors");
                return Err(Error::unsupported(beside, what, "").into());
            }
            pyramid::write_level(&sink, level, Downsample::Mean, meta.dtype)?;
        }
        Ok(Levels { file, meta: plain })
    }

    /// Writes the chunks of a level, encoded as the dataset wants them.
    fn write(&self, level: usize, target: &Target<'_>) -> std::result::Result<(), SourceError> {
        let sink = self.file.image(0);
        let chunk = [1, 1, target.chunk[0], target.chunk[1], target.chunk[2]];
        let mut failed = None;
        let outcome = catch_unwind(AssertUnwindSafe(|| -> std::result::Result<(), Hdf5Error> {
            let file = H5File::options().no_locking().open_rw(target.path)?;
            let dataset = file.dataset_writer(target.name)?;
            let mut read = Pixels::zeros(self.meta.dtype, [0; 5]);
            for (at, region) in target.regions() {
                if let Err(e) = sink.read_back(level, &region, &mut read) {
                    failed = Some(e);
                    break;
                }
                // A chunk at the image's end is stored whole; what lies outside is 0.
                let mut whole = Pixels::zeros(self.meta.dtype, chunk);
                whole.copy_box([0; 5], &read, &Region::whole(region.shape));
                let mut bytes = Vec::new();
                whole.extend_le_bytes(&mut bytes);
                dataset.write_chunk_at(&at, &bytes)?;
            }
            // Whole chunks at the end lengthen a dataset that may grow; an image has its own end.
            let lengths: Vec<usize> = target.lengths.iter().map(|&n| n as usize).collect();
            if failed.is_none() {
                dataset.set_extent(&lengths)?;
            }
            drop(dataset);
            file.close_no_sync()
        }));
        if let Some(error) = failed {
            return Err(error);
        }
        match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Hdf5Error::Io(e))) => Err(Error::io(target.path, "write", e).into()),
            Ok(Err(e)) => {
                let what = format!("changing `/{}`: {e}", target.name);
                Err(Error::unsupported(target.path, what, "").into())
            }
            Err(_) => {
                let what = format!("changing `/{}`: the library gave up", target.name);
                Err(Error::unsupported(target.path, what, "").into())
            }
        }
    }

    /// Reads a level back from the copy: what was written must be there.
    fn compare(&self, level: usize, target: &Target<'_>) -> std::result::Result<(), SourceError> {
        let handles = Handles::open(target.path)?;
        let shape = handles.run(&format!("dataset `/{}`", target.name), |file| {
            Ok(file.dataset(target.name)?.shape())
        })?;
        if shape.iter().map(|&n| n as u64).ne(target.lengths.iter().copied()) {
            let what = format!("changing `/{}`: it would become {shape:?}", target.name);
            return Err(Error::unsupported(target.path, what, "").into());
        }
        let sink = self.file.image(0);
        let mut wanted = Pixels::zeros(self.meta.dtype, [0; 5]);
        for (_, region) in target.regions() {
            sink.read_back(level, &region, &mut wanted)?;
            let mut expected = Vec::new();
            wanted.extend_le_bytes(&mut expected);
            let start = [2, 3, 4].map(|d| region.start[d] as usize);
            let count = [2, 3, 4].map(|d| region.shape[d] as usize);
            let found = handles.run(&format!("dataset `/{}`", target.name), |file| {
                read_bytes(file, target.name, self.meta.dtype, &start, &count)
            })?;
            if found != expected {
                let what = format!("`/{}` does not read back as it was written", target.name);
                return Err(Error::corrupt(target.path, what).into());
            }
        }
        Ok(())
    }
}

fn read_bytes(
    file: &H5File,
    name: &str,
    dtype: hooke_core::Dtype,
    start: &[usize],
    count: &[usize],
) -> std::result::Result<Vec<u8>, Hdf5Error> {
    use hooke_core::{Dtype, Sample};
    let dataset = file.dataset(name)?;
    let mut bytes = Vec::new();
    // Signed and unsigned samples have the same bits.
    match dtype {
        Dtype::Uint8 | Dtype::Int8 => bytes = dataset.read_slice::<u8>(start, count)?,
        Dtype::Uint16 => i16::extend_le(&dataset.read_slice::<i16>(start, count)?, &mut bytes),
        Dtype::Int16 => i16::extend_le(&dataset.read_slice::<i16>(start, count)?, &mut bytes),
        Dtype::Uint32 => u32::extend_le(&dataset.read_slice::<u32>(start, count)?, &mut bytes),
        Dtype::Int32 => i32::extend_le(&dataset.read_slice::<i32>(start, count)?, &mut bytes),
        Dtype::Uint64 => u64::extend_le(&dataset.read_slice::<u64>(start, count)?, &mut bytes),
        Dtype::Int64 => i64::extend_le(&dataset.read_slice::<i64>(start, count)?, &mut bytes),
        Dtype::Float32 => f32::extend_le(&dataset.read_slice::<f32>(start, count)?, &mut bytes),
        Dtype::Float64 => f64::extend_le(&dataset.read_slice::<f64>(start, count)?, &mut bytes),
    }
    Ok(bytes)
}
