//! What the XML says: setups, timepoints, missing views, registrations.

use std::collections::{BTreeMap, BTreeSet};

use hooke_core::meta::View;

use super::Affine;

/// A view: the number of its timepoint and of its setup, as the XML writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub struct ViewKey {
    pub timepoint: u64,
    pub setup: u64,
}

/// The content of a BigDataViewer XML.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpimData {
    /// Folder that relative paths count from, relative to the XML's own.
    pub base_path: String,
    /// Where the pixels are.
    pub loader: Loader,
    /// The setups, by id.
    pub setups: BTreeMap<u64, Setup>,
    /// Names of attribute values: `channel` to id to name.
    pub names: BTreeMap<String, BTreeMap<u64, String>>,
    /// The timepoints, ascending.
    pub timepoints: Vec<u64>,
    /// Views that were not recorded.
    pub missing: BTreeSet<ViewKey>,
    /// Transforms per view in document order; the first one applies last.
    pub registrations: BTreeMap<ViewKey, Vec<NamedAffine>>,
    /// Time between frames, which only Hooke writes.
    pub frame_interval_s: Option<f64>,
    /// Colours of channels, which only Hooke writes: channel id to `#RRGGBB`.
    pub colors: BTreeMap<u64, String>,
    /// Values that stand in the XML because it has no way to leave them out; only Hooke writes so.
    pub unknown: BTreeMap<u64, UnknownAxes>,
}

/// Axes of a setup (letters of `zyx`) whose values nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnknownAxes {
    /// Axes without a voxel size.
    pub voxel: String,
    /// Axes without a position.
    pub origin: String,
}

/// Where the pixels of a BigDataViewer XML are.
#[derive(Debug, Clone, PartialEq)]
pub enum Loader {
    /// One HDF5 file.
    Hdf5 {
        /// The path as written.
        path: String,
        /// Whether it counts from the base path.
        relative: bool,
    },
    /// One N5 container.
    N5 {
        /// The path as written.
        path: String,
        /// Whether it counts from the base path.
        relative: bool,
    },
    /// A folder of OME-Zarr images.
    Zarr {
        /// The path as written.
        path: String,
        /// Whether it counts from the base path.
        relative: bool,
        /// Where each view is.
        groups: Vec<ZarrGroup>,
    },
    /// BigStitcher's list of image files.
    Files(Vec<FileMapping>),
    /// Another format, by its name.
    Other(String),
}

impl Default for Loader {
    fn default() -> Loader {
        Loader::Other(String::new())
    }
}

/// One view of [`Loader::Zarr`].
#[derive(Debug, Clone, PartialEq)]
pub struct ZarrGroup {
    /// The view.
    pub view: ViewKey,
    /// The image's path in the folder.
    pub path: String,
    /// Its channel and its timepoint in the image, in this order.
    pub indices: [u64; 2],
}

/// One file of [`Loader::Files`].
#[derive(Debug, Clone, PartialEq)]
pub struct FileMapping {
    /// The view it holds.
    pub view: ViewKey,
    /// Index of the image in the file.
    pub series: usize,
    /// Channel of the file.
    pub channel: usize,
    /// The path as written.
    pub path: String,
    /// Whether it counts from the base path.
    pub relative: bool,
}

/// One view setup.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Setup {
    /// Its name.
    pub name: String,
    /// Lengths over `(x, y, z)`.
    pub size: Option<[u64; 3]>,
    /// Size of a voxel.
    pub voxel_size: Option<VoxelSize>,
    /// Its attributes: `channel`, `tile`, `angle`, `illumination` and others.
    pub attributes: BTreeMap<String, u64>,
}

/// Size of a voxel over `(x, y, z)`, in a unit as written.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct VoxelSize {
    pub unit: String,
    pub size: [f64; 3],
}

/// A transform with its name.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct NamedAffine {
    pub name: String,
    pub affine: Affine,
}

impl SpimData {
    /// The map from voxels to the world of a view: the product of its transforms in document order.
    pub fn model(&self, view: ViewKey) -> Option<Affine> {
        let transforms = self.registrations.get(&view)?;
        Some(transforms.iter().fold(Affine::IDENTITY, |m, t| m.after(&t.affine)))
    }

    /// The map of the first timepoint that has one.
    pub fn first_model(&self, setup: u64) -> Option<Affine> {
        self.timepoints.iter().find_map(|t| self.model(ViewKey { timepoint: *t, setup }))
    }

    /// The place of a setup among channels, tiles, angles and illuminations.
    pub fn view(&self, setup: u64) -> View {
        let attribute = |name: &str| {
            self.setups.get(&setup).and_then(|s| s.attributes.get(name)).copied().unwrap_or(0)
        };
        View {
            setup,
            channel: attribute("channel"),
            tile: attribute("tile"),
            angle: attribute("angle"),
            illumination: attribute("illumination"),
        }
    }
}

impl Setup {
    /// Size of a voxel in µm over `(z, y, x)`; `None` without a unit of length.
    pub fn voxel_size_um(&self) -> Option<[f64; 3]> {
        let voxel = self.voxel_size.as_ref()?;
        let um = length_um(&voxel.unit)?;
        let [x, y, z] = voxel.size.map(|s| s * um);
        [x, y, z].iter().all(|s| s.is_finite() && *s > 0.0).then_some([z, y, x])
    }
}

/// Micrometres in a unit as BigDataViewer files write it; `pixel` and the like are no length.
fn length_um(unit: &str) -> Option<f64> {
    Some(match unit.trim().replace('μ', "µ").as_str() {
        "µm" | "um" | "micron" | "microns" | "micrometer" | "micrometre" | "micrometers" => 1.0,
        "nm" | "nanometer" | "nanometre" | "nanometers" => 1e-3,
        "mm" | "millimeter" | "millimetre" | "millimeters" => 1e3,
        "cm" | "centimeter" => 1e4,
        "m" | "meter" | "metre" => 1e6,
        "Å" | "angstrom" => 1e-4,
        _ => return None,
    })
}
