//! Maximum projections of the slabs of a pair, for the fast mode in two dimensions.

use super::geometry::{PairGeometry, Span};
use super::measure::Stop;
use super::params::AlignParams;
use super::source::{VolumeInMemory, Voxels};

/// Planes read at once.
const PLANES: i64 = 8;

/// Both slabs of a pair projected along one axis, as volumes of length 1 along it.
pub(crate) struct ProjectedPair {
    pub volumes: [VolumeInMemory; 2],
    /// The geometry of the projections; its displacements are `origin` smaller.
    pub geometry: PairGeometry,
    pub origin: [f64; 3],
}

/// Projects the last `depth` planes of the tile that comes first along `axis` and the first `depth`
/// planes of the other. Along any other axis than the tiling axis the whole slabs are projected.
pub(crate) fn project_pair(
    sides: [&dyn Voxels; 2],
    geometry: &PairGeometry,
    axis: usize,
    tiling: bool,
    params: &AlignParams,
) -> Result<ProjectedPair, Stop> {
    let mut spans = geometry.slabs;
    if tiling {
        let largest = params.max_shift[axis].iter().map(|m| m.unsigned_abs()).max().unwrap_or(0);
        let depth = params.depth.map_or_else(
            || (geometry.overlap[axis].max(1) as u64 + largest) as i64,
            |depth| depth[axis] as i64,
        );
        let pre_is_first = geometry.nominal[axis] >= 0.0;
        for (side, span) in spans.iter_mut().enumerate() {
            let length = geometry.shapes[side][axis];
            // The end of the first tile, the beginning of the second.
            let (low, high) = if (side == 0) == pre_is_first {
                ((length - depth).max(0), length)
            } else {
                (0, depth.min(length))
            };
            (span.start[axis], span.end[axis]) = (low, high);
        }
    }
    let one = |side: usize| -> Result<VolumeInMemory, Stop> {
        let values = project(sides[side], &spans[side], axis)?;
        let mut shape = spans[side].shape();
        shape[axis] = 1;
        Ok(VolumeInMemory { values, shape, floor: sides[side].floor() })
    };
    let volumes = [one(0)?, one(1)?];
    let mut flat = geometry.clone();
    let mut origin: [f64; 3] =
        std::array::from_fn(|d| (spans[0].start[d] - spans[1].start[d]) as f64);
    origin[axis] = geometry.nominal[axis];
    for d in 0..3 {
        flat.nominal[d] -= origin[d];
        flat.low[d] -= origin[d];
        flat.high[d] -= origin[d];
    }
    (flat.low[axis], flat.high[axis]) = (0.0, 0.0);
    flat.shapes = [0, 1].map(|side| volumes[side].shape.map(|n| n as i64));
    flat.slabs = flat.shapes.map(|shape| Span { start: [0; 3], end: shape });
    flat.overlap[axis] = 1;
    Ok(ProjectedPair { volumes, geometry: flat, origin })
}

/// The maximum along an axis, read a few planes at a time; unknown voxels count only where a whole
/// line is unknown.
fn project(voxels: &dyn Voxels, span: &Span, axis: usize) -> Result<Vec<f32>, Stop> {
    let mut flat = span.shape();
    flat[axis] = 1;
    let mut out = vec![f32::NAN; flat.iter().product()];
    let mut raw = Vec::new();
    let mut z = span.start[0];
    while z < span.end[0] {
        let end = (z + PLANES).min(span.end[0]);
        let mut part = *span;
        (part.start[0], part.end[0]) = (z, end);
        voxels.read(&part, &mut raw)?;
        let [_, height, width] = part.shape();
        for (i, row) in raw.chunks(width.max(1)).enumerate() {
            let mut place = [(z - span.start[0]) as usize + i / height, i % height];
            for d in 0..2 {
                if axis == d {
                    place[d] = 0;
                }
            }
            let to = (place[0] * flat[1] + place[1]) * flat[2];
            if axis == 2 {
                let top = row.iter().copied().fold(f32::NAN, f32::max);
                out[to] = out[to].max(top);
            } else {
                out[to..to + width].iter_mut().zip(row).for_each(|(o, v)| *o = o.max(*v));
            }
        }
        z = end;
    }
    Ok(out)
}
