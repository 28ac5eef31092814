//! Motion that is known is found, and none is invented.

use hooke_events::register::{
    Interpolation, Mode, RegisterParams, RigidEstimator, ShiftTable, Template, register,
};
use hooke_events::score::{registration, registration_fields};
use hooke_events::sim::Motion;
use ndarray::{Array3, Array4, Axis, s};

use crate::register_kit::{frame_of, moved, simulated};

const SHIFTS: [[f64; 2]; 12] = [
    [0.0, 0.0],
    [0.25, -0.4],
    [-1.5, 2.75],
    [3.33, 0.1],
    [-0.7, -4.6],
    [5.05, 5.45],
    [-6.3, 1.9],
    [2.2, -2.2],
    [0.5, 0.5],
    [-2.85, -0.15],
    [1.1, 3.7],
    [-4.4, 0.65],
];

#[test]
fn sub_pixel_shifts_of_a_scene_without_noise_are_found() {
    let movie = moved([96, 112], &SHIFTS);
    let template = Template::from_image(movie.index_axis(Axis(0), 0)).unwrap();
    let params = RegisterParams { max_shift: 12.0, ..RegisterParams::default() };
    let found = RigidEstimator::new(&template, &params).unwrap().estimate(movie.view(), 0).unwrap();
    for (estimate, truth) in found.iter().zip(SHIFTS) {
        let shift = estimate.peaks[0].shift;
        for d in 0..2 {
            assert!((shift[d] - truth[d]).abs() <= 0.02, "{shift:?} instead of {truth:?}");
        }
        assert!(estimate.peak_ratio > 1.15);
    }
}

#[test]
fn a_registered_scene_lies_still_for_every_interpolation() {
    let shape = [96, 112];
    let movie = moved(shape, &SHIFTS);
    let kinds = [
        (Interpolation::Bspline3, 0.5),
        (Interpolation::Lanczos3, 1.0),
        (Interpolation::Fourier, 0.5),
        (Interpolation::Linear, 6.0),
    ];
    for (interpolation, tolerance) in kinds {
        let params =
            RegisterParams { mode: Mode::Rigid, interpolation, ..RegisterParams::default() };
        let found = register(movie.view(), None, &params).unwrap();
        assert_eq!(found.mode, Mode::Rigid);
        // Where the template lies is free: compare with the texture there.
        let at = found.table.frames()[0].shift;
        let valid = found.table.valid();
        assert!(valid.y1 - valid.y0 > 75 && valid.x1 - valid.x0 > 85, "{valid:?}");
        let inner = s![.., valid.y0 + 6..valid.y1 - 6, valid.x0 + 6..valid.x1 - 6];
        let expected = frame_of(shape, |y, x| [y + at[0], x + at[1]]);
        let mut squares = 0.0;
        let inside = found.movie.slice(inner);
        for frame in inside.outer_iter() {
            let expected =
                expected.slice(s![valid.y0 + 6..valid.y1 - 6, valid.x0 + 6..valid.x1 - 6]);
            squares += frame.iter().zip(expected).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        }
        let rms = (squares / inside.len() as f32).sqrt();
        assert!(rms < tolerance, "{interpolation:?}: {rms}");
        let rows: Vec<_> = found.table.rows().collect();
        assert!(rows.iter().skip(1).all(|r| r.r_after >= r.r_before), "{rows:?}");
    }
}

#[test]
fn a_still_movie_is_copied() {
    let (_, movie) = simulated(Motion::None, 60, 160, 3);
    let found = register(movie.view(), None, &RegisterParams::default()).unwrap();
    assert_eq!(found.mode, Mode::None);
    assert_eq!(found.movie, movie);
    assert!(found.table.frames().iter().all(|f| f.shift == [0.0; 2]));
    // Without the gate, too, next to nothing is invented.
    let params = RegisterParams { gate: false, mode: Mode::Rigid, ..RegisterParams::default() };
    let found = register(movie.view(), None, &params).unwrap();
    let shifts: Vec<_> = found.table.frames().iter().map(|f| f.shift).collect();
    let score = registration(&shifts, &vec![[0.0; 2]; 60]).unwrap();
    assert!(score.rmse_px <= 0.03, "{score:?}");
}

#[test]
fn noise_alone_does_not_move() {
    use rand::RngExt;
    let mut rng = hooke_core::seed::rng_at(5, "register-noise", &[]);
    let movie = Array3::from_shape_fn((40, 80, 80), |_| rng.random_range(90.0_f32..110.0));
    let found = register(movie.view(), None, &RegisterParams::default()).unwrap();
    assert_eq!(found.mode, Mode::None, "{:?}", found.gate);
    assert_eq!(found.movie, movie);
}

#[test]
fn rigid_motion_of_a_simulated_movie_is_found() {
    let (sim, movie) = simulated(Motion::Rigid, 80, 128, 1);
    let found = register(movie.view(), None, &RegisterParams::default()).unwrap();
    assert_eq!(found.mode, Mode::Rigid, "{:?}", found.gate);
    let shifts: Vec<_> = found.table.frames().iter().map(|f| f.shift).collect();
    let truth: Vec<_> = (0..80).map(|t| sim.shift(t)).collect();
    let score = registration(&shifts, &truth).unwrap();
    assert!(score.rmse_px <= 0.09, "{score:?}");
    assert!(found.stats.crispness_rigid > 1.2 * found.stats.crispness_none, "{:?}", found.stats);
}

#[test]
fn the_field_of_a_simulated_movie_is_found() {
    let (sim, movie) = simulated(Motion::Piecewise, 40, 256, 2);
    let found = register(movie.view(), None, &RegisterParams::default()).unwrap();
    assert_eq!(found.mode, Mode::Piecewise, "{:?}", found.gate);
    let fields = |field: &dyn Fn(usize) -> Array3<f32>| {
        let mut all = Array4::zeros((10, 256, 256, 2));
        for (t, mut out) in all.outer_iter_mut().enumerate() {
            out.assign(&field(4 * t));
        }
        all
    };
    let score = registration_fields(
        fields(&|t| found.table.field(t)).view(),
        fields(&|t| sim.field(t)).view(),
    )
    .unwrap();
    assert!(score.rmse_px <= 0.15, "{score:?}");
    let again = ShiftTable::from_rows(&found.table.rows().collect::<Vec<_>>(), [256, 256]).unwrap();
    assert_eq!(again.field(7), found.table.field(7));
}

#[test]
fn dark_frames_are_bridged() {
    let shifts: Vec<[f64; 2]> =
        (0..24).map(|t| [0.3 * t as f64 - 3.6, 2.0 - 0.2 * t as f64]).collect();
    let mut movie = moved([80, 80], &shifts);
    movie.slice_mut(s![9..11, .., ..]).fill(3.0);
    let found = register(movie.view(), None, &RegisterParams::default()).unwrap();
    for t in [9, 10] {
        let frame = found.table.frames()[t];
        assert_eq!(frame.flag, 2 | 4);
    }
    let found: Vec<_> = found.table.frames().iter().map(|f| f.shift).collect();
    let score = registration(&found, &shifts).unwrap();
    assert!(score.rmse_px < 0.03, "{score:?}");
}
