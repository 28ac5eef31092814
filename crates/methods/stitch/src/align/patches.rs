//! Blocks of both tiles at full resolution, and the sums from which a displacement is refined.
//!
//! A patch is a column of about 16 x 16 voxels through a whole block: the unit over which errors are
//! counted. It goes through all planes because a camera's pattern makes errors that repeat in z.

use multiversion::multiversion;

use super::geometry::Span;
use super::smooth::{RADIUS, Smoothed, smooth_at};
use super::source::{Voxels, read_padded};
use crate::tile_pixels::TileError;

/// Edge of a patch along y and x.
const EDGE: usize = 16;
/// Farthest that a displacement may move from its integer start, voxels.
pub(crate) const LEAD: usize = 2;

/// Slow brightness differences that are fitted per block beside the gain:
/// `b`, 1 and the coordinates z, y, x.
pub(crate) const NUISANCE: usize = 5;

/// Sums over a patch that do not depend on the displacement.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TemplateSums {
    /// Gradient times `b`, 1, z, y, x, per gradient component.
    pub gradient: [[f64; NUISANCE]; 3],
    /// Square of the gradient.
    pub energy: f64,
    /// Products of `b`, 1, z, y, x.
    pub gram: [[f64; NUISANCE]; NUISANCE],
}

/// Sums over a patch that follow the displacement.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MovingSums {
    /// `a` times the gradient of `b`.
    pub gradient: [f64; 3],
    /// `a` times `b`, 1, z, y, x.
    pub basis: [f64; NUISANCE],
    /// `a` squared.
    pub square: f64,
}

/// The ends of a patch within its block.
#[derive(Debug, Clone, Copy)]
struct Extent {
    y: [usize; 2],
    x: [usize; 2],
}

/// One block of both tiles. Each tile is once the template and once the one that moves, so that
/// neither order of the tiles is preferred.
pub(crate) struct Block {
    /// Stabilised voxels of `pre` and `post` around the block, `pre` at the integer start.
    raw: [Vec<f32>; 2],
    raw_shape: [usize; 3],
    lead: [usize; 3],
    /// Both smoothed, one voxel larger than the block on each side of a free axis.
    smooth: [Smoothed; 2],
    shape: [usize; 3],
    border: [usize; 3],
    extents: Vec<Extent>,
    /// Sums with `post` as the template, and with `pre`, in order of the patches.
    pub templates: [Vec<TemplateSums>; 2],
}

/// Sums of each patch with `post` as the template, and with `pre`.
pub(crate) type BlockSums = [Vec<MovingSums>; 2];

/// Buffers of one thread.
#[derive(Default)]
pub(crate) struct PatchBuffers {
    other: Vec<f32>,
    scratch: Vec<f32>,
    moved: Smoothed,
}

impl Block {
    /// Reads a block of `post` and where it lies in `pre`; `None` when no patch is known entirely.
    pub fn read(
        sides: [&dyn Voxels; 2],
        span: &Span,
        displacement: [i64; 3],
        buffers: &mut PatchBuffers,
    ) -> Result<Option<Block>, TileError> {
        let whole = sides.map(|s| s.shape());
        let free: [bool; 3] = std::array::from_fn(|d| whole[0][d] > 1 || whole[1][d] > 1);
        let only = |n: usize| free.map(|f| if f { n } else { 0 });
        let (border, lead) = (only(1), only(LEAD));
        let reach = only(RADIUS + LEAD);
        let spans = [span.moved(displacement), *span].map(|s| s.grown(reach.map(|n| n as i64)));
        let (shape, raw_shape) = (span.shape(), spans[0].shape());
        let mut extents = patch_extents(shape);
        let mut raw = [Vec::new(), Vec::new()];
        let mut smooth = [Smoothed::default(), Smoothed::default()];
        for side in 0..2 {
            read_padded(sides[side], &spans[side], &mut buffers.other, &mut raw[side])?;
            let unknown = centre(&mut raw[side]);
            extents.retain(|e| !meets_unknown(e, &unknown, raw_shape, reach));
            let scratch = &mut buffers.scratch;
            smooth_at(&raw[side], raw_shape, border, [0.0; 3], scratch, &mut smooth[side]);
        }
        if extents.is_empty() {
            return Ok(None);
        }
        let templates = [Vec::new(), Vec::new()];
        let mut block = Block { raw, raw_shape, lead, smooth, shape, border, extents, templates };
        block.templates = [1, 0].map(|side| block.template_sums(side));
        Ok(Some(block))
    }

