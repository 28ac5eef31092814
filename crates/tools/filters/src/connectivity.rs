/// Which of the voxels around a voxel are its neighbours.
///
/// In an image, a volume of one plane, `Faces` are 4 neighbours, and `Edges` and `Corners` are both 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Connectivity {
    /// Voxels that share a face: 6 neighbours, 4 in an image.
    Faces,
    /// Voxels that share at least an edge: 18 neighbours, 8 in an image.
    Edges,
    /// Voxels that share at least a corner: 26 neighbours, 8 in an image.
    Corners,
}

impl Connectivity {
    /// The connectivity of neighbours that differ along at most `axes` axes, the number that SciPy and
    /// scikit-image take: 1, 2 or 3, `None` for others.
    pub fn from_axes(axes: usize) -> Option<Self> {
        match axes {
            1 => Some(Self::Faces),
            2 => Some(Self::Edges),
            3 => Some(Self::Corners),
            _ => None,
        }
    }

    /// Along how many axes neighbours may differ: 1, 2 or 3.
    pub fn axes(self) -> usize {
        match self {
            Self::Faces => 1,
            Self::Edges => 2,
            Self::Corners => 3,
        }
    }

    /// Returns the steps `(z, y, x)` to all neighbours, nearest first, equally near ones in raster order.
    pub fn steps(self) -> Vec<[isize; 3]> {
        let mut steps = Vec::with_capacity(26);
        for axes in 1..=self.axes() {
            for i in 0..27 {
                let step = [i / 9 - 1, i / 3 % 3 - 1, i % 3 - 1];
                if step.iter().filter(|&&s| s != 0).count() == axes {
                    steps.push(step);
                }
            }
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_counted_and_ordered() {
        let counts =
            [(Connectivity::Faces, 6), (Connectivity::Edges, 18), (Connectivity::Corners, 26)];
        for (connectivity, count) in counts {
            assert_eq!(connectivity.steps().len(), count);
            assert_eq!(Connectivity::from_axes(connectivity.axes()), Some(connectivity));
            let in_plane = connectivity.steps().iter().filter(|s| s[0] == 0).count();
            assert_eq!(in_plane, if count == 6 { 4 } else { 8 });
        }
        assert_eq!(Connectivity::Faces.steps()[..2], [[-1, 0, 0], [0, -1, 0]]);
        assert_eq!(Connectivity::from_axes(0), None);
    }
}
