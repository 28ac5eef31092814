//! Dependencies only point down: read from `cargo metadata` and the table in `ARCHITECTURE.md`.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::sources;

/// What a method may not touch: it takes arrays and returns arrays.
const FORBIDDEN_IN_METHODS: &[&str] = &[
    "std::fs",
    "std::env",
    "SystemTime",
    "Instant::now",
    "println!",
    "eprintln!",
    "print!(",
    "eprint!(",
    "std::io::std",
];
/// Crates that belong to other rooms than the methods.
const FOREIGN_TO_METHODS: &[&str] =
    &["zarrs", "tiff", "clap", "pyo3", "axum", "tokio", "indicatif", "rust-hdf5", "parquet"];
/// All that `hooke-core` may use.
const CORE_USES: &[&str] =
    &["ndarray", "rand", "rand_chacha", "serde", "serde_json", "sha2", "thiserror"];

/// One sentence per broken rule.
pub fn check() -> Result<Vec<String>, String> {
    let floors = read_table()?;
    let mut problems = Vec::new();
    for package in workspace_packages()? {
        let name = text(&package, "name");
        let Some(floor) = floors.get(&name) else {
            if name.starts_with("hooke-") {
                problems.push(format!("{name} is not in the table of ARCHITECTURE.md"));
            }
            continue;
        };
        for used in normal_dependencies(&package) {
            problems.extend(edge(&name, *floor, &used, &floors));
        }
        if *floor == 2 {
            problems.extend(impure_sources(&package)?);
        }
    }
    Ok(problems)
}

fn edge(name: &str, floor: u32, used: &str, floors: &BTreeMap<String, u32>) -> Option<String> {
    if let Some(below) = floors.get(used) {
        return match below.cmp(&floor) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => Some(format!("{name} uses its sibling {used}")),
            std::cmp::Ordering::Greater => Some(format!("{name} uses {used} of a higher floor")),
        };
    }
    if name == "hooke-core" && !CORE_USES.contains(&used) {
        return Some(format!("hooke-core uses {used}, which is not in its list"));
    }
    (floor == 2 && FOREIGN_TO_METHODS.contains(&used))
        .then(|| format!("{name} is a method and uses {used}"))
}

fn impure_sources(package: &Value) -> Result<Vec<String>, String> {
    let manifest = std::path::PathBuf::from(text(package, "manifest_path"));
    let folder = manifest.parent().ok_or("a manifest lies in a folder")?.join("src");
    let mut problems = Vec::new();
    for file in sources::rust_files(&folder)? {
        let code = sources::without_tests(&file)?;
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            for word in FORBIDDEN_IN_METHODS.iter().filter(|w| line.contains(**w)) {
                let place = sources::shown(&file);
                problems.push(format!("{place}:{} uses {word} in a method", number + 1));
            }
        }
    }
    Ok(problems)
}

/// Rows `| 2 methods | hooke-stitch, ... |` of the table in ARCHITECTURE.md.
fn read_table() -> Result<BTreeMap<String, u32>, String> {
    let path = sources::root().join("ARCHITECTURE.md");
    let page = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut floors = BTreeMap::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        let number = cells.first().and_then(|c| c.split(' ').next()).and_then(|n| n.parse().ok());
        let (Some(number), Some(names)) = (number, cells.get(1)) else { continue };
        for name in names.split([',', ' ']).map(|n| n.trim_matches('`')) {
            if name.starts_with("hooke-") {
                floors.insert(name.to_owned(), number);
            }
        }
    }
    if floors.is_empty() {
        return Err("ARCHITECTURE.md has no table of floors".to_owned());
    }
    Ok(floors)
}

fn workspace_packages() -> Result<Vec<Value>, String> {
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(sources::root())
        .output()
        .map_err(|e| format!("cannot run cargo metadata: {e}"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|e| format!("cargo metadata gave no JSON: {e}"))?;
    Ok(metadata["packages"].as_array().cloned().unwrap_or_default())
}

fn normal_dependencies(package: &Value) -> Vec<String> {
    let all = package["dependencies"].as_array().cloned().unwrap_or_default();
    all.iter().filter(|d| d["kind"].is_null()).map(|d| text(d, "name")).collect()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}
