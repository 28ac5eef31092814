//! Intensities turned into numbers whose noise is 1 everywhere.

use multiversion::multiversion;

use super::SensorNoise;

/// The generalised Anscombe transform of one sensor.
///
/// `J = (2 / alpha) sqrt(alpha I + 3/8 alpha² + beta)` less its value at a reference level, written
/// as `2 (I - level) / (sqrt(..I..) + sqrt(..level..))`: the same without cancellation, so that it
/// holds for `alpha = 0` too, where it is `(I - level) / sqrt(beta)`.
///
/// # Reference
/// Mäkitalo & Foi (2013), doi:10.1109/TIP.2012.2202675.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stabiliser {
    alpha: f32,
    offset: f32,
    /// Intensities below are taken as this one.
    lowest: f32,
    level: f32,
    root: f32,
}

impl Stabiliser {
    /// The transform for a sensor; `level` becomes 0.
    pub fn new(noise: SensorNoise, level: f64) -> Self {
        let offset = 0.375 * noise.alpha * noise.alpha + noise.beta;
        let (lowest, offset) = if noise.alpha > 0.0 {
            ((noise.floor - offset) / noise.alpha, offset)
        } else {
            (f64::from(f32::MIN), offset.max(noise.floor))
        };
        let level = level.max(lowest);
        Self {
            alpha: noise.alpha as f32,
            offset: offset as f32,
            lowest: lowest as f32,
            level: level as f32,
            root: (noise.alpha * level + offset).max(noise.floor).sqrt() as f32,
        }
    }

    /// Transforms intensities, all finite, in place.
    pub fn apply(&self, values: &mut [f32]) {
        stabilise(values, self);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn stabilise(values: &mut [f32], by: &Stabiliser) {
    for value in values {
        let intensity = value.max(by.lowest);
        // Rounding may leave a little less than nothing at the lowest intensity.
        let root = (by.alpha * intensity + by.offset).max(0.0).sqrt();
        *value = 2.0 * (intensity - by.level) / (root + by.root);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_anscombes_transform() {
        let noise = SensorNoise { alpha: 1.5, beta: -20.0, floor: 0.1 };
        let by = Stabiliser::new(noise, 100.0);
        let exact = |i: f64| 2.0 / 1.5 * (1.5 * i + 0.375 * 2.25 - 20.0).sqrt();
        let mut values = [100.0, 40.0, 5000.0];
        by.apply(&mut values);
        for (value, intensity) in values.iter().zip([100.0, 40.0, 5000.0]) {
            assert!((f64::from(*value) - exact(intensity) + exact(100.0)).abs() < 1e-4);
        }
        let mut dark = [-1e4, 0.0];
        by.apply(&mut dark);
        assert!(dark[0] == dark[1] && dark[0].is_finite());
    }

    #[test]
    fn without_gain_it_divides_by_the_noise() {
        let noise = SensorNoise { alpha: 0.0, beta: 4.0, floor: 0.1 };
        let mut values = [10.0, 14.0, -6.0];
        Stabiliser::new(noise, 10.0).apply(&mut values);
        assert_eq!(values, [0.0, 2.0, -8.0]);
    }
}
