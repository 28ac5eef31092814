//! The metadata: what the specification says, what nobody knows, labels, collections.

use hooke_core::{Axes, Channel, Downsample, Dtype, ImageMeta, ImageSink, Sourced};
use hooke_io::ome_zarr::{Levels, Ngff, WriteOptions, create, create_label};
use hooke_io::{OpenOptions, ome_zarr, open};

use super::{scratch, small};
use crate::harness::{described, pattern, write_blocks};

#[test]
fn what_nobody_knows_stays_unknown() {
    let folder = scratch();
    let path = folder.path().join("a.zarr");
    let meta = ImageMeta::new("a", Axes::TCZYX, [2, 1, 3, 600, 5], Dtype::Uint8);
    let sink = create(&path, &meta, &WriteOptions::default()).unwrap();
    assert!(sink.levels().len() > 1);
    sink.finish().unwrap();
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    let found = dataset.images()[0].meta();
    assert_eq!(found.voxel_size_um, [Sourced::unknown(); 3]);
    assert_eq!(found.origin_um, [Sourced::unknown(); 3]);
    assert_eq!((found.frame_interval_s, found.channels.len()), (None, 0));
    assert_eq!(dataset.problems()[0].code, "unit-unknown");
    // A colour that is not known is white, since the format demands one; names stay as they are.
    let path = folder.path().join("b.zarr");
    let mut meta = ImageMeta::new("b", Axes::TCZYX, [1, 2, 1, 4, 4], Dtype::Uint8);
    meta.channels =
        vec![Channel { name: Some("n".into()), ..Channel::default() }, Channel::default()];
    create(&path, &meta, &WriteOptions::default()).unwrap().finish().unwrap();
    let found = open(&path, &OpenOptions::default()).unwrap().images()[0].meta().channels.clone();
    assert_eq!(found[0].name.as_deref(), Some("n"));
    assert_eq!(found[1].name, None);
    assert_eq!(found[1].color.as_deref(), Some("#FFFFFF"));
}

#[test]
fn what_the_specification_has_no_place_for_is_kept_beside_it() {
    let folder = scratch();
    for ngff in [Ngff::V04, Ngff::V05] {
        let path = folder.path().join(format!("{}.zarr", ngff.version()));
        let mut meta = described("a", "tyx", [3, 1, 1, 6, 7], Dtype::Uint16);
        meta.voxel_size_um[0] = Sourced::file(2.0);
        meta.origin_um[0] = Sourced::file(-4.5);
        meta.frame_times_s = Some(vec![0.0, 0.11, 0.19]);
        meta.significant_bits = 12;
        let how = WriteOptions { ngff, ..WriteOptions::default() };
        create(&path, &meta, &how).unwrap().finish().unwrap();
        let opened = open(&path, &OpenOptions::default()).unwrap();
        let found = opened.images()[0].meta();
        assert_eq!(found.voxel_size_um, meta.voxel_size_um);
        assert_eq!(found.origin_um, meta.origin_um);
        assert_eq!(found.frame_times_s, meta.frame_times_s);
        assert_eq!(found.significant_bits, 12);
    }
}

#[test]
fn levels_lie_where_their_windows_are() {
    let folder = scratch();
    for (method, shift) in [(Downsample::Mean, 0.5), (Downsample::Nearest, 0.0)] {
        let path = folder.path().join(format!("{}.zarr", method.name()));
        let mut meta = ImageMeta::new("a", Axes::ZYX, [1, 1, 4, 16, 16], Dtype::Uint16);
        meta.voxel_size_um = [Sourced::file(2.0), Sourced::file(0.5), Sourced::file(0.5)];
        meta.origin_um = [Sourced::file(10.0), Sourced::file(-1.0), Sourced::file(3.0)];
        let how = WriteOptions {
            levels: Levels::Count(3),
            factors: vec![[1, 2, 2], [2, 2, 2]],
            downsample: Some(method),
            ..WriteOptions::default()
        };
        create(&path, &meta, &how).unwrap().finish().unwrap();
        let text = std::fs::read(path.join("zarr.json")).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let levels = &value["attributes"]["ome"]["multiscales"][0]["datasets"];
        let at = |n: usize| levels[n]["coordinateTransformations"].clone();
        assert_eq!(at(1)[0]["scale"], serde_json::json!([2.0, 1.0, 1.0]));
        assert_eq!(at(2)[0]["scale"], serde_json::json!([4.0, 2.0, 2.0]));
        let y = -1.0 + 3.0 * shift * 0.5;
        let x = 3.0 + 3.0 * shift * 0.5;
        let z = 10.0 + shift * 2.0;
        assert_eq!(at(2)[1]["translation"], serde_json::json!([z, y, x]));
        let image = open(&path, &OpenOptions::default()).unwrap().images()[0].clone();
        assert_eq!(image.levels()[2].factors, [2.0, 4.0, 4.0]);
    }
}

