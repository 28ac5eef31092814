//! Regions of an image: rows of frames, their components side by side.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use flate2::read::ZlibDecoder;
use hooke_core::image::SourceError;
use hooke_core::meta::PlaneIndex;
use hooke_core::pixels::Typed;
use hooke_core::{ImageMeta, ImageSource, Level, Pixels, ReadStatus, Region};
use rayon::prelude::*;

use super::chunk_map::{ChunkMap, frame_data, read_vec};
use super::experiment::FrameIndex;
use super::picture::Attributes;
use crate::packed::{PackedCache, RowBytes};
use crate::positional::FileBytes;
use crate::strided::no_region;
use crate::{Error, Result};

/// A frame begins with its time.
const TIME: u64 = 8;

/// An opened file.
pub(super) struct Nd2File {
    pub path: PathBuf,
    pub bytes: FileBytes,
    pub map: ChunkMap,
    pub attributes: Attributes,
    pub index: FrameIndex,
    /// Whether frames that are lost become zeros instead of errors.
    pub rescue: bool,
    pub unpacked: PackedCache,
}

/// One stage position.
pub(super) struct Nd2Image {
    pub file: Arc<Nd2File>,
    pub position: u64,
    pub meta: ImageMeta,
    pub levels: [Level; 1],
}

impl ImageSource for Nd2Image {
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

/// The planes of a region that one frame holds.
struct Frame<'a, T> {
    t: u64,
    z: u64,
    /// One per wanted component.
    planes: Vec<&'a mut [T]>,
}

impl Nd2Image {
    fn read_samples<T: Typed>(&self, region: &Region, out: &mut [T]) -> Result<Vec<PlaneIndex>> {
        if region.is_empty() {
            return Ok(Vec::new());
        }
        let [nt, nc, nz, ny, nx] = region.shape;
        let mut planes: Vec<Option<&mut [T]>> =
            out.chunks_exact_mut((ny * nx) as usize).map(Some).collect();
        let mut frames = Vec::new();
        for t in 0..nt {
            for z in 0..nz {
                let slot = |c: u64| ((t * nc + c) * nz + z) as usize;
                let planes = (0..nc).map(|c| planes[slot(c)].take().expect("each is taken once"));
                let planes = planes.collect();
                frames.push(Frame { t: region.start[0] + t, z: region.start[2] + z, planes });
            }
        }
        let read: Vec<Result<bool>> =
            frames.par_iter_mut().map(|frame| self.read_frame(region, frame)).collect();
        let mut missing = Vec::new();
        for (frame, stored) in frames.iter().zip(read) {
            if !stored? {
                let channels = region.start[1]..region.start[1] + nc;
                missing.extend(channels.map(|c| PlaneIndex { t: frame.t, c, z: frame.z }));
            }
        }
        Ok(missing)
    }

    /// Fills the planes of one frame; false when the file does not have it.
    fn read_frame<T: Typed>(&self, region: &Region, frame: &mut Frame<'_, T>) -> Result<bool> {
        let file = &*self.file;
        let number = file.index.frame([frame.t, self.position, frame.z]);
        match file.rows(number, region.start[3], region.shape[3]) {
            Ok(Some(rows)) => {
                let pitch = file.attributes.components as usize;
                let size = T::DTYPE.size();
                let step = rows.pitch as usize;
                let mut row = Vec::new();
                for y in 0..region.shape[3] as usize {
                    let begin = y * step + region.start[4] as usize * pitch * size;
                    let bytes =
                        &rows.bytes.as_slice()[begin..][..region.shape[4] as usize * pitch * size];
                    row.resize(region.shape[4] as usize * pitch, T::default());
                    T::read_le(bytes, &mut row);
                    let width = region.shape[4] as usize;
                    for (c, plane) in frame.planes.iter_mut().enumerate() {
                        let from = row[region.start[1] as usize + c..].iter().step_by(pitch);
                        plane[y * width..][..width].iter_mut().zip(from).for_each(|(o, v)| *o = *v);
                    }
                }
                Ok(true)
            }
            Ok(None) if file.map.searched && !file.rescue => {
                let what = format!("frame {number} is lost: the acquisition did not end properly");
                Err(Error::corrupt(&file.path, what))
            }
            Err(error) if !(file.rescue && error.is_damage()) => Err(error),
            Ok(None) | Err(_) => {
                frame.planes.iter_mut().for_each(|p| p.fill(T::default()));
                Ok(false)
            }
        }
    }
}

/// Some rows of a frame, and bytes from one to the next.
struct Rows {
    bytes: RowBytes,
    pitch: u64,
}

impl Nd2File {
    /// Rows of a frame; `None` when it is not stored.
    fn rows(&self, number: u64, first: u64, count: u64) -> Result<Option<Rows>> {
        let Some(&place) = self.map.frames.get(&number) else { return Ok(None) };
        let a = &self.attributes;
        let (data, bytes) = frame_data(&self.path, &self.bytes, place, number)?;
        if a.packed {
            let frame = self.unpacked.get_or_unpack(place, || self.unpack(number, data, bytes))?;
            // Rows are mostly packed without their padding.
            let tight = frame.len() as u64 == a.tight_row() * a.height;
            let pitch = if tight { a.tight_row() } else { a.row_bytes };
            let bytes = RowBytes::Shared(frame, (first * pitch) as usize);
            return Ok(Some(Rows { bytes, pitch }));
        }
        let wanted = TIME + a.frame_bytes();
        if bytes < wanted {
            return Err(Error::Truncated {
                path: self.path.clone(),
                what: format!("frame {number}"),
                expected: wanted,
                found: bytes,
            });
        }
        let size = a.row_bytes * (count - 1) + a.tight_row();
        let rows = read_vec(&self.path, &self.bytes, data + TIME + first * a.row_bytes, size)?;
        Ok(Some(Rows { bytes: RowBytes::Own(rows), pitch: a.row_bytes }))
    }

    fn unpack(&self, number: u64, data: u64, bytes: u64) -> Result<Vec<u8>> {
        let a = &self.attributes;
        let corrupt = |what: String| Error::corrupt(&self.path, format!("frame {number}: {what}"));
        let packed = bytes.checked_sub(TIME);
        let packed = packed.ok_or_else(|| corrupt(format!("claims {bytes} bytes")))?;
        let source = read_vec(&self.path, &self.bytes, data + TIME, packed)?;
        let most = a.row_bytes * a.height;
        let mut unpacked = Vec::new();
        let mut decoder = ZlibDecoder::new(source.as_slice()).take(most + 1);
        decoder.read_to_end(&mut unpacked).map_err(|e| corrupt(e.to_string()))?;
        let found = unpacked.len() as u64;
        let tight = found == a.tight_row() * a.height;
        if !tight && (found > most || found < a.frame_bytes()) {
            return Err(corrupt(format!("unpacks to {found} bytes, wanted {most}")));
        }
        Ok(unpacked)
    }
}
