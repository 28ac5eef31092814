//! The table of shifts: what registration finds, and what the warp needs.

use ndarray::{Array2, Array3, Axis};
use serde::{Deserialize, Serialize};

use super::spline_field::FieldSpline;
use crate::EventsError;

/// The shift lies at the end of the range that was searched.
pub const CLIPPED: u8 = 1;
/// The frame or block resembles the template too little for its shift to be sure.
pub const LOW_QUALITY: u8 = 2;
/// The shift was interpolated from neighbours in time or space.
pub const INTERPOLATED: u8 = 4;
/// The shift was set to 0 (of a block: to its frame's) by the gate.
pub const GATED: u8 = 8;

/// Distance of the points at which extremes of a field are looked for, pixels.
const COARSE: usize = 8;

/// What a field may exceed its extremes at coarse points by, pixels.
const COARSE_SLACK: f64 = 0.25;

/// The shift of a frame as a whole, or the displacement of one of its blocks:
/// `registered(y, x) = raw(y + dy, x + dx)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// `(dy, dx)`, pixels.
    pub shift: [f64; 2],
    /// Normalized correlation at the peak.
    pub peak: f32,
    /// Peak over the second one more than 3 pixels away.
    pub peak_ratio: f32,
    /// Sum of [`CLIPPED`], [`LOW_QUALITY`], [`INTERPOLATED`] and [`GATED`].
    pub flag: u8,
}

/// One row of the table as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ShiftRow {
    /// Frame, from 0.
    pub frame: u32,
    /// -1 for the frame as a whole; blocks are counted from 0, row by row.
    pub block: i32,
    /// Row of the block's centre.
    pub block_y_px: Option<f32>,
    /// Column of the block's centre.
    pub block_x_px: Option<f32>,
    /// Displacement along y, of blocks the total one.
    pub dy_px: f64,
    /// Displacement along x.
    pub dx_px: f64,
    /// Normalized correlation at the peak.
    pub peak: f32,
    /// Peak over the second one more than 3 pixels away.
    pub peak_ratio: f32,
    /// Correlation of the filtered frame with the template before; of whole frames only.
    pub r_before: Option<f32>,
    /// The same of the registered frame.
    pub r_after: Option<f32>,
    /// See [`Shift::flag`].
    pub flag: u8,
}

/// Rows `y0..y1` and columns `x0..x1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Valid {
    pub y0: usize,
    pub y1: usize,
    pub x0: usize,
    pub x1: usize,
}

/// Displacements of one frame, pixels.
#[derive(Debug, Clone, PartialEq)]
pub enum Displacement {
    /// One shift for all pixels.
    Whole([f64; 2]),
    /// `dy` and `dx` of each pixel.
    Field([Array2<f32>; 2]),
}

/// Displacements of the blocks of every frame.
#[derive(Debug, Clone)]
pub(crate) struct Blocks {
    /// Centres along y and x.
    pub centres: [Vec<f64>; 2],
    /// Per frame, row by row of the blocks; their totals.
    pub frames: Vec<Vec<Shift>>,
}

/// Shifts of all frames of a movie.
#[derive(Debug, Clone)]
pub struct ShiftTable {
    shape: [usize; 2],
    frames: Vec<Shift>,
    r: Vec<Option<[f32; 2]>>,
    blocks: Option<(Blocks, FieldSpline)>,
}

impl ShiftTable {
    /// * `frames`: one shift per frame of `shape`.
    /// * `blocks`: of as many frames.
    pub(crate) fn new(shape: [usize; 2], frames: Vec<Shift>, blocks: Option<Blocks>) -> Self {
        let blocks = blocks.map(|b| {
            let spline = FieldSpline::over_frame(&b.centres, shape);
            (b, spline)
        });
        Self { shape, r: vec![None; frames.len()], frames, blocks }
    }

    /// A table that moves nothing.
    pub fn still(shape: [usize; 2], frames: usize) -> Self {
        Self::new(shape, vec![Shift::default(); frames], None)
    }

