//! Blocks that fail, hang, panic, meet a full disk; runs that are asked to stop.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use hooke_core::Cancel;
use hooke_core::provenance::{Completeness, Provenance};
use hooke_workflows::engine::{Event, Outcome, RunOptions, RunStatus, Watch, plan_status, run};
use serde_json::Value;

use super::child::Job;
use super::toy::{Toy, files, folder, options, resume};

fn count(answer: &Value, what: &str) -> u64 {
    answer["blocks"][what].as_u64().unwrap()
}

fn markers(out: &Path, stage: &str) -> (u64, u64) {
    let work = Toy::new(out).target().work_folder();
    let status = plan_status(&work).unwrap();
    let stage = status.stages.iter().find(|s| s.name == stage).unwrap();
    (stage.done, stage.failed)
}

#[test]
fn a_transient_error_is_tried_again() {
    let folder = folder();
    let job = Job::new(&folder.path().join("out"));
    let (code, _) = job.clone().fault("transient:fill:4,transient:total:0").run();
    assert_eq!(code, Some(0));
    assert_eq!(files(&job.out), job.toy().truth());
}

#[test]
fn a_block_that_never_succeeds_is_tried_four_times_and_the_others_go_on() {
    let folder = folder();
    let job = Job::new(&folder.path().join("out"));
    let (code, answer) = job.clone().fault("transient_always:fill:4").run();
    assert_eq!((code, &answer["status"]), (Some(3), &Value::from("blocks-failed")));
    assert_eq!((count(&answer, "done"), count(&answer, "failed")), (26, 1));
    let failed = &answer["failed"][0];
    assert_eq!((&failed["attempts"], &failed["kind"]), (&4.into(), &"transient".into()));
    assert_eq!(failed["region"]["start"], serde_json::json!([0, 0, 0, 4, 4]));
    assert!(!job.out.exists());
    assert_eq!(markers(&job.out, "fill"), (26, 1));
    let (code, answer) = job.clone().resume().run();
    assert_eq!((code, count(&answer, "skipped")), (Some(0), 26));
    assert_eq!(files(&job.out), job.toy().truth());
}

#[test]
fn permanent_errors_and_panics_fail_only_their_block() {
    let folder = folder();
    let job = Job::new(&folder.path().join("out"));
    let (code, answer) = job.clone().fault("permanent:normalise:2,panic:normalise:20").run();
    assert_eq!(code, Some(3));
    let failed = answer["failed"].as_array().unwrap();
    let kinds: Vec<&str> = failed.iter().map(|f| f["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"permanent") && kinds.contains(&"panic"));
    let panic = failed.iter().find(|f| f["kind"] == "panic").unwrap();
    let text = panic["error"].as_str().unwrap();
    assert!(text.contains("a panic on purpose at ") && text.contains("please report"), "{text}");
    assert_eq!(markers(&job.out, "normalise"), (25, 2));
    assert_eq!(job.clone().resume().run().0, Some(0));
    assert_eq!(files(&job.out), job.toy().truth());
}

#[test]
fn accepted_failures_are_published_as_incomplete() {
    let folder = folder();
    let job = Job::new(&folder.path().join("out"));
    let fault = "permanent:normalise:2";
    assert_eq!(job.clone().fault(fault).run().0, Some(3));
    let accepting = Job { accept_failed: true, ..job.clone().resume() }.fault(fault);
    let (code, answer) = accepting.run();
    assert_eq!((code, &answer["status"]), (Some(3), &Value::from("incomplete")));
    let text = fs::read_to_string(folder.path().join("out.hooke.json")).unwrap();
    let record: Provenance = serde_json::from_str(&text).unwrap();
    assert_eq!((record.status, record.runs), (Completeness::Incomplete, 2));
    assert_eq!((record.failed[0].id, &*record.failed[0].error), (2, "a fault on purpose"));
    let mut truth = job.toy().truth();
    truth.remove(Path::new("c0.0.2"));
    assert_eq!(files(&job.out), truth);
}

#[test]
fn too_many_failed_blocks_stop_the_run() {
    let folder = folder();
    let job = Job { max_failed: Some(1), threads: 1, ..Job::new(&folder.path().join("out")) };
    let fault = "permanent:fill:2,permanent:fill:3,permanent:fill:4";
    let (code, answer) = job.clone().fault(fault).run();
    assert_eq!(code, Some(1));
    let text = answer["error"].as_str().unwrap();
    assert_eq!(text, "more than 1 blocks failed, the last one: a fault on purpose");
    assert_eq!((count(&answer, "done"), count(&answer, "failed")), (2, 2));
    let all = Job { max_failed: None, ..job.clone().resume() }.fault(fault);
    assert_eq!(all.run().0, Some(3));
    assert_eq!(job.resume().run().0, Some(0));
}

#[test]
fn a_command_with_a_single_answer_stops_at_the_first_failure_and_leaves_nothing() {
    let folder = folder();
    let job = Job { strict: true, ..Job::new(&folder.path().join("out")) };
    let (code, answer) = job.clone().fault("permanent:sums:1").run();
    assert_eq!((code, &answer["kept"]), (Some(1), &Value::from(false)));
    assert_eq!(answer["error"], "block 1 of sums failed: a fault on purpose");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // A disk that may answer again later keeps what is done.
    let (code, answer) = job.clone().fault("transient_always:sums:1").run();
    assert_eq!((code, &answer["kept"]), (Some(1), &Value::from(true)));
    assert_eq!(job.resume().run().0, Some(0));
}

#[test]
fn a_failed_step_of_one_block_stops_the_run() {
    let folder = folder();
    let job = Job::new(&folder.path().join("out"));
    let (code, answer) = job.clone().fault("permanent:total:0").run();
    assert_eq!((code, &answer["status"]), (Some(1), &Value::from("failed")));
    let (code, _) = job.clone().fault("panic:total:0").run();
    assert_eq!(code, Some(1));
    assert_eq!(job.clone().resume().run().0, Some(0));
    assert_eq!(files(&job.out), job.toy().truth());
}

#[test]
fn a_full_disk_stops_the_run_and_says_needed_and_free() {
    let folder = folder();
    let job = Job { threads: 1, ..Job::new(&folder.path().join("out")) };
    let (code, answer) = job.clone().fault("enospc:fill:5").run();
    assert_eq!(code, Some(1));
    let text = answer["error"].as_str().unwrap();
    assert!(text.starts_with("the run stopped at block 5 of fill: "), "{text}");
    assert!(text.contains("the block needs 1.0 MiB, ") && text.ends_with("are free"), "{text}");
    assert_eq!(markers(&job.out, "fill"), (5, 0));
    let (code, answer) = job.clone().resume().run();
    assert_eq!((code, count(&answer, "skipped")), (Some(0), 5));
    assert_eq!(files(&job.out), job.toy().truth());
}

/// Cancels after some blocks, and keeps what it heard.
struct CancelAfter {
    cancel: Cancel,
    blocks: std::sync::Mutex<u64>,
    heard: std::sync::Mutex<Vec<String>>,
}

impl Watch for CancelAfter {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Block { outcome: Outcome::Done, .. } => {
                let mut left = self.blocks.lock().unwrap();
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.cancel.cancel();
                }
            }
            Event::Stopping(grace) => {
                self.heard.lock().unwrap().push(format!("stopping, {} s", grace.as_secs()));
            }
            _ => {}
        }
    }
}

