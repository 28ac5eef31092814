//! Formats of other programs through the command line, and densities.

use super::{IMPORT, with_channels};

#[test]
fn every_format_is_written_and_what_can_be_is_read_again() {
    let bench = with_channels(3, 30);
    bench.ok(IMPORT);
    let formats = [
        ("a.parquet", "parquet", true),
        ("a.csv", "csv", true),
        ("a.csv.gz", "csv.gz", true),
        ("a.npz", "magmap-npz", true),
        ("a.db", "magmap-db", true),
        ("m.csv", "magmap-csv", true),
        ("b.csv.gz", "magmap-blobs-csv", true),
        ("a.xml", "cellfinder-xml", true),
        ("c.csv", "cellfinder-csv", true),
        ("a.npy", "clearmap-npy", true),
        ("n.csv", "napari-csv", true),
        ("r.csv", "rsfish-csv", true),
        ("t.csv", "trackmate-csv", true),
        ("points", "neuroglancer", true),
        ("lines", "neuroglancer --table matches", false),
        ("d.zarr", "density --cell 20", false),
    ];
    for (name, format, back) in formats {
        bench.ok(&format!("blobs export store.sqlite -o {name} --format {format} -q"));
        if back {
            let line = format!("blobs import {name} -o {name}.back.parquet --voxel-size 3,1,1 -q");
            let told = bench.json(&line);
            // The format of matches lacks blobs without one.
            let lost = if name == "m.csv" { 4 } else { 0 };
            assert_eq!(told["result"]["blobs"], 90 - lost, "{name}");
        }
    }
}

#[test]
fn counts_of_a_density_add_up_per_channel_and_per_pair() {
    let bench = with_channels(3, 30);
    bench.ok(IMPORT);
    for (what, sums) in [("blobs", vec![30, 30, 30]), ("matches", vec![29, 28, 27])] {
        let name = format!("{what}.zarr");
        bench.ok(&format!("blobs export store.sqlite --table {what} -o {name} --cell 30,1,4 -q"));
        let info = bench.json(&format!("info {name} --stats"));
        let image = &info["files"][0]["images"][0];
        assert_eq!(image["axes"], "czyx", "{image}");
        assert_eq!(image["shape"][0], sums.len());
        assert_eq!(image["voxel_size_um"]["z"], 30.0);
        let cells: u64 =
            image["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).product();
        let mean = image["stats"]["mean"].as_f64().unwrap();
        let sum: i64 = sums.iter().sum();
        assert_eq!((mean * cells as f64).round() as i64, sum);
    }
}

#[test]
fn settings_are_those_of_every_command() {
    let bench = with_channels(3, 30);
    bench.write(
        "run.toml",
        "source = [\"blobs.csv\"]\nmatches = [\"matches.csv\"]\nvoxel-size = \"3,1,1\"\noutput = \"s.sqlite\"\n",
    );
    bench.ok("blobs import --config run.toml -q");
    assert!(bench.has("s.sqlite"));
    let printed = bench.ok("blobs export s.sqlite -o a.csv --channels 0 --print-config").out;
    assert!(printed.contains("channels = 0") && printed.contains("# "), "{printed}");
    bench.write("again.toml", printed);
    bench.ok("blobs export --config again.toml -q");
    assert_eq!(std::fs::read_to_string(bench.path("a.csv")).unwrap().lines().count(), 31);
    // Written again, the same bytes.
    let first = std::fs::read(bench.path("a.csv")).unwrap();
    bench.ok("blobs export --config again.toml --overwrite -q");
    assert_eq!(std::fs::read(bench.path("a.csv")).unwrap(), first);
}
