//! Peaks are SciPy's.

use hooke_core::seed::rng_at;
use hooke_events::peaks::{PeakParams, find_peaks, prominences, widths};
use rand::RngExt;

use crate::kit::{arrays, close};

#[test]
fn peaks_equal_scipy() {
    let Some(arrays) = arrays("find_peaks.npz") else { return };
    let x = &arrays["x"];
    let frames = x.shape[1];
    // The archive's list of parameters is a text, which the reader of numbers leaves out.
    let base = |prominence: f64, wlen, width: f64, rel_height, plateau: Option<f64>| PeakParams {
        prominence: (Some(prominence), None),
        width: (Some(width), None),
        wlen,
        rel_height,
        plateau_size: (plateau, None),
        ..PeakParams::default()
    };
    let params = [
        base(1.0, Some(60.0), 3.0, 0.9, None),
        base(2.0, Some(25.0), 1.0, 0.5, None),
        base(0.5, Some(61.0), 3.0, 1.0, None),
        base(0.5, None, 0.0, 0.9, None),
        base(0.5, Some(60.0), 1.0, 0.9, Some(2.0)),
    ];
    let mut found = Vec::new();
    for (k, params) in params.iter().enumerate() {
        for (i, trace) in x.values.chunks(frames).enumerate() {
            for p in find_peaks(trace, params).unwrap() {
                found.push([
                    k as f64,
                    i as f64,
                    p.position as f64,
                    p.prominence,
                    p.bases[0] as f64,
                    p.bases[1] as f64,
                    p.width,
                    p.width_height,
                    p.ips[0],
                    p.ips[1],
                ]);
            }
        }
    }
    let rows: Vec<&[f64]> = arrays["rows"].values.chunks(10).collect();
    assert_eq!(found.len(), rows.len());
    for (found, row) in found.iter().zip(rows) {
        for column in 0..10 {
            let is_exact = [0, 1, 2, 4, 5].contains(&column);
            let tolerance = if is_exact { 0.0 } else { 1e-12 };
            assert!(close(found[column], row[column], tolerance), "{found:?} {row:?}");
        }
    }
}

/// By the definition, sample by sample: what a reader of SciPy's manual would write down.
fn by_definition(trace: &[f64], half: usize, rel_height: f64) -> Vec<(usize, f64, f64)> {
    let n = trace.len();
    let mut peaks = Vec::new();
    for first in 1..n.saturating_sub(1) {
        let last = (first..n).take_while(|i| trace[*i] == trace[first]).last().unwrap();
        if last + 1 >= n || trace[first - 1] >= trace[first] || trace[last + 1] > trace[first] {
            continue;
        }
        let at = (first + last) / 2;
        let top = trace[at];
        let wall = |i: &usize| trace[*i] > top;
        let left = (at.saturating_sub(half)..at).rev().find(wall).map_or(0, |w| w + 1);
        let left = left.max(at.saturating_sub(half));
        let right =
            (at + 1..n.min(at + half + 1)).find(wall).unwrap_or(n).min(at + half + 1).min(n);
        let low = |part: &[f64]| part.iter().copied().fold(f64::INFINITY, f64::min);
        let prominence = top - low(&trace[left..=at]).max(low(&trace[at..right]));
        // The width on a fine grid between the bases is within a step of the exact one.
        let level = top - rel_height * prominence;
        let value = |p: f64| {
            let i = (p as usize).min(n - 2);
            trace[i] + (p - i as f64) * (trace[i + 1] - trace[i])
        };
        let step = 1e-3;
        let mut width = 0.0;
        for sign in [-1.0, 1.0] {
            let mut p = at as f64;
            let stop = if sign < 0.0 { left as f64 } else { right as f64 - 1.0 };
            while (stop - p) * sign > 0.0 && value(p) > level {
                p += sign * step;
            }
            width += (p - at as f64).abs();
        }
        peaks.push((at, prominence, width));
    }
    peaks
}

#[test]
fn peaks_of_random_traces_are_those_of_the_definition() {
    let mut rng = rng_at(5, "traces", &[]);
    for round in 0..300 {
        let n = 3 + rng.random_range(0..60);
        let levels = [3.0, 10.0, 1e9][round % 3];
        let trace: Vec<f64> =
            (0..n).map(|_| (rng.random::<f64>() * levels).round() / levels).collect();
        let wlen = 4.0 + f64::from(rng.random_range(0..30));
        let params = PeakParams { wlen: Some(wlen), rel_height: 0.7137, ..PeakParams::default() };
        let found = find_peaks(&trace, &params).unwrap();
        let wanted = by_definition(&trace, wlen as usize / 2, 0.7137);
        assert_eq!(found.len(), wanted.len());
        let positions: Vec<usize> = found.iter().map(|p| p.position).collect();
        let again = prominences(&trace, &positions, Some(wlen)).unwrap();
        let wide = widths(&trace, &positions, 0.7137, Some(wlen)).unwrap();
        for (i, (p, wanted)) in found.iter().zip(wanted).enumerate() {
            assert_eq!((p.position, p.prominence), (wanted.0, wanted.1), "{trace:?}");
            assert!((p.width - wanted.2).abs() < 0.01, "{p:?} {wanted:?} {trace:?}");
            assert_eq!((again[i].value, again[i].bases), (p.prominence, p.bases));
            assert_eq!((wide[i].value, wide[i].ips), (p.width, p.ips));
        }
    }
}

#[test]
fn conditions_are_scipys() {
    let trace = [0.0, 2.0, 0.0, 3.0, 3.0, 1.0, 5.0, 4.0, 4.5, 0.0];
    let positions = |params: PeakParams| -> Vec<usize> {
        find_peaks(&trace, &params).unwrap().iter().map(|p| p.position).collect()
    };
    let any = PeakParams::default;
    assert_eq!(positions(any()), [1, 3, 6, 8]);
    assert_eq!(positions(PeakParams { height: (Some(3.0), Some(4.9)), ..any() }), [3, 8]);
    assert_eq!(positions(PeakParams { distance: Some(3.0), ..any() }), [3, 6]);
    assert_eq!(positions(PeakParams { plateau_size: (Some(2.0), None), ..any() }), [3]);
    assert_eq!(positions(PeakParams { threshold: (Some(1.0), None), ..any() }), [1, 6]);
    assert_eq!(positions(PeakParams { threshold: (None, Some(2.0)), ..any() }), [1]);
    assert_eq!(positions(PeakParams { prominence: (Some(2.0), None), ..any() }), [1, 3, 6]);
    for bad in [
        PeakParams { wlen: Some(1.0), ..any() },
        PeakParams { distance: Some(0.5), ..any() },
        PeakParams { rel_height: -0.1, ..any() },
        PeakParams { wlen: Some(f64::NAN), ..any() },
    ] {
        assert!(find_peaks(&trace, &bad).is_err());
    }
    assert!(prominences(&trace, &[10], None).is_err());
    for short in [&[][..], &[1.0], &[1.0, 2.0], &[f64::NAN; 5]] {
        assert!(find_peaks(short, &any()).unwrap().is_empty());
    }
}
