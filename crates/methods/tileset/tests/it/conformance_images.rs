//! Mosaics, planes, scales, masks and surfaces against ExM-Toolbox and hand-made truth.

use hooke_core::Sample;
use hooke_tileset::mask::apply_mask;
use hooke_tileset::paste::{PasteParams, Zeros, paste};
use hooke_tileset::percentile::{CalibrateMethod, CalibrateParams, calibrate, percentiles};
use hooke_tileset::placement::{Place, Placement, TileGeometry};
use hooke_tileset::scale::{Rounding, Scale};
use hooke_tileset::slice::{SliceOverlap, slice};
use hooke_tileset::surface::{From, Threshold, contact_surface};
use hooke_tileset::tile_view::Flipped;
use ndarray::{Array3, s};

use crate::kit::{
    Arrays, arrays, close, expected, placed, reversed, rows, shapes, stack, tiles, views, volume,
};

fn place_down<T>(arrays: &Arrays, tiles: &[Array3<T>]) -> Placement {
    let positions = reversed(&rows(&arrays["offsets_xyz_px"]));
    let geometry: Vec<TileGeometry> = positions
        .iter()
        .zip(shapes(tiles))
        .map(|(p, shape)| TileGeometry { position_px: *p, shape })
        .collect();
    Placement::new(&geometry, Place::Down).unwrap()
}

/// The mosaics agree where both have voxels; the peer's rest is 0.
fn same_mosaic<T: Sample>(found: &Array3<T>, peer: &Array3<T>) {
    let common: Vec<usize> =
        found.shape().iter().zip(peer.shape()).map(|(a, b)| *a.min(b)).collect();
    let (z, y, x) = (common[0], common[1], common[2]);
    assert_eq!(common, found.shape(), "the peer's mosaic is not smaller");
    assert!(found.slice(s![..z, ..y, ..x]) == peer.slice(s![..z, ..y, ..x]));
    for ((i, j, k), value) in peer.indexed_iter() {
        assert!((i < z && j < y && k < x) || *value == T::default(), "{i} {j} {k}");
    }
}

#[test]
fn pasted_tiles_are_the_toolbox_mosaic() {
    let Some(arrays) = arrays("paste.npz") else { return };
    let tiles: Vec<Array3<u16>> = tiles(&arrays);
    let bytes: Vec<Array3<u8>> = stack(&arrays["tiles_u8"]);
    let placement = place_down(&arrays, &tiles);
    let params = PasteParams::default();
    same_mosaic(
        &paste(&placement, &views(&tiles), &params).unwrap(),
        &volume(&arrays["blend_u16"]),
    );
    same_mosaic(&paste(&placement, &views(&bytes), &params).unwrap(), &volume(&arrays["blend_u8"]));
    let memory = views(&tiles);
    let axes = [false, true, true];
    let flipped = Flipped { tiles: &memory, shapes: &shapes(&tiles), axes };
    let found = paste(&placement, &flipped, &params).unwrap();
    same_mosaic(&found, &volume(&arrays["blend_inverts_yx"]));
    let opaque = PasteParams { zeros: Zeros::Opaque, ..params };
    let found = paste(&placement, &memory, &opaque).unwrap();
    same_mosaic(&found, &volume(&arrays["blend_ind_int"]));
}

#[test]
fn intensity_scales_are_numpys() {
    let (Some(arrays), Some(expected)) = (arrays("paste.npz"), expected()) else { return };
    let tiles: Vec<Array3<u16>> = tiles(&arrays);
    let (memory, shapes) = (views(&tiles), shapes(&tiles));
    let toolbox = CalibrateParams {
        high: 99.9,
        method: CalibrateMethod::MeanOfTiles,
        ..CalibrateParams::default()
    };
    let found = calibrate(&shapes, &memory, &toolbox).unwrap();
    for (tile, wanted) in
        found.tiles.iter().zip(expected["find_intensity_scale_tiles"].as_array().unwrap())
    {
        assert_eq!((tile.low, tile.high), (wanted[0].as_f64(), wanted[1].as_f64()));
    }
    let wanted = &expected["find_intensity_scale"];
    assert_eq!((Some(found.low), Some(found.high)), (wanted[0].as_f64(), wanted[1].as_f64()));

    let slices: Vec<&[u16]> = tiles.iter().map(|t| t.as_slice().unwrap()).collect();
    for (percent, wanted) in expected["pooled_percentiles"].as_object().unwrap() {
        let found = percentiles(&slices, &[percent.parse().unwrap()]).unwrap().unwrap();
        assert_eq!(Some(found[0]), wanted.as_f64(), "{percent}");
    }
    let nonzero = CalibrateParams { ignore_zeros: true, ..CalibrateParams::default() };
    let found = calibrate(&shapes, &memory, &nonzero).unwrap();
    let wanted = &expected["pooled_percentiles_nonzero"];
    assert_eq!((Some(found.low), Some(found.high)), (wanted["1"].as_f64(), wanted["99"].as_f64()));
}

