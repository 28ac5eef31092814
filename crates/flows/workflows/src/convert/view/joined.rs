//! Several images, one after the other along an axis.

use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::{Axes, Axis, ImageMeta, Origin, Pixels, Region};

use super::View;
use crate::convert::ConvertError;

/// Images of one type and shape, joined along `t`, `c` or `z`.
pub(super) struct Joined {
    parts: Vec<Arc<dyn View>>,
    /// Where each part begins along the axis, and the end.
    starts: Vec<u64>,
    axis: Axis,
    meta: ImageMeta,
}

impl Joined {
    /// # Errors
    /// When the parts differ in type or shape; all that do are named. When they differ in voxel size, and
    /// the user gives none.
    pub fn new(
        parts: Vec<Arc<dyn View>>,
        paths: &[PathBuf],
        along: Option<Axis>,
        given_size: bool,
    ) -> Result<Joined, ConvertError> {
        let axis = along.unwrap_or(Axis::Z);
        let d = axis.index();
        let first = parts[0].meta().clone();
        let like = |meta: &ImageMeta| {
            let mut shape = meta.shape;
            shape[d] = 1;
            (meta.dtype, shape)
        };
        let odd: Vec<String> = parts
            .iter()
            .zip(paths)
            .filter(|(part, _)| like(part.meta()) != like(&first))
            .map(|(part, path)| format!("{} {}", path.display(), describe(part.meta())))
            .collect();
        if !odd.is_empty() {
            let what = format!("not as {} {}: ", paths[0].display(), describe(&first));
            let hint = format!("inputs that are joined along {axis} differ in nothing else");
            return Err(ConvertError::parameters(what + &odd.join(", "), hint));
        }
        let other_size = parts.iter().zip(paths).find(|(part, _)| !same_size(part.meta(), &first));
        if let Some((part, path)) = other_size.filter(|_| !given_size) {
            let size = |meta: &ImageMeta| {
                meta.voxel_size_um
                    .map(|s| s.value.map_or("?".to_owned(), |v| v.to_string()))
                    .join(" x ")
            };
            let (has, wanted) = (size(part.meta()), size(&first));
            let what = format!(
                "{} has voxels of {has} µm, {} of {wanted} µm",
                path.display(),
                paths[0].display()
            );
            let hint = "images of different scales make no one image; rescale one of them first, or give \
                        --voxel-size if a file is wrong";
            return Err(ConvertError::parameters(what, hint));
        }
        let mut meta = first;
        let mut starts = vec![0];
        meta.channels.clear();
        let mut times = Some(Vec::new());
        for part in &parts {
            let end = starts.last().copied().unwrap_or(0) + part.meta().shape[d];
            starts.push(end);
            let mut channels = part.meta().channels.clone();
            if axis == Axis::C {
                channels.resize(part.meta().shape[1] as usize, Default::default());
            }
            match axis {
                Axis::C => meta.channels.extend(channels),
                _ if meta.channels.is_empty() => meta.channels = channels,
                _ => {}
            }
            times = times
                .zip(part.meta().frame_times_s.clone())
                .map(|(all, more)| [all, more].concat());
        }
        if axis == Axis::T {
            meta.frame_times_s = times.filter(|t| t.windows(2).all(|t| t[0] < t[1]));
        }
        meta.shape[d] = starts.last().copied().unwrap_or(0);
        let axes: Vec<Axis> =
            Axis::ALL.into_iter().filter(|a| *a == axis || meta.axes.has(*a)).collect();
        meta.axes = Axes::of(&axes);
        if along.is_some() {
            meta.axes_from = Origin::User;
        }
        Ok(Joined { parts, starts, axis, meta })
    }
}

/// Whether no axis has two different known sizes.
fn same_size(a: &ImageMeta, b: &ImageMeta) -> bool {
    a.voxel_size_um.iter().zip(&b.voxel_size_um).all(|(a, b)| match (a.value, b.value) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-6 * a.abs().max(b.abs()),
        _ => true,
    })
}

fn describe(meta: &ImageMeta) -> String {
    format!("({} {:?})", meta.dtype, meta.axes.pick(&meta.shape))
}

impl View for Joined {
    fn meta(&self) -> &ImageMeta {
        &self.meta
    }

    fn read(&self, region: &Region, out: &mut Pixels) -> Result<u64, SourceError> {
        let d = self.axis.index();
        let (start, end) = (region.start[d], region.end()[d]);
        let first = self.starts.partition_point(|s| *s <= start) - 1;
        let mut clipped = 0;
        let mut part = Pixels::zeros(self.meta.dtype, [0; 5]);
        out.reset(self.meta.dtype, region.shape);
        for (i, bounds) in self.starts.windows(2).enumerate().skip(first) {
            let (low, high) = (start.max(bounds[0]), end.min(bounds[1]));
            if low >= high {
                break;
            }
            let mut inside = *region;
            (inside.start[d], inside.shape[d]) = (low - bounds[0], high - low);
            if inside.shape == region.shape {
                return self.parts[i].read(&inside, out);
            }
            clipped += self.parts[i].read(&inside, &mut part)?;
            let mut to = [0; 5];
            to[d] = low - start;
            out.copy_box(to, &part, &Region::whole(inside.shape));
        }
        Ok(clipped)
    }

    fn reads_once(&self) -> bool {
        self.parts.iter().all(|p| p.reads_once())
    }

    fn scratch_bytes(&self, shape: [u64; 5]) -> u64 {
        let own = shape.iter().product::<u64>() * self.meta.dtype.size() as u64;
        own + self.parts.iter().map(|p| p.scratch_bytes(shape)).max().unwrap_or(0)
    }
}
