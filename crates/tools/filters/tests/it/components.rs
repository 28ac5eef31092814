use hooke_filters::Connectivity;
use hooke_filters::components::{
    component_sizes, fill_holes, label_components_into, label_equal_components_into,
    remove_small_holes, remove_small_labels, remove_small_objects,
};
use proptest::prelude::*;

use crate::{noise, same_for_any_thread_count};

/// Labels by flooding from each voxel in raster order.
fn flood(
    src: &[u8],
    shape: [usize; 3],
    connectivity: Connectivity,
    joins: impl Fn(u8, u8) -> bool,
) -> (Vec<u32>, usize) {
    let mut labels = vec![0; src.len()];
    let mut count = 0;
    for first in 0..src.len() {
        if src[first] == 0 || labels[first] != 0 {
            continue;
        }
        count += 1;
        labels[first] = count;
        let mut open = vec![first];
        while let Some(i) = open.pop() {
            for k in neighbours(i, shape, connectivity) {
                if src[k] != 0 && labels[k] == 0 && joins(src[i], src[k]) {
                    labels[k] = count;
                    open.push(k);
                }
            }
        }
    }
    (labels, count as usize)
}

/// Indices of the neighbours of voxel `i`.
pub fn neighbours(i: usize, shape: [usize; 3], connectivity: Connectivity) -> Vec<usize> {
    let [_, h, w] = shape;
    let at = [i / (h * w), i / w % h, i % w];
    let step = |s: [isize; 3]| {
        let mut to = [0; 3];
        for axis in 0..3 {
            to[axis] = at[axis].checked_add_signed(s[axis]).filter(|&v| v < shape[axis])?;
        }
        Some((to[0] * h + to[1]) * w + to[2])
    };
    connectivity.steps().into_iter().filter_map(step).collect()
}

fn classes(shape: [usize; 3], seed: u64, threshold: f32, levels: f32) -> Vec<u8> {
    let value = |v: f32| if v > threshold { (v.abs() * levels) as u8 + 1 } else { 0 };
    noise(shape.iter().product(), seed).into_iter().map(value).collect()
}

