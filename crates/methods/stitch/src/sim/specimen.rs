//! What lies before the camera: spots, filaments and haze, as formulas.

use hooke_core::seed::rng_at;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::TileKind;

/// Edge of the boxes in which the elements are drawn, voxels.
const CELL: f64 = 32.0;
/// Farthest an element's centre lies from the box it was drawn in (length of a filament).
const WANDER: f64 = 40.0;
/// Standard deviations after which a spot ends.
const REACH: f64 = 4.0;
/// Grey level without any specimen.
const BASELINE: f32 = 200.0;
/// Terms of the haze.
const WAVES: usize = 5;

/// A Gaussian spot: a cell body, a granule, or a bead of a filament.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    centre: [f64; 3],
    sigma: [f64; 3],
    height: f32,
}

/// One term of the haze: a product of three cosines.
#[derive(Debug, Clone, Copy)]
struct Wave {
    frequency: [f64; 3],
    phase: [f64; 3],
    height: f32,
}

/// An unbounded specimen that is evaluated where a tile looks.
#[derive(Debug, Clone)]
pub(super) struct Specimen {
    seed: u64,
    flat: bool,
    scale: f32,
    /// Centre and radii of the part that holds specimen; `None` = everywhere.
    body: Option<([f64; 3], [f64; 3])>,
    waves: [Wave; WAVES],
}

impl Specimen {
    pub(super) fn new(kind: TileKind, seed: u64, extent: [f64; 3], flat: bool) -> Specimen {
        let hard = kind == TileKind::Hard;
        let mut rng = rng_at(seed, "tiles.haze", &[]);
        let waves = std::array::from_fn(|_| Wave {
            frequency: std::array::from_fn(|_| {
                std::f64::consts::TAU / (40.0 + 160.0 * rng.random::<f64>())
            }),
            phase: std::array::from_fn(|_| std::f64::consts::TAU * rng.random::<f64>()),
            height: 14.0,
        });
        let centre = extent.map(|e| e / 2.0);
        let radii = [f64::INFINITY, 0.44 * extent[1], 0.44 * extent[2]];
        let scale = if hard { 0.2 } else { 1.0 };
        Specimen { seed, flat, scale, body: hard.then_some((centre, radii)), waves }
    }

    /// The elements that reach into a tile, in a fixed order.
    pub(super) fn elements_in(&self, origin: [f64; 3], shape: [usize; 3]) -> Vec<Element> {
        let range = |d: usize| {
            if self.flat && d == 0 {
                return 0..1;
            }
            let low = ((origin[d] - WANDER) / CELL).floor() as i64;
            let high = ((origin[d] + shape[d] as f64 + WANDER) / CELL).ceil() as i64;
            low..high
        };
        let mut elements = Vec::new();
        for z in range(0) {
            for y in range(1) {
                for x in range(2) {
                    self.draw_cell([z, y, x], &mut elements);
                }
            }
        }
        elements.retain(|e| {
            (0..3).all(|d| {
                let reach = REACH * e.sigma[d];
                (self.flat && d == 0)
                    || (e.centre[d] + reach >= origin[d]
                        && e.centre[d] - reach <= origin[d] + shape[d] as f64)
            })
        });
        elements
    }

    /// Draws the elements whose home is one box.
    fn draw_cell(&self, cell: [i64; 3], out: &mut Vec<Element>) {
        let mut rng = rng_at(self.seed, "tiles.specimen", &cell);
        let (bodies, granules, filaments) = if self.flat { (5, 9, 1) } else { (7, 16, 1) };
        let place = |rng: &mut ChaCha8Rng| -> [f64; 3] {
            std::array::from_fn(|d| (cell[d] as f64 + rng.random::<f64>()) * CELL)
        };
        let exponential = |rng: &mut ChaCha8Rng| -(1.0 - rng.random::<f64>()).ln();
        for _ in 0..bodies {
            let centre = place(&mut rng);
            let sigma = std::array::from_fn(|_| 1.8 + 1.8 * rng.random::<f64>());
            let height = (450.0 * exponential(&mut rng)) as f32;
            self.keep(Element { centre, sigma, height }, out);
        }
        for _ in 0..granules {
            let centre = place(&mut rng);
            let width = 1.1 + 0.5 * rng.random::<f64>();
            let height = (110.0 * exponential(&mut rng)) as f32;
            self.keep(Element { centre, sigma: [width * 1.2, width, width], height }, out);
        }
        for _ in 0..filaments {
            let start = place(&mut rng);
            let height = (60.0 + 100.0 * rng.random::<f64>()) as f32;
            self.draw_filament(start, height, &mut rng, out);
        }
    }

