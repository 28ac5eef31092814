//! Channels of simulated pictures.

use hooke_lineage::LineageError;
use hooke_lineage::chambers::*;
use hooke_lineage::imgops::{CropBox, rescale};
use hooke_lineage::sim::{MotherMachineParams, Movie, SimOpenEnd};
use ndarray::Array2;

fn box_of([xtl, ytl, xbr, ybr]: [i64; 4]) -> CropBox {
    CropBox { xtl, ytl, xbr, ybr }
}

/// Area in common over area of both.
fn overlap(a: CropBox, b: CropBox) -> f64 {
    let both = CropBox {
        xtl: a.xtl.max(b.xtl),
        ytl: a.ytl.max(b.ytl),
        xbr: a.xbr.min(b.xbr),
        ybr: a.ybr.min(b.ybr),
    };
    both.size() as f64 / (a.size() + b.size() - both.size()) as f64
}

fn simulated(params: &MotherMachineParams) -> (Array2<f32>, Vec<CropBox>) {
    let mut movie = Movie::mother_machine(params).unwrap();
    let boxes = movie.boxes().into_iter().map(box_of).collect();
    (rescale(movie.next().unwrap().images[0].view()), boxes)
}

fn params(seed: u64, channels: u16, empty: u16, open_end: SimOpenEnd) -> MotherMachineParams {
    let (empty_channels, frames) = (empty, 1);
    MotherMachineParams {
        seed,
        channels,
        empty_channels,
        open_end,
        frames,
        fluo: 0,
        ..Default::default()
    }
}

fn check(found: &Chambers, boxes: &[CropBox], what: &str) {
    let places: Vec<CropBox> = found.chambers.iter().map(|c| c.place).collect();
    assert_eq!(places.len(), boxes.len(), "{what}: {places:?}");
    for (place, wanted) in places.iter().zip(boxes) {
        let iou = overlap(*place, *wanted);
        // One or two have no period that places them.
        let least = if boxes.len() < 3 { 0.6 } else { 0.75 };
        assert!(iou > least, "{what}: {place:?}, wanted {wanted:?}: {iou}");
    }
}

#[test]
fn channels_are_found_from_one_on() {
    for (seed, channels, empty, open_end) in [
        (1, 8, 1, SimOpenEnd::Bottom),
        (2, 8, 2, SimOpenEnd::Top),
        (3, 3, 0, SimOpenEnd::Bottom),
        (4, 24, 5, SimOpenEnd::Bottom),
        (5, 2, 0, SimOpenEnd::Bottom),
        (6, 1, 0, SimOpenEnd::Top),
    ] {
        let (image, boxes) = simulated(&params(seed, channels, empty, open_end));
        let what = format!("{channels} channels, seed {seed}");
        let found = find_chambers(image.view(), None).unwrap();
        check(&found, &boxes, &what);
        let wanted = if open_end == SimOpenEnd::Top { OpenEnd::Top } else { OpenEnd::Bottom };
        assert_eq!(found.open_end, wanted, "{what}");
        let empties = found.chambers.iter().filter(|c| c.is_empty).count();
        assert_eq!(empties, usize::from(empty), "{what}");
    }
}

#[test]
fn channels_may_lie_across() {
    let (image, boxes) = simulated(&params(8, 6, 1, SimOpenEnd::Bottom));
    let turned = image.clone().reversed_axes();
    let upright = find_chambers(image.view(), None).unwrap();
    let lying = find_chambers(turned.view(), None).unwrap();
    assert_eq!(lying.open_end, OpenEnd::Right);
    for (a, b) in upright.chambers.iter().zip(&lying.chambers) {
        let CropBox { xtl, ytl, xbr, ybr } = a.place;
        assert_eq!(b.place, CropBox { xtl: ytl, ytl: xtl, xbr: ybr, ybr: xbr });
    }
    check(&upright, &boxes, "upright");
    assert_eq!(find_chambers(turned.view(), Some(OpenEnd::Right)).unwrap(), lying);
}

#[test]
fn other_sizes_and_contrasts_are_found() {
    let mut params = params(9, 10, 2, SimOpenEnd::Bottom);
    params.channel_spacing = 27.0;
    params.channel_width = 11.0;
    params.channel_length = 150.0;
    params.cells.width = 6.0;
    params.optics.noise = 0.04;
    let (image, boxes) = simulated(&params);
    check(&find_chambers(image.view(), None).unwrap(), &boxes, "small");
    let inverted = image.mapv(|v| 7.0 - 3.0 * v);
    let found = find_chambers(inverted.view(), None).unwrap();
    check(&found, &boxes, "inverted");
}

#[test]
fn pictures_without_channels_say_so() {
    let none = Err(LineageError::NoChannels);
    assert_eq!(find_chambers(Array2::zeros((100, 120)).view(), None), none);
    assert_eq!(find_chambers(Array2::zeros((0, 0)).view(), None), none);
    assert_eq!(find_chambers(Array2::from_elem((50, 50), f32::NAN).view(), None), none);
    // Noise of a linear congruential generator.
    let mut state = 1_u32;
    let noise = Array2::from_shape_simple_fn((200, 240), || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0
    });
    assert_eq!(find_chambers(noise.view(), None), none);
}
