//! `hooke blobs export`: a store or a table into the files of other programs.

use std::path::{Path, PathBuf};

use hooke_core::Budget;
use hooke_core::plan::InputStamp;
use hooke_io::blobs::BlobFilter;
use hooke_io::blobs::peers::{self, BlobFormat};
use hooke_io::blobs::store::is_store;
use hooke_io::tables::TableError;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::density::{self, Grid};
use super::error::BlobsError;
use super::options::{self, absolute, now};
use super::source::{self, Source};
use crate::engine::{BlockContext, BlockError, stamp_input};
use crate::step::{Done, Step};

/// What is exported, and how, as typed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ExportOptions {
    /// A store, or a file of blobs.
    pub source: PathBuf,
    /// `blobs` or `matches`; by the format when missing.
    pub table: Option<String>,
    /// The format; by the suffix when missing.
    pub format: Option<String>,
    /// The experiment of a store.
    pub experiment: Option<String>,
    /// Channels.
    pub channels: Option<String>,
    /// Lowest corner of a box in voxels.
    pub offset: Option<String>,
    /// Lengths of the box in voxels.
    pub shape: Option<String>,
    /// Only what a person confirmed.
    pub confirmed: bool,
    /// The least score.
    pub min_score: Option<f64>,
    /// Matches of a table of blobs.
    pub matches: Option<PathBuf>,
    /// Voxel size in µm; overrides the source.
    pub voxel_size: Option<String>,
    /// Lengths of a cell of a density in µm.
    pub cell: Option<String>,
    /// The file or folder to write.
    pub output: PathBuf,
}

/// What is written.
enum Kind {
    Rows(BlobFormat),
    Density(Grid),
}

/// `hooke blobs export`.
pub struct Export {
    options: ExportOptions,
    source: Source,
    kind: Kind,
    matches: bool,
}

const DENSITY: &str = "density";

impl Step for Export {
    const COMMAND: &'static str = "blobs export";
    type Parameters = ExportOptions;
    type Error = BlobsError;

    fn open(options: ExportOptions) -> Result<Export, BlobsError> {
        let options = ExportOptions {
            source: absolute(&options.source),
            matches: options.matches.as_deref().map(absolute),
            output: absolute(&options.output),
            ..options
        };
        if is_store(&options.output) {
            let what = format!("{}: a store, which is never replaced", options.output.display());
            return Err(BlobsError::usage(what, "give the output another name"));
        }
        // The source is not opened before the words are known to make sense.
        let format = match options.format.as_deref() {
            Some(DENSITY) => None,
            Some(name) => Some(options::format(name)?),
            None if is_zarr(&options.output) => None,
            None => Some(of_suffix(&options.output)?),
        };
        let cell = options.cell.as_deref().map(|c| options::lengths("cell", c)).transpose()?;
        if cell.is_some() == format.is_some() {
            let (what, hint) = match format {
                Some(f) => {
                    (format!("--cell: {} has no cells", f.name()), "it is for --format density")
                }
                None => ("a density without cells".to_owned(), "give --cell Z,Y,X in micrometres"),
            };
            return Err(BlobsError::usage(what, hint));
        }
        let matches = wants_matches(&options, format)?;
        let filter = BlobFilter {
            channels: options.channels.as_deref().map(options::channels).transpose()?,
            within: options::voxel_box(options.offset.as_ref(), options.shape.as_ref())?,
            confirmed: options.confirmed,
            min_score: options.min_score,
        };
        let voxel = options::voxel_size(options.voxel_size.as_ref())?;
        let experiment = options.experiment.as_deref();
        let source =
            source::read(&options.source, experiment, options.matches.as_deref(), &filter, voxel)?;
        if matches && !source.has_matches {
            let what = format!("{}: a table of blobs has no matches", options.source.display());
            return Err(BlobsError::usage(what, "give them: --matches FILE"));
        }
        let missing = || TableError::NoVoxelSize { path: options.source.clone() };
        let kind = match (format, cell) {
            (Some(f), _) if f.needs_voxel_size() && source.meta.image.is_none() => {
                return Err(missing().into());
            }
            (Some(format), _) => Kind::Rows(format),
            (None, cell) => {
                let image = source.meta.image.as_ref().ok_or_else(missing)?;
                let points = source.blobs.iter().map(|b| b.position);
                Kind::Density(Grid::new(image, cell.unwrap_or([1.0; 3]), points)?)
            }
        };
        Ok(Export { options, source, kind, matches })
    }

