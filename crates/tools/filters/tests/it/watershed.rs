use hooke_filters::Connectivity;
use hooke_filters::watershed::{h_maxima_into, local_maxima_into, watershed_into};
use proptest::prelude::*;

use crate::components::neighbours;
use crate::noise;

#[rustfmt::skip]
const LANDSCAPE: [i8; 56] = [
    3, -1, 0, 1, 5, 5, 0, 2,
    2, 4, 0, 2, 2, 1, 4, 4,
    1, 4, 3, 1, 3, 2, 2, 2,
    5, 1, 5, 1, 4, 5, -2, 5,
    0, 2, 3, 4, 1, 0, 1, 5,
    1, 3, 0, 4, 5, 1, 5, 2,
    1, 2, -3, 5, 0, 2, 3, 2,
];

fn digits(rows: &str) -> Vec<u32> {
    rows.bytes().filter(u8::is_ascii_digit).map(|b| u32::from(b - b'0')).collect()
}

/// skimage.segmentation.watershed; skimage.morphology.h_maxima and local_maxima.
#[test]
fn a_small_landscape_is_flooded_as_by_scikit_image() {
    let landscape = LANDSCAPE.map(f32::from);
    let shape = [1, 7, 8];
    let mut markers = [0; 56];
    (markers[1], markers[3 * 8 + 6], markers[6 * 8 + 2]) = (1, 2, 3);
    let mut out = [9; 56];
    watershed_into(&landscape, shape, &markers, None, Connectivity::Faces, &mut out);
    let wanted = "11111222 11111222 13112222 33112222 33322222 33332222 33332222";
    assert_eq!(out[..], digits(wanted));
    let exact = landscape.map(f64::from);
    watershed_into(&exact, shape, &markers, None, Connectivity::Edges, &mut out);
    let wanted = "11111122 11111222 11111222 33122222 33332222 33332222 33332222";
    assert_eq!(out[..], digits(wanted));
    let mask: Vec<bool> = (0..56).map(|i| i % 8 != 4 || i / 8 == 2).collect();
    watershed_into(&landscape, shape, &markers, Some(&mask), Connectivity::Faces, &mut out);
    let wanted = "11110222 11110222 13112222 33110222 33310222 33330222 33330222";
    assert_eq!(out[..], digits(wanted));

    let mut peaks = [false; 56];
    let found = |peaks: &[bool; 56]| peaks.map(u32::from).to_vec();
    h_maxima_into(&landscape, shape, 2.0, Connectivity::Faces, &mut peaks);
    let wanted = "00001100 00000011 00000000 10100101 00000001 00001010 00010000";
    assert_eq!(found(&peaks), digits(wanted));
    local_maxima_into(&LANDSCAPE, shape, Connectivity::Faces, &mut peaks);
    let wanted = "10001100 01000011 01000000 10100101 00000001 01001010 00010000";
    assert_eq!(found(&peaks), digits(wanted));
}

/// Takes the lowest and then oldest voxel of a plain list.
fn slow_watershed(
    landscape: &[f32],
    shape: [usize; 3],
    markers: &[u32],
    mask: &[bool],
    connectivity: Connectivity,
) -> Vec<u32> {
    let mut labels: Vec<u32> = markers.iter().zip(mask).map(|(&m, &v)| m * u32::from(v)).collect();
    let marked = (0..labels.len()).filter(|&i| labels[i] != 0);
    let mut front: Vec<(f32, usize)> = marked.map(|i| (landscape[i], i)).collect();
    while !front.is_empty() {
        // The first of the least: the list is in order of age.
        let least = front.iter().map(|(v, _)| *v).fold(f32::INFINITY, f32::min);
        let next = front.iter().position(|(v, _)| *v == least).unwrap();
        let (level, voxel) = front.remove(next);
        for i in neighbours(voxel, shape, connectivity) {
            if labels[i] == 0 && mask[i] {
                labels[i] = labels[voxel];
                front.push((landscape[i].max(level), i));
            }
        }
    }
    labels
}

fn any_connectivity() -> impl Strategy<Value = Connectivity> {
    prop_oneof![Just(Connectivity::Faces), Just(Connectivity::Edges), Just(Connectivity::Corners)]
}

