//! Public functions that can fail say how.

use crate::sources;

/// One sentence per public function that returns a `Result` without an `# Errors` section.
pub fn check() -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for file in sources::rust_files(&sources::root().join("crates"))? {
        let shown = sources::shown(&file);
        if shown.contains("/faces/cli/") || !shown.contains("/src/") {
            continue;
        }
        let code = sources::without_tests(&file)?;
        let lines: Vec<&str> = code.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            if line.trim_start().starts_with("pub fn ") && returns_result(&lines[number..]) {
                let documented = docs_above(&lines[..number]).any(|l| l.contains("# Errors"));
                if !documented {
                    let name = line.trim().split(['(', '<']).next().unwrap_or_default();
                    problems.push(format!("{shown}:{} {name} has no `# Errors`", number + 1));
                }
            }
        }
    }
    Ok(problems)
}

fn returns_result(lines: &[&str]) -> bool {
    let mut signature = String::new();
    for line in lines.iter().take(14) {
        signature.push_str(line);
        if line.contains('{') || line.trim_end().ends_with(';') {
            break;
        }
    }
    let signature = signature.split('{').next().unwrap_or_default();
    signature
        .rsplit("->")
        .next()
        .is_some_and(|r| signature.contains("->") && r.trim_start().contains("Result<"))
}

fn docs_above<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    lines.iter().rev().copied().take_while(|l| {
        let l = l.trim_start();
        l.starts_with("///") || l.starts_with("#[") || l.starts_with(')') || l.starts_with("//")
    })
}
