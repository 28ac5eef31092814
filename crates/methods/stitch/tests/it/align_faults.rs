//! Tiles and windows that cannot give an answer, or only a doubtful one.

use hooke_core::seed::rng_at;
use hooke_stitch::align::{
    AlignError, AlignParams, Background, Correction, Search, SignalCount, align_layout,
};
use hooke_stitch::layout::PairStatus;
use hooke_stitch::sim::TileKind;
use hooke_stitch::tile_pixels::{TileError, TilePixels, TilesInMemory};
use ndarray::{Array2, Array3};
use rand::RngExt;

use super::align_sets::{Set, small, window};

fn noise(shape: [usize; 3], seed: u64) -> Array3<f32> {
    let mut rng = rng_at(seed, "noise tile", &[]);
    Array3::from_shape_simple_fn(shape, || 200.0 + 40.0 * rng.random::<f32>())
}

fn codes(layout: &hooke_stitch::Layout) -> Vec<(String, [usize; 2])> {
    layout.warnings.iter().map(|w| (w.code.clone(), w.pair.unwrap())).collect()
}

#[test]
fn empty_and_noise_tiles_have_no_signal_and_harm_nobody() {
    let mut set = Set::new(small(TileKind::Subpixel, 301));
    for replacement in [Array3::from_elem([20, 128, 128], 100.0), noise([20, 128, 128], 1)] {
        set.tiles[3] = replacement;
        let aligned = set.align(&window(12));
        for pair in &aligned.pairs {
            if pair.post == 3 {
                assert_eq!(pair.status, PairStatus::NoSignal, "{pair:?}");
                assert!(pair.quality.is_none() && pair.displacement_px[1].is_nan());
            } else {
                let error = set.link_error(pair);
                assert!(error.iter().all(|e| e.abs() < 0.05), "{error:?}");
            }
        }
        let expected = [("no_signal".to_string(), [1, 3]), ("no_signal".to_string(), [2, 3])];
        assert_eq!(codes(&aligned), expected);
    }
}

#[test]
fn pairs_of_pure_noise_are_hardly_ever_measured() {
    let mut set = Set::new(small(TileKind::Easy, 302));
    let mut measured = 0;
    for round in 0..10 {
        for (i, tile) in set.tiles.iter_mut().enumerate() {
            *tile = noise([20, 128, 128], 10 * round + i as u64);
        }
        let aligned = set.align(&window(8));
        measured += aligned.pairs.iter().filter(|p| p.status == PairStatus::Measured).count();
    }
    assert!(measured <= 1, "{measured} of 40 pairs of noise were measured");
}

#[test]
fn constant_tiles_have_no_signal() {
    let mut set = Set::new(small(TileKind::Easy, 303));
    set.tiles.iter_mut().for_each(|t| t.fill(7.0));
    let aligned = set.align(&window(8));
    assert!(aligned.pairs.iter().all(|p| p.status == PairStatus::NoSignal));
}

#[test]
fn unknown_voxels_are_left_out() {
    let mut set = Set::new(small(TileKind::Subpixel, 304));
    let plain = set.align(&window(12));
    for (i, tile) in set.tiles.iter_mut().enumerate() {
        let x = if i % 2 == 0 { 110 } else { 20 };
        tile.slice_mut(ndarray::s![4..7, 30..50, x..x + 3]).fill(f32::NAN);
        tile[[9, 100, x]] = f32::INFINITY;
    }
    let aligned = set.align(&window(12));
    for (pair, plain) in aligned.pairs.iter().zip(&plain.pairs) {
        assert_eq!(pair.status, PairStatus::Measured, "{pair:?}");
        let (error, sd) = (set.link_error(pair), pair.sd_px.unwrap());
        assert!((0..3).all(|d| error[d].abs() < 4.0 * sd[d]), "{error:?} {sd:?}");
        assert!((0..3).all(|d| sd[d] < 0.15), "{sd:?}");
        assert!((pair.quality.unwrap() - plain.quality.unwrap()).abs() < 0.05);
    }
    set.tiles[0].fill(f32::NAN);
    let aligned = set.align(&window(12));
    assert_eq!(aligned.pairs[0].status, PairStatus::NoSignal);
}

