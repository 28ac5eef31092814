//! The sources of an import, read.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use hooke_core::BlobPair;
use hooke_io::blobs::peers::{self, BlobFormat, magmap_meta};
use hooke_io::blobs::{BlobSet, TableMeta, read_csv_rows, read_rows};
use hooke_io::tables::TableError;

use super::error::BlobsError;
use super::import::ImportOptions;
use super::options;

/// What the sources hold.
pub(super) struct Gathered {
    /// A set per experiment and region, each with the file it comes from.
    pub sets: Vec<(PathBuf, BlobSet)>,
    /// The rule of the matches of each set.
    pub rules: Vec<String>,
    pub warnings: Vec<(String, String)>,
}

/// Reads all sources.
pub(super) fn gather(how: &ImportOptions) -> Result<Gathered, BlobsError> {
    let voxel = options::voxel_size(how.voxel_size.as_ref())?;
    let named = how.format.as_deref().map(options::format).transpose()?;
    let roi = how.roi.as_deref().map(options::roi).transpose()?;
    let mut found = Gathered { sets: Vec::new(), rules: Vec::new(), warnings: Vec::new() };
    for path in &how.sources {
        std::fs::metadata(path).map_err(|e| hooke_io::Error::io(path, "open", e))?;
        let format = match named {
            Some(format) => format,
            None => BlobFormat::of_file(path)?,
        };
        let file = match peers::read(path, format, voxel) {
            // MagellanMapper keeps the size of voxels in notes beside its files.
            Err(TableError::NoVoxelSize { .. }) if magmap_meta::beside(path).is_some() => {
                peers::read(path, format, beside(path)?)
            }
            other => other,
        }?;
        let shown = path.display();
        found.warnings.extend(file.warnings.into_iter().map(|(c, m)| (c, format!("{shown}: {m}"))));
        for set in file.sets {
            if set.colocs.is_some() {
                let what =
                    format!("{shown}: flags of colocalization have no place in a table of blobs");
                found.warnings.push(("colocs-left-out".to_owned(), what));
            }
            let rule = if set.pairs.is_empty() { "" } else { "magmap" };
            found.rules.push(rule.to_owned());
            found.sets.push((path.clone(), BlobSet { roi: roi.unwrap_or(set.roi), ..set }));
        }
    }
    if !how.matches.is_empty() {
        join_matches(how, &mut found)?;
    }
    Ok(found)
}

fn beside(path: &Path) -> Result<Option<[f64; 3]>, BlobsError> {
    let notes = magmap_meta::beside(path).map(|p| magmap_meta::read_meta(&p)).transpose()?;
    Ok(notes.and_then(|n| n.resolutions.first().copied()))
}

/// Makes one set of all, and gives it the matches of the files named.
fn join_matches(how: &ImportOptions, found: &mut Gathered) -> Result<(), BlobsError> {
    if how.sources.len() > 1 && how.experiment.is_none() {
        let what = "--matches of several sources, which become one experiment each";
        return Err(BlobsError::usage(what, "name the one they belong to: --experiment NAME"));
    }
    let mut sets = std::mem::take(&mut found.sets).into_iter();
    let Some((path, mut joined)) = sets.next() else { return Ok(()) };
    for (other, set) in sets {
        if set.roi != joined.roi {
            let what = format!("{}: blobs of several regions", other.display());
            return Err(BlobsError::usage(what, "import the matches of each region on its own"));
        }
        joined.blobs.extend(set.blobs);
        joined.pairs.extend(set.pairs);
    }
    let mut ids = HashSet::new();
    if let Some(twice) = joined.blobs.iter().find(|b| !ids.insert(b.id)) {
        let what = format!(
            "id {} stands in several tables, so that matches of it are ambiguous",
            twice.id
        );
        return Err(BlobsError::unfit(
            what,
            "match them anew with --renumber, or import them one by one",
        ));
    }
    let mut rule = String::new();
    for file in &how.matches {
        let (pairs, meta) = read_matches(file)?;
        joined.pairs.extend(pairs);
        let said = meta.parameters.map(|p| p.to_string()).filter(|p| p != "null");
        rule = said.unwrap_or_else(|| "hooke".to_owned());
    }
    found.rules = vec![rule];
    found.sets = vec![(path, joined)];
    Ok(())
}

/// Reads a table of matches.
pub(crate) fn read_matches(path: &Path) -> Result<(Vec<BlobPair>, TableMeta), BlobsError> {
    match BlobFormat::of_suffix(path) {
        Some(BlobFormat::Parquet) => Ok(read_rows::<BlobPair>(path)?),
        Some(BlobFormat::Csv) => Ok((read_csv_rows::<BlobPair>(path)?, TableMeta::default())),
        _ => Err(BlobsError::usage(
            format!("--matches {}: not a table of matches", path.display()),
            "give .parquet, .csv or .csv.gz",
        )),
    }
}
