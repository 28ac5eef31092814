//! Pictures of tiles and pairs whose colours can be said beforehand.

use hooke_stitch::LayoutRegion;
use hooke_stitch::fuse::FuseTile;
use hooke_stitch::overlay::{
    OverlayError, PairView, TilesView, overlap_window, overlay_pair, overlay_tiles, seam_window,
    union_window,
};
use hooke_stitch::tile_pixels::TilesInMemory;
use ndarray::{Array3, s};

fn texture(g: [i64; 3]) -> f32 {
    let mix = g.iter().fold(0x9E37_79B9u64, |h, v| {
        (h ^ *v as u64).wrapping_mul(0xBF58_476D_1CE4_E5B9).rotate_left(31)
    });
    20.0 + (mix % 251) as f32
}

/// A tile cut out of one texture at a position.
fn cut(position: [i64; 3], shape: [usize; 3]) -> Array3<f32> {
    Array3::from_shape_fn(shape, |(z, y, x)| {
        texture([position[0] + z as i64, position[1] + y as i64, position[2] + x as i64])
    })
}

fn tile(id: usize, position: [i64; 3], shape: [usize; 3]) -> FuseTile {
    FuseTile { id, position: position.map(|p| p as f64), shape }
}

#[test]
fn a_pair_is_grey_where_it_fits_and_coloured_where_it_does_not() {
    let shape = [3, 20, 24];
    let arrays = [cut([0; 3], shape), cut([1, 2, 15], shape)];
    let pixels = TilesInMemory { tiles: arrays.iter().map(|a| a.view()).collect() };
    let (pre, post) = (tile(0, [0; 3], shape), tile(1, [0; 3], shape));
    let truth = [1.0, 2.0, 15.0];
    let window = overlap_window(&pre, &post, truth).unwrap();
    assert_eq!(window, LayoutRegion::new([1, 2, 15], [2, 18, 9]));
    for axis in 0..3 {
        for reduce in [1, 2] {
            let view = PairView { window, axis, reduce, percentile: 100.0 };
            let right = overlay_pair(&pre, &post, truth, &pixels, &view).unwrap();
            let kept: Vec<usize> = (0..3).filter(|d| *d != axis).collect();
            let wanted = |k: usize| (window.shape[kept[k]] as usize).div_ceil(reduce);
            assert_eq!(right.dim(), (wanted(0), wanted(1), 3));
            let grey = |p: &Array3<u8>| {
                p.rows().into_iter().filter(|c| c[0] == c[1] && c[1] == c[2]).count()
            };
            let pixels_in = wanted(0) * wanted(1);
            assert_eq!(grey(&right), pixels_in, "axis {axis}, {reduce} times");
            let wrong = overlay_pair(&pre, &post, [1.0, 3.0, 14.0], &pixels, &view).unwrap();
            assert!(grey(&wrong) < pixels_in / 2, "axis {axis}, {reduce} times");
        }
    }
}

#[test]
fn what_only_one_tile_covers_is_magenta_or_green() {
    let shape = [1, 8, 10];
    let arrays = [cut([0; 3], shape), cut([0, 0, 6], shape)];
    let pixels = TilesInMemory { tiles: arrays.iter().map(|a| a.view()).collect() };
    let (pre, post) = (tile(0, [0; 3], shape), tile(1, [0; 3], shape));
    let displacement = [0.0, 3.0, 6.0];
    let window = union_window(&pre, &post, displacement);
    assert_eq!(window, LayoutRegion::new([0; 3], [1, 11, 16]));
    let view = PairView { window, axis: 0, reduce: 1, percentile: 98.0 };
    let picture = overlay_pair(&pre, &post, displacement, &pixels, &view).unwrap();
    let at = |y: usize, x: usize| picture.slice(s![y, x, ..]).to_vec();
    assert!(at(0, 0)[0] > 0 && at(0, 0)[1] == 0 && at(0, 0)[2] == at(0, 0)[0]);
    assert!(at(10, 15)[1] > 0 && at(10, 15)[0] == 0 && at(10, 15)[2] == 0);
    assert_eq!(at(0, 15), [0, 0, 0]);
}

