use hooke_filters::Connectivity;
use hooke_filters::outline::{Outline, outlines};
use proptest::prelude::*;

use crate::noise;

const IMAGE: [u8; 42] = [
    7, 9, 8, 5, 9, 9, 9, 0, 4, 6, 2, 3, 6, 8, 5, 1, 6, 8, 2, 5, 3, 9, 0, 4, 8, 4, 1, 7, 9, 9, 9, 3,
    7, 9, 5, 9, 5, 1, 4, 6, 3, 7,
];

fn check(found: &[Outline], wanted: &[(bool, &[[f64; 2]])]) {
    assert_eq!(found.len(), wanted.len());
    for (line, (closed, points)) in found.iter().zip(wanted) {
        assert_eq!(line.closed, *closed);
        assert_eq!(line.points.len(), points.len());
        for (a, b) in line.points.iter().zip(*points) {
            assert!((a[0] - b[0]).abs() < 1e-4 && (a[1] - b[1]).abs() < 1e-4, "{line:?}");
        }
    }
}

/// skimage.measure.find_contours(image, 4.5, fully_connected="low") and "high", rounded to four places,
/// without the last point of closed lines.
#[test]
fn points_order_and_start_are_those_of_scikit_image() {
    let last: (bool, &[[f64; 2]]) = (false, &[[5.0, 5.375], [4.75, 5.0], [5.0, 4.5]]);
    check(
        &outlines(&IMAGE, [6, 7], 4.5, Connectivity::Faces),
        &[
            (
                false,
                &[
                    [1.7, 6.0],
                    [2.0, 5.25],
                    [2.125, 5.0],
                    [2.0, 4.8333],
                    [1.0, 4.5],
                    [0.75, 4.0],
                    [0.1667, 3.0],
                    [1.0, 2.375],
                    [1.4167, 3.0],
                    [2.0, 3.5833],
                    [3.0, 3.875],
                    [3.7, 3.0],
                    [3.0, 2.125],
                    [2.75, 2.0],
                    [2.0, 1.7],
                    [1.0, 1.25],
                    [0.9, 1.0],
                    [0.3571, 0.0],
                ],
            ),
            (
                false,
                &[
                    [1.9, 0.0],
                    [2.0, 0.125],
                    [3.0, 0.5],
                    [3.5, 1.0],
                    [3.1, 2.0],
                    [4.0, 2.75],
                    [4.5625, 2.0],
                    [5.0, 1.125],
                ],
            ),
            (
                false,
                &[
                    [5.0, 3.25],
                    [4.0, 3.375],
                    [3.1667, 4.0],
                    [3.4375, 5.0],
                    [3.0, 5.5833],
                    [2.375, 6.0],
                ],
            ),
            last,
        ],
    );
    check(
        &outlines(&IMAGE, [6, 7], 4.5, Connectivity::Corners),
        &[
            (
                false,
                &[
                    [1.9, 0.0],
                    [2.0, 0.125],
                    [3.0, 0.5],
                    [3.5, 1.0],
                    [3.1, 2.0],
                    [3.0, 2.125],
                    [2.75, 2.0],
                    [2.0, 1.7],
                    [1.0, 1.25],
                    [0.9, 1.0],
                    [0.3571, 0.0],
                ],
            ),
            (
                true,
                &[
                    [3.0, 5.5833],
                    [2.125, 5.0],
                    [2.0, 4.8333],
                    [1.0, 4.5],
                    [0.75, 4.0],
                    [0.1667, 3.0],
                    [1.0, 2.375],
                    [1.4167, 3.0],
                    [2.0, 3.5833],
                    [3.0, 3.875],
                    [3.1667, 4.0],
                    [3.4375, 5.0],
                ],
            ),
            (false, &[[1.7, 6.0], [2.0, 5.25], [2.375, 6.0]]),
            (
                false,
                &[[5.0, 3.25], [4.0, 3.375], [3.7, 3.0], [4.0, 2.75], [4.5625, 2.0], [5.0, 1.125]],
            ),
            last,
        ],
    );
}

/// Twice the area within a closed line, positive if it runs clockwise with y downwards.
fn twice_area(points: &[[f64; 2]]) -> f64 {
    let next = points.iter().cycle().skip(1);
    points.iter().zip(next).map(|(a, b)| a[1] * b[0] - b[1] * a[0]).sum()
}