#[test]
fn metadata_is_what_the_specification_says() {
    let folder = scratch();
    let meta = described("a", "tczyx", [2, 2, 3, 6, 7], Dtype::Uint16);
    let path = folder.path().join("a.zarr");
    create(&path, &meta, &small(Ngff::V05)).unwrap().finish().unwrap();
    let text = std::fs::read(path.join("zarr.json")).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let ome = value["attributes"]["ome"].clone();
    let strict: ome_zarr_metadata::v0_5::OmeFields = serde_json::from_value(ome).unwrap();
    assert_eq!(strict.multiscales.unwrap()[0].axes.len(), 5);
    let path = folder.path().join("b.zarr");
    create(&path, &meta, &small(Ngff::V04)).unwrap().finish().unwrap();
    let text = std::fs::read(path.join(".zattrs")).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let strict: ome_zarr_metadata::v0_4::OmeNgffGroupAttributes =
        serde_json::from_value(value).unwrap();
    assert_eq!(strict.multiscales.unwrap()[0].datasets.len(), 1);
}

#[test]
fn sizes_that_are_none_are_refused() {
    let folder = scratch();
    for (n, bad) in [0.0, -1.0, f64::NAN, f64::INFINITY].into_iter().enumerate() {
        let mut meta = meta_of(Dtype::Uint8);
        meta.voxel_size_um[1] = Sourced::user(bad);
        let path = folder.path().join(n.to_string());
        assert_eq!(create(&path, &meta, &small(Ngff::V05)).unwrap_err().code(), "metadata-invalid");
        assert!(!path.exists());
    }
}

#[test]
fn labels_are_listed_in_their_container_when_finished() {
    let folder = scratch();
    for ngff in [Ngff::V04, Ngff::V05] {
        let path = folder.path().join(ngff.version());
        let meta = described("a", "zyx", [1, 1, 4, 8, 16], Dtype::Uint8);
        let sink = create(&path, &meta, &small(ngff)).unwrap();
        sink.finish().unwrap();
        let ids = ImageMeta { dtype: Dtype::Uint32, ..meta.clone() };
        for name in ["cells", "nuclei"] {
            let sink = create_label(&path, name, &ids, &small(ngff)).unwrap();
            assert_eq!(sink.downsample(), Downsample::Mode);
            let before = open(&path, &OpenOptions::default()).unwrap().images().len();
            write_blocks(&sink, &pattern(Dtype::Uint32, ids.shape, 2), [1; 5]);
            let after = open(&path, &OpenOptions::default()).unwrap();
            assert_eq!(after.images().len(), before + 1);
            let last = after.images().last().unwrap();
            assert!(last.meta().labels && last.meta().name == name);
            assert!(after.problems().is_empty(), "{:?}", after.problems());
        }
        assert!(create_label(&path, "a/b", &ids, &small(ngff)).is_err());
        assert!(create_label(&path, "x", &meta_of(Dtype::Float32), &small(ngff)).is_err());
    }
}

fn meta_of(dtype: Dtype) -> ImageMeta {
    described("a", "zyx", [1, 1, 4, 8, 16], dtype)
}

#[test]
fn a_collection_of_images_is_one_container() {
    let folder = scratch();
    for ngff in [Ngff::V04, Ngff::V05] {
        let path = folder.path().join(ngff.version());
        for n in 0..3u64 {
            let meta = described(&format!("p{n}"), "yx", [1, 1, 1, 4, 5 + n], Dtype::Uint8);
            create(&path.join(n.to_string()), &meta, &small(ngff)).unwrap().finish().unwrap();
        }
        ome_zarr::finish_collection(&path, ngff).unwrap();
        let dataset = open(&path, &OpenOptions::default()).unwrap();
        let names: Vec<_> = dataset.images().iter().map(|i| i.meta().name.clone()).collect();
        assert_eq!(names, ["p0", "p1", "p2"]);
    }
}
