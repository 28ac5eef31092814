//! Tables of blobs put together: ids that are distinct, and one image.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use hooke_core::{Axes, Blob};
use hooke_io::blobs::store::is_store;
use hooke_io::blobs::{BlobFilter, BlobImage, number_in_order};
use hooke_io::tables::TableError;

use super::error::BlobsError;
use super::source;

/// Blobs of one image.
pub(crate) struct Tables {
    pub blobs: Vec<Blob>,
    pub image: BlobImage,
    pub warnings: Vec<(String, String)>,
}

impl Tables {
    /// Reads tables of one image and puts them together, ids numbered anew with `renumber`.
    ///
    /// # Errors
    /// When one cannot be read, an id stands for two blobs, or the voxels of the tables differ.
    pub fn read(
        paths: &[PathBuf],
        voxel_um: Option<[f64; 3]>,
        renumber: bool,
    ) -> Result<Tables, BlobsError> {
        let (mut blobs, mut warnings) = (Vec::new(), Vec::new());
        let mut joined: Option<BlobImage> = None;
        for path in paths {
            let (more, image, told) = one(path, voxel_um)?;
            blobs.extend(more);
            warnings.extend(told);
            joined = Some(match joined {
                None => image,
                Some(known) => join(known, image, path)?,
            });
        }
        let Some(image) = joined else {
            return Err(BlobsError::usage("no table of blobs", "name one or more"));
        };
        match renumber {
            true => number_in_order(&mut blobs, &mut []),
            false => distinct(&blobs, paths)?,
        }
        Ok(Tables { blobs, image, warnings })
    }

    /// Lengths of the image over `z, y, x`, where they are known.
    pub fn extent(&self) -> Option<[u64; 3]> {
        extent(&self.image)
    }
}

/// Blobs, their image, and what a user should know.
type One = (Vec<Blob>, BlobImage, Vec<(String, String)>);

fn one(path: &Path, voxel_um: Option<[f64; 3]>) -> Result<One, BlobsError> {
    if is_store(path) {
        let what = format!("{}: a store, not a table", path.display());
        let hint = format!("write its table first: hooke blobs export {} -o FILE", path.display());
        return Err(BlobsError::usage(what, hint));
    }
    let mut found = source::read(path, None, None, &BlobFilter::default(), voxel_um)?;
    let missing = || TableError::NoVoxelSize { path: path.to_owned() };
    let image = found.meta.image.ok_or_else(missing)?;
    if voxel_um.is_some() {
        found.blobs.iter_mut().for_each(|b| b.position_um = image.to_um(b.position));
    }
    Ok((found.blobs, image, found.warnings))
}

/// One image for two tables; lengths that differ are not known.
fn join(known: BlobImage, other: BlobImage, path: &Path) -> Result<BlobImage, BlobsError> {
    let places = |i: &BlobImage| (i.voxel_size_um, i.origin_um);
    if places(&known) != places(&other) {
        let what = format!(
            "{}: voxels of {:?} um from {:?} um, but {:?} um from {:?} um in the tables before it",
            path.display(),
            other.voxel_size_um,
            other.origin_um,
            known.voxel_size_um,
            known.origin_um
        );
        return Err(BlobsError::unfit(what, "match tables of one image"));
    }
    if known == other {
        return Ok(known);
    }
    Ok(match extent(&known) {
        Some(shape) if extent(&other) == Some(shape) => {
            BlobImage { shape: shape.to_vec(), axes: Axes::ZYX, ..known }
        }
        _ => BlobImage { shape: Vec::new(), axes: Axes::of(&[]), ..known },
    })
}

fn extent(image: &BlobImage) -> Option<[u64; 3]> {
    let known = image.shape.len() == image.axes.len() && !image.shape.is_empty();
    let [_, _, z, y, x] = known.then(|| image.axes.expand(&image.shape))?;
    Some([z, y, x])
}

fn distinct(blobs: &[Blob], paths: &[PathBuf]) -> Result<(), BlobsError> {
    let mut ids = HashSet::with_capacity(blobs.len());
    let Some(twice) = blobs.iter().find(|b| !ids.insert(b.id)) else { return Ok(()) };
    let place = match paths {
        [one] => one.display().to_string(),
        several => format!("the {} tables", several.len()),
    };
    let what = format!("{place}: id {} stands for more than one blob", twice.id);
    Err(BlobsError::unfit(what, "number the blobs anew: --renumber"))
}
