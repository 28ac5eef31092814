//! Which tile has which colour.

use crate::box_index::BoxIndex;
use crate::region::LayoutRegion;

/// Magenta and green: what both show is white.
const TWO: [[f32; 3]; 2] = [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]];
const FOUR: [[f32; 3]; 4] = [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.0], [0.0, 0.0, 0.5]];
const EIGHT: [[f32; 3]; 8] = [
    [0.33, 0.33, 0.0],
    [0.0, 0.33, 0.33],
    [0.33, 0.0, 0.33],
    [0.4, 0.0, 0.0],
    [0.0, 0.4, 0.0],
    [0.0, 0.0, 0.4],
    [0.33, 0.17, 0.17],
    [0.17, 0.17, 0.33],
];

/// Colours tiles so that tiles that overlap differ, by number from 0.
///
/// Greedy: in the order given, each tile takes the lowest number no overlapping tile before it has.
/// Boxes that only touch do not overlap.
pub fn color_tiles(boxes: &[LayoutRegion]) -> Vec<usize> {
    let index = BoxIndex::new(boxes.iter().copied());
    let mut colors: Vec<usize> = Vec::with_capacity(boxes.len());
    for (tile, region) in boxes.iter().enumerate() {
        let before = index.touching(region).into_iter().take_while(|other| *other < tile);
        let taken: Vec<usize> = before.map(|other| colors[other]).collect();
        let free = (0..).find(|color| !taken.contains(color));
        colors.push(free.expect("finitely many are taken"));
    }
    colors
}

/// Red, green and blue for tiles that need `count` numbers: magenta and green for up to two, four
/// half-bright ones up to four, else eight dim ones, to be used in turn.
pub fn palette(count: usize) -> &'static [[f32; 3]] {
    match count {
        0..=2 => &TWO,
        3..=4 => &FOUR,
        _ => &EIGHT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_needs_four_colors_and_a_row_two() {
        let tile = |y: i64, x: i64| LayoutRegion::new([0, y * 9, x * 9], [1, 10, 10]);
        let row: Vec<_> = (0..5).map(|x| tile(0, x)).collect();
        assert_eq!(color_tiles(&row), [0, 1, 0, 1, 0]);
        let grid: Vec<_> = (0..9).map(|i| tile(i / 3, i % 3)).collect();
        assert_eq!(color_tiles(&grid), [0, 1, 0, 2, 3, 2, 0, 1, 0]);
        let touching = [tile(0, 0), LayoutRegion::new([0, 10, 0], [1, 5, 5])];
        assert_eq!(color_tiles(&touching), [0, 0]);
    }

    #[test]
    fn magenta_and_green_make_white() {
        let sum: Vec<f32> = (0..3).map(|c| palette(2).iter().map(|p| p[c]).sum()).collect();
        assert_eq!(sum, [1.0, 1.0, 1.0]);
        assert_eq!([palette(3).len(), palette(4).len(), palette(5).len()], [4, 4, 8]);
    }
}
