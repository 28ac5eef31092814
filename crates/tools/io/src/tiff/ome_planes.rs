//! Where OME-XML says planes are: runs of pages in this file and its siblings.

use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hooke_core::meta::PlaneIndex;

use super::file::TiffFile;
use super::ome_xml::{OmeDocument, OmeImage, TiffData};
use super::planes::{Plane, Strides, page_offset};
use crate::positional::FileBytes;
use crate::{Error, Result};

/// Sibling files that are kept open.
const OPEN_SIBLINGS: usize = 64;
/// Missing planes beyond this number are not listed one by one but refused.
const MOST_MISSING: u64 = 1_000_000;

/// The files of a set. The first is the one that was opened.
pub struct FileSet {
    home: Arc<TiffFile>,
    siblings: Vec<Sibling>,
    open: Mutex<Vec<(usize, Arc<TiffFile>)>>,
}

struct Sibling {
    name: String,
    path: Option<PathBuf>,
}

impl FileSet {
    /// The set that a document names; siblings are looked for beside `home`.
    pub fn new(home: Arc<TiffFile>, document: &OmeDocument) -> FileSet {
        let own_name = home.path().file_name().and_then(|n| n.to_str()).map(str::to_owned);
        let folder = home.path().parent().map(Path::to_owned).unwrap_or_default();
        let mut siblings: Vec<Sibling> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for block in document.images.iter().flat_map(|i| &i.blocks) {
            let Some(name) = foreign_name(block, own_name.as_deref(), document) else { continue };
            if seen.insert(name.to_owned()) {
                let path = sibling_path(&folder, name).filter(|p| p.is_file());
                siblings.push(Sibling { name: name.to_owned(), path });
            }
        }
        siblings.sort_by(|a, b| a.name.cmp(&b.name));
        FileSet { home, siblings, open: Mutex::default() }
    }

    /// Names of siblings that are not there.
    pub fn absent(&self) -> Vec<&str> {
        self.siblings.iter().filter(|s| s.path.is_none()).map(|s| s.name.as_str()).collect()
    }

    /// Number of the file that a block names: 0 is the file that was opened.
    fn number(&self, block: &TiffData, document: &OmeDocument) -> usize {
        let own_name = self.home.path().file_name().and_then(|n| n.to_str());
        let Some(name) = foreign_name(block, own_name, document) else { return 0 };
        self.siblings.binary_search_by(|s| s.name.as_str().cmp(name)).map_or(0, |i| i + 1)
    }

    fn is_there(&self, number: usize) -> bool {
        number.checked_sub(1).is_none_or(|i| self.siblings[i].path.is_some())
    }

    /// Opens a file of the set; `None` when it is absent.
    fn file(&self, number: usize) -> Result<Option<Arc<TiffFile>>> {
        let Some(index) = number.checked_sub(1) else { return Ok(Some(Arc::clone(&self.home))) };
        let Some(path) = &self.siblings[index].path else { return Ok(None) };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = open.iter().find(|(n, _)| *n == number) {
            return Ok(Some(Arc::clone(file)));
        }
        let handle = std::fs::File::open(path).and_then(FileBytes::new);
        let bytes = handle.map_err(|e| Error::io(path, "open", e))?;
        let file = Arc::new(TiffFile::new(Box::new(bytes), path, self.home.cache().cloned())?);
        if open.len() >= OPEN_SIBLINGS {
            open.remove(0);
        }
        open.push((number, Arc::clone(&file)));
        Ok(Some(file))
    }
}

/// The name of the file that holds a block, `None` for the file that was opened.
///
/// A file that was renamed is still known by its identity.
fn foreign_name<'a>(
    block: &'a TiffData,
    own_name: Option<&str>,
    document: &OmeDocument,
) -> Option<&'a str> {
    let own_uuid = block.uuid.is_some() && block.uuid == document.uuid;
    let name = block.file.as_deref()?;
    (!own_uuid && own_name != Some(name)).then_some(name)
}

/// A sibling lies beside or below the file; names that lead elsewhere are not followed.
fn sibling_path(folder: &Path, name: &str) -> Option<PathBuf> {
    let below = Path::new(name).components().all(|c| matches!(c, Component::Normal(_)));
    (below && !name.is_empty()).then(|| folder.join(name))
}

/// Reads a file that a document names as the holder of its metadata.
///
/// # Errors
/// A clause for the message when it leads elsewhere or cannot be read.
pub fn read_companion(home: &Path, name: &str) -> Result<String, String> {
    let path = sibling_path(home.parent().unwrap_or(Path::new("")), name)
        .ok_or_else(|| format!("the metadata file {name:?} is not beside this one"))?;
    std::fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

/// Planes of one image as OME-XML places them.
pub struct OmePlanes {
    files: Arc<FileSet>,
    runs: Vec<Run>,
    strides: Strides,
}

/// Planes that follow each other in one file. Numbers count planes in DimensionOrder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: u64,
    count: u64,
    ifd: u64,
    file: usize,
}

