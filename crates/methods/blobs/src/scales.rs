//! Filters of every scale: their weights, their noise and how often noise alone peaks in them.

use std::collections::BTreeMap;

use hooke_filters::Border;
use hooke_filters::gaussian::{gaussian_curvature_half_kernel, gaussian_half_weights};

use crate::detect::{DetectParams, Method};

/// Ratio of the two sigmas of a difference of Gaussians, unless that of neighbouring scales is near it.
const RATIO: f64 = 1.259_921_049_894_873_2; // 2^(1/3), three scales per octave

/// Ratios of neighbouring scales at which they share a Gaussian.
const SHARED: std::ops::RangeInclusive<f64> = 1.15..=1.4;

/// Sigmas along an axis, in voxels, below which the axis is not filtered.
const FINEST: f64 = 0.5;

/// A separable filter: right halves of symmetric kernels over `z, y, x`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Separable {
    /// In double precision, for single voxels.
    pub(crate) halves: [Vec<f64>; 3],
    /// Rounded, for volumes.
    pub(crate) rounded: [Vec<f32>; 3],
}

impl Separable {
    fn new(halves: [Vec<f64>; 3]) -> Self {
        let rounded = halves.each_ref().map(|h| h.iter().map(|w| *w as f32).collect());
        Self { halves, rounded }
    }

    /// The kernels as the filters want them.
    pub(crate) fn kernels(&self) -> [Option<&[f32]>; 3] {
        self.rounded.each_ref().map(|k| (k.len() > 1).then_some(k.as_slice()))
    }
}

/// One scale.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    /// Sigma of the blobs it stands for.
    pub(crate) sigma_um: f64,
    /// Sigma with the point-spread function, in voxels.
    pub(crate) width: [f64; 3],
    /// Weighted separable filters whose sum is the scale's filter.
    pub(crate) terms: Vec<(f64, Separable)>,
    /// Standard deviation of its response to noise of 1.
    pub(crate) gain: f64,
    /// Variances of the differences of neighbouring voxels of such a response over its own.
    lambda: [f64; 3],
}

/// A filter near the faces of an image, where a voxel counts once more as its mirror image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Folded {
    /// Standard deviation of the response to noise of 1; larger than elsewhere.
    pub(crate) gain: f64,
    /// Response to a background that rises by 1 per voxel along each axis: mirrored it is a ridge.
    pub(crate) tilt: [f64; 3],
}

/// All scales for one voxel size.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scales {
    pub(crate) scales: Vec<Scale>,
    /// Which axes are longer than 1.
    pub(crate) long: [bool; 3],
    /// Which axes are filtered.
    pub(crate) filtered: [bool; 3],
    voxel_um: [f64; 3],
}

impl Scales {
    /// Prepares the scales; axes of length 1 and axes too coarse for the smallest scale stay as they are.
    pub(crate) fn new(params: &DetectParams, shape: [usize; 3], voxel_um: [f64; 3]) -> Self {
        let long = shape.map(|n| n > 1);
        let dimensions = long.iter().filter(|l| **l).count();
        let sigmas = params.sigmas_um(dimensions);
        let width = |sigma: f64| -> [f64; 3] {
            std::array::from_fn(|a| sigma.hypot(params.psf_um[a]) / voxel_um[a])
        };
        let finest = width(sigmas[0]);
        let filtered = std::array::from_fn(|a| long[a] && finest[a] >= FINEST);
        let masked = |w: [f64; 3]| std::array::from_fn(|a| if filtered[a] { w[a] } else { 0.0 });
        let step = sigmas.get(1).map_or(RATIO, |next| next / sigmas[0]);
        let ratio = if SHARED.contains(&step) { step } else { RATIO };
        let scales = sigmas
            .iter()
            .enumerate()
            .map(|(k, sigma)| {
                let terms = match params.method {
                    Method::Dog => {
                        // A third less work where the next scale begins at the wide Gaussian of this one.
                        let (wide, ratio) = match sigmas.get(k + 1) {
                            Some(next) if SHARED.contains(&step) => (*next, next / sigma),
                            _ => (ratio * sigma, ratio),
                        };
                        difference_of_gaussians(masked(width(*sigma)), masked(width(wide)), ratio)
                    }
                    Method::Log => laplacian(masked(width(*sigma)), *sigma, voxel_um),
                };
                Scale::new(*sigma, width(*sigma), terms)
            })
            .collect();
        Self { scales, long, filtered, voxel_um }
    }

    /// Whether the finest scale is too fine along every axis longer than 1.
    pub(crate) fn is_blind(&self) -> bool {
        self.long.contains(&true) && !self.filtered.contains(&true)
    }

    /// Voxels that any filter reaches to either side.
    pub(crate) fn reach(&self) -> [usize; 3] {
        let terms = || self.scales.iter().flat_map(|s| &s.terms);
        std::array::from_fn(|a| {
            terms().map(|(_, t)| t.halves[a].len() - 1).max().unwrap_or_default()
        })
    }

    /// Largest width of a scale, in voxels.
    pub(crate) fn largest_width(&self) -> [f64; 3] {
        std::array::from_fn(|a| self.scales.iter().map(|s| s.width[a]).fold(0.0, f64::max))
    }

