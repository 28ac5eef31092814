//! `hooke doctor`.

use clap::Args;
use hooke_workflows::engine::machine;
use serde_json::{Value, json};

use super::Result;
use crate::frame::context::Context;
use crate::frame::outcome::Outcome;

/// Tell what this machine can do.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hooke doctor\n  hooke doctor --json")]
pub struct DoctorArgs {
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(_args: DoctorArgs, _cx: &Context) -> Result {
    let features = cpu_features();
    let threads = machine::threads();
    let here = machine::describe(threads);
    let memory = machine::default_memory();
    let formats = hooke_io::open::readable_formats();
    let show = hooke_core::budget::show_bytes;
    let mut text = format!("hooke {}\n", crate::version());
    text += &format!("processor  {} ({} {}), {threads} threads\n", here.cpu, here.os, here.arch);
    text += &format!("           {}\n", features.join(" "));
    text += &format!(
        "memory     {}, of which a run takes {} unless told otherwise\n",
        show(here.memory_bytes),
        show(memory)
    );
    text += &format!("reads      {}\n", formats.join(", "));
    let result = json!({
        "version": crate::version(),
        "threads": threads,
        "cpu": here.cpu,
        "cpu_features": features,
        "memory_bytes": here.memory_bytes,
        "default_memory_bytes": memory,
        "formats": formats,
        "gpu": Value::Null,
    });
    Ok(Outcome::text(text, result))
}

fn cpu_features() -> Vec<&'static str> {
    let mut found = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        let features = [
            ("sse4.2", std::arch::is_x86_feature_detected!("sse4.2")),
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("fma", std::arch::is_x86_feature_detected!("fma")),
            ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ];
        found.extend(features.into_iter().filter(|(_, has)| *has).map(|(name, _)| name));
    }
    found
}
