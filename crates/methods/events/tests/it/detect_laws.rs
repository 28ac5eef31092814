//! Laws that detection keeps, whatever the movie.

use hooke_core::seed::rng_at;
use hooke_events::delta::{DeltaParams, delta};
use hooke_events::detect::{
    Cleaning, Combine, DetectParams, Detection, Extent, Merge, Merged, Noise, Part, Sign, Smooth,
    Spatial, Temporal, Voxels, apply_cleaning, clean_in_windows, detect, label_slab, p_values,
    row_noise, slab_marks, smooth, spatial_halo, temporal_marks,
};
use hooke_events::score::events::score_events;
use hooke_events::sim::{MovieSim, MovieSimParams};
use hooke_filters::Connectivity;
use hooke_filters::components::label_components_into;
use ndarray::{Array3, ArrayView3, Axis, concatenate, s};
use rand::RngExt;

use crate::kit::{labels, movie};

fn small() -> MovieSimParams {
    MovieSimParams { frames: 260, size: [72, 64], events: 4, seed: 6, ..MovieSimParams::default() }
}

fn df(movie: ArrayView3<'_, f32>) -> Array3<f32> {
    delta(movie, &DeltaParams::default(), false).unwrap().values
}

fn found(df: ArrayView3<'_, f32>) -> Detection {
    detect(df, &DetectParams::default()).unwrap()
}

/// Part of the voxels of either map that both have.
fn agreement(a: ArrayView3<'_, u32>, b: ArrayView3<'_, u32>) -> f64 {
    score_events(a, b, 0.5).unwrap().dice
}

#[test]
fn events_of_a_simulated_movie_are_found() {
    let sim = MovieSim::new(small()).unwrap();
    let (movie, truth) = (movie(&sim), labels(&sim));
    let detection = found(df(movie.view()).view());
    let score = score_events(detection.event_map.view(), truth.view(), 0.3).unwrap();
    assert!(score.f1 >= 0.85 && score.mean_iou > 0.6, "{score:?}");
    for (i, event) in detection.events.iter().enumerate() {
        let id = i as u32 + 1;
        let size = detection.event_map.iter().filter(|l| **l == id).count() as u64;
        assert!(event.size == size && size >= 20 && event.peak_z >= 6.0, "{event:?}");
        assert_eq!((event.parent, event.p_value), (id, 1.0 / (1 + detection.events.len()) as f64));
    }
    let active: u64 = detection.events.iter().map(|e| e.size).sum();
    assert_eq!(detection.active_fraction(), active as f64 / movie.len() as f64);
    assert!(detection.largest_fraction() < detection.active_fraction());
}

#[test]
fn grey_levels_do_not_matter() {
    let movie = movie(&MovieSim::new(small()).unwrap());
    let plain = found(df(movie.view()).view()).event_map;
    assert!(plain.iter().any(|l| *l > 0));
    assert_eq!(found(df(movie.mapv(|v| 4.0 * v).view()).view()).event_map, plain);
    // Adding rounds differently, which moves a voxel that lies on a threshold.
    let brighter = found(df(movie.mapv(|v| v + 100.0).view()).view()).event_map;
    let differ = brighter.iter().zip(&plain).filter(|(a, b)| a != b).count();
    assert!(differ <= plain.iter().filter(|l| **l > 0).count() / 2000, "{differ}");
}

#[test]
fn turned_movies_have_turned_events() {
    let movie = df(movie(&MovieSim::new(small()).unwrap()).view());
    let plain = found(movie.view());
    let transposed = found(movie.view().permuted_axes([0, 2, 1]));
    let back = transposed.event_map.view().permuted_axes([0, 2, 1]);
    assert!(agreement(back, plain.event_map.view()) > 0.999);
    assert_eq!(transposed.events.len(), plain.events.len());
    let flipped = found(movie.slice(s![.., ..;-1, ..]));
    assert!(agreement(flipped.event_map.slice(s![.., ..;-1, ..]), plain.event_map.view()) > 0.999);
    assert_eq!(flipped.events.len(), plain.events.len());
}

