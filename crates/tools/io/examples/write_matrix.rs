//! Writes every sample type and every shape in a format, for readers other than ours to check.
//!
//! ```sh
//! cargo run --release -p hooke-io --example write_matrix -- ome-zarr-0.5 OUT
//! ```
//!
//! `OUT/matrix.json` lists the files with their axes, shapes, hashes and metadata. Without arguments it
//! names the formats; a new one is one more line in [`FORMATS`]. `./x test` has the files read by the
//! scripts in `tests/python`.

use std::error::Error;
use std::path::{Path, PathBuf};

use hooke_core::downsample::downsample;
use hooke_core::{
    Axes, Channel, Downsample, Dtype, ImageMeta, ImageSink, Pixels, Sample, Sourced, dispatch,
    region,
};
use hooke_io::bdv::{BdvN5Sink, BdvSettings, BdvSink, WorldUnit};
use hooke_io::hdf5::{Hdf5Settings, Hdf5Sink};
use hooke_io::n5::{self, N5Settings, N5Sink};
use hooke_io::netcdf;
use hooke_io::npy::{NpySink, NpzSink};
use hooke_io::ome_zarr::{self, Compression, Levels, Ngff, WriteOptions};
use hooke_io::pyramid;
use hooke_io::tiff::{self, Kind, TiffSink};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
/// Writes an image; returns the file name and the hash of every further level, or nothing where the
/// format does not hold the sample type.
type Write = fn(&Path, &ImageMeta, &Pixels) -> Outcome<Option<Written>>;

struct Written {
    file: PathBuf,
    levels: Vec<Value>,
}

const FORMATS: &[(&str, Write)] = &[
    ("ome-zarr-0.5", |folder, meta, pixels| write_zarr(folder, meta, pixels, Ngff::V05)),
    ("ome-zarr-0.4", |folder, meta, pixels| write_zarr(folder, meta, pixels, Ngff::V04)),
    ("tiff", |folder, meta, pixels| write_tiff(folder, meta, pixels, Kind::Tiff)),
    ("imagej-tiff", |folder, meta, pixels| write_tiff(folder, meta, pixels, Kind::ImageJ)),
    ("ome-tiff", |folder, meta, pixels| write_tiff(folder, meta, pixels, Kind::Ome)),
    ("hdf5", |folder, meta, pixels| write_hdf5(folder, meta, pixels, "h5")),
    ("netcdf", |folder, meta, pixels| write_hdf5(folder, meta, pixels, "nc")),
    ("bdv", write_bdv),
    ("npy", write_npy),
    ("npz", write_npz),
    ("n5", write_n5),
    ("bdv-n5", write_bdv_n5),
];

const SHAPES: [(&str, [u64; 5]); 5] = [
    ("yx", [1, 1, 1, 33, 47]),
    ("zyx", [1, 1, 9, 21, 35]),
    ("czyx", [1, 3, 5, 17, 20]),
    ("tyx", [4, 1, 1, 19, 26]),
    ("tczyx", [2, 2, 5, 16, 27]),
];

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [format, folder] = arguments.as_slice() else {
        FORMATS.iter().for_each(|f| println!("{}", f.0));
        return Ok(());
    };
    let write = FORMATS.iter().find(|f| f.0 == format).ok_or("no such format")?.1;
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder)?;
    let mut list = Vec::new();
    for (axes, shape) in SHAPES {
        for dtype in Dtype::ALL {
            let meta = describe(&format!("{axes}-{dtype}"), axes, shape, dtype);
            let pixels = pattern(dtype, shape);
            let Some(written) = write(folder, &meta, &pixels)? else { continue };
            list.push(entry(&meta, &pixels, &written));
        }
    }
    std::fs::write(folder.join("matrix.json"), serde_json::to_vec_pretty(&list)?)?;
    println!("{} files in {}", list.len(), folder.display());
    Ok(())
}

/// Arithmetic values over the whole range of the type, floats with fractions.
fn pattern(dtype: Dtype, shape: [u64; 5]) -> Pixels {
    let mut pixels = Pixels::zeros(dtype, shape);
    dispatch!(dtype, T => {
        let samples = pixels.as_mut_slice::<T>().expect("made with this dtype");
        for (i, sample) in samples.iter_mut().enumerate() {
            let hash = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let value = match dtype {
                Dtype::Float32 | Dtype::Float64 => (hash >> 40) as f64 / 64.0 - 1000.0,
                _ => (hash >> (64 - 8 * dtype.size())) as f64 - if dtype.is_signed() {
                    2f64.powi(8 * dtype.size() as i32 - 1)
                } else {
                    0.0
                },
            };
            *sample = T::from_f64(value);
        }
    });
    pixels
}

