//! `hooke stitch align`: the displacement of every pair, one block per pair.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::plan::{Block, Blocks, OutputSpec, Plan, Stage};
use hooke_core::provenance::Warning;
use hooke_core::{Budget, budget};
use hooke_io::ChunkCache;
use hooke_stitch::Layout;
use hooke_stitch::align::{
    AlignParams, Correction, SharedStatistics, align_pair, pair_bytes, prepare,
};
use hooke_stitch::layout::{LayoutWarning, Pair};
use hooke_stitch::pairs::{PairTask, pair_tasks};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::align_options::AlignOptions;
use super::error::StitchError;
use super::files::folder_of;
use super::input::{changed_sources, read_layout};
use super::place::{PlaceOptions, place_layout};
use super::plane::read_plane;
use super::tiles::{AsFloat, TileReader, absolute, voxel_bytes};
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Planned, Registered, RunBlock, Summary, WorkDir,
    Workflow, stamp_input,
};

/// Bytes that the shared statistics need at most: some planes of a few tiles, and windows of noise.
const PREPARE_BYTES: u64 = 160 << 20;

/// Everything that decides the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    #[serde(flatten)]
    options: AlignOptions,
    output: PathBuf,
    place: Option<PlaceOptions>,
}

/// The workflow: `stitch align`, or with [`AlignWorkflow::placed`] its placing as well.
pub struct AlignWorkflow {
    parameters: Parameters,
    /// Nominal positions; paths start at the output's folder.
    layout: Layout,
    params: AlignParams,
    correction: Correction,
    tasks: Vec<PairTask>,
}

/// What a block leaves for the end.
#[derive(Serialize, Deserialize)]
struct Measured {
    pair: Pair,
    warnings: Vec<LayoutWarning>,
}

impl AlignWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "stitch align",
        results_version: 1,
        open: |plan| {
            let p: Parameters = serde_json::from_value(plan.parameters.clone())?;
            let workflow = AlignWorkflow::new(p.options, &p.output)?;
            Ok(Box::new(match p.place {
                Some(place) => workflow.placed(place)?,
                None => workflow,
            }))
        },
    };

    /// Finds the tiles and the pairs; reads their metadata only.
    ///
    /// # Errors
    /// When the input names no tiles, they do not belong together, or an option is no value.
    pub fn new(mut options: AlignOptions, output: &Path) -> Result<AlignWorkflow, StitchError> {
        let full = hooke_io::http::absolute;
        let output = full(output);
        let is_expression = options.input.input.contains(['<', '{']);
        options.input.input = match is_expression && !Path::new(&options.input.input).exists() {
            true => full_expression(&options.input.input),
            false => full(Path::new(&options.input.input)).to_string_lossy().into_owned(),
        };
        let cache = Arc::new(ChunkCache::new(budget::SMALLEST_CACHE));
        let folder = folder_of(&output);
        let mut layout = read_layout(&options.input, &folder, &cache)?;
        let changed = changed_sources(&layout, &folder);
        if let (true, Some(first)) = (options.input.strict, changed.first()) {
            return Err(StitchError::Changed(first.message.clone()));
        }
        layout.warnings.extend(changed);
        let params = options.params(&layout)?;
        let plane = |path: &Option<PathBuf>| path.as_deref().map(read_plane).transpose();
        let correction = Correction { flat: plane(&options.flat)?, dark: plane(&options.dark)? };
        let tasks =
            pair_tasks(&layout, &params).map_err(|e| StitchError::Parameters(e.to_string()))?;
        let parameters = Parameters { options, output, place: None };
        Ok(AlignWorkflow { parameters, layout, params, correction, tasks })
    }

    /// The same, placing the tiles at the end.
    ///
    /// # Errors
    /// When an option of placing is no value.
    pub fn placed(mut self, options: PlaceOptions) -> Result<AlignWorkflow, StitchError> {
        options.params(&self.layout)?;
        self.parameters.place = Some(options);
        Ok(self)
    }

    /// Shape over `z, y, x` and bytes of the volume at stage positions: what fusing will write,
    /// give or take the errors of the stage.
    pub fn expected_volume(&self) -> ([u64; 3], u64) {
        let mut ends = [(f64::INFINITY, f64::NEG_INFINITY); 3];
        for tile in &self.layout.tiles {
            for (d, end) in ends.iter_mut().enumerate() {
                let start = tile.nominal_px[d];
                *end = (end.0.min(start), end.1.max(start + tile.shape[d] as f64));
            }
        }
        let shape = ends.map(|(low, high)| (high - low).max(0.0).ceil() as u64);
        let bytes = shape.iter().fold(voxel_bytes(&self.layout), |b, n| b.saturating_mul(*n));
        (shape, bytes)
    }

    fn folder(&self) -> PathBuf {
        folder_of(&self.parameters.output)
    }

    fn reader(&self, budget: &Budget) -> TileReader {
        let cache = Arc::new(ChunkCache::new(budget.cache()));
        TileReader::new(&self.layout, &self.folder(), self.layout.align_channel as u64, cache)
    }

    fn pair_bytes(&self) -> Result<u64, SourceError> {
        let mut largest = 1 << 20;
        for task in &self.tasks {
            largest = largest.max(pair_bytes(&self.layout, task, &self.params)?);
        }
        Ok(largest)
    }

    fn measure_shared(
        &self,
        reader: &TileReader,
        work: &WorkDir,
        cx: &BlockContext<'_>,
    ) -> Result<Summary, BlockError> {
        let statistics =
            prepare(&self.layout, &AsFloat(reader), &self.params, &self.correction, cx.progress)?;
        let path = work.private("prepare")?.join("statistics.json");
        write_json(&path, &statistics, work)
    }

    fn measure_pair(
        &self,
        id: u64,
        reader: &TileReader,
        statistics: &SharedStatistics,
        work: &WorkDir,
    ) -> Result<Summary, BlockError> {
        let task = &self.tasks[id as usize];
        let outcome = align_pair(
            &self.layout,
            task,
            &AsFloat(reader),
            &self.params,
            &self.correction,
            statistics,
        )?;
        let path = pair_path(work, id)?;
        let measured = Measured { pair: outcome.pair, warnings: outcome.warnings };
        write_json(&path, &measured, work)
    }

    /// Whether the unreadable tile of a pair has a warning of its own already.
    fn is_told(&self, warning: &LayoutWarning) -> bool {
        let of = |tile: usize| {
            let mut unreadable =
                self.layout.warnings.iter().filter(|w| w.code == "unreadable_tile");
            unreadable.any(|w| w.tile == Some(tile))
        };
        warning.tile.is_some_and(of) || warning.pair.is_some_and(|p| p.into_iter().any(of))
    }

    /// The layout with what all blocks measured.
    fn assemble(&self, work: &WorkDir) -> Result<Layout, SourceError> {
        let mut layout = self.layout.clone();
        layout.pairs.clear();
        layout.placement = None;
        layout.islands.clear();
        for id in 0..self.tasks.len() as u64 {
            let path = pair_path(work, id)?;
            let text = std::fs::read_to_string(&path)
                .map_err(|e| hooke_io::Error::io(&path, "read", e))?;
            let measured: Measured = serde_json::from_str(&text)?;
            layout.pairs.push(measured.pair);
            let told = |w: &LayoutWarning| w.code == "unread" && self.is_told(w);
            layout.warnings.extend(measured.warnings.into_iter().filter(|w| !told(w)));
        }
        layout.provenance = Some(json!({
            "command": "stitch align",
            "version": env!("CARGO_PKG_VERSION"),
            "parameters": serde_json::to_value(&self.parameters)?,
        }));
        Ok(layout)
    }
}

