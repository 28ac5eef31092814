//! `hooke tileset dedup`: labels that are unique over all tiles.
//!
//! | stage | does |
//! |---|---|
//! | `count` | a block per tile: its labels and their voxels |
//! | `match` | a block per pair of tiles: the labels that share voxels in their common box |
//! | `resolve` | one step: which labels are one, the tables, and the arrays of the output |
//! | `relabel` | blocks of tiles with their new ids; then pyramid and `write` as for every set |

mod count;
mod numbers;
mod relabel;
mod resolve;

use std::path::{Path, PathBuf};

pub(crate) use count::with_labels;

use hooke_core::image::SourceError;
use hooke_core::plan::{Blocks, OutputSpec, Plan, Stage};
use hooke_core::provenance::Warning;
use hooke_core::{Budget, Dtype};
use hooke_tileset::dedup::{DedupParams, SharedBox, shared_boxes};
use hooke_tileset::placement::Place;
use serde::{Deserialize, Serialize};

use super::boxes::BOX_VOXELS;
use super::error::SetError;
use super::options::{SetOptions, absolute};
use super::positions::table_format;
use super::scale::set_output;
use super::set::TileSet;
use crate::engine::{Finished, Markers, Planned, Registered, RunBlock, WorkDir, Workflow};
use crate::image_output::{FirstSetStage, SetOutput, Store};
use crate::step::place;
use crate::stitch::sibling;

/// Everything that decides the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DedupOptions {
    /// The tiles of labels.
    #[serde(flatten)]
    pub set: SetOptions,
    /// How labels become one.
    pub params: DedupParams,
    /// The table of ids; `OUT.ids.parquet` when missing.
    pub table: Option<PathBuf>,
    /// The table of overlaps; `OUT.overlaps.parquet` when missing.
    pub overlaps: Option<PathBuf>,
    /// `auto`, `u32` or `u64`.
    pub dtype: String,
    /// Whether the tables alone are made.
    pub tables_only: bool,
    /// How the tiles are stored.
    #[serde(flatten)]
    pub store: Store,
    /// The set to write.
    pub output: PathBuf,
}

impl DedupOptions {
    /// The two tables.
    pub fn tables(&self) -> [PathBuf; 2] {
        let or = |given: &Option<PathBuf>, suffix: &str| {
            given.clone().unwrap_or_else(|| sibling(&self.output, suffix))
        };
        [or(&self.table, "ids.parquet"), or(&self.overlaps, "overlaps.parquet")]
    }

    /// The output by which the run is known: the set, or with `--tables-only` the table of ids.
    pub fn product(&self) -> PathBuf {
        match self.tables_only {
            true => self.tables()[0].clone(),
            false => self.output.clone(),
        }
    }
}

/// The workflow.
pub struct DedupWorkflow {
    options: DedupOptions,
    set: TileSet,
    shared: Vec<SharedBox>,
    /// The type labels are worked on in.
    from: Dtype,
    /// Nothing with `--tables-only`.
    narrow: Option<SetOutput>,
    /// The same with 64-bit ids, where these may be needed and can be written.
    wide: Option<SetOutput>,
}

impl DedupWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "tileset dedup",
        results_version: 1,
        open: |plan| {
            Ok(Box::new(DedupWorkflow::new(serde_json::from_value(plan.parameters.clone())?)?))
        },
    };

    /// Opens the tiles and decides what is written.
    ///
    /// # Errors
    /// When a tile cannot be read or holds no labels, positions are missing, or an option is no
    /// value.
    pub fn new(options: DedupOptions) -> Result<DedupWorkflow, SetError> {
        let options = DedupOptions {
            set: options.set.absolute(),
            output: absolute(&options.output),
            table: options.table.as_deref().map(absolute),
            overlaps: options.overlaps.as_deref().map(absolute),
            ..options
        };
        options.params.validate()?;
        let tables = options.tables();
        tables.iter().try_for_each(|t| table_format(t).map(drop))?;
        let written = match options.dtype.as_str() {
            "auto" | "u32" | "uint32" => Dtype::Uint32,
            "u64" | "uint64" => Dtype::Uint64,
            other => {
                let what = format!("--dtype `{other}` holds no ids");
                return Err(SetError::usage(what, "write auto, u32 or u64"));
            }
        };
        let set = TileSet::open(&options.set)?.ignoring_rotation(options.set.ignore_rotation);
        let from = set.label_dtype()?;
        let placement = set.placement(Place::Nearest)?;
        let shared = shared_boxes(&placement, options.params.touching);
        // Ids are not averaged. The tiles are images of the set, not labels of another image.
        let store = Store { downsample: Some("mode".to_owned()), ..options.store.clone() };
        let narrow = match options.tables_only {
            true => None,
            false => Some(set_output(&set, &options.output, written, &store)?),
        };
        let wide = narrow
            .as_ref()
            .filter(|_| options.dtype == "auto")
            .and_then(|n| n.with_dtype(Dtype::Uint64).ok());
        Ok(DedupWorkflow { options, set, shared, from, narrow, wide })
    }

    /// The output of which the arrays were created: after `resolve`.
    fn output(&self, work: &WorkDir) -> Result<Option<&SetOutput>, SourceError> {
        let found = resolve::read(work)?;
        Ok(match found.wide {
            true => self.wide.as_ref(),
            false => self.narrow.as_ref(),
        })
    }

    /// Peak bytes of a block that reads boxes of one or two tiles.
    fn box_bytes(&self) -> u64 {
        // Two boxes of labels, and what is counted in them.
        BOX_VOXELS * 2 * self.from.size() as u64 + (16 << 20)
    }
}

