//! Which frames of a pixel are part of a peak.

use ndarray::{Array3, ArrayView2, ArrayView3};
use rayon::prelude::*;

use super::smooth::LANES;
use super::{Sign, Temporal};
use crate::peaks::{Wanted, each_peak, half_window};

/// Frames `first..end` of a pixel.
struct Span {
    pixel: usize,
    first: usize,
    end: usize,
}

/// Marks the frames that are part of a peak. Parallel.
///
/// * `rows`: `(t, y, x)`, all frames of some rows, smoothed. `scale`: of these rows, from
///   [`Noise::scale`](super::Noise::scale). `sign`: peaks or valleys.
///
/// A frame is part of a peak if it lies between the places where the trace crosses `rel_height` of the
/// prominence below the top.
pub fn temporal_marks(
    rows: ArrayView3<'_, f32>,
    scale: ArrayView2<'_, f32>,
    params: &Temporal,
    sign: Sign,
) -> Array3<bool> {
    let (frames, height, width) = rows.dim();
    let mut marks = Array3::from_elem((frames, height, width), false);
    let rows = rows.as_standard_layout();
    let samples = rows.as_slice().unwrap_or_default();
    let scale: Vec<f32> = scale.iter().map(|s| s * sign.factor()).collect();
    let pixels = height * width;
    if frames < 3 || scale.len() != pixels {
        return marks;
    }
    let spans = |c: usize| {
        let lanes = c * LANES..pixels.min((c + 1) * LANES);
        spans(samples, pixels, lanes, &scale, params)
    };
    let spans: Vec<Vec<Span>> = (0..pixels.div_ceil(LANES)).into_par_iter().map(spans).collect();
    let out = marks.as_slice_mut().unwrap_or_default();
    for span in spans.into_iter().flatten() {
        for t in span.first..span.end {
            out[t * pixels + span.pixel] = true;
        }
    }
    marks
}

fn spans(
    samples: &[f32],
    pixels: usize,
    lanes: std::ops::Range<usize>,
    scale: &[f32],
    params: &Temporal,
) -> Vec<Span> {
    let frames = samples.len() / pixels;
    let wanted = Wanted {
        prominence: params.prominence,
        width: params.width,
        rel_height: params.rel_height,
        half_window: half_window(params.wlen),
        plateau_size: params.plateau_size.unwrap_or(0.0),
    };
    let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    for t in 0..frames {
        let row = &samples[t * pixels + lanes.start..][..lanes.len()];
        for ((low, high), v) in low.iter_mut().zip(&mut high).zip(row) {
            *low = if *v < *low { *v } else { *low };
            *high = if *v > *high { *v } else { *high };
        }
    }
    let mut trace = Vec::new();
    let mut spans = Vec::new();
    for (lane, pixel) in lanes.enumerate() {
        let scale = scale[pixel];
        let ends = [low[lane] * scale, high[lane] * scale];
        let lowest = ends[0].min(ends[1]);
        // Nothing in this pixel rises far enough.
        if f64::from(ends[0].max(ends[1]) - lowest) < params.prominence {
            continue;
        }
        trace.clear();
        trace.extend((0..frames).map(|t| samples[t * pixels + pixel] * scale));
        each_peak(&trace, lowest, wanted, |_, [left, right]| {
            let (first, end) = match params.cut_crossings {
                true => (left.floor(), right.floor()),
                false => (left.ceil(), right.floor() + 1.0),
            };
            spans.push(Span { pixel, first: first as usize, end: (end as usize).min(frames) });
        });
    }
    spans
}
