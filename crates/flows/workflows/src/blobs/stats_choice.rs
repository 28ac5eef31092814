//! What a user chooses of pixel statistics: channels, backgrounds, thresholds.

use hooke_blobs::pixel_stats::Threshold;

use super::error::BlobsError;
use super::options;
use super::stats_image::Frame;

/// How thresholds are chosen, before the pair of channels is known.
pub(super) enum Thresholds {
    /// Of each channel.
    Values(Vec<f64>),
    Rule(Threshold),
}

/// The chosen channels; two or more, all of the image.
pub(super) fn chosen(frame: &Frame, text: Option<&str>) -> Result<Vec<u16>, BlobsError> {
    let there = frame.channels();
    let mut channels = match text {
        Some(text) => options::channels(text)?,
        None => (0..there.min(u64::from(u16::MAX)) as u16).collect(),
    };
    if let Some(missing) = channels.iter().find(|c| u64::from(**c) >= there) {
        let all: Vec<String> = (0..there.min(32)).map(|c| c.to_string()).collect();
        let what = format!("{}: there is no channel {missing}", frame.path.display());
        return Err(BlobsError::usage(what, format!("the channels are {}", all.join(", "))));
    }
    let typed = channels.len();
    if !channels.is_sorted() {
        // Numbers per channel are given in their order.
        let what = "--channels are not in ascending order";
        return Err(BlobsError::usage(what, "begin with the lowest, like 0,2"));
    }
    channels.dedup();
    match channels.as_slice() {
        [] | [_] => {
            let what = format!("{}: one channel, where two are compared", frame.path.display());
            Err(BlobsError::usage(what, "give an image, or --channels, of two or more"))
        }
        _ if channels.len() < typed => {
            Err(BlobsError::usage("--channels names one twice", "name each once"))
        }
        _ => Ok(channels),
    }
}

/// A number per channel; one stands for all.
pub(super) fn per_channel(
    option: &str,
    text: &str,
    channels: usize,
) -> Result<Vec<f64>, BlobsError> {
    let read = |word: &str| word.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    let values: Option<Vec<f64>> = text.split(',').map(read).collect();
    match values {
        Some(one) if one.len() == 1 => Ok(one.repeat(channels)),
        Some(all) if all.len() == channels => Ok(all),
        _ => {
            let what = format!("--{option} `{text}` is no number per channel");
            let hint = format!("write one number, or {channels} with commas, by channel");
            Err(BlobsError::usage(what, hint))
        }
    }
}

pub(super) fn thresholds(text: &str, channels: usize) -> Result<Thresholds, BlobsError> {
    let part = |t: &str| t.parse::<f64>().ok().filter(|p| (0.0..=1.0).contains(p));
    match (text, text.strip_prefix("fraction:")) {
        ("otsu", _) => Ok(Thresholds::Rule(Threshold::Otsu)),
        ("costes", _) => Ok(Thresholds::Rule(Threshold::Costes)),
        (_, Some(rest)) => match part(rest) {
            Some(part) => Ok(Thresholds::Rule(Threshold::FractionOfMax(part))),
            None => {
                let what = format!("--threshold `{text}` is no part of the maximum");
                Err(BlobsError::usage(what, "write a number from 0 to 1, like fraction:0.15"))
            }
        },
        _ => match per_channel("threshold", text, channels) {
            Ok(values) => Ok(Thresholds::Values(values)),
            Err(_) => {
                let what = format!("--threshold `{text}` is none");
                let hint = "write a number, one per channel, otsu, costes or fraction:0.15";
                Err(BlobsError::usage(what, hint))
            }
        },
    }
}

pub(super) fn block(text: &str) -> Result<[usize; 3], BlobsError> {
    let lengths = options::lengths("costes-block", text)?;
    match lengths.iter().all(|v| v.fract() == 0.0 && *v < 1e6) {
        true => Ok(lengths.map(|v| v as usize)),
        false => {
            let what = format!("--costes-block `{text}` is no number of voxels");
            Err(BlobsError::usage(what, "write whole numbers over z,y,x, like 3,3,3"))
        }
    }
}
