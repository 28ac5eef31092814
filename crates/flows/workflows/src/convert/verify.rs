//! `--verify`: the output is read back and compared with what should be in it, by SHA-256.

use hooke_core::image::SourceError;
use hooke_core::{Dtype, Pixels, Region};
use hooke_io::OpenOptions;
use sha2::{Digest, Sha256};

use super::ConvertWorkflow;
use super::measure::{Slabs, measured_range};
use crate::engine::{Markers, WorkDir};
use crate::info::hex;

/// Of a part that is compared at once.
const MOST_BYTES: u64 = 128 << 20;

/// Streams input and output, slab by slab, and gives the hash both have.
///
/// # Errors
/// When the output cannot be read, or its first slab that differs, by its voxels.
pub(super) fn verify(
    workflow: &ConvertWorkflow,
    done: &Markers,
    work: &WorkDir,
) -> Result<String, SourceError> {
    let meta = workflow.output.meta();
    let budget = hooke_core::Budget { memory: 0, threads: 1 };
    let view = workflow.open_views(&budget, Some(work))?.last;
    let opened = hooke_io::open(&work.product(), &OpenOptions::default())?;
    let written = opened.images().first().ok_or("the output holds no image")?;
    let found = (written.meta().shape, written.meta().dtype);
    if found != (meta.shape, meta.dtype) {
        let (shape, dtype) = found;
        let wanted = format!("{} {:?}", meta.dtype, meta.shape);
        return Err(format!("--verify: the output is {dtype} {shape:?} instead of {wanted}").into());
    }
    let cast = workflow.cast.with_range(workflow.cast.measures().map(|_| measured_range(done)));
    let empty = || Pixels::zeros(Dtype::Uint8, [0; 5]);
    let (mut read, mut expected, mut back) = (empty(), empty(), empty());
    let (mut bytes, mut bytes_back) = (Vec::new(), Vec::new());
    let mut sha = Sha256::new();
    let slabs = Slabs::new(view.as_ref(), MOST_BYTES);
    for region in (0..slabs.count()).map(|id| slabs.region(id)) {
        view.read(&region, &mut read)?;
        let wanted = match cast.is_identity() {
            true => &read,
            false => {
                cast.apply(&read, meta, &region, &mut expected)?;
                &expected
            }
        };
        written.read(0, &region, &mut back)?;
        bytes.clear();
        bytes_back.clear();
        wanted.extend_le_bytes(&mut bytes);
        back.extend_le_bytes(&mut bytes_back);
        if bytes != bytes_back {
            return Err(format!("--verify: the output differs within {}", voxels(&region)).into());
        }
        sha.update(&bytes);
    }
    Ok(hex(&sha.finalize()))
}

fn voxels(region: &Region) -> String {
    let (start, end) = (region.start, region.end());
    let axes = ["t", "c", "z", "y", "x"].iter().enumerate();
    axes.map(|(d, a)| format!("{a} {}:{}", start[d], end[d])).collect::<Vec<_>>().join(", ")
}
