//! Planes of numbers as files, and pictures of them.

use std::path::Path;

use hooke_core::image::SourceError;
use hooke_core::{Axes, Dtype, ImageMeta, ImageSink, Pixels, Sourced};
use hooke_io::npy::NpySink;
use hooke_io::ome_zarr;
use hooke_io::tiff::{Kind, TiffSink, WriteOptions};
use hooke_tileset::percentile::percentiles;
use ndarray::Array2;

/// What is known about a plane over `(y, x)`.
pub(super) fn meta(
    name: &str,
    shape: (usize, usize),
    dtype: Dtype,
    voxel_um: Option<[f64; 2]>,
) -> ImageMeta {
    let shape = [1, 1, 1, shape.0 as u64, shape.1 as u64];
    let mut meta = ImageMeta::new(name, Axes::YX, shape, dtype);
    if let Some([y, x]) = voxel_um {
        meta.voxel_size_um = [Sourced::unknown(), Sourced::file(y), Sourced::file(x)];
    }
    meta
}

/// Writes a plane as f32: `.npy`, else TIFF.
pub(super) fn write_f32(
    path: &Path,
    plane: &Array2<f32>,
    meta: &ImageMeta,
) -> Result<(), SourceError> {
    let values = plane.iter().copied().collect();
    let pixels = Pixels::from_vec(meta.shape, values);
    let sink: Box<dyn ImageSink> = match path.extension().is_some_and(|e| e == "npy") {
        true => Box::new(NpySink::create(path, meta)?),
        false => Box::new(TiffSink::create(path, meta, &WriteOptions::of(Kind::ImageJ))?),
    };
    fill(sink.as_ref(), &pixels)
}

/// Writes a plane as an OME-Zarr image without a pyramid.
pub(super) fn write_zarr(
    path: &Path,
    pixels: &Pixels,
    meta: &ImageMeta,
) -> Result<(), SourceError> {
    let how = ome_zarr::WriteOptions { levels: ome_zarr::Levels::Count(1), ..Default::default() };
    let sink = ome_zarr::create(path, meta, &how)?;
    fill(&sink, pixels)
}

fn fill(sink: &dyn ImageSink, pixels: &Pixels) -> Result<(), SourceError> {
    for part in hooke_core::region::grid(pixels.shape(), sink.write_unit(0)) {
        sink.write(0, &part, &pixels.crop(&part))?;
    }
    sink.finish()
}

/// The range from 1 to 99.8 % of a plane's finite values; 0 to 1 where there is none.
pub(super) fn usual_range(plane: &Array2<f32>) -> (f64, f64) {
    let finite: Vec<f32> = plane.iter().copied().filter(|v| v.is_finite()).collect();
    match percentiles(&[&finite], &[1.0, 99.8]).ok().flatten().as_deref() {
        Some([low, high]) if low < high => (*low, *high),
        Some([low, ..]) => (*low, *low + 1.0),
        _ => (0.0, 1.0),
    }
}

/// A picture over `(y, x)` of red, green and blue.
pub(super) struct Rgb {
    pub width: usize,
    pub height: usize,
    pub bytes: Vec<u8>,
}

impl Rgb {
    /// Greys of a plane: `low` is black, `high` is white, NaN is black.
    pub fn grey(plane: &Array2<f32>, (low, high): (f64, f64)) -> Rgb {
        let (height, width) = plane.dim();
        let scale = 255.0 / (high - low);
        let grey = |v: &f32| ((f64::from(*v) - low) * scale).clamp(0.0, 255.0).round() as u8;
        let bytes = plane.iter().flat_map(|v| [grey(v); 3]).collect();
        Rgb { width, height, bytes }
    }

    fn set(&mut self, y: i64, x: i64, color: [u8; 3]) {
        let inside = (0..self.height as i64).contains(&y) && (0..self.width as i64).contains(&x);
        if inside {
            let at = 3 * (y as usize * self.width + x as usize);
            self.bytes[at..at + 3].copy_from_slice(&color);
        }
    }

    /// The border of a box `y, x, height, width`.
    pub fn border(&mut self, [y, x, height, width]: [i64; 4], color: [u8; 3]) {
        for i in x..x + width {
            self.set(y, i, color);
            self.set(y + height - 1, i, color);
        }
        for i in y..y + height {
            self.set(i, x, color);
            self.set(i, x + width - 1, color);
        }
    }

    /// A number whose upper left corner lies at `y, x`.
    pub fn number(&mut self, (y, x): (i64, i64), number: usize, color: [u8; 3]) {
        let size = if self.width.min(self.height) >= 300 { 2 } else { 1 };
        for (place, digit) in number.to_string().bytes().enumerate() {
            let rows = DIGITS[usize::from(digit - b'0') % 10];
            for (i, row) in (0i64..).zip(rows) {
                for j in (0..3i64).filter(|j| row >> (2 - j) & 1 == 1) {
                    for (dy, dx) in (0..size).flat_map(|a| (0..size).map(move |b| (a, b))) {
                        let left = x + (4 * place as i64 + j) * size;
                        self.set(y + i * size + dy, left + dx, color);
                    }
                }
            }
        }
    }
}

/// Digits of three by five pixels, a row in the low three bits.
const DIGITS: [[u8; 5]; 10] = [
    [7, 5, 5, 5, 7],
    [2, 6, 2, 2, 7],
    [7, 1, 7, 4, 7],
    [7, 1, 7, 1, 7],
    [5, 5, 7, 1, 1],
    [7, 4, 7, 1, 7],
    [7, 4, 7, 5, 7],
    [7, 1, 2, 2, 2],
    [7, 5, 7, 5, 7],
    [7, 5, 7, 1, 7],
];
