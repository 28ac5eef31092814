//! Tables of events, and what is done with them: filtered, normalised, brought to one length, grouped,
//! counted.
//!
//! The operations are those of astroCAST's `Events`. Where that crashes, or gives wrong numbers, the
//! answer here is the one its documentation promises: empty results are fine, lengths are enforced at
//! the end of traces, `to_numpy` shows the signal, painted maps hold ids and not their sums.

mod extended;
mod filter;
mod groups;
mod layout;
mod length;
mod normalize;
mod values;

use crate::EventsError;
use crate::characterize::{COLUMNS, EventRow};

pub use extended::{Extension, TraceReader};
pub use filter::Filter;
pub use groups::{Counts, Frequency, LookupTable, Summary};
pub use layout::{AverageTrace, TsfreshRow};
pub use length::{PadMode, PadSide, pad};
pub use normalize::{Instructions, Mode, Over, Step, normalize};
pub use values::Values;

/// A table: a row per event, columns by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Events {
    columns: Vec<(String, Values)>,
    /// What the rows are called; it stays with them when others are filtered out.
    index: Vec<u64>,
    num_frames: usize,
}

impl Events {
    /// The table of measured events of a movie of `num_frames` frames; rows are numbered from 0.
    pub fn from_rows(rows: &[EventRow], num_frames: usize) -> Self {
        let template = EventRow { z1: 1, x1: 1, y1: 1, ..EventRow::default() };
        let column = |column: &crate::characterize::Column| {
            let mut values = Values::for_cell((column.get)(&template));
            rows.iter().for_each(|row| values.push((column.get)(row)));
            (column.name.to_owned(), values)
        };
        Self {
            columns: COLUMNS.iter().map(column).collect(),
            index: (0..rows.len() as u64).collect(),
            num_frames,
        }
    }

    /// A table of given columns; rows are numbered from 0.
    ///
    /// # Errors
    /// When columns differ in length, or two have one name.
    pub fn from_columns(
        columns: Vec<(String, Values)>,
        num_frames: usize,
    ) -> Result<Self, EventsError> {
        let rows = columns.first().map_or(0, |(_, values)| values.len());
        let mut events =
            Self { columns: Vec::new(), index: (0..rows as u64).collect(), num_frames };
        for (name, values) in columns {
            if events.position(&name).is_some() {
                let reason = format!("{name:?} is there twice");
                return Err(EventsError::Parameter { name: "columns", reason });
            }
            events.set_column(&name, values)?;
        }
        Ok(events)
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Frames of the movie.
    pub fn num_frames(&self) -> usize {
        self.num_frames
    }

    /// The number of each row, as it was before anything was filtered out.
    pub fn index(&self) -> &[u64] {
        &self.index
    }

    /// Names and values of all columns, in order.
    pub fn columns(&self) -> &[(String, Values)] {
        &self.columns
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|(column, _)| column == name)
    }

