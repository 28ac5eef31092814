//! Scripts of operations: one per line, `#` begins a comment, `roi N` goes to another region of interest.

use std::str::FromStr;

use super::{Edit, EditError, EditOp, LabelChange, Lineage};

/// An operation of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptLine {
    /// Its line, from 1.
    pub line: usize,
    /// The region of interest that it is for.
    pub roi: usize,
    /// The operation.
    pub op: EditOp,
}

/// The first line of a script that cannot be read or applied; shown as `4: pivot 9: CellDoesNotExist: …`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {text}: {reason}")]
pub struct ScriptError {
    /// Its line, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
    /// What is wrong with it.
    pub reason: ScriptReason,
}

/// Why a line is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptReason {
    /// It is no operation.
    #[error("{0}")]
    Unreadable(String),
    /// There is no such region of interest.
    #[error("there is no ROI {roi}; there are {count}, numbered from 0")]
    NoRoi {
        /// The one asked for.
        roi: usize,
        /// How many there are.
        count: usize,
    },
    /// The operation is refused.
    #[error(transparent)]
    Edit(#[from] EditError),
}

impl FromStr for EditOp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        let number = |word: &str| match word {
            "none" | "None" => Ok(None),
            _ => word.parse().map(Some).map_err(|_| format!("'{word}' is not a number")),
        };
        let args: Vec<Option<u64>> = words.map(number).collect::<Result<_, _>>()?;
        Self::from_args(name, &args)
    }
}

/// Reads a script; lines before the first `roi N` are for `roi`.
///
/// # Errors
/// The first line that cannot be read.
pub fn parse_script(text: &str, mut roi: usize) -> Result<Vec<ScriptLine>, ScriptError> {
    let mut script = Vec::new();
    for (i, whole) in text.lines().enumerate() {
        let line = i + 1;
        let words = whole.split('#').next().unwrap_or_default().trim();
        let wrong = |reason| ScriptError {
            line,
            text: words.into(),
            reason: ScriptReason::Unreadable(reason),
        };
        match words.split_whitespace().collect::<Vec<_>>()[..] {
            [] => {}
            ["roi", number] => {
                roi = number.parse().map_err(|_| wrong(format!("'{number}' is not a number")))?;
            }
            ["roi", ..] => return Err(wrong("wanted: roi N".into())),
            _ => script.push(ScriptLine { line, roi, op: words.parse().map_err(wrong)? }),
        }
    }
    Ok(script)
}

/// What a line of a script did.
#[derive(Debug, Clone, PartialEq)]
pub struct AppliedLine {
    /// The region of interest.
    pub roi: usize,
    /// What was done, and the way back.
    pub edit: Edit,
    /// What becomes of label images.
    pub labels: Vec<LabelChange>,
}

/// Applies a script to the lineages of a position, one per region of interest: all of it or nothing.
///
/// # Errors
/// The first line that is refused; all lineages are then as they were.
pub fn apply_script(
    rois: &mut [Lineage],
    script: &[ScriptLine],
) -> Result<Vec<AppliedLine>, ScriptError> {
    let count = rois.len();
    let mut applied: Vec<AppliedLine> = Vec::with_capacity(script.len());
    for line in script {
        let outcome = match rois.get_mut(line.roi) {
            Some(lineage) => lineage.apply(line.op).map_err(ScriptReason::from),
            None => Err(ScriptReason::NoRoi { roi: line.roi, count }),
        };
        match outcome {
            Ok((edit, labels)) => applied.push(AppliedLine { roi: line.roi, edit, labels }),
            Err(reason) => {
                for done in applied.iter().rev() {
                    rois[done.roi].undo(&done.edit.inverse).expect("it was just applied");
                }
                return Err(ScriptError { line: line.line, text: line.op.to_string(), reason });
            }
        }
    }
    Ok(applied)
}
