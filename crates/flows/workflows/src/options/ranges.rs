//! Ranges per axis (both ends included) and spans of voxels (half-open).

use std::str::FromStr;

use super::lengths::Length;
use super::{BadValue, named_axes};

/// Shifts allowed per axis, both ends included: `10`, `-5:10`, `z=3,y=-8:8,x=10`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AxisRanges(pub [Option<(Length, Length)>; 3]);

const RANGE: &str = "range per axis";
const RANGE_EXAMPLE: &str = "10, -5:10 or z=3,y=-8:8,x=10, both ends included";

impl AxisRanges {
    /// Voxels per axis as `(min, max)`; an axis that was not named gets `(0, 0)`.
    pub fn voxels(&self, shape: [u64; 3], voxel_um: [f64; 3]) -> [(f64, f64); 3] {
        std::array::from_fn(|d| {
            let voxels = |l: Length| l.voxels(shape[d], voxel_um[d]);
            self.0[d].map_or((0.0, 0.0), |(a, b)| (voxels(a), voxels(b)))
        })
    }
}

fn range(text: &str) -> Result<(Length, Length), BadValue> {
    let bad = || BadValue::new(text, RANGE, RANGE_EXAMPLE);
    match text.split_once(':') {
        Some((low, high)) => {
            let (low, high): (Length, Length) =
                (low.parse().map_err(|_| bad())?, high.parse().map_err(|_| bad())?);
            let inverted = low.unit == high.unit && low.value > high.value;
            if inverted { Err(bad()) } else { Ok((low, high)) }
        }
        None => {
            let high: Length = text.parse().map_err(|_| bad())?;
            if high.value < 0.0 {
                return Err(bad());
            }
            Ok((Length { value: -high.value, ..high }, high))
        }
    }
}

impl FromStr for AxisRanges {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<AxisRanges, BadValue> {
        let bad = || BadValue::new(text, RANGE, RANGE_EXAMPLE);
        if let Some(named) = named_axes(text) {
            let mut ranges = [None; 3];
            for (value, out) in named.map_err(|()| bad())?.into_iter().zip(&mut ranges) {
                *out = value.map(range).transpose()?;
            }
            return Ok(AxisRanges(ranges));
        }
        let all: Result<Vec<_>, BadValue> = text.split(',').map(range).collect();
        match all.map_err(|_| bad())?.as_slice() {
            [one] => Ok(AxisRanges([Some(*one); 3])),
            [y, x] => Ok(AxisRanges([None, Some(*y), Some(*x)])),
            [z, y, x] => Ok(AxisRanges([Some(*z), Some(*y), Some(*x)])),
            _ => Err(bad()),
        }
    }
}

/// Part of an axis, half-open: `LO:HI`, `LO:`, `:HI`, one index, or with a step `LO:HI:STEP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First index; negative counts from the end.
    pub low: Option<i64>,
    /// One past the last index; negative counts from the end.
    pub high: Option<i64>,
    /// Distance between kept indices, at least 1.
    pub step: Option<u64>,
}

impl Span {
    /// The indices of an axis of length `n` as `(first, one past last, step)`, clipped.
    pub fn of_length(&self, n: u64) -> (u64, u64, u64) {
        let from_end = |v: i64| if v < 0 { v + n as i64 } else { v };
        let low = self.low.map_or(0, from_end).clamp(0, n as i64) as u64;
        let high = self.high.map_or(n as i64, from_end).clamp(0, n as i64) as u64;
        (low, high.max(low), self.step.unwrap_or(1))
    }
}

impl FromStr for Span {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Span, BadValue> {
        let bad =
            || BadValue::new(text, "span of an axis", "2:10, ::2 or 5; the end is not included");
        let whole = |t: &str| match t.trim() {
            "" => Ok(None),
            t => t.parse::<i64>().map(Some).map_err(|_| bad()),
        };
        let parts: Vec<&str> = text.split(':').collect();
        let span = match parts.as_slice() {
            [one] => {
                let low = whole(one)?.ok_or_else(bad)?;
                let high = if low == -1 { None } else { Some(low + 1) };
                Span { low: Some(low), high, step: None }
            }
            [low, high] => Span { low: whole(low)?, high: whole(high)?, step: None },
            [low, high, step] => {
                let step = whole(step)?.map(|s| u64::try_from(s).map_err(|_| bad())).transpose()?;
                Span { low: whole(low)?, high: whole(high)?, step }
            }
            _ => return Err(bad()),
        };
        if span.step == Some(0) {
            return Err(bad());
        }
        Ok(span)
    }
}

/// A box by its named axes, half-open: `z=LO:HI,y=LO:HI,x=LO:HI`; axes not named are whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spans(pub [Option<Span>; 3]);

impl Spans {
    /// Bounds per axis in layout coordinates, where negative numbers are positions, not counts
    /// from the end: `(lower, upper)`, taking `whole` for what is not given.
    pub fn bounds(&self, whole: [(i64, i64); 3]) -> [(i64, i64); 3] {
        std::array::from_fn(|d| match self.0[d] {
            None => whole[d],
            Some(s) => (s.low.unwrap_or(whole[d].0), s.high.unwrap_or(whole[d].1)),
        })
    }
}

impl FromStr for Spans {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Spans, BadValue> {
        let bad =
            || BadValue::new(text, "box", "z=0:10,y=100:612,x=:512; the ends are not included");
        let named = named_axes(text).ok_or_else(bad)?.map_err(|()| bad())?;
        let mut spans = [None; 3];
        for (value, span) in named.into_iter().zip(&mut spans) {
            *span = value.map(|v| v.parse::<Span>().map_err(|_| bad())).transpose()?;
        }
        if spans.iter().flatten().any(|s: &Span| s.step.is_some()) {
            return Err(bad());
        }
        Ok(Spans(spans))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_number_is_a_symmetric_range() {
        let ranges: AxisRanges = "z=3,y=-5:10".parse().expect("ranges");
        assert_eq!(ranges.voxels([9; 3], [1.0; 3]), [(-3.0, 3.0), (-5.0, 10.0), (0.0, 0.0)]);
        let all: AxisRanges = "10".parse().expect("ranges");
        assert_eq!(all.voxels([9; 3], [1.0; 3]), [(-10.0, 10.0); 3]);
    }

    #[test]
    fn inverted_and_negative_windows_are_refused() {
        assert!("5:-5".parse::<AxisRanges>().is_err());
        assert!("-5".parse::<AxisRanges>().is_err());
    }

    #[test]
    fn spans_are_half_open_and_count_from_the_end() {
        let span = |t: &str| t.parse::<Span>().expect("a span").of_length(10);
        assert_eq!(span("2:5"), (2, 5, 1));
        assert_eq!(span("::2"), (0, 10, 2));
        assert_eq!(span("-3:"), (7, 10, 1));
        assert_eq!(span("-1"), (9, 10, 1));
        assert_eq!(span("4"), (4, 5, 1));
        assert_eq!(span("8:99"), (8, 10, 1));
        assert!("::0".parse::<Span>().is_err());
    }

    #[test]
    fn a_box_keeps_whole_axes_that_are_not_named() {
        let spans: Spans = "y=-4:6".parse().expect("a box");
        assert_eq!(spans.bounds([(0, 3), (-9, 9), (1, 7)]), [(0, 3), (-4, 6), (1, 7)]);
        assert!("4:6".parse::<Spans>().is_err());
    }
}
