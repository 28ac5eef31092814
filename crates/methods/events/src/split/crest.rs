//! Parts by a watershed of the brightness in space-time.

use hooke_filters::Connectivity;
use hooke_filters::components::label_components_into;
use hooke_filters::watershed::{h_maxima_into, watershed_into};
use ndarray::{Array3, ArrayView3, Zip};
use std::collections::BTreeMap;

use super::SplitParams;

/// Floods the event from its peaks: those from which every way to a higher one leads down by the prominence.
pub(super) fn parts(
    mask: ArrayView3<'_, bool>,
    values: ArrayView3<'_, f32>,
    params: &SplitParams,
) -> Array3<u32> {
    let (depth, height, width) = mask.dim();
    let shape = [depth, height, width];
    // No way leads over NaN.
    let heights = Zip::from(&mask).and(&values).map_collect(|m, v| if *m { *v } else { f32::NAN });
    let depths: Vec<f32> = heights.iter().map(|v| -v).collect();
    let heights: Vec<f32> = heights.into_iter().collect();
    let mask: Vec<bool> = mask.iter().copied().collect();
    let mut peaks = vec![false; mask.len()];
    h_maxima_into(&heights, shape, params.least_rise(), Connectivity::Faces, &mut peaks);
    let mut markers = vec![0; mask.len()];
    let count = label_components_into(&peaks, shape, Connectivity::Faces, &mut markers);
    join_level(&mut markers, count, &heights, shape, params.least_rise());
    let mut parts = Array3::zeros((depth, height, width));
    let out = parts.as_slice_mut().unwrap_or_default();
    watershed_into(&depths, shape, &markers, Some(&mask), Connectivity::Faces, out);
    // An event that hangs together over edges only has places that no water reaches.
    let dry = mask.iter().zip(out.iter_mut()).filter(|(m, part)| **m && **part == 0);
    dry.for_each(|(_, part)| *part = u32::MAX);
    parts
}

/// Makes peaks of exactly one height one marker if a way between them leads down by less than `rise`: all of
/// them are peaks by definition, as in a saturated or a made-up movie.
fn join_level(markers: &mut [u32], count: usize, heights: &[f32], shape: [usize; 3], rise: f64) {
    let mut first_voxel = vec![None; count];
    for (i, marker) in markers.iter().enumerate().filter(|(_, m)| **m > 0) {
        first_voxel[*marker as usize - 1].get_or_insert(i);
    }
    let mut level: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for voxel in first_voxel.into_iter().flatten() {
        level.entry(heights[voxel].to_bits()).or_default().push(voxel);
    }
    let mut hills = vec![0; heights.len()];
    let mut new_name: Vec<u32> = (0..=count as u32).collect();
    for voxels in level.into_values().filter(|v| v.len() > 1) {
        let least = f64::from(heights[voxels[0]]) - rise;
        let is_above: Vec<bool> = heights.iter().map(|v| f64::from(*v) > least).collect();
        label_components_into(&is_above, shape, Connectivity::Faces, &mut hills);
        let mut of_hill: BTreeMap<u32, u32> = BTreeMap::new();
        for voxel in voxels {
            let name = *of_hill.entry(hills[voxel]).or_insert(markers[voxel]);
            new_name[markers[voxel] as usize] = name;
        }
    }
    markers.iter_mut().for_each(|m| *m = new_name[*m as usize]);
}
