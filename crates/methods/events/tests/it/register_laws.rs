//! What must not change what is found, and input that is refused.

use hooke_events::EventsError;
use hooke_events::register::{
    BorderFill, Displacement, Mode, RegisterParams, ShiftTable, Template, estimate, register, warp,
};
use hooke_events::sim::Motion;
use ndarray::{Array2, Array3, Axis, array};
use proptest::prelude::*;

use crate::register_kit::{moved, simulated};

fn params() -> RegisterParams {
    let gate = false;
    RegisterParams { max_shift: 12.0, block: 48, stride: 24, gate, ..RegisterParams::default() }
}

fn template(movie: &Array3<f32>, params: &RegisterParams) -> Template {
    let read = |t: usize| Ok::<_, EventsError>(movie.index_axis(Axis(0), t).to_owned());
    let (t, y, x) = movie.dim();
    Template::build([t, y, x], read, params).unwrap()
}

fn rows(movie: &Array3<f32>, params: &RegisterParams, together: usize) -> Vec<[f64; 2]> {
    let template = template(movie, params);
    let settled = estimate(movie.view(), &template, params, together).unwrap();
    settled.table.rows().map(|r| [r.dy_px, r.dx_px]).collect()
}

fn assert_near(a: &[[f64; 2]], b: &[[f64; 2]], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((0..2).all(|d| (a[d] - b[d]).abs() < tolerance), "{i}: {a:?} {b:?}");
    }
}

#[test]
fn gain_offset_and_transposition_change_nothing() {
    let (_, movie) = simulated(Motion::Piecewise, 24, 96, 4);
    let movie = movie.mapv(f32::from);
    let found = rows(&movie, &params(), 24);
    assert!(found.len() > 24, "blocks are wanted here");
    assert_eq!(rows(&movie.mapv(|v| 4.0 * v), &params(), 24), found);
    assert_near(&rows(&movie.mapv(|v| v + 100.0), &params(), 24), &found, 2e-3);
    let turned = movie.clone().permuted_axes([0, 2, 1]).as_standard_layout().into_owned();
    let turned = rows(&turned, &params(), 24);
    // Blocks change places as well.
    let side = ((found.len() / 24 - 1) as f64).sqrt().round() as usize;
    let back: Vec<[f64; 2]> = turned
        .chunks(1 + side * side)
        .flat_map(|rows| {
            let swap = |r: &[f64; 2]| [r[1], r[0]];
            let blocks = (0..side * side).map(move |b| swap(&rows[1 + b % side * side + b / side]));
            std::iter::once(swap(&rows[0])).chain(blocks).collect::<Vec<_>>()
        })
        .collect();
    assert_near(&back, &found, 5e-3);
}

#[test]
fn division_in_time_and_threads_change_nothing() {
    let (_, movie) = simulated(Motion::Piecewise, 30, 96, 5);
    let movie = movie.mapv(f32::from);
    let whole = rows(&movie, &params(), 30);
    for together in [1, 7, 16] {
        assert_eq!(rows(&movie, &params(), together), whole, "{together} together");
    }
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| register(movie.view(), None, &params()).unwrap())
    };
    let (one, four) = (run(1), run(4));
    assert_eq!(one.movie, four.movie);
    assert_eq!(one.template, four.template);
    assert!(one.table.rows().eq(four.table.rows()));
}

#[test]
fn small_short_and_flat_movies_are_answered() {
    let shifts: Vec<[f64; 2]> = (0..8).map(|t| [t as f64 % 3.0, 0.5 * t as f64]).collect();
    // Smaller than a block: as a whole only. The range of shifts is cut to the frame.
    let movie = moved([40, 52], &shifts);
    let found = register(movie.view(), None, &RegisterParams::default()).unwrap();
    assert_eq!(found.mode, Mode::Rigid);
    assert!(!found.table.has_blocks());
    // One frame is copied.
    let one = moved([40, 52], &shifts[3..4]);
    let found = register(one.view(), None, &RegisterParams::default()).unwrap();
    assert_eq!((found.mode, found.movie), (Mode::None, one));
    // So is a movie without anything on it.
    for value in [0.0, 1000.0] {
        let flat = Array3::from_elem((6, 40, 40), value);
        let found = register(flat.view(), None, &RegisterParams::default()).unwrap();
        assert_eq!((found.mode, &found.movie), (Mode::None, &flat));
        assert!(found.table.frames().iter().all(|f| f.flag & 2 != 0));
    }
}

