//! Drift by the walls of channels, where there is nothing else to see.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, s};

use super::phase::BandDrift;
use super::{FrameShift, Shift, drift_box};
use crate::LineageError;
use crate::imgops::CropBox;

/// Measures mean columns along the channels, in which cells even out, and mean rows of what lies between them.
pub(super) struct WallDrift {
    shape: [usize; 2],
    rows: Range<usize>,
    between: Vec<usize>,
    across: BandDrift,
    along: BandDrift,
}

impl WallDrift {
    /// For frames of `shape` `(y, x)` with channels along y in `boxes`; `None` where these leave nothing between them.
    pub(super) fn new(boxes: &[CropBox], shape: [usize; 2]) -> Option<Self> {
        let [height, width] = shape;
        let top = boxes.iter().map(|b| b.ytl).max()?.clamp(0, height as i64) as usize;
        let bottom = boxes.iter().map(|b| b.ybr).min()?.clamp(0, height as i64) as usize;
        let is_between = |x: &usize| !boxes.iter().any(|b| (b.xtl..b.xbr).contains(&(*x as i64)));
        let between: Vec<usize> = (0..width).filter(is_between).collect();
        if bottom < top + 8 || between.len() < 8 {
            return None;
        }
        let CropBox { xtl, ytl, xbr, ybr } = drift_box(&[], shape, true);
        let line = |from: i64, to: i64| CropBox { xtl: from, ytl: 0, xbr: to, ybr: 1 };
        let across = BandDrift::new(line(xtl, xbr)).ok()?;
        let along = BandDrift::new(line(ytl, ybr)).ok()?;
        Some(Self { shape, rows: top..bottom, between, across, along })
    }

    pub(super) fn measure(
        &mut self,
        frame: ArrayView2<'_, f32>,
    ) -> Result<FrameShift, LineageError> {
        let shape: [usize; 2] = frame.dim().into();
        if shape != self.shape {
            let (expected, found) = (self.shape.to_vec(), shape.to_vec());
            return Err(LineageError::Shape { what: "frame", expected, found });
        }
        let mean = |values: &mut dyn Iterator<Item = f32>, n: usize| {
            (values.map(f64::from).sum::<f64>() / n as f64) as f32
        };
        let rows = frame.slice(s![self.rows.clone(), ..]);
        let columns = rows.axis_iter(Axis(1)).map(|c| mean(&mut c.iter().copied(), c.len()));
        let columns = Array2::from_shape_vec((1, shape[1]), columns.collect());
        let taken = |row: ndarray::ArrayView1<'_, f32>| {
            mean(&mut self.between.iter().map(|x| row[*x]), self.between.len())
        };
        let lines = Array2::from_shape_vec((1, shape[0]), frame.outer_iter().map(taken).collect());
        let (Ok(columns), Ok(lines)) = (columns, lines) else { return Ok(FrameShift::default()) };
        let x = self.across.measure(columns.view())?;
        let y = self.along.measure(lines.view())?;
        let both = |x: Shift, y: Shift| Shift {
            shift: [x.shift[0], y.shift[0]],
            peak_ratio: x.peak_ratio.min(y.peak_ratio),
        };
        let to_first = x.to_first.zip(y.to_first).map(|(x, y)| both(x, y));
        // A frame may be flat along one axis alone: then its neighbours are not the same along both.
        let to_previous = x.to_previous.zip(y.to_previous).filter(|(x, y)| x.0 == y.0);
        let to_previous = to_previous.map(|((n, x), (_, y))| (n, both(x, y)));
        Ok(FrameShift { to_first, to_previous })
    }
}
