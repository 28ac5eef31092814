//! Going on where a run stopped.

use std::fs;
use std::path::{Path, PathBuf};

use hooke_workflows::engine::{
    Error, RunOptions, RunReport, RunStatus, Selection, plan_only, plan_status, run, run_range,
};

use super::toy::{COMMANDS, Toy, blocks, files, folder, options, resume};

/// A toy of which the first blocks of `fill` are done.
fn begun(folder: &Path, ids: &str) -> (Toy, PathBuf) {
    let toy = Toy::new(folder.join("out"));
    let plan = plan_only(&toy, &toy.target(), &options()).unwrap();
    let selection = Selection::ranges(ids).unwrap();
    run_range(&plan, "fill", &selection, COMMANDS, &options(), &()).unwrap();
    (toy, plan)
}

fn fill(report: &RunReport) -> (u64, u64) {
    (report.stages[0].done, report.stages[0].skipped)
}

#[test]
fn only_missing_blocks_are_done_and_the_grid_on_disk_counts() {
    let folder = folder();
    let (toy, _) = begun(folder.path(), "0..5,7..9");
    let other_grid = Toy { block: [1, 1, 6, 12, 12], ..toy.clone() };
    let report = run(&other_grid, &toy.target(), &resume(), &()).unwrap();
    assert_eq!(fill(&report), (blocks(&toy) - 7, 7));
    assert_eq!(files(&toy.out), toy.truth());
    let again = run(&toy, &toy.target(), &resume(), &()).unwrap();
    assert_eq!(again.status, RunStatus::AlreadyComplete);
}

#[test]
fn other_settings_are_refused_line_by_line() {
    let folder = folder();
    let (toy, plan) = begun(folder.path(), "0..1");
    let other = Toy { gain: 7, ..toy.clone() };
    let error = run(&other, &toy.target(), &resume(), &()).unwrap_err();
    let text = error.to_string();
    assert!(text.ends_with("inputs:\n  gain: 3 in the plan, 7 now"), "{text}");
    assert_eq!(error.kind().exit_code(), 1);
    assert_eq!(plan_status(&plan).unwrap().stages[0].done, 1);
}

#[test]
fn a_changed_input_is_refused_and_a_touched_one_is_not() {
    let folder = folder();
    let input = folder.path().join("in.toy");
    fs::write(&input, "12").unwrap();
    let toy = Toy { input: Some(input.clone()), ..Toy::new(folder.path().join("out")) };
    plan_only(&toy, &toy.target(), &options()).unwrap();
    fs::write(&input, "34").unwrap();
    let error = run(&toy, &toy.target(), &resume(), &()).unwrap_err();
    assert!(matches!(&error, Error::OtherPlan { differences, .. } if differences.len() == 1));
    assert!(error.to_string().ends_with("in.toy: other content now than in the plan"), "{error}");
    fs::write(&input, "12").unwrap();
    assert_eq!(run(&toy, &toy.target(), &resume(), &()).unwrap().status, RunStatus::Done);
}

#[test]
fn a_large_input_is_known_by_its_time() {
    let folder = folder();
    let input = folder.path().join("in.toy");
    fs::write(&input, vec![0; 1 << 20]).unwrap();
    let toy = Toy { input: Some(input.clone()), ..Toy::new(folder.path().join("out")) };
    plan_only(&toy, &toy.target(), &options()).unwrap();
    let file = fs::File::options().append(true).open(&input).unwrap();
    let was = file.metadata().unwrap().modified().unwrap();
    file.set_modified(was + std::time::Duration::from_secs(60)).unwrap();
    let error = run(&toy, &toy.target(), &resume(), &()).unwrap_err();
    let text = error.to_string();
    assert!(text.ends_with("in.toy: modified 60.000 s later than in the plan"), "{text}");
    file.set_modified(was).unwrap();
    assert_eq!(run(&toy, &toy.target(), &resume(), &()).unwrap().status, RunStatus::Done);
}

