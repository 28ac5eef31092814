//! Fusion and weights against ClearMap's answers (`conformance/stitch/fusion`).

use hooke_core::Sample;
use hooke_stitch::fuse::{Blend, FuseParams, blend_weights, fuse_arrays};
use hooke_testdata::{NpzArray, read_npz, shared};
use ndarray::Array3;
use serde_json::Value;

/// Our axes are ClearMap's in the same order; a 2-D array gets a first axis of length 1.
fn zyx(lengths: &[usize]) -> [usize; 3] {
    let mut shape = [1; 3];
    shape[3 - lengths.len()..].copy_from_slice(lengths);
    shape
}

fn array<T: Sample>(a: &NpzArray) -> Array3<T> {
    let values = a.values.iter().map(|v| T::from_f64(*v)).collect();
    Array3::from_shape_vec(zyx(&a.shape), values).unwrap()
}

#[test]
fn fused_tiles_match_clearmap_but_for_truncation() {
    let Some(shared) = shared(env!("CARGO_MANIFEST_DIR")) else {
        println!("SKIPPED: no shared test data here");
        return;
    };
    let folder = shared.join("conformance/stitch");
    let arrays = read_npz(&folder.join("fusion.npz")).unwrap();
    let text = std::fs::read_to_string(folder.join("fusion.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), 8);
    for case in &cases {
        match case["dtype"].as_str().unwrap() {
            "uint8" => check::<u8>(case, &arrays),
            "uint16" => check::<u16>(case, &arrays),
            "float32" => check::<f32>(case, &arrays),
            other => panic!("{other} is not a type of this set"),
        }
    }
}

fn check<T: Sample>(case: &Value, arrays: &std::collections::BTreeMap<String, NpzArray>) {
    let name = case["name"].as_str().unwrap();
    let positions: Vec<[f64; 3]> = case["positions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| {
            let p: Vec<f64> = p.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
            let mut position = [0.0; 3];
            position[3 - p.len()..].copy_from_slice(&p);
            position
        })
        .collect();
    let tiles: Vec<Array3<T>> =
        (0..positions.len()).map(|i| array(&arrays[&format!("{name}_tile{i}")])).collect();
    let views: Vec<_> = tiles.iter().map(|t| t.view()).collect();
    for (method, blend) in [
        ("interpolation", Blend::Linear),
        ("max", Blend::Max),
        ("min", Blend::Min),
        ("mean", Blend::Mean),
        ("interpolation-adjust-max", Blend::LinearAdjustMax),
    ] {
        let params = FuseParams { blend, ..FuseParams::default() };
        let (fused, _) = fuse_arrays(&views, &positions, params).unwrap();
        let wanted: Array3<T> = array(&arrays[&format!("{name}_{method}")]);
        assert_eq!(fused.shape(), wanted.shape(), "{name} {method}");
        let covering = |at: [usize; 3]| {
            let low: [f64; 3] = std::array::from_fn(|d| {
                positions.iter().map(|p| p[d]).fold(f64::INFINITY, f64::min)
            });
            let inside = |(t, p): (&Array3<T>, &[f64; 3])| {
                (0..3).all(|d| {
                    let u = at[d] as f64 + low[d] - p[d];
                    u >= 0.0 && u < t.shape()[d] as f64
                })
            };
            tiles.iter().zip(&positions).filter(|t| inside(*t)).count()
        };
        for ((z, y, x), found) in fused.indexed_iter() {
            let (found, wanted): (f64, f64) = (found.to_f64(), wanted[[z, y, x]].to_f64());
            let bound: f64 = match blend {
                Blend::Max | Blend::Min => 0.0,
                _ if covering([z, y, x]) < 2 => 0.0,
                _ if T::DTYPE.is_float() => 1e-3 * wanted.abs(),
                _ => 1.0,
            };
            assert!((found - wanted).abs() <= bound, "{name} {method}: {found} is not {wanted}");
        }
    }
}

#[test]
fn weights_match_clearmap_but_for_axes_of_length_one() {
    let Some(shared) = shared(env!("CARGO_MANIFEST_DIR")) else {
        println!("SKIPPED: no shared test data here");
        return;
    };
    let arrays = read_npz(&shared.join("conformance/stitch/fusion.npz")).unwrap();
    let weights: Vec<_> = arrays.iter().filter(|(n, _)| n.starts_with("weights_")).collect();
    assert_eq!(weights.len(), 7);
    for (name, wanted) in weights {
        let ours = blend_weights(zyx(&wanted.shape));
        if wanted.shape.contains(&1) && wanted.shape.len() > 1 {
            assert!(wanted.values.iter().all(|w| *w == 1.0), "{name}: the peer counts axes of 1");
            assert!(ours.iter().any(|w| *w > 1.0), "{name}");
        } else {
            assert_eq!(ours.iter().copied().collect::<Vec<_>>(), wanted.values, "{name}");
        }
    }
}
