//! How well blobs, and pairs of them, were found.

use std::collections::{BTreeMap, BTreeSet};

use hooke_core::{Blob, BlobPair, Review, Truth};
use serde::{Serialize, Serializer};

use crate::error::BlobsError;
use crate::matching::{Gate, MAX_EDGES, Objective, Rows, Site, assign, gate_edges};

/// Counts, and what follows of them; `None` where there is nothing to divide by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Hits {
    /// How many there are.
    pub truth: usize,
    /// How many were found, right or wrong.
    pub found: usize,
    /// How many of these are right.
    pub tp: usize,
    /// `tp / found`.
    pub precision: Option<f64>,
    /// `tp / truth`.
    pub recall: Option<f64>,
    /// Harmonic mean of the two: `2 tp / (truth + found)`.
    pub f1: Option<f64>,
}

impl Hits {
    fn new(truth: usize, found: usize, tp: usize) -> Self {
        let precision = ratio(tp, found);
        Self {
            truth,
            found,
            tp,
            precision,
            recall: ratio(tp, truth),
            f1: ratio(2 * tp, truth + found),
        }
    }
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The blobs of one channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ChannelScore {
    /// Counts.
    #[serde(flatten)]
    pub hits: Hits,
    /// Root mean squared distance of the found from their true places, in three dimensions.
    pub rmse_um: Option<f64>,
    /// Mean of found less true place over `z, y, x`.
    pub bias_um: Option<[f64; 3]>,
}

/// The pairs of two channels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct PairScore {
    /// Counts.
    #[serde(flatten)]
    pub hits: Hits,
    /// Part of the first channel's true blobs that are in a pair.
    pub fraction_truth: Option<f64>,
    /// Part of the first channel's found blobs that are in a pair.
    pub fraction_found: Option<f64>,
}

/// What `score.json` holds, and what it says of every row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlobScore {
    /// Radius of the gate.
    pub gate_um: f64,
    /// By channel.
    #[serde(serialize_with = "by_channel")]
    pub channels: BTreeMap<u16, ChannelScore>,
    /// By pair of channels, when pairs were given.
    #[serde(serialize_with = "by_pair")]
    pub pairs: BTreeMap<[u16; 2], PairScore>,
    /// Of every found row: confirmed when it is a true blob, rejected otherwise.
    #[serde(skip)]
    pub confirmed: Vec<Review>,
    /// Of every true row: whether it was found.
    #[serde(skip)]
    pub truth: Vec<Truth>,
}

fn by_channel<S: Serializer>(
    scores: &BTreeMap<u16, ChannelScore>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(scores.iter().map(|(channel, score)| (channel.to_string(), score)))
}

fn by_pair<S: Serializer>(
    scores: &BTreeMap<[u16; 2], PairScore>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(scores.iter().map(|([a, b], score)| (format!("{a}-{b}"), score)))
}

/// Compares found blobs with the truth.
///
/// Found and true blobs of one channel and frame are assigned to each other exactly, the most pairs
/// within `gate_um`, of these the closest. With `pairs` (found, true), a found pair is right when
/// its two blobs are assigned to the two blobs of one true pair.
///
/// # Errors
/// When the gate is not positive, an id comes twice in one table, a position is no number, or a
/// pair names an unknown blob.
pub fn score_blobs(
    found: &[Blob],
    truth: &[Blob],
    gate_um: f64,
    pairs: Option<(&[BlobPair], &[BlobPair])>,
) -> Result<BlobScore, BlobsError> {
    let gate = Gate::new([gate_um; 3])?;
    let (found_rows, truth_rows) = (Rows::of(found)?, Rows::of(truth)?);
    let (found_sites, truth_sites) = (sites(found), sites(truth));
    let mut score = BlobScore {
        gate_um,
        channels: BTreeMap::new(),
        pairs: BTreeMap::new(),
        confirmed: vec![Review::Rejected; found.len()],
        truth: vec![Truth::Missed; truth.len()],
    };
    let channels: BTreeSet<u16> = found.iter().chain(truth).map(|b| b.channel).collect();
    let mut true_id = BTreeMap::new();
    for channel in channels {
        let mut offsets = Vec::new();
        let frames = (channel, 0)..=(channel, u32::MAX);
        for (key, first) in found_sites.range(frames) {
            let Some(second) = truth_sites.get(key) else { continue };
            let edges = gate_edges(first, second, &gate, MAX_EDGES)?;
            for partners in assign(edges, Objective::Cardinality)?.pairs {
                let (at, wanted) =
                    (found_rows.row(partners.ids[0])?, truth_rows.row(partners.ids[1])?);
                score.confirmed[at] = Review::Confirmed;
                score.truth[wanted] = Truth::Found;
                true_id.insert(partners.ids[0], partners.ids[1]);
                let (a, b) = (found[at].position_um, truth[wanted].position_um);
                offsets.push([a[0] - b[0], a[1] - b[1], a[2] - b[2]]);
            }
        }
        let of_channel = |blobs: &[Blob]| blobs.iter().filter(|b| b.channel == channel).count();
        let hits = Hits::new(of_channel(truth), of_channel(found), offsets.len());
        score.channels.insert(channel, errors(hits, &offsets));
    }
    if let Some((found_pairs, truth_pairs)) = pairs {
        score.pairs = score_pairs([found, truth], [found_pairs, truth_pairs], &true_id)?;
    }
    Ok(score)
}

