//! The images of files whose description or tags say how planes are stacked: ImageJ, STK,
//! Micro-Manager.

use std::sync::Arc;

use hooke_core::{Origin, Problem, Sourced};
use serde_json::json;

use super::dataset::{Draft, Found};
use super::file::TiffFile;
use super::ifd::Ifd;
use super::imagej::{self, Description};
use super::layout::{Codec, Predictor};
use super::micromanager::IndexMap;
use super::page::Page;
use super::planes::{Plane, Planes, Strides, page_offset, rename_axes};
use super::{resolution, tag};
use crate::{Error, OpenOptions, Result};

/// Reads an ImageJ stack or hyperstack.
///
/// # Errors
/// [`Error::Truncated`] when a contiguous block is cut; else when the first page cannot be read.
pub fn of_imagej(
    file: &Arc<TiffFile>,
    ifd: &Ifd,
    text: &str,
    description: &Description,
    how: &OpenOptions,
) -> Result<Found> {
    let page = file.page(ifd.offset)?;
    let mut sizes = description.sizes;
    // A colour image counts its samples as channels in some versions.
    if page.layout.samples > 1 && sizes[1] == page.layout.samples && ifd.next == 0 {
        sizes[1] = 1;
    }
    // Planes vary along t, then z, then c.
    let mut strides = Strides::of_order([0, 2, 1], sizes);
    let renamed = rename_axes(file, how, &page.layout, &mut sizes, &mut strides)?;
    let pages = sizes.iter().try_fold(1u64, |n, s| n.checked_mul(*s));
    let pages = pages.ok_or_else(|| file.corrupt("more planes than can be counted"))?;
    if ifd.next != 0 && !how.rescue {
        file.check_range("the directory of the second page", ifd.next, 2)?;
    }
    // ImageJ's planes follow each other, so they outlive the directories behind them.
    let chain_is_lost = || how.rescue && page_offset(file, pages - 1).is_err();
    let planes = if pages > 1 && (ifd.next == 0 || chain_is_lost()) {
        contiguous(file, &page, pages, strides, how)?
    } else {
        if pages > file.most_pages() {
            let most = file.most_pages();
            return Err(file.corrupt(format!("{pages} planes are promised, at most {most} fit")));
        }
        Planes::Chain { file: Arc::clone(file), first: 0, strides }
    };
    let first = Plane { file: Arc::clone(file), page, raw: None };
    let from = if renamed { Origin::User } else { Origin::File };
    let mut draft = Draft::new(first, planes, sizes, from);
    if description.inconsistent && !renamed {
        let message = "channels, slices and frames do not multiply to images; read as one stack";
        draft.problems.push(Problem::warning("metadata-invalid", message));
        draft.meta.axes_from = Origin::Assumed;
    }
    let [uz, uy, ux] = description.unit_um;
    let z = uz.zip(description.spacing).map(|(unit, spacing)| unit * spacing);
    let y = uy.map_or(Ok(None), |u| resolution::pixel_lengths(file, ifd, u).map(|l| l[0]))?;
    let x = ux.map_or(Ok(None), |u| resolution::pixel_lengths(file, ifd, u).map(|l| l[1]))?;
    draft.meta.voxel_size_um = [z, y, x].map(|v| v.map_or(Sourced::unknown(), Sourced::file));
    if ux.is_none() && description.unknown_unit.is_none() {
        let [_, y, x] = resolution::voxel_size_um(file, ifd)?;
        (draft.meta.voxel_size_um[1], draft.meta.voxel_size_um[2]) = (y, x);
    }
    for d in 0..3 {
        let size = draft.meta.voxel_size_um[d].value;
        if let Some((origin, size)) = description.origin_px[d].zip(size) {
            draft.meta.origin_um[d] = Sourced::file(-origin * size);
        }
    }
    if let Some(unit) = &description.unknown_unit {
        let message = format!("the unit {unit:?} has no known size");
        draft.problems.push(Problem::warning("unit-unknown", message));
    }
    draft.meta.frame_interval_s = description.frame_interval_s;
    let extra = imagej::read_extra(file, ifd)?;
    if draft.first.page.layout.samples == 1 && !renamed {
        draft.meta.channels = imagej::channels(&extra, sizes);
    }
    draft.meta.vendor =
        Some(json!({ "description": text, "info": extra.info, "labels": extra.labels }));
    let version = Some(description.version.clone());
    Ok(Found { format: "imagej-tiff", version, drafts: vec![draft], problems: Vec::new() })
}

