//! The image that blobs are looked for in, or measured in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_blobs::detect::Volume;
use hooke_blobs::voxel_box::VoxelBox;
use hooke_core::image::SourceError;
use hooke_core::plan::InputStamp;
use hooke_core::{Axes, ImageMeta, ImageSource, Pixels, Region};
use hooke_io::blobs::BlobImage;
use hooke_io::{ChunkCache, OpenOptions};
use ndarray::Array3;
use serde::{Deserialize, Serialize};

use super::error::BlobsError;
use super::options::{absolute, voxel_size};
use crate::engine::stamp_input;
use crate::one_image::one_image;

/// Which image, and what of it, as typed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageOptions {
    /// The file.
    pub image: PathBuf,
    /// Index of the image, for files that hold several.
    pub index: Option<usize>,
    /// Member of a container.
    pub dataset: Option<String>,
    /// What the stored dimensions are, in stored order.
    pub axes: Option<String>,
    /// Voxel size in µm; overrides the file.
    pub voxel_size: Option<String>,
    /// Channels, by number or name; all when missing.
    pub channels: Option<String>,
    /// Frames, `0,3` or `2..10`; all when missing.
    pub times: Option<String>,
}

/// An opened image of blobs.
pub(super) struct BlobSource {
    source: Arc<dyn ImageSource>,
    pub options: ImageOptions,
    /// One frame of one channel.
    pub volume: Volume,
    /// The channels that are wanted.
    pub channels: Vec<u16>,
    /// The frames that are wanted.
    pub times: Vec<u32>,
}

impl BlobSource {
    /// Opens it; chunks are kept in `cache`.
    ///
    /// # Errors
    /// When it cannot be opened, holds several images of which none is chosen, has no voxel size, or
    /// does not have the channels or frames.
    pub fn open(options: &ImageOptions, cache: &Arc<ChunkCache>) -> Result<BlobSource, BlobsError> {
        let options = ImageOptions { image: absolute(&options.image), ..options.clone() };
        let source = open_image(&options, cache)?;
        let meta = source.meta();
        let given = voxel_size(options.voxel_size.as_ref())?;
        let [_, _, z, y, x] = meta.shape;
        let volume = Volume {
            shape: [z, y, x].map(|n| n as usize),
            voxel_um: match given {
                Some(size) => size,
                None => known_size(meta, &options)?,
            },
            origin_um: meta.origin_um.map(|o| o.value.unwrap_or(0.0)),
        };
        let channels = wanted_channels(meta, options.channels.as_deref())?;
        let times = wanted_times(meta.shape[0], options.times.as_deref())?;
        Ok(BlobSource { source, options, volume, channels, times })
    }

    pub fn meta(&self) -> &ImageMeta {
        self.source.meta()
    }

    /// What tables of its blobs say of it.
    pub fn described(&self) -> BlobImage {
        let meta = self.meta();
        let axes = if meta.axes == Axes::of(&[]) { Axes::TCZYX } else { meta.axes };
        BlobImage {
            shape: axes.pick(&meta.shape).to_vec(),
            axes,
            voxel_size_um: self.volume.voxel_um,
            origin_um: self.volume.origin_um,
        }
    }

    /// Grey levels apart that a sample can be: 1 for integers, 0 for real numbers.
    pub fn quantum(&self) -> f64 {
        if self.meta().dtype.is_float() { 0.0 } else { 1.0 }
    }

    /// A box of one frame of one channel.
    ///
    /// # Errors
    /// When the file cannot be read there.
    pub fn read(&self, t: u32, channel: u16, part: VoxelBox) -> Result<Array3<f32>, SourceError> {
        let shape = part.shape();
        let [z, y, x] = part.start.map(|n| n as u64);
        let [nz, ny, nx] = shape.map(|n| n as u64);
        let region = Region::new([t.into(), channel.into(), z, y, x], [1, 1, nz, ny, nx]);
        let mut pixels = Pixels::zeros(self.meta().dtype, [0; 5]);
        self.source.read(0, &region, &mut pixels)?;
        let mut values = Vec::new();
        pixels.to_f32_into(&mut values);
        Ok(Array3::from_shape_vec(shape, values)?)
    }

    /// A box of one frame, all channels, in the type it is stored in.
    ///
    /// # Errors
    /// When the file cannot be read there.
    pub fn read_all(&self, t: u32, part: VoxelBox) -> Result<Pixels, SourceError> {
        let [z, y, x] = part.start.map(|n| n as u64);
        let [nz, ny, nx] = part.shape().map(|n| n as u64);
        let region = Region::new([t.into(), 0, z, y, x], [1, self.meta().shape[1], nz, ny, nx]);
        let mut pixels = Pixels::zeros(self.meta().dtype, [0; 5]);
        self.source.read(0, &region, &mut pixels)?;
        Ok(pixels)
    }

    /// Bytes that reading a box takes for each voxel: as stored, and as `f32`.
    pub fn bytes_per_voxel(&self) -> u64 {
        self.meta().dtype.size() as u64 + 4
    }

    pub fn stamps(&self) -> Result<Vec<InputStamp>, SourceError> {
        Ok(vec![stamp_input(&self.options.image, None)?])
    }
}

/// Lengths of cores are multiples of this, if they are not whole.
const STEP: usize = 16;

