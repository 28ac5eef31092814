//! JPEG 2000: files of OpenJPEG and OpenJPH, resolutions, tiles, axes, damage.

use hooke_core::{Dtype, Origin, Pixels, Region};
use hooke_io::{ChunkCache, OpenOptions, open};

use crate::harness::*;

#[test]
fn files_of_other_tools_agree() {
    let Some(folder) = conformance() else { return };
    for name in ["gray_u16.jp2", "gray_u8.jph", "xyz6_u16.j2k"] {
        check_conformance(&folder, name, 1e-9);
        check_damage(&folder.join(name), &[]);
    }
}

#[test]
fn axes_of_the_user_say_what_rows_columns_and_components_are() {
    let Some(folder) = conformance() else { return };
    let how = OpenOptions { axes: Some("xyz".to_owned()), ..OpenOptions::default() };
    let dataset = open(&folder.join("xyz6_u16.j2k"), &how).unwrap();
    let image = &dataset.images()[0];
    let wanted = &expected(&folder, "xyz6_u16.j2k")["with_axes_xyz"];
    assert_eq!(image.meta().axes.to_string(), wanted["axes"].as_str().unwrap());
    assert_eq!((image.meta().shape, image.meta().axes_from), ([1, 1, 6, 40, 24], Origin::User));
    assert_eq!(Some(sha256(&read_whole(image.as_ref())).as_str()), wanted["sha256"].as_str());
    check_regions(image.as_ref(), 20);
    // Time has no factor: only the whole is offered.
    let how = OpenOptions { axes: Some("tyx".to_owned()), ..OpenOptions::default() };
    let dataset = open(&folder.join("xyz6_u16.j2k"), &how).unwrap();
    assert_eq!(dataset.images()[0].levels().len(), 1);
}

#[test]
fn resolutions_are_levels_and_say_so_without_unpacking() {
    let Some(folder) = conformance() else { return };
    let how =
        OpenOptions { cache: Some(ChunkCache::new(1 << 20).into()), ..OpenOptions::default() };
    let dataset = open(&folder.join("gray_u16.jp2"), &how).unwrap();
    let image = &dataset.images()[0];
    let levels = image.levels();
    assert!(levels.len() > 1, "{levels:?}");
    let whole = read_whole(image.as_ref());
    for (n, level) in levels.iter().enumerate() {
        let factor = 1 << n;
        assert_eq!(level.factors, [1.0, factor as f64, factor as f64]);
        let [_, _, _, y, x] = whole.shape();
        assert_eq!(level.shape, [1, 1, 1, y.div_ceil(factor), x.div_ceil(factor)]);
        let small = read(image.as_ref(), n, &Region::whole(level.shape));
        assert_eq!((small.dtype(), small.shape()), (Dtype::Uint16, level.shape));
        // A smaller version looks like the whole: means differ little.
        let mean = |p: &Pixels| {
            let values = p.as_slice::<u16>().unwrap();
            values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64
        };
        assert!((mean(&small) / mean(&whole) - 1.0).abs() < 0.1, "level {n}");
    }
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    assert!(image.read(levels.len(), &Region::whole([1; 5]), &mut out).is_err());
}

#[test]
fn tiles_of_expansion_microscopy_agree_with_what_wrote_them() {
    let Some(folder) = conformance() else { return };
    let folder = folder.join("../tileset");
    let wanted = &expected(&folder, "jp2");
    let how = OpenOptions { axes: Some("xyz".to_owned()), ..OpenOptions::default() };
    for n in 0..3 {
        let dataset = open(&folder.join(format!("jp2_tile{n}.jp2")), &how).unwrap();
        let image = &dataset.images()[0];
        assert_eq!(image.meta().shape, [1, 1, 4, 16, 20]);
        let pixels = read_whole(image.as_ref());
        let sum: f64 = (0..pixels.len()).map(|i| value(&pixels, i)).sum();
        assert_eq!(Some(sum), wanted["sums"][n].as_f64());
        if n == 0 {
            let first = [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]];
            let at = |[z, y, x]: [usize; 3]| value(&pixels, (z * 16 + y) * 20 + x);
            let found: Vec<f64> = first.into_iter().map(at).collect();
            let wanted: Vec<f64> = wanted["tile0_zyx_first"]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_f64().unwrap())
                .collect();
            assert_eq!(found, wanted);
        }
    }
}

