//! Figures of cells against the shared answers, and their laws.

use hooke_lineage::contour::*;
use hooke_lineage::measure::*;
use ndarray::{Array2, s};

use crate::kit::answers;
use crate::kit_arrays::*;

#[test]
fn paths_widths_and_lengths_are_the_shared_ones() {
    let (Some(arrays), Some(answers)) = (arrays("contours.npz"), answers("contours.json")) else {
        return;
    };
    for (name, answer) in answers.as_object().unwrap() {
        let Some(wanted) = answer.get("width_length") else { continue };
        let poles = [0, 1].map(|i| pair(&answer["poles"][i]));
        let mask = mask(&arrays[&format!("{name}_mask")]);
        let (height, width) = mask.dim();
        let distance = picture(&arrays[&format!("{name}_distance")], |v| v as f32);
        let cost = distance.mapv(|d| 1.0 / (f64::from(d) + 1e-3));
        let [start, goal] = poles.map(|pole| pole.map(|v| v as usize));
        let path = pathfinding(cost.view(), start, goal).unwrap();
        let wanted_cost = answer["path_cost"].as_f64().unwrap();
        assert!(
            (path.cost / wanted_cost - 1.0).abs() < 1e-5,
            "{name}: {}, {wanted_cost}",
            path.cost
        );

        let wanted = numbers(wanted);
        let near =
            |found: f32, wanted: f64, within: f64| (f64::from(found) - wanted).abs() < within;
        let [across, along] = cell_width_length([start, goal], distance.view()).unwrap();
        assert!(
            near(across as f32, wanted[0], 1e-3) && near(along as f32, wanted[1], 1e-3),
            "{name}"
        );
        // These distances do not know that the picture ends.
        if name == "full" {
            continue;
        }
        // The same from labels, measured within the cell's own box.
        let labels = mask.mapv(u32::from);
        let cell = &roi_features(labels.view(), &[poles], &[]).unwrap()[0].features;
        assert!(near(cell.width, wanted[0], 1e-3), "{name}: {} {}", cell.width, wanted[0]);
        assert!(near(cell.length, wanted[1], 1e-3), "{name}: {} {}", cell.length, wanted[1]);
        assert!(near(cell.area, answer["area"].as_f64().unwrap(), 1e-6), "{name}");
        assert_eq!(cell.edges, image_edges(&find_contours(mask.view())[0], [height, width]));
    }
}

#[test]
fn features_of_cells_are_the_shared_ones() {
    let (Some(arrays), Some(answers)) = (arrays("labels.npz"), answers("features.json")) else {
        return;
    };
    let (mut exact, mut all) = (0, 0);
    for (scene, cells) in answers.as_object().unwrap() {
        let labels = labels(&arrays[&format!("{scene}_feature_labels")]);
        let fluo = stack(&arrays[&format!("{scene}_fluo")], |v| v as f32);
        let channels: Vec<_> = fluo.outer_iter().collect();
        let found = measure_cells(labels.view(), &channels, Definition::Delta).unwrap();
        assert_eq!(found.len(), cells.as_object().unwrap().len());
        for cell in found {
            let wanted = &cells[cell.id.to_string()];
            let what = format!("{scene} {}", cell.id);
            let features = &cell.features;
            let number = |name: &str| wanted[name].as_f64().unwrap();
            assert_eq!(f64::from(features.area), number("area"), "{what}");
            assert_eq!(features.edges.to_string(), wanted["edges"].as_str().unwrap(), "{what}");
            assert!((f64::from(features.perimeter) - number("perimeter")).abs() < 1e-4, "{what}");
            for (f, w) in features.fluo.iter().zip(numbers(&wanted["fluo"])) {
                assert!((f64::from(*f) - w).abs() < 1e-2, "{what}: {f}, wanted {w}");
            }
            let poles = [features.new_pole, features.old_pole].map(|p| p.map(|v| v as i32));
            let same_poles = poles == [pair(&wanted["new_pole"]), pair(&wanted["old_pole"])];
            let off = (f64::from(features.length) - number("length")).abs();
            let off_width = (f64::from(features.width) - number("width")).abs();
            // Equally curved ends may be taken in another order, or beside each other.
            assert!(off <= 1.5 && off_width <= 1.5, "{what}: {off} {off_width}");
            exact += usize::from(same_poles && off < 1e-3 && off_width < 1e-3);
            all += 1;
        }
    }
    assert!(exact * 4 >= all * 3, "{exact} of {all}");
}

