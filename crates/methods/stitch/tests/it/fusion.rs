//! Fusion against its definition, and against itself in blocks.

use hooke_core::{Dtype, Sample, dispatch};
use hooke_stitch::fuse::{
    AdjustMax, Blend, FuseError, FuseParams, FusePlan, FuseScratch, FuseTile, Interpolation,
    Shading, fuse_arrays, fuse_block,
};
use hooke_stitch::gain::TileGain;
use hooke_stitch::regions::partition;
use hooke_stitch::tile_pixels::TilesInMemory;
use hooke_stitch::{LayoutRegion, TileError, TilePixels};
use ndarray::{Array2, Array3, ArrayView3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::slow_fusion::Slow;

const INTERPOLATIONS: [Interpolation; 3] =
    [Interpolation::Nearest, Interpolation::Linear, Interpolation::Cubic];

/// How the positions of a made-up set lie.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Integer,
    Fractional,
    Mixed,
}

/// Tiles and positions that overlap, leave gaps and reach below 0.
fn tiles<T: Sample>(seed: u64, two_d: bool, kind: Kind) -> (Vec<Array3<T>>, Vec<[f64; 3]>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = rng.random_range(2..6);
    (0..count)
        .map(|i| {
            let depth = if two_d { 1 } else { rng.random_range(2..7) };
            let shape = [depth, rng.random_range(2..12), rng.random_range(3..14)];
            let position = std::array::from_fn(|d| {
                let p: f64 = rng.random_range(-9.0..9.0);
                match kind {
                    _ if d == 0 && two_d => 0.0,
                    Kind::Integer => p.round(),
                    Kind::Fractional => p,
                    Kind::Mixed if (i + d) % 2 == 0 => p.round() + 0.0004,
                    Kind::Mixed => p,
                }
            });
            (random(&mut rng, shape), position)
        })
        .unzip()
}

fn random<T: Sample>(rng: &mut ChaCha8Rng, shape: [usize; 3]) -> Array3<T> {
    let low = if T::DTYPE.is_signed() { -100.0 } else { 0.0 };
    let high = if T::DTYPE.size() == 1 { 120.0 } else { 30_000.0 };
    Array3::from_shape_simple_fn(shape, || {
        let v = T::from_f64(rng.random_range(low..high));
        let masked = T::DTYPE.is_float() && rng.random_range(0..12) == 0;
        if masked { T::from_f64([f64::NAN, f64::INFINITY][rng.random_range(0..2)]) } else { v }
    })
}

fn views<T>(arrays: &[Array3<T>]) -> Vec<ArrayView3<'_, T>> {
    arrays.iter().map(|a| a.view()).collect()
}

/// Integers: at most one grey level, and only rarely, where rounding meets a tie; floats: 1e-6.
fn assert_close<T: Sample>(found: &Array3<T>, wanted: &Array3<T>, exact: bool, what: &str) {
    assert_eq!(found.shape(), wanted.shape(), "{what}");
    let mut off = 0;
    for ((at, a), b) in found.indexed_iter().zip(wanted) {
        let (a, b): (f64, f64) = (a.to_f64(), b.to_f64());
        let bound: f64 = match T::DTYPE {
            _ if exact => 0.0,
            Dtype::Float32 => 1e-6 * b.abs().max(1.0),
            Dtype::Float64 => 1e-12 * b.abs().max(1e3),
            _ => 1.0,
        };
        assert!((a - b).abs() <= bound || a == b, "{what} at {at:?}: {a} is not {b}");
        off += usize::from(a != b);
    }
    let limit = if T::DTYPE.is_float() { usize::MAX } else { found.len() / 200 };
    assert!(off <= limit, "{what}: {off} of {} voxels are off by one", found.len());
}

