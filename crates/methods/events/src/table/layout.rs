//! Events laid out along time: matrices, long tables, maps.

use ndarray::{Array2, Array3};

use super::{Events, Values};
use crate::EventsError;
use crate::characterize::runs_of_ones;

/// One sample of a trace in a long table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TsfreshRow {
    /// The event's row.
    pub id: u64,
    /// Sample, from 0.
    pub time: u32,
    /// Value; 0 for NaN.
    pub dim_0: f64,
}

/// The mean over events, per frame.
#[derive(Debug, Clone, PartialEq)]
pub struct AverageTrace {
    /// NaN where no event is.
    pub mean: Vec<f64>,
    /// Events with a value.
    pub n: Vec<u64>,
}

impl Events {
    /// Traces at their frames: `(event, frame)`, with `empty` where an event is not. What lies beyond
    /// the movie is cut.
    ///
    /// # Errors
    /// When `z0` or `trace` are not there.
    pub fn to_matrix(&self, empty: f64) -> Result<Array2<f64>, EventsError> {
        let starts = self.places("z0")?;
        let mut matrix = Array2::from_elem((self.len(), self.num_frames), empty);
        for ((mut row, trace), start) in matrix.outer_iter_mut().zip(self.traces()?).zip(starts) {
            row.iter_mut().skip(start).zip(trace).for_each(|(to, from)| *to = *from);
        }
        Ok(matrix)
    }

    /// Traces as a long table, by event and time.
    ///
    /// # Errors
    /// When there are no traces.
    pub fn to_tsfresh(&self) -> Result<Vec<TsfreshRow>, EventsError> {
        let samples = self.index.iter().zip(self.traces()?).flat_map(|(id, trace)| {
            trace.iter().enumerate().map(|(time, v)| TsfreshRow {
                id: *id,
                time: time as u32,
                dim_0: if v.is_nan() { 0.0 } else { *v },
            })
        });
        let mut rows: Vec<TsfreshRow> = samples.collect();
        rows.sort_by_key(|row| (row.id, row.time));
        Ok(rows)
    }

