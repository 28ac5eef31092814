//! What is known about the output of a conversion.

use hooke_core::{Axes, Axis, Channel, Dtype, ImageMeta, Level, Sourced};

use super::select::Selection;
use super::{ConvertError, ConvertOptions};
use crate::options::{BadValue, Lengths, read_option};

/// The metadata of the source, cut and overridden.
pub(super) fn output(
    source: &ImageMeta,
    level: &Level,
    selection: &Selection,
    options: &ConvertOptions,
) -> Result<ImageMeta, ConvertError> {
    let mut meta = source.clone();
    meta.shape = selection.shape();
    meta.missing.clear();
    meta.view = None;
    meta.affine = None;
    meta.dataset = None;
    meta.labels = source.labels || options.labels;
    let kept: Vec<Axis> = source.axes.iter().collect();
    meta.axes = Axes::of(&kept);
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
    places(&mut meta, source, level, selection);
    times(&mut meta, source, selection);
    meta.channels = selection
        .channels()
        .iter()
        .filter_map(|c| source.channels.get(*c as usize).cloned())
        .collect();
    overrides(&mut meta, options)?;
    Ok(meta)
}

/// Steps enlarge voxels; a crop and a level move the centre of the first one.
fn places(meta: &mut ImageMeta, source: &ImageMeta, level: &Level, selection: &Selection) {
    for axis in Axis::SPACE {
        let d = axis.index() - 2;
        let (first, step) = selection.first_and_step(axis);
        let Some(size) = source.voxel_size_um[d].value else { continue };
        let at_level = size * level.factors[d];
        meta.voxel_size_um[d].value = Some(at_level * step as f64);
        let shifted = (level.factors[d] - 1.0) / 2.0 * size + first as f64 * at_level;
        if let Some(origin) = source.origin_um[d].value {
            meta.origin_um[d].value = Some(origin + shifted);
        } else if shifted != 0.0 {
            meta.origin_um[d] =
                Sourced { value: Some(shifted), from: source.voxel_size_um[d].from };
        }
    }
}

fn times(meta: &mut ImageMeta, source: &ImageMeta, selection: &Selection) {
    let (first, step) = selection.first_and_step(Axis::T);
    meta.frame_interval_s = source.frame_interval_s.map(|s| s * step as f64);
    meta.frame_times_s = source.frame_times_s.as_ref().map(|times| {
        times
            .iter()
            .skip(first as usize)
            .step_by(step as usize)
            .take(meta.shape[0] as usize)
            .copied()
            .collect()
    });
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
        meta.frame_interval_s = Some(seconds);
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
