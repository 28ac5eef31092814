//! Plots as SVG text. Axes are always labelled, with unit.

use std::fmt::Write as _;

use super::page::escape;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;
/// Okabe and Ito's palette, told apart by colour-blind readers.
pub const PALETTE: [&str; 8] =
    ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#999999"];

/// The frame of a plot: ranges, labels, ticks.
pub struct Axes {
    x: (f64, f64),
    y: (f64, f64),
    svg: String,
    width: f64,
    height: f64,
}

impl Axes {
    /// Axes over the given ranges; an empty range is widened.
    pub fn new(x: (f64, f64), y: (f64, f64), x_label: &str, y_label: &str) -> Axes {
        Axes::sized(x, y, x_label, y_label, WIDTH, HEIGHT, false)
    }

    /// Axes of a map: equal scales on both axes and y pointing down, as in an image.
    pub fn map(x: (f64, f64), y: (f64, f64), x_label: &str, y_label: &str) -> Axes {
        let (x, y) = (widened(x), widened(y));
        let aspect = ((y.1 - y.0) / (x.1 - x.0)).clamp(0.2, 3.0);
        let width = 620.0;
        let height = (width - LEFT - RIGHT) * aspect + TOP + BOTTOM;
        Axes::sized(x, (y.1, y.0), x_label, y_label, width, height, true)
    }

    fn sized(
        x: (f64, f64),
        y: (f64, f64),
        x_label: &str,
        y_label: &str,
        width: f64,
        height: f64,
        map: bool,
    ) -> Axes {
        let (x, y) = if map { (x, y) } else { (widened(x), widened(y)) };
        let mut axes = Axes { x, y, svg: String::new(), width, height };
        let _ = write!(
            axes.svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">"
        );
        axes.frame(x_label, y_label);
        axes
    }

    fn frame(&mut self, x_label: &str, y_label: &str) {
        let (right, bottom) = (self.width - RIGHT, self.height - BOTTOM);
        let _ = write!(
            self.svg,
            "<path d=\"M{LEFT} {TOP}V{bottom:.1}H{right:.1}\" fill=\"none\" stroke=\"#888\"/>"
        );
        for tick in ticks(self.x) {
            let x = self.to_x(tick);
            let _ = write!(
                self.svg,
                "<path d=\"M{x:.1} {bottom:.1}v4\" stroke=\"#888\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 16.0,
                number(tick)
            );
        }
        for tick in ticks((self.y.0.min(self.y.1), self.y.0.max(self.y.1))) {
            let y = self.to_y(tick);
            let _ = write!(
                self.svg,
                "<path d=\"M{LEFT} {y:.1}h-4\" stroke=\"#888\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 7.0,
                y + 4.0,
                number(tick)
            );
        }
        let _ = write!(
            self.svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text transform=\"translate(13 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            (LEFT + right) / 2.0,
            self.height - 8.0,
            escape(x_label),
            (TOP + bottom) / 2.0,
            escape(y_label)
        );
    }

    fn to_x(&self, v: f64) -> f64 {
        LEFT + (v - self.x.0) / (self.x.1 - self.x.0) * (self.width - LEFT - RIGHT)
    }

    fn to_y(&self, v: f64) -> f64 {
        let bottom = self.height - BOTTOM;
        bottom - (v - self.y.0) / (self.y.1 - self.y.0) * (bottom - TOP)
    }

    /// Joined points.
    pub fn line(&mut self, points: &[(f64, f64)], color: &str) -> &mut Axes {
        let mut path = String::new();
        for (i, (x, y)) in points.iter().enumerate() {
            let step = if i == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{step}{:.1} {:.1}", self.to_x(*x), self.to_y(*y));
        }
        let _ = write!(
            self.svg,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"/>"
        );
        self
    }

    /// Dots, each with a text shown on hovering.
    pub fn dots(&mut self, points: &[(f64, f64, String)], color: &str) -> &mut Axes {
        for (x, y, title) in points {
            let _ = write!(
                self.svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{color}\"><title>{}</title></circle>",
                self.to_x(*x),
                self.to_y(*y),
                escape(title)
            );
        }
        self
    }

