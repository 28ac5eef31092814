//! How many pairs chance alone would make.
//!
//! Beside the expectation for blobs spread evenly, the observed number of pairs is compared with
//! that of images in which the second channel was moved: shifted as a whole, wrapping at the faces,
//! which keeps its own clustering, or laid out anew within a mask.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use hooke_core::Blob;
use hooke_core::seed::rng_at;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use crate::error::BlobsError;
use crate::matching::{Gate, MAX_EDGES, Objective, Site, assign, gate_edges};
use crate::wilson::Fraction;

/// Where blobs could have been.
pub enum Field<'a> {
    /// A box in µm over `z, y, x`: its first corner and its lengths; blobs are shifted in it. An
    /// axis of one plane has the length 0 and does not count.
    Box {
        /// First corner.
        start_um: [f64; 3],
        /// Lengths.
        extent_um: [f64; 3],
    },
    /// Places within a mask; blobs of the second channel are each put at one of them.
    Mask {
        /// Volume of the mask in µm³.
        volume_um3: f64,
        /// Draws a place in µm, evenly over the mask.
        draw: &'a (dyn Fn(&mut ChaCha8Rng) -> [f64; 3] + Sync),
    },
}

/// How chance is estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChanceParams {
    /// The gate of the matches.
    pub tolerance_um: [f64; 3],
    /// What the best set of pairs is.
    pub objective: Objective,
    /// Randomised images.
    pub draws: u64,
    /// Seed of the randomisation.
    pub seed: u64,
}

/// Pairs of two channels, and pairs by chance: an entry of `chance.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chance {
    /// The lower one first.
    pub channels: [u16; 2],
    /// Pairs found.
    pub observed: usize,
    /// Pairs expected of blobs spread evenly and independently.
    pub expected: f64,
    /// `observed - expected`.
    pub excess: f64,
    /// `(1 + draws with at least as many pairs) / (draws + 1)`; `None` without draws.
    pub p_value: Option<f64>,
    /// Mean number of pairs over the draws.
    pub null_mean: Option<f64>,
    /// Part of the first channel's blobs that are in a pair.
    pub fraction1: Option<Fraction>,
    /// Part of the second channel's.
    pub fraction2: Option<Fraction>,
}

/// Compares the pairs of two channels with chance.
///
/// Frames are randomised each on its own, and their pairs added up.
///
/// # Arguments
/// * `channels` — the two; blobs of others are ignored.
/// * `field` — where blobs could have been.
///
/// # Errors
/// When the gate or the field is no positive size, or a position is no number.
pub fn chance(
    blobs: &[Blob],
    channels: [u16; 2],
    field: &Field<'_>,
    params: &ChanceParams,
) -> Result<Chance, BlobsError> {
    let gate = Gate::new(params.tolerance_um)?;
    let neighbourhood = share_of_field(field, params.tolerance_um)?;
    let mut frames = BTreeMap::<u32, [Vec<Site>; 2]>::new();
    for blob in blobs {
        if let Some(side) = channels.iter().position(|c| *c == blob.channel) {
            let site = Site { id: blob.id, position_um: blob.position_um, is_inner: true };
            frames.entry(blob.t).or_default()[side].push(site);
        }
    }
    // Ids decide which blob gets which random place, not the order of rows.
    frames.values_mut().flatten().for_each(|sites| sites.sort_by_key(|s| s.id));
    let count = |first: &[Site], second: &[Site]| -> Result<usize, BlobsError> {
        Ok(assign(gate_edges(first, second, &gate, MAX_EDGES)?, params.objective)?.pairs.len())
    };
    let sum = |counts: Vec<usize>| counts.into_iter().sum::<usize>();
    let observed = frames.values().map(|[a, b]| count(a, b)).collect::<Result<_, _>>().map(sum)?;
    let null: Vec<usize> = (0..params.draws)
        .into_par_iter()
        .map(|draw| {
            let of_frame = |(t, [first, second]): (&u32, &[Vec<Site>; 2])| {
                let place = [draw, u64::from(*t), channels[0].into(), channels[1].into()];
                let mut rng = rng_at(params.seed, "blobs chance", &place.map(|v| v as i64));
                count(first, &randomized(second, field, &mut rng))
            };
            frames.iter().map(of_frame).collect::<Result<_, _>>().map(sum)
        })
        .collect::<Result<_, _>>()?;
    let total = |side: usize| frames.values().map(|f| f[side].len()).sum::<usize>();
    let expected = frames
        .values()
        .map(|[a, b]| a.len() as f64 * -(-(b.len() as f64) * neighbourhood).exp_m1());
    let expected: f64 = expected.sum();
    let n = null.len() as f64;
    let reached = null.iter().filter(|pairs| **pairs >= observed).count() as f64;
    Ok(Chance {
        channels,
        observed,
        expected,
        excess: observed as f64 - expected,
        p_value: (n > 0.0).then(|| (1.0 + reached) / (n + 1.0)),
        null_mean: (n > 0.0).then(|| null.iter().sum::<usize>() as f64 / n),
        fraction1: Fraction::of(observed, total(0)),
        fraction2: Fraction::of(observed, total(1)),
    })
}

/// The part of the field that the gate of one blob covers.
fn share_of_field(field: &Field<'_>, tolerance_um: [f64; 3]) -> Result<f64, BlobsError> {
    match field {
        Field::Box { start_um, extent_um } => {
            let is_length = |v: &f64| v.is_finite() && *v >= 0.0;
            if !extent_um.iter().all(is_length) || !start_um.iter().all(|v| v.is_finite()) {
                return Err(BlobsError::parameter("extent", extent_um, "lengths >= 0 in µm"));
            }
            let axes = (0..3).filter(|d| extent_um[*d] > 0.0);
            let (n, share) = axes
                .fold((0, 1.0), |(n, share), d| (n + 1, share * tolerance_um[d] / extent_um[d]));
            Ok([0.0, 2.0, PI, 4.0 / 3.0 * PI][n] * share)
        }
        Field::Mask { volume_um3, .. } => {
            if !(volume_um3.is_finite() && *volume_um3 > 0.0) {
                return Err(BlobsError::parameter("mask", volume_um3, "a volume above 0 µm³"));
            }
            Ok(4.0 / 3.0 * PI * tolerance_um.iter().product::<f64>() / volume_um3)
        }
    }
}

fn randomized(sites: &[Site], field: &Field<'_>, rng: &mut ChaCha8Rng) -> Vec<Site> {
    match field {
        Field::Box { start_um, extent_um } => {
            let shift: [f64; 3] = std::array::from_fn(|d| extent_um[d] * rng.random::<f64>());
            let wrap = |p: f64, d: usize| {
                if extent_um[d] == 0.0 {
                    return p;
                }
                start_um[d] + (p - start_um[d] + shift[d]).rem_euclid(extent_um[d])
            };
            let moved = |s: &Site| std::array::from_fn(|d| wrap(s.position_um[d], d));
            sites.iter().map(|s| Site { position_um: moved(s), ..*s }).collect()
        }
        Field::Mask { draw, .. } => {
            sites.iter().map(|s| Site { position_um: draw(rng), ..*s }).collect()
        }
    }
}
