//! Picture operations against the shared answers.

use hooke_lineage::contour::{cells_in_frame, find_contours};
use hooke_lineage::imgops::*;
use ndarray::{Array2, array};

use crate::kit::answers;
use crate::kit_arrays::*;

#[test]
fn windows_are_cut_and_stitched_as_in_the_shared_answers() {
    let (Some(arrays), Some(answers)) = (arrays("imgops.npz"), answers("imgops.json")) else {
        return;
    };
    let cases = answers["cases"].as_array().unwrap();
    for (i, case) in cases.iter().filter(|c| c.get("overlap").is_some()).enumerate() {
        let get = |name: &str| &arrays[&format!("w{i}_{name}")];
        let target = pair(&case["target"]).map(|n| n as usize);
        let overlap = case["overlap"].as_u64().unwrap() as usize;
        let image = picture(get("image"), |v| v as f32);
        let windows = create_windows(image.view(), target, overlap).unwrap();
        assert_eq!(windows.stack, stack(get("windows"), |v| v as f32), "{i}");
        let wide =
            |name: &str| pairs(get(name)).iter().map(|p| p.map(i64::from)).collect::<Vec<_>>();
        assert_eq!((&windows.loc_y, &windows.loc_x), (&wide("loc_y"), &wide("loc_x")), "{i}");
        let results = stack(get("results"), |v| v as f32);
        let stitched = stitch_pic(results.view(), &windows.loc_y, &windows.loc_x).unwrap();
        assert_eq!(stitched, picture(get("stitched"), |v| v as f32), "{i}");
    }
}

#[test]
fn small_pictures_have_one_window_and_stitching_gives_the_picture_back() {
    let image = Array2::from_shape_fn((5, 140), |(y, x)| (y * 1000 + x) as f32);
    let windows = create_windows(image.view(), [64, 32], 24).unwrap();
    let stitched = stitch_pic(windows.stack.view(), &windows.loc_y, &windows.loc_x).unwrap();
    assert_eq!(stitched.slice(ndarray::s![..5, ..140]), image);
    assert!(create_windows(image.view(), [64, 24], 24).is_err());
    assert!(stitch_pic(windows.stack.view(), &windows.loc_y, &windows.loc_x[1..]).is_err());
    let gap = [[0, 32], [40, 72]];
    assert!(stitch_pic(ndarray::Array3::zeros((2, 64, 32)).view(), &[[0, 64]], &gap).is_err());
}

#[test]
fn pictures_turn_zoom_and_move_as_in_the_shared_answers() {
    let (Some(arrays), Some(answers)) = (arrays("imgops.npz"), answers("imgops.json")) else {
        return;
    };
    let image = picture(&arrays["a_image"], |v| v as f32);
    for case in answers["cases"].as_array().unwrap() {
        let Some(i) = case["affine"].as_u64() else { continue };
        let number = |name: &str| case[name].as_f64().unwrap();
        let shift = numbers(&case["shift"]);
        let order = case["order"].as_u64().unwrap();
        let interpolation =
            if order == 0 { Interpolation::Nearest } else { Interpolation::Bilinear };
        let shift = [shift[0], shift[1]];
        let found =
            affine_transform(image.view(), number("zoom"), number("angle"), shift, interpolation);
        let wanted = picture(&arrays[&format!("a{i}_out")], |v| v as f32);
        let whole = number("angle") == 0.0 && number("zoom") == 1.0;
        if order == 1 {
            assert_near(
                found.view(),
                wanted.view(),
                if whole { 1e-6 } else { 2e-2 },
                &format!("a{i}"),
            );
        } else {
            let same = found.iter().zip(&wanted).filter(|(f, w)| f == w).count();
            assert!(same * 100 >= wanted.len() * 99, "a{i}: {same} of {}", wanted.len());
        }
    }
}

#[test]
fn turning_back_and_moving_back_restore_the_middle() {
    let image = Array2::from_shape_fn((41, 60), |(y, x)| (y as f32 * 0.02).sin() + x as f32 * 0.01);
    let there = rotate(rotate(image.view(), 7.0).view(), -7.0);
    let moved = correct_drift(image.view(), [3.5, -2.25]);
    let back = correct_drift(moved.view(), [-3.5, 2.25]);
    for (y, x) in [(20, 30), (15, 22), (25, 40)] {
        assert!((there[[y, x]] - image[[y, x]]).abs() < 1e-3);
        assert!((back[[y, x]] - image[[y, x]]).abs() < 1e-4);
        assert!((moved[[y, x]] - image[[y, x]] - 0.035).abs() < 0.05);
    }
}

