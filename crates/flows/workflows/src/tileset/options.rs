//! What a user says about a tile set, as typed.

use std::path::{Path, PathBuf};

use hooke_tileset::positions::StageAxes;
use serde::{Deserialize, Serialize};

use super::error::SetError;
pub(super) use crate::options::absolute;
use crate::options::{Lengths, Span, read_option};

/// What a user says about a tile set, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SetOptions {
    /// A container, a table, a layout, a folder, or a list of files.
    pub input: Vec<String>,
    /// Positions that override those of the input.
    pub positions: Option<PathBuf>,
    /// Voxel size in µm; overrides the files.
    pub voxel_size: Option<String>,
    /// Which image axis each stage axis drives, and its sign.
    pub stage_axes: Option<String>,
    /// Steps in voxels.
    pub downscale: Option<String>,
    /// The tiles to take.
    pub tiles: Option<String>,
    /// Axes of every tile to reverse.
    pub flip: Option<String>,
    /// Index or name of the channel.
    pub channel: String,
    /// Index of the frame.
    pub t: u64,
    /// What the stored dimensions are, in stored order.
    pub axes: Option<String>,
    /// Whether rotations of a BDV XML are dropped.
    pub ignore_rotation: bool,
}

impl Default for SetOptions {
    fn default() -> SetOptions {
        SetOptions {
            input: Vec::new(),
            positions: None,
            voxel_size: None,
            stage_axes: None,
            downscale: None,
            tiles: None,
            flip: None,
            channel: "0".to_owned(),
            t: 0,
            axes: None,
            ignore_rotation: false,
        }
    }
}

impl SetOptions {
    /// The same with absolute paths.
    #[must_use]
    pub fn absolute(mut self) -> SetOptions {
        let text = |p: &Path| absolute(p).to_string_lossy().into_owned();
        self.input.iter_mut().for_each(|i| *i = text(Path::new(i)));
        self.positions = self.positions.map(|p| absolute(&p));
        self
    }

    /// Options about how positions, sizes and voxels are read, for another input.
    #[must_use]
    pub fn of(&self, input: Vec<String>) -> SetOptions {
        SetOptions { input, ..self.clone() }
    }

    /// The given voxel size per axis.
    pub(super) fn given_voxel(&self) -> Result<[Option<f64>; 3], SetError> {
        let Some(text) = &self.voxel_size else { return Ok([None; 3]) };
        voxel_size(text)
    }

    pub(super) fn step(&self) -> Result<[u64; 3], SetError> {
        let Some(text) = &self.downscale else { return Ok([1; 3]) };
        let step =
            read_option::<Lengths>("downscale", text)?.whole(1).map_err(|e| e.of("downscale"))?;
        match step.iter().all(|s| (1..=1 << 20).contains(s)) {
            true => Ok(step),
            false => Err(SetError::usage(
                format!("--downscale `{text}` is no step"),
                "write whole numbers from 1, like 1,2,2",
            )),
        }
    }

    pub(super) fn reversed(&self) -> Result<[bool; 3], SetError> {
        let mut axes = [false; 3];
        for word in self.flip.iter().flat_map(|f| f.split(',')).map(str::trim) {
            let Some(d) = ["z", "y", "x"].iter().position(|a| *a == word) else {
                let what = format!("--flip `{word}` is no axis");
                return Err(SetError::usage(what, "write z, y or x, several with commas"));
            };
            axes[d] = true;
        }
        Ok(axes)
    }

    pub(super) fn stage(&self) -> Result<Option<StageAxes>, SetError> {
        Ok(self.stage_axes.as_deref().map(StageAxes::parse).transpose()?)
    }

    /// The tiles to take of `n`, in the order given.
    pub(super) fn chosen(&self, n: usize) -> Result<Vec<usize>, SetError> {
        let Some(text) = &self.tiles else { return Ok((0..n).collect()) };
        let mut chosen = Vec::new();
        for word in text.split(',') {
            let span: Span = read_option("tiles", word)?;
            let (low, high, step) = span.of_length(n as u64);
            if low >= high {
                return Err(SetError::usage(
                    format!("--tiles `{word}` names no tile; there are {n}, counted from 0"),
                    "write tiles and ranges like 0,3,5:8; the end is not included",
                ));
            }
            chosen.extend((low..high).step_by(step as usize).map(|i| i as usize));
        }
        let mut sorted = chosen.clone();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|w| w[0] == w[1]) {
            let what = format!("--tiles `{text}` names tile {} twice", twice[0]);
            return Err(SetError::usage(what, "name each tile once"));
        }
        Ok(chosen)
    }
}

/// A voxel size in µm as typed.
pub(super) fn voxel_size(text: &str) -> Result<[Option<f64>; 3], SetError> {
    let sizes =
        read_option::<Lengths>("voxel-size", text)?.plain().map_err(|e| e.of("voxel-size"))?;
    match sizes.iter().flatten().all(|s| *s > 0.0) {
        true => Ok(sizes),
        false => Err(SetError::usage(
            format!("--voxel-size `{text}` is not positive"),
            "write sizes in micrometres over z,y,x, like 1,0.25,0.25",
        )),
    }
}

/// Three numbers over `z, y, x`; axes that are not named get `missing`.
pub(super) fn triple(option: &'static str, text: &str, missing: f64) -> Result<[f64; 3], SetError> {
    let numbers = read_option::<Lengths>(option, text)?.plain().map_err(|e| e.of(option))?;
    Ok(numbers.map(|n| n.unwrap_or(missing)))
}

/// Two finite numbers `LO,HI`.
pub(crate) fn numbers(option: &str, text: &str) -> Result<(f64, f64), SetError> {
    let bad = || SetError::usage(format!("--{option} `{text}` is no range"), "write LO,HI");
    let (low, high) = text.split_once(',').ok_or_else(bad)?;
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(bad);
    Ok((number(low)?, number(high)?))
}

/// A range `LO,HI` that is not empty.
pub(super) fn range(option: &str, text: &str) -> Result<(f64, f64), SetError> {
    let (low, high) = numbers(option, text)?;
    match low < high {
        true => Ok((low, high)),
        false => Err(hooke_tileset::TilesetError::EmptyRange { low, high }.into()),
    }
}
