//! Cells as bent lines, and how far one lies from another.

/// A cell of a colony. Points are `(y, x)`, pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColonyCell {
    /// Its middle.
    pub center: [f64; 2],
    /// Its two tips, in any order.
    pub tips: [[f64; 2]; 2],
    /// Its area.
    pub area: f64,
}

impl ColonyCell {
    /// From tip to tip over the middle.
    pub fn length(&self) -> f64 {
        let arm = |tip: [f64; 2]| {
            let d = sub(tip, self.center);
            d[0].hypot(d[1])
        };
        arm(self.tips[0]) + arm(self.tips[1])
    }
}

/// Places along an axis at which shapes are compared, as parts of its length.
const PLACES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

pub(super) fn sub(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

/// The point of a cell's axis at a part of its length from the first tip.
pub(super) fn point(cell: &ColonyCell, s: f64) -> [f64; 2] {
    let [first, last] = cell.tips;
    let mix = |a: [f64; 2], b: [f64; 2], t: f64| [0, 1].map(|d| a[d] + t * (b[d] - a[d]));
    if s < 0.5 { mix(first, cell.center, 2.0 * s) } else { mix(cell.center, last, 2.0 * s - 1.0) }
}

/// Mean distance of a cell from the part of an expected axis between `from` and `to`, whichever way round it lies.
pub(super) fn shape_distance(
    expected: impl Fn(f64) -> [f64; 2],
    cell: &ColonyCell,
    from: f64,
    to: f64,
) -> f64 {
    let (mut along, mut against) = (0.0, 0.0);
    for s in PLACES {
        let at = expected(from + s * (to - from));
        let distance = |place: f64| {
            let d = sub(at, point(cell, place));
            d[0].hypot(d[1])
        };
        along += distance(s);
        against += distance(1.0 - s);
    }
    along.min(against) / PLACES.len() as f64
}
