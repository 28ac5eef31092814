//! One event: a row of `events.parquet`.

/// Everything measured on one event.
///
/// Names that astroCAST has keep its meaning: `z` is the frame, `x` the row of the image, `y` its
/// column; boxes are half-open. [`COLUMNS`](super::COLUMNS) holds name, unit, axis and formula of
/// every field.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)] // Each field is documented where its column is, in `COLUMNS`.
pub struct EventRow {
    pub id: u32,
    pub z0: u32,
    pub z1: u32,
    pub x0: u32,
    pub x1: u32,
    pub y0: u32,
    pub y1: u32,
    pub v_diameter: f64,
    pub v_area: u64,
    pub v_bbox_pix_num: u64,
    pub mask: Vec<u32>,
    pub v_mask_centroid_local: [f64; 3],
    pub v_mask_axis_major_length: f64,
    pub v_mask_axis_minor_length: f64,
    pub v_mask_extent: f64,
    pub v_mask_solidity: f64,
    pub v_mask_equivalent_diameter_area: f64,
    /// Per closed line the flattened `(z, x, y)` triples.
    pub contours: Vec<Vec<f32>>,
    pub footprint: Vec<u32>,
    pub v_fp_area: u64,
    pub v_fp_centroid_local: [f64; 2],
    pub v_fp_cx: f64,
    pub v_fp_cy: f64,
    pub v_fp_axis_major_length: f64,
    pub v_fp_axis_minor_length: f64,
    pub v_fp_eccentricity: f64,
    pub v_fp_orientation: f64,
    pub v_fp_perimeter: f64,
    pub v_fp_area_convex: u64,
    pub v_fp_solidity: f64,
    pub v_fp_feret_diameter_max: f64,
    pub v_fp_extent: f64,
    pub v_fp_equivalent_diameter_area: f64,
    pub trace: Vec<f32>,
    pub v_max_height: f64,
    pub v_max_gradient: Option<f64>,
    pub noise_mask_trace: Vec<f32>,
    pub v_noise_mask_mean: f64,
    pub v_noise_mask_std: f64,
    pub v_signal_to_noise_ratio: Option<f64>,
    pub v_signal_to_noise_ratio_fold: Option<f64>,
    /// Bits of [`EventRow::HULL_DEGENERATE`] and its neighbours.
    pub error: u8,
    /// Seconds per frame, µm per pixel along rows and columns: what the columns in units are made of.
    pub frame_interval_s: Option<f64>,
    pub pixel_um: Option<[f64; 2]>,
    pub peak_frame: u32,
    pub peak_z: Option<f64>,
    pub snr: Option<f64>,
    pub auc: f64,
    pub rise_frames: Option<f64>,
    pub decay_frames: Option<f64>,
    pub fwhm_frames: Option<f64>,
    pub onset: Vec<f32>,
    pub speed_px_frame: Option<f64>,
    pub direction_rad: Option<f64>,
    pub speed_r: Option<f64>,
    /// Set by whoever tested the event against chance.
    pub p_value: Option<f64>,
    /// The id before splitting; the event's own until someone splits.
    pub parent: u32,
    pub group: Option<String>,
    pub subject_id: Option<String>,
    pub file_name: Option<String>,
}

impl EventRow {
    /// Error bit: the voxels' centres lie in one plane. Hull and solidity are those of the voxels'
    /// face midpoints.
    pub const HULL_DEGENERATE: u8 = 1;
    /// Error bit: a frame of the event has no voxel, or none with a value; its trace is 0 there.
    pub const FRAME_WITHOUT_VOXELS: u8 = 2;
    /// Error bit: the event touches the first or the last frame.
    pub const TOUCHES_TIME_BORDER: u8 = 4;
    /// Error bit: the event touches the border of the image.
    pub const TOUCHES_IMAGE_BORDER: u8 = 8;

    /// Frames, rows and columns of the box.
    pub fn box_shape(&self) -> [u32; 3] {
        [self.z1 - self.z0, self.x1 - self.x0, self.y1 - self.y0]
    }
}