    /// A box `(x0, y0)..(x1, y1)` with a text shown on hovering.
    pub fn area(
        &mut self,
        from: (f64, f64),
        to: (f64, f64),
        color: &str,
        title: &str,
    ) -> &mut Axes {
        let (x0, x1) = ordered(self.to_x(from.0), self.to_x(to.0));
        let (y0, y1) = ordered(self.to_y(from.1), self.to_y(to.1));
        let _ = write!(
            self.svg,
            "<rect x=\"{x0:.1}\" y=\"{y0:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{color}\" \
             fill-opacity=\"0.18\" stroke=\"{color}\"><title>{}</title></rect>",
            x1 - x0,
            y1 - y0,
            escape(title)
        );
        self
    }

    /// A segment, for links and arrows.
    pub fn segment(
        &mut self,
        a: (f64, f64),
        b: (f64, f64),
        color: &str,
        width: f64,
        title: &str,
    ) -> &mut Axes {
        let _ = write!(
            self.svg,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{color}\" \
             stroke-width=\"{width:.1}\"><title>{}</title></line>",
            self.to_x(a.0),
            self.to_y(a.1),
            self.to_x(b.0),
            self.to_y(b.1),
            escape(title)
        );
        self
    }

    /// A short text at a point.
    pub fn label(&mut self, at: (f64, f64), text: &str) -> &mut Axes {
        let _ = write!(
            self.svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            self.to_x(at.0),
            self.to_y(at.1) + 4.0,
            escape(text)
        );
        self
    }

    /// The finished SVG.
    pub fn finish(&self) -> String {
        format!("{}</svg>", self.svg)
    }
}

/// A histogram of the finite values over equal bins; an empty frame when there are none.
pub fn histogram(values: &[f64], bins: usize, x_label: &str, y_label: &str) -> String {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let low = finite.iter().copied().fold(f64::INFINITY, f64::min);
    let high = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if finite.is_empty() {
        return Axes::new((0.0, 1.0), (0.0, 1.0), x_label, y_label).finish();
    }
    let (low, high) = widened((low, high));
    let bins = bins.max(1);
    let mut counts = vec![0usize; bins];
    for v in &finite {
        let i = ((v - low) / (high - low) * bins as f64) as usize;
        counts[i.min(bins - 1)] += 1;
    }
    let top = counts.iter().copied().max().unwrap_or(1) as f64;
    let mut axes = Axes::new((low, high), (0.0, top), x_label, y_label);
    let step = (high - low) / bins as f64;
    for (i, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
        let x = low + i as f64 * step;
        let title = format!("{} to {}: {count}", number(x), number(x + step));
        axes.area((x, 0.0), (x + step, *count as f64), PALETTE[0], &title);
    }
    axes.finish()
}

fn ordered(a: f64, b: f64) -> (f64, f64) {
    if a <= b { (a, b) } else { (b, a) }
}

fn widened((a, b): (f64, f64)) -> (f64, f64) {
    if b - a > 0.0 { (a, b) } else { (a - 0.5, a + 0.5) }
}

/// Four to nine round numbers inside a range.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let raw = (high - low) / 6.0;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= raw).unwrap_or(power);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// A number for people: at most four significant digits.
pub fn number(v: f64) -> String {
    if v == 0.0 {
        return "0".to_owned();
    }
    let magnitude = v.abs().log10().floor() as i32;
    if !(-4..7).contains(&magnitude) {
        return format!("{v:.2e}");
    }
    let digits = (3 - magnitude).clamp(0, 7) as usize;
    let text = format!("{v:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks((0.0, 10.0)), vec![0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert!(ticks((-0.3, 0.4)).iter().all(|t| (-0.3..=0.4).contains(t)));
    }

    #[test]
    fn numbers_keep_four_digits() {
        assert_eq!(number(0.012345), "0.01235");
        assert_eq!(number(1234.56), "1235");
        assert_eq!(number(2.50), "2.5");
        assert_eq!(number(1.0e-9), "1.00e-9");
    }

    #[test]
    fn a_histogram_of_nothing_and_of_one_value_is_drawn() {
        assert!(histogram(&[], 10, "px", "links").ends_with("</svg>"));
        assert!(histogram(&[3.0, f64::NAN], 10, "px", "links").contains("<rect"));
    }
}
