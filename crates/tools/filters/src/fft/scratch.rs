//! Working memory of transforms, kept per thread: a fresh allocation per task would cost more than
//! some of the tasks.

use std::cell::RefCell;
use std::thread::LocalKey;

use rustfft::num_complex::Complex32;

use super::lanes::Lanes;

thread_local! {
    static REALS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    static COMPLEXES: RefCell<Vec<Complex32>> = const { RefCell::new(Vec::new()) };
    static LANES: RefCell<Vec<Lanes>> = const { RefCell::new(Vec::new()) };
}

/// Lends memory of any content. `work` must neither enter rayon, where a stolen task could ask
/// again, nor ask again itself.
pub(super) fn with_reals<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    lend(&REALS, len, 0.0, work)
}

/// As [`with_reals`], for complex values.
pub(super) fn with_complexes<R>(len: usize, work: impl FnOnce(&mut [Complex32]) -> R) -> R {
    lend(&COMPLEXES, len, Complex32::ZERO, work)
}

/// As [`with_reals`], for elements of sixteen columns.
pub(super) fn with_lanes<R>(len: usize, work: impl FnOnce(&mut [Lanes]) -> R) -> R {
    lend(&LANES, len, Lanes::ZERO, work)
}

fn lend<T: Copy, R>(
    memory: &'static LocalKey<RefCell<Vec<T>>>,
    len: usize,
    fill: T,
    work: impl FnOnce(&mut [T]) -> R,
) -> R {
    memory.with_borrow_mut(|memory| {
        if memory.len() < len {
            memory.resize(len, fill);
        }
        work(&mut memory[..len])
    })
}