    /// Sums of each patch with `pre` at `offset` voxels from the integer start against `post`, and
    /// with `post` at minus `offset` against `pre`.
    pub fn sums_at(&self, offset: [f64; 3], buffers: &mut PatchBuffers) -> BlockSums {
        let PatchBuffers { scratch, moved, .. } = buffers;
        [(0, 1, offset), (1, 0, offset.map(|v| -v))].map(|(moving, template, offset)| {
            smooth_at(&self.raw[moving], self.raw_shape, self.lead, offset, scratch, moved);
            let sums = self.extents.iter().map(|e| self.moving_sums(e, moved, template));
            sums.collect()
        })
    }

    /// How to walk over the rows of a patch: `a` moves, `b` is the template.
    fn walk(&self, e: &Extent) -> Walk {
        let (pitch_a, pitch_b, border) = (self.raw_shape[2], self.raw_shape[2], self.border);
        let plane_b = self.smooth[0].shape[1] * pitch_b;
        Walk {
            planes: self.shape[0],
            rows: e.y[1] - e.y[0],
            width: e.x[1] - e.x[0],
            a: e.y[0] * pitch_a + e.x[0],
            a_steps: [self.shape[1] * pitch_a, pitch_a],
            b: border[0] * plane_b + (e.y[0] + border[1]) * pitch_b + e.x[0] + border[2],
            b_steps: [plane_b, pitch_b],
            // An axis of one plane has no gradient.
            next: std::array::from_fn(|d| [plane_b, pitch_b, 1][d] * border[d]),
            z: Ramp::new(0, self.shape[0]),
            y: Ramp::new(e.y[0], self.shape[1]),
        }
    }

    fn template_sums(&self, side: usize) -> Vec<TemplateSums> {
        let values = &self.smooth[side].values;
        let sums = self.extents.iter().map(|e| {
            let lanes = template_lanes(values, &self.walk(e));
            lanes.sums(e, self.shape)
        });
        sums.collect()
    }

    fn moving_sums(&self, e: &Extent, a: &Smoothed, template: usize) -> MovingSums {
        let lanes = moving_lanes(&a.values, &self.smooth[template].values, &self.walk(e));
        let x = e.columns(self.shape);
        let [gz, gy, gx, ab, one, az, ay, square] = &lanes;
        MovingSums {
            gradient: [sum(gz), sum(gy), sum(gx)],
            basis: [sum(ab), sum(one), sum(az), sum(ay), sum_by(one, x)],
            square: sum(square),
        }
    }
}

fn sum(lanes: &[f32; EDGE]) -> f64 {
    lanes.iter().map(|v| f64::from(*v)).sum()
}

fn sum_by(lanes: &[f32; EDGE], factors: [f64; EDGE]) -> f64 {
    lanes.iter().zip(factors).map(|(v, f)| f64::from(*v) * f).sum()
}

impl Extent {
    /// Coordinates of the patch's columns.
    fn columns(&self, shape: [usize; 3]) -> [f64; EDGE] {
        std::array::from_fn(|i| f64::from(unit(self.x[0] + i, shape[2])))
    }

    /// Products of 1, z, y, x over the patch; they follow from its extent alone.
    fn moments(&self, shape: [usize; 3]) -> [[f64; 4]; 4] {
        let along = |d: usize, low: usize, high: usize| -> [f64; 3] {
            let c = (low..high).map(|i| f64::from(unit(i, shape[d])));
            [(high - low) as f64, c.clone().sum(), c.map(|v| v * v).sum()]
        };
        let [y, x] = [self.y, self.x];
        let axes = [along(0, 0, shape[0]), along(1, y[0], y[1]), along(2, x[0], x[1])];
        std::array::from_fn(|p| {
            std::array::from_fn(|q| {
                (0..3).map(|d| axes[d][usize::from(p == d + 1) + usize::from(q == d + 1)]).product()
            })
        })
    }
}

