//! Matching of whole tables of blobs, every pair of channels.

use std::collections::{BTreeMap, BTreeSet};

use hooke_core::{Blob, BlobPair};

use super::assign::{Objective, Partners, assign};
use super::gate::{Gate, MAX_EDGES, Site, gate_edges};
use super::window::MatchWindow;
use crate::error::BlobsError;
use crate::matches::MatchTable;

/// How blobs are matched.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchParams {
    /// Semi-axes of the gate over `z, y, x`.
    pub tolerance_um: [f64; 3],
    /// Over `z, y, x`; only [`BlobPair::distance_scaled`] depends on it.
    pub voxel_size_um: [f64; 3],
    /// What the best set of pairs is.
    pub objective: Objective,
    /// Channels of which every pair is matched; all there are when `None`.
    pub channels: Option<Vec<u16>>,
    /// Where blobs and pairs must lie; anywhere when `None`.
    pub window: Option<MatchWindow>,
    /// Pairs within the gate, of one frame and two channels, that memory is there for (about 80
    /// bytes each).
    pub max_edges: usize,
}

impl MatchParams {
    /// A gate of 5 µm, the most pairs, all channels, anywhere, as many candidates as can be numbered.
    pub fn new(voxel_size_um: [f64; 3]) -> Self {
        Self {
            tolerance_um: [5.0; 3],
            voxel_size_um,
            objective: Objective::default(),
            channels: None,
            window: None,
            max_edges: MAX_EDGES,
        }
    }

    fn gate(&self) -> Result<Gate, BlobsError> {
        if !self.voxel_size_um.iter().all(|v| v.is_finite() && *v > 0.0) {
            return Err(BlobsError::parameter(
                "voxel size",
                self.voxel_size_um,
                "positive numbers over z, y, x",
            ));
        }
        Gate::new(self.tolerance_um)
    }

    /// What a gate distance is multiplied by: the longest semi-axis of the gate in voxels.
    fn scale(&self) -> f64 {
        let voxels = |d: usize| self.tolerance_um[d] / self.voxel_size_um[d];
        (0..3).map(voxels).fold(0.0, f64::max)
    }

    /// Pairs of the wanted channels, the lower one first.
    fn channel_pairs(&self, blobs: &[Blob]) -> Vec<[u16; 2]> {
        let mut channels: BTreeSet<u16> = blobs.iter().map(|b| b.channel).collect();
        if let Some(wanted) = &self.channels {
            channels.retain(|c| wanted.contains(c));
        }
        let channels: Vec<u16> = channels.into_iter().collect();
        let pairs = channels.iter().enumerate();
        pairs.flat_map(|(i, a)| channels[i + 1..].iter().map(|b| [*a, *b])).collect()
    }
}

/// How crowded the candidates of two channels are.
///
/// Where a blob has many candidates the gate is far wider than the spacing of blobs, and a match
/// says little.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Crowding {
    /// The lower one first.
    pub channels: [u16; 2],
    /// Blobs in the window, in the order of `channels`.
    pub blobs: [usize; 2],
    /// Pairs within the gate.
    pub edges: usize,
    /// Candidates of a blob on average, over the blobs of both channels.
    pub mean_degree: f64,
    /// Blobs of the largest component.
    pub largest_component: usize,
}

/// The pairs found, and how sure they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matched {
    /// By channels, then by the id of the first blob; numbered from 1, of region 0.
    pub pairs: Vec<BlobPair>,
    /// One for every pair of channels.
    pub crowding: Vec<Crowding>,
}

/// Matches the blobs of every pair of channels, frame by frame.
///
/// Rows may come in any order; ids decide between sets of pairs that are equally good.
///
/// # Errors
/// When a parameter is out of range, a position is no number, two blobs have one id, or more than
/// `max_edges` pairs lie within the gate.
///
/// # Reference
/// Gating before an exact assignment (Kuhn 1955; Jonker & Volgenant 1987), unlike MagellanMapper,
/// which assigns first and loses pairs to partners beyond the gate.
pub fn match_stack(blobs: &[Blob], params: &MatchParams) -> Result<Matched, BlobsError> {
    match_at(blobs, params, |blob| blob.position_um)
}

/// Matches the blobs in a box with a gate in voxels, as MagellanMapper's `colocalize_blobs_match`.
///
/// Every pair of the wanted channels that have blobs has a table, even an empty one. Distances are
/// in scaled voxels (`max(tolerance) * gate distance`); `confirmed` and `truth` are -1. Without
/// `inner_padding` it is the tolerance rounded down.
///
/// # Errors
/// As [`match_stack`].
pub fn match_block(
    blobs: &[Blob],
    offset: [f64; 3],
    shape: [f64; 3],
    tolerance: [f64; 3],
    inner_padding: Option<[f64; 3]>,
    channels: Option<&[u16]>,
) -> Result<BTreeMap<[u16; 2], MatchTable>, BlobsError> {
    let padding = inner_padding.unwrap_or(tolerance.map(f64::floor));
    Gate::new(tolerance)?;
    let params = MatchParams {
        tolerance_um: tolerance,
        voxel_size_um: [1.0; 3],
        objective: Objective::Cardinality,
        channels: channels.map(<[u16]>::to_vec),
        window: Some(MatchWindow::new(offset, shape, padding)?),
        max_edges: MAX_EDGES,
    };
    let found = match_at(blobs, &params, |blob| blob.position)?;
    let mut tables = MatchTable::by_channels(&found.pairs, blobs)?;
    for crowding in found.crowding {
        tables.entry(crowding.channels).or_default();
    }
    Ok(tables)
}

