//! Lines of code per file, tests apart.

use crate::sources;

const LISTED_ABOVE: usize = 400;
const REFUSED_ABOVE: usize = 800;

/// Fails above 800 lines; prints what is above 400, the median and the 90th percentile.
pub fn check() -> Result<Vec<String>, String> {
    let mut sizes = Vec::new();
    for folder in ["crates", "xtask"] {
        for file in sources::rust_files(&sources::root().join(folder))? {
            let shown = sources::shown(&file);
            if shown.contains("/tests/") || shown.contains("/benches/") {
                continue;
            }
            let code = sources::without_tests(&file)?;
            sizes.push((code.lines().filter(|l| !l.trim().is_empty()).count(), shown));
        }
    }
    sizes.sort();
    let at = |q: f64| sizes.get(((sizes.len() as f64 - 1.0) * q) as usize).map_or(0, |s| s.0);
    println!("sizes: median {} lines, 90 % below {} (aim 150 and 400)", at(0.5), at(0.9));
    for (lines, file) in sizes.iter().rev().take_while(|(lines, _)| *lines > LISTED_ABOVE) {
        println!("sizes: {file} has {lines} lines; look for the second idea in it");
    }
    let reasons =
        std::fs::read_to_string(sources::root().join("xtask/sizes.toml")).unwrap_or_default();
    let refused = |(lines, file): &&(usize, String)| {
        *lines > REFUSED_ABOVE && !reasons.contains(file.as_str())
    };
    Ok(sizes.iter().filter(refused).map(|(n, f)| format!("{f} has {n} lines")).collect())
}