fn describe(name: &str, axes: &str, shape: [u64; 5], dtype: Dtype) -> ImageMeta {
    let axes = Axes::parse(axes).expect("axes in order");
    let mut meta = ImageMeta::new(name, axes, shape, dtype);
    let known = |axis, v: f64| if axes.has(axis) { Sourced::file(v) } else { Sourced::unknown() };
    let [z, y, x] = hooke_core::Axis::SPACE;
    meta.voxel_size_um = [known(z, 2.0), known(y, 0.325), known(x, 0.325)];
    meta.origin_um = [known(z, -12.5), known(y, 100.25), known(x, 7.75)];
    meta.frame_interval_s = axes.has(hooke_core::Axis::T).then_some(0.5);
    if axes.has(hooke_core::Axis::C) {
        let colors = ["#0000FF", "#00FF00", "#FF0000"];
        let channel = |c: usize| Channel {
            name: Some(format!("channel {c}")),
            color: Some(colors[c % 3].to_owned()),
            ..Channel::default()
        };
        meta.channels = (0..shape[1] as usize).map(channel).collect();
    }
    meta
}

fn entry(meta: &ImageMeta, pixels: &Pixels, written: &Written) -> Value {
    let [z, y, x] = meta.voxel_size_um.map(|v| v.value);
    let [oz, oy, ox] = meta.origin_um.map(|v| v.value);
    json!({
        "file": written.file,
        "name": meta.name,
        "axes": meta.axes.to_string(),
        "shape": meta.axes.pick(&meta.shape),
        "dtype": meta.dtype.name(),
        "sha256": sha256(pixels),
        "voxel_size_um": {"z": z, "y": y, "x": x},
        "origin_um": {"z": oz, "y": oy, "x": ox},
        "frame_interval_s": meta.frame_interval_s,
        "channels": meta.channels.iter().map(|c| &c.name).collect::<Vec<_>>(),
        "colors": meta.channels.iter().map(|c| &c.color).collect::<Vec<_>>(),
        "levels": written.levels,
    })
}

