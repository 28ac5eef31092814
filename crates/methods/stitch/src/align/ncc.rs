//! Masked normalised cross-correlation of two volumes over a range of shifts.
//!
//! D. Padfield (2012), Masked object registration in the Fourier domain, IEEE TIP 21:2706.

use hooke_filters::fft::{Complex32, RealFft, next_fast_size};
use hooke_filters::integral::IntegralTable;

use super::surface::{Shifts, Surface};

/// A volume with its unknown voxels marked: 1 known, 0 unknown (there the value is 0).
#[derive(Debug, Clone, Default)]
pub(crate) struct Volume {
    pub shape: [usize; 3],
    pub values: Vec<f32>,
    pub mask: Option<Vec<f32>>,
}

impl Volume {
    /// Marks voxels that are not finite and moves the mean of the others to 0.
    pub fn new(shape: [usize; 3], mut values: Vec<f32>) -> Volume {
        let known = values.iter().filter(|v| v.is_finite()).count();
        let sum: f64 = values.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v)).sum();
        let mean = if known > 0 { (sum / known as f64) as f32 } else { 0.0 };
        let mask = (known < values.len())
            .then(|| values.iter().map(|v| f32::from(u8::from(v.is_finite()))).collect());
        values.iter_mut().for_each(|v| *v = if v.is_finite() { *v - mean } else { 0.0 });
        Volume { shape, values, mask }
    }
}

/// A volume's spectra, to be compared with several others.
pub(crate) struct Transformed {
    values: Vec<Complex32>,
    /// Spectra of mask and squares, when the volume has unknown voxels or its partner has.
    masked: Option<[Vec<Complex32>; 2]>,
}

/// Correlates pairs of volumes of fixed shapes.
pub(crate) struct Correlator {
    fft: RealFft,
    shifts: Shifts,
    reach: [usize; 3],
}

impl Correlator {
    /// Prepares transforms just long enough (and even) that no wanted shift meets a wrapped one.
    pub fn new(a: [usize; 3], b: [usize; 3], shifts: Shifts) -> Correlator {
        let reach: [usize; 3] = std::array::from_fn(|d| {
            shifts.first[d].unsigned_abs().max(shifts.last[d].unsigned_abs()) as usize
        });
        let lengths: [usize; 3] = std::array::from_fn(|d| {
            let free = (a[d] as i64 - shifts.first[d]).max(b[d] as i64 + shifts.last[d]);
            let least = free.max(2 * reach[d] as i64 + 1).max(a[d] as i64).max(b[d] as i64);
            if least == 1 { 1 } else { 2 * next_fast_size((least as usize).div_ceil(2)) }
        });
        Correlator { fft: RealFft::new(&lengths), shifts, reach }
    }

    /// Transforms a volume; `masked` also its mask and squares.
    pub fn transform(&self, volume: &Volume, masked: bool) -> Transformed {
        let values = self.spectrum(&volume.values, volume.shape);
        let masked = masked.then(|| {
            let ones;
            let mask = match &volume.mask {
                Some(mask) => mask,
                None => {
                    ones = vec![1.0; volume.values.len()];
                    &ones
                }
            };
            let squares: Vec<f32> = volume.values.iter().map(|v| v * v).collect();
            [self.spectrum(mask, volume.shape), self.spectrum(&squares, volume.shape)]
        });
        Transformed { values, masked }
    }

    fn spectrum(&self, values: &[f32], shape: [usize; 3]) -> Vec<Complex32> {
        let mut spectrum = vec![Complex32::default(); self.fft.spectrum_len()];
        self.fft.forward_padded(values, &shape, &mut spectrum);
        spectrum
    }

