//! The table of bad input, through the real command: exit code, one clear error, nothing left behind.

use crate::hooke::Bench;

fn tiles() -> Bench {
    Bench::with_tiles("easy")
}

/// Nothing but what was there before may remain.
fn leaves_nothing(bench: &Bench, before: &[String]) {
    assert_eq!(bench.names(), before);
}

#[test]
fn nothing_matches() {
    let bench = tiles();
    let before = bench.names();
    let err =
        bench.fails(1, "stitch align 'tiles/scan_<Y,2>_<X,2>.tif' --overlap 32 -o layout.json");
    assert!(err.contains("scan_[0-9][0-9]_[0-9][0-9].tif"), "{err}");
    assert!(err.contains("tiles") && err.contains("tile_0_0_0.tif"), "{err}");
    leaves_nothing(&bench, &before);
}

#[test]
fn mistakes_in_expressions_are_usage_errors() {
    let bench = tiles();
    for line in [
        "stitch align 'tiles/tile_<Z,1>_<Y,1>_<X,1.tif' --overlap 32 -o layout.json",
        "stitch align 'tiles/tile_<Z,1>_<Y,1>_<X,1>.tif' --overlap 32 --select T=1 -o layout.json",
        "stitch align 'tiles/tile_<A,1>_<Y,1>_<X,1>.tif' --overlap 32 -o layout.json",
        "stitch align 'tiles/tile_<Z,1>_<Y,1>_<X,1>.tif' -o layout.json",
        "stitch align tiles/tiles.csv --max-shift 5:-5 -o layout.json",
        "stitch align tiles/tiles.csv --channel DAPI -o layout.json",
        "stitch align tiles/tiles.csv --search tiling -o layout.json",
    ] {
        let err = bench.fails(2, line);
        assert!(err.starts_with("error: "), "{line}\n{err}");
        assert!(!bench.has("layout.json"));
    }
}

#[test]
fn two_files_at_one_place_are_both_named() {
    let bench = tiles();
    std::fs::copy(bench.path("tiles/tile_0_0_0.tif"), bench.path("tiles/tile_0_00_0.tif")).unwrap();
    let err = bench.fails(1, "stitch align 'tiles/tile_<Z>_<Y>_<X>.tif' --overlap 32 -o a.json");
    assert!(err.contains("tile_0_0_0.tif") && err.contains("tile_0_00_0.tif"), "{err}");
}

#[test]
fn a_truncated_tile_is_left_out_by_align_and_refused_by_fuse() {
    let bench = tiles();
    bench.ok("stitch align tiles/tiles.csv -o whole.json --max-shift 3,8,8 -q");
    bench.ok("stitch place whole.json -o placed.json -q");
    let tile = bench.path("tiles/tile_0_1_1.tif");
    let bytes = std::fs::read(&tile).unwrap();
    std::fs::write(&tile, &bytes[..200]).unwrap();
    let ran = bench.ok("stitch align tiles/tiles.csv -o layout.json --max-shift 3,8,8");
    assert!(ran.err.contains("warning[unreadable_tile]"), "{}", ran.err);
    let layout = bench.read_json("layout.json");
    let unread =
        layout["pairs"].as_array().unwrap().iter().filter(|p| p["status"] == "unread").count();
    assert_eq!(unread, 2, "both pairs of the tile");
    let strict =
        bench.fails(1, "stitch align tiles/tiles.csv -o strict.json --max-shift 3,8,8 --strict");
    assert!(strict.contains("tile_0_1_1"), "{strict}");
    let before = bench.names();
    let err = bench.fails(1, "stitch fuse placed.json -o out.ome.zarr");
    assert!(err.contains("tile_0_1_1.tif"), "{err}");
    leaves_nothing(&bench, &before);
}

