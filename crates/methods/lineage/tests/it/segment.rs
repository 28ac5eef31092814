//! Segmentation against simulated truth, and what it does with odd input.

use hooke_lineage::LineageError;
use hooke_lineage::segment::{
    CellLook, CellTone, ChannelAxis, SegmentParams, learn_channel_look, learn_colony_look,
    segment_channel, segment_colony,
};
use hooke_lineage::sim::{CellParams, ColonyParams, MotherMachineParams, Movie, OpticsParams};
use ndarray::{Array2, ArrayView2};

use crate::segment_kit::{cut, grey, score_channels, score_colony};

const LOOK: CellLook = CellLook { width: 8.0, depth: 0.08, septum: 0.8 };

#[test]
fn channels_reach_their_goal() {
    let wide = MotherMachineParams { seed: 101, frames: 12, growth: 0.06, ..Default::default() };
    // As tight and as dull as real channels look.
    let tight = MotherMachineParams {
        channel_width: 12.5,
        cells: CellParams { width: 10.0, ..CellParams::default() },
        optics: OpticsParams { contrast: 0.45, halo: 0.6, wall: 0.4, ..OpticsParams::default() },
        ..wide.clone()
    };
    for (params, seg, det) in [(&wide, 0.85, 0.985), (&tight, 0.85, 0.97)] {
        let score = score_channels(params).unwrap();
        assert!(score.cells > 400, "{score:?}");
        assert!(score.seg() >= seg && score.det() >= det, "{} {}", score.seg(), score.det());
    }
}

#[test]
fn colonies_reach_their_goal() {
    let params = ColonyParams {
        seed: 102,
        frames: 28,
        size: 320,
        growth: 0.13,
        fluo: 0,
        debris: 6,
        ..Default::default()
    };
    let score = score_colony(&params, 4).unwrap();
    assert!(score.cells > 60, "{score:?}");
    assert!(score.seg() >= 0.8 && score.det() >= 0.93, "{} {}", score.seg(), score.det());
}

/// A channel, and the look of its cells.
fn channel() -> (Array2<f32>, CellLook) {
    let params =
        MotherMachineParams { frames: 1, fluo: 0, empty_channels: 0, ..Default::default() };
    let mut movie = Movie::mother_machine(&params).unwrap();
    let boxes = movie.boxes();
    let frame = movie.next().unwrap();
    let image = grey(&frame);
    let channel = cut(&image, boxes[0], &frame).to_owned();
    let look = learn_channel_look(&[channel.view()], &SegmentParams::default()).unwrap();
    (channel, look)
}

#[test]
fn hypotheses_are_ordered_and_cover_the_same_rows() {
    let (image, look) = channel();
    let cells = segment_channel(image.view(), look, &SegmentParams::default()).unwrap();
    assert_eq!(cells.hypotheses.len(), 8);
    assert!(cells.hypotheses.windows(2).all(|w| w[0].score >= w[1].score));
    let covered =
        |k: usize| -> usize { cells.hypotheses[k].cells.iter().map(|c| c[1] - c[0]).sum() };
    for (k, hypothesis) in cells.hypotheses.iter().enumerate() {
        assert!(hypothesis.cells.windows(2).all(|w| w[0][1] <= w[1][0]));
        assert_eq!(covered(k), covered(0));
        let labels = cells.labels(k);
        assert_eq!(labels.iter().max().copied(), Some(hypothesis.cells.len() as u32));
        assert!(cells.hypotheses[..k].iter().all(|other| other.cells != hypothesis.cells));
    }
    assert_eq!(cells.labels(99).iter().max(), Some(&0));
    let one = SegmentParams { hypotheses: 1, ..SegmentParams::default() };
    let best = segment_channel(image.view(), look, &one).unwrap();
    assert_eq!(best.hypotheses[..], cells.hypotheses[..1]);
}

#[test]
fn bright_cells_turned_channels_and_other_scales_give_the_same_cells() {
    let (image, look) = channel();
    let params = SegmentParams::default();
    let labels = segment_channel(image.view(), look, &params).unwrap().labels(0);
    assert!(labels.iter().max().is_some_and(|n| *n > 3));
    let inverted = image.mapv(|v| -v);
    let bright = SegmentParams { cells: CellTone::Bright, ..params.clone() };
    assert_eq!(learn_channel_look(&[inverted.view()], &bright), Some(look));
    assert_eq!(segment_channel(inverted.view(), look, &bright).unwrap().labels(0), labels);
    let lying = SegmentParams { axis: ChannelAxis::X, ..params.clone() };
    assert_eq!(learn_channel_look(&[image.t()], &lying), Some(look));
    assert_eq!(segment_channel(image.t(), look, &lying).unwrap().labels(0), labels.t());
    // Powers of two keep every digit.
    let louder = image.mapv(|v| 4.0 * v);
    let look = CellLook { depth: 4.0 * look.depth, ..look };
    assert_eq!(segment_channel(louder.view(), look, &params).unwrap().labels(0), labels);
    let large = SegmentParams { min_area: 100_000, ..params };
    assert_eq!(
        segment_channel(louder.view(), look, &large).unwrap().labels(0).iter().max(),
        Some(&0)
    );
}

