//! `hooke blobs match`: which blobs of different channels are one object.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hooke_blobs::chance::{Chance, ChanceParams, Field, chance};
use hooke_blobs::matching::{
    Crowding, MAX_EDGES, MatchParams, MatchWindow, Matched, Objective, match_stack,
};
use hooke_blobs::tuples::{BlobTuple, tuples};
use hooke_core::plan::InputStamp;
use hooke_core::{Blob, Budget};
use hooke_io::blobs::{TableMeta, TupleRow, VoxelBox, write_rows};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chance_field::{Mask, box_field};
use super::error::BlobsError;
use super::options::{self, absolute};
use super::tables::Tables;
use crate::engine::{BlockContext, BlockError, stamp_input};
use crate::step::{Done, Step};

/// Bytes of a pair within the gate while it is assigned.
const EDGE_BYTES: u64 = 80;
/// Bytes of a blob in the table, as a site, and in indices.
const BLOB_BYTES: u64 = 512;
/// Pairs within the gate that there is always memory for.
const FEWEST_EDGES: u64 = 1 << 20;
/// Candidates per blob, on average, above which the gate is wide for the spacing of blobs.
const CROWDED: f64 = 4.0;

/// What is matched, and how, as typed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MatchOptions {
    /// Tables of blobs.
    pub sources: Vec<PathBuf>,
    /// Semi-axes of the gate in µm.
    pub tol: String,
    /// Channels of which every pair is matched; all when missing.
    pub channels: Option<String>,
    /// What the best set of pairs is.
    pub objective: Objective,
    /// Lowest corner of a box in voxels.
    pub offset: Option<String>,
    /// Lengths of the box in voxels.
    pub shape: Option<String>,
    /// What the box is shrunk by, for pairs, in voxels.
    pub inner_padding: Option<String>,
    /// Objects of any number of channels are written here.
    pub tuples: Option<PathBuf>,
    /// Randomised images.
    pub chance: u64,
    /// Seed of the randomisation.
    pub seed: u64,
    /// Where blobs could be.
    pub mask: Option<PathBuf>,
    /// Voxel size in µm; overrides the tables.
    pub voxel_size: Option<String>,
    /// Ids are numbered anew.
    pub renumber: bool,
    /// The table of matches.
    pub output: PathBuf,
}

impl MatchOptions {
    fn absolute(self) -> MatchOptions {
        MatchOptions {
            sources: self.sources.iter().map(|p| absolute(p)).collect(),
            tuples: self.tuples.as_deref().map(absolute),
            mask: self.mask.as_deref().map(absolute),
            output: absolute(&self.output),
            ..self
        }
    }

