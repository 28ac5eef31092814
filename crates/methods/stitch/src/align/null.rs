//! What wrong partners score: crops of tiles that share nothing are compared like a pair.

use hooke_filters::resample::binned_shape;
use rayon::prelude::*;

use super::coarse::{ReadBuffers, band_pass, bin_factors, read_binned};
use super::geometry::{PairGeometry, Span};
use super::ncc::{BoxSums, Correlator, Transformed, Volume};
use super::pair::relative_voxel;
use super::params::AlignParams;
use super::pattern::spread;
use super::source::{Correction, TileVoxels};
use super::statistics::{NullDistribution, SharedStatistics, score};
use super::surface::Shifts;
use crate::layout::{Layout, Tile};
use crate::pairs::PairTask;
use crate::tile_pixels::TilePixels;

/// Wrong partners that are compared, at least where the set is large enough.
const SAMPLES: usize = 64;
/// Tiles that lend crops; two crops each.
const TILES: usize = 8;
/// Binned voxels of a crop, at most.
const CROP_VOXELS: usize = 8192;

/// A crop with where it lies in the layout.
struct Crop {
    lower: [f64; 3],
    upper: [f64; 3],
    volume: Volume,
}

/// Fits the distribution of the best score among wrong partners.
pub(crate) fn null_distribution(
    layout: &Layout,
    pixels: &dyn TilePixels<f32>,
    params: &AlignParams,
    correction: &Correction,
    statistics: &SharedStatistics,
    tasks: &[PairTask],
) -> NullDistribution {
    let tile = |id: usize| layout.tiles.iter().find(|t| t.id == id);
    let voxel = relative_voxel(layout);
    let mut geometries = spread(tasks, 64).into_iter().filter_map(|task| {
        PairGeometry::new(tile(task.pre)?, tile(task.post)?, &task, params, voxel)
    });
    let Some(first) = geometries.next() else { return NullDistribution::of_noise(1.0) };
    let factors = bin_factors(&first);
    let mut shape: [i64; 3] = first.overlap.map(|n| n.max(1));
    for geometry in geometries {
        shape = std::array::from_fn(|d| shape[d].min(geometry.overlap[d].max(1)));
    }
    // Whole bins, not more than needed, and along no axis more than a third of a tile.
    for d in 0..3 {
        let f = factors[d] as i64;
        let shortest = layout.tiles.iter().map(|t| t.shape[d] as i64).min().unwrap_or(1);
        shape[d] = shape[d].max(4 * f).min((shortest / 3).max(f)).min(shortest) / f * f;
        if shape[d] == 0 {
            return NullDistribution::of_noise(1.0);
        }
    }
    let bins = |shape: &[i64; 3]| -> [usize; 3] {
        std::array::from_fn(|d| shape[d] as usize / factors[d])
    };
    while bins(&shape).iter().product::<usize>() > CROP_VOXELS {
        let longest = (0..3).max_by_key(|d| bins(&shape)[*d]).expect("there are three axes");
        shape[longest] -= factors[longest] as i64;
    }
    let crops = read_crops(layout, pixels, params, correction, statistics, shape, factors, voxel);
    let reach: [i64; 3] = std::array::from_fn(|d| {
        let half = (first.high[d] - first.low[d]) / 2.0 / factors[d] as f64;
        (half.ceil() as i64).min(bins(&shape)[d] as i64 / 2)
    });
    let shifts = Shifts { first: reach.map(|r| -r), last: reach };
    let scores = wrong_scores(&crops, shifts, params.min_overlap());
    NullDistribution::fit(&scores, shifts.count() as f64)
}