fn compare<T: Sample>(seed: u64) {
    let cosine_ramp = [2.0, 3.0, 4.5];
    for (n, kind) in [Kind::Integer, Kind::Fractional, Kind::Mixed].into_iter().enumerate() {
        for two_d in [false, true] {
            let (arrays, positions) = tiles::<T>(seed * 10 + n as u64, two_d, kind);
            for (blend, interpolation) in
                Blend::ALL.into_iter().flat_map(|b| INTERPOLATIONS.into_iter().map(move |i| (b, i)))
            {
                let params = FuseParams {
                    blend,
                    interpolation,
                    fill: 7.0,
                    ramp: Some(cosine_ramp),
                    ..FuseParams::default()
                };
                let slow = Slow::new(&arrays, &positions, &params, cosine_ramp);
                let (fused, start) =
                    fuse_arrays(&views(&arrays), &positions, params.clone()).unwrap();
                assert_eq!(start, slow.output().start);
                let what = format!("{} {blend:?} {interpolation:?} {kind:?} 2-D {two_d}", T::DTYPE);
                let copies = matches!(
                    blend,
                    Blend::Max | Blend::Min | Blend::First | Blend::Last | Blend::Closest
                );
                let exact = copies
                    && (interpolation == Interpolation::Nearest || matches!(kind, Kind::Integer));
                assert_close(&fused, &slow.fuse(), exact, &what);
            }
        }
    }
}

#[test]
fn every_blend_and_interpolation_of_every_type_is_as_defined() {
    for dtype in Dtype::ALL {
        for seed in 0..3 {
            dispatch!(dtype, T => compare::<T>(seed));
        }
    }
}

#[test]
fn gains_and_shading_are_applied_before_blending() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let arrays: Vec<Array3<u16>> = (0..3).map(|_| random(&mut rng, [3, 8, 9])).collect();
    let positions = [[0.0, 0.0, 0.0], [1.0, 4.0, 2.0], [0.4, -3.7, 5.0]];
    let flat = Array2::from_shape_simple_fn([8, 9], || rng.random_range(0.5f32..2.0));
    let dark = Array2::from_shape_simple_fn([8, 9], || rng.random_range(0.0f32..90.0));
    for blend in Blend::ALL {
        let params = FuseParams {
            blend,
            gains: [(1, TileGain { gain: 1.25, offset: -300.0 })].into(),
            // Fortran order in: the order in memory must not matter.
            shading: Some(Shading {
                flat: Some(flat.t().as_standard_layout().into_owned().reversed_axes()),
                dark: Some(dark.clone()),
            }),
            ramp: Some([0.0, 4.0, 4.0]),
            ..FuseParams::default()
        };
        let slow = Slow::new(&arrays, &positions, &params, [0.0, 4.0, 4.0]).fuse();
        let (fused, _) = fuse_arrays(&views(&arrays), &positions, params).unwrap();
        assert_close(&fused, &slow, false, &format!("{blend:?}"));
    }
}

/// Fuses block by block and puts the blocks together.
fn in_blocks<T: Sample>(
    plan: &FusePlan,
    pixels: &dyn TilePixels<T>,
    block: [i64; 3],
    scratch: &mut FuseScratch<T>,
) -> Array3<T> {
    let output = plan.output();
    let mut whole = Array3::from_elem(output.shape.map(|n| n as usize), T::default());
    for region in blocks(&output, block) {
        let mut out = vec![T::default(); region.voxels() as usize];
        fuse_block(plan, &region, pixels, scratch, &mut out).unwrap();
        let part = region.to_local(output.start);
        let [z, y, x] = [0, 1, 2].map(|d| part.start[d] as isize..part.end()[d] as isize);
        let out = Array3::from_shape_vec(region.shape.map(|n| n as usize), out).unwrap();
        whole.slice_mut(ndarray::s![z, y, x]).assign(&out);
    }
    whole
}

