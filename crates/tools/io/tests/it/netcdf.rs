//! netCDF-4 files: conformance, round trips, coordinates of every kind, groups, damage.

use std::path::{Path, PathBuf};

use hooke_core::{Channel, Dtype, ImageMeta, Pixels, Region, Sourced};
use hooke_io::hdf5::Hdf5Settings;
use hooke_io::netcdf::{self, Attribute, File, Values, Writer};
use hooke_io::{OpenOptions, open};

use crate::harness::*;

#[test]
fn a_file_of_xarray_agrees() {
    let Some(folder) = conformance() else { return };
    check_conformance(&folder, "image.nc", 1e-12);
    check_damage(&folder.join("image.nc"), &[]);
    let dataset = open(&folder.join("image.nc"), &OpenOptions::default()).unwrap();
    let meta = dataset.images()[0].meta();
    assert_eq!(meta.frame_interval_s, Some(0.5));
    let vendor = meta.vendor.as_ref().unwrap();
    assert_eq!(vendor["coordinates"]["x"]["units"], "micrometer");
    assert!(vendor["attributes"].get("_FillValue").is_some(), "{vendor}");
}

fn written(folder: &Path, meta: &ImageMeta, pixels: &Pixels, dataset: &str) -> PathBuf {
    let path = folder.join("a.nc");
    let chunk = [1, 2, 2, 4, 6];
    let settings = Hdf5Settings { dataset: dataset.to_owned(), chunk, ..Hdf5Settings::default() };
    let sink = netcdf::create(&path, meta, &settings).unwrap();
    write_blocks(&sink, pixels, [1, 1, 2, 5, 1]);
    path
}

#[test]
fn every_type_and_shape_round_trips() {
    let folder = tempfile::tempdir().unwrap();
    for dtype in Dtype::ALL {
        for (axes, shape) in SHAPES {
            for dataset in ["image", "/a/b"] {
                let pixels = pattern(dtype, shape, 3);
                let meta = described(dataset.trim_matches('/'), axes, shape, dtype);
                let path = written(folder.path(), &meta, &pixels, dataset);
                let opened = open(&path, &OpenOptions::default()).unwrap();
                assert_eq!((opened.format(), opened.images().len()), ("netcdf", 1));
                assert!(opened.problems().is_empty(), "{:?}", opened.problems());
                let image = &opened.images()[0];
                assert_described(image.meta(), &meta);
                assert_eq!(image.meta().channels, meta.channels);
                assert!(read_whole(image.as_ref()) == pixels, "{dtype} {axes}");
            }
        }
    }
    let path = folder.path().join("a.nc");
    check_regions(open(&path, &OpenOptions::default()).unwrap().images()[0].as_ref(), 20);
    check_damage(&path, &[]);
}

#[test]
fn the_same_blocks_in_any_order_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let shape = [2, 2, 3, 6, 7];
    let (meta, pixels) =
        (described("i", "tczyx", shape, Dtype::Int16), pattern(Dtype::Int16, shape, 1));
    let write = |name: &str, step| {
        let path = folder.path().join(name);
        let sink = netcdf::create(&path, &meta, &Hdf5Settings::default()).unwrap();
        write_blocks(&sink, &pixels, step);
        std::fs::read(path).unwrap()
    };
    assert!(write("a.nc", [1; 5]) == write("b.nc", [2, 2, 3, 6, 7]));
}

#[test]
fn what_is_unknown_stays_unknown_and_single_planes_keep_their_size() {
    let folder = tempfile::tempdir().unwrap();
    let shape = [3, 2, 1, 4, 5];
    let mut meta = described("image", "tczyx", shape, Dtype::Uint16);
    meta.voxel_size_um = [Sourced::file(1.5), Sourced::unknown(), Sourced::file(0.1)];
    meta.origin_um = [Sourced::file(-2.0), Sourced::unknown(), Sourced::unknown()];
    meta.frame_times_s = Some(vec![0.0, 0.11, 0.19]);
    meta.channels[0].name = None;
    meta.channels[1].emission_nm = Some(520.0);
    meta.significant_bits = 12;
    let pixels = pattern(Dtype::Uint16, shape, 2);
    let path = written(folder.path(), &meta, &pixels, "image");
    let opened = open(&path, &OpenOptions::default()).unwrap();
    let found = opened.images()[0].meta();
    assert_described(found, &meta);
    assert_eq!(found.frame_times_s, meta.frame_times_s);
    assert_eq!((&found.channels, found.significant_bits), (&meta.channels, 12));
    assert!(netcdf::lost_items(&meta).is_empty());
    meta.origin_um[1] = Sourced::file(3.0);
    assert_eq!(netcdf::lost_items(&meta).len(), 1);
    // Even times at another interval than was asked for.
    meta.frame_times_s = Some(vec![0.0, 0.11, 0.22]);
    let path = written(folder.path(), &meta, &pixels, "image");
    let found = open(&path, &OpenOptions::default()).unwrap().images()[0].meta().clone();
    assert_eq!((found.frame_interval_s, &found.frame_times_s), (Some(0.1), &meta.frame_times_s));
}