    /// The score above which noise alone gives `false_per_mm3` blobs.
    pub(crate) fn threshold(&self, false_per_mm3: f64) -> f64 {
        let voxel_mm3 = self.voxel_um.iter().product::<f64>() * 1e-9;
        // A peak of noise counts once over all scales: of the responses to it the finest is the largest.
        let expected = |u: f64| {
            let per_voxel = self.scales.iter().map(|s| s.peaks_per_voxel(u, self.long));
            per_voxel.fold(0.0, f64::max) / voxel_mm3
        };
        // Above 2 the density of peaks falls with the threshold, in one, two and three dimensions.
        let (mut low, mut high) = (2.0, 40.0);
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if expected(middle) > false_per_mm3 {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}

impl Scale {
    fn new(sigma_um: f64, width: [f64; 3], terms: Vec<(f64, Separable)>) -> Self {
        // Sum of products of the filter with itself, shifted by one voxel along `axis`, if any.
        let correlation = |axis: Option<usize>| {
            let mut sum = 0.0;
            for (wa, a) in &terms {
                for (wb, b) in &terms {
                    let along =
                        |d: usize| overlap(&a.halves[d], &b.halves[d], i64::from(axis == Some(d)));
                    sum += wa * wb * along(0) * along(1) * along(2);
                }
            }
            sum
        };
        let variance = correlation(None);
        let lambda = std::array::from_fn(|a| 2.0 * (1.0 - correlation(Some(a)) / variance));
        Self { sigma_um, width, terms, gain: variance.sqrt(), lambda }
    }

    /// Whether the mirror images beyond the faces take part in the response of a voxel.
    fn is_folded(&self, at: [usize; 3], shape: [usize; 3]) -> bool {
        let reaches =
            |half: &Vec<f64>, a: usize| at[a] + 1 < half.len() || at[a] + half.len() > shape[a];
        self.terms.iter().any(|(_, t)| (0..3).any(|a| reaches(&t.halves[a], a)))
    }

    /// What the faces of an image of `shape` do to the filter at a voxel; `None` far from them.
    pub(crate) fn fold(&self, at: [usize; 3], shape: [usize; 3]) -> Option<Folded> {
        if !self.is_folded(at, shape) {
            return None;
        }
        let folded: Vec<[Vec<(f64, f64)>; 3]> = self
            .terms
            .iter()
            .map(|(_, t)| std::array::from_fn(|a| fold(&t.halves[a], at[a], shape[a])))
            .collect();
        let product = |a: &[(f64, f64)], b: &[(f64, f64)]| -> f64 {
            // Kernels of two terms may differ in length: both are centred on the voxel.
            let other = |d: f64| b.iter().find(|(e, _)| *e == d).map_or(0.0, |(_, w)| *w);
            a.iter().map(|(d, w)| w * other(*d)).sum()
        };
        let (mut variance, mut tilt) = (0.0, [0.0; 3]);
        for ((wa, _), a) in self.terms.iter().zip(&folded) {
            for ((wb, _), b) in self.terms.iter().zip(&folded) {
                variance += wa * wb * (0..3).map(|d| product(&a[d], &b[d])).product::<f64>();
            }
            for (axis, tilt) in tilt.iter_mut().enumerate() {
                let along = |d: usize| -> f64 {
                    a[d].iter().map(|(x, w)| if d == axis { x * w } else { *w }).sum()
                };
                *tilt += wa * (0..3).map(along).product::<f64>();
            }
        }
        Some(Folded { gain: variance.sqrt(), tilt })
    }

    /// Expected peaks above `u` per voxel of a Gaussian field that looks like the response to noise:
    /// the density of its Euler characteristic (Adler 1981; Worsley 1996, doi:10.1002/(SICI)1097-0193).
    fn peaks_per_voxel(&self, u: f64, long: [bool; 3]) -> f64 {
        let axes = (0..3).filter(|a| long[*a]);
        let roots: f64 = axes.clone().map(|a| self.lambda[a].max(0.0).sqrt()).product();
        let tau = std::f64::consts::TAU;
        let polynomial = match axes.count() {
            3 => (u * u - 1.0) / tau.powi(2),
            2 => u / tau.powf(1.5),
            _ => 1.0 / tau,
        };
        roots * polynomial * (-0.5 * u * u).exp()
    }
}

/// `sum_x a(x) b(x + shift)` of two symmetric kernels given by their right halves.
fn overlap(a: &[f64], b: &[f64], shift: i64) -> f64 {
    let at = |half: &[f64], x: i64| half.get(x.unsigned_abs() as usize).copied().unwrap_or(0.0);
    let reach = a.len() as i64 - 1;
    (-reach..=reach).map(|x| at(a, x) * at(b, x + shift)).sum()
}

/// A kernel centred on a voxel with the part beyond the faces turned back: distances from the voxel, and
/// weights.
fn fold(half: &[f64], at: usize, len: usize) -> Vec<(f64, f64)> {
    let reach = half.len() as isize - 1;
    let mut weights = BTreeMap::new();
    for k in -reach..=reach {
        let place = Border::Reflect.index(at as isize + k, len);
        *weights.entry(place).or_insert(0.0) += half[k.unsigned_abs()];
    }
    weights.into_iter().map(|(place, weight)| (place as f64 - at as f64, weight)).collect()
}

/// About `-s² Laplacian` in µm: with the ratio of the two sigmas it hardly changes.
fn difference_of_gaussians(narrow: [f64; 3], wide: [f64; 3], ratio: f64) -> Vec<(f64, Separable)> {
    let weight = 1.0 / (ratio - 1.0);
    vec![
        (weight, Separable::new(narrow.map(gaussian_half_weights))),
        (-weight, Separable::new(wide.map(gaussian_half_weights))),
    ]
}

/// `-s² Laplacian` in µm of a Gaussian, one term per filtered axis.
fn laplacian(width: [f64; 3], sigma_um: f64, voxel_um: [f64; 3]) -> Vec<(f64, Separable)> {
    let smooth = width.map(gaussian_half_weights);
    (0..3)
        .filter(|&a| width[a] > 0.0)
        .map(|a| {
            let mut halves = smooth.clone();
            let mut curved = gaussian_curvature_half_kernel(width[a]);
            // Cut off, the kernel does not sum to 0 and would see the background.
            let rest = curved[0] + 2.0 * curved[1..].iter().sum::<f64>();
            curved.iter_mut().zip(&smooth[a]).for_each(|(c, g)| *c -= rest * g);
            halves[a] = curved;
            (-(sigma_um / voxel_um[a]).powi(2), Separable::new(halves))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scales(method: Method) -> Scales {
        let params = DetectParams { method, psf_um: [1.5, 0.4, 0.4], ..DetectParams::default() };
        Scales::new(&params, [48, 64, 64], [3.0, 1.0, 1.0])
    }

    #[test]
    fn neighbouring_scales_share_a_gaussian() {
        let dog = scales(Method::Dog).scales;
        assert_eq!(dog.len(), 4);
        assert!(dog.windows(2).all(|s| s[0].terms[1].1 == s[1].terms[0].1));
    }

    #[test]
    fn both_filters_are_blind_to_a_constant_and_nearly_equal() {
        let at_centre = |scale: &Scale| -> f64 {
            let centre = |t: &Separable| t.halves.iter().map(|h| h[0]).product::<f64>();
            scale.terms.iter().map(|(w, t)| w * centre(t)).sum()
        };
        let of_constant = |scale: &Scale| -> f64 {
            let sum = |h: &Vec<f64>| h[0] + 2.0 * h[1..].iter().sum::<f64>();
            scale.terms.iter().map(|(w, t)| w * t.halves.iter().map(sum).product::<f64>()).sum()
        };
        for (dog, log) in scales(Method::Dog).scales.iter().zip(&scales(Method::Log).scales) {
            assert!(of_constant(dog).abs() < 1e-12 && of_constant(log).abs() < 1e-12);
            assert!((0.6..1.4).contains(&(at_centre(dog) / at_centre(log))));
        }
    }

    #[test]
    fn fewer_false_blobs_ask_for_a_higher_score() {
        let scales = scales(Method::Dog);
        let (lax, strict) = (scales.threshold(100.0), scales.threshold(1.0));
        assert!(lax > 3.0 && strict > lax && strict < 8.0, "{lax} {strict}");
    }

    #[test]
    fn faces_raise_the_noise_and_make_ridges() {
        let shape = [40, 64, 64];
        for method in [Method::Dog, Method::Log] {
            let scales = scales(method).scales;
            let scale = &scales[0];
            assert_eq!(scale.fold([20, 32, 32], shape), None);
            let at_face = |at| {
                scale
                    .fold(at, shape)
                    .map_or([0.0; 4], |f| [f.gain / scale.gain, f.tilt[0], f.tilt[1], f.tilt[2]])
            };
            let [gain, z, y, x] = at_face([20, 32, 63]);
            // Mirrored noise is the same noise twice.
            assert!(gain > 1.25 && gain < 1.5, "{gain}");
            assert!(z.abs() < 1e-12 && y.abs() < 1e-12 && x > 0.1, "{x}");
            assert!(at_face([20, 32, 0])[3] < -0.1);
            assert!(at_face([0, 0, 0])[0] > 2.0);
        }
    }

    #[test]
    fn axes_too_coarse_or_too_short_stay() {
        let params = DetectParams { sigma_um: Some([1.0, 2.0]), ..DetectParams::default() };
        let flat = Scales::new(&params, [1, 50, 50], [3.0, 1.0, 1.0]);
        assert_eq!((flat.long, flat.filtered), ([false, true, true], [false, true, true]));
        let coarse = Scales::new(&params, [9, 50, 50], [3.0, 1.0, 1.0]);
        assert_eq!((coarse.long, coarse.filtered), ([true; 3], [false, true, true]));
        assert!(Scales::new(&params, [9, 50, 50], [3.0; 3]).is_blind());
        assert_eq!(coarse.reach()[0], 0);
    }
}