    /// Every file that is written: the matches, then what else was asked for.
    pub fn outputs(&self) -> Vec<PathBuf> {
        let chance = (self.chance > 0).then(|| self.output.with_file_name("chance.json"));
        let blobs = self.renumber.then(|| self.output.with_extension("blobs.parquet"));
        [Some(self.output.clone()), self.tuples.clone(), chance, blobs]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// `hooke blobs match`.
pub struct Match {
    options: MatchOptions,
    tables: Tables,
    params: MatchParams,
    window: Option<VoxelBox>,
    /// Where blobs could have been, when chance is asked for.
    mask: Option<Mask>,
}

impl Step for Match {
    const COMMAND: &'static str = "blobs match";
    type Parameters = MatchOptions;
    type Error = BlobsError;

    fn open(options: MatchOptions) -> Result<Match, BlobsError> {
        let options = options.absolute();
        let tolerance_um = options::lengths("tol", &options.tol)?;
        let channels = options.channels.as_deref().map(options::channels).transpose()?;
        if let Some([one]) = channels.as_deref() {
            let what = format!("--channels {one}: one channel has no other to be matched with");
            return Err(BlobsError::usage(what, "name two or more, like 0,1"));
        }
        let window = options::voxel_box(options.offset.as_ref(), options.shape.as_ref())?;
        let padding = options.inner_padding.as_ref();
        let padding = padding.map(|p| options::triple("inner-padding", p)).transpose()?;
        check(&options, window.is_some())?;
        let voxel = options::voxel_size(options.voxel_size.as_ref())?;
        let tables = Tables::read(&options.sources, voxel, options.renumber)?;
        let inner = |w: VoxelBox| MatchWindow::new(w.offset, w.shape, padding.unwrap_or_default());
        let params = MatchParams {
            tolerance_um,
            objective: options.objective,
            channels,
            window: window.map(inner).transpose()?,
            ..MatchParams::new(tables.image.voxel_size_um)
        };
        let mask = options.mask.as_deref().map(|p| Mask::open(p, &tables)).transpose()?;
        if options.chance > 0 && mask.is_none() {
            box_field(&tables, window.as_ref())?;
        }
        Ok(Match { options, tables, params, window, mask })
    }

    fn parameters(&self) -> &MatchOptions {
        &self.options
    }

    fn inputs(&self) -> Result<Vec<InputStamp>, BlobsError> {
        let mask = self.mask.iter().map(Mask::path);
        let files = self.options.sources.iter().map(PathBuf::as_path).chain(mask);
        files.map(|p| Ok(stamp_input(p, None)?)).collect()
    }

    fn outputs(&self) -> Vec<(PathBuf, &'static str)> {
        let format = |p: &PathBuf| if p.ends_with("chance.json") { "json" } else { "parquet" };
        self.options.outputs().into_iter().map(|p| (p.clone(), format(&p))).collect()
    }

    fn bytes(&self, _: &Budget) -> u64 {
        self.fixed_bytes() + EDGE_BYTES * FEWEST_EDGES
    }

    fn run(&self, places: &[PathBuf], cx: &mut BlockContext<'_>) -> Result<Done, BlockError> {
        let found = self.find(cx.budget)?;
        let chances = match self.options.chance {
            0 => None,
            _ => Some(self.chances(&found, cx)?),
        };
        let meta = self.meta();
        let mut places = places.iter();
        let mut next = || places.next().ok_or_else(missing_place);
        write_rows(next()?, &found.pairs, &meta)?;
        let mut objects = None;
        if self.options.tuples.is_some() {
            let rows: Vec<TupleRow> = self.tuples(&found)?.into_iter().map(tuple_row).collect();
            write_rows(next()?, &rows, &meta)?;
            objects = Some(rows.len());
        }
        if let Some(chances) = &chances {
            let text = serde_json::to_vec_pretty(&self.chance_json(chances))
                .map_err(std::io::Error::from)?;
            hooke_io::atomic::write_file(next()?, &[&text, b"\n"])?;
        }
        if self.options.renumber {
            let image = Some(self.tables.image.clone());
            write_rows(next()?, &self.tables.blobs, &TableMeta { image, parameters: None })?;
        }
        let result = json!({
            "blobs": self.tables.blobs.len(), "matches": found.pairs.len(),
            "pairs": by_pair(&found), "tuples": objects,
            "chance": chances.as_deref().map(|c| self.chance_json(c)),
        });
        Ok(Done { result, warnings: self.warnings(&found) })
    }
}

/// Refuses options that do not go together.
fn check(options: &MatchOptions, has_box: bool) -> Result<(), BlobsError> {
    let suffix = |p: &PathBuf| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("parquet"));
    let tables = std::iter::once(&options.output).chain(&options.tuples);
    if let Some(other) = tables.into_iter().find(|p| !suffix(p)) {
        let what = format!("{}: tables of matches and objects end in .parquet", other.display());
        return Err(BlobsError::usage(
            what,
            "rename it; `hooke blobs export` writes other formats",
        ));
    }
    if options.inner_padding.is_some() && !has_box {
        let what = "--inner-padding without a box";
        return Err(BlobsError::usage(what, "give the box: --offset Z,Y,X --shape NZ,NY,NX"));
    }
    if options.chance > 0 && options.inner_padding.is_some() {
        let what = "--chance with --inner-padding: chance counts every pair of the box";
        return Err(BlobsError::usage(what, "leave --inner-padding out"));
    }
    if options.mask.is_some() && (options.chance == 0 || has_box) {
        let (what, hint) = match has_box {
            true => {
                ("--mask with a box", "blobs are moved within one of them: leave the other out")
            }
            false => ("--mask without --chance", "it says where blobs could be: give --chance N"),
        };
        return Err(BlobsError::usage(what, hint));
    }
    let outputs = options.outputs();
    let twice =
        outputs.iter().enumerate().find(|(i, p)| outputs.iter().skip(i + 1).any(|q| q == *p));
    match twice {
        Some((_, path)) => {
            let what = format!("{}: two outputs of this name", path.display());
            Err(BlobsError::usage(what, "give them different names"))
        }
        None => Ok(()),
    }
}

fn missing_place() -> BlobsError {
    BlobsError::unfit("an output has no place", "")
}

impl Match {
    fn fixed_bytes(&self) -> u64 {
        let mask = if self.mask.is_some() { 64 << 20 } else { 0 };
        (64 << 20) + mask + BLOB_BYTES * self.tables.blobs.len() as u64
    }

    fn find(&self, budget: &Budget) -> Result<Matched, BlobsError> {
        let free = budget.for_blocks().saturating_sub(self.fixed_bytes());
        let edges = (free / EDGE_BYTES).clamp(FEWEST_EDGES, MAX_EDGES as u64);
        let params = MatchParams { max_edges: edges as usize, ..self.params.clone() };
        Ok(match_stack(&self.tables.blobs, &params)?)
    }

