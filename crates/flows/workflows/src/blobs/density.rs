//! How many blobs there are in each cell of a coarse grid.

use std::collections::BTreeMap;
use std::path::Path;

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::{Axes, Channel, Dtype, ImageMeta, Pixels, Sourced, region};
use hooke_io::blobs::BlobImage;
use hooke_io::ome_zarr;

use super::error::BlobsError;
use super::source::Source;

/// Cells of the largest volume of counts.
const MOST: u64 = 1 << 31;

/// A grid of cells over an image; the first begins at the outer corner of voxel 0.
pub(super) struct Grid {
    pub shape: [u64; 3],
    cell_um: [f64; 3],
    image: BlobImage,
}

impl Grid {
    /// The grid over a whole image, or over the points where the lengths of the image are not known.
    pub fn new(
        image: &BlobImage,
        cell_um: [f64; 3],
        points: impl Iterator<Item = [f64; 3]>,
    ) -> Result<Grid, BlobsError> {
        let known = image.shape.len() == image.axes.len() && !image.shape.is_empty();
        let voxels: [f64; 3] = if known {
            let [_, _, z, y, x] = image.axes.expand(&image.shape);
            [z, y, x].map(|n| n as f64)
        } else {
            // At least one cell, and so far that the last point is inside.
            points.fold([1.0; 3], |far, p| std::array::from_fn(|d| far[d].max(p[d].floor() + 1.0)))
        };
        let shape = std::array::from_fn(|d| {
            (voxels[d] * image.voxel_size_um[d] / cell_um[d]).ceil().max(1.0) as u64
        });
        let cells = shape.iter().fold(1u64, |n, s| n.saturating_mul(*s));
        match cells <= MOST {
            true => Ok(Grid { shape, cell_um, image: image.clone() }),
            false => {
                let what = format!("{cells} cells of {cell_um:?} um");
                Err(BlobsError::usage(what, "give larger cells: --cell Z,Y,X in micrometres"))
            }
        }
    }

    /// The cell of a point in voxels, over `z, y, x`; nothing outside the grid.
    fn cell(&self, point: [f64; 3]) -> Option<usize> {
        let mut index = 0;
        for d in 0..3 {
            let at = ((point[d] + 0.5) * self.image.voxel_size_um[d] / self.cell_um[d]).floor();
            if !(at >= 0.0 && at < self.shape[d] as f64) {
                return None;
            }
            index = index * self.shape[d] as usize + at as usize;
        }
        Some(index)
    }

    /// Counts points per cell, over `z, y, x`, and those outside.
    pub fn count(&self, points: impl Iterator<Item = [f64; 3]>) -> (Vec<u32>, u64) {
        let mut counts = vec![0u32; self.shape.iter().product::<u64>() as usize];
        let mut outside = 0;
        for point in points {
            match self.cell(point).and_then(|index| counts.get_mut(index)) {
                Some(count) => *count = count.saturating_add(1),
                None => outside += 1,
            }
        }
        (counts, outside)
    }

    fn meta(&self, name: &str, channels: Vec<String>) -> ImageMeta {
        let [z, y, x] = self.shape;
        let axes = Axes::parse("czyx").expect("in order");
        let shape = [1, channels.len() as u64, z, y, x];
        let mut meta = ImageMeta::new(name, axes, shape, Dtype::Uint32);
        meta.voxel_size_um = self.cell_um.map(Sourced::file);
        meta.origin_um = std::array::from_fn(|d| {
            let corner = self.image.origin_um[d] - self.image.voxel_size_um[d] / 2.0;
            Sourced::file(corner + self.cell_um[d] / 2.0)
        });
        let channel = |name: String| Channel { name: Some(name), ..Channel::default() };
        meta.channels = channels.into_iter().map(channel).collect();
        meta
    }
}

/// Points by channel, or by pair of channels.
pub(super) fn by_channel(source: &Source, matches: bool) -> BTreeMap<[u16; 2], Vec<[f64; 3]>> {
    let mut groups: BTreeMap<[u16; 2], Vec<[f64; 3]>> = BTreeMap::new();
    match matches {
        false => {
            // Channels without blobs between others are there too: channel c of the image is c here.
            for channel in 0..=source.blobs.iter().map(|b| b.channel).max().unwrap_or(0) {
                groups.insert([channel; 2], Vec::new());
            }
            for blob in &source.blobs {
                groups.entry([blob.channel; 2]).or_default().push(blob.position);
            }
        }
        true => {
            for pair in &source.pairs {
                groups.entry(pair.channels).or_default().push(pair.position);
            }
        }
    }
    groups
}

/// Writes counts as OME-Zarr; returns how many points lie outside the image.
pub(super) fn write(
    path: &Path,
    grid: &Grid,
    groups: &BTreeMap<[u16; 2], Vec<[f64; 3]>>,
) -> Result<u64, SourceError> {
    let name = |[a, b]: &[u16; 2]| if a == b { a.to_string() } else { format!("{a}-{b}") };
    let meta = grid.meta("density", groups.keys().map(name).collect());
    let how = ome_zarr::WriteOptions { levels: ome_zarr::Levels::Count(1), ..Default::default() };
    let sink = ome_zarr::create(path, &meta, &how)?;
    let (mut all, mut outside) = (Vec::new(), 0);
    for points in groups.values() {
        let (counts, lost) = grid.count(points.iter().copied());
        all.extend(counts);
        outside += lost;
    }
    let pixels = Pixels::from_vec(meta.shape, all);
    for part in region::grid(meta.shape, sink.write_unit(0)) {
        sink.write(0, &part, &pixels.crop(&part))?;
    }
    sink.finish()?;
    Ok(outside)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn voxels_fall_into_the_cell_their_centre_lies_in() {
        let mut image = BlobImage::of_voxels([3.0, 1.0, 1.0]);
        image.axes = Axes::ZYX;
        image.shape = vec![4, 6, 10];
        let grid = Grid::new(&image, [6.0, 6.0, 4.0], std::iter::empty()).unwrap();
        assert_eq!(grid.shape, [2, 1, 3]);
        // Centres of voxels 0 to 3 along x are within the first 4 um, that of 4 is not.
        let points = [[0.0, 0.0, 3.0], [1.0, 5.0, 3.4], [2.0, 0.0, 4.0], [0.0, 0.0, 12.0]];
        let (counts, outside) = grid.count(points.into_iter());
        assert_eq!((counts, outside), (vec![2, 0, 0, 0, 1, 0], 1));
        let meta = grid.meta("d", vec!["0".to_owned()]);
        assert_eq!(meta.origin_um.map(|o| o.value.unwrap()), [1.5, 2.5, 1.5]);
        let unknown = BlobImage::of_voxels([1.0; 3]);
        let grid = Grid::new(&unknown, [2.0; 3], [[0.0, 3.9, 4.0]].into_iter()).unwrap();
        assert_eq!(grid.shape, [1, 2, 3]);
        assert!(Grid::new(&image, [1e-4; 3], std::iter::empty()).is_err());
    }
}
