//! The formats that can be written, and what each can hold.

use std::path::{Path, PathBuf};

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::{Downsample, Dtype, ImageMeta, Level};
use hooke_io::bdv::{BdvN5Sink, BdvSettings, BdvSink, BdvZarrSink, WorldUnit};
use hooke_io::hdf5::{Hdf5Settings, Hdf5Sink};
use hooke_io::image_folder::FolderSink;
use hooke_io::n5::{N5Settings, N5Sink};
use hooke_io::netcdf;
use hooke_io::npy::NpzSink;
use hooke_io::png::{PngSink, check_png};
use hooke_io::tiff::{self, Kind as TiffKind, TiffSink};
use hooke_io::video;

use super::error::OutputError;
use super::store::Store;

/// A format that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// OME-Zarr 0.5 or 0.4.
    OmeZarr,
    /// Plain, ImageJ or OME-TIFF.
    Tiff(TiffKind),
    /// One HDF5 dataset.
    Hdf5,
    /// One netCDF-4 variable with its coordinates.
    Netcdf,
    /// BigDataViewer HDF5 and its XML.
    Bdv,
    /// BigDataViewer N5 and its XML.
    BdvN5,
    /// BigDataViewer OME-Zarr and its XML.
    BdvZarr,
    /// An N5 container.
    N5,
    /// NPY and its sidecar.
    Npy,
    /// An NPZ archive.
    Npz,
    /// One plane as a PNG picture.
    Png,
    /// A folder of TIFF files, one per plane.
    ImageFolder,
    /// A film.
    Mp4,
}

/// Every format, as `--to` names it.
pub const FORMATS: [&str; 13] = [
    "ome-zarr",
    "ome-tiff",
    "imagej-tiff",
    "tiff",
    "hdf5",
    "netcdf",
    "bdv",
    "n5",
    "npy",
    "npz",
    "png",
    "image-folder",
    "mp4",
];

const SUFFIXES: &str =
    ".ome.zarr, .zarr, .ome.tif, .tif, .h5, .hdf5, .nc, .xml, .n5, .npy, .npz, .png or .mp4";

impl OutputFormat {
    /// The format that was named, or that of the suffix; without a suffix OME-Zarr.
    ///
    /// # Errors
    /// When the suffix is unknown.
    pub fn choose(
        path: &Path,
        named: Option<&str>,
        dtype: Dtype,
    ) -> Result<OutputFormat, OutputError> {
        let plain = match dtype {
            Dtype::Uint8 | Dtype::Uint16 | Dtype::Float32 => TiffKind::ImageJ,
            _ => TiffKind::Tiff,
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let ends = |suffixes: &[&str]| suffixes.iter().any(|s| name.ends_with(s));
        Ok(match named {
            Some("ome-zarr") => OutputFormat::OmeZarr,
            Some("ome-tiff") => OutputFormat::Tiff(TiffKind::Ome),
            Some("imagej-tiff") => OutputFormat::Tiff(TiffKind::ImageJ),
            Some("tiff") => OutputFormat::Tiff(TiffKind::Tiff),
            Some("hdf5") => OutputFormat::Hdf5,
            Some("netcdf") => OutputFormat::Netcdf,
            Some("bdv") => OutputFormat::Bdv,
            Some("n5") => OutputFormat::N5,
            Some("npy") => OutputFormat::Npy,
            Some("npz") => OutputFormat::Npz,
            Some("png") => OutputFormat::Png,
            Some("image-folder") => OutputFormat::ImageFolder,
            Some("mp4") => OutputFormat::Mp4,
            Some(other) => {
                let known = format!("one of {}", FORMATS.join(" "));
                return Err(OutputError::option("format", other, &known));
            }
            None if ends(&[".zarr"]) => OutputFormat::OmeZarr,
            None if ends(&[".ome.tif", ".ome.tiff"]) => OutputFormat::Tiff(TiffKind::Ome),
            None if ends(&[".tif", ".tiff"]) => OutputFormat::Tiff(plain),
            None if ends(&[".h5", ".hdf5"]) => OutputFormat::Hdf5,
            None if ends(&[".nc"]) => OutputFormat::Netcdf,
            None if ends(&[".xml"]) => OutputFormat::Bdv,
            None if ends(&[".n5"]) => OutputFormat::N5,
            None if ends(&[".npy"]) => OutputFormat::Npy,
            None if ends(&[".npz"]) => OutputFormat::Npz,
            None if ends(&[".png"]) => OutputFormat::Png,
            None if ends(&[".mp4"]) => OutputFormat::Mp4,
            None if path.extension().is_none() => OutputFormat::OmeZarr,
            None => {
                let suffix = path.extension().unwrap_or_default().to_string_lossy();
                return Err(OutputError::Option {
                    what: format!(
                        "{}: Hooke writes no format with the suffix .{suffix}",
                        path.display()
                    ),
                    hint: format!("write {SUFFIXES}"),
                });
            }
        })
    }

    /// The name as `hooke info` prints it.
    pub fn name(self) -> &'static str {
        match self {
            OutputFormat::OmeZarr => "ome-zarr",
            OutputFormat::Tiff(TiffKind::Ome) => "ome-tiff",
            OutputFormat::Tiff(TiffKind::ImageJ) => "imagej-tiff",
            OutputFormat::Tiff(TiffKind::Tiff) => "tiff",
            OutputFormat::Hdf5 => "hdf5",
            OutputFormat::Netcdf => "netcdf",
            OutputFormat::Bdv => "bdv-hdf5",
            OutputFormat::BdvN5 => "bdv-n5",
            OutputFormat::BdvZarr => "bdv-zarr",
            OutputFormat::N5 => "n5",
            OutputFormat::Npy => "npy",
            OutputFormat::Npz => "npz",
            OutputFormat::Png => "png",
            OutputFormat::ImageFolder => "image-folder",
            OutputFormat::Mp4 => "mp4",
        }
    }