proptest! {
    #[test]
    fn every_crossing_is_passed_once(
        height in 1_usize..14, width in 1_usize..14, level in -0.8_f64..0.8, join in prop::bool::ANY,
        seed: u64,
    ) {
        let image = noise(height * width, seed);
        let high = if join { Connectivity::Edges } else { Connectivity::Faces };
        let lines = outlines(&image, [height, width], level, high);
        let above = |y: usize, x: usize| f64::from(image[y * width + x]) > level;
        let mut crossings = 0;
        if height > 1 && width > 1 {
            for y in 0..height {
                for x in 0..width {
                    crossings += usize::from(x + 1 < width && above(y, x) != above(y, x + 1));
                    crossings += usize::from(y + 1 < height && above(y, x) != above(y + 1, x));
                }
            }
        }
        prop_assert_eq!(lines.iter().map(|l| l.points.len()).sum::<usize>(), crossings);
        for line in &lines {
            for [a, b] in line.points.array_windows() {
                prop_assert!((a[0] - b[0]).abs() <= 1.0 && (a[1] - b[1]).abs() <= 1.0);
            }
            for [y, x] in &line.points {
                // Linear interpolation at the point gives the level.
                let (y0, x0) = (y.floor() as usize, x.floor() as usize);
                let (y1, x1) = (y.ceil() as usize, x.ceil() as usize);
                let (a, b) = (f64::from(image[y0 * width + x0]), f64::from(image[y1 * width + x1]));
                prop_assert!((a + (b - a) * (y - y.floor() + x - x.floor()) - level).abs() < 1e-9);
            }
            let at_border = |p: &[f64; 2]| {
                p[0] == 0.0 || p[1] == 0.0 || p[0] == (height - 1) as f64 || p[1] == (width - 1) as f64
            };
            if !line.closed {
                prop_assert!(at_border(&line.points[0]) && at_border(line.points.last().unwrap()));
            }
        }
    }

    #[test]
    fn one_object_has_one_outline_with_the_object_on_its_right(
        radius in 1.0_f64..6.0, y in 7.0_f64..8.0, x in 7.0_f64..8.0,
    ) {
        let height = |i: usize| radius - ((i / 16) as f64 - y).hypot((i % 16) as f64 - x);
        let image: Vec<f64> = (0..256).map(height).collect();
        let lines = outlines(&image, [16, 16], 0.0, Connectivity::Faces);
        prop_assert_eq!(lines.len(), 1);
        prop_assert!(lines[0].closed);
        let area = twice_area(&lines[0].points) / 2.0;
        prop_assert!((area / (std::f64::consts::PI * radius * radius) - 1.0).abs() < 0.4, "{}", area);
        let inverse: Vec<f64> = image.iter().map(|v| -v).collect();
        let lines = outlines(&inverse, [16, 16], 0.0, Connectivity::Faces);
        prop_assert!(twice_area(&lines[0].points) < 0.0);
    }
}

#[test]
fn coinciding_points_missing_values_and_nothing() {
    // A pixel at the level below others: all its points coincide.
    let image = [2.0, 2.0, 2.0, 2.0, 1.0, 2.0, 2.0, 2.0, 2.0];
    assert_eq!(outlines(&image, [3, 3], 1.0, Connectivity::Faces), []);
    let mut image = [0.0; 25];
    image[12] = 1.0;
    let whole = outlines(&image, [5, 5], 0.5, Connectivity::Faces);
    assert_eq!((whole.len(), whole[0].closed, whole[0].points.len()), (1, true, 4));
    image[6] = f64::NAN;
    let cut = outlines(&image, [5, 5], 0.5, Connectivity::Faces);
    assert_eq!(cut.len(), 1);
    assert!(!cut[0].closed);
    assert_eq!(cut[0].points, [[1.5, 2.0], [2.0, 2.5], [2.5, 2.0], [2.0, 1.5]]);
    assert_eq!(outlines::<f32>(&[], [0, 7], 0.5, Connectivity::Faces), []);
    assert_eq!(outlines(&[true, false], [1, 2], 0.5, Connectivity::Faces), []);
}
