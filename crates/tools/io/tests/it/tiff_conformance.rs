//! TIFF files of the real tools, read to their listed pixels and metadata.

use hooke_core::{Dataset, Dtype, Origin, Pixels, Region};
use hooke_io::{OpenOptions, open};
use serde_json::{Value, json};

use crate::harness::{assert_close, check_conformance, conformance, read_whole};

fn opened(path: &std::path::Path) -> Box<dyn Dataset> {
    open(path, &OpenOptions::default()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn every_tiff_of_the_real_tools_reads_to_its_listed_pixels_and_metadata() {
    let Some(folder) = conformance() else { return };
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let mut files = 0;
    for (name, wanted) in expected.iter().filter(|(n, _)| n.ends_with(".tif")) {
        check_conformance(&folder, name, 1e-6);
        let dataset = opened(&folder.join(name));
        let images = wanted["images"].as_array().unwrap();
        for (image, wanted) in dataset.images().iter().zip(images) {
            let meta = image.meta();
            if wanted.get("axes_from").is_some() {
                assert_eq!(json!(meta.axes_from), wanted["axes_from"], "{name}");
            }
            for size in meta.voxel_size_um {
                assert_eq!(size.value.is_some(), size.from == Origin::File, "{name}");
            }
            assert_close(meta.frame_interval_s, wanted["frame_interval_s"].as_f64(), 1e-6);
            let list = |of: fn(&hooke_core::Channel) -> &Option<String>| {
                json!(meta.channels.iter().map(of).collect::<Vec<_>>())
            };
            if wanted.get("channels").is_some() {
                assert_eq!(list(|c| &c.name), wanted["channels"], "{name}");
            }
            if wanted.get("colors").is_some() {
                assert_eq!(list(|c| &c.color), wanted["colors"], "{name}");
            }
            if wanted.get("levels").is_some() {
                let found: Vec<_> =
                    image.levels().iter().map(|l| meta.axes.pick(&l.shape)).collect();
                assert_eq!(json!(found), wanted["levels"], "{name}");
            }
        }
        files += 1;
    }
    assert!(files >= 18, "only {files} files are listed");
}

#[test]
fn levels_of_a_pyramid_are_read_each_from_its_own_directory() {
    let Some(folder) = conformance() else { return };
    let dataset = opened(&folder.join("ome_pyramid.ome.tif"));
    let image = &dataset.images()[0];
    let base = read_whole(image.as_ref());
    let base = base.as_slice::<u16>().unwrap();
    for (l, level) in image.levels().iter().enumerate().skip(1) {
        let f = 1 << l;
        assert_eq!(level.factors, [1.0, f64::from(f), f64::from(f)]);
        let mut pixels = Pixels::zeros(Dtype::Uint16, [0; 5]);
        image.read(l, &Region::whole(level.shape), &mut pixels).unwrap();
        // tifffile was given every second (fourth) pixel.
        assert_eq!(pixels.as_slice::<u16>().unwrap()[1], base[f as usize], "level {l}");
    }
}

#[test]
fn stage_tags_of_metaxpress_give_sizes_and_positions() {
    let Some(shared) = hooke_testdata::shared(env!("CARGO_MANIFEST_DIR")) else {
        println!("SKIPPED: no shared test data");
        return;
    };
    let mut origins = Vec::new();
    for z in ["ZStep_1", "ZStep_2"] {
        let entries = std::fs::read_dir(shared.join("data/stitch/imagexpress").join(z)).unwrap();
        let mut paths: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let dataset = opened(&path);
            let meta = dataset.images()[0].meta();
            assert_eq!((meta.axes.to_string().as_str(), meta.shape), ("yx", [1, 1, 1, 512, 512]));
            let sizes = meta.voxel_size_um.map(|s| s.value);
            assert_eq!(sizes, [None, Some(1.3668), Some(1.3668)]);
            origins.push(meta.origin_um.map(|o| o.value.unwrap()));
            assert!(meta.channels[0].name.is_some() && meta.channels[0].emission_nm.is_some());
            let pixels = read_whole(dataset.images()[0].as_ref());
            assert!(pixels.as_slice::<u16>().unwrap().iter().any(|v| *v > 100));
        }
    }
    assert_eq!(origins.len(), 8);
    // Two channels of site 1, two of site 2, then the next plane.
    let step = origins[2][2] - origins[0][2];
    assert!((step - 699.9).abs() < 0.2, "sites are {step} um apart");
    assert_eq!(origins[0][1], 41385.4);
    assert!(origins[4][0] != origins[0][0]);
}
