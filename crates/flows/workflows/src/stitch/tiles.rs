//! The voxels of a layout's tiles, read from their files box by box.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::pixels::Typed;
use hooke_core::{Dtype, ImageSource, Pixels, Region, Sample, dispatch};
use hooke_io::ChunkCache;
use hooke_io::http::is_url;
use hooke_stitch::{Layout, Tile, TileError, TilePixels};

use crate::open_files::{FileKey, OpenFiles};

/// The tiles of a layout, opened when first asked for.
pub struct TileReader {
    sources: HashMap<usize, TileFile>,
    open: OpenFiles,
}

struct TileFile {
    file: FileKey,
    series: usize,
    channel: u64,
    shape: [u64; 3],
    /// The plane a sliced layout cuts out of the file: axis and index.
    slice: Option<(usize, u64)>,
}

impl TileReader {
    /// A reader of a layout whose relative paths start at `folder`.
    ///
    /// `channel` counts the channels of the files; tiles that name their own channel keep it.
    pub fn new(layout: &Layout, folder: &Path, channel: u64, cache: Arc<ChunkCache>) -> TileReader {
        let file = |tile: &Tile| TileFile {
            file: FileKey::new(
                &absolute(folder, &tile.source.path),
                tile.source.dataset.as_deref(),
            ),
            series: tile.source.series,
            channel: tile.source.channel.map_or(channel, |c| c as u64),
            shape: tile.shape,
            slice: slice_of(tile),
        };
        let sources = layout.tiles.iter().map(|t| (t.id, file(t))).collect();
        TileReader { sources, open: OpenFiles::new(cache) }
    }

    /// The file of a tile.
    pub fn path(&self, tile: usize) -> Option<&Path> {
        self.sources.get(&tile).map(|s| s.file.path.as_path())
    }

    /// Opens a tile's image and checks that it is what the layout says.
    ///
    /// # Errors
    /// When the file cannot be opened, or its shape or number of channels is another.
    pub fn image(&self, tile: usize) -> Result<Arc<dyn ImageSource>, TileError> {
        let fail = |source: Box<dyn std::error::Error + Send + Sync>| TileError { tile, source };
        let file = self.sources.get(&tile).ok_or_else(|| fail("not in the layout".into()))?;
        let image = self.open.image(&file.file, file.series).map_err(|e| fail(e.into()))?;
        let meta = image.meta();
        let mut shape = [meta.shape[2], meta.shape[3], meta.shape[4]];
        if let Some((d, index)) = file.slice
            && index < shape[d]
        {
            shape[d] = 1;
        }
        if shape != file.shape {
            let (path, want) = (file.file.path.display(), file.shape);
            return Err(fail(
                format!("{path}: has shape {shape:?}, the layout says {want:?}").into(),
            ));
        }
        if file.channel >= meta.shape[1] {
            let (path, n) = (file.file.path.display(), meta.shape[1]);
            return Err(fail(format!("{path}: no channel {}; it has {n}", file.channel).into()));
        }
        Ok(image)
    }

    fn read_pixels(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        pixels: &mut Pixels,
    ) -> Result<(), TileError> {
        let image = self.image(tile)?;
        let file = self.sources.get(&tile);
        let channel = file.map_or(0, |s| s.channel);
        let mut first = [0, channel, start[0] as u64, start[1] as u64, start[2] as u64];
        if let Some((d, index)) = file.and_then(|f| f.slice) {
            first[d + 2] = index;
        }
        let shape = [1, 1, shape[0] as u64, shape[1] as u64, shape[2] as u64];
        image
            .read(0, &Region::new(first, shape), pixels)
            .map_err(|source| TileError { tile, source })?;
        Ok(())
    }
}

/// The key `slice` of a source, written by `Layout::slice`.
fn slice_of(tile: &Tile) -> Option<(usize, u64)> {
    let slice = tile.source.extra.get("slice")?;
    let axis = slice.get("axis")?.as_str()?;
    let d = ["z", "y", "x"].iter().position(|a| *a == axis)?;
    Some((d, slice.get("index")?.as_u64()?))
}

thread_local! {
    /// One block per thread, reused: the first touch of fresh memory costs ten times a copy. It is
    /// taken out while in use, since a thread that waits for a read may begin another.
    static BLOCK: std::cell::Cell<Option<Pixels>> = const { std::cell::Cell::new(None) };
}

/// Tiles as f32, for measuring.
pub struct AsFloat<'a>(pub &'a TileReader);

/// Tiles in their own sample type, for fusing.
pub struct AsStored<'a>(pub &'a TileReader);

impl TilePixels<f32> for AsFloat<'_> {
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<f32>,
    ) -> Result<(), TileError> {
        let mut block = BLOCK.take().unwrap_or_else(|| Pixels::zeros(Dtype::Uint16, [0; 5]));
        let result = self.0.read_pixels(tile, start, shape, &mut block);
        block.to_f32_into(out);
        BLOCK.set(Some(block));
        result
    }
}

impl<T: Sample + Typed> TilePixels<T> for AsStored<'_> {
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<T>,
    ) -> Result<(), TileError> {
        // The caller's buffer becomes the block and comes back, so that nothing is copied twice.
        let mut block = Pixels::from_vec([1, 1, 1, 1, out.len() as u64], std::mem::take(out));
        let result = self.0.read_pixels(tile, start, shape, &mut block);
        let found = block.dtype();
        match block.into_vec::<T>() {
            Some(samples) => *out = samples,
            None => {
                let source = format!("holds {found}, the layout says {}", T::DTYPE).into();
                return result.and(Err(TileError { tile, source }));
            }
        }
        result
    }
}

/// Opens one image of a file.
///
/// # Errors
/// When the file cannot be opened or has no such image.
pub fn open_image(
    path: &Path,
    dataset: Option<&str>,
    series: usize,
    cache: &Arc<ChunkCache>,
) -> Result<Arc<dyn ImageSource>, hooke_io::Error> {
    OpenFiles::new(Arc::clone(cache)).image(&FileKey::new(path, dataset), series)
}

/// A path of a layout: relative ones start at the layout's folder, addresses stay.
pub fn absolute(folder: &Path, path: &str) -> PathBuf {
    if is_url(Path::new(path)) { PathBuf::from(path) } else { folder.join(path) }
}

/// The path as a layout in `folder` writes it: relative where the file lies below the folder.
pub fn relative(folder: &Path, path: &Path) -> String {
    let full = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_owned());
    let (from, to) = (full(folder), full(path));
    to.strip_prefix(&from).unwrap_or(&to).to_string_lossy().into_owned()
}

/// Bytes of one voxel of a layout's tiles.
pub fn voxel_bytes(layout: &Layout) -> u64 {
    layout.dtype.map_or(2, |d| dispatch!(d, T => size_of::<T>() as u64))
}
