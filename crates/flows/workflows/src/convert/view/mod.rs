//! What lies between files and the voxels that are converted: images made of other images, read box by
//! box.
//!
//! `joined -> deinterleaved -> subtracted (channel, file) -> selected -> subtracted (statistic) -> rescaled`

mod deinterleaved;
mod joined;
mod opened;
mod rescaled;
mod selected;
mod subtracted;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::{Axis, Dataset, ImageMeta, ImageSource, Pixels, Region};
use hooke_io::{ChunkCache, OpenOptions};

use super::{ConvertError, ConvertOptions};
use crate::options::axis;
use deinterleaved::Deinterleaved;
use joined::Joined;
use opened::Opened;
use rescaled::Rescaled;
use selected::Selected;
use subtracted::{Subtracted, Subtrahend};

pub(super) use subtracted::Statistic;

/// An image that is computed as it is read.
pub(super) trait View: Send + Sync {
    /// What is known about it.
    fn meta(&self) -> &ImageMeta;

    /// Reads a box; `out` is reset to its shape. Gives the number of values that the type could not hold
    /// and that were clipped.
    ///
    /// # Errors
    /// When a file cannot be read there.
    fn read(&self, region: &Region, out: &mut Pixels) -> Result<u64, SourceError>;

    /// Whether blocks side by side read each voxel of the source once, so that their counts of clipped
    /// values add up.
    fn reads_once(&self) -> bool;

    /// Peak bytes, beside the result, while a box of this shape is read.
    fn scratch_bytes(&self, shape: [u64; 5]) -> u64;
}

/// The images of a conversion before and after the frames' statistic is subtracted.
pub(super) struct Views {
    /// What the statistic is taken of.
    pub selected: Arc<dyn View>,
    /// The whole image that is converted.
    pub last: Arc<dyn View>,
    /// The statistic of the frames that it needs.
    pub statistic: Option<Statistic>,
    /// Files that are read beside the inputs.
    pub files: Vec<PathBuf>,
    /// What a user should know about the files.
    pub problems: Vec<(String, String)>,
}

impl Views {
    /// Opens the inputs. `frame` is the statistic of the frames, once it is there.
    ///
    /// # Errors
    /// When an input cannot be opened, or does not have what the options ask for.
    pub fn open(
        inputs: &[PathBuf],
        options: &ConvertOptions,
        cache: &Arc<ChunkCache>,
        frame: Option<Arc<dyn ImageSink>>,
    ) -> Result<Views, ConvertError> {
        let (mut problems, mut sources) = (Vec::new(), Vec::new());
        let along = options.along.as_deref().and_then(axis);
        // Several inputs follow each other; what is within a folder then follows its names.
        let within = along.filter(|_| inputs.len() == 1);
        for input in inputs {
            let (image, more) = open_image(input, options, within, cache)?;
            sources.push(image);
            problems.extend(more);
        }
        let views = Views::of(sources, inputs, options, cache, frame)?;
        Ok(Views { problems: [problems, views.problems].concat(), ..views })
    }

