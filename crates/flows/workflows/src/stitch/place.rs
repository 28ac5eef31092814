//! `hooke stitch place`: positions from measured displacements; reads no image.

use std::path::{Path, PathBuf};

use hooke_core::image::SourceError;
use hooke_core::plan::{Block, OutputSpec, Plan, Stage};
use hooke_core::provenance::Warning;
use hooke_core::{Axis, Budget};
use hooke_stitch::Layout;
use hooke_stitch::layout::MinQuality;
use hooke_stitch::place::{FixedTile, PlaceMethod, PlaceOrigin, PlaceParams, place};
use serde::{Deserialize, Serialize};

use super::error::StitchError;
use super::files::{folder_of, move_paths, open_layout};
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Planned, Registered, RunBlock, Summary, WorkDir,
    Workflow, stamp_input,
};
use crate::options::{Lengths, read_option};

/// How positions are found, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaceOptions {
    /// `robust`, `optimization` or `tree`.
    pub method: String,
    /// `Q` or `MIN:MAX`.
    pub min_quality: Option<String>,
    /// The only axis to solve.
    pub axis: Option<Axis>,
    /// A tile's id or `auto`.
    pub fixed_tile: String,
    /// Whole voxels.
    pub round: bool,
    /// `zero` or `keep`.
    pub origin: String,
    /// Standard deviation of the stage.
    pub stage_sigma: Option<String>,
    /// Tiles whose links are left out.
    pub drop_tile: Vec<usize>,
    /// Links that are left out, `I,J`.
    pub drop_pair: Vec<String>,
    /// Whether other peaks of a link may be chosen.
    pub use_candidates: bool,
}

/// Reads `Q` or `MIN:MAX`.
///
/// # Errors
/// When it is neither.
pub fn parse_min_quality(text: &str) -> Result<MinQuality, StitchError> {
    let refuse = || {
        StitchError::usage(
            format!("--min-quality `{text}` is no quality"),
            "write Q or MIN:MAX, like 0.5 or -200:-10",
        )
    };
    let number =
        |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(refuse);
    match text.split_once(':') {
        Some((min, max)) => Ok(MinQuality::Between(number(min)?, number(max)?)),
        None => Ok(MinQuality::Above(number(text)?)),
    }
}

impl PlaceOptions {
    /// The method's parameters.
    ///
    /// # Errors
    /// When a text is no value, or the method refuses it.
    pub fn params(&self, layout: &Layout) -> Result<PlaceParams, StitchError> {
        let voxel = layout.voxel_size_um.map_or([1.0; 3], |v| v.zyx());
        let shape = layout.tiles.first().map_or([1; 3], |t| t.shape);
        let stage_sigma = match &self.stage_sigma {
            Some(text) => Some(read_option::<Lengths>("stage-sigma", text)?.voxels(shape, voxel)),
            None => None,
        };
        let params = PlaceParams {
            method: match self.method.as_str() {
                "optimization" => PlaceMethod::Optimization,
                "tree" => PlaceMethod::Tree,
                _ => PlaceMethod::Robust,
            },
            min_quality: self.min_quality.as_deref().map(parse_min_quality).transpose()?,
            axis: self.axis,
            fixed_tile: self.fixed_tile()?,
            round: self.round,
            origin: if self.origin == "zero" { PlaceOrigin::Zero } else { PlaceOrigin::Keep },
            stage_sigma,
            drop_tiles: self.drop_tile.clone(),
            drop_pairs: self.drop_pair.iter().map(|p| parse_pair(p)).collect::<Result<_, _>>()?,
            ignore_candidates: !self.use_candidates,
        };
        params.validate().map_err(|e| StitchError::Parameters(e.to_string()))?;
        Ok(params)
    }

    fn fixed_tile(&self) -> Result<FixedTile, StitchError> {
        match self.fixed_tile.as_str() {
            "auto" => Ok(FixedTile::Auto),
            id => id.parse().map(FixedTile::Id).map_err(|_| {
                let what = format!("--fixed-tile `{id}` is no tile");
                StitchError::usage(what, "write a tile's id, a number from 0, or auto")
            }),
        }
    }
}