/// An expression with the working folder in front, so that a plan means the same everywhere.
fn full_expression(text: &str) -> String {
    if text.starts_with('/') {
        return text.to_owned();
    }
    let here = std::env::current_dir().unwrap_or_default();
    let here = here.to_string_lossy().replace('<', "<<").replace('{', "{{");
    format!("{here}/{text}")
}

/// Ten thousand results lie in folders of a thousand.
fn pair_path(work: &WorkDir, id: u64) -> Result<PathBuf, SourceError> {
    let folder = work.private("pairs")?.join(format!("{:04}", id / 1000));
    std::fs::create_dir_all(&folder).map_err(|e| hooke_io::Error::io(&folder, "create", e))?;
    Ok(folder.join(format!("{id:08}.json")))
}

fn write_json<T: Serialize>(path: &Path, value: &T, work: &WorkDir) -> Result<Summary, BlockError> {
    let text = serde_json::to_vec(value)?;
    let stamp = hooke_io::atomic::write_file(path, &[&text])?;
    Ok(Summary::new().wrote(&work.relative(path), vec![stamp.named("")]))
}

impl Workflow for AlignWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let pairs = Blocks::items(self.tasks.len() as u64, self.pair_bytes()?);
        let mut inputs = Vec::new();
        for tile in &self.layout.tiles {
            let path = absolute(&self.folder(), &tile.source.path);
            if path.exists()
                && !inputs.iter().any(|i: &hooke_core::plan::InputStamp| i.path == path)
            {
                inputs.push(stamp_input(&path, None)?);
            }
        }
        let output = OutputSpec::file(
            self.parameters.output.clone(),
            2048 * (self.tasks.len() + self.layout.tiles.len()) as u64,
        );
        let planned = Planned {
            stages: vec![
                Stage::one("prepare", &[], PREPARE_BYTES),
                Stage::new("pairs", "pairs", &["prepare"], pairs),
            ],
            outputs: vec![output],
            work_bytes: 4096 * self.tasks.len() as u64,
        };
        planned.into_plan(&AlignWorkflow::REGISTERED, &self.parameters, inputs, budget)
    }

    fn create(&self, _: &Plan, work: &WorkDir) -> Result<(), SourceError> {
        std::fs::create_dir_all(work.data())
            .map_err(|e| hooke_io::Error::io(work.data(), "create", e))?;
        Ok(())
    }

    fn open_stage<'a>(
        &'a self,
        stage: &str,
        plan: &'a Plan,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        let reader = self.reader(&plan.budget);
        if stage == "prepare" {
            return Ok(Box::new(move |_: &Block, cx: &mut BlockContext<'_>| {
                self.measure_shared(&reader, work, cx)
            }));
        }
        let path = work.private("prepare")?.join("statistics.json");
        let text =
            std::fs::read_to_string(&path).map_err(|e| hooke_io::Error::io(&path, "read", e))?;
        let statistics: SharedStatistics = serde_json::from_str(&text)?;
        Ok(Box::new(move |block: &Block, _: &mut BlockContext<'_>| {
            self.measure_pair(block.id, &reader, &statistics, work)
        }))
    }

    fn finish(&self, _: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let mut layout = self.assemble(work)?;
        if let Some(options) = &self.parameters.place {
            place_layout(&mut layout, options)?;
        }
        hooke_io::atomic::write_file(&work.product(), &[layout.to_json().as_bytes()])?;
        let outputs =
            vec![crate::engine_output(&self.parameters.output, "hooke-layout", vec![], None)];
        let warnings =
            layout.warnings.iter().map(|w| Warning::new(&w.code, w.message.clone())).collect();
        let result = json!({"tiles": layout.tiles.len(), "pairs": layout.pairs.len(), "placement": layout.placement});
        Ok(Finished { outputs, warnings, result, ..Finished::default() })
    }
}