#[test]
fn tiles_of_other_type_or_size_are_refused_by_name() {
    let bench = tiles();
    bench.ok("convert tiles/tile_0_0_0.tif -o tiles/other.tif --dtype float32 -q");
    bench.ok("convert tiles/tile_0_0_0.tif -o tiles/large.tif --voxel-size 2,0.5,0.5 -q");
    for (name, what) in [("other", "sample type"), ("large", "voxel size")] {
        bench.write(
            "t.csv",
            format!("path,z_px,y_px,x_px\ntiles/tile_0_0_0.tif,0,0,0\ntiles/{name}.tif,0,0,96\n"),
        );
        let err = bench.fails(1, "stitch align t.csv -o layout.json");
        assert!(
            err.contains(what)
                && err.contains(&format!("{name}.tif"))
                && err.contains("tile_0_0_0.tif"),
            "{err}"
        );
    }
}

#[test]
fn bad_tables_name_row_and_column() {
    let bench = tiles();
    for (text, what) in [
        ("path,z_px,y_px,x_px\ntiles/tile_0_0_0.tif,0,zero,0\n", "y_px"),
        ("name,z_px,y_px,x_px\na,0,0,0\n", "path"),
        ("path,y_px,x_um\ntiles/tile_0_0_0.tif,0,0\n", "um"),
    ] {
        bench.write("t.csv", text);
        let err = bench.fails(1, "stitch align t.csv -o layout.json");
        assert!(err.contains("t.csv") && err.contains(what), "{err}");
    }
}

#[test]
fn a_single_tile_and_a_gap_stay_at_the_stage_with_a_warning() {
    let bench = tiles();
    for (rows, name) in [
        ("tiles/tile_0_0_0.tif,0,5,7\n", "one"),
        ("tiles/tile_0_0_0.tif,0,0,0\ntiles/tile_0_0_1.tif,0,0,900\n", "apart"),
    ] {
        bench.write("t.csv", format!("path,z_px,y_px,x_px\n{rows}"));
        let ran = bench.ok(&format!("stitch run t.csv -o {name}.ome.zarr"));
        assert!(ran.err.contains("no_links"), "{}", ran.err);
        let layout = bench.read_json(&format!("{name}.ome.zarr.layout.json"));
        for tile in layout["tiles"].as_array().unwrap() {
            assert_eq!(tile["position_px"], tile["nominal_px"]);
        }
    }
}

#[test]
fn an_existing_output_is_kept_unless_told_otherwise() {
    let bench = tiles();
    bench.ok("stitch align tiles/tiles.csv -o layout.json --max-shift 3,8,8 -q");
    let before = std::fs::read(bench.path("layout.json")).unwrap();
    let err = bench.fails(1, "stitch align tiles/tiles.csv -o layout.json");
    assert!(err.contains("layout.json") && err.contains("--overwrite"), "{err}");
    assert_eq!(before, std::fs::read(bench.path("layout.json")).unwrap());
    std::fs::create_dir(bench.path("photos")).unwrap();
    bench.write("photos/a.jpg", "x");
    bench.ok("stitch place layout.json -o placed.json -q");
    let err = bench.fails(1, "stitch fuse placed.json -o photos --format ome-zarr --overwrite");
    assert!(err.contains("photos") && bench.has("photos/a.jpg"), "{err}");
}

#[test]
fn a_changed_source_warns_and_strict_refuses() {
    let bench = tiles();
    bench.ok("stitch align tiles/tiles.csv -o layout.json --max-shift 3,8,8 -q");
    bench.ok("stitch place layout.json -o placed.json -q");
    bench.ok("convert tiles/tile_0_0_1.tif -o tiles/tile_0_0_0.tif --overwrite -q");
    let ran = bench.ok("stitch fuse placed.json -o a.ome.zarr");
    assert!(ran.err.contains("changed_source"), "{}", ran.err);
    let err = bench.fails(1, "stitch fuse placed.json -o b.ome.zarr --strict");
    assert!(err.contains("tile_0_0_0.tif changed"), "{err}");
}

