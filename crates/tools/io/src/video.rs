//! MP4 films (H.264): written, for slides and web pages; never a source of numbers.
//!
//! The encoder is large and written in C++: it is compiled in with the feature `video`.

use std::path::Path;

use hooke_core::{Dtype, ImageMeta, ImageSink};

use crate::{Error, Result};

/// The shortest and the longest side, in pixels, that the encoder takes.
const SIDES: std::ops::RangeInclusive<u64> = 16..=4096;

/// Says whether an image can be a film.
///
/// # Errors
/// [`Error::Unsupported`] for stacks, for other types than uint8, for other numbers of channels than 1
/// and 3 (red, green, blue), for frames that the encoder does not take, and where Hooke was built
/// without video; each with a way on.
pub fn check_mp4(path: &Path, meta: &ImageMeta) -> Result<()> {
    let refuse = |what: String, hint: &str| Err(Error::unsupported(path, what, hint));
    let [t, c, z, y, x] = meta.shape;
    if z != 1 || !matches!(c, 1 | 3) || t == 0 {
        let what = format!("{z} planes of {c} channels in each of {t} frames of a film");
        return refuse(what, "choose one plane with --z, and one channel or three with --c");
    }
    if meta.dtype != Dtype::Uint8 {
        let what = format!("{} in a film (uint8 is)", meta.dtype);
        return refuse(what, "give --dtype uint8 --cast scale --range LO,HI");
    }
    if !SIDES.contains(&y.min(x)) || !SIDES.contains(&y.max(x)) || y.min(x) > 2304 {
        let what = format!("frames of {x} x {y} pixels (16 x 16 to 4096 x 2304 are)");
        return refuse(what, "crop with --y and --x, or shrink with --rescale");
    }
    #[cfg(not(feature = "video"))]
    return Err(not_built(path));
    #[cfg(feature = "video")]
    Ok(())
}

#[cfg(not(feature = "video"))]
fn not_built(path: &Path) -> Error {
    let hint = "build it with `cargo build --release --features video`, or write .ome.tif and make the \
                film in Fiji";
    Error::unsupported(path, "films: this hooke was built without video", hint)
}

/// Begins a film of so many frames per second. Sides of odd length lose their last line.
///
/// # Errors
/// As [`check_mp4`]; [`Error::Io`].
#[cfg(not(feature = "video"))]
pub fn create_mp4(path: &Path, meta: &ImageMeta, _: f64) -> Result<Box<dyn ImageSink>> {
    check_mp4(path, meta)?;
    Err(not_built(path))
}

#[cfg(feature = "video")]
pub use encode::create_mp4;

#[cfg(feature = "video")]
mod encode {
    use std::path::PathBuf;
    use std::sync::{Mutex, PoisonError};

    use hooke_core::image::{SourceError, WrittenKey};
    use hooke_core::{Level, Pixels, Region};
    use muxide::api::{Muxer, MuxerBuilder, VideoCodec};
    use openh264::encoder::{
        Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, QpRange, RateControlMode,
        VuiConfig,
    };
    use openh264::formats::YUVBuffer;
    use openh264::{OpenH264API, Timestamp};

    use super::*;
    use crate::atomic::AtomicFile;
    use crate::stream_order::{StreamOrder, not_read_back};

    /// Fineness of the quantiser, 0 to 51: no difference is seen at this one.
    const QUANTISER: u8 = 18;

    /// A film that is being written, frame by frame. What is encoded stays in memory until the end.
    struct Mp4Sink {
        target: PathBuf,
        meta: ImageMeta,
        fps: f64,
        levels: [Level; 1],
        state: Mutex<State>,
    }

    struct State {
        open: Option<Open>,
        order: StreamOrder,
        frame: u64,
    }

    struct Open {
        encoder: Encoder,
        muxer: Muxer<std::fs::File>,
        file: AtomicFile,
    }

