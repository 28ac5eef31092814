//! The voxels of a set's tiles, read from their files box by box.

use std::sync::Arc;

use hooke_core::pixels::Typed;
use hooke_core::{Dtype, Pixels, Progress, Region, Sample, TileError, TilePixels, dispatch};
use hooke_io::ChunkCache;
use hooke_tileset::TilesetError;
use hooke_tileset::tile_view::{Flipped, Strided};
use thiserror::Error;

use super::set::TileSet;
use crate::engine::BlockError;
use crate::image_output::space;
use crate::open_files::OpenFiles;

/// Reads the tiles of a set; files are opened when first asked for.
pub(super) struct SetReader<'a> {
    set: &'a TileSet,
    open: OpenFiles,
    full_shapes: Vec<[u64; 3]>,
    shapes: Vec<[u64; 3]>,
}

/// How a sample of another type than asked for is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taking {
    /// As it is; a value that does not fit is an error.
    Exact,
    /// The nearest value of the type.
    Nearest,
    /// 1 where it is not 0, NaN too.
    Set,
}

/// The run was asked to stop.
#[derive(Debug, Error)]
#[error("stopped")]
struct Stopped;

impl<'a> SetReader<'a> {
    pub fn new(set: &'a TileSet, cache: Arc<ChunkCache>) -> SetReader<'a> {
        SetReader {
            set,
            open: OpenFiles::new(cache),
            full_shapes: set.tiles.iter().map(|t| t.full_shape).collect(),
            shapes: set.shapes(),
        }
    }

    /// The set.
    pub fn set(&self) -> &'a TileSet {
        self.set
    }

    /// The tiles as samples of one type.
    pub fn tiles(&self, taking: Taking) -> SetPixels<'_> {
        SetPixels { reader: self, taking, progress: None }
    }

    /// Reads a box of a tile as it lies in its file.
    fn stored(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        pixels: &mut Pixels,
    ) -> Result<(), TileError> {
        let fail = |source: Box<dyn std::error::Error + Send + Sync>| TileError { tile, source };
        let of = self.set.tiles.get(tile).ok_or_else(|| fail("there is no such tile".into()))?;
        let image = self.open.image(&of.file, of.series).map_err(|e| fail(e.into()))?;
        let now = image.meta();
        let shape_now = [now.shape[2], now.shape[3], now.shape[4]];
        if (shape_now, now.dtype) != (of.full_shape, of.dtype) {
            let path = of.file.path.display();
            return Err(fail(format!("{path}: changed since it was opened").into()));
        }
        let [z, y, x] = start.map(|n| n as u64);
        let lengths = shape.map(|n| n as u64);
        let first = [self.set.t, of.channel, z, y, x];
        let region = Region::new(first, [1, 1, lengths[0], lengths[1], lengths[2]]);
        image.read(0, &region, pixels).map_err(|source| TileError { tile, source })?;
        Ok(())
    }
}

/// The tiles of a set in one sample type, with steps and reversals.
#[derive(Clone, Copy)]
pub(super) struct SetPixels<'a> {
    reader: &'a SetReader<'a>,
    taking: Taking,
    progress: Option<&'a dyn Progress>,
}

impl<'a> SetPixels<'a> {
    /// Tells how many voxels were read, and stops when asked to.
    pub fn watched(self, progress: &'a dyn Progress) -> SetPixels<'a> {
        SetPixels { progress: Some(progress), ..self }
    }

    /// Reads a box of a tile, one frame and one channel.
    pub fn load<T: Sample + Typed>(
        &self,
        tile: usize,
        region: &Region,
        out: &mut Vec<T>,
    ) -> Result<(), TilesetError> {
        let (start, shape) = space(region);
        Ok(self.read(tile, start, shape, out)?)
    }

    /// The same in a block.
    pub fn get<T: Sample + Typed>(
        &self,
        tile: usize,
        region: &Region,
        out: &mut Vec<T>,
    ) -> Result<(), BlockError> {
        self.load(tile, region, out).map_err(block_error)
    }
}

/// The tiles as they lie in their files, in one type.
struct AsStored<'a>(SetPixels<'a>);