fn value(pixels: &Pixels, index: usize) -> f64 {
    hooke_core::dispatch!(pixels.dtype(), T => {
        hooke_core::Sample::to_f64(pixels.as_slice::<T>().unwrap()[index])
    })
}

/// Files that `make.py` beside them makes.
fn made(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/jpeg2000").join(name)
}

#[test]
fn tiles_are_unpacked_apart_and_agree_with_openjpeg() {
    const WHOLE: &str = "8b4c39b3a161cdfc9694895f11884a65558842c12289439b94d6a81fc5dc229c";
    const LEVELS: [&str; 2] = [
        "9d0bfa8d12845c4decbbd500fa1eeaa0f1c40cff34f837e35ffbe278a16c12ac",
        "b65aa95a4615c59a613fca758455ba2240ce03626b253e09485b9a55436717e6",
    ];
    for name in ["tiles.j2k", "offset.jp2"] {
        let cache = Some(ChunkCache::new(1 << 20).into());
        let dataset = open(&made(name), &OpenOptions { cache, ..OpenOptions::default() }).unwrap();
        let image = dataset.images()[0].as_ref();
        let level = &image.levels()[0];
        assert!(level.chunk[3] < level.shape[3] && level.chunk[4] < level.shape[4], "{level:?}");
        assert_eq!(sha256(&read_whole(image)), WHOLE, "{name}");
        check_regions(image, 20);
        for (n, level) in image.levels().iter().enumerate().skip(1) {
            let pixels = read(image, n, &Region::whole(level.shape));
            if name == "tiles.j2k" {
                assert_eq!(sha256(&pixels), LEVELS[n - 1], "level {n}");
            }
            let part = Region::new([0, 0, 0, 3, 5], [1, 1, 1, 60, 70]);
            assert!(read(image, n, &part) == pixels.crop(&part));
        }
        check_damage(&made(name), &[]);
    }
}

#[test]
fn signed_samples_of_12_bits_and_losses_are_told() {
    let dataset = open(&made("signed12.j2k"), &OpenOptions::default()).unwrap();
    let meta = dataset.images()[0].meta();
    assert_eq!((meta.dtype, meta.stored_dtype.as_str()), (Dtype::Int16, "int12"));
    assert_eq!(meta.significant_bits, 12);
    let pixels = read_whole(dataset.images()[0].as_ref());
    assert_eq!(sha256(&pixels), "f61ebd4437dbeb606ab03d2e54b5f5e0ed4655c61952372fbbda7112ddfc357e");
    assert!(dataset.problems().is_empty());
    let dataset = open(&made("lossy.jp2"), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.problems()[0].code, "lossy");
    assert_eq!(dataset.images()[0].levels()[0].codec, "jpeg2000-lossy");
}

#[test]
fn a_cut_file_is_an_error_unless_it_is_rescued() {
    let folder = tempfile::tempdir().unwrap();
    let content = std::fs::read(made("tiles.j2k")).unwrap();
    let path = folder.path().join("cut.j2k");
    std::fs::write(&path, &content[..content.len() * 9 / 10]).unwrap();
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    let whole = Region::whole(dataset.images()[0].meta().shape);
    let error = dataset.images()[0].read(0, &whole, &mut out).unwrap_err().to_string();
    assert!(error.contains("truncated: the part of a tile at byte"), "{error}");
    let rescue = OpenOptions { rescue: true, ..OpenOptions::default() };
    let dataset = open(&path, &rescue).unwrap();
    let image = dataset.images()[0].as_ref();
    let status = image.read(0, &whole, &mut out).unwrap();
    assert!(matches!(status, hooke_core::ReadStatus::MissingFilled(p) if p.len() == 1));
    // The first tile is there.
    let first = Region::new([0; 5], [1, 1, 1, 100, 90]);
    let sound = open(&made("tiles.j2k"), &OpenOptions::default()).unwrap();
    assert!(out.crop(&first) == read(sound.images()[0].as_ref(), 0, &first));
}
