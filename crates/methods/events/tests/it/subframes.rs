//! Samples against astroCAST's generator, and what must hold for any.

use hooke_events::subframes::{
    FileScale, Item, Padding, ScaleSampler, Scaling, Source, SubFrameParams, SubFrames,
};
use ndarray::{Array3, Axis, s};
use proptest::prelude::*;

use crate::conformance_kit::{arrays, volume};

fn plain() -> SubFrameParams {
    SubFrameParams {
        input_size: [16, 16],
        pre_post_frames: [2, 2],
        shuffle: false,
        ..SubFrameParams::default()
    }
}

fn whole(movie: &Array3<f32>) -> Source<'_> {
    let (t, y, x) = movie.dim();
    Source { pixels: movie.view(), origin: [0; 3], shape: [t, y, x], scale: None }
}

#[test]
fn items_and_samples_are_the_peers() {
    let Some(arrays) = arrays("subframes.npz") else { return };
    let movie = volume(&arrays["video"], |v| v as f32);
    let cases = [
        ("plain", plain()),
        ("overlap", SubFrameParams { overlap: 4.0, ..plain() }),
        ("gap", SubFrameParams { gap_frames: [1, 1], ..plain() }),
        ("asym", SubFrameParams { pre_post_frames: [3, 1], ..plain() }),
        ("local", SubFrameParams { scaling: Scaling::Local, ..plain() }),
        ("zsteps", SubFrameParams { z_steps: 0.5, ..plain() }),
        (
            "padded_PEER_PAD_PARTLY_WRONG",
            SubFrameParams { padding: Some(Padding::Edge), ..plain() },
        ),
    ];
    for (name, params) in cases {
        let sub = SubFrames::new(params).unwrap();
        let items = sub.items(&[[24, 40, 36]], 0);
        let size = sub.stack_shape().map(|v| v as i64);
        let expected: Vec<Vec<i64>> = arrays[&format!("{name}_items")]
            .values
            .chunks(6)
            .map(|r| r.iter().map(|v| *v as i64).collect())
            .collect();
        let found: Vec<Vec<i64>> = items
            .iter()
            .map(|i| (0..3).flat_map(|a| [i.start[a], i.start[a] + size[a]]).collect())
            .collect();
        assert_eq!(found, expected, "{name}");
        let sample = sub.sample(&whole(&movie), &items[0], 0, 0).unwrap();
        let (x, y) = (&arrays[&format!("{name}_x0")], &arrays[&format!("{name}_y0")]);
        let frames = x.shape[3];
        assert_eq!(sample.input.dim(), (frames, 16, 16));
        // The peer's frames come last.
        for ((z, r, c), v) in sample.input.indexed_iter() {
            let expected = x.values[(r * 16 + c) * frames + z];
            assert!((f64::from(*v) - expected).abs() < 2e-6 * expected.abs().max(1.0), "{name}");
        }
        for (v, expected) in sample.target.iter().zip(&y.values) {
            assert!((f64::from(*v) - expected).abs() < 2e-6 * expected.abs().max(1.0), "{name}");
        }
    }
}

fn numbered(shape: [usize; 3]) -> Array3<f32> {
    Array3::from_shape_fn(shape, |(z, x, y)| (z * 10_000 + x * 100 + y) as f32)
}

#[test]
fn padding_makes_every_frame_a_target_and_mirrors() {
    for padding in [Padding::Edge, Padding::Symmetric] {
        let params =
            SubFrameParams { padding: Some(padding), overlap: 0.25, gap_frames: [1, 0], ..plain() };
        let sub = SubFrames::new(params).unwrap();
        let movie = numbered([7, 30, 21]);
        let mut covered = Array3::<u32>::zeros([7, 30, 21]);
        for (i, item) in sub.items(&[[7, 30, 21]], 0).iter().enumerate() {
            let sample = sub.sample(&whole(&movie), item, 0, i as u64).unwrap();
            let region = sub.region(item, [7, 30, 21]);
            let part = Source {
                pixels: movie.slice(s![region[0].clone(), region[1].clone(), region[2].clone()]),
                origin: [0, 1, 2].map(|a| region[a].start),
                ..whole(&movie)
            };
            assert_eq!(
                sub.sample(&part, item, 0, i as u64).unwrap(),
                sample,
                "only the region is needed"
            );
            let z = (item.start[0] + 3) as usize;
            for ((r, c), v) in sample.target.indexed_iter() {
                let (x, y) = (item.start[1] as usize + r, item.start[2] as usize + c);
                if let Some(count) = covered.get_mut([z, x, y]) {
                    *count += 1;
                    assert_eq!(*v, movie[[z, x, y]]);
                }
            }
            if z == 0 {
                // Frames -3 and -2.
                let mirrored = if padding == Padding::Edge { 0.0 } else { 20_000.0 };
                let corner = (item.start[1] * 100 + item.start[2]) as f32;
                assert_eq!(sample.input[[0, 0, 0]], mirrored + corner);
            }
        }
        assert!(covered.iter().all(|count| *count > 0));
    }
}

