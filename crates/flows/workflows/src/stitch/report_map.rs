//! The map of a layout: tiles, links and residuals.

use hooke_stitch::layout::{Pair, PairStatus, TileStatus};
use hooke_stitch::{Layout, Tile};

use crate::report::plot::{Axes, PALETTE, number};

/// Residuals are drawn this many times longer than they are.
const ARROW_SCALE: f64 = 10.0;
/// Quality below which a link is drawn as weak.
const WEAK_QUALITY: f64 = 0.5;

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

/// Draws the tiles by island, the links by quality, and what is left over after placing.
pub(super) fn map(layout: &Layout) -> String {
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
