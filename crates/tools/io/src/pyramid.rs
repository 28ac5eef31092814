//! Pyramid levels of an image that is being written, each from the level before.

use hooke_core::downsample::{Reduce, downsample_into, shape_after};
use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::region::grid;
use hooke_core::{Downsample, Dtype, ImageMeta, ImageSink, Level, Pixels, Region, dispatch};
use ndarray::{ArrayView5, ArrayViewMut5, Axis as Dimension, s};
use rayon::prelude::*;

/// The levels of an image with these factors of level 0 and chunks over `z, y, x`; chunks are 1 long along
/// t and c and clipped to their level.
pub(crate) fn levels_of(
    meta: &ImageMeta,
    factors: &[[u64; 3]],
    [z, y, x]: [u64; 3],
    codec: &str,
) -> Vec<Level> {
    let level = |factors: &[u64; 3]| {
        let mut shape = meta.shape;
        for d in 0..3 {
            shape[2 + d] = shape[2 + d].div_ceil(factors[d].max(1));
        }
        let wanted = [1, 1, z, y, x];
        Level {
            shape,
            factors: factors.map(|f| f as f64),
            chunk: std::array::from_fn(|d| wanted[d].clamp(1, shape[d])),
            shard: None,
            codec: codec.to_owned(),
        }
    };
    factors.iter().map(level).collect()
}

/// Computes one block of a level from the level before, which must be complete there, and writes it.
///
/// The level before is read back piece by piece, each the source of one chunk, so that beside the
/// block itself one piece is in memory. `region` is a union of whole write units of `level`. `scratch`
/// holds the block and is reused.
///
/// # Errors
/// When the level before cannot be read or the block cannot be written.
///
/// # Panics
/// When `level` is 0 or the sink does not have it.
pub fn write_block(
    sink: &dyn ImageSink,
    level: usize,
    region: &Region,
    method: Downsample,
    dtype: Dtype,
    scratch: &mut Pixels,
) -> Result<Vec<WrittenKey>, SourceError> {
    let (above, below) = (&sink.levels()[level - 1], &sink.levels()[level]);
    let factors = step_factors(sink, level);
    assert_eq!(below.shape, shape_after(above.shape, factors), "levels follow from each other");
    let steps = [1, 1, factors[0], factors[1], factors[2]];
    scratch.reset(dtype, region.shape);
    let mut read = Pixels::zeros(dtype, [0; 5]);
    dispatch!(dtype, T => {
        let view = scratch.view_mut::<T>().expect("reset to this dtype");
        // Pieces are chunks of the level, aligned to the image, not to the block.
        for (piece, out) in cut(view, region, below.chunk) {
            let start = std::array::from_fn(|d| piece.start[d] * steps[d]);
            let end: [u64; 5] =
                std::array::from_fn(|d| (piece.end()[d] * steps[d]).min(above.shape[d]));
            let source = Region::new(start, std::array::from_fn(|d| end[d] - start[d]));
            sink.read_back(level - 1, &source, &mut read)?;
            let source = read.view::<T>().expect("a level has the dtype of the image");
            downsample_planes(source, factors, method, out);
        }
    });
    sink.write(level, region, scratch)
}

/// Downsamples a few planes at a time, in parallel.
fn downsample_planes<T: Reduce>(
    source: ArrayView5<'_, T>,
    factors: [u64; 3],
    method: Downsample,
    out: ArrayViewMut5<'_, T>,
) {
    const PLANES: u64 = 4;
    let shape = <[usize; 5]>::from(out.dim()).map(|n| n as u64);
    let step = [shape[0], shape[1], PLANES, shape[3], shape[4]];
    cut(out, &Region::whole(shape), step).into_par_iter().for_each(|(part, out)| {
        let first = (part.start[2] * factors[0]) as usize;
        let last = ((part.end()[2] * factors[0]) as usize).min(source.dim().2);
        let planes = source.slice(s![.., .., first..last, .., ..]);
        downsample_into(planes, factors, method, out);
    });
}

/// The factors over `z, y, x` from the level before to this one.
fn step_factors(sink: &dyn ImageSink, level: usize) -> [u64; 3] {
    let (above, below) = (&sink.levels()[level - 1], &sink.levels()[level]);
    std::array::from_fn(|d| (below.factors[d] / above.factors[d]).round().max(1.0) as u64)
}

/// Writes all of one level from the level before, write unit by write unit.
///
/// # Errors
/// As [`write_block`].
pub fn write_level(
    sink: &dyn ImageSink,
    level: usize,
    method: Downsample,
    dtype: Dtype,
) -> Result<(), SourceError> {
    let mut scratch = Pixels::zeros(dtype, [0; 5]);
    for block in grid(sink.levels()[level].shape, sink.write_unit(level)) {
        write_block(sink, level, &block, method, dtype, &mut scratch)?;
    }
    Ok(())
}

/// Bytes that [`write_block`] needs for one block of a level, beside the encoded chunks.
pub fn block_bytes(sink: &dyn ImageSink, level: usize, block: [u64; 5], dtype: Dtype) -> u64 {
    let window: u64 = step_factors(sink, level).iter().product();
    let piece = Region::whole(sink.levels()[level].chunk).voxels() * window;
    (Region::whole(block).voxels() + piece) * dtype.size() as u64
}

/// Cuts a block into disjoint views, one per box of a grid over the image.
fn cut<'a, T>(
    block: ArrayViewMut5<'a, T>,
    region: &Region,
    step: [u64; 5],
) -> Vec<(Region, ArrayViewMut5<'a, T>)> {
    let mut parts = vec![(*region, block)];
    for d in 0..5 {
        let mut next = Vec::with_capacity(parts.len());
        for (mut region, mut view) in parts {
            loop {
                let boundary = (region.start[d] / step[d] + 1) * step[d];
                let here = boundary - region.start[d];
                if here >= region.shape[d] {
                    next.push((region, view));
                    break;
                }
                let (first, rest) = view.split_at(Dimension(d), here as usize);
                let mut part = region;
                part.shape[d] = here;
                next.push((part, first));
                region.start[d] = boundary;
                region.shape[d] -= here;
                view = rest;
            }
        }
        parts = next;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_cut_along_the_grid_of_the_image() {
        let mut pixels = Pixels::zeros(Dtype::Uint8, [1, 1, 3, 5, 7]);
        let region = Region::new([0, 0, 2, 3, 4], [1, 1, 3, 5, 7]);
        let view = pixels.view_mut::<u8>().expect("uint8");
        let mut voxels = 0;
        for (part, mut view) in cut(view, &region, [1, 1, 2, 4, 4]) {
            assert_eq!(part.shape.map(|n| n as usize), <[usize; 5]>::from(view.dim()));
            for d in 0..5 {
                let step = [1, 1, 2, 4, 4][d];
                assert_eq!(part.start[d] / step, (part.end()[d] - 1) / step);
            }
            view.fill(1);
            voxels += part.voxels();
        }
        assert_eq!(voxels, region.voxels());
        assert!(pixels.as_slice::<u8>().expect("uint8").iter().all(|v| *v == 1));
    }
}
