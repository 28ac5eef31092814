//! `hooke blobs colocalize`: the signal of every channel at every blob.

use std::path::PathBuf;
use std::sync::Arc;

use hooke_blobs::contrast::{ContrastMeter, ContrastRow, decide};
use hooke_blobs::detect::Block as VoxelBlock;
use hooke_blobs::neighborhood::{Level, Neighborhoods, RADIUS, Spot};
use hooke_blobs::noise::{SensorNoise, fit_noise, measure_cell, sample_boxes};
use hooke_blobs::voxel_box::{VoxelBox, grid};
use hooke_core::image::SourceError;
use hooke_core::plan::InputStamp;
use hooke_core::{Blob, Budget, dispatch};
use hooke_io::ChunkCache;
use hooke_io::blobs::{ColocRow, TableMeta, read_rows, write_rows};
use ndarray::Axis;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::BlobsError;
use super::image::{BlobSource, ImageOptions, largest_core};
use super::options::absolute;
use crate::engine::{BlockContext, BlockError, stamp_input};
use crate::step::{Done, Step};

/// What is measured, and how, as typed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColocalizeOptions {
    /// The image, and the channels to look at.
    #[serde(flatten)]
    pub image: ImageOptions,
    /// The table of blobs.
    pub blobs: PathBuf,
    /// `contrast` or `neighborhood`.
    pub rule: String,
    /// For `neighborhood`: `min` or a percentile, 0 to 100.
    pub threshold: String,
    /// For `contrast`: the false discovery rate.
    pub fdr: f64,
    /// For `contrast`: `ALPHA,BETA` of the noise; measured when missing.
    pub noise: Option<[f64; 2]>,
    /// The table to write.
    pub output: PathBuf,
}

/// The step.
pub struct Colocalize {
    options: ColocalizeOptions,
    level: Option<Level>,
}

impl Step for Colocalize {
    const COMMAND: &'static str = "blobs colocalize";
    type Parameters = ColocalizeOptions;
    type Error = BlobsError;

    fn open(options: ColocalizeOptions) -> Result<Colocalize, BlobsError> {
        let source = BlobSource::open(&options.image, &Arc::new(ChunkCache::new(0)))?;
        let options = ColocalizeOptions {
            image: source.options.clone(),
            blobs: absolute(&options.blobs),
            output: absolute(&options.output),
            ..options
        };
        let level = match (options.rule.as_str(), options.threshold.as_str()) {
            ("contrast", _) => None,
            (_, "min") => Some(Level::Min),
            (_, text) => {
                let percentile = text.parse::<f64>().ok().filter(|p| (0.0..=100.0).contains(p));
                Some(Level::Percentile(percentile.ok_or_else(|| {
                    let what = format!("--threshold `{text}` is no percentile");
                    BlobsError::usage(what, "write min, or a number from 0 to 100")
                })?))
            }
        };
        if !(0.0..1.0).contains(&options.fdr) || options.fdr == 0.0 {
            let what = format!("--fdr {} is no rate", options.fdr);
            return Err(BlobsError::usage(what, "write a number above 0 and below 1, like 0.05"));
        }
        Ok(Colocalize { options, level })
    }

    fn parameters(&self) -> &ColocalizeOptions {
        &self.options
    }

    fn inputs(&self) -> Result<Vec<InputStamp>, BlobsError> {
        let stamp = |path: &PathBuf| stamp_input(path, None);
        Ok(vec![stamp(&self.options.image.image)?, stamp(&self.options.blobs)?])
    }

    fn outputs(&self) -> Vec<(PathBuf, &'static str)> {
        vec![(self.options.output.clone(), "parquet")]
    }

    fn bytes(&self, budget: &Budget) -> u64 {
        budget.for_blocks() / 2
    }

    fn run(&self, places: &[PathBuf], cx: &mut BlockContext<'_>) -> Result<Done, BlockError> {
        let (blobs, meta) = read_rows::<Blob>(&self.options.blobs).map_err(BlobsError::from)?;
        let cache = Arc::new(ChunkCache::new(cx.budget.cache()));
        let source = BlobSource::open(&self.options.image, &cache)?;
        let (mut rows, mut measured) = (Vec::new(), Vec::new());
        let mut warnings = Vec::new();
        cx.progress.start("measure", source.times.len() as u64, "frames");
        for t in source.times.clone() {
            let own: Vec<Blob> = blobs.iter().filter(|b| b.t == t).cloned().collect();
            let frame = Frame { step: self, source: &source, t, blobs: &own };
            match self.level {
                None => measured.extend(frame.contrast(cx)?),
                Some(level) => rows.extend(frame.neighborhood(level, cx, &mut warnings)?),
            }
            cx.progress.advance(1, 0);
        }
        // Over all frames: what is called positive does not depend on how many blobs a frame has.
        decide(&mut measured, self.options.fdr);
        rows.extend(measured.into_iter().map(contrast_row));
        let frames = source.meta().shape[0];
        for blob in blobs.iter().filter(|b| u64::from(b.t) >= frames) {
            rows.extend(source.channels.iter().map(|channel| nothing(blob, *channel)));
        }
        rows.sort_by_key(|r| (r.blob_id, r.channel));
        let parameters = json!({
            "rule": self.options.rule, "threshold": self.options.threshold, "fdr": self.options.fdr,
            "noise": self.options.noise, "channels": source.channels,
        });
        let meta = TableMeta { parameters: Some(parameters), ..meta };
        write_rows(&places[0], &rows, &meta).map_err(BlobsError::from)?;
        let with_signal = rows.iter().filter(|r| r.coloc && r.channel != r.blob_channel).count();
        Ok(Done { result: json!({"rows": rows.len(), "in_other_channels": with_signal}), warnings })
    }
}

