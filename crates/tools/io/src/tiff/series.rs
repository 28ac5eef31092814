//! The images of plain TIFF files: pages of the same kind are one stack.

use std::sync::Arc;

use hooke_core::{Channel, ImageMeta, Origin, Problem, Sourced};
use serde_json::json;

use super::chunk::check_chunks;
use super::dataset::{Draft, Found};
use super::file::TiffFile;
use super::ifd::Ifd;
use super::layout::Layout;
use super::metaseries::{self, MetaSeries};
use super::page::Page;
use super::planes::{Plane, Planes, Strides, page_offset, rename_axes};
use super::shaped::{self, Shaped, Sizes, Stack};
use super::stack::contiguous;
use super::{resolution, tag};
use crate::{OpenOptions, Result};

/// Pages of the same kind, in the order of the chain.
struct Group {
    first: Arc<Page>,
    offsets: Vec<u64>,
    reduced: bool,
}

/// Reads the images of a plain file: those that tifffile's descriptions name, and groups of pages of
/// the same size and type for all other pages.
///
/// # Errors
/// When the chain of pages or a page's tags are damaged; with [`OpenOptions::rescue`] the pages
/// before the damage are read, if there are any.
pub fn read(file: &Arc<TiffFile>, how: &OpenOptions) -> Result<Found> {
    let (mut drafts, mut problems) = (Vec::new(), Vec::new());
    let mut groups: Vec<Group> = Vec::new();
    let mut number = 0;
    loop {
        let next = next_page(file, number, how, &mut drafts, &mut groups);
        match next {
            Ok(Some(after)) => number = after,
            Ok(None) => break,
            Err(error) if how.rescue && error.is_damage() && number > 0 => {
                problems.push(Problem::warning("truncated", format!("pages are lost: {error}")));
                break;
            }
            Err(error) => return Err(error),
        }
    }
    let levels = take_levels(&mut groups);
    for group in groups {
        drafts.push(of_group(file, group, how)?);
    }
    if let ([only], false) = (drafts.as_mut_slice(), levels.is_empty()) {
        let file = || Arc::clone(file);
        let strides = Strides([0, 0, 1]);
        let planes = |g: Group| Planes::Listed { file: file(), offsets: g.offsets, strides };
        only.reduced = levels.into_iter().map(planes).collect();
    }
    Ok(Found { format: "tiff", version: None, drafts, problems })
}

/// Takes in the page `number`, or the whole stack that begins there; the number after it.
fn next_page(
    file: &Arc<TiffFile>,
    number: u64,
    how: &OpenOptions,
    drafts: &mut Vec<Draft>,
    groups: &mut Vec<Group>,
) -> Result<Option<u64>> {
    let Some(offset) = file.page_offset(number)? else { return Ok(None) };
    let page = file.page(offset)?;
    if let Some((draft, pages)) = shaped_draft(file, number, &page, how)? {
        drafts.push(draft);
        return Ok(Some(number + pages));
    }
    let same =
        |g: &&mut Group| g.reduced == page.reduced && g.first.layout.same_planes(&page.layout);
    match groups.iter_mut().find(same) {
        Some(group) => group.offsets.push(offset),
        None => {
            let reduced = page.reduced;
            groups.push(Group { first: page, offsets: vec![offset], reduced });
        }
    }
    Ok(Some(number + 1))
}

/// Takes out the groups that are smaller levels of the one other group.
fn take_levels(groups: &mut Vec<Group>) -> Vec<Group> {
    let (mut levels, full): (Vec<Group>, Vec<Group>) =
        std::mem::take(groups).into_iter().partition(|g| g.reduced);
    let fits = |base: &Layout, g: &Group| {
        let l = &g.first.layout;
        (l.samples, l.dtype) == (base.samples, base.dtype) && l.width < base.width
    };
    let pyramid = match full.as_slice() {
        [only] => levels
            .iter()
            .all(|g| g.offsets.len() == only.offsets.len() && fits(&only.first.layout, g)),
        _ => false,
    };
    *groups = full;
    if !pyramid {
        groups.append(&mut levels);
    }
    levels.sort_by_key(|g| std::cmp::Reverse(g.first.layout.width));
    levels
}

/// A stack whose first page carries tifffile's (or Hooke's) description.
fn shaped_draft(
    file: &Arc<TiffFile>,
    number: u64,
    page: &Arc<Page>,
    how: &OpenOptions,
) -> Result<Option<(Draft, u64)>> {
    let ifd = file.ifd(page.offset)?;
    // Descriptions of other kinds can be long and many: look before reading them.
    let Some(entry) = ifd.entry(tag::IMAGE_DESCRIPTION).filter(|e| e.count >= 10) else {
        return Ok(None);
    };
    if file.values(entry, 0, 1)? != b"{" {
        return Ok(None);
    }
    let text = file.text(&ifd, tag::IMAGE_DESCRIPTION)?.unwrap_or_default();
    let Some(shape) = shaped::parse(&text) else { return Ok(None) };
    let Some(mut stack) = shape.stack(&page.layout).filter(|s| s.pages <= file.size()) else {
        return Ok(None);
    };
    let renamed = rename_axes(file, how, &page.layout, &mut stack.sizes, &mut stack.strides)?;
    let one_ifd = shape.truncated && stack.pages > 1;
    let planes = if one_ifd {
        contiguous(file, page, stack.pages, stack.strides, how)?
    } else {
        Planes::Chain { file: Arc::clone(file), first: number, strides: stack.strides }
    };
    let pages = if one_ifd { 1 } else { stack.pages };
    if !one_ifd && stack.pages > 1 && !how.rescue {
        let last = number + stack.pages - 1;
        let offset = page_offset(file, last)?;
        check_ends(file, [page, &file.page(offset)?])?;
    }
    let first = Plane { file: Arc::clone(file), page: Arc::clone(page), raw: None };
    let from = match (renamed, stack.named) {
        (true, _) => Origin::User,
        (_, true) => Origin::File,
        _ => Origin::Assumed,
    };
    let mut draft = Draft::new(first, planes, stack.sizes, from);
    draft.meta.voxel_size_um = resolution::voxel_size_um(file, &ifd)?;
    draft.meta.vendor = Some(json!({ "description": text }));
    apply(&mut draft.meta, &shape, &stack);
    Ok(Some((draft, pages)))
}

