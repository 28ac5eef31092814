//! Overlapping windows of a picture for a network, and their answers put together.

use ndarray::{Array2, Array3, ArrayView2, ArrayView3, s};

use crate::LineageError;

/// Windows of one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Windows {
    /// `(window, y, x)`, row by row.
    pub stack: Array3<f32>,
    /// Start and end of each row of windows along y, in the picture; negative where it was padded.
    pub loc_y: Vec<[i64; 2]>,
    /// The same along x.
    pub loc_x: Vec<[i64; 2]>,
}

/// Cuts a picture into windows of `target` `(y, x)` pixels that overlap by at least `min_overlap`.
///
/// A smaller picture is padded with zeros, half of them (rounded down) before it. Starts are evenly spread, fractions
/// cut off.
///
/// # Errors
/// When the overlap is not smaller than the target.
pub fn create_windows(
    image: ArrayView2<'_, f32>,
    target: [usize; 2],
    min_overlap: usize,
) -> Result<Windows, LineageError> {
    if target.iter().any(|n| *n <= min_overlap) {
        let reason = format!("is {min_overlap}, wanted less than the windows' {target:?}");
        return Err(LineageError::Parameter { name: "min_overlap", reason });
    }
    let shape: [usize; 2] = image.dim().into();
    let pad = [0, 1].map(|axis| target[axis].saturating_sub(shape[axis]));
    let mut padded = Array2::zeros([0, 1].map(|axis| shape[axis] + pad[axis]));
    let before = pad.map(|n| n / 2);
    padded
        .slice_mut(s![before[0]..before[0] + shape[0], before[1]..before[1] + shape[1]])
        .assign(&image);
    let [rows, columns] =
        [0, 1].map(|axis| starts(shape[axis] + pad[axis], target[axis], min_overlap));

    let mut stack = Array3::zeros((rows.len() * columns.len(), target[0], target[1]));
    let places = rows.iter().flat_map(|y| columns.iter().map(move |x| (*y, *x)));
    for (mut window, (y, x)) in stack.outer_iter_mut().zip(places) {
        window.assign(&padded.slice(s![y..y + target[0], x..x + target[1]]));
    }
    let locations = |starts: &[usize], axis: usize| {
        let place = |start: &usize| *start as i64 - before[axis] as i64;
        starts.iter().map(|s| [place(s), place(s) + target[axis] as i64]).collect()
    };
    Ok(Windows { stack, loc_y: locations(&rows, 0), loc_x: locations(&columns, 1) })
}

/// First pixels of the windows along one axis, which is at least `target` long.
fn starts(size: usize, target: usize, overlap: usize) -> Vec<usize> {
    let free = size - target;
    let count = 1 + free.div_ceil(target - overlap);
    let step = free as f64 / (count.max(2) - 1) as f64;
    (0..count).map(|i| if i + 1 == count { free } else { (i as f64 * step) as usize }).collect()
}

/// Puts the answers for [`create_windows`] together, each up to the middle of its overlap with the next one.
///
/// * `results`: `(window, y, x)`, as the windows. The picture begins at the first pixel that is not padding; padding
///   after the end of the picture is kept, for the windows do not know its size.
///
/// # Errors
/// When there are not as many results, or of another size, than the locations say.
pub fn stitch_pic(
    results: ArrayView3<'_, f32>,
    loc_y: &[[i64; 2]],
    loc_x: &[[i64; 2]],
) -> Result<Array2<f32>, LineageError> {
    let length = |loc: &[[i64; 2]]| loc.first().map_or(0, |[from, to]| (to - from).max(0) as usize);
    let expected = vec![loc_y.len() * loc_x.len(), length(loc_y), length(loc_x)];
    if results.shape() != expected {
        let found = results.shape().to_vec();
        return Err(LineageError::Shape { what: "results of windows", expected, found });
    }
    let (rows, columns) = (owners(loc_y)?, owners(loc_x)?);
    Ok(Array2::from_shape_fn((rows.len(), columns.len()), |(y, x)| {
        let ((row, y), (column, x)) = (rows[y], columns[x]);
        results[[row * loc_x.len() + column, y, x]]
    }))
}

/// For each pixel along an axis its window, and the place in it.
fn owners(loc: &[[i64; 2]]) -> Result<Vec<(usize, usize)>, LineageError> {
    let mut owners = Vec::new();
    for (k, [start, end]) in loc.iter().enumerate() {
        let end = loc.get(k + 1).map_or(*end, |next| (end + next[0]).div_euclid(2));
        let from = owners.len() as i64;
        let is_in_window = from >= *start && end <= loc[k][1];
        if !is_in_window {
            let reason = format!("{loc:?} leave a gap, or are out of order");
            return Err(LineageError::Parameter { name: "locations", reason });
        }
        owners.extend((from..end).map(|place| (k, (place - start) as usize)));
    }
    Ok(owners)
}
