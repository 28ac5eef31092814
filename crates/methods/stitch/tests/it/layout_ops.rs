//! What can be done with a layout, and what it refuses.

use hooke_core::Axis;
use hooke_core::meta::Origin;
use hooke_stitch::layout::{
    Grid, GridTile, Layout, LayoutError, LayoutVoxelSize, MinQuality, Pair, SliceAt, SortKey, Tile,
    TileSource,
};
use hooke_stitch::region::LayoutRegion;
use hooke_stitch::regions::partition;
use proptest::prelude::*;

/// A 2x3 grid of 4x20x16 tiles, overlap 4, all face neighbours linked.
fn grid_2x3() -> Layout {
    let tiles = (0..6).map(|k| GridTile {
        name: format!("t{k}"),
        source: TileSource { path: format!("t{k}.tif"), ..TileSource::default() },
        grid: Grid::new([0, 5 + k / 3, k % 3]),
        shape: [4, 20, 16],
    });
    let mut layout = Layout::tiled(tiles.collect(), &[4]).unwrap();
    for link in layout.grid_links() {
        layout.pairs.push(Pair::new(link.pre, link.post, [0.0; 3], Some(0.9)));
    }
    layout.pairs_from_positions().unwrap();
    layout
}

#[test]
fn text_is_deterministic_and_keeps_unknown_keys_and_nulls() {
    let text = r#"{"format":"hooke.layout","axes":["z","y","x"],
        "tiles":[{"id":3,"source":{"path":"a.tif","etag":"x"},"shape":[1,8,8],"nominal_px":[0,1,2],"colour":[1,2]},
                 {"id":7,"source":{"path":"b.tif"},"shape":[1,8,8],"nominal_px":[0,1,8]}],
        "pairs":[{"pre":3,"post":7,"displacement_px":[0,null,6.5],"quality":null,"status":"no_signal","note":1}],
        "islands":[{"id":0,"tiles":[3],"fixed_tile":3,"placed_by":"links","lab":"A"}],
        "lab":{"name":"B"}}"#;
    let layout = Layout::from_json(text).unwrap();
    assert!(layout.pairs[0].displacement_px[1].is_nan());
    let once = layout.to_json();
    let again = Layout::from_json(&once).unwrap().to_json();
    assert_eq!(once, again);
    for kept in [
        r#""etag":"x""#,
        r#""colour":[1,2]"#,
        r#""note":1"#,
        r#""lab":"A""#,
        r#""lab":{"name":"B"}"#,
    ] {
        assert!(once.contains(kept), "{kept} in {once}");
    }
    assert!(once.contains(r#""displacement_px":[0.0,null,6.5]"#), "{once}");
    assert!(!once.contains("NaN"));
    assert_eq!(once.lines().filter(|l| l.starts_with("  {")).count(), 4, "{once}");
}

#[test]
fn what_cannot_be_used_is_refused_with_its_values() {
    let good = grid_2x3();
    let says = |change: &dyn Fn(&mut Layout)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad.validate().unwrap_err().to_string()
    };
    assert!(says(&|l| l.format = "other".into()).contains("`other`"));
    assert!(says(&|l| l.version = 2).contains("version 2"));
    assert!(says(&|l| l.axes.reverse()).contains(r#"["x", "y", "z"]"#));
    assert!(says(&|l| l.tiles[4].id = 2).contains("tile id 2"));
    assert!(says(&|l| l.tiles[4].shape[1] = 0).contains("[4, 0, 16]"));
    assert!(says(&|l| l.tiles[4].shape[1] = u64::MAX).contains("2^40"));
    assert!(says(&|l| l.tiles[1].nominal_px.0[2] = f64::NAN).contains("tile 1 has the nominal_px"));
    assert!(
        says(&|l| l.tiles[1].position_px = Some([1e300, 0.0, 0.0].into())).contains("position_px")
    );
    let unknown = says(&|l| l.pairs[2].post = 99);
    assert!(unknown.contains("(2, 99)") && unknown.contains("tile 99"), "{unknown}");
    assert!(says(&|l| l.pairs[0].pre = l.pairs[0].post).contains("smaller id first"));
    assert!(says(&|l| l.pairs[0].axis = Some("q".into())).contains("`q`"));
    assert!(says(&|l| l.tiles[1].grid = l.tiles[0].grid).contains("tiles 0 and 1"));
    let size = LayoutVoxelSize { z: 0.0, y: 1.0, x: 1.0, origin: Origin::User };
    assert!(says(&|l| l.voxel_size_um = Some(size)).contains("not positive"));
    assert!(Layout::from_json("{").unwrap_err().to_string().contains("line 1"));
}

#[test]
fn lookups_find_tiles_and_pairs_or_nothing() {
    let layout = grid_2x3();
    assert_eq!(layout.tile_at(Grid::new([0, 6, 1])).unwrap().id, 4);
    assert!(layout.tile_at(Grid::new([0, 0, 0])).is_none());
    assert_eq!(layout.central_tile().unwrap().id, 1);
    assert!(layout.pair_between(4, 1).is_some());
    assert!(layout.pair_between(0, 4).is_none());
    assert_eq!(layout.pair_at(Grid::new([0, 6, 1]), Grid::new([0, 6, 2])).unwrap().post, 5);
    assert_eq!(layout.pairs_of(1).count(), 3);
    assert_eq!(layout.shape(), [4.0, 36.0, 40.0]);
}

#[test]
fn a_missing_row_advances_by_a_whole_step() {
    let tile = |y| GridTile {
        name: String::new(),
        source: TileSource::default(),
        grid: Grid::new([0, y, 0]),
        shape: [1, 20, 16],
    };
    let layout = Layout::tiled(vec![tile(2), tile(5)], &[4]).unwrap();
    assert_eq!(layout.tiles[1].nominal_px.0, [0.0, 48.0, 0.0]);
    let error = Layout::tiled(vec![tile(2), tile(3)], &[20]).unwrap_err();
    assert!(error.to_string().contains("overlap of 20 px along y"), "{error}");
    assert!(matches!(Layout::tiled(vec![tile(2)], &[]), Err(LayoutError::NoOverlap)));
}

#[test]
fn components_follow_the_pairs_that_count() {
    let mut layout = grid_2x3();
    assert_eq!(layout.components(None), [[0, 1, 2, 3, 4, 5]]);
    for pair in &mut layout.pairs {
        pair.quality = Some(if pair.post - pair.pre == 3 { 0.2 } else { 0.9 });
    }
    assert_eq!(layout.components(Some(MinQuality::Above(0.2))), [[0, 1, 2], [3, 4, 5]]);
    for pair in &mut layout.pairs {
        pair.quality = (pair.pre == 4).then_some(0.9);
    }
    assert_eq!(layout.components(None), [vec![0], vec![1], vec![2], vec![3], vec![4, 5]]);
}

#[test]
fn positions_and_pairs_follow_each_other() {
    let mut layout = grid_2x3();
    let moved = [(4, [1.5, 17.0, 10.0]), (0, [-2.0, 0.5, 0.0])];
    let truth = layout.clone();
    layout.set_positions(&moved, true).unwrap();
    assert_eq!(layout.pair_between(1, 4).unwrap().displacement_px.0, [1.5, 17.0, -2.0]);
    assert_eq!(layout.pair_between(1, 4).unwrap().shift_px.0, [1.5, 1.0, -2.0]);
    let placed: Vec<_> = layout.tiles.iter().map(|t| t.current_px()).collect();
    for tile in layout.tiles.iter_mut().skip(1) {
        tile.position_px = None;
    }
    layout.positions_from_pairs().unwrap();
    assert_eq!(layout.tiles.iter().map(|t| t.current_px()).collect::<Vec<_>>(), placed);
    let mut kept = truth.clone();
    let refused = kept.set_positions(&[(0, [1.0; 3]), (1, [f64::NAN; 3])], true);
    assert!(matches!(refused, Err(LayoutError::Position { tile: 1, .. })));
    assert_eq!(kept, truth);
    assert!(kept.set_positions(&[(77, [0.0; 3])], false).is_err());
}

#[test]
fn removing_and_cropping_keep_ids_and_positions() {
    let mut layout = grid_2x3();
    layout.remove(&[1]).unwrap();
    layout.validate().unwrap();
    assert_eq!(layout.tiles.iter().map(|t| t.id).collect::<Vec<_>>(), [0, 2, 3, 4, 5]);
    assert_eq!(layout.pairs.len(), 4);
    assert!(matches!(layout.remove(&[1]), Err(LayoutError::UnknownTile { tile: 1, tiles: 5 })));
    let cropped = grid_2x3().crop(&LayoutRegion::new([0, 0, 0], [4, 16, 13]));
    assert_eq!(cropped.tiles.iter().map(|t| t.id).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(cropped.tiles[1].nominal_px.0, [0.0, 0.0, 12.0]);
    assert_eq!(cropped.pairs.len(), 1);
    assert!(layout.crop(&LayoutRegion::new([9, 0, 0], [1, 1, 1])).tiles.is_empty());
}

#[test]
fn sorting_is_lexicographic_over_z_y_x() {
    let mut layout = grid_2x3();
    layout.set_positions(&[(5, [-1.0, 90.0, 90.0])], false).unwrap();
    layout.sort_by(SortKey::Position);
    assert_eq!(layout.tiles.iter().map(|t| t.id).collect::<Vec<_>>(), [5, 0, 1, 2, 3, 4]);
    layout.sort_by(SortKey::Grid);
    assert_eq!(layout.tiles.iter().map(|t| t.id).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn relocating_changes_all_sources_or_none() {
    let mut layout = grid_2x3();
    let before = layout.clone();
    let refused = layout.relocate(|t| if t.id == 5 { Err("gone") } else { Ok(t.source.clone()) });
    assert_eq!(refused, Err("gone"));
    assert_eq!(layout, before);
    let done: Result<(), ()> = layout.relocate(|t| {
        Ok(TileSource { path: t.source.path.replacen('t', "u", 1), ..t.source.clone() })
    });
    done.unwrap();
    assert_eq!(layout.tiles[2].source.path, "u2.tif");
    assert_eq!(layout.pairs, before.pairs);
}

#[test]
fn overlaps_can_be_set_anew_without_losing_what_was_measured() {
    let mut layout = grid_2x3();
    layout.adjust_overlaps(&[0, 6, 8]).unwrap();
    assert_eq!(layout.tiles[5].nominal_px.0, [0.0, 14.0, 16.0]);
    let pair = layout.pair_between(0, 1).unwrap();
    assert_eq!((pair.displacement_px.0, pair.shift_px.0), ([0.0, 0.0, 12.0], [0.0, 0.0, 4.0]));
    layout.tiles[0].grid = None;
    assert!(matches!(layout.adjust_overlaps(&[4]), Err(LayoutError::NoGrid { tile: 0 })));
}

#[test]
fn a_tile_is_cut_by_local_or_layout_coordinate() {
    let tile = Tile::new(3, String::new(), [10, 8, 8], [5.0, 1.0, -2.0]);
    let cut = tile.slice(Axis::Z, SliceAt::Layout(7.0)).unwrap();
    assert_eq!((cut.index, cut.shape), (2, [1, 8, 8]));
    assert_eq!((cut.position, cut.position_unsliced), ([0.0, 1.0, -2.0], [7.0, 1.0, -2.0]));
    assert_eq!(tile.slice(Axis::Z, SliceAt::Local(2.0)).unwrap(), cut);
    for outside in [SliceAt::Layout(4.9), SliceAt::Local(10.0), SliceAt::Local(f64::NAN)] {
        assert!(matches!(tile.slice(Axis::Z, outside), Err(LayoutError::OutOfTile { .. })));
    }
    assert!(tile.slice(Axis::C, SliceAt::Local(0.0)).is_err());
}

#[test]
fn a_sliced_layout_says_which_plane_to_read() {
    let sliced = grid_2x3().slice(Axis::Z, 2.0).unwrap();
    let again = Layout::from_json(&sliced.to_json()).unwrap();
    assert_eq!(again.tiles[0].source.extra["slice"]["index"], 2);
    assert_eq!(again.tiles[0].source.extra["slice"]["axis"], "z");
}

#[test]
fn voxels_and_um_convert_both_ways_or_say_why_not() {
    let mut layout = grid_2x3();
    assert!(matches!(layout.fill_um(), Err(LayoutError::NoVoxelSize)));
    layout.voxel_size_um = Some(LayoutVoxelSize { z: 2.0, y: 0.5, x: 0.5, origin: Origin::User });
    layout.set_positions(&[(1, [1.0, 2.0, 3.0])], false).unwrap();
    layout.fill_um().unwrap();
    assert_eq!(layout.tiles[5].nominal_um.unwrap().0, [0.0, 8.0, 12.0]);
    assert_eq!(layout.tiles[1].position_um.unwrap().0, [2.0, 1.0, 1.5]);
    let before = layout.clone();
    layout.tiles.iter_mut().for_each(|t| t.nominal_px = [0.0; 3].into());
    layout.nominal_from_um().unwrap();
    assert_eq!(layout, before);
}

fn boxes() -> impl Strategy<Value = Vec<LayoutRegion>> {
    let one = (prop::array::uniform3(-4i64..4), prop::array::uniform3(0i64..5));
    prop::collection::vec(one.prop_map(|(a, s)| LayoutRegion::new(a, s)), 1..7)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn regions_partition_the_union_exactly(boxes in boxes()) {
        let parts = partition(&boxes);
        for z in -4..8 {
            for y in -4..8 {
                for x in -4..8 {
                    let covering: Vec<usize> =
                        (0..boxes.len()).filter(|k| boxes[*k].contains([z, y, x])).collect();
                    let mut inside = parts.iter().filter(|p| p.region.contains([z, y, x]));
                    let tiles = inside.next().map(|p| p.tiles.clone()).unwrap_or_default();
                    prop_assert_eq!(tiles, covering);
                    prop_assert!(inside.next().is_none());
                }
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused_and_never_panics(text in "\\PC{0,60}") {
        let _ = Layout::from_json(&text);
        let _ = Layout::from_json(&format!(r#"{{"format":"hooke.layout","axes":["z","y","x"],"tiles":[{text}]}}"#));
    }
}
