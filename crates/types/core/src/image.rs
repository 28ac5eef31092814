//! The traits of readers and writers.

use std::sync::Arc;

use crate::meta::{ImageMeta, Level, PlaneIndex, Problem};
use crate::pixels::Pixels;
use crate::region::Region;

/// An error of a reader or writer, with its whole cause chain.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// What a read gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadStatus {
    /// Every voxel was stored.
    Complete,
    /// These planes are absent from the file and hold the fill value.
    MissingFilled(Vec<PlaneIndex>),
}

impl ReadStatus {
    /// From the planes that were absent, in any order and with repeats.
    pub fn of(mut missing: Vec<PlaneIndex>) -> ReadStatus {
        if missing.is_empty() {
            return ReadStatus::Complete;
        }
        missing.sort_unstable();
        missing.dedup();
        ReadStatus::MissingFilled(missing)
    }
}

/// An opened file: its images (scenes, positions, setups, series, arrays).
pub trait Dataset: Send + Sync {
    /// The name of the format as `hooke info` prints it, e.g. `ome-tiff`.
    fn format(&self) -> &'static str;
    /// The format's own version, where it has one.
    fn format_version(&self) -> Option<String> {
        None
    }
    /// The images, opened lazily.
    fn images(&self) -> &[Arc<dyn ImageSource>];
    /// What a user should know.
    fn problems(&self) -> &[Problem] {
        &[]
    }
}

/// An image that can be read region by region, from many threads at once.
pub trait ImageSource: Send + Sync {
    /// What is known about the image.
    fn meta(&self) -> &ImageMeta;
    /// Its pyramid; level 0 always exists.
    fn levels(&self) -> &[Level];
    /// Reads a region of a level. `out` is reset to the image's dtype and the region's shape.
    ///
    /// # Errors
    /// When the region does not fit, or the file cannot be read or decoded there.
    fn read(
        &self,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<ReadStatus, SourceError>;
}

/// An image container that is being written. Blocks come in any order, from many threads.
///
/// Nothing is visible under the final name before [`ImageSink::finish`].
pub trait ImageSink: Send + Sync {
    /// The unit of independent writes over `t, c, z, y, x`: the shard, or the chunk if unsharded.
    /// Regions given to [`ImageSink::write`] are unions of whole units (clipped at the image's end).
    fn write_unit(&self, level: usize) -> [u64; 5];
    /// The levels of the image that is written; more than one when a pyramid is built.
    fn levels(&self) -> &[Level];
    /// Writes one block of one level; returns the keys (files, chunks) that were written.
    ///
    /// # Errors
    /// When the block cannot be written; a region that is not aligned is an error, never torn data.
    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError>;
    /// Reads back what was written, for the next level of a pyramid.
    ///
    /// # Errors
    /// When the region was not written or cannot be read.
    fn read_back(&self, level: usize, region: &Region, out: &mut Pixels)
    -> Result<(), SourceError>;
    /// Writes what is left (metadata last) and flushes to disk.
    ///
    /// # Errors
    /// When the container cannot be completed.
    fn finish(&self) -> Result<(), SourceError>;
}

/// One file or chunk that a block wrote: what a marker remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenKey {
    /// Path relative to the container, with `/`.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// CRC-32C of its content.
    pub crc32c: u32,
}