#[test]
fn augmentation_hangs_on_seed_epoch_and_item() {
    let movie = numbered([8, 40, 40]);
    let params = SubFrameParams {
        rotations: vec![0, 1, 2, 3],
        flips: vec![-1, 0, 1],
        drop_frame_probability: 0.5,
        output_size: Some([8, 8]),
        ..plain()
    };
    let sub = SubFrames::new(params.clone()).unwrap();
    let item = Item { file: 0, start: [1, 3, 5] };
    let make = |epoch, index| sub.sample(&whole(&movie), &item, epoch, index).unwrap();
    assert_eq!(make(2, 7), make(2, 7));
    let samples: Vec<_> = (0..60).map(|i| make(0, i)).collect();
    let mut corners: Vec<u32> = samples.iter().map(|s| s.target[[0, 0]] as u32).collect();
    corners.sort_unstable();
    corners.dedup();
    assert_eq!(corners.len(), 4, "a square's corner has four places");
    let mut expected: Vec<u32> =
        movie.slice(s![3, 7..15, 9..17]).iter().map(|v| *v as u32).collect();
    expected.sort_unstable();
    for sample in &samples {
        let mut values: Vec<u32> = sample.target.iter().map(|v| *v as u32).collect();
        values.sort_unstable();
        assert_eq!(values, expected, "turned and flipped, but the same pixels");
        let empty = sample.input.outer_iter().filter(|f| f.iter().all(|v| *v == 0.0)).count();
        assert!(empty <= 1);
    }
    let dropped = samples
        .iter()
        .filter(|s| s.input.outer_iter().any(|f| f.iter().all(|v| *v == 0.0)))
        .count();
    assert!((15..45).contains(&dropped), "{dropped} of 60");
    let noisy = SubFrames::new(SubFrameParams { add_noise: 2.0, ..plain() }).unwrap();
    let sample = noisy.sample(&whole(&movie), &item, 0, 0).unwrap();
    let added: Vec<f32> =
        sample.target.iter().zip(movie.slice(s![3, 3..19, 5..21])).map(|(a, b)| a - b).collect();
    assert!(added.iter().all(|v| (0.0..=2.01).contains(v)));
    assert!((added.iter().sum::<f32>() / added.len() as f32 - 1.0).abs() < 0.2);
}

#[test]
fn a_quarter_turn_is_numpys() {
    let movie = Array3::from_shape_vec([3, 2, 2], (0..12).map(|v| v as f32).collect()).unwrap();
    let params = SubFrameParams {
        input_size: [2, 2],
        pre_post_frames: [1, 1],
        rotations: vec![1],
        ..plain()
    };
    let sub = SubFrames::new(params).unwrap();
    let items = sub.items(&[[3, 2, 2]], 0);
    assert_eq!(items.len(), 1, "a stack as large as the movie");
    let sample = sub.sample(&whole(&movie), &items[0], 0, 0).unwrap();
    // rot90([[4, 5], [6, 7]]) = [[5, 7], [4, 6]]
    assert_eq!(sample.target.iter().copied().collect::<Vec<_>>(), [5.0, 7.0, 4.0, 6.0]);
}

#[test]
fn epochs_choose_and_shuffle() {
    let shapes = [[20, 40, 40], [30, 40, 40]];
    let params =
        SubFrameParams { max_per_file: Some(9), shuffle: true, random_offset: true, ..plain() };
    let sub = SubFrames::new(params.clone()).unwrap();
    let (first, second) = (sub.items(&shapes, 0), sub.items(&shapes, 1));
    assert_eq!(first, sub.items(&shapes, 0));
    assert_ne!(first, second);
    for file in 0..2 {
        assert_eq!(first.iter().filter(|i| i.file == file).count(), 9);
    }
    for item in first.iter().chain(&second) {
        let shape = shapes[item.file];
        assert!(
            (0..3).all(|a| item.start[a] >= 0 && item.start[a] + [5, 16, 16][a] <= shape[a] as i64)
        );
    }
    let selected =
        SubFrames::new(SubFrameParams { z_select: Some(vec![4, 9]), ..plain() }).unwrap();
    let items = selected.items(&shapes[..1], 0);
    assert!(items.iter().all(|i| [2, 7].contains(&i.start[0])) && items.len() == 8);
}