impl OmePlanes {
    /// Places the planes of an image; `sizes` counts pages along c. `next_ifd` holds, per file, the
    /// page after the last one placed, for images whose blocks have no numbers.
    ///
    /// # Errors
    /// A clause for the message when a block lies outside the image or the file.
    pub fn new(
        files: Arc<FileSet>,
        document: &OmeDocument,
        image: &OmeImage,
        sizes: [u64; 3],
        next_ifd: &mut std::collections::HashMap<usize, u64>,
    ) -> Result<OmePlanes, String> {
        let strides = Strides::of_order(image.order, sizes);
        let total =
            sizes.iter().try_fold(1u64, |n, s| n.checked_mul(*s)).ok_or("too many planes")?;
        let all =
            [TiffData { ifd: None, first: [0; 3], count: Some(total), file: None, uuid: None }];
        let blocks = if image.blocks.is_empty() { &all[..] } else { &image.blocks };
        let mut starts = Vec::with_capacity(blocks.len());
        for block in blocks {
            if (0..3).any(|d| block.first[d] >= sizes[d]) {
                return Err(format!("TiffData begins at {:?} of {sizes:?} (t, c, z)", block.first));
            }
            starts.push(strides.number(block.first));
        }
        let mut sorted = starts.clone();
        sorted.sort_unstable();
        let mut runs = Vec::with_capacity(blocks.len());
        for (block, first) in blocks.iter().zip(starts) {
            let file = files.number(block, document);
            let next = next_ifd.entry(file).or_insert(0);
            let after = sorted.partition_point(|s| *s <= first);
            let gap = sorted.get(after).copied().unwrap_or(total) - first;
            // One plane where the page is named, else all up to the next block.
            let count = block.count.unwrap_or(if block.ifd.is_some() { 1 } else { gap }).min(gap);
            let ifd = block.ifd.unwrap_or(*next);
            *next = ifd + count;
            if file == 0 && ifd + count > files.home.most_pages() {
                return Err(format!("TiffData names page {}, more than fit", ifd + count - 1));
            }
            runs.push(Run { first, count, ifd, file });
        }
        runs.sort_by_key(|r| r.first);
        Ok(OmePlanes { files, runs, strides })
    }

    /// Finds a plane; `c` counts pages. `None` where the plane or its file is absent.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn locate(&self, position: [u64; 3]) -> Result<Option<Plane>> {
        let number = self.strides.number(position);
        let Some(run) = self.run_of(number) else { return Ok(None) };
        let Some(file) = self.files.file(run.file)? else { return Ok(None) };
        let page = file.page(page_offset(&file, run.ifd + (number - run.first))?)?;
        Ok(Some(Plane { file, page, raw: None }))
    }

    fn run_of(&self, number: u64) -> Option<&Run> {
        let after = self.runs.partition_point(|r| r.first <= number);
        self.runs[..after].last().filter(|r| number - r.first < r.count)
    }

    /// The position of the first plane that is there, over `t, c, z`.
    pub fn first_present(&self, sizes: [u64; 3]) -> Option<[u64; 3]> {
        let run = self.runs.iter().find(|r| r.count > 0 && self.files.is_there(r.file))?;
        Some(self.position(run.first, sizes))
    }

    fn position(&self, number: u64, sizes: [u64; 3]) -> [u64; 3] {
        std::array::from_fn(|d| number / self.strides.0[d] % sizes[d])
    }

    /// Planes that no block places or whose file is absent; `c` counts pages.
    ///
    /// # Errors
    /// A clause for the message when there are absurdly many.
    pub fn missing(&self, sizes: [u64; 3]) -> Result<Vec<PlaneIndex>, String> {
        let total: u64 = sizes.iter().product();
        let mut gaps = Vec::new();
        let mut next = 0;
        for run in &self.runs {
            gaps.push(next..run.first);
            if !self.files.is_there(run.file) {
                gaps.push(run.first..run.first + run.count);
            }
            next = run.first + run.count;
        }
        gaps.push(next..total);
        let count: u64 = gaps.iter().map(|g| g.end.saturating_sub(g.start)).sum();
        if count > MOST_MISSING {
            return Err(format!("{count} of {total} planes are missing"));
        }
        let numbers = gaps.into_iter().flatten();
        let mut missing: Vec<PlaneIndex> = numbers
            .map(|n| self.position(n, sizes))
            .map(|[t, c, z]| PlaneIndex { t, c, z })
            .collect();
        missing.sort_unstable();
        Ok(missing)
    }
}
