//! What people read when something is wrong: snapshots of exit code and standard error. Every
//! message names the file or option, what is wrong and what to do, and nothing is left behind.

use std::fmt::Write as _;

use crate::hooke::Bench;

/// Runs the lines; each must fail, print no data, and leave the folder as it was.
fn told(bench: &Bench, lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let before = bench.names();
        let ran = bench.run(line);
        assert!(ran.code != 0, "hooke {line} succeeded\n{}{}", ran.out, ran.err);
        assert_eq!(ran.out, "", "hooke {line} printed data");
        assert!(ran.err.contains("error: "), "hooke {line}\n{}", ran.err);
        for word in ["Some(", "None", "Os {", "os error", "RUST_BACKTRACE"] {
            assert!(!ran.err.contains(word), "hooke {line} shows `{word}`\n{}", ran.err);
        }
        assert_eq!(bench.names(), before, "hooke {line} left something behind");
        let _ = writeln!(text, "$ hooke {line}\n{}exit {}\n", ran.err, ran.code);
    }
    text
}

#[test]
fn images() {
    let bench = Bench::with_tiles("easy");
    let tile = std::fs::read(bench.path("tiles/tile_0_0_0.tif")).unwrap();
    bench.write("cut.tif", &tile[..3000]);
    bench.write("empty.tif", "");
    bench.write("words.tif", "this is no picture");
    std::fs::create_dir(bench.path("folder")).unwrap();
    let text = told(
        &bench,
        &[
            "convert missing.tif -o a.npy",
            "convert cut.tif -o a.npy",
            "convert empty.tif -o a.npy",
            "convert words.tif -o a.npy",
            "convert folder -o a.npy",
            "convert tiles/tile_0_0_0.tif -o a.npy --level 3",
            "convert tiles/tile_0_0_0.tif -o a.npy --image 4",
            "convert tiles/tile_0_0_0.tif -o a.npy --c DAPI",
            "convert tiles/tile_0_0_0.tif -o a.npy --z 9:3",
            "convert tiles/tile_0_0_0.tif -o a.npy --dtype uint8",
            "convert tiles/tile_0_0_0.tif -o a.npy --dtype flot32",
            "convert tiles/tile_0_0_0.tif -o a.npy --voxel-size nan",
            "convert tiles/tile_0_0_0.tif -o a.npy --voxel-size 0,1,1",
            "convert tiles/tile_0_0_0.tif -o a.npy --channel-names A,B",
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn options() {
    let bench = Bench::with_tiles("easy");
    let text = told(
        &bench,
        &[
            "stich run",
            "stitch fyse a.json -o a.zarr",
            "stitch fuse",
            "stitch fuse a.json -o a.zarr --blnd max",
            "stitch fuse a.json -o a.zarr --blend lineer",
            "stitch fuse a.json -o a.zarr --threads many",
            "stitch fuse a.json b.json -o a.zarr",
            "stitch align tiles/tiles.csv -o l.json --max-shift wide",
            "stitch align tiles/tiles.csv -o l.json --max-shift 8:-8",
            "stitch align tiles/tiles.csv -o l.json --voxel-size nan",
            "stitch align tiles/tiles.csv -o l.json --voxel-size z=2,q=1",
            "stitch align tiles/tiles.csv -o l.json --search tiling",
            "stitch align tiles/tiles.csv -o l.json --overlap-range 20:60",
            "stitch align tiles/tiles.csv -o l.json --normalize",
            "stitch align tiles/tiles.csv -o l.json --depth 8",
            "stitch align tiles/tiles.csv -o l.json --min-overlap 3",
            "stitch align tiles/tiles.csv -o l.json --peaks 0",
            "stitch align tiles/tiles.csv -o l.json --range z=5:2",
            "stitch align tiles/tiles.csv -o l.json --clip dark",
            "stitch align tiles/tiles.csv -o l.json --background 10,many",
            "stitch align tiles/tiles.csv -o l.json --channel DAPI",
            "stitch align tiles/tiles.csv -o l.json --axis q",
            "stitch align tiles/tiles.csv -o l.json --memory much",
            "stitch align tiles/tiles.csv -o l.json --max-failed few",
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn settings() {
    let bench = Bench::with_tiles("easy");
    bench.write("key.toml", "command = \"stitch fuse\"\nblnd = \"max\"\n");
    bench.write("value.toml", "blend = 3\n");
    bench.write("twice.toml", "levels = 3\nlevels = 4\n");
    bench.write("broken.toml", "blend = \n");
    bench.write("latin.toml", b"# \xe9\n");
    bench.write("other.toml", "command = \"convert\"\n");
    bench.write("flag.toml", "nominal = \"yes\"\n");
    let line = |rest: &str| format!("stitch fuse a.json -o a.zarr {rest}");
    let files = ["key", "value", "twice", "broken", "latin", "other", "flag", "missing"];
    let mut lines: Vec<String> =
        files.iter().map(|f| line(&format!("--config {f}.toml"))).collect();
    lines.push(line("--set blend"));
    lines.push(line("--set blend=foo"));
    lines.push(line("--set blnd=max"));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let text = told(&bench, &lines);
    insta::assert_snapshot!(text);
}

#[test]
fn outputs() {
    let bench = placed();
    bench.write("there.tif", "");
    bench.write("pair.h5", "");
    std::fs::create_dir(bench.path("photos")).unwrap();
    bench.write("photos/a.jpg", "");
    bench.ok("stitch fuse placed.json -o begun.ome.zarr --plan-only -q");
    bench.ok("stitch fuse placed.json -o done.ome.zarr -q");
    let text = told(
        &bench,
        &[
            "stitch fuse placed.json -o there.tif",
            "stitch fuse placed.json -o pair.xml",
            "stitch fuse placed.json -o photos --format ome-zarr --overwrite",
            "stitch fuse placed.json -o no/such/folder/a.tif",
            "stitch fuse placed.json -o there.tif/a.tif",
            "stitch fuse placed.json -o a.bmp",
            "stitch fuse placed.json -o a.npy --compression zstd",
            "stitch fuse placed.json -o a.tif --compression zstd",
            "stitch fuse placed.json -o a.ome.zarr --compression lz5",
            "stitch fuse placed.json -o a.ome.zarr --levels 0",
            "stitch fuse placed.json -o a.ome.zarr --chunk 16,64,64 --shard 16,48,48",
            "stitch fuse placed.json -o a.ome.zarr --ramp 8",
            "stitch fuse placed.json -o a.ome.zarr --region z=90:99",
            "stitch fuse placed.json -o a.ome.zarr --region 9",
            "stitch fuse placed.json -o a.ome.zarr --channel DAPI",
            "stitch fuse placed.json -o a.ome.zarr --dtype word",
            "stitch fuse placed.json -o a.ome.zarr --source tiles",
            "stitch fuse placed.json -o a.ome.zarr --memory 8MiB --threads 1",
            "stitch fuse placed.json -o begun.ome.zarr",
            "stitch fuse placed.json -o begun.ome.zarr --resume --blend max",
            "stitch fuse placed.json -o done.ome.zarr --resume --blend max",
            "stitch fuse placed.json -o done.ome.zarr --resume --overwrite",
            "block run begun.ome.zarr.partial --stage fuze",
            "block run begun.ome.zarr.partial --stage fuse --share 3/2",
            "block finish begun.ome.zarr.partial",
            "block finish done.ome.zarr",
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn tiles() {
    let bench = placed();
    std::fs::create_dir(bench.path("empty")).unwrap();
    std::fs::create_dir(bench.path("loose")).unwrap();
    for name in ["tile_0_0_0.tif", "tile_0_0_1.tif", "tile_0_1_0.tif", "tile_0_1_1.tif"] {
        std::fs::copy(bench.path("tiles").join(name), bench.path("loose").join(name)).unwrap();
    }
    bench.write("none.csv", "");
    bench.write("lost.csv", "path,y_px,x_px\ntiles/a.tif,0,0\ntiles/b.tif,0,96\n");
    bench.write("word.csv", "path,y_px,x_px\ntiles/tile_0_0_0.tif,here,0\n");
    bench.write("nan.csv", "path,y_px,x_px\ntiles/tile_0_0_0.tif,nan,0\n");
    bench.write("mixed.csv", "path,y_px,x_um\ntiles/tile_0_0_0.tif,0,0\n");
    let layout = std::fs::read_to_string(bench.path("placed.json")).unwrap();
    bench.write("moved.json", layout.replace("tiles/", "gone/"));
    bench.write("broken.json", "{\"format\":\"hooke.layout\",");
    bench.write("other.json", "{\"a\":1}");
    bench.write("sizes.json", layout.replace("\"y\":0.65", "\"y\":null"));
    let text = told(
        &bench,
        &[
            "stitch align missing.csv -o l.json",
            "stitch align 'tiles/scan_<Y,1>_<X,1>.tif' --overlap 32 -o l.json",
            "stitch align 'tiles/tile*_<X,1>.tif' --overlap 32 -o l.json",
            "stitch align 'tiles/tile_<Z,1>_<Y,1>_<X,1.tif' --overlap 32 -o l.json",
            "stitch align 'tiles/tile_<Z,1>_<Y,1>_<X,1>.tif' -o l.json",
            "stitch align 'tiles/tile_<Z,1>_<Y,1>_<N,1>.tif' --overlap 32 -o l.json",
            "stitch align 'tiles/tile_<Z,1>_<Y,1>_<C,1>.tif' --overlap 32 --channel 7 -o l.json",
            "stitch align empty -o l.json",
            "stitch align loose -o l.json",
            "stitch align tiles -o l.json",
            "stitch align none.csv -o l.json",
            "stitch align lost.csv -o l.json",
            "stitch align word.csv -o l.json",
            "stitch align nan.csv -o l.json",
            "stitch align mixed.csv -o l.json",
            "stitch place broken.json -o p.json",
            "stitch place other.json -o p.json",
            "stitch place sizes.json -o p.json",
            "stitch place layout.json -o p.json --min-quality good",
            "stitch place layout.json -o p.json --fixed-tile first",
            "stitch place layout.json -o p.json --drop-pair 0",
            "stitch fuse layout.json -o a.ome.zarr",
            "stitch fuse moved.json -o a.ome.zarr",
            "stitch fuse tiles/tiles.csv -o a.ome.zarr",
            "stitch layout remove placed.json --tile 44 -o r.json",
            "stitch layout slice placed.json --axis z --at 900 -o r.json",
            "stitch layout crop placed.json --region y=900:999 -o r.json",
            "stitch layout relocate placed.json --plain --match tiles/ --replace gone/ -o r.json",
            "stitch layout show placed",
            "stitch preview placed.json -o a.png --pair 0,3",
            "stitch detect tiles/tile_0_0_0.tif tiles/tiles.csv",
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_tile_that_breaks_in_the_middle_of_a_fusion() {
    let bench = Bench::with_tiles("easy");
    std::fs::create_dir(bench.path("packed")).unwrap();
    for name in ["tile_0_0_0", "tile_0_0_1", "tile_0_1_0", "tile_0_1_1"] {
        bench.ok(&format!("convert tiles/{name}.tif -o packed/{name}.ome.tif -q"));
    }
    let table = std::fs::read_to_string(bench.path("tiles/tiles.csv")).unwrap();
    bench.write("packed/tiles.csv", table.replace(".tif", ".ome.tif"));
    bench.ok("stitch align packed/tiles.csv -o layout.json --max-shift 3,8,8 -q");
    bench.ok("stitch place layout.json -q");
    let tile = bench.path("packed/tile_0_1_1.ome.tif");
    let mut bytes = std::fs::read(&tile).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2000].fill(0xff);
    std::fs::write(&tile, bytes).unwrap();
    let line = "stitch fuse placed.json -o a.ome.zarr --chunk 16,64,64 --shard 16,64,64 --threads 1 \
                --memory 1GiB";
    let ran = bench.run(line);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(!bench.has("a.ome.zarr"), "an incomplete volume must not appear");
    assert!(bench.has("a.ome.zarr.partial"), "the blocks that are done are kept");
    let text = format!("$ hooke {line}\n{}exit {}\n", ran.err, ran.code);
    insta::assert_snapshot!(text);
}

/// Tiles, `layout.json` and `placed.json`.
fn placed() -> Bench {
    let bench = Bench::with_tiles("easy");
    bench.ok("stitch align tiles/tiles.csv -o layout.json --max-shift 3,8,8 -q");
    bench.ok("stitch place layout.json -o placed.json -q");
    bench
}