    /// Whether blocks may be written in any order by many workers.
    pub fn takes_any_order(self) -> bool {
        matches!(self, OutputFormat::OmeZarr | OutputFormat::Npy)
    }

    /// Whether it holds a pyramid.
    pub fn has_levels(self) -> bool {
        matches!(
            self,
            OutputFormat::OmeZarr
                | OutputFormat::Tiff(TiffKind::Ome)
                | OutputFormat::Bdv
                | OutputFormat::BdvN5
                | OutputFormat::BdvZarr
                | OutputFormat::N5
        )
    }

    /// Refuses what the format cannot hold, before anything is written.
    pub(super) fn check(
        self,
        path: &Path,
        meta: &ImageMeta,
        store: &Store,
    ) -> Result<(), OutputError> {
        match self {
            OutputFormat::Tiff(kind) => Ok(tiff_options(kind, store)?.check(path, meta)?),
            OutputFormat::Hdf5 | OutputFormat::Netcdf | OutputFormat::Bdv => {
                store.gzip_level().map(drop)
            }
            OutputFormat::N5 | OutputFormat::BdvN5 => store.n5_compression().map(drop),
            OutputFormat::Npy if store.compression.as_deref().is_some_and(|c| c != "none") => {
                Err(OutputError::Option {
                    what: "an .npy file is never compressed".to_owned(),
                    hint: "leave --compression out, or write .ome.zarr".to_owned(),
                })
            }
            OutputFormat::BdvZarr if store.compression.is_some() => Err(OutputError::Option {
                what: "the compression of OME-Zarr beside a BigDataViewer XML is not chosen"
                    .to_owned(),
                hint: "leave --compression out; it is blosc-lz4".to_owned(),
            }),
            OutputFormat::Png if store.compression.is_some() => Err(OutputError::Option {
                what: "the compression of a PNG picture is not chosen".to_owned(),
                hint: "leave --compression out".to_owned(),
            }),
            OutputFormat::Mp4 if store.compression.is_some() => Err(OutputError::Option {
                what: "the compression of a film is not chosen".to_owned(),
                hint: "leave --compression out".to_owned(),
            }),
            OutputFormat::Mp4 if !(store.fps.is_finite() && store.fps > 0.0) => {
                Err(OutputError::option("fps", &store.fps.to_string(), "a number above 0"))
            }
            OutputFormat::Mp4 => Ok(video::check_mp4(path, meta)?),
            OutputFormat::Png => Ok(check_png(path, meta)?),
            OutputFormat::Npz => store.deflate_level().map(drop),
            OutputFormat::ImageFolder => {
                Ok(tiff_options(TiffKind::Tiff, store)?.check(path, meta)?)
            }
            OutputFormat::OmeZarr | OutputFormat::BdvZarr | OutputFormat::Npy => Ok(()),
        }
    }

