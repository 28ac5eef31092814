//! Chunk shapes of movies, for how they will be read.

use crate::EventsError;

/// What a chunk should hold at least, in bytes.
const WANTED: u128 = 1_000_000;

/// What a chunk may hold at most, in bytes.
const CAP: u128 = 64_000_000;

/// How a movie will be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChunkStrategy {
    /// Any way: cubes.
    #[default]
    Balanced,
    /// Frame by frame: whole frames.
    Frames,
    /// Pixel by pixel: all frames of small squares.
    Pixels,
}

impl ChunkStrategy {
    /// The strategy that astroCAST calls `balanced`, `XY` or `Z`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "balanced" => Some(Self::Balanced),
            "XY" => Some(Self::Frames),
            "Z" => Some(Self::Pixels),
            _ => None,
        }
    }
}

/// The chunk shape for a movie `(t, y, x)` of `item_bytes` per pixel: the smallest power of two that
/// reaches 1 MB.
///
/// Chunks never go beyond the movie. One that would hold more than 64 MB, as of very large frames or
/// very long movies, is halved along its longest axis until it does not (astroCAST has no limit).
///
/// # Errors
/// When an axis or a pixel is empty.
pub fn chunk_shape(
    shape: [usize; 3],
    item_bytes: usize,
    strategy: ChunkStrategy,
) -> Result<[usize; 3], EventsError> {
    if shape.contains(&0) || item_bytes == 0 {
        let reason = format!("{shape:?} of {item_bytes} bytes holds nothing");
        return Err(EventsError::Parameter { name: "shape", reason });
    }
    let bytes = |chunk: [usize; 3]| {
        chunk.iter().fold(item_bytes as u128, |n, v| n.saturating_mul(*v as u128))
    };
    let [frames, height, width] = shape;
    let candidate = |c: usize| match strategy {
        ChunkStrategy::Balanced => [c, c, c],
        ChunkStrategy::Frames => [c, height, width],
        ChunkStrategy::Pixels => [frames, c, c],
    };
    let powers = (0..usize::BITS).map(|e| candidate(1 << e));
    let wanted = powers.into_iter().find(|chunk| bytes(*chunk) >= WANTED).unwrap_or(shape);
    let mut chunk: [usize; 3] = std::array::from_fn(|a| wanted[a].min(shape[a]));
    while bytes(chunk) > CAP {
        // The last of equally long axes; frames are cut before they are thinned out in time.
        let longest = (0..3).max_by_key(|a| chunk[*a]).unwrap_or(0);
        chunk[longest] = chunk[longest].div_ceil(2);
        if chunk == [1, 1, 1] {
            break;
        }
    }
    Ok(chunk)
}