impl TemplateLanes {
    fn sums(&self, e: &Extent, shape: [usize; 3]) -> TemplateSums {
        let x = e.columns(shape);
        let mut sums = TemplateSums::default();
        for k in 0..3 {
            let [by_b, alone, by_z, by_y] = &self.gradient[k];
            sums.gradient[k] = [sum(by_b), sum(alone), sum(by_z), sum(by_y), sum_by(alone, x)];
        }
        sums.energy = self.squares.iter().map(sum).sum();
        let [bb, b, bz, by] = &self.own;
        let own = [sum(bb), sum(b), sum(bz), sum(by), sum_by(b, x)];
        let moments = e.moments(shape);
        for p in 0..NUISANCE {
            for q in 0..NUISANCE {
                sums.gram[p][q] =
                    if p == 0 || q == 0 { own[p.max(q)] } else { moments[p - 1][q - 1] };
            }
        }
        sums
    }
}

/// The rows of a patch in both tiles.
#[derive(Clone, Copy)]
struct Walk {
    planes: usize,
    rows: usize,
    width: usize,
    /// First voxel of the patch, and the steps to the next plane and row.
    a: usize,
    a_steps: [usize; 2],
    b: usize,
    b_steps: [usize; 2],
    /// Distance in `b` to the next voxel along each axis, 0 along an axis of one plane.
    next: [usize; 3],
    z: Ramp,
    y: Ramp,
}

/// A coordinate along an axis of a patch: `first + i step`.
#[derive(Clone, Copy)]
struct Ramp {
    first: f32,
    step: f32,
}

impl Ramp {
    fn new(start: usize, length: usize) -> Ramp {
        let step = if length < 2 { 0.0 } else { 2.0 / (length - 1) as f32 };
        Ramp { first: unit(start, length), step }
    }

    fn at(self, i: usize) -> f32 {
        self.first + i as f32 * self.step
    }
}

/// A coordinate from -1 to 1 over the block; 0 when it is one voxel.
fn unit(i: usize, n: usize) -> f32 {
    if n < 2 { 0.0 } else { 2.0 * i as f32 / (n - 1) as f32 - 1.0 }
}

/// Moves the mean to 0, replaces unknown voxels by it and lists them.
pub(crate) fn centre(values: &mut [f32]) -> Vec<usize> {
    let sum: f64 = values.iter().map(|v| f64::from(*v)).sum();
    if sum.is_finite() {
        let mean = (sum / values.len() as f64) as f32;
        values.iter_mut().for_each(|v| *v -= mean);
        return Vec::new();
    }
    let unknown: Vec<usize> = (0..values.len()).filter(|i| !values[*i].is_finite()).collect();
    let known = values.iter().filter(|v| v.is_finite());
    let sum: f64 = known.map(|v| f64::from(*v)).sum();
    let mean = (sum / (values.len() - unknown.len()).max(1) as f64) as f32;
    values.iter_mut().for_each(|v| *v = if v.is_finite() { *v - mean } else { 0.0 });
    unknown
}

/// Cuts a block's plane into patches of nearly equal size.
fn patch_extents(shape: [usize; 3]) -> Vec<Extent> {
    let [ny, nx] = [shape[1], shape[2]].map(|n| n.div_ceil(EDGE).max(1));
    let mut extents = Vec::with_capacity(ny * nx);
    for y in 0..ny {
        for x in 0..nx {
            extents.push(Extent {
                y: [shape[1] * y / ny, shape[1] * (y + 1) / ny],
                x: [shape[2] * x / nx, shape[2] * (x + 1) / nx],
            });
        }
    }
    extents
}

/// Whether an unknown voxel lies within the smoothing of a patch.
fn meets_unknown(e: &Extent, unknown: &[usize], shape: [usize; 3], reach: [usize; 3]) -> bool {
    unknown.iter().any(|i| {
        let (y, x) = (i / shape[2] % shape[1], i % shape[2]);
        (e.y[0]..e.y[1] + 2 * reach[1]).contains(&y) && (e.x[0]..e.x[1] + 2 * reach[2]).contains(&x)
    })
}