struct Broken<'a>(TilesInMemory<'a, f32>);

impl TilePixels<f32> for Broken<'_> {
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<f32>,
    ) -> Result<(), TileError> {
        if tile == 2 {
            return Err(TileError { tile, source: "truncated strip".into() });
        }
        self.0.read(tile, start, shape, out)
    }
}

#[test]
fn an_unreadable_tile_leaves_its_pairs_unread_and_is_named() {
    let set = Set::new(small(TileKind::Easy, 305));
    let mut layout = set.layout.clone();
    let pixels = Broken(TilesInMemory { tiles: set.tiles.iter().map(|t| t.view()).collect() });
    align_layout(&mut layout, &pixels, &window(12), &Correction::default(), &()).unwrap();
    for pair in &layout.pairs {
        let unread = pair.pre == 2 || pair.post == 2;
        let wanted = if unread { PairStatus::Unread } else { PairStatus::Measured };
        assert_eq!(pair.status, wanted);
    }
    assert_eq!(layout.warnings.len(), 2);
    assert!(layout.warnings.iter().all(|w| w.tile == Some(2) && w.message.contains("truncated")));
}

#[test]
fn the_window_is_exact_and_its_end_is_warned_about() {
    let set = Set::new(small(TileKind::Easy, 306));
    let wide = set.align(&window(12));
    let pair = wide.pairs.iter().find(|p| p.shift_px[1].abs() > 2.5).unwrap();
    let sign = pair.shift_px[1].signum();
    let limit = pair.shift_px[1].abs().round() as i64 - 1;
    let mut params = window(12);
    params.max_shift[1] = if sign > 0.0 { [-12, limit] } else { [-limit, 12] };
    let narrow = set.align(&params);
    let same = narrow.pairs.iter().find(|p| (p.pre, p.post) == (pair.pre, pair.post)).unwrap();
    assert!(same.shift_px[1] * sign <= limit as f64 + 1e-9, "{:?}", same.shift_px);
    let edge = ("window_edge".to_string(), [pair.pre, pair.post]);
    assert!(codes(&narrow).contains(&edge), "{:?}", narrow.warnings);
    // At the very end of the window the truth is found, and doubted.
    params.max_shift[1] = if sign > 0.0 { [-12, limit + 1] } else { [-limit - 1, 12] };
    let exact = set.align(&params);
    let same = exact.pairs.iter().find(|p| (p.pre, p.post) == (pair.pre, pair.post)).unwrap();
    assert!((same.shift_px[1] - pair.shift_px[1]).abs() < 0.05);
    assert!(codes(&exact).contains(&edge));
}

#[test]
fn a_window_that_is_too_small_is_said_to_be() {
    let set = Set::new(small(TileKind::Easy, 306));
    let wide = set.align(&window(12));
    let mut params = window(12);
    let truth = wide.pairs[0].shift_px[2] as i64;
    params.max_shift[2] = [truth + 8, truth + 32];
    let aligned = set.align(&params);
    let pair = [wide.pairs[0].pre, wide.pairs[0].post];
    let found =
        aligned.warnings.iter().find(|w| w.code == "window_too_small" && w.pair == Some(pair));
    assert!(found.is_some_and(|w| w.message.contains("--max-shift")), "{:?}", aligned.warnings);
    assert!(wide.warnings.is_empty(), "{:?}", wide.warnings);
}

#[test]
fn tiles_that_cannot_meet_have_no_overlap() {
    let mut set = Set::new(small(TileKind::Easy, 307));
    for tile in &mut set.layout.tiles {
        tile.nominal_px.0[2] *= 2.0;
    }
    let aligned = set.align(&window(12));
    for pair in &aligned.pairs {
        let along_x = pair.axis.as_deref() == Some("x");
        assert_eq!(pair.status == PairStatus::NoOverlap, along_x);
        assert_eq!(pair.reason.is_some(), along_x);
    }
    assert!(aligned.warnings.is_empty());
}

