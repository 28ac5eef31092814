//! Parts by a watershed of the brightness in space-time.

use hooke_filters::Connectivity;
use hooke_filters::components::label_components_into;
use hooke_filters::watershed::{h_maxima_into, watershed_into};
use ndarray::{Array3, ArrayView3, Zip};

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
    h_maxima_into(&heights, shape, params.prominence, Connectivity::Faces, &mut peaks);
    let mut markers = vec![0; mask.len()];
    label_components_into(&peaks, shape, Connectivity::Faces, &mut markers);
    let mut parts = Array3::zeros((depth, height, width));
    let out = parts.as_slice_mut().unwrap_or_default();
    watershed_into(&depths, shape, &markers, Some(&mask), Connectivity::Faces, out);
    // An event that hangs together over edges only has places that no water reaches.
    let dry = mask.iter().zip(out.iter_mut()).filter(|(m, part)| **m && **part == 0);
    dry.for_each(|(_, part)| *part = u32::MAX);
    parts
}