#[test]
fn the_only_channel_keeps_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let shape = [1, 1, 2, 4, 5];
    let mut meta = described("image", "zyx", shape, Dtype::Uint16);
    meta.channels = vec![Channel { name: Some("DAPI".to_owned()), ..Channel::default() }];
    let path = written(folder.path(), &meta, &pattern(Dtype::Uint16, shape, 2), "image");
    let opened = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(opened.images()[0].meta().channels, meta.channels);
}

/// Opens a file of one image `a` over `z, y, x` of 2 x 3 x 4 voxels with coordinates along x.
fn with_x(x: Values, attributes: &[(&str, Attribute)]) -> (ImageMeta, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nc");
    let mut writer = Writer::default();
    for (name, length) in [("z", 2), ("y", 3), ("x", 4)] {
        writer.dimension(name, length);
    }
    writer.variable("a", &["z", "y", "x"], Values::numbers((0..24u8).collect()), &[]);
    writer.variable("x", &["x"], x, attributes);
    writer.write(&path).unwrap();
    let opened = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(opened.images().len(), 1);
    let codes = opened.problems().iter().map(|p| p.code.clone()).collect();
    (opened.images()[0].meta().clone(), codes)
}

#[test]
fn coordinates_give_size_and_place_or_a_reason_why_not() {
    let unit = |unit: &str| [("units", Attribute::from(unit))];
    let (meta, problems) = with_x(Values::numbers(vec![2i32, 4, 6, 8]), &unit("nanometers"));
    assert_close(meta.voxel_size_um[2].value, Some(2e-3), 1e-12);
    assert_close(meta.origin_um[2].value, Some(2e-3), 1e-12);
    assert_eq!((problems.len(), meta.voxel_size_um[0].value), (0, None));
    let (meta, problems) = with_x(Values::numbers(vec![3.0f32, 2.9, 2.8, 2.7]), &unit("mm"));
    assert_close(meta.voxel_size_um[2].value, Some(100.0), 1e-6);
    assert_eq!(problems, ["metadata-invalid"]);
    for x in [vec![0.0, 1.0, 2.0, 3.1], vec![1.0; 4]] {
        let (meta, problems) = with_x(Values::numbers(x), &unit("um"));
        assert_eq!(
            (meta.voxel_size_um[2].value, problems),
            (None, vec!["metadata-invalid".into()])
        );
        assert!(meta.origin_um[2].value.is_some());
    }
    let (meta, problems) = with_x(Values::numbers(vec![0.0, f64::NAN, 2.0, 3.0]), &unit("um"));
    assert_eq!((meta.origin_um[2].value, problems), (None, vec!["metadata-invalid".into()]));
    for attributes in [&unit("pixel")[..], &unit("s"), &[]] {
        let (meta, problems) = with_x(Values::numbers(vec![0.0, 1.0, 2.0, 3.0]), attributes);
        assert_eq!((meta.voxel_size_um[2].value, problems), (None, vec!["unit-unknown".into()]));
    }
    let (meta, problems) = with_x(Values::texts(["a", "b", "c", "d"]), &[]);
    assert_eq!((meta.voxel_size_um[2].value, problems.len()), (None, 0));
}

