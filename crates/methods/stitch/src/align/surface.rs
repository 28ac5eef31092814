//! Scores over a range of shifts, and their peaks.

/// A range of integer shifts, both ends included. `k` compares `a[x + k]` with `b[x]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shifts {
    pub first: [i64; 3],
    pub last: [i64; 3],
}

impl Shifts {
    pub fn shape(&self) -> [usize; 3] {
        std::array::from_fn(|d| (self.last[d] - self.first[d] + 1).max(0) as usize)
    }

    pub fn count(&self) -> usize {
        self.shape().iter().product()
    }

    /// The shift at a place in C order.
    pub fn at(&self, index: usize) -> [i64; 3] {
        let [_, ny, nx] = self.shape();
        let place = [index / (ny * nx), index / nx % ny, index % nx];
        std::array::from_fn(|d| self.first[d] + place[d] as i64)
    }

    pub fn index(&self, k: [i64; 3]) -> Option<usize> {
        let inside = (0..3).all(|d| (self.first[d]..=self.last[d]).contains(&k[d]));
        let [_, ny, nx] = self.shape();
        let p: [usize; 3] = std::array::from_fn(|d| (k[d] - self.first[d]) as usize);
        inside.then(|| (p[0] * ny + p[1]) * nx + p[2])
    }
}

/// Scores over a range of shifts; -1 where the overlap is too small or without contrast.
#[derive(Debug, Clone)]
pub(crate) struct Surface {
    pub shifts: Shifts,
    pub ncc: Vec<f32>,
    /// Voxels compared at each shift.
    pub voxels: Vec<f32>,
    /// Phase correlation, when it was asked for.
    pub phase: Option<Vec<f32>>,
}

/// A local maximum of a surface.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Peak {
    pub shift: [i64; 3],
    /// Sub-voxel place of the top of a parabola through the neighbours, -0.5 to 0.5 per axis.
    pub offset: [f64; 3],
    pub ncc: f64,
    pub voxels: f64,
}

impl Surface {
    /// The highest local maxima for which `inside` holds, at least 2 voxels apart, best first.
    ///
    /// Equal scores (to 1e-5, the rounding of the transform) are ordered by `distance`, then by
    /// shift, so that repeated structure gives the smallest shift.
    pub fn peaks(
        &self,
        most: usize,
        inside: impl Fn([i64; 3]) -> bool,
        distance: impl Fn([i64; 3]) -> f64,
    ) -> Vec<Peak> {
        let height = self.phase.as_ref().unwrap_or(&self.ncc);
        let scale = height.iter().fold(0f32, |m, v| m.max(v.abs())).max(1e-30);
        let mut tops: Vec<(i64, f64, [i64; 3], usize)> = (0..height.len())
            .filter(|i| self.ncc[*i] > -1.0)
            .map(|i| (i, self.shifts.at(i)))
            .filter(|(i, k)| inside(*k) && self.is_top(height, *i, *k))
            .map(|(i, k)| ((-1e5 * height[i] / scale).round() as i64, distance(k), k, i))
            .collect();
        tops.sort_by(|p, q| p.0.cmp(&q.0).then(p.1.total_cmp(&q.1)).then(p.2.cmp(&q.2)));
        let mut chosen: Vec<Peak> = Vec::new();
        for (_, _, shift, i) in tops {
            let apart = |p: &Peak| (0..3).any(|d| (p.shift[d] - shift[d]).abs() >= 2);
            if chosen.len() < most && chosen.iter().all(apart) {
                chosen.push(Peak {
                    shift,
                    offset: self.top_of_parabola(shift),
                    ncc: f64::from(self.ncc[i]),
                    voxels: f64::from(self.voxels[i]),
                });
            }
        }
        chosen
    }

    fn is_top(&self, height: &[f32], i: usize, k: [i64; 3]) -> bool {
        (0..27).all(|n| {
            let step = [n / 9 - 1, n / 3 % 3 - 1, n % 3 - 1];
            let neighbour = std::array::from_fn(|d| k[d] + step[d]);
            self.shifts
                .index(neighbour)
                .is_none_or(|j| self.ncc[j] <= -1.0 || height[j] <= height[i])
        })
    }

    fn top_of_parabola(&self, k: [i64; 3]) -> [f64; 3] {
        let at = |k| self.shifts.index(k).map(|i| f64::from(self.ncc[i])).filter(|v| *v > -1.0);
        std::array::from_fn(|d| {
            let mut next = [k, k];
            next[0][d] -= 1;
            next[1][d] += 1;
            match (at(next[0]), at(k), at(next[1])) {
                (Some(low), Some(mid), Some(high)) => parabola_top(low, mid, high),
                _ => 0.0,
            }
        })
    }
}

/// Place of the top of the parabola through the heights at -1, 0, 1; 0 when the middle is not top.
pub(crate) fn parabola_top(low: f64, mid: f64, high: f64) -> f64 {
    let curvature = low - 2.0 * mid + high;
    if curvature < 0.0 { (0.5 * (low - high) / curvature).clamp(-0.5, 0.5) } else { 0.0 }
}