    /// The images of a conversion of opened images, which are joined; `paths` are theirs.
    ///
    /// # Errors
    /// As [`Views::open`].
    pub fn of(
        sources: Vec<Arc<dyn ImageSource>>,
        paths: &[PathBuf],
        options: &ConvertOptions,
        cache: &Arc<ChunkCache>,
        frame: Option<Arc<dyn ImageSink>>,
    ) -> Result<Views, ConvertError> {
        let (mut problems, mut files) = (Vec::new(), Vec::new());
        let along = options.along.as_deref().and_then(axis);
        let part = |image| Ok(Arc::new(Opened::new(image, options.level)?) as Arc<dyn View>);
        let parts: Vec<Arc<dyn View>> =
            sources.into_iter().map(part).collect::<Result<_, ConvertError>>()?;
        let mut view = match parts.as_slice() {
            [one] => Arc::clone(one),
            _ => Arc::new(Joined::new(parts, paths, along, options.voxel_size.is_some())?),
        };
        if let Some(text) = &options.deinterleave {
            view = Arc::new(Deinterleaved::new(view, text, options.drop_remainder)?);
        }
        let subtrahend = options.subtract.as_deref().map(|t| Subtrahend::parse(t, view.meta()));
        let subtrahend = subtrahend.transpose()?;
        let dtype = view.meta().dtype;
        if subtrahend.is_some() && dtype.size() == 8 && !dtype.is_float() {
            return Err(ConvertError::parameters(
                format!("--subtract: differences of {dtype} are not exact"),
                "convert it to int32 or float64 first",
            ));
        }
        match &subtrahend {
            Some(Subtrahend::Channel(c)) => {
                view = Arc::new(Subtracted::channel(Arc::clone(&view), *c));
            }
            Some(Subtrahend::File(path)) => {
                let (image, more) = open_image(path, &plain(options), None, cache)?;
                problems.extend(more);
                view = Arc::new(Subtracted::image(view, image, path)?);
                files.push(path.clone());
            }
            Some(Subtrahend::Statistic(_)) | None => {}
        }
        let selected: Arc<dyn View> = Arc::new(Selected::new(view, &options.spans)?);
        let mut last = Arc::clone(&selected);
        let statistic = match subtrahend {
            Some(Subtrahend::Statistic(_)) if selected.meta().shape[0] == 1 => {
                return Err(ConvertError::parameters(
                    "--subtract: a statistic over one frame is that frame itself",
                    "say with --axes which dimension is time, like tyx",
                ));
            }
            Some(Subtrahend::Statistic(statistic)) => Some(statistic),
            _ => None,
        };
        if statistic.is_some() {
            last = Arc::new(Subtracted::frame(last, frame));
        }
        if let Some(text) = &options.rescale {
            last = Arc::new(Rescaled::new(last, text, options.labels)?);
        }
        Ok(Views { selected, last, statistic, files, problems })
    }
}

/// A file that is subtracted is read as it is: what the options choose is of the inputs.
fn plain(options: &ConvertOptions) -> ConvertOptions {
    ConvertOptions { rescue: options.rescue, ..ConvertOptions::default() }
}

/// Opens a file as the options say.
pub(super) fn open_dataset(
    path: &Path,
    options: &ConvertOptions,
    along: Option<Axis>,
    cache: &Arc<ChunkCache>,
) -> Result<Box<dyn Dataset>, ConvertError> {
    let how = OpenOptions {
        axes: options.axes.clone(),
        dataset: options.dataset.clone(),
        along,
        rescue: options.rescue,
        cache: Some(Arc::clone(cache)),
    };
    Ok(hooke_io::open(path, &how)?)
}

/// The images of a file without its labels, unless those are wanted or there is nothing else.
pub(super) fn wanted_images(opened: &dyn Dataset, options: &ConvertOptions) -> Vec<usize> {
    let all = 0..opened.images().len();
    let images: Vec<usize> =
        all.clone().filter(|i| options.labels || !opened.images()[*i].meta().labels).collect();
    if images.is_empty() { all.collect() } else { images }
}

/// The image that the options name, and what a user should know about the file.
fn open_image(
    path: &Path,
    options: &ConvertOptions,
    along: Option<Axis>,
    cache: &Arc<ChunkCache>,
) -> Result<(Arc<dyn ImageSource>, Vec<(String, String)>), ConvertError> {
    let opened = open_dataset(path, options, along, cache)?;
    let images = wanted_images(opened.as_ref(), options);
    let problems = opened.problems().iter().map(|p| (p.code.clone(), p.message.clone())).collect();
    let chosen = match (options.image, images.as_slice()) {
        (Some(index), _) => {
            opened.images().get(index).ok_or_else(|| hooke_io::Error::NotThere {
                path: path.to_owned(),
                what: format!("image {index}; it has {}, counted from 0", opened.images().len()),
            })?
        }
        (None, [one]) => &opened.images()[*one],
        (None, several) => {
            let names: Vec<String> = several
                .iter()
                .map(|i| format!("{i} {}", opened.images()[*i].meta().name))
                .collect();
            return Err(ConvertError::Io(hooke_io::Error::unsupported(
                path,
                format!("{} images at once: {}", several.len(), names.join(", ")),
                "choose one with --image N, or write all with --image all",
            )));
        }
    };
    Ok((Arc::clone(chosen), problems))
}
