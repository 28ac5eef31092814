//! Answers of ClearMap (measure msd) and fixtures with known truth.

use std::path::PathBuf;

use hooke_core::Axis;
use hooke_stitch::align::{
    AlignError, AlignParams, Background, Clip, Measure, ProjectionMode, Search, SignalCount,
    TwoTiles, align_two, pair_projections,
};
use hooke_stitch::layout::{Grid, PairStatus};
use hooke_stitch::{Layout, Tile};
use hooke_testdata::{NpzArray, read_npz};
use ndarray::{Array3, Axis as ArrayAxis, s};
use serde_json::Value;

use super::align_sets::{Set, window};

fn fixture(parts: &[&str]) -> Option<PathBuf> {
    let shared = hooke_testdata::shared(env!("CARGO_MANIFEST_DIR"));
    if shared.is_none() {
        eprintln!("SKIPPED: the shared data is not here");
    }
    Some(parts.iter().fold(shared?, |p, q| p.join(q)))
}

fn json(path: &std::path::Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Peer arrays of two axes become images: axes 0, 1 are y, x.
fn volume(array: &NpzArray) -> Array3<f32> {
    let mut shape = vec![1; 3 - array.shape.len()];
    shape.extend(&array.shape);
    let values = array.values.iter().map(|v| *v as f32).collect();
    Array3::from_shape_vec([shape[0], shape[1], shape[2]], values).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The last entries of a triple, the others filled.
fn triple<T: Copy>(values: &[T], fill: T) -> [T; 3] {
    std::array::from_fn(|d| if d + values.len() >= 3 { values[d + values.len() - 3] } else { fill })
}

fn windows(value: &Value, axes: usize) -> [[i64; 2]; 3] {
    let pair = |v: &Value| [v[0].as_i64().unwrap(), v[1].as_i64().unwrap()];
    let list: Vec<[i64; 2]> = if value[0].is_array() {
        value.as_array().unwrap().iter().map(pair).collect()
    } else {
        vec![pair(value); axes]
    };
    triple(&list, [0, 0])
}

struct Case {
    name: String,
    arrays: [Array3<f32>; 2],
    positions: [[f64; 3]; 2],
    axes: usize,
    entry: Value,
    curve_max: f64,
}

fn cases(group: &str) -> Option<Vec<Case>> {
    let arrays = read_npz(&fixture(&["conformance", "stitch", "pairs_msd.npz"])?).unwrap();
    let entries = json(&fixture(&["conformance", "stitch", "pairs_msd.json"])?);
    let case = |entry: &Value| {
        let name = entry["name"].as_str().unwrap().to_string();
        let array = |part: &str| volume(&arrays[&format!("{name}_{part}")]);
        let positions = ["pos_pre", "pos_post"].map(|p| triple(&numbers(&entry[p]), 0.0));
        let curve = arrays.get(&format!("{name}_curve"));
        let curve_max = curve.map_or(0.0, |c| c.values.iter().copied().fold(0.0, f64::max));
        Case {
            arrays: [array("pre"), array("post")],
            axes: arrays[&format!("{name}_pre")].shape.len(),
            positions,
            entry: entry.clone(),
            name,
            curve_max,
        }
    };
    Some(entries[group].as_array().unwrap().iter().map(case).collect())
}

fn msd(window: [[i64; 2]; 3]) -> AlignParams {
    AlignParams { measure: Measure::Msd, max_shift: window, ..Default::default() }
}

fn with_options(mut params: AlignParams, options: &Value) -> AlignParams {
    if let Some(clip) = options.get("clip") {
        let value = |v: &Value| v.as_f64().unwrap() as f32;
        params.clip = Some(match clip.as_array() {
            Some(both) => Clip { low: Some(value(&both[0])), high: value(&both[1]) },
            None => Clip { low: None, high: value(clip) },
        });
    }
    if let Some(background) = options.get("background") {
        let (level, at_least) = match background.as_array() {
            None => (background.as_f64().unwrap(), SignalCount::Voxels(1)),
            Some(both) if both[1].is_i64() => {
                (both[0].as_f64().unwrap(), SignalCount::Voxels(both[1].as_u64().unwrap()))
            }
            Some(both) => {
                (both[0].as_f64().unwrap(), SignalCount::Fraction(both[1].as_f64().unwrap()))
            }
        };
        params.background = Some(Background { level: level as f32, at_least });
    }
    params.normalize = options.get("normalize").is_some_and(|v| v.as_bool().unwrap());
    params
}

#[test]
fn pairs_by_mean_squared_difference_agree_with_clearmap() {
    let Some(cases) = cases("align_2_sources") else { return };
    for case in cases {
        let params = msd(windows(&case.entry["max_shifts"], case.axes));
        let params = with_options(params, &case.entry["options"]);
        let [a, b] = &case.arrays;
        let tiles = TwoTiles { tiles: [a.view(), b.view()], positions: case.positions, axis: None };
        let result = align_two(&tiles, &params);
        let name = case.name.as_str();
        if name == "p2d_never_overlap" {
            assert!(matches!(result, Err(AlignError::NeverOverlap { .. })));
            continue;
        }
        let outcome = result.unwrap();
        let pair = outcome.pair;
        if name.ends_with("_fail") {
            assert_eq!((pair.status, pair.quality), (PairStatus::NoSignal, None), "{name}");
            continue;
        }
        // Where the peer is known to be wrong, the brute-force minimum or the truth stands in.
        let shift = match name {
            "p2d_constant_tie" => [0.0; 3],
            "p2d_window_too_wide" => triple(&numbers(&case.entry["curve_argmin"]), 0.0),
            _ => triple(&numbers(&case.entry["peer"]["shift"]), 0.0),
        };
        assert_eq!(pair.shift_px.0, shift, "{name}");
        let quality = case.entry.get("curve_min").map_or_else(
            || case.entry["peer"]["quality"].as_f64().unwrap(),
            |c| -c.as_f64().unwrap(),
        );
        let tolerance = 1e-6 * case.curve_max.max(quality.abs());
        let found = pair.quality.unwrap();
        assert!((found - quality).abs() <= tolerance, "{name}: {found}, wanted {quality}");
        let at_edge = outcome.warnings.iter().any(|w| w.code == "window_edge");
        assert!(at_edge || name != "p2d_truth_outside", "the window's corner must be warned about");
    }
}

#[test]
fn searches_along_the_axis_agree_with_clearmap() {
    let Some(cases) = cases("along_axis") else { return };
    for case in cases {
        let overlap = match &case.entry["overlap"] {
            Value::Array(range) => [range[0].as_i64().unwrap(), range[1].as_i64().unwrap()],
            single => [1, single.as_i64().unwrap()],
        };
        let mut params = msd(windows(&case.entry["max_shifts"], case.axes));
        params.search = Search::Tiling { overlap_range: overlap };
        let [a, b] = &case.arrays;
        let axis = Some(Axis::SPACE[3 - case.axes + case.entry["axis"].as_u64().unwrap() as usize]);
        let tiles = TwoTiles { tiles: [a.view(), b.view()], positions: case.positions, axis };
        let pair = align_two(&tiles, &params).unwrap().pair;
        let peer = &case.entry["peer"];
        assert_eq!(pair.shift_px.0, triple(&numbers(&peer["shift"]), 0.0), "{}", case.name);
        let quality = peer["quality"].as_f64().unwrap();
        assert!((pair.quality.unwrap() - quality).abs() <= 1e-6 * quality.abs(), "{}", case.name);
    }
}

#[test]
fn projections_and_their_shifts_agree_with_clearmap() {
    let Some(cases) = cases("along_axis_mip") else { return };
    let max = |p: &f32, q: &f32| p.max(*q);
    for case in cases {
        let depth = case.entry["depth"].as_u64().unwrap() as usize;
        let mut params = msd(windows(&case.entry["max_shifts"], case.axes));
        params.projection = ProjectionMode::Pair;
        params.depth = Some([depth; 3]);
        let at = case.entry["axis"].as_u64().unwrap() as usize;
        let axis = Axis::SPACE[at];
        let [a, b] = &case.arrays;
        let tiles =
            TwoTiles { tiles: [a.view(), b.view()], positions: case.positions, axis: Some(axis) };
        let pair = align_two(&tiles, &params).unwrap().pair;
        let peer = &case.entry["peer"];
        let shift = numbers(&peer["shift"]);
        for d in 0..3 {
            if d == at {
                assert!(pair.shift_px[d].is_nan() && pair.sd_px.unwrap()[d].is_nan());
            } else {
                assert_eq!(pair.shift_px[d], shift[d], "{}", case.name);
            }
        }
        let quality = peer["quality"].as_f64().unwrap();
        assert!((pair.quality.unwrap() - quality).abs() <= 1e-6 * quality.abs(), "{}", case.name);
        let whole = AlignParams { max_shift: [[-1000, 1000]; 3], ..params };
        let projections = pair_projections(&tiles, axis, &whole).unwrap();
        // The peer's own projections are pickled; these are what it says it compares.
        let length = a.dim().0;
        let last = a.slice(s![length - depth.., .., ..]).fold_axis(ArrayAxis(0), f32::MIN, max);
        let first = b.slice(s![..depth, .., ..]).fold_axis(ArrayAxis(0), f32::MIN, max);
        assert_eq!(at, 0, "the slices above are along z");
        for (found, expected) in projections.iter().zip([last, first]) {
            assert_eq!(found.index_axis(ArrayAxis(0), 0), expected, "{}", case.name);
        }
    }
}

/// A fixture of tiles with truth; grid names are `tile_row_column`.
fn truth_set(folder: &[&str], name: &str) -> Option<Set> {
    let path = |end: &str| {
        let mut parts = folder.to_vec();
        let file = format!("{name}{end}");
        parts.push(&file);
        fixture(&parts)
    };
    let arrays = read_npz(&path(".npz")?).unwrap();
    let truth = json(&path(".truth.json")?);
    let entries = truth["tiles"].as_array().unwrap();
    let mut tiles = Vec::new();
    let mut list = Vec::new();
    let mut positions = Vec::new();
    for (id, entry) in entries.iter().enumerate() {
        let name = entry["name"].as_str().unwrap();
        let array = volume(&arrays[name]);
        let grid = numbers(&entry["grid"]);
        let shape = [array.dim().0, array.dim().1, array.dim().2].map(|n| n as u64);
        let nominal = triple(&numbers(&entry["nominal"]), 0.0);
        let mut tile = Tile::new(id, name.to_string(), shape, nominal);
        tile.grid = Some(Grid { z: 0, y: grid[0] as i64, x: grid[1] as i64 });
        list.push(tile);
        tiles.push(array);
        positions.push(triple(&numbers(&entry["true"]), 0.0));
    }
    Some(Set { layout: Layout::new(list), tiles, truth: positions })
}

fn reaches(folder: &[&str], name: &str, rms_wanted: f64, max_wanted: f64) {
    let Some(set) = truth_set(folder, name) else { return };
    let aligned = set.align(&window(12));
    for pair in &aligned.pairs {
        let (error, sd) = (set.link_error(pair), pair.sd_px.unwrap().0);
        println!("{}-{} error {error:.3?} sd {sd:.3?} ncc {:.3?}", pair.pre, pair.post, pair.ncc);
    }
    let (rms, max) = set.errors(&aligned);
    println!("{name}: rms {rms:.4}, max {max:.4}");
    assert!(rms <= rms_wanted && max <= max_wanted, "{name}: rms {rms}, max {max}");
}

#[test]
fn the_simulated_fixtures_are_placed() {
    let folder = ["conformance", "stitch"];
    reaches(&folder, "simulated_easy", 0.02, f64::INFINITY);
    reaches(&folder, "simulated_subpixel", 0.02, f64::INFINITY);
    reaches(&folder, "simulated_hard", 0.45, f64::INFINITY);
}

#[test]
fn real_texture_is_placed() {
    reaches(&["data", "stitch"], "texture3", 0.03, 0.06);
}

fn layout_2x2() -> Option<(Set, Value)> {
    let arrays = read_npz(&fixture(&["conformance", "stitch", "layout_2x2.npz"])?).unwrap();
    let entry = json(&fixture(&["conformance", "stitch", "layout_2x2.json"])?);
    let mut list = Vec::new();
    let mut set = Set { layout: Layout::new(Vec::new()), tiles: Vec::new(), truth: Vec::new() };
    for (id, (i, j)) in [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().enumerate() {
        let array = volume(&arrays[&format!("tile_{i}_{j}")]);
        let nominal = [36.0 * f64::from(i), 36.0 * f64::from(j), 0.0];
        let shape = [array.dim().0, array.dim().1, array.dim().2].map(|n| n as u64);
        let mut tile = Tile::new(id, format!("tile_{i}_{j}"), shape, nominal);
        tile.grid = Some(Grid { z: i64::from(i), y: i64::from(j), x: 0 });
        list.push(tile);
        set.tiles.push(array);
        set.truth.push(triple(&numbers(&entry["true"][format!("{i}_{j}")]), 0.0));
    }
    set.layout = Layout::new(list);
    Some((set, entry))
}

/// Checks every link of one run of the peer; components along `skip` of a pair must be unmeasured.
fn agrees(aligned: &Layout, run: &Value, skip: impl Fn(usize, usize) -> bool, quality: bool) {
    for peer in run["pairs"].as_array().unwrap() {
        let id = |end: &str| {
            let g = numbers(&peer[end]);
            (2.0 * g[0] + g[1]) as usize
        };
        let (pre, post) = (id("pre"), id("post"));
        let pair = aligned.pairs.iter().find(|p| (p.pre, p.post) == (pre, post)).unwrap();
        let tiling = if post - pre == 2 { 0 } else { 1 };
        let shift = numbers(&peer["shift"]);
        for d in 0..3 {
            if skip(tiling, d) {
                assert!(pair.shift_px[d].is_nan() || pair.shift_px[d] == 0.0);
            } else {
                assert_eq!(pair.shift_px[d], shift[d], "pair {pre}, {post}");
            }
        }
        let wanted = peer["quality"].as_f64().unwrap();
        assert!(!quality || (pair.quality.unwrap() - wanted).abs() <= 1e-6 * wanted.abs());
    }
}

#[test]
fn a_layout_of_four_tiles_agrees_with_clearmap() {
    let Some((set, entry)) = layout_2x2() else { return };
    let runs = &entry["runs"];
    let seven = msd([[-7, 7]; 3]);
    agrees(&set.align(&seven), &runs["align_full_7"], |_, _| false, true);
    let tiling = AlignParams { search: Search::Tiling { overlap_range: [5, 20] }, ..seven.clone() };
    agrees(&set.align(&tiling), &runs["on_tiling"], |_, _| false, true);
    let flat = AlignParams { projection: ProjectionMode::Pair, ..seven.clone() };
    agrees(&set.align(&flat), &runs["rigid_mip"], |tiling, d| tiling == d, false);
    let along = AlignParams { axis: Some(Axis::X), ..seven };
    agrees(&set.align(&along), &runs["axis_2"], |_, d| d != 2, false);
}

#[test]
fn the_default_measure_finds_the_same_truth() {
    let Some((set, _)) = layout_2x2() else { return };
    for pair in &set.align(&window(7)).pairs {
        let error = set.link_error(pair);
        assert!(error.iter().all(|e| e.abs() < 0.05), "{error:?}");
    }
}
