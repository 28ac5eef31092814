//! Outlines of a mask.

use hooke_filters::Connectivity;
use hooke_filters::outline::outlines;

/// The level of the outlines between 0 outside and 1 inside: they pass 0.1 pixels beyond the outermost
/// centres.
const LEVEL: f64 = 0.9;

/// The closed outlines of a mask `(rows, columns)`, each as points `(row, column)` of which the last
/// equals the first.
///
/// Marching squares on the mask with a rim of zeros; pixels that touch at a corner only are not
/// connected.
pub(super) fn contours(mask: &[bool], [height, width]: [usize; 2]) -> Vec<Vec<[f32; 2]>> {
    let rimmed = [height + 2, width + 2];
    let mut image = vec![0_u8; rimmed[0] * rimmed[1]];
    for (x, row) in mask.chunks_exact(width.max(1)).enumerate() {
        let start = (x + 1) * rimmed[1] + 1;
        image[start..start + width]
            .iter_mut()
            .zip(row)
            .for_each(|(to, is_in)| *to = (*is_in).into());
    }
    let place = |p: &[f64; 2]| p.map(|v| (v - 1.0) as f32);
    let closed = |points: &[[f64; 2]]| points.iter().chain(points.first()).map(place).collect();
    let found = outlines(&image, rimmed, LEVEL, Connectivity::Faces);
    found.iter().map(|line| closed(&line.points)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_a_small_diamond_and_pixels_at_a_corner_are_two() {
        let lines = contours(&[true], [1, 1]);
        assert_eq!(lines.len(), 1);
        let expected = [[0.1, 0.0], [0.0, -0.1], [-0.1, 0.0], [0.0, 0.1], [0.1, 0.0_f32]];
        for (p, e) in lines[0].iter().zip(expected) {
            assert!((p[0] - e[0]).abs() < 1e-6 && (p[1] - e[1]).abs() < 1e-6, "{lines:?}");
        }
        assert_eq!(contours(&[true, false, false, true], [2, 2]).len(), 2);
        assert!(contours(&[false], [1, 1]).is_empty());
    }

    #[test]
    fn a_hole_has_its_own_outline() {
        let mut mask = [true; 9];
        mask[4] = false;
        let lines = contours(&mask, [3, 3]);
        assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [13, 5]);
    }
}
