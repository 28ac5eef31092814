//! What all ways of tracking return: which cell became which.

/// A cell of a frame, by its place in the list of that frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    /// The frame, from 0.
    pub frame: usize,
    /// Its place in the list of cells of the frame.
    pub index: usize,
}

impl Spot {
    /// A cell of a frame.
    pub fn new(frame: usize, index: usize) -> Self {
        Self { frame, index }
    }
}

/// A cell and what became of it in a later frame: itself, or two daughters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// The cell.
    pub from: Spot,
    /// What it became.
    pub to: Spot,
    /// The other half after a division, in the frame of `to`.
    pub sister: Option<Spot>,
    /// How unlikely it is; high values are worth a look.
    pub cost: f32,
}

impl Link {
    /// Its ends: `to`, and the sister if there is one.
    pub fn ends(&self) -> impl Iterator<Item = Spot> {
        std::iter::once(self.to).chain(self.sister)
    }
}
