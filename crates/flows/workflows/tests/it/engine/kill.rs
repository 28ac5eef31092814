//! Runs that are killed at any moment, and two at once.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use hooke_core::provenance::Provenance;
use hooke_workflows::engine::{Error, plan_only, run};

use super::child::{Job, answer};
use super::toy::{COMMANDS, Toy, files, folder, options, resume};

/// Whether it still ran.
fn kill_after(mut child: Child, time: Duration) -> bool {
    std::thread::sleep(time);
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

fn leftovers(folder: &Path) -> usize {
    files(folder).keys().filter(|k| k.to_string_lossy().contains(".tmp-")).count()
}

#[test]
fn killed_at_any_moment_a_run_goes_on_to_the_same_bytes() {
    let first = folder();
    let started = Instant::now();
    assert_eq!(Job::new(&first.path().join("out")).run().0, Some(0));
    let whole = started.elapsed();
    let mut killed = 0;
    // From before the first file to after the last.
    for round in 1..=20 {
        let folder = folder();
        let job = Job::new(&folder.path().join("out"));
        killed += u32::from(kill_after(job.spawn(), whole * round / 20));
        if round % 3 == 0 {
            kill_after(job.clone().resume().spawn(), whole * round / 40);
        }
        let (code, answer) = job.clone().resume().run();
        assert_eq!(code, Some(0), "{answer}");
        assert_eq!(files(&job.out), job.toy().truth(), "round {round}");
        assert!(!folder.path().join("out.partial").exists());
        assert_eq!(leftovers(folder.path()), 0);
    }
    assert!(killed >= 5, "only {killed} of 20 were still running when they were killed");
}

#[test]
fn killed_between_data_and_marker_a_block_is_done_again() {
    let folder = folder();
    let job = Job { threads: 1, ..Job::new(&folder.path().join("out")) };
    let faulty = job.clone().fault("die_once:fill:9,die_once:normalise:4");
    assert_eq!(faulty.run().0, None);
    let again = Job { resume: true, ..faulty };
    assert_eq!(again.run().0, None);
    let (code, answer) = again.run();
    assert_eq!((code, answer["blocks"]["skipped"].as_u64()), (Some(0), Some(2 * 27 + 1 + 4)));
    assert_eq!(files(&job.out), job.toy().truth());
}

#[test]
fn killed_while_publishing_resume_completes_it() {
    for step in ["die:publish:0", "die:publish:1"] {
        let folder = folder();
        let job = Job::new(&folder.path().join("out"));
        assert_eq!(job.clone().fault(step).run().0, None);
        assert!(job.out.is_dir() && folder.path().join("out.partial").is_dir());
        assert_eq!(job.clone().resume().run().0, Some(0), "{step}");
        assert_eq!(files(&job.out), job.toy().truth());
        let record = fs::read(folder.path().join("out.hooke.json")).unwrap();
        let record: Provenance = serde_json::from_slice(&record).unwrap();
        assert_eq!(record.stages.len(), 4);
        assert!(!folder.path().join("out.partial").exists());
    }
}

#[test]
fn an_overwriting_run_that_was_killed_may_be_resumed() {
    let folder = folder();
    let out = folder.path().join("out");
    let old = Toy { gain: 99, ..Toy::new(&out) };
    run(&old, &old.target(), &options(), &()).unwrap();
    let job = Job { overwrite: true, ..Job::new(&out) };
    assert_eq!(job.clone().fault("die:fill:9").run().0, None);
    assert_eq!(files(&out), old.truth(), "the old output stays until the new one is complete");
    let (code, answer) = Job { overwrite: false, ..job.resume() }.run();
    assert_eq!(code, Some(0), "{answer}");
    assert_eq!(files(&out), Toy::new(&out).truth());
}

#[test]
fn a_second_driver_is_told_who_is_first() {
    let folder = folder();
    let job = Job::new(&folder.path().join("out"));
    let mut first = job.clone().fault("endless:fill:3").spawn();
    let work = folder.path().join("out.partial");
    while !work.join(".blocks/fill/00000002.json").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let toy = job.toy();
    for options in [options(), resume()] {
        let error = run(&toy, &toy.target(), &options, &()).unwrap_err();
        let text = error.to_string();
        let expected = format!("another hooke (pid {}, host ", first.id());
        assert!(text.starts_with(&expected) && text.ends_with(") is writing out"), "{text}");
    }
    let (code, answer) = job.clone().part("fill 0..3").run();
    assert_eq!(code, Some(1));
    assert!(answer["error"].as_str().unwrap().starts_with("another hooke (pid "));
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(job.clone().resume().run().0, Some(0));
    assert_eq!(files(&job.out), toy.truth());
}

#[test]
fn a_driver_waits_for_no_worker_but_is_refused() {
    let folder = folder();
    let job = Job::new(&folder.path().join("out"));
    let toy = job.toy();
    plan_only(&toy, &toy.target(), &options()).unwrap();
    let mut worker = job.clone().part("fill 0..9").fault("endless:fill:3").spawn();
    let marker = folder.path().join("out.partial/.blocks/fill/00000002.json");
    while !marker.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let locked = run(&toy, &toy.target(), &resume(), &()).unwrap_err();
    assert!(matches!(locked, Error::Locked { .. }));
    let other = job.clone().part("fill 9..27").spawn();
    let other = other.wait_with_output().unwrap();
    assert!(other.status.success(), "{}", answer(&other));
    worker.kill().unwrap();
    worker.wait().unwrap();
    let plan = folder.path().join("out.partial");
    assert_eq!(hooke_workflows::engine::open_plan(&plan, COMMANDS).unwrap().plan.blocks(), 82);
    assert_eq!(job.resume().run().0, Some(0));
    assert_eq!(files(&toy.out), toy.truth());
}