fn blocks(output: &LayoutRegion, step: [i64; 3]) -> Vec<LayoutRegion> {
    let starts = |d: usize| (0..output.shape[d]).step_by(step[d] as usize);
    let at = |d: usize, n: i64| (output.start[d] + n, step[d].min(output.shape[d] - n));
    starts(0)
        .flat_map(|z| starts(1).flat_map(move |y| starts(2).map(move |x| [z, y, x])))
        .map(|b| {
            let axes: [(i64, i64); 3] = std::array::from_fn(|d| at(d, b[d]));
            LayoutRegion::new(axes.map(|a| a.0), axes.map(|a| a.1))
        })
        .collect()
}

fn bits<T: Sample>(array: &Array3<T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    T::extend_le(array.as_slice().unwrap(), &mut bytes);
    bytes
}

fn blocks_do_not_show<T: Sample>(blend: Blend, interpolation: Interpolation) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    // Wider than the longest row of the inner loops, deeper than one block of 16.
    let shapes = [[19, 9, 700], [20, 12, 650], [4, 30, 31], [3, 5, 4]];
    let arrays: Vec<Array3<T>> = shapes.iter().map(|s| random(&mut rng, *s)).collect();
    let positions =
        [[-3.0, 0.0, -20.0], [0.2, 4.6, 311.3], [1.0, -9.75, 600.0], [21.0, 3.5, 100.25]];
    let params = FuseParams { blend, interpolation, fill: 3.0, ..FuseParams::default() };
    let (whole, _) = fuse_arrays(&views(&arrays), &positions, params.clone()).unwrap();
    let specs: Vec<FuseTile> =
        (0..4).map(|id| FuseTile { id, position: positions[id], shape: shapes[id] }).collect();
    let pixels = TilesInMemory { tiles: views(&arrays) };
    let mut plan = FusePlan::new(&specs, params.clone()).unwrap();
    let mut scratch = FuseScratch::default();
    if blend == Blend::LinearAdjustMax {
        let covers: Vec<LayoutRegion> = plan.covers().map(|c| c.1).collect();
        let mut maxima = AdjustMax::new(partition(&covers).into_iter().map(|r| r.region).collect());
        for block in blocks(&plan.output(), [7, 16, 100]).iter().rev() {
            let found = maxima.measure_block(&plan, block, &pixels, &mut scratch).unwrap();
            maxima.merge(&found);
        }
        plan = plan.with_maxima(maxima);
    }
    let what = format!("{} {blend:?} {interpolation:?}", T::DTYPE);
    for size in [16, 64, 256] {
        let fused = in_blocks(&plan, &pixels, [size; 3], &mut scratch);
        assert!(bits(&fused) == bits(&whole), "{what}: blocks of {size} differ");
    }
    let most = blocks(&plan.output(), [5, 7, 11]).iter().map(|b| plan.scratch_bytes(b, 2)).max();
    assert_eq!(Some(plan.largest_scratch_bytes([5, 7, 11], 2)), most);
    let fused = in_blocks(&plan, &pixels, [5, 7, 11], &mut scratch);
    assert!(bits(&fused) == bits(&whole), "{what}: blocks of 5x7x11 differ");
    for threads in [1, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (fused, _) =
            pool.install(|| fuse_arrays(&views(&arrays), &positions, params.clone())).unwrap();
        assert!(bits(&fused) == bits(&whole), "{what}: {threads} threads differ");
    }
}

#[test]
fn neither_blocks_nor_threads_show_in_the_result() {
    for blend in Blend::ALL {
        blocks_do_not_show::<u16>(blend, Interpolation::Linear);
    }
    blocks_do_not_show::<f32>(Blend::Cosine, Interpolation::Cubic);
    blocks_do_not_show::<f32>(Blend::Closest, Interpolation::Linear);
    blocks_do_not_show::<i64>(Blend::Mean, Interpolation::Nearest);
}

