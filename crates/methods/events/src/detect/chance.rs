//! How often noise makes an event as strong.

use super::Part;

/// Chances of events from those that the same steps find in the movie upside down.
///
/// Noise is as often below the baseline as above, signal is only above. Of an event, `k` is the number of
/// upside-down events that are neither lower nor smaller, and `N` the number of events of the movie: the
/// chance is `(1 + k) / (1 + N)`, at most 1. It estimates, never too low, the part of events that are noise
/// among those at least as strong as the weakest of its kind (target and decoy; Elias & Gygi 2007,
/// doi:10.1038/nmeth1019). Entry `i` is of `events[i]`.
pub fn p_values(events: &[Part], upside_down: &[Part]) -> Vec<f64> {
    // From the highest on, sizes of all upside-down events that are as high are counted in.
    let mut sizes: Vec<u64> = upside_down.iter().map(|p| p.size).collect();
    sizes.sort_unstable();
    let mut counts = Counts(vec![0; sizes.len() + 1]);
    let by_height = |parts: &[Part]| {
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by(|a, b| parts[*b].peak.total_cmp(&parts[*a].peak));
        order
    };
    let mut null = by_height(upside_down).into_iter().peekable();
    let mut p = vec![1.0; events.len()];
    for i in by_height(events) {
        while let Some(j) = null.next_if(|j| upside_down[*j].peak >= events[i].peak) {
            counts.add(sizes.len() - sizes.partition_point(|s| *s < upside_down[j].size));
        }
        // Places from the largest size on: those up to the last that is not smaller.
        let at_least = sizes.len() - sizes.partition_point(|s| *s < events[i].size);
        let k = counts.up_to(at_least);
        p[i] = ((1 + k) as f64 / (1 + events.len()) as f64).min(1.0);
    }
    p
}

/// Counts at places from 1 that are summed up to a place in logarithmic time (Fenwick 1994).
struct Counts(Vec<u64>);

impl Counts {
    fn add(&mut self, mut place: usize) {
        while place > 0 && place < self.0.len() {
            self.0[place] += 1;
            place += place & place.wrapping_neg();
        }
    }

    fn up_to(&self, mut place: usize) -> u64 {
        let mut sum = 0;
        while place > 0 {
            sum += self.0[place];
            place -= place & place.wrapping_neg();
        }
        sum
    }
}
