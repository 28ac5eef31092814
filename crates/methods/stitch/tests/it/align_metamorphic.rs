//! Changes of the input that must not change the answer, or change it in a known way.

use hooke_core::Axis;
use hooke_stitch::layout::Vector3;
use hooke_stitch::sim::TileKind;
use hooke_stitch::{Layout, Tile};
use ndarray::{Array3, Axis as ArrayAxis};

use super::align_sets::{Set, largest_difference, small, window};

const TOLERANCE: f64 = 0.01;

fn set() -> Set {
    Set::new(small(TileKind::Subpixel, 201))
}

/// A set of other arrays at other nominal positions, on no grid.
fn changed(set: &Set, change: impl Fn(&Array3<f32>, [f64; 3]) -> (Array3<f32>, [f64; 3])) -> Set {
    let mut tiles = Vec::new();
    let mut entries = Vec::new();
    for (tile, array) in set.layout.tiles.iter().zip(&set.tiles) {
        let (array, nominal) = change(array, tile.nominal_px.0);
        let shape = [array.dim().0, array.dim().1, array.dim().2].map(|n| n as u64);
        entries.push(Tile::new(tile.id, tile.name.clone(), shape, nominal));
        tiles.push(array);
    }
    Set { layout: Layout::new(entries), tiles, truth: set.truth.clone() }
}

/// The shift between two tiles whatever the order of the pair.
fn shift(layout: &Layout, a: usize, b: usize) -> [f64; 3] {
    let pair = layout.pairs.iter().find(|p| (p.pre, p.post) == (a.min(b), a.max(b))).unwrap();
    pair.shift_px.0.map(|v| if a < b { v } else { -v })
}

const FACES: [(usize, usize); 4] = [(0, 1), (0, 2), (1, 3), (2, 3)];

#[test]
fn the_order_of_the_tiles_does_not_matter() {
    let set = set();
    let plain = set.align(&window(12));
    let order = [3usize, 1, 0, 2];
    let mut permuted = Set {
        layout: set.layout.clone(),
        tiles: order.iter().map(|i| set.tiles[*i].clone()).collect(),
        truth: order.iter().map(|i| set.truth[*i]).collect(),
    };
    permuted.layout.tiles = order
        .iter()
        .enumerate()
        .map(|(id, old)| Tile { id, ..set.layout.tiles[*old].clone() })
        .collect();
    let other = permuted.align(&window(12));
    let place = |old: usize| order.iter().position(|o| *o == old).unwrap();
    for (a, b) in FACES {
        let (p, q) = (shift(&plain, a, b), shift(&other, place(a), place(b)));
        assert!((0..3).all(|d| (p[d] - q[d]).abs() <= TOLERANCE), "{p:?} {q:?}");
    }
}

#[test]
fn flipped_axes_flip_the_shifts() {
    let set = set();
    let plain = set.align(&window(12));
    for axis in 0..3 {
        let flipped = changed(&set, |array, mut nominal| {
            let mut array = array.clone();
            array.invert_axis(ArrayAxis(axis));
            nominal[axis] = -nominal[axis];
            (array.as_standard_layout().to_owned(), nominal)
        });
        let other = flipped.align(&window(12));
        for (a, b) in FACES {
            let (p, mut q) = (shift(&plain, a, b), shift(&other, a, b));
            q[axis] = -q[axis];
            assert!((0..3).all(|d| (p[d] - q[d]).abs() <= TOLERANCE), "axis {axis}: {p:?} {q:?}");
        }
    }
}

#[test]
fn transposed_axes_transpose_the_shifts() {
    let set = set();
    let plain = set.align(&window(12));
    let turned = changed(&set, |array, n| {
        let array = array.clone().permuted_axes([2, 0, 1]);
        (array.as_standard_layout().to_owned(), [n[2], n[0], n[1]])
    });
    let other = turned.align(&window(12));
    for (a, b) in FACES {
        let (p, q) = (shift(&plain, a, b), shift(&other, a, b));
        let q = [q[1], q[2], q[0]];
        assert!((0..3).all(|d| (p[d] - q[d]).abs() <= TOLERANCE), "{p:?} {q:?}");
    }
}

#[test]
fn a_constant_on_all_positions_does_not_matter() {
    let set = set();
    let plain = set.align(&window(12));
    let mut moved = set.layout.clone();
    for tile in &mut moved.tiles {
        tile.nominal_px = Vector3(std::array::from_fn(|d| tile.nominal_px[d] - 1234.0 - d as f64));
    }
    let moved = Set { layout: moved, ..set };
    assert!(largest_difference(&plain, &moved.align(&window(12))) <= TOLERANCE);
}

#[test]
fn a_larger_window_does_not_matter() {
    let set = set();
    let plain = set.align(&window(9));
    for size in [12, 24, 40] {
        let difference = largest_difference(&plain, &set.align(&window(size)));
        assert!(difference <= TOLERANCE, "window {size}: {difference}");
    }
}

#[test]
fn gain_and_offset_of_one_tile_hardly_matter() {
    let set = set();
    let plain = set.align(&window(12));
    let mut tiles = set.tiles.clone();
    tiles[1].mapv_inplace(|v| 1.5 * v + 300.0);
    let brighter = Set { tiles, ..set };
    assert!(largest_difference(&plain, &brighter.align(&window(12))) <= 0.02);
}

#[test]
fn fractional_nominal_positions_do_not_matter() {
    let set = set();
    let plain = set.align(&window(12));
    let mut moved = set.layout.clone();
    moved.tiles[1].nominal_px = Vector3([0.3, -0.4, moved.tiles[1].nominal_px[2] + 0.25]);
    let moved = Set { layout: moved, ..set }.align(&window(12));
    for (p, q) in plain.pairs.iter().zip(&moved.pairs) {
        for d in 0..3 {
            assert!((p.displacement_px[d] - q.displacement_px[d]).abs() <= TOLERANCE);
        }
    }
    assert_eq!(plain.pairs[0].axis.as_deref(), Some(Axis::X.letter().to_string().as_str()));
}

#[test]
fn swapped_tiles_give_minus_the_answer() {
    use hooke_stitch::align::{TwoTiles, align_two};
    let set = set();
    let [p, q] = [set.layout.tiles[0].nominal_px.0, set.layout.tiles[1].nominal_px.0];
    let [a, b] = [set.tiles[0].view(), set.tiles[1].view()];
    let run = |tiles, positions| {
        let two = TwoTiles { tiles, positions, axis: None };
        align_two(&two, &window(12)).unwrap().pair.displacement_px.0
    };
    let (there, back) = (run([a, b], [p, q]), run([b, a], [q, p]));
    assert!((0..3).all(|d| (there[d] + back[d]).abs() <= 0.005), "{there:?} {back:?}");
}
