//! What must hold for any event map.

use hooke_events::characterize::{
    BoxFinder, Characterizer, EventRow, Recording, characterize, encode_runs, runs_of_ones,
};
use ndarray::{Array2, Array3, ArrayView3, Axis, s};
use proptest::prelude::*;

use crate::characterize_kit::random_map;

const SHAPE: [usize; 3] = [12, 14, 16];

fn rows(labels: ArrayView3<'_, u32>, movie: ArrayView3<'_, f32>) -> Vec<EventRow> {
    let shape = [labels.dim().0, labels.dim().1, labels.dim().2];
    characterize(labels, movie, None, Recording::of_shape(shape), None).unwrap()
}

fn in_slabs(labels: &Array3<u32>, movie: &Array3<f32>, step: usize) -> Vec<EventRow> {
    let mut finder = BoxFinder::new();
    labels.axis_chunks_iter(Axis(0), step).for_each(|slab| finder.push(slab).unwrap());
    let mut events = Characterizer::new(Recording::of_shape(SHAPE), &finder.finish()).unwrap();
    let mut found = Vec::new();
    for (map, movie) in
        labels.axis_chunks_iter(Axis(0), step).zip(movie.axis_chunks_iter(Axis(0), step))
    {
        found.extend(events.push(map, movie, Some(movie)).unwrap());
    }
    events.finish().unwrap();
    found.sort_by_key(|row| row.id);
    found
}