    /// `sum over x of a[x + k] b[x]` for every shift; `whiten` keeps only the phases.
    fn correlate(&self, a: &[Complex32], b: &[Complex32], whiten: bool) -> Vec<f32> {
        let mut product: Vec<Complex32> = a.iter().zip(b).map(|(a, b)| a * b.conj()).collect();
        if whiten {
            // Frequencies without power have no phase; a small part of the mean power stands in.
            let mean =
                product.iter().map(|c| f64::from(c.norm())).sum::<f64>() / product.len() as f64;
            let least = (1e-3 * mean).max(f64::MIN_POSITIVE) as f32;
            product.iter_mut().for_each(|c| *c /= c.norm().max(least));
        }
        let centred: [usize; 3] = self.reach.map(|r| 2 * r + 1);
        let mut around = vec![0.0; centred.iter().product()];
        self.fft.inverse_centred(&mut product, &self.reach, &mut around);
        let shape = self.shifts.shape();
        let skip: [usize; 3] =
            std::array::from_fn(|d| (self.shifts.first[d] + self.reach[d] as i64) as usize);
        let mut out = Vec::with_capacity(self.shifts.count());
        for z in 0..shape[0] {
            for y in 0..shape[1] {
                let row = ((z + skip[0]) * centred[1] + y + skip[1]) * centred[2] + skip[2];
                out.extend_from_slice(&around[row..row + shape[2]]);
            }
        }
        out
    }

    /// Scores two volumes at every shift where at least `least` voxels are compared.
    pub fn surface(&self, a: &Volume, b: &Volume, least: f64, phase: bool) -> Surface {
        let masked = a.mask.is_some() || b.mask.is_some();
        let (ta, tb) = (self.transform(a, masked), self.transform(b, masked));
        let cross = self.correlate(&ta.values, &tb.values, false);
        let sums = match (&ta.masked, &tb.masked) {
            (Some(ma), Some(mb)) => self.masked_sums(&ta.values, ma, &tb.values, mb),
            _ => LocalSums::of_boxes(&[BoxSums::new(a), BoxSums::new(b)], &self.shifts),
        };
        let phase = phase.then(|| self.correlate(&ta.values, &tb.values, true));
        Surface { phase, ..self.score(&cross, &sums, least) }
    }

    /// Scores two volumes without unknown voxels whose spectra and sums are known.
    pub fn surface_of(
        &self,
        a: (&Transformed, &BoxSums),
        b: (&Transformed, &BoxSums),
        least: f64,
    ) -> Surface {
        let cross = self.correlate(&a.0.values, &b.0.values, false);
        self.score(&cross, &LocalSums::of_boxes(&[a.1, b.1], &self.shifts), least)
    }

    /// The mean squared difference at every shift with at least `least` voxels, with the scale of
    /// its rounding error.
    pub fn differences(
        &self,
        [a, b]: [&Volume; 2],
        sums: [&BoxSums; 2],
        least: f64,
    ) -> Vec<Option<(f64, f64)>> {
        let (ta, tb) = (self.transform(a, false), self.transform(b, false));
        let cross = self.correlate(&ta.values, &tb.values, false);
        let total = |v: &Volume| v.values.iter().map(|v| f64::from(v * v)).sum::<f64>();
        let scale = (total(a) * total(b)).sqrt();
        let sums = LocalSums::of_boxes(&sums, &self.shifts);
        let at = |i: usize| {
            let n = sums.n[i];
            let difference = (sums.aa[i] + sums.bb[i] - 2.0 * f64::from(cross[i])) / n.max(1.0);
            (n >= least).then_some((difference.abs(), scale / n.max(1.0)))
        };
        (0..cross.len()).map(at).collect()
    }

    fn masked_sums(
        &self,
        a: &[Complex32],
        [a_mask, a_squares]: &[Vec<Complex32>; 2],
        b: &[Complex32],
        [b_mask, b_squares]: &[Vec<Complex32>; 2],
    ) -> LocalSums {
        let wide = |v: Vec<f32>| v.into_iter().map(f64::from).collect::<Vec<f64>>();
        LocalSums {
            n: wide(self.correlate(a_mask, b_mask, false)).into_iter().map(f64::round).collect(),
            a: wide(self.correlate(a, b_mask, false)),
            b: wide(self.correlate(a_mask, b, false)),
            aa: wide(self.correlate(a_squares, b_mask, false)),
            bb: wide(self.correlate(a_mask, b_squares, false)),
        }
    }

