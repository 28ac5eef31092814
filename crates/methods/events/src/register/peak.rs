//! Peaks of correlations over shifts, finer than a pixel.

use serde::{Deserialize, Serialize};

/// Distance from which on another maximum is another peak, pixels.
const APART: f64 = 3.0;

/// Maxima that are kept.
pub(crate) const KEPT: usize = 8;

/// Ratio given to a peak without rival.
const NO_RIVAL: f32 = 1000.0;

/// A maximum of a correlation over shifts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// Shift along y and x, pixels.
    pub shift: [f64; 2],
    /// Correlation there, of 1.
    pub value: f32,
    /// Whether it lies at the end of the range.
    pub is_clipped: bool,
}

/// A correlation over the shifts `-reach..=reach` per axis, rows along y.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surface<'a> {
    pub values: &'a [f32],
    pub reach: [usize; 2],
}

impl Surface<'_> {
    fn width(&self) -> usize {
        2 * self.reach[1] + 1
    }

    /// The shifts `-reach..=reach` of a row.
    fn row(&self, y: isize, reach: isize) -> &[f32] {
        let start = (y + self.reach[0] as isize) as usize * self.width() + self.reach[1];
        &self.values[start - reach as usize..=start + reach as usize]
    }

    fn at(&self, y: isize, x: isize) -> f32 {
        let (y, x) = (y + self.reach[0] as isize, x + self.reach[1] as isize);
        self.values[y as usize * self.width() + x as usize]
    }

    /// The highest local maxima within `search` of no shift, at least three pixels apart, the highest
    /// first, and the ratio of the first to the second.
    ///
    /// Of equal values the first in row order counts. Empty if the surface is flat, or holds no number
    /// above 0.
    pub fn peaks(&self, search: [usize; 2]) -> (Vec<Peak>, f32) {
        let maxima = self.maxima(search);
        let Some(first) = maxima.first() else { return (Vec::new(), 1.0) };
        let ratio = maxima.get(1).map_or(NO_RIVAL, |second| (first.2 / second.2).min(NO_RIVAL));
        (maxima.iter().map(|m| self.refined(*m, search)).collect(), ratio)
    }

    /// The highest point within `search` of no shift, placed finer than a pixel.
    pub fn highest(&self, search: [usize; 2]) -> Option<Peak> {
        let [ry, rx] = search.map(|r| r as isize);
        let mut best: Option<(isize, isize, f32)> = None;
        for y in -ry..=ry {
            for (x, &value) in (-rx..=rx).zip(self.row(y, rx)) {
                if value > best.map_or(0.0, |b| b.2) {
                    best = Some((y, x, value));
                }
            }
        }
        best.map(|b| self.refined(b, search))
    }

    fn maxima(&self, search: [usize; 2]) -> Vec<(isize, isize, f32)> {
        let [ry, rx] = search.map(|r| r as isize);
        let mut found: Vec<(isize, isize, f32)> = Vec::new();
        for y in -ry..=ry {
            let row = self.row(y, rx);
            for (i, &value) in row.iter().enumerate() {
                // Most places fall out here.
                let lower = |i: usize| row.get(i).is_none_or(|v| *v <= value);
                if value > 0.0 && lower(i.wrapping_sub(1)) && lower(i + 1) {
                    let x = i as isize - rx;
                    if self.is_maximum(y, x, value, [ry, rx]) {
                        found.push((y, x, value));
                    }
                }
            }
        }
        // Stable: equal values stay in row order.
        found.sort_by(|a, b| b.2.total_cmp(&a.2));
        let mut kept: Vec<(isize, isize, f32)> = Vec::with_capacity(KEPT);
        for peak in found {
            let far = |k: &(isize, isize, f32)| {
                ((k.0 - peak.0) as f64).hypot((k.1 - peak.1) as f64) > APART
            };
            if kept.iter().all(far) {
                kept.push(peak);
                if kept.len() == KEPT {
                    break;
                }
            }
        }
        kept
    }

    fn is_maximum(&self, y: isize, x: isize, value: f32, [ry, rx]: [isize; 2]) -> bool {
        (y - 1..=y + 1).filter(|v| v.abs() <= ry).all(|v| {
            (x - 1..=x + 1)
                .filter(|u| u.abs() <= rx)
                .all(|u| (v, u) == (y, x) || self.at(v, u) <= value)
        })
    }

    /// Places a maximum by a quadric through its neighbours; where there is room, once more through
    /// neighbours of the place found, which takes away the quadric's pull towards whole pixels.
    fn refined(&self, (y, x, value): (isize, isize, f32), search: [usize; 2]) -> Peak {
        let place = [y, x];
        let is_clipped = (0..2).any(|d| place[d].unsigned_abs() >= search[d]);
        let room =
            |margin: isize| (0..2).all(|d| place[d].abs() + margin <= self.reach[d] as isize);
        let mut offset = [0.0; 2];
        if room(1) {
            let stencil = std::array::from_fn(|i| {
                std::array::from_fn(|j| f64::from(self.at(y + i as isize - 1, x + j as isize - 1)))
            });
            offset = quadric_top(&stencil);
        }
        if room(RINGS) {
            for _ in 0..2 {
                let step = quadric_top(&self.resampled(place, offset));
                offset = std::array::from_fn(|d| (offset[d] + step[d]).clamp(-1.0, 1.0));
            }
        }
        Peak { shift: std::array::from_fn(|d| place[d] as f64 + offset[d]), value, is_clipped }
    }

    /// The nine values around `place + offset`, one pixel apart, by Lagrange's polynomials of six
    /// pixels per axis.
    fn resampled(&self, place: [isize; 2], offset: [f64; 2]) -> [[f64; 3]; 3] {
        let whole = offset.map(|o| o.floor());
        let weights = [0, 1].map(|d| lagrange(offset[d] - whole[d]));
        let first = [0, 1].map(|d| place[d] + whole[d] as isize - 3);
        let mut rows = [[0.0; 3]; 8];
        for (i, row) in rows.iter_mut().enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value = (0..6)
                    .map(|k| {
                        let x = first[1] + (j + k) as isize;
                        weights[1][k] * f64::from(self.at(first[0] + i as isize, x))
                    })
                    .sum();
            }
        }
        std::array::from_fn(|i| {
            std::array::from_fn(|j| (0..6).map(|k| weights[0][k] * rows[i + k][j]).sum())
        })
    }

    /// The value at a shift, by the same polynomials; `None` where they reach beyond the surface.
    pub fn value_at(&self, shift: [f64; 2]) -> Option<f64> {
        let whole = shift.map(|s| s.floor());
        let fits = (0..2).all(|d| whole[d].abs() + 3.0 <= self.reach[d] as f64);
        if !fits {
            return None;
        }
        let weights = [0, 1].map(|d| lagrange(shift[d] - whole[d]));
        let first = whole.map(|w| w as isize - 2);
        let row = |y: isize| -> f64 {
            (0..6).map(|k| weights[1][k] * f64::from(self.at(y, first[1] + k as isize))).sum()
        };
        Some((0..6).map(|k| weights[0][k] * row(first[0] + k as isize)).sum())
    }
}

