//! What is known of one cell in one frame.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The borders of an image that a cell touches; as text any of `-x+x-y+y`, in that order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Edges {
    /// Left border.
    pub x_low: bool,
    /// Right border.
    pub x_high: bool,
    /// Upper border.
    pub y_low: bool,
    /// Lower border.
    pub y_high: bool,
}

impl Edges {
    /// In the order of the text: `-x`, `+x`, `-y`, `+y`.
    pub fn flags(self) -> [bool; 4] {
        [self.x_low, self.x_high, self.y_low, self.y_high]
    }

    /// Of flags in the order of the text.
    pub fn from_flags([x_low, x_high, y_low, y_high]: [bool; 4]) -> Self {
        Self { x_low, x_high, y_low, y_high }
    }

    /// Whether any border is touched.
    pub fn any(self) -> bool {
        self.flags().contains(&true)
    }
}

const EDGE_NAMES: [&str; 4] = ["-x", "+x", "-y", "+y"];

impl fmt::Display for Edges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let touched = self.flags().into_iter().zip(EDGE_NAMES).filter(|(flag, _)| *flag);
        touched.map(|(_, name)| name).try_for_each(|name| f.write_str(name))
    }
}

impl FromStr for Edges {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut flags = [false; 4];
        let mut rest = text;
        while !rest.is_empty() {
            let at = EDGE_NAMES
                .iter()
                .position(|name| rest.starts_with(name))
                .ok_or_else(|| format!("'{text}' is not made of -x, +x, -y and +y"))?;
            flags[at] = true;
            rest = &rest[2..];
        }
        Ok(Self::from_flags(flags))
    }
}

/// One cell in one frame. Poles are `(y, x)`; lengths are in pixels.
///
/// Two are equal when their bits are: NaN equals NaN here, so that "as before" can be tested.
#[derive(Debug, Clone)]
pub struct CellFeatures {
    /// The pole made by the last division.
    pub new_pole: [f32; 2],
    /// The other pole.
    pub old_pole: [f32; 2],
    /// From pole to pole.
    pub length: f32,
    /// Across.
    pub width: f32,
    /// In px².
    pub area: f32,
    /// Of the outline.
    pub perimeter: f32,
    /// Mean per fluorescence channel.
    pub fluo: Vec<f32>,
    /// Which borders of its image it touches.
    pub edges: Edges,
    /// Relative growth of the length, 1/frame; NaN where unknown.
    pub growthrate_length: f32,
    /// Relative growth of the area, 1/frame; NaN where unknown.
    pub growthrate_area: f32,
}

impl CellFeatures {
    /// A cell of which only the poles are known.
    pub fn at(old_pole: [f32; 2], new_pole: [f32; 2]) -> Self {
        Self {
            new_pole,
            old_pole,
            length: 0.0,
            width: 0.0,
            area: 0.0,
            perimeter: 0.0,
            fluo: Vec::new(),
            edges: Edges::default(),
            growthrate_length: f32::NAN,
            growthrate_area: f32::NAN,
        }
    }

    /// Takes the old pole for the new one and the other way round.
    pub fn swap_poles(&mut self) {
        std::mem::swap(&mut self.new_pole, &mut self.old_pole);
    }

    fn bits(&self) -> ([u32; 10], impl Iterator<Item = u32>, Edges) {
        let numbers = [
            self.new_pole[0],
            self.new_pole[1],
            self.old_pole[0],
            self.old_pole[1],
            self.length,
            self.width,
            self.area,
            self.perimeter,
            self.growthrate_length,
            self.growthrate_area,
        ];
        (numbers.map(f32::to_bits), self.fluo.iter().map(|v| v.to_bits()), self.edges)
    }
}

impl PartialEq for CellFeatures {
    fn eq(&self, other: &Self) -> bool {
        let (a, fluo_a, edges_a) = self.bits();
        let (b, fluo_b, edges_b) = other.bits();
        a == b && edges_a == edges_b && fluo_a.eq(fluo_b)
    }
}

/// What a growth rate is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrowthFeature {
    /// The length of a cell.
    Length,
    /// Its area.
    Area,
}

impl CellFeatures {
    /// The size that a growth rate is of.
    pub fn size(&self, feature: GrowthFeature) -> f32 {
        match feature {
            GrowthFeature::Length => self.length,
            GrowthFeature::Area => self.area,
        }
    }

    /// Where the growth rate of a feature is kept.
    pub fn growthrate_mut(&mut self, feature: GrowthFeature) -> &mut f32 {
        match feature {
            GrowthFeature::Length => &mut self.growthrate_length,
            GrowthFeature::Area => &mut self.growthrate_area,
        }
    }
}
