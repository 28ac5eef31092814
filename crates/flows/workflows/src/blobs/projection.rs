//! Maximum projections along z, small enough to look at.

use std::path::Path;

use hooke_blobs::voxel_box::VoxelBox;
use hooke_core::image::SourceError;
use ndarray::{Array3, s};

use crate::engine::BlockError;

/// A picture is at most about this wide and high.
const PICTURE: usize = 800;

/// The brightest voxels of a part of a volume, over `y, x` in windows of `factor`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Projection {
    /// Voxels of a window along y and x.
    pub factor: usize,
    /// First window over `y, x`.
    pub start: [usize; 2],
    /// Number of windows over `y, x`.
    pub shape: [usize; 2],
    /// In C order; minus infinity where there is no voxel.
    pub values: Vec<f32>,
}

impl Projection {
    /// Nothing of a volume of that shape.
    pub fn empty(volume: [usize; 3]) -> Projection {
        let factor = volume[1].max(volume[2]).div_ceil(PICTURE).max(1);
        let shape = [volume[1].div_ceil(factor), volume[2].div_ceil(factor)];
        let values = vec![f32::NEG_INFINITY; shape[0] * shape[1]];
        Projection { factor, start: [0; 2], shape, values }
    }

    /// That of a core inside a block of voxels which begins at `start`.
    pub fn of(
        volume: [usize; 3],
        voxels: &Array3<f32>,
        start: [usize; 3],
        core: VoxelBox,
    ) -> Projection {
        let factor = Projection::empty(volume).factor;
        let first = [core.start[1] / factor, core.start[2] / factor];
        let end = [core.end[1].div_ceil(factor), core.end[2].div_ceil(factor)];
        let shape = [end[0].saturating_sub(first[0]), end[1].saturating_sub(first[1])];
        let mut values = vec![f32::NEG_INFINITY; shape[0] * shape[1]];
        let range = |d: usize| core.start[d] - start[d]..core.end[d] - start[d];
        let inner = voxels.slice(s![range(0), range(1), range(2)]);
        for plane in inner.outer_iter() {
            for (y, row) in plane.outer_iter().enumerate() {
                let to = ((core.start[1] + y) / factor - first[0]) * shape[1];
                for (x, value) in row.iter().enumerate() {
                    let most = &mut values[to + (core.start[2] + x) / factor - first[1]];
                    *most = most.max(*value);
                }
            }
        }
        Projection { factor, start: first, shape, values }
    }

    /// Takes in the projection of a part.
    pub fn add(&mut self, part: &Projection) {
        for y in 0..part.shape[0] {
            for x in 0..part.shape[1] {
                let at = [part.start[0] + y - self.start[0], part.start[1] + x - self.start[1]];
                if at[0] < self.shape[0] && at[1] < self.shape[1] {
                    let most = &mut self.values[at[0] * self.shape[1] + at[1]];
                    *most = most.max(part.values[y * part.shape[1] + x]);
                }
            }
        }
    }

    pub fn write(&self, path: &Path) -> Result<(), BlockError> {
        let head = [self.factor, self.start[0], self.start[1], self.shape[0], self.shape[1]];
        let mut bytes: Vec<u8> = head.iter().flat_map(|n| (*n as u64).to_le_bytes()).collect();
        bytes.extend(self.values.iter().flat_map(|v| v.to_le_bytes()));
        hooke_io::atomic::write_file(path, &[&bytes])?;
        Ok(())
    }

    /// # Errors
    /// When the file cannot be read, or is none of [`Projection::write`].
    pub fn read(path: &Path) -> Result<Projection, SourceError> {
        let bytes = std::fs::read(path)?;
        let bad = || format!("{}: no projection", path.display());
        let (head, values) = bytes.split_at_checked(40).ok_or_else(bad)?;
        let (head, _) = head.as_chunks::<8>();
        let head: Vec<usize> = head.iter().map(|n| u64::from_le_bytes(*n) as usize).collect();
        let values: Vec<f32> =
            values.as_chunks::<4>().0.iter().map(|v| f32::from_le_bytes(*v)).collect();
        let shape = [head[3], head[4]];
        if shape[0].checked_mul(shape[1]) != Some(values.len()) {
            return Err(bad().into());
        }
        Ok(Projection { factor: head[0].max(1), start: [head[1], head[2]], shape, values })
    }

    /// Grey levels from the darkest per cent to the brightest per mille, as red, green and blue.
    pub fn to_rgb(&self) -> Vec<u8> {
        let mut sorted: Vec<f32> = self.values.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f32::total_cmp);
        let at = |part: f64| {
            let last = sorted.len().saturating_sub(1) as f64;
            sorted.get((part * last).round() as usize).copied().unwrap_or(0.0)
        };
        let (low, high) = (at(0.01), at(0.999));
        let span = if high > low { high - low } else { 1.0 };
        let level =
            |v: f32| if v.is_finite() { (255.0 * (v - low) / span).clamp(0.0, 255.0) } else { 0.0 };
        self.values.iter().flat_map(|v| [level(*v) as u8; 3]).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn parts_make_up_the_projection_of_the_whole() {
        let volume = [3, 5, 1700];
        let voxels =
            Array3::from_shape_fn(volume, |(z, y, x)| ((z * 7 + y * 31 + x * 13) % 101) as f32);
        let whole = Projection::of(volume, &voxels, [0; 3], VoxelBox::whole(volume));
        let mut sum = Projection::empty(volume);
        assert_eq!((sum.factor, sum.shape), (3, [2, 567]));
        let folder = tempfile::tempdir().unwrap();
        for core in hooke_blobs::voxel_box::grid(volume, [2, 4, 100]) {
            let part = Projection::of(volume, &voxels, [0; 3], core);
            let path = folder.path().join("part");
            part.write(&path).unwrap();
            let read = Projection::read(&path).unwrap();
            assert_eq!(read, part);
            sum.add(&read);
        }
        assert!(sum.values == whole.values);
        std::fs::write(folder.path().join("part"), [1; 50]).unwrap();
        assert!(Projection::read(&folder.path().join("part")).is_err());
    }
}
