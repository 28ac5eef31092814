//! The axis of a channel, and what lies along it.

use ndarray::Array2;

/// Where, in cell widths from the axis, the bright sides of a cell are looked for.
const SIDE: [f64; 2] = [0.4, 0.95];

/// Half of the part across the axis that counts as a cell's middle, in cell widths.
const CORE: f64 = 0.2;

/// Part of the greatest contrast that one step of the axis aside costs.
const STEP_COST: f32 = 0.02;

/// A channel row by row, from the image's first row to its last.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    /// Column of the axis.
    pub(super) axis: Vec<usize>,
    /// Grey level on the axis.
    pub(super) core: Vec<f32>,
    /// Grey levels of the bright sides, left and right: of the row, and smoothed along the channel.
    own_sides: Vec<[f32; 2]>,
    pub(super) sides: Vec<[f32; 2]>,
    /// Rows that are looked at before and after a row.
    half: usize,
}

impl Profile {
    /// How much darker than its sides the axis is, in each row.
    pub(super) fn depths(&self) -> Vec<f32> {
        let depth = |(core, sides): (&f32, &[f32; 2])| sides[0].min(sides[1]) - core;
        self.core.iter().zip(&self.own_sides).map(depth).collect()
    }

    /// The grey level inside of the cell at each row, also a little over its ends; none where there is no cell.
    ///
    /// The darkest axis within half a width along the channel, of rows with a contrast of `faintest` at least.
    /// A row with sides that are not half as bright as its neighbours' lies in a wall.
    pub(super) fn inside(&self, faintest: f32) -> Vec<Option<f32>> {
        let depths = self.depths();
        let core = |y: usize| if depths[y] >= faintest { self.core[y] } else { f32::INFINITY };
        let darkest =
            running(self.core.len(), self.half, |ys| ys.map(core).fold(f32::INFINITY, f32::min));
        let has_sides = |y: usize, inside: f32| {
            let least = |sides: [f32; 2]| sides[0].min(sides[1]);
            let depth = least(self.sides[y]) - inside;
            depth >= faintest && least(self.own_sides[y]) - inside >= 0.5 * depth
        };
        let checked = |(y, v): (usize, f32)| Some(v).filter(|v| v.is_finite() && has_sides(y, *v));
        darkest.into_iter().enumerate().map(checked).collect()
    }
}

/// Rounds a part of the cell width to pixels.
pub(super) fn pixels(part: f64, width: f64) -> usize {
    (part * width).round() as usize
}

/// Follows the darkest line between bright sides; nothing if the image is narrower than a cell.
///
/// * `image`: dark cells, smoothed.
pub(super) fn follow(image: &Array2<f32>, width: f64) -> Option<Profile> {
    let (height, columns) = image.dim();
    let near = pixels(SIDE[0], width).max(1);
    if height == 0 || columns < 2 * near + 1 {
        return None;
    }
    let rows: Vec<Row> = image
        .outer_iter()
        .map(|row| Row::new(&row.to_vec(), width, near..columns - near))
        .collect();
    let axis = darkest_path(&rows, near);
    let half = pixels(0.5, width).max(1);
    let at = |y: usize| &rows[y].at[axis[y] - near];
    let core: Vec<f32> = (0..height).map(|y| at(y).core).collect();
    let own_sides: Vec<[f32; 2]> = (0..height).map(|y| at(y).sides).collect();
    let side = |i: usize| running(height, half, |ys| median(ys.map(|y| own_sides[y][i])));
    let sides = side(0).into_iter().zip(side(1)).map(|(l, r)| [l, r]).collect();
    Some(Profile { axis, core, own_sides, sides, half })
}

/// One row: what there would be if the axis crossed it at each column.
struct Row {
    at: Vec<Crossing>,
}

#[derive(Debug, Clone, Copy)]
struct Crossing {
    core: f32,
    sides: [f32; 2],
}

impl Crossing {
    fn depth(&self) -> f32 {
        self.sides[0].min(self.sides[1]) - self.core
    }
}

impl Row {
    fn new(row: &[f32], width: f64, columns: std::ops::Range<usize>) -> Self {
        let (core, near) = (pixels(CORE, width), pixels(SIDE[0], width).max(1));
        let far = pixels(SIDE[1], width).max(near);
        let brightest = |values: &[f32]| values.iter().copied().fold(f32::MIN, f32::max);
        let crossing = |x: usize| {
            let middle = &row[x.saturating_sub(core)..(x + core + 1).min(row.len())];
            Crossing {
                core: middle.iter().sum::<f32>() / middle.len() as f32,
                sides: [
                    brightest(&row[x.saturating_sub(far)..=x - near]),
                    brightest(&row[x + near..(x + far + 1).min(row.len())]),
                ],
            }
        };
        Self { at: columns.map(crossing).collect() }
    }
}

/// The columns with the greatest sum of depths that go at most one aside per row.
fn darkest_path(rows: &[Row], first: usize) -> Vec<usize> {
    let columns = rows[0].at.len();
    let depths = || rows.iter().flat_map(|r| r.at.iter().map(Crossing::depth));
    let step_cost = STEP_COST * depths().fold(0.0, f32::max);
    let mut score: Vec<f32> = rows[0].at.iter().map(Crossing::depth).collect();
    let mut from: Vec<Vec<usize>> = vec![];
    for row in &rows[1..] {
        let best = |x: usize| {
            let reach = x.saturating_sub(1)..(x + 2).min(columns);
            let moved = reach.map(|k| (score[k] - step_cost * k.abs_diff(x) as f32, k));
            // Straight on where it is the same.
            moved.fold((score[x], x), |a, b| if b.0 > a.0 { b } else { a })
        };
        let steps: Vec<(f32, usize)> = (0..columns).map(best).collect();
        score = steps.iter().zip(&row.at).map(|((s, _), c)| s + c.depth()).collect();
        from.push(steps.into_iter().map(|(_, k)| k).collect());
    }
    let mut x = (0..columns).fold(0, |a, b| if score[b] > score[a] { b } else { a });
    let mut path = vec![x + first];
    for steps in from.iter().rev() {
        x = steps[x];
        path.push(x + first);
    }
    path.reverse();
    path
}

/// Something of the rows within `half` of each row.
fn running(height: usize, half: usize, of: impl Fn(std::ops::Range<usize>) -> f32) -> Vec<f32> {
    (0..height).map(|y| of(y.saturating_sub(half)..(y + half + 1).min(height))).collect()
}

fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    hooke_filters::order::median(&mut values).unwrap_or(0.0)
}
