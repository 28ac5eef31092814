//! The simulator keeps its word.

use hooke_events::sim::{Motion, MovieSim, MovieSimParams};

fn small() -> MovieSimParams {
    MovieSimParams { frames: 120, size: [64, 80], events: 12, ..MovieSimParams::default() }
}

fn sim(params: MovieSimParams) -> MovieSim {
    MovieSim::new(params).unwrap()
}

#[test]
fn frames_depend_on_seed_and_number_only() {
    let moving = MovieSimParams { motion: Motion::Piecewise, ..small() };
    let (a, b) = (sim(moving.clone()), sim(moving.clone()));
    let late = a.frame(100);
    assert_eq!(late.dim(), (64, 80));
    for t in [3, 99, 100] {
        b.frame(t);
    }
    assert_eq!(b.frame(100), late);
    assert_ne!(a.frame(99), late);
    assert_ne!(sim(MovieSimParams { seed: 2, ..moving }).frame(100), late);
}

#[test]
fn a_still_noise_free_movie_is_background_and_events() {
    let sim = sim(small());
    let mut lit = 0;
    for t in (0..120).step_by(7) {
        let sum = sim.background(t) + sim.df(t);
        for (clean, sum) in sim.clean_frame(t).iter().zip(&sum) {
            assert!((clean - sum).abs() <= 1e-3 * sum, "{clean} {sum}");
        }
        // What has a label is lit, and has the label of an event that is going on.
        let events = sim.events();
        for (label, df) in sim.labels(t).iter().zip(&sim.df(t)) {
            if *label > 0 {
                let event = &events[*label as usize - 1];
                assert!(*df > 0.0 && event.t[0] <= t && t < event.t[1]);
                lit += 1;
            }
        }
    }
    assert!(lit > 100, "{lit}");
}

#[test]
fn registered_is_raw_at_the_displaced_place() {
    let params = MovieSimParams { motion: Motion::Piecewise, frames: 300, ..small() };
    let moving = sim(params.clone());
    let still = sim(MovieSimParams { motion: Motion::None, ..params });
    let mut largest = [0.0_f64; 2];
    for t in [0, 57, 211, 299] {
        let (raw, rest) = (moving.clone_frame_f64(t), still.clone_frame_f64(t));
        let field = moving.field(t);
        let mut errors = Vec::new();
        for y in 12..52 {
            for x in 12..68 {
                let d = moving.displacement(t, [y as f64, x as f64]);
                for axis in 0..2 {
                    assert!((d[axis] - f64::from(field[[y, x, axis]])).abs() < 1e-4);
                    largest[axis] = largest[axis].max(d[axis].abs());
                }
                let (py, px) = (y as f64 + d[0], x as f64 + d[1]);
                let (iy, ix) = (py.floor() as usize, px.floor() as usize);
                let (fy, fx) = (py.fract(), px.fract());
                let row = |y: usize| (1.0 - fx) * raw[[y, ix]] + fx * raw[[y, ix + 1]];
                let found = (1.0 - fy) * row(iy) + fy * row(iy + 1);
                errors.push((found - rest[[y, x]]).abs() / rest[[y, x]]);
            }
        }
        // Bilinear interpolation of the test itself errs by a few parts in a hundred at puncta.
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        assert!(mean < 0.02, "{mean}");
    }
    assert!(largest.iter().all(|d| *d > 0.5 && *d <= 9.2), "{largest:?}");
}

trait Doubles {
    fn clone_frame_f64(&self, t: usize) -> ndarray::Array2<f64>;
}

impl Doubles for MovieSim {
    fn clone_frame_f64(&self, t: usize) -> ndarray::Array2<f64> {
        self.clean_frame(t).mapv(f64::from)
    }
}

