//! One setup of an HDF5 file: levels, pixels.

use std::collections::HashSet;
use std::sync::Arc;

use hooke_core::{Dtype, Level, Pixels, ReadStatus, Region};

use super::view::{StoredViews, Views};
use crate::chunk_cache::{ChunkCache, ChunkKey};
use crate::hdf5::{Array, Handles, Reading};
use crate::stored_axes::StoredAxes;
use crate::strided::RawSample;
use crate::{Error, Result};

/// The path of a view's pixels at a level.
pub(super) fn cells(timepoint: u64, setup: u64, level: usize) -> String {
    format!("t{timepoint:05}/s{setup:02}/{level}/cells")
}

/// The levels of a setup, and what one of its views looks like at each.
pub(super) struct StoredSetup {
    /// Level 0 first.
    pub levels: Vec<StoredLevel>,
    /// The type pixels are read as.
    pub dtype: Dtype,
    /// The type they are stored as.
    pub stored_dtype: String,
}

pub(super) struct StoredLevel {
    /// Factor of level 0 over `(z, y, x)`.
    pub factors: [f64; 3],
    /// A dataset of the level; the others have its shape and type.
    pub array: Array,
}

impl StoredSetup {
    /// Reads what the file says of a setup, or `None` when it holds none of its views.
    pub fn read(
        handles: &Handles,
        names: &HashSet<String>,
        setup: u64,
        timepoints: &[u64],
    ) -> Result<Option<StoredSetup>> {
        let present = timepoints.iter().find(|t| names.contains(&cells(**t, setup, 0)));
        let Some(timepoint) = present else { return Ok(None) };
        let bad = |what: String| Err(Error::metadata(handles.path(), what));
        let group = format!("s{setup:02}");
        let factors: Vec<f64> = handles
            .run(&format!("dataset `/{group}/resolutions`"), |file| {
                file.dataset(&format!("{group}/resolutions"))?.read_numeric_as::<f64>()
            })?;
        let declared = handles.run(&format!("group `/{group}`"), |file| {
            let group = file.root_group().group(&group)?;
            let named = group.attr_names()?.iter().any(|n| n == "dataType");
            Ok(if named { Some(group.attr_string("dataType")?) } else { None })
        })?;
        if factors.is_empty() || !factors.len().is_multiple_of(3) {
            return bad(format!("`/{group}/resolutions` holds {} numbers", factors.len()));
        }
        let mut levels = Vec::new();
        for (level, xyz) in factors.chunks_exact(3).take(MOST_LEVELS as usize).enumerate() {
            let name = cells(*timepoint, setup, level);
            if level > 0 && !names.contains(&name) {
                break;
            }
            let array = Array::describe(handles, &name)?;
            let Some(mut array) = array.filter(|a| a.lengths.len() == 3 && !a.lengths.contains(&0))
            else {
                return bad(format!("`/{name}` is not an array of three dimensions"));
            };
            array.sample = sample_of(array.sample, declared.as_deref());
            levels.push(StoredLevel { factors: [xyz[2], xyz[1], xyz[0]], array });
        }
        let first = &levels[0].array;
        if levels.iter().any(|l| l.array.sample != first.sample) {
            return bad(format!("the levels of setup {setup} differ in type"));
        }
        let stored_dtype = match (first.sample, declared.as_deref()) {
            (RawSample::Native(Dtype::Uint16), None) => "int16".to_owned(),
            _ => first.stored_dtype(),
        };
        Ok(Some(StoredSetup { dtype: first.dtype(), stored_dtype, levels }))
    }
}

/// Old files hold unsigned samples with the bits of signed ones, and do not say so.
fn sample_of(stored: RawSample, declared: Option<&str>) -> RawSample {
    let unsigned = |d: Dtype| match d {
        Dtype::Int8 => Dtype::Uint8,
        Dtype::Int16 => Dtype::Uint16,
        Dtype::Int32 => Dtype::Uint32,
        Dtype::Int64 => Dtype::Uint64,
        other => other,
    };
    match (stored, declared.map(Dtype::parse)) {
        (RawSample::Native(Dtype::Int16), None) => RawSample::Native(Dtype::Uint16),
        (RawSample::Native(d), Some(Some(wanted))) if unsigned(d) == wanted => {
            RawSample::Native(wanted)
        }
        (stored, _) => stored,
    }
}

/// Levels a file may have; more would mix up keys of the cache.
const MOST_LEVELS: u32 = 64;

/// The views of a setup in an HDF5 file.
struct Hdf5Views {
    handles: Arc<Handles>,
    setup: u64,
    timepoints: Vec<u64>,
    arrays: Vec<Array>,
    axes: StoredAxes,
    cache: Option<Arc<ChunkCache>>,
    source: u64,
}

impl StoredSetup {
    /// The levels and the views behind them.
    pub fn into_views(
        self,
        handles: &Arc<Handles>,
        setup: u64,
        timepoints: &[u64],
        cache: Option<Arc<ChunkCache>>,
    ) -> StoredViews {
        let full = |l: &[u64]| [1, 1, l[0], l[1], l[2]];
        let level = |l: &StoredLevel| Level {
            shape: full(&l.array.lengths),
            factors: l.factors,
            chunk: full(l.array.chunk.as_ref().unwrap_or(&l.array.lengths)),
            shard: None,
            codec: l.array.codec.clone(),
        };
        StoredViews {
            levels: self.levels.iter().map(level).collect(),
            dtype: self.dtype,
            stored_dtype: self.stored_dtype,
            views: Box::new(Hdf5Views {
                handles: Arc::clone(handles),
                setup,
                timepoints: timepoints.to_vec(),
                arrays: self.levels.into_iter().map(|l| l.array).collect(),
                axes: StoredAxes::parse("zyx").expect("three letters"),
                cache,
                source: ChunkCache::new_source(),
            }),
        }
    }
}

impl Views for Hdf5Views {
    fn read(&self, level: usize, t: u64, region: &Region, out: &mut Pixels) -> Result<ReadStatus> {
        let mut array = self.arrays[level].clone();
        array.name = cells(self.timepoints[t as usize], self.setup, level);
        let key = ChunkKey {
            source: self.source,
            level: (t as u32).wrapping_mul(MOST_LEVELS) + level as u32 % MOST_LEVELS,
            chunk: 0,
        };
        let reading = Reading {
            handles: &self.handles,
            axes: &self.axes,
            cache: self.cache.as_deref().map(|cache| (cache, key)),
        };
        array.read(&reading, region, out).map(|()| ReadStatus::Complete)
    }
}