#[test]
fn a_square_has_its_pixels_and_its_outline() {
    let mut labels = Array2::zeros((9, 12));
    labels.slice_mut(s![2..7, 3..8]).fill(4);
    labels[[0, 11]] = 2;
    let fluo = Array2::from_shape_fn((9, 12), |(y, x)| (y + x) as f32 / 100.0);
    let cells = measure_cells(labels.view(), &[fluo.view()], Definition::Hooke).unwrap();
    let pixel = &cells[0];
    assert_eq!((pixel.id, pixel.centroid), (2, [0.0, 11.0]));
    assert_eq!((pixel.features.area, pixel.features.length, pixel.features.width), (1.0, 1.0, 1.0));
    assert_eq!(pixel.features.edges.to_string(), "+x-y");
    let square = &cells[1];
    assert_eq!(square.centroid, [4.0, 5.0]);
    assert_eq!((square.features.area, square.features.edges.any()), (25.0, false));
    // Four sides of four, and four corners cut off.
    assert!((square.features.perimeter - (16.0 + 4.0 / 2.0_f32.sqrt())).abs() < 1e-5);
    assert!((square.features.fluo[0] - 9.0 / 100.0 * 65535.0).abs() < 0.1);
    assert!(measure_cells(labels.view(), &[fluo.slice(s![1.., ..])], Definition::Hooke).is_err());
    assert!(roi_features(labels.view(), &[], &[]).is_err());
}

#[test]
fn odd_cells_are_measured_without_complaint() {
    // Two pieces, a ring, a line, poles outside: nothing to be proud of, but numbers.
    let mut labels = Array2::zeros((30, 30));
    labels.slice_mut(s![0..3, 0..3]).fill(1);
    labels.slice_mut(s![20..24, 20..28]).fill(1);
    labels.slice_mut(s![8..18, 2..12]).fill(2);
    labels.slice_mut(s![10..16, 4..10]).fill(0);
    labels.slice_mut(s![29, ..]).fill(3);
    for definition in [Definition::Hooke, Definition::Delta] {
        for cell in measure_cells(labels.view(), &[], definition).unwrap() {
            let f = &cell.features;
            let all = [f.length, f.width, f.area, f.perimeter, f.new_pole[0], f.old_pole[1]];
            assert!(all.iter().all(|v| v.is_finite()), "{definition:?} {cell:?}");
        }
    }
    let poles = [[[-5, 3], [400, 12]]; 3];
    assert_eq!(roi_features(labels.view(), &poles, &[]).unwrap().len(), 3);
    let empty = Array2::zeros((0, 4));
    assert!(measure_cells(empty.view(), &[], Definition::Delta).unwrap().is_empty());
}

#[test]
fn labels_and_place_do_not_change_what_is_measured() {
    let mut labels = Array2::zeros((40, 50));
    for ((y, x), label) in labels.indexed_iter_mut() {
        let (dy, dx) = (y as f64 - 15.0, x as f64 - 18.0);
        let (along, across) = (dx * 0.8 + dy * 0.6, dy * 0.8 - dx * 0.6);
        if across.hypot((along.abs() - 8.0).max(0.0)) < 4.0 {
            *label = 7;
        }
    }
    let mut moved = Array2::zeros((60, 70));
    moved.slice_mut(s![13..53, 6..56]).assign(&labels.mapv(|l| l * 3));
    for definition in [Definition::Hooke, Definition::Delta] {
        let a = &measure_cells(labels.view(), &[], definition).unwrap()[0];
        let b = &measure_cells(moved.view(), &[], definition).unwrap()[0];
        assert_eq!(b.id, 21);
        let near = |a: f32, b: f32| (a - b).abs() < 1e-3;
        assert!(
            near(a.features.length, b.features.length) && near(a.features.width, b.features.width)
        );
        assert!(near(a.features.old_pole[0] + 13.0, b.features.old_pole[0]));
        assert!(near(a.features.new_pole[1] + 6.0, b.features.new_pole[1]));
        assert!(near(a.centroid[0] + 13.0, b.centroid[0]));
    }
}