#[test]
fn variables_in_groups_find_the_dimensions_above_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("groups.nc");
    let mut writer = Writer::default();
    writer.attribute("title", "two fields");
    writer.dimension("x", 3);
    writer.dimension("field2/height", 2);
    writer.dimension("field10/x", 3);
    writer.dimension("field10/row", 2);
    let step = |n: f64| Values::numbers(vec![0.0, n, 2.0 * n]);
    let um = [("units", Attribute::from("µm"))];
    writer.variable("x", &["x"], step(0.5), &um);
    writer.variable("field10/x", &["x"], step(0.25), &um);
    let height = [("units", Attribute::from("um")), ("axis", "Y".into())];
    writer.variable("field2/height", &["height"], Values::numbers(vec![1.0, 3.0]), &height);
    writer.variable("field2/a", &["height", "x"], Values::numbers(vec![1i8; 6]), &[]);
    let scaled = [("scale_factor", Attribute::from(0.5)), ("coordinates", "lon".into())];
    writer.variable("field10/a", &["row", "x"], Values::numbers(vec![2u64; 6]), &scaled);
    writer.variable("field10/lon", &["row", "x"], Values::numbers(vec![0.5f32; 6]), &[]);
    writer.write(&path).unwrap();

    let opened = open(&path, &OpenOptions::default()).unwrap();
    let images: Vec<&ImageMeta> = opened.images().iter().map(|i| i.meta()).collect();
    let names: Vec<&str> = images.iter().map(|m| m.dataset.as_deref().unwrap()).collect();
    assert_eq!(names, ["/field2/a", "/field10/a"]);
    assert_eq!(images[0].voxel_size_um.map(|v| v.value), [None, Some(2.0), Some(0.5)]);
    assert_eq!(images[0].axes_from, hooke_core::Origin::File);
    // `row` is no axis; what is assumed is said.
    assert_eq!(images[1].voxel_size_um[2].value, Some(0.25));
    assert_eq!(images[1].axes_from, hooke_core::Origin::Assumed);
    assert_eq!(
        opened.problems().iter().map(|p| p.code.as_str()).collect::<Vec<_>>(),
        ["axes-assumed"]
    );
    let vendor = images[1].vendor.as_ref().unwrap();
    assert_eq!(vendor["attributes"]["scale_factor"], 0.5);
    assert_eq!(vendor["file"]["title"], "two fields");

    let how = |dataset: &str| OpenOptions {
        dataset: Some(dataset.to_owned()),
        axes: Some("xy".to_owned()),
        ..OpenOptions::default()
    };
    let turned = open(&path, &how("/field10/lon")).unwrap();
    assert_eq!(turned.images()[0].meta().shape, [1, 1, 1, 3, 2]);
    let error = open(&path, &how("field2/b")).err().unwrap();
    assert!(error.to_string().contains("no variable `/field2/b`"), "{error}");
}

#[test]
fn tables_of_every_type_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.nc");
    let mut writer = Writer::default();
    writer.dimension("cell", 3);
    writer.dimension("pair", 2);
    let wide = Values::numbers(vec![i64::MAX, i64::MIN, 0]);
    writer.variable("cell", &["cell"], wide.clone(), &[]);
    let pairs = Values::numbers(vec![1.5f32, 2.5, -3.5, 4.0, 5.0, 6.0]);
    writer.variable("ends", &["cell", "pair"], pairs.clone(), &[]);
    let names = Values::texts(["mother", "", "Tochter µ"]);
    let limits = Attribute::Numbers(vec![1.0, 2.0]);
    writer.variable("name", &["cell"], names.clone(), &[("limits", limits.clone())]);
    writer.variable("count", &[], Values::numbers(vec![7u16]), &[]);
    writer.write(&path).unwrap();

    let file = File::open(&path).unwrap();
    let values = |path: &str| file.values(file.variable(path).unwrap()).unwrap();
    assert_eq!((values("cell"), values("/ends"), values("name")), (wide, pairs, names));
    assert_eq!(values("count"), Values::numbers(vec![7u16]));
    let ends = file.variable("ends").unwrap();
    let dimensions: Vec<_> =
        ends.dimensions.iter().map(|d| (d.name().unwrap(), d.length)).collect();
    // A dimension without coordinates has a name all the same.
    assert_eq!(dimensions, [("cell", 3), ("pair", 2)]);
    assert_eq!(file.coordinate(&ends.dimensions[0]).unwrap().path, "cell");
    assert!(file.coordinate(&ends.dimensions[1]).is_none() && file.variable("pair").is_none());
    let name = file.variable("name").unwrap();
    assert_eq!(file.attributes(name), [("limits".to_owned(), limits)]);
}

