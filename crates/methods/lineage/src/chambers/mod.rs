//! The channels of a mother machine in a level picture, without a network.
//!
//! Cells and ends of channels change along a channel, walls do not: the mean change along y, column by column, has the
//! channels' spacing in its autocorrelation. A comb of that spacing finds the channels; where walls run along them tells
//! how far they reach; the end at which also the walls between them stop is the open one.

mod comb;
mod profiles;
mod rows;

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::LineageError;
use crate::imgops::CropBox;
use comb::{find_comb, find_stripes};
use profiles::Gradients;
use rows::{Reach, find_reach};

/// Added around the walls of a channel, pixels.
const MARGIN: i64 = 2;
/// A comb with fewer teeth is no evidence of a period.
const FEWEST: usize = 3;

/// The side of the picture towards which the channels are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OpenEnd {
    /// Towards small y.
    Top,
    /// Towards large y.
    Bottom,
    /// Towards small x.
    Left,
    /// Towards large x.
    Right,
}

impl OpenEnd {
    fn is_across(self) -> bool {
        matches!(self, Self::Left | Self::Right)
    }
}

/// One channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chamber {
    /// Its box, walls included.
    pub place: CropBox,
    /// Whether nothing is seen in it.
    pub is_empty: bool,
}

/// The channels of a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chambers {
    /// Side by side, from small x on (small y, if they lie across).
    pub chambers: Vec<Chamber>,
    /// Where cells leave.
    pub open_end: OpenEnd,
    /// From the middle of one channel to that of the next, pixels; 0 for a single one.
    pub spacing: f64,
}

/// Finds the channels of a level picture `(y, x)`, of any range of values.
///
/// Upright and lying channels are both tried. From three channels on they are found by their period, which takes empty
/// ones along; one or two must stand out from what is beside them.
///
/// * `open_end`: where cells leave, if it is known.
///
/// # Errors
/// [`LineageError::NoChannels`] where there are none, as in a flat picture, or one with values that are no numbers.
pub fn find_chambers(
    image: ArrayView2<'_, f32>,
    open_end: Option<OpenEnd>,
) -> Result<Chambers, LineageError> {
    if image.iter().any(|v| !v.is_finite()) || image.nrows() < 16 || image.ncols() < 16 {
        return Err(LineageError::NoChannels);
    }
    let upright = open_end.is_none_or(|end| !end.is_across());
    let lying = open_end.is_none_or(OpenEnd::is_across);
    let turned = image.reversed_axes();
    let mut found = None;
    for (is_wanted, view, is_turned) in [(upright, image, false), (lying, turned, true)] {
        if !is_wanted {
            continue;
        }
        let Some(candidate) = find_upright(&view.as_standard_layout().to_owned(), open_end) else {
            continue;
        };
        if found.as_ref().is_none_or(|(best, _): &(Upright, bool)| candidate.score > best.score) {
            found = Some((candidate, is_turned));
        }
    }
    let (found, is_turned) = found.ok_or(LineageError::NoChannels)?;
    Ok(found.into_chambers(is_turned))
}

/// Channels along y.
struct Upright {
    boxes: Vec<(CropBox, bool)>,
    opens_down: bool,
    spacing: f64,
    /// How much they look like channels, to choose between the two directions.
    score: f64,
}

impl Upright {
    fn into_chambers(self, is_turned: bool) -> Chambers {
        let turn = |b: CropBox| CropBox { xtl: b.ytl, ytl: b.xtl, xbr: b.ybr, ybr: b.xbr };
        let chamber = |(place, is_empty): &(CropBox, bool)| Chamber {
            place: if is_turned { turn(*place) } else { *place },
            is_empty: *is_empty,
        };
        let open_end = match (is_turned, self.opens_down) {
            (false, true) => OpenEnd::Bottom,
            (false, false) => OpenEnd::Top,
            (true, true) => OpenEnd::Right,
            (true, false) => OpenEnd::Left,
        };
        Chambers {
            chambers: self.boxes.iter().map(chamber).collect(),
            open_end,
            spacing: self.spacing,
        }
    }
}

fn find_upright(image: &Array2<f32>, open_end: Option<OpenEnd>) -> Option<Upright> {
    let gradients = Gradients::of(image);
    let (height, width) = image.dim();
    let mut rows = 0..height;
    let mut result = None;
    // First all rows, in which other things lie; then those in which the channels of the first look lie.
    for _ in 0..2 {
        let changes = gradients.change_along(rows.clone());
        let edges = gradients.edges_across(rows.clone());
        let comb = find_comb(&changes, &edges);
        let comb = comb.filter(|c| c.centres.len() >= FEWEST);
        let channels = comb.or_else(|| find_stripes(&changes, &edges))?;
        let reach = find_reach(&gradients, &channels, rows.clone())?;
        rows = reach.rows.clone();
        result = Some((channels, reach));
    }
    let (channels, reach) = result?;
    // Channels are long and narrow.
    if (reach.rows.len() as f64) < 2.0 * channels.width {
        return None;
    }
    let opens_down = match open_end {
        Some(OpenEnd::Bottom | OpenEnd::Right) => true,
        Some(_) => false,
        None => reach.opens_down,
    };
    let (top, bottom) = reach.ends(opens_down, height);
    let half = channels.width / 2.0;
    let mut boxes = Vec::new();
    let is_empty = emptiness(&gradients, &channels, &reach);
    for (centre, is_empty) in channels.centres.iter().zip(is_empty) {
        let place = CropBox {
            xtl: ((centre - half).round() as i64 - MARGIN).max(0),
            ytl: top,
            xbr: ((centre + half).round() as i64 + 1 + MARGIN).min(width as i64),
            ybr: bottom,
        };
        boxes.push((place, is_empty));
    }
    let score = channels.regularity * reach.contrast * reach.coherence.sqrt();
    Some(Upright { boxes, opens_down, spacing: channels.spacing, score })
}

/// For each channel whether its inner half changes along y hardly more than the walls do.
fn emptiness(gradients: &Gradients, channels: &comb::Channels, reach: &Reach) -> Vec<bool> {
    let length = reach.rows.len();
    let inner = reach.rows.start + length / 8..reach.rows.end - length / 8;
    let changes = gradients.change_along(inner);
    let mean = |centre: f64, half: f64| {
        let from = (centre - half).round().max(0.0) as usize;
        let to = ((centre + half).round() as usize).min(changes.len() - 1);
        let part = changes.get(from..=to).unwrap_or_default();
        part.iter().sum::<f64>() / part.len().max(1) as f64
    };
    let inside: Vec<f64> =
        channels.centres.iter().map(|c| mean(*c, channels.width / 4.0)).collect();
    let mut sorted = changes.clone();
    sorted.sort_by(f64::total_cmp);
    // What the quietest columns show is noise.
    let noise = sorted[sorted.len() / 20];
    let full = inside.iter().copied().fold(0.0, f64::max);
    inside.iter().map(|v| v - noise < 0.25 * (full - noise)).collect()
}
