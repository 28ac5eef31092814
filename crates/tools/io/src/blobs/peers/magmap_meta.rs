//! MagellanMapper's notes on an image, `<base>_meta.yml`.

use std::path::{Path, PathBuf};

use yaml_rust2::{Yaml, YamlLoader};

use crate::{Error, Result};

/// Bytes of the longest file of notes that is read.
const LONGEST: u64 = 1 << 20;

/// What the notes say of the images.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MagmapMeta {
    /// Voxel sizes in µm over `z, y, x`, one per series.
    pub resolutions: Vec<[f64; 3]>,
    /// Names of the series.
    pub names: Vec<String>,
    /// Lengths over `t, z, y, x` and, where there are channels, `c`, one list per series.
    pub sizes: Vec<Vec<u64>>,
}

/// The notes beside a file of MagellanMapper: `a_meta.yml` beside `a_image5d.npy` or `a_blobs.npz`.
pub fn beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let base = ["_image5d.npy", "_blobs.npz"].iter().find_map(|end| name.strip_suffix(end))?;
    Some(path.with_file_name(format!("{base}_meta.yml"))).filter(|p| p.is_file())
}

/// Reads notes.
///
/// # Errors
/// [`Error::Io`]; [`Error::MetadataInvalid`] for what is not YAML, or without usable `resolutions`.
pub fn read_meta(path: &Path) -> Result<MagmapMeta> {
    let length = std::fs::metadata(path).map_err(|e| Error::io(path, "open", e))?.len();
    if length > LONGEST {
        return Err(Error::metadata(path, format!("notes of {length} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "read", e))?;
    // An alias stands for all it names, over and over: notes have none.
    if text.contains('&') || text.contains('*') {
        return Err(Error::metadata(path, "notes with anchors or aliases"));
    }
    if is_deep(&text) {
        return Err(Error::metadata(path, "notes nested too deeply"));
    }
    let documents =
        YamlLoader::load_from_str(&text).map_err(|e| Error::metadata(path, e.to_string()))?;
    let Some(notes) = documents.first() else { return Err(Error::metadata(path, "no notes")) };
    let resolutions: Option<Vec<[f64; 3]>> =
        list(&notes["resolutions"]).iter().map(|r| numbers(r)?.try_into().ok()).collect();
    let usable = |r: &[[f64; 3]]| r.iter().flatten().all(|v| v.is_finite() && *v > 0.0);
    let resolutions = resolutions
        .filter(|r| usable(r))
        .ok_or_else(|| Error::metadata(path, "`resolutions` are not three lengths per series"))?;
    let text = |name: &Yaml| name.as_str().unwrap_or_default().to_owned();
    let names = list(&notes["names"]).iter().map(text).collect();
    let size = |sizes: &Yaml| {
        let lengths = list(sizes).iter().map(|n| n.as_i64().and_then(|n| u64::try_from(n).ok()));
        lengths.collect::<Option<Vec<u64>>>().unwrap_or_default()
    };
    let sizes = list(&notes["sizes"]).iter().map(size).collect();
    Ok(MagmapMeta { resolutions, names, sizes })
}

/// Whether a text may nest deeper than a recursive reader should go.
fn is_deep(text: &str) -> bool {
    let marks = |line: &str| line.matches(['[', '{', '?']).count() + line.matches("- ").count();
    let indent = |line: &str| line.len() - line.trim_start().len();
    text.lines().any(|line| marks(line) + indent(line) > 200)
        || text.matches(['[', '{']).count() > 1000
}

fn list(yaml: &Yaml) -> &[Yaml] {
    yaml.as_vec().map_or(&[], Vec::as_slice)
}

fn numbers(yaml: &Yaml) -> Option<Vec<f64>> {
    list(yaml).iter().map(|v| v.as_f64().or(v.as_i64().map(|v| v as f64))).collect()
}
