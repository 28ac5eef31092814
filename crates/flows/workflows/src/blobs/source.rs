//! The source of an export, read and filtered.

use std::collections::HashSet;
use std::path::Path;

use hooke_core::{Blob, BlobPair};
use hooke_io::blobs::peers::{self, BlobFormat};
use hooke_io::blobs::store::{BlobStore, is_store};
use hooke_io::blobs::{BlobFilter, BlobImage, TableMeta};

use super::error::BlobsError;
use super::gather::read_matches;
use super::options::stem;

/// What an export writes.
pub(super) struct Source {
    pub blobs: Vec<Blob>,
    pub pairs: Vec<BlobPair>,
    /// Whether matches were looked for.
    pub has_matches: bool,
    pub meta: TableMeta,
    pub experiment: String,
    pub warnings: Vec<(String, String)>,
}

/// Reads the wanted rows of a store or of any file of blobs.
pub(super) fn read(
    path: &Path,
    experiment: Option<&str>,
    matches: Option<&Path>,
    filter: &BlobFilter,
    voxel_um: Option<[f64; 3]>,
) -> Result<Source, BlobsError> {
    let mut source = match is_store(path) {
        true => of_store(path, experiment, matches, filter)?,
        false => of_file(path, experiment, matches, filter, voxel_um)?,
    };
    if let Some(voxel_um) = voxel_um {
        let known = source.meta.image.take();
        let mut image = known.unwrap_or_else(|| BlobImage::of_voxels(voxel_um));
        image.voxel_size_um = voxel_um;
        source.meta.image = Some(image);
    }
    Ok(source)
}

fn of_store(
    path: &Path,
    experiment: Option<&str>,
    matches: Option<&Path>,
    filter: &BlobFilter,
) -> Result<Source, BlobsError> {
    if matches.is_some() {
        let what = "--matches: a store has its own";
        return Err(BlobsError::usage(what, "leave it out"));
    }
    let store = BlobStore::open_to_read(path)?;
    let experiment = store.experiment(experiment)?;
    let found = store.select_blobs(Some(&experiment.name), None, filter)?;
    let mut warnings = Vec::new();
    if !found.own_ids {
        let what = "several blobs came with one id, so that ids are those of the store";
        warnings.push(("ids-of-store".to_owned(), what.to_owned()));
    }
    Ok(Source {
        blobs: found.blobs,
        pairs: found.pairs,
        has_matches: true,
        meta: experiment.meta,
        experiment: experiment.name,
        warnings,
    })
}

fn of_file(
    path: &Path,
    experiment: Option<&str>,
    matches: Option<&Path>,
    filter: &BlobFilter,
    voxel_um: Option<[f64; 3]>,
) -> Result<Source, BlobsError> {
    std::fs::metadata(path).map_err(|e| hooke_io::Error::io(path, "open", e))?;
    let format = BlobFormat::of_file(path)?;
    let file = peers::read(path, format, voxel_um)?;
    let named = |name: &str| file.sets.iter().any(|s| s.experiment.as_deref() == Some(name));
    let mut sets: Vec<_> = match experiment {
        Some(name) if named(name) => {
            file.sets.into_iter().filter(|s| s.experiment.as_deref() == Some(name)).collect()
        }
        _ => file.sets,
    };
    if sets.len() > 1 {
        let what = format!("{}: {} experiments or regions", path.display(), sets.len());
        return Err(BlobsError::unfit(what, "import it into a store, and export from there"));
    }
    let set = sets.pop().unwrap_or_default();
    let (mut pairs, mut has_matches) =
        (set.pairs, format == BlobFormat::MagmapDb || format.is_of_matches());
    if let Some(matches) = matches {
        pairs.extend(read_matches(matches)?.0);
        has_matches = true;
    }
    let mut blobs = set.blobs;
    let known: HashSet<u64> = match pairs.is_empty() {
        true => HashSet::new(),
        false => blobs.iter().map(|b| b.id).collect(),
    };
    if let Some(pair) = pairs.iter().find(|p| p.blob_ids.iter().any(|id| !known.contains(id))) {
        let what =
            format!("match {} is of a blob that {} does not have", pair.match_id, path.display());
        return Err(BlobsError::unfit(what, "give the matches of this table"));
    }
    if *filter != BlobFilter::default() {
        blobs.retain(|b| filter.keeps(b));
        let kept: HashSet<u64> = blobs.iter().map(|b| b.id).collect();
        pairs.retain(|p| p.blob_ids.iter().all(|id| kept.contains(id)));
    }
    Ok(Source {
        blobs,
        pairs,
        has_matches,
        meta: TableMeta { image: set.image, parameters: set.parameters },
        experiment: experiment.map(str::to_owned).or(set.experiment).unwrap_or_else(|| stem(path)),
        warnings: file.warnings,
    })
}
