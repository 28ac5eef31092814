//! From candidates to blobs.

use std::sync::Arc;

use hooke_core::Blob;

use super::{Candidate, Detector, Found};
use crate::background::Background;
use crate::suppress::{Sphere, suppress};

impl Detector {
    /// Makes the blobs of one channel and frame from what all blocks found, in any order.
    ///
    /// A score is the response less the median of its surroundings (where that is above 0), in units
    /// of the sensor's noise or of the local spread, whichever is larger. What falls below the
    /// threshold goes, and of blobs that overlap the weaker ones. By `(z, y, x)`, without ids.
    pub fn finish<'a>(
        &self,
        t: u32,
        channel: u16,
        found: impl IntoIterator<Item = &'a Found>,
    ) -> Vec<Blob> {
        let mut background = Background::new(self.coarse.clone());
        let mut candidates: Vec<&Candidate> = Vec::new();
        for part in found {
            part.cells.iter().for_each(|cell| background.add(cell));
            candidates.extend(&part.candidates);
        }
        // A table read back from a file could name scales and voxels that there are not.
        candidates.retain(|c| usize::from(c.scale) < self.scales.scales.len());
        candidates.retain(|c| (0..3).all(|a| c.peak[a] < self.volume.shape[a]));
        candidates.sort_by_key(|c| (c.peak, c.scale));
        let source: Arc<str> = "hooke".into();
        let mut blobs: Vec<Blob> = candidates
            .into_iter()
            .filter_map(|c| {
                let [median, inflation] = background.at(c.scale, c.peak);
                let score = (c.snr - median) / inflation;
                (f64::from(score) > self.threshold).then(|| Blob {
                    t,
                    score,
                    ..self.blob(c, channel, &source)
                })
            })
            .collect();
        let spheres: Vec<Sphere> = blobs
            .iter()
            .map(|b| Sphere {
                centre: b.position_um,
                radius: f64::from(b.radius_um),
                score: b.score,
            })
            .collect();
        let stays = suppress(&spheres, self.params.overlap, self.dimensions());
        let mut stays = stays.into_iter();
        blobs.retain(|_| stays.next().unwrap_or(true));
        blobs.sort_by(by_place);
        blobs
    }

    fn blob(&self, candidate: &Candidate, channel: u16, source: &Arc<str>) -> Blob {
        let fit = candidate.gaussian.as_ref();
        let offset = fit.map_or(candidate.offset, |f| f.offset);
        let position = std::array::from_fn(|a| candidate.peak[a] as f64 + offset[a]);
        let position_um = std::array::from_fn(|a| {
            position[a] * self.volume.voxel_um[a] + self.volume.origin_um[a]
        });
        let scale = &self.scales.scales[usize::from(candidate.scale)];
        let radius = self.radius_um(fit.map_or(scale.sigma_um, |f| f.sigma_um));
        Blob {
            response: candidate.response,
            amplitude: fit.map(|f| f.amplitude as f32),
            background: fit.map(|f| f.background as f32),
            covariance_um2: fit.map(|f| f.covariance_um2.map(|c| c as f32)),
            fit_chi2: fit.map(|f| f.chi2 as f32),
            ..Blob::at(channel, position, position_um, radius as f32, source)
        }
    }
}

fn by_place(a: &Blob, b: &Blob) -> std::cmp::Ordering {
    let by_axis = |d: usize| a.position[d].total_cmp(&b.position[d]);
    by_axis(0).then(by_axis(1)).then(by_axis(2))
}

/// Puts the blobs of all frames and channels in the order `(t, channel, z, y, x)` and numbers them
/// from 1.
pub fn number(blobs: &mut [Blob]) {
    blobs.sort_by(|a, b| (a.t, a.channel).cmp(&(b.t, b.channel)).then(by_place(a, b)));
    blobs.iter_mut().zip(1..).for_each(|(blob, id)| blob.id = id);
}