#[test]
fn quiet_frames_at_the_end_change_little() {
    let sim = MovieSim::new(small()).unwrap();
    let quiet = MovieSim::new(MovieSimParams { frames: 120, events: 0, ..small() }).unwrap();
    let movie = df(movie(&sim).view());
    let quiet = df(crate::kit::movie(&quiet).view());
    let longer = concatenate(Axis(0), &[movie.view(), quiet.view()]).unwrap();
    let (plain, longer) = (found(movie.view()), found(longer.view()));
    assert_eq!(plain.events.len(), longer.events.len());
    // Noise is a median over all frames.
    let part = s![..240, .., ..];
    assert!(agreement(longer.event_map.slice(part), plain.event_map.slice(part)) > 0.97);
}

#[test]
fn noise_makes_no_events() {
    let params =
        MovieSimParams { frames: 400, size: [96, 96], events: 0, ..MovieSimParams::default() };
    let detection = found(df(movie(&MovieSim::new(params).unwrap()).view()).view());
    assert!(detection.events.len() <= 1, "{:?}", detection.events);
}

/// Detection as a workflow does it that never has more than a few rows or frames in memory.
fn in_blocks(movie: &Array3<f32>, params: &DetectParams, step: usize) -> Array3<u32> {
    let (frames, height, width) = movie.dim();
    let halo = params.halo();
    let rows = |first: usize| {
        let end = (first + step).min(height);
        let (low, high) = (first.saturating_sub(halo[1]), (end + halo[1]).min(height));
        let block = movie.slice(s![.., low..high, ..]);
        (first..end, smooth(block, [0..frames, first - low..end - low, 0..width], params))
    };
    let slab = |first: usize, wider: usize| {
        let end = (first + step).min(frames);
        let (a, b) = (first.saturating_sub(wider), (end + wider).min(frames));
        let (low, high) = (a.saturating_sub(halo[0]), (b + halo[0]).min(frames));
        let block = movie.slice(s![low..high, .., ..]);
        (first..end, a, smooth(block, [a - low..b - low, 0..height, 0..width], params))
    };
    let starts = |n: usize| (0..n).step_by(step);
    let noise: Vec<_> = starts(height).map(|y| row_noise(rows(y).1.view(), params)).collect();
    let scale = Noise::new(&noise).scale(params);
    let mut temporal = Array3::from_elem(movie.raw_dim(), false);
    for y in starts(height) {
        let (range, smoothed) = rows(y);
        let scale = scale.slice(s![range.clone(), ..]);
        let marks =
            temporal_marks(smoothed.view(), scale, &params.temporal.unwrap(), Sign::Positive);
        temporal.slice_mut(s![.., range, ..]).assign(&marks);
    }
    let mut mask = Array3::from_elem(movie.raw_dim(), false);
    for t in starts(frames) {
        let (range, first, smoothed) = slab(t, spatial_halo(params));
        let marks = temporal.slice(s![range.clone(), .., ..]);
        let core = range.start - first..range.end - first;
        let out =
            slab_marks(smoothed.view(), core, scale.view(), Some(marks), params, Sign::Positive);
        mask.slice_mut(s![range, .., ..]).assign(&out);
    }
    let ranges: Vec<_> = starts(frames).map(|t| t..(t + step).min(frames)).collect();
    for (what, extent) in params.cleanings() {
        let before = mask.clone();
        if let Extent::Frames(depth) = extent {
            for range in &ranges {
                let (low, high) =
                    (range.start.saturating_sub(depth), (range.end + depth).min(frames));
                let core = range.start - low..range.end - low;
                let part = before.slice(s![low..high, .., ..]);
                let out = clean_in_windows(part, core, depth, what, params);
                mask.slice_mut(s![range.clone(), .., ..]).assign(&out);
            }
            continue;
        }
        let (voxels, connectivity) = params.looks_at(what);
        let (labels, merged) =
            joined(&before, &ranges, voxels, connectivity, None, |c| params.changes(what, c));
        assert_eq!(
            merged.has_any(0),
            labels.slice(s![..step.min(frames), .., ..]).iter().any(|l| *l > 0)
        );
        apply_cleaning(mask.view_mut(), labels.view(), what);
    }
    let smoothed = smooth(movie.view(), [0..frames, 0..height, 0..width], params);
    let values = &smoothed * &scale;
    let connectivity = Connectivity::from_axes(params.connectivity).unwrap();
    let is_event = |c: &Part| params.is_event(c);
    joined(&mask, &ranges, Voxels::Marked, connectivity, Some(values.view()), is_event).0
}

