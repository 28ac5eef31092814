//! What a run refuses before it touches anything.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hooke_core::Budget;
use hooke_workflows::engine::{Error, ErrorKind, RunOptions, RunStatus, Target, plan_only, run};

use super::toy::{Toy, files, folder, options, resume};

fn refused(toy: &Toy, options: &RunOptions) -> Error {
    let entries = || fs::read_dir(toy.out.parent().unwrap()).unwrap().count();
    let before = entries();
    let error = run(toy, &toy.target(), options, &()).unwrap_err();
    assert_eq!(before, entries(), "something was written or removed");
    error
}

fn overwrite() -> RunOptions {
    RunOptions { overwrite: true, ..options() }
}

#[test]
fn an_existing_output_needs_overwrite() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    run(&toy, &toy.target(), &options(), &()).unwrap();
    let error = refused(&toy, &options());
    assert!(matches!(error, Error::Exists(_)));
    assert_eq!(error.hints(), ["give --overwrite to replace it"]);
    let other = Toy { gain: 4, ..toy.clone() };
    run(&other, &other.target(), &overwrite(), &()).unwrap();
    assert_eq!(files(&toy.out), other.truth());
}

#[test]
fn overwrite_leaves_a_folder_of_others_alone() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("photos"));
    fs::create_dir(&toy.out).unwrap();
    fs::write(toy.out.join("a.jpg"), "x").unwrap();
    assert!(matches!(refused(&toy, &overwrite()), Error::NotOurs(_)));
    assert!(toy.out.join("a.jpg").exists());
    let partial = Toy::new(folder.path().join("b"));
    fs::create_dir(folder.path().join("b.partial")).unwrap();
    fs::write(folder.path().join("b.partial/notes.txt"), "x").unwrap();
    let error = run(&partial, &partial.target(), &overwrite(), &()).unwrap_err();
    assert!(matches!(error, Error::NotOurs(_)));
    assert!(folder.path().join("b.partial/notes.txt").exists());
}

#[test]
fn an_unfinished_output_names_both_ways_on() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    plan_only(&toy, &toy.target(), &options()).unwrap();
    let error = refused(&toy, &options());
    assert!(matches!(error, Error::Unfinished { done: 0, total: 82, .. }), "{error}");
    assert_eq!(error.hints(), ["go on with --resume, or start anew with --overwrite"]);
    let other = Toy { gain: 5, ..toy.clone() };
    run(&other, &other.target(), &overwrite(), &()).unwrap();
    assert_eq!(files(&toy.out), other.truth());
}

#[test]
fn resume_and_overwrite_together_are_a_usage_error() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    let error = refused(&toy, &RunOptions { resume: true, ..overwrite() });
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(error.kind().exit_code(), 2);
}

#[test]
fn a_missing_parent_and_a_read_only_one_are_named() {
    let toy = Toy::new("/no/such/folder/out");
    let error = run(&toy, &toy.target(), &options(), &()).unwrap_err();
    assert_eq!(error.to_string(), "/no/such/folder: no such folder");
    // File systems that nobody can write to, the superuser included.
    for place in ["/proc/out", "/sys/out"] {
        let toy = Toy::new(place);
        let error = run(&toy, &toy.target(), &options(), &()).unwrap_err();
        assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::Output, 1), "{error}");
    }
    if rustix::process::geteuid().is_root() {
        return println!("SKIPPED: the superuser may write into read-only folders");
    }
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let error = refused(&Toy::new(folder.path().join("out")), &options());
    assert!(matches!(error, Error::NotWritable { .. }), "{error:?}");
    assert!(error.to_string().ends_with("cannot write there: permission denied"), "{error}");
}

#[test]
fn a_disk_that_is_too_small_is_seen_beforehand() {
    let folder = folder();
    let huge = [1, 1, 1 << 20, 1 << 20, 1 << 12];
    let toy = Toy { shape: huge, unit: huge, block: huge, ..Toy::new(folder.path().join("out")) };
    let error = refused(&toy, &options());
    assert!(matches!(error, Error::NoSpace { needed, free, .. } if needed > free), "{error}");
    assert!(error.to_string().contains("are free"));
}

#[test]
fn misaligned_blocks_are_refused() {
    let folder = folder();
    let toy = Toy { block: [1, 1, 2, 3, 4], ..Toy::new(folder.path().join("out")) };
    let error = refused(&toy, &options());
    assert_eq!(
        error.to_string(),
        "block 2,3,4 is not a multiple of the write unit 2,4,4 of fill along y: two workers \
         would overwrite each other"
    );
}

#[test]
fn a_finished_output_resumes_to_nothing_and_other_settings_are_refused() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    assert_eq!(run(&toy, &toy.target(), &resume(), &()).unwrap().status, RunStatus::Done);
    let report = run(&toy, &toy.target(), &resume(), &()).unwrap();
    assert_eq!(report.status, RunStatus::AlreadyComplete);
    assert_eq!((report.status.word(), report.status.exit_code()), ("done", 0));
    assert_eq!(report.outputs.len(), 1);
    let other = Toy { gain: 9, ..toy };
    assert!(matches!(refused(&other, &resume()), Error::FinishedOtherwise(_)));
}

#[test]
fn an_input_error_leaves_nothing_behind() {
    let folder = folder();
    let toy = Toy { input: Some("/no/such.toy".into()), ..Toy::new(folder.path().join("out")) };
    let error = refused(&toy, &options());
    assert_eq!(error.path(), Some(Path::new("/no/such.toy")));
}

#[test]
fn a_plan_with_little_memory_still_runs_one_block_at_a_time() {
    let folder = folder();
    let toy = Toy { bytes: 1 << 40, ..Toy::new(folder.path().join("out")) };
    let options = RunOptions { budget: Budget { memory: 1, threads: 4 }, ..options() };
    assert_eq!(run(&toy, &toy.target(), &options, &()).unwrap().status, RunStatus::Done);
    assert_eq!(files(&toy.out), toy.truth());
}

#[test]
fn a_run_folder_gets_its_mark_last_and_keeps_foreign_files() {
    let folder = folder();
    let home = folder.path().join("run");
    let toy = Toy::new(home.clone());
    let target = Target::RunFolder(home.clone());
    let report = run(&toy, &target, &options(), &()).unwrap();
    assert_eq!(report.status, RunStatus::Done);
    assert!(home.join("hooke.json").is_file() && home.join("run.toml").is_file());
    assert!(!home.join(".partial").exists());
    assert_eq!(files(&home.join("run")), toy.truth());
    assert!(matches!(run(&toy, &target, &options(), &()), Err(Error::Exists(_))));
    assert_eq!(run(&toy, &target, &resume(), &()).unwrap().status, RunStatus::AlreadyComplete);
    fs::write(home.join("notes.txt"), "mine").unwrap();
    let other = Toy { gain: 8, ..toy };
    run(&other, &target, &overwrite(), &()).unwrap();
    assert_eq!(files(&home.join("run")), other.truth());
    assert_eq!(fs::read_to_string(home.join("notes.txt")).unwrap(), "mine");
}
