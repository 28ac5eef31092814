//! Natural order of names: `tile2` before `tile10`.

use std::cmp::Ordering;

/// Compares two names so that runs of digits order by their number.
///
/// Names that differ only in leading zeros order by their text, so that the order is total: only
/// equal names compare equal. Digits are `0` to `9`; all else orders by byte.
///
/// ```
/// use hooke_io::natural::natural_order;
/// let mut names = vec!["tile10", "tile2", "tile1"];
/// names.sort_by(|a, b| natural_order(a, b));
/// assert_eq!(names, ["tile1", "tile2", "tile10"]);
/// ```
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a.as_bytes(), b.as_bytes());
    while let (Some(first_x), Some(first_y)) = (x.first(), y.first()) {
        if first_x.is_ascii_digit() && first_y.is_ascii_digit() {
            let (number_x, number_y) = (take_number(&mut x), take_number(&mut y));
            let order = number_x.len().cmp(&number_y.len()).then_with(|| number_x.cmp(number_y));
            if order != Ordering::Equal {
                return order;
            }
        } else if first_x != first_y {
            return first_x.cmp(first_y);
        } else {
            (x, y) = (&x[1..], &y[1..]);
        }
    }
    x.len().cmp(&y.len()).then_with(|| a.cmp(b))
}

/// Takes the leading run of digits off and returns it without leading zeros.
fn take_number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (run, rest) = text.split_at(end);
    *text = rest;
    let zeros = run.iter().position(|b| *b != b'0').unwrap_or(run.len());
    &run[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_order_by_value_and_zeros_only_break_ties() {
        assert_eq!(natural_order("a9", "a10"), Ordering::Less);
        assert_eq!(natural_order("a01", "a1"), Ordering::Less);
        assert_eq!(natural_order("a02", "a1"), Ordering::Greater);
        assert_eq!(natural_order("a", "a0"), Ordering::Less);
        assert_eq!(natural_order("a1b2", "a1b2"), Ordering::Equal);
        // Longer than any integer type.
        assert_eq!(natural_order(&"9".repeat(40), &format!("1{}", "0".repeat(40))), Ordering::Less);
    }

    proptest::proptest! {
        #[test]
        fn the_order_is_total(names in proptest::collection::vec("[a0-2]{0,6}", 3)) {
            let [a, b, c] = [&names[0], &names[1], &names[2]];
            assert_eq!(natural_order(a, b), natural_order(b, a).reverse());
            assert_eq!(natural_order(a, b) == Ordering::Equal, a == b);
            if natural_order(a, b).is_le() && natural_order(b, c).is_le() {
                assert!(natural_order(a, c).is_le());
            }
        }
    }
}
