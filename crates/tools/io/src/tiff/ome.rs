//! The images of an OME-TIFF.

use std::collections::HashMap;
use std::sync::Arc;

use hooke_core::meta::PlaneIndex;
use hooke_core::{Channel, Origin, Problem};
use serde_json::json;

use super::dataset::{Draft, Found};
use super::file::TiffFile;
use super::layout::Layout;
use super::ome_planes::{FileSet, OmePlanes, read_companion};
use super::ome_xml::{self, OmeDocument, OmeImage};
use super::planes::{Plane, Planes};
use super::series;
use crate::{Error, OpenOptions, Result};

/// Reads the images that OME-XML describes.
///
/// # Errors
/// [`Error::Unsupported`] when axes are given; [`Error::MetadataInvalid`] for XML that is broken or contradicts the pages; with
/// [`OpenOptions::rescue`] the pages are then read as those of a plain file.
pub fn read(file: &Arc<TiffFile>, text: &str, how: &OpenOptions) -> Result<Found> {
    if let Some(axes) = &how.axes {
        let what = format!("axes `{axes}` for a file whose OME-XML names them");
        return Err(Error::unsupported(file.path(), what, "leave --axes out"));
    }
    match read_strict(file, text) {
        Err(error @ Error::MetadataInvalid { .. }) if how.rescue => {
            let mut found = series::read(file, how)?;
            found.problems.push(Problem::warning("metadata-invalid", error.to_string()));
            Ok(found)
        }
        other => other,
    }
}

fn read_strict(file: &Arc<TiffFile>, text: &str) -> Result<Found> {
    let invalid = |what: String| Error::metadata(file.path(), format!("OME-XML: {what}"));
    let mut text = std::borrow::Cow::Borrowed(text);
    let mut document = ome_xml::parse(&text).map_err(invalid)?;
    if document.images.is_empty()
        && let Some(name) = document.metadata_file.clone()
    {
        text = read_companion(file.path(), &name).map_err(invalid)?.into();
        let own = document.uuid;
        document = ome_xml::parse(&text).map_err(invalid)?;
        document.uuid = own;
    }
    if document.images.is_empty() {
        return Err(invalid("no Image".to_owned()));
    }
    let files = Arc::new(FileSet::new(Arc::clone(file), &document));
    let mut next_ifd = HashMap::new();
    let mut drafts = Vec::with_capacity(document.images.len());
    for image in &document.images {
        drafts.push(draft(file, &files, &document, image, &mut next_ifd)?);
    }
    if let [only] = drafts.as_mut_slice() {
        only.meta.vendor = Some(json!({ "ome_xml": text }));
    }
    let mut problems = Vec::new();
    let absent = files.absent();
    if !absent.is_empty() {
        let message = format!("files of this set are not there: {}", absent.join(", "));
        problems.push(Problem::warning("missing-planes", message));
    }
    Ok(Found { format: "ome-tiff", version: document.version.clone(), drafts, problems })
}

fn draft(
    file: &Arc<TiffFile>,
    files: &Arc<FileSet>,
    document: &OmeDocument,
    image: &OmeImage,
    next_ifd: &mut HashMap<usize, u64>,
) -> Result<Draft> {
    let name = image.name.as_deref().unwrap_or("");
    let invalid =
        |what: String| Error::metadata(file.path(), format!("OME-XML, image {name:?}: {what}"));
    // How many samples a page has is known for certain only from a page.
    let samples_hint = image.channels.first().map_or(1, |(_, s)| *s);
    let place = |samples: u64, next: &mut HashMap<usize, u64>| -> Result<_> {
        let [t, c, z] = image.sizes;
        if samples == 0 || !c.is_multiple_of(samples) {
            return Err(invalid(format!("SizeC {c} is no multiple of {samples} samples")));
        }
        let sizes = [t, c / samples, z];
        let planes =
            OmePlanes::new(Arc::clone(files), document, image, sizes, next).map_err(invalid)?;
        let first = planes.first_present(sizes);
        let first = first.ok_or_else(|| invalid("none of its files is there".to_owned()))?;
        let plane = planes.locate(first)?;
        let plane = plane.ok_or_else(|| invalid("its first plane is absent".to_owned()))?;
        Ok((sizes, planes, plane))
    };
    let mut next = next_ifd.clone();
    let mut placed = place(
        if image.sizes[1].is_multiple_of(samples_hint) { samples_hint } else { 1 },
        &mut next,
    )?;
    let samples = placed.2.page.layout.samples;
    if placed.0[1].checked_mul(samples) != Some(image.sizes[1]) {
        next = next_ifd.clone();
        placed = place(samples, &mut next)?;
    }
    *next_ifd = next;
    let (sizes, planes, first) = placed;
    check_page(image, &first).map_err(invalid)?;
    let missing = planes.missing(sizes).map_err(invalid)?;
    let samples = first.page.layout.samples;
    let mut draft = Draft::new(first, Planes::Ome(planes), sizes, Origin::File);
    describe(&mut draft, image, samples);
    let of_samples =
        |p: PlaneIndex| (0..samples).map(move |s| PlaneIndex { c: p.c * samples + s, ..p });
    draft.meta.missing = missing.into_iter().flat_map(of_samples).collect();
    Ok(draft)
}

/// Copies what the XML says about an image.
fn describe(draft: &mut Draft, image: &OmeImage, samples: u64) {
    let meta = &mut draft.meta;
    if let Some(name) = &image.name {
        meta.name.clone_from(name);
    }
    if let Some(bits) = image.significant_bits.filter(|b| (1..=64).contains(b)) {
        meta.significant_bits = bits;
    }
    meta.voxel_size_um = image.voxel_size_um;
    meta.origin_um = image.origin_um;
    meta.frame_interval_s = image.frame_interval_s;
    meta.frame_times_s.clone_from(&image.frame_times_s);
    let known = |c: &Channel| *c != Channel::default();
    let pages = meta.shape[1] / samples;
    // One element per page, each standing for all samples of it; some write one per sample.
    if image.channels.iter().any(|(c, _)| known(c)) {
        let one_per_sample = image.channels.len() as u64 == meta.shape[1] && samples > 1;
        let repeat = if one_per_sample { 1 } else { samples };
        let count = if one_per_sample { meta.shape[1] } else { pages };
        let all = image.channels.iter().map(|(c, _)| c.clone());
        let padded = all.chain(std::iter::repeat_with(Channel::default));
        meta.channels = padded
            .take(count as usize)
            .flat_map(|c| std::iter::repeat_n(c, repeat as usize))
            .collect();
    }
    draft.problems.extend(image.problems.iter().cloned());
}

/// Compares a page with what the XML says.
fn check_page(image: &OmeImage, plane: &Plane) -> Result<(), String> {
    let layout = &plane.page.layout;
    if [layout.height, layout.width] != image.plane {
        let [y, x] = image.plane;
        return Err(format!("planes of {x} x {y}, but a page holds {}", layout.describe()));
    }
    if !pixel_types(layout).contains(&image.pixel_type.as_str()) && !image.pixel_type.is_empty() {
        let wanted = &image.pixel_type;
        return Err(format!("pixels of type {wanted:?}, but a page holds {}", layout.describe()));
    }
    Ok(())
}

/// The names that OME has for what a page holds.
fn pixel_types(layout: &Layout) -> Vec<&str> {
    let mut names = vec![layout.dtype.name()];
    match layout.dtype {
        hooke_core::Dtype::Float32 => names.push("float"),
        hooke_core::Dtype::Float64 => names.push("double"),
        hooke_core::Dtype::Uint8 => names.push("bit"),
        _ => {}
    }
    names
}
