//! Help, settings, streams and exit codes that all commands share.

use crate::hooke::Bench;

/// Every command that does something.
const VERBS: &[&str] = &[
    "info",
    "convert",
    "report",
    "completions",
    "man",
    "doctor",
    "schema",
    "stitch detect",
    "stitch align",
    "stitch place",
    "stitch fuse",
    "stitch run",
    "stitch preview",
    "stitch layout show",
    "stitch layout components",
    "stitch layout regions",
    "stitch layout crop",
    "stitch layout slice",
    "stitch layout relocate",
    "stitch layout set-positions",
    "stitch layout remove",
    "stitch layout overlap",
    "stitch layout export",
    "tileset info",
    "tileset positions",
    "tileset calibrate",
    "tileset scale",
    "tileset slice",
    "tileset volume",
    "tileset dedup",
    "tileset centroids",
    "tileset to-global",
    "tileset mask",
    "tileset export-bdv",
    "tileset blank-bdv",
    "tileset set-tile",
    "tileset update-offsets",
    "tileset surface",
    "blobs import",
    "blobs match",
    "blobs stats",
    "blobs export",
    "events register",
    "events delta",
    "events detect",
    "simulate tiles",
    "simulate movie",
    "score tiles",
    "score labels",
    "score blobs",
    "score registration",
    "score events",
    "block run",
    "block status",
    "block finish",
];

#[test]
fn every_command_has_help_and_a_schema() {
    let bench = Bench::new();
    for verb in VERBS {
        let help = bench.ok(&format!("{verb} --help")).out;
        assert!(help.contains("Usage: hooke"), "{verb}\n{help}");
        assert!(help.contains("\nExamples:\n  hooke "), "{verb} --help has no example\n{help}");
        let schema: serde_json::Value =
            serde_json::from_str(&bench.ok(&format!("schema {verb}")).out).unwrap();
        assert_eq!(schema["type"], "object", "{verb}");
    }
}

#[test]
fn without_a_verb_there_is_short_help_and_code_2() {
    let bench = Bench::new();
    for line in ["", "stitch", "simulate", "stitch layout", "tileset"] {
        let ran = bench.run(line);
        assert_eq!(ran.code, 2, "hooke {line}");
        assert!((ran.out + &ran.err).contains("Usage: hooke"), "hooke {line}");
    }
    let version = bench.ok("--version").out;
    assert!(version.starts_with("hooke 0.") && version.contains('('), "{version}");
}

#[test]
fn a_misspelt_command_or_option_gets_a_suggestion() {
    let bench = Bench::new();
    assert!(bench.fails(2, "stich run").contains("stitch"));
    assert!(bench.fails(2, "stitch fuse a.json -o b --blnd max").contains("--blend"));
    assert!(bench.fails(2, "stitch fuse a.json -o b --blend maxi").contains("max"));
}

#[test]
fn an_unknown_key_is_shown_where_it_stands() {
    let bench = Bench::new();
    bench.write("run.toml", "# fuse\nblend = \"max\"\n\nblnd = \"max\"\n");
    let err = bench.fails(2, "stitch fuse a.json -o out.zarr --config run.toml");
    assert_eq!(
        err,
        "error: unknown key `blnd` in run.toml, line 4, column 1\n    4 | blnd = \"max\"\n      | ^^^^\nhint: did you mean `blend`?\n"
    );
}

#[test]
fn wrong_values_bad_toml_and_other_commands_are_shown_in_the_same_form() {
    let bench = Bench::new();
    let show = |text: &str| {
        bench.write("run.toml", text);
        bench.fails(2, "stitch fuse a.json -o out.zarr --config run.toml")
    };
    let err = show("blend = 3\n");
    assert!(err.starts_with("error: expected one of linear, cosine"), "{err}");
    assert!(err.contains("found 3 in run.toml, line 1, column 9"), "{err}");
    assert!(show("blend = \"max\"\nblend = \"min\"\n").contains("line 2"), "duplicate key");
    assert!(show("blend = \n").contains("run.toml, line 1"), "bad TOML");
    assert!(show("command = \"stitch align\"\n").contains("settings of `stitch align`"));
    assert!(show("fill = \"white\"\n").contains("line 1, column 8"), "wrong type");
    bench.write("latin.toml", b"blend = \"\xe9\"\n");
    assert!(bench.fails(2, "stitch fuse a -o b --config latin.toml").contains("not UTF-8"));
    assert!(bench.fails(2, "stitch fuse a -o b --config missing.toml").contains("missing.toml"));
}

#[test]
fn printed_settings_read_back_unchanged() {
    let bench = Bench::new();
    for verb in ["stitch align", "stitch fuse", "stitch run", "simulate tiles", "convert"] {
        let first = bench.ok(&format!("{verb} --print-config")).out;
        assert!(first.starts_with(&format!("# hooke {verb}\n")), "{first}");
        bench.write("run.toml", &first);
        let again = bench.ok(&format!("{verb} --config run.toml --print-config")).out;
        assert_eq!(first, again, "{verb}");
    }
}

#[test]
fn flags_beat_files_and_later_files_beat_earlier_ones() {
    let bench = Bench::new();
    bench.write("a.toml", "blend = \"max\"\nfill = 3\n");
    bench.write("b.toml", "blend = \"min\"\n");
    let show = |line: &str| bench.ok(&format!("stitch fuse {line} --print-config")).out;
    assert!(show("--config a.toml").contains("blend = \"max\""));
    assert!(show("--config a.toml --config b.toml").contains("blend = \"min\""));
    assert!(show("--config a.toml --blend mean").contains("blend = \"mean\""));
    let set = show("--config a.toml --set blend=first --set fill=-2");
    assert!(set.contains("blend = \"first\"") && set.contains("fill = -2"), "{set}");
}