#[test]
fn a_constant_stays_constant_under_every_blend() {
    let arrays = [Array3::from_elem([4, 9, 10], 60_001u16), Array3::from_elem([5, 8, 12], 60_001)];
    let floats = arrays.clone().map(|a| a.mapv(|v| f32::from(v) + 0.1));
    for position in [[1.0, 5.0, 4.0], [0.3, 5.21, 3.77], [-1.5, -4.0, 2.5]] {
        let positions = [[0.0; 3], position];
        for blend in Blend::ALL {
            for interpolation in INTERPOLATIONS {
                // 60,001 outside as well, so that gaps do not count.
                let params =
                    FuseParams { blend, interpolation, fill: 60_001.0, ..FuseParams::default() };
                let (fused, _) = fuse_arrays(&views(&arrays), &positions, params.clone()).unwrap();
                assert!(fused.iter().all(|v| *v == 60_001), "{blend:?} {interpolation:?}");
                let fill = f64::from(60_001f32 + 0.1);
                let params = FuseParams { fill, ..params };
                let (fused, _) = fuse_arrays(&views(&floats), &positions, params).unwrap();
                assert!(fused.iter().all(|v| *v == 60_001f32 + 0.1), "{blend:?} {interpolation:?}");
            }
        }
    }
}

#[test]
fn selections_of_64_bit_integers_are_exact() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut array =
        || Array3::from_shape_simple_fn([2, 6, 7], || rng.random_range(i64::MIN..i64::MAX));
    let arrays = [array(), array()];
    let positions = [[0.0; 3], [0.0, 2.0, 3.0]];
    for blend in [Blend::Max, Blend::Min, Blend::First, Blend::Last, Blend::Closest] {
        let params = FuseParams { blend, ..FuseParams::default() };
        let (fused, _) = fuse_arrays(&views(&arrays), &positions, params).unwrap();
        for ((z, y, x), v) in fused.indexed_iter() {
            let a = arrays[0].get([z, y, x]).copied();
            let b = y.checked_sub(2).zip(x.checked_sub(3));
            let b = b.and_then(|(y, x)| arrays[1].get([z, y, x])).copied();
            let near = |y: usize, x: usize| (z.min(1 - z)).min(y.min(5 - y)).min(x.min(6 - x));
            let wanted = match (a, b) {
                (Some(a), Some(b)) => match blend {
                    Blend::Max => a.max(b),
                    Blend::Min => a.min(b),
                    Blend::First => a,
                    Blend::Last => b,
                    _ if near(y - 2, x - 3) > near(y, x) => b,
                    _ => a,
                },
                (one, other) => one.or(other).unwrap_or(0),
            };
            assert_eq!(*v, wanted, "{blend:?} at {z} {y} {x}");
        }
    }
}

#[test]
fn a_lone_tile_is_copied_with_its_masked_samples_filled() {
    let mut tile = Array3::from_shape_fn([1, 3, 4], |(_, y, x)| 0.1 + (y * 4 + x) as f32);
    tile[[0, 1, 1]] = f32::NAN;
    let params = FuseParams { fill: -5.0, ..FuseParams::default() };
    let (fused, start) = fuse_arrays(&[tile.view()], &[[0.0, -7.0, 3.0005]], params).unwrap();
    assert_eq!(start, [0, -7, 3]);
    tile[[0, 1, 1]] = -5.0;
    assert_eq!(fused, tile);
}

