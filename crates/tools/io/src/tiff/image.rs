//! An image of a TIFF file: regions read in parallel, only the strips and tiles that they touch.

use std::cell::RefCell;

use hooke_core::image::SourceError;
use hooke_core::meta::PlaneIndex;
use hooke_core::pixels::Typed;
use hooke_core::{ImageMeta, ImageSource, Level, Pixels, ReadStatus, Region};
use rayon::prelude::*;

use super::chunk::{Scratch, Target, read_band};
use super::planes::{Plane, Planes};
use crate::{Error, Result};

/// An image of a TIFF file.
pub struct TiffImage {
    pub(super) meta: ImageMeta,
    pub(super) levels: Vec<Level>,
    pub(super) planes: Planes,
    /// Planes of smaller levels that are pages of their own; empty where they are sub-directories.
    pub(super) reduced: Vec<Planes>,
    /// Samples per pixel: the channel `c` is sample `c % samples` of page `c / samples`.
    pub(super) samples: u64,
    /// Damaged chunks become zeros and are listed.
    pub(super) rescue: bool,
}

/// Rows of one chunk row of one plane, and where their samples go.
struct Band<'a, T> {
    plane: Plane,
    position: PlaneIndex,
    rows: std::ops::Range<u64>,
    targets: Vec<Target<'a, T>>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl ImageSource for TiffImage {
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
        let shape = self.levels.get(level).map(|l| l.shape);
        if !shape.is_some_and(|s| region.fits(s)) {
            let what = format!("region {region:?} in level {level} of shape {shape:?}");
            return Err(Error::NotThere { path: self.meta.name.clone().into(), what }.into());
        }
        out.reset(self.meta.dtype, region.shape);
        let missing = hooke_core::dispatch!(self.meta.dtype, T => {
            let samples = out.as_mut_slice::<T>().expect("reset to this dtype");
            self.read_samples(level, region, samples)?
        });
        Ok(ReadStatus::of(missing))
    }
}

impl TiffImage {
    fn read_samples<T: Typed>(
        &self,
        level: usize,
        region: &Region,
        out: &mut [T],
    ) -> Result<Vec<PlaneIndex>> {
        if region.is_empty() {
            return Ok(Vec::new());
        }
        let columns = region.start[4]..region.end()[4];
        let (mut bands, mut missing) = self.bands(level, region, out)?;
        let results: Vec<Result<Option<PlaneIndex>>> = bands
            .par_iter_mut()
            .map(|band| {
                let read = SCRATCH.with_borrow_mut(|scratch| {
                    let result = read_band(
                        &band.plane,
                        band.rows.clone(),
                        columns.clone(),
                        &mut band.targets,
                        scratch,
                    );
                    scratch.shrink();
                    result
                });
                match read {
                    Err(error) if self.rescue && error.is_damage() => {
                        band.targets.iter_mut().for_each(|t| t.out.fill(T::default()));
                        Ok(Some(band.position))
                    }
                    Err(error) => Err(in_plane(error, band.position)),
                    Ok(()) => Ok(None),
                }
            })
            .collect();
        for result in results {
            missing.extend(result?);
        }
        Ok(missing)
    }

    /// Cuts the output into the bands that can be filled independently; absent planes are zeroed.
    fn bands<'a, T: Typed>(
        &self,
        level: usize,
        region: &Region,
        out: &'a mut [T],
    ) -> Result<(Vec<Band<'a, T>>, Vec<PlaneIndex>)> {
        let (start, [nt, nc, nz, ny, nx]) = (region.start, region.shape);
        let mut slices: Vec<Option<&mut [T]>> =
            out.chunks_exact_mut((ny * nx) as usize).map(Some).collect();
        let (mut bands, mut missing) = (Vec::new(), Vec::new());
        for t in 0..nt {
            for z in 0..nz {
                let mut c = 0;
                while c < nc {
                    let page = (start[1] + c) / self.samples;
                    let last = ((page + 1) * self.samples - start[1]).min(nc);
                    let targets: Vec<Target<'a, T>> = (c..last)
                        .map(|c| {
                            let slot = ((t * nc + c) * nz + z) as usize;
                            let out = slices[slot].take().expect("each plane is taken once");
                            Target { sample: (start[1] + c) % self.samples, out }
                        })
                        .collect();
                    let position = [start[0] + t, page, start[2] + z];
                    let index = |c| PlaneIndex { t: position[0], c, z: position[2] };
                    match self.plane(level, position) {
                        Ok(Some(plane)) => {
                            let rows = start[3]..start[3] + ny;
                            cut(plane, index(start[1] + c), rows, nx as usize, targets, &mut bands);
                        }
                        Err(e) if !(self.rescue && e.is_damage()) => {
                            return Err(in_plane(e, index(start[1] + c)));
                        }
                        Ok(None) | Err(_) => {
                            targets.into_iter().for_each(|t| t.out.fill(T::default()));
                            missing.extend((start[1] + c..start[1] + last).map(index));
                        }
                    }
                    c = last;
                }
            }
        }
        Ok((bands, missing))
    }

    /// The plane of a level; `position` counts pages along c.
    pub(super) fn plane(&self, level: usize, position: [u64; 3]) -> Result<Option<Plane>> {
        let own = level.checked_sub(1).and_then(|l| self.reduced.get(l));
        let Some(mut plane) = own.unwrap_or(&self.planes).locate(position)? else {
            return Ok(None);
        };
        if level > 0 && own.is_none() {
            let sub = plane.page.sub_ifds.get(level - 1).copied();
            let offset = sub.ok_or_else(|| plane.file.corrupt(format!("no level {level}")))?;
            plane.page = plane.file.page(offset)?;
        }
        let (layout, shape) = (&plane.page.layout, self.levels[level].shape);
        let same = (layout.width, layout.height) == (shape[4], shape[3])
            && (layout.samples, layout.dtype) == (self.samples, self.meta.dtype);
        if !same {
            let (found, dtype) = (layout.describe(), self.meta.dtype);
            let what = format!("level {level} is {} x {} of {dtype}", shape[4], shape[3]);
            return Err(plane.file.corrupt(format!("a page holds {found}, but {what}")));
        }
        Ok(Some(plane))
    }
}

/// Cuts the rows of a plane at the borders of its chunks.
fn cut<'a, T>(
    plane: Plane,
    position: PlaneIndex,
    rows: std::ops::Range<u64>,
    columns: usize,
    mut targets: Vec<Target<'a, T>>,
    bands: &mut Vec<Band<'a, T>>,
) {
    let step = plane.page.layout.chunk[0];
    let mut y = rows.start;
    while y < rows.end {
        let end = ((y / step + 1) * step).min(rows.end);
        let take = (end - y) as usize * columns;
        let mut part = Vec::with_capacity(targets.len());
        for target in &mut targets {
            let (head, tail) = std::mem::take(&mut target.out).split_at_mut(take);
            part.push(Target { sample: target.sample, out: head });
            target.out = tail;
        }
        bands.push(Band { plane: plane.clone(), position, rows: y..end, targets: part });
        y = end;
    }
}

/// Names the plane in errors about its bytes.
fn in_plane(error: Error, at: PlaneIndex) -> Error {
    let name = |what: String| format!("plane t={} c={} z={}: {what}", at.t, at.c, at.z);
    match error {
        Error::Corrupt { path, what } => Error::Corrupt { path, what: name(what) },
        Error::Truncated { path, what, expected, found } => {
            Error::Truncated { path, what: name(what), expected, found }
        }
        other => other,
    }
}
