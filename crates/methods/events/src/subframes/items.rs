//! Which samples an epoch has.

use hooke_core::seed::rng_at;
use rand::RngExt;

use super::SubFrames;

/// A place to take a sample from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Item {
    /// The file.
    pub file: usize,
    /// First frame, row and column; negative in the padding.
    pub start: [i64; 3],
}

impl SubFrames {
    /// The samples of an epoch, of files of shape `(t, y, x)`.
    ///
    /// In order they go by file, frame, row, column, a step apart. Without padding a stack must lie
    /// within the movie, and the last one that just reaches the border is left out unless it is the
    /// only one (as astroCAST does). With padding every frame is a target (a step apart), and tiles
    /// cover the image.
    pub fn items(&self, files: &[[usize; 3]], epoch: u64) -> Vec<Item> {
        let mut items = Vec::new();
        for (file, shape) in files.iter().enumerate() {
            let offsets = self.offsets(epoch);
            let [zs, xs, ys] = std::array::from_fn(|a| self.starts(a, shape[a], offsets[a]));
            let mut of_file = Vec::new();
            for z in zs.iter().filter(|z| self.is_selected(**z)) {
                for x in &xs {
                    of_file.extend(ys.iter().map(|y| Item { file, start: [*z, *x, *y] }));
                }
            }
            if let Some(count) = self.params.max_per_file.filter(|count| *count < of_file.len()) {
                let mut rng =
                    rng_at(self.params.seed, "subframes/choice", &[epoch as i64, file as i64]);
                // The first of a shuffled list, then back in order.
                shuffle(&mut of_file, count, &mut rng);
                of_file.truncate(count);
                of_file.sort_unstable();
            }
            items.extend(of_file);
        }
        if self.params.shuffle {
            let mut rng = rng_at(self.params.seed, "subframes/order", &[epoch as i64]);
            let count = items.len();
            shuffle(&mut items, count, &mut rng);
        }
        items
    }

    fn offsets(&self, epoch: u64) -> [usize; 3] {
        if !self.params.random_offset {
            return [0; 3];
        }
        let mut rng = rng_at(self.params.seed, "subframes/offset", &[epoch as i64]);
        self.steps.map(|step| rng.random_range(0..step))
    }

    fn is_selected(&self, z: i64) -> bool {
        let target = usize::try_from(z + self.target_frame() as i64);
        self.params.z_select.as_ref().is_none_or(|s| target.is_ok_and(|t| s.contains(&t)))
    }

    fn starts(&self, axis: usize, length: usize, offset: usize) -> Vec<i64> {
        let (size, step) = (self.stack_shape()[axis], self.steps[axis]);
        let every =
            |first: i64, count: usize| (0..count).map(|i| first + (i * step) as i64).collect();
        if self.params.padding.is_none() {
            let room = length.saturating_sub(offset);
            let count = if room == size { 1 } else { room.saturating_sub(size).div_ceil(step) };
            return every(offset as i64, count);
        }
        if length == 0 {
            return Vec::new();
        }
        if axis == 0 {
            // From the target at the first frame on.
            return every(
                offset as i64 - self.target_frame() as i64,
                (length.saturating_sub(offset)).div_ceil(step),
            );
        }
        // An offset moves the first tile out over the border, so that all pixels stay covered.
        let reach = (length + offset).saturating_sub(size).div_ceil(step) + 1;
        every(-(offset as i64), reach)
    }
}

/// Puts a random choice of `count` to the front (Fisher & Yates).
fn shuffle<T>(values: &mut [T], count: usize, rng: &mut impl RngExt) {
    for i in 0..count.min(values.len().saturating_sub(1)) {
        let other = rng.random_range(i..values.len());
        values.swap(i, other);
    }
}