/// Reads `I,J`.
///
/// # Errors
/// When it is not two ids.
pub fn parse_pair(text: &str) -> Result<[usize; 2], StitchError> {
    let refuse = || {
        StitchError::usage(format!("`{text}` is no pair of tiles"), "write two tile ids, like 0,1")
    };
    let (a, b) = text.split_once(',').ok_or_else(refuse)?;
    let id = |t: &str| t.trim().parse::<usize>().map_err(|_| refuse());
    Ok([id(a)?, id(b)?])
}

/// Places a layout, and says in its warnings what a user should look at.
///
/// # Errors
/// When the method refuses the parameters or the layout.
pub fn place_layout(layout: &mut Layout, options: &PlaceOptions) -> Result<(), StitchError> {
    let params = options.params(layout)?;
    place(layout, &params).map_err(|e| StitchError::Parameters(e.to_string()))
}

/// Everything that decides the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    #[serde(flatten)]
    options: PlaceOptions,
    input: PathBuf,
    output: PathBuf,
}

/// The workflow: one step, since all positions are solved together.
pub struct PlaceWorkflow {
    parameters: Parameters,
    layout: Layout,
}

const FILE: &str = "placed.json";

impl PlaceWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "stitch place",
        results_version: 1,
        open: |plan| {
            let p: Parameters = serde_json::from_value(plan.parameters.clone())?;
            Ok(Box::new(PlaceWorkflow::new(p.options, &p.input, &p.output)?))
        },
    };

    /// Reads the layout, whose paths then start at the output's folder.
    ///
    /// # Errors
    /// When the layout cannot be read, or an option is no value.
    pub fn new(
        options: PlaceOptions,
        input: &Path,
        output: &Path,
    ) -> Result<PlaceWorkflow, StitchError> {
        let absolute = |p: &Path| std::path::absolute(p).unwrap_or_else(|_| p.to_owned());
        let (input, output) = (absolute(input), absolute(output));
        let mut layout = open_layout(&input)?;
        options.params(&layout)?;
        move_paths(&mut layout, &folder_of(&input), &folder_of(&output));
        Ok(PlaceWorkflow { parameters: Parameters { options, input, output }, layout })
    }
}

impl Workflow for PlaceWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let numbers = (self.layout.tiles.len() + self.layout.pairs.len()) as u64;
        let output = OutputSpec::file(self.parameters.output.clone(), 2048 * numbers);
        let planned = Planned {
            stages: vec![Stage::one("place", &[], (1 << 20) + 8192 * numbers)],
            outputs: vec![output],
            work_bytes: 2048 * numbers,
        };
        planned.into_plan(
            &PlaceWorkflow::REGISTERED,
            &self.parameters,
            vec![stamp_input(&self.parameters.input, Some("hooke-layout"))?],
            budget,
        )
    }

    fn create(&self, _: &Plan, work: &WorkDir) -> Result<(), SourceError> {
        std::fs::create_dir_all(work.data())
            .map_err(|e| hooke_io::Error::io(work.data(), "create", e))?;
        Ok(())
    }

    fn open_stage<'a>(
        &'a self,
        _: &str,
        _: &'a Plan,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        Ok(Box::new(move |_: &Block, _: &mut BlockContext<'_>| -> Result<Summary, BlockError> {
            let mut layout = self.layout.clone();
            place_layout(&mut layout, &self.parameters.options)?;
            let path = work.private("place")?.join(FILE);
            let stamp = hooke_io::atomic::write_file(&path, &[layout.to_json().as_bytes()])?;
            Ok(Summary::new().wrote(&work.relative(&path), vec![stamp.named("")]))
        }))
    }

    fn finish(&self, _: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let layout = open_layout(&work.private("place")?.join(FILE))?;
        hooke_io::atomic::write_file(&work.product(), &[layout.to_json().as_bytes()])?;
        let outputs =
            vec![crate::engine_output(&self.parameters.output, "hooke-layout", vec![], None)];
        let warnings =
            layout.warnings.iter().map(|w| Warning::new(&w.code, w.message.clone())).collect();
        let result = serde_json::to_value(&layout.placement)?;
        Ok(Finished { outputs, warnings, result, ..Finished::default() })
    }
}
