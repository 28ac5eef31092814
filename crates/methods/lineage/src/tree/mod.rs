//! Family trees of cells, and what a person can do to them.
//!
//! | file | holds |
//! |---|---|
//! | `features` | what is known of a cell in a frame |
//! | `lineage` | [`Cell`], [`Lineage`], what can be asked of them |
//! | `ops` | create, extend, merge, split, adopt, pivot, swap poles |
//! | `edit` | these as values, with their inverses, for a log |
//! | `labels` | what they do to label images |
//! | `script` | many of them as text |
//! | `diagram`, `layout` | trees as text, as Newick, and where to draw them |

mod diagram;
mod edit;
mod error;
mod features;
mod labels;
mod layout;
mod lineage;
mod ops;
mod script;

pub use edit::{Edit, EditOp, Inverse, LogEntry};
pub use error::EditError;
pub use features::{CellFeatures, Edges, GrowthFeature};
pub use labels::{LabelChange, relabel};
pub use layout::{TreeOrder, TreeRow};
pub use lineage::{Cell, CellId, Lineage};
pub use script::{AppliedLine, ScriptError, ScriptLine, ScriptReason, apply_script, parse_script};
