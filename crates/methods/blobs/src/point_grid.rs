//! Points in cells, to find those near a place.

use std::collections::HashMap;

/// Numbers of points by the cell they lie in. What is found comes cell by cell in a fixed order, and
/// within a cell in the order it was put in.
#[derive(Debug, Clone)]
pub(crate) struct PointGrid {
    side: f64,
    cells: HashMap<[i64; 3], Vec<usize>>,
}

impl PointGrid {
    /// A grid of cubes; a side that is no length is taken as 1.
    pub(crate) fn new(side: f64) -> Self {
        let side = if side > 0.0 && side.is_finite() { side } else { 1.0 };
        Self { side, cells: HashMap::new() }
    }

    pub(crate) fn insert(&mut self, point: [f64; 3], number: usize) {
        self.cells.entry(self.cell(point)).or_default().push(number);
    }

    /// Points in all cells that a ball reaches: all that lie in it and some that do not.
    pub(crate) fn near(&self, point: [f64; 3], radius: f64) -> impl Iterator<Item = usize> {
        let low = self.cell(point.map(|p| p - radius));
        let high = self.cell(point.map(|p| p + radius));
        let cells = (low[0]..=high[0]).flat_map(move |z| {
            (low[1]..=high[1]).flat_map(move |y| (low[2]..=high[2]).map(move |x| [z, y, x]))
        });
        cells.filter_map(|cell| self.cells.get(&cell)).flatten().copied()
    }

    fn cell(&self, point: [f64; 3]) -> [i64; 3] {
        point.map(|p| (p / self.side).floor() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_near_is_missed() {
        let points: Vec<[f64; 3]> = (0..200)
            .map(|i| [f64::from(i * 37 % 50), f64::from(i * 11 % 31), f64::from(i * 7 % 23) - 9.0])
            .collect();
        let mut grid = PointGrid::new(4.0);
        points.iter().enumerate().for_each(|(i, p)| grid.insert(*p, i));
        for centre in &points {
            let is_near = |p: &[f64; 3]| (0..3).map(|a| (p[a] - centre[a]).powi(2)).sum::<f64>();
            let expected = (0..200).filter(|i| is_near(&points[*i]) <= 49.0);
            let mut found: Vec<usize> = grid.near(*centre, 7.0).collect();
            found.sort_unstable();
            assert!(expected.into_iter().all(|i| found.binary_search(&i).is_ok()));
        }
    }
}