    fn score(&self, cross: &[f32], sums: &LocalSums, least: f64) -> Surface {
        let variances = |i: usize| {
            let n = sums.n[i].max(1.0);
            (sums.aa[i] - sums.a[i] * sums.a[i] / n, sums.bb[i] - sums.b[i] * sums.b[i] / n)
        };
        let enough = |i: usize| sums.n[i] >= least.max(2.0);
        let (mut top_a, mut top_b) = (0.0f64, 0.0f64);
        for i in (0..cross.len()).filter(|i| enough(*i)) {
            let (va, vb) = variances(i);
            (top_a, top_b) = (top_a.max(va), top_b.max(vb));
        }
        let ncc = (0..cross.len()).map(|i| {
            let (va, vb) = variances(i);
            // Without contrast there is nothing to compare, only rounding.
            if !enough(i) || va <= 1e-6 * top_a || vb <= 1e-6 * top_b {
                return -1.0;
            }
            let covariance = f64::from(cross[i]) - sums.a[i] * sums.b[i] / sums.n[i];
            (covariance / (va * vb).sqrt()).clamp(-1.0, 1.0) as f32
        });
        let ncc = ncc.collect();
        let voxels = sums.n.iter().map(|n| *n as f32).collect();
        Surface { shifts: self.shifts, ncc, voxels, phase: None }
    }
}

/// Sums over the compared voxels, per shift.
struct LocalSums {
    n: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
    aa: Vec<f64>,
    bb: Vec<f64>,
}

/// Tables of a volume without unknown voxels, from which sums over boxes follow.
pub(crate) struct BoxSums {
    shape: [usize; 3],
    values: IntegralTable,
    squares: IntegralTable,
}

impl BoxSums {
    pub fn new(volume: &Volume) -> BoxSums {
        BoxSums {
            shape: volume.shape,
            values: IntegralTable::new(&volume.values, volume.shape),
            squares: IntegralTable::of_squares(&volume.values, volume.shape),
        }
    }
}