/// The largest core of a block that takes at most so many bytes with its halo; `None` when a single voxel
/// takes more. The axis along which the halo costs the least is halved first.
pub(super) fn largest_core(
    shape: [usize; 3],
    halo: [usize; 3],
    share: u64,
    bytes: impl Fn([usize; 3]) -> u64,
) -> Option<[usize; 3]> {
    let mut core = shape.map(|n| n.max(1));
    while bytes(core) > share {
        let room = |d: &usize| core[*d] as f64 / (halo[*d] + 1) as f64;
        let d = (0..3).filter(|d| core[*d] > 1).max_by(|a, b| room(a).total_cmp(&room(b)))?;
        let half = core[d].div_ceil(2);
        core[d] = if half > STEP { half.next_multiple_of(STEP).min(core[d] - 1) } else { half };
    }
    Some(core)
}

/// The only image of a file.
///
/// # Errors
/// When it cannot be opened, or holds several.
pub(super) fn open_one(path: &Path, how: &OpenOptions) -> Result<Arc<dyn ImageSource>, BlobsError> {
    let opened = hooke_io::open(path, how)?;
    match opened.images() {
        [one] => Ok(Arc::clone(one)),
        several => {
            let what = format!("{}: {} images where one is wanted", path.display(), several.len());
            Err(BlobsError::unfit(what, "write one of them: hooke convert --image N"))
        }
    }
}

fn open_image(
    options: &ImageOptions,
    cache: &Arc<ChunkCache>,
) -> Result<Arc<dyn ImageSource>, BlobsError> {
    let how = OpenOptions {
        axes: options.axes.clone(),
        dataset: options.dataset.clone(),
        cache: Some(Arc::clone(cache)),
        ..OpenOptions::default()
    };
    one_image(&options.image, &how, options.index)
        .map_err(|e| e.sorted(BlobsError::Io, BlobsError::usage))
}

fn known_size(meta: &ImageMeta, options: &ImageOptions) -> Result<[f64; 3], BlobsError> {
    let size = meta.voxel_size_um.map(|s| s.value);
    // Along an axis of one voxel nothing is measured.
    let needed = |d: usize| size[d].or((meta.shape[d + 2] == 1).then_some(1.0));
    match [needed(0), needed(1), needed(2)] {
        [Some(z), Some(y), Some(x)] => Ok([z, y, x]),
        _ => Err(BlobsError::usage(
            format!("{}: the voxel size is not known", options.image.display()),
            "give it in micrometres: --voxel-size Z,Y,X",
        )),
    }
}

fn wanted_channels(meta: &ImageMeta, text: Option<&str>) -> Result<Vec<u16>, BlobsError> {
    let count = meta.shape[1];
    let Some(text) = text else { return Ok((0..count).map(|c| c as u16).collect()) };
    let name = |c: u64| meta.channels.get(c as usize).and_then(|c| c.name.clone());
    let find = |word: &str| {
        let number = word.parse::<u64>().ok().filter(|c| *c < count);
        number.or_else(|| (0..count).find(|c| name(*c).as_deref() == Some(word))).map(|c| c as u16)
    };
    let mut found = Vec::new();
    for word in text.split(',').map(str::trim) {
        let Some(channel) = find(word) else {
            let known = (0..count).map(|c| name(c).map_or(c.to_string(), |n| format!("{c} {n}")));
            let known: Vec<String> = known.collect();
            let what = format!("--channels: the image has no channel `{word}`");
            return Err(BlobsError::usage(what, format!("it has {}", known.join(", "))));
        };
        found.push(channel);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn wanted_times(count: u64, text: Option<&str>) -> Result<Vec<u32>, BlobsError> {
    let Some(text) = text else { return Ok((0..count).map(|t| t as u32).collect()) };
    let bad = || {
        let what = format!("--times `{text}`: the image has {count} frames, counted from 0");
        BlobsError::usage(
            what,
            "write frames, like 0,3, or a span like 2..10, the end not included",
        )
    };
    let number = |t: &str| t.trim().parse::<u64>().ok();
    let mut found: Vec<u64> = match text.split_once("..") {
        Some((first, end)) => {
            let (first, end) = (number(first).ok_or_else(bad)?, number(end).ok_or_else(bad)?);
            (first..end.min(count.saturating_add(1))).collect()
        }
        None => text.split(',').map(number).collect::<Option<_>>().ok_or_else(bad)?,
    };
    found.sort_unstable();
    found.dedup();
    match found.last() {
        Some(last) if *last < count => Ok(found.into_iter().map(|t| t as u32).collect()),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn cores_shrink_until_they_fit_and_never_vanish() {
        let voxels = |core: [usize; 3]| core.iter().map(|n| *n as u64 + 8).product::<u64>();
        assert_eq!(largest_core([40, 300, 500], [4; 3], u64::MAX, voxels), Some([40, 300, 500]));
        for share in [1 << 20, 40_000, 2_000] {
            let core = largest_core([40, 300, 500], [4; 3], share, voxels).unwrap();
            assert!(voxels(core) <= share && core.iter().all(|n| *n > 0), "{core:?}");
        }
        assert_eq!(largest_core([40, 300, 500], [4; 3], 700, voxels), None);
    }

    #[test]
    fn frames_are_listed_or_spanned() {
        assert_eq!(wanted_times(3, None).unwrap(), [0, 1, 2]);
        assert_eq!(wanted_times(9, Some("2..5")).unwrap(), [2, 3, 4]);
        assert_eq!(wanted_times(9, Some("5, 0,5")).unwrap(), [0, 5]);
        for text in ["9", "7..10", "3..3", "a", "", "1..x"] {
            assert!(wanted_times(9, Some(text)).is_err(), "{text}");
        }
    }
}
