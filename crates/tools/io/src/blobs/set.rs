//! Blobs with their matches, of one experiment and one region of its image.

use std::cmp::Ordering;
use std::collections::HashMap;

use hooke_core::{Blob, BlobPair};
use serde_json::Value;

use super::image::BlobImage;

/// A region of interest in voxels, over `z, y, x`, and the series of the file it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Roi {
    /// The series, as MagellanMapper counts them.
    pub series: i64,
    /// Its first voxel.
    pub offset: [i64; 3],
    /// Its lengths.
    pub shape: [i64; 3],
}

impl Roi {
    /// The whole image: nothing but zeros.
    pub const WHOLE: Roi = Roi { series: 0, offset: [0; 3], shape: [0; 3] };
}

/// Flags of colocalization, by blob and channel; absent where not known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ColocFlags {
    /// Channels per blob.
    pub channels: usize,
    /// A row per blob, in the order of the blobs.
    pub values: Vec<Option<bool>>,
}

/// Blobs with their matches, of one experiment and one region of its image.
#[derive(Debug, Clone, Default)]
pub struct BlobSet {
    /// Its name, where the file has one.
    pub experiment: Option<String>,
    /// When it was made, where the file says so.
    pub date: Option<String>,
    /// The region.
    pub roi: Roi,
    /// The blobs.
    pub blobs: Vec<Blob>,
    /// Matches between them, by their ids.
    pub pairs: Vec<BlobPair>,
    /// The image.
    pub image: Option<BlobImage>,
    /// Parameters that can change rows.
    pub parameters: Option<Value>,
    /// Which channels have signal at each blob, where the file says so.
    pub colocs: Option<ColocFlags>,
}

/// What a file of blobs holds.
#[derive(Debug, Clone, Default)]
pub struct BlobFile {
    /// A set per experiment and region.
    pub sets: Vec<BlobSet>,
    /// `(code, message)`: what a user should know.
    pub warnings: Vec<(String, String)>,
}

impl From<BlobSet> for BlobFile {
    fn from(set: BlobSet) -> BlobFile {
        BlobFile { sets: vec![set], warnings: Vec::new() }
    }
}

/// The order of tables: frame, channel, `z, y, x`; ties as they came.
pub(super) fn in_order(a: &Blob, b: &Blob) -> Ordering {
    let place = |b: &Blob| (b.t, b.channel);
    place(a).cmp(&place(b)).then_with(|| {
        let by = |d: usize| a.position[d].total_cmp(&b.position[d]);
        by(0).then_with(|| by(1)).then_with(|| by(2))
    })
}

/// Sorts blobs as tables have them and numbers them from 1; matches follow.
///
/// Ids must be distinct where there are matches.
pub fn number_in_order(blobs: &mut [Blob], pairs: &mut [BlobPair]) {
    blobs.sort_by(in_order);
    let mut new_id = HashMap::new();
    for (index, blob) in blobs.iter_mut().enumerate() {
        let id = index as u64 + 1;
        if !pairs.is_empty() {
            new_id.insert(blob.id, id);
        }
        blob.id = id;
    }
    for pair in pairs.iter_mut() {
        pair.blob_ids = pair.blob_ids.map(|id| new_id.get(&id).copied().unwrap_or(id));
    }
    order_pairs(pairs);
}

/// Sorts matches as tables have them, and numbers them from 1.
pub(super) fn order_pairs(pairs: &mut [BlobPair]) {
    pairs.sort_by_key(|p| (p.channels, p.blob_ids));
    for (index, pair) in pairs.iter_mut().enumerate() {
        pair.match_id = index as u64 + 1;
    }
}

/// A match of two blobs of which a file tells no more than the distance in scaled voxels.
///
/// The distance in µm is measured; the gate is not known, so [`BlobPair::gate_distance`] is NaN. The
/// blob of the lower channel becomes the first. Blobs of one channel give nothing.
pub(super) fn pair_of(first: &Blob, second: &Blob, distance_scaled: f64) -> Option<BlobPair> {
    let (a, b) = match first.channel.cmp(&second.channel) {
        Ordering::Less => (first, second),
        Ordering::Greater => (second, first),
        Ordering::Equal => return None,
    };
    let mean = |p: [f64; 3], q: [f64; 3]| std::array::from_fn(|d| f64::midpoint(p[d], q[d]));
    let squares: f64 = (0..3).map(|d| (a.position_um[d] - b.position_um[d]).powi(2)).sum();
    Some(BlobPair {
        match_id: 0,
        roi_id: 0,
        t: a.t,
        channels: [a.channel, b.channel],
        blob_ids: [a.id, b.id],
        distance_um: squares.sqrt(),
        distance_scaled,
        gate_distance: f64::NAN,
        position: mean(a.position, b.position),
        position_um: mean(a.position_um, b.position_um),
        component: a.id.min(b.id),
        rivals: 0,
    })
}

/// Gives every match the smallest id among the blobs that hang together through matches.
pub(super) fn fill_components(pairs: &mut [BlobPair]) {
    let mut root: HashMap<u64, u64> = HashMap::new();
    fn find(root: &mut HashMap<u64, u64>, id: u64) -> u64 {
        let mut at = id;
        while let Some(&up) = root.get(&at)
            && up != at
        {
            at = up;
        }
        root.insert(id, at);
        at
    }
    for pair in pairs.iter() {
        let [a, b] = pair.blob_ids.map(|id| find(&mut root, id));
        root.insert(a.max(b), a.min(b));
        root.entry(a.min(b)).or_insert(a.min(b));
    }
    for pair in pairs.iter_mut() {
        pair.component = find(&mut root, pair.blob_ids[0]);
    }
}
