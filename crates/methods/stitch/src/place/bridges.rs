//! Links that nothing checks: those whose removal would split their island.

use std::ops::Range;

/// A bridge of a graph.
pub(super) struct Bridge {
    /// The link.
    pub link: usize,
    /// Range of [`Bridges::rank`] of the nodes on one side of it.
    pub side: Range<usize>,
    /// Range of the whole island; what is not in `side` is the other side.
    pub island: Range<usize>,
}

/// The bridges of a graph and the order in which its nodes were visited.
pub(super) struct Bridges {
    pub bridges: Vec<Bridge>,
    /// Visit number of each node.
    pub rank: Vec<usize>,
}

/// Finds all bridges among the links that `used` admits, by one depth-first walk (Tarjan 1974).
pub(super) fn bridges(nodes: usize, links: &[(usize, usize)], used: &[bool]) -> Bridges {
    let mut of_node: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (k, (a, b)) in links.iter().enumerate().filter(|(k, _)| used[*k]) {
        of_node[*a].push(k);
        of_node[*b].push(k);
    }
    let mut rank = vec![usize::MAX; nodes];
    let mut lowest = vec![0; nodes];
    let mut found: Vec<Bridge> = Vec::new();
    let mut visited = 0;
    // Node, the link it was entered by, how many of its links are done.
    let mut path: Vec<(usize, Option<usize>, usize)> = Vec::new();
    for start in 0..nodes {
        if rank[start] != usize::MAX {
            continue;
        }
        (rank[start], lowest[start]) = (visited, visited);
        visited += 1;
        path.push((start, None, 0));
        let (first, before) = (rank[start], found.len());
        while let Some((node, entered, done)) = path.last_mut() {
            let (node, entered) = (*node, *entered);
            if let Some(&k) = of_node[node].get(*done) {
                *done += 1;
                let (a, b) = links[k];
                let next = if a == node { b } else { a };
                if Some(k) == entered {
                    continue;
                }
                if rank[next] == usize::MAX {
                    (rank[next], lowest[next]) = (visited, visited);
                    visited += 1;
                    path.push((next, Some(k), 0));
                } else {
                    lowest[node] = lowest[node].min(rank[next]);
                }
                continue;
            }
            path.pop();
            if let (Some(&(parent, ..)), Some(k)) = (path.last(), entered) {
                lowest[parent] = lowest[parent].min(lowest[node]);
                if lowest[node] > rank[parent] {
                    found.push(Bridge { link: k, side: rank[node]..visited, island: 0..0 });
                }
            }
        }
        found[before..].iter_mut().for_each(|b| b.island = first..visited);
    }
    Bridges { bridges: found, rank }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_outside_every_loop_are_bridges() {
        // A triangle 0 1 2, a tail 2-3-4, a double link 4=5, a lone 6.
        let links = [(0, 1), (1, 2), (0, 2), (2, 3), (3, 4), (4, 5), (4, 5)];
        let found = bridges(7, &links, &[true; 7]);
        let mut names: Vec<usize> = found.bridges.iter().map(|b| b.link).collect();
        names.sort_unstable();
        assert_eq!(names, [3, 4]);
        let tail = found.bridges.iter().find(|b| b.link == 4).expect("3-4 is a bridge");
        let inside: Vec<usize> = (0..7).filter(|n| tail.side.contains(&found.rank[*n])).collect();
        assert_eq!(inside, [4, 5]);
        assert_eq!(tail.island.len(), 6);
        let fewer = bridges(7, &links, &[true, true, false, true, true, true, false]);
        assert_eq!(fewer.bridges.len(), 5);
    }
}
