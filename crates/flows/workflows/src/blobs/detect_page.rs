//! The page about detected blobs: projections with the blobs drawn on them, sizes, scores.

use hooke_core::Blob;
use hooke_core::image::SourceError;
use serde_json::{Value, json};

use super::detect::{DetectWorkflow, row_parameters};
use super::projection::Projection;
use crate::report::plot::{histogram, number};
use crate::report::{Page, Table, png_data_uri};

/// Projections that are shown.
pub(super) const PICTURES: usize = 12;
/// Bars of a histogram.
const BINS: usize = 40;
const MARK: [u8; 3] = [255, 170, 0];

/// What was found in one frame of one channel.
pub(super) struct Series {
    pub t: u32,
    pub channel: u16,
    pub candidates: usize,
    pub blobs: usize,
    /// Those of them that a Gaussian could be fitted to.
    pub fitted: usize,
    pub threshold: f64,
    /// Kept of the first few only.
    pub picture: Option<Projection>,
}

impl Series {
    pub fn to_json(&self) -> Value {
        json!({
            "t": self.t, "channel": self.channel, "candidates": self.candidates,
            "blobs": self.blobs, "fitted": self.fitted, "threshold": self.threshold,
        })
    }
}

/// The page.
///
/// # Errors
/// When a picture cannot be packed.
pub(super) fn page(
    workflow: &DetectWorkflow,
    series: &[Series],
    blobs: &[Blob],
) -> Result<String, SourceError> {
    let title = workflow.options.output.file_name().unwrap_or_default().to_string_lossy();
    let verdict = match blobs.len() {
        0 => "No blob was found.".to_owned(),
        n => format!("{n} blobs were found."),
    };
    let mut page = Page::new(&title, &verdict, !blobs.is_empty());
    let mut counts = Table::new(&[
        "frame",
        "channel",
        "blobs",
        "fitted by a Gaussian",
        "candidates before double ones went",
        "least score",
    ]);
    for of in series {
        counts.row(vec![
            of.t.to_string(),
            channel_name(workflow, of.channel),
            of.blobs.to_string(),
            of.fitted.to_string(),
            of.candidates.to_string(),
            number(of.threshold),
        ]);
    }
    page.section("Counts").table(&counts);
    page.section("Blobs on maximum projections along z");
    for of in series {
        let Some(projection) = &of.picture else { continue };
        let own = blobs.iter().filter(|b| b.t == of.t && b.channel == of.channel);
        let picture = draw(workflow, projection, own);
        let [height, width] = projection.shape;
        let caption = format!(
            "frame {}, channel {}: {} blobs; circles have the blobs' radius",
            of.t,
            channel_name(workflow, of.channel),
            of.blobs
        );
        page.picture(&png_data_uri(&picture, width, height)?, &caption);
    }
    if series.len() > PICTURES {
        page.text(&format!("and {} more frames and channels", series.len() - PICTURES));
    }
    let values = |of: &dyn Fn(&Blob) -> Option<f32>| -> Vec<f64> {
        blobs.iter().filter_map(of).map(f64::from).filter(|v| v.is_finite()).collect()
    };
    page.section("Sizes and strengths");
    for (values, label, caption) in [
        (values(&|b| Some(b.radius_um)), "radius, µm", "How large the blobs are."),
        (
            values(&|b| Some(b.score)),
            "score",
            "How far blobs stand out of the noise: a heap at the left end means that the threshold \
             cuts through real blobs.",
        ),
        (values(&|b| b.amplitude), "amplitude, grey levels", "Height of the fitted Gaussians."),
        (
            values(&|b| b.fit_chi2),
            "chi-squared per degree of freedom",
            "About 1 where blobs are Gaussians on an even background.",
        ),
    ] {
        if !values.is_empty() {
            page.plot(&histogram(&values, BINS, label, "blobs"), caption);
        }
    }
    let text = serde_json::to_string_pretty(&row_parameters(workflow)).unwrap_or_default();
    page.section("How").folded_code("parameters", &text);
    Ok(page.finish())
}

fn channel_name(workflow: &DetectWorkflow, channel: u16) -> String {
    let known = workflow.source.meta().channels.get(usize::from(channel));
    known.and_then(|c| c.name.clone()).map_or(channel.to_string(), |n| format!("{channel} {n}"))
}

/// The projection with a circle for each blob.
fn draw<'a>(
    workflow: &DetectWorkflow,
    picture: &Projection,
    blobs: impl Iterator<Item = &'a Blob>,
) -> Vec<u8> {
    let mut rgb = picture.to_rgb();
    let [height, width] = picture.shape;
    let factor = picture.factor as f64;
    let [_, y_um, x_um] = workflow.source.volume.voxel_um;
    for blob in blobs {
        let [_, y, x] = blob.position.map(|p| (p + 0.5) / factor);
        let radius = [y_um, x_um].map(|um| (f64::from(blob.radius_um) / um / factor).max(1.5));
        let steps = (7.0 * radius[0].max(radius[1])).ceil().clamp(12.0, 400.0);
        for step in 0..steps as usize {
            let (sin, cos) = (std::f64::consts::TAU * step as f64 / steps).sin_cos();
            let (py, px) = ((y + radius[0] * sin).floor(), (x + radius[1] * cos).floor());
            if (0.0..height as f64).contains(&py) && (0.0..width as f64).contains(&px) {
                let at = 3 * (py as usize * width + px as usize);
                rgb[at..at + 3].copy_from_slice(&MARK);
            }
        }
    }
    rgb
}