thread_local! {
    /// A block of another type than asked for, reused. It is taken out while in use, since a thread
    /// that waits for a read may begin another.
    static BLOCK: std::cell::Cell<Option<Pixels>> = const { std::cell::Cell::new(None) };
}

impl<T: Sample + Typed> TilePixels<T> for AsStored<'_> {
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<T>,
    ) -> Result<(), TileError> {
        let SetPixels { reader, taking, .. } = self.0;
        let stored = reader.set.tiles.get(tile).map(|t| t.dtype);
        if stored == Some(T::DTYPE) && taking != Taking::Set {
            // The caller's buffer becomes the block and comes back: nothing is copied twice.
            let mut block = Pixels::from_vec([1, 1, 1, 1, out.len() as u64], std::mem::take(out));
            reader.stored(tile, start, shape, &mut block)?;
            *out = block.into_vec::<T>().unwrap_or_default();
            return Ok(());
        }
        let mut block = BLOCK.take().unwrap_or_else(|| Pixels::zeros(Dtype::Uint8, [0; 5]));
        reader.stored(tile, start, shape, &mut block)?;
        let converted = convert(&block, taking, out);
        BLOCK.set(Some(block));
        converted.map_err(|source| TileError { tile, source })
    }
}

impl<T: Sample + Typed> TilePixels<T> for SetPixels<'_> {
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<T>,
    ) -> Result<(), TileError> {
        if self.progress.is_some_and(Progress::is_cancelled) {
            return Err(TileError { tile, source: Box::new(Stopped) });
        }
        let (reader, set) = (self.reader, self.reader.set);
        let stored = AsStored(*self);
        let strided = Strided {
            tiles: &stored,
            shapes: &reader.full_shapes,
            step: set.step.map(|s| s as usize),
        };
        let plain: &dyn TilePixels<T> = if set.step == [1; 3] { &stored } else { &strided };
        match set.flip.contains(&true) {
            true => Flipped { tiles: plain, shapes: &reader.shapes, axes: set.flip }
                .read(tile, start, shape, out)?,
            false => plain.read(tile, start, shape, out)?,
        }
        if let Some(progress) = self.progress {
            progress.advance(out.len() as u64, (out.len() * T::DTYPE.size()) as u64);
        }
        Ok(())
    }
}

fn convert<T: Sample>(
    block: &Pixels,
    taking: Taking,
    out: &mut Vec<T>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    out.clear();
    dispatch!(block.dtype(), S => {
        let values = block.as_slice::<S>().unwrap_or_default();
        match taking {
            Taking::Set => {
                let set = |v: &S| T::from_f64(f64::from(u8::from(*v != S::default())));
                out.extend(values.iter().map(set));
            }
            Taking::Nearest => out.extend(values.iter().map(|v| T::from_f64(v.to_f64()))),
            Taking::Exact => {
                for value in values {
                    out.push(exactly(*value).ok_or_else(|| refused(*value, T::DTYPE))?);
                }
            }
        }
    });
    Ok(())
}

/// The same number in another type.
fn exactly<S: Sample, T: Sample>(value: S) -> Option<T> {
    let Some(integer) = value.to_i128() else {
        let same = T::from_f64(value.to_f64());
        return (same.to_f64() == value.to_f64()).then_some(same);
    };
    // f64 holds 53 bits: two halves are exact, and so is their sum in a type that holds it.
    let small = T::from_f64(value.to_f64());
    if small.to_i128() == Some(integer) {
        return Some(small);
    }
    let bytes = u64::try_from(integer).ok()?.to_le_bytes();
    let mut wide = [T::default()];
    (T::DTYPE == Dtype::Uint64).then(|| T::read_le(&bytes, &mut wide))?;
    Some(wide[0])
}

fn refused<S: Sample>(value: S, wanted: Dtype) -> Box<dyn std::error::Error + Send + Sync> {
    match value.to_i128() {
        Some(v) if v < 0 => format!("labels must be integers >= 0; found {v}").into(),
        _ => format!("{value:?} does not fit {wanted}").into(),
    }
}

/// Sorts the error of a method: a run that was asked to stop did not fail.
pub(super) fn block_error(error: TilesetError) -> BlockError {
    match &error {
        TilesetError::Tile(tile) if tile.source.is::<Stopped>() => BlockError::Cancelled,
        _ => BlockError::classify(error.into()),
    }
}