#[test]
fn ten_thousand_tiles_are_found_per_block_and_only_their_boxes_are_read() {
    struct Far;
    impl TilePixels<u16> for Far {
        fn read(
            &self,
            tile: usize,
            start: [usize; 3],
            shape: [usize; 3],
            out: &mut Vec<u16>,
        ) -> Result<(), TileError> {
            assert!((0..3).all(|d| start[d] + shape[d] <= 1000));
            out.resize(shape.iter().product(), tile as u16);
            Ok(())
        }
    }
    let specs: Vec<FuseTile> = (0..10_000)
        .map(|id| {
            let position = [0.0, (id / 100) as f64 * 900.5, (id % 100) as f64 * 900.5];
            FuseTile { id, position, shape: [1000; 3] }
        })
        .collect();
    let plan = FusePlan::new(&specs, FuseParams::default()).unwrap();
    assert_eq!(plan.output().shape, [1000, 90_149, 90_149]);
    let block = LayoutRegion::new([500, 45_000, 890], [4, 64, 64]);
    assert_eq!(plan.tiles_in(&block), [4900, 4901, 5000, 5001]);
    // 65 rows of the upper tiles (one more for interpolation), 39 of the lower; 64 and 54 columns.
    let voxels = 4 * (65 + 39) * (64 + 54);
    let bytes = plan.scratch_bytes(&block, 2);
    assert!((voxels * 2..voxels * 2 + 32_000).contains(&bytes), "{bytes} bytes");
    let mut out = vec![0u16; block.voxels() as usize];
    fuse_block(&plan, &block, &Far, &mut FuseScratch::default(), &mut out).unwrap();
    // Alone at x = 890; at x = 953 the weights are 47 and 53.5.
    assert_eq!((out[0], out[63]), (4900, 4901));
}

#[test]
fn impossible_tiles_and_parameters_are_named() {
    let tile = FuseTile { id: 4, position: [0.0; 3], shape: [1, 2, 2] };
    let plan = |tiles: &[FuseTile], params| FusePlan::new(tiles, params);
    let ok = FuseParams::default;
    assert!(matches!(plan(&[], ok()), Err(FuseError::NoTiles)));
    assert!(matches!(plan(&[tile, tile], ok()), Err(FuseError::DuplicateId { id: 4 })));
    let flat = FuseTile { shape: [0, 1, 1], ..tile };
    assert!(matches!(plan(&[flat], ok()), Err(FuseError::Shape { id: 4, .. })));
    let lost = FuseTile { position: [f64::NAN, 0.0, 0.0], ..tile };
    assert!(matches!(plan(&[lost], ok()), Err(FuseError::Position { id: 4, .. })));
    let params = FuseParams { ramp: Some([-1.0, 0.0, 0.0]), ..ok() };
    assert!(matches!(plan(&[tile], params), Err(FuseError::Ramp { .. })));
    let gains = [(4, TileGain { gain: 0.0, offset: 0.0 })].into();
    assert!(matches!(plan(&[tile], FuseParams { gains, ..ok() }), Err(FuseError::Gain { .. })));
    let shading = |flat| Some(Shading { flat: Some(flat), dark: None });
    let params = FuseParams { shading: shading(Array2::zeros([2, 2])), ..ok() };
    assert!(matches!(plan(&[tile], params), Err(FuseError::Shading { image: "flat", .. })));
    let params = FuseParams { shading: shading(Array2::ones([3, 2])), ..ok() };
    assert!(matches!(plan(&[tile], params), Err(FuseError::ShadingShape { tile: 4, .. })));
    let params = FuseParams { blend: Blend::LinearAdjustMax, ..ok() };
    let pixels = TilesInMemory::<u8> { tiles: vec![] };
    let (region, mut scratch) = (LayoutRegion::new([0; 3], [1; 3]), FuseScratch::default());
    let adjust = plan(&[tile], params).unwrap();
    let found = fuse_block(&adjust, &region, &pixels, &mut scratch, &mut [0]);
    assert!(matches!(found, Err(FuseError::MaximaMissing)));
    let linear = plan(&[tile], ok()).unwrap();
    let found = fuse_block(&linear, &region, &pixels, &mut scratch, &mut [0; 2]);
    assert!(matches!(found, Err(FuseError::OutputLength { expected: 1, found: 2 })));
    let found = fuse_block(&linear, &region, &pixels, &mut scratch, &mut [0]);
    assert!(matches!(found, Err(FuseError::Tile(_))));
}