fn contrast_row(r: ContrastRow) -> ColocRow {
    ColocRow {
        blob_id: r.blob_id,
        blob_channel: r.blob_channel,
        channel: r.channel,
        mean: r.measured.map(|m| m.mean),
        threshold: None,
        contrast: r.measured.map(|m| m.contrast as f32),
        score: r.measured.map(|m| m.score as f32),
        p_value: r.measured.map(|m| m.p_value),
        coloc: r.coloc,
    }
}

/// The row of a blob outside the image.
fn nothing(blob: &Blob, channel: u16) -> ColocRow {
    ColocRow {
        blob_id: blob.id,
        blob_channel: blob.channel,
        channel,
        mean: None,
        threshold: None,
        contrast: None,
        score: None,
        p_value: None,
        coloc: false,
    }
}

/// The blobs of one frame.
struct Frame<'a> {
    step: &'a Colocalize,
    source: &'a BlobSource,
    t: u32,
    blobs: &'a [Blob],
}

impl Frame<'_> {
    /// Cores whose blocks, with this halo around them, fit into the step's share.
    fn cores(&self, halo: [usize; 3], bytes_per_voxel: u64, budget: &Budget) -> Vec<VoxelBox> {
        let shape = self.source.volume.shape;
        let bytes = |core: [usize; 3]| {
            let lengths = (0..3).map(|d| (core[d] + 2 * halo[d]).min(shape[d]) as u64);
            lengths.product::<u64>().saturating_mul(bytes_per_voxel)
        };
        // A voxel with its halo is what cannot be cut any further.
        let core = largest_core(shape, halo, budget.for_blocks() / 4, bytes).unwrap_or([1; 3]);
        grid(shape, core).collect()
    }

    /// How every blob stands out in every channel; not decided yet.
    fn contrast(&self, cx: &BlockContext<'_>) -> Result<Vec<ContrastRow>, BlockError> {
        let (source, volume) = (self.source, self.source.volume);
        let meter = ContrastMeter::new(self.blobs, volume);
        let cores = self.cores(meter.halo(), source.bytes_per_voxel(), cx.budget);
        let mut rows: Vec<ContrastRow> = Vec::new();
        for channel in source.channels.iter().copied() {
            let noise = self.noise(channel)?;
            for core in &cores {
                if cx.progress.is_cancelled() {
                    return Err(BlockError::Cancelled);
                }
                let needed = core.grown(meter.halo(), volume.shape);
                let voxels = source.read(self.t, channel, needed)?;
                let block = VoxelBlock { voxels: voxels.view(), start: needed.start, core: *core };
                rows.extend(meter.measure(block, channel, &noise));
            }
            rows.extend(meter.outside(channel));
        }
        Ok(rows)
    }

    fn noise(&self, channel: u16) -> Result<SensorNoise, SourceError> {
        let mut cells = Vec::new();
        for part in sample_boxes(self.source.volume.shape, 0) {
            cells.extend(measure_cell(self.source.read(self.t, channel, part)?.view()));
        }
        Ok(fit_noise(&cells, self.source.quantum(), self.step.options.noise).noise)
    }

    fn neighborhood(
        &self,
        level: Level,
        cx: &BlockContext<'_>,
        warnings: &mut Vec<(String, String)>,
    ) -> Result<Vec<ColocRow>, BlockError> {
        let (source, shape) = (self.source, self.source.volume.shape);
        let count = source.meta().shape[1] as usize;
        let spot = |b: &Blob| Spot { position: b.position, channel: b.channel };
        let spots = self.blobs.iter().map(spot).collect();
        let wide = |p: [usize; 3]| p.map(|n| n as u64);
        let all =
            Neighborhoods::new(spots, wide(shape), count, level).map_err(SourceError::from)?;
        let halo = [RADIUS as usize; 3];
        let mut parts = Vec::new();
        for core in self.cores(halo, (count * source.meta().dtype.size()) as u64, cx.budget) {
            if cx.progress.is_cancelled() {
                return Err(BlockError::Cancelled);
            }
            let needed = core.grown(halo, shape);
            let pixels = source.read_all(self.t, needed)?;
            let bounds = (wide(core.start), wide(core.shape()));
            parts.push(dispatch!(pixels.dtype(), T => {
                let view = pixels.view::<T>().ok_or("the block has another type")?;
                let view = view.index_axis(Axis(0), 0);
                all.measure(bounds, wide(needed.start), &view).map_err(SourceError::from)?
            }));
        }
        let result = all.decide(parts).map_err(SourceError::from)?;
        if result.emptied > 0 {
            let what = format!(
                "{} blobs of frame {} lie under others; their whole ball counts for them",
                result.emptied, self.t
            );
            warnings.push(("blobs-under-others".to_owned(), what));
        }
        let mut rows = Vec::new();
        for (i, blob) in self.blobs.iter().enumerate() {
            for channel in source.channels.iter().copied() {
                let at = [i, usize::from(channel)];
                let mean = result.means[at];
                rows.push(ColocRow {
                    blob_id: blob.id,
                    blob_channel: blob.channel,
                    channel,
                    mean: mean.is_finite().then_some(mean),
                    threshold: result.thresholds[usize::from(channel)],
                    contrast: None,
                    score: None,
                    p_value: None,
                    coloc: result.flags[at] == 1,
                });
            }
        }
        Ok(rows)
    }
}
