//! Rotation and drift against the shared answers and simulated movies.

use hooke_lineage::deskew::*;
use hooke_lineage::drift::*;
use hooke_lineage::imgops::{CropBox, rescale};
use hooke_lineage::sim::{MotherMachineParams, Movie, SimOpenEnd};
use ndarray::{Array2, s};

use crate::kit::answers;
use crate::kit_arrays::*;

#[test]
fn rotations_are_found_in_the_shared_pictures() {
    let (Some(arrays), Some(answers)) = (arrays("deskew.npz"), answers("deskew.json")) else {
        return;
    };
    for case in answers.as_array().unwrap() {
        let image = mask(&arrays[case["image"].as_str().unwrap()]);
        let truth = case["true_correction_deg"].as_f64().unwrap();
        let peer = case["peer_deg"].as_f64().unwrap();
        let (grid, fine) = (deskew_grid(image.view()), deskew(rescale(image.view()).view()));
        assert!((grid - peer).abs() < 0.2501, "{case}: {grid}");
        assert!((fine - truth).abs() < 0.1, "{case}: {fine}");
    }
}

fn movie(seed: u64, rotation: f64, open_end: SimOpenEnd) -> Movie {
    let params =
        MotherMachineParams { seed, rotation, open_end, frames: 8, fluo: 0, ..Default::default() };
    Movie::mother_machine(&params).unwrap()
}

#[test]
fn rotations_are_found_in_simulated_pictures() {
    for (seed, rotation) in [(3, 0.0), (4, 0.37), (5, -1.21), (6, 3.3)] {
        let open_end = if seed % 2 == 0 { SimOpenEnd::Top } else { SimOpenEnd::Bottom };
        let frame = movie(seed, rotation, open_end).next().unwrap();
        let found = deskew(rescale(frame.images[0].view()).view());
        assert!((found - rotation).abs() <= 0.1, "{rotation}: {found}");
    }
}

#[test]
fn flat_and_odd_pictures_are_level() {
    assert_eq!(deskew(Array2::zeros((40, 50)).view()), 0.0);
    assert_eq!(deskew(Array2::zeros((0, 0)).view()), 0.0);
    assert_eq!(deskew_grid(Array2::zeros((0, 5)).view()), 0.0);
    assert_eq!(deskew_grid(Array2::from_elem((9, 9), 77).view()), 0.0);
    let mut image = Array2::from_shape_fn((20, 20), |(y, x)| (y * x) as f32);
    image[[3, 3]] = f32::NAN;
    assert_eq!(deskew(image.view()), 0.0);
}

#[test]
fn templates_are_found_where_the_shared_answers_say() {
    let Some(arrays) = arrays("drift.npz") else { return };
    let frames = stack(&arrays["frames"], |v| (v / 65535.0) as f32);
    let boxes: Vec<CropBox> = arrays["boxes_xtl_ytl_xbr_ybr"]
        .values
        .chunks(4)
        .map(|b| CropBox { xtl: b[0] as i64, ytl: b[1] as i64, xbr: b[2] as i64, ybr: b[3] as i64 })
        .collect();
    for (name, whole) in [("top", false), ("whole", true)] {
        let place = drift_box(&boxes, [200, 240], whole);
        let wanted = picture(&arrays[&format!("{name}_template")], |v| v as f32);
        let first = frames.index_axis(ndarray::Axis(0), 0);
        assert_near(place.crop(first).view(), wanted.view(), 1e-4, name);
        let template = TemplateDrift::new(first, place).unwrap();
        let mut phase = PhaseDrift::of_box(place).unwrap();
        let mut shifts = Vec::new();
        let truth = pairs(&arrays["truth_xy"]);
        for (frame, wanted) in frames.outer_iter().zip(pairs(&arrays[&format!("{name}_drift")])) {
            let found = template.measure(frame).unwrap().unwrap();
            assert_eq!(found.map(|v| v as i32), wanted, "{name}");
            shifts.push(phase.measure(frame).unwrap());
        }
        for (found, truth) in reconcile(&shifts).iter().zip(&truth) {
            let near = |axis: usize| (found[axis] - f64::from(truth[axis])).abs() < 0.3;
            assert!(near(0) && near(1), "{name}: {found:?}, wanted {truth:?}");
        }
    }
}

#[test]
fn drift_of_simulated_movies_is_found() {
    for (seed, open_end) in [(11, SimOpenEnd::Bottom), (12, SimOpenEnd::Top)] {
        let mut movie = movie(seed, 0.0, open_end);
        let boxes: Vec<CropBox> = movie
            .boxes()
            .iter()
            .map(|b| CropBox { xtl: b[0], ytl: b[1], xbr: b[2], ybr: b[3] })
            .collect();
        let first = rescale(movie.clone().next().unwrap().images[0].view());
        let mut phase = PhaseDrift::new(first.view(), &boxes, false).unwrap();
        let (mut shifts, mut truth) = (Vec::new(), Vec::new());
        for frame in &mut movie {
            shifts.push(phase.measure(rescale(frame.images[0].view()).view()).unwrap());
            truth.push(frame.drift);
        }
        for (found, truth) in reconcile(&shifts).iter().zip(&truth) {
            let off = (found[0] - truth[0]).hypot(found[1] - truth[1]);
            assert!(off < 0.5, "{found:?}, wanted {truth:?}");
        }
    }
}

