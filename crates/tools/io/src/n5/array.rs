//! Regions of an array.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hooke_core::pixels::Typed;
use hooke_core::{Axis, Level, Pixels, Region};

use super::attributes::{self, Attributes};
use super::block::Block;
use crate::stored_axes::StoredAxes;
use crate::strided::dense_strides;
use crate::{Error, Result};

/// What a packed block may be longer than its samples.
const OVERHEAD: u64 = 1 << 16;

/// An array in a folder.
#[derive(Debug, Clone)]
pub(crate) struct N5Array {
    pub folder: PathBuf,
    pub attributes: Attributes,
}

impl N5Array {
    /// Opens the array in a folder, or `None` when there is none.
    ///
    /// # Errors
    /// [`Error::MetadataInvalid`] for contradictions, [`Error::Unsupported`] for types and
    /// compressions that are not read.
    pub fn open(folder: &Path) -> Result<Option<N5Array>> {
        let Some(map) = attributes::read(folder)?.filter(attributes::is_array) else {
            return Ok(None);
        };
        let attributes = Attributes::parse(&map).map_err(|(what, legal)| match legal {
            true => Error::unsupported(folder, what, ""),
            false => Error::metadata(folder, what),
        })?;
        Ok(Some(N5Array { folder: folder.to_owned(), attributes }))
    }

    /// The array as a level of an image with these axes.
    pub fn level(&self, axes: &StoredAxes, factors: [f64; 3]) -> Level {
        Level {
            shape: axes.spread(&self.attributes.lengths, 1),
            factors,
            chunk: axes.spread(&self.attributes.block, 1),
            shard: None,
            codec: self.attributes.packing.name().to_owned(),
        }
    }

    /// The samples of one box of the chunk grid, clipped at the array's end; 0 where no block is.
    ///
    /// # Errors
    /// [`Error::Corrupt`] naming the block; [`Error::Io`].
    pub fn read_block(&self, axes: &StoredAxes, place: &Region) -> Result<Pixels> {
        let a = &self.attributes;
        let starts = axes.gather(&place.start);
        let key: Vec<String> =
            starts.iter().zip(&a.block).rev().map(|(s, b)| (s / b).to_string()).collect();
        let key = key.join("/");
        let path = self.folder.join(&key);
        let mut out = Pixels::zeros(a.dtype, place.shape);
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(out);
            }
            Err(e) => return Err(Error::io(path, "open", e)),
        };
        let corrupt = |what: String| {
            Error::corrupt(&self.folder, format!("block {key} does not decode: {what}"))
        };
        let size = a.dtype.size() as u64;
        let raw = a.block.iter().product::<u64>() * size;
        let limit = raw + raw / 2 + OVERHEAD;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(file, limit + 1), &mut bytes)
            .map_err(|e| Error::io(&path, "read", e))?;
        if bytes.len() as u64 > limit {
            return Err(corrupt(format!("it has more than {limit} bytes")));
        }
        let block = Block::read(&bytes, a.packing, size, &a.block).map_err(corrupt)?;
        drop(bytes);
        hooke_core::dispatch!(a.dtype, T => copy::<T>(&block, axes.order(), &mut out));
        Ok(out)
    }
}

/// Puts what a block and its place have in common where it belongs.
fn copy<T: Typed>(block: &Block, axes: &[Axis], out: &mut Pixels) {
    let shape = out.shape();
    let strides = dense_strides(&shape).expect("the place is in memory");
    let strides: Vec<usize> = axes.iter().map(|a| strides[a.index()] as usize).collect();
    // Blocks at the end are stored clipped, or whole.
    let common: Vec<usize> =
        axes.iter().zip(&block.lengths).map(|(a, n)| (*n).min(shape[a.index()]) as usize).collect();
    if common.contains(&0) {
        return;
    }
    let last = axes.len() - 1;
    let mut row = vec![T::default(); common[last]];
    let samples = out.as_mut_slice::<T>().expect("made with this type");
    let rows: usize = common[..last].iter().product();
    for number in 0..rows {
        let (mut rest, mut from, mut to, mut pitch) = (number, 0, 0, block.lengths[last] as usize);
        for d in (0..last).rev() {
            let at = rest % common[d];
            rest /= common[d];
            from += at * pitch;
            to += at * strides[d];
            pitch *= block.lengths[d] as usize;
        }
        let begin = from * size_of::<T>();
        T::read_be(&block.bytes[begin..begin + size_of_val(&row[..])], &mut row);
        if strides[last] == 1 {
            samples[to..to + row.len()].copy_from_slice(&row);
        } else {
            for (x, value) in row.iter().enumerate() {
                samples[to + x * strides[last]] = *value;
            }
        }
    }
}
