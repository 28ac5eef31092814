//! Regions of an image: each plane is one sub-block, or several side by side.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::meta::PlaneIndex;
use hooke_core::pixels::Typed;
use hooke_core::{ImageMeta, ImageSource, Level, Pixels, ReadStatus, Region};
use rayon::prelude::*;

use super::codec::{Packing, PixelType, unpack};
use super::segments::{HEADER, bytes_at, head_at, int, long};
use crate::packed::{PackedCache, RowBytes};
use crate::positional::FileBytes;
use crate::strided::no_region;
use crate::{Error, Result};

/// An opened file.
pub(super) struct CziFile {
    pub path: PathBuf,
    pub bytes: FileBytes,
    /// Whether damaged sub-blocks become zeros instead of errors.
    pub rescue: bool,
    pub unpacked: PackedCache,
}

/// A rectangle of a plane, over `y, x`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    /// Place of its segment, and bytes from there to its own metadata.
    pub place: u64,
    pub head: u64,
    pub packing: Packing,
    pub start: [u64; 2],
    pub shape: [u64; 2],
}

/// One scene, or one tile of it.
pub(super) struct CziImage {
    pub file: Arc<CziFile>,
    pub meta: ImageMeta,
    pub pixel: PixelType,
    /// By time, stored channel, depth; later ones lie over earlier ones.
    pub parts: BTreeMap<[u64; 3], Vec<Part>>,
    pub levels: [Level; 1],
}

impl ImageSource for CziImage {
    fn meta(&self) -> &ImageMeta {
        &self.meta
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    fn read(
        &self,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<ReadStatus, SourceError> {
        if level != 0 || !region.fits(self.meta.shape) {
            return Err(no_region(&self.file.path, region, self.meta.shape).into());
        }
        out.reset(self.meta.dtype, region.shape);
        let missing = hooke_core::dispatch!(self.meta.dtype, T => {
            self.read_samples(region, out.as_mut_slice::<T>().expect("reset to this dtype"))?
        });
        Ok(ReadStatus::of(missing))
    }
}

impl CziImage {
    fn read_samples<T: Typed>(&self, region: &Region, out: &mut [T]) -> Result<Vec<PlaneIndex>> {
        if region.is_empty() {
            return Ok(Vec::new());
        }
        let [_, nc, nz, ny, nx] = region.shape;
        let read: Vec<Result<Option<PlaneIndex>>> = out
            .par_chunks_exact_mut((ny * nx) as usize)
            .enumerate()
            .map(|(i, plane)| {
                let i = i as u64;
                let at = PlaneIndex {
                    t: region.start[0] + i / (nc * nz),
                    c: region.start[1] + i / nz % nc,
                    z: region.start[2] + i % nz,
                };
                plane.fill(T::default());
                let whole = self.read_plane(region, at, plane)?;
                Ok((!whole).then_some(at))
            })
            .collect();
        read.into_iter().filter_map(Result::transpose).collect()
    }

    /// Fills one plane from its parts; false when something of it is not there.
    fn read_plane<T: Typed>(&self, region: &Region, at: PlaneIndex, out: &mut [T]) -> Result<bool> {
        let samples = self.pixel.samples;
        let Some(parts) = self.parts.get(&[at.t, at.c / samples, at.z]) else { return Ok(false) };
        // Blue comes first.
        let sample = samples - 1 - at.c % samples;
        let mut whole = true;
        for part in parts {
            match self.read_part(region, part, sample, out) {
                Ok(()) => {}
                Err(error) if self.file.rescue && error.is_damage() => whole = false,
                Err(error) => return Err(error),
            }
        }
        Ok(whole)
    }

    fn read_part<T: Typed>(
        &self,
        region: &Region,
        part: &Part,
        sample: u64,
        out: &mut [T],
    ) -> Result<()> {
        let (start, wanted) =
            ([region.start[3], region.start[4]], [region.shape[3], region.shape[4]]);
        let low: [u64; 2] = std::array::from_fn(|d| start[d].max(part.start[d]));
        let high: [u64; 2] =
            std::array::from_fn(|d| (start[d] + wanted[d]).min(part.start[d] + part.shape[d]));
        if (0..2).any(|d| low[d] >= high[d]) {
            return Ok(());
        }
        let rows =
            self.file.rows(part, self.pixel, low[0] - part.start[0]..high[0] - part.start[0])?;
        let pixel = self.pixel.bytes() as usize;
        let pitch = part.shape[1] as usize * pixel;
        let (width, step) = ((high[1] - low[1]) as usize, self.pixel.samples as usize);
        let mut row = vec![T::default(); width * step];
        for y in low[0]..high[0] {
            let from = (y - low[0]) as usize * pitch + (low[1] - part.start[1]) as usize * pixel;
            T::read_le(&rows.as_slice()[from..][..width * pixel], &mut row);
            let to = ((y - start[0]) * wanted[1] + low[1] - start[1]) as usize;
            let values = row[sample as usize..].iter().step_by(step);
            out[to..][..width].iter_mut().zip(values).for_each(|(o, v)| *o = *v);
        }
        Ok(())
    }
}

impl CziFile {
    /// Bytes of some rows of a part.
    fn rows(&self, part: &Part, pixel: PixelType, rows: std::ops::Range<u64>) -> Result<RowBytes> {
        let (path, file) = (&self.path, &self.bytes);
        let corrupt = |what: String| {
            Error::corrupt(path, format!("the sub-block at byte {}: {what}", part.place))
        };
        let (name, used) = head_at(path, file, part.place)?;
        if !name.starts_with(b"ZISRAWSUBBLOCK") {
            return Err(corrupt("is none".to_owned()));
        }
        let sizes = bytes_at(path, file, part.place + HEADER, 16)?;
        let metadata = u64::try_from(int(&sizes, 0))
            .map_err(|_| corrupt("lies about its metadata".to_owned()))?;
        let stored = long(&sizes, 8);
        let begin = part.place + part.head + metadata;
        if stored > used {
            return Err(corrupt(format!("claims {stored} bytes of pixels in {used}")));
        }
        let row = part.shape[1] * pixel.bytes();
        let wanted =
            row.checked_mul(part.shape[0]).ok_or_else(|| corrupt("is too large".to_owned()))?;
        if part.packing == Packing::None {
            if stored < wanted {
                return Err(corrupt(format!("has {stored} bytes of pixels, wanted {wanted}")));
            }
            let count = (rows.end - rows.start) * row;
            return Ok(RowBytes::Own(bytes_at(path, file, begin + rows.start * row, count)?));
        }
        let whole = self.unpacked.get_or_unpack(part.place, || {
            let packed = bytes_at(path, file, begin, stored)?;
            unpack(part.packing, &packed, wanted).map_err(corrupt)
        })?;
        Ok(RowBytes::Shared(whole, (rows.start * row) as usize))
    }
}