/// Whether something higher than `from` is reached over voxels that pass.
fn leads_higher(
    src: &[f32],
    shape: [usize; 3],
    connectivity: Connectivity,
    from: usize,
    passes: impl Fn(f32) -> bool,
) -> bool {
    let mut seen = vec![false; src.len()];
    seen[from] = true;
    let mut open = vec![from];
    while let Some(i) = open.pop() {
        if src[i] > src[from] {
            return true;
        }
        for k in neighbours(i, shape, connectivity) {
            if !seen[k] && passes(src[k]) {
                seen[k] = true;
                open.push(k);
            }
        }
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn floods_agree_with_a_plain_list(
        shape in prop_oneof![
            prop::array::uniform3(1_usize..7),
            (Just(1_usize), 1_usize..16, 1_usize..16).prop_map(|(z, y, x)| [z, y, x]),
        ],
        connectivity in any_connectivity(),
        levels in prop_oneof![Just(2.0_f32), Just(1000.0)],
        seed: u64,
    ) {
        let len: usize = shape.iter().product();
        let values = noise(3 * len, seed);
        let landscape: Vec<f32> = values[..len].iter().map(|v| (v * levels).round()).collect();
        let markers: Vec<u32> = values[len..2 * len].iter().map(|&v| ((v - 0.8).max(0.0) * 40.0) as u32).collect();
        let mask: Vec<bool> = values[2 * len..].iter().map(|&v| v > -0.6).collect();
        let mut out = vec![1; len];
        watershed_into(&landscape, shape, &markers, Some(&mask), connectivity, &mut out);
        prop_assert_eq!(&out, &slow_watershed(&landscape, shape, &markers, &mask, connectivity));
        watershed_into(&landscape, shape, &markers, None, connectivity, &mut out);
        prop_assert_eq!(&out, &slow_watershed(&landscape, shape, &markers, &vec![true; len], connectivity));
    }

    #[test]
    fn maxima_are_where_no_way_leads_up(
        shape in prop_oneof![
            prop::array::uniform3(1_usize..6),
            (Just(1_usize), 1_usize..12, 1_usize..12).prop_map(|(z, y, x)| [z, y, x]),
        ],
        connectivity in any_connectivity(),
        height in 1_u8..6,
        levels in prop_oneof![Just(2.0_f32), Just(8.0)],
        seed: u64,
    ) {
        let src: Vec<f32> =
            noise(shape.iter().product(), seed).iter().map(|v| (v * levels).round()).collect();
        let mut out = vec![false; src.len()];
        let leads = |i, passes: &dyn Fn(f32) -> bool| leads_higher(&src, shape, connectivity, i, passes);
        local_maxima_into(&src, shape, connectivity, &mut out);
        let wanted: Vec<bool> = (0..src.len()).map(|i| !leads(i, &|v| v >= src[i])).collect();
        prop_assert_eq!(&out, &wanted);
        h_maxima_into(&src, shape, 1e-3, connectivity, &mut out);
        prop_assert_eq!(&out, &wanted);
        let height = f32::from(height);
        h_maxima_into(&src, shape, f64::from(height), connectivity, &mut out);
        let wanted: Vec<bool> = (0..src.len()).map(|i| !leads(i, &|v| v > src[i] - height)).collect();
        prop_assert_eq!(&out, &wanted);
    }
}

#[test]
fn flat_empty_and_missing() {
    let faces = Connectivity::Faces;
    watershed_into::<f32>(&[], [0, 2, 2], &[], None, faces, &mut []);
    local_maxima_into::<f32>(&[], [0, 2, 2], faces, &mut []);
    h_maxima_into::<f32>(&[], [0, 2, 2], 1.0, faces, &mut []);
    let mut peaks = [false; 4];
    local_maxima_into(&[5_u8; 4], [1, 2, 2], faces, &mut peaks);
    assert_eq!(peaks, [true; 4]);
    h_maxima_into(&[5_u8; 4], [1, 2, 2], 1.0, faces, &mut peaks);
    assert_eq!(peaks, [true; 4]);
    let values = [1.0, f32::NAN, 2.0, f32::NEG_INFINITY];
    local_maxima_into(&values, [1, 1, 4], faces, &mut peaks);
    assert_eq!(peaks, [true, false, true, false]);
    h_maxima_into(&values, [1, 1, 4], 0.5, faces, &mut peaks);
    assert_eq!(peaks, [true, false, true, false]);
    let mut labels = [7; 4];
    // The NaN is flooded last; -0 is as high as 0, so that the older one goes on.
    watershed_into(&[0.0, f32::NAN, -0.0, 1.0], [1, 1, 4], &[3, 0, 4, 0], None, faces, &mut labels);
    assert_eq!(labels, [3, 3, 4, 4]);
    watershed_into(&[0.0_f32; 4], [1, 1, 4], &[0; 4], None, faces, &mut labels);
    assert_eq!(labels, [0; 4]);
}
