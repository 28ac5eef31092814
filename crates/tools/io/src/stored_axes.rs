//! What the stored dimensions of an array are, in the order they are stored.

use std::path::Path;

use hooke_core::{Axes, Axis, Origin};

use crate::{Error, Result};

/// The axis of every stored dimension, slowest first as the file has them; no axis twice.
///
/// An image inside always has the order `t, c, z, y, x`; a file may hold any other, such as `xyz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAxes(Vec<Axis>);

impl StoredAxes {
    /// Reads letters in stored order; `None` for none, unknown or repeated letters.
    pub fn parse(letters: &str) -> Option<StoredAxes> {
        let axes: Vec<Axis> = letters.chars().map(Axis::from_letter).collect::<Option<_>>()?;
        let distinct = Axes::of(&axes).len() == axes.len();
        (distinct && !axes.is_empty()).then_some(StoredAxes(axes))
    }

    /// The axes of an array: those the user gave, else those the file names, else the assumed ones.
    ///
    /// # Errors
    /// [`Error::MetadataInvalid`] when the letters are no axes or are not as many as dimensions;
    /// [`Error::Unsupported`] when nothing is given and no rule fits (fewer than 2 dimensions or
    /// more than 5).
    pub fn resolve(
        path: &Path,
        dimensions: usize,
        user: Option<&str>,
        file: Option<&str>,
    ) -> Result<(StoredAxes, Origin)> {
        let (letters, from) = match (user, file) {
            (Some(letters), _) => (letters, Origin::User),
            (None, Some(letters)) => (letters, Origin::File),
            (None, None) => {
                let assumed = Axes::assumed(dimensions).ok_or_else(|| {
                    let what = format!("an array of {dimensions} dimensions as an image");
                    Error::unsupported(
                        path,
                        what,
                        "name its dimensions with --axes, e.g. --axes zyx",
                    )
                })?;
                return Ok((StoredAxes(assumed.iter().collect()), Origin::Assumed));
            }
        };
        let axes = StoredAxes::parse(letters).ok_or_else(|| {
            Error::metadata(path, format!("axes `{letters}` are not distinct letters of `tczyx`"))
        })?;
        if axes.0.len() != dimensions {
            let what = format!("axes `{letters}` for an array of {dimensions} dimensions");
            return Err(Error::metadata(path, what));
        }
        Ok((axes, from))
    }

    /// The axis of each stored dimension.
    pub fn order(&self) -> &[Axis] {
        &self.0
    }

    /// The axes the image has, in their one order.
    pub fn axes(&self) -> Axes {
        Axes::of(&self.0)
    }

    /// Spreads one value per stored dimension over `t, c, z, y, x`.
    pub fn spread<T: Copy>(&self, stored: &[T], missing: T) -> [T; 5] {
        let mut full = [missing; 5];
        for (axis, value) in self.0.iter().zip(stored) {
            full[axis.index()] = *value;
        }
        full
    }

    /// Picks one value per stored dimension out of `t, c, z, y, x`.
    pub fn gather<T: Copy>(&self, full: &[T; 5]) -> Vec<T> {
        self.0.iter().map(|a| full[a.index()]).collect()
    }

    /// Whether the stored order is already that of `t, c, z, y, x`.
    pub fn in_order(&self) -> bool {
        self.0.is_sorted()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_user_beats_the_file_and_the_file_beats_the_rule() {
        let path = Path::new("a.npy");
        let get = |user, file| StoredAxes::resolve(path, 3, user, file).unwrap();
        assert_eq!(get(Some("xyz"), Some("cyx")).1, Origin::User);
        assert_eq!(get(None, Some("cyx")).0.axes().to_string(), "cyx");
        assert_eq!(get(None, None), (StoredAxes::parse("zyx").unwrap(), Origin::Assumed));
        assert!(StoredAxes::resolve(path, 3, Some("zz"), None).is_err());
        assert!(StoredAxes::resolve(path, 3, Some("yx"), None).is_err());
        assert!(StoredAxes::resolve(path, 1, None, None).is_err());
    }

    #[test]
    fn spread_and_gather_undo_each_other() {
        let axes = StoredAxes::parse("xyz").unwrap();
        assert_eq!(axes.spread(&[7, 8, 9], 1), [1, 1, 9, 8, 7]);
        assert_eq!(axes.gather(&[1, 1, 9, 8, 7]), [7, 8, 9]);
        assert!(!axes.in_order());
    }
}
