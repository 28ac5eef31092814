use hooke_filters::Connectivity;
use hooke_filters::morphology::{Footprint, close_into, dilate_into, erode_into, open_into};
use proptest::prelude::*;

use crate::{noise, same_for_any_thread_count};

fn mask(shape: [usize; 3], seed: u64, threshold: f32) -> Vec<bool> {
    noise(shape.iter().product(), seed).into_iter().map(|v| v > threshold).collect()
}

/// Looks at every voxel of the footprint.
fn slow(src: &[bool], shape: [usize; 3], footprint: Footprint, value: bool) -> Vec<bool> {
    let [_, h, w] = shape;
    let at = |i: usize| [i / (h * w), i / w % h, i % w];
    let covers = |a: [usize; 3], b: [usize; 3]| {
        let apart: [usize; 3] = std::array::from_fn(|axis| a[axis].abs_diff(b[axis]));
        match footprint {
            Footprint::Rectangle(radius) => (0..3).all(|axis| apart[axis] <= radius[axis]),
            Footprint::Neighbours(c) => {
                apart.iter().all(|&v| v <= 1) && apart.iter().sum::<usize>() <= c.axes()
            }
        }
    };
    let spread = |i| (0..src.len()).any(|k| src[k] == value && covers(at(i), at(k)));
    (0..src.len()).map(|i| spread(i) == value).collect()
}

fn any_footprint() -> impl Strategy<Value = Footprint> {
    prop_oneof![
        prop::array::uniform3(0_usize..4).prop_map(Footprint::Rectangle),
        (1_usize..4)
            .prop_map(|n| Footprint::Neighbours(Connectivity::from_axes(n).expect("one to three"))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn all_four_agree_with_looking_at_each_footprint(
        shape in prop::array::uniform3(1_usize..9),
        footprint in any_footprint(),
        threshold in -0.9_f32..0.95,
        seed: u64,
    ) {
        let src = mask(shape, seed, threshold);
        let mut out = vec![true; src.len()];
        dilate_into(&src, shape, footprint, &mut out);
        let dilated = slow(&src, shape, footprint, true);
        prop_assert_eq!(&out, &dilated);
        erode_into(&src, shape, footprint, &mut out);
        let eroded = slow(&src, shape, footprint, false);
        prop_assert_eq!(&out, &eroded);
        open_into(&src, shape, footprint, &mut out);
        prop_assert_eq!(&out, &slow(&eroded, shape, footprint, true));
        prop_assert!(out.iter().zip(&src).all(|(&opened, &v)| v || !opened));
        close_into(&src, shape, footprint, &mut out);
        prop_assert_eq!(&out, &slow(&dilated, shape, footprint, false));
        prop_assert!(out.iter().zip(&src).all(|(&closed, &v)| closed || !v));
    }
}

/// scipy.ndimage with border_value=1 where it erodes, which is what OpenCV does by default.
#[test]
fn the_outside_does_not_constrain() {
    let rows = |text: &str| -> Vec<bool> {
        text.bytes().filter(|b| *b != b' ').map(|b| b == b'1').collect()
    };
    let src = rows("110000 110000 000111 000111 000111");
    let mut out = vec![false; 30];
    let square = Footprint::Rectangle([0, 1, 1]);
    erode_into(&src, [1, 5, 6], square, &mut out);
    assert_eq!(out, rows("100000 000000 000000 000011 000011"));
    open_into(&src, [1, 5, 6], square, &mut out);
    assert_eq!(out, src);
    close_into(&src, [1, 5, 6], square, &mut out);
    assert_eq!(out, rows("110000 110000 000111 000111 000111"));
    dilate_into(&src, [1, 5, 6], Footprint::Neighbours(Connectivity::Faces), &mut out);
    assert_eq!(out, rows("111000 111111 111111 001111 001111"));
}

#[test]
fn masks_longer_than_a_block_and_of_nothing() {
    let shape = [3, 40, 1100];
    let src = mask(shape, 3, 0.8);
    same_for_any_thread_count(|| {
        let (mut once, mut again) = (vec![false; src.len()], vec![false; src.len()]);
        dilate_into(&src, shape, Footprint::Rectangle([1, 2, 3]), &mut once);
        for axis in 0..3 {
            let mut radius = [0; 3];
            radius[axis] = axis + 1;
            let from = if axis == 0 { src.clone() } else { again.clone() };
            dilate_into(&from, shape, Footprint::Rectangle(radius), &mut again);
        }
        assert!(once == again);
        once
    });
    dilate_into(&[], [0, 5, 5], Footprint::Rectangle([1; 3]), &mut []);
    let mut out = [false; 3];
    erode_into(&[true; 3], [1, 3, 1], Footprint::Rectangle([usize::MAX; 3]), &mut out);
    assert_eq!(out, [true; 3]);
}
