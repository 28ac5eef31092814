//! Events around stimuli against chance.

use hooke_events::coincidence::coincidence;

#[test]
fn events_after_every_stimulus_are_not_chance() {
    let times: Vec<usize> = (0..10).map(|i| 50 + 97 * i).collect();
    let onsets: Vec<usize> = times.iter().map(|t| t + 3).collect();
    let found = coincidence(&onsets, &times, 0, 5, 1000).unwrap();
    assert_eq!((found.counts, found.total), (vec![1; 10], 10));
    assert!(found.p_value < 0.02 && found.null_mean < 1.0, "{}", found.p_value);
}

#[test]
fn the_null_is_the_plain_loop_over_shifts() {
    let (onsets, times) = ([0, 2, 2, 9], [1, 9]);
    let found = coincidence(&onsets, &times, 1, 0, 10).unwrap();
    assert_eq!((found.counts, found.total), (vec![1, 1], 2));
    let sums: Vec<usize> = (0..10)
        .map(|shift| {
            onsets
                .iter()
                .map(|o| (o + shift) % 10)
                .map(|o| [0, 1, 8, 9].iter().filter(|f| **f == o).count())
                .sum()
        })
        .collect();
    assert!((found.null_mean - sums.iter().sum::<usize>() as f64 / 10.0).abs() < 1e-12);
    assert!((found.p_value - sums.iter().filter(|s| **s >= 2).count() as f64 / 10.0).abs() < 1e-12);
}

#[test]
fn frames_beyond_the_movie_are_refused() {
    assert!(coincidence(&[10], &[1], 0, 0, 10).is_err());
    assert!(coincidence(&[1], &[10], 0, 0, 10).is_err());
    assert!(coincidence(&[], &[], 0, 0, 0).is_err());
    assert_eq!(coincidence(&[], &[], 0, 0, 3).unwrap().p_value, 1.0);
}
