//! Projections of volumes along one axis.

use rayon::prelude::*;

/// Finds the maximum along `axis` (0 z, 1 y, 2 x) of a `(z, y, x)` volume of `shape`.
///
/// `out` has the other two axes in order. Of a NaN and another value, the one that comes first along
/// the axis is kept. Parallel, same bits for any thread count.
///
/// # Panics
/// If a length does not fit `shape`, or `axis` exceeds 2, or its length is 0 and `out` is not empty.
///
/// # Examples
/// ```
/// use hooke_filters::project::maximum_projection_into;
/// let mut out = [0_u16; 2];
/// maximum_projection_into(&[1, 5, 4, 2], [2, 1, 2], 0, &mut out);
/// assert_eq!(out, [4, 5]);
/// ```
pub fn maximum_projection_into<T>(src: &[T], shape: [usize; 3], axis: usize, out: &mut [T])
where
    T: Copy + PartialOrd + Send + Sync,
{
    project(src, shape, axis, out, |so_far, value| if value > so_far { value } else { so_far });
}

/// Finds the minimum along `axis`. As [`maximum_projection_into`].
///
/// # Panics
/// As [`maximum_projection_into`].
pub fn minimum_projection_into<T>(src: &[T], shape: [usize; 3], axis: usize, out: &mut [T])
where
    T: Copy + PartialOrd + Send + Sync,
{
    project(src, shape, axis, out, |so_far, value| if value < so_far { value } else { so_far });
}

/// Averages along `axis`, summing in `f64`. As [`maximum_projection_into`]; any NaN makes NaN.
///
/// # Panics
/// As [`maximum_projection_into`].
pub fn mean_projection_into<T>(src: &[T], shape: [usize; 3], axis: usize, out: &mut [f32])
where
    T: Copy + Into<f64> + Send + Sync,
{
    let plane = Plane::new(src.len(), shape, axis, out.len());
    let scale = 1.0 / shape[axis] as f64;
    out.par_chunks_mut(plane.row).enumerate().for_each_init(
        || vec![0.0_f64; plane.row],
        |sums, (row, out)| {
            sums.fill(0.0);
            plane.for_each_along(src, row, |i, value| sums[i] += value.into());
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = (*sum * scale) as f32;
            }
        },
    );
}

fn project<T: Copy + Send + Sync>(
    src: &[T],
    shape: [usize; 3],
    axis: usize,
    out: &mut [T],
    better: impl Fn(T, T) -> T + Sync,
) {
    let plane = Plane::new(src.len(), shape, axis, out.len());
    out.par_chunks_mut(plane.row).enumerate().for_each(|(row, out)| {
        plane.for_each_first(src, row, |i, value| out[i] = value);
        plane.for_each_along(src, row, |i, value| out[i] = better(out[i], value));
    });
}

/// How the rows of a projection lie in the volume.
struct Plane {
    /// Pixels of one row of the projection.
    row: usize,
    /// Pixels projected onto each.
    along: usize,
    shape: [usize; 3],
    axis: usize,
}

impl Plane {
    fn new(src: usize, shape: [usize; 3], axis: usize, out: usize) -> Self {
        assert_eq!(src, shape.iter().product::<usize>(), "length of the source");
        let along = shape[axis];
        let pixels: usize = (0..3).filter(|&a| a != axis).map(|a| shape[a]).product();
        assert_eq!(out, pixels, "length of the projection");
        assert!(along > 0 || out == 0, "nothing to project along axis {axis} of {shape:?}");
        let row = if axis == 2 { shape[1] } else { shape[2] };
        Self { row: row.max(1), along, shape, axis }
    }

    /// Visits the first pixel of each line that ends in projected row `row`.
    #[inline(always)]
    fn for_each_first<T: Copy>(&self, src: &[T], row: usize, mut visit: impl FnMut(usize, T)) {
        let [_, height, width] = self.shape;
        match self.axis {
            0 => src[row * width..][..width].iter().enumerate().for_each(|(x, &v)| visit(x, v)),
            1 => src[row * height * width..][..width]
                .iter()
                .enumerate()
                .for_each(|(x, &v)| visit(x, v)),
            _ => (0..height).for_each(|y| visit(y, src[(row * height + y) * width])),
        }
    }

    /// Visits all pixels projected onto row `row`, in the order of the axis.
    #[inline(always)]
    fn for_each_along<T: Copy>(&self, src: &[T], row: usize, mut visit: impl FnMut(usize, T)) {
        let [_, height, width] = self.shape;
        if self.axis == 2 {
            for y in 0..height {
                let line = &src[(row * height + y) * width..][..width];
                line.iter().for_each(|&value| visit(y, value));
            }
            return;
        }
        for i in 0..self.along {
            let line = if self.axis == 0 { i * height + row } else { row * height + i };
            let line = &src[line * width..][..width];
            line.iter().enumerate().for_each(|(x, &value)| visit(x, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [2, 2, 3];
    const SRC: [f32; 12] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0];

    #[test]
    fn each_axis_by_hand() {
        let (mut xy, mut xz, mut yz) = ([0.0; 6], [0.0; 6], [0.0; 4]);
        maximum_projection_into(&SRC, SHAPE, 0, &mut xy);
        assert_eq!(xy, [12.0, 11.0, 10.0, 9.0, 8.0, 7.0]);
        minimum_projection_into(&SRC, SHAPE, 1, &mut xz);
        assert_eq!(xz, [1.0, 2.0, 3.0, 9.0, 8.0, 7.0]);
        mean_projection_into(&SRC, SHAPE, 2, &mut yz);
        assert_eq!(yz, [2.0, 5.0, 11.0, 8.0]);
        mean_projection_into(&SRC, SHAPE, 0, &mut xy);
        assert_eq!(xy, [6.5; 6]);
    }

    #[test]
    fn an_empty_volume_projects_onto_nothing() {
        maximum_projection_into::<u8>(&[], [0, 0, 3], 0, &mut []);
        mean_projection_into::<u8>(&[], [4, 0, 3], 0, &mut []);
    }
}
