//! Outlines of what is above a level: marching squares with linear interpolation.
//!
//! # Reference
//! The planar case of Lorensen & Cline (1987), doi:10.1145/37402.37422.

use crate::Connectivity;

/// A line along which an image crosses a level.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// Points `(y, x)`, each on the line between two pixel centres. The higher side is on the right when
    /// the image is shown with y downwards. A closed line does not repeat its first point.
    pub points: Vec<[f64; 2]>,
    /// Whether the last point is followed by the first; else the line ends at the image's border, or
    /// where a value is not finite.
    pub closed: bool,
}

/// Finds the lines along which an image crosses `level`.
///
/// * `image`: `(y, x)` of `shape`. `high`: how pixels above the level hang together, which decides squares
///   with two of them across: [`Connectivity::Faces`] keeps them apart (`fully_connected="low"`, the default of
///   scikit-image), the others join them (`"high"`).
///
/// Pixels at the level count as below it, and where such pixels make points coincide one is kept. Squares
/// of four pixels with a value that is not finite have no outline. Images with fewer than two pixels along an
/// axis have none.
///
/// Lines come in the order of their first square in raster order. A closed line starts where it leaves its last
/// square in raster order, so that points, order and start are those of `skimage.measure.find_contours` (but for its
/// repeated last point, and where values equal the level). An open one starts at its own begin.
///
/// # Panics
/// If `image` does not fit `shape`, or there are more than 2³² - 2 squares crossed.
///
/// # Examples
/// ```
/// use hooke_filters::{Connectivity, outline::outlines};
/// let image = [0_u8, 0, 0, 0, 1, 0, 0, 0, 0];
/// let found = outlines(&image, [3, 3], 0.5, Connectivity::Faces);
/// assert_eq!(found[0].points, [[1.5, 1.0], [1.0, 0.5], [0.5, 1.0], [1.0, 1.5]]);
/// assert!(found[0].closed);
/// ```
pub fn outlines<T: Copy + Into<f64>>(
    image: &[T],
    shape: [usize; 2],
    level: f64,
    high: Connectivity,
) -> Vec<Outline> {
    assert_eq!(image.len(), shape[0] * shape[1], "length of the image");
    let join_high = high != Connectivity::Faces;
    Segments::find(image, shape, level, join_high).lines()
}

/// The sides of a square of four pixels.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Top,
    Left,
    Right,
    Bottom,
}
use Side::{Bottom, Left, Right, Top};

/// From which side to which the line crosses a square, the higher pixels on its right.
///
/// `case` has a bit for each pixel above the level: upper left 1, upper right 2, lower left 4, lower
/// right 8.
fn crossings(case: usize, join_high: bool) -> &'static [(Side, Side)] {
    match case {
        1 => &[(Top, Left)],
        2 => &[(Right, Top)],
        3 => &[(Right, Left)],
        4 => &[(Left, Bottom)],
        5 => &[(Top, Bottom)],
        6 if join_high => &[(Left, Top), (Right, Bottom)],
        6 => &[(Right, Top), (Left, Bottom)],
        7 => &[(Right, Bottom)],
        8 => &[(Bottom, Right)],
        9 if join_high => &[(Top, Right), (Bottom, Left)],
        9 => &[(Top, Left), (Bottom, Right)],
        10 => &[(Bottom, Top)],
        11 => &[(Bottom, Left)],
        12 => &[(Left, Right)],
        13 => &[(Top, Right)],
        14 => &[(Left, Top)],
        _ => &[],
    }
}

const NONE: u32 = u32::MAX;

/// The part of a line within one square.
struct Segment {
    from: [f64; 2],
    to: [f64; 2],
    before: u32,
    next: u32,
}

/// All segments in raster order of their squares, linked.
struct Segments(Vec<Segment>);

impl Segments {
    fn find<T: Copy + Into<f64>>(
        image: &[T],
        [height, width]: [usize; 2],
        level: f64,
        join_high: bool,
    ) -> Self {
        let mut segments = Self(Vec::new());
        // The segment that meets the upper side of each square of the row, and the left side of the next.
        let mut above = vec![NONE; width];
        for y in 0..height.saturating_sub(1) {
            let mut left = NONE;
            for x in 0..width.saturating_sub(1) {
                let at = |y: usize, x: usize| -> f64 { image[y * width + x].into() };
                let pixels = [at(y, x), at(y, x + 1), at(y + 1, x), at(y + 1, x + 1)];
                let case = (0..4).filter(|&i| pixels[i] > level).map(|i| 1 << i).sum();
                let (mut below, mut right) = (NONE, NONE);
                if case != 0 && case != 15 && pixels.iter().all(|v| v.is_finite()) {
                    for &(from, to) in crossings(case, join_high) {
                        let point = |side| point_on(side, [y as f64, x as f64], pixels, level);
                        let index = segments.push(point(from), point(to));
                        let mut meet = |side| match side {
                            Top => above[x],
                            Left => left,
                            Right => std::mem::replace(&mut right, index),
                            Bottom => std::mem::replace(&mut below, index),
                        };
                        let (before, next) = (meet(from), meet(to));
                        segments.link(before, index);
                        segments.link(index, next);
                    }
                }
                (above[x], left) = (below, right);
            }
        }
        segments
    }

    fn push(&mut self, from: [f64; 2], to: [f64; 2]) -> u32 {
        let index = self.0.len();
        assert!(index < NONE as usize, "too many squares are crossed");
        self.0.push(Segment { from, to, before: NONE, next: NONE });
        index as u32
    }

    fn link(&mut self, before: u32, next: u32) {
        if before != NONE && next != NONE {
            self.0[before as usize].next = next;
            self.0[next as usize].before = before;
        }
    }

    fn lines(self) -> Vec<Outline> {
        let mut seen = vec![false; self.0.len()];
        let mut lines = Vec::new();
        for index in 0..self.0.len() {
            if seen[index] {
                continue;
            }
            let (first, closed) = self.start_of(index);
            let mut points: Vec<[f64; 2]> = Vec::new();
            let mut add = |point| {
                if points.last() != Some(&point) {
                    points.push(point);
                }
            };
            let mut current = first;
            loop {
                let segment = &self.0[current];
                seen[current] = true;
                add(segment.from);
                if segment.next == NONE {
                    add(segment.to);
                    break;
                }
                current = segment.next as usize;
                if current == first {
                    break;
                }
            }
            if closed && points.len() > 1 && points.first() == points.last() {
                points.pop();
            }
            if points.len() > 1 {
                lines.push(Outline { points, closed });
            }
        }
        lines
    }

    /// The first segment of the line that `index` is part of, and whether the line is closed.
    fn start_of(&self, index: usize) -> (usize, bool) {
        let (mut current, mut last) = (index, index);
        loop {
            match self.0[current].before {
                NONE => return (current, false),
                before if before as usize == index => return (self.0[last].next as usize, true),
                before => current = before as usize,
            }
            last = last.max(current);
        }
    }
}

/// Where the level lies on a side of the square whose upper left pixel is at `(y, x)`.
fn point_on(side: Side, [y, x]: [f64; 2], pixels: [f64; 4], level: f64) -> [f64; 2] {
    let between = |a: usize, b: usize| (level - pixels[a]) / (pixels[b] - pixels[a]);
    match side {
        Top => [y, x + between(0, 1)],
        Bottom => [y + 1.0, x + between(2, 3)],
        Left => [y + between(0, 2), x],
        Right => [y + between(1, 3), x + 1.0],
    }
}