#[test]
fn resized_pictures_are_the_shared_ones() {
    let Some(arrays) = arrays("imgops.npz") else { return };
    let image = picture(&arrays["a_image"], |v| v as f32);
    for name in ["r0", "r1", "r2", "r3"] {
        let wanted = picture(&arrays[&format!("{name}_resized")], |v| v as f32);
        let found = resize_image(image.view(), wanted.dim().into()).unwrap();
        assert_near(found.view(), wanted.view(), 1e-5, name);
    }
    let image = rescale(mask(&arrays["rr_u8"]).view());
    for name in ["rr_resize", "rr_resize_up"] {
        let wanted = picture(&arrays[name], |v| v as f32);
        let shape = wanted.dim().into();
        let found = resize_antialiased(image.view(), shape, Interpolation::Bilinear).unwrap();
        assert_near(found.view(), wanted.view(), 1e-5, name);
    }
    let wanted = mask(&arrays["rr_bin"]);
    let small =
        resize_antialiased(image.view(), wanted.dim().into(), Interpolation::Nearest).unwrap();
    assert_eq!(binarize(small.view(), None), wanted);
    let wanted = picture(&arrays["rr_pad"], |v| v as f32);
    assert_near(pad_to(image.view(), [64, 32]).view(), wanted.view(), 1e-6, "rr_pad");
    assert!(resize_image(image.view(), [0, 3]).is_err());
}

#[test]
fn boxes_are_the_shared_ones() {
    let (Some(arrays), Some(answers)) = (arrays("imgops.npz"), answers("imgops.json")) else {
        return;
    };
    let image = picture(&arrays["a_image"], |v| v as f32);
    for case in answers["boxes"].as_array().unwrap() {
        let box_ = |value: &serde_json::Value| -> CropBox {
            serde_json::from_value(value.clone()).unwrap()
        };
        let crop_box = box_(&case["box"]);
        assert_eq!(crop_box.shape().map(|n| n as i32), pair(&case["shape"]));
        assert_eq!(crop_box.size() as u64, case["size"].as_u64().unwrap());
        let (fx, fy) = (case["fx"].as_f64().unwrap(), case["fy"].as_f64().unwrap());
        assert_eq!(crop_box.resize(fx, fy).unwrap(), box_(&case["resized"]));
        let mut patched = Array2::zeros(image.dim());
        let ones = Array2::ones(crop_box.shape());
        let patch = crop_box.patch(&mut patched.view_mut(), ones.view());
        assert_eq!(patch.is_ok(), case.get("patch_ones_sum").is_some(), "{case}");
        if let Some(sum) = case.get("crop_of_a_image_sum") {
            let found: f64 = crop_box.crop(image.view()).iter().map(|v| f64::from(*v)).sum();
            assert!((found - sum.as_f64().unwrap()).abs() < 1e-2, "{case}");
            let wanted = case["patch_ones_sum"].as_f64().unwrap();
            assert_eq!(patched.iter().sum::<f32>() as f64, wanted, "{case}");
        }
    }
    let shapes = arrays_of_contours();
    for case in answers["tracking_box"].as_array().unwrap() {
        let mask = mask(&shapes[&format!("{}_mask", case["name"].as_str().unwrap())]);
        let contour = &find_contours(mask.view())[0];
        let found = tracking_box(contour, pair(&case["shape"]).map(|n| n as usize));
        assert_eq!(serde_json::to_value(found).unwrap(), case["box"]);
    }
    for case in answers["resizing_tolerable"].as_array().unwrap() {
        let [shape, target] = ["shape", "target"].map(|k| pair(&case[k]).map(|n| n as usize));
        let fits = resize_fits(shape, target, case["factor"].as_f64().unwrap());
        assert_eq!(fits, case["ok"].as_bool().unwrap(), "{case}");
    }
}

fn arrays_of_contours() -> Arrays {
    arrays("contours.npz").unwrap()
}