/// Spots of light, moved by a shift `(x, y)`; other spots for another seed.
fn spots(seed: usize, [dx, dy]: [f64; 2]) -> Array2<f32> {
    let spread = |i: usize, k: f64| (0.37 * seed as f64 + (i + 1) as f64 * k).fract();
    Array2::from_shape_fn((90, 120), |(y, x)| {
        let spot = |i: usize| {
            let (cy, cx) =
                (90.0 * spread(i, 0.754_877_666) + dy, 120.0 * spread(i, 0.569_840_291) + dx);
            let sigma = 1.2 + 2.0 * spread(i, 0.618_033_989);
            let square = (y as f64 - cy).powi(2) + (x as f64 - cx).powi(2);
            spread(i, 0.414_213_562) * (-0.5 * square / (sigma * sigma)).exp()
        };
        (0..60).map(spot).sum::<f64>() as f32 / 3.0
    })
}

#[test]
fn blurred_and_flat_frames_do_not_move_the_others() {
    let truth = [[0.0, 0.0], [1.0, -0.5], [2.0, -1.0], [3.0, -1.5], [4.0, -2.0], [5.0, -2.5]];
    let mut phase = PhaseDrift::of_box(CropBox { xtl: 5, ytl: 5, xbr: 115, ybr: 85 }).unwrap();
    let mut shifts = Vec::new();
    for (t, shift) in truth.iter().enumerate() {
        let frame = match t {
            // A lost frame, and one of something else.
            2 => Array2::from_elem((90, 120), 0.3),
            4 => spots(7, [0.0; 2]),
            _ => spots(1, *shift),
        };
        shifts.push(phase.measure(frame.view()).unwrap());
    }
    assert_eq!(shifts[2], FrameShift::default());
    assert_eq!(shifts[3].to_previous.unwrap().0, 1);
    let found = reconcile(&shifts);
    for t in [0, 1, 2, 3, 5] {
        let off = (found[t][0] - truth[t][0]).hypot(found[t][1] - truth[t][1]);
        assert!(off < 0.15, "frame {t}: {:?}, wanted {:?}", found[t], truth[t]);
    }
}

#[test]
fn reconciling_is_least_squares_over_both_kinds_of_shifts() {
    let sure = |shift| Shift { shift, peak_ratio: 10.0 };
    let still = FrameShift { to_first: Some(sure([0.0; 2])), to_previous: None };
    let next = |a: f64, b: f64| FrameShift {
        to_first: Some(sure([a, -a])),
        to_previous: Some((0, sure([b, -b]))),
    };
    // Both agree in weight: the mean.
    let found = reconcile(&[still, next(1.0, 1.2)]);
    assert!((found[1][0] - 1.1).abs() < 1e-9 && (found[1][1] + 1.1).abs() < 1e-9);
    assert_eq!(reconcile(&[]), Vec::<[f64; 2]>::new());
    assert_eq!(reconcile(&[FrameShift::default(); 2]), [[0.0; 2]; 2]);
    assert_eq!(reconcile(&[FrameShift::default(), still, FrameShift::default()]), [[0.0; 2]; 3]);
}

#[test]
fn drift_boxes_avoid_chambers_and_wrong_boxes_are_refused() {
    let at = |ytl, ybr| CropBox { xtl: 10, ytl, xbr: 20, ybr };
    assert_eq!(
        drift_box(&[at(0, 120)], [200, 240], false),
        CropBox { xtl: 6, ytl: 125, xbr: 234, ybr: 195 }
    );
    let all = CropBox { xtl: 6, ytl: 5, xbr: 234, ybr: 195 };
    assert_eq!(drift_box(&[at(0, 200)], [200, 240], false), all);
    assert_eq!(drift_box(&[], [200, 240], false), all);
    let image = spots(2, [0.0; 2]).slice(s![..30, ..40]).to_owned();
    assert!(TemplateDrift::new(image.view(), CropBox { xtl: 0, ytl: 0, xbr: 41, ybr: 5 }).is_err());
    let template =
        TemplateDrift::new(image.view(), CropBox { xtl: 3, ytl: 3, xbr: 30, ybr: 20 }).unwrap();
    assert!(template.measure(spots(2, [0.0; 2]).view()).is_err());
    assert_eq!(template.measure(Array2::zeros((30, 40)).view()).unwrap(), None);
    assert_eq!(template.measure(image.view()).unwrap(), Some([0, 0]));
    assert!(PhaseDrift::of_box(CropBox { xtl: 0, ytl: 0, xbr: 3, ybr: 50 }).is_err());
    let mut phase = PhaseDrift::of_box(CropBox { xtl: 0, ytl: 0, xbr: 50, ybr: 5 }).unwrap();
    assert!(phase.measure(image.view()).is_err());
}
