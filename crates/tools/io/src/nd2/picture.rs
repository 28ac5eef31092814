//! What is known about pixels, channels, voxel size and the stage.

use std::path::Path;

use hooke_core::{Channel, Dtype};

use super::node::Node;
use crate::{Error, Result};

/// How the samples of a frame lie.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attributes {
    pub width: u64,
    pub height: u64,
    /// Samples per pixel, side by side.
    pub components: u64,
    pub dtype: Dtype,
    pub significant_bits: u32,
    /// Bytes from one row to the next.
    pub row_bytes: u64,
    /// Frames that were acquired, where it is said.
    pub frames: Option<u64>,
    /// Whether frames are packed by zlib.
    pub packed: bool,
}

/// An edge longer than this is a lie; cameras have a few thousand pixels, mosaics a few 100,000.
const LONGEST_EDGE: u64 = 1 << 24;
const MOST_COMPONENTS: u64 = 4096;
/// Zlib packs no better than this.
const MOST_PACKED: u64 = 1032;

impl Attributes {
    pub fn read(path: &Path, node: &Node) -> Result<Attributes> {
        let number = |name: &str| {
            let found = node.count_of(name);
            found.ok_or_else(|| Error::metadata(path, format!("the attributes lack {name}")))
        };
        let (width, height, components) =
            (number("uiWidth")?, number("uiHeight")?, number("uiComp")?);
        let bounded = |n: u64, most: u64| (1..=most).contains(&n);
        if !bounded(width, LONGEST_EDGE)
            || !bounded(height, LONGEST_EDGE)
            || !bounded(components, MOST_COMPONENTS)
        {
            let what = format!("{width} x {height} pixels of {components} components");
            return Err(Error::metadata(path, what));
        }
        let whole = node.count_of("ePixelType") == Some(1);
        let dtype = match number("uiBpcInMemory")? {
            8 => Dtype::Uint8,
            16 => Dtype::Uint16,
            32 if whole => Dtype::Uint32,
            32 => Dtype::Float32,
            other => return Err(Error::unsupported(path, format!("{other} bits per sample"), "")),
        };
        let packed = match node.count_of("eCompression") {
            Some(0) => true,
            Some(1) => {
                let hint = "save it without compression, or losslessly, in NIS-Elements";
                return Err(Error::unsupported(path, "ND2 with lossy compression", hint));
            }
            _ => false,
        };
        let tight = width * components * dtype.size() as u64;
        let row_bytes = node.count_of("uiWidthBytes").filter(|n| *n > 0).unwrap_or(tight);
        if row_bytes < tight || row_bytes > 2 * tight + 4096 {
            let what = format!("rows of {row_bytes} bytes for {tight} bytes of samples");
            return Err(Error::metadata(path, what));
        }
        let full = 8 * dtype.size() as u32;
        let significant = node.count_of("uiBpcSignificant").and_then(|n| u32::try_from(n).ok());
        Ok(Attributes {
            width,
            height,
            components,
            dtype,
            significant_bits: significant.filter(|n| (1..=full).contains(n)).unwrap_or(full),
            row_bytes,
            frames: node.count_of("uiSequenceCount"),
            packed,
        })
    }

    /// Refuses frames that are larger than the file can hold, before memory is taken for one.
    pub fn check_size(&self, path: &Path, file: u64, has_frames: bool) -> Result<()> {
        let most = if self.packed { file.saturating_mul(MOST_PACKED) } else { file };
        let frame = self.frame_bytes();
        if has_frames && frame > most {
            let what = format!("frames of {frame} bytes in a file of {file}");
            return Err(Error::metadata(path, what));
        }
        Ok(())
    }

    /// Bytes of samples in one row.
    pub fn tight_row(&self) -> u64 {
        self.width * self.components * self.dtype.size() as u64
    }

    /// Bytes of one frame, without what follows the last row.
    pub fn frame_bytes(&self) -> u64 {
        self.row_bytes * (self.height - 1) + self.tight_row()
    }
}

/// Size of a pixel in µm, the same along y and x; `None` for uncalibrated images.
pub(super) fn pixel_um(picture: Option<&Node>, calibration: Option<&Node>) -> Option<f64> {
    let of = |node: Option<&Node>| node.and_then(|n| n.positive("dCalibration"));
    of(picture).or_else(|| of(calibration))
}

/// Where the stage stood, in µm as it counts; `x, y, z`.
pub(super) fn stage(picture: &Node) -> Option<[f64; 3]> {
    let at = |name: &str| picture.number_of(name);
    Some([at("dXPos")?, at("dYPos")?, at("dZPos").unwrap_or(0.0)])
}

/// The turn from the stage's `x, y` to the image's `x, y`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StageTurn {
    rows: [[f64; 2]; 2],
    /// Whether nothing in the file says so: Nikon's usual, x reversed.
    pub assumed: bool,
}

