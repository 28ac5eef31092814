//! Boxes in a picture.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use serde::{Deserialize, Serialize};

use crate::LineageError;
use crate::contour::{Point, centroid};

/// A half-open box of pixels, which may reach out of the picture: left and top inside, right and bottom outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CropBox {
    /// First column.
    pub xtl: i64,
    /// First row.
    pub ytl: i64,
    /// Column after the last.
    pub xbr: i64,
    /// Row after the last.
    pub ybr: i64,
}

impl CropBox {
    /// The box of a whole picture of `shape` `(height, width)`.
    pub fn full(shape: [usize; 2]) -> Self {
        Self { xtl: 0, ytl: 0, xbr: shape[1] as i64, ybr: shape[0] as i64 }
    }

    /// Height and width; 0 where the corners are out of order.
    pub fn shape(self) -> [usize; 2] {
        let length = |from: i64, to: i64| usize::try_from(to.saturating_sub(from)).unwrap_or(0);
        [length(self.ytl, self.ybr), length(self.xtl, self.xbr)]
    }

    /// Number of pixels.
    pub fn size(self) -> usize {
        let [height, width] = self.shape();
        height.saturating_mul(width)
    }

    /// Checks a box that came from outside: it shall hold a pixel of a picture of `shape`, and reach no farther out
    /// of it than the picture is long.
    ///
    /// # Errors
    /// When it does not.
    pub fn validate(self, shape: [usize; 2]) -> Result<(), LineageError> {
        let [height, width] = shape.map(|n| n as i64);
        let far = |from: i64, to: i64, n: i64| from < -n || to > 2 * n;
        let is_far = far(self.xtl, self.xbr, width) || far(self.ytl, self.ybr, height);
        if is_far || self.overlap(shape).is_none() {
            let reason = format!("{self:?} does not lie in a picture of {height} × {width}");
            return Err(LineageError::Parameter { name: "box", reason });
        }
        Ok(())
    }

    /// Rows and columns of the picture inside the box, and where in the box they begin.
    fn overlap(self, shape: [usize; 2]) -> Option<([usize; 2], [usize; 2], [usize; 2])> {
        let axis = |from: i64, to: i64, n: usize| {
            let (first, end) = (from.max(0), to.min(n as i64));
            (first < end).then(|| (first as usize, end as usize, first.abs_diff(from) as usize))
        };
        let (top, bottom, down) = axis(self.ytl, self.ybr, shape[0])?;
        let (left, right, across) = axis(self.xtl, self.xbr, shape[1])?;
        Some(([top, left], [bottom, right], [down, across]))
    }

    /// Copies the box out of a picture; what lies outside of it is 0 (or what the type takes for it).
    pub fn crop<T: Copy + Default>(self, image: ArrayView2<'_, T>) -> Array2<T> {
        let mut crop = Array2::default(self.shape());
        if let Some(([top, left], [bottom, right], [down, across])) =
            self.overlap(image.dim().into())
        {
            crop.slice_mut(s![down..down + bottom - top, across..across + right - left])
                .assign(&image.slice(s![top..bottom, left..right]));
        }
        crop
    }

    /// Writes `patch` over the part of the picture inside the box.
    ///
    /// # Errors
    /// When the patch has another shape than the box, or the box does not overlap the picture.
    pub fn patch<T: Copy>(
        self,
        image: &mut ArrayViewMut2<'_, T>,
        patch: ArrayView2<'_, T>,
    ) -> Result<(), LineageError> {
        let (height, width) = patch.dim();
        if self.shape() != [height, width] {
            let (expected, found) = (self.shape().to_vec(), vec![height, width]);
            return Err(LineageError::Shape { what: "patch", expected, found });
        }
        let shape: [usize; 2] = image.dim().into();
        let Some(([top, left], [bottom, right], [down, across])) = self.overlap(shape) else {
            let reason = format!("{self:?} does not overlap a picture of {shape:?}");
            return Err(LineageError::Parameter { name: "box", reason });
        };
        image
            .slice_mut(s![top..bottom, left..right])
            .assign(&patch.slice(s![down..down + bottom - top, across..across + right - left]));
        Ok(())
    }

    /// Multiplies the corners by `fx` and `fy`, and rounds them, halves to even.
    ///
    /// # Errors
    /// For a factor that is negative or no number.
    pub fn resize(self, fx: f64, fy: f64) -> Result<Self, LineageError> {
        if !(fx >= 0.0 && fy >= 0.0 && fx.is_finite() && fy.is_finite()) {
            let reason = format!("are {fx} and {fy}, wanted finite numbers that are not negative");
            return Err(LineageError::Parameter { name: "factors", reason });
        }
        let scaled = |place: i64, factor: f64| (place as f64 * factor).round_ties_even() as i64;
        Ok(Self {
            xtl: scaled(self.xtl, fx),
            ytl: scaled(self.ytl, fy),
            xbr: scaled(self.xbr, fx),
            ybr: scaled(self.ybr, fy),
        })
    }
}

/// The box of `shape` `(height, width)` around the centroid of a contour.
pub fn tracking_box(contour: &[Point], shape: [usize; 2]) -> CropBox {
    let [x, y] = centroid(contour).map(i64::from);
    let [height, width] = shape.map(|n| n as i64);
    let (xtl, ytl) = (x - width / 2, y - height / 2);
    CropBox { xtl, ytl, xbr: xtl + width, ybr: ytl + height }
}
