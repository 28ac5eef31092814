//! Runs the binary in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder that goes away, in which commands run.
pub struct Bench {
    folder: tempfile::TempDir,
}

/// What a command gave.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Bench {
    pub fn new() -> Bench {
        Bench { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hooke"));
        command.current_dir(self.folder.path()).args(words(line));
        for name in ["HOOKE_THREADS", "HOOKE_MEMORY", "HOOKE_LOG", "RUST_BACKTRACE"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs `hooke LINE`; words are separated by spaces, single quotes keep one together.
    pub fn run(&self, line: &str) -> Ran {
        let Output { status, stdout, stderr } = self.command(line).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let folder = self.folder.path().to_string_lossy().into_owned();
        let clean = |text: String| text.replace(&folder, "DIR");
        let ran = Ran {
            code: status.code().unwrap_or(-1),
            out: clean(text(stdout)),
            err: clean(text(stderr)),
        };
        assert!(!ran.err.contains("panicked"), "hooke {line}\n{}", ran.err);
        ran
    }

    /// Runs a command that must succeed.
    pub fn ok(&self, line: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "hooke {line}\n{}{}", ran.out, ran.err);
        ran
    }

    /// Runs a command that must fail with this code; gives standard error.
    pub fn fails(&self, code: i32, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, code, "hooke {line}\n{}{}", ran.out, ran.err);
        ran.err
    }

    /// Runs a command with `--json` and reads what it printed.
    pub fn json(&self, line: &str) -> Value {
        let ran = self.run(&format!("{line} --json"));
        serde_json::from_str(&ran.out)
            .unwrap_or_else(|e| panic!("hooke {line}: {e}\n{}{}", ran.out, ran.err))
    }

    /// The SHA-256 of an image's pixels.
    pub fn hash(&self, path: &str) -> String {
        let info = self.json(&format!("info {path} --hash"));
        info["files"][0]["images"][0]["sha256"]
            .as_str()
            .unwrap_or_else(|| panic!("{info}"))
            .to_owned()
    }

    /// Everything in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).unwrap().flatten();
        let mut names: Vec<String> =
            entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read_json(&self, name: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }

    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Four small tiles with truth in `tiles/`.
    pub fn with_tiles(kind: &str) -> Bench {
        let bench = Bench::new();
        bench.ok(&format!(
            "simulate tiles -o tiles --kind {kind} --grid 2,2 --tile 16,128,128 --overlap 32 --jitter 2,5,5 --seed 3 -q"
        ));
        bench
    }
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (i, part) in line.split('\'').enumerate() {
        if i % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Every file below a folder with its bytes, but those that hold times: for "same bytes".
pub fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                files.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    // The image's own name is that of the output and stands in the root's metadata.
    files.retain(|(name, _)| name != "zarr.json");
    files.sort();
    files
}
