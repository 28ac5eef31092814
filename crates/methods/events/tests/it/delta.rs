//! Baselines: other programs' exactly, our own near the truth, and the laws they keep.

use hooke_events::EventsError;
use hooke_events::delta::{
    Baseline, Delta, DeltaParams, Quantity, delta, fill_missing, frame_level, min_filter,
    not_finite,
};
use hooke_events::sim::{MovieSim, MovieSimParams};
use ndarray::{Array3, Axis, s};

use crate::kit::{arrays, movie};

#[test]
fn minimum_filter_equals_astrocast() {
    let Some(arrays) = arrays("min_filter.npz") else { return };
    let x = &arrays["x"];
    let pixels: usize = x.shape[1..].iter().product();
    for window in [2, 3, 5, 10, 31, 100, 300] {
        let wanted = &arrays[&format!("background_w{window}")].values;
        for pixel in 0..pixels {
            let trace: Vec<f64> = x.values.iter().skip(pixel).step_by(pixels).copied().collect();
            let found = min_filter(&trace, window);
            assert!(found.iter().eq(wanted.iter().skip(pixel).step_by(pixels)), "{window} {pixel}");
        }
    }
    // And the whole way, in the single precision of movies.
    let shape = (x.shape[0], x.shape[1], x.shape[2]);
    let movie =
        Array3::from_shape_vec(shape, x.values.iter().map(|v| *v as f32).collect()).unwrap();
    for (method, name) in [(Quantity::DeltaF, "dF"), (Quantity::DeltaFOverF, "dFF")] {
        let params = DeltaParams {
            method,
            baseline: Baseline::MinFilter,
            window: Some(31),
            ..DeltaParams::default()
        };
        let found = delta(movie.view(), &params, false).unwrap();
        for (found, wanted) in found.values.iter().zip(&arrays[&format!("{name}_w31")].values) {
            assert!((f64::from(*found) - wanted).abs() < 4e-5, "{found} {wanted}");
        }
        assert_eq!((found.report.pixels_floored, found.background), (0, None));
    }
}

/// Bias and root mean square of the background on quiet voxels in voxel standard deviations, and the
/// slope of dF on events.
fn errors(params: MovieSimParams, delta_params: &DeltaParams) -> [f64; 3] {
    let sim = MovieSim::new(params.clone()).unwrap();
    let found = delta(movie(&sim).view(), delta_params, true).unwrap();
    let background = found.background.unwrap();
    let sd = (params.gain * params.gain * params.photons + params.read_noise.powi(2)).sqrt();
    let (mut n, mut sum, mut squares, mut xy, mut xx) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for t in 0..params.frames {
        let (truth, df) = (sim.background(t), sim.df(t));
        for ((y, x), truth) in truth.indexed_iter() {
            let true_df = f64::from(df[[y, x]]);
            if true_df < 0.5 * params.gain {
                let error = f64::from(background[[t, y, x]] - truth) / sd;
                n += 1.0;
                sum += error;
                squares += error * error;
            } else {
                xy += true_df * f64::from(found.values[[t, y, x]]);
                xx += true_df * true_df;
            }
        }
    }
    [sum / n, (squares / n).sqrt(), xy / xx]
}

#[test]
fn the_quantile_baseline_is_near_the_truth() {
    let params =
        MovieSimParams { frames: 700, size: [48, 48], events: 3, ..MovieSimParams::default() };
    let [bias, rmse, slope] = errors(params.clone(), &DeltaParams::default());
    assert!(bias.abs() <= 0.04 && rmse <= 0.15, "{bias} {rmse}");
    assert!((0.93..=1.05).contains(&slope), "{slope}");
    // Shorter than two windows, and bleached as much.
    let short = MovieSimParams { frames: 320, events: 0, ..params };
    let [bias, rmse, _] = errors(short, &DeltaParams::default());
    assert!(bias.abs() <= 0.04 && rmse <= 0.16, "{bias} {rmse}");
}