impl LocalSums {
    /// Without unknown voxels the compared part is a box, and no transform is needed.
    fn of_boxes<T: std::borrow::Borrow<BoxSums>>([a, b]: &[T; 2], shifts: &Shifts) -> LocalSums {
        let (a, b) = (a.borrow(), b.borrow());
        let count = shifts.count();
        let empty = || Vec::with_capacity(count);
        let mut sums = LocalSums { n: empty(), a: empty(), b: empty(), aa: empty(), bb: empty() };
        for i in 0..count {
            let k = shifts.at(i);
            let low: [i64; 3] = std::array::from_fn(|d| (-k[d]).max(0));
            let high: [i64; 3] =
                std::array::from_fn(|d| (b.shape[d] as i64).min(a.shape[d] as i64 - k[d]));
            if (0..3).any(|d| high[d] <= low[d]) {
                [&mut sums.n, &mut sums.a, &mut sums.b, &mut sums.aa, &mut sums.bb]
                    .into_iter()
                    .for_each(|v| v.push(0.0));
                continue;
            }
            let in_b = [low, high].map(|p| p.map(|v| v as usize));
            let in_a = [low, high].map(|p| std::array::from_fn(|d| (p[d] + k[d]) as usize));
            sums.n.push((0..3).map(|d| (high[d] - low[d]) as f64).product());
            sums.a.push(a.values.sum(in_a[0], in_a[1]));
            sums.aa.push(a.squares.sum(in_a[0], in_a[1]));
            sums.b.push(b.values.sum(in_b[0], in_b[1]));
            sums.bb.push(b.squares.sum(in_b[0], in_b[1]));
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hooke_core::seed::rng_at;
    use rand::RngExt;

    fn random(shape: [usize; 3], seed: u64) -> Vec<f32> {
        let mut rng = rng_at(seed, "ncc", &[]);
        (0..shape.iter().product()).map(|_| rng.random::<f32>() * 10.0 + 100.0).collect()
    }

    /// The definition, voxel by voxel.
    fn slow(
        a: &[f32],
        sa: [usize; 3],
        b: &[f32],
        sb: [usize; 3],
        k: [i64; 3],
    ) -> Option<(f64, f64)> {
        let (mut n, mut s) = (0.0, [0.0f64; 5]);
        for z in 0..sb[0] as i64 {
            for y in 0..sb[1] as i64 {
                for x in 0..sb[2] as i64 {
                    let p = [z + k[0], y + k[1], x + k[2]];
                    if (0..3).any(|d| p[d] < 0 || p[d] >= sa[d] as i64) {
                        continue;
                    }
                    let va = f64::from(
                        a[((p[0] as usize * sa[1]) + p[1] as usize) * sa[2] + p[2] as usize],
                    );
                    let vb = f64::from(b[((z as usize * sb[1]) + y as usize) * sb[2] + x as usize]);
                    if !va.is_finite() || !vb.is_finite() {
                        continue;
                    }
                    n += 1.0;
                    for (s, v) in s.iter_mut().zip([va, vb, va * va, vb * vb, va * vb]) {
                        *s += v;
                    }
                }
            }
        }
        let [a, b, aa, bb, ab] = s;
        (n > 2.0).then(|| (n, (ab - a * b / n) / ((aa - a * a / n) * (bb - b * b / n)).sqrt()))
    }

    fn agrees(a: Vec<f32>, sa: [usize; 3], b: Vec<f32>, sb: [usize; 3], shifts: Shifts) {
        let (va, vb) = (Volume::new(sa, a.clone()), Volume::new(sb, b.clone()));
        let surface = Correlator::new(sa, sb, shifts).surface(&va, &vb, 6.0, false);
        for i in 0..shifts.count() {
            match slow(&a, sa, &b, sb, shifts.at(i)) {
                Some((n, ncc)) if n >= 6.0 => {
                    assert_eq!(f64::from(surface.voxels[i]), n);
                    assert!((f64::from(surface.ncc[i]) - ncc).abs() < 2e-4, "{ncc}");
                }
                _ => assert_eq!(surface.ncc[i], -1.0),
            }
        }
    }

    #[test]
    fn scores_equal_the_definition_at_every_shift_of_an_asymmetric_window() {
        let (sa, sb) = ([4, 7, 9], [5, 6, 8]);
        let shifts = Shifts { first: [-3, 1, -9], last: [2, 6, 1] };
        agrees(random(sa, 1), sa, random(sb, 2), sb, shifts);
    }

    #[test]
    fn unknown_voxels_are_left_out_of_every_sum() {
        let (sa, sb) = ([1, 9, 10], [1, 8, 11]);
        let (mut a, mut b) = (random(sa, 3), random(sb, 4));
        a[13] = f32::NAN;
        b[40] = f32::INFINITY;
        b[41] = f32::NAN;
        agrees(a, sa, b, sb, Shifts { first: [0, -4, -5], last: [0, 3, 6] });
    }

    #[test]
    fn of_equal_peaks_the_smallest_shift_comes_first() {
        let wave: Vec<f32> = (0..96).map(|i| [0.0f32, 3.0, 1.0, 2.0][i % 4]).collect();
        let volume = Volume::new([1, 1, 96], wave);
        let shifts = Shifts { first: [0, 0, -9], last: [0, 0, 9] };
        let surface =
            Correlator::new([1, 1, 96], [1, 1, 96], shifts).surface(&volume, &volume, 24.0, false);
        let peaks = surface.peaks(5, |_| true, |k| k[2].abs() as f64);
        assert_eq!(peaks.iter().map(|p| p.shift[2]).collect::<Vec<_>>(), [0, -4, 4, -8, 8]);
    }
}
