//! MagellanMapper's archives of blobs, `<base>_blobs.npz`, versions 0 to 5.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use hooke_core::{Blob, Dtype, Review, Truth};
use zip::{ZipArchive, ZipWriter};

use super::Export;
use crate::atomic::AtomicFile;
use crate::blobs::{BlobFile, BlobImage, BlobSet, ColocFlags, number_in_order};
use crate::npy::{self, Header, Small, SmallData};
use crate::tables::TableError;
use crate::{Error, Result};

/// The columns of version 5; older archives have the first six or seven, in this order, without names.
const COLUMNS: [&str; 8] = ["z", "y", "x", "radius", "confirmed", "truth", "channel", "region"];
/// The version that is written, and the newest that is read.
const VERSION: u64 = 5;
/// MagellanMapper gives blobs that were placed by hand a radius below this.
pub(super) const BY_HAND: f64 = 0.001;

/// Reads an archive.
pub(super) fn read(path: &Path, given_um: Option<[f64; 3]>) -> Result<BlobFile, TableError> {
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let mut archive = ZipArchive::new(BufReader::new(file))
        .map_err(|e| Error::corrupt(path, format!("NPZ archive: {e}")))?;
    let mut member = |name: &str| npy::read_npz_member(path, &mut archive, name);
    let Some(segments) = member("segments")? else {
        let what = "no array `segments`: not an archive of MagellanMapper";
        return Err(Error::metadata(path, what).into());
    };
    let version = member("ver")?.and_then(|v| v.numbers().and_then(|n| n.first().copied()));
    if version.is_some_and(|v| v > VERSION as f64) {
        let what = format!("version {} of MagellanMapper's archives", version.unwrap_or_default());
        return Err(Error::unsupported(path, what, format!("up to {VERSION} are read")).into());
    }
    let stored = member("resolutions")?.and_then(|r| r.numbers().and_then(|n| first_three(&n)));
    let image = given_um
        .or(stored)
        .map(BlobImage::of_voxels)
        .filter(BlobImage::is_usable)
        .ok_or_else(|| TableError::NoVoxelSize { path: path.to_owned() })?;
    let names = match member("columns")? {
        Some(Small { data: SmallData::Texts(names), .. }) => names,
        _ => COLUMNS.map(str::to_owned).to_vec(),
    };
    let mut blobs = blobs_of(path, &segments, &names, &image)?;
    let mut warnings = Vec::new();
    let colocs = member("colocs")?.and_then(|c| flags(&c, blobs.len()));
    let colocs = colocs.map(|c| unshifted(c, &mut warnings));
    if let Some(offset) = member("offset")?.and_then(|o| o.numbers()).filter(|o| o.len() == 3)
        && offset.iter().any(|o| *o != 0.0)
    {
        let what = format!(
            "the archive is of a part of an image, at {offset:?}; coordinates are kept as they stand"
        );
        warnings.push(("part-of-image".to_owned(), what));
    }
    // Flags keep the order of the archive, and so do blobs beside them.
    if colocs.is_none() {
        number_in_order(&mut blobs, &mut []);
    }
    let experiment = match member("basename")? {
        Some(Small { data: SmallData::Texts(texts), .. }) => texts.into_iter().next(),
        _ => None,
    };
    let set = BlobSet {
        experiment: experiment.filter(|n| !n.is_empty()),
        blobs,
        image: Some(image),
        colocs,
        ..BlobSet::default()
    };
    Ok(BlobFile { sets: vec![set], warnings })
}

fn first_three(numbers: &[f64]) -> Option<[f64; 3]> {
    numbers.get(..3)?.try_into().ok()
}

