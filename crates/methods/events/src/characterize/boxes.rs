//! The first pass over a label map: where each event is.

use std::collections::HashMap;

use ndarray::ArrayView3;

use crate::EventsError;

/// The box of one label, half-open, over `(z, x, y)`: frame, row, column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventBox {
    /// The label.
    pub id: u32,
    /// First frame, row and column.
    pub start: [usize; 3],
    /// One past the last frame, row and column.
    pub end: [usize; 3],
    /// Voxels of the label.
    pub voxels: u64,
}

impl EventBox {
    /// Frames, rows, columns.
    pub fn shape(&self) -> [usize; 3] {
        std::array::from_fn(|a| self.end[a] - self.start[a])
    }
}

/// Finds the boxes of a label map that comes in slabs of frames, in order.
#[derive(Debug, Default)]
pub struct BoxFinder {
    frames: usize,
    image: Option<[usize; 2]>,
    boxes: HashMap<u32, EventBox>,
}

impl BoxFinder {
    /// A finder that has seen no frame.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next frames `(t, y, x)`.
    ///
    /// # Errors
    /// When they differ in size from those before.
    pub fn push(&mut self, labels: ArrayView3<'_, u32>) -> Result<(), EventsError> {
        let (frames, height, width) = labels.dim();
        let image = *self.image.get_or_insert([height, width]);
        if image != [height, width] {
            let (expected, found) = (image.to_vec(), vec![height, width]);
            return Err(EventsError::Shape { what: "event map", expected, found });
        }
        for (t, frame) in labels.outer_iter().enumerate() {
            for (x, row) in frame.outer_iter().enumerate() {
                self.row(self.frames + t, x, row);
            }
        }
        self.frames += frames;
        Ok(())
    }

    fn row(&mut self, z: usize, x: usize, row: ndarray::ArrayView1<'_, u32>) {
        let mut y = 0;
        while y < row.len() {
            let (id, first) = (row[y], y);
            while y < row.len() && row[y] == id {
                y += 1;
            }
            if id == 0 {
                continue;
            }
            let fresh = EventBox { id, start: [z, x, first], end: [z + 1, x + 1, y], voxels: 0 };
            let found = self.boxes.entry(id).or_insert(fresh);
            for (a, (first, end)) in [(z, z + 1), (x, x + 1), (first, y)].into_iter().enumerate() {
                found.start[a] = found.start[a].min(first);
                found.end[a] = found.end[a].max(end);
            }
            found.voxels += (y - first) as u64;
        }
    }

    /// The boxes by id, of all that was pushed.
    pub fn finish(self) -> Vec<EventBox> {
        let mut boxes: Vec<EventBox> = self.boxes.into_values().collect();
        boxes.sort_unstable_by_key(|b| b.id);
        boxes
    }
}
