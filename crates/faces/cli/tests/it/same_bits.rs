//! The same bytes for any chunk size, thread count and memory, and after kill and resume.

use std::time::{Duration, Instant};

use crate::hooke::{Bench, tree};

fn placed() -> Bench {
    let bench = Bench::with_tiles("subpixel");
    bench.ok("stitch align tiles/tiles.csv -o layout.json --max-shift 3,8,8 -q");
    bench.ok("stitch place layout.json -o placed.json -q");
    bench
}

#[test]
fn threads_change_no_byte() {
    let bench = placed();
    let layout = |name: &str| {
        let mut json = bench.read_json(name);
        json.as_object_mut().unwrap().remove("provenance");
        json
    };
    bench.ok("stitch align tiles/tiles.csv -o one.json --max-shift 3,8,8 --threads 1 -q");
    bench.ok("stitch align tiles/tiles.csv -o four.json --max-shift 3,8,8 --threads 4 -q");
    assert_eq!(layout("one.json"), layout("four.json"));
    // Else this test would compare a pool with itself.
    let pool = |name: &str| bench.read_json(name)["machine"]["threads"].as_u64();
    assert_eq!((pool("one.json.hooke.json"), pool("four.json.hooke.json")), (Some(1), Some(4)));
    for threads in [1, 4] {
        bench.ok(&format!(
            "stitch fuse placed.json -o v{threads}.ome.zarr --chunk 16,32,32 --threads {threads} -q"
        ));
    }
    assert_eq!(tree(&bench.path("v1.ome.zarr")), tree(&bench.path("v4.ome.zarr")));
}

#[test]
fn chunks_from_16_to_256_hold_the_same_pixels() {
    let bench = placed();
    let mut hashes = Vec::new();
    for chunk in ["16", "7,31,45", "64", "256"] {
        bench.ok(&format!("stitch fuse placed.json -o v.ome.zarr --chunk {chunk} --shard {chunk} --levels none -q --overwrite"));
        hashes.push(bench.hash("v.ome.zarr"));
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 1);
}

#[test]
fn a_killed_fusion_goes_on_to_the_same_bytes() {
    let bench = placed();
    let fuse = "stitch fuse placed.json --chunk 8,16,16 --shard 8,32,32 --threads 2 -q";
    bench.ok(&format!("{fuse} -o whole.ome.zarr"));
    let mut interrupted = 0;
    for wait_ms in [5, 20, 45, 80, 140, 220] {
        let mut child =
            bench.command(&format!("{fuse} -o killed.ome.zarr --resume")).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait_ms));
        if child.try_wait().unwrap().is_none() {
            interrupted += 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    bench.ok(&format!("{fuse} -o killed.ome.zarr --resume"));
    assert!(interrupted > 0, "every run ended before it was killed");
    assert_eq!(tree(&bench.path("whole.ome.zarr")), tree(&bench.path("killed.ome.zarr")));
    assert!(!bench.has("killed.ome.zarr.partial"));
}

#[test]
fn resume_with_other_settings_lists_what_differs() {
    let bench = placed();
    let plan = bench.json("stitch fuse placed.json -o v.ome.zarr --plan-only -q");
    assert!(plan["result"]["plan"].as_str().unwrap().ends_with("v.ome.zarr.partial/plan.json"));
    let err = bench.fails(1, "stitch fuse placed.json -o v.ome.zarr --blend max --resume -q");
    assert!(err.contains("blend: linear in the plan, max now"), "{err}");
    let err = bench.fails(1, "stitch fuse placed.json -o v.ome.zarr -q");
    assert!(err.contains("--resume") && err.contains("--overwrite"), "{err}");
    bench.ok("stitch fuse placed.json -o v.ome.zarr --resume -q");
    let again = bench.ok("stitch fuse placed.json -o v.ome.zarr --resume");
    assert!(again.err.contains("already complete"), "{}", again.err);
}

#[test]
fn a_plan_can_be_run_block_by_block() {
    let bench = placed();
    let options = "placed.json --chunk 8,32,32 --shard 8,64,64 -q";
    bench.ok(&format!("stitch fuse {options} -o whole.ome.zarr"));
    bench.ok(&format!("stitch fuse {options} -o parts.ome.zarr --plan-only"));
    let status = bench.json("block status parts.ome.zarr.partial");
    let stages = status["result"]["stages"].as_array().unwrap().clone();
    assert!(bench.run("block finish parts.ome.zarr.partial -q").code != 0 || stages.is_empty());
    for stage in &stages {
        let name = stage["name"].as_str().unwrap();
        for share in ["0/3", "2/3", "1/3"] {
            bench
                .ok(&format!("block run parts.ome.zarr.partial --stage {name} --share {share} -q"));
        }
    }
    bench.ok("block finish parts.ome.zarr.partial -q");
    assert_eq!(tree(&bench.path("whole.ome.zarr")), tree(&bench.path("parts.ome.zarr")));
}

#[test]
fn an_interrupt_stops_soon_and_says_how_to_go_on() {
    let bench = placed();
    let child = bench
        .command("stitch fuse placed.json -o v.ome.zarr --chunk 4,8,8 --shard 4,8,8 --threads 1")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(120));
    let started = Instant::now();
    let _ = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    let done = child.wait_with_output().unwrap();
    if done.status.code() == Some(0) {
        return; // it was faster than the signal
    }
    let err = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(130), "{err}");
    assert!(err.contains("--resume"), "{err}");
    assert!(started.elapsed() < Duration::from_secs(12));
    bench.ok(
        "stitch fuse placed.json -o v.ome.zarr --chunk 4,8,8 --shard 4,8,8 --threads 1 --resume -q",
    );
}
