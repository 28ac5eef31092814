//! The options of `stitch align` as typed, and what the method takes.

use std::path::PathBuf;

use hooke_core::Axis;
use hooke_stitch::Layout;
use hooke_stitch::align::{AlignParams, Background, Clip, Links, Measure, Search, SignalCount};
use serde::{Deserialize, Serialize};

use super::error::StitchError;
use super::input::InputOptions;
use crate::options::{AxisRanges, Lengths, Span, Spans, read_option};

/// How pairs are measured, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlignOptions {
    /// What the input is.
    #[serde(flatten)]
    pub input: InputOptions,
    /// Window for the shift.
    pub max_shift: String,
    /// `position` or `tiling`.
    pub search: String,
    /// With `tiling`: `MIN:MAX` of the overlap.
    pub overlap_range: Option<String>,
    /// The only axis to measure.
    pub axis: Option<Axis>,
    /// `none`, `pair` or `all`.
    pub projection: String,
    /// Thickness that is projected.
    pub depth: Option<String>,
    /// The part of the layout to use.
    pub range: Option<String>,
    /// `LEVEL`, `LEVEL,N` or `LEVEL,P%`.
    pub background: Option<String>,
    /// `HI` or `LO:HI`.
    pub clip: Option<String>,
    /// For `msd`.
    pub normalize: bool,
    /// `ncc`, `msd` or `phase`.
    pub measure: String,
    /// Fractions of a voxel.
    pub subpixel: bool,
    /// Fraction of the nominal overlap to keep.
    pub min_overlap: Option<f64>,
    /// `faces` or `all`.
    pub links: String,
    /// Candidates kept.
    pub peaks: usize,
    /// Flat field.
    pub flat: Option<PathBuf>,
    /// Dark image.
    pub dark: Option<PathBuf>,
}

impl AlignOptions {
    /// The method's parameters, for tiles of a layout: lengths in µm and % become voxels.
    ///
    /// # Errors
    /// When a text is no value, or the method refuses it.
    pub fn params(&self, layout: &Layout) -> Result<AlignParams, StitchError> {
        self.check()?;
        let voxel = layout.voxel_size_um.map_or([1.0; 3], |v| v.zyx());
        let shape = layout.tiles.first().map_or([1; 3], |t| t.shape);
        let window: AxisRanges = read_option("max-shift", &self.max_shift)?;
        let whole = |(a, b): (f64, f64)| [a.floor() as i64, b.ceil() as i64];
        let params = AlignParams {
            max_shift: window.voxels(shape, voxel).map(whole),
            search: self.search()?,
            axis: self.axis,
            projection: from_word(&self.projection)?,
            depth: self.depth(shape, voxel)?,
            range: self.range()?,
            background: self.background.as_deref().map(background).transpose()?,
            clip: self.clip.as_deref().map(clip).transpose()?,
            normalize: self.normalize,
            measure: from_word::<Measure>(&self.measure)?,
            subpixel: self.subpixel && self.measure != "msd",
            min_overlap: self.min_overlap,
            links: from_word::<Links>(&self.links)?,
            peaks: self.peaks,
        };
        params.validate().map_err(|e| StitchError::Parameters(e.to_string()))?;
        Ok(params)
    }

    /// Refuses what has no effect, rather than let somebody believe it had one.
    fn check(&self) -> Result<(), StitchError> {
        if let Some(fraction) = self.min_overlap.filter(|f| !(0.0..=1.0).contains(f)) {
            let what = format!("--min-overlap `{fraction}` is no fraction");
            return Err(StitchError::usage(what, "write a number from 0 to 1, like 0.25"));
        }
        if self.peaks == 0 {
            let hint = "write 1 or more; the usual number is 5";
            return Err(StitchError::usage("--peaks `0` keeps no candidate", hint));
        }
        if self.normalize && self.measure != "msd" {
            let what = format!("--normalize has no meaning with --measure {}", self.measure);
            let hint = "give --measure msd, or leave --normalize out: the others always normalise";
            return Err(StitchError::usage(what, hint));
        }
        if self.depth.is_some() && self.projection == "none" {
            let what = "--depth has no meaning without a projection";
            return Err(StitchError::usage(what, "give --projection pair or all as well"));
        }
        Ok(())
    }