    /// The values of a column.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn column(&self, name: &str) -> Result<&Values, EventsError> {
        let found = self.columns.iter().find(|(column, _)| column == name);
        found.map(|(_, values)| values).ok_or_else(|| EventsError::UnknownColumn {
            name: name.to_owned(),
            columns: self.columns.iter().map(|(column, _)| column.clone()).collect(),
        })
    }

    /// Puts a column in; true when it replaced one.
    ///
    /// # Errors
    /// When it has not one value per event.
    pub fn set_column(&mut self, name: &str, values: Values) -> Result<bool, EventsError> {
        if values.len() != self.len() {
            let (expected, found) = (vec![self.len()], vec![values.len()]);
            return Err(EventsError::Shape { what: "column", expected, found });
        }
        let replaced = self.position(name);
        match replaced {
            Some(i) => self.columns[i].1 = values,
            None => self.columns.push((name.to_owned(), values)),
        }
        Ok(replaced.is_some())
    }

    fn wrong_kind(name: &str, values: &Values, expected: &'static str) -> EventsError {
        EventsError::ColumnKind { name: name.to_owned(), expected, found: values.kind() }
    }

    /// A column of numbers; nulls and NaN are `None`.
    fn numbers(&self, name: &str) -> Result<Vec<Option<f64>>, EventsError> {
        let values = self.column(name)?;
        values.as_numbers().ok_or_else(|| Self::wrong_kind(name, values, "numbers"))
    }

    /// A column of words or whole numbers, as words.
    fn words(&self, name: &str) -> Result<Vec<Option<String>>, EventsError> {
        let values = self.column(name)?;
        values.as_words().ok_or_else(|| Self::wrong_kind(name, values, "words or whole numbers"))
    }

    /// A column of frames, rows or columns of the image, without nulls.
    fn places(&self, name: &str) -> Result<Vec<usize>, EventsError> {
        let values = self.column(name)?;
        let place =
            |v: Option<f64>| v.filter(|v| *v >= 0.0 && v.fract() == 0.0).map(|v| v as usize);
        let places = values.as_numbers().and_then(|v| v.into_iter().map(place).collect());
        places.ok_or_else(|| Self::wrong_kind(name, values, "whole numbers from 0"))
    }

    /// The traces.
    ///
    /// # Errors
    /// When there is no column `trace` of traces.
    pub fn traces(&self) -> Result<&[Vec<f64>], EventsError> {
        match self.column("trace")? {
            Values::Traces(traces) => Ok(traces),
            other => Err(Self::wrong_kind("trace", other, "traces")),
        }
    }

    fn run_lengths(&self, name: &str) -> Result<&[Vec<u32>], EventsError> {
        match self.column(name)? {
            Values::Runs(runs) => Ok(runs),
            other => Err(Self::wrong_kind(name, other, "run lengths")),
        }
    }

    /// Only these rows, by position.
    fn take(&self, rows: &[usize]) -> Self {
        let column = |(name, values): &(String, Values)| (name.clone(), values.take(rows));
        Self {
            columns: self.columns.iter().map(column).collect(),
            index: rows.iter().filter_map(|row| self.index.get(*row).copied()).collect(),
            num_frames: self.num_frames,
        }
    }

    /// The events whose frames all lie in `first..end`.
    ///
    /// # Errors
    /// When the range is empty, or `z0` and `z1` are not there.
    pub fn in_frames(&self, first: usize, end: usize) -> Result<Self, EventsError> {
        if first >= end {
            let reason = format!("{first}:{end} holds no frame");
            return Err(EventsError::Parameter { name: "frames", reason });
        }
        let (z0, z1) = (self.places("z0")?, self.places("z1")?);
        let rows: Vec<usize> =
            (0..self.len()).filter(|i| z0[*i] >= first && z1[*i] <= end).collect();
        Ok(self.take(&rows))
    }

    /// Normalises the traces, see [`normalize`].
    ///
    /// # Errors
    /// Those of [`normalize`], or when there are no traces.
    pub fn normalize(&mut self, instructions: &Instructions) -> Result<(), EventsError> {
        let mut traces = self.traces()?.to_vec();
        normalize(&mut traces, instructions)?;
        self.set_column("trace", Values::Traces(traces)).map(|_| ())
    }

    /// Brings traces to a length: shorter ones are padded to `min`, longer ones lose their end beyond
    /// `max`.
    ///
    /// # Errors
    /// When `min` is above `max`, or there are no traces.
    pub fn enforce_length(
        &mut self,
        min: Option<usize>,
        max: Option<usize>,
        mode: PadMode,
        side: PadSide,
    ) -> Result<(), EventsError> {
        if let (Some(low), Some(high)) = (min, max)
            && low > high
        {
            let reason = format!("{low}:{high} fits no trace");
            return Err(EventsError::Parameter { name: "length", reason });
        }
        let mut traces = self.traces()?.to_vec();
        for trace in &mut traces {
            trace.truncate(max.unwrap_or(usize::MAX));
            pad(trace, min.unwrap_or(0), mode, side);
        }
        self.set_column("trace", Values::Traces(traces)).map(|_| ())
    }

    /// Sets `t0`, `t1` and `dt` from the time at which each frame begins.
    ///
    /// # Errors
    /// When `z0` and `z1` are not there.
    pub fn set_times(&mut self, seconds_of: impl Fn(usize) -> f64) -> Result<(), EventsError> {
        let (z0, z1) = (self.places("z0")?, self.places("z1")?);
        let times = |frames: &[usize]| frames.iter().map(|z| seconds_of(*z)).collect::<Vec<_>>();
        let (t0, t1) = (times(&z0), times(&z1));
        let dt = t0.iter().zip(&t1).map(|(a, b)| b - a).collect();
        for (name, values) in [("t0", t0), ("t1", t1), ("dt", dt)] {
            self.set_column(name, Values::Numbers(values.into_iter().map(Some).collect()))?;
        }
        Ok(())
    }

    /// Joins tables of several folders below each other, rows numbered anew.
    ///
    /// A column that some lack is null there. New columns are `event_dir`, the name of the table, and
    /// `uid`, the name and the row's old number.
    ///
    /// # Errors
    /// When a column differs in kind between tables, or two tables have one name.
    pub fn concat(tables: &[(String, Self)]) -> Result<Self, EventsError> {
        let mut joined = Self { columns: Vec::new(), index: Vec::new(), num_frames: 0 };
        let (mut dirs, mut uids) = (Vec::new(), Vec::new());
        for (i, (name, table)) in tables.iter().enumerate() {
            if tables[..i].iter().any(|(other, _)| other == name) {
                let reason = format!("{name:?} is there twice");
                return Err(EventsError::Parameter { name: "tables", reason });
            }
            let rows = joined.len();
            for (column, values) in &table.columns {
                if joined.position(column).is_none() {
                    joined.columns.push((column.clone(), values.nulls(rows)));
                }
            }
            for (column, values) in &mut joined.columns {
                let others = table.position(column).map(|i| &table.columns[i].1);
                if !values.append(others, table.len()) {
                    let found = others.map_or("nothing", Values::kind);
                    let (name, expected) = (column.clone(), values.kind());
                    return Err(EventsError::ColumnKind { name, expected, found });
                }
            }
            joined.index = (0..(rows + table.len()) as u64).collect();
            joined.num_frames = joined.num_frames.max(table.num_frames);
            dirs.extend(table.index.iter().map(|_| Some(name.clone())));
            uids.extend(table.index.iter().map(|row| Some(format!("{name}x{row}"))));
        }
        joined.set_column("event_dir", Values::Texts(dirs))?;
        joined.set_column("uid", Values::Texts(uids))?;
        Ok(joined)
    }
}
