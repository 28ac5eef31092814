//! Any box, any block, any number of threads: the same answer.

use std::sync::atomic::{AtomicUsize, Ordering};

use hooke_core::{LayoutRegion, Sample, TileError, TilePixels};
use hooke_tileset::Placement;
use hooke_tileset::centroids::{
    CentroidScratch, Intensity, LabelMoments, add_block, centroids, label_paste, weighted_centroids,
};
use hooke_tileset::dedup::{DedupParams, JointHistogram, dedup, joint_histogram, shared_boxes};
use hooke_tileset::paste::{Blend, Paste, PasteParams, PasteScratch, Zeros, paste};
use hooke_tileset::percentile::{CalibrateMethod, CalibrateParams, calibrate};
use hooke_tileset::sim::LabelSimParams;
use hooke_tileset::slice::{SliceOverlap, slice};
use hooke_tileset::surface::{From, Threshold, contact_surface};
use ndarray::Array3;

use crate::dedup_truth::simulated;
use crate::kit::{close, placed, shapes, views};

fn in_pool<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon_pool(threads).install(work)
}

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// Tiles of noise with zeros, NaN where the type has it, at places that overlap.
fn noise_set<T: Sample>(seed: u64) -> (Placement, Vec<Array3<T>>) {
    let starts = [[0, 0, 0], [1, 3, 5], [0, 9, 2], [2, 4, 11], [0, 30, 30]];
    let dims = [[4, 10, 12], [3, 11, 7], [5, 6, 9], [2, 12, 10], [1, 3, 4]];
    let tiles: Vec<Array3<T>> = dims
        .iter()
        .enumerate()
        .map(|(i, d)| {
            Array3::from_shape_fn(*d, |(z, y, x)| {
                let h = hash(seed, [i, z, y, x]);
                match h % 5 {
                    0 => T::default(),
                    1 if T::DTYPE.is_float() => T::from_f64(f64::NAN),
                    _ => T::from_f64(
                        (h >> 8) as u32 as f64 % 250.0
                            - if T::DTYPE.is_signed() { 125.0 } else { 0.0 },
                    ),
                }
            })
        })
        .collect();
    (placed(&starts, &tiles), tiles)
}

fn hash(seed: u64, at: [usize; 4]) -> u64 {
    at.iter().fold(seed, |h, n| {
        (h ^ *n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) ^ (h >> 7)
    })
}

/// The mosaic, voxel by voxel, straight from its definition.
fn by_definition<T: Sample>(
    placement: &Placement,
    tiles: &[Array3<T>],
    params: &PasteParams,
) -> Array3<T> {
    let order = params.order.clone().unwrap_or_else(|| (0..tiles.len()).collect());
    let shape = placement.volume_shape().map(|n| n as usize);
    Array3::from_shape_fn(shape, |(z, y, x)| {
        let at = [z as i64, y as i64, x as i64];
        let covering = order.iter().filter(|t| placement.tile(**t).contains(at));
        let values: Vec<T> = covering
            .map(|t| {
                let start = placement.tile(*t).start;
                tiles[*t][[0, 1, 2].map(|d| (at[d] - start[d]) as usize)]
            })
            .collect();
        let zero = T::default();
        let shown: Vec<T> = match params.zeros {
            Zeros::Transparent => values.iter().copied().filter(|v| *v != zero).collect(),
            Zeros::Opaque => values.clone(),
        };
        let numbers = shown.iter().copied().filter(|v| !v.is_nan());
        match params.blend {
            Blend::Last => shown.last().copied().unwrap_or_default(),
            Blend::First => shown.first().copied().unwrap_or_default(),
            Blend::Max => {
                let largest = numbers.reduce(|a, b| if b > a { b } else { a });
                let nothing = match params.zeros {
                    Zeros::Opaque => shown.first().copied(),
                    Zeros::Transparent => None,
                };
                largest.or(nothing).unwrap_or_default()
            }
            Blend::Mean if values.len() == 1 => values[0],
            Blend::Mean => {
                let sum: f64 = values.iter().map(|v| v.to_f64()).sum();
                if values.is_empty() { zero } else { T::from_f64(sum / values.len() as f64) }
            }
        }
    })
}

