//! The page about a movie's events: where and when they are, how long, large and fast.

use hooke_core::image::SourceError;
use hooke_events::characterize::EventRow;
use ndarray::Array2;

use super::detect::DetectWorkflow;
use crate::report::plot::{Axes, histogram, number};
use crate::report::{Page, Table, png_data_uri};

/// Most bars of a histogram.
const BINS: usize = 40;
/// Events in the raster, and traces that are shown.
const RASTER: usize = 2000;
const TRACES: usize = 24;

/// Projections of a movie and its map along time.
pub(super) struct Pictures {
    pub brightest: Array2<f32>,
    /// First frame with a label, the largest number where there is none.
    pub onset: Array2<u32>,
    pub frames: u32,
}

impl Pictures {
    pub fn new(shape: [usize; 2]) -> Pictures {
        Pictures {
            brightest: Array2::from_elem(shape, f32::NEG_INFINITY),
            onset: Array2::from_elem(shape, u32::MAX),
            frames: 0,
        }
    }

    /// The brightest value of every pixel, grey.
    fn grey(&self) -> Vec<u8> {
        let mut sorted: Vec<f32> =
            self.brightest.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f32::total_cmp);
        let at =
            |part: f64| sorted.get((part * (sorted.len().max(1) - 1) as f64) as usize).copied();
        let (low, high) = (at(0.01).unwrap_or(0.0), at(0.995).unwrap_or(1.0));
        let span = if high > low { high - low } else { 1.0 };
        let level = |v: &f32| (255.0 * ((v - low) / span).clamp(0.0, 1.0)) as u8;
        self.brightest.iter().flat_map(|v| [level(v); 3]).collect()
    }

    /// Where events were, coloured by the time they first came, over the dimmed brightest values.
    fn coloured(&self) -> Vec<u8> {
        let mut rgb = self.grey();
        let last = self.frames.saturating_sub(1).max(1);
        for (pixel, onset) in rgb.chunks_exact_mut(3).zip(&self.onset) {
            if *onset == u32::MAX {
                pixel.iter_mut().for_each(|v| *v /= 2);
                continue;
            }
            let light = 0.4 + 0.6 * f64::from(pixel[0]) / 255.0;
            let color = hue(f64::from(*onset) / f64::from(last));
            pixel.copy_from_slice(&color.map(|v| (v * light) as u8));
        }
        rgb
    }
}

/// From blue at 0 over green to red at 1.
fn hue(part: f64) -> [f64; 3] {
    let h = 4.0 * (1.0 - part.clamp(0.0, 1.0));
    let channel = |middle: f64| 255.0 * (2.0 - (h - middle).abs()).clamp(0.0, 1.0);
    [channel(0.0), channel(2.0), channel(4.0)]
}