    /// A thread of beads that slowly changes its direction.
    fn draw_filament(
        &self,
        start: [f64; 3],
        height: f32,
        rng: &mut ChaCha8Rng,
        out: &mut Vec<Element>,
    ) {
        let mut turn = || 2.0 * rng.random::<f64>() - 1.0;
        let mut at = start;
        let mut direction = [turn(), turn(), turn()];
        for _ in 0..24 {
            self.keep(Element { centre: at, sigma: [1.5, 1.25, 1.25], height }, out);
            for d in 0..3 {
                direction[d] += 0.35 * turn();
            }
            if self.flat {
                direction[0] = 0.0;
            }
            let norm = direction.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-6);
            for d in 0..3 {
                direction[d] /= norm;
                at[d] += 1.6 * direction[d];
            }
        }
    }

    /// Adds an element, weakened where the body of the specimen ends.
    fn keep(&self, mut element: Element, out: &mut Vec<Element>) {
        element.height *= self.scale * self.inside(element.centre);
        if element.height > 0.05 {
            out.push(element);
        }
    }

    /// 1 well inside the specimen, 0 outside, with a soft edge.
    fn inside(&self, at: [f64; 3]) -> f32 {
        let Some((centre, radii)) = self.body else { return 1.0 };
        let r2: f64 = (0..3).map(|d| ((at[d] - centre[d]) / radii[d]).powi(2)).sum();
        (((1.0 - r2.sqrt()) / 0.12).clamp(0.0, 1.0)) as f32
    }

    /// The light of a box whose first voxel lies at `origin`, into `out` (zeroed, C order).
    pub(super) fn render(
        &self,
        elements: &[Element],
        origin: [f64; 3],
        shape: [usize; 3],
        out: &mut [f32],
    ) {
        self.render_haze(origin, shape, out);
        let mut weights: [Vec<f32>; 3] = Default::default();
        for element in elements {
            add_element(element, origin, shape, self.flat, &mut weights, out);
        }
    }

    fn render_haze(&self, origin: [f64; 3], shape: [usize; 3], out: &mut [f32]) {
        let waves: Vec<[Vec<f32>; 3]> = self
            .waves
            .iter()
            .map(|w| {
                std::array::from_fn(|d| {
                    let at = |i: usize| (origin[d] + i as f64) * w.frequency[d] + w.phase[d];
                    (0..shape[d]).map(|i| at(i).cos() as f32).collect()
                })
            })
            .collect();
        for (i, row) in out.chunks_mut(shape[2]).enumerate() {
            let (z, y) = (i / shape[1], i % shape[1]);
            row.fill(BASELINE);
            for (wave, w) in waves.iter().zip(&self.waves) {
                let height = w.height * self.scale * wave[0][z] * wave[1][y];
                for (value, along) in row.iter_mut().zip(&wave[2]) {
                    *value += height * along;
                }
            }
        }
    }
}

/// Adds one spot to a box; its three factors are computed once per axis.
fn add_element(
    element: &Element,
    origin: [f64; 3],
    shape: [usize; 3],
    flat: bool,
    weights: &mut [Vec<f32>; 3],
    out: &mut [f32],
) {
    let mut low = [0usize; 3];
    for d in 0..3 {
        weights[d].clear();
        if flat && d == 0 {
            weights[d].push(1.0);
            continue;
        }
        let local = element.centre[d] - origin[d];
        let reach = REACH * element.sigma[d];
        let first = (local - reach).ceil().max(0.0);
        let last = (local + reach).floor().min(shape[d] as f64 - 1.0);
        if last < first {
            return;
        }
        low[d] = first as usize;
        let scale = -0.5 / (element.sigma[d] * element.sigma[d]);
        weights[d].extend(
            (first as usize..=last as usize)
                .map(|i| (scale * (i as f64 - local).powi(2)).exp() as f32),
        );
    }
    let [wz, wy, wx] = weights;
    for (z, wz) in wz.iter().enumerate() {
        for (y, wy) in wy.iter().enumerate() {
            let start = ((low[0] + z) * shape[1] + low[1] + y) * shape[2] + low[2];
            let height = element.height * wz * wy;
            for (value, wx) in out[start..start + wx.len()].iter_mut().zip(wx.iter()) {
                *value += height * wx;
            }
        }
    }
}
