//! A bent spherocylinder through the pixels of a cell: length from tip to tip, width, tips.

use std::f64::consts::FRAC_PI_4;

use super::axis::{Axis, Beside};
use crate::contour::{Point, find_poles};

/// Cells narrower than this have no inside for a strip along the axis; they are measured by their pixels' corners.
const NARROWEST: f64 = 2.5;

/// Length, width (px) and tips `(y, x)` of a cell, sub-pixel; pixel centres are at integers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rod {
    /// Along the bent axis, from tip to tip.
    pub length: f64,
    /// Across the axis.
    pub width: f64,
    /// The ends of the axis; which one comes first is of no meaning.
    pub tips: [[f64; 2]; 2],
}

/// Fits a bent spherocylinder to pixels `(x, y)`, the centres of those inside of a cell; all zero for none.
///
/// The axis is a smooth curve of at most four control points, the mean of the pixels at each place along it. Each tip
/// lies where a strip along the axis, of about half the cell's width, ends: its pixels are counted, so that no single
/// one decides, and what a round end lacks is added. The width is the median over the inner 60 % of the axis of the
/// pixels in a section, relative to the section of a spherocylinder of the same length and area: it does not see
/// constrictions, and short cells do not come out narrow.
///
/// Counting makes all three unbiased, where the outermost pixel is not. A run of 1 × N pixels is N long.
///
/// * `contour`: the cell's border, from which strongly bent cells get their first axis.
pub fn fit_rod(pixels: &[[f64; 2]], contour: &[Point]) -> Rod {
    let Some(frame) = Frame::of(pixels) else {
        return Rod { length: 0.0, width: 0.0, tips: [[0.0; 2]; 2] };
    };
    let area = pixels.len() as f64;
    if frame.width_guess() < NARROWEST {
        return frame.corner_rod(pixels);
    }
    let places = pixels.iter().map(|p| frame.along(*p)).collect();
    let (rod, spread) = measure_along(pixels, places, frame.degree(), area);
    // Pixels of a rod spread by w²/12 about its axis. Where they spread more, the axis does not follow the cell.
    let expected = rod.width_of_area(area).powi(2) / 12.0;
    if spread <= 1.2 * expected || contour.len() < 16 {
        return rod;
    }
    let (other, other_spread) = measure_along(pixels, places_by_contour(pixels, contour), 3, area);
    if other_spread < spread { other } else { rod }
}

/// Fits the axis from first places on, and measures; also the mean square distance from the axis.
fn measure_along(pixels: &[[f64; 2]], places: Vec<f64>, degree: usize, area: f64) -> (Rod, f64) {
    let (axis, beside) = Axis::fit(pixels, places, degree);
    let spread = beside.iter().map(|b| b.t * b.t).sum::<f64>() / area;
    let ends = beside
        .iter()
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], b| [low.min(b.s), high.max(b.s)]);
    let rough_length = ends[1] - ends[0] + 1.0;
    let rough = Rod { length: rough_length, width: 0.0, tips: [[0.0; 2]; 2] };
    let radius = rough.width_of_area(area) / 2.0;

    let strip = Strip::new(&beside, radius, ends);
    let [low, high] = [strip.tip(&beside, ends[0], -1.0), strip.tip(&beside, ends[1], 1.0)];
    let lengths = axis.length_table(1.5);
    let tips = [low, high].map(|s| axis.point(&lengths, s)).map(|[x, y]| [y, x]);
    let mut rod = Rod { length: high - low, width: 0.0, tips };
    rod.width = median_width(&beside, low, high, rod.width_of_area(area));
    (rod, spread)
}

impl Rod {
    /// The width of a spherocylinder of this length and an area: A = (L − w)·w + πw²/4.
    fn width_of_area(self, area: f64) -> f64 {
        let lacking = 1.0 - FRAC_PI_4;
        let root = (self.length * self.length - 4.0 * lacking * area).max(0.0).sqrt();
        // The stable form of the smaller solution.
        (2.0 * area / (self.length + root)).min(self.length)
    }
}