/// Matches with the gate around the place that `place` gives.
fn match_at(
    blobs: &[Blob],
    params: &MatchParams,
    place: impl Fn(&Blob) -> [f64; 3],
) -> Result<Matched, BlobsError> {
    let (gate, scale) = (params.gate()?, params.scale());
    let rows = Rows::of(blobs)?;
    let mut sites = BTreeMap::<(u16, u32), Vec<Site>>::new();
    let window = params.window;
    for blob in blobs.iter().filter(|b| window.is_none_or(|w| w.holds(b.position))) {
        sites.entry((blob.channel, blob.t)).or_default().push(Site {
            id: blob.id,
            position_um: place(blob),
            is_inner: window.is_none_or(|w| w.is_inner(blob.position)),
        });
    }
    let mut found = Matched::default();
    for channels in params.channel_pairs(blobs) {
        let mut crowding =
            Crowding { channels, blobs: [0; 2], edges: 0, mean_degree: 0.0, largest_component: 0 };
        let mut pairs = Vec::new();
        for side in 0..2 {
            let of_channel = sites.range((channels[side], 0)..=(channels[side], u32::MAX));
            crowding.blobs[side] = of_channel.map(|(_, sites)| sites.len()).sum();
        }
        for ((_, t), first) in sites.range((channels[0], 0)..=(channels[0], u32::MAX)) {
            let Some(second) = sites.get(&(channels[1], *t)) else { continue };
            let edges = gate_edges(first, second, &gate, params.max_edges)?;
            let assignment = assign(edges, params.objective)?;
            crowding.edges += assignment.edges;
            crowding.largest_component =
                crowding.largest_component.max(assignment.largest_component);
            pairs.extend(assignment.pairs);
        }
        let n: usize = crowding.blobs.iter().sum();
        crowding.mean_degree = 2.0 * crowding.edges as f64 / n.max(1) as f64;
        found.crowding.push(crowding);
        pairs.sort_unstable_by_key(|p| p.ids);
        for partners in pairs {
            let match_id = found.pairs.len() as u64 + 1;
            found.pairs.push(BlobPair { match_id, ..rows.pair(&partners, scale)? });
        }
    }
    Ok(found)
}

/// Rows of a table by id.
pub(crate) struct Rows<'a> {
    blobs: &'a [Blob],
    by_id: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// # Errors
    /// [`BlobsError::DuplicateId`].
    pub(crate) fn of(blobs: &'a [Blob]) -> Result<Self, BlobsError> {
        let mut by_id: Vec<usize> = (0..blobs.len()).collect();
        by_id.sort_by_key(|row| blobs[*row].id);
        match by_id.windows(2).find(|w| blobs[w[0]].id == blobs[w[1]].id) {
            Some(twice) => Err(BlobsError::DuplicateId { id: blobs[twice[0]].id }),
            None => Ok(Self { blobs, by_id }),
        }
    }

    /// The row of an id.
    ///
    /// # Errors
    /// [`BlobsError::UnknownBlob`].
    pub(crate) fn row(&self, id: u64) -> Result<usize, BlobsError> {
        let place = self.by_id.binary_search_by_key(&id, |row| self.blobs[*row].id);
        place.map(|at| self.by_id[at]).map_err(|_| BlobsError::UnknownBlob { id })
    }

    /// The blob of an id.
    ///
    /// # Errors
    /// [`BlobsError::UnknownBlob`].
    pub(crate) fn blob(&self, id: u64) -> Result<&'a Blob, BlobsError> {
        self.row(id).map(|row| &self.blobs[row])
    }

    fn pair(&self, partners: &Partners, scale: f64) -> Result<BlobPair, BlobsError> {
        let (a, b) = (self.blob(partners.ids[0])?, self.blob(partners.ids[1])?);
        let mean = |a: [f64; 3], b: [f64; 3]| std::array::from_fn(|d| (a[d] + b[d]) / 2.0);
        Ok(BlobPair {
            match_id: 0,
            roi_id: 0,
            t: a.t,
            channels: [a.channel, b.channel],
            blob_ids: partners.ids,
            distance_um: distance(a.position_um, b.position_um),
            distance_scaled: scale * partners.gate_distance,
            gate_distance: partners.gate_distance,
            position: mean(a.position, b.position),
            position_um: mean(a.position_um, b.position_um),
            component: partners.component,
            rivals: partners.rivals,
        })
    }
}

/// Euclidean distance.
pub(crate) fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|d| (a[d] - b[d]) * (a[d] - b[d])).sum::<f64>().sqrt()
}
