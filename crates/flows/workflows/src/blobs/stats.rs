//! `hooke blobs stats`: how much two channels overlap, voxel by voxel.

use std::path::PathBuf;

use hooke_blobs::pixel_stats::{
    CrossCorrelation, LabelledPairs, PairAccumulator, PixelStats, Sampling, Threshold, ValueRange,
    costes_p_value,
};
use hooke_core::pixels::Typed;
use hooke_core::plan::InputStamp;
use hooke_core::{Budget, Dtype, Pixels, Region, Sample, dispatch};
use ndarray::Array3;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::BlobsError;
use super::options::absolute;
use super::stats_choice::{Thresholds, block, chosen, per_channel, thresholds};
use super::stats_image::{Frame, each_slab};
use super::stats_table::{self, StatsRow};
use crate::engine::{BlockContext, BlockError, stamp_input};
use crate::step::{Done, Step};

/// Voxels of real-valued images that are kept one by one, in the image and in each label.
const KEPT: usize = 1 << 20;
/// Bytes of a slab of everything, and of the statistics of a usual image.
const LEAST_BYTES: u64 = 128 << 20;

/// What is measured, and how, as typed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StatsOptions {
    /// The image.
    pub image: PathBuf,
    /// What the stored dimensions are, in stored order.
    pub axes: Option<String>,
    /// The frame.
    pub time: Option<u64>,
    /// Channels of which every pair is compared; all when missing.
    pub channels: Option<String>,
    /// Voxels that count.
    pub mask: Option<PathBuf>,
    /// Regions that get a row each.
    pub labels: Option<PathBuf>,
    /// How thresholds are chosen.
    pub threshold: String,
    /// Subtracted from the channels.
    pub background: Option<String>,
    /// Randomised images.
    pub costes_draws: u64,
    /// Blocks that change places, in voxels.
    pub costes_block: String,
    /// The largest shift along x.
    pub ccf: u32,
    /// Seed of the randomisation.
    pub seed: u64,
    /// The table.
    pub output: PathBuf,
}

/// `hooke blobs stats`.
pub struct Stats {
    options: StatsOptions,
    frame: Frame,
    mask: Option<Frame>,
    labels: Option<Frame>,
    channels: Vec<u16>,
    /// Of each of `channels`.
    background: Vec<f64>,
    threshold: Thresholds,
    block: [usize; 3],
}

impl Step for Stats {
    const COMMAND: &'static str = "blobs stats";
    type Parameters = StatsOptions;
    type Error = BlobsError;

    fn open(options: StatsOptions) -> Result<Stats, BlobsError> {
        let options = StatsOptions {
            image: absolute(&options.image),
            mask: options.mask.as_deref().map(absolute),
            labels: options.labels.as_deref().map(absolute),
            output: absolute(&options.output),
            ..options
        };
        stats_table::format_of(&options.output)?;
        CrossCorrelation::new(options.ccf)?;
        let block = block(&options.costes_block)?;
        let frame = Frame::open(&options.image, options.axes.as_deref(), options.time)?;
        let channels = chosen(&frame, options.channels.as_deref())?;
        let n = channels.len();
        let background = match &options.background {
            None => vec![0.0; n],
            Some(text) => per_channel("background", text, n)?,
        };
        let threshold = thresholds(&options.threshold, n)?;
        let mask = options.mask.as_deref().map(|p| frame.beside("mask", p)).transpose()?;
        let labels = options.labels.as_deref().map(|p| frame.beside("labels", p)).transpose()?;
        if let Some(labels) = labels.as_ref().filter(|l| l.dtype().is_float()) {
            let what = format!("{}: {} are no labels", labels.path.display(), labels.dtype());
            return Err(BlobsError::unfit(what, "labels are whole numbers"));
        }
        Ok(Stats { options, frame, mask, labels, channels, background, threshold, block })
    }

    fn parameters(&self) -> &StatsOptions {
        &self.options
    }

    fn inputs(&self) -> Result<Vec<InputStamp>, BlobsError> {
        let files = std::iter::once(&self.frame).chain(&self.mask).chain(&self.labels);
        files.map(|f| Ok(stamp_input(&f.path, None)?)).collect()
    }

    fn outputs(&self) -> Vec<(PathBuf, &'static str)> {
        let format = stats_table::format_of(&self.options.output).unwrap_or("parquet");
        vec![(self.options.output.clone(), format)]
    }

    fn bytes(&self, _: &Budget) -> u64 {
        LEAST_BYTES
    }

