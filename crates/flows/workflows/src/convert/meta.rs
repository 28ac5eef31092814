//! What is known about the output of a conversion.

use hooke_core::{Channel, Dtype, ImageMeta, Sourced};

use super::{ConvertError, ConvertOptions};
use crate::options::{BadValue, Lengths, read_option};

/// The metadata of what is converted, overridden.
pub(super) fn output(
    source: &ImageMeta,
    options: &ConvertOptions,
) -> Result<ImageMeta, ConvertError> {
    let mut meta = source.clone();
    meta.missing.clear();
    meta.view = None;
    meta.affine = None;
    meta.dataset = None;
    meta.labels = source.labels || options.labels;
    if let Some(name) = &options.dtype {
        meta.dtype = Dtype::parse(name).ok_or_else(|| {
            let all: Vec<&str> = Dtype::ALL.iter().map(|d| d.name()).collect();
            ConvertError::parameters(
                format!("--dtype `{name}` is no sample type"),
                format!("write one of {}", all.join(", ")),
            )
        })?;
        meta.stored_dtype = meta.dtype.name().to_owned();
        meta.significant_bits = 8 * meta.dtype.size() as u32;
    }
    overrides(&mut meta, options)?;
    Ok(meta)
}

fn overrides(meta: &mut ImageMeta, options: &ConvertOptions) -> Result<(), ConvertError> {
    let triple = |name, text: &Option<String>| -> Result<[Option<f64>; 3], BadValue> {
        match text {
            Some(text) => {
                read_option::<Lengths>(name, text)?.plain().map_err(|e: BadValue| e.of(name))
            }
            None => Ok([None; 3]),
        }
    };
    for (given, size) in
        triple("voxel-size", &options.voxel_size)?.into_iter().zip(&mut meta.voxel_size_um)
    {
        match given {
            Some(v) if v <= 0.0 => {
                return Err(ConvertError::parameters(
                    format!("--voxel-size: {v} µm is no size"),
                    "sizes are positive, in micrometres, like 2,0.65,0.65",
                ));
            }
            Some(v) => *size = Sourced::user(v),
            None => {}
        }
    }
    for (given, origin) in triple("origin", &options.origin)?.into_iter().zip(&mut meta.origin_um) {
        if let Some(v) = given {
            *origin = Sourced::user(v);
        }
    }
    if let Some(seconds) = options.frame_interval {
        if !(seconds.is_finite() && seconds > 0.0) {
            return Err(ConvertError::parameters(
                format!("--frame-interval: {seconds} s is no time between frames"),
                "write seconds above 0, like 0.05",
            ));
        }
        meta.frame_interval_s = Some(seconds);
        meta.frame_times_s = None;
    }
    let n = meta.shape[1] as usize;
    let mut named =
        |texts: &[String], what: &str, set: fn(&mut Channel, &str)| -> Result<(), ConvertError> {
            if texts.is_empty() {
                return Ok(());
            }
            if texts.len() != n {
                return Err(ConvertError::parameters(
                    format!("{} channel {what} for {n} channels", texts.len()),
                    "give one per channel, separated by commas",
                ));
            }
            meta.channels.resize(n, Channel::default());
            meta.channels.iter_mut().zip(texts).for_each(|(c, t)| set(c, t));
            Ok(())
        };
    named(&options.channel_names, "names", |c, t| c.name = Some(t.to_owned()))?;
    named(&options.channel_colors, "colours", |c, t| c.color = Some(t.to_owned()))?;
    Ok(())
}
