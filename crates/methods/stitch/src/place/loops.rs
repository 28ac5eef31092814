//! Loops of links vote: displacements around a loop of true links sum to zero.

use super::link::{Covariance, FOUR_SIGMA, Link, squared_distance};

/// First quartile of chi-square with `k = 1, 2, 3` degrees of freedom.
const CHI2_QUARTILE: [f64; 4] = [0.0, 0.1015, 0.5754, 1.2125];
/// Above this many neighbours only triangles are formed; there are plenty.
const MOST_NEIGHBOURS_FOR_SQUARES: usize = 12;
/// Uncertainties are not stretched beyond this for the median link, voxels: loops that still do
/// not close are not of true links.
const STRETCHED_SD: f64 = 0.5;

/// What loops say about the links.
pub(super) struct LoopVotes {
    /// Per link, log odds added by its loops.
    pub log_odds: Vec<f64>,
    /// Per link, the number of loops that close.
    pub closed: Vec<u32>,
    /// Per link, the number of loops that do not close.
    pub open: Vec<u32>,
    /// Log odds, from the loops of the whole set, that a link is true.
    pub log_odds_of_set: f64,
    /// Factor on all covariances, at least 1, that makes most loops close as they should.
    pub stretch: f64,
}

/// A loop of three or four links.
struct Loop {
    links: [usize; 4],
    length: usize,
    /// Squared distance of the sum from zero, before stretching.
    distance: f64,
    components: usize,
    /// Share of a random displacement's range in which the loop would close, before stretching.
    chance: f64,
}

/// Lets all loops of three and four links vote.
///
/// A loop closes when the sum of its displacements lies within 4 sd of zero. `range` is the
/// length per axis over which a false displacement may fall. First the covariances are stretched
/// such that the lower quartile of the loops' distances is that of chi-square, which holds while
/// a good part of the loops are sound; they are left alone when that would take too much.
pub(super) fn vote(nodes: usize, links: &[Link], range: [f64; 3]) -> LoopVotes {
    let loops = all_loops(nodes, links, range);
    let stretch = stretch_of(links, &loops);
    let closes = |l: &Loop| l.distance <= FOUR_SIGMA[l.components] * stretch;
    let (mut closed, mut open) = (vec![0; links.len()], vec![0; links.len()]);
    for l in &loops {
        let counts = if closes(l) { &mut closed } else { &mut open };
        l.links[..l.length].iter().for_each(|k| counts[*k] += 1);
    }
    let chance = |l: &Loop| (l.chance * stretch.powf(0.5 * l.components as f64)).min(1.0);
    // A loop of four closes when all four are true, or by chance: a loop that would close anyway
    // says nothing. Two loops of doubt keep small sets modest.
    let (mut good, mut told) = (1.3, 2.0);
    for l in &loops {
        told += 1.0 - chance(l);
        good += if closes(l) { 1.0 - chance(l) } else { 0.0 };
    }
    let sound: f64 = good / told;
    let true_share = sound.powf(0.25);
    // Loops share links, so they say less of one link than its share would: the square root of
    // the soundness lies between the two.
    let cautious = sound.sqrt().min(0.995);
    let log_odds_of_set = (cautious / (1.0 - cautious)).ln();
    let mut log_odds = vec![0.0; links.len()];
    for l in &loops {
        let vote = if closes(l) {
            -chance(l).max(0.0025).ln()
        } else {
            (1.0 - true_share.powi(l.length as i32 - 1)).ln()
        };
        l.links[..l.length].iter().for_each(|k| log_odds[*k] += vote);
    }
    LoopVotes { log_odds, closed, open, log_odds_of_set, stretch }
}

fn stretch_of(links: &[Link], loops: &[Loop]) -> f64 {
    if loops.len() < 4 {
        return 1.0;
    }
    let mut ratios: Vec<f64> =
        loops.iter().map(|l| l.distance / CHI2_QUARTILE[l.components]).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let mut sds: Vec<f64> = links
        .iter()
        .flat_map(|l| (0..3).filter(|k| l.measured[*k]).map(|k| l.covariance[k][k].sqrt()))
        .collect();
    sds.sort_unstable_by(f64::total_cmp);
    let most = (STRETCHED_SD / sds[sds.len() / 2]).max(1.0).powi(2);
    let needed = ratios[loops.len() / 4].max(1.0);
    if needed <= most { needed } else { 1.0 }
}

