//! Writers that are stopped or killed.

use std::path::PathBuf;

use hooke_core::{Dtype, ImageSink, Pixels, Region, region};
use hooke_io::ome_zarr::{Ngff, OmeZarrSink, WriteOptions, create, open_for_write};
use hooke_io::{OpenOptions, atomic, open};

use super::{files, scratch, small};
use crate::harness::{described, pattern, write_blocks};
use crate::zarr_conformance::list_files;

#[test]
fn a_stopped_writer_leaves_whole_shards_and_another_goes_on() {
    let folder = scratch();
    let shape = [1, 1, 8, 16, 16];
    let meta = described("a", "zyx", shape, Dtype::Uint16);
    let pixels = pattern(Dtype::Uint16, shape, 4);
    let at_once = folder.path().join("whole.zarr");
    write_blocks(&create(&at_once, &meta, &small(Ngff::V05)).unwrap(), &pixels, [1; 5]);
    let path = folder.path().join("a.zarr");
    let sink = create(&path, &meta, &small(Ngff::V05)).unwrap();
    let blocks: Vec<_> = region::grid(shape, sink.write_unit(0)).collect();
    for block in &blocks[..3] {
        sink.write(0, block, &pixels.crop(block)).unwrap();
    }
    drop(sink);
    std::fs::write(path.join("0/c/0/0/0.tmp-77-3"), b"torn").unwrap();
    assert_eq!(open(&path, &OpenOptions::default()).err().unwrap().code(), "incomplete");
    assert_eq!(create(&path, &meta, &small(Ngff::V05)).unwrap_err().code(), "exists");
    let sink: OmeZarrSink = open_for_write(&path).unwrap();
    for block in &blocks[2..] {
        sink.write(0, block, &pixels.crop(block)).unwrap();
    }
    sink.finish().unwrap();
    assert_eq!(files(&path), files(&at_once));
    assert_eq!(open_for_write(&path).unwrap_err().code(), "not-there");
}

/// Writes without end; killed by the test above it. Runs only as a child process.
#[test]
#[ignore = "a child process of `killed_in_the_middle_only_temporaries_and_whole_chunks_remain`"]
fn child_that_writes_until_it_is_killed() {
    let path = PathBuf::from(std::env::var_os("HOOKE_KILL_TEST").unwrap());
    let shape = [1, 1, 64, 128, 128];
    let meta = described("a", "zyx", shape, Dtype::Uint16);
    let how = WriteOptions {
        chunk: Some([8, 32, 32]),
        shard: Some([16, 64, 64]),
        ..WriteOptions::default()
    };
    let pixels = pattern(Dtype::Uint16, shape, 6);
    let sink = create(&path, &meta, &how).unwrap();
    for round in 0.. {
        for block in region::grid(shape, sink.write_unit(0)) {
            sink.write(0, &block, &pixels.crop(&block)).unwrap();
        }
        std::fs::write(path.join("round"), format!("{round}")).unwrap();
    }
}

#[test]
fn killed_in_the_middle_only_temporaries_and_whole_chunks_remain() {
    let folder = scratch();
    let path = folder.path().join("a.zarr");
    let name = "zarr_write::interrupted::child_that_writes_until_it_is_killed";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored"])
        .env("HOOKE_KILL_TEST", &path)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !path.join("round").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(37));
    child.kill().unwrap();
    child.wait().unwrap();
    atomic::remove_leftovers(&path).unwrap();
    let pixels = pattern(Dtype::Uint16, [1, 1, 64, 128, 128], 6);
    let sink = open_for_write(&path).unwrap();
    let mut back = Pixels::zeros(Dtype::Uint16, [1; 5]);
    sink.read_back(0, &Region::whole(pixels.shape()), &mut back).unwrap();
    assert!(back == pixels);
    let mut list = Vec::new();
    list_files(&path, &mut list);
    assert!(list.iter().all(|f| !atomic::is_temporary(f)));
}
