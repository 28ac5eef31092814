//! Where the plane at `t, c, z` of an image is stored.

use std::sync::Arc;

use hooke_core::Axis;

use super::file::TiffFile;
use super::layout::Layout;
use super::ome_planes::OmePlanes;
use super::page::Page;
use crate::{Error, OpenOptions, Result};

/// A stored plane: its page, and its offset where it is not the page's own chunks.
#[derive(Clone)]
pub struct Plane {
    /// The file that holds it.
    pub file: Arc<TiffFile>,
    /// The page that describes it.
    pub page: Arc<Page>,
    /// Raw planes that follow the page's own without a directory each.
    pub raw: Option<u64>,
}

/// Pages between neighbours along `t`, `c` and `z`.
#[derive(Debug, Clone, Copy)]
pub struct Strides(pub [u64; 3]);

impl Strides {
    /// Strides of planes that are stored with the axes in this order, the first varying slowest.
    ///
    /// `order` holds positions among `t, c, z`; `sizes` are lengths over `t, c, z`.
    pub fn of_order(order: [usize; 3], sizes: [u64; 3]) -> Strides {
        let mut strides = [0; 3];
        let mut step = 1u64;
        for axis in order.into_iter().rev() {
            strides[axis] = step;
            step = step.saturating_mul(sizes[axis]);
        }
        Strides(strides)
    }

    /// Gives the axes that are longer than 1 other names: `letters`, slowest first, in stored order.
    ///
    /// `None` when letters are unknown, repeated, or not one for each of those axes.
    pub fn renamed(self, sizes: [u64; 3], letters: &str) -> Option<([u64; 3], Strides)> {
        let mut long: Vec<usize> = (0..3).filter(|d| sizes[*d] > 1).collect();
        long.sort_by_key(|d| std::cmp::Reverse(self.0[*d]));
        if long.len() != letters.chars().count() {
            return None;
        }
        let (mut lengths, mut strides) = ([1; 3], [0; 3]);
        for (letter, d) in letters.chars().zip(long) {
            let to = Axis::from_letter(letter)?.index();
            if *lengths.get(to)? > 1 {
                return None;
            }
            (lengths[to], strides[to]) = (sizes[d], self.0[d]);
        }
        Some((lengths, Strides(strides)))
    }

    /// The number of the plane at `t, c, z`.
    pub fn number(&self, position: [u64; 3]) -> u64 {
        (0..3).fold(0u64, |n, d| n.saturating_add(position[d].saturating_mul(self.0[d])))
    }
}

/// Names the axes of a stack as the user says, in stored order: the axes of the stack, then those of
/// a page. `true` where they were renamed.
///
/// # Errors
/// [`Error::Unsupported`] for axes that pages do not have, such as `xyz`.
pub fn rename_axes(
    file: &TiffFile,
    how: &OpenOptions,
    page: &Layout,
    sizes: &mut [u64; 3],
    strides: &mut Strides,
) -> Result<bool> {
    let Some(axes) = &how.axes else { return Ok(false) };
    let own = match (page.samples, page.planar) {
        (1, _) => "yx",
        (_, true) => "cyx",
        (_, false) => "yxc",
    };
    let renamed = axes.to_ascii_lowercase().strip_suffix(own).and_then(|letters| {
        let once = page.samples == 1 || !letters.contains('c');
        strides.renamed(*sizes, letters).filter(|_| once)
    });
    let Some((lengths, order)) = renamed else {
        let count = sizes.iter().filter(|n| **n > 1).count();
        let what = format!("axes `{axes}` of pages stacked along {count} axes");
        let hint = format!("give {count} of t, c, z, in stored order, then {own}");
        return Err(Error::unsupported(file.path(), what, hint));
    };
    (*sizes, *strides) = (lengths, order);
    Ok(true)
}

/// Where the planes of an image are.
pub enum Planes {
    /// Raw planes one after another, described by one page.
    Contiguous {
        /// The file.
        file: Arc<TiffFile>,
        /// The page, its layout made one strip per plane.
        page: Arc<Page>,
        /// Byte of the first plane.
        start: u64,
        /// Order of the planes.
        strides: Strides,
    },
    /// A run of pages of the chain.
    Chain {
        /// The file.
        file: Arc<TiffFile>,
        /// Number of the first page.
        first: u64,
        /// Order of the planes.
        strides: Strides,
    },
    /// Pages at listed bytes.
    Listed {
        /// The file.
        file: Arc<TiffFile>,
        /// Where each page's directory begins; 0 for a page that is absent.
        offsets: Vec<u64>,
        /// Order of the planes.
        strides: Strides,
    },
    /// As OME-XML says.
    Ome(OmePlanes),
}

impl Planes {
    /// Finds a plane; `c` counts pages, not samples. `None` where the plane is absent.
    ///
    /// # Errors
    /// When the directory cannot be read, or the chain ends before it.
    pub fn locate(&self, position: [u64; 3]) -> Result<Option<Plane>> {
        let at = |file: &Arc<TiffFile>, offset: u64| {
            let plane = Plane { file: Arc::clone(file), page: file.page(offset)?, raw: None };
            Ok(Some(plane))
        };
        match self {
            Planes::Contiguous { file, page, start, strides } => {
                let size = page.layout.row_bytes() * page.layout.height;
                let raw = strides.number(position).saturating_mul(size).saturating_add(*start);
                let (file, page) = (Arc::clone(file), Arc::clone(page));
                Ok(Some(Plane { file, page, raw: Some(raw) }))
            }
            Planes::Chain { file, first, strides } => {
                let number = first.saturating_add(strides.number(position));
                at(file, page_offset(file, number)?)
            }
            Planes::Listed { file, offsets, strides } => {
                match offsets.get(strides.number(position) as usize).copied().unwrap_or(0) {
                    0 => Ok(None),
                    offset => at(file, offset),
                }
            }
            Planes::Ome(planes) => planes.locate(position),
        }
    }
}

/// Where a page of the chain is described.
///
/// # Errors
/// As [`TiffFile::page_offset`]; [`crate::Error::Corrupt`] when the chain ends before it.
pub fn page_offset(file: &TiffFile, number: u64) -> Result<u64> {
    file.page_offset(number)?.ok_or_else(|| {
        let pages = file.pages_walked();
        file.corrupt(format!("page {number} is promised, the file has {pages} pages"))
    })
}