    fn run(&self, places: &[PathBuf], cx: &mut BlockContext<'_>) -> Result<Done, BlockError> {
        self.check_randomisation(cx.budget)?;
        let (mut rows, mut warnings) = (Vec::new(), Vec::new());
        for (i, first) in self.channels.iter().enumerate() {
            for (j, second) in self.channels.iter().enumerate().skip(i + 1) {
                let pair = Pair { channels: [*first, *second], index: [i, j] };
                let measured = dispatch!(self.frame.dtype(), T => self.measure::<T>(&pair, cx))?;
                warnings.extend(measured.warnings(&pair));
                rows.extend(measured.rows);
            }
        }
        for place in places {
            stats_table::write(place, &rows)?;
        }
        let pairs = self.channels.len() * (self.channels.len() - 1) / 2;
        Ok(Done { result: json!({"pairs": pairs, "rows": rows.len()}), warnings })
    }
}

/// Two channels of the image, and their places among the chosen ones.
struct Pair {
    channels: [u16; 2],
    index: [usize; 2],
}

/// What was found of two channels.
struct Measured {
    rows: Vec<StatsRow>,
    skipped: u64,
    is_binned: bool,
}

impl Measured {
    fn warnings(&self, pair: &Pair) -> Vec<(String, String)> {
        let [a, b] = pair.channels;
        let mut warnings = Vec::new();
        if self.skipped > 0 {
            let what =
                format!("channels {a}-{b}: {} voxels are no numbers, and left out", self.skipped);
            warnings.push(("not-finite".to_owned(), what));
        }
        if self.is_binned {
            let what = format!(
                "channels {a}-{b}: ranks and thresholds are those of 65536 equal bins per channel"
            );
            warnings.push(("binned".to_owned(), what));
        }
        warnings
    }
}

/// The voxels of two channels in one slab.
struct Slab<T> {
    a: Vec<T>,
    b: Vec<T>,
    mask: Option<Vec<bool>>,
}

impl Stats {
    /// The randomisation holds both channels in memory, as numbers of 8 bytes, twice.
    fn check_randomisation(&self, budget: &Budget) -> Result<(), BlobsError> {
        let needed = 33 * self.frame.voxels();
        let free = budget.for_blocks().saturating_sub(LEAST_BYTES);
        if self.options.costes_draws == 0 || needed <= free {
            return Ok(());
        }
        let show = hooke_core::budget::show_bytes;
        let what = format!(
            "--costes-draws holds both channels in memory: {} are needed, {} are there",
            show(needed),
            show(free)
        );
        let hint =
            "give more --memory, crop the image with hooke convert, or leave --costes-draws out";
        Err(BlobsError::unfit(what, hint))
    }

    fn sampling(&self, pair: &Pair) -> Sampling {
        let background = pair.index.map(|i| self.background.get(i).copied().unwrap_or(0.0));
        Sampling { background, range: None, kept: KEPT }
    }

    fn threshold(&self, pair: &Pair) -> Threshold {
        match &self.threshold {
            Thresholds::Rule(rule) => *rule,
            Thresholds::Values(values) => {
                Threshold::Values(pair.index.map(|i| values.get(i).copied().unwrap_or(0.0)))
            }
        }
    }

    fn read<T: Typed>(&self, pair: &Pair, region: &Region) -> Result<Slab<T>, BlockError> {
        let read = |channel: u16| -> Result<Vec<T>, BlockError> {
            let mut pixels = Pixels::zeros(self.frame.dtype(), [1; 5]);
            self.frame.read(channel.into(), region, &mut pixels)?;
            Ok(pixels.into_vec::<T>().unwrap_or_default())
        };
        let mask = self.mask.as_ref().map(|mask| {
            let mut inside = Vec::new();
            mask.read_mask(region, &mut inside).map(|()| inside)
        });
        let [first, second] = pair.channels;
        Ok(Slab { a: read(first)?, b: read(second)?, mask: mask.transpose()? })
    }