/// Planes that follow the pixels of one page without directories of their own.
///
/// # Errors
/// [`Error::Unsupported`] when the page is compressed; [`Error::Truncated`] when planes are cut,
/// except with [`OpenOptions::rescue`].
pub fn contiguous(
    file: &Arc<TiffFile>,
    page: &Page,
    count: u64,
    strides: Strides,
    how: &OpenOptions,
) -> Result<Planes> {
    let mut page = page.clone();
    let raw = page.layout.codec == Codec::None && page.layout.predictor == Predictor::None;
    if !raw || page.layout.planar || page.layout.tiled {
        let what = format!("{count} planes behind one directory that are compressed or tiled");
        return Err(Error::unsupported(file.path(), what, ""));
    }
    page.layout.chunk = [page.layout.height, page.layout.width];
    let start = file.uints(&page.offsets, 0, 1)?[0];
    let size = (page.layout.row_bytes() * page.layout.height).saturating_mul(count);
    if !how.rescue {
        file.check_range(&format!("the block of {count} planes at byte {start}"), start, size)?;
    } else if size > 1024 * file.size().max(1 << 20) {
        return Err(file.corrupt(format!("{count} planes are promised")));
    }
    Ok(Planes::Contiguous { file: Arc::clone(file), page: Arc::new(page), start, strides })
}

/// Reads a MetaMorph STK file: one directory, planes one after another, along z where planes have
/// distances, else along t.
///
/// # Errors
/// As [`contiguous`].
pub fn of_stk(file: &Arc<TiffFile>, ifd: &Ifd, text: &str, how: &OpenOptions) -> Result<Found> {
    let page = file.page(ifd.offset)?;
    let entry = ifd.entry(tag::UIC2).ok_or_else(|| file.corrupt("no tag 33629"))?;
    let count = entry.count.max(1);
    // Per plane: the distance to the one before as a rational, then dates and times.
    let mut bytes = Vec::new();
    let size = count.checked_mul(24).filter(|s| *s <= file.size());
    let size = size.ok_or_else(|| file.corrupt(format!("{count} planes are promised")))?;
    let at = file.numbers().uint(&entry.inline[..file.numbers().offset_size()]);
    file.read_into("the table of planes (tag 33629)", at, size, &mut bytes)?;
    let distances = bytes.chunks_exact(24).map(|b| {
        let (top, bottom) = (file.numbers().uint(&b[..4]), file.numbers().uint(&b[4..8]));
        if bottom == 0 { 0.0 } else { top as f64 / bottom as f64 }
    });
    let step = distances.skip(1).find(|d| *d > 0.0);
    let mut sizes = if step.is_some() { [1, 1, count] } else { [count, 1, 1] };
    let mut strides = Strides::of_order([0, 1, 2], sizes);
    let renamed = rename_axes(file, how, &page.layout, &mut sizes, &mut strides)?;
    let planes = if count > 1 {
        contiguous(file, &page, count, strides, how)?
    } else {
        Planes::Chain { file: Arc::clone(file), first: 0, strides }
    };
    let first = Plane { file: Arc::clone(file), page, raw: None };
    let from = if renamed { Origin::User } else { Origin::File };
    let mut draft = Draft::new(first, planes, sizes, from);
    draft.meta.voxel_size_um = resolution::voxel_size_um(file, ifd)?;
    if let Some(step) = step {
        draft.meta.voxel_size_um[0] = Sourced::file(step);
    }
    draft.meta.vendor = Some(json!({ "description": text }));
    Ok(Found { format: "tiff", version: None, drafts: vec![draft], problems: Vec::new() })
}

/// Reads the images of a Micro-Manager file from its index map.
///
/// # Errors
/// When no page can be read.
pub fn of_index_map(file: &Arc<TiffFile>, map: IndexMap) -> Result<Found> {
    let mut drafts = Vec::with_capacity(map.positions.len());
    for position in map.positions {
        let offset = position.offsets.iter().copied().find(|o| *o != 0).unwrap_or(0);
        let first = Plane { file: Arc::clone(file), page: file.page(offset)?, raw: None };
        let (offsets, strides) = (position.offsets, position.strides);
        let mut missing = Vec::new();
        let [nt, nc, nz] = position.sizes;
        for t in 0..nt {
            for c in 0..nc {
                for z in 0..nz {
                    if offsets[strides.number([t, c, z]) as usize] == 0 {
                        missing.push(hooke_core::meta::PlaneIndex { t, c, z });
                    }
                }
            }
        }
        let planes = Planes::Listed { file: Arc::clone(file), offsets, strides };
        let mut draft = Draft::new(first, planes, position.sizes, Origin::File);
        draft.meta.voxel_size_um = map.voxel_size_um;
        draft.meta.frame_interval_s = map.frame_interval_s;
        draft.meta.missing = missing;
        if map.channels.len() as u64 == draft.meta.shape[1] {
            draft.meta.channels.clone_from(&map.channels);
        }
        draft.meta.vendor = Some(json!({ "micro_manager_summary": map.summary }));
        drafts.push(draft);
    }
    Ok(Found { format: "tiff", version: None, drafts, problems: Vec::new() })
}
