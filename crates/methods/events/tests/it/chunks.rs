//! Chunk shapes against astroCAST's.

use hooke_events::chunks::{ChunkStrategy, chunk_shape};

use crate::conformance_kit::{json, numbers};

#[test]
fn chunks_are_the_peers() {
    let Some(cases) = json("chunks.json") else { return };
    for case in cases.as_array().unwrap() {
        let shape: Vec<usize> = numbers(&case["shape"]).iter().map(|v| *v as usize).collect();
        let expected: Vec<usize> = numbers(&case["chunks"]).iter().map(|v| *v as usize).collect();
        let bytes = match case["dtype"].as_str().unwrap() {
            "uint8" => 1,
            "uint16" => 2,
            _ => 4,
        };
        let strategy = ChunkStrategy::from_name(case["strategy"].as_str().unwrap()).unwrap();
        let found = chunk_shape([shape[0], shape[1], shape[2]], bytes, strategy).unwrap();
        assert_eq!(found[..], expected, "{case}");
    }
}

#[test]
fn large_chunks_are_cut_and_nothing_is_refused() {
    let bytes = |c: [usize; 3]| c.iter().product::<usize>() * 4;
    for (shape, strategy) in [
        ([10, 20_000, 20_000], ChunkStrategy::Frames),
        ([50_000_000, 2, 2], ChunkStrategy::Pixels),
        ([usize::MAX, 1, 1], ChunkStrategy::Pixels),
    ] {
        let found = chunk_shape(shape, 4, strategy).unwrap();
        assert!(bytes(found) <= 64_000_000 && bytes(found) > 16_000_000, "{found:?}");
    }
    assert!(chunk_shape([0, 5, 5], 2, ChunkStrategy::Balanced).is_err());
    assert!(ChunkStrategy::from_name("xyz").is_none());
}
