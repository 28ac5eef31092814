//! Which object of a result is which true one, frame by frame.

use std::collections::BTreeMap;

use ndarray::ArrayView2;

use crate::error::LineageError;

/// A true object and the object of the result that covers more than half of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObjectMatch {
    /// Label of the true object.
    pub truth: u32,
    /// Label of the result's object.
    pub result: u32,
    /// Intersection over union.
    pub iou: f64,
}

/// The objects of one frame. Frames can be matched one after the other and their images dropped.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FrameMatches {
    /// Labels of true objects, ascending.
    pub truth: Vec<u32>,
    /// Labels of the result's objects, ascending.
    pub result: Vec<u32>,
    /// Matches by the label of the true object; no true object comes twice.
    pub matches: Vec<ObjectMatch>,
}

impl FrameMatches {
    /// Matches the objects of two label images `(y, x)`; 0 is the background.
    ///
    /// # Errors
    /// [`LineageError::Shape`] when the images differ in shape.
    pub fn of(
        truth: ArrayView2<'_, u32>,
        result: ArrayView2<'_, u32>,
    ) -> Result<Self, LineageError> {
        if truth.dim() != result.dim() {
            let (expected, found) = (truth.shape().to_vec(), result.shape().to_vec());
            return Err(LineageError::Shape { what: "labels of the result", expected, found });
        }
        let mut areas: [BTreeMap<u32, u64>; 2] = Default::default();
        let mut shared: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for (&a, &b) in truth.iter().zip(result) {
            if a != 0 {
                *areas[0].entry(a).or_default() += 1;
            }
            if b != 0 {
                *areas[1].entry(b).or_default() += 1;
            }
            if a != 0 && b != 0 {
                *shared.entry((a, b)).or_default() += 1;
            }
        }
        let match_of = |((a, b), pixels): (&(u32, u32), &u64)| {
            let (area, other) = (areas[0][a], areas[1][b]);
            let iou = *pixels as f64 / (area + other - pixels) as f64;
            (2 * pixels > area).then_some(ObjectMatch { truth: *a, result: *b, iou })
        };
        let matches = shared.iter().filter_map(match_of).collect();
        let [truth, result] = areas.map(|a| a.into_keys().collect());
        Ok(Self { truth, result, matches })
    }

    /// The result's object that covers a true one.
    pub(super) fn of_truth(&self, label: u32) -> Option<u32> {
        let at = self.matches.binary_search_by_key(&label, |m| m.truth).ok()?;
        Some(self.matches[at].result)
    }

    /// True objects by the result's object that covers them, and it alone.
    pub(super) fn unique(&self) -> BTreeMap<u32, u32> {
        let mut covered: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for m in &self.matches {
            covered.entry(m.result).or_default().push(m.truth);
        }
        let single = covered.into_iter().filter(|(_, truth)| truth.len() == 1);
        single.map(|(result, truth)| (result, truth[0])).collect()
    }
}
