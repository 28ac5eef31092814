//! What people read when something is wrong: snapshots of code and message.

use std::fmt::Write as _;

use super::{BLOBS, IMPORT, with_channels};

#[test]
fn messages() {
    let bench = with_channels(3, 30);
    bench.ok(IMPORT);
    bench.write("code.csv", format!("{BLOBS}1,0,0,1,2,3,3,2,3,4,1,9,5,-1,-1,hooke\n"));
    bench.write("short.csv", "id,t,channel,z,z_um,source\n1,0,0,0,0,a\n");
    bench.write("points.csv", "x,y,z,t,c,intensity\n1,2,3,1,1,5\n");
    bench.write("what.csv", "a,b\n1,2\n");
    bench.write("cut.npz", &b"PK\x03\x04 and no more"[..]);
    bench.write("other.db", "no database");
    bench.write("empty.db", "");
    bench.ok("blobs import blobs.csv -o blobs.parquet --voxel-size 3,1,1 -q");
    let parquet = std::fs::read(bench.path("blobs.parquet")).unwrap();
    bench.write("cut.parquet", &parquet[..parquet.len() / 2]);
    let lines = [
        "import missing.csv -o s.sqlite",
        "import points.csv -o s.sqlite",
        "import points.csv -o s.sqlite --voxel-size 0,1,1",
        "import points.csv -o s.sqlite --voxel-size 1,2",
        "import what.csv -o s.sqlite",
        "import what.csv -o s.sqlite --format wat",
        "import short.csv -o s.sqlite",
        "import code.csv -o s.sqlite",
        "import cut.npz -o s.sqlite",
        "import other.db -o s.sqlite --voxel-size 1",
        "import empty.db -o s.sqlite --voxel-size 1",
        "import cut.parquet -o s.sqlite",
        "import blobs.csv -o other.db",
        "import blobs.csv -o s.csv",
        "import blobs.csv -o store.sqlite --experiment blobs --voxel-size 1",
        "import blobs.csv blobs.csv --matches matches.csv -o s.sqlite",
        "import blobs.csv blobs.csv --matches matches.csv -o s.sqlite --experiment a",
        "import blobs.csv --matches what.xml -o s.sqlite",
        "import blobs.csv --roi 1,2,3 -o s.sqlite",
        "import blobs.csv --roi 0,0,0:1,1,1 -o s.parquet",
        "export missing.sqlite -o a.csv",
        "export store.sqlite -o a.wat",
        "export store.sqlite -o a.csv --format wat",
        "export store.sqlite -o a.csv --experiment none",
        "export store.sqlite -o a.csv --channels a",
        "export store.sqlite -o a.csv --offset 0,0,0",
        "export store.sqlite -o a.csv --shape 1,1,1",
        "export store.sqlite -o a.npz --table matches",
        "export store.sqlite -o a.csv --format magmap-csv --table blobs",
        "export store.sqlite -o a.csv --cell 5",
        "export store.sqlite -o a.zarr",
        "export blobs.csv -o a.csv --table matches",
        "export blobs.csv -o a.npz",
        "export store.sqlite -o a.csv --matches matches.csv",
        "export blobs.csv -o blobs.parquet",
    ];
    let mut text = String::new();
    for line in lines {
        let before = bench.names();
        let ran = bench.run(&format!("blobs {line}"));
        assert!(ran.code != 0, "hooke blobs {line} succeeded\n{}{}", ran.out, ran.err);
        assert_eq!(ran.out, "", "hooke blobs {line} printed data");
        for word in ["Some(", "None", "Os {", "os error", "RUST_BACKTRACE"] {
            assert!(!ran.err.contains(word), "hooke blobs {line} shows `{word}`\n{}", ran.err);
        }
        assert_eq!(bench.names(), before, "hooke blobs {line} left something behind");
        let _ = writeln!(text, "$ hooke blobs {line}\n{}exit {}\n", ran.err, ran.code);
    }
    insta::assert_snapshot!(text);
}