#[test]
fn a_seam_window_is_a_plane_about_the_middle_of_the_overlap() {
    let shape = [9, 100, 100];
    let (pre, post) = (tile(0, [0; 3], shape), tile(1, [0; 3], shape));
    let window = seam_window(&pre, &post, [1.0, 2.0, 80.0], 0, 50).unwrap();
    // The overlap is z 1..9, y 2..100, x 80..100.
    assert_eq!(window, LayoutRegion::new([5, 26, 65], [1, 50, 50]));
    let whole = seam_window(&pre, &post, [1.0, 2.0, 80.0], 0, 1000).unwrap();
    assert_eq!(whole, LayoutRegion::new([5, 0, 0], [1, 102, 180]));
    assert_eq!(seam_window(&pre, &post, [0.0, 0.0, 100.0], 0, 50), None);
}

#[test]
fn tiles_of_a_row_alternate_and_align_at_reduced_resolution() {
    let shape = [2, 12, 14];
    let positions = [[0, -3, -5], [0, 0, 4], [1, -1, 14]];
    let arrays: Vec<Array3<f32>> = positions.iter().map(|p| cut(*p, shape)).collect();
    let pixels = TilesInMemory { tiles: arrays.iter().map(|a| a.view()).collect() };
    let tiles: Vec<FuseTile> = (0..3).map(|i| tile(i, positions[i], shape)).collect();
    for reduce in [1, 3] {
        let view =
            TilesView { reduce, coordinate: Some(1), percentile: 100.0, ..Default::default() };
        let picture = overlay_tiles(&tiles, &pixels, &view).unwrap();
        let step = reduce as i64;
        assert_eq!(picture.origin, [(-3i64).div_euclid(step), (-5i64).div_euclid(step)]);
        let at = |y: i64, x: i64| {
            let row = (y.div_euclid(step) - picture.origin[0]) as usize;
            let column = (x.div_euclid(step) - picture.origin[1]) as usize;
            picture.rgb.slice(s![row, column, ..]).to_vec()
        };
        // Magenta, green, magenta.
        assert!(at(0, -2)[1] == 0 && at(0, -2)[0] > 0);
        assert!(at(3, 11)[0] == 0 && at(3, 11)[1] > 0);
        assert!(at(3, 25)[1] == 0 && at(3, 25)[2] > 0);
    }
    // The plane z = 0 misses the third tile.
    let view = TilesView { coordinate: Some(0), ..Default::default() };
    assert_eq!(overlay_tiles(&tiles, &pixels, &view).unwrap().rgb.dim(), (15, 23, 3));
    // Without normalising, one scale serves all: a tile at half the level is half as bright.
    let dim: Vec<Array3<f32>> =
        vec![Array3::from_elem(shape, 100.0), Array3::from_elem(shape, 50.0)];
    let pixels = TilesInMemory { tiles: dim.iter().map(|a| a.view()).collect() };
    let tiles = [tile(0, [0; 3], shape), tile(1, [0, 0, 14], shape)];
    let colors = Some(vec![[1.0f32, 1.0, 1.0]]);
    let view = TilesView { normalize: false, colors, ..Default::default() };
    let picture = overlay_tiles(&tiles, &pixels, &view).unwrap().rgb;
    assert_eq!((picture[[0, 0, 0]], picture[[0, 20, 0]]), (255, 128));
}

#[test]
fn impossible_views_are_refused() {
    let pixels = TilesInMemory::<f32> { tiles: vec![] };
    let one = tile(0, [0; 3], [1, 4, 4]);
    let refused = |view: TilesView| overlay_tiles(&[], &pixels, &view).unwrap_err();
    let ok = TilesView::default;
    assert!(matches!(refused(TilesView { axis: 3, ..ok() }), OverlayError::Axis { found: 3 }));
    assert!(matches!(refused(TilesView { reduce: 0, ..ok() }), OverlayError::NotReduced));
    let percentile = f64::NAN;
    assert!(matches!(refused(TilesView { percentile, ..ok() }), OverlayError::Percentile { .. }));
    let colors = Some(vec![]);
    assert!(matches!(refused(TilesView { colors, ..ok() }), OverlayError::NoColor));
    let missing = overlay_tiles(&[one], &pixels, &ok()).unwrap_err();
    assert!(matches!(missing, OverlayError::Tile(_)));
    let far = [Array3::zeros([1, 4, 4]), Array3::zeros([1, 4, 4])];
    let pixels = TilesInMemory { tiles: far.iter().map(|a| a.view()).collect() };
    let tiles = [one, tile(1, [0, 1 << 20, 1 << 20], [1, 4, 4])];
    let large = overlay_tiles(&tiles, &pixels, &ok()).unwrap_err();
    assert!(matches!(large, OverlayError::TooLarge { .. }));
}
