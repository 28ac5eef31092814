//! `hooke stitch detect`: from the names of tiles to the expression that names them all.

use hooke_io::expression::{DetectError, Expression, detect};

/// What names have in common.
pub struct Proposal {
    /// The expression, its tags called `Tag0`, `Tag1`, ... from the left.
    pub expression: Expression,
    /// The same with its tags called by the usual order of grid axes, where it has up to three
    /// and all are numbers: columns change fastest.
    pub named: Option<String>,
}

/// Finds the columns in which names of equal length differ.
///
/// # Errors
/// For fewer than two names, names of unequal length, or equal names.
pub fn propose<S: AsRef<str>>(names: &[S]) -> Result<Proposal, DetectError> {
    let expression = detect(names)?;
    let text = expression.to_string();
    let axes: &[&str] = match expression.tags().len() {
        1 => &["X"],
        2 => &["Y", "X"],
        3 => &["Z", "Y", "X"],
        _ => &[],
    };
    let is_number = |i: usize| !text.contains(&format!("<Tag{i},S"));
    let usable = !axes.is_empty() && (0..axes.len()).all(is_number);
    let named = usable.then(|| {
        axes.iter().enumerate().fold(text.clone(), |text, (i, axis)| {
            text.replace(&format!("<Tag{i},"), &format!("<{axis},"))
        })
    });
    Ok(Proposal { expression, named })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_are_row_and_column() {
        let found = propose(&["a/s_00_00.tif", "a/s_01_02.tif"]).expect("names of one length");
        assert_eq!(found.expression.to_string(), "a/s_<Tag0,2>_<Tag1,2>.tif");
        assert_eq!(found.named.as_deref(), Some("a/s_<Y,2>_<X,2>.tif"));
    }

    #[test]
    fn text_is_no_grid_axis() {
        let found = propose(&["s_0_ab.tif", "s_1_cd.tif"]).expect("names of one length");
        assert_eq!(found.named, None);
    }
}
