//! A simulated calcium movie through the real commands: registered, its baseline taken out, its events found.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt32Type, UInt64Type};
use hooke_io::tables::read_table;
use serde_json::Value;

use crate::hooke::{Bench, tree};

const SIM: &str =
    "simulate movie -o sim --frames 150 --size 64,80 --events 6 --amplitude 1,2 --seed 4 -q";

/// A movie, its dF and its events.
fn detected() -> Bench {
    let bench = Bench::new();
    bench.ok(SIM);
    bench.ok("events delta sim/movie.zarr -o df.zarr -q");
    bench.ok("events detect df.zarr -o found -q");
    bench
}

/// A number of a file, or of what a command gave.
fn number(value: &Value, name: &str) -> f64 {
    let result = &value["result"];
    let value = if result.is_object() { result } else { value };
    value[name].as_f64().unwrap_or_else(|| panic!("{name}: {value}"))
}

#[test]
fn events_of_a_simulated_movie_are_found_whatever_the_gain_and_the_blocks() {
    let bench = detected();
    let score = bench.json("score events found sim/truth_labels.zarr");
    assert!(number(&score, "f1") >= 0.9, "{score}");
    let told = bench.read_json("df.delta.json");
    assert_eq!((&told["command"], &told["method"]), (&"events delta".into(), &"dF".into()));
    assert!(number(&told, "noise_sd_median") > 10.0, "{told}");
    let meta = bench.read_json("found/meta.json");
    let events = read_table(&bench.path("found/events.parquet")).unwrap();
    assert_eq!(meta["n_events"], events.num_rows());
    assert_eq!(meta["shape"], serde_json::json!([150, 64, 80]));
    let ids = events.column_by_name("id").unwrap().as_primitive::<UInt32Type>();
    assert!(ids.values().iter().copied().eq(1..=events.num_rows() as u32));
    let area: u64 =
        events.column_by_name("v_area").unwrap().as_primitive::<UInt64Type>().values().iter().sum();
    let active = number(&meta, "active_voxel_fraction") * (150 * 64 * 80) as f64;
    assert!((active - area as f64).abs() < 0.5, "{active} {area}");
    let p = events.column_by_name("p_value").unwrap().as_primitive::<Float64Type>();
    assert!(p.values().iter().all(|p| *p > 0.0 && *p < 0.5), "{p:?}");
    let page = std::fs::read_to_string(bench.path("found/report.html")).unwrap();
    assert!(page.contains("Where and when") && page.contains("data:image/png"));
    // The same events with four times the counts and 100 more, in whatever memory and with however many threads.
    bench.ok("simulate movie -o loud --frames 150 --size 64,80 --events 6 --amplitude 1,2 --seed 4 --gain 32 --read-noise 16 -q");
    bench.ok("events delta loud/movie.zarr -o loud.h5 -q --threads 1");
    bench.ok("events detect loud.h5 -o loud_found -q --threads 3 --map-format tiff");
    let same = bench.json("score events loud_found found --iou 0.9");
    assert!(number(&same, "f1") >= 0.9, "{same}");
    bench.ok("events detect df.zarr -o again -q --threads 1 --memory 600MiB");
    let bytes = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert!(bytes("again/events.parquet") == bytes("found/events.parquet"));
    assert!(bytes("again/time_map.parquet") == bytes("found/time_map.parquet"));
    assert!(tree(&bench.path("again/event_map.zarr")) == tree(&bench.path("found/event_map.zarr")));
}

#[test]
fn given_labels_are_measured_with_their_ids() {
    let bench = detected();
    bench.ok("events detect df.zarr -o curated --labels sim/truth_labels.zarr -q");
    let score = bench.json("score events curated sim/truth_labels.zarr --iou 0.99");
    assert_eq!(number(&score, "f1"), 1.0, "{score}");
    let events = read_table(&bench.path("curated/events.parquet")).unwrap();
    let ids = events.column_by_name("id").unwrap().as_primitive::<UInt32Type>();
    assert!(ids.values().windows(2).all(|w| w[0] < w[1]));
    assert!(!bench.has("curated/noise_sd.tif"));
    bench.ok("convert sim/truth_labels.zarr -o short.zarr --t 0:100 -q");
    let err = bench.fails(1, "events detect df.zarr -o x --labels short.zarr");
    assert!(
        err.contains("short.zarr") && err.contains("df.zarr") && err.contains("[100, 64, 80]"),
        "{err}"
    );
}

