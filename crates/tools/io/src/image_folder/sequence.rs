//! Files that an expression names as one stack.

use std::path::{Path, PathBuf};

use hooke_core::Axis;

use super::places::{Numbers, Places};
use super::read::{FolderDataset, stack};
use crate::expression::{Expression, Found};
use crate::natural::natural_order;
use crate::{Error, OpenOptions, Result};

/// Whether a path is no file but an expression that names some, like `cells_<T,3>_<C,1>.tif`.
pub fn is_sequence(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains(['<', '{'])) && !path.exists()
}

/// The files that an expression names, in natural order.
///
/// # Errors
/// [`Error::Unsupported`] for what is no expression; [`Error::NotThere`] when nothing matches.
pub fn sequence_files(path: &Path) -> Result<Vec<PathBuf>> {
    Ok(find(path)?.into_iter().map(|f| f.path).collect())
}

fn find(path: &Path) -> Result<Vec<Found>> {
    parse(path)?.find()
}

fn parse(path: &Path) -> Result<Expression> {
    let text = path.to_string_lossy();
    text.parse().map_err(|e: crate::expression::ExpressionError| {
        Error::unsupported(path, format!("{e}\n{}", e.caret()), "")
    })
}

/// Opens the files that an expression names as one stack: `<T>`, `<C>` and `<Z>` say the place of a
/// file, `<C,S>` the name of its channel. Planes in between whose files are lost are zero.
///
/// # Errors
/// As [`super::open`]; [`Error::Unsupported`] for other tags, and when the files make up no grid.
pub fn open_sequence(path: &Path, how: &OpenOptions) -> Result<FolderDataset> {
    let refuse = |what: String, hint: &str| Err(Error::unsupported(path, what, hint));
    let expression = parse(path)?;
    for tag in expression.tags() {
        if axis_of(&tag.name).is_none() {
            let hint =
                "count files with <T>, <C> and <Z>, and write the rest of their names as it is";
            return refuse(format!("the tag `{}`", tag.name), hint);
        }
    }
    if how.along.is_some() {
        return refuse("--along with an expression".to_owned(), "its tags say what the files are");
    }
    let found = expression.find()?;
    let channels = channel_names(&found);
    let numbers: Vec<Numbers> = found.iter().map(|f| numbers_of(f, &channels)).collect();
    let names: Vec<String> = found.iter().map(|f| f.path.to_string_lossy().into_owned()).collect();
    stack(path, Path::new(""), &names, how, |first| {
        let places = Places::by_numbers(&numbers).map(|p| Places { channel_names: channels, ..p });
        let Some(places) = places else {
            let what = format!("{} files whose numbers make up no grid", names.len());
            let hint = "choose files with the same tags, all numbers of each axis together";
            return refuse_places(path, what, hint);
        };
        match places.along.iter().find(|a| first.shape[a.index()] > 1) {
            Some(axis) => {
                let what =
                    format!("files numbered along {axis} that are stacks along it themselves");
                refuse_places(path, what, "open one file at a time")
            }
            None => Ok(places),
        }
    })
}

fn refuse_places(path: &Path, what: String, hint: &str) -> Result<Places> {
    Err(Error::unsupported(path, what, hint))
}

fn axis_of(tag: &str) -> Option<Axis> {
    match tag {
        "T" | "t" => Some(Axis::T),
        "C" | "c" => Some(Axis::C),
        "Z" | "z" => Some(Axis::Z),
        _ => None,
    }
}

/// The channels where they have names, in natural order; `None` where they have numbers.
fn channel_names(found: &[Found]) -> Option<Vec<String>> {
    let value = |f: &Found| {
        let (_, value) = f.values.iter().find(|(name, _)| axis_of(name) == Some(Axis::C))?;
        Some(value.to_string())
    };
    let mut names: Vec<String> = found.iter().map(value).collect::<Option<_>>()?;
    if names.iter().all(|n| n.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    names.sort_by(|a, b| natural_order(a, b));
    names.dedup();
    Some(names)
}

fn numbers_of(found: &Found, channels: &Option<Vec<String>>) -> Numbers {
    let number = |(name, value): (&str, &crate::expression::TagValue)| {
        let axis = axis_of(name)?;
        let text = value.to_string();
        let named = channels.as_ref().filter(|_| axis == Axis::C);
        let number = match named {
            Some(channels) => channels.iter().position(|c| *c == text)? as u64,
            None => text.parse().ok()?,
        };
        Some((axis, number))
    };
    found.values.iter().filter_map(number).collect()
}