fn sites(blobs: &[Blob]) -> BTreeMap<(u16, u32), Vec<Site>> {
    let mut sites = BTreeMap::<_, Vec<Site>>::new();
    for b in blobs {
        let site = Site { id: b.id, position_um: b.position_um, is_inner: true };
        sites.entry((b.channel, b.t)).or_default().push(site);
    }
    sites
}

fn errors(hits: Hits, offsets: &[[f64; 3]]) -> ChannelScore {
    let n = offsets.len() as f64;
    let sum = |d: usize| offsets.iter().map(|o| o[d]).sum::<f64>();
    let squares: f64 = offsets.iter().flatten().map(|v| v * v).sum();
    let is_any = !offsets.is_empty();
    ChannelScore {
        hits,
        rmse_um: is_any.then(|| (squares / n).sqrt()),
        bias_um: is_any.then(|| [sum(0) / n, sum(1) / n, sum(2) / n]),
    }
}

/// Scores pairs; the first of two is what was found, the second the truth.
fn score_pairs(
    blobs: [&[Blob]; 2],
    pairs: [&[BlobPair]; 2],
    true_id: &BTreeMap<u64, u64>,
) -> Result<BTreeMap<[u16; 2], PairScore>, BlobsError> {
    let ids = |blobs: &[Blob]| blobs.iter().map(|b| b.id).collect::<BTreeSet<u64>>();
    let known = blobs.map(ids);
    let sorted = |pair: &BlobPair| {
        let [a, b] = pair.blob_ids;
        [a.min(b), a.max(b)]
    };
    for side in 0..2 {
        let named = pairs[side].iter().flat_map(|p| p.blob_ids);
        if let Some(id) = named.into_iter().find(|id| !known[side].contains(id)) {
            return Err(BlobsError::UnknownBlob { id });
        }
    }
    let channels: BTreeSet<[u16; 2]> =
        pairs.iter().flat_map(|p| p.iter()).map(|p| p.channels).collect();
    let score = |channels: [u16; 2]| {
        let of_pair = |side: usize| pairs[side].iter().filter(move |p| p.channels == channels);
        let truth: BTreeSet<[u64; 2]> = of_pair(1).map(sorted).collect();
        let found: BTreeSet<[u64; 2]> = of_pair(0).map(sorted).collect();
        let is_right = |ids: &&[u64; 2]| {
            let ends = ids.map(|id| true_id.get(&id).copied());
            let [Some(a), Some(b)] = ends else { return false };
            truth.contains(&[a.min(b), a.max(b)])
        };
        let fraction = |side: usize, pairs: usize| {
            ratio(pairs, blobs[side].iter().filter(|b| b.channel == channels[0]).count())
        };
        PairScore {
            hits: Hits::new(truth.len(), found.len(), found.iter().filter(is_right).count()),
            fraction_truth: fraction(1, truth.len()),
            fraction_found: fraction(0, found.len()),
        }
    };
    Ok(channels.into_iter().map(|c| (c, score(c))).collect())
}
