//! Real recordings and other tools' answers, where the shared folder is there.

use std::path::PathBuf;

use crate::hooke::Bench;

fn shared(part: &str) -> Option<PathBuf> {
    let found = hooke_testdata::shared(env!("CARGO_MANIFEST_DIR"))
        .map(|s| s.join(part))
        .filter(|p| p.exists());
    if found.is_none() {
        println!("SKIPPED: no shared folder with {part}");
    }
    found
}

#[test]
fn real_brain_texture_is_placed_within_a_few_hundredths_of_a_pixel() {
    let Some(data) = shared("data/stitch") else { return };
    let bench = Bench::new();
    let truth: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(data.join("texture3.truth.json")).unwrap())
            .unwrap();
    let mut archive =
        zip::ZipArchive::new(std::fs::File::open(data.join("texture3.npz")).unwrap()).unwrap();
    let mut rows = String::from("path,name,z_px,y_px,x_px\n");
    for tile in truth["tiles"].as_array().unwrap() {
        let name = tile["name"].as_str().unwrap();
        let mut file = std::fs::File::create(bench.path(&format!("{name}.npy"))).unwrap();
        std::io::copy(&mut archive.by_name(&format!("{name}.npy")).unwrap(), &mut file).unwrap();
        let p = tile["nominal"].as_array().unwrap();
        rows += &format!("{name}.npy,{name},{},{},{}\n", p[0], p[1], p[2]);
    }
    bench.write("tiles.csv", rows);
    bench.write("truth.json", truth.to_string());
    bench.ok("stitch run tiles.csv -o v.ome.zarr --max-shift z=4,y=10,x=10 -q");
    let score = bench.json("score tiles v.ome.zarr.layout.json truth.json");
    let (rms, max) = (
        score["result"]["positions"]["rms_px"].as_f64().unwrap(),
        score["result"]["positions"]["max_px"].as_f64().unwrap(),
    );
    println!("texture3: rms {rms:.4} px, max {max:.4} px");
    assert!(rms <= 0.03 && max <= 0.06, "rms {rms}, max {max}");
}

#[test]
fn metaxpress_tiles_are_placed_by_their_stage_tags() {
    let Some(data) = shared("data/stitch/imagexpress/ZStep_1") else { return };
    let bench = Bench::new();
    for entry in std::fs::read_dir(&data).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        std::fs::copy(entry.path(), bench.path(&name)).unwrap();
    }
    let pattern = "'Projection-Mix_E07_s<N>_w1<ID,S,36>.tif'";
    // Sites are numbered, not a grid: positions come from the files.
    bench.ok("stitch detect a_1.tif a_2.tif");
    let mut rows = String::from("path\n");
    for entry in std::fs::read_dir(bench.folder()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.contains("_w1") {
            rows += &format!("{name}\n");
        }
    }
    bench.write("tiles.csv", rows);
    let ran = bench.ok("stitch run tiles.csv -o well.ome.zarr");
    assert!(ran.err.contains("no_links"), "{pattern}: {}", ran.err);
    let layout = bench.read_json("well.ome.zarr.layout.json");
    let x: Vec<f64> = layout["tiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["position_px"][2].as_f64().unwrap())
        .collect();
    let y: Vec<f64> = layout["tiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["position_px"][1].as_f64().unwrap())
        .collect();
    let step = (x[0] - x[1]).abs().max((y[0] - y[1]).abs());
    assert!((step - 512.0).abs() < 0.6, "the stage moved one field of view: {step} px");
}
