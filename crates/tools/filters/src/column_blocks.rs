/// Cuts a volume into blocks of up to `columns` neighbouring columns along `axis`, all of its length.
///
/// Each block is the index of its first voxel and its part of every row, so that blocks can be written
/// side by side. The part of row `i` starts `i` times the product of the axes after `axis` behind the first.
pub(crate) fn column_blocks<T>(
    volume: &mut [T],
    shape: [usize; 3],
    axis: usize,
    columns: usize,
) -> Vec<(usize, Vec<&mut [T]>)> {
    let len = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let mut blocks: Vec<(usize, Vec<&mut [T]>)> = Vec::new();
    if volume.is_empty() {
        return blocks;
    }
    for (outer, part) in volume.chunks_mut(len * inner).enumerate() {
        let first = blocks.len();
        for row in part.chunks_mut(inner) {
            for (i, part) in row.chunks_mut(columns).enumerate() {
                if blocks.len() == first + i {
                    blocks.push((outer * len * inner + i * columns, Vec::with_capacity(len)));
                }
                blocks[first + i].1.push(part);
            }
        }
    }
    blocks
}