#[test]
fn a_cancelled_run_stops_between_blocks_and_goes_on_later() {
    for threads in [1, 3] {
        let folder = folder();
        let toy = Toy::new(folder.path().join("out"));
        let cancel = Cancel::default();
        let watch =
            CancelAfter { cancel: cancel.clone(), blocks: 30.into(), heard: Vec::new().into() };
        let options = RunOptions { cancel, ..options() };
        let report =
            super::toy::pool(threads, || run(&toy, &toy.target(), &options, &watch).unwrap());
        assert_eq!((report.status, report.status.exit_code()), (RunStatus::Cancelled, 130));
        let done = report.blocks().done;
        assert!((30..36).contains(&done), "{done}");
        assert!(!toy.out.exists() && report.work.is_some());
        let report = run(&toy, &toy.target(), &resume(), &()).unwrap();
        assert_eq!(report.blocks().skipped, done);
        assert_eq!(files(&toy.out), toy.truth());
    }
}

#[test]
fn a_block_in_flight_is_told_to_stop_when_its_time_is_over() {
    struct Endless(Toy);
    use hooke_core::image::SourceError;
    use hooke_core::{Block, Budget, Plan};
    use hooke_workflows::engine::*;
    impl Workflow for Endless {
        fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
            self.0.plan(budget)
        }
        fn create(&self, plan: &Plan, work: &WorkDir) -> Result<(), SourceError> {
            self.0.create(plan, work)
        }
        fn open_stage<'a>(
            &'a self,
            _: &str,
            _: &'a Plan,
            _: &'a WorkDir,
        ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
            Ok(Box::new(|_: &Block, cx: &mut BlockContext<'_>| {
                while !cx.progress.is_cancelled() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(BlockError::Cancelled)
            }))
        }
        fn finish(&self, p: &Plan, m: &Markers, w: &WorkDir) -> Result<Finished, SourceError> {
            self.0.finish(p, m, w)
        }
    }
    let folder = folder();
    let workflow = Endless(Toy::new(folder.path().join("out")));
    let cancel = Cancel::default();
    let options =
        RunOptions { cancel: cancel.clone(), grace: Duration::from_millis(200), ..options() };
    let watch = CancelAfter { cancel: Cancel::default(), blocks: 0.into(), heard: vec![].into() };
    let asked = std::thread::scope(|scope| {
        let asked = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(150));
            cancel.cancel();
            Instant::now()
        });
        let report = run(&workflow, &workflow.0.target(), &options, &watch).unwrap();
        assert_eq!(report.status, RunStatus::Cancelled);
        asked.join().unwrap()
    });
    let waited = asked.elapsed();
    assert!(waited >= Duration::from_millis(200) && waited < Duration::from_secs(5), "{waited:?}");
    assert_eq!(*watch.heard.lock().unwrap(), ["stopping, 0 s"]);
}
