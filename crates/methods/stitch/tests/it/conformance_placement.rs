//! Answers of ClearMap2: positions by least squares and by paths, components.

use hooke_stitch::layout::{Layout, MinQuality, Pair, PairStatus, PlacedBy, Tile, TileStatus};
use hooke_stitch::place::{
    Displacement, PlaceMethod, PlaceOrigin, PlaceParams, least_squares, place, tree,
};
use serde_json::Value;

use crate::conformance_layout::{fixture, numbers, zyx};

fn vectors(value: &Value) -> Vec<[f64; 3]> {
    value.as_array().unwrap().iter().map(|v| zyx(v, 0.0)).collect()
}

fn layout_of(case: &Value) -> Layout {
    let shape = zyx(&case["shape"], 1.0).map(|s| s as u64);
    let tile = |(id, p)| Tile::new(id, format!("t{id}"), shape, p);
    let mut layout =
        Layout::new(vectors(&case["nominal"]).into_iter().enumerate().map(tile).collect());
    for p in case["pairs"].as_array().unwrap() {
        let (pre, post) = (p["pre"].as_u64().unwrap(), p["post"].as_u64().unwrap());
        let quality = p["quality"].as_f64();
        layout.pairs.push(Pair::new(
            pre as usize,
            post as usize,
            zyx(&p["displacement"], 0.0),
            quality,
        ));
    }
    layout.refresh_shifts();
    layout
}

fn bound(case: &Value) -> Option<MinQuality> {
    match &case["min_quality"] {
        Value::Null => None,
        Value::Array(range) => {
            Some(MinQuality::Between(range[0].as_f64().unwrap(), range[1].as_f64().unwrap()))
        }
        number => Some(MinQuality::Above(number.as_f64().unwrap())),
    }
}

fn placed(case: &Value, method: PlaceMethod, origin: PlaceOrigin, round: bool) -> Layout {
    let mut layout = layout_of(case);
    let params =
        PlaceParams { method, origin, round, min_quality: bound(case), ..PlaceParams::default() };
    place(&mut layout, &params).unwrap();
    layout
}

fn positions(layout: &Layout) -> Vec<[f64; 3]> {
    layout.tiles.iter().map(|t| t.position_px.unwrap().0).collect()
}

fn links(layout: &Layout, min: Option<MinQuality>) -> Vec<Displacement> {
    let passing = layout.pairs.iter().filter(|p| p.passes(min));
    passing.map(|p| Displacement { a: p.pre, b: p.post, px: p.displacement_px.0 }).collect()
}

fn cases() -> Vec<Value> {
    let all = fixture("placement.json");
    let cases: Vec<Value> = all.map_or(Vec::new(), |v| v.as_array().unwrap().clone());
    assert!(cases.is_empty() || cases.len() == 10);
    cases
}

#[test]
fn components_are_the_peers() {
    for case in cases() {
        let want: Vec<Vec<usize>> = case["components"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| numbers(c).into_iter().map(|v| v as usize).collect())
            .collect();
        assert_eq!(layout_of(&case).components(bound(&case)), want, "{}", case["name"]);
        let after = placed(&case, PlaceMethod::Optimization, PlaceOrigin::Keep, false);
        assert_eq!(after.components(None), want, "{}", case["name"]);
    }
}

#[test]
fn unrounded_least_squares_is_exact_to_a_millionth() {
    let mut compared = 0;
    for case in cases() {
        let want = &case["least_squares_unrounded_tile0_at_nominal"];
        if want.is_null() {
            continue;
        }
        let layout = layout_of(&case);
        let current: Vec<[f64; 3]> = layout.tiles.iter().map(|t| t.current_px()).collect();
        let got = least_squares(&current, &links(&layout, None), Some(0)).unwrap();
        for (g, w) in got.iter().zip(vectors(want)) {
            assert!((0..3).all(|d| (g[d] - w[d]).abs() < 1e-6), "{}: {g:?} {w:?}", case["name"]);
        }
        compared += 1;
    }
    println!("{compared} cases compared");
}

