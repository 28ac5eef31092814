//! One dataset: shape, sample type, chunks, and its regions.

use hooke_core::pixels::Typed;
use hooke_core::{Dtype, Pixels, Region, Sample, dispatch, region};
use rust_hdf5::{DatatypeMessage, H5Type};

use super::Handles;
use crate::chunk_cache::{ChunkCache, ChunkKey};
use crate::stored_axes::StoredAxes;
use crate::strided::{RawSample, half_to_f32, no_region};
use crate::{Error, Result};

/// Largest decoded chunk that is believed; HDF5 itself allows 4 GiB.
const LARGEST_CHUNK: u64 = 1 << 30;
/// A chunk this many times larger than its dataset is damage.
const CHUNK_TO_ARRAY: u64 = 64;

/// A numeric dataset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    /// Full path without the leading `/`.
    pub name: String,
    /// Lengths as stored.
    pub lengths: Vec<u64>,
    /// How samples are stored.
    pub sample: RawSample,
    /// Bits that carry signal; fewer than the samples have for packed cameras.
    pub significant_bits: u32,
    /// Lengths of a chunk, or `None` for contiguous storage.
    pub chunk: Option<Vec<u64>>,
    /// Name of the compression.
    pub codec: String,
    /// A filter that cannot be undone.
    pub unknown_filter: Option<u16>,
}

impl Array {
    /// Describes a dataset, or `None` when it holds no numbers that can be pixels.
    pub fn describe(handles: &Handles, name: &str) -> Result<Option<Array>> {
        let what = format!("dataset `/{name}`");
        let found = handles.run(&what, |file| {
            let dataset = file.dataset(name)?;
            if dataset.is_null() {
                return Ok(None);
            }
            let Some((sample, significant_bits)) = sample_of(&dataset.datatype()?) else {
                return Ok(None);
            };
            let lengths = |n: Vec<usize>| n.into_iter().map(|n| n as u64).collect::<Vec<_>>();
            let filters: Vec<u16> = dataset.filters()?.iter().map(|f| f.id).collect();
            Ok(Some(Array {
                name: name.to_owned(),
                lengths: lengths(dataset.shape()),
                sample,
                significant_bits,
                chunk: dataset.chunk_dims().map(lengths),
                codec: codec_name(&filters),
                unknown_filter: filters.into_iter().find(|id| filter_name(*id).is_none()),
            }))
        })?;
        match &found {
            Some(array) => array.check_sizes(handles).map(|()| found),
            None => Ok(None),
        }
    }

    /// Refuses lengths and chunks that no real file has.
    fn check_sizes(&self, handles: &Handles) -> Result<()> {
        let bad = |what: String| {
            Err(Error::corrupt(handles.path(), format!("dataset `/{}`: {what}", self.name)))
        };
        let bytes =
            |lengths: &[u64]| lengths.iter().try_fold(self.sample.size(), |n, l| n.checked_mul(*l));
        let Some(total) = bytes(&self.lengths) else {
            return bad(format!("shape {:?}", self.lengths));
        };
        let Some(chunk) = &self.chunk else { return Ok(()) };
        match bytes(chunk) {
            Some(one)
                if one <= LARGEST_CHUNK
                    && !chunk.contains(&0)
                    && (one < 1 << 20 || one / CHUNK_TO_ARRAY <= total) =>
            {
                Ok(())
            }
            _ => bad(format!("chunk {chunk:?} for shape {:?}", self.lengths)),
        }
    }

    /// The type pixels are read as.
    pub fn dtype(&self) -> Dtype {
        self.sample.dtype()
    }

    /// numpy's name of the stored type, `uint12` for twelve of sixteen bits.
    pub fn stored_dtype(&self) -> String {
        match self.sample {
            RawSample::Native(d) if self.significant_bits < 8 * d.size() as u32 => {
                format!("uint{}", self.significant_bits)
            }
            other => other.name().to_owned(),
        }
    }