#[test]
fn a_search_by_overlap_finds_tiles_far_from_their_nominal_place() {
    let mut set = Set::new(small(TileKind::Subpixel, 308));
    for tile in &mut set.layout.tiles {
        // The stage says 50 px more overlap than there is.
        let grid = tile.grid.unwrap();
        tile.nominal_px.0[1] -= 50.0 * grid.y as f64;
        tile.nominal_px.0[2] -= 50.0 * grid.x as f64;
    }
    let params = AlignParams { search: Search::Tiling { overlap_range: [20, 60] }, ..window(12) };
    for pair in &set.align(&params).pairs {
        let error = set.link_error(pair);
        assert!(error.iter().all(|e| e.abs() < 0.05), "{pair:?}");
    }
    let gap = AlignParams { search: Search::Tiling { overlap_range: [-20, -5] }, ..window(12) };
    assert!(set.align(&gap).pairs.iter().all(|p| p.status == PairStatus::NoOverlap));
}

#[test]
fn one_axis_is_measured_and_the_others_keep_their_place() {
    let set = Set::new(small(TileKind::Subpixel, 309));
    let params = AlignParams { axis: Some(hooke_core::Axis::Y), ..window(12) };
    for pair in &set.align(&params).pairs {
        assert_eq!((pair.shift_px[0], pair.shift_px[2]), (0.0, 0.0));
        assert!(set.link_error(pair)[1].abs() < 0.05);
        let sd = pair.sd_px.unwrap();
        assert!(sd[0].is_nan() && sd[1] > 0.0 && sd[2].is_nan());
    }
}

#[test]
fn a_background_level_decides_what_is_signal() {
    let set = Set::new(small(TileKind::Easy, 310));
    let with = |level, at_least| AlignParams {
        background: Some(Background { level, at_least }),
        ..window(12)
    };
    let all =
        |params: &AlignParams, status| set.align(params).pairs.iter().all(|p| p.status == status);
    assert!(all(&with(60_000.0, SignalCount::Voxels(1)), PairStatus::NoSignal));
    assert!(all(&with(250.0, SignalCount::Fraction(0.9)), PairStatus::NoSignal));
    assert!(all(&with(250.0, SignalCount::Voxels(100)), PairStatus::Measured));
}

#[test]
fn dark_and_flat_images_undo_what_the_camera_did() {
    let mut set = Set::new(small(TileKind::Subpixel, 311));
    let plain = set.align(&window(12));
    let dark = Array2::from_shape_fn([128, 128], |(y, x)| ((y * 7 + x * 13) % 50) as f32);
    let flat =
        Array2::from_shape_fn([128, 128], |(y, x)| 0.6 + 0.003 * (y as f32) + 0.001 * x as f32);
    for tile in &mut set.tiles {
        for mut plane in tile.outer_iter_mut() {
            plane *= &flat;
            plane += &dark;
        }
    }
    let correction = Correction { dark: Some(dark), flat: Some(flat) };
    let corrected = set.align_with(&window(12), &correction);
    let difference = super::align_sets::largest_difference(&plain, &corrected);
    assert!(difference < 0.002, "{difference}");
    let wrong = Correction { dark: Some(Array2::zeros([3, 4])), flat: None };
    let pixels = TilesInMemory { tiles: set.tiles.iter().map(|t| t.view()).collect() };
    let error = align_layout(&mut set.layout, &pixels, &window(12), &wrong, &()).unwrap_err();
    assert!(matches!(error, AlignError::CorrectionShape { what: "dark", found: [3, 4], .. }));
}

#[test]
fn a_range_restricts_what_is_looked_at() {
    let mut set = Set::new(small(TileKind::Subpixel, 312));
    // Outside the range the tiles lie about their specimen.
    for (i, tile) in set.tiles.iter_mut().enumerate() {
        tile.slice_mut(ndarray::s![12.., .., ..]).assign(&noise([8, 128, 128], i as u64));
    }
    let mut params = window(6);
    params.range[0] = Some([0, 11]);
    for pair in &set.align(&params).pairs {
        assert_eq!(pair.status, PairStatus::Measured);
        let error = set.link_error(pair);
        assert!(error.iter().all(|e| e.abs() < 0.1), "{error:?}");
    }
}
