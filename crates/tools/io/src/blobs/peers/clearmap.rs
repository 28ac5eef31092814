//! ClearMap's cells: a structured array of `x, y, z, size, source, background`.

use std::f64::consts::PI;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use hooke_core::Blob;

use super::Export;
use crate::Error;
use crate::atomic::AtomicFile;
use crate::blobs::{BlobFile, BlobImage, BlobSet, number_in_order};
use crate::npy::{Header, SmallData, read_small};
use crate::tables::TableError;

const FIELDS: [&str; 6] = ["x", "y", "z", "size", "source", "background"];

/// Voxels in a ball of a radius in µm.
fn voxels(radius_um: f64, image: &BlobImage) -> f64 {
    4.0 / 3.0 * PI * radius_um.powi(3) / image.voxel_size_um.iter().product::<f64>()
}

fn radius_um(voxels: f64, image: &BlobImage) -> f64 {
    (voxels * image.voxel_size_um.iter().product::<f64>() * 3.0 / (4.0 * PI)).cbrt()
}

/// Writes cells as f64: places in voxels, size as voxels of the ball, intensity and its background
/// from the fit, else the filter's response and NaN.
pub(super) fn write(path: &Path, export: &Export<'_>) -> Result<(), TableError> {
    let image = export.image(path)?;
    let mut file = AtomicFile::create(path)?;
    let fill = |out: &mut dyn Write| -> std::io::Result<()> {
        let fields: Vec<String> = FIELDS.iter().map(|f| format!("('{f}', '<f8')")).collect();
        out.write_all(&Header::of_fields(&fields.join(", "), export.blobs.len() as u64))?;
        for blob in export.blobs {
            let [z, y, x] = blob.position;
            let size = voxels(blob.radius_um.into(), image);
            let source = f64::from(blob.amplitude.unwrap_or(blob.response));
            let background = blob.background.map_or(f64::NAN, f64::from);
            for value in [x, y, z, size, source, background] {
                out.write_all(&value.to_le_bytes())?;
            }
        }
        Ok(())
    };
    let mut out = BufWriter::new(&mut file);
    fill(&mut out).and_then(|()| out.flush()).map_err(|e| Error::io(path, "write", e))?;
    drop(out);
    file.commit_unstamped()?;
    Ok(())
}

/// Reads cells; only `x, y, z` must be there. The channel is not in the file: it is 0.
pub(super) fn read(path: &Path, image: &BlobImage) -> Result<BlobFile, TableError> {
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let size = file.metadata().map_err(|e| Error::io(path, "inspect", e))?.len();
    let SmallData::Records(columns) = read_small(path, &mut BufReader::new(file), size)?.data
    else {
        let what = "an array without fields x, y, z";
        return Err(
            Error::unsupported(path, what, "ClearMap's cells are a structured array").into()
        );
    };
    let column = |name: &str| columns.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_slice());
    let needed = |name: &str| {
        column(name).ok_or_else(|| TableError::NoColumn {
            path: path.to_owned(),
            column: name.to_owned(),
            found: columns.iter().map(|(n, _)| n.clone()).collect(),
        })
    };
    let places = [needed("z")?, needed("y")?, needed("x")?];
    let (size, intensity, background) = (column("size"), column("source"), column("background"));
    let source: Arc<str> = "clearmap".into();
    let rows = places[0].len();
    let mut blobs = Vec::with_capacity(rows);
    for row in 0..rows {
        let place = [places[0][row], places[1][row], places[2][row]];
        if let Some(d) = place.iter().position(|v| !v.is_finite()) {
            let (path, column) = (path.to_owned(), ["z", "y", "x"][d].to_owned());
            let (found, wanted) = (place[d].to_string(), "a finite number");
            return Err(TableError::BadCell { path, row: row + 1, column, found, wanted });
        }
        let cell =
            |c: Option<&[f64]>| c.and_then(|c| c.get(row)).copied().filter(|v| v.is_finite());
        let radius = cell(size).map_or(0.0, |s| radius_um(s, image));
        let mut blob = Blob::at(0, place, image.to_um(place), radius as f32, &source);
        blob.amplitude = cell(intensity).map(|v| v as f32);
        blob.background = cell(background).map(|v| v as f32);
        blobs.push(blob);
    }
    number_in_order(&mut blobs, &mut []);
    Ok(BlobSet { blobs, image: Some(image.clone()), ..BlobSet::default() }.into())
}