#[test]
fn bad_input_is_refused() {
    let movie = moved([40, 40], &[[0.0; 2]; 4]);
    let all = RegisterParams::default();
    let mut holes = movie.clone();
    holes[[2, 5, 7]] = f32::NAN;
    holes[[2, 6, 7]] = f32::INFINITY;
    assert_eq!(
        register(holes.view(), None, &all).err(),
        Some(EventsError::NotFinite { frame: 2, row: 5, column: 7, count: 2 })
    );
    let small = Array3::<f32>::zeros((3, 15, 40));
    assert!(matches!(register(small.view(), None, &all), Err(EventsError::Parameter { .. })));
    let none = Array3::<f32>::zeros((0, 40, 40));
    assert!(matches!(register(none.view(), None, &all), Err(EventsError::Parameter { .. })));
    let other = Template::from_image(Array2::zeros((40, 41)).view()).unwrap();
    assert!(matches!(register(movie.view(), Some(other), &all), Err(EventsError::Shape { .. })));
    let bad = [
        RegisterParams { max_shift: 0.0, ..all.clone() },
        RegisterParams { max_shift: f64::NAN, ..all.clone() },
        RegisterParams { block: 8, ..all.clone() },
        RegisterParams { stride: 0, ..all.clone() },
        RegisterParams { band: Some([8.0, 1.0]), ..all.clone() },
        RegisterParams { max_deviation: 40.0, ..all.clone() },
        RegisterParams { iterations: 0, ..all.clone() },
        RegisterParams { template_frames: 0, ..all.clone() },
    ];
    for params in bad {
        assert!(matches!(params.validate(), Err(EventsError::Parameter { .. })), "{params:?}");
    }
}

#[test]
fn tables_that_are_no_tables_are_refused() {
    let (_, movie) = simulated(Motion::Piecewise, 12, 96, 4);
    let found = register(movie.view(), None, &params()).unwrap();
    assert!(found.table.has_blocks());
    let rows: Vec<_> = found.table.rows().collect();
    assert!(ShiftTable::from_rows(&rows, [96, 96]).is_ok());
    let without = |i: usize| {
        let mut rows = rows.clone();
        rows.remove(i);
        ShiftTable::from_rows(&rows, [96, 96])
    };
    assert!(without(0).is_err() && without(1).is_err() && without(rows.len() - 1).is_err());
    let mut wild = rows.clone();
    wild[3].dy_px = f64::NAN;
    assert!(ShiftTable::from_rows(&wild, [96, 96]).is_err());
    wild[3] = rows[3];
    wild[3].block_y_px = Some(1.0);
    assert!(ShiftTable::from_rows(&wild, [96, 96]).is_err());
}

#[test]
fn borders_and_types_are_as_asked() {
    let frame = array![[10_u8, 20, 30], [40, 50, 60], [70, 80, 251]];
    let at = |border, shift| {
        let params = RegisterParams { border, ..RegisterParams::default() };
        warp(frame.view(), &Displacement::Whole(shift), &params).unwrap()
    };
    let edge = at(BorderFill::Edge, [0.0, 1.0]);
    assert_eq!(edge, array![[20, 30, 30], [50, 60, 60], [80, 251, 251]]);
    let zero = at(BorderFill::Zero, [-1.0, 0.0]);
    assert_eq!(zero, array![[0, 0, 0], [10, 20, 30], [40, 50, 60]]);
    assert_eq!(at(BorderFill::Nan, [0.0, -2.0]).column(0).to_vec(), [0, 0, 0]);
    // The spline overshoots beyond 255 here, and is clipped.
    let bright = array![[255_u8, 255, 255, 0, 0], [255, 255, 255, 0, 0], [255, 255, 255, 0, 0]];
    let moved = warp(bright.view(), &Displacement::Whole([0.0, -0.5]), &RegisterParams::default());
    assert_eq!(moved.unwrap()[[1, 2]], 255);
    let field = [Array2::from_elem((3, 3), 0.0), Array2::from_elem((3, 3), 1.0)];
    let params = RegisterParams::default();
    assert_eq!(warp(frame.view(), &Displacement::Field(field), &params).unwrap(), edge);
    let short = [Array2::zeros((2, 3)), Array2::zeros((3, 3))];
    assert!(warp(frame.view(), &Displacement::Field(short), &params).is_err());
    assert!(warp(frame.view(), &Displacement::Whole([f64::NAN, 0.0]), &params).is_err());
    assert!(warp(frame.view(), &Displacement::Whole([500.0, -500.0]), &params).is_ok());
    let lost = [Array2::from_elem((3, 3), f32::NAN), Array2::zeros((3, 3))];
    assert_eq!(warp(frame.view(), &Displacement::Field(lost), &params).unwrap()[[1, 1]], 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_constant_field_moves_as_a_whole(dy in -9.0..9.0_f64, dx in -9.0..9.0_f64, fill in 0..3_usize) {
        let frame = moved([18, 23], &[[0.0; 2]]).remove_axis(Axis(0));
        let border = [BorderFill::Nan, BorderFill::Edge, BorderFill::Zero][fill];
        let params = RegisterParams { border, ..RegisterParams::default() };
        let (dy, dx) = (f64::from(dy as f32), f64::from(dx as f32));
        let field = [Array2::from_elem((18, 23), dy as f32), Array2::from_elem((18, 23), dx as f32)];
        let whole = warp(frame.view(), &Displacement::Whole([dy, dx]), &params).unwrap();
        let field = warp(frame.view(), &Displacement::Field(field), &params).unwrap();
        for (a, b) in whole.iter().zip(&field) {
            prop_assert!((a - b).abs() < 2e-3 || (a.is_nan() && b.is_nan()), "{} {}", a, b);
        }
    }
}
