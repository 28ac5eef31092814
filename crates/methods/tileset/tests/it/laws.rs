//! Laws of placement, points, percentiles and scales, on generated input.

use hooke_core::{LayoutRegion, Sample};
use hooke_tileset::overlap::{islands, pairs};
use hooke_tileset::percentile::{CalibrateParams, calibrate, percentiles};
use hooke_tileset::placement::{Place, Placement, TileGeometry};
use hooke_tileset::points::{to_global, to_local};
use hooke_tileset::scale::{Rounding, Scale};
use hooke_tileset::surface::{From, Threshold, contact_surface};
use ndarray::Array3;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::kit::{shapes, views};

fn geometry() -> impl Strategy<Value = Vec<TileGeometry>> {
    let position = vec(-60.0..60.0f64, 3);
    let shape = vec(1..30u64, 3);
    let tile = (position, shape).prop_map(|(p, s)| TileGeometry {
        position_px: [p[0], p[1], p[2]],
        shape: [s[0], s[1], s[2]],
    });
    vec(tile, 1..25)
}

/// numpy's percentile of values that are all there.
fn numpy<T: Sample>(values: &[T], percent: f64) -> f64 {
    let mut sorted: Vec<f64> = values.iter().map(|v| v.to_f64()).filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() - 1) as f64 * (percent / 100.0);
    let (below, t) = (place.floor() as usize, place - place.floor());
    let (a, b) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    if a == b {
        a
    } else if t >= 0.5 {
        b - (b - a) * (1.0 - t)
    } else {
        a + (b - a) * t
    }
}

