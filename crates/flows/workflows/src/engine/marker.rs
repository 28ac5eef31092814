//! Markers: one small file per block that proves that the block's data is on disk.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use hooke_core::image::WrittenKey;
use hooke_core::plan::{Plan, PlanHash};
use hooke_core::region::Region;
use hooke_io::atomic;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::{self, Error, Result};

const FORMAT: &str = "hooke.block";
const VERSION: u32 = 1;
/// Above this many blocks, markers stand in folders.
const FLAT: u64 = 10_000;
/// Blocks per folder.
const PER_FOLDER: u64 = 1_000;

/// A block that is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Marker {
    format: String,
    version: u32,
    plan: PlanHash,
    stage: String,
    /// Its number.
    pub id: u64,
    /// The attempt that succeeded.
    pub attempt: u32,
    status: String,
    keys: Vec<KeyFile>,
    /// Values that the block left for later stages.
    pub summary: Map<String, Value>,
    /// How long it took, retries included.
    pub seconds: f64,
    /// Bytes it read from inputs.
    pub bytes_read: u64,
    /// Bytes it wrote.
    pub bytes_written: u64,
    host: String,
    worker: String,
}

/// `["0/c/0/0/1", 48123, "crc32c:1a2b3c4d"]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KeyFile(String, u64, String);

/// A block that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedMarker {
    format: String,
    version: u32,
    plan: PlanHash,
    stage: String,
    /// Its number.
    pub id: u64,
    status: String,
    /// Why, and how often it was tried.
    #[serde(flatten)]
    pub failure: Failure,
}

/// Why a block failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Whether trying again might help.
    pub kind: FailureKind,
    /// What happened.
    pub error: String,
    /// Its causes, nearest first.
    pub causes: Vec<String>,
    /// What a user can do.
    #[serde(default)]
    pub hints: Vec<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// What the block should have written.
    pub region: Region,
}

/// Why a block failed, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// It was tried four times.
    Transient,
    /// It would fail again.
    Permanent,
    /// A defect of Hooke.
    Panic,
}

impl Failure {
    /// The error and its causes in one line.
    pub fn message(&self) -> String {
        error::join(self.error.clone(), &self.causes)
    }
}

/// What a finished block hands over for its marker.
pub(crate) struct Finding {
    pub id: u64,
    pub attempt: u32,
    pub keys: Vec<WrittenKey>,
    pub summary: Map<String, Value>,
    pub seconds: f64,
    pub bytes_read: u64,
}

/// How far a stage is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scan {
    /// For every block whether its marker is valid.
    pub done: Vec<bool>,
    /// Seconds of the blocks that are done, added up.
    pub seconds: f64,
    /// Bytes that they read.
    pub bytes_read: u64,
    /// Bytes that they wrote.
    pub bytes_written: u64,
}

impl Scan {
    /// Number of blocks that are done.
    pub fn count(&self) -> u64 {
        self.done.iter().filter(|d| **d).count() as u64
    }

    /// Blocks that are not done, in order.
    pub fn missing(&self) -> impl Iterator<Item = u64> + '_ {
        (0u64..).zip(&self.done).filter(|(_, done)| !**done).map(|(id, _)| id)
    }
}

/// The markers of a plan in its work folder.
#[derive(Debug, Clone)]
pub struct Markers {
    work: PathBuf,
    hash: PlanHash,
    counts: Vec<(String, u64)>,
    host: String,
}

impl Markers {
    /// The markers of that plan below a work folder.
    pub(crate) fn new(work: &Path, plan: &Plan) -> Markers {
        Markers {
            work: work.to_owned(),
            hash: plan.hash.clone(),
            counts: plan.stages.iter().map(|s| (s.name.clone(), s.blocks.len())).collect(),
            host: super::lock::host(),
        }
    }

    fn count(&self, stage: &str) -> u64 {
        self.counts.iter().find(|(name, _)| name == stage).map_or(0, |(_, count)| *count)
    }

    fn folder(&self, stage: &str, id: u64) -> PathBuf {
        let folder = self.work.join(".blocks").join(stage);
        match self.count(stage) > FLAT {
            true => folder.join(format!("{:05}", id / PER_FOLDER)),
            false => folder,
        }
    }

    /// Where the marker of a block stands.
    pub fn path(&self, stage: &str, id: u64) -> PathBuf {
        self.folder(stage, id).join(format!("{id:08}.json"))
    }

    fn failed_path(&self, stage: &str, id: u64) -> PathBuf {
        self.folder(stage, id).join(format!("{id:08}.failed.json"))
    }

    /// The marker of a block, if it is there, whole, and of this plan.
    pub fn read(&self, stage: &str, id: u64) -> Option<Marker> {
        let marker: Marker = serde_json::from_slice(&fs::read(self.path(stage, id)).ok()?).ok()?;
        let ours = marker.format == FORMAT
            && marker.version == VERSION
            && marker.plan == self.hash
            && marker.stage == stage
            && marker.id == id
            && marker.status == "done";
        ours.then_some(marker)
    }