#[test]
fn markers_of_another_plan_are_ignored() {
    let folder = folder();
    let (toy, _) = begun(folder.path(), "0..3");
    let other = Toy { gain: 5, ..Toy::new(folder.path().join("other")) };
    let plan = plan_only(&other, &other.target(), &options()).unwrap();
    run_range(&plan, "fill", &Selection::All, COMMANDS, &options(), &()).unwrap();
    for id in 0..9 {
        let name = format!(".blocks/fill/{id:08}.json");
        let (from, to) = (other.target().work_folder(), toy.target().work_folder());
        if id >= 3 {
            fs::copy(from.join(&name), to.join(&name)).unwrap();
        }
    }
    let report = run(&toy, &toy.target(), &resume(), &()).unwrap();
    assert_eq!(fill(&report).1, 3);
    assert_eq!(files(&toy.out), toy.truth());
}

#[test]
fn a_file_of_another_size_is_done_again() {
    let folder = folder();
    let (toy, _) = begun(folder.path(), "0..4");
    let chunk = toy.target().work_folder().join("work/fill/c0.0.1");
    let bytes = fs::read(&chunk).unwrap();
    fs::write(&chunk, &bytes[1..]).unwrap();
    fs::remove_file(toy.target().work_folder().join("work/fill/c0.0.2")).unwrap();
    let report = run(&toy, &toy.target(), &resume(), &()).unwrap();
    assert_eq!(fill(&report).1, 2);
    assert_eq!(files(&toy.out), toy.truth());
}

#[test]
fn verify_finds_a_torn_chunk_and_what_was_computed_from_it() {
    let folder = folder();
    let (toy, plan) = begun(folder.path(), "0..99");
    let chunk = toy.target().work_folder().join("work/fill/c0.0.1");
    let mut bytes = fs::read(&chunk).unwrap();
    bytes[2] ^= 1;
    fs::write(&chunk, &bytes).unwrap();
    // Its sums are wrong now, and marked as done.
    run_range(&plan, "sums", &Selection::All, COMMANDS, &options(), &()).unwrap();
    let verify = RunOptions { verify: true, ..resume() };
    let report = run(&toy, &toy.target(), &verify, &()).unwrap();
    assert_eq!(fill(&report), (1, blocks(&toy) - 1));
    assert_eq!(report.stages[1].skipped, 0);
    assert_eq!(files(&toy.out), toy.truth());
}

#[test]
fn leftovers_of_killed_writers_go_and_other_files_stay() {
    let folder = folder();
    let (toy, _) = begun(folder.path(), "0..2");
    let work = toy.target().work_folder();
    fs::write(work.join("data/out/c9.9.9.tmp-1-1"), "x").unwrap();
    fs::write(work.join(".blocks/fill/00000005.json.tmp-7-0"), "{").unwrap();
    fs::write(folder.path().join("a.tmp-1-1"), "not ours").unwrap();
    run(&toy, &toy.target(), &resume(), &()).unwrap();
    assert_eq!(files(&toy.out), toy.truth());
    assert!(folder.path().join("a.tmp-1-1").exists());
}

#[test]
fn a_damaged_marker_counts_as_none() {
    let folder = folder();
    let (toy, _) = begun(folder.path(), "0..4");
    let marker = toy.target().work_folder().join(".blocks/fill/00000002.json");
    fs::write(&marker, "").unwrap();
    let report = run(&toy, &toy.target(), &resume(), &()).unwrap();
    assert_eq!(fill(&report).1, 3);
}

#[test]
fn creation_that_was_interrupted_starts_anew() {
    let folder = folder();
    let (toy, plan) = begun(folder.path(), "0..2");
    fs::remove_file(plan).unwrap();
    let report = run(&toy, &toy.target(), &resume(), &()).unwrap();
    assert_eq!(fill(&report), (blocks(&toy), 0));
    assert_eq!(files(&toy.out), toy.truth());
}

#[test]
fn a_work_folder_may_be_moved() {
    let folder = folder();
    let (toy, _) = begun(folder.path(), "0..5");
    let moved = Toy { out: folder.path().join("elsewhere"), ..toy.clone() };
    fs::rename(toy.target().work_folder(), moved.target().work_folder()).unwrap();
    fs::rename(
        moved.target().work_folder().join("data/out"),
        moved.target().work_folder().join("data/elsewhere"),
    )
    .unwrap();
    let report = run(&moved, &moved.target(), &resume(), &()).unwrap();
    assert_eq!(fill(&report).1, 5);
    assert_eq!(files(&moved.out), toy.truth());
}
