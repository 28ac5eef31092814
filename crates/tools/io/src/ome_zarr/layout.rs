//! Lengths of levels, chunks and shards of an image to be written.

use std::path::Path;

use hooke_core::downsample::{self, largest_window, shape_after};
use hooke_core::{Downsample, ImageMeta};
use serde::{Deserialize, Serialize};

use super::options::{Levels, Ngff, WriteOptions};
use crate::error::{Error, Result};

/// One level to be written, over `t, c, z, y, x`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LevelLayout {
    pub shape: [u64; 5],
    pub chunk: [u64; 5],
    pub shard: Option<[u64; 5]>,
    /// Total factors of level 0 over `z, y, x`.
    pub factors: [u64; 3],
}

/// The levels of an image to be written to `path`.
///
/// # Errors
/// [`Error::Unsupported`] for options that contradict each other.
pub(super) fn levels(
    path: &Path,
    meta: &ImageMeta,
    how: &WriteOptions,
) -> Result<Vec<LevelLayout>> {
    let bad = |what: String| Err(Error::unsupported(path, what, ""));
    let chunk = how.chunk.unwrap_or([32, 128, 128]);
    let is_movie = how.frames_as_planes && meta.shape[2] == 1;
    let spread = |space: [u64; 3]| match is_movie {
        true => [space[0], 1, 1, space[1], space[2]],
        false => [1, 1, space[0], space[1], space[2]],
    };
    if chunk.contains(&0) || how.shard.is_some_and(|s| s.contains(&0)) {
        return bad(format!("chunks of {chunk:?} in shards of {:?}", how.shard));
    }
    let sharded = how.ngff == Ngff::V05 && !how.unsharded;
    if how.shard.is_some() && !sharded {
        return bad(format!("shards in OME-Zarr {} without them", how.ngff.version()));
    }
    // About 64 MiB of samples.
    let planes: u64 = match meta.dtype.size() {
        1 | 2 => 128,
        4 => 64,
        _ => 32,
    };
    let usual = [planes, 512, 512];
    let shard = how.shard.unwrap_or(std::array::from_fn(|d| usual[d].next_multiple_of(chunk[d])));
    if (0..3).any(|d| !shard[d].is_multiple_of(chunk[d])) {
        return bad(format!("a shard of {shard:?} is not made of whole chunks of {chunk:?}"));
    }
    let one = |shape: [u64; 5], factors: [u64; 3]| {
        let clipped = |unit: [u64; 5], step: [u64; 5]| -> [u64; 5] {
            std::array::from_fn(|d| unit[d].min(shape[d].div_ceil(step[d]).max(1) * step[d]))
        };
        let inner = clipped(spread(chunk), [1; 5]);
        let outer = clipped(spread(shard), inner);
        LevelLayout { shape, chunk: inner, shard: sharded.then_some(outer), factors }
    };
    let mut list = vec![one(meta.shape, [1; 3])];
    for step in steps(path, meta, how)? {
        let last = &list[list.len() - 1];
        let factors = std::array::from_fn(|d| last.factors[d].saturating_mul(step[d]));
        let next = one(shape_after(last.shape, step), factors);
        list.push(next);
    }
    Ok(list)
}

/// The factors of every step that is taken.
fn steps(path: &Path, meta: &ImageMeta, how: &WriteOptions) -> Result<Vec<[u64; 3]>> {
    for step in &how.factors {
        let window = step.iter().fold(1u64, |n, f| n.saturating_mul(*f));
        if window == 0 || window > largest_window(meta.dtype) {
            let what = format!("factors {step:?} for samples of {}", meta.dtype);
            return Err(Error::unsupported(path, what, "factors are 1 or more, mostly 2"));
        }
    }
    let shape = [meta.shape[2], meta.shape[3], meta.shape[4]];
    let sizes = meta.voxel_size_um.map(|v| v.value);
    let usual = downsample::pyramid_factors(shape, sizes);
    let given = |count: usize| {
        let last = how.factors.last().copied();
        how.factors
            .iter()
            .copied()
            .chain(std::iter::repeat_n(last, count).flatten())
            .take(count)
            .collect()
    };
    Ok(match (how.levels, how.factors.is_empty()) {
        (Levels::Auto, true) => usual,
        (Levels::Auto, false) => given(usual.len().max(how.factors.len())),
        (Levels::Count(n), true) => {
            downsample::halving_steps(shape, sizes).take(n.saturating_sub(1)).collect()
        }
        (Levels::Count(n), false) => given(n.saturating_sub(1)),
    })
}