/// Copies what Hooke wrote beside the shape.
fn apply(meta: &mut ImageMeta, shape: &Shaped, stack: &Stack) {
    let Some(Sizes {
        voxel_size_um,
        origin_um,
        frame_interval_s,
        channels,
        significant_bits,
        labels,
    }) = &shape.hooke
    else {
        return;
    };
    let known = |v: &Option<f64>| match v.filter(|v| v.is_finite()) {
        Some(v) => Sourced::file(v),
        None => Sourced::unknown(),
    };
    for (slot, size) in meta.voxel_size_um.iter_mut().zip(voxel_size_um) {
        *slot = known(&size.filter(|v| *v > 0.0));
    }
    for (slot, position) in meta.origin_um.iter_mut().zip(origin_um) {
        *slot = known(position);
    }
    meta.frame_interval_s = frame_interval_s.filter(|v| *v > 0.0);
    if channels.len() as u64 == stack.sizes[1] {
        meta.channels.clone_from(channels);
    }
    if let Some(bits) = significant_bits.filter(|b| *b <= meta.significant_bits && *b > 0) {
        meta.significant_bits = bits;
    }
    meta.labels = *labels;
}

fn of_group(file: &Arc<TiffFile>, group: Group, how: &OpenOptions) -> Result<Draft> {
    let ifd = file.ifd(group.first.offset)?;
    let count = group.offsets.len() as u64;
    let (mut sizes, mut strides) = ([1, 1, count], Strides([0, 0, 1]));
    let renamed = rename_axes(file, how, &group.first.layout, &mut sizes, &mut strides)?;
    if !how.rescue
        && let Some(last) = group.offsets.last()
    {
        check_ends(file, [&group.first, &file.page(*last)?])?;
    }
    let second = group.offsets.get(1).copied();
    let planes = Planes::Listed { file: Arc::clone(file), offsets: group.offsets, strides };
    let first = Plane { file: Arc::clone(file), page: group.first, raw: None };
    let from = match (count, renamed) {
        (1, _) => Origin::File,
        (_, true) => Origin::User,
        _ => Origin::Assumed,
    };
    let mut draft = Draft::new(first, planes, sizes, from);
    draft.meta.voxel_size_um = resolution::voxel_size_um(file, &ifd)?;
    let text = file.text(&ifd, tag::IMAGE_DESCRIPTION)?;
    if let Some(series) = text.as_deref().and_then(metaseries::parse) {
        let next = match second {
            Some(offset) => {
                let text = file.text(&file.ifd(offset)?, tag::IMAGE_DESCRIPTION)?;
                text.as_deref().and_then(metaseries::parse)
            }
            None => None,
        };
        describe_series(&mut draft.meta, &series, next.as_ref());
    } else if let Some(text) = text.filter(|t| !t.is_empty()) {
        draft.meta.vendor = Some(json!({ "description": text, "software": software(file, &ifd)? }));
    }
    Ok(draft)
}

fn software(file: &TiffFile, ifd: &Ifd) -> Result<Option<String>> {
    file.text(ifd, tag::SOFTWARE)
}

/// Copies what MetaXpress wrote; the distance of planes from the second page's z position.
fn describe_series(meta: &mut ImageMeta, series: &MetaSeries, next: Option<&MetaSeries>) {
    let known = |v: Option<f64>| v.map_or(Sourced::unknown(), Sourced::file);
    let step = next.and_then(|n| Some((n.stage_um[0]? - series.stage_um[0]?).abs()));
    let [y, x] = series.pixel_um;
    meta.voxel_size_um = [known(step.filter(|s| *s > 0.0)), known(y), known(x)];
    meta.origin_um = series.stage_um.map(known);
    if meta.shape[1] == 1 && (series.name.is_some() || series.emission_nm.is_some()) {
        let (name, emission_nm) = (series.name.clone(), series.emission_nm);
        meta.channels = vec![Channel { name, emission_nm, ..Channel::default() }];
    }
    let properties: serde_json::Map<String, serde_json::Value> =
        series.properties.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect();
    meta.vendor = Some(json!({ "metaseries": properties }));
}

/// Checks that the pixels of the first and the last page are all there: a file that was cut while it
/// was copied is named as such at once.
fn check_ends(file: &Arc<TiffFile>, pages: [&Arc<Page>; 2]) -> Result<()> {
    for page in pages {
        check_chunks(&Plane { file: Arc::clone(file), page: Arc::clone(page), raw: None })?;
    }
    Ok(())
}
