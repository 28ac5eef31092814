//! The parts of detection are astroCAST's.

use hooke_events::detect::{
    Cleaning, Combine, DetectParams, Sign, Smooth, Spatial, Temporal, clean_in_windows, detect,
    slab_marks, smooth, temporal_marks,
};
use ndarray::{Array2, Array3, ArrayView3};

use crate::kit::arrays;

fn volume(values: &[f64], shape: (usize, usize, usize)) -> Array3<f32> {
    Array3::from_shape_vec(shape, values.iter().map(|v| *v as f32).collect()).unwrap()
}

/// The bits of `numpy.packbits`.
fn bits(values: &[f64], shape: (usize, usize, usize)) -> Array3<bool> {
    let n = shape.0 * shape.1 * shape.2;
    let bit = |i: usize| (values[i / 8] as u8 >> (7 - i % 8)) & 1 == 1;
    Array3::from_shape_vec(shape, (0..n).map(bit).collect()).unwrap()
}

const SHAPE: (usize, usize, usize) = (90, 48, 48);

fn whole(shape: (usize, usize, usize)) -> [std::ops::Range<usize>; 3] {
    [0..shape.0, 0..shape.1, 0..shape.2]
}

#[test]
fn smoothing_equals_astrocast() {
    let Some(parts) = arrays("detector_parts.npz") else { return };
    let movie = volume(&parts["movie"].values, SHAPE);
    for (sigma, radius) in [(2.0, 2), (1.0, 3)] {
        let params = DetectParams {
            smooth: Some(Smooth { sigma: [sigma; 3], radius: Some(radius) }),
            ..DetectParams::default()
        };
        let found = smooth(movie.view(), whole(SHAPE), &params);
        let wanted = &parts[&format!("smooth_s{sigma}_r{radius}")].values;
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((f64::from(*found) - wanted).abs() < 1e-4);
        }
    }
}

fn differ(found: ArrayView3<'_, bool>, wanted: &Array3<bool>) -> usize {
    assert!(wanted.iter().any(|m| *m));
    found.iter().zip(wanted).filter(|(a, b)| a != b).count()
}

#[test]
fn criteria_equal_astrocast() {
    let Some(parts) = arrays("detector_parts.npz") else { return };
    let smoothed = volume(&parts["smooth_s2_r2"].values, SHAPE);
    let scale = Array2::ones((48, 48));
    for (depth, ratio) in [(1, 1), (2, 1), (1, 3)] {
        let params = DetectParams {
            spatial: Some(Spatial { min_ratio: f64::from(ratio), depth }),
            temporal: None,
            ..DetectParams::astrocast()
        };
        let found = slab_marks(smoothed.view(), 0..90, scale.view(), None, &params, Sign::Positive);
        let wanted = bits(&parts[&format!("spatial_depth{depth}_ratio{ratio}")].values, SHAPE);
        assert_eq!(differ(found.view(), &wanted), 0, "{depth} {ratio}");
    }
    for (prominence, width, rel_height, wlen) in
        [(10.0, 3.0, 0.9, 60.0), (5.0, 3.0, 0.9, 60.0), (10.0, 5.0, 0.5, 31.0)]
    {
        let params = Temporal {
            prominence,
            width,
            rel_height,
            wlen: Some(wlen),
            plateau_size: None,
            cut_crossings: true,
        };
        let found = temporal_marks(smoothed.view(), scale.view(), &params, Sign::Positive);
        let name = format!("temporal_p{prominence}_w{width}_r{rel_height}_l{wlen}");
        assert_eq!(differ(found.view(), &bits(&parts[&name].values, SHAPE)), 0, "{name}");
    }
}

#[test]
fn sizes_in_windows_equal_astrocast() {
    let Some(parts) = arrays("detector_parts.npz") else { return };
    let shape = (40, 48, 48);
    let mask = bits(&parts["morph_in"].values, shape);
    for (connectivity, depth) in [(1, 1), (2, 1), (1, 2), (2, 2)] {
        let params = DetectParams {
            holes_connectivity: connectivity,
            object_connectivity: connectivity,
            ..DetectParams::default()
        };
        for (what, name) in
            [(Cleaning::FillHoles, "fill_a10"), (Cleaning::DropObjects, "remove_s20")]
        {
            let wanted = bits(&parts[&format!("{name}_c{connectivity}_d{depth}")].values, shape);
            let found = clean_in_windows(mask.view(), 0..40, depth, what, &params);
            assert_eq!(differ(found.view(), &wanted), 0, "{name} {connectivity} {depth}");
        }
    }
}

#[test]
fn the_whole_equals_astrocast() {
    let (Some(parts), Some(run)) = (arrays("detector_parts.npz"), arrays("detector_run.npz"))
    else {
        return;
    };
    let movie = volume(&parts["movie"].values, SHAPE);
    let found = detect(movie.view(), &DetectParams::astrocast()).unwrap();
    let wanted = &run["event_map"].values;
    let (mut both, mut either, mut renamed) = (0, 0, 0);
    for (a, b) in found.event_map.iter().zip(wanted) {
        both += usize::from(*a > 0 && *b > 0.0);
        either += usize::from(*a > 0) + usize::from(*b > 0.0);
        renamed += usize::from(*a > 0 && *b > 0.0 && f64::from(*a) != *b);
    }
    let dice = 2.0 * both as f64 / either as f64;
    assert!(dice >= 0.999, "{dice}");
    assert_eq!((found.events.len(), renamed), (8, 0));
    // Either criterion alone finds no less.
    let either = DetectParams { combine: Combine::Or, ..DetectParams::astrocast() };
    let active = |d: &hooke_events::detect::Detection| d.active_fraction();
    assert!(active(&detect(movie.view(), &either).unwrap()) > active(&found));
}
