//! What to simulate.

use serde::{Deserialize, Serialize};

use crate::LineageError;

/// How cells grow and divide. Lengths in pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CellParams {
    /// Mean width.
    pub width: f64,
    /// Standard deviation of widths over their mean.
    pub width_cv: f64,
    /// Mean length at division; what a cell adds between two divisions is half of it.
    pub division_length: f64,
    /// Standard deviation of the added length over its mean.
    pub adder_cv: f64,
    /// Standard deviation of the part of the length that one daughter gets; the mean is a half.
    pub split_sd: f64,
    /// Standard deviation of growth rates over their mean.
    pub growth_cv: f64,
    /// Room between cells.
    pub gap: f64,
}

impl Default for CellParams {
    fn default() -> Self {
        Self {
            width: 8.0,
            width_cv: 0.03,
            division_length: 34.0,
            adder_cv: 0.12,
            split_sd: 0.03,
            growth_cv: 0.05,
            gap: 0.5,
        }
    }
}

/// How cells look. Amounts of light are parts of the background's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpticsParams {
    /// Grey level of the background.
    pub background: f64,
    /// Shot noise: its standard deviation at the background's level.
    pub noise: f64,
    /// Standard deviation of the read-out, grey levels.
    pub read_noise: f64,
    /// Sigma of the point-spread function, pixels.
    pub psf: f64,
    /// How much darker the middle of a cell is.
    pub contrast: f64,
    /// How bright the halo is.
    pub halo: f64,
    /// Sigma of the halo, pixels.
    pub halo_width: f64,
    /// By what part of its mean the light changes from corner to corner.
    pub gradient: f64,
    /// Light through the walls between the channels of a mother machine.
    pub wall: f64,
    /// Mean grey level of a cell in a fluorescence channel.
    pub fluo_level: f64,
    /// Standard deviation of these levels over their mean.
    pub fluo_cv: f64,
    /// Grey level of a fluorescence channel without cells.
    pub fluo_offset: f64,
}

impl Default for OpticsParams {
    fn default() -> Self {
        Self {
            background: 12_000.0,
            noise: 0.02,
            read_noise: 40.0,
            psf: 1.2,
            contrast: 0.5,
            halo: 0.8,
            halo_width: 4.0,
            gradient: 0.1,
            wall: 0.55,
            fluo_level: 3000.0,
            fluo_cv: 0.2,
            fluo_offset: 200.0,
        }
    }
}

/// Where cells leave a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SimOpenEnd {
    /// At small y.
    Top,
    /// At large y.
    Bottom,
}

/// A movie of channels that are closed at one end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MotherMachineParams {
    /// Seed of everything random.
    pub seed: u64,
    /// Number of the position; every position has its own cells.
    pub position: u32,
    /// Number of frames.
    pub frames: u32,
    /// Number of channels.
    pub channels: u16,
    /// How many of them are empty.
    pub empty_channels: u16,
    /// Length of a channel, pixels.
    pub channel_length: f64,
    /// Width of a channel, pixels.
    pub channel_width: f64,
    /// From the middle of one channel to that of the next, pixels.
    pub channel_spacing: f64,
    /// Where cells leave.
    pub open_end: SimOpenEnd,
    /// Mean growth rate, 1/frame.
    pub growth: f64,
    /// Standard deviation of the stage's step between frames along each axis, pixels.
    pub drift: f64,
    /// The rotation that levels the images, degrees, counter-clockwise on the screen.
    pub rotation: f64,
    /// Specks that are no cells.
    pub debris: u32,
    /// Fluorescence channels.
    pub fluo: u16,
    /// Growth, division and size.
    pub cells: CellParams,
    /// The look.
    pub optics: OpticsParams,
}

impl Default for MotherMachineParams {
    fn default() -> Self {
        Self {
            seed: 0,
            position: 0,
            frames: 60,
            channels: 8,
            empty_channels: 1,
            channel_length: 200.0,
            channel_width: 16.0,
            channel_spacing: 38.0,
            open_end: SimOpenEnd::Bottom,
            growth: 0.03,
            drift: 1.0,
            rotation: 0.0,
            debris: 0,
            fluo: 1,
            cells: CellParams::default(),
            optics: OpticsParams::default(),
        }
    }
}

/// A movie of cells on a pad.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColonyParams {
    /// Seed of everything random.
    pub seed: u64,
    /// Number of the position; every position has its own cells.
    pub position: u32,
    /// Number of frames.
    pub frames: u32,
    /// Cells in the first frame.
    pub founders: u32,
    /// Height and width of the image, pixels.
    pub size: usize,
    /// Growth ends when there are so many cells.
    pub max_cells: u32,
    /// Mean growth rate, 1/frame.
    pub growth: f64,
    /// By what angle pressed cells bend at most, radians from end to end; 0 keeps them straight.
    pub bend: f64,
    /// Standard deviation of the angle by which daughters turn at birth, radians.
    pub kick: f64,
    /// Standard deviation of the stage's step between frames along each axis, pixels.
    pub drift: f64,
    /// The rotation that levels the images, degrees, counter-clockwise on the screen.
    pub rotation: f64,
    /// Specks that are no cells.
    pub debris: u32,
    /// Fluorescence channels.
    pub fluo: u16,
    /// Growth, division and size.
    pub cells: CellParams,
    /// The look.
    pub optics: OpticsParams,
}

