//! A plan by parts, on several processes.

use std::fs;

use hooke_workflows::engine::{
    Error, ErrorKind, RunOptions, RunStatus, Selection, finish_plan, open_plan, plan_only,
    plan_status, run_range,
};

use super::child::Job;
use super::toy::{COMMANDS, Toy, files, folder, options};

#[test]
fn a_stage_waits_for_the_one_before() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    let plan = plan_only(&toy, &toy.target(), &options()).unwrap();
    let some = Selection::ranges("0..3").unwrap();
    run_range(&plan, "fill", &some, COMMANDS, &options(), &()).unwrap();
    let error = run_range(&plan, "sums", &some, COMMANDS, &options(), &()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "stage `sums` comes after `fill`, of which 24 of 27 blocks are missing"
    );
    let error = run_range(&plan, "fil", &some, COMMANDS, &options(), &()).unwrap_err();
    assert_eq!(error.to_string(), "no stage `fil`; the stages are fill, sums, total, normalise");
    assert_eq!(error.kind(), ErrorKind::Usage);
}

#[test]
fn finishing_too_early_lists_what_is_missing() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    let plan = plan_only(&toy, &toy.target(), &options()).unwrap();
    let some = Selection::ranges("3..7,9..27").unwrap();
    run_range(&plan, "fill", &some, COMMANDS, &options(), &()).unwrap();
    let error = finish_plan(&plan, COMMANDS, &options(), &()).unwrap_err();
    assert!(error.to_string().ends_with("is not complete; missing fill 0..3, 7..9"), "{error}");
    assert_eq!(error.kind().exit_code(), 3);
    assert_eq!(plan_status(&plan).unwrap().stages[0].missing, ["0..3", "7..9"]);
}

#[test]
fn finishing_runs_the_steps_of_one_block() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    let plan = plan_only(&toy, &toy.target(), &options()).unwrap();
    for stage in ["fill", "sums"] {
        run_range(&plan, stage, &Selection::All, COMMANDS, &options(), &()).unwrap();
    }
    let error = finish_plan(&plan, COMMANDS, &options(), &()).unwrap_err();
    assert!(error.to_string().ends_with("missing normalise 0..27"), "{error}");
    assert_eq!(plan_status(&plan).unwrap().stages[2].done, 1);
    run_range(&plan, "normalise", &Selection::All, COMMANDS, &options(), &()).unwrap();
    assert_eq!(finish_plan(&plan, COMMANDS, &options(), &()).unwrap().status, RunStatus::Done);
    assert_eq!(files(&toy.out), toy.truth());
}

#[test]
fn shares_on_four_processes_at_once_give_the_same_bytes() {
    let folder = folder();
    let out = folder.path().join("out");
    let toy = Toy::new(&out);
    let plan = plan_only(&toy, &toy.target(), &options()).unwrap();
    for stage in ["fill", "sums"] {
        // Overlapping on purpose: the same block twice gives the same bytes.
        let parts = ["0..9", "7..14", "14..27", "0..27"];
        let children: Vec<_> = parts
            .iter()
            .map(|part| Job::new(&out).part(&format!("{stage} {part}")).spawn())
            .collect();
        for child in children {
            assert!(child.wait_with_output().unwrap().status.success());
        }
    }
    assert_eq!(Job::new(&out).part("total 0..1").run().0, Some(0));
    assert_eq!(Job::new(&out).part("normalise 0..27").run().0, Some(0));
    assert_eq!(Job::new(&out).part("finish").run().0, Some(0));
    assert_eq!(files(&out), toy.truth());
    assert!(matches!(plan_status(&plan), Err(Error::NotAPlan { .. })));
}

#[test]
fn a_failed_range_exits_with_3_and_finish_may_accept_it() {
    let folder = folder();
    let out = folder.path().join("out");
    let toy = Toy::new(&out);
    let plan = plan_only(&toy, &toy.target(), &options()).unwrap();
    for stage in ["fill", "sums", "total"] {
        run_range(&plan, stage, &Selection::All, COMMANDS, &options(), &()).unwrap();
    }
    let job = Job::new(&out).part("normalise 0..99").fault("permanent:normalise:1");
    assert_eq!(job.run().0, Some(3));
    let status = plan_status(&plan).unwrap();
    assert_eq!((status.stages[3].done, status.stages[3].failed), (26, 1));
    assert!(finish_plan(&plan, COMMANDS, &options(), &()).is_err());
    let accept = RunOptions { accept_failed: true, ..options() };
    let report = finish_plan(&plan, COMMANDS, &accept, &()).unwrap();
    assert_eq!(report.status, RunStatus::Incomplete);
    assert!(out.join("c0.0.0").exists() && !out.join("c0.0.1").exists());
}

#[test]
fn a_plan_is_found_by_its_folder_and_refused_when_it_is_none() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    let path = plan_only(&toy, &toy.target(), &options()).unwrap();
    let by_folder = open_plan(path.parent().unwrap(), COMMANDS).unwrap();
    assert_eq!(by_folder.plan, open_plan(&path, COMMANDS).unwrap().plan);
    assert!(matches!(open_plan(&path, &[]), Err(Error::UnknownCommand { .. })));
    let newer = [hooke_workflows::engine::Registered { results_version: 2, ..COMMANDS[0] }];
    let error = open_plan(&path, &newer).err().unwrap();
    assert!(error.to_string().contains("results version: 1 in the plan, 2 now"), "{error}");
    fs::write(&path, "{}").unwrap();
    assert!(matches!(open_plan(&path, COMMANDS), Err(Error::NotAPlan { .. })));
    assert!(open_plan(folder.path(), COMMANDS).is_err());
}
