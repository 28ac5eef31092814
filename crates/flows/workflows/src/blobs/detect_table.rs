//! The last stage of detection: all candidates to one table, and the page about it.

use std::sync::Arc;

use hooke_blobs::detect::{Fit, Found, number};
use hooke_core::Blob;
use hooke_core::image::SourceError;
use hooke_core::plan::{Blocks, Plan};
use hooke_io::ChunkCache;
use hooke_io::blobs::{TableMeta, write_rows};
use serde_json::{Value, json};

use super::detect::{DetectWorkflow, found_of, projection_of, row_parameters};
use super::detect_page::{PICTURES, Series, page};
use super::error::BlobsError;
use super::projection::Projection;
use super::regions::LabelImage;
use crate::engine::{BlockContext, BlockError, WorkDir};
use crate::step::Done;
use crate::stitch::sibling;

/// Writes the table and the page into `data/`, and tells what was found.
pub(super) fn write_table(
    workflow: &DetectWorkflow,
    plan: &Plan,
    work: &WorkDir,
    cx: &mut BlockContext<'_>,
) -> Result<Done, BlockError> {
    let stage = plan.stages.iter().find(|s| s.name == "detect").ok_or("no stage `detect`")?;
    let names = workflow.series();
    cx.progress.start("table", names.len() as u64, "volumes");
    let (mut blobs, mut told, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    let mut not_finite = 0;
    for (series, (t, channel)) in names.iter().copied().enumerate() {
        if cx.progress.is_cancelled() {
            return Err(BlockError::Cancelled);
        }
        let detector = workflow.detector(work, series)?;
        let mut picture =
            (series < PICTURES).then(|| Projection::empty(workflow.source.volume.shape));
        let found = gather(workflow, &stage.blocks, series, work, picture.as_mut())?;
        not_finite += found.iter().map(|f| f.not_finite).sum::<u64>();
        let candidates: usize = found.iter().map(|f| f.candidates.len()).sum();
        let kept = keep(workflow, detector.finish(t, channel, &found))?;
        let threshold = detector.threshold();
        let fitted = kept.iter().filter(|b| b.amplitude.is_some()).count();
        told.push(Series { t, channel, candidates, blobs: kept.len(), fitted, threshold, picture });
        blobs.extend(kept);
        cx.progress.advance(1, 0);
    }
    number(&mut blobs);
    let parameters = Some(row_parameters(workflow));
    let meta = TableMeta { image: Some(workflow.source.described()), parameters };
    write_rows(&work.product(), &blobs, &meta).map_err(BlobsError::from)?;
    let html = page(workflow, &told, &blobs)?;
    hooke_io::atomic::write_file(&sibling(&work.product(), "report.html"), &[html.as_bytes()])?;
    if not_finite > 0 {
        let what = format!("{not_finite} voxels are NaN or infinite; none of them is a blob");
        warnings.push(("not-finite".to_owned(), what));
    }
    let fitted: usize = told.iter().map(|of| of.fitted).sum();
    if workflow.options.params.fit == Fit::Gaussian && 2 * fitted < blobs.len() {
        let what = format!(
            "only {fitted} of {} blobs are like a Gaussian; the others are placed by a parabola, without an \
             error (touching or saturated cells, or a --radius that does not fit)",
            blobs.len()
        );
        warnings.push(("few-fitted".to_owned(), what));
    }
    warnings.extend(unfiltered(workflow, work)?);
    let series: Vec<Value> = told.iter().map(Series::to_json).collect();
    Ok(Done { result: json!({"blobs": blobs.len(), "volumes": series}), warnings })
}

/// What all blocks of a frame and channel found; their projections go into `picture`.
fn gather(
    workflow: &DetectWorkflow,
    blocks: &Blocks,
    series: usize,
    work: &WorkDir,
    mut picture: Option<&mut Projection>,
) -> Result<Vec<Found>, SourceError> {
    let mut all = Vec::new();
    for id in 0..blocks.len() {
        let Some(block) = blocks.get(id) else { continue };
        if workflow.series_of(&block.write) != series {
            continue;
        }
        all.push(found_of(work, id)?);
        if let Some(picture) = picture.as_deref_mut() {
            picture.add(&projection_of(work, id)?);
        }
    }
    Ok(all)
}

/// Leaves out what lies outside the mask, and names regions.
fn keep(workflow: &DetectWorkflow, mut blobs: Vec<Blob>) -> Result<Vec<Blob>, BlockError> {
    /// For chunks of masks and regions.
    const CACHE: u64 = 64 << 20;
    let cache = Arc::new(ChunkCache::new(CACHE));
    let shape = workflow.source.volume.shape;
    let open = |path: &Option<std::path::PathBuf>| {
        path.as_deref().map(|p| LabelImage::open(p, &cache)).transpose()
    };
    if let Some(mask) = open(&workflow.options.mask)? {
        let mut inside = Vec::with_capacity(blobs.len());
        for blob in blobs {
            if mask.at(blob.position, shape)? != 0 {
                inside.push(blob);
            }
        }
        blobs = inside;
    }
    if let Some(regions) = open(&workflow.options.regions)? {
        for blob in &mut blobs {
            let region = regions.at(blob.position, shape)?;
            blob.region = if region == 0 { -1 } else { region };
        }
    }
    Ok(blobs)
}

fn unfiltered(
    workflow: &DetectWorkflow,
    work: &WorkDir,
) -> Result<Option<(String, String)>, SourceError> {
    if workflow.series().is_empty() {
        return Ok(None);
    }
    let not = workflow.detector(work, 0)?.unfiltered_axes();
    let axes: Vec<&str> =
        ["z", "y", "x"].into_iter().zip(not).filter(|(_, n)| *n).map(|(a, _)| a).collect();
    Ok((!axes.is_empty()).then(|| {
        let what = format!(
            "the smallest blobs are thinner than half a voxel along {}; that axis is not filtered",
            axes.join(" and ")
        );
        ("axis-not-filtered".to_owned(), what)
    }))
}