/// All loops of three and four links, each once, in a fixed order.
fn all_loops(nodes: usize, links: &[Link], range: [f64; 3]) -> Vec<Loop> {
    let mut neighbours: Vec<Vec<(usize, usize)>> = vec![Vec::new(); nodes];
    for (k, link) in links.iter().enumerate() {
        neighbours[link.a].push((link.b, k));
        neighbours[link.b].push((link.a, k));
    }
    neighbours.iter_mut().for_each(|n| n.sort_unstable());
    let mut loops = Vec::new();
    let mut add = |corners: &[(usize, usize)]| loops.extend(closure(links, corners, range));
    // `a` is the smallest corner; `b < c` are its neighbours in the loop.
    for a in 0..nodes {
        let later: Vec<_> = neighbours[a].iter().filter(|(n, _)| *n > a).collect();
        for (i, &&(b, ab)) in later.iter().enumerate() {
            for &&(c, ac) in &later[i + 1..] {
                for &(d, bd) in &neighbours[b] {
                    if d == c && b != c {
                        add(&[(a, ab), (b, bd), (c, ac)]);
                    }
                    let crowded =
                        later.len().max(neighbours[b].len()) > MOST_NEIGHBOURS_FOR_SQUARES;
                    if d <= a || d == c || b == c || crowded {
                        continue;
                    }
                    let from = neighbours[c].partition_point(|n| n.0 < d);
                    for &(_, cd) in neighbours[c][from..].iter().take_while(|n| n.0 == d) {
                        add(&[(a, ab), (b, bd), (d, cd), (c, ac)]);
                    }
                }
            }
        }
    }
    loops
}

/// The loop through corners, each with the link to the next corner; `None` when no component is
/// measured by all its links.
fn closure(links: &[Link], corners: &[(usize, usize)], range: [f64; 3]) -> Option<Loop> {
    let mut sum = [0.0; 3];
    let mut covariance: Covariance = [[0.0; 3]; 3];
    let mut measured = [true; 3];
    let mut used = [0; 4];
    for (at, &(from, k)) in corners.iter().enumerate() {
        let link = &links[k];
        let sign = if link.a == from { 1.0 } else { -1.0 };
        used[at] = k;
        for i in 0..3 {
            measured[i] &= link.measured[i];
            sum[i] += sign * link.candidates[0][i];
            (0..3).for_each(|j| covariance[i][j] += link.covariance[i][j]);
        }
    }
    let components = measured.iter().filter(|m| **m).count();
    (components > 0).then(|| Loop {
        links: used,
        length: corners.len(),
        distance: squared_distance(sum, &covariance, measured),
        components,
        chance: (0..3)
            .filter(|k| measured[*k])
            .map(|k| 8.0 * covariance[k][k].sqrt() / range[k])
            .product(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Pair;

    fn link(a: usize, b: usize, d: [f64; 3]) -> Link {
        let mut pair = Pair::new(a, b, d, Some(0.9));
        pair.sd_px = Some([0.05; 3].into());
        Link::new(0, &pair, (a, b), [true; 3]).expect("certain")
    }

    #[test]
    fn an_open_square_blames_its_links_and_a_closed_triangle_clears_its_own() {
        // 0-1, 1-3, 0-2, 2-3 form a square with a wrong 2-3; 3-4, 4-5, 3-5 a triangle.
        let links = [
            link(0, 1, [0.0, 0.0, 10.0]),
            link(1, 3, [0.0, 10.0, 0.0]),
            link(0, 2, [0.0, 10.0, 0.0]),
            link(2, 3, [0.0, 4.0, 17.0]),
            link(3, 4, [0.0, 0.0, 10.0]),
            link(4, 5, [0.0, 10.0, 0.0]),
            link(3, 5, [0.0, 10.0, 10.0]),
        ];
        let votes = vote(6, &links, [40.0; 3]);
        assert_eq!(votes.open, [1, 1, 1, 1, 0, 0, 0]);
        assert_eq!(votes.closed, [0, 0, 0, 0, 1, 1, 1]);
        assert!(votes.log_odds[..4].iter().all(|v| *v < 0.0));
        assert!(votes.log_odds[4..].iter().all(|v| *v > 1.0));
    }

    #[test]
    fn each_loop_of_a_full_graph_is_counted_once() {
        let mut links = Vec::new();
        for a in 0..4 {
            links.extend((a + 1..4).map(|b| link(a, b, [0.0, (b - a) as f64, 0.0])));
        }
        // K4 has four triangles and three squares.
        assert_eq!(all_loops(4, &links, [40.0; 3]).len(), 7);
    }
}
