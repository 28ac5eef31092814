//! Integration tests of `hooke-filters`.
#![allow(clippy::unwrap_used)]

mod components;
mod distance;
mod fft;
mod morphology;
mod order;
mod reductions;
mod resample;
mod savgol;
mod smoothing;

/// Values in -1..1 from a seed (splitmix64), the same on every machine.
pub fn noise(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    (0..len)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Runs `work` with one, two and three threads and asserts that the results are equal bit for bit.
pub fn same_for_any_thread_count<R: PartialEq + Send>(work: impl Fn() -> R + Sync) {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&work)
    };
    let one = with(1);
    assert!(one == with(2), "two threads");
    assert!(one == with(3), "three threads");
}

/// Largest absolute difference of two equally long slices.
pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}