    /// Reads a table from its rows, in any order.
    ///
    /// * `shape`: of the frames, `(y, x)`.
    ///
    /// # Errors
    /// [`EventsError::Parameter`] if a frame from 0 to the last one has no row of its own or two, the
    /// blocks of a frame are missing, or the blocks' centres are no grid, or a shift is no number.
    pub fn from_rows(rows: &[ShiftRow], shape: [usize; 2]) -> Result<Self, EventsError> {
        let mut rows: Vec<&ShiftRow> = rows.iter().collect();
        rows.sort_by_key(|r| (r.frame, r.block));
        let bad = |reason: String| EventsError::Parameter { name: "shifts", reason };
        let mut frames = Vec::new();
        let mut blocks: Vec<Vec<Shift>> = Vec::new();
        let mut r = Vec::new();
        let mut centres: Vec<[f32; 2]> = Vec::new();
        for row in rows {
            let number = row.frame as usize;
            if !(row.dy_px.abs() < 1e6 && row.dx_px.abs() < 1e6) {
                return Err(bad(format!("the shift of frame {number} is no number of pixels")));
            }
            let shift = Shift {
                shift: [row.dy_px, row.dx_px],
                peak: row.peak,
                peak_ratio: row.peak_ratio,
                flag: row.flag,
            };
            if row.block < 0 {
                if number != frames.len() {
                    return Err(bad(format!(
                        "one row of block -1 is wanted for frame {}; the next is for frame {number}",
                        frames.len()
                    )));
                }
                frames.push(shift);
                r.push(row.r_before.zip(row.r_after).map(|(a, b)| [a, b]));
                blocks.push(Vec::new());
                continue;
            }
            let (Some(y), Some(x)) = (row.block_y_px, row.block_x_px) else {
                return Err(bad(format!("a block of frame {number} has no centre")));
            };
            let place = row.block as usize;
            let of_frame = blocks.get_mut(number).filter(|b| b.len() == place);
            let Some(of_frame) = of_frame else {
                return Err(bad(format!("block {place} of frame {number} is out of order")));
            };
            of_frame.push(shift);
            match centres.get(place) {
                None if number == 0 => centres.push([y, x]),
                Some(centre) if *centre == [y, x] => {}
                _ => {
                    let what = format!("block {place} of frame {number} is elsewhere in frame 0");
                    return Err(bad(what));
                }
            }
        }
        if let Some(t) = blocks.iter().position(|b| b.len() != centres.len()) {
            return Err(bad(format!("frame {t} lacks blocks")));
        }
        let blocks = match centres.is_empty() {
            true => None,
            false => Some(Blocks {
                centres: grid_of(&centres).ok_or_else(|| {
                    bad("the centres of blocks are no grid, row by row".to_owned())
                })?,
                frames: blocks,
            }),
        };
        Ok(Self { r, ..Self::new(shape, frames, blocks) })
    }

    /// The rows of the table: frame by frame, the frame itself, then its blocks.
    pub fn rows(&self) -> impl Iterator<Item = ShiftRow> + '_ {
        self.frames.iter().enumerate().flat_map(move |(t, frame)| {
            let row = move |block: i32, centre: Option<[f64; 2]>, s: &Shift| ShiftRow {
                frame: t as u32,
                block,
                block_y_px: centre.map(|c| c[0] as f32),
                block_x_px: centre.map(|c| c[1] as f32),
                dy_px: s.shift[0],
                dx_px: s.shift[1],
                peak: s.peak,
                peak_ratio: s.peak_ratio,
                r_before: None,
                r_after: None,
                flag: s.flag,
            };
            let r = self.r[t];
            let whole = ShiftRow {
                r_before: r.map(|r| r[0]),
                r_after: r.map(|r| r[1]),
                ..row(-1, None, frame)
            };
            let blocks = self.blocks.iter().flat_map(move |(blocks, _)| {
                let columns = blocks.centres[1].len();
                blocks.frames[t].iter().enumerate().map(move |(b, s)| {
                    let centre = [blocks.centres[0][b / columns], blocks.centres[1][b % columns]];
                    row(b as i32, Some(centre), s)
                })
            });
            std::iter::once(whole).chain(blocks)
        })
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Shape of the frames, `(y, x)`.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// The shift of each frame as a whole.
    pub fn frames(&self) -> &[Shift] {
        &self.frames
    }

    /// Whether frames have displacements by blocks.
    pub fn has_blocks(&self) -> bool {
        self.blocks.is_some()
    }

    /// Notes the correlations of a frame with the template, before and after; of frames beyond the
    /// table nothing is noted.
    pub fn set_r(&mut self, frame: usize, before: f32, after: f32) {
        if let Some(r) = self.r.get_mut(frame) {
            *r = Some([before, after]);
        }
    }