fn joined(
    mask: &Array3<bool>,
    ranges: &[std::ops::Range<usize>],
    voxels: Voxels,
    connectivity: Connectivity,
    values: Option<ArrayView3<'_, f32>>,
    keep: impl Fn(&Part) -> bool,
) -> (Array3<u32>, Merged) {
    let mut merge = Merge::new(connectivity);
    let mut labels = Array3::zeros(mask.raw_dim());
    for range in ranges {
        let part = mask.slice(s![range.clone(), .., ..]);
        let place = (range.start, mask.dim().0);
        let values = values.as_ref().map(|v| v.slice(s![range.clone(), .., ..]));
        let (slab, parts) = label_slab(part, voxels, connectivity, place, values).unwrap();
        labels.slice_mut(s![range.clone(), .., ..]).assign(&slab);
        merge.push(&parts);
    }
    let merged = merge.finish(keep).unwrap();
    for (i, range) in ranges.iter().enumerate() {
        merged.relabel(i, labels.slice_mut(s![range.clone(), .., ..]));
    }
    (labels, merged)
}

#[test]
fn blocks_do_not_matter() {
    let params = MovieSimParams { frames: 150, size: [33, 45], events: 5, ..small() };
    let movie = df(movie(&MovieSim::new(params).unwrap()).view());
    let whole = DetectParams::default;
    let windows = DetectParams {
        holes_depth: Extent::Frames(1),
        objects_depth: Extent::Frames(2),
        objects_first: true,
        holes_connectivity: 2,
        combine: Combine::Or,
        exclude_border: 2,
        temporal: Some(Temporal { prominence: 5.0, ..Temporal::default() }),
        ..whole()
    };
    let corners = DetectParams {
        connectivity: 3,
        object_connectivity: 2,
        spatial: Some(Spatial { depth: 2, ..Spatial::default() }),
        valid: Some([3, 30, 0, 45]),
        ..whole()
    };
    for params in [whole(), windows, corners] {
        let wanted = detect(movie.view(), &params).unwrap();
        assert!(!wanted.events.is_empty());
        for step in [7, 40, 150] {
            assert!(in_blocks(&movie, &params, step) == wanted.event_map, "{step} {params:?}");
        }
    }
}

#[test]
fn slabs_join_to_the_components_of_the_whole() {
    let mut rng = rng_at(2, "masks", &[]);
    for round in 0..20 {
        let shape =
            [1 + rng.random_range(0..9), 1 + rng.random_range(0..7), 1 + rng.random_range(0..9)];
        let density = [0.2, 0.35, 0.6][round % 3];
        let mask = Array3::from_shape_fn(shape, |_| rng.random::<f64>() < density);
        for connectivity in [Connectivity::Faces, Connectivity::Edges, Connectivity::Corners] {
            let voxels = [Voxels::Marked, Voxels::Unmarked][round % 2];
            let source: Vec<bool> = mask.iter().map(|m| *m == (voxels == Voxels::Marked)).collect();
            let mut wanted = vec![0; source.len()];
            let count = label_components_into(&source, shape, connectivity, &mut wanted);
            let step = 1 + rng.random_range(0..3);
            let ranges: Vec<_> =
                (0..shape[0]).step_by(step).map(|t| t..(t + step).min(shape[0])).collect();
            let (labels, merged) = joined(&mask, &ranges, voxels, connectivity, None, |_| true);
            assert_eq!(labels.iter().copied().collect::<Vec<_>>(), wanted);
            assert_eq!(merged.components.len(), count);
            for (i, component) in merged.components.iter().enumerate() {
                let places = labels.indexed_iter().filter(|(_, l)| **l as usize == i + 1);
                let is_end = |at: usize, len: usize| len > 1 && (at == 0 || at + 1 == len);
                let (mut size, mut touches) = (0, false);
                for ((t, y, x), _) in places {
                    size += 1;
                    touches |= is_end(t, shape[0]) || is_end(y, shape[1]) || is_end(x, shape[2]);
                }
                assert_eq!((component.size, component.touches_border), (size, touches));
            }
        }
    }
}

