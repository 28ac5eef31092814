//! Contours against the shared answers, and their laws.

use hooke_lineage::contour::*;
use ndarray::{Array2, array};
use proptest::prelude::*;

use crate::kit::answers;
use crate::kit_arrays::*;

#[test]
fn contours_and_their_figures_are_the_shared_ones() {
    let (Some(arrays), Some(answers)) = (arrays("contours.npz"), answers("contours.json")) else {
        return;
    };
    for (name, answer) in answers.as_object().unwrap() {
        let mask = mask(&arrays[&format!("{name}_mask")]);
        let contours = find_contours(mask.view());
        assert_eq!(contours.len() as u64, answer["n_contours"].as_u64().unwrap(), "{name}");
        let contour = &contours[0];
        assert_eq!(*contour, pairs(&arrays[&format!("{name}_contour")]), "{name}");
        assert_eq!(cell_area(contour), answer["area"].as_f64().unwrap(), "{name}");
        let perimeter = answer["perimeter"].as_f64().unwrap();
        assert!((cell_perimeter(contour) - perimeter).abs() < 1e-5, "{name}");
        let (height, width) = mask.dim();
        let edges = image_edges(contour, [height, width]).to_string();
        assert_eq!(edges, answer["edges"].as_str().unwrap(), "{name}");
        // Where the polygon has no area, the answer is the origin, which no cell's centre is.
        if cell_area(contour) > 0.1 {
            assert_eq!(centroid(contour), pair(&answer["centroid"]), "{name}");
        }
        for (key, stride) in [("curvature", None), ("curvature_s1", Some(1))] {
            let Some(wanted) = arrays.get(&format!("{name}_{key}")) else { continue };
            let found = contour_curvature(contour, stride).unwrap();
            assert_eq!(found.len(), wanted.values.len());
            for (f, w) in found.iter().zip(&wanted.values) {
                assert!((f - w).abs() < 1e-9, "{name} {key}: {f}, wanted {w}");
            }
        }
        if answer["pole_tie"].as_bool() == Some(false) {
            let poles = find_poles(contour);
            assert_eq!(poles[0], pair(&answer["poles"][0]), "{name}");
            assert_eq!(poles[1], pair(&answer["poles"][1]), "{name}");
        }
    }
}

#[test]
fn contours_of_few_points_have_poles_and_centres_but_no_curvature() {
    assert!(contour_curvature(&[[2, 2], [3, 2]], None).is_err());
    assert!(contour_curvature(&[[0, 0], [0, 1], [1, 1], [1, 0]], Some(0)).is_err());
    assert!(contour_curvature(&[[0, 0], [0, 1], [1, 1], [1, 0]], Some(2)).is_err());
    assert_eq!(find_poles(&[[2, 2], [3, 2]]), [[2, 2], [2, 3]]);
    assert_eq!(find_poles(&[]), [[0, 0]; 2]);
    let row = find_contours(array![[0, 1, 1, 1, 1, 1, 1, 1]].view());
    assert_eq!(centroid(&row[0]), [4, 0]);
    assert_eq!(centroid(&[]), [0, 0]);
    assert!(find_contours(Array2::zeros((0, 7)).view()).is_empty());
}

#[test]
fn an_object_in_a_hole_has_no_contour_of_its_own() {
    let mut mask = Array2::zeros((12, 14));
    for (y, x) in [0, 1, 2, 3, 4, 5, 6].into_iter().flat_map(|i| (0..7).map(move |j| (i, j))) {
        let on_rim = [0, 6].contains(&y) || [0, 6].contains(&x);
        mask[[y, x]] = u8::from(on_rim || (y, x) == (3, 3));
    }
    mask[[3, 9]] = 1;
    mask[[11, 0]] = 1;
    let starts: Vec<Point> = find_contours(mask.view()).iter().map(|c| c[0]).collect();
    assert_eq!(starts, [[0, 11], [9, 3], [0, 0]]);
}

#[test]
fn contours_of_labels_come_in_raster_order() {
    let labels = array![[0, 7, 7, 0, 2], [9, 0, 7, 0, 2], [9, 9, 0, 7, 2]];
    assert_eq!(cells_in_frame(labels.view()), [7, 2, 9]);
    let contours = cell_contours(labels.view());
    let ids: Vec<u32> = contours.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [7, 2, 9]);
    assert_eq!(contours[1].1, [[4, 0], [4, 1], [4, 2], [4, 1]]);
    let region = find_regions(labels.view())[0];
    assert_eq!(region, Region { id: 7, start: [0, 1], shape: [3, 3], area: 4 });
}

/// Background that is reached from outside the picture, 4-connected; the rest is objects with their holes.
fn filled(mask: &Array2<u8>) -> Array2<u8> {
    let (h, w) = mask.dim();
    let mut outside = Array2::from_elem((h + 2, w + 2), false);
    let mut stack = vec![(0_usize, 0_usize)];
    while let Some((y, x)) = stack.pop() {
        let is_object = (1..=h).contains(&y) && (1..=w).contains(&x) && mask[[y - 1, x - 1]] != 0;
        if y > h + 1 || x > w + 1 || outside[[y, x]] || is_object {
            continue;
        }
        outside[[y, x]] = true;
        stack.extend([(y + 1, x), (y.wrapping_sub(1), x), (y, x + 1), (y, x.wrapping_sub(1))]);
    }
    Array2::from_shape_fn((h, w), |(y, x)| u8::from(!outside[[y + 1, x + 1]]))
}

proptest! {
    #[test]
    fn filled_contours_are_the_objects_with_their_holes(bits in prop::collection::vec(0..3_u8, 108)) {
        let mask = Array2::from_shape_vec((9, 12), bits).unwrap().mapv(|v| v.min(1));
        let mut drawn = Array2::zeros((9, 12));
        let contours = find_contours(mask.view());
        for contour in &contours {
            fill_polygon(contour, [9, 12], |y, x| drawn[[y, x]] = 1);
            // Steps of one pixel, inside the mask, closed.
            for (a, b) in contour.iter().zip(contour.iter().cycle().skip(1)) {
                prop_assert!((a[0] - b[0]).abs().max((a[1] - b[1]).abs()) <= 1);
                prop_assert!(mask[[a[1] as usize, a[0] as usize]] != 0);
            }
        }
        prop_assert_eq!(drawn, filled(&mask));
        let starts: Vec<[i32; 2]> = contours.iter().map(|c| [-c[0][1], -c[0][0]]).collect();
        prop_assert!(starts.is_sorted());
    }

    #[test]
    fn a_shift_moves_contours_and_changes_no_figure(
        bits in prop::collection::vec(0..2_u8, 40), dy in 0..5_usize, dx in 0..5_usize,
    ) {
        let mask = Array2::from_shape_vec((5, 8), bits).unwrap();
        let mut moved = Array2::zeros((11, 14));
        moved.slice_mut(ndarray::s![dy..dy + 5, dx..dx + 8]).assign(&mask);
        for (a, b) in find_contours(mask.view()).iter().zip(&find_contours(moved.view())) {
            let shift = |p: &Point| [p[0] + dx as i32, p[1] + dy as i32];
            prop_assert_eq!(&a.iter().map(shift).collect::<Vec<_>>(), b);
            prop_assert_eq!(cell_area(a), cell_area(b));
            prop_assert_eq!(shift(&centroid(a)), centroid(b));
            prop_assert_eq!(contour_curvature(a, None), contour_curvature(b, None));
        }
    }
}
