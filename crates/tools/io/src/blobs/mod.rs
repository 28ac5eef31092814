//! Blobs, their matches and what colocalizes: tables, a store, and the files of other programs.
//!
//! | module | holds |
//! |---|---|
//! | [`columns`], `rows` | the columns of each kind of row |
//! | `parquet`, `csv` | tables of rows on disk |
//! | `sqlite` | SQLite files, opened without leaving a trace |
//! | `image` | the image that blobs lie in |
//! | `set` | blobs with their matches, of one experiment |
//! | `filter` | which blobs are wanted |
//! | [`peers`] | what MagellanMapper, cellfinder, ClearMap, napari, TrackMate and others keep |
//! | [`store`] | the SQLite store: reviews survive what is imported |

pub mod columns;
mod csv;
mod filter;
mod image;
mod parquet;
pub mod peers;
mod rows;
mod set;
mod sqlite;
pub mod store;

pub use csv::{read_csv_rows, write_csv_rows};
pub use filter::{BlobFilter, VoxelBox};
pub use image::BlobImage;
pub use parquet::{TableMeta, read_rows, write_rows};
pub use rows::{ColocRow, TupleRow};
pub use set::{BlobFile, BlobSet, ColocFlags, Roi, number_in_order};
