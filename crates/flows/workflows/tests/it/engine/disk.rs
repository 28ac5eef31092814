//! Disks that fill up in mid-run.

use std::fs;
use std::path::Path;
use std::process::Command;

use hooke_workflows::engine::{plan_only, plan_status};

use super::child::Job;
use super::toy::{files, folder, options};

#[test]
fn a_file_size_limit_stops_the_run_and_lifting_it_lets_it_go_on() {
    let folder = folder();
    // A chunk of `fill` has 2 kB; plans, markers and notes are smaller.
    let layout = Some(([1, 1, 4, 32, 32], [1, 1, 2, 16, 16]));
    let job = Job { layout, ..Job::new(&folder.path().join("out")) };
    let toy = job.toy();
    plan_only(&toy, &toy.target(), &options()).unwrap();
    let limited = job.clone().resume().limited(1);
    let (code, answer) = limited.run();
    assert_eq!(code, Some(1), "{answer}");
    let text = answer["error"].as_str().unwrap();
    assert!(text.starts_with("the run stopped at block ") && text.contains("of fill"), "{text}");
    assert!(text.contains("file too large"), "{text}");
    assert_eq!(job.resume().run().0, Some(0));
    assert_eq!(files(&toy.out), toy.truth());
}

/// A file system of a fixed size, gone when dropped.
struct Tmpfs<'a>(&'a Path);

impl<'a> Tmpfs<'a> {
    fn mount(path: &'a Path) -> Option<Tmpfs<'a>> {
        let options = ["-t", "tmpfs", "-o", "size=16m", "tmpfs"];
        let status = Command::new("mount").args(options).arg(path).output().ok()?.status;
        status.success().then_some(Tmpfs(path))
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_disk_that_fills_up_stops_the_run_and_room_lets_it_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Tmpfs::mount(folder.path()) else {
        return println!("SKIPPED: no right to mount a small file system");
    };
    let layout = Some(([1, 1, 6, 40, 40], [1, 1, 2, 4, 4]));
    let job = Job { layout, ..Job::new(&folder.path().join("out")) };
    let toy = job.toy();
    let plan = plan_only(&toy, &toy.target(), &options()).unwrap();
    let filler = folder.path().join("filler");
    let free = hooke_workflows::engine::free_bytes(folder.path()).unwrap();
    fs::write(&filler, vec![1; free as usize - (200 << 10)]).unwrap();
    let (code, answer) = job.clone().resume().run();
    assert_eq!(code, Some(1), "{answer}");
    let text = answer["error"].as_str().unwrap();
    assert!(text.starts_with("the run stopped at block ") && text.ends_with(" are free"), "{text}");
    assert_eq!(text.to_lowercase().matches("no space left on device").count(), 1, "{text}");
    let done = plan_status(&plan).unwrap().stages[0].done;
    assert!(done > 0);
    fs::remove_file(&filler).unwrap();
    let (code, answer) = job.resume().run();
    assert_eq!(code, Some(0), "{answer}");
    assert!(answer["blocks"]["skipped"].as_u64().unwrap() >= done);
    assert_eq!(files(&toy.out), toy.truth());
    drop(disk);
}
