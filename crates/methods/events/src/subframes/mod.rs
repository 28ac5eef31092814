//! Samples of movies for a network that predicts a frame from its neighbours.
//!
//! A sample is a tile of `pre + gap + 1 + gap + post` frames: the first `pre` and the last `post` are
//! the input, the frame in the middle is the target, gaps are left out (Lecoq et al. 2021,
//! DeepInterpolation, doi:10.1038/s41592-021-01285-2; astroCAST's `SubFrameGenerator`).
//! [`SubFrames::items`] lists the samples of an epoch, [`SubFrames::sample`] makes one from pixels.
//! What is random depends on seed, epoch and item alone.

mod items;
mod sample;
mod scale;

use crate::EventsError;

pub use items::Item;
pub use sample::{Sample, Source};
pub use scale::{FileScale, ScaleSampler};

/// How a movie goes on beyond its border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Mirrored, the outermost sample twice.
    Symmetric,
    /// The nearest sample.
    Edge,
}

/// How a sample is brought to scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scaling {
    /// Not at all.
    #[default]
    None,
    /// By mean and standard deviation of its own frames, those of gaps and the target among them.
    Local,
    /// By those of its file, see [`ScaleSampler`].
    Global,
}

/// What samples are.
#[derive(Debug, Clone, PartialEq)]
pub struct SubFrameParams {
    /// Rows and columns of a tile.
    pub input_size: [usize; 2],
    /// Pixels by which tiles overlap; below 1 the share of their size. Odd numbers become even by one
    /// more.
    pub overlap: f64,
    /// Input frames before and behind the target.
    pub pre_post_frames: [usize; 2],
    /// Frames left out before and behind the target.
    pub gap_frames: [usize; 2],
    /// Step from stack to stack as a share of its frames; at least one frame.
    pub z_steps: f64,
    /// Only these targets.
    pub z_select: Option<Vec<usize>>,
    /// A random choice of so many samples of each file.
    pub max_per_file: Option<usize>,
    /// Moves all tiles of an epoch by less than a step; only without overlap.
    pub random_offset: bool,
    /// Makes every frame a target and covers every pixel.
    pub padding: Option<Padding>,
    /// Quarter turns to draw from, counter-clockwise.
    pub rotations: Vec<u8>,
    /// Flips to draw from: 0 of rows, 1 of columns, -1 none.
    pub flips: Vec<i8>,
    /// Noise from 0 to this is added to every pixel.
    pub add_noise: f32,
    /// Scale of samples.
    pub scaling: Scaling,
    /// With this probability one input frame becomes 0, after scaling.
    pub drop_frame_probability: f64,
    /// The target is cut to this size about its centre.
    pub output_size: Option<[usize; 2]>,
    /// Puts the items of each epoch into random order.
    pub shuffle: bool,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for SubFrameParams {
    fn default() -> Self {
        Self {
            input_size: [100, 100],
            overlap: 0.0,
            pre_post_frames: [5, 5],
            gap_frames: [0, 0],
            z_steps: 0.1,
            z_select: None,
            max_per_file: None,
            random_offset: false,
            padding: None,
            rotations: vec![0],
            flips: vec![-1],
            add_noise: 0.0,
            scaling: Scaling::None,
            drop_frame_probability: 0.0,
            output_size: None,
            shuffle: true,
            seed: 1,
        }
    }
}

/// Makes samples of movies.
#[derive(Debug, Clone)]
pub struct SubFrames {
    params: SubFrameParams,
    /// Step along frames, rows and columns.
    steps: [usize; 3],
}

impl SubFrames {
    /// Takes the settings.
    ///
    /// # Errors
    /// When they contradict each other or are out of range.
    pub fn new(params: SubFrameParams) -> Result<Self, EventsError> {
        let wrong = |name, reason: String| Err(EventsError::Parameter { name, reason });
        let size = params.input_size;
        if size.contains(&0) {
            return wrong("input_size", format!("a tile of {size:?} holds nothing"));
        }
        if params.pre_post_frames == [0, 0] {
            return wrong("pre_post_frames", "a sample needs an input frame".to_owned());
        }
        if !(params.overlap >= 0.0 && params.overlap.is_finite()) {
            return wrong("overlap", format!("{} is no overlap", params.overlap));
        }
        if !(params.z_steps >= 0.0 && params.z_steps.is_finite()) {
            return wrong("z_steps", format!("{} is no share of a stack", params.z_steps));
        }
        if params.random_offset && params.overlap > 0.0 {
            return wrong("random_offset", "tiles that overlap cannot be moved".to_owned());
        }
        if params.rotations.is_empty() || params.flips.is_empty() {
            return wrong("rotations", "there must be one to draw, 0; and -1 of flips".to_owned());
        }
        if size[0] != size[1] && params.rotations.iter().any(|k| k % 2 == 1) {
            return wrong("rotations", format!("a tile of {size:?} must be square to be turned"));
        }
        if let Some(flip) = params.flips.iter().find(|f| !(-1..=1).contains(*f)) {
            return wrong("flips", format!("{flip} is none of -1, 0 and 1"));
        }
        if !(params.add_noise >= 0.0 && params.add_noise.is_finite()) {
            return wrong("add_noise", format!("{} is no amount of noise", params.add_noise));
        }
        if !(0.0..=1.0).contains(&params.drop_frame_probability) {
            let reason = format!("{} is no probability", params.drop_frame_probability);
            return wrong("drop_frame_probability", reason);
        }
        let fits = |output: &[usize; 2]| (0..2).all(|a| (1..=size[a]).contains(&output[a]));
        if let Some(output) = params.output_size.filter(|output| !fits(output)) {
            return wrong("output_size", format!("{output:?} is not within {size:?}"));
        }
        let stack = params.pre_post_frames.iter().chain(&params.gap_frames).sum::<usize>() + 1;
        let mut steps = [((params.z_steps * stack as f64) as usize).max(1), 0, 0];
        for axis in 0..2 {
            let share = params.overlap < 1.0;
            let overlap = params.overlap * if share { size[axis] as f64 } else { 1.0 };
            let overlap = (overlap as usize).next_multiple_of(2);
            if overlap >= size[axis] {
                return wrong("overlap", format!("{overlap} px leave nothing of {size:?}"));
            }
            steps[axis + 1] = size[axis] - overlap;
        }
        Ok(Self { params, steps })
    }

    /// The settings.
    pub fn params(&self) -> &SubFrameParams {
        &self.params
    }

    /// Frames, rows and columns of a sample with its gaps and its target.
    pub fn stack_shape(&self) -> [usize; 3] {
        let [height, width] = self.params.input_size;
        let around =
            self.params.pre_post_frames.iter().chain(&self.params.gap_frames).sum::<usize>();
        [around + 1, height, width]
    }

    /// The target's place in the stack.
    pub fn target_frame(&self) -> usize {
        self.params.pre_post_frames[0] + self.params.gap_frames[0]
    }
}
