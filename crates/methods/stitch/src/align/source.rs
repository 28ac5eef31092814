//! Voxels of a tile as the measurement sees them: clipped, corrected, stabilised.

use ndarray::Array2;

use super::error::AlignError;
use super::geometry::Span;
use super::params::Clip;
use super::statistics::{FixedPattern, SharedStatistics, TileLevels};
use crate::layout::{Layout, Tile};
use crate::tile_pixels::{TileError, TilePixels};

/// Dark and flat images over `(y, x)`: voxels become `(v - dark) / flat`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Correction {
    /// Subtracted from every plane.
    pub dark: Option<Array2<f32>>,
    /// Divides every plane; 0 makes the voxel unknown.
    pub flat: Option<Array2<f32>>,
}

impl Correction {
    /// Checks that both images have the shape of the tiles' planes.
    ///
    /// # Errors
    /// [`AlignError::CorrectionShape`].
    pub fn validate(&self, layout: &Layout) -> Result<(), AlignError> {
        for (what, image) in [("dark", &self.dark), ("flat", &self.flat)] {
            let Some(image) = image else { continue };
            for tile in &layout.tiles {
                let expected = [tile.shape[1] as usize, tile.shape[2] as usize];
                let found = [image.nrows(), image.ncols()];
                if found != expected {
                    return Err(AlignError::CorrectionShape {
                        what,
                        tile: tile.id,
                        found,
                        expected,
                    });
                }
            }
        }
        Ok(())
    }
}

/// Something that gives boxes of corrected voxels, and stabilises their variance.
pub(crate) trait Voxels {
    /// Reads a box that lies inside; unknown voxels are NaN.
    fn read(&self, span: &Span, out: &mut Vec<f32>) -> Result<(), TileError>;
    /// Makes the noise independent of the signal; not finite values become NaN.
    fn stabilise(&self, values: &mut [f32]);
    /// Lengths of the whole.
    fn shape(&self) -> [i64; 3];
    /// The level that is subtracted before the square root.
    fn floor(&self) -> f32;
}

/// One tile, read through its corrections.
pub(crate) struct TileVoxels<'a> {
    pub tile: &'a Tile,
    pub pixels: &'a dyn TilePixels<f32>,
    pub clip: Option<Clip>,
    pub correction: &'a Correction,
    pub pattern: Option<&'a FixedPattern>,
    pub levels: TileLevels,
}

impl<'a> TileVoxels<'a> {
    pub fn new(
        tile: &'a Tile,
        pixels: &'a dyn TilePixels<f32>,
        clip: Option<Clip>,
        correction: &'a Correction,
        statistics: &'a SharedStatistics,
    ) -> TileVoxels<'a> {
        let plane = [tile.shape[1] as usize, tile.shape[2] as usize];
        let pattern = statistics.pattern.as_ref().filter(|p| p.shape == plane);
        let levels = statistics.levels_of(tile.id);
        TileVoxels { tile, pixels, clip, correction, pattern, levels }
    }
}

impl Voxels for TileVoxels<'_> {
    fn read(&self, span: &Span, out: &mut Vec<f32>) -> Result<(), TileError> {
        let shape = span.shape();
        let start = span.start.map(|s| s as usize);
        self.pixels.read(self.tile.id, start, shape, out)?;
        if let Some(clip) = self.clip {
            let low = clip.low.unwrap_or(f32::NEG_INFINITY);
            // Not `clamp` with its panics: NaN must stay NaN.
            out.iter_mut().for_each(|v| {
                *v = if *v < low {
                    low
                } else if *v > clip.high {
                    clip.high
                } else {
                    *v
                }
            });
        }
        let Correction { dark, flat } = self.correction;
        if dark.is_none() && flat.is_none() && self.pattern.is_none() {
            return Ok(());
        }
        let [_, height, width] = shape;
        for (i, row) in out.chunks_mut(width.max(1)).enumerate() {
            let (y, x) = (start[1] + i % height, start[2]);
            let part =
                |image: &'_ Array2<f32>| image.row(y).slice(ndarray::s![x..x + width]).to_vec();
            if let Some(dark) = dark {
                row.iter_mut().zip(part(dark)).for_each(|(v, d)| *v -= d);
            }
            if let Some(flat) = flat {
                row.iter_mut().zip(part(flat)).for_each(|(v, f)| *v /= f);
            }
            if let Some(pattern) = self.pattern {
                row.iter_mut().zip(pattern.row(y, x, width)).for_each(|(v, p)| *v -= p);
            }
        }
        Ok(())
    }

    fn stabilise(&self, values: &mut [f32]) {
        stabilise(values, self.levels.floor);
    }

    fn shape(&self) -> [i64; 3] {
        self.tile.shape.map(|n| n as i64)
    }

    fn floor(&self) -> f32 {
        self.levels.floor
    }
}