#[test]
fn holes_and_objects_are_whole() {
    // A hollow box, a hole open to the border of the movie, and a small object.
    let mut movie = Array3::<f32>::zeros((30, 20, 20));
    movie.slice_mut(s![5..15, 4..12, 4..12]).fill(10.0);
    movie.slice_mut(s![8..11, 7..9, 7..8]).fill(0.0);
    movie.slice_mut(s![20..30, 14..20, 14..20]).fill(10.0);
    movie.slice_mut(s![27..30, 17..18, 17..18]).fill(0.0);
    movie.slice_mut(s![22..24, 2..4, 2..4]).fill(10.0);
    let params = DetectParams {
        threshold: Some(5.0),
        units: hooke_events::detect::Units::Absolute,
        smooth: None,
        ..DetectParams::default()
    };
    let sizes = |params: &DetectParams| -> Vec<u64> {
        detect(movie.view(), params).unwrap().events.iter().map(|e| e.size).collect()
    };
    assert_eq!(sizes(&params), [640, 357]);
    assert_eq!(sizes(&DetectParams { fill_holes: 6, ..params.clone() }), [634, 357]);
    assert_eq!(
        sizes(&DetectParams { fill_holes: 0, min_size: 0, ..params.clone() }),
        [634, 357, 8]
    );
    assert_eq!(sizes(&DetectParams { exclude_border: 15, ..params.clone() }), [0; 0]);
    assert_eq!(params.cleanings()[0].0, Cleaning::FillHoles);
}

#[test]
fn noise_is_that_of_each_pixel() {
    let mut rng = rng_at(4, "noise", &[]);
    let mut normal = || (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0;
    // Twice the noise on the right; a dead pixel.
    let mut movie =
        Array3::from_shape_fn((800, 12, 16), |(_, _, x)| normal() * if x < 8 { 1.0 } else { 2.0 });
    movie.slice_mut(s![.., 5, 3]).fill(0.0);
    let params = DetectParams { smooth: None, ..DetectParams::default() };
    let noise = Noise::new(&[row_noise(movie.view(), &params)]);
    let mean = |x: std::ops::Range<usize>| f64::from(noise.sd.slice(s![.., x]).mean().unwrap());
    assert!((mean(0..6) - 1.02).abs() < 0.05 && (mean(10..16) - 2.04).abs() < 0.1);
    assert!(noise.sd[[5, 3]] > 0.9);
    // Smoothed, it is what is left.
    let params = DetectParams::default();
    let smoothed = smooth(movie.view(), [0..800, 0..12, 0..16], &params);
    let left = f64::from(row_noise(smoothed.view(), &params).sd[[6, 12]]);
    assert!((left / 2.0 - 0.2081_f64.powf(1.5)).abs() < 0.02, "{left}");
    let half =
        DetectParams { smooth: Some(Smooth { sigma: [0.0, 2.0, 0.0], radius: Some(2) }), ..params };
    assert_eq!(half.halo(), [0, 2, 0]);
}

#[test]
fn chances_are_counted_from_the_movie_upside_down() {
    let part = |peak: f32, size: u64| Part { size, touches_border: false, peak };
    let null = [part(9.0, 50), part(12.0, 20), part(9.5, 200), part(8.0, 30)];
    let events = [part(20.0, 500), part(9.0, 45), part(8.0, 10), part(9.0, 300), part(10.0, 20)];
    let wanted = events.map(|e| {
        let k = null.iter().filter(|n| n.peak >= e.peak && n.size >= e.size).count();
        ((1 + k) as f64 / 6.0).min(1.0)
    });
    assert_eq!(p_values(&events, &null), wanted);
    assert_eq!(p_values(&events[..1], &null), [0.5]);
    assert!(p_values(&[], &null).is_empty());
}