    /// Only what can change rows.
    fn meta(&self) -> TableMeta {
        let o = &self.options;
        let parameters = json!({
            "tol_um": self.params.tolerance_um, "objective": o.objective, "channels": self.params.channels,
            "offset": self.window.map(|w| w.offset), "shape": self.window.map(|w| w.shape),
            "inner_padding": o.inner_padding, "renumber": o.renumber,
        });
        TableMeta { image: Some(self.tables.image.clone()), parameters: Some(parameters) }
    }

    /// Blobs of the matched channels and box.
    fn chosen(&self) -> impl Iterator<Item = &Blob> {
        let wanted = |b: &&Blob| {
            self.params.channels.as_ref().is_none_or(|c| c.contains(&b.channel))
                && self.params.window.is_none_or(|w| w.holds(b.position))
        };
        self.tables.blobs.iter().filter(wanted)
    }

    fn tuples(&self, found: &Matched) -> Result<Vec<BlobTuple>, BlobsError> {
        let chosen: Vec<Blob> = self.chosen().cloned().collect();
        Ok(tuples(&chosen, &found.pairs)?)
    }

    fn chances(&self, found: &Matched, cx: &BlockContext<'_>) -> Result<Vec<Chance>, BlockError> {
        let params = ChanceParams {
            tolerance_um: self.params.tolerance_um,
            objective: self.options.objective,
            draws: self.options.chance,
            seed: self.options.seed,
        };
        let all = |blobs: &[Blob], field: &Field<'_>| -> Result<Vec<Chance>, BlockError> {
            let pairs = found.crowding.iter().map(|c| c.channels);
            pairs
                .map(|channels| match cx.progress.is_cancelled() {
                    true => Err(BlockError::Cancelled),
                    false => Ok(chance(blobs, channels, field, &params).map_err(BlobsError::from)?),
                })
                .collect()
        };
        let Some(mask) = &self.mask else {
            let blobs: Vec<Blob> = self.chosen().cloned().collect();
            return all(&blobs, &box_field(&self.tables, self.window.as_ref())?);
        };
        let free = cx.budget.for_blocks().saturating_sub(self.fixed_bytes());
        let places = mask.places(free.max(32 << 20), cx)?;
        let inside = self.chosen().filter(|b| places.holds(b.position_um));
        let blobs: Vec<Blob> = inside.cloned().collect();
        let draw = |rng: &mut _| places.draw(rng);
        let volume_um3 = places.volume_um3(self.params.tolerance_um);
        all(&blobs, &Field::Mask { volume_um3, draw: &draw })
    }

    fn chance_json(&self, chances: &[Chance]) -> Value {
        let pairs: BTreeMap<String, &Chance> =
            chances.iter().map(|c| (pair_name(c.channels), c)).collect();
        json!({
            "tol_um": self.params.tolerance_um, "draws": self.options.chance,
            "seed": self.options.seed, "null": if self.mask.is_some() { "mask" } else { "shift" },
            "pairs": pairs,
        })
    }

    fn warnings(&self, found: &Matched) -> Vec<(String, String)> {
        let mut warnings = self.tables.warnings.clone();
        warnings.extend(found.crowding.iter().filter(|c| c.mean_degree > CROWDED).map(crowded));
        let channels: std::collections::BTreeSet<u16> = self.chosen().map(|b| b.channel).collect();
        if channels.len() < 2 {
            let what = match channels.first() {
                Some(one) => {
                    format!("all blobs are of channel {one}, so that there is nothing to match")
                }
                None => "there are no blobs, so that there is nothing to match".to_owned(),
            };
            warnings.push(("one-channel".to_owned(), what));
        }
        warnings
    }
}

fn pair_name([a, b]: [u16; 2]) -> String {
    format!("{a}-{b}")
}

fn crowded(pair: &Crowding) -> (String, String) {
    let what = format!(
        "channels {}: the gate holds {:.1} candidates per blob on average, and {} blobs hang together \
         in the largest group; matches are exact, but say little where the gate is wider than the \
         spacing of blobs",
        pair_name(pair.channels),
        pair.mean_degree,
        pair.largest_component
    );
    ("crowded".to_owned(), what)
}

fn by_pair(found: &Matched) -> Value {
    let mut matches = BTreeMap::<[u16; 2], u64>::new();
    found.pairs.iter().for_each(|p| *matches.entry(p.channels).or_default() += 1);
    let entry = |c: &Crowding| {
        let entry = json!({
            "blobs": c.blobs, "matches": matches.get(&c.channels).copied().unwrap_or(0),
            "candidates": c.edges, "mean_degree": c.mean_degree,
            "largest_component": c.largest_component,
        });
        (pair_name(c.channels), entry)
    };
    found.crowding.iter().map(entry).collect::<serde_json::Map<_, _>>().into()
}

fn tuple_row(tuple: BlobTuple) -> TupleRow {
    TupleRow {
        tuple_id: tuple.tuple_id,
        blob_ids: tuple.blob_ids,
        channel_mask: tuple.channel_mask,
        position: tuple.position,
        position_um: tuple.position_um,
        max_distance_um: tuple.max_distance_um,
    }
}
