//! What a set can be written as, and the pyramid its images share.

use std::path::Path;

use hooke_core::{ImageMeta, Level};
use hooke_io::ome_zarr::{self, Levels, WriteOptions};
use hooke_io::tiff::Kind as TiffKind;

use crate::image_output::error::OutputError;
use crate::image_output::format::OutputFormat;

/// What a set is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Zarr,
    Bdv,
    Tiffs,
}

impl Kind {
    pub(super) fn of(path: &Path) -> Result<Kind, OutputError> {
        let suffix = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        match suffix.as_deref() {
            None | Some("zarr") => Ok(Kind::Zarr),
            Some("xml") => Ok(Kind::Bdv),
            Some("csv") => Ok(Kind::Tiffs),
            Some(other) => Err(OutputError::Option {
                what: format!("{}: no set of tiles has the suffix .{other}", path.display()),
                hint: "write .zarr, .xml (BigDataViewer) or .csv (a table and OME-TIFFs)"
                    .to_owned(),
            }),
        }
    }

    pub(super) fn format(self) -> OutputFormat {
        match self {
            Kind::Zarr => OutputFormat::OmeZarr,
            Kind::Bdv => OutputFormat::Bdv,
            Kind::Tiffs => OutputFormat::Tiff(TiffKind::Ome),
        }
    }
}

/// All views of a BigDataViewer file have the levels of the largest one.
pub(super) fn same_factors(
    path: &Path,
    metas: &[ImageMeta],
    zarr: &mut [WriteOptions],
) -> Result<(), OutputError> {
    let largest = (0..metas.len()).max_by_key(|i| metas[*i].shape.iter().product::<u64>());
    let Some(largest) = largest else { return Ok(()) };
    let levels = ome_zarr::plan_levels(path, &metas[largest], &zarr[largest])?;
    let step = |pair: &[Level]| -> [u64; 3] {
        std::array::from_fn(|d| (pair[1].factors[d] / pair[0].factors[d]).round().max(1.0) as u64)
    };
    let steps: Vec<[u64; 3]> = levels.windows(2).map(step).collect();
    for how in zarr {
        how.levels = Levels::Count(levels.len());
        how.factors = steps.clone();
    }
    Ok(())
}
