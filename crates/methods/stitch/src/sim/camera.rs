//! What the camera makes of the light: shading, gain, noise and its fixed pattern.

use hooke_core::seed::rng_at;
use rand::{Rng, RngExt};

use super::TileKind;

/// Entries of the table of normal quantiles; 16 random bits choose one.
const QUANTILES: usize = 1 << 16;

/// A camera with the noise of a kind of set.
#[derive(Debug, Clone)]
pub(super) struct Camera {
    seed: u64,
    gain_spread: f32,
    photons_per_level: f32,
    read_noise: f32,
    shading: Vec<f32>,
    pattern: Vec<f32>,
    quantiles: Vec<f32>,
}

impl Camera {
    pub(super) fn new(kind: TileKind, seed: u64, plane: [usize; 2]) -> Camera {
        let hard = kind == TileKind::Hard;
        let quantiles: Vec<f32> = (0..QUANTILES)
            .map(|i| normal_quantile((i as f64 + 0.5) / QUANTILES as f64) as f32)
            .collect();
        let pattern = if hard {
            let mut rng = rng_at(seed, "tiles.pattern", &[]);
            (0..plane[0] * plane[1])
                .map(|_| 20.0 * quantiles[usize::from(rng.random::<u16>())])
                .collect()
        } else {
            Vec::new()
        };
        let shading = if hard { vignette(plane, 0.4) } else { Vec::new() };
        let photons_per_level = if hard { 0.25 } else { 1.0 };
        let gain_spread = if hard { 0.15 } else { 0.0 };
        Camera {
            seed,
            gain_spread,
            photons_per_level,
            read_noise: 10.0,
            shading,
            pattern,
            quantiles,
        }
    }

    /// Exposes one plane of a tile. Photon noise is normal with the variance of the photon count.
    pub(super) fn expose(&self, tile: usize, z: usize, light: &[f32], out: &mut [u16]) {
        let spread = 2.0 * rng_at(self.seed, "tiles.gain", &[tile as i64]).random::<f32>() - 1.0;
        let gain = 1.0 + self.gain_spread * spread;
        let mut rng = rng_at(self.seed, "tiles.noise", &[tile as i64, z as i64]);
        let mut bytes = vec![0u8; 2 * out.len()];
        rng.fill_bytes(&mut bytes);
        let read2 = self.read_noise * self.read_noise;
        for (i, (out, light)) in out.iter_mut().zip(light).enumerate() {
            let shading = self.shading.get(i).copied().unwrap_or(1.0);
            let light = (light * gain * shading).max(0.0);
            let noise = (light / self.photons_per_level + read2).sqrt();
            let draw =
                self.quantiles[usize::from(u16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]))];
            let pattern = self.pattern.get(i).copied().unwrap_or(0.0);
            *out = (light + noise * draw + pattern).round_ties_even() as u16;
        }
    }
}

/// Transmission that falls by `loss` from the centre to the corners, with the squared radius.
fn vignette(plane: [usize; 2], loss: f32) -> Vec<f32> {
    let centre = plane.map(|n| (n as f32 - 1.0) / 2.0);
    let corner2 = (centre[0] * centre[0] + centre[1] * centre[1]).max(1.0);
    (0..plane[0] * plane[1])
        .map(|i| {
            let (y, x) = ((i / plane[1]) as f32 - centre[0], (i % plane[1]) as f32 - centre[1]);
            1.0 - loss * (y * y + x * x) / corner2
        })
        .collect()
}

/// The standard normal's quantile to 1e-9: the rational form of P. J. Acklam (2003), without its
/// last refinement, which a table of 65,536 entries could not show.
fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.383_577_518_672_69e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 5] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 4] =
        [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416];
    let horner = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |q: f64| horner(&C, q) / (horner(&D, q) * q + 1.0);
    if p < 0.02425 {
        return tail((-2.0 * p.ln()).sqrt());
    }
    if p > 1.0 - 0.02425 {
        return -tail((-2.0 * (1.0 - p).ln()).sqrt());
    }
    let q = p - 0.5;
    let r = q * q;
    horner(&A, r) * q / (horner(&B, r) * r + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_normals() {
        assert!(normal_quantile(0.5).abs() < 1e-12);
        assert!((normal_quantile(0.975) - 1.959_963_985).abs() < 1e-8);
        assert!((normal_quantile(0.001) + 3.090_232_306).abs() < 1e-8);
    }

    #[test]
    fn noise_has_the_variance_of_its_photons() {
        let camera = Camera::new(TileKind::Easy, 1, [200, 200]);
        let mut out = vec![0u16; 40_000];
        camera.expose(0, 0, &vec![500.0; 40_000], &mut out);
        let mean = out.iter().map(|v| f64::from(*v)).sum::<f64>() / 4e4;
        let var = out.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / 4e4;
        assert!((mean - 500.0).abs() < 1.0, "{mean}");
        assert!((var - 600.0).abs() < 20.0, "{var}");
    }
}
