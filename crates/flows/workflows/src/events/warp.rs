//! The blocks of a registered movie.

use std::sync::Arc;

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::pixels::Typed;
use hooke_core::plan::Block;
use hooke_core::{Pixels, dispatch};
use hooke_events::register::{FrameQuality, RegisterParams, ShiftTable, warp};
use ndarray::ArrayView2;

use super::movie::Movie;
use super::sidecar::spans;
use crate::engine::{BlockError, Summary, WorkDir};
use crate::json_file::write_json;

/// What the blocks of the output share.
pub(super) struct Warping<'a> {
    pub params: &'a RegisterParams,
    pub movie: Movie,
    pub table: ShiftTable,
    pub quality: FrameQuality,
    pub sink: Arc<dyn ImageSink>,
    pub container: String,
}

impl Warping<'_> {
    /// Moves the frames of a block; the block that holds their first pixels notes how like the template they are.
    pub fn run(&self, block: &Block, work: &WorkDir) -> Result<Summary, BlockError> {
        let part = spans(&block.write);
        let [_, height, width] = self.movie.shape();
        let frames = self.movie.pixels(&[part[0].clone(), 0..height, 0..width])?;
        let (samples, r) = dispatch!(frames.dtype(), T => self.typed::<T>(&frames, &part)?);
        if part[1].start == 0 && part[2].start == 0 {
            write_json(&work.private("r")?.join(format!("{}.json", block.id)), &r)?;
        }
        let keys = self.sink.write(0, &block.write, &samples)?;
        Ok(Summary::new().read(frames.bytes()).wrote(&self.container, keys))
    }

    /// The frames of a block moved, and the correlations of each before and after.
    #[allow(clippy::type_complexity, reason = "used once")]
    fn typed<T: Typed>(
        &self,
        frames: &Pixels,
        part: &[std::ops::Range<usize>; 3],
    ) -> Result<(Pixels, Vec<(usize, f32, f32)>), SourceError> {
        let [_, height, width] = self.movie.shape();
        let samples = frames.as_slice::<T>().ok_or("a movie of another type")?;
        let mut out = Vec::with_capacity(part.iter().map(|r| r.len()).product());
        let mut r = Vec::new();
        for (t, frame) in part[0].clone().zip(samples.chunks_exact(height * width)) {
            let frame = ArrayView2::from_shape((height, width), frame)?;
            let moved = warp(frame, &self.table.displacement(t), self.params)?;
            if part[1].start == 0 && part[2].start == 0 {
                let grey =
                    |image: ArrayView2<'_, T>| self.quality.r(image.map(|v| v.to_f32()).view());
                r.push((t, grey(frame), grey(moved.view())));
            }
            let own = moved.slice(ndarray::s![part[1].clone(), part[2].clone()]);
            out.extend(own.iter().copied());
        }
        let shape = [part[0].len(), 1, 1, part[1].len(), part[2].len()].map(|n| n as u64);
        Ok((Pixels::from_vec(shape, out), r))
    }
}
