//! Lengths that transform fast.

/// Returns the smallest length >= `least` without prime factors above 5, 1 for 0.
///
/// Such lengths take the fast way of [`super::RealFft`]; pad to them where zeros do not matter, as
/// [`super::RealFft::forward_padded`] does. They are at most 16 % longer than asked, from 1000 on at
/// most 7 %.
///
/// Even lengths of the last axis are transformed as complex lines of half the length. The smallest
/// even length >= `n` is `2 * next_fast_size(n.div_ceil(2))`.
///
/// # Panics
/// If there is no such length in a `usize`.
///
/// # Examples
/// ```
/// use hooke_filters::fft::next_fast_size;
/// assert_eq!([7, 97, 120, 1021].map(next_fast_size), [8, 100, 120, 1024]);
/// ```
pub fn next_fast_size(least: usize) -> usize {
    let powers = |base: usize| std::iter::successors(Some(1usize), move |n| n.checked_mul(base));
    let of_3_and_5 = powers(5).flat_map(|five| powers(3).map_while(move |n| n.checked_mul(five)));
    of_3_and_5
        .filter_map(|odd| {
            let twos = least.div_ceil(odd).checked_next_power_of_two()?;
            odd.checked_mul(twos)
        })
        .min()
        .expect("a length without prime factors above 5 fits a usize")
}