#[allow(clippy::too_many_arguments)]
fn read_crops(
    layout: &Layout,
    pixels: &dyn TilePixels<f32>,
    params: &AlignParams,
    correction: &Correction,
    statistics: &SharedStatistics,
    shape: [i64; 3],
    factors: [usize; 3],
    voxel: [f64; 3],
) -> Vec<Crop> {
    let tiles: Vec<&Tile> = layout.tiles.iter().collect();
    let places: Vec<(&Tile, usize)> =
        spread(&tiles, TILES).into_iter().flat_map(|t| [(t, 0), (t, 1)]).collect();
    let read = |(tile, place): &(&Tile, usize)| -> Option<Crop> {
        let room: [i64; 3] = std::array::from_fn(|d| tile.shape[d] as i64 - shape[d]);
        // Opposite sides, where the overlaps are.
        let start = room.map(|r| if *place == 0 { 0 } else { r });
        let end = std::array::from_fn(|d| start[d] + shape[d]);
        let voxels = TileVoxels::new(tile, pixels, params.clip, correction, statistics);
        let span = Span { start, end };
        let (binned, _) =
            read_binned(&voxels, &span, factors, None, &mut ReadBuffers::default()).ok()?;
        let mut volume = Volume::new(binned_shape(span.shape(), factors), binned);
        band_pass(&mut volume, factors, voxel);
        // Unknown voxels are 0 after the band-pass, which is as good as noise here.
        volume.mask = None;
        let lower = std::array::from_fn(|d| tile.nominal_px[d] + start[d] as f64);
        let upper = std::array::from_fn(|d| tile.nominal_px[d] + end[d] as f64);
        Some(Crop { lower, upper, volume })
    };
    places.par_iter().filter_map(read).collect()
}

/// Best scores of pairs of crops that share no specimen; crops are also mirrored when there are too
/// few pairs.
fn wrong_scores(crops: &[Crop], shifts: Shifts, min_overlap: f64) -> Vec<f64> {
    let Some(first) = crops.first() else { return Vec::new() };
    let shape = first.volume.shape;
    let correlator = Correlator::new(shape, shape, shifts);
    let mut pairs = Vec::new();
    for mirror in 0..4usize {
        for (i, a) in crops.iter().enumerate() {
            for (j, b) in crops.iter().enumerate().skip(i + 1) {
                let apart = (0..3).any(|d| {
                    // Positions are uncertain by the window.
                    let gap = (a.lower[d] - b.upper[d]).max(b.lower[d] - a.upper[d]);
                    gap >= 0.25 * (a.upper[d] - a.lower[d])
                });
                if apart {
                    pairs.push((i, j, mirror));
                }
            }
        }
        if pairs.len() >= SAMPLES {
            break;
        }
    }
    let pairs = spread(&pairs, SAMPLES + SAMPLES / 2);
    let prepared = |volume: &Volume| (correlator.transform(volume, false), BoxSums::new(volume));
    let plain: Vec<(Transformed, BoxSums)> =
        crops.par_iter().map(|c| prepared(&c.volume)).collect();
    let least = min_overlap * shape.iter().product::<usize>() as f64;
    let best = |(i, j, mirror): &(usize, usize, usize)| -> Option<f64> {
        let turned;
        let (b, sums) = if *mirror == 0 {
            (&plain[*j].0, &plain[*j].1)
        } else {
            turned = prepared(&mirrored(&crops[*j].volume, *mirror));
            (&turned.0, &turned.1)
        };
        let surface = correlator.surface_of((&plain[*i].0, &plain[*i].1), (b, sums), least);
        let top =
            (0..surface.ncc.len()).max_by(|p, q| surface.ncc[*p].total_cmp(&surface.ncc[*q]))?;
        let ncc = f64::from(surface.ncc[top]);
        (ncc > -1.0).then(|| score(ncc, f64::from(surface.voxels[top])))
    };
    pairs.par_iter().filter_map(best).collect()
}

/// Mirrored along y (1), x (2) or both (3).
fn mirrored(volume: &Volume, mirror: usize) -> Volume {
    let [depth, height, width] = volume.shape;
    let mut values = Vec::with_capacity(volume.values.len());
    for z in 0..depth {
        for y in 0..height {
            let y = if mirror & 1 == 1 { height - 1 - y } else { y };
            let row = &volume.values[(z * height + y) * width..][..width];
            if mirror & 2 == 2 {
                values.extend(row.iter().rev());
            } else {
                values.extend_from_slice(row);
            }
        }
    }
    Volume { shape: volume.shape, values, mask: None }
}
