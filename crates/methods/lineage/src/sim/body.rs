//! The shape of a cell: a spherocylinder, bent to an arc and pinched where it will divide.

use std::f64::consts::PI;

/// Below this curvature (1/px) an axis is straight: the arc would lie within 0.001 px of it.
const STRAIGHT: f64 = 1e-5;

/// Points along one side of an outline.
const SIDE: usize = 400;

/// A cell's shape. Points are `(y, x)`; `s` runs along the axis from the middle, `n` across it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Body {
    /// Middle of the axis.
    pub(super) center: [f64; 2],
    /// Direction of the axis in the middle, from end A to end B; length 1.
    pub(super) axis: [f64; 2],
    /// Of the axis, 1/px; positive bends the ends to the side of [`Body::side`].
    pub(super) curvature: f64,
    /// From tip to tip along the axis.
    pub(super) length: f64,
    pub(super) radius: f64,
    /// Where the septum forms: part of the length, from end A.
    pub(super) septum: f64,
    /// How far it has formed: 0 a rod, 1 two rods that touch with their tips.
    pub(super) constriction: f64,
}

impl Body {
    /// Unit vector across the axis.
    pub(super) fn side(&self) -> [f64; 2] {
        [self.axis[1], -self.axis[0]]
    }

    /// Half the width at `s`; negative beyond the tips.
    pub(super) fn half_width(&self, s: f64) -> f64 {
        let (length, radius) = (self.length, self.radius);
        let from_a = s + 0.5 * length;
        let from_tip = from_a.min(length - from_a);
        if from_tip < 0.0 {
            return -1.0;
        }
        let cap = |d: f64| if d < radius { (d * (2.0 * radius - d)).sqrt() } else { radius };
        let half = cap(from_tip);
        let pinched = half.min(cap((from_a - self.septum * length).abs()));
        half + self.constriction * (pinched - half)
    }

    /// `(s, n)` of a point.
    pub(super) fn along_and_across(&self, p: [f64; 2]) -> (f64, f64) {
        let side = self.side();
        let d = [p[0] - self.center[0], p[1] - self.center[1]];
        if self.curvature.abs() < STRAIGHT {
            return (dot(d, self.axis), dot(d, side));
        }
        let bend = 1.0 / self.curvature;
        let d = [d[0] - bend * side[0], d[1] - bend * side[1]];
        let angle = libm::atan2(dot(d, self.axis), -bend.signum() * dot(d, side));
        let distance = dot(d, d).sqrt();
        (angle * bend.abs(), bend.signum() * (bend.abs() - distance))
    }

    /// The point at `(s, n)`.
    pub(super) fn point(&self, s: f64, n: f64) -> [f64; 2] {
        let side = self.side();
        let (along, across) = if self.curvature.abs() < STRAIGHT {
            (s, n)
        } else {
            let (bend, angle) = (1.0 / self.curvature, s * self.curvature);
            let (sin, cos) = (libm::sin(angle), libm::cos(angle));
            (bend * sin - n * sin, bend * (1.0 - cos) + n * cos)
        };
        [0, 1].map(|i| self.center[i] + along * self.axis[i] + across * side[i])
    }

    /// Direction of the axis at `s`.
    pub(super) fn direction(&self, s: f64) -> [f64; 2] {
        rotated(self.axis, self.side(), s * self.curvature)
    }

    /// The axis turned by an angle towards [`Body::side`].
    pub(super) fn turned(&self, angle: f64) -> [f64; 2] {
        rotated(self.axis, self.side(), angle)
    }

    /// The tips: end A, end B.
    pub(super) fn tips(&self) -> [[f64; 2]; 2] {
        [self.point(-0.5 * self.length, 0.0), self.point(0.5 * self.length, 0.0)]
    }

    /// How deep inside a point is, as a part of the half width; 0 and below is outside.
    pub(super) fn depth(&self, p: [f64; 2]) -> f64 {
        let (s, n) = self.along_and_across(p);
        let half = self.half_width(s);
        if half <= 0.0 { 0.0 } else { 1.0 - n.abs() / half }
    }

    /// Area; bending does not change it.
    pub(super) fn area(&self) -> f64 {
        let r = self.radius;
        2.0 * r * (self.length - 2.0 * r) + PI * r * r - self.constriction * (4.0 - PI) * r * r
    }

    /// Length of the outline, from a polygon of [`SIDE`] points per side.
    pub(super) fn perimeter(&self) -> f64 {
        let at = |i: usize, side: f64| {
            // Points are dense near the tips, where the outline turns.
            let s = -0.5 * self.length * libm::cos(PI * i as f64 / SIDE as f64);
            self.point(s, side * self.half_width(s).max(0.0))
        };
        let side =
            |sign: f64| -> f64 { (0..SIDE).map(|i| distance(at(i, sign), at(i + 1, sign))).sum() };
        side(1.0) + side(-1.0)
    }

    /// Radius of a circle about [`Body::center`] that holds the body.
    pub(super) fn reach(&self) -> f64 {
        0.5 * self.length + self.radius
    }
}

fn rotated(axis: [f64; 2], side: [f64; 2], angle: f64) -> [f64; 2] {
    let (sin, cos) = (libm::sin(angle), libm::cos(angle));
    [0, 1].map(|i| cos * axis[i] + sin * side[i])
}

pub(super) fn dot(a: [f64; 2], b: [f64; 2]) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

pub(super) fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    let d = [a[0] - b[0], a[1] - b[1]];
    dot(d, d).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(curvature: f64, constriction: f64) -> Body {
        Body {
            center: [30.0, 20.0],
            axis: [0.6, 0.8],
            curvature,
            length: 30.0,
            radius: 4.0,
            septum: 0.45,
            constriction,
        }
    }

    #[test]
    fn coordinates_of_bent_bodies_invert() {
        for curvature in [-0.03, 0.0, 0.02] {
            let body = body(curvature, 0.0);
            for (s, n) in [(0.0, 0.0), (12.0, -3.0), (-14.0, 2.5)] {
                let (s2, n2) = body.along_and_across(body.point(s, n));
                assert!((s - s2).abs() < 1e-9 && (n - n2).abs() < 1e-9, "{s} {n}: {s2} {n2}");
            }
        }
    }

    #[test]
    fn area_and_perimeter_are_those_of_the_outline() {
        let step = 0.05;
        for (curvature, constriction) in [(0.0, 0.0), (0.03, 0.0), (-0.02, 0.5), (0.0, 1.0)] {
            let body = body(curvature, constriction);
            let inside = (0..1200)
                .flat_map(|i| (0..1000).map(move |j| [i as f64 * step, j as f64 * step]))
                .filter(|p| body.depth(*p) > 0.0)
                .count();
            let counted = inside as f64 * step * step;
            assert!((counted / body.area() - 1.0).abs() < 2e-3, "{counted} {}", body.area());
        }
        let rod = 2.0 * 22.0 + 8.0 * PI;
        assert!((body(0.0, 0.0).perimeter() - rod).abs() < 0.01);
        assert!((body(0.03, 0.0).perimeter() - rod).abs() < 0.1);
    }
}