    fn search(&self) -> Result<Search, StitchError> {
        match (self.search.as_str(), &self.overlap_range) {
            ("tiling", Some(text)) => {
                let refuse = || wrong("overlap-range", text, "MIN:MAX in voxels, like 20:60");
                let (low, high) = text.split_once(':').ok_or_else(refuse)?;
                let number = |t: &str| t.trim().parse::<i64>().map_err(|_| refuse());
                Ok(Search::Tiling { overlap_range: [number(low)?, number(high)?] })
            }
            ("tiling", None) => Err(StitchError::usage(
                "--search tiling needs the overlaps to try",
                "give --overlap-range MIN:MAX in voxels, like 20:60",
            )),
            (_, Some(_)) => Err(StitchError::usage(
                "--overlap-range has no meaning with --search position",
                "give --search tiling as well, or --max-shift instead",
            )),
            _ => Ok(Search::Position),
        }
    }

    fn depth(&self, shape: [u64; 3], voxel: [f64; 3]) -> Result<Option<[usize; 3]>, StitchError> {
        let Some(text) = &self.depth else { return Ok(None) };
        let lengths: Lengths = read_option("depth", text)?;
        let planes = lengths.voxels(shape, voxel);
        Ok(Some(std::array::from_fn(|d| match lengths.0[d] {
            Some(_) => planes[d].round().max(0.0) as usize,
            None => shape[d] as usize,
        })))
    }

    /// Half-open as typed; both ends included for the method.
    fn range(&self) -> Result<[Option<[i64; 2]>; 3], StitchError> {
        let Some(text) = &self.range else { return Ok([None; 3]) };
        let spans: Spans = read_option("range", text)?;
        let empty = |s: &Span| matches!((s.low, s.high), (Some(a), Some(b)) if a >= b);
        if spans.0.iter().flatten().any(empty) {
            let what = format!("--range `{text}` is empty");
            return Err(StitchError::usage(
                what,
                "write z=LO:HI with LO below HI, HI not included",
            ));
        }
        let far = 1i64 << 40;
        let bounds = spans.bounds([(-far, far); 3]);
        Ok(std::array::from_fn(|d| spans.0[d].map(|_| [bounds[d].0, bounds[d].1 - 1])))
    }
}

/// Reads a choice by the word that the method's own serialisation uses.
///
/// # Errors
/// [`StitchError::Parameters`] for any other word.
pub fn from_word<T: for<'de> Deserialize<'de>>(word: &str) -> Result<T, StitchError> {
    serde_json::from_value(serde_json::Value::String(word.to_owned()))
        .map_err(|e| StitchError::Parameters(format!("`{word}`: {e}")))
}

fn wrong(option: &str, text: &str, example: &str) -> StitchError {
    StitchError::usage(format!("--{option} `{text}` is no value"), format!("write {example}"))
}

fn background(text: &str) -> Result<Background, StitchError> {
    let refuse =
        || wrong("background", text, "LEVEL, LEVEL,N or LEVEL,P%, like 400,1000 or 400,2%");
    let (level, count) = match text.split_once(',') {
        Some((level, count)) => (level, Some(count.trim())),
        None => (text, None),
    };
    let level: f32 = level.trim().parse().map_err(|_| refuse())?;
    let at_least = match count {
        None => SignalCount::Voxels(1),
        Some(percent) if percent.ends_with('%') => {
            let number: f64 = percent.trim_end_matches('%').parse().map_err(|_| refuse())?;
            SignalCount::Fraction(number / 100.0)
        }
        Some(number) => SignalCount::Voxels(number.parse().map_err(|_| refuse())?),
    };
    Ok(Background { level, at_least })
}

fn clip(text: &str) -> Result<Clip, StitchError> {
    let refuse = || wrong("clip", text, "HI or LO:HI, like 4000 or 100:4000");
    let number = |t: &str| t.trim().parse::<f32>().map_err(|_| refuse());
    match text.split_once(':') {
        Some((low, high)) => Ok(Clip { low: Some(number(low)?), high: number(high)? }),
        None => Ok(Clip { low: None, high: number(text)? }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backgrounds_and_clips_read_as_documented() {
        let b = background("400,2%").expect("level and fraction");
        assert_eq!((b.level, b.at_least), (400.0, SignalCount::Fraction(0.02)));
        let b = background("400").expect("a level");
        assert_eq!(b.at_least, SignalCount::Voxels(1));
        let c = clip("100:4000").expect("limits");
        assert_eq!((c.low, c.high), (Some(100.0), 4000.0));
        assert!(background("x").is_err() && clip("1:2:3").is_err());
    }
}