#[test]
fn completions_and_manual_are_written() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(bench.ok(&format!("completions {shell}")).out.contains("hooke"));
    }
    bench.ok("man -o man");
    let page = std::fs::read_to_string(bench.path("man/hooke-stitch-fuse.1")).unwrap();
    assert!(page.contains("blend"));
    assert!(bench.ok("doctor").out.contains("memory"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let bench = Bench::new();
    let mut child = bench
        .command("completions bash")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(0));
    assert!(done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn progress_as_json_is_json_on_every_line_and_ends_with_end() {
    let bench = Bench::with_tiles("easy");
    let ran = bench.ok("stitch align tiles/tiles.csv -o layout.json --progress json");
    let lines: Vec<serde_json::Value> = ran
        .err
        .lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
        .collect();
    assert_eq!(lines.first().unwrap()["type"], "start");
    let end = lines.last().unwrap();
    assert_eq!((end["type"].as_str(), end["status"].as_str()), (Some("end"), Some("done")));
    assert!(lines.iter().any(|l| l["type"] == "progress" && l["done"] == l["total"]));
    assert!(ran.out.is_empty(), "computing commands print nothing: {}", ran.out);
}

#[test]
fn json_tells_outputs_and_errors_alike() {
    let bench = Bench::with_tiles("easy");
    let done = bench.json("stitch align tiles/tiles.csv -o layout.json -q");
    assert_eq!((done["status"].as_str(), done["exit_code"].as_i64()), (Some("done"), Some(0)));
    assert!(done["outputs"][0]["size_bytes"].as_u64().unwrap() > 100);
    let failed = bench.json("stitch align missing.csv -o other.json -q");
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["error"]["kind"], "input");
    assert!(failed["error"]["message"].as_str().unwrap().contains("missing.csv"));
}

/// What the help says can be typed can be typed, in this order, on the data of its first example.
#[test]
fn the_examples_of_the_help_run_as_they_stand() {
    let bench = Bench::new();
    bench.write("spots.csv", "x,y,z,t,c,intensity\n10.5,20,3,1,1,80\n11,20,3.5,1,2,75\n");
    let verbs = [
        "simulate tiles",
        "stitch align",
        "stitch place",
        "stitch fuse",
        "stitch run",
        "stitch preview",
        "stitch layout show",
        "stitch layout components",
        "stitch layout regions",
        "stitch layout crop",
        "stitch layout slice",
        "stitch layout relocate",
        "stitch layout export",
        "stitch layout set-positions",
        "stitch layout remove",
        "stitch layout overlap",
        "convert",
        "info",
        "report",
        "score tiles",
        "tileset info",
        "tileset positions",
        "tileset calibrate",
        "tileset scale",
        "tileset slice",
        "tileset volume",
        "tileset dedup",
        "tileset centroids",
        "tileset to-global",
        "tileset mask",
        "tileset export-bdv",
        "tileset blank-bdv",
        "tileset set-tile",
        "tileset update-offsets",
        "tileset surface",
        "score labels",
        "blobs import",
        "blobs match",
        "blobs stats",
        "score blobs",
        "blobs export",
        "schema",
        "doctor",
    ];
    let mut done: Vec<String> = Vec::new();
    for verb in verbs {
        let help = bench.ok(&format!("{verb} --help")).out;
        for line in help.lines().filter_map(|l| l.strip_prefix("  hooke ")) {
            let begun = |d: &String| d.as_str() == line;
            if done.iter().any(begun) {
                continue;
            }
            let output = line.split(" -o ").nth(1).and_then(|rest| rest.split(' ').next());
            let again = output.is_some_and(|o| bench.has(o));
            let line = if again { format!("{line} --overwrite") } else { line.to_owned() };
            bench.ok(&line);
            done.push(line);
        }
    }
    assert!(done.len() > 70, "{}", done.len());
}

#[test]
fn repeating_a_run_replaces_nothing_unasked() {
    let bench = Bench::with_tiles("easy");
    let line = "stitch align tiles/tiles.csv -o layout.json --max-shift 3,8,8 -q --threads 1";
    bench.ok(&format!("{line} --overwrite --log run.log"));
    let toml = std::fs::read_to_string(bench.path("layout.json.run.toml")).unwrap();
    assert!(toml.contains("threads = 1") && toml.contains("max_shift"), "{toml}");
    for key in ["overwrite", "quiet", "log"] {
        assert!(!toml.contains(&format!("{key} =")), "{key} in\n{toml}");
    }
    bench.fails(1, "stitch align --config layout.json.run.toml");
}

#[test]
fn a_wrong_setting_is_told_to_programs_too() {
    let bench = Bench::new();
    let ran = bench.run("stitch fuse a.json -o a.zarr --set blnd=max --json");
    assert_eq!(ran.code, 2);
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&told["command"], &told["exit_code"]), (&"stitch fuse".into(), &2.into()));
    assert_eq!(told["error"]["hints"][0], "did you mean `blend`?");
}

/// What `-h` shows of every command, as a terminal of 100 columns does.
#[test]
fn the_short_help_of_every_command() {
    let bench = Bench::new();
    let mut text = String::new();
    for verb in
        ["", "stitch", "stitch layout", "tileset", "blobs", "events", "simulate", "score", "block"]
            .iter()
            .chain(VERBS)
    {
        text += &format!("$ hooke {verb} -h\n{}\n", bench.ok(&format!("{verb} -h")).out);
    }
    let wide = text.lines().filter(|l| l.chars().count() > 100).collect::<Vec<_>>();
    assert!(wide.is_empty(), "wider than 100 columns: {wide:?}");
    insta::assert_snapshot!(text);
}
