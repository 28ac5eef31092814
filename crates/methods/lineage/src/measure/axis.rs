//! The medial axis of a cell: a smooth curve with its pixels around it.

use super::solve::fit_powers;

/// Rounds of regression and projection. Bends of a quarter circle settle in three.
const ROUNDS: usize = 4;
/// Steps of Newton's method per projection; the place of the round before is close by.
const NEWTON_STEPS: usize = 3;
/// Intervals in which the length of the curve is added up.
const TABLE: usize = 48;

/// A curve (x(u), y(u)), u from about −1 to 1, both polynomials of the third degree at most.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    x: [f64; 4],
    y: [f64; 4],
}

/// A pixel beside the axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside {
    /// Length of the axis from its middle to the foot of the perpendicular.
    pub(super) s: f64,
    /// Distance to the side.
    pub(super) t: f64,
    /// 1/(1 − κt): the pixel's share of a section. On the outer side of a bend there are more pixels per length.
    pub(super) share: f64,
}

fn value(p: &[f64; 4], u: f64) -> f64 {
    p[0] + u * (p[1] + u * (p[2] + u * p[3]))
}

fn slope(p: &[f64; 4], u: f64) -> f64 {
    p[1] + u * (2.0 * p[2] + u * 3.0 * p[3])
}

fn bend(p: &[f64; 4], u: f64) -> f64 {
    2.0 * p[2] + 6.0 * p[3] * u
}

impl Axis {
    /// Fits an axis to pixels `(x, y)` by turns: pixels are projected to the curve, and the mean of the pixels at each
    /// place along it, a polynomial of `degree`, is the next curve (Hastie & Stuetzle 1989).
    ///
    /// `places` are the pixels' first places along the axis, in pixels, about 0. Returns also where the pixels lie.
    pub(super) fn fit(
        pixels: &[[f64; 2]],
        mut places: Vec<f64>,
        degree: usize,
    ) -> (Self, Vec<Beside>) {
        let mut axis = Self { x: [0.0; 4], y: [0.0; 4] };
        let mut beside = vec![Beside { s: 0.0, t: 0.0, share: 1.0 }; pixels.len()];
        for _ in 0..ROUNDS {
            let reach = places.iter().fold(1.0_f64, |most, s| most.max(s.abs()));
            for place in &mut places {
                *place /= reach;
            }
            let samples = pixels.iter().zip(&places).zip(&beside);
            let samples = samples.map(|((p, u), b)| (*u, *p, b.share));
            [axis.x, axis.y] = fit_powers(samples, degree);
            let lengths = axis.length_table(1.5);
            for ((pixel, place), beside) in pixels.iter().zip(&mut places).zip(&mut beside) {
                let (u, t, curvature) = axis.project(*pixel, *place);
                // Beyond the middle of the bend's circle there is no foot; a share is kept in bounds.
                let share = 1.0 / (1.0 - curvature * t).clamp(0.5, 2.0);
                *beside = Beside { s: lengths.at(u), t, share };
                *place = beside.s;
            }
        }
        (axis, beside)
    }

    /// The parameter of the nearest point (from `u` on), the signed distance, the curvature there.
    fn project(&self, [px, py]: [f64; 2], mut u: f64) -> (f64, f64, f64) {
        for _ in 0..NEWTON_STEPS {
            let (dx, dy) = (value(&self.x, u) - px, value(&self.y, u) - py);
            let (vx, vy) = (slope(&self.x, u), slope(&self.y, u));
            let speed2 = vx * vx + vy * vy;
            let second = speed2 + dx * bend(&self.x, u) + dy * bend(&self.y, u);
            // Far on the inner side the distance has no minimum near; the speed alone still goes the right way.
            let second = second.max(0.5 * speed2).max(1e-12);
            u = (u - (dx * vx + dy * vy) / second).clamp(-1.5, 1.5);
        }
        let (dx, dy) = (px - value(&self.x, u), py - value(&self.y, u));
        let (vx, vy) = (slope(&self.x, u), slope(&self.y, u));
        let speed = vx.hypot(vy).max(1e-12);
        let t = (vx * dy - vy * dx) / speed;
        let curvature = (vx * bend(&self.y, u) - vy * bend(&self.x, u)) / speed.powi(3);
        (u, t, curvature)
    }

    /// The length of the curve from u = 0, for |u| up to `reach`.
    pub(super) fn length_table(&self, reach: f64) -> Lengths {
        let step = 2.0 * reach / TABLE as f64;
        let speed = |u: f64| slope(&self.x, u).hypot(slope(&self.y, u));
        let mut lengths = Vec::with_capacity(TABLE + 1);
        let mut sum = 0.0;
        lengths.push(0.0);
        for k in 0..TABLE {
            let u = -reach + k as f64 * step;
            // Simpson's rule on each interval.
            sum += step / 6.0 * (speed(u) + 4.0 * speed(u + step / 2.0) + speed(u + step));
            lengths.push(sum);
        }
        let middle = lengths[TABLE / 2];
        for length in &mut lengths {
            *length -= middle;
        }
        Lengths { reach, step, lengths }
    }

    /// The point `(x, y)` at length `s` from the middle; beyond the table the curve goes on straight.
    pub(super) fn point(&self, lengths: &Lengths, s: f64) -> [f64; 2] {
        let u = lengths.parameter(s);
        let over = s - lengths.at(u);
        let (vx, vy) = (slope(&self.x, u), slope(&self.y, u));
        let speed = vx.hypot(vy).max(1e-12);
        [value(&self.x, u) + over * vx / speed, value(&self.y, u) + over * vy / speed]
    }
}

/// Length along a curve at evenly spaced parameters.
pub(super) struct Lengths {
    reach: f64,
    step: f64,
    lengths: Vec<f64>,
}

impl Lengths {
    fn at(&self, u: f64) -> f64 {
        let place = ((u + self.reach) / self.step).clamp(0.0, TABLE as f64);
        let k = (place as usize).min(TABLE - 1);
        self.lengths[k] + (place - k as f64) * (self.lengths[k + 1] - self.lengths[k])
    }

    fn parameter(&self, s: f64) -> f64 {
        let k = self.lengths.partition_point(|length| *length < s).clamp(1, TABLE);
        let (before, after) = (self.lengths[k - 1], self.lengths[k]);
        let share = ((s - before) / (after - before).max(1e-12)).clamp(0.0, 1.0);
        (k as f64 - 1.0 + share) * self.step - self.reach
    }
}