#[test]
fn scaled_intensities_are_the_toolbox_ones() {
    let (Some(tiles_of), Some(arrays)) = (arrays("paste.npz"), arrays("scale.npz")) else {
        return;
    };
    let tiles: Vec<Array3<u16>> = tiles(&tiles_of);
    let range = &arrays["range"].values;
    for (rounding, name) in
        [(Rounding::Down, "scaled_down_peer"), (Rounding::Nearest, "scaled_nearest")]
    {
        let scale = Scale::new(range[0], range[1], rounding).unwrap();
        for (tile, wanted) in tiles.iter().zip(stack::<u8>(&arrays[name])) {
            let mut out = Array3::<u8>::zeros(tile.dim());
            let nan = scale.apply(tile.as_slice().unwrap(), out.as_slice_mut().unwrap()).unwrap();
            assert_eq!(nan, 0);
            assert!(out == wanted, "{name}");
        }
    }
}

#[test]
fn planes_are_means_of_the_tiles_that_reach_them() {
    let Some(arrays) = arrays("slice.npz") else { return };
    let tiles: Vec<Array3<u16>> = stack(&arrays["tiles"]);
    for (offsets, wanted) in
        [("offsets_xyz_px", "z3_mean"), ("offsets_z_xyz_px", "z3_with_z_offsets_truth")]
    {
        let starts: Vec<[i64; 3]> =
            reversed(&rows(&arrays[offsets])).iter().map(|p| p.map(|v| v as i64)).collect();
        let placement = placed(&starts, &tiles);
        let plane = slice(&placement, &views(&tiles), 3, SliceOverlap::Mean, 1).unwrap();
        assert_eq!(plane.shape(), arrays[wanted].shape);
        for (found, value) in plane.iter().zip(&arrays[wanted].values) {
            assert!(close(f64::from(*found), *value, 1e-6), "{wanted}: {found} is not {value}");
        }
        if wanted == "z3_mean" {
            let peer = &arrays["z3_peer_int"].values;
            assert!(plane.iter().zip(peer).all(|(f, p)| f64::from(*f).floor() == *p));
        }
    }
}

#[test]
fn contact_surfaces_are_the_toolbox_ones_but_for_plane_0_and_never() {
    let Some(arrays) = arrays("surface.npz") else { return };
    let image: Array3<f32> = volume(&arrays["image_xyz"]);
    let image = image.reversed_axes().as_standard_layout().to_owned();
    let shape = shapes(std::slice::from_ref(&image))[0];
    let tiles = [image];
    for from in [From::Bottom, From::Top] {
        for (threshold, kind) in [(Threshold::default(), "auto"), (Threshold::Value(60.0), "t60")] {
            let side = if from == From::Bottom { "bottom" } else { "top" };
            let wanted = |what: &str| &arrays[&format!("{side}_{kind}_{what}")].values;
            let found = contact_surface(&views(&tiles), shape, from, &threshold, 5).unwrap();
            let indices: Vec<f64> = found.index.iter().map(|i| f64::from(*i)).collect();
            assert_eq!(&indices, wanted("index_yx"), "{side} {kind}");
            for (found, wanted) in found.threshold.iter().zip(wanted("threshold_yx")) {
                assert!(close(*found, *wanted, 1e-6), "{side} {kind}: {found} is not {wanted}");
            }
            for ((found, wanted), index) in
                found.intensity.iter().zip(wanted("value_yx")).zip(&indices)
            {
                assert_eq!(found.is_nan(), *index < 0.0);
                assert!(found.is_nan() || close(f64::from(*found), *wanted, 1e-6));
            }
            // The peer's arrays are [x, y]; where its first hit is not in plane 0 it agrees.
            let [_, height, width] = shape.map(|n| n as usize);
            for y in 0..height {
                for x in 0..width {
                    let ours = found.index[[y, x]];
                    let peer = wanted("peer_index")[x * height + y];
                    let hit_at_0 = ours == 0 && from == From::Bottom;
                    assert!(hit_at_0 || f64::from(ours.max(0)) == peer, "{side} {kind} {y} {x}");
                }
            }
        }
    }
}

#[test]
fn masked_tiles_are_the_toolbox_ones() {
    let Some(arrays) = arrays("mask.npz") else { return };
    let (mut image, mask): (Array3<u16>, Array3<u8>) =
        (volume(&arrays["image"]), volume(&arrays["mask"]));
    let shape = shapes(std::slice::from_ref(&mask))[0];
    let (values, mask) = (image.as_slice_mut().unwrap(), mask.as_slice().unwrap());
    apply_mask(0, values, shape, mask, shape).unwrap();
    let error = apply_mask(4, values, shape, mask, [6, 24, 20]).unwrap_err();
    assert!(error.to_string().contains("the mask of tile 4"), "{error}");
    assert!(image == volume::<u16>(&arrays["result"]));
}
