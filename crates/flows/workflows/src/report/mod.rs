//! One self-contained HTML page of a run: pictures first, then numbers, then what made them.
//!
//! No request of any kind leaves the page, it reads without scripts and in print, and equal
//! results give equal bytes except in `<section id="run">`, which holds times and machine.

pub mod page;
pub mod picture;
pub mod plot;

pub use page::{Page, Table};
pub use picture::png_data_uri;
