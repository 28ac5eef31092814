//! MagellanMapper's matches as CSV: two blobs per row, each as a list in a cell.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use hooke_core::{Blob, BlobPair, Review, Truth};

use super::magmap_npz::segment;
use super::{Export, lost};
use crate::blobs::csv::{Records, bad_cell, number, write_records};
use crate::blobs::set::{fill_components, pair_of};
use crate::blobs::{BlobFile, BlobImage, BlobSet, number_in_order};
use crate::tables::TableError;

const HEAD: [&str; 7] = ["MatchID", "RoiID", "Blob1ID", "Blob1", "Blob2ID", "Blob2", "Distance"];
const BLOB: &str = "[z, y, x, radius, confirmed, truth, channel]";

/// Writes a row per match; blobs without one are not part of the format.
pub(super) fn write(path: &Path, export: &Export<'_>) -> Result<(), TableError> {
    let image = export.image(path)?;
    let by_id: HashMap<u64, &Blob> = export.blobs.iter().map(|b| (b.id, b)).collect();
    let ends = |pair: &BlobPair| -> Result<[String; 2], TableError> {
        let mut texts = [String::new(), String::new()];
        for (text, id) in texts.iter_mut().zip(pair.blob_ids) {
            let blob = by_id.get(&id).ok_or_else(|| lost(path, pair))?;
            let values = segment(blob, image);
            let cells: Vec<String> = values[..7].iter().map(|v| format!("{v:?}")).collect();
            *text = format!("[{}]", cells.join(", "));
        }
        Ok(texts)
    };
    let rows: Result<Vec<[String; 2]>, TableError> = export.pairs.iter().map(ends).collect();
    let rows = rows?;
    write_records(path, &HEAD, |out| {
        for (pair, [first, second]) in export.pairs.iter().zip(rows) {
            let [a, b] = pair.blob_ids;
            out(&[
                pair.match_id.to_string(),
                pair.roi_id.to_string(),
                a.to_string(),
                first,
                b.to_string(),
                second,
                number(pair.distance_scaled),
            ])?;
        }
        Ok(())
    })
}

/// Reads matches and the blobs in them. Blobs without an id are told apart by place and channel.
pub(super) fn read(path: &Path, image: &BlobImage) -> Result<BlobFile, TableError> {
    let mut records = Records::open(path)?;
    let blobs_at =
        [["Blob1ID", "Blob1"], ["Blob2ID", "Blob2"]].map(|[id, blob]| (records.column(id), blob));
    let mut places = [0; 2];
    for (place, (_, name)) in places.iter_mut().zip(blobs_at) {
        *place = records.required(path, name)?;
    }
    let distance_at = records.required(path, "Distance")?;
    let source: Arc<str> = "magmap".into();
    let mut known: HashMap<[u64; 5], u64> = HashMap::new();
    let mut set = BlobSet { image: Some(image.clone()), ..BlobSet::default() };
    let mut ends = Vec::new();
    records.each(path, |row, record| {
        let mut pair = [0; 2];
        for (end, (place, (_, name))) in pair.iter_mut().zip(places.into_iter().zip(blobs_at)) {
            let text = record.get(place).unwrap_or_default();
            let blob = blob_of(text, image, &source)
                .ok_or_else(|| bad_cell(path, row, name, text, BLOB))?;
            let [z, y, x] = blob.position.map(f64::to_bits);
            let key = [z, y, x, blob.channel.into(), blob.truth.code() as u64];
            *end = *known.entry(key).or_insert_with(|| {
                set.blobs.push(Blob { id: set.blobs.len() as u64 + 1, ..blob });
                set.blobs.len() as u64
            });
        }
        let text = record.get(distance_at).unwrap_or_default();
        let distance =
            text.parse::<f64>().map_err(|_| bad_cell(path, row, "Distance", text, "a number"))?;
        ends.push((pair, distance));
        Ok(())
    })?;
    let mut lost = 0;
    for ([a, b], distance) in ends {
        let blob = |id: u64| &set.blobs[id as usize - 1];
        match pair_of(blob(a), blob(b), distance) {
            Some(pair) => set.pairs.push(pair),
            None => lost += 1,
        }
    }
    number_in_order(&mut set.blobs, &mut set.pairs);
    fill_components(&mut set.pairs);
    let mut file = BlobFile::from(set);
    if lost > 0 {
        let what = format!("{lost} matches are of two blobs of one channel");
        file.warnings.push(("matches-left-out".to_owned(), what));
    }
    Ok(file)
}

/// A blob from `[z, y, x, radius, confirmed, truth, channel]`, with commas or, as numpy prints, spaces.
fn blob_of(text: &str, image: &BlobImage, source: &Arc<str>) -> Option<Blob> {
    let inside = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let words = inside.split([',', ' ', '\n', '\t']).filter(|w| !w.is_empty());
    let numbers: Vec<f64> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
    let &[z, y, x, radius, confirmed, truth, channel, ..] = numbers.as_slice() else {
        return None;
    };
    let position = [z, y, x];
    let whole = |v: f64| (v.fract() == 0.0 && v.abs() < 65536.0).then_some(v as i64);
    if !position.iter().all(|v| v.is_finite()) {
        return None;
    }
    let um = (radius * image.shortest_um()) as f32;
    let channel = u16::try_from(whole(channel)?).ok()?;
    let mut blob = Blob::at(channel, position, image.to_um(position), um, source);
    blob.confirmed = Review::from_code(whole(confirmed)?)?;
    blob.truth = Truth::from_code(whole(truth)?)?;
    Some(blob)
}
