//! The columns of a table of events.

use crate::characterize::Cell;

/// The values of a column, one per event.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Whole numbers.
    Integers(Vec<Option<i64>>),
    /// Measures.
    Numbers(Vec<Option<f64>>),
    /// Words.
    Texts(Vec<Option<String>>),
    /// Run lengths.
    Runs(Vec<Vec<u32>>),
    /// Values along time or over pixels.
    Traces(Vec<Vec<f64>>),
    /// Outlines.
    Lines(Vec<Vec<Vec<f32>>>),
}

/// Applies an expression to the vector inside, whatever it holds.
macro_rules! each_kind {
    ($values:expr, $v:ident => $result:expr) => {
        match $values {
            Values::Integers($v) => $result,
            Values::Numbers($v) => $result,
            Values::Texts($v) => $result,
            Values::Runs($v) => $result,
            Values::Traces($v) => $result,
            Values::Lines($v) => $result,
        }
    };
}

/// Applies an expression to the vector inside and wraps the result as the same kind.
macro_rules! map_kind {
    ($values:expr, $v:ident => $result:expr) => {
        match $values {
            Values::Integers($v) => Values::Integers($result),
            Values::Numbers($v) => Values::Numbers($result),
            Values::Texts($v) => Values::Texts($result),
            Values::Runs($v) => Values::Runs($result),
            Values::Traces($v) => Values::Traces($result),
            Values::Lines($v) => Values::Lines($result),
        }
    };
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        each_kind!(self, v => v.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What they are, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Integers(_) => "whole numbers",
            Self::Numbers(_) => "numbers",
            Self::Texts(_) => "words",
            Self::Runs(_) => "run lengths",
            Self::Traces(_) => "traces",
            Self::Lines(_) => "outlines",
        }
    }

    /// Those of some rows; a row that is not there is a null (or an empty list).
    pub(super) fn take(&self, rows: &[usize]) -> Self {
        fn pick<T: Clone + Default>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|row| values.get(*row).cloned().unwrap_or_default()).collect()
        }
        map_kind!(self, v => pick(v, rows))
    }

    /// The numbers of a column of numbers; a NaN is a null.
    pub(super) fn as_numbers(&self) -> Option<Vec<Option<f64>>> {
        match self {
            Self::Integers(v) => Some(v.iter().map(|v| v.map(|v| v as f64)).collect()),
            Self::Numbers(v) => Some(v.iter().map(|v| v.filter(|v| !v.is_nan())).collect()),
            _ => None,
        }
    }

    /// Words, or whole numbers as words: what groups go by.
    pub(super) fn as_words(&self) -> Option<Vec<Option<String>>> {
        match self {
            Self::Integers(v) => Some(v.iter().map(|v| v.map(|v| v.to_string())).collect()),
            Self::Texts(v) => Some(v.clone()),
            _ => None,
        }
    }

    /// An empty column of the kind of `cell`.
    pub(super) fn for_cell(cell: Cell<'_>) -> Self {
        match cell {
            Cell::U8(_) | Cell::U32(_) | Cell::U64(_) => Self::Integers(Vec::new()),
            Cell::F64(_) => Self::Numbers(Vec::new()),
            Cell::U32s(_) => Self::Runs(Vec::new()),
            Cell::F32s(_) => Self::Traces(Vec::new()),
            Cell::Lines(_) => Self::Lines(Vec::new()),
            Cell::Text(_) => Self::Texts(Vec::new()),
        }
    }

    /// Appends a cell of the column's own kind.
    pub(super) fn push(&mut self, cell: Cell<'_>) {
        match (self, cell) {
            (Self::Integers(v), Cell::U8(c)) => v.push(Some(c.into())),
            (Self::Integers(v), Cell::U32(c)) => v.push(Some(c.into())),
            (Self::Integers(v), Cell::U64(c)) => v.push(i64::try_from(c).ok()),
            (Self::Numbers(v), Cell::F64(c)) => v.push(c),
            (Self::Texts(v), Cell::Text(c)) => v.push(c.map(str::to_owned)),
            (Self::Runs(v), Cell::U32s(c)) => v.push(c.to_vec()),
            (Self::Traces(v), Cell::F32s(c)) => v.push(c.iter().map(|c| f64::from(*c)).collect()),
            (Self::Lines(v), Cell::Lines(c)) => v.push(c.to_vec()),
            (values, cell) => unreachable!("a {cell:?} in a column of {}", values.kind()),
        }
    }

    /// Appends `others`, or `rows` nulls where the column is missing there; false when their kinds
    /// differ.
    pub(super) fn append(&mut self, others: Option<&Self>, rows: usize) -> bool {
        match (&mut *self, others) {
            (values, None) => {
                let length = values.len() + rows;
                each_kind!(values, v => v.resize_with(length, Default::default));
            }
            (Self::Integers(v), Some(Self::Integers(o))) => v.extend_from_slice(o),
            (Self::Numbers(v), Some(Self::Numbers(o))) => v.extend_from_slice(o),
            (Self::Texts(v), Some(Self::Texts(o))) => v.extend_from_slice(o),
            (Self::Runs(v), Some(Self::Runs(o))) => v.extend_from_slice(o),
            (Self::Traces(v), Some(Self::Traces(o))) => v.extend_from_slice(o),
            (Self::Lines(v), Some(Self::Lines(o))) => v.extend_from_slice(o),
            _ => return false,
        }
        true
    }

    /// A column of nulls of the same kind.
    pub(super) fn nulls(&self, rows: usize) -> Self {
        fn empty<T: Clone + Default>(_: &[T], rows: usize) -> Vec<T> {
            vec![T::default(); rows]
        }
        map_kind!(self, v => empty(v, rows))
    }
}
