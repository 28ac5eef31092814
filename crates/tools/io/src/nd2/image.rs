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

use super::chunk_map::{ChunkMap, frame_data, read};
use super::experiment::FrameIndex;
use super::picture::Attributes;
use crate::positional::{FileBytes, ReadAt};
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
            let what = format!("region {region:?} of level {level} in shape {:?}", self.meta.shape);
            return Err(Error::NotThere { path: self.file.path.clone(), what }.into());
        }
        out.reset(self.meta.dtype, region.shape);
        let missing = hooke_core::dispatch!(self.meta.dtype, T => {
            self.read_samples(region, out.as_mut_slice::<T>().expect("reset to this dtype"))?
        });
        Ok(if missing.is_empty() {
            ReadStatus::Complete
        } else {
            ReadStatus::MissingFilled(missing)
        })
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
                    let bytes = &rows.bytes[begin..][..region.shape[4] as usize * pitch * size];
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

/// Some rows of a frame.
struct Rows {
    bytes: Vec<u8>,
    /// Bytes from one row to the next.
    pitch: u64,
}

impl Nd2File {
    /// Rows of a frame; `None` when it is not stored.
    fn rows(&self, number: u64, first: u64, count: u64) -> Result<Option<Rows>> {
        let Some(&place) = self.map.frames.get(&number) else { return Ok(None) };
        let a = &self.attributes;
        let (data, bytes) = frame_data(&self.path, &self.bytes, place, number)?;
        if a.packed {
            return self.unpack(number, data, bytes, first, count).map(Some);
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
        let mut rows = vec![0; (a.row_bytes * (count - 1) + a.tight_row()) as usize];
        read(&self.path, &self.bytes, &mut rows, data + TIME + first * a.row_bytes)?;
        Ok(Some(Rows { bytes: rows, pitch: a.row_bytes }))
    }

    fn unpack(&self, number: u64, data: u64, bytes: u64, first: u64, count: u64) -> Result<Rows> {
        let a = &self.attributes;
        let corrupt = |what: String| Error::corrupt(&self.path, format!("frame {number}: {what}"));
        let left = self.bytes.size().saturating_sub(data);
        let packed = bytes.checked_sub(TIME).filter(|_| bytes <= left);
        let packed = packed.ok_or_else(|| corrupt(format!("claims {bytes} bytes")))?;
        let mut source = vec![0; packed as usize];
        read(&self.path, &self.bytes, &mut source, data + TIME)?;
        // Rows are mostly packed without their padding.
        let most = a.row_bytes * a.height;
        let mut unpacked = Vec::new();
        let mut decoder = ZlibDecoder::new(source.as_slice()).take(most + 1);
        decoder.read_to_end(&mut unpacked).map_err(|e| corrupt(e.to_string()))?;
        let found = unpacked.len() as u64;
        let pitch = if found == a.tight_row() * a.height { a.tight_row() } else { a.row_bytes };
        if found > most || found < pitch * (a.height - 1) + a.tight_row() {
            return Err(corrupt(format!("unpacks to {found} bytes, wanted {most}")));
        }
        unpacked.drain(..(first * pitch) as usize);
        unpacked.truncate((pitch * (count - 1) + a.tight_row()) as usize);
        Ok(Rows { bytes: unpacked, pitch })
    }
}
