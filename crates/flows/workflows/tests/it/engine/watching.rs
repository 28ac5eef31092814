//! What a run tells while it goes, and what it leaves in its log.

use std::sync::Mutex;

use hooke_workflows::engine::{Event, Outcome, RunOptions, RunStatus, Watch, plan_only, run};
use serde_json::Value;

use super::child::Job;
use super::toy::{Toy, blocks, folder, options, resume};

#[derive(Default)]
struct Ears {
    stages: Mutex<Vec<(String, u64, u64)>>,
    done: Mutex<Vec<u64>>,
    ended: Mutex<Vec<String>>,
}

impl Watch for Ears {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Stage { stage, total, skipped } => {
                self.stages.lock().unwrap().push((stage.name.clone(), *total, *skipped));
                self.done.lock().unwrap().push(*skipped);
            }
            Event::Block { outcome: Outcome::Done, .. } => {
                *self.done.lock().unwrap().last_mut().unwrap() += 1;
            }
            Event::StageEnded(report) => self.ended.lock().unwrap().push(report.name.clone()),
            _ => {}
        }
    }
}

#[test]
fn every_block_is_told_once_and_stages_end_in_order() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    let ears = Ears::default();
    let report = run(&toy, &toy.target(), &options(), &ears).unwrap();
    let n = blocks(&toy);
    let names = ["fill", "sums", "total", "normalise"];
    let counts = [n, n, 1, n];
    let expected: Vec<_> = names.iter().zip(counts).map(|(s, n)| (s.to_string(), n, 0)).collect();
    assert_eq!(*ears.stages.lock().unwrap(), expected);
    assert_eq!(*ears.done.lock().unwrap(), counts);
    assert_eq!(*ears.ended.lock().unwrap(), names);
    assert_eq!(report.result["total"].as_u64(), Some(total(&toy)));
}

fn total(toy: &Toy) -> u64 {
    let text = toy.truth().remove(std::path::Path::new("total")).unwrap();
    String::from_utf8(text).unwrap().parse().unwrap()
}

#[test]
fn the_log_holds_what_went_wrong_over_all_runs() {
    let folder = folder();
    let job = Job::new(&folder.path().join("out"));
    let fault = "transient:fill:1,permanent:normalise:3";
    job.clone().fault(fault).run();
    job.clone().resume().fault(fault).run();
    let text = std::fs::read_to_string(folder.path().join("out.partial/log.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let of = |kind: &str| lines.iter().filter(|l| l["type"] == kind).count();
    assert_eq!((of("start"), of("end"), of("stage")), (2, 2, 8));
    let blocks: Vec<_> = lines.iter().filter(|l| l["type"] == "block").collect();
    let statuses: Vec<_> = blocks.iter().map(|l| l["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["retry", "failed", "failed"]);
}

/// Grows the process while a stage begins.
struct Greedy;

impl Watch for Greedy {
    fn event(&self, event: &Event<'_>) {
        if matches!(event, Event::Stage { stage, .. } if stage.name == "fill") {
            let grown = vec![1u8; 200 << 20];
            std::thread::sleep(std::time::Duration::from_millis(450));
            assert_eq!(std::hint::black_box(&grown)[7], 1);
        }
    }
}

#[test]
fn memory_above_the_bound_is_noticed() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    let budget = hooke_core::Budget { memory: 1 << 20, threads: 2 };
    let report = run(&toy, &toy.target(), &RunOptions { budget, ..options() }, &Greedy).unwrap();
    assert!(report.peak_rss_bytes > 200 << 20);
    assert_eq!(report.warnings[0].code, "memory_above_bound");
    let record = std::fs::read_to_string(folder.path().join("out.hooke.json")).unwrap();
    assert!(record.contains("memory_above_bound"));
}

#[test]
fn a_run_from_a_plan_only_folder_counts_as_the_first() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    plan_only(&toy, &toy.target(), &options()).unwrap();
    let report = run(&toy, &toy.target(), &resume(), &()).unwrap();
    assert_eq!((report.status, report.blocks().skipped), (RunStatus::Done, 0));
    let record = std::fs::read_to_string(folder.path().join("out.hooke.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["runs"], 1);
}