/// Whether some position relative to its component's first tile is so near a half that round-off
/// decides which way it goes.
fn has_ties(case: &Value) -> bool {
    let unrounded = placed(case, PlaceMethod::Optimization, PlaceOrigin::Keep, false);
    let at = positions(&unrounded);
    unrounded.islands.iter().any(|island| {
        island.tiles.iter().any(|t| {
            (0..3).any(|d| {
                let relative = at[*t][d] - at[island.tiles[0]][d];
                ((relative - relative.floor()) - 0.5).abs() < 1e-6
            })
        })
    })
}

#[test]
fn rounded_optimization_is_the_peers() {
    for case in cases() {
        let ties = has_ties(&case);
        let origins = [
            ("place_optimization", PlaceOrigin::Keep),
            ("place_optimization_origin", PlaceOrigin::Zero),
        ];
        for (key, origin) in origins {
            let got = positions(&placed(&case, PlaceMethod::Optimization, origin, true));
            for (t, (g, w)) in got.iter().zip(vectors(&case[key])).enumerate() {
                // A tie at the fixed or lowest tile moves its whole component by one.
                let allowed = if ties { 2.0 } else { 0.0 };
                let off = (0..3).map(|d| (g[d] - w[d]).abs()).fold(0.0, f64::max);
                assert!(off <= allowed, "{} {key} tile {t}: {g:?} {w:?}", case["name"]);
            }
        }
    }
}

#[test]
fn the_tree_is_the_peers_and_lone_tiles_keep_their_place() {
    for case in cases() {
        let layout = placed(&case, PlaceMethod::Tree, PlaceOrigin::Keep, true);
        if !case["place_tree"].is_null() {
            assert_eq!(positions(&layout), vectors(&case["place_tree"]), "{}", case["name"]);
            let zero = placed(&case, PlaceMethod::Tree, PlaceOrigin::Zero, true);
            assert_eq!(positions(&zero), vectors(&case["place_tree_origin"]), "{}", case["name"]);
        }
        for tile in layout.tiles.iter().filter(|t| t.status == Some(TileStatus::Stage)) {
            assert_eq!(tile.position_px.unwrap(), tile.nominal_px);
            let has_pair = layout.pairs_of(tile.id).next().is_some();
            let reason = if has_pair { "links_rejected" } else { "no_link" };
            assert_eq!(tile.reason.as_deref(), Some(reason));
        }
        let from_first = &case["positions_from_tree"];
        if !from_first.is_null() && bound(&case).is_none() {
            let current: Vec<[f64; 3]> = layout.tiles.iter().map(|t| t.nominal_px.0).collect();
            let got = tree(&current, &links(&layout, None), &[0]);
            let relative: Vec<[f64; 3]> =
                got.iter().map(|p| std::array::from_fn(|d| p[d] - got[0][d])).collect();
            assert_eq!(relative, vectors(from_first), "{}", case["name"]);
        }
    }
}

#[test]
fn islands_are_solved_apart_and_reported() {
    for case in cases().iter().filter(|c| c["name"] == "islands_4x3") {
        let layout = placed(case, PlaceMethod::Optimization, PlaceOrigin::Keep, false);
        let tiles: Vec<_> = layout.islands.iter().map(|i| i.tiles.clone()).collect();
        assert_eq!(tiles, [vec![0, 2, 3, 4, 5, 6, 7, 8, 11], vec![9, 10], vec![1]]);
        assert_eq!(layout.islands[0].placed_by, PlacedBy::Links);
        assert_eq!(layout.islands[1].placed_by, PlacedBy::Stage);
        assert_eq!(layout.islands[0].fixed_tile, Some(5));
        assert_eq!(layout.tiles[9].status, Some(TileStatus::Fixed));
        assert_eq!(layout.tiles[1].status, Some(TileStatus::Stage));
        assert!(layout.pairs.iter().all(|p| p.status == PairStatus::Kept));
    }
}
