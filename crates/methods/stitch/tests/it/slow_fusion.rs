//! Fusion as its definition reads: voxel by voxel, in f64, without blocks, rows or tables.

use hooke_core::Sample;
use hooke_stitch::LayoutRegion;
use hooke_stitch::fuse::{Blend, FuseParams, Interpolation};
use hooke_stitch::regions::partition;
use ndarray::{Array3, ArrayView3};

pub struct SlowTile<'a, T> {
    pub position: [f64; 3],
    pub voxels: ArrayView3<'a, T>,
    pub id: usize,
}

pub struct Slow<'a, T> {
    pub tiles: Vec<SlowTile<'a, T>>,
    pub params: FuseParams,
    pub ramp: [f64; 3],
}

impl<'a, T: Sample> Slow<'a, T> {
    pub fn new(
        arrays: &'a [Array3<T>],
        positions: &[[f64; 3]],
        params: &FuseParams,
        ramp: [f64; 3],
    ) -> Slow<'a, T> {
        let snap = |p: f64| {
            let near = p.round_ties_even();
            let snaps = params.interpolation == Interpolation::Nearest || (p - near).abs() <= 1e-3;
            if snaps { near } else { p }
        };
        let tiles = arrays
            .iter()
            .zip(positions)
            .enumerate()
            .map(|(id, (a, p))| SlowTile { position: p.map(snap), voxels: a.view(), id })
            .collect();
        Slow { tiles, params: params.clone(), ramp }
    }

    pub fn output(&self) -> LayoutRegion {
        let axis = |d: usize| {
            let low = self.tiles.iter().map(|t| t.position[d]).fold(f64::INFINITY, f64::min);
            let high = self
                .tiles
                .iter()
                .map(|t| t.position[d] + (t.voxels.shape()[d] - 1) as f64)
                .fold(f64::NEG_INFINITY, f64::max);
            (low.ceil() as i64, (high.floor() as i64 + 1 - low.ceil() as i64).max(0))
        };
        let axes = [axis(0), axis(1), axis(2)];
        LayoutRegion::new(axes.map(|a| a.0), axes.map(|a| a.1))
    }

    /// Value before rounding; `None` where no tile counts.
    fn value(&self, g: [i64; 3]) -> Option<f64> {
        let inputs: Vec<(f64, f64)> = self
            .tiles
            .iter()
            .filter_map(|t| self.sample(t, g).map(|v| (v, self.weight(t, g))))
            .filter(|(v, _)| v.is_finite())
            .collect();
        let values = inputs.iter().map(|i| i.0);
        match (self.params.blend, inputs.len()) {
            (_, 0) => None,
            (_, 1) => Some(inputs[0].0),
            (Blend::Max, _) => values.reduce(f64::max),
            (Blend::Min, _) => values.reduce(f64::min),
            (Blend::First, _) => inputs.first().map(|i| i.0),
            (Blend::Last, _) => inputs.last().map(|i| i.0),
            (Blend::Closest, _) => {
                inputs.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a }).map(|i| i.0)
            }
            _ => {
                let weights: f64 = inputs.iter().map(|i| i.1).sum();
                Some(inputs.iter().map(|(v, w)| w * v).sum::<f64>() / weights)
            }
        }
    }

    fn covers(&self, t: &SlowTile<'_, T>, g: [i64; 3]) -> bool {
        (0..3).all(|d| {
            let u = g[d] as f64 - t.position[d];
            0.0 <= u && u <= (t.voxels.shape()[d] - 1) as f64
        })
    }

    fn sample(&self, t: &SlowTile<'_, T>, g: [i64; 3]) -> Option<f64> {
        if !self.covers(t, g) {
            return None;
        }
        let taps: [Vec<(usize, f64)>; 3] = std::array::from_fn(|d| {
            let u = g[d] as f64 - t.position[d];
            self.taps(u, t.voxels.shape()[d])
        });
        let mut sum = 0.0;
        for &(z, wz) in &taps[0] {
            for &(y, wy) in &taps[1] {
                for &(x, wx) in &taps[2] {
                    sum += wz * wy * wx * self.corrected(t, [z, y, x]);
                }
            }
        }
        let gain = self.params.gains.get(&t.id).copied().unwrap_or_default();
        Some(gain.gain * sum + gain.offset)
    }

    fn corrected(&self, t: &SlowTile<'_, T>, at: [usize; 3]) -> f64 {
        let mut v = t.voxels[at].to_f64();
        if let Some(s) = &self.params.shading {
            v -= s.dark.as_ref().map_or(0.0, |i| f64::from(i[[at[1], at[2]]]));
            v /= s.flat.as_ref().map_or(1.0, |i| f64::from(i[[at[1], at[2]]]));
        }
        v
    }

    fn taps(&self, u: f64, size: usize) -> Vec<(usize, f64)> {
        let k = u.floor();
        let t = u - k;
        if t == 0.0 {
            return vec![(k as usize, 1.0)];
        }
        let edge = |i: f64| (k + i).clamp(0.0, (size - 1) as f64) as usize;
        match self.params.interpolation {
            Interpolation::Cubic => {
                // Keys 1981 with a = -1/2, as a function of the distance.
                let near = |s: f64| 1.5 * s.powi(3) - 2.5 * s.powi(2) + 1.0;
                let far = |s: f64| -0.5 * s.powi(3) + 2.5 * s.powi(2) - 4.0 * s + 2.0;
                vec![
                    (edge(-1.0), far(1.0 + t)),
                    (edge(0.0), near(t)),
                    (edge(1.0), near(1.0 - t)),
                    (edge(2.0), far(2.0 - t)),
                ]
            }
            _ => vec![(edge(0.0), 1.0 - t), (edge(1.0), t)],
        }
    }

    fn weight(&self, t: &SlowTile<'_, T>, g: [i64; 3]) -> f64 {
        let border = |d: usize| {
            let (u, size) = (g[d] as f64 - t.position[d], t.voxels.shape()[d]);
            (size > 1).then(|| u.min((size - 1) as f64 - u) + 1.0)
        };
        let borders = (0..3).filter_map(|d| border(d).map(|b| (d, b)));
        match self.params.blend {
            Blend::Linear | Blend::LinearAdjustMax | Blend::Closest => {
                borders.map(|b| b.1).reduce(f64::min).unwrap_or(1.0)
            }
            Blend::Cosine => borders
                .map(|(d, b)| {
                    let part = (b / (self.ramp[d] + 1.0)).min(1.0);
                    (std::f64::consts::FRAC_PI_2 * part).sin().powi(2)
                })
                .product(),
            _ => 1.0,
        }
    }

    /// Scale of `linear-adjust-max` per voxel of the output.
    fn scales(&self, output: &LayoutRegion) -> Array3<f64> {
        let mut scales = Array3::from_elem(output.shape.map(|n| n as usize), 1.0);
        let boxes: Vec<LayoutRegion> = self.tiles.iter().map(|t| cover(t)).collect();
        for part in partition(&boxes) {
            let (mut input, mut result) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
            for g in voxels(&part.region) {
                for t in &self.tiles {
                    input = input.max(
                        self.sample(t, g).filter(|v| v.is_finite()).unwrap_or(f64::NEG_INFINITY),
                    );
                }
                result = result.max(self.value(g).unwrap_or(f64::NEG_INFINITY));
            }
            let scale = input / result;
            if part.tiles.len() > 1 && result != 0.0 && scale.is_finite() {
                for g in voxels(&part.region) {
                    scales[index(output, g)] = scale;
                }
            }
        }
        scales
    }

    pub fn fuse(&self) -> Array3<T> {
        let output = self.output();
        let scales = match self.params.blend {
            Blend::LinearAdjustMax => self.scales(&output),
            _ => Array3::from_elem(output.shape.map(|n| n as usize), 1.0),
        };
        Array3::from_shape_fn(output.shape.map(|n| n as usize), |(z, y, x)| {
            let g = [z, y, x].map(|i| i as i64);
            let g = std::array::from_fn(|d| output.start[d] + g[d]);
            let value = self.value(g).map_or(self.params.fill, |v| v * scales[[z, y, x]]);
            T::from_f64(value)
        })
    }
}

fn cover<T>(t: &SlowTile<'_, T>) -> LayoutRegion {
    let start = t.position.map(|p| p.ceil() as i64);
    let shape = std::array::from_fn(|d| {
        let last = (t.position[d] + (t.voxels.shape()[d] - 1) as f64).floor() as i64;
        (last + 1 - start[d]).max(0)
    });
    LayoutRegion::new(start, shape)
}

pub fn voxels(region: &LayoutRegion) -> impl Iterator<Item = [i64; 3]> + use<> {
    let (s, e) = (region.start, region.end());
    (s[0]..e[0])
        .flat_map(move |z| (s[1]..e[1]).flat_map(move |y| (s[2]..e[2]).map(move |x| [z, y, x])))
}

pub fn index(output: &LayoutRegion, g: [i64; 3]) -> [usize; 3] {
    std::array::from_fn(|d| (g[d] - output.start[d]) as usize)
}
