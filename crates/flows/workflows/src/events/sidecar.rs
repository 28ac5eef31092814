//! Small files beside a movie: `reg.zarr` has `reg.shifts.parquet`, `reg.register.json`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use hooke_core::Region;
use hooke_core::image::SourceError;
use hooke_core::plan::Plan;
use hooke_core::provenance::OutputRecord;
use serde_json::{Value, json};

use crate::engine::WorkDir;

/// A path without its suffixes: `reg` of `reg.ome.zarr`.
fn bare(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = [".ome.zarr", ".ome.tif", ".ome.tiff"].iter().find_map(|s| name.strip_suffix(s));
    match plain {
        Some(plain) => path.with_file_name(plain),
        None => path.with_extension(""),
    }
}

/// The file that stands beside a movie.
pub(super) fn beside(movie: &Path, name: &str) -> PathBuf {
    let bare = bare(movie);
    let stem = bare.file_name().unwrap_or_default().to_string_lossy().into_owned();
    bare.with_file_name(format!("{stem}.{name}"))
}

/// The name of a movie without its suffixes.
pub(super) fn stem(movie: &Path) -> String {
    bare(movie).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Rows `y0..y1` and columns `x0..x1` of a movie that come from inside of every frame, as registration left it
/// beside the movie, or beside the one it was made from.
pub(super) fn valid_area(movie: &Path) -> Option<[usize; 4]> {
    let said = ["register.json", "delta.json"].into_iter().find_map(|name| {
        let text = std::fs::read_to_string(beside(movie, name)).ok()?;
        serde_json::from_str::<Value>(&text).ok()?.get("valid").cloned()
    })?;
    let side = |name: &str| said.get(name)?.as_u64().map(|n| n as usize);
    Some([side("y0")?, side("y1")?, side("x0")?, side("x1")?])
}

/// Frames, rows and columns of a region.
pub(super) fn spans(region: &Region) -> [Range<usize>; 3] {
    let end = region.end();
    [0, 3, 4].map(|d| region.start[d] as usize..end[d] as usize)
}

/// What a step says of its result, with what it was told. When it ran and how long stands in `hooke.json`:
/// equal work gives equal bytes here.
pub(super) struct Sidecar<'a> {
    pub path: PathBuf,
    pub result: &'a Value,
}

impl Sidecar<'_> {
    /// Writes it where it is published from.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, plan: &Plan, work: &WorkDir) -> Result<OutputRecord, SourceError> {
        let mut all = json!({
            "hooke": env!("CARGO_PKG_VERSION"),
            "command": plan.command,
            "parameters": plan.parameters,
            "parameter_hash": plan.hash.short(),
            "inputs": plan.inputs.iter().map(|i| &i.path).collect::<Vec<_>>(),
        });
        if let (Some(all), Some(own)) = (all.as_object_mut(), self.result.as_object()) {
            all.extend(own.clone());
        }
        let text = serde_json::to_vec_pretty(&all)?;
        let name = self.path.file_name().unwrap_or_default();
        hooke_io::atomic::write_file(&work.data().join(name), &[&text])?;
        Ok(crate::engine_output(&self.path, "json", vec![], None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sidecars_stand_beside_the_movie_without_its_suffix() {
        assert_eq!(
            beside(Path::new("a/reg.zarr"), "shifts.parquet"),
            Path::new("a/reg.shifts.parquet")
        );
        assert_eq!(beside(Path::new("r.2.ome.zarr"), "x.json"), Path::new("r.2.x.json"));
        assert_eq!(beside(Path::new("r.2.tif"), "x.json"), Path::new("r.2.x.json"));
        assert_eq!(stem(Path::new("a/reg.ome.tif")), "reg");
    }
}
