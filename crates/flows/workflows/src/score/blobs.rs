//! `hooke score blobs`: found blobs, and pairs of them, against the truth.

use std::path::{Path, PathBuf};

use hooke_blobs::score::{BlobScore, score_blobs as score};
use hooke_core::{Blob, BlobPair};
use hooke_io::blobs::{TableMeta, write_rows};
use serde_json::Value;

use crate::blobs::tables::Tables;
use crate::blobs::{BlobsError, read_matches, read_voxel_size};

/// What is compared, as typed.
#[derive(Debug, Clone, Default)]
pub struct ScoreBlobsOptions {
    /// The table of found blobs.
    pub found: PathBuf,
    /// The table of true blobs.
    pub truth: PathBuf,
    /// Matches of the found blobs, and of the true ones.
    pub matches: Option<[PathBuf; 2]>,
    /// Radius of the gate in µm.
    pub gate_um: f64,
    /// Voxel size in µm; overrides the tables.
    pub voxel_size: Option<String>,
    /// Where the score is written.
    pub output: Option<PathBuf>,
    /// Where both tables are written with what the comparison says of every row.
    pub update: Option<PathBuf>,
}

/// Blobs against the truth of a simulation or of a person: text and JSON.
///
/// # Errors
/// When a table cannot be read or written, or pairs are not of the blobs.
pub fn score_blobs(options: &ScoreBlobsOptions) -> Result<(String, Value), BlobsError> {
    let voxel = read_voxel_size(options.voxel_size.as_ref())?;
    let read = |path: &PathBuf| Tables::read(std::slice::from_ref(path), voxel, false);
    let (mut found, mut truth) = (read(&options.found)?, read(&options.truth)?);
    let pairs = options.matches.as_ref().map(|[found, truth]| {
        Ok::<_, BlobsError>([read_matches(found)?.0, read_matches(truth)?.0])
    });
    let pairs: Option<[Vec<BlobPair>; 2]> = pairs.transpose()?;
    let both = pairs.as_ref().map(|[found, truth]| (found.as_slice(), truth.as_slice()));
    let result = score(&found.blobs, &truth.blobs, options.gate_um, both)?;
    if let Some(path) = &options.update {
        let rows = verified(&mut found.blobs, &mut truth.blobs, &result);
        write_rows(path, &rows, &TableMeta { image: Some(found.image), parameters: None })?;
    }
    let json = serde_json::to_value(&result).unwrap_or_default();
    if let Some(path) = &options.output {
        write_json(path, &json)?;
    }
    Ok((super::to_text(&json), json))
}

fn write_json(path: &Path, json: &Value) -> Result<(), BlobsError> {
    let text = serde_json::to_vec_pretty(json)
        .map_err(|e| hooke_io::Error::io(path, "write", e.into()))?;
    hooke_io::atomic::write_file(path, &[&text, b"\n"])?;
    Ok(())
}

/// Found rows with `confirmed`, then true ones with `truth`, as MagellanMapper's verification leaves
/// them. True blobs are numbered on from the found ones, so that ids stay distinct.
fn verified(found: &mut Vec<Blob>, truth: &mut [Blob], score: &BlobScore) -> Vec<Blob> {
    let last = found.iter().map(|b| b.id).max().unwrap_or(0);
    let mut rows = std::mem::take(found);
    rows.iter_mut().zip(&score.confirmed).for_each(|(blob, review)| blob.confirmed = *review);
    for (i, (blob, state)) in truth.iter().zip(&score.truth).enumerate() {
        rows.push(Blob { id: last.saturating_add(i as u64 + 1), truth: *state, ..blob.clone() });
    }
    rows
}
