//! Positions, overlaps and points against ExM-Toolbox and hand-made truth.

use hooke_tileset::overlap::pairs;
use hooke_tileset::placement::Placement;
use hooke_tileset::points::{to_global, to_local};
use hooke_tileset::positions::{from_exm_rows, relative, scale};
use serde_json::Value;

use crate::kit::{arrays, close, conformance, expected, reversed, rows, triples};

fn pairs_of(case: &Value) -> Vec<(usize, usize)> {
    let starts: Vec<[i64; 3]> =
        reversed(&triples(&case["offsets_xyz"])).iter().map(|p| p.map(|v| v as i64)).collect();
    let size = case["size_zyx"].as_array().unwrap();
    let shape = [0, 1, 2].map(|d| size[d].as_u64().unwrap());
    let placement = Placement::from_starts(&starts, &vec![shape; starts.len()]).unwrap();
    pairs(&placement).iter().map(|p| (p.tile_a, p.tile_b)).collect()
}

#[test]
fn tiles_overlap_where_they_share_a_voxel_and_not_where_they_touch() {
    let Some(expected) = expected() else { return };
    for name in ["tiles_overlaps", "nonsquare_overlap"] {
        let truth: Vec<(usize, usize)> = expected[name]["truth"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| (p[0].as_u64().unwrap() as usize, p[1].as_u64().unwrap() as usize))
            .collect();
        assert_eq!(pairs_of(&expected[name]), truth, "{name}");
    }
}

#[test]
fn points_lie_where_the_toolbox_puts_them_and_come_back() {
    let Some(arrays) = arrays("to_global.npz") else { return };
    let positions = reversed(&rows(&arrays["offsets_xyz_um"]));
    let points: Vec<(i64, [f64; 3])> = arrays["local_ixyz_um"]
        .values
        .as_chunks::<4>()
        .0
        .iter()
        .map(|[i, x, y, z]| (*i as i64, [*z, *y, *x]))
        .collect();
    let wanted = reversed(&rows(&arrays["global_xyz_um"]));
    let found = to_global(&points, &positions, false).unwrap();
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!((0..3).all(|d| close(found[d], wanted[d], 1e-9)), "{found:?} is not {wanted:?}");
    }
    let huge = vec![[1000; 3]; positions.len()];
    let back = to_local(&found, &positions, &huge, [1.0; 3], false).unwrap();
    for (point, (tile, local)) in points.iter().enumerate() {
        let home = back.iter().filter(|b| b.point == point);
        let mut places = home.filter_map(|b| b.place).filter(|p| p.0 as i64 == *tile);
        let place = places.next().unwrap().1;
        assert!((0..3).all(|d| (place[d] - local[d]).abs() < 1e-9));
    }
}

#[test]
fn positions_scale_as_in_the_toolbox() {
    let (Some(expected), Some(arrays)) = (expected(), arrays("paste.npz")) else { return };
    let mut positions = reversed(&rows(&arrays["offsets_xyz_px"]));
    relative(&mut positions);
    scale(&mut positions, [1.0, 0.25, 0.25]);
    scale(&mut positions, [3.0, 0.5, 2.0]);
    let wanted = reversed(&triples(&expected["scale_offset_2_0.5_3_xyz_um"]));
    for (found, wanted) in positions.iter().zip(&wanted) {
        assert!((0..3).all(|d| close(found[d], wanted[d], 1e-9)), "{found:?} is not {wanted:?}");
    }
}

#[test]
fn rows_of_the_toolbox_hold_the_size_and_negated_x() {
    let (Some(expected), Some(folder)) = (expected(), conformance()) else { return };
    let bytes = std::fs::read(folder.join("jp2_offsets.npy")).unwrap();
    // numpy's header is a multiple of 64 bytes; the rest are nine or twelve little-endian f64.
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let values: Vec<f64> =
        bytes[header..].as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
    let found = from_exm_rows(values.as_chunks::<3>().0).unwrap();
    let size = &expected["jp2"]["original_xyz_size"];
    assert_eq!(found.shape, [2, 1, 0].map(|d| size[d].as_u64().unwrap()));
    assert_eq!(found.positions_um, reversed(&triples(&expected["jp2"]["offsets_um_xyz"])));
}
