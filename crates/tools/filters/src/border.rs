//! What an image is taken to hold beyond its edge.

/// Extension of a line of pixels `a b c d` beyond its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// `a a a | a b c d | d d d`: the edge pixel goes on (SciPy's `nearest`).
    Nearest,
    /// `c b a | a b c d | d c b`: mirrored with the edge pixel repeated (SciPy's `reflect`).
    Reflect,
    /// `d c b | a b c d | c b a`: mirrored about the centre of the edge pixel (SciPy's `mirror`).
    Mirror,
}

impl Border {
    /// Maps any position on a line of `len` pixels to the pixel inside that stands for it.
    ///
    /// # Panics
    /// If `len` is 0.
    ///
    /// # Examples
    /// ```
    /// use hooke_filters::Border;
    /// assert_eq!(Border::Nearest.index(-2, 4), 0);
    /// assert_eq!(Border::Reflect.index(-2, 4), 1);
    /// assert_eq!(Border::Mirror.index(-2, 4), 2);
    /// assert_eq!(Border::Mirror.index(4, 4), 2);
    /// ```
    #[inline]
    pub fn index(self, position: isize, len: usize) -> usize {
        let n = isize::try_from(len).expect("no array is longer than isize::MAX");
        assert!(n > 0, "a line without pixels has no border");
        if (0..n).contains(&position) {
            return position as usize;
        }
        let inside = match self {
            Border::Nearest => position.clamp(0, n - 1),
            Border::Reflect => {
                let p = position.rem_euclid(2 * n);
                p.min(2 * n - 1 - p)
            }
            Border::Mirror if n == 1 => 0,
            Border::Mirror => {
                let p = position.rem_euclid(2 * (n - 1));
                p.min(2 * (n - 1) - p)
            }
        };
        inside as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Border;

    fn line(border: Border) -> String {
        let pixels = ['a', 'b', 'c'];
        (-5..8).map(|i| pixels[border.index(i, 3)]).collect()
    }

    #[test]
    fn each_border_repeats_its_pattern_far_outside() {
        assert_eq!(line(Border::Nearest), "aaaaaabcccccc");
        assert_eq!(line(Border::Reflect), "bccbaabccbaab");
        assert_eq!(line(Border::Mirror), "babcbabcbabcb");
    }

    #[test]
    fn one_pixel_stands_for_every_position() {
        for border in [Border::Nearest, Border::Reflect, Border::Mirror] {
            assert!((-4..5).all(|i| border.index(i, 1) == 0));
        }
    }
}
