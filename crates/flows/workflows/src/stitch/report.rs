//! The page of a stitched layout: what it looks like, what to distrust, what made it.

use hooke_stitch::Layout;
use hooke_stitch::layout::{Pair, PairStatus, PlacedBy, TileStatus};

use super::report_map::map;
use crate::report::page::{Page, Table};
use crate::report::plot::{histogram, number};

/// A picture of the page: a data URI and what it shows.
pub struct Picture {
    /// `data:image/png;base64,...`.
    pub uri: String,
    /// One sentence.
    pub caption: String,
}

/// Everything that the page shows besides the layout.
#[derive(Default)]
pub struct Extras {
    /// The fused volume.
    pub volume: Option<Picture>,
    /// Overlays of all tiles.
    pub overlays: Vec<Picture>,
    /// Crops at seams, worst first.
    pub seams: Vec<Picture>,
    /// How the volume was blended, if there is one.
    pub blend: Option<String>,
    /// Settings that somebody gave.
    pub changed: Table,
    /// What was read.
    pub inputs: Table,
    /// The settings, to copy.
    pub run_toml: String,
    /// The line that repeats the run.
    pub again: String,
    /// The section about this run: what differs from run to run.
    pub run: Table,
}

/// Makes the page.
pub fn page(title: &str, layout: &Layout, extras: &Extras) -> String {
    let (verdict, good) = verdict(layout);
    let mut page = Page::new(title, &verdict, good);
    page.text(match good {
        true => "Nothing needs your attention; the seams below are worth a look all the same.",
        false => "Look at the table \u{201c}What to distrust\u{201d} first, then at the seams.",
    });
    if let Some(volume) = &extras.volume {
        page.section("The volume").picture(&volume.uri, &volume.caption);
    }
    if !extras.overlays.is_empty() {
        page.section("The tiles together");
        for picture in &extras.overlays {
            page.picture(&picture.uri, &picture.caption);
        }
    }
    page.section("Where the tiles lie");
    page.plot(
        &map(layout),
        "Tiles as boxes, one colour per island of connected tiles; tiles that nothing but the \
         stage places are red. Links between neighbours: green fits well, orange weakly, red was \
         rejected, grey was not measured. Arrows show what is left over, ten times longer than it \
         is. Hover for names and numbers.",
    );
    if !extras.seams.is_empty() {
        page.section("The seams to look at first");
        page.text(
            "At most twelve, the worst first. Magenta is the first tile, green the second; where both show \
             the same the picture is grey. Left where the stage says, right as placed: coloured \
             ghosts on the right mean a wrong seam.",
        );
        for picture in &extras.seams {
            page.picture(&picture.uri, &picture.caption);
        }
    }
    numbers(&mut page, layout);
    distrust(&mut page, layout);
    stage_model(&mut page, layout);
    if !extras.changed.is_empty() {
        page.section("Settings that were given").table(&extras.changed);
    }
    if !extras.inputs.is_empty() {
        page.section("What was read").table(&extras.inputs);
    }
    if !extras.run.is_empty() {
        page.run_section(&extras.run);
    }
    page.section("For your methods section").text(&methods(layout, extras));
    if !extras.run_toml.is_empty() {
        page.section("Every setting");
        if !extras.again.is_empty() {
            page.text("This line repeats the run bit for bit:").code(&extras.again);
        }
        page.folded_code("run.toml", &extras.run_toml);
    }
    page.finish()
}

/// What to write in a paper.
fn methods(layout: &Layout, extras: &Extras) -> String {
    let mut text = format!("Tiles were stitched with Hooke {}: ", env!("CARGO_PKG_VERSION"));
    let measure = layout.provenance.as_ref().map(|p| &p["parameters"]["measure"]);
    text += match measure.and_then(serde_json::Value::as_str) {
        Some("msd") => "displacements of neighbouring tiles by the mean squared difference",
        Some("phase") => "displacements of neighbouring tiles by phase correlation",
        _ => {
            "displacements of neighbouring tiles by normalised cross-correlation (Padfield 2012, \
             doi:10.1109/TIP.2011.2181402)"
        }
    };
    if let Some(placement) = &layout.placement {
        text += match placement.method.as_str() {
            "robust" => {
                ", positions by a robust least-squares solve over all of them (graduated \
                 non-convexity, Yang et al. 2020, doi:10.1109/LRA.2020.2965893)"
            }
            "tree" => ", positions by sums along shortest paths",
            _ => ", positions by least squares over all of them",
        };
    }
    if let Some(blend) = &extras.blend {
        text += &format!(", overlaps blended by `{blend}`");
    }
    text + "."
}

