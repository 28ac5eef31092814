//! From the levelled picture of the first frame to the images.

use super::body::Body;

/// Drift, then rotation about the image's middle.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// How far the content has moved from the first frame, `(x, y)`, in the levelled picture.
    pub(super) drift: [f64; 2],
    /// Of the rotation that levels the images.
    sin: f64,
    cos: f64,
    /// Middle of the image, `(y, x)`.
    middle: [f64; 2],
}

impl View {
    /// * `rotation`: degrees, counter-clockwise, that level the images.
    pub(super) fn new(shape: [usize; 2], rotation: f64) -> Self {
        let angle = rotation.to_radians();
        let middle = shape.map(|n| 0.5 * (n as f64 - 1.0));
        Self { drift: [0.0; 2], sin: libm::sin(angle), cos: libm::cos(angle), middle }
    }

    fn turn(&self, [y, x]: [f64; 2]) -> [f64; 2] {
        [x * self.sin + y * self.cos, x * self.cos - y * self.sin]
    }

    /// A point `(y, x)` of the levelled first frame in this frame's image.
    pub(super) fn to_image(self, p: [f64; 2]) -> [f64; 2] {
        let moved = [p[0] + self.drift[1] - self.middle[0], p[1] + self.drift[0] - self.middle[1]];
        let turned = self.turn(moved);
        [0, 1].map(|i| turned[i] + self.middle[i])
    }

    /// The inverse of [`View::to_image`].
    pub(super) fn level(self, p: [f64; 2]) -> [f64; 2] {
        let [y, x] = [0, 1].map(|i| p[i] - self.middle[i]);
        let [y, x] = [y * self.cos - x * self.sin, x * self.cos + y * self.sin];
        [y + self.middle[0] - self.drift[1], x + self.middle[1] - self.drift[0]]
    }

    /// A body as it lies in this frame's image.
    pub(super) fn body(self, body: &Body) -> Body {
        Body { center: self.to_image(body.center), axis: self.turn(body.axis), ..*body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_inverts_and_levels_counter_clockwise() {
        let view = View { drift: [3.0, -2.0], ..View::new([101, 201], 10.0) };
        let p = [20.0, 130.0];
        let back = view.level(view.to_image(p));
        assert!((0..2).all(|i| (back[i] - p[i]).abs() < 1e-9));
        // What turns counter-clockwise to become level leans clockwise: its right end is lower.
        let level = View::new([101, 201], 10.0);
        let [left, right] = [[50.0, 0.0], [50.0, 200.0]].map(|p| level.to_image(p));
        assert!(right[0] > left[0]);
    }
}
