//! Puts the commit and its date into the binary, for `--version` and provenance.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=../../../.git/HEAD");
    println!("cargo::rerun-if-changed=../../../.git/logs/HEAD");
    let log = Command::new("git").args(["log", "-1", "--format=%h %cs"]).output();
    let commit = match log {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown commit".to_owned(),
    };
    println!("cargo::rustc-env=HOOKE_COMMIT={commit}");
}