    fn parameters(&self) -> &ExportOptions {
        &self.options
    }

    fn inputs(&self) -> Result<Vec<InputStamp>, BlobsError> {
        let files = std::iter::once(&self.options.source).chain(&self.options.matches);
        files.map(|p| Ok(stamp_input(p, None)?)).collect()
    }

    fn outputs(&self) -> Vec<(PathBuf, &'static str)> {
        let name = match &self.kind {
            Kind::Rows(format) => format.name(),
            Kind::Density(_) => "ome-zarr",
        };
        vec![(self.options.output.clone(), name)]
    }

    fn bytes(&self, _: &Budget) -> u64 {
        let cells = match &self.kind {
            Kind::Rows(_) => 0,
            Kind::Density(grid) => {
                let channels = density::by_channel(&self.source, self.matches).len() as u64;
                8 * channels * grid.shape.iter().product::<u64>()
            }
        };
        (64 << 20) + 512 * self.source.blobs.len() as u64 + cells
    }

    fn run(&self, places: &[PathBuf], _: &mut BlockContext<'_>) -> Result<Done, BlockError> {
        let (path, source) = (&places[0], &self.source);
        if path.is_dir() {
            // Left by an attempt that was interrupted.
            std::fs::remove_dir_all(path).map_err(|e| hooke_io::Error::io(path, "remove", e))?;
        }
        let mut warnings = source.warnings.clone();
        match &self.kind {
            Kind::Rows(format) => {
                let export = peers::Export {
                    blobs: &source.blobs,
                    pairs: &source.pairs,
                    matches: self.matches,
                    meta: &source.meta,
                    colocs: None,
                    experiment: &source.experiment,
                    date: &now(),
                };
                let told = peers::write(path, *format, &export);
                warnings.extend(told.map_err(BlobsError::from)?);
            }
            Kind::Density(grid) => {
                let groups = density::by_channel(source, self.matches);
                let outside = density::write(path, grid, &groups)?;
                if outside > 0 {
                    let what = format!("{outside} points lie outside the image, and in no cell");
                    warnings.push(("outside".to_owned(), what));
                }
            }
        }
        let result = json!({"blobs": source.blobs.len(), "matches": source.pairs.len()});
        Ok(Done { result, warnings })
    }
}

fn is_zarr(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("zarr"))
}

fn of_suffix(path: &Path) -> Result<BlobFormat, BlobsError> {
    BlobFormat::of_suffix(path).ok_or_else(|| {
        let what = format!("{}: no format of blobs has this suffix", path.display());
        let all: Vec<&str> = BlobFormat::ALL.iter().map(|f| f.name()).collect();
        BlobsError::usage(what, format!("name one with --format: {}, {DENSITY}", all.join(", ")))
    })
}

/// Whether matches are written; those of a format without them are refused.
fn wants_matches(options: &ExportOptions, format: Option<BlobFormat>) -> Result<bool, BlobsError> {
    let only = format.is_some_and(BlobFormat::is_of_matches);
    let name = format.map_or(DENSITY, BlobFormat::name);
    match options.table.as_deref() {
        None => Ok(only),
        Some("blobs") if only => {
            Err(BlobsError::usage(format!("--table blobs: {name} holds matches only"), ""))
        }
        Some("blobs") => Ok(false),
        Some("matches") if format.is_none_or(BlobFormat::holds_matches) => Ok(true),
        Some("matches") => {
            let what = format!("--table matches: {name} holds blobs only");
            Err(BlobsError::usage(
                what,
                "write parquet, csv, magmap-csv, magmap-db or neuroglancer",
            ))
        }
        Some(other) => Err(BlobsError::usage(
            format!("--table `{other}` is none"),
            "there are blobs and matches",
        )),
    }
}
