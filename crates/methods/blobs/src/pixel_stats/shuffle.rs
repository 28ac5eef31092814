//! Whether two images correlate more than when blocks of one are shuffled.

use hooke_core::seed::rng_at;
use hooke_core::{ExactSum, Sample};
use ndarray::{ArrayView3, s};
use rand::seq::SliceRandom;
use rayon::prelude::*;

use crate::error::BlobsError;

/// The part of shuffled images that correlate at least as much as the true one.
///
/// Blocks of the second image, about as large as the point spread function, change places at
/// random; blocks that a face cuts, or that are not wholly within the mask, stay. Their voxels are
/// the same in every draw, and so are means and variances: only `Σab` decides.
///
/// # Arguments
/// * `a`, `b`, `mask` — over `z, y, x`.
/// * `block` — lengths of a block.
///
/// # Returns
/// `(1 + draws with r >= the observed) / (draws + 1)`; `None` without draws, or where no correlation
/// is defined.
///
/// # Errors
/// When the shapes differ or a block has no voxel.
///
/// # Cost
/// `O(voxels)` memory and time for every draw, parallel over draws.
///
/// # Reference
/// Costes et al. (2004), doi:10.1529/biophysj.103.038422.
pub fn costes_p_value<A: Sample, B: Sample>(
    a: ArrayView3<'_, A>,
    b: ArrayView3<'_, B>,
    mask: Option<ArrayView3<'_, bool>>,
    block: [usize; 3],
    draws: u64,
    seed: u64,
) -> Result<Option<f64>, BlobsError> {
    let shapes =
        [("the second channel", Some(b.shape())), ("the mask", mask.as_ref().map(|m| m.shape()))];
    for (what, shape) in shapes {
        if let Some(found) = shape.filter(|found| *found != a.shape()) {
            let (expected, found) = (a.shape().to_vec(), found.to_vec());
            return Err(BlobsError::Shape { what, expected, found });
        }
    }
    if block.contains(&0) {
        return Err(BlobsError::parameter("block", block, "lengths of 1 or more"));
    }
    let (a_blocks, b_blocks) = whole_blocks(a, b, mask, block);
    let size: usize = block.iter().product();
    if draws == 0 || !varies(a, mask) || !varies(b, mask) {
        return Ok(None);
    }
    let product = |order: &[u32]| {
        let mut sum = ExactSum::default();
        for (a, i) in a_blocks.chunks_exact(size).zip(order) {
            let from = *i as usize * size;
            let dot: f64 = a.iter().zip(&b_blocks[from..from + size]).map(|(a, b)| a * b).sum();
            sum.add(dot, 1);
        }
        sum.to_f64()
    };
    let order: Vec<u32> = (0..(a_blocks.len() / size) as u32).collect();
    let observed = product(&order);
    let reaches = |draw: &u64| {
        let mut order = order.clone();
        order.shuffle(&mut rng_at(seed, "costes blocks", &[*draw as i64]));
        product(&order) >= observed
    };
    let reached = (0..draws).into_par_iter().filter(reaches).count();
    Ok(Some((1 + reached) as f64 / (draws + 1) as f64))
}

/// Whether more than one finite value lies within the mask.
fn varies<T: Sample>(image: ArrayView3<'_, T>, mask: Option<ArrayView3<'_, bool>>) -> bool {
    let is_inside = |at: (usize, usize, usize)| mask.is_none_or(|m| m[at]);
    let mut values = image.indexed_iter().filter(|(at, _)| is_inside(*at)).map(|(_, v)| v.to_f64());
    let first = values.by_ref().find(|v| v.is_finite());
    first.is_some_and(|first| values.any(|v| v.is_finite() && v != first))
}

/// The voxels of both images in blocks that are whole, within the mask and finite, block by block.
fn whole_blocks<A: Sample, B: Sample>(
    a: ArrayView3<'_, A>,
    b: ArrayView3<'_, B>,
    mask: Option<ArrayView3<'_, bool>>,
    [dz, dy, dx]: [usize; 3],
) -> (Vec<f64>, Vec<f64>) {
    let (nz, ny, nx) = a.dim();
    let (mut in_a, mut in_b) = (Vec::new(), Vec::new());
    for z in (0..nz / dz).map(|i| i * dz) {
        for y in (0..ny / dy).map(|i| i * dy) {
            for x in (0..nx / dx).map(|i| i * dx) {
                let window = s![z..z + dz, y..y + dy, x..x + dx];
                if mask.is_some_and(|m| m.slice(window).iter().any(|is_inside| !is_inside)) {
                    continue;
                }
                let from = in_a.len();
                in_a.extend(a.slice(window).iter().map(|v| v.to_f64()));
                in_b.extend(b.slice(window).iter().map(|v| v.to_f64()));
                if in_a[from..].iter().chain(&in_b[from..]).any(|v| !v.is_finite()) {
                    in_a.truncate(from);
                    in_b.truncate(from);
                }
            }
        }
    }
    (in_a, in_b)
}
