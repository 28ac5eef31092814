//! Rods of known size, drawn pixel by pixel and measured again.

use hooke_lineage::contour::find_contours;
use hooke_lineage::measure::{Rod, fit_rod};
use ndarray::Array2;

/// A rod whose axis is an arc: pixels are inside whose centre is within half a width of the arc.
#[derive(Debug, Clone, Copy)]
struct TrueRod {
    length: f64,
    width: f64,
    /// Direction in the middle, from the x axis.
    angle: f64,
    /// Total turn of the axis, radians.
    bend: f64,
    centre: [f64; 2],
}

impl TrueRod {
    fn area(&self) -> f64 {
        (self.length - self.width) * self.width + std::f64::consts::FRAC_PI_4 * self.width.powi(2)
    }

    /// Distance of a point from the axis.
    fn distance(&self, x: f64, y: f64) -> f64 {
        let (dx, dy) = (x - self.centre[0], y - self.centre[1]);
        let (sin, cos) = self.angle.sin_cos();
        let (along, across) = (dx * cos + dy * sin, dy * cos - dx * sin);
        let half = (self.length - self.width) / 2.0;
        if self.bend.abs() < 1e-9 {
            return (along.abs() - half).max(0.0).hypot(across);
        }
        // A circle about (0, radius), the axis' middle at the origin.
        let across = across * self.bend.signum();
        let radius = 2.0 * half / self.bend.abs();
        let limit = self.bend.abs() / 2.0;
        let turn = along.atan2(radius - across).clamp(-limit, limit);
        let (foot_x, foot_y) = (radius * turn.sin(), radius - radius * turn.cos());
        (along - foot_x).hypot(across - foot_y)
    }

    fn measure(&self) -> (Rod, usize) {
        let size = self.length as usize + 8;
        let mask = Array2::from_shape_fn((size, size), |(y, x)| {
            u8::from(self.distance(x as f64, y as f64) <= self.width / 2.0)
        });
        let pixels: Vec<[f64; 2]> = mask
            .indexed_iter()
            .filter(|(_, v)| **v > 0)
            .map(|((y, x), _)| [x as f64, y as f64])
            .collect();
        let contours = find_contours(mask.view());
        (fit_rod(&pixels, &contours[0]), pixels.len())
    }
}

/// Rods of one size at `count` evenly scattered angles and places.
fn rods(length: f64, width: f64, bend: f64, count: usize) -> impl Iterator<Item = TrueRod> {
    (0..count).map(move |i| {
        // Additive recurrences fill the angles and the unit square evenly.
        let spread = |k: f64| (0.5 + (i + 1) as f64 * k).fract();
        let middle = (length as usize + 8) as f64 / 2.0;
        TrueRod {
            length,
            width,
            angle: std::f64::consts::PI * spread(0.819_172_513),
            bend,
            centre: [middle + spread(0.671_043_607), middle + spread(0.549_700_478)],
        }
    })
}

/// Mean relative errors of length, width, area.
fn biases(length: f64, width: f64, bend: f64, count: usize) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for truth in rods(length, width, bend, count) {
        let (rod, pixels) = truth.measure();
        sums[0] += rod.length / length - 1.0;
        sums[1] += rod.width / width - 1.0;
        sums[2] += pixels as f64 / truth.area() - 1.0;
    }
    sums.map(|sum| sum / count as f64)
}

#[test]
fn length_width_and_area_are_unbiased() {
    let sizes = [
        (8.0, 4.0),
        (10.0, 4.0),
        (12.0, 4.0),
        (12.0, 6.5),
        (16.0, 5.0),
        (20.0, 5.0),
        (24.0, 12.0),
        (34.0, 8.0),
        (60.0, 10.0),
    ];
    for (length, width) in sizes {
        // Curved as strongly as colonies bend cells: a short one turns less from end to end.
        for curvature in [0.0, 0.01, -0.03] {
            let bend = curvature * (length - width);
            let [l, w, a] = biases(length, width, bend, 200);
            assert!(l.abs() < 0.01, "length of {length} x {width}, bend {bend}: {l}");
            assert!(w.abs() < 0.01, "width of {length} x {width}, bend {bend}: {w}");
            assert!(a.abs() < 0.01, "area of {length} x {width}, bend {bend}: {a}");
        }
    }
}

#[test]
fn tips_lie_at_the_ends_of_the_axis() {
    for truth in rods(30.0, 7.0, 0.0, 40) {
        let (rod, _) = truth.measure();
        let (sin, cos) = truth.angle.sin_cos();
        let [x, y] = truth.centre;
        let true_tips = [-15.0, 15.0].map(|s| [y + s * sin, x + s * cos]);
        for tip in rod.tips {
            let distance = |t: &[f64; 2]| (t[0] - tip[0]).hypot(t[1] - tip[1]);
            let nearest = true_tips.iter().map(distance).fold(f64::INFINITY, f64::min);
            assert!(nearest < 1.0, "{truth:?}: a tip is {nearest} off");
        }
    }
}

#[test]
fn a_filament_bent_to_a_u_is_followed() {
    for truth in rods(60.0, 5.0, 3.0, 12) {
        let (rod, _) = truth.measure();
        assert!((rod.length / 60.0 - 1.0).abs() < 0.05, "{truth:?}: {rod:?}");
        assert!((rod.width / 5.0 - 1.0).abs() < 0.08, "{truth:?}: {rod:?}");
    }
}

#[test]
fn runs_of_pixels_are_as_long_as_they_are() {
    for n in 1..12 {
        let pixels: Vec<[f64; 2]> = (0..n).map(|x| [f64::from(x), 3.0]).collect();
        let rod = fit_rod(&pixels, &[]);
        assert!((rod.length - f64::from(n)).abs() < 1e-9 && (rod.width - 1.0).abs() < 1e-9);
        let mut ends = rod.tips.map(|t| t[1]);
        ends.sort_by(f64::total_cmp);
        assert!((ends[0] + 0.5).abs() < 1e-9 && (ends[1] + 0.5 - f64::from(n)).abs() < 1e-9);
    }
    assert_eq!(fit_rod(&[], &[]).length, 0.0);
    let disk = rods(9.0, 9.0, 0.0, 1).next().unwrap().measure().0;
    assert!((disk.length - 9.0).abs() < 0.7 && (disk.width - 9.0).abs() < 0.7, "{disk:?}");
}