impl StageTurn {
    /// From the camera's matrix, where that is a turn by quarters or a mirror, within 5 %.
    pub fn read(picture: Option<&Node>) -> StageTurn {
        let names = [["dStgLgCT11", "dStgLgCT12"], ["dStgLgCT21", "dStgLgCT22"]];
        let value = |name: &str| picture.and_then(|p| p.number_of(name)).unwrap_or(0.0);
        // The file has the way from the camera to the stage; its transpose is the way back.
        let rows = [0, 1].map(|i| {
            [0, 1].map(|j| {
                let v = value(names[j][i]);
                if (v.abs() - 1.0).abs() <= 0.05 {
                    v.signum()
                } else if v.abs() <= 0.05 {
                    0.0
                } else {
                    f64::NAN
                }
            })
        });
        let determinant = rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0];
        // One nonzero value in each row and column.
        let turn = determinant.abs() == 1.0 && rows.iter().all(|r| r[0] * r[1] == 0.0);
        if turn {
            StageTurn { rows, assumed: false }
        } else {
            StageTurn { rows: [[-1.0, 0.0], [0.0, 1.0]], assumed: true }
        }
    }

    /// The image's `[x, y]` of a place of the stage.
    pub fn image(&self, x: f64, y: f64) -> [f64; 2] {
        // No negative zeros: they would be printed.
        self.rows.map(|r| r[0] * x + r[1] * y + 0.0)
    }
}

/// Names, colours and wavelengths of the components of a frame.
pub(super) fn channels(picture: &Node, components: u64) -> Vec<Channel> {
    let planes = picture.get("sPicturePlanes");
    let list = planes.and_then(|p| p.get("sPlaneNew").or_else(|| p.get("sPlane")));
    let mut channels = Vec::new();
    for (_, plane) in list.into_iter().flat_map(Node::children) {
        let own = plane.count_of("uiCompCount").unwrap_or(1).clamp(1, 3);
        for component in 0..own {
            let name = plane.get("sDescription").and_then(Node::text).filter(|n| !n.is_empty());
            let (suffix, primary) = match (own, component) {
                (1, _) => ("", None),
                (_, 0) => (" red", Some("#FF0000")),
                (_, 1) => (" green", Some("#00FF00")),
                _ => (" blue", Some("#0000FF")),
            };
            channels.push(Channel {
                name: name.map(|n| format!("{n}{suffix}")),
                color: primary.map(str::to_owned).or_else(|| plane.count_of("uiColor").map(color)),
                excitation_nm: wavelength(plane, "m_ExcitationSpectrum"),
                emission_nm: wavelength(plane, "m_EmissionSpectrum"),
            });
        }
    }
    if channels.len() as u64 == components { channels } else { Vec::new() }
}

/// Blue, green, red from the highest byte to the lowest.
fn color(bgr: u64) -> String {
    format!("#{:02X}{:02X}{:02X}", bgr & 255, bgr >> 8 & 255, bgr >> 16 & 255)
}

fn wavelength(plane: &Node, spectrum: &str) -> Option<f64> {
    let filters = plane.at(&["pFilterPath", "m_pFilter"])?;
    let mut found = filters.children().filter_map(|(_, filter)| {
        let points = filter.at(&[spectrum, "pPoint"])?;
        points.children().find_map(|(_, point)| point.positive("dWavelength"))
    });
    found.next()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn matrix(m: [[f64; 2]; 2]) -> Node {
        let name = |i: usize, j: usize| format!("dStgLgCT{}{}", i + 1, j + 1);
        let cells = [(0, 0), (0, 1), (1, 0), (1, 1)];
        Node::List(cells.map(|(i, j)| (name(i, j), Node::Float(m[i][j]))).into())
    }

    #[test]
    fn the_camera_matrix_turns_the_stage_or_is_assumed() {
        let turned = StageTurn::read(Some(&matrix([[0.0003, -0.99], [1.01, 0.0003]])));
        assert!(!turned.assumed);
        assert_eq!(turned.image(10.0, 3.0), [3.0, -10.0]);
        for odd in [
            matrix([[0.7, -0.7], [0.7, 0.7]]),
            matrix([[0.0, 0.0], [0.0, 0.0]]),
            matrix([[1.0, 1.0], [0.0, 1.0]]),
        ] {
            let assumed = StageTurn::read(Some(&odd));
            assert!(assumed.assumed);
            assert_eq!(assumed.image(10.0, 3.0), [-10.0, 3.0]);
        }
        assert!(StageTurn::read(None).assumed);
    }

    #[test]
    fn lying_attributes_are_refused() {
        let node = |values: &[(&str, u64)]| {
            Node::List(values.iter().map(|(n, v)| ((*n).to_owned(), Node::Uint(*v))).collect())
        };
        let good = [
            ("uiWidth", 10),
            ("uiHeight", 4),
            ("uiComp", 2),
            ("uiBpcInMemory", 16),
            ("uiWidthBytes", 48),
        ];
        let read = |values: &[(&str, u64)]| Attributes::read(Path::new("a.nd2"), &node(values));
        let attributes = read(&good).unwrap();
        assert_eq!((attributes.tight_row(), attributes.frame_bytes()), (40, 3 * 48 + 40));
        for (i, wrong) in [(0, 0), (1, 1 << 40), (2, 1 << 20), (3, 12), (4, 39), (4, 1 << 30)] {
            let mut values = good;
            values[i].1 = wrong;
            assert!(read(&values).is_err(), "{} = {wrong}", values[i].0);
        }
        assert!(read(&good[..3]).unwrap_err().to_string().contains("uiBpcInMemory"));
    }
}