impl Default for ColonyParams {
    fn default() -> Self {
        Self {
            seed: 0,
            position: 0,
            frames: 60,
            founders: 2,
            size: 512,
            max_cells: 200,
            growth: 0.05,
            bend: 0.25,
            kick: 0.06,
            drift: 0.0,
            rotation: 0.0,
            debris: 0,
            fluo: 1,
            cells: CellParams::default(),
            optics: OpticsParams::default(),
        }
    }
}

/// A range that a parameter must be in.
type Check = (&'static str, f64, f64, f64);

fn check(checks: &[Check]) -> Result<(), LineageError> {
    match checks.iter().find(|(_, v, low, high)| !(*low..=*high).contains(v)) {
        Some((name, value, low, high)) => Err(LineageError::Parameter {
            name,
            reason: format!("{value} is not within {low} and {high}"),
        }),
        None => Ok(()),
    }
}

impl CellParams {
    fn checks(&self) -> Vec<Check> {
        vec![
            ("width", self.width, 2.0, 200.0),
            ("width-cv", self.width_cv, 0.0, 0.2),
            // Daughters that are shorter than wide have no sides.
            ("division-length", self.division_length, 3.0 * self.width, 5000.0),
            ("adder-cv", self.adder_cv, 0.0, 0.3),
            ("split-sd", self.split_sd, 0.0, 0.06),
            ("growth-cv", self.growth_cv, 0.0, 0.3),
            ("gap", self.gap, 0.0, 50.0),
        ]
    }
}

impl OpticsParams {
    fn checks(&self) -> Vec<Check> {
        vec![
            ("background", self.background, 1.0, 65_535.0),
            ("noise", self.noise, 0.0, 1.0),
            ("read-noise", self.read_noise, 0.0, 65_535.0),
            ("psf", self.psf, 0.0, 50.0),
            ("contrast", self.contrast, 0.0, 1.0),
            ("halo", self.halo, 0.0, 10.0),
            ("halo-width", self.halo_width, 0.0, 100.0),
            ("gradient", self.gradient, 0.0, 1.0),
            ("wall", self.wall, 0.0, 10.0),
            ("fluo-level", self.fluo_level, 0.0, 65_535.0),
            ("fluo-cv", self.fluo_cv, 0.0, 1.0),
            ("fluo-offset", self.fluo_offset, 0.0, 65_535.0),
        ]
    }
}

impl MotherMachineParams {
    /// Checks every value.
    ///
    /// # Errors
    /// [`LineageError::Parameter`] names the first that is outside its range.
    pub fn validate(&self) -> Result<(), LineageError> {
        let widest = self.cells.width * (1.0 + 3.0 * self.cells.width_cv);
        check(&self.cells.checks())?;
        check(&self.optics.checks())?;
        check(&[
            ("frames", f64::from(self.frames), 1.0, 1e6),
            ("channels", f64::from(self.channels), 1.0, 1000.0),
            ("empty-channels", f64::from(self.empty_channels), 0.0, f64::from(self.channels)),
            ("channel-length", self.channel_length, self.cells.division_length, 5000.0),
            ("channel-width", self.channel_width, widest, 500.0),
            ("channel-spacing", self.channel_spacing, self.channel_width + 2.0, 1000.0),
            ("growth", self.growth, 0.0, 0.5),
            ("drift", self.drift, 0.0, 100.0),
            ("rotation", self.rotation, -45.0, 45.0),
            ("debris", f64::from(self.debris), 0.0, 1e5),
            ("fluo", f64::from(self.fluo), 0.0, 100.0),
        ])
    }
}

impl ColonyParams {
    /// Checks every value.
    ///
    /// # Errors
    /// [`LineageError::Parameter`] names the first that is outside its range.
    pub fn validate(&self) -> Result<(), LineageError> {
        check(&self.cells.checks())?;
        check(&self.optics.checks())?;
        check(&[
            ("frames", f64::from(self.frames), 1.0, 1e6),
            ("founders", f64::from(self.founders), 1.0, 1000.0),
            ("size", self.size as f64, 2.0 * self.cells.division_length, 10_000.0),
            ("max-cells", f64::from(self.max_cells), 1.0, 1e5),
            ("growth", self.growth, 0.0, 0.5),
            ("bend", self.bend, 0.0, 1.0),
            ("kick", self.kick, 0.0, 1.0),
            ("drift", self.drift, 0.0, 100.0),
            ("rotation", self.rotation, -180.0, 180.0),
            ("debris", f64::from(self.debris), 0.0, 1e5),
            ("fluo", f64::from(self.fluo), 0.0, 100.0),
        ])
    }
}
