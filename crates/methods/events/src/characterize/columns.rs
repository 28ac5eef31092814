//! What the columns of `events.parquet` are: name, unit, axis, formula, and how to read them from a row.

use super::EventRow;

/// A value of a row. `None` is a null.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Small bits.
    U8(u8),
    /// Ids, frames, pixels.
    U32(u32),
    /// Counts of voxels.
    U64(u64),
    /// A measure.
    F64(Option<f64>),
    /// A list of counts.
    U32s(&'a [u32]),
    /// A list of values.
    F32s(&'a [f32]),
    /// A list of lines.
    Lines(&'a [Vec<f32>]),
    /// A word out of few.
    Text(Option<&'a str>),
}

/// A column of `events.parquet`.
#[derive(Clone, Copy)]
pub struct Column {
    /// Its name in the file.
    pub name: &'static str,
    /// `px`, `frame`, `rad`, … ; empty for a pure number.
    pub unit: &'static str,
    /// `z` the frame, `x` the row of the image, `y` its column; empty where there is none.
    pub axis: &'static str,
    /// How it is computed.
    pub formula: &'static str,
    /// Its value in a row. The kind of [`Cell`] is the same for all rows.
    pub get: fn(&EventRow) -> Cell<'_>,
}

impl std::fmt::Debug for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Column").field("name", &self.name).finish_non_exhaustive()
    }
}

macro_rules! columns {
    ($($name:literal, $unit:literal, $axis:literal, $formula:literal, $row:ident => $cell:expr;)*) => {
        /// All columns, in the order of the file. `M` is the mask of the event in its box, `P`
        /// (footprint) its projection along z, `b` the box's volume.
        pub const COLUMNS: &[Column] = &[$(Column {
            name: $name,
            unit: $unit,
            axis: $axis,
            formula: $formula,
            get: |$row| $cell,
        }),*];
    };
}

use Cell::{F32s, F64, Lines, Text, U8, U32, U32s, U64};

fn scaled(a: Option<f64>, by: f64) -> Cell<'static> {
    F64(a.map(|a| a * by))
}

fn seconds(row: &EventRow, frames: u32) -> Cell<'static> {
    scaled(row.frame_interval_s, f64::from(frames))
}

fn pixel_area(row: &EventRow) -> Option<f64> {
    row.pixel_um.map(|[x, y]| x * y)
}

