//! One setup of an N5 container: levels, pixels.

use std::path::{Path, PathBuf};

use hooke_core::{Level, Pixels, ReadStatus, Region};
use serde_json::Value;

use super::read::BdvDataset;
use super::view::{StoredViews, Views};
use super::{SpimData, ViewKey};
use crate::chunked::{Chunks, ReadFrom};
use crate::n5::{N5Array, read_attributes};
use crate::stored_axes::StoredAxes;
use crate::{Error, OpenOptions, Result};

/// Levels of a setup beyond this are not looked for.
const MOST_LEVELS: usize = 64;

/// The folder of a view.
pub(super) fn view_folder(setup: u64, timepoint: u64) -> String {
    format!("setup{setup}/timepoint{timepoint}")
}

/// The views of a setup in an N5 container.
struct N5Views {
    folder: PathBuf,
    /// Arrays by timepoint and level; none for views that are missing.
    arrays: Vec<Vec<N5Array>>,
    levels: Vec<Level>,
    axes: StoredAxes,
    /// One per timepoint, so that the cache tells them apart.
    chunks: Vec<Chunks>,
}

/// Opens the N5 container of an XML.
///
/// # Errors
/// [`Error::Io`] when it is not there; [`Error::MetadataInvalid`] when a view is neither stored nor
/// listed as missing (with `rescue` it counts as missing), or the views of a setup differ.
pub(super) fn open(
    path: &Path,
    data: &SpimData,
    container: &Path,
    how: &OpenOptions,
) -> Result<BdvDataset> {
    std::fs::read_dir(container).map_err(|e| Error::io(container, "open", e))?;
    let mut opened = BdvDataset { images: Vec::new(), problems: Vec::new(), format: "bdv-n5" };
    for id in data.setups.keys() {
        let mut arrays = Vec::new();
        for timepoint in &data.timepoints {
            let view = ViewKey { timepoint: *timepoint, setup: *id };
            let found = levels_of(&container.join(view_folder(*id, *timepoint)))?;
            let listed = data.missing.contains(&view);
            if found.is_empty() && !listed {
                opened.absent(path, view, how.rescue)?;
            }
            arrays.push(if listed { Vec::new() } else { found });
        }
        let present = arrays.iter().map(|a| !a.is_empty()).collect();
        let stored = stored(container, *id, arrays, how)?;
        opened.add(path, container, data, *id, stored, present)?;
    }
    if opened.images.is_empty() {
        return Err(Error::metadata(path, "no view setup"));
    }
    Ok(opened)
}

/// The arrays `s0`, `s1`, ... of a view.
fn levels_of(view: &Path) -> Result<Vec<N5Array>> {
    let mut levels = Vec::new();
    while levels.len() < MOST_LEVELS
        && let Some(array) = N5Array::open(&view.join(format!("s{}", levels.len())))?
    {
        levels.push(array);
    }
    Ok(levels)
}

/// What the container holds of a setup; `None` when all its views are missing.
fn stored(
    container: &Path,
    id: u64,
    arrays: Vec<Vec<N5Array>>,
    how: &OpenOptions,
) -> Result<Option<StoredViews>> {
    let Some(first) = arrays.iter().find(|a| !a.is_empty()) else { return Ok(None) };
    let bad = |what: &str| Err(Error::metadata(container, format!("setup {id} {what}")));
    let dtype = first[0].attributes.dtype;
    if first.iter().any(|a| a.attributes.lengths.len() != 3 || a.attributes.dtype != dtype) {
        return bad("is not made of arrays of three dimensions and one type");
    }
    let described = |a: &N5Array| {
        (a.attributes.lengths.clone(), a.attributes.block.clone(), a.attributes.dtype)
    };
    let of_first: Vec<_> = first.iter().map(described).collect();
    let same = |a: &Vec<N5Array>| a.is_empty() || a.iter().map(described).eq(of_first.clone());
    if !arrays.iter().all(same) {
        return bad("has views of different shapes, blocks or types");
    }
    let axes = StoredAxes::parse("zyx").expect("three letters");
    let factors = factors(container, id, first)?;
    let levels: Vec<Level> = first.iter().zip(factors).map(|(a, f)| a.level(&axes, f)).collect();
    let chunks = arrays.iter().map(|_| Chunks::new(how.cache.clone(), how.rescue)).collect();
    let stored_dtype = dtype.name().to_owned();
    let folder = container.to_owned();
    let views = Box::new(N5Views { folder, arrays, levels: levels.clone(), axes, chunks });
    Ok(Some(StoredViews { levels, dtype, stored_dtype, views }))
}

/// Factors of level 0 over `z, y, x`: those the setup lists, else those of the lengths.
fn factors(container: &Path, id: u64, levels: &[N5Array]) -> Result<Vec<[f64; 3]>> {
    let setup = read_attributes(&container.join(format!("setup{id}")))?.unwrap_or_default();
    let said = |level: usize| -> Option<[f64; 3]> {
        let list = setup.get("downsamplingFactors")?.get(level)?.as_array()?;
        let [x, y, z] =
            list.iter().map(Value::as_f64).collect::<Option<Vec<_>>>()?.try_into().ok()?;
        [z, y, x].iter().all(|f: &f64| f.is_finite() && *f >= 1.0).then_some([z, y, x])
    };
    let base = &levels[0].attributes.lengths;
    let ratio = |a: &N5Array| {
        std::array::from_fn(|d| (base[d] as f64 / a.attributes.lengths[d] as f64).round().max(1.0))
    };
    Ok(levels.iter().enumerate().map(|(n, a)| said(n).unwrap_or_else(|| ratio(a))).collect())
}

impl Views for N5Views {
    fn read(&self, level: usize, t: u64, region: &Region, out: &mut Pixels) -> Result<ReadStatus> {
        let (path, levels) = (self.folder.as_path(), self.levels.as_slice());
        let arrays = &self.arrays[t as usize];
        let from = ReadFrom { path, dtype: arrays[level].attributes.dtype, levels, level };
        let decode = |place: &Region| arrays[level].read_block(&self.axes, place);
        self.chunks[t as usize].read(&from, region, out, decode)
    }
}
