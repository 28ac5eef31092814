//! The image of blobs, as commands take it.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::blobs::ImageOptions;

use crate::frame::error::CliError;

/// Which image, and what of it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub struct ImageArgs {
    /// The image: OME-Zarr, TIFF, NPY or any other that Hooke reads
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
    /// Image, counted from 0, for files that hold several
    #[arg(long = "image", value_name = "N")]
    index: Option<usize>,
    /// Member of a container
    #[arg(long, value_name = "PATH")]
    dataset: Option<String>,
    /// What the stored dimensions are, in stored order, like czyx [default: from the file]
    #[arg(long, value_name = "AXES")]
    axes: Option<String>,
    /// Voxel size in um [default: from the file]
    #[arg(long, value_name = "Z,Y,X")]
    voxel_size: Option<String>,
    /// Channels, by number from 0 or by name [default: all]
    #[arg(long, value_name = "C,...")]
    channels: Option<String>,
    /// Frames, each on its own: a list or A..B, the end not included [default: all]
    #[arg(long, value_name = "T,...|A..B")]
    times: Option<String>,
}

impl ImageArgs {
    pub fn options(self) -> ImageOptions {
        ImageOptions {
            image: self.image,
            index: self.index,
            dataset: self.dataset,
            axes: self.axes,
            voxel_size: self.voxel_size,
            channels: self.channels,
            times: self.times,
        }
    }
}

/// `auto`, or `ALPHA,BETA` of `variance = ALPHA * intensity + BETA`.
pub fn camera_noise(text: &str) -> Result<Option<[f64; 2]>, CliError> {
    if text == "auto" {
        return Ok(None);
    }
    let numbers: Option<Vec<f64>> = text.split(',').map(|t| t.trim().parse().ok()).collect();
    match numbers.as_deref() {
        // A line that is nowhere above 0 is no variance.
        Some([alpha, beta])
            if alpha.is_finite() && beta.is_finite() && *alpha >= 0.0 && alpha.max(*beta) > 0.0 =>
        {
            Ok(Some([*alpha, *beta]))
        }
        _ => {
            let what = format!("--noise `{text}` is no variance");
            Err(CliError::usage(what).hint("write auto, or ALPHA,BETA, like 0.5,30"))
        }
    }
}
