//! Which pole of a cell is the old one, from frame to frame and through a division.
//!
//! A division makes two new poles, where the sisters part; the sister with the mother's old pole is the mother. Squared
//! distances decide, which along one axis keeps the order of poles however far a cell was pushed.

/// The poles of a cell, each `(y, x)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Poles {
    /// The pole that is older.
    pub old: [f32; 2],
    /// The pole that the last division made.
    pub new: [f32; 2],
}

impl Poles {
    fn swapped(self) -> Self {
        Self { old: self.new, new: self.old }
    }
}

fn squared(a: [f32; 2], b: [f32; 2]) -> f64 {
    (0..2).map(|d| (f64::from(a[d]) - f64::from(b[d])).powi(2)).sum()
}

/// Names the poles of a cell after those that it had a frame before; they are swapped at a tie.
pub fn track_poles(found: Poles, previous: Poles) -> Poles {
    let kept = squared(found.old, previous.old) + squared(found.new, previous.new);
    let swapped = squared(found.old, previous.new) + squared(found.new, previous.old);
    if kept >= swapped { found.swapped() } else { found }
}

/// Two cells after a division.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Division {
    /// The poles of the mother.
    pub mother: Poles,
    /// The poles of the daughter.
    pub daughter: Poles,
    /// Whether the mother is the first of the two.
    pub first_is_mother: bool,
}

/// Tells mother from daughter, and names their poles after those of the mother a frame before.
pub fn division_poles(first: Poles, second: Poles, previous: Poles) -> Division {
    let to_sister = |pole| squared(pole, second.old).min(squared(pole, second.new));
    let is_turned = to_sister(first.old) < to_sister(first.new);
    let first = if is_turned { first.swapped() } else { first };
    let is_turned = squared(first.new, second.old) < squared(first.new, second.new);
    let second = if is_turned { second.swapped() } else { second };
    let along = squared(first.old, previous.old) + squared(second.old, previous.new);
    let against = squared(first.old, previous.new) + squared(second.old, previous.old);
    let first_is_mother = along < against;
    let (mother, daughter) = if first_is_mother { (first, second) } else { (second, first) };
    Division { mother, daughter, first_is_mother }
}