#[test]
fn noise_is_measured_and_maximin_lies_below() {
    let params =
        MovieSimParams { frames: 400, size: [20, 40], events: 0, ..MovieSimParams::default() };
    let sim = MovieSim::new(params).unwrap();
    let movie = movie(&sim);
    let truth: f64 = (0..400)
        .flat_map(|t| sim.background(t))
        .map(|b| (8.0 * (f64::from(b) - 100.0) + 16.0).sqrt())
        .sum::<f64>()
        / (400.0 * 800.0);
    let mut biases = Vec::new();
    for baseline in [Baseline::Quantile, Baseline::Maximin, Baseline::MinFilter] {
        let params = DeltaParams { baseline, ..DeltaParams::default() };
        let found = delta(movie.view(), &params, true).unwrap();
        let sd = f64::from(found.noise_sd.mean().unwrap());
        assert!((sd / truth - 1.0).abs() < 0.05, "{baseline:?} {sd} {truth}");
        let background = found.background.unwrap();
        let least = background.iter().copied().fold(f32::INFINITY, f32::min);
        assert!(
            (found.report.baseline_min - least).abs() <= 1e-3,
            "{} {least}",
            found.report.baseline_min
        );
        biases.push(f64::from(found.values.mean().unwrap()) / sd);
    }
    assert!(biases[0].abs() < 0.03 && biases[1] > 0.1 && biases[2] > 1.5, "{biases:?}");
}

#[test]
fn blocks_give_the_whole_and_grey_levels_do_not_matter() {
    let params =
        MovieSimParams { frames: 203, size: [13, 70], events: 4, ..MovieSimParams::default() };
    let movie = movie(&MovieSim::new(params).unwrap());
    for baseline in [Baseline::Quantile, Baseline::Maximin, Baseline::MinFilter] {
        let params = DeltaParams { baseline, window: Some(90), ..DeltaParams::default() };
        let levels: Vec<f32> = movie.outer_iter().map(frame_level).collect();
        let prepared = Delta::new(params.clone(), &levels).unwrap();
        let whole = prepared.apply(movie.view(), true).unwrap();
        for cut in [[0..13, 0..1], [4..9, 3..70], [12..13, 69..70]] {
            let part = s![.., cut[0].clone(), cut[1].clone()];
            let block = prepared.apply(movie.slice(part), true).unwrap();
            assert_eq!(block.values, whole.values.slice(part));
            assert_eq!(block.background.unwrap(), whole.background.as_ref().unwrap().slice(part));
            assert_eq!(block.noise_sd, whole.noise_sd.slice(s![cut[0].clone(), cut[1].clone()]));
        }
        let brighter = delta(movie.mapv(|v| 4.0 * v + 100.0).view(), &params, false).unwrap();
        for (a, b) in brighter.values.iter().zip(&whole.values) {
            assert!((a - 4.0 * b).abs() < 0.05, "{a} {b}");
        }
        let transposed = delta(movie.view().permuted_axes([0, 2, 1]), &params, false).unwrap();
        let back = transposed.values.permuted_axes([0, 2, 1]);
        assert!(back.iter().zip(&whole.values).all(|(a, b)| (a - b).abs() < 0.01));
    }
}

#[test]
fn a_constant_movie_is_its_own_baseline() {
    for (frames, baseline) in [1, 2, 7, 40]
        .into_iter()
        .flat_map(|n| [(n, Baseline::Quantile), (n, Baseline::Maximin), (n, Baseline::MinFilter)])
    {
        let movie = Array3::from_elem((frames, 2, 3), 50.0_f32);
        for method in [Quantity::DeltaF, Quantity::DeltaFOverF] {
            let params = DeltaParams { baseline, method, ..DeltaParams::default() };
            let found = delta(movie.view(), &params, true).unwrap();
            assert!(found.values.iter().all(|v| v.abs() < 1e-4), "{baseline:?} {frames}");
            assert!(found.background.unwrap().iter().all(|b| (b - 50.0).abs() < 1e-4));
            assert_eq!(found.report.pixels_busy, 0);
        }
    }
    for empty in [(0, 4, 4), (5, 0, 4), (5, 4, 0)] {
        let found = delta(Array3::zeros(empty).view(), &DeltaParams::default(), true).unwrap();
        assert_eq!(found.values.dim(), empty);
    }
}