fn blobs_of(
    path: &Path,
    segments: &Small,
    names: &[String],
    image: &BlobImage,
) -> Result<Vec<Blob>, TableError> {
    let (rows, width, numbers) = match (&segments.data, segments.shape.as_slice()) {
        (SmallData::Object { none: true }, _) => return Ok(Vec::new()),
        (_, [0, ..]) => return Ok(Vec::new()),
        (SmallData::Numbers(numbers), &[rows, width]) if width >= 4 => {
            (rows as usize, width as usize, numbers)
        }
        (_, shape) => {
            return Err(Error::metadata(path, format!("`segments` of shape {shape:?}")).into());
        }
    };
    let place = |name: &str| names.iter().position(|n| n == name).filter(|p| *p < width);
    let at = COLUMNS.map(place);
    let [Some(z), Some(y), Some(x), Some(radius), confirmed, truth, channel, region] = at else {
        return Err(Error::metadata(path, "no column z, y, x or radius").into());
    };
    let (by_machine, by_hand): (Arc<str>, Arc<str>) = ("magmap".into(), "manual".into());
    let mut blobs = Vec::with_capacity(rows);
    for (index, row) in numbers.chunks_exact(width).enumerate() {
        let bad = |column: &str, found: f64, wanted: &'static str| TableError::BadCell {
            path: path.to_owned(),
            row: index + 1,
            column: column.to_owned(),
            found: found.to_string(),
            wanted,
        };
        let cell = |place: Option<usize>, missing: f64| place.map_or(missing, |p| row[p]);
        let position = [row[z], row[y], row[x]];
        if let Some(d) = position.iter().position(|v| !v.is_finite()) {
            return Err(bad(COLUMNS[d], position[d], "a finite number"));
        }
        let (review, is_truth) = (cell(confirmed, -1.0), cell(truth, -1.0));
        let number = cell(channel, 0.0);
        let channel = whole(number).and_then(|c| u16::try_from(c).ok());
        let channel = channel.ok_or_else(|| bad("channel", number, "a whole number from 0"))?;
        let source = if row[radius] < BY_HAND { &by_hand } else { &by_machine };
        let um = (row[radius] * image.shortest_um()) as f32;
        let mut blob = Blob::at(channel, position, image.to_um(position), um, source);
        blob.confirmed = whole(review)
            .and_then(Review::from_code)
            .ok_or_else(|| bad("confirmed", review, "-1, 0, 1 or 2"))?;
        blob.truth = whole(is_truth)
            .and_then(Truth::from_code)
            .ok_or_else(|| bad("truth", is_truth, "-1, 0 or 1"))?;
        blob.region = whole(cell(region, -1.0)).unwrap_or(-1);
        blob.id = index as u64 + 1;
        blobs.push(blob);
    }
    Ok(blobs)
}

fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64)
}

/// 255 is -1 as a byte: not known.
fn flags(small: &Small, blobs: usize) -> Option<ColocFlags> {
    let &[rows, channels] = small.shape.as_slice() else { return None };
    let numbers = small.numbers().filter(|_| rows == blobs as u64 && channels > 0)?;
    let flag = |v: &f64| (*v != 255.0).then_some(*v != 0.0);
    Some(ColocFlags { channels: channels as usize, values: numbers.iter().map(flag).collect() })
}

/// Shifts back the flags of `detect_coloc`, which stand one column too far.
fn unshifted(mut flags: ColocFlags, warnings: &mut Vec<(String, String)>) -> ColocFlags {
    let n = flags.channels;
    let shifted = !flags.values.is_empty() && flags.values.iter().step_by(n).all(Option::is_none);
    if shifted {
        for row in flags.values.chunks_exact_mut(n) {
            row.rotate_left(1);
        }
        let what = "the flags of colocalization stand one channel too far; they are shifted back, and \
                    those of the last channel are not known";
        warnings.push(("colocs-shifted".to_owned(), what.to_owned()));
    }
    flags
}

