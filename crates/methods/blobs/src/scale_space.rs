//! Responses of a block to the filters of all scales, one scale after the other.

use hooke_filters::Border;
use hooke_filters::fir::convolve_symmetric_into;
use hooke_filters::gaussian::add_convolved;
use hooke_filters::integral::IntegralTable;
use multiversion::multiversion;
use ndarray::ArrayView3;
use rayon::prelude::*;

use crate::scales::{Scale, Separable};
use crate::voxel_box::VoxelBox;

/// Working memory of the responses of one block.
///
/// A difference of Gaussians keeps its wide Gaussian: the next scale often begins with it.
pub(crate) struct ScaleSpace<'a> {
    voxels: &'a [f32],
    shape: [usize; 3],
    /// The narrow and the wide one.
    gaussians: &'a mut [Vec<f32>; 2],
    /// The filter that the wide one is the result of.
    kept: Option<Separable>,
}

impl<'a> ScaleSpace<'a> {
    /// The scale space of a contiguous `(z, y, x)` volume, mirrored at its faces.
    pub(crate) fn new(
        voxels: &'a [f32],
        shape: [usize; 3],
        gaussians: &'a mut [Vec<f32>; 2],
    ) -> Self {
        Self { voxels, shape, gaussians, kept: None }
    }

    /// Filters the volume at one scale, into the caller's memory.
    pub(crate) fn respond(&mut self, scale: &Scale, out: &mut Vec<f32>) {
        out.resize(self.voxels.len(), 0.0);
        if let [(weight, narrow), (opposite, wide)] = scale.terms.as_slice()
            && *opposite == -weight
        {
            self.difference(*weight as f32, narrow, wide, out);
            return;
        }
        out.fill(0.0);
        for (weight, term) in &scale.terms {
            let mut scaled = term.rounded.clone();
            scaled[0].iter_mut().for_each(|w| *w *= *weight as f32);
            // The weight goes with the z kernel, which may be a single number that would be skipped.
            if let [only] = scaled[0].as_slice() {
                let only = *only;
                scaled[0] = vec![1.0];
                let axis = (1..3).find(|a| scaled[*a].len() > 1).unwrap_or(2);
                scaled[axis].iter_mut().for_each(|w| *w *= only);
            }
            let kernels = scaled.each_ref().map(|k| (k.len() > 1).then_some(k.as_slice()));
            add_convolved(self.voxels, self.shape, kernels, out, &mut self.gaussians[0]);
        }
    }

    fn difference(&mut self, weight: f32, narrow: &Separable, wide: &Separable, out: &mut [f32]) {
        let (voxels, shape) = (self.voxels, self.shape);
        let filter = |by: &Separable, out: &mut Vec<f32>| {
            out.resize(voxels.len(), 0.0);
            convolve_symmetric_into(voxels, shape, by.kernels(), Border::Reflect, out);
        };
        if self.kept.as_ref() == Some(narrow) {
            self.gaussians.swap(0, 1);
        } else {
            filter(narrow, &mut self.gaussians[0]);
        }
        filter(wide, &mut self.gaussians[1]);
        self.kept = Some(wide.clone());
        let [narrow, wide] = &*self.gaussians;
        let parts = narrow.par_chunks(PART).zip(wide.par_chunks(PART));
        out.par_chunks_mut(PART)
            .zip(parts)
            .for_each(|(out, (narrow, wide))| subtract(narrow, wide, weight, out));
    }
}

/// Voxels that a thread subtracts in one go.
const PART: usize = 1 << 14;

#[multiversion(targets("x86_64+avx512f+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn subtract(narrow: &[f32], wide: &[f32], weight: f32, out: &mut [f32]) {
    for ((out, narrow), wide) in out.iter_mut().zip(narrow).zip(wide) {
        *out = weight * (narrow - wide);
    }
}

/// The response of one voxel, in double precision, mirrored at the faces of the image.
///
/// * `voxels`: a block that starts at `start` of an image of `shape` and holds all that the filter
///   reaches from `at`, or the faces.
pub(crate) fn response_at(
    voxels: ArrayView3<'_, f32>,
    start: [usize; 3],
    shape: [usize; 3],
    at: [usize; 3],
    scale: &Scale,
) -> f64 {
    let mut sum = 0.0;
    for (weight, term) in &scale.terms {
        let along = |a: usize| -> Vec<(usize, f64)> {
            let half = &term.halves[a];
            let reach = half.len() as isize - 1;
            let place = |k: isize| Border::Reflect.index(at[a] as isize + k, shape[a]) - start[a];
            (-reach..=reach).map(|k| (place(k), half[k.unsigned_abs()])).collect()
        };
        let [z, y, x] = [along(0), along(1), along(2)];
        for (iz, wz) in &z {
            for (iy, wy) in &y {
                let row: f64 =
                    x.iter().map(|(ix, wx)| wx * f64::from(voxels[[*iz, *iy, *ix]])).sum();
                sum += weight * wz * wy * row;
            }
        }
    }
    sum
}

/// Replaces voxels that are not finite by the median of the finite ones within `radius`, or by
/// `level` where there are none. Returns the places of those inside `within`, all in the block.
pub(crate) fn mend(
    voxels: &mut [f32],
    shape: [usize; 3],
    radius: [usize; 3],
    level: f32,
    within: VoxelBox,
) -> Vec<[usize; 3]> {
    let place = |i: usize| [i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]];
    let bad: Vec<usize> = (0..voxels.len()).filter(|i| !voxels[*i].is_finite()).collect();
    if bad.is_empty() {
        return Vec::new();
    }
    // Most voxels of a large gap have no finite neighbour; a look at a table of sums tells.
    let finite: Vec<f32> = voxels.iter().map(|v| f32::from(u8::from(v.is_finite()))).collect();
    let finite = IntegralTable::new(&finite, shape);
    let median_around = |i: usize| {
        let at = place(i);
        let window = VoxelBox { start: at, end: at.map(|p| p + 1) }.grown(radius, shape);
        if finite.sum(window.start, window.end) == 0.0 {
            return level;
        }
        let mut values = Vec::with_capacity(window.voxels());
        for z in window.start[0]..window.end[0] {
            for y in window.start[1]..window.end[1] {
                let row = (z * shape[1] + y) * shape[2];
                let row = &voxels[row + window.start[2]..row + window.end[2]];
                values.extend(row.iter().copied().filter(|v| v.is_finite()));
            }
        }
        hooke_filters::order::median(&mut values).unwrap_or(level)
    };
    let mended: Vec<f32> = bad.par_iter().map(|i| median_around(*i)).collect();
    for (i, value) in bad.iter().zip(mended) {
        voxels[*i] = value;
    }
    bad.into_iter().map(place).filter(|p| within.contains(*p)).collect()
}