fn sha256(pixels: &Pixels) -> String {
    let mut bytes = Vec::new();
    pixels.extend_le_bytes(&mut bytes);
    Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn write_zarr(
    folder: &Path,
    meta: &ImageMeta,
    pixels: &Pixels,
    ngff: Ngff,
) -> Outcome<Option<Written>> {
    let file = PathBuf::from(format!("{}.ome.zarr", meta.name));
    // Every codec has its turn.
    let codecs = ["zstd", "blosc-lz4", "gzip", "none", "blosc-zstd"];
    let turn = Dtype::ALL.iter().position(|d| *d == meta.dtype).unwrap_or(0) + meta.axes.len();
    let factors = vec![[1, 2, 2], [2, 2, 2]];
    let how = WriteOptions {
        ngff,
        chunk: Some([2, 8, 8]),
        shard: (ngff == Ngff::V05).then_some([4, 16, 24]),
        compression: Compression::parse(codecs[turn % codecs.len()]),
        levels: Levels::Count(3),
        factors: factors.clone(),
        ..WriteOptions::default()
    };
    let sink = ome_zarr::create(&folder.join(&file), meta, &how)?;
    for block in region::grid(meta.shape, sink.write_unit(0)) {
        sink.write(0, &block, &pixels.crop(&block))?;
    }
    let mut levels = Vec::new();
    let mut level = pixels.clone();
    for (n, step) in factors.into_iter().enumerate() {
        pyramid::write_level(&sink, n + 1, sink.downsample(), sink.dtype())?;
        level = downsample(&level, step, Downsample::Mean);
        levels.push(json!({"shape": meta.axes.pick(&level.shape()), "sha256": sha256(&level)}));
    }
    sink.finish()?;
    Ok(Some(Written { file, levels }))
}

fn write_tiff(
    folder: &Path,
    meta: &ImageMeta,
    pixels: &Pixels,
    kind: Kind,
) -> Outcome<Option<Written>> {
    let suffix = if kind == Kind::Ome { "ome.tif" } else { "tif" };
    let file = PathBuf::from(format!("{}.{suffix}", meta.name));
    // Every codec has its turn; ImageJ's files are raw, and OME-TIFF's levels are halves.
    let codecs = [
        tiff::Compression::None,
        tiff::Compression::Lzw,
        tiff::Compression::Deflate(6),
        tiff::Compression::Zstd(3),
        tiff::Compression::PackBits,
    ];
    let turn = Dtype::ALL.iter().position(|d| *d == meta.dtype).unwrap_or(0) + meta.axes.len();
    let [_, _, _, y, x] = meta.shape;
    let how = tiff::WriteOptions {
        compression: (kind != Kind::ImageJ).then(|| codecs[turn % codecs.len()]),
        tile: (kind == Kind::Ome).then_some([16, 16]),
        levels: if kind == Kind::Ome { vec![[y.div_ceil(2), x.div_ceil(2)]] } else { Vec::new() },
        ..tiff::WriteOptions::of(kind)
    };
    if how.check(&file, meta).is_err() {
        return Ok(None);
    }
    let sink = TiffSink::create(&folder.join(&file), meta, &how)?;
    for block in region::grid(meta.shape, sink.write_unit(0)) {
        sink.write(0, &block, &pixels.crop(&block))?;
    }
    let mut levels = Vec::new();
    if kind == Kind::Ome {
        pyramid::write_level(&sink, 1, Downsample::Mean, meta.dtype)?;
        let level = downsample(pixels, [1, 2, 2], Downsample::Mean);
        levels.push(json!({"shape": meta.axes.pick(&level.shape()), "sha256": sha256(&level)}));
    }
    sink.finish()?;
    Ok(Some(Written { file, levels }))
}

fn write_hdf5(
    folder: &Path,
    meta: &ImageMeta,
    pixels: &Pixels,
    suffix: &str,
) -> Outcome<Option<Written>> {
    let file = PathBuf::from(format!("{}.{suffix}", meta.name));
    let settings = Hdf5Settings { chunk: [1, 2, 4, 8, 16], ..Hdf5Settings::default() };
    let create = if suffix == "nc" { netcdf::create } else { Hdf5Sink::create };
    let sink = create(&folder.join(&file), meta, &settings)?;
    for block in region::grid(meta.shape, sink.write_unit(0)) {
        sink.write(0, &block, &pixels.crop(&block))?;
    }
    sink.finish()?;
    Ok(Some(Written { file, levels: Vec::new() }))
}

fn write_npy(folder: &Path, meta: &ImageMeta, pixels: &Pixels) -> Outcome<Option<Written>> {
    let file = PathBuf::from(format!("{}.npy", meta.name));
    let sink = NpySink::create(&folder.join(&file), meta)?;
    for block in region::grid(meta.shape, [1, 1, 2, 10, meta.shape[4]]) {
        sink.write(0, &block, &pixels.crop(&block))?;
    }
    sink.finish()?;
    Ok(Some(Written { file, levels: Vec::new() }))
}

fn write_bdv(folder: &Path, meta: &ImageMeta, pixels: &Pixels) -> Outcome<Option<Written>> {
    let file = PathBuf::from(format!("{}.xml", meta.name));
    let settings = BdvSettings {
        chunk: [4, 8, 16],
        factors: vec![[1, 1, 1], [1, 2, 2], [2, 4, 4]],
        ..BdvSettings::default()
    };
    let sink = BdvSink::create(&folder.join(&file), meta, &settings)?;
    Ok(Some(Written { file, levels: write_levels(&sink, pixels, &STEPS)? }))
}

fn write_npz(folder: &Path, meta: &ImageMeta, pixels: &Pixels) -> Outcome<Option<Written>> {
    let file = PathBuf::from(format!("{}.npz", meta.name));
    let deflate = meta.axes.len().is_multiple_of(2).then_some(6);
    let sink = NpzSink::create(&folder.join(&file), meta, deflate)?;
    for block in region::grid(meta.shape, [1, 1, 1, 10, meta.shape[4]]) {
        sink.write(0, &block, &pixels.crop(&block))?;
    }
    sink.finish()?;
    Ok(Some(Written { file, levels: Vec::new() }))
}

/// Every compression has its turn.
fn n5_settings(meta: &ImageMeta) -> N5Settings {
    let all = [n5::Compression::Raw, n5::Compression::Gzip(6), n5::Compression::Zstd(3)];
    let turn = Dtype::ALL.iter().position(|d| *d == meta.dtype).unwrap_or(0) + meta.axes.len();
    let factors = vec![[1, 1, 1], [1, 2, 2], [2, 4, 4]];
    N5Settings { chunk: [4, 8, 16], factors, compression: all[turn % all.len()] }
}

fn write_n5(folder: &Path, meta: &ImageMeta, pixels: &Pixels) -> Outcome<Option<Written>> {
    let file = PathBuf::from(format!("{}.n5", meta.name));
    let sink = N5Sink::create(&folder.join(&file), meta, &n5_settings(meta))?;
    Ok(Some(Written { file, levels: write_levels(&sink, pixels, &STEPS)? }))
}

fn write_bdv_n5(folder: &Path, meta: &ImageMeta, pixels: &Pixels) -> Outcome<Option<Written>> {
    let file = PathBuf::from(format!("{}.xml", meta.name));
    let (path, settings) = (folder.join(&file), n5_settings(meta));
    let sink = BdvN5Sink::create(&path, meta, &settings, WorldUnit::Micrometre)?;
    Ok(Some(Written { file, levels: write_levels(&sink, pixels, &STEPS)? }))
}

/// Factors from one level of a pyramid to the next.
const STEPS: [[u64; 3]; 2] = [[1, 2, 2], [2, 2, 2]];

/// Writes all levels; the hashes of those after the first, with time and channel always there.
fn write_levels(sink: &dyn ImageSink, pixels: &Pixels, steps: &[[u64; 3]]) -> Outcome<Vec<Value>> {
    let mut levels = Vec::new();
    let mut level = pixels.clone();
    for n in 0..=steps.len() {
        if n > 0 {
            level = downsample(&level, steps[n - 1], Downsample::Mean);
            levels.push(json!({"shape": level.shape(), "sha256": sha256(&level)}));
        }
        for block in region::grid(level.shape(), sink.write_unit(n)) {
            sink.write(n, &block, &level.crop(&block))?;
        }
    }
    sink.finish()?;
    Ok(levels)
}