#[test]
fn dff_is_finite_floored_and_free_of_the_offset() {
    let params = MovieSimParams {
        frames: 150,
        size: [10, 12],
        events: 0,
        bleach: 0.0,
        ..MovieSimParams::default()
    };
    let sim = MovieSim::new(params).unwrap();
    let mut movie = movie(&sim);
    movie.index_axis_mut(Axis(1), 0).fill(100.0);
    let params = DeltaParams {
        method: Quantity::DeltaFOverF,
        offset: 100.0,
        overwrite_first_frame: true,
        ..DeltaParams::default()
    };
    let found = delta(movie.view(), &params, true).unwrap();
    assert!(found.values.iter().all(|v| v.is_finite()));
    assert_eq!(found.report.pixels_floored, 12);
    assert_eq!(found.values.index_axis(Axis(0), 0), found.values.index_axis(Axis(0), 1));
    let background = found.background.unwrap();
    let (b, x) = (background[[70, 5, 5]], movie[[70, 5, 5]]);
    assert!((found.values[[70, 5, 5]] - (x - b) / (b - 100.0)).abs() < 1e-5);
}

#[test]
fn pixels_that_are_mostly_active_are_reported() {
    let mut movie = Array3::from_shape_fn((600, 1, 2), |(t, _, x)| {
        100.0 + ((t * 37 + x * 11) % 17) as f32 * 0.5
    });
    // Active 60 of every 100 frames: the quantile of 0.3 still finds the baseline.
    for t in (0..600).filter(|t| t % 100 >= 40) {
        movie[[t, 0, 1]] += 60.0;
    }
    let found = delta(movie.view(), &DeltaParams::default(), false).unwrap();
    assert_eq!(found.report.pixels_busy, 1);
}

#[test]
fn bad_input_is_refused() {
    let mut movie = Array3::<f32>::zeros((20, 3, 4));
    movie[[7, 1, 2]] = f32::NAN;
    movie[[9, 0, 0]] = f32::INFINITY;
    let refused = delta(movie.view(), &DeltaParams::default(), false).unwrap_err();
    assert_eq!(refused, EventsError::NotFinite { count: 2, frame: 7, row: 1, column: 2 });
    let moved = not_finite(movie.slice(s![8.., .., ..])).moved_by([8, 0, 0]);
    assert_eq!((moved.count, moved.first), (1, Some([9, 0, 0])));
    movie.index_axis_mut(Axis(0), 6).fill(1.0);
    movie.index_axis_mut(Axis(0), 8).fill(2.0);
    assert_eq!(fill_missing(movie.view_mut()), 2);
    assert_eq!((movie[[7, 1, 2]], movie[[9, 0, 0]]), (1.5, 1.0));
    assert_eq!(not_finite(movie.view()).count, 0);

    let wrong = |change: fn(&mut DeltaParams)| {
        let mut params = DeltaParams::default();
        change(&mut params);
        delta(movie.view(), &params, false).is_err()
    };
    assert!(wrong(|p| p.window = Some(1)) && wrong(|p| p.bin = 0) && wrong(|p| p.quantile = 1.0));
    assert!(wrong(|p| p.smooth = f64::NAN) && wrong(|p| p.floor = Some(0.0)));
    let other = Delta::new(DeltaParams::default(), &[1.0; 19]).unwrap();
    assert!(matches!(other.apply(movie.view(), false), Err(EventsError::Shape { .. })));
    assert_eq!(DeltaParams::default().window_in(100), 100);
    assert_eq!("maximin".parse(), Ok(Baseline::Maximin));
    let rbf = "rbf".parse::<Baseline>().unwrap_err();
    assert!(rbf.to_string().contains("`quantile`"), "{rbf}");
}
