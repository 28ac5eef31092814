//! Buffers of one worker, kept between blocks.

use super::rows::RowBuffers;

/// Buffers of one worker; reused from block to block, never more than the neediest block asked for.
#[derive(Debug, Clone)]
pub struct FuseScratch<T> {
    pub(crate) boxes: Vec<Vec<T>>,
    pub(crate) rows: RowBuffers,
    most: usize,
}

impl<T> Default for FuseScratch<T> {
    fn default() -> FuseScratch<T> {
        FuseScratch { boxes: Vec::new(), rows: RowBuffers::default(), most: 0 }
    }
}

impl<T> FuseScratch<T> {
    /// Makes `boxes[i]` empty, with room for exactly `needs[i]` samples.
    ///
    /// The largest buffers go to the largest boxes. What is held in all never exceeds the largest
    /// sum of needs so far, so that the memory of a run is known from its neediest block.
    pub(crate) fn prepare(&mut self, needs: &[usize]) {
        self.most = self.most.max(needs.iter().sum());
        let mut order: Vec<usize> = (0..needs.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(needs[*i]));
        let mut spare = std::mem::take(&mut self.boxes);
        spare.sort_by_key(|b| std::cmp::Reverse(b.capacity()));
        let unused: usize = spare.iter().skip(needs.len()).map(Vec::capacity).sum();
        let sizes = spare.iter().map(Vec::capacity).chain(std::iter::repeat(0));
        let used: usize = order.iter().zip(sizes).map(|(i, c)| c.max(needs[*i])).sum();
        let too_much = used + unused > self.most;
        if too_much {
            spare.truncate(needs.len());
        }
        self.boxes.resize_with(needs.len().max(spare.len()), Vec::new);
        for (&i, mut buffer) in order.iter().zip(spare.drain(..needs.len().min(spare.len()))) {
            buffer.clear();
            if used <= self.most || buffer.capacity() <= needs[i] {
                self.boxes[i] = buffer;
            }
        }
        for (kept, buffer) in self.boxes[needs.len()..].iter_mut().zip(spare) {
            *kept = buffer;
        }
        for (buffer, need) in self.boxes.iter_mut().zip(needs) {
            buffer.reserve_exact(*need);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_hold_no_more_than_the_neediest_block() {
        let mut scratch = FuseScratch::<u8>::default();
        let held = |s: &FuseScratch<u8>| s.boxes.iter().map(Vec::capacity).sum::<usize>();
        let rounds: [&[usize]; 6] =
            [&[100], &[20, 90], &[25, 25, 25, 25], &[], &[100], &[10, 60, 10]];
        for needs in rounds {
            scratch.prepare(needs);
            assert!(needs.iter().zip(&scratch.boxes).all(|(n, b)| b.capacity() >= *n));
            assert!(held(&scratch) <= 110, "{} bytes for {needs:?}", held(&scratch));
        }
        let before = scratch.boxes[1].as_ptr();
        scratch.prepare(&[10, 60, 10]);
        assert_eq!(scratch.boxes[1].as_ptr(), before, "the same need keeps its buffer");
    }
}
