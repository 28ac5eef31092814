//! Outlines of a mask as marching squares draws them at level 0.9.

/// How far from the centre of a pixel of the mask the outline passes: the level 0.9 lies there between 1 and 0.
const OFFSET: f32 = 0.1;

/// Steps to the neighbour below, right, above, left; following one is the next counter-clockwise side.
const SIDES: [[isize; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/// The closed outlines of a mask `(rows, columns)`, each as points `(row, column)` of which the last equals the first.
///
/// Marching squares at level 0.9 on the mask with a rim of zeros, with linear interpolation; pixels that touch at a corner
/// only are not connected. Since the mask is 0 or 1, that is a walk along its borders: a point for each side of a pixel
/// that faces a zero. Holes have outlines of their own. They come in the order of their first pixel (and side).
pub(super) fn contours(mask: &[bool], [height, width]: [usize; 2]) -> Vec<Vec<[f32; 2]>> {
    let at = |p: [isize; 2]| {
        let is_in = (0..height as isize).contains(&p[0]) && (0..width as isize).contains(&p[1]);
        is_in.then(|| p[0] as usize * width + p[1] as usize)
    };
    let is_set = |p: [isize; 2]| at(p).is_some_and(|i| mask[i]);
    let step = |p: [isize; 2], side: usize| [p[0] + SIDES[side][0], p[1] + SIDES[side][1]];
    let mut seen = vec![[false; 4]; mask.len()];
    let mut lines = Vec::new();
    for (i, _) in mask.iter().enumerate().filter(|(_, is_set)| **is_set) {
        let pixel = [(i / width) as isize, (i % width) as isize];
        for side in 0..4 {
            if seen[i][side] || is_set(step(pixel, side)) {
                continue;
            }
            let (mut p, mut s) = (pixel, side);
            let mut line = Vec::new();
            while let Some(k) = at(p).filter(|k| !seen[*k][s]) {
                seen[k][s] = true;
                let coordinate = |a: usize| p[a] as f32 + OFFSET * SIDES[s][a] as f32;
                line.push([coordinate(0), coordinate(1)]);
                let ahead = (s + 1) % 4;
                let beside = step(p, ahead);
                if !is_set(beside) {
                    s = ahead;
                } else if is_set(step(beside, s)) {
                    p = step(beside, s);
                    s = (s + 3) % 4;
                } else {
                    p = beside;
                }
            }
            line.extend(line.first().copied());
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_a_small_diamond_and_pixels_at_a_corner_are_two() {
        let lines = contours(&[true], [1, 1]);
        assert_eq!(lines, [[[0.1, 0.0], [0.0, 0.1], [-0.1, 0.0], [0.0, -0.1], [0.1, 0.0]]]);
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