#[test]
fn shifts_stay_within_their_limits_and_are_the_mean_of_the_field() {
    let params = MovieSimParams { motion: Motion::Piecewise, frames: 1000, ..small() };
    let sim = sim(params.clone());
    let mut farthest = 0.0_f64;
    for t in 0..1000 {
        assert!(sim.shift(t).iter().all(|s| s.abs() <= params.max_rigid));
        farthest = farthest.max(sim.shift(t)[0].abs());
    }
    assert!(farthest > 3.0);
    for t in [10, 500] {
        let field = sim.field(t);
        for axis in 0..2 {
            let lane = field.slice(ndarray::s![.., .., axis]);
            let mean = lane.iter().map(|v| f64::from(*v)).sum::<f64>() / lane.len() as f64;
            let shift = sim.shift(t)[axis];
            assert!((mean - shift).abs() < 1e-5);
            assert!(lane.iter().all(|v| (f64::from(*v) - shift).abs() <= 2.0 + 1e-5));
        }
    }
    let rigid = MovieSim::new(MovieSimParams { motion: Motion::Rigid, ..params }).unwrap();
    assert_eq!(rigid.shift(77), sim.shift(77));
    assert!(
        rigid
            .field(77)
            .iter()
            .step_by(2)
            .all(|d| f64::from(*d) == f64::from(sim.shift(77)[0] as f32))
    );
}

#[test]
fn boxes_and_counts_of_events_are_those_of_their_labels() {
    // Far apart in time, so that no event covers another.
    let params = MovieSimParams { frames: 4000, events: 5, seed: 4, ..small() };
    let sim = sim(params);
    for event in sim.events() {
        let mut voxels = 0;
        for t in event.t[0].saturating_sub(2)..(event.t[1] + 2).min(4000) {
            for ((y, x), label) in sim.labels(t).indexed_iter() {
                if *label == event.id {
                    voxels += 1;
                    assert!((event.t[0]..event.t[1]).contains(&t));
                    assert!((event.y[0]..event.y[1]).contains(&y));
                    assert!((event.x[0]..event.x[1]).contains(&x));
                }
            }
        }
        assert_eq!(voxels, event.voxels);
        assert!(voxels > 100);
    }
}

#[test]
fn noise_and_bleaching_are_as_asked() {
    let params = MovieSimParams { events: 0, frames: 101, ..small() };
    let sim = sim(params);
    let mut chi = 0.0;
    let mut n = 0.0;
    for t in [0, 50, 100] {
        let truth = sim.background(t);
        for (v, b) in sim.frame(t).iter().zip(&truth) {
            // Photon noise, read noise and rounding.
            let variance = 8.0 * (f64::from(*b) - 100.0) + 16.0 + 1.0 / 12.0;
            chi += (f64::from(*v) - f64::from(*b)).powi(2) / variance;
            n += 1.0;
        }
    }
    assert!((chi / n - 1.0).abs() < 0.05, "{}", chi / n);
    let light = |t: usize| sim.background(t).mapv(|v| f64::from(v) - 100.0).sum();
    assert!((light(100) / light(0) - 0.75).abs() < 1e-5);
}

#[test]
fn tiny_movies_work_and_nonsense_is_refused() {
    let tiny = MovieSimParams {
        frames: 1,
        size: [1, 3],
        motion: Motion::Piecewise,
        ..MovieSimParams::default()
    };
    assert_eq!(sim(tiny).frame(0).dim(), (1, 3));
    let refused = |change: fn(&mut MovieSimParams)| {
        let mut params = small();
        change(&mut params);
        MovieSim::new(params).is_err()
    };
    assert!(refused(|p| p.frames = 0) && refused(|p| p.size[0] = 0));
    assert!(refused(|p| p.gain = f64::NAN) && refused(|p| p.bleach = 1.0));
    assert!(refused(|p| p.amplitude = [2.0, 1.0]) && refused(|p| p.max_rigid = -1.0));
    assert!(refused(|p| p.label_level = 0.0) && refused(|p| p.photons = f64::INFINITY));
}
