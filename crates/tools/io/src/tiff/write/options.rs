//! What is written: kinds of files, compressions, and what each kind can hold.

use std::path::Path;

use hooke_core::{Dtype, ImageMeta};

use crate::tiff::layout::Codec;
use crate::{Error, Result};

/// The flavour of a TIFF file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Plain TIFF; axes and sizes in a JSON description that tifffile reads too.
    #[default]
    Tiff,
    /// An ImageJ hyperstack: uint8, uint16 or float32, not compressed, one level.
    ImageJ,
    /// OME-TIFF 2016-06, little-endian.
    Ome,
}

/// How chunks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Raw samples.
    #[default]
    None,
    /// Lempel-Ziv-Welch.
    Lzw,
    /// zlib with a level of 0 to 9.
    Deflate(u32),
    /// Zstandard with a level of 1 to 22.
    Zstd(i32),
    /// Run lengths.
    PackBits,
}

impl Compression {
    /// What [`Kind::Ome`] uses where nothing else is asked for.
    pub const OME: Compression = Compression::Deflate(6);

    pub(super) fn codec(self) -> Codec {
        match self {
            Compression::None => Codec::None,
            Compression::Lzw => Codec::Lzw,
            Compression::Deflate(_) => Codec::Deflate,
            Compression::Zstd(_) => Codec::Zstd,
            Compression::PackBits => Codec::PackBits,
        }
    }

    /// Whether differences of neighbours make integers shorter.
    pub(super) fn likes_differences(self) -> bool {
        matches!(self, Compression::Lzw | Compression::Deflate(_) | Compression::Zstd(_))
    }
}

/// How an image is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// The flavour.
    pub kind: Kind,
    /// The compression; `None` for the kind's own: raw, of OME-TIFF deflate 6.
    pub compression: Option<Compression>,
    /// Rows and columns of a tile, multiples of 16; `None` for 512 x 512, or one tile for smaller
    /// images, and for strips where a plain file is not compressed.
    pub tile: Option<[u64; 2]>,
    /// Rows and columns of the levels after level 0.
    pub levels: Vec<[u64; 2]>,
}

impl WriteOptions {
    /// The options of a kind, all else by its defaults.
    pub fn of(kind: Kind) -> WriteOptions {
        WriteOptions { kind, ..WriteOptions::default() }
    }

    /// The compression that is used.
    pub fn compression(&self) -> Compression {
        let default = if self.kind == Kind::Ome { Compression::OME } else { Compression::None };
        self.compression.unwrap_or(default)
    }

    /// Says whether the image can be written so.
    ///
    /// # Errors
    /// [`Error::Unsupported`] naming what the kind does not hold, and what does.
    pub fn check(&self, path: &Path, meta: &ImageMeta) -> Result<()> {
        let refuse =
            |what: String, hint: &str| Err(Error::unsupported(path, what, hint.to_owned()));
        let dtype = meta.dtype;
        match self.kind {
            Kind::ImageJ => {
                if !matches!(dtype, Dtype::Uint8 | Dtype::Uint16 | Dtype::Float32) {
                    let what = format!("{dtype} in an ImageJ file (uint8, uint16 and float32 are)");
                    return refuse(what, "write OME-TIFF with --to ome-tiff");
                }
                if self.compression() != Compression::None {
                    let what = "compression of an ImageJ hyperstack".to_owned();
                    return refuse(what, "write OME-TIFF with --to ome-tiff");
                }
                let plane = meta.shape[3] * meta.shape[4] * dtype.size() as u64;
                if meta.shape[3].max(meta.shape[4]) <= i32::MAX as u64 && plane > i32::MAX as u64 {
                    let what = format!("a plane of {plane} bytes in an ImageJ file");
                    return refuse(what, "write OME-TIFF with --to ome-tiff");
                }
                if !self.levels.is_empty() {
                    let what = "smaller levels in an ImageJ hyperstack".to_owned();
                    return refuse(what, "leave them out, or write --to ome-tiff");
                }
            }
            Kind::Ome if matches!(dtype, Dtype::Int64 | Dtype::Uint64) => {
                let what = format!("{dtype} in an OME-TIFF (its schema has no 64-bit integers)");
                return refuse(what, "write plain TIFF with --to tiff, or --to ome-zarr");
            }
            Kind::Ome | Kind::Tiff => {}
        }
        if let Some([rows, columns]) = self.tile
            && (rows == 0 || columns == 0 || rows % 16 != 0 || columns % 16 != 0)
        {
            let what = format!("tiles of {columns} x {rows} (TIFF wants multiples of 16)");
            return refuse(what, "");
        }
        if meta.shape.contains(&0) {
            return refuse(format!("an image of shape {:?}", meta.shape), "");
        }
        if meta.shape[3] > i32::MAX as u64 || meta.shape[4] > i32::MAX as u64 {
            return refuse(format!("planes of {} x {}", meta.shape[4], meta.shape[3]), "");
        }
        Ok(())
    }
}

/// The items of the metadata that a kind cannot hold, for one warning.
pub fn lost_items(meta: &ImageMeta, kind: Kind) -> Vec<&'static str> {
    let mut lost = Vec::new();
    if meta.is_turned() {
        lost.push("rotation or shear");
    }
    if kind != Kind::Ome && meta.frame_times_s.is_some() {
        lost.push("frame times");
    }
    if kind == Kind::ImageJ {
        let sized = |d: usize| meta.voxel_size_um[d].value.is_some();
        let placed = |d: usize| meta.origin_um[d].value.is_some();
        if (0..3).any(|d| placed(d) && !sized(d)) {
            lost.push("origin");
        }
        if meta.channels.iter().any(|c| c.excitation_nm.is_some() || c.emission_nm.is_some()) {
            lost.push("wavelengths");
        }
        if meta.significant_bits < 8 * meta.dtype.size() as u32 {
            lost.push("significant bits");
        }
    }
    if kind != Kind::Tiff && meta.labels {
        lost.push("labels");
    }
    lost
}