/// A strip along the axis: weights fall linearly from 1 on the axis to 0 at `half`.
///
/// A whole number of pixels, since then a strip along rows or columns holds the same weight wherever it lies.
struct Strip {
    half: f64,
    /// Weight per length, as counted in the middle of the cell.
    density: f64,
    radius: f64,
}

impl Strip {
    fn new(beside: &[Beside], radius: f64, [low, high]: [f64; 2]) -> Self {
        let half = (radius / 2.0).round().max(1.0);
        let mut strip = Self { half, density: 1.0, radius };
        let (middle, reach) = ((low + high) / 2.0, 0.3 * (high - low));
        let counted: f64 = beside
            .iter()
            .map(|b| {
                let from_end = reach - (b.s - middle).abs();
                strip.weight(b) * ramp(from_end)
            })
            .sum();
        strip.density = (counted / (2.0 * reach)).max(0.1 * half);
        strip
    }

    fn weight(&self, b: &Beside) -> f64 {
        (1.0 - b.t.abs() / self.half).max(0.0) * b.share
    }

    /// Where the cell ends on the side of `direction` (−1 or 1), whose outermost pixel lies at `outermost`.
    fn tip(&self, beside: &[Beside], outermost: f64, direction: f64) -> f64 {
        let start = direction * outermost - (0.5 * self.radius).max(1.5) - 1.0;
        let counted: f64 =
            beside.iter().map(|b| self.weight(b) * ramp(direction * b.s - start)).sum();
        direction * (start + counted / self.density + self.round_end())
    }

    /// How much farther a half circle reaches on the axis than on average over the strip:
    /// the weighted mean of R − √(R² − t²), as a series.
    fn round_end(&self) -> f64 {
        let (h, r) = (self.half.min(self.radius), self.radius);
        h.powi(2) / (12.0 * r) + h.powi(4) / (120.0 * r.powi(3)) + h.powi(6) / (448.0 * r.powi(5))
    }
}

/// Rises linearly from 0 at −1 to 1 at 1: a pixel near the start of a count counts in part.
fn ramp(s: f64) -> f64 {
    ((s + 1.0) / 2.0).clamp(0.0, 1.0)
}

/// The median section over the inner 60 % of the axis, relative to that of a spherocylinder of width `guess`.
fn median_width(beside: &[Beside], low: f64, high: f64, guess: f64) -> f64 {
    /// Sections weigh pixels linearly down to 0 at this distance along the axis.
    const REACH: f64 = 2.0;
    let (length, middle) = (high - low, (low + high) / 2.0);
    let count = ((0.6 * length) as usize).max(1) + 1;
    let first = middle - 0.3 * length;
    let step = 0.6 * length / (count - 1) as f64;

    let mut sections = vec![0.0; count];
    for b in beside {
        let from = ((b.s - REACH - first) / step).ceil().max(0.0) as usize;
        for (k, section) in sections.iter_mut().enumerate().skip(from) {
            let distance = (first + k as f64 * step - b.s).abs();
            if distance >= REACH && first + k as f64 * step > b.s {
                break;
            }
            *section += (1.0 - distance / REACH).max(0.0) / REACH * b.share;
        }
    }
    let radius = guess / 2.0;
    let chord = |s: f64| {
        let into_cap = ((s - middle).abs() - (length / 2.0 - radius)).clamp(0.0, radius);
        2.0 * (radius * radius - into_cap * into_cap).max(0.0).sqrt()
    };
    for (k, section) in sections.iter_mut().enumerate() {
        let s = first + k as f64 * step;
        // Sections are means over pixels to both sides: so are the chords they are compared with.
        let near: f64 = [-1.0, -0.5, 0.0, 0.5, 1.0].map(|d| chord(s + d)).iter().sum::<f64>() / 5.0;
        *section *= guess / near.max(0.1 * guess);
    }
    sections.sort_by(f64::total_cmp);
    let half = count / 2;
    if count % 2 == 1 { sections[half] } else { (sections[half - 1] + sections[half]) / 2.0 }
}

