//! An image being written.

use std::path::Path;

use hooke_core::{Axis, ImageMeta};

use super::{Attribute, Values, Writer, group_of};
use crate::Result;
use crate::hdf5::{Hdf5Settings, Hdf5Sink};

/// Begins a netCDF-4 file with the image's axes, shape and type.
///
/// The image is a variable over the dimensions `t`, `channel`, `z`, `y`, `x`, those that it has;
/// along each whose step or place is known there is a variable of that name, in micrometres or
/// seconds, and along `channel` one of names. Blocks are kept and put together as
/// [`Hdf5Sink`] does.
///
/// # Errors
/// As [`Hdf5Sink::create`].
pub fn create(target: &Path, meta: &ImageMeta, settings: &Hdf5Settings) -> Result<Hdf5Sink> {
    Hdf5Sink::create_as(target, meta, settings, put_together)
}

/// What of the metadata a netCDF-4 file does not hold.
pub fn lost_items(meta: &ImageMeta) -> Vec<&'static str> {
    let stored = |d: usize| meta.axes.has(Axis::ALL[d + 2]);
    let sized = |d: usize| meta.voxel_size_um[d].value.is_some();
    let placed = |d: usize| meta.origin_um[d].value.is_some();
    let items = [
        ((0..3).any(|d| sized(d) && !stored(d)), "the voxel size along an axis that is not there"),
        (
            (0..3).any(|d| placed(d) && !(stored(d) && (sized(d) || meta.shape[d + 2] == 1))),
            "the position along an axis that is not there or has no voxel size",
        ),
        (meta.is_turned(), "rotation or shear"),
        (meta.labels, "labels"),
    ];
    items.into_iter().filter_map(|(lost, name)| lost.then_some(name)).collect()
}

fn put_together(sink: &Hdf5Sink) -> Result<()> {
    let (meta, path) = (sink.meta(), sink.dataset());
    let group = group_of(path);
    let mut writer = Writer::default();
    writer.attribute("Conventions", "CF-1.8");
    let mut dimensions = Vec::new();
    for axis in meta.axes.iter() {
        let name = if axis == Axis::C { "channel".to_owned() } else { axis.letter().to_string() };
        let full = if group.is_empty() { name.clone() } else { format!("{group}/{name}") };
        writer.dimension(&full, meta.shape[axis.index()]);
        if let Some((values, attributes)) = coordinate(meta, axis) {
            writer.variable(&full, &[&name], values, &attributes);
        }
        dimensions.push(name);
    }
    let dimensions: Vec<&str> = dimensions.iter().map(String::as_str).collect();
    let pick = |full: &[u64; 5]| meta.axes.pick(full);
    writer.image(path, &dimensions, (sink.journal(), &pick), &image_attributes(meta));
    writer.write(sink.target())
}

type Described = (Values, Vec<(&'static str, Attribute)>);

/// What stands along an axis, if anything is known.
fn coordinate(meta: &ImageMeta, axis: Axis) -> Option<Described> {
    match axis {
        Axis::T => times(meta),
        Axis::C => {
            let names = meta.channels.iter().map(|c| c.name.clone().unwrap_or_default());
            let whole = meta.channels.len() as u64 == meta.shape[1];
            let known = whole && meta.channels.iter().any(|c| c.name.is_some());
            known.then(|| (Values::texts(names), vec![("long_name", "channel".into())]))
        }
        _ => along_space(meta, axis),
    }
}

fn times(meta: &ImageMeta) -> Option<Described> {
    let count = meta.shape[0];
    let noted = meta.frame_times_s.as_ref().filter(|times| times.len() as u64 == count);
    let times = match (noted, meta.frame_interval_s) {
        (Some(times), _) => times.clone(),
        (None, Some(interval)) => (0..count).map(|t| t as f64 * interval).collect(),
        (None, None) => return None,
    };
    // Not "seconds": xarray would make durations of them.
    let mut attributes =
        vec![("units", "s".into()), ("long_name", "time".into()), ("axis", "T".into())];
    attributes.extend(meta.frame_interval_s.map(|step| ("spacing", step.into())));
    Some((Values::numbers(times), attributes))
}

fn along_space(meta: &ImageMeta, axis: Axis) -> Option<Described> {
    let d = axis.index() - 2;
    let count = meta.shape[axis.index()];
    let (size, origin) = (meta.voxel_size_um[d].value, meta.origin_um[d].value);
    if size.is_none() && (origin.is_none() || count > 1) {
        return None;
    }
    let first = origin.unwrap_or(0.0);
    let values = (0..count).map(|i| first + i as f64 * size.unwrap_or(0.0)).collect();
    let (name, letter) = [("z", "Z"), ("y", "Y"), ("x", "X")][d];
    let mut attributes =
        vec![("units", "micrometer".into()), ("long_name", name.into()), ("axis", letter.into())];
    attributes.extend(size.map(|size| ("spacing", size.into())));
    if origin.is_none() {
        attributes.push(("origin", "unknown".into()));
    }
    Some((Values::numbers::<f64>(values), attributes))
}

/// What is known about the image beside its coordinates.
fn image_attributes(meta: &ImageMeta) -> Vec<(&'static str, Attribute)> {
    let mut attributes = vec![("long_name", Attribute::from(meta.name.as_str()))];
    let channels = &meta.channels;
    // An axis of channels has them as its coordinate.
    if !meta.axes.has(Axis::C) && channels.iter().any(|c| c.name.is_some()) {
        let names = channels.iter().map(|c| c.name.clone().unwrap_or_default()).collect();
        attributes.push(("channel_names", Attribute::Texts(names)));
    }
    if channels.iter().any(|c| c.color.is_some()) {
        let colors = channels.iter().map(|c| c.color.clone().unwrap_or_default()).collect();
        attributes.push(("channel_colors", Attribute::Texts(colors)));
    }
    let mut wavelengths = |name, values: Vec<Option<f64>>| {
        if values.iter().any(Option::is_some) {
            let values = values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect();
            attributes.push((name, Attribute::Numbers(values)));
        }
    };
    wavelengths("excitation_nm", channels.iter().map(|c| c.excitation_nm).collect());
    wavelengths("emission_nm", channels.iter().map(|c| c.emission_nm).collect());
    if meta.significant_bits < 8 * meta.dtype.size() as u32 {
        attributes.push(("significant_bits", f64::from(meta.significant_bits).into()));
    }
    attributes
}
