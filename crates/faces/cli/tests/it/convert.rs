//! Any format to any format: the pixels and what is known about them survive.

use crate::hooke::Bench;

fn source() -> Bench {
    let bench = Bench::new();
    bench.ok("simulate tiles -o tiles --grid 1,1 --tile 9,50,70 --seed 4 -q");
    bench.ok("convert tiles/tile_0_0_0.tif -o a.ome.zarr --origin 10,-5.5,3 --channel-names DAPI --channel-colors #00FF00 --levels none -q");
    bench
}

#[test]
fn every_format_gives_back_the_same_pixels() {
    let bench = source();
    let wanted = bench.hash("a.ome.zarr");
    let names = [
        "b.tif",
        "b.ome.tif",
        "b.h5",
        "b.npy",
        "b.npz",
        "c.xml",
        "planes/",
        "b.n5",
        "d.xml",
        "e.xml",
        "b04.ome.zarr",
    ];
    for name in names {
        let more = match name {
            "b04.ome.zarr" => "--ngff 0.4",
            "e.xml" => "--bdv zarr --levels 2",
            "d.xml" => "--bdv n5 --levels 2",
            "b.n5" => "--levels 2 --compression zstd:5",
            _ => "",
        };
        bench.ok(&format!("convert a.ome.zarr -o {name} {more} -q"));
        assert_eq!(bench.hash(name), wanted, "{name}");
        bench.ok(&format!("convert {name} -o back.ome.zarr -q --overwrite"));
        assert_eq!(bench.hash("back.ome.zarr"), wanted, "{name} and back");
    }
}

#[test]
fn a_plane_becomes_a_picture_and_a_stack_does_not() {
    let bench = source();
    bench.ok("convert a.ome.zarr -o plane.npy --z 3 -q");
    bench.ok("convert a.ome.zarr -o plane.png --z 3 -q");
    let image =
        |name: &str| bench.json(&format!("info {name} --stats"))["files"][0]["images"][0].clone();
    assert_eq!(image("plane.png")["axes"], "yx");
    assert_eq!(image("plane.png")["stats"], image("plane.npy")["stats"]);
    let err = bench.fails(1, "convert a.ome.zarr -o stack.png");
    assert!(err.contains("9 planes") && err.contains("--to image-folder"), "{err}");
}

#[test]
fn sizes_positions_and_names_survive_where_the_format_holds_them() {
    let bench = source();
    let image = |name: &str| bench.json(&format!("info {name}"))["files"][0]["images"][0].clone();
    let wanted = image("a.ome.zarr");
    for name in ["b.ome.tif", "b.h5", "b.npy", "b.n5", "b04.ome.zarr"] {
        let more = if name.starts_with("b04") { "--ngff 0.4" } else { "" };
        bench.ok(&format!("convert a.ome.zarr -o {name} {more} -q"));
        let found = image(name);
        for key in ["voxel_size_um", "origin_um"] {
            for axis in ["z", "y", "x"] {
                let (a, b) = (
                    wanted[key][axis].as_f64().unwrap(),
                    found[key][axis].as_f64().unwrap_or(f64::NAN),
                );
                assert!((a - b).abs() <= 1e-9 * a.abs(), "{name} {key} {axis}: {a} {b}");
            }
        }
        assert_eq!(found["channels"][0]["name"], "DAPI", "{name}");
        assert_eq!(found["channels"][0]["color"], "#00FF00", "{name}");
    }
}

#[test]
fn a_type_is_never_changed_silently() {
    let bench = source();
    let err = bench.fails(1, "convert a.ome.zarr -o b.npy --dtype uint8");
    assert!(err.contains("does not fit uint8") && err.contains("--cast clip"), "{err}");
    assert!(
        !bench.has("b.npy") && !bench.has("b.npy.partial"),
        "nothing could be different next time"
    );
    let ran = bench.ok("convert a.ome.zarr -o b.npy --dtype uint8 --cast clip");
    assert!(ran.err.contains("warning[clipped]"), "{}", ran.err);
    bench.ok("convert a.ome.zarr -o c.npy --dtype uint8 --cast scale -q");
    let stats = bench.json("info c.npy --stats")["files"][0]["images"][0]["stats"].clone();
    assert_eq!((stats["min"].as_i64(), stats["max"].as_i64()), (Some(0), Some(255)));
    bench.ok("convert a.ome.zarr -o d.npy --dtype float32 -q");
    let err = bench.fails(1, "convert d.npy -o e.tif --dtype int32 --to imagej-tiff");
    assert!(err.contains("ome-tiff"), "{err}");
}

