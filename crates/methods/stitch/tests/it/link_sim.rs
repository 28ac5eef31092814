//! Simulated links with known truth, without images.

use hooke_core::seed::rng_at;
use hooke_stitch::layout::{Grid, Layout, Matrix3, Pair, Tile};
use hooke_stitch::score::{TrueTile, Truth};
use rand::RngExt;
use rand_distr::{Distribution, Normal};

pub struct LinkSim {
    pub grid: [usize; 3],
    pub step: [f64; 3],
    pub jitter: [f64; 3],
    /// Range of the links' true standard deviations.
    pub sd: [f64; 2],
    /// Blocks that the reported covariance is estimated from; 0 reports the true one.
    pub blocks: usize,
    pub wrong_share: f64,
    pub wrong_px: f64,
    /// Every link is noise.
    pub noise: bool,
    pub seed: u64,
}

impl Default for LinkSim {
    fn default() -> LinkSim {
        LinkSim {
            grid: [1, 10, 10],
            step: [30.0, 450.0, 450.0],
            jitter: [8.0; 3],
            sd: [0.03, 0.1],
            blocks: 8,
            wrong_share: 0.0,
            wrong_px: 40.0,
            noise: false,
            seed: 1,
        }
    }
}

pub fn name(id: usize) -> String {
    format!("tile_{id}")
}

impl LinkSim {
    /// A layout with measured pairs, and its truth with the wrong pairs listed.
    pub fn make(&self) -> (Layout, Truth) {
        let [nz, ny, nx] = self.grid;
        let (mut tiles, mut truth) = (Vec::new(), Vec::new());
        for id in 0..nz * ny * nx {
            let grid = [id / (ny * nx), id / nx % ny, id % nx];
            let mut rng = rng_at(self.seed, "tile", &[id as i64]);
            let nominal: [f64; 3] = std::array::from_fn(|d| grid[d] as f64 * self.step[d]);
            let position =
                std::array::from_fn(|d| nominal[d] + self.jitter[d] * rng.random_range(-1.0..1.0));
            let shape = [64, 512, 512];
            let mut tile = Tile::new(id, name(id), shape, nominal);
            tile.grid = Some(Grid::new(grid.map(|g| g as i64)));
            tiles.push(tile);
            truth.push(TrueTile { name: name(id), grid: Vec::new(), nominal: None, position });
        }
        let mut layout = Layout::new(tiles);
        let mut wrong = Vec::new();
        for link in layout.grid_links() {
            let mut rng = rng_at(self.seed, "link", &[link.pre as i64, link.post as i64]);
            let (a, b) = (truth[link.pre].position, truth[link.post].position);
            let (mut d, mut variance) = ([0.0; 3], [0.0; 3]);
            let sd = self.sd[0] + (self.sd[1] - self.sd[0]) * rng.random::<f64>();
            for k in 0..3 {
                let normal = Normal::new(0.0, sd).unwrap();
                d[k] = b[k] - a[k] + normal.sample(&mut rng);
                let n = self.blocks as f64;
                variance[k] = sd * sd;
                if self.blocks > 0 {
                    let draws: Vec<f64> =
                        (0..self.blocks).map(|_| normal.sample(&mut rng)).collect();
                    let mean = draws.iter().sum::<f64>() / n;
                    variance[k] = draws.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
                }
            }
            if self.noise || rng.random::<f64>() < self.wrong_share {
                wrong.push([name(link.pre), name(link.post)]);
                d = d.map(|v| v + self.wrong_px * rng.random_range(-1.0..1.0));
            }
            let ncc =
                if self.noise { rng.random_range(0.02..0.12) } else { rng.random_range(0.5..0.95) };
            let mut pair = Pair::new(link.pre, link.post, d, Some(ncc));
            pair.axis = Some(link.axis.letter().to_string());
            pair.ncc = Some(ncc);
            pair.covariance_px2 = Some(Matrix3(std::array::from_fn(|i| {
                std::array::from_fn(|j| if i == j { variance[i] } else { 0.0 })
            })));
            pair.sd_px = Some(variance.map(f64::sqrt).into());
            pair.p_false = Some(if self.noise { rng.random() } else { 1e-6 });
            layout.pairs.push(pair);
        }
        layout.refresh_shifts();
        (layout, Truth { tiles: truth, wrong_pairs: Some(wrong), ..Truth::default() })
    }
}
