//! Border following.

use ndarray::ArrayView2;

use super::Point;

const INSIDE: i8 = 1;
const LEFT_BORDER: i8 = 2;
const RIGHT_BORDER: i8 = -2;

/// A mask with a rim of one empty pixel, on which borders are marked.
pub(crate) struct Scratch {
    marks: Vec<i8>,
    stride: usize,
}

impl Scratch {
    /// Copies what is `inside` of a picture of `height` × `width`.
    pub(crate) fn new(height: usize, width: usize, inside: impl Fn(usize, usize) -> bool) -> Self {
        let stride = width + 2;
        let mut marks = vec![0; (height + 2) * stride];
        for y in 0..height {
            let row = &mut marks[(y + 1) * stride + 1..][..width];
            for (x, mark) in row.iter_mut().enumerate() {
                *mark = i8::from(inside(y, x));
            }
        }
        Self { marks, stride }
    }

    /// The contours of the outermost objects, in raster order of their first pixels.
    ///
    /// An object in a hole of another is no outermost one: on its row the last border met before it is a left one.
    pub(crate) fn outer_contours(&mut self) -> Vec<Vec<Point>> {
        let mut contours = Vec::new();
        for row in (self.stride..self.marks.len()).step_by(self.stride) {
            let (mut before, mut last_border) = (0, 0);
            for i in row..row + self.stride {
                if before == 0 && self.marks[i] == INSIDE && last_border != LEFT_BORDER {
                    contours.push(self.follow(i));
                }
                before = self.marks[i];
                if before == LEFT_BORDER || before == RIGHT_BORDER {
                    last_border = before;
                }
            }
        }
        contours
    }

    fn point(&self, i: usize) -> Point {
        // Sizes of pictures fit: an index of more than 2^31 rows or columns has no memory to stand on.
        [(i % self.stride) as i32 - 1, (i / self.stride) as i32 - 1]
    }

    /// Walks around the object whose first pixel in raster order is `start`, and marks its border.
    fn follow(&mut self, start: usize) -> Vec<Point> {
        // Directions counter-clockwise on the screen: east, north-east, north, ...
        let n = self.stride as isize;
        let steps = [1, 1 - n, -n, -n - 1, -1, n - 1, n, n + 1];
        let step = |i: usize, direction: usize| i.wrapping_add_signed(steps[direction]);

        let clockwise_from_west = [3, 2, 1, 0, 7, 6, 5];
        let Some(first) =
            clockwise_from_west.into_iter().find(|d| self.marks[step(start, *d)] != 0)
        else {
            self.marks[start] = RIGHT_BORDER;
            return vec![self.point(start)];
        };
        let last_pixel = step(start, first);
        let mut contour = Vec::new();
        let (mut here, mut from) = (start, first);
        loop {
            let mut turned = 1;
            while self.marks[step(here, (from + turned) & 7)] == 0 {
                turned += 1;
            }
            let to = (from + turned) & 7;
            // The turn passed over an empty pixel to the east: the object ends here on this row.
            let is_right = (1..turned).any(|k| (from + k) & 7 == 0);
            if is_right {
                self.marks[here] = RIGHT_BORDER;
            } else if self.marks[here] == INSIDE {
                self.marks[here] = LEFT_BORDER;
            }
            contour.push(self.point(here));
            let next = step(here, to);
            if next == start && here == last_pixel {
                return contour;
            }
            (here, from) = (next, (to + 4) & 7);
        }
    }
}

/// Finds the outer contours of the 8-connected objects of a mask (non-zero inside).
///
/// Holes have no contours, nor have objects inside of holes. The list is in reverse raster order of the starting
/// pixels: the last object comes first.
pub fn find_contours(mask: ArrayView2<'_, u8>) -> Vec<Vec<Point>> {
    let (height, width) = mask.dim();
    let mut contours = Scratch::new(height, width, |y, x| mask[[y, x]] != 0).outer_contours();
    contours.reverse();
    contours
}