    /// The mean of all events at each frame.
    ///
    /// # Errors
    /// As [`Events::to_matrix`].
    pub fn average_trace(&self) -> Result<AverageTrace, EventsError> {
        let matrix = self.to_matrix(f64::NAN)?;
        let known = |column: ndarray::ArrayView1<'_, f64>| -> Vec<f64> {
            column.iter().copied().filter(|v| !v.is_nan()).collect()
        };
        let columns: Vec<Vec<f64>> = matrix.columns().into_iter().map(known).collect();
        Ok(AverageTrace {
            // 0 / 0 is NaN.
            mean: columns.iter().map(|c| c.iter().sum::<f64>() / c.len() as f64).collect(),
            n: columns.iter().map(|c| c.len() as u64).collect(),
        })
    }

    /// Columns of numbers side by side, a row per event: what [`z_scored`](crate::cluster::z_scored)
    /// takes.
    ///
    /// A null becomes the mean of its column, so that it tells nothing; a column of nulls becomes 0.
    ///
    /// # Errors
    /// When a column is not there or holds no numbers.
    pub fn features(&self, columns: &[&str]) -> Result<Vec<Vec<f64>>, EventsError> {
        let mut features = vec![Vec::with_capacity(columns.len()); self.len()];
        for name in columns {
            let values: Vec<Option<f64>> =
                self.numbers(name)?.into_iter().map(|v| v.filter(|v| v.is_finite())).collect();
            let known: Vec<f64> = values.iter().copied().flatten().collect();
            let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
            features.iter_mut().zip(values).for_each(|(f, v)| f.push(v.unwrap_or(mean)));
        }
        Ok(features)
    }

    /// Traces around points of time: `(trial, event, sample)`, NaN where an event is not or the movie
    /// ends.
    ///
    /// # Arguments
    /// * `timings`: frames.
    /// * `length`: samples of a trial.
    /// * `leading`: how many of them come before the timing; half of them, rounded up, for `None`.
    ///
    /// # Errors
    /// When `leading` is above `length`, or as [`Events::to_matrix`].
    pub fn trials(
        &self,
        timings: &[usize],
        length: usize,
        leading: Option<usize>,
    ) -> Result<Array3<f64>, EventsError> {
        let leading = leading.unwrap_or(length.div_ceil(2));
        if leading > length {
            let reason = format!("{leading} is more than the trial's length {length}");
            return Err(EventsError::Parameter { name: "leading", reason });
        }
        let matrix = self.to_matrix(f64::NAN)?;
        Ok(Array3::from_shape_fn((timings.len(), self.len(), length), |(trial, event, i)| {
            let frame = (timings[trial] + i).checked_sub(leading);
            frame.and_then(|f| matrix.get([event, f])).copied().unwrap_or(f64::NAN)
        }))
    }

    /// The ids of the events of each frame, ascending.
    ///
    /// # Errors
    /// When `z0` and `z1` are not there.
    pub fn time_map(&self) -> Result<Vec<Vec<u32>>, EventsError> {
        let (z0, z1, ids) = (self.places("z0")?, self.places("z1")?, self.map_ids()?);
        let mut frames = vec![Vec::new(); self.num_frames];
        for ((first, end), id) in z0.iter().zip(&z1).zip(ids) {
            frames.iter_mut().take(*end).skip(*first).for_each(|frame| frame.push(id));
        }
        frames.iter_mut().for_each(|frame| frame.sort_unstable());
        Ok(frames)
    }

    /// The ids events have in a map: column `id`, else the row's number plus 1, since 0 is background.
    pub(super) fn map_ids(&self) -> Result<Vec<u32>, EventsError> {
        let too_large = || EventsError::Parameter {
            name: "id",
            reason: "an event map holds ids from 1 to 4294967295".to_owned(),
        };
        let id = |id: Option<i64>| {
            let id = id.and_then(|id| u32::try_from(id).ok());
            id.filter(|id| *id > 0).ok_or_else(too_large)
        };
        match self.column("id") {
            Ok(Values::Integers(ids)) => ids.iter().map(|v| id(*v)).collect(),
            Ok(other) => Err(Self::wrong_kind("id", other, "whole numbers")),
            Err(_) => {
                self.index.iter().map(|i| id(i64::try_from(*i).ok().map(|i| i + 1))).collect()
            }
        }
    }

    /// Paints the events' masks into a map `(t, y, x)` of `shape`. Where masks overlap, the higher id
    /// wins.
    ///
    /// # Errors
    /// When there is no column `mask`, or a mask leaves the map.
    pub fn event_map(&self, shape: [usize; 3]) -> Result<Array3<u32>, EventsError> {
        let mut map = Array3::zeros(shape);
        let ids = self.map_ids()?;
        for (event, mask) in self.masks()?.iter().enumerate() {
            for place in mask.voxels() {
                let Some(label) = map.get_mut(place) else {
                    let reason = format!("event {} leaves the map {shape:?}", ids[event]);
                    return Err(EventsError::Parameter { name: "shape", reason });
                };
                *label = ids[event].max(*label);
            }
        }
        Ok(map)
    }

    /// The masks with their places, from `mask` and the columns of the box.
    pub(super) fn masks(&self) -> Result<Vec<PlacedMask<'_>>, EventsError> {
        let column = |name| self.places(name);
        let starts = [column("z0")?, column("x0")?, column("y0")?];
        let ends = [column("z1")?, column("x1")?, column("y1")?];
        let mut masks = Vec::with_capacity(self.len());
        for (i, runs) in self.run_lengths("mask")?.iter().enumerate() {
            let start: [usize; 3] = std::array::from_fn(|a| starts[a][i]);
            let shape: [usize; 3] = std::array::from_fn(|a| ends[a][i].saturating_sub(start[a]));
            let voxels = shape.iter().try_fold(1_u64, |n, v| n.checked_mul(*v as u64));
            let covered = runs.iter().map(|run| u64::from(*run)).sum::<u64>();
            if voxels.is_none_or(|voxels| covered > voxels) {
                let reason = format!("that of row {} does not fit its box", self.index[i]);
                return Err(EventsError::Parameter { name: "mask", reason });
            }
            masks.push(PlacedMask { start, shape, runs });
        }
        Ok(masks)
    }
}

/// A mask and where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlacedMask<'a> {
    pub start: [usize; 3],
    pub shape: [usize; 3],
    pub runs: &'a [u32],
}

impl<'a> PlacedMask<'a> {
    /// Its voxels in C order, `(t, y, x)` of the movie.
    pub fn voxels(self) -> impl Iterator<Item = [usize; 3]> + 'a {
        let [_, height, width] = self.shape;
        let offsets = runs_of_ones(self.runs).flat_map(|(first, length)| first..first + length);
        offsets.map(move |i| {
            let i = i as usize;
            let (z, x, y) = (i / (height * width), i / width % height, i % width);
            [self.start[0] + z, self.start[1] + x, self.start[2] + y]
        })
    }
}
