//! The files of a folder that match.

use std::path::{Path, PathBuf};

use super::{Expression, Part, TagValues};
use crate::natural::natural_order;
use crate::{Error, Result};

/// A path that matches an expression, and what its tags hold there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file, or the folder of a container such as `.zarr`.
    pub path: PathBuf,
    /// The values of the tags.
    pub values: TagValues,
}

/// How many near names a message shows.
const NEAREST: usize = 3;

impl Expression {
    /// Finds the files and folders that match, in natural order of their paths.
    ///
    /// Tags may stand in names of folders too. A relative expression counts from the working
    /// folder. Names that are not UTF-8 never match.
    ///
    /// # Errors
    /// [`Error::NotThere`] when nothing matches, naming the pattern, the folder and the three
    /// nearest names; [`Error::Io`] when a folder cannot be listed.
    pub fn find(&self) -> Result<Vec<Found>> {
        let mut reached = vec![String::new()];
        for (number, name) in self.components().into_iter().enumerate() {
            if number > 0 {
                reached.iter_mut().for_each(|path| path.push('/'));
            }
            let Some(pattern) = name else { continue };
            let last_reached = reached;
            reached = Vec::new();
            for folder in &last_reached {
                pattern.extend_from(folder, &mut reached)?;
            }
            if reached.is_empty() {
                return Err(self.nothing_matches(&last_reached, &pattern));
            }
        }
        let mut found: Vec<Found> = Vec::new();
        reached.sort_by(|a, b| natural_order(a, b));
        for path in &reached {
            if let Some(values) = self.matches(path) {
                found.push(Found { path: PathBuf::from(path), values });
            }
        }
        if found.is_empty() {
            // Each name matched alone, but a repeated tag differs between folder and file.
            let what = format!("path that matches `{}` with equal repeated tags", self.glob());
            return Err(Error::NotThere { path: PathBuf::from(&reached[0]), what });
        }
        Ok(found)
    }

    /// The expression cut at every `/`; `None` for an empty name.
    fn components(&self) -> Vec<Option<Expression>> {
        let mut names: Vec<Vec<Part>> = vec![Vec::new()];
        for part in &self.parts {
            let Part::Text(text) = part else {
                names.last_mut().expect("begins with one").push(part.clone());
                continue;
            };
            for (number, piece) in text.split('/').enumerate() {
                if number > 0 {
                    names.push(Vec::new());
                }
                if !piece.is_empty() {
                    let name = names.last_mut().expect("begins with one");
                    name.push(Part::Text(piece.to_owned()));
                }
            }
        }
        let name = |parts: Vec<Part>| (!parts.is_empty()).then(|| self.with_parts(&parts));
        names.into_iter().map(name).collect()
    }

    /// An expression of some of the parts, with the tags they need.
    fn with_parts(&self, parts: &[Part]) -> Expression {
        let mut used = Vec::new();
        let mut place = |index: usize| {
            used.iter().position(|u| *u == index).unwrap_or_else(|| {
                used.push(index);
                used.len() - 1
            })
        };
        let parts = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Part::Text(text.clone()),
                Part::Tag(index) => Part::Tag(place(*index)),
            })
            .collect();
        Expression { parts, tags: used.iter().map(|i| self.tags[*i].clone()).collect() }
    }

    /// Appends `folder` with each name in it that matches this one component.
    fn extend_from(&self, folder: &str, reached: &mut Vec<String>) -> Result<()> {
        if let [Part::Text(name)] = self.parts.as_slice() {
            let path = format!("{folder}{name}");
            if Path::new(&path).exists() {
                reached.push(path);
            }
            return Ok(());
        }
        if !Path::new(if folder.is_empty() { "." } else { folder }).is_dir() {
            return Ok(());
        }
        for name in names_in(folder)? {
            if self.matches(&name).is_some() {
                reached.push(format!("{folder}{name}"));
            }
        }
        Ok(())
    }

    fn nothing_matches(&self, folders: &[String], name: &Expression) -> Error {
        let glob = self.glob();
        let folder = folders.first().map_or("", String::as_str);
        let shown = if folder.is_empty() { "." } else { folder };
        let names: Vec<String> =
            folders.iter().filter_map(|f| names_in(f).ok()).flatten().collect();
        let near = nearest(&name.glob().replace("[0-9]", "0"), names);
        let what = match near.as_slice() {
            [] => format!("path that matches `{glob}`; the folder is empty"),
            near => {
                format!("path that matches `{glob}`; the nearest names are {}", near.join(", "))
            }
        };
        Error::NotThere { path: PathBuf::from(shown), what }
    }
}

fn names_in(folder: &str) -> Result<Vec<String>> {
    let path = Path::new(if folder.is_empty() { "." } else { folder });
    let list = |source| Error::io(path, "list", source);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(list)? {
        if let Ok(name) = entry.map_err(list)?.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

/// The names nearest to a pattern by edit distance, all digits counting as equal.
fn nearest(pattern: &str, names: Vec<String>) -> Vec<String> {
    let masked = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
    };
    let pattern = masked(pattern);
    let mut ranked: Vec<(usize, String)> = names
        .into_iter()
        .map(|name| (strsim::osa_distance(&masked(&name), &pattern), name))
        .collect();
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| natural_order(&a.1, &b.1)));
    ranked.into_iter().take(NEAREST).map(|(_, name)| format!("`{name}`")).collect()
}