    /// Reads a region into a block of the region's shape.
    pub fn read(&self, reading: &Reading<'_>, region: &Region, out: &mut Pixels) -> Result<()> {
        let shape = reading.axes.spread(&self.lengths, 1);
        let path = reading.handles.path();
        if !region.fits(shape) {
            return Err(no_region(path, region, shape));
        }
        if let Some(id) = self.unknown_filter {
            let what = format!("dataset `/{}`: filter {}", self.name, refused_filter(id));
            let hint = "rewrite it with gzip, e.g. with h5repack -f GZIP=4";
            return Err(Error::unsupported(path, what, hint));
        }
        out.reset(self.dtype(), region.shape);
        if region.is_empty() {
            return Ok(());
        }
        match (&self.chunk, reading.cache) {
            (Some(chunk), Some((cache, key))) => {
                let chunk = reading.axes.spread(chunk, 1);
                self.read_cached(reading, cache, key, chunk, region, out)
            }
            _ => self.read_directly(reading, region, out),
        }
    }

    /// Reads whole chunks into the cache and copies from there.
    fn read_cached(
        &self,
        reading: &Reading<'_>,
        cache: &ChunkCache,
        key: ChunkKey,
        chunk: [u64; 5],
        region: &Region,
        out: &mut Pixels,
    ) -> Result<()> {
        let shape = reading.axes.spread(&self.lengths, 1);
        let counts = region::grid_counts(shape, chunk);
        let first: [u64; 5] = std::array::from_fn(|d| region.start[d] / chunk[d]);
        let last = region.end();
        let touched = std::array::from_fn(|d| last[d].div_ceil(chunk[d]) - first[d]);
        for step in region::grid(touched, [1; 5]) {
            let index: [u64; 5] = std::array::from_fn(|d| first[d] + step.start[d]);
            let number = (0..5).fold(0, |n, d| n * counts[d] + index[d]);
            let area = region::grid_box(shape, chunk, number);
            let key = ChunkKey { chunk: number, ..key };
            let pixels = cache.get_or_read(key, || {
                let mut pixels = Pixels::zeros(self.dtype(), [0; 5]);
                pixels.reset(self.dtype(), area.shape);
                self.read_directly(reading, &area, &mut pixels).map(|()| pixels)
            })?;
            let part = area.intersect(region).expect("the chunk touches the region");
            let to = part.relative_to(region.start).start;
            out.copy_box(to, &pixels, &part.relative_to(area.start));
        }
        Ok(())
    }

    fn read_directly(
        &self,
        reading: &Reading<'_>,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<()> {
        match self.sample {
            RawSample::Native(dtype) => dispatch!(dtype, T => {
                if reading.axes.in_order() {
                    let samples = out.as_mut_slice::<T>().expect("reset to this type");
                    self.read_stored(reading, region, samples)
                } else {
                    self.read_as::<T, T>(reading, region, out, |v| v)
                }
            }),
            RawSample::Half => self.read_as::<u16, f32>(reading, region, out, half_to_f32),
            RawSample::Bool => self.read_as::<u8, u8>(reading, region, out, |v| u8::from(v != 0)),
        }
    }

    /// Reads the samples of a region as they are stored, in stored order.
    fn read_stored<S: H5Type>(
        &self,
        reading: &Reading<'_>,
        region: &Region,
        samples: &mut [S],
    ) -> Result<()> {
        let index = |full: &[u64; 5]| -> Vec<usize> {
            reading.axes.gather(full).into_iter().map(|n| n as usize).collect()
        };
        let (starts, counts) = (index(&region.start), index(&region.shape));
        reading.handles.run(&format!("dataset `/{}`", self.name), |file| {
            file.dataset(&self.name)?.read_slice_into(samples, &starts, &counts)
        })
    }

    /// Reads as stored type `S` and hands on as `T`, turning stored order into `t, c, z, y, x`.
    fn read_as<S: H5Type + Sample, T: Typed>(
        &self,
        reading: &Reading<'_>,
        region: &Region,
        out: &mut Pixels,
        convert: impl Fn(S) -> T,
    ) -> Result<()> {
        let samples = out.as_mut_slice::<T>().expect("reset to this type");
        let mut stored = vec![S::default(); samples.len()];
        self.read_stored(reading, region, &mut stored)?;
        // Where one step along each stored dimension leads in the block.
        let strides: [usize; 5] =
            std::array::from_fn(|d| region.shape[d + 1..].iter().product::<u64>() as usize);
        let steps = reading.axes.gather(&strides);
        let counts = reading.axes.gather(&region.shape);
        let mut place = vec![0u64; counts.len()];
        for value in stored {
            let at: usize = place.iter().zip(&steps).map(|(p, s)| *p as usize * s).sum();
            samples[at] = convert(value);
            for d in (0..place.len()).rev() {
                place[d] += 1;
                if place[d] < counts[d] {
                    break;
                }
                place[d] = 0;
            }
        }
        Ok(())
    }
}

