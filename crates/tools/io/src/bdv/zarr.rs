//! One setup of a folder of OME-Zarr images: each view is a plane of time and channel of one of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::meta::PlaneIndex;
use hooke_core::{ImageSource, Level, Pixels, ReadStatus, Region};

use super::read::BdvDataset;
use super::view::{StoredViews, Views};
use super::{SpimData, ViewKey, ZarrGroup};
use crate::{Error, OpenOptions, Result, ome_zarr};

/// A view: an image, and its index along `t, c` there.
struct ZarrView {
    image: Arc<dyn ImageSource>,
    at: [u64; 2],
}

/// The views of a setup by timepoint; none for those that are missing.
struct ZarrViews {
    folder: PathBuf,
    views: Vec<Option<ZarrView>>,
}

/// Opens the OME-Zarr images that an XML lists.
///
/// # Errors
/// [`Error::MetadataInvalid`] when a view is neither listed nor named as missing (with `rescue` it
/// counts as missing), or the views of a setup differ; what opening an image answers.
pub(super) fn open(
    path: &Path,
    data: &SpimData,
    container: &Path,
    groups: &[ZarrGroup],
    how: &OpenOptions,
) -> Result<BdvDataset> {
    let mut opened = BdvDataset { images: Vec::new(), problems: Vec::new(), format: "bdv-zarr" };
    let mut images = BTreeMap::new();
    let mut by_view = BTreeMap::new();
    for group in groups {
        let view = (group.view.timepoint, group.view.setup);
        by_view.entry(view).or_insert(group);
    }
    for id in data.setups.keys() {
        let mut views = Vec::new();
        for timepoint in &data.timepoints {
            let key = ViewKey { timepoint: *timepoint, setup: *id };
            let listed = data.missing.contains(&key);
            let group = by_view.get(&(*timepoint, *id)).filter(|_| !listed);
            let view = match group {
                Some(group) => Some(view_of(container, group, how, &mut images)?),
                None => None,
            };
            if view.is_none() && !listed {
                opened.absent(path, key, how.rescue)?;
            }
            views.push(view);
        }
        let present = views.iter().map(Option::is_some).collect();
        let stored = stored(container, *id, views)?;
        opened.add(path, container, data, *id, stored, present)?;
    }
    if opened.images.is_empty() {
        return Err(Error::metadata(path, "no view setup"));
    }
    Ok(opened)
}

/// A view of a group; groups are opened once.
fn view_of(
    container: &Path,
    group: &ZarrGroup,
    how: &OpenOptions,
    images: &mut BTreeMap<String, Arc<dyn ImageSource>>,
) -> Result<ZarrView> {
    let image = match images.get(&group.path) {
        Some(image) => Arc::clone(image),
        None => {
            let inside = group.path.split('/').all(|part| part != "..");
            let folder = container.join(group.path.trim_matches('/'));
            let inner = OpenOptions { axes: None, dataset: None, ..how.clone() };
            let opened = ome_zarr::open(&folder, &inner)?;
            let image = opened.images().first().filter(|_| inside).cloned();
            let image = image.ok_or_else(|| {
                Error::metadata(container, format!("no image in `{}`", group.path))
            })?;
            images.insert(group.path.clone(), Arc::clone(&image));
            image
        }
    };
    let shape = image.meta().shape;
    let [c, t] = group.indices;
    if t >= shape[0] || c >= shape[1] {
        let what = format!("`{}` has no channel {c} at time {t}", group.path);
        return Err(Error::metadata(container, what));
    }
    Ok(ZarrView { image, at: [t, c] })
}

/// What the images hold of a setup; `None` when all its views are missing.
fn stored(container: &Path, id: u64, views: Vec<Option<ZarrView>>) -> Result<Option<StoredViews>> {
    let Some(first) = views.iter().flatten().next() else { return Ok(None) };
    let of_view = |level: &Level| {
        let single = |mut n: [u64; 5]| {
            (n[0], n[1]) = (1, 1);
            n
        };
        let (shape, chunk) = (single(level.shape), single(level.chunk));
        Level { shape, chunk, shard: level.shard.map(single), ..level.clone() }
    };
    let levels: Vec<Level> = first.image.levels().iter().map(of_view).collect();
    let meta = first.image.meta();
    let (dtype, stored_dtype) = (meta.dtype, meta.stored_dtype.clone());
    let same = |v: &ZarrView| {
        let shapes = v.image.levels().iter().map(|l| of_view(l).shape);
        v.image.meta().dtype == dtype && shapes.eq(levels.iter().map(|l| l.shape))
    };
    if !views.iter().flatten().all(same) {
        let what = format!("setup {id} has views of different shapes or types");
        return Err(Error::metadata(container, what));
    }
    let views = Box::new(ZarrViews { folder: container.to_owned(), views });
    Ok(Some(StoredViews { levels, dtype, stored_dtype, views }))
}

impl Views for ZarrViews {
    fn read(&self, level: usize, t: u64, region: &Region, out: &mut Pixels) -> Result<ReadStatus> {
        let view = self.views.get(t as usize).and_then(Option::as_ref);
        let view = view.ok_or_else(|| Error::NotThere {
            path: self.folder.clone(),
            what: format!("view at timepoint {t}"),
        })?;
        let mut part = *region;
        (part.start[0], part.start[1]) = (view.at[0], view.at[1]);
        let read = view.image.read(level, &part, out).map_err(|e| match e.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => Error::corrupt(&self.folder, other.to_string()),
        })?;
        Ok(match read {
            ReadStatus::Complete => ReadStatus::Complete,
            ReadStatus::MissingFilled(planes) => ReadStatus::of(
                planes.into_iter().map(|p| PlaneIndex { t: 0, c: 0, z: p.z }).collect(),
            ),
        })
    }
}