    /// Begins a film of so many frames per second. Sides of odd length lose their last line.
    ///
    /// # Errors
    /// As [`check_mp4`]; [`Error::Io`].
    pub fn create_mp4(path: &Path, meta: &ImageMeta, fps: f64) -> Result<Box<dyn ImageSink>> {
        check_mp4(path, meta)?;
        let [y, x] = even(meta);
        let config = EncoderConfig::new()
            .rate_control_mode(RateControlMode::Off)
            .qp(QpRange::new(QUANTISER, QUANTISER))
            .max_frame_rate(FrameRate::from_hz(fps as f32))
            .intra_frame_period(IntraFramePeriod::from_num_frames(60))
            .skip_frames(false)
            // One thread: the same bytes on every machine.
            .num_threads(1)
            .vui(VuiConfig::bt709_full());
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config)
            .map_err(|e| failed(path, &e))?;
        let mut file = AtomicFile::create(path)?;
        let handle = file.file_mut().try_clone().map_err(|e| Error::io(path, "create", e))?;
        let muxer = MuxerBuilder::new(handle)
            .video(VideoCodec::H264, x as u32, y as u32, fps)
            .build()
            .map_err(|e| failed(path, &e))?;
        let level = Level {
            shape: meta.shape,
            factors: [1.0; 3],
            chunk: frame_of(meta),
            shard: None,
            codec: "h264".to_owned(),
        };
        let order = StreamOrder::new(meta.shape, meta.dtype);
        let open = Some(Open { encoder, muxer, file });
        Ok(Box::new(Mp4Sink {
            target: path.to_owned(),
            meta: meta.clone(),
            fps,
            levels: [level],
            state: Mutex::new(State { open, order, frame: 0 }),
        }))
    }

    fn frame_of(meta: &ImageMeta) -> [u64; 5] {
        let [_, c, z, y, x] = meta.shape;
        [1, c, z, y, x]
    }

    /// Lengths over `y, x` that two divides, for colours are stored at half the resolution.
    fn even(meta: &ImageMeta) -> [usize; 2] {
        [meta.shape[3] as usize & !1, meta.shape[4] as usize & !1]
    }

    fn failed(path: &Path, error: &dyn std::fmt::Display) -> Error {
        Error::unsupported(path, format!("encoding the film: {error}"), "")
    }

    impl Mp4Sink {
        fn add(&self, region: &Region, block: &Pixels) -> Result<()> {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if region.shape[1..] != self.meta.shape[1..] {
                let what = format!("{region:?} of a film (whole frames are)");
                return Err(Error::unsupported(&self.target, what, ""));
            }
            state.order.accept(&self.target, region, block)?;
            let State { open: Some(open), frame, .. } = &mut *state else {
                return Err(Error::unsupported(&self.target, "writing into a finished film", ""));
            };
            let samples = block.as_slice::<u8>().unwrap_or_default();
            let whole = Region::whole(frame_of(&self.meta)).voxels() as usize;
            for pixels in samples.chunks_exact(whole) {
                let seconds = *frame as f64 / self.fps;
                let at = Timestamp::from_millis((1000.0 * seconds).round() as u64);
                let picture = picture(pixels, self.meta.shape[1], &self.meta);
                let bits =
                    open.encoder.encode_at(&picture, at).map_err(|e| failed(&self.target, &e))?;
                let whole = matches!(bits.frame_type(), FrameType::IDR | FrameType::I);
                open.muxer
                    .write_video(seconds, &bits.to_vec(), whole)
                    .map_err(|e| failed(&self.target, &e))?;
                *frame += 1;
            }
            Ok(())
        }

        fn complete(&self) -> Result<()> {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.order.check_complete(&self.target)?;
            let Some(open) = state.open.take() else {
                return Err(Error::unsupported(&self.target, "writing into a finished film", ""));
            };
            open.muxer.finish().map_err(|e| failed(&self.target, &e))?;
            open.file.commit_unstamped()
        }
    }

    /// A frame in luma and halved chroma (BT.709, full range); grey is luma alone.
    fn picture(pixels: &[u8], channels: u64, meta: &ImageMeta) -> YUVBuffer {
        let width = meta.shape[4] as usize;
        let [h, w] = even(meta);
        let plane = pixels.len() / channels as usize;
        let at = |c: usize, y: usize, x: usize| f32::from(pixels[c * plane + y * width + x]);
        let mut yuv = vec![128u8; w * h + 2 * (w / 2) * (h / 2)];
        if channels == 1 {
            for y in 0..h {
                yuv[y * w..][..w].copy_from_slice(&pixels[y * width..][..w]);
            }
            return YUVBuffer::from_vec(yuv, w, h);
        }
        let luma =
            |y: usize, x: usize| 0.2126 * at(0, y, x) + 0.7152 * at(1, y, x) + 0.0722 * at(2, y, x);
        for y in 0..h {
            for x in 0..w {
                yuv[y * w + x] = luma(y, x).round() as u8;
            }
        }
        let (first, second) = (w * h, w * h + (w / 2) * (h / 2));
        for y in 0..h / 2 {
            for x in 0..w / 2 {
                let (mut blue, mut red) = (0.0, 0.0);
                for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let (y, x) = (2 * y + dy, 2 * x + dx);
                    blue += at(2, y, x) - luma(y, x);
                    red += at(0, y, x) - luma(y, x);
                }
                let byte = |sum: f32, span: f32| (128.0 + sum / 4.0 / span).round() as u8;
                yuv[first + y * (w / 2) + x] = byte(blue, 1.8556);
                yuv[second + y * (w / 2) + x] = byte(red, 1.5748);
            }
        }
        YUVBuffer::from_vec(yuv, w, h)
    }

    impl ImageSink for Mp4Sink {
        fn write_unit(&self, _level: usize) -> [u64; 5] {
            frame_of(&self.meta)
        }

        fn levels(&self) -> &[Level] {
            &self.levels
        }

        /// Encodes whole frames. There are no keys: the film is written in one go.
        fn write(
            &self,
            _level: usize,
            region: &Region,
            block: &Pixels,
        ) -> std::result::Result<Vec<WrittenKey>, SourceError> {
            self.add(region, block)?;
            Ok(Vec::new())
        }

        fn read_back(
            &self,
            _: usize,
            _: &Region,
            _: &mut Pixels,
        ) -> std::result::Result<(), SourceError> {
            Err(not_read_back(&self.target).into())
        }

        fn finish(&self) -> std::result::Result<(), SourceError> {
            Ok(self.complete()?)
        }
    }
}