#[test]
fn crops_commute_with_conversion_and_steps_enlarge_voxels() {
    let bench = source();
    bench.ok("convert a.ome.zarr -o crop1.npy --z 2:7 --y 10: --x :-3 -q");
    bench.ok("convert a.ome.zarr -o whole.h5 -q");
    bench.ok("convert whole.h5 -o crop2.npy --z 2:7 --y 10: --x :-3 -q");
    assert_eq!(bench.hash("crop1.npy"), bench.hash("crop2.npy"));
    bench.ok("convert a.ome.zarr -o step.npy --y ::2 --x 1::3 -q");
    let image = bench.json("info step.npy")["files"][0]["images"][0].clone();
    assert_eq!(image["shape"], serde_json::json!([9, 25, 23]));
    assert!((image["voxel_size_um"]["y"].as_f64().unwrap() - 1.3).abs() < 1e-6, "{image}");
    let err = bench.fails(2, "convert a.ome.zarr -o x.npy --z 99:");
    assert!(err.contains("--z 99:"), "{err}");
}

#[test]
fn an_unfinished_output_is_named_as_such() {
    let bench = source();
    bench.ok("convert a.ome.zarr -o b.ome.zarr --plan-only -q");
    let ran = bench.run("info b.ome.zarr.partial");
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("unfinished run of `hooke convert`, 0 of 1 blocks done"),
        "{}",
        ran.out
    );
}

#[test]
fn verify_reads_the_output_back_and_gives_its_hash() {
    let bench = source();
    for line in ["b.tif", "c.xml", "d.npy --dtype uint8 --cast scale", "e.h5 --z 2:7 --y ::2"] {
        let name = line.split(' ').next().unwrap();
        let told = bench.json(&format!("convert a.ome.zarr -o {line} --verify"));
        assert_eq!(told["result"]["sha256"], bench.hash(name), "{line}");
    }
    let told = bench.json("convert a.ome.zarr -o f.npy");
    assert!(told["result"]["sha256"].is_null(), "not asked for");
}

#[test]
fn factors_and_chunks_are_those_that_were_asked_for() {
    let bench = source();
    bench
        .ok("convert a.ome.zarr -o b.ome.zarr --factors 1,2,2;3,5,7 --levels 3 --chunk 3,10,14 -q");
    let levels = bench.json("info b.ome.zarr")["files"][0]["images"][0]["levels"].clone();
    assert_eq!(levels[1]["shape"], serde_json::json!([9, 25, 35]));
    assert_eq!(levels[2]["shape"], serde_json::json!([3, 5, 5]));
    assert_eq!(levels[0]["chunk"], serde_json::json!([3, 10, 14]));
    bench.ok("convert a.ome.zarr -o b.h5 --chunk 3,10,14 --compression gzip:9 -q");
    let levels = bench.json("info b.h5")["files"][0]["images"][0]["levels"].clone();
    assert_eq!(levels[0]["chunk"], serde_json::json!([3, 10, 14]));
    bench.ok("convert a.ome.zarr -o b.ome.tif --compression lzw --chunk 1,32,32 -q");
    let image = bench.json("info b.ome.tif")["files"][0]["images"][0].clone();
    assert_eq!(image["levels"][0]["codec"], "lzw");
    assert_eq!(image["levels"][0]["chunk"], serde_json::json!([1, 32, 32]));
    assert_eq!(bench.hash("b.ome.tif"), bench.hash("a.ome.zarr"));
}

#[test]
fn too_little_memory_is_said_with_a_way_on() {
    let bench = source();
    bench.ok("simulate tiles -o big --grid 1,1 --tile 32,1024,1024 --seed 1 -q");
    let err = bench.fails(1, "convert big/tile_0_0_0.tif -o c.ome.zarr --chunk 32,1024,1024 --shard 32,1024,1024 --memory 130MiB");
    assert!(err.contains("needs") && err.contains("--memory") && err.contains("--shard"), "{err}");
}
