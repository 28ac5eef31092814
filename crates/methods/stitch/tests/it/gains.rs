//! Gains of simulated tiles with known gains.

use hooke_stitch::fuse::{FuseParams, FuseTile, fuse_arrays};
use hooke_stitch::gain::{GainParams, TileGain, measure_pair, solve_gains};
use hooke_stitch::tile_pixels::TilesInMemory;
use ndarray::Array3;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A smooth specimen, level about 1000 with contrast of the same size.
fn specimen(g: [f64; 3]) -> f64 {
    let wave = |k: [f64; 3], phase: f64| (k[0] * g[0] + k[1] * g[1] + k[2] * g[2] + phase).sin();
    1000.0
        + 300.0 * wave([0.3, 0.05, 0.07], 0.3)
        + 250.0 * wave([-0.1, 0.11, 0.03], 1.1)
        + 200.0 * wave([0.2, -0.21, 0.17], 2.0)
}

struct Set {
    tiles: Vec<FuseTile>,
    truth: Vec<TileGain>,
    arrays: Vec<Array3<f32>>,
    pairs: Vec<(usize, usize)>,
}

/// 3 x 3 tiles seen with their own gain, offset and noise; some samples masked, some hot.
fn simulate(seed: u64, depth: usize) -> Set {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let shape = [depth, 96, 96];
    let mut set = Set { tiles: vec![], truth: vec![], arrays: vec![], pairs: vec![] };
    for id in 0..9 {
        let mut near = |p: usize| p as f64 * 76.0 + rng.random_range(-2.0..2.0);
        let position = [0.0, near(id / 3), near(id % 3)];
        let seen =
            TileGain { gain: rng.random_range(0.8..1.25), offset: rng.random_range(-60.0..60.0) };
        let array = Array3::from_shape_fn(shape, |(z, y, x)| {
            let u = [z as f64, y as f64, x as f64];
            let v = specimen(std::array::from_fn(|d| position[d] + u[d]));
            let noise: f64 = (0..4).map(|_| rng.random_range(-30.0..30.0)).sum();
            match rng.random_range(0..500) {
                0 => f32::NAN,
                1 => 5000.0,
                _ => (seen.gain * v + seen.offset + noise) as f32,
            }
        });
        set.tiles.push(FuseTile { id, position, shape });
        set.truth.push(seen);
        set.arrays.push(array);
        set.pairs.extend((id % 3 < 2).then_some((id, id + 1)));
        set.pairs.extend((id < 6).then_some((id, id + 3)));
    }
    set
}

#[test]
fn gains_of_simulated_tiles_are_found_to_a_percent() {
    for (seed, depth) in [(1, 12), (2, 12), (3, 1)] {
        let set = simulate(seed, depth);
        let pixels = TilesInMemory { tiles: set.arrays.iter().map(|a| a.view()).collect() };
        let params = GainParams::default();
        let pairs: Vec<_> = set
            .pairs
            .iter()
            .map(|(a, b)| {
                measure_pair(&set.tiles[*a], &set.tiles[*b], &pixels, &params).unwrap().unwrap()
            })
            .collect();
        for p in &pairs {
            let wanted = set.truth[p.post].gain / set.truth[p.pre].gain;
            let error = (p.gain / wanted).ln();
            assert!(error.abs() < 0.02, "{p:?} should have gain {wanted}");
            assert!(error.abs() < 5.0 * p.log_gain_sd, "{p:?} is too sure, off by {error}");
        }
        let ids: Vec<usize> = (0..9).collect();
        let gains = solve_gains(&ids, &pairs, &params).unwrap();
        let mean: f64 = gains.values().map(|g| g.gain.ln()).sum::<f64>() / 9.0;
        assert!(mean.abs() < 1e-9, "the geometric mean of the gains is 1");
        // The common factor and offset are free: compare corrected levels between tiles.
        for level in [600.0, 1000.0, 1400.0] {
            let corrected: Vec<f64> = (0..9)
                .map(|t| {
                    let raw = set.truth[t].gain * level + set.truth[t].offset;
                    gains[&t].gain * raw + gains[&t].offset
                })
                .collect();
            let middle: f64 = corrected.iter().sum::<f64>() / 9.0;
            for (t, v) in corrected.iter().enumerate() {
                let off = (v - middle).abs() / level;
                assert!(off < 0.01, "tile {t}: {v:.1} is {off:.4} off {middle:.1} (set {seed})");
            }
        }
    }
}

#[test]
fn corrected_tiles_fuse_without_a_seam() {
    let set = simulate(4, 4);
    let views: Vec<_> = set.arrays.iter().map(|a| a.view()).collect();
    let pixels = TilesInMemory { tiles: views.clone() };
    let positions: Vec<[f64; 3]> = set.tiles.iter().map(|t| t.position).collect();
    let params = GainParams::default();
    let pairs: Vec<_> = set
        .pairs
        .iter()
        .filter_map(|(a, b)| {
            measure_pair(&set.tiles[*a], &set.tiles[*b], &pixels, &params).unwrap()
        })
        .collect();
    let gains = solve_gains(&(0..9).collect::<Vec<_>>(), &pairs, &params).unwrap();
    // Median error of the fused image against the specimen after its own best line.
    let error = |params: FuseParams| {
        let (fused, start) = fuse_arrays(&views, &positions, params).unwrap();
        let points: Vec<(f64, f64)> = fused
            .indexed_iter()
            .filter(|(_, v)| **v > 0.0 && **v < 3000.0)
            .map(|((z, y, x), v)| {
                let g = [z as i64 + start[0], y as i64 + start[1], x as i64 + start[2]];
                (specimen(g.map(|g| g as f64)), f64::from(*v))
            })
            .collect();
        let n = points.len() as f64;
        let (mx, my) = points.iter().fold((0.0, 0.0), |m, p| (m.0 + p.0 / n, m.1 + p.1 / n));
        let xx: f64 = points.iter().map(|p| (p.0 - mx).powi(2)).sum();
        let xy: f64 = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
        let line = |p: &(f64, f64)| p.1 - my - xy / xx * (p.0 - mx);
        let mut off: Vec<f64> = points.iter().map(|p| line(p).abs()).collect();
        let middle = off.len() / 2;
        *off.select_nth_unstable_by(middle, f64::total_cmp).1
    };
    let (before, after) =
        (error(FuseParams::default()), error(FuseParams { gains, ..FuseParams::default() }));
    assert!(after < 0.35 * before, "residual {before:.1} before and {after:.1} after");
}

#[test]
fn an_overlap_too_small_or_masked_says_nothing() {
    let arrays = [Array3::from_elem([1, 20, 20], 5f32), Array3::from_elem([1, 20, 20], f32::NAN)];
    let tile = |id, x| FuseTile { id, position: [0.0, 0.0, x], shape: [1, 20, 20] };
    let pixels = TilesInMemory { tiles: arrays.iter().map(|a| a.view()).collect() };
    let params = GainParams::default();
    let measure = |a, b| measure_pair(&a, &b, &pixels, &params).unwrap();
    assert_eq!(measure(tile(0, 0.0), tile(0, 20.0)), None);
    assert_eq!(measure(tile(0, 0.0), tile(1, 5.0)), None);
    let flat = measure(tile(0, 0.0), tile(0, 5.0)).unwrap();
    assert_eq!((flat.gain, flat.offset, flat.log_gain_sd), (1.0, 0.0, f64::INFINITY));
    let params = GainParams { min_blocks: 2, ..params };
    assert!(measure_pair(&tile(0, 0.0), &tile(0, 5.0), &pixels, &params).is_err());
}
