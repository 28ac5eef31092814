//! The box of an image that is matched.

use crate::error::BlobsError;

/// A box in voxels, and how much smaller the box is that a pair needs an end in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatchWindow {
    offset: [f64; 3],
    shape: [f64; 3],
    inner_padding: [f64; 3],
}

impl MatchWindow {
    /// A box `offset <= p < offset + shape` over `z, y, x`.
    ///
    /// `inner_padding` is what the inner box is shrunk by on both sides; it is clipped per axis to
    /// `ceil(shape / 2 - 1)`, so that an inner box remains, and to 0.
    ///
    /// # Errors
    /// When a value is no number, or a length or padding is negative.
    pub fn new(
        offset: [f64; 3],
        shape: [f64; 3],
        inner_padding: [f64; 3],
    ) -> Result<Self, BlobsError> {
        let is_length = |v: &f64| v.is_finite() && *v >= 0.0;
        if !offset.iter().all(|v| v.is_finite()) {
            return Err(BlobsError::parameter("offset", offset, "numbers over z, y, x"));
        }
        if !shape.iter().all(is_length) {
            return Err(BlobsError::parameter("shape", shape, "numbers >= 0 over z, y, x"));
        }
        if !inner_padding.iter().all(is_length) {
            return Err(BlobsError::parameter(
                "inner padding",
                inner_padding,
                "numbers >= 0 over z, y, x",
            ));
        }
        let most = |d: usize| (shape[d] / 2.0 - 1.0).ceil().max(0.0);
        let inner_padding = std::array::from_fn(|d| inner_padding[d].min(most(d)));
        Ok(Self { offset, shape, inner_padding })
    }

    /// Whether a point lies in the box.
    pub fn holds(&self, position: [f64; 3]) -> bool {
        self.is_within(position, [0.0; 3])
    }

    /// Whether a point lies in the inner box.
    pub fn is_inner(&self, position: [f64; 3]) -> bool {
        self.is_within(position, self.inner_padding)
    }

    fn is_within(&self, position: [f64; 3], margin: [f64; 3]) -> bool {
        (0..3).all(|d| {
            let p = position[d];
            p >= self.offset[d] + margin[d] && p < self.offset[d] + self.shape[d] - margin[d]
        })
    }
}