/// `sqrt(max(v - floor, 0) + 1)`: the square root makes photon noise equal everywhere.
pub(crate) fn stabilise(values: &mut [f32], floor: f32) {
    for v in values {
        // Unknown voxels stay unknown.
        let unknown = if v.is_finite() { 0.0 } else { f32::NAN };
        let above = if *v > floor { *v - floor } else { 0.0 };
        *v = (above + 1.0).sqrt() + unknown;
    }
}

/// Reads a box that may reach over the border, repeating the outermost voxels, and stabilises it.
pub(crate) fn read_padded(
    voxels: &dyn Voxels,
    span: &Span,
    buffer: &mut Vec<f32>,
    out: &mut Vec<f32>,
) -> Result<(), TileError> {
    let whole = Span { start: [0; 3], end: voxels.shape() };
    let inside = span.intersect(&whole);
    if inside == *span {
        voxels.read(span, out)?;
        voxels.stabilise(out);
        return Ok(());
    }
    // At least the voxel nearest to the box, when the two do not meet.
    let inside = Span {
        start: std::array::from_fn(|d| span.start[d].clamp(0, whole.end[d] - 1)),
        end: std::array::from_fn(|d| span.end[d].clamp(1, whole.end[d])),
    };
    let inside = Span {
        start: std::array::from_fn(|d| inside.start[d].min(inside.end[d] - 1)),
        end: inside.end,
    };
    voxels.read(&inside, buffer)?;
    voxels.stabilise(buffer);
    let (have, want) = (inside.shape(), span.shape());
    let nearest = |d: usize, i: usize| -> usize {
        ((span.start[d] + i as i64).clamp(inside.start[d], inside.end[d] - 1) - inside.start[d])
            as usize
    };
    let columns: Vec<usize> = (0..want[2]).map(|x| nearest(2, x)).collect();
    out.clear();
    out.reserve(want.iter().product());
    for z in 0..want[0] {
        for y in 0..want[1] {
            let row = (nearest(0, z) * have[1] + nearest(1, y)) * have[2];
            let row = &buffer[row..row + have[2]];
            out.extend(columns.iter().map(|x| row[*x]));
        }
    }
    Ok(())
}

/// Voxels stabilised above another floor than their own.
pub(crate) struct Floored<'a> {
    pub voxels: &'a dyn Voxels,
    pub floor: f32,
}

impl Voxels for Floored<'_> {
    fn read(&self, span: &Span, out: &mut Vec<f32>) -> Result<(), TileError> {
        self.voxels.read(span, out)
    }

    fn stabilise(&self, values: &mut [f32]) {
        stabilise(values, self.floor);
    }

    fn shape(&self) -> [i64; 3] {
        self.voxels.shape()
    }

    fn floor(&self) -> f32 {
        self.floor
    }
}

/// A small volume in memory: projections.
pub(crate) struct VolumeInMemory {
    pub values: Vec<f32>,
    pub shape: [usize; 3],
    /// Subtracted before the square root that stabilises the variance.
    pub floor: f32,
}

impl Voxels for VolumeInMemory {
    fn read(&self, span: &Span, out: &mut Vec<f32>) -> Result<(), TileError> {
        out.clear();
        for z in span.start[0]..span.end[0] {
            for y in span.start[1]..span.end[1] {
                let row = (z as usize * self.shape[1] + y as usize) * self.shape[2];
                let columns = row + span.start[2] as usize..row + span.end[2] as usize;
                out.extend_from_slice(&self.values[columns]);
            }
        }
        Ok(())
    }

    fn stabilise(&self, values: &mut [f32]) {
        stabilise(values, self.floor);
    }

    fn shape(&self) -> [i64; 3] {
        self.shape.map(|n| n as i64)
    }

    fn floor(&self) -> f32 {
        self.floor
    }
}