/// Bits, so that NaN equals NaN.
fn text(rows: &[EventRow]) -> String {
    format!("{rows:?}")
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

fn near_option(a: Option<f64>, b: Option<f64>) -> bool {
    a.zip(b).map_or(a.is_none() && b.is_none(), |(a, b)| near(a, b))
}

/// Measures that do not depend on which way the image is turned.
fn same_shape(a: &EventRow, b: &EventRow) -> bool {
    let pairs = [
        (a.v_mask_solidity, b.v_mask_solidity),
        (a.v_mask_extent, b.v_mask_extent),
        (a.v_fp_axis_major_length, b.v_fp_axis_major_length),
        (a.v_fp_axis_minor_length, b.v_fp_axis_minor_length),
        (a.v_fp_perimeter, b.v_fp_perimeter),
        (a.v_fp_solidity, b.v_fp_solidity),
        (a.v_fp_feret_diameter_max, b.v_fp_feret_diameter_max),
        (a.v_max_height, b.v_max_height),
        (a.v_noise_mask_std, b.v_noise_mask_std),
        (a.auc, b.auc),
    ];
    let lengths = |r: &EventRow| {
        let mut lengths: Vec<usize> = r.contours.iter().map(Vec::len).collect();
        lengths.sort_unstable();
        lengths
    };
    pairs.iter().all(|(a, b)| near(*a, *b))
        && near(a.v_mask_axis_major_length, b.v_mask_axis_major_length)
        && near_option(a.speed_px_frame, b.speed_px_frame)
        && near_option(a.speed_r, b.speed_r)
        && (a.v_area, a.v_fp_area, a.v_fp_area_convex)
            == (b.v_area, b.v_fp_area, b.v_fp_area_convex)
        && lengths(a) == lengths(b)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn slabs_of_any_length_give_the_same_rows(seed in 0_u64..1000) {
        let (labels, movie) = random_map(seed, SHAPE, 7);
        let whole = text(&in_slabs(&labels, &movie, SHAPE[0]));
        for step in [1, 5] {
            prop_assert_eq!(&text(&in_slabs(&labels, &movie, step)), &whole);
        }
    }

    #[test]
    fn turned_movies_have_the_same_events(seed in 0_u64..1000) {
        let (labels, movie) = random_map(seed, SHAPE, 6);
        let straight = rows(labels.view(), movie.view());
        let swapped = rows(labels.view().permuted_axes([0, 2, 1]), movie.view().permuted_axes([0, 2, 1]));
        let flipped = rows(labels.slice(s![.., ..;-1, ..]), movie.slice(s![.., ..;-1, ..]));
        for ((a, b), c) in straight.iter().zip(&swapped).zip(&flipped) {
            prop_assert!(same_shape(a, b) && same_shape(a, c), "{a:?} {b:?} {c:?}");
            prop_assert_eq!((a.x0, a.x1, a.y0, a.y1), (b.y0, b.y1, b.x0, b.x1));
            prop_assert!(near(a.v_fp_cx, b.v_fp_cy) && near(a.v_fp_cx, 13.0 - c.v_fp_cx));
            prop_assert_eq!(&a.trace, &c.trace);
        }
    }

    #[test]
    fn a_moved_map_with_other_ids_has_the_same_events(seed in 0_u64..1000) {
        let (labels, movie) = random_map(seed, SHAPE, 6);
        let mut moved = Array3::zeros([SHAPE[0] + 3, SHAPE[1] + 2, SHAPE[2] + 5]);
        let mut moved_movie = Array3::zeros(moved.dim());
        moved.slice_mut(s![3.., 2.., 5..]).assign(&labels.mapv(|l| if l == 0 { 0 } else { 100 - l }));
        moved_movie.slice_mut(s![3.., 2.., 5..]).assign(&movie);
        let mut found = rows(moved.view(), moved_movie.view());
        found.reverse();
        for (mut row, expected) in found.into_iter().zip(rows(labels.view(), movie.view())) {
            prop_assert_eq!(row.id, 100 - expected.id);
            prop_assert!(near(row.v_fp_cx, expected.v_fp_cx + 2.0) && near(row.v_fp_cy, expected.v_fp_cy + 5.0));
            prop_assert_eq!(row.peak_frame, expected.peak_frame + 3);
            (row.id, row.parent, row.error) = (expected.id, expected.parent, expected.error);
            (row.v_fp_cx, row.v_fp_cy) = (expected.v_fp_cx, expected.v_fp_cy);
            (row.z0, row.z1, row.peak_frame) = (expected.z0, expected.z1, expected.peak_frame);
            (row.x0, row.x1, row.y0, row.y1) = (expected.x0, expected.x1, expected.y0, expected.y1);
            prop_assert_eq!(text(&[row]), text(&[expected]));
        }
    }

    #[test]
    fn rows_are_what_a_plain_loop_finds(seed in 0_u64..1000) {
        let (labels, movie) = random_map(seed, SHAPE, 8);
        for row in rows(labels.view(), movie.view()) {
            let cut = s![row.z0 as usize..row.z1 as usize, row.x0 as usize..row.x1 as usize, row.y0 as usize..row.y1 as usize];
            let mask = labels.slice(cut).mapv(|l| l == row.id);
            let movie = movie.slice(cut);
            prop_assert_eq!(labels.iter().filter(|l| **l == row.id).count() as u64, row.v_area);
            prop_assert_eq!(&encode_runs(&mask.iter().copied().collect::<Vec<_>>()), &row.mask);
            let ones: u64 = runs_of_ones(&row.mask).map(|(_, length)| length).sum();
            prop_assert_eq!(ones, row.v_area);
            for z in 0..mask.dim().0 {
                let mean = |wanted: bool| {
                    let pairs = mask.index_axis(Axis(0), z).iter().zip(movie.index_axis(Axis(0), z)).filter(|(m, _)| **m == wanted).map(|(_, v)| f64::from(*v)).collect::<Vec<_>>();
                    pairs.iter().sum::<f64>() / pairs.len().max(1) as f64
                };
                prop_assert!((mean(true) - f64::from(row.trace[z])).abs() < 1e-6);
                prop_assert!((mean(false) - f64::from(row.noise_mask_trace[z])).abs() < 1e-6);
            }
            let footprint = mask.fold_axis(Axis(0), false, |a, b| a | b);
            prop_assert_eq!(footprint.iter().filter(|v| **v).count(), row.onset.len());
            prop_assert!(row.v_mask_solidity <= 1.0 && row.v_fp_solidity <= 1.0);
        }
    }

    #[test]
    fn the_hull_holds_the_voxels_that_no_plane_cuts_off(voxels in prop::collection::btree_set((0_i64..3, 0_i64..4, 0_i64..4), 1..7)) {
        let mut labels = Array3::zeros([3, 4, 4]);
        voxels.iter().for_each(|(z, x, y)| labels[[*z as usize, *x as usize, *y as usize]] = 1_u32);
        let row = &rows(labels.view(), Array3::zeros([3, 4, 4]).view())[0];
        let start = [row.z0, row.x0, row.y0].map(i64::from);
        let points: Vec<[i64; 3]> = voxels.iter().flat_map(|(z, x, y)| (0..6).map(move |k| {
            let mut p = [2 * z, 2 * x, 2 * y];
            p[k / 2] += 2 * (k as i64 % 2) - 1;
            p
        })).collect();
        let planes = supporting_planes(&points);
        let shape = row.box_shape().map(i64::from);
        let places = (0..shape[0]).flat_map(|z| (0..shape[1]).flat_map(move |x| (0..shape[2]).map(move |y| [z, x, y])));
        let inside = places.filter(|p| {
            let p: [i64; 3] = std::array::from_fn(|a| 2 * (p[a] + start[a]));
            planes.iter().all(|(n, d)| dot(*n, p) <= *d)
        }).count();
        prop_assert!(near(row.v_mask_solidity, voxels.len() as f64 / inside as f64));
    }
}

fn dot(a: [i64; 3], b: [i64; 3]) -> i64 {
    (0..3).map(|i| a[i] * b[i]).sum()
}

/// Planes through three of the points with all points on one side.
fn supporting_planes(points: &[[i64; 3]]) -> Vec<([i64; 3], i64)> {
    let mut planes = Vec::new();
    for (i, a) in points.iter().enumerate() {
        for (j, b) in points.iter().enumerate().skip(i + 1) {
            for c in points.iter().skip(j + 1) {
                let (u, v): ([i64; 3], [i64; 3]) =
                    (std::array::from_fn(|k| b[k] - a[k]), std::array::from_fn(|k| c[k] - a[k]));
                let n = [
                    u[1] * v[2] - u[2] * v[1],
                    u[2] * v[0] - u[0] * v[2],
                    u[0] * v[1] - u[1] * v[0],
                ];
                for n in [n, n.map(|v| -v)] {
                    let d = dot(n, *a);
                    if n != [0; 3] && points.iter().all(|p| dot(n, *p) <= d) {
                        planes.push((n, d));
                    }
                }
            }
        }
    }
    planes
}

#[test]
fn units_noise_and_missing_values() {
    let mut labels = Array3::<u32>::zeros([6, 5, 5]);
    labels.slice_mut(s![1..5, 1..4, 1..4]).fill(7);
    let mut movie = Array3::<f32>::zeros([6, 5, 5]);
    for (z, v) in [(1, 2.0), (2, 8.0), (3, 4.0), (4, 1.0)] {
        movie.slice_mut(s![z, .., ..]).fill(v);
    }
    movie[[2, 2, 2]] = f32::NAN;
    movie.slice_mut(s![4, .., ..]).fill(f32::NAN);
    let recording = Recording {
        shape: [6, 5, 5],
        frame_interval_s: Some(0.5),
        pixel_um: Some([2.0, 3.0]),
        noise_sd: Some(Array2::from_elem((5, 5), 3.0)),
    };
    let scores = movie.mapv(|v| v * 2.0);
    let rows =
        characterize(labels.view(), movie.view(), Some(scores.view()), recording, Some(&[7, 9]))
            .unwrap();
    let [row] = &rows[..] else { panic!("one event") };
    assert_eq!((row.id, row.parent), (7, 7));
    assert_eq!(row.trace, [2.0, 8.0, 4.0, 0.0]);
    assert_eq!(row.error, EventRow::FRAME_WITHOUT_VOXELS);
    assert_eq!((row.peak_frame, row.peak_z), (2, Some(16.0)));
    assert!(near_option(row.snr, Some(8.0)), "8 over 3 / sqrt(9): {:?}", row.snr);
    let value = |name: &str| {
        let column = hooke_events::characterize::COLUMNS.iter().find(|c| c.name == name).unwrap();
        match (column.get)(row) {
            hooke_events::characterize::Cell::F64(v) => v.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((value("t0"), value("t1"), value("duration_s")), (0.5, 2.5, 2.0));
    assert_eq!((value("area_um2"), value("volume_um2s")), (54.0, 108.0));
    assert_eq!((value("cx_um"), value("cy_um"), value("v_area_norm")), (4.0, 6.0, 9.0));
}

#[test]
fn nothing_and_nonsense() {
    let empty = Array3::<u32>::zeros([3, 4, 4]);
    let movie = Array3::<f32>::zeros([3, 4, 4]);
    assert!(rows(empty.view(), movie.view()).is_empty());
    let other = Array3::<f32>::zeros([3, 4, 5]);
    let recording = || Recording::of_shape([3, 4, 4]);
    let error = characterize(empty.view(), other.view(), None, recording(), None).unwrap_err();
    assert_eq!(error.to_string(), "movie: expected shape [3, 4, 4], found [3, 4, 5]");
    let short = movie.slice(s![..2, .., ..]);
    assert!(characterize(empty.slice(s![..2, .., ..]), short, None, recording(), None).is_err());
    let mut finder = BoxFinder::new();
    finder.push(Array3::from_elem([3, 4, 4], 1).view()).unwrap();
    assert!(finder.push(Array3::zeros([1, 4, 5]).view()).is_err());
    let boxes = finder.finish();
    let mut events = Characterizer::new(recording(), &boxes).unwrap();
    let error = events.push(empty.view(), movie.view(), None).unwrap_err();
    assert!(error.to_string().contains("should have 48 voxels, has 0"), "{error}");
    assert!(Characterizer::new(recording(), &[boxes[0], boxes[0]]).is_err());
    assert!(Characterizer::new(Recording::of_shape([2, 4, 4]), &boxes).is_err());
}
