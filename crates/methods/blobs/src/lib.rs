//! Blobs (cells or spots) in volumes: found, placed finer than a voxel, matched across channels.
//!
//! Arrays in, arrays out: no paths are opened here. Points, voxel sizes and shapes are `(z, y, x)`.