/// What is kept of all labels and pairs; their number is not known before they are counted.
const RESOLVE_BYTES: u64 = 32 << 20;

fn spec(path: &Path) -> OutputSpec {
    OutputSpec::file(path.to_owned(), 0)
}

impl Workflow for DedupWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let tiles = Blocks::items(self.set.tiles.len() as u64, self.box_bytes());
        let pairs = Blocks::items(self.shared.len() as u64, self.box_bytes());
        let mut stages = vec![Stage::new("count", "tiles", &[], tiles)];
        let mut after = vec!["count"];
        if !self.shared.is_empty() {
            stages.push(Stage::new("match", "pairs", &[], pairs));
            after.push("match");
        }
        stages.push(Stage::one("resolve", &after, RESOLVE_BYTES));
        let (mut outputs, mut work_bytes) = (Vec::new(), 0);
        if let Some(narrow) = &self.narrow {
            let widest = self.wide.as_ref().map_or(narrow.dtype(), SetOutput::dtype);
            let sample = (self.from.size() + 2 * widest.size()) as u64;
            let bytes = |_: usize, write: [u64; 5]| write.iter().product::<u64>() * sample;
            let first = FirstSetStage { name: "relabel", after: &["resolve"], bytes: &bytes };
            let planned = narrow.stages(&first, budget)?;
            stages.extend(planned.stages);
            outputs = planned.outputs;
            work_bytes = planned.work_bytes;
        }
        outputs.extend(self.options.tables().iter().map(|t| spec(t)));
        let planned = Planned { stages, outputs, work_bytes };
        planned.into_plan(&Self::REGISTERED, &self.options, self.set.stamps()?, budget)
    }

    /// The arrays are made by `resolve`: only then it is known how large the ids are.
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
        match stage {
            "count" => Ok(Box::new(count::CountStage::new(self, &plan.budget, work))),
            "match" => Ok(Box::new(count::MatchStage::new(self, &plan.budget, work))),
            "resolve" => Ok(Box::new(resolve::ResolveStage { workflow: self, work })),
            other => {
                let output = self.output(work)?.ok_or("there are no arrays to write to")?;
                match other {
                    "relabel" => relabel::open(self, output, &plan.budget, work),
                    other => output.open_stage(other, work),
                }
            }
        }
    }

    fn finish(&self, _: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let mut outputs = match self.output(work)? {
            Some(output) => output.finish(work)?,
            None => Vec::new(),
        };
        let found = resolve::read(work)?;
        // Last, and each whole or not at all.
        for (name, path) in resolve::TABLES.iter().zip(self.options.tables()) {
            let suffix = table_format(&path)?;
            let from = work.private("resolve")?.join(format!("{name}.{suffix}"));
            let bytes = std::fs::read(&from).map_err(|e| hooke_io::Error::io(&from, "read", e))?;
            hooke_io::atomic::write_file(&place(work, &path), &[&bytes])?;
            outputs.push(crate::engine_output(&path, suffix, vec![], None));
        }
        let mut warnings: Vec<Warning> =
            self.set.warnings.iter().map(|(c, m)| Warning::new(c, m.clone())).collect();
        if self.shared.is_empty() && self.set.tiles.len() > 1 {
            let what = "no two tiles share a voxel, so nothing could be matched; look at hooke \
                        tileset info, or give --touching for tiles that abut";
            warnings.push(Warning::new("no-overlaps", what.to_owned()));
        }
        Ok(Finished { outputs, warnings, result: found.result, ..Finished::default() })
    }

    fn stops_at_first_failure(&self) -> bool {
        true
    }
}