columns! {
    "id", "", "", "label in the event map", r => U32(r.id);
    "z0", "frame", "z", "first frame", r => U32(r.z0);
    "z1", "frame", "z", "frame after the last one", r => U32(r.z1);
    "x0", "px", "x", "first row of the image", r => U32(r.x0);
    "x1", "px", "x", "row after the last one", r => U32(r.x1);
    "y0", "px", "y", "first column of the image", r => U32(r.y0);
    "y1", "px", "y", "column after the last one", r => U32(r.y1);
    "dz", "frame", "z", "z1 - z0", r => U32(r.box_shape()[0]);
    "dx", "px", "x", "x1 - x0", r => U32(r.box_shape()[1]);
    "dy", "px", "y", "y1 - y0", r => U32(r.box_shape()[2]);
    "v_length", "frame", "z", "dz", r => U32(r.box_shape()[0]);
    "v_diameter", "px", "", "sqrt(dx^2 + dy^2)", r => F64(Some(r.v_diameter));
    "v_area", "voxel", "", "voxels of M", r => U64(r.v_area);
    "v_mask_area", "voxel", "", "voxels of M", r => U64(r.v_area);
    "v_bbox_pix_num", "voxel", "", "dz * dx * dy", r => U64(r.v_bbox_pix_num);
    "mask", "voxel", "", "run lengths of M in C order of (dz, dx, dy), the first of zeros", r => U32s(&r.mask);
    "v_mask_centroid_local-0", "", "z", "mean local frame / dz", r => F64(Some(r.v_mask_centroid_local[0]));
    "v_mask_centroid_local-1", "", "x", "mean local row / dx", r => F64(Some(r.v_mask_centroid_local[1]));
    "v_mask_centroid_local-2", "", "y", "mean local column / dy", r => F64(Some(r.v_mask_centroid_local[2]));
    "v_mask_axis_major_length", "px", "", "sqrt(20 l), l largest eigenvalue of the covariance of M", r => F64(Some(r.v_mask_axis_major_length));
    "v_mask_axis_minor_length", "px", "", "sqrt(20 l), l smallest eigenvalue of the covariance of M", r => F64(Some(r.v_mask_axis_minor_length));
    "v_mask_extent", "", "", "v_area / b", r => F64(Some(r.v_mask_extent));
    "v_mask_solidity", "", "", "v_area / voxels in the convex hull of face midpoints", r => F64(Some(r.v_mask_solidity));
    "v_mask_equivalent_diameter_area", "px", "", "(6 v_area / pi)^(1/3)", r => F64(Some(r.v_mask_equivalent_diameter_area));
    "contours", "px", "zxy", "outlines of each frame of M at level 0.9, local, flattened triples", r => Lines(&r.contours);
    "footprint", "px", "", "run lengths of P in C order of (dx, dy), the first of zeros", r => U32s(&r.footprint);
    "v_fp_area", "px", "", "pixels of P", r => U64(r.v_fp_area);
    "v_fp_centroid_local-0", "", "x", "mean local row / dx", r => F64(Some(r.v_fp_centroid_local[0]));
    "v_fp_centroid_local-1", "", "y", "mean local column / dy", r => F64(Some(r.v_fp_centroid_local[1]));
    "v_fp_cx", "px", "x", "x0 + mean local row", r => F64(Some(r.v_fp_cx));
    "v_fp_cy", "px", "y", "y0 + mean local column", r => F64(Some(r.v_fp_cy));
    "v_fp_axis_major_length", "px", "", "4 sqrt(l), l largest eigenvalue of the covariance of P", r => F64(Some(r.v_fp_axis_major_length));
    "v_fp_axis_minor_length", "px", "", "4 sqrt(l), l smallest eigenvalue of the covariance of P", r => F64(Some(r.v_fp_axis_minor_length));
    "v_fp_eccentricity", "", "", "sqrt(1 - l2 / l1)", r => F64(Some(r.v_fp_eccentricity));
    "v_fp_orientation", "rad", "x", "angle of the major axis from the axis of rows towards that of columns", r => F64(Some(r.v_fp_orientation));
    "v_fp_perimeter", "px", "", "weighted border pixels of P", r => F64(Some(r.v_fp_perimeter));
    "v_fp_area_convex", "px", "", "pixels in the convex hull of edge midpoints", r => U64(r.v_fp_area_convex);
    "v_fp_solidity", "", "", "v_fp_area / v_fp_area_convex", r => F64(Some(r.v_fp_solidity));
    "v_fp_feret_diameter_max", "px", "", "largest distance on the outline of the convex pixels", r => F64(Some(r.v_fp_feret_diameter_max));
    "v_fp_extent", "", "", "v_fp_area / (dx dy)", r => F64(Some(r.v_fp_extent));
    "v_fp_equivalent_diameter_area", "px", "", "sqrt(4 v_fp_area / pi)", r => F64(Some(r.v_fp_equivalent_diameter_area));
    "trace", "movie", "z", "mean of the movie over M, per frame", r => F32s(&r.trace);
    "v_max_height", "movie", "", "max - min of trace", r => F64(Some(r.v_max_height));
    "v_max_gradient", "movie/frame", "", "largest difference of following frames of trace", r => F64(r.v_max_gradient);
    "noise_mask_trace", "movie", "z", "mean of the movie over the box outside M, per frame", r => F32s(&r.noise_mask_trace);
    "v_noise_mask_mean", "movie", "", "mean of noise_mask_trace", r => F64(Some(r.v_noise_mask_mean));
    "v_noise_mask_std", "movie", "", "standard deviation of noise_mask_trace, ddof 0", r => F64(Some(r.v_noise_mask_std));
    "v_signal_to_noise_ratio", "", "", "|v_max_height / v_noise_mask_mean|", r => F64(r.v_signal_to_noise_ratio);
    "v_signal_to_noise_ratio_fold", "", "", "|v_signal_to_noise_ratio / v_noise_mask_std|", r => F64(r.v_signal_to_noise_ratio_fold);
    "error", "bits", "", "1 centres in a plane, 2 frame without voxels, 4 first or last frame, 8 border of the image", r => U8(r.error);
    "v_area_norm", "px", "", "v_area / dz", r => F64(Some(r.v_area as f64 / f64::from(r.box_shape()[0])));
    "v_area_footprint", "px", "", "v_fp_area", r => U64(r.v_fp_area);
    "cx", "px", "x", "x0 + dx * v_fp_centroid_local-0", r => F64(Some(f64::from(r.x0) + f64::from(r.box_shape()[1]) * r.v_fp_centroid_local[0]));
    "cy", "px", "y", "y0 + dy * v_fp_centroid_local-1", r => F64(Some(f64::from(r.y0) + f64::from(r.box_shape()[2]) * r.v_fp_centroid_local[1]));
    "t0", "s", "z", "z0 * frame interval", r => seconds(r, r.z0);
    "t1", "s", "z", "z1 * frame interval", r => seconds(r, r.z1);
    "dt", "s", "z", "t1 - t0", r => seconds(r, r.box_shape()[0]);
    "start_s", "s", "z", "z0 * frame interval", r => seconds(r, r.z0);
    "end_s", "s", "z", "z1 * frame interval", r => seconds(r, r.z1);
    "duration_s", "s", "z", "dz * frame interval", r => seconds(r, r.box_shape()[0]);
    "area_um2", "um^2", "", "v_fp_area * pixel area", r => scaled(pixel_area(r), r.v_fp_area as f64);
    "volume_um2s", "um^2 s", "", "v_area * pixel area * frame interval", r => F64(pixel_area(r).zip(r.frame_interval_s).map(|(a, s)| a * s * r.v_area as f64));
    "cx_um", "um", "x", "v_fp_cx * pixel height", r => scaled(r.pixel_um.map(|p| p[0]), r.v_fp_cx);
    "cy_um", "um", "y", "v_fp_cy * pixel width", r => scaled(r.pixel_um.map(|p| p[1]), r.v_fp_cy);
    "peak_frame", "frame", "z", "frame of the largest value of trace", r => U32(r.peak_frame);
    "peak_z", "sd", "", "largest smoothed z-score of M", r => F64(r.peak_z);
    "snr", "", "", "v_max_height / (rms noise_sd of P / sqrt(v_area / dz))", r => F64(r.snr);
    "auc", "movie*frame", "", "sum of trace", r => F64(Some(r.auc));
    "rise_frames", "frame", "z", "from 10 % to 90 % of v_max_height, before the peak", r => F64(r.rise_frames);
    "decay_frames", "frame", "z", "from 90 % to 37 % of v_max_height, after the peak", r => F64(r.decay_frames);
    "fwhm_frames", "frame", "z", "between the crossings of 50 % of v_max_height next to the peak", r => F64(r.fwhm_frames);
    "onset", "frame", "z", "per pixel of P in C order the first local frame at half of its maximum in M", r => F32s(&r.onset);
    "speed_px_frame", "px/frame", "", "Theil-Sen slope of the distance from the origin on onset", r => F64(r.speed_px_frame);
    "direction_rad", "rad", "x", "where onset grows: angle from the axis of rows towards that of columns", r => F64(r.direction_rad);
    "speed_r", "", "", "correlation of distance from the origin and onset", r => F64(r.speed_r);
    "p_value", "", "", "(1 + k) / (1 + N) of k of N chance components at least as large and high", r => F64(r.p_value);
    "parent", "", "", "id before splitting", r => U32(r.parent);
    "group", "", "", "given by the user", r => Text(r.group.as_deref());
    "subject_id", "", "", "given by the user", r => Text(r.subject_id.as_deref());
    "file_name", "", "", "the file it came from", r => Text(r.file_name.as_deref());
}
