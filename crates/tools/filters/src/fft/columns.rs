//! Transforms along the axes that are not contiguous in memory.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rayon::prelude::*;
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

use super::lanes::{Direction, LANES, LanesFft};
use super::scratch::{with_complexes, with_lanes};

/// Columns of one parallel task, a multiple of [`LANES`].
const TASK_COLUMNS: usize = 128;

/// Elements of sixteen columns that a task holds at a time: half a MiB, so that they stay in the
/// second-level cache.
const BLOCK_VALUES: usize = 1 << 12;

/// Transforms of columns of one length, in both directions.
pub(super) struct Columns {
    len: usize,
    method: Method,
}

enum Method {
    /// Length 1: nothing to do.
    None,
    /// Small factors only: sixteen columns at once.
    Lanes(LanesFft),
    /// Any length: a few columns are copied into contiguous lines for `rustfft`.
    Lines { forward: Arc<dyn Fft<f32>>, inverse: Arc<dyn Fft<f32>> },
}

/// Plans are costly to make; one is kept per length for the life of the process.
static PLANS: LazyLock<Mutex<HashMap<usize, Arc<Columns>>>> = LazyLock::new(Mutex::default);

impl Columns {
    /// Plans transforms of columns of `len` elements, or takes up the plan made before.
    pub(super) fn of_length(len: usize) -> Arc<Self> {
        let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Self::new(len));
        Arc::clone(plans.entry(len).or_insert_with(new))
    }

    fn new(len: usize) -> Self {
        let method = match LanesFft::new(len) {
            _ if len == 1 => Method::None,
            Some(lanes) => Method::Lanes(lanes),
            None => {
                let mut planner = FftPlanner::new();
                Method::Lines {
                    forward: planner.plan_fft_forward(len),
                    inverse: planner.plan_fft_inverse(len),
                }
            }
        };
        Self { len, method }
    }

    /// Transforms every column of `data`, an array of `len` rows, in place and not scaled.
    ///
    /// Rows from `live` on are taken as zero, whatever they hold.
    pub(super) fn transform(&self, data: &mut [Complex32], live: usize, direction: Direction) {
        if let Method::None = self.method {
            return;
        }
        let width = data.len() / self.len;
        let mut tasks: Vec<Vec<&mut [Complex32]>> = Vec::new();
        tasks.resize_with(width.div_ceil(TASK_COLUMNS), || Vec::with_capacity(self.len));
        for row in data.chunks_mut(width) {
            for (task, part) in tasks.iter_mut().zip(row.chunks_mut(TASK_COLUMNS)) {
                task.push(part);
            }
        }
        tasks.par_iter_mut().for_each(|rows| self.transform_task(rows, live, direction));
    }

    fn transform_task(&self, rows: &mut [&mut [Complex32]], live: usize, direction: Direction) {
        let width = rows[0].len();
        let starts = (0..width).step_by(LANES);
        match (&self.method, direction) {
            (Method::None, _) => {}
            (Method::Lanes(fft), _) => {
                let blocks = (BLOCK_VALUES / self.len).clamp(1, TASK_COLUMNS / LANES);
                let blocks = blocks.min(width.div_ceil(LANES));
                with_lanes((blocks + 1) * self.len, |work| {
                    for start in starts.step_by(blocks) {
                        let columns = start..width.min(start + blocks * LANES);
                        let work = &mut work[..(columns.len().div_ceil(LANES) + 1) * self.len];
                        fft.process(rows, columns, live, direction, work);
                    }
                });
            }
            (Method::Lines { forward, .. }, Direction::Forward) => {
                lines(rows, starts, live, &**forward)
            }
            (Method::Lines { inverse, .. }, Direction::Inverse) => {
                lines(rows, starts, live, &**inverse)
            }
        }
    }
}

fn lines(
    rows: &mut [&mut [Complex32]],
    starts: impl Iterator<Item = usize>,
    live: usize,
    fft: &dyn Fft<f32>,
) {
    let (len, width) = (rows.len(), rows[0].len());
    // A distance that is a multiple of a power of two would put the same element of all lines into
    // the same set of the cache.
    let stride = len.next_multiple_of(8) + 8;
    let complexes = LANES * stride + fft.get_inplace_scratch_len();
    with_complexes(complexes, |complexes| {
        let (lines, scratch) = complexes.split_at_mut(LANES * stride);
        for start in starts {
            let columns = start..width.min(start + LANES);
            for (t, row) in rows[..live].iter().enumerate() {
                for (line, &value) in
                    lines[t..].iter_mut().step_by(stride).zip(&row[columns.clone()])
                {
                    *line = value;
                }
            }
            for line in lines.chunks_exact_mut(stride).take(columns.len()) {
                line[live..len].fill(Complex32::default());
                fft.process_with_scratch(&mut line[..len], scratch);
            }
            for (t, row) in rows.iter_mut().enumerate() {
                for (value, &line) in
                    row[columns.clone()].iter_mut().zip(lines[t..].iter().step_by(stride))
                {
                    *value = line;
                }
            }
        }
    });
}
