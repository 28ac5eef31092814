//! Answers of ClearMap2: nominal positions, slices, overlaps, disjoint regions.

use hooke_core::Axis;
use hooke_stitch::layout::{Grid, GridTile, Layout, Pair, Tile, TileSource};
use hooke_stitch::region::LayoutRegion;
use hooke_stitch::regions::partition;
use serde_json::Value;

/// A fixture of `conformance/stitch`, or `None` with a visible note where the data is not here.
pub fn fixture(name: &str) -> Option<Value> {
    let Some(folder) = hooke_testdata::shared(env!("CARGO_MANIFEST_DIR")) else {
        println!("SKIPPED: no shared test data, {name} was not compared");
        return None;
    };
    let text = std::fs::read_to_string(folder.join("conformance/stitch").join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The peer's last axes are ours; leading ones that it lacks are filled.
pub fn zyx(value: &Value, fill: f64) -> [f64; 3] {
    let v = numbers(value);
    std::array::from_fn(|d| if d + v.len() < 3 { fill } else { v[d + v.len() - 3] })
}

fn ids(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|v| v as usize).collect()
}

fn region(value: &Value) -> LayoutRegion {
    LayoutRegion::new(
        zyx(&value["position"], 0.0).map(|v| v as i64),
        zyx(&value["shape"], 1.0).map(|v| v as i64),
    )
}

fn bounds(value: &Value) -> LayoutRegion {
    let lower = zyx(&value["lower"], 0.0).map(|v| v as i64);
    LayoutRegion::from_bounds(lower, zyx(&value["upper"], 1.0).map(|v| v as i64)).unwrap()
}

#[test]
fn tiled_layouts_have_the_peers_positions_links_and_centre() {
    let Some(all) = fixture("layouts.json") else { return };
    for case in all["tiled"].as_array().unwrap() {
        // The tile grid's axes are the peer's first ones; put all of a case at the same end.
        let dims = numbers(&case["tile_shape"]).len();
        let pad = 3 - dims;
        let place = |v: &Value, fill: f64| -> [f64; 3] {
            let v = numbers(v);
            let at = |d: usize| d.checked_sub(pad).and_then(|k| v.get(k).copied());
            std::array::from_fn(|d| at(d).unwrap_or(fill))
        };
        let shape = place(&case["tile_shape"], 1.0).map(|s| s as u64);
        let tiles = case["tiles"].as_array().unwrap().iter();
        let tiles = tiles.map(|t| GridTile {
            name: String::new(),
            source: TileSource::default(),
            grid: Grid::new(place(&t["grid"], 0.0).map(|g| g as i64)),
            shape,
        });
        let listed = numbers(&case["overlaps"]);
        let overlaps: [i64; 3] =
            std::array::from_fn(|d| listed[(d + 3 - pad) % 3 % listed.len()] as i64);
        let layout = Layout::tiled(tiles.collect(), &overlaps).unwrap();
        for (tile, want) in layout.tiles.iter().zip(case["tiles"].as_array().unwrap()) {
            assert_eq!(tile.nominal_px.0, place(&want["position"], 0.0), "{case}");
        }
        assert_eq!(layout.lower().unwrap(), place(&case["lower"], 0.0));
        assert_eq!(layout.upper().unwrap(), place(&case["upper"], 1.0));
        assert_eq!(layout.shape(), place(&case["shape"], 1.0));
        let centre = layout.central_tile().unwrap().grid.unwrap();
        assert_eq!(centre.zyx().map(|g| g as f64), place(&case["center"], 0.0), "{case}");
        let mut links: Vec<_> = layout.grid_links().iter().map(|l| (l.pre, l.post)).collect();
        let mut wanted = Vec::new();
        for p in case["pairs"].as_array().unwrap() {
            let (a, b) =
                (p["pre"].as_u64().unwrap() as usize, p["post"].as_u64().unwrap() as usize);
            wanted.push((a, b));
            let step: [f64; 3] = std::array::from_fn(|d| {
                layout.tiles[b].nominal_px[d] - layout.tiles[a].nominal_px[d]
            });
            assert_eq!(step, place(&p["displacement"], 0.0));
        }
        links.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(links, wanted);
    }
}

#[test]
fn slices_hold_the_peers_tiles_positions_and_displacements() {
    let Some(all) = fixture("layouts.json") else { return };
    let all = &all["slices"];
    let tile = |(id, t): (usize, &Value)| {
        let shape = zyx(&t["shape"], 1.0).map(|s| s as u64);
        Tile::new(id, String::new(), shape, zyx(&t["position"], 0.0))
    };
    let tiles = all["tiles"].as_array().unwrap().iter().enumerate().map(tile).collect();
    let mut layout = Layout::new(tiles);
    for p in all["pairs"].as_array().unwrap() {
        let p = ids(p);
        layout.pairs.push(Pair::new(p[0], p[1], [0.0; 3], None));
    }
    layout.pairs_from_positions().unwrap();
    let cases = all["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 21);
    for case in cases {
        let d = case["axis"].as_u64().unwrap() as usize;
        let at = case["coordinate"].as_f64().unwrap();
        let sliced = layout.slice(Axis::SPACE[d], at).unwrap();
        sliced.validate().unwrap();
        let kept = |v: [f64; 3]| -> Vec<f64> { (0..3).filter(|k| *k != d).map(|k| v[k]).collect() };
        let got: Vec<usize> = sliced.tiles.iter().map(|t| t.id).collect();
        assert_eq!(got, ids(&case["tiles"]), "{case}");
        for (k, tile) in sliced.tiles.iter().enumerate() {
            assert_eq!(kept(tile.nominal_px.0), numbers(&case["positions"][k]));
            assert_eq!(kept(tile.shape.map(|s| s as f64)), numbers(&case["shapes"][k]));
            assert_eq!(tile.shape[d], 1);
        }
        let sort = |mut v: Vec<Vec<f64>>| {
            v.sort_by(|a, b| a.partial_cmp(b).unwrap());
            v
        };
        let got = sliced.pairs.iter().map(|p| kept(p.displacement_px.0)).collect();
        let want = case["displacements"].as_array().unwrap().iter().map(numbers).collect();
        assert_eq!(sort(got), sort(want), "{case}");
    }
}

#[test]
fn boxes_overlap_as_the_peers_do() {
    let Some(all) = fixture("overlap.json") else { return };
    let cases = all.as_array().unwrap();
    assert_eq!(cases.len(), 30);
    for case in cases {
        let got = region(&case["a"]).intersect(&region(&case["b"]));
        let want = (!case["overlap"].is_null()).then(|| bounds(&case["overlap"]));
        assert_eq!(got, want, "{case}");
    }
}

#[test]
fn regions_partition_every_voxel_as_the_peers_do() {
    let Some(all) = fixture("regions.json") else { return };
    let cases = all.as_array().unwrap();
    assert_eq!(cases.len(), 9);
    for case in cases {
        let boxes: Vec<_> = case["boxes"].as_array().unwrap().iter().map(region).collect();
        let ours = partition(&boxes);
        // Cut space at every face: inside a cell nothing changes, so one voxel stands for it.
        let cuts: [Vec<i64>; 3] = std::array::from_fn(|d| {
            let mut at: Vec<i64> = boxes.iter().flat_map(|b| [b.start[d], b.end()[d]]).collect();
            at.sort_unstable();
            at.dedup();
            at
        });
        let theirs: Vec<(LayoutRegion, Vec<usize>)> = case["regions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| (bounds(r), ids(&r["tiles"])))
            .collect();
        for &z in &cuts[0] {
            for &y in &cuts[1] {
                for &x in &cuts[2] {
                    let p = [z, y, x];
                    let mine: Vec<_> = ours.iter().filter(|r| r.region.contains(p)).collect();
                    assert!(mine.len() <= 1, "{p:?} lies in {} regions", mine.len());
                    let mut want: Vec<usize> = theirs
                        .iter()
                        .filter(|(r, _)| r.contains(p))
                        .flat_map(|(_, t)| t.clone())
                        .collect();
                    want.sort_unstable();
                    let got = mine.first().map(|r| r.tiles.clone()).unwrap_or_default();
                    assert_eq!(got, want, "{} at {p:?}", case["name"]);
                }
            }
        }
    }
}