/// The page.
///
/// # Errors
/// When a picture cannot be packed.
pub(super) fn page(
    workflow: &DetectWorkflow,
    rows: &[EventRow],
    pictures: &Pictures,
) -> Result<String, SourceError> {
    let title = workflow.options.output.file_name().unwrap_or_default().to_string_lossy();
    let verdict = match rows.len() {
        0 => "No event was found.".to_owned(),
        1 => "One event was found.".to_owned(),
        n => format!("{n} events were found."),
    };
    let mut page = Page::new(&title, &verdict, !rows.is_empty());
    let (height, width) = pictures.brightest.dim();
    page.section("Where and when");
    let coloured = png_data_uri(&pictures.coloured(), width, height)?;
    page.picture(
        &coloured,
        "Places of events, coloured by the frame of the first one: blue early, red late.",
    );
    page.picture(
        &png_data_uri(&pictures.grey(), width, height)?,
        "Brightest value of every pixel.",
    );
    if !rows.is_empty() {
        page.plot(
            &raster(rows, pictures.frames),
            "Each line is an event, from its first frame to its last.",
        );
    }
    page.section("How long, large and strong");
    let frames = |n: u32| f64::from(n);
    let interval = rows.first().and_then(|r| r.frame_interval_s);
    let (scale, unit) = interval.map_or((1.0, "frames"), |s| (s, "s"));
    let values = |of: &dyn Fn(&EventRow) -> Option<f64>| -> Vec<f64> {
        rows.iter().filter_map(of).filter(|v| v.is_finite()).collect()
    };
    let duration = format!("duration, {unit}");
    for (values, label, caption) in [
        (
            values(&|r| Some(scale * frames(r.z1 - r.z0))),
            duration.as_str(),
            "How long events last.",
        ),
        (
            values(&|r| Some(r.v_fp_area as f64)),
            "footprint, pixels",
            "How many pixels an event touches.",
        ),
        (
            values(&|r| Some(r.v_max_height)),
            "height",
            "Highest less lowest value of an event's trace.",
        ),
        (
            values(&|r| r.speed_px_frame),
            "speed, pixels per frame",
            "How fast events spread, where that can be told.",
        ),
    ] {
        if !values.is_empty() {
            let bins = (2.0 * (values.len() as f64).sqrt()).ceil() as usize;
            page.plot(&histogram(&values, bins.clamp(4, BINS), label, "events"), caption);
        }
    }
    if !rows.is_empty() {
        page.section("The strongest events")
            .table(&strongest(rows))
            .plot(&traces(rows), "Their traces, one above the other.");
    }
    let text = serde_json::to_string_pretty(&workflow.options.params).unwrap_or_default();
    page.section("How").folded_code("parameters", &text);
    Ok(page.finish())
}

fn by_height(rows: &[EventRow]) -> Vec<&EventRow> {
    let mut sorted: Vec<&EventRow> = rows.iter().collect();
    sorted.sort_by(|a, b| b.v_max_height.total_cmp(&a.v_max_height).then(a.id.cmp(&b.id)));
    sorted.truncate(TRACES);
    sorted
}

fn strongest(rows: &[EventRow]) -> Table {
    let mut table = Table::new(&[
        "event",
        "first frame",
        "frames",
        "row",
        "column",
        "pixels",
        "height",
        "signal to noise",
    ]);
    for row in by_height(rows) {
        table.row(vec![
            row.id.to_string(),
            row.z0.to_string(),
            (row.z1 - row.z0).to_string(),
            number(row.v_fp_cx),
            number(row.v_fp_cy),
            row.v_fp_area.to_string(),
            number(row.v_max_height),
            row.snr.map_or_else(String::new, number),
        ]);
    }
    table
}

fn raster(rows: &[EventRow], frames: u32) -> String {
    let shown = &rows[..rows.len().min(RASTER)];
    let mut axes = Axes::new((0.0, f64::from(frames)), (0.0, shown.len() as f64), "frame", "event");
    for (i, row) in shown.iter().enumerate() {
        let y = i as f64 + 0.5;
        axes.line(&[(f64::from(row.z0), y), (f64::from(row.z1), y)], "#2a6fb0");
    }
    axes.finish()
}

fn traces(rows: &[EventRow]) -> String {
    let shown = by_height(rows);
    let longest = shown.iter().map(|r| r.trace.len()).max().unwrap_or(1);
    let mut axes =
        Axes::new((0.0, longest as f64), (0.0, shown.len() as f64), "frame of the event", "event");
    for (i, row) in shown.iter().enumerate() {
        let low = row.trace.iter().copied().fold(f32::INFINITY, f32::min);
        let span = (row.v_max_height as f32).max(f32::MIN_POSITIVE);
        let base = (shown.len() - 1 - i) as f64;
        let point =
            |(t, v): (usize, &f32)| (t as f64, base + 0.05 + 0.9 * f64::from((v - low) / span));
        let points: Vec<(f64, f64)> = row.trace.iter().enumerate().map(point).collect();
        axes.line(&points, "#2a6fb0");
    }
    axes.finish()
}
