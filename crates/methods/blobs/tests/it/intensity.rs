//! The neighbourhood rule against the peer, and block by block.

use std::collections::BTreeMap;

use hooke_blobs::neighborhood::*;
use hooke_core::Sample;
use hooke_core::region::grid;
use hooke_testdata::{NpzArray, read_npz};
use ndarray::{Array4, s};

use crate::kit::*;

type Arrays = BTreeMap<String, NpzArray>;

/// From z, y, x, c to c, z, y, x.
fn image(a: &NpzArray) -> Array4<f64> {
    let shape = (a.shape[0], a.shape[1], a.shape[2], a.shape[3]);
    let image = Array4::from_shape_vec(shape, a.values.clone()).unwrap();
    image.permuted_axes([3, 0, 1, 2]).as_standard_layout().to_owned()
}

fn spots(a: &NpzArray) -> Vec<Spot> {
    let spot = |row: &[f64]| Spot { position: [row[0], row[1], row[2]], channel: row[6] as u16 };
    a.values.chunks(a.shape[1]).map(spot).collect()
}

fn whole<T: Sample>(image: &Array4<T>, spots: Vec<Spot>, level: Level) -> NeighborhoodResult {
    let (c, z, y, x) = image.dim();
    let shape = [z, y, x].map(|n| n as u64);
    let rule = Neighborhoods::new(spots, shape, c, level).unwrap();
    let part = rule.measure(([0; 3], shape), [0; 3], &image.view()).unwrap();
    rule.decide([part]).unwrap()
}

fn flags(arrays: &Arrays, case: usize, level: &str) -> Vec<u8> {
    arrays[&format!("flags_{case}_{level}")].values.iter().map(|v| *v as u8).collect()
}

#[test]
fn flags_are_the_peers() {
    let Some(folder) = conformance() else { return };
    let arrays = read_npz(&folder.join("intensity.npz")).unwrap();
    let levels = [
        ("default", Level::default()),
        ("min", Level::Min),
        ("0", Level::Percentile(0.0)),
        ("5", Level::Percentile(5.0)),
        ("50", Level::Percentile(50.0)),
        ("99.5", Level::Percentile(99.5)),
    ];
    for case in 0..10 {
        let image = image(&arrays[&format!("roi_{case}")]);
        let spots = spots(&arrays[&format!("blobs_{case}")]);
        for (name, level) in levels {
            let found = whole(&image, spots.clone(), level);
            let wanted = flags(&arrays, case, name);
            // In both, later blobs cover all of row 0 (and it is of channel 0): the peer's mean there
            // is NaN, and so under `min` is its threshold. Its `note` says so of case 8 only.
            let is_covered = case >= 8;
            assert_eq!(found.emptied, usize::from(is_covered), "{case}");
            for ((at, flag), wanted) in found.flags.indexed_iter().zip(wanted) {
                if !is_covered || at.0 > 0 && (at.1 > 0 || matches!(level, Level::Percentile(_))) {
                    assert_eq!(*flag, wanted, "{case} {name} {at:?}");
                } else if level == Level::Min && usize::from(spots[at.0].channel) == at.1 {
                    assert_eq!(*flag, 1, "{case} {at:?}");
                }
            }
        }
    }
}

#[test]
fn blocks_do_not_show() {
    let shape = [9u64, 20, 22];
    let mut spots: Vec<Spot> = Vec::new();
    for channel in 0..3u16 {
        let points = scattered(channel.into(), 60, shape.map(|n| n as f64));
        spots.extend(points.into_iter().map(|position| Spot { position, channel }));
    }
    spots.push(Spot { position: [-0.1, 5.0, 5.0], channel: 1 });
    let image = Array4::from_shape_fn((3, 9, 20, 22), |(c, z, y, x)| {
        ((z * 7919 + y * 104_729 + x * 1_299_709 + c * 31) % 1013) as u16
    });
    for level in [Level::Min, Level::Percentile(37.0)] {
        let wanted = whole(&image, spots.clone(), level);
        assert_eq!(wanted.flags.row(180).sum(), 0);
        assert!(wanted.means.row(180).iter().all(|m| m.is_nan()));
        let rule = Neighborhoods::new(spots.clone(), shape, 3, level).unwrap();
        for step in [[1, 1, 4, 7, 22], [1, 1, 3, 3, 5]] {
            let mut parts = Vec::new();
            for core in grid([1, 1, 9, 20, 22], step) {
                let r = core.grown([0, 0, RADIUS, RADIUS, RADIUS], [1, 1, 9, 20, 22]);
                let (from, to) = (r.start.map(|v| v as usize), r.end().map(|v| v as usize));
                let view = image.slice(s![.., from[2]..to[2], from[3]..to[3], from[4]..to[4]]);
                let last3 = |v: [u64; 5]| [v[2], v[3], v[4]];
                let core = (last3(core.start), last3(core.shape));
                parts.push(rule.measure(core, last3(r.start), &view).unwrap());
            }
            parts.reverse();
            let found = rule.decide(parts).unwrap();
            assert_eq!((&found.flags, &found.thresholds), (&wanted.flags, &wanted.thresholds));
            assert!(found.means.iter().zip(&wanted.means).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
        // A block without its surroundings is refused, and so is a blob that nobody measured.
        let cut = image.slice(s![.., 0..4, .., ..]);
        assert!(rule.measure(([0; 3], [4, 20, 22]), [0; 3], &cut).is_err());
        assert!(rule.decide([]).is_err());
    }
}

#[test]
fn bad_levels_and_channels_are_refused() {
    for p in [-1.0, 100.1, f64::NAN] {
        assert!(Neighborhoods::new(Vec::new(), [4; 3], 1, Level::Percentile(p)).is_err());
    }
    let spot = Spot { position: [0.0; 3], channel: 1 };
    assert!(Neighborhoods::new(vec![spot], [4; 3], 1, Level::Min).is_err());
    let none = whole(&Array4::<u8>::zeros((2, 3, 3, 3)), Vec::new(), Level::Percentile(5.0));
    assert_eq!((none.flags.dim(), none.thresholds), ((0, 2), vec![None, None]));
}
