//! Workflows of Hooke: plan, read, call methods, write, resume, report.
//!
//! | module | holds |
//! |---|---|
//! | [`engine`] | plans of blocks: run, stop, go on, publish |
//! | [`convert`] | any readable image to any writable format |
//! | [`stitch`] | overlapping tiles to one seamless volume |
//! | [`tileset`] | sets of fields of view: one scale, one mosaic, labels unique over all tiles |
//! | [`blobs`] | blobs: found, matched, measured, in tables and stores |
//! | [`events`] | calcium movies: registered, their baseline taken out, events found and measured |
//! | [`simulate`] | data with exact ground truth |
//! | [`score`] | a result against a truth |
//! | [`step`] | what workflows of one step share |
//! | [`info`] | what is in a file |
//! | [`hints_of`] | what the reader of an error can do |
//! | [`image_output`] | an image that is written block by block, in any format |
//! | [`options`] | values as people type them: lengths, ranges, boxes |
//! | [`report`] | the HTML page of a run and its plots |

pub mod blobs;
pub mod convert;
pub mod engine;
pub mod events;
mod hints;
pub mod image_output;
pub mod info;
mod json_file;
mod one_image;
mod open_files;
pub mod options;
pub mod report;
pub mod score;
pub mod simulate;
pub mod step;
pub mod stitch;
pub mod tileset;

pub use hints::hints_of;

use std::path::Path;

use hooke_core::Dtype;
use hooke_core::provenance::OutputRecord;

/// Every command that can be taken up from its plan: one line each.
pub const COMMANDS: &[engine::Registered] = &[
    blobs::ColocalizeWorkflow::REGISTERED,
    blobs::DetectWorkflow::REGISTERED,
    blobs::ExportWorkflow::REGISTERED,
    blobs::ImportTableWorkflow::REGISTERED,
    blobs::MatchWorkflow::REGISTERED,
    blobs::StatsWorkflow::REGISTERED,
    convert::ConvertWorkflow::REGISTERED,
    events::DeltaWorkflow::REGISTERED,
    events::DetectWorkflow::REGISTERED,
    events::RegisterWorkflow::REGISTERED,
    simulate::SimulateBlobs::REGISTERED,
    simulate::SimulateMovie::REGISTERED,
    simulate::SimulateTiles::REGISTERED,
    simulate::SimulateLabels::REGISTERED,
    stitch::AlignWorkflow::REGISTERED,
    stitch::PlaceWorkflow::REGISTERED,
    stitch::FuseWorkflow::REGISTERED,
    tileset::PositionsWorkflow::REGISTERED,
    tileset::CalibrateWorkflow::REGISTERED,
    tileset::ScaleWorkflow::REGISTERED,
    tileset::SliceWorkflow::REGISTERED,
    tileset::VolumeWorkflow::REGISTERED,
    tileset::DedupWorkflow::REGISTERED,
    tileset::CentroidsWorkflow::REGISTERED,
    tileset::ToGlobalWorkflow::REGISTERED,
    tileset::MaskWorkflow::REGISTERED,
    tileset::ExportBdvWorkflow::REGISTERED,
    tileset::BlankBdvWorkflow::REGISTERED,
    tileset::UpdateOffsetsWorkflow::REGISTERED,
    tileset::SurfaceWorkflow::REGISTERED,
];

/// An output for provenance; the engine measures its size.
pub(crate) fn engine_output(
    path: &Path,
    format: &str,
    shape: Vec<u64>,
    dtype: Option<Dtype>,
) -> OutputRecord {
    OutputRecord { path: path.to_owned(), format: format.to_owned(), shape, dtype, size_bytes: 0 }
}