fn any_connectivity() -> impl Strategy<Value = Connectivity> {
    prop_oneof![Just(Connectivity::Faces), Just(Connectivity::Edges), Just(Connectivity::Corners)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn components_are_those_of_a_flood(
        shape in prop_oneof![
            prop::array::uniform3(1_usize..12),
            (Just(1_usize), 1_usize..70, 1_usize..70).prop_map(|(z, y, x)| [z, y, x]),
        ],
        connectivity in any_connectivity(),
        threshold in -1.0_f32..1.0,
        seed: u64,
    ) {
        let src = classes(shape, seed, threshold, 2.0);
        let mut labels = vec![9; src.len()];
        let count = label_components_into(&src, shape, connectivity, &mut labels);
        let wanted = flood(&src, shape, connectivity, |_, _| true);
        prop_assert_eq!((&labels, count), (&wanted.0, wanted.1));
        let count = label_equal_components_into(&src, shape, connectivity, &mut labels);
        let wanted = flood(&src, shape, connectivity, |a, b| a == b);
        prop_assert_eq!((&labels, count), (&wanted.0, wanted.1));
        let sizes = component_sizes(&labels, count);
        prop_assert_eq!(sizes.iter().sum::<usize>(), src.len());
        prop_assert!(sizes[1..].iter().all(|&s| s > 0));
    }

    #[test]
    fn small_objects_and_holes_go_by_their_size(
        shape in prop::array::uniform3(1_usize..10),
        connectivity in any_connectivity(),
        threshold in -0.6_f32..0.6,
        size in 0_usize..12,
        seed: u64,
    ) {
        let src = classes(shape, seed, threshold, 1.0);
        let mask: Vec<bool> = src.iter().map(|&v| v != 0).collect();
        let (labels, count) = flood(&src, shape, connectivity, |_, _| true);
        let sizes = component_sizes(&labels, count);
        let kept: Vec<bool> = labels.iter().map(|&l| l != 0 && sizes[l as usize] >= size).collect();
        let mut found = mask.clone();
        remove_small_objects(&mut found, shape, connectivity, size);
        prop_assert_eq!(&found, &kept);
        let mut found: Vec<bool> = mask.iter().map(|v| !v).collect();
        remove_small_holes(&mut found, shape, connectivity, size);
        let filled: Vec<bool> = kept.iter().map(|v| !v).collect();
        prop_assert_eq!(found, filled);
        let mut found = labels.clone();
        remove_small_labels(&mut found, size);
        let found: Vec<bool> = found.iter().map(|&l| l != 0).collect();
        prop_assert_eq!(&found, &kept);
    }

    #[test]
    fn filled_holes_are_what_no_path_leads_out_of(
        shape in (1_usize..6, 1_usize..9, 1_usize..9).prop_map(|(z, y, x)| [z, y, x]),
        connectivity in any_connectivity(),
        threshold in -0.6_f32..0.6,
        seed: u64,
    ) {
        let src = classes(shape, seed, threshold, 1.0);
        let mask: Vec<bool> = src.iter().map(|&v| v == 0).collect();
        let [_, h, w] = shape;
        let is_border = |i: usize| {
            let at = [i / (h * w), i / w % h, i % w];
            (0..3).any(|a| shape[a] > 1 && (at[a] == 0 || at[a] + 1 == shape[a]))
        };
        let (labels, count) = flood(&src, shape, connectivity, |_, _| true);
        let mut open = vec![false; count + 1];
        (0..src.len()).filter(|&i| is_border(i)).for_each(|i| open[labels[i] as usize] = true);
        let wanted: Vec<bool> = labels.iter().map(|&l| l == 0 || !open[l as usize]).collect();
        let mut found = mask;
        fill_holes(&mut found, shape, connectivity);
        prop_assert_eq!(found, wanted);
    }
}

#[test]
fn slabs_do_not_show() {
    for (shape, threshold) in [([1, 300, 400], 0.1), ([40, 60, 50], 0.3), ([3, 200, 210], 0.0)] {
        let src = classes(shape, 5, threshold, 2.0);
        for connectivity in [Connectivity::Faces, Connectivity::Edges, Connectivity::Corners] {
            let wanted = flood(&src, shape, connectivity, |_, _| true);
            same_for_any_thread_count(|| {
                let mut labels = vec![0; src.len()];
                let count = label_components_into(&src, shape, connectivity, &mut labels);
                assert!((labels.as_slice(), count) == (wanted.0.as_slice(), wanted.1));
                labels
            });
        }
    }
}

/// scipy.ndimage.label([[1,0,1,1],[1,0,0,1],[0,1,0,0]]) with its default structure, and with 3 x 3 ones.
#[test]
fn a_small_mask_is_labelled_as_by_scipy() {
    let mask = [1_u8, 0, 1, 1, 1, 0, 0, 1, 0, 1, 0, 0];
    let mut labels = [0; 12];
    assert_eq!(label_components_into(&mask, [1, 3, 4], Connectivity::Faces, &mut labels), 3);
    assert_eq!(labels, [1, 0, 2, 2, 1, 0, 0, 2, 0, 3, 0, 0]);
    assert_eq!(label_components_into(&mask, [1, 3, 4], Connectivity::Edges, &mut labels), 2);
    assert_eq!(labels, [1, 0, 2, 2, 1, 0, 0, 2, 0, 1, 0, 0]);
    assert_eq!(component_sizes(&labels, 2), [6, 3, 3]);
}

#[test]
fn nothing_and_nan_have_components_too() {
    for shape in [[0, 3, 4], [2, 0, 4], [2, 3, 0]] {
        assert_eq!(label_components_into::<u8>(&[], shape, Connectivity::Faces, &mut []), 0);
        fill_holes(&mut [], shape, Connectivity::Faces);
    }
    let src = [f32::NAN, f32::NAN, 0.0, 2.0];
    let mut labels = [0; 4];
    assert_eq!(label_components_into(&src, [1, 1, 4], Connectivity::Faces, &mut labels), 2);
    assert_eq!(labels, [1, 1, 0, 2]);
    assert_eq!(label_equal_components_into(&src, [1, 1, 4], Connectivity::Faces, &mut labels), 3);
    assert_eq!(labels, [1, 2, 0, 3]);
}