fn count(layout: &Layout, status: TileStatus) -> usize {
    layout.tiles.iter().filter(|t| t.status == Some(status)).count()
}

fn verdict(layout: &Layout) -> (String, bool) {
    let tiles = layout.tiles.len();
    let Some(placement) = &layout.placement else {
        return (format!("{tiles} tiles at their stage positions; not placed yet."), false);
    };
    let stage = count(layout, TileStatus::Stage);
    let mut text = match stage {
        0 if tiles == 1 => "The tile is placed.".to_owned(),
        0 => format!("All {tiles} tiles are placed by what their overlaps show."),
        _ => format!(
            "{} of {tiles} tiles are placed by what their overlaps show; {stage} {} no overlap to \
             trust and stand where the stage says.",
            tiles - stage,
            if stage == 1 { "has" } else { "have" }
        ),
    };
    if let Some(rms) = placement.residual_rms_px {
        text += &format!(" The overlaps agree to {} px rms.", px(rms));
    }
    if let Some((rms, max)) = stage_error(layout) {
        text += &format!(" The stage was off by {} px rms, {} px at most.", px(rms), px(max));
    }
    match placement.rejected {
        0 => {}
        1 => text += " 1 link contradicts the others and was rejected.",
        n => text += &format!(" {n} links contradict the others and were rejected."),
    }
    if layout.islands.len() > 1 {
        text += &format!(
            " The tiles fall into {} islands; how these lie to each other is the stage's word.",
            layout.islands.len()
        );
    }
    (text, stage == 0 && layout.islands.len() <= 1)
}

/// How far the stage stood from the placed positions, rms and maximum in voxels, apart from one
/// shift of everything.
fn stage_error(layout: &Layout) -> Option<(f64, f64)> {
    let moved: Vec<[f64; 3]> = layout
        .tiles
        .iter()
        .filter(|t| t.status != Some(TileStatus::Stage))
        .filter_map(|t| Some((t.position_px?, t.nominal_px)))
        .map(|(placed, nominal)| std::array::from_fn(|d| placed[d] - nominal[d]))
        .collect();
    if moved.len() < 2 {
        return None;
    }
    let n = moved.len() as f64;
    let mean: [f64; 3] = std::array::from_fn(|d| moved.iter().map(|m| m[d]).sum::<f64>() / n);
    let squared = |m: &[f64; 3]| (0..3).map(|d| (m[d] - mean[d]).powi(2)).sum::<f64>();
    let all: Vec<f64> = moved.iter().map(squared).collect();
    let max = all.iter().copied().fold(0.0, f64::max).sqrt();
    Some(((all.iter().sum::<f64>() / n).sqrt(), max))
}

/// A distance; what no camera can see is not spelled out.
fn px(value: f64) -> String {
    match value < 1e-3 {
        true => "less than 0.001".to_owned(),
        false => number((value * 1e3).round() / 1e3),
    }
}

/// A reason of the layout as a sentence; other texts stay as they are.
fn sentence(reason: &str) -> String {
    let words = match reason {
        "low_quality" => "its quality is below --min-quality",
        "outlier" => "contradicts what the other links say",
        "inconsistent_loop" => "a round trip over four tiles does not close",
        "dropped" => "left out on request",
        "no_link" => "no link to a neighbour is left",
        "no_signal" => "nothing but background or noise in the overlap",
        "no_overlap" => "the tiles do not overlap",
        "unread" => "a tile cannot be read",
        "rejected" => "rejected",
        "like_wrong_partners" => "the overlap fits no better than unrelated pieces do",
        other => return other.to_owned(),
    };
    format!("{words} ({reason})")
}

fn residual(pair: &Pair) -> Option<f64> {
    let r = pair.residual_px?;
    let measured = r.0.iter().filter(|v| v.is_finite());
    Some(measured.map(|v| v * v).sum::<f64>().sqrt())
}

