//! What the XML of written images says.

use std::collections::BTreeMap;

use hooke_core::ImageMeta;

use super::{Affine, Loader, NamedAffine, Setup, SpimData, UnknownAxes, ViewKey, VoxelSize};

/// What one unit of the world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WorldUnit {
    /// A micrometre.
    #[default]
    Micrometre,
    /// A voxel along x, BigStitcher's habit.
    Pixel,
}

/// Images and channels by setup id.
pub(super) fn setups(metas: &[ImageMeta]) -> Vec<(usize, u64)> {
    let channels = |(i, m): (usize, &ImageMeta)| (0..m.shape[1]).map(move |c| (i, c));
    metas.iter().enumerate().flat_map(channels).collect()
}

/// What the XML of these images says; every channel of every image is one setup.
pub(super) fn describe(metas: &[ImageMeta], unit: WorldUnit, loader: Loader) -> SpimData {
    let mut data = SpimData {
        base_path: ".".to_owned(),
        loader,
        timepoints: (0..metas[0].shape[0]).collect(),
        frame_interval_s: metas[0].frame_interval_s,
        ..SpimData::default()
    };
    for kind in ["illumination", "channel", "tile", "angle"] {
        data.names.insert(kind.to_owned(), BTreeMap::new());
    }
    for (setup, (image, channel)) in setups(metas).into_iter().enumerate() {
        describe_setup(&mut data, setup as u64, &metas[image], [image as u64, channel], unit);
    }
    data
}

fn describe_setup(
    data: &mut SpimData,
    setup: u64,
    meta: &ImageMeta,
    [image, channel]: [u64; 2],
    unit: WorldUnit,
) {
    let view = meta.view.unwrap_or_default();
    let tile = if meta.view.is_some() { view.tile } else { image };
    let known = meta.channels.get(channel as usize);
    let channel = if meta.shape[1] == 1 { view.channel } else { channel };
    let label = known.and_then(|c| c.name.clone()).unwrap_or_else(|| channel.to_string());
    let attributes = [
        ("illumination", view.illumination, view.illumination.to_string()),
        ("channel", channel, label),
        ("tile", tile, tile.to_string()),
        ("angle", view.angle, view.angle.to_string()),
    ];
    let mut described = Setup { name: meta.name.clone(), ..Setup::default() };
    for (kind, id, name) in attributes {
        described.attributes.insert(kind.to_owned(), id);
        data.names.entry(kind.to_owned()).or_default().insert(id, name);
    }
    if let Some(color) = known.and_then(|c| c.color.clone()) {
        data.colors.insert(channel, color);
    }
    let [_, _, z, y, x] = meta.shape;
    described.size = Some([x, y, z]);
    let size = meta.voxel_size_um.map(|s| s.value);
    let origin = meta.origin_um.map(|s| s.value);
    let missing = |values: [Option<f64>; 3]| -> String {
        ["z", "y", "x"]
            .into_iter()
            .zip(values)
            .filter(|(_, v)| v.is_none())
            .map(|(a, _)| a)
            .collect()
    };
    let unknown = UnknownAxes { voxel: missing(size), origin: missing(origin) };
    let transforms = transforms(&mut described, size, origin, unit);
    if unknown != UnknownAxes::default() {
        data.unknown.insert(setup, unknown);
    }
    for timepoint in &data.timepoints {
        let view = ViewKey { timepoint: *timepoint, setup };
        data.registrations.insert(view, transforms.clone());
    }
    data.setups.insert(setup, described);
}

/// The two transforms of a setup, and its voxel size.
fn transforms(
    setup: &mut Setup,
    size: [Option<f64>; 3],
    origin: [Option<f64>; 3],
    unit: WorldUnit,
) -> Vec<NamedAffine> {
    // Nothing known: voxels are the unit. Part known: the XML cannot leave the rest out.
    let measured = size.iter().any(Option::is_some);
    let [z, y, x] = size.map(|s| s.unwrap_or(1.0));
    let unit_name = if measured { "µm" } else { "pixel" };
    setup.voxel_size = Some(VoxelSize { unit: unit_name.to_owned(), size: [x, y, z] });
    let world = match unit {
        WorldUnit::Micrometre => 1.0,
        WorldUnit::Pixel => x,
    };
    let [oz, oy, ox] = origin.map(|o| o.unwrap_or(0.0) / world);
    let named = |name: &str, affine| NamedAffine { name: name.to_owned(), affine };
    vec![
        named("translation", Affine::translation([ox, oy, oz])),
        named("calibration", Affine::scaling([x / world, y / world, z / world])),
    ]
}
