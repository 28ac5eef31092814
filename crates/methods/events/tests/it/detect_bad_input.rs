//! What detection refuses, and what it takes without a murmur.

use hooke_events::EventsError;
use hooke_events::detect::{
    DetectParams, Noise, Smooth, Temporal, Units, check_baseline, detect, frame_levels, row_noise,
    smooth,
};
use hooke_events::sim::{MovieSim, MovieSimParams};
use ndarray::Array3;

use crate::kit::movie;

#[test]
fn movies_without_anything_have_no_events() {
    for shape in [(0, 5, 5), (1, 5, 5), (2, 5, 5), (3, 1, 1), (9, 0, 4), (9, 4, 0), (40, 6, 6)] {
        for value in [0.0, 7.5] {
            let found = detect(Array3::from_elem(shape, value).view(), &DetectParams::default());
            let found = found.unwrap();
            assert_eq!((found.event_map.dim(), found.events.len()), (shape, 0));
            assert_eq!(found.noise.sd.dim(), (shape.1, shape.2));
            assert_eq!((found.active_fraction(), found.largest_fraction()), (0.0, 0.0));
        }
    }
}

#[test]
fn a_movie_without_noise_still_has_events() {
    let mut movie = Array3::<f32>::zeros((60, 20, 20));
    movie.slice_mut(ndarray::s![20..30, 5..12, 5..12]).fill(50.0);
    let found = detect(movie.view(), &DetectParams::default()).unwrap();
    assert_eq!(found.events.len(), 1);
    assert!(found.largest_fraction() > 0.01 && found.events[0].peak_z.is_finite());
}

#[test]
fn samples_that_are_no_numbers_are_refused() {
    let mut movie = Array3::<f32>::zeros((9, 3, 4));
    movie[[4, 2, 1]] = f32::NEG_INFINITY;
    let refused = detect(movie.view(), &DetectParams::default()).unwrap_err();
    assert_eq!(refused, EventsError::NotFinite { count: 1, frame: 4, row: 2, column: 1 });
}

#[test]
fn raw_movies_are_recognised() {
    let params =
        MovieSimParams { frames: 60, size: [24, 24], events: 0, ..MovieSimParams::default() };
    let raw = movie(&MovieSim::new(params).unwrap());
    let params = DetectParams::default();
    let smoothed = smooth(raw.view(), [0..60, 0..24, 0..24], &params);
    let noise = Noise::new(&[row_noise(smoothed.view(), &params)]);
    let refused = check_baseline(&frame_levels(raw.view()), &noise).unwrap_err();
    assert!(refused.to_string().contains("raw"), "{refused}");
    let df = hooke_events::delta::delta(raw.view(), &Default::default(), false).unwrap().values;
    assert_eq!(check_baseline(&frame_levels(df.view()), &noise), Ok(()));
}

#[test]
fn parameters_out_of_range_are_refused() {
    let movie = Array3::<f32>::zeros((9, 3, 4));
    let refused = |change: fn(&mut DetectParams)| {
        let mut params = DetectParams::default();
        change(&mut params);
        matches!(detect(movie.view(), &params), Err(EventsError::Parameter { .. }))
    };
    let temporal = |change: fn(&mut Temporal)| {
        let mut temporal = Temporal::default();
        change(&mut temporal);
        let params = DetectParams { temporal: Some(temporal), ..DetectParams::default() };
        detect(movie.view(), &params).is_err()
    };
    assert!(refused(|p| p.connectivity = 0) && refused(|p| p.holes_connectivity = 4));
    assert!(refused(|p| p.threshold = Some(f64::NAN)));
    assert!(refused(|p| (p.spatial, p.temporal) = (None, None)));
    assert!(refused(|p| p.smooth = Some(Smooth { sigma: [2.0, -1.0, 2.0], radius: None })));
    assert!(refused(|p| p.valid = Some([4, 2, 0, 4])));
    assert!(refused(|p| p.split.min_fraction = 2.0));
    assert!(temporal(|t| t.prominence = 0.0) && temporal(|t| t.wlen = Some(1.0)));
    assert!(temporal(|t| t.rel_height = f64::NAN) && temporal(|t| t.width = -1.0));
    let beyond = DetectParams { valid: Some([0, 99, 2, 99]), ..DetectParams::default() };
    assert!(detect(movie.view(), &beyond).is_ok());
    let plain = DetectParams { threshold: Some(3.0), units: Units::Sd, ..DetectParams::default() };
    assert_eq!(plain.halo(), [8, 8, 8]);
}