/// Lane-wise sums of the template.
struct TemplateLanes {
    /// Per gradient component: times `b`, alone, times z, times y.
    gradient: [[[f32; EDGE]; 4]; 3],
    /// Square per component.
    squares: [[f32; EDGE]; 3],
    /// `b^2`, `b`, `b z`, `b y`.
    own: [[f32; EDGE]; 4],
}

/// 1 in the lanes of a patch, 0 behind its end: rows are always loaded whole.
fn lane_mask(width: usize) -> [f32; EDGE] {
    std::array::from_fn(|i| f32::from(u8::from(i < width)))
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn template_lanes(b: &[f32], walk: &Walk) -> TemplateLanes {
    let zero = [0.0f32; EDGE];
    let mut lanes = TemplateLanes { gradient: [[zero; 4]; 3], squares: [zero; 3], own: [zero; 4] };
    let mask = lane_mask(walk.width);
    for plane in 0..walk.planes {
        for line in 0..walk.rows {
            let (cz, cy) = (walk.z.at(plane), walk.y.at(line));
            let start = walk.b + plane * walk.b_steps[0] + line * walk.b_steps[1];
            let here = &b[start..][..EDGE];
            let mut gradient = [[0.0f32; EDGE]; 3];
            for k in 0..3 {
                let step = walk.next[k];
                let (next, last) = (&b[start + step..][..EDGE], &b[start - step..][..EDGE]);
                for i in 0..EDGE {
                    gradient[k][i] = 0.5 * (next[i] - last[i]) * mask[i];
                }
            }
            for i in 0..EDGE {
                let v = here[i] * mask[i];
                lanes.own[0][i] += v * v;
                lanes.own[1][i] += v;
                lanes.own[2][i] += v * cz;
                lanes.own[3][i] += v * cy;
            }
            for k in 0..3 {
                for i in 0..EDGE {
                    lanes.gradient[k][0][i] += gradient[k][i] * here[i];
                    lanes.gradient[k][1][i] += gradient[k][i];
                    lanes.gradient[k][2][i] += gradient[k][i] * cz;
                    lanes.gradient[k][3][i] += gradient[k][i] * cy;
                }
            }
            for k in 0..3 {
                for i in 0..EDGE {
                    lanes.squares[k][i] += gradient[k][i] * gradient[k][i];
                }
            }
        }
    }
    lanes
}

/// Lane-wise sums of `a` with the gradient (z, y, x), `b`, 1, z, y and itself.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn moving_lanes(a: &[f32], b: &[f32], walk: &Walk) -> [[f32; EDGE]; 8] {
    let mut lanes = [[0.0f32; EDGE]; 8];
    let mask = lane_mask(walk.width);
    let [sz, sy, sx] = walk.next;
    for plane in 0..walk.planes {
        for line in 0..walk.rows {
            let (cz, cy) = (walk.z.at(plane), walk.y.at(line));
            let va = &a[walk.a + plane * walk.a_steps[0] + line * walk.a_steps[1]..][..EDGE];
            let start = walk.b + plane * walk.b_steps[0] + line * walk.b_steps[1];
            let (z1, z0) = (&b[start + sz..][..EDGE], &b[start - sz..][..EDGE]);
            let (y1, y0) = (&b[start + sy..][..EDGE], &b[start - sy..][..EDGE]);
            let (x1, x0) = (&b[start + sx..][..EDGE], &b[start - sx..][..EDGE]);
            let vb = &b[start..][..EDGE];
            for i in 0..EDGE {
                let v = va[i] * mask[i];
                lanes[0][i] += v * 0.5 * (z1[i] - z0[i]);
                lanes[1][i] += v * 0.5 * (y1[i] - y0[i]);
                lanes[2][i] += v * 0.5 * (x1[i] - x0[i]);
                lanes[3][i] += v * vb[i];
                lanes[4][i] += v;
                lanes[5][i] += v * cz;
                lanes[6][i] += v * cy;
                lanes[7][i] += v * v;
            }
        }
    }
    lanes
}