#[test]
fn boxes_from_outside_are_checked() {
    let crop_box = CropBox { xtl: -3, ytl: 2, xbr: 4, ybr: 9 };
    assert!(crop_box.validate([8, 8]).is_ok());
    assert!(CropBox { xbr: i64::MAX, ..crop_box }.validate([8, 8]).is_err());
    assert!(CropBox { xbr: -1, ..crop_box }.validate([8, 8]).is_err());
    assert_eq!(CropBox { xtl: i64::MIN, xbr: -7, ytl: 5, ybr: 2 }.shape()[0], 0);
    assert!(crop_box.resize(-1.0, 1.0).is_err());
    assert_eq!(CropBox::full([3, 5]).shape(), [3, 5]);
}

#[test]
fn masks_and_labels_are_the_shared_ones() {
    let Some(arrays) = arrays("labels.npz") else { return };
    for s in ["s0", "s1", "s2"] {
        let get = |name: &str| &arrays[&format!("{s}_{name}")];
        let seg = mask(get("mask"));
        let label_picture = label_seg(seg.view(), None).unwrap();
        assert_eq!(label_picture, labels(get("label_seg")), "{s}");
        let ids: Vec<u32> = get("ids").values.iter().map(|v| *v as u32).collect();
        let with_ids = label_seg(seg.view(), Some(&ids)).unwrap();
        assert_eq!(with_ids, labels(get("label_seg_ids")), "{s}");
        assert!(label_seg(seg.view(), Some(&ids[1..])).is_err());
        let wanted: Vec<u32> = get("cells_in_frame").values.iter().map(|v| *v as u32).collect();
        assert_eq!(cells_in_frame(with_ids.view()), wanted, "{s}");
        let touching = picture(get("touching"), |v| v > 0.0);
        assert_eq!(detect_touching_cells(labels(get("touch")).view()), touching, "{s}");
        for k in [0, 1] {
            let wanted = labels(get(&format!("resize_labels{k}")));
            let found = resize_labels(with_ids.view(), wanted.dim().into(), false).unwrap();
            let differ = found.iter().zip(&wanted).filter(|(f, w)| f != w).count();
            assert_eq!(differ, 0, "{s} resize_labels{k}");
            let wanted = mask(get(&format!("resize_mask{k}")));
            let found = resize_mask(seg.view(), wanted.dim().into(), true).unwrap();
            let differ = found.iter().zip(&wanted).filter(|(f, w)| f != w).count();
            assert_eq!(differ, 0, "{s} resize_mask{k}");
        }
        assert_eq!(filter_areas(seg.view(), 80.0, None), mask(get("filter_areas_80")), "{s}");
        let distances = picture(get("distance"), |v| v as f32);
        assert_near(distance_transform_labels(with_ids.view()).view(), distances.view(), 1e-5, s);
        let logits = picture(get("logits"), |v| v as f32);
        assert_eq!(postprocess(logits.view(), 40, false), mask(get("postprocess")), "{s}");
        assert_eq!(postprocess(logits.view(), 20, true), mask(get("postprocess_crop")), "{s}");
        let found = filter_areas(seg.view(), 20.0, Some(120.0));
        assert_eq!(found, mask(get("filter_areas_20_120")), "{s}");
    }
}

#[test]
fn labels_that_touch_stay_apart_when_resized() {
    let labels = Array2::from_shape_fn((20, 30), |(_, x)| if x < 15 { 4 } else { 9 });
    let larger = resize_labels(labels.view(), [40, 61], false).unwrap();
    assert_eq!(cells_in_frame(larger.view()), [4, 9]);
    let apart = resize_labels(labels.view(), [40, 61], true).unwrap();
    assert!(!detect_touching_cells(apart.view()).iter().any(|t| *t));
    assert_eq!(cells_in_frame(apart.view()), [4, 9]);
}

#[test]
fn grey_values_go_to_one_and_back() {
    let image = array![[0_u16, 1], [40000, 65535]];
    let scaled = rescale(image.view());
    assert_eq!(scaled[[1, 1]], 1.0);
    assert_eq!(to_integer_values::<u8>(scaled.view()).unwrap(), array![[0, 0], [155, 255]]);
    assert!(to_integer_values::<u8>(array![[1.01]].view()).is_err());
    assert!(to_integer_values::<u8>(array![[f32::NAN]].view()).is_err());
    assert_eq!(binarize(scaled.view(), Some(0.7)), array![[0, 0], [0, 1]]);
    assert_eq!(binarize(scaled.view(), None), array![[0, 0], [1, 1]]);
    assert_eq!(binarize(Array2::<f32>::zeros((0, 0)).view(), None).len(), 0);
}