    /// The displacements of a frame, none of one beyond the table.
    pub fn displacement(&self, frame: usize) -> Displacement {
        match (&self.blocks, self.frames.get(frame)) {
            (_, None) => Displacement::Whole([0.0; 2]),
            (None, Some(whole)) => Displacement::Whole(whole.shift),
            (Some((blocks, spline)), Some(_)) => Displacement::Field(blocks.fields(spline, frame)),
        }
    }

    /// The displacements of a frame as an array `(y, x, 2)`, the last axis `(dy, dx)`.
    pub fn field(&self, frame: usize) -> Array3<f32> {
        let mut field = Array3::zeros((self.shape[0], self.shape[1], 2));
        match self.displacement(frame) {
            Displacement::Whole(shift) => {
                for (d, s) in shift.into_iter().enumerate() {
                    field.index_axis_mut(Axis(2), d).fill(s as f32);
                }
            }
            Displacement::Field(of) => {
                for (d, of) in of.into_iter().enumerate() {
                    field.index_axis_mut(Axis(2), d).assign(&of);
                }
            }
        }
        field
    }

    /// The largest rectangle, as far as its sides are straight, whose pixels come from inside of every
    /// frame; empty at the middle of the frame if there is none.
    pub fn valid(&self) -> Valid {
        let [lowest, highest] = self.extremes();
        let side = |d: usize| {
            let n = self.shape[d];
            let first = (-lowest[d]).max(0.0).ceil() as usize;
            let end = n.saturating_sub(highest[d].max(0.0).ceil() as usize);
            if first < end { (first, end) } else { (n / 2, n / 2) }
        };
        let ((y0, y1), (x0, x1)) = (side(0), side(1));
        Valid { y0, y1, x0, x1 }
    }

    /// Smallest and largest displacement per axis.
    fn extremes(&self) -> [[f64; 2]; 2] {
        let mut found = [[0.0_f64; 2]; 2];
        let mut take = |d: usize, value: f64| {
            found[0][d] = found[0][d].min(value);
            found[1][d] = found[1][d].max(value);
        };
        match &self.blocks {
            None => {
                for frame in &self.frames {
                    (0..2).for_each(|d| take(d, frame.shift[d]));
                }
            }
            Some((blocks, _)) => {
                let points = self.shape.map(|n| {
                    let last = n.saturating_sub(1);
                    (0..last).step_by(COARSE).chain([last]).map(|p| p as f64).collect()
                });
                let spline = FieldSpline::new(&blocks.centres, &points);
                for t in 0..self.frames.len() {
                    for (d, field) in blocks.fields(&spline, t).iter().enumerate() {
                        for value in field {
                            take(d, f64::from(*value) + COARSE_SLACK.copysign(f64::from(*value)));
                        }
                    }
                }
            }
        }
        found
    }

    /// Largest shift of a whole frame along either axis.
    pub fn max_shift_seen(&self) -> f64 {
        self.frames.iter().flat_map(|f| f.shift).fold(0.0, |m, s| m.max(s.abs()))
    }

    /// Number of frames whose own row has any of the bits of `flag`.
    pub fn count_flag(&self, flag: u8) -> usize {
        self.frames.iter().filter(|f| f.flag & flag != 0).count()
    }
}

impl Blocks {
    fn fields(&self, spline: &FieldSpline, frame: usize) -> [Array2<f32>; 2] {
        [0, 1].map(|d| {
            let values: Vec<f32> = self.frames[frame].iter().map(|s| s.shift[d] as f32).collect();
            spline.field(&values)
        })
    }
}

/// The rows and columns that centres are the crossings of, row by row.
fn grid_of(centres: &[[f32; 2]]) -> Option<[Vec<f64>; 2]> {
    let first = centres.first()?;
    let columns = centres.iter().take_while(|c| c[0] == first[0]).count();
    let x: Vec<f64> = centres[..columns].iter().map(|c| f64::from(c[1])).collect();
    let y: Vec<f64> = centres.iter().step_by(columns).map(|c| f64::from(c[0])).collect();
    let ascends = |v: &[f64]| v.windows(2).all(|w| w[0] < w[1]) && v.iter().all(|p| p.is_finite());
    let is_grid = x.len() * y.len() == centres.len()
        && centres
            .iter()
            .enumerate()
            .all(|(i, c)| (f64::from(c[0]), f64::from(c[1])) == (y[i / columns], x[i % columns]));
    (is_grid && ascends(&y) && ascends(&x)).then_some([y, x])
}
