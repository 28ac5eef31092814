//! Connected components of masks and label images, and what is decided by their size.
//!
//! Rows are cut into runs of foreground and runs of neighbouring rows are joined (He, Chao & Suzuki
//! 2008, doi:10.1109/TIP.2008.919369), first within slabs side by side and then between slabs. Masks may
//! be of any type: what equals `T::default()` (false, 0) is background.
//!
//! | module | holds |
//! | --- | --- |
//! | `label` | labels of components, their sizes |
//! | `remove` | removal of small objects, filling of small and of all holes |
//! | `runs` | the joined runs that both are made of |

mod label;
mod remove;
mod runs;

pub use label::{component_sizes, label_components_into, label_equal_components_into};
pub use remove::{fill_holes, remove_small_holes, remove_small_labels, remove_small_objects};
