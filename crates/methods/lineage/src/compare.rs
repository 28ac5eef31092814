//! What differs between two lineages, as a tree.

use std::fmt;

use ndarray::Dimension;
use serde::Serialize;

use crate::tree::{Cell, CellFeatures, Lineage};

/// How far numbers may differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// At most this,
    pub absolute: f64,
    /// plus this part of the second number.
    pub relative: f64,
}

impl Default for Tolerance {
    /// The peer's for features: 1e-5 of the value, and 1e-8.
    fn default() -> Self {
        Self { absolute: 1e-8, relative: 1e-5 }
    }
}

impl Tolerance {
    /// Whether two numbers are alike; NaN is like NaN.
    pub fn agree(&self, a: f64, b: f64) -> bool {
        a == b
            || (a.is_nan() && b.is_nan())
            || (a - b).abs() <= self.absolute + self.relative * b.abs()
    }
}

/// Something that differs, and what differs within it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// What it is.
    pub what: String,
    /// On both sides, where it has no parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<[String; 2]>,
    /// Its parts that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Difference>,
}

impl Difference {
    /// A single thing that differs.
    pub fn leaf(what: impl Into<String>, a: impl fmt::Display, b: impl fmt::Display) -> Self {
        Self { what: what.into(), values: Some([a.to_string(), b.to_string()]), parts: Vec::new() }
    }

    /// A thing of parts; none when no part differs.
    pub fn branch(what: impl Into<String>, parts: Vec<Self>) -> Option<Self> {
        (!parts.is_empty()).then(|| Self { what: what.into(), values: None, parts })
    }
}

impl fmt::Display for Difference {
    /// One line each, parts indented by two.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut open = vec![(0, self)];
        while let Some((depth, difference)) = open.pop() {
            write!(f, "{:1$}{2}", "", 2 * depth, difference.what)?;
            if let Some([a, b]) = &difference.values {
                write!(f, ": {a} | {b}")?;
            }
            if depth > 0 || !difference.parts.is_empty() {
                writeln!(f)?;
            }
            open.extend(difference.parts.iter().rev().map(|part| (depth + 1, part)));
        }
        Ok(())
    }
}

/// Compares an array of numbers with another: their shapes, then their values.
///
/// # Returns
/// What differs: the shapes, or how many values do, the first of them and the largest difference.
pub fn compare_values(
    what: &str,
    a: ndarray::ArrayViewD<'_, f32>,
    b: ndarray::ArrayViewD<'_, f32>,
    tolerance: Tolerance,
) -> Option<Difference> {
    if a.shape() != b.shape() {
        let shapes = [a.shape(), b.shape()].map(|s| format!("{s:?}"));
        return Some(Difference::leaf(format!("{what}: shape"), &shapes[0], &shapes[1]));
    }
    let (mut count, mut first, mut largest) = (0_usize, None, 0.0_f64);
    for ((at, x), y) in a.indexed_iter().zip(&b) {
        let (x, y) = (f64::from(*x), f64::from(*y));
        if !tolerance.agree(x, y) {
            count += 1;
            first.get_or_insert_with(|| (format!("{:?}", at.slice()), x, y));
            largest = largest.max((x - y).abs());
        }
    }
    let (at, x, y) = first?;
    let what =
        format!("{what}: {count} of {} values, by up to {largest:.3e}; first at {at}", a.len());
    Some(Difference::leaf(what, x, y))
}

/// Compares lineages cell by cell and frame by frame.
///
/// # Returns
/// The tree of what differs, or `None`.
pub fn compare_lineages(
    what: &str,
    a: &Lineage,
    b: &Lineage,
    tolerance: Tolerance,
) -> Option<Difference> {
    let mut parts = Vec::new();
    for (id, cell) in a.iter() {
        let name = format!("cell {id}");
        match b.cell(id) {
            Ok(other) => parts.extend(Difference::branch(name, cells(cell, other, tolerance))),
            Err(_) => parts.push(Difference::leaf(name, "there", "missing")),
        }
    }
    for (id, _) in b.iter().filter(|(id, _)| a.cell(*id).is_err()) {
        parts.push(Difference::leaf(format!("cell {id}"), "missing", "there"));
    }
    Difference::branch(what, parts)
}

fn cells(a: &Cell, b: &Cell, tolerance: Tolerance) -> Vec<Difference> {
    let name = |id: Option<u32>| id.map_or("none".to_owned(), |id| id.to_string());
    let mut parts = Vec::new();
    if a.mother != b.mother {
        parts.push(Difference::leaf("mother", name(a.mother), name(b.mother)));
    }
    let frames = |c: &Cell| format!("{}..={}", c.first_frame, c.last_frame());
    if frames(a) != frames(b) {
        parts.push(Difference::leaf("frames", frames(a), frames(b)));
    }
    let first = a.first_frame.max(b.first_frame);
    for frame in first..=a.last_frame().min(b.last_frame()) {
        let (i, j) = (frame - a.first_frame, frame - b.first_frame);
        let mut of_frame = features(&a.features[i], &b.features[j], tolerance);
        if a.daughters[i] != b.daughters[j] {
            let daughters = [a.daughters[i], b.daughters[j]].map(name);
            of_frame.push(Difference::leaf("daughter", &daughters[0], &daughters[1]));
        }
        parts.extend(Difference::branch(format!("frame {frame}"), of_frame));
    }
    parts
}

fn features(a: &CellFeatures, b: &CellFeatures, tolerance: Tolerance) -> Vec<Difference> {
    let numbers = |f: &CellFeatures| {
        [
            ("old pole y", f.old_pole[0]),
            ("old pole x", f.old_pole[1]),
            ("new pole y", f.new_pole[0]),
            ("new pole x", f.new_pole[1]),
            ("length", f.length),
            ("width", f.width),
            ("area", f.area),
            ("perimeter", f.perimeter),
            ("growthrate_length", f.growthrate_length),
            ("growthrate_area", f.growthrate_area),
        ]
    };
    let agree = |x: f32, y: f32| tolerance.agree(f64::from(x), f64::from(y));
    let mut parts: Vec<Difference> = numbers(a)
        .into_iter()
        .zip(numbers(b))
        .filter(|((_, x), (_, y))| !agree(*x, *y))
        .map(|((what, x), (_, y))| Difference::leaf(what, x, y))
        .collect();
    if a.fluo.len() != b.fluo.len() {
        parts.push(Difference::leaf("fluo channels", a.fluo.len(), b.fluo.len()));
    } else {
        let channels =
            a.fluo.iter().zip(&b.fluo).enumerate().filter(|(_, (x, y))| !agree(**x, **y));
        parts.extend(channels.map(|(c, (x, y))| Difference::leaf(format!("fluo_{c}"), x, y)));
    }
    if a.edges != b.edges {
        parts.push(Difference::leaf("edges", a.edges, b.edges));
    }
    parts
}
