//! The options of `stitch align`, shared with `stitch run`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_core::Axis;
use hooke_workflows::stitch::{AlignOptions, InputOptions};

/// How candidates are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Search {
    /// Around the nominal position.
    Position,
    /// Along the pair's axis by a range of overlaps.
    Tiling,
}

/// Which projection is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Projection {
    /// The volume itself.
    None,
    /// Maximum along the pair's axis; that axis stays unmeasured.
    Pair,
    /// Three projections, median per axis.
    All,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Measure {
    /// Normalised cross-correlation.
    Ncc,
    /// Mean squared difference, whole voxels.
    Msd,
    /// Phase correlation.
    Phase,
}

/// Which pairs are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Links {
    /// Neighbours across a face of the grid.
    Faces,
    /// Every overlapping pair.
    All,
}

/// What the input is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// A quoted expression like 'tile_<Y,2>_<X,2>.tif', a table, a layout, an XML or a folder
    #[arg(value_name = "INPUT", help_heading = None::<&str>)]
    pub input: String,
    /// Voxel size z,y,x in um; overrides the files [default: from the files]
    #[arg(long, value_name = "AXES")]
    pub voxel_size: Option<String>,
    /// Nominal overlap in voxels, um or %, for grids without positions; negative for a gap
    #[arg(long, value_name = "AXES", allow_hyphen_values = true)]
    pub overlap: Option<String>,
    /// Channel to measure, index or name
    #[arg(long, value_name = "CHANNEL", default_value = "0")]
    pub channel: String,
    /// Fix a tag of the expression that is no grid axis; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    pub select: Vec<String>,
    /// Grid axis that runs against the image axis; repeatable
    #[arg(long, value_name = "AXIS", value_parser = axis)]
    pub flip: Vec<Axis>,
    /// Grid x runs along image y
    #[arg(long)]
    pub swap_xy: bool,
    /// From a layout, start at `nominal` or at placed `positions`
    #[arg(long, value_name = "WHICH", default_value = "nominal", value_parser = ["nominal", "positions"])]
    pub from: String,
    /// Use the translations of a rotated BigDataViewer XML alone
    #[arg(long)]
    pub ignore_rotation: bool,
    /// Unreadable and changed tiles are errors
    #[arg(long)]
    pub strict: bool,
}

/// How pairs are measured.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Measuring")]
pub struct MeasureArgs {
    /// Window for the shift about the nominal position, voxels, um or %
    #[arg(long, value_name = "RANGE", default_value = "10", allow_hyphen_values = true)]
    pub max_shift: String,
    /// Where candidates are searched
    #[arg(long, value_enum, value_name = "HOW", default_value = "position")]
    pub search: Search,
    /// With --search tiling: absolute overlaps to try along the pair's axis, voxels
    #[arg(long, value_name = "MIN:MAX", allow_hyphen_values = true)]
    pub overlap_range: Option<String>,
    /// Measure this component of the shift only [default: all]
    #[arg(long, value_name = "AXIS", value_parser = axis)]
    pub axis: Option<Axis>,
    /// Measure projections instead of the volume
    #[arg(long, value_enum, value_name = "WHICH", default_value = "none")]
    pub projection: Projection,
    /// Thickness that is projected, voxels [default: overlap + max-shift]
    #[arg(long, value_name = "AXES")]
    pub depth: Option<String>,
    /// Use only this part of the overlap, layout voxels
    #[arg(long, value_name = "BOX", allow_hyphen_values = true)]
    pub range: Option<String>,
    /// A pair has signal if both sides hold N voxels >= LEVEL: LEVEL, LEVEL,N or LEVEL,P% [default: auto]
    #[arg(long, value_name = "LEVEL")]
    pub background: Option<String>,
    /// Clip grey levels first: HI or LO:HI
    #[arg(long, value_name = "LEVELS")]
    pub clip: Option<String>,
    /// With --measure msd: subtract the mean, divide by the norm
    #[arg(long)]
    pub normalize: bool,
    /// What is compared
    #[arg(long, value_enum, value_name = "HOW", default_value = "ncc")]
    pub measure: Measure,
    /// Fractions of a voxel (the default for ncc and phase)
    #[arg(long, overrides_with = "no_subpixel")]
    pub subpixel: bool,
    /// Whole voxels only
    #[arg(long)]
    pub no_subpixel: bool,
    /// Fraction of the nominal overlap that a candidate must keep [default: 0.25, msd: 0]
    #[arg(long, value_name = "FRACTION")]
    pub min_overlap: Option<f64>,
    /// Which pairs are measured
    #[arg(long, value_enum, value_name = "WHICH", default_value = "faces")]
    pub links: Links,
    /// Candidates kept per pair
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub peaks: usize,
    /// Flat field, an image that every plane is divided by (also in fuse)
    #[arg(long, value_name = "IMAGE")]
    pub flat: Option<PathBuf>,
    /// Dark image, subtracted from every plane (also in fuse)
    #[arg(long, value_name = "IMAGE")]
    pub dark: Option<PathBuf>,
}

/// Reads `z`, `y` or `x`.
pub fn axis(text: &str) -> Result<Axis, String> {
    let mut letters = text.chars();
    let axis = letters.next().and_then(Axis::from_letter).filter(|a| Axis::SPACE.contains(a));
    axis.filter(|_| letters.next().is_none()).ok_or_else(|| "expected z, y or x".to_owned())
}

impl InputArgs {
    /// As the workflow takes them.
    pub fn to_options(&self) -> InputOptions {
        InputOptions {
            input: self.input.clone(),
            voxel_size: self.voxel_size.clone(),
            overlap: self.overlap.clone(),
            channel: self.channel.clone(),
            select: self.select.clone(),
            flip: self.flip.clone(),
            swap_xy: self.swap_xy,
            from_positions: self.from == "positions",
            ignore_rotation: self.ignore_rotation,
            strict: self.strict,
        }
    }
}

impl MeasureArgs {
    /// As the workflow takes them.
    pub fn to_options(&self, input: InputOptions) -> AlignOptions {
        AlignOptions {
            input,
            max_shift: self.max_shift.clone(),
            search: word(self.search),
            overlap_range: self.overlap_range.clone(),
            axis: self.axis,
            projection: word(self.projection),
            depth: self.depth.clone(),
            range: self.range.clone(),
            background: self.background.clone(),
            clip: self.clip.clone(),
            normalize: self.normalize,
            measure: word(self.measure),
            subpixel: !self.no_subpixel,
            min_overlap: self.min_overlap,
            links: word(self.links),
            peaks: self.peaks,
            flat: self.flat.clone(),
            dark: self.dark.clone(),
        }
    }
}

/// The word of the command line for a choice.
pub fn word<E: ValueEnum>(choice: E) -> String {
    choice.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
}