#[test]
fn motion_is_taken_out_and_a_still_movie_is_copied() {
    let bench = Bench::new();
    bench.ok("simulate movie -o sim --frames 120 --size 96 --events 4 --motion rigid --field --seed 2 -q");
    bench.ok("events register sim/movie.zarr -o reg.zarr --export-field field.npy -q");
    let score = bench.json(
        "score registration reg.shifts.parquet sim/truth_shifts.parquet --field field.npy sim/truth_field.npy",
    );
    assert!(number(&score, "rmse_px") <= 0.15, "{score}");
    assert!(number(&score["result"]["field"], "rmse_px") <= 0.2, "{score}");
    let told = bench.read_json("reg.register.json");
    assert_ne!(told["mode_used"], "none", "{told}");
    assert!(
        number(&told, "template_crispness_after") > number(&told, "template_crispness_before"),
        "{told}"
    );
    assert!(bench.has("reg.template.tif"));
    // The same shifts applied give the same movie.
    bench.ok(
        "events register sim/movie.zarr -o again.zarr --apply reg.shifts.parquet -q --threads 1",
    );
    assert_eq!(bench.hash("again.zarr"), bench.hash("reg.zarr"));
    bench.ok("simulate movie -o still --frames 60 --size 64 --events 2 --seed 3 -q");
    bench.ok("events register still/movie.zarr -o copy.zarr -q");
    assert_eq!(bench.read_json("copy.register.json")["mode_used"], "none");
    assert_eq!(bench.hash("copy.zarr"), bench.hash("still/movie.zarr"));
}

#[test]
fn a_killed_detection_goes_on_to_the_same_bytes() {
    let bench = detected();
    let mut interrupted = 0;
    for wait in [40, 80, 160, 320] {
        let more = if interrupted == 0 { "" } else { " --resume" };
        let mut child =
            bench.command(&format!("events detect df.zarr -o killed -q{more}")).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        interrupted += usize::from(bench.has("killed/.partial"));
        assert!(!bench.has("killed/events.parquet"));
    }
    assert!(interrupted > 0, "every run ended before it was killed");
    bench.ok("events detect df.zarr -o killed -q --resume");
    for name in ["events.parquet", "time_map.parquet", "noise_sd.tif", "report.html"] {
        let read = |folder: &str| std::fs::read(bench.path(&format!("{folder}/{name}"))).unwrap();
        // The page says what it is of.
        assert!(name == "report.html" || read("killed") == read("found"), "{name}");
    }
}

#[test]
fn what_cannot_be_done_is_said_and_leaves_nothing() {
    let bench = detected();
    bench.ok("simulate movie -o one --frames 1 --size 32 --events 1 -q");
    bench.ok("events register one/movie.zarr -o one.zarr -q");
    assert_eq!(bench.hash("one.zarr"), bench.hash("one/movie.zarr"));
    bench.ok("events detect one/movie.zarr -o none -q");
    assert_eq!(bench.read_json("none/meta.json")["n_events"], 0);
    let before = bench.names();
    for (code, line, said) in [
        (2, "events delta sim/movie.zarr -o x.zarr --baseline rbf", "quantile"),
        (2, "events delta sim/movie.zarr -o x.zarr --window 1", "window"),
        (2, "events delta sim/movie.zarr -o x.zarr --window 3x", "--window"),
        (2, "events delta sim/movie.zarr -o x.zarr --frames 9:400", "--frames"),
        (2, "events delta sim/movie.zarr -o x.zarr --frames 5:5", "no frame"),
        (2, "events delta sim/movie.zarr -o x.zarr --channel 2", "no channel"),
        (2, "events delta sim/movie.zarr -o x.zarr --z 4", "--z"),
        (2, "events delta sim/movie.zarr -o x.doc", "x.doc"),
        (1, "events delta missing.zarr -o x.zarr", "missing.zarr"),
        (1, "events detect sim/movie.zarr -o x", "baseline"),
        (2, "events detect df.zarr -o x --no-spatial --no-temporal", "criterion"),
        (2, "events detect df.zarr -o x --holes-depth a", "--holes-depth"),
        (2, "events detect df.zarr -o x --prominence 0", "prominence"),
        (2, "events detect df.zarr -o x --memory 1MiB", "--memory"),
        (2, "events register sim/movie.zarr -o x.zarr --band 8,1", "band"),
        (2, "events register sim/movie.zarr -o x.zarr --max-shift 0", "max-shift"),
        (1, "events register sim/movie.zarr -o x.zarr --apply sim/truth_events.parquet", "frame"),
        (1, "events register sim/movie.zarr -o x.zarr --template df.zarr", "df.zarr"),
        (2, "score events found sim/truth_labels.zarr --iou 0", "iou"),
        (1, "score events found sim/truth_shifts.parquet", "truth_shifts.parquet"),
        (1, "score registration found/events.parquet sim/truth_shifts.parquet", "events.parquet"),
        (2, "simulate movie -o x --frames 0", "frames"),
    ] {
        let err = bench.fails(code, line);
        assert!(err.contains(said), "{line}: {err}");
        // What was begun can be gone on with.
        let left = bench.names().into_iter().filter(|n| n != "x" || !bench.has("x/.partial"));
        assert_eq!(left.collect::<Vec<_>>(), before, "{line}");
        std::fs::remove_dir_all(bench.path("x")).ok();
    }
    // A movie with a sample that is no number is told with its place.
    let mut samples = vec![1.0_f32; 5 * 8 * 8];
    samples[2 * 64 + 3 * 8 + 4] = f32::NAN;
    let mut npy = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    npy.extend(
        format!("{:<117}\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 8, 8), }")
            .bytes(),
    );
    npy.extend(samples.iter().flat_map(|v| v.to_le_bytes()));
    bench.write("nan.npy", npy);
    let err = bench.fails(1, "events delta nan.npy -o x.zarr");
    assert!(err.contains("frame 2, row 3, column 4"), "{err}");
}