#[test]
fn layouts_that_contradict_themselves_are_refused() {
    let bench = tiles();
    bench.ok("stitch align tiles/tiles.csv -o layout.json --max-shift 3,8,8 -q");
    let good = bench.read_json("layout.json");
    let mut bad = good.clone();
    bad["pairs"][0]["post"] = 77.into();
    bench.write("bad.json", bad.to_string());
    let err = bench.fails(1, "stitch place bad.json -o placed.json");
    assert!(err.contains("bad.json") && err.contains("77"), "{err}");
    bench.write("bad.json", "{\"format\": \"something\"}");
    assert!(bench.fails(1, "stitch place bad.json -o placed.json").contains("bad.json"));
    bench.write("bad.json", "not json");
    assert!(bench.fails(1, "stitch place bad.json -o placed.json").contains("bad.json"));
    assert!(!bench.has("placed.json"));
}

#[test]
fn outputs_that_cannot_be_are_refused_before_anything_is_read() {
    let bench = tiles();
    let before = bench.names();
    let line = "stitch align tiles/tiles.csv";
    assert!(
        bench.fails(1, &format!("{line} -o no/such/folder/layout.json")).contains("no/such/folder")
    );
    assert!(bench.fails(2, "convert tiles/tile_0_0_0.tif -o a.tif --memory lots").contains("lots"));
    let err = bench.fails(2, "convert tiles/tile_0_0_0.tif -o a.bmp");
    assert!(err.contains(".bmp") && err.contains(".ome.zarr"), "{err}");
    let err = bench.fails(2, "convert tiles/tile_0_0_0.tif -o a.npy --resume --overwrite");
    assert!(err.contains("--resume") && err.contains("--overwrite"), "{err}");
    leaves_nothing(&bench, &before);
}

#[test]
fn a_file_size_limit_is_an_error_and_the_run_goes_on_later() {
    let bench = tiles();
    bench.ok("convert tiles/tile_0_0_0.tif -o whole.ome.zarr --chunk 4,64,64 --shard 4,64,64 --compression none -q");
    // `ulimit -f` counts KiB: no file may grow beyond 8 KiB.
    let script = format!(
        "ulimit -f 8; exec {} convert tiles/tile_0_0_0.tif -o small.ome.zarr --chunk 4,64,64 --shard 4,64,64 --compression none -q",
        env!("CARGO_BIN_EXE_hooke")
    );
    let out = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(bench.folder())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{err}");
    assert!(err.starts_with("error: "), "{err}");
    assert!(!bench.has("small.ome.zarr"));
    bench.ok("convert tiles/tile_0_0_0.tif -o small.ome.zarr --chunk 4,64,64 --shard 4,64,64 --compression none -q --resume");
    assert_eq!(
        crate::hooke::tree(&bench.path("whole.ome.zarr")),
        crate::hooke::tree(&bench.path("small.ome.zarr"))
    );
}

#[test]
fn files_of_any_content_are_described_or_refused_never_more() {
    let bench = Bench::new();
    for suffix in ["tif", "ome.tif", "npy", "h5", "xml", "zarr", "json", "csv", "png"] {
        for (kind, content) in [
            ("empty", &b""[..]),
            ("text", b"hello, world\n"),
            ("binary", &[0x49, 0x49, 42, 0, 255, 255, 255, 127, 0, 1, 2]),
        ] {
            let name = format!("{kind}.{suffix}");
            bench.write(&name, content);
            let ran = bench.run(&format!("info {name}"));
            assert_eq!(ran.code, 1, "{name}: {}", ran.out);
            assert!(ran.out.contains("error: "), "{name}: {}", ran.out);
        }
    }
    let ran = bench.run("info missing.tif empty.tif");
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("missing.tif") && ran.out.contains("empty.tif"));
}

#[test]
fn odd_names_are_fine() {
    let bench = tiles();
    let odd = "a b\nc.tif";
    std::fs::copy(bench.path("tiles/tile_0_0_0.tif"), bench.path(odd)).unwrap();
    assert_eq!(bench.run(&format!("info '{odd}'")).code, 0);
    use std::os::unix::ffi::OsStrExt;
    let raw = std::ffi::OsStr::from_bytes(b"\xff\xfe.tif");
    std::fs::copy(bench.path("tiles/tile_0_0_0.tif"), bench.folder().join(raw)).unwrap();
    let out = bench.command("info").arg(raw).output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
}