#[test]
fn what_contradicts_itself_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nc");
    let refused = |build: &dyn Fn(&mut Writer<'_>), wanted: &str| {
        let mut writer = Writer::default();
        writer.dimension("x", 2);
        build(&mut writer);
        let error = writer.write(&path).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
        assert!(!path.exists());
    };
    let two = || Values::numbers(vec![1u8, 2]);
    refused(&|w| w.variable("a", &["y"], two(), &[]), "`a` has the dimension `y`");
    refused(&|w| w.variable("a", &["x", "x"], two(), &[]), "`a` has 2 values where");
    refused(
        &|w| w.variable("x", &["x", "x"], Values::numbers(vec![0u8; 4]), &[]),
        "`x` is there twice",
    );
    refused(&|w| w.variable("a//b", &["x"], two(), &[]), "is not a path of names");
    refused(
        &|w| w.variable("a", &["x", "x"], Values::texts(["a"; 4]), &[]),
        "texts have one dimension",
    );
    refused(&|w| w.dimension("x", 3), "`x` is there twice");
}

/// Scales are found through a reference, whatever the groups look like inside.
#[test]
fn scales_are_found_in_files_of_every_generation() {
    use rust_hdf5::{H5File, LibverBound};
    let folder = tempfile::tempdir().unwrap();
    for (bound, user_block) in
        [(LibverBound::Earliest, 0), (LibverBound::V18, 512), (LibverBound::V110, 0)]
    {
        let path = folder.path().join("a.nc");
        let options = H5File::options().no_locking().libver(bound).userblock(user_block);
        let file = options.create(&path).unwrap();
        let group = file.create_group("deep").unwrap().create_group("er").unwrap();
        // So many that no group's header holds them all.
        for n in 0..60 {
            let filler = group.new_dataset::<u8>().shape([1usize]);
            filler.create(&format!("filler{n}")).unwrap().write_raw(&[0u8]).unwrap();
        }
        let image = group.new_dataset::<u16>().shape([2usize, 3]).create("image").unwrap();
        image.write_raw(&[1u16; 6]).unwrap();
        for (axis, name, values) in [(0, "y", vec![1.0, 3.0]), (1, "x", vec![0.5, 0.75, 1.0])] {
            let scale = group.new_dataset::<f64>().shape([values.len()]).create(name).unwrap();
            scale.write_raw(&values).unwrap();
            scale.set_scale(Some(name)).unwrap();
            let unit = scale.new_attr::<rust_hdf5::types::VarLenUnicode>().shape(());
            unit.create("units").unwrap().write_string("um").unwrap();
            image.attach_scale(axis, &scale).unwrap();
        }
        file.close().unwrap();
        let opened = open(&path, &OpenOptions::default()).unwrap();
        assert_eq!(opened.images().len(), 1);
        let meta = opened.images()[0].meta();
        assert_eq!(meta.axes_from, hooke_core::Origin::File, "{bound:?}");
        assert_eq!(meta.voxel_size_um.map(|v| v.value), [None, Some(2.0), Some(0.25)]);
        assert_eq!(meta.origin_um.map(|v| v.value), [None, Some(1.0), Some(0.5)]);
        check_damage(&path, &[]);
    }
}

#[test]
fn a_file_without_the_attribute_of_netcdf_is_known_by_its_suffix() {
    let folder = tempfile::tempdir().unwrap();
    let Some(conformance) = conformance() else { return };
    let path = folder.path().join("plain.NC");
    std::fs::copy(conformance.join("natural_order.h5"), &path).unwrap();
    let opened = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(opened.format(), "netcdf");
    assert!(opened.problems().iter().all(|p| p.code == "axes-assumed"));
    let plain = open(&conformance.join("natural_order.h5"), &OpenOptions::default()).unwrap();
    assert_eq!(opened.images().len(), plain.images().len());
    for (a, b) in opened.images().iter().zip(plain.images()) {
        let whole = Region::whole(a.meta().shape);
        assert!(read(a.as_ref(), 0, &whole) == read(b.as_ref(), 0, &whole));
    }
}
