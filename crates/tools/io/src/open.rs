//! The one door for reading: what a file is, by its content, and its reader.
//!
//! A new format is one more line in `FORMATS`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::{Axis, Dataset};

use crate::chunk_cache::ChunkCache;
use crate::error::{Error, Result};
use crate::image_folder::{is_sequence, open_sequence};
use crate::{
    bdv, czi, hdf5, http, image_folder, imaris, jpeg2000, lif, n5, nd2, netcdf, npy, ome_zarr, png,
};

/// How a file is to be opened.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// What the stored dimensions are, one letter each, in stored order, e.g. `xyz`.
    pub axes: Option<String>,
    /// The member to read: an HDF5 dataset, an NPZ array, a Zarr node.
    pub dataset: Option<String>,
    /// The axis that the files of a folder follow each other along, z where nothing else is said.
    pub along: Option<Axis>,
    /// Whether damaged parts are filled and listed instead of being errors.
    pub rescue: bool,
    /// Where decoded chunks are kept; `None` keeps none.
    pub cache: Option<Arc<ChunkCache>>,
}

/// A format: its name, how its content is recognised, and its reader.
struct Format {
    name: &'static str,
    recognises: fn(&Probe) -> bool,
    open: fn(&Path, &OpenOptions) -> Result<Box<dyn Dataset>>,
}

/// Every readable format; the first line that recognises the content opens it.
const FORMATS: &[Format] = &[
    Format {
        name: "tiff, imagej-tiff, ome-tiff",
        recognises: |p| TIFF_MAGIC.iter().any(|m| p.begins_with(m)),
        open: |path, how| Ok(Box::new(crate::tiff::open(path, how)?)),
    },
    Format { name: "ome-zarr", recognises: ome_zarr::recognises, open: ome_zarr::open },
    Format {
        name: "npy",
        recognises: |p| p.begins_with(npy::MAGIC),
        open: |path, how| Ok(Box::new(npy::open(path, how)?)),
    },
    Format {
        name: "npz",
        recognises: npy::recognises_npz,
        open: |path, how| Ok(Box::new(npy::open_npz(path, how)?)),
    },
    Format { name: "hdf5, netcdf, imaris", recognises: hdf5::recognises, open: open_hdf5 },
    Format {
        name: "nd2",
        recognises: |p| p.begins_with(nd2::MAGIC) || nd2::is_old(p),
        open: |path, how| Ok(Box::new(nd2::open(path, how)?)),
    },
    Format {
        name: "czi",
        recognises: |p| p.begins_with(czi::MAGIC),
        open: |path, how| Ok(Box::new(czi::open(path, how)?)),
    },
    Format {
        name: "lif",
        recognises: lif::recognises,
        open: |path, how| Ok(Box::new(lif::open(path, how)?)),
    },
    Format {
        name: "bdv-hdf5, bdv-n5, bdv-zarr",
        recognises: bdv::recognises_xml,
        open: |path, how| Ok(Box::new(bdv::open_xml(path, how)?)),
    },
    Format {
        name: "jpeg2000",
        recognises: jpeg2000::recognises,
        open: |path, how| Ok(Box::new(jpeg2000::open(path, how)?)),
    },
    Format {
        name: "png",
        recognises: |p| p.begins_with(png::MAGIC),
        open: |path, how| Ok(Box::new(png::open(path, how)?)),
    },
    Format {
        name: "n5",
        recognises: n5::recognises,
        open: |path, how| Ok(Box::new(n5::open(path, how)?)),
    },
    // After all containers that are folders.
    Format {
        name: "image-folder",
        recognises: image_folder::recognises,
        open: |path, how| Ok(Box::new(image_folder::open(path, how)?)),
    },
];

const CLASSIC_NETCDF: &str =
    "netCDF-3, the classic format; make it netCDF-4 with nccopy -k netCDF-4 OLD.nc NEW.nc";

/// Classic and Big, little and big endian.
const TIFF_MAGIC: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];

/// An HDF5 file is opened by what is in it.
fn open_hdf5(path: &Path, how: &OpenOptions) -> Result<Box<dyn Dataset>> {
    let content = hdf5::Content::look(path)?;
    if how.dataset.is_none() && bdv::is_bdv_hdf5(&content.datasets) {
        return Ok(Box::new(bdv::open_hdf5(path, how)?));
    }
    if how.dataset.is_none() && imaris::recognises(&content) {
        return Ok(Box::new(imaris::open(path, how)?));
    }
    if netcdf::recognises(path, &content) {
        return Ok(Box::new(netcdf::open(path, how)?));
    }
    Ok(Box::new(hdf5::open(path, how)?))
}

/// The first look at a path: enough to tell formats apart, never more.
#[derive(Debug)]
pub struct Probe {
    /// The path.
    pub path: PathBuf,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Bytes of the file, 0 for a folder.
    pub bytes: u64,
    /// The first bytes of the file, at most [`Probe::HEAD`].
    pub head: Vec<u8>,
}

impl Probe {
    /// How many bytes are looked at.
    pub const HEAD: usize = 4096;

    /// Looks at a path.
    ///
    /// # Errors
    /// [`Error::Io`] when it is not there or cannot be read.
    pub fn new(path: &Path) -> Result<Probe> {
        let io = |doing: &'static str| move |e: io::Error| Error::io(path, doing, e);
        let info = std::fs::metadata(path).map_err(io("open"))?;
        let mut head = Vec::new();
        if !info.is_dir() {
            let file = File::open(path).map_err(io("open"))?;
            file.take(Probe::HEAD as u64).read_to_end(&mut head).map_err(io("read"))?;
        }
        let bytes = if info.is_dir() { 0 } else { info.len() };
        Ok(Probe { path: path.to_owned(), is_folder: info.is_dir(), bytes, head })
    }

