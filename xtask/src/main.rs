//! Checks of the house: `cargo xtask floors | sizes | repeats`.
//!
//! | check | fails when |
//! |---|---|
//! | `floors` | a crate depends upwards or on a sibling, or a method touches files, clocks or the terminal |
//! | `sizes` | a file has more than 800 lines of code without a reason in `xtask/sizes.toml` |
//! | `repeats` | never; lists places that share eight or more equal lines |

mod floors;
mod repeats;
mod sizes;
mod sources;

use std::process::ExitCode;

fn main() -> ExitCode {
    let checks: Vec<String> = std::env::args().skip(1).collect();
    let names = ["floors", "sizes", "repeats"];
    let chosen: Vec<&str> = match checks.as_slice() {
        [] => names.to_vec(),
        some => some.iter().map(String::as_str).collect(),
    };
    let mut failed = false;
    for check in chosen {
        let problems = match check {
            "floors" => floors::check(),
            "sizes" => sizes::check(),
            "repeats" => repeats::list(),
            other => Err(format!("no check `{other}`; known: {}", names.join(", "))),
        };
        match problems {
            Ok(problems) if problems.is_empty() => println!("{check}: ok"),
            Ok(problems) => {
                failed = true;
                problems.iter().for_each(|p| println!("{check}: {p}"));
            }
            Err(why) => {
                failed = true;
                println!("{check}: {why}");
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
