//! The keys of `layout.json`, in their order on disk.

use hooke_core::Dtype;
use hooke_core::meta::Origin;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::quality::MinQuality;
use super::vector::{Matrix3, Vector3};

fn version() -> u32 {
    1
}

/// A set of tiles with what is known of their positions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// Always `hooke.layout`.
    pub format: String,
    /// Version of the format, 1.
    #[serde(default = "version")]
    pub version: u32,
    /// Always `z, y, x`.
    pub axes: Vec<String>,
    /// Sample type of the tiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<Dtype>,
    /// Voxel size in µm and where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voxel_size_um: Option<LayoutVoxelSize>,
    /// Index of the channel that was measured.
    #[serde(default)]
    pub align_channel: usize,
    /// Names of the channels.
    #[serde(default)]
    pub channels: Vec<String>,
    /// The tiles; a tile's id is its own field, stable when others are removed.
    pub tiles: Vec<Tile>,
    /// The measured neighbours.
    #[serde(default)]
    pub pairs: Vec<Pair>,
    /// Connected sets of tiles, after placing.
    #[serde(default)]
    pub islands: Vec<Island>,
    /// How the tiles were placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// What a user should look at.
    #[serde(default)]
    pub warnings: Vec<LayoutWarning>,
    /// What made this layout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Value>,
    /// Keys Hooke does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Voxel size in µm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LayoutVoxelSize {
    /// Along z.
    pub z: f64,
    /// Along y.
    pub y: f64,
    /// Along x.
    pub x: f64,
    /// `file`, `user` or `assumed`.
    pub origin: Origin,
}

impl LayoutVoxelSize {
    /// The size over `(z, y, x)`.
    pub fn zyx(&self) -> [f64; 3] {
        [self.z, self.y, self.x]
    }
}

/// One tile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tile {
    /// Stable identity.
    pub id: usize,
    /// Name for people.
    #[serde(default)]
    pub name: String,
    /// Where the voxels lie.
    pub source: TileSource,
    /// Place on the grid; `None` when not a grid.
    #[serde(default)]
    pub grid: Option<Grid>,
    /// Lengths over `(z, y, x)`.
    pub shape: [u64; 3],
    /// Stage position of the first voxel, voxels.
    pub nominal_px: Vector3,
    /// Stage position of the first voxel, µm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nominal_um: Option<Vector3>,
    /// Position after placing, voxels.
    #[serde(default)]
    pub position_px: Option<Vector3>,
    /// Position after placing, µm.
    #[serde(default)]
    pub position_um: Option<Vector3>,
    /// Standard deviation of the position, voxels.
    #[serde(default)]
    pub sd_px: Option<Vector3>,
    /// The island this tile belongs to, after placing.
    #[serde(default)]
    pub island: Option<usize>,
    /// How the tile was placed.
    #[serde(default)]
    pub status: Option<TileStatus>,
    /// Why the tile is not `linked`.
    #[serde(default)]
    pub reason: Option<String>,
    /// Keys Hooke does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Where the voxels of a tile lie.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TileSource {
    /// Path relative to the layout's folder, or absolute.
    pub path: String,
    /// Array inside the container.
    #[serde(default)]
    pub dataset: Option<String>,
    /// Index of the image in the file.
    #[serde(default)]
    pub series: usize,
    /// Channel of the file, when it holds several.
    #[serde(default)]
    pub channel: Option<usize>,
    /// Size when the layout was made.
    #[serde(default)]
    pub size_bytes: u64,
    /// Time of last change when the layout was made, ns since 1970.
    #[serde(default)]
    pub mtime_ns: i64,
    /// Keys Hooke does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Place on a grid; indices may start anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Grid {
    pub z: i64,
    pub y: i64,
    pub x: i64,
}

/// How a tile was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TileStatus {
    /// By its links.
    Linked,
    /// It was held at its position; others follow it.
    Fixed,
    /// By the stage model, for lack of a link worth keeping.
    Stage,
}