/// Pixels around a maximum that [`Surface::resampled`] may touch.
const RINGS: isize = 5;

/// Room around the range of search that a surface needs so that every peak in it is placed alike.
pub(crate) const MARGIN: usize = RINGS as usize;

/// Weights of the pixels at -2 to 3 for the place `0 <= t < 1`.
fn lagrange(t: f64) -> [f64; 6] {
    std::array::from_fn(|i| {
        let node = i as f64 - 2.0;
        (0..6)
            .filter(|j| *j != i)
            .map(|j| {
                let other = j as f64 - 2.0;
                (t - other) / (node - other)
            })
            .product()
    })
}

/// Top of the quadric fitted by least squares to nine values, relative to the middle one.
///
/// Within one pixel per axis; no offset if the quadric has no top.
fn quadric_top(z: &[[f64; 3]; 3]) -> [f64; 2] {
    let row = |i: usize| z[i][0] + z[i][1] + z[i][2];
    let column = |j: usize| z[0][j] + z[1][j] + z[2][j];
    let slope = [(row(2) - row(0)) / 6.0, (column(2) - column(0)) / 6.0];
    let bend_y = (row(2) - 2.0 * row(1) + row(0)) / 3.0;
    let bend_x = (column(2) - 2.0 * column(1) + column(0)) / 3.0;
    let twist = (z[2][2] - z[2][0] - z[0][2] + z[0][0]) / 4.0;
    let determinant = bend_y * bend_x - twist * twist;
    if !(determinant > 0.0 && bend_y < 0.0) {
        return [0.0; 2];
    }
    [
        (-(bend_x * slope[0] - twist * slope[1]) / determinant).clamp(-1.0, 1.0),
        (-(bend_y * slope[1] - twist * slope[0]) / determinant).clamp(-1.0, 1.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(reach: [usize; 2], f: impl Fn(f64, f64) -> f64) -> Vec<f32> {
        let [ry, rx] = reach.map(|r| r as i32);
        (-ry..=ry)
            .flat_map(|y| (-rx..=rx).map(move |x| (f64::from(y), f64::from(x))))
            .map(|(y, x)| f(y, x) as f32)
            .collect()
    }

    #[test]
    fn a_quadric_has_its_top_where_it_is() {
        let z = std::array::from_fn(|i| {
            std::array::from_fn(|j| {
                let (y, x) = (i as f64 - 1.3, j as f64 - 0.8);
                5.0 - y * y - 2.0 * x * x + 0.5 * x * y
            })
        });
        let top = quadric_top(&z);
        assert!((top[0] - 0.3).abs() < 1e-12 && (top[1] + 0.2).abs() < 1e-12, "{top:?}");
    }

    #[test]
    fn a_gaussian_peak_is_placed_to_a_thousandth() {
        let reach = [9, 12];
        for place in [[0.25, -0.4], [2.49, -3.51], [-1.75, 5.3]] {
            let values = surface(reach, |y, x| {
                (-((y - place[0]).powi(2) + (x - place[1]).powi(2)) / 5.0).exp()
            });
            let (peaks, ratio) = Surface { values: &values, reach }.peaks([4, 7]);
            for d in 0..2 {
                assert!((peaks[0].shift[d] - place[d]).abs() < 2e-3, "{peaks:?} {place:?}");
            }
            assert_eq!(ratio, NO_RIVAL);
        }
    }

    #[test]
    fn a_rival_within_three_pixels_is_no_rival() {
        let reach = [9, 9];
        let two = |gap: f64| {
            surface(reach, move |y, x| {
                let peak = |x0: f64| (-(y * y + (x - x0).powi(2)) / 0.4).exp();
                peak(-4.0) + 0.5 * peak(-4.0 + gap)
            })
        };
        let ratio = |gap| Surface { values: &two(gap), reach }.peaks(reach).1;
        assert_eq!(ratio(3.0), NO_RIVAL);
        assert!((ratio(4.0) - 2.0).abs() < 1e-3);
    }

    #[test]
    fn flat_and_missing_surfaces_have_no_peak() {
        for value in [0.0, -1.0, f32::NAN] {
            let values = [value; 81];
            assert!(Surface { values: &values, reach: [4, 4] }.peaks([4, 4]).0.is_empty());
            assert_eq!(Surface { values: &values, reach: [4, 4] }.highest([4, 4]), None);
        }
    }
}
