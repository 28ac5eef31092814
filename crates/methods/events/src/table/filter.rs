//! Rows picked by what their columns hold.

use super::{Events, Values};
use crate::EventsError;

/// What a column must hold. A null never does.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// A number within bounds, both included; `None` is open.
    Range {
        /// Lower bound.
        min: Option<f64>,
        /// Upper bound.
        max: Option<f64>,
    },
    /// One of these words.
    OneOf(Vec<String>),
}

impl Filter {
    /// Bounds as astroCAST writes them: -1 is open as well. Use [`Filter::Range`] for a bound that is -1.
    pub fn range(min: Option<f64>, max: Option<f64>) -> Self {
        let open = |bound: Option<f64>| bound.filter(|b| *b != -1.0);
        Self::Range { min: open(min), max: open(max) }
    }

    /// Any of some words.
    pub fn one_of(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::OneOf(words.into_iter().map(Into::into).collect())
    }
}

impl Events {
    /// The events that pass all filters; there may be none.
    ///
    /// # Errors
    /// When a column is not there, or a range is asked of words, or words of numbers.
    pub fn filter(&self, filters: &[(&str, Filter)]) -> Result<Self, EventsError> {
        let mut passes = vec![true; self.len()];
        for (name, filter) in filters {
            match filter {
                Filter::Range { min, max } => {
                    let is_in =
                        |v: f64| min.is_none_or(|min| v >= min) && max.is_none_or(|max| v <= max);
                    for (pass, value) in passes.iter_mut().zip(self.numbers(name)?) {
                        *pass &= value.is_some_and(is_in);
                    }
                }
                Filter::OneOf(words) => {
                    let Values::Texts(values) = self.column(name)? else {
                        return Err(Self::wrong_kind(name, self.column(name)?, "words"));
                    };
                    for (pass, value) in passes.iter_mut().zip(values) {
                        *pass &= value.as_ref().is_some_and(|v| words.contains(v));
                    }
                }
            }
        }
        let rows: Vec<usize> = (0..self.len()).filter(|i| passes[*i]).collect();
        Ok(self.take(&rows))
    }
}