    fn measure<T: Sample + Typed>(
        &self,
        pair: &Pair,
        cx: &BlockContext<'_>,
    ) -> Result<Measured, BlockError> {
        let mut sampling = self.sampling(pair);
        let small = matches!(T::DTYPE, Dtype::Uint8 | Dtype::Uint16 | Dtype::Int8 | Dtype::Int16);
        if !small && self.frame.voxels() > KEPT as u64 {
            sampling.range = self.ranges::<T>(pair, cx)?;
        }
        let dtypes = [T::DTYPE; 2];
        let method = BlobsError::from;
        let mut whole = PairAccumulator::new(dtypes, sampling).map_err(method)?;
        let mut labelled = LabelledPairs::new(dtypes, sampling).map_err(method)?;
        let mut shifted = CrossCorrelation::new(self.options.ccf).map_err(method)?;
        let row = self.frame.lengths()[2].max(1) as usize;
        let free = cx.budget.for_blocks().max(LEAST_BYTES);
        let mut labels = Vec::new();
        each_slab(&self.frame, cx, |region| {
            let slab = self.read::<T>(pair, region)?;
            let mask = slab.mask.as_deref();
            whole.add(&slab.a, &slab.b, mask).map_err(method)?;
            if let Some(image) = &self.labels {
                image.read_labels(region, &mut labels)?;
                labelled.add(&slab.a, &slab.b, &labels, mask).map_err(method)?;
            }
            if self.options.ccf > 0 {
                let [a, b] = [(0, &slab.a), (1, &slab.b)].map(|(c, v)| subtracted(v, sampling, c));
                for (y, (a, b)) in a.chunks(row).zip(b.chunks(row)).enumerate() {
                    let mask = mask.and_then(|m| m.chunks(row).nth(y));
                    shifted.add_row(a, b, mask).map_err(method)?;
                }
            }
            match whole.bytes() + labelled.bytes() <= free {
                true => Ok(()),
                false => Err(too_many_values(pair).into()),
            }
        })?;
        let threshold = self.threshold(pair);
        let mut stats = whole.joint().stats(&threshold).map_err(method)?;
        if self.options.costes_draws > 0 {
            stats.costes_p = self.randomised::<T>(pair, sampling, cx)?;
        }
        let best = shifted.best().filter(|_| self.options.ccf > 0);
        stats.ccf_max_shift = best.map(|b| b.shift);
        stats.ccf_max = best.map(|b| b.pearson);
        let of = |label: Option<i64>, stats: PixelStats| {
            let [channel1, channel2] = pair.channels;
            StatsRow { label, channel1, channel2, stats }
        };
        let mut rows = vec![of(None, stats)];
        let mut is_binned = whole.is_binned();
        for (label, pairs) in labelled.iter() {
            is_binned |= pairs.is_binned();
            rows.push(of(Some(label), pairs.joint().stats(&threshold).map_err(method)?));
        }
        Ok(Measured { rows, skipped: whole.skipped(), is_binned })
    }

    /// Least and largest value of both channels within the mask.
    fn ranges<T: Sample + Typed>(
        &self,
        pair: &Pair,
        cx: &BlockContext<'_>,
    ) -> Result<Option<[[f64; 2]; 2]>, BlockError> {
        let mut ranges = [ValueRange::default(); 2];
        each_slab(&self.frame, cx, |region| {
            let slab = self.read::<T>(pair, region)?;
            for (range, values) in ranges.iter_mut().zip([&slab.a, &slab.b]) {
                match &slab.mask {
                    None => range.add(values),
                    Some(mask) => {
                        let inside = values.iter().zip(mask).filter(|(_, inside)| **inside);
                        range.add(&inside.map(|(v, _)| *v).collect::<Vec<T>>());
                    }
                }
            }
            Ok(())
        })?;
        let [a, b] = ranges.map(|r| r.get());
        Ok(a.zip(b).map(|(a, b)| [a, b]))
    }

    /// The part of images with shuffled blocks that correlate at least as much.
    fn randomised<T: Sample + Typed>(
        &self,
        pair: &Pair,
        sampling: Sampling,
        cx: &BlockContext<'_>,
    ) -> Result<Option<f64>, BlockError> {
        let lengths = self.frame.lengths().map(|n| n as usize);
        let voxels = self.frame.voxels() as usize;
        let mut both = [Vec::with_capacity(voxels), Vec::with_capacity(voxels)];
        let mut inside: Option<Vec<bool>> = self.mask.as_ref().map(|_| Vec::with_capacity(voxels));
        // Slabs are whole rows, or whole planes, in order: one after the other they are the image.
        each_slab(&self.frame, cx, |region| {
            let slab = self.read::<T>(pair, region)?;
            both[0].extend(subtracted(&slab.a, sampling, 0));
            both[1].extend(subtracted(&slab.b, sampling, 1));
            if let (Some(inside), Some(mask)) = (&mut inside, slab.mask) {
                inside.extend(mask);
            }
            Ok(())
        })?;
        let [a, b] = both.map(|values| Array3::from_shape_vec(lengths, values));
        let (a, b) = (a?, b?);
        let inside = inside.map(|m| Array3::from_shape_vec(lengths, m)).transpose()?;
        let (draws, seed) = (self.options.costes_draws, self.options.seed);
        let mask = inside.as_ref().map(|m| m.view());
        let p = costes_p_value(a.view(), b.view(), mask, self.block, draws, seed);
        Ok(p.map_err(BlobsError::from)?)
    }
}

/// Values less the background, not below 0 where there is one.
fn subtracted<T: Sample>(values: &[T], sampling: Sampling, channel: usize) -> Vec<f64> {
    let background = sampling.background[channel];
    let less = |v: f64| if background == 0.0 { v } else { (v - background).max(0.0) };
    // The maximum of NaN and 0 is 0; what is no number stays so.
    let one = |v: &T| if v.is_nan() { f64::NAN } else { less(v.to_f64()) };
    values.iter().map(one).collect()
}

fn too_many_values(pair: &Pair) -> BlobsError {
    let [a, b] = pair.channels;
    let what = format!("channels {a}-{b}: more different pairs of values than the memory holds");
    BlobsError::unfit(what, "give more --memory, or fewer labels, or an image of 8 bits")
}
