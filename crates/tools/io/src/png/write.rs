//! A plane into a picture.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{Dtype, ImageMeta, ImageSink, Level, Pixels, Region};
use png::{BitDepth, ColorType, Encoder, EncodingError};

use crate::atomic::AtomicFile;
use crate::stream_order::{StreamOrder, not_read_back};
use crate::{Error, Result};

/// A PNG file that is being written: one plane, grey, or of three channels as red, green, blue.
///
/// Rows come in order, of all channels at once; only the block at hand is in memory.
pub struct PngSink {
    target: PathBuf,
    meta: ImageMeta,
    levels: [Level; 1],
    state: Mutex<State>,
}

struct State {
    file: Option<(png::StreamWriter<'static, AtomicHandle>, AtomicFile)>,
    order: StreamOrder,
}

/// The open file, which the encoder owns while [`AtomicFile`] keeps its name.
type AtomicHandle = std::fs::File;

/// Says whether an image can be a PNG picture.
///
/// # Errors
/// [`Error::Unsupported`] for more than one plane, for other types than uint8 and uint16 and for
/// other numbers of channels than 1 and 3, with a way on.
pub fn check_png(path: &Path, meta: &ImageMeta) -> Result<()> {
    let [t, c, z, y, x] = meta.shape;
    let planes = t * z;
    if planes != 1 || !matches!(c, 1 | 3) {
        let what = format!("{planes} planes of {c} channels in one PNG picture");
        let hint = "choose one plane with --t, --z and --c, or write a folder of pictures with \
                    --to image-folder";
        return Err(Error::unsupported(path, what, hint));
    }
    if !matches!(meta.dtype, Dtype::Uint8 | Dtype::Uint16) {
        let what = format!("{} in a PNG picture (uint8 and uint16 are)", meta.dtype);
        let hint = "give --dtype uint16 --cast scale to rescale, or write .ome.tif";
        return Err(Error::unsupported(path, what, hint));
    }
    if x == 0 || y == 0 || x.max(y) > i32::MAX as u64 {
        return Err(Error::unsupported(path, format!("a PNG picture of {x} x {y}"), ""));
    }
    Ok(())
}

impl PngSink {
    /// Begins a picture.
    ///
    /// # Errors
    /// As [`check_png`]; [`Error::Io`] when the folder cannot be written.
    pub fn create(target: &Path, meta: &ImageMeta) -> Result<PngSink> {
        check_png(target, meta)?;
        let [_, c, _, y, x] = meta.shape;
        let mut file = AtomicFile::create(target)?;
        let handle = file.file_mut().try_clone().map_err(|e| Error::io(target, "create", e))?;
        let mut encoder = Encoder::new(handle, x as u32, y as u32);
        encoder.set_color(if c == 3 { ColorType::Rgb } else { ColorType::Grayscale });
        let wide = meta.dtype == Dtype::Uint16;
        encoder.set_depth(if wide { BitDepth::Sixteen } else { BitDepth::Eight });
        let writer = encoder
            .write_header()
            .and_then(png::Writer::into_stream_writer)
            .map_err(|e| failed(target, e))?;
        let level = Level {
            shape: meta.shape,
            factors: [1.0; 3],
            chunk: meta.shape,
            shard: None,
            codec: "deflate".to_owned(),
        };
        // Rows of all channels together: for the order of the stream they are longer rows.
        let order = StreamOrder::new([1, 1, 1, y, c * x], meta.dtype);
        Ok(PngSink {
            target: target.to_owned(),
            meta: meta.clone(),
            levels: [level],
            state: Mutex::new(State { file: Some((writer, file)), order }),
        })
    }

    fn write_rows(&self, region: &Region, block: &Pixels) -> Result<()> {
        let [_, c, _, y, x] = region.shape;
        let mixed = interleave(block);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { file, order } = &mut *state;
        let whole = region.start[1] == 0 && c == self.meta.shape[1] && x == self.meta.shape[4];
        let rows = Region::new([0, 0, 0, region.start[3], region.start[4]], [1, 1, 1, y, c * x]);
        if !whole || !region.fits(self.meta.shape) {
            let what = format!("{region:?} of a picture (whole rows of all channels are)");
            return Err(Error::unsupported(&self.target, what, ""));
        }
        order.accept(&self.target, &rows, &mixed)?;
        let (writer, _) = file.as_mut().ok_or_else(|| self.finished())?;
        let mut bytes = Vec::new();
        match mixed.as_slice::<u16>() {
            Some(samples) => bytes.extend(samples.iter().flat_map(|v| v.to_be_bytes())),
            None => mixed.extend_le_bytes(&mut bytes),
        }
        std::io::Write::write_all(writer, &bytes).map_err(|e| Error::io(&self.target, "write", e))
    }

    fn complete(&self) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.order.check_complete(&self.target)?;
        let (writer, file) = state.file.take().ok_or_else(|| self.finished())?;
        writer.finish().map_err(|e| failed(&self.target, e))?;
        file.commit_unstamped()
    }

    fn finished(&self) -> Error {
        Error::unsupported(&self.target, "writing into a finished file", "")
    }
}

/// The channels of every pixel beside each other, as rows of `c * x` samples.
fn interleave(block: &Pixels) -> Pixels {
    let [_, c, _, y, x] = block.shape();
    let shape = [1, 1, 1, y, c * x];
    fn mix<T: Copy>(planes: &[T], c: usize) -> Vec<T> {
        let plane = planes.len() / c.max(1);
        (0..plane).flat_map(|i| (0..c).map(move |k| planes[k * plane + i])).collect()
    }
    match (block.as_slice::<u8>(), block.as_slice::<u16>()) {
        (Some(planes), _) => Pixels::from_vec(shape, mix(planes, c as usize)),
        (_, Some(planes)) => Pixels::from_vec(shape, mix(planes, c as usize)),
        // Of another type: refused where types are compared.
        _ => block.clone(),
    }
}

fn failed(target: &Path, error: EncodingError) -> Error {
    match error {
        EncodingError::IoError(e) => Error::io(target, "write", e),
        other => Error::unsupported(target, format!("writing PNG: {other}"), ""),
    }
}

impl ImageSink for PngSink {
    fn write_unit(&self, _level: usize) -> [u64; 5] {
        [1, self.meta.shape[1], 1, 1, self.meta.shape[4]]
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        if level != 0 {
            let what = format!("level {level}; a PNG picture has one");
            return Err(Error::NotThere { path: self.target.clone(), what }.into());
        }
        self.write_rows(region, block)?;
        Ok(Vec::new())
    }

    fn read_back(&self, _: usize, _: &Region, _: &mut Pixels) -> Result<(), SourceError> {
        Err(not_read_back(&self.target).into())
    }

    fn finish(&self) -> Result<(), SourceError> {
        Ok(self.complete()?)
    }
}