fn bits<T: Sample>(values: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    T::extend_le(values, &mut bytes);
    bytes
}

fn check_paste<T: Sample>() {
    let (placement, tiles) = noise_set::<T>(5);
    let memory = views(&tiles);
    for blend in [Blend::Last, Blend::First, Blend::Max, Blend::Mean] {
        for zeros in [Zeros::Transparent, Zeros::Opaque] {
            for order in [None, Some(vec![2, 0, 4, 1, 3])] {
                let params = PasteParams { blend, zeros, order };
                let whole = paste(&placement, &memory, &params).unwrap();
                let wanted = by_definition(&placement, &tiles, &params);
                let same =
                    whole.iter().zip(&wanted).all(|(a, b)| a == b || a.is_nan() && b.is_nan());
                assert!(same, "{params:?} {:?}", T::DTYPE);
                let rule = Paste::new(&placement, &params).unwrap();
                let mut scratch = PasteScratch::default();
                for step in [[1, 7, 5], [2, 40, 3], [5, 5, 40]] {
                    let mosaic = placement.volume_shape().map(|n| n as i64);
                    for z in (0..mosaic[0]).step_by(step[0]) {
                        for y in (0..mosaic[1]).step_by(step[1]) {
                            for x in (0..mosaic[2]).step_by(step[2]) {
                                let start = [z, y, x];
                                let shape = std::array::from_fn(|d| {
                                    (step[d] as i64).min(mosaic[d] - start[d])
                                });
                                let region = LayoutRegion::new(start, shape);
                                // Old values in the buffer must not show.
                                let mut out = vec![T::from_f64(77.0); region.voxels() as usize];
                                rule.fill(&region, &memory, &mut scratch, &mut out).unwrap();
                                let range =
                                    |d: usize| start[d] as usize..(start[d] + shape[d]) as usize;
                                let part: Vec<T> = whole
                                    .slice(ndarray::s![range(0), range(1), range(2)])
                                    .iter()
                                    .copied()
                                    .collect();
                                assert_eq!(bits(&out), bits(&part));
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn any_box_of_the_mosaic_is_that_box_of_the_whole_for_every_type() {
    check_paste::<u8>();
    check_paste::<u16>();
    check_paste::<u64>();
    check_paste::<i16>();
    check_paste::<f32>();
    check_paste::<f64>();
}

#[test]
fn boxes_outside_and_wrong_orders_are_refused() {
    let (placement, tiles) = noise_set::<u8>(1);
    let rule = Paste::new(&placement, &PasteParams::default()).unwrap();
    let fill = |start, shape, n: usize| {
        let region = LayoutRegion::new(start, shape);
        rule.fill(&region, &views(&tiles), &mut PasteScratch::default(), &mut vec![0u8; n])
    };
    assert!(fill([0, 0, 0], [1, 2, 2], 4).is_ok());
    assert!(fill([0, 0, 0], [1, 2, 2], 5).is_err());
    assert!(fill([-1, 0, 0], [1, 2, 2], 4).is_err());
    assert!(fill([0, 0, 33], [1, 2, 2], 4).is_err());
    for order in [vec![0, 1], vec![0, 1, 2, 3, 3], vec![0, 1, 2, 3, 5], vec![]] {
        let params = PasteParams { order: Some(order), ..PasteParams::default() };
        assert!(Paste::new(&placement, &params).is_err());
    }
}

#[test]
fn a_plane_is_that_plane_of_the_mean_mosaic() {
    let (placement, mut tiles) = noise_set::<f32>(9);
    tiles.iter_mut().for_each(|t| t.mapv_inplace(|v| if v.is_nan() { 3.5 } else { v }));
    let mean = PasteParams { blend: Blend::Mean, ..PasteParams::default() };
    let volume = paste(&placement, &views(&tiles), &mean).unwrap();
    for z in 0..placement.volume_shape()[0] as i64 {
        let plane = slice(&placement, &views(&tiles), z, SliceOverlap::Mean, 1).unwrap();
        assert!(plane == volume.index_axis(ndarray::Axis(0), z as usize));
        let small = slice(&placement, &views(&tiles), z, SliceOverlap::Mean, 4).unwrap();
        let (height, width) = plane.dim();
        assert_eq!(small.dim(), (height.div_ceil(4), width.div_ceil(4)));
        for ((y, x), value) in small.indexed_iter() {
            let window = plane
                .slice(ndarray::s![4 * y..(4 * y + 4).min(height), 4 * x..(4 * x + 4).min(width)]);
            let mean = window.iter().map(|v| f64::from(*v)).sum::<f64>() / window.len() as f64;
            assert!(close(f64::from(*value), mean, 1e-6));
        }
    }
    assert!(slice(&placement, &views(&tiles), -1, SliceOverlap::Max, 1).is_err());
    assert!(slice(&placement, &views(&tiles), 5, SliceOverlap::Last, 1).is_err());
    assert!(slice(&placement, &views(&tiles), 0, SliceOverlap::Last, 0).is_err());
}

#[test]
fn threads_do_not_show() {
    let params = LabelSimParams { border_jitter: 1.0, objects: 500, ..LabelSimParams::default() };
    let (sim, tiles) = simulated(&params);
    let placement = sim.placement().unwrap();
    let image: Vec<Array3<f32>> = tiles
        .iter()
        .enumerate()
        .map(|(i, t)| {
            Array3::from_shape_fn(t.dim(), |(z, y, x)| {
                1e-3 * (hash(3, [i, z, y, x]) % 100_000) as f32
            })
        })
        .collect();
    let run = |threads| {
        in_pool(threads, || {
            let memory = views(&tiles);
            let found = dedup(&placement, &memory, &DedupParams::default()).unwrap();
            let intensity = views(&image);
            let weighted = weighted_centroids(
                &placement,
                &memory,
                &Intensity::Tiles(&intensity),
                &PasteParams::default(),
            );
            let scale =
                calibrate(&shapes(&image), &intensity, &CalibrateParams::default()).unwrap();
            let surface =
                contact_surface(&intensity, shapes(&image)[0], From::Top, &Threshold::default(), 2);
            let surface = surface.unwrap();
            (found, weighted.unwrap(), scale, surface.index, surface.threshold)
        })
    };
    let one = run(1);
    for threads in [2, 3] {
        assert!(one == run(threads), "{threads} threads");
    }
}

#[test]
fn blocks_of_a_box_and_of_the_mosaic_do_not_show() {
    let (sim, tiles) = simulated(&LabelSimParams::default());
    let (placement, memory) = (sim.placement().unwrap(), views(&tiles));
    for shared in shared_boxes(&placement, false).iter().take(4) {
        let whole = joint_histogram(shared, &memory).unwrap().pairs();
        for rows in [1, 3, 50] {
            let mut parts = JointHistogram::default();
            for block in LayoutRegion::new([0; 3], shared.shape).slabs(rows) {
                let read = |tile, start| {
                    let local = block.to_layout(start);
                    let mut out = Vec::new();
                    let to = |v: [i64; 3]| v.map(|n| n as usize);
                    memory.read(tile, to(local.start), to(local.shape), &mut out).unwrap();
                    out
                };
                let mut part = JointHistogram::default();
                let (a, b) =
                    (read(shared.tile_a, shared.start_a), read(shared.tile_b, shared.start_b));
                part.add([shared.tile_a, shared.tile_b], &a, &b).unwrap();
                parts.merge(part);
            }
            assert_eq!(parts.pairs(), whole);
        }
    }
    let params = PasteParams::default();
    let whole = centroids(&placement, &memory, &params).unwrap();
    let rule = label_paste::<u64>(&placement, &params).unwrap();
    let mut moments = LabelMoments::default();
    let mut scratch = CentroidScratch::<u64, u8>::default();
    for x in (0..placement.volume_shape()[2] as i64).step_by(37) {
        let mut region = placement.mosaic();
        (region.start[2], region.shape[2]) = (x, 37.min(region.shape[2] - x));
        let mut part = LabelMoments::default();
        add_block(&rule, &placement, &region, &memory, None, &mut scratch, &mut part).unwrap();
        moments.merge(part);
    }
    assert_eq!(moments.rows(), whole);
    assert!(label_paste::<f32>(&placement, &params).is_err());
    let mean = PasteParams { blend: Blend::Mean, ..params };
    assert!(label_paste::<u64>(&placement, &mean).is_err());
}

#[test]
fn weighted_centroids_are_those_of_the_mosaics() {
    let (sim, tiles) =
        simulated(&LabelSimParams { border_jitter: 1.5, ..LabelSimParams::default() });
    let placement = sim.placement().unwrap();
    let image: Vec<Array3<u16>> = tiles
        .iter()
        .enumerate()
        .map(|(i, t)| {
            Array3::from_shape_fn(t.dim(), |(z, y, x)| (hash(8, [i, z, y, x]) % 5000) as u16)
        })
        .collect();
    let params = PasteParams::default();
    let labels = paste(&placement, &views(&tiles), &params).unwrap();
    // The image's mosaic by the owner of each label.
    let mut standing = Array3::<u16>::zeros(labels.dim());
    for (tile, (own, image)) in tiles.iter().zip(&image).enumerate() {
        let start = placement.tile(tile).start.map(|n| n as usize);
        for ((z, y, x), label) in own.indexed_iter() {
            if *label > 0 {
                standing[[z + start[0], y + start[1], x + start[2]]] = image[[z, y, x]];
            }
        }
    }
    let own = views(&image);
    let found =
        weighted_centroids(&placement, &views(&tiles), &Intensity::Tiles(&own), &params).unwrap();
    let mosaic = [standing.clone()];
    let mosaic = views(&mosaic);
    let same = weighted_centroids(&placement, &views(&tiles), &Intensity::Mosaic(&mosaic), &params)
        .unwrap();
    assert_eq!(found, same);
    for centroid in found.iter().step_by(17) {
        let (mut n, mut weight, mut sums) = (0.0, 0.0, [0.0; 3]);
        for (((z, y, x), label), value) in labels.indexed_iter().zip(&standing) {
            if *label == centroid.label {
                n += 1.0;
                weight += f64::from(*value);
                [z, y, x]
                    .iter()
                    .zip(&mut sums)
                    .for_each(|(c, s)| *s += *c as f64 * f64::from(*value));
            }
        }
        let weighted = centroid.weighted.unwrap();
        assert!(close(weighted.mean_intensity, weight / n, 1e-12));
        assert!((0..3).all(|d| close(weighted.centre[d], sums[d] / weight, 1e-12)));
    }
}

#[test]
fn weights_that_are_no_numbers_count_as_nothing() {
    let labels = [ndarray::array![[[4u8, 4, 4, 9]]]];
    let weights = [ndarray::array![[[1.0f32, f32::NAN, 3.0, 0.0]]]];
    let placement = placed(&[[0; 3]], &labels);
    let weights = views(&weights);
    let found = weighted_centroids(
        &placement,
        &views(&labels),
        &Intensity::Tiles(&weights),
        &PasteParams::default(),
    )
    .unwrap();
    let first = found[0].weighted.unwrap();
    assert_eq!((first.mean_intensity, first.centre), (4.0 / 3.0, [0.0, 0.0, 1.5]));
    assert!(found[1].weighted.unwrap().centre[2].is_nan());
}

/// Counts the voxels read.
struct Counting<'a, T> {
    tiles: &'a dyn TilePixels<T>,
    voxels: AtomicUsize,
    largest: AtomicUsize,
}

impl<T: Sync> TilePixels<T> for Counting<'_, T> {
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<T>,
    ) -> Result<(), TileError> {
        let n = shape.iter().product();
        self.voxels.fetch_add(n, Ordering::Relaxed);
        self.largest.fetch_max(n, Ordering::Relaxed);
        self.tiles.read(tile, start, shape, out)
    }
}

#[test]
fn only_overlaps_are_read_for_matching_and_blocks_stay_small() {
    let tiles = vec![Array3::<u8>::zeros((40, 300, 300)); 3];
    let placement = placed(&[[0, 0, 0], [0, 0, 280], [0, 0, 560]], &tiles);
    let memory = views(&tiles);
    let counting =
        Counting { tiles: &memory, voxels: AtomicUsize::new(0), largest: AtomicUsize::new(0) };
    dedup(&placement, &counting, &DedupParams::default()).unwrap();
    let (tile, overlap) = (40 * 300 * 300, 40 * 300 * 20);
    assert_eq!(counting.voxels.into_inner(), 3 * tile + 2 * 2 * overlap);
    assert!(counting.largest.into_inner() <= 300 * 1000);
}

#[test]
fn scales_of_tiles_without_values_are_empty_and_of_none_an_error() {
    let tiles = [
        Array3::<f32>::from_elem((1, 2, 2), f32::NAN),
        Array3::zeros((1, 2, 2)),
        Array3::from_elem((1, 1, 2), 4.0),
    ];
    let params = CalibrateParams { ignore_zeros: true, ..CalibrateParams::default() };
    let found = calibrate(&shapes(&tiles), &views(&tiles), &params).unwrap();
    assert_eq!((found.low, found.high, found.n_voxels), (4.0, 4.0, 2));
    assert_eq!(
        (found.tiles[0].low, found.tiles[1].mean, found.tiles[2].mean),
        (None, None, Some(4.0))
    );
    let mean = CalibrateParams { method: CalibrateMethod::MeanOfTiles, ..params };
    assert_eq!(calibrate(&shapes(&tiles), &views(&tiles), &mean).unwrap().high, 4.0);
    assert!(calibrate(&shapes(&tiles[..2]), &views(&tiles[..2]), &params).is_err());
    assert!(calibrate(&shapes(&tiles[..2]), &views(&tiles[..2]), &mean).is_err());
    let inverted = CalibrateParams { low: 99.0, high: 1.0, ..params };
    assert!(calibrate(&shapes(&tiles), &views(&tiles), &inverted).is_err());
}

#[test]
fn saturation_is_told_for_integers() {
    let tiles = [ndarray::array![[[0u16, 65535, 65535, 7]]]];
    let found = calibrate(&shapes(&tiles), &views(&tiles), &CalibrateParams::default()).unwrap();
    let tile = found.tiles[0];
    assert_eq!(
        (tile.saturated_fraction, tile.min, tile.max),
        (Some(0.5), Some(0.0), Some(65535.0))
    );
    assert_eq!(tile.mean, Some((2.0 * 65535.0 + 7.0) / 4.0));
    let tiles = [ndarray::array![[[-5i32, i32::MAX, 3]]]];
    let found = calibrate(&shapes(&tiles), &views(&tiles), &CalibrateParams::default()).unwrap();
    assert_eq!(found.tiles[0].saturated_fraction, Some(1.0 / 3.0));
    let tiles = [ndarray::array![[[1.0f32]]]];
    let found = calibrate(&shapes(&tiles), &views(&tiles), &CalibrateParams::default()).unwrap();
    assert_eq!(found.tiles[0].saturated_fraction, None);
}

#[test]
fn a_surface_may_use_a_threshold_per_column_and_knows_no_contact() {
    let image = [Array3::from_shape_fn((4, 2, 3), |(z, y, x)| {
        if (y, x) == (1, 2) { 0.0 } else { z as f32 + x as f32 }
    })];
    let shape = shapes(&image)[0];
    let thresholds = ndarray::array![[0.5, 0.5, 10.0], [-1.0, 2.5, 0.0]];
    let found =
        contact_surface(&views(&image), shape, From::Bottom, &Threshold::Image(thresholds), 0)
            .unwrap();
    assert_eq!(found.index, ndarray::array![[1, 0, -1], [0, 2, -1]]);
    assert!(found.intensity[[0, 2]].is_nan());
    assert_eq!(found.intensity[[1, 1]], 3.0);
    let wide = contact_surface(&views(&image), shape, From::Top, &Threshold::Value(5.5), 1);
    assert_eq!(wide.unwrap().index, ndarray::array![[-1, -1, -1], [-1, -1, -1]]);
    let wide =
        contact_surface(&views(&image), shape, From::Top, &Threshold::Value(4.5), 1).unwrap();
    assert_eq!(wide.index, ndarray::array![[-1, 3, 3], [-1, 3, 3]]);
    assert_eq!(wide.intensity[[1, 2]], 0.0);
    let bad = Threshold::Image(ndarray::array![[1.0]]);
    assert!(contact_surface(&views(&image), shape, From::Top, &bad, 1).is_err());
    assert!(
        contact_surface(&views(&image), [0, 2, 3], From::Top, &Threshold::default(), 1).is_err()
    );
}
