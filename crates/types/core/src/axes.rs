//! The five axes of an image, in their one order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One axis of an image. The order of the variants is the order in memory, slowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// Time.
    T,
    /// Channel.
    C,
    /// Depth, the slowest space axis.
    Z,
    /// Row.
    Y,
    /// Column, the fastest axis.
    X,
}

impl Axis {
    /// All axes in their one order.
    pub const ALL: [Axis; 5] = [Axis::T, Axis::C, Axis::Z, Axis::Y, Axis::X];
    /// The space axes, in the order of points.
    pub const SPACE: [Axis; 3] = [Axis::Z, Axis::Y, Axis::X];

    /// Position among `t, c, z, y, x`.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Position among `z, y, x`, or `None` for time and channel.
    pub fn space_index(self) -> Option<usize> {
        self.index().checked_sub(2)
    }

    /// The lower-case letter.
    pub fn letter(self) -> char {
        ['t', 'c', 'z', 'y', 'x'][self.index()]
    }

    /// Reads one letter, upper or lower case.
    pub fn from_letter(letter: char) -> Option<Axis> {
        Axis::ALL.into_iter().find(|a| a.letter() == letter.to_ascii_lowercase())
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

/// The axes an image has: a subset of `t, c, z, y, x`, always in that order.
///
/// Inside, an image always has five axes; a missing one has length 1.
///
/// ```
/// use hooke_core::Axes;
/// let axes = Axes::parse("zyx").unwrap();
/// assert_eq!(axes.to_string(), "zyx");
/// assert_eq!(axes.expand(&[10, 20, 30]), [1, 1, 10, 20, 30]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Axes([bool; 5]);

impl Axes {
    /// `t, c, z, y, x`.
    pub const TCZYX: Axes = Axes([true; 5]);
    /// `z, y, x`.
    pub const ZYX: Axes = Axes([false, false, true, true, true]);
    /// `y, x`.
    pub const YX: Axes = Axes([false, false, false, true, true]);

    /// Reads letters in their one order; `None` for unknown, repeated or unordered letters.
    pub fn parse(letters: &str) -> Option<Axes> {
        let mut present = [false; 5];
        let mut last = None;
        for letter in letters.chars() {
            let index = Axis::from_letter(letter)?.index();
            if last.is_some_and(|l| l >= index) {
                return None;
            }
            last = Some(index);
            present[index] = true;
        }
        Some(Axes(present))
    }

    /// The subset that holds exactly the given axes.
    pub fn of(axes: &[Axis]) -> Axes {
        let mut present = [false; 5];
        for axis in axes {
            present[axis.index()] = true;
        }
        Axes(present)
    }

    /// The axes assumed for an array whose axes have no names:
    /// `yx`, `zyx`, `czyx`, `tczyx`; `None` for other numbers of dimensions.
    pub fn assumed(dimensions: usize) -> Option<Axes> {
        match dimensions {
            2 => Some(Axes::YX),
            3 => Some(Axes::ZYX),
            4 => Axes::parse("czyx"),
            5 => Some(Axes::TCZYX),
            _ => None,
        }
    }

    /// Whether the axis is present.
    pub fn has(&self, axis: Axis) -> bool {
        self.0[axis.index()]
    }

    /// The present axes, in order.
    pub fn iter(&self) -> impl Iterator<Item = Axis> + '_ {
        Axis::ALL.into_iter().filter(|a| self.has(*a))
    }

    /// Number of present axes.
    pub fn len(&self) -> usize {
        self.0.iter().filter(|p| **p).count()
    }

    /// Whether no axis is present.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Spreads lengths of the present axes over all five, 1 elsewhere.
    ///
    /// # Panics
    /// When `lengths` does not have one entry per present axis.
    pub fn expand(&self, lengths: &[u64]) -> [u64; 5] {
        assert_eq!(lengths.len(), self.len(), "one length per present axis");
        let mut full = [1; 5];
        for (axis, length) in self.iter().zip(lengths) {
            full[axis.index()] = *length;
        }
        full
    }

    /// Keeps the entries of the present axes.
    pub fn pick<T: Copy>(&self, full: &[T; 5]) -> Vec<T> {
        self.iter().map(|a| full[a.index()]).collect()
    }
}

impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|a| write!(f, "{a}"))
    }
}

impl Serialize for Axes {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Axes {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Axes::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "axes `{text}` are not a subset of `tczyx` in that order"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unordered_or_repeated_letters_are_refused() {
        assert!(Axes::parse("xyz").is_none());
        assert!(Axes::parse("zz").is_none());
        assert!(Axes::parse("zyxw").is_none());
        assert_eq!(Axes::parse("TCZYX"), Some(Axes::TCZYX));
    }

    #[test]
    fn pick_undoes_expand() {
        let axes = Axes::parse("cyx").expect("in order");
        assert_eq!(axes.pick(&axes.expand(&[3, 4, 5])), vec![3, 4, 5]);
    }
}
