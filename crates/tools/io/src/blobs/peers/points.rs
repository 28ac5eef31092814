//! Points as CSV, as cellfinder, napari, RS-FISH, TrackMate and MagellanMapper have them.

use std::path::Path;
use std::sync::Arc;

use hooke_core::{Blob, Review, Truth};

use super::{BlobFormat, Export};
use crate::blobs::csv::{Records, bad_cell, number, write_records};
use crate::blobs::{BlobFile, BlobImage, BlobSet, number_in_order};
use crate::tables::TableError;

/// The columns of a format, as they are written.
fn head(format: BlobFormat) -> &'static [&'static str] {
    match format {
        BlobFormat::CellfinderCsv => &["x", "y", "z", "type"],
        BlobFormat::NapariCsv => &[
            "index",
            "axis-0",
            "axis-1",
            "axis-2",
            "t",
            "channel",
            "radius_um",
            "response",
            "score",
            "confirmed",
            "truth",
            "region",
            "id",
        ],
        BlobFormat::RsfishCsv => &["x", "y", "z", "t", "c", "intensity"],
        BlobFormat::TrackmateCsv => &[
            "LABEL",
            "ID",
            "QUALITY",
            "POSITION_X",
            "POSITION_Y",
            "POSITION_Z",
            "FRAME",
            "RADIUS",
            "CHANNEL",
        ],
        _ => &["z", "y", "x", "r"],
    }
}

/// Writes a row per blob; compressed when the name ends in `.gz`.
pub(super) fn write(
    path: &Path,
    format: BlobFormat,
    export: &Export<'_>,
) -> Result<(), TableError> {
    // Radii in voxels of equal edges need the size of a voxel.
    let shortest = match format {
        BlobFormat::MagmapBlobsCsv => export.image(path)?.shortest_um(),
        _ => 1.0,
    };
    write_records(path, head(format), |out| {
        for (index, blob) in export.blobs.iter().enumerate() {
            out(&cells(format, index, blob, shortest))?;
        }
        Ok(())
    })
}

fn cells(format: BlobFormat, index: usize, blob: &Blob, shortest: f64) -> Vec<String> {
    let [z, y, x] = blob.position.map(number);
    let single = |v: f32| if v.is_finite() { v.to_string() } else { String::new() };
    match format {
        BlobFormat::CellfinderCsv => {
            let [z, y, x] = blob.position.map(|v| format!("{}", v.round_ties_even() as i64));
            let kind = if blob.confirmed == Review::Confirmed { "2" } else { "1" };
            vec![x, y, z, kind.to_owned()]
        }
        BlobFormat::NapariCsv => vec![
            index.to_string(),
            z,
            y,
            x,
            blob.t.to_string(),
            blob.channel.to_string(),
            single(blob.radius_um),
            single(blob.response),
            single(blob.score),
            blob.confirmed.code().to_string(),
            blob.truth.code().to_string(),
            blob.region.to_string(),
            blob.id.to_string(),
        ],
        BlobFormat::RsfishCsv => {
            let (t, c) = (u64::from(blob.t) + 1, u32::from(blob.channel) + 1);
            let intensity = blob.amplitude.unwrap_or(blob.response);
            vec![x, y, z, t.to_string(), c.to_string(), single(intensity)]
        }
        BlobFormat::TrackmateCsv => {
            let [z, y, x] = blob.position_um.map(number);
            let id = blob.id.to_string();
            vec![
                format!("ID{id}"),
                id,
                single(blob.score),
                x,
                y,
                z,
                blob.t.to_string(),
                single(blob.radius_um),
                blob.channel.to_string(),
            ]
        }
        _ => vec![z, y, x, number(f64::from(blob.radius_um) / shortest)],
    }
}

