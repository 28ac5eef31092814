use crate::Connectivity;

/// The neighbours of the voxels of a volume, nearest first and then in raster order.
pub(super) struct Neighbours {
    shape: [usize; 3],
    /// Step along each axis, and the step of the index that they make.
    steps: Vec<([isize; 3], isize)>,
}

impl Neighbours {
    pub(super) fn new(shape: [usize; 3], connectivity: Connectivity) -> Self {
        let strides = [(shape[1] * shape[2]) as isize, shape[2] as isize, 1];
        let steps = connectivity.steps().into_iter().filter(|step| {
            // Axes of one voxel have no neighbours; leaving their steps out makes images as fast as planes.
            (0..3).all(|axis| step[axis] == 0 || shape[axis] > 1)
        });
        let steps = steps.map(|s| (s, (0..3).map(|axis| s[axis] * strides[axis]).sum()));
        Self { shape, steps: steps.collect() }
    }

    /// Visits the indices of the neighbours of voxel `index`.
    #[inline(always)]
    pub(super) fn for_each(&self, index: usize, mut visit: impl FnMut(usize)) {
        let [_, height, width] = self.shape;
        let (row, x) = (index / width, index % width);
        let at = [row / height, row % height, x];
        let is_inner =
            (0..3).all(|a| self.shape[a] == 1 || (at[a] > 0 && at[a] + 1 < self.shape[a]));
        for (step, by) in &self.steps {
            let inside = |axis: usize| {
                at[axis].checked_add_signed(step[axis]).is_some_and(|v| v < self.shape[axis])
            };
            if is_inner || (inside(0) && inside(1) && inside(2)) {
                visit(index.wrapping_add_signed(*by));
            }
        }
    }
}