    /// Whether the file begins with these bytes.
    pub fn begins_with(&self, magic: &[u8]) -> bool {
        self.head.starts_with(magic)
    }

    /// Whether the name ends so, upper or lower case; only where content is ambiguous.
    pub fn has_suffix(&self, suffix: &str) -> bool {
        let name = self.path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        name.to_ascii_lowercase().ends_with(suffix)
    }

    /// Whether the folder holds an entry of this name.
    pub fn holds(&self, entry: &str) -> bool {
        self.is_folder && self.path.join(entry).exists()
    }

    /// What the content looks like, for the message about an unknown one.
    fn looks_like(&self) -> String {
        if self.is_folder {
            return "a folder without image metadata".to_owned();
        }
        if self.head.is_empty() {
            return "an empty file".to_owned();
        }
        let known = [
            (&b"%PDF"[..], "a PDF"),
            (b"PK\x03\x04", "a ZIP archive; unpack it first"),
            (b"\x1f\x8b", "a gzip file; unpack it first"),
            (b"\xff\xd8\xff", "a JPEG picture"),
            (b"GIF8", "a GIF picture"),
            (b"ustar", "a tar archive"),
            (b"PAR1", "a Parquet table, which holds no image"),
            (b"SQLite format 3\0", "an SQLite database, which holds no image"),
            (b"CDF\x01", CLASSIC_NETCDF),
            (b"CDF\x02", CLASSIC_NETCDF),
            (b"CDF\x05", CLASSIC_NETCDF),
        ];
        if let Some((_, name)) = known.iter().find(|(magic, _)| self.begins_with(magic)) {
            return (*name).to_owned();
        }
        let shown = &self.head[..self.head.len().min(8)];
        if shown.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) {
            let text = String::from_utf8_lossy(&self.head[..self.head.len().min(24)]);
            return format!("text that begins with {:?}", text.trim_end());
        }
        let hex: Vec<_> = shown.iter().map(|b| format!("{b:02x}")).collect();
        format!("{} bytes that begin with {}", self.bytes, hex.join(" "))
    }
}

/// The names of the formats that can be read.
pub fn readable_formats() -> Vec<&'static str> {
    FORMATS.iter().map(|f| f.name).collect()
}

/// Opens an image file or folder by its content, a Zarr container by its address (`http://...`), or the
/// files that an expression names (`cells_<T,3>.tif`) as one stack.
///
/// Only metadata is read. The name's suffix decides only where content is ambiguous.
///
/// # Errors
/// [`Error::Unrecognised`] for unknown content, saying what it looks like and what can be read;
/// [`Error::Incomplete`] for the work folder of an unfinished run; else what the reader answers.
pub fn open(path: &Path, how: &OpenOptions) -> Result<Box<dyn Dataset>> {
    if http::is_url(path) {
        return open_url(path, how);
    }
    if is_sequence(path) {
        return Ok(Box::new(open_sequence(path, how)?));
    }
    let probe = Probe::new(path)?;
    if probe.is_folder && probe.has_suffix(".partial") {
        let what = "the work folder of an unfinished run".to_owned();
        return Err(Error::Incomplete { path: path.to_owned(), what });
    }
    match FORMATS.iter().find(|f| (f.recognises)(&probe)) {
        Some(format) => (format.open)(path, how),
        None => {
            let readable = readable_formats().join(", ");
            let found = format!("{} (readable: {readable})", probe.looks_like());
            Err(Error::Unrecognised { path: path.to_owned(), found })
        }
    }
}

/// What a server has can only be known by asking for names: those of Zarr.
fn open_url(path: &Path, how: &OpenOptions) -> Result<Box<dyn Dataset>> {
    match ome_zarr::open(path, how) {
        Err(Error::NotThere { .. }) if how.dataset.is_none() => {
            let found = "no zarr.json, .zgroup, .zattrs or .zarray there (of what lies on a server \
                         only Zarr is read)";
            Err(Error::Unrecognised { path: path.to_owned(), found: found.to_owned() })
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn message(name: &str, content: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let error = open(&path, &OpenOptions::default()).err().unwrap();
        error.to_string().replace(path.to_str().unwrap(), name)
    }

    #[test]
    fn an_unknown_file_is_described_and_formats_are_listed() {
        let text = message("a.tif", b"%PDF-1.7 ...");
        assert!(text.starts_with("a.tif: not a format Hooke reads: a PDF (readable: "), "{text}");
        let text = message("a.tif", b"");
        assert!(text.contains("an empty file (readable: "), "{text}");
        let text = message("a.nc", b"CDF\x02 and so on");
        assert!(text.contains("netCDF-3") && text.contains("nccopy -k netCDF-4"), "{text}");
        let text = message("a", &[0xde, 0xad, 0, 1]);
        assert!(text.contains("4 bytes that begin with de ad 00 01"), "{text}");
        let text = message("a", b"x,y,z\n1,2,3\n");
        assert!(text.contains("text that begins with \"x,y,z\\n1,2,3\""), "{text}");
    }

    #[test]
    fn an_unfinished_run_is_incomplete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.ome.zarr.partial");
        std::fs::create_dir(&path).unwrap();
        let error = open(&path, &OpenOptions::default()).err().unwrap();
        assert_eq!(error.code(), "incomplete");
    }

    #[test]
    fn a_path_that_is_not_there_says_so() {
        let error = open(Path::new("/nowhere.tif"), &OpenOptions::default()).err().unwrap();
        assert_eq!(error.to_string(), "/nowhere.tif: cannot open: no such file or directory");
    }
}