    /// The summaries of a complete stage, in the order of its blocks.
    ///
    /// # Errors
    /// Each item is an error when that block has no valid marker.
    pub fn summaries<'a>(
        &'a self,
        stage: &'a str,
    ) -> impl Iterator<Item = Result<Map<String, Value>>> + 'a {
        (0..self.count(stage)).map(move |id| match self.read(stage, id) {
            Some(marker) => Ok(marker.summary),
            None => Err(Error::NotAPlan {
                path: self.path(stage, id),
                what: "the marker of this block is missing or damaged".to_owned(),
            }),
        })
    }

    /// Whether a stage has a folder of markers.
    pub(crate) fn has_any(&self, stage: &str) -> bool {
        self.work.join(".blocks").join(stage).is_dir()
    }

    /// Which blocks of a stage are done: their markers are whole, and the files they name have
    /// the sizes they name. With `verify` also the same content.
    pub fn scan(&self, stage: &str, verify: bool) -> Scan {
        let count = self.count(stage);
        if !self.has_any(stage) {
            return Scan { done: vec![false; count as usize], ..Scan::default() };
        }
        let markers: Vec<Option<(f64, u64, u64)>> = (0..count)
            .into_par_iter()
            .map(|id| {
                let marker = self.read(stage, id)?;
                marker.keys.iter().all(|key| self.holds(key, verify)).then_some((
                    marker.seconds,
                    marker.bytes_read,
                    marker.bytes_written,
                ))
            })
            .collect();
        let mut scan = Scan { done: Vec::with_capacity(markers.len()), ..Scan::default() };
        for marker in markers {
            scan.done.push(marker.is_some());
            if let Some((seconds, read, written)) = marker {
                scan.seconds += seconds;
                scan.bytes_read += read;
                scan.bytes_written += written;
            }
        }
        scan
    }

    fn holds(&self, key: &KeyFile, verify: bool) -> bool {
        let path = self.work.join(&key.0);
        match verify {
            false => path.metadata().is_ok_and(|m| m.len() == key.1),
            true => {
                content(&path).is_ok_and(|(bytes, crc)| bytes == key.1 && checksum(crc) == key.2)
            }
        }
    }

    /// Marks a block as done. Its data must be on disk.
    pub(crate) fn write(&self, stage: &str, finding: Finding) -> Result<Marker> {
        let marker = Marker {
            format: FORMAT.to_owned(),
            version: VERSION,
            plan: self.hash.clone(),
            stage: stage.to_owned(),
            id: finding.id,
            attempt: finding.attempt,
            status: "done".to_owned(),
            bytes_written: finding.keys.iter().map(|k| k.bytes).sum(),
            keys: finding
                .keys
                .into_iter()
                .map(|k| KeyFile(k.key, k.bytes, checksum(k.crc32c)))
                .collect(),
            summary: finding.summary,
            seconds: finding.seconds,
            bytes_read: finding.bytes_read,
            host: self.host.clone(),
            worker: format!("pid {}", std::process::id()),
        };
        let path = self.path(stage, finding.id);
        // A block without data loses nothing when its marker is lost in a power cut.
        write(&path, &json(&marker, &path)?, !marker.keys.is_empty())?;
        let failed = self.failed_path(stage, finding.id);
        match fs::remove_file(&failed) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(&failed, "remove")(e)),
            _ => Ok(marker),
        }
    }

    /// Notes that a block failed.
    pub(crate) fn write_failed(&self, stage: &str, id: u64, failure: &Failure) -> Result<()> {
        let marker = FailedMarker {
            format: FORMAT.to_owned(),
            version: VERSION,
            plan: self.hash.clone(),
            stage: stage.to_owned(),
            id,
            status: "failed".to_owned(),
            failure: failure.clone(),
        };
        let path = self.failed_path(stage, id);
        write(&path, &json(&marker, &path)?, false)
    }

    /// The failure of a block, if it failed and was not done since.
    pub fn read_failed(&self, stage: &str, id: u64) -> Option<Failure> {
        let bytes = fs::read(self.failed_path(stage, id)).ok()?;
        let marker: FailedMarker = serde_json::from_slice(&bytes).ok()?;
        (marker.plan == self.hash && marker.id == id).then_some(marker.failure)
    }

    /// Forgets all markers of a stage, because what they were computed from changes.
    pub(crate) fn forget(&self, stage: &str) -> Result<()> {
        let folder = self.work.join(".blocks").join(stage);
        match fs::remove_dir_all(&folder) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(&folder, "remove")(e)),
            _ => Ok(()),
        }
    }
}

/// Length and CRC-32C of a file, read in pieces: a shard may be large.
fn content(path: &Path) -> io::Result<(u64, u32)> {
    let mut file = fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 18];
    let (mut length, mut crc) = (0, 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((length, crc)),
            n => {
                length += n as u64;
                crc = crc32c::crc32c_append(crc, &buffer[..n]);
            }
        }
    }
}

fn checksum(crc32c: u32) -> String {
    format!("crc32c:{crc32c:08x}")
}

fn json(marker: &impl Serialize, path: &Path) -> Result<Vec<u8>> {
    serde_json::to_vec(marker).map_err(|e| Error::io(path, "write")(e.into()))
}

/// Writes a marker, making its folder only when that is missing: it saves a call per block.
fn write(path: &Path, bytes: &[u8], flush: bool) -> Result<()> {
    let once = || match flush {
        true => atomic::write_file(path, &[bytes]),
        false => atomic::write_file_unflushed(path, bytes),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    if once().is_err() {
        fs::create_dir_all(folder).map_err(Error::io(folder, "create the folder"))?;
        once()?;
    }
    if flush {
        atomic::sync_folder(folder)?;
    }
    Ok(())
}

/// Neighbouring ids as half-open ranges: `3..7`.
pub fn ranges(ids: impl IntoIterator<Item = u64>) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for id in ids {
        match ranges.last_mut() {
            Some(last) if last.end == id => last.end += 1,
            _ => ranges.push(id..id + 1),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_ids_become_ranges() {
        assert_eq!(ranges([1, 2, 3, 7, 9, 10]), [1..4, 7..8, 9..11]);
        assert!(ranges([]).is_empty());
    }
}
