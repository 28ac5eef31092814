//! Movies to register, of a texture that is known between its pixels.

use hooke_events::sim::{Motion, MovieSim, MovieSimParams};
use ndarray::{Array2, Array3};

/// Brightness of a texture of waves 5 to 26 pixels long, around 100 grey levels.
fn texture(y: f64, x: f64) -> f64 {
    let wave = |k: usize| {
        let (k, turn) = (k as f64, 2.4 * k as f64);
        let length = 5.0 + 21.0 * (0.618 * k).fract();
        let along = y * turn.sin() + x * turn.cos();
        (std::f64::consts::TAU * (along / length + 0.37 * k)).sin()
    };
    100.0 + 6.0 * (0..24).map(wave).sum::<f64>()
}

/// Frame whose pixels see the texture where `sees` says.
pub fn frame_of([height, width]: [usize; 2], sees: impl Fn(f64, f64) -> [f64; 2]) -> Array2<f32> {
    Array2::from_shape_fn((height, width), |(y, x)| {
        let [y, x] = sees(y as f64, x as f64);
        texture(y, x) as f32
    })
}

/// Movie without noise, moved by `shifts`: `registered(p) = raw(p + shift)`.
pub fn moved(shape: [usize; 2], shifts: &[[f64; 2]]) -> Array3<f32> {
    let mut movie = Array3::zeros((shifts.len(), shape[0], shape[1]));
    for (mut out, [dy, dx]) in movie.outer_iter_mut().zip(shifts) {
        out.assign(&frame_of(shape, |y, x| [y - dy, x - dx]));
    }
    movie
}

/// A simulated movie and its truth.
pub fn simulated(motion: Motion, frames: usize, size: usize, seed: u64) -> (MovieSim, Array3<u16>) {
    let params = MovieSimParams {
        frames,
        size: [size; 2],
        events: 12,
        motion,
        seed,
        ..MovieSimParams::default()
    };
    let sim = MovieSim::new(params).unwrap();
    let mut movie = Array3::zeros((frames, size, size));
    for (t, mut frame) in movie.outer_iter_mut().enumerate() {
        frame.assign(&sim.frame(t));
    }
    (sim, movie)
}
