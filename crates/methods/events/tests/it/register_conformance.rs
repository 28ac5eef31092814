//! jnormcorre's parts against its own answers.

use std::collections::BTreeMap;

use hooke_events::register::compat_jnormcorre::{apply_shift, high_pass, kernel, rigid_shift};
use hooke_testdata::{NpzArray, read_npz, shared};
use ndarray::Array2;

fn arrays() -> Option<BTreeMap<String, NpzArray>> {
    let Some(shared) = shared(env!("CARGO_MANIFEST_DIR")) else {
        println!("SKIPPED: no shared test data here");
        return None;
    };
    Some(read_npz(&shared.join("conformance/events/jnormcorre.npz")).unwrap())
}

/// Image `i` of a stack, or the only one.
fn image(array: &NpzArray, i: usize) -> Array2<f32> {
    let [.., height, width] = array.shape[..] else { panic!("an image has two axes") };
    let values = array.values[i * height * width..][..height * width].iter();
    Array2::from_shape_vec((height, width), values.map(|v| *v as f32).collect()).unwrap()
}

#[test]
fn kernels_are_equal() {
    let Some(arrays) = arrays() else { return };
    for sigma in [3, 7, 20] {
        let expected = &arrays[&format!("kernel_{sigma}")];
        let found = kernel(sigma).unwrap();
        assert_eq!(found.shape(), expected.shape);
        for (a, b) in found.iter().zip(&expected.values) {
            assert!((a - b).abs() < 1e-5, "{sigma}: {a} {b}");
        }
    }
}

#[test]
fn the_high_pass_is_equal() {
    let Some(arrays) = arrays() else { return };
    let found = high_pass(image(&arrays["frames"], 1).view(), 7).unwrap();
    for (a, b) in found.iter().zip(&arrays["highpass_7"].values) {
        assert!((f64::from(*a) - b).abs() < 1e-3, "{a} {b}");
    }
}

#[test]
fn shifts_are_equal() {
    let Some(arrays) = arrays() else { return };
    let template = image(&arrays["template"], 0);
    let shifts = arrays["shift_simple"].values.as_chunks::<2>().0;
    assert_eq!(shifts.len(), 12);
    for (t, expected) in shifts.iter().enumerate() {
        let frame = image(&arrays["frames"], t);
        let found = rigid_shift(frame.view(), template.view(), [10, 10]).unwrap();
        for d in 0..2 {
            assert!((found[d] - expected[d]).abs() < 1e-5, "{t}: {found:?} {expected:?}");
        }
    }
}

#[test]
fn moved_frames_are_equal() {
    let Some(arrays) = arrays() else { return };
    let shifts = arrays["rigid_shift"].values.as_chunks::<2>().0;
    for (t, [dy, dx]) in shifts.iter().enumerate() {
        let frame = image(&arrays["frames"], t);
        let expected = image(&arrays["rigid_image"], t);
        let found = apply_shift(frame.view(), [-dy, -dx]).unwrap();
        for ((place, a), b) in found.indexed_iter().zip(&expected) {
            assert!((a - b).abs() < 1e-2, "{t} at {place:?}: {a} {b}");
        }
    }
}

#[test]
fn bad_input_is_refused() {
    let empty = Array2::<f32>::zeros((0, 4));
    let frame = Array2::<f32>::zeros((6, 4));
    assert!(kernel(0).is_err());
    assert!(rigid_shift(empty.view(), empty.view(), [1, 1]).is_err());
    assert!(rigid_shift(frame.view(), empty.view(), [1, 1]).is_err());
    assert!(apply_shift(empty.view(), [0.0; 2]).is_err());
    assert!(apply_shift(frame.view(), [4.0, 0.0]).is_err());
    assert!(apply_shift(frame.view(), [f64::NAN, 0.0]).is_err());
}