/// Centre, main direction and spreads of the pixels.
struct Frame {
    centre: [f64; 2],
    direction: [f64; 2],
    /// Mean squares along and across.
    spreads: [f64; 2],
}

impl Frame {
    fn of(pixels: &[[f64; 2]]) -> Option<Self> {
        let n = pixels.len() as f64;
        let sum = pixels.iter().fold([0.0; 2], |[x, y], p| [x + p[0], y + p[1]]);
        let centre = sum.map(|v| v / n);
        let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
        for p in pixels {
            let (dx, dy) = (p[0] - centre[0], p[1] - centre[1]);
            xx += dx * dx;
            yy += dy * dy;
            xy += dx * dy;
        }
        let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
        let root = ((xx - yy) / 2.0).hypot(xy);
        let mean = (xx + yy) / 2.0;
        let spreads = [(mean + root) / n, ((mean - root) / n).max(0.0)];
        (!pixels.is_empty()).then_some(Self {
            centre,
            direction: [angle.cos(), angle.sin()],
            spreads,
        })
    }

    fn along(&self, p: [f64; 2]) -> f64 {
        (p[0] - self.centre[0]) * self.direction[0] + (p[1] - self.centre[1]) * self.direction[1]
    }

    /// A strip of width w spreads by w²/12; half a pixel's own spread is not in the centres.
    fn width_guess(&self) -> f64 {
        (12.0 * self.spreads[1] + 1.0).sqrt()
    }

    /// How much of a bend the pixels can tell: none of a short cell, whose round ends look the same from every side,
    /// one sense of a longer one. More freedom makes short cells 2 % too long.
    fn degree(&self) -> usize {
        let elongation = (self.spreads[0] / self.spreads[1].max(1e-9)).sqrt();
        if elongation < 2.3 {
            1
        } else if elongation < 3.5 {
            2
        } else {
            3
        }
    }

    /// The box along the main direction around the pixels' corners.
    fn corner_rod(&self, pixels: &[[f64; 2]]) -> Rod {
        let corner = (self.direction[0].abs() + self.direction[1].abs()) / 2.0;
        let ends = pixels
            .iter()
            .map(|p| self.along(*p))
            .fold([0.0_f64; 2], |[low, high], s| [low.min(s), high.max(s)]);
        let tip = |s: f64| {
            [self.centre[1] + s * self.direction[1], self.centre[0] + s * self.direction[0]]
        };
        let length = ends[1] - ends[0] + 2.0 * corner;
        let tips = [tip(ends[0] - corner), tip(ends[1] + corner)];
        Rod { length, width: pixels.len() as f64 / length, tips }
    }
}

/// First places along a strongly bent cell: along the middle between both sides of the contour, from pole to pole.
fn places_by_contour(pixels: &[[f64; 2]], contour: &[Point]) -> Vec<f64> {
    let poles = find_poles(contour).map(|[y, x]| [x, y]);
    let index = |pole: Point| contour.iter().position(|p| *p == pole).unwrap_or(0);
    let [first, second] = poles.map(index);
    let n = contour.len();
    let one = (second + n - first) % n;
    let other = n - one;
    let steps = n / 2;
    let middle: Vec<[f64; 2]> = (0..=steps)
        .map(|k| {
            let a = contour[(first + k * one / steps) % n];
            let b = contour[(first + n - k * other / steps) % n];
            [0, 1].map(|axis| (f64::from(a[axis]) + f64::from(b[axis])) / 2.0)
        })
        .collect();
    let mut lengths = vec![0.0];
    for pair in middle.windows(2) {
        let step = (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]);
        lengths.push(lengths[lengths.len() - 1] + step);
    }
    let half = lengths[lengths.len() - 1] / 2.0;
    let nearest = |p: &[f64; 2]| {
        let square = |q: &[f64; 2]| (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2);
        let best =
            (0..middle.len()).min_by(|a, b| square(&middle[*a]).total_cmp(&square(&middle[*b])));
        best.map_or(0.0, |k| lengths[k] - half)
    };
    pixels.iter().map(nearest).collect()
}