#[test]
fn scales_are_robust_and_constants_do_not_divide() {
    let movie = Array3::from_elem([6, 16, 16], 3.0_f32);
    let local = SubFrames::new(SubFrameParams { scaling: Scaling::Local, ..plain() }).unwrap();
    let item = Item { file: 0, start: [0; 3] };
    assert!(local.sample(&whole(&movie), &item, 0, 0).unwrap().input.iter().all(|v| *v == 0.0));
    let global = SubFrames::new(SubFrameParams { scaling: Scaling::Global, ..plain() }).unwrap();
    assert!(global.sample(&whole(&movie), &item, 0, 0).is_err());
    let source = Source { scale: Some(FileScale { mean: 1.0, std: 4.0 }), ..whole(&movie) };
    assert!(global.sample(&source, &item, 0, 0).unwrap().target.iter().all(|v| *v == 0.5));

    let movie = numbered([40, 60, 100]).mapv(|v| v % 1009.0);
    let mut values: Vec<f32> = movie.iter().copied().collect();
    values.sort_by(f32::total_cmp);
    let scale = |step: usize| {
        let mut sampler = ScaleSampler::new([40, 60, 100]);
        movie.axis_chunks_iter(Axis(0), step).for_each(|slab| sampler.push(slab).unwrap());
        sampler.finish()
    };
    assert_eq!(scale(1), scale(40));
    assert_eq!(scale(7), scale(40));
    assert!((scale(1).mean - values[120_000]).abs() < 40.0, "{:?}", scale(1));
    assert!(ScaleSampler::new([5, 4, 4]).push(movie.view()).is_err());
    assert_eq!(ScaleSampler::new([0, 4, 4]).finish(), FileScale { mean: 0.0, std: 0.0 });
}

#[test]
fn nonsense_is_refused() {
    let wrong = [
        SubFrameParams { input_size: [0, 4], ..plain() },
        SubFrameParams { pre_post_frames: [0, 0], ..plain() },
        SubFrameParams { overlap: 16.0, ..plain() },
        SubFrameParams { overlap: f64::NAN, ..plain() },
        SubFrameParams { overlap: 2.0, random_offset: true, ..plain() },
        SubFrameParams { input_size: [8, 16], rotations: vec![1], ..plain() },
        SubFrameParams { flips: vec![2], ..plain() },
        SubFrameParams { rotations: vec![], ..plain() },
        SubFrameParams { drop_frame_probability: 1.5, ..plain() },
        SubFrameParams { output_size: Some([17, 4]), ..plain() },
        SubFrameParams { add_noise: -1.0, ..plain() },
        SubFrameParams { z_steps: f64::INFINITY, ..plain() },
    ];
    for params in wrong {
        assert!(SubFrames::new(params.clone()).is_err(), "{params:?}");
    }
    let sub = SubFrames::new(plain()).unwrap();
    assert!(sub.items(&[[4, 40, 40], [9, 10, 40], [0, 0, 0]], 0).is_empty());
    let movie = numbered([6, 20, 20]);
    let outside = Item { file: 0, start: [2, 0, 0] };
    assert!(sub.sample(&whole(&movie), &outside, 0, 0).is_err());
    let part = Source { pixels: movie.slice(s![..3, .., ..]), ..whole(&movie) };
    assert!(sub.sample(&part, &Item { file: 0, start: [0; 3] }, 0, 0).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn padded_tiles_cover_any_image(height in 1_usize..40, width in 1_usize..40, overlap in 0_usize..4, is_offset in any::<bool>(), epoch in 0_u64..5) {
        let params = SubFrameParams {
            input_size: [10, 10],
            pre_post_frames: [1, 1],
            overlap: if is_offset { 0.0 } else { 2.0 * overlap as f64 },
            random_offset: is_offset,
            padding: Some(Padding::Symmetric),
            ..plain()
        };
        let sub = SubFrames::new(params).unwrap();
        let items = sub.items(&[[2, height, width]], epoch);
        for (x, y) in [(0, 0), (height - 1, width - 1), (height / 2, width / 2)] {
            let holds = |start: i64, place: usize| (start..start + 10).contains(&(place as i64));
            prop_assert!(items.iter().any(|i| holds(i.start[1], x) && holds(i.start[2], y)));
        }
        prop_assert!(items.iter().all(|i| i.start[1] < height as i64 && i.start[1] > -10));
    }
}
