//! Operations on pictures and masks: boxes, grey values, resizing, rotation and shift, labels, windows.

mod affine;
mod crop_box;
mod grey_values;
mod labels;
mod resize;
mod windows;

pub use affine::{Interpolation, affine_transform, correct_drift, rotate};
pub use crop_box::{CropBox, tracking_box};
pub use grey_values::{FullScale, binarize, rescale, to_integer_values};
pub use labels::{
    detect_touching_cells, distance_transform_labels, filter_areas, label_seg, postprocess,
};
pub use resize::{
    pad_to, resize_antialiased, resize_fits, resize_image, resize_labels, resize_mask,
};
pub use windows::{Windows, create_windows, stitch_pic};
