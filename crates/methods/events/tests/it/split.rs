//! Events that have run together.

use hooke_events::split::{Split, SplitParams, split_event, split_events};
use ndarray::{Array3, s};

/// A wave that begins at a place and a time: 1 frame per pixel, decaying.
fn wave(shape: (usize, usize, usize), t0: f32, y0: f32, x0: f32, radius: f32) -> Array3<f32> {
    Array3::from_shape_fn(shape, |(t, y, x)| {
        let r = (y as f32 - y0).hypot(x as f32 - x0);
        let since = t as f32 - t0 - 0.5 * r;
        if r > radius || since <= 0.0 {
            return 0.0;
        }
        30.0 * (1.0 - (-since / 2.0).exp()) * (-since / 8.0).exp()
    })
}

fn method(method: Split) -> SplitParams {
    SplitParams { method, ..SplitParams::default() }
}

fn parts(values: &Array3<f32>, params: &SplitParams) -> Array3<u32> {
    let mask = values.mapv(|v| v > 2.0);
    let parts = split_event(mask.view(), values.view(), params).unwrap();
    // Every voxel of the event has a part, and no other; parts are numbered in raster order.
    let mut most = 0;
    for (part, is_in) in parts.iter().zip(&mask) {
        assert_eq!(*part > 0, *is_in);
        assert!(*part <= most + 1);
        most = most.max(*part);
    }
    parts
}

#[test]
fn one_wave_stays_one() {
    let values = wave((60, 30, 30), 5.0, 10.0, 12.0, 9.0);
    for split in [Split::None, Split::Onset, Split::Watershed] {
        assert_eq!(parts(&values, &method(split)).iter().max(), Some(&1), "{split:?}");
    }
}

#[test]
fn two_waves_side_by_side_are_two() {
    let shape = (70, 30, 46);
    let values = wave(shape, 5.0, 14.0, 13.0, 10.0) + wave(shape, 13.0, 15.0, 31.0, 10.0);
    let onset = parts(&values, &method(Split::Onset));
    assert_eq!(onset.iter().max(), Some(&2));
    assert_eq!((onset[[12, 14, 13]], onset[[20, 15, 31]]), (1, 2));
    // Brightness has a valley only where they do not lie over each other.
    let peak = |x0: f32| {
        Array3::from_shape_fn(shape, |(t, y, x)| {
            let r2 = (y as f32 - 14.0).powi(2) + (x as f32 - x0).powi(2);
            25.0 * (-r2 / 50.0 - (t as f32 - 20.0).powi(2) / 200.0).exp()
        })
    };
    let crests = parts(&(peak(12.0) + peak(29.0)), &method(Split::Watershed));
    assert_eq!(crests.iter().max(), Some(&2));
    assert_eq!((crests[[20, 14, 12]], crests[[20, 14, 29]]), (1, 2));
    assert_eq!(parts(&values, &method(Split::None)).iter().max(), Some(&1));
}

#[test]
fn a_second_wave_at_the_same_place_is_one_of_its_own() {
    let shape = (80, 26, 26);
    let values = wave(shape, 4.0, 12.0, 12.0, 10.0) + wave(shape, 26.0, 12.0, 14.0, 9.0);
    for split in [Split::Onset, Split::Watershed] {
        let parts = parts(&values, &method(split));
        assert_eq!(parts.iter().max(), Some(&2), "{split:?}");
        assert_eq!((parts[[10, 12, 12]], parts[[32, 12, 14]]), (1, 2));
    }
}

#[test]
fn maps_are_renumbered_and_parents_remembered() {
    let shape = (70, 60, 46);
    let pair = wave(shape, 5.0, 14.0, 13.0, 10.0) + wave(shape, 13.0, 15.0, 31.0, 10.0);
    let single = wave(shape, 8.0, 45.0, 20.0, 8.0);
    let values = &pair + &single;
    let mut map = pair.mapv(|v| u32::from(v > 2.0)) + single.mapv(|v| 2 * u32::from(v > 2.0));
    let before = map.clone();
    let parents = split_events(&mut map, values.view(), &method(Split::Onset)).unwrap();
    assert_eq!(parents, [1, 2, 1]);
    for (new, old) in map.iter().zip(&before) {
        assert_eq!(new.checked_sub(1).map_or(0, |i| parents[i as usize]), *old);
    }
    let mut same = before.clone();
    assert_eq!(split_events(&mut same, values.view(), &method(Split::None)), Ok(vec![1, 2]));
    assert_eq!(same, before);
    // Numbers may have gaps.
    let mut gaps = before.mapv(|v| if v == 2 { 9 } else { v });
    assert_eq!(split_events(&mut gaps, values.view(), &method(Split::None)), Ok(vec![1, 9]));
    assert_eq!(gaps, before);
    let other = values.slice(s![1.., .., ..]);
    assert!(split_events(&mut same, other, &method(Split::Onset)).is_err());
    let wrong = SplitParams { prominence: Some(0.0), ..method(Split::Onset) };
    assert!(split_event(before.mapv(|v| v > 0).view(), values.view(), &wrong).is_err());
}