/// What a read needs beside the array.
pub(crate) struct Reading<'a> {
    /// The open file.
    pub handles: &'a Handles,
    /// The axes of the stored dimensions.
    pub axes: &'a StoredAxes,
    /// Where decoded chunks are kept, and the key of this array (its `chunk` is filled in).
    pub cache: Option<(&'a ChunkCache, ChunkKey)>,
}

/// How numbers of a datatype are read, and how many bits carry signal.
fn sample_of(datatype: &DatatypeMessage) -> Option<(RawSample, u32)> {
    match datatype {
        DatatypeMessage::FixedPoint { size, signed, bit_offset: 0, bit_precision, .. } => {
            let full = size.checked_mul(8)?;
            let bits = u32::from(*bit_precision);
            if bits > full || bits == 0 || (*signed && bits < full) {
                return None;
            }
            let kind = if *signed { "int" } else { "uint" };
            let dtype = Dtype::parse(&format!("{kind}{full}"))?;
            Some((RawSample::Native(dtype), bits))
        }
        DatatypeMessage::FloatingPoint {
            size,
            bit_offset: 0,
            bit_precision,
            exponent_size,
            mantissa_size,
            ..
        } => match (size, bit_precision, exponent_size, mantissa_size) {
            (2, 16, 5, 10) => Some((RawSample::Half, 16)),
            (4, 32, 8, 23) => Some((RawSample::Native(Dtype::Float32), 32)),
            (8, 64, 11, 52) => Some((RawSample::Native(Dtype::Float64), 64)),
            _ => None,
        },
        // h5py writes masks as an enumeration of FALSE and TRUE.
        DatatypeMessage::Enum { base, members } => {
            let boolean = members.len() == 2
                && members.iter().any(|m| m.name == "FALSE")
                && members.iter().any(|m| m.name == "TRUE");
            matches!(**base, DatatypeMessage::FixedPoint { size: 1, .. } if boolean)
                .then_some((RawSample::Bool, 1))
        }
        _ => None,
    }
}

/// The type of numbers that are stored as such.
pub(crate) fn dtype_of(datatype: &DatatypeMessage) -> Option<Dtype> {
    match sample_of(datatype)? {
        (RawSample::Native(dtype), bits) if bits == 8 * dtype.size() as u32 => Some(dtype),
        _ => None,
    }
}

/// The filters that can be undone, by HDF5's registered numbers.
fn filter_name(id: u16) -> Option<&'static str> {
    Some(match id {
        1 => "gzip",
        2 => "shuffle",
        3 => "fletcher32",
        4 => "szip",
        5 => "nbit",
        6 => "scaleoffset",
        307 => "bzip2",
        32000 => "lzf",
        32001 => "blosc",
        32004 => "lz4",
        32008 => "bitshuffle",
        32015 => "zstd",
        _ => return None,
    })
}

/// A filter that cannot be undone, with its name where it is known.
fn refused_filter(id: u16) -> String {
    let name = match id {
        32013 => "ZFP",
        32017 => "SZ",
        32018 => "FCIDECOMP",
        32019 => "JPEG",
        32024 => "SZ3",
        32025 => "Delta-Rice",
        32026 => "Blosc2",
        32027 => "FLAC",
        32028 => "SPERR",
        _ => return id.to_string(),
    };
    format!("{id} ({name})")
}

/// The filters that make a dataset smaller, joined; `none` without any.
fn codec_name(filters: &[u16]) -> String {
    let names: Vec<String> = filters
        .iter()
        .filter(|id| !matches!(id, 2 | 3))
        .map(|id| filter_name(*id).map_or_else(|| refused_filter(*id), str::to_owned))
        .collect();
    if names.is_empty() { "none".to_owned() } else { names.join("+") }
}