    /// Files beside the product that belong to it.
    pub(super) fn companions(self, path: &Path) -> Vec<PathBuf> {
        match self {
            OutputFormat::Bdv => vec![path.with_extension("h5")],
            OutputFormat::BdvN5 => vec![path.with_extension("n5")],
            OutputFormat::BdvZarr => vec![path.with_extension("zarr")],
            _ => Vec::new(),
        }
    }

    /// Creates a writer that takes levels one after the other, each in C order.
    pub(super) fn create(
        self,
        path: &Path,
        meta: &ImageMeta,
        levels: &[Level],
        store: &Store,
    ) -> Result<Box<dyn ImageSink>, SourceError> {
        let chunk = store.given_chunk()?;
        Ok(match self {
            OutputFormat::Tiff(kind) => {
                let smaller = levels.iter().skip(1).map(|l| [l.shape[3], l.shape[4]]);
                let options =
                    tiff::WriteOptions { levels: smaller.collect(), ..tiff_options(kind, store)? };
                Box::new(TiffSink::create(path, meta, &options)?)
            }
            OutputFormat::Hdf5 | OutputFormat::Netcdf => {
                let usual = Hdf5Settings::default();
                let settings = Hdf5Settings {
                    chunk: chunk.map_or(usual.chunk, |[z, y, x]| [1, 1, z, y, x]),
                    gzip: store.gzip_level()?.unwrap_or(usual.gzip),
                    ..usual
                };
                Box::new(match self {
                    OutputFormat::Netcdf => netcdf::create(path, meta, &settings)?,
                    _ => Hdf5Sink::create(path, meta, &settings)?,
                })
            }
            OutputFormat::Bdv => {
                let settings = bdv_settings(levels, store)?;
                Box::new(BdvSink::create(path, meta, &settings)?)
            }
            OutputFormat::BdvZarr => {
                let factors: Vec<[u64; 3]> =
                    levels.iter().map(|l| l.factors.map(|f| f as u64)).collect();
                let chunk = chunk.unwrap_or(N5Settings::default().chunk);
                let downsample = store.downsample.as_deref().and_then(Downsample::parse);
                let unit = world_unit(store);
                Box::new(BdvZarrSink::create(path, meta, &factors, chunk, unit, downsample)?)
            }
            OutputFormat::N5 | OutputFormat::BdvN5 => {
                let usual = N5Settings::default();
                let settings = N5Settings {
                    factors: levels.iter().map(|l| l.factors.map(|f| f as u64)).collect(),
                    chunk: chunk.unwrap_or(usual.chunk),
                    compression: store.n5_compression()?.unwrap_or(usual.compression),
                };
                match self {
                    OutputFormat::N5 => Box::new(N5Sink::create(path, meta, &settings)?),
                    _ => Box::new(BdvN5Sink::create(path, meta, &settings, world_unit(store))?),
                }
            }
            OutputFormat::Npz => Box::new(NpzSink::create(path, meta, store.deflate_level()?)?),
            OutputFormat::Png => Box::new(PngSink::create(path, meta)?),
            OutputFormat::Mp4 => video::create_mp4(path, meta, store.fps)?,
            OutputFormat::ImageFolder => {
                Box::new(FolderSink::create(path, meta, &tiff_options(TiffKind::Tiff, store)?)?)
            }
            OutputFormat::OmeZarr | OutputFormat::Npy => {
                return Err(format!("{} is written directly", self.name()).into());
            }
        })
    }
}

fn world_unit(store: &Store) -> WorldUnit {
    match store.bdv_units.as_str() {
        "px" => WorldUnit::Pixel,
        _ => WorldUnit::Micrometre,
    }
}

/// How a BigDataViewer file is written, with these levels.
pub(super) fn bdv_settings(levels: &[Level], store: &Store) -> Result<BdvSettings, OutputError> {
    let usual = BdvSettings::default();
    Ok(BdvSettings {
        factors: levels.iter().map(|l| l.factors.map(|f| f as u64)).collect(),
        chunk: store.given_chunk()?.unwrap_or(usual.chunk),
        gzip: store.gzip_level()?.unwrap_or(usual.gzip),
        unit: world_unit(store),
    })
}

fn tiff_options(kind: TiffKind, store: &Store) -> Result<tiff::WriteOptions, OutputError> {
    // ImageJ reads plain rows only, whatever the chunk.
    let tile = store.given_chunk()?.filter(|_| kind != TiffKind::ImageJ).map(|[_, y, x]| [y, x]);
    Ok(tiff::WriteOptions {
        compression: store.tiff_compression()?,
        tile,
        ..tiff::WriteOptions::of(kind)
    })
}
