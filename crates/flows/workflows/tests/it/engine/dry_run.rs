//! `--dry-run` says what would happen and writes nothing.

use std::fs;

use hooke_core::Budget;
use hooke_workflows::engine::{Error, RunOptions, Selection, dry_run, plan_only, run, run_range};

use super::toy::{COMMANDS, Toy, folder, options, resume};

#[test]
fn a_dry_run_shows_stages_memory_and_disk_and_writes_nothing() {
    let folder = folder();
    let toy = Toy { bytes: 300 << 20, ..Toy::new(folder.path().join("out")) };
    let options = RunOptions { budget: Budget { memory: 1 << 30, threads: 4 }, ..options() };
    let dry = dry_run(&toy, &toy.target(), &options).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(dry.refused.is_none() && dry.left.is_none());
    let normalise = &dry.stages[3];
    assert_eq!((normalise.blocks, normalise.in_flight), (27, 2));
    assert_eq!(normalise.halo, Some([0, 0, 0, 0, 1]));
    assert_eq!(dry.memory.threads, 2);
    let why = dry.memory.why_fewer.as_deref();
    assert_eq!(why, Some("a block takes 300 MiB, and 704 MiB are left for blocks"));
    assert_eq!(dry.disk.needed, 660 * 12);
    let json = serde_json::to_value(&dry).unwrap();
    assert_eq!(json["stages"][0]["write"], serde_json::json!([1, 1, 2, 4, 4]));
}

#[test]
fn a_dry_run_says_what_a_run_would_refuse() {
    let folder = folder();
    let toy = Toy::new(folder.path().join("out"));
    let plan = plan_only(&toy, &toy.target(), &options()).unwrap();
    run_range(&plan, "fill", &Selection::All, COMMANDS, &options(), &()).unwrap();
    let before = super::toy::files(folder.path());
    let refused = |toy: &Toy, how: RunOptions| dry_run(toy, &toy.target(), &how).unwrap().refused;
    assert!(matches!(refused(&toy, options()), Some(Error::Unfinished { done: 27, .. })));
    let other = Toy { gain: 1, ..toy.clone() };
    assert!(matches!(refused(&other, resume()), Some(Error::OtherPlan { .. })));
    let left = dry_run(&toy, &toy.target(), &resume()).unwrap();
    assert_eq!((left.left, left.refused.is_none()), (Some(2 * 27 + 1), true));
    let overwrite = RunOptions { overwrite: true, ..options() };
    assert!(refused(&toy, overwrite).is_none());
    assert_eq!(super::toy::files(folder.path()), before);
    run(&toy, &toy.target(), &resume(), &()).unwrap();
    assert!(matches!(refused(&toy, options()), Some(Error::Exists(_))));
    assert_eq!(dry_run(&toy, &toy.target(), &resume()).unwrap().left, Some(0));
}