#[test]
fn bright_colonies_are_dark_ones_inverted() {
    let params = ColonyParams { frames: 1, founders: 6, size: 200, fluo: 0, ..Default::default() };
    let image = grey(&Movie::colony(&params).unwrap().next().unwrap());
    let settings = SegmentParams::default();
    let look = learn_colony_look(&[image.view()], &settings).unwrap();
    let labels = segment_colony(image.view(), look, &settings).unwrap();
    assert!(labels.iter().max().is_some_and(|n| *n >= 6));
    let bright = SegmentParams { cells: CellTone::Bright, ..settings.clone() };
    let inverted = image.mapv(|v| -v);
    assert_eq!(learn_colony_look(&[inverted.view()], &bright), Some(look));
    assert_eq!(segment_colony(inverted.view(), look, &bright).unwrap(), labels);
    // Labels count up in raster order.
    let mut seen = 0;
    for label in labels.iter().filter(|l| **l > 0) {
        assert!(*label <= seen + 1);
        seen = seen.max(*label);
    }
    let large = SegmentParams { min_area: 100_000, ..settings };
    assert_eq!(segment_colony(image.view(), look, &large).unwrap().iter().max(), Some(&0));
}

#[test]
fn images_without_cells_are_empty() {
    let params = SegmentParams::default();
    let none = |image: ArrayView2<'_, f32>| {
        let channel = segment_channel(image, LOOK, &params).unwrap();
        assert_eq!(channel.labels(0).dim(), image.dim());
        assert!(channel.labels(0).iter().all(|l| *l == 0));
        assert!(segment_colony(image, LOOK, &params).unwrap().iter().all(|l| *l == 0));
        assert_eq!(learn_colony_look(&[image], &params), None);
    };
    for shape in [(0, 0), (0, 7), (1, 1), (3, 2), (60, 24), (200, 1)] {
        none(Array2::zeros(shape).view());
        none(Array2::from_elem(shape, f32::NAN).view());
    }
    assert_eq!(learn_channel_look(&[], &params), None);
    assert_eq!(learn_channel_look(&[Array2::zeros((60, 24)).view()], &params), None);
    // A pad with nothing but noise on it.
    let optics = OpticsParams { contrast: 0.0, halo: 0.0, ..OpticsParams::default() };
    let empty = ColonyParams { frames: 1, size: 150, optics, ..Default::default() };
    none(grey(&Movie::colony(&empty).unwrap().next().unwrap()).view());
    // An empty channel.
    let empty = MotherMachineParams { frames: 1, channels: 1, ..Default::default() };
    let mut movie = Movie::mother_machine(&empty).unwrap();
    let boxes = movie.boxes();
    let frame = movie.next().unwrap();
    let image = grey(&frame);
    let cells = segment_channel(cut(&image, boxes[0], &frame), LOOK, &params).unwrap();
    assert_eq!(cells.labels(0).iter().max(), Some(&0));
}

#[test]
fn odd_values_and_sizes_are_survived() {
    let params = SegmentParams { min_area: 0, ..SegmentParams::default() };
    for shape in [(1, 1), (2, 3), (5, 40), (40, 5), (90, 25), (64, 64)] {
        let mut image = Array2::from_shape_fn(shape, |(y, x)| ((y * 7 + x * x * 3) % 11) as f32);
        image[[0, 0]] = f32::NAN;
        image[[shape.0 / 2, shape.1 / 2]] = f32::INFINITY;
        for width in [1.0, 3.0, 300.0] {
            let look = CellLook { width, depth: 0.0, septum: 0.5 };
            let cells = segment_channel(image.view(), look, &params).unwrap();
            assert_eq!(cells.labels(0).dim(), shape);
            assert_eq!(segment_colony(image.view(), look, &params).unwrap().dim(), shape);
        }
        let _ = learn_colony_look(&[image.view()], &params);
        let _ = learn_channel_look(&[image.view()], &params);
    }
    let image = Array2::<f32>::zeros((9, 9));
    for look in [
        CellLook { width: f64::NAN, ..LOOK },
        CellLook { width: 0.0, ..LOOK },
        CellLook { depth: -1.0, ..LOOK },
        CellLook { septum: 0.0, ..LOOK },
    ] {
        for result in [
            segment_channel(image.view(), look, &params).map(|_| ()),
            segment_colony(image.view(), look, &params).map(|_| ()),
        ] {
            assert!(matches!(result, Err(LineageError::Parameter { .. })), "{look:?}");
        }
    }
    let none = SegmentParams { hypotheses: 0, ..params };
    assert!(segment_channel(image.view(), LOOK, &none).is_err());
}