/// Reads points; what a format does not hold is as [`Blob::at`] has it.
pub(super) fn read(
    path: &Path,
    format: BlobFormat,
    image: &BlobImage,
) -> Result<BlobFile, TableError> {
    let mut records = Records::open(path)?;
    let four_axes = format == BlobFormat::NapariCsv && records.column("axis-3").is_some();
    let names = match format {
        BlobFormat::NapariCsv if four_axes => ["axis-1", "axis-2", "axis-3"],
        BlobFormat::NapariCsv => ["axis-0", "axis-1", "axis-2"],
        BlobFormat::TrackmateCsv => ["POSITION_Z", "POSITION_Y", "POSITION_X"],
        _ => ["z", "y", "x"],
    };
    let mut places = [0; 3];
    for (place, name) in places.iter_mut().zip(names) {
        *place = records.required(path, name)?;
    }
    let source: Arc<str> = match format {
        BlobFormat::CellfinderCsv => "cellfinder",
        BlobFormat::NapariCsv => "napari",
        BlobFormat::RsfishCsv => "rsfish",
        BlobFormat::TrackmateCsv => "trackmate",
        _ => "magmap",
    }
    .into();
    let further: Vec<(&'static str, usize)> = further(format, four_axes)
        .iter()
        .filter_map(|name| records.column(name).map(|place| (*name, place)))
        .collect();
    let mut blobs: Vec<Blob> = Vec::new();
    records.each(path, |row, record| {
        let cell = |place: usize| record.get(place).unwrap_or_default();
        // TrackMate explains its columns in three more lines of text.
        if format == BlobFormat::TrackmateCsv && row <= 3 && cell(places[2]).parse::<f64>().is_err()
        {
            return Ok(());
        }
        let mut point = [0.0; 3];
        for ((value, place), name) in point.iter_mut().zip(places).zip(names) {
            let found = cell(place);
            let finite = found.parse().ok().filter(|v: &f64| v.is_finite());
            *value = finite.ok_or_else(|| bad_cell(path, row, name, found, "a number"))?;
        }
        let (voxels, um) = match format {
            BlobFormat::TrackmateCsv => (image.to_voxels(point), point),
            _ => (point, image.to_um(point)),
        };
        let mut blob = Blob::at(0, voxels, um, 0.0, &source);
        for (name, place) in &further {
            let found = cell(*place);
            if !found.is_empty() && put(&mut blob, format, name, found, image).is_none() {
                return Err(bad_cell(path, row, name, found, "a number that this column can hold"));
            }
        }
        blobs.push(blob);
        Ok(())
    })?;
    number_in_order(&mut blobs, &mut []);
    Ok(BlobSet { blobs, image: Some(image.clone()), ..BlobSet::default() }.into())
}

/// The columns that say more than a place.
fn further(format: BlobFormat, four_axes: bool) -> &'static [&'static str] {
    match format {
        BlobFormat::CellfinderCsv => &["type"],
        BlobFormat::NapariCsv if four_axes => {
            &["axis-0", "channel", "radius_um", "response", "score", "confirmed", "truth", "region"]
        }
        BlobFormat::NapariCsv => {
            &["t", "channel", "radius_um", "response", "score", "confirmed", "truth", "region"]
        }
        BlobFormat::RsfishCsv => &["t", "c", "intensity"],
        BlobFormat::TrackmateCsv => &["FRAME", "RADIUS", "QUALITY", "CHANNEL"],
        _ => &["r"],
    }
}

/// Puts a cell into a blob; nothing when the column cannot hold it.
fn put(
    blob: &mut Blob,
    format: BlobFormat,
    column: &str,
    text: &str,
    image: &BlobImage,
) -> Option<()> {
    let value: f64 = text.parse().ok()?;
    // RS-FISH counts frames and channels from 1.
    let first = if format == BlobFormat::RsfishCsv { 1 } else { 0 };
    let whole = || (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64);
    match column {
        "type" => {
            let confirmed = if whole()? == 2 { Review::Confirmed } else { Review::Unseen };
            blob.confirmed = confirmed;
        }
        "t" | "axis-0" | "FRAME" => blob.t = u32::try_from(whole()? - first).ok()?,
        "c" | "channel" | "CHANNEL" => blob.channel = u16::try_from(whole()? - first).ok()?,
        "intensity" => blob.amplitude = Some(value as f32),
        "radius_um" | "RADIUS" => blob.radius_um = value as f32,
        "r" => blob.radius_um = (value * image.shortest_um()) as f32,
        "response" => blob.response = value as f32,
        "score" | "QUALITY" => blob.score = value as f32,
        "confirmed" => blob.confirmed = Review::from_code(whole()?)?,
        "truth" => blob.truth = Truth::from_code(whole()?)?,
        "region" => blob.region = whole()?,
        _ => return None,
    }
    Some(())
}