/// The method of an image: what was asked for, else by what its samples are.
pub(super) fn method(meta: &ImageMeta, how: &WriteOptions) -> Downsample {
    how.downsample.unwrap_or(if meta.labels { Downsample::Mode } else { Downsample::Mean })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use hooke_core::{Axes, Dtype};

    fn image(shape: [u64; 5], dtype: Dtype) -> ImageMeta {
        let mut meta = ImageMeta::new("a", Axes::TCZYX, shape, dtype);
        meta.voxel_size_um = [hooke_core::Sourced::file(1.0); 3];
        meta
    }

    fn of(meta: &ImageMeta, how: &WriteOptions) -> Result<Vec<LevelLayout>> {
        levels(Path::new("a.zarr"), meta, how)
    }

    #[test]
    fn the_usual_chunks_and_shards_are_clipped_to_the_level() {
        let levels =
            of(&image([2, 3, 300, 700, 40], Dtype::Uint16), &WriteOptions::default()).unwrap();
        assert_eq!(levels[0].chunk, [1, 1, 32, 128, 40]);
        assert_eq!(levels[0].shard, Some([1, 1, 128, 512, 40]));
        assert_eq!(levels[1].shape, [2, 3, 150, 350, 20]);
        assert_eq!(levels[1].shard, Some([1, 1, 128, 384, 20]));
        assert_eq!(levels[2].factors, [4, 4, 4]);
        assert_eq!(levels.len(), 3);
    }

    #[test]
    fn frames_of_a_movie_share_chunks_as_planes_do() {
        let movie = image([1000, 2, 1, 300, 100], Dtype::Float32);
        let how = WriteOptions { frames_as_planes: true, ..WriteOptions::default() };
        let levels = of(&movie, &how).unwrap();
        assert_eq!(levels[0].chunk, [32, 1, 1, 128, 100]);
        assert_eq!(levels[0].shard, Some([64, 1, 1, 384, 100]));
        assert_eq!(of(&movie, &WriteOptions::default()).unwrap()[0].chunk, [1, 1, 1, 128, 100]);
        let volumes = image([9, 1, 4, 32, 32], Dtype::Uint8);
        assert_eq!(of(&volumes, &how).unwrap()[0].chunk, [1, 1, 4, 32, 32]);
    }

    #[test]
    fn given_factors_repeat_and_bad_ones_are_refused() {
        let meta = image([1, 1, 64, 64, 64], Dtype::Uint8);
        let how = WriteOptions {
            levels: Levels::Count(4),
            factors: vec![[1, 2, 2], [2, 2, 2]],
            ..WriteOptions::default()
        };
        let factors: Vec<_> = of(&meta, &how).unwrap().iter().map(|l| l.factors).collect();
        assert_eq!(factors, [[1, 1, 1], [1, 2, 2], [2, 4, 4], [4, 8, 8]]);
        let none = WriteOptions { factors: vec![[0, 2, 2]], ..WriteOptions::default() };
        assert!(of(&meta, &none).is_err());
        let uneven = WriteOptions { shard: Some([33, 128, 128]), ..WriteOptions::default() };
        assert!(of(&meta, &uneven).is_err());
        let count = WriteOptions { levels: Levels::Count(3), ..WriteOptions::default() };
        assert_eq!(of(&meta, &count).unwrap()[2].shape, [1, 1, 16, 16, 16]);
    }
}
