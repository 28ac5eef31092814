//! Places that share equal lines.

use std::collections::HashMap;

use crate::sources;

const SHARED_LINES: usize = 8;

/// Prints places that share eight or more equal lines; never fails.
pub fn list() -> Result<Vec<String>, String> {
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut last_pair = String::new();
    for file in sources::rust_files(&sources::root().join("crates"))? {
        let shown = sources::shown(&file);
        if shown.contains("/tests/") {
            continue;
        }
        let code = sources::without_tests(&file)?;
        let lines: Vec<(usize, &str)> = code
            .lines()
            .enumerate()
            .map(|(i, l)| (i + 1, l.trim()))
            .filter(|(_, l)| l.len() > 3 && !l.starts_with("//") && !l.starts_with("use "))
            .collect();
        for run in lines.windows(SHARED_LINES) {
            let key: Vec<&str> = run.iter().map(|(_, l)| *l).collect();
            let here = format!("{shown}:{}", run[0].0);
            if let Some(there) = seen.get(&key.join("\n")) {
                let pair = format!("{shown}|{}", there.split(':').next().unwrap_or_default());
                if pair != last_pair {
                    println!("repeats: {here} shares {SHARED_LINES} lines with {there}");
                    last_pair = pair;
                }
            } else {
                seen.insert(key.join("\n"), here);
            }
        }
    }
    Ok(Vec::new())
}