fn numbers(page: &mut Page, layout: &Layout) {
    let kept: Vec<f64> =
        layout.pairs.iter().filter(|p| p.status == PairStatus::Kept).filter_map(residual).collect();
    page.section("Numbers");
    if !kept.is_empty() {
        page.plot(
            &histogram(&kept, 24, "residual (px)", "links"),
            "How far the placed tiles stand from what each kept link measured.",
        );
    }
    let quality: Vec<f64> = layout.pairs.iter().filter_map(|p| p.quality).collect();
    if !quality.is_empty() {
        page.plot(
            &histogram(&quality, 24, "quality", "links"),
            "Normalised cross-correlation of every measured overlap; 1 is perfect.",
        );
    }
    let mut table = Table::new(&["", ""]);
    let statuses = [
        ("links kept", PairStatus::Kept),
        ("links rejected", PairStatus::Rejected),
        ("links measured, not judged", PairStatus::Measured),
        ("pairs without signal", PairStatus::NoSignal),
        ("pairs without overlap", PairStatus::NoOverlap),
        ("pairs that could not be read", PairStatus::Unread),
    ];
    table.row(vec!["tiles".into(), layout.tiles.len().to_string()]);
    for (name, status) in statuses {
        let n = layout.pairs.iter().filter(|p| p.status == status).count();
        if n > 0 {
            table.row(vec![name.into(), n.to_string()]);
        }
    }
    if let Some(p) = &layout.placement {
        table.row(vec!["method".into(), p.method.clone()]);
        let show = |v: Option<f64>| v.map_or("-".to_owned(), px);
        table.row(vec!["residual rms (px)".into(), show(p.residual_rms_px)]);
        table.row(vec!["residual max (px)".into(), show(p.residual_max_px)]);
    }
    page.table(&table);
}

fn distrust(page: &mut Page, layout: &Layout) {
    let mut table = Table::new(&["what", "quality", "residual (px)", "why"]);
    for tile in layout.tiles.iter().filter(|t| t.status == Some(TileStatus::Stage)) {
        let why = tile.reason.as_deref().map_or("placed by the stage".to_owned(), sentence);
        table.row(vec![
            format!("tile {} {}", tile.id, tile.name),
            String::new(),
            String::new(),
            why,
        ]);
    }
    for pair in &layout.pairs {
        let fine = matches!(pair.status, PairStatus::Kept | PairStatus::Measured);
        if fine && pair.reason.is_none() {
            continue;
        }
        let why = pair
            .reason
            .clone()
            .or_else(|| serde_json::to_value(pair.status).ok()?.as_str().map(str::to_owned));
        table.row(vec![
            format!("link {}-{}", pair.pre, pair.post),
            pair.quality.map_or(String::new(), number),
            residual(pair).map_or(String::new(), number),
            why.as_deref().map(sentence).unwrap_or_default(),
        ]);
    }
    for island in layout.islands.iter().filter(|i| i.placed_by == PlacedBy::Stage) {
        let tiles: Vec<String> = island.tiles.iter().map(usize::to_string).collect();
        let what = format!("island {} (tiles {})", island.id, tiles.join(" "));
        table.row(vec![what, String::new(), String::new(), "placed by the stage".to_owned()]);
    }
    for warning in &layout.warnings {
        table.row(vec![
            warning.code.clone(),
            String::new(),
            String::new(),
            warning.message.clone(),
        ]);
    }
    page.section("What to distrust");
    if table.is_empty() {
        page.text("Nothing: every tile is held by overlaps that agree with each other.");
    } else {
        page.table(&table);
    }
}

fn stage_model(page: &mut Page, layout: &Layout) {
    let Some(model) = layout.placement.as_ref().and_then(|p| p.stage_model) else { return };
    page.section("The stage").text(
        "How placed positions follow from stage positions. A diagonal of 0.99 means that steps are \
         1 % shorter than the stage says (often a slightly wrong pixel size); numbers off the \
         diagonal mean that camera and stage are turned against each other.",
    );
    let mut table = Table::new(&["axis", "z", "y", "x", "offset (px)", "sd (px)"]);
    for (d, axis) in ["z", "y", "x"].iter().enumerate() {
        let row = model.matrix.0[d];
        let mut cells = vec![(*axis).to_owned()];
        cells.extend(row.iter().map(|v| format!("{v:.5}")));
        cells.push(number(model.offset_px[d]));
        cells.push(number(model.sd_px[d]));
        table.row(cells);
    }
    page.table(&table);
}
