//! The same bits for every grid, thread count and executor.

use std::fs;

use hooke_core::plan::{Blocks, Plan};
use hooke_core::provenance::{Completeness, Provenance};
use hooke_workflows::engine::{
    RunStatus, Selection, Workflow, finish_plan, plan_only, plan_status, run, run_range,
};
use proptest::prelude::*;

use super::toy::{COMMANDS, Toy, blocks, files, folder, options, pool};

fn grids() -> Vec<Toy> {
    let toy = Toy::new("");
    let blocks = [[1, 1, 2, 4, 4], [1, 1, 6, 10, 11], [1, 1, 2, 8, 12], [1, 1, 4, 4, 11]];
    blocks.map(|block| Toy { block, ..toy.clone() }).to_vec()
}

#[test]
fn every_grid_and_thread_count_gives_the_same_bytes() {
    let truth = Toy::new("").truth();
    for (number, grid) in grids().into_iter().enumerate() {
        for threads in [1, 2, 4] {
            let folder = folder();
            let out = folder.path().join("out");
            let toy = Toy { out: out.clone(), ..grid.clone() };
            let report = pool(threads, || run(&toy, &toy.target(), &options(), &()).unwrap());
            assert_eq!(report.status, RunStatus::Done);
            assert_eq!(report.blocks().done, 3 * blocks(&toy) + 1);
            assert_eq!(files(&out), truth, "grid {number}, {threads} threads");
            assert!(!toy.target().work_folder().exists());
        }
    }
}

#[test]
fn a_thread_outside_of_any_pool_may_run_too() {
    let folder = tempfile::tempdir().unwrap();
    let toy = Toy::new(folder.path().join("out"));
    assert_eq!(run(&toy, &toy.target(), &options(), &()).unwrap().status, RunStatus::Done);
    assert_eq!(files(&toy.out), toy.truth());
}

#[test]
fn listed_blocks_give_the_same_bytes() {
    let folder = folder();
    let toy = Toy { listed: true, ..Toy::new(folder.path().join("out")) };
    let plan = toy.plan(&options().budget).unwrap();
    assert!(
        matches!(&plan.stages[0].blocks, Blocks::Listed(blocks) if blocks[0].write.start[4] == 4)
    );
    assert_eq!(Plan::from_json(&plan.to_json()).unwrap(), plan);
    pool(2, || run(&toy, &toy.target(), &options(), &()).unwrap());
    assert_eq!(files(&toy.out), toy.truth());
}

#[test]
fn ranges_give_the_same_bytes_as_one_run() {
    let parts = ["0..3,5..9", "3..5", "9..99"];
    for grid in grids() {
        let folder = folder();
        let out = folder.path().join("out");
        let toy = Toy { out: out.clone(), ..grid };
        let plan = plan_only(&toy, &toy.target(), &options()).unwrap();
        for stage in ["fill", "sums", "total", "normalise"] {
            for part in parts {
                let selection = Selection::ranges(part).unwrap();
                let report =
                    run_range(&plan, stage, &selection, COMMANDS, &options(), &()).unwrap();
                assert_eq!(report.status, RunStatus::Done);
            }
        }
        let status = plan_status(&plan).unwrap();
        assert_eq!(status.counts(), (3 * blocks(&toy) + 1, 3 * blocks(&toy) + 1));
        let report = finish_plan(&plan, COMMANDS, &options(), &()).unwrap();
        assert_eq!(report.status, RunStatus::Done);
        assert_eq!(files(&out), toy.truth());
    }
}

#[test]
fn the_record_beside_the_output_says_what_made_it() {
    let folder = folder();
    let input = folder.path().join("in.toy");
    fs::write(&input, "12").unwrap();
    let toy = Toy { input: Some(input), ..Toy::new(folder.path().join("out")) };
    run(&toy, &toy.target(), &options(), &()).unwrap();
    let text = fs::read_to_string(folder.path().join("out.hooke.json")).unwrap();
    let record: Provenance = serde_json::from_str(&text).unwrap();
    assert_eq!(record.status, Completeness::Done);
    assert_eq!(record.inputs[0].size_bytes, 2);
    assert_eq!(
        record.outputs[0].size_bytes,
        files(&toy.out).values().map(|f| f.len() as u64).sum::<u64>()
    );
    let stages: Vec<(&str, u64)> = record.stages.iter().map(|s| (&*s.name, s.done)).collect();
    let n = blocks(&toy);
    assert_eq!(stages, [("fill", n), ("sums", n), ("total", 1), ("normalise", n)]);
    assert_eq!(record.stages[0].bytes_written, 4 * 660);
    assert!(record.peak_rss_bytes > 0 && record.runs == 1);
    assert!(record.started.ends_with('Z'));
    let toml = fs::read_to_string(folder.path().join("out.run.toml")).unwrap();
    assert_eq!(toml, options().run_toml);
}

#[test]
fn a_plan_on_disk_has_the_keys_of_the_format() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    let path = plan_only(&toy, &toy.target(), &options()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "format",
            "version",
            "hooke",
            "results_version",
            "hash",
            "command",
            "parameters",
            "inputs",
            "outputs",
            "memory_bytes",
            "threads",
            "work_bytes",
            "stages"
        ]
    );
    let stage = &json["stages"][0];
    assert_eq!(stage["grid"]["write"], serde_json::json!([1, 1, 2, 4, 4]));
    assert_eq!((&stage["count"], &json["stages"][2]["count"]), (&27.into(), &1.into()));
    let plan = Plan::from_json(&text).unwrap();
    assert_eq!(plan, toy.plan(&options().budget).unwrap());
}

#[test]
fn markers_prove_their_files() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    let plan = plan_only(&toy, &toy.target(), &options()).unwrap();
    run_range(&plan, "fill", &Selection::All, COMMANDS, &options(), &()).unwrap();
    let work = toy.target().work_folder();
    let text = fs::read_to_string(work.join(".blocks/fill/00000003.json")).unwrap();
    let marker: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(marker["format"], "hooke.block");
    assert_eq!((&marker["id"], &marker["attempt"]), (&3.into(), &1.into()));
    let [key, size, crc] = marker["keys"][0].as_array().unwrap().as_slice() else { panic!() };
    let bytes = fs::read(work.join(key.as_str().unwrap())).unwrap();
    assert_eq!(size.as_u64(), Some(bytes.len() as u64));
    assert_eq!(*crc, format!("crc32c:{:08x}", crc32c::crc32c(&bytes)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn random_shapes_and_blocks_give_the_truth(
        shape in [1u64..8, 1u64..9, 1u64..9],
        unit in [1u64..5, 1u64..5, 1u64..5],
        times in [1u64..3, 1u64..3, 1u64..3],
        threads in 1usize..4,
    ) {
        let folder = folder();
        let unit = [1, 1, unit[0], unit[1], unit[2]];
        let toy = Toy {
            shape: [1, 1, shape[0], shape[1], shape[2]],
            unit,
            block: [1, 1, unit[2] * times[0], unit[3] * times[1], unit[4] * times[2]],
            ..Toy::new(folder.path().join("out"))
        };
        let aligned = (2..5).all(|d| toy.block[d] >= toy.shape[d] || toy.block[d].is_multiple_of(unit[d]));
        match pool(threads, || run(&toy, &toy.target(), &options(), &())) {
            Ok(_) => prop_assert_eq!(files(&toy.out), toy.truth()),
            Err(error) => prop_assert!(!aligned, "{}", error),
        }
    }
}