fn same_percentiles<T: Sample>(values: &[T], percents: &[f64], cut: usize) {
    let cut = cut.min(values.len());
    let found = percentiles(&[&values[..cut], &values[cut..]], percents).unwrap();
    let numbers = values.iter().filter(|v| !v.is_nan()).count();
    match found {
        None => assert_eq!(numbers, 0),
        Some(found) => {
            for (found, percent) in found.iter().zip(percents) {
                assert_eq!(*found, numpy(values, *percent), "{percent} of {values:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn the_sweep_finds_the_pairs_of_all_pairs(tiles in geometry(), down: bool) {
        let place = if down { Place::Down } else { Place::Nearest };
        let Ok(placement) = Placement::new(&tiles, place) else { return Ok(()) };
        let boxes = placement.tiles();
        let mut wanted = Vec::new();
        for a in 0..boxes.len() {
            for b in a + 1..boxes.len() {
                if let Some(region) = boxes[a].intersect(&boxes[b]) {
                    wanted.push((a, b, region));
                }
            }
        }
        let found: Vec<(usize, usize, LayoutRegion)> =
            pairs(&placement).iter().map(|p| (p.tile_a, p.tile_b, p.region)).collect();
        prop_assert_eq!(&found, &wanted);
        let mut islands: Vec<usize> = islands(&placement).concat();
        islands.sort();
        prop_assert!(islands.into_iter().eq(0..boxes.len()));
        for (tile, geometry) in boxes.iter().zip(&tiles) {
            let exact: [f64; 3] =
                std::array::from_fn(|d| geometry.position_px[d] - placement.origin_px()[d]);
            for d in 0..3 {
                let error = exact[d] - tile.start[d] as f64;
                let bound = if down { -1e-6..1.0 } else { -0.500001..0.500001 };
                prop_assert!(bound.contains(&error), "{} is not at {}", exact[d], tile.start[d]);
                prop_assert!(tile.end()[d] as u64 <= placement.volume_shape()[d]);
            }
        }
    }

    #[test]
    fn points_come_back_from_the_sample(
        tiles in geometry(),
        parts in vec((0.0..1.0f64, 0.0..1.0f64, 0.0..1.0f64), 1..10),
        keep: bool,
    ) {
        let voxel = [2.0, 0.25, 0.5];
        let positions: Vec<[f64; 3]> = tiles.iter().map(|t| t.position_px).collect();
        let shapes: Vec<[u64; 3]> = tiles.iter().map(|t| t.shape).collect();
        let local: Vec<(i64, [f64; 3])> = parts.iter().enumerate().map(|(i, p)| {
            let tile = i % tiles.len();
            let part = [p.0, p.1, p.2];
            let at = |d: usize| part[d] * (shapes[tile][d] - 1) as f64 * voxel[d];
            (tile as i64, std::array::from_fn(at))
        }).collect();
        let global = to_global(&local, &positions, keep).unwrap();
        let back = to_local(&global, &positions, &shapes, voxel, keep).unwrap();
        for (point, (tile, local)) in local.iter().enumerate() {
            let found = back.iter().find(|b| {
                b.point == point && b.place.is_some_and(|p| p.0 as i64 == *tile)
            });
            let place = found.and_then(|f| f.place).unwrap().1;
            prop_assert!((0..3).all(|d| (place[d] - local[d]).abs() < 1e-9));
        }
    }

    #[test]
    fn percentiles_are_numpys_for_every_type(
        raw in vec(any::<u64>(), 1..200),
        percents in vec(0.0..=100.0f64, 1..4),
        cut in 0..200usize,
    ) {
        same_percentiles(&raw, &percents, cut);
        same_percentiles(&raw.iter().map(|v| *v as u8).collect::<Vec<_>>(), &percents, cut);
        same_percentiles(&raw.iter().map(|v| *v as i8).collect::<Vec<_>>(), &percents, cut);
        same_percentiles(&raw.iter().map(|v| *v as i16).collect::<Vec<_>>(), &percents, cut);
        same_percentiles(&raw.iter().map(|v| *v as u16).collect::<Vec<_>>(), &percents, cut);
        same_percentiles(&raw.iter().map(|v| *v as i32).collect::<Vec<_>>(), &percents, cut);
        same_percentiles(&raw.iter().map(|v| *v as u32).collect::<Vec<_>>(), &percents, cut);
        same_percentiles(&raw.iter().map(|v| *v as i64).collect::<Vec<_>>(), &percents, cut);
        let floats: Vec<f32> = raw.iter().map(|v| f32::from_bits(*v as u32)).collect();
        let finite: Vec<f32> = floats.into_iter().filter(|v| !v.is_infinite()).collect();
        same_percentiles(&finite, &percents, cut);
        let close: Vec<f64> = raw.iter().map(|v| (*v % 97) as f64 * 1e-3 - 0.04).collect();
        same_percentiles(&close, &percents, cut);
    }

    #[test]
    fn a_scale_is_numpys_of_the_tiles_together(
        a in vec(any::<u16>(), 6), b in vec(any::<u16>(), 20), low in 0.0..50.0f64, up in 0.1..50.0f64,
    ) {
        let tiles = [
            Array3::from_shape_vec((1, 2, 3), a.clone()).unwrap(),
            Array3::from_shape_vec((2, 2, 5), b.clone()).unwrap(),
        ];
        let params = CalibrateParams { low, high: low + up, ..CalibrateParams::default() };
        let found = calibrate(&shapes(&tiles), &views(&tiles), &params).unwrap();
        let all = [a.clone(), b].concat();
        prop_assert_eq!(found.low, numpy(&all, low));
        prop_assert_eq!(found.high, numpy(&all, low + up));
        prop_assert_eq!(found.tiles[0].low, Some(numpy(&a, low)));
        let wide = tiles.map(|t| t.mapv(|v| f64::from(v) / 7.0));
        let found = calibrate(&shapes(&wide), &views(&wide), &params).unwrap();
        prop_assert_eq!(found.low, numpy(&all.iter().map(|v| f64::from(*v) / 7.0).collect::<Vec<_>>(), low));
        let mean = a.iter().map(|v| f64::from(*v) / 7.0).sum::<f64>() / 6.0;
        prop_assert!((found.tiles[0].mean.unwrap() - mean).abs() < 1e-9 * mean.max(1.0));
    }

    #[test]
    fn scaled_values_keep_their_order_and_range(mut values in vec(any::<i32>(), 2..50), low in -1e6..1e6f64, width in 1e-3..1e9f64) {
        values.sort();
        let scale = Scale::new(low, low + width, Rounding::Nearest).unwrap();
        let mut out = vec![0u8; values.len()];
        scale.apply(&values, &mut out).unwrap();
        prop_assert!(out.windows(2).all(|o| o[0] <= o[1]));
        for (value, out) in values.iter().zip(&out) {
            let exact = ((f64::from(*value) - low) * 255.0 / width).clamp(0.0, 255.0);
            prop_assert!((f64::from(*out) - exact).abs() <= 0.5);
        }
    }

    #[test]
    fn a_surface_from_below_is_that_from_above_upside_down(
        values in vec(0u8..9, 5 * 4 * 6), reach in 0..3usize, threshold in 0.0..9.0f64,
    ) {
        let image = Array3::from_shape_vec((5, 4, 6), values).unwrap();
        let mut turned = image.clone();
        turned.invert_axis(ndarray::Axis(0));
        let (image, turned) = ([image], [turned.as_standard_layout().to_owned()]);
        let shape = [5, 4, 6];
        for threshold in [Threshold::Value(threshold), Threshold::default()] {
            let up = contact_surface(&views(&image), shape, From::Bottom, &threshold, reach).unwrap();
            let down = contact_surface(&views(&turned), shape, From::Top, &threshold, reach).unwrap();
            let back = down.index.mapv(|i| if i < 0 { -1 } else { 4 - i });
            prop_assert_eq!(&up.index, &back);
            // By definition: the first plane with something bright within reach.
            for ((y, x), index) in up.index.indexed_iter() {
                let bright = |z: &usize| {
                    let near = |a: usize, n: usize| a.saturating_sub(reach)..(a + reach + 1).min(n);
                    near(y, 4).any(|v| near(x, 6).any(|u| {
                        f64::from(image[0][[*z, v, u]]) > up.threshold[[v, u]]
                    }))
                };
                prop_assert_eq!(*index, (0..5).find(bright).map_or(-1, |z| z as i32));
            }
        }
    }
}