/// A measured neighbourhood: `displacement = position(post) - position(pre)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Id of the first tile, the smaller one.
    pub pre: usize,
    /// Id of the second tile.
    pub post: usize,
    /// The tiling axis, `z`, `y` or `x`; `None` when unknown.
    #[serde(default)]
    pub axis: Option<String>,
    /// Lengths of the nominal overlap, voxels.
    #[serde(default)]
    pub overlap_px: Option<[i64; 3]>,
    /// `position(post) - position(pre)` as measured; unmeasured components are NaN.
    pub displacement_px: Vector3,
    /// Displacement minus the nominal one.
    #[serde(default = "unknown")]
    pub shift_px: Vector3,
    /// NCC of the final overlap in [-1, 1] (`msd`: minus the mean squared difference).
    pub quality: Option<f64>,
    /// Normalised cross-correlation.
    #[serde(default)]
    pub ncc: Option<f64>,
    /// Mean squared difference.
    #[serde(default)]
    pub msd: Option<f64>,
    /// Best coarse peak over the second best.
    #[serde(default)]
    pub peak_ratio: Option<f64>,
    /// Probability that noise alone gives such a peak.
    #[serde(default)]
    pub p_false: Option<f64>,
    /// `1 - p_false`.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// Standard deviation of the displacement, voxels.
    #[serde(default)]
    pub sd_px: Option<Vector3>,
    /// Covariance of the displacement, voxels squared.
    #[serde(default)]
    pub covariance_px2: Option<Matrix3>,
    /// The best coarse peaks after refinement, best first.
    #[serde(default)]
    pub candidates: Vec<Candidate>,
    /// Weight in the last round of the solve.
    #[serde(default)]
    pub weight: Option<f64>,
    /// `position(post) - position(pre) - displacement` after placing.
    #[serde(default)]
    pub residual_px: Option<Vector3>,
    /// What became of the pair.
    pub status: PairStatus,
    /// Why it was not measured or not kept.
    #[serde(default)]
    pub reason: Option<String>,
    /// Keys Hooke does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn unknown() -> Vector3 {
    Vector3::UNKNOWN
}

/// One possible displacement of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// `position(post) - position(pre)`.
    pub displacement_px: Vector3,
    /// Its normalised cross-correlation.
    pub ncc: Option<f64>,
}

/// What became of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum PairStatus {
    Measured,
    Kept,
    Rejected,
    NoSignal,
    NoOverlap,
    Unread,
}

/// A connected set of tiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Island {
    /// Index in the list.
    pub id: usize,
    /// Ids of its tiles, ascending.
    pub tiles: Vec<usize>,
    /// The tile that was held.
    pub fixed_tile: Option<usize>,
    /// What fixed the island's place relative to the others.
    pub placed_by: PlacedBy,
    /// Keys Hooke does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What fixed an island's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum PlacedBy {
    Links,
    Stage,
}

/// How the tiles were placed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// `robust`, `optimization` or `tree`.
    pub method: String,
    /// The bound on quality, a number or `[min, max]`.
    #[serde(default)]
    pub min_quality: Option<MinQuality>,
    /// Whether positions were rounded to integers.
    pub rounded: bool,
    /// Rounds of the solve.
    pub iterations: usize,
    /// Root mean square of the kept links' residuals, voxels.
    pub residual_rms_px: Option<f64>,
    /// Largest residual of a kept link, voxels.
    pub residual_max_px: Option<f64>,
    /// Number of rejected links.
    pub rejected: usize,
    /// Affine regression of position on nominal position.
    #[serde(default)]
    pub stage_model: Option<StageModel>,
    /// Keys Hooke does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Affine regression of position on nominal position: `matrix * nominal + offset`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StageModel {
    /// Row-major.
    pub matrix: Matrix3,
    /// Voxels.
    pub offset_px: Vector3,
    /// Standard deviation of the stage about the model, voxels.
    pub sd_px: Vector3,
}

/// Something a user should look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayoutWarning {
    /// A stable word, e.g. `low_confidence`.
    pub code: String,
    /// The tile it is about.
    #[serde(default)]
    pub tile: Option<usize>,
    /// The pair it is about, `[pre, post]`.
    #[serde(default)]
    pub pair: Option<[usize; 2]>,
    /// One sentence.
    pub message: String,
}