/// Writes an archive of version 5, without compression as MagellanMapper does.
pub(super) fn write(path: &Path, export: &Export<'_>) -> Result<(), TableError> {
    let image = export.image(path)?;
    let columns = COLUMNS.map(str::to_owned);
    let mut members: Vec<(&str, Vec<u8>)> = vec![
        ("resolutions", array(Dtype::Float64, &[1, 3], &image.voxel_size_um.map(f64::to_le_bytes))),
        ("basename", npy::write_text(export.experiment)),
        ("offset", array(Dtype::Int64, &[3], &[0i64; 3].map(i64::to_le_bytes))),
        ("roi_size", array(Dtype::Int64, &[3], &roi_size(image).map(i64::to_le_bytes))),
        ("columns", texts(&columns)),
    ];
    members.push((
        "colocs",
        match export.colocs {
            None => [Header::of_type("|O", &[]), npy::none_array()].concat(),
            Some(flags) => {
                let rows = flags.values.len() / flags.channels.max(1);
                let mut bytes = Header::write(Dtype::Uint8, &[rows as u64, flags.channels as u64]);
                bytes.extend(flags.values.iter().map(|f| f.map_or(255, u8::from)));
                bytes
            }
        },
    ));
    let mut file = AtomicFile::create(path)?;
    let fail = |e: std::io::Error| Error::io(path, "write", e);
    let mut archive = ZipWriter::new(BufWriter::new(&mut file));
    let large = npy::member_options(None).large_file(true);
    let zip = |e: zip::result::ZipError| fail(e.into());
    archive.start_file("ver.npy", npy::member_options(None)).map_err(zip)?;
    archive.write_all(&array(Dtype::Int64, &[], &[VERSION.to_le_bytes()])).map_err(fail)?;
    archive.start_file("segments.npy", large).map_err(zip)?;
    let head = Header::write(Dtype::Float64, &[export.blobs.len() as u64, COLUMNS.len() as u64]);
    archive.write_all(&head).map_err(fail)?;
    for blob in export.blobs {
        for value in segment(blob, image) {
            archive.write_all(&value.to_le_bytes()).map_err(fail)?;
        }
    }
    for (name, bytes) in members {
        archive.start_file(format!("{name}.npy"), npy::member_options(None)).map_err(zip)?;
        archive.write_all(&bytes).map_err(fail)?;
    }
    archive.finish().map_err(zip)?.flush().map_err(fail)?;
    file.commit_unstamped()?;
    Ok(())
}

/// A blob as MagellanMapper has it, in the order of [`COLUMNS`].
pub(super) fn segment(blob: &Blob, image: &BlobImage) -> [f64; 8] {
    let [z, y, x] = blob.position;
    let radius = match &*blob.source {
        // Kept, so that MagellanMapper goes on to know them.
        "manual" => f64::from(blob.radius_um).min(BY_HAND / 2.0),
        _ => f64::from(blob.radius_um) / image.shortest_um(),
    };
    let codes = [blob.confirmed.code().into(), blob.truth.code().into(), blob.channel.into()];
    let [confirmed, truth, channel] = codes;
    [z, y, x, radius, confirmed, truth, channel, blob.region as f64]
}

fn roi_size(image: &BlobImage) -> [i64; 3] {
    if image.shape.len() != image.axes.len() || image.shape.is_empty() {
        return [0; 3];
    }
    let [_, _, z, y, x] = image.axes.expand(&image.shape);
    [z as i64, y as i64, x as i64]
}

fn array(dtype: Dtype, shape: &[u64], values: &[[u8; 8]]) -> Vec<u8> {
    [Header::write(dtype, shape), values.concat()].concat()
}

fn texts(texts: &[String]) -> Vec<u8> {
    let longest = texts.iter().map(|t| t.chars().count()).max().unwrap_or(1).max(1);
    let mut bytes = Header::of_type(&format!("<U{longest}"), &[texts.len() as u64]);
    for text in texts {
        let chars = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest);
        bytes.extend(chars.flat_map(u32::to_le_bytes));
    }
    bytes
}

impl Small {
    /// Its numbers, when it is of numbers.
    pub(super) fn numbers(&self) -> Option<Vec<f64>> {
        match &self.data {
            SmallData::Numbers(numbers) => Some(numbers.clone()),
            _ => None,
        }
    }
}
