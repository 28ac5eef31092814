//! The page of a stitched layout: what it looks like, what to distrust, what made it.

use hooke_stitch::layout::{Pair, PairStatus, PlacedBy, TileStatus};
use hooke_stitch::{Layout, Tile};

use crate::report::page::{Page, Table};
use crate::report::plot::{Axes, PALETTE, histogram, number};

/// Residuals are drawn this many times longer than they are.
const ARROW_SCALE: f64 = 10.0;
/// Quality below which a link is drawn as weak.
const WEAK_QUALITY: f64 = 0.5;

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
    /// Overlays of all tiles.
    pub overlays: Vec<Picture>,
    /// Crops at seams, worst first.
    pub seams: Vec<Picture>,
    /// The settings, to copy.
    pub run_toml: String,
    /// The section about this run: what differs from run to run.
    pub run: Table,
}

/// Makes the page.
pub fn page(title: &str, layout: &Layout, extras: &Extras) -> String {
    let (verdict, good) = verdict(layout);
    let mut page = Page::new(title, &verdict, good);
    if !extras.overlays.is_empty() {
        page.section("The tiles together");
        for picture in &extras.overlays {
            page.picture(&picture.uri, &picture.caption);
        }
    }
    page.section("Where the tiles lie");
    page.plot(&map(layout), "Tiles coloured by island; links by quality; residuals as arrows, ten times longer than they are. Hover for names and numbers.");
    if !extras.seams.is_empty() {
        page.section("The seams to look at first");
        page.text("Magenta is the first tile, green the second; where they agree the picture is grey. Left at the stage position, right as placed.");
        for picture in &extras.seams {
            page.picture(&picture.uri, &picture.caption);
        }
    }
    numbers(&mut page, layout);
    distrust(&mut page, layout);
    stage_model(&mut page, layout);
    if !extras.run_toml.is_empty() {
        page.section("Settings")
            .text("Save these lines as run.toml; hooke --config run.toml repeats the run.");
        page.code(&extras.run_toml);
    }
    if !extras.run.is_empty() {
        page.run_section(&extras.run);
    }
    page.finish()
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
    let residual = placement
        .residual_rms_px
        .map_or("no residual".to_owned(), |r| format!("residuals {} px rms", number(r)));
    let mut text =
        format!("{} of {tiles} tiles are placed by their links, {residual}.", tiles - stage);
    if stage > 0 {
        text +=
            &format!(" {stage} tiles have no link worth keeping and stand where the stage says.");
    }
    if placement.rejected > 0 {
        text += &format!(" {} links were rejected.", placement.rejected);
    }
    if layout.islands.len() > 1 {
        text += &format!(" The tiles fall into {} islands.", layout.islands.len());
    }
    (text, stage == 0 && layout.islands.len() <= 1)
}

/// The two axes of the map: those along which the layout is longest.
fn map_axes(layout: &Layout) -> (usize, usize) {
    let shape = layout.shape();
    let spread = |d: usize| {
        let first = layout.tiles.first().map_or(0.0, |t| t.shape[d] as f64);
        shape[d] - first
    };
    // y across x unless the tiles are spread along z more than along y or x.
    if spread(0) > 0.0 && spread(1) <= 0.0 {
        (0, 2)
    } else if spread(0) > 0.0 && spread(2) <= 0.0 {
        (0, 1)
    } else {
        (1, 2)
    }
}

fn centre(tile: &Tile, d: usize) -> f64 {
    tile.current_px()[d] + tile.shape[d] as f64 / 2.0
}

fn map(layout: &Layout) -> String {
    let (v, h) = map_axes(layout);
    let (low, high) = (layout.lower().unwrap_or([0.0; 3]), layout.upper().unwrap_or([1.0; 3]));
    let name = |d: usize| ["z (px)", "y (px)", "x (px)"][d];
    let mut axes = Axes::map((low[h], high[h]), (low[v], high[v]), name(h), name(v));
    for tile in &layout.tiles {
        let color = PALETTE[tile.island.unwrap_or(0) % PALETTE.len()];
        let color = if tile.status == Some(TileStatus::Stage) { "#b3261e" } else { color };
        let p = tile.current_px();
        let end = [p[v] + tile.shape[v] as f64, p[h] + tile.shape[h] as f64];
        let title = format!("tile {} {}: {}, {}", tile.id, tile.name, number(p[v]), number(p[h]));
        axes.area((p[h], p[v]), (end[1], end[0]), color, &title);
        axes.label((centre(tile, h), centre(tile, v)), &tile.id.to_string());
    }
    for pair in &layout.pairs {
        draw_link(&mut axes, layout, pair, (v, h));
    }
    axes.finish()
}

fn draw_link(axes: &mut Axes, layout: &Layout, pair: &Pair, (v, h): (usize, usize)) {
    let (Some(a), Some(b)) = (layout.tile(pair.pre), layout.tile(pair.post)) else { return };
    let (from, to) = ((centre(a, h), centre(a, v)), (centre(b, h), centre(b, v)));
    let quality = pair.quality.map_or("none".to_owned(), number);
    let color = match pair.status {
        PairStatus::Rejected => "#b3261e",
        PairStatus::Kept | PairStatus::Measured if pair.quality.unwrap_or(0.0) >= WEAK_QUALITY => {
            "#009E73"
        }
        PairStatus::Kept | PairStatus::Measured => "#E69F00",
        _ => "#999999",
    };
    let reason = pair.reason.as_deref().map(|r| format!(", {r}")).unwrap_or_default();
    let title = format!("link {}-{}: quality {quality}{reason}", pair.pre, pair.post);
    axes.segment(from, to, color, 2.0, &title);
    if let Some(residual) = pair.residual_px.filter(|r| r[h].is_finite() && r[v].is_finite()) {
        let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
        let tip = (middle.0 + ARROW_SCALE * residual[h], middle.1 + ARROW_SCALE * residual[v]);
        let length = (residual[h].powi(2) + residual[v].powi(2)).sqrt();
        axes.segment(middle, tip, "#D55E00", 3.0, &format!("residual {} px", number(length)));
    }
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
        let show = |v: Option<f64>| v.map_or("-".to_owned(), number);
        table.row(vec!["residual rms (px)".into(), show(p.residual_rms_px)]);
        table.row(vec!["residual max (px)".into(), show(p.residual_max_px)]);
    }
    page.table(&table);
}

fn distrust(page: &mut Page, layout: &Layout) {
    let mut table = Table::new(&["what", "quality", "residual (px)", "why"]);
    for tile in layout.tiles.iter().filter(|t| t.status == Some(TileStatus::Stage)) {
        let why = tile.reason.clone().unwrap_or_else(|| "placed by the stage".to_owned());
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
            why.unwrap_or_default(),
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
        page.text("Nothing: every tile hangs on links that agree.");
    } else {
        page.table(&table);
    }
}

fn stage_model(page: &mut Page, layout: &Layout) {
    let Some(model) = layout.placement.as_ref().and_then(|p| p.stage_model) else { return };
    page.section("The stage").text("Placed positions as an affine function of stage positions; the diagonal is the true step over the nominal one, off the diagonal is skew between camera and stage.");
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
